//! Temperatures and fans as the kernel's drivers measure them (`hwmon/sysfs-interface.rst`), else its thermal zones.

use crate::checks::machine::Machine;

/// Degrees Celsius from which a part without a limit of its own is hot. Makers give most processors 95 to 105.
const HOT: f64 = 85.0;
/// Degrees Celsius from which it is dangerous, where the part doesn't say.
const TOO_HOT: f64 = 95.0;
/// Degrees below a part's own critical limit that count as dangerous: there it switches itself off.
const MARGIN: f64 = 5.0;
/// Sensors that aren't connected report absurd figures; only these are believed.
const PLAUSIBLE: std::ops::Range<f64> = 1.0..150.0;
/// Drivers and what their sensors are in.
const PARTS: [(&str, &str); 20] = [
    ("acpitz", "case"),
    ("amdgpu", "graphics"),
    ("bat", "battery"),
    ("coretemp", "processor"),
    ("cpu", "processor"),
    ("dell_smm", "case"),
    ("drivetemp", "disk"),
    ("i915", "graphics"),
    ("iwlwifi", "Wi-Fi"),
    ("jc42", "memory"),
    ("k10temp", "processor"),
    ("mt7", "Wi-Fi"),
    ("nouveau", "graphics"),
    ("nvme", "disk"),
    ("pch", "chipset"),
    ("radeon", "graphics"),
    ("soc", "processor"),
    ("spd5118", "memory"),
    ("x86_pkg_temp", "processor"),
    ("zenpower", "processor"),
];

/// A sensor as it stands in `/sys`, in thousandths of a degree.
#[derive(Clone, Debug)]
pub(super) struct Sensor {
    /// Its driver, and its label if it has one.
    pub(super) name: String,
    /// What it measures now.
    pub(super) value: i64,
    /// Its own limits.
    pub(super) max: Option<i64>,
    /// Where the part switches itself off.
    pub(super) critical: Option<i64>,
}

/// A fan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fan {
    /// Its driver, and its label or number.
    pub(super) name: String,
    /// Turns a minute.
    pub(super) turns: u64,
    /// Fewest it should make.
    pub(super) least: u64,
    /// Whether the chip complains.
    pub(super) alarm: bool,
}

/// Every sensor; thermal zones if there is no other.
pub(super) fn sensors(machine: &Machine) -> Vec<Sensor> {
    let mut sensors = Vec::new();
    for chip in machine.names("/sys/class/hwmon") {
        let folder = format!("/sys/class/hwmon/{chip}");
        let chip = machine.word(&format!("{folder}/name")).unwrap_or(chip);
        for file in machine.names(&folder) {
            let Some(sensor) = file.strip_suffix("_input").filter(|name| name.starts_with("temp")) else { continue };
            let Some(value) = machine.number(&format!("{folder}/{file}")) else { continue };
            let label = machine.word(&format!("{folder}/{sensor}_label"));
            sensors.push(Sensor {
                name: label.map_or_else(|| chip.clone(), |label| format!("{chip} {label}")),
                value,
                max: machine.number(&format!("{folder}/{sensor}_max")),
                critical: machine.number(&format!("{folder}/{sensor}_crit")),
            });
        }
    }
    if sensors.is_empty() {
        for zone in machine.names("/sys/class/thermal").into_iter().filter(|name| name.starts_with("thermal_zone")) {
            let folder = format!("/sys/class/thermal/{zone}");
            let Some(value) = machine.number(&format!("{folder}/temp")) else { continue };
            let name = machine.word(&format!("{folder}/type")).unwrap_or(zone);
            sensors.push(Sensor { name, value, max: None, critical: None });
        }
    }
    sensors
}

/// Every fan.
pub(super) fn fans(machine: &Machine) -> Vec<Fan> {
    let mut fans = Vec::new();
    for chip in machine.names("/sys/class/hwmon") {
        let folder = format!("/sys/class/hwmon/{chip}");
        let chip = machine.word(&format!("{folder}/name")).unwrap_or(chip);
        for file in machine.names(&folder) {
            let Some(fan) = file.strip_suffix("_input").filter(|name| name.starts_with("fan")) else { continue };
            let Some(turns) = machine.number(&format!("{folder}/{file}")) else { continue };
            let flag = |end: &str| machine.number::<u8>(&format!("{folder}/{fan}_{end}")) == Some(1);
            let label = machine.word(&format!("{folder}/{fan}_label")).unwrap_or_else(|| fan.to_owned());
            fans.push(Fan {
                name: format!("{chip} {label}"),
                turns,
                least: machine.number(&format!("{folder}/{fan}_min")).unwrap_or(0),
                alarm: flag("alarm") || flag("fault"),
            });
        }
    }
    fans
}

impl Sensor {
    /// Whether its figure can be true.
    pub(super) fn is_plausible(&self) -> bool {
        PLAUSIBLE.contains(&self.degrees())
    }

    /// What it measures now, in degrees Celsius.
    pub(super) fn degrees(&self) -> f64 {
        degrees(self.value)
    }

    /// Degrees from which it is dangerous.
    pub(super) fn too_hot(&self) -> f64 {
        own(self.critical).map_or(TOO_HOT, |critical| critical - MARGIN)
    }

    /// Degrees from which it is worth a look.
    pub(super) fn hot(&self) -> f64 {
        // Some processors give the same figure for both limits: then ours, or a little below theirs.
        own(self.max).filter(|max| *max < self.too_hot()).unwrap_or_else(|| HOT.min(self.too_hot() - MARGIN))
    }

    /// The limit it gives itself, if it can be believed.
    pub(super) fn limit(&self) -> Option<f64> {
        self.critical.or(self.max).map(degrees).filter(|degrees| PLAUSIBLE.contains(degrees))
    }

    /// What part of the computer it is in.
    pub(super) fn part(&self) -> &'static str {
        let name = self.name.to_lowercase();
        PARTS.iter().find(|(driver, _)| name.starts_with(driver)).map_or("other", |(_, part)| part)
    }
}

/// A limit that a part gives itself, if it can be believed.
fn own(limit: Option<i64>) -> Option<f64> {
    limit.map(degrees).filter(|degrees| (40.0..PLAUSIBLE.end).contains(degrees))
}

#[expect(clippy::cast_precision_loss, reason = "thousandths of a degree of any part fit in 52 bits")]
fn degrees(thousandths: i64) -> f64 {
    thousandths as f64 / 1000.0
}
