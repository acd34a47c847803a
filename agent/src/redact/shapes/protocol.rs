//! Lines of protocols that carry a password in the clear: FTP, POP3, IMAP, SMTP, Redis, IRC.

use std::ops::Range;

use super::Hint::{Build as B, Words};
use super::Mark::Secret;
use super::key::{is_hole, is_prose};
use super::{Build, Found, Rule};

/// Name of the rule of `AUTH`, whose answers stand in the lines below.
pub(super) const AUTH_ID: &str = "protocol-auth";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "protocol-pass",
        mark: Secret,
        hint: Words("PASS |OPER |IDENTIFY "),
        pattern: r#"(?:^|[\s"'>:])(?P<k>PASS|OPER[ \t]+\S+|IDENTIFY(?:[ \t]+\S+)?|ACCT)[ \t]+(?P<s>[^\s"']+)(?:\\r|\\n)*["']?\s*$"#,
        take: pass,
    },
    Rule {
        id: "protocol-login",
        mark: Secret,
        hint: Words(" LOGIN "),
        pattern: r#"(?i)(?:^|[\s"'>:])[a-z]{0,4}\.?[0-9]{1,8} login (?P<u>"[^"]*"|[^\s"]+) (?:"(?P<t>[^"]+)"|(?P<s>[^\s"]+))(?:\\r|\\n)*["']?\s*$"#,
        take: login,
    },
    Rule {
        id: AUTH_ID,
        mark: Secret,
        hint: Words(
            "AUTH PLAIN|AUTH LOGIN|AUTHENTICATE PLAIN|AUTHENTICATE LOGIN|XOAUTH2|OAUTHBEARER|UGFzc3dvcmQ6|VXNlcm5hbWU6",
        ),
        pattern: r"(?i)auth(?:enticate)? (?:plain|login|xoauth2|oauthbearer)[ =](?P<s>[a-z0-9+/]{4,}={0,2})(?:[^a-z0-9+/=]|$)",
        take: encoded,
    },
    Rule {
        id: "protocol-answer",
        mark: Secret,
        hint: B(Build::Below),
        pattern: r#"(?:^|[\s:>"'])(?P<s>[A-Za-z0-9+/]{4,}={0,2})(?:\\r|\\n)*["']?\s*$"#,
        take: answer,
    },
    Rule {
        id: "store-auth",
        mark: Secret,
        hint: Words("AUTH |\"AUTH\"|requirepass|masterauth"),
        pattern: r#"(?:(?:^|> ?|\] |")AUTH"?(?:[ \t]+"?[A-Za-z0-9_.-]+"?)?|(?i:config set (?:requirepass|masterauth)))[ \t]+"?(?P<s>[^\s"]+)"?\s*$"#,
        take: store,
    },
];

/// `PASS x`, unless it is a test's result.
fn pass(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (range, text) = found.secret();
    let lead = found.before().trim_end();
    // Who spoke is told in front: `C:`, `>`, `--->`, `command:`. Otherwise it may be the report of a test.
    let spoken = lead.ends_with(['>', '"', '\''])
        || lead.ends_with("--")
        || ["C", "C:", "command", "ommand:", "Sent", "sent", "NickServ", "/"].iter().any(|end| lead.ends_with(end));
    let tested = text.contains(['/', '(', '[']) || text.contains("::") || {
        let lower = text.to_lowercase();
        ["test", "spec", "check"].iter().any(|word| lower.contains(word))
            || [".js", ".ts", ".py", ".go", ".c", ".rs", ".sh", ".php"].iter().any(|end| lower.ends_with(end))
    };
    let alone = lead.is_empty() || lead.ends_with([':', ']']);
    if (spoken || alone && !tested) && !is_prose(text) && !is_hole(text) {
        taken.push(range);
    }
}

/// `a1 LOGIN name x`.
fn login(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (Some(user), Some(value)) = (found.group("u"), found.group("s").or_else(|| found.group("t"))) else { return };
    if !is_prose(user.as_str()) && !is_hole(value.as_str()) {
        taken.push(value.range());
    }
}

/// `AUTH PLAIN x`, but not a list of ways to log in.
fn encoded(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (range, text) = found.secret();
    if is_base64(text) {
        taken.push(range);
    }
}

/// What follows a server's question for a name or password, which it asks in base64 too.
fn answer(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (range, text) = found.secret();
    let asked = ["334 UGFzc3dvcmQ6", "334 VXNlcm5hbWU6", "334 ", "AUTH PLAIN", "AUTH LOGIN"]
        .iter()
        .any(|end| found.previous.trim_end().ends_with(end.trim_end()));
    if asked && is_base64(text) {
        taken.push(range);
    }
}

/// Letters in both cases, or padding: a word isn't.
fn is_base64(text: &str) -> bool {
    let lower = text.chars().any(|c| c.is_ascii_lowercase());
    let upper = text.chars().any(|c| c.is_ascii_uppercase());
    text.ends_with('=')
        || text.len().is_multiple_of(4) && lower && upper && !text[1..].chars().all(|c| c.is_ascii_lowercase())
}

/// `AUTH x`, `AUTH name x`, `CONFIG SET requirepass x`.
fn store(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (range, text) = found.secret();
    let mechanism = matches!(text, "PLAIN" | "LOGIN" | "TLS" | "SSL" | "NTLM" | "GSSAPI" | "CRAM-MD5" | "XOAUTH2");
    if !mechanism && !is_prose(text) && !is_hole(text) {
        taken.push(range);
    }
}
