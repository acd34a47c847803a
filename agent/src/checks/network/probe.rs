//! Knocks at other computers, all at once, each with the same short time.
//!
//! Whom it may knock at is not decided here: callers hand in the PC's own router and name servers or the compiled
//! [`super::targets`]. A machine without any network costs no more than [`LIMIT`] in all. (SECURITY D3)

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use rustix::net::sockopt::{ip_mtu, ipv6_mtu};

/// Longest wait for everything that one item asks. A lost first packet is sent again after one second (RFC 6298), so
/// a way that lost a single one is still seen to work, if it needs one answer more and that within a tenth of a second.
pub(super) const LIMIT: Duration = Duration::from_millis(1_100);

/// How much longer one waits for a question than it may take: who used up the time and learnt half has to be heard.
const GRACE: Duration = Duration::from_millis(50);

/// How a knock ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::checks) struct Reach {
    /// What came of it.
    pub(in crate::checks) outcome: Outcome,
    /// How long it took, in microseconds.
    pub(in crate::checks) micros: u64,
}

/// What came of a knock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::checks) enum Outcome {
    /// It was opened.
    Open,
    /// The computer is there and says no.
    Refused,
    /// No way leads there.
    NoWay,
    /// This PC forbids it.
    Forbidden,
    /// It was opened and then cut, or answers in another language: who opened it isn't who was asked for.
    Cut,
    /// Nothing came back in time.
    Silent,
}

impl Reach {
    /// Whether the other computer answered, whatever it said.
    pub(super) fn there(&self) -> bool {
        match self.outcome {
            Outcome::Open | Outcome::Refused => true,
            Outcome::NoWay | Outcome::Forbidden | Outcome::Cut | Outcome::Silent => false,
        }
    }

    /// How it ended, for evidence and tables.
    pub(super) fn word(&self) -> &'static str {
        match self.outcome {
            Outcome::Open => "open",
            Outcome::Refused => "refused",
            Outcome::NoWay => "no way",
            Outcome::Forbidden => "forbidden",
            Outcome::Cut => "cut",
            Outcome::Silent => "silent",
        }
    }
}

/// One question, asked in a thread of its own.
pub(in crate::checks) type Question<T> = Box<dyn FnOnce(Instant) -> T + Send>;

/// Asks all at once. Each is told until when there is time; one that doesn't keep to it is left behind, as the system's
/// own search for names can't be interrupted.
pub(in crate::checks) fn together<T: Send + 'static>(questions: Vec<Question<T>>) -> io::Result<Vec<Option<T>>> {
    let until = Instant::now() + LIMIT;
    let ask = |question: Question<T>| -> io::Result<Receiver<T>> {
        let (send, receive) = sync_channel(1);
        std::thread::Builder::new().spawn(move || {
            let _nobody_waits = send.send(question(until));
        })?;
        Ok(receive)
    };
    let asked = questions.into_iter().map(ask).collect::<io::Result<Vec<_>>>()?;
    Ok(asked.iter().map(|answer| answer.recv_timeout(left(until + GRACE)).ok()).collect())
}

/// How much time is left.
pub(super) fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}

/// Knocks at all of these.
pub(super) fn connect_all(targets: &[SocketAddr]) -> io::Result<Vec<Reach>> {
    let question = |to: SocketAddr| -> Question<Reach> { Box::new(move |until| connect(to, until).0) };
    let silent = Reach { outcome: Outcome::Silent, micros: u64::try_from(LIMIT.as_micros()).unwrap_or(u64::MAX) };
    let reached = together(targets.iter().map(|to| question(*to)).collect())?;
    Ok(reached.into_iter().map(|reach| reach.unwrap_or_else(|| silent.clone())).collect())
}

/// Knocks at one; what it opened is handed back.
pub(in crate::checks) fn connect(to: SocketAddr, until: Instant) -> (Reach, Option<TcpStream>) {
    let began = Instant::now();
    let connected = match left(until) {
        Duration::ZERO => Err(ErrorKind::TimedOut.into()),
        time => TcpStream::connect_timeout(&to, time),
    };
    let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    match connected {
        Ok(stream) => (Reach { outcome: Outcome::Open, micros }, Some(stream)),
        Err(error) => (Reach { outcome: outcome(error.kind()), micros }, None),
    }
}

fn outcome(kind: ErrorKind) -> Outcome {
    if matches!(kind, ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset) {
        Outcome::Refused
    } else if matches!(kind, ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable | ErrorKind::AddrNotAvailable) {
        Outcome::NoWay
    } else if kind == ErrorKind::PermissionDenied {
        Outcome::Forbidden
    } else if kind == ErrorKind::TimedOut {
        Outcome::Silent
    } else {
        // No IPv6 in this system at all is an error without a name in `ErrorKind`.
        Outcome::NoWay
    }
}

/// The addresses of a name as programs of this system find them, IPv4 first: the family that is most often sound.
pub(in crate::checks) fn resolve(host: &str, port: u16) -> Vec<SocketAddr> {
    let mut found: Vec<SocketAddr> = (host, port).to_socket_addrs().map_or(Vec::new(), Iterator::collect);
    found.sort_by_key(SocketAddr::is_ipv6);
    found
}

/// The way the system would take, which it says without sending anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    /// The own address it starts from.
    pub(super) source: IpAddr,
    /// The largest packet the system believes it takes.
    pub(super) packet: Option<u32>,
}

/// Which way the system would take to that address; nothing if it knows none.
pub(super) fn way(to: IpAddr) -> Option<Way> {
    let from: IpAddr = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((from, 0)).ok()?;
    // A UDP socket that is connected has looked its way up and sent nothing. Port 9 discards (RFC 863).
    socket.connect((to, 9)).ok()?;
    let packet = if to.is_ipv4() { ip_mtu(&socket) } else { ipv6_mtu(&socket) };
    Some(Way { source: socket.local_addr().ok()?.ip(), packet: packet.ok() })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn open_and_closed_doors_are_told_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let open = listener.local_addr().unwrap();
        let closed = {
            let taken = TcpListener::bind("127.0.0.1:0").unwrap();
            taken.local_addr().unwrap()
        };
        let reached = connect_all(&[open, closed]).unwrap();
        assert_eq!((reached[0].outcome, reached[1].outcome), (Outcome::Open, Outcome::Refused));
        assert!(reached.iter().all(Reach::there));
    }

    #[test]
    fn who_takes_too_long_is_left_behind() {
        let began = Instant::now();
        let (send, receive) = std::sync::mpsc::channel::<()>();
        let answers = together::<u8>(vec![
            Box::new(move |_| receive.recv().map_or(0, |()| 1)),
            Box::new(|until| u8::from(left(until) <= LIMIT)),
            Box::new(|until| {
                let (wait, end) = std::sync::mpsc::channel::<()>();
                let learnt = end.recv_timeout(left(until)).map_or(2, |()| 0);
                drop(wait);
                learnt
            }),
        ])
        .unwrap();
        drop(send);
        assert_eq!(answers, [None, Some(1), Some(2)]);
        assert!(began.elapsed() >= LIMIT && began.elapsed() < LIMIT * 3);
    }

    #[test]
    fn no_time_left_is_silence() {
        let (reach, stream) = connect("127.0.0.1:9".parse().unwrap(), Instant::now());
        assert_eq!(reach.outcome, Outcome::Silent);
        assert!(stream.is_none());
    }

    #[test]
    fn the_way_to_oneself_starts_at_oneself() {
        let way = way(Ipv4Addr::LOCALHOST.into()).unwrap();
        assert_eq!(way.source, IpAddr::V4(Ipv4Addr::LOCALHOST));
        assert!(way.packet.unwrap() >= 1_280);
    }
}
