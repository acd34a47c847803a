//! The local socket: who may ask, and how a request and its answer travel.
//!
//! It lies in the 0700 data folder, is 0600, and answers only the user the relay runs as (checked with the kernel, not
//! believed). Whoever can open it could open the database as well. Not here: what is asked ([`super::said`]).

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use zeroize::Zeroizing;

use super::{Reply, Request, Why, carry_out, erased};
use crate::clock;
use crate::server::erasing;
use crate::server::peer::Relay;

/// The socket's name in the data folder.
pub const SOCKET: &str = "admin.sock";
/// Longest request or answer, in bytes: some ten thousand members.
pub const LINE_MAX: u64 = 4 << 20;
/// How long either side waits for the other.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Longest path a Unix socket address can hold, in bytes, its final zero included.
const SOCKET_PATH_MAX: usize = 108;

/// A running relay that can't be asked, or an answer that isn't one.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The socket.
    #[error("the relay's local socket failed")]
    Socket(#[source] io::Error),
    /// It doesn't answer in time.
    #[error("the running relay doesn't answer")]
    NoAnswer,
    /// What it said is no answer.
    #[error("the running relay is of another version")]
    Malformed,
}

/// Listens for operators. The caller holds the folder's lock, so an old socket belongs to nobody.
pub fn listen(folder: &Path) -> io::Result<UnixListener> {
    let path = folder.join(SOCKET);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let (short, _folder) = short(folder)?;
    let listener = UnixListener::bind(short)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves operators, one after the other, for as long as the relay runs.
pub async fn serve(relay: Arc<Relay>, listener: UnixListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let served = tokio::time::timeout(PATIENCE, answer(&relay, stream)).await;
                if let Ok(Err(error)) = served {
                    tracing::debug!(error = &error as &dyn std::error::Error, "an operator wasn't served");
                }
            }
            Err(error) => {
                // Out of descriptors, most likely: others may close some meanwhile.
                tracing::warn!(error = &error as &dyn std::error::Error, "the local socket failed");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

/// Asks the running relay. `None`: none is running in this folder.
pub async fn ask(folder: &Path, request: &Request) -> Result<Option<Reply>, AdminError> {
    let (short, _folder) = match short(folder) {
        Ok(short) => short,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(AdminError::Socket(error)),
    };
    let stream = match UnixStream::connect(short).await {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => return Err(AdminError::Socket(error)),
    };
    let exchange = async {
        let (reader, mut writer) = stream.into_split();
        let mut line = serde_json::to_vec(request).map_err(|_| AdminError::Malformed)?;
        line.push(b'\n');
        writer.write_all(&line).await.map_err(AdminError::Socket)?;
        let line = read_line(reader).await.map_err(AdminError::Socket)?;
        // It gave up a moment before we would have.
        if line.is_empty() {
            return Err(AdminError::NoAnswer);
        }
        serde_json::from_slice(&line).map(Some).map_err(|_| AdminError::Malformed)
    };
    tokio::time::timeout(PATIENCE, exchange).await.unwrap_or(Err(AdminError::NoAnswer))
}

async fn answer(relay: &Arc<Relay>, stream: UnixStream) -> io::Result<()> {
    // The kernel says who is at the other end.
    if stream.peer_cred()?.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let (reader, mut writer) = stream.into_split();
    let line = read_line(reader).await?;
    let reply = match serde_json::from_slice::<Request>(&line) {
        Err(_) => Reply::Refused { why: Why::Malformed },
        Ok(Request::Erase { session, parts }) => match erasing::read(&session, &parts) {
            Some((id, parts)) => erased(session, erasing::erase_and_tell(relay, id, parts).await),
            None => Reply::Refused { why: Why::Malformed },
        },
        Ok(request) => {
            let prunes = matches!(request, Request::Prune { .. });
            let organisation = relay.organisation.clone();
            let witnesses = matches!(request, Request::WitnessAdd { .. } | Request::WitnessRemove { .. });
            let (roster, hall) = (relay.roster.clone(), relay.hall.clone());
            let done = relay.ledger.perform(move |store| {
                let (reply, revoked) = carry_out(store, &organisation, request, clock::now().wall);
                // Here, for nobody may have waited for it: who asked gives up after a while, and what is done is done. After
                // the roster: whom it still let in, the registry shows the door. (SECURITY A5)
                if let Some(key) = revoked {
                    roster.revoked(&key, clock::now().wall);
                    hall.act(|registry, _| registry.revoked(&key));
                }
                reply
            });
            let reply = done.await.unwrap_or(Reply::Refused { why: Why::Disk });
            relay.organisation.put_on_record(&relay.ledger).await;
            if witnesses {
                relay.cosigned.witnesses_changed();
            }
            if prunes {
                relay.desk.strip();
            }
            reply
        }
    };
    let mut line = Zeroizing::new(serde_json::to_vec(&reply)?);
    line.push(b'\n');
    writer.write_all(&line).await?;
    writer.shutdown().await
}

async fn read_line(reader: impl tokio::io::AsyncRead + Unpin) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(Vec::new());
    BufReader::new(reader.take(LINE_MAX)).read_until(b'\n', &mut line).await?;
    Ok(line)
}

/// A path to the socket that fits a socket address, however deep the folder lies. The open folder must outlive its use.
fn short(folder: &Path) -> io::Result<(PathBuf, Option<File>)> {
    let path = folder.join(SOCKET);
    if path.as_os_str().len() < SOCKET_PATH_MAX {
        return Ok((path, None));
    }
    let open = File::open(folder)?;
    Ok((PathBuf::from(format!("/proc/self/fd/{}", open.as_raw_fd())).join(SOCKET), Some(open)))
}
