//! `tasks.printing`: whether the printers are ready, where CUPS runs them.
//!
//! Documents are only counted: lines about them hold who prints what.

use std::time::Duration;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use crate::checks::tool::{self, Answer, Silence};
use crate::checks::{Check, Failure};

/// Longest wait for CUPS.
const LIMIT: Duration = Duration::from_secs(5);
/// Documents waiting from which something is stuck. Our choice: a person prints one or two at a time.
const STUCK: u64 = 3;
/// Scheduler, default, printers, documents: lpstat(1).
const ARGUMENTS: [&str; 4] = ["-r", "-d", "-p", "-o"];

pub(crate) struct Printing;

pub(crate) struct Inputs {
    answer: Result<Answer, Silence>,
}

struct Printer {
    name: String,
    on: bool,
    waiting: u64,
}

impl Check for Printing {
    const ID: &'static str = "tasks.printing";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(Inputs { answer: tool::LPSTAT.ask(&ARGUMENTS, LIMIT) })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let text = match inputs.answer {
            Ok(answer) => answer.output,
            Err(silence) => {
                draft.finding(Severity::Unknown, "printing-unknown", &[], silence.to_string());
                return draft;
            }
        };
        if !text.lines().any(|line| line == "scheduler is running") {
            let evidence = "lpstat -r: scheduler is not running";
            draft.finding(Severity::Critical, "printing-off", &[], evidence);
            return draft;
        }
        let printers = printers(&text);
        let default = text.lines().any(|line| line.starts_with("system default destination: "));
        let waiting = printers.iter().fold(0_u64, |sum, printer| sum + printer.waiting);
        draft.fact("printers", printers.len() as u64, "");
        draft.fact("default", default, "");
        draft.fact("waiting", waiting, "");
        for printer in printers.iter().filter(|printer| !printer.on) {
            let values = [("printer", printer.name.clone().into())];
            draft.finding(Severity::Warning, "printer-off", &values, format!("lpstat -p: {} disabled", printer.name));
        }
        if waiting >= STUCK {
            let evidence = format!("lpstat -o: {waiting} lines");
            draft.finding(Severity::Warning, "documents-stuck", &[("count", waiting.into())], evidence);
        }
        if printers.is_empty() {
            draft.finding(Severity::Warning, "no-printer", &[], "lpstat -p: none");
        } else if !default {
            draft.finding(Severity::Warning, "no-default", &[], "lpstat -d: no system default destination");
        }
        if draft.findings.is_empty() {
            let evidence = format!("lpstat -p: {} printers, all enabled", printers.len());
            draft.finding(Severity::Ok, "printing-ok", &[], evidence);
        }
        let row = |p: Printer| -> Vec<Value> { vec![p.name.into(), p.on.into(), p.waiting.into()] };
        draft.table("printers", &["printer", "on", "waiting"], printers.into_iter().map(row).collect());
        draft
    }
}

/// `printer NAME is idle.  enabled since …`, `printer NAME now printing NAME-7.  enabled …`, `printer NAME disabled
/// since …`, and `NAME-7  user  size  date` for each document.
fn printers(text: &str) -> Vec<Printer> {
    let mut printers: Vec<Printer> = text
        .lines()
        .filter_map(|line| {
            let (name, rest) = line.strip_prefix("printer ")?.split_once(' ')?;
            Some(Printer { name: name.to_owned(), on: !rest.starts_with("disabled"), waiting: 0 })
        })
        .collect();
    for line in text.lines() {
        let job = line.split_whitespace().next().filter(|_| !line.starts_with(char::is_whitespace));
        let Some((printer, number)) = job.and_then(|job| job.rsplit_once('-')) else { continue };
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            continue;
        }
        if let Some(printer) = printers.iter_mut().find(|known| known.name == printer) {
            printer.waiting += 1;
        }
    }
    printers
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn said(output: &str) -> Inputs {
        Inputs { answer: Ok(Answer { status: Some(0), output: output.into(), error: String::new() }) }
    }

    fn ready(documents: u64) -> Inputs {
        let jobs: String = (0..documents).map(|i| format!("HP-{i}   ana  1024  Mon 01 Jan\n")).collect();
        let printer = "system default destination: HP\nprinter HP is idle.  enabled since Mon\n\tReady\n";
        said(&format!("scheduler is running\n{printer}{jobs}"))
    }

    #[test]
    fn a_laptop_whose_printer_stopped() {
        let output = recorded("laptop-full").text("/tools/lpstat.txt").unwrap();
        let draft = Printing::judge(said(&output));
        assert!(!format!("{draft:?}").contains("luisa"));
        assert_eq!(draft.tables[0].rows[0], ["HP-LaserJet".into(), false.into(), 4_u64.into()]);
        assert_eq!(draft.tables[0].rows[1], ["PDF".into(), true.into(), 0_u64.into()]);
        let found: Vec<String> = told(Printing::ID, &draft).findings.into_iter().map(|finding| finding.id).collect();
        assert_eq!(found, ["printer-off", "documents-stuck"]);
    }

    #[test]
    fn documents_below_at_and_above() {
        for (documents, found) in
            [(0, "printing-ok"), (STUCK - 1, "printing-ok"), (STUCK, "documents-stuck"), (STUCK + 1, "documents-stuck")]
        {
            assert_eq!(findings::<Printing>(ready(documents)), [found]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Printing>(vec![
            said(&recorded("laptop-full").text("/tools/lpstat.txt").unwrap()),
            ready(0),
            said("scheduler is running\nno system default destination\n"),
            said("scheduler is running\nno system default destination\nprinter A is idle.  enabled since Mon\n"),
            said("scheduler is not running\n"),
            Inputs { answer: Err(Silence::NotInstalled("lpstat")) },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(output in "scheduler is running\n(printer .*\n|[a-z-]*[0-9]* .*\n|.*\n)*") {
            told(Printing::ID, &Printing::judge(said(&output)));
        }
    }
}
