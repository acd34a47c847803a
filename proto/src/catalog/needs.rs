//! What an item touches while it gathers: the fence around its worker lets through exactly this.
//!
//! It is part of the definition, so of what the person consented to: an item can't reach further than it said without
//! becoming another item. It is *not* the fence: that is the worker's. (SECURITY G1)

use serde::{Deserialize, Serialize};

/// The argument in which a worker gets what the agent measured of this session's connection, for an item whose needs say
/// so. No technician gives it: a parameter can't have this name.
pub const FIGURES: &str = "figures";

/// What an item touches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Needs {
    /// Files and folders it reads: absolute, below the person's home (`~/…`), or all of it (`~`). A folder means all below it.
    #[serde(default)]
    pub reads: Vec<String>,
    /// Folders below which it deletes, spelled like `reads`; only for what changes the PC. Nothing is ever written.
    #[serde(default)]
    pub writes: Vec<String>,
    /// Whether it ends programs of the person. Only what changes something may.
    #[serde(default)]
    pub ends: bool,
    /// Programs of the system it asks, by name; where they are and what they may touch is compiled in.
    #[serde(default)]
    pub tools: Vec<String>,
    /// Whom it talks to.
    #[serde(default)]
    pub talks: Vec<Talk>,
    /// Whether it looks at what other programs keep open or have mapped (`/proc/PID/exe`, `fd`, `io`). No fence for
    /// files can stand while it does; it stands before anything is judged.
    #[serde(default)]
    pub processes: bool,
    /// Whether the agent measures this session's own connection for it, before it starts: round trips, and a capped load of
    /// padding to the technician's program and back. It opens nothing for the worker, which gets the figures.
    #[serde(default)]
    pub connection: bool,
}

/// Whom a worker may talk to; each opens a class of system calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Talk {
    /// Services of this computer: the system bus, the printing service (unix(7) sockets). Never the session bus.
    Services,
    /// The network part of the kernel: addresses, routes, firewall rules (netlink(7)).
    Kernel,
    /// Other computers (IPv4 and IPv6).
    Network,
}

/// Folders in which anybody who uses the PC, and whatever they fetched, may put files.
const FOREIGN: [&str; 7] = ["/home", "/media", "/mnt", "/run/media", "/run/user", "/tmp", "/var/tmp"];

impl Needs {
    /// Whether it reads files that the system didn't write: somebody may have made them to take over what parses them.
    pub fn are_foreign(&self) -> bool {
        let below = |path: &String, folder: &str| {
            path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.reads.iter().any(|path| below(path, "~") || FOREIGN.iter().any(|folder| below(path, folder)))
    }

    /// What is wrong with it.
    pub(super) fn broken_rule(&self) -> Option<&'static str> {
        let path = |path: &String| {
            let below = path.strip_prefix("~/").or_else(|| path.strip_prefix('/'));
            path == "~"
                || below.is_some_and(|rest| {
                    !rest.is_empty() && rest.split('/').all(|part| !matches!(part, "" | "." | ".."))
                })
        };
        let sorted = |list: &[String]| list.windows(2).all(|pair| pair[0] < pair[1]);
        if !self.reads.iter().chain(&self.writes).all(path) {
            Some("what is read or written is an absolute path or one below ~, without . and ..")
        } else if !sorted(&self.reads) || !sorted(&self.writes) || !sorted(&self.tools) || !self.talks.is_sorted() {
            Some("needs are sorted and named once")
        } else {
            None
        }
    }
}
