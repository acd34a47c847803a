//! How fast a text is redacted beside the least that finding its patterns costs: one pass of `regex::RegexSet` with the same
//! patterns over the same lines. At least half as fast, replacing and judging included.
//!
//! The text is the redactor's corpus as journals are: mostly lines without a secret, this PC's name in many.
#![expect(clippy::expect_used, reason = "a bench that can't go on says so")]

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use regex::RegexSetBuilder;
use venia_agent::redact::known::Known;
use venia_agent::redact::{Counts, Redactor, shapes};
use venia_tests::measure::{Bench, Relation, Settings};

/// How much text, in bytes; less in a short run.
const TEXT: usize = 4 * 1024 * 1024;
/// See [`TEXT`].
const TEXT_SHORT: usize = 64 * 1024;
/// Lines of look-alikes for each line that holds something.
const HARMLESS: usize = 8;
/// Room for the floor's automaton, so that it isn't made over and over: it is measured at its best.
const ROOM: usize = 256 * 1024 * 1024;

fn main() {
    let bench =
        Bench { name: "redaction", limit: 0.5, at_least: true, unit: "MB a second of text", relation: Relation::Over };
    let settings = Settings::read();
    let text = text(if settings.is_short() { TEXT_SHORT } else { TEXT });
    let known = std::fs::read_to_string(corpus().join("known.json")).expect("the corpus");
    let known = Known::from_json(&known).expect("known values");
    let mut redactor = Redactor::new(&known, &[7; 32]).expect("a redactor");
    let set = RegexSetBuilder::new(shapes::patterns()).size_limit(ROOM).dfa_size_limit(ROOM).build().expect("patterns");
    let speed = |work: &mut dyn FnMut()| {
        let started = Instant::now();
        work();
        text.len() as f64 / 1e6 / started.elapsed().as_secs_f64()
    };
    // Both warm: patterns are compiled and automata grown when they are first needed.
    let warm = &text[..text.len().min(TEXT_SHORT)];
    let warm = &warm[..warm.rfind('\n').unwrap_or(0)];
    black_box(redactor.text(warm, &mut Counts::default()));
    warm.lines().for_each(|line| drop(black_box(set.matches(line))));
    settings.compare(&bench, |_| {
        let ours = speed(&mut || drop(black_box(redactor.text(&text, &mut Counts::default()))));
        let floor = speed(&mut || text.lines().for_each(|line| drop(black_box(set.matches(line)))));
        (ours, floor)
    });
}

fn corpus() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../agent/tests/redaction")
}

/// Lines of the corpus without their marks, again and again.
fn text(size: usize) -> String {
    let mut files: Vec<_> =
        std::fs::read_dir(corpus()).expect("the corpus").flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    let (mut harmless, mut planted) = (Vec::new(), Vec::new());
    for file in files {
        let look_alikes = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("lookalikes"));
        let marked = std::fs::read_to_string(&file).expect("a file of the corpus");
        let plain = ["⟦k:", "⟦s:", "⟦l:", "⟧", "·"].iter().fold(marked, |text, mark| text.replace(mark, ""));
        let lines = if look_alikes { &mut harmless } else { &mut planted };
        lines.extend(plain.lines().map(str::to_owned));
    }
    let mut text = String::new();
    let mut harmless = harmless.iter().cycle();
    for line in planted.iter().cycle() {
        for line in harmless.by_ref().take(HARMLESS).chain([line]) {
            text.push_str(line);
            text.push('\n');
        }
        if text.len() >= size {
            break;
        }
    }
    text
}
