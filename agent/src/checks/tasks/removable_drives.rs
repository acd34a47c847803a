//! `tasks.removable-drives`: which sticks, cards and outside disks are plugged in, and why one doesn't open.
//!
//! The kind of file system is what the system itself noted when the drive came; nothing on a drive is read. Labels and
//! serial numbers, which are people's own, aren't either.

use std::time::Duration;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use crate::checks::figure::{megabytes, size};
use crate::checks::machine::{Machine, Reading};
use crate::checks::mount::Mount;
use crate::checks::tool::{self, Answer, Silence};
use crate::checks::{Check, Failure};

/// Bytes of a sector in `/sys/block/*/size` (the kernel's `stable/sysfs-block`).
const SECTOR: u64 = 512;
/// Longest wait for messages of the system.
const LIMIT: Duration = Duration::from_secs(3);
/// The last messages of the kernel since the computer was started, words only.
const MESSAGES: [&str; 8] = ["-k", "-b", "-q", "-n", "500", "-o", "cat", "--no-pager"];
/// Bytes below which a part without file system isn't worth a word: gaps and helpers of partition tables.
const PART_LEAST: u64 = 32_000_000;
/// Most drives and parts.
const DRIVES_MAX: usize = 16;
const PARTS_MAX: usize = 32;

/// File systems, the kernel's names for each (of the driver and of the folder it is in), and programs that can open them
/// too.
const FILE_SYSTEMS: [(&str, &[&str], &[&str]); 12] = [
    ("vfat", &["vfat", "fat"], &[]),
    ("exfat", &["exfat"], &["/usr/sbin/mount.exfat-fuse"]),
    ("ntfs", &["ntfs3"], &["/usr/bin/ntfs-3g", "/usr/sbin/mount.ntfs-3g"]),
    ("ext2", &["ext4", "ext2"], &[]),
    ("ext3", &["ext4", "ext3"], &[]),
    ("ext4", &["ext4"], &[]),
    ("btrfs", &["btrfs"], &[]),
    ("xfs", &["xfs"], &[]),
    ("f2fs", &["f2fs"], &[]),
    ("hfsplus", &["hfsplus"], &[]),
    ("udf", &["udf"], &[]),
    ("iso9660", &["isofs", "iso9660"], &[]),
];
/// What asks for a password before it opens (blkid's names).
const LOCKED: [&str; 2] = ["crypto_LUKS", "BitLocker"];

pub(crate) struct RemovableDrives;

pub(crate) struct Inputs {
    /// None if the system shows no disks at all.
    drives: Option<Vec<Drive>>,
    mounts: Reading,
    /// `/proc/filesystems`.
    known: Reading,
    /// Names of modules that could be loaded.
    modules: Vec<String>,
    programs: Vec<&'static str>,
    messages: Option<Result<Answer, Silence>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Drive {
    name: String,
    /// How it is plugged in.
    kind: &'static str,
    bytes: u64,
    read_only: bool,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    name: String,
    bytes: u64,
    /// What the system noted about it (`/run/udev/data/b8:17`).
    noted: Option<String>,
    /// Whether something lies on top of it: an opened encrypted drive.
    held: bool,
}

impl Check for RemovableDrives {
    const ID: &'static str = "tasks.removable-drives";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let mut inputs = gather_from(&Machine::this());
        if inputs.drives.as_ref().is_some_and(|drives| !drives.is_empty()) {
            inputs.messages = Some(tool::JOURNALCTL.ask(&MESSAGES, LIMIT));
        }
        Ok(inputs)
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let Some(drives) = &inputs.drives else {
            draft.finding(Severity::Unknown, "drives-unknown", &[], "/sys/block shows nothing");
            return draft;
        };
        draft.fact("drives", drives.len() as u64, "");
        let mounts = inputs.mounts.as_deref().map_or(Vec::new(), Mount::parse);
        let messages = match &inputs.messages {
            Some(Ok(answer)) => answer.output.as_str(),
            Some(Err(_)) | None => "",
        };
        let mut rows = Vec::new();
        for drive in drives {
            if failing(messages, &drive.name) {
                let evidence = format!("kernel: I/O error, dev {}", drive.name);
                draft.finding(Severity::Critical, "drive-failing", &[("drive", drive.kind.into())], evidence);
            }
            for part in &drive.parts {
                let mount = mounts.iter().find(|mount| mount.source == format!("/dev/{}", part.name));
                let state = inputs.state(drive, part, mount, messages);
                state.judge(&mut draft, drive, part);
                rows.push(vec![
                    drive.kind.into(),
                    part.name.clone().into(),
                    megabytes(part.bytes).into(),
                    part.kind().unwrap_or_default().into(),
                    state.word().into(),
                ]);
            }
        }
        if drives.is_empty() {
            draft.finding(Severity::Ok, "no-drive", &[], "/sys/block: no removable or outside disk");
        } else if draft.findings.is_empty() {
            let evidence = format!("{} drives, {} parts, all usable", drives.len(), rows.len());
            draft.finding(Severity::Ok, "drives-ok", &[], evidence);
        }
        if let Some(Err(silence)) = &inputs.messages {
            draft.finding(Severity::Unknown, "messages-unknown", &[], silence.to_string());
        }
        draft.table("parts", &["drive", "part", "size", "format", "state"], rows);
        draft
    }
}

/// How it is with one part of a drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In use, or a part nobody opens.
    Fine,
    /// In use, and can only be read.
    ReadOnly,
    /// Opened with its password.
    Unlocked,
    /// Waits for a password.
    Locked,
    /// Windows didn't let go of it.
    Dirty,
    /// Nothing the system knows.
    NoFileSystem,
    /// This system can't open such a file system.
    NoDriver,
    /// Could be opened.
    Closed,
}

impl Inputs {
    fn state(&self, drive: &Drive, part: &Part, mount: Option<&Mount>, messages: &str) -> State {
        let kind = part.kind();
        match (mount, kind) {
            (Some(mount), _) if mount.is_read_only() && !is_always_read_only(&mount.kind) => State::ReadOnly,
            (Some(_), _) => State::Fine,
            (None, Some(kind)) if LOCKED.contains(&kind) && part.held => State::Unlocked,
            (None, Some(kind)) if LOCKED.contains(&kind) => State::Locked,
            (None, _) if part.held => State::Fine,
            (None, Some(_)) if part.is_helper() => State::Fine,
            (None, Some("swap" | "LVM2_member" | "linux_raid_member")) => State::Fine,
            (None, Some("ntfs")) if dirty(messages, &part.name) => State::Dirty,
            (None, Some(kind)) if !self.opens(kind) => State::NoDriver,
            (None, Some(_)) => State::Closed,
            // Without the system's notes nothing is known about it.
            (None, None) if part.noted.is_none() => State::Fine,
            (None, None) if part.bytes < PART_LEAST || drive.has_table(part) => State::Fine,
            (None, None) => State::NoFileSystem,
        }
    }

    fn opens(&self, kind: &str) -> bool {
        let Some((_, modules, programs)) = FILE_SYSTEMS.iter().find(|(name, ..)| *name == kind) else { return false };
        let built_in = |module: &&&str| {
            self.known
                .as_deref()
                .is_ok_and(|text| text.lines().any(|line| line.split_whitespace().last() == Some(module)))
        };
        let loadable = |module: &&&str| self.modules.iter().any(|known| known == *module);
        modules.iter().any(|module| built_in(&module) || loadable(&module))
            || programs.iter().any(|program| self.programs.contains(program))
    }
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::ReadOnly => "read-only",
            Self::Unlocked => "unlocked",
            Self::Locked => "locked",
            Self::Dirty => "not-closed",
            Self::NoFileSystem => "no-format",
            Self::NoDriver => "no-driver",
            Self::Closed => "not-open",
        }
    }

    fn judge(self, draft: &mut Draft, drive: &Drive, part: &Part) {
        let kind = part.kind().unwrap_or("nothing").to_owned();
        let evidence = format!("/dev/{}: {kind}, {} bytes", part.name, part.bytes);
        let said = [("drive", Value::from(drive.kind)), ("size", size(part.bytes).into())];
        let format = [said[0].clone(), said[1].clone(), ("format", kind.into())];
        let warning = Severity::Warning;
        match self {
            Self::Fine | Self::Unlocked => {}
            Self::ReadOnly if drive.read_only => draft.finding(warning, "write-switch", &said, evidence),
            Self::ReadOnly => draft.finding(warning, "read-only", &said, evidence),
            Self::Locked => draft.finding(warning, "needs-password", &said, evidence),
            Self::Dirty => {
                draft.finding(warning, "not-closed", &said, format!("kernel: {}: volume is dirty", part.name))
            }
            Self::NoFileSystem => draft.finding(warning, "no-format", &said, evidence),
            Self::NoDriver => draft.finding(warning, "no-driver", &format, evidence),
            Self::Closed => draft.finding(warning, "not-open", &said, evidence),
        }
    }
}

impl Drive {
    /// Whether that part is the whole drive and only holds the others.
    fn has_table(&self, part: &Part) -> bool {
        part.name == self.name && self.parts.len() > 1
    }
}

impl Part {
    fn kind(&self) -> Option<&str> {
        self.property("ID_FS_TYPE")
    }

    fn property(&self, key: &str) -> Option<&str> {
        let noted = self.noted.as_deref()?;
        noted.lines().find_map(|line| line.strip_prefix("E:")?.strip_prefix(key)?.strip_prefix('='))
    }

    /// Parts that firmware and Windows keep for themselves, by their type in the partition table.
    fn is_helper(&self) -> bool {
        const TYPES: [&str; 4] = [
            "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
            "e3c9e316-0b5c-4db8-817d-f92df00215ae",
            "de94bba4-06d1-4d40-a16a-bfd50179d6ac",
            "21686148-6449-6e6f-744e-656564454649",
        ];
        self.property("ID_PART_ENTRY_TYPE").is_some_and(|kind| TYPES.contains(&kind))
    }
}

fn is_always_read_only(kind: &str) -> bool {
    matches!(kind, "iso9660" | "squashfs" | "udf")
}

/// `I/O error, dev sdb, sector …` (the kernel's block layer; older ones: `blk_update_request: I/O error, dev sdb`).
fn failing(messages: &str, drive: &str) -> bool {
    messages
        .lines()
        .any(|line| line.split("I/O error, dev ").nth(1).and_then(|rest| rest.split([',', ' ']).next()) == Some(drive))
}

/// `ntfs3: sdb1: volume is dirty and "force" flag is not set!`, with brackets around the name since Linux 6.2.
fn dirty(messages: &str, part: &str) -> bool {
    let named = |line: &str| {
        let word = line.split_whitespace().find(|word| word.contains(part));
        word.is_some_and(|word| word.trim_matches(|c: char| !c.is_ascii_alphanumeric()).ends_with(part))
    };
    messages.lines().any(|line| line.contains("ntfs") && line.contains("volume is dirty") && named(line))
}

fn gather_from(machine: &Machine) -> Inputs {
    let names = machine.names("/sys/block");
    let drives = names.iter().filter_map(|name| drive(machine, name)).take(DRIVES_MAX).collect();
    let release =
        machine.word("/proc/sys/kernel/osrelease").filter(|release| !release.contains('/')).unwrap_or_default();
    let folders = format!("/usr/lib/modules/{release}/kernel/fs");
    let programs = FILE_SYSTEMS.iter().flat_map(|(.., programs)| *programs);
    Inputs {
        drives: (!names.is_empty()).then_some(drives),
        mounts: machine.text("/proc/self/mounts"),
        known: machine.text("/proc/filesystems"),
        modules: machine.names(&folders),
        programs: programs.filter(|program| machine.has(program)).copied().collect(),
        messages: None,
    }
}

/// A disk that can be taken away: the system says so, or it hangs on USB, or it is a memory card.
fn drive(machine: &Machine, name: &str) -> Option<Drive> {
    let folder = format!("/sys/block/{name}");
    let number = |file: &str| machine.number::<u64>(&format!("{folder}/{file}")).unwrap_or(0);
    // `/sys/block/sdb` is a link to the device's place: `…/usb2/2-1/…/block/sdb`.
    let place = std::fs::read_link(machine.path(&folder)).ok();
    let usb = place.as_ref().and_then(|place| place.to_str()).is_some_and(|place| place.contains("/usb"));
    let card = name.starts_with("mmcblk") && !name.contains("boot") && !name.contains("rpmb");
    // Memory of the computer itself is a card that is soldered in.
    let soldered = card && machine.word(&format!("{folder}/device/type")).as_deref() == Some("MMC");
    let kind = if name.starts_with("sr") || soldered {
        return None;
    } else if card {
        "card"
    } else if usb && number("removable") == 1 {
        "usb-stick"
    } else if usb {
        "usb-disk"
    } else if number("removable") == 1 {
        "removable-disk"
    } else {
        return None;
    };
    let bytes = number("size").saturating_mul(SECTOR);
    // A reader without a card in it.
    if bytes == 0 {
        return None;
    }
    let inside = machine.names(&folder).into_iter().filter(|part| part.starts_with(name)).take(PARTS_MAX);
    let mut parts: Vec<Part> = inside.map(|part| self::part(machine, &format!("{folder}/{part}"), &part)).collect();
    if parts.is_empty() {
        parts.push(part(machine, &folder, name));
    }
    Some(Drive { name: name.to_owned(), kind, bytes, read_only: number("ro") == 1, parts })
}

fn part(machine: &Machine, folder: &str, name: &str) -> Part {
    let number = machine.word(&format!("{folder}/dev")).filter(|number| !number.contains('/'));
    Part {
        name: name.to_owned(),
        bytes: machine.number::<u64>(&format!("{folder}/size")).unwrap_or(0).saturating_mul(SECTOR),
        noted: number.and_then(|number| machine.text(&format!("/run/udev/data/b{number}")).ok()),
        held: !machine.names(&format!("{folder}/holders")).is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn laptop() -> Inputs {
        gather_from(&recorded("ubuntu-laptop"))
    }

    /// The stick of the laptop as one part, with what the system noted.
    fn stick(noted: &str, mounts: &str) -> Inputs {
        let mut inputs = laptop();
        let drives = inputs.drives.as_mut().unwrap();
        drives.retain(|drive| drive.name == "sdb");
        drives[0].parts.truncate(1);
        drives[0].parts[0].noted = Some(noted.to_owned());
        inputs.mounts = Ok(mounts.to_owned());
        inputs
    }

    fn said(inputs: Inputs, messages: &str) -> Inputs {
        let output = messages.to_owned();
        Inputs { messages: Some(Ok(Answer { status: Some(0), output, error: String::new() })), ..inputs }
    }

    #[test]
    fn a_stick_of_windows_that_was_pulled_out_and_a_card() {
        let messages = recorded("ubuntu-laptop").text("/tools/journal-kernel.txt").unwrap();
        let draft = RemovableDrives::judge(said(laptop(), &messages));
        let rows: Vec<(&Value, &Value, &Value)> =
            draft.tables[0].rows.iter().map(|row| (&row[0], &row[3], &row[4])).collect();
        let text = |text: &str| Value::from(text);
        let expected = [
            (text("card"), text("exfat"), text("not-open")),
            (text("usb-stick"), text("ntfs"), text("not-closed")),
            (text("usb-stick"), text("vfat"), text("fine")),
        ];
        assert_eq!(rows, expected.each_ref().map(|(a, b, c)| (a, b, c)));
        assert!(!format!("{draft:?}").contains("FOTOS"));
        let found: Vec<String> = told(RemovableDrives::ID, &draft).findings.into_iter().map(|f| f.id).collect();
        assert_eq!(found, ["not-open", "not-closed"]);
    }

    #[test]
    fn each_reason_has_its_sentence() {
        for (noted, mounts, found) in [
            ("E:ID_FS_TYPE=vfat\n", "/dev/sdb1 /media/ana/X vfat rw 0 0\n", "drives-ok"),
            ("E:ID_FS_TYPE=vfat\n", "/dev/sdb1 /media/ana/X vfat ro 0 0\n", "read-only"),
            ("E:ID_FS_TYPE=vfat\n", "", "not-open"),
            ("E:ID_FS_TYPE=crypto_LUKS\n", "", "needs-password"),
            ("E:ID_FS_TYPE=BitLocker\n", "", "needs-password"),
            ("E:ID_FS_TYPE=apfs\n", "", "no-driver"),
            ("E:ID_PART_TABLE_TYPE=dos\n", "", "no-format"),
            ("E:ID_FS_TYPE=vfat\nE:ID_PART_ENTRY_TYPE=c12a7328-f81f-11d2-ba4b-00a0c93ec93b\n", "", "drives-ok"),
        ] {
            assert_eq!(findings::<RemovableDrives>(stick(noted, mounts)), [found], "{noted}");
        }
        let mut open = stick("E:ID_FS_TYPE=crypto_LUKS\n", "");
        open.drives.iter_mut().flatten().for_each(|drive| drive.parts[0].held = true);
        assert_eq!(findings::<RemovableDrives>(open), ["drives-ok"]);
        let mut without = stick("E:ID_FS_TYPE=ntfs\n", "");
        (without.modules, without.known) = (vec![], Ok("nodev\tproc\n\text4\n".into()));
        assert_eq!(findings::<RemovableDrives>(without), ["no-driver"]);
    }

    #[test]
    fn parts_without_format_below_at_and_above_the_least() {
        for (bytes, found) in [(PART_LEAST - 1, "drives-ok"), (PART_LEAST, "no-format"), (PART_LEAST + 1, "no-format")]
        {
            let mut inputs = stick("E:DEVTYPE=partition\n", "");
            inputs.drives.iter_mut().flatten().for_each(|drive| drive.parts[0].bytes = bytes);
            assert_eq!(findings::<RemovableDrives>(inputs), [found]);
        }
    }

    #[test]
    fn messages_are_about_that_drive_only() {
        let text =
            "blk_update_request: I/O error, dev sdb, sector 2048 op 0x0\nntfs3(sdb1): volume is dirty and \"force\"";
        assert!(failing(text, "sdb") && !failing(text, "sd") && !failing(text, "sdc"));
        assert!(dirty(text, "sdb1") && !dirty(text, "sdb2") && !dirty("sdb1: volume is dirty", "sdb1"));
    }

    #[test]
    fn everything_declared_is_said() {
        let noted = |kind: &str| format!("E:ID_FS_TYPE={kind}\n");
        let mut switch = stick(&noted("vfat"), "/dev/sdb1 /media/ana/X vfat ro 0 0\n");
        switch.drives.iter_mut().flatten().for_each(|drive| drive.read_only = true);
        let silent = Inputs {
            messages: Some(Err(Silence::NotInstalled("journalctl"))),
            ..stick(&noted("vfat"), "/dev/sdb1 /media/ana/X vfat rw 0 0\n")
        };
        all_is_said::<RemovableDrives>(vec![
            said(laptop(), "ntfs3: sdb1: volume is dirty and \"force\" flag is not set!\nI/O error, dev sdb, sector 1"),
            switch,
            silent,
            stick(&noted("vfat"), "/dev/sdb1 /media/ana/X vfat ro 0 0\n"),
            stick(&noted("crypto_LUKS"), ""),
            stick(&noted("apfs"), ""),
            stick("E:DEVTYPE=partition\n", ""),
            Inputs { drives: Some(vec![]), ..laptop() },
            Inputs { drives: None, ..laptop() },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(noted in "(E:ID_FS_TYPE=.*\n)*|.*", mounts in ".*", messages in "(.*I/O error, dev .*\n|ntfs.*volume is dirty.*\n)*") {
            told(RemovableDrives::ID, &RemovableDrives::judge(said(stick(&noted, &mounts), &messages)));
        }
    }
}
