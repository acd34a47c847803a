//! A redactor that is made while the first check is recorded and runs: its automaton and spellings are larger than all else
//! that an idle session holds, and most sessions are idle for most of their time. It takes milliseconds, so a thread of its
//! own makes it, mostly before a quick check has ended: then neither its result nor STOP waits.
//!
//! What is known is gathered before, at the session's start: a value that changes until the first text would be missed.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::Redactor;
use super::known::Known;

/// A session's redactor, before and after its first check.
#[derive(Debug)]
pub struct Late(State);

/// Wiped when it is no longer needed.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Gathered {
    known: Known,
    seed: [u8; 32],
}

enum State {
    /// What it will be made of.
    Gathered(Arc<Gathered>),
    /// A thread makes it.
    InTheMaking(JoinHandle<State>),
    Made(Box<Redactor>),
    /// It couldn't be made, and nothing may be sent.
    Broken,
}

impl Late {
    /// For these known values, with the seed of [`Redactor::new`].
    pub fn new(known: Known, seed: &[u8; 32]) -> Self {
        Self(State::Gathered(Arc::new(Gathered { known, seed: *seed })))
    }

    /// One that has nothing to be made of, where no seed could be had.
    pub fn broken() -> Self {
        Self(State::Broken)
    }

    /// There will be a text soon. Without a thread it is made when the text comes.
    pub fn prepare(&mut self) {
        let State::Gathered(gathered) = &self.0 else { return };
        let gathered = Arc::clone(gathered);
        if let Ok(making) = thread::Builder::new().name("redactor".to_owned()).spawn(move || gathered.made()) {
            self.0 = State::InTheMaking(making);
        }
    }

    /// The redactor; waits until it is made. `None` means that nothing can be taken out of a text, which must stay here then.
    pub fn redactor(&mut self) -> Option<&mut Redactor> {
        self.0 = match std::mem::replace(&mut self.0, State::Broken) {
            State::Gathered(gathered) => gathered.made(),
            State::InTheMaking(making) => made_by(making),
            other @ (State::Made(_) | State::Broken) => other,
        };
        match &mut self.0 {
            State::Made(redactor) => Some(redactor),
            State::Gathered(_) | State::InTheMaking(_) | State::Broken => None,
        }
    }
}

/// What comes of the thread.
fn made_by(making: JoinHandle<State>) -> State {
    making.join().unwrap_or_else(|_panicked| {
        tracing::error!("nothing can be redacted");
        State::Broken
    })
}

/// What a thread still holds is wiped with the session too.
impl Drop for Late {
    fn drop(&mut self) {
        if let State::InTheMaking(making) = std::mem::replace(&mut self.0, State::Broken) {
            drop(made_by(making));
        }
    }
}

impl Gathered {
    fn made(&self) -> State {
        match Redactor::new(&self.known, &self.seed) {
            Ok(redactor) => State::Made(Box::new(redactor)),
            Err(error) => {
                tracing::error!(%error, "nothing can be redacted");
                State::Broken
            }
        }
    }
}

/// Nothing of it is printed.
impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Gathered(_) => "Gathered",
            Self::InTheMaking(_) => "InTheMaking",
            Self::Made(_) => "Made",
            Self::Broken => "Broken",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Counts;

    #[test]
    fn it_is_made_once_at_the_first_text_or_before_and_knows_what_was_gathered() {
        for prepared in [false, true] {
            let known = Known::from_json(r#"{"user_names":"ana"}"#).unwrap();
            let mut late = Late::new(known, &[3; 32]);
            assert_eq!(format!("{late:?}"), "Late(Gathered)");
            if prepared {
                late.prepare();
                assert_eq!(format!("{late:?}"), "Late(InTheMaking)");
                late.prepare();
            }
            let text = late.redactor().unwrap().text("ana", &mut Counts::default()).into_owned();
            assert_eq!(text, "user-1");
            late.prepare();
            assert_eq!(format!("{late:?}"), "Late(Made)");
            assert_eq!(late.redactor().unwrap().text("ana", &mut Counts::default()), "user-1");
        }
    }

    #[test]
    fn a_broken_one_gives_nothing_to_redact_with() {
        let mut broken = Late::broken();
        broken.prepare();
        assert!(broken.redactor().is_none());
    }
}
