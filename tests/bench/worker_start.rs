//! What a worker costs: from the order until its whole report is here and nothing of it lives, against `/bin/true`.
//!
//! The item is the smallest one that reads files; its fences go up as in any session: limits, Landlock, seccomp, and a
//! control group where the agent may make one. The floor is fork, exec and wait of a program that does nothing.
#![expect(clippy::expect_used, reason = "a bench that can't go on says so")]

use std::collections::VecDeque;
use std::process::{Command, ExitCode};
use std::time::Instant;

use venia_agent::Parts;
use venia_agent::worker::{self, FIRST_ARGUMENT, House, Order, Outcome, Program};
use venia_proto::catalog::Catalog;
use venia_proto::consent::{Choice, Permit};
use venia_proto::fences::Fences;
use venia_proto::ledger::body::{Arguments, ItemId, Language, Offer};
use venia_proto::now::{Now, Wall};
use venia_proto::session::agent::{Agent, Input, Output};
use venia_tests::measure::{Bench, Relation, Settings, median};
use venia_tests::sim::items;

const ITEM: &str = "system.memory";
/// Workers, and programs that do nothing, in a round.
const STARTS: usize = 50;

fn main() -> ExitCode {
    if std::env::args().nth(1).is_some_and(|first| first == FIRST_ARGUMENT) {
        return venia_agent::main(std::env::args_os(), Parts::shipped());
    }
    let bench = Bench {
        name: "worker_start",
        limit: 5.0,
        at_least: false,
        unit: "ms from the order to the report, median",
        relation: Relation::Over,
    };
    let catalog = Catalog::built_in();
    let house = House::new(Program::this(), worker::probe(), None, &[]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let settings = Settings::read();
    let starts = if settings.is_short() { 1 } else { STARTS };
    settings.compare(&bench, |_| {
        let (mut ours, mut floor) = (Vec::new(), Vec::new());
        for _ in 0..starts {
            let permit = permit(&catalog, house.fences);
            let started = Instant::now();
            let outcome = runtime.block_on(async {
                Order::of(&house, &catalog, permit).and_then(Order::start).expect("a worker").outcome().await
            });
            ours.push(started.elapsed().as_secs_f64() * 1e3);
            assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
            let started = Instant::now();
            let status = Command::new("/bin/true").status().expect("/bin/true");
            floor.push(started.elapsed().as_secs_f64() * 1e3);
            assert!(status.success());
        }
        (median(&ours), median(&floor))
    });
    ExitCode::SUCCESS
}

/// Leave to run the item once, from a session in which somebody allows everything and every record is confirmed at once.
fn permit(catalog: &Catalog, fences: Fences) -> Permit {
    let now = Now { wall: Wall::from_ms(0), boot_ms: 1_000 };
    let mut session = Agent::new(fences);
    let asked = items::request(
        catalog.get(&ItemId(ITEM.to_owned())).expect("the item").asked(&Arguments::new()).expect("defaults"),
    );
    let arrival = Box::new(items::arrival(true, Offer::default()));
    let mut inputs = VecDeque::from([Input::Arrived(arrival)]);
    let mut ask = Some(Input::Ask { seq: 0, request: asked });
    loop {
        let input = inputs.pop_front().or_else(|| ask.take()).expect("something to happen");
        session.handle(catalog, now, input);
        while let Some(output) = session.poll_output(now) {
            match output {
                Output::Record { batch, .. } => inputs.extend([Input::Journalled(batch), Input::Receipted(batch)]),
                Output::Ask(card) => {
                    let choice = Choice::Allow { minutes: Some(30) };
                    inputs.extend([
                        Input::Shown { card: card.id, text: "The question".to_owned(), language: Language::En },
                        Input::Answered { card: card.id, choice, shown: "The question".to_owned() },
                    ]);
                }
                Output::Perform(permit) => return permit,
                Output::Closed(_)
                | Output::Withdraw(_)
                | Output::Tell(_)
                | Output::Kill(_)
                | Output::Send(_)
                | Output::SendBare(_)
                | Output::Cut
                | Output::SendCloseRecorded
                | Output::Released => {}
            }
        }
    }
}
