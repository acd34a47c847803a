//! After a crash: what the record of an unfinished session still needs, so that every session ends exactly once.
//!
//! Grants live in memory only, so nothing can go on. A run whose end isn't recorded is *lost*; the session is closed.

use std::collections::{BTreeMap, BTreeSet};

use crate::consent::EntryRef;
use crate::foreign::Foreign;
use crate::id::Strand;
use crate::ledger::body::Body;
use crate::ledger::body::Refuse;
use crate::ledger::kind::{Kind, KindName, Status, Why};

use super::agent::Entry;
use super::close::Close;

/// What to append to a session's record, given the events this PC's journal holds, in order. `None` if it is closed or
/// was never opened. `performed` tells whether an admitted run may have started: its receipt is on this PC's disk.
pub fn after_crash(events: &[(EntryRef, Kind<EntryRef>)], performed: impl Fn(EntryRef) -> bool) -> Option<Vec<Entry>> {
    let opened = events.iter().any(|(_, kind)| kind.name() == KindName::Open);
    let closed = events.iter().any(|(_, kind)| kind.name() == KindName::Close);
    if !opened || closed {
        return None;
    }
    let mut held: BTreeMap<Strand, u64> = BTreeMap::new();
    let mut open_requests = BTreeSet::new();
    let mut open_admits = BTreeMap::new();
    for (entry, kind) in events {
        *held.entry(entry.author).or_default() += 1;
        match kind {
            Kind::Request => drop(open_requests.insert(*entry)),
            Kind::Admit { request, .. } => {
                open_requests.remove(request);
                open_admits.insert(*entry, *request);
            }
            Kind::Refuse { request, .. } => {
                open_requests.remove(request);
                open_admits.retain(|_, admitted| admitted != request);
            }
            Kind::Result { admit, .. } => drop(open_admits.remove(admit)),
            Kind::Open { .. }
            | Kind::Join { .. }
            | Kind::Consent { .. }
            | Kind::Series { .. }
            | Kind::Chat
            | Kind::Note
            | Kind::Redaction { .. }
            | Kind::Pause { .. }
            | Kind::Resume { .. }
            | Kind::Stop { .. }
            | Kind::Signoff { .. }
            | Kind::Close { .. }
            | Kind::Addendum { .. } => {}
        }
    }
    let mut entries = Vec::new();
    for (admit, request) in open_admits {
        if performed(admit) {
            entries.push(Entry::Own { kind: Kind::Result { admit, status: Status::Lost }, body: Body::None });
        } else {
            entries.push(refused(request, Why::NoReceipt));
        }
    }
    entries.extend(open_requests.into_iter().map(|request| refused(request, Why::Stopped)));
    *held.entry(Strand::Agent).or_default() += entries.len() as u64 + 1;
    let close = Close::Crash;
    let kind = Kind::Close { by: close.by(), cause: close.cause(), held };
    entries.push(Entry::Own { kind, body: Body::None });
    Some(entries)
}

/// Whether a session of which the log has no receipt never began: nobody was asked anything, nothing ran, nothing was sent.
/// Without a receipt of its `open` none of that can be, so such a record says only that somebody meant to ask for help; it may
/// be left alone when the log refuses it for good. Anything else is offered until it is recorded. (SECURITY E, E10)
pub fn never_began<'a, L: 'a>(kinds: impl IntoIterator<Item = &'a Kind<L>>) -> bool {
    !kinds.into_iter().any(|kind| match kind {
        Kind::Consent { .. } | Kind::Admit { .. } | Kind::Result { .. } | Kind::Series { .. } => true,
        Kind::Open { .. }
        | Kind::Join { .. }
        | Kind::Request
        | Kind::Refuse { .. }
        | Kind::Chat
        | Kind::Note
        | Kind::Redaction { .. }
        | Kind::Pause { .. }
        | Kind::Resume { .. }
        | Kind::Stop { .. }
        | Kind::Signoff { .. }
        | Kind::Close { .. }
        | Kind::Addendum { .. } => false,
    })
}

fn refused(request: EntryRef, why: Why) -> Entry {
    let body = Body::Refuse(Refuse { detail: Foreign::new("") });
    Entry::Own { kind: Kind::Refuse { request, why }, body }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use super::*;
    use crate::ledger::kind::{Answer, Cause};

    fn agent(seq: u64) -> EntryRef {
        EntryRef { author: Strand::Agent, seq }
    }

    fn technician(seq: u64) -> EntryRef {
        EntryRef { author: Strand::Technician(NonZeroU16::MIN), seq }
    }

    fn session() -> Vec<(EntryRef, Kind<EntryRef>)> {
        vec![
            (agent(0), Kind::Open { versions: vec![1] }),
            (agent(1), Kind::Consent { asked: agent(0), answer: Answer::Yes, took: 1 }),
            (technician(0), Kind::Request),
            (agent(2), Kind::Admit { request: technician(0), grant: agent(1) }),
            (technician(1), Kind::Request),
            (agent(3), Kind::Admit { request: technician(1), grant: agent(1) }),
            (agent(4), Kind::Result { admit: agent(3), status: Status::Done }),
            (technician(2), Kind::Request),
        ]
    }

    #[test]
    fn a_crash_leaves_nothing_open() {
        let entries = after_crash(&session(), |_| true).unwrap();
        let kinds: Vec<_> = entries
            .iter()
            .map(|entry| match entry {
                Entry::Own { kind, .. } => kind.clone(),
                Entry::Theirs(_) => panic!("nobody else writes after a crash"),
            })
            .collect();
        assert_eq!(kinds[0], Kind::Result { admit: agent(2), status: Status::Lost });
        assert_eq!(kinds[1], Kind::Refuse { request: technician(2), why: Why::Stopped });
        let held = [(Strand::Agent, 8), (technician(0).author, 3)].into();
        assert_eq!(kinds[2], Kind::Close { by: Cause::Crash, cause: Cause::Crash, held });
        assert_eq!(kinds.len(), 3);
    }

    #[test]
    fn e10_whatever_was_answered_or_run_is_never_left_alone() {
        let all = session();
        let kinds =
            |events: &[(EntryRef, Kind<EntryRef>)]| events.iter().map(|(_, kind)| kind.clone()).collect::<Vec<_>>();
        assert!(never_began::<EntryRef>(&[]));
        assert!(never_began(&kinds(&all[..1])), "an open alone");
        let close = Kind::Close { by: Cause::Crash, cause: Cause::Crash, held: BTreeMap::new() };
        assert!(never_began(&[kinds(&all[..1]), vec![close]].concat()));
        for (_, kind) in &all {
            let acted = matches!(kind.name(), KindName::Consent | KindName::Admit | KindName::Result);
            assert_eq!(never_began([kind]), !acted, "{kind:?}");
        }
        for n in 2..=all.len() {
            assert!(!never_began(&kinds(&all[..n])), "a person answered: {n}");
        }
    }

    #[test]
    fn what_never_started_is_refused() {
        let entries = after_crash(&session(), |_| false).unwrap();
        assert!(matches!(&entries[0], Entry::Own { kind: Kind::Refuse { why: Why::NoReceipt, .. }, .. }));
    }

    #[test]
    fn a_closed_session_needs_nothing() {
        let mut events = session();
        events.push((agent(5), Kind::Close { by: Cause::Done, cause: Cause::Done, held: BTreeMap::new() }));
        assert_eq!(after_crash(&events, |_| true), None);
        assert_eq!(after_crash(&[], |_| true), None);
    }
}
