//! Time is handed in. Two clocks, because each lies in its own way.
//!
//! Deadlines use the boot clock, which counts while a laptop sleeps (Linux `CLOCK_BOOTTIME`): with a clock that stops,
//! a ten-minute grant would still be alive next morning. The wall clock is only printed and recorded; the people we
//! help often have a PC whose battery died and whose year is 2001.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What both clocks say at one moment. Nothing in `proto` reads a clock; a shell hands this in with every input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Now {
    /// Milliseconds since boot, sleep included. Never goes back.
    pub boot_ms: u64,
    /// What the wall clock claims.
    pub wall: Wall,
}

/// A wall-clock time: milliseconds since 1970-01-01T00:00:00Z, written `YYYY-MM-DDTHH:MM:SS.mmmZ` everywhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wall(i64);

impl Wall {
    /// 0000-01-01T00:00:00.000Z, the earliest time the format can write.
    pub const MIN: Self = Self(-62_167_219_200_000);
    /// 9999-12-30T21:59:59.999Z, the latest: what the time library can write in every time zone.
    pub const MAX: Self = Self(253_402_207_199_999);

    /// Clamped to what the four-digit year can write, so that a PC with a broken clock still makes valid records.
    pub fn from_ms(ms: i64) -> Self {
        Self(ms.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Milliseconds since 1970.
    pub fn ms(self) -> i64 {
        self.0
    }

    /// This time moved by so many milliseconds, clamped.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self::from_ms(self.0.saturating_add(ms))
    }
}

/// A text that isn't a time in the one format we write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a time of the form YYYY-MM-DDTHH:MM:SS.mmmZ")]
pub struct InvalidTime;

impl fmt::Display for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let timestamp = jiff::Timestamp::from_millisecond(self.0).map_err(|_| fmt::Error)?;
        let t = jiff::tz::TimeZone::UTC.to_datetime(timestamp);
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            t.year(),
            t.month(),
            t.day(),
            t.hour(),
            t.minute(),
            t.second(),
            t.millisecond()
        )
    }
}

impl fmt::Debug for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Wall {
    type Err = InvalidTime;

    /// Only the one spelling we write; by hand, because a log has one in every entry.
    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        read(text.as_bytes()).map(Self).filter(|wall| (Self::MIN..=Self::MAX).contains(wall)).ok_or(InvalidTime)
    }
}

/// Milliseconds since 1970 of `YYYY-MM-DDTHH:MM:SS.mmmZ`.
fn read(text: &[u8]) -> Option<i64> {
    let text: &[u8; 24] = text.try_into().ok()?;
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (23, b'Z')];
    if marks.iter().any(|&(at, mark)| text[at] != mark) {
        return None;
    }
    let number = |from: usize, to: usize| {
        text[from..to]
            .iter()
            .try_fold(0_i64, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => return None,
    };
    if !(1..=days).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Days since 1970, with years that begin in March so that the leap day is the last of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 + day - 1 - 719_468;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000 + number(20, 23)?)
}

impl Serialize for Wall {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Wall {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling() {
        let wall = Wall::from_ms(1_795_514_402_000);
        assert_eq!(wall.to_string(), "2026-11-24T10:00:02.000Z".to_owned());
        assert_eq!(wall.to_string().parse(), Ok(wall));
        for text in [
            "2026-11-24T10:00:02Z",
            "2026-11-24T10:00:02.000+00:00",
            "2026-11-24 10:00:02.000Z",
            "2026-11-24T10:00:02.0000Z",
            "x",
        ] {
            assert_eq!(text.parse::<Wall>(), Err(InvalidTime), "{text}");
        }
    }

    #[test]
    fn days_that_are_none_are_refused() {
        for (text, good) in [
            ("2024-02-29T23:59:59.999Z", true),
            ("2023-02-29T00:00:00.000Z", false),
            ("1900-02-29T00:00:00.000Z", false),
            ("2000-02-29T00:00:00.000Z", true),
            ("2026-04-31T00:00:00.000Z", false),
            ("2026-13-01T00:00:00.000Z", false),
            ("2026-00-01T00:00:00.000Z", false),
            ("2026-01-00T00:00:00.000Z", false),
            ("2026-01-01T24:00:00.000Z", false),
            ("2026-01-01T00:60:00.000Z", false),
            ("2026-01-01T00:00:60.000Z", false),
            ("2026-01-01T00:00:00.+00Z", false),
            ("0000-01-01T00:00:00.000Z", true),
            ("9999-12-30T21:59:59.999Z", true),
            ("9999-12-30T22:00:00.000Z", false),
        ] {
            assert_eq!(text.parse::<Wall>().is_ok(), good, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read(ms in Wall::MIN.0..=Wall::MAX.0) {
            let wall = Wall::from_ms(ms);
            proptest::prop_assert_eq!(wall.to_string().parse(), Ok(wall));
        }
    }

    #[test]
    fn broken_clocks_stay_writable() {
        for ms in [i64::MIN, -1, 0, i64::MAX] {
            let wall = Wall::from_ms(ms);
            assert_eq!(wall.to_string().parse(), Ok(wall));
        }
    }
}
