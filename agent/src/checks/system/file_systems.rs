//! `system.file-systems`: whether a file system is damaged, locked itself, or was pulled out while in use.
//!
//! Three sources: what is mounted and how, what ext4 and btrfs count themselves (any account may read it), and what the
//! kernel reported since the start (not every account may). Devices are named, places only in general.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::date::Date;
use super::log::{self, Heard};
use crate::checks::machine::{Machine, Reading};
use crate::checks::mount::Mount;
use crate::checks::{Check, Failure};

/// Most findings of each kind; the table has the rest.
const FINDINGS: usize = 5;
/// Devices that are remembered.
const DEVICES_MAX: usize = 64;
/// Letters of the longest device name that is believed.
const NAME_MAX: usize = 24;
/// Starts of kernel messages that mean damage, and the format.
const DAMAGE: [(&str, &str); 8] = [
    ("EXT4-fs error", "ext4"),
    ("EXT3-fs error", "ext3"),
    ("BTRFS error", "btrfs"),
    ("BTRFS critical", "btrfs"),
    ("BTRFS: error", "btrfs"),
    ("FAT-fs", "vfat"),
    ("exFAT-fs", "exfat"),
    ("XFS", "xfs"),
];
/// Words that make a message of FAT, exFAT and XFS one of damage: the rest of what they say is news.
const ERRORS: [&str; 6] = ["orruption", "I/O error", "error, ", "shut down", "shutdown", "Filesystem error"];

pub(crate) struct FileSystems;

pub(crate) struct Inputs {
    mounts: Reading,
    fstab: Reading,
    kernel: Heard,
    counted: Vec<Counted>,
}

/// What a file system counts itself.
#[derive(Clone, Debug)]
struct Counted {
    device: String,
    kind: &'static str,
    errors: u64,
    /// Seconds since 1970 of the last one, where it is kept.
    last: Option<u64>,
}

/// What is known of one device.
#[derive(Default)]
struct Device {
    kind: &'static str,
    counted: u64,
    reported: u64,
    last: Option<u64>,
}

impl Check for FileSystems {
    const ID: &'static str = "system.file-systems";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(Inputs { kernel: log::kernel(), ..gather_from(&Machine::this()) })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let text = match &inputs.mounts {
            Ok(text) => text,
            Err(error) => {
                draft.finding(Severity::Unknown, "file-systems-unknown", &[], format!("/proc/self/mounts {error}"));
                return draft;
            }
        };
        let mounts: Vec<Mount> = Mount::parse(text).into_iter().filter(Mount::is_data).collect();
        let planned = inputs.fstab.as_deref().map_or(Vec::new(), Mount::parse);
        let locked = mounts.iter().filter(|mount| is_locked(mount, &planned));
        for mount in locked.take(FINDINGS) {
            let evidence = format!("/proc/self/mounts {} {} {}", mount.shown(), mount.kind, mount.options.join(","));
            draft.finding(Severity::Critical, "turned-read-only", &[("place", mount.shown().into())], evidence);
        }
        let mut devices: BTreeMap<String, Device> = BTreeMap::new();
        for counted in inputs.counted {
            if counted.errors > 0 && devices.len() < DEVICES_MAX {
                let device = devices.entry(counted.device).or_default();
                device.kind = counted.kind;
                device.counted = device.counted.saturating_add(counted.errors);
                device.last = device.last.max(counted.last);
            }
        }
        let mut pulled = Vec::new();
        if let Ok(text) = &inputs.kernel {
            reports(text, &mut devices, &mut pulled);
        }
        judge(&mut draft, &devices, &pulled);
        if let Err(why) = &inputs.kernel {
            draft.finding(Severity::Unknown, "reports-unknown", &[], why.clone());
        }
        if mounts.is_empty() && draft.findings.is_empty() {
            let evidence = "no local file system in /proc/self/mounts";
            draft.finding(Severity::Unknown, "file-systems-unknown", &[], evidence);
        } else if draft.findings.iter().all(|finding| finding.severity == Severity::Unknown) {
            let evidence = format!("{} file systems: no error counted or reported", mounts.len());
            draft.finding(Severity::Ok, "file-systems-ok", &[], evidence);
        }
        draft
    }
}

/// What files tell.
fn gather_from(machine: &Machine) -> Inputs {
    let ext4 = machine.names("/sys/fs/ext4").into_iter().filter_map(|device| {
        let number = |file: &str| machine.number::<u64>(&format!("/sys/fs/ext4/{device}/{file}"));
        let (errors, last) = (number("errors_count")?, number("last_error_time").filter(|last| *last > 0));
        Some(Counted { device, kind: "ext4", errors, last })
    });
    let mut counted: Vec<Counted> = ext4.collect();
    // The folder's name is the number of the file system: only the numbers of its devices are told.
    for pool in machine.names("/sys/fs/btrfs") {
        // The devices of one pool share its counters: they are told once, with the first.
        let Some(device) = machine.names(&format!("/sys/fs/btrfs/{pool}/devices")).into_iter().next() else { continue };
        let ids = machine.names(&format!("/sys/fs/btrfs/{pool}/devinfo")).into_iter();
        let stats = ids.filter_map(|id| machine.text(&format!("/sys/fs/btrfs/{pool}/devinfo/{id}/error_stats")).ok());
        let errors = stats.map(|text| errors(&text)).fold(0, u64::saturating_add);
        counted.push(Counted { device, kind: "btrfs", errors, last: None });
    }
    Inputs {
        mounts: machine.text("/proc/self/mounts"),
        fstab: machine.text("/etc/fstab"),
        kernel: Err("not asked".to_owned()),
        counted,
    }
}

/// Lines `write_errs 0`, `corruption_errs 5`: the sum.
fn errors(text: &str) -> u64 {
    let number = |line: &str| line.split_once(' ')?.1.trim().parse::<u64>().ok();
    text.lines().filter_map(number).fold(0, u64::saturating_add)
}

/// Whether an error locked it. What the owner's own `/etc/fstab` wants that way is none. ext4(5): `errors=remount-ro`; newer
/// kernels say `emergency_ro`. XFS and btrfs don't tell it in their options: their messages do.
fn is_locked(mount: &Mount, planned: &[Mount]) -> bool {
    let wanted = planned.iter().any(|plan| plan.target == mount.target && plan.is_read_only());
    mount.has("emergency_ro") || (mount.is_read_only() && !wanted && mount.has("errors=remount-ro"))
}

fn reports(text: &str, devices: &mut BTreeMap<String, Device>, pulled: &mut Vec<String>) {
    for line in text.lines() {
        let Some(name) = device(line) else { continue };
        if line.contains("was not properly unmounted") || line.contains("volume is dirty") {
            if !pulled.contains(&name) {
                pulled.push(name);
            }
            continue;
        }
        let Some((start, kind)) = DAMAGE.iter().find(|(start, _)| line.starts_with(start)) else { continue };
        let is_sure = start.ends_with("error") || start.ends_with("critical");
        if (is_sure || ERRORS.iter().any(|word| line.contains(word)))
            && (devices.contains_key(&name) || devices.len() < DEVICES_MAX)
        {
            let device = devices.entry(name).or_default();
            device.kind = kind;
            device.reported = device.reported.saturating_add(1);
        }
    }
}

/// The device in `EXT4-fs error (device sda2): …`, `XFS (dm-0): …`, `ntfs3: sdb1: volume is dirty`.
fn device(line: &str) -> Option<String> {
    let name = if let Some(rest) = line.strip_prefix("ntfs3: ").or_else(|| line.strip_prefix("ntfs3(")) {
        rest.split([':', ')']).next()?
    } else {
        let inner = line.split_once('(')?.1.split_once(')')?.0;
        inner.strip_prefix("device ").unwrap_or(inner)
    };
    let name = name.split(' ').next()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (!name.is_empty() && name.len() <= NAME_MAX && name.chars().all(plain)).then(|| name.to_owned())
}

fn judge(draft: &mut Draft, devices: &BTreeMap<String, Device>, pulled: &[String]) {
    let sum = |of: fn(&Device) -> u64| devices.values().map(of).fold(0, u64::saturating_add);
    draft.fact("counted", sum(|device| device.counted), "");
    draft.fact("reported", sum(|device| device.reported), "");
    for (name, device) in devices.iter().take(FINDINGS) {
        let evidence =
            format!("{name} ({}): {} errors counted, {} reported", device.kind, device.counted, device.reported);
        draft.finding(Severity::Critical, "damaged", &[("device", name.clone().into())], evidence);
    }
    for name in pulled.iter().filter(|name| !devices.contains_key(*name)).take(FINDINGS) {
        let evidence = format!("kernel: {name} was not properly unmounted");
        draft.finding(Severity::Warning, "not-unplugged", &[("device", name.clone().into())], evidence);
    }
    let day = |seconds: u64| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).map(|at| Date::of(at).to_string());
    let row = |(name, device): (&String, &Device)| -> Vec<Value> {
        vec![
            name.clone().into(),
            device.kind.into(),
            device.counted.into(),
            device.reported.into(),
            device.last.and_then(day).unwrap_or_default().into(),
        ]
    };
    draft.table("errors", &["device", "kind", "counted", "reported", "last"], devices.iter().map(row).collect());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn said(kernel: &str) -> Inputs {
        Inputs {
            mounts: Ok("/dev/sda2 / ext4 rw,relatime 0 0\n".into()),
            fstab: Ok(String::new()),
            kernel: Ok(kernel.to_owned()),
            counted: vec![],
        }
    }

    #[test]
    fn messages_of_damage_are_told_from_news() {
        for (line, found) in [
            ("EXT4-fs (sda2): mounted filesystem with ordered data mode.", "file-systems-ok"),
            ("EXT4-fs error (device sda2): ext4_lookup:1785: inode #12: comm ls: deleted inode referenced", "damaged"),
            ("XFS (dm-0): Mounting V5 Filesystem", "file-systems-ok"),
            ("XFS (dm-0): Metadata corruption detected at xfs_agf_read_verify", "damaged"),
            ("BTRFS info (device sda3): using crc32c", "file-systems-ok"),
            ("BTRFS error (device sda3): bdev /dev/sda3 errs: wr 0, rd 0, flush 0, corrupt 5, gen 0", "damaged"),
            ("BTRFS error (device sda3 state EA): failed", "damaged"),
            ("FAT-fs (sdb1): Volume was not properly unmounted. Please run fsck.", "not-unplugged"),
            ("ntfs3: sdb1: volume is dirty and \"force\" flag is not set!", "not-unplugged"),
            ("FAT-fs (sdb1): error, fat_get_cluster: invalid cluster chain", "damaged"),
            ("EXT4-fs error", "file-systems-ok"),
        ] {
            assert_eq!(findings::<FileSystems>(said(line)), [found], "{line}");
        }
    }

    #[test]
    fn counters_and_locks_of_recorded_machines() {
        let ill = recorded("server-ill");
        let kernel = ill.text("/tools/journalctl-kernel.txt").map_err(|error| error.to_string());
        let report = told(FileSystems::ID, &FileSystems::judge(Inputs { kernel, ..gather_from(&ill) }));
        let found: Vec<&str> = report.findings.iter().map(|finding| finding.id.as_str()).collect();
        assert_eq!(found, ["turned-read-only", "damaged", "damaged", "damaged", "not-unplugged"]);
        assert_eq!(
            report.tables[0].rows[1],
            ["sdb1".into(), "ext4".into(), 14_u64.into(), 2_u64.into(), "2025-11-20".into()]
        );
        let fine =
            findings::<FileSystems>(Inputs { kernel: Ok(String::new()), ..gather_from(&recorded("desktop-fine")) });
        assert_eq!(fine, ["file-systems-ok"]);
        assert!(!format!("{report:?}").contains("0f1e2d3c"));
    }

    #[test]
    fn a_count_below_at_and_above() {
        for (errors, found) in [(0, "file-systems-ok"), (1, "damaged"), (2, "damaged")] {
            let counted = vec![Counted { device: "sda2".into(), kind: "ext4", errors, last: None }];
            assert_eq!(findings::<FileSystems>(Inputs { counted, ..said("") }), [found]);
        }
    }

    #[test]
    fn what_the_owner_wants_read_only_is_not_locked() {
        let mount = Mount::parse("/dev/sda2 / ext4 ro,errors=remount-ro 0 0");
        assert!(is_locked(&mount[0], &[]));
        assert!(!is_locked(&mount[0], &Mount::parse("UUID=x / ext4 ro,errors=remount-ro 0 1")));
        assert!(is_locked(&Mount::parse("/dev/sda2 / ext4 rw,emergency_ro 0 0")[0], &[]));
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<FileSystems>(vec![
            Inputs { mounts: Ok("/dev/a / ext4 ro,errors=remount-ro 0 0".into()), ..said("XFS (a): log I/O error\n") },
            said("FAT-fs (sdb1): Volume was not properly unmounted.\n"),
            said(""),
            Inputs { kernel: Err("hidden".into()), ..said("") },
            Inputs { mounts: Err(Unread::Denied), ..said("") },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(a in "(.*\n)*", b in "(.*\n)*|((XFS|ntfs3:|EXT4-fs error|BTRFS error) \\(?.*\\)?\n)*", last in any::<Option<u64>>()) {
            let _any = errors(&a);
            let counted = vec![Counted { device: a.clone(), kind: "ext4", errors: 1, last }];
            told(FileSystems::ID, &FileSystems::judge(Inputs { mounts: Ok(a.clone()), fstab: Ok(a), kernel: Ok(b), counted }));
        }
    }
}
