//! A goal: one card for all of its items, and one judgement of what they found.

use std::collections::BTreeSet;

use serde_json::Value;
use venia_proto::catalog::{Catalog, Goal};
use venia_tests::harness::console::Joined;
use venia_tests::harness::world::World;
use venia_tests::programs;

#[test]
fn a_goal_runs_every_item_and_says_what_they_mean_together() {
    let catalog = Catalog::built_in();
    let goal = Goal::built_in(&catalog).unwrap().into_iter().find(|goal| goal.id == "slow-computer").unwrap();
    let world = World::start(programs!());
    let technician = world.technician("Ana", 2);
    let mut agent = world.ask("pc");
    let code = agent.code();
    let mut joining =
        technician.joining(&code, &["--goal", "slow-computer", "--outcome", "Looked.", "--next", "Nothing."]);
    agent.process.say("send every");
    agent.answer("arrival", "yes");
    // What reads personal data isn't ticked: ticking it is the person's own act.
    let card = agent.answer("consent", "all");
    assert!(card.text.contains("[ ] ") && card.text.contains("[x] "), "{}", card.text);
    let card = agent.answer("consent", "allow");
    assert!(!card.text.contains("[ ] "), "{}", card.text);
    let joined = Joined::of(&mut joining);
    assert_eq!(joined.exit, 0, "{joined:#?}");
    let fits = |id: &&venia_proto::ledger::body::ItemId| catalog.get(id).is_some_and(|item| item.level <= 2);
    let wanted: Vec<&str> = goal.items.iter().filter(fits).map(|id| id.0.as_str()).collect();
    let results = joined.events("result");
    let mut ran: Vec<&str> = results.iter().filter_map(|event| event["item"].as_str()).collect();
    ran.sort_unstable();
    let mut expected = wanted.clone();
    expected.sort_unstable();
    assert_eq!(ran, expected);
    let [diagnosis] = joined.events("diagnosis")[..] else { panic!("{joined:#?}") };
    assert_eq!(diagnosis["goal"], "slow-computer");
    let findings = diagnosis["findings"].as_array().unwrap();
    let all: usize = results.iter().map(|event| event["report"]["findings"].as_array().map_or(0, Vec::len)).sum();
    assert_eq!(findings.len(), all, "every finding once");
    let rank = |finding: &Value| {
        ["critical", "warning", "unknown", "ok"].iter().position(|s| finding["finding"]["severity"] == *s).unwrap()
    };
    assert!(findings.iter().map(rank).is_sorted(), "{findings:#?}");
    for cause in diagnosis["causes"].as_array().unwrap() {
        for name in cause["evidence"].as_array().unwrap() {
            let (item, id) = name.as_str().unwrap().split_once('/').unwrap();
            let found = findings.iter().find(|f| f["item"] == item && f["finding"]["id"] == id).unwrap();
            assert!(rank(found) < 2, "only what is bad points to a cause: {found}");
        }
    }
}

#[test]
fn d5_what_the_person_leaves_out_or_keeps_of_a_goal_fails_nothing() {
    let world = World::start(programs!());
    let technician = world.technician("Ana", 2);
    let mut agent = world.ask("pc");
    let goal = ["--goal", "slow-computer", "--outcome", "Looked.", "--next", "Nothing."];
    let code = agent.code();
    let mut joining = technician.joining(&code, &goal);
    agent.allow();
    let joined = Joined::of(&mut joining);
    assert_eq!(joined.exit, 0, "{joined:#?}");
    let refused: Vec<_> = joined.events("refused").into_iter().map(|event| (&event["item"], &event["why"])).collect();
    let catalog = Catalog::built_in();
    let goals = Goal::built_in(&catalog).unwrap();
    let asked = goals.iter().find(|goal| goal.id == "slow-computer").unwrap().items.iter();
    let personal: BTreeSet<&str> = asked
        .filter(|id| catalog.get(id).is_some_and(|item| item.personal && item.level <= 2))
        .map(|id| id.0.as_str())
        .collect();
    assert!(refused.iter().all(|(_, why)| **why == "person") && !personal.is_empty());
    assert_eq!(refused.iter().filter_map(|(item, _)| item.as_str()).collect::<BTreeSet<_>>(), personal);
    agent.end();

    let mut agent = world.ask("another");
    let code = agent.code();
    let mut joining = technician.joining(&code, &goal);
    agent.answer("arrival", "yes");
    agent.answer("consent", "all");
    agent.answer("consent", "allow");
    // What every computer can tell is looked at, and kept.
    let shown = agent.answer("preview", "keep").text;
    assert!(shown.contains("This is what Ana will see"), "{shown}");
    agent.process.say("send every");
    let joined = Joined::of(&mut joining);
    assert_eq!(joined.exit, 0, "{joined:#?}");
    let kept: Vec<_> = joined.events("result").into_iter().filter(|event| event["status"] == "withheld").collect();
    assert!(matches!(kept[..], [event] if event["report"].is_null()), "{kept:?}");
    agent.end();
    agent.assert_intact();
}

#[test]
fn a_goal_nobody_knows_burns_no_code() {
    let world = World::start(programs!());
    let technician = world.technician("Ana", 2);
    let mut agent = world.ask("pc");
    let code = agent.code();
    let joined = technician.join(&code, &["--goal", "world-peace", "--outcome", "o", "--next", "n"]);
    assert_eq!(joined.exit, 2, "{joined:#?}");
    assert_eq!(technician.join(&code, &["--run", "system.overview", "--goal"]).exit, 2, "a goal has a name");
    let mut joining = technician.joining(&code, &["--goal", "slow-computer", "--outcome", "o", "--next", "n"]);
    agent.allow();
    assert_eq!(joining.exit(), 0, "{}", joining.errors());
}
