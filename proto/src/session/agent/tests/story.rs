//! A session told step by step: inputs in, outputs as short words.

use std::num::NonZeroU16;

use super::super::*;
use crate::catalog::PLAN;
use crate::consent::Question;
use crate::key::SigningKey;
use crate::ledger::body::{Asked, DefinitionHash, ItemId, Language, Offer};
use crate::ledger::kind::Verified;
use crate::now::Wall;
use crate::report::Fact;

/// Reads, level 1, one parameter.
pub(super) const PROBE: &str = "system.probe";
/// Reads, level 1, in another area.
pub(super) const OTHER: &str = "network.probe";
/// Changes the PC.
pub(super) const FIX: &str = "network.fix";
/// Reads, level 1, and what it brings may be personal.
pub(super) const DIARY: &str = "tasks.diary";
/// Reads, level 4.
pub(super) const DEEP: &str = "hardware.deep";

pub(super) const TECHNICIAN: Strand = Strand::Technician(NonZeroU16::MIN);
pub(super) const MINUTE: u64 = 60_000;

pub(super) struct Story {
    pub(super) agent: Agent,
    pub(super) catalog: Catalog,
    pub(super) now_ms: u64,
    pub(super) batches: u32,
    seq: u64,
    open_card: Option<CardId>,
}

pub(super) fn definition(id: &str, area: &str, effect: &str, level: u8) -> String {
    let change = if effect == "changes" {
        r#"{"preview":"network.probe","undo":{"en":"u","es":"u"},"interruptible":true,"seconds":1,"by":"account"}"#
    } else {
        "null"
    };
    let personal = id == DIARY;
    let parameters = r#"[{"name":"seconds","title":{"en":"s","es":"s"},"accepts":{"integer":{"min":1,"max":9,"unit":"s"}},"default":"2"}]"#;
    format!(
        r#"{{"id":"{id}","area":"{area}","effect":"{effect}","level":{level},"personal":{personal},"title":{{"en":"t","es":"t"}},
        "discloses":{{"en":"d","es":"d"}},"parameters":{parameters},"cannot":{{"en":"It changes nothing","es":"No cambia nada"}},"platforms":["linux"],"needs":{{}},"output_max":65536,"deadline_ms":10000,"change":{change},"facts":{{"plan":{{"en":"p","es":"p","kind":"word"}}}},"tables":{{}},"findings":{{}}}}"#
    )
}

/// A PC that fences everything in.
pub(super) const FENCED: Fences = Fences { landlock: 7, seccomp: true, cgroup: true };

impl Story {
    pub(super) fn new() -> Self {
        let files = [
            definition(PROBE, "system", "reads", 1),
            definition(OTHER, "network", "reads", 1),
            definition(FIX, "network", "changes", 1),
            definition(DEEP, "hardware", "reads", 4),
            definition(DIARY, "tasks", "reads", 1),
        ];
        let catalog = Catalog::from_files(&files.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
        Self { agent: Agent::new(FENCED), catalog, now_ms: 1_000, batches: 0, seq: 0, open_card: None }
    }

    /// Somebody arrived, is recorded, and was let in; the offer is empty.
    pub(super) fn open() -> Self {
        let mut story = Self::new();
        story.arrive(true, Offer::default());
        story.receipt();
        story.allow();
        story.receipt();
        story
    }

    /// The person allowed the system scope for half an hour.
    pub(super) fn granted() -> Self {
        let mut story = Self::new();
        story.arrive(true, Offer { scopes: [Scope::System].into(), items: Vec::new() });
        story.receipt();
        story.allow();
        story.allow();
        story.receipt();
        story
    }

    /// As [`Self::granted`], and a worker runs.
    pub(super) fn running() -> Self {
        let mut story = Self::granted();
        story.run(PROBE);
        story.receipt();
        assert_eq!(story.agent.running().count(), 1);
        story
    }

    pub(super) fn now(&self) -> Now {
        Now { boot_ms: self.now_ms, wall: Wall::from_ms(0) }
    }

    pub(super) fn give(&mut self, input: Input) -> Vec<String> {
        self.agent.handle(&self.catalog, self.now(), input);
        self.drain()
    }

    pub(super) fn drain(&mut self) -> Vec<String> {
        let mut said = Vec::new();
        while let Some(output) = self.agent.poll_output(self.now()) {
            let word = match output {
                Output::Record { batch, entries } => {
                    self.batches = batch.0 + 1;
                    format!("record {}", entries.iter().map(entry).collect::<Vec<_>>().join("+"))
                }
                Output::Ask(card) => {
                    self.open_card = Some(card.id);
                    format!("ask {}", question(card.question))
                }
                Output::Withdraw(_) => "withdraw".to_owned(),
                Output::Tell(tell) => format!("tell {tell:?}").split(['(', ' ']).take(2).collect::<Vec<_>>().join(" "),
                Output::Perform(permit) => match permit.plan() {
                    Some(plan) => format!("perform {} as {plan}", permit.run().0),
                    None => format!("perform {}", permit.run().0),
                },
                Output::Kill(run) => format!("kill {}", run.0),
                Output::Send(entry) => format!("send {}", entry.seq),
                Output::SendBare(entry) => format!("bare {}", entry.seq),
                Output::Cut => "cut".to_owned(),
                Output::SendCloseRecorded => "send close-recorded".to_owned(),
                Output::Closed(close) => format!("closed {close:?}").split(' ').take(2).collect::<Vec<_>>().join(" "),
                Output::Released => "released".to_owned(),
            };
            said.push(word);
        }
        said
    }

    pub(super) fn arrive(&mut self, known_root: bool, offer: Offer) -> Vec<String> {
        self.give(Input::Arrived(Box::new(arrival(known_root, offer))))
    }

    pub(super) fn request(&self, item: &str) -> Request {
        let id = ItemId(item.to_owned());
        let definition = self.catalog.get(&id).map_or(DefinitionHash("?".to_owned()), |item| item.definition.clone());
        Request {
            item: id,
            definition,
            arguments: [("seconds".to_owned(), "2".to_owned())].into(),
            why: Foreign::new("w"),
        }
    }

    pub(super) fn asked(&self, item: &str) -> Asked {
        let Request { item, definition, arguments, .. } = self.request(item);
        Asked { item, definition, arguments }
    }

    pub(super) fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq - 1
    }

    pub(super) fn run(&mut self, item: &str) -> Vec<String> {
        let (seq, request) = (self.next_seq(), self.request(item));
        self.give(Input::Run { seq, request })
    }

    pub(super) fn ask(&mut self, item: &str) -> Vec<String> {
        let (seq, request) = (self.next_seq(), self.request(item));
        self.give(Input::Ask { seq, request })
    }

    pub(super) fn says(&mut self, chat: bool) -> Vec<String> {
        let seq = self.next_seq();
        self.give(Input::Said { seq, text: Foreign::new("hello"), chat })
    }

    /// Everything recorded so far gets its receipt.
    pub(super) fn receipt(&mut self) -> Vec<String> {
        self.give(Input::Receipted(BatchId(self.batches - 1)))
    }

    pub(super) fn answer(&mut self, choice: Choice) -> Vec<String> {
        let card = self.open_card.take().expect("a card was asked");
        self.give(Input::Shown { card, text: "The question".to_owned(), language: Language::Es });
        self.give(Input::Answered { card, choice, shown: "The question".to_owned() })
    }

    pub(super) fn open_card(&self) -> CardId {
        self.open_card.expect("a card was asked")
    }

    pub(super) fn allow(&mut self) -> Vec<String> {
        self.answer(Choice::Allow { minutes: Some(30) })
    }

    pub(super) fn deny(&mut self) -> Vec<String> {
        self.answer(Choice::Deny)
    }

    pub(super) fn finish(&mut self, run: u32) -> Vec<String> {
        self.give(Input::Finished {
            run: RunId(run),
            outcome: Finished::Reported { report: report(), redaction: None },
        })
    }

    /// The same, and something was taken out of the report.
    pub(super) fn finish_redacted(&mut self, run: u32) -> Vec<String> {
        let redaction = body::Redaction { set: "set".to_owned(), rules: [("rule".to_owned(), 2)].into() };
        let outcome = Finished::Reported { report: report(), redaction: Some(redaction) };
        self.give(Input::Finished { run: RunId(run), outcome })
    }

    /// The preview of [`FIX`] runs, asked about if need be, and finds this plan.
    pub(super) fn previewed(&mut self, plan: &str) {
        let said = self.ask(OTHER);
        if said.iter().any(|word| word == "ask grant") {
            self.allow();
        }
        let said = self.receipt();
        let run = said.iter().find_map(|word| word.strip_prefix("perform ")).expect("it runs").parse().unwrap();
        let mut report = report();
        report.facts.push(Fact { key: PLAN.into(), value: plan.into(), unit: String::new() });
        self.give(Input::Finished { run: RunId(run), outcome: Finished::Reported { report, redaction: None } });
        self.receipt();
    }

    /// Lets time pass, and the machine notice.
    pub(super) fn wait(&mut self, ms: u64) -> Vec<String> {
        self.now_ms += ms;
        self.give(Input::Tick)
    }

    /// The whole rest of a closed session.
    pub(super) fn ends_at_rest(mut self) {
        assert_eq!(self.agent.phase(), Phase::Closed);
        self.wait(timer::CLOSE_RECEIPT_MS);
        assert!(self.agent.is_at_rest(), "{:?}", self.agent);
        assert_eq!(self.agent.deadline(), None);
    }
}

pub(super) fn report() -> Report {
    Report { facts: Vec::new(), tables: Vec::new(), findings: Vec::new() }
}

pub(super) fn arrival(known_root: bool, offer: Offer) -> Arrival {
    Arrival {
        strand: TECHNICIAN,
        key: SigningKey::new("member", [3; 32]).verifier().clone(),
        member: "note".to_owned(),
        name: Foreign::new("Ana"),
        level: 2,
        verified: Verified::Code,
        known_root,
        reason: Foreign::new("slow computer"),
        offer,
        open: body::Open { language: Language::En, ..body::Open::default() },
        versions: vec![1],
    }
}

fn entry(entry: &Entry) -> String {
    match entry {
        Entry::Theirs(theirs) => format!("theirs-{}", theirs.seq),
        Entry::Own { kind, .. } => match kind {
            Kind::Consent { answer, .. } => format!("consent-{answer:?}").to_lowercase(),
            Kind::Refuse { why, .. } => format!("refuse-{why:?}").to_lowercase(),
            Kind::Result { status, .. } => format!("result-{status:?}").to_lowercase(),
            Kind::Pause { cause, .. } => format!("pause-{cause:?}").to_lowercase(),
            Kind::Resume { cause, .. } => format!("resume-{cause:?}").to_lowercase(),
            Kind::Close { by, cause, .. } => format!("close-{by:?}-{cause:?}").to_lowercase(),
            Kind::Open { .. }
            | Kind::Join { .. }
            | Kind::Request
            | Kind::Admit { .. }
            | Kind::Series { .. }
            | Kind::Chat
            | Kind::Note
            | Kind::Redaction { .. }
            | Kind::Stop { .. }
            | Kind::Signoff { .. }
            | Kind::Addendum { .. } => format!("{:?}", kind.name()).to_lowercase(),
        },
    }
}

fn question(question: Question) -> &'static str {
    match question {
        Question::Arrival => "arrival",
        Question::Grant => "grant",
        Question::Renewal { .. } => "renewal",
        Question::Change => "change",
        Question::Resume => "resume",
        Question::Preview { .. } => "preview",
    }
}
