//! `venia audit search`: where words were said. The relay never hears them.

use std::thread;

use serde_json::json;
use venia_proto::foreign::Foreign;
use venia_proto::ledger::kind::KindName;
use venia_proto::now::Wall;
use venia_relay::client::home::HomeError;
use venia_ui::failure::{Exit, Failure};
use venia_ui::terminal::{Ink, Screen};

use super::list::{self, Said};
use super::{Log, telling};
use crate::audit::index::Session;
use crate::audit::search::Query;
use crate::audit::words::Heard;
use crate::cli::Filters;
use crate::trouble;

/// What was looked through, by what became of it.
#[derive(Default)]
struct Through {
    opened: u64,
    shut: u64,
    lied: u64,
    nobody: u64,
    erased: u64,
    missing: u64,
}

/// One entry that says all of the words.
struct Found {
    entry: u64,
    time: Wall,
    kind: KindName,
    snippet: Foreign,
}

/// What was found where, in the order asked for.
#[derive(Default)]
struct Looked<'a> {
    found: Vec<(&'a Session, Vec<Found>)>,
    through: Through,
}

pub(super) fn run(logs: &[Log], query: &Query, filters: &Filters, screen: &Screen) -> Result<Exit, Failure> {
    let words = screen.words();
    let mut work: Vec<(&Log, &Session)> = Vec::new();
    for log in logs {
        let fit = log.copy.sessions.values().filter(|session| list::fits(session, filters));
        work.extend(fit.map(|session| (log, session)));
    }
    work.sort_by_key(|(_, session)| session.opened);
    let looked = on_all_cores(&work, |part| look(part, query, filters));
    let (mut places, mut sessions, mut through) = (0_u64, 0_u64, Through::default());
    for part in looked {
        let part = part.map_err(|error| trouble::folder(&error, words))?;
        through.add(&part.through);
        for (session, found) in part.found {
            places += found.len() as u64;
            sessions += 1;
            tell(session, &found, screen)?;
        }
    }
    screen
        .note(&words.say("audit-places", &[("places", &places), ("sessions", &sessions), ("parts", &through.opened)]));
    for (id, count) in through.closed() {
        if count > 0 {
            screen.note(&words.say(id, &[("count", &count)]));
        }
    }
    Ok(Exit::Done)
}

/// Looks through these sessions.
fn look<'a>(work: &[(&'a Log, &'a Session)], query: &Query, filters: &Filters) -> Result<Looked<'a>, HomeError> {
    let (mut looked, mut buffer) = (Looked::default(), String::new());
    for (log, session) in work {
        if !Said::new(log, filters, None).fits(session)? {
            continue;
        }
        let Some(kept) = log.words.read(&session.session)? else { continue };
        let mut found = Vec::new();
        for record in kept.records() {
            looked.through.count(record.heard);
            if let Some(snippet) = query.find(&record, &mut buffer) {
                let snippet = Foreign::new(snippet);
                found.push(Found { entry: record.entry, time: record.time, kind: record.kind, snippet });
            }
        }
        if !found.is_empty() {
            looked.found.push((session, found));
        }
    }
    Ok(looked)
}

/// Gives each core a share of the work; the results in order.
fn on_all_cores<W: Sync, T: Send>(
    work: &[W],
    each: impl Fn(&[W]) -> Result<T, HomeError> + Sync,
) -> Vec<Result<T, HomeError>> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let share = work.len().div_ceil(cores).max(1);
    thread::scope(|scope| {
        let threads: Vec<_> = work.chunks(share).map(|part| scope.spawn(|| each(part))).collect();
        // A share nobody looked through must not pass for one in which nothing was found.
        let gone = || HomeError::Damaged("words".into());
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(gone()))).collect()
    })
}

fn tell(session: &Session, found: &[Found], screen: &Screen) -> Result<(), Failure> {
    let words = screen.words();
    if !screen.json() {
        let title = words.say("audit-found-in", &[("session", &session.session)]);
        screen.line(&screen.style().ink(Ink::Strong, &title))?;
    }
    for Found { entry, time, kind, snippet } in found {
        if screen.json() {
            screen.object(&json!({
                "session": session.session, "entry": entry, "kind": kind.to_string(),
                "time": time, "snippet": snippet.raw(),
            }))?;
            continue;
        }
        let (time, kind) = (time.to_string(), telling::kind(*kind, words));
        screen.line(
            &words.say("audit-found", &[("entry", entry), ("time", &time), ("kind", &kind), ("snippet", snippet)]),
        )?;
    }
    Ok(())
}

impl Through {
    fn count(&mut self, heard: Heard) {
        let count = match heard {
            Heard::Opened(_) => &mut self.opened,
            Heard::Shut => &mut self.shut,
            Heard::Lied => &mut self.lied,
            Heard::Nobody => &mut self.nobody,
            Heard::Erased => &mut self.erased,
            Heard::Missing => &mut self.missing,
        };
        *count += 1;
    }

    fn add(&mut self, other: &Self) {
        self.opened += other.opened;
        self.shut += other.shut;
        self.lied += other.lied;
        self.nobody += other.nobody;
        self.erased += other.erased;
        self.missing += other.missing;
    }

    /// Sentences about what couldn't be searched.
    fn closed(&self) -> [(&'static str, u64); 5] {
        [
            ("audit-count-shut", self.shut),
            ("audit-count-nobody", self.nobody),
            ("audit-count-erased", self.erased),
            ("audit-count-missing", self.missing),
            ("audit-count-lied", self.lied),
        ]
    }
}
