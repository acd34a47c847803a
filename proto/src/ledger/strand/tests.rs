use super::*;
use crate::key::{KeyName, SigningKey};
use crate::ledger::event::After;
use crate::ledger::kind::{Addition, Answer, Cause, Verified};
use crate::ledger::part::{Opening, PartName, PartRef};
use crate::now::Wall;

const SESSION: SessionId = SessionId([0x5f; 16]);

fn technician(n: u16) -> Strand {
    Strand::Technician(NonZeroU16::new(n).unwrap())
}

fn observer(n: u16) -> Strand {
    Strand::Observer(NonZeroU16::new(n).unwrap())
}

fn key(seed: u8) -> SigningKey {
    SigningKey::new("key", [seed; 32])
}

fn body() -> Vec<PartRef> {
    vec![Opening::make([1; 32], b"{}").unwrap().part(PartName::Body, None)]
}

fn after(origin: &str, size: u64) -> After {
    After { origin: KeyName::new(origin).unwrap(), size, root: [9; 32] }
}

fn join(strand: Strand, key: &SigningKey) -> Kind {
    Kind::Join { strand, key: key.verifier().clone(), verified: Verified::Code }
}

/// Agent and technician 1 with an open session, each knowing the other's events.
struct Session {
    strands: Strands,
    agent: Author,
    ana: Author,
}

impl Session {
    fn begun() -> Self {
        let mut session = Self {
            strands: Strands::new(SESSION, key(1).verifier().clone()),
            agent: Author::new(SESSION, Strand::Agent),
            ana: Author::new(SESSION, technician(1)),
        };
        session.agent(Kind::Open { versions: vec![1] });
        session.agent(join(technician(1), &key(2)));
        session
    }

    fn agent(&mut self, kind: Kind) -> Event {
        let parts = if crate::ledger::event::part_names(&kind).is_empty() { Vec::new() } else { body() };
        let event = self.agent.write(kind, &parts, Wall::from_ms(1), &key(1));
        assert_eq!(self.strands.admit(&event), Ok(Admission::New));
        self.ana.follow(&event);
        event
    }

    fn ana(&mut self, kind: Kind) -> Event {
        let event = self.ana.write(kind, &body(), Wall::from_ms(1), &key(2));
        assert_eq!(self.strands.admit(&event), Ok(Admission::New));
        self.agent.follow(&event);
        event
    }

    fn close(&mut self) -> Event {
        let held = self.agent.held();
        self.agent(Kind::Close { by: Cause::Technician, cause: Cause::Done, held })
    }

    /// The technician's next event, changed before signing.
    fn anas_changed(&self, change: impl FnOnce(&mut Header)) -> Result<Admission, StrandError> {
        let mut header = self.ana.clone().write(Kind::Chat, &body(), Wall::from_ms(1), &key(2)).header().clone();
        change(&mut header);
        self.strands.check(&header.sign(&key(2)))
    }
}

#[test]
fn e7_a_whole_session() {
    let mut s = Session::begun();
    let request = s.ana(Kind::Request);
    let consent = s.agent(Kind::Consent { asked: request.leaf(), answer: Answer::Yes, took: 5 });
    s.agent(Kind::Admit { request: request.leaf(), grant: consent.leaf() });
    let tips = s.ana.tips();
    assert_eq!(tips.iter().map(|(_, (count, _))| *count).collect::<Vec<_>>(), [4, 1]);
    assert_eq!(tips, s.strands.tips());
    s.ana(Kind::Signoff { tips });
    assert_eq!(s.agent.held(), BTreeMap::from([(Strand::Agent, 5), (technician(1), 2)]));
    let close = s.close();
    assert_eq!(s.strands.closed(), Some(close.leaf()));
    s.agent(Kind::Addendum { about: close.leaf(), what: Addition::Signoff });
    s.ana(Kind::Addendum { about: close.leaf(), what: Addition::Correction });
    assert_eq!((s.strands.count(Strand::Agent), s.strands.count(technician(1))), (6, 3));
    assert_eq!(s.strands.place_of(request.leaf()), Some((technician(1), 0)));
}

#[test]
fn e7_only_addenda_after_the_close() {
    let mut s = Session::begun();
    let early = Kind::Addendum { about: request_leaf(), what: Addition::Rating };
    assert_eq!(s.anas_changed(|h| h.kind = early.clone()), Err(StrandError::NotAboutClose));
    let close = s.close();
    assert_eq!(s.anas_changed(|_| {}), Err(StrandError::Closed));
    assert_eq!(s.anas_changed(|h| h.kind = early), Err(StrandError::NotAboutClose));
    let right = Kind::Addendum { about: close.leaf(), what: Addition::Rating };
    assert_eq!(s.anas_changed(|h| h.kind = right), Ok(Admission::New));
    let again = s.agent.clone().write(join(technician(2), &key(3)), &body(), Wall::from_ms(1), &key(1));
    assert_eq!(s.strands.check(&again), Err(StrandError::Closed));
}

fn request_leaf() -> Leaf {
    Leaf([3; 32])
}

#[test]
fn e6_equivocation_is_told_from_a_foreign_key() {
    let mut s = Session::begun();
    let first = s.ana(Kind::Chat);
    assert_eq!(s.strands.admit(&first), Ok(Admission::Again), "the same bytes");
    let mut header = first.header().clone();
    header.time = Wall::from_ms(2);
    let second = header.clone().sign(&key(2));
    let equivocation =
        StrandError::Equivocation { author: technician(1), seq: 0, held: first.leaf(), offered: second.leaf() };
    assert_eq!(s.strands.check(&second), Err(equivocation));
    assert_eq!(equivocation.fault(), Fault::Author);
    // A stranger, even one who took the key's name, proves nothing against the technician.
    for stranger in [key(7), key(7).named(key(2).verifier().name.clone())] {
        let error = StrandError::ForeignKey(technician(1));
        assert_eq!(s.strands.check(&header.clone().sign(&stranger)), Err(error));
        assert_eq!(error.fault(), Fault::Stranger);
    }
    let unknown = Author::new(SESSION, technician(2)).write(Kind::Chat, &body(), Wall::from_ms(1), &key(3));
    let error = StrandError::UnknownStrand(technician(2));
    assert_eq!((s.strands.check(&unknown), error.fault()), (Err(error), Fault::Missing));
    let elsewhere = Author::new(SessionId([0; 16]), technician(1)).write(Kind::Chat, &body(), Wall::MIN, &key(2));
    assert_eq!(s.strands.check(&elsewhere), Err(StrandError::OtherSession));
}

#[test]
fn a_dropped_event_is_found() {
    let mut s = Session::begun();
    s.ana(Kind::Chat);
    let gap = StrandError::Gap { author: technician(1), expected: 1, got: 2 };
    assert_eq!(s.anas_changed(|h| h.seq = 2), Err(gap));
    assert_eq!(gap.fault(), Fault::Missing);
    let wrong = StrandError::WrongPrev { author: technician(1), seq: 1 };
    assert_eq!(s.anas_changed(|h| h.prev = Some(Leaf([0; 32]))), Err(wrong));
    // The agent's first event dropped.
    let mut fresh = Strands::new(SESSION, key(1).verifier().clone());
    let mut agent = Author::new(SESSION, Strand::Agent);
    agent.write(Kind::Open { versions: vec![1] }, &body(), Wall::MIN, &key(1));
    let second = agent.write(Kind::Note, &body(), Wall::MIN, &key(1));
    assert_eq!(fresh.admit(&second), Err(StrandError::Gap { author: Strand::Agent, expected: 0, got: 1 }));
}

#[test]
fn seen_never_goes_back() {
    let mut s = Session::begun();
    let (open, joined) = (s.strands.leaf_at(Strand::Agent, 0).unwrap(), s.strands.leaf_at(Strand::Agent, 1).unwrap());
    s.ana(Kind::Chat);
    let see = |leaf| move |h: &mut Header| h.seen = BTreeMap::from([(Strand::Agent, leaf)]);
    assert_eq!(s.anas_changed(see(joined)), Ok(Admission::New));
    assert_eq!(s.anas_changed(see(open)), Err(StrandError::SeenWentBack(Strand::Agent)));
    assert_eq!(s.anas_changed(|h| h.seen.clear()), Err(StrandError::SeenWentBack(Strand::Agent)));
    assert_eq!(s.anas_changed(see(Leaf([0; 32]))), Err(StrandError::SeenUnknown(Strand::Agent)));
    // An event that exists, but in another strand than `seen` says.
    let own = s.strands.leaf_at(technician(1), 0).unwrap();
    assert_eq!(s.anas_changed(see(own)), Err(StrandError::SeenUnknown(Strand::Agent)));
}

#[test]
fn after_is_null_only_before_the_first_receipt() {
    let mut s = Session::begun();
    s.ana.receipted(after("a", 5));
    s.ana(Kind::Chat);
    assert_eq!(s.anas_changed(|h| h.after = None), Err(StrandError::AfterLost));
    assert_eq!(s.anas_changed(|_| {}), Ok(Admission::New));
}

#[test]
fn joins_name_strands_in_order_and_keys_once() {
    let mut s = Session::begun();
    let try_join = |s: &Session, kind| s.strands.check(&s.agent.clone().write(kind, &body(), Wall::MIN, &key(1)));
    let wrong = |expected, got| Err(StrandError::StrandNumber { expected, got });
    for got in [1, 3] {
        assert_eq!(try_join(&s, join(technician(got), &key(3))), wrong(technician(2), technician(got)));
    }
    assert_eq!(try_join(&s, join(observer(2), &key(3))), wrong(observer(1), observer(2)));
    for used in [1, 2] {
        assert_eq!(try_join(&s, join(technician(2), &key(used))), Err(StrandError::KeyInUse(technician(2))));
    }
    s.agent(join(observer(1), &key(3)));
    s.agent(join(technician(2), &key(4)));
    let strands: Vec<_> = s.strands.participants().map(|(strand, _)| strand.to_string()).collect();
    assert_eq!(strands, ["agent", "technician-1", "technician-2", "observer-1"]);
    assert_eq!(s.strands.key_of(technician(2)), Some(key(4).verifier()));
}

#[test]
fn a_signoff_names_what_is_there() {
    let mut s = Session::begun();
    s.ana(Kind::Chat);
    let good = s.ana.tips();
    let try_tips = |tips| s.anas_changed(|h| h.kind = Kind::Signoff { tips });
    assert_eq!(try_tips(good.clone()), Ok(Admission::New));
    for tip in [(1, good[&Strand::Agent].1), (3, good[&Strand::Agent].1), (2, Leaf([0; 32])), (0, Leaf([0; 32]))] {
        let mut tips = good.clone();
        tips.insert(Strand::Agent, tip);
        assert_eq!(try_tips(tips), Err(StrandError::WrongTip(Strand::Agent)));
    }
    let mut tips = good;
    tips.insert(technician(2), (1, Leaf([0; 32])));
    assert_eq!(try_tips(tips), Err(StrandError::WrongTip(technician(2))));
}

#[test]
fn an_author_never_goes_back() {
    let mut author = Author::new(SESSION, technician(1));
    let mut agent = Author::new(SESSION, Strand::Agent);
    let older = agent.write(Kind::Open { versions: vec![] }, &body(), Wall::MIN, &key(1));
    let newer = agent.write(Kind::Note, &body(), Wall::MIN, &key(1));
    author.follow(&newer);
    author.follow(&older);
    author.receipted(after("a", 9));
    author.receipted(after("a", 8));
    author.write(Kind::Chat, &body(), Wall::from_ms(50), &key(2));
    let event = author.write(Kind::Chat, &body(), Wall::from_ms(40), &key(2));
    let header = event.header();
    assert_eq!(header.time, Wall::from_ms(50));
    assert_eq!(header.after, Some(after("a", 9)));
    assert_eq!(header.seen, BTreeMap::from([(Strand::Agent, newer.leaf())]));
    author.receipted(after("b", 1));
    assert_eq!(author.after(), Some(&after("b", 1)), "a new log begins small");
}

#[test]
fn an_author_is_rebuilt_from_its_journal() {
    let mut s = Session::begun();
    s.ana.receipted(after("a", 9));
    let mut journal: Vec<_> = (0..2).map(|_| s.agent(Kind::Note)).collect();
    journal.push(s.ana(Kind::Chat));
    let mut again = Author::new(SESSION, technician(1));
    journal.iter().for_each(|event| again.follow(event));
    assert_eq!(again, s.ana);
}

/// Signature and chain are asked of a stored event, and what today's rules would refuse is left to the log it stands in.
#[test]
fn an_event_that_stands_in_the_log_is_restored_whatever_rules_came_since() {
    let write = |author: &mut Author, kind: Kind| {
        let parts = if crate::ledger::event::part_names(&kind).is_empty() { Vec::new() } else { body() };
        author.write(kind, &parts, Wall::from_ms(1), &key(1))
    };
    let mut author = Author::new(SESSION, Strand::Agent);
    author.receipted(after("log", 0));
    let open = write(&mut author, Kind::Open { versions: vec![1] });
    let mut twin = author.clone();
    // A close that counts somebody who never joined.
    let held = BTreeMap::from([(Strand::Agent, 2), (technician(3), 1)]);
    let close = write(&mut author, Kind::Close { by: Cause::Person, cause: Cause::Done, held });
    assert!(Event::parse(open.bytes()).is_err());
    let stored = [Event::stored(open.bytes()).unwrap(), Event::stored(close.bytes()).unwrap()];
    let mut strands = Strands::new(SESSION, key(1).verifier().clone());
    assert!(matches!(strands.restore(&stored[1]), Err(StrandError::Gap { .. })));
    strands.restore(&stored[0]).unwrap();
    assert_eq!(strands.check(&stored[1]), Err(StrandError::CountsStranger(technician(3))));
    assert!(matches!(strands.restore(&stored[0]), Err(StrandError::Gap { .. })), "once only");
    let foreign = twin.clone().write(Kind::Chat, &body(), Wall::from_ms(1), &key(2));
    assert_eq!(strands.restore(&foreign), Err(StrandError::ForeignKey(Strand::Agent)));
    let other = Author::new(SESSION, Strand::Agent).write(Kind::Chat, &body(), Wall::from_ms(1), &key(1));
    let mut torn = other.header().clone();
    (torn.seq, torn.prev) = (1, Some(other.leaf()));
    let wrong = StrandError::WrongPrev { author: Strand::Agent, seq: 1 };
    assert_eq!(strands.restore(&torn.sign(&key(1))), Err(wrong));
    let own = write(&mut twin, join(technician(1), &key(2)));
    let mut joined = strands.clone();
    joined.restore(&own).unwrap();
    let again = write(&mut twin, join(technician(1), &key(3)));
    assert!(matches!(joined.restore(&again), Err(StrandError::StrandNumber { .. })), "a strand keeps its key");
    assert_eq!(joined.key_of(technician(1)), Some(key(2).verifier()));
    strands.restore(&stored[1]).unwrap();
    assert_eq!(strands.closed(), Some(close.leaf()));
}
