//! The one place in the agent that reads clocks.

use rustix::time::{ClockId, clock_gettime};
use venia_proto::now::{Now, Wall};

/// What both clocks say.
pub fn now() -> Now {
    Now { boot_ms: milliseconds(ClockId::Boottime), wall: Wall::from_ms(signed(ClockId::Realtime)) }
}

/// Milliseconds the PC slept since it was started: what the boot clock counted and the running clock didn't.
pub fn slept_ms() -> u64 {
    milliseconds(ClockId::Boottime).saturating_sub(milliseconds(ClockId::Monotonic))
}

fn milliseconds(clock: ClockId) -> u64 {
    u64::try_from(signed(clock)).unwrap_or(0)
}

fn signed(clock: ClockId) -> i64 {
    let time = clock_gettime(clock);
    time.tv_sec.saturating_mul(1_000).saturating_add(time.tv_nsec / 1_000_000)
}
