//! `redact`: prints a text as it would leave this computer, so that outside corpora can be run against the redactor.
//!
//! For developers, and hidden. Nothing of this computer is collected for it: known values come from a file.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use venia_ui::cli::Common;
use venia_ui::failure::{Exit, Failure, Loss, Trouble};
use venia_ui::words::Words;

use crate::cli::Redact;
use crate::redact::known::Known;
use crate::redact::{Counts, Redactor};

/// Largest text that is read, in bytes: it is held in memory twice.
pub const TEXT_MAX: u64 = 64 * MEBIBYTE;
/// Largest list of known values, in bytes.
pub const KNOWN_MAX: u64 = MEBIBYTE;
const MEBIBYTE: u64 = 1024 * 1024;

/// Prints the redacted text on standard output. Bytes that aren't UTF-8 are replaced.
pub fn redact(redact: &Redact, common: &Common) -> Result<Exit, Failure> {
    let words = common.words();
    let text = read(&redact.file, TEXT_MAX, &words)?;
    let known = match &redact.known {
        Some(file) => Known::from_json(&read(file, KNOWN_MAX, &words)?).map_err(|error| unusable(&error, &words))?,
        None => Known::default(),
    };
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| unusable(&error, &words))?;
    let mut redactor = Redactor::new(&known, &seed).map_err(|error| unusable(&error, &words))?;
    let redacted = redactor.text(&text, &mut Counts::default());
    let mut out = std::io::stdout().lock();
    let written = out.write_all(redacted.as_bytes()).and_then(|()| out.flush());
    written.map_err(|_| Failure::of(Trouble::Output, &words).after(Loss::NothingLost, &words))?;
    Ok(Exit::Done)
}

fn read(file: &Path, max: u64, words: &Words) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let limited = max + 1;
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(limited).read_to_end(&mut bytes)
    } else {
        File::open(file).and_then(|file| file.take(limited).read_to_end(&mut bytes))
    };
    let name = file.to_string_lossy().into_owned();
    let failure =
        |message| Failure { message, ..Failure::of(Trouble::Usage, words).with_hint(words.say("redact-hint", &[])) };
    if let Err(error) = read {
        let problem = error.to_string();
        return Err(failure(words.say("redact-unread", &[("file", &name), ("problem", &problem)])));
    }
    if bytes.len() as u64 > max {
        let megabytes = max / MEBIBYTE;
        return Err(failure(words.say("redact-too-long", &[("file", &name), ("megabytes", &megabytes)])));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn unusable(error: &dyn std::error::Error, words: &Words) -> Failure {
    let message = words.say("redact-known", &[("problem", &error.to_string())]);
    Failure { message, ..Failure::of(Trouble::Usage, words).with_hint(words.say("redact-hint", &[])) }
}
