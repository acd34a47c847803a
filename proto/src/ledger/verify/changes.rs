//! What a record must show of a change: that its preview had found something to change a short while before. (MISSION R1)
//!
//! Only with definitions and words at hand: a withheld result may have been the preview's, and then nothing is held against
//! anybody.

use std::collections::BTreeMap;

use super::rules::Record;
use crate::id::Leaf;
use crate::ledger::body::{Body, DefinitionHash, ItemId};
use crate::ledger::kind::Kind;
use crate::session::timer::{PREVIEW_MS, SILENCE_MS};

/// Whether the admit at `n` is of a change that nobody was shown.
pub(super) fn is_unshown(
    record: &Record<'_>,
    places: &BTreeMap<Leaf, usize>,
    n: usize,
    (item, definition): (&ItemId, &DefinitionHash),
) -> bool {
    let definition = record.catalog.and_then(|catalog| catalog.find(item, definition));
    let Some(change) = definition.and_then(|item| item.change.as_ref()) else { return false };
    let Some((now, before)) = record.events.get(n).map(|event| event.header().time).zip(record.events.get(..n)) else {
        return false;
    };
    // Fresh when the card was shown, and the card was answered in time.
    let oldest = i64::try_from(PREVIEW_MS + SILENCE_MS).map_or(now, |ms| now.plus_ms(-ms));
    // Withheld words may have been the preview's.
    let of_preview = |admit: &Leaf| match places.get(admit).and_then(|place| record.words.of(*place)) {
        Some(Body::Admit(admit)) => admit.item == change.preview,
        Some(_) | None => true,
    };
    let planned = |place: usize| match record.words.of(place) {
        Some(Body::Result(outcome)) => outcome.report.as_ref().is_some_and(|report| report.plan().is_some()),
        Some(_) | None => true,
    };
    !before.iter().enumerate().any(|(place, event)| {
        let header = event.header();
        let Kind::Result { admit, .. } = &header.kind else { return false };
        header.time >= oldest && of_preview(admit) && planned(place)
    })
}
