//! What a person can consent to, in ten words or fewer each. The words themselves are in the catalogue and in `ui`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A kind of thing a technician may be allowed to do. Order is the order on a card, and the wire tag: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Parts and whether they fail.
    Hardware,
    /// The operating system.
    System,
    /// Internet and local network.
    Network,
    /// Protection of the PC.
    Security,
    /// The person's own tasks: printing, storage, programs.
    Tasks,
    /// Figures that keep coming while the technician watches.
    Live,
    /// Only talk: no access at all.
    Chat,
    /// What changes the PC; each repair is asked on its own all the same.
    Repair,
}

/// One of the five areas of support that catalogue items belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Area {
    /// Parts and whether they fail.
    Hardware,
    /// The operating system.
    System,
    /// Internet and local network.
    Network,
    /// Protection of the PC.
    Security,
    /// Printing, storage, programs.
    Tasks,
}

/// A word that names no scope or area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {0}")]
pub struct UnknownName(pub &'static str);

impl Scope {
    /// Every scope, in the order of a card.
    pub const ALL: [Self; 8] = [
        Self::Hardware,
        Self::System,
        Self::Network,
        Self::Security,
        Self::Tasks,
        Self::Live,
        Self::Chat,
        Self::Repair,
    ];

    /// The word used on the command line and in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hardware => "hardware",
            Self::System => "system",
            Self::Network => "network",
            Self::Security => "security",
            Self::Tasks => "tasks",
            Self::Live => "live",
            Self::Chat => "chat",
            Self::Repair => "repair",
        }
    }
}

impl Area {
    /// Every area.
    pub const ALL: [Self; 5] = [Self::Hardware, Self::System, Self::Network, Self::Security, Self::Tasks];

    /// The scope that covers this area's reading items.
    pub fn scope(self) -> Scope {
        match self {
            Self::Hardware => Scope::Hardware,
            Self::System => Scope::System,
            Self::Network => Scope::Network,
            Self::Security => Scope::Security,
            Self::Tasks => Scope::Tasks,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scope().name())
    }
}

impl FromStr for Scope {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|scope| scope.name() == text).ok_or(UnknownName("scope"))
    }
}

impl FromStr for Area {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|area| area.scope().name() == text).ok_or(UnknownName("area"))
    }
}
