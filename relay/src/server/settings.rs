//! What an organisation decided about its statement: its name, its auditors, its witnesses, how long openings are kept.
//!
//! One JSON file beside the keys, read at start and rewritten by the operator's commands; [`super::organisation`] makes
//! the statement of it. Not here: addresses and keys, which a relay has anyway, and the statement itself, which alone is
//! believed by others. (SECURITY A1)

use serde::{Deserialize, Serialize};
use venia_proto::foreign::Foreign;
use venia_proto::key::PublicKey;
use venia_proto::statement::{PackHash, WitnessKey};

use super::cosigning::place::Place;
use super::recipient::Recipient;
use crate::client::home::{Home, HomeError};

/// Days a technician keeps the openings of parts, unless the organisation says otherwise. (SECURITY E11)
pub const KEEP_DAYS: u32 = 30;
/// Most days an organisation can ask for: ten years.
pub const KEEP_DAYS_MAX: u32 = 3_650;
/// Most auditors: each one lengthens every sealed part by a line.
pub const AUDITORS_MAX: usize = 16;

/// Most packs of items; the same number as auditors, and as little to read on a statement.
pub const PACKS_MAX: usize = 16;
/// Most witnesses: each one lengthens every checkpoint by a line.
pub const WITNESSES_MAX: usize = 16;

const SETTINGS_FILE: &str = "settings";
const SETTINGS_MAX: usize = 64 * 1024;

/// What was decided. A field that isn't in the file has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What the organisation calls itself; `None`: the host of its address.
    pub name: Option<String>,
    /// Days a technician keeps openings; `None`: [`KEEP_DAYS`].
    pub keep_days: Option<u32>,
    /// Who can open records sealed from now on.
    pub auditors: Vec<Recipient>,
    /// Hashes of the packs of items this organisation stands for. (SECURITY G5)
    pub packs: Vec<PackHash>,
    /// Who cosigns checkpoints.
    pub witnesses: Vec<WitnessAt>,
    /// How many of them must have cosigned a session's last checkpoint; at most all.
    pub quorum: u32,
    /// Serial of the statement that the log was last told of; 0 if it never was.
    pub on_record: u64,
}

/// A witness, and where it is reached. The statement names its key alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessAt {
    /// Its key.
    pub key: WitnessKey,
    /// Where it listens.
    pub at: Place,
}

/// A change that isn't made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Not a name of one line and 1 to 64 characters.
    #[error("an organisation's name is one line of 1 to 64 characters")]
    Name,
    /// More than [`KEEP_DAYS_MAX`].
    #[error("openings are kept for at most {KEEP_DAYS_MAX} days")]
    KeepDays,
    /// [`AUDITORS_MAX`] there are already.
    #[error("there can be at most {AUDITORS_MAX} auditor keys")]
    TooManyAuditors,
    /// That one isn't there.
    #[error("no such auditor key")]
    NoSuchAuditor,
    /// [`PACKS_MAX`] there are already.
    #[error("there can be at most {PACKS_MAX} packs")]
    TooManyPacks,
    /// That one isn't there.
    #[error("no such pack")]
    NoSuchPack,
    /// [`WITNESSES_MAX`] there are already.
    #[error("there can be at most {WITNESSES_MAX} witnesses")]
    TooManyWitnesses,
    /// That one isn't there.
    #[error("no such witness")]
    NoSuchWitness,
    /// Another witness has this key, or it is the log's own.
    #[error("a witness's key must be its own")]
    WitnessTwice,
    /// More than there are witnesses.
    #[error("no more can be required than there are witnesses")]
    Quorum,
}

impl Settings {
    /// What was decided in this folder; nothing yet, if there is no file.
    pub fn read(home: &Home) -> Result<Self, HomeError> {
        let Some(bytes) = home.read(SETTINGS_FILE, SETTINGS_MAX)? else { return Ok(Self::default()) };
        serde_json::from_slice(&bytes).map_err(|_| HomeError::Damaged(home.dir().join(SETTINGS_FILE)))
    }

    /// Stores it, durable when it returns.
    pub fn write(&self, home: &Home) -> Result<(), HomeError> {
        let bytes = serde_json::to_vec(self).map_err(|_| HomeError::Damaged(home.dir().join(SETTINGS_FILE)))?;
        home.write(SETTINGS_FILE, &bytes)
    }

    /// Names the organisation.
    pub fn call(&mut self, name: &str) -> Result<(), SettingsError> {
        let name = Foreign::name(name).map_err(|_| SettingsError::Name)?;
        self.name = Some(name.raw().to_owned());
        Ok(())
    }

    /// Says for how many days openings are kept.
    pub fn keep(&mut self, days: u32) -> Result<(), SettingsError> {
        if days > KEEP_DAYS_MAX {
            return Err(SettingsError::KeepDays);
        }
        self.keep_days = Some(days);
        Ok(())
    }

    /// Lets one more key open what is sealed from now on. One that is there already stays.
    pub fn add_auditor(&mut self, recipient: Recipient) -> Result<(), SettingsError> {
        if self.auditors.contains(&recipient) {
            return Ok(());
        }
        if self.auditors.len() >= AUDITORS_MAX {
            return Err(SettingsError::TooManyAuditors);
        }
        self.auditors.push(recipient);
        Ok(())
    }

    /// Seals nothing more to this key. What was sealed to it before, it can still open.
    pub fn remove_auditor(&mut self, recipient: &Recipient) -> Result<(), SettingsError> {
        let before = self.auditors.len();
        self.auditors.retain(|known| known != recipient);
        if self.auditors.len() < before { Ok(()) } else { Err(SettingsError::NoSuchAuditor) }
    }

    /// Stands for one more pack; one that is there already stays.
    pub fn add_pack(&mut self, pack: PackHash) -> Result<(), SettingsError> {
        if self.packs.contains(&pack) {
            return Ok(());
        }
        if self.packs.len() >= PACKS_MAX {
            return Err(SettingsError::TooManyPacks);
        }
        self.packs.push(pack);
        Ok(())
    }

    /// Stands for a pack no more.
    pub fn remove_pack(&mut self, pack: PackHash) -> Result<(), SettingsError> {
        let before = self.packs.len();
        self.packs.retain(|known| *known != pack);
        if self.packs.len() < before { Ok(()) } else { Err(SettingsError::NoSuchPack) }
    }

    /// Asks one more witness; one that is there already is asked at its new place. `log`: the key of the log itself,
    /// which can't be its own witness.
    pub fn add_witness(&mut self, key: WitnessKey, at: Place, log: &PublicKey) -> Result<(), SettingsError> {
        if let Some(known) = self.witnesses.iter_mut().find(|known| known.key == key) {
            known.at = at;
            return Ok(());
        }
        // The same key under another name would be counted twice.
        if key.key == *log || self.witnesses.iter().any(|known| known.key.key == key.key) {
            return Err(SettingsError::WitnessTwice);
        }
        if self.witnesses.len() >= WITNESSES_MAX {
            return Err(SettingsError::TooManyWitnesses);
        }
        self.witnesses.push(WitnessAt { key, at });
        Ok(())
    }

    /// Asks a witness no more; not while it is required.
    pub fn remove_witness(&mut self, key: &WitnessKey) -> Result<(), SettingsError> {
        let left: Vec<_> = self.witnesses.iter().filter(|known| known.key != *key).cloned().collect();
        if left.len() == self.witnesses.len() {
            return Err(SettingsError::NoSuchWitness);
        }
        if !fits(self.quorum, &left) {
            return Err(SettingsError::Quorum);
        }
        self.witnesses = left;
        Ok(())
    }

    /// Says how many witnesses are required.
    pub fn require(&mut self, quorum: u32) -> Result<(), SettingsError> {
        if !fits(quorum, &self.witnesses) {
            return Err(SettingsError::Quorum);
        }
        self.quorum = quorum;
        Ok(())
    }
}

fn fits(quorum: u32, witnesses: &[WitnessAt]) -> bool {
    usize::try_from(quorum).is_ok_and(|quorum| quorum <= witnesses.len())
}

#[cfg(test)]
mod tests {
    use venia_proto::key::SigningKey;

    use super::*;

    fn witness(seed: u8) -> WitnessKey {
        let key = SigningKey::new("witness", [seed; 32]);
        WitnessKey { name: key.verifier().name.clone(), key: *key.public() }
    }

    #[test]
    fn witnesses_are_others_and_no_more_are_required_than_there_are() {
        let (mut settings, log) = (Settings::default(), *SigningKey::new("log", [99; 32]).public());
        let at = |port: u16| format!("http://127.0.0.1:{port}").parse::<Place>().unwrap();
        assert_eq!(settings.require(1), Err(SettingsError::Quorum));
        settings.add_witness(witness(1), at(1), &log).unwrap();
        settings.add_witness(witness(1), at(2), &log).unwrap();
        assert_eq!((settings.witnesses.len(), settings.witnesses[0].at.clone()), (1, at(2)));
        let renamed = WitnessKey { name: witness(2).name, ..witness(1) };
        assert_eq!(settings.add_witness(renamed, at(3), &log), Err(SettingsError::WitnessTwice));
        let own = WitnessKey { key: log, ..witness(3) };
        assert_eq!(settings.add_witness(own, at(3), &log), Err(SettingsError::WitnessTwice));
        assert_eq!([0, 1, 2].map(|quorum| settings.require(quorum).is_ok()), [true, true, false]);
        assert_eq!(settings.remove_witness(&witness(1)), Err(SettingsError::Quorum));
        assert_eq!(settings.remove_witness(&witness(9)), Err(SettingsError::NoSuchWitness));
        for n in 1..WITNESSES_MAX {
            settings.add_witness(witness(n as u8 + 1), at(9), &log).unwrap();
        }
        assert_eq!(settings.add_witness(witness(98), at(9), &log), Err(SettingsError::TooManyWitnesses));
        settings.remove_witness(&witness(1)).unwrap();
        let written = serde_json::to_vec(&settings).unwrap();
        assert_eq!(serde_json::from_slice::<Settings>(&written).unwrap(), settings);
    }

    fn recipient(byte: u8) -> Recipient {
        Recipient::of_key(&[byte; 32])
    }

    #[test]
    fn what_was_decided_is_remembered_and_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(&folder.path().join("relay"), true).unwrap();
        let mut settings = Settings::read(&home).unwrap();
        assert_eq!(settings, Settings::default());
        settings.call("Ayuda en casa").unwrap();
        settings.keep(7).unwrap();
        settings.add_auditor(recipient(1)).unwrap();
        settings.write(&home).unwrap();
        assert_eq!(Settings::read(&home).unwrap(), settings);
        let mode = std::fs::metadata(home.dir().join(SETTINGS_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        home.write(SETTINGS_FILE, b"{\"nonsense\":1}").unwrap();
        assert!(Settings::read(&home).is_err());
    }

    #[test]
    fn limits_at_below_and_above() {
        let mut settings = Settings::default();
        for (days, good) in [(0, true), (KEEP_DAYS_MAX, true), (KEEP_DAYS_MAX + 1, false)] {
            assert_eq!(settings.keep(days).is_ok(), good, "{days}");
        }
        for (length, good) in [(0, false), (1, true), (64, true), (65, false)] {
            assert_eq!(settings.call(&"x".repeat(length)).is_ok(), good, "{length}");
        }
        for n in 0..AUDITORS_MAX {
            settings.add_auditor(recipient(n as u8 + 1)).unwrap();
        }
        settings.add_auditor(recipient(1)).unwrap();
        assert_eq!(settings.add_auditor(recipient(99)), Err(SettingsError::TooManyAuditors));
        settings.remove_auditor(&recipient(1)).unwrap();
        assert_eq!(settings.remove_auditor(&recipient(1)), Err(SettingsError::NoSuchAuditor));
        assert_eq!(settings.auditors.len(), AUDITORS_MAX - 1);
        let pack = |n: usize| PackHash([n as u8 + 1; 32]);
        for n in 0..PACKS_MAX {
            settings.add_pack(pack(n)).unwrap();
        }
        settings.add_pack(pack(0)).unwrap();
        assert_eq!(settings.add_pack(pack(99)), Err(SettingsError::TooManyPacks));
        settings.remove_pack(pack(0)).unwrap();
        assert_eq!(settings.remove_pack(pack(0)), Err(SettingsError::NoSuchPack));
        assert_eq!(settings.packs.len(), PACKS_MAX - 1);
    }
}
