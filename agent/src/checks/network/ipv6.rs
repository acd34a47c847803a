//! `network.ipv6`: whether the newer kind of internet address is there and works.
//!
//! Broken IPv6 is worse than none: programs try it first and wait. So what the settings say (proc(5)) is held against
//! what one connection to a compiled address says. No address is told, only how many of which kind. (MISSION R4)

use std::net::Ipv6Addr;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::card::shown;
use super::probe::{Reach, connect_all};
use super::route::{address_v6, routes_v6};
use super::targets::{HTTPS, INTERNET_V4, INTERNET_V6};
use crate::checks::machine::{Machine, Reading, Unread};
use crate::checks::{Check, Failure};

/// Kinds of address flags: `IFA_F_*` of `linux/if_addr.h`.
const TEMPORARY: u32 = 0x01;
const DAD_FAILED: u32 = 0x08;
const DEPRECATED: u32 = 0x20;
const TENTATIVE: u32 = 0x40;
/// Most cards in the table.
const CARDS_MAX: usize = 64;

pub(crate) struct Ipv6;

pub(crate) struct Inputs {
    files: Files,
    v4: Vec<Reach>,
    v6: Vec<Reach>,
}

struct Files {
    addresses: Reading,
    routes: Reading,
    /// `disable_ipv6` of all cards.
    disabled: Option<u32>,
}

/// A line of `/proc/net/if_inet6`.
struct Address {
    card: String,
    ip: Ipv6Addr,
    flags: u32,
}

impl Check for Ipv6 {
    const ID: &'static str = "network.ipv6";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let files = files_from(&Machine::this());
        let targets: Vec<_> = INTERNET_V4.iter().chain(&INTERNET_V6).map(|ip| (*ip, HTTPS).into()).collect();
        let mut v4 = connect_all(&targets).map_err(Failure::Exhausted)?;
        let v6 = v4.split_off(INTERNET_V4.len());
        Ok(Inputs { files, v4, v6 })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let text = match &inputs.files.addresses {
            Ok(text) => text,
            Err(Unread::Absent) => {
                draft.finding(Severity::Ok, "ipv6-off", &[], "/proc/net/if_inet6 does not exist");
                return draft;
            }
            Err(error @ (Unread::Denied | Unread::Broken)) => {
                draft.finding(Severity::Unknown, "ipv6-unknown", &[], format!("/proc/net/if_inet6 {error}"));
                return draft;
            }
        };
        let addresses: Vec<Address> = text.lines().filter_map(address).filter(|a| a.card != "lo").collect();
        draft.table("cards", &["card", "own", "home", "internet", "temporary"], rows(&addresses));
        let outside = addresses.iter().filter(|a| is_outside(&a.ip) && a.usable()).count();
        let leads_out = inputs.files.routes.as_deref().map(|text| routes_v6(text).iter().any(|r| r.is_default()));
        let works = inputs.v6.iter().any(Reach::there);
        let works_v4 = inputs.v4.iter().any(Reach::there);
        draft.fact("internet-addresses", outside as u64, "");
        draft.fact("default-route", leads_out.map_or("".into(), Value::from), "");
        draft.fact("works", works, "");
        draft.fact("works-ipv4", works_v4, "");

        for failed in addresses.iter().filter(|a| a.flags & DAD_FAILED != 0) {
            let card = [("card", shown(&failed.card).into())];
            let evidence = format!("/proc/net/if_inet6 {}: flag 08", shown(&failed.card));
            draft.finding(Severity::Critical, "address-taken", &card, evidence);
        }
        let way = if leads_out == Ok(true) { "a default route" } else { "no default route" };
        let evidence = format!("{outside} addresses, {way}, {} of {} answer", there(&inputs.v6), inputs.v6.len());
        if inputs.files.disabled == Some(1) && addresses.is_empty() {
            draft.finding(Severity::Ok, "ipv6-off", &[], "net.ipv6.conf.all.disable_ipv6 = 1");
        } else if works {
            if draft.findings.is_empty() {
                draft.finding(Severity::Ok, "ipv6-ok", &[], evidence);
            }
        } else if !works_v4 {
            draft.finding(Severity::Unknown, "nothing-answers", &[], evidence);
        } else if outside > 0 && leads_out == Ok(false) {
            draft.finding(Severity::Warning, "no-way-out", &[], evidence);
        } else if outside > 0 || leads_out == Ok(true) {
            draft.finding(Severity::Warning, "ipv6-broken", &[], evidence);
        } else if draft.findings.is_empty() {
            draft.finding(Severity::Ok, "only-ipv4", &[], evidence);
        }
        draft
    }
}

fn files_from(machine: &Machine) -> Files {
    Files {
        addresses: machine.text("/proc/net/if_inet6"),
        routes: machine.text("/proc/net/ipv6_route"),
        disabled: machine.number("/proc/sys/net/ipv6/conf/all/disable_ipv6"),
    }
}

fn there(reached: &[Reach]) -> usize {
    reached.iter().filter(|reach| reach.there()).count()
}

/// `address ifindex prefix scope flags card`.
fn address(line: &str) -> Option<Address> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let flags = u32::from_str_radix(words.get(4)?, 16).ok()?;
    Some(Address { card: (*words.get(5)?).to_owned(), ip: address_v6(words.first()?)?, flags })
}

/// 2000::/3, what RFC 4291 gives out for the internet.
fn is_outside(ip: &Ipv6Addr) -> bool {
    ip.octets()[0] & 0xe0 == 0x20
}

impl Address {
    fn usable(&self) -> bool {
        self.flags & (DAD_FAILED | TENTATIVE | DEPRECATED) == 0
    }
}

fn rows(addresses: &[Address]) -> Vec<Vec<Value>> {
    let mut cards: Vec<&str> = addresses.iter().map(|a| a.card.as_str()).collect();
    cards.sort_unstable();
    cards.dedup();
    let row = |card: &&str| {
        let count = |which: &dyn Fn(&Address) -> bool| {
            Value::from(addresses.iter().filter(|a| a.card == **card && which(a)).count() as u64)
        };
        vec![
            shown(card).into(),
            count(&|a| a.ip.is_unicast_link_local()),
            count(&|a| a.ip.is_unique_local()),
            count(&|a| is_outside(&a.ip)),
            count(&|a| a.flags & TEMPORARY != 0),
        ]
    };
    cards.iter().take(CARDS_MAX).map(row).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::network::probe::Outcome;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn reach(outcome: Outcome) -> Vec<Reach> {
        vec![Reach { outcome, micros: 9_000 }; 2]
    }

    fn at(machine: &str, v4: Outcome, v6: Outcome) -> Inputs {
        Inputs { files: files_from(&recorded(machine)), v4: reach(v4), v6: reach(v6) }
    }

    fn lines(lines: &str) -> Inputs {
        let files = Files { addresses: Ok(lines.to_owned()), routes: Ok(String::new()), disabled: Some(0) };
        Inputs { files, v4: reach(Outcome::Open), v6: reach(Outcome::NoWay) }
    }

    #[test]
    fn what_is_set_is_held_against_what_works() {
        for (v4, v6, said) in [
            (Outcome::Open, Outcome::Open, "ipv6-ok"),
            (Outcome::Open, Outcome::Silent, "ipv6-broken"),
            (Outcome::Silent, Outcome::Silent, "nothing-answers"),
            (Outcome::Silent, Outcome::Refused, "ipv6-ok"),
        ] {
            assert_eq!(findings::<Ipv6>(at("network-fedora-vpn", v4, v6)), [said]);
        }
        let no_route = "20010db8000000010000000000000002 02 40 00 00 eth0\n";
        assert_eq!(findings::<Ipv6>(lines(no_route)), ["no-way-out"]);
        assert_eq!(findings::<Ipv6>(lines(&no_route.replace("00 00", "00 20"))), ["only-ipv4"]);
        assert_eq!(findings::<Ipv6>(lines("")), ["only-ipv4"]);
        assert_eq!(findings::<Ipv6>(at("container", Outcome::Open, Outcome::NoWay)), ["ipv6-off"]);
    }

    #[test]
    fn r4_counts_leave_and_addresses_stay() {
        let draft = Ipv6::judge(at("network-fedora-vpn", Outcome::Open, Outcome::Open));
        let row: Vec<Value> = vec!["wlp0s20f3".into(), 1_i64.into(), 0_i64.into(), 2_i64.into(), 1_i64.into()];
        assert!(draft.tables[0].rows.contains(&row), "{:?}", draft.tables);
        assert!(!format!("{draft:?}").contains("2001"));
    }

    #[test]
    fn everything_declared_is_said() {
        let mut denied = lines("");
        denied.files.addresses = Err(Unread::Denied);
        all_is_said::<Ipv6>(vec![
            at("network-fedora-vpn", Outcome::Open, Outcome::Open),
            at("network-fedora-vpn", Outcome::Open, Outcome::Silent),
            at("network-fedora-vpn", Outcome::Silent, Outcome::Silent),
            at("container", Outcome::Open, Outcome::NoWay),
            lines("20010db8000000010000000000000002 02 40 00 00 eth0\n"),
            lines("fe800000000000000000000000000002 02 40 20 88 eth0\n"),
            lines("fe800000000000000000000000000002 02 40 20 80 eth0\n"),
            denied,
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "([0-9a-f]{32} [0-9a-f]{2} 40 [0-9]{2} [0-9a-f]{1,9} .{0,9}\n)*|(.*\n)*") {
            let files = Files { addresses: Ok(text.clone()), routes: Ok(text), disabled: None };
            told(Ipv6::ID, &Ipv6::judge(Inputs { files, v4: reach(Outcome::Open), v6: vec![] }));
        }
    }
}
