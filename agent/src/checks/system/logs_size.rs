//! `system.logs-size`: whether logs take too much of the disk, and whether they outlive a restart.
//!
//! Sizes only: no log is opened, and no name of one is told, for programs name theirs after people and customers.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity};

use crate::checks::figure::size;
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Bytes of the journal from which its limit doesn't hold: journald keeps at most 4 GB (`SystemMaxUse` in
/// journald.conf(5)), and a file in use may be beyond.
const JOURNAL_BIG: u64 = 4_500_000_000;
/// Bytes of one other log from which something floods it: distributions rotate theirs each week. Our choice.
const LOG_BIG: u64 = 1_000_000_000;
/// Most files and folders that are counted.
const ENTRIES_MAX: u64 = 20_000;
/// Folders below the first that are looked into.
const DEPTH_MAX: u32 = 4;
/// Bytes of a block in `st_blocks`: stat(2).
const BLOCK: u64 = 512;
/// Logs that syslog programs keep, in whose presence a lost journal loses nothing.
const SYSLOG: [&str; 2] = ["/var/log/syslog", "/var/log/messages"];
/// Where journald's settings are, the weakest first.
const SETTINGS: [&str; 2] = ["/usr/lib/systemd/journald.conf.d", "/etc/systemd/journald.conf.d"];

pub(crate) struct LogsSize;

pub(crate) struct Inputs {
    kept: Sum,
    passing: Sum,
    others: Sum,
    syslog: bool,
    limit: Option<String>,
}

/// What was counted below a folder.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    bytes: u64,
    files: u64,
    biggest: u64,
    denied: u64,
}

impl Check for LogsSize {
    const ID: &'static str = "system.logs-size";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let journal = inputs.kept.bytes.saturating_add(inputs.passing.bytes);
        let files = inputs.kept.files.saturating_add(inputs.passing.files);
        if files == 0 && inputs.others.files == 0 {
            let denied = inputs.kept.denied.saturating_add(inputs.others.denied);
            let evidence = format!("/var/log: no file, {denied} folders denied");
            draft.finding(Severity::Unknown, "logs-unknown", &[], evidence);
            return draft;
        }
        draft.fact("journal", journal, "bytes");
        draft.fact("journal-files", files, "");
        draft.fact("others", inputs.others.bytes, "bytes");
        draft.fact("biggest", inputs.others.biggest, "bytes");
        if let Some(limit) = inputs.limit {
            draft.fact("limit", limit, "");
        }
        if journal >= JOURNAL_BIG {
            let evidence = format!("/var/log/journal: {journal} bytes in {files} files");
            draft.finding(Severity::Warning, "journal-big", &[("size", size(journal).into())], evidence);
        }
        if inputs.others.biggest >= LOG_BIG {
            let big = inputs.others.biggest;
            let evidence = format!("/var/log: a file of {big} bytes");
            draft.finding(Severity::Warning, "log-big", &[("size", size(big).into())], evidence);
        }
        if inputs.kept.files == 0 && inputs.kept.denied == 0 && inputs.passing.files > 0 && !inputs.syslog {
            let evidence = "/var/log/journal holds no journal, /run/log/journal does";
            draft.finding(Severity::Warning, "journal-lost", &[], evidence);
        }
        if draft.findings.is_empty() {
            let all = journal.saturating_add(inputs.others.bytes);
            let evidence = format!("/var/log: {all} bytes, {journal} of them the journal");
            draft.finding(Severity::Ok, "logs-ok", &[("size", size(all).into())], evidence);
        }
        let denied = inputs.kept.denied.saturating_add(inputs.others.denied);
        if denied > 0 {
            draft.finding(Severity::Unknown, "logs-partly", &[], format!("/var/log: {denied} folders denied"));
        }
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    let mut left = ENTRIES_MAX;
    let journal = machine.path("/var/log/journal");
    Inputs {
        kept: Sum::of(&journal, None, &mut left),
        passing: Sum::of(&machine.path("/run/log/journal"), None, &mut left),
        others: Sum::of(&machine.path("/var/log"), Some(&journal), &mut left),
        syslog: SYSLOG.iter().any(|path| machine.has(path)),
        limit: limit(machine),
    }
}

impl Sum {
    /// The sum of a folder, which may not be there.
    fn of(folder: &Path, without: Option<&Path>, left: &mut u64) -> Self {
        let mut sum = Self::default();
        if folder.is_dir() {
            sum.add(folder, without, left, 0);
        }
        sum
    }

    fn add(&mut self, folder: &Path, without: Option<&Path>, left: &mut u64, depth: u32) {
        let Ok(entries) = std::fs::read_dir(folder) else {
            self.denied += 1;
            return;
        };
        for entry in entries.flatten() {
            if *left == 0 {
                return;
            }
            *left -= 1;
            // The entry itself: a link leads elsewhere.
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() && depth < DEPTH_MAX && without != Some(entry.path().as_path()) {
                self.add(&entry.path(), without, left, depth + 1);
            } else if metadata.is_file() {
                // lastlog and its kin are mostly holes: what counts is what is on the disk.
                let bytes = metadata.blocks().saturating_mul(BLOCK);
                self.bytes = self.bytes.saturating_add(bytes);
                self.files += 1;
                self.biggest = self.biggest.max(bytes);
            }
        }
    }
}

/// The last `SystemMaxUse=` that is set; the files of the folders come after the main one.
fn limit(machine: &Machine) -> Option<String> {
    let folder = |folder: &str| -> Vec<String> {
        let files = machine.names(folder).into_iter().filter(|name| name.ends_with(".conf"));
        files.map(|name| format!("{folder}/{name}")).collect()
    };
    let files = ["/etc/systemd/journald.conf".to_owned()].into_iter().chain(SETTINGS.into_iter().flat_map(folder));
    files.filter_map(|file| set(&machine.text(&file).ok()?)).next_back()
}

/// A size as journald.conf(5) writes it: digits and a unit.
fn set(text: &str) -> Option<String> {
    let value = text.lines().filter_map(|line| line.trim().strip_prefix("SystemMaxUse=")).next_back()?.trim();
    let plain = !value.is_empty() && value.len() <= 24 && value.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};

    fn with(journal: u64, biggest: u64) -> Inputs {
        let sum = |bytes| Sum { bytes, files: 1, biggest: bytes, denied: 0 };
        Inputs { kept: sum(journal), passing: Sum::default(), others: sum(biggest), syslog: false, limit: None }
    }

    #[test]
    fn sizes_below_at_and_above() {
        for (journal, biggest, found) in [
            (JOURNAL_BIG - 1, 0, "logs-ok"),
            (JOURNAL_BIG, 0, "journal-big"),
            (JOURNAL_BIG + 1, 0, "journal-big"),
            (0, LOG_BIG - 1, "logs-ok"),
            (0, LOG_BIG, "log-big"),
            (0, LOG_BIG + 1, "log-big"),
        ] {
            assert_eq!(findings::<LogsSize>(with(journal, biggest)), [found], "{journal} {biggest}");
        }
    }

    #[test]
    fn a_folder_is_counted_without_what_links_lead_to() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("var/log");
        std::fs::create_dir_all(log.join("journal/0f1e")).unwrap();
        std::fs::create_dir_all(log.join("a/b/c/d/e")).unwrap();
        std::fs::write(log.join("journal/0f1e/system.journal"), vec![b'x'; 8_192]).unwrap();
        std::fs::write(log.join("syslog"), vec![b'x'; 4_096]).unwrap();
        std::fs::write(log.join("a/b/c/d/deep.log"), "x").unwrap();
        std::fs::write(log.join("a/b/c/d/e/deeper.log"), "x").unwrap();
        std::os::unix::fs::symlink("/usr", log.join("link")).unwrap();
        let inputs = gather_from(&Machine::at(folder.path()));
        assert_eq!((inputs.kept.files, inputs.passing.files, inputs.others.files), (1, 0, 2));
        assert!(inputs.kept.bytes >= 8_192 && inputs.syslog);
        assert_eq!(findings::<LogsSize>(inputs), ["logs-ok"]);
        let mut left = 1;
        assert!(Sum::of(&log, None, &mut left).files <= 1 && left == 0);
    }

    #[test]
    fn the_last_limit_that_is_set_counts() {
        assert_eq!(set("[Journal]\n#SystemMaxUse=\nSystemMaxUse=1G\nSystemMaxUse=500M\n").as_deref(), Some("500M"));
        assert_eq!(set("#SystemMaxUse=1G\n"), None);
        assert_eq!(set("SystemMaxUse=1 G; rm\n"), None);
    }

    #[test]
    fn everything_declared_is_said() {
        let passing = Sum { files: 1, ..Sum::default() };
        all_is_said::<LogsSize>(vec![
            Inputs { limit: Some("1G".into()), ..with(JOURNAL_BIG, LOG_BIG) },
            with(1, 1),
            Inputs { kept: Sum::default(), passing, ..with(0, 0) },
            Inputs { others: Sum { denied: 1, ..passing }, ..with(0, 0) },
            Inputs { kept: Sum::default(), others: Sum::default(), ..with(0, 0) },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "(.*\n)*|(SystemMaxUse=.*\n)*", a in any::<u64>(), b in any::<u64>()) {
            told(LogsSize::ID, &LogsSize::judge(Inputs { limit: set(&text), ..with(a, b) }));
        }
    }
}
