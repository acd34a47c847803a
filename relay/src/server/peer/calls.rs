//! What a peer asks for: each call goes to whoever knows the answer, and nobody waits for another's.
//!
//! Not here: what is allowed ([`crate::server::registry`], [`crate::server::members`], [`crate::server::ledger`]).

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use venia_proto::key::{PublicKey, VerifierKey};
use venia_proto::rendezvous::{Answer, Call, ERASURES_MAX, FromRelay, Refusal};

use super::{Conversation, PeerError, Relay, random};
use crate::clock;
use crate::server::accept;
use crate::server::audit::Looked;
use crate::server::ledger::StoreError;
use crate::server::ledger::admission::Submission;
use crate::server::ledger::continuity::Continuity;
use crate::server::ledger::notes::notes;
use crate::server::ledger::prove::Question;
use crate::server::ledger::queue::Pending;
use crate::server::ledger::shards;
use crate::server::ledger::sqlite::Sqlite;
use crate::server::members::{self, MembersError};
use crate::server::registry::{Effect, Ticket};
use crate::server::sources::Source;

impl Conversation<'_> {
    /// Carries one call out, or begins to.
    pub(super) async fn call(&self, ticket: Ticket, call: Call, open: OwnedSemaphorePermit) -> Result<(), PeerError> {
        let hall = &self.relay.hall;
        match call {
            Call::Register { session } => {
                if self.auditors().is_none() {
                    return Err(PeerError::Outdated);
                }
                let random = random()?;
                hall.act(|registry, now| registry.register(ticket, session, random, now));
            }
            Call::Paired { flow, outcome } => hall.act(|registry, now| registry.paired(ticket, flow, outcome, now)),
            Call::EndFlow { flow } => hall.act(|registry, now| registry.end(ticket, flow, now)),
            Call::Resume { flow } => {
                // Agents and whoever was revoked carry on only what this relay still knows to be theirs.
                let member = self.helper().is_ok();
                hall.act(|registry, _| registry.resume(ticket, flow, member));
            }
            Call::Hold { session, flow, member } => {
                let Ok(member) = PublicKey::from_bytes(member) else { return Err(PeerError::OutOfPlace) };
                let random = random()?;
                hall.act(|registry, now| registry.hold(ticket, session, (flow, member), random, now));
            }
            Call::Join { number } => {
                let random = random()?;
                // A member revoked in between is gone from the registry. (SECURITY A5)
                match self.helper() {
                    Ok(note) => hall.act(|registry, now| registry.join(ticket, Some(note), number, random, now)),
                    Err(refusal) => hall.act(|_, _| vec![Effect::Answer { ticket, answer: Err(refusal) }]),
                }
            }
            Call::Enroll { secret, key } => {
                let key = key.parse::<VerifierKey>().ok().filter(|vkey| vkey.key == self.key);
                self.asked(ticket, open, move |relay, _, _| async move {
                    let (key, now, roster) = (key.ok_or(Refusal::NotAllowed)?, clock::now().wall, relay.roster.clone());
                    let enrolled = relay.ledger.perform(move |store| {
                        let member = members::enroll(store, &secret, &key, now)?;
                        roster.enrolled(member.clone());
                        Ok(member)
                    });
                    let note = enrolled.await?.map_err(refusal)?.note(&relay.organisation.keys.authority, now);
                    Ok(Answer::Member { note })
                });
            }
            Call::Renew => {
                let member = self.relay.roster.member(&self.key);
                let authority = &self.relay.organisation.keys.authority;
                let answer = member.map(|member| Answer::Member { note: member.note(authority, clock::now().wall) });
                hall.act(|_, _| vec![Effect::Answer { ticket, answer }]);
            }
            Call::Submit { events, known } => {
                let met = hall.meeting(&self.key);
                if met.is_some() {
                    accept::admit(self.connection);
                }
                let (from, source, held) = (self.key, Source::of(self.from).to_string(), self.held.clone());
                let submission = Submission { from, source, met, events, known, held, auditors: self.auditors() };
                // Queued here, not in a task: events are recorded in the order they came.
                let pending = self.relay.ledger.submit(submission).await;
                self.answer_later(ticket, open, pending);
            }
            Call::Prove { session, skip, size, first } => {
                let question = Question { by: self.key, session, skip, size, first };
                self.asked(ticket, open, move |relay, _, _| async move {
                    match relay.desk.archived(move |store| shards::proven(store, &question)).await {
                        Some(answer) => answer,
                        None => relay.prove(question).await,
                    }
                });
            }
            Call::Erasures { sessions } => self.erased(ticket, open, move |store, by| {
                if sessions.len() > ERASURES_MAX {
                    return Ok(Err(Refusal::NotAllowed));
                }
                store.erasures_for(by, &sessions).map(|notes| Ok(Answer::Erasures { notes }))
            }),
            Call::Erased { session } => self.erased(ticket, open, move |store, by| {
                let obeyed = store.obeyed(by, session, clock::now().wall)?;
                Ok(if obeyed { Ok(Answer::Noted) } else { Err(Refusal::NotAllowed) })
            }),
            Call::Notes { session, skip } => {
                self.asked(ticket, open, move |relay, by, _| async move {
                    match relay.desk.archived(move |store| shards::noted(store, by, session, skip)).await {
                        Some(answer) => answer,
                        None => relay.ledger.perform(move |store| notes(store, by, session, skip)).await?,
                    }
                });
            }
            Call::Look { what, session } => self.asked(ticket, open, move |relay, by, looked| async move {
                relay.desk.look(&relay.ledger, by, &looked, what, session).await
            }),
            Call::Logs => {
                self.asked(ticket, open, |relay, by, looked| async move { relay.heads(by, &looked).await });
            }
            Call::Entries { origin, from } => self.asked(ticket, open, move |relay, by, looked| async move {
                relay.desk.entries(by, &looked, &origin, from).await
            }),
            Call::Seen { checkpoint } => {
                let pending = self.relay.ledger.continuity(Continuity::Seen(checkpoint)).await;
                self.answer_later(ticket, open, pending);
            }
            Call::Consistency { origin, first, second } => {
                self.asked(ticket, open, move |relay, _, _| async move {
                    let asked = origin.clone();
                    match relay.desk.archived(move |store| shards::between(store, (&asked, first, second))).await {
                        Some(answer) => answer,
                        None => relay.consistency(origin, first, second).await,
                    }
                });
            }
            Call::Successors { log } => self.asked(ticket, open, move |relay, _, _| async move {
                let told = relay.desk.successors(log, relay.organisation.served().note.clone()).await;
                told.map(|answer| relay.dressed(answer))
            }),
        }
        Ok(())
    }

    fn answer_later(&self, ticket: Ticket, open: OwnedSemaphorePermit, pending: Result<Pending, Refusal>) {
        let (relay, outbox) = (self.relay.clone(), self.outbox.clone());
        tokio::spawn(async move {
            let answer = answered(pending).await.map(|answer| relay.dressed(answer));
            // A peer that is gone asks again when it is back.
            outbox.send(FromRelay::Answer { id: ticket.call, answer }).await;
            drop(open);
        });
    }

    /// Asks about what was erased. (SECURITY E11)
    fn erased(
        &self,
        ticket: Ticket,
        open: OwnedSemaphorePermit,
        ask: impl FnOnce(&mut Sqlite, &PublicKey) -> Result<Result<Answer, Refusal>, StoreError> + Send + 'static,
    ) {
        let (relay, outbox, by) = (self.relay.clone(), self.outbox.clone(), self.key);
        tokio::spawn(async move {
            let answer = match relay.ledger.perform(move |store| ask(store, &by)).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(error)) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "erasures can't be read");
                    Err(Refusal::Disk)
                }
                Err(refusal) => Err(refusal),
            };
            outbox.send(FromRelay::Answer { id: ticket.call, answer }).await;
            drop(open);
        });
    }

    /// Answers once that is known.
    fn asked<F: Future<Output = Result<Answer, Refusal>> + Send + 'static>(
        &self,
        ticket: Ticket,
        open: OwnedSemaphorePermit,
        ask: impl FnOnce(Arc<Relay>, PublicKey, Looked) -> F,
    ) {
        let (asking, outbox) = (ask(self.relay.clone(), self.key, self.looked.clone()), self.outbox.clone());
        tokio::spawn(async move {
            let answer = asking.await;
            outbox.send(FromRelay::Answer { id: ticket.call, answer }).await;
            drop(open);
        });
    }
}

/// What the ledger answers.
async fn answered(pending: Result<Pending, Refusal>) -> Result<Answer, Refusal> {
    pending?.await.unwrap_or(Err(Refusal::Disk))
}

fn refusal(error: MembersError) -> Refusal {
    match error {
        MembersError::Refused(refusal) => refusal,
        MembersError::Store(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "members can't be read");
            Refusal::Disk
        }
        MembersError::Name(_) | MembersError::Level | MembersError::NameTaken | MembersError::Unknown => {
            Refusal::NotAllowed
        }
    }
}
