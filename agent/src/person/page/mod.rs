//! The person at a page in their own browser.
//!
//! A thread of its own serves it, so that *stop* is heard whatever the rest of the program waits for. What is on
//! the page and what a press does stands in `scene`, how it looks in `show`, and here how presses come and changes go.
//!
//! It decides nothing: a press becomes an [`Event`], and what that means is `proto`'s.

mod press;
mod question;
mod record;
mod scene;
mod show;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use venia_proto::ledger::body::Language;
use venia_ui::failure::{Failure, Trouble};
use venia_ui::page::{Announce, Answer, Fields, Handle, Listening, Server, Site, Visit, announce, printed};
use venia_ui::words::Words;

use self::press::Press;
use self::scene::{Scene, Stage};
use super::{Command, Event, Line, Medium, Person, Tell};

/// Whether somebody looks is asked this often.
const GLANCE: Duration = Duration::from_millis(500);
/// What is told last is answered within this time: the browser has just asked for it.
const LAST_ANSWER: Duration = Duration::from_millis(300);

/// A person at a page.
pub struct Page {
    announce: Announce,
    /// Whether the browser is asked to open it.
    opens: bool,
}

impl Page {
    /// The shipped program's: the address on standard output and in the browser.
    pub fn shipped() -> Self {
        Self::new(printed(), true)
    }

    /// Whose address is announced like that.
    pub fn new(announce: Announce, opens: bool) -> Self {
        Self { announce, opens }
    }
}

impl Person for Page {
    fn start(self: Box<Self>, words: &Words) -> Result<Line, Failure> {
        let (tell, told) = mpsc::unbounded_channel();
        let (say, events) = mpsc::unbounded_channel();
        let (look, seen) = watch::channel(false);
        let desk = Arc::new(Desk {
            scene: Mutex::new(Scene::new(words.clone())),
            changes: watch::channel(0).0,
            say,
            began: Instant::now(),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
            tracing::error!(%error, "no runtime for the page");
            Failure::of(Trouble::NoPage, words)
        })?;
        let server = Server::bind().map_err(|error| {
            tracing::error!(%error, "no page");
            Failure::of(Trouble::NoPage, words)
        })?;
        let handle = server.handle();
        std::thread::spawn(move || {
            runtime.block_on(async {
                let site = Arc::new(Face(Arc::clone(&desk)));
                tokio::select! {
                    () = server.serve(site) => {}
                    () = desk.hear(told) => {}
                    () = desk.watch(look) => {}
                    () = desk.announce(&handle, &self) => {}
                }
            });
            // Whoever watches is told that the program has ended: streams end with the runtime.
        });
        Ok(Line { tell: Tell(tell), events, seen, medium: Medium::Page })
    }

    fn medium(&self) -> Medium {
        Medium::Page
    }
}

/// What the page's thread shares.
struct Desk {
    scene: Mutex<Scene>,
    changes: watch::Sender<u64>,
    say: mpsc::UnboundedSender<Event>,
    began: Instant,
}

impl Desk {
    /// Takes what the program says, until it is gone and the page with it.
    async fn hear(&self, mut told: mpsc::UnboundedReceiver<Command>) {
        while let Some(command) = told.recv().await {
            let now_ms = self.now_ms();
            let mut scene = self.scene();
            match command {
                Command::Ask(question) => scene.ask(question),
                Command::Withdraw(id) => scene.withdraw(id),
                Command::Feed(news) => scene.tell(news, now_ms),
                Command::Failed(failure) => scene.fail(failure),
                Command::Unaddressed => scene.unaddressed = true,
                // What is told stands on the page at once; whether somebody reads it is known by its eyes.
                Command::Shown(say) => drop(tokio::spawn(async move {
                    tokio::time::sleep(LAST_ANSWER).await;
                    // Whoever stopped waiting needs no answer.
                    let _ = say.send(());
                })),
            }
            drop(scene);
            self.changed();
        }
    }

    /// Says when nobody sees the page any more, and when somebody does again.
    async fn watch(&self, look: watch::Sender<bool>) {
        loop {
            let seen = self.scene().sight.is_seen(self.now_ms());
            if look.send_if_modified(|before| std::mem::replace(before, seen) != seen) {
                self.tell(if seen { Event::EyesBack } else { Event::EyesLost });
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Says where the page is until somebody has opened it: each address works for a minute.
    async fn announce(&self, handle: &Handle, page: &Page) {
        if !announce(handle, &page.announce, page.opens).await {
            // Nobody came.
            self.tell(Event::Gone);
        }
        std::future::pending().await
    }

    fn tell(&self, event: Event) {
        // A program that is gone needs no event.
        let _ = self.say.send(event);
    }

    fn changed(&self) {
        self.changes.send_modify(|version| *version += 1);
    }

    fn scene(&self) -> MutexGuard<'_, Scene> {
        self.scene.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The page, as this one of the pages.
    fn render(&self, scene: &Scene, view: u64, visit: &Visit<'_>) -> String {
        let moment = show::Moment { now_ms: self.now_ms(), seen: *self.changes.borrow() };
        let bundle = bundle(scene);
        let record = bundle.and_then(|path| record::summary(&path, &scene.words));
        show::page(scene, view, visit.query.get("write").is_some(), visit.seal, record.as_ref(), moment)
    }
}

/// Where the person's copy of the record is, once there is one.
fn bundle(scene: &Scene) -> Option<PathBuf> {
    match &scene.stage {
        Stage::Over(close) => close.bundle.clone(),
        Stage::Welcome
        | Stage::Asking
        | Stage::Code { .. }
        | Stage::Nobody
        | Stage::Stopped
        | Stage::Session
        | Stage::Failed(_)
        | Stage::Left => None,
    }
}

/// The number of a page.
fn view(fields: &Fields) -> Option<u64> {
    fields.get("view")?.parse().ok()
}

/// The desk, as the server sees it.
struct Face(Arc<Desk>);

impl Site for Face {
    fn show(&self, visit: &Visit<'_>) -> Answer {
        let desk = &*self.0;
        let mut scene = desk.scene();
        match visit.path {
            "/" => {
                let now_ms = desk.now_ms();
                let before = scene.sight.acting();
                let view = scene.load(view(visit.query), visit.language, now_ms);
                // Told to the others before this one is made, which needn't hear of itself.
                if scene.sight.acting() != before {
                    desk.changed();
                }
                Answer::Page(desk.render(&scene, view, visit))
            }
            "/record" => match bundle(&scene)
                .map(|path| (path.file_name().map(|n| n.to_string_lossy().into_owned()), std::fs::read(path)))
            {
                Some((Some(name), Ok(bytes))) => Answer::File { name, media: "application/zip", bytes },
                Some(_) | None => Answer::NotFound,
            },
            _ => Answer::NotFound,
        }
    }

    fn act(&self, visit: &Visit<'_>, form: &Fields) -> Answer {
        let desk = &*self.0;
        let now_ms = desk.now_ms();
        let token = form.get("token").unwrap_or("");
        let is_for = |shown: &str| visit.seal.is_for(token, visit.path, shown);
        let view = view(form).unwrap_or(0);
        let press = Press { view, form, is_for: &is_for };
        let mut scene = desk.scene();
        let event = match visit.path {
            "/begin" => scene.begin(&press),
            "/answer" => scene.answer(&press, now_ms),
            "/say" => scene.say(&press),
            "/stop" => scene.stop(&press),
            "/leave" => scene.leave(&press),
            "/language" if is_for("") => {
                let language = match form.get("to") {
                    Some("es") => Language::Es,
                    _ => Language::En,
                };
                scene.speak(language);
                Some(Event::Language(language))
            }
            _ => return Answer::NotFound,
        };
        drop(scene);
        if let Some(event) = event {
            desk.tell(event);
        }
        desk.changed();
        let back = form.get("back").filter(|back| back.starts_with("/?view="));
        Answer::SeeOther(back.map_or_else(|| format!("/?view={view}"), str::to_owned))
    }

    fn listen(&self, visit: &Visit<'_>) -> Listening {
        let view = view(visit.query).unwrap_or(0);
        self.0.scene().sight.listens(view, true);
        let held = Held { desk: Arc::clone(&self.0), view };
        Listening { changes: self.0.changes.subscribe(), held: Box::new(held) }
    }
}

/// Dropped when a page goes away or is hidden.
struct Held {
    desk: Arc<Desk>,
    view: u64,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.desk.scene().sight.listens(self.view, false);
    }
}

#[cfg(test)]
mod tests;
