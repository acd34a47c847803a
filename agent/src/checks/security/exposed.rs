//! `security.exposed`: open ports that are a risk where strangers can reach them.
//!
//! Judged by port number and protocol, as whoever scans a network would. Nothing is probed: a firewall in between isn't seen
//! here (`security.firewall` tells), and a service on an unusual port stays unnamed.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::socket::{Open, Sockets};
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Most findings of each kind; the table has the rest.
const FINDINGS: usize = 8;

/// What whoever reaches the port gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gets {
    /// The computer, without a password.
    All,
    /// The screen or a command line, after a password.
    Control,
    /// A page or protocol that administers something.
    Settings,
    /// What a database or share holds.
    Data,
}

/// Ports by IANA's service names and the projects' own documentation; sorted by port.
const RISKS: [(&str, u16, &str, Gets); 62] = [
    ("tcp", 21, "FTP", Gets::Data),
    ("tcp", 22, "SSH", Gets::Control),
    ("tcp", 23, "Telnet", Gets::All),
    ("udp", 69, "TFTP", Gets::Data),
    ("tcp", 111, "rpcbind", Gets::Settings),
    ("udp", 137, "NetBIOS", Gets::Data),
    ("tcp", 139, "NetBIOS", Gets::Data),
    ("udp", 161, "SNMP", Gets::Settings),
    ("tcp", 445, "SMB", Gets::Data),
    ("tcp", 512, "rexec", Gets::All),
    ("tcp", 513, "rlogin", Gets::All),
    ("tcp", 514, "rsh", Gets::All),
    ("tcp", 548, "AFP", Gets::Data),
    ("tcp", 631, "CUPS", Gets::Settings),
    ("tcp", 873, "rsync", Gets::Data),
    ("tcp", 1099, "Java RMI", Gets::All),
    ("tcp", 1433, "SQL Server", Gets::Data),
    ("tcp", 1521, "Oracle", Gets::Data),
    ("tcp", 1883, "MQTT", Gets::Data),
    ("tcp", 2049, "NFS", Gets::Data),
    ("tcp", 2375, "Docker", Gets::All),
    ("tcp", 2379, "etcd", Gets::Data),
    ("tcp", 3306, "MySQL", Gets::Data),
    ("tcp", 3389, "RDP", Gets::Control),
    ("tcp", 3632, "distcc", Gets::All),
    ("tcp", 4000, "NoMachine", Gets::Control),
    ("tcp", 5005, "Java debugger", Gets::All),
    ("tcp", 5432, "PostgreSQL", Gets::Data),
    ("tcp", 5555, "Android debugger", Gets::All),
    ("tcp", 5601, "Kibana", Gets::Settings),
    ("tcp", 5672, "AMQP", Gets::Data),
    ("tcp", 5800, "VNC", Gets::Control),
    ("tcp", 5900, "VNC", Gets::Control),
    ("tcp", 5901, "VNC", Gets::Control),
    ("tcp", 5902, "VNC", Gets::Control),
    ("tcp", 5938, "TeamViewer", Gets::Control),
    ("tcp", 5984, "CouchDB", Gets::Data),
    ("tcp", 5985, "WinRM", Gets::Control),
    ("tcp", 6000, "X11", Gets::All),
    ("tcp", 6001, "X11", Gets::All),
    ("tcp", 6379, "Redis", Gets::Data),
    ("tcp", 6443, "Kubernetes", Gets::Settings),
    ("tcp", 7070, "AnyDesk", Gets::Control),
    ("tcp", 7681, "ttyd", Gets::All),
    ("tcp", 8086, "InfluxDB", Gets::Data),
    ("tcp", 8384, "Syncthing", Gets::Settings),
    ("tcp", 8500, "Consul", Gets::Settings),
    ("tcp", 8888, "Jupyter", Gets::Settings),
    ("tcp", 9000, "Portainer", Gets::Settings),
    ("tcp", 9042, "Cassandra", Gets::Data),
    ("tcp", 9090, "Cockpit", Gets::Settings),
    ("tcp", 9200, "Elasticsearch", Gets::Data),
    ("tcp", 9222, "browser debugger", Gets::All),
    ("tcp", 9229, "Node.js debugger", Gets::All),
    ("tcp", 10000, "Webmin", Gets::Settings),
    ("tcp", 10250, "Kubernetes", Gets::Settings),
    ("tcp", 11211, "memcached", Gets::Data),
    ("udp", 11211, "memcached", Gets::Data),
    ("tcp", 11434, "Ollama", Gets::Settings),
    ("tcp", 15672, "RabbitMQ", Gets::Settings),
    ("tcp", 27017, "MongoDB", Gets::Data),
    ("tcp", 50000, "Jenkins", Gets::Settings),
];

pub(crate) struct Exposed;

impl Check for Exposed {
    const ID: &'static str = "security.exposed";
    type Inputs = Sockets;

    fn gather(_: &Arguments) -> Result<Sockets, Failure> {
        Ok(Sockets::of(&Machine::this()))
    }

    fn judge(inputs: Sockets) -> Draft {
        let mut draft = Draft::default();
        if let Some(why) = inputs.unread() {
            draft.finding(Severity::Unknown, "exposed-unknown", &[], why);
            return draft;
        }
        let open = inputs.open();
        let reachable = open.iter().filter(|open| open.exposed).count() as u64;
        let found: Vec<(&str, &Open, Gets)> = RISKS
            .iter()
            .filter_map(|&(protocol, port, service, gets)| {
                let found = |open: &&Open| open.exposed && open.port == port && open.protocol == protocol;
                open.iter().find(found).map(|open| (service, open, gets))
            })
            .collect();
        draft.fact("reachable", reachable, "");
        draft.fact("risky", found.len() as u64, "");
        for gets in [Gets::All, Gets::Control, Gets::Settings, Gets::Data] {
            let of_kind = found.iter().filter(|(.., kind)| *kind == gets).take(FINDINGS);
            of_kind.for_each(|(service, open, _)| say(&mut draft, gets, service, open));
        }
        if found.is_empty() {
            let evidence = format!("/proc/net: {reachable} reachable ports, none of {} known ones", RISKS.len());
            draft.finding(Severity::Ok, "exposed-ok", &[], evidence);
        }
        let row = |(service, open, gets): (&str, &Open, Gets)| -> Vec<Value> {
            let program = open.program.clone().unwrap_or_default();
            vec![service.into(), u32::from(open.port).into(), gets.word().into(), program.into()]
        };
        draft.table("services", &["service", "port", "gets", "program"], found.into_iter().map(row).collect());
        draft
    }
}

fn say(draft: &mut Draft, gets: Gets, service: &str, open: &Open) {
    let (severity, finding) = match gets {
        Gets::All => (Severity::Critical, "open-without-password"),
        Gets::Control => (Severity::Warning, "remote-control"),
        Gets::Settings => (Severity::Warning, "settings-offered"),
        Gets::Data => (Severity::Warning, "shared-data"),
    };
    let values = [("port", u32::from(open.port).into()), ("service", service.into())];
    let program = open.program.as_deref().unwrap_or("unknown program");
    draft.finding(severity, finding, &values, format!("/proc/net/{}: port {}, {program}", open.protocol, open.port));
}

impl Gets {
    fn word(self) -> &'static str {
        match self {
            Self::All => "everything",
            Self::Control => "control",
            Self::Settings => "settings",
            Self::Data => "data",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, recorded, told};
    use crate::checks::security::socket;

    fn one(address: &str, port: u16, state: &str) -> Sockets {
        socket::recorded::lines(&[(address, port, "00000000", state)])
    }

    #[test]
    fn the_list_names_each_port_once() {
        assert!(RISKS.windows(2).all(|pair| (pair[0].1, pair[0].0) < (pair[1].1, pair[1].0)));
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn a_laptop_that_shares_too_much() {
        let found = findings::<Exposed>(socket::recorded::machine(&recorded("laptop-full")));
        assert_eq!(found, ["open-without-password", "remote-control", "remote-control", "shared-data"]);
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn only_what_waits_and_can_be_reached_is_judged() {
        for (inputs, found) in [
            (one("00000000", 3389, "0A"), "remote-control"),
            (one("0101A8C0", 3389, "0A"), "remote-control"),
            (one("0100007F", 3389, "0A"), "exposed-ok"),
            (one("00000000", 3389, "01"), "exposed-ok"),
            (one("00000000", 3388, "0A"), "exposed-ok"),
            (one("00000000", 3390, "0A"), "exposed-ok"),
        ] {
            assert_eq!(findings::<Exposed>(inputs), [found]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Exposed>(vec![
            socket::recorded::machine(&recorded("laptop-full")),
            one("00000000", 631, "0A"),
            one("00000000", 9, "0A"),
            Sockets { tables: vec![Err(Unread::Denied)], owners: BTreeMap::new() },
            Sockets { tables: vec![], owners: BTreeMap::new() },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "(.*\n)*|( [0-9]: [0-9A-F]{8}:[0-9A-F]{0,5} 00000000:0 0A( [0-9]*){0,9}\n)*") {
            told(Exposed::ID, &Exposed::judge(socket::recorded::any(&text)));
        }
    }
}
