//! `network.mtu`: how large a packet the way to the internet takes, and whether too large ones vanish without a word.
//!
//! A way that swallows large packets lets small pages through and hangs at large ones: nothing else looks like it. Echoes
//! of several sizes are asked of one compiled address, none of which may be cut (RFC 1191, RFC 8201); where this account
//! may not ask for echoes, what the system knows is told, and that it couldn't be measured.

use std::net::SocketAddr;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::card;
use super::ping::{Echoes, NoPing, ping};
use super::probe::{Question, Way, together, way};
use super::targets::{INTERNET_V4, INTERNET_V6};
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Sizes asked for, all headers counted, the largest first: Ethernet (RFC 894), PPPoE (RFC 4638), usual tunnels, and what
/// every IPv6 way takes (RFC 8200).
const SIZES: [u32; 7] = [1_500, 1_492, 1_480, 1_460, 1_420, 1_400, 1_280];
/// What every way has to take: RFC 8200.
const LEAST: u32 = 1_280;

pub(crate) struct Mtu;

pub(crate) struct Inputs {
    families: Vec<Family>,
}

/// What is known of the way over one kind of address.
struct Family {
    name: &'static str,
    /// The way before anything was asked; nothing if there is none.
    way: Option<Way>,
    /// Largest packet of the card it leaves by.
    card: Option<u32>,
    echoes: Option<Result<Echoes, NoPing>>,
}

impl Check for Mtu {
    const ID: &'static str = "network.mtu";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let machine = Machine::this();
        let addresses = card::addresses().unwrap_or_default();
        let targets = [("IPv4", INTERNET_V4[0]), ("IPv6", INTERNET_V6[0])];
        let ways = targets.map(|(_, to)| way(to));
        let question = |to| -> Question<Result<Echoes, NoPing>> {
            Box::new(move |until| ping(SocketAddr::new(to, 0), &SIZES, until))
        };
        let echoes = together(targets.iter().map(|(_, to)| question(*to)).collect()).map_err(Failure::Exhausted)?;
        let family = |(((name, _), way), echoes): (((&'static str, _), Option<Way>), _)| {
            let name_of_card = way.and_then(|way| card::with(&addresses, way.source));
            let card = name_of_card.and_then(|card| machine.number(&format!("/sys/class/net/{card}/mtu")));
            Family { name, way, card, echoes }
        };
        Ok(Inputs { families: targets.into_iter().zip(ways).zip(echoes).map(family).collect() })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let rows = inputs.families.iter().filter(|family| family.way.is_some()).map(Family::row).collect();
        draft.table("ways", &["family", "card", "believed", "passes"], rows);
        if inputs.families.iter().all(|family| family.way.is_none()) {
            draft.finding(Severity::Unknown, "no-way", &[], "the system knows no way to the internet");
            return draft;
        }
        for family in inputs.families.iter().filter(|family| family.way.is_some()) {
            family.judge(&mut draft);
        }
        if draft.findings.is_empty() {
            judge_measured(&mut draft, &inputs.families);
        }
        draft
    }
}

fn judge_measured(draft: &mut Draft, families: &[Family]) {
    let passes: Vec<(&Family, u32)> = families.iter().filter_map(|family| Some((family, family.passes()?))).collect();
    if let Some((family, least)) = passes.iter().min_by_key(|(_, passes)| *passes) {
        let finding = if *least >= SIZES[0] { "full-size" } else { "smaller" };
        let values = if *least >= SIZES[0] { vec![] } else { vec![("bytes", (*least).into())] };
        draft.finding(Severity::Ok, finding, &values, format!("{}: {least} bytes came back", family.name));
    } else if families.iter().any(|family| matches!(family.echoes, Some(Err(NoPing::Denied)))) {
        let evidence = "net.ipv4.ping_group_range does not name this account";
        draft.finding(Severity::Unknown, "not-allowed", &[], evidence);
    } else {
        draft.finding(Severity::Unknown, "no-echo", &[], "no echo of any size came back");
    }
}

impl Family {
    /// The largest packet that came back whole.
    fn passes(&self) -> Option<u32> {
        let Some(Ok(said)) = &self.echoes else { return None };
        SIZES.iter().zip(&said.echoes).find(|(_, echo)| echo.is_some()).map(|(size, _)| *size)
    }

    /// What the system believes the way takes, after asking if it could.
    fn believed(&self) -> Option<u32> {
        match &self.echoes {
            Some(Ok(said)) => said.packet.or(self.way?.packet),
            Some(Err(NoPing::Denied | NoPing::NoWay)) | None => self.way?.packet,
        }
    }

    fn row(&self) -> Vec<Value> {
        let number = |value: Option<u32>| value.map_or(Value::from(""), Value::from);
        vec![self.name.into(), number(self.card), number(self.believed()), number(self.passes())]
    }

    fn judge(&self, draft: &mut Draft) {
        if let Some(card) = self.card.filter(|card| *card < LEAST) {
            let evidence = format!("/sys/class/net/*/mtu: {card}");
            draft.finding(Severity::Warning, "card-small", &[("bytes", card.into())], evidence);
        }
        let (Some(passes), Some(believed), Some(Ok(said))) = (self.passes(), self.believed(), &self.echoes) else {
            return;
        };
        // Two sizes in a row that were sent, that the system still believes in, and that never came back: one may be
        // chance.
        let vanished = SIZES
            .iter()
            .zip(said.echoes.iter().zip(&said.too_large))
            .filter(|(size, (echo, too_large))| **size > passes && **size <= believed && echo.is_none() && !**too_large)
            .count();
        if vanished >= 2 {
            let evidence =
                format!("{}: {passes} bytes came back, {vanished} larger ones up to {believed} did not", self.name);
            draft.finding(Severity::Critical, "vanish", &[("bytes", passes.into())], evidence);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};

    fn family(largest: u32, believed: u32, card: u32) -> Family {
        let echoes = SIZES.iter().map(|size| (*size <= largest).then_some(9_000)).collect();
        let too_large = SIZES.iter().map(|size| *size > believed).collect();
        Family {
            name: "IPv4",
            way: Some(Way { source: "192.168.1.2".parse().unwrap(), packet: Some(card) }),
            card: Some(card),
            echoes: Some(Ok(Echoes { echoes, too_large, packet: Some(believed) })),
        }
    }

    fn one(family: Family) -> Inputs {
        Inputs { families: vec![family] }
    }

    #[test]
    fn what_vanishes_is_told_from_what_is_refused() {
        for (largest, believed, card, said) in [
            (1_500, 1_500, 1_500, "full-size"),
            (1_492, 1_492, 1_500, "smaller"),
            (1_420, 1_420, 1_420, "smaller"),
            (1_492, 1_500, 1_500, "smaller"),
            (1_480, 1_500, 1_500, "vanish"),
            (1_400, 1_500, 1_500, "vanish"),
            (0, 1_500, 1_500, "no-echo"),
        ] {
            assert_eq!(findings::<Mtu>(one(family(largest, believed, card))), [said], "{largest} {believed}");
        }
        for (card, said) in [(1_279, "card-small"), (1_280, "smaller"), (1_281, "smaller")] {
            assert_eq!(findings::<Mtu>(one(family(1_280, 1_280, card))), [said]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        let denied = || Family { echoes: Some(Err(NoPing::Denied)), ..family(0, 0, 1_500) };
        all_is_said::<Mtu>(vec![
            one(family(1_500, 1_500, 1_500)),
            one(family(1_492, 1_492, 1_500)),
            one(family(1_400, 1_500, 1_000)),
            one(family(0, 1_500, 1_500)),
            one(denied()),
            one(Family { way: None, ..denied() }),
        ]);
    }

    proptest! {
        #[test]
        fn any_figures_are_judged(n in any::<[u32; 3]>()) {
            told(Mtu::ID, &Mtu::judge(one(family(n[0], n[1], n[2]))));
        }
    }
}
