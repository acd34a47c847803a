//! `system.swap`: whether the computer loses its time moving memory to the disk and back.
//!
//! Swap that is used but not moved harms nobody; what hurts is pages that go out and come back at once. So it is watched for
//! a moment. Which program they belong to isn't looked at.

use std::time::Duration;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use crate::checks::figure::{megabytes, percent, size};
use crate::checks::machine::{Machine, Reading};
use crate::checks::{Check, Failure, whole};

/// Bytes a second, each way, from which the computer is busy with swapping. Our choice: 4 MB, as much as a spinning disk
/// does in scattered reads, so that nothing else gets its turn.
const THRASH: u64 = 4_000_000;
/// Percent of swap in use; systemd-oomd starts to end programs at 90.
const FULL_PERCENT: f64 = 80.0;
/// Bytes of memory below which swap is missed: up to 8 GB, Red Hat's and Ubuntu's guides ask for swap of at least the
/// size of the memory.
const SMALL_MEMORY: u64 = 8_000_000_000;
/// Bytes of a page in `/proc/vmstat` where the kernel doesn't say; nearly everywhere.
const PAGE: u64 = 4_096;

pub(crate) struct Swap;

pub(crate) struct Inputs {
    seconds: u64,
    before: Reading,
    after: Reading,
    memory: Reading,
    swaps: Reading,
    swappiness: Option<u64>,
    /// `mm_stat` of each compressed memory device.
    squeezed: Vec<String>,
}

impl Check for Swap {
    const ID: &'static str = "system.swap";
    type Inputs = Inputs;

    fn gather(arguments: &Arguments) -> Result<Inputs, Failure> {
        let seconds = whole(arguments, "seconds")?;
        let machine = Machine::this();
        let before = machine.text("/proc/vmstat");
        std::thread::sleep(Duration::from_secs(seconds));
        Ok(Inputs { seconds, before, ..gather_from(&machine) })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let memory = inputs.memory.as_ref().ok();
        let amount = |key: &str| memory.and_then(|text| kib(text, key));
        let (Some(total), Some(free), Some(all)) = (amount("SwapTotal:"), amount("SwapFree:"), amount("MemTotal:"))
        else {
            let why = inputs.memory.as_ref().map_or_else(ToString::to_string, |_| "has no SwapTotal".to_owned());
            draft.finding(Severity::Unknown, "swap-unknown", &[], format!("/proc/meminfo {why}"));
            return draft;
        };
        let used = total.saturating_sub(free);
        draft.fact("total", total, "bytes");
        draft.fact("used", used, "bytes");
        if let Some(swappiness) = inputs.swappiness {
            draft.fact("eagerness", swappiness, "");
        }
        if total == 0 && all < SMALL_MEMORY {
            let evidence = format!("/proc/meminfo SwapTotal 0, MemTotal {all} bytes");
            draft.finding(Severity::Warning, "no-swap", &[("memory", size(all).into())], evidence);
        }
        let share = percent(used, total);
        if share >= FULL_PERCENT {
            let evidence = format!("/proc/meminfo: {used} of {total} bytes of swap");
            draft.finding(Severity::Warning, "swap-full", &[("percent", share.into())], evidence);
        }
        moved(&mut draft, &inputs);
        squeezed(&mut draft, &inputs.squeezed);
        if draft.findings.is_empty() {
            draft.finding(Severity::Ok, "swap-ok", &[], format!("/proc/meminfo: {used} of {total} bytes of swap"));
        }
        let rows = inputs.swaps.as_ref().map_or(Vec::new(), |text| text.lines().skip(1).filter_map(place).collect());
        draft.table("places", &["kind", "size", "used", "priority"], rows);
        draft
    }
}

/// One look, with nothing moved before.
fn gather_from(machine: &Machine) -> Inputs {
    let zram = machine.names("/sys/block").into_iter().filter(|name| name.starts_with("zram"));
    let after = machine.text("/proc/vmstat");
    Inputs {
        seconds: 1,
        before: after.clone(),
        after,
        memory: machine.text("/proc/meminfo"),
        swaps: machine.text("/proc/swaps"),
        swappiness: machine.number("/proc/sys/vm/swappiness"),
        squeezed: zram.filter_map(|name| machine.text(&format!("/sys/block/{name}/mm_stat")).ok()).collect(),
    }
}

/// Bytes each second into and out of memory.
fn moved(draft: &mut Draft, inputs: &Inputs) {
    let speed = |key: &str| {
        let count = |reading: &Reading| counter(reading.as_ref().ok()?, key);
        let pages = count(&inputs.after)?.saturating_sub(count(&inputs.before)?);
        Some(pages.saturating_mul(PAGE) / inputs.seconds.max(1))
    };
    let (Some(back), Some(out)) = (speed("pswpin"), speed("pswpout")) else { return };
    draft.fact("in", back, "bytes");
    draft.fact("out", out, "bytes");
    // One way alone is memory that is put away for good, or taken back into use: both pass.
    let both = back.min(out);
    if both >= THRASH {
        let evidence = format!("/proc/vmstat: {back} bytes in and {out} bytes out each second");
        draft.finding(Severity::Critical, "thrashing", &[("size", size(both).into())], evidence);
    }
}

/// The first two numbers of `mm_stat`: what is kept, and what it takes compressed (the kernel's `zram.rst`).
fn squeezed(draft: &mut Draft, devices: &[String]) {
    let mut sums = None::<(u64, u64)>;
    for text in devices {
        let mut numbers = text.split_whitespace().map_while(|word| word.parse::<u64>().ok());
        if let (Some(kept), Some(takes)) = (numbers.next(), numbers.nth(1)) {
            let (a, b) = sums.unwrap_or((0, 0));
            sums = Some((a.saturating_add(kept), b.saturating_add(takes)));
        }
    }
    if let Some((kept, takes)) = sums {
        draft.fact("squeezed", kept, "bytes");
        draft.fact("squeezed-takes", takes, "bytes");
    }
}

/// `/dev/zram0 partition 8388604 0 100`; a file's own name stays here.
fn place(line: &str) -> Option<Vec<Value>> {
    let words: Vec<&str> = line.split_whitespace().collect();
    // A name may hold spaces (written `\040`), so count from the end.
    let [name, .., kind, total, used, priority] = words[..] else { return None };
    let kind = if name.starts_with("/dev/zram") { "compressed memory" } else { kind };
    let kib = |word: &str| word.parse::<u64>().ok().map(|kib| megabytes(kib.saturating_mul(1024)));
    Some(vec![kind.into(), kib(total)?.into(), kib(used)?.into(), priority.parse::<i64>().ok()?.into()])
}

fn kib(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib.saturating_mul(1024))
}

fn counter(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn with(pages_in: u64, pages_out: u64, swap_free: u64) -> Inputs {
        Inputs {
            seconds: 2,
            before: Ok("pswpin 10\npswpout 20\n".into()),
            after: Ok(format!("pswpin {}\npswpout {}\n", 10 + pages_in, 20 + pages_out)),
            memory: Ok(format!("MemTotal: 16000000 kB\nSwapTotal: 1000 kB\nSwapFree: {swap_free} kB\n")),
            swaps: Ok("Filename Type Size Used Priority\n/swap.img file 1000 0 -2\n".into()),
            swappiness: Some(60),
            squeezed: vec![],
        }
    }

    #[test]
    fn every_limit_below_at_and_above() {
        let pages = 2 * THRASH / PAGE;
        for (inputs, found) in [
            (with(pages, pages, 1000), "swap-ok"),
            (with(pages + 1, pages + 1, 1000), "thrashing"),
            (with(9 * pages, 9 * pages, 1000), "thrashing"),
            (with(9 * pages, 0, 1000), "swap-ok"),
            (with(0, 9 * pages, 1000), "swap-ok"),
            (with(0, 0, 201), "swap-ok"),
            (with(0, 0, 200), "swap-full"),
            (with(0, 0, 0), "swap-full"),
        ] {
            assert_eq!(findings::<Swap>(inputs), [found]);
        }
        for (kib, found) in [(7_812_499, "no-swap"), (7_812_500, "swap-ok"), (7_812_501, "swap-ok")] {
            let memory = Ok(format!("MemTotal: {kib} kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n"));
            assert_eq!(findings::<Swap>(Inputs { memory, ..with(0, 0, 0) }), [found]);
        }
    }

    #[test]
    fn compressed_memory_is_told_and_file_names_stay_here() {
        let draft = Swap::judge(gather_from(&recorded("arch-laptop")));
        assert_eq!(draft.tables[0].rows[0][0], "compressed memory".into());
        assert_eq!(draft.tables[0].rows[1], [Value::from("file"), 8_589_u64.into(), 0_u64.into(), Value::from(-2_i64)]);
        assert!(!format!("{draft:?}").contains("swapfile"));
        told(Swap::ID, &draft);
    }

    #[test]
    fn everything_declared_is_said() {
        let no_swap = Ok("MemTotal: 2000000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n".to_owned());
        all_is_said::<Swap>(vec![
            gather_from(&recorded("arch-laptop")),
            with(99_999, 99_999, 0),
            Inputs { memory: no_swap, ..with(0, 0, 0) },
            Inputs { memory: Err(Unread::Denied), ..with(0, 0, 0) },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(
            a in "((pswpin|pswpout) [0-9]{1,21}\n)*", b in "((SwapTotal|SwapFree|MemTotal): [0-9]{1,21} kB\n)*", c in "(.*\n)*|(x x [0-9]+ [0-9]+ -?[0-9]+\n)*",
        ) {
            let inputs = Inputs { after: Ok(a), memory: Ok(b), swaps: Ok(c.clone()), squeezed: vec![c], ..with(0, 0, 0) };
            told(Swap::ID, &Swap::judge(inputs));
        }
    }
}
