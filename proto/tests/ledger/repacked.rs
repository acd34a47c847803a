//! A bundle taken apart and packed again by another program still verifies, whatever its times and compression.

use std::io::{Cursor, Read as _, Write as _};

use venia_proto::ledger::verify::Finding;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use super::support::*;

pub(crate) fn unpack(zip: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(zip)).unwrap();
    (0..archive.len())
        .map(|n| {
            let mut file = archive.by_index(n).unwrap();
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            (file.name().unwrap().into_owned(), bytes)
        })
        .collect()
}

pub(crate) fn pack(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    pack_as(files, CompressionMethod::Deflated)
}

/// The same without compression: quicker, and every byte in plain sight.
pub(crate) fn pack_stored(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    pack_as(files, CompressionMethod::Stored)
}

fn pack_as(files: &[(String, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    let time = DateTime::from_date_and_time(2027, 1, 2, 3, 4, 6).unwrap();
    let options =
        SimpleFileOptions::default().compression_method(method).last_modified_time(time).unix_permissions(0o600);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn another_packer_changes_nothing() {
    let world = World::session();
    let mut files = unpack(&world.zip());
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        intact(&world.judge_zip(&pack_as(&files, method)));
        files.reverse();
    }
}

#[test]
fn what_is_for_people_is_not_evidence() {
    let world = World::session();
    let mut files = unpack(&world.zip());
    for (name, bytes) in &mut files {
        if name == "README.txt" || name == "receipt.html" {
            *bytes = b"something else".to_vec();
        }
    }
    let verdict = world.judge_zip(&pack(&files));
    intact(&verdict);
    assert!(verdict.why.contains("receipt.html not checked"));
    files.retain(|(name, _)| name != "README.txt" && name != "receipt.html");
    assert_eq!(world.judge_zip(&pack(&files)).why, "");
    files.push(("note.txt".to_owned(), Vec::new()));
    let verdict = world.judge_zip(&pack(&files));
    assert_eq!(verdict.verdict, Finding::Broken);
    broken(&verdict, "note.txt", "not a file of a bundle");
}
