//! What a disk's own diary says of its health, read out of what UDisks2 and smartctl answer.
//!
//! Both answer JSON with far more in it: serial numbers and names of what is mounted are never taken.

use std::collections::BTreeMap;

use serde_json::Value as Json;

/// Attributes of ATA disks by number (smartmontools' `atacmds.cpp`): sectors replaced, waiting, lost; cable errors.
const REPLACED: u64 = 5;
const WAITING: u64 = 197;
const LOST: u64 = 198;
const CABLE: u64 = 199;
/// Interfaces of UDisks2 (its reference manual).
const DRIVE: &str = "org.freedesktop.UDisks2.Drive";
const ATA: &str = "org.freedesktop.UDisks2.Drive.Ata";
const NVME: &str = "org.freedesktop.UDisks2.NVMe.Controller";
/// Longest path of a drive that is asked about.
const PATH_MAX: usize = 200;

/// A disk's health, as far as it says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Health {
    /// `sda`, `nvme0n1`.
    pub(super) disk: String,
    /// What it is.
    pub(super) model: String,
    /// Whether it says itself that it fails; none if it says nothing.
    pub(super) failing: Option<bool>,
    /// Hours it ran.
    pub(super) hours: Option<u64>,
    /// Degrees Celsius.
    pub(super) temperature: Option<f64>,
    /// Sectors put elsewhere.
    pub(super) replaced: Option<u64>,
    /// Sectors that can't be read now, or ever.
    pub(super) unreadable: Option<u64>,
    /// Percent of its life used; may be above 100.
    pub(super) used: Option<u64>,
    /// Times data was lost (NVMe).
    pub(super) media_errors: Option<u64>,
    /// Transfers that arrived damaged.
    pub(super) cable_errors: Option<u64>,
    /// Whether it spins.
    pub(super) spins: bool,
}

/// A drive of UDisks2, and what to ask it for more.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Drive {
    /// What it said so far.
    pub(super) health: Health,
    /// Its path, of letters, digits and `_`.
    pub(super) path: String,
    /// The interface that has its attributes.
    pub(super) interface: &'static str,
}

impl Health {
    /// Whether anything but its name is known.
    pub(super) fn says_something(&self) -> bool {
        self.failing.is_some() || self.used.is_some() || self.replaced.is_some() || self.hours.is_some()
    }

    /// Adds what `SmartGetAttributes` answers: a dictionary of an NVMe disk, a list of an ATA disk.
    pub(super) fn add_attributes(&mut self, answer: &str) {
        let Ok(answer) = serde_json::from_str::<Json>(answer) else { return };
        match answer.pointer("/data/0") {
            Some(Json::Object(fields)) => {
                let number = |key: &str| fields.get(key).and_then(|value| value.get("data")).and_then(Json::as_u64);
                self.used = number("percent_used").or(self.used);
                self.media_errors = number("media_errors").or(self.media_errors);
            }
            Some(Json::Array(list)) => {
                let raw = |entry: &Json| Some((entry.get(0)?.as_u64()?, entry.get(6)?.as_u64()?));
                self.add_numbered(list.iter().filter_map(raw));
            }
            Some(Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_)) | None => (),
        }
    }

    fn add_numbered(&mut self, attributes: impl Iterator<Item = (u64, u64)>) {
        for (number, raw) in attributes {
            match number {
                REPLACED => self.replaced = Some(raw),
                WAITING | LOST => self.unreadable = Some(self.unreadable.unwrap_or(0).max(raw)),
                CABLE => self.cable_errors = Some(raw),
                _ => (),
            }
        }
    }
}

/// Every drive in the answer of UDisks2's `GetManagedObjects` that is a disk; none if it isn't one.
pub(super) fn drives(answer: &str) -> Option<Vec<Drive>> {
    let answer: Json = serde_json::from_str(answer).ok()?;
    let objects = answer.pointer("/data/0")?.as_object()?;
    let property = |object: &Json, interface: &str, name: &str| -> Option<Json> {
        object.get(interface)?.get(name)?.get("data").cloned()
    };
    let mut disks: BTreeMap<String, String> = BTreeMap::new();
    for (path, object) in objects {
        if object.get("org.freedesktop.UDisks2.Partition").is_some() {
            continue;
        }
        let drive = property(object, "org.freedesktop.UDisks2.Block", "Drive");
        if let Some((drive, name)) = drive.as_ref().and_then(Json::as_str).zip(path.rsplit('/').next()) {
            disks.insert(drive.to_owned(), name.to_owned());
        }
    }
    let drive = |(path, object): (&String, &Json)| {
        let disk = disks.get(path)?.clone();
        let get = |name: &str| property(object, DRIVE, name);
        let ata = |name: &str| property(object, ATA, name);
        let nvme = |name: &str| property(object, NVME, name);
        if get("MediaRemovable").and_then(|flag| flag.as_bool()) == Some(true) {
            return None;
        }
        let is_nvme = object.get(NVME).is_some();
        // Times and temperatures of a disk that was never asked are 0.
        let positive = |value: Option<Json>| value.and_then(|value| value.as_f64()).filter(|figure| *figure > 0.0);
        let updated = positive(if is_nvme { nvme("SmartUpdated") } else { ata("SmartUpdated") }).is_some();
        let bad = ata("SmartNumBadSectors").and_then(|count| count.as_u64());
        let failing_attributes = ata("SmartNumAttributesFailing").and_then(|count| count.as_u64()).unwrap_or(0) > 0;
        let failing = if is_nvme {
            nvme("SmartCriticalWarning").and_then(|list| list.as_array().map(|list| !list.is_empty()))
        } else {
            ata("SmartFailing").and_then(|flag| flag.as_bool()).map(|failing| failing || failing_attributes)
        };
        let hours = if is_nvme {
            nvme("SmartPowerOnHours").and_then(|hours| hours.as_u64())
        } else {
            ata("SmartPowerOnSeconds").and_then(|seconds| seconds.as_u64()).map(|seconds| seconds / 3_600)
        };
        let kelvin = positive(if is_nvme { nvme("SmartTemperature") } else { ata("SmartTemperature") });
        let text = |name: &str| get(name).and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default();
        let health = Health {
            disk,
            model: text("Model"),
            failing: failing.filter(|_| updated),
            hours: hours.filter(|hours| updated && *hours > 0),
            temperature: kelvin.map(|kelvin| kelvin - 273.15).filter(|_| updated),
            replaced: bad.filter(|_| updated),
            spins: positive(get("RotationRate")).is_some(),
            ..Health::default()
        };
        Some(Drive { health, path: path.clone(), interface: if is_nvme { NVME } else { ATA } })
    };
    Some(objects.iter().filter_map(drive).filter(|drive| is_plain(&drive.path)).collect())
}

/// A path that can be an argument: UDisks2 writes drives with letters, digits and `_` only.
fn is_plain(path: &str) -> bool {
    let name = path.strip_prefix("/org/freedesktop/UDisks2/drives/");
    path.len() <= PATH_MAX
        && name.is_some_and(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
}

/// What `smartctl --json` answers of a disk (smartmontools 7); nothing if it could not ask it.
pub(super) fn smartctl(disk: &str, answer: &str) -> Option<Health> {
    let answer: Json = serde_json::from_str(answer).ok()?;
    let number = |path: &str| answer.pointer(path).and_then(Json::as_u64);
    let nvme = "/nvme_smart_health_information_log";
    let mut health = Health {
        disk: disk.to_owned(),
        model: answer.pointer("/model_name").and_then(Json::as_str).unwrap_or_default().to_owned(),
        failing: answer.pointer("/smart_status/passed").and_then(Json::as_bool).map(|passed| !passed),
        hours: number("/power_on_time/hours"),
        temperature: answer.pointer("/temperature/current").and_then(Json::as_f64),
        used: number(&format!("{nvme}/percentage_used")),
        media_errors: number(&format!("{nvme}/media_errors")),
        spins: number("/rotation_rate").is_some_and(|rate| rate > 0),
        ..Health::default()
    };
    if number(&format!("{nvme}/critical_warning")).is_some_and(|bits| bits > 0) {
        health.failing = Some(true);
    }
    let table = answer.pointer("/ata_smart_attributes/table").and_then(Json::as_array);
    let raw = |entry: &Json| Some((entry.get("id")?.as_u64()?, entry.pointer("/raw/value")?.as_u64()?));
    health.add_numbered(table.into_iter().flatten().filter_map(raw));
    health.says_something().then_some(health)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::recording::answer;
    use super::*;

    #[test]
    fn drives_of_a_desktop_as_udisks_has_them() {
        let drives = drives(&answer("udisks-objects.json")).unwrap();
        let said: Vec<(&str, &str, Option<bool>)> =
            drives.iter().map(|d| (d.health.disk.as_str(), d.health.model.as_str(), d.health.failing)).collect();
        assert_eq!(
            said,
            [
                ("sda", "ST2000DM008-2FR102", Some(true)),
                ("nvme0n1", "Samsung SSD 970 EVO Plus 500GB", Some(false)),
                ("sdb", "Backup+ Hub BK", None),
            ]
        );
        let mut disk = drives[0].health.clone();
        assert!(disk.spins && disk.hours == Some(31_114) && disk.temperature.map(f64::round) == Some(41.0));
        disk.add_attributes(&answer("udisks-ata-attributes.json"));
        assert_eq!((disk.replaced, disk.unreadable, disk.cable_errors), (Some(1_288), Some(16), Some(0)));
        let mut nvme = drives[1].health.clone();
        nvme.add_attributes(&answer("udisks-nvme-attributes.json"));
        assert_eq!((nvme.used, nvme.media_errors), (Some(4), Some(0)));
        assert!(!format!("{drives:?}").contains("/media/"));
    }

    #[test]
    fn disks_as_smartctl_has_them() {
        let disk = smartctl("sda", &answer("smartctl-failing.json")).unwrap();
        assert_eq!((disk.failing, disk.replaced, disk.unreadable), (Some(true), Some(2_040), Some(48)));
        let nvme = smartctl("nvme0n1", &answer("smartctl-nvme.json")).unwrap();
        assert_eq!((nvme.failing, nvme.used, nvme.media_errors), (Some(false), Some(93), Some(0)));
        assert!(!format!("{disk:?}{nvme:?}").contains("Z9A0"), "a serial number");
        assert_eq!(smartctl("sda", &answer("smartctl-refused.json")), None);
    }

    #[test]
    fn only_plain_paths_become_arguments() {
        let base = "/org/freedesktop/UDisks2/drives/";
        let long = "x".repeat(PATH_MAX - base.len());
        for (name, plain) in [("A_1", true), ("", false), ("../x", false), ("a b", false), ("-a", false), (&long, true)]
        {
            assert_eq!(is_plain(&format!("{base}{name}")), plain, "{name}");
        }
        assert!(!is_plain(&format!("{base}{long}x")) && !is_plain("/etc/passwd"));
    }

    proptest! {
        #[test]
        fn any_answer_is_read(text in ".*", n in any::<u64>()) {
            prop_assert!(drives(&text).is_none_or(|drives| drives.is_empty()));
            let mut health = Health::default();
            health.add_attributes(&text);
            health.add_attributes(&format!(r#"{{"data":[[[{n},"x",0,0,0,0,{n}],[5]]]}}"#));
            health.add_attributes(&format!(r#"{{"data":[{{"percent_used":{{"data":{n}}},"x":1}}]}}"#));
            let _ = smartctl("sda", &text);
            let _ = smartctl("sda", &format!(r#"{{"power_on_time":{{"hours":{n}}},"ata_smart_attributes":{{"table":[{{"id":5}}]}}}}"#));
        }
    }
}
