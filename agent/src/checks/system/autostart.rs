//! What starts with the desktop: entries of the XDG autostart specification and user units of systemd, below one folder of
//! settings. Shared by the list for everybody and the person's own.
//!
//! Of the command only the name of the program is kept: arguments hold file names, addresses, keys.

use venia_proto::report::{Draft, Value};

use super::unit;
use crate::checks::machine::Machine;

/// Most entries that are read of one folder.
const ENTRIES_MAX: usize = 200;
/// Programs that only start another one: the next word is meant (Desktop Entry Specification, key `Exec`).
const STARTERS: [&str; 4] = ["env", "nice", "ionice", "dbus-launch"];

/// One program or service that starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    name: String,
    program: String,
    kind: &'static str,
    on: bool,
}

/// Entries of a folder of `.desktop` files.
pub(super) fn programs(machine: &Machine, folder: &str) -> Vec<Entry> {
    let files = machine.names(folder).into_iter().filter(|name| name.ends_with(".desktop")).take(ENTRIES_MAX);
    files.filter_map(|name| machine.text(&format!("{folder}/{name}")).ok().as_deref().and_then(desktop)).collect()
}

/// Units that start with the session: links in the `.wants` folders of a folder of user units.
pub(super) fn services(machine: &Machine, folder: &str) -> Vec<Entry> {
    let wants = machine.names(folder).into_iter().filter(|name| name.ends_with(".wants"));
    let mut names: Vec<String> = wants.flat_map(|wants| machine.names(&format!("{folder}/{wants}"))).collect();
    names.sort();
    names.dedup();
    let service = |name: String| Entry { name: unit::shown(&name), program: String::new(), kind: "service", on: true };
    names.into_iter().take(ENTRIES_MAX).map(service).collect()
}

/// Says how many there are and which; returns how many programs are switched on.
pub(super) fn list(draft: &mut Draft, programs: Vec<Entry>, services: Vec<Entry>) -> u64 {
    let on = programs.iter().filter(|entry| entry.on).count() as u64;
    draft.fact("programs", on, "");
    draft.fact("services", services.len() as u64, "");
    let row = |entry: Entry| -> Vec<Value> {
        vec![entry.name.into(), entry.program.into(), entry.kind.into(), entry.on.into()]
    };
    let rows = programs.into_iter().chain(services).map(row).collect();
    draft.table("start-up", &["name", "program", "kind", "on"], rows);
    on
}

/// The main group of a `.desktop` file; nothing if it starts nothing.
fn desktop(text: &str) -> Option<Entry> {
    let group = text.lines().map(str::trim).skip_while(|line| *line != "[Desktop Entry]").skip(1);
    let lines: Vec<(&str, &str)> = group
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim(), value.trim()))
        .collect();
    let value = |key: &str| lines.iter().find(|(k, _)| *k == key).map(|(_, value)| *value);
    let off = value("Hidden") == Some("true") || value("X-GNOME-Autostart-enabled") == Some("false");
    // A person's entry that only switches off one of everybody has nothing but `Hidden`.
    let exec = value("Exec").unwrap_or_default();
    let name = value("Name").filter(|name| !name.is_empty());
    if name.is_none() && exec.is_empty() {
        return None;
    }
    let program = program(exec);
    Some(Entry { name: name.map_or_else(|| program.clone(), str::to_owned), program, kind: "program", on: !off })
}

/// The program's own name in a command: the last part of its path.
fn program(exec: &str) -> String {
    let mut rest = exec.trim();
    loop {
        let (word, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        let name = word.rsplit('/').next().unwrap_or("");
        // A variable that is set for the program is no program, and its value may be private.
        let starts_another = STARTERS.contains(&name) || word.contains('=');
        if !starts_another || after.trim().is_empty() {
            return if word.contains('=') { String::new() } else { name.to_owned() };
        }
        rest = after.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::recorded;

    #[test]
    fn of_a_command_only_the_programs_name_is_kept() {
        for (exec, expected) in [
            ("/usr/bin/nextcloud --background", "nextcloud"),
            ("\"/opt/My App/run it\" --user ana", "run it"),
            ("env TOKEN=abc LANG=es /usr/bin/slack -u", "slack"),
            ("nice /usr/lib/tracker-miner-fs-3", "tracker-miner-fs-3"),
            ("TOKEN=abc", ""),
            ("env", "env"),
            ("", ""),
        ] {
            assert_eq!(program(exec), expected, "{exec}");
        }
    }

    #[test]
    fn an_entry_is_on_unless_it_says_otherwise() {
        let on = |more: &str| desktop(&format!("[Desktop Entry]\nName=A\nExec=a\n{more}\n")).map(|entry| entry.on);
        assert_eq!(on(""), Some(true));
        assert_eq!(on("Hidden=true"), Some(false));
        assert_eq!(on("X-GNOME-Autostart-enabled = false"), Some(false));
        assert_eq!(on("[Desktop Action x]\nHidden=true"), Some(true));
        assert_eq!(desktop("[Desktop Entry]\nHidden=true\n"), None);
        assert_eq!(desktop("Name=A\nExec=a\n"), None, "no group");
    }

    #[test]
    fn folders_of_a_laptop_are_read() {
        let laptop = recorded("arch-laptop");
        let names = |entries: Vec<Entry>| entries.into_iter().map(|entry| entry.name).collect::<Vec<_>>();
        assert_eq!(names(programs(&laptop, "/etc/xdg/autostart")), ["Geoclue Demo agent", "Print Queue Applet"]);
        assert_eq!(names(services(&laptop, "/etc/systemd/user")), ["p11-kit-server.socket", "pipewire.socket"]);
        assert!(services(&laptop, "/nowhere").is_empty());
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "(.*\n)*|\\[Desktop Entry\\]\n((Name|Exec|Hidden)=.*\n)*", exec in "\\PC*|[\"a-z =/]*") {
            let _any = (desktop(&text), program(&exec));
        }
    }
}
