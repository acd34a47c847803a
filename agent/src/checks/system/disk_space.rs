//! `system.disk-space`: how full the disks are, in bytes and in file entries (inodes).
//!
//! Network file systems are left out: asking one whose server is gone never returns.

use rustix::fs::statvfs;
use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity};

use crate::checks::figure::{megabytes, percent, size, tenths};
use crate::checks::machine::{Machine, Reading};
use crate::checks::mount::Mount;
use crate::checks::{Check, Failure};

/// Percent used from which a disk is full, if also little is left in absolute terms.
const FULL_PERCENT: f64 = 95.0;
/// Bytes below which 95 % used means trouble now: one system update needs as much.
const FULL_LEFT: u64 = 5_000_000_000;
/// Percent used from which a disk is nearly full, if also little is left. Monitoring systems commonly warn at 90 %.
const NEARLY_PERCENT: f64 = 90.0;
/// Bytes below which 90 % used is worth a look: 10 % of a 2 TB disk isn't.
const NEARLY_LEFT: u64 = 20_000_000_000;
/// Percent of file entries used from which no more files may fit soon.
const ENTRIES_FULL_PERCENT: f64 = 98.0;
/// Percent of file entries worth a look.
const ENTRIES_NEARLY_PERCENT: f64 = 90.0;
/// Temporary file systems that programs fail without.
const TEMPORARY: [&str; 3] = ["/dev/shm", "/run", "/tmp"];

pub(crate) struct DiskSpace;

pub(crate) struct Inputs {
    mounts: Reading,
    /// In the order of [`measurable`]; an error's text where it could not be measured.
    measured: Vec<Result<Space, String>>,
}

/// What statvfs(3) says of one file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Space {
    /// Bytes.
    total: u64,
    /// Bytes free, those kept for the administrator included.
    free: u64,
    /// Bytes free for everybody.
    available: u64,
    /// File entries; 0 where there is no limit (btrfs, vfat).
    entries: u64,
    /// File entries free.
    entries_free: u64,
}

impl Check for DiskSpace {
    const ID: &'static str = "system.disk-space";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let mounts = Machine::this().text("/proc/self/mounts");
        let measured = mounts.as_ref().map_or(Vec::new(), |text| {
            measurable(text).iter().map(|mount| Space::of(&mount.target).map_err(|e| e.to_string())).collect()
        });
        Ok(Inputs { mounts, measured })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let mounts = match &inputs.mounts {
            Ok(text) => measurable(text),
            Err(error) => {
                draft.finding(Severity::Unknown, "space-unknown", &[], format!("/proc/self/mounts {error}"));
                return draft;
            }
        };
        let mut rows = Vec::new();
        let mut fullest = None::<f64>;
        for (mount, space) in mounts.iter().zip(&inputs.measured) {
            match space {
                Ok(space) => {
                    let used = space.used();
                    fullest = Some(fullest.map_or(used, |most| most.max(used)));
                    rows.push(vec![
                        mount.shown().into(),
                        mount.kind.clone().into(),
                        megabytes(space.total).into(),
                        megabytes(space.available).into(),
                        tenths(used).into(),
                        tenths(space.entries_used()).into(),
                    ]);
                    if !mount.is_read_only() {
                        space.judge(&mut draft, &mount.shown());
                    }
                }
                Err(why) => {
                    let place = [("place", mount.shown().into())];
                    draft.finding(Severity::Unknown, "space-hidden", &place, format!("statvfs: {why}"));
                }
            }
        }
        match fullest {
            Some(used) => {
                draft.fact("fullest", tenths(used), "%");
                if draft.findings.iter().all(|finding| finding.severity == Severity::Unknown) {
                    draft.finding(Severity::Ok, "space-ok", &[], format!("statvfs: at most {used:.1} % used"));
                }
            }
            None => draft.finding(Severity::Unknown, "space-unknown", &[], "no local disk in /proc/self/mounts"),
        }
        draft.table("disks", &["place", "kind", "size", "free", "used", "files-used"], rows);
        draft
    }
}

impl Space {
    fn of(target: &str) -> rustix::io::Result<Self> {
        let stat = statvfs(target)?;
        Ok(Self {
            total: stat.f_blocks.saturating_mul(stat.f_frsize),
            free: stat.f_bfree.saturating_mul(stat.f_frsize),
            available: stat.f_bavail.saturating_mul(stat.f_frsize),
            entries: stat.f_files,
            entries_free: stat.f_ffree,
        })
    }

    /// Percent, counted as `df` does: of what everybody could use.
    fn used(&self) -> f64 {
        let used = self.total.saturating_sub(self.free);
        percent(used, used.saturating_add(self.available))
    }

    fn entries_used(&self) -> f64 {
        percent(self.entries.saturating_sub(self.entries_free), self.entries)
    }

    fn judge(&self, draft: &mut Draft, place: &str) {
        let values = [("place", place.into()), ("free", size(self.available).into())];
        let evidence = format!("statvfs: {:.1} % used, {} bytes left", self.used(), self.available);
        if self.used() >= FULL_PERCENT && self.available < FULL_LEFT {
            draft.finding(Severity::Critical, "disk-full", &values, evidence);
        } else if self.used() >= NEARLY_PERCENT && self.available < NEARLY_LEFT {
            draft.finding(Severity::Warning, "disk-nearly-full", &values, evidence);
        }
        let values = [("place", place.into()), ("percent", self.entries_used().into())];
        let evidence = format!("statvfs: {} of {} entries free", self.entries_free, self.entries);
        if self.entries_used() >= ENTRIES_FULL_PERCENT {
            draft.finding(Severity::Critical, "entries-full", &values, evidence);
        } else if self.entries_used() >= ENTRIES_NEARLY_PERCENT {
            draft.finding(Severity::Warning, "entries-nearly-full", &values, evidence);
        }
    }
}

/// Local file systems, each device once (bind mounts and subvolumes share one), the shortest place first. Below `/etc`
/// are only the single files that containers get from outside.
fn measurable(text: &str) -> Vec<Mount> {
    let mut mounts: Vec<Mount> = Mount::parse(text)
        .into_iter()
        .filter(|mount| !mount.target.starts_with("/etc/"))
        .filter(|mount| mount.is_data() || (mount.kind == "tmpfs" && TEMPORARY.contains(&mount.target.as_str())))
        .collect();
    mounts.sort_by(|a, b| (a.target.len(), &a.target).cmp(&(b.target.len(), &b.target)));
    let mut kept: Vec<Mount> = Vec::new();
    for mount in mounts {
        let same =
            |other: &Mount| other.target == mount.target || (mount.kind != "tmpfs" && other.source == mount.source);
        if !kept.iter().any(same) {
            kept.push(mount);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    const GB: u64 = 1_000_000_000;

    fn space(total: u64, available: u64) -> Space {
        Space { total, free: available, available, entries: 1000, entries_free: 1000 }
    }

    fn one(space: Space) -> Inputs {
        Inputs { mounts: Ok("/dev/sda1 / ext4 rw 0 0".into()), measured: vec![Ok(space)] }
    }

    #[test]
    fn each_disk_is_measured_once_and_no_network_is_asked() {
        let targets = |machine: &str| -> Vec<String> {
            let text = recorded(machine).text("/proc/self/mounts").unwrap();
            measurable(&text).into_iter().map(|mount| mount.target).collect()
        };
        assert_eq!(targets("laptop-full"), ["/", "/run", "/tmp", "/home", "/dev/shm", "/boot/efi"]);
        assert_eq!(targets("container"), ["/"]);
    }

    #[test]
    fn bytes_below_at_and_above_both_limits() {
        for (total, available, found) in [
            (100 * GB, 10 * GB + 1, "space-ok"),
            (100 * GB, 10 * GB, "disk-nearly-full"),
            (100 * GB, 5 * GB, "disk-nearly-full"),
            (100 * GB, 5 * GB - 1, "disk-full"),
            (100 * GB, 0, "disk-full"),
            (2000 * GB, 20 * GB, "space-ok"),
            (2000 * GB, 20 * GB - 1, "disk-nearly-full"),
            (8 * GB, 2 * GB, "space-ok"),
        ] {
            assert_eq!(findings::<DiskSpace>(one(space(total, available))), [found], "{total} {available}");
        }
    }

    #[test]
    fn entries_below_at_and_above_their_limits() {
        for (free, found) in [
            (101, "space-ok"),
            (100, "entries-nearly-full"),
            (21, "entries-nearly-full"),
            (20, "entries-full"),
            (0, "entries-full"),
        ] {
            let space = Space { entries_free: free, ..space(100 * GB, 50 * GB) };
            assert_eq!(findings::<DiskSpace>(one(space)), [found]);
        }
    }

    #[test]
    fn a_disk_that_cannot_be_written_is_not_too_full() {
        let inputs = Inputs { mounts: Ok("/dev/sr0 / ext4 ro 0 0".into()), measured: vec![Ok(space(GB, 0))] };
        assert_eq!(findings::<DiskSpace>(inputs), ["space-ok"]);
    }

    #[test]
    fn everything_declared_is_said() {
        let entries = |entries_free| one(Space { entries_free, ..space(100 * GB, 50 * GB) });
        all_is_said::<DiskSpace>(vec![
            one(space(100 * GB, GB)),
            one(space(100 * GB, 8 * GB)),
            entries(1),
            entries(50),
            Inputs { mounts: Ok("/dev/sda1 / ext4 rw 0 0".into()), measured: vec![Err("gone".into())] },
            one(space(100 * GB, 50 * GB)),
            Inputs { mounts: Err(Unread::Denied), measured: vec![] },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "(.*\n)*|([a-z/\\\\0-9]+ /[a-z]* (ext4|tmpfs|btrfs) (ro|rw)\n)*", n in any::<[u64; 5]>()) {
            let space = Space { total: n[0], free: n[1], available: n[2], entries: n[3], entries_free: n[4] };
            let measured = vec![Ok(space); measurable(&text).len()];
            told(DiskSpace::ID, &DiskSpace::judge(Inputs { mounts: Ok(text), measured }));
        }
    }
}
