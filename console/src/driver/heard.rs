//! What a live session hears: the agent's frames, results on their own streams, the relay's pushes.
//!
//! Each is handed on, or ends the session because no honest program sends it. Not here: what it means, which is for the
//! record and the machine to say.

use tokio::time::Instant;
use venia_proto::id::FlowId;
use venia_proto::ledger::gossip;
use venia_proto::ledger::kind::Cause;
use venia_proto::message::{Signed, ToConsole};
use venia_proto::rendezvous::{FlowEnd, Push};
use venia_proto::session::console::Input;
use venia_relay::client::code::LEFT;
use venia_relay::client::frames::FrameError;
use venia_ui::failure::{Failure, Loss, Trouble};

use super::record::RecordError;
use super::{AFTERMATH, ERASED_MAX, Live};
use crate::clock;

impl Live<'_, '_, '_> {
    /// A frame of the control stream; whether there may be another.
    pub(super) fn frame(&mut self, frame: Result<Option<ToConsole>, FrameError>) -> bool {
        match frame {
            Ok(Some(ToConsole::Event { signed, proof })) => self.event(&signed, proof.as_deref()),
            Ok(Some(ToConsole::Statement { note })) => {
                if !self.record.begin_under(&note) {
                    self.broke_rules("a statement that isn't the organisation's");
                }
            }
            Ok(Some(ToConsole::CloseRecorded)) => {
                self.inputs.extend(self.record.ready(clock::now().boot_ms, true));
                self.inputs.push_back(Input::CloseRecorded);
            }
            Ok(Some(ToConsole::Checkpoint(note))) => {
                self.talk.hear(clock::now().boot_ms, gossip::Input::Theirs(note));
            }
            Ok(Some(
                ToConsole::PairAnswer { .. }
                | ToConsole::PairConfirmed { .. }
                | ToConsole::PairRefused(_)
                | ToConsole::Reconnected { .. },
            )) => {
                self.broke_rules("a pairing message in a session");
            }
            Ok(None) => {
                self.gone.get_or_insert(Instant::now() + AFTERMATH);
                return false;
            }
            Err(error) => {
                match breach(&error) {
                    Some(why) => self.broke_rules(&why),
                    None => self.link_lost(),
                }
                return false;
            }
        }
        true
    }

    /// What came on a stream of its own: a result, or half of one that was cut off.
    pub(super) fn outcome(&mut self, frame: Result<Option<ToConsole>, FrameError>) {
        match frame {
            Ok(Some(ToConsole::Event { signed, proof })) => self.event(&signed, proof.as_deref()),
            Ok(Some(_)) => self.broke_rules("not a result on a result's stream"),
            Ok(None) => {}
            Err(error) => {
                if let Some(why) = breach(&error) {
                    self.broke_rules(&why);
                }
            }
        }
    }

    pub(super) fn event(&mut self, signed: &Signed, proof: Option<&[u8]>) {
        match self.record.take(signed, proof, clock::now().boot_ms) {
            Ok(()) => {
                if let (Some(_), Some(newest)) = (proof, self.record.newest()) {
                    self.talk.hear(clock::now().boot_ms, gossip::Input::Receipt(newest.note()));
                }
                self.inputs.extend(self.record.ready(clock::now().boot_ms, false));
                if self.record.close().is_some() {
                    self.since.get_or_insert_with(Instant::now);
                }
            }
            Err(RecordError::Fork(found)) => {
                let log = self.record.log().clone();
                self.caught(&log, &found);
            }
            Err(error) => self.broke_rules(&error.to_string()),
        }
    }

    pub(super) fn push(&mut self, push: Push, flow: FlowId) {
        match push {
            Push::FlowEnded { flow: ended, why } if ended == flow => match why {
                FlowEnd::Revoked => self.revoked(),
                // What the agent sent last may still be on its way.
                FlowEnd::Left | FlowEnd::Limit => {
                    self.gone.get_or_insert(Instant::now() + AFTERMATH);
                }
            },
            // Obeyed when the session is over; a relay that repeats itself fills no memory.
            Push::Erase { note } => {
                if self.erased.len() < ERASED_MAX {
                    self.erased.push(note);
                }
            }
            Push::FlowEnded { .. } | Push::Knock { .. } | Push::Ping(_) => {}
        }
    }

    /// This member may not help people any more. (SECURITY A5)
    pub(super) fn revoked(&mut self) {
        if self.ended.is_none() {
            let words = self.voice.words();
            let failure = Failure::of(Trouble::Revoked, words).after(Loss::Recorded, words);
            self.end(&failure, (Cause::Revoked, Cause::Revoked), LEFT);
        }
    }
}

/// What no honest program sends; `None`: the connection failed.
fn breach(error: &FrameError) -> Option<String> {
    match error {
        FrameError::Malformed(error) => Some(error.to_string()),
        FrameError::TooLarge(_)
        | FrameError::Read(_)
        | FrameError::Write(_)
        | FrameError::Connection(_)
        | FrameError::Ended
        | FrameError::Stalled => None,
    }
}
