//! Whose a certificate is and until when it counts: the few fields of X.509 (RFC 5280) that people need.
//!
//! Reads PEM (RFC 7468) and DER (X.690) without trusting any length in it. It is *not* a check of the certificate: nothing is
//! verified, and a name in it is only what it says of itself.

/// Most certificates of one file.
const CERTIFICATES_MAX: usize = 500;
/// Attributes of a name: common name, organisation, unit (X.520).
const NAME: [u8; 3] = [0x55, 0x04, 0x03];
const ORGANISATION: [u8; 3] = [0x55, 0x04, 0x0a];
const UNIT: [u8; 3] = [0x55, 0x04, 0x0b];

/// Tags of DER.
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERAL_TIME: u8 = 0x18;
const VERSION: u8 = 0xa0;
const BMP_STRING: u8 = 0x1e;

/// What is told of one certificate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Certificate {
    /// Its subject's name, or organisation, or unit.
    pub(super) name: String,
    /// `YYYY-MM-DD`.
    pub(super) until: String,
}

/// Every certificate of a file of PEM; broken ones are left out.
pub(super) fn certificates(text: &str) -> Vec<Certificate> {
    const BEGIN: &str = "-----BEGIN ";
    let body = |part: &str| {
        let (label, rest) = part.split_once("-----")?;
        let certificate = matches!(label, "CERTIFICATE" | "TRUSTED CERTIFICATE" | "X509 CERTIFICATE");
        certificate.then(|| rest.split_once("-----END").map(|(body, _)| decode(body)))?
    };
    text.split(BEGIN).skip(1).filter_map(body).filter_map(|der| parse(&der)).take(CERTIFICATES_MAX).collect()
}

/// Base64 (RFC 4648); what isn't of its alphabet is left out.
fn decode(text: &str) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let (mut bytes, mut bits, mut held) = (Vec::with_capacity(text.len() / 4 * 3), 0_u32, 0_u32);
    for six in text.bytes().filter_map(value) {
        held = (held << 6 | u32::from(six)) & 0xff_ffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits & 0xff).to_le_bytes()[0]);
        }
    }
    bytes
}

/// One element of DER: its tag, its content, what comes after it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        let (digits, rest) = rest.split_at_checked(count).filter(|_| (1..=4).contains(&count))?;
        (digits.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// Elements one after another.
fn elements(mut bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (tag, content, rest) = element(bytes)?;
        bytes = rest;
        Some((tag, content))
    })
}

fn parse(der: &[u8]) -> Option<Certificate> {
    let (_, certificate, _) = element(der).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (_, body, _) = element(certificate).filter(|(tag, ..)| *tag == SEQUENCE)?;
    // version (optional), serialNumber, signature, issuer, validity, subject
    let fields: Vec<&[u8]> =
        elements(body).filter(|(tag, _)| *tag != VERSION).map(|(_, content)| content).take(5).collect();
    let (validity, subject) = (fields.get(3)?, fields.get(4)?);
    let until = elements(validity).nth(1).and_then(|(tag, time)| date(tag, time))?;
    let name = [NAME, ORGANISATION, UNIT].iter().find_map(|kind| attribute(subject, kind))?;
    Some(Certificate { name, until })
}

/// The first attribute of that kind in a name.
fn attribute(name: &[u8], kind: &[u8]) -> Option<String> {
    let sets = elements(name).filter(|(tag, _)| *tag == SET).flat_map(|(_, set)| elements(set));
    let mut attributes = sets.filter(|(tag, _)| *tag == SEQUENCE).filter_map(|(_, attribute)| {
        let mut parts = elements(attribute);
        let (tag, object) = parts.next()?;
        let (text_tag, text) = parts.next()?;
        (tag == OBJECT && object == kind).then(|| string(text_tag, text))
    });
    attributes.next().filter(|text| !text.is_empty())
}

fn string(tag: u8, bytes: &[u8]) -> String {
    if tag == BMP_STRING {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    } else {
        String::from_utf8_lossy(bytes).into_owned()
    }
}

/// `YYMMDD…` until 2049, `YYYYMMDD…` after it.
fn date(tag: u8, time: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(time).ok()?;
    let (year, rest) = match tag {
        UTC_TIME => {
            let year: u32 = text.get(..2)?.parse().ok()?;
            (if year < 50 { 2_000 + year } else { 1_900 + year }, text.get(2..)?)
        }
        GENERAL_TIME => (text.get(..4)?.parse().ok()?, text.get(4..)?),
        _ => return None,
    };
    let (month, day) = (rest.get(..2)?, rest.get(2..4)?);
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    (digits(month) && digits(day)).then(|| format!("{year:04}-{month}-{day}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An element with that content.
    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![tag, 0x82];
        bytes.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
        bytes.extend(content);
        bytes
    }

    fn made(kind: [u8; 3], tag: u8, name: &[u8], until: &[u8]) -> Vec<u8> {
        let named =
            |name: &[u8]| der(SEQUENCE, &der(SET, &der(SEQUENCE, &[der(OBJECT, &kind), der(tag, name)].concat())));
        let time_tag = if until.len() == 13 { UTC_TIME } else { GENERAL_TIME };
        let body = [
            der(VERSION, &der(2, &[2])),
            der(2, &[1]),
            der(SEQUENCE, &[]),
            named(b"Issuer"),
            der(SEQUENCE, &[der(UTC_TIME, b"240101000000Z"), der(time_tag, until)].concat()),
            named(name),
        ];
        der(SEQUENCE, &der(SEQUENCE, &body.concat()))
    }

    #[test]
    fn names_and_dates_of_each_form_are_read() {
        for (der, name, until) in [
            (made(NAME, 0x0c, "Añejo CA".as_bytes(), b"341231235959Z"), "Añejo CA", "2034-12-31"),
            (made(ORGANISATION, 0x13, b"mitmproxy", b"991231235959Z"), "mitmproxy", "1999-12-31"),
            (made(NAME, BMP_STRING, &[0, b'C', 0, b'A'], b"20510102030405Z"), "CA", "2051-01-02"),
        ] {
            assert_eq!(parse(&der), Some(Certificate { name: name.into(), until: until.into() }));
        }
        assert_eq!(parse(&made([0x55, 4, 6], 0x13, b"ES", b"341231235959Z")), None);
    }

    #[test]
    fn a_real_authority_is_read_from_its_file() {
        // Made with openssl for this test; its private key was thrown away.
        let text =
            include_str!("../../../tests/fixtures/desktop-invaded/usr/local/share/ca-certificates/helper-ca.crt");
        let found = certificates(&format!("# comment\n{text}\n{text}"));
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].name, "mitmproxy");
        assert_eq!(found[0].until.len(), 10);
    }

    #[test]
    fn base64_of_each_length_is_decoded() {
        for (text, bytes) in [
            ("", &b""[..]),
            ("Zg==", b"f"),
            ("Zm8=", b"fo"),
            ("Zm9v", b"foo"),
            ("Z m\n9vYg", b"foob"),
            ("+/+/", &[0xfb, 0xff, 0xbf]),
        ] {
            assert_eq!(decode(text), bytes, "{text}");
        }
    }

    #[test]
    fn lengths_below_at_and_above_what_is_there() {
        for (length, fits) in [(1_u8, true), (2, true), (3, false)] {
            assert_eq!(element(&[SEQUENCE, length, 7, 7]).is_some(), fits);
        }
        assert_eq!(element(&[SEQUENCE, 0x85, 0, 0, 0, 0, 1, 7]), None);
        assert_eq!(element(&[SEQUENCE, 0x80]), None);
        assert_eq!(element(&[SEQUENCE, 0x84, 0xff, 0xff, 0xff, 0xff, 7]), None);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in any::<Vec<u8>>(), text in "-----BEGIN CERTIFICATE-----[A-Za-z0-9+/]*-----END|.*") {
            let _any = (parse(&bytes), certificates(&text));
        }

        #[test]
        fn a_broken_certificate_never_panics(at in 0_usize..120, byte in any::<u8>()) {
            let mut bytes = made(NAME, 0x0c, b"CA", b"341231235959Z");
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            let _any = parse(&bytes);
        }
    }
}
