//! How a live session ends from this side: in good order, at once, or because somebody lied; and what is then left of it.

use quinn::VarInt;
use tokio::time::Instant;
use venia_proto::key::VerifierKey;
use venia_proto::ledger::kind::Cause;
use venia_proto::ledger::pin::Evidence;
use venia_proto::session::console::Input;
use venia_relay::client::code::LEFT;
use venia_ui::failure::Failure;

use super::{Finished, Live};
use crate::{seen, trouble};

/// Application close code of the end-to-end connection: the agent's program broke the rules.
const CLOSE_RULES: u32 = 1;

impl Live<'_, '_, '_> {
    /// A log lied. The other side gets a moment to find the same by what it was shown.
    pub(super) fn caught(&mut self, log: &VerifierKey, found: &Evidence) {
        match (self.keep)(log, found) {
            Some(file) => self.doubt(&seen::forked(&file, self.voice.words())),
            None => self.doubt(&seen::unproven(self.voice.words())),
        }
    }

    /// Nothing this log records counts any more: the session ends.
    pub(super) fn doubt(&mut self, failure: &Failure) {
        if !self.doubted {
            self.doubted = true;
            self.refused = true;
            self.voice.error(failure);
            self.ended.get_or_insert((Cause::RelayWithholds, Cause::RelayWithholds));
            if !self.silent {
                self.leave();
            }
        }
    }

    pub(super) fn broke_rules(&mut self, why: &str) {
        let failure = trouble::broke_rules(why, self.voice.words());
        self.end(&failure, (Cause::Technician, Cause::Technician), CLOSE_RULES);
    }

    /// Ends the session from this side, for a reason that is told once.
    pub(super) fn end(&mut self, failure: &Failure, ended: (Cause, Cause), code: u32) {
        if !self.silent {
            self.refused = true;
            self.voice.error(failure);
            self.ended.get_or_insert(ended);
            self.hang_up(code);
        }
    }

    /// Leaves without a sign-off: our stream ends, the agent closes the session for it, and as after a sign-off its close is
    /// waited for, so that this record is whole too. Leaving twice is leaving at once.
    pub(super) fn leave(&mut self) {
        if self.silent {
            return self.hang_up(LEFT);
        }
        self.silent = true;
        self.ended.get_or_insert((Cause::Technician, Cause::Technician));
        self.typing = None;
        // Dropping it ends the stream in good order.
        drop(self.sender.take());
        self.since.get_or_insert_with(Instant::now);
    }

    /// Ends the connection now.
    pub(super) fn hang_up(&mut self, code: u32) {
        self.silent = true;
        self.typing = None;
        self.connection.close(VarInt::from_u32(code), b"");
        self.inputs.push_back(Input::LinkLost);
    }

    pub(super) fn finished(self) -> Finished {
        let (by, cause) = self.ended.unwrap_or((Cause::RelayLost, Cause::RelayLost));
        let signoff = self.signoff.filter(|_| (by, cause) == (Cause::Technician, Cause::Done));
        let closed = signoff.is_some();
        Finished {
            record: self.record,
            erased: self.erased,
            by,
            cause,
            signoff,
            fulfilled: closed && (self.wanted == 0 || !self.refused) && self.had >= self.wanted,
            since: self.since.unwrap_or_else(Instant::now),
            doubted: self.doubted,
        }
    }
}
