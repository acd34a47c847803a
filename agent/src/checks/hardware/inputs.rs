//! `hardware.inputs`: keyboards, mice, touchpads, touch screens, pens.
//!
//! What the system knows of them (`/proc/bus/input/devices`), never what is typed or moved: no device is opened.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use crate::checks::machine::{Machine, Reading};
use crate::checks::{Check, Failure};

/// Bits of `EV=` and `PROP=` (the kernel's `include/uapi/linux/input-event-codes.h`).
const EV_KEY: u64 = 1;
const EV_REL: u64 = 2;
const EV_ABS: u64 = 3;
const EV_REP: u64 = 20;
const PROP_DIRECT: u64 = 1;
/// Keys: the left button of a mouse, a finger, a pen, the first button of a game controller, the letters.
const BTN_LEFT: u64 = 0x110;
const BTN_TOOL_FINGER: u64 = 0x145;
const BTN_TOOL_PEN: u64 = 0x140;
const BTN_TOUCH: u64 = 0x14a;
const BTN_GAMEPAD: u64 = 0x130;
const LETTERS: std::ops::RangeInclusive<u64> = 16..=25;

pub(crate) struct InputDevices;

pub(crate) struct Inputs {
    devices: Reading,
    /// Whether the firmware says this is a laptop: `chassis_type`.
    chassis: Option<String>,
}

/// What a device is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Keyboard,
    Mouse,
    Touchpad,
    TouchScreen,
    Pen,
    Controller,
}

impl Check for InputDevices {
    const ID: &'static str = "hardware.inputs";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let text = inputs.devices.as_deref().unwrap_or_default();
        let found: Vec<(Kind, &str, &str)> = text.split("\n\n").filter_map(device).collect();
        if found.is_empty() {
            let why = inputs.devices.as_ref().err().map_or_else(|| "lists none".to_owned(), ToString::to_string);
            draft.finding(Severity::Unknown, "inputs-unknown", &[], format!("/proc/bus/input/devices {why}"));
            return draft;
        }
        let has = |wanted: &[Kind]| found.iter().any(|(kind, _, _)| wanted.contains(kind));
        draft.fact("keyboard", has(&[Kind::Keyboard]), "");
        draft.fact("pointer", has(&[Kind::Mouse, Kind::Touchpad]), "");
        draft.fact("touch-screen", has(&[Kind::TouchScreen]), "");
        if !has(&[Kind::Keyboard]) {
            draft.finding(Severity::Warning, "no-keyboard", &[], "/proc/bus/input/devices: no device with letters");
        }
        if !has(&[Kind::Mouse, Kind::Touchpad, Kind::TouchScreen]) {
            draft.finding(Severity::Warning, "no-pointer", &[], "/proc/bus/input/devices: nothing that points");
        }
        // SMBIOS 3.7, 7.4.1: portable, laptop, notebook.
        let laptop = matches!(inputs.chassis.as_deref(), Some("8" | "9" | "10" | "14"));
        if laptop && !has(&[Kind::Touchpad]) {
            let evidence = "/proc/bus/input/devices: a laptop, and no touchpad";
            draft.finding(Severity::Warning, "no-touchpad", &[], evidence);
        }
        if draft.findings.is_empty() {
            let evidence = format!("/proc/bus/input/devices: {} to type or point with", found.len());
            draft.finding(Severity::Ok, "inputs-found", &[], evidence);
        }
        let row = |(kind, name, bus): &(Kind, &str, &str)| -> Vec<Value> {
            vec![(*name).into(), kind.word().into(), (*bus).into()]
        };
        draft.table("devices", &["device", "kind", "connection"], found.iter().map(row).collect());
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    Inputs { devices: machine.text("/proc/bus/input/devices"), chassis: machine.word("/sys/class/dmi/id/chassis_type") }
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Keyboard => "keyboard",
            Self::Mouse => "mouse",
            Self::Touchpad => "touchpad",
            Self::TouchScreen => "touch screen",
            Self::Pen => "pen",
            Self::Controller => "game controller",
        }
    }
}

/// One block: what it is, its name, how it is connected. Buttons, lids and loudspeakers are left out.
fn device(block: &str) -> Option<(Kind, &str, &str)> {
    let line = |start: &str| block.lines().find_map(|line| line.strip_prefix(start)).map(str::trim);
    let bits = |start: &str| line(start).unwrap_or_default();
    let (events, keys) = (bits("B: EV="), bits("B: KEY="));
    let key = |number| has_bit(keys, number);
    let (moves, points) = (has_bit(events, EV_REL), has_bit(events, EV_ABS));
    let kind = if key(BTN_TOOL_FINGER) && points {
        Kind::Touchpad
    } else if key(BTN_TOOL_PEN) && points {
        Kind::Pen
    } else if key(BTN_TOUCH) && points && has_bit(bits("B: PROP="), PROP_DIRECT) {
        Kind::TouchScreen
    } else if key(BTN_GAMEPAD) && points {
        Kind::Controller
    } else if key(BTN_LEFT) && moves {
        Kind::Mouse
    } else if LETTERS.into_iter().all(key) && has_bit(events, EV_KEY) && has_bit(events, EV_REP) {
        Kind::Keyboard
    } else {
        return None;
    };
    let bus = match line("I: Bus=")?.get(..4)? {
        "0003" => "USB",
        "0005" => "Bluetooth",
        "0011" => "PS/2",
        "0018" => "I2C",
        "001c" | "001d" => "internal",
        _ => "",
    };
    let name = line("N: Name=")?.trim_matches('"').trim();
    Some((kind, name, bus))
}

/// Words of 64 bits in hexadecimal, the highest first, as `/proc/bus/input/devices` writes them.
fn has_bit(words: &str, bit: u64) -> bool {
    let word = words.split_whitespace().rev().nth(usize::try_from(bit / 64).unwrap_or(usize::MAX));
    word.and_then(|word| u64::from_str_radix(word, 16).ok()).is_some_and(|word| word >> (bit % 64) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::recording::{recording, unpacked};
    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, told};

    /// Events; what it is named here.
    const MOUSE: &str = "I: Bus=0003 Vendor=046d Product=c52b Version=0111\nN: Name=\"Logitech M185\"\nB: PROP=0\nB: EV=17\n\
                         B: KEY=ffff0000 0 0 0 0\nB: REL=1943\n";

    #[test]
    fn devices_of_a_laptop_are_told_apart() {
        let draft = InputDevices::judge(gather_from(&recording("laptop-fedora")));
        let kinds: Vec<String> = draft.tables[0].rows.iter().map(|row| row[1].to_string()).collect();
        assert_eq!(kinds, ["keyboard", "touchpad", "mouse"]);
        assert_eq!(draft.tables[0].rows[2][0], "TPPS/2 IBM TrackPoint".into());
        assert_eq!(findings::<InputDevices>(gather_from(&recording("laptop-fedora"))), ["inputs-found"]);
    }

    #[test]
    fn bits_are_counted_from_the_right() {
        for (words, bit, expected) in [
            ("1", 0, true),
            ("1", 1, false),
            ("8000000000000000", 63, true),
            ("1 0", 64, true),
            ("1 0", 0, false),
            ("", 0, false),
            ("x", 0, false),
            ("1", u64::MAX, false),
        ] {
            assert_eq!(has_bit(words, bit), expected, "{words} {bit}");
        }
    }

    #[test]
    fn everything_declared_is_said() {
        let only_mouse = |chassis: Option<&str>| Inputs { devices: Ok(MOUSE.into()), chassis: chassis.map(Into::into) };
        assert_eq!(findings::<InputDevices>(only_mouse(Some("3"))), ["no-keyboard"]);
        assert_eq!(findings::<InputDevices>(only_mouse(Some("10"))), ["no-keyboard", "no-touchpad"]);
        let text = recording("laptop-fedora").text("/proc/bus/input/devices").unwrap();
        let keyboard = text.split("\n\n").nth(1).unwrap().to_owned();
        all_is_said::<InputDevices>(vec![
            gather_from(&recording("laptop-fedora")),
            only_mouse(Some("10")),
            Inputs { devices: Ok(keyboard), chassis: None },
            gather_from(&unpacked("")),
        ]);
        assert!(matches!(gather_from(&unpacked("")).devices, Err(Unread::Absent)));
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "((I: Bus=[0-9a-f]{0,6}|N: Name=.*|B: (EV|KEY|PROP)=[0-9a-f ]{0,60}|.*)\n\n?)*", chassis in ".*") {
            told(InputDevices::ID, &InputDevices::judge(Inputs { devices: Ok(text), chassis: Some(chassis) }));
        }
    }
}
