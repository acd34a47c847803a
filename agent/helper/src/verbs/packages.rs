//! What an interrupted installation left half done, where Debian's packages are: `dpkg --configure -a`, and what APT must
//! fetch for it.
//!
//! With care: nothing is ever removed (`--no-remove`), settings the person changed stay as they are (`--force-confold`),
//! and what would be installed is part of the plan. It is never stopped: that is what broke it the first time.

use std::collections::BTreeSet;
use std::path::Path;

use super::{ASK, Performed, Seen, all, must};
use crate::program::{Answer, Patience, Programs};
use crate::request::{Row, State};

/// Most packages that a plan names; more is no interrupted installation but a broken system.
const PACKAGES_MAX: usize = 100;
/// Begins the part of a plan that APT has to install.
const INSTALL: &str = "; install: ";
const CONFIGURE: [&str; 4] = ["--force-confold", "--force-confdef", "--configure", "-a"];
const FIX: [&str; 9] = [
    "-y",
    "--no-remove",
    "--no-install-recommends",
    "-o",
    "Dpkg::Options::=--force-confold",
    "-o",
    "Dpkg::Options::=--force-confdef",
    "-f",
    "install",
];

pub(super) fn look(root: &Path, programs: &dyn Programs) -> Result<Seen, String> {
    if !root.join("var/lib/dpkg/status").is_file() {
        return Err("no packages of dpkg".to_owned());
    }
    let audit = programs.run("dpkg", &["--audit"], Patience::Ask(ASK))?;
    let half = half_done(&audit.output);
    let simulated = programs.run("apt-get", &["-s", "--no-remove", "-f", "install"], Patience::Ask(ASK));
    let wanted = simulated.ok().filter(|answer| answer.success).map(|answer| installed(&answer.output));
    let install: BTreeSet<String> = wanted.unwrap_or_default().difference(&half).cloned().collect();
    if half.len() + install.len() > PACKAGES_MAX {
        return Err(format!("more than {PACKAGES_MAX} packages are broken"));
    }
    let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(" ");
    let plan = match (half.is_empty(), install.is_empty()) {
        (true, true) => None,
        (_, true) => Some(list(&half)),
        (_, false) => Some(format!("{}{INSTALL}{}", list(&half), list(&install))),
    };
    let word = |text: &str| Row::Word(text.to_owned());
    let mut rows: Vec<(String, Row)> = half.iter().map(|name| (name.clone(), word("half done"))).collect();
    rows.extend(install.iter().map(|name| (name.clone(), word("missing"))));
    Ok(Seen { state: State { total: Row::Count(rows.len() as u64), rows }, plan })
}

pub(super) fn perform(plan: &str, programs: &dyn Programs) -> Performed {
    let mut results: Vec<Result<Answer, String>> =
        vec![must("dpkg --configure", programs.run("dpkg", &CONFIGURE, Patience::Whole))];
    if plan.contains(INSTALL) {
        results.push(must("apt-get -f install", programs.run("apt-get", &FIX, Patience::Whole)));
    }
    all(results)
}

/// `dpkg --audit` lists packages below its explanations, each in a line of its own: ` name   what it is`.
fn half_done(text: &str) -> BTreeSet<String> {
    let names = text.lines().filter_map(|line| line.strip_prefix(' ')?.split_whitespace().next());
    names.filter(|name| is_package(name)).map(str::to_owned).collect()
}

/// `Inst name (version …)` of a simulation.
fn installed(text: &str) -> BTreeSet<String> {
    let names = text.lines().filter_map(|line| line.strip_prefix("Inst ")?.split_whitespace().next());
    names.filter(|name| is_package(name)).map(str::to_owned).collect()
}

/// Debian policy 5.6.1, with the architecture that dpkg may add.
fn is_package(name: &str) -> bool {
    name.len() <= 128
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b':'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AUDIT: &str = "The following packages are only half configured, probably due to problems\n\
        configuring them the first time.  The configuration should be retried using\n\
        dpkg --configure <package> or the configure menu option in dselect:\n\
        \u{20}linux-image-6.12.30-amd64 Linux 6.12 for 64-bit PCs (signed)\n\u{20}libc6:i386           GNU C Library\n";

    #[test]
    fn packages_are_read_and_nothing_else() {
        let names = |set: BTreeSet<String>| set.into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!(names(half_done(AUDIT)), "libc6:i386 linux-image-6.12.30-amd64");
        let simulated = "NOTE: This is only a simulation!\nInst libfoo1 (1.2-3 Debian:13/stable [amd64])\n\
            Conf libfoo1 (1.2-3)\nInst -x (1)\nRemv bar\n";
        assert_eq!(names(installed(simulated)), "libfoo1");
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "( .*\n|Inst .*\n|.*\n)*") {
            let all: Vec<String> = half_done(&text).into_iter().chain(installed(&text)).collect();
            prop_assert!(all.iter().all(|name| !name.starts_with('-')));
        }
    }
}
