//! The time before a session: a code is shown, somebody may use it once.
//!
//! The code is spent by the first pairing message that reaches this PC, right or wrong (B1). A wrong one gets a new
//! code by itself three times; after that somebody may be interfering, and the person is told so.
//!
//! A relay that is away for a moment costs nothing: the code stays if the relay still knows its number, and is made anew if it
//! doesn't.

use std::collections::VecDeque;

use crate::code::{Code, CodeNumber};
use crate::id::FlowId;
use crate::ledger::body::Language;
use crate::now::Now;
use crate::rendezvous::PairingOutcome;

use super::timer::{self, Timer, Timers};

/// How often a burnt code is replaced without asking.
pub const REPLACEMENTS_MAX: u8 = 3;

/// Everything that can happen while a code is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// The relay gave a number; randomness for the words.
    Numbered {
        /// The number.
        number: CodeNumber,
        /// Random bytes.
        random: [u8; 4],
        /// Whose words.
        language: Language,
    },
    /// The first pairing message of a flow arrived.
    FirstMessage(FlowId),
    /// The pairing of that flow came to this.
    Paired(FlowId, PairingOutcome),
    /// The flow or its connection is gone.
    Gone(FlowId),
    /// The relay can't be reached.
    RelayLost,
    /// The relay is back.
    RelayFound,
    /// Time passed.
    Tick,
}

/// Everything the waiting room can order.
pub enum Output {
    /// Ask the relay for a number, for a session that nobody knows yet.
    Register,
    /// Ask the relay for the number of the same session again: it may be another one.
    RegisterAgain,
    /// Tell the person that nobody can come just now.
    Away,
    /// Tell the person that the code they see works again.
    Back,
    /// Show the code: [`Waiting::code`].
    Show,
    /// Try this code with that flow's first message. It is spent: it exists nowhere else any more.
    Try(FlowId, Code),
    /// Refuse that flow: there is no code for it.
    Refuse(FlowId),
    /// Tell the relay and the person how a pairing ended.
    Report(FlowId, PairingOutcome),
    /// Go on with the session of that flow.
    Begin(FlowId),
    /// It is over.
    End(End),
}

/// Why the waiting ended without a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// Nobody came within ten minutes.
    Expired,
    /// Four codes in a row were used wrongly: somebody may be interfering.
    Interfered,
    /// The relay can't be reached.
    RelayLost,
}

/// The waiting room.
#[derive(Default)]
pub struct Waiting {
    code: Option<Code>,
    attempt: Option<FlowId>,
    burnt: u8,
    /// The relay can't be reached.
    lost: bool,
    over: bool,
    timers: Timers,
    outputs: VecDeque<Output>,
}

impl Waiting {
    /// Starts by asking for a number.
    pub fn new() -> Self {
        Self { outputs: VecDeque::from([Output::Register]), ..Self::default() }
    }

    /// The code to show. `None` once it is spent.
    pub fn code(&self) -> Option<&Code> {
        self.code.as_ref()
    }

    /// When to call [`Self::handle`] with [`Input::Tick`] at the latest.
    pub fn deadline(&self) -> Option<u64> {
        self.timers.next()
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Now, input: Input) {
        if self.over {
            return;
        }
        while let Some(timer) = self.timers.expired(now.boot_ms) {
            if timer == Timer::Lost {
                return self.end(End::RelayLost);
            }
            if timer == Timer::Code {
                return self.end(if self.lost { End::RelayLost } else { End::Expired });
            }
            if let Some(flow) = self.attempt {
                self.attempt_ended(flow, PairingOutcome::Abandoned);
            }
        }
        if self.over {
            return;
        }
        match input {
            Input::Tick => {}
            Input::RelayLost => self.relay_lost(now),
            Input::RelayFound => self.relay_found(),
            // The relay forgot nothing: what the person has read aloud is still right.
            Input::Numbered { number, .. } if self.code.as_ref().is_some_and(|code| code.number() == number) => {
                self.outputs.push_back(Output::Back);
            }
            Input::Numbered { .. } if self.attempt.is_some() => {}
            Input::Numbered { number, random, language } => {
                self.code = Some(Code::make(number, language, random));
                self.timers.set(Timer::Code, now.boot_ms + timer::CODE_MS);
                self.outputs.push_back(Output::Show);
            }
            Input::FirstMessage(flow) => match self.code.take() {
                Some(code) => {
                    self.attempt = Some(flow);
                    self.timers.stop(Timer::Code);
                    self.timers.set(Timer::Pairing, now.boot_ms + timer::PAIRING_MS);
                    self.outputs.push_back(Output::Try(flow, code));
                }
                // One attempt in flight; a second doesn't even learn whether it would have been right.
                None => self.outputs.push_back(Output::Refuse(flow)),
            },
            Input::Paired(flow, outcome) => self.attempt_ended(flow, outcome),
            Input::Gone(flow) => self.attempt_ended(flow, PairingOutcome::Abandoned),
        }
    }

    /// A code that is shown may become right again until its time is over. Before there is one, nobody waits for long.
    fn relay_lost(&mut self, now: Now) {
        if self.lost {
            return;
        }
        self.lost = true;
        if self.code.is_some() {
            self.outputs.push_back(Output::Away);
        } else {
            self.timers.start(Timer::Lost, now.boot_ms + timer::LOST_MS);
        }
    }

    fn relay_found(&mut self) {
        if !self.lost {
            return;
        }
        self.lost = false;
        self.timers.stop(Timer::Lost);
        // An attempt that is under way goes through a flow of this registration.
        let registered = self.code.is_some() || self.attempt.is_some();
        self.outputs.push_back(if registered { Output::RegisterAgain } else { Output::Register });
    }

    fn attempt_ended(&mut self, flow: FlowId, outcome: PairingOutcome) {
        if self.attempt != Some(flow) {
            return;
        }
        self.attempt = None;
        self.timers.stop(Timer::Pairing);
        self.outputs.push_back(Output::Report(flow, outcome));
        match outcome {
            PairingOutcome::Agreed => {
                self.over = true;
                self.timers.clear();
                self.outputs.push_back(Output::Begin(flow));
            }
            PairingOutcome::WrongCode | PairingOutcome::Abandoned if self.burnt >= REPLACEMENTS_MAX => {
                self.end(End::Interfered);
            }
            PairingOutcome::WrongCode | PairingOutcome::Abandoned => {
                self.burnt += 1;
                // A relay that is away is asked once it is back.
                if !self.lost {
                    self.outputs.push_back(Output::Register);
                }
            }
        }
    }

    fn end(&mut self, end: End) {
        self.over = true;
        self.code = None;
        self.timers.clear();
        self.outputs.push_back(Output::End(end));
    }
}

#[cfg(test)]
mod tests;
