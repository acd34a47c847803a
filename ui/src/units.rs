//! Numbers with units as people read them: bytes, durations, percentages, in the reader's decimal style.

use venia_proto::foreign::Foreign;
use venia_proto::ledger::body::Language;
use venia_proto::report::Value;

use crate::words::Words;

/// A value with its unit (`bytes`, `s`, `%`, `°C`, or empty): safe to show.
pub fn value(value: &Value, unit: &str, words: &Words) -> String {
    let number = match value {
        Value::Flag(true) => return words.say("value-yes", &[]),
        Value::Flag(false) => return words.say("value-no", &[]),
        Value::Text(text) => return with_unit(Foreign::new(text.as_str()).visible(), unit),
        #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
        Value::Integer(number) => *number as f64,
        Value::Decimal(number) => number.get(),
    };
    match unit {
        "bytes" => bytes(number, words.language()),
        "s" => duration(number, words.language()),
        _ => {
            let digits = match value {
                Value::Integer(whole) => whole.to_string(),
                Value::Decimal(number) => decimal(number.get(), 1, words.language()),
                Value::Flag(_) | Value::Text(_) => String::new(),
            };
            with_unit(digits, unit)
        }
    }
}

/// `15.5 GiB`: powers of 1,024, one decimal below a hundred.
pub fn bytes(bytes: f64, language: Language) -> String {
    let mut scaled = bytes;
    for unit in ["B", "KiB", "MiB", "GiB", "TiB"] {
        // Compared after rounding, so that 1,023.96 KiB reads 1.0 MiB and not 1024 KiB.
        if scaled.abs() < 1023.5 {
            let places = usize::from(unit != "B" && scaled.abs() < 99.95);
            return format!("{} {unit}", decimal(scaled, places, language));
        }
        scaled /= 1024.0;
    }
    format!("{} PiB", decimal(scaled, 1, language))
}

/// `2 d 3 h`, `5 min 20 s`, `0.3 s`: the two largest units.
pub fn duration(seconds: f64, language: Language) -> String {
    if seconds.abs() < 10.0 {
        return format!("{} s", decimal(seconds, 1, language));
    }
    let sign = if seconds < 0.0 { "-" } else { "" };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded, not negative; saturates")]
    let whole = seconds.abs().round() as u64;
    let parts = [(whole / 86_400, "d"), (whole / 3_600 % 24, "h"), (whole / 60 % 60, "min"), (whole % 60, "s")];
    let first = parts.iter().position(|(count, _)| *count > 0).unwrap_or(3);
    let shown: Vec<_> = parts
        .iter()
        .skip(first)
        .take(2)
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    format!("{sign}{}", shown.join(" "))
}

fn decimal(number: f64, places: usize, language: Language) -> String {
    let digits = format!("{number:.places$}");
    match language {
        Language::En => digits,
        Language::Es => digits.replace('.', ","),
    }
}

fn with_unit(text: String, unit: &str) -> String {
    if unit.is_empty() { text } else { format!("{text} {}", Foreign::new(unit).visible()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_change_unit_at_the_rounded_limit() {
        let en = |n: f64| bytes(n, Language::En);
        assert_eq!(en(0.0), "0 B");
        assert_eq!(en(1023.0), "1023 B");
        assert_eq!(en(1024.0), "1.0 KiB");
        assert_eq!(en(1024.0 * 1023.4), "1023 KiB");
        assert_eq!(en(1024.0 * 1023.6), "1.0 MiB");
        assert_eq!(en(16_642_998_272.0), "15.5 GiB");
        assert_eq!(bytes(16_642_998_272.0, Language::Es), "15,5 GiB");
        assert_eq!(en(f64::from(u32::MAX) * 4_294_967_296.0), "16384.0 PiB");
    }

    #[test]
    fn durations_show_the_two_largest_units() {
        let en = |n: f64| duration(n, Language::En);
        assert_eq!(en(0.26), "0.3 s");
        assert_eq!(duration(0.26, Language::Es), "0,3 s");
        assert_eq!(en(10.0), "10 s");
        assert_eq!(en(59.6), "1 min");
        assert_eq!(en(320.0), "5 min 20 s");
        assert_eq!(en(86_400.0 * 2.0 + 3_600.0 * 3.0 + 59.0), "2 d 3 h");
        assert_eq!(en(86_400.0 + 59.0), "1 d");
        assert_eq!(en(-90.0), "-1 min 30 s");
    }

    #[test]
    fn d4_texts_and_units_are_made_visible() {
        let words = Words::new(Language::En);
        assert_eq!(value(&"a\u{1b}[2J".into(), "x\n", &words), "a⟨001B⟩[2J x⟨000A⟩");
        assert_eq!(value(&true.into(), "", &words), "yes");
        assert_eq!(value(&87i64.into(), "%", &words), "87 %");
        assert_eq!(value(&41.25.into(), "°C", &Words::new(Language::Es)), "41,2 °C");
    }
}
