//! Whether auditors can open what was said: all of it or nothing, as the statement said when the session began. (SECURITY E4)
//!
//! Recipients are fixed at `open`, and a bundle carries the statement of that moment. An agent that left one result unsealed
//! would hide it from the auditors for ever; one that sealed without an auditor would seal to somebody nobody named.

use super::Broken;
use crate::ledger::event::Event;
use crate::statement::Statement;

/// Every part is sealed if the statement names auditors, and none if it doesn't.
pub(super) fn check(events: &[Event], statement: &Statement) -> Result<(), Broken> {
    all_or_none(events, !statement.auditors.is_empty())
}

/// Without the statement at hand: every part is sealed as the first one is, which is the open's.
pub(super) fn check_alike(events: &[Event]) -> Result<(), Broken> {
    let first = events.iter().flat_map(|event| &event.header().parts).next();
    first.map_or(Ok(()), |first| all_or_none(events, first.sealed.is_some()))
}

fn all_or_none(events: &[Event], sealed: bool) -> Result<(), Broken> {
    let differs = |event: &Event| event.header().parts.iter().any(|part| part.sealed.is_some() != sealed);
    match events.iter().position(differs) {
        None => Ok(()),
        Some(n) if sealed => {
            Err(Broken::entry(n, "a part that no auditor can open, although the session has auditors"))
        }
        Some(n) => Err(Broken::entry(n, "a sealed part, although the session has no auditor")),
    }
}
