//! What an auditor should look at twice: marks that follow from events, their times and, where they can be read, words.
//!
//! A flag accuses nobody. `hasty` may be somebody who knows the question by heart; `late` may be a train in a tunnel. The
//! list is closed and documented (docs/audit.md), so that two auditors count the same.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::event::Event;
use super::kind::{Answer, Kind, Status, Verified};
use crate::now::Wall;

/// A yes within less than this was hardly read, in milliseconds.
pub const HASTY_MS: u64 = 1_000;
/// An author's clock further ahead of the relay's than this is wrong, in milliseconds.
pub const SKEW_MS: i64 = 5 * 60 * 1_000;
/// An event recorded later than this after its author's time is late, in milliseconds.
pub const LATE_MS: i64 = 60 * 1_000;
/// Longest any grant lives, in minutes. (SECURITY D2)
pub const GRANT_MAX_MINUTES: u32 = 8 * 60;

const MINUTE_MS: i64 = 60_000;

/// Something an auditor should look at twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flag {
    /// A yes under one second.
    Hasty,
    /// An author's clock ran ahead of the relay's.
    Clock,
    /// Recorded long after it happened.
    Late,
    /// The log was silent without explanation while the session was open.
    Gap,
    /// Something was taken out of a result.
    Redaction,
    /// Nobody compared a code: the organisation alone vouches.
    Organisation,
    /// A result was kept back by the person, or lost.
    Withheld,
    /// Nobody closed it.
    Abandoned,
    /// An author's clock jumped between two events of one strand.
    Jump,
    /// Something ran outside the minutes that were allowed. Only where the words can be read.
    Expired,
}

impl Flag {
    /// Every flag.
    pub const ALL: [Self; 10] = [
        Self::Hasty,
        Self::Clock,
        Self::Late,
        Self::Gap,
        Self::Redaction,
        Self::Organisation,
        Self::Withheld,
        Self::Abandoned,
        Self::Jump,
        Self::Expired,
    ];

    /// The word in JSON, in lists and in messages' names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hasty => "hasty",
            Self::Clock => "clock",
            Self::Late => "late",
            Self::Gap => "gap",
            Self::Redaction => "redaction",
            Self::Organisation => "organisation",
            Self::Withheld => "withheld",
            Self::Abandoned => "abandoned",
            Self::Jump => "jump",
            Self::Expired => "expired",
        }
    }
}

/// What one event alone gives reason to look at. `observed`: the relay's time of its commit.
pub fn of_event(event: &Event, observed: Wall) -> BTreeSet<Flag> {
    let header = event.header();
    let mut flags = BTreeSet::new();
    let mut flag = |flag, holds: bool| {
        if holds {
            flags.insert(flag);
        }
    };
    match &header.kind {
        Kind::Consent { answer, took, .. } => flag(Flag::Hasty, *answer == Answer::Yes && *took < HASTY_MS),
        Kind::Join { verified, .. } => flag(Flag::Organisation, *verified == Verified::Organisation),
        Kind::Redaction { .. } => flag(Flag::Redaction, true),
        Kind::Result { status, .. } => {
            flag(Flag::Withheld, matches!(status, Status::Withheld | Status::Lost));
            flag(Flag::Late, *status == Status::Late);
        }
        Kind::Open { .. }
        | Kind::Request
        | Kind::Admit { .. }
        | Kind::Refuse { .. }
        | Kind::Series { .. }
        | Kind::Chat
        | Kind::Note
        | Kind::Pause { .. }
        | Kind::Resume { .. }
        | Kind::Stop { .. }
        | Kind::Signoff { .. }
        | Kind::Close { .. }
        | Kind::Addendum { .. } => {}
    }
    let behind = observed.ms().saturating_sub(header.time.ms());
    flag(Flag::Clock, behind < -SKEW_MS);
    flag(Flag::Late, behind > LATE_MS);
    flags
}

/// What the events of one strand showed of its author's clock so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Pace {
    /// The newest time claimed, in milliseconds since 1970.
    time: i64,
    /// The most that a claim was ahead of the relay's time of its commit, in milliseconds; less than 0 if none was.
    ahead: i64,
}

impl Pace {
    /// Takes in the next event of the strand; true if the clock jumped before it: back, or ahead by more than [`SKEW_MS`].
    ///
    /// How late an event was recorded says nothing about its author's clock, so it is held against the most that this
    /// clock was ever ahead. A clock that is set back and whose author doesn't write earlier times looks like lateness.
    pub fn next(before: Option<Self>, time: Wall, observed: Wall) -> (Self, bool) {
        let time = time.ms();
        let ahead = time.saturating_sub(observed.ms());
        let Some(before) = before else { return (Self { time, ahead }, false) };
        let jumped = time < before.time || ahead.saturating_sub(before.ahead) > SKEW_MS;
        (Self { time, ahead: ahead.max(before.ahead) }, jumped)
    }
}

/// The last moment a grant covers. `minutes`: as the consent says; `None` is *until I stop*, which ends hard after
/// [`GRANT_MAX_MINUTES`].
pub fn granted_until(consented: Wall, minutes: Option<u32>) -> Wall {
    consented.plus_ms(i64::from(minutes.unwrap_or(GRANT_MAX_MINUTES).min(GRANT_MAX_MINUTES)) * MINUTE_MS)
}

/// Whether something was admitted, or ended, outside the minutes that were allowed; by the agent's own times, which it
/// keeps by its boot clock.
pub fn expired(consented: Wall, minutes: Option<u32>, at: Wall) -> bool {
    at > granted_until(consented, minutes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Leaf, SessionId, Strand};
    use crate::key::SigningKey;
    use crate::ledger::part::{Opening, PartName};
    use crate::ledger::strand::Author;

    #[test]
    fn flags_begin_where_their_limits_say() {
        let key = SigningKey::new("device", [1; 32]);
        let now = 1_795_514_402_000;
        let mut author = Author::new(SessionId([1; 16]), Strand::Agent);
        let part = [Opening::make([1; 32], b"{}").unwrap().part(PartName::Body, None)];
        author.write(Kind::Open { versions: vec![1] }, &part, Wall::from_ms(now), &key);
        let mut found = |answer, took, observed: i64| {
            let kind = Kind::Consent { asked: Leaf([0; 32]), answer, took };
            of_event(&author.write(kind, &part, Wall::from_ms(now), &key), Wall::from_ms(observed))
        };
        assert_eq!(found(Answer::Yes, HASTY_MS - 1, now), [Flag::Hasty].into());
        assert_eq!(found(Answer::Yes, HASTY_MS, now), [].into());
        assert_eq!(found(Answer::No, 0, now), [].into(), "a no may be quick");
        assert_eq!(found(Answer::No, 0, now + LATE_MS), [].into());
        assert_eq!(found(Answer::No, 0, now + LATE_MS + 1), [Flag::Late].into());
        assert_eq!(found(Answer::No, 0, now - SKEW_MS), [].into());
        assert_eq!(found(Answer::No, 0, now - SKEW_MS - 1), [Flag::Clock].into());
    }

    #[test]
    fn d2_grants_end_when_they_say_and_after_eight_hours_in_any_case() {
        let at = Wall::from_ms(1_795_514_402_000);
        let minutes = |n: u32| i64::from(n) * MINUTE_MS;
        for (said, lives) in [
            (Some(0), 0),
            (Some(30), 30),
            (Some(GRANT_MAX_MINUTES), GRANT_MAX_MINUTES),
            (Some(GRANT_MAX_MINUTES + 1), GRANT_MAX_MINUTES),
            (Some(u32::MAX), GRANT_MAX_MINUTES),
            (None, GRANT_MAX_MINUTES),
        ] {
            assert!(!expired(at, said, at.plus_ms(minutes(lives))), "{said:?}");
            assert!(expired(at, said, at.plus_ms(minutes(lives) + 1)), "{said:?}");
        }
    }

    #[test]
    fn a_clock_jumps_back_or_far_ahead_and_lateness_is_no_jump() {
        let jumps = |events: &[(i64, i64)]| {
            let mut pace = None;
            let mut found = Vec::new();
            for (time, observed) in events {
                let (next, jumped) = Pace::next(pace, Wall::from_ms(*time), Wall::from_ms(*observed));
                pace = Some(next);
                found.push(jumped);
            }
            found
        };
        let hour = 60 * MINUTE_MS;
        assert_eq!(jumps(&[(5, 5), (5, 5), (4, 5)]), [false, false, true], "standing is not going back");
        assert_eq!(jumps(&[(0, 0), (SKEW_MS, 0), (2 * SKEW_MS + 1, 0)]), [false, false, true]);
        assert_eq!(jumps(&[(0, 0), (SKEW_MS + 1, 0)]), [false, true]);
        assert_eq!(jumps(&[(hour, 0), (hour + 1, 1)]), [false, false], "wrong, and steady");
        let late = [(0, 0), (1, hour), (hour + 1, hour + 1)];
        assert_eq!(jumps(&late), [false; 3], "held back for an hour, then in time again");
    }

    #[test]
    fn every_flag_has_one_name() {
        for flag in Flag::ALL {
            assert_eq!(serde_json::to_value(flag).unwrap(), flag.name());
        }
    }
}
