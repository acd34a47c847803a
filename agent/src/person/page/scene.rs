//! What stands on the person's page and what a press of a button does to it. Pure: no server, no clock, no files.
//!
//! - A form counts only for exactly what is shown now; anything else shows what changed and answers nothing.
//! - Which page acts, when a press may give something away (*allow*, *it is them*, *send*) and whether anybody looks is
//!   [`Sight`]'s to say.
//! - Stop counts from every page, as long as there is something to stop.

use std::collections::VecDeque;

use venia_proto::foreign::Foreign;
use venia_proto::ledger::body::Language;
use venia_proto::session::sight::Sight;
use venia_proto::session::timer;
use venia_ui::failure::Failure;
use venia_ui::words::Words;

use super::super::feed::{Close, News};
use super::super::{Answer, Asking, Event, Question, QuestionId, Wish};
use super::press::{Press, chosen_time, gives_away, read};

/// Lines of the feed that are kept; older ones are dropped.
pub(super) const FEED_MAX: usize = 2_000;

/// The whole page.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) words: Words,
    chosen: bool,
    /// No help service is known here: its address is asked for.
    pub(super) unaddressed: bool,
    pub(super) stage: Stage,
    /// What happened, oldest first, with a number each.
    pub(super) feed: VecDeque<(u64, News)>,
    told: u64,
    pub(super) question: Option<Asked>,
    /// The time that was chosen on a card before its boxes changed; `None` inside: until stopped.
    pub(super) time: Option<Option<u32>>,
    /// The card asked last.
    asked: Option<QuestionId>,
    pub(super) live: Option<Live>,
    pub(super) notice: Option<Notice>,
    /// Which page acts, and what somebody has before them.
    pub(super) sight: Sight,
}

/// How far the person is.
#[derive(Debug)]
pub(super) enum Stage {
    /// Nothing has begun.
    Welcome,
    /// They said what is wrong; the help service is being asked.
    Asking,
    /// A code waits for somebody.
    Code {
        /// The code.
        code: String,
        /// Until when it works.
        until_ms: u64,
        /// The help service is out of reach: nobody can come with it just now.
        away: bool,
    },
    /// A code was shown and no session came of it.
    Nobody,
    /// Somebody is here, or about to be.
    Session,
    /// The person stopped it; its record is being completed.
    Stopped,
    /// It is over.
    Over(Box<Close>),
    /// Nobody could be helped.
    Failed(Box<Failure>),
    /// The person is done with this program.
    Left,
}

/// A question on the page.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) question: Question,
    /// Exactly what is shown: what the record says, too.
    pub(super) shown: String,
}

/// A session that lives.
#[derive(Debug)]
pub(super) struct Live {
    /// Who is here.
    pub(super) name: Foreign,
    /// Until when something is allowed, as far as this page knows.
    pub(super) until: Until,
    /// Whether nothing runs just now.
    pub(super) paused: bool,
}

/// Until when something is allowed: the longest of what was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Until {
    /// Nothing is.
    Nothing,
    /// Until then.
    At(u64),
    /// Until the person stops it.
    Stop,
}

/// Why a press did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// The question is another one now.
    Changed,
    /// It came too soon after the question.
    TooSoon,
    /// Nothing is ticked.
    NothingTicked,
    /// What was written is too long.
    TooLong,
}

impl Scene {
    pub(super) fn new(words: Words) -> Self {
        Self {
            words,
            chosen: false,
            unaddressed: false,
            stage: Stage::Welcome,
            feed: VecDeque::new(),
            told: 0,
            question: None,
            time: None,
            asked: None,
            live: None,
            notice: None,
            sight: Sight::default(),
        }
    }

    /// The program asks.
    pub(super) fn ask(&mut self, question: Question) {
        let shown = question.sheet.on_page();
        let same = self.question.as_ref().is_some_and(|asked| asked.shown == shown && asked.question == question);
        if question.kind == Asking::Arrival && matches!(self.stage, Stage::Code { .. }) {
            // The code is used: nobody needs it any more, and nobody else must hear it.
            self.stage = Stage::Session;
        }
        if !same {
            // A time that was chosen on another card isn't carried over.
            self.time.take_if(|_| self.asked != Some(question.id));
            self.asked = Some(question.id);
            self.question = Some(Asked { question, shown });
            self.sight.asks();
            self.notice = None;
        }
    }

    /// The question is over.
    pub(super) fn withdraw(&mut self, id: QuestionId) {
        if self.question.take_if(|asked| asked.question.id == id).is_some() {
            self.sight.asks_nothing();
            self.notice = None;
        }
    }

    /// Something happened.
    pub(super) fn tell(&mut self, news: News, now_ms: u64) {
        match &news {
            News::Code(code) => {
                let until_ms = now_ms.saturating_add(timer::CODE_MS);
                self.stage = Stage::Code { code: code.clone(), until_ms, away: false };
            }
            News::FirstSeen { .. } => self.stage = Stage::Session,
            News::Connected(name) => {
                self.stage = Stage::Session;
                self.live = Some(Live { name: name.clone(), until: Until::Nothing, paused: false });
            }
            News::TimeOver => self.until(Until::Nothing),
            News::Stopped => {
                self.stage = Stage::Stopped;
                self.live = None;
            }
            News::Paused | News::Lost => self.paused(true),
            News::Away => self.away(true),
            News::Back => {
                self.away(false);
                self.paused(false);
            }
            News::Resumed => self.paused(false),
            News::Closed(close) => {
                self.stage = Stage::Over(close.clone());
                self.live = None;
            }
            News::Interference | News::CodeExpired | News::CodeLeft | News::CodeUnfit | News::Withdrawn => {
                self.stage = Stage::Nobody;
            }
            News::CodeBurnt { .. }
            | News::CodeAdvice { .. }
            | News::Clock
            | News::Allowed
            | News::Denied
            | News::Silence
            | News::Running(_)
            | News::Changing(_)
            | News::Sent(..)
            | News::Unknown(..)
            | News::Failed(_)
            | News::Killed(_)
            | News::GoesOn(_)
            | News::Kept(_)
            | News::Refused(_)
            | News::RefusedUnasked(_)
            | News::Chat(..)
            | News::Mine(_)
            | News::Noted(..)
            | News::LogLied(_)
            | News::LogUnproven
            | News::Withheld(_)
            | News::NeverBegan(_)
            | News::RecordLate
            | News::Witnessed { .. }
            | News::NotWitnessed
            | News::RecordLater
            | News::Signed
            | News::SignLater { .. }
            | News::Said(_) => {}
        }
        if self.feed.len() == FEED_MAX {
            self.feed.pop_front();
        }
        self.feed.push_back((self.told, news));
        self.told += 1;
    }

    /// Nobody can come for now, or again.
    fn away(&mut self, now: bool) {
        if let Stage::Code { away, .. } = &mut self.stage {
            *away = now;
        }
    }

    /// Nobody could be helped.
    pub(super) fn fail(&mut self, failure: Failure) {
        self.stage = Stage::Failed(Box::new(failure));
        self.question = None;
        self.sight.asks_nothing();
        self.live = None;
    }

    /// A browser loads the page: a new one, or one that it has already. Gives its number.
    pub(super) fn load(&mut self, view: Option<u64>, language: Option<Language>, now_ms: u64) -> u64 {
        if let Some(language) = language.filter(|_| !self.chosen) {
            self.chosen = true;
            self.speak(language);
        }
        self.sight.load(view, now_ms)
    }

    /// The language is another one.
    pub(super) fn speak(&mut self, language: Language) {
        if language != self.words.language() {
            self.words = Words::new(language);
        }
        self.chosen = true;
    }

    /// The person wants help. Nothing is wrong with saying nothing.
    pub(super) fn begin(&mut self, press: &Press<'_>) -> Option<Event> {
        if !matches!(self.stage, Stage::Welcome | Stage::Nobody | Stage::Failed(_)) || !self.acts(press, "") {
            return None;
        }
        let mut fields = ["about", "since", "called"].map(|name| {
            let text = press.form.get(name).map(str::trim).filter(|text| !text.is_empty());
            text.map(Foreign::text)
        });
        if fields.iter().flatten().any(Result::is_err) {
            self.notice = Some(Notice::TooLong);
            return None;
        }
        let [about, since, called] = fields.each_mut().map(|field| field.take().and_then(Result::ok));
        let address = press.form.get("address").map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        self.stage = Stage::Asking;
        self.feed.clear();
        Some(Event::Begin(Box::new(Wish { language: self.words.language(), address, about, since, called })))
    }

    /// The person answers the question.
    pub(super) fn answer(&mut self, press: &Press<'_>, now_ms: u64) -> Option<Event> {
        let shown = self.question.as_ref().map(|asked| asked.shown.clone())?;
        if !self.acts(press, &shown) {
            return None;
        }
        let asked = self.question.as_ref()?;
        let read = read(asked.question.kind, press.form);
        let answer = match read {
            Ok(answer) => answer,
            Err(notice) => {
                self.notice = notice;
                return None;
            }
        };
        if gives_away(&answer) && !self.sight.is_armed(now_ms) {
            self.notice = Some(Notice::TooSoon);
            return None;
        }
        let Asked { question, .. } = self.question.take()?;
        self.sight.asks_nothing();
        self.time = chosen_time(&answer, press.form);
        if let Answer::Allow { minutes } = answer {
            // A change is allowed once, and says nothing of the rest.
            if question.sheet.offers_times() {
                let until = minutes
                    .map_or(Until::Stop, |minutes| Until::At(now_ms.saturating_add(u64::from(minutes) * 60_000)));
                let before = self.live.as_ref().map_or(Until::Nothing, |live| live.until);
                self.until(until.max(before));
            }
        }
        Some(Event::Answered { id: question.id, answer, shown })
    }

    /// The person writes to the technician.
    pub(super) fn say(&mut self, press: &Press<'_>) -> Option<Event> {
        if self.live.is_none() || !self.acts(press, "") {
            return None;
        }
        match Foreign::text(press.form.get("text").unwrap_or("").trim()) {
            Ok(text) => Some(Event::Says(text)),
            Err(venia_proto::foreign::ForeignError::TooLong(_)) => {
                self.notice = Some(Notice::TooLong);
                None
            }
            Err(_) => None,
        }
    }

    /// Stop counts from every page, whatever else changed.
    pub(super) fn stop(&mut self, press: &Press<'_>) -> Option<Event> {
        let stoppable = matches!(self.stage, Stage::Asking | Stage::Code { .. } | Stage::Session);
        (stoppable && (press.is_for)("")).then_some(Event::Stop)
    }

    /// The person needs the program no longer.
    pub(super) fn leave(&mut self, press: &Press<'_>) -> Option<Event> {
        let over = matches!(self.stage, Stage::Welcome | Stage::Nobody | Stage::Over(_) | Stage::Failed(_));
        if !over || !(press.is_for)("") {
            return None;
        }
        self.stage = Stage::Left;
        self.question = None;
        self.sight.asks_nothing();
        Some(Event::Leave)
    }

    /// Whether a form may act: from the page that acts, made for exactly this. What the page says of it stands there until
    /// the next press.
    fn acts(&mut self, press: &Press<'_>, shown: &str) -> bool {
        if !self.sight.acts(press.view) {
            return false;
        }
        let acts = (press.is_for)(shown);
        self.notice = (!acts).then_some(Notice::Changed);
        acts
    }

    fn until(&mut self, until: Until) {
        if let Some(live) = &mut self.live {
            live.until = until;
        }
    }

    fn paused(&mut self, paused: bool) {
        if let Some(live) = &mut self.live {
            live.paused = paused;
        }
    }
}
