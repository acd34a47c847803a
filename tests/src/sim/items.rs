//! A catalogue for the simulation: readers of two areas, one that changes the PC (the reader of its area is its preview), one
//! of a high level, one whose results the person looks at.

use std::num::NonZeroU16;

use venia_proto::catalog::{Catalog, DefinitionError, PLAN};
use venia_proto::consent::RunId;
use venia_proto::fences::Fences;
use venia_proto::foreign::Foreign;
use venia_proto::id::Strand;
use venia_proto::key::SigningKey;
use venia_proto::ledger::body::{Asked, DefinitionHash, ItemId, Offer, Open, Redaction, Request};
use venia_proto::ledger::kind::Verified;
use venia_proto::report::{Fact, Report};
use venia_proto::session::agent::{Arrival, Finished};

/// The technician's strand.
pub const TECHNICIAN: Strand = Strand::Technician(NonZeroU16::MIN);
/// The technician's certified level.
pub const LEVEL: u8 = 2;
/// Reads, `system`.
pub const PROBE: &str = "system.probe";
/// Reads, `network`.
pub const OTHER: &str = "network.probe";
/// Changes the PC.
pub const FIX: &str = "network.fix";
/// Above the technician's level.
pub const DEEP: &str = "hardware.deep";
/// Reads personal data.
pub const DIARY: &str = "tasks.diary";
/// Not in the catalogue.
pub const NONE: &str = "system.none";

/// A PC that fences everything in.
pub const FENCED: Fences = Fences { landlock: 7, seccomp: true, cgroup: true };
/// What it says about its change.
const CHANGE: &str =
    r#"{"preview":"network.probe","undo":{"en":"u","es":"u"},"interruptible":true,"seconds":1,"by":"account"}"#;

/// The catalogue.
pub fn catalog() -> Result<Catalog, DefinitionError> {
    let item = |(id, area, effect, level): (&str, &str, &str, u8)| {
        let personal = id == DIARY;
        let change = if effect == "changes" { CHANGE } else { "null" };
        format!(
            r#"{{"id":"{id}","area":"{area}","effect":"{effect}","level":{level},"personal":{personal},
            "title":{{"en":"t","es":"t"}},"discloses":{{"en":"d","es":"d"}},"cannot":{{"en":"It changes nothing","es":"No cambia nada"}},"platforms":["linux"],"needs":{{}},"output_max":65536,"deadline_ms":10000,"change":{change},"facts":{{"plan":{{"en":"p","es":"p","kind":"word"}}}},"tables":{{}},"findings":{{}},
            "parameters":[{{"name":"n","title":{{"en":"n","es":"n"}},"accepts":{{"choice":["a","b"]}},"default":"a"}}]}}"#
        )
    };
    let files = [
        (PROBE, "system", "reads", 1),
        (OTHER, "network", "reads", 1),
        (FIX, "network", "changes", 1),
        (DEEP, "hardware", "reads", 4),
        (DIARY, "tasks", "reads", 1),
    ]
    .map(item);
    Catalog::from_files(&files.each_ref().map(String::as_str))
}

/// One item with one argument.
pub fn asked(catalog: &Catalog, item: &str, value: &str) -> Asked {
    let item = ItemId(item.to_owned());
    let definition = catalog.get(&item).map_or(DefinitionHash("?".to_owned()), |item| item.definition.clone());
    Asked { item, definition, arguments: [("n".to_owned(), value.to_owned())].into() }
}

/// The same as a request.
pub fn request(asked: Asked) -> Request {
    let Asked { item, definition, arguments } = asked;
    Request { item, definition, arguments, why: Foreign::new("why") }
}

/// Somebody arrives.
pub fn arrival(known_root: bool, offer: Offer) -> Arrival {
    Arrival {
        strand: TECHNICIAN,
        key: SigningKey::new("member", [3; 32]).verifier().clone(),
        member: "note".to_owned(),
        name: Foreign::new("Ana"),
        level: LEVEL,
        verified: Verified::Code,
        known_root,
        reason: Foreign::new("slow computer"),
        offer,
        open: Open::default(),
        versions: vec![1],
    }
}

/// What no other run's report holds.
pub fn secret(run: RunId) -> String {
    format!("secret-{}-", run.0)
}

/// A worker reported what the person may want to keep.
pub fn private(run: RunId, redacted: bool) -> Finished {
    match reported(redacted) {
        Finished::Reported { mut report, redaction } => {
            report.facts.iter_mut().for_each(|fact| fact.value = secret(run).into());
            Finished::Reported { report, redaction }
        }
        failed @ Finished::Failed(_) => failed,
    }
}

/// A worker reported, with nothing in it but a plan; perhaps something was taken out.
pub fn reported(redacted: bool) -> Finished {
    let redaction = Redaction { set: "set".to_owned(), rules: [("rule".to_owned(), 2)].into() };
    let plan = Fact { key: PLAN.to_owned(), value: "p".into(), unit: String::new() };
    let report = Report { facts: vec![plan], tables: Vec::new(), findings: Vec::new() };
    Finished::Reported { report, redaction: redacted.then_some(redaction) }
}
