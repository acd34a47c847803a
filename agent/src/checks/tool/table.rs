//! The programs a check may ask. Compiled in: nothing that comes from elsewhere can name another.
//!
//! None of them runs another program that its caller names, and none of them is a shell. A check may only ask the
//! programs its definition lists, and only with arguments that are constants of the check.

use venia_proto::catalog::Talk;

/// A program a check may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tool {
    /// Its name, which is also that of its file.
    pub(crate) name: &'static str,
    /// Whom it talks to in order to answer.
    pub(crate) talks: &'static [Talk],
    /// What it reads beyond programs, libraries and settings that any program reads.
    pub(crate) reads: &'static [&'static str],
}

impl Tool {
    /// Programs it starts itself, by constant names of its own.
    pub(crate) fn starts(&self) -> &'static [&'static str] {
        STARTS.iter().find(|(name, _)| *name == self.name).map_or(&[], |(_, started)| started)
    }
}

/// What the programs of APT read, and `dpkg` when they start it.
const APT: &[&str] = &["/etc/apt", "/etc/dpkg", "/usr/share/dpkg", "/var/cache/apt", "/var/lib/apt", "/var/lib/dpkg"];

/// See [`Tool::starts`].
const STARTS: [(&str, &[&str]); 2] = [
    // Which processors' packages are wanted: apt.conf(5), `APT::Architectures`.
    ("apt-get", &["dpkg"]),
    ("apt-mark", &["dpkg"]),
];

/// The program of that name.
pub(crate) fn named(name: &str) -> Option<Tool> {
    ALL.iter().find(|tool| tool.name == name).copied()
}

/// Every program, by name.
pub(crate) const ALL: &[Tool] = &[
    APLAY,
    APT_GET,
    APT_MARK,
    ARECORD,
    BOOTCTL,
    BUSCTL,
    CANCEL,
    CHRONYC,
    COREDUMPCTL,
    DMIDECODE,
    DNF,
    DPKG,
    DPKG_QUERY,
    ETHTOOL,
    FINDMNT,
    FIREWALL_CMD,
    FLATPAK,
    FWUPDMGR,
    GETENFORCE,
    GETENT,
    IP,
    IPTABLES_SAVE,
    IW,
    JOURNALCTL,
    LAST,
    LASTB,
    LOGINCTL,
    LPSTAT,
    LSBLK,
    MOKUTIL,
    NFT,
    NMCLI,
    PACMAN,
    PACTL,
    PING,
    RESOLVECTL,
    RPM,
    SCANIMAGE,
    SMARTCTL,
    SNAP,
    SS,
    SYSTEMCTL,
    SYSTEMD_ANALYZE,
    TIMEDATECTL,
    TRACEPATH,
    UDISKSCTL,
    UPOWER,
    WPCTL,
    XRANDR,
    ZYPPER,
];

/// Of ALSA: what can play.
pub(crate) const APLAY: Tool = Tool { name: "aplay", talks: &[], reads: &["/dev/snd", "/proc/asound"] };

/// Of APT: pending updates. Only ever with `-s`, which changes nothing.
pub(crate) const APT_GET: Tool = Tool { name: "apt-get", talks: &[], reads: APT };

/// Of APT: what is held back.
pub(crate) const APT_MARK: Tool = Tool { name: "apt-mark", talks: &[], reads: APT };

/// Of ALSA: what can record.
pub(crate) const ARECORD: Tool = Tool { name: "arecord", talks: &[], reads: &["/dev/snd", "/proc/asound"] };

/// Of systemd: how this computer was started.
pub(crate) const BOOTCTL: Tool = Tool { name: "bootctl", talks: &[], reads: &["/boot", "/efi", "/sys/firmware"] };

/// Of systemd: asks services over the system bus. Only ever with `--system`, to read.
pub(crate) const BUSCTL: Tool = Tool { name: "busctl", talks: &[Talk::Services], reads: &["/run/dbus"] };

/// Of CUPS: takes a document from its queue. Only ever of a repair.
pub(crate) const CANCEL: Tool =
    Tool { name: "cancel", talks: &[Talk::Services, Talk::Network], reads: &["/etc/cups", "/run/cups"] };

/// Of chrony: whether the clock is right.
pub(crate) const CHRONYC: Tool =
    Tool { name: "chronyc", talks: &[Talk::Services, Talk::Network], reads: &["/run/chrony"] };

/// Of systemd: programs that crashed.
pub(crate) const COREDUMPCTL: Tool = Tool {
    name: "coredumpctl",
    talks: &[],
    reads: &["/var/lib/systemd/coredump", "/var/log/journal", "/run/log/journal"],
};

/// Of the firmware's own list of parts; needs the administrator.
pub(crate) const DMIDECODE: Tool = Tool { name: "dmidecode", talks: &[], reads: &["/dev/mem", "/sys/firmware"] };

/// Of DNF: pending updates. Only ever from its cache.
pub(crate) const DNF: Tool = Tool {
    name: "dnf",
    talks: &[],
    reads: &["/etc/dnf", "/etc/yum.repos.d", "/var/cache/dnf", "/var/lib/dnf", "/var/lib/rpm", "/usr/lib/sysimage/rpm"],
};

/// Of Debian's packages: whether their data is sound.
pub(crate) const DPKG: Tool =
    Tool { name: "dpkg", talks: &[], reads: &["/etc/dpkg", "/usr/share/dpkg", "/var/lib/dpkg"] };

/// Of Debian's packages: what is installed.
pub(crate) const DPKG_QUERY: Tool = Tool { name: "dpkg-query", talks: &[], reads: &["/etc/dpkg", "/var/lib/dpkg"] };

/// Of the network card: speed and faults.
pub(crate) const ETHTOOL: Tool = Tool { name: "ethtool", talks: &[Talk::Kernel], reads: &["/sys/class/net"] };

/// Of what is attached where.
pub(crate) const FINDMNT: Tool = Tool { name: "findmnt", talks: &[], reads: &["/etc/fstab", "/proc", "/run/mount"] };

/// Of firewalld: the rules in force.
pub(crate) const FIREWALL_CMD: Tool =
    Tool { name: "firewall-cmd", talks: &[Talk::Services], reads: &["/run/dbus", "/etc/firewalld"] };

/// Of Flatpak: installed programs.
pub(crate) const FLATPAK: Tool = Tool { name: "flatpak", talks: &[], reads: &["/var/lib/flatpak"] };

/// Of fwupd: updates of firmware.
pub(crate) const FWUPDMGR: Tool =
    Tool { name: "fwupdmgr", talks: &[Talk::Services], reads: &["/run/dbus", "/var/lib/fwupd"] };

/// Of SELinux: whether it protects.
pub(crate) const GETENFORCE: Tool =
    Tool { name: "getenforce", talks: &[], reads: &["/sys/fs/selinux", "/etc/selinux"] };

/// Of accounts and names as the system knows them.
pub(crate) const GETENT: Tool = Tool { name: "getent", talks: &[Talk::Services], reads: &["/etc"] };

/// Of addresses, routes, neighbours.
pub(crate) const IP: Tool = Tool { name: "ip", talks: &[Talk::Kernel], reads: &["/etc/iproute2"] };

/// Of iptables: the rules in force.
pub(crate) const IPTABLES_SAVE: Tool = Tool { name: "iptables-save", talks: &[Talk::Kernel], reads: &["/proc/net"] };

/// Of Wi-Fi: signal and speed.
pub(crate) const IW: Tool = Tool { name: "iw", talks: &[Talk::Kernel], reads: &["/sys/class/ieee80211"] };

/// Of systemd: messages of the system.
pub(crate) const JOURNALCTL: Tool = Tool {
    name: "journalctl",
    talks: &[],
    reads: &[
        "/run/log/journal",
        "/var/log/journal",
        "/etc/machine-id",
        "/proc/sys/kernel/random/boot_id",
        "/run/systemd",
    ],
};

/// Of who logged in and when.
pub(crate) const LAST: Tool = Tool { name: "last", talks: &[], reads: &["/var/log/wtmp", "/var/lib/wtmpdb"] };

/// Of who failed to log in.
pub(crate) const LASTB: Tool = Tool { name: "lastb", talks: &[], reads: &["/var/log/btmp"] };

/// Of systemd: who is logged in.
pub(crate) const LOGINCTL: Tool =
    Tool { name: "loginctl", talks: &[Talk::Services], reads: &["/run/dbus", "/run/systemd"] };

/// Of CUPS: printers and jobs.
pub(crate) const LPSTAT: Tool =
    Tool { name: "lpstat", talks: &[Talk::Services, Talk::Network], reads: &["/etc/cups", "/run/cups"] };

/// Of disks and what is on them.
pub(crate) const LSBLK: Tool = Tool { name: "lsblk", talks: &[], reads: &["/run/udev", "/sys", "/dev"] };

/// Of secure boot: its state.
pub(crate) const MOKUTIL: Tool = Tool { name: "mokutil", talks: &[], reads: &["/sys/firmware"] };

/// Of nftables: the rules in force.
pub(crate) const NFT: Tool = Tool { name: "nft", talks: &[Talk::Kernel], reads: &["/proc/net"] };

/// Of NetworkManager: connections, without secrets.
pub(crate) const NMCLI: Tool =
    Tool { name: "nmcli", talks: &[Talk::Services], reads: &["/run/dbus", "/run/NetworkManager"] };

/// Of pacman: installed programs.
pub(crate) const PACMAN: Tool =
    Tool { name: "pacman", talks: &[], reads: &["/etc/pacman.conf", "/etc/pacman.d", "/var/lib/pacman"] };

/// Of PulseAudio and PipeWire: what can play and record.
pub(crate) const PACTL: Tool = Tool { name: "pactl", talks: &[Talk::Services], reads: &["/run/user", "/etc/pulse"] };

/// Of whether another computer answers.
pub(crate) const PING: Tool =
    Tool { name: "ping", talks: &[Talk::Network], reads: &["/etc/hosts", "/etc/resolv.conf"] };

/// Of systemd: which name servers are used.
pub(crate) const RESOLVECTL: Tool =
    Tool { name: "resolvectl", talks: &[Talk::Services], reads: &["/run/dbus", "/run/systemd"] };

/// Of RPM: installed programs.
pub(crate) const RPM: Tool = Tool { name: "rpm", talks: &[], reads: &["/var/lib/rpm", "/usr/lib/sysimage/rpm"] };

/// Of SANE: scanners.
pub(crate) const SCANIMAGE: Tool =
    Tool { name: "scanimage", talks: &[Talk::Services, Talk::Network], reads: &["/etc/sane.d", "/dev/bus/usb"] };

/// Of smartmontools: the health of disks; needs the administrator.
pub(crate) const SMARTCTL: Tool = Tool { name: "smartctl", talks: &[], reads: &["/dev", "/sys"] };

/// Of snap: installed programs.
pub(crate) const SNAP: Tool =
    Tool { name: "snap", talks: &[Talk::Services], reads: &["/run/snapd.socket", "/var/lib/snapd"] };

/// Of connections and who waits for them.
pub(crate) const SS: Tool = Tool { name: "ss", talks: &[Talk::Kernel], reads: &["/proc"] };

/// Of systemd: states of services.
pub(crate) const SYSTEMCTL: Tool =
    Tool { name: "systemctl", talks: &[Talk::Services], reads: &["/run/systemd", "/run/dbus", "/etc/systemd"] };

/// Of systemd: how long starting took.
pub(crate) const SYSTEMD_ANALYZE: Tool =
    Tool { name: "systemd-analyze", talks: &[Talk::Services], reads: &["/run/systemd", "/run/dbus"] };

/// Of systemd: whether the clock is right.
pub(crate) const TIMEDATECTL: Tool = Tool { name: "timedatectl", talks: &[Talk::Services], reads: &["/run/dbus"] };

/// Of the way to another computer.
pub(crate) const TRACEPATH: Tool =
    Tool { name: "tracepath", talks: &[Talk::Network], reads: &["/etc/hosts", "/etc/resolv.conf"] };

/// Of UDisks: the health of disks.
pub(crate) const UDISKSCTL: Tool = Tool { name: "udisksctl", talks: &[Talk::Services], reads: &["/run/dbus"] };

/// Of UPower: batteries.
pub(crate) const UPOWER: Tool = Tool { name: "upower", talks: &[Talk::Services], reads: &["/run/dbus"] };

/// Of PipeWire: what can play and record.
pub(crate) const WPCTL: Tool = Tool { name: "wpctl", talks: &[Talk::Services], reads: &["/run/user"] };

/// Of the resolution of displays.
pub(crate) const XRANDR: Tool = Tool { name: "xrandr", talks: &[Talk::Services], reads: &["/tmp/.X11-unix"] };

/// Of zypper: pending updates. Only ever from its cache.
pub(crate) const ZYPPER: Tool =
    Tool { name: "zypper", talks: &[], reads: &["/etc/zypp", "/var/cache/zypp", "/var/lib/rpm"] };
