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

/// Reads what is open or may be opened, has memory and threads, sees the time, tightens its own fence, ends.
const BASE: &[c_long] = &[
    SYS_brk,
    SYS_clock_getres,
    SYS_clock_gettime,
    SYS_clock_nanosleep,
    SYS_close,
    SYS_close_range,
    SYS_dup,
    SYS_dup3,
    SYS_epoll_create1,
    SYS_epoll_ctl,
    SYS_epoll_pwait,
    SYS_eventfd2,
    SYS_exit,
    SYS_exit_group,
    SYS_faccessat,
    SYS_faccessat2,
    SYS_fadvise64,
    SYS_fcntl,
    SYS_fstat,
    SYS_fstatfs,
    SYS_futex,
    SYS_get_robust_list,
    SYS_getcpu,
    SYS_getcwd,
    SYS_getdents64,
    SYS_getegid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getgroups,
    SYS_getpgid,
    SYS_getpid,
    SYS_getppid,
    SYS_getrandom,
    SYS_getresgid,
    SYS_getresuid,
    SYS_getrlimit,
    SYS_getrusage,
    SYS_getsid,
    SYS_gettid,
    SYS_gettimeofday,
    SYS_getuid,
    SYS_landlock_add_rule,
    SYS_landlock_create_ruleset,
    SYS_landlock_restrict_self,
    SYS_lseek,
    SYS_madvise,
    SYS_membarrier,
    SYS_mincore,
    SYS_mremap,
    SYS_munmap,
    SYS_nanosleep,
    SYS_newfstatat,
    SYS_pipe2,
    SYS_ppoll,
    SYS_pread64,
    SYS_preadv,
    SYS_pselect6,
    SYS_pwrite64,
    SYS_read,
    SYS_readlinkat,
    SYS_readv,
    SYS_restart_syscall,
    SYS_rseq,
    SYS_rt_sigaction,
    SYS_rt_sigpending,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_rt_sigsuspend,
    SYS_rt_sigtimedwait,
    SYS_sched_getaffinity,
    SYS_sched_yield,
    SYS_seccomp,
    SYS_set_robust_list,
    SYS_set_tid_address,
    SYS_sigaltstack,
    SYS_statfs,
    SYS_statx,
    SYS_sysinfo,
    SYS_timerfd_create,
    SYS_timerfd_gettime,
    SYS_timerfd_settime,
    SYS_times,
    SYS_uname,
    SYS_write,
    SYS_writev,
];

/// The same by the names that only the oldest 64-bit processors still have.
#[cfg(target_arch = "x86_64")]
const BASE_OLD: &[c_long] = &[
    SYS_access,
    SYS_arch_prctl,
    SYS_dup2,
    SYS_epoll_wait,
    SYS_getdents,
    SYS_getpgrp,
    SYS_lstat,
    SYS_pipe,
    SYS_poll,
    SYS_readlink,
    SYS_select,
    SYS_stat,
    SYS_time,
];
#[cfg(not(target_arch = "x86_64"))]
const BASE_OLD: &[c_long] = &[];

/// `open`, where there is one besides `openat`.
#[cfg(target_arch = "x86_64")]
const OPEN_OLD: &[c_long] = &[SYS_open];
#[cfg(not(target_arch = "x86_64"))]
const OPEN_OLD: &[c_long] = &[];
/// What opening says that is more than reading.
const WRITING: c_int = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND;

/// Starts programs, waits for them and ends them; what those ask for on top while they start and answer.
const PROGRAMS: &[c_long] = &[
    SYS_capget,
    SYS_capset,
    SYS_chdir,
    SYS_execve,
    SYS_fchdir,
    SYS_fgetxattr,
    SYS_flock,
    SYS_getitimer,
    SYS_getpriority,
    SYS_getxattr,
    SYS_inotify_add_watch,
    SYS_inotify_init1,
    SYS_inotify_rm_watch,
    SYS_kill,
    SYS_lgetxattr,
    SYS_name_to_handle_at,
    SYS_pidfd_open,
    SYS_pidfd_send_signal,
    SYS_rt_sigqueueinfo,
    SYS_sched_getparam,
    SYS_sched_getscheduler,
    SYS_setitimer,
    SYS_signalfd4,
    SYS_timer_create,
    SYS_timer_delete,
    SYS_timer_gettime,
    SYS_timer_settime,
    SYS_umask,
    SYS_wait4,
    SYS_waitid,
];

#[cfg(target_arch = "x86_64")]
const PROGRAMS_OLD: &[c_long] = &[SYS_alarm, SYS_fork, SYS_inotify_init, SYS_pause, SYS_vfork];
#[cfg(not(target_arch = "x86_64"))]
const PROGRAMS_OLD: &[c_long] = &[];

/// Talks, over the families that `socket` lets through. Nothing ever listens or accepts.
const SOCKETS: &[c_long] = &[
    SYS_bind,
    SYS_connect,
    SYS_getpeername,
    SYS_getsockname,
    SYS_getsockopt,
    SYS_recvfrom,
    SYS_recvmmsg,
    SYS_recvmsg,
    SYS_sendmmsg,
    SYS_sendmsg,
    SYS_sendto,
    SYS_setsockopt,
    SYS_shutdown,
];

/// Judging: memory, the end, and the clock; writing is limited to the pipes.
const JUDGING: &[c_long] = &[
    SYS_brk,
    SYS_clock_gettime,
    SYS_close,
    SYS_exit,
    SYS_exit_group,
    SYS_futex,
    SYS_getpid,
    SYS_getrandom,
    SYS_gettid,
    SYS_gettimeofday,
    SYS_madvise,
    SYS_membarrier,
    SYS_mremap,
    SYS_munmap,
    SYS_restart_syscall,
    SYS_rseq,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sched_yield,
    SYS_set_robust_list,
    SYS_sigaltstack,
];

/// Kills whoever asks: other programs' memory, new name spaces and mounts, the kernel's own programs and keys, ways
/// around this very filter (io_uring, descriptors taken from others), and what changes the whole computer.
const DEADLY: &[c_long] = &[
    SYS_acct,
    SYS_add_key,
    SYS_bpf,
    SYS_chroot,
    SYS_clock_adjtime,
    SYS_clock_settime,
    SYS_delete_module,
    SYS_fanotify_init,
    SYS_finit_module,
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fsopen,
    SYS_init_module,
    SYS_io_uring_enter,
    SYS_io_uring_register,
    SYS_io_uring_setup,
    SYS_kcmp,
    SYS_kexec_load,
    SYS_keyctl,
    SYS_mount,
    SYS_mount_setattr,
    SYS_move_mount,
    SYS_open_by_handle_at,
    SYS_open_tree,
    SYS_perf_event_open,
    SYS_pidfd_getfd,
    SYS_pivot_root,
    SYS_process_madvise,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_ptrace,
    SYS_quotactl,
    SYS_reboot,
    SYS_request_key,
    SYS_setdomainname,
    SYS_sethostname,
    SYS_setns,
    SYS_settimeofday,
    SYS_swapoff,
    SYS_swapon,
    SYS_syslog,
    SYS_umount2,
    SYS_unshare,
    SYS_userfaultfd,
    SYS_vhangup,
];

/// What a worker that judges has even less reason for.
const DEADLY_JUDGING: &[c_long] = &[SYS_connect, SYS_execve, SYS_execveat, SYS_kill, SYS_memfd_create, SYS_socket];

/// Every kind of name space: a program in one of its own sees another computer.
const NAMESPACES: c_int =
    CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWUTS;
/// `prctl` that names, asks and tightens; not, say, who gets one's orphans.
const PRCTL: [c_int; 13] = [
    PR_CAPBSET_READ,
    PR_GET_DUMPABLE,
    PR_GET_KEEPCAPS,
    PR_GET_NAME,
    PR_GET_NO_NEW_PRIVS,
    PR_GET_PDEATHSIG,
    PR_GET_SECCOMP,
    PR_GET_SECUREBITS,
    PR_SET_KEEPCAPS,
    PR_SET_NAME,
    PR_SET_NO_NEW_PRIVS,
    PR_SET_PDEATHSIG,
    PR_SET_VMA,
];
/// Parts of the kernel that are asked over netlink(7): routes, connections, firewall rules, and families such as
/// Wi-Fi's. Not, say, the audit log.
const NETLINK: [c_int; 4] = [NETLINK_ROUTE, NETLINK_SOCK_DIAG, NETLINK_NETFILTER, NETLINK_GENERIC];
/// Requests of `ioctl` that type into a terminal in the person's place: `TIOCSTI`, and pasting by `TIOCLINUX`.
const TYPING: [u64; 2] = [0x5412, 0x541c];
/// A socket's type without its flags.
const TYPE: c_int = 0xf;

/// A list of calls, each with what its arguments must be; none is anything.
type Calls = BTreeMap<c_long, Vec<SeccompRule>>;

/// A fence: the filters that make it, in the order in which they go up. Each call passes all of them, and the harshest answer
/// counts.
pub(super) struct Filters(Vec<BpfProgram>);

/// What an item of these needs may do while it gathers, with or without Landlock beside it.
pub(super) fn while_gathering(needs: &Needs, landlock: bool) -> Result<Filters, FenceError> {
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
    // The kernel tries every call there is on a new filter, but not those that an earlier one stopped (seccomp(2), 5.11):
    // the narrowest first, which is most of what a fence costs.
    Ok(Filters(vec![
        only(calls)?,
        these(&[SYS_clone3], SeccompAction::Errno(ENOSYS.unsigned_abs()))?,
        these(DEADLY, SeccompAction::KillProcess)?,
    ]))
}

/// What any item may do while it judges, besides what [`while_gathering`] closed already: filters stay and add up.
pub(super) fn while_judging() -> Result<Filters, FenceError> {
    let mut calls = listed(&[JUDGING]);
    for pipe in [STDOUT_FILENO, STDERR_FILENO] {
        rule(&mut calls, SYS_write, &[is(0, pipe)?])?;
        rule(&mut calls, SYS_writev, &[is(0, pipe)?])?;
    }
    rule(&mut calls, SYS_mmap, &[masked(2, PROT_EXEC, 0)?, masked(3, MAP_ANONYMOUS, MAP_ANONYMOUS)?])?;
    rule(&mut calls, SYS_mprotect, &[masked(2, PROT_EXEC, 0)?])?;
    itself(&mut calls)?;
    // The narrowest last: it lets no other be put up.
    Ok(Filters(vec![these(DEADLY_JUDGING, SeccompAction::KillProcess)?, only(calls)?]))
}

/// Holds this thread, and what it starts.
pub(super) fn fence(filters: &Filters) -> Result<(), FenceError> {
    filters.0.iter().try_for_each(|filter| seccompiler::apply_filter(filter)).map_err(FenceError::from)
}

/// Holds every thread there is.
pub(super) fn fence_all_threads(filters: &Filters) -> Result<(), FenceError> {
    filters.0.iter().try_for_each(|filter| seccompiler::apply_filter_all_threads(filter)).map_err(FenceError::from)
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

/// Passes what is listed; what isn't fails.
fn only(mut calls: Calls) -> Result<BpfProgram, FenceError> {
    // Let through here, so that the answer of its own filter is the only one.
    calls.insert(SYS_clone3, Vec::new());
    program(calls, SeccompAction::Errno(EPERM.unsigned_abs()), SeccompAction::Allow)
}

/// Answers these calls so, and passes all others.
fn these(calls: &[c_long], answer: SeccompAction) -> Result<BpfProgram, FenceError> {
    program(listed(&[calls]), SeccompAction::Allow, answer)
}

fn program(calls: Calls, otherwise: SeccompAction, then: SeccompAction) -> Result<BpfProgram, FenceError> {
    Ok(SeccompFilter::new(calls, otherwise, then, processor())?.try_into()?)
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
