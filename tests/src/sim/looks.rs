//! What the person ticks, looks at and is shown before a change: rules of SECURITY D5, E2 and R1, checked like the others.

use std::collections::BTreeSet;

use venia_proto::catalog::Effect;
use venia_proto::consent::{EntryRef, Question};
use venia_proto::ledger::body::Body;
use venia_proto::ledger::kind::{Kind, Status};
use venia_proto::session::agent::Entry;

use super::invariants::{OfOutput, ensure, run_of};
use super::items::secret;
use super::watch::{Broken, Seen, Step, Watch};

/// Every rule about one output.
pub const OF_OUTPUTS: &[OfOutput] = &[
    nothing_runs_that_wasn_t_ticked,
    nothing_of_a_look_is_recorded_or_leaves_before_it_is_let_go,
    a_change_is_run_only_after_its_preview,
];

/// D5. Boxes of personal data start empty, a card shows what the person ticked, and only that runs under its yes. Who ticked
/// what is counted here by the person's acts, not by the card.
pub fn nothing_runs_that_wasn_t_ticked(watch: &Watch, step: &Step<'_>, seen: &Seen) -> Result<(), Broken> {
    if let Seen::Ask(card) = seen
        && card.has_boxes()
    {
        let (ticked, shown) = (watch.ticked(step, card), card.ticked().map(|allowed| allowed.item.clone()).collect());
        return ensure(ticked == shown, || format!("D5: {card:?} doesn't show what is ticked: {ticked:?}"));
    }
    let Seen::Perform { item, grant, run, .. } = seen else { return Ok(()) };
    let ticked = watch.ticked_of.get(grant).is_some_and(|ticked| ticked.contains(item));
    ensure(ticked, || format!("D5: {run:?} performed, and the box of {item:?} was empty"))
}

/// E2. Until the person lets it go, no byte of a looked-at result is recorded, so none can leave; kept, all that ever stands
/// in the record is that it was kept, without a word.
pub fn nothing_of_a_look_is_recorded_or_leaves_before_it_is_let_go(
    watch: &Watch,
    step: &Step<'_>,
    seen: &Seen,
) -> Result<(), Broken> {
    let is_kept = |admit: EntryRef| {
        let item = watch.request_of(admit).and_then(|request| watch.wanted.get(&request)).map(|wanted| &wanted.item);
        let personal = item.and_then(|item| step.catalog.get(item)).is_some_and(|item| item.personal);
        personal && !watch.let_go.contains(&run_of(watch, admit))
    };
    if let Seen::Send(entry) = seen
        && let Some(Kind::Result { admit, .. } | Kind::Redaction { admit }) = watch.kind(*entry)
    {
        let failed = matches!(watch.kind(*entry), Some(Kind::Result { status: Status::Failed, .. }));
        return ensure(failed || !is_kept(*admit), || format!("E2: {entry:?} sent and not let go"));
    }
    let Seen::Record { entries, .. } = seen else { return Ok(()) };
    for entry in entries {
        let Entry::Own { kind, body } = entry else { continue };
        if let Kind::Result { admit, status: Status::Done | Status::Unknown } | Kind::Redaction { admit } = kind {
            ensure(!is_kept(*admit), || format!("E2: {kind:?} recorded and not let go"))?;
        }
        if let Kind::Result { status: Status::Withheld, .. } = kind {
            ensure(*body == Body::None, || format!("E2: {kind:?} with words: {body:?}"))?;
        }
        let words = format!("{body:?}");
        let leaks = watch.performed.iter().find(|run| !watch.let_go.contains(run) && words.contains(&secret(**run)));
        ensure(leaks.is_none(), || format!("E2: {kind:?} holds what {leaks:?} brought"))?;
    }
    Ok(())
}

/// R1. A change is asked about with what a preview of exactly its arguments found, and runs only after that preview.
pub fn a_change_is_run_only_after_its_preview(watch: &Watch, step: &Step<'_>, seen: &Seen) -> Result<(), Broken> {
    if let Seen::Ask(card) = seen
        && card.question == Question::Change
    {
        let same = card.planned.as_ref().is_some_and(|planned| {
            let exactly = |(name, values): (&String, &BTreeSet<String>)| {
                planned.arguments.get(name).is_some_and(|value| values.len() == 1 && values.contains(value))
            };
            // While a question waits for its turn, a later preview may end; it is shown what was found before.
            watch.previewed.get(&planned.arguments).is_some_and(|seen| seen.contains(&planned.seen_ms))
                && card.items.iter().all(|allowed| allowed.values.iter().all(exactly))
        });
        return ensure(same, || format!("R1: {card:?} shows what no preview found"));
    }
    let Seen::Perform { run, item, arguments, .. } = seen else { return Ok(()) };
    let changes = step.catalog.get(item).is_some_and(|item| item.effect == Effect::Changes);
    ensure(!changes || watch.previewed.contains_key(arguments), || format!("R1: {run:?} changes what nobody was shown"))
}
