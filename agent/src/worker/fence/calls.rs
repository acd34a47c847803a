//! seccomp: which system calls a worker may make, as an allow list by class. (seccomp(2))
//!
//! What isn't listed fails with EPERM: programs ask for many harmless things that they can do without, and a check that
//! is refused one says so. What nothing here ever needs and what only makes sense to break out kills instead, so that
//! whoever tries has one try ([`DEADLY`]). `clone3` fails with ENOSYS, for its flags can't be seen from here, and the C
//! library goes on with `clone`, whose can.
//!
//! Not here: which files may be opened ([`super::files`]); a path can't be seen by a filter.

use std::collections::BTreeMap;

use libc::*;
use rustix::process::{getgid, getpid, getuid};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};
use venia_proto::catalog::{Needs, Talk};

use super::FenceError;
use super::lists::*;
use super::program::{self, Answer};

/// A list of calls, each with what its arguments must be; none is anything.
type Calls = BTreeMap<c_long, Vec<SeccompRule>>;

/// A filter of system calls.
pub(super) struct Filter(BpfProgram);

/// What an item of these needs may do while it gathers, with or without Landlock beside it.
pub(super) fn while_gathering(needs: &Needs, landlock: bool) -> Result<Filter, FenceError> {
    let programs = !needs.tools.is_empty();
    let libraries = super::loads_libraries(needs);
    let mut calls = listed(&[BASE, BASE_OLD]);
    if programs {
        calls.extend(listed(&[PROGRAMS, PROGRAMS_OLD]));
        rule(&mut calls, SYS_clone, &[masked(0, NAMESPACES, 0)?])?;
        // A new limit is set on nobody; asking is harmless.
        rule(&mut calls, SYS_prlimit64, &[absent(2)?])?;
        calls.insert(SYS_tgkill, Vec::new());
    } else {
        // Threads, and no processes.
        rule(&mut calls, SYS_clone, &[masked(0, NAMESPACES | CLONE_THREAD, CLONE_THREAD)?])?;
        rule(&mut calls, SYS_prlimit64, &[absent(2)?])?;
        itself(&mut calls)?;
    }
    if programs && landlock {
        // Programs open this and that for writing; Landlock knows which files.
        calls.extend(listed(&[&[SYS_openat, SYS_openat2], OPEN_OLD]));
    } else {
        rule(&mut calls, SYS_openat, &[masked(2, WRITING, 0)?])?;
        for call in OPEN_OLD {
            rule(&mut calls, *call, &[masked(1, WRITING, 0)?])?;
        }
    }
    if landlock {
        // What it opens for can't be seen from here; Landlock sees it, and lets nothing be written.
        calls.insert(SYS_openat2, Vec::new());
        if !needs.writes.is_empty() {
            // Landlock knows out of which folders.
            calls.insert(SYS_unlinkat, Vec::new());
        }
    }
    if needs.ends {
        calls.extend(listed(&[&[SYS_pidfd_open, SYS_pidfd_send_signal]]));
    }
    for (call, argument) in [(SYS_mmap, 2), (SYS_mprotect, 2)] {
        if libraries {
            calls.insert(call, Vec::new());
        } else {
            // No new code.
            rule(&mut calls, call, &[masked(argument, PROT_EXEC, 0)?])?;
        }
    }
    for option in PRCTL {
        rule(&mut calls, SYS_prctl, &[is(0, option)?])?;
    }
    rule(&mut calls, SYS_ioctl, &TYPING.iter().map(|request| not(1, *request)).collect::<Result<Vec<_>, _>>()?)?;
    // Programs give up what they don't need of an administrator; nobody gets it.
    if programs {
        rule(&mut calls, SYS_setuid, &[is(0, getuid().as_raw().cast_signed())?])?;
        rule(&mut calls, SYS_setgid, &[is(0, getgid().as_raw().cast_signed())?])?;
    }
    rule(&mut calls, SYS_socketpair, &[is(0, AF_UNIX)?])?;
    for talk in &needs.talks {
        talking(&mut calls, *talk)?;
    }
    filter(calls, DEADLY)
}

/// What any item may do while it judges.
pub(super) fn while_judging() -> Result<Filter, FenceError> {
    let mut calls = listed(&[JUDGING]);
    for pipe in [STDOUT_FILENO, STDERR_FILENO] {
        rule(&mut calls, SYS_write, &[is(0, pipe)?])?;
        rule(&mut calls, SYS_writev, &[is(0, pipe)?])?;
    }
    rule(&mut calls, SYS_mmap, &[masked(2, PROT_EXEC, 0)?, masked(3, MAP_ANONYMOUS, MAP_ANONYMOUS)?])?;
    rule(&mut calls, SYS_mprotect, &[masked(2, PROT_EXEC, 0)?])?;
    itself(&mut calls)?;
    filter(calls, &[DEADLY, DEADLY_JUDGING].concat())
}

/// Holds this thread, and what it starts.
pub(super) fn fence(filter: &Filter) -> Result<(), FenceError> {
    Ok(seccompiler::apply_filter(&filter.0)?)
}

/// Holds every thread there is.
pub(super) fn fence_all_threads(filter: &Filter) -> Result<(), FenceError> {
    Ok(seccompiler::apply_filter_all_threads(&filter.0)?)
}

/// Opens the families of one kind of talk.
fn talking(calls: &mut Calls, talk: Talk) -> Result<(), FenceError> {
    calls.extend(listed(&[SOCKETS]));
    match talk {
        Talk::Services => rule(calls, SYS_socket, &[is(0, AF_UNIX)?])?,
        Talk::Kernel => {
            for protocol in NETLINK {
                rule(calls, SYS_socket, &[is(0, AF_NETLINK)?, is(2, protocol)?])?;
            }
        }
        Talk::Network => {
            for (family, kind) in
                [(AF_INET, SOCK_STREAM), (AF_INET, SOCK_DGRAM), (AF_INET6, SOCK_STREAM), (AF_INET6, SOCK_DGRAM)]
            {
                rule(calls, SYS_socket, &[is(0, family)?, of_type(kind)?])?;
            }
            // An administrator's `ping`, where others have a gentler way (icmp(7)). No other raw packets.
            for (family, protocol) in [(AF_INET, IPPROTO_ICMP), (AF_INET6, IPPROTO_ICMPV6)] {
                rule(calls, SYS_socket, &[is(0, family)?, of_type(SOCK_RAW)?, is(2, protocol)?])?;
            }
        }
    }
    Ok(())
}

/// Signals to itself: how the C library ends a program that is broken.
fn itself(calls: &mut Calls) -> Result<(), FenceError> {
    rule(calls, SYS_tgkill, &[is(0, getpid().as_raw_pid())?])
}

/// Passes what is listed, kills whoever makes a deadly call, and lets everything else fail.
fn filter(calls: Calls, deadly: &[c_long]) -> Result<Filter, FenceError> {
    let (decided, undecided): (Calls, Calls) = calls.into_iter().partition(|(_, rules)| rules.is_empty());
    let mut answers: BTreeMap<c_long, Answer> = decided.into_keys().map(|call| (call, Answer::Pass)).collect();
    answers.extend(undecided.keys().map(|call| (*call, Answer::ByArguments)));
    answers.insert(SYS_clone3, Answer::Fail(ENOSYS));
    answers.extend(deadly.iter().map(|call| (*call, Answer::Kill)));
    let fails = SeccompAction::Errno(EPERM.unsigned_abs());
    let by_arguments = SeccompFilter::new(undecided, fails, SeccompAction::Allow, processor())?.try_into()?;
    program::of(&answers, Answer::Fail(EPERM), by_arguments).map(Filter)
}

fn processor() -> TargetArch {
    #[cfg(target_arch = "x86_64")]
    return TargetArch::x86_64;
    #[cfg(target_arch = "aarch64")]
    return TargetArch::aarch64;
    #[cfg(target_arch = "riscv64")]
    return TargetArch::riscv64;
}

fn listed(lists: &[&[c_long]]) -> Calls {
    lists.iter().copied().flatten().map(|call| (*call, Vec::new())).collect()
}

/// Lets the call through if all of these hold; another rule of the same call is an alternative.
fn rule(calls: &mut Calls, call: c_long, conditions: &[SeccompCondition]) -> Result<(), FenceError> {
    calls.entry(call).or_default().push(SeccompRule::new(conditions.to_vec())?);
    Ok(())
}

fn is(argument: u8, value: c_int) -> Result<SeccompCondition, BackendError> {
    // The kernel takes an `int` here: what is above its 32 bits is ignored by both.
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, u64::from(value.cast_unsigned()))
}

fn not(argument: u8, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, value)
}

/// A pointer to nothing.
fn absent(argument: u8) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)
}

/// Of the bits of `mask` exactly `value` are set.
fn masked(argument: u8, mask: c_int, value: c_int) -> Result<SeccompCondition, BackendError> {
    let mask = SeccompCmpOp::MaskedEq(u64::from(mask.cast_unsigned()));
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, mask, u64::from(value.cast_unsigned()))
}

fn of_type(kind: c_int) -> Result<SeccompCondition, BackendError> {
    masked(1, TYPE, kind)
}
