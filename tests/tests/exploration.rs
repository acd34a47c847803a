//! Every order of a small set of inputs, to a bounded depth, through the agent's machine.
//!
//! Breadth first from several places of a session. States are told apart by the machine's own hash together with the
//! clock and what the watch knows of consent; every rule is checked on every edge. `VENIA_EXPLORE_DEPTH=n` goes deeper.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hash};

use venia_proto::catalog::Catalog;
use venia_proto::consent::{Choice, RunId};
use venia_proto::ledger::body::{Language, Offer};
use venia_proto::now::Wall;
use venia_proto::scope::Scope;
use venia_proto::session::agent::{Agent, Finished, Input};
use venia_proto::session::gate::BatchId;
use venia_tests::sim::items::{self, DIARY, FENCED, FIX, OTHER, PROBE, TECHNICIAN};
use venia_tests::sim::watch::{Broken, Watch, step};

/// Inputs in a row, by default.
const DEPTH: usize = 5;

/// A machine, what is known about it, and what time it is.
#[derive(Clone)]
struct State {
    agent: Agent,
    watch: Watch,
    now_ms: u64,
}

/// A letter of the alphabet: an input that makes sense in this state.
type Letter = fn(&State, &Catalog) -> Option<Input>;

const ALPHABET: &[(&str, Letter)] = &[
    ("run probe", |state, catalog| Some(run(state, catalog, PROBE))),
    ("run other", |state, catalog| Some(run(state, catalog, OTHER))),
    ("run fix", |state, catalog| Some(run(state, catalog, FIX))),
    ("ask probe", |state, catalog| Some(ask(state, catalog, PROBE))),
    ("ask fix", |state, catalog| Some(ask(state, catalog, FIX))),
    ("allow", |state, _| answer(state, Choice::Allow { minutes: Some(1) })),
    ("deny", |state, _| answer(state, Choice::Deny)),
    ("journalled", |state, _| newest(state).filter(|b| state.watch.disk < Some(*b)).map(Input::Journalled)),
    ("receipted", |state, _| newest(state).filter(|b| state.watch.ledger < Some(*b)).map(Input::Receipted)),
    ("witnessed", |state, _| {
        newest(state).filter(|b| state.watch.strict && state.watch.witnessed < Some(*b)).map(Input::Witnessed)
    }),
    ("oldest receipted", |state, _| oldest(state).map(Input::Receipted)),
    ("not recorded", |state, _| oldest(state).map(Input::NotRecorded)),
    ("finish", |state, _| {
        let run = state.watch.performed.last().copied();
        run.map(|run| Input::Finished { run, outcome: items::reported(false) })
    }),
    ("time", |state, _| state.agent.deadline().map(|_| Input::Tick)),
    ("stop", |_, _| Some(Input::Stop)),
    ("sleep", |_, _| Some(Input::Slept { ms: 6_000 })),
    ("relay lost", |_, _| Some(Input::RelayLost)),
    ("relay found", |_, _| Some(Input::RelayFound)),
    ("link lost", |_, _| Some(Input::LinkLost)),
    ("link found", |_, _| Some(Input::LinkFound)),
    ("eyes lost", |_, _| Some(Input::EyesLost)),
    ("person gone", |_, _| Some(Input::PersonGone)),
    ("chat", |state, _| {
        Some(Input::Said { seq: seq(state), text: venia_proto::foreign::Foreign::new("x"), chat: true })
    }),
    ("signoff", |state, _| Some(Input::SignedOff { seq: seq(state) })),
];

/// More letters, for the ways to the places where the exploration begins.
const WAYS: &[(&str, Letter)] = &[
    ("allow until stop", |state, _| answer(state, Choice::Allow { minutes: None })),
    ("tick all", |state, _| {
        state.watch.card.as_ref().map(|(card, _)| {
            let ticked = card.items.iter().map(|allowed| allowed.item.clone()).collect();
            Input::Ticked { card: card.id, ticked }
        })
    }),
    ("run diary", |state, catalog| Some(run(state, catalog, DIARY))),
    ("finish diary", |state, _| {
        let run = state.watch.performed.last().copied();
        run.map(|run| Input::Finished { run, outcome: items::private(run, true) })
    }),
    ("finish first", |state, _| {
        let run = state.watch.performed.first().copied().filter(|run| *run != RunId(1));
        run.map(|run| Input::Finished { run, outcome: Finished::Failed(venia_proto::foreign::Foreign::new("x")) })
    }),
];

fn seq(state: &State) -> u64 {
    state.watch.counts.get(&TECHNICIAN).copied().unwrap_or(0)
}

fn run(state: &State, catalog: &Catalog, item: &str) -> Input {
    Input::Run { seq: seq(state), request: items::request(items::asked(catalog, item, "a")) }
}

fn ask(state: &State, catalog: &Catalog, item: &str) -> Input {
    Input::Ask { seq: seq(state), request: items::request(items::asked(catalog, item, "a")) }
}

fn answer(state: &State, choice: Choice) -> Option<Input> {
    state.watch.card.as_ref().map(|(card, _)| Input::Answered {
        card: card.id,
        choice,
        shown: state.watch.shown.clone(),
    })
}

fn newest(state: &State) -> Option<BatchId> {
    state.watch.record.values().map(|(_, batch)| *batch).max()
}

fn oldest(state: &State) -> Option<BatchId> {
    let open = state.watch.record.values().map(|(_, batch)| *batch).filter(|batch| state.watch.ledger < Some(*batch));
    open.min()
}

/// One input further. Time jumps to the next deadline on *time*, over the sleep on *sleep*, and a little otherwise.
fn next(state: &State, catalog: &Catalog, input: Input) -> Result<State, Broken> {
    let mut state = state.clone();
    if input == Input::Tick {
        state.now_ms = state.agent.deadline().map_or(state.now_ms, |at| at.max(state.now_ms));
    } else if let Input::Slept { ms } = input {
        state.now_ms += ms;
    }
    let at = state.now_ms;
    step(&mut state.agent, &mut state.watch, catalog, (at, at), Wall::from_ms(0), input)?;
    // A card is shown at once, as it stands: a way in which nobody saw it would be another exploration.
    if let Some((card, _)) = state.watch.card.as_ref().filter(|_| state.watch.shown.is_empty()) {
        let ticked: Vec<&str> = card.ticked().map(|allowed| allowed.item.0.as_str()).collect();
        let (card, text) = (card.id, format!("The question about {}", ticked.join(" and ")));
        let shown = Input::Shown { card, text, language: Language::En };
        step(&mut state.agent, &mut state.watch, catalog, (at, at), Wall::from_ms(0), shown)?;
    }
    Ok(state)
}

/// Where the exploration begins: after each of these words.
fn begin(catalog: &Catalog, (place, known_root, words): &Root<'_>) -> Result<State, Broken> {
    let strict = *place == STRICT;
    let (agent, watch) =
        if strict { (Agent::strict(FENCED), Watch::strict()) } else { (Agent::new(FENCED), Watch::default()) };
    let mut state = State { agent, watch, now_ms: 1_000 };
    let scopes = if *place == LOOKING { [Scope::System, Scope::Tasks].into() } else { [Scope::System].into() };
    let offer = Offer { scopes, items: Vec::new() };
    state = next(&state, catalog, Input::Arrived(Box::new(items::arrival(*known_root, offer))))?;
    for word in *words {
        let letter = ALPHABET.iter().chain(WAYS).find(|(name, _)| name == word);
        let input = letter.and_then(|(_, letter)| letter(&state, catalog));
        state = next(&state, catalog, input.ok_or_else(|| format!("{word} makes no sense here"))?)?;
    }
    Ok(state)
}

#[test]
fn exploration() {
    let catalog = items::catalog().unwrap_or_else(|error| panic!("{error}"));
    let depth = std::env::var("VENIA_EXPLORE_DEPTH").ok().and_then(|text| text.parse().ok()).unwrap_or(DEPTH);
    let granted = ["receipted", "allow", "receipted", "allow until stop", "receipted"];
    let running = [granted.as_slice(), &["run probe", "receipted"]].concat();
    let recorded = [running.as_slice(), &["run probe", "finish first"]].concat();
    let ticked = ["receipted", "allow", "receipted", "tick all", "allow until stop", "receipted"];
    let looking = [ticked.as_slice(), &["run diary", "receipted", "finish diary"]].concat();
    let roots: [Root<'_>; 8] = [
        ("arrived", true, &[]),
        ("arrived at a service never met", false, &["receipted"]),
        ("asked about the offer", true, &["receipted", "allow", "receipted"]),
        ("granted", true, &granted),
        (STRICT, true, &granted),
        ("running", true, &running),
        ("one admitted, one recorded", true, &recorded),
        (LOOKING, true, &looking),
    ];
    let explored = std::thread::scope(|scope| {
        // Two at a time, so that the states of few places are held at once.
        let halves = [&roots[..4], &roots[4..]].map(|half| {
            let catalog = &catalog;
            scope.spawn(move || half.iter().map(|root| explore(catalog, depth, root)).collect::<Result<Vec<_>, _>>())
        });
        halves.map(|half| half.join().unwrap_or_else(|broken| std::panic::resume_unwind(broken)))
    });
    let explored: Vec<Explored> = match explored {
        [Ok(one), Ok(other)] => one.into_iter().chain(other).collect(),
        [Err(broken), _] | [_, Err(broken)] => panic!("{broken}"),
    };
    let sum = |count: fn(&Explored) -> u64| explored.iter().map(count).sum::<u64>();
    let (states, edges, ends) = (sum(|e| e.states), sum(|e| e.edges), sum(|e| e.ends));
    println!("exploration: {states} states, {edges} edges, {ends} ends, depth {depth} from {} places", roots.len());
    assert!(ends > 0, "no end was reached");
}

/// What was seen from one place.
struct Explored {
    states: u64,
    edges: u64,
    ends: u64,
}

/// A place by name: whether the service is known, and the letters that lead there.
type Root<'a> = (&'a str, bool, &'a [&'a str]);

/// The place on a PC whose owner lets nothing run before witnesses cosigned its admission.
const STRICT: &str = "granted, and witnesses first";

/// The place where a result that may be personal is on the screen.
const LOOKING: &str = "looking at a result";

fn explore(catalog: &Catalog, depth: usize, root @ (place, ..): &Root<'_>) -> Result<Explored, Broken> {
    let hasher = std::hash::RandomState::new();
    let mut seen = HashSet::new();
    let mut explored = Explored { states: 0, edges: 0, ends: 0 };
    let mut frontier = vec![(begin(catalog, root)?, Vec::new())];
    for level in 1..=depth {
        let mut further = Vec::new();
        for (state, path) in frontier {
            for (name, letter) in ALPHABET {
                let Some(input) = letter(&state, catalog) else { continue };
                explored.edges += 1;
                let mut path: Vec<&str> = Vec::clone(&path);
                path.push(name);
                let told = |broken| format!("a rule broke\n  {broken}\n  from {place}: {}", path.join(", "));
                let state = next(&state, catalog, input).map_err(told)?;
                explored.ends += u64::from(state.watch.released);
                // The last level's states are counted and not kept.
                if !state.watch.released && seen.insert(hash(&hasher, &state)) && level < depth {
                    further.push((state, path));
                }
            }
        }
        frontier = further;
    }
    explored.states = seen.len() as u64;
    Ok(explored)
}

fn hash(hasher: &std::hash::RandomState, state: &State) -> u64 {
    let mut one = hasher.build_hasher();
    (&state.agent, &state.watch.model, state.now_ms, state.watch.disk, state.watch.ledger, state.watch.witnessed)
        .hash(&mut one);
    std::hash::Hasher::finish(&one)
}
