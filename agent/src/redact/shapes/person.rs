//! What tells who somebody is: e-mail addresses, cards, bank accounts, identity documents, telephone numbers.
//!
//! Each is believed only with its check letter, sum or notation: an order number, an ISBN and a unit's name stay.

use std::ops::Range;

use super::Hint::{Build as B, Words};
use super::Mark::Personal;
use super::{Build, Found, Rule, take};
use crate::redact::list::{self, has};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "email",
        mark: Personal,
        hint: Words("@|%40|(at)|[at]|\\u0040|\\x40|&#64;| at "),
        pattern: r"(?i)(?P<l>[\p{L}0-9_][\p{L}0-9._%+'~-]*)(?:@|%40|\\u0040|\\x40|&#64;| ?[(\[]at[)\]] ?)(?P<d>(?:[\p{L}0-9]+(?:-+[\p{L}0-9]+)*(?:\.| ?[(\[]dot[)\]] ?))+(?P<t>(?:xn--[a-z0-9]+|\p{L}{2,})))",
        take: email,
    },
    Rule {
        id: "card",
        mark: Personal,
        hint: B(Build::Groups),
        pattern: r"(?:^|[^0-9A-Za-z.,+-]|[^0-9A-Za-z][.,+-]|[A-Za-z][:=_])(?P<s>[2-6][0-9]{3}(?:[ -]?[0-9]{4}){3}(?:[ -]?[0-9]{3})?|[2-6][0-9]{3}\.[0-9]{4}\.[0-9]{4}\.[0-9]{4}|3[47][0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{5}|3(?:0[0-5]|[689][0-9])[0-9][ -]?[0-9]{6}[ -]?[0-9]{4})(?:[^0-9A-Za-z_.-]|[.-](?:[^0-9A-Za-z]|$)|$)",
        take: card,
    },
    Rule {
        id: "iban",
        mark: Personal,
        hint: B(Build::Country),
        pattern: r"(?:^|[^A-Za-z0-9])(?P<s>[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]{4}){2,7}(?:[ -]?[A-Za-z0-9]{1,3})?)",
        take: iban,
    },
    Rule {
        id: "bank-account",
        mark: Personal,
        hint: B(Build::Groups),
        pattern: r"(?:^|[^0-9A-Za-z])(?P<s>[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{2}[ -]?[0-9]{10})(?:[^0-9A-Za-z]|$)",
        take: account,
    },
    Rule {
        id: "identity-number",
        mark: Personal,
        hint: B(Build::Digits),
        pattern: r"(?:^|[^A-Za-z0-9._/+-]|[^A-Za-z0-9][-./+]|[A-Za-z][:=_/-])(?P<s>(?:[0-9]{8}|[XYZxyz][- ]?[0-9]{7}|[KLMklm][0-9]{7})[- ]?[A-Za-z])(?:[^A-Za-z0-9_]|$)",
        take: identity,
    },
    Rule {
        id: "identity-number-dotted",
        mark: Personal,
        hint: B(Build::Dots2),
        pattern: r"(?:^|[^A-Za-z0-9.])(?P<s>(?:[0-9]{1,2}|[XYZxyz]-?[0-9])\.[0-9]{3}\.[0-9]{3}[- ]?[A-Za-z])(?:[^A-Za-z0-9]|$)",
        take: identity,
    },
    Rule {
        id: "social-security",
        mark: Personal,
        hint: Words("seguridad social|nuss|naf|ssn|social security|afiliaci"),
        pattern: r"(?i)(?:seguridad social|nuss|\bnaf|\bssn|social security(?: number)?|afiliaci[oó]n)[^0-9\n]{1,12}(?P<s>[0-9]{2}[ /-]?[0-9]{8}[ /-]?[0-9]{2}|[0-9]{3}-[0-9]{2}-[0-9]{4})",
        take,
    },
    Rule {
        id: "phone",
        mark: Personal,
        hint: Words("+|tel|phone|móvil|movil|0034|mobile|msisdn|whatsapp|celular|llam|contact|fax|tlf|tfno"),
        pattern: r"(?i)(?:^|[^0-9A-Za-z.+)*/^-])(?P<s>(?:\+|00)34[ .-]?[6789](?:[ .-]?[0-9]){8}|\+[1-9][0-9]{0,2}(?:[ .-]?\([0-9]{1,4}\))?(?:[ .-][0-9]{2,5}){2,5})(?:[^0-9A-Za-z_:-]|[:-](?:[^0-9]|$)|$)|(?:tel:|callto:|(?:tel[eé]fono|m[oó]vil|phone|mobile|whatsapp|msisdn|celular|tlf|tfno|tel|contacto?|fax)(?:_?number|\.? ?n[uú]m(?:ero)?)?\\?[\x22']?\s*[:=]\s*\\?[\x22']?)(?P<t>\+?[0-9(][0-9 ().-]{6,18}[0-9])",
        take: phone,
    },
    Rule {
        id: "phone-told",
        mark: Personal,
        hint: Words("tel|phone|móvil|movil|mobile|whatsapp|celular|llám|llam|fax|tlf|tfno|número|numero|contact|call "),
        pattern: r"(?i)(?:^|[^\p{L}0-9])(?:tel|tel[eé]fono|tlfn?o?|tfno|m[oó]vil|phone|mobile|whatsapp|celular|fax|call|n[uú]mero|contacto?|ll[aá]m[a-z]+(?: al?)?)\.?(?: (?:de|del|of) (?:la |el )?\p{L}+)?(?: (?:es|is|al|at|me|number))?(?: el)?[ \t]+(?P<s>[6789][0-9]{2}[ .-]?[0-9]{3}[ .-]?[0-9]{3}|[6789][0-9]{2}(?:[ .-]?[0-9]{2}){3}|\([0-9]{3}\) ?[0-9]{3}[ -][0-9]{4}|[2-9][0-9]{2}-[0-9]{3}-[0-9]{4})(?:[^0-9A-Za-z_:.%/-]|[.](?:[^0-9]|$)|$)",
        take: phone_told,
    },
];

/// Accounts of programs in addresses of public projects: names of algorithms and repositories.
const PUBLIC_DOMAINS: &str = "openssh.com|libssh.org|ssh.com|lysator.liu.se|tinyssh.org|projects.tartarus.org\
    |putty.projects.tartarus.org|gnome-shell-extensions.gcampax.github.com|gnome.org|mozilla.org|mozilla.com\
    |firefox.com|ubuntu.com|debian.org|lists.debian.org|lists.ubuntu.com|kernel.org|vger.kernel.org\
    |freedesktop.org|lists.freedesktop.org|kde.org|redhat.com|fedoraproject.org|archlinux.org|gnu.org\
    |canonical.com|python.org|apache.org|users.noreply.github.com|rastersoft.com|micxgx.gmail.com\
    |raymondhill.net|jetpack|search.mozilla.org|packages.debian.org|alioth.debian.org|alioth-lists.debian.net\
    |lists.alioth.debian.org|bugs.debian.org|suse.com|opensuse.org|launchpad.net|lists.launchpad.net";
/// Accounts that are nobody's.
const PUBLIC_ACCOUNTS: &[&str] = &["git", "hg", "svn", "aur", "anonymous"];

fn email(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (Some(local), Some(domain), Some(top)) = (found.group("l"), found.group("d"), found.group("t")) else { return };
    let name = domain.as_str().to_lowercase();
    let account = local.as_str().to_lowercase();
    let rest = &found.line[domain.end()..];
    // `logo@2x.png`, `user@host.service`, `name@1.2.tgz`, and longer words of which this is a piece.
    if is_file_or_unit(top.as_str())
        || name.starts_with(|c: char| c.is_ascii_digit())
            && name.split('.').count() == 2
            && name.len() < 8
            && is_file_or_unit(top.as_str())
    {
        return;
    }
    if has(PUBLIC_DOMAINS, &name)
        || PUBLIC_ACCOUNTS.contains(&account.as_str())
        || rest.starts_with(['@', '(']) && !rest.starts_with("()")
    {
        return;
    }
    // The password of an address, and the server behind it, have a rule of their own.
    let authority = found.line[..local.start()]
        .rsplit_once("://")
        .is_some_and(|(_, rest)| rest.contains(':') && !rest.contains(['/', ' ', '"', '\'']));
    if authority {
        return;
    }
    // Of `ssh://name@host` the name is somebody's, and the host a place that the address leads to.
    let end = if found.line[..local.start()].ends_with("://") { local.end() } else { domain.end() };
    // An escaped letter in front isn't part of the name.
    let mut start = local.start();
    let before = &found.line[..start];
    if before.ends_with('\\') && account.starts_with(['n', 't', 'r']) && account.len() > 1 {
        start += 1;
    }
    for prefix in ["%3c", "%20", "%22", "%3a", "%2c", "3d", "mailto%3a", "%3d"] {
        if account.starts_with(prefix) && prefix.starts_with('%') {
            start = local.start() + prefix.len();
        }
    }
    taken.push(start..end);
}

/// Endings of files and units, which no mail is sent to.
pub(super) fn is_file_or_unit(ending: &str) -> bool {
    const ENDINGS: &str = "service|socket|timer|mount|automount|slice|scope|target|device|swap|path|conf|d|png|jpg|jpeg|gif|svg\
        |webp|ico|css|js|mjs|cjs|ts|json|html|htm|xml|yaml|yml|tgz|gz|xz|bz|zst|zip|tar|deb|rpm|so|ko|jar|war\
        |py|rb|go|rs|c|h|cpp|txt|log|desktop|rules|ini|cfg|toml|lock|snap|appimage|exe|dll|sys|bin|img|iso|ttf\
        |otf|woff|pdf|mp|wav|ogg|tmp|bak|pid|sock|xpi|dist|alpha|beta|rc|min|nmconnection|netdev|network|link\
        |nspawn|map|wasm|whl|egg|gem|crate";
    has(ENDINGS, &ending.to_ascii_lowercase())
}

fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|c| c.to_digit(10)).collect()
}

/// Luhn's sum, the issuer's first digits, and groups as printed.
fn card(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (range, text) = found.secret();
    let digits = digits(text);
    let number = |length: usize| digits[..length].iter().fold(0, |number, digit| number * 10 + digit);
    let issuer = match digits.len() {
        14 => matches!(number(2), 36 | 38 | 39) || matches!(number(3), 300..=305),
        15 => matches!(number(2), 34 | 37),
        16 | 19 => {
            matches!(number(1), 4 | 6)
                || matches!(number(2), 50..=59)
                || matches!(number(4), 2200..=2204 | 2221..=2720 | 3528..=3589)
        }
        _ => false,
    };
    let marks: Vec<char> = text.chars().filter(|c| !c.is_ascii_digit()).collect();
    let one_mark = marks.windows(2).all(|pair| pair[0] == pair[1]);
    let whole = marks.is_empty() || marks.len() >= 2;
    let same = digits.windows(2).all(|pair| pair[0] == pair[1]);
    let date = text.contains(' ') && is_date(text);
    if issuer && one_mark && whole && !same && !date && luhn(&digits) {
        taken.push(range);
    }
}

/// `2024 0115 1030 0000`: years and months, not a card. None of the issuers begins so but MasterCard's 2221 to 2720.
fn is_date(text: &str) -> bool {
    text.starts_with("20")
}

fn luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| if at % 2 == 0 { *digit } else { digit * 2 / 10 + digit * 2 % 10 })
        .sum();
    sum.is_multiple_of(10)
}

/// Lengths of account numbers by country. (SWIFT IBAN registry)
const IBAN_LENGTHS: &str = "AD24|AE23|AL28|AT20|AZ28|BA20|BE16|BG22|BH22|BR29|BY28|CH21|CR22|CY28|CZ24|DE22|DK18|DO28|EE20|EG29|\
    ES24|FI18|FO18|FR27|GB22|GE22|GI23|GL18|GR27|GT28|HR21|HU28|IE22|IL23|IQ23|IS26|IT27|JO30|KW30|KZ20|\
    LB28|LC32|LI21|LT20|LU20|LV21|LY25|MC27|MD24|ME22|MK19|MR27|MT31|MU30|NL18|NO15|PK24|PL28|PS29|PT25|\
    QA29|RO24|RS22|SA24|SC31|SD18|SE24|SI19|SK24|SM27|ST25|SV28|TL23|TN24|TR26|UA29|VA22|VG24|XK20";

/// The country's length and the remainder of 97. What was found may reach into the next word, so it is counted off.
fn iban(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (range, text) = found.secret();
    let country = text[..2].to_ascii_uppercase();
    let length = list::words(IBAN_LENGTHS).find_map(|listed| listed.strip_prefix(&country)?.parse::<usize>().ok());
    let Some(length) = length else { return };
    let mut letters = Vec::new();
    let mut end = 0;
    for (at, c) in text.char_indices().filter(|(_, c)| c.is_ascii_alphanumeric()) {
        if letters.len() == length {
            break;
        }
        letters.push(c.to_ascii_uppercase());
        end = at + 1;
    }
    let behind = found.line[range.start + end..].chars().next();
    if letters.len() != length || behind.is_some_and(|c| c.is_ascii_alphanumeric()) {
        return;
    }
    let remainder = letters[4..].iter().chain(&letters[..4]).fold(0_u32, |remainder, c| {
        let value = c.to_digit(36).unwrap_or(0);
        (remainder * if value > 9 { 100 } else { 10 } + value) % 97
    });
    if remainder == 1 {
        taken.push(range.start..range.start + end);
    }
}

/// A Spanish account number: two control digits over bank and branch, and over the account.
fn account(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    const WEIGHTS: [u32; 10] = [1, 2, 4, 8, 5, 10, 9, 7, 3, 6];
    let (range, text) = found.secret();
    let digits = digits(text);
    let marks = text.chars().filter(|c| !c.is_ascii_digit()).count();
    let control = |digits: &[u32], weights: &[u32]| {
        let sum: u32 = digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum();
        match 11 - sum % 11 {
            11 => 0,
            10 => 1,
            digit => digit,
        }
    };
    if marks == 3 && control(&digits[..8], &WEIGHTS[2..]) == digits[8] && control(&digits[10..], &WEIGHTS) == digits[9]
    {
        taken.push(range);
    }
}

/// DNI and NIE: the letter is the remainder of 23.
fn identity(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    const LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    let (range, text) = found.secret();
    let letters: String = text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
    let (body, letter) = letters.split_at(letters.len() - 1);
    let body = match body.chars().next() {
        Some('X') => format!("0{}", &body[1..]),
        Some('Y') => format!("1{}", &body[1..]),
        Some('Z') => format!("2{}", &body[1..]),
        Some('K' | 'L' | 'M') => body[1..].to_owned(),
        _ => body.to_owned(),
    };
    let Ok(number) = body.parse::<u32>() else { return };
    let fits = letter.as_bytes().first() == LETTERS.get((number % 23) as usize);
    let lower = text.ends_with(|c: char| c.is_ascii_lowercase());
    let before = found.line[..range.start].to_lowercase();
    let named = ["dni", "nif", "nie", "d.n.i", "identidad", "documento"].iter().any(|word| before.contains(word));
    // A date with a zone, and numbers of memory, end in a letter too.
    let dated =
        matches!(number, 19_000_000..=20_991_231) && number % 100 <= 31 && (1..=12).contains(&(number / 100 % 100));
    let spaced = text.contains(' ');
    let stamped = dated && matches!(letter, "Z" | "T");
    if fits && (named || (!lower && !spaced && !stamped)) {
        taken.push(range);
    }
}

/// `tel 612 345 678`, but not so many bytes.
fn phone_told(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    const UNITS: &[&str] =
        &["byte", "bytes", "packets", "paquetes", "ms", "kb", "kib", "mb", "mib", "b", "hz", "khz", "mhz"];
    let (range, _) = found.secret();
    let behind = found.line[range.end..].split_whitespace().next().unwrap_or("").to_lowercase();
    if !UNITS.contains(&behind.as_str()) {
        taken.push(range);
    }
}

fn phone(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let Some(number) = found.group("s").or_else(|| found.group("t")) else { return };
    let count = digits(number.as_str()).len();
    let named = found.group("t").is_some();
    let text = number.as_str();
    // `phone: 192.168.1.20` is an address; `+34 …` has at least eight digits behind its country.
    let address = super::address::ipv4(text).is_some()
        || text.chars().filter(|c| *c == '.').count() == 3 && !text.starts_with('+');
    let dated = super::address::is_dated(text);
    if (if named { 7..=15 } else { 9..=15 }).contains(&count) && !address && !dated {
        taken.push(number.range());
    }
}
