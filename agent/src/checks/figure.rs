//! Figures as checks say them.

/// Bytes as people read them, in units of a thousand as disks are sold. Whole numbers: they read the same in every
/// language.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        10_000_000_000.. => format!("{} GB", bytes / 1_000_000_000),
        10_000_000.. => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} kB", bytes / 1_000),
    }
}

/// Bytes as whole megabytes, for a column.
pub(crate) fn megabytes(bytes: u64) -> u64 {
    bytes / 1_000_000
}

/// How much of the whole a part is, in percent; 0 of nothing.
#[expect(clippy::cast_precision_loss, reason = "a percentage needs no more than 52 bits")]
pub(crate) fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

/// A measured figure as it is told: one decimal. What is judged isn't rounded.
pub(crate) fn tenths(figure: f64) -> f64 {
    (figure * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_change_unit_at_ten() {
        for (bytes, text) in [
            (0, "0 kB"),
            (9_999_999, "9999 kB"),
            (10_000_000, "10 MB"),
            (9_999_999_999, "9999 MB"),
            (10_000_000_000, "10 GB"),
            (u64::MAX, "18446744073 GB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn a_part_of_nothing_is_nothing() {
        assert_eq!(percent(1, 0), 0.0);
        assert_eq!(percent(1, 4), 25.0);
        assert_eq!(tenths(percent(1, 3)), 33.3);
    }
}
