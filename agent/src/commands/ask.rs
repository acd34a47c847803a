//! `venia-agent ask`: a code, one session, a record.
//!
//! Not here: which service is asked and whether it may be (`service`), how a page begins and ends it (`at_page`), and what
//! becomes of the record (`farewell`).

mod at_page;
mod farewell;
mod service;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tracing::Instrument as _;
use venia_proto::address::RelayAddress;
use venia_proto::catalog::Catalog;
use venia_proto::foreign::Foreign;
use venia_proto::id::SessionId;
use venia_proto::key::VerifierKey;
use venia_proto::ledger::body;
use venia_proto::ledger::event::After;
use venia_proto::ledger::evidence;
use venia_proto::ledger::gossip;
use venia_proto::ledger::kind::Verified;
use venia_proto::ledger::pin::{self, Pin};
use venia_proto::message::ToAgent;
use venia_proto::policy::Policies;
use venia_proto::rendezvous::VERSION;
use venia_proto::session::agent::Arrival;
use venia_proto::session::waiting::End;
use venia_relay::client::code::LEFT;
use venia_relay::client::control::{Control, Hearing};
use venia_relay::client::followed::{quoted, quotes};
use venia_relay::client::frames::FrameError;
use venia_relay::client::gossip::{Said, Talk};
use venia_relay::client::home::Home;
use venia_relay::client::keeper::Keeper;
use venia_relay::client::link::{Link, Role};
use venia_ui::cli::Common;
use venia_ui::failure::{Exit, Failure, Trouble};
use venia_ui::words::Words;

use crate::cli::Ask;
use crate::driver::pairing::Peer;
use crate::driver::questions::Questions;
use crate::driver::recorder::Recorder;
use crate::driver::scribe::Scribe;
use crate::driver::session;
use crate::driver::{Intake, NotServed, Waiter, clock, wait_for_technician};
use crate::helper::Door;
use crate::journal::{Journals, Record};
use crate::known;
use crate::packs;
use crate::person::feed::{self, News};
use crate::person::{Line, Medium, Person, card, heeding_signals};
use crate::seal::Recipients;
use crate::succession;
use crate::worker::House;
use crate::{KEY_FILE, KEY_KIND, Parts};

use self::service::{address, allowed, remember, resolve, still_there, strict, tell_untold, trusted};
use super::complete::{CompleteError, Desk};
use super::{home_failure, journal_failure, relay_failure};

/// A clock that is off by more than this is worth a word. The record keeps the difference in any case.
const SKEW_SHOWN_MS: u64 = 5 * 60 * 1_000;
/// How long the technician's program may take to say why it is here.
const ARRIVE: Duration = Duration::from_secs(10);
/// How long a record that an earlier session left may hold up a person who needs help now.
const EARLIER: Duration = Duration::from_secs(3);
/// How long the relay may still take for what was asked of it about its log.
const SETTLE: Duration = Duration::from_secs(2);
/// A terminal that is held doesn't keep the program from ending.
const LAST_LINES: Duration = Duration::from_secs(2);

/// Who is helped.
enum Whom<'a> {
    /// Somebody who has said by starting the program that they want help, and is met once the help service answers.
    Coming(Box<dyn Person>),
    /// Somebody who is there.
    Here(&'a mut Line),
}

/// Serves one session.
pub async fn ask(ask: Ask, common: &Common, parts: Parts) -> Result<Exit, Failure> {
    let words = common.words();
    let person = (parts.person)(&words, ask.person)?;
    if person.medium() == Medium::Page {
        return at_page::on_a_page(&ask, common, &parts, person, &words).await;
    }
    let intake = match &ask.about {
        Some(about) => Intake::told(Foreign::new(about.chars().take(2_000).collect::<String>())),
        None => Intake::asking(feed::intake(&words)),
    };
    served(&ask, common, &parts, Whom::Coming(person), intake, words).await
}

fn met(person: Box<dyn Person>, words: &Words) -> Result<Line, Failure> {
    heeding_signals(person.start(words)?).map_err(|error| {
        tracing::error!(%error, "signals can't be heeded");
        Failure::of(Trouble::NoTerminal, words)
    })
}

async fn served(
    ask: &Ask,
    common: &Common,
    parts: &Parts,
    whom: Whom<'_>,
    mut intake: Intake,
    words: Words,
) -> Result<Exit, Failure> {
    let home = Home::open(&common.folder(venia_ui::cli::Program::Agent)?, true)
        .map_err(|error| home_failure(&error, &words))?;
    let address = address(ask, &home, &words)?;
    let policies = allowed(parts, &home, &address, &words)?;
    let journals = Journals::open(home.dir()).map_err(|error| journal_failure(&error, &words))?;
    let catalog = Catalog::built_in();
    let desk = Desk { home: &home, journals: &journals, catalog: &catalog, words: &words };
    let earlier = desk.after_a_crash().map_err(|error| super::complete_failure(&error, &words))?;

    let key = home.key(KEY_FILE, KEY_KIND).map_err(|error| home_failure(&error, &words))?;
    let at = resolve(&address).await.ok_or_else(|| Failure::of(Trouble::Unreachable, &words))?;
    let link = Arc::new(Link::bind(None, &key, at, Role::Agent).map_err(|error| {
        tracing::debug!(%error, "no link");
        Failure::of(Trouble::Unreachable, &words)
    })?);
    let known = known::statement(&home, &address.root).map_err(|error| home_failure(&error, &words))?;
    let (control, mut hearing) =
        Control::connect(&link, &address.root, known.as_ref()).await.map_err(|error| relay_failure(&error, &words))?;
    let control = Arc::new(control);
    let statement = &control.welcome().statement;
    // Before anything is promised to anybody: who couldn't seal to an auditor must not open a session (SECURITY E4).
    let recipients = Recipients::parse(&statement.auditors).map_err(|error| {
        tracing::warn!(%error, "the statement's auditors");
        let message = words.say("agent-auditor", &[]);
        Failure { message, ..Failure::of(Trouble::Version, &words).with_hint(words.say("agent-auditor-hint", &[])) }
    })?;
    let auditors = card::Auditors {
        named: !recipients.is_empty(),
        new: known.as_ref().map_or(0, |known| statement.auditors_added_since(known).len()),
    };
    let strict = strict(ask, &home, statement, &words)?;
    let saw_ms = clock::now().wall.ms();
    succession::follow(&home, &control, &address.root, known.as_ref(), &words).await?;
    remember(&home, &address, &control).map_err(|error| home_failure(&error, &words))?;
    trusted(&home, &control, &words)?;
    still_there(&home, &control, &words).await?;
    let mut never_began = Vec::new();
    for session in earlier {
        let completing = desk.complete(session, &control, address.root, EARLIER);
        match tokio::time::timeout(EARLIER, completing).await {
            Ok(Ok((_, verdict))) => {
                tracing::info!(%session, verdict = ?verdict.verdict, "an earlier record was completed")
            }
            Ok(Err(CompleteError::NeverBegan(opened))) => never_began.push(opened),
            Ok(Err(error)) => tracing::warn!(%session, %error, "an earlier record is still incomplete"),
            Err(_) => tracing::warn!(%session, "an earlier record is still incomplete"),
        }
    }

    let system = parts.policy.parent().map(|folder| folder.join(packs::FOLDER)).unwrap_or_default();
    let packs =
        packs::allowed(&policies, &control.welcome().statement.packs, &[&system, &home.dir().join(packs::FOLDER)]);
    let catalog = catalog.with_packs(packs);
    // An earlier record may have shown it.
    trusted(&home, &control, &words)?;
    let mut coming;
    let person = match whom {
        Whom::Coming(person) => {
            coming = met(person, &words)?;
            &mut coming
        }
        Whom::Here(line) => line,
    };
    for opened in never_began {
        person.tell.feed(News::NeverBegan(opened));
    }
    tell_untold(&home, &control.welcome().relay.log, person, &words)
        .await
        .map_err(|error| home_failure(&error, &words))?;
    let skew_ms = saw_ms.saturating_sub(control.welcome().ledger_time.ms());
    if skew_ms.unsigned_abs() > SKEW_SHOWN_MS {
        person.tell.feed(News::Clock);
    }
    let known_root = known::roots(&home).map_err(|error| home_failure(&error, &words))?.contains(&address.root);
    let mut serving = Serving {
        home: &home,
        journals: &journals,
        catalog: &catalog,
        words,
        house: house(parts, &home, common),
        door: parts.door.clone(),
        address: &address,
        link: &link,
        control: &control,
        known_root,
        skew_ms,
        recipients,
        auditors,
        strict,
        policies,
    };
    // From here on somebody waits: a relay that goes away is looked for until it is back.
    let keeper = Keeper::keep(&control, &link, address.at.clone());
    let exit = serving.serve(&mut hearing, person, &mut intake).await;
    drop(keeper);
    let _ = tokio::time::timeout(LAST_LINES, person.tell.shown()).await;
    let _ = tokio::time::timeout(LAST_LINES, link.close(LEFT, b"")).await;
    exit
}

/// What all workers have in common. Probing comes after everything that may say no.
fn house(parts: &Parts, home: &Home, common: &Common) -> House {
    use venia_ui::cli::Program;
    let platform = Common { data: None, ..common.clone() };
    let folders = [Program::Agent, Program::Console, Program::Relay].map(|program| platform.folder(program).ok());
    let mut private: Vec<PathBuf> = folders.into_iter().flatten().collect();
    private.push(home.dir().to_owned());
    House::new(parts.program.clone(), (parts.probe)(), known::person_home(), &private)
}

struct Serving<'a> {
    home: &'a Home,
    journals: &'a Journals,
    catalog: &'a Catalog,
    words: Words,
    house: House,
    door: Door,
    address: &'a RelayAddress,
    link: &'a Link,
    control: &'a Arc<Control>,
    known_root: bool,
    skew_ms: i64,
    /// Who the parts are sealed to, and what the person is told of it.
    recipients: Recipients,
    auditors: card::Auditors,
    /// Nothing runs before witnesses cosigned its admission.
    strict: bool,
    policies: Policies,
}

impl Serving<'_> {
    async fn serve(&mut self, hearing: &mut Hearing, person: &mut Line, intake: &mut Intake) -> Result<Exit, Failure> {
        let waiter = Waiter {
            home: self.home,
            link: self.link,
            control: self.control,
            hearing,
            root: self.address.root,
            person,
            words: &self.words,
            intake,
        };
        let (mut peer, session) = match wait_for_technician(waiter).await {
            Ok(found) => found,
            Err(not_served) => return self.not_served(&not_served),
        };
        if let Some(language) = intake.language.filter(|chosen| *chosen != self.words.language()) {
            self.words = Words::new(language);
        }
        let first = match tokio::time::timeout(ARRIVE, peer.receiver.expect()).await {
            Ok(Ok(first)) => first,
            Ok(Err(FrameError::Malformed(_) | FrameError::TooLarge(_))) => {
                return Ok(nobody_arrived(person, News::CodeUnfit));
            }
            Ok(Err(_)) | Err(_) => return Ok(nobody_arrived(person, News::CodeLeft)),
        };
        let arrived = if let ToAgent::Arrive { reason, offer } = first { Some((reason, offer)) } else { None };
        let allowed = arrived.and_then(|(reason, offer)| Some((Foreign::reason(reason.raw()).ok()?, offer)));
        let Some((reason, offer)) = allowed else { return Ok(nobody_arrived(person, News::CodeUnfit)) };
        let arrival = self.arrival(&peer, reason, offer, intake);
        let span = tracing::info_span!("session", id = %session);
        self.session(session, peer, arrival, hearing, person).instrument(span).await
    }

    fn arrival(&self, peer: &Peer, reason: Foreign, offer: body::Offer, intake: &Intake) -> Arrival {
        Arrival {
            strand: peer.strand,
            key: peer.member.key.clone(),
            member: String::from_utf8_lossy(&peer.member_note).into_owned(),
            name: peer.member.name.clone(),
            level: peer.member.level,
            verified: Verified::Code,
            known_root: self.known_root,
            reason,
            offer,
            open: body::Open {
                about: intake.about.clone(),
                since: intake.since.clone(),
                language: self.words.language(),
                called: intake.called.clone(),
                skew_ms: Some(self.skew_ms),
            },
            versions: vec![VERSION],
        }
    }

    async fn session(
        &self,
        session: SessionId,
        peer: Peer,
        arrival: Arrival,
        hearing: &mut Hearing,
        person: &mut Line,
    ) -> Result<Exit, Failure> {
        let words = &self.words;
        let welcome = self.control.welcome();
        let journal = self.journals.create(session).map_err(|error| journal_failure(&error, words))?;
        let key = self.home.key(KEY_FILE, KEY_KIND).map_err(|error| home_failure(&error, words))?;
        let pin = known::pin(self.home, &welcome.relay.log).map_err(|error| home_failure(&error, words))?;
        let beside = vec![
            Record::Statement(welcome.statement_note.clone().into()),
            Record::Member { strand: peer.strand, note: peer.member_note.clone().into() },
        ];
        let (report, mut done) = mpsc::unbounded_channel();
        let kept = pin.as_ref().map(Pin::checkpoint).map(|seen| After {
            origin: seen.origin.clone(),
            size: seen.size,
            root: seen.root,
        });
        let recorder =
            Recorder::start(journal, welcome.relay.log.clone(), pin, Arc::clone(self.control), report, self.strict);
        let mut scribe = Scribe::new(session, key, self.recipients.clone());
        // The first event says already what this PC saw of this log; the first in a log that follows another, of that one.
        let log = &welcome.relay.log;
        let followed = quotes(self.home, log).map_err(|error| home_failure(&error, words))?;
        if let Some(after) = followed {
            scribe.follows(after);
        } else if let Some(after) = kept {
            scribe.receipted(after);
        }
        let questions = Questions {
            name: arrival.name.clone(),
            organisation: welcome.statement.organisation.clone(),
            level: arrival.level,
            service: Foreign::new(self.address.at.host.to_string()),
            known: self.known_root,
            verified: arrival.verified,
            reason: arrival.reason.clone(),
            auditors: self.auditors.clone(),
            keep_days: welcome.statement.keep_days,
            fenced: self.house.fences.are_enough(),
        };
        let keep = |log: &VerifierKey, found: &pin::Evidence| {
            let file = evidence::File::of_log(welcome.statement_note.clone(), found);
            let kept = known::keep_evidence(self.home, log, &file);
            kept.inspect_err(|error| tracing::error!(%error, "evidence can't be kept")).ok()
        };
        let talk = Talk::new(self.control, |log| known::pin(self.home, log));
        let mut talk = talk.map_err(|error| home_failure(&error, words))?;
        let name = arrival.name.clone();
        let flow = peer.flow;
        tracing::info!("it begins");
        let ended = session::run(
            session::Parts {
                catalog: self.catalog,
                house: &self.house,
                door: &self.door,
                words,
                person,
                session,
                link: self.link,
                control: self.control,
                hearing,
                scribe: &mut scribe,
                recorder: &recorder,
                done: &mut done,
                strict: self.strict,
                policies: self.policies.clone(),
                keep: &keep,
                talk: &mut talk,
            },
            peer,
            arrival,
            questions,
            beside,
        )
        .await;
        tracing::info!(cause = ?ended.close.cause(), "it ended");
        if let Some(checkpoint) = recorder.finish().await {
            talk.hear(clock::now().boot_ms, gossip::Input::Own(checkpoint));
        }
        talk.settle(|| clock::now().boot_ms, SETTLE).await;
        while let Some(said) = talk.poll() {
            match said {
                Said::Evidence { log, found } => {
                    if let Some(file) = keep(&log, &found) {
                        person.tell.feed(News::LogLied(file));
                    }
                }
                // Nobody is there any more, and the session has ended.
                Said::Show(_) | Said::Unproven => {}
            }
        }
        if let Err(error) = known::remember_newest(self.home, &self.address.root, self.control) {
            tracing::warn!(%error, "the newest statement can't be kept");
        }
        for (log, pin) in talk.held() {
            // A full disk must not keep the session's end from being told.
            if let Err(error) = known::remember_pin(self.home, log, &pin.note()) {
                tracing::warn!(%error, "the newest checkpoint can't be kept");
            }
            if let Err(error) = quoted(self.home, log) {
                tracing::warn!(%error, "the old log will be quoted again");
            }
        }
        ended.connection.close(quinn::VarInt::from_u32(LEFT), b"");
        self.link.forget(flow);
        if ended.accepted {
            // "It is them": from now on this PC knows the service (A2). One that can't be kept is asked about again.
            if let Err(error) = known::remember_root(self.home, &self.address.root) {
                tracing::warn!(%error, "the service can't be remembered");
            }
        }
        self.farewell(session, &name, &ended, person).await
    }

    fn not_served(&self, not_served: &NotServed) -> Result<Exit, Failure> {
        let words = &self.words;
        match not_served {
            // Told already, in the terminal.
            NotServed::End(End::Expired | End::Interfered) | NotServed::Stopped => Ok(Exit::Refused),
            NotServed::End(End::RelayLost) => Err(Failure::of(Trouble::Unreachable, words)),
            NotServed::Control(error) => Err(relay_failure(error, words)),
            NotServed::Random(error) => {
                tracing::error!(%error, "no random numbers");
                Err(Failure::of(Trouble::Disk, words))
            }
        }
    }
}

/// Paired, and then nothing or nonsense: nothing is recorded.
fn nobody_arrived(person: &Line, what: News) -> Exit {
    person.tell.feed(what);
    Exit::Refused
}
