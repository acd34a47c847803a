//! Settings: a name that announces a secret, and its value, in the notations of configuration files, environments, logs,
//! JSON, YAML, TOML, XML, SQL and sentences.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::Hint::{Build as B, Words};
use super::Mark::Secret;
use super::key::{is_hole, is_number, is_prose, is_secret};
use super::{Build, Found, Rule, take_value};

/// Words one of which every name of a secret holds.
const NAMES: &str = "pass|pwd|secret|token|key|psk|cred|clave|contrase|jwt|otp|pin|puk|auth|mnemonic|phrase|senha|kennwort\
    |motdepasse|sessid|session|connect|dsn|community|bindpw|rootpw|code|cookie|salt|webhook|credenciales|pw=\
    |pw:|seed|código";

pub(super) const RULES: &[Rule] = &[
    Rule { id: "named-value", mark: Secret, hint: Words(NAMES), pattern: NAMED, take: named },
    Rule { id: "element", mark: Secret, hint: Words(NAMES), pattern: ELEMENT, take: element },
    Rule { id: "setting", mark: Secret, hint: Words(NAMES), pattern: SETTING, take: setting },
    Rule { id: "directive", mark: Secret, hint: Words(NAMES), pattern: DIRECTIVE, take: directive },
    Rule {
        id: "value-below",
        mark: Secret,
        hint: B(Build::Below),
        pattern: r"^\s*(?:[-*]\s+)?(?P<s>\S.*?)\s*$",
        take: below,
    },
    Rule {
        id: "sql-password",
        mark: Secret,
        hint: Words("identified|password"),
        pattern: r#"(?i)(?:identified\s+(?:with\s+\S+\s+)?(?:by|as)\s*|password(?:\s+|\s*\(\s*))\\?(?:'(?P<s>[^']+)'|"(?P<t>[^"]+)")"#,
        take: quoted,
    },
    Rule {
        id: "told-password",
        mark: Secret,
        hint: Words("password|passwd|contrase|clave|passphrase|passcode| pin |senha"),
        pattern: r#"(?i)(?:password|passwd|passphrase|passcode|contraseña|contrasena|clave|\bpin)(?:\s+(?:wi-?fi|wlan|temporal|nueva|actual|inicial|provisional|maestra|new|temporary|initial|default|current))?(?:\s+(?:for|of|to|de|del|para|en|on)(?:\s+(?:the|el|la|los|mi|my))?\s+[\p{L}\p{N}@._'-]+){0,2}\s+(?:is now|is|was|es|era|=|set to|changed to|is set to)[:\s]\s*["'«“]?(?P<s>[^\s"'»”]{4,})"#,
        take: told,
    },
    Rule {
        id: "one-time-code",
        mark: Secret,
        hint: Words("code|código|codigo|otp|pin"),
        pattern: r"(?i)(?:(?:verification|security|one-time|confirmation|2fa|sms|login|sign-in|access|activation|auth(?:entication)?|pairing|unlock) code|c[oó]digo de (?:verificaci[oó]n|seguridad|confirmaci[oó]n|acceso|activaci[oó]n|un solo uso|desbloqueo)|\botp|\bpin)(?: is| es|:| =)+ ?(?:G-)?(?P<s>[0-9]{4,8}|[0-9]{3}[ -][0-9]{3})(?:[^0-9]|$)",
        take: take_value,
    },
];

const NAMED: &str = r#"(?i)(?:name|key|id|label|field|option|property|variable|param|parameter)(?:\\*["'])?\s*[=:]\s*(?:\\*["'])?(?P<k>[\p{L}_][\p{L}\p{N}_.\-]*)(?:\\*["'])?(?:\s*[,;]?\s*(?:\\*["'])?(?:value|val|content|text|data)(?:\\*["'])?\s*[=:]|(?P<x>[^<>=:,]*>))"#;
const ELEMENT: &str = r"(?i)(?:<|&lt;)(?:[a-z0-9]+:)?(?P<k>[\p{L}_][\p{L}\p{N}_.\-]*)(?:\s[^<>]*)?(?:>|&gt;)(?:<!\[CDATA\[)?(?P<s>[^<&][^<]*?)(?:\]\]>)?(?:</|&lt;/|$)";
const SETTING: &str = r#"(?i)(?P<k>(?:\p{L}+ ){0,2}[\p{L}_][\p{L}\p{N}_.\-]*(?:\[[^\[\]]{0,24}\])?)(?P<of>(?: (?:de|del|for|of|para|to|on|en)(?: (?:la|el|the))? [\p{L}\p{N}@._'\-]+){0,2})(?P<q>(?:\\*["'`]|&quot;|%22)?(?:\]|\))?)[ \t]*(?P<sep>=>|:=|==?|:|%3D|%3A|\\x3d|\\u003d|,(?:[ \t]*["']))"#;
const DIRECTIVE: &str = r"^\s*(?:[#;]\s*)?(?:set\s+(?:-\S+\s+)?|export\s+|SetEnv\s+|fastcgi_param\s+|option\s+|env\s+|ENV\s+|ARG\s+)?(?P<k>[\p{L}_][\p{L}\p{N}_.\-]*)\s+(?P<s>[^\s=:][^\s]*)\s*;?\s*$";

fn quoted(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    if let Some(value) = found.group("s").or_else(|| found.group("t")).filter(|value| !is_hole(value.as_str())) {
        taken.push(value.range());
    }
}

/// `name="DB_PASSWORD" value="x"`, `<entry key="password">x</entry>`.
fn named(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    if found.group("k").is_none_or(|name| !is_secret(name.as_str())) {
        return;
    }
    let at = found.range().end;
    let element = found.group("x").is_some();
    let range = if element {
        at..at + found.line[at..].find('<').unwrap_or(found.line.len() - at)
    } else {
        let Some((range, _)) = value(found.line, at, End::Space) else { return };
        range
    };
    push_value(found.line, range, taken);
}

/// `<password>x</password>`.
fn element(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (Some(name), Some(value)) = (found.group("k"), found.group("s")) else { return };
    if is_secret(name.as_str()) && (!is_number(name.as_str()) || is_code(value.as_str())) {
        push_value(found.line, value.range(), taken);
    }
}

/// `name=value`, `name: value`, `"name": "value"`, `'name' => 'value'`, `define('name', 'value')`.
fn setting(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (Some(key), Some(sep)) = (found.group("k"), found.group("sep")) else { return };
    let name = key.as_str();
    let own = name.rsplit(' ').next().unwrap_or(name);
    let spoken = name.contains(' ');
    if !is_secret(if is_secret(own) { own } else { name }) || (spoken && !is_secret(name)) {
        return;
    }
    let line = found.line;
    let comma = sep.as_str().starts_with(',');
    let colon = matches!(sep.as_str(), ":" | "%3A");
    // The password of an address has a rule of its own, and a mark is no name.
    if line[..key.end() - own.len()].ends_with("[redacted:") || line[..key.start()].ends_with("://") {
        return;
    }
    // `passwd[812]:` and `gdm-password]:` are programs that speak.
    let bracketed = own.ends_with(']') || found.group("q").is_some_and(|q| q.as_str() == "]");
    if bracketed && sep.as_str() == ":" {
        return;
    }
    let of = found.group("of").is_some_and(|of| !of.is_empty());
    let key_quoted = found.group("q").is_some_and(|q| !q.is_empty());
    // A pair behind a comma is one only between quotes; a sentence has a colon.
    let called = line[..key.start()].trim_end_matches(['"', '\'', ' ']).ends_with('(');
    if (comma && !(key_quoted && called)) || (of && !colon) {
        return;
    }
    let at = if comma { sep.end() - 1 } else { sep.end() };
    let rest = &line[at..];
    if colon && (rest.starts_with(':') || rest.starts_with("//"))
        || sep.as_str() == "==" && own.len() == name.len() && rest.starts_with('=')
    {
        return;
    }
    let own_at = key.end() - own.len();
    let lead = &line[..own_at];
    let opening = lead.chars().next_back().filter(|c| matches!(c, '"' | '\'' | '`') && !key_quoted);
    let begins = is_lead(if spoken { &line[..key.start()] } else { lead });
    let spaced = rest.starts_with([' ', '\t']);
    let end = match opening {
        Some(quote) => End::Quote(quote),
        None if key_quoted => End::Json,
        None if begins && (colon || spaced || is_in_fours(rest) || !is_constant(own) && !has_pairs(rest)) => End::Line,
        None if lead.contains(['?', '&']) => End::Query,
        None => End::Space,
    };
    let Some((range, in_quotes)) = value(line, at, end) else { return };
    let text = &line[range.clone()];
    // `pam_unix(gdm-password:session)`: a service and what it does.
    if colon && !spaced && !in_quotes && line[..range.end].contains("pam_") {
        return;
    }
    if is_value(own, text, in_quotes, colon, spaced, begins && end == End::Line) {
        push_value(line, range, taken);
    }
}

/// Whether what stands in front of a name is only the beginning of a line of settings.
fn is_lead(lead: &str) -> bool {
    let lead = lead.trim_start();
    lead.is_empty()
        || matches!(
            lead.trim_end(),
            "-" | "export" | "set" | "#" | ";" | "//" | "*" | "+" | ">" | "|" | "declare -x" | "setenv" | "ENV" | "ARG"
        )
}

/// `PGPASSWORD`: an environment's, whose value ends at a space.
fn is_constant(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// `abcd efgh ijkl mnop`: a password that a mail service made for one program.
fn is_in_fours(rest: &str) -> bool {
    rest.split(' ').count() == 4
        && rest.split(' ').all(|four| four.len() == 4 && four.bytes().all(|c| c.is_ascii_lowercase()))
}

/// Whether more settings follow in the line.
fn has_pairs(rest: &str) -> bool {
    rest.split([' ', '\t', '&', ';', ',']).skip(1).any(|word| {
        word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-'))
        })
    })
}

/// Judges the value of a name that announces a secret.
fn is_value(name: &str, text: &str, in_quotes: bool, colon: bool, spaced: bool, to_line_end: bool) -> bool {
    let first = text.split_whitespace().next().unwrap_or("");
    let words = text.split_whitespace().count();
    let lower = name.to_lowercase();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let all_digits = digits > 0 && digits == text.chars().count();
    if is_hole(text) || matches!(text, "0" | "1") {
        return false;
    }
    if is_number(name) {
        return is_code(text) || (lower.contains("sess") && text.len() >= 8 && digits > 0 && digits < text.len());
    }
    let plain =
        !lower.contains("pass") && !lower.contains("pwd") && !lower.contains("contrase") && !lower.contains("clave");
    if !in_quotes && (colon || spaced) && is_prose(first) {
        let weak = matches!(text, "secret" | "password" | "passwd" | "passphrase" | "default" | "letmein");
        if !(to_line_end && weak && words == 1) {
            return false;
        }
    }
    if !in_quotes
        && colon
        && words > 1
        && text.split_whitespace().all(|word| word.chars().all(|c| c.is_lowercase()))
        && text.split_whitespace().any(is_prose)
    {
        return false;
    }
    // A sentence goes on; a passphrase of words stands alone behind its name.
    if !in_quotes && words > 1 && first.chars().all(|c| c.is_lowercase()) && text.ends_with(['.', '!', '?']) {
        return false;
    }
    match lower.as_str() {
        // `pass: 12 fail: 0` and `PASS: test_login` are results of tests.
        "pass" => {
            let counted = all_digits && text.len() <= 3;
            let tested = colon && !in_quotes && (digits == 0 || name == "PASS");
            !counted && !tested
        }
        "auth" => text.len() >= 12 && !text.contains(' ') && (digits > 0 || text.ends_with('=')),
        "pw" => text.len() >= 4,
        "secret" | "secrets" | "credential" | "credentials" | "token" | "key"
            if !in_quotes && colon && !to_line_end =>
        {
            text.len() >= 8 && (digits > 0 || text.contains(['-', '_', '+', '/']))
        }
        _ if plain => text.chars().count() >= 5 && !(all_digits && text.len() < 8),
        _ => true,
    }
}

/// A PIN or a one-time code: digits, perhaps in two groups.
fn is_code(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    (4..=10).contains(&digits) && text.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '-'))
}

fn push_value(line: &str, range: Range<usize>, taken: &mut Vec<Range<usize>>) {
    let text = &line[range.clone()];
    let lead = text.len() - text.trim_start().len();
    let range = range.start + lead..range.start + text.trim_end().len().max(lead);
    if !is_hole(&line[range.clone()]) {
        taken.push(range);
    }
}

/// Where a value without quotes ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// At the end of the line, or at a comment.
    Line,
    /// At a space, or a mark that separates settings.
    Space,
    /// At the next part of a query.
    Query,
    /// At a comma or bracket.
    Json,
    /// At this quote, which stands in front of the name.
    Quote(char),
}

/// The value that begins behind `at`, and whether it stands in quotes.
pub(super) fn value(line: &str, at: usize, end: End) -> Option<(Range<usize>, bool)> {
    let rest = &line[at..];
    let skipped = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let (at, rest) = (at + skipped, &rest[skipped..]);
    // Marks of other notations in front of a quote: a type, a byte string, `[` of a list.
    let rest_after =
        rest.strip_prefix("!!str ").or_else(|| rest.strip_prefix("[\"").map(|_| &rest[1..])).unwrap_or(rest);
    let rest_after = rest_after
        .strip_prefix(['u', 'b', 'r', 'L', '@'])
        .filter(|rest| rest.starts_with(['"', '\'']))
        .unwrap_or(rest_after);
    let (at, rest) = (at + rest.len() - rest_after.len(), rest_after);
    let slashes = rest.len() - rest.trim_start_matches('\\').len();
    let quoted = rest[slashes..].chars().next().filter(|c| matches!(c, '"' | '\'' | '`' | '“' | '«'));
    if let Some(quote) = quoted.filter(|_| end != End::Quote('"') || slashes > 0 || !rest.starts_with('"')) {
        let open = slashes + quote.len_utf8();
        let close = match quote {
            '“' => '”',
            '«' => '»',
            quote => quote,
        };
        let inner = &rest[open..];
        let length = closing(inner, close, slashes);
        return Some((at + open..at + open + length, true));
    }
    if let Some(inner) = rest.strip_prefix("&quot;") {
        let length = inner.find("&quot;").unwrap_or(inner.len());
        return Some((at + 6..at + 6 + length, true));
    }
    let stop = |marks: &[char]| rest.find(|c: char| c.is_whitespace() || marks.contains(&c)).unwrap_or(rest.len());
    let length = match end {
        End::Line => {
            let comment =
                rest.find(" #").or_else(|| rest.find(" ;")).or_else(|| rest.find("\t#")).unwrap_or(rest.len());
            rest[..comment].trim_end().trim_end_matches([';', ',']).len()
        }
        End::Space => {
            let stop = stop(&['"', '\'', '`', '<', '>', ';']);
            // A comma or bracket ends a value only where something else begins.
            separated(&rest[..stop])
        }
        End::Query => stop(&['"', '\'', '`', '<', '>', '&', '#', ';', ')']),
        End::Json => {
            let stop = stop(&[',', '}', ']', '"', '\'', ')', ';']);
            if rest.starts_with(['{', '[']) { 0 } else { stop }
        }
        End::Quote(quote) => closing(rest, quote, 0),
    };
    // Punctuation of the sentence around.
    let text = rest[..length].trim_end_matches(|c| matches!(c, ',' | '.') && end == End::Space);
    (!text.is_empty()).then(|| (at..at + text.len(), false))
}

/// Length up to the closing quote, which has as many backslashes in front as the opening one; all, if there is none.
fn closing(inner: &str, quote: char, slashes: usize) -> usize {
    let mut backslashes = 0;
    for (at, c) in inner.char_indices() {
        if c == '\\' {
            backslashes += 1;
            continue;
        }
        let closes = if slashes == 0 { backslashes % 2 == 0 } else { backslashes <= slashes };
        if c == quote && closes {
            return at - backslashes.min(slashes);
        }
        backslashes = 0;
    }
    inner.len()
}

/// Length up to a comma or ampersand behind which another setting begins, or a bracket that wasn't opened.
fn separated(text: &str) -> usize {
    let mut open = 0_i32;
    for (at, c) in text.char_indices() {
        let rest = &text[at + c.len_utf8()..];
        match c {
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' => {
                open -= 1;
                if open < 0 && rest.chars().all(|c| !c.is_alphanumeric()) {
                    return at;
                }
            }
            ',' | '&' | '|' => {
                let name = rest.split(['=', ':']).next().unwrap_or("");
                let another = name.len() < rest.len()
                    && !name.is_empty()
                    && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '"'));
                if another || (c == ',' && rest.is_empty()) {
                    return at;
                }
            }
            _ => {}
        }
    }
    text.len()
}

/// `requirepass x` alone in its line.
fn directive(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (Some(name), Some(value)) = (found.group("k"), found.group("s")) else { return };
    let text = value.as_str().trim_end_matches(';');
    let bare = text.trim_matches(['"', '\'']);
    let marked = bare.chars().any(|c| !c.is_lowercase());
    let known =
        matches!(name.as_str(), "requirepass" | "masterauth" | "bindpw" | "rootpw" | "password" | "psk" | "passphrase");
    if is_secret(name.as_str())
        && !is_hole(text)
        && !is_prose(text)
        && (marked || known)
        && bare.len() >= 4
        && !is_number(name.as_str())
    {
        push_value(found.line, value.start()..value.start() + text.len(), taken);
    }
}

/// "the password is hunter2": a word that isn't one of the language.
fn told(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (range, text) = found.secret();
    let text = text.trim_end_matches(['.', ',', ';', '!', '?', ')']);
    let odd = text.chars().any(|c| c.is_ascii_digit())
        || text.chars().skip(1).any(|c| !c.is_lowercase() && c.is_alphanumeric());
    let marked = text.chars().any(|c| matches!(c, '!' | '@' | '$' | '%' | '&' | '*' | '#' | '+' | '_'));
    if (odd || marked) && !is_hole(text) && !is_prose(text) {
        taken.push(range.start..range.start + text.len());
    }
}

static NAME_ABOVE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let name = r#"(?i)(?:<(?:key|name|id)>\s*|(?:name|key|id|field|option|variable)["']?\s*[:=]\s*["']?)(?P<k>[\p{L}_][\p{L}\p{N}_.\-]*)["']?\s*(?:</(?:key|name|id)>|,)?\s*$"#;
    Regex::new(name).ok()
});
static VALUE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?i)^\s*(?:[-*]\s+)?(?:["']?(?:value|val|data|content)["']?\s*[:=]\s*["']?(?P<s>[^"'\s,]+|[^"'\s][^"',]*[^"'\s,])["']?|<(?:string|value|data)>\s*(?P<t>[^<]+?)\s*<)"#).ok()
});
static OPEN_ABOVE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?P<k>[\p{L}_][\p{L}\p{N}_.\-]*)["']?\s*[:=]\s*(?:(?:!!?\w+\s+)?[|>][+-]?[0-9]?|\\)?\s*$"#).ok()
});
static OPTION_ABOVE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"^\s*(?:-\s+)?["']?--?(?P<k>[\p{L}][\p{L}\p{N}_.\-]*)["']?\s*,?\s*\\?$"#).ok());

/// A value whose name stands in the line above.
fn below(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let announced = |pattern: &LazyLock<Option<Regex>>| {
        let captures = pattern.as_ref()?.captures(found.previous)?;
        Some(is_secret(&captures["k"]))
    };
    let (range, text) = found.secret();
    if announced(&NAME_ABOVE) == Some(true) {
        let value = VALUE.as_ref().and_then(|value| value.captures(found.line));
        if let Some(value) = value.and_then(|value| value.name("s").or_else(|| value.name("t"))) {
            push_value(found.line, value.range(), taken);
        }
    } else if announced(&OPTION_ABOVE) == Some(true) {
        let bare = text.trim_end_matches(['\\', ' ']).trim_end_matches(',');
        if !text.starts_with("--") && !text.starts_with(['}', ']', '{']) {
            let open = bare.len() - bare.trim_start_matches(['"', '\'']).len();
            push_value(
                found.line,
                range.start + open..range.start + bare.trim_end_matches(['"', '\'']).len().max(open),
                taken,
            );
        }
    } else if announced(&OPEN_ABOVE) == Some(true) {
        let indent = |line: &str| line.len() - line.trim_start().len();
        let is_name = text.split_once(':').is_some_and(|(name, rest)| {
            (rest.is_empty() || rest.starts_with(' '))
                && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '"' | '\''))
        });
        let inside = indent(found.line) > indent(found.previous);
        if inside && !is_name && !text.starts_with(['{', '[', '-', '#']) && !text.contains(' ') {
            let bare = text.trim_end_matches([',', ';']);
            let open = bare.len() - bare.trim_start_matches(['"', '\'']).len();
            push_value(
                found.line,
                range.start + open..range.start + bare.trim_end_matches(['"', '\'']).len().max(open),
                taken,
            );
        }
    }
}
