//! The bytes of every message, kept: a frame that changes is another protocol, and `VERSION` must rise with it.
//!
//! `golden/frames/NAME.hex` holds one frame of every variant. `VENIA_GOLDEN=write` writes them anew. The same frames,
//! whole, cut and flipped, are thrown at every reader.

#![expect(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test that reads files it keeps")]

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;
use std::path::PathBuf;

use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use venia_proto::foreign::Foreign;
use venia_proto::id::{FlowId, SessionId, Strand};
use venia_proto::ledger::body::{Asked, DefinitionHash, ItemId, Offer};
use venia_proto::ledger::notice::Looking;
use venia_proto::message::{Arrived, BareOpening, PairRefusal, SealAnswer, SealAsk, Signed, ToAgent, ToConsole};
use venia_proto::rendezvous::{
    Answer, Bulk, BulkAnswer, BulkHeld, Call, Entry, EventFault, FlowEnd, FromRelay, LogHead, PairingOutcome, Proven,
    ProvenBatch, Push, Refusal, Successor, ToRelay,
};
use venia_proto::scope::Scope;
use venia_proto::wire::{self, Limit, PREFIX};

fn bulk() -> Vec<Bulk> {
    vec![
        Bulk::Seal { session: session(), sha256: [3; 32], len: 1_300 },
        Bulk::Fetch { session: session(), sha256: [3; 32] },
    ]
}

fn bulk_answers() -> Vec<BulkAnswer> {
    vec![Ok(BulkHeld { len: 1_300 }), Err(Refusal::Erased)]
}

fn seal_ask() -> SealAsk {
    SealAsk { openings: vec![BareOpening { random: [1; 32], plaintext: b"{}".to_vec() }] }
}

fn to_relay() -> Vec<ToRelay> {
    use PairingOutcome::{Abandoned, Agreed, WrongCode};
    let paired = |outcome| Call::Paired { flow: FlowId(0x0102_0304_0506_0708), outcome };
    let calls = vec![
        Call::Register { session: session() },
        paired(Agreed),
        paired(WrongCode),
        paired(Abandoned),
        Call::Enroll { secret: vec![1, 2, 3], key: "member-a+00000000+AQ==".into() },
        Call::Renew,
        Call::Join { number: 417 },
        Call::Submit { events: vec![b"note one\n".to_vec(), b"note two\n".to_vec()], known: 1003 },
        Call::Prove { session: session(), skip: 64, size: 2000, first: 1003 },
        Call::EndFlow { flow: FlowId(9) },
        Call::Resume { flow: FlowId(9) },
        Call::Seen { checkpoint: b"checkpoint".to_vec() },
        Call::Consistency { origin: "log".into(), first: 5, second: 9 },
        Call::Notes { session: session(), skip: 12 },
        Call::Erasures { sessions: vec![session()] },
        Call::Erased { session: session() },
        Call::Look { what: Looking::Show, session: Some(session()) },
        Call::Logs,
        Call::Entries { origin: "log".into(), from: 300 },
        Call::Successors { log: "log+00000000+AQ==".into() },
        Call::Hold { session: session(), flow: FlowId(9), member: [4; 32] },
    ];
    let calls = calls.into_iter().enumerate().map(|(id, call)| ToRelay::Call { id: id as u32, call });
    [ToRelay::Hello { versions: vec![1, 2] }]
        .into_iter()
        .chain(calls)
        .chain([ToRelay::Pong(7), ToRelay::Here])
        .collect()
}

fn from_relay() -> Vec<FromRelay> {
    let entry = |index| Entry { index, path: vec![[0xaa; 32], [0xbb; 32]] };
    let answers = vec![
        Answer::Registered { number: 417 },
        Answer::Noted,
        Answer::Member { note: b"venia/member@v1\n".to_vec() },
        Answer::Joined { flow: FlowId(9), session: session() },
        Answer::Receipts { checkpoint: b"checkpoint".to_vec(), consistency: vec![[0xcc; 32]], entries: vec![entry(5)] },
        Answer::Proofs {
            checkpoint: b"checkpoint".to_vec(),
            consistency: Vec::new(),
            entries: vec![Proven { author: technician(), seq: 3, entry: entry(6) }],
            batches: vec![ProvenBatch { strand: Strand::Agent, note: b"venia/batch@v1\n".to_vec(), entry: entry(7) }],
            more: true,
        },
        Answer::Consistency { checkpoint: b"checkpoint".to_vec(), path: vec![[0xdd; 32]] },
        Answer::Notes { notes: vec![b"note one\n".to_vec()], more: false },
        Answer::Erasures { notes: vec![b"venia/erase@v1\n".to_vec()] },
        Answer::Logs {
            logs: vec![LogHead { checkpoint: b"checkpoint".to_vec(), statement: b"statement".to_vec(), kept_from: 1 }],
        },
        Answer::Entries {
            entries: vec![b"venia/batch@v1\n".to_vec(), b"note one\n".to_vec()],
            agents: vec!["device+0+0".into()],
        },
        Answer::Successors {
            logs: vec![Successor {
                statement: b"statement".to_vec(),
                checkpoint: b"checkpoint".to_vec(),
                note: b"venia/key@v1\n".to_vec(),
                path: vec![[0xee; 32]],
            }],
        },
    ];
    let faults = [
        EventFault::Format,
        EventFault::ForeignKey,
        EventFault::Chain,
        EventFault::Equivocation,
        EventFault::Session,
        EventFault::Sealed,
    ];
    let refusals = [
        Refusal::InviteUnknown,
        Refusal::InviteUsed,
        Refusal::InviteExpired,
        Refusal::NotMember,
        Refusal::Revoked,
        Refusal::NoSuchCode,
        Refusal::TooManyFailures,
        Refusal::Busy,
        Refusal::Quota,
        Refusal::Disk,
        Refusal::NotAllowed,
        Refusal::SetBack,
        Refusal::Erased,
    ];
    let refusals = refusals.into_iter().chain(faults.map(|fault| Refusal::Event { place: 2, fault }));
    let ended = |why| FromRelay::Push(Push::FlowEnded { flow: FlowId(9), why });
    [
        FromRelay::Welcome { version: 1, statement: b"statement".to_vec(), batch: b"batch".to_vec() },
        FromRelay::WrongVersion { versions: vec![2, 3] },
    ]
    .into_iter()
    .chain(answers.into_iter().map(|answer| FromRelay::Answer { id: 4, answer: Ok(answer) }))
    .chain(refusals.map(|refusal| FromRelay::Answer { id: 5, answer: Err(refusal) }))
    .chain([
        FromRelay::Push(Push::Knock { flow: FlowId(9), session: session(), member: b"note".to_vec() }),
        ended(FlowEnd::Left),
        ended(FlowEnd::Revoked),
        ended(FlowEnd::Limit),
        FromRelay::Push(Push::Ping(u64::MAX)),
        FromRelay::Push(Push::Erase { note: b"venia/erase@v1\n".to_vec() }),
    ])
    .collect()
}

fn to_agent() -> Vec<ToAgent> {
    let asked = Asked {
        item: ItemId("system.overview".into()),
        definition: DefinitionHash("ab".repeat(32)),
        arguments: BTreeMap::from([("seconds".into(), "2".into())]),
    };
    let offer = Offer { scopes: BTreeSet::from([Scope::Hardware, Scope::Repair]), items: vec![asked] };
    vec![
        ToAgent::PairStart { version: 1, message: vec![b'A'; 33], member: b"venia/member@v1\n".to_vec() },
        ToAgent::PairConfirm { mac: [0x11; 32] },
        ToAgent::Arrive { reason: Foreign::new("ñandú: slow computer"), offer },
        ToAgent::Ask(signed()),
        ToAgent::Run(signed()),
        ToAgent::Chat(signed()),
        ToAgent::Note(signed()),
        ToAgent::Signoff(signed()),
        ToAgent::Checkpoint(b"checkpoint".to_vec()),
        ToAgent::Reconnect { mac: [6; 32], arrived: Arrived { next: 5, beyond: vec![7, 8] } },
    ]
}

fn to_console() -> Vec<ToConsole> {
    use PairRefusal::{Malformed, Member, Spent, Version, WrongCode};
    let observer = Strand::Observer(NonZeroU16::MAX);
    let mut messages = vec![
        ToConsole::PairAnswer { message: vec![b'B'; 33] },
        ToConsole::PairConfirmed { mac: [0x22; 32], strand: technician() },
        ToConsole::PairConfirmed { mac: [0x22; 32], strand: observer },
    ];
    messages.extend([WrongCode, Spent, Member, Version, Malformed].map(ToConsole::PairRefused));
    messages.extend([
        ToConsole::Event { signed: signed(), proof: None },
        ToConsole::Event { signed: signed(), proof: Some(b"c2sp.org/tlog-proof@v1\n".to_vec()) },
        ToConsole::CloseRecorded,
        ToConsole::Checkpoint(b"checkpoint".to_vec()),
        ToConsole::Statement { note: b"venia/statement@v1\n".to_vec() },
        ToConsole::Reconnected { mac: [7; 32], next: 3 },
    ]);
    messages
}

fn session() -> SessionId {
    SessionId(*b"0123456789abcdef")
}

fn technician() -> Strand {
    Strand::Technician(NonZeroU16::MIN)
}

fn signed() -> Signed {
    let opening = BareOpening { random: [0x33; 32], plaintext: br#"{"text":"hola"}"#.to_vec() };
    Signed { note: b"venia/event@v1\n{}\n".to_vec(), openings: vec![opening] }
}

/// Names a message by its variants. A new variant doesn't compile until it has a name, and fails until it has an example.
trait Named {
    /// Every name there is.
    const ALL: &'static [&'static str];
    fn name(&self) -> &'static str;
}

macro_rules! named {
    ($type:ty { $($pattern:pat => $name:literal),+ $(,)? }) => {
        impl Named for $type {
            const ALL: &'static [&'static str] = &[$($name),+];
            fn name(&self) -> &'static str {
                match self { $($pattern => $name),+ }
            }
        }
    };
}

named!(ToRelay {
    Self::Hello { .. } => "hello",
    Self::Call { call: Call::Register { .. }, .. } => "call-register",
    Self::Call { call: Call::Paired { outcome: PairingOutcome::Agreed, .. }, .. } => "call-paired-agreed",
    Self::Call { call: Call::Paired { outcome: PairingOutcome::WrongCode, .. }, .. } => "call-paired-wrong-code",
    Self::Call { call: Call::Paired { outcome: PairingOutcome::Abandoned, .. }, .. } => "call-paired-abandoned",
    Self::Call { call: Call::Enroll { .. }, .. } => "call-enroll",
    Self::Call { call: Call::Renew, .. } => "call-renew",
    Self::Call { call: Call::Join { .. }, .. } => "call-join",
    Self::Call { call: Call::Submit { .. }, .. } => "call-submit",
    Self::Call { call: Call::Prove { .. }, .. } => "call-prove",
    Self::Call { call: Call::EndFlow { .. }, .. } => "call-end-flow",
    Self::Call { call: Call::Resume { .. }, .. } => "call-resume",
    Self::Call { call: Call::Seen { .. }, .. } => "call-seen",
    Self::Call { call: Call::Consistency { .. }, .. } => "call-consistency",
    Self::Call { call: Call::Notes { .. }, .. } => "call-notes",
    Self::Call { call: Call::Erasures { .. }, .. } => "call-erasures",
    Self::Call { call: Call::Erased { .. }, .. } => "call-erased",
    Self::Call { call: Call::Look { .. }, .. } => "call-look",
    Self::Call { call: Call::Logs, .. } => "call-logs",
    Self::Call { call: Call::Entries { .. }, .. } => "call-entries",
    Self::Call { call: Call::Successors { .. }, .. } => "call-successors",
    Self::Call { call: Call::Hold { .. }, .. } => "call-hold",
    Self::Pong(_) => "pong",
    Self::Here => "here",
});

named!(FromRelay {
    Self::Welcome { .. } => "welcome",
    Self::WrongVersion { .. } => "wrong-version",
    Self::Answer { answer: Ok(Answer::Registered { .. }), .. } => "answer-registered",
    Self::Answer { answer: Ok(Answer::Noted), .. } => "answer-noted",
    Self::Answer { answer: Ok(Answer::Member { .. }), .. } => "answer-member",
    Self::Answer { answer: Ok(Answer::Joined { .. }), .. } => "answer-joined",
    Self::Answer { answer: Ok(Answer::Receipts { .. }), .. } => "answer-receipts",
    Self::Answer { answer: Ok(Answer::Proofs { .. }), .. } => "answer-proofs",
    Self::Answer { answer: Ok(Answer::Consistency { .. }), .. } => "answer-consistency",
    Self::Answer { answer: Ok(Answer::Notes { .. }), .. } => "answer-notes",
    Self::Answer { answer: Ok(Answer::Erasures { .. }), .. } => "answer-erasures",
    Self::Answer { answer: Ok(Answer::Logs { .. }), .. } => "answer-logs",
    Self::Answer { answer: Ok(Answer::Entries { .. }), .. } => "answer-entries",
    Self::Answer { answer: Ok(Answer::Successors { .. }), .. } => "answer-successors",
    Self::Answer { answer: Err(Refusal::InviteUnknown), .. } => "refusal-invite-unknown",
    Self::Answer { answer: Err(Refusal::InviteUsed), .. } => "refusal-invite-used",
    Self::Answer { answer: Err(Refusal::InviteExpired), .. } => "refusal-invite-expired",
    Self::Answer { answer: Err(Refusal::NotMember), .. } => "refusal-not-member",
    Self::Answer { answer: Err(Refusal::Revoked), .. } => "refusal-revoked",
    Self::Answer { answer: Err(Refusal::NoSuchCode), .. } => "refusal-no-such-code",
    Self::Answer { answer: Err(Refusal::TooManyFailures), .. } => "refusal-too-many-failures",
    Self::Answer { answer: Err(Refusal::Busy), .. } => "refusal-busy",
    Self::Answer { answer: Err(Refusal::Quota), .. } => "refusal-quota",
    Self::Answer { answer: Err(Refusal::Disk), .. } => "refusal-disk",
    Self::Answer { answer: Err(Refusal::NotAllowed), .. } => "refusal-not-allowed",
    Self::Answer { answer: Err(Refusal::Event { fault: EventFault::Format, .. }), .. } => "refusal-event-format",
    Self::Answer { answer: Err(Refusal::Event { fault: EventFault::ForeignKey, .. }), .. } => "refusal-event-foreign-key",
    Self::Answer { answer: Err(Refusal::Event { fault: EventFault::Chain, .. }), .. } => "refusal-event-chain",
    Self::Answer { answer: Err(Refusal::Event { fault: EventFault::Equivocation, .. }), .. } => "refusal-event-equivocation",
    Self::Answer { answer: Err(Refusal::Event { fault: EventFault::Session, .. }), .. } => "refusal-event-session",
    Self::Answer { answer: Err(Refusal::Event { fault: EventFault::Sealed, .. }), .. } => "refusal-event-sealed",
    Self::Answer { answer: Err(Refusal::SetBack), .. } => "refusal-set-back",
    Self::Answer { answer: Err(Refusal::Erased), .. } => "refusal-erased",
    Self::Push(Push::Knock { .. }) => "push-knock",
    Self::Push(Push::FlowEnded { why: FlowEnd::Left, .. }) => "push-flow-ended-left",
    Self::Push(Push::FlowEnded { why: FlowEnd::Revoked, .. }) => "push-flow-ended-revoked",
    Self::Push(Push::FlowEnded { why: FlowEnd::Limit, .. }) => "push-flow-ended-limit",
    Self::Push(Push::Ping(_)) => "push-ping",
    Self::Push(Push::Erase { .. }) => "push-erase",
});

named!(ToAgent {
    Self::PairStart { .. } => "pair-start",
    Self::PairConfirm { .. } => "pair-confirm",
    Self::Arrive { .. } => "arrive",
    Self::Ask(_) => "ask",
    Self::Run(_) => "run",
    Self::Chat(_) => "chat",
    Self::Note(_) => "note",
    Self::Signoff(_) => "signoff",
    Self::Checkpoint(_) => "checkpoint",
    Self::Reconnect { .. } => "reconnect",
});

named!(ToConsole {
    Self::PairAnswer { .. } => "pair-answer",
    Self::PairConfirmed { strand: Strand::Observer(_), .. } => "pair-confirmed-observer",
    Self::PairConfirmed { .. } => "pair-confirmed-technician",
    Self::PairRefused(PairRefusal::WrongCode) => "pair-refused-wrong-code",
    Self::PairRefused(PairRefusal::Spent) => "pair-refused-spent",
    Self::PairRefused(PairRefusal::Member) => "pair-refused-member",
    Self::PairRefused(PairRefusal::Version) => "pair-refused-version",
    Self::PairRefused(PairRefusal::Malformed) => "pair-refused-malformed",
    Self::Event { proof: None, .. } => "event",
    Self::Event { proof: Some(_), .. } => "event-proven",
    Self::CloseRecorded => "close-recorded",
    Self::Checkpoint(_) => "checkpoint",
    Self::Statement { .. } => "statement",
    Self::Reconnected { .. } => "reconnected",
});

named!(Bulk {
    Self::Seal { .. } => "seal",
    Self::Fetch { .. } => "fetch",
});

named!(BulkAnswer {
    Ok(_) => "held",
    Err(_) => "refused",
});

named!(SealAsk { Self { .. } => "openings" });

named!(SealAnswer { Self { .. } => "hashes" });

fn golden<T>(kind: &str, messages: &[T])
where
    T: Named + Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/frames");
    let names: Vec<_> = messages.iter().map(Named::name).collect();
    assert_eq!(BTreeSet::from_iter(&names), BTreeSet::from_iter(T::ALL), "one example of every variant of {kind}");
    for message in messages {
        let file = folder.join(format!("{kind}.{}.hex", message.name()));
        let frame = wire::encode_frame(message, Limit::Control).unwrap();
        let hex: String = frame.iter().map(|byte| format!("{byte:02x}")).collect();
        if std::env::var("VENIA_GOLDEN").is_ok_and(|what| what == "write") {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&file, format!("{hex}\n")).unwrap();
        }
        let kept = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert_eq!(kept.trim_end(), hex, "{}", file.display());
        assert_eq!(wire::decode::<T>(&bytes(kept.trim_end())[PREFIX..], Limit::Control).unwrap(), *message);
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn to_relay_is_frozen() {
    golden("to-relay", &to_relay());
}

#[test]
fn from_relay_is_frozen() {
    golden("from-relay", &from_relay());
}

#[test]
fn to_agent_is_frozen() {
    golden("to-agent", &to_agent());
}

#[test]
fn to_console_is_frozen() {
    golden("to-console", &to_console());
}

#[test]
fn streams_for_sealed_parts_are_frozen() {
    golden("bulk", &bulk());
    golden("bulk-answer", &bulk_answers());
    golden("seal-ask", &[seal_ask()]);
    golden("seal-answer", &[SealAnswer { sealed: vec![[3; 32]] }]);
}

#[test]
fn no_frame_is_kept_that_nobody_sends() {
    let kept = std::fs::read_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/frames")).unwrap();
    let sent = ToRelay::ALL.len() + FromRelay::ALL.len() + ToAgent::ALL.len() + ToConsole::ALL.len();
    let streams = Bulk::ALL.len() + BulkAnswer::ALL.len() + SealAsk::ALL.len() + SealAnswer::ALL.len();
    assert_eq!(kept.count(), sent + streams);
}

/// Reads bytes as every message there is; what can be read can be written and read again.
fn read_as_everything(body: &[u8]) {
    fn read<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(body: &[u8]) {
        for limit in [Limit::Control, Limit::Data] {
            if let Ok(message) = wire::decode::<T>(body, limit) {
                let again = wire::encode(&message, limit).unwrap();
                assert_eq!(wire::decode::<T>(&again, limit).unwrap(), message);
            }
        }
    }
    read::<ToRelay>(body);
    read::<FromRelay>(body);
    read::<ToAgent>(body);
    read::<ToConsole>(body);
    read::<Bulk>(body);
    read::<BulkAnswer>(body);
    read::<SealAsk>(body);
    read::<SealAnswer>(body);
}

fn bodies() -> Vec<Vec<u8>> {
    fn of<T: Serialize>(messages: &[T]) -> Vec<Vec<u8>> {
        messages.iter().map(|message| wire::encode(message, Limit::Control).unwrap()).collect()
    }
    [
        of(&to_relay()),
        of(&from_relay()),
        of(&to_agent()),
        of(&to_console()),
        of(&bulk()),
        of(&bulk_answers()),
        of(&[seal_ask()]),
        of(&[SealAnswer { sealed: vec![[3; 32]] }]),
    ]
    .concat()
}

#[test]
fn every_message() {
    bolero::check!().with_max_len(2_048).for_each(|bytes: &[u8]| read_as_everything(bytes));
}

#[test]
fn the_target_has_its_corpus() {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/__fuzz__/every_message/corpus");
    if std::env::var("VENIA_GOLDEN").is_ok_and(|what| what == "write") {
        std::fs::create_dir_all(&corpus).unwrap();
        for (n, body) in bodies().into_iter().enumerate().filter(|(n, _)| n % 4 == 0) {
            std::fs::write(corpus.join(format!("frame-{n:02}")), body).unwrap();
        }
    }
    assert!(std::fs::read_dir(corpus).is_ok_and(|files| files.count() >= 10));
}

proptest! {
    #[test]
    fn a_damaged_message_is_another_one_or_none(
        which in any::<prop::sample::Index>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
        more in prop::collection::vec(any::<u8>(), 0..5),
    ) {
        let bodies = bodies();
        let mut body = which.get(&bodies).clone();
        for (at, value) in flips {
            let place = at.index(body.len());
            body[place] = value;
        }
        if let Some(cut) = cut {
            body.truncate(cut.index(body.len()));
        }
        body.extend(more);
        read_as_everything(&body);
    }
}
