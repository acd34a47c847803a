//! `security.sessions`: who is logged in now, and from where.
//!
//! From the files systemd's log-in service keeps of each session (sd-login(3) reads the same). Connections over which nobody
//! logged in, as those of screen sharers, aren't sessions: `security.remote-access` looks for them.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

const FOLDER: &str = "/run/systemd/sessions";
/// Most sessions looked at.
const SESSIONS_MAX: usize = 256;
/// Most findings of each kind; the table has the rest.
const FINDINGS: usize = 5;

pub(crate) struct Sessions;

pub(crate) struct Inputs {
    /// Whether systemd keeps sessions here.
    kept: bool,
    /// The text of each session's file.
    files: Vec<String>,
    /// User number of the account the agent runs in.
    own: u32,
}

/// One file.
struct Session<'a> {
    account: &'a str,
    user: Option<u32>,
    remote: bool,
    from: &'a str,
    kind: &'a str,
    service: &'a str,
    state: &'a str,
}

impl Check for Sessions {
    const ID: &'static str = "security.sessions";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this(), rustix::process::getuid().as_raw()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        if !inputs.kept {
            draft.finding(Severity::Unknown, "sessions-unknown", &[], format!("{FOLDER} does not exist"));
            return draft;
        }
        let sessions: Vec<Session<'_>> = inputs.files.iter().filter_map(|text| Session::parse(text)).collect();
        let remote = || sessions.iter().filter(|session| session.remote);
        let others = || sessions.iter().filter(|session| !session.remote && session.user != Some(inputs.own));
        draft.fact("sessions", sessions.len() as u64, "");
        draft.fact("from-elsewhere", remote().count() as u64, "");
        for session in remote().take(FINDINGS) {
            let values = [("account", session.account.into())];
            let evidence = format!("{FOLDER}: REMOTE=1, service {}", session.service);
            draft.finding(Severity::Critical, "logged-in-from-elsewhere", &values, evidence);
        }
        for session in others().take(FINDINGS) {
            let values = [("account", session.account.into())];
            let evidence = format!("{FOLDER}: {} session, {}", session.kind, session.state);
            draft.finding(Severity::Warning, "other-account", &values, evidence);
        }
        if draft.findings.is_empty() {
            let evidence = format!("{FOLDER}: {} sessions, all of this account and here", sessions.len());
            draft.finding(Severity::Ok, "sessions-ok", &[], evidence);
        }
        let rows = sessions.iter().map(Session::row).collect();
        draft.table("sessions", &["account", "how", "state", "from"], rows);
        draft
    }
}

fn gather_from(machine: &Machine, own: u32) -> Inputs {
    // Each session has a file and a pipe named `N.ref`.
    let names = machine.names(FOLDER).into_iter().filter(|name| !name.contains('.')).take(SESSIONS_MAX);
    let files = names.filter_map(|name| machine.text(&format!("{FOLDER}/{name}")).ok()).collect();
    Inputs { kept: machine.has(FOLDER), files, own }
}

impl<'a> Session<'a> {
    /// A person's session; log-in screens, background and `user@` services aren't.
    fn parse(text: &'a str) -> Option<Self> {
        let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap_or("");
        let state = value("STATE");
        let person =
            value("CLASS").starts_with("user") && !matches!(state, "closing" | "") && !value("USER").is_empty();
        person.then(|| Self {
            account: value("USER"),
            user: value("UID").parse().ok(),
            remote: value("REMOTE") == "1",
            from: value("REMOTE_HOST"),
            kind: value("TYPE"),
            service: value("SERVICE"),
            state,
        })
    }

    fn row(&self) -> Vec<Value> {
        let how =
            if self.kind.is_empty() { self.service.to_owned() } else { format!("{} ({})", self.service, self.kind) };
        vec![self.account.into(), how.into(), self.state.into(), self.from.into()]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    #[test]
    fn who_is_in_a_desktop() {
        let inputs = gather_from(&recorded("desktop-invaded"), 1000);
        let draft = Sessions::judge(inputs);
        assert_eq!(draft.tables[0].rows.len(), 3);
        assert_eq!(draft.tables[0].rows[0][3], "203.0.113.77".into());
        let found: Vec<String> = told(Sessions::ID, &draft).findings.into_iter().map(|f| f.id).collect();
        assert_eq!(found, ["logged-in-from-elsewhere", "other-account"]);
        assert_eq!(findings::<Sessions>(gather_from(&recorded("laptop-guarded"), 1000)), ["sessions-ok"]);
        assert_eq!(findings::<Sessions>(gather_from(&recorded("container"), 0)), ["sessions-unknown"]);
    }

    #[test]
    fn what_is_no_person_is_not_told() {
        for text in [
            "UID=1000\nUSER=ana\nCLASS=manager\nSTATE=active\n",
            "UID=120\nUSER=gdm\nCLASS=greeter\nSTATE=online\n",
            "UID=1000\nUSER=ana\nCLASS=user\nSTATE=closing\n",
            "",
        ] {
            assert!(Session::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Sessions>(vec![
            gather_from(&recorded("desktop-invaded"), 1000),
            gather_from(&recorded("laptop-guarded"), 1000),
            gather_from(&recorded("container"), 0),
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(files in proptest::collection::vec("((UID|USER|CLASS|STATE|REMOTE|TYPE)=(user|1|.*)\n)*", 0..9), own in any::<u32>()) {
            told(Sessions::ID, &Sessions::judge(Inputs { kept: true, files, own }));
        }
    }
}
