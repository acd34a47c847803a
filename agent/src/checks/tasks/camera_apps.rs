//! `tasks.camera-apps`: whether a camera is there and may be used, and which programs hold it or record sound right now.
//!
//! "The camera is in use by another application" and "is somebody watching?" are the same question. Only programs of this
//! account can be seen; of each only the name is told. Nothing is recorded or opened.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Most processes, and open files of each, that are looked at.
const PROCESSES_MAX: usize = 2_048;
const FILES_MAX: usize = 1_024;
/// Programs that hold devices for others: what uses them behind can't be told from here.
const BROKERS: [&str; 4] = ["pipewire", "pipewire-pulse", "pulseaudio", "wireplumber"];

pub(crate) struct CameraApps;

pub(crate) struct Inputs {
    cameras: Vec<Camera>,
    /// Programs of this account that hold a camera.
    watching: BTreeSet<String>,
    /// States of devices that record, and who opened them.
    recording: Vec<Recording>,
    /// Whether other processes' open files could be seen at all.
    visible: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Camera {
    /// As its maker calls it.
    name: String,
    /// Whether this account may use it.
    may: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Recording {
    /// `/proc/asound/card0/pcm0c/sub0/status`.
    status: String,
    /// Name of the process that opened it.
    program: Option<String>,
}

impl Check for CameraApps {
    const ID: &'static str = "tasks.camera-apps";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this(), rustix::process::getuid().as_raw()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let recording: BTreeSet<&str> = inputs
            .recording
            .iter()
            .filter(|recording| recording.status.lines().any(|line| line.trim() == "state: RUNNING"))
            .map(|recording| recording.program.as_deref().unwrap_or(""))
            .collect();
        draft.fact("cameras", inputs.cameras.len() as u64, "");
        draft.fact("camera-used", !inputs.watching.is_empty(), "");
        draft.fact("microphone-used", !recording.is_empty(), "");
        for program in &inputs.watching {
            let (id, evidence) =
                (said(program, "camera-held", "camera-used"), format!("{program} has /dev/video open"));
            draft.finding(Severity::Warning, id, &[("program", program.clone().into())], evidence);
        }
        for program in &recording {
            let id = said(program, "microphone-held", "microphone-used");
            let evidence = format!("/proc/asound: a device that records is RUNNING, opened by {program}");
            draft.finding(Severity::Warning, id, &[("program", (*program).into())], evidence);
        }
        for camera in inputs.cameras.iter().filter(|camera| !camera.may) {
            let evidence = "its file in /dev: permission denied";
            draft.finding(Severity::Warning, "camera-not-allowed", &[("camera", camera.name.clone().into())], evidence);
        }
        if draft.findings.is_empty() {
            if inputs.cameras.is_empty() {
                draft.finding(Severity::Ok, "no-camera", &[], "/sys/class/video4linux shows none; nothing records");
            } else {
                let evidence = format!("{} cameras, no program of this account has one open", inputs.cameras.len());
                draft.finding(Severity::Ok, "camera-free", &[], evidence);
            }
        }
        if !inputs.visible {
            draft.finding(Severity::Unknown, "programs-hidden", &[], "/proc shows no open files of other programs");
        }
        let row = |camera: &Camera| vec![Value::from(camera.name.clone()), camera.may.into()];
        draft.table("cameras", &["camera", "allowed"], inputs.cameras.iter().map(row).collect());
        draft
    }
}

fn said(program: &str, held: &'static str, used: &'static str) -> &'static str {
    if program.is_empty() || BROKERS.contains(&program) { held } else { used }
}

fn gather_from(machine: &Machine, user: u32) -> Inputs {
    let (watching, visible) = watching(machine, user);
    Inputs { cameras: cameras(machine), watching, recording: recording(machine), visible }
}

/// One line a camera, though each has two or more devices of the same name.
fn cameras(machine: &Machine) -> Vec<Camera> {
    let mut cameras: Vec<Camera> = Vec::new();
    for device in machine.names("/sys/class/video4linux") {
        let folder = format!("/sys/class/video4linux/{device}");
        // The first device of each is the picture; the others are notes about it.
        if machine.number::<u32>(&format!("{folder}/index")).unwrap_or(0) != 0 {
            continue;
        }
        let name = machine.word(&format!("{folder}/name")).unwrap_or_default();
        let access = rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK;
        let may = rustix::fs::access(machine.path(&format!("/dev/{device}")), access).is_ok();
        // `Integrated Camera: Integrated C` is how the kernel joins two names.
        cameras.push(Camera { name: name.split(": ").next().unwrap_or_default().to_owned(), may });
    }
    cameras
}

fn watching(machine: &Machine, user: u32) -> (BTreeSet<String>, bool) {
    let own = std::process::id().to_string();
    let (mut found, mut visible) = (BTreeSet::new(), false);
    let processes = machine.names("/proc").into_iter().filter(|name| name.bytes().all(|b| b.is_ascii_digit()));
    for id in processes.filter(|id| *id != own).take(PROCESSES_MAX) {
        let folder = machine.path(&format!("/proc/{id}"));
        if std::fs::metadata(&folder).map(|metadata| metadata.uid()).ok() != Some(user) {
            continue;
        }
        let Ok(files) = std::fs::read_dir(folder.join("fd")) else { continue };
        visible = true;
        let camera = files.flatten().take(FILES_MAX).any(|file| {
            let target = std::fs::read_link(file.path());
            target.is_ok_and(|target| target.to_str().is_some_and(|target| target.starts_with("/dev/video")))
        });
        if camera {
            found.extend(machine.word(&format!("/proc/{id}/comm")));
        }
    }
    (found, visible)
}

/// `/proc/asound/card*/pcm*c/sub*/status`.
fn recording(machine: &Machine) -> Vec<Recording> {
    let mut found = Vec::new();
    let below = |folder: &str, begins: &str, ends: &str| -> Vec<String> {
        let names = machine.names(folder).into_iter().filter(|name| name.starts_with(begins) && name.ends_with(ends));
        names.map(|name| format!("{folder}/{name}")).collect()
    };
    for device in below("/proc/asound", "card", "").iter().flat_map(|card| below(card, "pcm", "c")) {
        for part in below(&device, "sub", "") {
            let Ok(status) = machine.text(&format!("{part}/status")) else { continue };
            let owner = status.lines().find_map(|line| line.strip_prefix("owner_pid")?.trim().strip_prefix(':'));
            let owner = owner.and_then(|owner| owner.trim().parse::<u32>().ok());
            let program = owner.and_then(|owner| machine.word(&format!("/proc/{owner}/comm")));
            found.push(Recording { status, program });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn with(watching: &[&str], recording: Option<&str>) -> Inputs {
        let status = "state: RUNNING\nowner_pid   : 1842\ntrigger_time: 5123.1\n".to_owned();
        Inputs {
            cameras: vec![Camera { name: "Integrated Camera".into(), may: true }],
            watching: watching.iter().map(|&name| name.to_owned()).collect(),
            recording: recording.map(|name| Recording { status, program: Some(name.to_owned()) }).into_iter().collect(),
            visible: true,
        }
    }

    #[test]
    fn a_program_that_holds_the_camera_is_named() {
        let root = tempfile::tempdir().unwrap();
        for (process, name, target) in
            [("10", "zoom", "/dev/video0"), ("11", "firefox", "/home/ana/secret"), ("12", "x", "/dev/null")]
        {
            let folder = root.path().join("proc").join(process);
            std::fs::create_dir_all(folder.join("fd")).unwrap();
            std::fs::write(folder.join("comm"), name).unwrap();
            symlink(target, folder.join("fd/3")).unwrap();
        }
        let user = rustix::process::getuid().as_raw();
        let (found, visible) = watching(&Machine::at(root.path()), user);
        assert_eq!((found.into_iter().collect::<Vec<_>>(), visible), (vec!["zoom".to_owned()], true));
        assert_eq!(watching(&Machine::at(root.path()), user + 1), (BTreeSet::new(), false));
    }

    #[test]
    fn a_laptop_that_records_through_the_sound_service() {
        let inputs = gather_from(&recorded("ubuntu-laptop"), rustix::process::getuid().as_raw());
        assert_eq!(inputs.cameras, [Camera { name: "Integrated Camera".into(), may: true }]);
        let draft = CameraApps::judge(Inputs { visible: true, ..inputs });
        assert_eq!(told(CameraApps::ID, &draft).findings[0].id, "microphone-held");
    }

    #[test]
    fn everything_declared_is_said() {
        let denied = vec![Camera { name: "Webcam C270".into(), may: false }];
        assert_eq!(findings::<CameraApps>(with(&["zoom"], Some("zoom"))), ["camera-used", "microphone-used"]);
        all_is_said::<CameraApps>(vec![
            with(&["zoom", "pipewire"], Some("zoom")),
            with(&[], Some("pipewire")),
            with(&[], None),
            Inputs { cameras: denied, ..with(&[], None) },
            Inputs { cameras: vec![], visible: false, ..with(&[], None) },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(status in "(state: RUNNING\n)?.*", program in ".*", camera in ".*") {
            let recording = vec![Recording { status, program: Some(program.clone()) }];
            let cameras = vec![Camera { name: camera, may: false }];
            told(CameraApps::ID, &CameraApps::judge(Inputs { recording, cameras, ..with(&[&program], None) }));
        }
    }
}
