//! R1: a record of a change that nobody was shown is broken.

use std::collections::BTreeMap;

use venia_proto::catalog::{Catalog, PLAN};
use venia_proto::foreign::Foreign;
use venia_proto::id::Leaf;
use venia_proto::ledger::body::{Admit, Allowed, Body, ItemId, Outcome, Request};
use venia_proto::ledger::kind::{Answer, Kind, Status};
use venia_proto::report::{Fact, Report};

use super::support::*;

const UNSHOWN: &str = "had not been shown";

fn item(name: &str) -> Allowed {
    let catalog = Catalog::built_in();
    let item = catalog.get(&ItemId(name.to_owned())).unwrap();
    Allowed { item: item.id.clone(), definition: item.definition.clone(), values: BTreeMap::new(), uses: 1 }
}

/// Asked, allowed, admitted.
fn run(world: &mut World, name: &str) -> Leaf {
    let Allowed { item: id, definition, .. } = item(name);
    let (arguments, why) = (BTreeMap::new(), Foreign::new("x"));
    let words = Request { item: id.clone(), definition: definition.clone(), arguments, why };
    let request = world.say(ANA, Kind::Request, Body::Request(words));
    let grant = world.consent(request, Answer::Yes, vec![item(name)], Some(30));
    world.say(AGENT, Kind::Admit { request, grant }, Body::Admit(Admit { item: id, definition, fences: Vec::new() }))
}

fn report(world: &mut World, admit: Leaf, plan: Option<&str>) {
    let fact = |plan: &str| Fact { key: PLAN.to_owned(), value: plan.into(), unit: String::new() };
    let report = Report { facts: plan.map(fact).into_iter().collect(), ..Report::default() };
    let outcome = Outcome { report: Some(report), detail: Foreign::new("") };
    world.say(AGENT, Kind::Result { admit, status: Status::Done }, Body::Result(outcome));
}

/// A session in which this was looked at, with this plan, so many minutes before the trash was emptied.
fn emptied(looked: Option<(&str, Option<&str>)>, minutes: i64) -> (World, usize) {
    let mut world = World::begun();
    if let Some((preview, plan)) = looked {
        let admit = run(&mut world, preview);
        report(&mut world, admit, plan);
    }
    world.now = world.now.plus_ms(minutes * 60_000);
    let admit = run(&mut world, "tasks.empty-trash");
    let at = world.events.len() - 1;
    report(&mut world, admit, None);
    world.end();
    (world, at)
}

#[test]
fn r1_a_change_that_was_shown_is_intact() {
    for minutes in [0, 6] {
        intact(&emptied(Some(("tasks.trash-to-empty", Some("p"))), minutes).0.verdict());
    }
}

#[test]
fn r1_a_change_nobody_was_shown_breaks_the_record() {
    for (looked, minutes) in [
        (None, 0),
        (Some(("tasks.trash-to-empty", None)), 0),
        (Some(("system.overview", Some("p"))), 0),
        (Some(("tasks.trash-to-empty", Some("p"))), 8),
    ] {
        let (world, at) = emptied(looked, minutes);
        broken(&world.verdict(), &at.to_string(), UNSHOWN);
    }
}

#[test]
fn r1_words_that_were_withheld_are_held_against_nobody() {
    let (world, _) = emptied(None, 0);
    let mut bundle = world.bundle();
    bundle.openings.clear();
    let verdict = world.judge(&bundle);
    assert!(!verdict.why.contains(UNSHOWN), "{verdict:?}");
}
