//! The code a person reads aloud: `417-lobo-cobre`, a number and two words.
//!
//! The number finds the PC, the words prove that technician and person have spoken. The whole text is the password of the
//! pairing ([`crate::pairing`]), never list places, so that both sides may hold different lists. Twenty bits are enough
//! only because a code is good for one guess (SECURITY B1): a [`Code`] is not `Clone`, is spent by move, wiped when
//! dropped, and its words never reach a log.
//!
//! Any text of valid shape is a code. Whether its words stand in a list is nobody's business but the person's: a console
//! that refused unknown words would tell a typing error before it is a guess, and a foreign list couldn't be used.

use std::fmt;
use std::num::NonZeroU32;

use serde::{Deserialize, Deserializer, Serialize};
use zeroize::Zeroizing;

use crate::ledger::body::Language;
use crate::words::{self, LETTERS_MAX, LETTERS_MIN};

/// Largest number: six digits.
pub const NUMBER_MAX: u32 = 999_999;
/// Longest text a person may type for a code, in bytes; more is refused before it is looked at.
pub const TEXT_MAX: usize = 64;

/// The number a relay gives a waiting PC: 1 to 6 digits, no leading zero. Public.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct CodeNumber(NonZeroU32);

/// A spoken code. Secret: no `Clone`, no `Display`, redacted in `Debug`, wiped when dropped.
pub struct Code {
    number: CodeNumber,
    password: Zeroizing<String>,
}

/// A text that can't be a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Not a number and two words.
    #[error("a code is a number and two words, like 417-lobo-cobre")]
    Shape,
    /// No number of 1 to 6 digits without leading zero.
    #[error("a code begins with a number of one to six digits")]
    Number,
    /// A word that isn't four to seven letters a to z.
    #[error("the words of a code have four to seven letters a to z, without accents")]
    Word,
}

impl CodeNumber {
    /// 1 to [`NUMBER_MAX`].
    pub fn new(number: u32) -> Result<Self, CodeError> {
        NonZeroU32::new(number).filter(|n| n.get() <= NUMBER_MAX).map(Self).ok_or(CodeError::Number)
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0.get()
    }
}

impl Code {
    /// Makes a code of the relay's number and 32 random bits, of which each word takes ten: 1,024 divides 65,536, so
    /// every word is equally likely.
    pub fn make(number: CodeNumber, language: Language, random: [u8; 4]) -> Self {
        let [a, b, c, d] = random;
        let word = |bytes| words::word(language, usize::from(u16::from_le_bytes(bytes)));
        Self::of(number, word([a, b]), word([c, d]))
    }

    /// Reads what a person typed: any case, spaces or dashes between, around and repeated.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        if text.len() > TEXT_MAX {
            return Err(CodeError::Shape);
        }
        let mut parts = text.split([' ', '-', '\t', '\r', '\n']).filter(|part| !part.is_empty());
        let (Some(number), Some(first), Some(second), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(CodeError::Shape);
        };
        let digits = number.bytes().all(|digit| digit.is_ascii_digit()) && !number.starts_with('0');
        let number = if digits { number.parse().ok() } else { None };
        let number = CodeNumber::new(number.ok_or(CodeError::Number)?)?;
        for word in [first, second] {
            if !(LETTERS_MIN..=LETTERS_MAX).contains(&word.len()) || !word.bytes().all(|b| b.is_ascii_alphabetic()) {
                return Err(CodeError::Word);
            }
        }
        Ok(Self::of(number, first, second))
    }

    /// The number alone, which the relay may know.
    pub fn number(&self) -> CodeNumber {
        self.number
    }

    /// The canonical text: what is shown to the person, and the password. Never log it.
    pub fn password(&self) -> &str {
        &self.password
    }

    fn of(number: CodeNumber, first: &str, second: &str) -> Self {
        // Room for the longest code, so that growing leaves no copy behind.
        let mut password = Zeroizing::new(String::with_capacity(6 + 2 + 2 * LETTERS_MAX));
        password.push_str(&number.to_string());
        for word in [first, second] {
            password.push('-');
            password.push_str(word);
        }
        password.make_ascii_lowercase();
        Self { number, password }
    }
}

impl fmt::Display for CodeNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for CodeNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for CodeNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(u32::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({}-…)", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Result<String, CodeError> {
        Code::parse(text).map(|code| code.password().to_owned())
    }

    #[test]
    fn b2_the_password_is_the_canonical_lower_case_text() {
        for text in ["417-lobo-cobre", " 417 Lobo  COBRE\n", "417-lobo cobre", "-417--lobo - cobre-"] {
            assert_eq!(password(text).as_deref(), Ok("417-lobo-cobre"), "{text}");
        }
        assert_eq!(password("1-zzzz-qqqqqqq").as_deref(), Ok("1-zzzz-qqqqqqq"), "unknown words are a guess like any");
    }

    #[test]
    fn limits_at_below_and_above() {
        for (text, expected) in [
            ("", CodeError::Shape),
            ("417", CodeError::Shape),
            ("417-lobo", CodeError::Shape),
            ("417-lobo-cobre-lobo", CodeError::Shape),
            ("417–lobo–cobre", CodeError::Shape),
            ("0-lobo-cobre", CodeError::Number),
            ("0417-lobo-cobre", CodeError::Number),
            ("1000000-lobo-cobre", CodeError::Number),
            ("99999999999-lobo-cobre", CodeError::Number),
            ("+417-lobo-cobre", CodeError::Number),
            ("lobo-417-cobre", CodeError::Number),
            ("417-sol-cobre", CodeError::Word),
            ("417-lobo-cobrecob", CodeError::Word),
            ("417-ñandu-cobre", CodeError::Word),
            ("417-l0bo-cobre", CodeError::Word),
        ] {
            assert_eq!(password(text), Err(expected), "{text}");
        }
        assert!(password("1-lobo-cobre").is_ok() && password("999999-ballena-ballena").is_ok());
        assert_eq!(password(&" ".repeat(TEXT_MAX + 1)), Err(CodeError::Shape));
        let padded = |room: usize| format!("{}1-lobo-cobre", " ".repeat(room - 12));
        assert!(password(&padded(TEXT_MAX)).is_ok());
        assert_eq!(password(&padded(TEXT_MAX + 1)), Err(CodeError::Shape));
    }

    /// Each word is made by exactly 64 of the 65,536 draws, and by those that follow its place.
    #[test]
    fn words_are_drawn_without_bias() {
        assert_eq!(65_536 % words::COUNT, 0);
        let number = CodeNumber::new(417).unwrap();
        for draw in (0..=u16::MAX).step_by(97) {
            let [a, b] = draw.to_le_bytes();
            let code = Code::make(number, Language::Es, [a, b, b, a]);
            let listed = |draw: u16| words::word(Language::Es, usize::from(draw) % words::COUNT);
            assert_eq!(code.password(), format!("417-{}-{}", listed(draw), listed(draw.swap_bytes())));
            assert_eq!(password(code.password()).as_deref(), Ok(code.password()));
        }
    }

    #[test]
    fn a_debug_log_never_shows_the_words() {
        let shown = format!("{:?}", Code::parse("417-lobo-cobre"));
        assert!(shown.contains("417") && !shown.contains("lobo") && !shown.contains("cobre"));
    }

    #[test]
    fn numbers_from_the_wire_are_checked() {
        for (json, fits) in [("0", false), ("1", true), ("999999", true), ("1000000", false), ("-1", false)] {
            assert_eq!(serde_json::from_str::<CodeNumber>(json).is_ok(), fits, "{json}");
        }
    }
}
