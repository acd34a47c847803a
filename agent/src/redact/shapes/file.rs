//! Files with a notation of their own: `.netrc`, `.pgpass`, PPP and IPsec secrets, VPN and Wi-Fi settings, account lists.

use std::ops::Range;

use super::Hint::{Build as B, Words};
use super::Mark::Secret;
use super::key::{is_hole, is_prose};
use super::{Build, Found, Rule, take, take_value};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "netrc",
        mark: Secret,
        hint: Words("password|passwd|account"),
        pattern: r#"(?i)(?:^|\s)(?:machine\s+\S+|default|login\s+\S+|user(?:name)?\s+\S+)\s+(?:\S+\s+){0,4}?(?:password|passwd)\s+(?P<s>"[^"]+"|\S+)"#,
        take: spoken,
    },
    Rule {
        id: "pgpass",
        mark: Secret,
        hint: Words(":5432:|:*:|:5433:|:6432:|:3306:"),
        pattern: r"(?:^|[\s\x22'])[^\s:]+:(?:[0-9]{2,5}|\*):(?P<d>[^\s:]+):[^\s:]+:(?P<s>(?:[^\s\\:\x22']|\\.)+)(?:[\s\x22']|$)",
        take: store,
    },
    Rule {
        id: "ipsec-secret",
        mark: Secret,
        hint: Words("psk|eap|xauth|ntlm|rsa|pkcs8|pin "),
        pattern: r#"(?:^|\s)(?:PSK|EAP|XAUTH|NTLM)\s+(?P<s>"[^"]+"|0[sx][A-Za-z0-9+/=]+|[^\s"]{6,})\s*$"#,
        take: quoted,
    },
    Rule {
        id: "ppp-secret",
        mark: Secret,
        hint: Words("*|pptpd|l2tp"),
        pattern: r##"^\s*"?[^\s"#]+"?\s+(?:\*|"?[A-Za-z0-9._-]+"?)\s+(?P<s>"[^"]+"|[^\s"*/]{4,})\s+\*\s*$"##,
        take: quoted,
    },
    Rule {
        id: "wireguard-key",
        mark: Secret,
        hint: Words("private|preshared|secret|psk"),
        pattern: r#"(?i)(?:private|preshared|pre-shared|secret)[ _-]?key\\?["']?\s*[=:]?\s*\\?["']?(?P<s>[A-Za-z0-9+/]{42,43}=)"#,
        take,
    },
    Rule {
        id: "mail-password",
        mark: Secret,
        hint: Words("]:|smtp|relay"),
        pattern: r"^\s*\[?[A-Za-z0-9.-]+\]?(?::[a-z0-9]+)?\s+[^\s:]+:(?P<s>[^\s:/][^\s:]{3,})\s*$",
        take: relay_line,
    },
    Rule {
        id: "login-line",
        mark: Secret,
        hint: Words("with password|password|pass "),
        pattern: r#"(?i)(?:with|and|using|,|user(?:name)?\s+["'][^"']+["'])\s+(?:the\s+|there\s+)?(?:password|pass)\s+(?:is\s+)?["'](?P<s>[^"']+)["']"#,
        take: take_value,
    },
    Rule {
        id: "wifi-password",
        mark: Secret,
        hint: Words("wifi|wi-fi|psk|wpa|wlan|option key|.key="),
        pattern: r#"(?i)(?:WIFI:[^\s]*?P:(?P<s>(?:[^;\\]|\\.)+);|\bpsk\s*=\s*(?P<t>[0-9a-f]{64})\b|option\s+key\s+["']?(?P<v>[^\s"']+)|(?:wireless\.[^\s=]+|radio[0-9]|wlan[0-9]|wifi)\.key\s*=\s*["']?(?P<w>[^\s"']+))"#,
        take: any,
    },
    Rule {
        id: "docker-auth",
        mark: Secret,
        hint: Words("\"auth\"|_auth|identitytoken|registrytoken"),
        pattern: r#"(?:"(?:auth|identitytoken|registrytoken)"\s*:\s*"|_auth\s*=\s*"?)(?P<s>[A-Za-z0-9+/=._-]{6,})"#,
        take: take_value,
    },
    Rule {
        id: "key-data",
        mark: Secret,
        hint: Words("key-data|client-key|hex:|bindkey|secretbox|app_key|base64:"),
        pattern: r#"(?i)(?:client-key-data\s*[:=]\s*|APP_KEY\s*=\s*|[^a-z]key\s*=\s*)"?(?:base64:)?(?P<s>[A-Za-z0-9+/]{24,}={0,2})"#,
        take: take_value,
    },
    Rule {
        id: "recovery-key",
        mark: Secret,
        hint: B(Build::Groups),
        pattern: r"(?:^|[^0-9-])(?P<s>[0-9]{6}(?:[- ][0-9]{6}){7})(?:[^0-9-]|$)",
        take,
    },
    Rule {
        id: "recovery-words",
        mark: Secret,
        hint: B(Build::Dashes),
        pattern: r"(?:^|[^A-Za-z0-9-])(?P<s>[cbdefghijklnrtuv]{8}(?:-[cbdefghijklnrtuv]{8}){7}|[A-HJ-NP-Z0-9]{4}(?:-[A-HJ-NP-Z0-9]{4}){5}|[A-Z0-9]{5}(?:-[A-Z0-9]{5}){4}|[A-Z0-9]{6}(?:-[A-Z0-9]{6}){5}|[0-9]{5}(?:-[0-9]{5}){10})(?:[^A-Za-z0-9-]|$)",
        take: licence,
    },
    Rule {
        id: "seed-words",
        mark: Secret,
        hint: Words("mnemonic|seed|recovery phrase|semilla|recuperaci"),
        pattern: r#"(?i)(?:mnemonic|seed(?: phrase| words)?|recovery (?:phrase|words)|frase (?:semilla|de recuperaci[oó]n)|semilla)[^A-Za-z0-9_]{1,4}(?:is |es |are )?["']?(?P<s>[a-zñáéíóú]{3,10}(?:[ ,-]+[a-zñáéíóú]{3,10}){11,23})"#,
        take,
    },
];

/// A line of `.pgpass`, but not one of `/etc/passwd`, which has numbers where a database is named.
fn store(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    if !found.group("d").is_some_and(|database| database.as_str().bytes().all(|byte| byte.is_ascii_digit())) {
        take_value(found, taken);
    }
}

fn spoken(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (range, text) = found.secret();
    let bare = text.trim_matches('"');
    let prose = is_prose(bare) && bare.len() == text.len();
    // `password 7 0822…`: how it is written, and then it.
    let kind = bare.len() == 1 && bare.chars().all(|c| c.is_ascii_digit());
    if kind && found.after().trim_start().starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return;
    }
    if !prose && !is_hole(bare) {
        taken.push(range);
    }
}

fn quoted(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (range, text) = found.secret();
    let inner = text.trim_matches('"');
    let open = (text.len() - inner.len()) / 2;
    let lead = found.line.trim_start();
    // Five stars, or a comment: a schedule, or prose.
    if !is_hole(inner)
        && !lead.starts_with('#')
        && (open > 0 || !lead.starts_with('*'))
        && !lead.starts_with(|c: char| c.is_ascii_digit())
    {
        taken.push(range.start + open..range.end - open);
    }
}

/// `[smtp.example.com]:587 user:password`.
fn relay_line(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (range, text) = found.secret();
    let lead = found.line.trim_start();
    let host = lead.split_whitespace().next().unwrap_or("");
    if (host.starts_with('[') || host.contains("smtp") || host.contains("relay"))
        && host.contains('.')
        && !is_hole(text)
    {
        taken.push(range);
    }
}

fn any(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let value = ["s", "t", "v", "w"].into_iter().find_map(|name| found.group(name));
    if let Some(value) = value.filter(|value| !is_hole(value.as_str())) {
        taken.push(value.range());
    }
}

/// A licence or recovery key has letters and digits; a word with dashes has not.
fn licence(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (range, text) = found.secret();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let letters = text.chars().filter(char::is_ascii_alphabetic).count();
    if letters == 0 && digits == 55 || digits >= 3 && letters >= 3 || digits == 0 && text.len() == 71 {
        taken.push(range);
    }
}
