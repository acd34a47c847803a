//! Which programs of a list are installed, in what version, and since when: packages of the distribution, Flatpak, snap.
//!
//! Only programs a check names in its own table are looked up: what else the person has installed stays here. Read from
//! the files each of them keeps, as their own tools are ten times slower; only RPM's data needs its tool. A program that
//! somebody unpacked by hand isn't found.

use std::fs::File;
use std::io::Read;
use std::time::Duration;

use super::age::modified;
use crate::checks::machine::Machine;
use crate::checks::tool::{self, Answer, Silence};

/// Most that is read of dpkg's list. A full desktop with developers' tools has 8 MB.
const DPKG_MAX: u64 = 32 * 1024 * 1024;
/// Longest wait for RPM.
const LIMIT: Duration = Duration::from_secs(5);
/// Where Flatpak keeps programs of everybody; those of the person are below the home.
const FLATPAKS: &str = "/var/lib/flatpak/app";
/// Where snaps are mounted: Debian and Ubuntu, and the rest.
const SNAPS: [&str; 2] = ["/snap", "/var/lib/snapd/snap"];
/// What a check declares that uses this, the home's part included.
#[cfg(test)]
pub(super) const READS: [&str; 9] = [
    "/etc/passwd",
    "/snap",
    "/usr/lib/sysimage/rpm",
    "/var/lib/dpkg",
    "/var/lib/flatpak",
    "/var/lib/pacman",
    "/var/lib/rpm",
    "/var/lib/snapd",
    "~/.local/share/flatpak",
];

/// A program and its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Program {
    /// As people know it.
    pub(super) name: &'static str,
    /// Its packages in Debian, Fedora, openSUSE, Arch and at its maker's.
    pub(super) packages: &'static [&'static str],
    /// Its id on Flathub, or empty.
    pub(super) flatpak: &'static str,
    /// Its name in the snap store, or empty.
    pub(super) snap: &'static str,
}

/// One installed program; it may be there twice, from two sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// As people know it.
    pub(super) name: &'static str,
    /// Version as the maker counts, or empty.
    pub(super) version: String,
    /// `system`, `flatpak` or `snap`.
    pub(super) source: &'static str,
    /// When this version was installed, in seconds since 1970.
    pub(super) since: Option<u64>,
}

/// What was brought back.
#[derive(Clone, Debug, Default)]
pub(super) struct Raw {
    /// `/var/lib/dpkg/status`.
    dpkg: Option<String>,
    /// When dpkg wrote a package's list of files.
    dpkg_dates: Vec<(&'static str, u64)>,
    rpm: Option<Result<Answer, Silence>>,
    /// Folders of pacman's list and when they were written.
    pacman: Vec<(String, Option<u64>)>,
    /// Id, description for software centres, date.
    flatpaks: Vec<(&'static str, String, Option<u64>)>,
    /// Name, `snap.yaml`, date.
    snaps: Vec<(&'static str, String, Option<u64>)>,
}

impl Raw {
    /// Looks for those programs.
    pub(super) fn gather(machine: &Machine, home: Option<&str>, programs: &[Program]) -> Self {
        let dpkg = dpkg(machine);
        Self {
            dpkg_dates: if dpkg.is_some() { dpkg_dates(machine, programs) } else { Vec::new() },
            dpkg,
            rpm: rpm(machine, programs),
            pacman: pacman(machine),
            flatpaks: flatpaks(machine, home, programs),
            snaps: snaps(machine, programs),
        }
    }

    /// Whether any list of packages could be read; without one, "not installed" can't be said.
    pub(super) fn knows(&self) -> bool {
        let rpm = self.rpm.as_ref().is_some_and(Result::is_ok);
        self.dpkg.is_some() || rpm || !self.pacman.is_empty()
    }

    /// The installed ones, in the order of the table.
    pub(super) fn found(&self, programs: &[Program]) -> Vec<Found> {
        let packages: Vec<(String, String, Option<u64>)> =
            self.of_dpkg(programs).into_iter().chain(self.of_rpm()).chain(self.of_pacman()).collect();
        let mut found = Vec::new();
        for program in programs {
            let package = packages.iter().find(|(name, ..)| program.packages.contains(&name.as_str()));
            found.extend(package.map(|(_, version, since)| Found {
                name: program.name,
                version: upstream(version),
                source: "system",
                since: *since,
            }));
            let flatpak = self.flatpaks.iter().find(|(id, ..)| *id == program.flatpak);
            found.extend(flatpak.map(|(_, text, since)| Found {
                name: program.name,
                version: release(text).unwrap_or_default(),
                source: "flatpak",
                since: *since,
            }));
            let snap = self.snaps.iter().find(|(name, ..)| *name == program.snap);
            found.extend(snap.map(|(_, text, since)| Found {
                name: program.name,
                version: yaml_version(text).unwrap_or_default(),
                source: "snap",
                since: *since,
            }));
        }
        found
    }

    /// Paragraphs of `Package:`, `Status: install ok installed`, `Version:` (dpkg(1)). Ubuntu has packages that only
    /// bring the snap: those aren't the program.
    fn of_dpkg(&self, programs: &[Program]) -> Vec<(String, String, Option<u64>)> {
        let wanted = |name: &str| programs.iter().any(|program| program.packages.contains(&name));
        let mut found = Vec::new();
        let (mut package, mut installed) = ("", false);
        for line in self.dpkg.as_deref().unwrap_or_default().lines() {
            if let Some(name) = line.strip_prefix("Package: ") {
                (package, installed) = (name.trim(), false);
            } else if let Some(status) = line.strip_prefix("Status: ") {
                installed = status.trim_end().ends_with(" installed");
            } else if let Some(version) = line.strip_prefix("Version: ")
                && installed
                && wanted(package)
                && !version.contains("snap1")
            {
                let since = self.dpkg_dates.iter().find(|(name, _)| *name == package).map(|(_, since)| *since);
                found.push((package.to_owned(), version.trim().to_owned(), since));
            }
        }
        found
    }

    /// `NAME<tab>VERSION<tab>INSTALLTIME`; "package x is not installed" has no tab.
    fn of_rpm(&self) -> Vec<(String, String, Option<u64>)> {
        let Some(Ok(answer)) = &self.rpm else { return Vec::new() };
        let line = |line: &str| {
            let mut parts = line.split('\t');
            Some((parts.next()?.to_owned(), parts.next()?.to_owned(), parts.next()?.trim().parse().ok()))
        };
        answer.output.lines().filter_map(line).collect()
    }

    /// Folders are called `name-version-release`.
    fn of_pacman(&self) -> Vec<(String, String, Option<u64>)> {
        let folder = |(folder, since): &(String, Option<u64>)| {
            let (rest, _release) = folder.rsplit_once('-')?;
            let (name, version) = rest.rsplit_once('-')?;
            Some((name.to_owned(), version.to_owned(), *since))
        };
        self.pacman.iter().filter_map(folder).collect()
    }
}

fn dpkg(machine: &Machine) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(machine.path("/var/lib/dpkg/status")).ok()?.take(DPKG_MAX).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned()).filter(|text| !text.trim().is_empty())
}

fn dpkg_dates(machine: &Machine, programs: &[Program]) -> Vec<(&'static str, u64)> {
    let date = |package: &&'static str| {
        let list = |suffix: &str| modified(&machine.path(&format!("/var/lib/dpkg/info/{package}{suffix}.list")));
        Some((*package, list("").or_else(|| list(":amd64")).or_else(|| list(":arm64"))?))
    };
    programs.iter().flat_map(|program| program.packages).filter_map(date).collect()
}

/// Asks only where there is a list: RPM's tool exists on Debian too, and would find nothing.
fn rpm(machine: &Machine, programs: &[Program]) -> Option<Result<Answer, Silence>> {
    let list = |folder: &str| {
        ["rpmdb.sqlite", "Packages.db", "Packages"].iter().any(|file| machine.has(&format!("{folder}/{file}")))
    };
    if !list("/usr/lib/sysimage/rpm") && !list("/var/lib/rpm") {
        return None;
    }
    let mut arguments = vec!["-q", "--qf", "%{NAME}\\t%{VERSION}\\t%{INSTALLTIME}\\n"];
    arguments.extend(programs.iter().flat_map(|program| program.packages));
    Some(tool::RPM.ask(&arguments, LIMIT))
}

fn pacman(machine: &Machine) -> Vec<(String, Option<u64>)> {
    let folder = "/var/lib/pacman/local";
    let date = |name: String| {
        let since = modified(&machine.path(&format!("{folder}/{name}")));
        (name, since)
    };
    machine.names(folder).into_iter().map(date).collect()
}

fn flatpaks(machine: &Machine, home: Option<&str>, programs: &[Program]) -> Vec<(&'static str, String, Option<u64>)> {
    let own = home.map(|home| format!("{home}/.local/share/flatpak/app"));
    let roots: Vec<&str> = own.as_deref().into_iter().chain([FLATPAKS]).collect();
    let ids = programs.iter().map(|program| program.flatpak).filter(|id| !id.is_empty());
    let found = |id: &'static str| {
        let active = roots.iter().map(|root| format!("{root}/{id}/current/active")).find(|path| machine.has(path))?;
        let share = format!("{active}/files/share");
        let text = [format!("{share}/metainfo/{id}.metainfo.xml"), format!("{share}/appdata/{id}.appdata.xml")]
            .iter()
            .find_map(|path| machine.text(path).ok());
        Some((id, text.unwrap_or_default(), modified(&machine.path(&format!("{active}/deploy")))))
    };
    ids.filter_map(found).collect()
}

fn snaps(machine: &Machine, programs: &[Program]) -> Vec<(&'static str, String, Option<u64>)> {
    let names = programs.iter().map(|program| program.snap).filter(|name| !name.is_empty());
    let found = |name: &'static str| {
        let current = SNAPS.iter().map(|root| format!("{root}/{name}/current"));
        let current = current.into_iter().find(|path| machine.has(path))?;
        let text = machine.text(&format!("{current}/meta/snap.yaml")).unwrap_or_default();
        Some((name, text, modified(&machine.path(&current))))
    };
    names.filter_map(found).collect()
}

/// Without the distribution's part: `1:128.5.0esr-1~deb12u1` is 128.5.0esr.
fn upstream(version: &str) -> String {
    let version = version.split_once(':').map_or(version, |(_epoch, rest)| rest);
    version.rsplit_once('-').map_or(version, |(upstream, _)| upstream).to_owned()
}

/// The newest release of an AppStream file is its first.
fn release(text: &str) -> Option<String> {
    let tag = text.split("<release ").nth(1)?.split('>').next()?;
    let value = tag.split("version=").nth(1)?;
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value.get(1..)?.split(quote).next().map(str::to_owned)
}

/// `version: '132.0'` at the start of a line.
fn yaml_version(text: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.strip_prefix("version:"))?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::recorded;

    const PROGRAMS: [Program; 3] = [
        Program {
            name: "Firefox",
            packages: &["firefox", "firefox-esr", "MozillaFirefox"],
            flatpak: "org.mozilla.firefox",
            snap: "firefox",
        },
        Program { name: "LibreOffice", packages: &["libreoffice-writer"], flatpak: "", snap: "" },
        Program { name: "Chromium", packages: &["chromium"], flatpak: "", snap: "chromium" },
    ];

    fn names(raw: &Raw) -> Vec<(&'static str, String, &'static str)> {
        raw.found(&PROGRAMS).into_iter().map(|found| (found.name, found.version, found.source)).collect()
    }

    #[test]
    fn an_ubuntu_has_a_snap_where_its_package_only_points_there() {
        let raw = Raw::gather(&recorded("ubuntu-laptop"), Some("/home/ana"), &PROGRAMS);
        let expected = [("Firefox", "131.0.3-1", "snap"), ("LibreOffice", "24.2.7", "system")];
        assert_eq!(names(&raw), expected.map(|(name, version, from)| (name, version.to_owned(), from)));
        assert!(raw.knows() && raw.found(&PROGRAMS).iter().all(|found| found.since.is_some()));
    }

    #[test]
    fn an_arch_has_folders_and_flatpaks_of_the_person() {
        let raw = Raw::gather(&recorded("arch-desktop"), Some("/home/ana"), &PROGRAMS);
        let expected = [("Firefox", "132.0", "system"), ("Firefox", "131.0.3", "flatpak")];
        assert_eq!(names(&raw), expected.map(|(name, version, from)| (name, version.to_owned(), from)));
    }

    #[test]
    fn rpm_answers_in_lines_of_three() {
        let output = "package firefox is not installed\nMozillaFirefox\t128.4.0\t1730000000\n".to_owned();
        let answer = Answer { status: Some(1), output, error: String::new() };
        let raw = Raw { rpm: Some(Ok(answer)), ..Raw::default() };
        let found = Found { name: "Firefox", version: "128.4.0".into(), source: "system", since: Some(1_730_000_000) };
        assert_eq!(raw.found(&PROGRAMS), [found]);
        assert!(raw.knows());
        assert!(!Raw { rpm: Some(Err(Silence::NotInstalled("rpm"))), ..Raw::default() }.knows());
    }

    #[test]
    fn what_was_removed_is_not_installed() {
        let text = "Package: firefox-esr\nStatus: deinstall ok config-files\nVersion: 1\n\n";
        assert!(Raw { dpkg: Some(text.into()), ..Raw::default() }.found(&PROGRAMS).is_empty());
    }

    #[test]
    fn versions_lose_what_the_distribution_added() {
        for (version, shown) in [("1:128.5.0esr-1~deb12u1", "128.5.0esr"), ("24.2.7", "24.2.7"), ("", "")] {
            assert_eq!(upstream(version), shown);
        }
        assert_eq!(release("<x><release date='2024' version=\"1.2\"/><release version='1.1'/>"), Some("1.2".into()));
        assert_eq!(release("<release version="), None);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "((Package|Status|Version): .*\n)*|(.*\t.*\t.*\n)*|.*<release .*version=.*") {
            let answer = Answer { status: None, output: text.clone(), error: String::new() };
            let raw = Raw {
                dpkg: Some(text.clone()),
                rpm: Some(Ok(answer)),
                pacman: vec![(text.clone(), None)],
                flatpaks: vec![("org.mozilla.firefox", text.clone(), None)],
                snaps: vec![("firefox", text, None)],
                dpkg_dates: vec![],
            };
            raw.found(&PROGRAMS);
        }
    }
}
