//! `network.dns`: the way to the internet and whether names are found.
//!
//! Each configured server is asked directly and the system as programs do: where the two differ is the diagnosis. Public
//! names come from a compiled list (SECURITY D3).

use std::net::IpAddr;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::address::{is_inside, shown, shown_server};
use super::resolve::{Answer, ask, ask_missing};
use super::route::{answers, gateways, leads_out_v6};
use crate::checks::machine::{Machine, Reading};
use crate::checks::{Check, Failure};

/// Most servers that are asked; resolv.conf(5) itself uses three.
const SERVERS_MAX: usize = 4;
/// Milliseconds from which finding a name is slow. Our choice: a page needs ten names or more.
const SLOW: u64 = 1_000;
/// systemd-resolved's own address, and where it keeps the servers behind it: systemd-resolved(8).
const STUB: &str = "127.0.0.53";

pub(crate) struct Dns;

pub(crate) struct Inputs {
    name: String,
    files: Files,
    /// In the order of [`Files::servers`].
    direct: Vec<Answer>,
    /// What each says to a name that doesn't exist.
    missing: Vec<Answer>,
    system: Answer,
}

struct Files {
    route: Reading,
    route_v6: Reading,
    neighbours: Reading,
    resolver: Reading,
    behind_stub: Reading,
}

impl Check for Dns {
    const ID: &'static str = "network.dns";
    type Inputs = Inputs;

    fn gather(arguments: &Arguments) -> Result<Inputs, Failure> {
        let name = arguments.get("name").ok_or(Failure::Argument("name"))?.clone();
        let before = files_from(&Machine::this());
        let servers = before.servers();
        let missing = std::thread::Builder::new().spawn(move || ask_missing(&servers)).map_err(Failure::Exhausted)?;
        let (direct, system) = ask(&name, &before.servers()).map_err(Failure::Exhausted)?;
        // A thread that ended badly learnt nothing; what the others found still counts.
        let missing = missing.join().ok().transpose().map_err(Failure::Exhausted)?.unwrap_or_default();
        // Asking woke the router up, if it is there: look at the neighbours only now.
        let neighbours = Machine::this().text("/proc/net/arp");
        Ok(Inputs { name, files: Files { neighbours, ..before }, direct, missing, system })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        way_out(&mut draft, &inputs.files);
        names(&mut draft, &inputs);
        if draft.findings.iter().all(|finding| finding.severity == Severity::Unknown) {
            let evidence = format!("{} found in {} ms", inputs.name, inputs.system.took);
            draft.finding(Severity::Ok, "dns-ok", &[], evidence);
        }
        draft
    }
}

/// Whether there is a default route, where that can be told, and the name servers in their order.
pub(super) fn configured(machine: &Machine) -> (Option<bool>, Vec<IpAddr>) {
    let files = files_from(machine);
    let v4 = files.route.as_deref().ok().map(|text| !gateways(text).is_empty());
    let v6 = files.route_v6.as_deref().ok().map(leads_out_v6);
    let leads_out = if v4.is_none() && v6.is_none() { None } else { Some(v4 == Some(true) || v6 == Some(true)) };
    (leads_out, files.servers())
}

fn files_from(machine: &Machine) -> Files {
    Files {
        route: machine.text("/proc/net/route"),
        route_v6: machine.text("/proc/net/ipv6_route"),
        neighbours: machine.text("/proc/net/arp"),
        resolver: machine.text("/etc/resolv.conf"),
        behind_stub: machine.text("/run/systemd/resolve/resolv.conf"),
    }
}

impl Files {
    /// The configured servers; behind systemd's own address also those it asks.
    fn servers(&self) -> Vec<IpAddr> {
        let mut servers = self.resolver.as_deref().map_or(Vec::new(), nameservers);
        if servers.iter().any(|server| server.to_string() == STUB) {
            servers.extend(self.behind_stub.as_deref().map_or(Vec::new(), nameservers));
        }
        let mut once = Vec::new();
        for server in servers {
            if !once.contains(&server) {
                once.push(server);
            }
        }
        once.truncate(SERVERS_MAX);
        once
    }
}

/// `nameserver` lines of resolv.conf(5). An address with a zone (`fe80::1%wlan0`) can't be asked without it and is left.
fn nameservers(text: &str) -> Vec<IpAddr> {
    let server = |line: &str| line.trim().strip_prefix("nameserver")?.split_whitespace().next()?.parse().ok();
    text.lines().filter_map(server).collect()
}

fn way_out(draft: &mut Draft, files: &Files) {
    let route = match &files.route {
        Ok(text) => text,
        Err(error) => {
            return draft.finding(Severity::Unknown, "route-unknown", &[], format!("/proc/net/route {error}"));
        }
    };
    let gateways = gateways(route);
    if gateways.is_empty() && !files.route_v6.as_deref().is_ok_and(leads_out_v6) {
        let evidence = "/proc/net/route and ipv6_route have no default route";
        return draft.finding(Severity::Critical, "no-gateway", &[], evidence);
    }
    for gateway in gateways.iter().filter(|gateway| !gateway.is_unspecified()) {
        draft.fact("gateway", shown(IpAddr::V4(*gateway)), "");
        let Some(answers) = files.neighbours.as_ref().ok().and_then(|text| answers(text, *gateway)) else { continue };
        draft.fact("gateway-answers", answers, "");
        if !answers {
            let evidence = format!("/proc/net/arp {}: no hardware address", shown(IpAddr::V4(*gateway)));
            draft.finding(Severity::Critical, "gateway-silent", &[], evidence);
        }
    }
}

fn names(draft: &mut Draft, inputs: &Inputs) {
    let servers = inputs.files.servers();
    let name = ("name", Value::from(inputs.name.clone()));
    let row = |(server, answer): (&IpAddr, &Answer)| -> Vec<Value> {
        vec![shown_server(*server).into(), answer.found().is_some().into(), answer.took.into()]
    };
    let rows = servers.iter().zip(&inputs.direct).map(row).collect();
    draft.table("servers", &["server", "answers", "took"], rows);
    draft.fact("name", inputs.name.clone(), "");
    draft.fact("system-answers", inputs.system.found().is_some(), "");
    draft.fact("system-took", inputs.system.took, "ms");

    let found = inputs.direct.iter().filter_map(Answer::found).count();
    match (found, inputs.system.found()) {
        (0, None) if servers.is_empty() => {
            draft.finding(Severity::Critical, "no-name-server", &[], "/etc/resolv.conf has no nameserver");
        }
        (0, None) => {
            let evidence = format!("{} servers and the system: {}", servers.len(), inputs.system.said());
            draft.finding(Severity::Critical, "names-broken", std::slice::from_ref(&name), evidence);
        }
        (found, None) => {
            let evidence =
                format!("{found} of {} servers found it; the system: {}", servers.len(), inputs.system.said());
            draft.finding(Severity::Critical, "system-broken", std::slice::from_ref(&name), evidence);
        }
        (_, Some(addresses)) => {
            if addresses.iter().all(|address| is_inside(*address)) {
                let evidence = format!("{} is {}", inputs.name, shown(addresses[0]));
                draft.finding(Severity::Warning, "name-redirected", std::slice::from_ref(&name), evidence);
            }
            if inputs.system.took >= SLOW {
                let evidence = format!("{} took {} ms", inputs.name, inputs.system.took);
                let values = [("milliseconds", inputs.system.took.into())];
                draft.finding(Severity::Warning, "slow-answers", &values, evidence);
            }
        }
    }
    differences(draft, inputs, &servers, &name);
    // When nothing is found at all, one sentence about it is enough.
    if found > 0 || inputs.system.found().is_some() {
        for (server, answer) in servers.iter().zip(&inputs.direct).filter(|(_, answer)| answer.found().is_none()) {
            let values = [("server", shown_server(*server).into()), name.clone()];
            let evidence = format!("{}: {} after {} ms", shown_server(*server), answer.said(), answer.took);
            draft.finding(Severity::Warning, "server-fails", &values, evidence);
        }
    }
}

/// Servers that answer as the others wouldn't: with a page of their own in the place of an error, or with an address of
/// this network in the place of one on the internet.
fn differences(draft: &mut Draft, inputs: &Inputs, servers: &[IpAddr], name: &(&str, Value)) {
    for (server, _) in servers.iter().zip(&inputs.missing).filter(|(_, answer)| answer.found().is_some()) {
        let values = [("server", shown_server(*server).into())];
        let evidence = format!("{}: an address for a name that does not exist", shown_server(*server));
        draft.finding(Severity::Warning, "errors-redirected", &values, evidence);
    }
    let inside = |answer: &Answer| answer.found().map(|found| found.iter().all(|address| is_inside(*address)));
    let kinds: Vec<(&IpAddr, bool)> =
        servers.iter().zip(&inputs.direct).filter_map(|(server, answer)| Some((server, inside(answer)?))).collect();
    if kinds.iter().any(|(_, inside)| !inside) {
        for (server, _) in kinds.iter().filter(|(_, inside)| *inside) {
            let values = [("server", shown_server(**server).into()), name.clone()];
            let evidence = format!("{}: an address inside; other servers: one outside", shown_server(**server));
            draft.finding(Severity::Warning, "answers-differ", &values, evidence);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::network::resolve::Outcome;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    const PUBLIC: &str = "93.184.215.14";

    fn found(address: &str, took: u64) -> Answer {
        Answer { outcome: Outcome::Found(vec![address.parse().unwrap()]), took }
    }

    fn silent() -> Answer {
        Answer { outcome: Outcome::Silent, took: 2_500 }
    }

    fn at(machine: &str, direct: Vec<Answer>, system: Answer) -> Inputs {
        let missing = vec![Answer { outcome: Outcome::NoSuchName, took: 9 }; direct.len()];
        Inputs { name: "example.com".into(), files: files_from(&recorded(machine)), direct, missing, system }
    }

    #[test]
    fn servers_behind_the_stub_are_asked_too() {
        let servers = |machine: &str| files_from(&recorded(machine)).servers();
        let text = |servers: Vec<IpAddr>| servers.iter().map(IpAddr::to_string).collect::<Vec<_>>();
        assert_eq!(text(servers("desktop-fine")), ["127.0.0.53", "192.168.1.1", "9.9.9.9"]);
        assert_eq!(text(servers("laptop-full")), ["192.168.1.1"]);
        assert!(servers("container").is_empty());
    }

    #[test]
    fn where_the_two_ways_differ_is_the_diagnosis() {
        let ok = || found(PUBLIC, 20);
        let no = |outcome| Answer { outcome, took: 3 };
        for (direct, system, said) in [
            (vec![ok(), ok(), ok()], ok(), &["dns-ok"][..]),
            (vec![ok(), ok(), silent()], ok(), &["server-fails"]),
            (vec![ok(), ok(), no(Outcome::NoSuchName)], ok(), &["server-fails"]),
            (vec![ok(), ok(), ok()], silent(), &["system-broken"]),
            (vec![silent(), silent(), silent()], silent(), &["names-broken"]),
            (vec![ok(), ok(), ok()], no(Outcome::Refused("EAI_AGAIN".into())), &["system-broken"]),
            (vec![ok(), ok(), ok()], found("192.168.1.1", 20), &["name-redirected"]),
        ] {
            assert_eq!(findings::<Dns>(at("desktop-fine", direct, system)), said);
        }
    }

    #[test]
    fn a_server_that_stands_out_is_named() {
        let direct = vec![found(PUBLIC, 9), found("192.168.1.1", 9), found(PUBLIC, 9)];
        assert_eq!(findings::<Dns>(at("desktop-fine", direct, found(PUBLIC, 9))), ["answers-differ"]);
        let mut inputs = at("desktop-fine", vec![found(PUBLIC, 9); 3], found(PUBLIC, 9));
        inputs.missing[2] = found("83.44.1.9", 9);
        let draft = Dns::judge(inputs);
        assert_eq!(draft.findings[0].values["server"], "9.9.9.9".into());
        assert_eq!(told(Dns::ID, &draft).findings[0].id, "errors-redirected");
    }

    #[test]
    fn slow_below_at_and_above() {
        for (took, said) in [(SLOW - 1, "dns-ok"), (SLOW, "slow-answers"), (SLOW + 1, "slow-answers")] {
            let direct = vec![found(PUBLIC, 9); 3];
            assert_eq!(findings::<Dns>(at("desktop-fine", direct, found(PUBLIC, took))), [said]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        let nowhere = at("container", vec![], silent());
        let mut unreadable = at("container", vec![], found(PUBLIC, 1));
        unreadable.files.route = Err(Unread::Denied);
        assert_eq!(findings::<Dns>(at("container", vec![], silent())), ["no-gateway", "no-name-server"]);
        assert_eq!(findings::<Dns>(at("laptop-full", vec![silent()], silent())), ["gateway-silent", "names-broken"]);
        let mut differ = at("desktop-fine", vec![found(PUBLIC, 1), found("10.0.0.1", 1)], found(PUBLIC, 1));
        differ.missing[0] = found(PUBLIC, 1);
        all_is_said::<Dns>(vec![
            differ,
            nowhere,
            unreadable,
            at("laptop-full", vec![silent()], silent()),
            at("laptop-full", vec![silent()], found("10.0.0.1", 2_000)),
            at("laptop-full", vec![found(PUBLIC, 1)], silent()),
            at("desktop-fine", vec![found(PUBLIC, 1); 3], found(PUBLIC, 1)),
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(route in ".*", resolver in "(nameserver .*\n)*|.*", ips in any::<Vec<IpAddr>>(), took in any::<u64>()) {
            let text = || Ok(route.clone());
            let files = Files {
                route: text(), route_v6: text(), neighbours: text(), resolver: Ok(resolver.clone()), behind_stub: Ok(resolver),
            };
            let answer = Answer { outcome: Outcome::Found(ips), took };
            told(Dns::ID, &Dns::judge(Inputs { name: route, files, direct: vec![answer.clone()], missing: vec![answer.clone()], system: answer }));
        }
    }
}
