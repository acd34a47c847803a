//! Golden command lines: what a shipped program answers, kept as text that people can read.
//!
//! Each program's own package includes this file (only there does cargo say where the program is) and runs the files
//! under its `tests/cmd/`. A file holds cases, one below the other, that share one empty folder:
//!
//! ```text
//! # what this is about
//! $ LC_ALL=es_ES.UTF-8 venia-agent show abc --data mine     variables first, as in a shell; 'quotes' keep spaces
//! < a line of standard input
//! ? 2                                                         the exit code
//! > a line of standard output
//! ! a line of standard error
//! ```
//!
//! In an expected line `[..]` stands for anything and `[HERE]` for the folder; a line that is `...` alone stands for
//! any lines. Nothing of the caller's environment reaches the program. With `VENIA_BLESS=1` cases that differ are
//! rewritten as the program answered: read the difference before it is committed.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// One command line and what it must answer.
#[derive(Default)]
struct Case {
    /// Comments and empty lines before it.
    before: String,
    command: String,
    input: String,
    code: Option<i32>,
    out: Vec<String>,
    err: Vec<String>,
}

/// Runs every file of `cases`; panics with every difference at the end. `prepare` puts into each file's folder what its
/// commands read.
pub(crate) fn check(program: &str, cases: &Path, prepare: impl Fn(&Path)) {
    let mut files: Vec<_> = std::fs::read_dir(cases).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "no cases in {}", cases.display());
    let bless = std::env::var_os("VENIA_BLESS").is_some();
    let mut differences = String::new();
    for file in files {
        let here = tempfile::tempdir().unwrap();
        prepare(here.path());
        let text = std::fs::read_to_string(&file).unwrap();
        let mut answered = String::new();
        for case in parse(&text) {
            let found = case.run(program, here.path());
            if case.matches(&found) {
                answered += &case.text();
            } else {
                writeln!(differences, "{}: expected\n{}but got\n{}", file.display(), case.text(), found.text())
                    .unwrap();
                answered += &found.text();
            }
        }
        if bless && answered != text {
            std::fs::write(&file, answered).unwrap();
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

fn parse(text: &str) -> Vec<Case> {
    let mut cases = vec![Case::default()];
    for line in text.lines() {
        let mut case = cases.pop().unwrap();
        let (kind, rest) = line.split_at(line.len().min(1));
        let rest = rest.strip_prefix(' ').unwrap_or(rest).to_owned();
        let begins = matches!(kind, "" | "#" | "$") && !case.command.is_empty();
        if begins {
            cases.push(std::mem::take(&mut case));
        }
        match kind {
            "" | "#" => case.before += &format!("{line}\n"),
            "$" => case.command = rest,
            "<" => case.input += &format!("{rest}\n"),
            "?" => case.code = Some(rest.parse().unwrap()),
            ">" => case.out.push(rest),
            "!" => case.err.push(rest),
            _ => panic!("not a line of a case: {line:?}"),
        }
        cases.push(case);
    }
    assert!(cases.iter().all(|case| !case.command.is_empty()), "a case without a command");
    cases
}

impl Case {
    fn run(&self, program: &str, here: &Path) -> Self {
        let mut words = words(&self.command).into_iter().peekable();
        let mut command = Command::new(program);
        command.env_clear().env("LC_ALL", "C").env("HOME", here).current_dir(here);
        while let Some((name, value)) = words.peek().and_then(|word| word.split_once('=')) {
            command.env(name, value);
            words.next();
        }
        let name = words.next().unwrap();
        assert!(Path::new(program).ends_with(&name), "{name} is not {program}");
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that doesn't read its input may be gone already.
        let _ = child.stdin.take().unwrap().write_all(self.input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let lines = |bytes: Vec<u8>| -> Vec<String> {
            let text = String::from_utf8(bytes).unwrap().replace(here.to_str().unwrap(), "[HERE]");
            text.lines().map(str::to_owned).collect()
        };
        Self {
            before: self.before.clone(),
            command: self.command.clone(),
            input: self.input.clone(),
            code: output.status.code(),
            out: lines(output.stdout),
            err: lines(output.stderr),
        }
    }

    fn matches(&self, found: &Self) -> bool {
        self.code == found.code && all_match(&self.out, &found.out) && all_match(&self.err, &found.err)
    }

    fn text(&self) -> String {
        let mut text = format!("{}$ {}\n", self.before, self.command);
        for line in self.input.lines() {
            writeln!(text, "< {line}").unwrap();
        }
        writeln!(text, "? {}", self.code.map_or_else(|| "killed".to_owned(), |code| code.to_string())).unwrap();
        for (mark, lines) in [('>', &self.out), ('!', &self.err)] {
            for line in lines {
                writeln!(text, "{}", format!("{mark} {line}").trim_end()).unwrap();
            }
        }
        text
    }
}

/// Whether every line is as expected; `...` stands for any number of lines.
fn all_match(expected: &[String], found: &[String]) -> bool {
    match expected.split_first() {
        None => found.is_empty(),
        Some((any, rest)) if any == "..." => (0..=found.len()).any(|skip| all_match(rest, &found[skip..])),
        Some((line, rest)) => {
            found.split_first().is_some_and(|(first, others)| one_matches(line, first) && all_match(rest, others))
        }
    }
}

/// Whether a line is as expected; `[..]` stands for anything.
fn one_matches(expected: &str, found: &str) -> bool {
    let found = found.trim_end();
    match expected.split_once("[..]") {
        None => expected == found,
        Some((start, rest)) => found.strip_prefix(start).is_some_and(|found| {
            found.char_indices().map(|(at, _)| at).chain([found.len()]).any(|at| one_matches(rest, &found[at..]))
        }),
    }
}

/// The words of a command line; single quotes keep spaces.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (i, part) in line.split('\'').enumerate() {
        if i % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}
