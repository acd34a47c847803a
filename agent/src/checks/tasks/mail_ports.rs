//! `tasks.mail-ports`: whether the ports that fetch and send mail are open from here, at well-known providers.
//!
//! A connection is opened and closed; nothing is sent, no account is used. Hosts and ports are compiled in: nobody can make
//! this PC try others (SECURITY D3). That a provider is down and that a network blocks mail are told apart by trying more
//! than one.

use std::time::Instant;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use crate::checks::network::probe::{Outcome, Question, connect, resolve, together};
use crate::checks::{Check, Failure};

/// Milliseconds from which a connection is slow. Our choice: ten times an ordinary one.
const SLOW: u64 = 1_000;

/// Ports of mail: for fetching and for sending (RFC 8314; 587 of RFC 6409).
const IMAP: u16 = 993;
const SEND: u16 = 465;
const SEND_LATER: u16 = 587;

/// Provider, host, port, what for.
const DOORS: [(&str, &str, u16); 21] = [
    ("apple", "imap.mail.me.com", IMAP),
    ("apple", "smtp.mail.me.com", SEND_LATER),
    ("arsys", "imap.serviciodecorreo.es", IMAP),
    ("arsys", "smtp.serviciodecorreo.es", SEND),
    ("arsys", "smtp.serviciodecorreo.es", SEND_LATER),
    ("gmx", "imap.gmx.com", IMAP),
    ("gmx", "mail.gmx.com", SEND),
    ("gmx", "mail.gmx.com", SEND_LATER),
    ("google", "imap.gmail.com", IMAP),
    ("google", "smtp.gmail.com", SEND),
    ("google", "smtp.gmail.com", SEND_LATER),
    ("ionos", "imap.ionos.es", IMAP),
    ("ionos", "smtp.ionos.es", SEND),
    ("ionos", "smtp.ionos.es", SEND_LATER),
    ("microsoft", "outlook.office365.com", IMAP),
    ("microsoft", "smtp.office365.com", SEND_LATER),
    ("ovh", "ssl0.ovh.net", IMAP),
    ("ovh", "ssl0.ovh.net", SEND),
    ("yahoo", "imap.mail.yahoo.com", IMAP),
    ("yahoo", "smtp.mail.yahoo.com", SEND),
    ("yahoo", "smtp.mail.yahoo.com", SEND_LATER),
];

pub(crate) struct MailPorts;

pub(crate) struct Inputs {
    /// Which of [`DOORS`] were tried, and what came of it.
    tried: Vec<(usize, Tried)>,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tried {
    /// After so many milliseconds.
    Open(u64),
    Refused,
    Silent,
    NoName,
}

impl Check for MailPorts {
    const ID: &'static str = "tasks.mail-ports";
    type Inputs = Inputs;

    fn gather(arguments: &Arguments) -> Result<Inputs, Failure> {
        let provider = arguments.get("provider").ok_or(Failure::Argument("provider"))?;
        let chosen: Vec<usize> =
            (0..DOORS.len()).filter(|&door| provider == "all" || DOORS[door].0 == provider).collect();
        let question = |&door: &usize| -> Question<Tried> {
            let (_, host, port) = DOORS[door];
            Box::new(move |until| knock(host, port, until))
        };
        let heard = together(chosen.iter().map(question).collect()).map_err(Failure::Exhausted)?;
        // Knocking keeps to its time: who isn't back still looks for the name.
        let tried = heard.into_iter().map(|tried| tried.unwrap_or(Tried::NoName));
        Ok(Inputs { tried: chosen.into_iter().zip(tried).collect() })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let open = inputs.tried.iter().filter(|(_, tried)| tried.took().is_some()).count();
        draft.fact("tried", inputs.tried.len() as u64, "");
        draft.fact("open", open as u64, "");
        if open == 0 {
            let named = inputs.tried.iter().any(|(_, tried)| *tried != Tried::NoName);
            let evidence = format!("0 of {} connections; names found: {named}", inputs.tried.len());
            if named {
                draft.finding(Severity::Critical, "all-blocked", &[], evidence);
            } else {
                draft.finding(Severity::Unknown, "offline", &[], evidence);
            }
        } else {
            judge_some(&mut draft, &inputs.tried);
        }
        if draft.findings.is_empty() {
            draft.finding(Severity::Ok, "mail-ports-ok", &[], format!("{open} of {open} connections open"));
        }
        let row = |(door, tried): &(usize, Tried)| -> Vec<Value> {
            let (provider, _, port) = DOORS[*door];
            let what = if port == IMAP { "receive" } else { "send" };
            let took = tried.took().map_or("".into(), Value::from);
            vec![provider.into(), what.into(), u64::from(port).into(), tried.word().into(), took]
        };
        draft.table("ports", &["provider", "what", "port", "answers", "took"], inputs.tried.iter().map(row).collect());
        draft
    }
}

/// A port that is closed at everybody is closed here; otherwise it is that provider's.
fn judge_some(draft: &mut Draft, tried: &[(usize, Tried)]) {
    for port in [IMAP, SEND, SEND_LATER] {
        let here: Vec<&(usize, Tried)> = tried.iter().filter(|(door, _)| DOORS[*door].2 == port).collect();
        let closed: Vec<&&(usize, Tried)> = here.iter().filter(|(_, tried)| tried.took().is_none()).collect();
        if closed.len() == here.len() && !here.is_empty() {
            let evidence = format!("port {port}: none of {} connections", here.len());
            draft.finding(Severity::Critical, "port-blocked", &[("port", u64::from(port).into())], evidence);
        } else {
            for (door, tried) in closed {
                let (provider, host, port) = DOORS[*door];
                let values = [("provider", provider.into()), ("port", u64::from(port).into())];
                let evidence = format!("{host} port {port}: {}", tried.word());
                draft.finding(Severity::Warning, "provider-closed", &values, evidence);
            }
        }
    }
    let slowest = tried.iter().filter_map(|(_, tried)| tried.took()).max().unwrap_or(0);
    if slowest >= SLOW {
        let evidence = format!("slowest connection: {slowest} ms");
        draft.finding(Severity::Warning, "mail-slow", &[("milliseconds", slowest.into())], evidence);
    }
}

impl Tried {
    fn took(self) -> Option<u64> {
        match self {
            Self::Open(took) => Some(took),
            Self::Refused | Self::Silent | Self::NoName => None,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Open(_) => "yes",
            Self::Refused => "refuses",
            Self::Silent => "no",
            Self::NoName => "name-unknown",
        }
    }
}

fn knock(host: &str, port: u16, until: Instant) -> Tried {
    // With the last dot, so that nobody appends a home's domain to it.
    let addresses = resolve(&format!("{host}."), port);
    let mut end = Tried::NoName;
    // The first of each family: where IPv6 is broken, IPv4 still tells.
    for v4 in [true, false] {
        let Some(address) = addresses.iter().find(|address| address.is_ipv4() == v4) else { continue };
        let (reach, _) = connect(*address, until);
        match reach.outcome {
            Outcome::Open => return Tried::Open(reach.micros / 1_000),
            Outcome::Refused => end = Tried::Refused,
            Outcome::NoWay | Outcome::Forbidden | Outcome::Cut | Outcome::Silent if end == Tried::Refused => {}
            Outcome::NoWay | Outcome::Forbidden | Outcome::Cut | Outcome::Silent => end = Tried::Silent,
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use venia_proto::catalog::Accepts;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, item, told};

    /// Everything open but what `closed` says of a provider and a port.
    fn with(closed: impl Fn(&str, u16) -> Option<Tried>) -> Inputs {
        let tried = |door: usize| (door, closed(DOORS[door].0, DOORS[door].2).unwrap_or(Tried::Open(40)));
        Inputs { tried: (0..DOORS.len()).map(tried).collect() }
    }

    #[test]
    fn a_network_that_blocks_and_a_provider_that_is_down_differ() {
        let blocked = with(|_, port| (port == SEND_LATER).then_some(Tried::Silent));
        assert_eq!(findings::<MailPorts>(blocked), ["port-blocked"]);
        let down = with(|provider, port| (provider == "gmx" && port == IMAP).then_some(Tried::Refused));
        assert_eq!(findings::<MailPorts>(down), ["provider-closed"]);
        assert_eq!(findings::<MailPorts>(with(|_, _| Some(Tried::NoName))), ["offline"]);
        assert_eq!(findings::<MailPorts>(with(|_, _| Some(Tried::Silent))), ["all-blocked"]);
    }

    #[test]
    fn slow_below_at_and_above() {
        for (took, found) in [(SLOW - 1, "mail-ports-ok"), (SLOW, "mail-slow"), (SLOW + 1, "mail-slow")] {
            assert_eq!(findings::<MailPorts>(Inputs { tried: vec![(0, Tried::Open(took))] }), [found]);
        }
    }

    #[test]
    fn d3_every_provider_that_can_be_asked_for_is_in_the_list() {
        let providers: BTreeSet<&str> = DOORS.iter().map(|(provider, ..)| *provider).chain(["all"]).collect();
        let Accepts::Choice(words) = &item(MailPorts::ID).parameters[0].accepts else { panic!("no choice") };
        assert_eq!(words.iter().map(String::as_str).collect::<BTreeSet<_>>(), providers);
        assert!(DOORS.iter().all(|(_, host, port)| host.contains('.') && [IMAP, SEND, SEND_LATER].contains(port)));
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<MailPorts>(vec![
            with(|_, _| None),
            with(|_, port| (port == IMAP).then_some(Tried::Silent)),
            with(|provider, _| (provider == "ovh").then_some(Tried::Refused)),
            with(|_, _| Some(Tried::Open(SLOW))),
            with(|_, _| Some(Tried::NoName)),
            with(|_, _| Some(Tried::Refused)),
        ]);
    }

    proptest! {
        #[test]
        fn any_outcome_is_told(outcomes in proptest::collection::vec(0..4_u64, DOORS.len()), took in any::<u64>()) {
            let tried = |outcome: u64| match outcome {
                0 => Tried::Open(took),
                1 => Tried::Refused,
                2 => Tried::Silent,
                _ => Tried::NoName,
            };
            told(MailPorts::ID, &MailPorts::judge(Inputs { tried: outcomes.into_iter().map(tried).enumerate().collect() }));
        }
    }
}
