//! Pressure stall information: the share of time in which work stood still for want of memory, processor or disk.
//!
//! Source: the kernel's `Documentation/accounting/psi.rst`. Kernels without it have no `/proc/pressure`.

/// One file of `/proc/pressure`, averages over the last 60 seconds, in percent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pressure {
    /// At least one program waited.
    pub(crate) some: f64,
    /// All programs that had work waited. 0 where the kernel doesn't say.
    pub(crate) full: f64,
}

impl Pressure {
    /// Reads a file; nothing if it has no `some` line with finite numbers.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(Self { some: minute(text, "some")?, full: minute(text, "full").unwrap_or(0.0) })
    }
}

fn minute(text: &str, kind: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(kind))?;
    let value: f64 = line.split_whitespace().find_map(|word| word.strip_prefix("avg60="))?.parse().ok()?;
    (0.0..=100.0).contains(&value).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minute_average_is_read() {
        let text = "some avg10=1.00 avg60=2.50 avg300=3.00 total=9\nfull avg10=0.00 avg60=0.25 avg300=0.00 total=1\n";
        assert_eq!(Pressure::parse(text), Some(Pressure { some: 2.5, full: 0.25 }));
        assert_eq!(Pressure::parse("some avg60=1.00"), Some(Pressure { some: 1.0, full: 0.0 }));
        for bad in ["", "some", "some avg60=nan", "some avg60=inf", "some avg60=-1", "full avg60=1.00"] {
            assert_eq!(Pressure::parse(bad), None, "{bad}");
        }
    }
}
