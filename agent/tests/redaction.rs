//! The redactor on a corpus: what must go goes, what must stay stays. The figures are printed.
//!
//! `tests/redaction/*.txt` are lines as programs write them, with marks: `⟦k:…⟧` a value of `known.json` in some spelling,
//! `⟦s:…⟧` a secret or identifier that only its looks betray, `⟦l:…⟧` a look-alike that must stay. A `·` is left out before
//! the text is redacted: it keeps made-up keys from looking alive to whoever scans this repository. None of them is.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use venia_agent::commands::redact::TEXT_MAX;
use venia_agent::redact::known::Known;
use venia_agent::redact::{Counts, Redactor};

/// What the corpus must hold at least.
const PLANTED_MIN: usize = 400;
/// See [`PLANTED_MIN`].
const LOOKALIKES_MIN: usize = 400;

/// What is planted in one line.
#[derive(Default)]
struct Line {
    text: String,
    known: Vec<String>,
    shapes: Vec<String>,
    lookalikes: Vec<String>,
    /// What no mark surrounds: it must stay too.
    around: Vec<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/redaction")
}

fn line(marked: &str) -> Line {
    let mut line = Line::default();
    let mut rest = marked;
    while let Some(at) = rest.find('⟦') {
        let (before, mark) = rest.split_at(at);
        let (inside, after) = mark['⟦'.len_utf8()..].split_once('⟧').unwrap();
        let (kind, value) = inside.split_once(':').unwrap();
        let value = value.replace('·', "");
        line.around.push(before.to_owned());
        line.text.push_str(before);
        line.text.push_str(&value);
        match kind {
            "k" => line.known.push(value),
            "s" => line.shapes.push(value),
            "l" => line.lookalikes.push(value),
            other => unreachable!("{other}"),
        }
        rest = after;
    }
    line.around.push(rest.to_owned());
    line.text.push_str(rest);
    line
}

/// Whether a text holds a value, and not only as a piece of a longer word.
fn holds(text: &str, value: &str) -> bool {
    text.match_indices(value).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + value.len()..]);
        !before.ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric) || value.len() > 4
    })
}

#[derive(Default)]
struct Tally {
    known: (usize, usize),
    shapes: (usize, usize),
    lookalikes: (usize, usize),
    strays: usize,
}

fn redactor() -> Redactor {
    let known = std::fs::read_to_string(folder().join("known.json")).unwrap();
    Redactor::new(&Known::from_json(&known).unwrap(), &[7; 32]).unwrap()
}

fn files() -> Vec<(String, String)> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    files
        .iter()
        .map(|file| (file.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(file).unwrap()))
        .collect()
}

#[test]
fn secrets_go_and_look_alikes_stay() {
    let mut tally = Tally::default();
    for (name, marked) in files() {
        let lines: Vec<Line> = marked.lines().map(line).collect();
        let text: String = lines.iter().map(|line| format!("{}\n", line.text)).collect();
        let mut counts = Counts::default();
        let mut redactor = redactor();
        let redacted = redactor.text(&text, &mut counts).into_owned();
        assert_eq!(redacted.lines().count(), lines.len(), "{name}: lines are kept");
        for (line, out) in lines.iter().zip(redacted.lines()) {
            let lower = out.to_lowercase();
            let gone = |planted: &[String], what: &str| {
                let left = planted.iter().filter(|value| holds(&lower, &value.to_lowercase()));
                let left = left.inspect(|value| println!("{name}: {what} left: {value}\n    {out}")).count();
                (planted.len(), left)
            };
            let add = |sum: &mut (usize, usize), one: (usize, usize)| *sum = (sum.0 + one.0, sum.1 + one.1);
            add(&mut tally.known, gone(&line.known, "known value"));
            add(&mut tally.shapes, gone(&line.shapes, "secret"));
            let touched = line.lookalikes.iter().filter(|value| !out.contains(value.as_str()));
            let touched = touched.inspect(|value| println!("{name}: look-alike taken: {value}\n    {out}")).count();
            add(&mut tally.lookalikes, (line.lookalikes.len(), touched));
            let strays = line
                .around
                .iter()
                .flat_map(|piece| piece.split_whitespace())
                .filter(|word| word.len() > 4 && !out.contains(word));
            tally.strays += strays.inspect(|word| println!("{name}: taken with a secret: {word}\n    {out}")).count();
        }
        let again = redactor.text(&redacted, &mut Counts::default()).into_owned();
        for (first, second) in redacted.lines().zip(again.lines()) {
            assert_eq!(first, second, "{name}: redacting twice changes nothing");
        }
    }
    let share = |(all, missed): (usize, usize)| 100.0 * (all - missed) as f64 / all as f64;
    println!("known values: {} of {} gone ({:.2} %)", tally.known.0 - tally.known.1, tally.known.0, share(tally.known));
    println!("shapes: {} of {} gone ({:.2} %)", tally.shapes.0 - tally.shapes.1, tally.shapes.0, share(tally.shapes));
    println!(
        "look-alikes: {} of {} stayed; words taken with a secret: {}",
        tally.lookalikes.0 - tally.lookalikes.1,
        tally.lookalikes.0,
        tally.strays
    );
    assert!(tally.known.0 + tally.shapes.0 >= PLANTED_MIN, "{}", tally.known.0 + tally.shapes.0);
    assert!(tally.lookalikes.0 >= LOOKALIKES_MIN, "{}", tally.lookalikes.0);
    assert_eq!(tally.known.1, 0, "every known value goes");
    assert!(tally.shapes.1 * 100 <= tally.shapes.0, "at least 99 % of the shapes go");
    assert!((tally.lookalikes.1 + tally.strays) * 100 <= tally.lookalikes.0, "at most 1 % false positives");
}

fn command(arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_venia-agent"))
        .arg("redact")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that fails at once reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_command_prints_the_text_and_nothing_else() {
    let known = folder().join("known.json");
    let known = known.to_str().unwrap();
    let (code, out, err) = command(&["-", "--known", known], "sin nada\nana\npassword=Clave99\nsin fin de línea");
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let lines: Vec<&str> = out.split('\n').collect();
    assert_eq!([lines[0], lines[2], lines[3]], ["sin nada", "password=[redacted:setting]", "sin fin de línea"]);
    assert!(lines[1].starts_with("user-"), "{out}");
}

#[test]
fn the_command_says_what_it_can_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let large = folder.path().join("large");
    std::fs::File::create(&large).unwrap().set_len(TEXT_MAX + 1).unwrap();
    let broken = folder.path().join("broken.json");
    std::fs::write(&broken, "{").unwrap();
    for arguments in
        [vec!["/nonexistent"], vec![large.to_str().unwrap()], vec!["-", "--known", broken.to_str().unwrap()]]
    {
        let (code, out, err) = command(&arguments, "");
        assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
        assert!(err.contains("Next step"), "{err}");
    }
}
