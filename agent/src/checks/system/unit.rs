//! Units of systemd: their names as they may leave the PC, and their properties as `systemctl show` writes them.

use std::collections::BTreeMap;

/// Whether systemd started this system: sd_booted(3).
pub(super) const BOOTED: &str = "/run/systemd/system";

/// The name without what may say something about a person: the instance of `user@1000.service` and the place of
/// `media-ana-stick.mount`.
pub(super) fn shown(name: &str) -> String {
    let Some((stem, kind)) = name.rsplit_once('.') else { return "…".to_owned() };
    match (stem.split_once('@'), kind) {
        (Some((template, _)), _) => format!("{template}@….{kind}"),
        (None, "service" | "socket" | "timer" | "target") => name.to_owned(),
        // The rest is named after places and devices.
        (None, _) => format!("….{kind}"),
    }
}

/// The units of an output of `systemctl show`: lines `Key=value`, an empty line between two units.
pub(super) fn properties(output: &str) -> Vec<BTreeMap<&str, &str>> {
    let mut units = vec![BTreeMap::new()];
    for line in output.lines() {
        match (line.split_once('='), units.last_mut()) {
            (Some((key, value)), Some(unit)) => {
                unit.insert(key, value);
            }
            (None, Some(unit)) if line.is_empty() && !unit.is_empty() => units.push(BTreeMap::new()),
            (None | Some(_), _) => {}
        }
    }
    units.retain(|unit| !unit.is_empty());
    units
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_lose_instances_and_places() {
        for (name, expected) in [
            ("cups.service", "cups.service"),
            ("user@1000.service", "user@….service"),
            ("media-ana-FOTOS.mount", "….mount"),
            ("app-ana.scope", "….scope"),
            ("nothing", "…"),
        ] {
            assert_eq!(shown(name), expected);
        }
    }

    #[test]
    fn units_are_apart_at_empty_lines() {
        let units = properties("\nId=a.service\nExecStart={ a=b }\n\n\nId=b.service\nNRestarts=2\n");
        assert_eq!(units.len(), 2);
        assert_eq!(units[0]["ExecStart"], "{ a=b }");
        assert_eq!(units[1]["NRestarts"], "2");
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "(.*\n)*|([A-Za-z]*=.*\n\n?)*") {
            prop_assert!(properties(&text).iter().all(|unit| !unit.is_empty()));
            let _any = shown(&text);
        }
    }
}
