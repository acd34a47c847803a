//! What every check's tests assert: that the catalogue drops nothing of what it says, and that nothing is declared that
//! it never says.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::LazyLock;

use venia_proto::catalog::{Catalog, FindingTexts, Item};
use venia_proto::ledger::body::ItemId;
use venia_proto::report::{Draft, Report, Severity};

use super::Check;
use super::machine::Machine;

/// A recorded computer of `tests/fixtures`.
pub(super) fn recorded(name: &str) -> Machine {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures")).join(name);
    assert!(root.is_dir(), "no fixture {name}");
    Machine::at(&root)
}

/// The item's definition.
pub(super) fn item(id: &str) -> &'static Item {
    // Read once: a property test asks hundreds of times.
    static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::built_in);
    CATALOG.get(&ItemId(id.to_owned())).unwrap_or_else(|| panic!("{id} is not declared"))
}

/// The report of a draft, after proving that the definition dropped nothing and left no hole of a sentence open.
pub(crate) fn told(id: &str, draft: &Draft) -> Report {
    let item = item(id);
    for finding in &draft.findings {
        let texts = item.findings.get(&finding.id).unwrap_or_else(|| panic!("{id} never declared {}", finding.id));
        let given: BTreeSet<&str> = finding.values.keys().map(String::as_str).collect();
        assert_eq!(given, holes(texts), "{id}: values of {}", finding.id);
        assert!(!finding.evidence.is_empty(), "{id}: {} has no evidence", finding.id);
    }
    let report = item.tell(draft.clone());
    assert_eq!(report.facts.len(), draft.facts.len(), "{id}: a fact is not declared: {:?}", draft.facts);
    assert_eq!(report.findings.len(), draft.findings.len());
    assert_eq!(report.tables.len(), draft.tables.len(), "{id}: a table is not declared: {:?}", draft.tables);
    for (told, drafted) in report.tables.iter().zip(&draft.tables) {
        let total = told.truncated.map_or(told.rows.len() as u64, |cut| cut.total);
        assert_eq!(total, drafted.rows.len() as u64, "{id}: rows of {}", told.title);
        assert!(drafted.rows.iter().all(|row| row.len() == drafted.columns.len()), "{id}: {}", told.title);
    }
    assert!(!report.findings.is_empty(), "{id} came to no judgement");
    let bad = |s: &Severity| matches!(s, Severity::Critical | Severity::Warning);
    let severities: Vec<Severity> = report.findings.iter().map(|finding| finding.severity).collect();
    assert!(!(severities.iter().any(bad) && severities.contains(&Severity::Ok)), "{id}: bad and fine at once");
    report
}

/// Ids of the findings of a check, worst first.
pub(super) fn findings<C: Check>(inputs: C::Inputs) -> Vec<String> {
    told(C::ID, &C::judge(inputs)).findings.into_iter().map(|finding| finding.id).collect()
}

/// Proves that these runs together say everything the definition declares.
pub(super) fn all_is_said<C: Check>(runs: Vec<C::Inputs>) {
    let reports: Vec<Report> = runs.into_iter().map(|inputs| told(C::ID, &C::judge(inputs))).collect();
    let item = &item(C::ID);
    let said: BTreeSet<&str> = reports.iter().flat_map(|r| &r.findings).map(|finding| finding.id.as_str()).collect();
    assert_eq!(said, item.findings.keys().map(String::as_str).collect(), "{}: findings", C::ID);
    let said: BTreeSet<&str> = reports.iter().flat_map(|r| &r.facts).map(|fact| fact.key.as_str()).collect();
    assert_eq!(said, item.facts.keys().map(String::as_str).collect(), "{}: facts", C::ID);
    let said: BTreeSet<&str> = reports.iter().flat_map(|r| &r.tables).map(|table| table.title.as_str()).collect();
    assert_eq!(said, item.tables.keys().map(String::as_str).collect(), "{}: tables", C::ID);
}

/// The holes of a finding's sentences; both languages have the same.
fn holes(texts: &FindingTexts) -> BTreeSet<&str> {
    let of = |text: &str| -> BTreeSet<String> {
        text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name.to_owned()).collect()
    };
    assert_eq!(of(&texts.text.en), of(&texts.text.es));
    assert_eq!(of(&texts.next.en), of(&texts.next.es));
    [&texts.text.en, &texts.next.en]
        .into_iter()
        .flat_map(|text| text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name))
        .collect()
}
