//! `tasks.trash`: how much is in the trash, how long it has been there, and what is in the trash of sticks and other disks.
//!
//! Things are counted and added up; how long they lie there is the date of the note beside each, whose text (it holds the
//! old place) is never opened. Trash on servers isn't looked at: a server that is gone never answers.

use std::time::{Duration, Instant};

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::age::{days, now};
use super::home;
use super::walk::Budget;
use crate::checks::figure::{megabytes, size};
use crate::checks::machine::{Machine, Reading};
use crate::checks::mount::Mount;
use crate::checks::{Check, Failure};

/// Bytes from which emptying is worth a sentence, as in `tasks.space`. Our choice.
const BIG: u64 = 1_000_000_000;
/// Days after which nobody misses what was deleted: what desktops use when asked to empty by themselves (GNOME's
/// `old-files-age`).
const OLD_DAYS: u64 = 30;
/// Bytes below which age alone is no reason to bother anybody. Our choice.
const OLD_LEAST: u64 = 100_000_000;
/// Most files and folders that are counted, and for how long.
const ENTRIES: u64 = 100_000;
const TIME: Duration = Duration::from_secs(3);
/// Most disks beside the home's.
const DISKS_MAX: usize = 16;

pub(crate) struct Trash;

pub(crate) struct Inputs {
    home: bool,
    bins: Vec<Bin>,
    now: u64,
}

/// One trash can: the trash specification of freedesktop.org.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bin {
    /// On another disk than the home's.
    elsewhere: bool,
    bytes: u64,
    /// Things that were deleted, a folder being one.
    items: u64,
    /// When the oldest one was, in seconds since 1970.
    oldest: Option<u64>,
    denied: bool,
    cut: bool,
}

impl Check for Trash {
    const ID: &'static str = "tasks.trash";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let machine = Machine::this();
        Ok(gather_from(&machine, rustix::process::getuid().as_raw(), &machine.text("/proc/self/mounts"), now()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        if !inputs.home && inputs.bins.is_empty() {
            draft.finding(Severity::Unknown, "trash-unknown", &[], "no home in /etc/passwd");
            return draft;
        }
        let sum = |elsewhere: bool| {
            let bins = inputs.bins.iter().filter(move |bin| bin.elsewhere == elsewhere);
            bins.fold(0_u64, |sum, bin| sum.saturating_add(bin.bytes))
        };
        let items = inputs.bins.iter().fold(0_u64, |sum, bin| sum.saturating_add(bin.items));
        let oldest = inputs.bins.iter().filter_map(|bin| bin.oldest).min().map(|then| days(inputs.now, then));
        draft.fact("size", sum(false), "bytes");
        draft.fact("size-elsewhere", sum(true), "bytes");
        draft.fact("items", items, "");
        draft.fact("oldest", oldest.map_or(Value::from(""), Value::from), "days");
        if sum(false) >= BIG {
            let evidence = format!("{} bytes in {} things", sum(false), items);
            draft.finding(Severity::Warning, "trash-big", &[("size", size(sum(false)).into())], evidence);
        } else if let Some(age) = oldest.filter(|age| *age >= OLD_DAYS && sum(false) >= OLD_LEAST) {
            let values = [("size", size(sum(false)).into()), ("days", age.into())];
            draft.finding(Severity::Warning, "trash-old", &values, format!("oldest note: {age} days"));
        }
        if sum(true) >= BIG {
            let evidence = format!("{} bytes on other disks", sum(true));
            draft.finding(Severity::Warning, "trash-on-drives", &[("size", size(sum(true)).into())], evidence);
        }
        if draft.findings.is_empty() {
            draft.finding(Severity::Ok, "trash-ok", &[], format!("{items} things, {} bytes", sum(false)));
        }
        if inputs.bins.iter().any(|bin| bin.cut) {
            let evidence = format!("stopped after {ENTRIES} entries or {} s", TIME.as_secs());
            draft.finding(Severity::Unknown, "counted-partly", &[], evidence);
        }
        let denied = inputs.bins.iter().filter(|bin| bin.denied).count() as u64;
        if denied > 0 {
            let evidence = format!("{denied}: permission denied");
            draft.finding(Severity::Unknown, "trash-hidden", &[("count", denied.into())], evidence);
        }
        let row = |bin: &Bin| -> Vec<Value> {
            let age = bin.oldest.map_or("".into(), |then| days(inputs.now, then).into());
            let place = if bin.elsewhere { "drive" } else { "home" };
            vec![place.into(), megabytes(bin.bytes).into(), bin.items.into(), age]
        };
        draft.table("bins", &["place", "size", "items", "oldest"], inputs.bins.iter().map(row).collect());
        draft
    }
}

fn gather_from(machine: &Machine, user: u32, mounts: &Reading, now: u64) -> Inputs {
    let mut budget = Budget::new(ENTRIES, Instant::now() + TIME);
    let home = home::of(machine, user);
    let mut folders: Vec<(bool, String)> = Vec::new();
    folders.extend(home.as_ref().map(|home| (false, format!("{home}/.local/share/Trash"))));
    for mount in mounts.as_deref().map_or(Vec::new(), Mount::parse).iter().filter(|m| is_drive(m)).take(DISKS_MAX) {
        folders.push((true, format!("{}/.Trash-{user}", mount.target)));
        folders.push((true, format!("{}/.Trash/{user}", mount.target)));
    }
    let bins = folders.into_iter().filter_map(|(elsewhere, folder)| {
        let mut items = 0_u64;
        let mut bin = Bin { elsewhere, ..Bin::default() };
        let size = budget.each(&machine.path(&format!("{folder}/files")), &mut |entry| {
            items += u64::from(entry.level == 1);
        })?;
        let notes = budget.each(&machine.path(&format!("{folder}/info")), &mut |entry| {
            if !entry.is_folder() && entry.name.to_bytes().ends_with(b".trashinfo") {
                bin.oldest = Some(bin.oldest.map_or(entry.modified(), |oldest| oldest.min(entry.modified())));
            }
        });
        let denied = size.denied > 0 || notes.is_some_and(|notes| notes.denied > 0);
        Some(Bin { bytes: size.bytes, items, denied, cut: size.cut, ..bin })
    });
    Inputs { home: home.is_some(), bins: bins.collect(), now }
}

/// Local disks where the desktop puts sticks and cards.
fn is_drive(mount: &Mount) -> bool {
    mount.is_data() && ["/media/", "/run/media/", "/mnt/"].iter().any(|place| mount.target.starts_with(place))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};
    use crate::checks::tasks::age::DAY;

    fn holding(bin: Bin) -> Inputs {
        Inputs { home: true, bins: vec![bin], now: 1_000 * DAY }
    }

    fn old(bytes: u64, age: u64) -> Inputs {
        holding(Bin { bytes, items: 1, oldest: Some((1_000 - age) * DAY), ..Bin::default() })
    }

    #[test]
    fn the_persons_bin_and_that_of_a_stick_are_added_up() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &[u8]| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("etc/passwd", b"ana:x:1000:1000::/home/ana:\n");
        write("home/ana/.local/share/Trash/files/private folder/letter", &[1; 1 << 20]);
        write("home/ana/.local/share/Trash/files/photo", &[1; 1 << 20]);
        write("home/ana/.local/share/Trash/info/photo.trashinfo", b"[Trash Info]\n");
        write("media/ana/STICK/.Trash-1000/files/x", &[1; 1 << 20]);
        write("media/ana/STICK/.Trash-1001/files/others", &[1; 1 << 20]);
        write("srv/.Trash-1000/files/x", &[1; 1 << 20]);
        let mounts = "/dev/sdb1 /media/ana/STICK vfat rw 0 0\n/dev/sdc1 /srv ext4 rw 0 0\nnas:/x /mnt/x nfs4 rw 0 0\n";
        let inputs = gather_from(&Machine::at(root.path()), 1000, &Ok(mounts.to_owned()), now());
        let bins: Vec<(bool, u64, u64)> = inputs.bins.iter().map(|b| (b.elsewhere, b.bytes >> 20, b.items)).collect();
        assert_eq!(bins, [(false, 2, 2), (true, 1, 1)]);
        assert!(inputs.bins[0].oldest.is_some_and(|then| then > 0) && inputs.bins[1].oldest.is_none());
        let draft = Trash::judge(inputs);
        assert!(!format!("{draft:?}").contains("letter") && !format!("{draft:?}").contains("STICK"));
        assert_eq!(told(Trash::ID, &draft).findings[0].id, "trash-ok");
    }

    #[test]
    fn size_and_age_below_at_and_above() {
        for (bytes, age, found) in [
            (BIG - 1, 0, "trash-ok"),
            (BIG, 0, "trash-big"),
            (BIG + 1, 99, "trash-big"),
            (OLD_LEAST, OLD_DAYS - 1, "trash-ok"),
            (OLD_LEAST, OLD_DAYS, "trash-old"),
            (OLD_LEAST + 1, OLD_DAYS + 1, "trash-old"),
            (OLD_LEAST - 1, OLD_DAYS, "trash-ok"),
        ] {
            assert_eq!(findings::<Trash>(old(bytes, age)), [found], "{bytes} {age}");
        }
    }

    #[test]
    fn everything_declared_is_said() {
        let stick = Bin { elsewhere: true, bytes: BIG, denied: true, cut: true, ..Bin::default() };
        all_is_said::<Trash>(vec![
            holding(stick),
            old(BIG, 1),
            old(OLD_LEAST, OLD_DAYS),
            old(0, 0),
            Inputs { home: false, bins: vec![], now: 0 },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(mounts in "(/dev/.* /media/.* vfat .*\n)*|.*", bytes in any::<u64>(), then in any::<u64>()) {
            let root = tempfile::tempdir().unwrap();
            gather_from(&Machine::at(root.path()), 0, &Ok(mounts), 0);
            told(Trash::ID, &Trash::judge(holding(Bin { bytes, items: bytes, oldest: Some(then), ..Bin::default() })));
        }
    }
}
