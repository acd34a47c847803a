//! E9: agents that sign what they had no leave to do, over a perfect tree.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;

use venia_proto::catalog::Catalog;
use venia_proto::foreign::Foreign;
use venia_proto::id::Strand;
use venia_proto::ledger::body::{Admit, Allowed, Body, DefinitionHash, ItemId, Open, Refuse, Request};
use venia_proto::ledger::kind::{Answer, Cause, Kind, Status, Why};
use venia_proto::ledger::verify::{Finding, Roots, verify_with};

use super::support::*;

/// After the arrival: what follows must be broken at its last event but the close's.
#[track_caller]
fn refused(why: &str, cheat: impl FnOnce(&mut World)) {
    let mut world = World::begun();
    cheat(&mut world);
    let at = world.events.len() - 1;
    world.end();
    broken(&world.verdict(), &at.to_string(), why);
}

#[track_caller]
fn accepted(honest: impl FnOnce(&mut World)) {
    let mut world = World::begun();
    honest(&mut world);
    world.end();
    intact(&world.verdict());
}

const WITHOUT: &str = "acted without consent";

#[test]
fn e9_the_whole_session_is_intact() {
    let world = World::session();
    let verdict = world.verdict();
    intact(&verdict);
    assert_eq!((verdict.entries, verdict.withheld), (world.events.len() as u64, 0));
    assert_eq!(verdict.signed_by.get("technician-1").map(String::as_str), Some("Ana"));
    assert!(verdict.signed_by["agent"].starts_with("key "));
    assert_eq!(verdict.session.as_deref(), Some("07070707070707070707070707070707"));
    assert_eq!(verdict.why, "receipt.html not checked");
}

#[test]
fn e9_no_consent_no_admit() {
    for answer in [Answer::No, Answer::Silence] {
        refused(WITHOUT, |world| {
            let card = world.consent(world.leaf(1), answer, vec![allowed(1)], Some(30));
            let request = world.request(ANA);
            world.admit(request, card);
        });
    }
    refused("isn't one", |world| {
        let request = world.request(ANA);
        world.admit(request, world.leaf(0));
    });
    refused("isn't there", |world| {
        let request = world.request(ANA);
        world.admit(request, venia_proto::id::Leaf([9; 32]));
    });
    refused("nobody had requested", |world| {
        let card = world.consent(world.leaf(1), Answer::Yes, vec![allowed(1)], Some(30));
        world.admit(world.leaf(1), card);
    });
}

#[test]
fn e9_the_arrival_allows_nothing() {
    refused("the item wasn't allowed", |world| {
        let request = world.request(ANA);
        world.admit(request, world.leaf(2));
    });
}

#[test]
fn e9_a_consent_answers_something() {
    refused("answers nothing", |world| {
        world.consent(world.leaf(0), Answer::Yes, vec![allowed(1)], Some(30));
    });
}

#[test]
fn e9_out_of_scope() {
    let other = || Allowed { item: ItemId("network.gateway".into()), ..allowed(1) };
    let redefined = || Allowed { definition: DefinitionHash("ab".repeat(32)), ..allowed(1) };
    for card in [Vec::new(), vec![other()], vec![redefined()]] {
        refused("the item wasn't allowed", |world| {
            let card = world.consent(world.leaf(1), Answer::Yes, card, Some(30));
            let request = world.request(ANA);
            world.admit(request, card);
        });
    }
    refused("another item than the one requested", |world| {
        let card = world.consent(world.leaf(1), Answer::Yes, vec![allowed(1)], Some(30));
        let item = Request {
            item: ItemId("network.gateway".into()),
            definition: allowed(1).definition,
            arguments: BTreeMap::new(),
            why: Foreign::new("x"),
        };
        let request = world.say(ANA, Kind::Request, Body::Request(item));
        world.admit(request, card);
    });
}

/// An item this build doesn't know, with an argument.
fn ping(value: &str) -> Request {
    Request {
        item: ItemId("pack.ping".into()),
        definition: DefinitionHash("cd".repeat(32)),
        arguments: BTreeMap::from([("host".to_owned(), value.to_owned())]),
        why: Foreign::new("x"),
    }
}

fn pings(values: &[&str], uses: u32) -> Allowed {
    let values: BTreeSet<String> = values.iter().map(|value| (*value).to_owned()).collect();
    let values = if values.is_empty() { BTreeMap::new() } else { BTreeMap::from([("host".to_owned(), values)]) };
    let Request { item, definition, .. } = ping("");
    Allowed { item, definition, values, uses }
}

fn run_ping(world: &mut World, grant: venia_proto::id::Leaf, value: &str) {
    let request = ping(value);
    let words = Admit { item: request.item.clone(), definition: request.definition.clone(), fences: Vec::new() };
    let request = world.say(ANA, Kind::Request, Body::Request(request));
    world.say(AGENT, Kind::Admit { request, grant }, Body::Admit(words));
}

#[test]
fn d3_other_values_and_more_uses_than_shown() {
    refused("other values", |world| {
        let card = world.consent(world.leaf(1), Answer::Yes, vec![pings(&["gateway", "relay"], 9)], Some(30));
        run_ping(world, card, "bank");
    });
    refused("as often as it was allowed", |world| {
        let card = world.consent(world.leaf(1), Answer::Yes, vec![pings(&["gateway"], 2)], Some(30));
        for _ in 0..3 {
            run_ping(world, card, "gateway");
        }
    });
    // A narrow and a wide entry of one item: the narrow one is used first.
    accepted(|world| {
        let card = world.consent(world.leaf(1), Answer::Yes, vec![pings(&[], 1), pings(&["gateway"], 1)], Some(30));
        run_ping(world, card, "gateway");
        run_ping(world, card, "relay");
    });
    refused("there is no parameter", |world| {
        let card = world.consent(world.leaf(1), Answer::Yes, vec![allowed(1)], Some(30));
        let allowed = allowed(1);
        let arguments = BTreeMap::from([("undeclared".to_owned(), "1".to_owned())]);
        let words = Request { item: allowed.item, definition: allowed.definition, arguments, why: Foreign::new("x") };
        let request = world.say(ANA, Kind::Request, Body::Request(words));
        world.admit(request, card);
    });
}

#[test]
fn items_unknown_here_are_said_to_be_unchecked() {
    let mut world = World::begun();
    let card = world.consent(world.leaf(1), Answer::Yes, vec![pings(&[], 1)], Some(30));
    run_ping(&mut world, card, "gateway");
    world.end();
    let verdict = world.verdict();
    intact(&verdict);
    assert!(verdict.why.contains("1 runs by definitions unknown here"), "{}", verdict.why);
}

#[test]
fn e9_time_over() {
    for (minutes, late) in [(Some(30), 30 * MINUTE), (None, 480 * MINUTE), (Some(9_999), 480 * MINUTE)] {
        // One second passes with the request, one with the admit.
        accepted(|world| {
            let card = world.consent(world.leaf(1), Answer::Yes, vec![allowed(1)], minutes);
            world.now = world.now.plus_ms(late - 2_000);
            world.run(card);
        });
        refused("the time allowed was over", |world| {
            let card = world.consent(world.leaf(1), Answer::Yes, vec![allowed(1)], minutes);
            world.now = world.now.plus_ms(late - 1_999);
            let request = world.request(ANA);
            world.admit(request, card);
        });
    }
}

#[test]
fn e9_nothing_after_stop_pause_or_refusal() {
    let by = Cause::Person;
    let stop = || Kind::Stop { by, cause: Cause::Person };
    refused("had been stopped", |world| {
        let card = world.consent(world.leaf(1), Answer::Yes, vec![allowed(1)], Some(30));
        let request = world.request(ANA);
        world.say(AGENT, stop(), Body::None);
        world.admit(request, card);
    });
    for (status, fits) in
        [(Status::Done, false), (Status::Unknown, false), (Status::Killed, true), (Status::Late, true)]
    {
        let stopped = |world: &mut World| {
            let card = world.consent(world.leaf(1), Answer::Yes, vec![allowed(1)], Some(30));
            let request = world.request(ANA);
            let admit = world.admit(request, card);
            world.say(AGENT, stop(), Body::None);
            world.result(admit, status);
        };
        if fits { accepted(stopped) } else { refused("after the stop", stopped) }
    }
    let pause = || Kind::Pause { by, cause: Cause::Lock };
    let resume = || Kind::Resume { by, cause: Cause::Lock };
    refused("was paused", |world| {
        let card = world.consent(world.leaf(1), Answer::Yes, vec![allowed(1)], Some(30));
        let request = world.request(ANA);
        world.say(AGENT, pause(), Body::None);
        world.admit(request, card);
    });
    accepted(|world| {
        let card = world.consent(world.leaf(1), Answer::Yes, vec![allowed(1)], Some(30));
        let request = world.request(ANA);
        world.say(AGENT, pause(), Body::None);
        world.say(AGENT, resume(), Body::None);
        world.admit(request, card);
    });
    refused("had been refused", |world| {
        let card = world.consent(world.leaf(1), Answer::Yes, vec![allowed(1)], Some(30));
        let request = world.request(ANA);
        let words = Body::Refuse(Refuse { detail: Foreign::new("no") });
        world.say(AGENT, Kind::Refuse { request, why: Why::Person }, words);
        world.admit(request, card);
    });
}

#[test]
fn e9_one_admit_a_request_and_one_result_an_admit() {
    refused("admitted once", |world| {
        let card = world.consent(world.leaf(1), Answer::Yes, vec![allowed(9)], Some(30));
        let request = world.run(card);
        world.admit(request, card);
    });
    refused("a second result", |world| {
        let card = world.consent(world.leaf(1), Answer::Yes, vec![allowed(9)], Some(30));
        let request = world.request(ANA);
        let admit = world.admit(request, card);
        world.result(admit, Status::Done);
        world.result(admit, Status::Late);
    });
    refused("nothing had been admitted", |world| {
        let request = world.request(ANA);
        world.result(request, Status::Done);
    });
}

#[test]
fn e9_acted_before_record() {
    for status in [Status::Done, Status::Killed, Status::Withheld, Status::Lost] {
        refused("acted before record", |world| {
            let card = world.consent(world.leaf(1), Answer::Yes, vec![allowed(1)], Some(30));
            let request = world.request(ANA);
            world.receipts = false;
            let admit = world.admit(request, card);
            world.result(admit, status);
        });
    }
    // After a crash nobody knows whether it had ended, but that its admit was in the log.
    accepted(|world| {
        let card = world.consent(world.leaf(1), Answer::Yes, vec![allowed(1)], Some(30));
        let request = world.request(ANA);
        let admit = world.admit(request, card);
        world.result(admit, Status::Lost);
    });
}

#[test]
fn e9_above_the_level() {
    let definition = include_str!("../../catalog/system/overview.json").replacen("\"level\": 1", "\"level\": 3", 1);
    let catalog = Catalog::from_files(&[&definition]).unwrap();
    let item = catalog.items().next().unwrap();
    let allowed = Allowed { item: item.id.clone(), definition: item.definition.clone(), ..allowed(1) };
    for (level, fits) in [(2, false), (3, true), (4, true)] {
        let mut world = World::new();
        world.say(AGENT, Kind::Open { versions: vec![1] }, Body::Open(Open::default()));
        let join = world.join(ANA, 6, "Ana", level);
        let grant = world.consent(join, Answer::Yes, vec![allowed.clone()], Some(30));
        let Allowed { item, definition, .. } = allowed.clone();
        let words = Request {
            item: item.clone(),
            definition: definition.clone(),
            arguments: BTreeMap::new(),
            why: Foreign::new("x"),
        };
        let request = world.say(ANA, Kind::Request, Body::Request(words));
        let words = Admit { item, definition, fences: Vec::new() };
        world.say(AGENT, Kind::Admit { request, grant }, Body::Admit(words));
        let at = world.events.len() - 1;
        world.end();
        let roots = Roots { named: Some(world.fingerprint()), known: &[] };
        let verdict = verify_with(&world.zip(), roots, &catalog);
        if fits { intact(&verdict) } else { broken(&verdict, &at.to_string(), "certified for level 2") }
    }
}

#[test]
fn e9_a_grant_is_for_one_technician() {
    let second = Strand::Technician(NonZeroU16::new(2).unwrap());
    refused("given to somebody else", |world| {
        let card = world.consent(world.leaf(1), Answer::Yes, vec![allowed(1)], Some(30));
        world.join(second, 9, "Eva", 5);
        let request = world.request(second);
        world.admit(request, card);
    });
    accepted(|world| {
        let join = world.join(second, 9, "Eva", 5);
        let card = world.consent(join, Answer::Yes, vec![allowed(1)], Some(30));
        let request = world.request(second);
        world.admit(request, card);
    });
}

#[test]
fn e9_a_requests_own_card() {
    accepted(|world| {
        let request = world.request(ANA);
        let card = world.consent(request, Answer::Yes, vec![allowed(1)], None);
        let admit = world.admit(request, card);
        world.result(admit, Status::Done);
    });
    refused(WITHOUT, |world| {
        let request = world.request(ANA);
        let card = world.consent(request, Answer::No, vec![allowed(1)], None);
        world.admit(request, card);
    });
}

#[test]
fn withheld_words_leave_the_clear_fields_to_judge() {
    let mut world = World::begun();
    let card = world.consent(world.leaf(1), Answer::No, vec![allowed(1)], Some(30));
    let request = world.request(ANA);
    world.admit(request, card);
    let at = world.events.len() - 1;
    world.end();
    world.openings.clear();
    broken(&world.verdict(), &at.to_string(), "said no");

    let mut world = World::session();
    let parts = world.openings.len() as u64;
    world.openings.clear();
    let verdict = world.verdict();
    intact(&verdict);
    assert_eq!(verdict.withheld, parts);
    assert!(verdict.why.contains("withheld"), "{}", verdict.why);
    assert_eq!(verdict.verdict, Finding::Intact);
}
