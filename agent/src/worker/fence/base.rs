//! What a worker may read although no item declares it: one table, each line with its reason.
//!
//! Nothing here tells anything about the person. `/dev/null` alone may also be written, for that does nothing.

/// For every worker.
pub(super) const EVERY: &[(&str, &str)] = &[
    ("/dev/null", "the standard input of programs, and where they put what nobody wants"),
    ("/etc/localtime", "hours as the person knows them"),
    ("/proc/self", "the worker itself: its mounts, its share of the network, its own limits"),
    ("/proc/sys/vm/overcommit_memory", "the C library asks before it gives memory back"),
    ("/sys/devices/system/cpu/online", "the C library asks before it starts a thread"),
    ("/usr/share/zoneinfo", "hours as the person knows them"),
];

/// For workers that start programs or look up names, which load libraries.
pub(super) const PROGRAM: &[(&str, &str)] = &[
    ("/etc/gai.conf", "which of several addresses is tried first: gai.conf(5)"),
    ("/etc/group", "names of groups: nsswitch.conf(5)"),
    ("/etc/host.conf", "how names of computers are looked up: host.conf(5)"),
    ("/etc/hosts", "names of computers: hosts(5)"),
    ("/etc/ld.so.cache", "where libraries are: ld.so(8)"),
    ("/etc/ld.so.preload", "libraries the administrator wants in every program: ld.so(8)"),
    ("/etc/nsswitch.conf", "where names are looked up: nsswitch.conf(5)"),
    ("/etc/passwd", "names of accounts: nsswitch.conf(5)"),
    ("/etc/resolv.conf", "which name servers are asked: resolv.conf(5)"),
    ("/etc/services", "names of ports: services(5)"),
    ("/lib", "libraries, where it isn't a part of /usr"),
    ("/lib64", "libraries, where it isn't a part of /usr"),
    ("/usr/lib", "libraries"),
    ("/usr/lib64", "libraries"),
    ("/usr/local/lib", "libraries the administrator put there"),
];

/// What starts a program before the program starts: ld.so(8), by processor and C library.
pub(super) const LOADERS: &[&str] = &[
    "/lib/ld-linux-aarch64.so.1",
    "/lib/ld-linux-riscv64-lp64d.so.1",
    "/lib/ld-musl-aarch64.so.1",
    "/lib/ld-musl-riscv64.so.1",
    "/lib/ld-musl-x86_64.so.1",
    "/lib64/ld-linux-x86-64.so.2",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g1_the_base_is_sorted_absolute_and_holds_no_ones_home() {
        for table in [EVERY, PROGRAM] {
            assert!(table.windows(2).all(|pair| pair[0].0 < pair[1].0));
            for (path, why) in table {
                assert!(path.starts_with('/') && !path.ends_with('/') && !why.is_empty(), "{path}");
                assert!(
                    !["/home", "/root", "/run", "/tmp", "/var"].iter().any(|wide| path.starts_with(wide)),
                    "{path}"
                );
            }
        }
    }
}
