//! What the technician's program and the relay say, as the machine takes it: one input, or none.
//!
//! Nothing is trusted before the scribe checked it; what isn't a valid event of their strand is named nonsense. Not here:
//! what follows from any of it, which the machine decides, and checkpoints, which only pass through.

use quinn::VarInt;
use venia_proto::ledger::body::{Body, Request};
use venia_proto::ledger::gossip;
use venia_proto::ledger::kind::Kind;
use venia_proto::message::{Signed, ToAgent};
use venia_proto::rendezvous::{FlowEnd, Push};
use venia_proto::session::agent::Input;
use venia_relay::client::code::LEFT;
use venia_relay::client::control::Heard;
use venia_relay::client::frames::FrameError;

use super::Session;
use crate::driver::sealing;

impl Session<'_, '_> {
    /// A frame of the control stream, or its end.
    pub(super) fn frame(&mut self, frame: Result<Option<ToAgent>, FrameError>) -> Option<Input> {
        let nonsense = |expected, got: &str| Some(Input::Nonsense { expected, got: got.to_owned() });
        match frame {
            Ok(Some(ToAgent::Ask(signed))) => self.request(&signed, |seq, request| Input::Ask { seq, request }),
            Ok(Some(ToAgent::Run(signed))) => {
                let input = self.request(&signed, |seq, request| Input::Run { seq, request });
                if matches!(input, Some(Input::Run { .. })) {
                    // Its admission is recorded before it runs, and its result redacted after: that is got ready meanwhile.
                    self.redactor.prepare();
                }
                input
            }
            Ok(Some(ToAgent::Chat(signed))) => self.said(&signed, true),
            Ok(Some(ToAgent::Note(signed))) => self.said(&signed, false),
            Ok(Some(ToAgent::Signoff(signed))) => match self.parts.scribe.receive(&signed) {
                Ok(received) => match (received.kind, received.body) {
                    (Kind::Signoff { .. }, Body::Signoff(signoff)) => {
                        self.ended.signoff = Some(signoff);
                        Some(Input::SignedOff { seq: received.entry.seq })
                    }
                    _ => nonsense("a signoff", "another event"),
                },
                Err(got) => nonsense("a valid event", &got),
            },
            Ok(Some(ToAgent::Checkpoint(note))) => self.gossip(gossip::Input::Theirs(note)),
            Ok(Some(
                ToAgent::PairStart { .. }
                | ToAgent::PairConfirm { .. }
                | ToAgent::Arrive { .. }
                | ToAgent::Reconnect { .. },
            )) => nonsense("a request, a line or a signoff", "a message of the arrival"),
            Err(FrameError::Malformed(error)) => nonsense("a message", &error.to_string()),
            Err(FrameError::Ended | FrameError::Stalled) => nonsense("a whole message", "half of one"),
            // An end in good order: nothing more comes, and somebody waits there for the record to be closed.
            Ok(None) => Some(Input::Left),
            // The connection tells by itself how it ended.
            Err(FrameError::TooLarge(_) | FrameError::Read(_) | FrameError::Write(_) | FrameError::Connection(_)) => {
                None
            }
        }
    }

    /// The technician's next words, sealed before they are signed.
    pub(super) fn seal(&mut self, asked: sealing::Asked) -> Option<Input> {
        match self.parts.scribe.seal(&asked.openings) {
            Ok(sealed) => {
                // Who doesn't wait for it any more signs nothing either.
                let _ = asked.answer.send(sealed);
                None
            }
            Err(got) => Some(Input::Nonsense { expected: "words to be sealed", got }),
        }
    }

    /// What comes from the relay unasked: its words, its loss, its return.
    pub(super) fn relay(&mut self, heard: Heard) -> Option<Input> {
        match heard {
            Heard::Push(Push::FlowEnded { why: FlowEnd::Revoked, .. }) => Some(Input::Revoked),
            // The end-to-end connection tells by itself; a second knock has no code to try.
            Heard::Push(
                Push::FlowEnded { why: FlowEnd::Left | FlowEnd::Limit, .. } | Push::Knock { .. } | Push::Ping(_),
            ) => None,
            // This PC's copy is the person's own: only they delete it.
            Heard::Push(Push::Erase { .. }) => None,
            Heard::Lost => {
                self.gossip(gossip::Input::RelayLost);
                Some(Input::RelayLost)
            }
            Heard::Back => {
                self.hold();
                self.gossip(gossip::Input::RelayFound)
            }
            // Nobody looks for it any more; the session ends in its time.
            Heard::Over(_) => None,
        }
    }

    fn request(&mut self, signed: &Signed, input: impl FnOnce(u64, Request) -> Input) -> Option<Input> {
        let expected = "a valid request";
        Some(match self.parts.scribe.receive(signed) {
            Ok(received) => match (received.kind, received.body) {
                (Kind::Request, Body::Request(request)) => input(received.entry.seq, request),
                _ => Input::Nonsense { expected, got: "another event".to_owned() },
            },
            Err(got) => Input::Nonsense { expected, got },
        })
    }

    fn said(&mut self, signed: &Signed, chat: bool) -> Option<Input> {
        let expected = "a valid line";
        Some(match self.parts.scribe.receive(signed) {
            Ok(received) => match (received.kind, received.body) {
                // What the record calls a chat line is one the person saw.
                (Kind::Chat, Body::Said(said)) if chat => {
                    Input::Said { seq: received.entry.seq, text: said.text, chat }
                }
                (Kind::Note, Body::Said(said)) if !chat => {
                    Input::Said { seq: received.entry.seq, text: said.text, chat }
                }
                _ => Input::Nonsense { expected, got: "another event".to_owned() },
            },
            Err(got) => Input::Nonsense { expected, got },
        })
    }
}

/// Whether the connection was closed in good order.
pub(super) fn left(reason: &quinn::ConnectionError) -> bool {
    matches!(reason, quinn::ConnectionError::ApplicationClosed(close) if close.error_code == VarInt::from_u32(LEFT))
}
