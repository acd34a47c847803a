//! A fresh address from the network, where NetworkManager manages it.
//!
//! Before anything changes a *checkpoint* of NetworkManager is made, which it rolls back by itself when its time is over,
//! even if this program was killed; this program ends it earlier, in either direction. (MISSION R4)

use std::path::Path;
use std::time::Duration;

use super::{ASK, Performed, Seen, must};
use crate::caller::Caller;
use crate::machine::text;
use crate::program::{Patience, Programs};
use crate::request::{Row, State};

const NAME: &str = "org.freedesktop.NetworkManager";
const OBJECT: &str = "/org/freedesktop/NetworkManager";
const LIMIT: Duration = Duration::from_secs(45);
/// Seconds after which NetworkManager rolls back by itself: the connecting and the minute of waiting are within it.
const CHECKPOINT_S: &str = "120";
/// Longest name of a network device (IFNAMSIZ, without its end).
const NAME_MAX: usize = 15;

/// A change that waits to be confirmed.
#[derive(Debug, PartialEq, Eq)]
pub struct Waiting {
    checkpoint: String,
}

impl Waiting {
    pub(crate) fn keep(&self, programs: &dyn Programs) -> Result<(), String> {
        bus(programs, &["CheckpointDestroy", "o", &self.checkpoint]).map(drop)
    }

    pub(crate) fn roll_back(&self, programs: &dyn Programs) -> Result<(), String> {
        bus(programs, &["CheckpointRollback", "o", &self.checkpoint]).map(drop)
    }
}

pub(super) fn look(root: &Path, programs: &dyn Programs, now_s: u64) -> Result<Seen, String> {
    let routes = text(root, "proc/net/route").unwrap_or_default();
    let device = default_device(&routes).ok_or("no device leads to the internet")?;
    let arguments = ["--get-values", "GENERAL.STATE,DHCP4.OPTION", "device", "show", &device];
    let answer = must("nmcli", programs.run("nmcli", &arguments, Patience::Ask(ASK)))?;
    let state = answer.output.lines().next().and_then(|line| line.split(' ').next()).unwrap_or("");
    let left = lease_end(&answer.output).map(|end| end.saturating_sub(now_s));
    if state != "100" {
        return Err("NetworkManager doesn't manage the connection".to_owned());
    }
    let left = left.ok_or("the address isn't from the network: it is set by hand")?;
    // Its number, not its name, which may hold the card's hardware address: a plan is a public word.
    let index =
        text(root, &format!("sys/class/net/{device}/ifindex")).and_then(|index| index.trim().parse::<u32>().ok());
    let plan = index.map(|index| format!("device {index}"));
    let rows = vec![("address".to_owned(), Row::Count(left))];
    Ok(Seen { state: State { total: Row::Count(left), rows }, plan })
}

pub(super) fn perform(root: &Path, programs: &dyn Programs, caller: &mut dyn Caller) -> Performed {
    // The look has just compared its number with the plan.
    let Some(device) = default_device(&text(root, "proc/net/route").unwrap_or_default()) else {
        return Performed::Partly("no device leads to the internet".to_owned());
    };
    let plan = device.as_str();
    match begin(plan, programs) {
        Err(why) => Performed::Partly(why),
        Ok(waiting) => {
            let connected = must(
                "nmcli device connect",
                programs.run("nmcli", &["device", "connect", plan], Patience::Until(LIMIT, caller)),
            );
            match connected {
                Ok(_) => Performed::Waiting(waiting),
                Err(why) => Performed::Partly(match waiting.roll_back(programs) {
                    Ok(()) => format!("{why}; all is as it was"),
                    Err(_) => format!("{why}; it is rolled back within {CHECKPOINT_S} s"),
                }),
            }
        }
    }
}

fn begin(device: &str, programs: &dyn Programs) -> Result<Waiting, String> {
    if !is_device(device) {
        return Err("no such device".to_owned());
    }
    let path = bus(programs, &["GetDeviceByIpIface", "s", device])?;
    let arguments = ["CheckpointCreate", "aouu", "1", &path, CHECKPOINT_S, "0"];
    Ok(Waiting { checkpoint: bus(programs, &arguments)? })
}

/// Calls NetworkManager; gives the one object path it answers with, or nothing.
fn bus(programs: &dyn Programs, call: &[&str]) -> Result<String, String> {
    let arguments: Vec<&str> =
        ["--system", "call", NAME, OBJECT, NAME].into_iter().chain(call.iter().copied()).collect();
    let answer = must("busctl", programs.run("busctl", &arguments, Patience::Ask(ASK)))?;
    let path = answer.output.trim().strip_prefix("o \"").and_then(|rest| rest.strip_suffix('"')).unwrap_or("");
    let plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_'));
    if call.first().is_some_and(|method| matches!(*method, "CheckpointDestroy" | "CheckpointRollback")) {
        Ok(String::new())
    } else if plain && path.starts_with(OBJECT) {
        Ok(path.to_owned())
    } else {
        Err("NetworkManager gave another answer than expected".to_owned())
    }
}

/// The device of the best default route in `/proc/net/route`: `Iface Destination Gateway Flags RefCnt Use Metric Mask …`.
fn default_device(routes: &str) -> Option<String> {
    let best = routes
        .lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (device, metric) = (*fields.first()?, fields.get(6)?.parse::<u32>().ok()?);
            let default = fields.get(1) == Some(&"00000000") && fields.get(7) == Some(&"00000000");
            (default && is_device(device)).then(|| (metric, device.to_owned()))
        })
        .min()?;
    Some(best.1)
}

fn is_device(name: &str) -> bool {
    (1..=NAME_MAX).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'@'))
}

/// `… | expiry = 1800003600 | …`: seconds since 1970.
fn lease_end(text: &str) -> Option<u64> {
    let tail = text.split("expiry = ").nth(1)?;
    tail.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ROUTES: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
        wlp3s0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n\
        enp0s31f6\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
        enp0s31f6\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n";

    #[test]
    fn the_best_way_out_is_found() {
        assert_eq!(default_device(ROUTES).as_deref(), Some("enp0s31f6"));
        assert_eq!(default_device("Iface\n"), None);
        assert_eq!(
            lease_end("100 (connected)\ndhcp_lease_time = 3600 | expiry = 1800003600 | ip_address = x\n"),
            Some(1_800_003_600)
        );
    }

    #[test]
    fn names_of_devices_below_at_and_above_their_limit() {
        for (length, fits) in [(NAME_MAX - 1, true), (NAME_MAX, true), (NAME_MAX + 1, false), (0, false)] {
            assert_eq!(is_device(&"e".repeat(length)), fits, "{length}");
        }
        for hostile in ["-w", "a b", "a/b", "a;b", "../x"] {
            assert!(!is_device(hostile), "{hostile}");
        }
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "(.*\t.*\t.*\n)*") {
            default_device(&text);
            lease_end(&text);
        }
    }
}
