//! `network.errors`: whether the cable, the plug or the card loses data.
//!
//! Counters of `/sys/class/net/*/statistics` (the kernel's `networking/statistics` document), read twice: what grows
//! while one looks is happening now. Only cards with a device behind them: a tunnel has no cable.

use std::time::Duration;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::card::{self, shown};
use crate::checks::figure::{percent, tenths};
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure, whole};

/// Errors while watching from which it happens now; one may be chance.
const NOW: u64 = 2;
/// Damaged packets in a million from which a cable is bad. IEEE 802.3 allows about one lost frame in ten million on
/// copper; ours leaves room for one unlucky plug.
const DAMAGED_PER_MILLION: u64 = 10;
/// Damaged packets below which nothing is said: a plug pulled out makes some.
const DAMAGED_MIN: u64 = 50;
/// Percent of lost packets from which it is felt: TCP's speed falls sharply from 1 % on (Mathis et al., 1997).
const DROPS_PERCENT: f64 = 1.0;
/// Packets below which a percentage says nothing.
const PACKETS_MIN: u64 = 1_000;
/// Times a day that a link may be lost: turned off at night, asleep at lunch, with room.
const LOST_PER_DAY: u64 = 10;
/// Below this many megabits a cable of today is damaged: two of its four pairs carry 100.
const SLOW: i64 = 100;

pub(crate) struct Errors;

pub(crate) struct Inputs {
    seconds: u64,
    /// Seconds since the start.
    uptime: Option<f64>,
    before: Vec<Card>,
    after: Vec<Card>,
}

#[derive(Clone, Default)]
struct Card {
    name: String,
    wireless: bool,
    connected: bool,
    speed: Option<i64>,
    duplex: Option<String>,
    packets: u64,
    errors: u64,
    damaged: u64,
    dropped: u64,
    lost: u64,
}

impl Check for Errors {
    const ID: &'static str = "network.errors";
    type Inputs = Inputs;

    fn gather(arguments: &Arguments) -> Result<Inputs, Failure> {
        let seconds = whole(arguments, "seconds")?;
        let machine = Machine::this();
        let before = cards_from(&machine);
        if !before.is_empty() {
            std::thread::sleep(Duration::from_secs(seconds));
        }
        Ok(Inputs { seconds, uptime: uptime(&machine), before, after: cards_from(&machine) })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        if inputs.after.is_empty() {
            draft.finding(Severity::Unknown, "errors-unknown", &[], "/sys/class/net has no card with a device");
            return draft;
        }
        draft.fact("seconds", inputs.seconds, "s");
        let pairs: Vec<(&Card, Card)> = inputs
            .after
            .iter()
            .map(|card| (card, card.since(inputs.before.iter().find(|before| before.name == card.name))))
            .collect();
        let columns =
            ["card", "speed", "duplex", "packets", "errors", "dropped", "errors-all", "dropped-all", "lost-link"];
        draft.table("cards", &columns, pairs.iter().map(|(all, new)| all.row(new)).collect());
        for (all, new) in &pairs {
            all.judge(&mut draft, new, inputs.uptime);
        }
        if draft.findings.is_empty() {
            let names: Vec<String> = inputs.after.iter().map(|card| shown(&card.name)).collect();
            draft.finding(Severity::Ok, "errors-ok", &[], format!("/sys/class/net/*/statistics: {}", names.join(", ")));
        }
        draft
    }
}

fn uptime(machine: &Machine) -> Option<f64> {
    machine.word("/proc/uptime")?.split_whitespace().next()?.parse().ok()
}

fn cards_from(machine: &Machine) -> Vec<Card> {
    let card = |name: String| {
        let folder = format!("/sys/class/net/{name}");
        let count = |file: &str| machine.number::<u64>(&format!("{folder}/statistics/{file}")).unwrap_or(0);
        let both = |file: &str| count(&format!("rx_{file}")).saturating_add(count(&format!("tx_{file}")));
        Card {
            wireless: card::wireless(machine, &name),
            connected: machine.word(&format!("{folder}/operstate")).is_some_and(|state| state == "up"),
            speed: machine.number(&format!("{folder}/speed")).filter(|speed| *speed > 0),
            duplex: machine.word(&format!("{folder}/duplex")),
            packets: both("packets"),
            errors: both("errors"),
            damaged: count("rx_crc_errors").saturating_add(count("rx_frame_errors")),
            dropped: count("rx_dropped").saturating_add(count("rx_missed_errors")),
            lost: machine.number(&format!("{folder}/carrier_down_count")).unwrap_or(0),
            name,
        }
    };
    let real = |name: &String| machine.has(&format!("/sys/class/net/{name}/device"));
    card::names(machine).into_iter().filter(real).map(card).collect()
}

impl Card {
    /// What came since; a card that was plugged in meanwhile began at nothing.
    fn since(&self, before: Option<&Self>) -> Self {
        let none = Self::default();
        let before = before.unwrap_or(&none);
        Self {
            packets: self.packets.saturating_sub(before.packets),
            errors: self.errors.saturating_sub(before.errors),
            damaged: self.damaged.saturating_sub(before.damaged),
            dropped: self.dropped.saturating_sub(before.dropped),
            lost: self.lost.saturating_sub(before.lost),
            ..self.clone()
        }
    }

    fn row(&self, new: &Self) -> Vec<Value> {
        vec![
            shown(&self.name).into(),
            self.speed.map_or("".into(), Into::into),
            match self.duplex.as_deref() {
                Some(word @ ("full" | "half")) => word.into(),
                Some(_) | None => "".into(),
            },
            new.packets.into(),
            new.errors.into(),
            new.dropped.into(),
            self.errors.into(),
            self.dropped.into(),
            self.lost.into(),
        ]
    }

    fn judge(&self, draft: &mut Draft, new: &Self, uptime: Option<f64>) {
        let card = ("card", Value::from(shown(&self.name)));
        let folder = format!("/sys/class/net/{}", shown(&self.name));
        if new.errors >= NOW {
            let values = [card.clone(), ("count", new.errors.into())];
            let evidence = format!("{folder}/statistics: {} errors while watched", new.errors);
            draft.finding(Severity::Critical, "errors-now", &values, evidence);
        }
        // A radio always has damaged frames around it; a cable has none.
        let many = u128::from(self.damaged) * 1_000_000 >= u128::from(DAMAGED_PER_MILLION) * u128::from(self.packets);
        if !self.wireless && self.damaged >= DAMAGED_MIN && many {
            let values = [card.clone(), ("count", self.damaged.into())];
            let evidence = format!("{folder}/statistics: {} damaged of {}", self.damaged, self.packets);
            draft.finding(Severity::Warning, "bad-cable", &values, evidence);
        }
        if self.connected && !self.wireless && self.duplex.as_deref() == Some("half") {
            let evidence = format!("{folder}/duplex: half");
            draft.finding(Severity::Warning, "one-direction", std::slice::from_ref(&card), evidence);
        }
        if let Some(speed) = self.speed.filter(|speed| self.connected && !self.wireless && *speed <= SLOW) {
            let values = [card.clone(), ("speed", speed.into())];
            draft.finding(Severity::Warning, "slow-link", &values, format!("{folder}/speed: {speed}"));
        }
        let days = uptime.unwrap_or(0.0) / 86_400.0;
        if often(self.lost, days) && !self.wireless {
            let values = [card.clone(), ("count", self.lost.into())];
            let evidence = format!("{folder}/carrier_down_count: {} in {days:.1} days", self.lost);
            draft.finding(Severity::Warning, "link-lost", &values, evidence);
        }
        let share = percent(self.dropped, self.packets);
        if share >= DROPS_PERCENT && self.packets >= PACKETS_MIN {
            let evidence = format!("{folder}/statistics: {} dropped of {}", self.dropped, self.packets);
            draft.finding(Severity::Warning, "drops", &[card, ("percent", tenths(share).into())], evidence);
        }
    }
}

/// Whether a link was lost more often than people turn things off; the first day counts whole.
#[expect(clippy::cast_precision_loss, reason = "counts of lost links are small")]
fn often(lost: u64, days: f64) -> bool {
    lost as f64 >= LOST_PER_DAY as f64 * days.max(1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn card() -> Card {
        Card {
            name: "eth0".into(),
            connected: true,
            speed: Some(1_000),
            duplex: Some("full".into()),
            packets: 10_000_000,
            ..Card::default()
        }
    }

    fn with(card: Card) -> Inputs {
        Inputs { seconds: 1, uptime: Some(90_000.0), before: vec![card.clone()], after: vec![card] }
    }

    #[test]
    fn limits_below_at_and_above() {
        for (card, said) in [
            (Card { damaged: 99, ..card() }, "errors-ok"),
            (Card { damaged: 100, ..card() }, "bad-cable"),
            (Card { damaged: 101, ..card() }, "bad-cable"),
            (Card { damaged: 49, packets: 10, ..card() }, "errors-ok"),
            (Card { damaged: 50, packets: 10, ..card() }, "bad-cable"),
            (Card { damaged: 500, wireless: true, ..card() }, "errors-ok"),
            (Card { speed: Some(99), ..card() }, "slow-link"),
            (Card { speed: Some(100), ..card() }, "slow-link"),
            (Card { speed: Some(101), ..card() }, "errors-ok"),
            (Card { speed: Some(100), connected: false, ..card() }, "errors-ok"),
            (Card { dropped: 99_999, ..card() }, "errors-ok"),
            (Card { dropped: 100_000, ..card() }, "drops"),
            (Card { dropped: 100_001, ..card() }, "drops"),
            (Card { dropped: 999, packets: 999, ..card() }, "errors-ok"),
            (Card { lost: 10, ..card() }, "errors-ok"),
            (Card { lost: 11, ..card() }, "link-lost"),
            (Card { duplex: Some("half".into()), ..card() }, "one-direction"),
        ] {
            assert_eq!(findings::<Errors>(with(card)), [said]);
        }
        for (errors, said) in [(1, "errors-ok"), (2, "errors-now"), (3, "errors-now")] {
            let inputs = Inputs { after: vec![Card { errors, ..card() }], ..with(card()) };
            assert_eq!(findings::<Errors>(inputs), [said]);
        }
        assert!(!often(9, 0.1) && often(10, 0.1) && often(11, 0.1));
    }

    #[test]
    fn a_server_with_a_bad_cable() {
        let machine = recorded("network-debian-server");
        let cards = cards_from(&machine);
        let inputs = Inputs { seconds: 1, uptime: uptime(&machine), before: cards.clone(), after: cards };
        assert_eq!(findings::<Errors>(inputs), ["bad-cable", "one-direction", "slow-link", "link-lost"]);
    }

    #[test]
    fn everything_declared_is_said() {
        let bad =
            Card { damaged: 500, dropped: 1_000_000, lost: 90, speed: Some(10), duplex: Some("half".into()), ..card() };
        all_is_said::<Errors>(vec![
            with(card()),
            Inputs { after: vec![Card { errors: 9, ..bad.clone() }], ..with(bad) },
            Inputs { seconds: 1, uptime: None, before: vec![], after: vec![] },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(n in any::<[u64; 8]>(), name in ".{0,20}", duplex in "full|half|.*", uptime in any::<f64>()) {
            let one = |n: &[u64]| Card {
                name: name.clone(), duplex: Some(duplex.clone()), packets: n[0], errors: n[1], damaged: n[2], dropped: n[3],
                lost: n[0], ..card()
            };
            let inputs = Inputs { seconds: n[0], uptime: Some(uptime), before: vec![one(&n)], after: vec![one(&n[4..])] };
            told(Errors::ID, &Errors::judge(inputs));
        }
    }
}
