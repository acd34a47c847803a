//! The worker's end: put up the fences, read one request, gather, judge, write one report, end.
//!
//! It is *not* trusted by its parent, and doesn't trust what it was born with: descriptors that leaked into the agent
//! are closed, and a fence that doesn't stand ends it before it reads what to do. (SECURITY G1)

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nix::unistd::close;
use rustix::process::{
    DumpableBehavior, Pid, Resource, Signal, getpgrp, getpid, getppid, getrlimit, getsid, set_dumpable_behavior,
    set_parent_process_death_signal,
};
use rustix::thread::set_no_new_privs;
use venia_proto::ledger::body::{Arguments, ItemId};
use venia_proto::report::{Draft, REPORT_MAX, Truncated};

use super::fence::{self, Held, Reach};
use super::{ENVIRONMENT, REQUEST_MAX, Request};

/// Exit code: the check says that it failed, and why on standard error.
pub(super) const EXIT_CHECK: u8 = 10;
/// Exit code: no such check in this build.
pub(super) const EXIT_UNKNOWN: u8 = 11;
/// Exit code: a fence doesn't stand.
pub(super) const EXIT_UNFENCED: u8 = 12;
/// Exit code: standard input holds no request, or standard output takes no report.
pub(super) const EXIT_PIPE: u8 = 13;

/// Runs as a worker. Must be the first thing a program does: it closes descriptors and sets what threads inherit.
///
/// `find` gives an item's check, of a pack by the item as it is written there, which gathers (touches the machine) and returns how to judge (pure) or why it failed.
/// `reach` says of a declared program where it is and what it reads: nothing if it isn't installed; `place` where a
/// declared file is, which is elsewhere only on a recorded computer.
pub fn run_child<Gather, Judge>(
    find: impl FnOnce(&ItemId, &[String], Option<&str>) -> Option<Gather>,
    reach: impl Fn(&str) -> Option<Reach>,
    place: impl Fn(&Path) -> PathBuf,
) -> ExitCode
where
    Gather: FnOnce(&Arguments) -> Result<Judge, String>,
    Judge: FnOnce() -> Draft,
{
    ExitCode::from(match work(find, reach, place) {
        Ok(()) => 0,
        Err(End { code, why }) => {
            // Nobody is left to tell when this fails too.
            let _ = io::stderr().write_all(why.as_bytes());
            code
        }
    })
}

/// How a worker ends badly.
struct End {
    code: u8,
    why: String,
}

fn work<Gather, Judge>(
    find: impl FnOnce(&ItemId, &[String], Option<&str>) -> Option<Gather>,
    reach: impl Fn(&str) -> Option<Reach>,
    place: impl Fn(&Path) -> PathBuf,
) -> Result<(), End>
where
    Gather: FnOnce(&Arguments) -> Result<Judge, String>,
    Judge: FnOnce() -> Draft,
{
    let unfenced = |error: &dyn std::error::Error| End { code: EXIT_UNFENCED, why: error.to_string() };
    let pipe = |error: &dyn std::error::Error| End { code: EXIT_PIPE, why: error.to_string() };
    let say = |bytes: &[u8]| {
        let mut out = io::stdout();
        out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| pipe(&error))
    };
    harden().map_err(|error| unfenced(&error))?;
    let request = read_request()?;
    if let Some(why) = missing_fence(&request) {
        return Err(End { code: EXIT_UNFENCED, why: why.to_owned() });
    }
    let Request { item, described, arguments, needs, fences, home, private, agent: _ } = request;
    let gather = find(&item, &needs.tools, described.as_deref())
        .ok_or_else(|| End { code: EXIT_UNKNOWN, why: "no such check".to_owned() })?;
    let programs = needs.tools.iter().filter_map(|name| reach(name)).collect();
    let worker = fence::Worker { needs: &needs, programs, home: home.as_deref(), private: &private, place: &place };
    let (held, _recognised) = fence::before_gathering(fences, &worker).map_err(|error| unfenced(&error))?;
    // Before it meets anything foreign: who is taken over later can't have said it.
    say(&line(held))?;
    let judge = gather(&arguments).map_err(|why| End { code: EXIT_CHECK, why })?;
    let held = fence::before_judging(fences).map_err(|error| unfenced(&error))?;
    say(&line(held))?;
    say(&encode(judge()).map_err(|error| pipe(&error))?)
}

/// What holds this worker from now on, as its agent reads it.
fn line(held: Held) -> Vec<u8> {
    let mut line = serde_json::to_vec(&held).unwrap_or_default();
    line.push(b'\n');
    line
}

fn harden() -> io::Result<()> {
    close_inherited()?;
    set_no_new_privs(true)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    Ok(())
}

/// Closes every descriptor but the three standard ones: whoever started the agent may have left some open, and a
/// worker must not hold what it wasn't given.
fn close_inherited() -> io::Result<()> {
    let open = || -> io::Result<Vec<i32>> {
        let names = std::fs::read_dir("/proc/self/fd")?;
        Ok(names.flatten().filter_map(|name| name.file_name().to_str()?.parse().ok()).filter(|fd| *fd > 2).collect())
    };
    for descriptor in open()? {
        // The listing's own descriptor is among them and closed already.
        let _ = close(descriptor);
    }
    // One is left: this listing's.
    if open()?.len() > 1 {
        return Err(io::Error::other("descriptors stay open"));
    }
    Ok(())
}

fn read_request() -> Result<Request, End> {
    let end = |why: String| End { code: EXIT_PIPE, why };
    let mut line = Vec::new();
    let limit = REQUEST_MAX as u64 + 1;
    io::stdin().take(limit).read_to_end(&mut line).map_err(|error| end(error.to_string()))?;
    if line.len() > REQUEST_MAX {
        return Err(end("request too long".to_owned()));
    }
    serde_json::from_slice(&line).map_err(|error| end(error.to_string()))
}

/// What the parent should have put up and didn't.
fn missing_fence(request: &Request) -> Option<&'static str> {
    let us = getpid();
    let limits = [Resource::Core, Resource::Fsize];
    if getppid().map(Pid::as_raw_pid) != Some(request.agent) {
        Some("the agent is gone")
    } else if getsid(None) != Ok(us) || getpgrp() != us {
        Some("no session of its own")
    } else if limits.iter().any(|limit| getrlimit(*limit).maximum != Some(0)) {
        Some("no limits")
    } else if std::env::vars_os().any(|(name, _)| ENVIRONMENT.iter().all(|(known, _)| name != *known)) {
        Some("the environment is not empty")
    } else {
        None
    }
}

/// The draft as JSON of at most [`REPORT_MAX`] bytes: the longest table loses rows until it fits. (SECURITY E1)
fn encode(mut draft: Draft) -> Result<Vec<u8>, serde_json::Error> {
    loop {
        let json = serde_json::to_vec(&draft)?;
        if json.len() <= REPORT_MAX {
            return Ok(json);
        }
        let longest = draft.tables.iter_mut().filter(|table| !table.rows.is_empty()).max_by_key(|t| t.rows.len());
        let Some(table) = longest else {
            // Nothing left to cut at a row: the parent will call it a flood, or the definition will cut values.
            return Ok(json);
        };
        let total = table.truncated.map_or(table.rows.len() as u64, |truncated| truncated.total);
        table.rows.truncate(table.rows.len() / 2);
        table.truncated = Some(Truncated { shown: table.rows.len() as u64, total });
    }
}

#[cfg(test)]
mod tests {
    use venia_proto::report::Value;

    use super::*;

    #[test]
    fn e1_a_long_report_is_cut_at_a_row() {
        let rows = |count: usize| vec![vec![Value::from("x".repeat(100))]; count];
        let mut draft = Draft::default();
        draft.table("files", &["path"], rows(20_000));
        draft.table("few", &["path"], rows(3));
        let json = encode(draft.clone()).unwrap();
        assert!(json.len() <= REPORT_MAX);
        let cut: Draft = serde_json::from_slice(&json).unwrap();
        assert_eq!(cut.tables[0].truncated, Some(Truncated { shown: 5_000, total: 20_000 }));
        assert_eq!(cut.tables[1], draft.tables[1]);
        draft.tables[0].rows.truncate(100);
        assert_eq!(serde_json::from_slice::<Draft>(&encode(draft.clone()).unwrap()).unwrap(), draft);
    }
}
