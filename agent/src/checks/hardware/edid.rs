//! What a display says of itself: VESA E-EDID 1.4, the first 128 bytes.
//!
//! A display is a foreign device: every byte may be anything. Its serial numbers (bytes 12 to 15 and the text 0xFF) are
//! never read.

/// Bytes of the block.
pub(super) const BLOCK: usize = 128;
/// How it begins.
const HEADER: [u8; 8] = [0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0];
/// Where the four descriptors are, and how long each is.
const DESCRIPTORS: [usize; 4] = [54, 72, 90, 108];
const DESCRIPTOR: usize = 18;
/// Tags of texts: free text, which makers of laptop panels use for the model, and the name.
const TEXT: u8 = 0xfe;
const NAME: u8 = 0xfc;
/// Makers by their three letters, as far as people know them (UEFI Forum, PNP ID registry).
const MAKERS: [(&str, &str); 40] = [
    ("ACI", "ASUS"),
    ("ACR", "Acer"),
    ("AOC", "AOC"),
    ("APP", "Apple"),
    ("AUO", "AU Optronics"),
    ("AUS", "ASUS"),
    ("BNQ", "BenQ"),
    ("BOE", "BOE"),
    ("CMN", "Innolux"),
    ("CSO", "CSOT"),
    ("DEL", "Dell"),
    ("ENC", "Eizo"),
    ("EPI", "Envision"),
    ("FUS", "Fujitsu"),
    ("GBT", "Gigabyte"),
    ("GSM", "LG"),
    ("HEC", "Hisense"),
    ("HPN", "HP"),
    ("HSD", "HannStar"),
    ("HWP", "HP"),
    ("IVM", "Iiyama"),
    ("IVO", "InfoVision"),
    ("KDC", "Kopin"),
    ("LEN", "Lenovo"),
    ("LGD", "LG Display"),
    ("LPL", "LG Philips"),
    ("MEI", "Panasonic"),
    ("MSI", "MSI"),
    ("NEC", "NEC"),
    ("PHL", "Philips"),
    ("SAM", "Samsung"),
    ("SDC", "Samsung Display"),
    ("SEC", "Samsung"),
    ("SHP", "Sharp"),
    ("SNY", "Sony"),
    ("TCL", "TCL"),
    ("TSB", "Toshiba"),
    ("VIZ", "Vizio"),
    ("VSC", "ViewSonic"),
    ("XMI", "Xiaomi"),
];

/// A display.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Edid {
    /// Whose it is.
    pub(super) maker: String,
    /// Its name, or its number where it has none.
    pub(super) model: String,
    /// When it was made; none where it says the year of its model only or nothing.
    pub(super) year: Option<u16>,
    /// Size of the picture in millimetres.
    pub(super) millimetres: Option<(u16, u16)>,
    /// The picture it is made for: width, height, pictures a second.
    pub(super) native: Option<(u16, u16, u32)>,
}

/// Why bytes are no EDID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Damage {
    /// Nothing came.
    #[error("the display sent nothing")]
    Empty,
    /// It ends before it should.
    #[error("the display sent too little")]
    Short,
    /// It begins otherwise.
    #[error("the display's answer has no beginning")]
    Header,
    /// The sum of the bytes isn't 0.
    #[error("the display's answer has a wrong sum")]
    Sum,
}

impl Edid {
    /// Reads the first block.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Damage> {
        if bytes.is_empty() {
            return Err(Damage::Empty);
        }
        let block: &[u8; BLOCK] = bytes.first_chunk().ok_or(Damage::Short)?;
        if block[..HEADER.len()] != HEADER {
            return Err(Damage::Header);
        }
        if block.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)) != 0 {
            return Err(Damage::Sum);
        }
        let first = descriptor(block, DESCRIPTORS[0]);
        let text = |tag: u8| DESCRIPTORS.iter().find_map(|at| text(descriptor(block, *at), tag));
        let number = u16::from_le_bytes([block[10], block[11]]);
        let centimetres = Some((block[21], block[22])).filter(|(width, height)| *width > 0 && *height > 0);
        Ok(Self {
            maker: maker(u16::from_be_bytes([block[8], block[9]])),
            model: text(NAME).or_else(|| text(TEXT)).unwrap_or_else(|| format!("{number:04x}")),
            year: (block[17] > 0).then(|| 1990 + u16::from(block[17])),
            millimetres: millimetres(first)
                .or_else(|| centimetres.map(|(w, h)| (u16::from(w) * 10, u16::from(h) * 10))),
            native: native(first),
        })
    }

    /// Inches of the diagonal, as displays are sold.
    pub(super) fn inches(&self) -> Option<f64> {
        let (width, height) = self.millimetres?;
        Some(f64::from(width).hypot(f64::from(height)) / 25.4)
    }
}

fn descriptor(block: &[u8; BLOCK], at: usize) -> [u8; DESCRIPTOR] {
    let mut bytes = [0; DESCRIPTOR];
    bytes.iter_mut().zip(block.iter().skip(at)).for_each(|(to, from)| *to = *from);
    bytes
}

/// Three letters of five bits each.
fn maker(bits: u16) -> String {
    let letter = |shift: u16| u8::try_from((bits >> shift) & 0x1f).map_or('?', |n| char::from(b'@' + n));
    let letters: String = [10, 5, 0].map(letter).into_iter().filter(char::is_ascii_uppercase).collect();
    MAKERS.iter().find(|(short, _)| *short == letters).map_or(letters.clone(), |(_, name)| (*name).to_owned())
}

/// A text of at most 13 bytes that ends in a line feed.
fn text(bytes: [u8; DESCRIPTOR], tag: u8) -> Option<String> {
    if bytes[..3] != [0, 0, 0] || bytes[3] != tag {
        return None;
    }
    let text = bytes[5..].split(|byte| *byte == b'\n').next().unwrap_or_default();
    let printable = |byte: &u8| char::from(*byte);
    let text: String = text.iter().filter(|byte| (0x20..0x7f).contains(*byte)).map(printable).collect();
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// A detailed timing has a pixel clock in its first two bytes.
fn is_timing(bytes: [u8; DESCRIPTOR]) -> bool {
    bytes[0] != 0 || bytes[1] != 0
}

fn millimetres(bytes: [u8; DESCRIPTOR]) -> Option<(u16, u16)> {
    let width = u16::from(bytes[12]) | u16::from(bytes[14] >> 4) << 8;
    let height = u16::from(bytes[13]) | u16::from(bytes[14] & 0x0f) << 8;
    (is_timing(bytes) && width > 0 && height > 0).then_some((width, height))
}

fn native(bytes: [u8; DESCRIPTOR]) -> Option<(u16, u16, u32)> {
    if !is_timing(bytes) {
        return None;
    }
    let of = |low: u8, high: u8| u16::from(low) | u16::from(high) << 8;
    let (width, blank) = (of(bytes[2], bytes[4] >> 4), of(bytes[3], bytes[4] & 0x0f));
    let (height, gap) = (of(bytes[5], bytes[7] >> 4), of(bytes[6], bytes[7] & 0x0f));
    // In units of 10 kHz.
    let clock = u32::from(of(bytes[0], bytes[1])) * 10_000;
    let points = (u32::from(width) + u32::from(blank)) * (u32::from(height) + u32::from(gap));
    let rate = clock.checked_add(points / 2)?.checked_div(points)?;
    (width > 0 && height > 0).then_some((width, height, rate))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::recording::recording;
    use super::*;

    fn of(computer: &str, connector: &str) -> Vec<u8> {
        recording(computer).bytes(&format!("/sys/class/drm/{connector}/edid"), 512).unwrap()
    }

    #[test]
    fn displays_of_several_makers() {
        let dell = Edid::parse(&of("laptop-fedora", "card1-DP-1")).unwrap();
        assert_eq!((dell.maker.as_str(), dell.model.as_str(), dell.year), ("Dell", "DELL U2719D", Some(2020)));
        assert_eq!((dell.native, dell.millimetres), (Some((2560, 1440, 60)), Some((597, 336))));
        assert_eq!(dell.inches().map(f64::round), Some(27.0));
        let panel = Edid::parse(&of("laptop-fedora", "card1-eDP-1")).unwrap();
        assert_eq!((panel.maker.as_str(), panel.model.as_str()), ("AU Optronics", "B140HAN05.7"));
        assert!(!format!("{dell:?}").contains("808866636"), "a serial number");
        assert!(!format!("{dell:?}").contains("CN0H7K2"), "a serial number");
    }

    #[test]
    fn what_is_damaged_is_said() {
        let whole = of("laptop-fedora", "card1-DP-1");
        assert_eq!(Edid::parse(&[]), Err(Damage::Empty));
        assert_eq!(Edid::parse(&whole[..127]), Err(Damage::Short));
        let mut bytes = whole.clone();
        bytes[7] = 1;
        assert_eq!(Edid::parse(&bytes), Err(Damage::Header));
        let mut bytes = whole.clone();
        bytes[60] ^= 1;
        assert_eq!(Edid::parse(&bytes), Err(Damage::Sum));
        let mut long = whole.clone();
        long.extend([7; 128]);
        assert_eq!(Edid::parse(&long), Edid::parse(&whole), "extensions are not looked at");
    }

    #[test]
    fn makers_are_sorted_and_named_once() {
        assert!(MAKERS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    proptest! {
        #[test]
        fn any_bytes_with_a_right_sum_are_read(body in prop::collection::vec(any::<u8>(), 119)) {
            let mut bytes = HEADER.to_vec();
            bytes.extend(body);
            let sum = bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
            bytes.push(sum.wrapping_neg());
            let edid = Edid::parse(&bytes).unwrap();
            prop_assert!(edid.model.is_ascii() && edid.maker.is_ascii());
            prop_assert!(edid.inches().is_none_or(f64::is_finite));
        }

        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(Edid::parse(&bytes).is_err());
        }
    }
}
