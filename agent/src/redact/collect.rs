//! The known values of this PC, gathered before anything is redacted: a map that is made later has let the first texts pass.
//!
//! Files only, bounded, and only what this account may read; what can't be read is missing from the list, and its shape still
//! betrays it. Nothing gathered here is shown, recorded or sent.

use std::collections::BTreeSet;

use super::edge;
use super::known::Known;
use crate::checks::machine::Machine;

/// The first account of a person. (`UID_MIN` of login.defs)
const PERSON_MIN: u32 = 1_000;
/// One behind the last one; above are accounts of services and of nobody.
const PERSON_END: u32 = 60_000;

/// Of this PC and of who runs this.
pub fn known() -> Known {
    let mut known = gather(&Machine::this());
    // Accounts of a directory service aren't in `/etc/passwd`.
    known.home_paths.extend(std::env::var("HOME").ok().filter(|home| home != "/root" && home != "/"));
    known.user_names.extend(["USER", "LOGNAME"].iter().filter_map(|name| std::env::var(name).ok()));
    known
}

/// Of the PC whose files these are.
pub(crate) fn gather(machine: &Machine) -> Known {
    let mut known = Known::default();
    people(machine, &mut known);
    names(machine, &mut known);
    network(machine, &mut known);
    parts(machine, &mut known);
    known
}

fn people(machine: &Machine, known: &mut Known) {
    let status = machine.text("/proc/self/status").unwrap_or_default();
    let own = status.lines().find_map(|line| line.strip_prefix("Uid:")?.split_whitespace().next()?.parse::<u32>().ok());
    for line in machine.text("/etc/passwd").unwrap_or_default().lines() {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, uid, _, gecos, home, ref shell @ ..] = fields[..] else { continue };
        let Ok(uid) = uid.parse::<u32>() else { continue };
        let own = uid != 0 && Some(uid) == own;
        if !(PERSON_MIN..PERSON_END).contains(&uid) && !own && !is_person(name, uid, home, shell) {
            continue;
        }
        known.user_names.push(name.to_owned());
        known.user_names.extend(gecos.split(',').next().filter(|full| !full.is_empty()).map(str::to_owned));
        known.home_paths.push(home.to_owned());
    }
}

/// Whether an account outside the range of people is somebody's all the same: a second `root`, one of a directory service
/// or from before a distribution counted from 1000. Tables hide its name, so sentences must.
///
/// A program's account stays: its name is the program's, and without it a journal can't be read. So does a name that is a
/// word of the language too (`admin`): outside the range nobody can tell whether it is anybody's.
fn is_person(name: &str, uid: u32, home: &str, shell: &[&str]) -> bool {
    let no_shell = ["nologin", "false", "sync", "halt", "shutdown", "true"];
    let program = shell.first().and_then(|shell| shell.rsplit('/').next()).unwrap_or("");
    let logs_in = !program.is_empty() && !no_shell.contains(&program);
    let at_home = home.starts_with("/home/");
    // Programs with a shell have small numbers and homes of their own, such as `/var/lib/postgresql`.
    let service = (1..PERSON_MIN).contains(&uid) && !at_home;
    (at_home || logs_in && !service) && !edge::is_system(name) && !edge::is_also_word(name)
}

fn names(machine: &Machine, known: &mut Known) {
    known.host_names.extend(machine.word("/proc/sys/kernel/hostname"));
    known.host_names.extend(machine.word("/etc/hostname"));
    let info = machine.text("/etc/machine-info").unwrap_or_default();
    let pretty =
        info.lines().filter_map(|line| line.strip_prefix("PRETTY_HOSTNAME=").or(line.strip_prefix("STATIC_HOSTNAME=")));
    known.host_names.extend(pretty.map(|name| name.trim_matches(['"', '\'']).to_owned()));
    // Debian's own line for a PC's own name.
    let hosts = machine.text("/etc/hosts").unwrap_or_default();
    let own = hosts.lines().filter(|line| line.starts_with("127.0.1.1"));
    known.host_names.extend(
        own.flat_map(|line| line.split_whitespace().skip(1))
            .take_while(|name| !name.starts_with('#'))
            .map(str::to_owned),
    );
    known.machine_id.extend(machine.word("/etc/machine-id"));
    known.machine_id.extend(machine.word("/var/lib/dbus/machine-id"));
    known.machine_id.extend(machine.word("/sys/class/dmi/id/product_uuid"));
}

fn network(machine: &Machine, known: &mut Known) {
    for folder in ["/sys/class/net", "/sys/class/bluetooth"] {
        let addresses =
            machine.names(folder).into_iter().filter_map(|name| machine.word(&format!("{folder}/{name}/address")));
        known.macs.extend(addresses);
    }
    let mut above = "";
    let mut addresses = BTreeSet::new();
    let tree = machine.text("/proc/net/fib_trie").unwrap_or_default();
    for line in tree.lines() {
        // A leaf's address stands in the line above what it is.
        if line.contains("/32 host LOCAL") {
            addresses.extend(above.split_whitespace().last().map(str::to_owned));
        }
        above = line;
    }
    known.ipv4_private.extend(addresses.into_iter().filter(|address| !address.starts_with("127.")));
    for line in machine.text("/proc/net/if_inet6").unwrap_or_default().lines() {
        let hex = line.split_whitespace().next().unwrap_or("");
        if hex.len() == 32 && hex.is_ascii() {
            let groups: Vec<&str> = (0..8).map(|at| &hex[at * 4..at * 4 + 4]).collect();
            known.ipv6.push(groups.join(":"));
        }
    }
    // Names of networks are names of files; their folder is closed to most accounts, and then they stay unknown.
    let profiles = machine.names("/etc/NetworkManager/system-connections").into_iter();
    known.ssids.extend(profiles.filter_map(|name| name.strip_suffix(".nmconnection").map(str::to_owned)));
    known.ssids.extend(
        machine.names("/var/lib/iwd").into_iter().filter_map(|name| name.strip_suffix(".psk").map(str::to_owned)),
    );
}

fn parts(machine: &Machine, known: &mut Known) {
    for folder in ["/dev/disk/by-uuid", "/dev/disk/by-partuuid"] {
        known.disk_uuids.extend(machine.names(folder));
    }
    for name in machine.names("/dev/disk/by-id") {
        match serial(&name) {
            Some(Part::Serial(serial)) => known.serials.push(serial.to_owned()),
            Some(Part::Uuid(uuid)) => known.disk_uuids.push(uuid.to_owned()),
            None => {}
        }
    }
    for file in ["product_serial", "board_serial", "chassis_serial", "product_asset_tag", "chassis_asset_tag"] {
        known.serials.extend(machine.word(&format!("/sys/class/dmi/id/{file}")));
    }
    for (folder, file) in [
        ("/sys/class/nvme", "serial"),
        ("/sys/class/power_supply", "serial_number"),
        ("/sys/bus/usb/devices", "serial"),
        ("/sys/class/block", "device/serial"),
    ] {
        known
            .serials
            .extend(machine.names(folder).iter().filter_map(|name| machine.word(&format!("{folder}/{name}/{file}"))));
    }
    known.serials.sort();
    known.serials.dedup();
}

/// What names one device in the name of a link.
enum Part<'a> {
    Serial(&'a str),
    Uuid(&'a str),
}

/// `ata-Samsung_SSD_860_S4EVNX0R123456K-part1`, `wwn-0x5002538e40a1b2c3`, `dm-uuid-CRYPT-LUKS2-3f1b…-name`.
fn serial(name: &str) -> Option<Part<'_>> {
    let name = name.rsplit_once("-part").map_or(name, |(name, _)| name);
    let (bus, rest) = name.split_once('-')?;
    match bus {
        "wwn" => Some(Part::Serial(rest)),
        "nvme" if rest.starts_with("eui.") || rest.starts_with("uuid.") => {
            rest.split_once('.').map(|(_, id)| Part::Serial(id))
        }
        "dm" | "lvm" | "md" => rest
            .split(['-', '_'])
            .find(|piece| piece.len() == 32 && piece.bytes().all(|byte| byte.is_ascii_alphanumeric()))
            .map(Part::Uuid),
        "ata" | "nvme" | "scsi" | "usb" | "mmc" | "virtio" => {
            // `_1` is a name space, `-0:0` a unit.
            let rest = rest.split_once("-0:").map_or(rest, |(rest, _)| rest);
            let rest = rest.strip_suffix("_1").unwrap_or(rest);
            Some(Part::Serial(rest.rsplit('_').next().unwrap_or(rest)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::{Counts, Redactor};

    fn recorded(files: &[(&str, &str)]) -> (tempfile::TempDir, Machine) {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let file = folder.path().join(path.trim_start_matches('/'));
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        let machine = Machine::at(folder.path());
        (folder, machine)
    }

    #[test]
    fn a_pc_is_known_by_its_files() {
        let (_folder, machine) = recorded(&[
            (
                "/etc/passwd",
                "root:x:0:0:root:/root:/bin/bash\nana:x:1000:1000:Ana López,,,:/home/ana:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/x\ncups:x:120:7::/var/lib/cups:/x\n",
            ),
            ("/etc/hostname", "ana-pc\n"),
            ("/etc/hosts", "127.0.0.1 localhost\n127.0.1.1 ana-pc.casa.lan ana-pc\n"),
            ("/etc/machine-id", "8f14e45fceea467f9d0b1e2a3c4d5e6f\n"),
            ("/sys/class/net/eth0/address", "3c:52:82:4a:b1:0e\n"),
            (
                "/proc/net/fib_trie",
                "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 127.0.0.1\n        /32 host LOCAL\n     |-- 192.168.0.66\n        /32 host LOCAL\n     |-- 192.168.0.255\n        /32 link BROADCAST\n",
            ),
            ("/proc/net/if_inet6", "fe800000000000003e5282fffe4ab10e 02 40 20 80 eth0\n"),
            ("/dev/disk/by-uuid/3f1b2c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d", ""),
            ("/dev/disk/by-id/ata-Samsung_SSD_860_EVO_S4EVNX0R123456K-part1", ""),
            ("/dev/disk/by-id/nvme-KINGSTON_SA2000_50026B7683A1B2C3_1", ""),
            ("/dev/disk/by-id/wwn-0x5002538e40a1b2c3", ""),
            ("/dev/disk/by-id/usb-WD_My_Passport_57583A31-0:0", ""),
            ("/sys/class/power_supply/BAT0/serial_number", " 4711 \n"),
        ]);
        let known = gather(&machine);
        assert_eq!(known.user_names, ["ana", "Ana López"]);
        assert_eq!(known.home_paths, ["/home/ana"]);
        assert_eq!(known.host_names, ["ana-pc", "ana-pc.casa.lan", "ana-pc"]);
        assert_eq!(known.ipv4_private, ["192.168.0.66"]);
        assert_eq!(known.ipv6, ["fe80:0000:0000:0000:3e52:82ff:fe4a:b10e"]);
        assert_eq!(known.disk_uuids, ["3f1b2c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d"]);
        assert_eq!(known.serials, ["0x5002538e40a1b2c3", "4711", "50026B7683A1B2C3", "57583A31", "S4EVNX0R123456K"]);
        let mut redactor = Redactor::new(&known, &[1; 32]).unwrap();
        let text = "ana@ana-pc 3C-52-82-4A-B1-0E 192-168-0-66 fe80::3e52:82ff:fe4a:b10e S4EVNX0R123456K root cups";
        let redacted = redactor.text(text, &mut Counts::default()).into_owned();
        for value in ["ana", "3C-52", "192-168", "fe80", "S4EV"] {
            assert!(!redacted.contains(value), "{value}: {redacted}");
        }
        assert!(redacted.ends_with("root cups"), "{redacted}");
    }

    #[test]
    fn somebody_outside_the_range_of_people_is_known_and_programs_are_not() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\ntoor:x:0:0:Vera Ruiz:/root:/bin/bash\n\
            vieja:x:501:100::/home/vieja:/bin/sh\nremota:x:70001:70001::/srv/remota:/bin/zsh\n\
            postgres:x:112:120::/var/lib/postgresql:/bin/bash\ngitea:x:113:121::/var/lib/gitea:/bin/bash\n\
            daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\nsync:x:4:65534:sync:/bin:/bin/sync\n\
            admin:x:500:500::/home/admin:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n\
            uva:x:64055:64055:libvirt:/var/lib/x:/usr/sbin/nologin\n";
        let (_folder, machine) = recorded(&[("/etc/passwd", passwd)]);
        let known = gather(&machine);
        assert_eq!(known.user_names, ["toor", "Vera Ruiz", "vieja", "remota"]);
    }

    #[test]
    fn an_empty_pc_is_known_by_nothing() {
        let (_folder, machine) = recorded(&[]);
        assert!(gather(&machine) == Known::default());
    }
}
