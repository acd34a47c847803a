//! The rules of ARCHITECTURE section 3, each a function named after its sentence and checked after every event.
//!
//! Rule 8, that `verify` finds every altered byte, is proven where `verify` is.

use std::collections::BTreeSet;

use venia_proto::consent::{Choice, EntryRef, Question, RunId};
use venia_proto::id::Strand;
use venia_proto::ledger::body::Body;
use venia_proto::ledger::kind::{Answer, Cause, Kind, KindName, Status, Why};
use venia_proto::session::agent::{Agent, Entry, Input, Tell};
use venia_proto::session::close::Close;

use super::items::{LEVEL, OTHER};
use super::watch::{Broken, Seen, Step, Watch};

/// A rule about one output.
pub type OfOutput = fn(&Watch, &Step<'_>, &Seen) -> Result<(), Broken>;
/// A rule about a whole step, once all its outputs are taken into account.
pub type OfStep = fn(&Watch, &Step<'_>) -> Result<(), Broken>;

/// Every rule about one output.
pub const OF_OUTPUTS: &[OfOutput] = &[
    invariant_1_nothing_runs_without_a_live_grant_made_by_the_person,
    invariant_2_each_event_passes_its_gate_before_anything_acts_or_leaves,
    invariant_3_after_the_end_nothing_is_performed_and_no_outcome_is_sent,
    invariant_3_late_outcomes_are_recorded_as_such,
    invariant_4_each_permit_is_spent_once,
    invariant_5_each_session_opens_once_and_ends_once,
    invariant_5_every_event_names_its_actor,
    invariant_5_a_yes_is_to_what_was_shown,
    invariant_6_one_question_at_a_time_and_none_again_within_a_minute,
    invariant_7_silence_is_no,
];

/// Every rule about a whole step.
pub const OF_STEPS: &[OfStep] = &[
    invariant_2_stop_waits_for_nothing,
    invariant_6_asking_is_legal_and_misbehaviour_closes,
    invariant_the_machine_performs_exactly_what_the_model_allows,
];

pub(super) fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(what()) }
}

/// The kinds a record holds, with the technician's events left out.
pub(super) fn own(seen: &Seen) -> impl Iterator<Item = &Kind<EntryRef>> {
    let entries = if let Seen::Record { entries, .. } = seen { entries.as_slice() } else { &[] };
    entries.iter().filter_map(|entry| match entry {
        Entry::Own { kind, .. } => Some(kind),
        Entry::Theirs(_) => None,
    })
}

/// 1. No `Perform` without a live grant for its scope, made by the person on this PC: the model made it from a card the
///    person answered, and it covers exactly this item, definition and arguments at the moment the permit leaves. An
///    `admit` already needs one.
pub fn invariant_1_nothing_runs_without_a_live_grant_made_by_the_person(
    watch: &Watch,
    step: &Step<'_>,
    seen: &Seen,
) -> Result<(), Broken> {
    for kind in own(seen) {
        if let Kind::Admit { request, grant } = kind {
            // A yes that stands earlier in the same record counts: it is noted record by record.
            let covers = watch.wanted.get(request).is_some_and(|wanted| watch.model.covers(*grant, wanted));
            ensure(covers, || format!("1: {request:?} admitted under {grant:?}, which doesn't cover it"))?;
            ensure(watch.model.runs.len() < 8, || format!("1: {request:?} is one run too many at once"))?;
            let item = watch.wanted.get(request).and_then(|wanted| step.catalog.get(&wanted.item));
            ensure(item.is_some_and(|item| item.level <= LEVEL), || {
                format!("1: {request:?} admitted above the level")
            })?;
        }
    }
    let Seen::Perform { run, item, definition, arguments, grant } = seen else { return Ok(()) };
    let mut then = watch.model.clone();
    then.time_is(step.left_ms);
    let admitted = watch.admits.get(run.0 as usize).and_then(|request| then.runs.get(request));
    let same = admitted.is_some_and(|run| {
        run.grant == *grant
            && (&run.wanted.item, &run.wanted.definition) == (item, definition)
            && run.wanted.arguments == *arguments
            && !run.running
    });
    ensure(same, || format!("1: {run:?} performed without a live grant: {admitted:?}"))
}

/// 2. Each kind of event passes its gate (SECURITY E) before anything acts or leaves. The table is written here once
///    more, so that the machine's own can't be wrong unseen. Only a close tells headers before their receipt.
pub fn invariant_2_each_event_passes_its_gate_before_anything_acts_or_leaves(
    watch: &Watch,
    step: &Step<'_>,
    seen: &Seen,
) -> Result<(), Broken> {
    match seen {
        Seen::Ask(_) => {
            let first_two = [0, 1].map(|seq| EntryRef { author: Strand::Agent, seq });
            ensure(first_two.into_iter().all(|entry| watch.is_receipted(entry)), || {
                "2: asked before open and join".into()
            })
        }
        Seen::Perform { run, grant, .. } => {
            let Some(request) = watch.admits.get(run.0 as usize) else { return Err(format!("2: no admit of {run:?}")) };
            let witnessed = |entry: &EntryRef| {
                !watch.strict || watch.record.get(entry).is_some_and(|(_, batch)| watch.witnessed >= Some(*batch))
            };
            let admits = |entry: &EntryRef| {
                watch.request_of(*entry) == Some(*request) && watch.is_receipted(*entry) && witnessed(entry)
            };
            let recorded = watch.is_receipted(*request) && watch.is_receipted(*grant);
            ensure(recorded && watch.record.keys().any(admits), || format!("2: {run:?} performed before its record"))
        }
        Seen::Send(entry) => passed(watch, *entry),
        Seen::SendBare(entry) if !watch.closed && !step.ends() => passed(watch, *entry),
        Seen::SendBare(entry) => ensure(!watch.sent.contains(entry), || format!("2: {entry:?} sent twice")),
        Seen::Tell(Tell::Said(_)) => {
            let line = watch.lines.0.get(watch.lines.1).copied();
            ensure(line.is_some_and(|line| watch.is_journalled(line)), || {
                format!("2: {line:?} shown before its record")
            })
        }
        Seen::CloseRecorded => {
            let close = watch.record.iter().find(|(_, (kind, _))| is_close(kind.as_ref())).map(|(entry, _)| *entry);
            ensure(close.is_some_and(|close| watch.is_receipted(close)), || "2: the close isn't recorded".into())
        }
        Seen::Record { .. }
        | Seen::Withdraw(_)
        | Seen::Tell(_)
        | Seen::Kill(_)
        | Seen::Cut
        | Seen::Closed(_)
        | Seen::Released => Ok(()),
    }
}

fn is_close(kind: Option<&Kind<EntryRef>>) -> bool {
    kind.is_some_and(|kind| kind.name() == KindName::Close)
}

fn passed(watch: &Watch, entry: EntryRef) -> Result<(), Broken> {
    let Some(kind) = watch.kind(entry) else { return Err(format!("2: {entry:?} sent and never recorded")) };
    // A no grants nothing and overtakes every gate; a yes doesn't.
    let is_no = matches!(kind, Kind::Consent { answer: Answer::No | Answer::Silence, .. });
    let gate = match kind.name() {
        KindName::Consent if is_no => true,
        KindName::Open
        | KindName::Join
        | KindName::Consent
        | KindName::Request
        | KindName::Admit
        | KindName::Result => watch.is_receipted(entry),
        KindName::Series | KindName::Chat | KindName::Note | KindName::Redaction | KindName::Addendum => {
            watch.is_journalled(entry)
        }
        KindName::Refuse
        | KindName::Pause
        | KindName::Resume
        | KindName::Stop
        | KindName::Signoff
        | KindName::Close => true,
    };
    ensure(gate, || format!("2: {:?} {entry:?} left before its gate", kind.name()))?;
    ensure(!watch.sent.contains(&entry), || format!("2: {entry:?} sent twice"))
}

/// 2. `Stop` and `Close` overtake every gate: in the step that ends a session, cutting and killing come before every
///    record, nothing is performed or asked, and STOP always ends it.
pub fn invariant_2_stop_waits_for_nothing(watch: &Watch, step: &Step<'_>) -> Result<(), Broken> {
    if matches!(step.input, Input::Stop | Input::Revoked | Input::LogDoubted | Input::JournalFailed) {
        ensure(watch.closed, || format!("2: {:?} didn't end the session", step.input))?;
    }
    let recorded = step.outputs.iter().position(|seen| matches!(seen, Seen::Record { .. }));
    let (true, Some(recorded)) = (step.ends(), recorded) else { return Ok(()) };
    let late = step.outputs[recorded..].iter().find(|seen| matches!(seen, Seen::Cut | Seen::Kill(_)));
    ensure(late.is_none(), || format!("2: {late:?} waits for a record"))?;
    ensure(matches!(step.outputs.first(), Some(Seen::Cut)), || "2: a close must cut first".into())
}

/// 3. After refuse, revoke, expiry or close: no `Perform`, no outcome `Send`, ever. While paused: nothing performed, no
///    outcome, chat or consent sent; what overtakes gates is still told.
pub fn invariant_3_after_the_end_nothing_is_performed_and_no_outcome_is_sent(
    watch: &Watch,
    step: &Step<'_>,
    seen: &Seen,
) -> Result<(), Broken> {
    let over = watch.closed || step.ends();
    match seen {
        Seen::Perform { run, .. } => {
            ensure(!over && !watch.model.paused, || format!("3: {run:?} performed after the end or while paused"))
        }
        Seen::Ask(card) => {
            let resumes = card.question == Question::Resume;
            ensure(!over && (!watch.model.paused || resumes), || format!("3: {card:?} asked after the end"))
        }
        Seen::Send(entry) => match watch.kind(*entry) {
            Some(Kind::Result { admit, .. }) => {
                let grant = match watch.kind(*admit) {
                    Some(Kind::Admit { grant, .. }) => Some(*grant),
                    Some(_) | None => None,
                };
                let mut then = watch.model.clone();
                then.time_is(step.left_ms);
                let live = grant.is_some_and(|grant| then.grants.contains_key(&grant));
                ensure(!over && !watch.model.paused && live, || format!("3: outcome {entry:?} sent after the end"))
            }
            Some(Kind::Chat | Kind::Consent { answer: Answer::Yes, .. } | Kind::Admit { .. }) => {
                ensure(!over && !watch.model.paused, || format!("3: {entry:?} sent after the end or while paused"))
            }
            Some(_) | None => Ok(()),
        },
        Seen::Tell(Tell::Said(_)) => ensure(!over, || "3: a line shown after the end".into()),
        Seen::Record { .. }
        | Seen::Withdraw(_)
        | Seen::Tell(_)
        | Seen::Kill(_)
        | Seen::SendBare(_)
        | Seen::Cut
        | Seen::CloseRecorded
        | Seen::Closed(_)
        | Seen::Released => Ok(()),
    }
}

/// 3. Late outcomes are recorded as such: `done`, `unknown` or `failed` is said only of a worker that was still allowed
///    to run when it finished, and `killed` only of one that no longer was.
pub fn invariant_3_late_outcomes_are_recorded_as_such(
    watch: &Watch,
    step: &Step<'_>,
    seen: &Seen,
) -> Result<(), Broken> {
    for kind in own(seen) {
        let Kind::Result { admit, status } = kind else { continue };
        let run = watch.request_of(*admit).and_then(|request| watch.model.runs.get(&request));
        let allowed = run.is_some_and(|run| run.running);
        match status {
            Status::Done | Status::Unknown | Status::Failed => {
                let let_go = Question::Preview { run: run_of(watch, *admit) };
                let finished = match (step.input, &watch.answer) {
                    (Input::Finished { .. }, _) => true,
                    (_, Some((card, Choice::Allow { .. }))) => card.question == let_go,
                    (_, _) => false,
                };
                ensure(allowed && finished, || format!("3: {admit:?} recorded {status:?} and was over"))?;
            }
            Status::Killed => {
                ensure(!allowed || step.ends(), || format!("3: {admit:?} killed though it was allowed"))?;
            }
            Status::Withheld | Status::Lost | Status::Late => {}
        }
    }
    Ok(())
}

/// The run of an admission; their requests stand in the order of the runs.
pub(super) fn run_of(watch: &Watch, admit: EntryRef) -> RunId {
    let request = watch.request_of(admit);
    let place = watch.admits.iter().position(|of| Some(*of) == request);
    RunId(place.and_then(|place| u32::try_from(place).ok()).unwrap_or(u32::MAX))
}

/// 4. A permit is spent once: no run is performed twice, and none ends before or without its permit.
pub fn invariant_4_each_permit_is_spent_once(watch: &Watch, _: &Step<'_>, seen: &Seen) -> Result<(), Broken> {
    match seen {
        Seen::Perform { run, .. } => ensure(!watch.performed.contains(run), || format!("4: {run:?} performed twice")),
        Seen::Kill(run) => ensure(watch.performed.contains(run), || format!("4: {run:?} killed and never performed")),
        Seen::Record { .. } => {
            for kind in own(seen) {
                if let Kind::Admit { request, .. } = kind {
                    ensure(!watch.admits.contains(request), || format!("4: {request:?} admitted twice"))?;
                }
            }
            Ok(())
        }
        Seen::Ask(_)
        | Seen::Withdraw(_)
        | Seen::Tell(_)
        | Seen::Send(_)
        | Seen::SendBare(_)
        | Seen::Cut
        | Seen::CloseRecorded
        | Seen::Closed(_)
        | Seen::Released => Ok(()),
    }
}

/// 5. Each session opens once and ends once: nothing stands before `open` or after `close`, `close` counts every event,
///    and by then every request has exactly one end.
pub fn invariant_5_each_session_opens_once_and_ends_once(
    watch: &Watch,
    _: &Step<'_>,
    seen: &Seen,
) -> Result<(), Broken> {
    if let Seen::Released = seen {
        return ensure(!watch.released, || "5: released twice".into());
    }
    let Seen::Record { entries, .. } = seen else { return Ok(()) };
    let closed = watch.record.values().any(|(kind, _)| is_close(kind.as_ref()));
    ensure(!closed, || format!("5: {entries:?} after the close"))?;
    let opened = !watch.record.is_empty();
    let opens = own(seen).filter(|kind| kind.name() == KindName::Open).count();
    ensure(opens == usize::from(!opened), || "5: a session opens once".into())?;
    let mut counts = watch.counts.clone();
    for entry in entries {
        match entry {
            Entry::Own { .. } => *counts.entry(Strand::Agent).or_default() += 1,
            Entry::Theirs(theirs) => {
                let next = counts.entry(theirs.author).or_default();
                ensure(theirs.seq == *next, || format!("5: {theirs:?} recorded as number {next}"))?;
                *next += 1;
            }
        }
    }
    let Some(Kind::Close { held, .. }) = own(seen).last() else { return Ok(()) };
    ensure(*held == counts, || format!("5: the close counts {held:?}, not {counts:?}"))?;
    every_request_ended(watch.record.values().filter_map(|(kind, _)| kind.as_ref()), &watch.wanted_and_recorded())
}

/// Every request has one end: a refusal, or an admission with one end of its own.
pub fn every_request_ended<'a>(
    kinds: impl Iterator<Item = &'a Kind<EntryRef>> + Clone,
    requests: &[EntryRef],
) -> Result<(), Broken> {
    for request in requests {
        let refused = kinds.clone().filter(|kind| matches!(kind, Kind::Refuse { request: of, .. } if of == request));
        let admitted = kinds.clone().filter(|kind| matches!(kind, Kind::Admit { request: of, .. } if of == request));
        let (refused, admitted) = (refused.count(), admitted.count());
        ensure(admitted <= 1 && refused <= 1, || {
            format!("5: {request:?} refused {refused}, admitted {admitted} times")
        })?;
    }
    let results = kinds.clone().filter(|kind| kind.name() == KindName::Result).count();
    let refused = kinds.clone().filter(|kind| kind.name() == KindName::Refuse).count();
    ensure(results + refused == requests.len(), || {
        format!("5: {} requests, {refused} refused and {results} ended", requests.len())
    })
}

/// 5. Every event names its actor, truly: only the person's own act is recorded as the person's.
pub fn invariant_5_every_event_names_its_actor(_: &Watch, step: &Step<'_>, seen: &Seen) -> Result<(), Broken> {
    let denies = matches!(step.input, Input::Answered { choice: Choice::Deny, .. });
    for kind in own(seen) {
        let holds = match kind {
            Kind::Close { by: Cause::Person, .. } | Kind::Stop { by: Cause::Person, .. } => {
                matches!(step.input, Input::Stop) || denies
            }
            Kind::Close { by: Cause::Technician, .. } => matches!(step.input, Input::SignedOff { .. } | Input::Left),
            Kind::Close { by: Cause::Misbehaviour, .. } => matches!(
                step.input,
                Input::Nonsense { .. }
                    | Input::Run { .. }
                    | Input::Ask { .. }
                    | Input::Said { .. }
                    | Input::SignedOff { .. }
                    | Input::Arrived(_)
            ),
            Kind::Resume { by, .. } => {
                *by == Cause::Person && matches!(step.input, Input::Answered { choice: Choice::Allow { .. }, .. })
            }
            Kind::Open { .. }
            | Kind::Join { .. }
            | Kind::Consent { .. }
            | Kind::Request
            | Kind::Admit { .. }
            | Kind::Refuse { .. }
            | Kind::Result { .. }
            | Kind::Series { .. }
            | Kind::Chat
            | Kind::Note
            | Kind::Redaction { .. }
            | Kind::Pause { .. }
            | Kind::Stop { .. }
            | Kind::Signoff { .. }
            | Kind::Close { .. }
            | Kind::Addendum { .. } => true,
        };
        ensure(holds, || format!("5: {kind:?} after {:?}", step.input))?;
    }
    Ok(())
}

/// 5. What is on record as shown is what stood before the person as they said yes.
pub fn invariant_5_a_yes_is_to_what_was_shown(watch: &Watch, _: &Step<'_>, seen: &Seen) -> Result<(), Broken> {
    let Seen::Record { entries, .. } = seen else { return Ok(()) };
    for entry in entries {
        if let Entry::Own { kind: Kind::Consent { answer: Answer::Yes, .. }, body: Body::Consent(consent) } = entry {
            ensure(!consent.text.is_empty() && consent.text == watch.shown, || {
                format!("5: {:?} beside {:?}", consent.text, watch.shown)
            })?;
        }
    }
    Ok(())
}

/// 6. One question is open at a time; a refused scope isn't asked about again within 60 s, and after three refusals
///    nothing the technician asks is; a service never met waits ten seconds.
pub fn invariant_6_one_question_at_a_time_and_none_again_within_a_minute(
    watch: &Watch,
    step: &Step<'_>,
    seen: &Seen,
) -> Result<(), Broken> {
    let Seen::Ask(card) = seen else { return Ok(()) };
    let beside = watch.card.as_ref().filter(|(open, _)| {
        if let Input::Ticked { card: ticked, .. } = step.input {
            *ticked != open.id || open.id != card.id
        } else if let Input::Answered { card: answered, shown, .. } = step.input {
            // A yes to something else than what stands there: it stands there once more, as it is.
            *answered != open.id || !shown.is_empty() && *shown == watch.shown || open != card
        } else {
            true
        }
    });
    ensure(beside.is_none(), || format!("6: {card:?} beside {beside:?}"))?;
    let waited = watch.first_seen.is_none_or(|at| step.now_ms >= at.saturating_add(10_000));
    ensure(waited, || "6: a service never met asked too soon (A2)".into())?;
    // What came of a run isn't asked for by the technician.
    if card.asked.author == Strand::Agent || matches!(card.question, Question::Preview { .. }) {
        return Ok(());
    }
    // R1: a change is asked about only with what its preview found a short while ago.
    let shown = card.planned.as_ref().is_some_and(|preview| {
        preview.report.plan().is_some() && preview.item.0 == OTHER && step.now_ms < preview.seen_ms + 300_000
    });
    ensure(shown == (card.question == Question::Change), || format!("R1: {card:?}"))?;
    let areas = card.items.iter().filter_map(|allowed| step.catalog.get(&allowed.item)).map(|item| item.area.scope());
    for scope in areas {
        let recently = watch.refused.get(&scope).is_some_and(|at| step.now_ms < at + 60_000);
        ensure(!recently, || format!("6: {scope} asked again"))?;
    }
    ensure(watch.refusals < 3, || "6: asked after three refusals".into())
}

/// 6. Asking is always legal. Running outside a live grant, above the level, or with invalid arguments is recorded as
///    refused and closes the session; an unknown item doesn't.
pub fn invariant_6_asking_is_legal_and_misbehaviour_closes(watch: &Watch, step: &Step<'_>) -> Result<(), Broken> {
    let misbehaved = step.outputs.iter().any(|seen| matches!(seen, Seen::Closed(Close::PeerMisbehaved { .. })));
    if watch.expected.legal.is_some() {
        ensure(!misbehaved, || format!("6: {:?} was legal", step.input))?;
    }
    let Some(request) = watch.expected.misbehaved else { return Ok(()) };
    if watch.closed && !step.ends() {
        return Ok(());
    }
    let by_itself = step.ends() && !misbehaved;
    let refuses = |kind: &Kind<EntryRef>| matches!(kind, Kind::Refuse { request: of, why: Why::OutsideGrant | Why::Level | Why::Arguments } if *of == request);
    let refused = step.outputs.iter().flat_map(own).any(refuses);
    ensure(by_itself || (misbehaved && refused), || format!("6: {:?} should have closed the session", step.input))
}

/// 7. Silence is no: a yes is recorded only when the person allowed the card that is open, in time.
pub fn invariant_7_silence_is_no(watch: &Watch, step: &Step<'_>, seen: &Seen) -> Result<(), Broken> {
    for kind in own(seen) {
        if let Kind::Consent { asked, answer: Answer::Yes, .. } = kind {
            let allowed = matches!(&watch.answer, Some((card, Choice::Allow { .. })) if card.asked == *asked);
            ensure(allowed, || format!("7: yes to {asked:?} after {:?}", step.input))?;
        }
    }
    Ok(())
}

/// 9. At rest nothing is left: after the release no timer, run, card or output; before it no timer that is overdue.
pub fn invariant_9_at_rest_nothing_is_left(watch: &Watch, agent: &Agent, now_ms: u64) -> Result<(), Broken> {
    if watch.released {
        ensure(agent.is_at_rest() && agent.deadline().is_none(), || format!("9: left at rest: {agent:?}"))?;
        ensure(agent.running().count() == 0, || "9: a worker is left".into())?;
        let unsent = watch.record.iter().filter(|(entry, (kind, _))| kind.is_some() && !watch.sent.contains(entry));
        let unsent: Vec<_> = unsent.map(|(entry, _)| entry.seq).collect();
        return ensure(unsent.is_empty(), || format!("9: events {unsent:?} were never told (E11)"));
    }
    ensure(agent.deadline().is_none_or(|at| at > now_ms), || {
        format!("9: overdue at {now_ms}: {:?}", agent.deadline())
    })?;
    ensure(agent.deadline().is_some() || watch.record.is_empty(), || "9: a session that waits for nothing".into())
}

/// The machine performs exactly what the model allows: whatever is admitted, receipted in time and still allowed runs
/// at once, and nothing else does; a covered run is admitted.
pub fn invariant_the_machine_performs_exactly_what_the_model_allows(
    watch: &Watch,
    step: &Step<'_>,
) -> Result<(), Broken> {
    if watch.closed {
        return Ok(());
    }
    let run_of = |seen: &Seen| {
        if let Seen::Perform { run, .. } = seen { watch.admits.get(run.0 as usize).copied() } else { None }
    };
    let performed: BTreeSet<EntryRef> = step.outputs.iter().filter_map(run_of).collect();
    let mut then = watch.model.clone();
    then.time_is(step.left_ms);
    let due = watch.expected.performed.iter().filter(|request| then.runs.contains_key(request)).copied().collect();
    ensure(performed == due, || format!("model: {due:?} should run, {performed:?} did"))?;
    let admitted = watch.expected.admitted.is_none_or(|request| watch.admits.contains(&request));
    ensure(admitted, || format!("model: {:?} should be admitted", watch.expected.admitted))
}
