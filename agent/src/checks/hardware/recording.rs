//! Recorded computers of this area: one text file each, unpacked into a folder of its own for a test.
//!
//! The parts of a computer are thousands of files of a line in `/sys`, many of them links and with colons in their
//! names, which not every file system can hold. So a recording is a list: `PATH = TEXT`, `PATH -> LINK`, `PATH : HEX`,
//! or `PATH <<` and lines up to `>>`.

use std::ops::Deref;
use std::path::PathBuf;

use crate::checks::machine::Machine;

/// A computer in a folder that goes when this does.
pub(super) struct Recording {
    machine: Machine,
    _folder: tempfile::TempDir,
}

impl Deref for Recording {
    type Target = Machine;

    fn deref(&self) -> &Machine {
        &self.machine
    }
}

/// The computer of that name below `tests/fixtures/hardware`.
pub(super) fn recording(name: &str) -> Recording {
    let list = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/hardware")).join(name);
    unpacked(&std::fs::read_to_string(list.with_extension("txt")).unwrap())
}

/// The answer of a program, recorded below `tests/fixtures/hardware`.
pub(super) fn answer(name: &str) -> String {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/hardware"));
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// A computer from the lines of such a list.
pub(super) fn unpacked(list: &str) -> Recording {
    let folder = tempfile::tempdir().unwrap();
    let machine = Machine::at(folder.path());
    let mut lines = list.lines();
    while let Some(line) = lines.next() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (path, rest) = line.split_once(' ').unwrap_or_else(|| panic!("no path and content: {line}"));
        let place = machine.path(path);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        match rest.split_once(' ').unwrap_or((rest, "")) {
            ("=", text) => std::fs::write(place, format!("{text}\n")).unwrap(),
            ("->", target) => std::os::unix::fs::symlink(target, place).unwrap(),
            (":", hex) => std::fs::write(place, bytes(hex)).unwrap(),
            ("<<", "") => {
                let text: Vec<&str> = lines.by_ref().take_while(|line| *line != ">>").collect();
                std::fs::write(place, format!("{}\n", text.join("\n"))).unwrap();
            }
            (sign, _) => panic!("{sign} in {line}"),
        }
    }
    Recording { machine, _folder: folder }
}

/// Bytes of hexadecimal digits; spaces between them are free.
pub(super) fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
