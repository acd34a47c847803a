//! `venia report`: a session's logbook (*bitácora*) as one page to print, made from its bundle. Offline.
//!
//! The page is [`venia_ui::receipt`]'s. A bundle that is broken gets none: a well-set page would lend it credit. One whose
//! keys come from itself, or whose end is missing, says so on top.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde_json::json;
use venia_proto::catalog::Catalog;
use venia_proto::ledger::bundle::Bundle;
use venia_proto::ledger::verify::{Finding, Verdict};
use venia_ui::cli::Common;
use venia_ui::failure::{Exit, Failure};
use venia_ui::receipt;
use venia_ui::story::Story;
use venia_ui::terminal::Screen;
use venia_ui::words::Words;

use super::verify;
use crate::trouble;

pub(super) fn run(
    file: &Path,
    out: &Path,
    root: Option<&str>,
    common: &Common,
    screen: &Screen,
) -> Result<Exit, Failure> {
    let words = screen.words();
    let catalog = Catalog::built_in();
    let (zip, verdict) = verify::judged(file, root, &catalog, common, screen)?;
    let story = Bundle::from_zip(&zip).ok().filter(|_| verdict.verdict != Finding::Broken);
    let story = story.and_then(|bundle| Story::of_bundle(&bundle, &catalog));
    let Some(story) = story else { return Err(broken(&verdict, words)) };
    let page = receipt::page(&story, words, &catalog, standing(&verdict, words).as_deref());
    write(out, page.as_bytes()).map_err(|error| unwritten(&error, words))?;
    let shown = out.display().to_string();
    if screen.json() {
        let report =
            json!({ "report": shown, "session": verdict.session, "verdict": verdict.verdict, "code": story.code });
        screen.object(&report)?;
    } else {
        screen.line(&words.say("report-written", &[("path", &shown), ("code", &story.code)]))?;
    }
    Ok(Exit::Done)
}

/// What a reader must know before they believe a line of it.
fn standing(verdict: &Verdict, words: &Words) -> Option<String> {
    match verdict.verdict {
        Finding::SelfConsistent => Some(words.say("report-self-consistent", &[])),
        Finding::Unclosed => Some(words.say("report-unclosed", &[])),
        Finding::Intact | Finding::Broken => None,
    }
}

fn broken(verdict: &Verdict, words: &Words) -> Failure {
    let message = words.say("report-broken", &[("verdict", &verify::line(verdict, words))]);
    let failure = trouble::cannot_tell("broken", message, words.say("report-broken-hint", &[]), words);
    Failure { exit: Exit::Refused, ..failure }
}

/// Never over another file; for its owner alone, because it tells what is in somebody's computer.
fn write(out: &Path, page: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(out)?;
    file.write_all(page).and_then(|()| file.sync_all())
}

fn unwritten(error: &io::Error, words: &Words) -> Failure {
    let (message, hint) = if error.kind() == io::ErrorKind::AlreadyExists {
        (words.say("export-exists", &[]), words.say("export-exists-hint", &[]))
    } else {
        let problem = error.to_string();
        (words.say("export-failed", &[("problem", &problem)]), words.say("export-failed-hint", &[]))
    };
    let failure = trouble::cannot_tell("file", message, hint, words);
    Failure { exit: Exit::Refused, ..failure }
}
