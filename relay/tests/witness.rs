//! A witness over real HTTP on loopback: what it cosigns, what it answers to liars and floods, and that no kill makes it
//! cosign two histories. (C2SP tlog-witness)
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on fails")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use venia_proto::key::SigningKey;
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::cosignature::cosigned;
use venia_proto::ledger::merkle::{self, Tree};
use venia_proto::ledger::note::{self, Note};
use venia_proto::ledger::witness::{AddCheckpoint, REQUEST_MAX, read_lines};
use venia_proto::statement::WitnessKey;
use venia_relay::server::witness::desk::Desk;
use venia_relay::server::witness::http::{CONNECTIONS, HEAD_MAX, Listening, Patience};

/// Long enough for an honest request, short enough for a test that waits it out.
const SHORT: Duration = Duration::from_millis(300);

fn log() -> SigningKey {
    SigningKey::new("log", [1; 32])
}

/// A request for a tree of `size` leaves of one of several worlds that share the first two.
fn request(world: u8, old: u64, size: u64) -> AddCheckpoint {
    let leaves: Vec<u8> = (0..size).map(|n| if n < 2 { 0 } else { world }).collect();
    grown(&leaves, old)
}

/// A request for the tree of these leaves.
fn grown(leaves: &[u8], old: u64) -> AddCheckpoint {
    let (mut tree, mut nodes, size) = (Tree::new(), BTreeMap::new(), leaves.len() as u64);
    for leaf in leaves {
        tree.append(note::leaf(&[*leaf]), |level, place, hash| {
            nodes.insert((level, place), hash);
        });
    }
    let node = |level, place| nodes.get(&(level, place)).copied();
    let proof = if old == 0 || old > size { Vec::new() } else { merkle::consistency(old, size, node).unwrap() };
    let note = Checkpoint::of(log().verifier(), size, tree.root()).sign(&log());
    AddCheckpoint { old, proof, checkpoint: Note::parse(&note).unwrap() }
}

/// What came back: status, head, body.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

/// Sends bytes and reads until the other end closes.
fn exchange(at: SocketAddr, bytes: &[u8]) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(at)?;
    // A refusal may come before the whole was sent.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if answer.is_empty() => return Err(error),
        Ok(_) | Err(_) => {}
    }
    let text = String::from_utf8_lossy(&answer).into_owned();
    let (head, _) = text.split_once("\r\n\r\n").ok_or(std::io::ErrorKind::UnexpectedEof)?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or(std::io::ErrorKind::InvalidData)?;
    Ok(Answer { status, head: head.to_lowercase(), body: answer[head.len() + 4..].to_vec() })
}

fn post(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn add(at: SocketAddr, request: &AddCheckpoint) -> Answer {
    exchange(at, &post(&request.to_bytes())).unwrap()
}

/// Whether the answer cosigns this checkpoint.
fn cosigns(answer: &Answer, request: &AddCheckpoint, by: &WitnessKey) -> bool {
    answer.status == 200
        && read_lines(&answer.body, &request.checkpoint).unwrap().into_iter().any(|line| {
            let mut note = request.checkpoint.clone();
            note.add_line(line);
            matches!(cosigned(&note, by), Ok(Some(_)))
        })
}

/// A witness in this process.
async fn witness(folder: &Path) -> (SocketAddr, WitnessKey) {
    let desk = Desk::open(folder, vec![log().verifier().clone()]).unwrap();
    let vkey = desk.vkey();
    let patience = Patience { head: SHORT, body: SHORT, connection: SHORT * 4 };
    let listening = Listening::on("127.0.0.1:0".parse().unwrap(), desk, patience).await.unwrap();
    let at = listening.local_addr().unwrap();
    tokio::spawn(listening.serve());
    (at, vkey)
}

async fn outside<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(test).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_answers_is_what_the_specification_says() {
    let folder = tempfile::tempdir().unwrap();
    let (at, vkey) = witness(&folder.path().join("witness")).await;
    outside(move || {
        let first = request(1, 0, 3);
        assert!(cosigns(&add(at, &first), &first, &vkey));
        let next = request(1, 3, 7);
        assert!(cosigns(&add(at, &next), &next, &vkey));
        // A rollback, and a request from a log that lost its memory: both learn the size.
        for stale in [request(1, 0, 9), request(1, 3, 3), request(1, 3, 9)] {
            let answer = add(at, &stale);
            assert_eq!((answer.status, answer.body.as_slice()), (409, &b"7\n"[..]), "{answer:?}");
            assert!(answer.head.contains("content-type: text/x.tlog.size"), "{answer:?}");
        }
        assert_eq!(add(at, &request(2, 7, 7)).status, 409, "a fork");
        assert_eq!(add(at, &request(2, 7, 9)).status, 422, "a fork with a proof of its own");
        let lie = AddCheckpoint { proof: vec![[7; 32]; 3], ..request(1, 7, 9) };
        assert_eq!(add(at, &lie).status, 422);
        assert_eq!(add(at, &request(1, 9, 7)).status, 400, "from a larger tree to a smaller");
        let other = SigningKey::new("log", [9; 32]);
        let root = [1; 32];
        let strange = Note::parse(&Checkpoint::of(other.verifier(), 9, root).sign(&other)).unwrap();
        assert_eq!(add(at, &AddCheckpoint { checkpoint: strange, ..request(1, 7, 9) }).status, 404);
        let imposter = other.named(log().verifier().name.clone());
        let forged = Note::parse(&Checkpoint::of(imposter.verifier(), 9, root).sign(&imposter)).unwrap();
        assert_eq!(add(at, &AddCheckpoint { checkpoint: forged, ..request(1, 7, 9) }).status, 403);
        // And after all of that it still cosigns the truth.
        let good = request(1, 7, 9);
        assert!(cosigns(&add(at, &good), &good, &vkey));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_requests_are_refused_and_harm_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (at, vkey) = witness(&folder.path().join("witness")).await;
    outside(move || {
        let status = |bytes: &[u8]| exchange(at, bytes).map(|answer| answer.status).unwrap_or(0);
        let get = "GET /add-checkpoint HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n";
        assert_eq!(status(get.as_bytes()), 405);
        assert_eq!(status(b"POST /other HTTP/1.1\r\nHost: w\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"), 404);
        for garbage in [&b"\0\xff\x16\x03\x01 not HTTP\r\n\r\n"[..], b"POST\r\n\r\n", b"\r\n\r\n\r\nx\r\n\r\n"] {
            assert!([0, 400].contains(&status(garbage)), "{garbage:?}");
        }
        let long = format!("POST /add-checkpoint HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(4 * HEAD_MAX));
        assert!([0, 400, 431].contains(&status(long.as_bytes())));
        // Bodies at and above the limit.
        assert_eq!(status(&post(&vec![b'x'; REQUEST_MAX])), 400);
        assert_eq!(status(&post(&vec![b'x'; REQUEST_MAX + 1])), 413);
        let endless = b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nTransfer-Encoding: chunked\r\n\r\n";
        let chunk = [format!("{:x}\r\n", 1 << 18).as_bytes(), &vec![b'x'; 1 << 18], b"\r\n"].concat();
        assert!([0, 413].contains(&status(&[&endless[..], &chunk].concat())));
        for body in [&b""[..], b"old 0\n", b"old -1\n\n", &[0xff; 300]] {
            assert_eq!(status(&post(body)), 400, "{body:?}");
        }
        // A body that never comes to its end, and a head that doesn't either.
        let good = request(1, 0, 3);
        let whole = post(&good.to_bytes());
        assert_eq!(status(&whole[..whole.len() - 1]), 408);
        assert!([0, 408].contains(&status(&whole[..20])));
        assert!(cosigns(&add(at, &good), &good, &vkey));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_say_nothing_hold_no_place_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let (at, vkey) = witness(&folder.path().join("witness")).await;
    outside(move || {
        let silent: Vec<_> = (0..CONNECTIONS + 8).map(|_| TcpStream::connect(at).unwrap()).collect();
        let good = request(1, 0, 3);
        assert!(cosigns(&add(at, &good), &good, &vkey), "once the silent ones were shown the door");
        drop(silent);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_forks_at_once_at_most_one_is_cosigned() {
    let folder = tempfile::tempdir().unwrap();
    let (at, vkey) = witness(&folder.path().join("witness")).await;
    outside(move || {
        add(at, &request(0, 0, 2));
        let threads: Vec<_> = (1..=8_u8)
            .map(|world| {
                let vkey = vkey.clone();
                std::thread::spawn(move || {
                    let request = request(world, 2, 5);
                    cosigns(&add(at, &request), &request, &vkey)
                })
            })
            .collect();
        let passed = threads.into_iter().map(|thread| thread.join().unwrap()).filter(|passed| *passed).count();
        assert_eq!(passed, 1);
    })
    .await;
}

/// `venia-relay witness`, killed when dropped.
struct Running {
    child: Child,
    at: SocketAddr,
    vkey: WitnessKey,
}

impl Running {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_venia-relay"))
            .args(["witness", "--listen", "127.0.0.1:0", "--json", "--log", &log().verifier().to_string(), "--data"])
            .arg(folder)
            .env("LC_ALL", "C")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line:?}"));
        let at = said["listening"].as_str().unwrap().strip_prefix("http://").unwrap().parse().unwrap();
        let vkey = said["witness"].as_str().unwrap().parse().unwrap();
        Self { child, at, vkey }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // SIGKILL: nothing is said or written any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Killed at some moment between a request and its answer, again and again: whatever it cosigned is one history.
#[test]
fn no_kill_makes_it_cosign_two_histories() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("witness");
    let mut vkey = None;
    let mut history: Vec<u8> = Vec::new();
    for round in 0..6_u64 {
        let newest = history.len() as u64;
        let forks = [1, 2].map(|world| [history.as_slice(), &[world; 3]].concat());
        let mut passed = Vec::new();
        let running = Running::start(&folder);
        let by = vkey.get_or_insert_with(|| running.vkey.clone()).clone();
        assert_eq!(running.vkey, by, "the same key");
        let (tell, told) = std::sync::mpsc::channel();
        let threads: Vec<_> = forks
            .clone()
            .map(|fork| {
                let (at, by, tell) = (running.at, by.clone(), tell.clone());
                std::thread::spawn(move || {
                    let request = grown(&fork, newest);
                    let mut stream = TcpStream::connect(at).ok()?;
                    stream.write_all(&post(&request.to_bytes())).ok()?;
                    tell.send(()).ok()?;
                    let mut answer = Vec::new();
                    stream.read_to_end(&mut answer).ok()?;
                    let text = String::from_utf8(answer).ok()?;
                    let (head, body) = text.split_once("\r\n\r\n")?;
                    let status = head.split(' ').nth(1)?.parse().ok()?;
                    let answer = Answer { status, head: head.to_owned(), body: body.as_bytes().to_vec() };
                    cosigns(&answer, &request, &by).then_some(fork)
                })
            })
            .into();
        told.recv().unwrap();
        // Sooner in one round, later in the next.
        (0..round * 200).for_each(|_| std::thread::yield_now());
        drop(running);
        passed.extend(threads.into_iter().filter_map(|thread| thread.join().unwrap()));
        // It is back: whoever got nothing asks again, from where it stands now.
        let running = Running::start(&folder);
        for fork in &forks {
            for old in [newest, newest + 3] {
                let request = grown(fork, old);
                passed.extend(cosigns(&add(running.at, &request), &request, &by).then(|| fork.clone()));
            }
        }
        passed.sort_unstable();
        passed.dedup();
        assert_eq!(passed.len(), 1, "round {round}");
        history = passed.remove(0);
    }
}
