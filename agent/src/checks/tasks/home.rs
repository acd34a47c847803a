//! The home of the account this runs for, and the folders of the person in it.
//!
//! Found in `/etc/passwd` and below the home only. The environment isn't asked: whoever sets it could name any folder.

use std::path::{Component, Path};

use crate::checks::machine::Machine;

/// Home of that user.
pub(super) fn of(machine: &Machine, user: u32) -> Option<String> {
    machine.text("/etc/passwd").ok().and_then(|text| home(&text, user))
}

/// Home of the account this runs as.
pub(super) fn own(machine: &Machine) -> Option<String> {
    of(machine, rustix::process::getuid().as_raw())
}

fn home(text: &str, user: u32) -> Option<String> {
    let line = text.lines().find(|line| line.split(':').nth(2).and_then(|id| id.parse().ok()) == Some(user))?;
    line.split(':').nth(5).filter(|home| home.starts_with('/') && home.len() > 1).map(str::to_owned)
}

/// `KEY="$HOME/Below"`. Nothing if the key isn't there; nothing inside if it names the home itself (then the person has no
/// such folder) or anything that isn't below it.
pub(super) fn user_folder<'a>(text: &'a str, key: &str) -> Option<Option<&'a Path>> {
    let value = text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))?;
    let below = value.trim_matches('"').strip_prefix("$HOME/").map(Path::new);
    let plain = |path: &&Path| {
        path.components().next().is_some() && path.components().all(|part| matches!(part, Component::Normal(_)))
    };
    Some(below.filter(plain))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_folder_the_person_does_not_have_is_not_the_home() {
        assert_eq!(user_folder("A=\"$HOME/x\"\n", "A"), Some(Some(Path::new("x"))));
        for nothing in ["A=\"$HOME/\"", "A=\"$HOME\"", "A=\"/etc\"", "A=\"$HOME/../x\"", "A=\"$HOME//\""] {
            assert_eq!(user_folder(nothing, "A"), Some(None), "{nothing}");
        }
        assert_eq!(user_folder("AB=\"$HOME/x\"", "A"), None);
        assert_eq!(home("root:x:0:0::/:\nx:x:5:5::relative:", 5), None);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "(A=.*\n)*|(.*:.*:[0-9]*:.*:.*:.*\n)*") {
            home(&text, 0);
            user_folder(&text, "A");
        }
    }
}
