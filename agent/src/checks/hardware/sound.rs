//! `hardware.sound`: sound cards, and whether there is one that plays and one that records.
//!
//! Volume, the chosen output and whether it is muted are `tasks.sound`'s. Nothing is recorded or played.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use crate::checks::machine::{Machine, Reading};
use crate::checks::{Check, Failure};

pub(crate) struct Sound;

pub(crate) struct Inputs {
    /// `/proc/asound/cards`.
    cards: Reading,
    /// `/proc/asound/pcm`.
    streams: Reading,
    /// First lines of `/proc/asound/card*/codec#*`.
    chips: Vec<String>,
    /// Whether there is a sound chip on the PCI bus at all.
    chip_present: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Card {
    number: u32,
    driver: String,
    name: String,
}

/// One way in or out: what it is called, and whether it plays and records.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stream {
    card: u32,
    name: String,
    plays: bool,
    records: bool,
}

impl Check for Sound {
    const ID: &'static str = "hardware.sound";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let Ok(text) = &inputs.cards else {
            draft.finding(Severity::Unknown, "sound-unknown", &[], "/proc/asound/cards does not exist here");
            return draft;
        };
        let cards = cards(text);
        let streams = streams(inputs.streams.as_deref().unwrap_or_default());
        draft.fact("cards", cards.len() as u64, "");
        draft.fact("chip", inputs.chip_present, "");
        let row = |card: &Card| -> Vec<Value> {
            let own = || streams.iter().filter(|stream| stream.card == card.number);
            vec![
                card.name.clone().into(),
                card.driver.clone().into(),
                own().any(|stream| stream.plays).into(),
                own().any(|stream| stream.records).into(),
            ]
        };
        draft.table("cards", &["card", "driver", "plays", "records"], cards.iter().map(row).collect());
        let row = |s: &Stream| vec![s.name.clone().into(), s.plays.into(), s.records.into()];
        draft.table("streams", &["name", "plays", "records"], streams.iter().map(row).collect());
        let row = |chip: &String| vec![chip.clone().into()];
        draft.table("chips", &["chip"], inputs.chips.iter().map(row).collect());
        judge_cards(&mut draft, &cards, &streams, inputs.chip_present);
        draft
    }
}

fn judge_cards(draft: &mut Draft, cards: &[Card], streams: &[Stream], chip: bool) {
    let speaker = |s: &&Stream| s.plays && !is_screen(&s.name);
    if cards.is_empty() {
        let id = if chip { "no-card-but-chip" } else { "no-card" };
        let evidence = format!("/proc/asound/cards: none; a sound chip on the PCI bus: {chip}");
        draft.finding(Severity::Warning, id, &[], evidence);
        return;
    }
    if !streams.iter().any(|stream| stream.plays) {
        draft.finding(Severity::Warning, "nothing-plays", &[], "/proc/asound/pcm: no playback");
    } else if !streams.iter().any(|s| speaker(&s)) {
        draft.finding(Severity::Warning, "only-screens-play", &[], "/proc/asound/pcm: playback through HDMI only");
    }
    if !streams.iter().any(|stream| stream.records) {
        // A desktop without a microphone jack in use is none the worse.
        draft.finding(Severity::Unknown, "nothing-records", &[], "/proc/asound/pcm: no capture");
    }
    if draft.findings.is_empty() {
        let evidence = format!("/proc/asound: {} cards, {} streams", cards.len(), streams.len());
        draft.finding(Severity::Ok, "sound-ready", &[], evidence);
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    let folder = "/proc/asound";
    let mut chips = Vec::new();
    for card in machine.names(folder).into_iter().filter(|name| is_card(name)) {
        for file in machine.names(&format!("{folder}/{card}")).into_iter().filter(|name| name.starts_with("codec#")) {
            let text = machine.text(&format!("{folder}/{card}/{file}")).unwrap_or_default();
            chips.extend(
                text.lines().next().and_then(|line| line.strip_prefix("Codec: ")).map(|chip| chip.trim().to_owned()),
            );
        }
    }
    // Class 0x0401 and 0x0403 of the PCI bus.
    let is_sound = |class: String| class.starts_with("0x0401") || class.starts_with("0x0403");
    let class = |part: &String| machine.word(&format!("/sys/bus/pci/devices/{part}/class"));
    Inputs {
        cards: machine.text("/proc/asound/cards"),
        streams: machine.text("/proc/asound/pcm"),
        chips,
        chip_present: machine.names("/sys/bus/pci/devices").iter().filter_map(class).any(is_sound),
    }
}

fn is_card(name: &str) -> bool {
    name.strip_prefix("card").is_some_and(|number| number.parse::<u16>().is_ok())
}

/// Sound that comes out of a display.
fn is_screen(name: &str) -> bool {
    name.contains("HDMI") || name.contains("DisplayPort") || name.starts_with("DP")
}

/// ` 0 [PCH            ]: HDA-Intel - HDA Intel PCH`, and a line of details (the kernel's `sound/designs/procfile.rst`).
fn cards(text: &str) -> Vec<Card> {
    let card = |line: &str| {
        let (number, rest) = line.split_once(" [")?;
        let (driver, name) = rest.split_once("]: ")?.1.split_once(" - ")?;
        Some(Card {
            number: number.trim().parse().ok()?,
            driver: driver.trim().to_owned(),
            name: name.trim().to_owned(),
        })
    };
    text.lines().filter_map(card).collect()
}

/// `00-03: HDMI 0 : HDMI 0 : playback 1 : capture 1`.
fn streams(text: &str) -> Vec<Stream> {
    let stream = |line: &str| {
        let mut parts = line.split(':').map(str::trim);
        let card = parts.next()?.split_once('-')?.0.parse().ok()?;
        let name = parts.next()?.to_owned();
        let (plays, records) = parts
            .fold((false, false), |(p, r), part| (p || part.starts_with("playback"), r || part.starts_with("capture")));
        Some(Stream { card, name, plays, records })
    };
    text.lines().filter_map(stream).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::recording::{recording, unpacked};
    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};

    fn streams_of(streams: &str) -> Inputs {
        Inputs { streams: Ok(streams.into()), ..gather_from(&recording("laptop-fedora")) }
    }

    #[test]
    fn cards_of_several_computers() {
        let found = |name| findings::<Sound>(gather_from(&recording(name)));
        assert_eq!(found("laptop-fedora"), ["sound-ready"]);
        assert_eq!(found("laptop-worn"), ["no-card"]);
        assert_eq!(found("desktop-arch"), ["only-screens-play", "nothing-records"]);
        let draft = Sound::judge(gather_from(&recording("laptop-fedora")));
        assert_eq!(draft.tables[0].rows, [vec!["HDA Intel PCH".into(), "HDA-Intel".into(), true.into(), true.into()]]);
        assert_eq!(draft.tables[2].rows[0][0], "Realtek ALC257".into());
    }

    #[test]
    fn ways_in_and_out_are_judged() {
        for (streams, expected) in [
            ("00-00: A : A : playback 1 : capture 1", vec!["sound-ready"]),
            ("00-00: A : A : playback 1", vec!["nothing-records"]),
            ("00-00: A : A : capture 1", vec!["nothing-plays"]),
            ("00-03: HDMI 0 : HDMI 0 : playback 1\n00-00: A : A : capture 1", vec!["only-screens-play"]),
        ] {
            assert_eq!(findings::<Sound>(streams_of(streams)), expected, "{streams}");
        }
    }

    #[test]
    fn everything_declared_is_said() {
        let silent = "/proc/asound/cards = --- no soundcards ---\n";
        all_is_said::<Sound>(vec![
            gather_from(&recording("laptop-fedora")),
            gather_from(&recording("desktop-arch")),
            gather_from(&unpacked(silent)),
            gather_from(&unpacked(&format!("{silent}/sys/bus/pci/devices/x/class = 0x040300\n"))),
            streams_of(""),
            gather_from(&unpacked("")),
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(cards in "( [0-9]{1,12} \\[.*\\]: .* - .*\n|.*\n)*", streams in "([0-9]{2}-[0-9]{2}: .* : .* : (playback|capture) 1\n)*", chip in ".*") {
            told(Sound::ID, &Sound::judge(Inputs { cards: Ok(cards), streams: Ok(streams), chips: vec![chip], chip_present: true }));
        }
    }
}
