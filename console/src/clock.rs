//! What time it is: the one place of this program that asks.

use std::time::{SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};
use venia_proto::now::{Now, Wall};

/// Both clocks. (SECURITY D1)
pub(crate) fn now() -> Now {
    let boot = clock_gettime(ClockId::Boottime);
    let boot_ms =
        u64::try_from(boot.tv_sec).unwrap_or(0) * 1_000 + u64::try_from(boot.tv_nsec).unwrap_or(0) / 1_000_000;
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    Now { boot_ms, wall: Wall::from_ms(i64::try_from(wall).unwrap_or(i64::MAX)) }
}
