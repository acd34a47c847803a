//! One checkpoint to one witness over HTTP/1.1, and what it says.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use venia_proto::ledger::note::Signature;
use venia_proto::ledger::witness::{AddCheckpoint, read_lines};

use super::place::Place;

/// How long a witness may take for its answer, the connection included.
pub const ANSWER: Duration = Duration::from_secs(2);
/// Longest answer that is read, in bytes.
pub const ANSWER_MAX: usize = 16 * 1024;

/// What a witness said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Signature lines, unchecked.
    Cosigned(Vec<Signature>),
    /// The size it cosigned last.
    Conflict(u64),
}

/// No usable answer. Worth a warning: witnesses are away now and then.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// Nobody listens there, or the connection broke.
    #[error("the witness can't be reached")]
    Connection(#[source] std::io::Error),
    /// Not HTTP.
    #[error("the witness doesn't speak HTTP")]
    Http(#[source] hyper::Error),
    /// It took longer than [`ANSWER`].
    #[error("the witness doesn't answer")]
    Late,
    /// It refuses, or says something that means nothing.
    #[error("the witness answered {0}")]
    Status(u16),
}

/// Submits a checkpoint.
pub async fn submit(place: &Place, request: &AddCheckpoint) -> Result<Said, Unanswered> {
    timeout(ANSWER, exchange(place, request)).await.unwrap_or(Err(Unanswered::Late))
}

async fn exchange(place: &Place, request: &AddCheckpoint) -> Result<Said, Unanswered> {
    let stream = TcpStream::connect(place.at.to_string()).await.map_err(Unanswered::Connection)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(Unanswered::Http)?;
    let call = Request::post(place.path())
        .header(HOST, place.at.to_string())
        .header(CONTENT_TYPE, "text/plain")
        .body(Full::new(Bytes::from(request.to_bytes())))
        .map_err(|_| Unanswered::Status(0))?;
    let answering = async {
        let response = sender.send_request(call).await.map_err(Unanswered::Http)?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), ANSWER_MAX).collect().await;
        let body = body.map_err(|_| Unanswered::Status(status))?.to_bytes();
        said(status, &body, request).ok_or(Unanswered::Status(status))
    };
    // Both in this task: what is given up is given up whole.
    tokio::pin!(connection);
    tokio::pin!(answering);
    tokio::select! {
        said = &mut answering => said,
        ended = &mut connection => match ended {
            // It closed after its answer, which may still lie in the buffer.
            Ok(()) => answering.await,
            Err(error) => Err(Unanswered::Http(error)),
        },
    }
}

fn said(status: u16, body: &[u8], request: &AddCheckpoint) -> Option<Said> {
    match status {
        200 => read_lines(body, &request.checkpoint).ok().map(Said::Cosigned),
        409 => {
            let line = std::str::from_utf8(body).ok()?.strip_suffix('\n')?;
            let size: u64 = line.parse().ok()?;
            (size.to_string() == line).then_some(Said::Conflict(size))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use venia_proto::key::SigningKey;
    use venia_proto::ledger::checkpoint::Checkpoint;
    use venia_proto::ledger::cosignature::cosign;
    use venia_proto::ledger::note::Note;
    use venia_proto::ledger::witness::lines;

    use super::*;

    #[test]
    fn answers_of_a_witness() {
        let log = SigningKey::new("log", [1; 32]);
        let checkpoint = Note::parse(&Checkpoint::of(log.verifier(), 3, [7; 32]).sign(&log)).unwrap();
        let line = cosign(&checkpoint, &SigningKey::new("witness", [2; 32]), 7);
        let request = AddCheckpoint { old: 0, proof: Vec::new(), checkpoint };
        let body = lines(std::slice::from_ref(&line));
        assert_eq!(said(200, body.as_bytes(), &request), Some(Said::Cosigned(vec![line])));
        assert_eq!(said(409, b"17\n", &request), Some(Said::Conflict(17)));
        for (status, body) in [
            (200, &b"yes\n"[..]),
            (409, b"17"),
            (409, b"017\n"),
            (409, b"+1\n"),
            (409, b"\xff\n"),
            (403, b""),
            (500, b""),
        ] {
            assert_eq!(said(status, body, &request), None, "{status} {body:?}");
        }
    }
}
