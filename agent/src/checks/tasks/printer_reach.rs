//! `tasks.printer-reach`: whether each printer that is set up on this PC answers.
//!
//! Only printers the printing service itself has, only the ports printers use, and only whether a connection opens: nothing
//! is sent to a printer. Addresses and serial numbers in a printer's settings never leave the PC. It is *not* a search
//! for printers: nobody can name another device to ask. (SECURITY D3)

use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::ipp::{self, Answer, Bytes};
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Longest wait for a printer. Ones that sleep take a second to wake up.
const LIMIT: Duration = Duration::from_millis(2_500);
/// Most printers that are asked.
const PRINTERS_MAX: usize = 8;
/// Ways to a printer over the network, and their ports (CUPS' backends).
const PORTS: [(&str, u16); 7] =
    [("ipp", 631), ("ipps", 631), ("socket", 9100), ("lpd", 515), ("http", 80), ("https", 443), ("smb", 445)];
/// Ports that a printer's settings may name instead.
const ALLOWED: [u16; 9] = [80, 139, 443, 445, 515, 631, 9100, 9101, 9102];
/// Class of USB interfaces that print.
const USB_PRINTER: &str = "07";

pub(crate) struct PrinterReach;

pub(crate) struct Inputs {
    printers: Bytes,
    /// What came of asking, in the order of the printers.
    reached: Vec<Reach>,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// It took a connection after so many milliseconds, or is plugged in.
    Answers(Option<u64>),
    /// It is there, and the port is closed.
    Refuses,
    /// Nobody answers.
    Silent,
    /// Its name isn't known any more.
    NoName,
    /// No printer is plugged in.
    Unplugged,
    /// There is no way to ask without printing.
    NotAsked,
}

impl Check for PrinterReach {
    const ID: &'static str = "tasks.printer-reach";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let printers = ipp::printers(&["printer-name", "printer-state", "printer-state-reasons", "device-uri"]);
        let answer = printers.as_deref().ok().and_then(Answer::parse);
        let devices: Vec<String> = answer.map_or(Vec::new(), |answer| {
            answer.things.iter().map(|thing| thing.text("device-uri").unwrap_or_default().to_owned()).collect()
        });
        Ok(Inputs { printers, reached: reach_all(&Machine::this(), &devices) })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let answer = match inputs.printers.as_deref().map(Answer::parse) {
            Ok(Some(answer)) => answer,
            Ok(None) => {
                draft.finding(Severity::Unknown, "reach-unknown", &[], "the printing service's answer is no IPP");
                return draft;
            }
            Err(why) => {
                draft.finding(Severity::Unknown, "reach-unknown", &[], why.to_string());
                return draft;
            }
        };
        draft.fact("printers", answer.things.len() as u64, "");
        let mut rows: Vec<Vec<Value>> = Vec::new();
        for (thing, reach) in answer.things.iter().zip(&inputs.reached) {
            let name = thing.text("printer-name").unwrap_or_default();
            let way = way(thing.text("device-uri").unwrap_or_default());
            let offline = thing.texts("printer-state-reasons").any(|reason| reason.starts_with("offline"));
            reach.judge(&mut draft, name, way, offline);
            let took = match reach {
                Reach::Answers(Some(took)) => Value::from(*took),
                Reach::Answers(None) | Reach::Refuses | Reach::Silent | Reach::NoName => "".into(),
                Reach::Unplugged | Reach::NotAsked => "".into(),
            };
            rows.push(vec![name.into(), way.into(), reach.word().into(), took]);
        }
        if answer.things.is_empty() {
            draft.finding(Severity::Warning, "no-printer", &[], "CUPS-Get-Printers: none");
        } else if draft.findings.is_empty() {
            let evidence = format!("{} printers answered", rows.len());
            draft.finding(Severity::Ok, "reach-ok", &[], evidence);
        }
        draft.table("printers", &["printer", "way", "answers", "took"], rows);
        draft
    }
}

impl Reach {
    fn word(self) -> &'static str {
        match self {
            Self::Answers(_) => "yes",
            Self::Refuses => "refuses",
            Self::Silent => "no",
            Self::NoName => "name-unknown",
            Self::Unplugged => "unplugged",
            Self::NotAsked => "not-asked",
        }
    }

    fn judge(self, draft: &mut Draft, name: &str, way: &str, offline: bool) {
        let printer = [("printer", Value::from(name))];
        let evidence = |what: &str| format!("{name} by {way}: {what}");
        match self {
            Self::Answers(_) if offline => {
                let evidence = evidence("connects, but printer-state-reasons says offline");
                draft.finding(Severity::Warning, "printer-says-offline", &printer, evidence);
            }
            Self::Answers(_) => {}
            Self::Refuses => {
                draft.finding(Severity::Critical, "printer-refuses", &printer, evidence("connection refused"));
            }
            Self::Silent => {
                let evidence = evidence(&format!("no answer after {} ms", LIMIT.as_millis()));
                draft.finding(Severity::Critical, "printer-silent", &printer, evidence);
            }
            Self::NoName => {
                draft.finding(Severity::Critical, "printer-name-unknown", &printer, evidence("name not found"));
            }
            Self::Unplugged => {
                let evidence = evidence("no USB interface of class 07");
                draft.finding(Severity::Critical, "printer-unplugged", &printer, evidence);
            }
            Self::NotAsked if offline => {
                let evidence = evidence("printer-state-reasons says offline");
                draft.finding(Severity::Warning, "printer-says-offline", &printer, evidence);
            }
            Self::NotAsked => {
                draft.finding(Severity::Unknown, "not-asked", &printer, evidence("can't be asked without printing"));
            }
        }
    }
}

/// Asks all at once, each with the same bounded time.
fn reach_all(machine: &Machine, devices: &[String]) -> Vec<Reach> {
    let usb = usb_printer(machine);
    let asked: Vec<_> = devices
        .iter()
        .enumerate()
        .map(|(place, device)| match target(device).filter(|_| place < PRINTERS_MAX) {
            Some((host, port)) => {
                let (send, receive) = sync_channel(1);
                // The system's own search for names can't be interrupted: whoever waits too long is left behind.
                std::thread::spawn(move || send.send(connect(&host, port)));
                Err(receive)
            }
            None if way(device) == "usb" && usb == Some(false) => Ok(Reach::Unplugged),
            None if way(device) == "usb" && usb == Some(true) => Ok(Reach::Answers(None)),
            None => Ok(Reach::NotAsked),
        })
        .collect();
    let until = Instant::now() + LIMIT + LIMIT / 2;
    let heard = |receive: std::sync::mpsc::Receiver<Reach>| {
        receive.recv_timeout(until.saturating_duration_since(Instant::now())).unwrap_or(Reach::Silent)
    };
    asked.into_iter().map(|asked| asked.unwrap_or_else(heard)).collect()
}

fn connect(host: &str, port: u16) -> Reach {
    let Ok(found) = (host, port).to_socket_addrs() else { return Reach::NoName };
    let addresses: Vec<SocketAddr> = found.collect();
    // The first address of each family: names of printers have one, seldom two.
    let first = |v4: bool| addresses.iter().find(|address| address.is_ipv4() == v4);
    let mut end = Reach::NoName;
    for address in [first(true), first(false)].into_iter().flatten() {
        let began = Instant::now();
        match TcpStream::connect_timeout(address, LIMIT) {
            Ok(_) => return Reach::Answers(u64::try_from(began.elapsed().as_millis()).ok()),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => end = Reach::Refuses,
            Err(_) if end == Reach::Refuses => {}
            Err(_) => end = Reach::Silent,
        }
    }
    end
}

/// Whether some printer is plugged in; nothing where USB can't be seen.
fn usb_printer(machine: &Machine) -> Option<bool> {
    let devices = "/sys/bus/usb/devices";
    let names = machine.names(devices);
    let prints = |name: &String| {
        machine.word(&format!("{devices}/{name}/bInterfaceClass")).is_some_and(|class| class == USB_PRINTER)
    };
    (!names.is_empty()).then(|| names.iter().any(prints))
}

/// How the printer is reached: the first word of its settings, if it is a known one.
fn way(device: &str) -> &'static str {
    let scheme = device.split(':').next().unwrap_or_default();
    let known = PORTS.iter().map(|(name, _)| *name).chain(["usb", "dnssd", "hp", "hpfax", "cups-pdf", "implicitclass"]);
    known.into_iter().find(|name| *name == scheme).unwrap_or("other")
}

/// Host and port of a network printer; nothing if it has none, or another port than printers have.
fn target(device: &str) -> Option<(String, u16)> {
    let (scheme, rest) = device.split_once("://")?;
    let (_, usual) = PORTS.iter().find(|(name, _)| *name == scheme)?;
    let authority = rest.split(['/', '?']).next()?;
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = match authority.strip_prefix('[') {
        Some(v6) => {
            let (host, after) = v6.split_once(']')?;
            (host, after.strip_prefix(':'))
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = port.map_or(Some(*usual), |port| port.parse().ok())?;
    // CUPS writes the names that printers announce with their spaces escaped; those aren't names of hosts.
    let plain =
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'_'));
    (plain && !host.contains("._tcp") && ALLOWED.contains(&port)).then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use proptest::prelude::*;

    use super::ipp::Unasked;
    use super::ipp::recorded::{Said, answer};
    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn one(device: &str, reason: &str, reach: Reach) -> Inputs {
        let printer = [
            ("printer-name", Said::Text("HP")),
            ("device-uri", Said::Text(device)),
            ("printer-state-reasons", Said::Text(reason)),
        ];
        Inputs { printers: Ok(answer(0, false, &[&printer])), reached: vec![reach] }
    }

    #[test]
    fn only_printers_ports_are_asked() {
        for (device, expected) in [
            ("ipp://192.168.1.40/ipp/print", Some(("192.168.1.40", 631))),
            ("ipps://HP5CEA1D.local:443/ipp/print", Some(("HP5CEA1D.local", 443))),
            ("socket://printer:9101", Some(("printer", 9101))),
            ("lpd://user:word@printer/queue", Some(("printer", 515))),
            ("socket://[fe80::1]:9100", Some(("fe80::1", 9100))),
            ("socket://router:22", None),
            ("socket://router:99999", None),
            ("ipp://HP%20LaserJet._ipp._tcp.local/", None),
            ("dnssd://HP%20LaserJet._ipp._tcp.local/?uuid=1", None),
            ("usb://HP/LaserJet?serial=X1", None),
            ("ipp://", None),
            ("", None),
        ] {
            assert_eq!(target(device), expected.map(|(host, port)| (host.to_owned(), port)), "{device}");
        }
    }

    #[test]
    fn a_port_that_is_open_and_one_that_is_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(matches!(connect("127.0.0.1", port), Reach::Answers(Some(_))));
        drop(listener);
        assert_eq!(connect("127.0.0.1", port), Reach::Refuses);
        assert_eq!(connect("name.invalid", 631), Reach::NoName);
    }

    #[test]
    fn printers_beyond_the_limit_are_not_asked() {
        let devices = vec!["socket://127.0.0.1:9102".to_owned(); PRINTERS_MAX + 1];
        let reached = reach_all(&recorded("container"), &devices);
        assert!(reached[..PRINTERS_MAX].iter().all(|reach| *reach != Reach::NotAsked));
        assert_eq!(reached[PRINTERS_MAX], Reach::NotAsked);
    }

    #[test]
    fn a_usb_printer_is_seen_by_its_class() {
        let device = vec!["usb://HP/LaserJet%201020?serial=JL12345".to_owned()];
        assert_eq!(reach_all(&recorded("ubuntu-laptop"), &device), [Reach::Answers(None)]);
        assert_eq!(reach_all(&recorded("arch-desktop"), &device), [Reach::Unplugged]);
        assert_eq!(reach_all(&recorded("container"), &device), [Reach::NotAsked]);
    }

    #[test]
    fn everything_declared_is_said_and_no_address() {
        let device = "ipp://192.168.77.40/ipp/print?serial=JL12345";
        for reach in [Reach::Silent, Reach::Refuses, Reach::NoName] {
            let said = format!("{:?}", PrinterReach::judge(one(device, "none", reach)));
            assert!(!said.contains("192.168.77") && !said.contains("JL12345"));
        }
        assert_eq!(findings::<PrinterReach>(one(device, "offline-report", Reach::NotAsked)), ["printer-says-offline"]);
        let runs = [Reach::Answers(Some(3)), Reach::Refuses, Reach::Silent, Reach::NoName, Reach::Unplugged];
        let mut runs: Vec<Inputs> = runs.into_iter().map(|reach| one(device, "none", reach)).collect();
        runs.push(one("dnssd://x", "none", Reach::NotAsked));
        runs.push(one(device, "offline-report", Reach::Answers(None)));
        runs.push(Inputs { printers: Ok(answer(0, false, &[])), reached: vec![] });
        runs.push(Inputs { printers: Err(Unasked::NotRunning), reached: vec![] });
        runs.push(Inputs { printers: Ok(vec![]), reached: vec![] });
        all_is_said::<PrinterReach>(runs);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(device in "(ipp|socket|lpd|x)://.*|.*", reason in ".*") {
            target(&device);
            told(PrinterReach::ID, &PrinterReach::judge(one(&device, &reason, Reach::NotAsked)));
        }
    }
}
