//! Last words: what ends something in a record. A journal keeps space for them, so that a full disk stops neither a STOP
//! nor the end of what ran.
//!
//! Not here: how much space, and what is kept of an event that was signed elsewhere.

use crate::ledger::kind::KindName;

use super::agent::Entry;

/// Whether a batch may use that space without a word. A technician's event may only together with the close: with any
/// other, their program could go on writing into what is kept for the person's STOP, and nobody would hear of a full disk.
pub fn are_last_words(entries: &[Entry]) -> bool {
    let closing = closes(entries);
    entries.iter().all(|entry| match entry {
        Entry::Own { kind, .. } => is_last_word(kind.name()),
        Entry::Theirs(_) => closing,
    })
}

/// Whether a batch closes the session.
pub fn closes(entries: &[Entry]) -> bool {
    entries.iter().any(|entry| match entry {
        Entry::Own { kind, .. } => kind.name() == KindName::Close,
        Entry::Theirs(_) => false,
    })
}

fn is_last_word(kind: KindName) -> bool {
    match kind {
        // What was taken out of a result is told beside it, in the same batch.
        KindName::Redaction => true,
        KindName::Refuse | KindName::Result | KindName::Pause | KindName::Stop | KindName::Close => true,
        KindName::Open
        | KindName::Join
        | KindName::Consent
        | KindName::Request
        | KindName::Admit
        | KindName::Series
        | KindName::Chat
        | KindName::Note
        | KindName::Resume
        | KindName::Signoff
        | KindName::Addendum => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::num::NonZeroU16;

    use super::*;
    use crate::consent::EntryRef;
    use crate::id::Strand;
    use crate::ledger::body::Body;
    use crate::ledger::kind::{Answer, Cause, Kind, Status, Why};

    const AGENT: EntryRef = EntryRef { author: Strand::Agent, seq: 0 };
    const THEIRS: EntryRef = EntryRef { author: Strand::Technician(NonZeroU16::MIN), seq: 0 };

    fn own(kind: Kind<EntryRef>) -> Entry {
        Entry::Own { kind, body: Body::None }
    }

    fn close() -> Entry {
        own(Kind::Close { by: Cause::Person, cause: Cause::Person, held: BTreeMap::new() })
    }

    fn admit() -> Entry {
        own(Kind::Admit { request: THEIRS, grant: AGENT })
    }

    #[test]
    fn what_ends_something_may_use_the_space_kept_for_it_and_what_begins_something_may_not() {
        let ends = [
            own(Kind::Refuse { request: THEIRS, why: Why::Stopped }),
            own(Kind::Redaction { admit: AGENT }),
            own(Kind::Result { admit: AGENT, status: Status::Done }),
            own(Kind::Pause { by: Cause::RelayLost, cause: Cause::RelayLost }),
            own(Kind::Stop { by: Cause::Person, cause: Cause::Person }),
            close(),
        ];
        assert!(are_last_words(&ends), "{ends:?}");
        let begins = [
            own(Kind::Open { versions: vec![1] }),
            own(Kind::Consent { asked: THEIRS, answer: Answer::Yes, took: 1 }),
            admit(),
            own(Kind::Chat),
            own(Kind::Note),
            own(Kind::Resume { by: Cause::RelayLost, cause: Cause::RelayLost }),
        ];
        for entry in begins {
            assert!(!are_last_words(std::slice::from_ref(&entry)), "{entry:?}");
            assert!(!are_last_words(&[entry.clone(), close()]), "{entry:?} is none with a close either");
        }
    }

    #[test]
    fn a_technicians_event_is_a_last_word_only_with_the_close() {
        let theirs = || Entry::Theirs(THEIRS);
        assert!(!are_last_words(&[theirs()]));
        assert!(!are_last_words(&[theirs(), own(Kind::Stop { by: Cause::Person, cause: Cause::Person })]));
        assert!(are_last_words(&[theirs(), close()]));
    }

    #[test]
    fn only_a_close_closes() {
        assert!(closes(&[Entry::Theirs(THEIRS), close()]));
        assert!(!closes(&[
            Entry::Theirs(THEIRS),
            own(Kind::Stop { by: Cause::Person, cause: Cause::Person }),
            admit()
        ]));
        assert!(!closes(&[]));
    }
}
