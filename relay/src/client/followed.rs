//! Which log followed which, as it was accepted here: one file a log (`followed-…`) in the data folder.
//!
//! Not here: what a log must show before it is accepted ([`super::succession`]).

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use venia_proto::encoding;
use venia_proto::key::VerifierKey;
use venia_proto::ledger::event::After;

use super::home::{Home, HomeError};
use super::seen;
use super::succession::{CHAIN_MAX, Followed, Worth};

/// Largest record of what was accepted, in bytes.
const RECORD_MAX: usize = 8 * 1024;

/// What was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    /// Verifier key of the old log.
    from: String,
    /// Verifier key of the new one.
    to: String,
    /// Size that was seen of the old one.
    size: u64,
    /// Its root there, in hex.
    root: String,
    /// Entries of it that a restored backup lost.
    lost: u64,
    /// Whether an event quoted it that has its receipt in the new one.
    quoted: bool,
    /// What the person wasn't shown yet; records from before this was kept have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    untold: Option<Untold>,
}

/// What somebody is to be told of a log that was followed, until it was shown: whoever can break a connection must not be able
/// to swallow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Untold {
    /// A backup was restored; nothing of what was seen is missing.
    Restored,
    /// A restored backup lost this many entries that were seen.
    Lost(u64),
    /// A backup was restored, and the closed log contradicts what was seen of it.
    Contradicted,
}

/// What somebody is to be told, with what shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A backup was restored; nothing of what was seen is missing.
    Restored,
    /// A restored backup lost this many entries that were seen.
    Lost(u64),
    /// The closed log contradicts what was seen of it; the file of the evidence, none where nothing shows it that others could check.
    Contradicted(Option<PathBuf>),
}

/// Remembers that a log was accepted, and what is to be told of that ([`untold`]).
pub fn accept(home: &Home, followed: &Followed) -> Result<(), HomeError> {
    let (lost, untold) = match followed.worth {
        Worth::Whole { restored: false } => (0, None),
        Worth::Whole { restored: true } => (0, Some(Untold::Restored)),
        Worth::Lost { had, kept } => (had.saturating_sub(kept), Some(Untold::Lost(had.saturating_sub(kept)))),
        Worth::Contradicted(_) => (0, Some(Untold::Contradicted)),
    };
    let record = Record {
        from: followed.from.to_string(),
        to: followed.to.to_string(),
        size: followed.after.size,
        root: encoding::to_hex(&followed.after.root),
        lost,
        quoted: false,
        untold,
    };
    write(home, &followed.to, &record)
}

/// The logs this one followed here, newest first.
pub fn former(home: &Home, log: &VerifierKey) -> Result<Vec<VerifierKey>, HomeError> {
    let mut logs: Vec<VerifierKey> = Vec::new();
    while let Some(record) = record(home, logs.last().unwrap_or(log))? {
        let earlier = record.from.parse().ok().filter(|from| from != log && !logs.contains(from));
        let Some(earlier) = earlier.filter(|_| logs.len() < CHAIN_MAX) else { break };
        logs.push(earlier);
    }
    Ok(logs)
}

/// What is still to be told of this log and those before it, oldest first.
pub fn untold(home: &Home, log: &VerifierKey) -> Result<Vec<Told>, HomeError> {
    let mut found = Vec::new();
    for log in chained(home, log)? {
        let Some(record) = record(home, &log)? else { continue };
        let Some((from, untold)) = record.from.parse::<VerifierKey>().ok().zip(record.untold) else { continue };
        found.push(match untold {
            Untold::Restored => Told::Restored,
            Untold::Lost(lost) => Told::Lost(lost),
            Untold::Contradicted => Told::Contradicted(seen::evidence_against(home, &from)?),
        });
    }
    found.reverse();
    Ok(found)
}

/// All of that was shown: it isn't told again.
pub fn told(home: &Home, log: &VerifierKey) -> Result<(), HomeError> {
    for log in chained(home, log)? {
        match record(home, &log)? {
            Some(record) if record.untold.is_some() => write(home, &log, &Record { untold: None, ..record })?,
            Some(_) | None => {}
        }
    }
    Ok(())
}

/// This log and those it followed here, newest first.
fn chained(home: &Home, log: &VerifierKey) -> Result<Vec<VerifierKey>, HomeError> {
    let mut logs = vec![log.clone()];
    logs.extend(former(home, log)?);
    Ok(logs)
}

/// The log this one followed here.
pub(super) fn before(home: &Home, log: &VerifierKey) -> Result<Option<VerifierKey>, HomeError> {
    Ok(record(home, log)?.and_then(|record| record.from.parse().ok()))
}

/// What the first event in this log quotes: the newest checkpoint of the one before. (docs/ledger.md, `after`)
pub fn quotes(home: &Home, log: &VerifierKey) -> Result<Option<After>, HomeError> {
    let Some(record) = record(home, log)?.filter(|record| !record.quoted) else { return Ok(None) };
    // After a backup older than the last log an origin comes twice: quoted, the lost one would pass for this one.
    let from = record.from.parse::<VerifierKey>().ok().filter(|from| from.name != log.name);
    let quote = from.zip(encoding::hex(&record.root));
    Ok(quote.map(|(from, root)| After { origin: from.name, size: record.size, root }))
}

/// An event that quoted it has its receipt.
pub fn quoted(home: &Home, log: &VerifierKey) -> Result<(), HomeError> {
    match record(home, log)? {
        Some(record) if !record.quoted => write(home, log, &Record { quoted: true, ..record }),
        Some(_) | None => Ok(()),
    }
}

fn record(home: &Home, log: &VerifierKey) -> Result<Option<Record>, HomeError> {
    let name = file(log);
    let Some(bytes) = home.read(&name, RECORD_MAX)? else { return Ok(None) };
    let record: Record = serde_json::from_slice(&bytes).map_err(|_| HomeError::Damaged(home.dir().join(name)))?;
    Ok(Some(record).filter(|record| record.to == log.to_string()))
}

fn write(home: &Home, log: &VerifierKey, record: &Record) -> Result<(), HomeError> {
    let name = file(log);
    let bytes = serde_json::to_vec(record).map_err(|_| HomeError::Damaged(home.dir().join(&name)))?;
    home.write(&name, &bytes)
}

/// Origins may hold any printable character; file names may not.
fn file(log: &VerifierKey) -> String {
    format!("followed-{}", encoding::to_hex(&Sha256::digest(log.to_string().as_bytes())[..12]))
}

#[cfg(test)]
mod tests {
    use venia_proto::key::{KeyName, SigningKey};
    use venia_proto::ledger::evidence::{Claim, File};

    use super::*;

    fn log(n: u8) -> VerifierKey {
        SigningKey::new("log", [n; 32]).named(KeyName::new(&format!("log/{n}")).unwrap()).verifier().clone()
    }

    fn followed(from: u8, to: u8) -> Followed {
        with(from, to, Worth::Lost { had: 9, kept: 5 })
    }

    fn with(from: u8, to: u8, worth: Worth) -> Followed {
        let after = After { origin: log(from).name, size: 9, root: [from; 32] };
        Followed { from: log(from), to: log(to), after, checkpoint: Vec::new(), worth }
    }

    #[test]
    fn f5_what_is_to_be_told_stays_until_it_was_shown() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(&folder.path().join("pc"), true).unwrap();
        assert_eq!(untold(&home, &log(2)).unwrap(), []);
        told(&home, &log(2)).unwrap();
        accept(&home, &with(1, 2, Worth::Contradicted(None))).unwrap();
        accept(&home, &with(2, 3, Worth::Whole { restored: false })).unwrap();
        accept(&home, &with(3, 4, Worth::Whole { restored: true })).unwrap();
        accept(&home, &followed(4, 5)).unwrap();
        let all = [Told::Contradicted(None), Told::Restored, Told::Lost(4)];
        for _ in 0..2 {
            assert_eq!(untold(&home, &log(5)).unwrap(), all, "a new log on top hides nothing");
        }
        quoted(&home, &log(5)).unwrap();
        assert_eq!(untold(&home, &log(5)).unwrap(), all);
        told(&home, &log(5)).unwrap();
        assert_eq!(untold(&home, &log(5)).unwrap(), []);
        assert_eq!(quotes(&home, &log(5)).unwrap(), None, "nothing else is forgotten");
        assert_eq!(former(&home, &log(5)).unwrap().len(), 4);
    }

    #[test]
    fn f4_a_contradiction_names_the_evidence_kept_of_it_whenever_that_was_found() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(&folder.path().join("pc"), true).unwrap();
        accept(&home, &with(1, 2, Worth::Contradicted(None))).unwrap();
        assert_eq!(untold(&home, &log(2)).unwrap(), [Told::Contradicted(None)]);
        // Found before, by gossip: this time the relay shows nothing.
        let claim = Claim::Fork { known: Vec::new(), shown: Vec::new() };
        let file = seen::keep_evidence(&home, &log(1), &File { statement: Vec::new(), claim }).unwrap();
        assert_eq!(untold(&home, &log(2)).unwrap(), [Told::Contradicted(Some(file))]);
    }

    #[test]
    fn a_record_from_before_this_was_kept_has_nothing_to_tell() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(&folder.path().join("pc"), true).unwrap();
        let (from, to, root) = (log(1).to_string(), log(2).to_string(), "00".repeat(32));
        let old = serde_json::json!({ "from": from, "to": to, "size": 9, "root": root, "lost": 4, "quoted": false });
        home.write(&file(&log(2)), old.to_string().as_bytes()).unwrap();
        assert_eq!(former(&home, &log(2)).unwrap(), [log(1)]);
        assert_eq!(untold(&home, &log(2)).unwrap(), []);
    }

    #[test]
    fn f5_what_was_accepted_is_remembered_and_quoted_until_it_has_a_receipt() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(&folder.path().join("pc"), true).unwrap();
        assert_eq!(former(&home, &log(3)).unwrap(), []);
        assert_eq!(quotes(&home, &log(3)).unwrap(), None);
        quoted(&home, &log(3)).unwrap();
        accept(&home, &followed(1, 2)).unwrap();
        accept(&home, &followed(2, 3)).unwrap();
        assert_eq!(former(&home, &log(3)).unwrap(), [log(2), log(1)]);
        assert_eq!(quotes(&home, &log(3)).unwrap(), Some(followed(2, 3).after));
        quoted(&home, &log(3)).unwrap();
        assert_eq!(quotes(&home, &log(3)).unwrap(), None);
        assert_eq!(quotes(&home, &log(2)).unwrap(), Some(followed(1, 2).after), "that one is another");
        // A file that leads in a circle ends.
        accept(&home, &followed(3, 1)).unwrap();
        assert_eq!(former(&home, &log(3)).unwrap(), [log(2), log(1)]);
        home.write(&file(&log(2)), b"{}").unwrap();
        assert!(former(&home, &log(3)).is_err());
    }
}
