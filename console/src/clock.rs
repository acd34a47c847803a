//! What time it is: the one place of this program that asks.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::time::{ClockId, clock_gettime};
use venia_proto::now::{Now, Wall};

/// Both clocks. (SECURITY D1)
pub(crate) fn now() -> Now {
    let boot = clock_gettime(ClockId::Boottime);
    let boot_ms =
        u64::try_from(boot.tv_sec).unwrap_or(0) * 1_000 + u64::try_from(boot.tv_nsec).unwrap_or(0) / 1_000_000;
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    Now { boot_ms, wall: Wall::from_ms(i64::try_from(wall).unwrap_or(i64::MAX)) }
}

/// A time as this computer's owner reads it: `11:00:02 +01:00`, with its day where that isn't the UTC day.
pub(crate) fn local(at: Wall) -> String {
    in_zone(at, TimeZone::system())
}

/// The time of day here: `11:00:02`.
pub(crate) fn hour(at: Wall) -> String {
    let zoned = |timestamp: Timestamp| timestamp.to_zoned(TimeZone::system()).strftime("%H:%M:%S").to_string();
    Timestamp::from_millisecond(at.ms()).map_or_else(|_| String::new(), zoned)
}

fn in_zone(at: Wall, zone: TimeZone) -> String {
    let Ok(timestamp) = Timestamp::from_millisecond(at.ms()) else { return String::new() };
    let here = timestamp.to_zoned(zone);
    let same_day = here.date() == timestamp.to_zoned(TimeZone::UTC).date();
    here.strftime(if same_day { "%H:%M:%S %:z" } else { "%Y-%m-%d %H:%M:%S %:z" }).to_string()
}

#[cfg(test)]
mod tests {
    use jiff::tz::offset;

    use super::*;

    #[test]
    fn local_times_say_their_zone_and_another_day() {
        let at: Wall = "2026-11-23T22:30:02.000Z".parse().unwrap();
        let there = |hours| in_zone(at, TimeZone::fixed(offset(hours)));
        assert_eq!(there(1), "23:30:02 +01:00");
        assert_eq!(there(0), "22:30:02 +00:00");
        assert_eq!(there(2), "2026-11-24 00:30:02 +02:00");
        assert_eq!(there(-5), "17:30:02 -05:00");
    }
}
