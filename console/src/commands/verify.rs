//! `venia verify`: is this record true? Offline, alone, without an account.
//!
//! The verdict is [`venia_proto::ledger::verify`]'s; here are the file, the roots the verifier brings, the page rendered again
//! ([`venia_ui::receipt::compare`]), and one line.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use venia_proto::address::RelayAddress;
use venia_proto::catalog::Catalog;
use venia_proto::fingerprint::Fingerprint;
use venia_proto::foreign::Foreign;
use venia_proto::ledger::bundle::{Bundle, ZIP_MAX};
use venia_proto::ledger::cosignature::Witnessed;
use venia_proto::ledger::evidence::{self, Accusation, Shows};
use venia_proto::ledger::pin::Fault;
use venia_proto::ledger::verify::{At, Finding, Roots, Verdict, verify};
use venia_ui::cli::{Common, Program};
use venia_ui::failure::{Exit, Failure};
use venia_ui::reasons;
use venia_ui::receipt;
use venia_ui::terminal::Screen;
use venia_ui::words::Words;

use crate::{membership, trouble};

pub(super) fn run(file: &Path, root: Option<&str>, common: &Common, screen: &Screen) -> Result<Exit, Failure> {
    let words = screen.words();
    let given = given(file, root, common, screen)?;
    if evidence::File::is_one(&given.bytes) {
        return judge(&given.bytes, given.roots(), screen);
    }
    let verdict = compared(&given, &Catalog::built_in());
    if screen.json() {
        screen.object(&verdict)?;
    } else {
        screen.line(&line(&verdict, words))?;
        if verdict.verdict == Finding::Intact && !verdict.unchecked.is_empty() {
            let why = reasons::unchecked(&verdict.unchecked, words);
            screen.note(&words.say("verify-limits", &[("why", &why)]));
        }
        if let Some(code) = verdict.code.as_ref().filter(|_| verdict.verdict != Finding::Broken) {
            screen.note(&words.say("verify-code", &[("code", code)]));
        }
    }
    if let Some(found) = verdict.witnessed.filter(|_| !screen.json() && verdict.verdict != Finding::Broken) {
        screen.note(&witnesses(&found, words));
    }
    Ok(match verdict.verdict {
        Finding::Intact => Exit::Done,
        Finding::Broken => Exit::Refused,
        Finding::SelfConsistent | Finding::Unclosed => Exit::WrongUse,
    })
}

/// A bundle's bytes, and what is said of it by these roots; its page is compared too.
pub(super) fn judged(
    file: &Path,
    root: Option<&str>,
    catalog: &Catalog,
    common: &Common,
    screen: &Screen,
) -> Result<(Vec<u8>, Verdict), Failure> {
    let given = given(file, root, common, screen)?;
    let verdict = compared(&given, catalog);
    Ok((given.bytes, verdict))
}

/// What the command line gave: a file, and the roots it is held against.
struct Given {
    bytes: Vec<u8>,
    named: Option<Fingerprint>,
    known: Vec<Fingerprint>,
}

impl Given {
    fn roots(&self) -> Roots<'_> {
        Roots { named: self.named, known: &self.known }
    }
}

fn given(file: &Path, root: Option<&str>, common: &Common, screen: &Screen) -> Result<Given, Failure> {
    let words = screen.words();
    let named = root.map(|text| fingerprint(text, words)).transpose()?;
    let known = known(common, screen)?;
    let bytes = read(file).map_err(|error| {
        let (name, why) = (file.display().to_string(), error.to_string());
        let message = words.say("verify-file", &[("file", &name), ("why", &why)]);
        trouble::cannot_tell("file", message, words.say("verify-file-hint", &[]), words)
    })?;
    Ok(Given { bytes, named, known })
}

fn compared(given: &Given, catalog: &Catalog) -> Verdict {
    let verdict = verify(&given.bytes, given.roots());
    match Bundle::from_zip(&given.bytes) {
        Ok(bundle) if verdict.verdict != Finding::Broken => verdict.compared(receipt::compare(&bundle, catalog)),
        Ok(_) | Err(_) => verdict,
    }
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
        let why = shown(&judged.shows, words);
        screen.line(&words.say(id, &[("who", &Foreign::new(&judged.who).visible()), ("why", &why)]))?;
        if !judged.rooted {
            screen.note(&words.say("verify-evidence-unrooted", &[]));
        }
        if judged.fault == Accusation::Inconsistent {
            screen.note(&words.say("verify-evidence-proof", &[]));
        }
    }
    Ok(if judged.rooted && judged.proves { Exit::Done } else { Exit::WrongUse })
}

/// Recorded, or recorded and witnessed.
pub(super) fn witnesses(found: &Witnessed, words: &Words) -> String {
    let (by, required) = (found.cosigned, found.required);
    match found.at {
        Some(at) if found.is_witnessed() => {
            words.say("verify-witnessed", &[("by", &by), ("required", &required), ("at", &at.to_string())])
        }
        Some(_) | None => words.say("verify-not-witnessed", &[("by", &by), ("required", &required)]),
    }
}

/// What the notes of an evidence file show, in the reader's language.
fn shown(shows: &Shows, words: &Words) -> String {
    match shows {
        Shows::Log(Fault::Fork(size)) => words.say("verify-shows-fork", &[("size", size)]),
        Shows::Log(Fault::Inconsistent { from, to }) => {
            words.say("verify-shows-inconsistent", &[("from", from), ("to", to)])
        }
        Shows::Author { session, author, seq } => {
            let (session, author) = (session.to_string(), author.to_string());
            words.say("verify-shows-author", &[("seq", seq), ("author", &author), ("session", &session)])
        }
        Shows::Withheld { events, from, to } => {
            let (from, to) = (from.to_string(), to.to_string());
            words.say("verify-shows-withheld", &[("events", events), ("from", &from), ("to", &to)])
        }
    }
}

/// The one line an auditor reads.
pub(super) fn line(verdict: &Verdict, words: &Words) -> String {
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
        Finding::Unclosed => {
            let why = verdict.unfinished.map_or_else(String::new, |open| reasons::unfinished(open, words));
            words.say("verify-unclosed", &[("entries", &entries), ("why", &why)])
        }
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

/// At most one byte more than any bundle may have: that one makes it broken, and nobody's memory is filled. Only of a file:
/// a pipe that nobody writes to, or a terminal, would keep the verifier waiting for ever.
fn read(file: &Path) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(file)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(file)?.take(ZIP_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
