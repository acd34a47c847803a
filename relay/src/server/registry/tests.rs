//! Each limit at, below and above; each rule by its name.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one effect among any")]

use super::*;
use venia_proto::id::SessionId;
use venia_proto::key::SigningKey;

const AGENT: ConnectionId = ConnectionId(1);
const ANA: ConnectionId = ConnectionId(2);
const SESSION: SessionId = SessionId([5; 16]);

fn key(seed: u8) -> PublicKey {
    *SigningKey::new("device", [seed; 32]).public()
}

fn ticket(connection: ConnectionId, call: u32) -> Ticket {
    Ticket { connection, call }
}

fn note() -> Option<Vec<u8>> {
    Some(b"note".to_vec())
}

/// An agent with a number, and a member.
fn met() -> (Registry, u32) {
    let mut registry = Registry::new();
    registry.arrived(AGENT, key(1), "here");
    registry.arrived(ANA, key(2), "here");
    let number = registered(&registry.register(ticket(AGENT, 0), SESSION, 7, 0));
    (registry, number)
}

fn registered(effects: &[Effect]) -> u32 {
    effects
        .iter()
        .find_map(|effect| match effect {
            Effect::Answer { answer: Ok(Answer::Registered { number }), .. } => Some(*number),
            _ => None,
        })
        .expect("registered")
}

fn joined(effects: &[Effect]) -> FlowId {
    effects
        .iter()
        .find_map(|effect| match effect {
            Effect::Answer { answer: Ok(Answer::Joined { flow, session }), .. } if *session == SESSION => Some(*flow),
            _ => None,
        })
        .expect("joined")
}

fn refusal(effects: &[Effect]) -> Option<Refusal> {
    effects.iter().find_map(|effect| match effect {
        Effect::Answer { answer: Err(refusal), .. } => Some(*refusal),
        _ => None,
    })
}

fn told(effects: &[Effect], to: ConnectionId) -> Option<FlowEnd> {
    effects.iter().find_map(|effect| match effect {
        Effect::Push { connection, push: Push::FlowEnded { why, .. } } if *connection == to => Some(*why),
        _ => None,
    })
}

fn drain(registry: &mut Registry, mut now: u64) {
    for connection in registry.connections.keys().copied().collect::<Vec<_>>() {
        registry.gone(connection, now);
    }
    while let Some(deadline) = registry.deadline() {
        now = now.max(deadline);
        registry.expire(now);
    }
    assert!(registry.is_empty(), "{registry:?}");
}

#[test]
fn b3_only_members_join_and_both_are_introduced() {
    let (mut registry, number) = met();
    assert_eq!(refusal(&registry.join(ticket(ANA, 1), None, number, 9, 0)), Some(Refusal::NotMember));
    let effects = registry.join(ticket(ANA, 2), note(), number, 9, 0);
    let flow = joined(&effects);
    assert_eq!(effects[0], Effect::OpenFlow { flow, agent: AGENT, member: ANA });
    let knock = Push::Knock { flow, session: SESSION, member: note().unwrap() };
    assert_eq!(effects[1], Effect::Push { connection: AGENT, push: knock });
    assert_eq!(registry.meeting(&key(1)), Some((SESSION, [key(2)].as_slice())));
    assert_eq!(registry.meeting(&key(2)), None);
    drain(&mut registry, 1);
}

#[test]
fn b3_five_failed_codes_an_hour() {
    let (mut registry, number) = met();
    let wrong = 999_999;
    for n in 0..FAILURES_MAX as u32 {
        let effects = registry.join(ticket(ANA, n), note(), wrong, 9, u64::from(n));
        let alarmed = effects.contains(&Effect::Alarm { member: key(2) });
        assert_eq!(alarmed, n as usize == FAILURES_MAX - 1, "{effects:?}");
        assert_eq!(refusal(&effects), None, "not at once");
    }
    // Even the right number, now; and another member isn't concerned.
    let last = FAILURES_MS - 1;
    assert_eq!(refusal(&registry.join(ticket(ANA, 9), note(), number, 9, last)), Some(Refusal::TooManyFailures));
    registry.arrived(ConnectionId(3), key(3), "here");
    joined(&registry.join(ticket(ConnectionId(3), 9), note(), number, 10, last));
    // The first failure is an hour old.
    registry.expire(FAILURES_MS);
    let effects = registry.join(ticket(ANA, 10), note(), wrong, 9, FAILURES_MS);
    assert!(effects.contains(&Effect::Alarm { member: key(2) }));
    drain(&mut registry, FAILURES_MS);
}

#[test]
fn b3_tries_under_way_count_as_if_they_failed() {
    for failed in 0..FAILURES_MAX {
        let mut registry = Registry::new();
        registry.arrived(ANA, key(2), "here");
        for n in 0..failed {
            registry.join(ticket(ANA, n as u32), note(), 999_999, 9, 0);
        }
        let person = |n: usize| ConnectionId(100 + n as u64);
        let flows: Vec<_> = (0..=FAILURES_MAX - failed)
            .map(|n| {
                registry.arrived(person(n), key(100 + n as u8), "here");
                let number = registered(&registry.register(ticket(person(n), 0), SESSION, n as u64, 0));
                let effects = registry.join(ticket(ANA, 50), note(), number, n as u64, 0);
                if n < FAILURES_MAX - failed {
                    return Some(joined(&effects));
                }
                assert_eq!(refusal(&effects), Some(Refusal::Busy), "after {failed}");
                None
            })
            .collect();
        // One that came to something makes room for another, one that failed doesn't.
        for (n, outcome) in [PairingOutcome::WrongCode, PairingOutcome::Agreed].into_iter().enumerate() {
            let Some(flow) = flows[n] else { continue };
            registry.paired(ticket(person(n), 1), flow, outcome, 0);
            let number = registered(&registry.register(ticket(person(FAILURES_MAX - failed), 2), SESSION, 77, 0));
            let again = registry.join(ticket(ANA, 60), note(), number, 60 + n as u64, 0);
            assert_eq!(refusal(&again).is_none(), outcome == PairingOutcome::Agreed, "after {failed}, {outcome:?}");
        }
        drain(&mut registry, 1);
    }
}

#[test]
fn b3_leaving_before_the_agent_reports_is_a_failed_try() {
    // The agent ends what never got to a first message.
    for (by, other) in [(ANA, AGENT), (AGENT, ANA)] {
        let (mut registry, number) = met();
        for n in 0..FAILURES_MAX {
            let flow = joined(&registry.join(ticket(ANA, 1), note(), number, n as u64, 0));
            let effects = registry.end(ticket(by, 2), flow, 0);
            assert_eq!(effects.contains(&Effect::Alarm { member: key(2) }), n == FAILURES_MAX - 1, "{effects:?}");
            assert_eq!(told(&effects, other), Some(FlowEnd::Left));
            // What the agent has to say of that attempt comes too late, and is known.
            let late = registry.paired(ticket(AGENT, 3), flow, PairingOutcome::WrongCode, 0);
            assert_eq!(refusal(&late), Some(Refusal::NotAllowed));
        }
        assert_eq!(refusal(&registry.join(ticket(ANA, 1), note(), number, 99, 0)), Some(Refusal::TooManyFailures));
        drain(&mut registry, 1);
    }
}

#[test]
fn b3_a_session_that_ends_is_no_failed_try() {
    let (mut registry, mut number) = met();
    for n in 0..=FAILURES_MAX as u64 {
        let flow = joined(&registry.join(ticket(ANA, 1), note(), number, n, 0));
        registry.paired(ticket(AGENT, 2), flow, PairingOutcome::Agreed, 0);
        registry.end(ticket(if n % 2 == 0 { ANA } else { AGENT }, 3), flow, 0);
        number = registered(&registry.register(ticket(AGENT, 4), SESSION, 7, 0));
    }
    drain(&mut registry, 1);
}

#[test]
fn b3_an_unknown_number_is_told_slowly() {
    let (mut registry, _) = met();
    assert!(registry.join(ticket(ANA, 1), note(), 999_999, 9, 1_000).is_empty());
    assert!(registry.expire(1_000 + UNKNOWN_MS - 1).is_empty());
    let effects = registry.expire(1_000 + UNKNOWN_MS);
    assert_eq!(effects, [refuse(ticket(ANA, 1), Refusal::NoSuchCode)]);
    drain(&mut registry, 9_000);
}

#[test]
fn b3_wrong_words_count_like_a_wrong_number_and_burn_it() {
    let (mut registry, mut number) = met();
    for n in 0..FAILURES_MAX as u64 {
        let flow = joined(&registry.join(ticket(ANA, 1), note(), number, n, 0));
        let effects = registry.paired(ticket(AGENT, 2), flow, PairingOutcome::WrongCode, 0);
        assert!(effects.contains(&Effect::CloseFlow { flow }));
        assert_eq!(told(&effects, ANA), Some(FlowEnd::Left));
        let next = registered(&registry.register(ticket(AGENT, 3), SESSION, 7, 0));
        assert_ne!(next, number, "a spent number isn't shown again");
        number = next;
    }
    assert_eq!(refusal(&registry.join(ticket(ANA, 1), note(), number, 9, 0)), Some(Refusal::TooManyFailures));
    drain(&mut registry, 1);
}

#[test]
fn b1_one_attempt_in_flight() {
    let (mut registry, number) = met();
    registry.arrived(ConnectionId(3), key(3), "here");
    let flow = joined(&registry.join(ticket(ANA, 1), note(), number, 8, 0));
    assert_eq!(refusal(&registry.join(ticket(ConnectionId(3), 1), note(), number, 9, 0)), Some(Refusal::Busy));
    // The pairing may be reported once, by the agent.
    let report = |registry: &mut Registry, by| registry.paired(ticket(by, 4), flow, PairingOutcome::Agreed, 0);
    assert_eq!(refusal(&report(&mut registry, ANA)), Some(Refusal::NotAllowed));
    assert_eq!(refusal(&report(&mut registry, AGENT)), None);
    assert_eq!(refusal(&report(&mut registry, AGENT)), Some(Refusal::NotAllowed));
    drain(&mut registry, 1);
}

#[test]
fn b3_joining_without_dialling_spends_a_try_and_no_code() {
    let (mut registry, number) = met();
    let flow = joined(&registry.join(ticket(ANA, 1), note(), number, 8, 5));
    assert!(registry.expire(5 + PAIRING_MS - 1).is_empty());
    let effects = registry.expire(5 + PAIRING_MS);
    assert!(effects.contains(&Effect::CloseFlow { flow }));
    assert_eq!((told(&effects, ANA), told(&effects, AGENT)), (Some(FlowEnd::Left), Some(FlowEnd::Left)));
    // The agent saw no attempt: its code is unspent, and the number still leads to it. Five times, and no more.
    let mut now = 5 + PAIRING_MS;
    for n in 1..FAILURES_MAX as u64 {
        joined(&registry.join(ticket(ANA, 1), note(), number, 8 + n, now));
        now += PAIRING_MS;
        registry.expire(now);
    }
    assert_eq!(refusal(&registry.join(ticket(ANA, 1), note(), number, 99, now)), Some(Refusal::TooManyFailures));
    drain(&mut registry, 1);
}

#[test]
fn c3_two_flows_a_session() {
    let (mut registry, mut number) = met();
    for n in 0..=FLOWS_MAX as u64 {
        let helper = ConnectionId(10 + n);
        registry.arrived(helper, key(10 + n as u8), "here");
        let effects = registry.join(ticket(helper, 1), note(), number, n, 0);
        if (n as usize) < FLOWS_MAX {
            let flow = joined(&effects);
            registry.paired(ticket(AGENT, 2), flow, PairingOutcome::Agreed, 0);
            number = registered(&registry.register(ticket(AGENT, 3), SESSION, 7, 0));
        } else {
            assert_eq!(refusal(&effects), Some(Refusal::Busy));
        }
    }
    drain(&mut registry, 1);
}

#[test]
fn c3_a_flow_ends_when_a_side_is_gone_a_minute() {
    for lost in [AGENT, ANA] {
        let (mut registry, number) = met();
        let flow = joined(&registry.join(ticket(ANA, 1), note(), number, 8, 0));
        registry.paired(ticket(AGENT, 2), flow, PairingOutcome::Agreed, 0);
        assert!(registry.gone(lost, 100).is_empty());
        assert!(registry.expire(100 + GONE_MS - 1).is_empty());
        let effects = registry.expire(100 + GONE_MS);
        let other = if lost == AGENT { ANA } else { AGENT };
        assert!(effects.contains(&Effect::CloseFlow { flow }));
        assert_eq!((told(&effects, other), told(&effects, lost)), (Some(FlowEnd::Left), None));
        drain(&mut registry, 100 + GONE_MS);
    }
}

#[test]
fn a_flow_is_taken_up_on_a_new_connection_by_its_own_key_only() {
    let (mut registry, number) = met();
    let flow = joined(&registry.join(ticket(ANA, 1), note(), number, 8, 0));
    registry.paired(ticket(AGENT, 2), flow, PairingOutcome::Agreed, 0);
    registry.gone(AGENT, 10);
    registry.gone(ANA, 10);
    let (again, back, stranger) = (ConnectionId(21), ConnectionId(22), ConnectionId(23));
    registry.arrived(again, key(1), "here");
    registry.arrived(back, key(2), "here");
    registry.arrived(stranger, key(3), "here");
    let effects = registry.register(ticket(again, 1), SESSION, 7, 20);
    assert!(effects.contains(&Effect::MoveFlow { flow, side: Side::Agent, to: again }));
    assert_eq!(refusal(&registry.resume(ticket(stranger, 1), flow, false)), Some(Refusal::NotAllowed));
    let effects = registry.resume(ticket(back, 1), flow, false);
    assert!(effects.contains(&Effect::MoveFlow { flow, side: Side::Member, to: back }));
    assert!(registry.expire(10 + GONE_MS).is_empty(), "both are here again");
    assert_eq!(refusal(&registry.end(ticket(stranger, 1), flow, 20)), Some(Refusal::NotAllowed));
    let effects = registry.end(ticket(back, 2), flow, 20);
    assert_eq!((told(&effects, again), told(&effects, back)), (Some(FlowEnd::Left), None));
    drain(&mut registry, 1);
}

#[test]
fn c3_a_restarted_relay_opens_a_flow_again_for_its_own_two_and_nobody_else() {
    let flow = FlowId(77);
    let (ours, stranger) = ((flow, key(2)), ConnectionId(3));
    let mut registry = Registry::new();
    for (connection, seed) in [(AGENT, 1), (ANA, 2), (stranger, 3)] {
        registry.arrived(connection, key(seed), "here");
    }
    assert_eq!(refusal(&registry.resume(ticket(ANA, 1), flow, true)), Some(Refusal::NotAllowed), "not held yet");
    let noted = Effect::Answer { ticket: ticket(AGENT, 1), answer: Ok(Answer::Noted) };
    assert_eq!(registry.hold(ticket(AGENT, 1), SESSION, ours, 7, 0), [noted], "no number: nobody looks for it");
    assert_eq!(registry.meeting(&key(1)), Some((SESSION, [].as_slice())), "e6: its word alone introduces nobody");
    assert_eq!(refusal(&registry.resume(ticket(stranger, 1), flow, true)), Some(Refusal::NotAllowed));
    assert_eq!(refusal(&registry.resume(ticket(ANA, 2), flow, false)), Some(Refusal::NotAllowed), "no member any more");
    let opened = Effect::OpenFlow { flow, agent: AGENT, member: ANA };
    assert_eq!(registry.resume(ticket(ANA, 3), flow, true)[0], opened);
    assert_eq!(registry.meeting(&key(1)), Some((SESSION, [key(2)].as_slice())));
    // It is a flow like any other now; another agent can't claim it, nor this one with somebody else.
    registry.arrived(ConnectionId(4), key(4), "here");
    for (by, held) in [(ConnectionId(4), ours), (AGENT, (flow, key(3))), (AGENT, (FlowId(78), key(1)))] {
        assert_eq!(refusal(&registry.hold(ticket(by, 2), SESSION, held, 7, 0)), Some(Refusal::NotAllowed), "{held:?}");
    }
    registry.end(ticket(ANA, 4), flow, 0);
    assert_eq!(refusal(&registry.resume(ticket(ANA, 5), flow, true)), Some(Refusal::NotAllowed), "ended is ended");
    drain(&mut registry, 1);
}

#[test]
fn a5_a_flow_held_for_a_revoked_member_stays_shut() {
    let flow = FlowId(77);
    let mut registry = Registry::new();
    registry.arrived(AGENT, key(1), "here");
    registry.hold(ticket(AGENT, 1), SESSION, (flow, key(2)), 7, 0);
    registry.revoked(&key(2));
    registry.arrived(ANA, key(2), "here");
    assert_eq!(refusal(&registry.resume(ticket(ANA, 1), flow, true)), Some(Refusal::NotAllowed));
    drain(&mut registry, 1);
}

#[test]
fn a_held_flow_moves_with_its_agent_where_the_relay_knows_it() {
    let (mut registry, number) = met();
    let flow = joined(&registry.join(ticket(ANA, 1), note(), number, 8, 0));
    registry.paired(ticket(AGENT, 2), flow, PairingOutcome::Agreed, 0);
    let again = ConnectionId(21);
    registry.arrived(again, key(1), "elsewhere");
    // The old connection may still live: it has to prove it, as for any registration (D6).
    let effects = registry.hold(ticket(again, 1), SESSION, (flow, key(2)), 9, 10);
    assert_eq!(effects, [Effect::Push { connection: AGENT, push: Push::Ping(9) }]);
    let effects = registry.expire(10 + CHALLENGE_MS);
    assert!(effects.contains(&Effect::MoveFlow { flow, side: Side::Agent, to: again }), "{effects:?}");
    assert!(effects.contains(&Effect::Answer { ticket: ticket(again, 1), answer: Ok(Answer::Noted) }));
    drain(&mut registry, 10_000);
}

#[test]
fn an_unspent_number_survives_a_short_loss_and_rests_after_a_long_one() {
    let (mut registry, number) = met();
    registry.gone(AGENT, 10);
    // Not the member's fault: not counted, but told as slowly.
    for n in 0..=FAILURES_MAX as u32 {
        assert!(registry.join(ticket(ANA, n), note(), number, 9, 11).is_empty());
    }
    let again = ConnectionId(21);
    registry.arrived(again, key(1), "here");
    assert_eq!(registered(&registry.register(ticket(again, 1), SESSION, 1, 20)), number);
    registry.gone(again, 30);
    registry.expire(30 + GONE_MS);
    assert!(registry.agents.is_empty());
    assert_eq!(registry.numbers.holder(number), None);
    drain(&mut registry, 1);
}

#[test]
fn d6_one_living_registration_a_key() {
    let (mut registry, number) = met();
    let (second, third) = (ConnectionId(21), ConnectionId(22));
    registry.arrived(second, key(1), "here");
    registry.arrived(third, key(1), "here");
    let effects = registry.register(ticket(second, 1), SESSION, 77, 100);
    assert_eq!(effects, [Effect::Push { connection: AGENT, push: Push::Ping(77) }]);
    assert_eq!(refusal(&registry.register(ticket(third, 1), SESSION, 78, 100)), Some(Refusal::Busy));
    // Only the challenged connection, only with the nonce.
    assert!(registry.pong(AGENT, 76).is_empty());
    assert!(registry.pong(second, 77).is_empty());
    assert_eq!(registry.pong(AGENT, 77), [refuse(ticket(second, 1), Refusal::Busy)]);
    assert!(registry.expire(100 + CHALLENGE_MS).is_empty());

    registry.register(ticket(second, 2), SESSION, 79, 5_000);
    assert!(registry.expire(5_000 + CHALLENGE_MS - 1).is_empty());
    let effects = registry.expire(5_000 + CHALLENGE_MS);
    assert!(effects.contains(&Effect::Disconnect { connection: AGENT, why: Goodbye::Replaced }));
    assert_eq!(registered(&effects), number, "same session, same number");
    assert!(registry.pong(AGENT, 79).is_empty(), "too late");
    assert!(registry.gone(AGENT, 9_000).is_empty());
    assert!(registry.agents.values().all(|agent| agent.presence == Presence::Here(second)));
    drain(&mut registry, 9_000);
}

#[test]
fn d6_a_dead_connection_gives_way_at_once_and_a_lost_candidate_leaves_nothing() {
    let (mut registry, number) = met();
    let second = ConnectionId(21);
    registry.arrived(second, key(1), "here");
    registry.register(ticket(second, 1), SESSION, 77, 0);
    assert_eq!(registered(&registry.gone(AGENT, 1)), number);
    let third = ConnectionId(22);
    registry.arrived(third, key(1), "here");
    registry.register(ticket(third, 1), SESSION, 78, 2);
    assert!(registry.gone(third, 3).is_empty());
    assert!(registry.expire(2 + CHALLENGE_MS).is_empty());
    drain(&mut registry, 9_000);
}

#[test]
fn d6_another_session_of_the_same_key_ends_the_first() {
    let (mut registry, number) = met();
    let flow = joined(&registry.join(ticket(ANA, 1), note(), number, 8, 0));
    registry.paired(ticket(AGENT, 2), flow, PairingOutcome::Agreed, 0);
    let effects = registry.register(ticket(AGENT, 3), SessionId([6; 16]), 7, 0);
    assert!(effects.contains(&Effect::CloseFlow { flow }));
    assert_eq!(told(&effects, ANA), Some(FlowEnd::Left));
    assert_eq!(registry.meeting(&key(1)), Some((SessionId([6; 16]), [].as_slice())), "nobody came for the new one");
    drain(&mut registry, 1);
}

#[test]
fn a5_revocation_ends_control_and_flows_and_tells_the_agent() {
    let (mut registry, number) = met();
    let flow = joined(&registry.join(ticket(ANA, 1), note(), number, 8, 0));
    registry.paired(ticket(AGENT, 2), flow, PairingOutcome::Agreed, 0);
    let other = ConnectionId(9);
    registry.arrived(other, key(2), "here");
    let effects = registry.revoked(&key(2));
    assert!(effects.contains(&Effect::CloseFlow { flow }));
    assert_eq!(told(&effects, AGENT), Some(FlowEnd::Revoked));
    for connection in [ANA, other] {
        assert!(effects.contains(&Effect::Disconnect { connection, why: Goodbye::Revoked }));
    }
    assert!(!effects.contains(&Effect::Disconnect { connection: AGENT, why: Goodbye::Revoked }));
    assert_eq!(registry.meeting(&key(1)), Some((SESSION, [].as_slice())));
    assert!(registry.join(ticket(ANA, 9), note(), number, 10, 0).is_empty(), "a call on its way finds nobody");
    drain(&mut registry, 1);
}

#[test]
fn numbers_per_key_are_bounded() {
    let (mut registry, _) = met();
    for n in 1..=NUMBERS_PER_KEY_MAX as u8 {
        let effects = registry.register(ticket(AGENT, 1), SessionId([n + 10; 16]), u64::from(n), 0);
        let expected = (usize::from(n) >= NUMBERS_PER_KEY_MAX).then_some(Refusal::Quota);
        assert_eq!(refusal(&effects), expected, "{n}");
    }
    drain(&mut registry, 1);
}

#[test]
fn numbers_per_source_are_bounded() {
    let mut registry = Registry::new();
    let mut numbers = 0;
    for n in 0..=NUMBERS_PER_SOURCE_MAX as u64 {
        // A new key for every few numbers, all from one place.
        let connection = ConnectionId(n);
        registry.arrived(connection, key((n % 251) as u8), "there");
        let mut session = [0; 16];
        session[..8].copy_from_slice(&n.to_le_bytes());
        registry.gone(ConnectionId(n.wrapping_sub(251)), 0);
        let effects = registry.register(ticket(connection, 0), SessionId(session), n, 0);
        match refusal(&effects) {
            None => numbers += 1,
            Some(refusal) => assert_eq!((refusal, numbers), (Refusal::Quota, NUMBERS_PER_SOURCE_MAX)),
        }
    }
    assert_eq!(numbers, NUMBERS_PER_SOURCE_MAX);
    let elsewhere = ConnectionId(1 << 40);
    registry.arrived(elsewhere, key(252), "elsewhere");
    registered(&registry.register(ticket(elsewhere, 0), SESSION, 1, 0));
    drain(&mut registry, 1);
}

#[test]
fn a_flow_that_used_up_its_bytes_ends_for_both() {
    let (mut registry, number) = met();
    let flow = joined(&registry.join(ticket(ANA, 1), note(), number, 8, 0));
    let effects = registry.exhausted(flow);
    assert_eq!((told(&effects, AGENT), told(&effects, ANA)), (Some(FlowEnd::Limit), Some(FlowEnd::Limit)));
    assert!(registry.exhausted(flow).is_empty());
    drain(&mut registry, 1);
}
