//! Every common spelling of a known value: what programs make of a name, a path or an address when they write it.
//!
//! It is *not* a decoder: a value that is encrypted, compressed or split over lines isn't found.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::edge::{Edge, is_also_word, is_system};
use super::known::Known;
use super::list::has;
use super::pseudonyms::Class;

/// One way a known value is written.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spelling {
    /// The letters; compared without regard to case.
    pub(super) text: String,
    /// How many of its first bytes stay: the folders above a home, the `enx` of an interface.
    pub(super) lead: usize,
    /// What must stand around.
    pub(super) edge: Edge,
    /// What it is.
    pub(super) class: Class,
    /// The value in its one usual spelling: the key of its pseudonym.
    pub(super) value: String,
}

/// Most values of a kind that are looked for; more would be a broken list.
const VALUES_MAX: usize = 512;
/// Shortest serial number that is one.
const SERIAL_MIN: usize = 4;
/// Longest NetBIOS name.
const NETBIOS_MAX: usize = 15;

/// All spellings of all values.
pub(super) fn spellings(known: &Known) -> Vec<Spelling> {
    let mut all = All(Vec::new());
    let each = |values: &[String]| -> Vec<String> {
        values.iter().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()).take(VALUES_MAX).collect()
    };
    each(&known.user_names).iter().for_each(|name| all.user(name));
    each(&known.home_paths).iter().for_each(|path| all.home(path));
    each(&known.host_names).iter().for_each(|name| all.host(name));
    each(&known.macs).iter().for_each(|mac| all.mac(mac));
    each(&known.ssids).iter().for_each(|name| all.network(name));
    for address in each(&known.ipv4_private).iter().chain(&each(&known.ipv4_public)).chain(&each(&known.ipv6)) {
        all.address(address);
    }
    each(&known.machine_id).iter().for_each(|id| all.identity(Class::Machine, id));
    each(&known.disk_uuids).iter().for_each(|id| all.identity(Class::Disk, id));
    each(&known.serials).iter().for_each(|serial| all.serial(serial));
    let mut spellings = all.0;
    spellings.retain(|spelling| spelling.text.len() > spelling.lead);
    spellings.sort();
    spellings.dedup_by(|a, b| a.text == b.text && a.edge == b.edge && a.lead == b.lead);
    spellings
}

struct All(Vec<Spelling>);

impl All {
    fn add(&mut self, class: Class, value: &str, edge: Edge, texts: impl IntoIterator<Item = String>) {
        for text in texts {
            self.0.push(Spelling { text, lead: 0, edge, class, value: value.to_owned() });
        }
    }

    fn user(&mut self, name: &str) {
        if is_system(name) {
            return;
        }
        let edge = if is_also_word(name) { Edge::UserPlace } else { Edge::Word };
        self.add(Class::User, &name.to_lowercase(), edge, written(name));
    }

    /// The last folder of a home is an account's name; the ones above stay.
    fn home(&mut self, path: &str) {
        let path = path.trim_end_matches(['/', '\\']).replace('\\', "/");
        let Some((above, name)) = path.rsplit_once('/') else { return };
        if name.is_empty() || is_system(name) || (above.is_empty() && path != format!("/{name}")) {
            return;
        }
        self.user(name);
        if !is_also_word(name) {
            return;
        }
        // A name that is a word is found by its place; these are the places of a home of its own.
        for mark in ["/", "%2F", "%252F", "-", "\\x2f", "\\/", "\\u002f", "_", "!", "%", ".", "\\", "_2f", "\\\\"] {
            let above = above.trim_start_matches('/').replace('/', mark);
            let lead = format!("{above}{mark}");
            for name in written(name) {
                self.0.push(Spelling {
                    text: format!("{lead}{name}"),
                    lead: lead.len(),
                    edge: Edge::Word,
                    class: Class::User,
                    value: name.to_lowercase(),
                });
            }
        }
    }

    fn host(&mut self, name: &str) {
        let name = name.trim_end_matches('.');
        let short = name.split('.').next().unwrap_or(name);
        if short.is_empty() || is_system(name) || is_system(short) {
            return;
        }
        if let Ok(address) = name.parse::<Ipv4Addr>() {
            return self.v4(address);
        }
        let value = short.to_lowercase();
        let edge = |name: &str| if is_also_word(name) { Edge::HostPlace } else { Edge::Word };
        let mut texts = written(name);
        texts.push(name.replace('-', "_"));
        self.add(Class::Host, &value, edge(name), texts);
        let mut texts = written(short);
        texts.push(short.replace('-', "_"));
        texts.extend(short.get(..NETBIOS_MAX).filter(|cut| cut.len() < short.len()).map(str::to_owned));
        self.add(Class::Host, &value, edge(short), texts);
    }

    fn mac(&mut self, mac: &str) {
        let hex = hex_digits(mac);
        if hex.len() != 12 || hex.chars().all(|c| c == '0') || hex.chars().all(|c| c == 'f') {
            return;
        }
        let pairs: Vec<&str> = (0..6).map(|at| &hex[at * 2..at * 2 + 2]).collect();
        let short: Vec<&str> = pairs.iter().map(|pair| pair.strip_prefix('0').unwrap_or(pair)).collect();
        let mut texts: Vec<String> =
            [":", "-", "_", ".", " ", "\\:", "%3A", "\\x3a", "\\x", ":0x", ", 0x", " 0x", ",0x", ",", ", "]
                .iter()
                .map(|mark| pairs.join(mark))
                .collect();
        texts.push(short.join(":"));
        texts.push(format!("{}.{}.{}", &hex[..4], &hex[4..8], &hex[8..]));
        texts.push(format!("{}:{}:{}", &hex[..4], &hex[4..8], &hex[8..]));
        texts.push(format!("{}-{}-{}", &hex[..4], &hex[4..8], &hex[8..]));
        texts.push(format!("{}-{}", &hex[..6], &hex[6..]));
        texts.push(hex.clone());
        texts.push(format!("0x{hex}"));
        // As the second half of an address of its own making. (RFC 4291, modified EUI-64)
        let first = u8::from_str_radix(pairs[0], 16).unwrap_or(0) ^ 2;
        let word = |high: &str, low: &str| format!("{high}{low}").trim_start_matches('0').to_owned();
        let first = format!("{first:02x}");
        let eui = format!(
            "{}:{}:{}:{}",
            word(&first, pairs[1]),
            word(pairs[2], "ff"),
            word("fe", pairs[3]),
            word(pairs[4], pairs[5])
        );
        let full = format!("{first}{}:{}ff:fe{}:{}{}", pairs[1], pairs[2], pairs[3], pairs[4], pairs[5]);
        let plain = full.replace(':', "");
        texts.extend([eui, full, plain]);
        self.add(Class::Mac, &hex, Edge::Word, texts);
        for lead in ["enx", "wlx", "wwx", "usbx", "bnx", "mac"] {
            let text = format!("{lead}{hex}");
            self.0.push(Spelling { text, lead: lead.len(), edge: Edge::Word, class: Class::Mac, value: hex.clone() });
        }
    }

    fn network(&mut self, name: &str) {
        let edge = if is_also_word(name) { Edge::NetworkPlace } else { Edge::Word };
        self.add(Class::Network, name, edge, written(name));
        let bytes = name.as_bytes();
        if bytes.len() < 3 {
            return;
        }
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut texts: Vec<String> =
            ["", ":", " ", "-", "\\x", " 0x", ", 0x", ",0x"].iter().map(|mark| hex.join(mark)).collect();
        texts.push(format!("\\x{}", hex.join("\\x")));
        texts.push(format!("0x{}", hex.concat()));
        let decimal: Vec<String> = bytes.iter().map(u8::to_string).collect();
        texts.extend([";", "; ", ",", ", ", " "].iter().map(|mark| decimal.join(mark)));
        self.add(Class::Network, name, Edge::Word, texts);
    }

    fn address(&mut self, address: &str) {
        let bare = address.split(['/', '%']).next().unwrap_or(address).trim_matches(['[', ']']);
        if let Ok(address) = bare.parse::<Ipv4Addr>() {
            self.v4(address);
        } else if let Ok(address) = bare.parse::<Ipv6Addr>() {
            match address.to_ipv4_mapped() {
                Some(address) => self.v4(address),
                None => self.v6(address),
            }
        }
    }

    fn v4(&mut self, address: Ipv4Addr) {
        if address.is_loopback() || address.is_unspecified() || address.is_broadcast() {
            return;
        }
        let value = address.to_string();
        let [a, b, c, d] = address.octets();
        let texts = [".", "-", "_", "\\.", ",", "%2E", "[.]", "(.)", "\\x2e", " . "]
            .iter()
            .map(|mark| format!("{a}{mark}{b}{mark}{c}{mark}{d}"));
        self.add(Class::Address, &value, Edge::Digit, texts);
        self.add(Class::Address, &value, Edge::Digit, [format!("{a:03}.{b:03}.{c:03}.{d:03}")]);
        let arpa = format!("{d}.{c}.{b}.{a}.in-addr.arpa");
        let whole = u32::from(address);
        let texts = [
            arpa,
            format!("{d}-{c}-{b}-{a}"),
            format!("{whole:08x}"),
            format!("{:08x}", whole.swap_bytes()),
            format!("0x{whole:08x}"),
            whole.to_string(),
            format!("{a:02x}{b:02x}:{c:02x}{d:02x}"),
        ];
        let hex = format!("ffff:{:x}:{:x}", u32::from(a) << 8 | u32::from(b), u32::from(c) << 8 | u32::from(d));
        // Four-digit numbers of a low address are numbers like others.
        let telling = texts.into_iter().filter(|text| {
            text.len() > 8 || (a > 9 && text.chars().any(|c| c.is_ascii_alphabetic()) || text.contains('-'))
        });
        self.add(Class::Address, &value, Edge::Word, telling.chain([hex]));
    }

    fn v6(&mut self, address: Ipv6Addr) {
        if address.is_loopback() || address.is_unspecified() {
            return;
        }
        let value = address.to_string();
        let segments = address.segments();
        let full: Vec<String> = segments.iter().map(|segment| format!("{segment:04x}")).collect();
        let plain: Vec<String> = segments.iter().map(|segment| format!("{segment:x}")).collect();
        let joined = full.concat();
        let mut nibbles: Vec<String> = joined.chars().map(String::from).collect();
        nibbles.reverse();
        // `/proc/net/tcp6` swaps the bytes of each word of 32 bits.
        let swapped: String =
            address.octets().chunks(4).flat_map(|word| word.iter().rev()).map(|byte| format!("{byte:02x}")).collect();
        let mut texts = vec![joined, swapped, nibbles.join(".")];
        for mark in [":", "-", "_", "\\:", "%3A", "\\x3a", "."] {
            texts.extend([full.join(mark), plain.join(mark), value.replace(':', mark)]);
        }
        texts.retain(|text| text.len() >= 5);
        self.add(Class::Address, &value, Edge::Word, texts);
    }

    /// `8-4-4-4-12` digits, or any other identity of letters and digits.
    fn identity(&mut self, class: Class, id: &str) {
        let id = id.trim_matches(['{', '}', '"']);
        let id = id.rsplit('/').next().unwrap_or(id);
        let id = id.rsplit_once('=').map_or(id, |(_, id)| id);
        let hex = hex_digits(id);
        if hex.chars().all(|c| c == '0') && !hex.is_empty() || id.len() < SERIAL_MIN {
            return;
        }
        let mut texts = written(id);
        let is_hex = id.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        if is_hex && hex.len() == 32 {
            let groups = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
            texts.extend(["-", "_", "", "\\x2d", "_2d", "%2D", " "].iter().map(|mark| groups.join(mark)));
        } else if is_hex && hex.len() >= 8 {
            texts.extend(["", "\\x2d", "_", "_2d"].iter().map(|mark| id.replace('-', mark)));
            texts.push(format!("0x{hex}"));
        }
        self.add(class, &id.to_lowercase(), Edge::Word, texts);
    }

    fn serial(&mut self, serial: &str) {
        const EMPTY: &str = "to be filled by o.e.m.|default string|none|n/a|not specified|not applicable|system serial number\
            |chassis serial number|base board serial number|unknown|invalid|oem|o.e.m.|empty|not available\
            |standard|serial|0123456789|123456789|1234567890|null|not provided|to be filled by oem|undefined";
        let same = serial.chars().all(|c| serial.starts_with(c));
        if serial.chars().count() < SERIAL_MIN || same || has(EMPTY, &serial.to_lowercase()) {
            return;
        }
        let mut texts = written(serial);
        texts.extend([serial.replace([' ', '-', '.', '/'], "_"), serial.replace('-', ""), serial.replace(' ', "")]);
        self.add(Class::Serial, &serial.to_lowercase(), Edge::Word, texts);
    }
}

fn hex_digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_ascii_lowercase()
}

/// A name as it is, and as programs write what isn't a plain letter of it.
fn written(name: &str) -> Vec<String> {
    let mut texts = vec![name.to_owned(), name.to_lowercase(), name.to_uppercase()];
    let plain = |c: char| c.is_ascii_alphanumeric();
    if name.chars().all(plain) {
        texts.dedup();
        return texts;
    }
    let each = |escape: &dyn Fn(char) -> String| name.chars().map(escape).collect::<String>();
    let bytes = |c: char, kind: &dyn Fn(u8) -> String| {
        let mut buffer = [0; 4];
        c.encode_utf8(&mut buffer).bytes().map(kind).collect::<String>()
    };
    let percent = |byte: u8| format!("%{byte:02X}");
    let hex = |byte: u8| format!("\\x{byte:02x}");
    let octal = |byte: u8| format!("\\{byte:03o}");
    let bus = |byte: u8| format!("_{byte:02x}");
    let unreserved = |c: char| plain(c) || matches!(c, '-' | '.' | '_' | '~');
    texts.push(each(&|c| if unreserved(c) { c.to_string() } else { bytes(c, &percent) }));
    texts.push(each(&|c| if unreserved(c) { c.to_string() } else { bytes(c, &|byte| format!("%25{byte:02X}")) }));
    texts.push(each(&|c| {
        if unreserved(c) {
            c.to_string()
        } else if c == ' ' {
            "+".to_owned()
        } else {
            bytes(c, &percent)
        }
    }));
    texts.push(each(&|c| if plain(c) { c.to_string() } else { bytes(c, &percent) }));
    // systemd-escape(1) leaves `.`, `_` and `:`.
    texts.push(each(&|c| if plain(c) || matches!(c, '.' | '_' | ':') { c.to_string() } else { bytes(c, &hex) }));
    texts.push(each(&|c| if c.is_ascii_graphic() { c.to_string() } else { bytes(c, &hex) }));
    texts.push(each(&|c| if c.is_ascii() { c.to_string() } else { bytes(c, &hex) }));
    texts.push(each(&|c| if c.is_ascii_graphic() { c.to_string() } else { bytes(c, &octal) }));
    texts.push(each(&|c| if c.is_ascii() { c.to_string() } else { bytes(c, &octal) }));
    texts.push(each(&|c| if plain(c) { c.to_string() } else { bytes(c, &bus) }));
    texts.push(each(&|c| if c.is_ascii() { c.to_string() } else { bytes(c, &|byte| format!("={byte:02X}")) }));
    // A header of a mail: quoted-printable, with `_` for a space.
    texts.push(each(&|c| match c {
        ' ' => "_".to_owned(),
        c if c.is_ascii_alphanumeric() => c.to_string(),
        c => bytes(c, &|byte| format!("={byte:02X}")),
    }));
    // JSON and HTML.
    let unicode = |c: char| {
        let mut units = [0; 2];
        c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>()
    };
    texts.push(each(&|c| if c.is_ascii() { c.to_string() } else { unicode(c) }));
    texts.push(each(&|c| {
        if c.is_ascii() && !matches!(c, '&' | '<' | '>' | '\'' | '"') {
            c.to_string()
        } else {
            format!("&#{};", u32::from(c))
        }
    }));
    texts.push(name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"));
    texts.push(name.replace('\\', "\\\\").replace('"', "\\\""));
    // A shell's backslashes, and names of files and settings.
    texts.push(each(&|c| {
        if c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/') { c.to_string() } else { format!("\\{c}") }
    }));
    texts.extend(["'\\''", "&#39;", "&apos;"].iter().map(|mark| name.replace('\'', mark)));
    texts.extend(
        ["_", "-", ".", "", "\\ ", "%20", "+", "\u{a0}"]
            .iter()
            .filter(|_| name.contains(' '))
            .map(|mark| name.replace(' ', mark)),
    );
    if !name.is_ascii() {
        let folded: String = name.chars().map(folded).collect();
        texts.extend(["_", "-", ".", "%20", "+", ""].iter().map(|mark| folded.replace(' ', mark)));
        texts.push(folded);
        texts.push(name.chars().flat_map(decomposed).collect());
    }
    let upper: Vec<String> = texts
        .iter()
        .filter(|text| !text.is_ascii())
        .flat_map(|text| [text.to_uppercase(), text.to_lowercase()])
        .collect();
    texts.extend(upper);
    texts.sort();
    texts.dedup();
    texts
}

/// A letter without its accent.
fn folded(c: char) -> char {
    decomposed(c).next().unwrap_or(c)
}

/// A letter and its accent apart, as some file systems keep them.
fn decomposed(c: char) -> impl Iterator<Item = char> {
    const LETTERS: &[(&str, &str, char)] = &[
        ("áéíóúÁÉÍÓÚćńśźĆŃŚŹýÝ", "aeiouAEIOUcnszCNSZyY", '\u{301}'),
        ("àèìòùÀÈÌÒÙ", "aeiouAEIOU", '\u{300}'),
        ("äëïöüÄËÏÖÜÿ", "aeiouAEIOUy", '\u{308}'),
        ("âêîôûÂÊÎÔÛ", "aeiouAEIOU", '\u{302}'),
        ("ñãõÑÃÕ", "naoNAO", '\u{303}'),
        ("çÇşŞ", "cCsS", '\u{327}'),
        ("åÅ", "aA", '\u{30a}'),
        ("čšžřěČŠŽŘĚ", "cszreCSZRE", '\u{30c}'),
    ];
    let found = LETTERS.iter().find_map(|(letters, bases, accent)| {
        let at = letters.chars().position(|letter| letter == c)?;
        bases.chars().nth(at).map(|base| (base, *accent))
    });
    let (base, accent) = found.map_or((c, None), |(base, accent)| (base, Some(accent)));
    std::iter::once(base).chain(accent)
}
