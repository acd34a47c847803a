//! `network.tls`: whether encrypted connections are read on their way, and whether the clock is right.
//!
//! Two compiled hosts show their certificates; [`super::trust`] says of whom they are. The clock is held against the dates
//! in them and against the clock of the check pages' servers, which only count when the page came unchanged. Names inside
//! a certificate of an added authority may be a company's: they are not told.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::captive_portal::fetch_all;
use super::handshake::{Shown, shake};
use super::http::{Fetched, Meaning, date, meaning, now};
use super::probe::{Question, together};
use super::targets::{CHECK_PAGES, TLS_HOSTS};
use super::trust::{Authorities, Chain, PUBLIC};
use crate::checks::machine::{Machine, Reading, Unread};
use crate::checks::{Check, Failure};

/// Where systems keep the list of authorities: Debian, Ubuntu and Arch; Fedora; openSUSE.
const LISTS: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"];
/// Seconds from which a clock is wrong: Kerberos' limit (RFC 4120), the tightest in everyday use.
const WRONG: u64 = 300;
/// Seconds from which certificates fail by it.
const VERY_WRONG: u64 = 86_400;

pub(crate) struct Tls;

pub(crate) struct Inputs {
    shown: Vec<Shown>,
    authorities: Reading,
    /// Fingerprints of the public authorities.
    public: &'static str,
    pub(super) pages: Vec<Fetched>,
    /// When the certificates came, in seconds since 1970.
    at: u64,
}

/// What all of it comes to, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The clock is off by so many seconds, as certificates or servers say.
    Clock(u64),
    /// Somebody this PC doesn't trust answers in the sites' place.
    Untrusted,
    /// Read on the way by an authority that was added to this PC.
    Read(Option<&'static str>),
    /// Only an old TLS is let through.
    Old,
    /// Encrypted connections are cut.
    Cut,
    /// As it should be.
    Sound,
    /// An authority newer than this program.
    Newer,
    /// Certificates came and can't be judged here.
    NoList,
    /// Nothing came.
    Silent,
}

impl Check for Tls {
    const ID: &'static str = "network.tls";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        gather(&Machine::this()).map_err(Failure::Exhausted)
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let chains = inputs.chains();
        let row = |((host, shown), chain): ((&&str, &Shown), &Option<Chain>)| -> Vec<Value> {
            vec![(*host).into(), word(shown, *chain).into()]
        };
        let rows = TLS_HOSTS.iter().zip(&inputs.shown).zip(&chains).map(row).collect();
        draft.table("hosts", &["host", "certificate"], rows);
        if let Some(off) = inputs.clock() {
            draft.fact("clock-off", off, "s");
        }
        if let Some(authorities) = inputs.authorities() {
            draft.fact("added", authorities.added, "");
        }
        let evidence: Vec<String> = TLS_HOSTS
            .iter()
            .zip(inputs.shown.iter().zip(&chains))
            .map(|(host, (shown, chain))| format!("{host}: {}", word(shown, *chain)))
            .collect();
        tell(&mut draft, inputs.verdict(), evidence.join(", "));
        draft
    }
}

pub(super) fn gather(machine: &Machine) -> std::io::Result<Inputs> {
    let question = |host: &'static str| -> Question<Shown> { Box::new(move |until| shake(host, until)) };
    let pages = std::thread::Builder::new().spawn(fetch_all)?;
    let shown = together(TLS_HOSTS.iter().map(|host| question(host)).collect())?;
    let pages = pages.join().map_err(|_| std::io::Error::other("a thread ended badly"))??;
    Ok(Inputs {
        shown: shown.into_iter().map(|shown| shown.unwrap_or(Shown::Nameless)).collect(),
        authorities: LISTS.iter().map(|path| machine.text(path)).find(Result::is_ok).unwrap_or(Err(Unread::Absent)),
        public: PUBLIC,
        pages,
        at: now(),
    })
}

impl Inputs {
    fn authorities(&self) -> Option<Authorities> {
        self.authorities.as_deref().ok().map(|text| Authorities::read(text, self.public)).filter(Authorities::usable)
    }

    /// What each host's chain is, where it showed one and there is a list to judge it by.
    fn chains(&self) -> Vec<Option<Chain>> {
        let shows = self.shown.iter().any(|shown| matches!(shown, Shown::Chain(_)));
        let authorities = shows.then(|| self.authorities()).flatten();
        let judge = |(host, shown): (&&str, &Shown)| match (shown, &authorities) {
            (Shown::Chain(chain), Some(authorities)) => Some(authorities.judge(host, chain, self.at)),
            (Shown::Chain(_) | Shown::Old | Shown::Cut | Shown::Silent | Shown::Nameless, _) => None,
        };
        TLS_HOSTS.iter().zip(&self.shown).map(judge).collect()
    }

    /// How many seconds this PC's clock is ahead of the servers' of the check pages, if one came unchanged.
    fn clock(&self) -> Option<i64> {
        let pages = CHECK_PAGES.iter().zip(&self.pages);
        let mut sound = pages.filter(|(page, fetched)| meaning(**page, fetched) == Meaning::Expected);
        sound.find_map(|(_, fetched)| {
            let there = date(fetched.answer.as_deref()?)?;
            i64::try_from(fetched.at).ok()?.checked_sub(i64::try_from(there).ok()?)
        })
    }

    pub(super) fn verdict(&self) -> Verdict {
        let chains = self.chains();
        let any = |chain: Chain| chains.contains(&Some(chain));
        let shown = |shown: Shown| self.shown.contains(&shown);
        let off = chains.iter().flatten().filter_map(|chain| match chain {
            Chain::NotYet(seconds) | Chain::Over(seconds) => Some(*seconds),
            Chain::Public | Chain::Added(_) | Chain::Newer | Chain::Untrusted | Chain::Unreadable => None,
        });
        let read = chains.iter().flatten().find_map(|chain| match chain {
            Chain::Added(product) => Some(*product),
            Chain::Public | Chain::Newer | Chain::Untrusted | Chain::NotYet(_) | Chain::Over(_) | Chain::Unreadable => {
                None
            }
        });
        // A clock that is off fails every certificate; one sound certificate shows that it isn't off by much.
        let by_dates = off.max().filter(|_| !any(Chain::Public));
        let by_servers = self.clock().map(i64::unsigned_abs).filter(|off| *off >= WRONG);
        if let Some(off) = by_servers.or(by_dates) {
            Verdict::Clock(off)
        } else if any(Chain::Untrusted) {
            Verdict::Untrusted
        } else if let Some(product) = read {
            Verdict::Read(product)
        } else if any(Chain::Public) {
            Verdict::Sound
        } else if shown(Shown::Old) {
            Verdict::Old
        } else if shown(Shown::Cut) {
            Verdict::Cut
        } else if any(Chain::Newer) {
            Verdict::Newer
        } else if self.shown.iter().any(|shown| matches!(shown, Shown::Chain(_))) {
            Verdict::NoList
        } else {
            Verdict::Silent
        }
    }
}

fn tell(draft: &mut Draft, verdict: Verdict, evidence: String) {
    match verdict {
        Verdict::Clock(off) => {
            let severity = if off >= VERY_WRONG { Severity::Critical } else { Severity::Warning };
            draft.finding(severity, "clock-wrong", &[("minutes", (off / 60).into())], format!("{off} s; {evidence}"));
        }
        Verdict::Untrusted => draft.finding(Severity::Critical, "not-trusted", &[], evidence),
        Verdict::Read(Some(product)) => {
            draft.finding(Severity::Warning, "read-by-product", &[("product", product.into())], evidence);
        }
        Verdict::Read(None) => draft.finding(Severity::Warning, "read-by-added", &[], evidence),
        Verdict::Old => draft.finding(Severity::Warning, "old-tls", &[], evidence),
        Verdict::Cut => draft.finding(Severity::Warning, "cut", &[], evidence),
        Verdict::Sound => draft.finding(Severity::Ok, "tls-ok", &[], evidence),
        Verdict::Newer => draft.finding(Severity::Unknown, "newer-authority", &[], evidence),
        Verdict::NoList => draft.finding(Severity::Unknown, "list-unknown", &[], evidence),
        Verdict::Silent => draft.finding(Severity::Unknown, "no-answer", &[], evidence),
    }
}

fn word(shown: &Shown, chain: Option<Chain>) -> &'static str {
    match (shown, chain) {
        (_, Some(Chain::Public)) => "of a public authority",
        (_, Some(Chain::Added(_))) => "of an added authority",
        (_, Some(Chain::Newer)) => "of a newer authority",
        (_, Some(Chain::Untrusted)) => "not trusted",
        (_, Some(Chain::NotYet(_))) => "not valid yet",
        (_, Some(Chain::Over(_))) => "no longer valid",
        (_, Some(Chain::Unreadable)) => "unreadable",
        (Shown::Chain(_), None) => "not judged",
        (Shown::Old, None) => "only old TLS",
        (Shown::Cut, None) => "cut",
        (Shown::Silent, None) => "no answer",
        (Shown::Nameless, None) => "name not found",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quinn::rustls::pki_types::CertificateDer;
    use quinn::rustls::pki_types::pem::PemObject;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    /// The middle of 2026, when the recorded certificates hold.
    const THEN: u64 = 1_780_000_000;

    fn text(name: &str) -> String {
        recorded("network-certificates").text(&format!("/{name}.pem")).unwrap()
    }

    fn chain(name: &str) -> Shown {
        Shown::Chain(CertificateDer::pem_slice_iter(text(name).as_bytes()).map(|der| der.unwrap().to_vec()).collect())
    }

    /// A PC that trusts a public authority and those, and where the first host shows this.
    fn pc(shown: Shown, trusts: &[&str]) -> Inputs {
        let authorities = text("public-root") + &trusts.iter().map(|name| text(name)).collect::<String>();
        let silent = Fetched { named: true, answer: None, at: THEN };
        Inputs {
            shown: vec![shown, Shown::Silent],
            authorities: Ok(authorities),
            public: PUBLIC,
            pages: vec![silent; 2],
            at: THEN,
        }
    }

    /// The same with the authority of the recorded site counted among the public ones.
    fn sound() -> Inputs {
        let fingerprint =
            Authorities::fingerprint(CertificateDer::from_pem_slice(text("site-root").as_bytes()).unwrap().as_ref());
        Inputs { public: Box::leak(fingerprint.into_boxed_str()), ..pc(chain("site-chain"), &["site-root"]) }
    }

    /// A server's clock that says this much less than the PC's.
    fn clock(ahead: u64) -> Inputs {
        let answer = "HTTP/1.1 200 OK\r\nDate: Thu, 28 May 2026 20:26:40 GMT\r\n\r\nNetworkManager is online\n";
        let page = Fetched { named: true, answer: Some(answer.into()), at: THEN + ahead };
        Inputs { pages: vec![page], ..pc(Shown::Silent, &[]) }
    }

    #[test]
    fn chains_decide() {
        for (shown, trusts, said) in [
            (chain("site-chain"), &[][..], "not-trusted"),
            (chain("site-chain"), &["site-root"], "read-by-added"),
            (chain("proxy-chain"), &["proxy-root"], "read-by-product"),
            (chain("newer-chain"), &["newer-root"], "newer-authority"),
            (Shown::Old, &[], "old-tls"),
            (Shown::Cut, &[], "cut"),
            (Shown::Silent, &[], "no-answer"),
            (Shown::Nameless, &[], "no-answer"),
            (Shown::Chain(vec![]), &[], "list-unknown"),
        ] {
            assert_eq!(findings::<Tls>(pc(shown, trusts)), [said]);
        }
        let unread = Inputs { authorities: Err(Unread::Absent), ..pc(chain("site-chain"), &[]) };
        assert_eq!(findings::<Tls>(unread), ["list-unknown"]);
        // Debian's list alone, without the public authorities: nothing to hold a chain against.
        let foreign = Inputs { authorities: Ok(text("site-root")), ..pc(chain("site-chain"), &[]) };
        assert_eq!(findings::<Tls>(foreign), ["list-unknown"]);
    }

    #[test]
    fn a_clock_that_fails_every_certificate_is_wrong_and_one_sound_one_says_otherwise() {
        assert_eq!(sound().verdict(), Verdict::Sound);
        assert_eq!(Inputs { at: 1_767_225_600 - 60, ..sound() }.verdict(), Verdict::Clock(60));
        assert_eq!(Inputs { at: 1_798_761_600 + 61, ..sound() }.verdict(), Verdict::Clock(61));
    }

    #[test]
    fn clocks_below_at_and_above() {
        for (ahead, said) in [(299, "no-answer"), (300, "clock-wrong"), (301, "clock-wrong")] {
            assert_eq!(findings::<Tls>(clock(ahead)), [said]);
        }
        let severity = |ahead| told(Tls::ID, &Tls::judge(clock(ahead))).findings[0].severity;
        assert_eq!(
            [severity(86_399), severity(86_400), severity(86_401)],
            [Severity::Warning, Severity::Critical, Severity::Critical]
        );
        let portal = Fetched { answer: Some("HTTP/1.1 200 OK\r\nDate: x\r\n\r\n<html>".into()), named: true, at: 0 };
        assert_eq!(Inputs { pages: vec![portal], ..clock(0) }.clock(), None);
    }

    #[test]
    fn r4_names_in_certificates_of_an_added_authority_are_not_told() {
        let draft = Tls::judge(pc(chain("proxy-chain"), &["proxy-root"]));
        assert!(!format!("{draft:?}").contains("Acme"));
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Tls>(vec![
            sound(),
            clock(999),
            pc(chain("site-chain"), &[]),
            pc(chain("site-chain"), &["site-root"]),
            pc(chain("proxy-chain"), &["proxy-root"]),
            pc(chain("newer-chain"), &["newer-root"]),
            pc(Shown::Old, &[]),
            pc(Shown::Cut, &[]),
            pc(Shown::Silent, &[]),
            pc(Shown::Chain(vec![]), &[]),
        ]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn garbage_never_panics(der in any::<Vec<u8>>(), at in any::<u64>(), answer in "(HTTP/1.1 200 OK\r\nDate: .*\r\n\r\nOK)|.*") {
            let page = Fetched { named: true, answer: Some(answer), at };
            let inputs = Inputs { pages: vec![page.clone(), page], at, public: "", ..pc(Shown::Chain(vec![der]), &[]) };
            told(Tls::ID, &Tls::judge(inputs));
        }
    }
}
