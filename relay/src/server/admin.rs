//! Administration: what the operator's commands do, over the local socket of a running relay or on the folder itself.
//!
//! What may be asked is in `said`, how it travels in `socket`. Here: what is done with the database and the settings.

mod said;
mod socket;
mod statement;

pub use said::{InviteWord, ListedContradiction, ListedErasure, ListedHolder, ListedMember, Reply, Request, Why};
pub use socket::{AdminError, LINE_MAX, PATIENCE, SOCKET, ask, listen, serve};

use venia_proto::address::RelayAddress;
use venia_proto::foreign::Foreign;
use venia_proto::invite::{Invite, SECRET};
use venia_proto::key::PublicKey;
use venia_proto::now::Wall;
use venia_proto::statement::Role;
use zeroize::Zeroizing;

use super::contradictions;
use super::erasing::ErasingError;
use super::ledger::StoreError;
use super::ledger::contradictions::Contradiction;
use super::ledger::erasing::Erasure;
use super::ledger::sqlite::Sqlite;
use super::members::{self, Invitee, MembersError, StoredMember};
use super::organisation::Organisation;

/// Does what is asked, on the database and the settings. Gives the key to be shown the door, if a membership was
/// withdrawn.
pub fn carry_out(
    store: &mut Sqlite,
    organisation: &Organisation,
    request: Request,
    now: Wall,
) -> (Reply, Option<PublicKey>) {
    let done = match request {
        Request::Address => Ok((Reply::Address { address: organisation.address().to_string() }, None)),
        Request::Invite { name, role, level } => invite(store, &organisation.address(), &name, role, level, now),
        Request::Members => members::list(store)
            .map(|members| (Reply::Members { members: members.into_iter().map(listed).collect() }, None)),
        Request::Revoke { name } => {
            members::revoke(store, &name, now).map(|revoked| (Reply::Revoked { name: revoked.name }, Some(revoked.key)))
        }
        Request::Auditors => Ok((statement::auditors(organisation), None)),
        Request::AuditorAdd { recipient } => {
            Ok((statement::auditor(organisation, &recipient, |settings, key| settings.add_auditor(key), now), None))
        }
        Request::AuditorRemove { recipient } => {
            Ok((statement::auditor(organisation, &recipient, |settings, key| settings.remove_auditor(&key), now), None))
        }
        Request::Packs => Ok((statement::packs(organisation), None)),
        Request::PackAdd { pack } => Ok((statement::pack(organisation, |settings| settings.add_pack(pack), now), None)),
        Request::PackRemove { pack } => {
            Ok((statement::pack(organisation, |settings| settings.remove_pack(pack), now), None))
        }
        Request::Witnesses => Ok((statement::witnesses(organisation), None)),
        Request::WitnessAdd { key, at } => Ok((statement::add_witness(organisation, &key, &at, now), None)),
        Request::WitnessRemove { key } => Ok((statement::remove_witness(organisation, &key, now), None)),
        Request::Quorum { quorum } => Ok((statement::require(organisation, quorum, now), None)),
        // Erasing needs the log's writer, who isn't reached through here.
        Request::Erase { .. } => Ok((Reply::Refused { why: Why::Malformed }, None)),
        Request::Erasures => store
            .erasures()
            .map(|all| (Reply::Erasures { erasures: all.into_iter().map(listed_erasure).collect() }, None))
            .map_err(MembersError::Store),
        Request::Retention { change, days } => {
            let changed = if change { store.retain(days) } else { Ok(()) };
            let days = changed.and_then(|()| store.retention());
            days.map(|days| (Reply::Retention { days }, None)).map_err(MembersError::Store)
        }
        Request::Prune { before } => store.prune(before).map_err(MembersError::Store).map(|logs| {
            let logs = logs.into_iter().map(|log| (log.log.name.as_str().to_owned(), log.size)).collect();
            (Reply::Pruned { logs }, None)
        }),
        Request::Evidence => store
            .contradictions(None)
            .map(|found| (Reply::Evidence { evidence: listed_contradictions(&found) }, None))
            .map_err(MembersError::Store),
        Request::EvidenceFile { session, number } => {
            evidence_file(store, organisation, &session, number, now).map(|reply| (reply, None))
        }
    };
    done.unwrap_or_else(|error| {
        let why = match &error {
            MembersError::Name(_) => Why::Name,
            MembersError::Level => Why::Level,
            MembersError::NameTaken => Why::NameTaken,
            MembersError::Unknown => Why::NoSuchMember,
            MembersError::Refused(_) => Why::Malformed,
            MembersError::Store(error) => {
                tracing::error!(error = error as &dyn std::error::Error, "administration failed");
                Why::Disk
            }
        };
        (Reply::Refused { why }, None)
    })
}

fn invite(
    store: &mut Sqlite,
    address: &RelayAddress,
    name: &str,
    role: Role,
    level: u8,
    now: Wall,
) -> Result<(Reply, Option<PublicKey>), MembersError> {
    let invitee = Invitee::new(name, role, level)?;
    let mut random = Zeroizing::new([0; SECRET]);
    if getrandom::fill(random.as_mut_slice()).is_err() {
        return Ok((Reply::Refused { why: Why::Disk }, None));
    }
    let invite = Invite::new(address.clone(), *random);
    let expires = members::invite(store, &invitee, invite.hash(), now)?;
    let name = Foreign::new(name.trim());
    Ok((Reply::Invite { invite: InviteWord(invite.word().to_string()), name, role, level, expires }, None))
}

/// What an operator is told of an erasure.
pub fn erased(session: String, done: Result<(), ErasingError>) -> Reply {
    let why = match done {
        Ok(()) => return Reply::Erased { session },
        Err(ErasingError::NoSuchSession) => Why::NoSuchSession,
        Err(ErasingError::NoSuchPart) => Why::NoSuchPart,
        Err(ErasingError::TooMany) => Why::Malformed,
        Err(error @ (ErasingError::Store(_) | ErasingError::Refused(_))) => {
            tracing::error!(error = &error as &dyn std::error::Error, "nothing was erased");
            Why::Disk
        }
    };
    Reply::Refused { why }
}

fn listed_erasure(erasure: Erasure) -> ListedErasure {
    let Erasure { session, at, parts, holders } = erasure;
    let parts = parts.map(|parts| parts.iter().map(|part| venia_proto::encoding::to_hex(part)).collect());
    let members = holders.into_iter().map(|(name, deleted)| ListedHolder { name: Foreign::new(name), deleted });
    ListedErasure { session: session.to_string(), at, parts, members: members.collect() }
}

fn listed_contradictions(found: &[Contradiction]) -> Vec<ListedContradiction> {
    let mut listed: Vec<ListedContradiction> = Vec::with_capacity(found.len());
    for Contradiction { session, author, seq, at, .. } in found {
        let session = session.to_string();
        let number = listed.iter().rev().take_while(|before| before.session == session).count() + 1;
        listed.push(ListedContradiction { session, number, author: author.to_string(), seq: *seq, at: *at });
    }
    listed
}

fn evidence_file(
    store: &Sqlite,
    organisation: &Organisation,
    named: &str,
    number: Option<usize>,
    now: Wall,
) -> Result<Reply, MembersError> {
    let Some(session) = contradictions::session(named) else { return Ok(Reply::Refused { why: Why::Malformed }) };
    let found = store.contradictions(Some(session))?;
    let of = found.len();
    let Some(found) = contradictions::pick(found, number) else { return Ok(Reply::Refused { why: Why::NoEvidence }) };
    let statement = organisation.served().note.clone();
    let file = contradictions::file(store, &found, statement, &organisation.keys.authority, now)?;
    // Notes are text; one that isn't can't be in the log.
    let text = String::from_utf8(file.to_bytes());
    let text = text.map_err(|_| MembersError::Store(StoreError::Damaged("an event of the evidence")))?;
    Ok(Reply::EvidenceFile { session: session.to_string(), text, of })
}

fn listed(member: StoredMember) -> ListedMember {
    let StoredMember { name, role, level, since, revoked, .. } = member;
    ListedMember { name, role, level, since, revoked }
}
