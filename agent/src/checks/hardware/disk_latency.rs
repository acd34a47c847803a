//! `hardware.disk-latency`: how long the disks take to answer, watched for some seconds.
//!
//! Source: the kernel's `admin-guide/iostats.rst`. Nothing is read from or written to a disk for it.

use std::time::{Duration, Instant};

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use crate::checks::figure::{percent, tenths};
use crate::checks::machine::{Machine, Reading};
use crate::checks::pressure::Pressure;
use crate::checks::{Check, Failure, whole};

/// Milliseconds an answer may take on average: a spinning disk needs about 15 for one, so some may wait in line.
const SPINNING_MS: f64 = 100.0;
/// And of a disk without moving parts, which needs less than 1.
const SOLID_MS: f64 = 30.0;
/// Requests below which an average says nothing. Our choice.
const ENOUGH: u64 = 10;
/// Percent of the time with something to do from which a spinning disk is full. Others do many things at once.
const BUSY_PERCENT: f64 = 90.0;
/// Percent of the last minute in which programs waited for disks (`psi.rst`: `some`). Our choice: a quarter.
const WAITS_PERCENT: f64 = 25.0;
/// Block devices that aren't disks.
const NOT_DISKS: [&str; 8] = ["dm-", "fd", "loop", "md", "nbd", "ram", "sr", "zram"];

pub(crate) struct DiskLatency;

pub(crate) struct Inputs {
    before: Reading,
    after: Reading,
    /// Milliseconds between the two.
    elapsed: u64,
    /// Disks, and whether they spin.
    disks: Vec<(String, bool)>,
    pressure: Reading,
}

/// A line of `/proc/diskstats`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counters {
    /// Requests answered: reads and writes.
    requests: u64,
    /// Milliseconds they waited, together.
    waited: u64,
    /// Requests that wait now.
    waiting: u64,
    /// Milliseconds with something to do.
    busy: u64,
}

impl Check for DiskLatency {
    const ID: &'static str = "hardware.disk-latency";
    type Inputs = Inputs;

    fn gather(arguments: &Arguments) -> Result<Inputs, Failure> {
        let seconds = whole(arguments, "seconds")?;
        let machine = Machine::this();
        let before = machine.text("/proc/diskstats");
        let began = Instant::now();
        std::thread::sleep(Duration::from_secs(seconds));
        let elapsed = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Inputs { before, elapsed, ..gather_from(&machine) })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let pressure = inputs.pressure.as_ref().ok().and_then(|text| Pressure::parse(text));
        if let Some(Pressure { some, .. }) = pressure {
            draft.fact("waiting", some, "%");
            if some >= WAITS_PERCENT {
                let evidence = format!("/proc/pressure/io some avg60={some:.2}");
                draft.finding(Severity::Warning, "programs-wait", &[("percent", some.into())], evidence);
            }
        }
        let (before, after) =
            (inputs.before.as_deref().unwrap_or_default(), inputs.after.as_deref().unwrap_or_default());
        let mut rows: Vec<Vec<Value>> = Vec::new();
        for (disk, spins) in &inputs.disks {
            let Some((first, last)) = Counters::of(before, disk).zip(Counters::of(after, disk)) else { continue };
            let past = last.since(first);
            judge_disk(&mut draft, disk, *spins, past, inputs.elapsed);
            let figure = |figure: Option<f64>| figure.map_or("".into(), |figure| tenths(figure).into());
            rows.push(vec![
                disk.clone().into(),
                (*spins).into(),
                past.requests.into(),
                figure(past.answer()),
                tenths(percent(past.busy, inputs.elapsed).min(100.0)).into(),
                figure(last.answer()),
            ]);
        }
        if rows.is_empty() {
            draft.finding(Severity::Unknown, "latency-unknown", &[], "/proc/diskstats has no disk");
        } else if draft.findings.is_empty() {
            let evidence = format!("/proc/diskstats: {} disks in {} ms", rows.len(), inputs.elapsed);
            draft.finding(Severity::Ok, "disks-answer", &[], evidence);
        }
        draft.table("disks", &["disk", "spinning", "requests", "answer", "busy", "answer-since-start"], rows);
        draft
    }
}

/// One look, with the first look at the counters missing.
fn gather_from(machine: &Machine) -> Inputs {
    let is_disk = |name: &String| !NOT_DISKS.iter().any(|prefix| name.starts_with(prefix));
    let spins = |name: String| {
        let flag = machine.number::<u8>(&format!("/sys/block/{name}/queue/rotational"));
        (name, flag == Some(1))
    };
    Inputs {
        before: Ok(String::new()),
        after: machine.text("/proc/diskstats"),
        elapsed: 0,
        disks: machine.names("/sys/block").into_iter().filter(is_disk).map(spins).collect(),
        pressure: machine.text("/proc/pressure/io"),
    }
}

fn judge_disk(draft: &mut Draft, disk: &str, spins: bool, past: Counters, elapsed: u64) {
    let busy = percent(past.busy, elapsed);
    let evidence = format!(
        "/proc/diskstats {disk}: {} requests, {} ms waited, {} waiting, {} of {elapsed} ms busy",
        past.requests, past.waited, past.waiting, past.busy
    );
    let limit = if spins { SPINNING_MS } else { SOLID_MS };
    if past.requests == 0 && past.waiting > 0 && busy >= BUSY_PERCENT {
        draft.finding(Severity::Critical, "disk-stuck", &[("disk", disk.into())], evidence);
    } else if let Some(answer) = past.answer().filter(|answer| past.requests >= ENOUGH && *answer >= limit) {
        let values = [("disk", disk.into()), ("milliseconds", answer.round().into())];
        draft.finding(Severity::Warning, "disk-slow", &values, evidence);
    } else if spins && busy >= BUSY_PERCENT {
        let values = [("disk", disk.into()), ("percent", busy.min(100.0).into())];
        draft.finding(Severity::Warning, "disk-busy", &values, evidence);
    }
}

impl Counters {
    /// The line of that disk: numbers, its name, then counters.
    fn of(text: &str, disk: &str) -> Option<Self> {
        let line = text.lines().find(|line| line.split_whitespace().nth(2) == Some(disk))?;
        let figures: Vec<u64> = line.split_whitespace().skip(3).map_while(|word| word.parse().ok()).collect();
        let figure = |at: usize| figures.get(at).copied();
        Some(Self {
            requests: figure(0)?.saturating_add(figure(4)?),
            waited: figure(3)?.saturating_add(figure(7)?),
            waiting: figure(8)?,
            busy: figure(9)?,
        })
    }

    fn since(self, first: Self) -> Self {
        Self {
            requests: self.requests.saturating_sub(first.requests),
            waited: self.waited.saturating_sub(first.waited),
            waiting: self.waiting,
            busy: self.busy.saturating_sub(first.busy),
        }
    }

    /// Milliseconds an answer took on average.
    #[expect(clippy::cast_precision_loss, reason = "an average needs no more than 52 bits")]
    fn answer(self) -> Option<f64> {
        (self.requests > 0).then(|| self.waited as f64 / self.requests as f64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, told};

    /// A disk that answered so many requests in so many milliseconds, and was busy so long of a second.
    fn watched(spins: bool, requests: u64, waited: u64, waiting: u64, busy: u64) -> Inputs {
        let line = |r, w, n, b| {
            format!("   8       0 sda {r} 0 800 {w} 0 0 0 0 {n} {b} 99 0 0 0 0 0 0\n   8       1 sda1 9 9\n")
        };
        Inputs {
            before: Ok(line(1_000, 5_000, 0, 7_000)),
            after: Ok(line(1_000 + requests, 5_000 + waited, waiting, 7_000 + busy)),
            elapsed: 1_000,
            disks: vec![("sda".into(), spins)],
            pressure: Ok("some avg10=0.00 avg60=1.00 avg300=0.00 total=0\n".into()),
        }
    }

    #[test]
    fn answers_below_at_and_above_their_limits() {
        for (spins, requests, waited, found) in [
            (true, 10, 999, "disks-answer"),
            (true, 10, 1_000, "disk-slow"),
            (true, 9, 9_000, "disks-answer"),
            (false, 100, 2_999, "disks-answer"),
            (false, 100, 3_000, "disk-slow"),
            (false, 0, 0, "disks-answer"),
        ] {
            assert_eq!(
                findings::<DiskLatency>(watched(spins, requests, waited, 0, 10)),
                [found],
                "{requests} {waited}"
            );
        }
    }

    #[test]
    fn work_below_at_and_above_its_limits() {
        for (spins, requests, waiting, busy, found) in [
            (true, 50, 1, 899, "disks-answer"),
            (true, 50, 1, 900, "disk-busy"),
            (false, 50, 1, 1_000, "disks-answer"),
            (true, 0, 1, 899, "disks-answer"),
            (true, 0, 1, 900, "disk-stuck"),
            (false, 0, 4, 1_000, "disk-stuck"),
        ] {
            assert_eq!(
                findings::<DiskLatency>(watched(spins, requests, 50, waiting, busy)),
                [found],
                "{requests} {busy}"
            );
        }
    }

    #[test]
    fn waiting_programs_below_at_and_above_their_limit() {
        for (waits, found) in [("24.99", "disks-answer"), ("25.00", "programs-wait"), ("25.01", "programs-wait")] {
            let pressure = Ok(format!("some avg10=0.00 avg60={waits} avg300=0.00 total=0\n"));
            assert_eq!(findings::<DiskLatency>(Inputs { pressure, ..watched(true, 1, 1, 0, 1) }), [found]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<DiskLatency>(vec![
            watched(true, 10, 10, 0, 1),
            watched(true, 10, 5_000, 0, 1),
            watched(true, 100, 100, 0, 990),
            watched(true, 0, 1, 1, 1_000),
            Inputs { pressure: Ok("some avg10=0.00 avg60=80.00 x".into()), ..watched(true, 1, 1, 0, 1) },
            Inputs { after: Err(Unread::Absent), pressure: Err(Unread::Absent), ..watched(true, 1, 1, 0, 1) },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(a in "( [0-9]{1,3} 0 sda( [0-9]{1,21}){0,12}\n)*", b in "( [0-9]{1,3} 0 sda( [0-9]{1,21}){0,12}\n)*", elapsed in any::<u64>(), spins in any::<bool>()) {
            told(DiskLatency::ID, &DiskLatency::judge(Inputs {
                before: Ok(a.clone()), after: Ok(b.clone()), elapsed, disks: vec![("sda".into(), spins), (b, spins)], pressure: Ok(a),
            }));
        }
    }
}
