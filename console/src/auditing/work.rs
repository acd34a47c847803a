//! What takes long: bringing the copies up to date, opening words, verifying, exporting. Each does what the command of the
//! same name does, by the same functions; what that puts on record in the log, this does too.

use std::path::Path;
use std::sync::PoisonError;

use venia_proto::ledger::looking::Look;
use venia_proto::ledger::notice::Looking;
use venia_relay::walking;
use venia_ui::failure::Failure;
use venia_ui::words::Words;

use super::state::{Progress, State, Written};
use crate::audit::check::{self, Freshness, Unproven, Verified, Wish};
use crate::audit::desk::Log;
use crate::audit::following;
use crate::audit::index::Session;
use crate::audit::mirror::Mirror;
use crate::audit::replay::{Judged, Replay};
use crate::audit::words::Words as Heard;
use crate::cli::Format;
use crate::{clock, trouble};

/// What a verification said of one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It holds.
    Intact {
        log: String,
        verified: Verified,
        rules: Judged,
        /// The relay closed it at fewer entries than the copy has.
        closed: Option<u64>,
        /// Where it ended, if it was pruned before the copy had all of it.
        pruned: Option<u64>,
        freshness: Option<Freshness>,
    },
    /// It doesn't, there.
    Broken { log: String, entry: u64, session: Option<String>, why: String },
    /// Nothing but its root is known.
    Pruned { log: String, entries: u64 },
    /// Somebody stopped it there.
    Stopped { log: String, entry: u64 },
    /// It can't be told.
    Unread { log: String, failure: Failure },
}

/// How a verification is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) fetch: bool,
    pub(super) since_last: bool,
    pub(super) words: bool,
}

impl State {
    /// Brings the copies up to date and opens the words of `only`; what was here before stays if that fails.
    pub(super) fn fetch(
        &self,
        looks: &[Look],
        only: Option<&dyn Fn(&Session) -> bool>,
        words: &Words,
    ) -> Result<(), Failure> {
        let told = |step| self.told(Progress::Fetching(step));
        let mut logs = self.logs.write().unwrap_or_else(PoisonError::into_inner);
        // Their locks go with them: they are opened again below.
        logs.clear();
        let fetched = self.desk.logs(false, looks, only, words, &told);
        let ended = match fetched {
            Ok(fetched) => {
                *logs = fetched;
                Ok(())
            }
            Err(failure) => {
                *logs = self.desk.logs(true, &[], None, words, &told).unwrap_or_default();
                Err(failure)
            }
        };
        self.board().fetched = Some((clock::now().wall, ended.clone()));
        ended
    }

    /// Opens the words of these sessions: refused before anything is put on record where no word could be read.
    pub(super) fn open_words(&self, only: &dyn Fn(&Session) -> bool, words: &Words) {
        let key = self.desk.auditor(words).and_then(|key| {
            let hint = || words.say("audit-no-key-hint", &[]);
            key.ok_or_else(|| trouble::cannot_tell("no-key", words.say("audit-no-key", &[]), hint(), words))
        });
        match key {
            Ok(_) => drop(self.fetch(&[(Looking::Search, None)], Some(only), words)),
            Err(failure) => self.board().fetched = Some((clock::now().wall, Err(failure))),
        }
    }

    /// Verifies every log.
    pub(super) fn verify(&self, wanted: Wanted, words: &Words) {
        let verdicts = self.verdicts(wanted, words);
        self.board().verified = Some((clock::now().wall, verdicts));
    }

    fn verdicts(&self, wanted: Wanted, words: &Words) -> Result<Vec<Verdict>, Failure> {
        if wanted.fetch {
            // Two looks: who reads the log finds that words were opened, not only that signatures were checked.
            let all = |_: &Session| true;
            match wanted.words {
                true => self.fetch(&[(Looking::Verify, None), (Looking::Search, None)], Some(&all), words)?,
                false => self.fetch(&[(Looking::Verify, None)], None, words)?,
            }
        }
        let logs = self.logs.read().unwrap_or_else(PoisonError::into_inner);
        // A log that is broken says nothing about the others: all are judged.
        Ok(logs.iter().map(|log| self.verdict(&log.copy, wanted.since_last, words)).collect())
    }

    fn verdict(&self, copy: &Mirror, since_last: bool, words: &Words) -> Verdict {
        let log = copy.key.name.to_string();
        if copy.is_pruned() {
            return Verdict::Pruned { log, entries: copy.state.pruned };
        }
        let heard = Heard::open(copy.dir()).and_then(|heard| Ok((heard, check::pinned(&self.desk.member, copy)?)));
        let (replay, seen) = match heard {
            Ok((heard, seen)) => (Replay::new(heard), seen),
            Err(error) => return Verdict::Unread { log, failure: trouble::folder(&error, words) },
        };
        let seen: Vec<_> = seen.into_iter().collect();
        let (root, jobs, stop) = (&self.desk.member.root, walking::cores(), &self.stop);
        let wish = Wish { root, since_last, jobs, seen: &seen, stop, replay: &replay };
        match check::verify(copy, &wish, |done, size| self.told(Progress::Verifying(done, size))) {
            Ok(verified) => Verdict::Intact {
                log,
                verified,
                rules: replay.judged(),
                closed: copy.state.closed,
                pruned: copy.pruned_at(),
                freshness: check::freshness(copy, root),
            },
            Err(Unproven::Mirror(error)) => Verdict::Unread { log, failure: trouble::copy(&error, words) },
            Err(Unproven::Stopped(entry)) => Verdict::Stopped { log, entry },
            Err(Unproven::Broken { entry, session, why }) => {
                Verdict::Broken { log, entry, session: session.map(|session| session.to_string()), why }
            }
        }
    }

    /// Writes the record for other tools.
    pub(super) fn export(&self, format: Format, out: &Path, fetch: bool, words: &Words) {
        let ended = self.exported(format, out, fetch, words);
        self.board().exported = Some(ended);
    }

    fn exported(&self, format: Format, out: &Path, fetch: bool, words: &Words) -> Result<Vec<Written>, Failure> {
        if fetch {
            self.fetch(&[(Looking::Export, None)], None, words)?;
        }
        let logs = self.logs.read().unwrap_or_else(PoisonError::into_inner);
        let write = |(n, log): (usize, &Log)| {
            let out = following::place(n, logs.len(), out);
            let added = following::export(&log.copy, format, &out).map_err(|error| trouble::copy(&error, words))?;
            Ok(Written { out, entries: log.copy.state.reading.size, added })
        };
        // Of a pruned log there is nothing to write; its place stays its own.
        logs.iter().enumerate().filter(|(_, log)| !log.copy.is_pruned()).map(write).collect()
    }
}
