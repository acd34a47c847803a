//! `security.access-control`: whether AppArmor or SELinux keeps programs inside what they may do.
//!
//! From the list the kernel itself keeps (`/sys/kernel/security/lsm`), SELinux's own state and AppArmor's own setting. Rules
//! and profiles are neither read nor counted: their number says little and is the administrator's.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity};

use crate::checks::machine::{Machine, Reading};
use crate::checks::{Check, Failure};

const MODULES: &str = "/sys/kernel/security/lsm";
const APPARMOR: &str = "/sys/module/apparmor/parameters/enabled";
const ENFORCE: &str = "/sys/fs/selinux/enforce";
const SETTING: &str = "/etc/selinux/config";
/// The other systems of the kernel that do the same (its `admin-guide/LSM`).
const OTHERS: [(&str, &str); 2] = [("smack", "Smack"), ("tomoyo", "TOMOYO")];

pub(crate) struct AccessControl;

pub(crate) struct Inputs {
    modules: Reading,
    apparmor: Reading,
    enforce: Reading,
    setting: Reading,
}

impl Check for AccessControl {
    const ID: &'static str = "security.access-control";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let modules = inputs.modules.as_deref().unwrap_or_default();
        let has = |module: &str| modules.trim().split(',').any(|name| name == module);
        let apparmor = inputs.apparmor.as_deref().ok().map(|text| text.trim() == "Y");
        let enforce = inputs.enforce.as_deref().ok().map(|text| text.trim() == "1");
        let other = OTHERS.iter().find(|(module, _)| has(module));
        let on = if enforce == Some(true) {
            Some(("SELinux", format!("{ENFORCE} is 1")))
        } else if apparmor == Some(true) {
            Some(("AppArmor", format!("{APPARMOR} is Y")))
        } else {
            other.map(|(module, name)| (*name, format!("{MODULES} has {module}")))
        };
        if let Some((name, evidence)) = on {
            draft.fact("system", name, "");
            draft.fact("state", "enforcing", "");
            draft.finding(Severity::Ok, "kept-inside", &[("name", name.into())], evidence);
        } else if enforce == Some(false) {
            draft.fact("system", "SELinux", "");
            draft.fact("state", "permissive", "");
            draft.finding(Severity::Warning, "only-noted", &[], format!("{ENFORCE} is 0"));
        } else if let Some(setting) = inputs.setting.as_deref().ok().and_then(selinux) {
            draft.fact("system", "SELinux", "");
            draft.fact("state", "off", "");
            let evidence = format!("{SETTING} SELINUX={setting}, not in force");
            draft.finding(Severity::Warning, "turned-off", &[("name", "SELinux".into())], evidence);
        } else if apparmor == Some(false) {
            draft.fact("system", "AppArmor", "");
            draft.fact("state", "off", "");
            draft.finding(Severity::Warning, "turned-off", &[("name", "AppArmor".into())], format!("{APPARMOR} is N"));
        } else if inputs.modules.is_ok() {
            draft.fact("state", "none", "");
            let evidence = format!("{MODULES}: {}", modules.trim());
            draft.finding(Severity::Warning, "nothing-keeps", &[], evidence);
        } else {
            let why = inputs.modules.as_ref().err().map(ToString::to_string).unwrap_or_default();
            draft.finding(Severity::Unknown, "access-unknown", &[], format!("{MODULES} {why}"));
        }
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    Inputs {
        modules: machine.text(MODULES),
        apparmor: machine.text(APPARMOR),
        enforce: machine.text(ENFORCE),
        setting: machine.text(SETTING),
    }
}

/// `SELINUX=enforcing|permissive|disabled` (selinux_config(5)), as one of these words.
fn selinux(text: &str) -> Option<&'static str> {
    let value = text.lines().find_map(|line| line.trim().strip_prefix("SELINUX="))?;
    ["enforcing", "permissive", "disabled"].into_iter().find(|word| *word == value.trim())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn none() -> Inputs {
        let absent = || Err(Unread::Absent);
        Inputs { modules: absent(), apparmor: absent(), enforce: absent(), setting: absent() }
    }

    #[test]
    fn what_is_in_force_counts_more_than_what_is_set() {
        let fedora = || Ok("# x\nSELINUX=enforcing\nSELINUXTYPE=targeted\n".to_owned());
        for (inputs, found) in [
            (Inputs { enforce: Ok("1".into()), setting: fedora(), ..none() }, "kept-inside"),
            (Inputs { enforce: Ok("0".into()), setting: fedora(), ..none() }, "only-noted"),
            (Inputs { setting: fedora(), ..none() }, "turned-off"),
            (Inputs { apparmor: Ok("Y\n".into()), setting: fedora(), ..none() }, "kept-inside"),
            (Inputs { apparmor: Ok("N\n".into()), ..none() }, "turned-off"),
            (Inputs { modules: Ok("capability,landlock,yama,tomoyo\n".into()), ..none() }, "kept-inside"),
            (Inputs { modules: Ok("capability,landlock,yama,bpf\n".into()), ..none() }, "nothing-keeps"),
            (none(), "access-unknown"),
        ] {
            assert_eq!(findings::<AccessControl>(inputs), [found]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<AccessControl>(vec![
            gather_from(&recorded("laptop-guarded")),
            gather_from(&recorded("desktop-invaded")),
            gather_from(&recorded("container")),
            Inputs { enforce: Ok("0".into()), ..none() },
            Inputs { modules: Ok("capability,yama\n".into()), ..none() },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(a in ".*", b in "Y|N|.*", c in "0|1|.*", d in "SELINUX=.*|.*") {
            let inputs = Inputs { modules: Ok(a), apparmor: Ok(b), enforce: Ok(c), setting: Ok(d) };
            told(AccessControl::ID, &AccessControl::judge(inputs));
        }
    }
}
