//! `system.clock`: whether the clock is right and keeps itself right.
//!
//! With a wrong date secure pages, log-ins and updates fail in ways that name everything but the clock. No other computer is
//! asked for the time: what counts is what the system's own time service says, the clock of the board, and whether the date
//! can be true at all.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity};

use super::date::Date;
use super::{reply, support, unit};
use crate::checks::machine::{Machine, Reading};
use crate::checks::tool::{self, Answer, Silence};
use crate::checks::{Check, Failure};

/// Longest wait for systemd's time service, which may have to start first.
const LIMIT: Duration = Duration::from_secs(5);
/// Days after this program was made beyond which a date can't be true: no PC runs a program of today in 20 years.
const FUTURE_DAYS: i64 = 20 * 365;
/// Seconds the clock of the board may differ: it drifts by seconds a day, and the kernel corrects it every 11 minutes while
/// the time of the network is known (the kernel's `rtc.rst`).
const CHIP_SECONDS: u64 = 120;
/// Seconds after the start in which the network's time may not have come yet.
const START: u64 = 15 * 60;
/// Seconds that time zones differ by: a board that holds local time is off by a multiple.
const ZONE_STEP: u64 = 15 * 60;

pub(crate) struct Clock;

pub(crate) struct Inputs {
    now: SystemTime,
    /// When the system's own files were put there: it can't be earlier now.
    installed: Option<SystemTime>,
    uptime: Option<u64>,
    answer: Result<Answer, Silence>,
    /// systemd-timesyncd has set the clock since the start.
    touched: bool,
    adjtime: Reading,
    /// What the board's clock says, as if it were in UTC, at that moment.
    chip: Option<u64>,
}

impl Check for Clock {
    const ID: &'static str = "system.clock";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let answer = tool::TIMEDATECTL.ask(&["show", "--no-pager"], LIMIT);
        Ok(gather_from(&Machine::this(), answer))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let today = Date::of(inputs.now);
        draft.fact("date", today.to_string(), "");
        date(&mut draft, today, inputs.installed.map(Date::of));
        let local = inputs.adjtime.as_ref().is_ok_and(|text| text.lines().nth(2).map(str::trim) == Some("LOCAL"));
        draft.fact("chip-local", local, "");
        if local {
            draft.finding(Severity::Warning, "chip-local", &[], "/etc/adjtime: LOCAL");
        }
        chip(&mut draft, inputs.now, inputs.chip, local);
        let agrees = network(&mut draft, inputs.answer, inputs.touched, inputs.uptime);
        if agrees && draft.findings.is_empty() {
            draft.finding(Severity::Ok, "clock-ok", &[], "timedatectl show: NTPSynchronized=yes");
        }
        draft
    }
}

fn gather_from(machine: &Machine, answer: Result<Answer, Silence>) -> Inputs {
    let uptime = machine.text("/proc/uptime").ok();
    Inputs {
        installed: std::fs::metadata(machine.path("/usr/lib/os-release")).ok().and_then(|file| file.modified().ok()),
        uptime: uptime.and_then(|text| text.split(['.', ' ']).next()?.trim().parse().ok()),
        answer,
        touched: machine.has("/run/systemd/timesync/synchronized"),
        adjtime: machine.text("/etc/adjtime"),
        chip: machine.number("/sys/class/rtc/rtc0/since_epoch"),
        now: SystemTime::now(),
    }
}

fn date(draft: &mut Draft, today: Date, installed: Option<Date>) {
    let made = Date::parse(support::table_date());
    let late = made.is_some_and(|made| today.days_since(made) > FUTURE_DAYS);
    // A day's grace: files may come from another time zone.
    let early = |since: Option<Date>| since.filter(|since| today.days_since(*since) < -1);
    let value = [("date", today.to_string().into())];
    if let Some(since) = early(made).or_else(|| early(installed)) {
        let evidence = format!("the clock says {today}, but {since} is past");
        draft.finding(Severity::Critical, "date-wrong", &value, evidence);
    } else if late {
        draft.finding(Severity::Critical, "date-wrong", &value, format!("the clock says {today}, decades from now"));
    }
}

fn chip(draft: &mut Draft, now: SystemTime, chip: Option<u64>, local: bool) {
    let (Some(chip), Ok(now)) = (chip, now.duration_since(UNIX_EPOCH)) else { return };
    let off = chip.abs_diff(now.as_secs());
    let off = if local { (off % ZONE_STEP).min(ZONE_STEP - off % ZONE_STEP) } else { off };
    draft.fact("chip-off", off, "s");
    if off > CHIP_SECONDS {
        let evidence = format!("/sys/class/rtc/rtc0/since_epoch: {off} s from the clock of the system");
        draft.finding(Severity::Warning, "chip-differs", &[("seconds", off.into())], evidence);
    }
}

/// Whether the clock agrees with the network's time.
fn network(draft: &mut Draft, answer: Result<Answer, Silence>, touched: bool, uptime: Option<u64>) -> bool {
    let output = match reply::output(answer) {
        Ok(output) => output,
        Err(_) if touched => {
            draft.fact("agrees", true, "");
            return true;
        }
        Err(why) => {
            draft.finding(Severity::Unknown, "clock-unknown", &[], format!("timedatectl show: {why}"));
            return false;
        }
    };
    let shown = unit::properties(&output);
    let property = |key: &str| shown.iter().find_map(|unit| unit.get(key).copied());
    if let Some(zone) = property("Timezone").filter(|zone| !zone.is_empty()) {
        draft.fact("time-zone", zone, "");
    }
    let (Some(service), Some(agrees)) = (property("NTP"), property("NTPSynchronized")) else {
        draft.finding(Severity::Unknown, "clock-unknown", &[], "timedatectl show: no NTP, no NTPSynchronized");
        return false;
    };
    let (service, agrees) = (service == "yes", agrees == "yes");
    draft.fact("set-by-network", service, "");
    draft.fact("agrees", agrees, "");
    let evidence = format!("timedatectl show: NTP={service}, NTPSynchronized={agrees}");
    match (agrees, service) {
        // Another service than those systemd knows may have set it.
        (true, _) => return true,
        (false, false) => draft.finding(Severity::Warning, "sync-off", &[], evidence),
        (false, true) if uptime.is_some_and(|uptime| uptime < START) => {
            draft.finding(Severity::Unknown, "clock-unknown", &[], format!("{evidence}; started just now"));
        }
        (false, true) => draft.finding(Severity::Warning, "sync-waiting", &[], evidence),
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::date::DAY;
    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, told};

    /// Noon of that day.
    fn at(day: &str) -> SystemTime {
        let days = Date::parse(day).unwrap().days_since(Date::parse("1970-01-01").unwrap());
        UNIX_EPOCH + Duration::from_secs(u64::try_from(days).unwrap() * DAY + DAY / 2)
    }

    fn answered(service: &str, agrees: &str) -> Inputs {
        let output =
            format!("Timezone=Europe/Madrid\nLocalRTC=no\nCanNTP=yes\nNTP={service}\nNTPSynchronized={agrees}\n");
        let now = at("2026-11-26");
        Inputs {
            now,
            installed: Some(at("2026-11-01")),
            uptime: Some(START),
            answer: Ok(Answer { status: Some(0), output, error: String::new() }),
            touched: false,
            adjtime: Ok("0.0 0 0.0\n0\nUTC\n".into()),
            chip: None,
        }
    }

    fn chip(off: u64, adjtime: &str) -> Inputs {
        let mut inputs = answered("yes", "yes");
        inputs.chip = Some(inputs.now.duration_since(UNIX_EPOCH).unwrap().as_secs() + off);
        Inputs { adjtime: Ok(format!("0.0 0 0.0\n0\n{adjtime}\n")), ..inputs }
    }

    #[test]
    fn a_date_that_can_be_true_below_at_and_above() {
        let made = Date::parse(support::table_date()).unwrap();
        let on = |day: &str| findings::<Clock>(Inputs { now: at(day), installed: None, ..answered("yes", "yes") });
        assert_eq!(made.to_string(), "2026-02-01", "the days below follow the table's");
        assert_eq!(on("1970-01-01"), ["date-wrong"]);
        assert_eq!(on("2026-01-30"), ["date-wrong"]);
        assert_eq!(on("2026-01-31"), ["clock-ok"]);
        assert_eq!(on("2046-01-27"), ["clock-ok"]);
        assert_eq!(on("2046-01-28"), ["date-wrong"]);
        for (installed, found) in [("2026-11-26", "clock-ok"), ("2026-11-27", "clock-ok"), ("2026-11-28", "date-wrong")]
        {
            let inputs = Inputs { installed: Some(at(installed)), ..answered("yes", "yes") };
            assert_eq!(findings::<Clock>(inputs), [found], "{installed}");
        }
    }

    #[test]
    fn the_boards_clock_below_at_and_above() {
        for (off, found) in [
            (CHIP_SECONDS - 1, "clock-ok"),
            (CHIP_SECONDS, "clock-ok"),
            (CHIP_SECONDS + 1, "chip-differs"),
            (7_200, "chip-differs"),
        ] {
            assert_eq!(findings::<Clock>(chip(off, "UTC")), [found], "{off}");
        }
        assert_eq!(findings::<Clock>(chip(7_200 - 60, "LOCAL")), ["chip-local"], "two hours of a time zone");
        assert_eq!(findings::<Clock>(chip(7_200 + 400, "LOCAL")), ["chip-local", "chip-differs"]);
    }

    #[test]
    fn the_time_service_is_believed_and_given_time() {
        for (service, agrees, uptime, found) in [
            ("yes", "yes", START, "clock-ok"),
            ("no", "yes", START, "clock-ok"),
            ("no", "no", START, "sync-off"),
            ("yes", "no", START, "sync-waiting"),
            ("yes", "no", START + 1, "sync-waiting"),
            ("yes", "no", START - 1, "clock-unknown"),
        ] {
            let inputs = Inputs { uptime: Some(uptime), ..answered(service, agrees) };
            assert_eq!(findings::<Clock>(inputs), [found], "{service} {agrees} {uptime}");
        }
        let silent = || Err(Silence::NotInstalled("timedatectl"));
        assert_eq!(findings::<Clock>(Inputs { answer: silent(), touched: true, ..answered("", "") }), ["clock-ok"]);
        assert_eq!(findings::<Clock>(Inputs { answer: silent(), ..answered("", "") }), ["clock-unknown"]);
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Clock>(vec![
            chip(400, "LOCAL"),
            answered("yes", "yes"),
            answered("yes", "no"),
            answered("no", "no"),
            Inputs { now: UNIX_EPOCH, ..answered("yes", "yes") },
            Inputs { adjtime: Err(Unread::Absent), ..answered("", "") },
            Inputs { answer: Err(Silence::TooSlow("timedatectl")), ..answered("", "") },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(output in "(.*\n)*|((NTP|NTPSynchronized|Timezone)=.*\n)*", adjtime in "(.*\n)*", chip in any::<Option<u64>>(), seconds in any::<u32>()) {
            let inputs = Inputs {
                now: UNIX_EPOCH + Duration::from_secs(seconds.into()),
                answer: Ok(Answer { status: Some(0), output, error: String::new() }),
                adjtime: Ok(adjtime),
                chip,
                ..answered("yes", "yes")
            };
            told(Clock::ID, &Clock::judge(inputs));
        }
    }
}
