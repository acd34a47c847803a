//! `tasks.microphone`: why others hear nothing: muted, too quiet, unplugged, or no microphone.
//!
//! Nothing is recorded.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::sound::{Heard, Raw, Way, row};
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Percent of the level at which a voice is hardly heard. Our choice.
const QUIET: u64 = 15;

pub(crate) struct Microphone;

pub(crate) struct Inputs {
    raw: Raw,
}

impl Check for Microphone {
    const ID: &'static str = "tasks.microphone";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let user = rustix::process::getuid().as_raw();
        Ok(Inputs { raw: Raw::gather(&Machine::this(), user, Way::In) })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        draft.fact("cards", inputs.raw.cards(), "");
        let devices = match inputs.raw.heard() {
            Heard::Devices(devices) => devices,
            Heard::NoCard(why) => {
                draft.finding(Severity::Warning, "no-microphone", &[], why);
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
                draft.finding(Severity::Unknown, "microphone-unknown", &[], why);
                return draft;
            }
        };
        let default = devices.iter().find(|device| device.default);
        let volume = default.and_then(|device| device.volume);
        draft.fact("volume", volume.map_or(Value::from(""), Value::from), "%");
        draft.fact("muted", default.map_or(Value::from(""), |device| device.muted.into()), "");
        match default {
            None if devices.is_empty() => {
                draft.finding(Severity::Warning, "no-microphone", &[], "pactl list sources: only what is played");
            }
            None => draft.finding(Severity::Warning, "no-default", &[], "pactl info: Default Source is no microphone"),
            Some(device) => {
                let evidence = |what: &str| format!("pactl: default source ({}, {}) {what}", device.kind, device.port);
                if device.muted {
                    draft.finding(Severity::Critical, "microphone-muted", &[], evidence("Mute: yes"));
                } else if let Some(volume) = device.volume.filter(|volume| *volume <= QUIET) {
                    draft.finding(
                        Severity::Warning,
                        "microphone-quiet",
                        &[("percent", volume.into())],
                        evidence("volume"),
                    );
                }
                if device.plugged == Some(false) {
                    draft.finding(Severity::Critical, "nothing-plugged", &[], evidence("port not available"));
                }
            }
        }
        if draft.findings.is_empty() {
            let volume = volume.unwrap_or(0);
            draft.finding(Severity::Ok, "microphone-ok", &[], format!("pactl: not muted, {volume} %"));
        }
        let columns = ["number", "kind", "default", "muted", "volume", "port", "plugged"];
        draft.table("microphones", &columns, devices.iter().map(row).collect());
        draft
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::sound::recorded::{block, session, without};
    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    const NAME: &str = "alsa_input.pci-0000_00_1f.3.analog-stereo";
    const MIC: &str = "Internal Microphone (type: Mic, priority: 8900, availability unknown)";

    fn one(name: &str, muted: bool, volume: u64, port: &str) -> Inputs {
        let list = block(Way::In, name, muted, volume, port);
        Inputs { raw: session(Way::In, &format!("Default Source: {name}\n"), &list) }
    }

    #[test]
    fn a_laptop_whose_microphone_is_fine() {
        let text = |name: &str| recorded("ubuntu-laptop").text(&format!("/tools/{name}")).unwrap();
        let raw = session(Way::In, &text("pactl-info.txt"), &text("pactl-sources.txt"));
        assert_eq!(findings::<Microphone>(Inputs { raw }), ["microphone-ok"]);
    }

    #[test]
    fn level_below_at_and_above() {
        for (volume, found) in
            [(QUIET - 1, "microphone-quiet"), (QUIET, "microphone-quiet"), (QUIET + 1, "microphone-ok")]
        {
            assert_eq!(findings::<Microphone>(one(NAME, false, volume, MIC)), [found]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        let gone = "Microphone (type: Mic, priority: 8700, availability group: Legacy 1, not available)";
        let mut runs: Vec<Inputs> = without(Way::In).into_iter().map(|raw| Inputs { raw }).collect();
        runs.extend([
            one(NAME, true, 40, MIC),
            one(NAME, false, 1, gone),
            one(NAME, false, 50, MIC),
            one("alsa_output.pci.monitor", false, 50, ""),
            Inputs { raw: session(Way::In, "Default Source: x.monitor\n", &block(Way::In, NAME, false, 50, MIC)) },
        ]);
        all_is_said::<Microphone>(runs);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(name in ".*", port in ".*", volume in any::<u64>()) {
            told(Microphone::ID, &Microphone::judge(one(&name, false, volume, &port)));
        }
    }
}
