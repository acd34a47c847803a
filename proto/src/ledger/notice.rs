//! What the relay itself puts on record, beside its `batch` notes: holes in time, sessions nobody closed, ciphertext
//! deleted, auditors looking, a log that follows another, a new statement.
//!
//! Notes of their own kinds, each with its own first line (SECURITY F7), signed by the log's key. They say what the relay
//! *did*; they never speak for a participant and stand in no bundle. No words in them, for the reason events have none
//! (SECURITY E5).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::encoding;
use crate::id::SessionId;
use crate::json::{self, Fields, JsonError, Text};
use crate::key::{KeyName, SigningKey, VerifierKey};
use crate::ledger::batch::{BATCH, Batch, BatchError};
use crate::ledger::event::{EVENT, Event, EventError};
use crate::ledger::merkle::Hash;
use crate::ledger::note::{self, Note, NoteError};
use crate::now::Wall;

/// Most parts one [`Notice::Erase`] names; a whole session is named without them.
pub const ERASED_PARTS_MAX: usize = 200;

/// A note of the relay's own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Notice {
    /// `venia/gap@v1`: nobody kept the time between these two moments; the relay wasn't running. (SECURITY F6)
    Gap {
        /// The last batch before.
        from: Wall,
        /// When it came back.
        to: Wall,
    },
    /// `venia/abandoned@v1`: a session without `close` in which nothing was recorded for 24 hours. (SECURITY E7)
    Abandoned {
        /// Which.
        session: SessionId,
    },
    /// `venia/erase@v1`: ciphertext was deleted, and every holder of openings is asked to do the same. (SECURITY E11)
    Erase {
        /// Which session.
        session: SessionId,
        /// Commitments of the parts erased, at most [`ERASED_PARTS_MAX`]; `None` for every part of the session.
        parts: Option<Vec<[u8; 32]>>,
    },
    /// `venia/look@v1`: an auditor looked; on record before anything was told.
    Look {
        /// The auditor's key; its name is opaque.
        by: VerifierKey,
        /// What for.
        what: Looking,
        /// At which session; `None` for the whole log.
        session: Option<SessionId>,
    },
    /// `venia/key@v1`: the first note of a log that follows another. (SECURITY F5)
    Key {
        /// The log before: its origin, the size it was closed at, and its root there.
        previous: Closed,
        /// Why another began.
        cause: Succession,
    },
    /// `venia/policy@v1`: another statement is in force: other auditors, witnesses or days.
    Policy {
        /// Its serial.
        serial: u64,
        /// SHA-256 of the statement note.
        statement: [u8; 32],
    },
}

/// A log that takes no more entries.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Closed {
    /// Its origin.
    pub origin: KeyName,
    /// Its last size.
    pub size: u64,
    /// Its root at that size.
    pub root: Hash,
}

/// Why a log follows another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Succession {
    /// A new year: a new shard with a new key.
    Year,
    /// The database came back from an older backup; what was recorded after it is lost here. (SECURITY F5)
    Recovered,
}

/// What an auditor looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Looking {
    /// `venia audit list`
    List,
    /// `venia audit show`
    Show,
    /// `venia audit search`
    Search,
    /// `venia audit verify`
    Verify,
    /// `venia audit export`
    Export,
}

/// Bytes that aren't a notice of this log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoticeError {
    /// Not a signed note of one signature, or not signed by this log.
    #[error("the relay's note is not properly signed")]
    Note(
        #[from]
        #[source]
        NoteError,
    ),
    /// Not the JSON of its kind.
    #[error("the relay's note is malformed")]
    Json(
        #[from]
        #[source]
        JsonError,
    ),
    /// A first line nobody knows.
    #[error("not a kind of note a relay makes")]
    Unknown,
    /// Says another origin than the log that signed.
    #[error("the relay's note names another log")]
    WrongOrigin,
}

impl Notice {
    /// The first line of its note.
    pub fn first_line(&self) -> &'static str {
        match self {
            Self::Gap { .. } => GAP,
            Self::Abandoned { .. } => ABANDONED,
            Self::Erase { .. } => ERASE,
            Self::Look { .. } => LOOK,
            Self::Key { .. } => KEY,
            Self::Policy { .. } => POLICY,
        }
    }

    /// Signs with the log's key, whose name is the origin.
    pub fn sign(&self, log: &SigningKey) -> Vec<u8> {
        let line = json::signed_line(&Line { origin: &log.verifier().name, notice: self });
        note::sign(&format!("{}\n{line}\n", self.first_line()), log)
    }

    /// Verifies a note by the log's key, then reads those same bytes.
    pub fn open(bytes: &[u8], log: &VerifierKey) -> Result<Self, NoticeError> {
        let (notice, note) = Self::claimed(bytes, log)?;
        note.verify(log)?;
        Ok(notice)
    }

    /// Everything but the signature: the caller owes its check by the log's key, and believes nothing before.
    pub fn claimed(bytes: &[u8], log: &VerifierKey) -> Result<(Self, Note), NoticeError> {
        let note = Note::parse(bytes)?;
        note.exactly_one_signature()?;
        let first = KINDS.into_iter().find(|kind| note.text().starts_with(&format!("{kind}\n")));
        let first = first.ok_or(NoticeError::Unknown)?;
        let mut fields = Fields::new(json::signed_object(note.content(first)?)?);
        let origin = KeyName::new(&fields.text("origin")?).map_err(|_| JsonError::Malformed("origin"))?;
        let notice = Self::read(first, &mut fields)?;
        fields.finish()?;
        if origin == log.name { Ok((notice, note)) } else { Err(NoticeError::WrongOrigin) }
    }

    fn read(first: &str, fields: &mut Fields) -> Result<Self, JsonError> {
        Ok(match first {
            GAP => Self::Gap { from: fields.parsed("from")?, to: fields.parsed("to")? },
            ABANDONED => Self::Abandoned { session: fields.parsed("session")? },
            ERASE => Self::Erase { session: fields.parsed("session")?, parts: read_parts(fields)? },
            LOOK => Self::Look {
                by: fields.parsed("by")?,
                what: fields.word("what")?,
                session: fields.nullable("session")?.map(|session| json::parsed(session, "session")).transpose()?,
            },
            KEY => Self::Key { previous: read_closed(fields.take("previous")?)?, cause: fields.word("cause")? },
            _ => Self::Policy { serial: fields.count("serial")?, statement: hash(fields.take("statement")?)? },
        })
    }
}

/// One entry of a relay's log.
#[derive(Clone, Debug)]
pub enum LogEntry {
    /// The relay's note of one group commit.
    Batch(Batch),
    /// Another note of the relay's.
    Notice(Notice),
    /// A participant's event; its signature is the strand's affair.
    Event(Box<Event>),
}

/// An entry that belongs into no log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Begins as a batch note.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// Begins as none that is known.
    #[error(transparent)]
    Notice(#[from] NoticeError),
    /// Begins as an event.
    #[error(transparent)]
    Event(#[from] EventError),
}

impl LogEntry {
    /// Reads an entry from its raw bytes; the relay's own notes are verified by the log's key.
    pub fn open(bytes: &[u8], log: &VerifierKey) -> Result<Self, EntryError> {
        let (entry, owed) = Self::claimed(bytes, log)?;
        if let Some(note) = owed {
            note.verify(log).map_err(NoticeError::Note)?;
        }
        Ok(entry)
    }

    /// The same without the signatures of the relay's own notes: the caller owes their check by the log's key.
    pub fn claimed(bytes: &[u8], log: &VerifierKey) -> Result<(Self, Option<Note>), EntryError> {
        let begins = |kind: &str| bytes.strip_prefix(kind.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'\n'));
        if begins(EVENT) {
            Ok((Self::Event(Box::new(Event::parse(bytes)?)), None))
        } else if begins(BATCH) {
            let (batch, note) = Batch::claimed(bytes, log)?;
            Ok((Self::Batch(batch), Some(note)))
        } else {
            let (notice, note) = Notice::claimed(bytes, log)?;
            Ok((Self::Notice(notice), Some(note)))
        }
    }
}

const GAP: &str = "venia/gap@v1";
const ABANDONED: &str = "venia/abandoned@v1";
const ERASE: &str = "venia/erase@v1";
const LOOK: &str = "venia/look@v1";
const KEY: &str = "venia/key@v1";
const POLICY: &str = "venia/policy@v1";
const KINDS: [&str; 6] = [GAP, ABANDONED, ERASE, LOOK, KEY, POLICY];

fn read_parts(fields: &mut Fields) -> Result<Option<Vec<[u8; 32]>>, JsonError> {
    const NAME: &str = "parts";
    let Some(parts) = fields.nullable(NAME)? else { return Ok(None) };
    let Value::Array(parts) = parts else { return Err(JsonError::Malformed(NAME)) };
    if parts.is_empty() || parts.len() > ERASED_PARTS_MAX {
        return Err(JsonError::Malformed(NAME));
    }
    Ok(Some(parts.into_iter().map(hash).collect::<Result<_, _>>()?))
}

fn read_closed(value: Value) -> Result<Closed, JsonError> {
    let mut fields = Fields::of(value, "previous")?;
    let root = encoding::base64(&fields.text("root")?).and_then(|bytes| bytes.try_into().ok());
    let closed = Closed {
        origin: KeyName::new(&fields.text("origin")?).map_err(|_| JsonError::Malformed("origin"))?,
        size: fields.count("size")?,
        root: root.ok_or(JsonError::Malformed("root"))?,
    };
    fields.finish()?;
    Ok(closed)
}

fn hash(value: Value) -> Result<[u8; 32], JsonError> {
    encoding::hex(&json::text(value, "hash")?).ok_or(JsonError::Malformed("hash"))
}

/// The JSON line: the origin, then the kind's own fields.
struct Line<'a> {
    origin: &'a KeyName,
    notice: &'a Notice,
}

impl Serialize for Line<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("origin", self.origin.as_str())?;
        match self.notice {
            Notice::Gap { from, to } => {
                map.serialize_entry("from", from)?;
                map.serialize_entry("to", to)?;
            }
            Notice::Abandoned { session } => map.serialize_entry("session", &Text(session))?,
            Notice::Erase { session, parts } => {
                map.serialize_entry("session", &Text(session))?;
                let parts =
                    parts.as_ref().map(|parts| parts.iter().map(|part| encoding::to_hex(part)).collect::<Vec<_>>());
                map.serialize_entry("parts", &parts)?;
            }
            Notice::Look { by, what, session } => {
                map.serialize_entry("by", &Text(by))?;
                map.serialize_entry("what", what)?;
                map.serialize_entry("session", &session.map(Text))?;
            }
            Notice::Key { previous, cause } => {
                map.serialize_entry("previous", previous)?;
                map.serialize_entry("cause", cause)?;
            }
            Notice::Policy { serial, statement } => {
                map.serialize_entry("serial", serial)?;
                map.serialize_entry("statement", &encoding::to_hex(statement))?;
            }
        }
        map.end()
    }
}

impl Serialize for Closed {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("origin", self.origin.as_str())?;
        map.serialize_entry("size", &self.size)?;
        map.serialize_entry("root", &encoding::to_base64(&self.root))?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> SigningKey {
        SigningKey::new("log", [1; 32]).named(KeyName::new("relay.example/log").unwrap())
    }

    fn all() -> Vec<Notice> {
        let session = SessionId([7; 16]);
        let (from, to) = (Wall::from_ms(1_795_514_402_000), Wall::from_ms(1_795_514_502_000));
        let previous = Closed { origin: KeyName::new("relay.example/log").unwrap(), size: 9, root: [3; 32] };
        let look = |what, session| Notice::Look { by: log().verifier().clone(), what, session };
        vec![
            Notice::Gap { from, to },
            Notice::Abandoned { session },
            Notice::Erase { session, parts: None },
            Notice::Erase { session, parts: Some(vec![[4; 32], [5; 32]]) },
            look(Looking::List, None),
            look(Looking::Show, Some(session)),
            Notice::Key { previous: previous.clone(), cause: Succession::Year },
            Notice::Key { previous, cause: Succession::Recovered },
            Notice::Policy { serial: 7, statement: [6; 32] },
        ]
    }

    #[test]
    fn every_notice_comes_back() {
        for notice in all() {
            let bytes = notice.sign(&log());
            assert_eq!(Notice::open(&bytes, log().verifier()), Ok(notice.clone()));
            assert!(
                matches!(LogEntry::open(&bytes, log().verifier()), Ok(LogEntry::Notice(opened)) if opened == notice)
            );
        }
    }

    #[test]
    fn only_the_log_itself_says_so() {
        let imposter = SigningKey::new("log", [2; 32]).named(log().verifier().name.clone());
        let other = SigningKey::new("log", [1; 32]).named(KeyName::new("other.example").unwrap());
        for notice in all() {
            assert!(Notice::open(&notice.sign(&imposter), log().verifier()).is_err());
            assert!(Notice::open(&notice.sign(&other), log().verifier()).is_err());
        }
    }

    #[test]
    fn f7_no_kind_passes_for_another() {
        for notice in all() {
            let bytes = notice.sign(&log());
            assert!(Batch::open(&bytes, log().verifier()).is_err());
            assert!(Event::parse(&bytes).is_err());
            for kind in KINDS.into_iter().filter(|kind| *kind != notice.first_line()) {
                let text = String::from_utf8(bytes.clone()).unwrap();
                let line = text.lines().nth(1).unwrap();
                let swapped = note::sign(&format!("{kind}\n{line}\n"), &log());
                assert!(Notice::open(&swapped, log().verifier()).is_err(), "{kind} for {}", notice.first_line());
            }
        }
    }

    #[test]
    fn the_schema_is_closed_and_every_flipped_bit_refused() {
        for notice in all() {
            let good = notice.sign(&log());
            for at in 0..good.len() * 8 {
                let mut bad = good.clone();
                bad[at / 8] ^= 1 << (at % 8);
                assert!(Notice::open(&bad, log().verifier()).is_err(), "bit {at}");
            }
            let text = String::from_utf8(good).unwrap();
            let line = text.lines().nth(1).unwrap().replacen('{', "{\"extra\":1,", 1);
            let extra = note::sign(&format!("{}\n{line}\n", notice.first_line()), &log());
            assert_eq!(Notice::open(&extra, log().verifier()), Err(NoticeError::Json(JsonError::Unknown)));
        }
    }

    #[test]
    fn e11_parts_at_below_and_above_the_limit() {
        let session = SessionId([7; 16]);
        for (count, good) in [(0, false), (1, true), (ERASED_PARTS_MAX, true), (ERASED_PARTS_MAX + 1, false)] {
            let notice = Notice::Erase { session, parts: Some(vec![[4; 32]; count]) };
            assert_eq!(Notice::open(&notice.sign(&log()), log().verifier()).is_ok(), good, "{count}");
        }
    }
}
