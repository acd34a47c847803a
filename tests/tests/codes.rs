//! Wrong codes: burnt by the first message, both sides told, the relay none the wiser. (SECURITY B1, B3)
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use venia_tests::harness::console::files_with;
use venia_tests::harness::visitor::Visitor;
use venia_tests::harness::world::World;
use venia_tests::{harness, programs};

/// The same number with other words.
fn wrong(code: &str) -> String {
    let (number, words) = code.split_once('-').unwrap();
    let other = if words.contains("zebra") { "apple-apple" } else { "zebra-zebra" };
    format!("{number}-{other}")
}

#[test]
fn b1_a_wrong_code_is_burnt_told_to_both_and_replaced_three_times() {
    let world = World::start(programs!());
    let mut agent = world.ask("pc");
    let mut codes = Vec::new();
    for member in ["Ana", "Bea", "Cai", "Dora"] {
        let technician = world.technician(member, 2);
        let code = agent.code();
        assert!(!codes.contains(&code), "a burnt code never comes back");
        let joined = technician.join(&wrong(&code), &[]);
        assert_eq!((joined.exit, joined.error()), (1, "wrong-code"), "{joined:#?}");
        assert!(joined.events("paired").is_empty() && joined.events("closed").is_empty());
        agent.fed("who burnt it", |line| line.contains(member).then_some(()));
        codes.push(code);
    }
    assert_eq!(agent.process.exit(), 1, "after the fourth somebody may be interfering");
    assert!(agent.told().last().is_some_and(|line| line.contains("interfering")), "{:?}", agent.told());
    let burnt = std::fs::read_to_string(agent.data.join("burnt")).unwrap();
    assert_eq!(burnt.lines().count(), 4, "{burnt}");
    assert!(burnt.contains("Ana") && burnt.contains("Dora"), "{burnt}");
    for code in &codes {
        let (_, words) = code.split_once('-').unwrap();
        for words in [words.to_owned(), words.replace('-', " ")] {
            let found = files_with(&world.relay_data, words.as_bytes());
            assert!(found.is_empty(), "the relay learnt the words: {found:?}");
            assert!(!world.relay.errors().contains(&words));
        }
    }
    // What the code would have opened never was.
    let journals = venia_agent::journal::Journals::open(&agent.data).unwrap();
    assert!(journals.sessions().unwrap().is_empty());
}

#[test]
fn b3_an_unknown_number_is_told_like_wrong_words() {
    let world = World::start(programs!());
    let technician = world.technician("Ana", 2);
    let joined = technician.join("999999-zebra-zebra", &[]);
    assert_eq!((joined.exit, joined.error()), (1, "wrong-code"));
    for typed in ["", "12", "zebra-zebra", "1-a-b", "0-zebra-zebra"] {
        let joined = technician.join(typed, &[]);
        assert_eq!(joined.exit, 2, "no code at all is wrong use: {typed:?} {joined:#?}");
    }
}

#[test]
fn a_code_burnt_by_somebody_else_is_no_use_any_more() {
    let world = World::start(programs!());
    let (ana, bea) = (world.technician("Ana", 2), world.technician("Bea", 2));
    let mut agent = world.ask("pc");
    let code = agent.code();
    assert_eq!(bea.join(&wrong(&code), &[]).error(), "wrong-code");
    let fresh = agent.code();
    let joined = ana.join(&code, &[]);
    assert_eq!((joined.exit, joined.error()), (1, "wrong-code"));
    // The replacement works, if its number is another one than the one just tried.
    let number = |code: &str| code.split('-').next().unwrap().to_owned();
    let works = if number(&fresh) == number(&code) { agent.code() } else { fresh };
    let mut joining = ana.joining(&works, &["--ask", "system"]);
    agent.allow();
    joining.line("the consent", |line| line.contains(r#""answer":"yes""#).then_some(()));
    joining.say("close");
    joining.say("Looked.");
    joining.say("Nothing.");
    assert_eq!(joining.exit(), 0, "{}", joining.errors());
    assert_eq!(agent.end(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn b1_breaking_off_burns_the_code_too() {
    let world = World::start(programs!());
    let mut agent = world.ask("pc");
    let code = agent.code();
    let ana = Visitor::enrolled(&world, "Ana", 2).await;
    let number = code.split('-').next().unwrap().parse().unwrap();
    let dialled = ana.dial(number).await.unwrap();
    harness::within("half a pairing", dialled.first_message(&ana)).await;
    dialled.connection.close(quinn::VarInt::from_u32(0), b"");
    agent.fed("who burnt it", |line| line.contains("Ana").then_some(()));
    assert_ne!(agent.code(), code);
}
