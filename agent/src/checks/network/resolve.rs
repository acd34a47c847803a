//! Asks for a name in two ways: each configured server directly, and as every program of this system does.
//!
//! All at once, each with the same bounded time. The servers are those of the person's own configuration and the name is
//! one of a compiled list: nobody can make this PC ask for a name of their choice (SECURITY D3).

use std::io;
use std::net::IpAddr;
use std::time::Instant;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;

// A lost first question isn't asked again within it: programs wait five seconds before they do (resolv.conf(5)), and nobody
// waits for that.
use super::probe::LIMIT;

/// Where name servers listen: RFC 1035.
const PORT: u16 = 53;

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// The addresses, or why there are none.
    pub(super) outcome: Outcome,
    /// How long it took, in milliseconds.
    pub(super) took: u64,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The name's addresses, at least one.
    Found(Vec<IpAddr>),
    /// The server says that the name doesn't exist or has no address.
    NoSuchName,
    /// The server or the network refused.
    Refused(String),
    /// No answer in time.
    Silent,
}

impl Answer {
    /// The addresses it found.
    pub(super) fn found(&self) -> Option<&[IpAddr]> {
        match &self.outcome {
            Outcome::Found(addresses) => Some(addresses).filter(|found| !found.is_empty()).map(Vec::as_slice),
            Outcome::NoSuchName | Outcome::Refused(_) | Outcome::Silent => None,
        }
    }

    /// How it ended, for evidence.
    pub(super) fn said(&self) -> String {
        match &self.outcome {
            Outcome::Found(addresses) => format!("{} addresses", addresses.len()),
            Outcome::NoSuchName => "no such name".to_owned(),
            Outcome::Refused(why) => why.clone(),
            Outcome::Silent => "no answer".to_owned(),
        }
    }
}

/// A name that no server may find: it is below one that is kept for such uses (RFC 2606), and doesn't exist.
const MISSING: &str = "no-such-name.example.com";

/// Asks every server, in their order, for a name that doesn't exist.
pub(super) fn ask_missing(servers: &[IpAddr]) -> Result<Vec<Answer>, io::Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let asked: Vec<_> =
            servers.iter().map(|&server| tokio::spawn(directly(server, PORT, fully(MISSING)))).collect();
        let mut answers = Vec::new();
        for answer in asked {
            answers.push(answer.await.map_err(io::Error::other)?);
        }
        Ok(answers)
    })
}

/// Asks every server, in their order, and last the system.
pub(super) fn ask(name: &str, servers: &[IpAddr]) -> Result<(Vec<Answer>, Answer), io::Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answers = runtime.block_on(async {
        let directly: Vec<_> =
            servers.iter().map(|&server| tokio::spawn(directly(server, PORT, fully(name)))).collect();
        let system = tokio::spawn(as_programs_do(fully(name)));
        let mut answers = Vec::new();
        for answer in directly {
            answers.push(answer.await.map_err(io::Error::other)?);
        }
        Ok((answers, system.await.map_err(io::Error::other)?))
    });
    // The system's resolver can't be interrupted and may wait longer than we do.
    runtime.shutdown_background();
    answers
}

/// With the last dot, so that nobody appends a home's domain to it.
fn fully(name: &str) -> String {
    format!("{name}.")
}

async fn directly(server: IpAddr, port: u16, name: String) -> Answer {
    let asked = async {
        let mut server = NameServerConfig::udp_and_tcp(server);
        server.connections.iter_mut().for_each(|connection| connection.port = port);
        let config = ResolverConfig::from_name_servers(vec![server]);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let options = builder.options_mut();
        options.timeout = LIMIT;
        options.attempts = 0;
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        options.ip_strategy = LookupIpStrategy::Ipv4thenIpv6;
        match builder.build() {
            Ok(resolver) => match resolver.lookup_ip(name).await {
                Ok(found) => found_or_none(found.iter().collect()),
                Err(error) => outcome(&error),
            },
            Err(error) => outcome(&error),
        }
    };
    timed(asked).await
}

async fn as_programs_do(name: String) -> Answer {
    let asked = async {
        match tokio::net::lookup_host((name, 0)).await {
            Ok(found) => found_or_none(found.map(|socket| socket.ip()).collect()),
            Err(error) => Outcome::Refused(error.to_string()),
        }
    };
    timed(asked).await
}

async fn timed(asked: impl Future<Output = Outcome>) -> Answer {
    let began = Instant::now();
    let outcome = tokio::time::timeout(LIMIT, asked).await.unwrap_or(Outcome::Silent);
    Answer { outcome, took: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX) }
}

fn found_or_none(mut found: Vec<IpAddr>) -> Outcome {
    found.sort();
    found.dedup();
    if found.is_empty() { Outcome::NoSuchName } else { Outcome::Found(found) }
}

fn outcome(error: &NetError) -> Outcome {
    if error.is_no_records_found() {
        Outcome::NoSuchName
    } else if matches!(error, NetError::Timeout) {
        Outcome::Silent
    } else {
        Outcome::Refused(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, UdpSocket};

    use super::*;

    #[test]
    fn a_server_that_is_silent_costs_no_more_than_the_limit() {
        let began = Instant::now();
        // 192.0.2.0/24 is for documentation: nobody is there (RFC 5737).
        let (answers, _) =
            ask("example.com", &["192.0.2.254".parse().unwrap(), "127.255.255.254".parse().unwrap()]).unwrap();
        assert!(began.elapsed() < LIMIT * 2, "{:?}", began.elapsed());
        assert_eq!(answers.len(), 2);
        assert!(answers.iter().all(|answer| !matches!(answer.outcome, Outcome::Found(_))), "{answers:?}");
    }

    #[test]
    fn a_server_that_answers_is_read() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port();
        let answering = std::thread::spawn(move || {
            let mut query = [0; 512];
            server.set_read_timeout(Some(LIMIT)).unwrap();
            let (length, peer) = server.recv_from(&mut query).unwrap();
            let question = 12..query[12..length].iter().position(|&b| b == 0).unwrap() + 12 + 5;
            let mut reply = query[..2].to_vec();
            reply.extend([0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
            reply.extend(&query[question]);
            reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 93, 184, 215, 14]);
            server.send_to(&reply, peer).unwrap();
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answer = runtime.block_on(directly(Ipv4Addr::LOCALHOST.into(), port, fully("example.com")));
        assert_eq!(answer.outcome, Outcome::Found(vec!["93.184.215.14".parse().unwrap()]));
        answering.join().unwrap();
    }
}
