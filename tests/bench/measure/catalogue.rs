//! What looking at a computer costs: items run as a session runs them, and other people's programs beside them.
//!
//! Every run has its permit, given by the same machine that gives it in a session (a permit can't be made any other way),
//! and its own worker process with every fence, at most as many at once as a session allows. What a session adds is
//! missing on purpose: question, record and network have benches of their own.

use std::collections::VecDeque;
use std::num::NonZeroU16;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use venia_agent::worker::{self, FIRST_ARGUMENT, House, Order, Outcome, Program};
use venia_proto::catalog::{Catalog, Goal, Item, SAMPLED};
use venia_proto::consent::{Card, Choice, Permit, Question};
use venia_proto::fences::Fences;
use venia_proto::foreign::Foreign;
use venia_proto::id::Strand;
use venia_proto::key::SigningKey;
use venia_proto::ledger::body::{Arguments, Language, Offer, Open, Request};
use venia_proto::ledger::kind::Verified;
use venia_proto::now::{Now, Wall};
use venia_proto::scope::Scope;
use venia_proto::session::agent::{Agent, Arrival, Finished, Input, Output, RUNS_MAX};

/// What something cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// From its beginning to its end.
    pub wall: Duration,
    /// Processor time of every process it took, ours too.
    pub cpu: Duration,
}

/// The parts of a bench that looks.
pub struct Looking {
    catalog: Catalog,
    runtime: tokio::runtime::Runtime,
    house: House,
}

/// Must be called first in a bench that looks: its workers are itself. `None` if this process is one, and is done.
pub fn begin() -> Option<Looking> {
    let first = std::env::args().nth(1);
    if first.as_deref() == Some(FIRST_ARGUMENT) {
        // It says what went wrong by its code; a bench's parent reads its report and its standard error.
        let _code = venia_agent::main(std::env::args_os(), venia_agent::Parts::shipped());
        return None;
    }
    Some(Looking {
        catalog: Catalog::built_in(),
        // One thread, as in the shipped program.
        runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime"),
        house: House::new(Program::this(), worker::probe(), std::env::home_dir(), &[]),
    })
}

impl Looking {
    /// Items of a goal.
    pub fn goal(&self, name: &str) -> Vec<&Item> {
        let goals = Goal::built_in(&self.catalog).expect("goals");
        let goal = goals.iter().find(|goal| goal.id == name).expect("that goal");
        goal.items.iter().map(|id| self.catalog.get(id).expect("an item")).collect()
    }

    /// Every item that only looks.
    pub fn reading(&self) -> Vec<&Item> {
        let every: std::collections::BTreeSet<Scope> = Scope::ALL.into_iter().collect();
        let reading = self.catalog.reading(&every, 5, 1);
        reading.iter().map(|allowed| self.catalog.get(&allowed.item).expect("an item")).collect()
    }

    /// Runs these items as a session would. Intervals that are only waited for, to sample something, aren't counted.
    pub fn look(&self, items: &[&Item]) -> Cost {
        let (sampled, mut plain): (Vec<&Item>, Vec<&Item>) = items.iter().partition(|item| item.samples());
        // As a goal's items begin.
        plain.sort_by_key(|item| !item.waits());
        let cpu = cpu_of_all();
        let mut wall = self.runtime.block_on(run(&self.catalog, &self.house, &plain));
        for together in sampled.chunks(RUNS_MAX) {
            let took = self.runtime.block_on(run(&self.catalog, &self.house, together));
            let waited = together.iter().map(|item| shortest(item)).max().unwrap_or(0);
            wall += took.saturating_sub(Duration::from_secs(waited));
        }
        Cost { wall, cpu: cpu_of_all().saturating_sub(cpu) }
    }
}

/// What another program costs. It must be installed and end well.
pub fn command(program: &str, arguments: &[&str]) -> Cost {
    let (began, cpu) = (Instant::now(), cpu_of_all());
    let mut other = Command::new(program);
    other.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let ended = other.status().expect(program);
    assert!(ended.success(), "{program} ended with {ended}");
    Cost { wall: began.elapsed(), cpu: cpu_of_all().saturating_sub(cpu) }
}

/// What `sos report` costs; what it packs is thrown away.
pub fn sos_report() -> Cost {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().to_str().expect("a plain path");
    command("sos", &["report", "--batch", "--quiet", "--tmp-dir", folder])
}

/// The shortest interval it can sample, in seconds.
fn shortest(item: &Item) -> u64 {
    (1..=60).find(|seconds| item.arguments(&sampled(*seconds)).is_ok()).expect("an interval of a minute or less")
}

fn sampled(seconds: u64) -> Arguments {
    [(SAMPLED.to_owned(), seconds.to_string())].into()
}

async fn run(catalog: &Catalog, house: &House, items: &[&Item]) -> Duration {
    let (mut session, began) = (Granted::new(catalog, house.fences), Instant::now());
    let mut waiting: VecDeque<&Item> = items.iter().copied().collect();
    let mut running = tokio::task::JoinSet::new();
    loop {
        while let Some(item) = waiting.pop_front_if(|_| running.len() < RUNS_MAX) {
            let arguments = if item.samples() { sampled(shortest(item)) } else { Arguments::new() };
            let permit = session.permit(item, item.arguments(&arguments).expect("declared arguments"));
            let (run, id) = (permit.run(), item.id.0.clone());
            let mut worker = Order::of(house, catalog, permit).and_then(Order::start).expect("a worker");
            running.spawn(async move { (run, id, worker.outcome().await) });
        }
        let Some(ended) = running.join_next().await else { return began.elapsed() };
        let (run, id, outcome) = ended.expect("a task that ends");
        assert!(matches!(outcome, Outcome::Done(_)), "{id}: {outcome:?}");
        session.give(Input::Finished { run, outcome: Finished::Failed(Foreign::new("")) });
    }
}

/// A session in which the person allowed everything there is to read, until stopped.
struct Granted<'a> {
    catalog: &'a Catalog,
    machine: Agent,
    began: Instant,
    seq: u64,
}

impl<'a> Granted<'a> {
    fn new(catalog: &'a Catalog, fences: Fences) -> Self {
        let mut session = Self { catalog, machine: Agent::new(fences), began: Instant::now(), seq: 0 };
        let arrival = Arrival {
            strand: Strand::Technician(NonZeroU16::MIN),
            key: SigningKey::new("member", [3; 32]).verifier().clone(),
            member: String::new(),
            name: Foreign::new("Ana"),
            level: 5,
            verified: Verified::Code,
            known_root: true,
            reason: Foreign::new("a bench"),
            offer: Offer { scopes: Scope::ALL.into_iter().collect(), items: Vec::new() },
            open: Open::default(),
            versions: vec![1],
        };
        session.give(Input::Arrived(Box::new(arrival)));
        session
    }

    fn permit(&mut self, item: &Item, arguments: Arguments) -> Permit {
        let seq = self.seq;
        self.seq += 1;
        let (item, definition) = (item.id.clone(), item.definition.clone());
        let request = Request { item, definition, arguments, why: Foreign::new("") };
        self.give(Input::Run { seq, request }).expect("a permit")
    }

    /// Hands over an input, and what a person who allows everything and a ledger that is never late answer to it.
    fn give(&mut self, input: Input) -> Option<Permit> {
        let mut inputs = VecDeque::from([input]);
        let mut permit = None;
        while let Some(input) = inputs.pop_front() {
            let boot_ms = 1_000 + u64::try_from(self.began.elapsed().as_millis()).expect("a short bench");
            let now = Now { boot_ms, wall: Wall::from_ms(0) };
            self.machine.handle(self.catalog, now, input);
            while let Some(output) = self.machine.poll_output(now) {
                match output {
                    Output::Record { batch, .. } => inputs.push_back(Input::Receipted(batch)),
                    Output::Ask(card) => {
                        let text = SHOWN.to_owned();
                        inputs.push_back(Input::Shown { card: card.id, text, language: Language::En });
                        inputs.push_back(allows(&card));
                    }
                    Output::Perform(given) => permit = Some(given),
                    Output::Withdraw(_)
                    | Output::Tell(_)
                    | Output::Kill(_)
                    | Output::Send(_)
                    | Output::SendBare(_)
                    | Output::Cut
                    | Output::SendCloseRecorded
                    | Output::Closed(_)
                    | Output::Released => {}
                }
            }
        }
        permit
    }
}

/// What the person of a bench reads.
const SHOWN: &str = "The question";

fn allows(card: &Card) -> Input {
    if card.question == Question::Grant && !card.unticked.is_empty() {
        let ticked = card.items.iter().map(|allowed| allowed.item.clone()).collect();
        return Input::Ticked { card: card.id, ticked };
    }
    Input::Answered { card: card.id, choice: Choice::Allow { minutes: None }, shown: SHOWN.to_owned() }
}

/// Processor time of this process and of every process it waited for, their descendants included (getrusage(2)).
fn cpu_of_all() -> Duration {
    let of = |who| {
        let usage = getrusage(who).expect("this process's own figures");
        [usage.user_time(), usage.system_time()].into_iter().map(|time| {
            let micros = u64::try_from(time.tv_sec() * 1_000_000 + time.tv_usec()).expect("time goes on");
            Duration::from_micros(micros)
        })
    };
    of(UsageWho::RUSAGE_SELF).chain(of(UsageWho::RUSAGE_CHILDREN)).sum()
}
