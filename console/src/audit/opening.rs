//! Fetching sealed parts and opening them with the auditor's own key, after the look that says so is on record.
//!
//! What is here already isn't asked for again. The relay learns which sessions are looked at, never what for: it hands out
//! ciphertext by its hash, and every word is searched on this computer. (SECURITY E4, E5)

use std::sync::Arc;

use tokio::task::JoinSet;
use venia_proto::id::SessionId;
use venia_proto::ledger::event::Event;
use venia_proto::ledger::keeping;
use venia_proto::ledger::part::{Opening, PartName, PartRef};
use venia_proto::now::Wall;
use venia_proto::rendezvous::Refusal;
use venia_proto::statement::Statement;
use venia_relay::client::bulk;
use venia_relay::client::control::{Control, ControlError};

use super::check::event_at;
use super::index::Session;
use super::mirror::Mirror;
use super::sync::SyncError;
use super::words::{Covered, Heard, Record, Words};
use crate::unseal::{Auditor, UnsealError};

/// Parts fetched at once: with the control stream, as many streams as a relay allows.
const AT_ONCE: usize = 3;

/// Whose key opens, and what.
pub(crate) struct Opener<'a> {
    pub(crate) auditor: Auditor,
    /// Which sessions.
    pub(crate) only: &'a dyn Fn(&Session) -> bool,
    pub(crate) now: Wall,
    /// Hears sessions opened, and of how many.
    pub(crate) told: &'a dyn Fn(u64, u64),
}

impl Opener<'_> {
    /// Opens what isn't here yet of every session meant, and lets go what was erased.
    pub(crate) async fn open(&self, control: &Arc<Control>, mirror: &Mirror) -> Result<(), SyncError> {
        let mut words = Words::open(mirror.dir())?;
        words.sweep(self.now)?;
        // Held against the pinned root when the copy was brought up to date; without one nothing is kept.
        let statement = Statement::open_unpinned(mirror.state.statement.as_bytes());
        let due = keeping::due(self.now, statement.map_or(0, |statement| statement.keep_days));
        let recipient = self.auditor.recipient();
        let missing = |session: &&Session| {
            (self.only)(session)
                && words
                    .covered(&session.session)
                    .is_none_or(|covered| covered.recipient != recipient || covered.events < session.events.len())
        };
        let todo: Vec<&Session> = mirror.sessions.values().filter(missing).collect();
        for (n, session) in todo.iter().enumerate() {
            (self.told)(n as u64, todo.len() as u64);
            self.session(control, mirror, &mut words, session, &recipient, due).await?;
        }
        Ok(())
    }

    async fn session(
        &self,
        control: &Arc<Control>,
        mirror: &Mirror,
        words: &mut Words,
        session: &Session,
        recipient: &str,
        due: Wall,
    ) -> Result<(), SyncError> {
        let before = words.read(&session.session)?.filter(|kept| kept.covered.recipient == recipient);
        let known = before.as_ref().map_or(0, |kept| kept.covered.events).min(session.events.len());
        let file = mirror.file()?;
        let mut parts = Vec::new();
        for place in &session.events[known..] {
            let event = event_at(&file, *place)?;
            if let Some(part) = event.header().parts.iter().find(|part| part.name == PartName::Body) {
                parts.push((place.entry, part.clone(), event));
            }
        }
        let mut fetching = Fetching { control, tasks: JoinSet::new(), fetched: Vec::new() };
        for (n, (_, part, event)) in parts.iter().enumerate() {
            if let Some(sha256) = part.sealed.filter(|_| !session.is_erased(&part.commit)) {
                fetching.begin(n, event.header().session, sha256).await?;
            }
        }
        let mut sealed = fetching.all().await?.into_iter().peekable();
        let opened: Vec<(u64, &Event, &PartRef, Heard, Option<Opening>)> = parts
            .iter()
            .enumerate()
            .map(|(n, (entry, part, event))| {
                let file = sealed.next_if(|(at, _)| *at == n).and_then(|(_, file)| file);
                let (heard, opening) = self.opened(session, part, file.as_deref());
                (*entry, event, part, heard, opening)
            })
            .collect();
        // What is missing is asked for again next time, with all of its session.
        let complete = opened.iter().all(|(.., heard, _)| *heard != Heard::Missing);
        let covered =
            Covered { recipient: recipient.to_owned(), events: if complete { session.events.len() } else { 0 } };
        let earlier = before.iter().filter(|_| known > 0).flat_map(|kept| kept.records());
        let new = opened.iter().map(|(entry, event, part, heard, opening)| Record {
            entry: *entry,
            time: event.header().time,
            kind: event.header().kind.name(),
            commit: part.commit,
            heard: *heard,
            plaintext: opening.as_ref().map_or(b"", |opening| opening.plaintext()),
        });
        let records: Vec<Record<'_>> = earlier.chain(new).collect();
        words.keep(&session.session, &covered, &records, due)?;
        Ok(())
    }

    fn opened(&self, session: &Session, part: &PartRef, file: Option<&[u8]>) -> (Heard, Option<Opening>) {
        if part.sealed.is_none() {
            return (Heard::Nobody, None);
        }
        if session.is_erased(&part.commit) {
            return (Heard::Erased, None);
        }
        let Some(file) = file else { return (Heard::Missing, None) };
        match self.auditor.unseal(file, part) {
            Ok(opening) => match opening.bytes().first_chunk() {
                Some(random) => (Heard::Opened(*random), Some(opening)),
                None => (Heard::Lied, None),
            },
            Err(UnsealError::NotForUs) => (Heard::Shut, None),
            Err(UnsealError::Opening(_) | UnsealError::TooLarge) => (Heard::Lied, None),
            Err(UnsealError::WrongHash | UnsealError::NotSealed) => (Heard::Missing, None),
        }
    }
}

/// Parts on their way.
struct Fetching<'a> {
    control: &'a Arc<Control>,
    tasks: JoinSet<(usize, Result<Vec<u8>, ControlError>)>,
    fetched: Vec<(usize, Option<Vec<u8>>)>,
}

impl Fetching<'_> {
    async fn begin(&mut self, n: usize, session: SessionId, sha256: [u8; 32]) -> Result<(), ControlError> {
        while self.tasks.len() >= AT_ONCE {
            self.next().await?;
        }
        let control = self.control.clone();
        self.tasks.spawn(async move { (n, bulk::fetch(&control, session, sha256).await) });
        Ok(())
    }

    async fn next(&mut self) -> Result<(), ControlError> {
        let Some(joined) = self.tasks.join_next().await else { return Ok(()) };
        let (n, fetched) = joined.map_err(|_| ControlError::Unreachable(None))?;
        self.fetched.push(match fetched {
            Ok(file) => (n, Some(file)),
            // Erased since the log was read, or not the file the event names: the rest can be read all the same.
            Err(ControlError::Refused(Refusal::Erased) | ControlError::Malformed(_)) => (n, None),
            Err(error) => return Err(error),
        });
        Ok(())
    }

    /// What came, in the order it was asked for.
    async fn all(mut self) -> Result<Vec<(usize, Option<Vec<u8>>)>, ControlError> {
        while !self.tasks.is_empty() {
            self.next().await?;
        }
        self.fetched.sort_by_key(|(n, _)| *n);
        Ok(self.fetched)
    }
}
