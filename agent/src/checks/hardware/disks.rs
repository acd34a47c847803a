//! `hardware.disks`: the disks, what is mounted of them, and errors that were counted.
//!
//! Not the disks' own diary (SMART): reading that takes an administrator. What any account can see tells much already: a
//! file system that locked itself, errors ext4 wrote down, a mirror with a missing half.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use crate::checks::figure::megabytes;
use crate::checks::machine::{Machine, Reading};
use crate::checks::mount::Mount;
use crate::checks::{Check, Failure};

/// Block devices that aren't disks: loop, memory, optical drives, layers above disks.
const NOT_DISKS: [&str; 8] = ["dm-", "fd", "loop", "md", "nbd", "ram", "sr", "zram"];
/// Places that a person's programs write to: one of these that can only be read is worth a question.
const WRITTEN: [&str; 4] = ["/", "/home", "/var", "/var/home"];
/// Bytes of a sector in `/sys/block/*/size`, whatever the disk's own are (the kernel's `stable/sysfs-block`).
const SECTOR: u64 = 512;

pub(crate) struct Disks;

pub(crate) struct Inputs {
    devices: Vec<Device>,
    mounts: Reading,
    fstab: Reading,
    mirrors: Reading,
    /// ext4's own count, by partition.
    errors: Vec<(String, u64)>,
}

struct Device {
    name: String,
    model: Option<String>,
    sectors: u64,
    spinning: bool,
    removable: bool,
    read_only: bool,
}

impl Check for Disks {
    const ID: &'static str = "hardware.disks";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let mounts: Vec<Mount> = inputs.mounts.as_deref().map_or(Vec::new(), Mount::parse);
        let mounts: Vec<Mount> = mounts.into_iter().filter(|m| m.is_data() && !m.target.starts_with("/etc/")).collect();
        draft.fact("disks", inputs.devices.len() as u64, "");
        draft.table(
            "disks",
            &["disk", "model", "size", "spinning", "removable", "read-only"],
            inputs.devices.iter().map(Device::row).collect(),
        );
        let row = |m: &Mount| vec![m.shown().into(), m.kind.clone().into(), m.is_read_only().into()];
        draft.table("mounts", &["place", "kind", "read-only"], mounts.iter().map(row).collect());
        let planned = inputs.fstab.as_deref().map_or(Vec::new(), Mount::parse);
        mounts.iter().for_each(|mount| locked(&mut draft, mount, &planned));
        counted(&mut draft, &inputs.errors);
        inputs.mirrors.iter().for_each(|text| mirrors(&mut draft, text));
        if draft.findings.is_empty() {
            let evidence = format!("/sys/block: {} disks, no errors counted", inputs.devices.len());
            if inputs.devices.is_empty() {
                draft.finding(Severity::Unknown, "disks-unknown", &[], "/sys/block shows no disk");
            } else {
                draft.finding(Severity::Ok, "disks-ok", &[], evidence);
            }
        }
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    let disk = |name: &String| !NOT_DISKS.iter().any(|prefix| name.starts_with(prefix));
    let device = |name: String| {
        let flag = |file: &str| machine.number::<u8>(&format!("/sys/block/{name}/{file}")) == Some(1);
        Device {
            model: machine.word(&format!("/sys/block/{name}/device/model")),
            sectors: machine.number(&format!("/sys/block/{name}/size")).unwrap_or(0),
            spinning: flag("queue/rotational"),
            removable: flag("removable"),
            read_only: flag("ro"),
            name,
        }
    };
    let errors = |name: String| {
        let count = machine.number(&format!("/sys/fs/ext4/{name}/errors_count"))?;
        Some((name, count))
    };
    Inputs {
        devices: machine.names("/sys/block").into_iter().filter(disk).map(device).collect(),
        mounts: machine.text("/proc/self/mounts"),
        fstab: machine.text("/etc/fstab"),
        mirrors: machine.text("/proc/mdstat"),
        errors: machine.names("/sys/fs/ext4").into_iter().filter_map(errors).collect(),
    }
}

impl Device {
    fn row(&self) -> Vec<Value> {
        vec![
            self.name.clone().into(),
            self.model.clone().unwrap_or_default().into(),
            megabytes(self.sectors.saturating_mul(SECTOR)).into(),
            self.spinning.into(),
            self.removable.into(),
            self.read_only.into(),
        ]
    }
}

/// A file system that should be writable and isn't. What the owner's own `/etc/fstab` wants that way is none.
fn locked(draft: &mut Draft, mount: &Mount, planned: &[Mount]) {
    let wanted = planned.iter().any(|plan| plan.target == mount.target && plan.is_read_only());
    let place = [("place", mount.shown().into())];
    let evidence = format!("/proc/self/mounts {} {} {}", mount.shown(), mount.kind, mount.options.join(","));
    // ext4(5): after an error, `errors=remount-ro` locks; newer kernels say `emergency_ro` and may keep `rw`.
    if mount.has("emergency_ro") || (mount.is_read_only() && !wanted && mount.has("errors=remount-ro")) {
        draft.finding(Severity::Critical, "turned-read-only", &place, evidence);
    } else if mount.is_read_only() && !wanted && WRITTEN.contains(&mount.target.as_str()) {
        draft.finding(Severity::Warning, "read-only", &place, evidence);
    }
}

fn counted(draft: &mut Draft, errors: &[(String, u64)]) {
    if !errors.is_empty() {
        draft.fact("errors", errors.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count)), "");
    }
    for (disk, count) in errors.iter().filter(|(_, count)| *count > 0) {
        let values = [("disk", disk.clone().into()), ("count", (*count).into())];
        let evidence = format!("/sys/fs/ext4/{disk}/errors_count: {count}");
        draft.finding(Severity::Critical, "file-system-errors", &values, evidence);
    }
}

/// `/proc/mdstat`: a name line, then a line that ends in `[UU]`; `_` is a missing member (md(4)).
fn mirrors(draft: &mut Draft, text: &str) {
    let mut group = "";
    for line in text.lines() {
        if let Some((name, _)) = line.split_once(" : active") {
            group = name.trim();
        }
        let members = line.split_whitespace().filter_map(|word| word.strip_prefix('[')?.strip_suffix(']'));
        let broken = |members: &str| members.contains('_') && members.bytes().all(|b| matches!(b, b'U' | b'_'));
        if members.clone().any(broken) {
            let evidence = format!("/proc/mdstat {group}: {}", line.trim());
            draft.finding(Severity::Critical, "mirror-broken", &[("group", group.into())], evidence);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn mounted(mounts: &str, fstab: &str) -> Inputs {
        Inputs { mounts: Ok(mounts.into()), fstab: Ok(fstab.into()), ..gather_from(&recorded("desktop-fine")) }
    }

    #[test]
    fn a_laptop_whose_disk_is_dying() {
        let inputs = gather_from(&recorded("laptop-full"));
        assert_eq!(inputs.devices.len(), 2);
        let draft = Disks::judge(inputs);
        assert_eq!(draft.tables[0].rows[0][1], Value::from("SAMSUNG MZVLB256HAHQ-000L7"));
        assert_eq!(draft.tables[0].rows[0][2], Value::Integer(256_060));
        let found: Vec<String> = told(Disks::ID, &draft).findings.into_iter().map(|f| f.id).collect();
        assert_eq!(found, ["turned-read-only", "file-system-errors"]);
    }

    #[test]
    fn only_what_nobody_wanted_is_locked() {
        for (mounts, fstab, found) in [
            ("/dev/a / ext4 rw,errors=remount-ro 0 0", "", "disks-ok"),
            ("/dev/a / ext4 ro,errors=remount-ro 0 0", "", "turned-read-only"),
            ("/dev/a / ext4 rw,emergency_ro 0 0", "", "turned-read-only"),
            ("/dev/a / btrfs ro 0 0", "", "read-only"),
            ("/dev/a / btrfs ro 0 0", "UUID=x / btrfs ro 0 0", "disks-ok"),
            ("/dev/b /media/ana/x vfat ro 0 0", "", "disks-ok"),
            ("/dev/c /snap/x squashfs ro 0 0", "", "disks-ok"),
        ] {
            assert_eq!(findings::<Disks>(mounted(mounts, fstab)), [found], "{mounts}");
        }
    }

    #[test]
    fn a_mirror_with_a_missing_half_is_found() {
        let text = |state: &str| {
            format!(
                "Personalities : [raid1]\nmd0 : active raid1 sdb1[1] sda1[0]\n      976630464 blocks [2/1] [{state}]\n"
            )
        };
        for (state, found) in [("UU", "disks-ok"), ("U_", "mirror-broken"), ("__", "mirror-broken")] {
            let inputs = Inputs { mirrors: Ok(text(state)), ..gather_from(&recorded("desktop-fine")) };
            assert_eq!(findings::<Disks>(inputs), [found]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        let mirror = "md0 : active raid1 sdb1[1]\n 9 blocks [2/1] [_U]\n".to_owned();
        all_is_said::<Disks>(vec![
            gather_from(&recorded("laptop-full")),
            gather_from(&recorded("desktop-fine")),
            gather_from(&recorded("container")),
            Inputs { mirrors: Ok(mirror), mounts: Err(Unread::Denied), ..gather_from(&recorded("container")) },
            mounted("/dev/a /home xfs ro 0 0", ""),
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(a in "([a-z/]+ /[a-z/]* (ext4|xfs) [a-z,=-]+\n)*|.*", b in ".*", c in "(md0 : active.*\n|.*\\[[U_]*\\]\n)*", n in any::<u64>()) {
            let device = Device {
                name: a.clone(), model: Some(b.clone()), sectors: n, spinning: true, removable: true, read_only: true,
            };
            told(Disks::ID, &Disks::judge(Inputs {
                devices: vec![device], mounts: Ok(a), fstab: Ok(b), mirrors: Ok(c), errors: vec![("x".into(), n), ("y".into(), n)],
            }));
        }
    }
}
