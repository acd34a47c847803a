//! How lines with identifiers are built: long runs, many digits, colons. One walk over a line's bytes tells.

/// Builds of a line, found in one walk over its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// Seven digits in a row.
    Digits,
    /// Fourteen digits in groups.
    Groups,
    /// Two letters and two digits at the beginning of a word.
    Country,
    /// Three dots between digits.
    Dots,
    /// Two.
    Dots2,
    /// Several colons or dashes between hexadecimal digits.
    Colons,
    /// Four dashes between letters or digits.
    Dashes,
    /// Twenty characters without a gap, a digit among them.
    Long,
    /// The line above holds a name that may announce a secret.
    Below,
}

const DIGIT: u8 = 1;
const HEX: u8 = 2;
const LETTER: u8 = 4;
const RUN: u8 = 8;

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let c = byte as u8;
        if c.is_ascii_digit() {
            classes[byte] |= DIGIT;
        }
        if c.is_ascii_hexdigit() {
            classes[byte] |= HEX;
        }
        if c.is_ascii_alphabetic() {
            classes[byte] |= LETTER;
        }
        if c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'=' | b'_' | b'-' | b'.' | b'~') {
            classes[byte] |= RUN;
        }
        byte += 1;
    }
    classes
};

/// One walk over a line. A build seen where there is none costs a pattern that finds nothing; one overlooked would leak.
pub(super) fn builds(line: &[u8]) -> u16 {
    let class = |at: usize| line.get(at).map_or(0, |byte| CLASSES[usize::from(*byte)]);
    let mut builds = 0;
    // Lengths of what is open at this byte.
    let (mut digits, mut grouped, mut run, mut run_digits, mut dots, mut marks, mut dashes) =
        (0_u32, 0_u32, 0_u32, 0_u32, 0_u32, 0_u32, 0_u32);
    let mut before = 0;
    for (at, &byte) in line.iter().enumerate() {
        let now = CLASSES[usize::from(byte)];
        if now & DIGIT != 0 {
            digits += 1;
            grouped += 1;
            run_digits += 1;
        } else {
            digits = 0;
            // A group ends after two marks, or at anything that is no mark.
            if !(matches!(byte, b' ' | b'-' | b'.') && before & DIGIT != 0) {
                grouped = 0;
            }
        }
        if now & RUN != 0 {
            run += 1;
        } else {
            (run, run_digits) = (0, 0);
        }
        if byte == b'.' && before & DIGIT != 0 {
            dots += 1;
        } else if now & DIGIT == 0 {
            dots = 0;
        }
        if matches!(byte, b':' | b'-') {
            // Two in a row is the gap of an IPv6 address.
            marks += if byte == b':' && line.get(at + 1) == Some(&b':') { 8 } else { 1 };
        } else if now & HEX == 0 && !matches!(byte, b'.' | b'\\') {
            marks = 0;
        }
        if byte == b'-' && before & (LETTER | DIGIT) != 0 {
            dashes += 1;
        } else if now & (LETTER | DIGIT) == 0 {
            dashes = 0;
        }
        if dashes >= 4 {
            builds |= 1 << Build::Dashes as u8;
        }
        if digits >= 7 {
            builds |= 1 << Build::Digits as u8;
        }
        if grouped >= 14 {
            builds |= 1 << Build::Groups as u8;
        }
        if run >= 20 && run_digits >= 1 {
            builds |= 1 << Build::Long as u8;
        }
        if dots >= 2 {
            builds |= 1 << Build::Dots2 as u8;
        }
        if dots >= 3 {
            builds |= 1 << Build::Dots as u8;
        }
        if marks >= 4 {
            builds |= 1 << Build::Colons as u8;
        }
        let begins = before & (LETTER | DIGIT) == 0;
        if now & LETTER != 0 && begins && class(at + 1) & LETTER != 0 && class(at + 2) & class(at + 3) & DIGIT != 0 {
            builds |= 1 << Build::Country as u8;
        }
        before = now;
    }
    builds
}
