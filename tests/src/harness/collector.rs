//! An outside collector of receipts: opens many small sessions at a relay, keeps every receipt it was ever given, and
//! holds them all against the relay's log afterwards.
//!
//! It trusts nothing: each receipt is verified when it comes, two roots of one size end the test at once, and at the end
//! the whole tree is derived again from the raw entries, never from a stored hash. A relay that released a receipt before
//! it was durable, or signed two histories, can't get past it, however often it dies. (LEDGER section 8)

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::Mutex;

use tokio::sync::watch;
use venia_proto::id::{Leaf, SessionId, Strand};
use venia_proto::key::{SigningKey, VerifierKey};
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::event::{After, Event, part_names};
use venia_proto::ledger::kind::{Cause, Kind, Verified};
use venia_proto::ledger::merkle::{Hash, Tree, verify_consistency, verify_inclusion};
use venia_proto::ledger::note::{self, Note};
use venia_proto::ledger::part::Opening;
use venia_proto::ledger::proof::Proof;
use venia_proto::ledger::strand::Author;
use venia_proto::now::Wall;
use venia_proto::rendezvous::{Answer, Call, PairingOutcome, SUBMIT_MAX};
use venia_relay::client::control::{Control, ControlError, Hearing};
use venia_relay::client::link::{Link, Role};
use venia_relay::client::receipt::{self, Held};
use venia_relay::server::ledger::Store as _;
use venia_relay::server::ledger::sqlite::Sqlite;
use venia_relay::server::serve::DATABASE;

use super::world::World;
use super::{PATIENCE, within};
use crate::sim::random::Random;

const TECHNICIAN: Strand = Strand::Technician(NonZeroU16::MIN);

/// A receipt as it was given.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// The event.
    pub leaf: Leaf,
    /// Its place.
    pub index: u64,
    /// The proof.
    pub path: Vec<Hash>,
    /// The tree it was proven against.
    pub size: u64,
}

/// Every receipt and checkpoint anybody was ever given.
#[derive(Default)]
pub struct Collector {
    held: Mutex<Collected>,
    count: watch::Sender<usize>,
}

#[derive(Default)]
struct Collected {
    receipts: Vec<Receipt>,
    roots: BTreeMap<u64, Hash>,
    places: HashMap<Leaf, u64>,
}

impl Collector {
    /// Keeps a receipt. Panics if it contradicts one given before.
    fn keep(&self, receipt: Receipt, checkpoint: &Checkpoint) {
        let mut held = self.held.lock().unwrap();
        let root = held.roots.entry(checkpoint.size).or_insert(checkpoint.root);
        assert_eq!(*root, checkpoint.root, "two trees of {} leaves were signed", checkpoint.size);
        let place = *held.places.entry(receipt.leaf).or_insert(receipt.index);
        assert_eq!(place, receipt.index, "one event has two places");
        held.receipts.push(receipt);
        self.count.send_replace(held.receipts.len());
    }

    /// How many receipts were given so far.
    pub fn receipts(&self) -> usize {
        *self.count.borrow()
    }

    /// Waits until there are so many.
    pub async fn collected(&self, enough: usize) {
        // The sender is our own and lives.
        let _ = self.count.subscribe().wait_for(|count| *count >= enough).await;
    }

    /// Holds everything ever given against the log as the dead relay left it in this folder, from raw entries alone.
    /// Gives the size of the log.
    pub fn audit(&self, data: &Path) -> u64 {
        let held = self.held.lock().unwrap();
        // A copy: what the kill left half written is the relay's own to mend.
        let copy = tempfile::tempdir().unwrap();
        for name in [DATABASE.to_owned(), format!("{DATABASE}-wal")].iter().filter(|name| data.join(name).exists()) {
            std::fs::copy(data.join(name), copy.path().join(name)).unwrap();
        }
        let store = Sqlite::open(&copy.path().join(DATABASE)).unwrap();
        let size = store.head().unwrap().unwrap().size;
        let (mut tree, mut leaves, mut seen) = (Tree::new(), Vec::new(), 0);
        for index in 0..size {
            let leaf = note::leaf(&store.entry(index).unwrap().unwrap());
            leaves.push(leaf);
            tree.append(leaf, |_, _, _| ());
            if let Some(root) = held.roots.get(&tree.size()) {
                assert_eq!(*root, tree.root(), "the checkpoint of size {} isn't this log's", tree.size());
                seen += 1;
            }
        }
        assert_eq!(seen, held.roots.len(), "a checkpoint was given of a tree the log never reached");
        for receipt in &held.receipts {
            let root = &held.roots[&receipt.size];
            assert_eq!(leaves.get(usize::try_from(receipt.index).unwrap()), Some(&receipt.leaf), "{receipt:?}");
            verify_inclusion(receipt.leaf, receipt.index, receipt.size, root, &receipt.path).unwrap();
        }
        size
    }

    /// The relay proves each checkpoint of a session a prefix of its newest, and every receipted event to be in it.
    async fn question(&self, control: &Control, session: &Small) {
        let log = &control.welcome().relay.log;
        let receipts: Vec<Receipt> = {
            let held = self.held.lock().unwrap();
            let leaves: Vec<Leaf> = session.notes.iter().map(|note| note::leaf(note)).collect();
            held.receipts.iter().filter(|receipt| leaves.contains(&receipt.leaf)).cloned().collect()
        };
        let Some(first) = receipts.first() else { return };
        let proofs = receipt::fetch(control, session.id, first.size, None, PATIENCE).await.unwrap();
        let newest = Checkpoint::open(&proofs.checkpoint, log).unwrap();
        let old = self.held.lock().unwrap().roots[&first.size];
        verify_consistency(first.size, newest.size, &old, &newest.root, &proofs.consistency).unwrap();
        for (seq, note) in (0..).zip(&session.notes[..session.receipted]) {
            let entry = &proofs.entries[&(Strand::Agent, seq)];
            let leaf = note::leaf(note);
            assert_eq!(self.held.lock().unwrap().places.get(&leaf), Some(&entry.index), "event {seq} has moved");
            verify_inclusion(leaf, entry.index, newest.size, &newest.root, &entry.path).unwrap();
        }
    }
}

/// A member who comes for every session, so that it may begin.
pub struct Member {
    key: SigningKey,
    note: Vec<u8>,
    control: Control,
}

impl Member {
    /// Enrols.
    pub async fn enrolled(world: &World) -> Self {
        let invite = world.invite("Collector", 2);
        let key = SigningKey::new("member", seed());
        let (control, _) = connect(world, &key, Role::Console).await.unwrap();
        let enroll = Call::Enroll { secret: invite.secret.as_bytes().to_vec(), key: key.verifier().to_string() };
        let Answer::Member { note } = within("the enrolment", control.call(enroll)).await.unwrap() else {
            panic!("no member note")
        };
        Self { key, note, control }
    }

    /// Comes back after the relay did.
    pub async fn return_to(&mut self, world: &World) {
        self.control = connect(world, &self.key, Role::Console).await.unwrap().0;
    }
}

/// One small session of the collector's.
pub struct Small {
    id: SessionId,
    key: SigningKey,
    author: Author,
    random: Random,
    notes: Vec<Vec<u8>>,
    receipted: usize,
    known: Option<Checkpoint>,
    /// Events it will have, the close included.
    length: usize,
}

impl Small {
    /// A session nobody knows yet.
    pub fn new(random: &mut Random) -> Self {
        let id = SessionId(seed::<16>());
        let length = random.between(3, 40) as usize;
        let author = Author::new(id, Strand::Agent);
        let key = SigningKey::new("device", seed());
        Self {
            id,
            key,
            author,
            random: Random::new(random.draw()),
            notes: Vec::new(),
            receipted: 0,
            known: None,
            length,
        }
    }

    /// Whether everything of it has a receipt.
    pub fn is_over(&self) -> bool {
        self.receipted == self.length
    }

    /// Writes what comes next into its own record, as an agent journals before it submits.
    fn write(&mut self, member: &VerifierKey) {
        let kind = match self.notes.len() {
            0 => Kind::Open { versions: vec![1] },
            1 => Kind::Join { strand: TECHNICIAN, key: member.clone(), verified: Verified::Code },
            n if n + 1 == self.length => {
                Kind::Close { by: Cause::Person, cause: Cause::Done, held: self.author.held() }
            }
            _ => Kind::Chat,
        };
        let parts: Vec<_> =
            part_names(&kind).iter().map(|name| Opening::make(seed(), b"{}").unwrap().part(*name, None)).collect();
        let event = self.author.write(kind, &parts, Wall::from_ms(0), &self.key);
        self.notes.push(event.bytes().to_vec());
    }

    /// The next submission: what has no receipt yet, a few new events, sometimes something old once more.
    fn next(&mut self, member: &VerifierKey) -> Vec<Vec<u8>> {
        for _ in 0..self.random.between(1, 3) {
            if self.notes.len() < self.length {
                self.write(member);
            }
        }
        let again = self.random.percent(25) && self.receipted > 0;
        let from = if again { self.random.between(0, self.receipted as u64 - 1) as usize } else { self.receipted };
        self.notes[from..].iter().take(SUBMIT_MAX).cloned().collect()
    }

    fn take(&mut self, notes: &[Vec<u8>], answer: Answer, control: &Control, collector: &Collector) {
        let Answer::Receipts { checkpoint, consistency, entries } = answer else { panic!("{answer:?}") };
        let checkpoint = Checkpoint::open(&checkpoint, &control.welcome().relay.log).unwrap();
        if let Some(known) = &self.known {
            verify_consistency(known.size, checkpoint.size, &known.root, &checkpoint.root, &consistency).unwrap();
        }
        assert_eq!(entries.len(), notes.len());
        for (note, entry) in notes.iter().zip(entries) {
            let leaf = note::leaf(note);
            verify_inclusion(leaf, entry.index, checkpoint.size, &checkpoint.root, &entry.path).unwrap();
            let receipt = Receipt { leaf, index: entry.index, path: entry.path, size: checkpoint.size };
            collector.keep(receipt, &checkpoint);
            if self.notes.get(self.receipted) == Some(note) {
                self.receipted += 1;
            }
        }
        let after = After { origin: checkpoint.origin.clone(), size: checkpoint.size, root: checkpoint.root };
        self.author.receipted(after);
        self.known = Some(checkpoint);
    }
}

/// One session recorded event by event, for benches.
pub struct Single {
    session: Small,
    control: Control,
    member: Member,
    first: Option<Proof>,
}

impl Single {
    /// A session of so many events that has begun: `open` and `join` are recorded.
    pub async fn begun(world: &World, member: Member, length: usize, collector: &Collector) -> Self {
        let mut session = Small::new(&mut Random::new(1));
        session.length = length;
        let (control, pushes) = connect(world, &session.key, Role::Agent).await.unwrap();
        begin(&control, pushes, &member, session.id).await.unwrap();
        let mut single = Self { session, control, member, first: None };
        single.record(collector).await;
        single.record(collector).await;
        single
    }

    /// Writes the next event, submits it and verifies its receipt.
    pub async fn record(&mut self, collector: &Collector) {
        self.session.write(self.member.key.verifier());
        let events = self.session.notes[self.session.receipted..].to_vec();
        let known = self.session.known.as_ref().map_or(0, |known| known.size);
        let answer = self.control.call(Call::Submit { events: events.clone(), known }).await.unwrap();
        if let (None, Answer::Receipts { checkpoint, entries, .. }) = (&self.first, &answer) {
            let (index, siblings) = (entries[0].index, entries[0].path.clone());
            self.first = Some(Proof { index, siblings, checkpoint: Note::parse(checkpoint).unwrap(), extra: None });
        }
        self.session.take(&events, answer, &self.control, collector);
    }

    /// Records what is left of it and makes the bundle, every part withheld.
    pub async fn bundle(mut self, collector: &Collector) -> Vec<u8> {
        while !self.session.is_over() {
            self.record(collector).await;
        }
        let first = self.first.unwrap();
        let size = Checkpoint::open(&first.checkpoint.to_bytes(), &self.control.welcome().relay.log).unwrap().size;
        let proofs = receipt::fetch(&self.control, self.session.id, size, None, PATIENCE).await.unwrap();
        let held = Held {
            statement: self.control.welcome().statement_note.clone(),
            agent: self.session.key.verifier().clone(),
            events: self.session.notes.iter().map(|note| Event::parse(note).unwrap()).collect(),
            openings: BTreeMap::new(),
            members: BTreeMap::from([(TECHNICIAN, self.member.note)]),
            first,
            receipt: None,
            readme: None,
        };
        receipt::assemble(&held, Some(&proofs)).unwrap().to_zip().unwrap()
    }
}

/// Carries sessions on at a living relay, all at once, until `killed` says that it was killed or all are over.
pub async fn carry_on(
    world: &World,
    member: &Member,
    sessions: &mut [Small],
    collector: &Collector,
    killed: watch::Receiver<bool>,
) {
    let each = sessions.iter_mut().map(|session| {
        let mut killed = killed.clone();
        async move {
            tokio::select! {
                // What has already arrived is taken before the relay's death is: it was given.
                biased;
                () = carry_one(world, member, session, collector) => (),
                _ = killed.wait_for(|killed| *killed) => (),
            }
        }
    });
    together(each).await;
}

async fn carry_one(world: &World, member: &Member, session: &mut Small, collector: &Collector) {
    // A relay that dies just now answers nobody; what it does answer must be right.
    let Some((control, pushes)) = connect(world, &session.key, Role::Agent).await else { return };
    if session.receipted < 2 && begin(&control, pushes, member, session.id).await.is_none() {
        return;
    }
    while !session.is_over() {
        let notes = session.next(member.key.verifier());
        let known = session.known.as_ref().map_or(0, |known| known.size);
        match control.call(Call::Submit { events: notes.clone(), known }).await {
            Ok(answer) => session.take(&notes, answer, &control, collector),
            Err(ControlError::Unreachable(_)) => return,
            Err(error) => panic!("the relay refuses what it must record: {error:?}"),
        }
    }
}

/// A number, and the member comes for it.
async fn begin(control: &Control, mut pushes: Hearing, member: &Member, session: SessionId) -> Option<()> {
    let Ok(Answer::Registered { number }) = control.call(Call::Register { session }).await else { return None };
    let Ok(Answer::Joined { flow, .. }) = member.control.call(Call::Join { number }).await else { return None };
    pushes.push().await?;
    control.call(Call::Paired { flow, outcome: PairingOutcome::Agreed }).await.ok()?;
    control.call(Call::EndFlow { flow }).await.ok()?;
    Some(())
}

/// Asks the relay, alive again, to prove all of it.
pub async fn question(world: &World, sessions: &[Small], collector: &Collector) {
    for session in sessions.iter().filter(|session| session.receipted > 0) {
        let (control, _) = connect(world, &session.key, Role::Agent).await.unwrap();
        collector.question(&control, session).await;
    }
}

async fn connect(world: &World, key: &SigningKey, role: Role) -> Option<(Control, Hearing)> {
    let link = Link::bind(None, key, world.listening(), role).unwrap();
    Control::connect(&link, &world.address.root, None).await.ok()
}

/// Polls all of them to their end.
async fn together<F: Future<Output = ()>>(futures: impl Iterator<Item = F>) {
    let mut waiting: Vec<_> = futures.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        waiting.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if waiting.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

fn seed<const N: usize>() -> [u8; N] {
    let mut seed = [0; N];
    getrandom::fill(&mut seed).unwrap();
    seed
}
