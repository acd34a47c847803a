//! Administration: what the operator's commands do, over the local socket of a running relay or on the folder itself.
//!
//! One request and one answer, each a line of JSON. The socket lies in the 0700 data folder, is 0600, and answers only the
//! user the relay runs as (checked with the kernel, not believed). Whoever can open it could open the database as well.

mod statement;

use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use venia_proto::address::RelayAddress;
use venia_proto::foreign::Foreign;
use venia_proto::invite::{Invite, SECRET};
use venia_proto::key::PublicKey;
use venia_proto::now::Wall;
use venia_proto::statement::Role;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::clock;
use super::contradictions;
use super::erasing::{self, ErasingError};
use super::ledger::StoreError;
use super::ledger::contradictions::Contradiction;
use super::ledger::erasing::Erasure;
use super::ledger::sqlite::Sqlite;
use super::members::{self, Invitee, MembersError, StoredMember};
use super::organisation::Organisation;
use super::peer::Relay;
use super::recipient::Recipient;
use super::settings::WitnessAt;

/// The socket's name in the data folder.
pub const SOCKET: &str = "admin.sock";
/// Longest request or answer, in bytes: some ten thousand members.
pub const LINE_MAX: u64 = 4 << 20;
/// How long either side waits for the other.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Longest path a Unix socket address can hold, in bytes, its final zero included.
const SOCKET_PATH_MAX: usize = 108;

/// What an operator may ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// Where this relay is found.
    Address,
    /// A one-time invite.
    Invite {
        /// Whom it is for.
        name: String,
        /// What they may do.
        role: Role,
        /// Certified level, 1 to 5.
        level: u8,
    },
    /// Who is a member.
    Members,
    /// Withdraw a membership.
    Revoke {
        /// Whose.
        name: String,
    },
    /// Who can open records sealed from now on.
    Auditors,
    /// Seal to one more key from now on.
    AuditorAdd {
        /// Its `age` recipient.
        recipient: String,
    },
    /// Seal nothing more to a key.
    AuditorRemove {
        /// Its `age` recipient.
        recipient: String,
    },
    /// Who cosigns checkpoints.
    Witnesses,
    /// Ask one more witness from now on.
    WitnessAdd {
        /// Its verifier key.
        key: String,
        /// Where it listens.
        at: String,
    },
    /// Ask a witness no more.
    WitnessRemove {
        /// Its verifier key.
        key: String,
    },
    /// Require so many of them.
    Quorum {
        /// How many.
        quorum: u32,
    },
    /// Erase sealed parts of a session.
    Erase {
        /// Which, in hex.
        session: String,
        /// Commitments of the parts, in hex; none for all.
        parts: Vec<String>,
    },
    /// What was erased, and who obeyed.
    Erasures,
    /// For how long sealed parts are kept.
    Retention {
        /// Change it, or only tell.
        change: bool,
        /// Days; none for ever.
        days: Option<u32>,
    },
    /// Delete the entries of logs that were closed before a year.
    Prune {
        /// The year.
        before: i16,
    },
    /// Which authors contradicted themselves.
    Evidence,
    /// The file that shows one of them.
    EvidenceFile {
        /// The session, in hex.
        session: String,
        /// Which of the session's, from 1; the first, if none is named.
        number: Option<usize>,
    },
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Reply {
    /// To [`Request::Address`].
    Address {
        /// `venia://HOST:PORT#FINGERPRINT`.
        address: String,
    },
    /// To [`Request::Invite`].
    Invite {
        /// The word. Secret; printed once.
        invite: InviteWord,
        /// Whom it is for, trimmed.
        name: Foreign,
        /// What they may do.
        role: Role,
        /// Certified level.
        level: u8,
        /// Last moment it works.
        expires: Wall,
    },
    /// To [`Request::Members`].
    Members {
        /// By name.
        members: Vec<ListedMember>,
    },
    /// To [`Request::Revoke`].
    Revoked {
        /// Their name, as enrolled.
        name: Foreign,
    },
    /// To [`Request::Auditors`], [`Request::AuditorAdd`] and [`Request::AuditorRemove`].
    Auditors {
        /// Serial of the statement that names them.
        serial: u64,
        /// In the order they were added.
        auditors: Vec<Recipient>,
    },
    /// To [`Request::Witnesses`], [`Request::WitnessAdd`], [`Request::WitnessRemove`] and [`Request::Quorum`].
    Witnesses {
        /// Serial of the statement that names them.
        serial: u64,
        /// The key of this relay's log, which a witness must be told.
        log: String,
        /// How many are required.
        quorum: u32,
        /// In the order they were added.
        witnesses: Vec<WitnessAt>,
    },
    /// To [`Request::Erase`].
    Erased {
        /// The session.
        session: String,
    },
    /// To [`Request::Erasures`].
    Erasures {
        /// Oldest first.
        erasures: Vec<ListedErasure>,
    },
    /// To [`Request::Retention`].
    Retention {
        /// Days; none for ever.
        days: Option<u32>,
    },
    /// To [`Request::Prune`].
    Pruned {
        /// Origin and size of each log whose entries aren't kept.
        logs: Vec<(String, u64)>,
    },
    /// To [`Request::Evidence`].
    Evidence {
        /// By session, author and place.
        evidence: Vec<ListedContradiction>,
    },
    /// To [`Request::EvidenceFile`].
    EvidenceFile {
        /// The session, in hex.
        session: String,
        /// The file's text.
        text: String,
        /// How many the session has.
        of: usize,
    },
    /// The wish can't be granted.
    Refused {
        /// Why.
        why: Why,
    },
}

/// An invite's word: wiped when dropped, redacted in `Debug`. (SECURITY H3)
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ZeroizeOnDrop)]
#[serde(transparent)]
pub struct InviteWord(pub String);

impl fmt::Debug for InviteWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InviteWord(…)")
    }
}

/// A member in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedMember {
    /// Their name.
    pub name: Foreign,
    /// What they may do.
    pub role: Role,
    /// Certified level.
    pub level: u8,
    /// When they enrolled.
    pub since: Wall,
    /// When they were revoked, if they were.
    pub revoked: Option<Wall>,
}

/// An erasure in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedErasure {
    /// The session, in hex.
    pub session: String,
    /// When, by the ledger.
    pub at: Wall,
    /// Commitments of the parts, in hex; none for all.
    pub parts: Option<Vec<String>>,
    /// Members who came for the session.
    pub members: Vec<ListedHolder>,
}

/// Somebody who held openings of what was erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedHolder {
    /// Their name.
    pub name: Foreign,
    /// Whether their program said that it deleted them.
    pub deleted: bool,
}

/// Evidence against an author, in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedContradiction {
    /// The session, in hex.
    pub session: String,
    /// Which of the session's, from 1.
    pub number: usize,
    /// Whose strand.
    pub author: String,
    /// Which of their events there are two of.
    pub seq: u64,
    /// When the second was offered, by the relay's clock.
    pub at: Wall,
}

/// Why a wish wasn't granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// Not a name of one line and 1 to 64 characters.
    Name,
    /// Not 1 to 5.
    Level,
    /// A member has that name.
    NameTaken,
    /// Nobody has that name.
    NoSuchMember,
    /// Not an `age` recipient.
    Recipient,
    /// There are too many auditors already.
    TooManyAuditors,
    /// No auditor has that key.
    NoSuchAuditor,
    /// Not a witness's key.
    WitnessKey,
    /// Not where a witness can be reached.
    WitnessPlace,
    /// Another witness has that key, or it is the log's own.
    WitnessTwice,
    /// There are too many witnesses already.
    TooManyWitnesses,
    /// No witness has that key.
    NoSuchWitness,
    /// More would be required than there are.
    Quorum,
    /// This ledger has no such session.
    NoSuchSession,
    /// The session has no such part.
    NoSuchPart,
    /// Nothing of the kind is kept of this session.
    NoEvidence,
    /// The relay's disk or database, or no random numbers.
    Disk,
    /// Not a request.
    Malformed,
}

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

/// Does what is asked, on the database and the settings. Gives the key to be shown the door, if a membership was
/// withdrawn.
pub fn carry_out(
    store: &mut Sqlite,
    organisation: &Organisation,
    request: Request,
    now: Wall,
) -> (Reply, Option<PublicKey>) {
    let done = match request {
        Request::Address => Ok((Reply::Address { address: organisation.address().to_string() }, None)),
        Request::Invite { name, role, level } => invite(store, &organisation.address(), &name, role, level, now),
        Request::Members => members::list(store)
            .map(|members| (Reply::Members { members: members.into_iter().map(listed).collect() }, None)),
        Request::Revoke { name } => members::revoke(store, &name, now)
            .map(|member| (Reply::Revoked { name: member.name }, Some(member.key.key))),
        Request::Auditors => Ok((statement::auditors(organisation), None)),
        Request::AuditorAdd { recipient } => {
            Ok((statement::auditor(organisation, &recipient, |settings, key| settings.add_auditor(key), now), None))
        }
        Request::AuditorRemove { recipient } => {
            Ok((statement::auditor(organisation, &recipient, |settings, key| settings.remove_auditor(&key), now), None))
        }
        Request::Witnesses => Ok((statement::witnesses(organisation), None)),
        Request::WitnessAdd { key, at } => Ok((statement::add_witness(organisation, &key, &at, now), None)),
        Request::WitnessRemove { key } => Ok((statement::remove_witness(organisation, &key, now), None)),
        Request::Quorum { quorum } => Ok((statement::require(organisation, quorum, now), None)),
        // Erasing needs the log's writer, who isn't reached through here.
        Request::Erase { .. } => Ok((Reply::Refused { why: Why::Malformed }, None)),
        Request::Erasures => store
            .erasures()
            .map(|all| (Reply::Erasures { erasures: all.into_iter().map(listed_erasure).collect() }, None))
            .map_err(MembersError::Store),
        Request::Retention { change, days } => {
            let changed = if change { store.retain(days) } else { Ok(()) };
            let days = changed.and_then(|()| store.retention());
            days.map(|days| (Reply::Retention { days }, None)).map_err(MembersError::Store)
        }
        Request::Prune { before } => store.prune(before).map_err(MembersError::Store).map(|logs| {
            let logs = logs.into_iter().map(|log| (log.log.name.as_str().to_owned(), log.size)).collect();
            (Reply::Pruned { logs }, None)
        }),
        Request::Evidence => store
            .contradictions(None)
            .map(|found| (Reply::Evidence { evidence: listed_contradictions(&found) }, None))
            .map_err(MembersError::Store),
        Request::EvidenceFile { session, number } => {
            evidence_file(store, organisation, &session, number, now).map(|reply| (reply, None))
        }
    };
    done.unwrap_or_else(|error| {
        let why = match &error {
            MembersError::Name(_) => Why::Name,
            MembersError::Level => Why::Level,
            MembersError::NameTaken => Why::NameTaken,
            MembersError::Unknown => Why::NoSuchMember,
            MembersError::Refused(_) => Why::Malformed,
            MembersError::Store(error) => {
                tracing::error!(error = error as &dyn std::error::Error, "administration failed");
                Why::Disk
            }
        };
        (Reply::Refused { why }, None)
    })
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
            let done = relay.ledger.perform(move |store| carry_out(store, &organisation, request, clock::now().wall));
            let done = done.await;
            relay.organisation.put_on_record(&relay.ledger).await;
            if witnesses {
                relay.cosigned.witnesses_changed();
            }
            let (reply, revoked) = done.unwrap_or((Reply::Refused { why: Why::Disk }, None));
            if let Some(key) = revoked {
                relay.hall.act(|registry, _| registry.revoked(&key));
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

fn invite(
    store: &mut Sqlite,
    address: &RelayAddress,
    name: &str,
    role: Role,
    level: u8,
    now: Wall,
) -> Result<(Reply, Option<PublicKey>), MembersError> {
    let invitee = Invitee::new(name, role, level)?;
    let mut random = Zeroizing::new([0; SECRET]);
    if getrandom::fill(random.as_mut_slice()).is_err() {
        return Ok((Reply::Refused { why: Why::Disk }, None));
    }
    let invite = Invite::new(address.clone(), *random);
    let expires = members::invite(store, &invitee, invite.hash(), now)?;
    let name = Foreign::new(name.trim());
    Ok((Reply::Invite { invite: InviteWord(invite.word().to_string()), name, role, level, expires }, None))
}

/// What an operator is told of an erasure.
pub fn erased(session: String, done: Result<(), ErasingError>) -> Reply {
    let why = match done {
        Ok(()) => return Reply::Erased { session },
        Err(ErasingError::NoSuchSession) => Why::NoSuchSession,
        Err(ErasingError::NoSuchPart) => Why::NoSuchPart,
        Err(ErasingError::TooMany) => Why::Malformed,
        Err(error @ (ErasingError::Store(_) | ErasingError::Refused(_))) => {
            tracing::error!(error = &error as &dyn std::error::Error, "nothing was erased");
            Why::Disk
        }
    };
    Reply::Refused { why }
}

fn listed_erasure(erasure: Erasure) -> ListedErasure {
    let Erasure { session, at, parts, holders } = erasure;
    let parts = parts.map(|parts| parts.iter().map(|part| venia_proto::encoding::to_hex(part)).collect());
    let members = holders.into_iter().map(|(name, deleted)| ListedHolder { name: Foreign::new(name), deleted });
    ListedErasure { session: session.to_string(), at, parts, members: members.collect() }
}

fn listed_contradictions(found: &[Contradiction]) -> Vec<ListedContradiction> {
    let mut listed: Vec<ListedContradiction> = Vec::with_capacity(found.len());
    for Contradiction { session, author, seq, at, .. } in found {
        let session = session.to_string();
        let number = listed.iter().rev().take_while(|before| before.session == session).count() + 1;
        listed.push(ListedContradiction { session, number, author: author.to_string(), seq: *seq, at: *at });
    }
    listed
}

fn evidence_file(
    store: &Sqlite,
    organisation: &Organisation,
    named: &str,
    number: Option<usize>,
    now: Wall,
) -> Result<Reply, MembersError> {
    let Some(session) = contradictions::session(named) else { return Ok(Reply::Refused { why: Why::Malformed }) };
    let found = store.contradictions(Some(session))?;
    let of = found.len();
    let Some(found) = contradictions::pick(found, number) else { return Ok(Reply::Refused { why: Why::NoEvidence }) };
    let statement = organisation.served().note.clone();
    let file = contradictions::file(store, &found, statement, &organisation.keys.authority, now)?;
    // Notes are text; one that isn't can't be in the log.
    let text = String::from_utf8(file.to_bytes());
    let text = text.map_err(|_| MembersError::Store(StoreError::Damaged("an event of the evidence")))?;
    Ok(Reply::EvidenceFile { session: session.to_string(), text, of })
}

fn listed(member: StoredMember) -> ListedMember {
    let StoredMember { name, role, level, since, revoked, .. } = member;
    ListedMember { name, role, level, since, revoked }
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
