//! The server of local pages: loopback, HTTP/1.1, this account's own browser.
//!
//! It is open to every program of this computer, so everything has an end: connections, streams, heads, bodies, time.
//! (UX, "the local page's guard"; SECURITY H2)

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::{
    ACCEPT_LANGUAGE, ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderName, HeaderValue,
    LOCATION, SET_COOKIE,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;

use super::guard::{Guard, RANDOM, SECRET, Verdict};
use super::seal::{KEY, Seal};
use super::{Answer, Fields, Listening, Site, Visit, accepted, assets, peer};

/// Connections at once; more wait to be accepted.
pub const CONNECTIONS: usize = 32;
/// Pages that listen at once.
pub const STREAMS: usize = 8;
/// Bytes of a form.
pub const BODY_MAX: usize = 64 * 1024;
/// Bytes of a request's head.
const HEAD_MAX: usize = 16 * 1024;
/// How long a head may take to come, also the first byte of the next one.
const HEAD: Duration = Duration::from_secs(10);
/// How long a form may take to come.
const BODY: Duration = Duration::from_secs(10);
/// A page that listens is written to this often, so that one that is gone is noticed.
const BEAT: Duration = Duration::from_secs(5);
/// Pause when the operating system gives no connection.
const BREATH: Duration = Duration::from_millis(200);
/// Where a page listens.
const EVENTS: &str = "/events";

/// What every answer says. No cache keeps a page, no other page frames it, reads it or hears of its address; nothing in it
/// runs or is fetched but its own two files. `same-origin` and not `no-referrer`: a browser sends `Origin: null` with the
/// forms of a page without a referrer.
const HEADERS: [(&str, &str); 8] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-frame-options", "DENY"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=(), display-capture=()"),
    ("cache-control", "no-store"),
];

type Reply = Response<UnsyncBoxBody<Bytes, Infallible>>;

/// A page's server that listens and answers nobody yet.
#[derive(Debug)]
pub struct Server {
    listener: std::net::TcpListener,
    inner: Arc<Inner>,
}

/// What the rest of the program needs of a server.
#[derive(Clone, Debug)]
pub struct Handle(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    ours: SocketAddrV4,
    guard: Mutex<Guard>,
    seal: Seal,
    began: Instant,
    streams: Arc<Semaphore>,
}

impl Server {
    /// Listens on a free port of 127.0.0.1.
    pub fn bind() -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let SocketAddr::V4(ours) = listener.local_addr()? else {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "127.0.0.1 is no IPv4 address here"));
        };
        let (mut random, mut key) = ([0; RANDOM], [0; KEY]);
        getrandom::fill(&mut random).and_then(|()| getrandom::fill(&mut key)).map_err(io::Error::other)?;
        let inner = Inner {
            ours,
            guard: Mutex::new(Guard::new(ours.port(), &random, 0)),
            seal: Seal::new(key),
            began: Instant::now(),
            streams: Arc::new(Semaphore::new(STREAMS)),
        };
        Ok(Self { listener, inner: Arc::new(inner) })
    }

    /// What the rest of the program needs of it.
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.inner))
    }

    /// Serves until dropped.
    pub async fn serve(self, site: Arc<dyn Site>) {
        let listener = match TcpListener::from_std(self.listener) {
            Ok(listener) => listener,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the page can't be served");
                return;
            }
        };
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok(place) = places.clone().acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, from)) => {
                    if let SocketAddr::V4(from) = from
                        && is_ours(from, self.inner.ours)
                    {
                        tokio::spawn(converse(stream, Arc::clone(&self.inner), Arc::clone(&site), place));
                    }
                }
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "no connection can be accepted");
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    }
}

impl Handle {
    /// The address that opens the page, for a minute; `None` once it was used.
    pub fn address(&self) -> Option<String> {
        self.0.guard().address()
    }

    /// Whether a browser has opened it.
    pub fn is_launched(&self) -> bool {
        self.0.guard().is_launched()
    }

    /// A new address in the place of one that nobody used in time; `None` if it was used meanwhile.
    pub fn address_again(&self) -> Option<String> {
        let mut random = [0; SECRET];
        getrandom::fill(&mut random).ok()?;
        let mut guard = self.0.guard();
        if guard.is_launched() {
            return None;
        }
        guard.launch_again(&random, self.0.now_ms());
        guard.address()
    }
}

impl Inner {
    fn guard(&self) -> MutexGuard<'_, Guard> {
        self.guard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Whether the other end is a process of this account. Where the kernel doesn't say, it isn't.
fn is_ours(from: SocketAddrV4, ours: SocketAddrV4) -> bool {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let owner = peer::owner(&table, from, ours);
    let account = rustix::process::getuid().as_raw();
    if owner != Some(account) {
        tracing::debug!(?owner, "another account of this computer asked for the page");
    }
    owner == Some(account)
}

async fn converse(stream: TcpStream, inner: Arc<Inner>, site: Arc<dyn Site>, place: OwnedSemaphorePermit) {
    let service = service_fn(move |request| {
        let (inner, site) = (Arc::clone(&inner), Arc::clone(&site));
        async move { Ok::<_, Infallible>(reply(request, &inner, &*site).await) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(HEAD_MAX);
    // Whatever went wrong, the other end knows, or is gone.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
    drop(place);
}

async fn reply(request: Request<Incoming>, inner: &Inner, site: &dyn Site) -> Reply {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let now_ms = inner.now_ms();
    let verdict = inner.guard().judge(&head.method, path, &head.headers, now_ms);
    if verdict != Verdict::Pass {
        return refused(verdict, inner);
    }
    if let Some(asset) = assets::at(path) {
        return whole(StatusCode::OK, asset.media, asset.text.as_bytes().to_vec());
    }
    let header = head.headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let query = Fields::read(head.uri.query().unwrap_or("").as_bytes());
    let visit = Visit { path, query: &query, language: header.and_then(accepted), seal: &inner.seal };
    if head.method != Method::POST {
        return answered(site.show(&visit));
    }
    let form = match timeout(BODY, Limited::new(body, BODY_MAX).collect()).await {
        Ok(Ok(body)) => Fields::read(&body.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            return plain(StatusCode::PAYLOAD_TOO_LARGE, "longer than any form of this page\n");
        }
        Ok(Err(_)) => return plain(StatusCode::BAD_REQUEST, "the form didn't come to its end\n"),
        Err(_) => return plain(StatusCode::REQUEST_TIMEOUT, "the form took too long\n"),
    };
    if path != EVENTS {
        return answered(site.act(&visit, &form));
    }
    match Arc::clone(&inner.streams).try_acquire_owned() {
        Ok(place) => {
            let mut ear = site.listen(&visit);
            // What changed between the page and its ear is told at once; nothing is looked at twice.
            if query.get("seen").and_then(|seen| seen.parse().ok()) != Some(*ear.changes.borrow()) {
                ear.changes.mark_changed();
            }
            listening(ear, place)
        }
        Err(_) => plain(StatusCode::SERVICE_UNAVAILABLE, "too many pages are open\n"),
    }
}

/// What isn't served is let go at once: it keeps no place from the person's own page.
fn refused(verdict: Verdict, inner: &Inner) -> Reply {
    let mut reply = match verdict {
        Verdict::Launch => {
            let mut reply = see_other("/");
            if let Ok(cookie) = HeaderValue::from_str(&inner.guard().cookie()) {
                reply.headers_mut().insert(SET_COOKIE, cookie);
            }
            return reply;
        }
        Verdict::Misdirected => plain(StatusCode::MISDIRECTED_REQUEST, "this page has another address\n"),
        Verdict::Gone => {
            plain(StatusCode::GONE, "This address has been used or is too old. / Esta dirección ya no sirve.\n")
        }
        Verdict::Pass | Verdict::Forbidden => plain(StatusCode::FORBIDDEN, "this page is somebody else's\n"),
        Verdict::Method => {
            let mut reply = plain(StatusCode::METHOD_NOT_ALLOWED, "GET or POST\n");
            reply.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
            reply
        }
    };
    reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    reply
}

fn answered(answer: Answer) -> Reply {
    const HTML: &str = "text/html; charset=utf-8";
    match answer {
        Answer::Page(page) => whole(StatusCode::OK, HTML, page.into_bytes()),
        Answer::Changed(page) => whole(StatusCode::CONFLICT, HTML, page.into_bytes()),
        Answer::SeeOther(path) => see_other(&path),
        Answer::File { name, media, bytes } => {
            let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
            let name: String = name.chars().filter(|c| safe(*c)).collect();
            let mut reply = whole(StatusCode::OK, media, bytes);
            if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
                reply.headers_mut().insert(CONTENT_DISPOSITION, value);
            }
            reply
        }
        Answer::Lines(lines) => whole(StatusCode::OK, "text/plain; charset=utf-8", lines.join("\n").into_bytes()),
        Answer::NotFound => plain(StatusCode::NOT_FOUND, "nothing is here\n"),
    }
}

/// A stream of one line for every change, with its number, and of empty ones in between, until the page goes away. A page
/// that was made after that change, as the answer to its own form is, needn't look again.
fn listening(listening: Listening, place: OwnedSemaphorePermit) -> Reply {
    let Listening { mut changes, held } = listening;
    let (say, lines) = mpsc::channel(4);
    tokio::spawn(async move {
        let _kept = (held, place);
        loop {
            let line = tokio::select! {
                changed = changes.changed() => match changed {
                    Ok(()) => format!("{}\n", *changes.borrow_and_update()),
                    Err(_) => return,
                },
                () = tokio::time::sleep(BEAT) => "\n".to_owned(),
                () = say.closed() => return,
            };
            let sent = say.send(Bytes::from(line)).await.is_ok();
            if !sent {
                return;
            }
        }
    });
    let mut reply = Response::new(Lines(lines).boxed_unsync());
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    with_headers(reply)
}

/// Lines as a body that ends when nobody writes them any more.
struct Lines(mpsc::Receiver<Bytes>);

impl Body for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.get_mut().0.poll_recv(cx).map(|line| line.map(|line| Ok(Frame::data(line))))
    }
}

fn see_other(path: &str) -> Reply {
    let mut reply = whole(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", Vec::new());
    // Only this page: a site can't be made to lead elsewhere by what a form brought.
    let local = path.starts_with('/') && !path.starts_with("//") && !path.contains('\\');
    let path = HeaderValue::from_str(path).ok().filter(|_| local);
    reply.headers_mut().insert(LOCATION, path.unwrap_or(HeaderValue::from_static("/")));
    reply
}

fn plain(status: StatusCode, text: &'static str) -> Reply {
    whole(status, "text/plain; charset=utf-8", text.as_bytes().to_vec())
}

fn whole(status: StatusCode, media: &'static str, bytes: Vec<u8>) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(bytes)).boxed_unsync());
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    with_headers(reply)
}

fn with_headers(mut reply: Reply) -> Reply {
    for (name, value) in HEADERS {
        reply.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    debug_assert!(reply.headers().contains_key(CACHE_CONTROL));
    reply
}

#[cfg(test)]
mod tests;
