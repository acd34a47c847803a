//! Checks that misbehave, each in its own way, behind the real fences of a worker. Whole sessions are tried with them too
//! (`venia-hostile` of the tests' package, which has this module by path); no shipped program has one of them.
//!
//! A check that must be seen from outside writes its mark as its own name once it has done its worst; what it starts
//! carries the mark among its arguments.
#![expect(clippy::zombie_processes, reason = "leaving them behind is what these checks do")]

mod attempts;

use std::fs;
use std::io::{Write, stderr, stdout};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio, abort};
use std::sync::{Arc, Barrier};

use rustix::process::{Signal, Uid, dumpable_behavior, getpgrp, getpid, getppid, getsid, kill_process};
use rustix::thread::{set_name, set_thread_res_uid};
use venia_proto::ledger::body::{Arguments, ItemId};
use venia_proto::report::{Draft, Value};

use crate::worker::{HELD_MAX, OUTPUT_MAX, Reach};

/// As many threads as the item with the most of them starts, and a few more.
pub const THREADS: usize = 24;

type Judge = Box<dyn FnOnce() -> Draft>;
type Gather = Box<dyn FnOnce(&Arguments) -> Result<Judge, String>>;

/// The check of that name.
pub fn find(id: &ItemId, _: &[String], _: Option<&str>) -> Option<Gather> {
    let what = id.0.strip_prefix("system.").unwrap_or_default().to_owned();
    if ["count-forks", "fork-for-ever", "outrun"].contains(&what.as_str()) {
        // Before the fence stands, which lets nobody become somebody else.
        give_root_up();
    }
    (what != "no-such-check")
        .then(|| Box::new(move |arguments: &Arguments| gather(&what, &arguments["mark"], arguments)) as Gather)
}

/// What hostile items may declare: by name, as the agent's own table.
pub fn reach(name: &str) -> Option<Reach> {
    let place = |folder: &&str| Path::new(folder).join(name);
    let program = ["/usr/bin", "/bin"].iter().map(place).find(|place| place.is_file())?;
    Some(Reach { programs: vec![program], reads: Vec::new() })
}

fn gather(what: &str, mark: &str, arguments: &Arguments) -> Result<Judge, String> {
    let mut draft = Draft::default();
    match what {
        // While it gathers, and while it judges.
        "try" => attempts::make(arguments, &mut draft),
        "try-for-ever" => {
            show(mark);
            loop {
                attempts::make(arguments, &mut Draft::default());
            }
        }
        "try-deadly" => attempts::deadly(arguments),
        "judge-trying" => {
            let arguments = arguments.clone();
            return Ok(Box::new(move || {
                attempts::make(&arguments, &mut draft);
                draft
            }));
        }
        "judge-deadly" => {
            let arguments = arguments.clone();
            return Ok(Box::new(move || {
                attempts::deadly(&arguments);
                draft
            }));
        }
        "stop-itself" => {
            show(mark);
            kill_process(getpid(), Signal::STOP).unwrap();
            hang(mark)
        }
        "leave-quietly" => {
            run_shell("(/bin/sleep \"$0\" &) &", mark);
            hang(mark)
        }
        "report" => draft.fact("greeting", "hello", ""),
        "look" => look(&mut draft),
        "hang" => hang(mark),
        "hang-with-child" => {
            start(mark, |_| {});
            hang(mark)
        }
        "ignore-signals" => {
            run_shell("trap '' TERM INT HUP QUIT; while :; do :; done", mark);
            hang(mark)
        }
        "double-fork" => {
            double_fork(mark);
            hang(mark)
        }
        "report-and-leave" => double_fork(mark),
        "hide-in-a-group" => {
            start(mark, |command| {
                command.process_group(0);
            });
            hang(mark)
        }
        "fork-for-ever" => {
            show(mark);
            loop {
                // Failing is what the limit is for; giving up would be kind.
                let _ = sleeper(mark).spawn();
            }
        }
        "count-forks" => {
            let forks = (0..5_000_i64).take_while(|_| sleeper(mark).spawn().is_ok()).count();
            draft.fact("forks", forks as i64, "");
        }
        "many-threads" => {
            let all = Arc::new(Barrier::new(THREADS + 1));
            let begin = |_| {
                let all = Arc::clone(&all);
                std::thread::Builder::new().spawn(move || {
                    let held = vec![1_u8; 1 << 16];
                    all.wait();
                    held.len()
                })
            };
            // Each is there, and has allocated, before the last one ends.
            let begun: Vec<_> = (0..THREADS).map(begin).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
            all.wait();
            let ended = begun.into_iter().filter_map(|thread| thread.join().ok()).count();
            draft.fact("threads", ended as i64, "");
        }
        "outrun" => {
            run_shell("f() { f & }; f", mark);
            hang(mark)
        }
        "allocate" => draft.fact("bytes", vec![1_u8; 4 << 30].len() as i64, ""),
        "allocate-slowly" => {
            let mut held = Vec::new();
            show(mark);
            while held.len() < 200 {
                held.push(vec![1_u8; 1 << 20]);
            }
            hang(mark)
        }
        "flood" => loop {
            write(&[b' '; 65_536]);
        },
        "flood-by-one" => {
            return judging(|| {
                write(&vec![b' '; OUTPUT_MAX - 1]);
                end_with(b"  ")
            });
        }
        "at-the-limit" => {
            return judging(|| {
                write(&vec![b' '; OUTPUT_MAX - EMPTY.len()]);
                end_with(EMPTY)
            });
        }
        "flood-stderr" => {
            show(mark);
            loop {
                let _ = stderr().write_all(&[b'!'; 65_536]);
            }
        }
        "say-and-fail" => {
            let _ = stderr().write_all("\u{1b}[2J".repeat(100_000).as_bytes());
            return Err("done".to_owned());
        }
        "garbage" => return judging(|| end_with(b"\xff\x00{{{{")),
        "nothing" => return judging(|| end_with(b"")),
        "extra-field" => return judging(|| end_with(br#"{"facts":[],"tables":[],"findings":[],"run":"this"}"#)),
        "end-early" => end_with(b""),
        "claim-less" => {
            write(b"{\"landlock\":0,\"seccomp\":false}\n");
            end_with(EMPTY)
        }
        "long-line" => {
            write(&[b' '; HELD_MAX + 1]);
            end_with(EMPTY)
        }
        "close-pipe" => {
            nix::unistd::close(1).unwrap();
            hang(mark)
        }
        "crash" => abort(),
        "panic" => panic!("a bug in a check"),
        "fail" => return Err("no such device".to_owned()),
        other => return Err(format!("no misdeed is called {other}")),
    }
    Ok(Box::new(|| draft))
}

/// Does it once the worker judges.
fn judging(misdeed: impl FnOnce() -> Draft + 'static) -> Result<Judge, String> {
    Ok(Box::new(misdeed))
}

/// A draft that says nothing.
const EMPTY: &[u8] = br#"{"facts":[],"tables":[],"findings":[]}"#;

/// Says where it is and what holds it.
fn look(draft: &mut Draft) {
    let read = |path: &str| fs::read_to_string(path).unwrap();
    // Its own fence holds some of the kernel's files, by name only; the listing's own descriptor is one more.
    let mut open: Vec<String> = fs::read_dir("/proc/self/fd")
        .unwrap()
        .flatten()
        .filter(|entry| !fs::read_link(entry.path()).is_ok_and(|to| to.starts_with("/proc")))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    open.sort();
    let variables: Vec<String> = std::env::vars().map(|(name, value)| format!("{name}={value}")).collect();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let session = if getsid(None) == Ok(getpid()) { "session" } else { "" };
    let group = if getpgrp() == getpid() { "group" } else { "" };
    let dumpable = dumpable_behavior().is_ok_and(|now| now == rustix::process::DumpableBehavior::Dumpable);
    draft.fact("limits", read("/proc/self/limits"), "");
    draft.fact("status", read("/proc/self/status"), "");
    draft.fact("environment", variables.join(" "), "");
    draft.fact("arguments", arguments.join(" "), "");
    draft.fact("folder", std::env::current_dir().unwrap().display().to_string(), "");
    draft.fact("descriptors", open.join(" "), "");
    draft.fact("leads", format!("{session} {group}"), "");
    draft.fact("dumpable", Value::Text(dumpable.to_string()), "");
}

fn hang(mark: &str) -> ! {
    show(mark);
    loop {
        std::thread::park();
    }
}

/// Writes the mark's last part as this process's name.
fn show(mark: &str) {
    let agent = getppid().unwrap().as_raw_pid();
    let tag = mark.strip_prefix(&format!("86400.{agent}")).unwrap();
    let name = std::ffi::CString::new(format!("w-{tag}")).unwrap();
    set_name(&name).unwrap();
}

fn double_fork(mark: &str) {
    let mut setsid = Command::new("/usr/bin/setsid");
    setsid.arg("--fork").arg("/bin/sleep").arg(mark).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(setsid.status().unwrap().success());
}

fn start(mark: &str, prepare: impl FnOnce(&mut Command)) {
    let mut command = sleeper(mark);
    prepare(&mut command);
    command.spawn().unwrap();
}

fn sleeper(mark: &str) -> Command {
    let mut command = Command::new("/bin/sleep");
    command.arg(mark).stdin(Stdio::null());
    command
}

fn run_shell(script: &str, mark: &str) {
    Command::new("/bin/sh").args(["-c", script, mark]).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
}

/// The limit on processes spares root; for anybody else this fails, and needs not be done.
fn give_root_up() {
    let nobody = Uid::from_raw(65_534);
    let _ = set_thread_res_uid(nobody, nobody, nobody);
}

fn write(bytes: &[u8]) {
    stdout().write_all(bytes).unwrap();
    stdout().flush().unwrap();
}

fn end_with(bytes: &[u8]) -> ! {
    write(bytes);
    std::process::exit(0)
}
