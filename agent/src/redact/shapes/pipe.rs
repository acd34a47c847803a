//! Secrets that a shell hands to a program's input: `echo x | sudo -S`, `chpasswd <<< name:x`, `send "x\r"`.

use std::ops::Range;

use super::Hint::Words;
use super::Mark::Secret;
use super::argument::{arguments, token};
use super::key::is_hole;
use super::window::around;
use super::{Found, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "piped-secret",
        mark: Secret,
        hint: Words("sudo -|chpasswd|passwd|stdin|cryptsetup|kinit|passphrase-fd| su |<<<|-with-token|--unlock"),
        pattern: r#"(?:^|[\s(;&|"'`/])(?:(?P<p>echo|printf|yes)[ \t]+|(?P<h><<<)[ \t]*)"#,
        take: piped,
    },
    Rule {
        id: "substituted-secret",
        mark: Secret,
        hint: Words("<(echo|<(printf"),
        pattern: r#"<\((?:echo|printf)(?: -n| -e| ['"]?%s(?:\\n)?['"]?)? ["']?(?P<s>[^"')]+)["']?\)"#,
        take: substituted,
    },
    Rule {
        id: "sent-secret",
        mark: Secret,
        hint: Words("send "),
        pattern: r#"\bsend (?:-- )?\\?"(?P<s>[^"\\]+)\\+r"#,
        take: sent,
    },
];

/// How far a program that reads a secret may stand from it, in bytes.
const COMMAND: usize = 256;

/// What is told a program that reads a secret.
fn piped(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let line = found.line;
    if found.group("h").is_some() {
        let from = found.range().end;
        let Some((value, _)) = token(line, from) else { return };
        let near = around(line, &value, COMMAND);
        let (before, behind) = (&line[near.start..found.range().start], &line[value.end..near.end]);
        let (before, behind) = (command_before(before), command(behind));
        let reads = [before, behind].into_iter().find(|command| reads_secret(command));
        // `cat <<< x | sudo -S`.
        let piped =
            line[value.end..near.end].split_once('|').map(|(_, behind)| behind).filter(|behind| reads_secret(behind));
        if let Some(reads) = reads.or(piped) {
            told(line, value, reads, taken);
        }
        return;
    }
    let words = arguments(line, found.group("p").map_or(0, |program| program.end()));
    let Some(last) = words.last() else { return };
    let near = around(line, last, COMMAND);
    let Some(behind) = line[last.end..near.end].split_once('|').map(|(_, behind)| behind.trim_start_matches('|'))
    else {
        return;
    };
    if !reads_secret(behind) {
        return;
    }
    let printf = found.group("p").is_some_and(|program| program.as_str() == "printf");
    let is_option = |word: &Range<usize>| line[word.clone()].starts_with('-') && word.len() <= 3;
    let mut plain = words.iter().skip_while(|word| is_option(word)).peekable();
    // `printf '%s\n' x`: the format is no secret.
    if printf {
        plain.next_if(|word| line[(*word).clone()].contains("%s"));
    }
    let (Some(first), Some(last)) = (plain.peek().map(|word| word.start), words.last().map(|word| word.end)) else {
        return;
    };
    let text = &line[first..last];
    told(line, first..first + text.strip_suffix("\\n").unwrap_or(text).len(), behind, taken);
}

/// `--password-file=<(echo x)`.
fn substituted(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (range, text) = found.secret();
    let lower = found.before().to_lowercase();
    if ["pass", "key", "secret", "token"].iter().any(|word| lower.contains(word)) && !is_hole(text) {
        taken.push(range);
    }
}

/// `send "x\r"` of expect(1), where a password was asked for.
fn sent(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let asked =
        |text: &str| ["assword", "assphrase", "ontraseña", "PIN", "expect -c"].iter().any(|word| text.contains(word));
    let (range, text) = found.secret();
    if (asked(found.before()) || asked(found.previous)) && !is_hole(text) {
        taken.push(range);
    }
}

/// The command in front of a here-string.
fn command_before(before: &str) -> &str {
    before.rfind([';', '|', '&']).map_or(before, |at| &before[at + 1..])
}

/// The rest of the command behind a here-string.
fn command(behind: &str) -> &str {
    behind.find([';', '|', '&']).map_or(behind, |at| &behind[..at])
}

/// Whether a command takes a secret from its input.
fn reads_secret(command: &str) -> bool {
    const READERS: &[&str] = &[
        "chpasswd",
        "smbpasswd",
        "vncpasswd",
        "cryptsetup",
        "kinit",
        "--stdin",
        "--password-stdin",
        "--passwd-on-stdin",
        "--passphrase-fd",
        "--with-token",
        "--unlock",
        "-pass stdin",
        "-passin stdin",
        "-passout stdin",
        "/dev/stdin",
    ];
    let mut words = command.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ')' | ';')).peekable();
    while let Some(word) = words.next() {
        match word.rsplit('/').next().unwrap_or(word) {
            "sudo" => {
                while let Some(option) = words.next_if(|word| word.starts_with('-')) {
                    if option == "--stdin" || !option.starts_with("--") && option.contains('S') {
                        return true;
                    }
                }
            }
            "passwd" | "su" => return true,
            _ => {}
        }
    }
    READERS.iter().any(|reader| command.contains(reader))
}

/// Takes what is told, of `name:secret` the secret.
fn told(line: &str, value: Range<usize>, reader: &str, taken: &mut Vec<Range<usize>>) {
    let text = &line[value.clone()];
    let name = text.find(':').filter(|_| reader.contains("chpasswd")).map_or(0, |at| at + 1);
    if !is_hole(text) && !is_hole(&text[name..]) {
        taken.push(value.start + name..value.end);
    }
}
