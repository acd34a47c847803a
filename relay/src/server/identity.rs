//! What a relay is: four keys, and the statement in which the root names the other three. (SECURITY A1)
//!
//! The small-shop default keeps the root beside the relay, so whoever holds this folder can name another authority; what
//! stops them in a live session is the spoken code. Keys are made at the first start; only the log's is followed by another,
//! with the log itself ([`super::ledger::succession`]). The statement is signed again, with a higher serial, when what it says
//! changes or half its life is over.

use venia_proto::address::{HostPort, RelayAddress};
use venia_proto::foreign::{Foreign, NAME_MAX};
use venia_proto::key::{KeyName, SigningKey};
use venia_proto::ledger::succession::origin;
use venia_proto::now::Wall;
use venia_proto::statement::{Relay, Statement, StatementError};

use super::ledger::succession;
use super::settings::{KEEP_DAYS, Settings};
use crate::client::home::{Home, HomeError};

/// How long a statement holds: a year, in milliseconds.
pub const STATEMENT_LIFE_MS: i64 = 365 * 24 * 60 * 60 * 1_000;

/// File of the log's key.
pub const LOG_KEY: &str = "log.key";
/// What kind of key it is, in its name.
pub const LOG_KIND: &str = "log";
const STATEMENT_FILE: &str = "statement";
const STATEMENT_MAX: usize = 64 * 1024;

/// The relay's keys.
pub struct Keys {
    /// Signs the statement.
    pub root: SigningKey,
    /// Signs member notes.
    pub authority: SigningKey,
    /// Proves the relay in TLS.
    pub tls: SigningKey,
    /// Signs checkpoints and batch notes; its name is the log's origin.
    pub log: SigningKey,
}

/// A relay that can't say who it is.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The data folder.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The stored statement isn't one of ours.
    #[error("the stored statement isn't signed by this relay's root")]
    Statement(#[source] StatementError),
    /// What would be said is no valid statement.
    #[error("this relay can't be named {0}")]
    Name(String),
}

/// A statement and its signed note.
#[derive(Clone, Debug)]
pub struct Published {
    /// What it says.
    pub statement: Statement,
    /// Its bytes.
    pub note: Vec<u8>,
}

impl Keys {
    /// Reads the keys; makes those that don't exist.
    pub fn open(home: &Home) -> Result<Self, HomeError> {
        Ok(Self {
            root: home.key("root.key", "root")?,
            authority: home.key("authority.key", "authority")?,
            tls: home.key("tls.key", "relay")?,
            log: log_key(home, succession::current(home)?)?,
        })
    }

    /// These, with another log's key.
    #[must_use]
    pub fn with_log(self, log: SigningKey) -> Self {
        Self { log, ..self }
    }
}

/// The key of the log that comes `number`th, made if missing; `first` is the origin of the first, if there was one before.
pub(super) fn log_key(home: &Home, (number, first): (u64, Option<KeyName>)) -> Result<SigningKey, HomeError> {
    let key = home.key(&log_file(number), LOG_KIND)?;
    let Some(first) = first else { return Ok(key) };
    let origin = origin(&first, number).map_err(|_| HomeError::Damaged(home.dir().join(log_file(number))))?;
    Ok(key.named(origin))
}

/// The key of the log that grows, if there is one; none is made.
pub fn existing_log(home: &Home) -> Result<Option<SigningKey>, HomeError> {
    // A database that can't be read is the reader's to tell of: every relay began with the first key.
    let (number, first) = succession::current(home).unwrap_or((1, None));
    let Some(key) = home.existing_key(&log_file(number), LOG_KIND)? else { return Ok(None) };
    let origin = first.and_then(|first| origin(&first, number).ok());
    Ok(Some(match origin {
        Some(origin) => key.named(origin),
        None => key,
    }))
}

/// The file of that key.
pub(super) fn log_file(number: u64) -> String {
    if number <= 1 { LOG_KEY.to_owned() } else { format!("log-{number}.key") }
}

/// Which log a file is the key of, if it is one's.
pub(super) fn log_number(file: &str) -> Option<u64> {
    let number = match file {
        LOG_KEY => 1,
        _ => file.strip_prefix("log-")?.strip_suffix(".key")?.parse().ok()?,
    };
    (log_file(number) == file).then_some(number)
}

impl Published {
    /// The statement last signed in this folder, if there ever was one.
    pub fn read(home: &Home) -> Result<Option<Self>, IdentityError> {
        let Some(note) = home.read(STATEMENT_FILE, STATEMENT_MAX)? else { return Ok(None) };
        let statement = Statement::open_unpinned(&note).map_err(IdentityError::Statement)?;
        Ok(Some(Self { statement, note }))
    }

    /// The statement for a relay at this address: the stored one if it says just that, else a new one, stored before it
    /// is told to anybody.
    pub fn current(
        home: &Home,
        keys: &Keys,
        public: &HostPort,
        settings: &Settings,
        now: Wall,
    ) -> Result<Self, IdentityError> {
        let stored = Self::read(home)?;
        if let Some(stored) = &stored
            && stored.statement.root != *keys.root.verifier()
        {
            return Err(IdentityError::Statement(StatementError::WrongRoot));
        }
        let serial = stored.as_ref().map_or(1, |stored| stored.statement.serial + 1);
        let wanted = wanted(keys, public, settings, serial, now)?;
        if let Some(stored) = stored {
            let same =
                Statement { serial: stored.statement.serial, not_after: stored.statement.not_after, ..wanted.clone() };
            if same == stored.statement && now.plus_ms(STATEMENT_LIFE_MS / 2) < stored.statement.not_after {
                return Ok(stored);
            }
        }
        Self::publish(home, keys, &wanted)
    }

    /// The statement that names the next log, stored: everything else as it was. `jump`: how far the serial moves on.
    pub fn succeeding(
        home: &Home,
        keys: &Keys,
        before: &Self,
        settings: &Settings,
        jump: u64,
        now: Wall,
    ) -> Result<Self, IdentityError> {
        let Statement { serial, relays, .. } = &before.statement;
        let relay = relays.first().ok_or(IdentityError::Statement(StatementError::Contradiction("relays")))?;
        let serial = serial.saturating_add(jump);
        Self::publish(home, keys, &wanted(keys, &relay.address, settings, serial, now)?)
    }

    fn publish(home: &Home, keys: &Keys, wanted: &Statement) -> Result<Self, IdentityError> {
        let note = wanted.sign(&keys.root);
        // What others would refuse must not be stored as ours.
        let statement =
            Statement::open_unpinned(&note).map_err(|_| IdentityError::Name(wanted.organisation.raw().to_owned()))?;
        home.write(STATEMENT_FILE, &note)?;
        Ok(Self { statement, note })
    }

    /// What people type to find this relay.
    pub fn address(&self) -> Option<RelayAddress> {
        let at = self.statement.relays.first()?.address.clone();
        Some(RelayAddress { at, root: self.statement.fingerprint() })
    }
}

fn wanted(
    keys: &Keys,
    public: &HostPort,
    settings: &Settings,
    serial: u64,
    now: Wall,
) -> Result<Statement, IdentityError> {
    let address = public.to_string();
    let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
    let shortened: String = host.chars().take(NAME_MAX).collect();
    let host = Foreign::name(&shortened).map_err(|_| IdentityError::Name(address.clone()))?;
    let organisation = match &settings.name {
        Some(name) => Foreign::name(name).map_err(|_| IdentityError::Name(name.clone()))?,
        None => host.clone(),
    };
    Ok(Statement {
        root: keys.root.verifier().clone(),
        organisation,
        serial,
        not_after: now.plus_ms(STATEMENT_LIFE_MS),
        relays: vec![Relay {
            name: host,
            address: public.clone(),
            tls: *keys.tls.public(),
            log: keys.log.verifier().clone(),
        }],
        authority: keys.authority.verifier().clone(),
        auditors: settings.auditors.iter().map(ToString::to_string).collect(),
        witnesses: settings.witnesses.iter().map(|witness| witness.key.clone()).collect(),
        packs: settings.packs.clone(),
        keep_days: settings.keep_days.unwrap_or(KEEP_DAYS),
        quorum: settings.quorum,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logs_key_is_known_by_its_file() {
        for number in [1, 2, 3, 10, u64::MAX] {
            assert_eq!(log_number(&log_file(number)), Some(number));
        }
        for other in
            ["log-1.key", "log-0.key", "log-02.key", "log-+2.key", "log-.key", "logs.key", "tls.key", "log-2.key.old"]
        {
            assert_eq!(log_number(other), None, "{other}");
        }
    }

    fn at(text: &str) -> HostPort {
        text.parse().unwrap()
    }

    #[test]
    fn a1_the_same_statement_is_told_until_what_it_says_changes() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(&folder.path().join("relay"), true).unwrap();
        let (keys, now) = (Keys::open(&home).unwrap(), Wall::from_ms(0));
        let current =
            |public: &str, now| Published::current(&home, &keys, &at(public), &Settings::default(), now).unwrap();
        let first = current("help.example:4433", now);
        assert_eq!(first.statement.serial, 1);
        assert_eq!(current("help.example:4433", now).note, first.note);
        let moved = current("[::1]:4434", now);
        assert_eq!((moved.statement.serial, moved.statement.relays[0].address.clone()), (2, at("[::1]:4434")));
        venia_proto::statement::accept(Some(&first.statement), &moved.statement).unwrap();
        let half = STATEMENT_LIFE_MS / 2;
        assert_eq!(current("[::1]:4434", now.plus_ms(half - 1)).note, moved.note);
        assert_eq!(current("[::1]:4434", now.plus_ms(half)).statement.serial, 3);
        let again = Keys::open(&home).unwrap();
        assert_eq!(again.root.verifier(), keys.root.verifier());
        assert_eq!(first.address().unwrap().root, moved.address().unwrap().root);
    }

    #[test]
    fn another_roots_statement_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(&folder.path().join("relay"), true).unwrap();
        let keys = Keys::open(&home).unwrap();
        Published::current(&home, &keys, &at("help.example:1"), &Settings::default(), Wall::from_ms(0)).unwrap();
        home.remove("root.key").unwrap();
        let other = Keys::open(&home).unwrap();
        assert!(
            Published::current(&home, &other, &at("help.example:1"), &Settings::default(), Wall::from_ms(0)).is_err()
        );
        home.write("statement", b"venia/statement@v1\n{}\n\n").unwrap();
        assert!(Published::read(&home).is_err());
    }
}
