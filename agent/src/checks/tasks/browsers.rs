//! `tasks.browsers`: which browsers there are, how old they are, what their profiles hold in megabytes and how many
//! extensions they have.
//!
//! Nothing in a profile is opened: files are counted and added up, extensions only counted. No site, no name of an
//! extension, no account leaves the PC.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::age::{days, now};
use super::home;
use super::installed::{Found, Program, Raw};
use super::walk::Budget;
use crate::checks::figure::{megabytes, size};
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Days after which a browser missed updates. Firefox and Chrome bring a version every four weeks, with fixes of holes
/// that are being used; three missed ones aren't chance.
const OLD_DAYS: u64 = 90;
/// Bytes of a profile from which it is worth a sentence. Our choice: an ordinary one has 0.2 to 2 GB.
const BIG: u64 = 5_000_000_000;
/// Extensions from which they may be what is slow. Our choice.
const MANY: u64 = 15;
/// Most files and folders that are counted, and for how long.
const ENTRIES: u64 = 100_000;
const TIME: Duration = Duration::from_secs(3);
/// Most profiles of one browser that are looked through for extensions.
const PROFILES_MAX: usize = 20;

const PROGRAMS: [Program; 12] = [
    program("Firefox", &["firefox", "firefox-esr", "MozillaFirefox"], "org.mozilla.firefox", "firefox"),
    program("Chrome", &["google-chrome-stable", "google-chrome"], "com.google.Chrome", ""),
    program("Chromium", &["chromium", "chromium-browser"], "org.chromium.Chromium", "chromium"),
    program("Edge", &["microsoft-edge-stable", "microsoft-edge-stable-bin"], "com.microsoft.Edge", ""),
    program("Brave", &["brave-browser", "brave-bin"], "com.brave.Browser", "brave"),
    program("Vivaldi", &["vivaldi-stable", "vivaldi"], "com.vivaldi.Vivaldi", "vivaldi"),
    program("Opera", &["opera-stable", "opera"], "com.opera.Opera", "opera"),
    program("LibreWolf", &["librewolf"], "io.gitlab.librewolf-community", ""),
    program("GNOME Web", &["epiphany-browser", "epiphany"], "org.gnome.Epiphany", ""),
    program("Falkon", &["falkon"], "org.kde.falkon", "falkon"),
    program("Konqueror", &["konqueror"], "", ""),
    program("Tor Browser", &["torbrowser-launcher"], "org.torproject.torbrowser-launcher", ""),
];

const fn program(
    name: &'static str,
    packages: &'static [&'static str],
    flatpak: &'static str,
    snap: &'static str,
) -> Program {
    Program { name, packages, flatpak, snap }
}

/// How a browser keeps its extensions.
#[derive(Clone, Copy)]
enum Keeps {
    /// `<profile>/extensions/*.xpi`.
    Mozilla,
    /// `<profile>/Extensions/<id>/`.
    Chrome,
}

/// Where profiles are, below the home.
const PROFILES: [(&str, &str, Keeps); 16] = [
    ("Firefox", ".mozilla/firefox", Keeps::Mozilla),
    ("Firefox", "snap/firefox/common/.mozilla/firefox", Keeps::Mozilla),
    ("Firefox", ".var/app/org.mozilla.firefox/.mozilla/firefox", Keeps::Mozilla),
    ("LibreWolf", ".librewolf", Keeps::Mozilla),
    ("Chrome", ".config/google-chrome", Keeps::Chrome),
    ("Chrome", ".var/app/com.google.Chrome/config/google-chrome", Keeps::Chrome),
    ("Chromium", ".config/chromium", Keeps::Chrome),
    ("Chromium", "snap/chromium/common/chromium", Keeps::Chrome),
    ("Chromium", ".var/app/org.chromium.Chromium/config/chromium", Keeps::Chrome),
    ("Edge", ".config/microsoft-edge", Keeps::Chrome),
    ("Edge", ".var/app/com.microsoft.Edge/config/microsoft-edge", Keeps::Chrome),
    ("Brave", ".config/BraveSoftware/Brave-Browser", Keeps::Chrome),
    ("Brave", ".var/app/com.brave.Browser/config/BraveSoftware/Brave-Browser", Keeps::Chrome),
    ("Brave", "snap/brave/current/.config/BraveSoftware/Brave-Browser", Keeps::Chrome),
    ("Vivaldi", ".config/vivaldi", Keeps::Chrome),
    ("Opera", ".config/opera", Keeps::Chrome),
];

pub(crate) struct Browsers;

pub(crate) struct Inputs {
    raw: Raw,
    profiles: Vec<Profiles>,
    now: u64,
}

/// What one browser keeps of the person.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Profiles {
    browser: &'static str,
    bytes: u64,
    extensions: u64,
    cut: bool,
}

impl Check for Browsers {
    const ID: &'static str = "tasks.browsers";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let machine = Machine::this();
        let home = home::own(&machine);
        Ok(gather_from(&machine, home.as_deref(), now()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let found = inputs.raw.found(&PROGRAMS);
        for browser in &found {
            old(&mut draft, browser, inputs.now);
        }
        for profiles in &inputs.profiles {
            if profiles.bytes >= BIG {
                let values = [("browser", profiles.browser.into()), ("size", size(profiles.bytes).into())];
                let evidence = format!("{}: {} bytes on the disk", profiles.browser, profiles.bytes);
                draft.finding(Severity::Warning, "profile-big", &values, evidence);
            }
            if profiles.extensions >= MANY {
                let values = [("browser", profiles.browser.into()), ("count", profiles.extensions.into())];
                let evidence = format!("{}: {} extensions", profiles.browser, profiles.extensions);
                draft.finding(Severity::Warning, "many-extensions", &values, evidence);
            }
        }
        draft.fact("browsers", found.len() as u64, "");
        if found.is_empty() && !inputs.raw.knows() {
            draft.finding(Severity::Unknown, "browsers-unknown", &[], "no list of dpkg, RPM or pacman could be read");
        } else if found.is_empty() {
            draft.finding(Severity::Warning, "no-browser", &[], format!("none of {} known ones", PROGRAMS.len()));
        } else if draft.findings.is_empty() {
            let evidence = format!("{} found, none older than {OLD_DAYS} days", found.len());
            draft.finding(Severity::Ok, "browsers-ok", &[], evidence);
        }
        if inputs.profiles.iter().any(|profiles| profiles.cut) {
            let evidence = format!("stopped after {ENTRIES} entries or {} s", TIME.as_secs());
            draft.finding(Severity::Unknown, "counted-partly", &[], evidence);
        }
        let row = |browser: &Found| -> Vec<Value> {
            let age = browser.since.map_or("".into(), |since| days(inputs.now, since).into());
            vec![browser.name.into(), browser.version.clone().into(), browser.source.into(), age]
        };
        let rows = found.iter().map(row).collect();
        draft.table("browsers", &["browser", "version", "source", "days"], rows);
        let row = |p: &Profiles| vec![p.browser.into(), megabytes(p.bytes).into(), p.extensions.into()];
        let rows = inputs.profiles.iter().map(row).collect();
        draft.table("profiles", &["browser", "size", "extensions"], rows);
        draft
    }
}

fn old(draft: &mut Draft, browser: &Found, now: u64) {
    let Some(age) = browser.since.map(|since| days(now, since)).filter(|age| *age >= OLD_DAYS) else { return };
    let values = [("browser", browser.name.into()), ("days", age.into())];
    let evidence = format!("{} {} ({}): installed {age} days ago", browser.name, browser.version, browser.source);
    draft.finding(Severity::Warning, "browser-old", &values, evidence);
}

fn gather_from(machine: &Machine, home: Option<&str>, now: u64) -> Inputs {
    let mut budget = Budget::new(ENTRIES, Instant::now() + TIME);
    let mut profiles: Vec<Profiles> = Vec::new();
    for (browser, below, keeps) in PROFILES {
        let Some(folder) = home.map(|home| machine.path(home).join(below)) else { continue };
        let Some(size) = budget.size(&folder) else { continue };
        let extensions = extensions(&folder, keeps);
        match profiles.iter_mut().find(|known| known.browser == browser) {
            Some(known) => {
                known.bytes = known.bytes.saturating_add(size.bytes);
                known.extensions = known.extensions.saturating_add(extensions);
                known.cut |= size.cut;
            }
            None => profiles.push(Profiles { browser, bytes: size.bytes, extensions, cut: size.cut }),
        }
    }
    Inputs { raw: Raw::gather(machine, home, &PROGRAMS), profiles, now }
}

/// Counts them in every profile below that folder.
fn extensions(folder: &PathBuf, keeps: Keeps) -> u64 {
    let folders = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let count = |profile: PathBuf| -> u64 {
        let inside = match keeps {
            Keeps::Mozilla => profile.join("extensions"),
            Keeps::Chrome => profile.join("Extensions"),
        };
        let entries = std::fs::read_dir(inside).into_iter().flatten().flatten();
        let counts = |name: &str| match keeps {
            Keeps::Mozilla => name.ends_with(".xpi"),
            // Extensions are named by 32 letters; "Temp" and the like aren't any.
            Keeps::Chrome => name.len() == 32,
        };
        entries.filter(|entry| entry.file_name().to_str().is_some_and(counts)).count() as u64
    };
    folders.filter(|path| path.is_dir()).take(PROFILES_MAX).map(count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::proof::{all_is_said, findings, item, recorded, told};
    use crate::checks::tasks::age::DAY;
    use crate::checks::tasks::installed::READS;

    fn laptop(age: u64) -> Inputs {
        let mut inputs = gather_from(&recorded("ubuntu-laptop"), Some("/home/ana"), 0);
        // Files of a checkout are as old as the checkout.
        let newest = inputs.raw.found(&PROGRAMS).iter().filter_map(|found| found.since).max().unwrap();
        inputs.now = newest + age * DAY;
        inputs
    }

    #[test]
    fn a_laptop_with_a_firefox_of_last_week() {
        let inputs = laptop(7);
        let extensions: Vec<(&str, u64)> = inputs.profiles.iter().map(|p| (p.browser, p.extensions)).collect();
        assert_eq!(extensions, [("Firefox", 2), ("Chrome", 1)]);
        let draft = Browsers::judge(inputs);
        assert_eq!(draft.tables[0].rows[0], ["Firefox".into(), "131.0.3-1".into(), "snap".into(), 7_u64.into()]);
        assert!(!format!("{draft:?}").contains("ublock"));
        assert_eq!(told(Browsers::ID, &draft).findings[0].id, "browsers-ok");
    }

    #[test]
    fn age_below_at_and_above() {
        for (age, found) in [(OLD_DAYS - 1, "browsers-ok"), (OLD_DAYS, "browser-old"), (OLD_DAYS + 1, "browser-old")] {
            assert_eq!(findings::<Browsers>(laptop(age)), [found]);
        }
    }

    #[test]
    fn size_and_extensions_below_at_and_above() {
        for (bytes, extensions, found) in [
            (BIG - 1, MANY - 1, &["browsers-ok"][..]),
            (BIG, 0, &["profile-big"]),
            (BIG + 1, MANY + 1, &["profile-big", "many-extensions"]),
            (0, MANY, &["many-extensions"]),
        ] {
            let profiles = vec![Profiles { browser: "Chrome", bytes, extensions, cut: false }];
            assert_eq!(findings::<Browsers>(Inputs { profiles, ..laptop(1) }), found);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        let cut = vec![Profiles { browser: "Chrome", bytes: BIG, extensions: MANY, cut: true }];
        let bare = gather_from(&recorded("container"), None, 0);
        let mut without = laptop(1);
        without.raw = Raw::gather(&recorded("debian-server"), None, &PROGRAMS);
        all_is_said::<Browsers>(vec![
            laptop(1),
            laptop(OLD_DAYS),
            Inputs { profiles: cut, ..laptop(1) },
            without,
            bare,
        ]);
    }

    #[test]
    fn g1_what_it_reads_is_declared() {
        let needs = &item(Browsers::ID).needs;
        let below = |path: &str| needs.reads.iter().any(|read| path == read || path.starts_with(&format!("{read}/")));
        assert!(READS.iter().all(|path| below(path)));
        assert!(PROFILES.iter().all(|(_, path, _)| below(&format!("~/{path}"))));
    }
}
