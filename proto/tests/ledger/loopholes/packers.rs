//! Bundles packed again by honest programs are read.

use super::*;

/// Packs as another program does that keeps the files' times: they are ours, and nothing else need be.
fn kept_times(files: &[(String, Vec<u8>)], method: CompressionMethod, mode: impl Fn(usize) -> u32) -> Vec<u8> {
    use std::io::Write as _;
    let time = DateTime::from_date_and_time(2013, 6, 1, 0, 0, 0).unwrap();
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (n, (name, bytes)) in files.iter().enumerate() {
        let options = SimpleFileOptions::default().compression_method(method).last_modified_time(time);
        zip.start_file(name, options.unix_permissions(mode(n))).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn packers_that_keep_times() {
    let world = World::session();
    let files = unpack(&world.zip());
    let (stored, deflated) = (CompressionMethod::Stored, CompressionMethod::Deflated);
    let honest = [
        kept_times(&files, stored, |_| 0o600),
        kept_times(&files, stored, |_| 0o644),
        kept_times(&files, deflated, |_| 0o644),
        kept_times(&files, deflated, |_| 0o600),
    ];
    assert_eq!(honest[1], world.zip(), "ours");
    for zip in &honest {
        intact(&world.judge_zip(zip));
    }
    let root = world.fingerprint().to_string();
    for said in outside::say("loopholes-packers", &root, honest.iter().map(Vec::as_slice)) {
        assert_eq!(said, "intact");
    }
    // In a zip of ours nothing may be otherwise, in whichever file.
    for odd in [0, 5, files.len() - 1] {
        let zip = kept_times(&files, stored, |n| if n == odd { 0o600 } else { 0o644 });
        let verdict = world.judge_zip(&zip);
        broken(&verdict, &place_of(&files[odd].0), "damaged");
    }
    let names: BTreeSet<&String> = files.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), files.len());
}
