//! The technician's page: the same sessions as `venia join`, in the technician's own browser.
//!
//! A thread of its own serves it, so that the page answers whatever a session waits for. What is on it and what a press does
//! is [`scene`], what one session brought is [`session`], how it looks [`show`] and the files beside it; here is how presses
//! come and changes go.
//!
//! It decides nothing: a press becomes a [`Typed`], as a typed line does in a terminal, and the machine and the agent say
//! what comes of it. The guard in front of it is `ui`'s. (UX, "the local page's guard")

mod catalogue;
mod charts;
mod feed;
mod found;
mod markdown;
mod press;
mod scene;
mod series;
mod session;
mod show;
mod start;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use maud::html;
use tokio::sync::{mpsc, watch};
use venia_proto::catalog::{Catalog, Goal};
use venia_proto::foreign::Foreign;
use venia_proto::ledger::body::Language;
use venia_ui::failure::{Failure, Trouble};
use venia_ui::page::{Announce, Answer, Fields, Frame, Handle, Listening, Server, Site, Visit, announce, document};
use venia_ui::words::Words;

pub(crate) use self::press::Wish;
use self::press::{Act, Notice, Press};
pub(crate) use self::scene::Me;
use self::scene::Scene;
use self::session::At;
use self::show::Look;
use crate::clock;
use crate::driver::Typed;
use crate::voice::Told;

/// Where words are completed.
const WORDS: &str = "/words";
/// Letters before anything is offered: one would list a tenth of all words.
const LETTERS_MIN: usize = 2;
/// Words offered at once.
const OFFERED: usize = 8;
/// Longest query, in characters.
const QUERY_MAX: usize = 80;
/// Commands pressed ahead of the session.
const AHEAD: usize = 32;
/// What is watched is looked after this often.
const GLANCE: Duration = Duration::from_secs(1);
/// What is shown last is fetched within this time.
const LAST: Duration = Duration::from_millis(300);

/// What the page wants of the rest of the program.
pub(crate) enum Order {
    /// A session, and what is pressed during it.
    Begin(Box<Wish>, mpsc::Receiver<Typed>),
    /// The technician is done with this program.
    Leave,
    /// Nobody opened the page.
    Gone,
}

/// What a page is made of.
pub(crate) struct Opening {
    pub(crate) words: Words,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) goals: Vec<Goal>,
    /// Reads whose member this computer is, again whenever nobody is known.
    pub(crate) member: Box<dyn Fn() -> Option<Me> + Send + Sync>,
    pub(crate) announce: Announce,
    pub(crate) opens: bool,
}

/// The page, as the rest of the program sees it.
pub(crate) struct Page(Arc<Desk>);

/// Serves the page until the program ends; what it wants comes through the receiver.
pub(crate) fn open(opening: Opening) -> Result<(Page, mpsc::UnboundedReceiver<Order>), Failure> {
    let Opening { words, catalog, goals, member, announce, opens } = opening;
    let no_page = |error: std::io::Error| {
        tracing::error!(%error, "no page");
        Failure::of(Trouble::NoPage, &words)
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(no_page)?;
    let server = Server::bind().map_err(no_page)?;
    let (order, orders) = mpsc::unbounded_channel();
    let scene = Scene::new(words, catalog, goals, member());
    let desk = Arc::new(Desk {
        scene: Mutex::new(scene),
        keys: Mutex::new(None),
        changes: watch::channel(0).0,
        order,
        member,
    });
    let handle = server.handle();
    let (face, shared) = (Face(Arc::clone(&desk)), Arc::clone(&desk));
    std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                () = server.serve(Arc::new(face)) => {}
                () = shared.look_after() => {}
                () = shared.announce(&handle, &announce, opens) => {}
            }
        });
    });
    Ok((Page(desk), orders))
}

impl Page {
    /// Something happened in the session.
    pub(crate) fn tell(&self, told: Told) {
        self.0.scene().tell(told, now());
        self.0.changed();
    }

    /// The session of this number has ended, in whatever way.
    pub(crate) fn finish(&self, number: u64, failure: Option<Failure>) {
        if self.0.scene().finish(number, failure, now()) {
            *self.0.keys() = None;
        }
        self.0.changed();
    }

    /// Waits until the browser has fetched what was shown last.
    pub(crate) async fn shown(&self) {
        self.0.changed();
        tokio::time::sleep(LAST).await;
    }
}

/// What the page's thread shares with the program's.
struct Desk {
    scene: Mutex<Scene>,
    /// Where the commands of the running session go.
    keys: Mutex<Option<mpsc::Sender<Typed>>>,
    changes: watch::Sender<u64>,
    order: mpsc::UnboundedSender<Order>,
    member: Box<dyn Fn() -> Option<Me> + Send + Sync>,
}

impl Desk {
    /// Runs what is watched again when it is due.
    async fn look_after(&self) {
        loop {
            tokio::time::sleep(GLANCE).await;
            let due = self.scene().due(now().ms);
            for typed in due {
                self.typed(typed);
            }
        }
    }

    async fn announce(&self, handle: &Handle, say: &Announce, opens: bool) {
        if !announce(handle, say, opens).await {
            // A program that is gone needs no order.
            let _ = self.order.send(Order::Gone);
        }
        std::future::pending().await
    }

    fn carry_out(&self, act: Act) {
        let order = match act {
            Act::Type(typed) => {
                if !self.typed(typed) {
                    self.scene().notice = Some(Notice::Busy);
                }
                return;
            }
            Act::Begin(wish) => {
                let (keys, typed) = mpsc::channel(AHEAD);
                *self.keys() = Some(keys);
                Order::Begin(wish, typed)
            }
            Act::Leave => Order::Leave,
        };
        let _ = self.order.send(order);
    }

    /// Whether the session takes it.
    fn typed(&self, typed: Typed) -> bool {
        self.keys().as_ref().is_some_and(|keys| keys.try_send(typed).is_ok())
    }

    fn changed(&self) {
        self.changes.send_modify(|version| *version += 1);
    }

    fn scene(&self) -> MutexGuard<'_, Scene> {
        self.scene.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keys(&self) -> MutexGuard<'_, Option<mpsc::Sender<Typed>>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The desk, as the server sees it.
struct Face(Arc<Desk>);

impl Site for Face {
    fn show(&self, visit: &Visit<'_>) -> Answer {
        let desk = &*self.0;
        let mut scene = desk.scene();
        let seen = *desk.changes.borrow();
        let query = &looked_for(visit.query.get("q").unwrap_or(""));
        let here = if query.is_empty() { "/".to_owned() } else { format!("/?q={}", encoded(query)) };
        match visit.path {
            "/" => {
                scene.load(visit.language);
                if scene.member.is_none() {
                    scene.member = (desk.member)();
                }
                let look = Look { scene: &scene, seal: visit.seal, query, here: &here, now_ms: now().ms, seen };
                Answer::Page(show::page(look))
            }
            WORDS => Answer::Lines(completed(visit.query.get("word").unwrap_or(""))),
            "/markdown" | "/markdown.md" => {
                let Some(session) = &scene.session else { return Answer::NotFound };
                let look = Look { scene: &scene, seal: visit.seal, query, here: visit.path, now_ms: now().ms, seen };
                let text = markdown::markdown(session, &look);
                if visit.path == "/markdown" {
                    return Answer::Page(ticket(&text, &look));
                }
                let name = session.id.map_or_else(|| "session.md".to_owned(), |id| format!("session-{id}.md"));
                Answer::File { name, media: "text/markdown; charset=utf-8", bytes: text.into_bytes() }
            }
            _ => Answer::NotFound,
        }
    }

    fn act(&self, visit: &Visit<'_>, form: &Fields) -> Answer {
        let desk = &*self.0;
        let token = form.get("token").unwrap_or("");
        let is_for = |shown: &str| visit.seal.is_for(token, visit.path, shown);
        let mut scene = desk.scene();
        let act = if visit.path == "/language" && is_for("") {
            scene.speak(match form.get("to") {
                Some("es") => Language::Es,
                Some(_) | None => Language::En,
            });
            None
        } else {
            scene.press(visit.path, &Press { form, is_for: &is_for }, &now())
        };
        drop(scene);
        if let Some(act) = act {
            desk.carry_out(act);
        }
        desk.changed();
        // Where the form stood; `Answer::SeeOther` leads nowhere but to this page.
        let back = form.get("back").filter(|back| *back == "/markdown" || back.starts_with("/?q="));
        Answer::SeeOther(back.unwrap_or("/").to_owned())
    }

    fn listen(&self, _visit: &Visit<'_>) -> Listening {
        Listening { changes: self.0.changes.subscribe(), held: Box::new(()) }
    }
}

/// The page with the text to copy.
fn ticket(text: &str, look: &Look<'_>) -> String {
    let main = html! {
        p { a.button href="/" { (look.said("open-markdown-back")) } " "
            a.button href="/markdown.md" download { (look.said("open-markdown-save")) } }
        label for="text" { (look.said("open-markdown-copy")) }
        textarea.tall id="text" readonly rows="30" spellcheck="false" { (text) }
    };
    document(&Frame {
        words: &look.scene.words,
        seal: look.seal,
        title: &look.said("open-markdown-title"),
        live: None,
        stop: html! {},
        places: html! {},
        main,
        here: look.here,
        view: None,
        seen: look.seen,
        wide: false,
        typing: true,
    })
}

/// Words of both languages' lists that begin like this.
fn completed(letters: &str) -> Vec<&'static str> {
    if letters.len() < LETTERS_MIN || !letters.bytes().all(|letter| letter.is_ascii_alphabetic()) {
        return Vec::new();
    }
    let mut words = venia_proto::words::complete(letters);
    words.truncate(OFFERED);
    words
}

/// What is looked for, safe to show: an address may have come from anywhere.
fn looked_for(query: &str) -> String {
    Foreign::new(query.trim().chars().take(QUERY_MAX).collect::<String>()).visible()
}

/// A query as it stands in an address (RFC 3986 section 2.1).
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

fn now() -> At {
    let wall = clock::now().wall;
    At { ms: u64::try_from(wall.ms()).unwrap_or(0), clock: clock::hour(wall) }
}

#[cfg(test)]
mod tests;
