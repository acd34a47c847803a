//! `tasks.waiting-document` and `tasks.cancel-print-job`: the document that has waited longest, which is the one that holds
//! up the others, where CUPS prints.
//!
//! Its printer, number and size are told; who prints what isn't read.

use std::time::Duration;

use venia_proto::catalog::PLAN;
use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity};

use super::{Check, Failure, Repair, State};
use crate::checks::tool::{self, Answer, Silence};

const LIMIT: Duration = Duration::from_secs(10);
/// Longest name of a printer (CUPS), without what may not be in one.
const PRINTER_MAX: usize = 127;

pub(super) struct WaitingDocument;
pub(super) struct CancelPrintJob;

/// The documents that wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    waiting: u64,
    oldest: Option<Job>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Job {
    number: u64,
    printer: String,
    bytes: u64,
}

impl Check for WaitingDocument {
    const ID: &'static str = "tasks.waiting-document";
    type Inputs = Result<Seen, String>;

    fn gather(arguments: &Arguments) -> Result<Self::Inputs, Failure> {
        CancelPrintJob::look(arguments)
    }

    fn judge(seen: Self::Inputs) -> Draft {
        let mut draft = Draft::default();
        let seen = match seen {
            Ok(seen) => seen,
            Err(why) => {
                draft.finding(Severity::Unknown, "printing-unknown", &[], why);
                return draft;
            }
        };
        draft.fact("waiting", seen.waiting, "");
        let Some(job) = &seen.oldest else {
            draft.finding(Severity::Ok, "nothing-waits", &[], "lpstat -o: no lines");
            return draft;
        };
        draft.fact("printer", job.printer.clone(), "");
        draft.fact("number", job.number, "");
        draft.fact("bytes", job.bytes, "bytes");
        draft.fact(PLAN, job.number.to_string(), "");
        let values = [("number", job.number.into()), ("printer", job.printer.clone().into())];
        draft.finding(Severity::Ok, "document-waits", &values, format!("lpstat -o: {} lines", seen.waiting));
        draft
    }
}

impl Repair for CancelPrintJob {
    const ID: &'static str = "tasks.cancel-print-job";
    const COLUMNS: [&'static str; 3] = ["what", "before", "after"];
    type Seen = Seen;

    fn look(_: &Arguments) -> Result<Result<Seen, String>, Failure> {
        Ok(understood(tool::LPSTAT.ask(&["-o"], LIMIT)))
    }

    fn plan(seen: &Seen) -> Option<String> {
        // Numbers are never used twice; the name of a printer may be a person's, and a plan is a public word.
        seen.oldest.as_ref().map(|job| job.number.to_string())
    }

    fn state(seen: &Seen) -> State {
        let rows = seen.oldest.iter().map(|job| (job.number.to_string(), 1_u64.into())).collect();
        State { total: Some((seen.waiting.into(), "")), rows }
    }

    fn perform(seen: &Seen, _: &Arguments) -> Result<(), String> {
        // The name can't begin with a dash, so it is no option.
        let job = seen.oldest.as_ref().map(|job| format!("{}-{}", job.printer, job.number));
        let job = job.ok_or("no document waits")?;
        match tool::CANCEL.ask(&[&job], LIMIT) {
            Ok(answer) if answer.status == Some(0) => Ok(()),
            Ok(answer) => Err(format!("cancel ended with {:?}", answer.status)),
            Err(silence) => Err(silence.to_string()),
        }
    }
}

fn understood(answer: Result<Answer, Silence>) -> Result<Seen, String> {
    let answer = answer.map_err(|silence| silence.to_string())?;
    if answer.status != Some(0) {
        return Err("lpstat -o: the printing service gives no answer".to_owned());
    }
    let jobs: Vec<Job> = answer.output.lines().filter_map(job).collect();
    Ok(Seen { waiting: jobs.len() as u64, oldest: jobs.into_iter().min() })
}

/// `HP-7   user  1024   date`.
fn job(line: &str) -> Option<Job> {
    let mut fields = line.split_whitespace();
    let (printer, number) = fields.next().filter(|_| !line.starts_with(char::is_whitespace))?.rsplit_once('-')?;
    let plain = (1..=PRINTER_MAX).contains(&printer.len()) && !printer.starts_with('-');
    if !plain || printer.chars().any(|c| c.is_control() || matches!(c, '/' | '#')) {
        return None;
    }
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    let number = number.parse().ok().filter(|_| digits)?;
    let bytes = fields.nth(1).and_then(|bytes| bytes.parse().ok()).unwrap_or(0);
    Some(Job { number, printer: printer.to_owned(), bytes })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, told};

    const WAITING: &str = "HP-LaserJet-12  luisa  204800   Mon 01 Jun 2026 10:00:00\n\
        Oficina-7       ana    1024     Mon 01 Jun 2026 09:00:00\nHP-LaserJet-13  luisa  99  Mon\n";

    fn said(output: &str) -> Result<Seen, String> {
        understood(Ok(Answer { status: Some(0), output: output.into(), error: String::new() }))
    }

    #[test]
    fn the_oldest_of_all_printers_is_found_and_nobody_named() {
        let seen = said(WAITING).unwrap();
        assert_eq!(CancelPrintJob::plan(&seen).as_deref(), Some("7"));
        assert_eq!(seen.oldest.as_ref().map(|job| job.printer.as_str()), Some("Oficina"));
        let draft = WaitingDocument::judge(Ok(seen.clone()));
        assert_eq!(told(WaitingDocument::ID, &draft).plan(), CancelPrintJob::plan(&seen).as_deref());
        assert!(!format!("{draft:?}").contains("ana"));
    }

    #[test]
    fn names_of_printers_below_at_and_above_their_limit() {
        for (length, fits) in [(PRINTER_MAX - 1, true), (PRINTER_MAX, true), (PRINTER_MAX + 1, false), (0, false)] {
            assert_eq!(job(&format!("{}-7 ana 1 Mon", "p".repeat(length))).is_some(), fits, "{length}");
        }
        for hostile in ["-a-7 x 1", "--help-7 x 1", "a/b-7 x 1", " HP-7 x 1", "HP-7x x 1", "HP- x 1", "HP-+7 x 1"] {
            assert_eq!(job(hostile), None, "{hostile}");
        }
    }

    #[test]
    fn everything_declared_is_said() {
        let silent = Answer { status: Some(1), output: String::new(), error: String::new() };
        all_is_said::<WaitingDocument>(vec![
            said(WAITING),
            said(""),
            understood(Ok(silent)),
            understood(Err(Silence::NotInstalled("lpstat"))),
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics_and_no_job_is_an_option(output in "([a-z-]*[0-9]* .*\n|.*\n)*") {
            if let Some(job) = said(&output).ok().and_then(|seen| seen.oldest) {
                prop_assert!(!job.printer.starts_with('-'));
            }
            told(WaitingDocument::ID, &WaitingDocument::judge(said(&output)));
        }
    }
}
