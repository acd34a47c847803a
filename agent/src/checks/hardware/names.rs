//! Names of parts by their numbers: every PCI and USB part says who made it and which model it is, in 16 bits each.
//!
//! First from what the system's device manager already looked up (`/run/udev/data`, a small file a part), else from the
//! lists that distributions install (`pci.ids`, `usb.ids`). It is *not* asked of anybody outside: a part that neither
//! knows is shown by its numbers.

use std::collections::BTreeMap;

use crate::checks::machine::Machine;

/// Most that is read of a list, in bytes; `pci.ids` has 1.5 MB.
const LIST_MAX: u64 = 8 * 1024 * 1024;

/// Which list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bus {
    /// Cards and what is soldered on.
    Pci,
    /// What is plugged in.
    Usb,
}

/// A part by its numbers, and what the device manager noted of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbers {
    /// Who made it.
    pub(super) maker: u16,
    /// Which of theirs it is.
    pub(super) model: u16,
    /// The device manager's file.
    pub(super) record: Option<String>,
}

/// A part's names. What isn't known is its numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// Who made it.
    pub(super) maker: String,
    /// Which of theirs it is.
    pub(super) model: String,
}

impl Bus {
    fn files(self) -> [&'static str; 3] {
        match self {
            Self::Pci => ["/usr/share/hwdata/pci.ids", "/usr/share/misc/pci.ids", "/usr/share/pci.ids"],
            Self::Usb => ["/usr/share/hwdata/usb.ids", "/usr/share/misc/usb.ids", "/usr/share/usb.ids"],
        }
    }

    /// The installed list, if some part has no name without it.
    pub(super) fn list(self, machine: &Machine, parts: &[&Numbers]) -> String {
        if parts.iter().all(|part| part.noted("ID_MODEL_FROM_DATABASE").is_some()) {
            return String::new();
        }
        let bytes = self.files().iter().find_map(|path| machine.bytes(path, LIST_MAX).ok());
        bytes.map_or_else(String::new, |bytes| String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl Numbers {
    /// A number as `/sys` writes it: `0x8086` or `8086`.
    pub(super) fn read(machine: &Machine, maker: &str, model: &str, record: &str) -> Option<Self> {
        let number = |path: &str| u16::from_str_radix(machine.word(path)?.trim_start_matches("0x"), 16).ok();
        Some(Self { maker: number(maker)?, model: number(model)?, record: machine.text(record).ok() })
    }

    fn noted(&self, key: &str) -> Option<&str> {
        noted(self.record.as_deref()?, key)
    }
}

/// A property in a file of the device manager: `E:KEY=VALUE`.
pub(super) fn noted<'a>(record: &'a str, key: &str) -> Option<&'a str> {
    let value = |line: &'a str| line.strip_prefix("E:")?.strip_prefix(key)?.strip_prefix('=');
    record.lines().find_map(value).map(str::trim).filter(|value| !value.is_empty())
}

/// The names of these parts, in their order.
pub(super) fn names(parts: &[&Numbers], list: &str) -> Vec<Name> {
    let found = look_up(parts, list);
    let name = |part: &&Numbers| {
        let (maker, model) = found.get(&(part.maker, part.model)).cloned().unwrap_or_default();
        let known = |noted: Option<&str>, found: Option<String>| noted.map(str::to_owned).or(found);
        Name {
            maker: known(part.noted("ID_VENDOR_FROM_DATABASE"), maker).unwrap_or_else(|| format!("{:04x}", part.maker)),
            model: known(part.noted("ID_MODEL_FROM_DATABASE"), model)
                .unwrap_or_else(|| format!("{:04x}:{:04x}", part.maker, part.model)),
        }
    };
    parts.iter().map(name).collect()
}

type Found = BTreeMap<(u16, u16), (Option<String>, Option<String>)>;

/// One pass: `8086  Intel Corporation`, then `\t5917  UHD Graphics 620`; `\t\t` are variants (the lists' own heads).
fn look_up(parts: &[&Numbers], list: &str) -> Found {
    let mut found: Found = parts.iter().map(|part| ((part.maker, part.model), (None, None))).collect();
    let mut maker = None;
    for line in list.lines() {
        if let Some(model) = line.strip_prefix('\t') {
            let Some(maker) = maker else { continue };
            if let Some((number, name)) = entry(model)
                && let Some((_, model)) = found.get_mut(&(maker, number))
            {
                *model = Some(name.to_owned());
            }
        } else if let Some((number, name)) = entry(line) {
            let mut wanted = false;
            for (_, (maker, _)) in found.range_mut((number, 0)..=(number, u16::MAX)) {
                *maker = Some(name.to_owned());
                wanted = true;
            }
            maker = wanted.then_some(number);
        } else if !line.is_empty() && !line.starts_with('#') {
            // Classes and languages follow: they are numbered anew.
            maker = None;
        }
    }
    found
}

fn entry(line: &str) -> Option<(u16, &str)> {
    let (number, name) = line.split_at_checked(4)?;
    let name = name.strip_prefix("  ")?.trim();
    let digits = number.bytes().all(|b| b.is_ascii_hexdigit());
    (digits && !name.is_empty()).then_some(())?;
    Some((u16::from_str_radix(number, 16).ok()?, name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIST: &str = "# Version: 2024\n8086  Intel Corporation\n\t5917  UHD Graphics 620\n\t\t17aa 2258  ThinkPad\n\
                        10de  NVIDIA Corporation\n\t1c82  GP107 [GeForce GTX 1050 Ti]\nC 80  Not a maker\n\t1c82  Class\n";

    fn part(maker: u16, model: u16, record: Option<&str>) -> Numbers {
        Numbers { maker, model, record: record.map(str::to_owned) }
    }

    #[test]
    fn the_device_manager_comes_first_then_the_list_then_the_numbers() {
        let record = "I:123\nE:ID_VENDOR_FROM_DATABASE=Intel Corp.\nE:ID_MODEL_FROM_DATABASE=UHD\nE:X=1\n";
        let parts =
            [part(0x8086, 0x5917, Some(record)), part(0x8086, 0x5917, None), part(0x8086, 1, None), part(1, 2, None)];
        let parts: Vec<&Numbers> = parts.iter().collect();
        let names = names(&parts, LIST);
        let said: Vec<(&str, &str)> = names.iter().map(|n| (n.maker.as_str(), n.model.as_str())).collect();
        let intel = "Intel Corporation";
        assert_eq!(
            said,
            [("Intel Corp.", "UHD"), (intel, "UHD Graphics 620"), (intel, "8086:0001"), ("0001", "0001:0002")]
        );
    }

    #[test]
    fn what_follows_the_makers_is_not_one() {
        let nvidia = part(0x10de, 0x1c82, None);
        assert_eq!(names(&[&nvidia], LIST)[0].model, "GP107 [GeForce GTX 1050 Ti]");
    }

    proptest! {
        #[test]
        fn garbage_never_panics(list in "([0-9a-f]{4}  .*\n|\t[0-9a-f]{4}  .*\n|.*\n)*", record in "(E:.*\n)*", n in any::<u16>()) {
            prop_assert_eq!(names(&[&part(n, n, Some(&record)), &part(n, 0, None)], &list).len(), 2);
        }
    }
}
