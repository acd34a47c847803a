//! What a browser or program shows a server to be let in: `Authorization`, cookies, and their relatives.

use std::ops::Range;

use super::Hint::Words;
use super::Mark::Secret;
use super::key::is_hole;
use super::{Found, Rule, take_value};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "authorization",
        mark: Secret,
        hint: Words("authorization"),
        pattern: r#"(?i)authorization\\*["']?\s*(?:=>|[:=])\s*\\*["'\[]*(?:(?:bearer|basic|token|apikey|api-key|negotiate|ntlm|digest|hawk|oauth|aws4-hmac-sha256|bot|key|splunk|genie|sso-key|mac|pass)\s+|b?["'])?\s*(?P<s>[^"'\\]*[^"'\\\s,\]}])"#,
        take: authorization,
    },
    Rule {
        id: "digest-answer",
        mark: Secret,
        hint: Words("response="),
        pattern: r#"(?i)\bresponse=\\?"?(?P<s>[0-9a-f]{32,64})(?:[^0-9a-f]|$)"#,
        take: take_value,
    },
    Rule {
        id: "bearer",
        mark: Secret,
        hint: Words("bearer |bearer%20|basic "),
        pattern: r#"(?:(?i:bearer)(?:\s+|%20)(?P<s>[A-Za-z0-9._~+/=\-]{12,})|[Bb]asic\s+(?P<t>[A-Za-z0-9+/]{12,}={0,2}))"#,
        take: bearer,
    },
    Rule {
        id: "cookie",
        mark: Secret,
        hint: Words("cookie"),
        pattern: r#"(?i)(?:^|[^a-z])(?P<set>set-)?cookie2?\\*["']?\s*(?:=>|:)\s*\\*["'\[]*(?P<s>[^"'\\\s][^"'\\]*)"#,
        take: cookie,
    },
    Rule {
        id: "secret-header",
        mark: Secret,
        hint: Words("x-|ocp-apim|private-token|job-token|deploy-token|apikey:|api-key:"),
        pattern: r#"(?i)(?:^|[^/a-z])(?:x-(?:api-key|auth-token|auth-key|auth|access-token|amz-security-token|vault-token|goog-api-key|csrf-token|xsrf-token|session-token|session-id|shopify-access-token|figma-token|consul-token|plex-token|emby-token|github-token|gitlab-token|ha-access|rapidapi-key|functions-key|api-token|token|apikey|secret|signature|hub-signature(?:-256)?|user-token|forwarded-access-token|ms-token-aad-access-token|zabbix-token)|ocp-apim-subscription-key|private-token|job-token|deploy-token|api-?key)\\*["']?\s*(?:=>|[:=])\s*\\*["'\[]*(?P<s>[^"'\\\s,;]{4,})"#,
        take: take_value,
    },
];

fn is_parts(text: &str) -> bool {
    ["username=", "realm=", "nonce=", "uri="].iter().any(|begin| text.starts_with(begin))
}

fn authorization(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (range, text) = found.secret();
    // The answer of `Digest` has a rule of its own.
    let prose = is_parts(text) || text.split_whitespace().next().is_none_or(super::key::is_prose);
    // What follows a header in the same line of a log isn't part of it.
    let end = text.find(" -H ").or_else(|| text.find("; ")).unwrap_or(text.len());
    let end = if text.contains("=") && text.contains(',') { end } else { text[..end].find(' ').unwrap_or(end) };
    if !is_hole(&text[..end]) && !prose && end >= 4 {
        taken.push(range.start..range.start + end);
    }
}

fn bearer(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    if let Some(token) = found.group("s") {
        let text = token.as_str();
        if text.chars().any(|c| c.is_ascii_digit() || matches!(c, '.' | '_')) && !text.contains("..") {
            taken.push(token.range());
        }
    } else if let Some(basic) = found.group("t") {
        let text = basic.as_str();
        if text.ends_with('=')
            || super::entropy::is_random(text)
            || text.chars().filter(|c| c.is_ascii_uppercase()).count() >= 3
                && text.chars().any(|c| c.is_ascii_lowercase())
        {
            taken.push(basic.range());
        }
    }
}

/// A session's number, not a setting such as `theme=dark`.
fn is_telling(value: &str) -> bool {
    value.len() >= 12 || value.len() >= 4 && value.chars().any(|c| c.is_ascii_digit())
}

/// Every value of a `Cookie`; the first of a `Set-Cookie`, whose others are settings.
fn cookie(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (range, text) = found.secret();
    let set = found.group("set").is_some();
    let mut at = range.start;
    for (number, pair) in text.split(';').enumerate() {
        if let Some((name, value)) = pair.split_once('=') {
            let start = at + name.len() + 1;
            // Behind the last pair the line may go on.
            let value = value.split([' ', '\t']).next().unwrap_or(value);
            if !name.trim().contains(' ') && !is_hole(value) && is_telling(value) {
                taken.push(start..start + value.len());
            }
        }
        if set && number == 0 {
            break;
        }
        at += pair.len() + 1;
    }
}
