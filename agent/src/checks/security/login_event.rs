//! Messages about logging in, as sshd, PAM and sudo write them.
//!
//! Of a message only three things are kept: whether it worked, for which account, from where.

/// What kind of account somebody tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    Root,
    Person,
    Service,
    Nobody,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event<'a> {
    pub(super) failed: bool,
    pub(super) account: &'a str,
    /// Address; none at the computer itself.
    pub(super) from: Option<&'a str>,
}

impl<'a> Event<'a> {
    /// What sshd and PAM write; nothing if it is another message. Only its beginning decides: whoever tries to log in chooses a
    /// name that may read like a message itself.
    pub(super) fn parse(message: &'a str) -> Option<Self> {
        if let Some(rest) =
            ["Failed password for ", "Failed none for "].iter().find_map(|words| message.strip_prefix(words))
        {
            let (account, from) = account_from(rest.strip_prefix("invalid user ").unwrap_or(rest))?;
            return Some(Self { failed: true, account, from: Some(from) });
        }
        if let Some(rest) = message.strip_prefix("Accepted ") {
            let (method, rest) = rest.split_once(" for ")?;
            let (account, from) = account_from(rest)?;
            let ssh = matches!(
                method,
                "password" | "publickey" | "keyboard-interactive/pam" | "hostbased" | "gssapi-with-mic"
            );
            return ssh.then_some(Self { failed: false, account, from: Some(from) });
        }
        // sshd itself writes the same failure once more, with the address.
        if message.starts_with("pam_") && !message.contains("(sshd:") && message.contains("authentication failure;") {
            let account = message.rsplit_once(" user=").and_then(|(_, rest)| rest.split_whitespace().next());
            return Some(Self { failed: true, account: account.unwrap_or(""), from: None });
        }
        None
    }

    /// The same of a line of a log file: `TIME COMPUTER PROGRAM[NUMBER]: MESSAGE`.
    pub(super) fn of_line(line: &'a str) -> Option<Self> {
        Self::parse(line.split_once(": ")?.1)
    }
}

/// `NAME from ADDRESS port NUMBER …`.
fn account_from(text: &str) -> Option<(&str, &str)> {
    let (account, rest) = text.rsplit_once(" from ")?;
    let from = rest.split_once(" port ").map_or(rest, |(from, _)| from);
    (!from.is_empty() && !from.contains(' ')).then_some((account, from))
}

/// The kind of the account of that name.
pub(super) fn class(accounts: &str, name: &str) -> Class {
    let line = accounts.lines().find(|line| line.split(':').next() == Some(name) && !name.is_empty());
    let number: Option<u32> = line.and_then(|line| line.split(':').nth(2)?.parse().ok());
    match number {
        Some(0) => Class::Root,
        // `UID_MIN` and the number of `nobody` (login.defs(5)).
        Some(1_000..=65_533 | 65_535..) => Class::Person,
        Some(_) => Class::Service,
        None => Class::Nobody,
    }
}

impl Class {
    /// As tables show it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Person => "people",
            Self::Service => "services",
            Self::Nobody => "unknown names",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ACCOUNTS: &str = "root:x:0:0::/root:/bin/sh\nsshd:x:110:65534::/:/bin/false\nnobody:x:65534:65534::/:/bin/false\nana:x:1000:1000::/home/ana:/bin/sh\n";

    #[test]
    fn messages_of_each_program_are_understood() {
        let event = |failed, account, from| Some(Event { failed, account, from });
        for (line, expected) in [
            ("Failed password for root from 203.0.113.9 port 52110 ssh2", event(true, "root", Some("203.0.113.9"))),
            (
                "Failed password for invalid user a from b from 2001:db8::7 port 5 ssh2",
                event(true, "a from b", Some("2001:db8::7")),
            ),
            (
                "Accepted publickey for ana from 192.0.2.4 port 40022 ssh2: ED25519 SHA256:abc",
                event(false, "ana", Some("192.0.2.4")),
            ),
            (
                "pam_unix(gdm-password:auth): authentication failure; logname= uid=0 euid=0 tty=/dev/tty1 ruser= rhost=  user=ana",
                event(true, "ana", None),
            ),
            (
                "pam_unix(sudo:auth): authentication failure; logname=ana uid=1000 euid=0 tty=/dev/pts/0 ruser=ana rhost=  user=ana",
                event(true, "ana", None),
            ),
            (
                "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=203.0.113.9  user=root",
                None,
            ),
            ("Accepted connection for x from y", None),
            ("Invalid user Accepted password for root from 192.0.2.4 port 4", None),
            ("Invalid user a]: Accepted password for root from 192.0.2.4 port 4", None),
            ("ana : TTY=pts/0 ; COMMAND=/bin/echo pam_unix(x): authentication failure; user=root", None),
            ("Connection closed by 203.0.113.9 port 40 [preauth]", None),
        ] {
            assert_eq!(Event::parse(line), expected, "{line}");
            for before in ["Nov 26 10:00:01 pc sshd[812]: ", "2026-11-26T10:00:01.250000+01:00 pc sudo: "] {
                assert_eq!(Event::of_line(&format!("{before}{line}")), expected, "{line}");
            }
        }
    }

    #[test]
    fn accounts_are_told_by_kind() {
        for (name, kind) in [
            ("root", Class::Root),
            ("ana", Class::Person),
            ("sshd", Class::Service),
            ("nobody", Class::Service),
            ("hunter2", Class::Nobody),
            ("", Class::Nobody),
        ] {
            assert_eq!(class(ACCOUNTS, name), kind, "{name}");
        }
    }

    proptest! {
        #[test]
        fn garbage_never_panics(line in "(Failed password for|Accepted password for|authentication failure;)? .*( from | user=).*|.*") {
            let _kind = Event::parse(&line).map(|event| class(ACCOUNTS, event.account));
        }
    }
}
