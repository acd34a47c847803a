//! `hardware.drive-health`: what the disks' own diaries (SMART) say: failing, worn, bad places, hours, heat.
//!
//! UDisks2 reads them for everybody and is asked first, if it runs already: asking never starts it. As administrator,
//! smartctl is asked for the rest, and never wakes a sleeping disk. Nothing is tested and nothing written.

use std::time::Duration;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::smart::{Drive, Health, drives, smartctl};
use crate::checks::figure::tenths;
use crate::checks::machine::Machine;
use crate::checks::tool::{self, Answer, Silence};
use crate::checks::{Check, Failure};

/// Longest wait for an answer of UDisks2, and of a disk.
const LIMIT: Duration = Duration::from_secs(4);
/// Most disks asked about one by one.
const DISKS_MAX: usize = 16;
/// Percent of its life from which a disk is worn (NVMe 2.0, 5.16.1.3: 100 is what its maker estimates).
const WORN_PERCENT: u64 = 90;
/// Degrees Celsius: what makers allow spinning disks, and where others begin to slow down.
const SPINNING_HOT: f64 = 60.0;
const SOLID_HOT: f64 = 70.0;
/// Damaged transfers over a disk's whole life that aren't chance any more. Our choice.
const CABLE_ERRORS: u64 = 100;
/// Everything UDisks2 knows, in one answer.
const OBJECTS: [&str; 8] = [
    "--system",
    "--json=short",
    "--auto-start=no",
    "call",
    "org.freedesktop.UDisks2",
    "/org/freedesktop/UDisks2",
    "org.freedesktop.DBus.ObjectManager",
    "GetManagedObjects",
];

pub(crate) struct DriveHealth;

pub(crate) struct Inputs {
    /// Disks the kernel has.
    disks: Vec<String>,
    objects: Result<Answer, Silence>,
    /// Answers of UDisks2, by disk.
    attributes: Vec<(String, Answer)>,
    /// Answers of smartctl, by disk; none if this isn't the administrator.
    smartctl: Vec<(String, Result<Answer, Silence>)>,
}

impl Check for DriveHealth {
    const ID: &'static str = "hardware.drive-health";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let disks: Vec<String> = Machine::this().names("/sys/block").into_iter().filter(|name| is_disk(name)).collect();
        let objects = tool::BUSCTL.ask(&OBJECTS, LIMIT);
        let known = objects.as_ref().ok().and_then(|answer| drives(&answer.output)).unwrap_or_default();
        let attributes = known.iter().take(DISKS_MAX).filter(|drive| drive.health.says_something());
        let attributes = attributes.filter_map(|drive| Some((drive.health.disk.clone(), ask_more(drive)?))).collect();
        let silent = |disk: &&String| !known.iter().any(|d| d.health.disk == **disk && d.health.says_something());
        let administrator = rustix::process::geteuid().is_root();
        let rest = disks.iter().filter(silent).take(if administrator { DISKS_MAX } else { 0 });
        let smartctl = rest.map(|disk| (disk.clone(), ask_smartctl(disk))).collect();
        Ok(Inputs { objects, attributes, smartctl, disks })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let disks = health(&inputs);
        let speaking: Vec<&Health> = disks.iter().filter(|disk| disk.says_something()).collect();
        draft.fact("disks", inputs.disks.len() as u64, "");
        draft.fact("speaking", speaking.len() as u64, "");
        speaking.iter().for_each(|disk| judge_disk(&mut draft, disk));
        let silent =
            inputs.disks.iter().filter(|disk| !speaking.iter().any(|known| known.disk == **disk)).count() as u64;
        if draft.findings.is_empty() && !speaking.is_empty() {
            let evidence = format!("SMART of {} disks: passed, no bad sectors", speaking.len());
            draft.finding(Severity::Ok, "disks-healthy", &[("count", (speaking.len() as u64).into())], evidence);
        }
        if inputs.disks.is_empty() {
            draft.finding(Severity::Unknown, "no-disk", &[], "/sys/block shows no disk");
        } else if silent > 0 {
            let id = if speaking.is_empty() { "health-hidden" } else { "some-silent" };
            draft.finding(Severity::Unknown, id, &[("count", silent.into())], why(&inputs));
        }
        draft.table("disks", &COLUMNS, speaking.iter().map(|disk| row(disk)).collect());
        draft
    }
}

const COLUMNS: [&str; 10] = [
    "disk",
    "model",
    "failing",
    "hours",
    "temperature",
    "replaced",
    "unreadable",
    "used",
    "media-errors",
    "cable-errors",
];

/// Disks that can keep a diary. The names are the kernel's; nothing else becomes an argument.
fn is_disk(name: &str) -> bool {
    let letters = |rest: &str| (1..=3).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_lowercase());
    let nvme = |rest: &str| {
        let number = |text: &str| (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        rest.split_once('n').is_some_and(|(controller, namespace)| number(controller) && number(namespace))
    };
    name.strip_prefix("sd").is_some_and(letters) || name.strip_prefix("nvme").is_some_and(nvme)
}

fn ask_more(drive: &Drive) -> Option<Answer> {
    let arguments = [
        OBJECTS[0],
        OBJECTS[1],
        OBJECTS[2],
        OBJECTS[3],
        OBJECTS[4],
        &drive.path,
        drive.interface,
        "SmartGetAttributes",
        "a{sv}",
        "0",
    ];
    tool::BUSCTL.ask(&arguments, LIMIT).ok()
}

fn ask_smartctl(disk: &str) -> Result<Answer, Silence> {
    let device = format!("/dev/{disk}");
    tool::SMARTCTL.ask(&["--json=c", "--info", "--health", "--attributes", "--nocheck=standby", &device], LIMIT)
}

fn health(inputs: &Inputs) -> Vec<Health> {
    let known = inputs.objects.as_ref().ok().and_then(|answer| drives(&answer.output)).unwrap_or_default();
    let mut disks: Vec<Health> = known.into_iter().map(|drive| drive.health).filter(Health::says_something).collect();
    for (name, answer) in &inputs.attributes {
        disks.iter_mut().filter(|disk| disk.disk == *name).for_each(|disk| disk.add_attributes(&answer.output));
    }
    let asked = inputs.smartctl.iter().filter_map(|(name, answer)| smartctl(name, &answer.as_ref().ok()?.output));
    disks.extend(asked);
    disks.sort_by(|a, b| a.disk.cmp(&b.disk));
    disks
}

fn judge_disk(draft: &mut Draft, disk: &Health) {
    let values = |count: u64| [("disk", disk.disk.clone().into()), ("count", count.into())];
    let on = [("disk", disk.disk.clone().into())];
    let evidence = |what: &str| format!("SMART of {} ({}): {what}", disk.disk, disk.model);
    let some = |figure: Option<u64>| figure.filter(|count| *count > 0);
    if disk.failing == Some(true) {
        draft.finding(Severity::Critical, "disk-failing", &on, evidence("it says that it fails"));
    }
    if let Some(count) = some(disk.unreadable) {
        draft.finding(
            Severity::Critical,
            "unreadable-places",
            &values(count),
            evidence(&format!("{count} unreadable sectors")),
        );
    }
    if let Some(count) = some(disk.media_errors) {
        draft.finding(Severity::Critical, "data-lost", &values(count), evidence(&format!("{count} media errors")));
    }
    if let Some(count) = some(disk.replaced) {
        draft.finding(
            Severity::Warning,
            "places-replaced",
            &values(count),
            evidence(&format!("{count} reallocated sectors")),
        );
    }
    if let Some(used) = disk.used.filter(|used| *used >= WORN_PERCENT) {
        let values = [("disk", disk.disk.clone().into()), ("percent", used.into())];
        draft.finding(Severity::Warning, "disk-worn", &values, evidence(&format!("{used} % used")));
    }
    let limit = if disk.spins { SPINNING_HOT } else { SOLID_HOT };
    if let Some(temperature) = disk.temperature.filter(|degrees| *degrees >= limit) {
        let values = [("disk", disk.disk.clone().into()), ("temperature", temperature.into())];
        draft.finding(Severity::Warning, "disk-hot", &values, evidence(&format!("{temperature:.0} °C of {limit:.0}")));
    }
    if let Some(count) = disk.cable_errors.filter(|count| *count >= CABLE_ERRORS) {
        draft.finding(Severity::Warning, "disk-cable", &values(count), evidence(&format!("{count} CRC errors")));
    }
}

fn row(disk: &Health) -> Vec<Value> {
    let number = |figure: Option<u64>| figure.map_or("".into(), Value::from);
    vec![
        disk.disk.clone().into(),
        disk.model.clone().into(),
        disk.failing.map_or("".into(), Into::into),
        number(disk.hours),
        disk.temperature.map_or("".into(), |degrees| tenths(degrees).into()),
        number(disk.replaced),
        number(disk.unreadable),
        number(disk.used),
        number(disk.media_errors),
        number(disk.cable_errors),
    ]
}

/// Why a disk said nothing.
fn why(inputs: &Inputs) -> String {
    let asked = inputs.smartctl.iter().find_map(|(_, answer)| answer.as_ref().err());
    match (&inputs.objects, asked) {
        (_, Some(silence)) => silence.to_string(),
        (Err(silence), None) => silence.to_string(),
        (Ok(answer), None) if answer.status != Some(0) => {
            format!("busctl: {}", answer.error.lines().next().unwrap_or("no reason"))
        }
        (Ok(_), None) if inputs.smartctl.is_empty() => "UDisks2 has no diary of it".to_owned(),
        (Ok(_), None) => "neither UDisks2 nor smartctl could read its diary".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::recording::answer;
    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};

    fn said(output: String) -> Answer {
        Answer { status: Some(0), output, error: String::new() }
    }

    fn desktop() -> Inputs {
        Inputs {
            disks: ["nvme0n1", "sda", "sdb"].map(Into::into).into(),
            objects: Ok(said(answer("udisks-objects.json"))),
            attributes: vec![
                ("sda".into(), said(answer("udisks-ata-attributes.json"))),
                ("nvme0n1".into(), said(answer("udisks-nvme-attributes.json"))),
            ],
            smartctl: vec![],
        }
    }

    fn asked(disk: &str, output: String) -> Inputs {
        Inputs {
            disks: vec![disk.into()],
            objects: Err(Silence::NotInstalled("busctl")),
            attributes: vec![],
            smartctl: vec![(disk.into(), Ok(said(output)))],
        }
    }

    /// A disk of which smartctl says this, beside that it passed.
    fn with(fields: &str) -> Inputs {
        asked("sda", format!(r#"{{"smart_status":{{"passed":true}},{fields}}}"#))
    }

    #[test]
    fn a_desktop_whose_spinning_disk_dies() {
        let found = findings::<DriveHealth>(desktop());
        assert_eq!(found, ["disk-failing", "unreadable-places", "places-replaced", "some-silent"]);
        let draft = DriveHealth::judge(desktop());
        assert_eq!(
            draft.tables[0].rows[0][..4],
            ["nvme0n1".into(), "Samsung SSD 970 EVO Plus 500GB".into(), false.into(), Value::Integer(7_020)]
        );
        assert!(!format!("{draft:?}").contains("ZFL0ABCD"), "a serial number");
        assert_eq!(findings::<DriveHealth>(asked("nvme0n1", answer("smartctl-nvme.json"))), ["disk-worn"]);
    }

    #[test]
    fn figures_below_at_and_above_their_limits() {
        let attribute = |id: u64, raw: u64| {
            format!(r#""ata_smart_attributes":{{"table":[{{"id":{id},"raw":{{"value":{raw}}}}}]}}"#)
        };
        let nvme = |key: &str, n: u64| format!(r#""nvme_smart_health_information_log":{{"{key}":{n}}}"#);
        for (fields, found) in [
            (attribute(5, 0), "disks-healthy"),
            (attribute(5, 1), "places-replaced"),
            (attribute(197, 1), "unreadable-places"),
            (attribute(198, 1), "unreadable-places"),
            (attribute(199, 99), "disks-healthy"),
            (attribute(199, 100), "disk-cable"),
            (nvme("percentage_used", 89), "disks-healthy"),
            (nvme("percentage_used", 90), "disk-worn"),
            (nvme("percentage_used", 255), "disk-worn"),
            (nvme("media_errors", 0), "disks-healthy"),
            (nvme("media_errors", 1), "data-lost"),
            (nvme("critical_warning", 4), "disk-failing"),
            (r#""temperature":{"current":69}"#.into(), "disks-healthy"),
            (r#""temperature":{"current":70}"#.into(), "disk-hot"),
            (r#""rotation_rate":7200,"temperature":{"current":59}"#.into(), "disks-healthy"),
            (r#""rotation_rate":7200,"temperature":{"current":60}"#.into(), "disk-hot"),
        ] {
            assert_eq!(findings::<DriveHealth>(with(&fields)), [found], "{fields}");
        }
    }

    #[test]
    fn only_names_of_disks_become_arguments() {
        for (name, fits) in [
            ("sda", true),
            ("sdaaa", true),
            ("sdaaaa", false),
            ("sd", false),
            ("sda1", false),
            ("nvme0n1", true),
            ("nvme0c0n1", false),
            ("nvme0", false),
            ("sd../x", false),
            ("-h", false),
            ("loop0", false),
        ] {
            assert_eq!(is_disk(name), fits, "{name}");
        }
    }

    #[test]
    fn everything_declared_is_said() {
        let refused = Answer { status: Some(1), output: String::new(), error: "The name is not activatable\n".into() };
        let hidden = |objects, smartctl| Inputs { disks: vec!["sda".into()], objects, attributes: vec![], smartctl };
        all_is_said::<DriveHealth>(vec![
            desktop(),
            asked("nvme0n1", answer("smartctl-nvme.json")),
            with(r#""temperature":{"current":80},"nvme_smart_health_information_log":{"media_errors":3}"#),
            with(r#""ata_smart_attributes":{"table":[{"id":199,"raw":{"value":500}}]}"#),
            with(r#""x":0"#),
            hidden(Ok(refused), vec![]),
            hidden(Ok(said(answer("udisks-nvme-attributes.json"))), vec![]),
            hidden(Err(Silence::TooSlow("busctl")), vec![("sda".into(), Err(Silence::NotInstalled("smartctl")))]),
            hidden(Err(Silence::TooSlow("busctl")), vec![]),
            asked("sda", answer("smartctl-refused.json")),
            Inputs { disks: vec![], ..desktop_without_objects() },
        ]);
    }

    fn desktop_without_objects() -> Inputs {
        Inputs { objects: Err(Silence::NotInstalled("busctl")), attributes: vec![], ..desktop() }
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in ".*", n in any::<u64>(), t in -300_f64..2_000.0) {
            let fields = format!(r#""power_on_time":{{"hours":{n}}},"temperature":{{"current":{t}}},"ata_smart_attributes":{{"table":[{{"id":5,"raw":{{"value":{n}}}}}]}}"#);
            told(DriveHealth::ID, &DriveHealth::judge(with(&fields)));
            let inputs = asked("sda", text.clone());
            told(DriveHealth::ID, &DriveHealth::judge(Inputs { objects: Ok(said(text)), ..inputs }));
        }
    }
}
