//! `tasks.print-queues`: each printer's queue, what the printer complains about, and documents that don't move.
//!
//! Documents are numbers with an age and a size: their titles and owners are never asked for.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::age::now;
use super::ipp::{self, Answer, Bytes, Thing};
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Minutes after which a document that waits is stuck. Our choice: the longest an ordinary document takes.
const STUCK_MINUTES: u64 = 30;
/// Most findings about complaints of printers; the table has the rest.
const COMPLAINTS: usize = 6;

const PRINTER: [&str; 5] =
    ["printer-name", "printer-state", "printer-state-reasons", "printer-is-accepting-jobs", "printer-type"];
const JOB: [&str; 5] = ["job-id", "job-state", "time-at-creation", "job-printer-uri", "job-k-octets"];

/// What a printer says is wrong (RFC 8011, 5.4.12, and PWG 5100.9), and the sentence for it. The first that fits counts.
const REASONS: [(&str, &str); 15] = [
    ("media-empty", "no-paper"),
    ("media-needed", "no-paper"),
    ("media-jam", "paper-jam"),
    ("toner-empty", "no-ink"),
    ("marker-supply-empty", "no-ink"),
    ("toner-low", "ink-low"),
    ("marker-supply-low", "ink-low"),
    ("door-open", "door-open"),
    ("cover-open", "door-open"),
    ("interlock-open", "door-open"),
    ("offline", "printer-offline"),
    ("connecting-to-device", "printer-offline"),
    ("timed-out", "printer-offline"),
    ("cups-missing-filter", "driver-missing"),
    ("cups-insecure-filter", "driver-missing"),
];

pub(crate) struct PrintQueues;

pub(crate) struct Inputs {
    /// Whether CUPS is installed.
    installed: bool,
    printers: Bytes,
    default: Bytes,
    jobs: Bytes,
    now: u64,
}

impl Check for PrintQueues {
    const ID: &'static str = "tasks.print-queues";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let printers = ipp::printers(&PRINTER);
        let asked = printers.is_ok();
        let and = |ask: &dyn Fn() -> Bytes| if asked { ask() } else { printers.clone() };
        let (default, jobs) = (and(&ipp::default_printer), and(&|| ipp::jobs(&JOB)));
        Ok(Inputs { installed: Machine::this().has("/usr/sbin/cupsd"), printers, default, jobs, now: now() })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let answer = match inputs.printers.as_deref().map(Answer::parse) {
            Ok(answer) => answer,
            Err(why) if inputs.installed => {
                draft.finding(Severity::Critical, "printing-off", &[], why.to_string());
                return draft;
            }
            Err(why) => {
                draft.finding(Severity::Unknown, "queues-unknown", &[], why.to_string());
                return draft;
            }
        };
        let Some(answer) = answer else {
            draft.finding(Severity::Unknown, "queues-unreadable", &[], "the printing service's answer is no IPP");
            return draft;
        };
        // With no printer at all CUPS says "not found".
        let printers: Vec<Printer> = answer.things.iter().filter_map(Printer::of).collect();
        let jobs = inputs.jobs.as_deref().ok().and_then(Answer::parse).map_or(Vec::new(), |answer| answer.things);
        let jobs: Vec<Job> = jobs.iter().filter_map(|thing| Job::of(thing, inputs.now)).collect();
        let default = inputs.default.as_deref().ok().and_then(Answer::parse).filter(Answer::is_good);
        let default = default.and_then(|answer| Some(answer.things.first()?.text("printer-name")?.to_owned()));
        draft.fact("printers", printers.len() as u64, "");
        draft.fact("default", default.clone().unwrap_or_default(), "");
        draft.fact("jobs", jobs.len() as u64, "");
        draft.fact("oldest", jobs.iter().map(|job| job.minutes).max().unwrap_or(0), "min");
        printers.iter().for_each(|printer| printer.judge(&mut draft));
        printers.iter().flat_map(Printer::complaints).take(COMPLAINTS).for_each(|(printer, reason, finding)| {
            let evidence = format!("printer-state-reasons of {printer}: {reason}");
            draft.finding(Severity::Warning, finding, &[("printer", printer.into())], evidence);
        });
        stuck(&mut draft, &jobs);
        if printers.is_empty() {
            draft.finding(Severity::Warning, "no-printer", &[], "CUPS-Get-Printers: none");
        } else if default.is_none() && printers.len() > 1 {
            draft.finding(Severity::Warning, "no-default", &[], "CUPS-Get-Default: none");
        }
        if draft.findings.is_empty() {
            let evidence = format!("{} printers without complaint, {} documents", printers.len(), jobs.len());
            draft.finding(Severity::Ok, "queues-ok", &[], evidence);
        }
        let rows = printers.iter().map(|printer| printer.row(&jobs)).collect();
        draft.table("queues", &["printer", "state", "accepts", "jobs", "reasons"], rows);
        let rows = jobs.iter().map(Job::row).collect();
        draft.table("jobs", &["job", "printer", "state", "minutes", "size"], rows);
        draft
    }
}

struct Printer {
    name: String,
    /// `printer-state`: 3 idle, 4 printing, 5 stopped.
    state: i32,
    accepts: bool,
    reasons: Vec<String>,
}

impl Printer {
    fn of(thing: &Thing) -> Option<Self> {
        Some(Self {
            name: thing.text("printer-name")?.to_owned(),
            state: thing.number("printer-state")?,
            accepts: thing.number("printer-is-accepting-jobs") != Some(0),
            reasons: thing.texts("printer-state-reasons").filter(|r| *r != "none").map(str::to_owned).collect(),
        })
    }

    fn judge(&self, draft: &mut Draft) {
        let printer = [("printer", Value::from(self.name.clone()))];
        if self.state == 5 {
            let evidence = format!("printer-state of {}: stopped; {}", self.name, self.reasons.join(", "));
            draft.finding(Severity::Critical, "queue-stopped", &printer, evidence);
        }
        if !self.accepts {
            let evidence = format!("printer-is-accepting-jobs of {}: no", self.name);
            draft.finding(Severity::Warning, "queue-refuses", &printer, evidence);
        }
    }

    /// What it says is wrong: printer, word, finding. Each finding once.
    fn complaints(&self) -> Vec<(&str, &str, &'static str)> {
        let mut complaints: Vec<(&str, &str, &'static str)> = Vec::new();
        for reason in &self.reasons {
            let known = REASONS.iter().find(|(word, _)| reason.starts_with(word)).map(|(_, finding)| *finding);
            // Reports say how it is, not what is wrong; "paused" is what a stopped queue is.
            let other = (reason.ends_with("-error") || reason.ends_with("-warning")).then_some("printer-complains");
            let Some(finding) = known.or(other) else { continue };
            if !complaints.iter().any(|(.., said)| *said == finding) {
                complaints.push((&self.name, reason, finding));
            }
        }
        complaints
    }

    fn row(&self, jobs: &[Job]) -> Vec<Value> {
        let state = match self.state {
            3 => "idle",
            4 => "printing",
            5 => "stopped",
            _ => "",
        };
        let waiting = jobs.iter().filter(|job| job.printer == self.name).count() as u64;
        vec![
            self.name.clone().into(),
            state.into(),
            self.accepts.into(),
            waiting.into(),
            self.reasons.join(", ").into(),
        ]
    }
}

struct Job {
    id: u64,
    printer: String,
    state: &'static str,
    minutes: u64,
    kilobytes: u64,
}

impl Job {
    fn of(thing: &Thing, now: u64) -> Option<Self> {
        let positive = |name: &str| thing.number(name).and_then(|number| u64::try_from(number).ok());
        let created = positive("time-at-creation");
        Some(Self {
            id: positive("job-id")?,
            printer: thing.text("job-printer-uri").and_then(|uri| uri.rsplit('/').next()).unwrap_or("").to_owned(),
            // RFC 8011, 5.3.7.
            state: match thing.number("job-state")? {
                3 => "waiting",
                4 => "held",
                5 => "printing",
                6 => "stopped",
                _ => return None,
            },
            minutes: created.map_or(0, |then| now.saturating_sub(then) / 60),
            kilobytes: positive("job-k-octets").unwrap_or(0),
        })
    }

    fn row(&self) -> Vec<Value> {
        let (printer, minutes) = (self.printer.clone().into(), self.minutes.into());
        vec![self.id.into(), printer, self.state.into(), minutes, self.kilobytes.into()]
    }
}

/// One sentence about the oldest document that should have moved, and one about those somebody held back.
fn stuck(draft: &mut Draft, jobs: &[Job]) {
    let moving = jobs.iter().filter(|job| job.state != "held" && job.minutes >= STUCK_MINUTES);
    let count = moving.clone().count() as u64;
    if let Some(oldest) = moving.max_by_key(|job| job.minutes) {
        let values = [("count", count.into()), ("minutes", oldest.minutes.into())];
        let evidence = format!("document {} is {} for {} min", oldest.id, oldest.state, oldest.minutes);
        draft.finding(Severity::Warning, "jobs-stuck", &values, evidence);
    }
    let held = jobs.iter().filter(|job| job.state == "held").count() as u64;
    if held > 0 {
        let evidence = format!("{held} documents with job-state held");
        draft.finding(Severity::Warning, "jobs-held", &[("count", held.into())], evidence);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::ipp::Unasked;
    use super::ipp::recorded::{Said, answer};
    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    const NOW: u64 = 1_790_000_000;

    fn printer<'a>(name: &'a str, state: i32, accepts: bool, reason: &'a str) -> [(&'a str, Said<'a>); 4] {
        [
            ("printer-name", Said::Text(name)),
            ("printer-state", Said::Enum(state)),
            ("printer-is-accepting-jobs", Said::Flag(accepts)),
            ("printer-state-reasons", Said::Text(reason)),
        ]
    }

    fn job(id: i32, state: i32, minutes: u64) -> [(&'static str, Said<'static>); 5] {
        [
            ("job-id", Said::Int(id)),
            ("job-state", Said::Enum(state)),
            ("job-printer-uri", Said::Text("ipp://localhost/printers/HP")),
            ("time-at-creation", Said::Int(i32::try_from(NOW - minutes * 60).unwrap())),
            ("job-k-octets", Said::Int(11)),
        ]
    }

    fn with(printers: &[&[(&str, Said<'_>)]], jobs: &[&[(&str, Said<'_>)]]) -> Inputs {
        let default = answer(0, false, &[&[("printer-name", Said::Text("HP"))]]);
        Inputs {
            installed: true,
            printers: Ok(answer(0, false, printers)),
            default: Ok(default),
            jobs: Ok(answer(0, true, jobs)),
            now: NOW,
        }
    }

    #[test]
    fn a_printer_without_paper_and_its_documents() {
        let hp = printer("HP", 4, true, "media-empty-error");
        let draft = PrintQueues::judge(with(&[&hp], &[&job(41, 5, 45), &job(42, 3, 3)]));
        let queue: [Value; 5] = ["HP".into(), "printing".into(), true.into(), 2_u64.into(), "media-empty-error".into()];
        assert_eq!(draft.tables[0].rows, [queue]);
        assert_eq!(
            draft.tables[1].rows[0],
            [41_u64.into(), "HP".into(), "printing".into(), 45_u64.into(), 11_u64.into()]
        );
        let found: Vec<String> = told(PrintQueues::ID, &draft).findings.into_iter().map(|f| f.id).collect();
        assert_eq!(found, ["no-paper", "jobs-stuck"]);
    }

    #[test]
    fn what_a_cups_2_4_really_answers() {
        let bytes =
            |name: &str| std::fs::read(recorded("ubuntu-laptop").path(&format!("/tools/cups-{name}.http"))).unwrap();
        let inputs = Inputs {
            installed: true,
            printers: Ok(bytes("printers")),
            default: Ok(bytes("default")),
            jobs: Ok(bytes("jobs")),
            // Half an hour after the document came.
            now: 1_795_714_280 + STUCK_MINUTES * 60,
        };
        let draft = PrintQueues::judge(inputs);
        let queue: [Value; 5] =
            ["HP".into(), "stopped".into(), true.into(), 1_u64.into(), "paused, media-empty-error".into()];
        assert_eq!(draft.tables[0].rows, [queue]);
        assert_eq!(draft.facts[1].value, Value::from("HP"));
        assert!(!format!("{draft:?}").contains("192.0.2.7"), "addresses aren't told");
        let found: Vec<String> = told(PrintQueues::ID, &draft).findings.into_iter().map(|f| f.id).collect();
        assert_eq!(found, ["queue-stopped", "no-paper", "jobs-stuck"]);
    }

    #[test]
    fn minutes_below_at_and_above() {
        let hp = printer("HP", 3, true, "none");
        for (minutes, found) in
            [(STUCK_MINUTES - 1, "queues-ok"), (STUCK_MINUTES, "jobs-stuck"), (STUCK_MINUTES + 1, "jobs-stuck")]
        {
            assert_eq!(findings::<PrintQueues>(with(&[&hp], &[&job(1, 3, minutes)])), [found]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        let mut runs: Vec<Inputs> = ["none", "media-jam-error", "toner-empty-error", "toner-low-report"]
            .into_iter()
            .chain(["door-open-warning", "offline-report", "cups-missing-filter-warning", "fuser-over-temp-error"])
            .map(|reason| with(&[&printer("HP", 3, true, reason)], &[]))
            .collect();
        let bad = printer("HP", 5, false, "media-empty-error");
        runs.push(with(&[&bad], &[&job(1, 5, 90), &job(2, 4, 1)]));
        runs.push(with(&[], &[]));
        let two = with(&[&printer("A", 3, true, "none"), &printer("B", 3, true, "none")], &[]);
        runs.push(Inputs { default: Ok(answer(0x406, false, &[])), ..two });
        let off = |installed| {
            let none = || Err(Unasked::NotRunning);
            Inputs { installed, printers: none(), default: none(), jobs: none(), now: NOW }
        };
        runs.extend([off(true), off(false)]);
        runs.push(Inputs { printers: Ok(b"HTTP/1.1 403 Forbidden\r\n\r\n".to_vec()), ..off(true) });
        all_is_said::<PrintQueues>(runs);
    }

    #[test]
    fn each_complaint_is_said_once() {
        let both = [
            ("printer-name", Said::Text("HP")),
            ("printer-state", Said::Enum(3)),
            ("printer-state-reasons", Said::Text("toner-empty-error")),
            ("printer-state-reasons", Said::Text("marker-supply-empty-error")),
        ];
        assert_eq!(findings::<PrintQueues>(with(&[&both], &[])), ["no-ink"]);
        // Of many printers only some are said: the table has all.
        let name = |i: usize| format!("P{i}");
        for count in [COMPLAINTS - 1, COMPLAINTS, COMPLAINTS + 1] {
            let names: Vec<String> = (0..count).map(name).collect();
            let printers: Vec<_> = names.iter().map(|name| printer(name, 3, true, "media-empty-error")).collect();
            let printers: Vec<&[(&str, Said<'_>)]> = printers.iter().map(|p| &p[..]).collect();
            assert_eq!(findings::<PrintQueues>(with(&printers, &[])).len(), count.min(COMPLAINTS));
        }
    }

    proptest! {
        #[test]
        fn garbage_never_panics(name in ".*", reason in ".*", state in any::<i32>(), time in any::<i32>(), id in any::<i32>()) {
            let strange = [
                ("job-id", Said::Int(id)),
                ("job-state", Said::Enum(state % 8)),
                ("job-printer-uri", Said::Text(&name)),
                ("time-at-creation", Said::Int(time)),
            ];
            let printer = printer(&name, state, state % 2 == 0, &reason);
            told(PrintQueues::ID, &PrintQueues::judge(with(&[&printer], &[&strange])));
        }
    }
}
