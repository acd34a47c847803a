//! F2: whose keys they are. Members, roles, roots and participants that aren't who they say.

use std::num::NonZeroU16;

use venia_proto::id::Strand;
use venia_proto::key::SigningKey;
use venia_proto::ledger::body::Body;
use venia_proto::ledger::bundle::{self};
use venia_proto::ledger::kind::{Kind, Verified};
use venia_proto::ledger::note::{self};
use venia_proto::ledger::verify::{Finding, Roots, verify};
use venia_proto::now::Wall;
use venia_proto::statement::{Member, Role};

use super::support::*;

use super::forgeries::{forged, text};

#[test]
fn a_foreign_key_under_the_same_name() {
    let mut world = World::begun();
    let imposter = SigningKey::new("member", [99; 32]).named(world.keys[&ANA].verifier().name.clone());
    let real = world.keys.insert(ANA, imposter).unwrap();
    world.chat(ANA);
    world.keys.insert(ANA, real);
    let at = world.events.len() - 1;
    broken(&world.verdict(), &at.to_string(), "isn't signed by the key of technician-1");
}

#[test]
fn a_root_replaced() {
    let world = World::session();
    let mut forger = World::session();
    forger.root = SigningKey::new("root", [66; 32]);
    let forged = forger.zip();
    broken(&world.judge_zip(&forged), "statement", "not by the one named");
    // Without a root in the verifier's hands it hangs together, and says no more than that.
    let known = [world.fingerprint()];
    for roots in [Roots::default(), Roots { named: None, known: &known }] {
        let verdict = verify(&forged, roots);
        assert_eq!((verdict.verdict, verdict.verdict.exit_code()), (Finding::SelfConsistent, 2));
        assert_eq!(verdict.why, "keys from the file");
        assert!(verdict.signed_by["technician-1"].starts_with("key "), "{verdict:?}");
    }
    assert_eq!(verify(&world.zip(), Roots { named: None, known: &known }).verdict, Finding::Intact);
}

#[test]
fn f2_the_chain_to_a_name() {
    let member = |world: &World, change: fn(&mut Member)| {
        let mut member = world.members[&ANA].clone();
        change(&mut member);
        member
    };
    forged("members/technician-1", "", |_, bundle| bundle.members.clear());
    forged("members/technician-1", "another key", |world, bundle| {
        let other = member(world, |m| m.key = SigningKey::new("member", [50; 32]).verifier().clone());
        bundle.members.insert(ANA, other.sign(&world.authority));
    });
    forged("members/technician-1", "not properly signed", |world, bundle| {
        bundle.members.insert(ANA, world.members[&ANA].sign(&world.root));
    });
    forged("members/technician-1", "no longer held", |world, bundle| {
        let old = member(world, |m| m.not_after = Wall::from_ms(1_795_514_402_000));
        bundle.members.insert(ANA, old.sign(&world.authority));
    });
    forged("members/technician-1", "a role that doesn't write", |world, bundle| {
        let auditor = member(world, |m| m.role = Role::Auditor);
        bundle.members.insert(ANA, auditor.sign(&world.authority));
    });
    forged("members/observer-1", "never joined", |_, bundle| {
        let note = bundle.members[&ANA].clone();
        bundle.members.insert(Strand::Observer(NonZeroU16::MIN), note);
    });
    forged("join.batch.technician-1", "missing", |_, bundle| bundle.batches.clear());
    forged("join.batch.observer-1", "never joined", |_, bundle| {
        let batch = bundle.batches[&ANA].clone();
        bundle.batches.insert(Strand::Observer(NonZeroU16::MIN), batch);
    });
    forged("join.batch.technician-1", "not properly signed", |world, bundle| {
        let batch = bundle.batches.get_mut(&ANA).unwrap();
        let note = text(&batch.note);
        batch.note =
            note::sign(note.split("\n\n").next().map(|t| format!("{t}\n")).unwrap().as_str(), &world.authority);
    });
    forged("join.batch.technician-1", "not in the tree", |world, bundle| {
        // A batch the relay signed afterwards, back-dated.
        let batch = bundle.batches.get_mut(&ANA).unwrap();
        let mut opened = venia_proto::ledger::batch::Batch::open(&batch.note, world.log.key.verifier()).unwrap();
        opened.observed = Wall::from_ms(0);
        batch.note = opened.sign(&world.log.key);
    });
}

#[test]
fn f2_the_batch_must_be_the_joins() {
    let mut world = World::session();
    let late = World::session().events[5].1;
    let common = world.common();
    let mut bundle = world.bundle();
    // The batch of a later event, which the relay did sign and log, one place before it.
    let batch = bundle.batches.get_mut(&ANA).unwrap();
    let opened = venia_proto::ledger::batch::Batch::open(&batch.note, world.log.key.verifier()).unwrap();
    assert_eq!(opened.n, 1);
    batch.proof = world.log.proof(late, &common);
    assert_eq!(world.judge(&bundle).verdict, Finding::Broken);
    world.receipts = true;
}

#[test]
fn an_invited_helper_has_no_note() {
    let helper = Strand::Observer(NonZeroU16::MIN);
    let mut world = World::begun();
    let key = SigningKey::new("helper", [40; 32]);
    world.join_helper(helper, 40);
    world.chat(helper);
    world.end();
    let verdict = world.verdict();
    intact(&verdict);
    assert!(verdict.signed_by["observer-1"].starts_with("key "), "{verdict:?}");
    drop(key);
}

#[test]
fn policy_and_participants_follow_from_what_is_signed() {
    let world = World::session();
    let vkey = world.log.key.verifier();
    let witness = &world.statement().witnesses[0];
    assert_eq!(text(&world.bundle().policy), format!("log {vkey}\nwitness w1 {witness}\nquorum none\n"));
    let strict = venia_proto::statement::Statement { quorum: 1, ..world.statement() };
    let strict = bundle::policy(&strict);
    assert!(strict.ends_with("\ngroup all all w1\nquorum all\n"), "{strict}");
    forged("policy", "not what the statement asks", |_, bundle| bundle.policy.push(b'\n'));
    forged("participants", "", |_, bundle| bundle.participants.truncate(0));
    forged("participants", "not the strands and keys", |_, bundle| {
        let agent = text(&bundle.participants).lines().next().unwrap().to_owned();
        bundle.participants = format!("{agent}\n").into();
    });
    forged("participants", "not the strands and keys", |_, bundle| {
        let last = text(&bundle.participants).lines().last().unwrap().to_owned();
        bundle.participants.extend_from_slice(format!("{last}\n").as_bytes());
    });
    forged("participants", "the agent doesn't come first", |_, bundle| {
        let lines: Vec<String> = text(&bundle.participants).lines().rev().map(|line| format!("{line}\n")).collect();
        bundle.participants = lines.concat().into();
    });
    forged("0", "isn't signed by the key of agent", |_, bundle| {
        let other = SigningKey::new("device", [44; 32]);
        let rest = text(&bundle.participants).lines().last().unwrap().to_owned();
        bundle.participants = format!("agent {}\n{rest}\n", other.verifier()).into();
    });
}

#[test]
fn a_strand_that_joins_out_of_turn() {
    let mut world = World::begun();
    let third = Strand::Technician(NonZeroU16::new(3).unwrap());
    let key = SigningKey::new("member", [30; 32]).verifier().clone();
    let at = world.events.len();
    let body = venia_proto::ledger::body::Join {
        member: String::new(),
        reason: venia_proto::foreign::Foreign::new("x"),
        offer: venia_proto::ledger::body::Offer::default(),
    };
    world.say(AGENT, Kind::Join { strand: third, key, verified: Verified::Code }, Body::Join(body));
    broken(&world.verdict(), &at.to_string(), "comes next");
}
