//! After a session: its record is completed, told, and offered for signing.
//!
//! Not here: how a record is completed ([`crate::commands::complete`]) or signed ([`crate::commands::sign`]), and why the
//! session ended, which is decided by then.

use std::path::PathBuf;
use std::time::Duration;

use venia_proto::foreign::Foreign;
use venia_proto::id::SessionId;
use venia_proto::ledger::cosignature::Witnessed;
use venia_proto::ledger::verify::Finding;
use venia_proto::now::Wall;
use venia_proto::session::close::Close;
use venia_ui::failure::{Exit, Failure};

use super::{EARLIER, Serving};
use crate::commands::complete::{CompleteError, Desk};
use crate::commands::{sign, withheld};
use crate::driver::clock;
use crate::driver::session::Ended;
use crate::person::feed::{self, News};
use crate::person::{Answer, Asking, Line, Medium, Question, QuestionId, card};

/// How long the proofs of the session may take.
const PROOFS: Duration = Duration::from_secs(8);
/// The question whether to sign waits this long: in a terminal that somebody needs again, and on a page that stays.
const SIGNING: Duration = Duration::from_secs(120);
const SIGNING_ON_A_PAGE: Duration = Duration::from_secs(3_600);
/// Far from the numbers of cards.
const SIGN_QUESTION: QuestionId = QuestionId(u64::MAX);

/// What became of a session's record.
enum Completed {
    /// The person's bundle, and what witnesses said.
    Bundle(PathBuf, Option<Witnessed>),
    /// At the next contact.
    Later,
    /// There is none. When it would have begun.
    NeverBegan(Wall),
}

impl Serving<'_> {
    /// The record is completed, told, and offered for signing.
    pub(super) async fn farewell(
        &self,
        session: SessionId,
        name: &Foreign,
        ended: &Ended,
        person: &mut Line,
    ) -> Result<Exit, Failure> {
        let (completed, never_began) = match self.complete(session).await {
            Completed::Bundle(bundle, witnessed) => (Some((bundle, witnessed)), None),
            Completed::Later => (None, None),
            Completed::NeverBegan(opened) => (None, Some(opened)),
        };
        let (bundle, witnessed) = completed.unzip();
        let witnessed = witnessed.flatten();
        if ended.close == Close::RelayWithholds {
            match withheld::keep(self.home, self.journals, session, self.control, clock::now().wall) {
                Ok(Some(file)) => person.tell.feed(News::Withheld(file)),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "what has no receipt can't be noted"),
            }
        }
        let cause = ended.close.cause();
        let summary = feed::Close {
            cause,
            name: name.clone(),
            signoff: ended.signoff.clone(),
            allowed: ended.allowed,
            refused: ended.refused,
            sent: ended.sent,
            bundle: bundle.clone(),
        };
        person.tell.feed(News::Closed(Box::new(summary)));
        match witnessed {
            Some(found) if found.is_witnessed() => {
                let (by, all) = (found.cosigned, self.control.welcome().statement.witnesses.len());
                person.tell.feed(News::Witnessed { by: usize::try_from(by).unwrap_or(usize::MAX), all });
            }
            Some(_) => person.tell.feed(News::NotWitnessed),
            None => {}
        }
        match never_began {
            Some(opened) => person.tell.feed(News::NeverBegan(opened)),
            None if bundle.is_none() => person.tell.feed(News::RecordLater),
            None => {}
        }
        if ended.accepted && !ended.gone && ended.close != Close::NoEyes && ended.close != Close::Disk {
            self.offer_to_sign(session, person).await?;
        }
        let served = ended.accepted && matches!(ended.close, Close::Done | Close::Stopped);
        Ok(if served { Exit::Done } else { Exit::Refused })
    }

    async fn offer_to_sign(&self, session: SessionId, person: &mut Line) -> Result<(), Failure> {
        let question = Question { id: SIGN_QUESTION, sheet: card::sign(&self.words), kind: Asking::Sign };
        // What was pressed while the record was being completed meant the session, which is over: *stop* twice is not
        // *don't sign*.
        while person.medium == Medium::Page && person.events.try_recv().is_ok() {}
        let longest = match person.medium {
            Medium::Terminal => SIGNING,
            Medium::Page => SIGNING_ON_A_PAGE,
        };
        let answer = tokio::time::timeout(longest, person.asked(question)).await;
        person.tell.withdraw(SIGN_QUESTION);
        if let Ok(Some(Answer::Sign { stars, comment })) = answer {
            let desk = Desk { home: self.home, journals: self.journals, catalog: self.catalog, words: &self.words };
            sign::signed_with(&desk, session, stars, comment, &self.words)?;
            let _ = self.complete(session).await;
            person.tell.feed(News::Signed);
        } else {
            let command = format!("venia-agent sign {session}");
            person.tell.feed(News::SignLater { command });
        }
        Ok(())
    }

    /// The person's bundle, if the whole record could be proven now.
    async fn complete(&self, session: SessionId) -> Completed {
        let desk = Desk { home: self.home, journals: self.journals, catalog: self.catalog, words: &self.words };
        let completing = desk.complete(session, self.control, self.address.root, PROOFS);
        match tokio::time::timeout(PROOFS + EARLIER, completing).await {
            Ok(Ok((path, verdict))) => {
                if verdict.verdict != Finding::Intact {
                    tracing::warn!(verdict = ?verdict.verdict, why = %verdict.why, "the record isn't complete");
                }
                Completed::Bundle(path, verdict.witnessed)
            }
            Ok(Err(CompleteError::NeverBegan(opened))) => Completed::NeverBegan(opened),
            Ok(Err(error)) => {
                tracing::debug!(%error, "the record can't be completed now");
                Completed::Later
            }
            Err(_) => Completed::Later,
        }
    }
}
