//! The firmware's table of parts, as far as memory goes: DMTF DSP0134 (SMBIOS) 3.7, structure type 17.
//!
//! A structure is its type, its length, a handle, fields, and then texts that end in zeros; fields name texts by number.
//! Every length is the table's own and may lie: nothing is read beyond what is there.

use super::memory_modules::Slot;

/// Type of a memory device.
const MEMORY_DEVICE: u8 = 17;
/// Type of the end.
const END: u8 = 127;
/// Shortest structure: type, length, handle.
const HEADER: usize = 4;

/// The memory slots.
pub(super) fn memory(table: &[u8]) -> Vec<Slot> {
    let mut slots = Vec::new();
    let mut rest = table;
    while let Some((structure, after)) = next(rest) {
        match structure.kind() {
            MEMORY_DEVICE => slots.push(structure.slot()),
            END => break,
            _ => (),
        }
        rest = after;
    }
    slots
}

struct Structure<'a> {
    fields: &'a [u8],
    texts: &'a [u8],
}

/// The first structure and what follows it.
fn next(table: &[u8]) -> Option<(Structure<'_>, &[u8])> {
    let length = usize::from(*table.get(1)?);
    if length < HEADER {
        return None;
    }
    let (fields, rest) = table.split_at_checked(length)?;
    let end = rest.windows(2).position(|pair| pair == [0, 0])?;
    let (texts, after) = rest.split_at_checked(end)?;
    Some((Structure { fields, texts }, after.get(2..)?))
}

impl Structure<'_> {
    fn kind(&self) -> u8 {
        self.byte(0)
    }

    /// 0 where an older firmware's structure ends before.
    fn byte(&self, at: usize) -> u8 {
        self.fields.get(at).copied().unwrap_or(0)
    }

    fn word(&self, at: usize) -> u64 {
        u64::from(u16::from_le_bytes([self.byte(at), self.byte(at + 1)]))
    }

    /// The text whose number is there; 0 is none.
    fn text(&self, at: usize) -> String {
        let Some(number) = usize::from(self.byte(at)).checked_sub(1) else { return String::new() };
        let text = self.texts.split(|byte| *byte == 0).nth(number).unwrap_or_default();
        String::from_utf8_lossy(text).trim().to_owned()
    }

    fn slot(&self) -> Slot {
        let unknown = |speed: u64| if speed == 0xffff { 0 } else { speed };
        Slot {
            place: self.text(0x10),
            bytes: self.size(),
            kind: memory_kind(self.byte(0x12)).to_owned(),
            form: form(self.byte(0x0e)).to_owned(),
            rated: unknown(self.word(0x15)),
            speed: unknown(self.word(0x20)),
            maker: self.text(0x17),
            part: self.text(0x1a),
        }
    }

    /// 7.18.4 and 7.18.5: in MiB, or KiB with the highest bit set; above 32 GiB in a field of its own.
    fn size(&self) -> u64 {
        match self.word(0x0c) {
            0xffff => 0,
            0x7fff => ((self.word(0x1c) | self.word(0x1e) << 16) & 0x7fff_ffff) << 20,
            size if size & 0x8000 != 0 => (size & 0x7fff) << 10,
            size => size << 20,
        }
    }
}

/// 7.18.2.
fn memory_kind(number: u8) -> &'static str {
    match number {
        0x0f => "SDRAM",
        0x12 => "DDR",
        0x13 | 0x14 => "DDR2",
        0x18 => "DDR3",
        0x1a => "DDR4",
        0x1b..=0x1d => "LPDDR3",
        0x1e => "LPDDR4",
        0x20 => "HBM",
        0x22 => "DDR5",
        0x23 => "LPDDR5",
        _ => "",
    }
}

/// 7.18.1.
fn form(number: u8) -> &'static str {
    match number {
        0x05 => "Chip",
        0x09 => "DIMM",
        0x0b => "Row of chips",
        0x0d => "SODIMM",
        0x0f => "FB-DIMM",
        0x10 => "Die",
        0x11 => "CAMM",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn device(size: u16, extended: u32) -> Vec<u8> {
        let mut bytes = vec![0_u8; 0x22];
        bytes[0] = MEMORY_DEVICE;
        bytes[1] = 0x22;
        bytes[0x0c..0x0e].copy_from_slice(&size.to_le_bytes());
        bytes[0x10] = 1;
        bytes[0x1c..0x20].copy_from_slice(&extended.to_le_bytes());
        bytes.extend(b"DIMM_A1\0\0");
        bytes
    }

    #[test]
    fn sizes_in_each_of_their_units() {
        for (size, extended, bytes) in [
            (0, 0, 0),
            (0xffff, 0, 0),
            (0x8400, 0, 1 << 20),
            (8192, 0, 8 << 30),
            (0x7ffe, 0, 0x7ffe << 20),
            (0x7fff, 65_536, 64 << 30),
        ] {
            let slots = memory(&device(size, extended));
            assert_eq!((slots[0].bytes, slots[0].place.as_str()), (bytes, "DIMM_A1"));
        }
    }

    #[test]
    fn a_table_that_lies_about_its_lengths_ends() {
        let whole = device(8192, 0);
        for cut in 0..whole.len() {
            assert!(memory(&whole[..cut]).is_empty());
        }
        let mut short = whole.clone();
        short[1] = 3;
        assert!(memory(&short).is_empty());
        let mut two = whole.clone();
        two.extend(&[END, 4, 0, 0, 0, 0]);
        two.extend(&whole);
        assert_eq!(memory(&two).len(), 1, "nothing comes after the end");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
            prop_assert!(memory(&bytes).len() <= 512);
        }
    }
}
