//! What is mounted where, from `/proc/self/mounts` (proc(5), fstab(5)).

/// File systems on local disks that somebody keeps data on. Images that are always full (squashfs, iso9660) and network
/// file systems (asking a server that is gone would hang) aren't among them.
const DATA: [&str; 18] = [
    "apfs", "bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "fuseblk", "hfsplus", "jfs", "msdos", "ntfs",
    "ntfs3", "reiserfs", "vfat", "xfs", "zfs",
];
/// Places whose path says nothing about a person.
const PLAIN: [&str; 17] = [
    "/",
    "/boot",
    "/boot/efi",
    "/dev/shm",
    "/efi",
    "/home",
    "/nix",
    "/opt",
    "/root",
    "/run",
    "/srv",
    "/sysroot",
    "/tmp",
    "/usr",
    "/var",
    "/var/home",
    "/var/tmp",
];

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Device or name.
    pub(crate) source: String,
    /// Where.
    pub(crate) target: String,
    /// File system.
    pub(crate) kind: String,
    /// Options.
    pub(crate) options: Vec<String>,
}

impl Mount {
    /// Reads a mount table; lines that aren't one are left out.
    pub(crate) fn parse(text: &str) -> Vec<Self> {
        text.lines().filter(|line| !line.trim_start().starts_with('#')).filter_map(Self::line).collect()
    }

    fn line(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        Some(Self {
            source: unescape(words.next()?),
            target: unescape(words.next()?),
            kind: words.next()?.to_owned(),
            options: words.next()?.split(',').map(str::to_owned).collect(),
        })
    }

    /// Whether it holds data on a local disk; the root counts whatever it is, so that containers have one too.
    pub(crate) fn is_data(&self) -> bool {
        DATA.contains(&self.kind.as_str()) || (self.target == "/" && self.kind == "overlay")
    }

    /// Whether it can't be written.
    pub(crate) fn is_read_only(&self) -> bool {
        self.has("ro")
    }

    /// Whether it has that option.
    pub(crate) fn has(&self, option: &str) -> bool {
        self.options.iter().any(|o| o == option)
    }

    /// Its place as it may leave the PC: below a home or a folder for sticks, names are people's own and stay here.
    pub(crate) fn shown(&self) -> String {
        if PLAIN.contains(&self.target.as_str()) {
            return self.target.clone();
        }
        match self.target.split('/').nth(1) {
            Some(first) if matches!(first, "home" | "media" | "mnt" | "run" | "var" | "boot") => format!("/{first}/…"),
            Some(_) | None => "/…".to_owned(),
        }
    }
}

/// Spaces and the like are written as `\040`.
fn unescape(word: &str) -> String {
    let mut text = String::with_capacity(word.len());
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        match after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok()).filter(u8::is_ascii) {
            Some(byte) => {
                text.push(char::from(byte));
                rest = after.get(3..).unwrap_or("");
            }
            None => {
                text.push('\\');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_with_its_escapes() {
        let mounts = Mount::parse("# c\n/dev/sdb1 /media/ana/My\\040Stick vfat ro,nosuid 0 0\nhalf /line\n");
        assert_eq!(mounts.len(), 1);
        assert_eq!(mounts[0].target, "/media/ana/My Stick");
        assert!(mounts[0].is_read_only() && mounts[0].is_data());
        assert_eq!(unescape("\\04\\\\134x\\"), "\\04\\\\x\\");
    }

    #[test]
    fn names_below_private_folders_stay_here() {
        for (target, shown) in [
            ("/", "/"),
            ("/home", "/home"),
            ("/home/ana", "/home/…"),
            ("/run/media/ana/STICK", "/run/…"),
            ("/data of ana", "/…"),
            ("", "/…"),
        ] {
            let mount = Mount { source: String::new(), target: target.into(), kind: String::new(), options: vec![] };
            assert_eq!(mount.shown(), shown);
        }
    }
}
