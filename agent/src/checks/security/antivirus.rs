//! `security.antivirus`: whether an antivirus runs and how old what it knows is.
//!
//! ClamAV is asked over its own socket (`PING`, `VERSION`: clamd(8)) and its databases' own headers are read; of other makers'
//! programs only whether they run can be told. Nothing is scanned.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, SystemTime};

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::program::Programs;
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Where distributions put ClamAV's socket: Debian, Ubuntu and Arch; Fedora; openSUSE; its own default.
const SOCKETS: [&str; 4] =
    ["/run/clamav/clamd.ctl", "/run/clamd.scan/clamd.sock", "/run/clamav/clamd.sock", "/tmp/clamd.sock"];
/// ClamAV's database that changes daily, before and after its first small update.
const DATABASES: [&str; 2] = ["/var/lib/clamav/daily.cld", "/var/lib/clamav/daily.cvd"];
/// ClamAV's programs.
const SCANNER: [&str; 2] = ["/usr/bin/clamscan", "/usr/bin/clamdscan"];
/// Longest wait for ClamAV, each way.
const LIMIT: Duration = Duration::from_secs(2);
/// Longest answer and header read (a header has 512 bytes: ClamAV's `cvd.h`).
const ANSWER_MAX: u64 = 512;
/// Days after which what ClamAV knows is old: its own tool warns from 7 days on (`freshclam`, "older than 7 days").
const OLD_DAYS: u64 = 7;
const DAY: u64 = 24 * 60 * 60;

/// Other makers' programs: name, processes, folder.
const PRODUCTS: [(&str, &[&str], &str); 22] = [
    ("Avast", &["avast"], "/etc/avast"),
    ("Bitdefender", &["bdsecd", "bdregd", "epsecurityd"], "/opt/bitdefender-security-tools"),
    ("Carbon Black", &["cbagentd", "cbdaemon"], "/opt/carbonblack"),
    ("Cisco Secure Endpoint", &["ampdaemon"], "/opt/cisco/amp"),
    ("Comodo", &["cmdagent", "cmdavd"], "/opt/COMODO"),
    ("Cortex XDR", &["pmd"], "/opt/traps"),
    ("CrowdStrike Falcon", &["falcon-sensor", "falcon-sensor-bpf"], "/opt/CrowdStrike"),
    ("Cylance", &["cylancesvc"], "/opt/cylance"),
    ("Dr.Web", &["drweb-configd"], "/opt/drweb.com"),
    ("ESET", &["oaeventd", "odfeeder", "esets_daemon", "eea"], "/opt/eset"),
    ("Elastic Defend", &["elastic-endpoint"], "/opt/Elastic/Endpoint"),
    ("FortiClient", &["fctsched", "fmon"], "/opt/forticlient"),
    ("Kaspersky", &["kesl", "kfl"], "/opt/kaspersky"),
    ("Malwarebytes", &["mbdaemon"], "/opt/malwarebytes"),
    ("Microsoft Defender", &["wdavdaemon"], "/opt/microsoft/mdatp"),
    ("SentinelOne", &["s1-agent", "s1-scanner"], "/opt/sentinelone"),
    ("Sophos", &["sophos_threat_detector", "savd", "sspl_managed"], "/opt/sophos-spl"),
    ("Symantec", &["sisamddaemon", "rtvscand"], "/opt/Symantec"),
    ("Trellix", &["mfetpd", "isectpd"], "/opt/McAfee"),
    ("Trend Micro", &["ds_agent", "ds_am"], "/opt/ds_agent"),
    ("WithSecure", &["f-secure-linuxsecurity", "fsavd"], "/opt/f-secure"),
    ("maldet", &["maldet"], "/usr/local/maldetect"),
];

pub(crate) struct Antivirus;

pub(crate) struct Inputs {
    programs: Programs,
    /// Folders of [`PRODUCTS`] that exist.
    folders: Vec<&'static str>,
    clamav: ClamAv,
    /// Seconds since 1970.
    now: u64,
}

/// What ClamAV and its files say.
#[derive(Default)]
struct ClamAv {
    /// Whether its programs are there.
    installed: bool,
    /// `PONG` to `PING`.
    pong: Option<String>,
    /// `ClamAV 1.0.7/27474/Thu Nov 28 09:40:51 2024` to `VERSION`.
    version: Option<String>,
    /// First bytes of the daily database.
    header: Option<String>,
    /// When the database was written, in seconds since 1970.
    written: Option<u64>,
}

impl Check for Antivirus {
    const ID: &'static str = "security.antivirus";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let machine = Machine::this();
        let mut inputs = gather_from(&machine, SystemTime::now());
        let socket = SOCKETS.iter().find(|path| machine.has(path));
        inputs.clamav.pong = socket.and_then(|path| ask(&machine, path, b"zPING\0"));
        inputs.clamav.version = socket.and_then(|path| ask(&machine, path, b"zVERSION\0"));
        Ok(inputs)
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let clamav = &inputs.clamav;
        let answers = clamav.pong.as_deref() == Some("PONG");
        let clamd = answers || inputs.programs.runs("clamd");
        let mut running: Vec<(&str, String)> = PRODUCTS
            .iter()
            .filter_map(|(name, processes, _)| Some((*name, format!("process {}", inputs.programs.first(processes)?))))
            .collect();
        if clamd {
            running.push(("ClamAV", if answers { "clamd answers PONG" } else { "process clamd" }.to_owned()));
        }
        let stopped = PRODUCTS.iter().filter(|(name, _, folder)| {
            inputs.folders.contains(folder) && !running.iter().any(|(known, _)| known == name)
        });
        for (name, _, folder) in stopped {
            let evidence = format!("{folder} exists, none of its processes runs");
            draft.finding(Severity::Warning, "installed-not-running", &[("name", (*name).into())], evidence);
        }
        if clamav.installed || clamd {
            patterns(&mut draft, clamav, inputs.now);
        }
        let names: Vec<&str> = running.iter().map(|(name, _)| *name).collect();
        draft.fact("running", names.join(", "), "");
        let bad = draft.findings.iter().any(|finding| finding.severity == Severity::Warning);
        match running.first() {
            Some((name, evidence)) if !bad => {
                draft.finding(Severity::Ok, "antivirus-on", &[("name", (*name).into())], evidence.clone());
            }
            None if !inputs.programs.all => {
                draft.finding(Severity::Unknown, "programs-hidden", &[], "/proc/1/comm can't be seen");
            }
            None if !bad && clamav.installed => {
                draft.finding(Severity::Ok, "only-when-asked", &[], "clamscan is installed, clamd does not run");
            }
            None if !bad => {
                let evidence = format!("{} products and ClamAV looked for", PRODUCTS.len());
                draft.finding(Severity::Ok, "no-antivirus", &[], evidence);
            }
            Some(_) | None => {}
        }
        draft
    }
}

fn gather_from(machine: &Machine, now: SystemTime) -> Inputs {
    let database = DATABASES.iter().find(|path| machine.has(path));
    let since_1970 = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |age| age.as_secs());
    Inputs {
        programs: Programs::of(machine),
        folders: PRODUCTS.iter().map(|(.., folder)| *folder).filter(|folder| machine.has(folder)).collect(),
        clamav: ClamAv {
            installed: SCANNER.iter().any(|path| machine.has(path)),
            header: database.and_then(|path| header(machine, path)),
            written: database
                .and_then(|path| std::fs::metadata(machine.path(path)).ok()?.modified().ok())
                .map(since_1970),
            ..ClamAv::default()
        },
        now: since_1970(now),
    }
}

/// Only the header: the database itself has hundreds of megabytes.
fn header(machine: &Machine, path: &str) -> Option<String> {
    let file = std::fs::File::open(machine.path(path)).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    read(file)
}

/// Asks ClamAV. The two words are constants: the protocol has others that scan or end the service.
fn ask(machine: &Machine, path: &str, word: &[u8]) -> Option<String> {
    let mut stream = UnixStream::connect(machine.path(path)).ok()?;
    stream.set_read_timeout(Some(LIMIT)).ok()?;
    stream.set_write_timeout(Some(LIMIT)).ok()?;
    stream.write_all(word).ok()?;
    read(stream).map(|answer| answer.trim_end_matches(['\0', '\n']).to_owned())
}

fn read(from: impl Read) -> Option<String> {
    let mut bytes = Vec::new();
    from.take(ANSWER_MAX).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// How old what ClamAV knows is.
fn patterns(draft: &mut Draft, clamav: &ClamAv, now: u64) {
    if let Some(version) = clamav.version.as_deref().and_then(|text| text.strip_prefix("ClamAV ")) {
        let version = version.split('/').next().unwrap_or_default();
        draft.fact("version", version.chars().take(24).collect::<String>(), "");
    }
    let made = clamav.header.as_deref().and_then(header_time);
    let (time, source) = match (made, clamav.written) {
        (Some(made), _) => (made, "its own date"),
        (None, Some(written)) => (written, "the file's date"),
        (None, None) => {
            let evidence = format!("{} can't be read", DATABASES.join(", "));
            return draft.finding(Severity::Unknown, "patterns-unknown", &[], evidence);
        }
    };
    let days = now.saturating_sub(time) / DAY;
    draft.fact("patterns", days, "days");
    if days >= OLD_DAYS {
        let evidence = format!("/var/lib/clamav daily database is {days} days old by {source}");
        draft.finding(Severity::Warning, "patterns-old", &[("days", Value::from(days))], evidence);
    }
}

/// `ClamAV-VDB:28 Nov 2024 09-40 +0000:27474:…:…:…:…:builder:1732786800`: the last field is the time in seconds.
fn header_time(header: &str) -> Option<u64> {
    let fields: Vec<&str> = header.strip_prefix("ClamAV-VDB:")?.split(':').collect();
    fields.get(7)?.trim().split([' ', '\0']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, item, recorded, told};

    /// 28 November 2024.
    const MADE: u64 = 1_732_786_800;

    fn running(names: &[&str]) -> Inputs {
        Inputs { programs: Programs::named(names), folders: Vec::new(), clamav: ClamAv::default(), now: MADE }
    }

    fn clamav(now: u64) -> Inputs {
        let clamav = ClamAv {
            installed: true,
            pong: Some("PONG".into()),
            version: Some("ClamAV 1.0.7/27474/Thu Nov 28 09:40:51 2024".into()),
            header: Some(format!("ClamAV-VDB:28 Nov 2024 09-40 +0000:27474:2067:90:0123abcd:sig:raynman:{MADE}   ")),
            written: None,
        };
        Inputs { clamav, now, ..running(&[]) }
    }

    #[test]
    fn every_place_is_declared() {
        let reads = &item(Antivirus::ID).needs.reads;
        let mut places: Vec<&str> = PRODUCTS.iter().map(|(.., folder)| *folder).collect();
        places.extend(SOCKETS.iter().chain(&DATABASES).chain(&SCANNER));
        for place in places {
            let below =
                |read: &String| place == read || place.strip_prefix(read.as_str()).is_some_and(|r| r.starts_with('/'));
            assert!(reads.iter().any(below), "{place}");
        }
    }

    #[test]
    fn old_patterns_below_at_and_above() {
        for (age, found) in [
            (OLD_DAYS * DAY - 1, "antivirus-on"),
            (OLD_DAYS * DAY, "patterns-old"),
            (OLD_DAYS * DAY + 1, "patterns-old"),
        ] {
            assert_eq!(findings::<Antivirus>(clamav(MADE + age)), [found]);
        }
        let by_file = ClamAv { header: Some("garbage".into()), written: Some(MADE), ..clamav(0).clamav };
        let inputs = Inputs { clamav: by_file, ..clamav(MADE + 30 * DAY) };
        assert_eq!(findings::<Antivirus>(inputs), ["patterns-old"]);
    }

    #[test]
    fn each_product_is_known_by_its_process_and_missed_by_its_folder() {
        for (name, processes, folder) in PRODUCTS {
            let process = processes[0].get(..15).unwrap_or(processes[0]);
            let draft = Antivirus::judge(Inputs { folders: vec![folder], ..running(&[process]) });
            assert_eq!((draft.facts[0].value.clone(), draft.findings[0].id.as_str()), (name.into(), "antivirus-on"));
            let stopped = findings::<Antivirus>(Inputs { folders: vec![folder], ..running(&[]) });
            assert_eq!(stopped, ["installed-not-running"], "{name}");
        }
    }

    #[test]
    fn clamav_is_asked_by_its_own_words() {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("clamd.ctl")).unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut word = [0; 6];
            stream.read_exact(&mut word).unwrap();
            stream.write_all(b"PONG\0").unwrap();
            word
        });
        let machine = Machine::at(folder.path());
        assert_eq!(ask(&machine, "/clamd.ctl", b"zPING\0").as_deref(), Some("PONG"));
        assert_eq!(&server.join().unwrap(), b"zPING\0");
        assert_eq!(ask(&machine, "/none", b"zPING\0"), None);
    }

    #[test]
    fn everything_declared_is_said() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(MADE + 90 * DAY);
        assert_eq!(findings::<Antivirus>(gather_from(&recorded("desktop-invaded"), time)), ["patterns-old"]);
        all_is_said::<Antivirus>(vec![
            clamav(MADE),
            clamav(MADE + 99 * DAY),
            Inputs { folders: vec!["/opt/eset"], ..running(&[]) },
            Inputs { clamav: ClamAv { installed: true, ..ClamAv::default() }, ..running(&[]) },
            running(&["bash"]),
            Inputs { programs: Programs::default(), ..running(&[]) },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(
            pong in any::<Option<String>>(), version in "ClamAV .*|.*", header in "ClamAV-VDB:(.*:){7}[0-9]*|.*",
            written in any::<Option<u64>>(), now in any::<u64>(), installed in any::<bool>(),
        ) {
            let clamav = ClamAv { installed, pong, version: Some(version), header: Some(header), written };
            told(Antivirus::ID, &Antivirus::judge(Inputs { clamav, now, ..running(&[]) }));
        }
    }
}
