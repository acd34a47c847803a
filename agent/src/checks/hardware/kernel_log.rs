//! What parts of the computer reported to the system's log in the last days: a few kinds of messages, picked by a fixed
//! pattern and never as a whole.
//!
//! Messages of the kernel carry numbers of devices and, some, names of Wi-Fi and sticks: a check takes a device's short
//! name out of a message it knows, and the text stays here. The log is for administrators on most systems; that it may not
//! be read is told apart from that there is nothing in it.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use venia_proto::report::{Draft, Severity};

use crate::checks::tool::{self, Answer, Silence};

/// Longest wait for the log.
const LIMIT: Duration = Duration::from_secs(4);
/// The newest message of the kernel there is: whether the log can be read at all.
const NEWEST: [&str; 5] = ["_TRANSPORT=kernel", "--lines=1", "--output=short-unix", "--no-hostname", "--no-pager"];
/// Most messages of one question.
const LINES: &str = "--lines=1500";
/// Longest short name of a device.
const DEVICE_MAX: usize = 24;

/// What the log answered.
pub(super) struct KernelLog {
    newest: Result<Answer, Silence>,
    found: Option<Result<Answer, Silence>>,
    /// Seconds since 1970.
    now: u64,
    days: u64,
}

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    /// Seconds since 1970.
    pub(super) time: u64,
    /// What it says.
    pub(super) text: &'a str,
}

/// Why there are no messages to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unheard {
    /// This account may not read the log.
    Denied,
    /// There is no log, or no messages of the kernel in it: a container, another system.
    Absent(String),
}

impl Unheard {
    /// Says so, in the words that every item with this log declares.
    pub(super) fn tell(self, draft: &mut Draft) {
        match self {
            Self::Denied => {
                draft.finding(Severity::Unknown, "log-hidden", &[], "journalctl: not for this account");
            }
            Self::Absent(why) => draft.finding(Severity::Unknown, "log-absent", &[], why),
        }
    }
}

/// How often something was reported, and when last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// How often.
    pub(super) count: u64,
    /// Seconds since 1970.
    pub(super) last: u64,
}

impl KernelLog {
    /// Asks for the messages that match `pattern`, which is a constant of the check.
    pub(super) fn ask(pattern: &'static str, days: u64) -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let newest = tool::JOURNALCTL.ask(&NEWEST, LIMIT);
        let readable = newest.as_ref().is_ok_and(|answer| !messages(&answer.output).is_empty());
        let found = readable.then(|| {
            let (pattern, since) = (format!("--grep={pattern}"), format!("--since=-{days}d"));
            let arguments = [NEWEST[0], &pattern, &since, LINES, NEWEST[2], NEWEST[3], NEWEST[4]];
            tool::JOURNALCTL.ask(&arguments, LIMIT)
        });
        Self { newest, found, now, days }
    }

    /// The messages.
    pub(super) fn messages(&self) -> Result<Vec<Message<'_>>, Unheard> {
        let found = match &self.found {
            Some(Ok(found)) => found,
            Some(Err(silence)) => return Err(Unheard::Absent(silence.to_string())),
            None => return Err(why(&self.newest)),
        };
        // With nothing found it ends with status 1 and says so; with a pattern it doesn't understand, likewise.
        let nothing = found.output.trim().is_empty() || found.output.starts_with("-- No entries");
        if nothing && !matches!(found.status, Some(0 | 1)) {
            return Err(why(&self.found.clone().unwrap_or_else(|| self.newest.clone())));
        }
        let refused = |line: &str| line.contains("pattern matching support");
        if found.error.lines().any(refused) {
            return Err(Unheard::Absent("journalctl was built without search".to_owned()));
        }
        Ok(messages(&found.output))
    }

    /// Whole hours since then.
    pub(super) fn hours_since(&self, time: u64) -> u64 {
        self.now.saturating_sub(time) / 3_600
    }

    /// How many days were looked at.
    pub(super) fn days(&self) -> u64 {
        self.days
    }
}

impl Seen {
    /// Counts what a check recognises: a kind and a device.
    pub(super) fn count<K: Ord>(
        messages: &[Message<'_>],
        recognise: impl Fn(&str) -> Option<(K, String)>,
    ) -> BTreeMap<(K, String), Self> {
        let mut seen: BTreeMap<(K, String), Self> = BTreeMap::new();
        for message in messages {
            if let Some((kind, device)) = recognise(message.text) {
                let entry = seen.entry((kind, short(&device))).or_default();
                entry.count = entry.count.saturating_add(1);
                entry.last = entry.last.max(message.time);
            }
        }
        seen
    }
}

/// A device's name as it may leave: letters, digits and what stands between them, and not long.
fn short(device: &str) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, ':' | '.' | '-' | '_');
    device.chars().filter(plain).take(DEVICE_MAX).collect()
}

/// `1732636800.123456 kernel: usb 1-1: …`; following lines of a message are indented and left out.
fn messages(output: &str) -> Vec<Message<'_>> {
    output
        .lines()
        .filter_map(|line| {
            let (time, rest) = line.split_once(' ')?;
            let time = time.split_once('.').map_or(time, |(seconds, _)| seconds).parse().ok()?;
            Some(Message { time, text: rest.strip_prefix("kernel: ")? })
        })
        .collect()
}

/// What journalctl says when it shows nothing.
fn why(answer: &Result<Answer, Silence>) -> Unheard {
    match answer {
        Err(silence) => Unheard::Absent(silence.to_string()),
        Ok(answer) => {
            let denied = ["not seeing messages", "insufficient permissions", "Permission denied"];
            if denied.iter().any(|sign| answer.error.contains(sign)) {
                Unheard::Denied
            } else {
                let line = answer.error.lines().find(|line| !line.trim().is_empty());
                Unheard::Absent(format!("journalctl: {}", line.unwrap_or("no message of the kernel")))
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A log with these lines, looked at on 26 November 2026 at noon.
    pub(in super::super) fn log(lines: &str) -> KernelLog {
        let newest = said(0, "1795694400.000000 kernel: audit: backlog limit exceeded\n", "");
        let found = if lines.is_empty() { said(1, "-- No entries --\n", "") } else { said(0, lines, "") };
        KernelLog { newest, found: Some(found), now: 1_795_694_400, days: 3 }
    }

    /// A log that may not be read.
    pub(in super::super) fn denied() -> KernelLog {
        let hint = "Hint: You are currently not seeing messages from other users and the system.\n      Users in groups 'adm', \
                    'systemd-journal' can see all messages.\n      Pass -q to turn off this notice.\n";
        KernelLog { newest: said(0, "-- No entries --\n", hint), found: None, now: 0, days: 3 }
    }

    /// No log at all.
    pub(in super::super) fn absent() -> KernelLog {
        KernelLog {
            newest: said(0, "-- No entries --\n", "No journal files were found.\n"),
            found: None,
            now: 0,
            days: 3,
        }
    }

    fn said(status: i32, output: &str, error: &str) -> Result<Answer, Silence> {
        Ok(Answer { status: Some(status), output: output.into(), error: error.into() })
    }

    #[test]
    fn nothing_found_is_told_apart_from_nothing_readable() {
        assert_eq!(log("").messages(), Ok(vec![]));
        assert_eq!(denied().messages(), Err(Unheard::Denied));
        assert_eq!(absent().messages(), Err(Unheard::Absent("journalctl: No journal files were found.".into())));
        let silent = KernelLog { newest: Err(Silence::NotInstalled("journalctl")), found: None, now: 0, days: 1 };
        assert_eq!(silent.messages(), Err(Unheard::Absent("journalctl is not installed".into())));
        let slow = KernelLog { found: Some(Err(Silence::TooSlow("journalctl"))), ..log("") };
        assert!(matches!(slow.messages(), Err(Unheard::Absent(_))));
        let old = KernelLog { found: Some(said(1, "", "Compiled without pattern matching support\n")), ..log("") };
        assert_eq!(old.messages(), Err(Unheard::Absent("journalctl was built without search".into())));
    }

    #[test]
    fn messages_have_a_time_and_follow_up_lines_are_left_out() {
        let log = log("1795690800.5 kernel: usb 1-1: reset\n                 more\n1795690801.0 systemd[1]: x\n");
        let messages = log.messages().unwrap();
        assert_eq!(messages, [Message { time: 1_795_690_800, text: "usb 1-1: reset" }]);
        assert_eq!(log.hours_since(messages[0].time), 1);
        assert_eq!(short("sda1 (dm-0) \u{1b}[2J/home/ana"), "sda1dm-02Jhomeana");
        assert_eq!(short(&"x".repeat(DEVICE_MAX + 1)).len(), DEVICE_MAX);
    }
}
