//! The zip file around a bundle: written in one way, read with limits and without trust.
//!
//! A zip says most things twice (in front of each file and in a directory at the end) and readers differ in which one
//! they believe; bytes may hide between files, before the first, in comments. So [`read`] first walks the whole file
//! itself: every byte belongs to exactly one header or file, both headers of a file agree, and nothing is left over.
//! Only then is it unpacked, from where the walk found it.
//!
//! [`write()`] doesn't compress: the same bundle gives the same bytes whatever compressor is installed in twenty years,
//! and every byte of a record stands once, in plain sight. Compressed data can often be altered without changing what
//! comes out; stored data can't. Where one file has every header field as we write it, all must: so a changed byte anywhere
//! in a zip of ours is found. One that another packer made (no file as ours, though the time may have stayed) is read as
//! well; there the packer's name, the times, the permission bits, known extra fields and the spelling of compressed data
//! can't matter and aren't checked.

use std::collections::BTreeSet;
use std::io::{Cursor, Write as _};
use std::ops::Range;

use flate2::{Crc, Decompress, FlushDecompress, Status};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::BundleError;

/// Longest zip file, in bytes: the relay keeps at most 256 MiB of a session. (SECURITY E6)
pub const ZIP_MAX: usize = 320 << 20;
/// Most files: 10,000 events (SECURITY E6) with proof, part and sealed part, and the few around them.
pub const FILES_MAX: usize = 40_100;
/// Longest single file, unpacked: a sealed megabyte and room for the page.
pub const FILE_MAX: usize = 16 << 20;
/// Most bytes unpacked.
pub const TOTAL_MAX: usize = 512 << 20;
/// Most bytes unpacked for each byte of the zip file. Padded openings of text shrink a lot; a bomb more.
pub const RATIO_MAX: usize = 200;

/// 2013-06-01 00:00:00, the month of RFC 6962: a time no packer puts by itself.
const OUR_TIME: (u16, u16) = (0, (2013 - 1980) << 9 | 6 << 5 | 1);
/// What [`write()`] puts in the fields that stand only once: made by, internal and external attributes.
const OUR_MARKS: (u16, u16, u32) = (0x030a, 0, 0o100_644 << 16);
/// Extra fields that hold times and owners, and Java's empty mark.
const KNOWN_EXTRAS: [u16; 6] = [0x5455, 0x5855, 0x7855, 0x7875, 0x000a, 0xcafe];

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;
const END_LEN: usize = 22;
const ENCRYPTED: u16 = 1;
const HAS_DESCRIPTOR: u16 = 1 << 3;
/// Compression level hints, a descriptor, UTF-8 names.
const KNOWN_FLAGS: u16 = 0b110 | HAS_DESCRIPTOR | 1 << 11;

/// One file of the archive, unpacked.
pub(super) struct File {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

/// Packs files in the order given. Always the same bytes for the same files.
pub(super) fn write<'a>(files: impl Iterator<Item = (String, &'a [u8])>) -> Result<Vec<u8>, BundleError> {
    let failed = |_| BundleError::CannotWrite;
    let time = DateTime::from_date_and_time(2013, 6, 1, 0, 0, 0).map_err(|_| BundleError::CannotWrite)?;
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(time)
        .unix_permissions(0o644);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(name, options).map_err(failed)?;
        zip.write_all(bytes).map_err(|_| BundleError::CannotWrite)?;
    }
    zip.finish().map(Cursor::into_inner).map_err(failed)
}

/// Unpacks. Names are checked for shape only; what they mean is the bundle's business.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<File>, BundleError> {
    let mut files = Vec::new();
    for entry in walk(bytes)? {
        match unpack(&entry, bytes) {
            Some(bytes) => files.push(File { name: entry.name, bytes }),
            None => return Err(BundleError::Damaged(entry.name)),
        }
    }
    Ok(files)
}

/// Where a file is, once both its headers agree.
struct Entry {
    name: String,
    data: Range<usize>,
    stored: bool,
    unpacked: usize,
    crc: u32,
    /// Every header field is as [`write()`] makes it.
    ours: bool,
}

/// Exactly the bytes both headers promise, and nothing behind the compressed ones, where something could hide.
fn unpack(entry: &Entry, zip: &[u8]) -> Option<Vec<u8>> {
    let packed = zip.get(entry.data.clone())?;
    let bytes = if entry.stored {
        packed.to_vec()
    } else {
        // Room for one byte more than promised shows a file that unpacks to more.
        let mut bytes = Vec::with_capacity(entry.unpacked + 1);
        let mut inflate = Decompress::new(false);
        let status = inflate.decompress_vec(packed, &mut bytes, FlushDecompress::Finish).ok()?;
        let whole = status == Status::StreamEnd && inflate.total_in() == packed.len() as u64;
        whole.then_some(bytes)?
    };
    let mut crc = Crc::new();
    crc.update(&bytes);
    (bytes.len() == entry.unpacked && crc.sum() == entry.crc).then_some(bytes)
}

/// Accounts for every byte of the file.
fn walk(zip: &[u8]) -> Result<Vec<Entry>, BundleError> {
    if zip.len() > ZIP_MAX {
        return Err(BundleError::TooLarge("zip file"));
    }
    let end = zip.len().checked_sub(END_LEN).ok_or(BundleError::NotAZip)?;
    let mut tail = Fields { bytes: zip, at: end };
    if tail.u32()? != END {
        return Err(BundleError::NotAZip);
    }
    // One disk, and no comment.
    let (disk, directory_disk, here, count) = (tail.u16()?, tail.u16()?, tail.u16()?, tail.u16()?);
    let (length, start, comment) = (tail.len()?, tail.len()?, tail.u16()?);
    if (disk, directory_disk, comment) != (0, 0, 0) || here != count || start.checked_add(length) != Some(end) {
        return Err(BundleError::Layout);
    }
    if usize::from(count) > FILES_MAX {
        return Err(BundleError::TooLarge("number of files"));
    }
    let (mut entries, mut names) = (Vec::new(), BTreeSet::new());
    let mut directory = Fields { bytes: &zip[..end], at: start };
    let (mut next, mut total) = (0, 0_usize);
    let (mut some_ours, mut other) = (false, None);
    for _ in 0..count {
        let (entry, after) = entry(&mut directory, &zip[..start], next)?;
        next = after;
        total = total.saturating_add(entry.unpacked);
        if total > TOTAL_MAX {
            return Err(BundleError::TooLarge("unpacked size"));
        }
        if total / RATIO_MAX > zip.len() {
            return Err(BundleError::TooLarge("ratio of unpacked to packed"));
        }
        if !names.insert(entry.name.clone()) {
            return Err(BundleError::Duplicate(entry.name));
        }
        some_ours |= entry.ours;
        if !entry.ours && other.is_none() {
            other = Some(entry.name.clone());
        }
        entries.push(entry);
    }
    if let Some(other) = other.filter(|_| some_ours) {
        return Err(BundleError::Damaged(other));
    }
    if next == start && directory.at == end { Ok(entries) } else { Err(BundleError::Layout) }
}

/// Reads one directory entry and the header and data it points to, which must begin at `next`.
fn entry(directory: &mut Fields<'_>, files: &[u8], next: usize) -> Result<(Entry, usize), BundleError> {
    if directory.u32()? != CENTRAL {
        return Err(BundleError::Layout);
    }
    let made_by = directory.u16()?;
    let shared = Shared::read(directory)?;
    let sizes = Sizes::read(directory)?;
    let (name_len, extra_len, comment_len) = (directory.u16()?, directory.u16()?, directory.u16()?);
    let (disk, internal, external, start) = (directory.u16()?, directory.u16()?, directory.u32()?, directory.len()?);
    let name = name(directory.take(name_len.into())?)?;
    let extra = directory.take(extra_len.into())?;
    let damaged = || BundleError::Damaged(name.clone());
    if shared.flags & ENCRYPTED != 0 {
        return Err(BundleError::Encrypted(name));
    }
    let kind = external >> 28;
    if external & 0x10 != 0 || !matches!(kind, 0 | 0o10) {
        return Err(BundleError::NotAFile(name));
    }
    let stored = shared.method == 0;
    let sound = comment_len == 0
        && disk == 0
        && internal <= 1
        && start == next
        && shared.flags & !KNOWN_FLAGS == 0
        && (stored && sizes.packed == sizes.unpacked || shared.method == 8);
    if !sound || !known_extras(extra) {
        return Err(damaged());
    }
    if sizes.unpacked as usize > FILE_MAX {
        return Err(BundleError::TooLarge("a single file"));
    }

    let mut local = Fields { bytes: files, at: start };
    if local.u32()? != LOCAL || Shared::read(&mut local)? != shared {
        return Err(damaged());
    }
    let local_sizes = Sizes::read(&mut local)?;
    let (local_name_len, local_extra_len) = (local.u16()?, local.u16()?);
    let local_name = local.take(local_name_len.into())?;
    let local_extra = local.take(local_extra_len.into())?;
    let later = shared.flags & HAS_DESCRIPTOR != 0;
    let sized = local_sizes == sizes || later && local_sizes == Sizes { crc: 0, packed: 0, unpacked: 0 };
    if !sized || local_name != name.as_bytes() || !known_extras(local_extra) {
        return Err(damaged());
    }
    let begins = local.at;
    local.take(sizes.packed as usize)?;
    let data = begins..local.at;
    if later {
        // Its signature is optional, and a checksum may look like one.
        let marked = Fields { bytes: files, at: local.at }.u32()? == DESCRIPTOR;
        let again = Fields { bytes: files, at: local.at + if marked { 4 } else { 0 } };
        local = again;
        if Sizes::read(&mut local)? != sizes {
            return Err(damaged());
        }
    }
    // What stands twice was compared already.
    let ours = (made_by, internal, external) == OUR_MARKS
        && (shared.time, shared.date) == OUR_TIME
        && (stored && extra.is_empty() && local_extra.is_empty());
    let Sizes { crc, unpacked, .. } = sizes;
    Ok((Entry { name, data, stored, unpacked: unpacked as usize, crc, ours }, local.at))
}

/// The fields both headers of a file begin with.
#[derive(PartialEq, Eq)]
struct Shared {
    needed: u16,
    flags: u16,
    method: u16,
    time: u16,
    date: u16,
}

impl Shared {
    fn read(from: &mut Fields<'_>) -> Result<Self, BundleError> {
        let (needed, flags, method) = (from.u16()?, from.u16()?, from.u16()?);
        Ok(Self { needed, flags, method, time: from.u16()?, date: from.u16()? })
    }
}

#[derive(PartialEq, Eq)]
struct Sizes {
    crc: u32,
    packed: u32,
    unpacked: u32,
}

impl Sizes {
    fn read(from: &mut Fields<'_>) -> Result<Self, BundleError> {
        Ok(Self { crc: from.u32()?, packed: from.u32()?, unpacked: from.u32()? })
    }
}

/// A relative path of plain ASCII, without anything a file system could read as more.
fn name(bytes: &[u8]) -> Result<String, BundleError> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'/');
    let parts_fit = text.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    if bytes.iter().all(|&b| plain(b)) && parts_fit { Ok(text) } else { Err(BundleError::Name(text)) }
}

fn known_extras(mut extra: &[u8]) -> bool {
    while let Some(([a, b, c, d], rest)) = extra.split_first_chunk() {
        let (id, length) = (u16::from_le_bytes([*a, *b]), u16::from_le_bytes([*c, *d]));
        match rest.get(usize::from(length)..) {
            Some(rest) if KNOWN_EXTRAS.contains(&id) => extra = rest,
            Some(_) | None => return false,
        }
    }
    extra.is_empty()
}

/// Little-endian fields, one after the other.
struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], BundleError> {
        let end = self.at.checked_add(length).ok_or(BundleError::Layout)?;
        let taken = self.bytes.get(self.at..end).ok_or(BundleError::Layout)?;
        self.at = end;
        Ok(taken)
    }

    fn u16(&mut self) -> Result<u16, BundleError> {
        let bytes = self.take(2)?;
        Ok(u16::from_le_bytes([bytes[0], bytes[1]]))
    }

    fn u32(&mut self) -> Result<u32, BundleError> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn len(&mut self) -> Result<usize, BundleError> {
        usize::try_from(self.u32()?).map_err(|_| BundleError::Layout)
    }
}
