//! Text encodings with exactly one spelling per value: base64 (RFC 4648 section 4, padded, canonical), lower-case hex,
//! and lower-case base32 without padding (RFC 4648 section 6).
//!
//! A second spelling of the same bytes would let two parties read one signature or name as two; every decoder here
//! refuses what its encoder would not have written.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Standard base64 with padding.
pub fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Decodes standard base64; `None` for any other spelling, trailing bits and white space included.
pub fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Decodes exactly `N` bytes of standard base64, at most 72, in the one spelling; nothing is allocated.
pub fn base64_exact<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; 72];
    let len = STANDARD.decode_slice(text, &mut bytes).ok()?;
    bytes.get(..len)?.try_into().ok()
}

/// Lower-case hex.
pub fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
        .map(char::from)
        .collect()
}

/// Decodes exactly `N` bytes of lower-case hex.
pub fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != N * 2 {
        return None;
    }
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(bytes)
}

/// Lower-case base32 without padding.
pub fn to_base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut bits, mut held) = (0_u16, 0_u32);
    for byte in bytes {
        bits = bits << 8 | u16::from(*byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            text.push(char::from(ALPHABET[usize::from(bits >> held & 31)]));
        }
        bits &= (1 << held) - 1;
    }
    if held > 0 {
        text.push(char::from(ALPHABET[usize::from(bits << (5 - held) & 31)]));
    }
    text
}

/// Decodes lower-case base32 without padding; the unused low bits of the last letter must be zero.
pub fn base32(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let (mut bits, mut held) = (0_u16, 0_u32);
    for letter in text.bytes() {
        let value = match letter {
            b'a'..=b'z' => letter - b'a',
            b'2'..=b'7' => letter - b'2' + 26,
            _ => return None,
        };
        bits = bits << 5 | u16::from(value);
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
        bits &= (1 << held) - 1;
    }
    // `held >= 5` would be a whole letter that carries nothing: a second spelling.
    (bits == 0 && held < 5).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648 section 10, lower-cased and unpadded.
    #[test]
    fn base32_vectors() {
        for (plain, text) in [
            ("", ""),
            ("f", "my"),
            ("fo", "mzxq"),
            ("foo", "mzxw6"),
            ("foob", "mzxw6yq"),
            ("fooba", "mzxw6ytb"),
            ("foobar", "mzxw6ytboi"),
        ] {
            assert_eq!(to_base32(plain.as_bytes()), text);
            assert_eq!(base32(text).as_deref(), Some(plain.as_bytes()), "{text}");
        }
        for text in ["m", "mz", "mzx", "MY", "my======", "m1", "my "] {
            assert_eq!(base32(text), None, "{text}");
        }
    }

    #[test]
    fn one_spelling_each() {
        assert_eq!(base64("AA=="), Some(vec![0]));
        for text in ["AA", "AB==", "AA==\n", "A A=="] {
            assert_eq!(base64(text), None, "{text}");
            assert_eq!(base64_exact::<1>(text), None, "{text}");
        }
        for len in [67, 68, 69, 73] {
            let bytes = vec![7; len];
            let read = base64_exact::<68>(&to_base64(&bytes));
            assert_eq!(read.map(|read| read.to_vec()), Some(bytes).filter(|bytes| bytes.len() == 68), "{len}");
        }
        assert_eq!(hex::<2>("00ff"), Some([0, 255]));
        for text in ["00FF", "0ff", "00ff0", "00fg"] {
            assert_eq!(hex::<2>(text), None, "{text}");
        }
        assert_eq!(to_hex(&[0, 255, 16]), "00ff10");
    }
}
