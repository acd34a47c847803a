//! Programs that take a secret in an option or place of their own: `mysql -px`, `curl -u name:x`, `net use \\nas\d x`.
//!
//! Which programs do, and where, is a table of its own.

use std::ops::Range;
use std::sync::OnceLock;

use super::Hint::Words;
use super::Mark::Secret;
use super::argument::{LONG, arguments};
use super::key::{is_hole, is_secret};
use super::{Found, Rule};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "program-option",
    mark: Secret,
    hint: Words(NAMES),
    pattern: r#"(?:^|[\s/"'`(=;|&\[,\x00\\!])(?P<p>[A-Za-z0-9][A-Za-z0-9._-]*)(?:["']\s*,|["']|\.exe|:)?(?P<sep>[\s\x00]+|\\0+|["']|$)"#,
    take: program,
}];

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
    /// Letters of options without a value, which may stand before one of these in the same word: `-su`.
    flags: &'static str,
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
                let (options, flags) = options.split_once(" : ").unwrap_or((options, ""));
                let options = options.split(", ").filter_map(|option| option.split_once(' '));
                let options = options.filter_map(|(option, takes)| Some((option, Takes::named(takes)?)));
                let names = names.split(' ').collect();
                programs.options.push(Options { names, options: options.collect(), flags });
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
    |restic|ngrok|tailscale|wpa_passphrase|ssh-keygen|htpasswd|rabbitmqctl|isql|rclone|samba-tool|mkpasswd\
    |schtasks|etcdctl|oc login|pdf|sqlplus|expdp|impdp|openconnect|vpnc|pppd|nxc |netexec|crackmapexec|evil-winrm|vault|az \
    |httping|cockroach|ab -|siege|aws |saslpasswd2";

fn program(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let Some(program) = found.group("p") else { return };
    // Windows doesn't care how a program is written.
    let lower = program.as_str().to_ascii_lowercase();
    let shouted = !program.as_str().contains(|c: char| c.is_ascii_lowercase());
    let name = if shouted { lower.as_str() } else { program.as_str() };
    let name = name.trim_end_matches(".exe");
    let line = found.line;
    let known = |names: &[&str]| names.contains(&name);
    let table = programs();
    let listed = table.options.iter().any(|row| known(&row.names)) || table.places.iter().any(|row| known(&row.names));
    if !listed && !matches!(name, "smbclient" | "htpasswd" | "sqlplus" | "expdp" | "impdp" | "exp" | "imp" | "sqlldr") {
        return;
    }
    let words = arguments(line, program.end());
    for Options { options, flags, .. } in table.options.iter().filter(|row| known(&row.names)) {
        for (at, word) in words.iter().enumerate() {
            for (option, takes) in options {
                let Some(rest) = behind_option(&line[word.clone()], option, flags) else { continue };
                let value = value(line, &words[at..], rest, option, *takes);
                if let Some(value) = value.and_then(|value| part(line, value, *takes)) {
                    push(line, value, rest.is_empty(), name, option, taken);
                }
            }
        }
    }
    places(line, name, &words, taken);
    match name {
        "net" => net_use(line, &words, taken),
        "smbclient" => service(line, &words, taken),
        "htpasswd" => batch(line, &words, taken),
        _ => slash(line, name, &words, taken),
    }
}

/// What stands behind an option in its word, if the word is that option or a bundle that ends in it.
fn behind_option<'t>(text: &'t str, option: &str, flags: &str) -> Option<&'t str> {
    if let Some(rest) = text.strip_prefix(option) {
        return Some(rest);
    }
    let letter = option.strip_prefix('-').filter(|letter| letter.len() == 1)?;
    let bundle = text.strip_prefix('-')?;
    let rest = bundle.trim_start_matches(|c| flags.contains(c));
    (rest.len() < bundle.len()).then(|| rest.strip_prefix(letter))?
}

/// The value of an option, attached or the next word.
fn value(line: &str, words: &[Range<usize>], rest: &str, option: &str, takes: Takes) -> Option<Range<usize>> {
    let word = words.first()?;
    let text = &line[word.clone()];
    let attached = word.end - rest.len()..word.end;
    let long = option.starts_with("--") || !option.starts_with(['-', '/']) || option.len() > 3;
    // `-password` of a program that has `-p`.
    let other = || {
        takes != Takes::Attached
            && LONG.iter().any(|long| text[1..].starts_with(long))
            && is_secret(&text[1..])
            && rest.len() > 1
            && text[1..].chars().all(|c| c.is_ascii_lowercase())
    };
    if rest.is_empty() {
        if takes == Takes::Attached { None } else { words.get(1).cloned() }
    } else if let Some(rest) = rest.strip_prefix('=').filter(|_| long || takes != Takes::Attached) {
        Some(attached.end - rest.len()..attached.end)
    } else if long && !option.ends_with(':') || other() {
        None
    } else {
        Some(attached)
    }
}

/// Secrets that a program takes in a place of their own.
fn places(line: &str, name: &str, words: &[Range<usize>], taken: &mut Vec<Range<usize>>) {
    let text = |range: &Range<usize>| &line[range.clone()];
    for Place { behind, further, .. } in programs().places.iter().filter(|row| row.names.contains(&name)) {
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
}

/// `net use Z: \\server\share secret /user:name`.
fn net_use(line: &str, words: &[Range<usize>], taken: &mut Vec<Range<usize>>) {
    let text = |range: &Range<usize>| &line[range.clone()];
    if words.first().is_some_and(|word| text(word).eq_ignore_ascii_case("use")) {
        let plain = words.iter().skip(1).filter(|word| {
            let text = text(word);
            let drive = text.len() == 2 && text.ends_with(':');
            !drive && !text.starts_with(['/', '\\']) && text != "*"
        });
        taken.extend(plain.take(1).cloned());
    }
}

/// `smbclient //server/share secret -U name`: the word behind the service that belongs to no option.
fn service(line: &str, words: &[Range<usize>], taken: &mut Vec<Range<usize>>) {
    const VALUED: &[&str] =
        &["-U", "-W", "-p", "-c", "-D", "-I", "-m", "-A", "-T", "-l", "-n", "-O", "-s", "-t", "-b", "-L", "-M", "-R"];
    let text = |at: usize| words.get(at).map_or("", |word| &line[word.clone()]);
    let is_service = |at: usize| text(at).starts_with(['/', '\\']) && !VALUED.contains(&text(at.wrapping_sub(1)));
    let Some(at) = (0..words.len()).find(|at| is_service(*at)) else { return };
    let plain = (at + 1..words.len()).find(|at| !text(*at).starts_with('-') && !VALUED.contains(&text(*at - 1)));
    taken.extend(plain.filter(|at| !is_hole(text(*at))).and_then(|at| words.get(at)).cloned());
}

/// `htpasswd -bBC 10 file name secret`, `htpasswd -nb name secret`: told on the line wherever a `b` is among the options.
fn batch(line: &str, words: &[Range<usize>], taken: &mut Vec<Range<usize>>) {
    let text = |range: &Range<usize>| &line[range.clone()];
    let mut plain = Vec::new();
    let (mut told, mut printed, mut cost) = (false, false, false);
    for word in words {
        if let Some(options) = text(word).strip_prefix('-') {
            told |= options.contains('b');
            printed |= options.contains('n');
            cost = options.ends_with(['C', 'r']);
        } else if !std::mem::take(&mut cost) {
            plain.push(word);
        }
    }
    let secret = plain.get(if printed { 1 } else { 2 }).filter(|secret| told && !is_hole(text(secret)));
    taken.extend(secret.map(|secret| (*secret).clone()));
}

/// `sqlplus user/secret@db`.
fn slash(line: &str, name: &str, words: &[Range<usize>], taken: &mut Vec<Range<usize>>) {
    if !matches!(name, "sqlplus" | "expdp" | "impdp" | "exp" | "imp" | "sqlldr") {
        return;
    }
    for word in words {
        let text = &line[word.clone()];
        if let (Some(slash), false) = (text.find('/'), text.starts_with(['/', '-', '@'])) {
            let end = text.rfind('@').filter(|at| *at > slash).unwrap_or(text.len());
            taken.extend((end > slash + 1).then_some(word.start + slash + 1..word.start + end));
        }
    }
}

fn push(line: &str, value: Range<usize>, apart: bool, name: &str, option: &str, taken: &mut Vec<Range<usize>>) {
    let text = &line[value.clone()];
    // `docker run -p 8080:80` and `docker ps` take no secret; `login` does.
    let container = matches!(
        name,
        "oc" | "docker" | "podman" | "helm" | "buildah" | "nerdctl" | "skopeo" | "oras" | "crane" | "regctl"
    );
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
