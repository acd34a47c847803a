//! Two endpoints of iroh that reach each other by its relay alone, and that relay: `relay` in one process, `ends URL` in another,
//! so that the kernel accounts for the relay apart.
//!
//! Said on standard input and output: the relay prints its URL and lives until input ends; the ends print `ready`, then carry as
//! many bytes as each line says from one to the other, and print `done`.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use iroh::endpoint::{Connection, presets};
use iroh::tls::CaTlsConfig;
use iroh::{Endpoint, EndpointAddr, RelayMode, RelayUrl};
use iroh_relay::server::{Server, ServerConfig, testing};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, stdin};

const ALPN: &[u8] = b"venia-bench/1";
/// Bytes that are written or read at a time.
const CHUNK: usize = 64 * 1024;
/// Longer than any step takes.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        // One thread, as the relay it is held against.
        Some("relay") => tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(relay()),
        Some("ends") => {
            let url = arguments.next().context("a URL")?.parse()?;
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(ends(url))
        }
        _ => bail!("relay | ends URL"),
    }
}

async fn relay() -> Result<()> {
    let mut config = ServerConfig::default();
    config.relay = Some(testing::relay_config());
    let server = Server::spawn(config).await?;
    println!("url: https://{}", server.https_addr().context("an address")?);
    stdin().read_to_end(&mut Vec::new()).await?;
    Ok(())
}

async fn ends(relay: RelayUrl) -> Result<()> {
    let (agents, consoles) = (endpoint(&relay).await?, endpoint(&relay).await?);
    let at = EndpointAddr::new(agents.id()).with_relay_url(relay);
    let accepting = async { Ok::<_, anyhow::Error>(agents.accept().await.context("somebody")?.await?) };
    let dialling = async { Ok::<_, anyhow::Error>(consoles.connect(at, ALPN).await?) };
    let (agent, console) = tokio::time::timeout(PATIENCE, async { tokio::try_join!(accepting, dialling) }).await??;
    println!("ready");
    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        carry(&agent, &console, line.parse()?).await?;
        println!("done");
    }
    Ok(())
}

/// One that has no addresses but its relay's.
async fn endpoint(relay: &RelayUrl) -> Result<Endpoint> {
    let endpoint = Endpoint::builder(presets::Minimal)
        .relay_mode(RelayMode::custom([relay.clone()]))
        .ca_tls_config(CaTlsConfig::insecure_skip_verify())
        .clear_ip_transports()
        .alpns(vec![ALPN.to_vec()])
        .bind()
        .await?;
    tokio::time::timeout(PATIENCE, endpoint.online()).await?;
    Ok(endpoint)
}

async fn carry(agent: &Connection, console: &Connection, bytes: usize) -> Result<()> {
    let writing = async {
        let mut stream = agent.open_uni().await?;
        let chunk = vec![0x56; CHUNK];
        let mut left = bytes;
        while left > 0 {
            let now = left.min(CHUNK);
            stream.write_all(&chunk[..now]).await?;
            left -= now;
        }
        stream.finish()?;
        stream.stopped().await?;
        Ok::<_, anyhow::Error>(())
    };
    let reading = async {
        let mut stream = console.accept_uni().await?;
        let (mut read, mut chunk) = (0, vec![0; CHUNK]);
        while let Some(some) = stream.read(&mut chunk).await? {
            read += some;
        }
        if read == bytes { Ok(()) } else { bail!("{read} of {bytes} bytes") }
    };
    tokio::try_join!(writing, reading)?;
    Ok(())
}
