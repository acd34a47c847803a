//! Secrets in addresses: the password of `scheme://user:password@host`, and the parts of a query that open doors.

use std::ops::Range;

use super::Hint::Words;
use super::Mark::Secret;
use super::key::{is_hole, is_number, is_secret};
use super::{Found, Rule, entropy, take_value};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "url-password",
        mark: Secret,
        hint: Words("://|%3a%2f%2f|:\\/\\/"),
        pattern: r#"(?i)[a-z][a-z0-9+.\-]{1,30}(?:://|%3A%2F%2F|:\\/\\/)(?P<u>[^\s:/?#@"'<>\[\]|,()]*):(?P<s>[^\s"'<>]+?)@(?P<h>[^\s@"'<>]*)"#,
        take: userinfo,
    },
    Rule {
        id: "url-token",
        mark: Secret,
        hint: Words("://"),
        pattern: r#"(?i)[a-z][a-z0-9+.\-]{1,30}://(?P<s>[A-Za-z0-9_\-.~+=%]{16,})@"#,
        take: lone,
    },
    Rule {
        id: "oracle-address",
        mark: Secret,
        hint: Words("jdbc:oracle"),
        pattern: r"(?i)jdbc:oracle:[a-z0-9]+:[^\s/@:]+/(?P<s>[^\s@]+)@",
        take: take_value,
    },
    Rule {
        id: "address-password",
        mark: Secret,
        hint: Words(
            "@tcp(|@unix(|@localhost|@127.|@10.|@192.168.|]:587|]:25|]:465|:3306|:5432|:27017|:6379|:5672\
            |:1433|@",
        ),
        pattern: r#"(?:^|[\s"'=,(])(?P<u>[A-Za-z_][A-Za-z0-9._\-]{0,40}):(?P<s>[^\s:/@"'=]{3,}|[^\s:@"'=]{3,})@(?P<h>tcp\(|unix\(|localhost|(?:[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?\.)+[A-Za-z0-9\-]+|[A-Za-z0-9\-]+:[0-9]{2,5}|[a-z][a-z0-9\-]{1,30}/)"#,
        take: bare,
    },
    Rule {
        id: "query",
        mark: Secret,
        hint: Words(
            "key=|token=|sig|code=|pass|pwd=|secret|auth=|credential=|session|sid=|state=|assertion=|jwt=\
            |hash=|ticket=|otp=|pin=|clave=|authkey|invite=",
        ),
        pattern: r#"(?i)(?:[?&;]|&amp;|\\u0026|%3F|%26)(?P<k>[a-z][a-z0-9_.\-\[\]]*)(?:=|%3D)(?P<s>[^\s&#"'<>;\\|)]+)"#,
        take: query,
    },
];

fn userinfo(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (Some(secret), Some(host)) = (found.group("s"), found.group("h")) else { return };
    // An unescaped `@` belongs to the password as long as another one follows before the path.
    let mut end = secret.end();
    let authority = &found.line[secret.end() + 1..];
    let reach = authority
        .find(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '<' | '>' | '?' | ','))
        .unwrap_or(authority.len());
    if let Some(at) = authority[..reach].rfind('@') {
        end = secret.end() + 1 + at;
    }
    let text = &found.line[secret.start()..end];
    // `http://host:8080/path@version`: a port, not a password.
    let port = text.split(['/', '?', '#']).next().unwrap_or("");
    let is_port = port.len() < text.len() && !port.is_empty() && port.chars().all(|c| c.is_ascii_digit());
    let path = text.contains(['/', '?']) && host.as_str().is_empty();
    if !is_port && !path && !is_hole(text) && !text.contains("://") {
        taken.push(secret.start()..end);
    }
}

fn lone(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (range, text) = found.secret();
    if entropy::is_random(text) && !text.contains('.') {
        taken.push(range);
    }
}

/// `user:password@host` without a scheme.
fn bare(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (Some(user), Some(secret), Some(host)) = (found.group("u"), found.group("s"), found.group("h")) else { return };
    let text = secret.as_str();
    let is_time = text.chars().all(|c| c.is_ascii_digit());
    let unit = host.as_str().rsplit('.').next().is_some_and(super::person::is_file_or_unit);
    let image = host.as_str().starts_with("sha256") || user.as_str() == "sha256" || host.as_str().starts_with("sha512");
    let path = text.contains('/') && (text.starts_with('/') || !text.contains(|c: char| c.is_ascii_digit()));
    // `npm:name@1.2.3`: a version, not a host.
    let version =
        host.as_str().starts_with(|c: char| c.is_ascii_digit()) && super::address::ipv4(host.as_str()).is_none();
    let label = matches!(
        user.as_str().to_ascii_lowercase().as_str(),
        "mailto"
            | "from"
            | "to"
            | "cc"
            | "bcc"
            | "sip"
            | "sips"
            | "xmpp"
            | "acct"
            | "npm"
            | "maintainer"
            | "https"
            | "http"
    );
    if !is_time && !unit && !image && !path && !version && !label && !is_hole(text) {
        taken.push(secret.range());
    }
}

fn query(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (Some(key), Some(value)) = (found.group("k"), found.group("s")) else { return };
    let name = key.as_str().to_ascii_lowercase();
    let text = value.as_str();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let opens = match name.as_str() {
        "sig"
        | "signature"
        | "x-amz-signature"
        | "x-goog-signature"
        | "x-amz-credential"
        | "x-amz-security-token"
        | "x-goog-credential"
        | "policy"
        | "key-pair-id" => true,
        "key" | "auth" | "hash" | "ticket" | "assertion" | "sid" | "session" | "invite" | "authkey" => {
            text.len() >= 12 && digits > 0
        }
        "code" | "state" => text.len() >= 12,
        _ if is_number(&name) => text.len() >= 4 && digits > 0,
        name => is_secret(name),
    };
    if opens && !is_hole(text) {
        taken.push(value.range());
    }
}
