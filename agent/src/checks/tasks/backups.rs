//! `tasks.backups`: whether there is any backup, and how old the last one is.
//!
//! Told by the settings and notes that backup programs leave on this PC: which folders exist and when they last changed.
//! Where the copies go, and with what password, isn't opened. It is *not* a test of a backup: whether it can be brought
//! back only trying tells. A system's own snapshots aren't a backup of the person's files, and that is said.

use std::path::Path;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::age::{days, modified, now};
use super::home;
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Days after which a backup is old. Programs for people propose one a week (Déjà Dup); two missed ones aren't chance.
const OLD_DAYS: u64 = 15;
/// Most entries of a folder of notes that are looked at.
const NOTES_MAX: usize = 500;

/// What a program saves.
const FILES: &str = "files";
const SYSTEM: &str = "system";

struct Program {
    name: &'static str,
    saves: &'static str,
    /// What exists once it is set up.
    settings: &'static [&'static str],
    /// What changes with each backup: a file, or a folder whose newest entry counts.
    notes: &'static [&'static str],
}

const PROGRAMS: [Program; 17] = [
    program("Déjà Dup", FILES, &["~/.cache/deja-dup"], &["~/.cache/deja-dup"]),
    program(
        "Déjà Dup",
        FILES,
        &["~/.var/app/org.gnome.DejaDup/cache/deja-dup"],
        &["~/.var/app/org.gnome.DejaDup/cache/deja-dup"],
    ),
    program(
        "Pika Backup",
        FILES,
        &["~/.var/app/org.gnome.World.PikaBackup"],
        &["~/.var/app/org.gnome.World.PikaBackup/config/pika-backup"],
    ),
    program("Pika Backup", FILES, &["~/.config/pika-backup"], &["~/.config/pika-backup"]),
    program("Vorta", FILES, &["~/.local/share/Vorta"], &["~/.local/share/Vorta"]),
    program("Borg", FILES, &["~/.config/borg", "~/.cache/borg"], &["~/.cache/borg"]),
    program("borgmatic", FILES, &["/etc/borgmatic", "~/.config/borgmatic"], &["~/.local/state/borgmatic"]),
    program("restic", FILES, &["~/.cache/restic"], &["~/.cache/restic"]),
    program("duplicity", FILES, &["~/.cache/duplicity"], &["~/.cache/duplicity"]),
    program("Back In Time", FILES, &["~/.config/backintime"], &["~/.local/share/backintime"]),
    program("Kup", FILES, &["~/.config/kuprc"], &["~/.cache/kup"]),
    program("luckyBackup", FILES, &["~/.luckyBackup"], &["~/.luckyBackup/logs"]),
    program("Duplicati", FILES, &["~/.config/Duplicati"], &["~/.config/Duplicati"]),
    program("UrBackup", FILES, &["/var/urbackup"], &["/var/urbackup"]),
    program("rsnapshot", FILES, &["/etc/rsnapshot.conf"], &["/var/log/rsnapshot.log"]),
    program("Timeshift", SYSTEM, &["/etc/timeshift"], &["/var/log/timeshift"]),
    program("Snapper", SYSTEM, &["/etc/snapper/configs"], &["/var/log/snapper.log"]),
];

const fn program(
    name: &'static str,
    saves: &'static str,
    settings: &'static [&'static str],
    notes: &'static [&'static str],
) -> Program {
    Program { name, saves, settings, notes }
}

pub(crate) struct Backups;

pub(crate) struct Inputs {
    home: bool,
    found: Vec<Found>,
    now: u64,
}

/// A program that is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Found {
    name: &'static str,
    saves: &'static str,
    /// When its notes last changed.
    last: Option<u64>,
}

impl Check for Backups {
    const ID: &'static str = "tasks.backups";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let machine = Machine::this();
        let home = home::own(&machine);
        Ok(gather_from(&machine, home.as_deref(), now()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let of_files: Vec<&Found> = inputs.found.iter().filter(|found| found.saves == FILES).collect();
        let newest = of_files.iter().filter_map(|found| found.last.map(|last| (found.name, days(inputs.now, last))));
        let newest = newest.min_by_key(|(_, age)| *age);
        draft.fact("programs", inputs.found.len() as u64, "");
        draft.fact("newest", newest.map_or(Value::from(""), |(_, age)| age.into()), "days");
        match newest {
            Some((name, age)) if age >= OLD_DAYS => {
                let values = [("program", name.into()), ("days", age.into())];
                let evidence = format!("notes of {name} last changed {age} days ago");
                draft.finding(Severity::Warning, "backup-old", &values, evidence);
            }
            Some((name, age)) => {
                let values = [("program", name.into()), ("days", age.into())];
                let evidence = format!("notes of {name} last changed {age} days ago");
                draft.finding(Severity::Ok, "backup-recent", &values, evidence);
            }
            None if !of_files.is_empty() => {
                let evidence = format!("{} is set up, its notes can't be seen", of_files[0].name);
                draft.finding(Severity::Unknown, "age-unknown", &[("program", of_files[0].name.into())], evidence);
            }
            None if !inputs.home => {
                draft.finding(Severity::Unknown, "backups-unknown", &[], "no home in /etc/passwd");
            }
            None if inputs.found.is_empty() => {
                let evidence = format!("no settings of {} known programs", PROGRAMS.len());
                draft.finding(Severity::Warning, "no-backup", &[], evidence);
            }
            None => {
                let evidence = format!("only {} is set up", inputs.found[0].name);
                draft.finding(Severity::Warning, "only-system", &[("program", inputs.found[0].name.into())], evidence);
            }
        }
        let row = |found: &Found| -> Vec<Value> {
            let age = found.last.map_or("".into(), |last| days(inputs.now, last).into());
            vec![found.name.into(), found.saves.into(), age]
        };
        draft.table("programs", &["program", "saves", "days"], inputs.found.iter().map(row).collect());
        draft
    }
}

fn gather_from(machine: &Machine, home: Option<&str>, now: u64) -> Inputs {
    let place = |path: &str| match (path.strip_prefix("~/"), home) {
        (Some(below), Some(home)) => Some(machine.path(home).join(below)),
        (Some(_), None) => None,
        (None, _) => Some(machine.path(path)),
    };
    let mut found: Vec<Found> = Vec::new();
    for program in &PROGRAMS {
        if !program.settings.iter().filter_map(|path| place(path)).any(|path| path.exists()) {
            continue;
        }
        let last = program.notes.iter().filter_map(|path| newest(&place(path)?)).max();
        match found.iter_mut().find(|known| known.name == program.name) {
            Some(known) => known.last = known.last.max(last),
            None => found.push(Found { name: program.name, saves: program.saves, last }),
        }
    }
    Inputs { home: home.is_some(), found, now }
}

/// The file's own date, or the newest of what is in the folder and one level below. A folder's own date doesn't count: it
/// changes when old copies are thrown away.
fn newest(path: &Path) -> Option<u64> {
    if !path.is_dir() {
        return modified(path);
    }
    let inside = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.take(NOTES_MAX).map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let folders = inside(path);
    let files = folders.iter().flat_map(|entry| if entry.is_dir() { inside(entry) } else { vec![entry.clone()] });
    files.filter_map(|file| modified(&file)).max()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, item, recorded, told};
    use crate::checks::tasks::age::DAY;

    fn found(name: &'static str, saves: &'static str, age: Option<u64>) -> Inputs {
        let last = age.map(|age| (1_000 - age) * DAY);
        Inputs { home: true, found: vec![Found { name, saves, last }], now: 1_000 * DAY }
    }

    #[test]
    fn a_laptop_with_two_programs() {
        let inputs = gather_from(&recorded("ubuntu-laptop"), Some("/home/ana"), now());
        let names: Vec<(&str, &str, bool)> =
            inputs.found.iter().map(|found| (found.name, found.saves, found.last.is_some())).collect();
        assert_eq!(names, [("Déjà Dup", FILES, true), ("Timeshift", SYSTEM, true)]);
        told(Backups::ID, &Backups::judge(inputs));
    }

    #[test]
    fn age_below_at_and_above() {
        for (age, said) in [(OLD_DAYS - 1, "backup-recent"), (OLD_DAYS, "backup-old"), (OLD_DAYS + 1, "backup-old")] {
            assert_eq!(findings::<Backups>(found("Borg", FILES, Some(age))), [said]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Backups>(vec![
            found("Borg", FILES, Some(1)),
            found("Borg", FILES, Some(99)),
            found("borgmatic", FILES, None),
            found("Timeshift", SYSTEM, Some(1)),
            gather_from(&recorded("arch-desktop"), Some("/home/ana"), now()),
            gather_from(&recorded("container"), None, now()),
        ]);
    }

    #[test]
    fn g1_what_it_looks_at_is_declared() {
        let reads = &item(Backups::ID).needs.reads;
        let below = |path: &str| reads.iter().any(|read| path == read || path.starts_with(&format!("{read}/")));
        assert!(
            PROGRAMS.iter().flat_map(|program| program.settings.iter().chain(program.notes)).all(|path| below(path))
        );
    }

    proptest! {
        #[test]
        fn any_age_is_told(age in proptest::option::of(0..2_000_u64), now in any::<u64>()) {
            let age = age.filter(|age| *age <= 1_000);
            told(Backups::ID, &Backups::judge(Inputs { now, ..found("Borg", FILES, age) }));
        }
    }
}
