//! `tasks.old-downloads`: what the download folder holds, by kind and by age.
//!
//! A file's kind is told by the end of its name, which is looked at and forgotten; no name leaves the PC and nothing is
//! opened.

use std::time::{Duration, Instant};

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::age::{days, now};
use super::home::{self, user_folder};
use super::walk::Budget;
use crate::checks::figure::{megabytes, size};
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Days after which a download was probably needed once. Our choice: half a year.
const OLD_DAYS: u64 = 180;
/// Bytes of old downloads worth a sentence. Our choice.
const OLD_BIG: u64 = 2_000_000_000;
/// Bytes of installers and disk images worth a sentence: whatever they installed is installed.
const INSTALLERS_BIG: u64 = 2_000_000_000;
/// Days after which a download that isn't complete was given up. Our choice.
const GIVEN_UP_DAYS: u64 = 2;
/// Most files and folders that are counted, and for how long.
const ENTRIES: u64 = 60_000;
const TIME: Duration = Duration::from_secs(3);
/// Ages in the table: upper end in days, and its word.
const AGES: [(u64, &str); 4] = [(30, "month"), (OLD_DAYS, "half-year"), (365, "year"), (u64::MAX, "older")];

/// Ends of names, by kind.
const KINDS: [(&str, &[&str]); 7] = [
    ("unfinished", &["part", "crdownload", "opdownload", "download", "partial"]),
    (
        "installers",
        &["deb", "rpm", "appimage", "flatpakref", "snap", "run", "exe", "msi", "dmg", "pkg", "iso", "img", "apk"],
    ),
    ("archives", &["zip", "rar", "7z", "gz", "tgz", "xz", "bz2", "zst", "tar"]),
    ("videos", &["mp4", "mkv", "avi", "mov", "webm", "m4v", "wmv"]),
    ("music", &["mp3", "flac", "ogg", "opus", "m4a", "wav", "aac"]),
    ("pictures", &["jpg", "jpeg", "png", "gif", "webp", "heic", "tif", "tiff", "svg", "raw", "bmp"]),
    (
        "documents",
        &["pdf", "odt", "ods", "odp", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "txt", "csv", "epub", "rtf"],
    ),
];
/// Whatever ends otherwise.
const OTHER: &str = "other";

pub(crate) struct OldDownloads;

pub(crate) struct Inputs {
    /// None if there is no such folder.
    files: Option<Vec<Download>>,
    cut: bool,
    now: u64,
}

/// One file, without its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Download {
    kind: &'static str,
    bytes: u64,
    modified: u64,
}

impl Check for OldDownloads {
    const ID: &'static str = "tasks.old-downloads";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let machine = Machine::this();
        let home = home::own(&machine);
        Ok(gather_from(&machine, home.as_deref(), now()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let Some(files) = inputs.files else {
            draft.finding(
                Severity::Unknown,
                "downloads-unknown",
                &[],
                "no download folder in user-dirs.dirs or the home",
            );
            return draft;
        };
        let age = |file: &Download| days(inputs.now, file.modified);
        let total = sum(files.iter());
        let old = sum(files.iter().filter(|file| age(file) >= OLD_DAYS));
        let installers = sum(files.iter().filter(|file| file.kind == "installers"));
        let given_up: Vec<&Download> =
            files.iter().filter(|file| file.kind == "unfinished" && age(file) >= GIVEN_UP_DAYS).collect();
        draft.fact("files", files.len() as u64, "");
        draft.fact("size", total, "bytes");
        draft.fact("old-size", old, "bytes");
        draft.fact("given-up", given_up.len() as u64, "");
        if old >= OLD_BIG {
            let evidence = format!("{old} of {total} bytes are older than {OLD_DAYS} days");
            draft.finding(Severity::Warning, "downloads-old", &[("size", size(old).into())], evidence);
        }
        if installers >= INSTALLERS_BIG {
            let evidence = format!("{installers} of {total} bytes are installers and disk images");
            draft.finding(Severity::Warning, "installers-big", &[("size", size(installers).into())], evidence);
        }
        if !given_up.is_empty() {
            let count = given_up.len() as u64;
            let evidence = format!("{count} unfinished, {} bytes", sum(given_up.into_iter()));
            draft.finding(Severity::Warning, "downloads-unfinished", &[("count", count.into())], evidence);
        }
        if draft.findings.is_empty() {
            draft.finding(Severity::Ok, "downloads-ok", &[], format!("{} files, {total} bytes", files.len()));
        }
        if inputs.cut {
            let evidence = format!("stopped after {ENTRIES} entries, {} s or a very deep folder", TIME.as_secs());
            draft.finding(Severity::Unknown, "counted-partly", &[], evidence);
        }
        let kinds = KINDS.iter().map(|(kind, _)| *kind).chain([OTHER]);
        let of_kind = |kind: &'static str| row(kind, files.iter().filter(move |file| file.kind == kind));
        draft.table("kinds", &["kind", "files", "size"], kinds.filter_map(of_kind).collect());
        let of_age = |(place, (below, word)): (usize, &(u64, &'static str))| {
            let from = place.checked_sub(1).map_or(0, |before| AGES[before].0);
            row(word, files.iter().filter(move |file| (from..*below).contains(&age(file))))
        };
        draft.table("ages", &["age", "files", "size"], AGES.iter().enumerate().filter_map(of_age).collect());
        draft
    }
}

fn sum<'a>(files: impl Iterator<Item = &'a Download>) -> u64 {
    files.fold(0, |sum, file| sum.saturating_add(file.bytes))
}

fn row<'a>(word: &'static str, files: impl Iterator<Item = &'a Download> + Clone) -> Option<Vec<Value>> {
    let count = files.clone().count() as u64;
    (count > 0).then(|| vec![word.into(), count.into(), megabytes(sum(files)).into()])
}

fn gather_from(machine: &Machine, home: Option<&str>, now: u64) -> Inputs {
    let mut budget = Budget::new(ENTRIES, Instant::now() + TIME);
    let mut files = Vec::new();
    let walked = home.and_then(|home| {
        let named = machine.text(&format!("{home}/.config/user-dirs.dirs")).unwrap_or_default();
        let folder = match user_folder(&named, "XDG_DOWNLOAD_DIR") {
            Some(below) => machine.path(home).join(below?),
            None => machine.path(home).join("Downloads"),
        };
        budget.each(&folder, &mut |entry| {
            if !entry.is_folder() {
                let kind = kind(entry.name.to_bytes());
                files.push(Download { kind, bytes: entry.bytes(), modified: entry.modified() });
            }
        })
    });
    // A folder that may not be opened tells as little as one that isn't there.
    let open = walked.filter(|size| size.denied == 0 || !files.is_empty());
    Inputs { files: open.map(|_| files), cut: open.is_some_and(|size| size.cut), now }
}

fn kind(name: &[u8]) -> &'static str {
    let end = name.rsplit(|&byte| byte == b'.').next().filter(|end| end.len() < name.len()).unwrap_or_default();
    let known = |ends: &&[&str]| ends.iter().any(|known| end.eq_ignore_ascii_case(known.as_bytes()));
    KINDS.iter().find(|(_, ends)| known(ends)).map_or(OTHER, |(kind, _)| kind)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};
    use crate::checks::tasks::age::DAY;

    const NOW: u64 = 20_000 * DAY;

    fn one(kind: &'static str, bytes: u64, age: u64) -> Inputs {
        Inputs { files: Some(vec![Download { kind, bytes, modified: NOW - age * DAY }]), cut: false, now: NOW }
    }

    #[test]
    fn names_are_classed_and_forgotten() {
        for (name, class) in [
            ("letter to the bank.PDF", "documents"),
            ("film.mp4.part", "unfinished"),
            ("a.tar.gz", "archives"),
            ("setup.exe", "installers"),
            ("no end", OTHER),
            ("pdf", OTHER),
            ("", OTHER),
        ] {
            assert_eq!(kind(name.as_bytes()), class, "{name}");
        }
        let root = tempfile::tempdir().unwrap();
        let home = root.path().join("home/ana");
        std::fs::create_dir_all(home.join("Descargas/inside")).unwrap();
        std::fs::create_dir_all(home.join(".config")).unwrap();
        std::fs::write(home.join("Descargas/inside/secret.pdf"), vec![1; 2 << 20]).unwrap();
        std::fs::write(home.join(".config/user-dirs.dirs"), "XDG_DOWNLOAD_DIR=\"$HOME/Descargas\"\n").unwrap();
        let draft = OldDownloads::judge(gather_from(&Machine::at(root.path()), Some("/home/ana"), now()));
        assert_eq!(draft.tables[0].rows, [["documents".into(), 1_u64.into(), 2_u64.into()]]);
        assert_eq!(draft.tables[1].rows, [["month".into(), 1_u64.into(), 2_u64.into()]]);
        assert!(!format!("{draft:?}").contains("secret"));
    }

    #[test]
    fn every_limit_below_at_and_above() {
        for (inputs, found) in [
            (one(OTHER, OLD_BIG, OLD_DAYS - 1), "downloads-ok"),
            (one(OTHER, OLD_BIG, OLD_DAYS), "downloads-old"),
            (one(OTHER, OLD_BIG + 1, OLD_DAYS + 1), "downloads-old"),
            (one(OTHER, OLD_BIG - 1, OLD_DAYS), "downloads-ok"),
            (one("installers", INSTALLERS_BIG - 1, 0), "downloads-ok"),
            (one("installers", INSTALLERS_BIG, 0), "installers-big"),
            (one("installers", INSTALLERS_BIG + 1, 0), "installers-big"),
            (one("unfinished", 1, GIVEN_UP_DAYS - 1), "downloads-ok"),
            (one("unfinished", 1, GIVEN_UP_DAYS), "downloads-unfinished"),
            (one("unfinished", 1, GIVEN_UP_DAYS + 1), "downloads-unfinished"),
        ] {
            assert_eq!(findings::<OldDownloads>(inputs), [found]);
        }
        for (age, word) in [(29, "month"), (30, "half-year"), (179, "half-year"), (180, "year"), (365, "older")] {
            assert_eq!(OldDownloads::judge(one(OTHER, 1, age)).tables[1].rows[0][0], word.into(), "{age}");
        }
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<OldDownloads>(vec![
            one(OTHER, OLD_BIG, OLD_DAYS),
            one("installers", INSTALLERS_BIG, 0),
            Inputs { cut: true, ..one("unfinished", 1, 9) },
            one(OTHER, 1, 1),
            Inputs { files: None, cut: false, now: NOW },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(name in proptest::collection::vec(any::<u8>(), 0..20), bytes in any::<u64>(), now in any::<u64>()) {
            told(OldDownloads::ID, &OldDownloads::judge(Inputs { now, ..one(kind(&name), bytes, 7) }));
        }
    }
}
