//! `network.proxy`: whether the system's settings send programs through a proxy.
//!
//! The settings of the whole system only; a person's browser and account are not looked at. Of an address only host and
//! port are told. That a password is written there is told; the password and the account name never leave [`Setting`]'s
//! parser. The proxy itself is not contacted: it is no compiled target. (SECURITY D3)

use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::sockets::listens;
use crate::checks::machine::{Machine, Reading, Unread};
use crate::checks::{Check, Failure};

/// Single files and whose settings they are.
const FILES: [(&str, &str, Syntax); 5] = [
    ("environment", "/etc/environment", Syntax::Variables),
    ("APT", "/etc/apt/apt.conf", Syntax::Apt),
    ("DNF", "/etc/dnf/dnf.conf", Syntax::Variables),
    ("YaST", "/etc/sysconfig/proxy", Syntax::Variables),
    ("wget", "/etc/wgetrc", Syntax::Variables),
];
/// Folders of such files.
const FOLDERS: [(&str, &str, Syntax); 3] = [
    ("APT", "/etc/apt/apt.conf.d", Syntax::Apt),
    ("environment", "/etc/environment.d", Syntax::Variables),
    ("environment", "/etc/profile.d", Syntax::Variables),
];
/// The desktop's defaults, a folder a database: dconf(7).
const DESKTOP: &str = "/etc/dconf/db";
const LEASES: &str = "/run/systemd/netif/leases";
/// Most files read of one folder.
const FILES_MAX: usize = 64;
/// Longest host name: RFC 1035.
const HOST_MAX: usize = 253;

pub(crate) struct Proxy;

pub(crate) struct Inputs {
    files: Vec<File>,
    /// The first file that is there and can't be read.
    unread: Option<&'static str>,
    tables: Vec<Reading>,
    leases: Vec<Reading>,
}

struct File {
    of: &'static str,
    syntax: Syntax,
    text: String,
    /// Every account may read it.
    open: bool,
}

#[derive(Clone, Copy)]
enum Syntax {
    /// `export http_proxy="http://host:port"`.
    Variables,
    /// apt.conf(5).
    Apt,
    /// Key files of dconf(7).
    Desktop,
}

/// What the settings of a system come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Set {
    /// How many proxies are set.
    pub(super) count: usize,
    /// Whether one of them is on this computer and doesn't run.
    pub(super) stopped: bool,
}

/// A proxy as it is set.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Setting {
    of: &'static str,
    protocol: &'static str,
    /// Host and port; nothing if it is written wrongly.
    place: Option<(String, u16)>,
    password: bool,
    open: bool,
}

impl Check for Proxy {
    const ID: &'static str = "network.proxy";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(inputs_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let mut settings: Vec<Setting> = inputs.files.iter().flat_map(settings).collect();
        settings.dedup();
        let automatic = inputs.leases.iter().flatten().any(|text| text.lines().any(|l| l.starts_with("OPTION_252=")));
        draft.fact("proxies", settings.len() as u64, "");
        draft.fact("automatic", automatic, "");
        let rows = settings.iter().map(Setting::row).collect();
        draft.table("proxies", &["of", "for", "host", "port", "password"], rows);
        judge_settings(&mut draft, &settings, &inputs.tables);
        if automatic {
            let evidence = "the lease of the address has option 252";
            draft.finding(Severity::Warning, "proxy-automatic", &[], evidence);
        }
        if let Some(of) = inputs.unread {
            draft.finding(Severity::Unknown, "proxy-unknown", &[], format!("settings of {of} can't be read"));
        }
        if draft.findings.iter().all(|finding| finding.severity == Severity::Unknown) {
            if settings.is_empty() {
                let evidence = format!("{} settings files name no proxy", inputs.files.len());
                draft.finding(Severity::Ok, "no-proxy", &[], evidence);
            } else {
                let evidence = format!("{} settings of {}", settings.len(), settings[0].of);
                draft.finding(Severity::Ok, "proxy-set", &[], evidence);
            }
        }
        draft
    }
}

/// What the settings of that system come to.
pub(super) fn set(machine: &Machine) -> Set {
    let inputs = inputs_from(machine);
    let settings: Vec<Setting> = inputs.files.iter().flat_map(settings).collect();
    Set { count: settings.len(), stopped: stopped(&settings, &inputs.tables).is_some() }
}

fn inputs_from(machine: &Machine) -> Inputs {
    let mut places: Vec<(&'static str, String, Syntax)> =
        FILES.iter().map(|(of, path, syntax)| (*of, (*path).to_owned(), *syntax)).collect();
    for (of, folder, syntax) in FOLDERS {
        let names = machine.names(folder).into_iter().take(FILES_MAX);
        places.extend(names.map(|name| (of, format!("{folder}/{name}"), syntax)));
    }
    for database in machine.names(DESKTOP).into_iter().filter(|name| name.ends_with(".d")) {
        let names = machine.names(&format!("{DESKTOP}/{database}")).into_iter().take(FILES_MAX);
        places.extend(names.map(|name| ("desktop", format!("{DESKTOP}/{database}/{name}"), Syntax::Desktop)));
    }
    let mut inputs = Inputs {
        files: Vec::new(),
        unread: None,
        tables: ["/proc/net/tcp", "/proc/net/tcp6"].iter().map(|path| machine.text(path)).collect(),
        leases: machine.names(LEASES).iter().take(FILES_MAX).map(|n| machine.text(&format!("{LEASES}/{n}"))).collect(),
    };
    for (of, path, syntax) in places {
        match machine.text(&path) {
            Ok(text) => {
                let mode = std::fs::metadata(machine.path(&path)).map_or(0, |metadata| metadata.permissions().mode());
                inputs.files.push(File { of, syntax, text, open: mode & 0o004 != 0 });
            }
            Err(Unread::Denied) => inputs.unread = inputs.unread.or(Some(of)),
            // A folder among the files (`locks` of dconf) is no setting.
            Err(Unread::Absent | Unread::Broken) => {}
        }
    }
    inputs
}

fn settings(file: &File) -> Vec<Setting> {
    let found = match file.syntax {
        Syntax::Variables => variables(&file.text),
        Syntax::Apt => apt(&file.text),
        Syntax::Desktop => desktop(&file.text),
    };
    found
        .into_iter()
        .map(|(protocol, address)| {
            let (place, password) = place(&address);
            Setting { of: file.of, protocol, place, password, open: file.open }
        })
        .collect()
}

fn variables(text: &str) -> Vec<(&'static str, String)> {
    let setting = |line: &str| {
        let line = line.trim();
        let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
        let protocol = match name.trim().to_ascii_lowercase().as_str() {
            "http_proxy" => "HTTP",
            "https_proxy" => "HTTPS",
            "ftp_proxy" => "FTP",
            "all_proxy" | "proxy" => "all",
            _ => return None,
        };
        let value = value.trim().trim_matches(['"', '\'']).trim();
        let none = value.is_empty() || value.starts_with('$') || value == "_none_" || value == "direct://";
        (!none).then(|| (protocol, value.to_owned()))
    };
    let off = text.lines().any(|line| line.trim().eq_ignore_ascii_case("PROXY_ENABLED=\"no\""));
    if off { Vec::new() } else { text.lines().filter_map(setting).collect() }
}

/// `Acquire::http::Proxy "http://host:port";`, or `Proxy "…";` within braces. `Proxy::host` is for one host only.
fn apt(text: &str) -> Vec<(&'static str, String)> {
    let mut protocol = "all";
    let mut found = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with("//") && !line.starts_with('#')) {
        let lower = line.to_ascii_lowercase();
        for (word, name) in [("https", "HTTPS"), ("http", "HTTP"), ("ftp", "FTP")] {
            if lower.contains(&format!("::{word}::")) || lower.starts_with(&format!("{word} ")) {
                protocol = name;
                break;
            }
        }
        let Some(at) = lower.find("proxy ") else { continue };
        let before = &lower[..at];
        let Some(value) = line.get(at..).and_then(|rest| rest.split('"').nth(1)) else { continue };
        let whole = before.is_empty() || before.ends_with("::") || before.ends_with([' ', '{', '\t']);
        if whole && !value.is_empty() && !["direct", "false"].contains(&value.to_ascii_lowercase().as_str()) {
            found.push((protocol, value.to_owned()));
        }
    }
    found
}

/// `[system/proxy/http]`, `host='proxy'`, `port=8080`; in force where `mode='manual'`.
fn desktop(text: &str) -> Vec<(&'static str, String)> {
    let mut section = "";
    let (mut manual, mut host) = (false, None);
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
            host = None;
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let value = value.trim().trim_matches(['\'', '"']);
        let protocol = match section {
            "system/proxy" => {
                manual |= key.trim() == "mode" && value == "manual";
                continue;
            }
            "system/proxy/http" => "HTTP",
            "system/proxy/https" => "HTTPS",
            "system/proxy/socks" => "SOCKS",
            _ => continue,
        };
        match (key.trim(), &host) {
            ("host", _) => host = Some(value.to_owned()).filter(|host| !host.is_empty()),
            ("port", Some(host)) => found.push((protocol, format!("{host}:{value}"))),
            (_, _) => {}
        }
    }
    if manual { found } else { Vec::new() }
}

/// Host and port of `scheme://user:password@host:port/`, and whether a password is in it.
fn place(address: &str) -> (Option<(String, u16)>, bool) {
    let (scheme, rest) = address.split_once("://").unwrap_or(("http", address));
    let authority = rest.split('/').next().unwrap_or_default();
    let (account, place) = authority.rsplit_once('@').unwrap_or(("", authority));
    let port = match scheme.to_ascii_lowercase().as_str() {
        "http" => 80,
        "https" => 443,
        "socks" | "socks4" | "socks4a" | "socks5" | "socks5h" => 1_080,
        _ => return (None, account.contains(':')),
    };
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()),
        Some((_, _)) | None => (place, Some(port)),
    };
    let host = host.trim_matches(['[', ']']);
    let letters = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':');
    let valid = !host.is_empty() && host.len() <= HOST_MAX && host.bytes().all(letters);
    let place = port.filter(|port| valid && *port != 0).map(|port| (host.to_owned(), port));
    (place, account.contains(':'))
}

impl Setting {
    fn row(&self) -> Vec<Value> {
        let (host, port) = self
            .place
            .as_ref()
            .map_or(("".into(), "".into()), |(host, port)| (Value::from(host.clone()), Value::from(u32::from(*port))));
        vec![self.of.into(), self.protocol.into(), host, port, self.password.into()]
    }
}

/// The port of a proxy on this computer where nobody listens.
fn stopped(settings: &[Setting], tables: &[Reading]) -> Option<u16> {
    let here = |host: &str| host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let runs = |port: u16| tables.iter().flatten().any(|table| listens(table, port));
    let known = tables.iter().any(Result::is_ok);
    let mut places = settings.iter().filter_map(|setting| setting.place.as_ref());
    places.find(|(host, port)| known && here(host) && !runs(*port)).map(|(_, port)| *port)
}

fn judge_settings(draft: &mut Draft, settings: &[Setting], tables: &[Reading]) {
    if let Some(port) = stopped(settings, tables) {
        let evidence = format!("/proc/net/tcp: nobody listens at port {port}");
        draft.finding(Severity::Critical, "proxy-stopped", &[], evidence);
    }
    for setting in settings.iter().filter(|setting| setting.place.is_none()) {
        let evidence = format!("{}, {}: no host and port", setting.of, setting.protocol);
        draft.finding(Severity::Warning, "proxy-wrong", &[("of", setting.of.into())], evidence);
    }
    if let Some(setting) = settings.iter().find(|setting| setting.password && setting.open) {
        draft.finding(Severity::Warning, "password-written", &[], format!("settings of {}", setting.of));
    }
    let mut places: Vec<&(String, u16)> = settings.iter().filter_map(|setting| setting.place.as_ref()).collect();
    places.sort();
    places.dedup();
    // One for each protocol is a setting; the same protocol by two ways is a contradiction.
    let differ = settings.iter().enumerate().any(|(index, one)| {
        let other =
            |other: &Setting| other.protocol == one.protocol && other.place != one.place && other.place.is_some();
        one.place.is_some() && settings.iter().skip(index).any(other)
    });
    if differ {
        let count = places.len() as u64;
        draft.finding(Severity::Warning, "proxies-differ", &[("count", count.into())], format!("{count} proxies"));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn with(text: &str) -> Inputs {
        let file = File { of: "environment", syntax: Syntax::Variables, text: text.to_owned(), open: true };
        Inputs { files: vec![file], unread: None, tables: vec![Ok(String::new())], leases: vec![] }
    }

    #[test]
    fn addresses_are_taken_apart_and_secrets_stay() {
        for (address, host, port, password) in [
            ("http://proxy.example:3128/", "proxy.example", 3_128, false),
            ("proxy:8080", "proxy", 8_080, false),
            ("http://proxy", "proxy", 80, false),
            ("http://ana:s3cr3t@proxy:1", "proxy", 1, true),
            ("http://ana@proxy:1", "proxy", 1, false),
            ("http://ana:a@b@proxy:1", "proxy", 1, true),
            ("socks5://[::1]:9050", "::1", 9_050, false),
            ("socks5://[fe80::1]", "fe80::1", 1_080, false),
        ] {
            assert_eq!(place(address), (Some((host.to_owned(), port)), password), "{address}");
        }
        for wrong in ["http://", "http://:80", "http://proxy:0", "http://proxy:x", "http://pro xy", "gopher://a:1", ""]
        {
            assert_eq!(place(wrong).0, None, "{wrong}");
        }
        let long = |length: usize| place(&format!("{}:80", "a".repeat(length))).0.is_some();
        assert!(long(HOST_MAX - 1) && long(HOST_MAX) && !long(HOST_MAX + 1));
    }

    #[test]
    fn three_ways_of_writing_it() {
        let apt_text = "// Proxy \"http://no:1\";\nAcquire::http::Proxy \"http://one:1\";\nAcquire {\n  https {\n    Proxy \"http://two:2\";\n  };\n};\nAcquire::http::Proxy::deb.example \"DIRECT\";\nAcquire::ftp::Proxy \"false\";\n";
        assert_eq!(apt(apt_text), [("HTTP", "http://one:1".to_owned()), ("HTTPS", "http://two:2".to_owned())]);
        let key_file = "[system/proxy]\nmode='manual'\n\n[system/proxy/http]\nhost='three'\nport=3\n[other]\nport=4\n";
        assert_eq!(desktop(key_file), [("HTTP", "three:3".to_owned())]);
        assert_eq!(desktop(&key_file.replace("manual", "none")), []);
        let lines = "export HTTP_PROXY='http://four:4'\nhttps_proxy = five:5\nno_proxy=localhost\nhttp_proxy=$X\n";
        assert_eq!(variables(lines), [("HTTP", "http://four:4".to_owned()), ("HTTPS", "five:5".to_owned())]);
        assert_eq!(variables(&format!("PROXY_ENABLED=\"no\"\n{lines}")), []);
    }

    #[test]
    fn an_office_and_a_home() {
        let draft = Proxy::judge(inputs_from(&recorded("network-debian-server")));
        assert!(!format!("{draft:?}").contains("correhorse") && !format!("{draft:?}").contains("svc-apt"));
        let found: Vec<String> = told(Proxy::ID, &draft).findings.into_iter().map(|f| f.id).collect();
        assert_eq!(found, ["password-written", "proxies-differ"]);
        assert_eq!(findings::<Proxy>(inputs_from(&recorded("network-fedora-vpn"))), ["no-proxy"]);
        assert_eq!(findings::<Proxy>(inputs_from(&recorded("network-arch-desktop"))), ["proxy-automatic"]);
    }

    #[test]
    fn a_proxy_of_this_computer_has_to_run() {
        let text = "http_proxy=http://127.0.0.1:3128";
        assert_eq!(findings::<Proxy>(with(text)), ["proxy-stopped"]);
        let runs = vec![Ok("0: 0100007F:0C38 00000000:0000 0A\n".to_owned())];
        assert_eq!(findings::<Proxy>(Inputs { tables: runs, ..with(text) }), ["proxy-set"]);
        assert_eq!(findings::<Proxy>(Inputs { tables: vec![Err(Unread::Denied)], ..with(text) }), ["proxy-set"]);
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Proxy>(vec![
            inputs_from(&recorded("network-debian-server")),
            inputs_from(&recorded("network-arch-desktop")),
            with("http_proxy=localhost:9\nhttps_proxy=http://:1"),
            with("http_proxy=proxy:9"),
            with(""),
            Inputs { unread: Some("APT"), ..with("") },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "((export )?(https?|all)_proxy ?= ?.*\n|\\[system/proxy(/http)?\\]\n|mode='manual'\n|(host|port)=.*\n|.*[Pp]roxy \".*\n)*") {
            let file = |syntax| File { of: "APT", syntax, text: text.clone(), open: true };
            let files = vec![file(Syntax::Variables), file(Syntax::Apt), file(Syntax::Desktop)];
            told(Proxy::ID, &Proxy::judge(Inputs { files, ..with("") }));
        }
    }
}
