//! Brings a session's record to its end: what has no receipt is offered to the relay again, the proofs are fetched, and
//! the person's bundle is written.
//!
//! Used after a session, at the next start (a crash, a lost relay), and before an export. Idempotent: the relay gives
//! the same place and a fresh receipt for what it holds already.

use std::path::PathBuf;
use std::time::Duration;

use venia_proto::catalog::Catalog;
use venia_proto::consent::EntryRef;
use venia_proto::fingerprint::Fingerprint;
use venia_proto::id::SessionId;
use venia_proto::key::{SigningKey, VerifierKey};
use venia_proto::ledger::bundle::ZIP_MAX;
use venia_proto::ledger::event::Event;
use venia_proto::ledger::evidence;
use venia_proto::ledger::kind::Kind;
use venia_proto::ledger::part::Opening;
use venia_proto::ledger::pin::PinError;
use venia_proto::ledger::verify::{Finding, Roots, Verdict, verify};
use venia_proto::now::Wall;
use venia_proto::rendezvous::{EventFault, Refusal, SUBMIT_MAX};
use venia_proto::session::agent::Entry;
use venia_proto::session::recovery::after_crash;
use venia_proto::statement::Statement;
use venia_relay::client::control::{Control, ControlError};
use venia_relay::client::home::{Home, HomeError};
use venia_relay::client::receipt::{assemble, fetch};
use venia_ui::words::Words;

use crate::archive::{Archive, ArchiveError};
use crate::driver::clock;
use crate::driver::scribe::{Recorded, Scribe};
use crate::journal::{Journal, JournalError, Journals, Mark, Need, Record};
use crate::known;
use crate::seal::SealError;
use crate::submit::{Offer, SubmitError, submit};
use crate::succession::is_closed;

/// How long the relay may take for one answer.
const ANSWER: Duration = Duration::from_secs(10);

/// What completing needs.
pub struct Desk<'a> {
    /// The data folder.
    pub home: &'a Home,
    /// The journals in it.
    pub journals: &'a Journals,
    /// Every item this agent knows.
    pub catalog: &'a Catalog,
    /// The person's words.
    pub words: &'a Words,
}

/// A record that can't be completed now.
#[derive(Debug, thiserror::Error)]
pub enum CompleteError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// What the journal holds.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The relay.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The data folder.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The journal's events don't fit together.
    #[error("the journal's events don't fit together: {0}")]
    Strand(String),
    /// The relay's receipt doesn't hold.
    #[error("the relay's receipt doesn't hold")]
    Receipt,
    /// The session was another help service's.
    #[error("the session belongs to another help service")]
    OtherService,
    /// The session's auditors can't be sealed to.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The relay will never take the session's beginning: told once, and never offered again.
    #[error("the session of {0} never began: nothing ran and nothing was shared")]
    NeverBegan(Wall),
    /// What was added came after the session's log was closed: it stays on this PC.
    #[error("the log of that session is closed")]
    LogClosed,
    /// The bundle can't be put together.
    #[error("the record can't be put together")]
    Bundle,
}

impl From<SubmitError> for CompleteError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Connection(error) => Self::Control(error),
            SubmitError::Refused(refusal) => Self::Control(ControlError::Refused(refusal)),
            SubmitError::Proof(_) | SubmitError::NoReceipt => Self::Receipt,
        }
    }
}

impl Desk<'_> {
    /// Closes what a crash left open, on this PC alone: no network needed. Returns the sessions that still lack receipts.
    /// A record that can't be closed stays as it is: it must not keep this PC from getting help ever again.
    pub fn after_a_crash(&self) -> Result<Vec<SessionId>, CompleteError> {
        let mut unfinished = Vec::new();
        for (session, need) in self.journals.unfinished()? {
            match need {
                Need::CrashClose => match self.close_crashed(session) {
                    Ok(()) => unfinished.push(session),
                    Err(error) => tracing::error!(%session, %error, "a session that a crash left open can't be closed"),
                },
                Need::Resubmit => unfinished.push(session),
                Need::Damaged(error) => tracing::error!(%session, %error, "a session's record is damaged"),
            }
        }
        Ok(unfinished)
    }

    fn close_crashed(&self, session: SessionId) -> Result<(), CompleteError> {
        let (mut journal, replay) = self.journals.reopen(session)?;
        let archive = Archive::read(&replay)?;
        let mut scribe = self.scribe(&archive)?;
        let events: Vec<_> = archive
            .events
            .iter()
            .filter_map(|(event, _)| {
                let entry = EntryRef { author: event.header().author, seq: event.header().seq };
                Some((entry, scribe.kind(entry)?))
            })
            .collect();
        let performed = |admit: EntryRef| scribe.leaf(admit).is_some_and(|leaf| archive.receipts.contains_key(&leaf));
        if let Some(entries) = after_crash(&events, performed) {
            self.append(&mut journal, &mut scribe, entries, &[Record::Mark(Mark::Closed)])?;
            tracing::info!(%session, "a session that a crash left open was closed");
        }
        Ok(())
    }

    /// Writes more events of the agent into a journal.
    pub fn append(
        &self,
        journal: &mut Journal,
        scribe: &mut Scribe,
        entries: Vec<Entry>,
        beside: &[Record],
    ) -> Result<(), CompleteError> {
        let events =
            scribe.write(entries, clock::now().wall).map_err(|error| CompleteError::Strand(error.to_string()))?;
        let mut records: Vec<Record> = events.iter().flat_map(Recorded::records).collect();
        records.extend_from_slice(beside);
        journal.append_last_words(&records)?;
        Ok(())
    }

    /// The scribe of a session, as far as its journal goes.
    pub fn scribe(&self, archive: &Archive) -> Result<Scribe, CompleteError> {
        let mut scribe = Scribe::new(archive.session, self.key()?, archive.recipients()?);
        for (event, openings) in &archive.events {
            scribe.replay(event, openings.clone()).map_err(CompleteError::Strand)?;
        }
        // What is written now quotes the newest receipt kept here, not only those that earlier events had quoted: the
        // end of a run that a crash cut off shows that its admit was in the log. (SECURITY E9)
        for proof in archive.receipts.values() {
            scribe.held(proof);
        }
        Ok(scribe)
    }

    /// Offers the relay what has no receipt, fetches the proofs, and writes the bundle. Says what `verify` says of it.
    pub async fn complete(
        &self,
        session: SessionId,
        control: &Control,
        root: Fingerprint,
        patience: Duration,
    ) -> Result<(PathBuf, Verdict), CompleteError> {
        let (mut journal, replay) = self.journals.reopen(session)?;
        let mut archive = Archive::read(&replay)?;
        belongs(&archive.statement, &root)?;
        let began = archive.events[0].0.header().time;
        if archive.never_began {
            return Err(CompleteError::NeverBegan(began));
        }
        if let Some(log) = archive.log()
            && is_closed(self.home, &log, control)?
        {
            return self.complete_closed(journal, &archive, &log, control, root, patience).await;
        }
        match self.resubmit(&mut journal, &archive, control).await {
            Err(CompleteError::Control(ControlError::Refused(refusal)))
                if archive.is_unbegun() && is_final(refusal) =>
            {
                journal.append_last_words(&[Record::Mark(Mark::NeverBegan)])?;
                return Err(CompleteError::NeverBegan(began));
            }
            resubmitted => resubmitted?,
        }
        drop(journal);
        archive = Archive::read(&self.journals.read(session)?)?;
        let held = archive.held(self.key()?.verifier()).ok_or(CompleteError::Receipt)?;
        let first = held.first.verify(archive.events[0].0.leaf(), &control.welcome().relay.log);
        let first = first.map_err(|_| CompleteError::Receipt)?.size;
        let close = archive.close().map(|(entry, _)| entry.seq);
        let proofs = fetch(control, session, first, close, patience).await?;
        let mut bundle = assemble(&held, Some(&proofs)).map_err(|_| CompleteError::Bundle)?;
        bundle.receipt = venia_ui::receipt::of_bundle(&bundle, self.catalog);
        let zip = bundle.to_zip().map_err(|_| CompleteError::Bundle)?;
        let verdict = verify(&zip, Roots { named: Some(root), known: &[] });
        let name = bundle_name(session);
        self.home.write(&name, &zip)?;
        if verdict.verdict == Finding::Intact {
            self.journals.reopen(session)?.0.append_last_words(&[Record::Mark(Mark::Receipted)])?;
        }
        Ok((self.home.path(&name)?, verdict))
    }

    /// The session's log takes nothing any more. What it holds of the session is proven once more, against its last
    /// checkpoint; what it doesn't, this PC alone has, and says so: the session is asked about no more. A whole record that is
    /// here already is never replaced by less.
    async fn complete_closed(
        &self,
        mut journal: Journal,
        archive: &Archive,
        log: &VerifierKey,
        control: &Control,
        root: Fingerprint,
        patience: Duration,
    ) -> Result<(PathBuf, Verdict), CompleteError> {
        let session = archive.session;
        let mut held = archive.held(self.key()?.verifier()).ok_or(CompleteError::Receipt)?;
        let first = held.first.verify(archive.events[0].0.leaf(), log).map_err(|_| CompleteError::Receipt)?.size;
        let proofs = match fetch(control, session, first, None, patience).await {
            Ok(proofs) => Some(proofs),
            // It was closed before this session, or before its first receipt.
            Err(ControlError::Refused(Refusal::NotAllowed)) => None,
            Err(error) => return Err(error.into()),
        };
        let recorded = |event: &Event| {
            let (author, seq) = (event.header().author, event.header().seq);
            proofs.as_ref().is_some_and(|proofs| proofs.entries.contains_key(&(author, seq)))
        };
        let before = held.events.len();
        held.events.retain(|event| !matches!(event.header().kind, Kind::Addendum { .. }) || recorded(event));
        let dropped = before - held.events.len();
        let mut bundle = assemble(&held, proofs.as_ref()).map_err(|_| CompleteError::Bundle)?;
        bundle.receipt = venia_ui::receipt::of_bundle(&bundle, self.catalog);
        let zip = bundle.to_zip().map_err(|_| CompleteError::Bundle)?;
        let roots = Roots { named: Some(root), known: &[] };
        let (name, mut verdict) = (bundle_name(session), verify(&zip, roots));
        let here = self.home.read(&name, ZIP_MAX)?.map(|zip| verify(&zip, roots));
        match here.filter(|here| here.verdict == Finding::Intact && verdict.verdict != Finding::Intact) {
            Some(here) => verdict = here,
            None => self.home.write(&name, &zip)?,
        }
        journal.append_last_words(&[Record::Mark(Mark::Receipted)])?;
        tracing::info!(%session, verdict = ?verdict.verdict, "its log is closed: nothing more is asked");
        if dropped > 0 { Err(CompleteError::LogClosed) } else { Ok((self.home.path(&name)?, verdict)) }
    }

    async fn resubmit(&self, journal: &mut Journal, archive: &Archive, control: &Control) -> Result<(), CompleteError> {
        let waiting: Vec<&(Event, Vec<Opening>)> = archive.unreceipted().collect();
        let log = &control.welcome().relay.log;
        // The log must continue what this PC saw of it before (SECURITY F4).
        let mut pin = known::pin(self.home, log)?;
        for chunk in waiting.chunks(SUBMIT_MAX) {
            let sealed: Vec<_> = chunk.iter().map(|(event, _)| archive.sealed_of(event)).collect();
            let offers: Vec<_> =
                chunk.iter().zip(&sealed).map(|((event, _), sealed)| Offer { event, sealed }).collect();
            let proofs = match submit(control, log, &mut pin, &offers, ANSWER).await {
                Ok(proofs) => proofs,
                Err(SubmitError::Proof(PinError::Evidence(found))) => {
                    let file = evidence::File::of_log(control.welcome().statement_note.clone(), &found);
                    known::keep_evidence(self.home, log, &file)?;
                    return Err(CompleteError::Receipt);
                }
                Err(error) => return Err(error.into()),
            };
            let records: Vec<_> =
                proofs.into_iter().map(|(leaf, proof)| Record::Receipt { leaf, proof: proof.into() }).collect();
            journal.append(&records)?;
        }
        if let Some(pin) = pin {
            known::remember_pin(self.home, log, &pin.note())?;
        }
        Ok(())
    }

    fn key(&self) -> Result<SigningKey, HomeError> {
        self.home.key(crate::KEY_FILE, crate::KEY_KIND)
    }
}

/// Whether the relay will say the same every time: that nobody came for the session, as far as it knows. It forgets when it
/// starts anew who came; a missing sealed part may be there the next time.
fn is_final(refusal: Refusal) -> bool {
    matches!(refusal, Refusal::Event { fault, .. } if fault != EventFault::Sealed)
}

/// Who was here, when and by whose key is told to the organisation that was here, and to no other.
fn belongs(statement: &[u8], root: &Fingerprint) -> Result<(), CompleteError> {
    Statement::open(statement, root).map(drop).map_err(|_| CompleteError::OtherService)
}

/// Name of a session's bundle in the data folder.
pub fn bundle_name(session: SessionId) -> String {
    format!("session-{session}.zip")
}

#[cfg(test)]
mod tests {
    use venia_proto::foreign::Foreign;
    use venia_proto::ledger::body::Language;
    use venia_proto::statement::Relay;

    use super::*;

    #[test]
    fn a_record_that_cant_be_closed_doesnt_stop_the_next_session() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(&folder.path().join("data"), true).unwrap();
        let journals = Journals::open(home.dir()).unwrap();
        let (catalog, words) = (Catalog::built_in(), Words::new(Language::En));
        let mut journal = journals.create(SessionId([1; 16])).unwrap();
        journal.append(&[Record::Event { note: "no event".into(), openings: Vec::new() }]).unwrap();
        drop(journal);
        let desk = Desk { home: &home, journals: &journals, catalog: &catalog, words: &words };
        assert_eq!(desk.after_a_crash().unwrap(), []);
    }

    #[test]
    fn a_record_goes_to_its_own_service_only() {
        let root = |seed| SigningKey::new("root", [seed; 32]);
        let vkey = |seed| SigningKey::new("key", [seed; 32]).verifier().clone();
        let relay = Relay {
            name: Foreign::new("relay"),
            address: "relay.example:4433".parse().unwrap(),
            tls: vkey(2).key,
            log: vkey(3),
        };
        let statement = Statement {
            root: root(1).verifier().clone(),
            organisation: Foreign::new("Shop"),
            serial: 1,
            not_after: Wall::from_ms(1_800_000_000_000),
            relays: vec![relay],
            authority: vkey(4),
            auditors: Vec::new(),
            witnesses: Vec::new(),
            quorum: 0,
            packs: Vec::new(),
            keep_days: 30,
        };
        let note = statement.sign(&root(1));
        assert!(belongs(&note, &Fingerprint::of(root(1).verifier())).is_ok());
        let other = belongs(&note, &Fingerprint::of(root(9).verifier()));
        assert!(matches!(other, Err(CompleteError::OtherService)));
    }

    #[test]
    fn only_what_stays_as_it_is_ends_the_offers() {
        let event = |fault| Refusal::Event { place: 0, fault };
        for refusal in [event(EventFault::Session), event(EventFault::Format), event(EventFault::Chain)] {
            assert!(is_final(refusal), "{refusal}");
        }
        let passing = [Refusal::Disk, Refusal::Busy, Refusal::Quota, Refusal::SetBack, event(EventFault::Sealed)];
        for refusal in passing {
            assert!(!is_final(refusal), "{refusal}");
        }
    }
}
