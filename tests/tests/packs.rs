//! An organisation's own items, from its pack to a technician's screen: only where both it and the owner of the PC name
//! the pack. (SECURITY G5)
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use venia_proto::catalog::pack::Pack;
use venia_tests::harness::agent::Agent;
use venia_tests::harness::console::{Joined, Technician};
use venia_tests::harness::world::World;
use venia_tests::programs;

const PACK: &str = include_str!("../../agent/tests/fixtures/packs/timers.json");
const RUN: [&str; 6] = ["--run", "system.x-units:kind=timer", "--outcome", "Looked.", "--next", "Nothing."];

/// The pack lies on the PC and on the technician's computer; nobody stands for it yet.
fn lying_there(world: &World, technician: &Technician<'_>) -> String {
    let hash = Pack::parse(PACK.as_bytes()).unwrap().hash.to_string();
    for (data, name) in [(world.pc("pc"), hash.as_str()), (technician.data.clone(), "ours")] {
        std::fs::create_dir_all(data.join("packs")).unwrap();
        std::fs::write(data.join("packs").join(format!("{name}.json")), PACK).unwrap();
    }
    hash
}

fn owner_names(world: &World, hash: &str) {
    std::fs::write(world.pc("pc").join("policy.toml"), format!("packs = [\"{hash}\"]\n")).unwrap();
}

/// The organisation stands for it; gives the hash that the relay says.
fn organisation_names(world: &World) -> String {
    let file = world.folder().join("timers.json");
    std::fs::write(&file, PACK).unwrap();
    let (exit, lines, errors) =
        world.run("relay", &world.relay_data, ["pack", "add", file.to_str().unwrap(), "--json"], "");
    assert_eq!(exit, 0, "{errors}");
    let said: serde_json::Value = serde_json::from_str(&lines.concat()).unwrap();
    said["packs"][0].as_str().unwrap().to_owned()
}

fn ends(agent: &mut Agent) {
    agent.end();
    agent.assert_intact();
}

#[test]
fn g5_a_pack_both_name_is_shown_with_its_exact_command_and_looked_at_before_it_leaves() {
    let world = World::start(programs!());
    let ana = world.technician("Ana", 2);
    let hash = lying_there(&world, &ana);
    owner_names(&world, &hash);
    assert_eq!(organisation_names(&world), hash);
    let mut agent = world.ask("pc");
    let code = agent.code();
    let mut joining = ana.joining(&code, &RUN);
    agent.answer("arrival", "yes");
    let card = agent.answer("consent", "allow").text.replace("\n      │ ", "");
    assert!(card.contains("described by Taller Norte, not by Venia"), "{card}");
    assert!(card.contains("systemctl list-units --all --plain --no-legend --type=timer"), "{card}");
    // Whether or not systemd answers here.
    let looked = agent.answer("preview", "send").text;
    assert!(looked.contains("See units of a kind"), "{looked}");
    let joined = Joined::of(&mut joining);
    assert_eq!(joined.exit, 0, "{joined:#?}");
    let [result] = joined.events("result")[..] else { panic!("{joined:#?}") };
    assert!(result["report"]["findings"].as_array().is_some_and(|found| !found.is_empty()), "{result}");
    ends(&mut agent);
}

#[test]
fn g5_a_pack_only_one_of_them_names_does_not_exist() {
    for owner in [true, false] {
        let world = World::start(programs!());
        let ana = world.technician("Ana", 2);
        let hash = lying_there(&world, &ana);
        if owner {
            owner_names(&world, &hash);
        } else {
            organisation_names(&world);
        }
        let mut agent = world.ask("pc");
        let code = agent.code();
        let mut joining = ana.joining(&code, &RUN);
        agent.answer("arrival", "yes");
        let card = agent.answer("consent", "allow").text;
        assert!(!card.contains("Taller Norte"), "{card}");
        let joined = Joined::of(&mut joining);
        assert_eq!(joined.exit, 1, "{joined:#?}");
        let why: Vec<_> = joined.events("refused").into_iter().map(|event| &event["why"]).collect();
        assert_eq!(why, [&serde_json::Value::from("unknown-item")], "owner: {owner}");
        ends(&mut agent);
    }
}
