//! Passwords in the settings of network devices, network management and programs that write them as plain words.

use std::ops::Range;

use super::Hint::Words;
use super::Mark::Secret;
use super::key::{is_hole, is_prose};
use super::{Found, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "device-password",
        mark: Secret,
        hint: Words(
            "enable |username |neighbor |tacacs-server|radius-server|pre-shared-key|crypto isakmp|ip ospf|wpa-psk\
            |standby |authentication-key",
        ),
        pattern: r#"^\s*(?:enable|username\s+\S+|neighbor\s+\S+|(?:tacacs|radius)-server|pre-shared-key|crypto isakmp|ip ospf|wpa-psk|standby|ntp authentication-key)(?:\s+\S+){0,6}?\s+(?:password|secret|key|ascii|md5|authentication)\s+(?:[0-9]{1,2}\s+)?"?(?P<s>[^\s"]+)"?"#,
        take: word,
    },
    Rule {
        id: "community",
        mark: Secret,
        hint: Words("rocommunity|rwcommunity|com2sec|snmp-server community"),
        pattern: r#"(?i)(?:\br[ow]community6?\s+|\bcom2sec6?\s+(?:-Cn\s+\S+\s+)?\S+\s+\S+\s+|snmp-server community\s+(?:[0-9]\s+)?)"?(?P<s>[^\s"]+)"#,
        take: word,
    },
    Rule {
        id: "management-user",
        mark: Secret,
        hint: Words("createUser"),
        pattern: r#"createUser\s+(?:-e\s+\S+\s+)?\S+\s+(?:MD5|SHA[0-9-]*)\s+"?(?P<s>[^\s"]+)"?(?:\s+(?:DES|AES[0-9]*)\s+"?(?P<t>[^\s"]+))?"#,
        take: both,
    },
    Rule {
        id: "typed-secret",
        mark: Secret,
        hint: Words("ConvertTo-SecureString"),
        pattern: r#"(?i)ConvertTo-SecureString\s+(?:-String\s+)?["'](?P<s>[^"']+)["']"#,
        take: word,
    },
    Rule {
        id: "user-pair",
        mark: Secret,
        hint: Words("user"),
        pattern: r#"^\s*-?-?(?:proxy-)?user\s*[=:]\s*["']?(?P<u>[^\s:"'/]+):(?P<s>[^\s"'/]+)["']?\s*$"#,
        take: pair,
    },
];

fn word(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (range, text) = found.secret();
    if !is_hole(text) && !is_prose(text) && text != "public" {
        taken.push(range);
    }
}

fn both(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    taken.extend(["s", "t"].into_iter().filter_map(|name| found.group(name)).map(|found| found.range()));
}

/// `user = "name:x"` of curl(1), but neither `user: 1000:1000` nor `user = web:web`, which are accounts and groups.
fn pair(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (range, text) = found.secret();
    let mixed = text.chars().any(|c| !c.is_ascii_lowercase() && c != '-') && !text.chars().all(|c| c.is_ascii_digit());
    if mixed && !is_hole(text) && found.group("u").is_some_and(|user| user.as_str() != text) {
        taken.push(range);
    }
}
