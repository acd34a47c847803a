//! Events: what happened in a session, each signed by the one who did it.
//!
//! An event is a note of two lines, the constant [`EVENT`] and one line of JSON. The bytes *as sent* are hashed, signed
//! and stored; nobody ever writes an event's JSON a second time. Its schema is closed: a field or kind more, and the
//! relay's operator could read what happens inside a person's PC, or an author could say something no verifier
//! understands. (SECURITY E5)
//!
//! Here is what one event must be in itself. How events follow each other: [`super::strand`]. What must have happened
//! before what: the verifier.

mod canonical;
mod header;

use std::collections::BTreeMap;

use crate::id::{Leaf, SessionId, Strand};
use crate::json::{self, JsonError};
use crate::key::{KeyName, ReadyKey, SigningKey, VerifierKey};
use crate::ledger::kind::{Kind, KindName, Status};
use crate::ledger::note::{self, Note, NoteError};
use crate::ledger::part::{PartName, PartRef, is_rung};
use crate::now::Wall;

/// First line of an event.
pub const EVENT: &str = "venia/event@v1";

/// Everything an event says in clear.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Header {
    /// The session.
    pub session: SessionId,
    /// Who says it.
    pub author: Strand,
    /// Position in the author's strand, from 0.
    pub seq: u64,
    /// The author's event before; `None` only at 0.
    pub prev: Option<Leaf>,
    /// The newest event of every other strand the author knows.
    pub seen: BTreeMap<Strand, Leaf>,
    /// What happened.
    pub kind: Kind,
    /// When, by the author's clock: a claim.
    pub time: Wall,
    /// The newest checkpoint the author holds: a hard lower bound on when. `None` only before the first receipt ever.
    pub after: Option<After>,
    /// The words, as commitments.
    pub parts: Vec<PartRef>,
}

/// A checkpoint, as quoted in an event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct After {
    /// The log.
    pub origin: KeyName,
    /// Entries in it.
    pub size: u64,
    /// Its root hash.
    pub root: [u8; 32],
}

/// An event with its exact bytes. Made only by [`Header::sign`], [`Event::parse`] and [`Event::stored`], so header, bytes
/// and leaf always belong together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    header: Header,
    note: Note,
    bytes: Vec<u8>,
    leaf: Leaf,
}

/// Bytes that aren't an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Not a signed note of one signature and the right first line.
    #[error("the event is not a signed note")]
    Note(
        #[from]
        #[source]
        NoteError,
    ),
    /// Not the JSON of an event.
    #[error("the event's JSON is malformed")]
    Json(
        #[from]
        #[source]
        JsonError,
    ),
    /// `prev` is missing after the first event or present in it.
    #[error("the event's prev doesn't fit its seq")]
    Prev,
    /// `seen` names the author's own strand.
    #[error("the event's seen names its own strand")]
    SeesItself,
    /// This author never writes this kind.
    #[error("an event of this kind is never written by this strand")]
    WrongAuthor,
    /// A part too many or too few, a wrong name, or a length no opening has.
    #[error("the event's parts don't fit its kind")]
    Parts,
    /// A field that contradicts another of the same event.
    #[error("the event contradicts itself in {0}")]
    Contradiction(&'static str),
}

impl Header {
    /// Signs. What is signed can be parsed again if the header is one its author may write ([`Header::check`]).
    pub fn sign(self, key: &SigningKey) -> Event {
        let note = Note::signed(&format!("{EVENT}\n{}\n", json::signed_line(&self)), key);
        let bytes = note.to_bytes();
        Event { header: self, leaf: note::leaf(&bytes), note, bytes }
    }

    /// What one event must be in itself, whatever came before it.
    pub fn check(&self) -> Result<(), EventError> {
        if self.prev.is_some() != (self.seq > 0) {
            return Err(EventError::Prev);
        }
        if self.seen.contains_key(&self.author) {
            return Err(EventError::SeesItself);
        }
        // There is no checkpoint of nothing: who quotes one holds none, and must say so.
        if self.after.as_ref().is_some_and(|after| after.size == 0) {
            return Err(EventError::Contradiction("after"));
        }
        if !may_write(self.author, self.kind.name()) {
            return Err(EventError::WrongAuthor);
        }
        let names = self.parts.iter().map(|part| &part.name);
        let right = names.eq(part_names(&self.kind)) || (self.parts.is_empty() && may_lack_parts(&self.kind));
        if !right || !self.parts.iter().all(|part| is_rung(part.len)) {
            return Err(EventError::Parts);
        }
        self.check_kind()
    }

    fn check_kind(&self) -> Result<(), EventError> {
        let holds = |fits: bool, field| if fits { Ok(()) } else { Err(EventError::Contradiction(field)) };
        // The session's first event, and no other, opens it.
        let first = self.author == Strand::Agent && self.seq == 0;
        holds(first == (self.kind.name() == KindName::Open), "kind")?;
        match &self.kind {
            Kind::Join { strand, .. } => holds(*strand != Strand::Agent, "strand"),
            // The own strand counts the events before this one; at 0 there is none to name.
            Kind::Signoff { tips } => {
                holds(tips.get(&self.author).copied() == self.prev.map(|prev| (self.seq, prev)), "tips")?;
                holds(tips.values().all(|(count, _)| *count > 0), "tips")
            }
            // The own strand counts this one too.
            Kind::Close { held, .. } => holds(held.get(&self.author).copied() == Some(self.seq + 1), "final"),
            Kind::Open { .. }
            | Kind::Consent { .. }
            | Kind::Request
            | Kind::Admit { .. }
            | Kind::Refuse { .. }
            | Kind::Result { .. }
            | Kind::Series { .. }
            | Kind::Chat
            | Kind::Note
            | Kind::Redaction { .. }
            | Kind::Pause { .. }
            | Kind::Resume { .. }
            | Kind::Stop { .. }
            | Kind::Addendum { .. } => Ok(()),
        }
    }
}

impl Event {
    /// Reads an event: form, schema, and what one event must be in itself. The signature is unchecked until
    /// [`Event::verify`]: whose it must be is known only from the strand.
    pub fn parse(bytes: &[u8]) -> Result<Self, EventError> {
        let event = Self::stored(bytes)?;
        event.header.check()?;
        Ok(event)
    }

    /// Reads an event that one's own log already took in: form and schema alone. What one event must be in itself became
    /// stricter with time, and what was admitted under older rules stays in the log.
    pub fn stored(bytes: &[u8]) -> Result<Self, EventError> {
        let note = Note::parse(bytes)?;
        note.exactly_one_signature()?;
        let line = note.content(EVENT)?;
        // Our own spelling in one pass; any other the long way, which alone says what is wrong.
        let header = match canonical::read(line) {
            Some(header) => header,
            None => header::read(json::signed_object(line)?)?,
        };
        Ok(Self { header, leaf: note::leaf(bytes), note, bytes: bytes.to_vec() })
    }

    /// Checks that this very key signed.
    pub fn verify(&self, key: &VerifierKey) -> Result<(), NoteError> {
        self.note.verify(key)
    }

    /// Like [`Self::verify`], by a key made ready.
    pub fn verify_by(&self, key: &ReadyKey) -> Result<(), NoteError> {
        self.note.verify_by(key)
    }

    /// What it says.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Its exact bytes: what is sent, stored and hashed.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its identity.
    pub fn leaf(&self) -> Leaf {
        self.leaf
    }

    /// Name of the key that is said to have signed.
    pub fn key_name(&self) -> Option<&KeyName> {
        self.note.signatures().first().map(|signature| &signature.name)
    }

    /// Id of the key that is said to have signed.
    pub fn key_id(&self) -> Option<[u8; 4]> {
        self.note.signatures().first().map(|signature| signature.id)
    }
}

/// Which parts an event of this kind has, in order.
pub fn part_names(kind: &Kind) -> &'static [PartName] {
    match kind {
        Kind::Open { .. }
        | Kind::Join { .. }
        | Kind::Consent { .. }
        | Kind::Request
        | Kind::Admit { .. }
        | Kind::Refuse { .. }
        | Kind::Chat
        | Kind::Note
        | Kind::Redaction { .. }
        | Kind::Signoff { .. }
        | Kind::Addendum { .. } => &[PartName::Body],
        Kind::Result { status, .. } => match status {
            // Nothing left the PC, so there is nothing to commit to. (SECURITY E2)
            Status::Withheld | Status::Lost => &[],
            Status::Done | Status::Unknown | Status::Failed | Status::Killed | Status::Late => &[PartName::Body],
        },
        Kind::Series { .. } => &[PartName::Block],
        Kind::Pause { .. } | Kind::Resume { .. } | Kind::Stop { .. } | Kind::Close { .. } => &[],
    }
}

/// Whether an event of this kind may also come without its parts: a run that gave no report may have nothing to say.
pub fn may_lack_parts(kind: &Kind) -> bool {
    matches!(kind, Kind::Result { status: Status::Failed | Status::Killed | Status::Late, .. })
}

/// Whether this strand ever writes this kind.
fn may_write(author: Strand, kind: KindName) -> bool {
    match kind {
        KindName::Open
        | KindName::Join
        | KindName::Consent
        | KindName::Admit
        | KindName::Refuse
        | KindName::Result
        | KindName::Series
        | KindName::Redaction
        | KindName::Pause
        | KindName::Resume
        | KindName::Stop
        | KindName::Close => author == Strand::Agent,
        KindName::Request | KindName::Signoff => matches!(author, Strand::Technician(_)),
        KindName::Chat | KindName::Note | KindName::Addendum => true,
    }
}

#[cfg(test)]
mod tests;
