//! A redactor that is made at the first text that needs it: its automaton and spellings are larger than all else that an
//! idle session holds, and most sessions are idle for most of their time.
//!
//! What is known is gathered before, at the session's start: a value that changes until the first text would be missed.

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::Redactor;
use super::known::Known;

/// A session's redactor, before and after its first text.
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
    Gathered(Box<Gathered>),
    Made(Box<Redactor>),
    /// It couldn't be made, and nothing may be sent.
    Broken,
}

impl Late {
    /// For these known values, with the seed of [`Redactor::new`].
    pub fn new(known: Known, seed: &[u8; 32]) -> Self {
        Self(State::Gathered(Box::new(Gathered { known, seed: *seed })))
    }

    /// One that has nothing to be made of, where no seed could be had.
    pub fn broken() -> Self {
        Self(State::Broken)
    }

    /// The redactor. `None` means that nothing can be taken out of a text, which must stay here then.
    pub fn redactor(&mut self) -> Option<&mut Redactor> {
        if let State::Gathered(gathered) = &self.0 {
            self.0 = match Redactor::new(&gathered.known, &gathered.seed) {
                Ok(redactor) => State::Made(Box::new(redactor)),
                Err(error) => {
                    tracing::error!(%error, "nothing can be redacted");
                    State::Broken
                }
            };
        }
        match &mut self.0 {
            State::Made(redactor) => Some(redactor),
            State::Gathered(..) | State::Broken => None,
        }
    }
}

/// Nothing of it is printed.
impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Gathered(..) => "Gathered",
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
    fn it_is_made_once_at_the_first_text_and_knows_what_was_gathered() {
        let known = Known::from_json(r#"{"user_names":"ana"}"#).unwrap();
        let mut late = Late::new(known, &[3; 32]);
        assert_eq!(format!("{late:?}"), "Late(Gathered)");
        let text = late.redactor().unwrap().text("ana", &mut Counts::default()).into_owned();
        assert_eq!(text, "user-1");
        assert_eq!(format!("{late:?}"), "Late(Made)");
        assert_eq!(late.redactor().unwrap().text("ana", &mut Counts::default()), "user-1");
    }

    #[test]
    fn a_broken_one_gives_nothing_to_redact_with() {
        assert!(Late::broken().redactor().is_none());
    }
}
