//! Looks at every input and output of an agent's machine and tells the first rule that breaks.
//!
//! It keeps what an outsider can know: the cards shown, the answers given, what was recorded, journalled and receipted,
//! what was performed and sent. It never looks inside the machine, except to ask whether it is at rest.

use std::collections::{BTreeMap, BTreeSet};

use venia_proto::catalog::{Catalog, Effect};
use venia_proto::consent::{Card, CardId, Choice, EntryRef, Question, RunId, wanted};
use venia_proto::id::Strand;
use venia_proto::ledger::body::{Arguments, DefinitionHash, ItemId, Request};
use venia_proto::ledger::kind::{Answer, Cause, Kind, Status};
use venia_proto::now::{Now, Wall};
use venia_proto::report::Report;
use venia_proto::scope::Scope;
use venia_proto::session::agent::{Agent, EVENTS_PER_MINUTE, Entry, Finished, Input, Output, Tell};
use venia_proto::session::close::Close;
use venia_proto::session::gate::BatchId;

use super::items::{LEVEL, OTHER};
use super::model::Model;
use super::{invariants, looks};

/// A broken rule, in words.
pub type Broken = String;

/// An output as it was seen; the permit is spent.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the same names as the machine's outputs")]
pub enum Seen {
    Record { batch: BatchId, entries: Vec<Entry> },
    Ask(Card),
    Withdraw(CardId),
    Tell(Tell),
    Perform { run: RunId, item: ItemId, definition: DefinitionHash, arguments: Arguments, grant: EntryRef },
    Kill(RunId),
    Send(EntryRef),
    SendBare(EntryRef),
    Cut,
    CloseRecorded,
    Closed(Close),
    Released,
}

impl From<Output> for Seen {
    fn from(output: Output) -> Self {
        match output {
            Output::Record { batch, entries } => Self::Record { batch, entries },
            Output::Ask(card) => Self::Ask(card),
            Output::Withdraw(card) => Self::Withdraw(card),
            Output::Tell(tell) => Self::Tell(tell),
            Output::Perform(permit) => Self::Perform {
                run: permit.run(),
                item: permit.item().clone(),
                definition: permit.definition().clone(),
                arguments: permit.arguments().clone(),
                grant: permit.grant(),
            },
            Output::Kill(run) => Self::Kill(run),
            Output::Send(entry) => Self::Send(entry),
            Output::SendBare(entry) => Self::SendBare(entry),
            Output::Cut => Self::Cut,
            Output::SendCloseRecorded => Self::CloseRecorded,
            Output::Closed(close) => Self::Closed(close),
            Output::Released => Self::Released,
        }
    }
}

/// One input and everything that came of it.
pub struct Step<'a> {
    /// The catalogue.
    pub catalog: &'a Catalog,
    /// When it came in.
    pub now_ms: u64,
    /// When the outputs left: writing a record takes time.
    pub left_ms: u64,
    /// What came in.
    pub input: &'a Input,
    /// What came out, in order.
    pub outputs: &'a [Seen],
}

impl Step<'_> {
    /// Whether the session ends in this step.
    pub fn ends(&self) -> bool {
        self.outputs.iter().any(|seen| matches!(seen, Seen::Closed(_)))
    }
}

/// What the model says must come of an input when nothing fails.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// These requests run now.
    pub performed: BTreeSet<EntryRef>,
    /// This request is admitted.
    pub admitted: Option<EntryRef>,
    /// This request is refused and ends the session.
    pub misbehaved: Option<EntryRef>,
    /// This request is legal, whatever becomes of it.
    pub legal: Option<EntryRef>,
}

/// Everything an outsider knows.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// What may happen.
    pub model: Model,
    /// What must happen in this step.
    pub expected: Expected,
    /// Events by author.
    pub counts: BTreeMap<Strand, u64>,
    /// Every event's batch, and the kind of the agent's own.
    pub record: BTreeMap<EntryRef, (Option<Kind<EntryRef>>, BatchId)>,
    /// Requests of the `admit` events, in order: run n is the n-th.
    pub admits: Vec<EntryRef>,
    /// What each request wanted.
    pub wanted: BTreeMap<EntryRef, Request>,
    /// The newest batch on disk.
    pub disk: Option<BatchId>,
    /// The newest batch in the ledger.
    pub ledger: Option<BatchId>,
    /// The newest batch in a tree that witnesses cosigned.
    pub witnessed: Option<BatchId>,
    /// Whether the owner of this PC lets nothing run before that.
    pub strict: bool,
    /// The card on the screen, and since when.
    pub card: Option<(Card, u64)>,
    /// What the person was last shown of it.
    pub shown: String,
    /// The answer this input gave to it.
    pub answer: Option<(Card, Choice)>,
    /// When the person last said no to a scope.
    pub refused: BTreeMap<Scope, u64>,
    /// Refused cards so far.
    pub refusals: u32,
    /// Runs that were performed.
    pub performed: BTreeSet<RunId>,
    /// Events sent, with or without words.
    pub sent: BTreeSet<EntryRef>,
    /// The technician's chat lines, in order, and how many the person saw.
    pub lines: (Vec<EntryRef>, usize),
    /// What the person last ticked on a card, by what it is about: it comes back so after a pause.
    pub boxes: BTreeMap<EntryRef, BTreeSet<ItemId>>,
    /// What was ticked when they said yes.
    pub ticked_of: BTreeMap<EntryRef, BTreeSet<ItemId>>,
    /// Runs whose results the person looked at and let go.
    pub let_go: BTreeSet<RunId>,
    /// What previews that ended well were asked, and when that was.
    pub previewed: BTreeMap<Arguments, BTreeSet<u64>>,
    /// Whether the session is over.
    pub closed: bool,
    /// Whether nothing is awaited any more.
    pub released: bool,
    /// A service this PC never met, since its arrival was receipted.
    pub first_seen: Option<u64>,
    relay_lost: bool,
    link_lost: bool,
    /// Since when nobody looks.
    unseen_ms: Option<u64>,
    resumed_ms: Option<u64>,
    paused_by: Option<Cause>,
    withdrawn: Option<Card>,
    minute: (u64, u32),
    arrived: bool,
}

/// Gives the machine an input at one time, takes its outputs at another, and checks every rule.
pub fn step(
    agent: &mut Agent,
    watch: &mut Watch,
    catalog: &Catalog,
    (now_ms, left_ms): (u64, u64),
    wall: Wall,
    input: Input,
) -> Result<Vec<Seen>, Broken> {
    agent.handle(catalog, Now { boot_ms: now_ms, wall }, input.clone());
    let left = Now { boot_ms: left_ms, wall };
    let outputs: Vec<Seen> = std::iter::from_fn(|| agent.poll_output(left)).map(Seen::from).collect();
    let step = Step { catalog, now_ms, left_ms, input: &input, outputs: &outputs };
    watch.before(&step);
    for seen in &outputs {
        for rule in invariants::OF_OUTPUTS.iter().chain(looks::OF_OUTPUTS) {
            rule(watch, &step, seen)?;
        }
        watch.note(&step, seen);
    }
    for rule in invariants::OF_STEPS {
        rule(watch, &step)?;
    }
    invariants::invariant_9_at_rest_nothing_is_left(watch, agent, now_ms)?;
    Ok(outputs)
}

impl Watch {
    /// Of a PC whose owner lets nothing run before witnesses cosigned its admission.
    pub fn strict() -> Self {
        Self { strict: true, ..Self::default() }
    }

    /// The kind of one of the agent's events.
    pub fn kind(&self, entry: EntryRef) -> Option<&Kind<EntryRef>> {
        self.record.get(&entry).and_then(|(kind, _)| kind.as_ref())
    }

    /// Whether the ledger holds an event.
    pub fn is_receipted(&self, entry: EntryRef) -> bool {
        self.record.get(&entry).is_some_and(|(_, batch)| self.ledger >= Some(*batch))
    }

    /// Whether this PC's disk holds an event.
    pub fn is_journalled(&self, entry: EntryRef) -> bool {
        self.record.get(&entry).is_some_and(|(_, batch)| self.disk >= Some(*batch))
    }

    /// Requests the record holds.
    pub fn wanted_and_recorded(&self) -> Vec<EntryRef> {
        self.wanted.keys().filter(|request| self.record.contains_key(request)).copied().collect()
    }

    /// The request of an admit.
    pub fn request_of(&self, admit: EntryRef) -> Option<EntryRef> {
        match self.kind(admit) {
            Some(Kind::Admit { request, .. }) => Some(*request),
            Some(_) | None => None,
        }
    }

    /// What the input alone means, by the model.
    fn before(&mut self, step: &Step<'_>) {
        (self.answer, self.expected) = (None, Expected::default());
        if let Input::Slept { ms } = step.input {
            self.model.dozes(*ms);
        }
        self.model.time_is(step.now_ms);
        // No eyes, no run: half a minute without anybody who looks.
        if self.unseen_ms.take_if(|since| step.now_ms >= *since + 30_000).is_some() {
            self.loses();
        }
        let silent = self.card.take_if(|(_, asked_ms)| step.now_ms >= *asked_ms + 120_000);
        self.withdrawn = silent.map(|(card, _)| card);
        match step.input {
            Input::Arrived(arrival) if !self.arrived => {
                self.arrived = true;
                self.minute = (step.now_ms, 0);
                self.first_seen = (!arrival.known_root).then_some(u64::MAX);
            }
            Input::RelayLost => {
                self.relay_lost = true;
                self.loses();
            }
            Input::LinkLost => {
                self.link_lost = true;
                self.loses();
            }
            Input::LinkFound => self.link_lost = false,
            Input::RelayFound => self.relay_lost = false,
            Input::EyesLost => drop(self.unseen_ms.get_or_insert(step.now_ms)),
            Input::EyesBack | Input::PersonGone => self.unseen_ms = None,
            Input::Slept { ms } if *ms > 5_000 && self.model.known => self.model.pauses(true),
            Input::Journalled(batch) => self.disk = self.disk.max(Some(*batch)),
            Input::Receipted(batch) => self.receipted(step, *batch),
            Input::Witnessed(batch) => {
                self.witnessed = self.witnessed.max(Some(*batch));
                self.runs_due();
            }
            Input::NotRecorded(batch) => {
                let record = &self.record;
                let waits = |request: &EntryRef| {
                    record.values().any(|(kind, of)| {
                        of == batch
                            && matches!(kind, Some(Kind::Admit { request: admitted, .. }) if admitted == request)
                    })
                };
                self.model.runs.retain(|request, run| run.running || !waits(request));
            }
            Input::Run { seq, request } | Input::Ask { seq, request } => self.requested(step, *seq, request),
            Input::Said { seq, chat, .. } => {
                let line = self.is_next(step, *seq).filter(|_| *chat);
                self.lines.0.extend(line);
            }
            Input::SignedOff { seq } => drop(self.is_next(step, *seq)),
            Input::Shown { card, text, .. } => {
                if self.card.as_ref().is_some_and(|(open, _)| open.id == *card) {
                    self.shown.clone_from(text);
                }
            }
            Input::Answered { card, choice, shown } => {
                let counts = *choice == Choice::Deny || !shown.is_empty() && *shown == self.shown;
                self.answer =
                    self.card.take_if(|(open, _)| open.id == *card && counts).map(|(open, _)| (open, *choice));
                if let Some((Card { question: Question::Preview { run }, .. }, Choice::Allow { .. })) = &self.answer {
                    self.let_go.insert(*run);
                }
            }
            Input::Ticked { card, ticked } => {
                if let Some((open, _)) = self.card.as_ref().filter(|(open, _)| open.id == *card && open.has_boxes()) {
                    self.shown.clear();
                    let boxes = open.items.iter().map(|allowed| &allowed.item);
                    self.boxes.insert(open.asked, boxes.filter(|item| ticked.contains(*item)).cloned().collect());
                }
            }
            Input::Finished { run, outcome: Finished::Reported { report, .. } } => self.reported(step, *run, report),
            Input::Arrived(_)
            | Input::Slept { .. }
            | Input::Stop
            | Input::JournalFailed
            | Input::Revoked
            | Input::LogDoubted
            | Input::Left
            | Input::Nonsense { .. }
            | Input::PersonSays(_)
            | Input::Finished { outcome: Finished::Failed(_), .. }
            | Input::Tick => {}
        }
    }

    /// What is ticked on a card by the person's own acts; before any, all but what reads personal data.
    pub fn ticked(&self, step: &Step<'_>, card: &Card) -> BTreeSet<ItemId> {
        let boxes = card.items.iter().map(|allowed| &allowed.item);
        match self.boxes.get(&card.asked) {
            Some(ticked) if card.has_boxes() => ticked.clone(),
            None if card.has_boxes() => {
                let empty = |item: &ItemId| step.catalog.get(item).is_some_and(|item| item.personal);
                boxes.filter(|item| !empty(item)).cloned().collect()
            }
            Some(_) | None => boxes.cloned().collect(),
        }
    }

    /// What a run brought: for the person to look at, or a preview of a change.
    fn reported(&mut self, step: &Step<'_>, run: RunId, report: &Report) {
        let Some(request) = self.admits.get(run.0 as usize).copied().filter(|_| self.performed.contains(&run)) else {
            return;
        };
        let Some(wanted) = self.model.runs.get(&request).filter(|run| run.running).map(|run| &run.wanted) else {
            return;
        };
        if step.catalog.get(&wanted.item).is_some_and(|item| item.personal) {
            self.model.is_looked_at(request);
        } else if wanted.item.0 == OTHER && report.plan().is_some() {
            self.previewed.entry(wanted.arguments.clone()).or_default().insert(step.now_ms);
        }
    }

    fn loses(&mut self) {
        if self.model.known {
            self.model.pauses(false);
        }
    }

    fn receipted(&mut self, step: &Step<'_>, batch: BatchId) {
        self.disk = self.disk.max(Some(batch));
        self.ledger = self.ledger.max(Some(batch));
        if self.first_seen == Some(u64::MAX) {
            self.first_seen = Some(step.now_ms);
        }
        self.runs_due();
    }

    /// What is admitted and on record as the owner of this PC wants it runs now.
    fn runs_due(&mut self) {
        let in_ledger = |request: &EntryRef| {
            self.record.iter().any(|(entry, (kind, batch))| {
                matches!(kind, Some(Kind::Admit { request: of, .. }) if of == request)
                    && self.is_receipted(*entry)
                    && (!self.strict || self.witnessed >= Some(*batch))
            })
        };
        let due = self.model.runs.iter().filter(|(request, run)| !run.running && in_ledger(request));
        self.expected.performed = due.map(|(request, _)| *request).collect();
        for request in &self.expected.performed {
            self.model.is_receipted(*request);
        }
    }

    /// The technician's event, if it comes in its place and isn't one too many.
    fn is_next(&mut self, step: &Step<'_>, seq: u64) -> Option<EntryRef> {
        let author = super::items::TECHNICIAN;
        if !self.arrived || self.counts.get(&author).copied().unwrap_or(0) != seq {
            return None;
        }
        if step.now_ms.saturating_sub(self.minute.0) >= 60_000 {
            self.minute = (step.now_ms, 0);
        }
        self.minute.1 += 1;
        (self.minute.1 <= EVENTS_PER_MINUTE).then_some(EntryRef { author, seq })
    }

    fn requested(&mut self, step: &Step<'_>, seq: u64, request: &Request) {
        let asks = matches!(step.input, Input::Ask { .. });
        let Some(entry) = self.is_next(step, seq) else { return };
        self.wanted.insert(entry, request.clone());
        if !self.model.known {
            self.expected.misbehaved = (!asks).then_some(entry);
            return;
        }
        let Some(item) = step.catalog.find(&request.item, &request.definition) else {
            self.expected.legal = Some(entry);
            return;
        };
        let covered = self.model.grants.keys().any(|grant| self.model.covers(*grant, request));
        let reads = item.effect == Effect::Reads;
        let resumed = self.resumed_ms.is_some_and(|at| step.now_ms < at + 10_000);
        if asks
            || (wanted(item, &request.arguments, LEVEL).is_ok() && (self.model.paused || !reads || covered || resumed))
        {
            self.expected.legal = Some(entry);
        } else {
            self.expected.misbehaved = Some(entry);
        }
        if !asks && reads && covered && self.model.runs.len() < 4 && self.expected.legal.is_some() {
            self.expected.admitted = Some(entry);
        }
    }

    /// Takes an output into account, after it was judged.
    fn note(&mut self, step: &Step<'_>, seen: &Seen) {
        match seen {
            Seen::Record { batch, entries } => {
                for entry in entries {
                    self.recorded(step, *batch, entry);
                }
            }
            Seen::Ask(card) => {
                // Shown again as it stands, it keeps what was shown; another card, or other ticks, were shown to nobody yet.
                if self.card.as_ref().is_none_or(|(open, _)| open != card) {
                    self.shown.clear();
                }
                self.card = Some((card.clone(), step.now_ms));
            }
            Seen::Withdraw(card) => {
                let open = self.card.take_if(|(open, _)| open.id == *card).map(|(card, _)| card);
                self.withdrawn = open.or(self.withdrawn.take());
            }
            Seen::Perform { run, .. } => {
                self.performed.insert(*run);
                if let Some(request) = self.admits.get(run.0 as usize) {
                    self.model.starts(*request, step.now_ms);
                }
            }
            Seen::Send(entry) | Seen::SendBare(entry) => drop(self.sent.insert(*entry)),
            Seen::Closed(_) => {
                self.closed = true;
                self.model.ends();
            }
            Seen::Released => self.released = true,
            Seen::Tell(Tell::Said(_)) => self.lines.1 += 1,
            Seen::Tell(_) | Seen::Kill(_) | Seen::Cut | Seen::CloseRecorded => {}
        }
    }

    fn recorded(&mut self, step: &Step<'_>, batch: BatchId, entry: &Entry) {
        let author = match entry {
            Entry::Own { .. } => Strand::Agent,
            Entry::Theirs(theirs) => theirs.author,
        };
        let count = self.counts.entry(author).or_default();
        let name = EntryRef { author, seq: *count };
        *count += 1;
        let Entry::Own { kind, .. } = entry else {
            self.record.insert(name, (None, batch));
            return;
        };
        self.record.insert(name, (Some(kind.clone()), batch));
        match kind {
            Kind::Consent { answer: Answer::Yes, .. } => self.said_yes(step, name),
            Kind::Consent { .. } => self.said_no(step),
            Kind::Admit { request, grant } => {
                self.admits.push(*request);
                if let Some(wanted) = self.wanted.get(request).cloned() {
                    self.model.admits(*request, *grant, wanted, step.now_ms);
                }
            }
            Kind::Result { admit, status: Status::Done | Status::Unknown | Status::Failed | Status::Withheld } => {
                if let Some(request) = self.request_of(*admit) {
                    self.model.runs.remove(&request);
                }
            }
            Kind::Pause { cause, .. } => self.paused_by = Some(*cause),
            Kind::Open { .. }
            | Kind::Join { .. }
            | Kind::Request
            | Kind::Refuse { .. }
            | Kind::Result { .. }
            | Kind::Series { .. }
            | Kind::Chat
            | Kind::Note
            | Kind::Redaction { .. }
            | Kind::Resume { .. }
            | Kind::Stop { .. }
            | Kind::Signoff { .. }
            | Kind::Close { .. }
            | Kind::Addendum { .. } => {}
        }
    }

    fn said_yes(&mut self, step: &Step<'_>, consent: EntryRef) {
        let Some((card, Choice::Allow { minutes })) = self.answer.take() else { return };
        match card.question {
            Question::Arrival => {
                self.model.known = true;
                if self.relay_lost || self.link_lost {
                    self.model.pauses(false);
                }
            }
            Question::Resume => {
                self.model.paused = false;
                self.resumed_ms = (self.paused_by == Some(Cause::Sleep)).then_some(step.now_ms);
            }
            Question::Preview { .. } => {}
            Question::Grant | Question::Renewal { .. } | Question::Change => {
                self.ticked_of.insert(consent, self.ticked(step, &card));
                self.model.allows(&card, minutes, consent, step.now_ms);
            }
        }
    }

    /// A no of any kind: its scopes may not be asked again for a while.
    fn said_no(&mut self, step: &Step<'_>) {
        let answered = self.answer.take().map(|(card, _)| card);
        let Some(card) = answered.or_else(|| self.withdrawn.take()) else { return };
        self.refusals += 1;
        let areas =
            card.items.iter().filter_map(|allowed| step.catalog.get(&allowed.item)).map(|item| item.area.scope());
        for scope in card.scopes.iter().copied().chain(areas) {
            self.refused.insert(scope, step.now_ms);
        }
    }
}
