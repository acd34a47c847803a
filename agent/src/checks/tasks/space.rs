//! `tasks.space`: where the space went, by kind of folder.
//!
//! Folders are fixed ones below the home and `/var`, or those the person's own `user-dirs.dirs` names; only sums leave the
//! PC. Venia's own folders are left out (SECURITY E11).

use std::path::PathBuf;
use std::time::{Duration, Instant};

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity};

use super::home::{self, user_folder};
use super::walk::{Budget, Size};
use crate::checks::figure::size;
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// How far to look: the most files and folders that are counted in all, and the longest time for it. The quick look is
/// enough for most people's folders and costs no patience; the thorough one is for when it said that it wasn't.
const EFFORTS: [(&str, Effort); 2] = [
    ("quick", Effort { entries: 50_000, time: Duration::from_secs(2) }),
    ("thorough", Effort { entries: 3_000_000, time: Duration::from_secs(40) }),
];
const GB: u64 = 1_000_000_000;

/// Kind, the bytes from which it is worth a sentence, and that sentence. Our choices, but for logs: journald keeps at
/// most 4 GB (`SystemMaxUse` in journald.conf(5)), so more comes from something else.
const LIMITS: [(&str, u64, &str); 7] = [
    ("trash", GB, "trash-big"),
    ("downloads", 10 * GB, "downloads-big"),
    ("caches", 5 * GB, "caches-big"),
    ("package-cache", 5 * GB, "caches-big"),
    ("logs", 4 * GB + GB / 2, "logs-big"),
    ("temporary", 5 * GB, "temporary-big"),
    ("crashes", 2 * GB, "crashes-big"),
];

/// Kinds and where they are, in the order of counting: what is most likely to be cleared first, in case time runs out; the
/// home last, where everything counted before is left out.
const PLACES: [(&str, Place); 48] = [
    ("trash", Place::Home(".local/share/Trash")),
    ("downloads", Place::User("XDG_DOWNLOAD_DIR", "Downloads")),
    ("logs", Place::System("/var/log")),
    ("package-cache", Place::System("/var/cache")),
    ("temporary", Place::System("/tmp")),
    ("temporary", Place::System("/var/tmp")),
    ("crashes", Place::System("/var/lib/systemd/coredump")),
    ("crashes", Place::System("/var/crash")),
    ("desktop", Place::User("XDG_DESKTOP_DIR", "Desktop")),
    ("documents", Place::User("XDG_DOCUMENTS_DIR", "Documents")),
    ("pictures", Place::User("XDG_PICTURES_DIR", "Pictures")),
    ("videos", Place::User("XDG_VIDEOS_DIR", "Videos")),
    ("music", Place::User("XDG_MUSIC_DIR", "Music")),
    ("caches", Place::Home(".cache")),
    ("caches", Place::Home(".npm/_cacache")),
    ("caches", Place::Home(".gradle/caches")),
    ("browsers", Place::Home(".mozilla")),
    ("browsers", Place::Home(".config/google-chrome")),
    ("browsers", Place::Home(".config/chromium")),
    ("browsers", Place::Home(".config/BraveSoftware")),
    ("browsers", Place::Home(".config/microsoft-edge")),
    ("browsers", Place::Home(".config/vivaldi")),
    ("browsers", Place::Home("snap/firefox")),
    ("browsers", Place::Home("snap/chromium")),
    ("browsers", Place::Home(".var/app/org.mozilla.firefox")),
    ("browsers", Place::Home(".var/app/com.google.Chrome")),
    ("mail", Place::Home(".thunderbird")),
    ("mail", Place::Home(".local/share/evolution")),
    ("games", Place::Home(".local/share/Steam")),
    ("games", Place::Home(".var/app/com.valvesoftware.Steam")),
    ("virtual-machines", Place::Home("VirtualBox VMs")),
    ("virtual-machines", Place::Home(".local/share/libvirt")),
    ("virtual-machines", Place::Home(".local/share/gnome-boxes")),
    ("virtual-machines", Place::Home(".var/app/org.gnome.Boxes")),
    ("virtual-machines", Place::System("/var/lib/libvirt/images")),
    ("windows-programs", Place::Home(".wine")),
    ("windows-programs", Place::Home(".local/share/bottles")),
    ("cloud", Place::Home("Dropbox")),
    ("cloud", Place::Home("Nextcloud")),
    ("containers", Place::Home(".local/share/containers")),
    ("containers", Place::System("/var/lib/docker")),
    ("containers", Place::System("/var/lib/containers")),
    ("apps", Place::Home(".var")),
    ("apps", Place::Home("snap")),
    ("apps", Place::Home(".local/share/flatpak")),
    ("apps", Place::System("/var/lib/flatpak")),
    ("apps", Place::System("/var/lib/snapd")),
    ("home-rest", Place::Home("")),
];
/// Where programs keep their folders: Venia's among them.
const OWN: [&str; 4] = [".cache", ".config", ".local/share", ".local/state"];

pub(crate) struct Space;

pub(crate) struct Inputs {
    sizes: Vec<(&'static str, Size)>,
    effort: Effort,
}

#[derive(Clone, Copy)]
struct Effort {
    entries: u64,
    time: Duration,
}

#[derive(Clone, Copy)]
enum Place {
    /// Below the home.
    Home(&'static str),
    /// A key of `user-dirs.dirs`, and its name where there is none (xdg-user-dirs).
    User(&'static str, &'static str),
    /// Anywhere else.
    System(&'static str),
}

impl Check for Space {
    const ID: &'static str = "tasks.space";
    type Inputs = Inputs;

    fn gather(arguments: &Arguments) -> Result<Inputs, Failure> {
        let chosen = arguments.get("effort").ok_or(Failure::Argument("effort"))?;
        let (_, effort) = EFFORTS.iter().find(|(name, _)| name == chosen).ok_or(Failure::Argument("effort"))?;
        Ok(gather_from(&Machine::this(), rustix::process::getuid().as_raw(), *effort))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let mut sums: Vec<(&str, Size)> = Vec::new();
        for (kind, size) in inputs.sizes {
            match sums.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, sum)) => sum.add(size),
                None => sums.push((kind, size)),
            }
        }
        for (kind, sum) in &sums {
            draft.fact(kind, sum.bytes, "bytes");
            if let Some((.., finding)) = LIMITS.iter().find(|(name, limit, _)| name == kind && sum.bytes >= *limit) {
                let evidence = format!("{kind}: {} bytes on the disk", sum.bytes);
                draft.finding(Severity::Warning, finding, &[("size", size(sum.bytes).into())], evidence);
            }
        }
        if sums.is_empty() {
            draft.finding(Severity::Unknown, "space-unknown", &[], "no home in /etc/passwd, no /var");
        } else if draft.findings.is_empty() {
            draft.finding(Severity::Ok, "space-ok", &[], format!("{} kinds of folders, all below limits", sums.len()));
        }
        if sums.iter().any(|(_, sum)| sum.cut) {
            let Effort { entries, time } = inputs.effort;
            let evidence = format!("stopped after {entries} entries, {} s or a very deep folder", time.as_secs());
            draft.finding(Severity::Unknown, "counted-partly", &[], evidence);
        }
        let denied = sums.iter().fold(0_u64, |count, (_, sum)| count.saturating_add(sum.denied));
        if denied > 0 {
            let evidence = format!("{denied} folders: permission denied");
            draft.finding(Severity::Unknown, "folders-hidden", &[("count", denied.into())], evidence);
        }
        draft
    }
}

fn gather_from(machine: &Machine, user: u32, effort: Effort) -> Inputs {
    let mut budget = Budget::new(effort.entries, Instant::now() + effort.time);
    let home = home::of(machine, user);
    if let Some(home) = &home {
        for place in OWN {
            for name in machine.names(&format!("{home}/{place}")).iter().filter(|name| name.starts_with("venia")) {
                budget.leave_out(&machine.path(&format!("{home}/{place}/{name}")));
            }
        }
    }
    let named = home.as_ref().and_then(|home| machine.text(&format!("{home}/.config/user-dirs.dirs")).ok());
    let named = named.unwrap_or_default();
    let path = |place: Place| -> Option<PathBuf> {
        match place {
            Place::System(path) => Some(machine.path(path)),
            Place::Home(below) => Some(machine.path(home.as_ref()?).join(below)),
            Place::User(key, usual) => match user_folder(&named, key) {
                Some(below) => below.map(|below| Some(machine.path(home.as_ref()?).join(below)))?,
                None => Some(machine.path(home.as_ref()?).join(usual)),
            },
        }
    };
    let sizes = PLACES.iter().filter_map(|(kind, place)| Some((*kind, budget.size(&path(*place)?)?))).collect();
    Inputs { sizes, effort }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use venia_proto::catalog::Accepts;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, item, told};

    fn of(kind: &'static str, bytes: u64) -> Inputs {
        Inputs { sizes: vec![(kind, Size { bytes, denied: 0, cut: false })], effort: EFFORTS[0].1 }
    }

    #[test]
    fn a_home_is_added_up_by_kind_and_its_own_names() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, bytes: usize| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, vec![7; bytes]).unwrap();
        };
        write("etc/passwd", 0);
        std::fs::write(root.path().join("etc/passwd"), "root:x:0:0::/root:\nana:x:1000:1000::/home/ana:\n").unwrap();
        write("home/ana/Descargas/secreto.pdf", 3 << 20);
        write("home/ana/.cache/x/y", 2 << 20);
        write("home/ana/.local/share/venia/journal", 9 << 20);
        write("home/ana/.config/user-dirs.dirs", 0);
        write("home/ana/project/code", 1 << 20);
        write("home/luis/private", 9 << 20);
        write("var/log/syslog", 4 << 20);
        let dirs = "XDG_DOWNLOAD_DIR=\"$HOME/Descargas\"\nXDG_MUSIC_DIR=\"$HOME/\"\nXDG_VIDEOS_DIR=\"$HOME/../luis\"\n";
        std::fs::write(root.path().join("home/ana/.config/user-dirs.dirs"), dirs).unwrap();
        let inputs = gather_from(&Machine::at(root.path()), 1000, EFFORTS[1].1);
        let sizes: Vec<(&str, u64)> = inputs.sizes.iter().map(|(kind, size)| (*kind, size.bytes >> 20)).collect();
        assert_eq!(sizes, [("downloads", 3), ("logs", 4), ("caches", 2), ("home-rest", 1)]);
        assert!(!format!("{:?}", Space::judge(inputs)).contains("secreto"));
    }

    #[test]
    fn every_limit_below_at_and_above() {
        for (kind, limit, finding) in LIMITS {
            for (bytes, found) in [(limit - 1, "space-ok"), (limit, finding), (limit + 1, finding)] {
                assert_eq!(findings::<Space>(of(kind, bytes)), [found]);
            }
        }
    }

    #[test]
    fn a_quick_look_says_that_it_was_one_and_each_effort_is_declared() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("var/log/deep")).unwrap();
        for (entries, cut) in [(0, true), (1, true), (2, false)] {
            let effort = Effort { entries, ..EFFORTS[0].1 };
            let inputs = gather_from(&Machine::at(root.path()), 1000, effort);
            assert_eq!(inputs.sizes[0].1.cut, cut, "{entries}");
            assert_eq!(findings::<Space>(inputs).contains(&"counted-partly".to_owned()), cut);
        }
        let Accepts::Choice(words) = &item(Space::ID).parameters[0].accepts else { panic!("no choice") };
        assert!(words.iter().eq(EFFORTS.iter().map(|(name, _)| name)));
        assert!(EFFORTS.iter().all(|(_, effort)| effort.time.as_millis() < item(Space::ID).deadline_ms.into()));
    }

    #[test]
    fn everything_declared_is_said() {
        let each = |size: Size| Inputs { sizes: PLACES.iter().map(|(kind, _)| (*kind, size)).collect(), ..of("", 0) };
        all_is_said::<Space>(vec![
            each(Size { bytes: u64::MAX, denied: 2, cut: true }),
            each(Size::default()),
            Inputs { sizes: vec![], ..of("", 0) },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in any::<u64>()) {
            told(Space::ID, &Space::judge(of("logs", bytes)));
        }
    }
}
