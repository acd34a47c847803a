//! `network.gateway`: whether the router answers, and how fast.
//!
//! Three echoes where this account may ask for them, else a knock at three of its doors: a "no" from there is an answer
//! too. The neighbour table is looked at afterwards, when the asking has filled it. Which way was used is told.

use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::time::Instant;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::address;
use super::card::{self, shown};
use super::ping::{NoPing, ping};
use super::probe::{Question, Reach, connect_all, together};
use super::route::{self, routes_v4, routes_v6};
use crate::checks::figure::tenths;
use crate::checks::machine::{Machine, Reading};
use crate::checks::{Check, Failure};

/// Most routers asked; a PC with more has them for their metrics, not for use.
const ROUTERS_MAX: usize = 4;
/// Sizes of the echoes, all headers counted: as ping(8) sends them.
const ECHOES: [u32; 3] = [84; 3];
/// Doors that routers have: names, web, and web with TLS.
const DOORS: [u16; 3] = [53, 80, 443];
/// Milliseconds from which the own network is slow: cable and good Wi-Fi take 1 to 10. Our choice.
const SLOW: f64 = 50.0;

pub(crate) struct Gateway;

pub(crate) struct Inputs {
    route: Reading,
    neighbours: Reading,
    routers: Vec<Router>,
}

/// A router and what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Router {
    pub(super) address: IpAddr,
    card: String,
    wireless: bool,
    said: Said,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    /// Microseconds of each echo.
    Echoes(Vec<Option<u64>>),
    Doors(Vec<Reach>),
}

impl Check for Gateway {
    const ID: &'static str = "network.gateway";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let machine = Machine::this();
        let routers = ask(&machine).map_err(Failure::Exhausted)?;
        Ok(Inputs { route: machine.text("/proc/net/route"), neighbours: machine.text("/proc/net/arp"), routers })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        if let Err(error) = &inputs.route {
            draft.finding(Severity::Unknown, "gateway-unknown", &[], format!("/proc/net/route {error}"));
            return draft;
        }
        let row = |router: &Router| -> Vec<Value> {
            let neighbour = router.neighbour(&inputs.neighbours);
            vec![
                address::shown(router.address).into(),
                shown(&router.card).into(),
                neighbour.map_or("".into(), Value::from),
                router.way().into(),
                router.milliseconds().map_or("".into(), Value::from),
                router.lost().map_or("".into(), Value::from),
            ]
        };
        let columns = ["address", "card", "neighbour", "asked", "time", "lost"];
        draft.table("routers", &columns, inputs.routers.iter().map(row).collect());
        if inputs.routers.is_empty() {
            let evidence = "/proc/net/route and ipv6_route name no router";
            draft.finding(Severity::Warning, "no-gateway", &[], evidence);
        }
        for router in &inputs.routers {
            router.judge(&mut draft, &inputs.neighbours);
        }
        if draft.findings.is_empty() {
            let evidence: Vec<String> = inputs.routers.iter().map(Router::evidence).collect();
            draft.finding(Severity::Ok, "gateway-ok", &[], evidence.join(", "));
        }
        draft
    }
}

/// Asks all routers of the default routes at once.
pub(super) fn ask(machine: &Machine) -> std::io::Result<Vec<Router>> {
    let v4 = machine.text("/proc/net/route").as_deref().map_or(Vec::new(), routes_v4);
    let v6 = machine.text("/proc/net/ipv6_route").as_deref().map_or(Vec::new(), routes_v6);
    let mut routers: Vec<(IpAddr, String)> = Vec::new();
    for route in v4.iter().chain(&v6).filter(|route| route.is_default()) {
        if let Some(gateway) = route.gateway
            && !routers.iter().any(|(known, card)| *known == gateway && *card == route.card)
        {
            routers.push((gateway, route.card.clone()));
        }
    }
    routers.truncate(ROUTERS_MAX);
    let number = |card: &str| machine.number(&format!("/sys/class/net/{card}/ifindex")).unwrap_or(0);
    let places: Vec<SocketAddr> = routers.iter().map(|(address, card)| place(*address, 0, number(card))).collect();
    let question = |to: SocketAddr| -> Question<Result<Vec<Option<u64>>, NoPing>> {
        Box::new(move |until: Instant| ping(to, &ECHOES, until).map(|said| said.echoes))
    };
    let echoes = together(places.iter().map(|to| question(*to)).collect())?;
    let denied: Vec<SocketAddr> =
        places.iter().zip(&echoes).filter(|(_, e)| !matches!(e, Some(Ok(_)))).map(|(to, _)| *to).collect();
    let doors: Vec<SocketAddr> = denied
        .iter()
        .flat_map(|to| DOORS.map(|port| SocketAddr::new(to.ip(), port)).map(|door| scoped(door, *to)))
        .collect();
    let mut knocks = connect_all(&doors)?.into_iter();
    let said = |echoes: Option<Result<Vec<Option<u64>>, NoPing>>| match echoes {
        Some(Ok(echoes)) => Said::Echoes(echoes),
        Some(Err(NoPing::Denied | NoPing::NoWay)) | None => Said::Doors(knocks.by_ref().take(DOORS.len()).collect()),
    };
    let said: Vec<Said> = echoes.into_iter().map(said).collect();
    let router = |((address, card), said): ((IpAddr, String), Said)| {
        let wireless = card::wireless(machine, &card);
        Router { address, card, wireless, said }
    };
    Ok(routers.into_iter().zip(said).map(router).collect())
}

/// A link-local address means something only together with its card.
fn place(address: IpAddr, port: u16, card: u32) -> SocketAddr {
    match address {
        IpAddr::V4(_) => SocketAddr::new(address, port),
        IpAddr::V6(v6) => SocketAddrV6::new(v6, port, 0, if v6.is_unicast_link_local() { card } else { 0 }).into(),
    }
}

fn scoped(door: SocketAddr, like: SocketAddr) -> SocketAddr {
    match like {
        SocketAddr::V4(_) => door,
        SocketAddr::V6(like) => place(door.ip(), door.port(), like.scope_id()),
    }
}

impl Router {
    /// Whether it answered what it was asked.
    pub(super) fn answered(&self) -> bool {
        match &self.said {
            Said::Echoes(echoes) => echoes.iter().any(Option::is_some),
            Said::Doors(doors) => doors.iter().any(Reach::there),
        }
    }

    /// Whether it answered on the local network; nothing if that isn't known.
    pub(super) fn neighbour(&self, table: &Reading) -> Option<bool> {
        match self.address {
            IpAddr::V4(v4) => route::answers(table.as_deref().ok()?, v4),
            IpAddr::V6(_) => None,
        }
    }

    fn way(&self) -> &'static str {
        match self.said {
            Said::Echoes(_) => "echo",
            Said::Doors(_) => "connection",
        }
    }

    /// The fastest answer: the others met something else on the way.
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a short wait")]
    fn milliseconds(&self) -> Option<f64> {
        let fastest = match &self.said {
            Said::Echoes(echoes) => echoes.iter().flatten().min().copied(),
            Said::Doors(doors) => doors.iter().filter(|reach| reach.there()).map(|reach| reach.micros).min(),
        };
        fastest.map(|micros| tenths(micros as f64 / 1_000.0))
    }

    /// Echoes that didn't come back.
    fn lost(&self) -> Option<u64> {
        match &self.said {
            Said::Echoes(echoes) => Some(echoes.iter().filter(|echo| echo.is_none()).count() as u64),
            Said::Doors(_) => None,
        }
    }

    fn evidence(&self) -> String {
        let time = self.milliseconds().map_or("no answer".to_owned(), |time| format!("{time} ms"));
        format!("{} by {}: {time}", address::shown(self.address), self.way())
    }

    fn judge(&self, draft: &mut Draft, table: &Reading) {
        let name = ("address", Value::from(address::shown(self.address)));
        let neighbour = self.neighbour(table);
        match (self.milliseconds(), neighbour) {
            (Some(time), _) => {
                if time >= SLOW {
                    let finding = if self.wireless { "slow-wireless" } else { "slow-cable" };
                    draft.finding(Severity::Warning, finding, &[("milliseconds", time.into())], self.evidence());
                }
                let lost = self.lost().unwrap_or(0);
                if lost > 0 {
                    let values = [("lost", lost.into()), ("sent", (ECHOES.len() as u64).into())];
                    draft.finding(Severity::Warning, "answers-lost", &values, self.evidence());
                }
            }
            // It is there and says nothing to whoever asks: many do, for safety.
            (None, Some(true)) => draft.finding(Severity::Unknown, "gateway-quiet", &[name], self.evidence()),
            (None, Some(false) | None) => {
                draft.finding(Severity::Critical, "gateway-silent", &[name], self.evidence());
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::network::probe::Outcome;
    use crate::checks::proof::{all_is_said, findings, told};

    /// A router that answers, or doesn't.
    pub(in super::super) fn router_that(answers: bool) -> Router {
        router(echoes([answers.then_some(900); 3]), false)
    }

    fn router(said: Said, wireless: bool) -> Router {
        Router { address: "192.168.1.1".parse().unwrap(), card: "eth0".into(), wireless, said }
    }

    fn with(said: Said, flags: &str) -> Inputs {
        let table = format!(
            "IP address HW type Flags HW address Mask Device\n192.168.1.1 0x1 {flags} 02:00:00:00:00:01 * eth0\n"
        );
        Inputs { route: Ok(String::new()), neighbours: Ok(table), routers: vec![router(said, false)] }
    }

    fn echoes(micros: [Option<u64>; 3]) -> Said {
        Said::Echoes(micros.to_vec())
    }

    fn doors(outcome: Outcome) -> Said {
        Said::Doors(vec![Reach { outcome, micros: 900 }; 3])
    }

    #[test]
    fn any_answer_is_one_and_silence_depends_on_the_neighbour_table() {
        let fine = Some(700);
        for (said, flags, finding) in [
            (echoes([fine; 3]), "0x2", "gateway-ok"),
            (echoes([fine, None, fine]), "0x2", "answers-lost"),
            (echoes([None; 3]), "0x2", "gateway-quiet"),
            (echoes([None; 3]), "0x0", "gateway-silent"),
            (doors(Outcome::Refused), "0x2", "gateway-ok"),
            (doors(Outcome::Silent), "0x2", "gateway-quiet"),
            (doors(Outcome::NoWay), "0x0", "gateway-silent"),
        ] {
            assert_eq!(findings::<Gateway>(with(said, flags)), [finding]);
        }
    }

    #[test]
    fn slow_below_at_and_above() {
        for (micros, finding) in [(49_900, "gateway-ok"), (50_000, "slow-cable"), (50_100, "slow-cable")] {
            assert_eq!(findings::<Gateway>(with(echoes([Some(micros); 3]), "0x2")), [finding]);
        }
    }

    #[test]
    fn a_link_local_router_keeps_its_card() {
        let place = place("fe80::1".parse().unwrap(), 53, 7);
        assert_eq!(place.to_string(), "[fe80::1%7]:53");
        assert_eq!(scoped(SocketAddr::new(place.ip(), 80), place).to_string(), "[fe80::1%7]:80");
    }

    #[test]
    fn everything_declared_is_said() {
        let mut slow = with(echoes([Some(90_000); 3]), "0x2");
        slow.routers.push(router(echoes([Some(90_000), None, None]), true));
        all_is_said::<Gateway>(vec![
            with(echoes([Some(700); 3]), "0x2"),
            with(echoes([None; 3]), "0x2"),
            with(echoes([None; 3]), "0x0"),
            slow,
            Inputs { routers: vec![], ..with(doors(Outcome::Open), "0x2") },
            Inputs { route: Err(Unread::Denied), ..with(doors(Outcome::Open), "0x2") },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(table in "(.*\n)*", card in ".{0,20}", ip in any::<IpAddr>(), micros in any::<u64>()) {
            let router = Router { address: ip, card, wireless: true, said: echoes([Some(micros), None, None]) };
            told(Gateway::ID, &Gateway::judge(Inputs { route: Ok(String::new()), neighbours: Ok(table), routers: vec![router] }));
        }
    }
}
