//! The calls by class: what a worker may do in each of its moments, and what ends it.
//!
//! Not here: how lists become a fence ([`super::calls`]).

use libc::*;

/// Reads what is open or may be opened, has memory and threads, sees the time, tightens its own fence, ends.
pub(super) const BASE: &[c_long] = &[
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
pub(super) const BASE_OLD: &[c_long] = &[
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
pub(super) const BASE_OLD: &[c_long] = &[];

/// `open`, where there is one besides `openat`.
#[cfg(target_arch = "x86_64")]
pub(super) const OPEN_OLD: &[c_long] = &[SYS_open];
#[cfg(not(target_arch = "x86_64"))]
pub(super) const OPEN_OLD: &[c_long] = &[];
/// What opening says that is more than reading.
pub(super) const WRITING: c_int = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND;

/// Starts programs, waits for them and ends them; what those ask for on top while they start and answer.
pub(super) const PROGRAMS: &[c_long] = &[
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
pub(super) const PROGRAMS_OLD: &[c_long] = &[SYS_alarm, SYS_fork, SYS_inotify_init, SYS_pause, SYS_vfork];
#[cfg(not(target_arch = "x86_64"))]
pub(super) const PROGRAMS_OLD: &[c_long] = &[];

/// Talks, over the families that `socket` lets through. Nothing ever listens or accepts.
pub(super) const SOCKETS: &[c_long] = &[
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
pub(super) const JUDGING: &[c_long] = &[
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
pub(super) const DEADLY: &[c_long] = &[
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
pub(super) const DEADLY_JUDGING: &[c_long] =
    &[SYS_connect, SYS_execve, SYS_execveat, SYS_kill, SYS_memfd_create, SYS_socket];

/// Every kind of name space: a program in one of its own sees another computer.
pub(super) const NAMESPACES: c_int =
    CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWUTS;
/// `prctl` that names, asks and tightens; not, say, who gets one's orphans.
pub(super) const PRCTL: [c_int; 13] = [
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
pub(super) const NETLINK: [c_int; 4] = [NETLINK_ROUTE, NETLINK_SOCK_DIAG, NETLINK_NETFILTER, NETLINK_GENERIC];
/// Requests of `ioctl` that type into a terminal in the person's place: `TIOCSTI`, and pasting by `TIOCLINUX`.
pub(super) const TYPING: [u64; 2] = [0x5412, 0x541c];
/// A socket's type without its flags.
pub(super) const TYPE: c_int = 0xf;
