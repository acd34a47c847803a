//! `network.relay`: how good the session's own connection is, which the agent measures before the worker starts.
//!
//! A worker has no way out, and this connection is the agent's: what it measured comes with the order ([`FIGURES`]), and
//! only what it means is said here. Outside a session nothing was measured, and nothing can be told.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use venia_proto::catalog::FIGURES;
use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use crate::checks::figure::{percent, tenths};
use crate::checks::{Check, Failure};

/// A conversation suffers from here on: 150 ms each way (ITU-T G.114).
const SLOW: Duration = Duration::from_millis(300);
/// And isn't one any more from here on: 400 ms each way (ITU-T G.114).
const VERY_SLOW: Duration = Duration::from_millis(800);
/// More than this a call's usual buffer doesn't even out.
const UNEVEN: Duration = Duration::from_millis(30);
/// One lost packet may be chance.
const LOST: u64 = 2;
/// Share of lost packets, in percent, at which pages and calls suffer; at the second little works.
const LOSSY: [f64; 2] = [2.0, 10.0];
/// What every way has to take: RFC 8200.
const LEAST: u32 = 1_280;
/// How far below the truth the search for the largest packet may end: it halves, and gives up below 20 bytes.
const SEARCH: u32 = 40;
/// Below this a page takes many seconds; below the second, in kbit/s, hardly a session works.
const SLOW_KILOBITS: [f64; 2] = [1_000.0, 128.0];

/// What an agent measured of its session's connection. Times are in microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Figures {
    /// Round trip to the relay, as QUIC smooths it.
    pub(crate) relay: u64,
    /// Round trips to the technician's program, in order; none if it doesn't answer.
    pub(crate) trips: Vec<u64>,
    /// Packets sent during the round trips.
    pub(crate) sent: u64,
    /// How many of them were lost.
    pub(crate) lost: u64,
    /// The largest packet known to pass, in bytes, all headers counted as they leave this computer.
    pub(crate) packet: u32,
    /// Padding sent, a round trip included; nothing if it wasn't tried.
    pub(crate) up: Option<Pace>,
    /// Padding received.
    pub(crate) down: Option<Pace>,
}

/// How fast padding went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pace {
    /// How much.
    pub(crate) bytes: u64,
    /// In how long.
    pub(crate) micros: u64,
    /// Whether all of it arrived; if not, the way is slower than this.
    pub(crate) whole: bool,
}

pub(crate) struct Relay;

impl Check for Relay {
    const ID: &'static str = "network.relay";
    /// Nothing if nobody measured.
    type Inputs = Option<Figures>;

    fn gather(arguments: &Arguments) -> Result<Option<Figures>, Failure> {
        let Some(written) = arguments.get(FIGURES) else { return Ok(None) };
        serde_json::from_str(written).map(Some).map_err(|_| Failure::Argument(FIGURES))
    }

    fn judge(figures: Option<Figures>) -> Draft {
        let mut draft = Draft::default();
        let Some(figures) = figures else {
            draft.finding(Severity::Unknown, "no-connection", &[], "measured in a session only");
            return draft;
        };
        draft.fact("relay", milliseconds(figures.relay), "ms");
        draft.fact("packet", figures.packet, "bytes");
        let trip = figures.trip();
        judge_answers(&mut draft, &figures, trip);
        judge_packets(&mut draft, &figures);
        let (up, down) = (figures.up.map(|pace| pace.without(trip)), figures.down);
        judge_speed(&mut draft, "up", "slow-up", up);
        judge_speed(&mut draft, "down", "slow-down", down);
        if figures.trips.is_empty() {
            let evidence = format!("no answer through the relay, which itself answers in {} ms", figures.relay / 1_000);
            draft.finding(Severity::Unknown, "no-answer", &[], evidence);
        } else if up.is_none() || down.is_none() {
            draft.finding(Severity::Unknown, "no-speed", &[], "the padding was not answered in time");
        } else if draft.findings.is_empty() {
            let evidence =
                format!("{} ms there and back, {} of {} packets lost", trip / 1_000, figures.lost, figures.sent);
            draft.finding(Severity::Ok, "good", &[], evidence);
        }
        draft
    }
}

impl Figures {
    /// The median round trip; 0 of none.
    fn trip(&self) -> u64 {
        let mut sorted = self.trips.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or(0)
    }

    /// How much one round trip differs from the one before, on average. RFC 3550 smooths the same differences over a long
    /// call; of so few the plain mean says more.
    fn jitter(&self) -> Option<u64> {
        let differences: Vec<u64> = self.trips.windows(2).map(|pair| pair[0].abs_diff(pair[1])).collect();
        let sum = differences.iter().fold(0_u64, |sum, difference| sum.saturating_add(*difference));
        sum.checked_div(differences.len() as u64)
    }
}

impl Pace {
    /// Without the round trip in it; never more than half is taken off, so that no speed comes out of noise.
    fn without(self, trip: u64) -> Self {
        Self { micros: self.micros - trip.min(self.micros / 2), ..self }
    }

    /// In kbit/s.
    #[expect(clippy::cast_precision_loss, reason = "a speed needs no more than 52 bits")]
    fn kilobits(self) -> f64 {
        self.bytes as f64 * 8_000.0 / self.micros.max(1) as f64
    }
}

fn judge_answers(draft: &mut Draft, figures: &Figures, trip: u64) {
    let slow = |micros: u64| match Duration::from_micros(micros) {
        time if time >= VERY_SLOW => Some(Severity::Critical),
        time if time >= SLOW => Some(Severity::Warning),
        _ => None,
    };
    let evidence = format!("the relay {} ms, through it the technician {} ms", figures.relay / 1_000, trip / 1_000);
    if let Some(severity) = slow(figures.relay) {
        draft.finding(severity, "slow-answer", &[("milliseconds", (figures.relay / 1_000).into())], evidence);
    } else if let Some(severity) = slow(trip) {
        draft.finding(severity, "slow-beyond", &[("milliseconds", (trip / 1_000).into())], evidence);
    }
    let Some(slowest) = figures.trips.iter().max() else { return };
    draft.fact("time", milliseconds(trip), "ms");
    draft.fact("slowest", milliseconds(*slowest), "ms");
    draft.fact("sent", figures.sent, "");
    draft.fact("lost", figures.lost, "");
    if let Some(jitter) = figures.jitter() {
        draft.fact("jitter", milliseconds(jitter), "ms");
        if Duration::from_micros(jitter) >= UNEVEN {
            let evidence = format!(
                "{} round trips, median {} ms, slowest {} ms",
                figures.trips.len(),
                trip / 1_000,
                slowest / 1_000
            );
            draft.finding(Severity::Warning, "uneven", &[("milliseconds", (jitter / 1_000).into())], evidence);
        }
    }
    let share = percent(figures.lost, figures.sent);
    if figures.lost >= LOST && share >= LOSSY[0] {
        let severity = if share >= LOSSY[1] { Severity::Critical } else { Severity::Warning };
        let evidence = format!("{} % of the packets of {} round trips", tenths(share), figures.trips.len());
        let values = [("lost", figures.lost.into()), ("sent", figures.sent.into())];
        draft.finding(severity, "lossy", &values, evidence);
    }
}

fn judge_packets(draft: &mut Draft, figures: &Figures) {
    if figures.packet < LEAST - SEARCH {
        let evidence = format!("{} bytes pass; every way has to take {LEAST}", figures.packet);
        draft.finding(Severity::Warning, "small-packets", &[("bytes", figures.packet.into())], evidence);
    }
}

fn judge_speed(draft: &mut Draft, fact: &str, finding: &str, pace: Option<Pace>) {
    let Some(pace) = pace else { return };
    let kilobits = pace.kilobits();
    // "At least" is only true of what arrived.
    if pace.whole {
        draft.fact(fact, tenths(kilobits), "kbit/s");
    }
    if kilobits >= SLOW_KILOBITS[0] {
        return;
    }
    let severity = if kilobits < SLOW_KILOBITS[1] { Severity::Critical } else { Severity::Warning };
    let arrived = if pace.whole { "arrived" } else { "had not arrived" };
    let evidence = format!("{} bytes of padding {arrived} after {} ms", pace.bytes, pace.micros / 1_000);
    draft.finding(severity, finding, &[("kilobits", tenths(kilobits).into())], evidence);
}

/// As it is told.
#[expect(clippy::cast_precision_loss, reason = "a time needs no more than 52 bits")]
fn milliseconds(micros: u64) -> Value {
    tenths(micros as f64 / 1_000.0).into()
}

#[cfg(test)]
#[path = "relay_tests.rs"]
mod tests;
