//! `system.own-start-up`: programs that the person's own list starts when they log in.
//!
//! The list says what a person uses, so the result waits for their look. The home is the one the account has in passwd(5):
//! the environment isn't asked, whoever sets it could name any folder.

use rustix::process::getuid;
use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity};

use super::autostart::{self, Entry};
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Programs of the own list from which a log-in gets slow. Our choice; desktops come with none.
const MANY: u64 = 8;

pub(crate) struct OwnStartUp;

pub(crate) struct Inputs {
    /// Programs and services; nothing if the account has no home.
    entries: Option<(Vec<Entry>, Vec<Entry>)>,
}

impl Check for OwnStartUp {
    const ID: &'static str = "system.own-start-up";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this(), getuid().as_raw()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let Some((programs, services)) = inputs.entries else {
            draft.finding(Severity::Unknown, "home-unknown", &[], "/etc/passwd has no home for this account");
            return draft;
        };
        let running = services.len();
        let on = autostart::list(&mut draft, programs, services);
        let evidence = format!("~/.config/autostart: {on} switched on; ~/.config/systemd/user: {running}");
        let count = [("count", on.into())];
        if on >= MANY {
            draft.finding(Severity::Warning, "own-many", &count, evidence);
        } else if on > 0 {
            draft.finding(Severity::Ok, "own-listed", &count, evidence);
        } else {
            draft.finding(Severity::Ok, "own-none", &[], evidence);
        }
        draft
    }
}

fn gather_from(machine: &Machine, user: u32) -> Inputs {
    let home = machine.text("/etc/passwd").ok().and_then(|text| home(&text, user));
    let entries = home.map(|home| {
        (
            autostart::programs(machine, &format!("{home}/.config/autostart")),
            autostart::services(machine, &format!("{home}/.config/systemd/user")),
        )
    });
    Inputs { entries }
}

fn home(text: &str, user: u32) -> Option<String> {
    let line = text.lines().find(|line| line.split(':').nth(2).and_then(|id| id.parse().ok()) == Some(user))?;
    line.split(':').nth(5).filter(|home| home.starts_with('/') && home.len() > 1).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn listed(count: u64) -> Inputs {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("home/ana/.config/autostart");
        std::fs::create_dir_all(&list).unwrap();
        std::fs::create_dir_all(folder.path().join("etc")).unwrap();
        std::fs::write(folder.path().join("etc/passwd"), "ana:x:1000:1000::/home/ana:/bin/sh\n").unwrap();
        for i in 0..count {
            std::fs::write(list.join(format!("{i}.desktop")), "[Desktop Entry]\nName=A\nExec=a --key b\n").unwrap();
        }
        gather_from(&Machine::at(folder.path()), 1000)
    }

    #[test]
    fn programs_below_at_and_above() {
        for (count, found) in
            [(0, "own-none"), (1, "own-listed"), (MANY - 1, "own-listed"), (MANY, "own-many"), (MANY + 1, "own-many")]
        {
            assert_eq!(findings::<OwnStartUp>(listed(count)), [found], "{count}");
        }
    }

    #[test]
    fn the_home_is_the_one_of_the_account() {
        let laptop = recorded("arch-laptop");
        let draft = OwnStartUp::judge(gather_from(&laptop, 1000));
        let said = format!("{:?}", told(OwnStartUp::ID, &draft));
        assert!(said.contains("Nextcloud") && said.contains("syncthing.service"));
        assert!(!said.contains("/home/") && !said.contains("background"));
        assert_eq!(findings::<OwnStartUp>(gather_from(&laptop, 4711)), ["home-unknown"]);
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<OwnStartUp>(vec![listed(0), listed(1), listed(MANY), Inputs { entries: None }]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "(.*\n)*|(([a-z0-9/]*:){6}\n)*", user in any::<u32>()) {
            let _any = home(&text, user);
        }
    }
}
