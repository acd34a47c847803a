//! `security.disk-encryption`: whether somebody who takes the disk out could read it.
//!
//! For the system, the homes and the swap space: from what is mounted where, and whether an encrypted device
//! (`/sys/block/dm-*/dm/uuid`, dm-crypt) is anywhere below it. A disk that encrypts by itself can't be told from one that
//! doesn't; names of disks and volumes stay here, they often name the computer.

use std::collections::BTreeMap;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use crate::checks::machine::{Machine, Reading};
use crate::checks::mount::Mount;
use crate::checks::{Check, Failure};

/// Kinds of dm-crypt devices whose content is encrypted (cryptsetup's `libdevmapper`). `VERITY`, `INTEGRITY` and `TEMP` only
/// check or move data.
const ENCRYPTED: [&str; 7] = ["BITLK", "FVAULT2", "LOOPAES", "LUKS1", "LUKS2", "PLAIN", "TCRYPT"];
/// File systems that encrypt what they show.
const FILE_SYSTEMS: [&str; 4] = ["ecryptfs", "fuse.cryfs", "fuse.encfs", "fuse.gocryptfs"];
/// File systems that may encrypt by themselves, which their mounts don't tell.
const UNCLEAR: [&str; 3] = ["bcachefs", "overlay", "zfs"];
/// Where people's data is.
const HOMES: [&str; 2] = ["/home", "/var/home"];
/// Longest chain of devices upon devices.
const DEPTH: usize = 16;
/// Types of case that are carried around (SMBIOS 3.7, 7.4.1): portable, laptop, notebook, hand held, sub notebook, tablet,
/// convertible, detachable.
const CARRIED: [u32; 8] = [8, 9, 10, 11, 14, 30, 31, 32];

pub(crate) struct DiskEncryption;

pub(crate) struct Inputs {
    mounts: Reading,
    swaps: Reading,
    /// By name: `sda`, `dm-0`, `md0`.
    devices: BTreeMap<String, Device>,
    /// Type of case by SMBIOS.
    case: Option<u32>,
}

/// A block device that is made of others.
#[derive(Clone, Debug, Default)]
struct Device {
    /// `CRYPT-LUKS2-…`, `LVM-…`.
    uuid: String,
    /// What `/dev/mapper` calls it.
    name: String,
    below: Vec<String>,
}

/// Whether a place is encrypted, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Yes(String),
    No,
    Unclear(String),
}

impl Check for DiskEncryption {
    const ID: &'static str = "security.disk-encryption";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let mounts = match &inputs.mounts {
            Ok(text) => Mount::parse(text),
            Err(error) => {
                draft.finding(Severity::Unknown, "encryption-unknown", &[], format!("/proc/self/mounts {error}"));
                return draft;
            }
        };
        let at = |place: &str| mounts.iter().rev().find(|mount| mount.target == place);
        let root = at("/").map_or(State::Unclear("nothing is mounted at /".to_owned()), |mount| inputs.mounted(mount));
        let homes = HOMES.iter().find_map(|place| at(place)).map(|mount| inputs.mounted(mount));
        let own = mounts.iter().find(|mount| FILE_SYSTEMS.contains(&mount.kind.as_str())).map(|m| inputs.mounted(m));
        let data = homes.clone().unwrap_or_else(|| root.clone());
        // A home that is encrypted on its own protects what matters most.
        let data = if data == State::No { own.clone().unwrap_or(data) } else { data };
        let swap = inputs.swap(&mounts);
        let mut rows = vec![row("system", &root)];
        rows.extend(homes.iter().map(|state| row("homes", state)));
        rows.extend(own.iter().map(|state| row("own-home", state)));
        rows.extend(swap.iter().map(|state| row("swap", state)));
        let carried = inputs.case.is_some_and(|case| CARRIED.contains(&case));
        draft.fact("carried", carried, "");
        match &data {
            State::No => {
                let finding = if carried { "laptop-not-encrypted" } else { "not-encrypted" };
                draft.finding(Severity::Warning, finding, &[], "/sys/block: no dm-crypt device below the homes");
            }
            State::Unclear(why) => draft.finding(Severity::Unknown, "encryption-unclear", &[], why.clone()),
            State::Yes(kind) => {
                if swap == Some(State::No) {
                    draft.finding(
                        Severity::Warning,
                        "swap-not-encrypted",
                        &[],
                        "/proc/swaps: no dm-crypt device below",
                    );
                } else {
                    draft.finding(Severity::Ok, "encrypted", &[], format!("the homes are on {kind}"));
                }
            }
        }
        draft.table("places", &["place", "encrypted", "how"], rows);
        draft
    }
}

fn row(place: &str, state: &State) -> Vec<Value> {
    match state {
        State::Yes(kind) => vec![place.into(), true.into(), kind.clone().into()],
        State::No => vec![place.into(), false.into(), "".into()],
        State::Unclear(_) => vec![place.into(), "".into(), "".into()],
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    let device = |name: String| {
        let below = machine.names(&format!("/sys/block/{name}/slaves"));
        let word = |file: &str| machine.word(&format!("/sys/block/{name}/dm/{file}")).unwrap_or_default();
        let device = Device { uuid: word("uuid"), name: word("name"), below };
        (name, device)
    };
    Inputs {
        mounts: machine.text("/proc/self/mounts"),
        swaps: machine.text("/proc/swaps"),
        devices: machine.names("/sys/block").into_iter().map(device).collect(),
        case: machine.number("/sys/class/dmi/id/chassis_type"),
    }
}

impl Inputs {
    fn mounted(&self, mount: &Mount) -> State {
        if FILE_SYSTEMS.contains(&mount.kind.as_str()) {
            return State::Yes(mount.kind.clone());
        }
        if UNCLEAR.contains(&mount.kind.as_str()) {
            return State::Unclear(format!("{} does not say what is below it", mount.kind));
        }
        self.device(&mount.source)
    }

    fn device(&self, source: &str) -> State {
        let Some(path) = source.strip_prefix("/dev/") else {
            return State::Unclear("it is on no disk of this computer".to_owned());
        };
        let name = match path.strip_prefix("mapper/") {
            Some(name) => self.devices.iter().find(|(_, device)| device.name == name).map(|(name, _)| name.as_str()),
            None => Some(path),
        };
        match name {
            // `/dev/root` and `/dev/disk/…` are names of other devices, which only their links tell.
            Some(name) if !name.contains('/') && name != "root" => {
                self.below(name, DEPTH).map_or(State::No, State::Yes)
            }
            Some(_) | None => State::Unclear("its device is not in /sys/block".to_owned()),
        }
    }

    /// The encryption nearest to the disk's name, if there is any.
    fn below(&self, name: &str, depth: usize) -> Option<String> {
        let device = self.devices.get(name)?;
        let kind = device.uuid.strip_prefix("CRYPT-").and_then(|rest| rest.split('-').next());
        if let Some(kind) = kind.filter(|kind| ENCRYPTED.contains(kind)) {
            return Some(kind.to_owned());
        }
        // A device is as safe as the least safe of those it is made of.
        let depth = depth.checked_sub(1)?;
        let kinds: Option<Vec<String>> = device.below.iter().map(|name| self.below(name, depth)).collect();
        kinds?.into_iter().next()
    }

    /// The least safe swap space; none if there is none on a disk.
    fn swap(&self, mounts: &[Mount]) -> Option<State> {
        let text = self.swaps.as_deref().ok()?;
        let states: Vec<State> = text
            .lines()
            .skip(1)
            .filter_map(|line| {
                let mut words = line.split_whitespace();
                let (path, kind) = (words.next()?, words.next()?);
                // zram is memory, not a disk.
                if path.starts_with("/dev/zram") {
                    None
                } else if kind == "file" {
                    let inside =
                        |mount: &&Mount| mount.target == "/" || path.starts_with(&format!("{}/", mount.target));
                    let mount = mounts.iter().filter(inside).max_by_key(|mount| mount.target.len())?;
                    Some(self.mounted(mount))
                } else {
                    Some(self.device(path))
                }
            })
            .collect();
        states.iter().find(|state| **state == State::No).or_else(|| states.first()).cloned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn pc(mounts: &str, swaps: &str) -> Inputs {
        let device = |uuid: &str, name: &str, below: &[&str]| Device {
            uuid: uuid.into(),
            name: name.into(),
            below: below.iter().map(|name| (*name).to_owned()).collect(),
        };
        let devices = [
            ("sda", device("", "", &[])),
            ("dm-0", device("CRYPT-LUKS2-0a0b-crypt", "crypt", &["sda3"])),
            ("dm-1", device("LVM-aBc", "vg-root", &["dm-0"])),
            ("dm-2", device("LVM-dEf", "vg-plain", &["sda4"])),
            ("dm-3", device("LVM-gHi", "vg-half", &["dm-0", "sda4"])),
            ("dm-4", device("CRYPT-VERITY-1-usr", "usr", &["sda5"])),
            ("dm-5", device("LVM-loop", "loop", &["dm-5"])),
        ];
        Inputs {
            mounts: Ok(mounts.to_owned()),
            swaps: Ok(format!("Filename Type Size Used Priority\n{swaps}")),
            devices: devices.map(|(name, device)| (name.to_owned(), device)).into(),
            case: None,
        }
    }

    #[test]
    fn encryption_is_found_below_volumes_and_nowhere_else() {
        for (source, kind, found) in [
            ("/dev/mapper/crypt", "ext4", "encrypted"),
            ("/dev/dm-0", "btrfs", "encrypted"),
            ("/dev/mapper/vg-root", "ext4", "encrypted"),
            ("/dev/mapper/vg-plain", "ext4", "not-encrypted"),
            ("/dev/mapper/vg-half", "ext4", "not-encrypted"),
            ("/dev/mapper/usr", "erofs", "not-encrypted"),
            ("/dev/mapper/loop", "ext4", "not-encrypted"),
            ("/dev/sda2", "ext4", "not-encrypted"),
            ("/dev/mapper/other", "ext4", "encryption-unclear"),
            ("/dev/root", "ext4", "encryption-unclear"),
            ("rpool/ROOT", "zfs", "encryption-unclear"),
            ("overlay", "overlay", "encryption-unclear"),
            ("nas:/", "nfs4", "encryption-unclear"),
        ] {
            assert_eq!(findings::<DiskEncryption>(pc(&format!("{source} / {kind} rw 0 0\n"), "")), [found], "{source}");
        }
    }

    #[test]
    fn the_homes_decide_and_the_swap_must_not_give_them_away() {
        let root = "/dev/mapper/crypt / ext4 rw 0 0\n";
        for (mounts, swap, found) in [
            (format!("{root}/dev/sda4 /home ext4 rw 0 0\n"), "", "not-encrypted"),
            ("/dev/sda2 / ext4 rw 0 0\n/dev/mapper/crypt /home ext4 rw 0 0\n".to_owned(), "", "encrypted"),
            ("/dev/sda2 / ext4 rw 0 0\n/home/.e/ana /home/ana ecryptfs rw 0 0\n".to_owned(), "", "encrypted"),
            (root.to_owned(), "/dev/sda5 partition 1 0 -2\n", "swap-not-encrypted"),
            (root.to_owned(), "/dev/zram0 partition 1 0 100\n", "encrypted"),
            (root.to_owned(), "/swap.img file 1 0 -2\n", "encrypted"),
            (format!("{root}/dev/sda4 /data ext4 rw 0 0\n"), "/data/swap file 1 0 -2\n", "swap-not-encrypted"),
            (root.to_owned(), "/dev/dm-1 partition 1 0 -2\n", "encrypted"),
        ] {
            assert_eq!(findings::<DiskEncryption>(pc(&mounts, swap)), [found], "{mounts}{swap}");
        }
    }

    #[test]
    fn what_is_carried_around_is_told_apart() {
        for (case, found) in
            [(3, "not-encrypted"), (9, "laptop-not-encrypted"), (10, "laptop-not-encrypted"), (13, "not-encrypted")]
        {
            let inputs = Inputs { case: Some(case), ..pc("/dev/sda2 / ext4 rw 0 0\n", "") };
            assert_eq!(findings::<DiskEncryption>(inputs), [found]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        assert_eq!(findings::<DiskEncryption>(gather_from(&recorded("laptop-guarded"))), ["encrypted"]);
        assert_eq!(findings::<DiskEncryption>(gather_from(&recorded("desktop-fine"))), ["not-encrypted"]);
        all_is_said::<DiskEncryption>(vec![
            gather_from(&recorded("laptop-guarded")),
            gather_from(&recorded("laptop-full")),
            Inputs { case: Some(10), ..pc("/dev/sda2 / ext4 rw 0 0\n", "") },
            pc("/dev/mapper/crypt / ext4 rw 0 0\n", "/dev/sda5 partition 1 0 -2\n"),
            gather_from(&recorded("container")),
            Inputs { mounts: Err(Unread::Denied), ..pc("", "") },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(
            mounts in "((/dev/mapper/|/dev/)(crypt|vg-root|loop|.*) (/|/home) .* rw 0 0\n)*|.*", swaps in "(.* (file|partition) 1\n)*",
        ) {
            told(DiskEncryption::ID, &DiskEncryption::judge(pc(&mounts, &swaps)));
        }
    }
}
