//! `security.secure-boot`: whether the computer checks what it starts.
//!
//! From the firmware's own variables (UEFI 2.10, 3.3; shim's `MokSBState`), which anybody may read on most systems; where not,
//! mokutil is asked. A computer that starts the old way (BIOS) has nothing to check with, and the item says so.

use std::time::Duration;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity};

use crate::checks::machine::{Machine, Reading, Unread};
use crate::checks::tool::{self, Answer, Silence};
use crate::checks::{Check, Failure};

const FIRMWARE: &str = "/sys/firmware";
const EFI: &str = "/sys/firmware/efi";
/// One byte after four of attributes; the numbers are those of UEFI's and shim's own variables.
const SECURE_BOOT: &str = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
const SETUP_MODE: &str = "/sys/firmware/efi/efivars/SetupMode-8be4df61-93ca-11d2-aa0d-00e098032b8c";
const SHIM_OFF: &str = "/sys/firmware/efi/efivars/MokSBStateRT-605dab50-e046-4300-abb6-3dd810dd8b23";
const LOCKDOWN: &str = "/sys/kernel/security/lockdown";
/// Longest wait for mokutil.
const LIMIT: Duration = Duration::from_secs(3);

pub(crate) struct SecureBoot;

pub(crate) struct Inputs {
    /// What the firmware shows: `acpi`, `dmi`, `efi`, `devicetree`.
    firmware: Vec<String>,
    secure_boot: Reading,
    setup_mode: Reading,
    shim_off: Reading,
    lockdown: Reading,
    /// Asked only where the variables can't be read.
    mokutil: Option<Result<Answer, Silence>>,
}

impl Check for SecureBoot {
    const ID: &'static str = "security.secure-boot";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let mut inputs = gather_from(&Machine::this());
        if inputs.has("efi") && variable(&inputs.secure_boot).is_none() {
            inputs.mokutil = Some(tool::MOKUTIL.ask(&["--sb-state"], LIMIT));
        }
        Ok(inputs)
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        if let Some(mode) = inputs.lockdown.as_deref().ok().and_then(lockdown) {
            draft.fact("lockdown", mode, "");
        }
        if !inputs.has("efi") {
            if inputs.has("devicetree") {
                draft.fact("start", "device tree", "");
                draft.finding(Severity::Unknown, "other-start", &[], format!("{FIRMWARE} has devicetree, no efi"));
            } else if inputs.firmware.is_empty() {
                draft.finding(Severity::Unknown, "secure-boot-unknown", &[], format!("{FIRMWARE} shows nothing"));
            } else {
                draft.fact("start", "BIOS", "");
                draft.finding(Severity::Warning, "old-start", &[], format!("{EFI} does not exist"));
            }
            return draft;
        }
        draft.fact("start", "UEFI", "");
        let setup = variable(&inputs.setup_mode);
        let by_tool = inputs.mokutil.as_ref().and_then(mokutil);
        let Some(on) = variable(&inputs.secure_boot).or(by_tool) else {
            let why = match (&inputs.secure_boot, &inputs.mokutil) {
                // Firmware without this variable can't do it at all.
                (Err(Unread::Absent), Some(Ok(answer))) if answer.status != Some(0) => {
                    answer.error.lines().chain(answer.output.lines()).next().unwrap_or("mokutil: no answer").to_owned()
                }
                (Err(error), _) => format!("SecureBoot variable {error}"),
                (Ok(_), _) => "SecureBoot variable has no value".to_owned(),
            };
            draft.finding(Severity::Unknown, "secure-boot-unknown", &[], why);
            return draft;
        };
        draft.fact("secure-boot", on, "");
        if setup == Some(true) {
            draft.finding(Severity::Warning, "no-keys", &[], "SetupMode is 1");
        } else if !on {
            let evidence = if by_tool.is_some() { "mokutil --sb-state: disabled" } else { "SecureBoot is 0" };
            draft.finding(Severity::Warning, "secure-boot-off", &[], evidence);
        } else if variable(&inputs.shim_off) == Some(true) {
            draft.finding(Severity::Warning, "checks-skipped", &[], "MokSBStateRT is 1");
        } else {
            let evidence = if by_tool.is_some() { "mokutil --sb-state: enabled" } else { "SecureBoot is 1" };
            draft.finding(Severity::Ok, "secure-boot-on", &[], evidence);
        }
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    Inputs {
        firmware: machine.names(FIRMWARE),
        secure_boot: machine.text(SECURE_BOOT),
        setup_mode: machine.text(SETUP_MODE),
        shim_off: machine.text(SHIM_OFF),
        lockdown: machine.text(LOCKDOWN),
        mokutil: None,
    }
}

impl Inputs {
    fn has(&self, name: &str) -> bool {
        self.firmware.iter().any(|firmware| firmware == name)
    }
}

/// Four bytes of attributes and one of value.
fn variable(text: &Reading) -> Option<bool> {
    match text.as_deref().ok()?.chars().nth(4)? {
        '\0' => Some(false),
        '\u{1}' => Some(true),
        _ => None,
    }
}

/// `SecureBoot enabled` or `SecureBoot disabled` (mokutil(1)).
fn mokutil(answer: &Result<Answer, Silence>) -> Option<bool> {
    let line = answer.as_ref().ok()?.output.lines().find_map(|line| line.trim().strip_prefix("SecureBoot "))?;
    ["disabled", "enabled"].iter().position(|word| *word == line.trim()).map(|found| found == 1)
}

/// `none [integrity] confidentiality`: the one in brackets is in force (kernel_lockdown(7)).
fn lockdown(text: &str) -> Option<&'static str> {
    let mode = text.split('[').nth(1)?.split(']').next()?;
    ["none", "integrity", "confidentiality"].into_iter().find(|word| *word == mode)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn efi(secure_boot: Reading, setup_mode: Reading, shim_off: Reading) -> Inputs {
        Inputs {
            firmware: vec!["acpi".into(), "efi".into()],
            secure_boot,
            setup_mode,
            shim_off,
            lockdown: Ok("none [integrity] confidentiality\n".into()),
            mokutil: None,
        }
    }

    fn set(value: &str) -> Reading {
        Ok(format!("\u{6}\0\0\0{value}"))
    }

    fn absent() -> Reading {
        Err(Unread::Absent)
    }

    fn asked(status: i32, output: &str) -> Inputs {
        let answer = Answer { status: Some(status), output: output.into(), error: String::new() };
        Inputs { mokutil: Some(Ok(answer)), ..efi(absent(), absent(), absent()) }
    }

    #[test]
    fn what_the_firmware_says() {
        for (inputs, found) in [
            (efi(set("\u{1}"), set("\0"), absent()), "secure-boot-on"),
            (efi(set("\0"), set("\0"), absent()), "secure-boot-off"),
            (efi(set("\0"), set("\u{1}"), absent()), "no-keys"),
            (efi(set("\u{1}"), set("\0"), set("\u{1}")), "checks-skipped"),
            (efi(set("\u{1}"), set("\0"), set("\0")), "secure-boot-on"),
            (efi(set(""), absent(), absent()), "secure-boot-unknown"),
            (asked(0, "SecureBoot enabled\n"), "secure-boot-on"),
            (asked(0, "SecureBoot disabled\nPlatform is in Setup Mode\n"), "secure-boot-off"),
            (asked(255, "This system doesn't support Secure Boot\n"), "secure-boot-unknown"),
        ] {
            assert_eq!(findings::<SecureBoot>(inputs), [found]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        assert_eq!(findings::<SecureBoot>(gather_from(&recorded("laptop-guarded"))), ["secure-boot-on"]);
        let firmware = |name: &str| Inputs { firmware: vec![name.into()], ..efi(absent(), absent(), absent()) };
        all_is_said::<SecureBoot>(vec![
            gather_from(&recorded("laptop-guarded")),
            gather_from(&recorded("desktop-invaded")),
            gather_from(&recorded("container")),
            efi(set("\0"), set("\u{1}"), absent()),
            efi(set("\0"), set("\0"), absent()),
            efi(set("\u{1}"), absent(), set("\u{1}")),
            firmware("devicetree"),
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(a in ".*", b in ".*", c in ".*", lockdown in ".*\\[.*", output in "SecureBoot .*|.*", status in any::<Option<i32>>()) {
            let answer = Answer { status, output, error: String::new() };
            let inputs = Inputs { lockdown: Ok(lockdown), mokutil: Some(Ok(answer)), ..efi(Ok(a), Ok(b), Ok(c)) };
            told(SecureBoot::ID, &SecureBoot::judge(inputs));
        }
    }
}
