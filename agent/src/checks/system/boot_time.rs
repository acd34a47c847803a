//! `system.boot-time`: how long the last start took, and which services took longest.
//!
//! The times of services overlap, so a slow one is only named when the whole start was slow.

use std::time::Duration;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::{reply, unit};
use crate::checks::figure::tenths;
use crate::checks::machine::Machine;
use crate::checks::tool::{self, Answer, Silence};
use crate::checks::{Check, Failure};

/// Longest wait for systemd.
const LIMIT: Duration = Duration::from_secs(5);
/// Seconds of services and desktop from which a start is slow. Our choice: a spinning disk needs about half of it.
const SLOW: f64 = 60.0;
/// Seconds of the firmware from which something is wrong before the system begins. Our choice: servers that test all their
/// memory may need longer.
const FIRMWARE_SLOW: f64 = 30.0;
/// Seconds of one service that are worth a sentence in a slow start. Our choice: a quarter of it.
const SERVICE_SLOW: f64 = 15.0;
/// Most findings about services.
const FINDINGS: usize = 3;
/// Rows of the table.
const ROWS: usize = 20;
/// The steps, as systemd-analyze(1) names them.
const STEPS: [&str; 5] = ["firmware", "loader", "kernel", "initrd", "userspace"];

pub(crate) struct BootTime;

pub(crate) struct Inputs {
    systemd: bool,
    time: Result<Answer, Silence>,
    blame: Result<Answer, Silence>,
}

impl Check for BootTime {
    const ID: &'static str = "system.boot-time";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(Inputs {
            systemd: Machine::this().has(unit::BOOTED),
            time: tool::SYSTEMD_ANALYZE.ask(&["time", "--no-pager"], LIMIT),
            blame: tool::SYSTEMD_ANALYZE.ask(&["blame", "--no-pager"], LIMIT),
        })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        if !inputs.systemd {
            draft.finding(Severity::Unknown, "no-service-manager", &[], format!("{} does not exist", unit::BOOTED));
            return draft;
        }
        let text = match reply::output(inputs.time) {
            Ok(text) => text,
            // "Bootup is not yet finished (org.freedesktop.systemd1.Manager.FinishTimestampMonotonic=0)."
            Err(why) if why.contains("not yet finished") => {
                draft.finding(Severity::Warning, "start-unfinished", &[], "systemd-analyze time: not yet finished");
                return draft;
            }
            Err(why) => {
                draft.finding(Severity::Unknown, "start-unknown", &[], format!("systemd-analyze time: {why}"));
                return draft;
            }
        };
        let Some((steps, total)) = steps(&text) else {
            draft.finding(Severity::Unknown, "start-unknown", &[], "systemd-analyze time: no line of times");
            return draft;
        };
        for (step, seconds) in &steps {
            draft.fact(step, tenths(*seconds), "s");
        }
        draft.fact("total", tenths(total), "s");
        let of = |name: &str| steps.iter().find(|(step, _)| *step == name).map_or(0.0, |(_, seconds)| *seconds);
        let slowest = reply::output(inputs.blame).map_or(Vec::new(), |text| blamed(&text));
        judge(&mut draft, of("userspace"), of("firmware"), &slowest);
        let row = |(service, seconds): (String, f64)| -> Vec<Value> { vec![service.into(), tenths(seconds).into()] };
        draft.table("slowest", &["service", "seconds"], slowest.into_iter().take(ROWS).map(row).collect());
        draft
    }
}

fn judge(draft: &mut Draft, userspace: f64, firmware: f64, slowest: &[(String, f64)]) {
    if userspace >= SLOW {
        let evidence = format!("systemd-analyze time: {userspace:.1} s (userspace)");
        draft.finding(Severity::Warning, "start-slow", &[("seconds", tenths(userspace).into())], evidence);
        for (service, seconds) in slowest.iter().filter(|(_, seconds)| *seconds >= SERVICE_SLOW).take(FINDINGS) {
            let values = [("service", service.clone().into()), ("seconds", tenths(*seconds).into())];
            let evidence = format!("systemd-analyze blame: {seconds:.1} s {service}");
            draft.finding(Severity::Warning, "service-slow", &values, evidence);
        }
    }
    if firmware >= FIRMWARE_SLOW {
        let evidence = format!("systemd-analyze time: {firmware:.1} s (firmware)");
        draft.finding(Severity::Warning, "firmware-slow", &[("seconds", tenths(firmware).into())], evidence);
    }
    if draft.findings.is_empty() {
        let evidence = format!("systemd-analyze time: {userspace:.1} s (userspace), {firmware:.1} s (firmware)");
        draft.finding(Severity::Ok, "start-ok", &[], evidence);
    }
}

/// `Startup finished in 4.5s (firmware) + 3.1s (loader) + 2.6s (kernel) + 21.6s (userspace) = 31.9s`.
fn steps(text: &str) -> Option<(Vec<(&'static str, f64)>, f64)> {
    let line = text.lines().find_map(|line| line.split_once("Startup finished in ").map(|(_, rest)| rest))?;
    let (parts, total) = line.rsplit_once('=')?;
    let step = |part: &str| {
        let (time, name) = part.trim().strip_suffix(')')?.rsplit_once('(')?;
        Some((*STEPS.iter().find(|step| **step == name)?, seconds(time)?))
    };
    Some((parts.split('+').filter_map(step).collect(), seconds(total)?))
}

/// Lines `1min 2.345s NetworkManager-wait-online.service`, the slowest first.
fn blamed(text: &str) -> Vec<(String, f64)> {
    let line = |line: &str| {
        let (time, name) = line.trim().rsplit_once(' ')?;
        // Devices are named after disks, and only wait for them.
        if name.ends_with(".device") {
            return None;
        }
        Some((unit::shown(name), seconds(time)?))
    };
    text.lines().filter_map(line).collect()
}

/// A time span as systemd writes it: `1min 2.345s`, `345ms`.
fn seconds(text: &str) -> Option<f64> {
    let mut sum = None::<f64>;
    for word in text.split_whitespace() {
        let digits = word.find(|c: char| c.is_ascii_alphabetic())?;
        let (number, unit) = word.split_at_checked(digits)?;
        let factor = match unit {
            "us" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "min" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        let number: f64 = number.parse().ok().filter(|number| (0.0..1e9).contains(number))?;
        sum = Some(sum.unwrap_or(0.0) + number * factor);
    }
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn answer(output: &str) -> Result<Answer, Silence> {
        Ok(Answer { status: Some(0), output: output.to_owned(), error: String::new() })
    }

    fn refused(error: &str) -> Result<Answer, Silence> {
        Ok(Answer { status: Some(1), output: String::new(), error: error.to_owned() })
    }

    fn took(firmware: f64, userspace: f64, service: f64) -> Inputs {
        let text =
            format!("Startup finished in {firmware}s (firmware) + 2.1s (kernel) + {userspace}s (userspace) = 99s\n");
        Inputs { systemd: true, time: answer(&text), blame: answer(&format!("{service}s a.service\n")) }
    }

    #[test]
    fn spans_are_read_as_systemd_writes_them() {
        for (text, expected) in [
            ("1min 2.345s", Some(62.345)),
            ("345ms", Some(0.345)),
            ("1h 1min", Some(3_660.0)),
            ("12us", Some(0.000_012)),
            ("", None),
            ("5", None),
            ("2 parsecs", None),
            ("-1s", None),
        ] {
            assert_eq!(seconds(text).map(|s| (s * 1e6).round()), expected.map(|s: f64| (s * 1e6).round()), "{text}");
        }
    }

    #[test]
    fn every_limit_below_at_and_above() {
        for (inputs, found) in [
            (took(29.9, 59.9, 50.0), vec!["start-ok"]),
            (took(30.0, 10.0, 1.0), vec!["firmware-slow"]),
            (took(31.0, 10.0, 1.0), vec!["firmware-slow"]),
            (took(1.0, 60.0, 14.9), vec!["start-slow"]),
            (took(1.0, 61.0, 15.0), vec!["start-slow", "service-slow"]),
            (took(1.0, 61.0, 15.1), vec!["start-slow", "service-slow"]),
        ] {
            assert_eq!(findings::<BootTime>(inputs), found);
        }
    }

    #[test]
    fn a_slow_laptop_is_told_with_its_worst_services() {
        let machine = recorded("arch-laptop");
        let text = |name: &str| answer(&machine.text(&format!("/tools/systemd-analyze-{name}.txt")).unwrap());
        let draft = BootTime::judge(Inputs { systemd: true, time: text("time"), blame: text("blame") });
        let report = told(BootTime::ID, &draft);
        assert_eq!(
            report.findings[1].text.en,
            "A service took 62.3 seconds of the start: NetworkManager-wait-online.service."
        );
        let keys: Vec<&str> = report.facts.iter().map(|fact| fact.key.as_str()).collect();
        assert_eq!(keys, ["firmware", "loader", "kernel", "initrd", "userspace", "total"]);
        assert!(!format!("{report:?}").contains("disk-by"));
    }

    #[test]
    fn everything_declared_is_said() {
        let machine = recorded("arch-laptop");
        let text = |name: &str| answer(&machine.text(&format!("/tools/systemd-analyze-{name}.txt")).unwrap());
        all_is_said::<BootTime>(vec![
            Inputs { systemd: true, time: text("time"), blame: text("blame") },
            took(1.0, 2.0, 1.0),
            took(40.0, 2.0, 1.0),
            Inputs { time: refused("Bootup is not yet finished (org.freedesktop…).\n"), ..took(1.0, 1.0, 1.0) },
            Inputs { time: refused("Failed to connect to bus\n"), ..took(1.0, 1.0, 1.0) },
            Inputs { time: answer("hello\n"), ..took(1.0, 1.0, 1.0) },
            Inputs { systemd: false, ..took(1.0, 1.0, 1.0) },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(a in ".*|Startup finished in ([0-9.]{1,5}(s|min|x) \\((kernel|userspace|y)\\) \\+ ){0,3}= [0-9.]{0,4}s", b in "(.*\n)*|([0-9.]*s [a-z@.]*\n)*") {
            told(BootTime::ID, &BootTime::judge(Inputs { systemd: true, time: answer(&a), blame: answer(&b) }));
        }
    }
}
