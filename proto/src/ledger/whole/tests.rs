use super::*;
use crate::id::Strand;
use crate::key::{KeyName, SigningKey};
use crate::ledger::batch::Batch;
use crate::ledger::event::part_names;
use crate::ledger::kind::{Addition, Cause, Kind};
use crate::ledger::note;
use crate::ledger::part::Opening;
use crate::ledger::strand::Author;

fn log() -> SigningKey {
    SigningKey::new("log", [7; 32]).named(KeyName::new("relay.example/log").unwrap())
}

/// A log that is written while its tree is kept, so that events can quote it.
struct Written {
    entries: Vec<Vec<u8>>,
    tree: Reading,
    last: Option<Vec<u8>>,
}

impl Written {
    fn new() -> Self {
        Self { entries: Vec::new(), tree: Reading::new(log().verifier().clone()), last: None }
    }

    fn commit(&mut self, events: Vec<Vec<u8>>) {
        let origin = log().verifier().name.clone();
        let batch = Batch {
            origin,
            n: events.len() as u64,
            observed: Wall::from_ms(1_000),
            previous: self.last.as_deref().map(note::leaf),
        };
        let batch = batch.sign(&log());
        self.last = Some(batch.clone());
        for entry in std::iter::once(batch).chain(events) {
            self.tree.push(&entry).unwrap();
            self.entries.push(entry);
        }
    }

    fn after(&self) -> After {
        After { origin: log().verifier().name.clone(), size: self.tree.size(), root: self.tree.root() }
    }
}

struct Agent {
    key: SigningKey,
    author: Author,
}

impl Agent {
    fn new(n: u8) -> Self {
        Self { key: SigningKey::new("device", [n; 32]), author: Author::new(SessionId([n; 16]), Strand::Agent) }
    }

    fn write(&mut self, kind: Kind) -> Vec<u8> {
        let parts: Vec<_> =
            part_names(&kind).iter().map(|name| Opening::make([1; 32], b"{}").unwrap().part(*name, None)).collect();
        self.author.write(kind, &parts, Wall::from_ms(1_000), &self.key).bytes().to_vec()
    }

    fn open(&mut self) -> Vec<u8> {
        self.write(Kind::Open { versions: vec![1] })
    }

    fn close(&mut self) -> Vec<u8> {
        let held = self.author.held();
        self.write(Kind::Close { by: Cause::Person, cause: Cause::Done, held })
    }
}

fn walk(whole: &mut Whole, entries: &[Vec<u8>]) -> Result<Vec<Session>, Unsound> {
    let mut sessions = Vec::new();
    for (at, entry) in (whole.reading().size()..).zip(entries) {
        let taken = whole.push(at, entry, |_| "agent".to_owned(), |_| {})?;
        if let Some(owed) = taken.owed {
            settle(taken.index, &owed, &log().verifier().ready())?;
        }
        sessions.extend(std::iter::from_fn(|| whole.ready()));
    }
    sessions.extend(std::iter::from_fn(|| whole.rest()));
    whole.finish()?;
    Ok(sessions)
}

fn fresh() -> Whole {
    Whole::new(Reading::new(log().verifier().clone()))
}

/// Two sessions, one of them with an addendum after the other ended.
fn two() -> (Written, Agent) {
    let (mut written, mut one, mut two) = (Written::new(), Agent::new(1), Agent::new(2));
    written.commit(vec![one.open(), two.open()]);
    one.author.receipted(written.after());
    written.commit(vec![one.close()]);
    written.commit(vec![two.write(Kind::Note), two.close()]);
    let about = note::leaf(&written.entries[4]);
    written.commit(vec![one.write(Kind::Addendum { about, what: Addition::Rating })]);
    (written, one)
}

#[test]
fn every_session_is_judged_whole_however_little_is_held() {
    let (written, _) = two();
    let all = walk(&mut fresh(), &written.entries).unwrap();
    let told = |sessions: &[Session]| -> Vec<_> {
        let places = |session: &Session| session.places.iter().map(|place| place.entry).collect::<Vec<_>>();
        sessions.iter().map(|session| (session.id.0[0], places(session))).collect()
    };
    assert_eq!(told(&all), [(1, vec![1, 4, 9]), (2, vec![2, 6, 7])]);
    assert!(all.iter().all(|session| session.agent.is_some()));
    assert!(all.iter().all(|session| session.events.as_ref().map(Vec::len) == Some(3)), "read once");
    // With less room than one session takes they are let go or handed out early, and judged again for what came later.
    for held_max in [0, 1_000, 2_000, 4_000, 1 << 20] {
        let mut sessions = walk(&mut fresh().holding(held_max), &written.entries).unwrap();
        sessions.reverse();
        let mut newest = BTreeMap::new();
        for session in sessions {
            newest.entry(session.id).or_insert(session);
        }
        assert_eq!(told(&newest.into_values().collect::<Vec<_>>()), told(&all), "{held_max}");
    }
}

#[test]
fn e9_only_trees_this_log_had_are_quoted() {
    let (mut written, mut one) = two();
    let close = note::leaf(&written.entries[4]);
    let mut rating = |after: After, written: &mut Written| {
        one.author.receipted(after);
        let entry = one.write(Kind::Addendum { about: close, what: Addition::Rating });
        written.commit(vec![entry]);
    };
    let good = written.after();
    rating(good, &mut written);
    assert!(walk(&mut fresh(), &written.entries).is_ok());
    let mut false_root = written.after();
    false_root.root[0] ^= 1;
    rating(false_root, &mut written);
    let end = written.entries.len() as u64 - 1;
    assert_eq!(walk(&mut fresh(), &written.entries).unwrap_err().entry, end);
    // A size within a commit is no tree that was ever signed.
    let (mut written, mut one) = two();
    let mut within = Reading::new(log().verifier().clone());
    written.entries[..2].iter().for_each(|entry| drop(within.push(entry).unwrap()));
    one.author = Author::new(SessionId([3; 16]), Strand::Agent);
    one.author.receipted(After { origin: log().verifier().name.clone(), size: 2, root: within.root() });
    let entry = one.open();
    written.commit(vec![entry]);
    assert!(walk(&mut fresh(), &written.entries).unwrap_err().why.contains("never had"));
}

#[test]
fn f4_what_was_seen_before_must_still_be_there() {
    let (written, _) = two();
    let expecting = |size, root| {
        let mut whole = fresh();
        whole.expect(size, root)?;
        walk(&mut whole, &written.entries).map(drop)
    };
    let size = written.tree.size();
    assert!(expecting(size, written.tree.root()).is_ok());
    assert!(expecting(size, [0; 32]).unwrap_err().why.contains("not the log that was seen before"));
    assert!(expecting(size + 1, [0; 32]).unwrap_err().why.contains("was seen to have"));
    assert!(expecting(3, [0; 32]).is_err());
}

#[test]
fn a_walk_goes_on_where_another_stopped() {
    let (written, _) = two();
    let mut first = fresh();
    for (at, entry) in (0..).zip(&written.entries[..5]) {
        first.push(at, entry, |_| "agent".to_owned(), |_| {}).unwrap();
    }
    let saved = first.reading().save().unwrap();
    let owed: Vec<_> = first.unjudged().collect();
    assert_eq!(owed.len(), 2);
    let mut second = Whole::new(Reading::resume(log().verifier().clone(), &saved).unwrap());
    owed.into_iter().for_each(|session| second.owe(session));
    let sessions = walk(&mut second, &written.entries[5..]).unwrap();
    assert_eq!(sessions.len(), 2);
    assert!(sessions.iter().all(|session| session.agent.is_none() && session.events.is_none()), "read again, whole");
    assert_eq!(second.older().map(|(size, ..)| size).collect::<Vec<_>>(), [3], "a quote of a tree from before");
    assert!(held_against((3, [1; 32], 9), &[2; 32]).is_err());
}

#[test]
fn a_session_opens_once_also_when_only_news_are_read() {
    let (mut written, _) = two();
    let saved = written.tree.save().unwrap();
    let again = Agent::new(1).open();
    written.commit(vec![again]);
    let mut news = Whole::new(Reading::resume(log().verifier().clone(), &saved).unwrap());
    let size = usize::try_from(saved.size).unwrap();
    walk(&mut news, &written.entries[size..]).unwrap();
    let session = SessionId([1; 16]);
    assert_eq!(news.unproven_new().collect::<Vec<_>>(), [session]);
    let place = |entry| Place { entry, at: entry, observed: Wall::from_ms(0) };
    assert!(news.check_new(session, &[place(saved.size + 1)]).is_ok());
    assert_eq!(news.check_new(session, &[place(1)]).unwrap_err().entry, saved.size + 1);
}

#[test]
fn a_forged_note_of_the_relays_is_told_by_its_entry() {
    let (mut written, _) = two();
    let forger = SigningKey::new("log", [8; 32]).named(log().verifier().name.clone());
    let batch = Batch {
        origin: log().verifier().name.clone(),
        n: 0,
        observed: Wall::from_ms(1_000),
        previous: written.last.as_deref().map(note::leaf),
    };
    written.entries.push(batch.sign(&forger));
    assert_eq!(walk(&mut fresh(), &written.entries).unwrap_err().entry, written.entries.len() as u64 - 1);
}
