//! `tasks.sound-output`: why nothing is heard: muted, too quiet, going to the wrong place, or no sound system.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::sound::{Device, Heard, Raw, Way, row};
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Percent of the volume at which hardly anything is heard. Our choice.
const QUIET: u64 = 10;

pub(crate) struct SoundOutput;

pub(crate) struct Inputs {
    raw: Raw,
}

impl Check for SoundOutput {
    const ID: &'static str = "tasks.sound-output";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let user = rustix::process::getuid().as_raw();
        Ok(Inputs { raw: Raw::gather(&Machine::this(), user, Way::Out) })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        draft.fact("cards", inputs.raw.cards(), "");
        let devices = match inputs.raw.heard() {
            Heard::Devices(devices) => devices,
            Heard::NoCard(why) => {
                draft.finding(Severity::Critical, "no-card", &[], why);
                return draft;
            }
            Heard::NotAllowed(why) => {
                draft.finding(Severity::Critical, "not-allowed", &[], why);
                return draft;
            }
            Heard::NoService(why) => {
                draft.finding(Severity::Warning, "no-service", &[], why);
                return draft;
            }
            Heard::Unknown(why) => {
                draft.finding(Severity::Unknown, "sound-unknown", &[], why);
                return draft;
            }
        };
        let default = devices.iter().find(|device| device.default);
        let volume = default.and_then(|device| device.volume);
        draft.fact("volume", volume.map_or(Value::from(""), Value::from), "%");
        draft.fact("muted", default.map_or(Value::from(""), |device| device.muted.into()), "");
        if devices.iter().all(|device| device.kind == "dummy") {
            draft.finding(Severity::Critical, "no-output", &[], "pactl list sinks: only the stand-in");
        } else {
            match default {
                Some(device) => judge_default(&mut draft, device),
                None => draft.finding(Severity::Warning, "no-default", &[], "pactl info: Default Sink isn't listed"),
            }
        }
        if draft.findings.is_empty() {
            let volume = volume.unwrap_or(0);
            draft.finding(Severity::Ok, "sound-ok", &[], format!("pactl: not muted, {volume} %"));
        }
        let columns = ["number", "kind", "default", "muted", "volume", "port", "plugged"];
        draft.table("outputs", &columns, devices.iter().map(row).collect());
        draft
    }
}

fn judge_default(draft: &mut Draft, device: &Device) {
    let evidence = |what: &str| format!("pactl: default output ({}, {}) {what}", device.kind, device.port);
    if device.muted {
        draft.finding(Severity::Critical, "sound-muted", &[], evidence("Mute: yes"));
    } else if let Some(volume) = device.volume.filter(|volume| *volume <= QUIET) {
        draft.finding(Severity::Warning, "sound-quiet", &[("percent", volume.into())], evidence("volume"));
    }
    if device.plugged == Some(false) {
        draft.finding(Severity::Critical, "nothing-plugged", &[], evidence("port not available"));
    } else if device.kind == "screen" {
        draft.finding(Severity::Warning, "sound-to-screen", &[], evidence("is a screen"));
    } else if device.kind == "virtual" {
        draft.finding(Severity::Warning, "sound-to-virtual", &[], evidence("is no device"));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::sound::recorded::{block, session, without};
    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    const SPEAKER: &str = "Speaker (type: Speaker, priority: 10000, availability unknown)";
    const NAME: &str = "alsa_output.pci-0000_00_1f.3.analog-stereo";

    fn one(name: &str, muted: bool, volume: u64, port: &str) -> Inputs {
        let list = block(Way::Out, name, muted, volume, port);
        Inputs { raw: session(Way::Out, &format!("Default Sink: {name}\n"), &list) }
    }

    #[test]
    fn a_laptop_whose_speaker_is_muted() {
        let text = |name: &str| recorded("ubuntu-laptop").text(&format!("/tools/{name}")).unwrap();
        let raw = session(Way::Out, &text("pactl-info.txt"), &text("pactl-sinks.txt"));
        assert_eq!(findings::<SoundOutput>(Inputs { raw }), ["sound-muted"]);
    }

    #[test]
    fn volume_below_at_and_above() {
        for (volume, found) in [(0, "sound-quiet"), (QUIET, "sound-quiet"), (QUIET + 1, "sound-ok")] {
            assert_eq!(findings::<SoundOutput>(one(NAME, false, volume, SPEAKER)), [found]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        let gone = "HDMI / DisplayPort (type: HDMI, priority: 5900, not available)";
        let mut runs: Vec<Inputs> = without(Way::Out).into_iter().map(|raw| Inputs { raw }).collect();
        runs.extend([
            one(NAME, true, 40, SPEAKER),
            one(NAME, false, 5, gone),
            one("alsa_output.pci-0000_01_00.1.hdmi-stereo", false, 50, "HDMI (type: HDMI, priority: 1, available)"),
            one("easyeffects_sink", false, 50, ""),
            one("auto_null", false, 50, ""),
            one(NAME, false, 50, SPEAKER),
            Inputs { raw: session(Way::Out, "Default Sink: x\n", &block(Way::Out, NAME, false, 50, SPEAKER)) },
        ]);
        all_is_said::<SoundOutput>(runs);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(name in ".*", port in ".*", volume in any::<u64>()) {
            told(SoundOutput::ID, &SoundOutput::judge(one(&name, false, volume, &port)));
        }
    }
}
