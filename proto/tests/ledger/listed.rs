//! The list of docs/ledger.md and of whoever checks us from outside: every line of what must be broken, and where, and of
//! what must be accepted; each put to our verifier and to the one of docs/, which share no code.
//!
//! Forgers here are competent. They hold the keys of agent and technician, sign again whatever they change, chain it
//! again, and count it right in the close; they don't hold the relay's key, so their events stand under the receipts
//! of others. Where the relay lies, it signs its lie.

mod logs;
mod spelling;

use std::num::NonZeroU16;

use venia_proto::foreign::Foreign;
use venia_proto::id::{SessionId, Strand};
use venia_proto::key::{KeyName, SigningKey};
use venia_proto::ledger::batch::Batch;
use venia_proto::ledger::body::{Body, Open, Said};
use venia_proto::ledger::bundle::{self, Bundle};
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::event::After;
use venia_proto::ledger::kind::{Answer, Cause, Kind, Status};
use venia_proto::ledger::note::{self, Note, Signature};
use venia_proto::ledger::part::Opening;
use venia_proto::ledger::proof::Proof;
use venia_proto::ledger::strand::Author;
use venia_proto::ledger::verify::Finding;
use venia_proto::statement::{Member, Statement};

use super::forgeries::{drop_entries, text, with_checkpoint};
use super::outside;
use super::repacked::{pack, unpack};
use super::support::*;

/// A named bundle, and where it must be broken.
struct Case {
    name: String,
    at: String,
    zip: Vec<u8>,
}

#[derive(Default)]
struct List(Vec<Case>);

impl List {
    fn zip(&mut self, name: impl Into<String>, at: impl Into<String>, zip: Vec<u8>) {
        self.0.push(Case { name: name.into(), at: at.into(), zip });
    }

    /// The whole session's bundle, changed.
    fn changed(&mut self, name: impl Into<String>, at: impl Into<String>, change: impl FnOnce(&World, &mut Bundle)) {
        let world = World::sealed();
        let mut bundle = world.bundle();
        change(&world, &mut bundle);
        self.zip(name, at, bundle.to_zip().unwrap());
    }

    /// Another story by the same keys, under the receipts the relay gave for the true one.
    fn retold(&mut self, name: impl Into<String>, at: impl Into<String>, tell: impl FnOnce(&mut World)) {
        let mut forger = World::new();
        tell(&mut forger);
        let (truth, lie) = (World::session().bundle(), forger.bundle());
        let mut forged = Bundle { openings: lie.openings, participants: lie.participants, ..truth };
        forged.members = lie.members;
        forged.batches.retain(|strand, _| lie.batches.contains_key(strand));
        forged.entries.truncate(lie.entries.len());
        for (entry, lie) in forged.entries.iter_mut().zip(lie.entries) {
            entry.event = lie.event;
        }
        self.zip(name, at, forged.to_zip().unwrap());
    }

    /// A record the relay took as it was told: it knows nothing of consent.
    fn told(&mut self, name: impl Into<String>, at: Option<usize>, tell: impl FnOnce(&mut World)) {
        let mut world = World::begun();
        tell(&mut world);
        let at = at.unwrap_or(world.events.len() - 1);
        world.end();
        self.zip(name, at.to_string(), world.zip());
    }

    /// All of it, put to both verifiers.
    fn judge(self, name: &str) {
        let world = World::session();
        let said = outside::say(name, &world.fingerprint().to_string(), self.0.iter().map(|case| case.zip.as_slice()));
        assert_eq!(said.len(), self.0.len());
        let mut wrong = Vec::new();
        for (Case { name, at, zip }, said) in self.0.iter().zip(said) {
            let verdict = world.judge_zip(zip);
            let place = serde_json::to_value(&verdict.at).unwrap();
            let place = place.as_str().map_or(place.to_string(), str::to_owned);
            if verdict.verdict != Finding::Broken || place != *at || verdict.why.is_empty() {
                wrong.push(format!("{name}: broken at {at} expected, ours says {verdict:?}"));
            }
            if !outside::is_broken_at(&said, at) {
                wrong.push(format!("{name}: broken at {at} expected, docs/verify.py says {said}"));
            }
        }
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), self.0.len(), wrong.join("\n"));
    }
}

fn imposter(of: &SigningKey) -> SigningKey {
    SigningKey::new("x", [99; 32]).named(of.verifier().name.clone())
}

/// The same text under another signature alone.
fn signed_by(note: &[u8], key: &SigningKey) -> Vec<u8> {
    note::sign(Note::parse(note).unwrap().text(), key)
}

fn batch(world: &World, bundle: &Bundle) -> Batch {
    Batch::open(&bundle.batches[&ANA].note, world.log.key.verifier()).unwrap()
}

/// The bundle with another note as its one checkpoint.
fn with_common(mut bundle: Bundle, note: &Note) -> Vec<u8> {
    for entry in &mut bundle.entries {
        with_checkpoint(entry, note.clone());
    }
    let batch = bundle.batches.get_mut(&ANA).unwrap();
    batch.proof = Proof { checkpoint: note.clone(), ..Proof::parse(&batch.proof).unwrap() }.to_bytes();
    bundle.to_zip().unwrap()
}

#[test]
fn events_dropped() {
    let mut list = List::default();
    for (name, n) in [("head", 0), ("head of a strand", 4), ("middle", 6), ("tail of a strand", 9), ("close", 10)] {
        let after = if n == 0 { 0 } else { n };
        list.changed(format!("{name} dropped and renumbered"), after.to_string(), |_, bundle| {
            drop_entries(bundle, |other| other == n);
        });
        let mut files = unpack(&World::session().zip());
        files.retain(|(file, _)| !file.starts_with(&format!("{n:06}.")));
        list.zip(format!("{name} dropped, its number left free"), n.to_string(), pack(&files));
    }
    list.changed("a strand dropped", "4", |world, bundle| {
        drop_entries(bundle, |n| world.events[n].0.header().author == ANA);
    });
    // By whoever can sign the rest again: the leaves are others, and no receipt fits them.
    list.retold("head retold", "0", |world| {
        world.say(AGENT, Kind::Open { versions: vec![1, 2] }, Body::Open(Open::default()));
        let join = world.join(ANA, 6, "Ana", 2);
        world.consent(join, Answer::Yes, Vec::new(), None);
        world.end();
    });
    list.retold("middle retold", "3", |world| {
        world.arrive();
        world.end();
    });
    list.retold("tail retold", "7", |world| {
        world.arrive();
        world.work();
        world.close();
    });
    list.retold("a strand retold away", "1", |world| {
        world.say(AGENT, Kind::Open { versions: vec![1] }, Body::Open(Open::default()));
        world.close();
    });
    list.changed("a hole of receipts", "6", |_, bundle| bundle.entries[6].proof = None);
    list.judge("listed-dropped");
}

#[test]
fn the_close() {
    let mut list = List::default();
    let told = |world: &mut World| {
        world.arrive();
        world.work();
        world.chat(ANA);
        world.chat(AGENT);
    };
    list.retold("by the technician's key, in the agent's name", "9", |world| {
        told(world);
        let technician = world.keys.remove(&ANA).unwrap();
        let agent = world.keys.insert(AGENT, technician).unwrap();
        world.close();
        let technician = world.keys.insert(AGENT, agent).unwrap();
        world.keys.insert(ANA, technician);
    });
    list.retold("by another key under the agent's name", "9", |world| {
        told(world);
        let foreign = imposter(&world.keys[&AGENT]);
        let agent = world.keys.insert(AGENT, foreign).unwrap();
        world.close();
        world.keys.insert(AGENT, agent);
    });
    list.retold("by the agent, for another cause", "9", |world| {
        told(world);
        let held = world.authors[&AGENT].held();
        world.say(AGENT, Kind::Close { by: Cause::Person, cause: Cause::Person, held }, Body::None);
    });
    list.retold("by the agent, with another count", "9", |world| {
        told(world);
        let mut held = world.authors[&AGENT].held();
        held.insert(ANA, 9);
        world.say(AGENT, Kind::Close { by: Cause::Technician, cause: Cause::Done, held }, Body::None);
    });
    list.changed("dropped, and what follows kept", "10", |_, bundle| drop_entries(bundle, |n| n == 10));
    list.told("something after it", None, |world| {
        world.close();
        world.chat(AGENT);
        // The list's own end is after it too, and comes later.
    });
    list.judge("listed-close");
}

#[test]
fn proofs_and_parts() {
    let mut list = List::default();
    for (one, other) in [(3, 4), (0, 10), (7, 8)] {
        list.changed(format!("proofs of {one} and {other} swapped"), one.to_string(), |_, bundle| {
            let proof = bundle.entries[other].proof.clone();
            bundle.entries[other].proof = std::mem::replace(&mut bundle.entries[one].proof, proof);
        });
    }
    list.changed("a proof for another place", "5", |_, bundle| {
        let proof = Proof::parse(bundle.entries[5].proof.as_ref().unwrap()).unwrap();
        bundle.entries[5].proof = Some(Proof { index: proof.index ^ 1, ..proof }.to_bytes());
    });
    list.changed("a proof one hash longer", "5", |_, bundle| {
        let mut proof = Proof::parse(bundle.entries[5].proof.as_ref().unwrap()).unwrap();
        proof.siblings.push([0; 32]);
        bundle.entries[5].proof = Some(proof.to_bytes());
    });
    list.changed("a proof with data nobody vouches for", "5", |_, bundle| {
        let proof = Proof::parse(bundle.entries[5].proof.as_ref().unwrap()).unwrap();
        bundle.entries[5].proof = Some(Proof { extra: Some(vec![1]), ..proof }.to_bytes());
    });
    list.changed("the batch of the next commit", "join.batch.technician-1", |world, bundle| {
        let common = world.common();
        let later = Batch { n: 1, ..batch(world, bundle) };
        let (index, note) = world.batch_after(1);
        assert_eq!(Batch::open(&note, world.log.key.verifier()).unwrap().n, later.n);
        *bundle.batches.get_mut(&ANA).unwrap() = bundle::JoinBatch { note, proof: world.log.proof(index, &common) };
    });
    list.changed("a batch note back-dated by the relay", "join.batch.technician-1", |world, bundle| {
        let mut back = batch(world, bundle);
        back.observed = back.observed.plus_ms(-60_000);
        bundle.batches.get_mut(&ANA).unwrap().note = back.sign(&world.log.key);
    });

    let world = World::session();
    let commit = *world.bundle().openings.keys().next().unwrap();
    let file = |commit: &[u8; 32]| format!("parts/{}", venia_proto::encoding::to_hex(commit));
    list.changed("a part under another's name", file(&commit), |_, bundle| {
        let words = bundle.openings.values().last().unwrap().clone();
        bundle.openings.insert(commit, words);
    });
    let words = Opening::make([3; 32], b"{\"text\":\"what was never said\"}").unwrap();
    list.changed("a part altered, under its new name", file(&words.commit()), |_, bundle| {
        bundle.openings.remove(&commit);
        bundle.openings.insert(words.commit(), words.bytes().to_vec());
    });
    list.retold("a part altered, and committed to", "7", |world| {
        world.arrive();
        world.work();
        world.say(ANA, Kind::Chat, Body::Said(Said { text: Foreign::new("what was never said") }));
        world.chat(AGENT);
        world.close();
    });
    let sealed = format!("sealed/{}.age", "01".repeat(32));
    list.changed("a sealed part nobody names", sealed, |_, b| drop(b.sealed.insert([1; 32], vec![0; 10])));
    list.judge("listed-proofs");
}

#[test]
fn acted_without_consent_or_before_record() {
    let mut list = List::default();
    for answer in [Answer::No, Answer::Silence] {
        list.told(format!("answered {answer:?}"), None, |world| {
            let card = world.consent(world.leaf(1), answer, vec![allowed(1)], Some(30));
            let request = world.request(ANA);
            world.admit(request, card);
        });
    }
    list.told("no consent at all", None, |world| {
        let request = world.request(ANA);
        world.admit(request, world.leaf(0));
    });
    list.told("nothing requested", None, |world| {
        let card = world.consent(world.leaf(1), Answer::Yes, vec![allowed(1)], Some(30));
        world.admit(card, card);
    });
    list.told("consent to somebody else", None, |world| {
        let card = world.consent(world.leaf(1), Answer::Yes, vec![allowed(1)], Some(30));
        let second = Strand::Technician(NonZeroU16::new(2).unwrap());
        world.join(second, 9, "Eva", 5);
        let request = world.request(second);
        world.admit(request, card);
    });
    list.told("admitted twice", None, |world| {
        let card = world.consent(world.leaf(1), Answer::Yes, vec![allowed(9)], Some(30));
        let request = world.run(card);
        world.admit(request, card);
    });
    list.told("a result without an admit", None, |world| {
        let request = world.request(ANA);
        world.result(request, Status::Done);
    });
    list.told("after the stop", None, |world| {
        let card = world.consent(world.leaf(1), Answer::Yes, vec![allowed(1)], Some(30));
        let request = world.request(ANA);
        world.say(AGENT, Kind::Stop { by: Cause::Person, cause: Cause::Person }, Body::None);
        world.admit(request, card);
    });
    list.told("acted before record", None, |world| {
        let card = world.consent(world.leaf(1), Answer::Yes, vec![allowed(1)], Some(30));
        let request = world.request(ANA);
        world.receipts = false;
        let admit = world.admit(request, card);
        world.result(admit, Status::Done);
    });
    list.judge("listed-consent");
}

#[test]
fn accepted() {
    let world = World::sealed();
    let root = world.fingerprint().to_string();
    let good = world.bundle();
    let mut cases: Vec<(String, &str, Vec<u8>)> = Vec::new();
    let mut add = |name: String, verdict, zip: Vec<u8>| cases.push((name, verdict, zip));
    add("whole".into(), "intact", good.to_zip().unwrap());
    add("without auditors".into(), "intact", World::session().zip());
    for commit in good.openings.keys() {
        let mut withheld = good.clone();
        withheld.openings.remove(commit);
        add("a part withheld".into(), "intact", withheld.to_zip().unwrap());
    }
    add("all withheld".into(), "intact", Bundle { openings: Default::default(), ..good.clone() }.to_zip().unwrap());
    add("none sealed".into(), "intact", Bundle { sealed: Default::default(), ..good.clone() }.to_zip().unwrap());
    let close = world.number("close");
    let cut = |keep: usize| {
        let mut bundle = good.clone();
        bundle.entries.truncate(keep);
        let named: Vec<_> = world.events[..keep].iter().flat_map(|(event, _)| event.header().parts.clone()).collect();
        bundle.openings.retain(|commit, _| named.iter().any(|part| part.commit == *commit));
        bundle.sealed.retain(|hash, _| named.iter().any(|part| part.sealed == Some(*hash)));
        bundle.to_zip().unwrap()
    };
    for keep in 3..=world.events.len() {
        let verdict = if keep > close { "intact" } else { "unclosed" };
        add(format!("{keep} events"), verdict, cut(keep));
    }
    let mut late = good.clone();
    late.entries.last_mut().unwrap().proof = None;
    add("the last receipt to come".into(), "unclosed", late.to_zip().unwrap());
    // Without a relay there is one receipt, the first.
    let first = Note::parse(&good.first_checkpoint).unwrap();
    let mut alone = Bundle { consistency: Vec::new(), ..good.clone() };
    alone.batches.clear();
    alone.entries.iter_mut().for_each(|entry| entry.proof = None);
    alone.entries[0].proof = Some(world.log.proof(world.events[0].1, &first));
    add("the first receipt alone".into(), "unclosed", alone.to_zip().unwrap());
    let mut pages = good.clone();
    (pages.receipt, pages.readme) = (Some("another page".into()), None);
    add("another page".into(), "intact", pages.to_zip().unwrap());
    let mut files = unpack(&good.to_zip().unwrap());
    add("packed by another".into(), "intact", pack(&files));
    files.reverse();
    add("packed in another order".into(), "intact", pack(&files));
    let mut stranger = world.common();
    stranger.add_line(Signature { name: KeyName::new("w.example").unwrap(), id: [4; 4], bytes: vec![9; 72] });
    add("an unknown cosignature".into(), "intact", with_common(good.clone(), &stranger));
    let mut strict = World::session();
    strict.quorum = 1;
    add("a witness's cosignature".into(), "intact", strict.zip());
    let mut silent = World::begun();
    silent.close();
    add("a technician who never wrote".into(), "intact", silent.zip());
    let mut stopped = World::begun();
    stopped.say(AGENT, Kind::Stop { by: Cause::Person, cause: Cause::Person }, Body::None);
    stopped.close();
    add("stop and close at once".into(), "intact", stopped.zip());
    let mut helped = World::begun();
    let helper = Strand::Observer(NonZeroU16::MIN);
    helped.join_helper(helper, 40);
    helped.chat(helper);
    helped.end();
    add("an invited helper".into(), "intact", helped.zip());
    let mut others = World::session();
    others.log.commit(&[b"somebody else's", b"events"], others.now);
    add("a log that went on".into(), "intact", others.zip());
    let mut lost = World::begun();
    let card = lost.consent(lost.leaf(1), Answer::Yes, vec![allowed(1)], Some(30));
    let request = lost.request(ANA);
    let admit = lost.admit(request, card);
    lost.result(admit, Status::Lost);
    lost.end();
    add("lost in a crash".into(), "intact", lost.zip());
    // The person's program was here before: its first event quotes a checkpoint already.
    let mut again = World::new();
    let real = again.log.checkpoint();
    let mut author = Author::new(SessionId([7; 16]), AGENT);
    author.receipted(After { origin: real.origin, size: real.size, root: real.root });
    again.authors.insert(AGENT, author);
    again.arrive();
    again.close();
    add("not the PC's first session".into(), "intact", again.zip());

    let said = outside::say("listed-accepted", &root, cases.iter().map(|(.., zip)| zip.as_slice()));
    assert_eq!(said.len(), cases.len());
    for ((name, expected, zip), said) in cases.iter().zip(said) {
        let verdict = world.judge_zip(zip);
        let ours = serde_json::to_value(verdict.verdict).unwrap();
        assert_eq!(ours.as_str(), Some(*expected), "{name}: {verdict:?}");
        assert_eq!(said, *expected, "{name}");
    }
}
