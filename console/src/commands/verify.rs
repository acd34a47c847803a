//! `venia verify`: is this record true? Offline, alone, without an account.
//!
//! The verdict is [`venia_proto::ledger::verify`]'s; here are the file, the roots the verifier brings, and one line.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use venia_proto::address::RelayAddress;
use venia_proto::fingerprint::Fingerprint;
use venia_proto::foreign::Foreign;
use venia_proto::ledger::bundle::ZIP_MAX;
use venia_proto::ledger::evidence::{self, Accusation};
use venia_proto::ledger::verify::{At, Finding, Roots, Verdict, verify};
use venia_ui::cli::{Common, Program};
use venia_ui::failure::{Exit, Failure};
use venia_ui::terminal::Screen;
use venia_ui::words::Words;

use crate::{membership, trouble};

pub(super) fn run(file: &Path, root: Option<&str>, common: &Common, screen: &Screen) -> Result<Exit, Failure> {
    let words = screen.words();
    let named = root.map(|text| fingerprint(text, words)).transpose()?;
    let known = known(common, screen)?;
    let zip = read(file).map_err(|error| {
        let (name, why) = (file.display().to_string(), error.to_string());
        let message = words.say("verify-file", &[("file", &name), ("why", &why)]);
        trouble::cannot_tell("file", message, words.say("verify-file-hint", &[]), words)
    })?;
    let roots = Roots { named, known: &known };
    if evidence::File::is_one(&zip) {
        return judge(&zip, roots, screen);
    }
    let verdict = verify(&zip, roots);
    if screen.json() {
        screen.object(&verdict)?;
    } else {
        screen.line(&line(&verdict, words))?;
        if verdict.verdict == Finding::Intact && !verdict.why.is_empty() {
            screen.note(&words.say("verify-limits", &[("why", &verdict.why)]));
        }
    }
    Ok(match verdict.verdict {
        Finding::Intact => Exit::Done,
        Finding::Broken => Exit::Refused,
        Finding::SelfConsistent | Finding::Unclosed => Exit::WrongUse,
    })
}

/// Evidence that a log or an author lied: proven from the verifier's root 0, by keys from the file alone 2, not shown 1.
fn judge(bytes: &[u8], roots: Roots<'_>, screen: &Screen) -> Result<Exit, Failure> {
    let words = screen.words();
    let judged = match evidence::File::parse(bytes).and_then(|file| file.judge(roots)) {
        Ok(judged) => judged,
        Err(error) => {
            let why = error.to_string();
            if screen.json() {
                screen.object(&serde_json::json!({ "verdict": "broken", "why": why }))?;
            } else {
                screen.line(&words.say("verify-no-evidence", &[("why", &why)]))?;
            }
            return Ok(Exit::Refused);
        }
    };
    if screen.json() {
        screen.object(&judged)?;
    } else {
        let id = match judged.fault {
            Accusation::Fork | Accusation::Inconsistent => "verify-evidence-log",
            Accusation::Equivocation => "verify-evidence-author",
            Accusation::Withheld => "verify-evidence-withheld",
        };
        screen.line(&words.say(id, &[("who", &Foreign::new(&judged.who).visible()), ("why", &judged.why)]))?;
        if !judged.rooted {
            screen.note(&words.say("verify-evidence-unrooted", &[]));
        }
        if judged.fault == Accusation::Inconsistent {
            screen.note(&words.say("verify-evidence-proof", &[]));
        }
    }
    Ok(if judged.rooted && judged.proves { Exit::Done } else { Exit::WrongUse })
}

/// The one line an auditor reads.
fn line(verdict: &Verdict, words: &Words) -> String {
    let entries = verdict.entries;
    let unknown = || "?".to_owned();
    match verdict.verdict {
        Finding::Intact => {
            let names =
                verdict.signed_by.values().map(|name| Foreign::new(name).visible()).collect::<Vec<_>>().join(", ");
            let from = verdict.from.clone().unwrap_or_else(unknown);
            let to = verdict.to.clone().unwrap_or_else(unknown);
            words.say("verify-intact", &[("entries", &entries), ("names", &names), ("from", &from), ("to", &to)])
        }
        Finding::Broken => match &verdict.at {
            Some(At::Entry(at)) => words.say("verify-broken-entry", &[("at", at), ("why", &verdict.why)]),
            Some(At::File(at)) => words.say("verify-broken-file", &[("at", at), ("why", &verdict.why)]),
            None => words.say("verify-broken", &[("why", &verdict.why)]),
        },
        Finding::SelfConsistent => words.say("verify-self-consistent", &[("entries", &entries)]),
        Finding::Unclosed => words.say("verify-unclosed", &[("entries", &entries), ("why", &verdict.why)]),
    }
}

/// A fingerprint, or the one of an address.
fn fingerprint(text: &str, words: &Words) -> Result<Fingerprint, Failure> {
    let address = |text: &str| text.parse::<RelayAddress>().map(|address| address.root);
    text.parse().or_else(|_| address(text)).map_err(|_| {
        trouble::cannot_tell("root", words.say("verify-root", &[]), words.say("verify-root-hint", &[]), words)
    })
}

/// Roots pinned here. A folder that was named must be usable; the platform's own one may be anything.
fn known(common: &Common, screen: &Screen) -> Result<Vec<Fingerprint>, Failure> {
    let Ok(folder) = common.folder(Program::Console) else { return Ok(Vec::new()) };
    match membership::roots_in(&folder) {
        Ok(roots) => Ok(roots),
        Err(error) => {
            let failure = trouble::folder(&error, screen.words());
            if common.data.is_some() {
                return Err(Failure { exit: Exit::WrongUse, ..failure });
            }
            screen.note(&failure.message);
            Ok(Vec::new())
        }
    }
}

/// At most one byte more than any bundle may have: that one makes it broken, and nobody's memory is filled.
fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(ZIP_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
