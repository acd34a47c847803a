//! `venia join`: from a spoken code to a record on the disk.
//!
//! What is wrong with the command line is said before anything is sent, so that no code is burnt for a typing error. From
//! then on there is one try (SECURITY B1): a code is used for one run of this program and forgotten.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;

use tracing::Instrument as _;
use venia_proto::catalog::{Catalog, Goal};
use venia_proto::code::Code;
use venia_proto::key::VerifierKey;
use venia_proto::ledger::body::{Asked, Signoff};
use venia_proto::ledger::gossip;
use venia_proto::ledger::pin::Evidence;
use venia_proto::ledger::verify::Finding;
use venia_proto::rendezvous::{Answer, Call, Refusal};
use venia_proto::session::agent::OFFER_MAX;
use venia_proto::statement::Member;
use venia_relay::client::control::{Control, ControlError};
use venia_relay::client::followed;
use venia_relay::client::gossip::Talk;
use venia_relay::client::home::Home;
use venia_relay::client::keeper::Keeper;
use venia_relay::client::link::LinkError;
use venia_relay::client::tls::Expected;
use venia_ui::cli::{Common, Program};
use venia_ui::failure::{Exit, Failure, Loss, Trouble};
use venia_ui::reasons;
use venia_ui::terminal::Screen;
use venia_ui::words::Words;

use crate::cli::JoinArgs;
use crate::clock;
use crate::driver::collect::{self, Collected, Place};
use crate::driver::pair::{Binding, PairFailed, Paired, pair};
use crate::driver::record::{Record, Sides};
use crate::driver::{Finished, Keys, Plan, Through, drive, refresh};
use crate::keeping;
use crate::membership::{self, Membership};
use crate::reach::{Reached, call, reach};
use crate::voice::{Ended, Told, Voice};
use crate::{Parts, input, obeying, packs, seen, succession, trouble};

/// A member note with less left than this is renewed first, in milliseconds.
const RENEW_MS: i64 = 60 * 60 * 1_000;
/// From the sign-off to the end of the program. (COMMANDS.md)
const END: Duration = Duration::from_secs(10);
/// For the proofs of a session that wasn't closed before our eyes.
const UNCLOSED: Duration = Duration::from_secs(3);
/// What the last steps of the bundle need of that.
const PACKING: Duration = Duration::from_millis(500);

pub(super) fn run(args: &JoinArgs, common: &Common, screen: &Screen, parts: Parts) -> Exit {
    let catalog = match common.folder(Program::Console) {
        Ok(data) => Catalog::built_in().with_packs(packs::all(&data)),
        Err(failure) => {
            let _ = screen.fail(&failure);
            return failure.exit;
        }
    };
    let mut voice = Voice::new(screen, &catalog);
    match join(args, common, parts, &mut voice) {
        Ok(exit) => exit,
        Err(failure) => {
            voice.error(&failure);
            failure.exit
        }
    }
}

fn join(args: &JoinArgs, common: &Common, mut parts: Parts, voice: &mut Voice<'_>) -> Result<Exit, Failure> {
    let words = voice.words();
    let plan = plan(args, voice)?;
    let code = code(&args.code, &mut parts, words)?;
    let member = member(&common.folder(Program::Console)?, words)?;
    let keys = if plan.signoff.is_none() { Keys::Lines(input::lines(parts.input)) } else { Keys::Nobody };
    super::block_on(session(member, code, plan, keys, voice), words)?
}

/// Whose member this folder's is.
pub(super) fn member(folder: &Path, words: &Words) -> Result<Membership, Failure> {
    let member = if folder.is_dir() {
        let home = Home::open(folder, false).map_err(|error| trouble::folder(&error, words))?;
        keeping::sweep(&home);
        Membership::load(home).map_err(|error| trouble::folder(&error, words))?
    } else {
        None
    };
    member.ok_or_else(|| trouble::not_enrolled(words))
}

/// What the command line asks for, checked against the catalogue.
fn plan(args: &JoinArgs, voice: &Voice<'_>) -> Result<Plan, Failure> {
    let words = voice.words();
    let mut runs: Vec<Asked> = Vec::with_capacity(args.run.len());
    for run in &args.run {
        let item = voice.catalog().get(&run.item).ok_or_else(|| {
            let message = words.say("console-item-unknown", &[("item", &run.item.0)]);
            trouble::wrong_use(message, words.say("console-item-unknown-hint", &[]), words)
        })?;
        runs.push(item.asked(&run.arguments).map_err(|error| {
            let why = reasons::argument(&error, words);
            let message = words.say("console-run-arguments", &[("item", &run.item.0), ("why", &why)]);
            trouble::wrong_use(message, words.say("console-item-unknown-hint", &[]), words)
        })?);
    }
    if runs.len() > OFFER_MAX {
        let message = words.say("console-too-many-runs", &[("most", &OFFER_MAX)]);
        return Err(trouble::wrong_use(message, words.say("console-too-many-runs-hint", &[]), words));
    }
    let signoff = args.outcome.clone().zip(args.next.clone());
    let goal = args.goal.as_deref().map(|name| goal(name, voice)).transpose()?;
    Ok(Plan {
        reason: args.reason.clone(),
        scopes: args.ask.iter().copied().collect(),
        runs,
        goal,
        signoff: signoff.map(|(outcome, next)| Signoff { outcome, next, observations: None }),
    })
}

fn goal(name: &str, voice: &Voice<'_>) -> Result<Goal, Failure> {
    let words = voice.words();
    let goals = Goal::built_in(voice.catalog()).map_err(|error| super::broken_build(&error, words))?;
    let names = goals.iter().map(|goal| goal.id.as_str()).collect::<Vec<_>>().join(", ");
    goals.into_iter().find(|goal| goal.id == name).ok_or_else(|| {
        let message = words.say("console-goal-unknown", &[("goal", &name)]);
        trouble::wrong_use(message, words.say("console-goal-unknown-hint", &[("goals", &names)]), words)
    })
}

fn code(given: &str, parts: &mut Parts, words: &Words) -> Result<Code, Failure> {
    let parsed = if given == "-" {
        let word = input::word(parts.input.as_mut());
        let word = word.ok_or_else(|| {
            trouble::wrong_use(words.say("console-input", &[]), words.say("console-input-hint", &[]), words)
        })?;
        Code::parse(&word)
    } else {
        Code::parse(given)
    };
    parsed.map_err(|error| {
        let message = words.say("console-code-malformed", &[("why", &reasons::code(error, words))]);
        trouble::wrong_use(message, words.say("console-code-malformed-hint", &[]), words)
    })
}

/// One session, from the code to the record. The code is gone after it, whatever came of it.
pub(super) async fn session(
    mut membership: Membership,
    code: Code,
    plan: Plan,
    keys: Keys,
    voice: &mut Voice<'_>,
) -> Result<Exit, Failure> {
    let words = voice.words();
    let failed = |error: ControlError| trouble::control(&error, words);
    let (at, root) = (membership.at.clone(), membership.root);
    let mut reached = reach(&at, &root, membership.statement.as_ref(), &membership.key).await.map_err(failed)?;
    succession::follow(&membership, &reached.control, words).await?;
    let (home, log) = (&membership.home, &reached.control.welcome().relay.log);
    let untold = succession::untold(home, log, words).map_err(|error| trouble::folder(&error, words))?;
    if !untold.is_empty() {
        untold.into_iter().for_each(|line| voice.tell(Told::Warned(line)));
        followed::told(home, log).map_err(|error| trouble::folder(&error, words))?;
    }
    let folder = |error| trouble::folder(&error, words);
    let log = log.clone();
    // Asked together, for somebody waits on either side. Nothing is deleted before the log is trusted and its statement holds.
    let trusted = seen::trusted(home, &reached.control, words);
    let erased = async { obeying::ask(home, &reached.control).await.map_err(folder) };
    let ((), erased) = tokio::try_join!(trusted, erased)?;
    let member = renewed(&mut membership, &reached, voice).await?;
    obeying::obey(&membership.home, &reached.control, &log, &erased).await.map_err(folder)?;

    let Answer::Joined { flow, session } =
        call(&reached.control, Call::Join { number: code.number().get() }).await.map_err(failed)?
    else {
        return Err(failed(ControlError::Malformed(None)));
    };
    let connection = reached.link.dial(flow, Expected::Anyone).await.map_err(|error| dialled(&error, words))?;
    let welcome = reached.control.welcome().clone();
    let console = *membership.key.public();
    let binding = Binding { root, relay: welcome.relay.tls, flow, session, console };
    let paired: Result<Paired, PairFailed> = pair(connection, code, membership.note.clone(), &binding).await;
    let paired = paired.map_err(|error| unpaired(&error, words))?;

    let key = membership.key.named(member.key.name.clone());
    let sealed = !welcome.statement.auditors.is_empty();
    let (agent, strand) = (paired.agent, paired.strand);
    let record = Record::new(Sides { session, root, agent, log: log.clone(), strand, key, sealed });
    let mut talk = Talk::new(&reached.control, |log| seen::pin(&membership.home, log)).map_err(folder)?;
    let keep = |log: &VerifierKey, found: &Evidence| {
        let kept = seen::keep_evidence(&membership.home, &welcome.statement_note, log, found);
        kept.inspect_err(|error| tracing::error!(%error, "evidence can't be kept")).ok()
    };
    let (control, link, hearing) = (&reached.control, &reached.link, &mut reached.hearing);
    let through = Through { control, link, hearing, flow, session, talk: &mut talk, keep: &keep };
    let keeper = Keeper::keep(control, link, at.clone());
    let finished = {
        let span = tracing::info_span!("session", id = %session);
        let driving = drive(paired, through, record, plan, member.level, voice, keys).instrument(span);
        // What people added to earlier records; the session neither waits for it nor hears of it.
        let refreshing = refresh::beside(&membership.home, root, &reached.control, session);
        tokio::pin!(driving, refreshing);
        tokio::select! {
            biased;
            finished = &mut driving => finished,
            () = &mut refreshing => driving.await,
        }
    };

    drop(keeper);
    if let Some(newest) = reached.control.to_keep()
        && let Err(error) = membership.keep_statement(&newest.statement, &newest.statement_note)
    {
        // The next greeting brings it again; how this session ended must be told.
        tracing::warn!(%error, "the newest statement can't be kept");
    }
    let progress = voice.wait_for_close();
    // Without the agent's close there is nothing to wait for.
    let most = if finished.record.close().is_some() { END } else { UNCLOSED };
    let patience = most.saturating_sub(finished.since.elapsed() + PACKING).max(PACKING);
    let control = again(&reached, &membership).await;
    let place = Place {
        home: &membership.home,
        root,
        session,
        log: &log,
        statement: welcome.statement_note.clone(),
        member: membership.note.clone(),
    };
    let relay = control.as_ref().map_or(&reached.control, |reached| &reached.control);
    let mut talk = match &control {
        Some(again) => resumed(&talk, &again.control, &finished.record),
        None => talk,
    };
    let collected = collect::collect(&finished.record, relay, &mut talk, place, patience).await;
    if let Err(error) = obeying::obey(&membership.home, relay, &log, &finished.erased).await {
        // The next connection asks again; how this session ended must be told.
        tracing::warn!(error = &error as &dyn std::error::Error, "what was erased is still here");
    }
    drop(progress);
    let exit = tell(&finished, collected.map_err(|error| kept_not(&error, words)), voice);
    reached.control.close();
    reached.link.close(0, b"").await;
    exit
}

/// A fresh member note if the old one is nearly over by the ledger's time, never by this computer's clock. (SECURITY A4)
async fn renewed(membership: &mut Membership, reached: &Reached, voice: &mut Voice<'_>) -> Result<Member, Failure> {
    let words = voice.words();
    let welcome = reached.control.welcome();
    let statement = &welcome.statement;
    if !statement.valid_at(welcome.ledger_time) {
        return Err(Failure::of(Trouble::Expired, words));
    }
    if let Some(known) = &membership.statement {
        let added = statement.auditors_added_since(known).into_iter();
        added.for_each(|auditor| voice.tell(Told::AuditorAdded(auditor.to_string())));
    }
    let folder = |error| trouble::folder(&error, words);
    membership.keep_statement(statement, &welcome.statement_note).map_err(folder)?;
    let held = membership::own(&membership.note, statement, membership.key.verifier());
    if let Some(member) = held.filter(|member| member.valid_at(welcome.ledger_time.plus_ms(RENEW_MS))) {
        return Ok(member);
    }
    let failed = |error: ControlError| trouble::control(&error, words);
    let Answer::Member { note } = call(&reached.control, Call::Renew).await.map_err(failed)? else {
        return Err(failed(ControlError::Malformed(None)));
    };
    let member = membership::own(&note, statement, membership.key.verifier());
    let member = member.filter(|member| member.valid_at(welcome.ledger_time));
    let member = member.ok_or_else(|| failed(ControlError::Refused(Refusal::NotMember)))?;
    membership.keep_note(note).map_err(folder)?;
    Ok(member)
}

/// A second control connection for the proofs, if the first is gone and may be replaced.
async fn again(reached: &Reached, membership: &Membership) -> Option<Reached> {
    match reached.control.connection().close_reason() {
        Some(_) if !reached.control.was_revoked() => {}
        _ => return None,
    }
    let relay = reach(&membership.at, &membership.root, membership.statement.as_ref(), &membership.key);
    tokio::time::timeout(Duration::from_secs(3), relay).await.ok()?.ok()
}

/// The gossip of a session whose connection to the relay was lost, over the new one.
fn resumed<'c>(before: &Talk<'_>, control: &'c Control, record: &Record) -> Talk<'c> {
    let held: BTreeMap<_, _> = before.held().map(|(log, pin)| (log.to_string(), pin.clone())).collect();
    let Ok(mut talk) = Talk::new(control, |log| Ok::<_, Infallible>(held.get(&log.to_string()).cloned()));
    if let Some(newest) = record.newest() {
        talk.hear(clock::now().boot_ms, gossip::Input::Receipt(newest.note()));
    }
    talk
}

fn tell(finished: &Finished, collected: Result<Collected, Failure>, voice: &mut Voice<'_>) -> Result<Exit, Failure> {
    let words = voice.words();
    let (collected, folder) = match collected {
        Ok(collected) => (collected, None),
        Err(failure) => (Collected::default(), Some(failure)),
    };
    if let Some(failure) = &folder {
        voice.error(failure);
    }
    if let Some(file) = &collected.evidence {
        voice.error(&seen::forked(file, words));
    }
    voice.closed(Ended {
        by: finished.by,
        cause: finished.cause,
        signoff: finished.signoff.clone(),
        bundle: collected.bundle.clone(),
        verdict: collected.verdict,
        witnessed: collected.witnessed,
        trails: collected.trails,
    })?;
    // Cosignatures may trail: `venia refresh` fetches them.
    let whole = collected.verdict == Some(Finding::Intact) || collected.trails;
    let whole = whole && collected.evidence.is_none() && !finished.doubted;
    Ok(if finished.fulfilled && whole { Exit::Done } else { Exit::Refused })
}

fn kept_not(error: &venia_relay::client::home::HomeError, words: &Words) -> Failure {
    trouble::folder(error, words).after(Loss::Recorded, words)
}

fn dialled(error: &LinkError, words: &Words) -> Failure {
    tracing::info!(%error, "dialling");
    match error {
        LinkError::Refused(_) | LinkError::NoAnswer => trouble::agent_gone(words),
        LinkError::RelayAddress(_)
        | LinkError::Socket(_)
        | LinkError::Tls(_)
        | LinkError::FlowInUse(_)
        | LinkError::TooManyFlows
        | LinkError::Closed(_) => Failure::of(Trouble::Unreachable, words),
    }
}

fn unpaired(error: &PairFailed, words: &Words) -> Failure {
    tracing::info!(%error, "pairing");
    match error {
        PairFailed::Refused(why) => trouble::pairing(*why, words),
        PairFailed::WrongCode(_) => Failure::of(Trouble::WrongCode, words),
        PairFailed::Malformed => Failure::of(Trouble::Version, words),
        PairFailed::Random | PairFailed::Tls(_) => Failure::of(Trouble::Unreachable, words),
        PairFailed::Gone(_) => trouble::agent_gone(words),
    }
}
