//! The witness over HTTP/1.1: one call, `POST /add-checkpoint`. (C2SP tlog-witness)
//!
//! Whoever reaches the port may be anybody: few connections at once, each for a short while, a head and a body that must
//! come soon and be small. Cosignatures are signed and requests prove themselves, so there is no TLS here: somebody in
//! between can only withhold, which a log notices.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use venia_proto::ledger::witness::REQUEST_MAX;

use super::desk::{Desk, Reply};
use crate::client::home::Home;
use crate::clock;

/// The one path.
pub const PATH: &str = "/add-checkpoint";
/// Connections at once; more wait to be accepted.
pub const CONNECTIONS: usize = 64;
/// How long a request's head may take to come, also the first byte of the next one.
pub const HEAD: Duration = Duration::from_secs(5);
/// How long a request's body may take to come.
pub const BODY: Duration = Duration::from_secs(5);
/// How long a connection may live: slow readers of answers don't hold a place for ever.
pub const CONNECTION: Duration = Duration::from_secs(60);
/// Bytes of a request's head.
pub const HEAD_MAX: usize = 8 * 1024;
/// Pause when the operating system gives no connection.
const BREATH: Duration = Duration::from_millis(200);

/// How long others may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For a request's head.
    pub head: Duration,
    /// For its body.
    pub body: Duration,
    /// For everything on one connection.
    pub connection: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { head: HEAD, body: BODY, connection: CONNECTION }
    }
}

/// A witness that listens.
pub struct Listening {
    listener: TcpListener,
    desk: Arc<Desk<Home>>,
    patience: Patience,
}

impl Listening {
    /// Listens for logs.
    pub async fn on(listen: SocketAddr, desk: Desk<Home>, patience: Patience) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(listen).await?, desk: Arc::new(desk), patience })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until dropped.
    pub async fn serve(self) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok(place) = places.clone().acquire_owned().await else { return };
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let (desk, patience) = (self.desk.clone(), self.patience);
                    tokio::spawn(async move {
                        converse(stream, desk, patience).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    // Out of descriptors, most likely: others may close some meanwhile.
                    tracing::warn!(error = &error as &dyn std::error::Error, "the witness can't accept");
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    }
}

async fn converse(stream: TcpStream, desk: Arc<Desk<Home>>, patience: Patience) {
    let service = service_fn(move |request| {
        let desk = desk.clone();
        async move { Ok::<_, Infallible>(reply(request, desk, patience.body).await) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(patience.head).max_buf_size(HEAD_MAX);
    // Whatever went wrong, the other end knows, or is gone.
    let _ = timeout(patience.connection, server.serve_connection(TokioIo::new(stream), service)).await;
}

async fn reply(request: Request<Incoming>, desk: Arc<Desk<Home>>, patience: Duration) -> Response<Full<Bytes>> {
    if request.uri().path() != PATH {
        return plain(StatusCode::NOT_FOUND, "a witness answers at /add-checkpoint\n");
    }
    if request.method() != Method::POST {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "POST a checkpoint here\n");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    let body = match timeout(patience, Limited::new(request.into_body(), REQUEST_MAX).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            return plain(StatusCode::PAYLOAD_TOO_LARGE, "longer than any checkpoint\n");
        }
        Ok(Err(_)) => return plain(StatusCode::BAD_REQUEST, "the body didn't come to its end\n"),
        Err(_) => return plain(StatusCode::REQUEST_TIMEOUT, "the body took too long\n"),
    };
    let seconds = u64::try_from(clock::now().wall.ms() / 1_000).unwrap_or(0);
    match tokio::task::spawn_blocking(move || desk.answer(&body, seconds)).await {
        Ok(Reply { status, media, body }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            answer(status, media, body)
        }
        Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "the witness failed\n"),
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    answer(status, "text/plain", text.to_owned())
}

fn answer(status: StatusCode, media: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    response
}
