//! `hardware.kernel-faults`: faults of disks, cards and the system itself, as the log of the last days has it.
//!
//! The likely cause of "it hangs" and "it crashes" stands here before anything is broken for good. Only a device's short
//! name is taken out of a message; names of programs and files stay here.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::kernel_log::{KernelLog, Seen};
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure, whole};

/// What is looked for: block layer, libata, NVMe, PCIe AER, graphics drivers, file systems, the watchdog.
const PATTERN: &str = "I/O error|medium error|exception Emask|failed command|link is slow to respond|COMRESET failed|\
                       ^nvme .*(timeout|controller is down|Device not ready)|PCIe Bus Error|GPU HANG|ring .* timeout|\
                       NVRM: Xid|EXT4-fs error|BTRFS (error|critical)|XFS .*[Cc]orruption|soft lockup|hard LOCKUP|\
                       blocked for more than|^BUG: |kernel BUG at|Oops: |Kernel panic";
/// Corrected errors of a slot that aren't noise any more. Our choice: some computers report a few a day and work for years.
const CORRECTED: u64 = 100;
/// Times a link of a disk may stumble: waking up can cost one or two.
const STUMBLES: u64 = 3;

pub(crate) struct KernelFaults;

pub(crate) struct Inputs {
    log: KernelLog,
    /// Disks there are now.
    disks: Vec<String>,
}

/// What happened; the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    Disk,
    FileSystem,
    Nvme,
    Link,
    Slot,
    SlotCorrected,
    Graphics,
    Hang,
    System,
}

impl Check for KernelFaults {
    const ID: &'static str = "hardware.kernel-faults";
    type Inputs = Inputs;

    fn gather(arguments: &Arguments) -> Result<Inputs, Failure> {
        let log = KernelLog::ask(PATTERN, whole(arguments, "days")?);
        Ok(Inputs { log, disks: Machine::this().names("/sys/block") })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let log = &inputs.log;
        let messages = match log.messages() {
            Ok(messages) => messages,
            Err(unheard) => {
                unheard.tell(&mut draft);
                return draft;
            }
        };
        let seen = Seen::count(&messages, recognise);
        draft.fact("faults", seen.values().map(|seen| seen.count).sum::<u64>(), "");
        for ((fault, device), seen) in &seen {
            // A stick that was pulled out while it was written to errs too.
            let gone = *fault == Fault::Disk && !inputs.disks.contains(device);
            let gone = gone.then_some((Severity::Warning, "gone-disk-errors", 1));
            let (severity, id, least) = gone.unwrap_or_else(|| fault.finding());
            if seen.count >= least {
                let evidence = format!("log of {} days: {} {}, {} times", log.days(), fault.word(), device, seen.count);
                let count = ("count", seen.count.into());
                match fault {
                    Fault::Hang | Fault::System => draft.finding(severity, id, &[count], evidence),
                    Fault::Disk
                    | Fault::FileSystem
                    | Fault::Nvme
                    | Fault::Link
                    | Fault::Slot
                    | Fault::SlotCorrected
                    | Fault::Graphics => {
                        draft.finding(severity, id, &[("device", device.clone().into()), count], evidence);
                    }
                }
            }
        }
        if draft.findings.is_empty() {
            let evidence = format!("log of {} days: {} messages", log.days(), messages.len());
            draft.finding(Severity::Ok, "no-faults", &[], evidence);
        }
        let row = |((fault, device), seen): (&(Fault, String), &Seen)| -> Vec<Value> {
            vec![fault.word().into(), device.clone().into(), seen.count.into(), log.hours_since(seen.last).into()]
        };
        draft.table("faults", &["fault", "device", "count", "hours"], seen.iter().map(row).collect());
        draft
    }
}

impl Fault {
    fn word(self) -> &'static str {
        match self {
            Self::Disk => "disk error",
            Self::FileSystem => "file system error",
            Self::Nvme => "disk reset",
            Self::Link => "disk cable error",
            Self::Slot => "card error",
            Self::SlotCorrected => "card error, corrected",
            Self::Graphics => "graphics hang",
            Self::Hang => "hang",
            Self::System => "system fault",
        }
    }

    /// How bad, what to say, and from how often.
    fn finding(self) -> (Severity, &'static str, u64) {
        match self {
            Self::Disk => (Severity::Critical, "disk-errors", 1),
            Self::FileSystem => (Severity::Critical, "file-system-errors", 1),
            Self::Nvme => (Severity::Critical, "disk-drops-out", 1),
            Self::Link => (Severity::Warning, "disk-cable", STUMBLES),
            Self::Slot => (Severity::Warning, "card-errors", 1),
            Self::SlotCorrected => (Severity::Warning, "card-errors-corrected", CORRECTED),
            Self::Graphics => (Severity::Warning, "graphics-hang", 1),
            Self::Hang => (Severity::Warning, "hangs", 1),
            Self::System => (Severity::Warning, "system-fault", 1),
        }
    }
}

/// What a message is about, and of which device; nothing where programs wrote or a disc without a medium was tried.
fn recognise(text: &str) -> Option<(Fault, String)> {
    let has = |needle: &str| text.contains(needle);
    let first = || text.split([' ', ':']).next().unwrap_or_default().to_owned();
    let second = || text.split_whitespace().nth(1).unwrap_or_default().trim_end_matches(':').to_owned();
    let found = if has("I/O error") || has("medium error") {
        let device = after(text, "dev ").or_else(|| after(text, "on device "))?;
        // Optical and floppy drives err on every bad disc, loop devices on a file that is gone.
        let disk = !["sr", "fd", "loop"].iter().any(|prefix| device.starts_with(prefix));
        return disk.then(|| (Fault::Disk, whole_disk(&device)));
    } else if has("exception Emask")
        || has("failed command")
        || has("link is slow to respond")
        || has("COMRESET failed")
    {
        (Fault::Link, first().split('.').next().unwrap_or_default().to_owned())
    } else if text.starts_with("nvme ") {
        (Fault::Nvme, second())
    } else if has("PCIe Bus Error") {
        (if has("severity=Corrected") { Fault::SlotCorrected } else { Fault::Slot }, second())
    } else if has("GPU HANG") || has("ring ") && has(" timeout") {
        (Fault::Graphics, first())
    } else if has("NVRM: Xid") {
        (Fault::Graphics, "nvidia".to_owned())
    } else if has("EXT4-fs error") || has("BTRFS error") || has("BTRFS critical") || text.starts_with("XFS ") {
        let named = after(text, "(device ").or_else(|| after(text, "XFS ("))?;
        (Fault::FileSystem, named)
    } else if has("blocked for more than") || has("soft lockup") || has("hard LOCKUP") {
        (Fault::Hang, String::new())
    } else if text.starts_with("BUG: ") || has("kernel BUG at") || has("Oops: ") || has("Kernel panic") {
        (Fault::System, String::new())
    } else {
        return None;
    };
    Some(found)
}

/// The word that follows.
fn after(text: &str, mark: &str) -> Option<String> {
    let rest = text.split_once(mark)?.1;
    let end = |c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_';
    rest.split(end).next().filter(|word| !word.is_empty()).map(str::to_owned)
}

/// `sda1` is on `sda`; others keep their name.
fn whole_disk(device: &str) -> String {
    if device.starts_with("sd") {
        device.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned()
    } else {
        device.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::kernel_log::tests::{absent, denied, log};
    use super::super::recording::answer;
    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};

    fn of(lines: &str) -> Inputs {
        Inputs { log: log(lines), disks: vec!["sda".into()] }
    }

    fn lines(line: &str, times: u64) -> Inputs {
        of(&format!("1795690800.000000 kernel: {line}\n").repeat(usize::try_from(times).unwrap()))
    }

    #[test]
    fn a_computer_whose_disk_and_graphics_fail() {
        let draft = KernelFaults::judge(of(&answer("log-faults.txt")));
        let ids: Vec<String> = told(KernelFaults::ID, &draft).findings.into_iter().map(|f| f.id).collect();
        assert_eq!(
            ids,
            [
                "disk-errors",
                "file-system-errors",
                "disk-drops-out",
                "disk-cable",
                "card-errors",
                "graphics-hang",
                "hangs",
                "system-fault"
            ]
        );
        let said = format!("{draft:?}");
        assert!(!said.contains("baloo") && !said.contains("Xorg") && !said.contains("inode"), "{said}");
    }

    #[test]
    fn messages_are_recognised_with_their_device() {
        for (text, expected) in [
            ("I/O error, dev sda, sector 194 op 0x0:(READ) flags 0x0", Some((Fault::Disk, "sda"))),
            ("blk_update_request: critical medium error, dev sdb, sector 7", Some((Fault::Disk, "sdb"))),
            ("Buffer I/O error on dev sdb1, logical block 0, async page read", Some((Fault::Disk, "sdb"))),
            ("I/O error, dev nvme0n1, sector 194", Some((Fault::Disk, "nvme0n1"))),
            ("I/O error, dev sr0, sector 0 op 0x0:(READ)", None),
            ("ata2.00: failed command: READ FPDMA QUEUED", Some((Fault::Link, "ata2"))),
            ("nvme nvme0: controller is down; will reset: CSTS=0xffffffff", Some((Fault::Nvme, "nvme0"))),
            (
                "pcieport 0000:00:1c.0: PCIe Bus Error: severity=Corrected, type=Physical Layer",
                Some((Fault::SlotCorrected, "0000:00:1c.0")),
            ),
            (
                "pcieport 0000:00:1c.0: PCIe Bus Error: severity=Uncorrectable (Fatal)",
                Some((Fault::Slot, "0000:00:1c.0")),
            ),
            ("amdgpu 0000:0b:00.0: amdgpu: ring gfx_0.0.0 timeout, signaled seq=1", Some((Fault::Graphics, "amdgpu"))),
            ("NVRM: Xid (PCI:0000:01:00): 79, pid=1234, name=Xorg", Some((Fault::Graphics, "nvidia"))),
            ("EXT4-fs error (device sda2): ext4_lookup:1855: inode #12", Some((Fault::FileSystem, "sda2"))),
            ("XFS (dm-0): Metadata corruption detected", Some((Fault::FileSystem, "dm-0"))),
            ("INFO: task baloo_file:812 blocked for more than 122 seconds.", Some((Fault::Hang, ""))),
            ("Oops: 0000 [#1] PREEMPT SMP", Some((Fault::System, ""))),
            ("usb 1-1: new device", None),
            ("", None),
        ] {
            let expected = expected.map(|(fault, device)| (fault, device.to_owned()));
            assert_eq!(recognise(text), expected, "{text}");
        }
    }

    #[test]
    fn faults_below_at_and_above_their_numbers() {
        let corrected = "pcieport 0000:00:1c.0: PCIe Bus Error: severity=Corrected";
        for (line, times, found) in [
            (corrected, CORRECTED - 1, "no-faults"),
            (corrected, CORRECTED, "card-errors-corrected"),
            (corrected, CORRECTED + 1, "card-errors-corrected"),
            ("ata1: COMRESET failed (errno=-16)", STUMBLES - 1, "no-faults"),
            ("ata1: COMRESET failed (errno=-16)", STUMBLES, "disk-cable"),
            ("Oops: 0000 [#1]", 1, "system-fault"),
            ("I/O error, dev sda, sector 0", 1, "disk-errors"),
            ("I/O error, dev sdb, sector 0", 1, "gone-disk-errors"),
        ] {
            assert_eq!(findings::<KernelFaults>(lines(line, times)), [found], "{line} {times}");
        }
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<KernelFaults>(vec![
            of(&answer("log-faults.txt")),
            lines("pcieport 0000:00:1c.0: PCIe Bus Error: severity=Corrected", 200),
            lines("I/O error, dev sdb, sector 0", 1),
            of(""),
            Inputs { log: denied(), disks: vec![] },
            Inputs { log: absent(), disks: vec![] },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(lines in "([0-9]{1,21}\\.[0-9]{6} kernel: (I/O error, dev |nvme |ata1|XFS \\(|EXT4-fs error \\(device |Oops: )?.*\n|.*\n)*") {
            told(KernelFaults::ID, &KernelFaults::judge(of(&lines)));
        }
    }
}
