//! What stands at which address, and what each form does.
//!
//! Showing reads this computer's copy and leaves no note, as `--offline` does. Every form that asks the service does it with
//! the looks of its command, so that the log says that somebody looked before anything is told.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use maud::html;
use venia_proto::catalog::Catalog;
use venia_proto::id::SessionId;
use venia_proto::ledger::body::Language;
use venia_proto::ledger::notice::Looking;
use venia_proto::now::Wall;
use venia_proto::statement::Statement;
use venia_relay::client::home::HomeError;
use venia_ui::failure::Failure;
use venia_ui::page::{Answer, Fields, Listening, Seal, Site, Visit};
use venia_ui::terminal::Style;
use venia_ui::words::Words;

use super::asked::{Asked, Wrong};
use super::download;
use super::show::export::{FORMATS, Refused};
use super::show::list::{Copied, List};
use super::show::session::Told;
use super::show::{self, Place, Sheet, failed};
use super::state::{Board, State, What};
use super::timeline::rows;
use super::trends::{self, Facts};
use super::work::Wanted;
use crate::audit::desk::Log;
use crate::audit::index::Session;
use crate::audit::story::Read;
use crate::audit::telling::Teller;
use crate::audit::{listing, looking};
use crate::cli::Period;
use crate::trouble;

const SESSION: &str = "/session/";
const DOWNLOAD: &str = "/download/";
/// The last page: it is shown while the program ends.
pub(super) const CLOSED: &str = "/closed";
/// Columns of a report: it stands beside the question it rests on.
const COLUMNS: u16 = 62;

/// The auditor's page.
pub(super) struct Face {
    pub(super) state: Arc<State>,
    pub(super) catalog: Catalog,
}

/// One request, with what its answer is made of.
struct Asking<'a> {
    face: &'a Face,
    words: Words,
    board: Board,
    seal: &'a Seal,
    query: &'a Fields,
}

impl Site for Face {
    fn show(&self, visit: &Visit<'_>) -> Answer {
        let asking = Asking::of(self, visit);
        match visit.path {
            "/" => Answer::Page(asking.list()),
            "/trends" => Answer::Page(asking.trends()),
            "/verify" => Answer::Page(show::verify::page(&asking.sheet("/verify", Place::Verify))),
            "/export" => Answer::Page(asking.export(None)),
            CLOSED if *self.state.closing.borrow() => Answer::Page(show::goodbye(&asking.words, visit.seal)),
            path => {
                if let Some(session) = path.strip_prefix(SESSION) {
                    return session.parse().map_or(Answer::NotFound, |id| Answer::Page(asking.session(path, id)));
                }
                let file = path.strip_prefix(DOWNLOAD).and_then(download::Wanted::named);
                file.map_or(Answer::NotFound, |wanted| asking.download(wanted))
            }
        }
    }

    fn act(&self, visit: &Visit<'_>, form: &Fields) -> Answer {
        let of = form.get("of").unwrap_or("").to_owned();
        if !visit.seal.is_for(form.get("token").unwrap_or(""), visit.path, &of) {
            // Not a form that this page made, or not for that: nothing is done, and the list is shown.
            return Answer::Changed(Asking::of(self, visit).list());
        }
        let given = |name: &str| form.get(name).is_some();
        let state = &self.state;
        match visit.path {
            "/language" => {
                let language = if form.get("to") == Some("es") { Language::Es } else { Language::En };
                state.speak(Words::new(language));
                Answer::SeeOther(form.get("back").unwrap_or("/").to_owned())
            }
            "/fetch" => {
                state.begin(What::Fetch, |state, words| drop(state.fetch(&[(Looking::List, None)], None, words)));
                Answer::SeeOther(if of.is_empty() { "/".to_owned() } else { of })
            }
            "/open-words" => {
                let query = of.split_once('?').map_or("", |(_, query)| query);
                let Ok(asked) = Asked::read(&Fields::read(query.as_bytes())) else { return Answer::NotFound };
                state.begin(What::Fetch, move |state, words| {
                    state.open_words(&|session| listing::fits(session, &asked.filters), words);
                });
                Answer::SeeOther(of)
            }
            "/open-session" => {
                let Ok(id) = of.parse::<SessionId>() else { return Answer::NotFound };
                state.begin(What::Fetch, move |state, words| {
                    let name = id.to_string();
                    let only = |session: &Session| session.session == name;
                    drop(state.fetch(&[(Looking::Show, Some(id))], Some(&only), words));
                });
                Answer::SeeOther(format!("{SESSION}{id}"))
            }
            "/verify" => {
                let wanted = Wanted { fetch: given("fetch"), since_last: given("since"), words: given("words") };
                state.begin(What::Verify, move |state, words| state.verify(wanted, words));
                Answer::SeeOther("/verify".to_owned())
            }
            "/verify/stop" => {
                state.stop.store(true, Ordering::Release);
                Answer::SeeOther("/verify".to_owned())
            }
            "/export" => self.export(visit, form),
            "/close" => {
                state.closing.send_replace(true);
                Answer::SeeOther(CLOSED.to_owned())
            }
            _ => Answer::NotFound,
        }
    }

    fn listen(&self, _visit: &Visit<'_>) -> Listening {
        Listening { changes: self.state.changes.subscribe(), held: Box::new(()) }
    }
}

impl Face {
    fn export(&self, visit: &Visit<'_>, form: &Fields) -> Answer {
        let format = FORMATS.into_iter().find(|(_, name)| form.get("format") == Some(name));
        let out = Path::new(form.get("out").unwrap_or("").trim()).to_owned();
        let refused = |why| Answer::Page(Asking::of(self, visit).export(Some(why)));
        let Some((format, _)) = format else { return refused(Refused::Format) };
        if !out.is_absolute() {
            return refused(Refused::NotAbsolute);
        }
        let fetch = form.get("fetch").is_some();
        self.state.begin(What::Export, move |state, words| state.export(format, &out, fetch, words));
        Answer::SeeOther("/export".to_owned())
    }
}

impl<'a> Asking<'a> {
    fn of(face: &'a Face, visit: &'a Visit<'_>) -> Self {
        let (words, board) = (face.state.words(), face.state.board().clone());
        Self { face, words, board, seal: visit.seal, query: visit.query }
    }

    fn sheet<'s>(&'s self, here: &'s str, place: Place) -> Sheet<'s> {
        Sheet { words: &self.words, seal: self.seal, board: &self.board, here, place }
    }

    /// What the address asks for; what can't be looked by is said, and nothing is looked by.
    fn asked(&self) -> (Asked, Option<Wrong>) {
        match Asked::read(self.query) {
            Ok(asked) => (asked, None),
            Err(wrong) => (Asked::default(), Some(wrong)),
        }
    }

    fn list(&self) -> String {
        let (asked, wrong) = self.asked();
        let here = asked.at("/");
        let sheet = self.sheet(&here, Place::Sessions);
        let Some(logs) = self.face.state.copies() else { return sheet.waiting() };
        let found = || -> Result<_, HomeError> {
            if wrong.is_some() {
                return Ok((Vec::new(), None));
            }
            let chosen = listing::chosen(&logs, &asked.filters, asked.query.as_ref())?;
            let looked =
                asked.query.as_ref().map(|query| looking::through(&logs, query, &asked.filters)).transpose()?;
            Ok((chosen, looked))
        };
        let (chosen, looked) = match found() {
            Ok(found) => found,
            Err(error) => return unread(&sheet, &trouble::folder(&error, &self.words)),
        };
        let sessions: Vec<&Session> = chosen.into_iter().rev().map(|(_, session)| session).collect();
        let copies: Vec<Copied> = logs.iter().map(copied).collect();
        let opened = logs.iter().any(|log| !log.words.is_empty());
        let list = List { copies: &copies, asked: &asked, wrong, sessions: &sessions, looked: looked.as_ref(), opened };
        show::list::page(&sheet, &list)
    }

    fn session(&self, here: &str, id: SessionId) -> String {
        let sheet = self.sheet(here, Place::Sessions);
        let Some(logs) = self.face.state.copies() else { return sheet.waiting() };
        let (words, name) = (&self.words, id.to_string());
        let Some((log, session)) = logs.iter().find_map(|log| Some((log, log.copy.sessions.get(&name)?))) else {
            let hint = words.say("auditing-unknown-hint", &[]);
            let unknown = words.say("audit-unknown", &[("session", &name)]);
            return unread(&sheet, &trouble::cannot_tell("unknown", unknown, hint, words));
        };
        let read = match Read::of(log, session) {
            Ok(read) => read,
            Err(error) => return unread(&sheet, &trouble::copy(&error, words)),
        };
        // A key that can't be read opens nothing.
        let key = self.face.state.desk.auditor(words).is_ok_and(|key| key.is_some());
        let story = read.story(session, key);
        let statement = Statement::open_unpinned(log.copy.state.statement.as_bytes());
        let authority = statement.as_ref().ok().map(|statement| &statement.authority);
        let teller =
            Teller { words, catalog: &self.face.catalog, style: Style { width: COLUMNS, ..Style::PLAIN }, authority };
        let rows = rows(&story, session, &log.copy.state.holes, &teller);
        let flags = story.flags(session);
        show::session::page(&sheet, &Told { session, rows: &rows, flags: &flags })
    }

    fn trends(&self) -> String {
        let (mut asked, wrong) = self.asked();
        let by = *asked.by.get_or_insert(Period::Week);
        let here = asked.at("/trends");
        let sheet = self.sheet(&here, Place::Trends);
        let Some(logs) = self.face.state.copies() else { return sheet.waiting() };
        let mut facts = Vec::new();
        if wrong.is_none() {
            let chosen = match listing::chosen(&logs, &asked.filters, asked.query.as_ref()) {
                Ok(chosen) => chosen,
                Err(error) => return unread(&sheet, &trouble::folder(&error, &self.words)),
            };
            let read: Result<Vec<Facts>, _> =
                chosen.into_iter().map(|(log, session)| Facts::of(log, session)).collect();
            facts = match read {
                Ok(facts) => facts,
                Err(error) => return unread(&sheet, &trouble::copy(&error, &self.words)),
            };
        }
        show::trends::page(&sheet, &asked, wrong, &trends::by(&facts, by))
    }

    fn export(&self, refused: Option<Refused>) -> String {
        let (asked, wrong) = self.asked();
        let here = asked.at("/export");
        show::export::page(&self.sheet(&here, Place::Export), &asked, wrong, refused)
    }

    fn download(&self, wanted: download::Wanted) -> Answer {
        let sheet = self.sheet("/export", Place::Export);
        let (asked, wrong) = self.asked();
        if wrong.is_some() {
            return Answer::Page(self.export(None));
        }
        let Some(logs) = self.face.state.copies() else { return Answer::Page(sheet.waiting()) };
        let chosen = match listing::chosen(&logs, &asked.filters, asked.query.as_ref()) {
            Ok(chosen) => chosen,
            Err(error) => return Answer::Page(unread(&sheet, &trouble::folder(&error, &self.words))),
        };
        match wanted.file(&chosen) {
            Ok(Some(kept)) => {
                Answer::File { name: kept.name.to_owned(), media: kept.media, bytes: kept.text.into_bytes() }
            }
            Ok(None) => Answer::Page(self.export(Some(Refused::TooMany))),
            Err(error) => Answer::Page(unread(&sheet, &trouble::copy(&error, &self.words))),
        }
    }
}

fn copied(log: &Log) -> Copied {
    let state = &log.copy.state;
    Copied {
        log: log.copy.key.name.to_string(),
        entries: state.reading.size,
        observed: state.reading.last.as_ref().map(|(_, observed)| Wall::from_ms(*observed)),
    }
}

fn unread(sheet: &Sheet<'_>, failure: &Failure) -> String {
    sheet.page(&sheet.text("auditing-title"), &html! { (failed(failure)) })
}
