//! Whoever sits on the network and sends what no honest program sends: packets with a made-up source, from port 0, and
//! noise of every shape. (SECURITY C1, C2)
//!
//! A made-up source takes a raw socket, which only root has: [`Forger::open`] says so and gives `None` otherwise. Nothing
//! here leaves this computer: every address is on the loopback.
//!
//! Not here: anybody between two programs, who sees and holds their packets ([`super::middlebox`]).

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, SendFlags, SocketType, ipproto, sendto, socket};
use venia_proto::id::FlowId;
use venia_relay::client::packet::{TAG, prefix};

use super::process::Process;
use crate::sim::random::Random;

/// Bytes of an IPv4 header without options, and of a UDP header.
const HEADERS: (usize, usize) = (20, 8);
/// Largest datagram of noise: what Ethernet carries.
const NOISE_MAX: u64 = 1472;
/// Datagrams sent before the receiver is waited for: so many fit any receive buffer.
const BATCH: usize = 128;
/// Of so many datagrams of noise one is long; the others are short, so that a million of them take seconds.
const ONE_LONG_OF: u64 = 32;

/// Sends IPv4 packets with any source.
pub struct Forger {
    raw: OwnedFd,
}

impl Forger {
    /// Opens the raw socket.
    #[expect(clippy::print_stderr, reason = "a test that does less has to say why")]
    pub fn open() -> Option<Self> {
        match socket(AddressFamily::INET, SocketType::RAW, Some(ipproto::RAW)) {
            Ok(raw) => Some(Self { raw }),
            Err(error) => {
                eprintln!("skipped: this user may not forge the source of a packet: {error}");
                None
            }
        }
    }

    /// Sends one datagram as if it came from there. The kernel fills in the IP header's checksum; a UDP checksum of zero
    /// means that there is none.
    pub fn send(&self, from: SocketAddrV4, to: SocketAddrV4, payload: &[u8]) {
        let (ip, udp) = HEADERS;
        let length = |bytes: usize| u16::try_from(bytes).unwrap().to_be_bytes();
        let mut packet = Vec::with_capacity(ip + udp + payload.len());
        packet.extend([0x45, 0]);
        packet.extend(length(ip + udp + payload.len()));
        packet.extend([0, 0, 0, 0, 64, 17, 0, 0]);
        packet.extend(from.ip().octets());
        packet.extend(to.ip().octets());
        packet.extend(from.port().to_be_bytes());
        packet.extend(to.port().to_be_bytes());
        packet.extend(length(udp + payload.len()));
        packet.extend([0, 0]);
        packet.extend(payload);
        let sent = sendto(&self.raw, &packet, SendFlags::empty(), &to).unwrap();
        assert_eq!(sent, packet.len());
    }
}

/// An address on the loopback that [`Forger`] can write down.
pub fn v4(address: SocketAddr) -> SocketAddrV4 {
    match address {
        SocketAddr::V4(v4) => v4,
        SocketAddr::V6(v6) => SocketAddrV4::new(v6.ip().to_ipv4_mapped().unwrap(), v6.port()),
    }
}

/// A long header of a version nobody speaks, as large as an Initial: whoever hears QUIC must answer it with the versions it
/// speaks, to wherever the packet says it came from. One answer to port 0 fails, and costs a careless socket its batches.
pub fn demands_an_answer() -> Vec<u8> {
    let mut probe = vec![0xc0, 0x0a, 0x1a, 0x2a, 0x3a, 8, 1, 2, 3, 4, 5, 6, 7, 8, 8, 1, 2, 3, 4, 5, 6, 7, 8];
    probe.resize(1200, 0);
    probe
}

/// Datagrams of every shape, from a seed: pure chance, tagged, tagged with a live flow, long and short headers of QUIC.
pub struct Noise {
    random: Random,
    flow: FlowId,
    bytes: Vec<u8>,
}

impl Noise {
    /// Noise that knows a live flow.
    pub fn new(seed: u64, flow: FlowId) -> Self {
        let mut random = Random::new(seed);
        let bytes = (0..NOISE_MAX).map(|_| random.draw().to_le_bytes()[0]).collect();
        Self { random, flow, bytes }
    }

    /// The next one.
    pub fn datagram(&mut self) -> &[u8] {
        let longest = if self.random.draw().is_multiple_of(ONE_LONG_OF) { NOISE_MAX } else { 64 };
        let length = usize::try_from(self.random.between(0, longest)).unwrap();
        // Fresh bytes where a receiver looks first; the rest may repeat.
        for at in 0..3 {
            let fresh = self.random.draw().to_le_bytes();
            self.bytes[at * 8..at * 8 + 8].copy_from_slice(&fresh);
        }
        match self.random.draw() % 5 {
            0 => self.bytes[0] = TAG,
            1 => self.bytes[..9].copy_from_slice(&prefix(self.flow)),
            // A long header of the version everybody speaks.
            2 => self.bytes[..5].copy_from_slice(&[0xc0, 0, 0, 0, 1]),
            3 => self.bytes[0] = 0x40 | self.bytes[0] >> 2,
            _ => {}
        }
        &self.bytes[..length]
    }
}

/// What a flood came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flood {
    /// Datagrams sent.
    pub sent: u64,
    /// Those among them that the kernel threw away, because the program didn't read them in time.
    pub lost: u64,
}

/// Sends so many datagrams of noise to these sockets in turn, from several ports, never faster than they are read.
pub fn flood(targets: &[SocketAddr], datagrams: u64, noise: &mut Noise) -> Flood {
    let from: Vec<UdpSocket> = (0..8).map(|_| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).collect();
    let lost = || targets.iter().map(|target| port(target.port()).lost).sum::<u64>();
    let before = lost();
    let mut sent = 0;
    while sent < datagrams {
        let target = targets[usize::try_from(sent / BATCH as u64).unwrap() % targets.len()];
        let batch = (datagrams - sent).min(BATCH as u64);
        for n in 0..batch {
            from[usize::try_from(n).unwrap() % from.len()].send_to(noise.datagram(), target).unwrap();
        }
        sent += batch;
        drained(target.port());
    }
    Flood { sent, lost: lost() - before }
}

/// Waits until a socket of this computer has read everything that came.
pub fn drained(of: u16) {
    super::until("a socket to be read", || (port(of).waiting == 0).then_some(()));
}

/// A UDP socket of this computer, as proc(5) shows it.
#[derive(Clone, Copy, Debug, Default)]
struct Port {
    waiting: u64,
    lost: u64,
    inode: u64,
}

fn port(number: u16) -> Port {
    ports().into_iter().find(|(port, _)| *port == number).map(|(_, port)| port).unwrap_or_default()
}

fn ports() -> Vec<(u16, Port)> {
    let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    let tables = [read("/proc/net/udp"), read("/proc/net/udp6")];
    tables.iter().flat_map(|table| table.lines().skip(1)).filter_map(entry).collect()
}

/// `sl local remote st tx:rx tr:when retrnsmt uid timeout inode ref pointer drops`, addresses and queues in hexadecimal.
fn entry(line: &str) -> Option<(u16, Port)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (_, number) = fields.get(1)?.rsplit_once(':')?;
    let (_, waiting) = fields.get(4)?.split_once(':')?;
    let port = Port {
        waiting: u64::from_str_radix(waiting, 16).ok()?,
        lost: fields.get(12)?.parse().ok()?,
        inode: fields.get(9)?.parse().ok()?,
    };
    Some((u16::from_str_radix(number, 16).ok()?, port))
}

impl Process {
    /// Where its only UDP socket can be reached on this computer.
    pub fn udp(&self) -> SocketAddr {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.pid().as_raw_pid())).unwrap();
        let links: Vec<String> = open
            .flatten()
            .filter_map(|entry| std::fs::read_link(entry.path()).ok())
            .map(|link| link.to_string_lossy().into_owned())
            .collect();
        let own = |port: &Port| links.iter().any(|link| *link == format!("socket:[{}]", port.inode));
        let found: Vec<u16> = ports().into_iter().filter(|(_, port)| own(port)).map(|(number, _)| number).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        (Ipv4Addr::LOCALHOST, found[0]).into()
    }
}
