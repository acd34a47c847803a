//! `hardware.cameras`: which cameras there are, and whether this account may use them.
//!
//! No camera is opened: no picture, no light.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Where the kernel keeps what gives moving pictures.
const FOLDER: &str = "/sys/class/video4linux";
/// Drivers of pictures that no camera takes.
const VIRTUAL: &str = "v4l2loopback";

pub(crate) struct Cameras;

pub(crate) struct Inputs {
    nodes: Vec<Node>,
    /// Cameras on the USB bus (video class) that have no driver.
    idle: Vec<String>,
}

/// A way to a camera; one camera has several.
struct Node {
    name: String,
    /// The part behind it; none if a program makes the picture.
    part: Option<String>,
    driver: Option<String>,
}

impl Check for Cameras {
    const ID: &'static str = "hardware.cameras";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let mut cameras: Vec<&Node> = inputs.nodes.iter().collect();
        cameras.sort_by_key(|node| (&node.part, &node.name));
        cameras.dedup_by_key(|node| (&node.part, &node.name));
        draft.fact("cameras", cameras.len() as u64, "");
        let row = |node: &&Node| -> Vec<Value> {
            vec![shown(&node.name).into(), node.driver.clone().unwrap_or_default().into(), node.part.is_none().into()]
        };
        draft.table("cameras", &["camera", "driver", "virtual"], cameras.iter().map(row).collect());
        for camera in &inputs.idle {
            let evidence = format!("/sys/bus/usb/devices/{camera}: video class, no driver");
            draft.finding(Severity::Warning, "camera-without-driver", &[], evidence);
        }
        let real = cameras.iter().filter(|node| node.part.is_some()).count() as u64;
        if draft.findings.is_empty() && real == 0 {
            draft.finding(Severity::Unknown, "no-camera", &[], format!("{FOLDER} shows no camera"));
        } else if draft.findings.is_empty() {
            draft.finding(
                Severity::Ok,
                "cameras-found",
                &[("count", real.into())],
                format!("{FOLDER}: {real} cameras"),
            );
        }
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    let node = |name: String| {
        let folder = format!("{FOLDER}/{name}");
        let driver = machine.link_name(&format!("{folder}/device/driver"));
        let part = machine.link_name(&format!("{folder}/device"));
        let part = part.filter(|part| !part.starts_with(VIRTUAL) && driver.as_deref() != Some(VIRTUAL));
        Some(Node { name: machine.word(&format!("{folder}/name"))?, part, driver })
    };
    let folder = "/sys/bus/usb/devices";
    let idle = |name: &String| {
        let class = machine.word(&format!("{folder}/{name}/bInterfaceClass")).as_deref() == Some("0e");
        class && machine.link_name(&format!("{folder}/{name}/driver")).is_none()
    };
    let videos = machine.names(FOLDER).into_iter().filter(|name| name.starts_with("video"));
    let interfaces = machine.names(folder).into_iter().filter(|name| name.contains(':'));
    let mut idle: Vec<String> =
        interfaces.filter(idle).filter_map(|name| name.split_once(':').map(|(device, _)| device.to_owned())).collect();
    idle.dedup();
    Inputs { nodes: videos.filter_map(node).collect(), idle }
}

/// Names are `Integrated Camera: Integrated C`: twice the same, cut at 32 bytes by the kernel.
fn shown(name: &str) -> &str {
    match name.split_once(": ") {
        Some((before, after)) if !after.is_empty() && before.starts_with(after) => before,
        Some(_) | None => name,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::recording::{recording, unpacked};
    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};

    #[test]
    fn one_camera_with_two_ways_to_it_is_one() {
        let draft = Cameras::judge(gather_from(&recording("laptop-fedora")));
        assert_eq!(draft.tables[0].rows.len(), 1);
        assert_eq!(draft.tables[0].rows[0][0], "Integrated Camera".into());
        assert_eq!(findings::<Cameras>(gather_from(&recording("laptop-fedora"))), ["cameras-found"]);
        assert_eq!(findings::<Cameras>(gather_from(&recording("desktop-arch"))), ["no-camera"]);
    }

    #[test]
    fn a_picture_that_a_program_makes_is_no_camera() {
        let list = "/sys/class/video4linux/video9/name = OBS Virtual Camera\n";
        let draft = Cameras::judge(gather_from(&unpacked(list)));
        assert_eq!(draft.tables[0].rows[0][2], true.into());
        assert_eq!(draft.findings[0].id, "no-camera");
    }

    #[test]
    fn everything_declared_is_said() {
        let idle =
            "/sys/bus/usb/devices/1-8:1.0/bInterfaceClass = 0e\n/sys/bus/usb/devices/1-8:1.1/bInterfaceClass = 0e\n";
        assert_eq!(findings::<Cameras>(gather_from(&unpacked(idle))), ["camera-without-driver"]);
        all_is_said::<Cameras>(vec![
            gather_from(&recording("laptop-fedora")),
            gather_from(&unpacked(idle)),
            gather_from(&unpacked("")),
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(name in ".*(: .*)?", part in any::<bool>()) {
            let node = || Node { name: name.clone(), part: part.then(|| name.clone()), driver: None };
            told(Cameras::ID, &Cameras::judge(Inputs { nodes: vec![node(), node()], idle: vec![] }));
        }
    }
}
