//! What the owner of a PC never allows, whatever anybody asks or answers.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use venia_proto::catalog::Catalog;
use venia_proto::ledger::body::ItemId;
use venia_tests::harness::console::Joined;
use venia_tests::harness::world::World;
use venia_tests::programs;

fn policy(world: &World, text: &str) {
    std::fs::write(world.pc("pc").join("policy.toml"), text).unwrap();
}

#[test]
fn what_the_owner_forbids_stands_on_no_card_and_is_refused() {
    let world = World::start(programs!());
    policy(&world, "forbid-items = [\"system.memory\"]\n");
    let technician = world.technician("Ana", 2);
    let mut agent = world.ask("pc");
    let code = agent.code();
    let runs = ["--run", "system.memory", "--run", "system.overview", "--outcome", "o", "--next", "n"];
    let mut joining = technician.joining(&code, &runs);
    agent.answer("arrival", "yes");
    let card = agent.answer("consent", "allow");
    let catalog = Catalog::built_in();
    let title = |id: &str| catalog.get(&ItemId(id.to_owned())).unwrap().title.en.clone();
    let stands = |id: &str| card.text.contains(&title(id));
    assert!(stands("system.overview") && !stands("system.memory"), "{}", card.text);
    let joined = Joined::of(&mut joining);
    assert_eq!(joined.exit, 1, "{joined:#?}");
    let refused: Vec<_> = joined.events("refused").into_iter().map(|event| (&event["item"], &event["why"])).collect();
    assert_eq!(refused, [(&"system.memory".into(), &"policy".into())]);
    assert_eq!(joined.events("result").len(), 1);
    agent.end();
    agent.assert_intact();
}

#[test]
fn an_organisation_or_an_hour_the_owner_doesn_t_allow_gets_no_code() {
    let world = World::start(programs!());
    for (text, says) in
        [("organisations = []\n", "doesn't allow this help service"), ("forbid-everything = true\n", "unknown field")]
    {
        policy(&world, text);
        let mut agent = world.ask("pc");
        assert_ne!(agent.process.exit(), 0);
        let errors = agent.process.errors();
        assert!(errors.contains(says), "{errors}");
        assert!(!agent.process.printed().iter().any(|line| line.contains("code:")), "{text}");
    }
}
