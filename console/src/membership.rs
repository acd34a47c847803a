//! What an enrolment leaves in the data folder: whose member this is, and by which key.
//!
//! ```text
//! roots       the organisation's pinned root, one fingerprint a line (SECURITY A1); written last, it makes the rest count
//! relay       HOST:PORT where to knock
//! statement   the newest statement seen of that root: its serial never goes back
//! member      the member note, renewed when it has less than an hour left
//! key         the private key: a thief of this file is this member until the note is revoked
//! sessions/   records
//! ```

use std::path::Path;

use venia_proto::address::HostPort;
use venia_proto::fingerprint::Fingerprint;
use venia_proto::key::{SigningKey, VerifierKey};
use venia_proto::ledger::note::NOTE_MAX;
use venia_proto::statement::{Member, Statement, StatementError};
use venia_relay::client::home::{Home, HomeError};

const ROOTS: &str = "roots";
const RELAY: &str = "relay";
const STATEMENT: &str = "statement";
const MEMBER: &str = "member";
const KEY: &str = "key";
/// What kind of key it is, in its name.
const KIND: &str = "member";
/// Largest list of roots or address, in bytes.
const SMALL: usize = 4_096;

/// An enrolled member.
pub(crate) struct Membership {
    pub(crate) home: Home,
    pub(crate) root: Fingerprint,
    pub(crate) at: HostPort,
    pub(crate) key: SigningKey,
    /// The newest statement known.
    pub(crate) statement: Option<Statement>,
    /// The member note, as last renewed.
    pub(crate) note: Vec<u8>,
}

impl Membership {
    /// Reads it; `None` if this folder is not enrolled.
    pub(crate) fn load(home: Home) -> Result<Option<Self>, HomeError> {
        let (Some(root), Some(at)) = (roots(&home)?.first().copied(), address(&home)?) else { return Ok(None) };
        let (Some(note), Some(key)) = (home.read(MEMBER, NOTE_MAX)?, home.existing_key(KEY, KIND)?) else {
            return Ok(None);
        };
        let statement = match home.read(STATEMENT, NOTE_MAX)?.map(|note| Statement::open(&note, &root)) {
            Some(Ok(statement)) => Some(statement),
            // A crash between the two files of an enrolment with another organisation: it is stored first.
            None | Some(Err(StatementError::WrongRoot)) => None,
            Some(Err(_)) => return Err(HomeError::Seen(home.dir().join(STATEMENT))),
        };
        Ok(Some(Self { home, root, at, key, statement, note }))
    }

    /// Remembers a statement that was accepted.
    pub(crate) fn keep_statement(&mut self, statement: &Statement, note: &[u8]) -> Result<(), HomeError> {
        if self.statement.as_ref() != Some(statement) {
            self.home.write(STATEMENT, note)?;
            self.statement = Some(statement.clone());
        }
        Ok(())
    }

    /// Remembers a renewed member note.
    pub(crate) fn keep_note(&mut self, note: Vec<u8>) -> Result<(), HomeError> {
        self.home.write(MEMBER, &note)?;
        self.note = note;
        Ok(())
    }
}

/// The newest statement's signed bytes.
pub(crate) fn statement_note(home: &Home) -> Result<Option<Vec<u8>>, HomeError> {
    home.read(STATEMENT, NOTE_MAX)
}

/// The key of a future member, made on first use.
pub(crate) fn key(home: &Home) -> Result<SigningKey, HomeError> {
    home.key(KEY, KIND)
}

/// Remembers an enrolment; the root last, so that a crash leaves no half member.
pub(crate) fn store(
    home: &Home,
    at: &HostPort,
    root: &Fingerprint,
    statement: &[u8],
    note: &[u8],
) -> Result<(), HomeError> {
    home.write(RELAY, format!("{at}\n").as_bytes())?;
    home.write(STATEMENT, statement)?;
    home.write(MEMBER, note)?;
    home.write(ROOTS, format!("{root}\n").as_bytes())
}

/// Roots pinned in a folder; a folder of another program of ours may have several. A line that is none makes the file
/// damaged: half a pin is no pin.
pub(crate) fn roots(home: &Home) -> Result<Vec<Fingerprint>, HomeError> {
    let Some(bytes) = home.read(ROOTS, SMALL)? else { return Ok(Vec::new()) };
    let text = String::from_utf8_lossy(&bytes);
    let roots: Result<Vec<Fingerprint>, _> = text.lines().filter(|line| !line.is_empty()).map(str::parse).collect();
    roots.map_err(|_| HomeError::Damaged(home.dir().join(ROOTS)))
}

/// Roots pinned in a folder that may not exist; it isn't made.
pub(crate) fn roots_in(folder: &Path) -> Result<Vec<Fingerprint>, HomeError> {
    if folder.is_dir() { roots(&Home::open(folder, false)?) } else { Ok(Vec::new()) }
}

/// Whether a note is this key's, and what it says.
pub(crate) fn own(note: &[u8], statement: &Statement, key: &VerifierKey) -> Option<Member> {
    Member::open(note, &statement.authority).ok().filter(|member| member.key == *key)
}

fn address(home: &Home) -> Result<Option<HostPort>, HomeError> {
    let Some(bytes) = home.read(RELAY, SMALL)? else { return Ok(None) };
    let address = String::from_utf8_lossy(&bytes).trim_end().parse();
    address.map(Some).map_err(|_| HomeError::Damaged(home.dir().join(RELAY)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a1_a_damaged_statement_is_an_error_and_not_a_first_enrolment() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(&folder.path().join("ana"), true).unwrap();
        let root = Fingerprint::of(SigningKey::new("root", [1; 32]).verifier());
        key(&home).unwrap();
        store(&home, &"127.0.0.1:1".parse().unwrap(), &root, b"venia/statement@v1\n{}\n\n", b"note").unwrap();
        let path = home.dir().join(STATEMENT);
        let error = Membership::load(home).map(drop).unwrap_err();
        assert!(matches!(&error, HomeError::Seen(file) if *file == path), "{error}");
    }
}
