//! Ways past the rules: records that hang together to the last signature, made by an agent, a technician and a relay with
//! their own keys, and that a verifier must not call intact all the same. Beside each: its honest neighbour.

mod logs;
mod packers;

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use venia_proto::foreign::Foreign;
use venia_proto::id::{Leaf, SessionId, Strand};
use venia_proto::key::{KeyName, SigningKey};
use venia_proto::ledger::body::{Admit, Body, DefinitionHash, Join, Offer, Open, Outcome, Request};
use venia_proto::ledger::bundle::Bundle;
use venia_proto::ledger::event::{After, Event};
use venia_proto::ledger::kind::{Answer, Cause, Kind, KindName, Status, Verified};
use venia_proto::ledger::strand::Author;
use venia_proto::ledger::verify::Finding;
use venia_proto::now::Wall;
use venia_proto::statement::{MEMBER_LIFE_MS, MEMBER_SLACK_MS, Member, Statement, StatementError, WitnessKey};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::outside;
use super::repacked::unpack;
use super::support::*;

/// Where and why a bundle is broken.
type Fault = (String, &'static str);

/// Bundles for both verifiers; the other one is asked about all of them in one run.
#[derive(Default)]
struct Both {
    cases: Vec<(String, Option<Fault>, Vec<u8>)>,
}

impl Both {
    fn broken(&mut self, what: impl Into<String>, at: impl Into<String>, why: &'static str, bundle: &Bundle) {
        self.cases.push((what.into(), Some((at.into(), why)), bundle.to_zip().unwrap()));
    }

    fn intact(&mut self, what: impl Into<String>, bundle: &Bundle) {
        self.cases.push((what.into(), None, bundle.to_zip().unwrap()));
    }

    #[track_caller]
    fn judge(self, name: &str) {
        let world = World::new();
        let root = world.fingerprint().to_string();
        let said = outside::say(name, &root, self.cases.iter().map(|(.., zip)| zip.as_slice()));
        assert_eq!(said.len(), self.cases.len());
        for ((what, expected, zip), said) in self.cases.iter().zip(said) {
            let verdict = world.judge_zip(zip);
            if let Some((at, why)) = expected {
                broken(&verdict, at, why);
                assert!(outside::is_broken_at(&said, at), "{what}: {said}");
            } else {
                assert_eq!(verdict.verdict, Finding::Intact, "{what}: {verdict:?}");
                assert_eq!(said, "intact", "{what}");
            }
        }
    }
}

fn number(n: usize) -> String {
    n.to_string()
}

/// Ana's level is 2; the card allows one run.
fn carded(world: &mut World) -> Leaf {
    world.consent(world.leaf(1), Answer::Yes, vec![allowed(1)], Some(30))
}

#[test]
fn e9_words_that_are_disclosed_and_cannot_be_read() {
    let good = r#"{"text":"May Ana?","language":"en","scopes":[],"items":[],"minutes":30}"#;
    let deep = format!(r#"{{"text":{}{},"language":"en"}}"#, "[".repeat(400), "]".repeat(400));
    let odd: [(&str, Vec<u8>); 7] = [
        ("a field nobody knows", good.replace("30}", r#"30,"zz":1}"#).into()),
        ("a language nobody reads", good.replace("\"en\"", "\"xx\"").into()),
        ("a field left out", good.replace(r#","minutes":30"#, "").into()),
        ("a field twice", good.replace("30}", r#"30,"minutes":30}"#).into()),
        ("deep", deep.into()),
        ("not JSON", b"yes".to_vec()),
        ("not text", vec![0xff, 0xfe]),
    ];
    for (what, words) in odd {
        assert!(Body::decode(KindName::Consent, &words).is_err(), "{what}");
        let mut world = World::begun();
        let kind = Kind::Consent { asked: world.leaf(1), answer: Answer::Yes, took: 900 };
        let card = world.utter(AGENT, kind, Some(&words), |_| {});
        let at = number(world.events.len() - 1);
        world.run(card);
        world.end();
        broken(&world.verdict(), &at, "disclosed, but not what its kind may hold");
        // Nobody can be asked to show it, and then nobody says that it was checked.
        let (event, _) = &world.events[at.parse::<usize>().unwrap()];
        let commit = event.header().parts[0].commit;
        world.openings.remove(&commit);
        let verdict = world.verdict();
        intact(&verdict);
        assert!(verdict.why.contains("1 parts withheld"), "{verdict:?}");
    }
    // The same words as they must be: then they allow nothing.
    let mut world = World::begun();
    let kind = Kind::Consent { asked: world.leaf(1), answer: Answer::Yes, took: 900 };
    let card = world.utter(AGENT, kind, Some(good.as_bytes()), |_| {});
    world.run(card);
    world.end();
    broken(&world.verdict(), "5", "the item wasn't allowed");
    // Not only consents: every kind.
    let mut world = World::begun();
    world.utter(ANA, Kind::Chat, Some(br#"{"text":"x","to":"y"}"#), |_| {});
    world.end();
    broken(&world.verdict(), "3", "disclosed, but not what its kind may hold");
}

#[test]
fn e4_all_is_sealed_or_nothing() {
    let mut both = Both::default();
    both.intact("with auditors", &World::sealed().bundle());
    both.intact("without", &World::session().bundle());
    let mut hidden = World::new();
    hidden.seals = true;
    hidden.arrive();
    let card = carded(&mut hidden);
    let request = hidden.request(ANA);
    let admit = hidden.admit(request, card);
    hidden.seals = false;
    hidden.result(admit, Status::Done);
    hidden.seals = true;
    hidden.end();
    let result = number(hidden.number("result"));
    both.broken("a result", result.clone(), "no auditor can open", &hidden.bundle());
    let kept = Bundle { openings: Default::default(), ..hidden.bundle() };
    both.broken("a result, and withheld", result, "no auditor can open", &kept);
    let mut none = World::session();
    none.seals = true;
    both.broken("everything", "0", "no auditor can open", &none.bundle());
    let mut foreign = World::sealed();
    foreign.seals = false;
    both.broken("for somebody nobody named", "0", "no auditor", &foreign.bundle());
    let mut quiet = World::new();
    quiet.seals = true;
    quiet.arrive();
    for status in [Status::Withheld, Status::Lost] {
        let card = carded(&mut quiet);
        let request = quiet.request(ANA);
        let admit = quiet.admit(request, card);
        quiet.result(admit, status);
    }
    quiet.end();
    both.intact("nothing left the PC, nothing to seal", &quiet.bundle());
    both.judge("loopholes-sealed");
}

#[test]
fn f2_the_note_as_seen() {
    let mut both = Both::default();
    let seen = |note: fn(&World, Member) -> String| {
        let mut world = World::new();
        world.say(AGENT, Kind::Open { versions: vec![1] }, Body::Open(Open::default()));
        world.join(ANA, 6, "Ana", 2);
        // The same again, with another note in its words.
        let member = world.members[&ANA].clone();
        let shown = note(&world, member.clone());
        let mut other = World::new();
        other.say(AGENT, Kind::Open { versions: vec![1] }, Body::Open(Open::default()));
        let key = SigningKey::new("member", [6; 32]);
        other.stands_in(ANA, key, member);
        let words = Join { member: shown, reason: Foreign::new("slow"), offer: Offer::default() };
        let kind = Kind::Join { strand: ANA, key: other.keys[&ANA].verifier().clone(), verified: Verified::Code };
        let join = other.say(AGENT, kind, Body::Join(words));
        other.consent(join, Answer::Yes, Vec::new(), None);
        other.end();
        other.bundle()
    };
    both.intact("the same", &seen(|world, member| note_of(world, &member)));
    both.intact(
        "renewed since",
        &seen(|world, member| {
            let earlier = Member { not_after: member.not_after.plus_ms(-60_000), ..member };
            note_of(world, &earlier)
        }),
    );
    both.broken("unsigned", "1", "as seen", &seen(|world, member| note_of(world, &member).replace("Ana", "Eva")));
    both.broken("rubbish", "1", "as seen", &seen(|_, _| "whatever".to_owned()));
    both.broken("nothing", "1", "as seen", &seen(|_, _| String::new()));
    both.broken(
        "another level",
        "1",
        "something else",
        &seen(|world, member| note_of(world, &Member { level: 5, ..member })),
    );
    both.broken(
        "another key",
        "1",
        "something else",
        &seen(|world, member| {
            let key = SigningKey::new("member", [50; 32]).verifier().clone();
            note_of(world, &Member { key, ..member })
        }),
    );
    both.judge("loopholes-seen");
    let old = seen(|world, member| note_of(world, &Member { not_after: Wall::from_ms(1_795_514_402_000), ..member }));
    broken(&World::new().judge(&old), "1", "didn't hold then");
    let mut helped = World::begun();
    let helper = Strand::Observer(std::num::NonZeroU16::MIN);
    helped.join(helper, 40, "Luz", 1);
    helped.members.remove(&helper);
    helped.end();
    broken(&helped.verdict(), "3", "doesn't have");
}

fn note_of(world: &World, member: &Member) -> String {
    String::from_utf8(member.sign(&world.authority)).unwrap()
}

#[test]
fn a5_a_note_that_lives_longer_than_a_day() {
    let mut both = Both::default();
    let world = World::session();
    let joined = world.events[1].0.header().time;
    for (life, fits) in [(-1, true), (0, true), (1, false)] {
        let not_after = joined.plus_ms(MEMBER_LIFE_MS + MEMBER_SLACK_MS + life);
        let mut bundle = world.bundle();
        let note = Member { not_after, ..world.members[&ANA].clone() }.sign(&world.authority);
        bundle.members.insert(ANA, note);
        if fits {
            both.intact(format!("{life}"), &bundle);
        } else {
            both.broken(format!("{life}"), "members/technician-1", "longer than a day", &bundle);
        }
    }
    both.judge("loopholes-life");
}

#[test]
fn e9_a_level_nobody_can_know() {
    let invented = |level: u8| {
        let mut world = World::new();
        world.say(AGENT, Kind::Open { versions: vec![1] }, Body::Open(Open::default()));
        let join = world.join(ANA, 6, "Ana", level);
        let item = allowed(1).item;
        let definition = DefinitionHash("ab".repeat(32));
        let words = venia_proto::ledger::body::Allowed { definition: definition.clone(), ..allowed(1) };
        let grant = world.consent(join, Answer::Yes, vec![words], Some(30));
        let arguments = BTreeMap::new();
        let words = Request { item: item.clone(), definition: definition.clone(), arguments, why: Foreign::new("x") };
        let request = world.say(ANA, Kind::Request, Body::Request(words));
        let words = Admit { item, definition, fences: Vec::new() };
        let admit = world.say(AGENT, Kind::Admit { request, grant }, Body::Admit(words));
        world.result(admit, Status::Done);
        world.end();
        world.verdict()
    };
    let verdict = invented(1);
    intact(&verdict);
    assert_eq!(verdict.levels_unchecked, 1);
    assert!(verdict.why.contains("1 runs by definitions unknown here"), "{verdict:?}");
    assert_eq!(serde_json::to_value(&verdict).unwrap()["levels_unchecked"], 1);
    let highest = invented(5);
    assert_eq!((highest.levels_unchecked, highest.why.as_str()), (0, "receipt.html not checked"));
    assert_eq!(World::session().verdict().levels_unchecked, 0);
}

#[test]
fn e9_whoever_was_not_let_in() {
    let mut both = Both::default();
    for first in [Some(Answer::No), Some(Answer::Silence), None] {
        let mut world = World::new();
        world.say(AGENT, Kind::Open { versions: vec![1] }, Body::Open(Open::default()));
        let join = world.join(ANA, 6, "Ana", 2);
        if let Some(first) = first {
            world.consent(join, first, Vec::new(), None);
        }
        // A later yes to a question of theirs mends nothing.
        let request = world.request(ANA);
        let card = world.consent(request, Answer::Yes, vec![allowed(1)], Some(30));
        let admit = world.admit(request, card);
        let at = number(world.events.len() - 1);
        world.result(admit, Status::Done);
        world.end();
        both.broken(format!("{first:?}"), at, "acted without consent", &world.bundle());
    }
    // Nor does a second answer to the same join.
    let mut world = World::new();
    world.say(AGENT, Kind::Open { versions: vec![1] }, Body::Open(Open::default()));
    let join = world.join(ANA, 6, "Ana", 2);
    world.consent(join, Answer::No, Vec::new(), None);
    world.work();
    world.end();
    both.broken("asked again", number(world.number("admit")), "had not let them in", &world.bundle());
    // A later no to something else shuts nobody out.
    let mut world = World::begun();
    world.consent(world.leaf(1), Answer::No, vec![allowed(1)], Some(30));
    world.work();
    world.end();
    both.intact("let in", &world.bundle());
    both.judge("loopholes-door");
}

#[test]
fn a6_a_grant_from_before_the_sleep() {
    let mut both = Both::default();
    let by = Cause::Person;
    let pause = |world: &mut World, cause, resumed| {
        world.say(AGENT, Kind::Pause { by: cause, cause }, Body::None);
        world.consent(world.leaf(1), Answer::Yes, Vec::new(), None);
        world.say(AGENT, Kind::Resume { by, cause: resumed }, Body::None);
    };
    // The sleep may be told by the pause, by the resume, or by both.
    for (cause, resumed) in [
        (Cause::Sleep, Cause::Sleep),
        (Cause::Sleep, Cause::Lock),
        (Cause::Lock, Cause::Sleep),
        (Cause::Lock, Cause::Lock),
    ] {
        let mut world = World::begun();
        let card = carded(&mut world);
        pause(&mut world, cause, resumed);
        let request = world.request(ANA);
        let admit = world.admit(request, card);
        let at = number(world.events.len() - 1);
        world.result(admit, Status::Done);
        world.end();
        if cause == resumed && cause == Cause::Lock {
            both.intact("only locked", &world.bundle());
        } else {
            both.broken(format!("{cause:?} {resumed:?}"), at, "acted without consent", &world.bundle());
        }
    }
    let mut world = World::begun();
    carded(&mut world);
    pause(&mut world, Cause::Sleep, Cause::Sleep);
    world.work();
    world.end();
    both.intact("asked again after it", &world.bundle());
    both.judge("loopholes-sleep");
}

#[test]
fn e9_done_without_a_report() {
    for (status, fits) in [(Status::Done, false), (Status::Unknown, true), (Status::Failed, true)] {
        let mut world = World::begun();
        let card = carded(&mut world);
        let request = world.request(ANA);
        let admit = world.admit(request, card);
        let words = Outcome { report: None, detail: Foreign::new("") };
        world.say(AGENT, Kind::Result { admit, status }, Body::Result(words));
        let at = number(world.events.len() - 1);
        world.end();
        if fits { intact(&world.verdict()) } else { broken(&world.verdict(), &at, "without a report") }
    }
}

#[test]
fn a_series_of_other_samples() {
    let mut both = Both::default();
    for (named, fits) in [(b"1,2,3".as_slice(), true), (b"1,2,4", false)] {
        let mut world = World::begun();
        let card = carded(&mut world);
        let request = world.request(ANA);
        let admit = world.admit(request, card);
        let block = Sha256::digest(named).into();
        world.utter(AGENT, Kind::Series { admit, samples: 3, block }, Some(b"1,2,3"), |_| {});
        let at = number(world.events.len() - 1);
        world.end();
        if fits {
            both.intact("these", &world.bundle());
        } else {
            both.broken("others", at.clone(), "the samples", &world.bundle());
            let (event, _) = &world.events[at.parse::<usize>().unwrap()];
            world.openings.remove(&event.header().parts[0].commit);
            both.intact("withheld", &world.bundle());
        }
    }
    both.judge("loopholes-series");
}

#[test]
fn tips_left_out_and_strangers_counted() {
    let mut both = Both::default();
    let words = || {
        let text = || Foreign::new("done");
        Body::Signoff(venia_proto::ledger::body::Signoff { outcome: text(), next: text(), observations: None })
    };
    let mut world = World::begun();
    world.chat(ANA);
    let own = (1, world.last());
    let agents = (3, world.leaf(2));
    for (what, tips, fits) in [
        ("whole", vec![(AGENT, agents), (ANA, own)], true),
        ("without the agent", vec![(ANA, own)], false),
        ("less of the agent than was seen", vec![(AGENT, (2, world.leaf(1))), (ANA, own)], false),
    ] {
        let mut world = World::begun();
        world.chat(ANA);
        world.say(ANA, Kind::Signoff { tips: tips.into_iter().collect() }, words());
        world.close();
        if fits {
            both.intact(what, &world.bundle());
        } else {
            both.broken(what, "4", "names less of agent", &world.bundle());
        }
    }
    for (count, n) in [(0, 5_u16), (1, 5), (0, 2)] {
        let stranger = Strand::Technician(n.try_into().unwrap());
        let mut world = World::begun();
        let held = BTreeMap::from([(AGENT, 4), (ANA, 0), (stranger, count)]);
        world.say(AGENT, Kind::Close { by: Cause::Person, cause: Cause::Done, held }, Body::None);
        both.broken(format!("{stranger} {count}"), "3", "who never joined", &world.bundle());
    }
    both.judge("loopholes-counts");
}

#[test]
fn clocks_far_off_and_going_back() {
    const DAY: i64 = 24 * 60 * 60 * 1_000;
    for (ahead, told) in [(DAY, false), (DAY + 1, true), (-DAY, false), (-DAY - 1, true), (-365 * DAY, true)] {
        let mut world = World::new();
        world.ahead = ahead;
        world.arrive();
        world.work();
        world.end();
        let verdict = world.verdict();
        intact(&verdict);
        assert_eq!(verdict.why.contains("the PC's clock said"), told, "{ahead}: {verdict:?}");
        let relays = world.events[1].0.header().time.plus_ms(-ahead).to_string();
        assert_eq!(verdict.recorded, Some(relays), "{verdict:?}");
    }
    let mut both = Both::default();
    for back in [0, 1] {
        let mut world = World::begun();
        let before = world.events[2].0.header().time;
        world.utter(AGENT, Kind::Stop { by: Cause::Person, cause: Cause::Person }, None, |header| {
            header.time = before.plus_ms(-back);
        });
        world.close();
        if back == 0 {
            both.intact("the same moment", &world.bundle());
        } else {
            both.broken("back", "3", "its time is before", &world.bundle());
        }
    }
    both.judge("loopholes-clocks");
}

/// How a verdict names a file.
fn place_of(name: &str) -> String {
    let number = name.strip_suffix(".event").or_else(|| name.strip_suffix(".tlog-proof"));
    number.and_then(|n| n.parse::<u64>().ok()).map_or(name.to_owned(), |n| n.to_string())
}
