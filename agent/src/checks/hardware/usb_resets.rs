//! `hardware.usb-resets`: USB devices that drop out, don't answer, or draw too much, as the log of the last days has it.
//!
//! Only a port's number is taken out of a message: names and serial numbers of what is plugged in stay here.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::kernel_log::{KernelLog, Seen};
use crate::checks::{Check, Failure, whole};

/// What is looked for (the kernel's `drivers/usb/core/hub.c` and `drivers/usb/host/xhci*.c`).
const PATTERN: &str = "^usb .*(: reset .*USB device|: USB disconnect|device descriptor read|device not accepting address|\
                       unable to enumerate|Cannot enable)|over-current|HC died|host controller not responding";
/// Times in the days looked at. Our choices: waking up resets some devices once, and plugging in loosely fails once.
const RESETS: u64 = 10;
const DISCONNECTS: u64 = 10;
const UNANSWERED: u64 = 3;

pub(crate) struct UsbResets;

pub(crate) struct Inputs {
    log: KernelLog,
}

/// What happened; the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Died,
    OverCurrent,
    Unanswered,
    Reset,
    Disconnect,
}

impl Check for UsbResets {
    const ID: &'static str = "hardware.usb-resets";
    type Inputs = Inputs;

    fn gather(arguments: &Arguments) -> Result<Inputs, Failure> {
        Ok(Inputs { log: KernelLog::ask(PATTERN, whole(arguments, "days")?) })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let log = &inputs.log;
        let messages = match log.messages() {
            Ok(messages) => messages,
            Err(unheard) => {
                unheard.tell(&mut draft);
                return draft;
            }
        };
        let seen = Seen::count(&messages, recognise);
        draft.fact("events", seen.values().map(|seen| seen.count).sum::<u64>(), "");
        for ((event, port), seen) in &seen {
            let evidence = format!("log of {} days: {} {}, {} times", log.days(), port, event.word(), seen.count);
            let values = [("port", port.clone().into()), ("count", seen.count.into())];
            let (severity, id, least) = event.finding();
            if seen.count >= least {
                draft.finding(severity, id, &values, evidence);
            }
        }
        if draft.findings.is_empty() {
            let evidence = format!("log of {} days: {} messages", log.days(), messages.len());
            draft.finding(Severity::Ok, "usb-steady", &[], evidence);
        }
        let row = |((event, port), seen): (&(Event, String), &Seen)| -> Vec<Value> {
            vec![port.clone().into(), event.word().into(), seen.count.into(), log.hours_since(seen.last).into()]
        };
        draft.table("events", &["port", "event", "count", "hours"], seen.iter().map(row).collect());
        draft
    }
}

impl Event {
    fn word(self) -> &'static str {
        match self {
            Self::Died => "stopped",
            Self::OverCurrent => "over-current",
            Self::Unanswered => "no answer",
            Self::Reset => "reset",
            Self::Disconnect => "disconnected",
        }
    }

    /// How bad, what to say, and from how often.
    fn finding(self) -> (Severity, &'static str, u64) {
        match self {
            Self::Died => (Severity::Critical, "controller-stopped", 1),
            Self::OverCurrent => (Severity::Warning, "over-current", 1),
            Self::Unanswered => (Severity::Warning, "no-answer", UNANSWERED),
            Self::Reset => (Severity::Warning, "many-resets", RESETS),
            Self::Disconnect => (Severity::Warning, "many-disconnects", DISCONNECTS),
        }
    }
}

/// What a message is about, and of which port.
fn recognise(text: &str) -> Option<(Event, String)> {
    let has = |needle: &str| text.contains(needle);
    let event = if has("HC died") || has("host controller not responding") {
        Event::Died
    } else if has("over-current") {
        Event::OverCurrent
    } else if ["device descriptor read", "device not accepting address", "unable to enumerate", "Cannot enable"]
        .into_iter()
        .any(has)
    {
        Event::Unanswered
    } else if has("reset ") && has("USB device") {
        Event::Reset
    } else if has("USB disconnect") {
        Event::Disconnect
    } else {
        return None;
    };
    // `usb 1-1.2: …`, `usb usb1-port3: …`, `hub 1-0:1.0: …`, `xhci_hcd 0000:00:14.0: …`
    let mut words = text.split_whitespace();
    let _driver = words.next()?;
    Some((event, words.next()?.trim_end_matches(':').to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::kernel_log::tests::{absent, denied, log};
    use super::super::recording::answer;
    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};

    fn lines(line: &str, times: u64) -> Inputs {
        Inputs { log: log(&format!("1795690800.000000 kernel: {line}\n").repeat(usize::try_from(times).unwrap())) }
    }

    #[test]
    fn a_laptop_with_a_loose_cable_and_a_dead_port() {
        let draft = UsbResets::judge(Inputs { log: log(&answer("log-usb.txt")) });
        let rows: Vec<Vec<String>> =
            draft.tables[0].rows.iter().map(|row| row.iter().take(3).map(ToString::to_string).collect()).collect();
        assert_eq!(
            rows,
            [
                ["usb1-port4", "over-current", "2"],
                ["1-3", "no answer", "4"],
                ["usb1-port3", "no answer", "1"],
                ["2-1", "reset", "11"],
                ["2-1", "disconnected", "1"]
            ]
        );
        let ids: Vec<String> = told(UsbResets::ID, &draft).findings.into_iter().map(|f| f.id).collect();
        assert_eq!(ids, ["over-current", "no-answer", "many-resets"]);
    }

    #[test]
    fn events_below_at_and_above_their_numbers() {
        for (line, times, found) in [
            ("usb 1-1: reset high-speed USB device number 4 using xhci_hcd", RESETS - 1, "usb-steady"),
            ("usb 1-1: reset high-speed USB device number 4 using xhci_hcd", RESETS, "many-resets"),
            ("usb 1-1: reset high-speed USB device number 4 using xhci_hcd", RESETS + 1, "many-resets"),
            ("usb 1-1: USB disconnect, device number 9", DISCONNECTS - 1, "usb-steady"),
            ("usb 1-1: USB disconnect, device number 9", DISCONNECTS, "many-disconnects"),
            ("usb 1-1: device descriptor read/64, error -71", UNANSWERED - 1, "usb-steady"),
            ("usb 1-1: device descriptor read/64, error -71", UNANSWERED, "no-answer"),
            ("xhci_hcd 0000:00:14.0: HC died; cleaning up", 1, "controller-stopped"),
            ("usb usb1-port3: over-current condition", 1, "over-current"),
        ] {
            assert_eq!(findings::<UsbResets>(lines(line, times)), [found], "{line} {times}");
        }
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<UsbResets>(vec![
            Inputs { log: log(&answer("log-usb.txt")) },
            lines("usb 1-1: USB disconnect, device number 9", 20),
            lines("xhci_hcd 0000:00:14.0: HC died; cleaning up", 1),
            Inputs { log: log("") },
            Inputs { log: denied() },
            Inputs { log: absent() },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(lines in "([0-9]{1,21}\\.[0-9]{6} kernel: (usb|hub).{0,40}(reset .*USB device|USB disconnect|over-current|HC died)?\n|.*\n)*") {
            told(UsbResets::ID, &UsbResets::judge(Inputs { log: log(&lines) }));
        }
    }
}
