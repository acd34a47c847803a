//! `tasks.cloud-sync`: which programs keep folders of the person in a cloud, and whether they run.
//!
//! Only whether a program's settings exist and whether it runs is looked at: no account, no folder, no token is opened.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::home;
use super::running::{Running, running};
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Name, names of its processes (cut at 15 letters by the system), folders that exist once it is set up.
type Client = (&'static str, &'static [&'static str], &'static [&'static str]);

const CLIENTS: [Client; 11] = [
    ("Dropbox", &["dropbox"], &[".dropbox/instance1", ".var/app/com.dropbox.Client"]),
    ("Nextcloud", &["nextcloud"], &[".config/Nextcloud", ".var/app/com.nextcloud.desktopclient.nextcloud"]),
    ("ownCloud", &["owncloud"], &[".config/ownCloud"]),
    ("OneDrive", &["onedrive"], &[".config/onedrive"]),
    ("OneDriver", &["onedriver"], &[".config/onedriver"]),
    ("Insync", &["insync"], &[".config/Insync"]),
    ("MEGA", &["megasync"], &[".local/share/data/Mega Limited"]),
    ("pCloud", &["pcloud"], &[".pcloud"]),
    ("Seafile", &["seafile-applet", "seaf-daemon"], &[".ccnet"]),
    ("Syncthing", &["syncthing"], &[".local/state/syncthing", ".config/syncthing"]),
    ("Synology Drive", &["cloud-drive-ui", "cloud-drive-dae"], &[".SynologyDrive"]),
];

pub(crate) struct CloudSync;

pub(crate) struct Inputs {
    running: Running,
    /// In the order of [`CLIENTS`].
    set_up: Vec<bool>,
    home: bool,
}

impl Check for CloudSync {
    const ID: &'static str = "tasks.cloud-sync";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let machine = Machine::this();
        let home = home::own(&machine);
        Ok(gather_from(&machine, home.as_deref(), rustix::process::getuid().as_raw()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        if !inputs.home {
            draft.finding(Severity::Unknown, "sync-unknown", &[], "no home in /etc/passwd");
            return draft;
        }
        let mut rows = Vec::new();
        for ((name, processes, _), set_up) in CLIENTS.iter().zip(&inputs.set_up) {
            let runs = processes.iter().any(|process| inputs.running.has(process));
            if *set_up && !runs && inputs.running.is_known() {
                let evidence = format!("settings of {name} exist, no process {}", processes.join(" or "));
                draft.finding(Severity::Warning, "sync-stopped", &[("program", (*name).into())], evidence);
            }
            if *set_up || runs {
                rows.push(vec![Value::from(*name), (*set_up).into(), runs.into()]);
            }
        }
        draft.fact("programs", rows.len() as u64, "");
        if rows.is_empty() {
            draft.finding(Severity::Ok, "no-sync", &[], format!("none of {} known programs", CLIENTS.len()));
        } else if draft.findings.is_empty() && inputs.running.is_known() {
            draft.finding(Severity::Ok, "sync-runs", &[], format!("{} set up, all running", rows.len()));
        }
        if !inputs.running.is_known() {
            draft.finding(Severity::Unknown, "programs-hidden", &[], "/proc shows no other process of this account");
        }
        draft.table("programs", &["program", "set-up", "runs"], rows);
        draft
    }
}

fn gather_from(machine: &Machine, home: Option<&str>, user: u32) -> Inputs {
    let exists = |below: &&str| home.is_some_and(|home| machine.has(&format!("{home}/{below}")));
    let set_up = CLIENTS.iter().map(|(.., folders)| folders.iter().any(exists)).collect();
    Inputs { running: running(machine, user), set_up, home: home.is_some() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::proof::{all_is_said, findings, item, recorded, told};

    fn laptop() -> Inputs {
        // The recorded files belong to whoever checked them out.
        let user = rustix::process::getuid().as_raw();
        gather_from(&recorded("ubuntu-laptop"), Some("/home/ana"), user)
    }

    #[test]
    fn a_client_that_is_set_up_and_does_not_run() {
        let draft = CloudSync::judge(laptop());
        let rows = &draft.tables[0].rows;
        assert_eq!(rows[0], ["Dropbox".into(), true.into(), false.into()]);
        assert_eq!(rows[1], ["Nextcloud".into(), true.into(), true.into()]);
        assert_eq!(told(CloudSync::ID, &draft).findings[0].id, "sync-stopped");
    }

    #[test]
    fn everything_declared_is_said() {
        let runs = Inputs { set_up: CLIENTS.iter().map(|(name, ..)| *name == "Nextcloud").collect(), ..laptop() };
        let none = Inputs { set_up: vec![false; CLIENTS.len()], running: Running::of(&["bash"]), home: true };
        let hidden = Inputs { running: Running::of(&[]), ..laptop() };
        assert_eq!(findings::<CloudSync>(Inputs { running: Running::of(&[]), ..laptop() }), ["programs-hidden"]);
        let nobody = gather_from(&recorded("container"), None, 0);
        all_is_said::<CloudSync>(vec![laptop(), runs, none, hidden, nobody]);
    }

    #[test]
    fn g1_what_it_looks_for_is_declared() {
        let reads = &item(CloudSync::ID).needs.reads;
        assert!(CLIENTS.iter().flat_map(|(.., folders)| *folders).all(|folder| reads.contains(&format!("~/{folder}"))));
        assert!(CLIENTS.iter().flat_map(|(_, processes, _)| *processes).all(|name| name.len() <= 15));
    }
}
