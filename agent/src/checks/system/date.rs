//! A day of the calendar, so that ends of support and times of events can be compared. No time zones: a day more or less
//! decides nothing here.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds of a day.
pub(super) const DAY: u64 = 24 * 60 * 60;

/// Days since the first of January 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Date(i64);

impl Date {
    /// Today, as the clock of this computer has it.
    pub(super) fn today() -> Self {
        Self::of(SystemTime::now())
    }

    /// The day of that moment; the first of January 1970 for what was before.
    pub(super) fn of(time: SystemTime) -> Self {
        let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self(i64::try_from(seconds / DAY).unwrap_or(0))
    }

    /// `2026-11-26`. Nothing for what is no day of the years 1970 to 9999.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-').map(|part| {
            let digits = matches!(part.len(), 2 | 4) && part.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| part.parse::<i64>().ok()).flatten()
        });
        let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
        let date = Self::from_civil(year, month, day);
        let known = parts.next().is_none() && (1970..=9999).contains(&year) && date.civil() == (year, month, day);
        known.then_some(date)
    }

    /// Days from `other` to this; negative if this is earlier.
    pub(super) fn days_since(self, other: Self) -> i64 {
        self.0 - other.0
    }

    /// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": `days_from_civil`.
    fn from_civil(year: i64, month: i64, day: i64) -> Self {
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let of_era = year - era * 400;
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        Self(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
    }

    /// The same paper: `civil_from_days`.
    fn civil(self) -> (i64, i64, i64) {
        let days = self.0 + 719_468;
        let era = days.div_euclid(146_097);
        let day = days - era * 146_097;
        let of_era = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let of_year = day - (365 * of_era + of_era / 4 - of_era / 100);
        let shifted = (5 * of_year + 2) / 153;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = of_era + era * 400 + i64::from(month <= 2);
        (year, month, of_year - (153 * shifted + 2) / 5 + 1)
    }
}

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn days_are_counted_over_leap_years() {
        for (text, days) in [("1970-01-01", 0), ("1972-03-01", 790), ("2000-02-29", 11_016), ("2026-11-26", 20_783)] {
            assert_eq!(Date::parse(text), Some(Date(days)), "{text}");
            assert_eq!(Date(days).to_string(), text);
        }
        let noon = UNIX_EPOCH + Duration::from_secs(20_783 * DAY + DAY / 2);
        assert_eq!(Date::of(noon), Date(20_783));
    }

    #[test]
    fn what_is_no_day_is_none() {
        for text in [
            "",
            "2026",
            "2026-13-01",
            "2026-00-10",
            "2025-02-29",
            "2026-11-31",
            "+026-1-01",
            "2026-1-1",
            "1969-12-31",
            "2026-11-26-1",
        ] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_day_is_written_and_read_alike(days in 0_i64..2_932_896) {
            prop_assert_eq!(Date::parse(&Date(days).to_string()), Some(Date(days)));
        }

        #[test]
        fn garbage_never_panics(text in "\\PC*|[0-9]{0,5}-[0-9]{0,3}-[0-9]{0,3}") {
            let _any = Date::parse(&text);
        }
    }
}
