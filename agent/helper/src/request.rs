//! What is asked and what is answered: one JSON line each.

use std::io;

use serde::{Deserialize, Serialize};

/// Longest request, in bytes: a verb and a plan.
pub const REQUEST_MAX: usize = 8 * 1024;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// What to do.
    pub verb: Verb,
    /// What the person was shown would change, as the verb's own look names it.
    pub plan: String,
}

/// Everything this program can do. Nothing else exists, whatever anybody asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Verb {
    /// Deletes archived messages of the system.
    VacuumJournal {
        /// Those of which age stay.
        keep: Keep,
    },
    /// Deletes downloaded packages that are installed already.
    ClearPackageCache,
    /// Ends a service and starts it again.
    RestartService {
        /// Which.
        service: Service,
    },
    /// Sets the clock by the network, now and from now on.
    SynchroniseClock,
    /// Finishes what an interrupted installation left half done.
    RepairPackages,
    /// Asks the network for a fresh address.
    RenewLease,
}

/// How old messages that stay may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// A week.
    Week,
    /// Four weeks.
    Month,
    /// Twelve weeks.
    Quarter,
}

/// A service that may be restarted: its end loses nobody's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// Finds devices and names on the local network.
    Avahi,
    /// Wireless headsets, mice and keyboards.
    Bluetooth,
    /// Printing.
    Cups,
    /// Connections.
    NetworkManager,
    /// Smart cards.
    Pcscd,
    /// Names on the internet.
    Resolved,
    /// The clock.
    Timesyncd,
    /// Disks and sticks.
    Udisks2,
    /// Batteries.
    Upower,
}

/// What was there, in figures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The one figure that matters: bytes, or a word.
    pub total: Row,
    /// What there is, one by one.
    pub rows: Vec<(String, Row)>,
}

/// A figure or a word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Row {
    /// Bytes.
    Bytes(u64),
    /// So many.
    Count(u64),
    /// A state.
    Word(String),
}

/// A line of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Said {
    /// The first line: it runs, so whoever was asked for the password gave it.
    Began,
    /// The change is made and rolled back after this time, unless a line comes that says `keep`.
    Waiting {
        /// Milliseconds.
        ms: u64,
    },
    /// The last line.
    Ended(Outcome),
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Outcome {
    /// As planned.
    Done {
        /// What was there.
        before: State,
        /// What is there now.
        after: State,
    },
    /// Something of it could not be done.
    Partly {
        /// What was there.
        before: State,
        /// What is there now.
        after: State,
        /// What could not be done.
        why: String,
    },
    /// Nobody confirmed it: all is as it was.
    RolledBack {
        /// What was there, and is again.
        before: State,
        /// Why.
        why: String,
    },
    /// What was found isn't what the person was shown: nothing was done.
    ChangedSince {
        /// What was found.
        before: State,
    },
    /// Nothing was done.
    NotPossible {
        /// Why.
        why: String,
    },
}

/// A request that isn't one.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// More than [`REQUEST_MAX`] bytes.
    #[error("the request is too long")]
    TooLong,
    /// No verb this program has, or more than a verb and a plan.
    #[error("no such request")]
    Malformed(#[source] serde_json::Error),
}

impl Request {
    /// Reads a line.
    pub fn parse(line: &[u8]) -> Result<Self, RequestError> {
        if line.len() > REQUEST_MAX {
            return Err(RequestError::TooLong);
        }
        serde_json::from_slice(line).map_err(RequestError::Malformed)
    }
}

impl Outcome {
    /// The last line of an answer.
    pub fn line(&self) -> io::Result<Vec<u8>> {
        Said::Ended(self.clone()).line()
    }
}

impl Said {
    /// As a line.
    pub fn line(&self) -> io::Result<Vec<u8>> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        Ok(line)
    }
}

impl Default for Row {
    fn default() -> Self {
        Self::Count(0)
    }
}

impl Verb {
    /// Its name in the table of allowed verbs, and in the catalogue.
    pub fn name(self) -> &'static str {
        match self {
            Self::VacuumJournal { .. } => "vacuum-journal",
            Self::ClearPackageCache => "clear-package-cache",
            Self::RestartService { .. } => "restart-service",
            Self::SynchroniseClock => "synchronise-clock",
            Self::RepairPackages => "repair-packages",
            Self::RenewLease => "renew-lease",
        }
    }

    /// Whether it ends when standard input does. What isn't stopped would leave the computer worse if it were.
    pub fn interruptible(self) -> bool {
        match self {
            Self::VacuumJournal { .. } | Self::ClearPackageCache | Self::SynchroniseClock | Self::RenewLease => true,
            Self::RestartService { .. } | Self::RepairPackages => false,
        }
    }
}

impl Keep {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::Week, Self::Month, Self::Quarter];

    /// In days.
    pub fn days(self) -> u64 {
        match self {
            Self::Week => 7,
            Self::Month => 28,
            Self::Quarter => 84,
        }
    }
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 9] = [
        Self::Avahi,
        Self::Bluetooth,
        Self::Cups,
        Self::NetworkManager,
        Self::Pcscd,
        Self::Resolved,
        Self::Timesyncd,
        Self::Udisks2,
        Self::Upower,
    ];

    /// The word for it in the catalogue.
    pub fn name(self) -> &'static str {
        match self {
            Self::Avahi => "avahi",
            Self::Bluetooth => "bluetooth",
            Self::Cups => "cups",
            Self::NetworkManager => "network-manager",
            Self::Pcscd => "pcscd",
            Self::Resolved => "resolved",
            Self::Timesyncd => "timesyncd",
            Self::Udisks2 => "udisks2",
            Self::Upower => "upower",
        }
    }

    /// The unit of systemd.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Avahi => "avahi-daemon.service",
            Self::Bluetooth => "bluetooth.service",
            Self::Cups => "cups.service",
            Self::NetworkManager => "NetworkManager.service",
            Self::Pcscd => "pcscd.service",
            Self::Resolved => "systemd-resolved.service",
            Self::Timesyncd => "systemd-timesyncd.service",
            Self::Udisks2 => "udisks2.service",
            Self::Upower => "upower.service",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn g6_only_compiled_verbs_with_finite_arguments_are_requests() {
        for good in [
            r#"{"verb":"clear-package-cache","plan":"p"}"#,
            r#"{"verb":{"restart-service":{"service":"cups"}},"plan":"p"}"#,
            r#"{"verb":{"vacuum-journal":{"keep":"week"}},"plan":""}"#,
        ] {
            assert!(Request::parse(good.as_bytes()).is_ok(), "{good}");
        }
        for bad in [
            "",
            "{}",
            r#"{"verb":"clear-package-cache"}"#,
            r#"{"verb":"run","plan":"p"}"#,
            r#"{"verb":{"restart-service":{"service":"ssh"}},"plan":"p"}"#,
            r#"{"verb":{"restart-service":{"service":"cups.service"}},"plan":"p"}"#,
            r#"{"verb":{"restart-service":{"service":"cups","unit":"x"}},"plan":"p"}"#,
            r#"{"verb":{"vacuum-journal":{"keep":"0d"}},"plan":"p"}"#,
            r#"{"verb":"clear-package-cache","plan":"p","path":"/etc"}"#,
            r#"{"verb":"clear-package-cache","plan":"p"} {}"#,
        ] {
            assert!(Request::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_request_below_at_and_above_its_limit() {
        let frame = r#"{"verb":"clear-package-cache","plan":""}"#.len();
        for (length, fits) in [(REQUEST_MAX - 1, true), (REQUEST_MAX, true), (REQUEST_MAX + 1, false)] {
            let line = format!(r#"{{"verb":"clear-package-cache","plan":"{}"}}"#, "p".repeat(length - frame));
            assert_eq!(line.len(), length);
            assert_eq!(Request::parse(line.as_bytes()).is_ok(), fits, "{length}");
        }
    }

    proptest! {
        #[test]
        fn garbage_never_panics(line in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _refused = Request::parse(&line);
        }
    }
}
