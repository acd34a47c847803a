//! Both clocks of this computer, read in one place.

use rustix::time::{ClockId, clock_gettime};
use venia_proto::now::{Now, Wall};

/// What both clocks say now.
pub fn now() -> Now {
    let boot = clock_gettime(ClockId::Boottime);
    let wall = clock_gettime(ClockId::Realtime);
    let ms = |time: rustix::time::Timespec| time.tv_sec.saturating_mul(1_000).saturating_add(time.tv_nsec / 1_000_000);
    Now { boot_ms: ms(boot).unsigned_abs(), wall: Wall::from_ms(ms(wall)) }
}
