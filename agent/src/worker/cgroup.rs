//! A control group of its own for each worker, where the agent may make one: killed with one write, forks and all.
//! (SECURITY G2, cgroups(7) version 2)
//!
//! A second net under `sweep`, which works everywhere: a process can leave its parent, its session and its group, but
//! not its control group. Nothing is limited here; limits are set on the process.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, test_kill_process};

/// Begins the name of every group of ours; the agent's process id and a number follow.
const PREFIX: &str = "venia-worker-";

/// A group that holds one worker and whatever descends from it. Dropping it removes it, if nothing lives in it.
#[derive(Debug)]
pub(super) struct Pen {
    folder: PathBuf,
}

impl Pen {
    /// An empty group below the agent's own.
    pub(super) fn make() -> io::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = own()?.join(format!("{PREFIX}{}-{number}", std::process::id()));
        fs::create_dir(&folder)?;
        let pen = Self { folder };
        // Linux 5.14 and newer; without it this group would be of no use.
        if !pen.folder.join("cgroup.kill").exists() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        Ok(pen)
    }

    /// Puts a process in; what it starts from now on is in it too.
    pub(super) fn take(&self, process: i32) -> io::Result<()> {
        fs::write(self.folder.join("cgroup.procs"), process.to_string())
    }

    /// Kills whatever is in it.
    pub(super) fn kill(&self) {
        if let Err(error) = fs::write(self.folder.join("cgroup.kill"), "1") {
            tracing::debug!(%error, "no control group to kill");
        }
    }
}

impl Drop for Pen {
    fn drop(&mut self) {
        // Busy while a killed process still dies in a driver; whoever probes next removes it.
        if let Err(error) = fs::remove_dir(&self.folder) {
            tracing::debug!(%error, "a control group stays");
        }
    }
}

/// Whether this agent may make such groups. Removes those that a crashed agent left behind.
pub(super) fn probe() -> bool {
    let Ok(own) = own() else { return false };
    for entry in fs::read_dir(&own).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next()?.parse().ok());
        if let Some(owner) = owner.and_then(Pid::from_raw)
            && test_kill_process(owner).is_err()
        {
            let _busy = fs::remove_dir(entry.path());
        }
    }
    Pen::make().is_ok()
}

/// The agent's own group.
fn own() -> io::Result<PathBuf> {
    let (mounts, groups) = (fs::read_to_string("/proc/self/mountinfo")?, fs::read_to_string("/proc/self/cgroup")?);
    place(&mounts, &groups).ok_or_else(|| io::ErrorKind::Unsupported.into())
}

/// Where version 2 is mounted (proc_pid_mountinfo(5)), and our place in it (cgroups(7)). A container may mount a part.
fn place(mounts: &str, groups: &str) -> Option<PathBuf> {
    let group = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    mounts.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let mut fields = before.split(' ').skip(3);
        let (root, target) = (fields.next()?, fields.next()?);
        let below = Path::new(group).strip_prefix(root).ok()?;
        after.starts_with("cgroup2 ").then(|| Path::new(target).join(below))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_group_is_found_where_version_2_is_mounted() {
        let mount =
            |root: &str, at: &str, kind: &str| format!("30 25 0:26 {root} {at} rw,nosuid shared:4 - {kind} c rw\n");
        let session = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/term.scope\n";
        let unified = mount("/", "/sys/fs/cgroup", "cgroup2");
        let expected = "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/term.scope";
        assert_eq!(place(&unified, session), Some(expected.into()));
        let hybrid = mount("/", "/sys/fs/cgroup/pids", "cgroup") + &mount("/", "/sys/fs/cgroup/unified", "cgroup2");
        assert_eq!(place(&hybrid, "9:pids:/a\n0::/\n"), Some("/sys/fs/cgroup/unified/".into()));
        let part = mount("/box/7", "/sys/fs/cgroup", "cgroup2");
        assert_eq!(place(&part, "0::/box/7/x\n"), Some("/sys/fs/cgroup/x".into()));
        for (mounts, groups) in [
            ("", session),
            (unified.as_str(), "3:pids:/a\n"),
            (part.as_str(), "0::/else\n"),
            ("x - cgroup2 ", "0::/\n"),
        ] {
            assert_eq!(place(mounts, groups), None);
        }
    }
}
