//! Where a known value begins and ends in a text: `ana` isn't in `banana`, but is in `%2Fana` and `\x2dana`.
//!
//! A name that is also a word (`user`, `debian`, `office`) is only one where a name must stand.

use super::list::{has, words};
use super::shapes::window::around;

/// What must stand around a spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Edge {
    /// No letter or digit.
    Word,
    /// No digit.
    Digit,
    /// A place where an account's name stands.
    UserPlace,
    /// A place where a computer's name stands.
    HostPlace,
    /// A place where a wireless network's name stands.
    NetworkPlace,
}

/// How far around a spelling its place is looked at, in bytes.
const NEAR: usize = 128;

impl Edge {
    /// Whether the spelling at this place of a line is one.
    pub(super) fn holds(self, line: &str, start: usize, end: usize) -> bool {
        let near = around(line, &(start..end), NEAR);
        let (before, after) = (&line[near.start..start], &line[end..near.end]);
        match self {
            Self::Digit => {
                !before.ends_with(|c: char| c.is_ascii_digit()) && !after.starts_with(|c: char| c.is_ascii_digit())
            }
            Self::Word => is_word(line, start, end),
            Self::UserPlace => is_word(line, start, end) && is_user_place(before, after),
            Self::HostPlace => is_word(line, start, end) && is_host_place(before, after),
            Self::NetworkPlace => is_word(line, start, end) && is_network_place(before, after),
        }
    }
}

fn is_word(line: &str, start: usize, end: usize) -> bool {
    let (before, inside, after) = (&line[..start], &line[start..end], &line[end..]);
    let left = !inside.starts_with(char::is_alphanumeric)
        || !before.ends_with(char::is_alphanumeric)
        || ends_in_escape(before);
    let right = !inside.ends_with(char::is_alphanumeric) || !after.starts_with(char::is_alphanumeric);
    left && right
}

/// Whether a text ends in an escaped character, whose last letter isn't one of the text's.
pub(super) fn ends_in_escape(before: &str) -> bool {
    let bytes = before.as_bytes();
    let back = |n: usize| bytes.len().checked_sub(n).map(|at| bytes[at]);
    let hex = |n: usize| back(n).is_some_and(|byte| byte.is_ascii_hexdigit());
    let octal = |n: usize| back(n).is_some_and(|byte| matches!(byte, b'0'..=b'7'));
    // `%2F`, `%252F`.
    let percent = hex(1)
        && hex(2)
        && (back(3) == Some(b'%') || (back(3) == Some(b'5') && back(4) == Some(b'2') && back(5) == Some(b'%')));
    // `\x2f`, `\u002f`, `\057`, `\n`.
    let escaped = hex(1) && hex(2) && back(3) == Some(b'x') && back(4) == Some(b'\\');
    let unicode = (1..=4).all(hex) && back(5) == Some(b'u') && back(6) == Some(b'\\');
    let octal = octal(1) && octal(2) && octal(3) && back(4) == Some(b'\\');
    let control = matches!(back(1), Some(b'n' | b't' | b'r' | b'0' | b'f' | b'b')) && back(2) == Some(b'\\');
    // `_2d` of a D-Bus path, for the marks that names have.
    let path = back(3) == Some(b'_')
        && matches!(
            (back(2), back(1)),
            (Some(b'2'), Some(b'd' | b'e' | b'f' | b'D' | b'E' | b'F'))
                | (Some(b'4'), Some(b'0'))
                | (Some(b'5'), Some(b'f' | b'F'))
        );
    percent || escaped || unicode || octal || control || path || ends_in_colour(bytes)
}

/// `ESC [ 0 1 ; 3 4 m`, in its own bytes or written out.
fn ends_in_colour(bytes: &[u8]) -> bool {
    let Some((b'm' | b'K', rest)) = bytes.split_last() else { return false };
    let codes = rest.iter().rev().take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
    codes <= 16 && rest.len() > codes && rest[rest.len() - codes - 1] == b'['
}

/// Accounts of the system and of programs: they are the same on every PC and tell nobody apart.
const SYSTEM: &str = "root|daemon|bin|sys|sync|games|man|lp|mail|news|uucp|proxy|www-data|backup|list|irc|gnats|nobody|nogroup\
    |messagebus|syslog|sshd|avahi|avahi-autoipd|colord|cups|gdm|lightdm|sddm|geoclue|hplip|kernoops|pulse\
    |rtkit|saned|speech-dispatcher|systemd-network|systemd-resolve|systemd-timesync|systemd-coredump\
    |systemd-oom|tcpdump|tss|usbmux|uuidd|whoopsie|dnsmasq|polkitd|polkituser|postgres|mysql|redis|mongodb\
    |nginx|apache|http|ftp|nfs|rpc|statd|_apt|_chrony|chrony|ntp|postfix|dovecot|docker|libvirt|libvirt-qemu\
    |sudo|wheel|adm|system|nm-openvpn|gnome-initial-setup|dbus|operator|halt|shutdown|nscd|exim|debian-exim\
    |clamav|jenkins|git|localhost|localhost.localdomain|localdomain|local|localnet|(none)|none|ip6-localhost\
    |ip6-loopback";
/// Names that are words too.
const WORDS: &str = "user|users|usuario|admin|administrator|administrador|guest|invitado|test|tester|demo|dev|developer|pi|pc\
    |home|casa|office|oficina|desktop|laptop|portatil|ubuntu|debian|fedora|arch|manjaro|mint|linux|kali|centos\
    |suse|windows|server|servidor|service|support|soporte|work|trabajo|vagrant|ec2-user|core|default|live\
    |owner|student|alumno|profesor|computer|ordenador|host|client|cliente|router|gateway|internet|wifi|wlan\
    |wi-fi|network|red|main|personal|public|private|data|media|info|web|app|apps|build|builder|runner|node\
    |master|worker|worker1|database|db|print|printer|scan|oem|kiosk|familia|family|raspberrypi|archlinux\
    |linuxmint|nixos|workstation|machine|address|serial|disk|mac|new|local|temp|tmp|var|usr|lib|etc|opt|system\
    |kernel|error|warning|true|false|yes|no|on|off|null|ok|all|any|session|login|password|redacted|linksys\
    |netgear|dlink|tp-link|android|iphone|mobile|group|name|file|state|status|active|running|started|stopped";
/// Shorter names are words somewhere.
const SHORTEST: usize = 3;

/// Whether a name is an account of the system or a name that every PC has.
pub(super) fn is_system(name: &str) -> bool {
    has(SYSTEM, &name.to_lowercase())
}

/// Whether a name is a word too, so that only its place tells.
pub(super) fn is_also_word(name: &str) -> bool {
    name.chars().count() < SHORTEST || has(WORDS, &name.to_lowercase())
}

fn ends_with_any(before: &str, ends: &'static str) -> bool {
    let tail = before.len().saturating_sub(48);
    let tail = (tail..before.len()).find(|at| before.is_char_boundary(*at)).unwrap_or(before.len());
    let tail = before[tail..].to_lowercase();
    words(ends).any(|end| tail.ends_with(end))
}

fn is_user_place(before: &str, after: &str) -> bool {
    const BEFORE: &str = "/home/|/users/|\\users\\|\\\\users\\\\|-home-|=home-|/home-| home-|(home-|%2fhome%2f|%252fhome%252f\
        |\\x2dhome\\x2d|\\x2fhome\\x2f|\\/home\\/|/media/|/run/media/|/mail/|/cron/crontabs/|_home_|!home!\
        |%home%|.home.|_2fhome_2f|\\u002fhome\\u002f|user=|username=|user=\"|user='|logname=|login=|owner=\
        |acct=\"|acct=|uid=|usuario=|user: |user:|username: |login: |owner: |usuario: |\"user\": \"\
        |\"user\":\"|\"username\": \"|\"owner\": \"| for user |for user '|of user |invalid user |session for \
        |session opened for user |session closed for user |password for |publickey for |authentication for \
        | user '|user |owner |chown |su - |su: |sudo: |sudo:     |sudo:    |usuario '|del usuario | -l |ssh://|sftp://|~";
    const ENTRY: &[&str] = &[":x:", ":*:", ":!:", ":$", ":!", ": tty=", " : tty="];
    let starts_line = before.trim().is_empty();
    let listed = is_listed(before);
    let id = before.rfind("uid=").is_some_and(|at| {
        let rest = &before[at + 4..];
        rest.ends_with('(') && rest[..rest.len() - 1].chars().all(|c| c.is_ascii_digit())
    });
    let gid = before.ends_with('(')
        && before.trim_end_matches('(').trim_end_matches(|c: char| c.is_ascii_digit()).ends_with("gid=");
    let mailbox = after
        .strip_prefix('@')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()) && !rest.starts_with("service"));
    ends_with_any(before, BEFORE)
        || listed
        || id
        || gid
        || mailbox
        || (starts_line && ENTRY.iter().any(|entry| after.to_lowercase().starts_with(entry)))
        || after.to_lowercase().starts_with(" : tty=")
        || (starts_line && after.starts_with(' ') && is_process(after))
}

/// `drwxr-xr-x 2 owner group`, of ls(1).
fn is_listed(before: &str) -> bool {
    let mut words = before.split_whitespace();
    let mode = words.next().unwrap_or("");
    let is_mode = (10..=11).contains(&mode.len())
        && mode.starts_with(['-', 'd', 'l', 'b', 'c', 'p', 's'])
        && mode[1..].bytes().all(|byte| b"rwxsStT-.+@".contains(&byte));
    let is_count = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    is_mode && before.ends_with(' ') && words.next().is_some_and(is_count) && words.count() <= 1
}

/// `ps aux` and `who` begin with an account: a number, or a terminal, follows.
fn is_process(after: &str) -> bool {
    let mut words = after.split_whitespace();
    let first = words.next().unwrap_or("");
    let second = words.next().unwrap_or("");
    (first.len() >= 2
        && first.chars().all(|c| c.is_ascii_digit())
        && second.chars().all(|c| c.is_ascii_digit() || c == '.'))
        || first.starts_with("pts/")
        || first.starts_with("tty")
        || first == ":0"
}

fn is_host_place(before: &str, after: &str) -> bool {
    const BEFORE: &str = "@|host=|hostname=|hostname=\"|hostname: |host: |host name: |host-name=|nodename=|node=|_hostname=\
        |static hostname: |\"hostname\": \"|\"hostname\":\"|\"_hostname\":\"|\"_hostname\" : \"|127.0.1.1 \
        |127.0.1.1\t|127.0.0.1\t|::1 |://|//|\\\\|linux |computer name: |workgroup\\|host |hostname \
        |nombre del equipo: |netbios name = |server string = |to host |ssh |ping |system name: |servername ";
    const AFTER: &[&str] =
        &[".local", ".lan", ".home", ".localdomain", ".internal", ".fritz.box", ".casa", ".intranet", ".station"];
    let stamp = before.trim_end();
    let journal = stamp.len() >= 15
        && stamp.len() + 1 >= before.len()
        && stamp.len() <= 40
        && stamp.as_bytes()[stamp.len() - 3..]
            .iter()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'Z' | b'.' | b'+'))
        && stamp.contains(':');
    let after = after.to_lowercase();
    ends_with_any(before, BEFORE) || journal || AFTER.iter().any(|end| after.starts_with(end))
}

fn is_network_place(before: &str, after: &str) -> bool {
    const BEFORE: &str = "ssid=|ssid=\"|ssid: |ssid:\"|ssid: \"|ssid |ssid '|ssid \"|essid:\"|essid:|network '|network \"|red '\
        |red \"|wi-fi network \"|wifi connect |wifi connect \"|connection '|connection \"|con up |con up id \
        |id=|auto |/system-connections/|to ap |\"ssid\": \"|\"ssid\":\"|wifi:|wifi \"|wi-fi |s:|profile \
        |access point '";
    ends_with_any(before, BEFORE) || after.starts_with(".nmconnection") || after.starts_with(".psk")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(edge: Edge, line: &str, word: &str) -> bool {
        let start = line.find(word).unwrap();
        edge.holds(line, start, start + word.len())
    }

    #[test]
    fn a_name_has_edges() {
        for line in [
            "ana",
            "/home/ana/x",
            "%2Fhome%2Fana",
            "home\\x2dana",
            "\\nana",
            "\\057ana",
            "\u{1b}[01;34mana\u{1b}[0m",
            "home_2dana",
            "-ana-",
            "ANA\\ana",
        ] {
            assert!(holds(Edge::Word, line, "ana"), "{line}");
        }
        for line in ["banana", "anal", "ana1", "semana", "Óana"] {
            assert!(!holds(Edge::Word, line, "ana"), "{line}");
        }
    }

    #[test]
    fn a_word_is_a_name_only_in_its_place() {
        for line in [
            "/home/user/x",
            "uid=1000(user)",
            "user@host",
            "session opened for user user(uid=1000)",
            "user:x:1000:1000::/home/x",
        ] {
            let at = line.rfind("user").unwrap();
            assert!(Edge::UserPlace.holds(line, at, at + 4) || holds(Edge::UserPlace, line, "user"), "{line}");
        }
        for line in ["a user logged in", "user@1000.service", "systemd --user", "user-1000.slice"] {
            assert!(!holds(Edge::UserPlace, line, "user"), "{line}");
        }
        assert!(holds(Edge::HostPlace, "Jan 02 03:04:05 debian kernel: x", "debian"));
        assert!(holds(Edge::HostPlace, "2024-01-02T03:04:05.123456+01:00 debian kernel: x", "debian"));
        assert!(holds(Edge::HostPlace, "ana@debian:~$", "debian"));
        assert!(!holds(Edge::HostPlace, "Linux version 6.1 debian 12", "debian"));
        assert!(!holds(Edge::HostPlace, "deb https://deb.debian.org/debian bookworm", "debian"));
    }
}
