//! Every forgery docs/ledger.md says is found, made on a whole session; and what must be accepted all the same.

use venia_proto::id::SessionId;
use venia_proto::key::{KeyName, SigningKey};
use venia_proto::ledger::body::Body;
use venia_proto::ledger::bundle::{self, Bundle, Entry};
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::cosignature::cosign;
use venia_proto::ledger::event::After;
use venia_proto::ledger::kind::{Cause, Kind};
use venia_proto::ledger::note::{Note, Signature};
use venia_proto::ledger::proof::Proof;
use venia_proto::ledger::verify::{At, Finding};

use super::support::*;

/// A change of a good bundle that must be found at this place for this reason.
#[track_caller]
pub(crate) fn forged(at: &str, why: &str, forge: impl FnOnce(&World, &mut Bundle)) {
    let world = World::session();
    let mut bundle = world.bundle();
    forge(&world, &mut bundle);
    broken(&world.judge(&bundle), at, why);
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Drops entries and renumbers the rest.
pub(crate) fn drop_entries(bundle: &mut Bundle, mut drop: impl FnMut(usize) -> bool) {
    let mut n = 0;
    bundle.entries.retain(|_| {
        n += 1;
        !drop(n - 1)
    });
}

#[test]
fn every_changed_byte_is_found() {
    let world = World::session();
    let good = world.bundle();
    let flips = |bytes: &Vec<u8>| -> Vec<Vec<u8>> {
        // Every byte of small files, every seventh of large ones.
        let step = if bytes.len() > 1_000 { 7 } else { 1 };
        let flip = |at: usize| {
            let mut bad = bytes.clone();
            bad[at] ^= if at.is_multiple_of(2) { 0x01 } else { 0x20 };
            bad
        };
        (0..bytes.len()).step_by(step).map(flip).collect()
    };
    let check = |name: &str, bad: Bundle| {
        let verdict = world.judge(&bad);
        assert_eq!(verdict.verdict, Finding::Broken, "{name}: {verdict:?}");
        assert!(verdict.at.is_some() && !verdict.why.is_empty(), "{name}: {verdict:?}");
    };
    for bytes in flips(&good.statement) {
        check("statement", Bundle { statement: bytes, ..good.clone() });
    }
    for bytes in flips(&good.participants) {
        check("participants", Bundle { participants: bytes, ..good.clone() });
    }
    for bytes in flips(&good.policy) {
        check("policy", Bundle { policy: bytes, ..good.clone() });
    }
    for bytes in flips(&good.first_checkpoint) {
        check("first.checkpoint", Bundle { first_checkpoint: bytes, ..good.clone() });
    }
    for bytes in flips(&good.consistency) {
        check("consistency", Bundle { consistency: bytes, ..good.clone() });
    }
    for bytes in flips(&good.members[&ANA]) {
        let mut bad = good.clone();
        bad.members.insert(ANA, bytes);
        check("members", bad);
    }
    for bytes in flips(&good.batches[&ANA].note) {
        let mut bad = good.clone();
        bad.batches.get_mut(&ANA).unwrap().note = bytes;
        check("join.batch note", bad);
    }
    for bytes in flips(&good.batches[&ANA].proof) {
        let mut bad = good.clone();
        bad.batches.get_mut(&ANA).unwrap().proof = bytes;
        let verdict = world.judge_zip(&bad.to_zip().unwrap());
        assert_eq!(verdict.verdict, Finding::Broken, "join.batch proof: {verdict:?}");
    }
    for n in [0, 3, good.entries.len() - 1] {
        for bytes in flips(&good.entries[n].event) {
            let mut bad = good.clone();
            bad.entries[n].event = bytes;
            check("event", bad);
        }
        for bytes in flips(good.entries[n].proof.as_ref().unwrap()) {
            let mut bad = good.clone();
            bad.entries[n].proof = Some(bytes);
            check("proof", bad);
        }
    }
    for commit in good.openings.keys().take(2) {
        for bytes in flips(&good.openings[commit]) {
            let mut bad = good.clone();
            bad.openings.insert(*commit, bytes);
            check("part", bad);
        }
    }
}

#[test]
fn every_changed_byte_of_the_zip_file_is_found() {
    let world = World::session();
    let good = Bundle { readme: None, receipt: None, ..world.bundle() }.to_zip().unwrap();
    assert_eq!(world.judge_zip(&good).verdict, Finding::Intact);
    // A stride coprime to everything, so that runs meet every field of every header in time.
    for (at, flip) in (0..good.len()).step_by(37).zip([0x01, 0x80, 0xff, 0x10].into_iter().cycle()) {
        let mut bad = good.clone();
        bad[at] ^= flip;
        let verdict = world.judge_zip(&bad);
        assert_eq!(verdict.verdict, Finding::Broken, "byte {at} ^ {flip:#x}: {verdict:?}");
    }
    let directory = good.windows(4).position(|w| w == [0x50, 0x4b, 1, 2]).unwrap();
    for at in (directory..directory + 120).chain(good.len() - 22..good.len()) {
        let mut bad = good.clone();
        bad[at] ^= 0x01;
        assert_eq!(world.judge_zip(&bad).verdict, Finding::Broken, "byte {at}");
    }
}

#[test]
fn an_event_dropped() {
    let last = World::session().number("close");
    forged("0", "", |_, bundle| drop_entries(bundle, |n| n == 0));
    for n in 1..last {
        let world = World::session();
        let mut bundle = world.bundle();
        drop_entries(&mut bundle, |other| other == n);
        let verdict = world.judge(&bundle);
        assert_eq!(verdict.verdict, Finding::Broken, "without {n}: {verdict:?}");
        assert!(matches!(verdict.at, Some(At::Entry(at)) if at >= n as u64), "without {n}: {verdict:?}");
    }
    // With its number left free.
    let world = World::session();
    let files: Vec<(String, Vec<u8>)> =
        super::repacked::unpack(&world.zip()).into_iter().filter(|(name, _)| !name.starts_with("000004")).collect();
    broken(&world.judge_zip(&super::repacked::pack(&files)), "4", "missing");
}

#[test]
fn a_whole_strand_dropped() {
    let world = World::session();
    let mut bundle = world.bundle();
    drop_entries(&mut bundle, |n| world.events[n].0.header().author == ANA);
    let verdict = world.judge(&bundle);
    assert_eq!(verdict.verdict, Finding::Broken, "{verdict:?}");
    // Even where no other event had seen it: the close counts.
    let mut world = World::begun();
    world.close();
    let silent = world.bundle();
    intact(&world.judge(&silent));
    // A strand that never wrote may be counted as 0.
    let mut world = World::begun();
    let held = std::collections::BTreeMap::from([(AGENT, 4), (ANA, 0)]);
    world.say(AGENT, Kind::Close { by: Cause::Person, cause: Cause::Done, held }, Body::None);
    intact(&world.verdict());
    let mut world = World::begun();
    world.chat(ANA);
    // The agent says it holds one event of Ana's, which the bundle doesn't show.
    world.authors.insert(AGENT, venia_proto::ledger::strand::Author::new(SessionId([7; 16]), AGENT));
    for (event, _) in world.events.clone().iter().filter(|(event, _)| event.header().author == AGENT) {
        world.authors.get_mut(&AGENT).unwrap().follow(event);
    }
    world.close();
    let mut bundle = world.bundle();
    drop_entries(&mut bundle, |n| world.events[n].0.header().author == ANA);
    broken(&world.judge(&bundle), "3", "the close counts 1 events of technician-1, here are 0");
}

#[test]
fn the_close_dropped_is_unclosed_and_addenda_may_go() {
    let world = World::session();
    let close = world.number("close");
    for keep in close + 1..=world.events.len() {
        let mut bundle = world.bundle();
        bundle.entries.truncate(keep);
        bundle.openings.clear();
        intact(&world.judge(&bundle));
    }
    for keep in 3..=close {
        let mut bundle = world.bundle();
        bundle.entries.truncate(keep);
        bundle.openings.clear();
        let verdict = world.judge(&bundle);
        assert_eq!((verdict.verdict, verdict.verdict.exit_code()), (Finding::Unclosed, 2), "{keep}: {verdict:?}");
    }
    // Only the close, not what follows.
    let mut bundle = world.bundle();
    drop_entries(&mut bundle, |n| n == close);
    assert_eq!(world.judge(&bundle).verdict, Finding::Broken);
}

#[test]
fn the_close_signed_by_another() {
    let mut world = World::begun();
    world.work();
    // The technician's own program closes in the agent's name.
    let technician = world.keys.remove(&ANA).unwrap();
    let agent = world.keys.insert(AGENT, technician).unwrap();
    world.close();
    let technician = world.keys.insert(AGENT, agent).unwrap();
    world.keys.insert(ANA, technician);
    let at = world.events.len() - 1;
    broken(&world.verdict(), &at.to_string(), "isn't signed by the key of agent");
}

#[test]
fn proofs_swapped() {
    forged("3", "not in the tree where its receipt says", |_, bundle| {
        let other = bundle.entries[4].proof.clone();
        bundle.entries[4].proof = std::mem::replace(&mut bundle.entries[3].proof, other);
    });
    forged("3", "not in the tree", |_, bundle| bundle.entries[3].proof = bundle.entries[4].proof.clone());
}

#[test]
fn events_reordered_or_repeated() {
    let world = World::session();
    for n in 1..world.events.len() - 1 {
        let mut bundle = world.bundle();
        bundle.entries.swap(n, n + 1);
        let verdict = world.judge(&bundle);
        // Two chat lines that haven't seen each other may stand in either order; here everything saw everything.
        assert_eq!(verdict.verdict, Finding::Broken, "{n}: {verdict:?}");
    }
    forged("4", "the same event stands twice", |_, bundle| {
        let again = bundle.entries[3].clone();
        bundle.entries.insert(4, again);
    });
}

#[test]
fn receipts_missing() {
    forged("3", "has no receipt, but later events have", |_, bundle| bundle.entries[3].proof = None);
    forged("0", "has no receipt", |_, bundle| bundle.entries.iter_mut().for_each(|entry| entry.proof = None));
    // The last ones may never have reached the relay.
    let world = World::session();
    let mut bundle = world.bundle();
    let last = bundle.entries.len() - 1;
    bundle.entries[last].proof = None;
    let verdict = world.judge(&bundle);
    assert_eq!(verdict.verdict, Finding::Unclosed, "{verdict:?}");
}

#[test]
fn f3_receipts_against_several_checkpoints_are_unclosed() {
    let mut world = World::session();
    let older = world.bundle();
    world.log.commit(&[b"later"], world.now);
    let mut bundle = world.bundle();
    bundle.entries[2] = older.entries[2].clone();
    let verdict = world.judge(&bundle);
    assert_eq!(verdict.verdict, Finding::Unclosed, "{verdict:?}");
    assert!(verdict.why.contains("not all against one checkpoint"));
    intact(&world.judge(&world.bundle()));
}

/// Replaces the checkpoint of one receipt.
pub(crate) fn with_checkpoint(entry: &mut Entry, note: Note) {
    let proof = Proof::parse(entry.proof.as_ref().unwrap()).unwrap();
    entry.proof = Some(Proof { checkpoint: note, ..proof }.to_bytes());
}

#[test]
fn f4_two_roots_at_one_size() {
    // The relay signs another tree of the same size for one entry.
    forged("3", "two roots at one size", |world, bundle| {
        let Checkpoint { size, .. } = world.log.checkpoint();
        let fork = Checkpoint::of(world.log.key.verifier(), size, [9; 32]).sign(&world.log.key);
        with_checkpoint(&mut bundle.entries[3], Note::parse(&fork).unwrap());
    });
    // Or showed it to the agent, who quoted it.
    let mut world = World::begun();
    let real = world.log.checkpoint();
    let author = world.authors.get_mut(&AGENT).unwrap();
    *author = venia_proto::ledger::strand::Author::new(SessionId([7; 16]), AGENT);
    for (event, _) in &world.events {
        author.follow(event);
    }
    let lie = After { origin: real.origin.clone(), size: real.size, root: [9; 32] };
    author.receipted(lie);
    world.receipts = false;
    world.chat(AGENT);
    let author = world.authors.get_mut(&ANA).unwrap();
    author.receipted(After { origin: real.origin.clone(), size: real.size, root: real.root });
    world.chat(ANA);
    world.receipts = true;
    let quoted = world.events.len() - 1;
    world.end();
    broken(&world.verdict(), &quoted.to_string(), "two roots at one size");
}

#[test]
fn a_checkpoint_quoted_before_it_existed() {
    let mut world = World::begun();
    let real = world.log.checkpoint();
    let early = After { origin: real.origin, size: real.size + 9, root: [9; 32] };
    world.authors.get_mut(&ANA).unwrap().receipted(early);
    world.chat(ANA);
    let at = world.events.len() - 1;
    world.end();
    broken(&world.verdict(), &at.to_string(), "didn't exist before it");
}

#[test]
fn a_foreign_origin() {
    let foreign = |world: &World| {
        let key = world.log.key.named(KeyName::new("elsewhere.example").unwrap());
        let real = world.log.checkpoint();
        Note::parse(&Checkpoint { origin: key.verifier().name.clone(), ..real }.sign(&key)).unwrap()
    };
    forged("2", "a foreign origin", |world, bundle| with_checkpoint(&mut bundle.entries[2], foreign(world)));
    forged("first.checkpoint", "a foreign origin", |world, bundle| {
        bundle.first_checkpoint = foreign(world).to_bytes();
    });
    // The right origin, signed by another key of that name.
    forged("2", "another key under the same name", |world, bundle| {
        let imposter = SigningKey::new("log", [77; 32]).named(world.log.key.verifier().name.clone());
        let note = Note::parse(&world.log.checkpoint().sign(&imposter)).unwrap();
        with_checkpoint(&mut bundle.entries[2], note);
    });
}

#[test]
fn the_first_checkpoint_and_its_consistency() {
    forged("consistency", "wrong number of hashes", |_, bundle| bundle.consistency.clear());
    forged("first.checkpoint", "between the first event and the common", |world, bundle| {
        let Checkpoint { size, .. } = world.log.checkpoint();
        let later = Checkpoint::of(world.log.key.verifier(), size + 1, [9; 32]).sign(&world.log.key);
        bundle.first_checkpoint = later;
    });
    forged("consistency", "another root", |world, bundle| {
        // The relay's first receipt was of a tree it later denied.
        let first = Checkpoint::open(&bundle.first_checkpoint, world.log.key.verifier()).unwrap();
        bundle.first_checkpoint = Checkpoint { root: [9; 32], ..first }.sign(&world.log.key);
    });
    // Equal sizes need no hash.
    let mut world = World::new();
    world.say(AGENT, Kind::Open { versions: vec![1] }, Body::None);
    let bundle = world.bundle();
    assert!(bundle.consistency.is_empty());
}

/// Puts another note of the common checkpoint everywhere.
pub(crate) fn with_common(bundle: &mut Bundle, note: &Note) {
    for entry in &mut bundle.entries {
        with_checkpoint(entry, note.clone());
    }
    let batch = bundle.batches.get_mut(&ANA).unwrap();
    batch.proof = Proof { checkpoint: note.clone(), ..Proof::parse(&batch.proof).unwrap() }.to_bytes();
}

#[test]
fn a_cosignature_is_of_this_checkpoint_by_this_witness_at_its_time() {
    let mut world = World::session();
    world.quorum = 1;
    let good = world.verdict();
    intact(&good);
    let witnessed = serde_json::to_value(&good).unwrap()["witnessed"].clone();
    let at = "2026-11-24T10:00:02.000Z";
    assert_eq!(witnessed, serde_json::json!({ "cosigned": 1, "required": 1, "at": at }));
    let bare = Note::parse(&world.log.checkpoint().sign(&world.log.key)).unwrap();
    let judged = |line: Signature| {
        let (mut bundle, mut note) = (world.bundle(), bare.clone());
        note.add_line(line);
        with_common(&mut bundle, &note);
        world.judge(&bundle)
    };
    let time = 1_795_514_402;
    let good = cosign(&bare, &world.witness, time);
    intact(&judged(good.clone()));
    // By a foreign key under the witness's name: nobody's.
    let imposter = SigningKey::new("witness", [99; 32]).named(world.witness.verifier().name.clone());
    broken(&judged(cosign(&bare, &imposter, time)), "0", "a required witness is missing: 0 of 1");
    // ... which also claims the witness's key id.
    let claimed = Signature { id: good.id, ..cosign(&bare, &imposter, time) };
    broken(&judged(claimed), "0", "the signature doesn't verify");
    // At another time than was signed.
    let mut later = good.clone();
    later.bytes[7] ^= 1;
    broken(&judged(later), "0", "the signature doesn't verify");
    // Without the time.
    let stripped = Signature { bytes: good.bytes[8..].to_vec(), ..good.clone() };
    broken(&judged(stripped), "0", "the signature doesn't verify");
    // Of another checkpoint of the same log.
    let other = Checkpoint { root: [9; 32], ..world.log.checkpoint() }.sign(&world.log.key);
    let other = cosign(&Note::parse(&other).unwrap(), &world.witness, time);
    broken(&judged(other), "0", "the signature doesn't verify");
    // A plain signature of the witness's key.
    let plain = Signature { bytes: world.witness.sign(bare.text().as_bytes()).to_vec(), ..good };
    broken(&judged(plain), "0", "the signature doesn't verify");
}

#[test]
fn what_still_waits_for_its_witnesses_is_unclosed() {
    let mut world = World::session();
    world.quorum = 1;
    let mut bundle = world.bundle();
    let alone = Note::parse(&world.log.checkpoint().sign(&world.log.key)).unwrap();
    with_common(&mut bundle, &alone);
    broken(&world.judge(&bundle), "0", "a required witness is missing");
    // The same that doesn't claim to be whole.
    bundle.entries.last_mut().unwrap().proof = None;
    let verdict = world.judge(&bundle);
    assert_eq!(verdict.verdict, Finding::Unclosed, "{verdict:?}");
    assert!(verdict.why.contains("witnesses haven't cosigned"), "{verdict:?}");
    assert_eq!(verdict.witnessed.map(|witnessed| (witnessed.cosigned, witnessed.required)), Some((0, 1)));
}

#[test]
fn a_required_witness_missing() {
    let mut world = World::session();
    world.quorum = 1;
    intact(&world.verdict());
    let mut bundle = world.bundle();
    let alone = Note::parse(&world.log.checkpoint().sign(&world.log.key)).unwrap();
    with_common(&mut bundle, &alone);
    broken(&world.judge(&bundle), "0", "a required witness is missing: 0 of 1");
    // Not required, none is missed; an unknown one is tolerated.
    world.quorum = 0;
    let statement = world.statement();
    bundle.statement = statement.sign(&world.root);
    bundle.policy = bundle::policy(&statement).into();
    intact(&world.judge(&bundle));
    let mut stranger = alone;
    stranger.add_line(Signature { name: KeyName::new("w.example").unwrap(), id: [4; 4], bytes: vec![9; 72] });
    with_common(&mut bundle, &stranger);
    intact(&world.judge(&bundle));
}

#[test]
fn parts_belong_to_events() {
    let world = World::session();
    let commit = *world.bundle().openings.keys().next().unwrap();
    let file = format!("parts/{}", venia_proto::encoding::to_hex(&commit));
    forged(&file, "isn't the one the event committed to", |_, bundle| {
        let other = bundle.openings.values().last().unwrap().clone();
        bundle.openings.insert(commit, other);
    });
    let stray = format!("parts/{}", "01".repeat(32));
    forged(&stray, "no event committed to it", |_, bundle| drop(bundle.openings.insert([1; 32], vec![0; 1024])));
    let sealed = format!("sealed/{}.age", "01".repeat(32));
    forged(&sealed, "no event names it", |_, bundle| drop(bundle.sealed.insert([1; 32], vec![0; 10])));
    // Withheld: still intact, and counted.
    let mut bundle = world.bundle();
    bundle.openings.remove(&commit);
    let verdict = world.judge(&bundle);
    intact(&verdict);
    assert_eq!(verdict.withheld, 1);
}

#[test]
fn line_ends_and_base64_have_one_spelling() {
    for end in ["\r", "\u{b}", "\u{2028}", "\r\n"] {
        let replace = |bytes: &[u8]| text(bytes).replacen('\n', end, 1).into_bytes();
        forged("2", "", |_, bundle| bundle.entries[2].event = replace(&bundle.entries[2].event));
        forged("2", "", |_, bundle| {
            bundle.entries[2].proof = Some(replace(bundle.entries[2].proof.as_ref().unwrap()));
        });
        forged("statement", "", |_, bundle| bundle.statement = replace(&bundle.statement));
        forged("participants", "", |_, bundle| bundle.participants = replace(&bundle.participants));
        forged("consistency", "", |_, bundle| bundle.consistency = replace(&bundle.consistency));
    }
    forged("2", "", |_, bundle| {
        // A signature's unused bits: the same 68 bytes in another spelling.
        let note = text(&bundle.entries[2].event);
        assert!(note.ends_with("=\n"));
        let mut bytes = note.into_bytes();
        let at = bytes.len() - 3;
        bytes[at] += 1;
        bundle.entries[2].event = bytes;
    });
}

#[test]
fn extra_data_in_a_receipt_is_refused() {
    forged("2", "carries extra data", |_, bundle| {
        let proof = Proof::parse(bundle.entries[2].proof.as_ref().unwrap()).unwrap();
        bundle.entries[2].proof = Some(Proof { extra: Some(vec![1]), ..proof }.to_bytes());
    });
}

#[test]
fn another_sessions_event() {
    let mut other = World::begun();
    let stranger = venia_proto::ledger::strand::Author::new(SessionId([8; 16]), AGENT);
    other.authors.insert(AGENT, stranger);
    other.say(AGENT, Kind::Open { versions: vec![1] }, Body::None);
    let at = other.events.len() - 1;
    // An open has a body; this one says nothing, so it fails as an event already. With one it is another session's.
    broken(&other.verdict(), &at.to_string(), "");
    let mut other = World::begun();
    other.authors.insert(AGENT, venia_proto::ledger::strand::Author::new(SessionId([8; 16]), AGENT));
    other.say(AGENT, Kind::Open { versions: vec![1] }, Body::Open(venia_proto::ledger::body::Open::default()));
    broken(&other.verdict(), &at.to_string(), "another session");
}

#[test]
fn not_a_bundle_at_all() {
    let world = World::new();
    for bytes in [b"".as_slice(), b"hello", b"PK\x05\x06", &[0; 22]] {
        let verdict = world.judge_zip(bytes);
        assert_eq!((verdict.verdict, verdict.verdict.exit_code()), (Finding::Broken, 1));
        assert_eq!((verdict.session, verdict.entries, verdict.at), (None, 0, None));
    }
}

#[test]
fn the_json_is_what_scripts_rely_on() {
    let verdict = serde_json::to_value(World::session().verdict()).unwrap();
    let fields: Vec<&str> = verdict.as_object().unwrap().keys().map(String::as_str).collect();
    // Those of the command line's contract; the last five are told beside them.
    let mut expected: Vec<&str> =
        "verdict session entries withheld signed_by from to at why receipt code witnessed recorded levels_unchecked"
            .split(' ')
            .collect();
    expected.sort_unstable();
    let mut sorted = fields;
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    assert_eq!((verdict["verdict"].as_str(), verdict["at"].is_null()), (Some("intact"), true));
    assert_eq!(verdict["from"].as_str(), Some("2026-11-24T10:00:03.000Z"));
}

/// STOP closes without anybody's signoff.
#[test]
fn stop_and_close_at_once_is_intact() {
    let mut world = World::begun();
    world.say(AGENT, Kind::Stop { by: Cause::Person, cause: Cause::Person }, Body::None);
    world.close();
    intact(&world.verdict());
}
