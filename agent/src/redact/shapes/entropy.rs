//! Long strings that nobody would write by hand: keys without a name.
//!
//! Checksums, commits, identifiers of software, fingerprints and public keys look the same; what stands around tells them
//! apart. Where nothing does, forty hexadecimal digits are a commit, and other lengths are hidden.

use std::ops::Range;

use super::Hint::Build as B;
use super::Mark::Secret;
use super::person::is_file_or_unit;
use super::window::around;
use super::{Build, Found, Rule};
use crate::redact::list::words;

pub(super) const RULES: &[Rule] = &[
    Rule { id: "random-hex", mark: Secret, hint: B(Build::Long), pattern: r"(?:0x)?[0-9a-fA-F]{32,}", take: hex },
    Rule { id: "random-text", mark: Secret, hint: B(Build::Long), pattern: r"[A-Za-z0-9+/_=~.-]{20,}", take: random },
];

/// Words in a line that say that a long number is public.
const PUBLIC: &str = "sha1|sha256|sha512|sha224|sha384|md5|checksum|digest|commit|hash|git|etag|uuid|guid|build id|buildid\
    |build-id|fingerprint|huella|docker|containerd|overlay|snapshot|image|layer|container|blob|boot_id|boot id\
    |-- boot|machine_id|invocation|cursor|_id=|revision|branch|merge|rebase|head|tree|parent|object|pack-\
    |integrity|serial number:|modulus|subject key|authority key|thumbprint|signature|public key|blake|crc|tlsh\
    |imphash|suma|invocationid|cid:|refs/|sum:|store path|trust anchor| ds |drv|inrelease|packages.|release \
    |cgroup|pod|sandbox|trace|span|request id|request-id|req_id|correlation|x-request|transaction|partuuid\
    |ref:|cherry|origin/|checkout|describe|wwn|nqn|eui|edid|modalias|volume|network id|torrent|btih|kernel:\
    |slsa|attest|sbom|provenance|cosign|bytecode|opcode";
/// Words in a line that say that it isn't.
const SECRET: &str = "secret|token|password|passwd|passphrase|private|api key|api_key|apikey|psk|credential|clave|contrase|auth=\
    |session|seed|license|preshared|bearer";

/// How far from a number such a word may stand, in bytes.
const CONTEXT: usize = 512;

fn hex(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let range = found.range();
    let text = &found.line[range.clone()];
    let text = text.strip_prefix("0x").unwrap_or(text);
    let (before, after) = (found.before(), found.after());
    let glued = |c: char| c.is_alphanumeric() || matches!(c, '/' | '\\' | '.' | '+' | '~');
    // A piece of a longer word, a folder or a file.
    if before.ends_with(glued) && !before.ends_with("//")
        || after.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '/' | '\\' | '+' | '='))
        || is_file_behind(after)
    {
        return;
    }
    let kinds = |range: std::ops::RangeInclusive<char>| text.chars().filter(|c| range.contains(c)).count();
    let (digits, letters) = (kinds('0'..='9'), kinds('a'..='f') + kinds('A'..='F'));
    if digits < 3
        || letters < 3
        || entropy(text) < 2.8
        || text.chars().any(|c| c.is_ascii_lowercase())
            && text.chars().any(|c| c.is_ascii_uppercase())
            && text.len() < 40
            && digits < 8
    {
        return;
    }
    let context = around(found.line, &range, CONTEXT);
    let near = found.line[context.start..range.start].to_lowercase();
    let line = found.line[context].to_lowercase();
    let secret = words(SECRET).any(|word| line.contains(word));
    // `hash  file`: the sum of a file, or of a commit and its subject.
    let listed =
        before.trim().is_empty() && (after.starts_with("  ") || after.starts_with(" *") || after.starts_with(' '));
    let labelled = near.ends_with([':', '-', '@', '_'])
        && near.trim_end_matches([':', '-', '@', '_']).ends_with(|c: char| c.is_ascii_alphanumeric())
        && !secret;
    let public = words(PUBLIC).any(|word| line.contains(word));
    let harmless = listed || public || text.len() == 40;
    if (harmless && !secret) || labelled || after.starts_with("..") || before.ends_with("..") {
        return;
    }
    if secret && public && !words(SECRET).any(|word| near.rfind(word).is_some_and(|at| at + 48 > near.len())) {
        return;
    }
    taken.push(range);
}

/// `mozilla/DigiCert_Global_Root_G2.crt`: short words and an ending.
fn is_file_name(text: &str) -> bool {
    const WORD_MAX: usize = 16;
    let ending = text.rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| matches!(ending, "crt" | "pem" | "cer" | "der") || is_file_or_unit(ending))
        && text.split(['/', '_', '-', '.']).all(|word| word.len() <= WORD_MAX)
}

/// `.json`, `.service`, `.scope`, `-file`: the number is part of a name.
fn is_file_behind(after: &str) -> bool {
    let rest = after.strip_prefix(['.', '-', '_']);
    rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_alphanumeric()))
}

fn random(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let whole = found.range();
    let line = found.line;
    let (before, after) = (found.before(), found.after());
    if is_public(before, after) {
        return;
    }
    // Of `name=value` and `folder/file` the pieces are looked at, and so is the whole.
    let text = &line[whole.clone()];
    let mut from = whole.start;
    if let Some(at) = text
        .find('=')
        .filter(|at| text[*at + 1..].len() >= 20 && text[..*at].len() <= 40 && !text[*at + 1..].starts_with('='))
    {
        if is_public(&line[..from + at + 1], after) {
            return;
        }
        from += at + 1;
    }
    let range = from..whole.end;
    let text = line[range.clone()].trim_end_matches(['.', '-', '_', '~']);
    let range = range.start..range.start + text.len();
    if before.ends_with(['/', '\\', '.', '@', '$', '%', '#', ':'])
        && !before.ends_with("//")
        && !before.ends_with(": ")
        && (before.ends_with(['/', '\\', '.', '@', '$']) || is_labelled(before))
    {
        return;
    }
    if text.starts_with(['/', '.', '~', '-'])
        && text.contains('/')
        && text[1..].contains(['/', '.'])
        && !text.ends_with('=')
    {
        return;
    }
    // The name of a file's kind, and keys that everybody may see: RSA, ECDSA, Ed25519, and those of security keys.
    const PUBLIC_KEYS: [&str; 5] = ["PuTTY-User-Key", "AAAAB3NzaC1", "AAAAC3NzaC1", "AAAAE2VjZHNh", "AAAAGnNr"];
    if PUBLIC_KEYS.iter().any(|begin| text.starts_with(begin)) {
        return;
    }
    if is_file_name(text) {
        return;
    }
    if is_random(text) {
        taken.push(range);
        return;
    }
    // A long word of a file's name or of a list with dots.
    for piece in pieces(text) {
        let part = &text[piece.clone()];
        if part.len() >= 32 && part.len() < text.len() && !text.contains('/') && is_random(part) {
            taken.push(range.start + piece.start..range.start + piece.end);
        }
    }
}

fn pieces(text: &str) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for (at, c) in text.char_indices().chain([(text.len(), '.')]) {
        if matches!(c, '.' | '~' | '=') {
            if at > from {
                pieces.push(from..at);
            }
            from = at + 1;
        }
    }
    pieces
}

/// `SHA256:…`, `sha512-…`: what a colon or dash says that it is.
fn is_labelled(before: &str) -> bool {
    let before = &before[around(before, &(before.len()..before.len()), 64).start..];
    let label = before.trim_end_matches([':', '-', '=']).to_lowercase();
    [
        "sha256",
        "sha512",
        "sha384",
        "sha1",
        "md5",
        "digest",
        "hash",
        "etag",
        "fingerprint",
        "integrity",
        "key id",
        "invocation",
        "id",
    ]
    .iter()
    .any(|end| label.ends_with(end))
}

/// Whether what stands around says that a string is public: fingerprints, public keys, pictures, symbols.
fn is_public(before: &str, after: &str) -> bool {
    let near = before[around(before, &(before.len()..before.len()), 64).start..].to_lowercase();
    const MARKS: &str = "sha256:|sha512-|sha384-|sha256-|sha1-|ssh-rsa |ssh-ed25519 |ssh-dss |ecdsa-sha2-nistp256 \
        |ecdsa-sha2-nistp384 |ecdsa-sha2-nistp521 |sk-ssh-ed25519@openssh.com \
        |sk-ecdsa-sha2-nistp256@openssh.com |base64,|publickey = |publickey=|public key: |public_key: \
        |public_key=|public-key = |publickey: |\"publickey\": \"|peer: |integrity\": \"|integrity=\"\
        |certificate-authority-data: |client-certificate-data: |certificate-data: |fingerprint: |change-id: |fingerprint=\
        |hash=|digest=|checksum=|fingerprint |etag: |etag=|cursor=|__cursor=|s=|-----begin certificate-----\
        |dkim|v=dkim1; |p=|symbol |modalias|pin-sha256=\"|age1|minisign|caller ";
    words(MARKS).any(|mark| near.ends_with(mark))
        || near.ends_with("\\n") && near.contains("begin cert")
        || after.starts_with('(')
        || near.contains("begin certificate")
        || near.contains("begin public key")
}

/// Whether a string has the mixture of a random one: every kind of character, changing all the time.
pub(super) fn is_random(text: &str) -> bool {
    let bare = text.trim_end_matches('=');
    let kind = |c: char| -> usize {
        if c.is_ascii_lowercase() {
            0
        } else if c.is_ascii_uppercase() {
            1
        } else if c.is_ascii_digit() {
            2
        } else {
            3
        }
    };
    let mut counts = [0_usize; 4];
    bare.chars().for_each(|c| counts[kind(c)] += 1);
    let [lower, upper, digits, marks] = counts;
    let length = lower + upper + digits + marks;
    if length < 20 || is_uuid_like(bare) || marks * 5 > length {
        return false;
    }
    let kinds: Vec<usize> = bare.chars().map(kind).filter(|kind| *kind < 3).collect();
    let changes = kinds.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let rate = changes * 100 / kinds.len().max(1);
    let padded = text.ends_with('=') && length >= 22;
    if lower > 0 && upper > 0 && digits > 0 {
        let wordy = longest_word(bare) >= 9 && marks > 1;
        return (rate >= 38 || length >= 32 && rate >= 33 || padded && rate >= 30)
            && entropy(bare) >= 3.6
            && !wordy
            && upper + lower > 5
            && !is_listing(bare);
    }
    if lower > 0 && upper > 0 && length >= 32 && marks == 0 {
        // Base64 without a digit by chance.
        return rate >= 38 && entropy(bare) >= 4.0;
    }
    // One case only: base32 and base36, longer and with digits all over. Hexadecimal ones have their own rule.
    let one_case = (lower == 0) != (upper == 0);
    let all_hex = bare.chars().all(|c| c.is_ascii_hexdigit() || !c.is_ascii_alphanumeric());
    one_case && !all_hex && marks == 0 && length >= 32 && digits >= 4 && rate >= 25 && entropy(bare) >= 3.8
}

/// `8-4-4-4-12` hexadecimal digits, whatever stands around.
fn is_uuid_like(text: &str) -> bool {
    let groups: Vec<&str> = text
        .split(['-', '_', '.', ':', '='])
        .filter(|group| group.len() >= 4 && group.chars().all(|c| c.is_ascii_hexdigit()))
        .collect();
    groups.windows(5).any(|groups| groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]))
}

/// An alphabet in order: the constant of a decoder.
fn is_listing(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.windows(2).filter(|pair| pair[1] == pair[0].wrapping_add(1)).count() * 3 > bytes.len()
}

/// Longest run of small letters: of a random string it is short.
fn longest_word(text: &str) -> usize {
    text.split(|c: char| !c.is_ascii_lowercase()).map(str::len).max().unwrap_or(0)
}

/// Shannon's entropy of the characters, in bits each.
fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    text.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    #[expect(clippy::cast_precision_loss, reason = "a string of a line is short")]
    let length = text.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / length)
        .map(|share| -share * share.log2())
        .sum()
}
