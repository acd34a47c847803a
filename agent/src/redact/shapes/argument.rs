//! Secrets in command lines: `--password x` of any program, and the options of single programs that take one.
//!
//! A command line is found in `ps`, in journals and histories, and as a JSON or YAML list of arguments.

use std::ops::Range;
use std::sync::OnceLock;

use super::Hint::Words;
use super::Mark::Secret;
use super::key::{is_hole, is_number, is_prose, is_secret};
use super::{Found, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "option",
        mark: Secret,
        hint: Words("-pass|-pw|-secret|-token|key|pass|token|secret|psk|cred|-auth|-pin|clave|-otp|-jwt"),
        pattern: r#"(?:^|[\s"'`,=(\[\x00])(?:--?|/)(?P<k>[A-Za-z][A-Za-z0-9_.\-]*)(?P<sep>=|:|[ \t\x00]+=?[ \t]*|\\+0+|["']\s*,\s*(?:["'])?)"#,
        take: option,
    },
    Rule {
        id: "program-option",
        mark: Secret,
        hint: Words(NAMES),
        pattern: r#"(?:^|[\s/"'`(=;|&\[,\x00\\!])(?P<p>[A-Za-z0-9][A-Za-z0-9._-]*)(?:["']\s*,|["']|\.exe|:)?(?P<sep>[\s\x00]+|\\0+|["']|$)"#,
        take: program,
    },
];

/// `--requirepass x`, `--token=x`, `-Dpassword=x`, `"--requirepass","x"`.
fn option(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (Some(key), Some(sep)) = (found.group("k"), found.group("sep")) else { return };
    // `-pSecret` of a program is no option of that name, and a mark is none either.
    let single = !found.line[..key.start()].ends_with("--");
    let attached = single
        && key.as_str().strip_prefix(['p', 'P']).is_some_and(is_secret)
        && !LONG.iter().any(|begin| key.as_str().starts_with(begin));
    if attached || found.line[..key.start()].ends_with("[redacted:") {
        return;
    }
    if !is_secret(key.as_str()) || is_number(key.as_str()) && !found.after().starts_with(|c: char| c.is_ascii_digit()) {
        return;
    }
    let Some((range, quoted)) = token(found.line, sep.end()) else { return };
    let text = &found.line[range.clone()];
    let apart = sep.as_str().trim().is_empty();
    let slash = found.range().start < key.start() && found.line[..key.start()].ends_with('/');
    if is_hole(text)
        || (apart
            && (text.starts_with('-')
                || slash
                || (!quoted && is_prose(text) && !matches!(text, "password" | "secret"))))
    {
        return;
    }
    // `-pass pass:x` of openssl.
    let scheme = ["pass:", "env:", "file:", "fd:", "stdin"].into_iter().find(|scheme| text.starts_with(scheme));
    match scheme {
        Some("pass:") => taken.push(range.start + 5..range.end),
        Some(_) => {}
        None => taken.push(range),
    }
}

/// Beginnings of long options with one dash.
const LONG: &[&str] = &["pass", "pw", "psk", "priv", "prox", "pre", "pub", "pin", "Pass", "Priv", "Prox", "PSK"];

/// What a short option of a program takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// A secret, as the next word or attached.
    Word,
    /// A secret, attached only: apart it is something else.
    Attached,
    /// `user:secret`.
    Colon,
    /// `user%secret`.
    Percent,
    /// `pass:secret`.
    Scheme,
    /// `user,secret`.
    Comma,
    /// `name=secret`.
    Pair,
}

impl Takes {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "word" => Self::Word,
            "attached" => Self::Attached,
            "colon" => Self::Colon,
            "percent" => Self::Percent,
            "scheme" => Self::Scheme,
            "comma" => Self::Comma,
            "pair" => Self::Pair,
            _ => return None,
        })
    }
}

/// Programs with their arguments that are secrets.
struct Programs {
    options: Vec<Options>,
    places: Vec<Place>,
}

/// Options of some programs that take a secret.
struct Options {
    names: Vec<&'static str>,
    options: Vec<(&'static str, Takes)>,
}

/// The argument of some programs that is a secret by its place.
struct Place {
    names: Vec<&'static str>,
    /// A word that must stand before; none, if it is counted from the program.
    behind: Option<&'static str>,
    /// How many words further.
    further: usize,
}

/// The table in `programs.txt`.
fn programs() -> &'static Programs {
    static PROGRAMS: OnceLock<Programs> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let mut programs = Programs { options: Vec::new(), places: Vec::new() };
        for line in include_str!("programs.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some((names, options)) = line.split_once(" : ") {
                let options = options.split(", ").filter_map(|option| option.split_once(' '));
                let options = options.filter_map(|(option, takes)| Some((option, Takes::named(takes)?)));
                programs.options.push(Options { names: names.split(' ').collect(), options: options.collect() });
            } else if let Some((names, place)) = line.split_once(" after ") {
                let mut words = place.rsplit(' ');
                let further = words.next().and_then(|number| number.parse().ok()).unwrap_or(0);
                programs.places.push(Place { names: names.split(' ').collect(), behind: words.next(), further });
            }
        }
        programs
    })
}

const NAMES: &str = "mysql|mycli|mariadb|mytop|mydumper|xtrabackup|redis-|valkey-cli|keydb-cli|sshpass|curl|http|xh |wget\
    |aria2c|smb|rpcclient|net use|net user|net rpc|net ads|net share|net.exe|\"net\"|net -|wbinfo|ldap\
    |mosquitto|mongo|docker|podman|helm|buildah|skopeo|sqlcmd|bcp |osql|tsql|ipmi|snmp|openssl|zip|7z|rar \
    |unrar|rdesktop|freerdp|cqlsh|clickhouse-client|influx|psexec|wmiexec|vnc|teamviewer|lftp|ncftp|sendemail\
    |swaks|svn |plink|pscp|psftp|useradd|usermod|nmcli|iwctl|wpa_cli|iwconfig|hydra|medusa|gpg|qpdf|pdftk\
    |restic|ngrok|tailscale|wpa_passphrase|ssh-keygen|htpasswd|rabbitmqctl|isql|rclone|samba-tool|mkpasswd|chpasswd\
    |sudo -S|--stdin|sqlplus|expdp|impdp|openconnect|vpnc|pppd|nxc |netexec|crackmapexec|evil-winrm|vault|az \
    |httping|cockroach|ab -|siege|aws |saslpasswd2";

fn program(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let Some(program) = found.group("p") else { return };
    let name = program.as_str().trim_end_matches(".exe");
    let line = found.line;
    let from = program.end();
    let known = |names: &[&str]| names.contains(&name);
    let table = programs();
    if !table.options.iter().any(|row| known(&row.names)) && !table.places.iter().any(|row| known(&row.names)) {
        return piped(found, name, taken);
    }
    let words = arguments(line, from);
    let text = |range: &Range<usize>| &line[range.clone()];
    for Options { options, .. } in table.options.iter().filter(|row| known(&row.names)) {
        for (at, word) in words.iter().enumerate() {
            for (option, takes) in options {
                let Some(rest) = text(word).strip_prefix(option) else { continue };
                let attached = word.end - rest.len()..word.end;
                let long = option.starts_with("--") || !option.starts_with(['-', '/']) || option.len() > 3;
                let value = if rest.is_empty() {
                    if *takes == Takes::Attached { None } else { words.get(at + 1).cloned() }
                } else if let Some(rest) = rest.strip_prefix('=').filter(|_| long || *takes != Takes::Attached) {
                    Some(attached.end - rest.len()..attached.end)
                } else if long && !option.ends_with(':')
                    || *takes != Takes::Attached
                        && LONG.iter().any(|long| text(word)[1..].starts_with(long))
                        && is_secret(&text(word)[1..])
                        && rest.len() > 1
                        && text(word)[1..].chars().all(|c| c.is_ascii_lowercase())
                {
                    None
                } else {
                    Some(attached)
                };
                if let Some(value) = value.and_then(|value| part(line, value, *takes)) {
                    push(line, value, rest.is_empty(), name, option, taken);
                }
            }
        }
    }
    for Place { behind, further, .. } in table.places.iter().filter(|row| known(&row.names)) {
        let start = match behind {
            None => Some(0),
            Some(behind) => words.iter().position(|word| text(word) == *behind).map(|at| at + 1),
        };
        let plain: Vec<&Range<usize>> = words
            .iter()
            .skip(start.unwrap_or(usize::MAX))
            .filter(|word| {
                let switch = name.starts_with("net") && text(word).starts_with('/');
                !switch && !text(word).starts_with('-')
            })
            .collect();
        if let Some(value) = plain.get(*further).filter(|value| !is_hole(text(value)) && !text(value).contains(':')) {
            taken.push((*value).clone());
        }
    }
    net_use(line, name, &words, taken);
}

/// `net use Z: \\server\share secret /user:name`.
fn net_use(line: &str, name: &str, words: &[Range<usize>], taken: &mut Vec<Range<usize>>) {
    let text = |range: &Range<usize>| &line[range.clone()];
    if name.eq_ignore_ascii_case("net") && words.first().is_some_and(|word| text(word).eq_ignore_ascii_case("use")) {
        let plain = words.iter().skip(1).filter(|word| {
            let text = text(word);
            let drive = text.len() == 2 && text.ends_with(':');
            !drive && !text.starts_with(['/', '\\']) && text != "*"
        });
        taken.extend(plain.take(1).cloned());
    }
}

/// `echo secret | sudo -S`, `echo user:secret | chpasswd`, `sqlplus user/secret@db`.
fn piped(found: &Found<'_>, name: &str, taken: &mut Vec<Range<usize>>) {
    let line = found.line;
    let from = found.group("p").map_or(0, |program| program.end());
    match name {
        "echo" | "printf" => {
            let Some(bar) = line[from..].find('|') else { return };
            let behind = line[from + bar + 1..].trim_start();
            let reads = behind.contains("sudo -S")
                || behind.contains("chpasswd")
                || behind.contains("--stdin")
                || behind.contains("--password-stdin")
                || behind.contains("-pass stdin")
                || behind.contains("cryptsetup")
                || behind.contains("kinit");
            if reads {
                let told = arguments(line, from);
                let told = told.iter().find(|word| !line[(*word).clone()].starts_with('-'));
                let value = told.cloned().map(|word| {
                    let behind_name = line[word.clone()].find(':').filter(|_| behind.contains("chpasswd"));
                    word.start + behind_name.map_or(0, |at| at + 1)..word.end
                });
                taken.extend(value.filter(|value| !is_hole(&line[value.clone()])));
            }
        }
        "sqlplus" | "expdp" | "impdp" | "exp" | "imp" | "sqlldr" => {
            for word in arguments(line, from) {
                let text = &line[word.clone()];
                if let (Some(slash), false) = (text.find('/'), text.starts_with(['/', '-', '@'])) {
                    let end = text.rfind('@').filter(|at| *at > slash).unwrap_or(text.len());
                    taken.extend((end > slash + 1).then_some(word.start + slash + 1..word.start + end));
                }
            }
        }
        _ => {}
    }
}

fn push(line: &str, value: Range<usize>, apart: bool, name: &str, option: &str, taken: &mut Vec<Range<usize>>) {
    let text = &line[value.clone()];
    // `docker run -p 8080:80` and `docker ps` take no secret; `login` does.
    let container =
        matches!(name, "docker" | "podman" | "helm" | "buildah" | "nerdctl" | "skopeo" | "oras" | "crane" | "regctl");
    if container && option == "-p" && !line.contains("login") {
        return;
    }
    if matches!(name, "useradd" | "usermod" | "adduser") && !text.starts_with('$') && text.starts_with('/') {
        return;
    }
    if name == "7z" && text.is_empty() || is_hole(text) || (apart && text.starts_with('-') && text.len() > 1) {
        return;
    }
    if option == "-c" && matches!(text, "public")
        || matches!(name, "unzip" | "zip" | "openssl") && apart && text.starts_with('/')
    {
        return;
    }
    taken.push(value);
}

/// The secret part of an option's value.
fn part(line: &str, value: Range<usize>, takes: Takes) -> Option<Range<usize>> {
    let text = &line[value.clone()];
    let behind = |mark: char| text.find(mark).map(|at| value.start + at + 1..value.end);
    match takes {
        Takes::Word | Takes::Attached => Some(value),
        Takes::Colon => behind(':').or_else(|| behind('%')),
        Takes::Percent => behind('%'),
        Takes::Comma => behind(','),
        Takes::Pair => behind('='),
        Takes::Scheme => text.strip_prefix("pass:").map(|rest| value.end - rest.len()..value.end),
    }
    .filter(|value| !value.is_empty())
}

/// The words of a command line up to its end, without their quotes.
fn arguments(line: &str, from: usize) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut at = from;
    let in_list = line[from..].trim_start().starts_with("\",") || line[from..].trim_start().starts_with("',");
    while let Some((range, _)) = word(line, at, in_list) {
        let text = &line[range.clone()];
        if matches!(text, "|" | ";" | "&&" | "||" | "&") && !in_list {
            break;
        }
        let ends = text.ends_with(';') && !in_list;
        at = range.end;
        let end = if ends { range.end - 1 } else { range.end };
        let numbered = audited(&line[range.start..end]);
        let (start, end) = (range.start + numbered, if numbered > 0 { end - 1 } else { end });
        if end > start {
            words.push(start..end);
        }
        if ends || words.len() >= ARGUMENTS_MAX {
            break;
        }
    }
    words
}

/// Length of `a1="` in front of a word, as the audit log numbers them.
fn audited(word: &str) -> usize {
    let digits = word.strip_prefix('a').map_or(0, |rest| rest.chars().take_while(char::is_ascii_digit).count());
    let quoted = word.len() > digits + 3 && digits > 0 && word[1 + digits..].starts_with("=\"") && word.ends_with('"');
    if quoted { digits + 3 } else { 0 }
}

/// Most words of a command line that are looked at.
const ARGUMENTS_MAX: usize = 128;

/// The value of an option: the next word.
fn token(line: &str, at: usize) -> Option<(Range<usize>, bool)> {
    let opened = line[..at].chars().next_back().filter(|c| matches!(c, '"' | '\''));
    if let Some(quote) = opened {
        let end = line[at..].find(quote).map_or(line.len(), |end| at + end);
        return (end > at).then_some((at..end, true));
    }
    word(line, at, false)
}

/// The next word behind `at`: what stands between spaces, quotes, NUL bytes, or the marks of a list.
fn word(line: &str, at: usize, in_list: bool) -> Option<(Range<usize>, bool)> {
    let is_gap = |c: char| c.is_whitespace() || c == '\0' || (in_list && matches!(c, ',' | '[' | ']'));
    let rest = line.get(at..)?;
    // The closing quote of the word before.
    let rest_after = rest.strip_prefix(['"', '\'']).unwrap_or(rest);
    let rest_after = rest_after.trim_start_matches(is_gap);
    let rest_after = rest_after.strip_prefix("\\0").or_else(|| rest_after.strip_prefix("\\x00")).unwrap_or(rest_after);
    let at = at + rest.len() - rest_after.len();
    let rest = rest_after;
    let first = rest.chars().next()?;
    let slashes = if first == '\\' && (rest.starts_with("\\\"") || rest.starts_with("\\'")) { 1 } else { 0 };
    let quote = rest[slashes..].chars().next().filter(|c| matches!(c, '"' | '\''));
    if let Some(quote) = quote {
        let open = slashes + 1;
        let end = rest[open..].find(quote).map_or(rest.len(), |end| open + end);
        let end = if slashes == 1 && rest[..end].ends_with('\\') { end - 1 } else { end };
        return Some((at + open..at + end, true)).filter(|(range, _)| !range.is_empty());
    }
    let mut end = rest.len();
    let mut quoted = None;
    for (place, c) in rest.char_indices() {
        if let Some(quote) = quoted {
            if c == quote {
                quoted = None;
            }
        } else if c == '"' || c == '\'' {
            // `-p'secret'` goes on, the end of the string that holds the whole command doesn't.
            let opens = rest[place + 1..].starts_with(|c: char| !is_gap(c) && !matches!(c, ',' | ')' | ']' | '}'))
                && rest[place + 1..].contains(c);
            if opens && place > 0 {
                quoted = Some(c);
            } else {
                end = place;
                break;
            }
        } else if is_gap(c)
            || c == '`'
            || rest[place..].starts_with("\\0")
            || rest[place..].starts_with("\\x00")
            || rest[place..].starts_with("\\n")
        {
            end = place;
            break;
        }
    }
    let text = rest[..end].trim_end_matches(|c| matches!(c, ')' | ']' | ',') && !in_list);
    (!text.is_empty()).then(|| (at..at + text.len(), false))
}
