//! Fuzz targets of the signed texts. As ordinary tests they run over the committed corpus (`__fuzz__/*/corpus`) and some
//! random inputs; with `cargo bolero test` they run for as long as one likes.

#![expect(clippy::disallowed_methods, reason = "a corpus is files; only the product's code touches none")]

use std::path::Path;

use venia_proto::ledger::event::Event;
use venia_proto::ledger::note::Note;
use venia_proto::statement::Statement;

/// What parses is written back as the very same bytes: no second spelling.
#[test]
fn note() {
    bolero::check!(name = "note").for_each(|bytes: &[u8]| {
        if let Ok(note) = Note::parse(bytes) {
            assert_eq!(note.to_bytes(), bytes);
            assert!(note.text().ends_with('\n') && !note.signatures().is_empty());
        }
    });
}

/// What parses is an event its author may write, with one signature.
#[test]
fn event() {
    bolero::check!(name = "event").for_each(|bytes: &[u8]| {
        if let Ok(event) = Event::parse(bytes) {
            assert_eq!(event.bytes(), bytes);
            assert_eq!(event.header().check(), Ok(()));
            assert!(event.key_name().is_some());
        }
    });
}

/// What opens is signed by the root whose fingerprint it then has.
#[test]
fn statement() {
    bolero::check!(name = "statement").for_each(|bytes: &[u8]| {
        if let Ok(statement) = Statement::open_unpinned(bytes) {
            assert_eq!(Statement::open(bytes, &statement.fingerprint()), Ok(statement));
        }
    });
}

/// The corpus is there, and says what it is: `good-*` is accepted, `bad-*` refused.
#[test]
fn the_corpus_is_what_it_says() {
    type Accepts = fn(&[u8]) -> bool;
    let targets: [(&str, Accepts); 3] = [
        ("note", |bytes| Note::parse(bytes).is_ok()),
        ("event", |bytes| Event::parse(bytes).is_ok()),
        ("statement", |bytes| Statement::open_unpinned(bytes).is_ok()),
    ];
    for (target, accepts) in targets {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/__fuzz__").join(target).join("corpus");
        let (mut good, mut bad) = (0, 0);
        for file in std::fs::read_dir(corpus).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let expected = name.starts_with("good-");
            assert!(expected || name.starts_with("bad-"), "{name}");
            assert_eq!(accepts(&std::fs::read(&path).unwrap()), expected, "{target}/{name}");
            *(if expected { &mut good } else { &mut bad }) += 1;
        }
        assert!(good > 0 && bad > 0, "{target}");
    }
}
