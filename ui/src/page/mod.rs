//! Local pages: HTML on loopback, for the browser of the person at this computer and for nobody else.
//!
//! `server -> peer -> guard -> site`: a connection is accepted if it comes from this account, a request if the `guard`
//! lets it pass; what it shows and does is a [`Site`]'s. Every page works without script: forms and links do everything,
//! and the script only saves waiting (`page.js`).
//!
//! What a page is *not*: a web service. It listens on 127.0.0.1 alone, at a port of this run, ends with its program, and
//! keeps nothing. Its texts are `words`, its rules are in `proto`; nothing is decided here.
//!
//! Everything from somebody else becomes text, never markup: `maud` escapes whatever is put into a page, and what
//! deceives the eye is made visible by `Foreign::visible` before it comes here. (SECURITY D4)

mod announce;
mod assets;
mod browser;
mod chart;
mod fields;
mod frame;
mod guard;
mod language;
mod peer;
mod report;
mod seal;
mod server;

pub use announce::{Announce, announce, printed};
pub use browser::{Opened, open};
pub use chart::{Chart, POINTS_MAX, Point, Shape};
pub use fields::Fields;
pub use frame::{Frame, act, document, part};
pub use guard::LAUNCH_MS;
pub use language::accepted;
pub use report::{facts, finding, report, severity, table};
pub use seal::Seal;
pub use server::{BODY_MAX, CONNECTIONS, Handle, STREAMS, Server};

use tokio::sync::watch;
use venia_proto::ledger::body::Language;

/// A request that passed the guard.
#[derive(Debug)]
pub struct Visit<'a> {
    /// The path, from `/` on.
    pub path: &'a str,
    /// What stands behind `?`.
    pub query: &'a Fields,
    /// The first of our languages that the browser asks for.
    pub language: Option<Language>,
    /// Makes and checks form tokens.
    pub seal: &'a Seal,
}

/// What a site answers.
#[derive(Debug)]
pub enum Answer {
    /// A page.
    Page(String),
    /// What was asked is done: look here now (303, RFC 9110 section 15.4.4).
    SeeOther(String),
    /// The form was made for something that isn't shown any more: this page, with 409.
    Changed(String),
    /// A file to keep.
    File {
        /// Its name: letters, digits, dots and dashes.
        name: String,
        /// Its media type.
        media: &'static str,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// Plain lines, for the page's own script.
    Lines(Vec<&'static str>),
    /// Nothing is here.
    NotFound,
}

/// What stands at a local page's address. Called on the server's own thread: it must not block for long.
pub trait Site: Send + Sync + 'static {
    /// Shows a page. Must change nothing that anybody could want undone.
    fn show(&self, visit: &Visit<'_>) -> Answer;

    /// Does what a form says.
    fn act(&self, visit: &Visit<'_>, form: &Fields) -> Answer;

    /// A page that is visible begins to listen; what is given back is dropped when it no longer is.
    fn listen(&self, visit: &Visit<'_>) -> Listening;
}

/// A page's ear.
pub struct Listening {
    /// Changes whenever the page should be fetched again.
    pub changes: watch::Receiver<u64>,
    /// Dropped when the page goes away or is hidden.
    pub held: Box<dyn Send + Sync>,
}

impl std::fmt::Debug for Listening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listening").finish_non_exhaustive()
    }
}
