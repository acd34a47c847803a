//! `tasks.mail-programs`: which mail programs there are, how many accounts they have and how much mail they keep.
//!
//! Of settings only account lines are counted: no address, server or folder name is kept. Mail isn't opened. Files are
//! added up and the biggest one is measured, because a mail folder of many gigabytes is why a mail program hangs.

use std::time::{Duration, Instant};

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::age::{days, now};
use super::home;
use super::installed::{Found, Program, Raw};
use super::walk::Budget;
use crate::checks::figure::{megabytes, size};
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Bytes of one file of mail from which programs get slow or damage it: Mozilla's help says to keep folders below 4 GB.
const FILE_BIG: u64 = 4_000_000_000;
/// Bytes of all mail worth a sentence. Our choice.
const MAIL_BIG: u64 = 20_000_000_000;
/// Most files and folders that are counted, and for how long.
const ENTRIES: u64 = 60_000;
const TIME: Duration = Duration::from_secs(3);
/// Most profiles whose accounts are counted.
const PROFILES_MAX: usize = 10;

const PROGRAMS: [Program; 6] = [
    Program {
        name: "Thunderbird",
        packages: &["thunderbird", "MozillaThunderbird"],
        flatpak: "org.mozilla.Thunderbird",
        snap: "thunderbird",
    },
    Program { name: "Evolution", packages: &["evolution"], flatpak: "org.gnome.Evolution", snap: "" },
    Program { name: "Geary", packages: &["geary"], flatpak: "org.gnome.Geary", snap: "" },
    Program { name: "KMail", packages: &["kmail"], flatpak: "org.kde.kontact", snap: "" },
    Program { name: "Claws Mail", packages: &["claws-mail"], flatpak: "org.claws_mail.Claws-Mail", snap: "" },
    Program {
        name: "Mailspring",
        packages: &["mailspring"],
        flatpak: "com.getmailspring.Mailspring",
        snap: "mailspring",
    },
];

/// Where mail is, below the home.
const PLACES: [(&str, &str); 10] = [
    ("Thunderbird", ".thunderbird"),
    ("Thunderbird", "snap/thunderbird/common/.thunderbird"),
    ("Thunderbird", ".var/app/org.mozilla.Thunderbird/.thunderbird"),
    ("Evolution", ".local/share/evolution"),
    ("Evolution", ".cache/evolution"),
    ("Geary", ".local/share/geary"),
    ("KMail", ".local/share/local-mail"),
    ("KMail", ".local/share/akonadi"),
    ("Claws Mail", ".claws-mail"),
    ("Mailspring", ".config/Mailspring"),
];

pub(crate) struct MailPrograms;

pub(crate) struct Inputs {
    raw: Raw,
    kept: Vec<Kept>,
    /// Thunderbird's settings, one text a profile; only judged here, never kept.
    settings: Vec<String>,
    now: u64,
}

/// What one program keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Kept {
    program: &'static str,
    bytes: u64,
    biggest: u64,
    cut: bool,
}

impl Check for MailPrograms {
    const ID: &'static str = "tasks.mail-programs";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let machine = Machine::this();
        let home = home::own(&machine);
        Ok(gather_from(&machine, home.as_deref(), now()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let found = inputs.raw.found(&PROGRAMS);
        let total = inputs.kept.iter().fold(0_u64, |sum, kept| sum.saturating_add(kept.bytes));
        draft.fact("programs", found.len() as u64, "");
        draft.fact("mail", total, "bytes");
        if !inputs.settings.is_empty() {
            draft.fact("accounts", inputs.settings.iter().map(|text| accounts(text)).sum::<u64>(), "");
        }
        for kept in inputs.kept.iter().filter(|kept| kept.biggest >= FILE_BIG) {
            let values = [("program", kept.program.into()), ("size", size(kept.biggest).into())];
            let evidence = format!("{}: biggest file {} bytes", kept.program, kept.biggest);
            draft.finding(Severity::Warning, "mail-file-big", &values, evidence);
        }
        if total >= MAIL_BIG {
            draft.finding(Severity::Warning, "mail-big", &[("size", size(total).into())], format!("{total} bytes"));
        }
        if found.is_empty() && inputs.kept.is_empty() && !inputs.raw.knows() {
            draft.finding(Severity::Unknown, "mail-unknown", &[], "no list of dpkg, RPM or pacman could be read");
        } else if found.is_empty() && inputs.kept.is_empty() {
            draft.finding(Severity::Ok, "no-mail-program", &[], format!("none of {} known ones", PROGRAMS.len()));
        } else if draft.findings.is_empty() {
            let evidence = format!("{} programs, {total} bytes of mail", found.len());
            draft.finding(Severity::Ok, "mail-ok", &[], evidence);
        }
        if inputs.kept.iter().any(|kept| kept.cut) {
            let evidence = format!("stopped after {ENTRIES} entries or {} s", TIME.as_secs());
            draft.finding(Severity::Unknown, "counted-partly", &[], evidence);
        }
        let row = |program: &Found| -> Vec<Value> {
            let age = program.since.map_or("".into(), |since| days(inputs.now, since).into());
            vec![program.name.into(), program.version.clone().into(), program.source.into(), age]
        };
        let rows = found.iter().map(row).collect();
        draft.table("programs", &["program", "version", "source", "days"], rows);
        let row = |k: &Kept| vec![k.program.into(), megabytes(k.bytes).into(), megabytes(k.biggest).into()];
        draft.table("mail", &["program", "size", "biggest"], inputs.kept.iter().map(row).collect());
        draft
    }
}

fn gather_from(machine: &Machine, home: Option<&str>, now: u64) -> Inputs {
    let mut budget = Budget::new(ENTRIES, Instant::now() + TIME);
    let (mut kept, mut settings) = (Vec::<Kept>::new(), Vec::new());
    for (program, below) in PLACES {
        let Some(folder) = home.map(|home| format!("{home}/{below}")) else { continue };
        let mut biggest = 0;
        let walked = budget.each(&machine.path(&folder), &mut |entry| biggest = biggest.max(entry.bytes()));
        let Some(size) = walked else { continue };
        let new = Kept { program, bytes: size.bytes, biggest, cut: size.cut };
        match kept.iter_mut().find(|known| known.program == program) {
            Some(known) => known.add(&new),
            None => kept.push(new),
        }
        if program == "Thunderbird" {
            let profiles = machine.names(&folder).into_iter().take(PROFILES_MAX);
            settings.extend(profiles.filter_map(|name| machine.text(&format!("{folder}/{name}/prefs.js")).ok()));
        }
    }
    Inputs { raw: Raw::gather(machine, home, &PROGRAMS), kept, settings, now }
}

impl Kept {
    fn add(&mut self, other: &Self) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.biggest = self.biggest.max(other.biggest);
        self.cut |= other.cut;
    }
}

/// Accounts that fetch mail: `user_pref("mail.server.server1.type", "imap");`. The folders of this PC and the feeds have
/// such a line too, with other words.
fn accounts(settings: &str) -> u64 {
    let account = |line: &&str| {
        line.starts_with("user_pref(\"mail.server.server")
            && ["imap", "pop3", "owl", "exchange", "ews"]
                .iter()
                .any(|kind| line.contains(&format!(".type\", \"{kind}\"")))
    };
    settings.lines().filter(account).count() as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, item, recorded, told};
    use crate::checks::tasks::installed::READS;

    fn at(machine: &str) -> Inputs {
        gather_from(&recorded(machine), Some("/home/ana"), now())
    }

    fn keeping(bytes: u64, biggest: u64, cut: bool) -> Inputs {
        Inputs { kept: vec![Kept { program: "Thunderbird", bytes, biggest, cut }], ..at("ubuntu-laptop") }
    }

    #[test]
    fn accounts_are_counted_and_nothing_of_them_is_kept() {
        let draft = MailPrograms::judge(at("ubuntu-laptop"));
        let accounts = draft.facts.iter().find(|fact| fact.key == "accounts").unwrap();
        assert_eq!(accounts.value, Value::Integer(2));
        let said = format!("{draft:?}");
        assert!(!said.contains("ana.garcia") && !said.contains("example.org"));
        assert_eq!(told(MailPrograms::ID, &draft).findings[0].id, "mail-ok");
    }

    #[test]
    fn sizes_below_at_and_above() {
        for (bytes, biggest, found) in [
            (MAIL_BIG - 1, FILE_BIG - 1, &["mail-ok"][..]),
            (MAIL_BIG, 0, &["mail-big"]),
            (MAIL_BIG + 1, FILE_BIG, &["mail-file-big", "mail-big"]),
            (0, FILE_BIG + 1, &["mail-file-big"]),
        ] {
            assert_eq!(findings::<MailPrograms>(keeping(bytes, biggest, false)), found);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<MailPrograms>(vec![
            at("ubuntu-laptop"),
            keeping(MAIL_BIG, FILE_BIG, true),
            at("debian-server"),
            at("container"),
        ]);
    }

    #[test]
    fn g1_what_it_reads_is_declared() {
        let needs = &item(MailPrograms::ID).needs;
        let below = |path: &str| needs.reads.iter().any(|read| path == read || path.starts_with(&format!("{read}/")));
        assert!(READS.iter().all(|path| below(path)));
        assert!(PLACES.iter().all(|(_, path)| below(&format!("~/{path}"))));
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "(user_pref\\(\"mail.server.server.*\n)*|.*") {
            accounts(&text);
        }
    }
}
