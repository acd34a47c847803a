//! Settings: a name that announces a secret, and its value, in the notations of configuration files, environments, logs,
//! JSON, YAML, TOML, XML, SQL and sentences.

use std::ops::Range;

use super::Hint::Words;
use super::Mark::Secret;
use super::key::{is_hole, is_number, is_prose, is_secret};
use super::value::{End, push_value, value};
use super::window::around;
use super::{Found, Rule, is_rule};
use crate::redact::list;

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
        id: "sql-password",
        mark: Secret,
        hint: Words("identified|password|pragma"),
        pattern: r#"(?i)(?:pragma\s+(?:re)?key\s*=\s*|identified\s+(?:with\s+\S+\s+)?(?:by|as)\s*|password(?:\s+|\s*\(\s*))\\?(?:'(?P<s>[^']+)'|"(?P<t>[^"]+)")"#,
        take: quoted,
    },
    Rule {
        id: "told-password",
        mark: Secret,
        hint: Words("password|passwd|contrase|clave|passphrase|passcode| pin |senha"),
        pattern: r#"(?i)(?:password|passwd|passphrase|passcode|contraseña|contrasena|clave|\bpin)(?:\s+(?:wi-?fi|wlan|temporal|nueva|actual|inicial|provisional|maestra|new|temporary|initial|default|current))?(?:\s+(?:for|of|to|de|del|para|en|on)(?:\s+(?:the|el|la|los|mi|my))?\s+[\p{L}\p{N}@._'-]+){0,2}\s+(?:is now|is|was|es|era|=|set to|changed to|is set to)[:\s]\s*["'«“]?(?P<s>[^\s"'»”]{4,})"#,
        take: told,
    },
    Rule { id: "one-time-code", mark: Secret, hint: Words("code|código|codigo|otp|pin"), pattern: CODE, take: code },
];

const CODE: &str = r"(?i)(?:(?:(?:security|login|sign-in|access|activation|auth(?:entication)?|pairing|unlock) code|c[oó]digo de (?:acceso|activaci[oó]n|un solo uso|desbloqueo)|(?:tu|su|your) (?:c[oó]digo|code)|\botp|\bpin)(?: is| es|:| =)+ ?|(?:(?:verification|one-time|confirmation|2fa|sms) code|c[oó]digo de (?:verificaci[oó]n|seguridad|confirmaci[oó]n))(?:(?: is| es|:| =)+ ?| ))(?:G-)?(?P<s>[0-9]{4,8}|[0-9]{3}[ -][0-9]{3})(?:[^0-9]|$)|(?:^|[^0-9A-Za-z])(?P<t>[0-9]{4,8}) (?:is your|es (?:tu|su)) ";
const NAMED: &str = r#"(?i)(?:name|key|id|label|field|option|property|variable|param|parameter)(?:\\*["'])?\s*[=:]\s*(?:\\*["'])?(?P<k>[\p{L}_][\p{L}\p{N}_.\-]*)(?:\\*["'])?(?:\s*[,;]?\s*(?:\\*["'])?(?:value|val|content|text|data)(?:\\*["'])?\s*[=:]|(?P<x>[^<>=:,]*>))"#;
const ELEMENT: &str = r"(?i)(?:<|&lt;)(?:[a-z0-9]+:)?(?P<k>[\p{L}_][\p{L}\p{N}_.\-]*)(?:\s[^<>]*)?(?:>|&gt;)(?:<!\[CDATA\[)?(?P<s>[^<&][^<]*?)(?:\]\]>)?(?:</|&lt;/|$)";
const SETTING: &str = r#"(?i)(?P<k>(?:\p{L}+ ){0,2}[\p{L}_][\p{L}\p{N}_.\-]*(?:\[[^\[\]]{0,24}\])?)(?P<of>(?: (?:de|del|for|of|para|to|on|en)(?: (?:la|el|the))? [\p{L}\p{N}@._'\-]+){0,2})(?P<q>(?:\\*["'`]|&quot;|%22)?(?:\]|\))?)[ \t]*(?P<sep>=>|:=|==?|:|%3D|%3A|\\x3d|\\u003d|,(?:[ \t]*["']))"#;
const DIRECTIVE: &str = r"^\s*(?:[#;]\s*)?(?:setx?\s+(?:-\S+\s+)?|export\s+|SetEnv\s+|fastcgi_param\s+|option\s+|env\s+|ENV\s+|ARG\s+)?(?P<k>[\p{L}_][\p{L}\p{N}_.\-]*)\s+(?P<s>[^\s=:][^\s]*)\s*;?\s*$";

/// A code that was told, unless it is the number of a board's pin.
fn code(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let Some(code) = found.group("s").or_else(|| found.group("t")) else { return };
    if !is_of_a_board(&found.line[around(found.line, &code.range(), JUDGED)]) {
        taken.push(code.range());
    }
}

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
    let mark = line[..key.end() - own.len()].ends_with("[redacted:") && is_rule(own);
    if mark || line[..key.start()].ends_with("://") {
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
    // `Clave del wifi`: the word that announces it isn't the last one.
    let announcing = if is_secret(own) { own } else { name };
    let text = &text[..around(text, &(0..0), JUDGED).end];
    if is_number(announcing) && is_of_a_board(&line[around(line, &range, JUDGED)])
        || colon && speaks_of_a_pass(own, &line[around(line, &(own_at..own_at), JUDGED).start..own_at])
    {
        return;
    }
    if is_value(announcing, text, in_quotes, colon, spaced, begins && end == End::Line) {
        push_value(line, range, taken);
    }
}

/// How much of a value is judged, and how much around a name, in bytes: a line of settings may hold thousands of them.
const JUDGED: usize = 512;

/// Whether a line is about pins of a board, whose numbers are no PIN.
fn is_of_a_board(line: &str) -> bool {
    const BOARD: &[&str] = &["gpio", "pinctrl", "pinmux", "interrupt pin", "pwm", "uart", "arduino", "irq", "bcm2"];
    const CARD: &[&str] = &["sim", "card", "tarjeta", "móvil", "banco", "puk"];
    let lower = line.to_lowercase();
    BOARD.iter().any(|word| lower.contains(word)) && !CARD.iter().any(|word| lower.contains(word))
}

/// `render pass: shadows`, `first pass: 2 of 3`: a word in front that makes a pass a run. A name or a mark may stand there.
fn speaks_of_a_pass(own: &str, lead: &str) -> bool {
    const ACCOUNT: &str =
        "user|usr|usuario|login|admin|correo|email|mail|account|cuenta|wifi|wi-fi|root|router|name|nombre";
    let lower = lead.to_lowercase();
    own.eq_ignore_ascii_case("pass")
        && lead.trim_end().ends_with(char::is_alphanumeric)
        && !list::words(ACCOUNT).any(|word| lower.contains(word))
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
    // Terraform keeps the case of a variable behind its own beginning.
    name.trim_start_matches("TF_VAR_").len() < name.len()
        || name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// `abcd efgh ijkl mnop`: a password that a mail service made for one program.
fn is_in_fours(rest: &str) -> bool {
    rest.len() == "abcd efgh ijkl mnop".len()
        && rest.split(' ').count() == 4
        && rest.split(' ').all(|four| four.len() == 4 && four.bytes().all(|c| c.is_ascii_lowercase()))
}

/// Whether more settings follow in the line.
fn has_pairs(rest: &str) -> bool {
    let rest = &rest[..around(rest, &(0..0), JUDGED).end];
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
    if in_quotes && is_label(text) || colon && is_source_list(text) {
        return false;
    }
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
            let number = text.split(|c: char| !c.is_ascii_digit()).next().unwrap_or("").len();
            let rest = text[number..].to_lowercase();
            let results = ["fail", "skip", "error", "warn", "total", "todo", "xfail", "ok", "%"];
            let counted = (1..=6).contains(&number)
                && (rest.is_empty() && number <= 3 || results.iter().any(|word| rest.contains(word)));
            let tested = colon && !in_quotes && (name == "PASS" || words > 1 && digits == 0);
            !counted && !tested
        }
        // Names of them, as containers list them.
        "secrets" | "tokens" | "credentials" if text.starts_with('[') && digits == 0 => false,
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

/// What a program shows beside a field: `"password": "Enter your password"`, `"password": "Password"`.
fn is_label(text: &str) -> bool {
    const LABELS: &[&str] = &["Password", "Passwort", "Contraseña", "Clave", "Token", "Secret", "Passphrase"];
    const ASKED: &[&str] = &["password", "contraseña", "passphrase"];
    const ASKS: &[&str] = &["please ", "your ", "enter ", "type ", "introduzca ", "introduce ", "escriba "];
    let lower = text.to_lowercase();
    LABELS.contains(&text)
        || text.trim().contains(' ')
            && (ASKED.iter().any(|word| lower.contains(word)) || ASKS.iter().any(|word| lower.starts_with(word)))
}

/// `passwd: files systemd`, as nsswitch.conf(5) lists where accounts are looked up.
fn is_source_list(text: &str) -> bool {
    const SOURCES: &str = "files|compat|systemd|sss|db|nis|nisplus|ldap|winbind|mymachines|hesiod|libvirt|cache|altfiles\
        |[notfound=return]|[!unavail=return]|[success=merge]";
    text.split_whitespace().all(|word| list::has(SOURCES, &word.to_lowercase()))
}

/// A PIN or a one-time code: digits, perhaps in two groups.
fn is_code(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    (4..=10).contains(&digits) && text.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '-'))
}

/// `requirepass x` alone in its line.
fn directive(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (Some(name), Some(value)) = (found.group("k"), found.group("s")) else { return };
    let text = value.as_str().trim_end_matches(';');
    let bare = text.trim_matches(['"', '\'']);
    let marked = bare.chars().any(|c| !c.is_lowercase());
    let known =
        matches!(name.as_str(), "requirepass" | "masterauth" | "bindpw" | "rootpw" | "password" | "psk" | "passphrase");
    // `PASS x` is a line of a protocol, or a test's.
    if name.as_str() != "PASS"
        && is_secret(name.as_str())
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
