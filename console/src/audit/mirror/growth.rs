//! A copy that grows: entries the relay sent, read as they come, which count once their checkpoint was held against them.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;

use venia_proto::ledger::flag::Flag;
use venia_proto::ledger::notice::{LogEntry, Notice};
use venia_proto::ledger::reading::{Read, Reading};

use super::super::index::{Place, Session};
use super::super::sessions;
use super::{Mirror, MirrorError, text};

/// A copy that grows, not yet believed.
pub(crate) struct Growth {
    pub(crate) reading: Reading,
    file: io::BufWriter<File>,
    bytes: u64,
    sessions: BTreeMap<String, Session>,
    holes: Vec<(i64, i64)>,
}

impl Growth {
    /// Takes the next entry in. `agents`: keys of the agents whose `open` comes.
    pub(crate) fn push(
        &mut self,
        mirror: &Mirror,
        bytes: &[u8],
        agents: &mut impl Iterator<Item = String>,
    ) -> Result<(), MirrorError> {
        let read = self.reading.push(bytes)?;
        let agent = self.take(mirror, &read, agents)?;
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
        for part in [&length(agent.as_bytes())[..], agent.as_bytes(), &length(bytes)[..], bytes] {
            self.file.write_all(part)?;
            self.bytes += part.len() as u64;
        }
        Ok(())
    }

    fn take(
        &mut self,
        mirror: &Mirror,
        read: &Read,
        agents: &mut impl Iterator<Item = String>,
    ) -> Result<String, MirrorError> {
        self.holes.extend(read.hole.map(|hole| (hole.from.ms(), hole.to.ms())));
        let observed = read.observed.ms();
        let id = match &read.entry {
            LogEntry::Event(event) => event.header().session.to_string(),
            LogEntry::Notice(Notice::Abandoned { session } | Notice::Erase { session, .. }) => session.to_string(),
            LogEntry::Batch(_) | LogEntry::Notice(_) => return Ok(String::new()),
        };
        let mut agent = String::new();
        let session = match self.sessions.entry(id.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(match mirror.sessions.get(&id) {
                Some(session) => session.clone(),
                // The relay knew the session and this log doesn't: another log's, if anybody's ([`super::erasures`]).
                None if matches!(read.entry, LogEntry::Notice(_)) => return Ok(String::new()),
                None => {
                    agent = agents.next().ok_or(MirrorError::Damaged("an agent's key is missing"))?;
                    Session::new(id, agent.clone(), observed)
                }
            }),
        };
        match &read.entry {
            LogEntry::Event(event) => {
                session.take(event, Place { entry: read.index, offset: self.bytes, observed });
                Ok(agent)
            }
            LogEntry::Notice(Notice::Abandoned { .. }) => {
                session.flags.insert(Flag::Abandoned);
                Ok(agent)
            }
            LogEntry::Notice(Notice::Erase { parts, .. }) => {
                session.erase(parts.as_deref());
                Ok(agent)
            }
            LogEntry::Batch(_) | LogEntry::Notice(_) => Ok(String::new()),
        }
    }
}

impl Mirror {
    /// Reads on from where the entries were verified last, writing behind it.
    pub(crate) fn grow(&self) -> Result<Growth, MirrorError> {
        let reading = Reading::resume(self.key.clone(), &self.state.reading)?;
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).write(true).mode(0o600).open(self.entries())?;
        file.set_len(self.state.bytes)?;
        let mut file = io::BufWriter::new(file);
        file.seek(SeekFrom::Start(self.state.bytes))?;
        let growth = Growth { reading, file, bytes: self.state.bytes, sessions: BTreeMap::new(), holes: Vec::new() };
        Ok(growth)
    }

    /// Makes what grew count: entries first, then the index, so that a crash leaves the old copy or the new one.
    pub(crate) fn keep(&mut self, growth: Growth, checkpoint: &[u8], statement: &[u8]) -> Result<(), MirrorError> {
        let Growth { reading, mut file, bytes, sessions, holes } = growth;
        file.flush()?;
        file.get_ref().sync_all()?;
        self.state.reading = reading.save().ok_or(MirrorError::Damaged("a commit is cut"))?;
        self.state.bytes = bytes;
        self.state.checkpoint = text(checkpoint)?;
        self.state.statement = text(statement)?;
        let mut changed: BTreeSet<String> = sessions.keys().cloned().collect();
        self.sessions.extend(sessions);
        for (from, to) in &holes {
            for session in self.sessions.values_mut() {
                if session.opened <= *to && session.closed.is_none_or(|closed| closed >= *from) {
                    session.flags.insert(Flag::Gap);
                    changed.insert(session.session.clone());
                }
            }
        }
        self.state.holes.extend(holes);
        let before = self.state.sessions;
        self.state.sessions = sessions::add(&self.home, before, &self.sessions, &changed)?;
        self.write_index()?;
        sessions::forget(&self.home, before, self.state.sessions)
    }
}
