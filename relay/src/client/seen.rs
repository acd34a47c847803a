//! What a peer saw of the logs it works with: the newest checkpoint of each, and evidence against those that were caught
//! lying. (SECURITY F4, F5)
//!
//! ```text
//! checkpoint-<log>            the newest checkpoint: no log may go back behind it, or aside from it
//! evidence/evidence-<log>     what shows that a log lied: no session through it ever again, only through another log
//! ```
//!
//! Not here: how two checkpoints are held against each other (`proto::ledger::pin`), and when that happens.

use std::path::PathBuf;

use sha2::{Digest as _, Sha256};
use venia_proto::encoding;
use venia_proto::key::VerifierKey;
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::evidence::{self, Claim};
use venia_proto::ledger::note::{NOTE_MAX, Note};
use venia_proto::ledger::pin::Pin;

use super::home::{Home, HomeError};

/// Folder of the evidence.
const FOLDER: &str = "evidence";
/// A checkpoint's file.
const CHECKPOINT: &str = "checkpoint";
/// A file of evidence.
const EVIDENCE: &str = "evidence";
/// Bytes of a log's hash in the name of its files: two logs with the same ones can't be found.
const HASH: usize = 15;

/// The newest checkpoint accepted from this log. One that can't be read is an error ([`HomeError::Seen`]).
pub fn pin(home: &Home, log: &VerifierKey) -> Result<Option<Pin>, HomeError> {
    let name = file(CHECKPOINT, log);
    if let Some(note) = home.read(&name, NOTE_MAX)? {
        return opened(home, &name, &note, log).map(Some);
    }
    let former = former_file(CHECKPOINT, log);
    let Some(note) = home.read(&former, NOTE_MAX)?.filter(|note| is_of(note, log)) else { return Ok(None) };
    let pin = opened(home, &former, &note, log)?;
    home.write(&name, &note)?;
    home.remove(&former)?;
    Ok(Some(pin))
}

fn opened(home: &Home, name: &str, note: &[u8], log: &VerifierKey) -> Result<Pin, HomeError> {
    Pin::new(note, log).map_err(|error| {
        tracing::debug!(%error, name, "what was seen of a log");
        HomeError::Seen(home.dir().join(name))
    })
}

/// Remembers a checkpoint.
pub fn remember(home: &Home, log: &VerifierKey, note: &[u8]) -> Result<(), HomeError> {
    home.write(&file(CHECKPOINT, log), note)
}

/// Keeps evidence against a log, the first found, and says where. From now on nothing is recorded in that log: only a root
/// statement of a new origin lifts that. (SECURITY F4)
pub fn keep_evidence(home: &Home, log: &VerifierKey, found: &evidence::File) -> Result<PathBuf, HomeError> {
    if let Some(kept) = evidence_against(home, log)? {
        return Ok(kept);
    }
    let (folder, name) = (evidence_folder(home)?, file(EVIDENCE, log));
    folder.write(&name, &found.to_bytes())?;
    folder.path(&name)
}

/// Where the evidence against this log is, if there is any.
pub fn evidence_against(home: &Home, log: &VerifierKey) -> Result<Option<PathBuf>, HomeError> {
    let (folder, name) = (evidence_folder(home)?, file(EVIDENCE, log));
    if folder.read(&name, evidence::FILE_MAX)?.is_none() {
        let former = former_file(EVIDENCE, log);
        let held = folder.read(&former, evidence::FILE_MAX)?;
        let Some(bytes) = held.filter(|bytes| accuses(bytes, log)) else { return Ok(None) };
        folder.write(&name, &bytes)?;
        folder.remove(&former)?;
    }
    folder.path(&name).map(Some)
}

/// The folder of the evidence, made if missing.
pub fn evidence_folder(home: &Home) -> Result<Home, HomeError> {
    Home::open(&home.dir().join(FOLDER), false)
}

/// Origins may hold any printable character; file names may not. By a hash that nobody finds a second log for: one that had
/// another's name would pass for unseen, and its checkpoint would take the place of what was seen of the other.
fn file(what: &str, log: &VerifierKey) -> String {
    format!("{what}-{}", encoding::to_base32(&Sha256::digest(log.to_string().as_bytes())[..HASH]))
}

/// The name consoles gave such a file once, by the four bytes that tell which key signed: read, moved, and never written.
fn former_file(what: &str, log: &VerifierKey) -> String {
    format!("{what}-{}", encoding::to_hex(&log.id()))
}

/// Whether a checkpoint says that it is this log's, or nothing at all: under the former names it may be another's.
fn is_of(note: &[u8], log: &VerifierKey) -> bool {
    let claimed = Note::parse(note).ok().and_then(|note| Checkpoint::unverified(&note).ok());
    claimed.is_none_or(|claimed| claimed.origin == log.name)
}

/// Whether evidence is against this log. What can't be read was kept for a reason.
fn accuses(bytes: &[u8], log: &VerifierKey) -> bool {
    match evidence::File::parse(bytes).map(|file| file.claim) {
        Ok(Claim::Fork { shown, .. } | Claim::Inconsistent { shown, .. }) => is_of(&shown, log),
        Ok(Claim::Equivocation { .. } | Claim::Withheld { .. }) => false,
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::read;

    use tempfile::TempDir;
    use venia_proto::key::{KeyName, SigningKey};
    use venia_proto::ledger::pin::{Evidence, PinError};

    use super::*;

    fn open() -> (TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(&folder.path().join("data"), true).unwrap();
        (folder, home)
    }

    fn log(n: u8, name: &str) -> SigningKey {
        SigningKey::new("log", [n; 32]).named(KeyName::new(name).unwrap())
    }

    fn checkpoint(log: &SigningKey, root: u8) -> Vec<u8> {
        Checkpoint::of(log.verifier(), 5, [root; 32]).sign(log)
    }

    fn fork(log: &SigningKey) -> Box<Evidence> {
        let mut pin = Pin::new(&checkpoint(log, 1), log.verifier()).unwrap();
        match pin.advance(&checkpoint(log, 2), log.verifier(), None) {
            Err(PinError::Evidence(found)) => found,
            other => panic!("no fork: {other:?}"),
        }
    }

    #[test]
    fn f4_evidence_freezes_its_log_until_there_is_another() {
        let (_folder, home) = open();
        let (log, next) = (log(1, "relay.example/log"), log(2, "relay.example/log/2"));
        assert_eq!(evidence_against(&home, log.verifier()).unwrap(), None);
        let file = evidence::File::of_log(b"statement".to_vec(), &fork(&log));
        let path = keep_evidence(&home, log.verifier(), &file).unwrap();
        assert_eq!(read(&path).unwrap(), file.to_bytes());
        // What was found first stays.
        let later = evidence::File { statement: b"other".to_vec(), ..file.clone() };
        assert_eq!(keep_evidence(&home, log.verifier(), &later).unwrap(), path);
        assert_eq!(read(&path).unwrap(), file.to_bytes());
        assert_eq!(evidence_against(&home, log.verifier()).unwrap(), Some(path));
        assert_eq!(evidence_against(&home, next.verifier()).unwrap(), None);
    }

    #[test]
    fn f4_two_logs_whose_keys_have_one_short_id_are_two() {
        // Found by trying names, in less than a second.
        let (_folder, home) = open();
        let (one, other) = (log(1, "relay.example/log/9511"), log(1, "relay.example/log/54572"));
        assert_eq!(one.verifier().id(), other.verifier().id());
        remember(&home, one.verifier(), &checkpoint(&one, 1)).unwrap();
        remember(&home, other.verifier(), &checkpoint(&other, 2)).unwrap();
        for (log, root) in [(&one, 1), (&other, 2)] {
            assert_eq!(pin(&home, log.verifier()).unwrap().unwrap().checkpoint().root, [root; 32]);
            let found = evidence::File::of_log(b"statement".to_vec(), &fork(log));
            assert_eq!(evidence_against(&home, log.verifier()).unwrap(), None);
            let kept = keep_evidence(&home, log.verifier(), &found).unwrap();
            assert_eq!(read(kept).unwrap(), found.to_bytes());
        }
    }

    #[test]
    fn f5_a_damaged_checkpoint_is_an_error_and_not_a_log_that_was_never_seen() {
        let (_folder, home) = open();
        let (mine, other) = (log(1, "mine"), log(2, "mine"));
        assert_eq!(pin(&home, mine.verifier()).unwrap(), None);
        let whole = checkpoint(&mine, 1);
        let mut flipped = whole.clone();
        flipped[8] ^= 1;
        let spoilt = [Vec::new(), b"\xff".to_vec(), whole[..whole.len() / 2].to_vec(), flipped, checkpoint(&other, 1)];
        for name in [file(CHECKPOINT, mine.verifier()), former_file(CHECKPOINT, mine.verifier())] {
            for spoilt in &spoilt {
                home.write(&name, spoilt).unwrap();
                let error = pin(&home, mine.verifier()).unwrap_err();
                assert!(matches!(&error, HomeError::Seen(path) if *path == home.dir().join(&name)), "{error}");
                assert_eq!(home.read(&name, NOTE_MAX).unwrap().as_ref(), Some(spoilt), "it stays");
            }
            home.write(&name, &whole).unwrap();
            assert_eq!(pin(&home, mine.verifier()).unwrap().unwrap().note(), whole);
            home.remove(&file(CHECKPOINT, mine.verifier())).unwrap();
        }
    }

    #[test]
    fn what_lies_under_a_former_name_is_moved_once_and_another_log_s_stays() {
        let (_folder, home) = open();
        let (mine, other) = (log(1, "mine"), log(2, "other"));
        let former = former_file(CHECKPOINT, mine.verifier());
        home.write(&former, &checkpoint(&other, 2)).unwrap();
        assert_eq!(pin(&home, mine.verifier()).unwrap(), None, "that one is another's");
        assert!(home.read(&former, NOTE_MAX).unwrap().is_some());
        home.write(&former, &checkpoint(&mine, 1)).unwrap();
        for _ in 0..2 {
            let held = pin(&home, mine.verifier()).unwrap().unwrap();
            assert_eq!(held.note(), checkpoint(&mine, 1));
            assert_eq!(home.read(&former, NOTE_MAX).unwrap(), None);
        }
        // A newer one isn't replaced by what somebody puts back.
        home.write(&former, &checkpoint(&mine, 9)).unwrap();
        assert_eq!(pin(&home, mine.verifier()).unwrap().unwrap().checkpoint().root, [1; 32]);

        let (folder, former) = (evidence_folder(&home).unwrap(), former_file(EVIDENCE, mine.verifier()));
        let about = |log| evidence::File::of_log(b"statement".to_vec(), &fork(log)).to_bytes();
        folder.write(&former, &about(&other)).unwrap();
        assert_eq!(evidence_against(&home, mine.verifier()).unwrap(), None);
        for kept in [about(&mine), b"half a file".to_vec()] {
            folder.write(&former, &kept).unwrap();
            let path = evidence_against(&home, mine.verifier()).unwrap().unwrap();
            assert_eq!(read(&path).unwrap(), kept);
            assert_eq!(folder.read(&former, evidence::FILE_MAX).unwrap(), None);
            std::fs::remove_file(path).unwrap();
        }
    }
}
