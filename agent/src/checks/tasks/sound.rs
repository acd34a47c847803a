//! What can play and record, as the sound service of the person's session tells, and what the system itself sees.
//!
//! Of a device only its kind is told (built in, USB, Bluetooth, screen): the name of a headset is often somebody's own.

use std::time::Duration;

use venia_proto::report::Value;

use crate::checks::machine::{Machine, Reading};
use crate::checks::tool::{self, Answer, Silence};

/// Longest wait for the sound service.
const LIMIT: Duration = Duration::from_secs(3);

/// Which way sound goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Loudspeakers and headphones.
    Out,
    /// Microphones.
    In,
}

/// What was brought back.
#[derive(Clone, Debug)]
pub(super) struct Raw {
    way: Way,
    /// `/proc/asound/cards`.
    cards: Reading,
    /// Whether this account may use the devices; none if there are none.
    may: Option<bool>,
    /// `pactl info` and `pactl list`; none if the session has no sound service.
    service: Option<(Result<Answer, Silence>, Result<Answer, Silence>)>,
}

/// One device of the sound service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Device {
    /// Its number there.
    pub(super) number: u64,
    /// Built in, USB and so on.
    pub(super) kind: &'static str,
    /// Whether it is the one programs use unless told otherwise.
    pub(super) default: bool,
    /// Whether it is silenced.
    pub(super) muted: bool,
    /// Volume of its loudest channel, in percent.
    pub(super) volume: Option<u64>,
    /// What is plugged in there: `Speaker`, `Headphones`, `HDMI`, `Mic`…
    pub(super) port: String,
    /// Whether something is; none where the hardware can't tell.
    pub(super) plugged: Option<bool>,
}

/// What came of asking.
pub(super) enum Heard {
    /// The devices.
    Devices(Vec<Device>),
    /// The system has no sound card at all.
    NoCard(String),
    /// There are cards, but this account may not use them.
    NotAllowed(String),
    /// There are cards, and the service that plays doesn't run.
    NoService(String),
    /// It can't be told, and why.
    Unknown(String),
}

impl Raw {
    /// Asks the service of this account's session.
    pub(super) fn gather(machine: &Machine, user: u32, way: Way) -> Self {
        let socket = format!("/run/user/{user}/pulse/native");
        let service = machine.has(&socket).then(|| {
            // Named, so that no setting of the account can lead elsewhere, and nothing is started.
            let server = format!("unix:{socket}");
            let list = match way {
                Way::Out => "sinks",
                Way::In => "sources",
            };
            (tool::PACTL.ask(&["-s", &server, "info"], LIMIT), tool::PACTL.ask(&["-s", &server, "list", list], LIMIT))
        });
        Self { way, cards: machine.text("/proc/asound/cards"), may: may_use(machine), service }
    }

    /// What it means.
    pub(super) fn heard(&self) -> Heard {
        let cards = match &self.cards {
            Ok(text) => Some(cards(text)),
            Err(_) => None,
        };
        match &self.service {
            Some((Ok(info), Ok(list))) if list.status == Some(0) => {
                Heard::Devices(self.devices(&info.output, &list.output))
            }
            Some((Err(silence), _) | (_, Err(silence))) => Heard::Unknown(silence.to_string()),
            Some((Ok(_), Ok(list))) => {
                let why = list.error.lines().next().unwrap_or("no reason");
                Heard::Unknown(format!("pactl: {why}"))
            }
            None if cards == Some(0) => Heard::NoCard("/proc/asound/cards: none".to_owned()),
            None if cards.is_none() => Heard::Unknown("/proc/asound does not exist here".to_owned()),
            None if self.may == Some(false) => Heard::NotAllowed("/dev/snd: permission denied".to_owned()),
            None => Heard::NoService("no pulse/native in the session's /run/user folder".to_owned()),
        }
    }

    /// Cards the system sees, if it says so.
    pub(super) fn cards(&self) -> Value {
        self.cards.as_ref().map_or("".into(), |text| cards(text).into())
    }

    fn devices(&self, info: &str, list: &str) -> Vec<Device> {
        let key = match self.way {
            Way::Out => "Default Sink: ",
            Way::In => "Default Source: ",
        };
        let default = info.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().trim();
        let devices = blocks(list).into_iter().filter_map(|block| device(block, default));
        devices.map(|(_, device)| device).collect()
    }
}

/// Cells of a device's row: number, kind, default, muted, volume, port, plugged.
pub(super) fn row(device: &Device) -> Vec<Value> {
    vec![
        device.number.into(),
        device.kind.into(),
        device.default.into(),
        device.muted.into(),
        device.volume.map_or("".into(), Value::from),
        device.port.clone().into(),
        device.plugged.map_or("".into(), Value::from),
    ]
}

/// Whether some device that plays may be opened; its permissions are asked, it isn't.
fn may_use(machine: &Machine) -> Option<bool> {
    let names = machine.names("/dev/snd");
    let mut devices = names.iter().filter(|name| name.starts_with("control")).peekable();
    devices.peek()?;
    let access = rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK;
    Some(devices.any(|name| rustix::fs::access(machine.path(&format!("/dev/snd/{name}")), access).is_ok()))
}

/// Lines ` 0 [PCH            ]: HDA-Intel - HDA Intel PCH`; each card has a second line that begins with spaces only.
fn cards(text: &str) -> u64 {
    let card = |line: &&str| {
        let number = line.split('[').next().unwrap_or_default().trim();
        line.contains("]: ") && number.parse::<u8>().is_ok()
    };
    text.lines().filter(card).count() as u64
}

/// `Sink #52`, then lines below it that begin with a tab.
fn blocks(list: &str) -> Vec<&str> {
    let starts = list.match_indices("Sink #").chain(list.match_indices("Source #"));
    let mut starts: Vec<usize> = starts
        .map(|(at, _)| at)
        .filter(|&at| at == 0 || list.as_bytes().get(at.wrapping_sub(1)) == Some(&b'\n'))
        .collect();
    starts.push(list.len());
    starts.windows(2).filter_map(|pair| list.get(pair[0]..pair[1])).collect()
}

/// The name, which stays here, and the rest. What only repeats what is played ("monitor") is no microphone.
fn device<'a>(block: &'a str, default: &str) -> Option<(&'a str, Device)> {
    let number = block.lines().next()?.rsplit('#').next()?.trim().parse().ok()?;
    let value = |key: &str| {
        block.lines().find_map(|line| line.strip_prefix('\t')?.strip_prefix(key)?.strip_prefix(": ")).map(str::trim)
    };
    let name = value("Name")?;
    if name.ends_with(".monitor") {
        return None;
    }
    let percent = |word: &str| word.strip_suffix('%')?.parse::<u64>().ok();
    let volume = value("Volume").and_then(|text| text.split_whitespace().filter_map(percent).max());
    let active = value("Active Port");
    let port = active
        .and_then(|active| block.lines().find_map(|line| line.trim_start().strip_prefix(active)?.strip_prefix(": ")));
    let port = port.unwrap_or_default();
    Some((
        name,
        Device {
            number,
            kind: kind(name),
            default: name == default,
            muted: value("Mute") == Some("yes"),
            volume,
            port: port_type(port).to_owned(),
            plugged: if port.contains("not available") {
                Some(false)
            } else {
                (port.ends_with("available)")).then_some(true)
            },
        },
    ))
}

/// `Speaker (type: Speaker, priority: 10000, availability unknown)`; only types of PulseAudio's own list are told.
fn port_type(port: &str) -> &'static str {
    const TYPES: [&str; 12] = [
        "Analog",
        "Aux",
        "Bluetooth",
        "Earpiece",
        "HDMI",
        "Handset",
        "Headphones",
        "Headset",
        "Line",
        "Mic",
        "SPDIF",
        "Speaker",
    ];
    let named = port.split("(type: ").nth(1).and_then(|rest| rest.split([',', ')']).next());
    named.and_then(|named| TYPES.into_iter().find(|known| *known == named)).unwrap_or("")
}

/// By the names that PulseAudio and PipeWire make.
fn kind(name: &str) -> &'static str {
    if name.starts_with("auto_null") {
        "dummy"
    } else if name.starts_with("bluez") {
        "bluetooth"
    } else if name.contains(".usb-") {
        "usb"
    } else if name.contains("hdmi") {
        "screen"
    } else if name.starts_with("alsa_") {
        "built-in"
    } else {
        "virtual"
    }
}

/// Recorded answers, for tests.
#[cfg(test)]
pub(super) mod recorded {
    use super::*;

    fn answer(output: &str) -> Result<Answer, Silence> {
        Ok(Answer { status: Some(0), output: output.to_owned(), error: String::new() })
    }

    /// A session that answered with these.
    pub(in crate::checks::tasks) fn session(way: Way, info: &str, list: &str) -> Raw {
        let cards = Ok(" 0 [PCH            ]: HDA-Intel - HDA Intel PCH\n".to_owned());
        Raw { way, cards, may: Some(true), service: Some((answer(info), answer(list))) }
    }

    /// A device's block as pactl prints it.
    pub(in crate::checks::tasks) fn block(way: Way, name: &str, muted: bool, volume: u64, port: &str) -> String {
        let what = match way {
            Way::Out => "Sink",
            Way::In => "Source",
        };
        let muted = if muted { "yes" } else { "no" };
        format!(
            "{what} #52\n\tState: SUSPENDED\n\tName: {name}\n\tMute: {muted}\n\tVolume: front-left: 26214 / {volume:>3}% / -23.88 dB\n\tPorts:\n\t\tthe-port: {port}\n\tActive Port: the-port\n\n"
        )
    }

    /// Everything that can be heard without a service: no card, not allowed, no service, no sound system, no tool, refused.
    pub(in crate::checks::tasks) fn without(way: Way) -> Vec<Raw> {
        let raw = |cards: &str, may| Raw { way, cards: Ok(cards.to_owned()), may, service: None };
        let card =
            " 1 [NVidia         ]: HDA-Intel - HDA NVidia\n                      HDA NVidia at 0xfb080000 irq 48\n";
        let missing = || Err(Silence::NotInstalled("pactl"));
        let refused = Answer { status: Some(1), output: String::new(), error: "Connection failure\n".to_owned() };
        vec![
            raw("--- no soundcards ---\n", None),
            raw(card, Some(false)),
            raw(card, Some(true)),
            Raw { cards: Err(crate::checks::machine::Unread::Absent), ..raw("", None) },
            Raw { service: Some((missing(), missing())), ..raw(card, Some(true)) },
            Raw { service: Some((answer(""), Ok(refused))), ..raw(card, Some(true)) },
        ]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::recorded::{session, without};
    use super::*;
    use crate::checks::proof::recorded as machine;

    fn devices(raw: &Raw) -> Vec<Device> {
        match raw.heard() {
            Heard::Devices(devices) => devices,
            Heard::NoCard(_) | Heard::NotAllowed(_) | Heard::NoService(_) | Heard::Unknown(_) => panic!("no devices"),
        }
    }

    #[test]
    fn a_laptop_with_headphones_and_a_screen() {
        let text = |name: &str| machine("ubuntu-laptop").text(&format!("/tools/{name}")).unwrap();
        let found = devices(&session(Way::Out, &text("pactl-info.txt"), &text("pactl-sinks.txt")));
        let kinds: Vec<(&str, bool, Option<u64>, &str)> =
            found.iter().map(|d| (d.kind, d.muted, d.volume, d.port.as_str())).collect();
        assert_eq!(
            kinds,
            [
                ("screen", false, Some(40), "HDMI"),
                ("built-in", true, Some(35), "Speaker"),
                ("bluetooth", false, Some(61), "Headset")
            ]
        );
        assert_eq!(found.iter().map(|device| device.default).collect::<Vec<_>>(), [false, true, false]);
        assert_eq!(found[0].plugged, Some(false));
        assert_eq!(found[1].plugged, None);
        assert!(!format!("{found:?}").contains("Lucia"));
        let found = devices(&session(Way::In, &text("pactl-info.txt"), &text("pactl-sources.txt")));
        assert_eq!(found.len(), 1, "monitors are no microphones");
        assert_eq!((found[0].port.as_str(), found[0].volume), ("Mic", Some(20)));
    }

    #[test]
    fn without_a_service_the_cards_tell_why() {
        let said: Vec<&str> = without(Way::Out)
            .iter()
            .map(|raw| match raw.heard() {
                Heard::Devices(_) => "devices",
                Heard::NoCard(_) => "no card",
                Heard::NotAllowed(_) => "not allowed",
                Heard::NoService(_) => "no service",
                Heard::Unknown(_) => "unknown",
            })
            .collect();
        assert_eq!(said, ["no card", "not allowed", "no service", "unknown", "unknown", "unknown"]);
        assert_eq!(cards(" 0 [PCH ]: HDA-Intel - x\n      at 0x1 irq 2\n 1 [USB ]: USB-Audio - y\n"), 2);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "(S(ink|ource) #[0-9]*\n(\t.*: .*\n)*)*|.*") {
            cards(&text);
            session(Way::In, &text, &text).heard();
        }
    }
}
