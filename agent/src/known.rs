//! What this PC remembers between sessions: which help services it knows, and what it saw of their logs.
//!
//! Small files in the data folder: `relay` (the address used last), `roots` (one fingerprint a line: services an
//! installer, the owner or an earlier "it is them" vouched for; SECURITY A2), `statement-<root>` and
//! `checkpoint-<log>` (so that neither can go
//! back), `evidence/` (logs caught lying; SECURITY F4), `strict` (nothing runs before witnesses cosigned), and `burnt` (who used a wrong code, and when). Losing them costs trust in what was seen, never consent.

use std::path::PathBuf;

use venia_proto::address::RelayAddress;
use venia_proto::fingerprint::Fingerprint;
use venia_proto::foreign::Foreign;
use venia_proto::id::SessionId;
use venia_proto::ledger::evidence;
use venia_proto::ledger::note::NOTE_MAX;
use venia_proto::now::Wall;
use venia_proto::statement::Statement;
use venia_relay::client::control::Control;
use venia_relay::client::home::{Home, HomeError};
use venia_relay::client::seen::evidence_folder;
pub use venia_relay::client::seen::{evidence_against, keep_evidence, pin, remember as remember_pin};

/// Largest list of roots, in bytes: about 1,200 services.
const ROOTS_MAX: usize = 64 * 1024;
/// Longest address, in bytes.
const ADDRESS_MAX: usize = 512;

/// Burnt codes remembered.
const BURNT_LINES: usize = 200;
/// Largest list of burnt codes, in bytes: a name may take 64 characters of six bytes.
const BURNT_MAX: usize = BURNT_LINES * 1024;

const BURNT: &str = "burnt";
const ROOTS: &str = "roots";
const RELAY: &str = "relay";
const STRICT: &str = "strict";
/// Largest such file, in bytes.
const STRICT_MAX: usize = 1_024;

/// The person's home: as the system has it, for checks look there; else as the environment says.
pub fn person_home() -> Option<PathBuf> {
    let user = rustix::process::getuid().as_raw().to_string();
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let home = accounts.lines().find_map(|line| {
        let mut fields = line.split(':').skip(2);
        (fields.next() == Some(&user)).then(|| fields.nth(2)).flatten()
    });
    home.map(PathBuf::from).or_else(std::env::home_dir).filter(|home| home.is_absolute() && home.parent().is_some())
}

/// The relay used last.
pub fn relay(home: &Home) -> Result<Option<RelayAddress>, HomeError> {
    let text = home.read(RELAY, ADDRESS_MAX)?.and_then(|bytes| String::from_utf8(bytes).ok());
    Ok(text.and_then(|text| text.trim_end().parse().ok()))
}

/// Remembers the relay.
pub fn remember_relay(home: &Home, relay: &RelayAddress) -> Result<(), HomeError> {
    home.write(RELAY, format!("{relay}\n").as_bytes())
}

/// The roots this PC knows.
pub fn roots(home: &Home) -> Result<Vec<Fingerprint>, HomeError> {
    let text = home.read(ROOTS, ROOTS_MAX)?.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
}

/// From now on this service is known.
pub fn remember_root(home: &Home, root: &Fingerprint) -> Result<(), HomeError> {
    let mut known = roots(home)?;
    if known.contains(root) {
        return Ok(());
    }
    known.push(*root);
    let text: String = known.iter().map(|root| format!("{root}\n")).collect();
    home.write(ROOTS, text.as_bytes())
}

/// Whether the owner of this PC lets nothing run before witnesses cosigned its admission. A file that is there and can't be
/// read counts: what was decided isn't undone by an accident.
pub fn strict(home: &Home) -> Result<bool, HomeError> {
    Ok(home.read(STRICT, STRICT_MAX)?.is_some())
}

/// Remembers that decision.
pub fn remember_strict(home: &Home, strict: bool) -> Result<(), HomeError> {
    if strict { home.write(STRICT, b"witnesses first\n") } else { home.remove(STRICT) }
}

/// The newest statement seen of this service. (SECURITY A1: the serial never goes back, nor does a damaged file take it back)
pub fn statement(home: &Home, root: &Fingerprint) -> Result<Option<Statement>, HomeError> {
    let Some(note) = statement_note(home, root)? else { return Ok(None) };
    let damaged = |_| HomeError::Seen(home.dir().join(format!("statement-{root}")));
    Statement::open(&note, root).map(Some).map_err(damaged)
}

/// Its signed bytes.
pub fn statement_note(home: &Home, root: &Fingerprint) -> Result<Option<Vec<u8>>, HomeError> {
    home.read(&format!("statement-{root}"), NOTE_MAX)
}

/// Remembers the newest statement a relay greeted with, unless somebody is to be shown it first. (SECURITY A1)
pub fn remember_newest(home: &Home, root: &Fingerprint, control: &Control) -> Result<(), HomeError> {
    control.to_keep().map_or(Ok(()), |newest| remember_statement(home, root, &newest.statement_note))
}

/// Remembers a verified statement.
pub fn remember_statement(home: &Home, root: &Fingerprint, note: &[u8]) -> Result<(), HomeError> {
    home.write(&format!("statement-{root}"), note)
}

/// Notes that a code was burnt, and by whom, as their member note says (SECURITY B3). The newest lines are kept.
pub fn keep_burn(home: &Home, at: Wall, by: Option<&Foreign>) -> Result<(), HomeError> {
    let kept = home.read(BURNT, BURNT_MAX)?.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    let line = serde_json::json!({ "at": at, "by": by }).to_string();
    let skip = kept.lines().count().saturating_sub(BURNT_LINES - 1);
    let text: String = kept.lines().skip(skip).chain([line.as_str()]).map(|line| format!("{line}\n")).collect();
    home.write(BURNT, text.as_bytes())
}

/// Keeps a note of what a relay gave no receipts for, and says where. It freezes nothing. (SECURITY E10)
pub fn keep_withheld(home: &Home, session: SessionId, file: &evidence::File) -> Result<PathBuf, HomeError> {
    let folder = evidence_folder(home)?;
    let name = format!("withheld-{session}");
    folder.write(&name, &file.to_bytes())?;
    folder.path(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strictness_is_remembered_until_it_is_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(&folder.path().join("data"), true).unwrap();
        assert!(!strict(&home).unwrap());
        for decided in [true, true, false, false, true] {
            remember_strict(&home, decided).unwrap();
            assert_eq!(strict(&home).unwrap(), decided);
        }
    }

    #[test]
    fn a1_a_damaged_statement_is_an_error_and_not_a_service_never_seen() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(&folder.path().join("data"), true).unwrap();
        let root = Fingerprint::of(venia_proto::key::SigningKey::new("root", [1; 32]).verifier());
        assert_eq!(statement(&home, &root).unwrap(), None);
        remember_statement(&home, &root, b"venia/statement@v1\n{}\n\n").unwrap();
        let error = statement(&home, &root).unwrap_err();
        assert!(matches!(&error, HomeError::Seen(file) if file.ends_with(format!("statement-{root}"))), "{error}");
    }
}
