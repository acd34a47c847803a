//! `hardware.graphics`: graphics cards by name, who drives them, how much memory they have.
//!
//! What is shown on them is `hardware.displays`'s; hangs in the kernel's log are `hardware.kernel-faults`'s.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::names::{Bus, Numbers, names};
use super::pci_bus::PciPart;
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// PCI class of displays.
const DISPLAY: u32 = 3;
/// Drivers that only paint into the memory the firmware set up: no speed, one resolution.
const BASIC: [&str; 7] =
    ["efi-framebuffer", "efifb", "ofdrm", "simple-framebuffer", "simpledrm", "vesa-framebuffer", "vesafb"];

pub(crate) struct Graphics;

pub(crate) struct Inputs {
    cards: Vec<Card>,
    list: String,
    nvidia: Option<String>,
    /// The frame buffers' names: `0 i915drmfb`.
    buffers: Option<String>,
}

struct Card {
    part: PciPart,
    memory: Option<u64>,
    /// Cards of small boards: what the device tree calls them.
    board: Option<String>,
    /// Whether programs can draw with it: it has a `card` of its own.
    used: bool,
}

impl Check for Graphics {
    const ID: &'static str = "hardware.graphics";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        draft.fact("cards", inputs.cards.len() as u64, "");
        if let Some(version) = inputs.nvidia.as_deref().and_then(nvidia) {
            draft.fact("nvidia-driver", version, "");
        }
        let numbers: Vec<&Numbers> = inputs.cards.iter().map(|card| &card.part.numbers).collect();
        let mut rows: Vec<Vec<Value>> = Vec::new();
        for (card, name) in inputs.cards.iter().zip(names(&numbers, &inputs.list)) {
            let (maker, model) = match &card.board {
                Some(board) => (String::new(), board.clone()),
                None => (name.maker, name.model),
            };
            let values = [("card", model.clone().into())];
            let driver = card.part.driver.as_deref().unwrap_or_default();
            let evidence = format!("/sys/bus/pci/devices/{}: driver {driver:?}", card.part.address);
            if driver.is_empty() {
                draft.finding(Severity::Warning, "card-without-driver", &values, evidence);
            } else if BASIC.contains(&driver) {
                draft.finding(Severity::Warning, "basic-driver", &values, evidence);
            }
            rows.push(vec![
                maker.into(),
                model.into(),
                driver.into(),
                card.memory.map_or("".into(), |bytes| (bytes >> 20).into()),
                card.part.lanes.map_or_else(String::new, |(now, most)| format!("{now}/{most}")).into(),
                card.used.into(),
            ]);
        }
        draft.table("cards", &["maker", "model", "driver", "memory", "lanes", "used"], rows);
        let basic = |line: &&str| {
            line.split_whitespace().skip(1).any(|word| BASIC.iter().any(|b| word.starts_with(b)) || word == "EFI")
        };
        if draft.findings.is_empty()
            && !inputs.cards.iter().any(|card| card.used)
            && let Some(line) = inputs.buffers.as_deref().and_then(|text| text.lines().find(basic))
        {
            draft.finding(Severity::Warning, "only-basic-picture", &[], format!("/proc/fb: {line}"));
        }
        if draft.findings.is_empty() && inputs.cards.is_empty() {
            draft.finding(Severity::Unknown, "no-graphics", &[], "/sys/bus/pci/devices and /sys/class/drm: no card");
        } else if draft.findings.is_empty() {
            let evidence = format!("{} cards, each with a driver", inputs.cards.len());
            draft.finding(Severity::Ok, "graphics-driven", &[], evidence);
        }
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    let drm: Vec<String> = machine.names("/sys/class/drm").into_iter().filter(|name| is_card(name)).collect();
    let parts: Vec<PciPart> = PciPart::all(machine).into_iter().filter(|part| part.kind() == DISPLAY).collect();
    let mut cards: Vec<Card> = Vec::new();
    let places: Vec<Option<String>> =
        drm.iter().map(|card| machine.link_name(&format!("/sys/class/drm/{card}/device"))).collect();
    for part in parts {
        cards.push(Card {
            memory: machine.number(&format!("/sys/bus/pci/devices/{}/mem_info_vram_total", part.address)),
            board: None,
            used: places.iter().flatten().any(|place| *place == part.address),
            part,
        });
    }
    for (card, place) in drm.iter().zip(&places) {
        if place.as_ref().is_none_or(|place| cards.iter().any(|card| card.part.address == *place)) {
            continue;
        }
        // What isn't on the PCI bus: chips of small boards, screens inside virtual machines.
        let driver = machine.link_name(&format!("/sys/class/drm/{card}/device/driver"));
        let part = PciPart { driver: driver.clone(), ..PciPart::default() };
        cards.push(Card { part, memory: None, board: Some(driver.unwrap_or_else(|| card.clone())), used: true });
    }
    let numbers: Vec<&Numbers> = cards.iter().filter(|c| c.board.is_none()).map(|card| &card.part.numbers).collect();
    Inputs {
        list: Bus::Pci.list(machine, &numbers),
        cards,
        nvidia: machine.text("/proc/driver/nvidia/version").ok(),
        buffers: machine.text("/proc/fb").ok(),
    }
}

/// `card0`, and not its connectors `card0-HDMI-A-1`.
fn is_card(name: &str) -> bool {
    name.strip_prefix("card").is_some_and(|number| number.parse::<u16>().is_ok())
}

/// `NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb …`.
fn nvidia(text: &str) -> Option<&str> {
    let version = |word: &&str| word.contains('.') && word.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    text.lines().next()?.split_whitespace().find(version)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::recording::{recording, unpacked};
    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};

    #[test]
    fn cards_of_several_computers() {
        for (name, found) in [
            ("laptop-fedora", "graphics-driven"),
            ("desktop-arch", "graphics-driven"),
            ("raspberry-pi", "graphics-driven"),
            ("laptop-worn", "card-without-driver"),
        ] {
            assert_eq!(findings::<Graphics>(gather_from(&recording(name))), [found], "{name}");
        }
        let draft = Graphics::judge(gather_from(&recording("desktop-arch")));
        let row = &draft.tables[0].rows[0];
        assert_eq!(row[1], "Navi 22 [Radeon RX 6700/6700 XT/6750 XT / 6800M/6850M XT]".into());
        assert_eq!((&row[3], &row[4]), (&Value::Integer(12_272), &"16/16".into()));
    }

    #[test]
    fn a_picture_of_the_firmware_only_is_found() {
        for (buffers, found) in [
            ("0 EFI VGA", "only-basic-picture"),
            ("0 simpledrmdrmfb", "only-basic-picture"),
            ("0 i915drmfb", "no-graphics"),
        ] {
            assert_eq!(findings::<Graphics>(gather_from(&unpacked(&format!("/proc/fb = {buffers}\n")))), [found]);
        }
        assert_eq!(
            nvidia("NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu\nGCC version"),
            Some("550.54.14")
        );
        assert_eq!(nvidia(""), None);
    }

    #[test]
    fn everything_declared_is_said() {
        let basic = "/sys/class/drm/card0/device -> ../../../simple-framebuffer.0\n\
                     /sys/simple-framebuffer.0/driver -> ../../bus/platform/drivers/simple-framebuffer\n";
        all_is_said::<Graphics>(vec![
            Inputs { nvidia: Some("NVRM version: Module  1.2 x".into()), ..gather_from(&recording("desktop-arch")) },
            gather_from(&recording("laptop-worn")),
            gather_from(&unpacked(basic)),
            gather_from(&unpacked("/proc/fb = 0 EFI VGA\n")),
            gather_from(&unpacked("")),
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(a in ".*", b in ".*", n in any::<u64>()) {
            let part = PciPart { address: a.clone(), driver: Some(b.clone()), ..PciPart::default() };
            let card = Card { part, memory: Some(n), board: Some(a.clone()), used: false };
            told(Graphics::ID, &Graphics::judge(Inputs { cards: vec![card], list: b.clone(), nvidia: Some(a), buffers: Some(b) }));
        }
    }
}
