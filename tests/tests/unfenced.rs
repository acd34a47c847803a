//! A PC that can't fence workers in: what reads personal things or files that anybody may have written is refused there, the
//! rest runs, and the record says what held it. (SECURITY G3)

use venia_proto::catalog::Catalog;
use venia_proto::fences::Fences;
use venia_proto::ledger::body::{Body, ItemId};
use venia_tests::harness::console::Joined;
use venia_tests::harness::world::World;
use venia_tests::programs;

/// Personal; of files that anybody may have written; neither.
const PERSONAL: &str = "system.processes";
const FOREIGN: &str = "tasks.space";
const HARMLESS: &str = "system.memory";

#[test]
fn g3_without_a_fence_only_the_harmless_runs_and_the_record_says_what_held_it() {
    let catalog = Catalog::built_in();
    let item = |id: &str| catalog.get(&ItemId(id.to_owned())).unwrap();
    assert!(item(PERSONAL).personal);
    let world = World::start(programs!());
    let ana = world.technician("Ana", 5);
    let mut agent = world.ask_unfenced("pc");
    let runs = ["--run", PERSONAL, "--run", FOREIGN, "--run", HARMLESS, "--outcome", "Looked.", "--next", "Nothing."];
    let mut joining = ana.joining(&agent.code(), &runs);
    agent.answer("arrival", "yes");
    agent.answer("consent", "all");
    let card = agent.answer("consent", "allow").text;
    let joined = Joined::of(&mut joining);
    assert!(card.contains("These checks are not fenced on this computer."), "{card}");
    let refused: Vec<_> = joined.events("refused").into_iter().map(|event| (&event["item"], &event["why"])).collect();
    assert_eq!(refused, [(&PERSONAL.into(), &"unfenced".into()), (&FOREIGN.into(), &"unfenced".into())], "{joined:#?}");
    let [result] = joined.events("result")[..] else { panic!("{joined:#?}") };
    assert_eq!((&result["item"], &result["status"]), (&HARMLESS.into(), &"done".into()));
    assert_eq!(joined.events("closed")[0]["verdict"], "intact", "{joined:#?}");
    assert_eq!(agent.end(), 0);
    agent.assert_intact();
    let admitted: Vec<_> = agent
        .record()
        .into_iter()
        .filter_map(|(_, body)| if let Body::Admit(admit) = body { Some((admit.item.0, admit.fences)) } else { None })
        .collect();
    assert_eq!(admitted, [(HARMLESS.to_owned(), Fences::NONE.names(&item(HARMLESS).needs))]);
}
