//! The organisation a relay speaks for: its settings, its keys, and the one statement that is served.
//!
//! Who changes a setting gets a new statement, stored before anybody is told. Connections that are open keep theirs; each
//! new one is welcomed with the newest, and no session begins over one that was welcomed with other auditors:
//! such an agent is let go while nobody has come for it yet. The log is told with a `policy` note which statement is in force
//! ([`Organisation::off_record`]); if the relay dies between the two, the next start says it.
//!
//! Not here: what a statement must be ([`venia_proto::statement`]), and who may ask ([`super::admin`]).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use venia_proto::address::{HostPort, RelayAddress};
use venia_proto::key::VerifierKey;
use venia_proto::ledger::notice::Notice;
use venia_proto::now::Wall;

use super::identity::{IdentityError, Keys, Published};
use super::ledger::queue::Ledger;
use super::ledger::sqlite::Sqlite;
use super::settings::{Settings, SettingsError};
use crate::client::home::{Home, HomeError};

/// Settings, keys and statement of one data folder.
pub struct Organisation {
    home: Arc<Home>,
    /// The relay's keys.
    pub keys: Keys,
    public: HostPort,
    state: Mutex<State>,
    /// The serial of the statement in force.
    serial: watch::Sender<u64>,
}

struct State {
    settings: Settings,
    published: Arc<Published>,
}

/// A change that wasn't made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// It can't be wished for.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The statement can't be made or stored.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

impl From<HomeError> for ChangeError {
    fn from(error: HomeError) -> Self {
        Self::Identity(error.into())
    }
}

impl Organisation {
    /// Reads the settings, makes `change` to them, and signs a new statement if they, the address or the keys differ from
    /// the stored one, or half its life is over.
    pub fn open(
        home: Arc<Home>,
        keys: Keys,
        public: HostPort,
        change: impl FnOnce(&mut Settings) -> Result<(), SettingsError>,
        now: Wall,
    ) -> Result<Self, ChangeError> {
        let mut settings = Settings::read(&home)?;
        let before = settings.clone();
        change(&mut settings)?;
        if settings != before {
            settings.write(&home)?;
        }
        let published = Arc::new(Published::current(&home, &keys, &public, &settings, now)?);
        let (serial, _) = watch::channel(published.statement.serial);
        Ok(Self { home, keys, public, state: Mutex::new(State { settings, published }), serial })
    }

    /// The statement in force.
    pub fn served(&self) -> Arc<Published> {
        self.state().published.clone()
    }

    /// Changes with every statement.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.serial.subscribe()
    }

    /// What was decided so far.
    pub fn settings(&self) -> Settings {
        self.state().settings.clone()
    }

    /// What people type to find it.
    pub fn address(&self) -> RelayAddress {
        RelayAddress { at: self.public.clone(), root: self.served().statement.fingerprint() }
    }

    /// Changes a setting: stored, then signed and stored, then served. Nothing happens if nothing differs.
    pub fn change(
        &self,
        change: impl FnOnce(&mut Settings) -> Result<(), SettingsError>,
        now: Wall,
    ) -> Result<Arc<Published>, ChangeError> {
        let mut state = self.state();
        let mut settings = state.settings.clone();
        change(&mut settings)?;
        if settings != state.settings {
            // First what is wished: a statement that says less than the settings is made good at the next start.
            settings.write(&self.home)?;
            state.settings = settings;
        }
        state.published = Arc::new(Published::current(&self.home, &self.keys, &self.public, &state.settings, now)?);
        let published = state.published.clone();
        // Who hears of it looks at once.
        drop(state);
        self.serial.send_replace(published.statement.serial);
        Ok(published)
    }

    /// Signs the statement again if half its life is over.
    pub fn renew(&self, now: Wall) -> Result<(), ChangeError> {
        self.change(|_| Ok(()), now).map(|_| ())
    }

    /// The note that tells the log of the statement in force, if it wasn't told yet.
    pub fn off_record(&self) -> Option<Notice> {
        let state = self.state();
        let serial = state.published.statement.serial;
        let told = state.settings.on_record == serial;
        (!told).then(|| Notice::Policy { serial, statement: Sha256::digest(&state.published.note).into() })
    }

    /// Tells the log which statement is in force, if it wasn't told. A log that can't take it hears of it later: at the
    /// next change, the next day or the next start.
    pub async fn put_on_record(&self, ledger: &Ledger<Sqlite>) {
        let Some(notice @ Notice::Policy { serial, .. }) = self.off_record() else { return };
        if let Err(refusal) = ledger.note(notice).await {
            tracing::warn!(?refusal, "the log couldn't be told of the statement");
            return;
        }
        if let Err(error) = self.recorded(serial) {
            tracing::warn!(error = &error as &dyn std::error::Error, "the log will be told of the statement again");
        }
    }

    /// The log was told of this serial.
    fn recorded(&self, serial: u64) -> Result<(), HomeError> {
        let mut state = self.state();
        let settings = Settings { on_record: serial, ..state.settings.clone() };
        settings.write(&self.home)?;
        state.settings = settings;
        Ok(())
    }

    /// The key of the log.
    pub fn log(&self) -> &VerifierKey {
        self.keys.log.verifier()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A change replaces whole values: whoever panicked left the old or the new one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::recipient::Recipient;
    use super::*;

    fn open(folder: &std::path::Path) -> Organisation {
        let home = Arc::new(Home::open(folder, true).unwrap());
        let keys = Keys::open(&home).unwrap();
        Organisation::open(home, keys, "help.example:4433".parse().unwrap(), |_| Ok(()), Wall::from_ms(0)).unwrap()
    }

    #[test]
    fn a1_every_change_is_a_new_statement_and_outlives_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("relay");
        let organisation = open(&folder);
        let (first, ana) = (organisation.served(), Recipient::of_key(&[1; 32]));
        assert_eq!((first.statement.serial, first.statement.auditors.len()), (1, 0));
        let add = |settings: &mut Settings| settings.add_auditor(ana.clone());
        let second = organisation.change(add, Wall::from_ms(1)).unwrap();
        assert_eq!((second.statement.serial, second.statement.auditors.as_slice()), (2, &[ana.to_string()][..]));
        assert_eq!(organisation.served().note, second.note);
        venia_proto::statement::accept(Some(&first.statement), &second.statement).unwrap();
        assert_eq!(organisation.change(add, Wall::from_ms(2)).unwrap().statement.serial, 2, "there already");
        drop(organisation);
        let organisation = open(&folder);
        assert_eq!(organisation.served().note, second.note);
        let removed = organisation.change(|settings| settings.remove_auditor(&ana), Wall::from_ms(3)).unwrap();
        assert_eq!((removed.statement.serial, removed.statement.auditors.len()), (3, 0));
        assert!(organisation.change(|settings| settings.remove_auditor(&ana), Wall::from_ms(3)).is_err());
        let named = organisation.change(|settings| settings.call("Ayuda"), Wall::from_ms(4)).unwrap();
        assert_eq!((named.statement.serial, named.statement.organisation.raw()), (4, "Ayuda"));
        assert_eq!(organisation.address(), named.address().unwrap());
    }

    #[test]
    fn a1_a_statement_is_off_record_until_the_log_was_told() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("relay");
        let organisation = open(&folder);
        assert!(matches!(organisation.off_record(), Some(Notice::Policy { serial: 1, .. })));
        organisation.recorded(1).unwrap();
        assert_eq!(organisation.off_record(), None);
        drop(organisation);
        let organisation = open(&folder);
        assert_eq!(organisation.off_record(), None);
        organisation.change(|settings| settings.keep(3), Wall::from_ms(1)).unwrap();
        let Some(Notice::Policy { serial: 2, statement }) = organisation.off_record() else { panic!("told") };
        assert_eq!(statement, <[u8; 32]>::from(Sha256::digest(&organisation.served().note)));
    }
}
