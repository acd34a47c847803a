//! The journal of systemd as checks read it: bounded, and with the reason where an account may not see it.
//!
//! It is *not* a reader of log files: what comes back is text of many programs, so whoever parses it does so behind the
//! fence.

use std::time::Duration;

use super::reply;
use crate::checks::machine::Machine;
use crate::checks::tool::{self, Answer, Silence};

/// Longest wait; a journal of some gigabytes on a spinning disk takes seconds.
const LIMIT: Duration = Duration::from_secs(6);
/// Newest lines of the kernel that are read. What was before has been noticed, or the log was flooded.
const KERNEL_LINES: &str = "--lines=3000";
/// Where journals are kept, each in the folder of a machine: systemd-journald.service(8).
const FOLDERS: [&str; 2] = ["/var/log/journal", "/run/log/journal"];

/// What was read, or why nothing was.
pub(super) type Heard = Result<String, String>;

/// Messages of the kernel since the start, the newest first, without times.
pub(super) fn kernel() -> Heard {
    ask(&["--dmesg", "--boot", "--reverse", "--no-pager", "--output=cat", KERNEL_LINES])
}

/// What journalctl says to these arguments.
pub(super) fn ask(arguments: &[&str]) -> Heard {
    let machine = Machine::this();
    heard(FOLDERS.iter().any(|folder| !machine.names(folder).is_empty()), tool::JOURNALCTL.ask(arguments, LIMIT))
}

fn heard(kept: bool, answer: Result<Answer, Silence>) -> Heard {
    let answer = answer.map_err(|silence| silence.to_string())?;
    let complaint = |words: &str| answer.error.contains(words);
    if complaint("not seeing messages from other users") || complaint("insufficient permissions") {
        // Then only the account's own messages come: none of the system.
        return Err("journalctl: this account may not see messages of the system".to_owned());
    }
    if !kept || complaint("No journal files were found") {
        return Err(format!("{} and {} hold no journal", FOLDERS[0], FOLDERS[1]));
    }
    // Ended by a signal, with output: it was cut at the size that is kept.
    if answer.status == Some(0) || (answer.status.is_none() && !answer.output.is_empty()) {
        Ok(answer.output)
    } else {
        Err(format!("journalctl: {}", reply::why(&answer.error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_without_rights_is_no_quiet_system() {
        let answer = |status, output: &str, error: &str| {
            Ok(Answer { status, output: output.to_owned(), error: error.to_owned() })
        };
        let hint = "Hint: You are currently not seeing messages from other users and the system.\n      Users in groups \
            'adm', 'systemd-journal' can see all messages.\n";
        assert!(heard(true, answer(Some(0), "", hint)).is_err());
        let denied = "No journal files were opened due to insufficient permissions.\n";
        assert!(heard(true, answer(Some(1), "", denied)).is_err());
        assert!(heard(true, answer(Some(0), "", "No journal files were found.\n")).is_err());
        assert!(heard(false, answer(Some(0), "", "")).is_err());
        assert_eq!(heard(true, answer(Some(0), "a\n", "")), Ok("a\n".to_owned()));
        assert_eq!(heard(true, answer(None, "cut", "")), Ok("cut".to_owned()));
        assert_eq!(heard(true, answer(Some(1), "", "bad\n")), Err("journalctl: bad".to_owned()));
        assert!(heard(true, Err(Silence::TooSlow("journalctl"))).is_err());
    }
}
