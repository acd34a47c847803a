//! Looking for words through what was opened, on all cores. The relay never hears them.

use std::thread;

use venia_proto::foreign::Foreign;
use venia_proto::ledger::kind::KindName;
use venia_proto::now::Wall;
use venia_relay::client::home::HomeError;

use super::desk::Log;
use super::index::Session;
use super::listing::{self, Said};
use super::search::Query;
use super::words::Heard;
use crate::cli::Filters;

/// What was looked through, by what became of it.
#[derive(Default)]
pub(crate) struct Through {
    pub(crate) opened: u64,
    pub(crate) shut: u64,
    pub(crate) lied: u64,
    pub(crate) nobody: u64,
    pub(crate) erased: u64,
    pub(crate) missing: u64,
}

/// One entry that says all of the words.
pub(crate) struct Found {
    pub(crate) entry: u64,
    pub(crate) time: Wall,
    pub(crate) kind: KindName,
    pub(crate) snippet: Foreign,
}

/// What was found where, in the order asked for.
#[derive(Default)]
pub(crate) struct Looked<'a> {
    pub(crate) found: Vec<(&'a Session, Vec<Found>)>,
    pub(crate) through: Through,
}

/// Looks through every session that is meant, the oldest first.
pub(crate) fn through<'a>(logs: &'a [Log], query: &Query, filters: &Filters) -> Result<Looked<'a>, HomeError> {
    let mut work: Vec<(&Log, &Session)> = Vec::new();
    for log in logs {
        let fit = log.copy.sessions.values().filter(|session| listing::fits(session, filters));
        work.extend(fit.map(|session| (log, session)));
    }
    work.sort_by_key(|(_, session)| session.opened);
    let mut all = Looked::default();
    for part in on_all_cores(&work, |part| look(part, query, filters)) {
        let part = part?;
        all.through.add(&part.through);
        all.found.extend(part.found);
    }
    Ok(all)
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
    pub(crate) fn closed(&self) -> [(&'static str, u64); 5] {
        [
            ("audit-count-shut", self.shut),
            ("audit-count-nobody", self.nobody),
            ("audit-count-erased", self.erased),
            ("audit-count-missing", self.missing),
            ("audit-count-lied", self.lied),
        ]
    }
}
