//! `system.crashes`: programs that crashed in the last days, and how often.
//!
//! Three places keep track of crashes, and no system has all: systemd's collector writes to the journal, the kernel to its
//! own messages, Ubuntu's apport to files. Only names and counts are read, never what a program left behind.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::log::{self, Heard};
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Crashes of one program from which it isn't chance. Our choice.
const AGAIN: u64 = 3;
/// Most findings; the table has the rest.
const FINDINGS: usize = 5;
/// Longest name: the kernel keeps 15 bytes, files hold more.
const NAME_MAX: usize = 40;
/// Where apport puts its files.
const REPORTS: &str = "/var/crash";
/// The message systemd-coredump writes: `SD_MESSAGE_COREDUMP` of sd-messages.h.
const COREDUMP: &str = "MESSAGE_ID=fc2e22bc6ee647b6b90729ab34a250b1";

pub(crate) struct Crashes;

pub(crate) struct Inputs {
    collected: Heard,
    kernel: Heard,
    /// Names of files.
    reports: Vec<String>,
}

impl Check for Crashes {
    const ID: &'static str = "system.crashes";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let fields = "--output-fields=COREDUMP_COMM,COREDUMP_SIGNAL_NAME";
        let ask = [COREDUMP, "--since=-7d", "--reverse", "--no-pager", "--output=json", fields, "--lines=200"];
        Ok(Inputs { collected: log::ask(&ask), kernel: log::kernel(), reports: Machine::this().names(REPORTS) })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let mut programs: BTreeMap<String, Crashed> = BTreeMap::new();
        let sources = [
            inputs.collected.as_ref().map_or(Vec::new(), |text| text.lines().filter_map(collected).collect()),
            inputs.kernel.as_ref().map_or(Vec::new(), |text| text.lines().filter_map(reported).collect()),
            inputs.reports.iter().filter_map(|name| filed(name)).collect(),
        ];
        for source in sources {
            // The same crash may be in each of them: what one saw most often is what happened.
            let mut seen: BTreeMap<String, Crashed> = BTreeMap::new();
            for (program, how) in source {
                let crashed = seen.entry(program).or_insert(Crashed { times: 0, how });
                crashed.times += 1;
            }
            for (program, crashed) in seen {
                let known = programs.entry(program).or_insert(Crashed { times: 0, how: crashed.how });
                known.times = known.times.max(crashed.times);
            }
        }
        let mut programs: Vec<(String, Crashed)> = programs.into_iter().collect();
        programs.sort_by(|(a, x), (b, y)| (y.times, a).cmp(&(x.times, b)));
        draft.fact("crashes", programs.iter().map(|(_, crashed)| crashed.times).sum::<u64>(), "");
        for (program, crashed) in programs.iter().take(FINDINGS) {
            let program = ("program", program.clone().into());
            let evidence = format!("{} times, {}", crashed.times, crashed.how);
            if crashed.times >= AGAIN {
                let values = [program, ("count", crashed.times.into())];
                draft.finding(Severity::Warning, "crashes-again", &values, evidence);
            } else {
                draft.finding(Severity::Warning, "crashed", &[program], evidence);
            }
        }
        let hidden: Vec<String> = [inputs.collected, inputs.kernel].into_iter().filter_map(Result::err).collect();
        if let Some(why) = hidden.first() {
            draft.finding(Severity::Unknown, "crashes-unknown", &[], why.clone());
        } else if programs.is_empty() {
            draft.finding(Severity::Ok, "crashes-none", &[], format!("journalctl and {REPORTS}: none"));
        }
        let row = |(program, crashed): (String, Crashed)| -> Vec<Value> {
            vec![program.into(), crashed.times.into(), crashed.how.into()]
        };
        draft.table("crashes", &["program", "count", "how"], programs.into_iter().map(row).collect());
        draft
    }
}

struct Crashed {
    times: u64,
    how: &'static str,
}

/// A line of the journal: `{"COREDUMP_COMM":"gnome-shell","COREDUMP_SIGNAL_NAME":"SIGSEGV",…}`.
fn collected(line: &str) -> Option<(String, &'static str)> {
    let entry: Json = serde_json::from_str(line).ok()?;
    let how = match entry.get("COREDUMP_SIGNAL_NAME").and_then(Json::as_str) {
        Some("SIGSEGV" | "SIGBUS") => "bad memory access",
        Some("SIGABRT") => "gave up by itself",
        Some("SIGILL") => "bad instruction",
        Some("SIGFPE") => "bad calculation",
        Some("SIGTRAP" | "SIGSYS" | "SIGQUIT" | "SIGXCPU" | "SIGXFSZ") => "stopped by the system",
        Some(_) | None => "crash",
    };
    Some((name(entry.get("COREDUMP_COMM")?.as_str()?)?, how))
}

/// A line of the kernel: `Web Content[4711]: segfault at 0 ip …`, `traps: gimp[99] general protection fault ip:…`.
fn reported(line: &str) -> Option<(String, &'static str)> {
    let line = line.strip_prefix("traps: ").unwrap_or(line);
    let (program, rest) = line.split_once('[')?;
    let (id, rest) = rest.split_once(']')?;
    let rest = rest.trim_start_matches(':').trim_start();
    let how = if rest.starts_with("segfault at") || rest.starts_with("general protection") {
        "bad memory access"
    } else if rest.starts_with("trap invalid opcode") {
        "bad instruction"
    } else if rest.starts_with("trap divide error") {
        "bad calculation"
    } else if rest.starts_with("trap int3") {
        "stopped by itself"
    } else {
        return None;
    };
    let whole = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    whole.then(|| name(program).map(|program| (program, how))).flatten()
}

/// A file of apport, `_usr_bin_gnome-shell.1000.crash`: the program's path with `_` for `/`.
fn filed(file: &str) -> Option<(String, &'static str)> {
    let (path, _user) = file.strip_suffix(".crash")?.rsplit_once('.')?;
    Some((name(path.rsplit('_').next()?)?, "crash"))
}

fn name(program: &str) -> Option<String> {
    let program = program.trim();
    (!program.is_empty()).then(|| program.chars().take(NAME_MAX).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn segfaults(count: u64) -> Inputs {
        let line = "vlc[4711]: segfault at 0 ip 00007f1 sp 00007ffe error 4 in libc.so.6[7f12+195000]\n";
        let kernel = line.repeat(usize::try_from(count).unwrap());
        Inputs { collected: Ok(String::new()), kernel: Ok(kernel), reports: vec![] }
    }

    #[test]
    fn crashes_below_at_and_above() {
        for (count, found) in [
            (0, "crashes-none"),
            (1, "crashed"),
            (AGAIN - 1, "crashed"),
            (AGAIN, "crashes-again"),
            (AGAIN + 1, "crashes-again"),
        ] {
            assert_eq!(findings::<Crashes>(segfaults(count)), [found], "{count}");
        }
    }

    #[test]
    fn each_place_is_read_and_one_crash_counts_once() {
        let machine = recorded("server-ill");
        let inputs = Inputs {
            collected: machine.text("/tools/journalctl-coredumps.json").map_err(|e| e.to_string()),
            kernel: machine.text("/tools/journalctl-kernel.txt").map_err(|e| e.to_string()),
            reports: machine.names(REPORTS),
        };
        let report = told(Crashes::ID, &Crashes::judge(inputs));
        let rows: Vec<(String, String)> =
            report.tables[0].rows.iter().map(|row| (row[0].to_string(), row[1].to_string())).collect();
        let expected = [("gnome-shell", "3"), ("Web Content", "1"), ("apport-gtk", "1"), ("gimp-2.10", "1")];
        assert_eq!(rows, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }

    #[test]
    fn what_is_no_crash_is_left_out() {
        for line in ["usb 1-1[4]: reset", "a[x]: segfault at 0", "[1]: segfault at 0", "audit: segfault", "", "[", "a["]
        {
            assert_eq!(reported(line), None, "{line}");
        }
        for file in ["_usr_bin_x.1000.upload", "readme", ".crash", ""] {
            assert_eq!(filed(file), None, "{file}");
        }
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Crashes>(vec![
            segfaults(1),
            segfaults(9),
            segfaults(0),
            Inputs { kernel: Err("journalctl is not installed".into()), ..segfaults(0) },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(a in "(.*\n)*", b in "(.*\n)*|(traps: )?[a-z\\[\\] :]* (segfault at|trap).*", c in "\\PC*|[a-z_.]*\\.crash") {
            told(Crashes::ID, &Crashes::judge(Inputs { collected: Ok(a), kernel: Ok(b), reports: vec![c] }));
        }
    }
}
