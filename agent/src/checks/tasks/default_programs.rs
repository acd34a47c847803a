//! `tasks.default-programs`: which program opens pages, mail, PDF and other everyday things, and whether it is still there.
//!
//! The lists are those of the MIME applications specification of freedesktop.org, the person's first. A program the person
//! made themselves is told as "own": its name may be anything.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::home;
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// What is opened: a word that is the same in all languages, and its name in the lists.
const KINDS: [(&str, &str); 11] = [
    ("https", "x-scheme-handler/https"),
    ("http", "x-scheme-handler/http"),
    ("mailto", "x-scheme-handler/mailto"),
    ("pdf", "application/pdf"),
    ("jpeg", "image/jpeg"),
    ("mp4", "video/mp4"),
    ("mp3", "audio/mpeg"),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("zip", "application/zip"),
];
/// Lists below the home, then those of the system. Desktops may have lists of their own: the common ones come last.
const LISTS: [&str; 7] = [
    "~/.config/mimeapps.list",
    "~/.local/share/applications/mimeapps.list",
    "/etc/xdg/mimeapps.list",
    "/usr/share/applications/mimeapps.list",
    "/usr/share/applications/defaults.list",
    "/usr/share/applications/gnome-mimeapps.list",
    "/usr/share/applications/kde-mimeapps.list",
];
/// Where programs register themselves; the person's own first.
const OWN: [&str; 1] = ["~/.local/share/applications"];
const SHARED: [&str; 5] = [
    "~/.local/share/flatpak/exports/share/applications",
    "/usr/share/applications",
    "/usr/local/share/applications",
    "/var/lib/flatpak/exports/share/applications",
    "/var/lib/snapd/desktop/applications",
];

pub(crate) struct DefaultPrograms;

pub(crate) struct Inputs {
    lists: Vec<Option<String>>,
    own: Vec<String>,
    shared: Vec<String>,
}

/// What opens one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Opener {
    /// A program of the system.
    Program(String),
    /// One the person made.
    Own,
    /// Named, and not there any more.
    Gone,
    /// No list names one: the desktop picks.
    NotChosen,
}

impl Check for DefaultPrograms {
    const ID: &'static str = "tasks.default-programs";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let machine = Machine::this();
        let home = home::own(&machine);
        Ok(gather_from(&machine, home.as_deref()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        if inputs.own.is_empty() && inputs.shared.is_empty() {
            draft.finding(Severity::Unknown, "defaults-unknown", &[], "no desktop entry in the usual folders");
            return draft;
        }
        let openers: Vec<(&str, Opener)> = KINDS.iter().map(|(word, kind)| (*word, inputs.opener(kind))).collect();
        for (word, opener) in &openers {
            if *opener == Opener::Gone {
                let evidence = format!("the program that a list names for {word} has no desktop entry");
                draft.finding(Severity::Warning, "program-gone", &[("kind", (*word).into())], evidence);
            }
        }
        let of = |word: &str| openers.iter().find(|(known, _)| *known == word).map(|(_, opener)| opener);
        let (https, http) = (of("https"), of("http"));
        if https != http && [https, http].iter().all(|opener| opener.is_some_and(|opener| opener.word().is_some())) {
            draft.finding(Severity::Warning, "browsers-differ", &[], "http and https have different programs");
        }
        if https == Some(&Opener::NotChosen) {
            draft.finding(Severity::Warning, "no-browser-chosen", &[], "no list names a program for https");
        }
        let chosen = openers.iter().filter(|(_, opener)| opener.word().is_some()).count() as u64;
        draft.fact("chosen", chosen, "");
        if draft.findings.is_empty() {
            let evidence = format!("{chosen} of {} kinds have a program that is there", KINDS.len());
            draft.finding(Severity::Ok, "defaults-ok", &[], evidence);
        }
        let state = |opener: &Opener| match opener {
            Opener::Program(_) => "there",
            Opener::Own => "own",
            Opener::Gone => "gone",
            Opener::NotChosen => "not-chosen",
        };
        let row = |(word, opener): &(&str, Opener)| -> Vec<Value> {
            vec![(*word).into(), opener.word().unwrap_or_default().into(), state(opener).into()]
        };
        draft.table("kinds", &["kind", "program", "state"], openers.iter().map(row).collect());
        draft
    }
}

impl Opener {
    fn word(&self) -> Option<&str> {
        match self {
            Self::Program(name) => Some(name),
            Self::Own => Some("own"),
            Self::Gone | Self::NotChosen => None,
        }
    }
}

impl Inputs {
    /// The first program that is there, of the first list that names any (the specification's order).
    fn opener(&self, kind: &str) -> Opener {
        let mut named = false;
        for list in self.lists.iter().flatten() {
            for name in defaults(list, kind) {
                named = true;
                if self.own.iter().any(|own| is_entry(own, name))
                    && !self.shared.iter().any(|entry| is_entry(entry, name))
                {
                    return Opener::Own;
                }
                if self.shared.iter().any(|entry| is_entry(entry, name)) {
                    return Opener::Program(name.trim_end_matches(".desktop").to_owned());
                }
            }
        }
        if named { Opener::Gone } else { Opener::NotChosen }
    }
}

/// `kind=a.desktop;b.desktop;` below `[Default Applications]`. Older lists have no other groups.
fn defaults<'a>(list: &'a str, kind: &str) -> impl Iterator<Item = &'a str> {
    let mut inside = false;
    let line = list.lines().map(str::trim).find_map(|line| {
        if line.starts_with('[') {
            inside = line == "[Default Applications]";
        }
        line.strip_prefix(kind)?.strip_prefix('=').filter(|_| inside)
    });
    line.unwrap_or_default().split(';').map(str::trim).filter(|name| !name.is_empty())
}

/// A program in a folder has that folder in its name, with a dash.
fn is_entry(entry: &str, name: &str) -> bool {
    entry == name || entry.replace('/', "-") == name
}

fn gather_from(machine: &Machine, home: Option<&str>) -> Inputs {
    let place = |path: &str| match (path.strip_prefix("~/"), home) {
        (Some(below), Some(home)) => Some(format!("{home}/{below}")),
        (Some(_), None) => None,
        (None, _) => Some(path.to_owned()),
    };
    let entries = |folders: &[&str]| -> Vec<String> {
        let inside = |folder: String| {
            let (deeper, flat): (Vec<_>, Vec<_>) =
                machine.names(&folder).into_iter().partition(|name| !name.contains('.'));
            let deeper = deeper.into_iter().flat_map(|name| {
                let below = machine.names(&format!("{folder}/{name}"));
                below.into_iter().map(move |entry| format!("{name}/{entry}"))
            });
            flat.into_iter().chain(deeper.collect::<Vec<_>>())
        };
        let entries = folders.iter().filter_map(|path| place(path)).flat_map(inside);
        entries.filter(|name| name.ends_with(".desktop")).collect()
    };
    let list = |path: &&str| place(path).and_then(|path| machine.text(&path).ok());
    Inputs { lists: LISTS.iter().map(list).collect(), own: entries(&OWN), shared: entries(&SHARED) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, item, recorded, told};

    fn at(machine: &str) -> Inputs {
        gather_from(&recorded(machine), Some("/home/ana"))
    }

    fn listing(list: &str) -> Inputs {
        Inputs { lists: vec![Some(format!("[Default Applications]\n{list}"))], ..at("ubuntu-laptop") }
    }

    #[test]
    fn the_persons_list_comes_first_and_what_is_gone_is_said() {
        let draft = DefaultPrograms::judge(at("ubuntu-laptop"));
        let row = |kind: &str| draft.tables[0].rows.iter().find(|row| row[0] == kind.into()).unwrap().clone();
        assert_eq!(row("https"), ["https".into(), "firefox_firefox".into(), "there".into()]);
        assert_eq!(row("mailto"), ["mailto".into(), "own".into(), "own".into()]);
        assert_eq!(row("pdf"), ["pdf".into(), "".into(), "gone".into()]);
        assert_eq!(row("odt"), ["odt".into(), "libreoffice-writer".into(), "there".into()]);
        assert!(!format!("{draft:?}").contains("userapp"));
        assert_eq!(told(DefaultPrograms::ID, &draft).findings[0].id, "program-gone");
    }

    #[test]
    fn browsers_that_differ_and_none() {
        let both = |http: &str| {
            listing(&format!("x-scheme-handler/https=firefox_firefox.desktop\nx-scheme-handler/http={http}\n"))
        };
        assert_eq!(findings::<DefaultPrograms>(both("firefox_firefox.desktop")), ["defaults-ok"]);
        assert_eq!(findings::<DefaultPrograms>(both("libreoffice-writer.desktop")), ["browsers-differ"]);
        assert_eq!(findings::<DefaultPrograms>(both("none.desktop;firefox_firefox.desktop;")), ["defaults-ok"]);
        let other = "[Added Associations]\napplication/pdf=none.desktop\n";
        assert_eq!(findings::<DefaultPrograms>(listing(other)), ["no-browser-chosen"]);
        assert!(is_entry("kde4/dolphin.desktop", "kde4-dolphin.desktop"));
    }

    #[test]
    fn everything_declared_is_said() {
        let fine = "x-scheme-handler/https=firefox_firefox.desktop\nx-scheme-handler/http=firefox_firefox.desktop\n";
        let mixed = fine.replacen("https=firefox_firefox", "https=libreoffice-writer", 1);
        let empty = Inputs { own: vec![], shared: vec![], lists: vec![] };
        all_is_said::<DefaultPrograms>(vec![at("ubuntu-laptop"), listing(fine), listing(&mixed), listing(""), empty]);
    }

    #[test]
    fn g1_what_it_reads_is_declared() {
        let reads = &item(DefaultPrograms::ID).needs.reads;
        let below = |path: &str| reads.iter().any(|read| path == read || path.starts_with(&format!("{read}/")));
        assert!(LISTS.iter().chain(&OWN).chain(&SHARED).all(|path| below(path)));
    }

    proptest! {
        #[test]
        fn garbage_never_panics(list in "(.*=.*;.*\n)*|(x-scheme-handler/https?=.*\n)*") {
            told(DefaultPrograms::ID, &DefaultPrograms::judge(listing(&list)));
        }
    }
}
