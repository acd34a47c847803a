//! `venia-agent sign`: the person's signature, rating and comment, a correction, or *it is back*: any time after the
//! close.
//!
//! An `addendum` on the agent's strand: it adds to the record and changes nothing in it (SECURITY E7).

use venia_proto::catalog::Catalog;
use venia_proto::foreign::Foreign;
use venia_proto::id::SessionId;
use venia_proto::ledger::body::{Addendum, Body};
use venia_proto::ledger::kind::{Addition, Kind};
use venia_proto::session::agent::Entry;
use venia_relay::client::home::Home;
use venia_ui::cli::{Common, Program};
use venia_ui::failure::{Exit, Failure, Loss};
use venia_ui::words::Words;

use crate::Parts;
use crate::archive::Archive;
use crate::journal::Journals;
use crate::person::feed::News;
use crate::person::sheet::Sheet;
use crate::person::{Answer, Asking, Line, Medium, Question, QuestionId, card};

use super::complete::Desk;
use super::{LOG_CLOSED, complete_failure, home_failure, journal_failure, records};

/// An addendum without words.
const NOTHING: Addendum = Addendum { stars: None, comment: None, correction: None };

/// What a person adds to a closed record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Signature, then stars and comment.
    Sign,
    /// Something recorded was wrong.
    Correct(Foreign),
    /// The fault came back.
    Reopen,
}

impl Wish {
    /// As the command line has it; it allows one of the two.
    pub fn of(correct: Option<Foreign>, reopen: bool) -> Self {
        match correct {
            Some(text) => Self::Correct(text),
            None if reopen => Self::Reopen,
            None => Self::Sign,
        }
    }

    fn card(&self, words: &Words) -> Sheet {
        match self {
            Self::Sign => card::sign(words),
            Self::Correct(text) => card::correct(text, words),
            Self::Reopen => card::reopen(words),
        }
    }
}

/// Asks at the terminal, records what is added, and brings it to the ledger if that can be reached.
pub async fn sign(session: SessionId, wish: Wish, common: &Common, parts: Parts) -> Result<Exit, Failure> {
    let words = common.words();
    let person = (parts.person)(&words, Medium::Terminal)?;
    let home = Home::open(&common.folder(Program::Agent)?, true).map_err(|error| home_failure(&error, &words))?;
    let journals = Journals::open(home.dir()).map_err(|error| journal_failure(&error, &words))?;
    let catalog = Catalog::built_in();
    let archive = records::load(&journals, session, &words)?;
    if !archive.closed {
        return Err(records::unknown_session(&words));
    }
    let mut line = person.start(&words)?;
    let signed = ask(&mut line, 1, wish.card(&words), Asking::Sign).await;
    if !matches!(signed, Some(Answer::Sign { .. })) {
        return Ok(Exit::Refused);
    }
    let desk = Desk { home: &home, journals: &journals, catalog: &catalog, words: &words };
    match wish {
        Wish::Sign => {
            let stars = stars(&mut line, &words).await;
            let comment = match ask(&mut line, 3, card::free(words.say("sign-comment", &[])), Asking::Free).await {
                Some(Answer::Words(comment)) => comment.and_then(|text| Foreign::text(text.raw()).ok()),
                _ => None,
            };
            signed_with(&desk, session, stars, comment, &words)?;
        }
        Wish::Correct(text) => {
            add(&desk, session, Addition::Correction, Addendum { correction: Some(text), ..NOTHING }, &words)?;
        }
        Wish::Reopen => add(&desk, session, Addition::Reopening, NOTHING, &words)?,
    }
    line.tell.feed(News::Signed);
    match records::bring_to_the_ledger(&desk, session, &words).await {
        Ok(()) => {}
        Err(failure) if failure.kind == LOG_CLOSED => line.tell.feed(News::Said(failure.message)),
        Err(_) => line.tell.feed(News::RecordLater),
    }
    let _ = tokio::time::timeout(std::time::Duration::from_secs(2), line.tell.shown()).await;
    Ok(Exit::Done)
}

/// The signature, and what was said with it.
pub(super) fn signed_with(
    desk: &Desk<'_>,
    session: SessionId,
    stars: Option<u8>,
    comment: Option<Foreign>,
    words: &Words,
) -> Result<(), Failure> {
    add(desk, session, Addition::Signoff, NOTHING, words)?;
    if stars.is_some() || comment.is_some() {
        add(desk, session, Addition::Rating, Addendum { stars, comment, correction: None }, words)?;
    }
    Ok(())
}

fn add(desk: &Desk<'_>, session: SessionId, what: Addition, body: Addendum, words: &Words) -> Result<(), Failure> {
    let (mut journal, replay) = desk.journals.reopen(session).map_err(|error| journal_failure(&error, words))?;
    let archive = Archive::read(&replay).map_err(|error| complete_failure(&error.into(), words))?;
    let mut scribe = desk.scribe(&archive).map_err(|error| complete_failure(&error, words))?;
    let (about, _) = archive.close().ok_or_else(|| records::unknown_session(words))?;
    let entry = Entry::Own { kind: Kind::Addendum { about, what }, body: Body::Addendum(body) };
    desk.append(&mut journal, &mut scribe, vec![entry], &[])
        .map_err(|error| complete_failure(&error, words).after(Loss::NothingLost, words))
}

/// One to five, or none.
async fn stars(line: &mut Line, words: &Words) -> Option<u8> {
    for id in 10.. {
        let answer = ask(line, id, card::free(words.say("sign-stars", &[])), Asking::Free).await;
        match answer {
            Some(Answer::Words(Some(text))) => {
                if let Ok(stars @ 1..=5) = text.raw().trim().parse() {
                    return Some(stars);
                }
            }
            _ => return None,
        }
    }
    None
}

async fn ask(line: &mut Line, id: u64, sheet: Sheet, kind: Asking) -> Option<Answer> {
    line.asked(Question { id: QuestionId(id), sheet, kind }).await
}
