//! `hardware.memory-modules`: which memory modules are in which slots, and whether all of it is used.
//!
//! What the firmware says of its slots is for the administrator; but the device manager notes it for everybody at the
//! start (systemd's `dmi_memory_id`), so that is read first. Serial numbers of modules are in both and never leave.

use std::collections::BTreeMap;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::names::noted;
use super::smbios;
use crate::checks::figure::percent;
use crate::checks::machine::{Machine, Unread};
use crate::checks::{Check, Failure};

/// The device manager's notes.
const NOTES: &str = "/run/udev/data/+dmi:id";
/// The firmware's own table.
const TABLE: &str = "/sys/firmware/dmi/tables/DMI";
/// Most that is read of the table, in bytes; SMBIOS 2.x can't have more.
const TABLE_MAX: u64 = 64 * 1024;
/// Most slots believed.
const SLOTS_MAX: usize = 256;
/// Percent of what the modules hold that must be usable. Our choice: graphics without memory of their own take at most
/// an eighth or so; a quarter is a module that isn't seen.
const USED_PERCENT: f64 = 75.0;
/// Percent of its rated speed a module must run at. Our choice: processors that can't do the last step aren't worth a word.
const SPEED_PERCENT: f64 = 85.0;

pub(crate) struct MemoryModules;

pub(crate) struct Inputs {
    notes: Result<String, Unread>,
    table: Result<Vec<u8>, Unread>,
    /// Size of a block in hexadecimal, and how many there are.
    block: Option<String>,
    blocks: u64,
}

/// A slot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) place: String,
    /// 0: nothing in it.
    pub(super) bytes: u64,
    pub(super) kind: String,
    pub(super) form: String,
    /// Millions of transfers a second the module is made for.
    pub(super) rated: u64,
    /// And at which it runs.
    pub(super) speed: u64,
    pub(super) maker: String,
    pub(super) part: String,
}

impl Check for MemoryModules {
    const ID: &'static str = "hardware.memory-modules";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let block = inputs.block.as_deref().and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or(0);
        let usable = block.saturating_mul(inputs.blocks);
        if usable > 0 {
            draft.fact("usable", usable, "bytes");
        }
        let noted = inputs.notes.as_deref().map_or(Vec::new(), slots_of_notes);
        let (slots, source) = match &inputs.table {
            Ok(table) if noted.is_empty() => (smbios::memory(table), TABLE),
            Ok(_) | Err(_) => (noted, NOTES),
        };
        let filled: Vec<&Slot> = slots.iter().filter(|slot| slot.bytes > 0).collect();
        if filled.is_empty() {
            let why =
                inputs.table.as_ref().err().copied().map_or_else(|| "names no module".to_owned(), |e| e.to_string());
            let id = if inputs.table == Err(Unread::Denied) { "modules-hidden" } else { "modules-unknown" };
            draft.finding(Severity::Unknown, id, &[], format!("{TABLE}: {why}"));
            return draft;
        }
        let installed = filled.iter().fold(0_u64, |sum, slot| sum.saturating_add(slot.bytes));
        draft.fact("installed", installed, "bytes");
        draft.fact("slots", slots.len() as u64, "");
        draft.fact("free", (slots.len() - filled.len()) as u64, "");
        let columns = ["place", "size", "kind", "form", "rated", "speed", "maker", "part"];
        draft.table("modules", &columns, slots.iter().map(Slot::row).collect());
        if usable > 0 && percent(usable, installed) < USED_PERCENT {
            let evidence = format!("{source}: {installed} bytes in modules; /sys/devices/system/memory: {usable}");
            let values = [("installed", gigabytes(installed).into()), ("usable", gigabytes(usable).into())];
            draft.finding(Severity::Warning, "memory-not-used", &values, evidence);
        }
        let slow = |slot: &&&Slot| slot.speed > 0 && percent(slot.speed, slot.rated) < SPEED_PERCENT && slot.rated > 0;
        if let Some(slot) = filled.iter().find(slow) {
            let evidence = format!("{source}: {} MT/s of {} MT/s", slot.speed, slot.rated);
            let values = [("speed", slot.speed.into()), ("rated", slot.rated.into())];
            draft.finding(Severity::Warning, "modules-slow", &values, evidence);
        }
        if draft.findings.is_empty() {
            let evidence = format!("{source}: {} of {} slots filled", filled.len(), slots.len());
            let values = [("modules", (filled.len() as u64).into()), ("installed", gigabytes(installed).into())];
            draft.finding(Severity::Ok, "modules-listed", &values, evidence);
        }
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    let folder = "/sys/devices/system/memory";
    let is_block = |name: &String| name.strip_prefix("memory").is_some_and(|n| n.parse::<u32>().is_ok());
    Inputs {
        notes: machine.text(NOTES),
        table: machine.bytes(TABLE, TABLE_MAX),
        block: machine.word(&format!("{folder}/block_size_bytes")),
        blocks: machine.names(folder).iter().filter(|name| is_block(name)).count() as u64,
    }
}

/// `E:MEMORY_DEVICE_0_SIZE=…` and its siblings (systemd's `src/udev/dmi_memory_id/dmi_memory_id.c`).
fn slots_of_notes(notes: &str) -> Vec<Slot> {
    let count = noted(notes, "MEMORY_ARRAY_NUM_DEVICES").and_then(|n| n.parse().ok()).unwrap_or(0_usize);
    let mut fields: BTreeMap<(usize, &str), &str> = BTreeMap::new();
    for line in notes.lines() {
        let Some((key, value)) = line.strip_prefix("E:MEMORY_DEVICE_").and_then(|rest| rest.split_once('=')) else {
            continue;
        };
        if let Some((number, name)) = key.split_once('_')
            && let Ok(number) = number.parse::<usize>()
        {
            fields.insert((number, name), value.trim());
        }
    }
    let slot = |number: usize| {
        let text = |name: &'static str| fields.get(&(number, name)).copied().unwrap_or_default();
        let figure = |name: &'static str| text(name).parse::<u64>().unwrap_or(0);
        Slot {
            place: text("LOCATOR").to_owned(),
            bytes: if text("PRESENT") == "0" { 0 } else { figure("SIZE") },
            kind: text("TYPE").to_owned(),
            form: text("FORM_FACTOR").to_owned(),
            rated: figure("SPEED_MTS"),
            speed: figure("CONFIGURED_SPEED_MTS"),
            maker: text("MANUFACTURER").to_owned(),
            part: text("PART_NUMBER").to_owned(),
        }
    };
    (0..count.min(SLOTS_MAX)).map(slot).collect()
}

impl Slot {
    fn row(&self) -> Vec<Value> {
        let figure = |n: u64| if n == 0 { Value::from("") } else { n.into() };
        let word = |text: &str| Value::from(if is_nothing(text) { "" } else { text });
        vec![
            self.place.clone().into(),
            (self.bytes >> 20).into(),
            word(&self.kind),
            word(&self.form),
            figure(self.rated),
            figure(self.speed),
            word(&self.maker),
            word(&self.part),
        ]
    }
}

fn is_nothing(text: &str) -> bool {
    matches!(text, "Unknown" | "Not Specified" | "NO DIMM" | "Undefined" | "None" | "<OUT OF SPEC>")
}

/// Memory comes in powers of two.
fn gigabytes(bytes: u64) -> u64 {
    bytes >> 30
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::recording::recording;
    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};

    const GIB: u64 = 1 << 30;

    fn noted_as(sizes: &[u64], rated: u64, speed: u64, usable: u64) -> Inputs {
        let mut notes = format!("E:MEMORY_ARRAY_NUM_DEVICES={}\n", sizes.len());
        for (n, size) in sizes.iter().enumerate() {
            notes += &format!(
                "E:MEMORY_DEVICE_{n}_SIZE={size}\nE:MEMORY_DEVICE_{n}_SPEED_MTS={rated}\nE:MEMORY_DEVICE_{n}_CONFIGURED_SPEED_MTS={speed}\n"
            );
        }
        Inputs { notes: Ok(notes), table: Err(Unread::Denied), block: Some("8000000".into()), blocks: usable >> 27 }
    }

    #[test]
    fn a_laptop_whose_slots_the_device_manager_noted() {
        let draft = MemoryModules::judge(gather_from(&recording("laptop-fedora")));
        let rows = &draft.tables[0].rows;
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0][..4], ["ChannelA-DIMM0".into(), Value::Integer(8_192), "DDR4".into(), "SODIMM".into()]);
        assert_eq!(rows[1][1], Value::Integer(0));
        assert!(!format!("{draft:?}").contains("3619A2E8"), "a module's serial number");
        told(MemoryModules::ID, &draft);
    }

    #[test]
    fn a_desktop_whose_firmware_table_is_readable() {
        let draft = MemoryModules::judge(gather_from(&recording("desktop-arch")));
        let rows = &draft.tables[0].rows;
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0][1], Value::Integer(16_384));
        assert_eq!(rows[0][7], Value::from("F4-3600C16-16GTZN"));
        assert_eq!(findings::<MemoryModules>(gather_from(&recording("desktop-arch"))), ["modules-slow"]);
    }

    #[test]
    fn what_is_used_and_how_fast_below_at_and_above_the_limits() {
        for (usable, speed, found) in [
            (6 * GIB, 3200, "modules-listed"),
            (6 * GIB - (1 << 27), 3200, "memory-not-used"),
            (8 * GIB, 2720, "modules-listed"),
            (8 * GIB, 2719, "modules-slow"),
            (8 * GIB, 0, "modules-listed"),
        ] {
            assert_eq!(findings::<MemoryModules>(noted_as(&[4 * GIB, 4 * GIB], 3200, speed, usable)), [found]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        let nothing = |table| Inputs { notes: Err(Unread::Absent), table: Err(table), block: None, blocks: 0 };
        all_is_said::<MemoryModules>(vec![
            gather_from(&recording("laptop-fedora")),
            gather_from(&recording("desktop-arch")),
            noted_as(&[8 * GIB, 8 * GIB], 2400, 2400, 8 * GIB),
            nothing(Unread::Denied),
            nothing(Unread::Absent),
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(
            notes in "(E:MEMORY_(ARRAY_NUM_DEVICES|DEVICE_[0-9]_(SIZE|SPEED_MTS|PRESENT|TYPE))=([0-9]{1,21}|.*)\n)*",
            table in prop::collection::vec(any::<u8>(), 0..300), hex in "[0-9a-f]{0,18}", n in any::<u64>(),
        ) {
            told(MemoryModules::ID, &MemoryModules::judge(Inputs {
                notes: Ok(notes.clone()), table: Ok(table.clone()), block: Some(hex.clone()), blocks: n,
            }));
            told(MemoryModules::ID, &MemoryModules::judge(Inputs { notes: Ok(String::new()), table: Ok(table), block: Some(hex), blocks: n }));
        }
    }
}
