use std::io::{Cursor, Write as _};
use std::num::NonZeroU16;

use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;

fn bundle() -> Bundle {
    let technician = Strand::Technician(NonZeroU16::MIN);
    let entry = |text: &str| Entry { event: text.into(), proof: Some(format!("proof of {text}").into()) };
    Bundle {
        statement: "statement\n".into(),
        members: BTreeMap::from([(technician, "member\n".into())]),
        participants: "participants\n".into(),
        policy: "policy\n".into(),
        entries: vec![entry("zero"), entry("one"), Entry { event: "two".into(), proof: None }],
        first_checkpoint: "checkpoint\n".into(),
        consistency: Vec::new(),
        batches: BTreeMap::from([(
            technician,
            JoinBatch { note: "batch\n".into(), proof: format!("{TLOG_PROOF}\nindex 0\n").into() },
        )]),
        openings: BTreeMap::from([([1; 32], vec![0; 1024])]),
        sealed: BTreeMap::from([([2; 32], vec![7; 100])]),
        receipt: Some("<p>".into()),
        readme: Some("read me".into()),
    }
}

/// Packed by another program: its own time, compressed.
fn repacked(files: &[(&str, &[u8])], options: SimpleFileOptions) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn smallest() -> Vec<(&'static str, &'static [u8])> {
    let names = ["statement", "participants", "policy", "000000.event", "first.checkpoint", "consistency"];
    names.into_iter().map(|name| (name, b"x\n".as_slice())).collect()
}

fn with(extra: &[(&'static str, &'static [u8])]) -> Result<Bundle, BundleError> {
    let files = [smallest(), extra.to_vec()].concat();
    Bundle::from_zip(&repacked(&files, SimpleFileOptions::default()))
}

#[test]
fn round_trip_and_always_the_same_bytes() {
    let zip = bundle().to_zip().unwrap();
    assert_eq!(Bundle::from_zip(&zip), Ok(bundle()));
    assert_eq!(Bundle::from_zip(&zip).unwrap().to_zip().unwrap(), zip);
}

#[test]
fn every_changed_byte_of_our_zip_is_refused_or_changes_a_file() {
    let good = bundle().to_zip().unwrap();
    assert_eq!(Bundle::from_zip(&good), Ok(bundle()));
    for at in 0..good.len() {
        for flip in [0x01, 0x20, 0x80, 0xff] {
            let mut bad = good.clone();
            bad[at] ^= flip;
            assert_ne!(Bundle::from_zip(&bad), Ok(bundle()), "byte {at} ^ {flip:#x}");
        }
    }
}

#[test]
fn every_cut_and_every_added_byte_is_refused() {
    let good = bundle().to_zip().unwrap();
    for at in 0..good.len() {
        assert!(Bundle::from_zip(&good[..at]).is_err(), "cut at {at}");
        let mut longer = good.clone();
        longer.insert(at, 0);
        assert_ne!(Bundle::from_zip(&longer), Ok(bundle()), "added at {at}");
    }
    assert!(Bundle::from_zip(&[good.as_slice(), b"x"].concat()).is_err());
    assert!(Bundle::from_zip(&[b"x", good.as_slice()].concat()).is_err());
    assert!(Bundle::from_zip(&[good.as_slice(), &good].concat()).is_err(), "two archives in one file");
}

#[test]
fn a_comment_is_refused() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in smallest() {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.set_comment("hello").unwrap();
    assert!(Bundle::from_zip(&zip.finish().unwrap().into_inner()).is_err());
}

#[test]
fn another_packer_is_read() {
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let options = SimpleFileOptions::default().compression_method(method).unix_permissions(0o600);
        let parsed = Bundle::from_zip(&repacked(&smallest(), options)).unwrap();
        assert_eq!(parsed.entries.len(), 1);
        assert_eq!(parsed.statement, b"x\n");
    }
}

#[test]
fn names_are_a_closed_list_of_plain_files() {
    assert!(with(&[("README.txt", b""), ("receipt.html", b"")]).is_ok());
    for name in [
        "x",
        "/statement",
        "../statement",
        "members/../policy",
        "members\\technician-1",
        "C:statement",
        "./policy",
        "STATEMENT",
        "members/agent",
        "members/technician-01",
        "members/",
        "parts/",
        "parts/00",
        "000001.event.exe",
        "1.event",
        "0000001.event",
        "+00001.event",
        "session-1/statement",
        "join.batch.agent",
        "join.batch.technician-1.tlog-proof",
        "sealed/00.age",
        "policy ",
        "p\u{f6}licy",
        "a\0b",
    ] {
        assert!(matches!(with(&[(name, b"")]), Err(BundleError::Name(_))), "{name:?}");
    }
    let upper = format!("parts/{}", "AB".repeat(32));
    let files = [smallest(), vec![(upper.as_str(), b"".as_slice())]].concat();
    assert!(matches!(Bundle::from_zip(&repacked(&files, SimpleFileOptions::default())), Err(BundleError::Name(_))));
}

#[test]
fn links_and_directories_are_refused() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_symlink("statement", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let linked = zip.finish().unwrap().into_inner();
    assert_eq!(Bundle::from_zip(&linked), Err(BundleError::NotAFile("statement".to_owned())));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_directory("members", SimpleFileOptions::default()).unwrap();
    assert!(Bundle::from_zip(&zip.finish().unwrap().into_inner()).is_err());
}

#[test]
fn encrypted_files_are_refused() {
    let mut zip = repacked(&smallest(), SimpleFileOptions::default());
    let directory = zip.windows(4).position(|w| w == [0x50, 0x4b, 1, 2]).unwrap();
    zip[6] |= 1;
    zip[directory + 8] |= 1;
    assert_eq!(Bundle::from_zip(&zip), Err(BundleError::Encrypted("statement".to_owned())));
}

/// Two files of one name, which the writer refuses to make: rename one in both its headers.
#[test]
fn duplicate_names_are_refused() {
    let mut files = smallest();
    files.push(("statemenu", b"y\n"));
    let mut zip = repacked(&files, SimpleFileOptions::default());
    let places: Vec<usize> = zip.windows(9).enumerate().filter(|(_, w)| *w == b"statemenu").map(|(at, _)| at).collect();
    assert_eq!(places.len(), 2);
    for at in places {
        zip[at + 8] = b't';
    }
    assert_eq!(Bundle::from_zip(&zip), Err(BundleError::Duplicate("statement".to_owned())));
}

/// Two directory entries that share one file's bytes, and headers that disagree.
#[test]
fn overlapping_and_contradicting_headers_are_refused() {
    let good = repacked(&smallest(), SimpleFileOptions::default());
    let directories: Vec<usize> =
        good.windows(4).enumerate().filter(|(_, w)| *w == [0x50, 0x4b, 1, 2]).map(|(at, _)| at).collect();
    let mut overlapping = good.clone();
    overlapping.copy_within(directories[0] + 42..directories[0] + 46, directories[1] + 42);
    assert!(Bundle::from_zip(&overlapping).is_err());
    for field in [6, 8, 10, 12, 14, 16, 20, 24, 28] {
        let mut contradicting = good.clone();
        contradicting[directories[0] + field] ^= 1;
        assert!(Bundle::from_zip(&contradicting).is_err(), "directory field at {field}");
    }
}

#[test]
fn a_hole_between_events_is_named() {
    let missing = |name: &str| Err(BundleError::Missing(name.to_owned()));
    assert_eq!(with(&[("000002.event", b"")]), missing("000001.event"));
    assert_eq!(with(&[("000001.tlog-proof", b"")]), missing("000001.event"));
    for n in 0..smallest().len() {
        let mut files = smallest();
        let (name, _) = files.remove(n);
        assert_eq!(Bundle::from_zip(&repacked(&files, SimpleFileOptions::default())), missing(name));
    }
}

#[test]
fn limits_at_below_and_above() {
    let deflated = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let zeros = vec![0; FILE_MAX + 1];
    let sized = |len: usize| {
        let files = [smallest(), vec![("receipt.html", &zeros[..len])]].concat();
        Bundle::from_zip(&repacked(&files, deflated))
    };
    // The ratio: one large file of zeros in a small archive.
    assert_eq!(sized(FILE_MAX), Err(BundleError::TooLarge("ratio of unpacked to packed")));
    assert_eq!(sized(FILE_MAX + 1), Err(BundleError::TooLarge("a single file")));
    let packed = repacked(&[smallest(), vec![("receipt.html", &zeros[..50_000])]].concat(), deflated).len();
    assert!(50_000 / RATIO_MAX < packed && sized(50_000).is_ok());
    // The single file, without the ratio in the way.
    let noise: Vec<u8> = (0..FILE_MAX as u32 + 1).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for (len, fits) in [(FILE_MAX - 1, true), (FILE_MAX, true), (FILE_MAX + 1, false)] {
        let files = [smallest(), vec![("receipt.html", &noise[..len])]].concat();
        let read = Bundle::from_zip(&repacked(&files, SimpleFileOptions::default()));
        assert_eq!(read.is_ok(), fits, "{len}");
    }
    let too_large = Bundle { readme: Some(noise), ..bundle() };
    assert_eq!(too_large.to_zip(), Err(BundleError::CannotWrite));
}

#[test]
fn a_file_that_unpacks_to_more_than_it_says_is_refused() {
    let deflated = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let mut zip = repacked(&[("statement", &[b'x'; 2_000])], deflated);
    let directory = zip.windows(4).position(|w| w == [0x50, 0x4b, 1, 2]).unwrap();
    for at in [22, directory + 24] {
        assert_eq!(zip[at..at + 4], 2_000_u32.to_le_bytes());
        zip[at..at + 4].copy_from_slice(&100_u32.to_le_bytes());
    }
    assert_eq!(Bundle::from_zip(&zip), Err(BundleError::Damaged("statement".to_owned())));
}

#[test]
fn consistency_has_one_spelling() {
    let proof = vec![[1; 32], [2; 32]];
    let text = consistency(&proof);
    assert_eq!(read_consistency(text.as_bytes()), Some(proof));
    assert_eq!(read_consistency(b""), Some(Vec::new()));
    for bad in ["\n", &text[..text.len() - 1], &format!("{text}\n"), &format!("\n{text}"), &text.replace('\n', "\r\n")]
    {
        assert_eq!(read_consistency(bad.as_bytes()), None, "{bad:?}");
    }
    let long = consistency(&vec![[0; 32]; PROOF_MAX]);
    assert!(read_consistency(long.as_bytes()).is_some());
    assert_eq!(read_consistency((long + &consistency(&[[0; 32]])).as_bytes()), None);
}

proptest! {
    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Bundle::from_zip(&bytes).is_err());
    }

    #[test]
    fn damaged_bundles_never_panic(changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..6), cut: usize) {
        let mut zip = bundle().to_zip().unwrap();
        for (at, byte) in changes {
            let at = at % zip.len();
            zip[at] = byte;
        }
        let _ = Bundle::from_zip(&zip);
        zip.truncate(cut % zip.len());
        let _ = Bundle::from_zip(&zip);
    }
}
