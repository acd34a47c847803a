//! Authors who signed two events for one place: the file that shows it to anybody, offline. (SECURITY E6)
//!
//! Not here: how it is noticed ([`super::ledger::admission`]), and what an organisation does about it.

use venia_proto::id::{SessionId, Strand};
use venia_proto::key::{SigningKey, VerifierKey};
use venia_proto::ledger::event::Event;
use venia_proto::ledger::evidence::{Claim, File};
use venia_proto::ledger::kind::Kind;
use venia_proto::now::Wall;
use venia_proto::statement::Member;

use super::ledger::contradictions::Contradiction;
use super::ledger::sqlite::Sqlite;
use super::ledger::{Store as _, StoreError, StoredSession};
use super::members::{self, MembersError};

/// The evidence file of one contradiction: the event in the log, the other one, and whose key signed both.
pub fn file(
    store: &Sqlite,
    found: &Contradiction,
    statement: Vec<u8>,
    authority: &SigningKey,
    now: Wall,
) -> Result<File, MembersError> {
    let damaged = |what| MembersError::Store(StoreError::Damaged(what));
    let session = store.session(found.session)?.ok_or(damaged("a session of the evidence"))?;
    let at = |note: &&Vec<u8>| {
        Event::parse(note).is_ok_and(|event| {
            let header = event.header();
            (header.author, header.seq) == (found.author, found.seq)
        })
    };
    let known = session.events.iter().find(at).cloned().ok_or(damaged("an event of the evidence"))?;
    let key = key_of(&session, found.author).ok_or(damaged("an author of the evidence"))?;
    let member = members::rows(store)?.into_iter().flatten().find(|member| member.key == key);
    let member = member.map(|member| {
        // Over when it is signed: it says whose key it is, and lets nobody in, a revoked member least of all.
        let (name, role, level) = (member.name, member.role, member.level);
        Member { key: key.clone(), name, role, level, not_after: now }.sign(authority)
    });
    Ok(File { statement, claim: Claim::Equivocation { key, member, known, shown: found.offered.clone() } })
}

/// The one of these that an operator means: the only one of the session, or the one of this number, from 1.
pub fn pick(found: Vec<Contradiction>, number: Option<usize>) -> Option<Contradiction> {
    let place = number.unwrap_or(1).checked_sub(1)?;
    found.into_iter().nth(place)
}

/// Reads which session an operator named.
pub fn session(named: &str) -> Option<SessionId> {
    named.parse().ok()
}

/// The key whose events count in a strand: the session's own, or the one the agent's `join` names.
fn key_of(session: &StoredSession, strand: Strand) -> Option<VerifierKey> {
    if strand == Strand::Agent {
        return Some(session.agent.clone());
    }
    session.events.iter().filter_map(|note| Event::parse(note).ok()).find_map(|event| {
        let Kind::Join { strand: joined, key, .. } = &event.header().kind else { return None };
        (*joined == strand).then(|| key.clone())
    })
}
