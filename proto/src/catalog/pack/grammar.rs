//! The programs a pack may ask, and exactly which arguments of each.
//!
//! Compiled in. No interpreter is among them, and no option that runs another program, reads a file of the caller's
//! choice, writes, follows for ever or reaches another computer. What isn't listed isn't taken. (SECURITY G5)

use crate::catalog::Talk;

/// A program and what it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its name, as in the agent's own table.
    pub name: &'static str,
    /// Whom it talks to in order to answer, as in the agent's own table.
    pub talks: &'static [Talk],
    /// Words of which the first argument must be one; empty: there is none.
    pub verbs: &'static [&'static str],
    /// Options without a value.
    pub flags: &'static [&'static str],
    /// Options with a value, written `--name=value`.
    pub values: &'static [(&'static str, Takes)],
    /// What may stand after the options.
    pub operands: Option<Takes>,
}

/// What a value may be. None begins with `-`: a value never becomes an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// A whole number up to this, without a sign.
    Number(u32),
    /// One of these words.
    Words(&'static [&'static str]),
    /// One or more of these words with commas between.
    List(&'static [&'static str]),
    /// The name of a unit, an interface, a package or a printer: letters, digits and `._@:+-`, at most 128.
    Name,
}

/// The program of that name.
pub fn named(name: &str) -> Option<Program> {
    PROGRAMS.iter().find(|program| program.name == name).copied()
}

const LSBLK: &[&str] = &[
    "NAME",
    "SIZE",
    "TYPE",
    "FSTYPE",
    "FSSIZE",
    "FSUSED",
    "FSUSE%",
    "MOUNTPOINT",
    "RO",
    "RM",
    "HOTPLUG",
    "MODEL",
    "ROTA",
    "STATE",
    "TRAN",
];
const FINDMNT: &[&str] = &["TARGET", "FSTYPE", "OPTIONS", "SIZE", "USED", "AVAIL", "USE%"];
const SHOWN: &[&str] = &["ActiveState", "SubState", "UnitFileState", "NRestarts", "Result", "LoadState", "Type"];

/// Every program, by name.
pub const PROGRAMS: &[Program] = &[
    Program {
        name: "dpkg-query",
        talks: &[],
        verbs: &["--show"],
        flags: &[],
        values: &[("--showformat", Takes::Words(&["${Package} ${Version}\\n", "${Package} ${Status}\\n"]))],
        operands: Some(Takes::Name),
    },
    Program {
        name: "findmnt",
        talks: &[],
        verbs: &[],
        flags: &["--df", "--noheadings", "--raw", "--real", "--bytes"],
        values: &[("--output", Takes::List(FINDMNT))],
        operands: None,
    },
    Program {
        name: "journalctl",
        talks: &[],
        verbs: &["--no-pager"],
        flags: &["--boot", "--dmesg", "--quiet", "--utc", "--reverse"],
        values: &[
            ("--lines", Takes::Number(500)),
            ("--output", Takes::Words(&["short-iso", "cat"])),
            ("--priority", Takes::Words(&["emerg", "alert", "crit", "err", "warning"])),
            ("--since", Takes::Words(&["today", "yesterday", "-1h", "-1d", "-7d"])),
            ("--unit", Takes::Name),
        ],
        operands: None,
    },
    Program {
        name: "lpstat",
        talks: &[Talk::Services, Talk::Network],
        verbs: &["-p", "-o", "-a", "-d", "-r"],
        flags: &[],
        values: &[],
        operands: Some(Takes::Name),
    },
    Program {
        name: "lsblk",
        talks: &[],
        verbs: &[],
        flags: &["--noheadings", "--raw", "--bytes", "--nodeps", "--list"],
        values: &[("--output", Takes::List(LSBLK))],
        operands: None,
    },
    Program {
        name: "resolvectl",
        talks: &[Talk::Services],
        verbs: &["status", "statistics", "dns", "domain"],
        flags: &["--no-pager", "--legend=no"],
        values: &[],
        operands: None,
    },
    Program {
        name: "systemctl",
        talks: &[Talk::Services],
        verbs: &["is-active", "is-enabled", "is-failed", "list-timers", "list-unit-files", "list-units", "show"],
        flags: &["--all", "--failed", "--full", "--no-legend", "--no-pager", "--plain", "--value"],
        values: &[
            ("--property", Takes::List(SHOWN)),
            ("--state", Takes::Words(&["active", "enabled", "disabled", "failed", "running"])),
            ("--type", Takes::Words(&["service", "socket", "timer", "mount"])),
        ],
        operands: Some(Takes::Name),
    },
    Program {
        name: "timedatectl",
        talks: &[Talk::Services],
        verbs: &["show", "status", "show-timesync", "timesync-status"],
        flags: &["--no-pager", "--all"],
        values: &[],
        operands: None,
    },
];

impl Program {
    /// Whether this is a command of the table.
    pub fn takes(&self, arguments: &[String]) -> bool {
        let mut rest = arguments.iter().map(String::as_str);
        if !self.verbs.is_empty() && !rest.next().is_some_and(|first| self.verbs.contains(&first)) {
            return false;
        }
        // Without it `show` tells every property, the commands and environments of services too.
        let shows_all = |argument: &String| argument.starts_with("--property=");
        if arguments.first().is_some_and(|verb| verb == "show")
            && !arguments.iter().any(shows_all)
            && self.values.iter().any(|(name, _)| *name == "--property")
        {
            return false;
        }
        let mut operands = false;
        rest.all(|argument| {
            if argument.starts_with('-') {
                // After an operand some programs read options as operands, and others the other way round.
                return !operands && self.takes_option(argument);
            }
            operands = true;
            self.operands.is_some_and(|takes| takes.holds(argument))
        })
    }

    fn takes_option(&self, argument: &str) -> bool {
        self.flags.contains(&argument)
            || argument.split_once('=').is_some_and(|(name, value)| {
                self.values.iter().any(|(known, takes)| *known == name && takes.holds(value))
            })
    }
}

impl Takes {
    fn holds(self, value: &str) -> bool {
        match self {
            Self::Number(most) => {
                value.bytes().all(|b| b.is_ascii_digit()) && value.parse().is_ok_and(|number: u32| number <= most)
            }
            Self::Words(words) => words.contains(&value),
            Self::List(words) => value.split(',').all(|word| words.contains(&word)),
            Self::Name => {
                let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'@' | b':' | b'+' | b'-');
                (1..=128).contains(&value.len()) && !value.starts_with('-') && value.bytes().all(plain)
            }
        }
    }
}
