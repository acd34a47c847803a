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

    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        let timestamp: jiff::Timestamp = text.parse().map_err(|_| InvalidTime)?;
        let wall = Self::from_ms(timestamp.as_millisecond());
        // jiff reads many spellings; only the one we write may stand in a record.
        if wall.to_string() == text { Ok(wall) } else { Err(InvalidTime) }
    }
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
    fn broken_clocks_stay_writable() {
        for ms in [i64::MIN, -1, 0, i64::MAX] {
            let wall = Wall::from_ms(ms);
            assert_eq!(wall.to_string().parse(), Ok(wall));
        }
    }
}
