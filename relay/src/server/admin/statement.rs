//! What the operator changes in the organisation's statement: its auditors, its packs and its witnesses. (SECURITY A1)

use venia_proto::now::Wall;

use super::{Reply, Why};
use crate::server::organisation::{ChangeError, Organisation};
use crate::server::recipient::Recipient;
use crate::server::settings::{Settings, SettingsError};

pub(super) fn auditors(organisation: &Organisation) -> Reply {
    Reply::Auditors { serial: organisation.served().statement.serial, auditors: organisation.settings().auditors }
}

/// Changes who can open records: a new statement, in force for every connection from now on. (SECURITY A1)
pub(super) fn auditor(
    organisation: &Organisation,
    recipient: &str,
    change: impl FnOnce(&mut Settings, Recipient) -> Result<(), SettingsError>,
    now: Wall,
) -> Reply {
    let Ok(recipient) = recipient.parse() else { return Reply::Refused { why: Why::Recipient } };
    changed(organisation, |settings| change(settings, recipient), auditors, now)
}

pub(super) fn packs(organisation: &Organisation) -> Reply {
    Reply::Packs { serial: organisation.served().statement.serial, packs: organisation.settings().packs }
}

/// Changes which packs the organisation stands for. (SECURITY G5)
pub(super) fn pack(
    organisation: &Organisation,
    change: impl FnOnce(&mut Settings) -> Result<(), SettingsError>,
    now: Wall,
) -> Reply {
    changed(organisation, change, packs, now)
}

pub(super) fn witnesses(organisation: &Organisation) -> Reply {
    let Settings { witnesses, quorum, .. } = organisation.settings();
    let log = organisation.log().to_string();
    Reply::Witnesses { serial: organisation.served().statement.serial, log, quorum, witnesses }
}

/// Makes a change, and tells what is in force then.
fn changed(
    organisation: &Organisation,
    change: impl FnOnce(&mut Settings) -> Result<(), SettingsError>,
    told: impl FnOnce(&Organisation) -> Reply,
    now: Wall,
) -> Reply {
    let why = match organisation.change(change, now) {
        Ok(_) => return told(organisation),
        Err(ChangeError::Settings(SettingsError::TooManyAuditors)) => Why::TooManyAuditors,
        Err(ChangeError::Settings(SettingsError::NoSuchAuditor)) => Why::NoSuchAuditor,
        Err(ChangeError::Settings(SettingsError::TooManyPacks)) => Why::TooManyPacks,
        Err(ChangeError::Settings(SettingsError::NoSuchPack)) => Why::NoSuchPack,
        Err(ChangeError::Settings(SettingsError::TooManyWitnesses)) => Why::TooManyWitnesses,
        Err(ChangeError::Settings(SettingsError::NoSuchWitness)) => Why::NoSuchWitness,
        Err(ChangeError::Settings(SettingsError::WitnessTwice)) => Why::WitnessTwice,
        Err(ChangeError::Settings(SettingsError::Quorum)) => Why::Quorum,
        Err(ChangeError::Settings(SettingsError::Name | SettingsError::KeepDays)) => Why::Malformed,
        Err(ChangeError::Identity(error)) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the statement can't be changed");
            Why::Disk
        }
    };
    Reply::Refused { why }
}

/// Asks one more witness from now on.
pub(super) fn add_witness(organisation: &Organisation, key: &str, at: &str, now: Wall) -> Reply {
    let Ok(key) = key.parse() else { return Reply::Refused { why: Why::WitnessKey } };
    let Ok(at) = at.parse() else { return Reply::Refused { why: Why::WitnessPlace } };
    let log = organisation.log().key;
    changed(organisation, |settings| settings.add_witness(key, at, &log), witnesses, now)
}

/// Asks a witness no more.
pub(super) fn remove_witness(organisation: &Organisation, key: &str, now: Wall) -> Reply {
    let Ok(key) = key.parse() else { return Reply::Refused { why: Why::WitnessKey } };
    changed(organisation, |settings| settings.remove_witness(&key), witnesses, now)
}

/// Requires so many of them.
pub(super) fn require(organisation: &Organisation, quorum: u32, now: Wall) -> Reply {
    changed(organisation, |settings| settings.require(quorum), witnesses, now)
}
