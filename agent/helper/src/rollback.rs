//! Whether a change that waits to be confirmed stays or is rolled back. Pure: time is a number, the caller's state an input.
//!
//! It lives here and not in the agent: the change may have cut off agent, relay and technician, and whoever can't say
//! *keep* must find the computer as it was.

/// A change that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rollback {
    until_ms: u64,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Look again within this time.
    Wait {
        /// Milliseconds.
        ms: u64,
    },
    /// It was confirmed.
    Keep,
    /// Nobody confirmed it in time, or nobody is there any more.
    RollBack(&'static str),
}

/// What the caller says meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Nothing yet.
    Nothing,
    /// Keep it.
    Keep,
    /// Nobody is there: standard input has ended.
    Gone,
}

impl Rollback {
    /// How long a change waits: the session must be back within it.
    pub const WAIT_MS: u64 = 60_000;

    /// A change made now.
    pub fn begun(now_ms: u64) -> Self {
        Self { until_ms: now_ms.saturating_add(Self::WAIT_MS) }
    }

    pub(crate) fn decide(self, now_ms: u64, heard: Heard) -> Decision {
        let left = self.until_ms.saturating_sub(now_ms);
        match heard {
            Heard::Gone => Decision::RollBack("whoever asked for it is gone"),
            // A word that comes too late counts for nothing: the network manager may have rolled back by itself.
            Heard::Nothing | Heard::Keep if left == 0 => Decision::RollBack("nobody confirmed it within a minute"),
            Heard::Keep => Decision::Keep,
            Heard::Nothing => Decision::Wait { ms: left },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn r4_it_rolls_back_by_itself_after_a_minute() {
        let change = Rollback::begun(1_000);
        let at = |after: u64| change.decide(1_000 + after, Heard::Nothing);
        assert_eq!(at(0), Decision::Wait { ms: Rollback::WAIT_MS });
        assert_eq!(at(Rollback::WAIT_MS - 1), Decision::Wait { ms: 1 });
        for late in [Rollback::WAIT_MS, Rollback::WAIT_MS + 1] {
            assert!(matches!(at(late), Decision::RollBack(_)), "{late}");
            assert!(matches!(change.decide(1_000 + late, Heard::Keep), Decision::RollBack(_)), "kept too late");
        }
        assert_eq!(change.decide(1_000 + Rollback::WAIT_MS - 1, Heard::Keep), Decision::Keep);
    }

    #[test]
    fn g6_it_rolls_back_at_once_when_agent_session_or_client_disappears() {
        assert!(matches!(Rollback::begun(0).decide(1, Heard::Gone), Decision::RollBack(_)));
    }

    proptest! {
        #[test]
        fn nothing_waits_longer_than_a_minute(begun in any::<u64>(), now in any::<u64>()) {
            if let Decision::Wait { ms } = Rollback::begun(begun).decide(now.max(begun), Heard::Nothing) {
                prop_assert!(ms <= Rollback::WAIT_MS);
            }
        }
    }
}
