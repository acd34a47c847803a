//! `system.session`: which desktop is in use, how it draws, and how many people are logged in.
//!
//! Read from the files that sd-login(3) reads, of which only four keys are used: the names of people are in them and stay
//! here. Whether a log-in is unusual is another item's question.

use std::collections::{BTreeMap, BTreeSet};

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity};

use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

const SESSIONS: &str = "/run/systemd/sessions";
/// A link to the unit of the log-in screen: systemd.special(7).
const SCREEN: &str = "/etc/systemd/system/display-manager.service";
/// Most log-ins that are read.
const SESSIONS_MAX: usize = 64;
/// Letters of a name that is believed.
const WORD_MAX: usize = 32;

pub(crate) struct Session;

pub(crate) struct Inputs {
    /// Nothing if this system doesn't keep them.
    sessions: Option<Vec<String>>,
    screen: Option<String>,
}

/// One log-in.
struct Login {
    person: String,
    draws: String,
    desktop: Option<String>,
    remote: bool,
}

impl Check for Session {
    const ID: &'static str = "system.session";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        if let Some(screen) = inputs.screen.as_deref().and_then(|screen| word(screen.strip_suffix(".service")?)) {
            draft.fact("log-in-screen", screen, "");
        }
        let Some(texts) = inputs.sessions else {
            draft.finding(Severity::Unknown, "session-unknown", &[], format!("{SESSIONS} does not exist"));
            return draft;
        };
        let logins: Vec<Login> = texts.iter().filter_map(|text| Login::parse(text)).collect();
        let people: BTreeSet<&str> = logins.iter().map(|login| login.person.as_str()).collect();
        draft.fact("sessions", logins.len() as u64, "");
        draft.fact("people", people.len() as u64, "");
        draft.fact("from-afar", logins.iter().filter(|login| login.remote).count() as u64, "");
        let graphical = logins.iter().find(|login| matches!(login.draws.as_str(), "wayland" | "x11" | "mir"));
        if people.len() > 1 {
            let evidence = format!("{SESSIONS}: {} log-ins of {} people", logins.len(), people.len());
            let count = [("count", (people.len() as u64).into())];
            draft.finding(Severity::Warning, "several-people", &count, evidence);
        }
        if let Some(login) = graphical {
            let desktop = login.desktop.clone().unwrap_or_else(|| "?".to_owned());
            draft.fact("desktop", desktop.clone(), "");
            draft.fact("draws-with", login.draws.clone(), "");
            if draft.findings.is_empty() {
                let evidence = format!("{SESSIONS}: TYPE={}, DESKTOP={desktop}", login.draws);
                draft.finding(Severity::Ok, "desktop-in-use", &[("desktop", desktop.into())], evidence);
            }
        } else if draft.findings.is_empty() {
            let evidence = format!("{SESSIONS}: {} log-ins, none with a desktop", logins.len());
            draft.finding(Severity::Ok, "no-desktop", &[], evidence);
        }
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    // Beside each log-in there is a pipe, `4.ref`, that ends with it.
    let names = machine.names(SESSIONS).into_iter().filter(|name| !name.ends_with(".ref")).take(SESSIONS_MAX);
    let texts = names.filter_map(|name| machine.text(&format!("{SESSIONS}/{name}")).ok()).collect();
    let screen = std::fs::read_link(machine.path(SCREEN)).ok();
    Inputs {
        sessions: machine.has(SESSIONS).then_some(texts),
        screen: screen.and_then(|unit| unit.file_name()?.to_str().map(str::to_owned)),
    }
}

impl Login {
    /// A log-in of a person; nothing for those of the log-in screen and of services.
    fn parse(text: &str) -> Option<Self> {
        let values: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once('=')).collect();
        let value = |key: &str| values.get(key).copied();
        (value("CLASS") == Some("user") && value("STATE") != Some("closing")).then_some(())?;
        Some(Self {
            person: value("UID")?.to_owned(),
            draws: value("TYPE").and_then(word).unwrap_or_default(),
            desktop: value("DESKTOP").and_then(word),
            remote: value("REMOTE") == Some("1"),
        })
    }
}

/// A name of a product: letters, digits and a few marks. What a program put there by itself stays here.
fn word(text: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':' | b'.' | b'+');
    (!text.is_empty() && text.len() <= WORD_MAX && text.bytes().all(plain)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn login(person: u32, draws: &str) -> String {
        format!(
            "# This is private data.\nUID={person}\nUSER=ana\nSTATE=active\nREMOTE=0\nTYPE={draws}\nCLASS=user\nDESKTOP=gnome\n"
        )
    }

    fn open(sessions: &[String]) -> Inputs {
        Inputs { sessions: Some(sessions.to_vec()), screen: Some("gdm.service".into()) }
    }

    #[test]
    fn a_laptop_with_its_desktop_is_told_without_its_person() {
        let report = told(Session::ID, &Session::judge(gather_from(&recorded("arch-laptop"))));
        assert_eq!(report.findings[0].text.en, "A desktop is in use: KDE.");
        let fact = |key: &str| report.facts.iter().find(|fact| fact.key == key).map(|fact| fact.value.to_string());
        assert_eq!((fact("people").as_deref(), fact("sessions").as_deref()), (Some("1"), Some("2")));
        assert_eq!((fact("draws-with").as_deref(), fact("from-afar").as_deref()), (Some("wayland"), Some("1")));
        assert!(!format!("{report:?}").contains("ines"));
    }

    #[test]
    fn people_below_at_and_above() {
        for (people, found) in [(0, "no-desktop"), (1, "desktop-in-use"), (2, "several-people"), (3, "several-people")]
        {
            let logins: Vec<String> = (0..people).map(|person| login(1_000 + person, "wayland")).collect();
            assert_eq!(findings::<Session>(open(&logins)), [found], "{people}");
        }
        assert_eq!(findings::<Session>(open(&[login(1, "tty"), login(1, "x11")])), ["desktop-in-use"]);
        let greeter = login(42, "wayland").replace("CLASS=user", "CLASS=greeter");
        assert_eq!(findings::<Session>(open(&[greeter])), ["no-desktop"]);
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Session>(vec![
            open(&[login(1, "x11")]),
            open(&[login(1, "x11"), login(2, "tty")]),
            open(&[]),
            Inputs { sessions: None, screen: None },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(texts in prop::collection::vec("(.*\n)*|((UID|TYPE|CLASS|DESKTOP)=(user|x11|.*)\n)*", 0..3), screen in any::<Option<String>>()) {
            told(Session::ID, &Session::judge(Inputs { sessions: Some(texts), screen }));
        }
    }
}
