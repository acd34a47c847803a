//! Every deadline of a session, in one table.
//!
//! Deadlines are on the boot clock, which counts while a laptop sleeps (SECURITY D1).

use std::collections::BTreeMap;

use crate::consent::RunId;

use super::gate::BatchId;

/// A question that nobody answers for this long is answered no (UX, end user 5).
pub const SILENCE_MS: u64 = 120_000;
/// A technician of a service this PC never met waits this long before the person is asked (A2).
pub const FIRST_SEEN_WAIT_MS: u64 = 10_000;
/// An admission without a receipt after this long doesn't run (E1).
pub const ADMISSION_MS: u64 = 5_000;
/// A result gets this much more per 64 KiB (E1).
pub const RESULT_PER_64_KIB_MS: u64 = 1_000;
/// Chat may run ahead of its receipts this long (SECURITY E).
pub const CHAT_TRAILS_MS: u64 = 30_000;
/// With nobody to see it, a session pauses after this long (D2).
pub const NO_EYES_MS: u64 = 30_000;
/// On a page, giving something away takes this long after the question was shown there (UX, end user 5).
pub const ARM_MS: u64 = 800;
/// A page without script loads again every few seconds: one that was loaded within this time is still looked at.
pub const LOADED_MS: u64 = 12_000;
/// Without relay or technician, a session ends after this long.
pub const LOST_MS: u64 = 30_000;
/// A session in which nothing was allowed and nothing happens ends after this long.
pub const IDLE_MS: u64 = 600_000;
/// No session lasts longer (D2).
pub const SESSION_MAX_MS: u64 = 8 * 3_600_000;
/// What a preview found counts this long: later, its change isn't asked for any more.
pub const PREVIEW_MS: u64 = 300_000;
/// A refused scope isn't asked again for this long (D5).
pub const REPEAT_MS: u64 = 60_000;
/// After a sleep took the grants and the person resumed, a run that was under way is refused, not punished, this long.
pub const RESUMED_MS: u64 = 10_000;
/// After the close, how long the agent waits for its receipt.
pub const CLOSE_RECEIPT_MS: u64 = 10_000;
/// A worker that reports nothing this long after its item's own deadline is killed from here.
pub const WORKER_GRACE_MS: u64 = 2_000;
/// A jump of the boot clock against the running clock larger than this is a sleep (D1).
pub const SLEEP_MS: u64 = 5_000;
/// A code is valid this long (ARCHITECTURE section 5).
pub const CODE_MS: u64 = 600_000;
/// One pairing attempt may take this long; then the code is burnt (B1).
pub const PAIRING_MS: u64 = 10_000;

/// Something that happens by itself if nothing else happens first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// The wait before the first question of an unknown service ends: ask.
    FirstSeen,
    /// Nobody answered the open card: no.
    Silence,
    /// A batch has no receipt: what waits for it doesn't happen.
    Receipt(BatchId),
    /// A chat line has no receipt: chat stops.
    Chat(BatchId),
    /// The earliest live grant ends.
    Grant,
    /// A worker is overdue: kill it.
    Run(RunId),
    /// Nobody has seen the session: pause.
    Eyes,
    /// Nobody will ever see it again: close.
    Gone,
    /// The relay or the technician stayed away: close.
    Lost,
    /// Nothing is allowed and nothing happens: close.
    Idle,
    /// The session is as long as one may be: close.
    SessionMax,
    /// The close has no receipt: stop waiting for it.
    Close,
    /// The code is too old: withdraw it.
    Code,
    /// A pairing attempt hangs: burn the code.
    Pairing,
}

/// Deadlines by timer; at most one each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Timers(BTreeMap<Timer, u64>);

impl Timers {
    /// Sets or moves a timer.
    pub fn set(&mut self, timer: Timer, at_ms: u64) {
        self.0.insert(timer, at_ms);
    }

    /// Sets a timer unless it runs already.
    pub fn start(&mut self, timer: Timer, at_ms: u64) {
        self.0.entry(timer).or_insert(at_ms);
    }

    /// Brings a timer forward if it runs and is due later.
    pub fn cap(&mut self, timer: Timer, at_ms: u64) {
        self.0.entry(timer).and_modify(|at| *at = at_ms.min(*at));
    }

    /// Moves the timers that match.
    pub fn postpone(&mut self, by_ms: u64, which: impl Fn(Timer) -> bool) {
        self.0.iter_mut().filter(|(timer, _)| which(**timer)).for_each(|(_, at)| *at += by_ms);
    }

    /// Stops a timer.
    pub fn stop(&mut self, timer: Timer) {
        self.0.remove(&timer);
    }

    /// Stops a timer and says whether it ran.
    pub fn take(&mut self, timer: Timer) -> bool {
        self.0.remove(&timer).is_some()
    }

    /// Stops the timers that don't match.
    pub fn retain(&mut self, keep: impl Fn(Timer) -> bool) {
        self.0.retain(|timer, _| keep(*timer));
    }

    /// Stops all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<u64> {
        self.0.values().min().copied()
    }

    /// Takes the timer that is due first, if one is.
    pub fn expired(&mut self, now_ms: u64) -> Option<Timer> {
        let (&timer, _) = self.0.iter().filter(|(_, at)| **at <= now_ms).min_by_key(|(timer, at)| (**at, **timer))?;
        self.0.remove(&timer);
        Some(timer)
    }

    /// Whether nothing will happen by itself.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn due_before_at_and_after() {
        let mut timers = Timers::default();
        timers.set(Timer::Silence, 10);
        timers.start(Timer::Silence, 5);
        timers.set(Timer::Grant, 10);
        assert_eq!(timers.next(), Some(10));
        assert_eq!(timers.expired(9), None);
        assert_eq!(timers.expired(10), Some(Timer::Silence));
        assert_eq!(timers.expired(11), Some(Timer::Grant));
        assert_eq!(timers.expired(u64::MAX), None);
        assert!(timers.is_empty());
    }
}
