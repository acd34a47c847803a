//! `network.captive-portal`: whether a network wants the person to sign in before it lets anything through.
//!
//! Asks for the pages that distributions keep for exactly this. Where a network leads to instead is not told: such
//! addresses carry the number of the card.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::http::{Fetched, Meaning, fetch, meaning};
use super::probe::{Question, together};
use super::targets::{CHECK_PAGES, CheckPage};
use crate::checks::{Check, Failure};

pub(crate) struct CaptivePortal;

pub(crate) struct Inputs {
    /// In the order of [`CHECK_PAGES`].
    pages: Vec<Fetched>,
}

impl Check for CaptivePortal {
    const ID: &'static str = "network.captive-portal";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(Inputs { pages: fetch_all().map_err(Failure::Exhausted)? })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let meanings: Vec<(CheckPage, Meaning)> =
            CHECK_PAGES.iter().zip(&inputs.pages).map(|(page, fetched)| (*page, meaning(*page, fetched))).collect();
        let row = |(page, meant): &(CheckPage, Meaning)| -> Vec<Value> { vec![page.host.into(), word(*meant).into()] };
        draft.table("pages", &["page", "answer"], meanings.iter().map(row).collect());
        let all: Vec<Meaning> = meanings.iter().map(|(_, meant)| *meant).collect();
        let evidence: Vec<String> =
            meanings.iter().map(|(page, meant)| format!("{}: {}", page.host, word(*meant))).collect();
        let (severity, finding) = verdict(&all);
        draft.finding(severity, finding, &[], evidence.join(", "));
        draft
    }
}

/// Asks for all check pages at once.
pub(super) fn fetch_all() -> std::io::Result<Vec<Fetched>> {
    let question = |page: CheckPage| -> Question<Fetched> { Box::new(move |until| fetch(page, until)) };
    let fetched = together(CHECK_PAGES.iter().map(|page| question(*page)).collect())?;
    // A search for the name that never came back found nothing.
    Ok(fetched.into_iter().map(|page| page.unwrap_or(Fetched { named: false, answer: None, at: 0 })).collect())
}

/// What the answers mean together. One page as it should be shows that the way is free: a portal stops them all.
pub(super) fn verdict(all: &[Meaning]) -> (Severity, &'static str) {
    let any = |meant: Meaning| all.contains(&meant);
    if any(Meaning::Expected) {
        (Severity::Ok, "no-portal")
    } else if any(Meaning::Portal) {
        (Severity::Critical, "portal")
    } else if any(Meaning::Changed) {
        (Severity::Warning, "changed")
    } else if any(Meaning::Silent) || any(Meaning::Fault) {
        (Severity::Unknown, "no-answer")
    } else {
        (Severity::Unknown, "no-name")
    }
}

/// An answer in a word.
pub(super) fn word(meant: Meaning) -> &'static str {
    match meant {
        Meaning::Expected => "as expected",
        Meaning::Portal => "led elsewhere",
        Meaning::Changed => "another page",
        Meaning::Fault => "server fault",
        Meaning::Silent => "no answer",
        Meaning::Nameless => "name not found",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};

    const SIGN_IN: &str = "HTTP/1.1 302 Found\r\nLocation: https://portal.example/?mac=02:00:00:00:00:01\r\n\r\n";

    fn pages(first: Option<&str>, second: Option<&str>, named: bool) -> Inputs {
        let page = |answer: Option<&str>| Fetched { named, answer: answer.map(str::to_owned), at: 0 };
        Inputs { pages: vec![page(first), page(second)] }
    }

    #[test]
    fn one_sound_page_is_enough() {
        let sound = "HTTP/1.1 200 OK\r\n\r\nNetworkManager is online\n";
        for (first, second, named, said) in [
            (Some(sound), None, true, "no-portal"),
            (Some(sound), Some("HTTP/1.1 503 x\r\n\r\n"), true, "no-portal"),
            (Some(SIGN_IN), Some(SIGN_IN), true, "portal"),
            (Some(SIGN_IN), Some("HTTP/1.1 200 OK\r\n\r\n<html>"), true, "portal"),
            (Some("HTTP/1.1 200 OK\r\n\r\n<html>"), None, true, "changed"),
            (None, None, true, "no-answer"),
            (None, None, false, "no-name"),
        ] {
            assert_eq!(findings::<CaptivePortal>(pages(first, second, named)), [said]);
        }
    }

    #[test]
    fn r4_where_it_leads_is_not_told() {
        let draft = CaptivePortal::judge(pages(Some(SIGN_IN), None, true));
        let said = format!("{:?}", told(CaptivePortal::ID, &draft));
        assert!(!said.contains("02:00") && !said.contains("portal.example"));
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<CaptivePortal>(vec![
            pages(Some("HTTP/1.1 200 OK\r\n\r\nNetworkManager is online\n"), None, true),
            pages(Some(SIGN_IN), None, true),
            pages(Some("nonsense"), None, true),
            pages(None, None, true),
            pages(None, None, false),
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(first in "(HTTP/1.1 [0-9]{3} .*\r\n\r\n)?.*", named in any::<bool>()) {
            told(CaptivePortal::ID, &CaptivePortal::judge(pages(Some(&first), None, named)));
        }
    }
}
