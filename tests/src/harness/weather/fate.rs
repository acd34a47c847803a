//! What becomes of one packet. Pure: seed, direction, client, number, size and time in; fate out.
//!
//! A packet's luck depends on its number alone, never on what came before it or on a setting, so a seed tells the same
//! story however fast the machine is; only [`Line`], a bottleneck with its queue, remembers anything.

use std::ops::Range;
use std::time::Duration;

use crate::sim::random::Random;

/// Most packets of a hundred that may be lost. Worse networks carry nobody's session.
pub const LOSS_MAX: u64 = 20;
/// How long a packet is held back so that others overtake it.
pub const HELD_BACK: Duration = Duration::from_millis(30);
/// Bytes a bottleneck lets through at once after a pause: two packets.
pub const BURST: u64 = 3_000;

/// Towards the relay, or from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Towards the relay.
    Up,
    /// From the relay.
    Down,
}

/// What a network does to packets, each way alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weather {
    /// How long a packet takes at least.
    pub delay: Duration,
    /// How much longer it may take; each packet its own time, so they overtake each other.
    pub jitter: Duration,
    /// So many of a hundred are lost; at most [`LOSS_MAX`].
    pub loss: u64,
    /// So many of a hundred are held back for [`HELD_BACK`].
    pub late: u64,
    /// So many of a hundred arrive twice.
    pub double: u64,
    /// Larger UDP payloads, in bytes, are lost without a word: a black hole.
    pub mtu: usize,
    /// The bottleneck, if there is one.
    pub rate: Option<Rate>,
    /// When nothing gets through, counted from the box's start.
    pub cuts: Vec<Range<Duration>>,
}

/// A bottleneck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Bytes a second.
    pub bytes: u64,
    /// Bytes that may wait; what comes when they do is lost.
    pub queue: u64,
}

impl Weather {
    /// Everything arrives at once and in order.
    pub const FAIR: Self = Self {
        delay: Duration::ZERO,
        jitter: Duration::ZERO,
        loss: 0,
        late: 0,
        double: 0,
        mtu: usize::MAX,
        rate: None,
        cuts: Vec::new(),
    };

    /// The longest a packet that isn't lost takes.
    pub fn slowest(&self) -> Duration {
        let held = if self.late > 0 { HELD_BACK } else { Duration::ZERO };
        let queued = self.rate.map_or(Duration::ZERO, |rate| rate.time(rate.queue));
        self.delay + self.jitter + held + queued
    }
}

impl Rate {
    /// How long so many bytes take.
    fn time(self, bytes: u64) -> Duration {
        Duration::from_nanos(bytes.saturating_mul(1_000_000_000) / self.bytes.max(1))
    }
}

/// Why a packet doesn't arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The line was cut.
    Cut,
    /// It was too large.
    Large,
    /// The bottleneck's queue was full.
    Full,
    /// Bad luck.
    Luck,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives, perhaps twice; when, on the clock it left by.
    Arrives {
        /// The first time.
        at: Duration,
        /// And once more.
        again: Option<Duration>,
    },
    /// It doesn't.
    Lost(Loss),
}

/// One client's line in one direction.
#[derive(Clone, Debug)]
pub struct Line {
    seed: u64,
    way: Way,
    client: usize,
    number: u64,
    /// Until when the bottleneck is busy.
    busy: Duration,
}

impl Line {
    /// A line on which nothing was sent yet.
    pub fn new(seed: u64, way: Way, client: usize) -> Self {
        Self { seed, way, client, number: 0, busy: Duration::ZERO }
    }

    /// The next packet: so many bytes, at this time. Times never go back.
    pub fn send(&mut self, weather: &Weather, size: usize, at: Duration) -> Fate {
        let luck = Luck::of(self.seed, self.way, self.client, self.number);
        self.number += 1;
        if weather.cuts.iter().any(|cut| cut.contains(&at)) {
            return Fate::Lost(Loss::Cut);
        }
        if size > weather.mtu {
            return Fate::Lost(Loss::Large);
        }
        let Some(left) = self.through(weather.rate, size, at) else { return Fate::Lost(Loss::Full) };
        if luck.loss < weather.loss {
            return Fate::Lost(Loss::Luck);
        }
        let held = if luck.late < weather.late { HELD_BACK } else { Duration::ZERO };
        let arrival = |jitter| left + weather.delay + part(weather.jitter, jitter);
        let again = (luck.double < weather.double).then(|| arrival(luck.again));
        Fate::Arrives { at: arrival(luck.jitter) + held, again }
    }

    /// When a packet has left the bottleneck: a bucket of [`BURST`] bytes that fills at the rate. `None`: no room.
    fn through(&mut self, rate: Option<Rate>, size: usize, at: Duration) -> Option<Duration> {
        let Some(rate) = rate else { return Some(at) };
        let full = at.saturating_sub(rate.time(BURST));
        let done = self.busy.max(full) + rate.time(size as u64);
        if done.saturating_sub(at) > rate.time(rate.queue) {
            return None;
        }
        self.busy = done;
        Some(done.max(at))
    }
}

/// So much of a time as a random number says.
fn part(of: Duration, random: u64) -> Duration {
    let micros = u64::try_from(of.as_micros()).unwrap_or(u64::MAX - 1);
    Duration::from_micros(random % (micros + 1))
}

/// What a packet's number decides; what it means, the weather says. Hundredths below the settings, raw numbers for times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Luck {
    loss: u64,
    late: u64,
    double: u64,
    jitter: u64,
    again: u64,
}

impl Luck {
    fn of(seed: u64, way: Way, client: usize, number: u64) -> Self {
        let way = match way {
            Way::Up => 0,
            Way::Down => 1,
        };
        let line = Random::new(seed).draw() ^ (client as u64 * 2 + way);
        let mut random = Random::new(Random::new(line).draw() ^ number);
        // All of them for every packet, in this order: the weather changes no packet's luck.
        Self {
            loss: random.draw() % 100,
            late: random.draw() % 100,
            double: random.draw() % 100,
            jitter: random.draw(),
            again: random.draw(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bad() -> Weather {
        let (delay, jitter) = (Duration::from_millis(20), Duration::from_millis(40));
        Weather { delay, jitter, loss: 10, late: 5, double: 5, ..Weather::FAIR }
    }

    /// The fates of so many packets, one a millisecond.
    fn fates(seed: u64, way: Way, client: usize, weather: &Weather, packets: u64) -> Vec<Fate> {
        let mut line = Line::new(seed, way, client);
        (0..packets).map(|number| line.send(weather, 1_200, Duration::from_millis(number))).collect()
    }

    fn lost(fates: &[Fate]) -> usize {
        fates.iter().filter(|fate| matches!(fate, Fate::Lost(_))).count()
    }

    proptest! {
        #[test]
        fn a_seed_tells_one_story(seed: u64, client in 0_usize..4) {
            let told = fates(seed, Way::Up, client, &bad(), 200);
            prop_assert_eq!(&told, &fates(seed, Way::Up, client, &bad(), 200));
            prop_assert_ne!(&told, &fates(seed, Way::Down, client, &bad(), 200));
            prop_assert_ne!(&told, &fates(seed, Way::Up, client + 1, &bad(), 200));
            prop_assert_ne!(&told, &fates(seed.wrapping_add(1), Way::Up, client, &bad(), 200));
        }

        #[test]
        fn so_many_are_lost_as_was_said(seed: u64, loss in 0..=LOSS_MAX) {
            let weather = Weather { loss, ..bad() };
            let lost = lost(&fates(seed, Way::Down, 0, &weather, 5_000)) as u64;
            // Six standard deviations at 20 %.
            prop_assert!(lost.abs_diff(loss * 50) <= 170, "{lost} of 5000 at {loss} %");
            prop_assert!(loss > 0 || lost == 0);
        }

        #[test]
        fn what_arrives_is_never_early_or_later_than_the_slowest(seed: u64, loss in 0..=LOSS_MAX, queue in 0_u64..50_000) {
            let rate = Some(Rate { bytes: 125_000, queue });
            let weather = Weather { loss, rate, ..bad() };
            let mut line = Line::new(seed, Way::Up, 0);
            for number in 0..200 {
                let sent = Duration::from_millis(number);
                let Fate::Arrives { at, again } = line.send(&weather, 1_200, sent) else { continue };
                for at in [Some(at), again].into_iter().flatten() {
                    prop_assert!(at >= sent + weather.delay && at <= sent + weather.slowest());
                }
            }
        }

        #[test]
        fn a_bottleneck_lets_no_more_through_than_its_rate(seed: u64, sizes in prop::collection::vec(1_usize..1_452, 1..300)) {
            let rate = Rate { bytes: 125_000, queue: 20_000 };
            let weather = Weather { rate: Some(rate), ..Weather::FAIR };
            let mut line = Line::new(seed, Way::Up, 0);
            let mut arrived: Vec<(Duration, u64)> = Vec::new();
            for (number, size) in sizes.into_iter().enumerate() {
                let sent = Duration::from_micros(number as u64 * 500);
                if let Fate::Arrives { at, .. } = line.send(&weather, size, sent) {
                    arrived.push((at, size as u64));
                }
            }
            prop_assert!(arrived.is_sorted_by_key(|(at, _)| *at), "nothing overtakes in a queue");
            let bytes: u64 = arrived.iter().map(|(_, size)| size).sum();
            let last = arrived.last().map_or(Duration::ZERO, |(at, _)| *at);
            prop_assert!(rate.time(bytes) <= last + rate.time(BURST) + Duration::from_micros(1));
        }
    }

    #[test]
    fn fair_weather_changes_nothing() {
        for (number, fate) in fates(7, Way::Up, 0, &Weather::FAIR, 1_000).into_iter().enumerate() {
            assert_eq!(fate, Fate::Arrives { at: Duration::from_millis(number as u64), again: None });
        }
    }

    #[test]
    fn bad_weather_reorders_and_doubles() {
        let fates = fates(7, Way::Up, 0, &Weather { jitter: Duration::ZERO, ..bad() }, 1_000);
        let arrivals: Vec<Duration> = fates
            .iter()
            .filter_map(|fate| if let Fate::Arrives { at, .. } = fate { Some(*at) } else { None })
            .collect();
        let doubled = fates.iter().filter(|fate| matches!(fate, Fate::Arrives { again: Some(_), .. })).count();
        assert!(arrivals.windows(2).filter(|two| two[0] > two[1]).count() > 20);
        assert!((20..=80).contains(&doubled), "{doubled}");
    }

    #[test]
    fn a_packets_luck_is_its_own() {
        let (fair, bad) = (Weather { loss: 5, ..bad() }, bad());
        let pairs = fates(7, Way::Up, 0, &fair, 1_000).into_iter().zip(fates(7, Way::Up, 0, &bad, 1_000));
        for (less, more) in pairs {
            assert!(less == more || more == Fate::Lost(Loss::Luck), "{less:?} {more:?}");
        }
    }

    #[test]
    fn the_mtu_at_below_and_above() {
        let weather = Weather { mtu: 1_252, ..Weather::FAIR };
        for (size, fits) in [(1_251, true), (1_252, true), (1_253, false)] {
            let fate = Line::new(7, Way::Up, 0).send(&weather, size, Duration::ZERO);
            assert_eq!(fate == Fate::Lost(Loss::Large), !fits, "{size}: {fate:?}");
        }
    }

    #[test]
    fn a_queue_at_below_and_above() {
        let rate = Some(Rate { bytes: 1_000, queue: 100 });
        let weather = Weather { rate, ..Weather::FAIR };
        for (size, fits) in [(99, true), (100, true), (101, false)] {
            let mut line = Line::new(7, Way::Up, 0);
            // Busy until now: nothing waits, and nothing is saved up.
            line.busy = Duration::from_secs(1);
            let fate = line.send(&weather, size, Duration::from_secs(1));
            assert_eq!(fate == Fate::Lost(Loss::Full), !fits, "{size}: {fate:?}");
        }
    }

    #[test]
    fn a_cut_at_before_and_after() {
        let cut = Duration::from_secs(1)..Duration::from_secs(2);
        let weather = Weather { cuts: vec![cut], ..Weather::FAIR };
        for (at, lost) in [(999, false), (1_000, true), (1_999, true), (2_000, false)] {
            let fate = Line::new(7, Way::Up, 0).send(&weather, 1, Duration::from_millis(at));
            assert_eq!(fate == Fate::Lost(Loss::Cut), lost, "{at} ms");
        }
    }
}
