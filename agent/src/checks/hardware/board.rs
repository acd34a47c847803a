//! `hardware.board`: make and model of the computer, its main board, and its firmware with its age.
//!
//! From what the firmware says of itself (SMBIOS in `/sys/class/dmi/id`, or the device tree of small boards). Makers leave
//! "To be filled by O.E.M." and the like in it: that is no name and is left out.

use std::time::SystemTime;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity};

use crate::checks::machine::{Machine, Reading, Unread};
use crate::checks::{Check, Failure};

/// Where the kernel puts what the firmware says.
const FOLDER: &str = "/sys/class/dmi/id";
/// Years from which firmware is worth a look. Our choice: most makers still publish repairs for models of that age.
const OLD_YEARS: i64 = 5;
/// Facts and the files they are in.
const FILES: [(&str, &str); 10] = [
    ("maker", "sys_vendor"),
    ("model", "product_name"),
    ("version", "product_version"),
    ("family", "product_family"),
    ("board-maker", "board_vendor"),
    ("board", "board_name"),
    ("board-version", "board_version"),
    ("firmware-maker", "bios_vendor"),
    ("firmware", "bios_version"),
    ("firmware-date", "bios_date"),
];
/// Texts of makers that forgot to fill theirs in, in lower case.
const FILLERS: [&str; 15] = [
    "0123456789",
    "default string",
    "empty",
    "invalid",
    "n/a",
    "none",
    "not applicable",
    "not available",
    "not specified",
    "o.e.m.",
    "system manufacturer",
    "system product name",
    "system serial number",
    "to be filled by o.e.m.",
    "unknown",
];
/// What computers inside computers say they are, in lower case (systemd's `virt.c`).
const VIRTUAL: [&str; 12] = [
    "amazon ec2",
    "bhyve",
    "bochs",
    "google compute engine",
    "innotek",
    "kvm",
    "openstack",
    "parallels",
    "qemu",
    "virtual machine",
    "vmware",
    "xen",
];

pub(crate) struct Board;

pub(crate) struct Inputs {
    /// In the order of [`FILES`].
    files: Vec<Option<String>>,
    chassis: Option<String>,
    serials: [Reading; 2],
    /// Of boards without SMBIOS.
    tree: Option<String>,
    efi: bool,
    /// Days since 1970.
    today: i64,
}

impl Check for Board {
    const ID: &'static str = "hardware.board";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let today = i64::try_from(now / 86_400).unwrap_or(i64::MAX);
        Ok(Inputs { today, ..gather_from(&Machine::this()) })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let mut known = String::new();
        for ((key, _), text) in FILES.iter().zip(&inputs.files) {
            let Some(text) = text.as_deref().filter(|text| !is_filler(text)) else { continue };
            draft.fact(key, text, "");
            if matches!(*key, "maker" | "model" | "board") {
                known = format!("{known} {text}");
            }
        }
        if let Some(chassis) = inputs.chassis.as_deref().and_then(chassis) {
            draft.fact("chassis", chassis, "");
        }
        if let Some(tree) = &inputs.tree {
            draft.fact("model", tree.clone(), "");
            known = format!(" {tree}");
        }
        if known.trim().is_empty() && inputs.files.iter().flatten().count() == 0 {
            draft.finding(Severity::Unknown, "board-unknown", &[], format!("{FOLDER} does not exist here"));
            return draft;
        }
        draft.fact("start", if inputs.efi { "UEFI" } else { "BIOS" }, "");
        let virtual_machine = is_virtual(&known);
        draft.fact("virtual", virtual_machine, "");
        for (key, serial) in ["serial", "board-serial"].into_iter().zip(&inputs.serials) {
            if let Some(serial) = serial.as_deref().ok().map(str::trim).filter(|text| !is_filler(text)) {
                draft.fact(key, serial, "");
            }
        }
        let date = FILES.iter().zip(&inputs.files).find(|((key, _), _)| *key == "firmware-date");
        let date = date.and_then(|(_, text)| text.as_deref());
        let age = date.and_then(day).map(|day| (inputs.today - day) / 365);
        match age.filter(|years| *years >= OLD_YEARS && !virtual_machine) {
            Some(years) => {
                let evidence = format!("{FOLDER}/bios_date: {}", date.unwrap_or_default());
                draft.finding(Severity::Warning, "firmware-old", &[("years", years.into())], evidence);
            }
            None if virtual_machine => draft.finding(Severity::Ok, "board-virtual", &[], format!("{FOLDER}:{known}")),
            None => draft.finding(Severity::Ok, "board-named", &[], format!("{FOLDER}:{known}")),
        }
        if inputs.serials[0] == Err(Unread::Denied) {
            let evidence = format!("{FOLDER}/product_serial: {}", Unread::Denied);
            draft.finding(Severity::Unknown, "serial-hidden", &[], evidence);
        }
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    let file = |name: &str| machine.word(&format!("{FOLDER}/{name}"));
    let tree = machine.word("/sys/firmware/devicetree/base/model");
    Inputs {
        files: FILES.iter().map(|(_, name)| file(name)).collect(),
        chassis: file("chassis_type"),
        serials: ["product_serial", "board_serial"].map(|name| machine.text(&format!("{FOLDER}/{name}"))),
        tree: tree.map(|text| text.trim_end_matches('\0').to_owned()).filter(|text| !text.is_empty()),
        efi: machine.has("/sys/firmware/efi"),
        today: 0,
    }
}

fn is_filler(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    text.len() < 2 || FILLERS.contains(&text.as_str()) || text.bytes().all(|b| b == text.as_bytes()[0])
}

fn is_virtual(known: &str) -> bool {
    let known = known.to_lowercase();
    VIRTUAL.iter().any(|name| known.contains(name))
}

/// SMBIOS 3.7, table 17 (system enclosure types), as far as people would call them something.
fn chassis(number: &str) -> Option<&'static str> {
    match number.parse::<u8>().ok()? & 0x7f {
        3..=7 | 15 | 24 => Some("desktop"),
        8..=10 | 14 => Some("laptop"),
        11 | 30 => Some("tablet"),
        12 => Some("docking station"),
        13 => Some("all-in-one"),
        17 | 23 | 25 | 28 | 29 => Some("server"),
        31 | 32 => Some("convertible"),
        33 | 34 => Some("embedded"),
        35 | 36 => Some("mini PC"),
        _ => None,
    }
}

/// Days since 1970 of `MM/DD/YYYY` (SMBIOS 3.7, 7.1); nothing if there is no such date.
fn day(text: &str) -> Option<i64> {
    let mut parts = text.split('/').map(|part| part.parse::<i64>().ok());
    let (month, day, year) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some()
        || !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || !(1980..=2200).contains(&year)
    {
        return None;
    }
    // Of the civil calendar, with the year starting in March so that the leap day is its last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    Some(year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719_468)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::recording::{recording, unpacked};
    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};

    /// 26 November 2026.
    const TODAY: i64 = 20_783;

    fn at(name: &str) -> Inputs {
        Inputs { today: TODAY, ..gather_from(&recording(name)) }
    }

    #[test]
    fn a_laptop_is_named_with_its_firmware() {
        let draft = Board::judge(at("laptop-fedora"));
        let fact = |key: &str| draft.facts.iter().find(|f| f.key == key).map(|f| f.value.to_string());
        assert_eq!(fact("model").as_deref(), Some("20L5S02300"));
        assert_eq!(fact("chassis").as_deref(), Some("laptop"));
        assert_eq!(fact("start").as_deref(), Some("UEFI"));
        assert_eq!(fact("board-serial"), None, "a filler is no serial number");
        assert_eq!(findings::<Board>(at("laptop-fedora")), ["board-named"]);
        assert_eq!(findings::<Board>(at("vm-ubuntu")), ["board-virtual"]);
        assert_eq!(findings::<Board>(at("raspberry-pi")), ["board-named"]);
    }

    #[test]
    fn dates_are_days() {
        for (text, expected) in [
            ("01/01/1980", Some(3_652)),
            ("03/01/2000", Some(11_017)),
            ("11/26/2026", Some(TODAY)),
            ("13/01/2020", None),
            ("2020-01-01", None),
            ("01/01/1979", None),
            ("01/01/2020/1", None),
            ("", None),
        ] {
            assert_eq!(day(text), expected, "{text}");
        }
    }

    #[test]
    fn firmware_below_at_and_above_its_age() {
        for (age, found) in [(5 * 365 - 1, "board-named"), (5 * 365, "firmware-old"), (5 * 365 + 1, "firmware-old")] {
            let list = "/sys/class/dmi/id/product_name = X1\n/sys/class/dmi/id/bios_date = 03/01/2000\n";
            let inputs = Inputs { today: 11_017 + age, ..gather_from(&unpacked(list)) };
            assert_eq!(findings::<Board>(inputs), [found]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        let hidden = Inputs { serials: [Err(Unread::Denied), Err(Unread::Denied)], ..at("desktop-arch") };
        all_is_said::<Board>(vec![
            at("laptop-fedora"),
            at("laptop-worn"),
            at("vm-ubuntu"),
            at("server-debian"),
            hidden,
            Inputs { today: TODAY, ..gather_from(&unpacked("")) },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(a in ".*", b in "[0-9]{1,2}/[0-9]{1,2}/[0-9]{1,20}|.*", n in any::<i32>()) {
            let mut files = vec![Some(a.clone()); FILES.len()];
            files[9] = Some(b);
            told(Board::ID, &Board::judge(Inputs {
                files, chassis: Some(a.clone()), serials: [Ok(a.clone()), Ok(a.clone())], tree: Some(a), efi: true, today: n.into(),
            }));
        }
    }
}
