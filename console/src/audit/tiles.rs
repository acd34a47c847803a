//! A log as files other people's tools walk: C2SP tlog-tiles.
//!
//! ```text
//! checkpoint                 the signed checkpoint
//! tile/<L>/<N>[.p/<W>]       256 hashes (or W) of level 8·L
//! tile/entries/<N>[.p/<W>]   256 entries (or W), each behind its length in two bytes, big-endian
//! ```

use std::io::{self, Write as _};
use std::path::Path;

use venia_proto::ledger::merkle::Tree;
use venia_proto::ledger::note;

use super::export::create;
use super::mirror::{Mirror, MirrorError};

/// Hashes or entries in a full tile.
const FULL: usize = 256;
/// Levels of the tree in one level of tiles.
const HEIGHT: u8 = 8;

/// Writes a log's tiles into a folder.
pub(crate) fn write(mirror: &Mirror, out: &Path) -> Result<(), MirrorError> {
    let mut tree = Tree::new();
    let mut levels: Vec<Tile> = Vec::new();
    let mut entries = Tile::default();
    let mut raw = mirror.raw(0)?;
    while let Some((_, bytes)) = raw.next()? {
        let mut complete = Vec::new();
        tree.append(note::leaf(&bytes), |level, _, hash| {
            if level % HEIGHT == 0 {
                complete.push((usize::from(level / HEIGHT), hash));
            }
        });
        for (level, hash) in complete {
            if levels.len() <= level {
                levels.resize_with(level + 1, Tile::default);
            }
            levels[level].push(&hash, &out.join(format!("tile/{level}")))?;
        }
        let length = u16::try_from(bytes.len()).map_err(|_| MirrorError::Damaged("an entry's length"))?;
        entries.push(&[&length.to_be_bytes()[..], &bytes].concat(), &out.join("tile/entries"))?;
    }
    for (level, tile) in levels.iter().enumerate() {
        tile.finish(&out.join(format!("tile/{level}")))?;
    }
    entries.finish(&out.join("tile/entries"))?;
    // Last: whoever follows the checkpoint finds everything it covers.
    place(&out.join("checkpoint"), mirror.state.checkpoint.as_bytes())?;
    Ok(())
}

/// A tile that fills.
#[derive(Default)]
struct Tile {
    number: u64,
    width: usize,
    bytes: Vec<u8>,
}

impl Tile {
    fn push(&mut self, bytes: &[u8], folder: &Path) -> io::Result<()> {
        self.bytes.extend_from_slice(bytes);
        self.width += 1;
        if self.width == FULL {
            place(&folder.join(path(self.number)), &self.bytes)?;
            *self = Self { number: self.number + 1, ..Self::default() };
        }
        Ok(())
    }

    fn finish(&self, folder: &Path) -> io::Result<()> {
        if self.width == 0 {
            return Ok(());
        }
        place(&folder.join(format!("{}.p/{}", path(self.number), self.width)), &self.bytes)
    }
}

/// `1234067` is `x001/x234/067`.
fn path(number: u64) -> String {
    let mut path = format!("{:03}", number % 1_000);
    let mut rest = number / 1_000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1_000);
        rest /= 1_000;
    }
    path
}

fn place(file: &Path, bytes: &[u8]) -> io::Result<()> {
    create(file)?.write_all(bytes)
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_written_as_c2sp_says() {
        for (number, path) in
            [(0, "000"), (255, "255"), (999, "999"), (1_000, "x001/000"), (1_234_067, "x001/x234/067")]
        {
            assert_eq!(super::path(number), path);
        }
    }
}
