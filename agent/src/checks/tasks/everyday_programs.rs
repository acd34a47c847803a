//! `tasks.everyday-programs`: office and other everyday programs, with versions and where they come from.
//!
//! A fixed list of well-known programs; what else is installed isn't looked at. It is an inventory: the one judgement is
//! that nothing opens documents, or that a program is installed twice, which is why "my settings are gone".

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::age::{days, now};
use super::home;
use super::installed::{Found, Program, Raw};
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Kind, name, packages, Flatpak, snap.
type Entry = (&'static str, &'static str, &'static [&'static str], &'static str, &'static str);

/// Known programs, by kind.
const ENTRIES: [Entry; 34] = [
    (
        "office",
        "LibreOffice",
        &["libreoffice-writer", "libreoffice-core", "libreoffice-fresh", "libreoffice-still"],
        "org.libreoffice.LibreOffice",
        "libreoffice",
    ),
    (
        "office",
        "OnlyOffice",
        &["onlyoffice-desktopeditors"],
        "org.onlyoffice.desktopeditors",
        "onlyoffice-desktopeditors",
    ),
    ("office", "WPS Office", &["wps-office"], "com.wps.Office", "wps-office"),
    ("office", "FreeOffice", &["softmaker-freeoffice-2024", "softmaker-freeoffice-2021"], "", ""),
    ("office", "Calligra", &["calligra", "calligrawords"], "org.kde.calligra", ""),
    ("office", "AbiWord", &["abiword"], "com.abisource.AbiWord", ""),
    ("documents", "Evince", &["evince"], "org.gnome.Evince", "evince"),
    ("documents", "Papers", &["papers", "gnome-papers"], "org.gnome.Papers", ""),
    ("documents", "Okular", &["okular"], "org.kde.okular", "okular"),
    ("documents", "Atril", &["atril"], "", ""),
    ("documents", "Xreader", &["xreader"], "", ""),
    ("documents", "Calibre", &["calibre"], "com.calibre_ebook.calibre", ""),
    ("calls", "Zoom", &["zoom"], "us.zoom.Zoom", "zoom-client"),
    ("calls", "Teams", &["teams", "teams-for-linux"], "com.github.IsmaelMartinez.teams_for_linux", "teams-for-linux"),
    ("calls", "Skype", &["skypeforlinux"], "com.skype.Client", "skype"),
    ("calls", "Webex", &["webex"], "", ""),
    ("messages", "Telegram", &["telegram-desktop"], "org.telegram.desktop", "telegram-desktop"),
    ("messages", "Signal", &["signal-desktop"], "org.signal.Signal", "signal-desktop"),
    ("messages", "Discord", &["discord"], "com.discordapp.Discord", "discord"),
    ("messages", "Slack", &["slack-desktop", "slack"], "com.slack.Slack", "slack"),
    ("messages", "Element", &["element-desktop"], "im.riot.Riot", ""),
    ("pictures", "GIMP", &["gimp"], "org.gimp.GIMP", "gimp"),
    ("pictures", "Inkscape", &["inkscape"], "org.inkscape.Inkscape", "inkscape"),
    ("pictures", "Shotwell", &["shotwell"], "org.gnome.Shotwell", ""),
    ("pictures", "digiKam", &["digikam"], "org.kde.digikam", ""),
    ("media", "VLC", &["vlc"], "org.videolan.VLC", "vlc"),
    ("media", "mpv", &["mpv"], "io.mpv.Mpv", ""),
    ("media", "Spotify", &["spotify-client"], "com.spotify.Client", "spotify"),
    ("media", "Kodi", &["kodi"], "tv.kodi.Kodi", ""),
    ("media", "Audacity", &["audacity"], "org.audacityteam.Audacity", "audacity"),
    ("passwords", "KeePassXC", &["keepassxc"], "org.keepassxc.KeePassXC", "keepassxc"),
    ("passwords", "Bitwarden", &["bitwarden"], "com.bitwarden.desktop", "bitwarden"),
    ("passwords", "AutoFirma", &["autofirma"], "", ""),
    ("windows", "Wine", &["wine", "wine-stable", "winehq-stable"], "org.winehq.Wine", ""),
];

pub(crate) struct EverydayPrograms;

pub(crate) struct Inputs {
    raw: Raw,
    now: u64,
}

impl Check for EverydayPrograms {
    const ID: &'static str = "tasks.everyday-programs";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let machine = Machine::this();
        let home = home::own(&machine);
        Ok(Inputs { raw: Raw::gather(&machine, home.as_deref(), &programs()), now: now() })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let found = inputs.raw.found(&programs());
        let kind = |name: &str| ENTRIES.iter().find(|entry| entry.1 == name).map_or("", |entry| entry.0);
        draft.fact("programs", found.len() as u64, "");
        if !inputs.raw.knows() {
            draft.finding(Severity::Unknown, "programs-unknown", &[], "no list of dpkg, RPM or pacman could be read");
        } else {
            judge_found(&mut draft, &found, found.iter().any(|program| kind(program.name) == "office"));
        }
        let row = |program: &Found| -> Vec<Value> {
            let age = program.since.map_or("".into(), |since| days(inputs.now, since).into());
            let version = program.version.clone().into();
            vec![kind(program.name).into(), program.name.into(), version, program.source.into(), age]
        };
        let rows = found.iter().map(row).collect();
        draft.table("programs", &["kind", "program", "version", "source", "days"], rows);
        draft
    }
}

fn judge_found(draft: &mut Draft, found: &[Found], office: bool) {
    for pair in found.windows(2).filter(|pair| pair[0].name == pair[1].name) {
        let evidence = format!("{}: {} and {}", pair[0].name, pair[0].source, pair[1].source);
        draft.finding(Severity::Warning, "program-twice", &[("program", pair[0].name.into())], evidence);
    }
    if !office {
        draft.finding(Severity::Warning, "no-office", &[], "none of the known office programs");
    }
    if draft.findings.is_empty() {
        let evidence = format!("{} of {} known programs", found.len(), ENTRIES.len());
        draft.finding(Severity::Ok, "programs-ok", &[("count", (found.len() as u64).into())], evidence);
    }
}

fn programs() -> Vec<Program> {
    let program = |&(_, name, packages, flatpak, snap): &Entry| Program { name, packages, flatpak, snap };
    ENTRIES.iter().map(program).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::proof::{all_is_said, findings, item, recorded, told};
    use crate::checks::tasks::installed::READS;

    fn at(machine: &str) -> Inputs {
        Inputs { raw: Raw::gather(&recorded(machine), Some("/home/ana"), &programs()), now: now() }
    }

    #[test]
    fn a_laptop_with_an_office() {
        let draft = EverydayPrograms::judge(at("ubuntu-laptop"));
        let row = &draft.tables[0].rows[0];
        assert_eq!(row[..4], ["office".into(), "LibreOffice".into(), "24.2.7".into(), "system".into()]);
        assert_eq!(told(EverydayPrograms::ID, &draft).findings[0].id, "programs-ok");
    }

    #[test]
    fn everything_declared_is_said() {
        assert_eq!(findings::<EverydayPrograms>(at("debian-server")), ["no-office"]);
        assert_eq!(findings::<EverydayPrograms>(at("arch-desktop")), ["program-twice"]);
        all_is_said::<EverydayPrograms>(["ubuntu-laptop", "arch-desktop", "debian-server", "container"].map(at).into());
    }

    #[test]
    fn g1_what_it_reads_is_declared() {
        assert_eq!(item(EverydayPrograms::ID).needs.reads, READS);
        assert!(ENTRIES.windows(2).all(|pair| pair[0].1 != pair[1].1));
    }
}
