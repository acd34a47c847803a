//! `network.hosts`: what the computer's own list of names overrides (hosts(5)).
//!
//! Malware leads banks and updates elsewhere with it, and forgotten lines break one site for ever. The names in it say
//! what somebody visits, works on or blocks: only counts leave, by kind of well-known site. (MISSION R4)

use std::net::IpAddr;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use crate::checks::machine::{Machine, Reading};
use crate::checks::{Check, Failure};

/// Blocked names from which it is a list that somebody loaded, not lines somebody wrote. Our choice: such lists have
/// thousands.
const LIST_FROM: u64 = 500;
/// The kinds of well-known sites and the domains of each, all public.
const SITES: [(&str, &[&str]); 5] = [
    ("updates", &UPDATES),
    ("search", &["bing.com", "duckduckgo.com", "google.com", "google.es", "yahoo.com"]),
    ("mail", &["gmail.com", "hotmail.com", "live.com", "office.com", "office365.com", "outlook.com", "yahoo.es"]),
    (
        "banks and payment",
        &["bbva.es", "bancsabadell.com", "bankinter.com", "caixabank.es", "ing.es", "paypal.com", "santander.es"],
    ),
    (
        "other well-known",
        &["amazon.com", "apple.com", "facebook.com", "instagram.com", "microsoft.com", "wikipedia.org", "youtube.com"],
    ),
];
/// Where distributions, protection programs and browsers get their updates.
const UPDATES: [&str; 12] = [
    "archive.ubuntu.com",
    "archlinux.org",
    "clamav.net",
    "deb.debian.org",
    "download.opensuse.org",
    "fedoraproject.org",
    "flathub.org",
    "ftp.debian.org",
    "mozilla.org",
    "security.debian.org",
    "security.ubuntu.com",
    "windowsupdate.com",
];

pub(crate) struct Hosts;

pub(crate) struct Inputs {
    hosts: Reading,
    order: Reading,
    own: Option<String>,
}

/// One name of the list.
struct Override<'a> {
    to: IpAddr,
    name: &'a str,
}

impl Check for Hosts {
    const ID: &'static str = "network.hosts";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(inputs_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let text = match &inputs.hosts {
            Ok(text) => text,
            Err(error) => {
                draft.finding(Severity::Unknown, "hosts-unknown", &[], format!("/etc/hosts {error}"));
                return draft;
            }
        };
        let list: Vec<Override> = text.lines().flat_map(overrides).collect();
        let order = inputs.order.as_deref().ok().and_then(order);
        let blocked = list.iter().filter(|line| line.blocks() && !is_own(line.name)).count() as u64;
        draft.fact("names", list.len() as u64, "");
        draft.fact("blocked", blocked, "");
        draft.fact("order", order.as_ref().map(|order| order.join(" ")).unwrap_or_default(), "");
        judge_sites(&mut draft, &list);

        if blocked >= LIST_FROM {
            let evidence = format!("/etc/hosts leads {blocked} names nowhere");
            draft.finding(Severity::Warning, "block-list", &[("count", blocked.into())], evidence);
        }
        let sources = ["dns", "resolve"];
        if order.as_ref().is_some_and(|order| !order.iter().any(|source| sources.contains(source))) {
            draft.finding(
                Severity::Critical,
                "dns-not-used",
                &[],
                "/etc/nsswitch.conf: hosts has neither dns nor resolve",
            );
        }
        // `myhostname` and `resolve` answer for the own name without any file: nss-myhostname(8).
        let answered = order.is_some_and(|order| order.iter().any(|s| matches!(*s, "myhostname" | "resolve")));
        if let Some(own) = inputs.own.filter(|_| !answered)
            && !list.iter().any(|line| line.name.eq_ignore_ascii_case(&own))
        {
            draft.finding(Severity::Warning, "own-name-missing", &[], "/etc/hosts has no line for this computer");
        }
        if draft.findings.is_empty() {
            draft.finding(Severity::Ok, "hosts-ok", &[], format!("/etc/hosts: {} names", list.len()));
        }
        draft
    }
}

fn inputs_from(machine: &Machine) -> Inputs {
    Inputs {
        hosts: machine.text("/etc/hosts"),
        order: machine.text("/etc/nsswitch.conf"),
        own: machine.word("/proc/sys/kernel/hostname"),
    }
}

/// `address name name… # remark`.
fn overrides(line: &str) -> Vec<Override<'_>> {
    let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
    // A zone (`fe80::1%lo0`) says on which card; the address before it decides.
    let to = words.next().and_then(|word| word.split('%').next()?.parse().ok());
    to.map_or(Vec::new(), |to| words.map(|name| Override { to, name }).collect())
}

/// The sources of names in the order nsswitch.conf(5) gives, without what to do in between. Words it could not have are
/// left out: the value is shown as it is.
fn order(text: &str) -> Option<Vec<&str>> {
    const SOURCES: [&str; 14] = [
        "compat",
        "db",
        "dns",
        "files",
        "libvirt",
        "libvirt_guest",
        "mdns",
        "mdns4",
        "mdns4_minimal",
        "mdns_minimal",
        "myhostname",
        "mymachines",
        "resolve",
        "wins",
    ];
    let line = text.lines().find_map(|line| line.trim().strip_prefix("hosts:"))?;
    Some(line.split_whitespace().filter(|word| SOURCES.contains(word)).collect())
}

impl Override<'_> {
    /// Whether it leads nowhere or back to this PC, as lists against advertising do.
    fn blocks(&self) -> bool {
        self.to.is_loopback() || self.to.is_unspecified()
    }

    fn is_of(&self, domain: &str) -> bool {
        let name = self.name.trim_end_matches('.').to_ascii_lowercase();
        name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

/// Names every list has for the PC itself.
fn is_own(name: &str) -> bool {
    let own = ["localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback", "localhost4", "localhost6"];
    !name.contains('.') || own.contains(&name)
}

fn judge_sites(draft: &mut Draft, list: &[Override]) {
    let count = |domains: &[&str], blocks: bool| {
        let hit = |line: &&Override| line.blocks() == blocks && domains.iter().any(|domain| line.is_of(domain));
        list.iter().filter(hit).count() as u64
    };
    let counts = SITES.map(|(kind, domains)| (kind, count(domains, true), count(domains, false)));
    let rows: Vec<Vec<Value>> = counts
        .iter()
        .filter(|(_, blocked, redirected)| blocked + redirected > 0)
        .map(|(kind, blocked, redirected)| vec![(*kind).into(), (*blocked).into(), (*redirected).into()])
        .collect();
    draft.table("sites", &["kind", "blocked", "redirected"], rows);
    let redirected: u64 = counts.iter().map(|(_, _, redirected)| redirected).sum();
    let updates = counts[0].1;
    let others: u64 = counts[1..].iter().map(|(_, blocked, _)| blocked).sum();
    for (severity, finding, count) in [
        (Severity::Critical, "redirected", redirected),
        (Severity::Critical, "updates-blocked", updates),
        (Severity::Warning, "sites-blocked", others),
    ] {
        if count > 0 {
            let evidence = format!("/etc/hosts: {count} lines");
            draft.finding(severity, finding, &[("count", count.into())], evidence);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn list(lines: &str) -> Inputs {
        let hosts = format!("127.0.0.1 localhost\n127.0.1.1 casa\n{lines}\n");
        Inputs { hosts: Ok(hosts), order: Ok("hosts: files dns\n".into()), own: Some("casa".into()) }
    }

    fn long(names: u64) -> Inputs {
        list(&(0..names).map(|n| format!("0.0.0.0 ad{n}.example.net\n")).collect::<String>())
    }

    #[test]
    fn what_is_overridden_is_judged_and_never_named() {
        for (lines, said) in [
            ("", "hosts-ok"),
            ("192.168.1.9 nas.home", "hosts-ok"),
            ("# 6.6.6.6 google.com", "hosts-ok"),
            ("203.0.113.9 www.bbva.es", "redirected"),
            ("203.0.113.9 WWW.BBVA.ES.", "redirected"),
            ("203.0.113.9 notbbva.es", "hosts-ok"),
            ("127.0.0.1 security.debian.org", "updates-blocked"),
            ("0.0.0.0 facebook.com # no more", "sites-blocked"),
        ] {
            let draft = Hosts::judge(list(lines));
            assert!(!format!("{draft:?}").contains("bbva"));
            assert_eq!(told(Hosts::ID, &draft).findings[0].id, said, "{lines}");
        }
    }

    #[test]
    fn a_list_below_at_and_above_the_limit() {
        for (names, said) in [(LIST_FROM - 1, "hosts-ok"), (LIST_FROM, "block-list"), (LIST_FROM + 1, "block-list")] {
            assert_eq!(findings::<Hosts>(long(names)), [said]);
        }
    }

    #[test]
    fn the_order_decides_who_is_asked() {
        for (order, said) in [
            ("hosts: files mdns4_minimal [NOTFOUND=return] dns myhostname", "hosts-ok"),
            ("hosts: mymachines resolve [!UNAVAIL=return] files", "hosts-ok"),
            ("hosts: files", "dns-not-used"),
            ("passwd: files", "hosts-ok"),
        ] {
            let inputs = Inputs { order: Ok(order.into()), ..list("") };
            assert_eq!(findings::<Hosts>(inputs), [said], "{order}");
        }
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Hosts>(vec![
            inputs_from(&recorded("network-fedora-vpn")),
            inputs_from(&recorded("network-debian-server")),
            list("1.2.3.4 paypal.com\n0.0.0.0 deb.debian.org\n0.0.0.0 youtube.com"),
            long(LIST_FROM),
            Inputs { own: Some("other".into()), ..list("") },
            Inputs { order: Ok("hosts: files".into()), ..list("") },
            Inputs { hosts: Err(Unread::Denied), ..list("") },
        ]);
        assert_eq!(findings::<Hosts>(inputs_from(&recorded("network-fedora-vpn"))), ["hosts-ok"]);
        assert_eq!(
            findings::<Hosts>(inputs_from(&recorded("network-debian-server"))),
            ["updates-blocked", "own-name-missing"]
        );
    }

    proptest! {
        #[test]
        fn garbage_never_panics(hosts in "([0-9.:a-f%]{0,9} [a-z.#]{0,12}\n)*|(.*\n)*", order in "hosts: .*|.*", own in ".*") {
            told(Hosts::ID, &Hosts::judge(Inputs { hosts: Ok(hosts), order: Ok(order), own: Some(own) }));
        }
    }
}
