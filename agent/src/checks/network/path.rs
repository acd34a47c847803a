//! `network.path`: the way to the internet, step by step; it stops at the first broken one and names it.
//!
//! Link → address → gateway → names → sign-in page → proxy → encryption and clock → internet. Everything is asked at once, so
//! that a dead network costs one wait, and then judged in order: what lies behind a broken step can't be known. Each step
//! is a pure function of what was seen. Places asked: the PC's own router and name servers and [`super::targets`];
//! nothing of the person goes there. (SECURITY D3)

use std::collections::BTreeMap;
use std::net::IpAddr;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::captive_portal::verdict;
use super::dns;
use super::gateway::{self, Router};
use super::http::{Meaning, meaning};
use super::probe::{Reach, connect_all};
use super::proxy::{self, Set};
use super::resolve::{Answer, ask};
use super::targets::{CHECK_PAGES, HTTPS, INTERNET_V4, INTERNET_V6};
use super::tls::{self, Verdict};
use super::{address, card};
use crate::checks::machine::{Machine, Reading};
use crate::checks::{Check, Failure};

/// The name that is looked for: it exists for such uses (RFC 2606).
const NAME: &str = "example.com";
/// Seconds by which a clock has to be off before certificates fail by it.
const CLOCK: u64 = 86_400;
/// The steps, in order.
const LAYERS: [(&str, fn(&Inputs) -> Layer); 8] = [
    ("link", link),
    ("address", address_layer),
    ("gateway", gateway_layer),
    ("names", names),
    ("sign-in page", portal),
    ("proxy", proxy_layer),
    ("encryption", encryption),
    ("internet", internet),
];

pub(crate) struct Path;

pub(crate) struct Inputs {
    /// Cards, and whether they carry something.
    cards: Vec<(String, bool)>,
    addresses: Option<BTreeMap<String, Vec<(IpAddr, u8)>>>,
    neighbours: Reading,
    /// Whether there is any default route; nothing if that can't be read.
    leads_out: Option<bool>,
    routers: Vec<Router>,
    servers: usize,
    direct: Vec<Answer>,
    system: Answer,
    proxy: Set,
    pages: Vec<Meaning>,
    encryption: Verdict,
    internet: Vec<Reach>,
}

/// How a step is.
struct Layer {
    state: State,
    evidence: String,
}

enum State {
    Works,
    /// It can't be told; the next step may say more.
    Unknown,
    /// With the finding that names it.
    Broken(&'static str),
}

impl Check for Path {
    const ID: &'static str = "network.path";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        gather().map_err(Failure::Exhausted)
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let mut rows: Vec<Vec<Value>> = Vec::new();
        let mut broken = None;
        for (name, judge) in LAYERS {
            if broken.is_some() {
                rows.push(vec![name.into(), "not looked at".into(), "".into()]);
                continue;
            }
            let layer = judge(&inputs);
            let state = match layer.state {
                State::Works => "works",
                State::Unknown => "unknown",
                State::Broken(finding) => {
                    broken = Some((name, finding, layer.evidence.clone()));
                    "broken"
                }
            };
            rows.push(vec![name.into(), state.into(), layer.evidence.into()]);
        }
        draft.table("layers", &["layer", "state", "evidence"], rows);
        match broken {
            None => {
                draft.fact("broken", "none", "");
                draft.finding(Severity::Ok, "path-ok", &[], internet(&inputs).evidence);
            }
            Some((name, finding, evidence)) => {
                draft.fact("broken", name, "");
                let values = match inputs.encryption {
                    Verdict::Clock(off) if finding == "clock" => vec![("minutes", (off / 60).into())],
                    _ => vec![],
                };
                draft.finding(Severity::Critical, finding, &values, evidence);
            }
        }
        draft
    }
}

/// Looks everywhere at once: each part keeps to the same short time by itself.
fn gather() -> std::io::Result<Inputs> {
    let machine = Machine::this();
    let (lists, servers) = dns::configured(&machine);
    let spawn = std::thread::Builder::new;
    let asked = servers.clone();
    let routers = spawn().spawn(|| gateway::ask(&Machine::this()))?;
    let names = spawn().spawn(move || ask(NAME, &asked))?;
    let encryption = spawn().spawn(|| tls::gather(&Machine::this()))?;
    let targets: Vec<_> = INTERNET_V4.iter().chain(&INTERNET_V6).map(|ip| (*ip, HTTPS).into()).collect();
    let internet = connect_all(&targets)?;
    let ended = |_| std::io::Error::other("a thread ended badly");
    let (direct, system) = names.join().map_err(ended)??;
    let encryption = encryption.join().map_err(ended)??;
    let routers = routers.join().map_err(ended)??;
    Ok(Inputs {
        cards: cards_from(&machine),
        addresses: card::addresses(),
        neighbours: machine.text("/proc/net/arp"),
        leads_out: lists,
        routers,
        servers: servers.len(),
        direct,
        system,
        proxy: proxy::set(&machine),
        pages: CHECK_PAGES.iter().zip(&encryption.pages).map(|(page, fetched)| meaning(*page, fetched)).collect(),
        encryption: encryption.verdict(),
        internet,
    })
}

/// Cards that are up, or that can't tell and have carried something, as tunnels and containers have.
fn cards_from(machine: &Machine) -> Vec<(String, bool)> {
    let up = |name: &String| {
        let folder = format!("/sys/class/net/{name}");
        match machine.word(&format!("{folder}/operstate")).as_deref() {
            Some("up") => true,
            Some("unknown") => machine.number::<u64>(&format!("{folder}/statistics/rx_packets")).is_some_and(|n| n > 0),
            Some(_) | None => false,
        }
    };
    card::names(machine).into_iter().map(|name| (name.clone(), up(&name))).collect()
}

impl Layer {
    fn new(state: State, evidence: impl Into<String>) -> Self {
        Self { state, evidence: evidence.into() }
    }
}

/// Whether anything on the internet answered, by address or by a sound page.
fn beyond(inputs: &Inputs) -> bool {
    inputs.internet.iter().any(Reach::there) || inputs.pages.contains(&Meaning::Expected)
}

fn link(inputs: &Inputs) -> Layer {
    let up: Vec<String> = inputs.cards.iter().filter(|(_, up)| *up).map(|(name, _)| card::shown(name)).collect();
    if !up.is_empty() {
        Layer::new(State::Works, format!("connected: {}", up.join(", ")))
    } else if inputs.cards.is_empty() || beyond(inputs) {
        Layer::new(State::Unknown, "/sys/class/net shows no connected card")
    } else {
        Layer::new(State::Broken("link"), format!("none of {} cards is connected", inputs.cards.len()))
    }
}

fn address_layer(inputs: &Inputs) -> Layer {
    let Some(all) = &inputs.addresses else { return Layer::new(State::Unknown, "the system refused the list") };
    let given = |ip: &IpAddr| match ip {
        IpAddr::V4(v4) => !v4.is_link_local() && !v4.is_loopback(),
        IpAddr::V6(v6) => !v6.is_unicast_link_local() && !v6.is_loopback(),
    };
    let addresses: Vec<IpAddr> = all.values().flatten().map(|(ip, _)| *ip).filter(given).collect();
    match addresses.iter().find(|ip| ip.is_ipv4()).or(addresses.first()) {
        Some(first) => Layer::new(State::Works, format!("{} addresses, {}", addresses.len(), address::shown(*first))),
        None => Layer::new(State::Broken("address"), "no address but those a card gives itself"),
    }
}

fn gateway_layer(inputs: &Inputs) -> Layer {
    let silent = |router: &&Router| !router.answered() && router.neighbour(&inputs.neighbours) != Some(true);
    let quiet = inputs.routers.iter().filter(silent).count();
    let evidence = format!("{} of {} routers answer", inputs.routers.len() - quiet, inputs.routers.len());
    if beyond(inputs) {
        Layer::new(State::Works, evidence)
    } else if inputs.leads_out == Some(false) {
        Layer::new(State::Broken("no-router"), "no default route over IPv4 or IPv6")
    } else if inputs.routers.is_empty() {
        // A tunnel or a modem: the way out has no router that could be asked.
        Layer::new(State::Unknown, "the way out names no router")
    } else if quiet == inputs.routers.len() {
        Layer::new(State::Broken("router"), evidence)
    } else {
        Layer::new(State::Works, evidence)
    }
}

fn names(inputs: &Inputs) -> Layer {
    let direct = inputs.direct.iter().filter(|answer| answer.found().is_some()).count();
    let evidence = format!("{direct} of {} servers found {NAME}; the system: {}", inputs.servers, inputs.system.said());
    if inputs.system.found().is_some() {
        Layer::new(State::Works, evidence)
    } else if direct > 0 {
        Layer::new(State::Broken("names-here"), evidence)
    } else if inputs.servers == 0 {
        Layer::new(State::Broken("no-name-server"), "/etc/resolv.conf has no nameserver")
    } else if beyond(inputs) {
        Layer::new(State::Broken("names"), evidence)
    } else {
        // Where nothing beyond the router answers, names can't be found either: that isn't their fault.
        Layer::new(State::Unknown, evidence)
    }
}

fn portal(inputs: &Inputs) -> Layer {
    let words: Vec<&str> = inputs.pages.iter().map(|meant| super::captive_portal::word(*meant)).collect();
    let state = match verdict(&inputs.pages) {
        (Severity::Critical | Severity::Warning, _) => State::Broken("portal"),
        (Severity::Ok, _) => State::Works,
        (Severity::Unknown, _) => State::Unknown,
    };
    Layer::new(state, format!("test pages: {}", words.join(", ")))
}

fn proxy_layer(inputs: &Inputs) -> Layer {
    match inputs.proxy {
        Set { stopped: true, .. } => Layer::new(State::Broken("proxy"), "set to this computer, and nobody listens"),
        Set { count: 0, .. } => Layer::new(State::Works, "none set"),
        Set { count, .. } if beyond(inputs) => Layer::new(State::Works, format!("{count} set")),
        // Behind a proxy the direct way may be closed on purpose: then the steps after it say nothing.
        Set { count, .. } => Layer::new(State::Unknown, format!("{count} set; the direct way is closed")),
    }
}

fn encryption(inputs: &Inputs) -> Layer {
    let (state, evidence) = match inputs.encryption {
        Verdict::Clock(off) if off >= CLOCK => (State::Broken("clock"), format!("the clock is off by {off} s")),
        Verdict::Clock(off) => (State::Works, format!("the clock is off by {off} s")),
        Verdict::Untrusted => (State::Broken("not-trusted"), "certificates of nobody this computer trusts".into()),
        Verdict::Read(product) => {
            (State::Works, format!("read on the way by {}", product.unwrap_or("an added authority")))
        }
        Verdict::Old | Verdict::Cut if beyond(inputs) => {
            (State::Broken("encrypted-cut"), "connections open, handshakes fail".into())
        }
        Verdict::Sound => (State::Works, "certificates of public authorities".into()),
        Verdict::Newer => (State::Works, "certificates of a newer authority".into()),
        Verdict::Old | Verdict::Cut => (State::Unknown, "no handshake".into()),
        Verdict::NoList => (State::Unknown, "no list of authorities to judge by".into()),
        Verdict::Silent => (State::Unknown, "no site answered".into()),
    };
    Layer::new(state, evidence)
}

fn internet(inputs: &Inputs) -> Layer {
    let words: Vec<&str> = inputs.internet.iter().map(Reach::word).collect();
    let state = if beyond(inputs) { State::Works } else { State::Broken("internet") };
    Layer::new(state, format!("public addresses: {}", words.join(", ")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::network::probe::Outcome;
    use crate::checks::network::resolve::Outcome as Name;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn name(found: bool) -> Answer {
        let found = if found { Name::Found(vec!["93.184.215.14".parse().unwrap()]) } else { Name::Silent };
        Answer { outcome: found, took: 9 }
    }

    fn reach(outcome: Outcome) -> Vec<Reach> {
        vec![Reach { outcome, micros: 9 }; 4]
    }

    /// A PC on which everything works.
    fn works() -> Inputs {
        Inputs {
            cards: vec![("eth0".into(), true)],
            addresses: Some([("eth0".to_owned(), vec![("192.168.1.2".parse().unwrap(), 24)])].into()),
            neighbours: recorded("desktop-fine").text("/proc/net/arp"),
            leads_out: Some(true),
            routers: vec![gateway::tests::router_that(true)],
            servers: 1,
            direct: vec![name(true)],
            system: name(true),
            proxy: Set { count: 0, stopped: false },
            pages: vec![Meaning::Expected, Meaning::Expected],
            encryption: Verdict::Sound,
            internet: reach(Outcome::Open),
        }
    }

    /// The same PC when nothing beyond its own network answers.
    fn offline() -> Inputs {
        Inputs {
            direct: vec![name(false)],
            system: name(false),
            pages: vec![Meaning::Nameless, Meaning::Nameless],
            encryption: Verdict::Silent,
            internet: reach(Outcome::Silent),
            ..works()
        }
    }

    fn no_router() -> Inputs {
        Inputs { routers: vec![], leads_out: Some(false), ..offline() }
    }

    #[test]
    fn the_first_broken_step_is_named() {
        let link = || Inputs { cards: vec![("eth0".into(), false)], addresses: Some(BTreeMap::new()), ..no_router() };
        let own = [("eth0".to_owned(), vec![("169.254.3.1".parse().unwrap(), 16), ("fe80::1".parse().unwrap(), 64)])];
        let silent = Reading::Ok(String::new());
        let portal = |page| Inputs { pages: vec![page; 2], internet: reach(Outcome::Silent), ..works() };
        let tls = |encryption| Inputs { encryption, ..works() };
        for (inputs, said) in [
            (works(), "path-ok"),
            (link(), "link"),
            (Inputs { addresses: Some(own.into()), ..no_router() }, "address"),
            (no_router(), "no-router"),
            (Inputs { routers: vec![gateway::tests::router_that(false)], neighbours: silent, ..offline() }, "router"),
            (Inputs { servers: 0, direct: vec![], ..offline() }, "no-name-server"),
            (Inputs { internet: reach(Outcome::Open), ..offline() }, "names"),
            (Inputs { system: name(false), ..works() }, "names-here"),
            (portal(Meaning::Portal), "portal"),
            (portal(Meaning::Changed), "portal"),
            (Inputs { proxy: Set { count: 1, stopped: true }, ..works() }, "proxy"),
            (tls(Verdict::Clock(CLOCK - 1)), "path-ok"),
            (tls(Verdict::Clock(CLOCK)), "clock"),
            (tls(Verdict::Clock(CLOCK + 1)), "clock"),
            (tls(Verdict::Untrusted), "not-trusted"),
            (tls(Verdict::Read(None)), "path-ok"),
            (tls(Verdict::Cut), "encrypted-cut"),
            (tls(Verdict::Old), "encrypted-cut"),
            (offline(), "internet"),
        ] {
            assert_eq!(findings::<Path>(inputs), [said]);
        }
    }

    #[test]
    fn what_lies_behind_a_broken_step_is_not_looked_at() {
        let draft = Path::judge(no_router());
        let states: Vec<String> = draft.tables[0].rows.iter().map(|row| row[1].to_string()).collect();
        assert_eq!(states[..3], ["works", "works", "broken"]);
        assert!(states[3..].iter().all(|state| state == "not looked at"));
        assert_eq!(draft.tables[0].rows.len(), LAYERS.len());
    }

    #[test]
    fn what_works_further_out_speaks_for_a_silent_router() {
        let quiet =
            || Inputs { routers: vec![gateway::tests::router_that(false)], neighbours: Ok(String::new()), ..works() };
        assert_eq!(findings::<Path>(quiet()), ["path-ok"]);
        let behind = Inputs { proxy: Set { count: 1, stopped: false }, ..offline() };
        assert!(matches!(proxy_layer(&behind).state, State::Unknown));
        let container = Inputs { cards: vec![], addresses: None, routers: vec![], leads_out: None, ..works() };
        assert_eq!(findings::<Path>(container), ["path-ok"]);
    }

    #[test]
    fn machines_are_read() {
        assert_eq!(cards_from(&recorded("desktop-fine")), [("enp4s0".to_owned(), true)]);
        let cards = cards_from(&recorded("network-fedora-vpn"));
        assert!(cards.contains(&("wlp0s20f3".to_owned(), true)) && cards.contains(&("wg-acme".to_owned(), true)));
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Path>(vec![
            works(),
            Inputs { cards: vec![("eth0".into(), false)], ..no_router() },
            Inputs { addresses: Some(BTreeMap::new()), ..no_router() },
            no_router(),
            Inputs { routers: vec![gateway::tests::router_that(false)], neighbours: Ok(String::new()), ..offline() },
            Inputs { servers: 0, direct: vec![], ..offline() },
            Inputs { internet: reach(Outcome::Open), ..offline() },
            Inputs { system: name(false), ..works() },
            Inputs { pages: vec![Meaning::Portal], ..works() },
            Inputs { proxy: Set { count: 1, stopped: true }, ..works() },
            Inputs { encryption: Verdict::Clock(CLOCK), ..works() },
            Inputs { encryption: Verdict::Untrusted, ..works() },
            Inputs { encryption: Verdict::Cut, ..works() },
            offline(),
        ]);
    }

    proptest! {
        #[test]
        fn any_state_is_judged(name in ".{0,20}", up in any::<bool>(), ip in any::<IpAddr>(), servers in 0..4_usize, off in any::<u64>()) {
            let addresses = Some([(name.clone(), vec![(ip, 0)])].into());
            let inputs = Inputs { cards: vec![(name, up)], addresses, servers, encryption: Verdict::Clock(off), ..offline() };
            told(Path::ID, &Path::judge(inputs));
        }
    }
}
