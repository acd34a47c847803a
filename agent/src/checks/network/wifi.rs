//! `network.wifi`: how well the Wi-Fi is received, and how crowded its channel is.
//!
//! NetworkManager is asked for fields without names; of `iw` only lines that can't hold one are kept, and the rest is
//! dropped before anything looks at it. Keys are nowhere near. What is heard comes from the last search: none is started.

use std::time::Duration;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity};

use super::card;
use crate::checks::machine::{Machine, Reading};
use crate::checks::tool::{IW, NMCLI, Silence};
use crate::checks::{Check, Failure};

/// Fields of `nmcli device wifi list`, none of which names a network or a device (nmcli(1)).
const ASK_MANAGER: [&str; 8] =
    ["-t", "-f", "IN-USE,SIGNAL,RATE,FREQ,CHAN,SECURITY", "device", "wifi", "list", "--rescan", "no"];
const LIMIT: Duration = Duration::from_millis(1_200);
/// What may be kept of `iw dev`. Its other lines hold the network's name and the card's number.
const KEPT: [&str; 2] = ["channel ", "type "];
/// Percent from which on down the signal is weak: about -75 dBm, where speed falls to a fraction (NetworkManager's own
/// scale runs from -100 to -40 dBm).
const WEAK: i64 = 41;
/// Percent at which the connection breaks off again and again: about -85 dBm.
const VERY_WEAK: i64 = 25;
/// Other networks on the same channel from which it is crowded. Our choice: each takes its share of the time.
const CROWDED: u64 = 6;
/// Most Wi-Fi cards looked at.
const CARDS_MAX: usize = 8;

pub(crate) struct Wifi;

pub(crate) struct Inputs {
    cards: Vec<Card>,
    switches: Vec<Switch>,
    signal: Reading,
    /// Lines of `nmcli`.
    heard: Option<String>,
    /// Lines of `iw dev` that hold no name.
    channel: Option<String>,
}

struct Card {
    name: String,
    connected: bool,
}

/// What `/sys/class/rfkill/*` says of a Wi-Fi radio.
struct Switch {
    hard: bool,
    soft: bool,
}

/// A network that is heard, without its name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Heard {
    used: bool,
    percent: i64,
    rate: Option<i64>,
    frequency: i64,
    channel: i64,
    protection: String,
}

impl Check for Wifi {
    const ID: &'static str = "network.wifi";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let mut inputs = inputs_from(&Machine::this());
        if !inputs.cards.is_empty() {
            inputs.heard = answer(NMCLI.ask(&ASK_MANAGER, LIMIT));
            inputs.channel = answer(IW.ask(&["dev"], LIMIT)).map(|text| nameless(&text));
        }
        Ok(inputs)
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        draft.fact("cards", inputs.cards.len() as u64, "");
        if inputs.cards.is_empty() {
            draft.finding(Severity::Ok, "no-wifi", &[], "/sys/class/net has no wireless card");
            return draft;
        }
        if !inputs.cards.iter().any(|card| card.connected) {
            inputs.judge_switches(&mut draft);
            return draft;
        }
        let heard: Vec<Heard> =
            inputs.heard.as_deref().map_or(Vec::new(), |text| text.lines().filter_map(heard).collect());
        let used = heard.iter().find(|network| network.used);
        let level = inputs.signal.as_deref().ok().and_then(|text| level(text, &inputs.cards));
        if let Some((dbm, missed)) = level {
            draft.fact("signal", dbm, "dBm");
            draft.fact("missed", missed, "");
        }
        let frequency = used.map(|used| used.frequency).or(inputs.channel.as_deref().and_then(frequency));
        if let Some(frequency) = frequency {
            draft.fact("band", band(frequency), "");
        }
        if let Some(width) = inputs.channel.as_deref().and_then(width) {
            draft.fact("width", width, "MHz");
        }
        if let Some(used) = used {
            inputs.judge_network(&mut draft, used, &heard);
        }
        let percent = used.map(|used| used.percent).or(level.map(|(dbm, _)| percent(dbm)));
        judge_signal(&mut draft, percent);
        draft
    }
}

fn inputs_from(machine: &Machine) -> Inputs {
    let card = |name: String| Card {
        connected: machine.word(&format!("/sys/class/net/{name}/operstate")).is_some_and(|state| state == "up"),
        name,
    };
    let switch = |name: String| {
        let file = |file: &str| machine.word(&format!("/sys/class/rfkill/{name}/{file}"));
        let on = |word: &str| file(word).is_some_and(|value| value == "1");
        (file("type")? == "wlan").then(|| Switch { hard: on("hard"), soft: on("soft") })
    };
    let wireless = card::names(machine).into_iter().filter(|name| card::wireless(machine, name));
    Inputs {
        cards: wireless.take(CARDS_MAX).map(card).collect(),
        switches: machine.names("/sys/class/rfkill").into_iter().filter_map(switch).collect(),
        signal: machine.text("/proc/net/wireless"),
        heard: None,
        channel: None,
    }
}

fn answer(answer: Result<crate::checks::tool::Answer, Silence>) -> Option<String> {
    answer.ok().filter(|answer| answer.status == Some(0)).map(|answer| answer.output)
}

/// The lines of `iw dev` that can't hold a name.
fn nameless(text: &str) -> String {
    let kept = |line: &&str| KEPT.iter().any(|start| line.starts_with(start));
    text.lines().map(str::trim).filter(kept).collect::<Vec<_>>().join("\n")
}

/// `*:78:270 Mbit/s:5180 MHz:36:WPA2`.
fn heard(line: &str) -> Option<Heard> {
    let parts: Vec<&str> = line.split(':').collect();
    let number = |part: &str| part.split_whitespace().next()?.parse::<i64>().ok();
    let [used, percent, rate, frequency, channel, protection] = parts[..] else { return None };
    // What is shown as a word must be one: the fixed vocabulary of NetworkManager.
    const WORDS: [&str; 8] = ["WEP", "WPA1", "WPA2", "WPA3", "OWE", "OWE-TM", "802.1X", "WPA"];
    let words: Vec<&str> = protection.split_whitespace().filter(|word| WORDS.contains(word)).collect();
    Some(Heard {
        used: used.trim() == "*",
        percent: number(percent).filter(|percent| (0..=100).contains(percent))?,
        rate: number(rate),
        frequency: number(frequency)?,
        channel: number(channel)?,
        protection: words.join(" "),
    })
}

/// Signal in dBm and missed signs of life: `wlan0: 0000 52. -58. -256 0 0 0 12 340 0`.
fn level(text: &str, cards: &[Card]) -> Option<(i64, i64)> {
    text.lines().find_map(|line| {
        let (name, rest) = line.trim().split_once(':')?;
        cards.iter().find(|card| card.connected && card.name == name)?;
        let number = |field: usize| rest.split_whitespace().nth(field)?.trim_end_matches('.').parse::<i64>().ok();
        // Old drivers count in a byte: 198 is -58.
        let dbm = number(2).map(|level| if (64..=255).contains(&level) { level - 256 } else { level })?;
        Some((dbm, number(9).unwrap_or(0))).filter(|(dbm, _)| (-120..0).contains(dbm))
    })
}

/// NetworkManager's scale: `nm_wifi_utils_level_to_quality`.
fn percent(dbm: i64) -> i64 {
    100 - (dbm.clamp(-100, -40) + 40).abs() * 100 / 60
}

/// `channel 36 (5180 MHz), width: 80 MHz, center1: 5210 MHz`.
fn frequency(text: &str) -> Option<i64> {
    let line = text.lines().find(|line| line.starts_with("channel "))?;
    line.split_once('(')?.1.split_whitespace().next()?.parse().ok()
}

fn width(text: &str) -> Option<i64> {
    text.lines().find_map(|line| line.split_once("width: ")?.1.split_whitespace().next()?.parse().ok())
}

/// The bands of IEEE 802.11, by frequency in MHz.
fn band(frequency: i64) -> &'static str {
    match frequency {
        2_400..=2_500 => "2.4 GHz",
        4_900..=5_924 => "5 GHz",
        5_925..=7_125 => "6 GHz",
        _ => "",
    }
}

fn judge_signal(draft: &mut Draft, percent: Option<i64>) {
    let Some(percent) = percent else {
        let evidence = "neither NetworkManager nor /proc/net/wireless tells a signal";
        draft.finding(Severity::Unknown, "signal-unknown", &[], evidence);
        return;
    };
    draft.fact("quality", percent, "%");
    let values = [("percent", percent.into())];
    let evidence = format!("signal {percent} %");
    if percent <= VERY_WEAK {
        draft.finding(Severity::Critical, "very-weak", &values, evidence);
    } else if percent <= WEAK {
        draft.finding(Severity::Warning, "weak", &values, evidence);
    } else if draft.findings.is_empty() {
        draft.finding(Severity::Ok, "wifi-ok", &values, evidence);
    }
}

impl Inputs {
    fn judge_switches(&self, draft: &mut Draft) {
        if self.switches.iter().any(|switch| switch.hard) {
            draft.finding(Severity::Warning, "switched-off", &[], "/sys/class/rfkill: hard 1");
        } else if self.switches.iter().any(|switch| switch.soft) {
            draft.finding(Severity::Warning, "turned-off", &[], "/sys/class/rfkill: soft 1");
        } else {
            draft.finding(Severity::Ok, "not-used", &[], "/sys/class/net: no wireless card is up");
        }
    }

    fn judge_network(&self, draft: &mut Draft, used: &Heard, heard: &[Heard]) {
        let same = heard.iter().filter(|other| !other.used && other.channel == used.channel).count() as u64;
        draft.fact("channel", used.channel, "");
        if let Some(rate) = used.rate {
            draft.fact("rate", rate, "Mb/s");
        }
        draft.fact("protection", if used.protection.is_empty() { "none" } else { &used.protection }, "");
        draft.fact("around", heard.iter().filter(|other| !other.used).count() as u64, "");
        draft.fact("same-channel", same, "");
        let words: Vec<&str> = used.protection.split(' ').collect();
        if used.protection.is_empty() {
            draft.finding(Severity::Warning, "no-protection", &[], "NetworkManager: SECURITY is empty");
        } else if !words.iter().any(|word| matches!(*word, "WPA2" | "WPA3" | "OWE" | "OWE-TM")) {
            let evidence = format!("NetworkManager: SECURITY {}", used.protection);
            draft.finding(Severity::Warning, "old-protection", &[], evidence);
        }
        if same >= CROWDED {
            let evidence = format!("{same} other networks on channel {}", used.channel);
            draft.finding(Severity::Warning, "crowded", &[("count", same.into())], evidence);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn at(machine: &str) -> Inputs {
        let tool = |name: &str| recorded(machine).text(&format!("/tools/{name}")).ok();
        Inputs {
            heard: tool("nmcli-wifi.txt"),
            channel: tool("iw-dev.txt").map(|t| nameless(&t)),
            ..inputs_from(&recorded(machine))
        }
    }

    fn hearing(lines: &str) -> Inputs {
        Inputs {
            cards: vec![Card { name: "wlan0".into(), connected: true }],
            switches: vec![],
            signal: Err(Unread::Absent),
            heard: Some(lines.to_owned()),
            channel: None,
        }
    }

    fn off(hard: bool, soft: bool) -> Inputs {
        let cards = vec![Card { name: "wlan0".into(), connected: false }];
        Inputs { cards, switches: vec![Switch { hard, soft }], ..hearing("") }
    }

    #[test]
    fn a_laptop_in_a_block_of_flats() {
        let draft = Wifi::judge(at("network-fedora-vpn"));
        assert_eq!(told(Wifi::ID, &draft).findings[0].id, "wifi-ok");
        let fact = |key: &str| draft.facts.iter().find(|fact| fact.key == key).unwrap().value.to_string();
        let facts = ["signal", "quality", "band", "channel", "width", "rate", "protection", "around", "same-channel"];
        assert_eq!(facts.map(fact), ["-58", "70", "5 GHz", "36", "80", "540", "WPA2 WPA3", "6", "1"]);
        assert_eq!(findings::<Wifi>(at("desktop-fine")), ["no-wifi"]);
    }

    #[test]
    fn names_and_numbers_of_iw_are_dropped_at_once() {
        let text = recorded("network-fedora-vpn").text("/tools/iw-dev.txt").unwrap();
        assert!(text.contains("ssid") && text.contains("addr"));
        let kept = nameless(&text);
        assert_eq!(kept, "type P2P-device\ntype managed\nchannel 36 (5180 MHz), width: 80 MHz, center1: 5210 MHz");
        assert_eq!(nameless("\t\tssid channel 7\n"), "");
    }

    #[test]
    fn limits_below_at_and_above() {
        for (percent, said) in
            [(24, "very-weak"), (25, "very-weak"), (26, "weak"), (40, "weak"), (41, "weak"), (42, "wifi-ok")]
        {
            let line = format!("*:{percent}:54 Mbit/s:2412 MHz:1:WPA2\n");
            assert_eq!(findings::<Wifi>(hearing(&line)), [said]);
        }
        for (others, said) in [(5, "wifi-ok"), (6, "crowded"), (7, "crowded")] {
            let lines = " :30:54 Mbit/s:2412 MHz:1:WPA2\n".repeat(others) + "*:80:54 Mbit/s:2412 MHz:1:WPA2\n";
            assert_eq!(findings::<Wifi>(hearing(&lines)), [said]);
        }
        for (dbm, scale) in [(-101, 0), (-100, 0), (-75, 42), (-40, 100), (-39, 100)] {
            assert_eq!(percent(dbm), scale);
        }
        for (frequency, name) in [(2_399, ""), (2_412, "2.4 GHz"), (5_180, "5 GHz"), (5_955, "6 GHz"), (7_126, "")] {
            assert_eq!(band(frequency), name);
        }
    }

    #[test]
    fn protection_is_judged() {
        for (security, said) in [
            ("", "no-protection"),
            ("WEP", "old-protection"),
            ("WPA1", "old-protection"),
            ("WPA1 WPA2", "wifi-ok"),
            ("WPA3", "wifi-ok"),
            ("OWE", "wifi-ok"),
            ("WPA2 802.1X", "wifi-ok"),
        ] {
            assert_eq!(findings::<Wifi>(hearing(&format!("*:80:54 Mbit/s:2412 MHz:1:{security}\n"))), [said]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Wifi>(vec![
            at("network-fedora-vpn"),
            at("desktop-fine"),
            off(true, false),
            off(false, true),
            off(false, false),
            hearing(""),
            hearing("*:9:54 Mbit/s:2412 MHz:1:WEP\n"),
            hearing(&(" :30:54 Mbit/s:2412 MHz:1:\n".repeat(6) + "*:30:54 Mbit/s:2412 MHz:1:\n")),
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "([* ]:[0-9]{0,3}:[0-9]{0,3} Mbit/s:[0-9]{0,5} MHz:[0-9]{0,3}:.{0,9}\n)*|(wlan0: .*\n|.*\n)*") {
            let inputs = Inputs { signal: Ok(text.clone()), channel: Some(nameless(&text)), ..hearing(&text) };
            told(Wifi::ID, &Wifi::judge(inputs));
        }
    }
}
