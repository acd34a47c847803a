use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::key::SigningKey;
use crate::ledger::merkle::{self, Tree};
use crate::ledger::note;

/// Longest history of a test.
const LONGEST: u64 = 20;

fn key() -> SigningKey {
    SigningKey::new("log", [1; 32]).named(KeyName::new("relay.example/log").unwrap())
}

fn log() -> VerifierKey {
    key().verifier().clone()
}

/// One history of the log: it parts from every other story after `fork` leaves.
#[derive(Clone)]
struct History {
    nodes: BTreeMap<(u8, u64), Hash>,
    roots: Vec<Hash>,
}

impl History {
    fn new(story: u8, fork: u64) -> Self {
        let (mut tree, mut nodes) = (Tree::new(), BTreeMap::new());
        let mut roots = vec![tree.root()];
        for n in 0..LONGEST {
            let story = if n < fork { 0 } else { story };
            tree.append(note::leaf(&[story, n as u8]), |level, index, hash| {
                nodes.insert((level, index), hash);
            });
            roots.push(tree.root());
        }
        Self { nodes, roots }
    }

    fn at(&self, size: u64) -> Vec<u8> {
        Checkpoint::of(&log(), size, self.roots[size as usize]).sign(&key())
    }

    fn pin(&self, size: u64) -> Pin {
        Pin::new(&self.at(size), &log()).unwrap()
    }

    /// What an honest relay answers.
    fn proof(&self, first: u64, second: u64) -> Input {
        let node = |level, index| self.nodes.get(&(level, index)).copied();
        Input::Proof { checkpoint: self.at(second), path: merkle::consistency(first, second, node).unwrap() }
    }
}

fn gossip(held: Option<Pin>) -> Gossip {
    Gossip::new([(log(), held)], &log())
}

fn outputs(gossip: &mut Gossip) -> Vec<Output> {
    std::iter::from_fn(|| gossip.poll_output()).collect()
}

fn held(gossip: &Gossip) -> Option<u64> {
    gossip.held().next().map(|(_, pin)| pin.checkpoint().size)
}

/// How a relay answers.
#[derive(Clone, Copy, Debug)]
enum Relay {
    /// From the history it shows that side.
    Tells,
    /// Not at all.
    Silent,
    /// With a proof between other trees.
    Wrong,
}

#[derive(Debug, Default, PartialEq)]
struct Found {
    evidence: usize,
    ends: usize,
}

/// Two sides talk until neither has anything to say; the relay shows each its own history.
fn exchange(sides: [(&History, u64); 2], relay: Relay) -> ([Gossip; 2], Found) {
    let mut both = sides.map(|(history, size)| gossip(Some(history.pin(size))));
    let (mut found, mut now) = (Found::default(), 0);
    let mut inbox = vec![(0, Input::Ending), (1, Input::Ending)];
    for _ in 0..200 {
        for (side, input) in std::mem::take(&mut inbox) {
            both[side].handle(now, input);
        }
        for side in [0, 1] {
            for output in outputs(&mut both[side]) {
                match output {
                    Output::Show(note) => inbox.push((1 - side, Input::Theirs(note))),
                    Output::Ask { first, second, .. } => {
                        let answer = match relay {
                            Relay::Tells => sides[side].0.proof(first, second),
                            Relay::Silent => Input::NoProof,
                            Relay::Wrong => sides[side].0.proof(first.saturating_sub(1), second),
                        };
                        inbox.push((side, answer));
                    }
                    Output::Evidence { found: evidence, .. } => {
                        assert!(evidence.holds(&log()), "it must convince others");
                        found.evidence += 1;
                    }
                    Output::End => found.ends += 1,
                }
            }
        }
        if inbox.is_empty() && both.iter().all(Gossip::is_settled) {
            return (both, found);
        }
        now += 1_000;
        inbox.extend([(0, Input::Tick), (1, Input::Tick)]);
    }
    panic!("they never settle")
}

#[test]
fn f4_smaller_and_larger_are_normal_and_both_keep_the_larger() {
    let history = History::new(1, 0);
    let (both, found) = exchange([(&history, 4), (&history, 11)], Relay::Tells);
    assert_eq!(found, Found::default());
    assert_eq!(both.each_ref().map(held), [Some(11), Some(11)]);
}

#[test]
fn f4_one_size_and_two_roots_is_evidence_without_asking_anybody() {
    let (one, other) = (History::new(1, 3), History::new(2, 3));
    let mut side = gossip(Some(one.pin(7)));
    side.handle(0, Input::Theirs(other.at(7)));
    let said = outputs(&mut side);
    assert_eq!(said[0], Output::Show(one.at(7)), "the other side gets what it needs to find the same");
    let Output::Evidence { found, .. } = &said[1] else { panic!("{said:?}") };
    assert_eq!((found.known.clone(), found.shown.clone()), (one.at(7), other.at(7)));
    assert_eq!(said.len(), 2);
    // Nothing that log says counts any more, and nothing more is said of it.
    side.handle(1, Input::Theirs(one.at(9)));
    side.handle(2, Input::Own(one.at(9)));
    assert_eq!((outputs(&mut side), held(&side)), (Vec::new(), Some(7)));
}

fn asks(said: Vec<Output>) -> usize {
    said.iter().filter(|output| matches!(output, Output::Ask { .. })).count()
}

#[test]
fn f4_three_tries_without_a_proof_end_the_session_and_accuse_nobody() {
    let history = History::new(1, 0);
    let mut side = gossip(Some(history.pin(3)));
    side.handle(0, Input::Theirs(history.at(9)));
    assert_eq!(asks(outputs(&mut side)), 1);
    for n in 1..TRIES {
        side.handle(u64::from(n) * 10_000, Input::NoProof);
        assert_eq!(side.deadline(), Some(u64::from(n) * 10_000 + AGAIN_MS));
        side.handle(u64::from(n) * 10_000 + AGAIN_MS - 1, Input::Tick);
        assert_eq!(asks(outputs(&mut side)), 0);
        side.handle(u64::from(n) * 10_000 + AGAIN_MS, Input::Tick);
        assert_eq!(asks(outputs(&mut side)), 1, "{n}");
    }
    side.handle(90_000, Input::NoProof);
    assert_eq!(outputs(&mut side), [Output::End]);
    assert_eq!(held(&side), Some(3), "what was known stays known");
}

#[test]
fn f4_a_proof_in_the_third_try_ends_nothing() {
    let history = History::new(1, 0);
    let mut side = gossip(Some(history.pin(3)));
    side.handle(0, Input::Theirs(history.at(9)));
    for n in 1..u64::from(TRIES) {
        side.handle(n * 10_000, Input::NoProof);
        side.handle(n * 10_000 + AGAIN_MS, Input::Tick);
    }
    side.handle(90_000, history.proof(3, 9));
    assert!(!outputs(&mut side).contains(&Output::End));
    assert_eq!(held(&side), Some(9));
}

#[test]
fn f4_a_lost_relay_is_not_a_log_that_wont_prove() {
    let history = History::new(1, 0);
    let mut side = gossip(Some(history.pin(3)));
    side.handle(0, Input::Theirs(history.at(9)));
    outputs(&mut side);
    side.handle(1, Input::RelayLost);
    side.handle(90_000, Input::NoProof);
    side.handle(100_000, Input::Theirs(history.at(10)));
    assert_eq!(outputs(&mut side), []);
    assert!(side.is_settled());
    assert_eq!(side.deadline(), None, "there is nothing to be done about it");
    // Back again, it is asked what it was being asked, and has all its tries.
    side.handle(200_000, Input::RelayFound);
    assert_eq!(asks(outputs(&mut side)), 1);
    assert!(!side.is_settled());
    for n in 1..u64::from(TRIES) {
        side.handle(200_000 + n * 10_000, Input::NoProof);
        side.handle(200_000 + n * 10_000 + AGAIN_MS, Input::Tick);
    }
    side.handle(290_000, history.proof(3, 9));
    assert_eq!(held(&side), Some(9));
}

#[test]
fn f4_silence_is_no_try_and_the_question_stands() {
    let history = History::new(1, 0);
    let mut side = gossip(Some(history.pin(3)));
    side.handle(0, Input::Theirs(history.at(9)));
    assert_eq!(asks(outputs(&mut side)), 1);
    for n in 1..=10 * u64::from(TRIES) {
        side.handle(n * 10_000, Input::Silence);
        side.handle(n * 10_000 + AGAIN_MS, Input::Tick);
        assert_eq!(asks(outputs(&mut side)), 1, "{n}");
    }
    // It speaks again, and still has every try: the last one proves it.
    for n in 1..u64::from(TRIES) {
        side.handle(900_000 + n * 10_000, Input::NoProof);
        side.handle(900_000 + n * 10_000 + AGAIN_MS, Input::Tick);
        assert_eq!(asks(outputs(&mut side)), 1, "{n}");
    }
    side.handle(990_000, history.proof(3, 9));
    assert!(!outputs(&mut side).contains(&Output::End));
    assert_eq!(held(&side), Some(9));
}

#[test]
fn f4_a_fork_behind_an_agreement_is_found_by_the_next_receipt() {
    // They agree on 8 of the other story, and then ours goes on from 5.
    let (ours, theirs) = (History::new(1, 5), History::new(2, 5));
    let mut side = gossip(Some(ours.pin(5)));
    side.handle(0, Input::Theirs(theirs.at(8)));
    side.handle(1, theirs.proof(5, 8));
    assert_eq!(held(&side), Some(8));
    side.handle(ASK_EVERY_MS, Input::Own(ours.at(9)));
    outputs(&mut side);
    side.handle(ASK_EVERY_MS, ours.proof(8, 9));
    assert!(matches!(outputs(&mut side)[..], [Output::Evidence { .. }]));
}

#[test]
fn f4_our_own_receipts_may_go_on_while_the_relay_is_asked() {
    let (ours, theirs) = (History::new(1, 5), History::new(2, 5));
    for (other, evidence) in [(&ours, 0), (&theirs, 1)] {
        let mut side = gossip(Some(ours.pin(5)));
        side.handle(0, Input::Theirs(other.at(9)));
        side.handle(1, Input::Own(ours.at(7)));
        // 5 is a prefix of both: that says nothing about 7.
        side.handle(2, other.proof(5, 9));
        assert_eq!(held(&side), Some(7));
        side.handle(ASK_EVERY_MS, Input::Tick);
        outputs(&mut side);
        side.handle(ASK_EVERY_MS, ours.proof(7, 9));
        let found = outputs(&mut side).iter().filter(|output| matches!(output, Output::Evidence { .. })).count();
        assert_eq!(found, evidence);
    }
}

#[test]
fn f4_hostile_checkpoints_are_dropped_and_say_nothing() {
    let history = History::new(1, 0);
    let mut side = gossip(Some(history.pin(5)));
    let other = SigningKey::new("log", [2; 32]);
    let named = other.named(log().name);
    let mut flipped = history.at(5);
    *flipped.last_mut().unwrap() ^= 1;
    let hostile = [
        Vec::new(),
        vec![b'\n'; SHOWN_MAX + 1],
        b"relay.example/log\n5\n".to_vec(),
        Checkpoint::of(named.verifier(), 5, [9; 32]).sign(&named),
        Checkpoint::of(other.verifier(), 5, [9; 32]).sign(&other),
        flipped,
    ];
    side.handle(0, Input::Tick);
    outputs(&mut side);
    let before = side.clone();
    for note in hostile {
        assert_eq!(side.handle(0, Input::Theirs(note.clone())), Taken::Dropped);
        side.minute = Minute::default();
        outputs(&mut side);
        assert!(side.logs == before.logs && side.asking.is_none(), "{}", String::from_utf8_lossy(&note));
    }
}

#[test]
fn f4_a_checkpoint_as_long_as_a_note_may_be_is_looked_at() {
    let history = History::new(1, 0);
    let mut parsed = Note::parse(&history.at(9)).unwrap();
    let stranger = |bytes| note::Signature { name: KeyName::new("w").unwrap(), id: [4; 4], bytes };
    parsed.add_line(stranger(vec![9; 40_000]));
    let left = SHOWN_MAX - parsed.to_bytes().len() - "\u{2014} w \n".len();
    // Base64 of what fits: four characters for three bytes, four of which are the key's id.
    parsed.add_line(stranger(vec![9; left / 4 * 3 - 4]));
    let long = parsed.to_bytes();
    assert!(long.len() <= SHOWN_MAX && long.len() > SHOWN_MAX - 8, "{}", long.len());
    let mut side = gossip(Some(history.pin(5)));
    assert_eq!(side.handle(0, Input::Theirs(long)), Taken::Looked);
    assert!(outputs(&mut side).iter().any(|output| matches!(output, Output::Ask { first: 5, second: 9, .. })));
}

#[test]
fn f4_a_flood_is_dropped_unread_until_the_minute_is_over() {
    let history = History::new(1, 0);
    let mut side = gossip(Some(history.pin(5)));
    for n in 0..=TAKEN_PER_MINUTE {
        let taken = side.handle(0, Input::Theirs(history.at(5)));
        assert_eq!(taken == Taken::Looked, n < TAKEN_PER_MINUTE, "{n}");
    }
    assert_eq!(side.handle(59_999, Input::Theirs(history.at(5))), Taken::Dropped);
    assert_eq!(side.handle(60_000, Input::Theirs(history.at(5))), Taken::Looked);
}

#[test]
fn f4_showing_keeps_its_pace_but_not_at_the_end() {
    let history = History::new(1, 0);
    let mut side = gossip(Some(history.pin(1)));
    side.handle(0, Input::Tick);
    assert_eq!(outputs(&mut side), [Output::Show(history.at(1))]);
    for (now, size) in [(1, 2), (SHOW_EVERY_MS - 1, 3)] {
        side.handle(now, Input::Own(history.at(size)));
        assert_eq!((outputs(&mut side), side.deadline()), (Vec::new(), Some(SHOW_EVERY_MS)));
    }
    side.handle(SHOW_EVERY_MS, Input::Tick);
    assert_eq!(outputs(&mut side), [Output::Show(history.at(3))], "the newest only");
    side.handle(SHOW_EVERY_MS + 1, Input::Own(history.at(4)));
    assert_eq!(outputs(&mut side), []);
    side.handle(SHOW_EVERY_MS + 1, Input::Ending);
    assert_eq!(outputs(&mut side), [Output::Show(history.at(4))]);
    side.handle(SHOW_EVERY_MS + 2, Input::Theirs(history.at(4)));
    assert_eq!(outputs(&mut side), [], "they have it");
}

#[test]
fn f4_asking_keeps_its_pace_but_not_at_the_end() {
    let history = History::new(1, 0);
    for (ending, then) in [(false, 0), (true, 1)] {
        let mut side = gossip(Some(history.pin(1)));
        side.handle(0, Input::Receipt(history.at(3)));
        side.handle(0, history.proof(1, 3));
        outputs(&mut side);
        side.handle(ASK_EVERY_MS - 1, Input::Receipt(history.at(5)));
        assert_eq!((outputs(&mut side), side.deadline()), (Vec::new(), Some(ASK_EVERY_MS)));
        side.handle(ASK_EVERY_MS - 1, if ending { Input::Ending } else { Input::Tick });
        let asks = outputs(&mut side).into_iter().filter(|output| matches!(output, Output::Ask { .. })).count();
        assert_eq!(asks, then);
    }
}

#[test]
fn f4_another_relays_log_is_compared_but_must_not_be_proven_here() {
    let elsewhere = SigningKey::new("log", [5; 32]).named(KeyName::new("other.example/log").unwrap());
    let of = |size, root| Checkpoint::of(elsewhere.verifier(), size, [root; 32]).sign(&elsewhere);
    let kept = Pin::new(&of(5, 1), elsewhere.verifier()).unwrap();
    let history = History::new(1, 0);
    let logs = [(elsewhere.verifier().clone(), Some(kept)), (log(), Some(history.pin(2)))];
    let mut side = Gossip::new(logs, &log());
    side.handle(0, Input::Theirs(of(9, 2)));
    side.handle(1, Input::NoProof);
    assert!(!outputs(&mut side).contains(&Output::End));
    side.handle(2, Input::Theirs(of(5, 3)));
    assert!(matches!(&outputs(&mut side)[..], [Output::Evidence { log, .. }] if log == elsewhere.verifier()));
    side.handle(3, Input::Own(history.at(4)));
    assert_eq!(side.held().map(|(_, pin)| pin.checkpoint().size).collect::<Vec<_>>(), [5, 4], "ours goes on");
}

proptest! {
    /// Whatever two histories a relay shows, and however it answers: the two find it, or end; and who is shown one
    /// history accuses nobody.
    #[test]
    fn f4_every_fork_between_two_is_found_in_one_exchange(
        fork in 0..LONGEST,
        one in 1..=LONGEST,
        other in 1..=LONGEST,
        two in any::<bool>(),
        relay in prop::sample::select(vec![Relay::Tells, Relay::Silent, Relay::Wrong]),
    ) {
        let (ours, theirs) = (History::new(1, fork), History::new(2, fork));
        let theirs = if two { &theirs } else { &ours };
        // Trees of which one is no prefix of the other.
        let apart = two && one.min(other) > fork;
        let (both, found) = exchange([(&ours, one), (theirs, other)], relay);
        if apart {
            prop_assert!(found.evidence + found.ends > 0, "{found:?}");
            if let Relay::Tells = relay {
                prop_assert!(found.evidence > 0, "a relay that answers convicts itself");
            }
        }
        if !two && matches!(relay, Relay::Tells) {
            prop_assert_eq!(found, Found::default());
            prop_assert_eq!(both.each_ref().map(held), [Some(one.max(other)); 2]);
        }
    }

    /// One honest log, one side, and a peer that shows any of its checkpoints in any order, late, twice, in floods:
    /// nobody is accused, nothing ends, and what is held only grows.
    #[test]
    fn f4_an_honest_race_freezes_nobody(
        steps in prop::collection::vec((0_u8..6, 0..=LONGEST, 0_u64..900), 1..80),
        kept in prop::option::of(1..=LONGEST / 2),
    ) {
        let history = History::new(1, 0);
        let mut side = gossip(kept.map(|size| history.pin(size)));
        let (mut now, mut own, mut grown) = (0, kept.unwrap_or(0), 0);
        let mut asked: VecDeque<(u64, u64)> = VecDeque::new();
        for (what, size, wait) in steps {
            now += wait;
            let input = match what {
                0 => {
                    own = own.max(size);
                    if own == 0 { continue }
                    Input::Own(history.at(own))
                }
                1 => Input::Theirs(history.at(size)),
                2 => Input::Receipt(history.at(size)),
                3 | 4 => match asked.pop_front() {
                    Some((first, second)) => history.proof(first, second),
                    None => Input::Tick,
                },
                _ => Input::Tick,
            };
            side.handle(now, input);
            for output in outputs(&mut side) {
                match output {
                    Output::Ask { first, second, .. } => asked.push_back((first, second)),
                    Output::Show(_) => {}
                    Output::Evidence { .. } | Output::End => prop_assert!(false, "an honest log is accused"),
                }
            }
            prop_assert!(asked.len() <= 1, "one question at a time");
            let now_held = held(&side).unwrap_or(0);
            prop_assert!(now_held >= grown);
            grown = now_held;
        }
        // Once it can ask, it holds the largest of what it saw of its own.
        side.handle(now, Input::Ending);
        for _ in 0..8 {
            for output in outputs(&mut side) {
                if let Output::Ask { first, second, .. } = output { asked.push_back((first, second)) }
            }
            if let Some((first, second)) = asked.pop_front() {
                side.handle(now, history.proof(first, second));
            }
        }
        prop_assert!(side.is_settled() && held(&side).unwrap_or(0) >= own);
    }

    #[test]
    fn any_bytes_never_panic(notes in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..20)) {
        let mut side = gossip(None);
        let mut said = BTreeSet::new();
        for note in notes {
            side.handle(0, Input::Own(note.clone()));
            side.handle(0, Input::Receipt(note.clone()));
            side.handle(0, Input::Proof { checkpoint: note.clone(), path: Vec::new() });
            said.insert(side.handle(0, Input::Theirs(note)) == Taken::Dropped);
        }
        prop_assert!(!said.contains(&false) && outputs(&mut side).is_empty());
    }
}
