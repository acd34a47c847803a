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
        id: "call-argument",
        mark: Secret,
        hint: Words("auth=(|mysql_connect(|mysqli_connect(|mysqli(|PDO(|.login(|HTTPBasicAuth("),
        pattern: r#"(?:(?:auth=|\.login|HTTPBasicAuth)\(\s*["'][^"']+["']|(?:mysqli?_connect|mysqli|PDO)\(\s*["'][^"']*["']\s*,\s*["'][^"']*["'])\s*,\s*["'](?P<s>[^"']+)["']"#,
        take: word,
    },
    Rule {
        id: "credential-pair",
        mark: Secret,
        hint: Words("credential|credencial|login attempt|login: "),
        pattern: r"(?i)(?:credentials?|credenciales|login attempt)(?:: ?| )[a-z0-9._@-]+[:/](?P<s>[^\s/:]{5,})(?:\s|$)",
        take: odd,
    },
    Rule {
        id: "noted-password",
        mark: Secret,
        hint: Words(
            "fi pass|fi pwd|fi clave|fi contrase|root pass|root pwd|root clave|root contrase|admin pass|admin pwd\
            |admin clave|admin contrase|router pass|router pwd|router clave|router contrase",
        ),
        pattern: r"(?i)\b(?:wi-?fi|root|admin|router) (?:pass|password|pwd|clave|contraseña)[ \t]+(?P<s>[^\s:=]{5,})",
        take: odd,
    },
    Rule {
        id: "user-pair",
        mark: Secret,
        hint: Words("user=|user =|user:|user :"),
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

/// What is no word, a time or a version.
fn odd(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (range, text) = found.secret();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    if digits > 0 && letters >= 3 && !is_hole(text) && !is_prose(text) {
        taken.push(range);
    }
}

/// `user = "name:x"` of curl(1), but neither `user: 1000:1000` nor `user = web:web`, which are accounts and groups.
fn pair(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (range, text) = found.secret();
    let mixed = text.chars().any(|c| !c.is_ascii_lowercase() && c != '-') && !text.chars().all(|c| c.is_ascii_digit());
    if mixed && !is_hole(text) && found.group("u").is_some_and(|user| user.as_str() != text) {
        taken.push(range);
    }
}
