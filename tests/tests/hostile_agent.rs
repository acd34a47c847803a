//! A person's program that speaks the wire and lies, with the shipped technician's program or the relay at the other end and
//! an honest session beside it: nothing made up is told as if it had been asked for, the ledger takes nothing that isn't its
//! author's, and the end is told as it was. (SECURITY E, E6, E7, E9, G4)
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use venia_proto::foreign::Foreign;
use venia_proto::id::{Leaf, SessionId, Strand};
use venia_proto::key::SigningKey;
use venia_proto::ledger::body::{Body, ItemId, Join, Offer, Open, Said};
use venia_proto::ledger::kind::{Cause, Kind, Verified};
use venia_proto::ledger::strand::Author;
use venia_proto::ledger::verify::Finding;
use venia_proto::message::{ToAgent, ToConsole};
use venia_proto::rendezvous::{Answer, Call, EventFault, Refusal, SUBMIT_MAX};
use venia_proto::report::{Draft, Report};
use venia_proto::scope::Scope;
use venia_relay::server::ledger::limits::EVENTS_MAX;
use venia_tests::harness::console::Joined;
use venia_tests::harness::impostor::{Hosting, Impostor, TECHNICIAN, Written};
use venia_tests::harness::process::Process;
use venia_tests::harness::visitor::{Visit, Visitor};
use venia_tests::harness::within;
use venia_tests::harness::world::World;
use venia_tests::programs;

const ITEM: &str = "system.memory";
const RUN: [&str; 6] = ["--run", ITEM, "--outcome", "Looked.", "--next", "Nothing."];

/// A technician of the shipped program, in a session with an impostor, up to the yes to what was offered.
async fn session(world: &World, name: &str) -> (Process, Hosting) {
    let technician = world.technician(name, 2);
    let impostor = Impostor::waits(world).await;
    let console = technician.joining(&impostor.code(), &RUN);
    let mut hosting = impostor.meets().await;
    hosting.begins().await;
    (console, hosting)
}

/// A report that its item declares.
fn honest() -> Report {
    let catalog = venia_proto::catalog::Catalog::built_in();
    catalog.get(&ItemId(ITEM.to_owned())).unwrap().tell(Draft::default())
}

/// The newest yes.
fn grant(hosting: &Hosting) -> Leaf {
    hosting.author.tips()[&Strand::Agent].1
}

#[tokio::test(flavor = "multi_thread")]
async fn an_impostor_who_keeps_the_rules_is_an_agent_like_any_other() {
    let world = World::start(programs!());
    let (mut console, mut hosting) = session(&world, "Ana").await;
    let grant = grant(&hosting);
    let (request, asked) = hosting.asked().await;
    let admit = hosting.admits(request, grant, &asked.item, &asked.definition).await;
    hosting.reports(admit, honest()).await;
    assert!(hosting.signed_off().await);
    hosting.closes().await;
    let joined = Joined::of(&mut console);
    assert_eq!(joined.exit, 0, "{joined:#?}");
    assert_eq!(joined.events("closed")[0]["verdict"], "intact", "{joined:#?}");
}

/// What it does with the one thing it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    /// It brings a result of something nobody asked for, and then what was asked for.
    NeverAsked,
    /// It says that it ran another item.
    AnotherItem,
    /// It signs with another key.
    OtherKey,
    /// It signs two events for one place.
    Contradiction,
    /// It tells an event of another session.
    Elsewhere,
    /// It tells an event of the technician's strand, signed by itself.
    AsTheTechnician,
    /// Words that aren't those of the event.
    OtherWords,
    /// It begins to speak of pairing.
    Pairing,
    /// It goes on after its close.
    AfterClose,
    /// It never closes.
    NeverCloses,
    /// It sends more events than a session may have.
    Flood,
    /// It brings its result many times.
    Again,
    /// Its report says more than the item declares.
    Undeclared,
}

/// What the technician's program makes of it: the message of its error, if it ends the session itself, and what its record is
/// worth then.
const LIES: [(Lie, Option<&str>, &str); 13] = [
    (Lie::NeverAsked, None, "broken"),
    (Lie::AnotherItem, None, "broken"),
    (Lie::OtherKey, Some("the agent's key didn't sign"), "unclosed"),
    (Lie::Contradiction, Some("contradicts the one before it"), "unclosed"),
    (Lie::Elsewhere, Some("another session or author"), "unclosed"),
    (Lie::AsTheTechnician, Some("another session or author"), "unclosed"),
    (Lie::OtherWords, Some("the ones the event committed to"), "unclosed"),
    (Lie::Pairing, Some("a pairing message in a session"), "unclosed"),
    (Lie::AfterClose, None, "intact"),
    (Lie::NeverCloses, None, "unclosed"),
    (Lie::Flood, Some("more events within a minute"), "unclosed"),
    (Lie::Again, None, "broken"),
    (Lie::Undeclared, None, "intact"),
];

/// Words that must never reach the technician as part of this session.
const PLANTED: &str = "run this on your own computer";
/// Events of a flood: more than a session may have.
const FLOOD: usize = 10_100;
/// What a program may take on top of what it took before, in bytes: a full session of short events, and what the allocator
/// keeps.
const MARGIN: u64 = 48 << 20;

fn planted() -> Body {
    Body::Said(Said { text: Foreign::new(PLANTED) })
}

/// A line of this author's, written in the impostor's hand.
fn forged(hosting: &mut Hosting, author: Author) -> Written {
    let own = std::mem::replace(&mut hosting.author, author);
    let line = hosting.line(PLANTED);
    hosting.author = own;
    line
}

async fn lies(hosting: &mut Hosting, lie: Lie) {
    let grant = grant(hosting);
    let (request, asked) = hosting.asked().await;
    match lie {
        Lie::NeverAsked => {
            let item = ItemId("network.dns".to_owned());
            let admit = hosting.admits(grant, grant, &item, &asked.definition).await;
            let mut draft = Draft::default();
            draft.fact("made-up", PLANTED, "");
            hosting.reports(admit, Report { facts: draft.facts, ..honest() }).await;
        }
        Lie::AnotherItem => {
            let item = ItemId("network.dns".to_owned());
            let admit = hosting.admits(request, grant, &item, &asked.definition).await;
            hosting.reports(admit, honest()).await;
        }
        Lie::OtherKey => {
            let other = SigningKey::new("device", [9; 32]).named(hosting.key.verifier().name.clone());
            let line = hosting.write_as(Kind::Chat, &planted(), &other);
            return hosting.tell(&line, None).await;
        }
        Lie::Contradiction => {
            let fork = hosting.author.clone();
            let one = hosting.line("one");
            let two = forged(hosting, fork);
            hosting.tell(&one, None).await;
            return hosting.tell(&two, None).await;
        }
        Lie::Elsewhere => {
            let mut author = Author::new(SessionId([7; 16]), Strand::Agent);
            std::mem::swap(&mut author, &mut hosting.author);
            hosting.write(Kind::Open { versions: vec![1] }, &Body::Open(Open::default()));
            std::mem::swap(&mut author, &mut hosting.author);
            let line = forged(hosting, author);
            return hosting.tell(&line, None).await;
        }
        Lie::AsTheTechnician => {
            let author = Author::new(hosting.session, TECHNICIAN);
            let line = forged(hosting, author);
            return hosting.tell(&line, None).await;
        }
        Lie::OtherWords => {
            let mut line = hosting.line("said");
            line.openings[0].plaintext = planted().encode().unwrap();
            return hosting.tell(&line, None).await;
        }
        Lie::Pairing => return hosting.send(&ToConsole::PairAnswer { message: vec![1; 33] }).await,
        Lie::Flood => {
            for n in 0..FLOOD {
                let line = hosting.line(&format!("line {n}"));
                hosting.tell(&line, None).await;
            }
            return;
        }
        Lie::Again => {
            let admit = hosting.admits(request, grant, &asked.item, &asked.definition).await;
            for _ in 0..100 {
                hosting.reports(admit, honest()).await;
            }
        }
        Lie::Undeclared => {
            let admit = hosting.admits(request, grant, &asked.item, &asked.definition).await;
            let mut draft = Draft::default();
            draft.fact("made-up", PLANTED, "");
            hosting.reports(admit, Report { facts: draft.facts, ..honest() }).await;
        }
        Lie::AfterClose | Lie::NeverCloses => {}
    }
    if !matches!(lie, Lie::AnotherItem | Lie::Again | Lie::Undeclared) {
        let admit = hosting.admits(request, grant, &asked.item, &asked.definition).await;
        hosting.reports(admit, honest()).await;
    }
    if lie == Lie::AfterClose {
        let held = hosting.author.held();
        hosting.says(Kind::Close { by: Cause::Person, cause: Cause::Person, held }, &Body::None).await;
        let line = hosting.line(PLANTED);
        let refused = hosting.record(&[line.event.bytes().to_vec()]).await;
        assert_eq!(refused, Err(Refusal::Event { place: 0, fault: EventFault::Session }));
        hosting.tell(&line, None).await;
        hosting.send(&ToConsole::CloseRecorded).await;
    } else if hosting.signed_off().await && lie != Lie::NeverCloses {
        hosting.closes().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g4_what_an_agent_makes_up_is_never_told_as_asked_for_and_the_end_is_told_as_it_was() {
    let world = World::start(programs!());
    let beside = world.beside("Bea");
    for (at, (lie, error, verdict)) in LIES.into_iter().enumerate() {
        let (mut console, mut hosting) = session(&world, &format!("T{at}")).await;
        let before = console.most_memory();
        within("the lie", lies(&mut hosting, lie)).await;
        if lie == Lie::Flood {
            console.line("that it was too much", |line| line.contains(r#""event":"error""#).then_some(()));
            let took = console.most_memory().saturating_sub(before);
            assert!(before > 0 && took < MARGIN, "{took} bytes more");
        }
        let joined = Joined::of(&mut console);
        // Still there: whoever hangs up first would have ended the session otherwise.
        drop(hosting);
        assert_eq!(joined.exit, 1, "{lie:?}: {joined:#?}");
        match error {
            Some(message) => {
                assert_eq!(joined.error(), "version", "{lie:?}");
                let told = joined.events("error")[0]["message"].as_str().unwrap();
                assert!(told.contains(message), "{lie:?}: {told}");
            }
            None => assert!(joined.events("error").is_empty(), "{lie:?}: {joined:#?}"),
        }
        let results = joined.events("result");
        assert!(results.len() <= 1 && results.iter().all(|result| result["item"] == ITEM), "{lie:?}: {joined:#?}");
        assert!(!format!("{:?}", joined.said).contains(PLANTED), "{lie:?}: {joined:#?}");
        let [closed] = joined.events("closed")[..] else { panic!("{lie:?}: {joined:#?}") };
        assert_eq!(closed["verdict"], verdict, "{lie:?}: {joined:#?}");
        assert!(!joined.errors.contains("panicked"), "{lie:?}: {}", joined.errors);
    }
    beside.ends_untouched();
}

/// What a technician reads who asks for no machine's output.
#[tokio::test(flavor = "multi_thread")]
async fn e7_what_comes_after_the_close_is_not_told() {
    let world = World::start(programs!());
    let beside = world.beside("Bea");
    let technician = world.technician("Ana", 2);
    let impostor = Impostor::waits(&world).await;
    let given = ["join", "-", "--reason", "To look."].into_iter().chain(RUN);
    let mut console = world.spawn("console", &technician.data, given);
    console.say(&impostor.code());
    let mut hosting = impostor.meets().await;
    hosting.begins().await;
    hosting.asked().await;
    hosting.says(Kind::Chat, &Body::Said(Said { text: Foreign::new("before the close") })).await;
    let held = hosting.author.held();
    hosting.says(Kind::Close { by: Cause::Person, cause: Cause::Person, held }, &Body::None).await;
    for _ in 0..100 {
        let line = hosting.write(Kind::Chat, &planted());
        hosting.tell(&line, None).await;
    }
    hosting.send(&ToConsole::CloseRecorded).await;
    assert_eq!(console.exit(), 1);
    let told = console.printed().join("\n") + &console.errors();
    assert!(told.contains("before the close") && !told.contains(PLANTED), "{told}");
    beside.ends_untouched();
}

/// An impostor and a technician on the wire, in a session that has begun.
async fn begun(world: &World, name: &str) -> (Hosting, Visitor, Visit) {
    let visitor = Visitor::enrolled(world, name, 2).await;
    let impostor = Impostor::waits(world).await;
    let code = impostor.code();
    let (mut hosting, visit) = tokio::join!(impostor.meets(), visitor.pair(&code));
    let mut visit = visit.unwrap();
    visit.arrive(&[Scope::System]).await;
    hosting.begins().await;
    for _ in 0..2 {
        visit.event("a yes", |kind, _| matches!(kind, Kind::Consent { .. }).then_some(())).await;
    }
    (hosting, visitor, visit)
}

#[tokio::test(flavor = "multi_thread")]
async fn e6_whoever_squats_another_s_session_or_strand_gets_nothing_and_takes_nothing() {
    let world = World::start(programs!());
    let beside = world.beside("Bea");
    let (mut victim, ana, mut theirs) = begun(&world, "Ana").await;
    let (mut squatter, mallory, mut accomplice) = begun(&world, "Mallory").await;
    let fault = |fault| Err(Refusal::Event { place: 0, fault });

    // Another's session: its own events again, events in its name.
    let told = victim.line("the victim's own");
    let proofs = victim.record(&[told.event.bytes().to_vec()]).await.unwrap();
    victim.tell(&told, Some(proofs[0].clone())).await;
    let refused = squatter.record(&[told.event.bytes().to_vec()]).await;
    assert_eq!(refused, fault(EventFault::Session));
    let line = forged(&mut squatter, victim.author.clone());
    assert_eq!(squatter.record(&[line.event.bytes().to_vec()]).await, fault(EventFault::Session));

    // Its own session: a strand for somebody who never came, and a line in the technician's name.
    let before = squatter.author.clone();
    let strand = Strand::Technician(2.try_into().unwrap());
    let join = Kind::Join { strand, key: ana.key.verifier().clone(), verified: Verified::Code };
    let body = Join {
        member: String::from_utf8(ana.note.clone()).unwrap(),
        reason: Foreign::new(""),
        offer: Offer::default(),
    };
    let join = squatter.write(join, &Body::Join(body));
    squatter.author = before;
    assert_eq!(squatter.record(&[join.event.bytes().to_vec()]).await, fault(EventFault::ForeignKey));
    let session = squatter.session;
    let line = forged(&mut squatter, Author::new(session, TECHNICIAN));
    assert_eq!(squatter.record(&[line.event.bytes().to_vec()]).await, fault(EventFault::ForeignKey));
    // It is held against nobody: the technician's true first event has the same number, and is taken.
    let (sent, heard) = (accomplice.write(Kind::Chat, &planted()), squatter.hears());
    accomplice.send(&ToAgent::Chat(sent.clone())).await;
    assert_eq!(heard.await, Some(ToAgent::Chat(sent.clone())));
    squatter.record(&[sent.note]).await.unwrap();

    // Two events of one's own for one place: the second is refused, and says so.
    let fork = squatter.author.clone();
    let one = squatter.line("one");
    let two = forged(&mut squatter, fork);
    squatter.record(&[one.event.bytes().to_vec()]).await.unwrap();
    assert_eq!(squatter.record(&[two.event.bytes().to_vec()]).await, fault(EventFault::Equivocation));

    // The victim's session, begun once more, by whoever is found by its name. It costs the squatter its own.
    let mut author = Author::new(victim.session, Strand::Agent);
    std::mem::swap(&mut author, &mut squatter.author);
    let open = squatter.write(Kind::Open { versions: vec![1] }, &Body::Open(Open::default()));
    std::mem::swap(&mut author, &mut squatter.author);
    let registered = squatter.control.call(Call::Register { session: victim.session }).await;
    assert!(matches!(registered, Ok(Answer::Registered { .. })), "{registered:?}");
    assert_eq!(squatter.record(&[open.event.bytes().to_vec()]).await, fault(EventFault::Session));

    // The victim noticed nothing of it: both sides end well, and the record is intact.
    theirs.sign_off().await;
    assert!(victim.signed_off().await);
    victim.closes().await;
    assert_eq!(theirs.closed().await, (Cause::Technician, Cause::Done));
    let verdict = theirs.verdict(&ana).await;
    assert_eq!(verdict.verdict, Finding::Intact, "{verdict:?}");
    drop(mallory);
    beside.ends_untouched();
}

#[tokio::test(flavor = "multi_thread")]
async fn e6_ten_thousand_events_are_a_session_s_last_and_it_can_still_be_closed() {
    let world = World::start(programs!());
    let mut beside = world.beside("Bea");
    let (mut hosting, ana, mut visit) = begun(&world, "Ana").await;
    let before = world.relay.most_memory();
    let began = usize::try_from(hosting.author.next_seq()).unwrap();
    let mut recorded = began;
    let refused = loop {
        let earlier = hosting.author.clone();
        let lines: Vec<_> = (0..SUBMIT_MAX).map(|n| hosting.line(&format!("{recorded} {n}"))).collect();
        let notes: Vec<Vec<u8>> = lines.iter().map(|line| line.event.bytes().to_vec()).collect();
        match hosting.record(&notes).await {
            Ok(proofs) => recorded += proofs.len(),
            Err(refusal) => {
                hosting.author = earlier;
                break refusal;
            }
        }
        assert!(recorded <= EVENTS_MAX, "{recorded}");
        if recorded == began + 200 * SUBMIT_MAX {
            beside.run();
        }
    };
    assert_eq!(refused, Refusal::Quota);
    // A batch is taken whole or not at all; one by one the rest fits, and no more.
    while recorded < EVENTS_MAX {
        let line = hosting.line("one more");
        hosting.record(&[line.event.bytes().to_vec()]).await.unwrap();
        recorded += 1;
    }
    let full = hosting.author.clone();
    let line = hosting.line("one too many");
    assert_eq!(hosting.record(&[line.event.bytes().to_vec()]).await, Err(Refusal::Quota));
    hosting.author = full;
    let took = world.relay.most_memory() - before;
    assert!(before > 0 && took < MARGIN, "the relay took {took} bytes more");
    hosting.closes().await;
    assert_eq!(visit.closed().await, (Cause::Technician, Cause::Done));
    // The technician saw the beginning and the end; the log has what lies between, and their record says that it lacks it.
    let verdict = visit.verdict(&ana).await;
    assert_ne!(verdict.verdict, Finding::Intact, "{verdict:?}");
    beside.ends_untouched();
}
