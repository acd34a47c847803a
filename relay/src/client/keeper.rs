//! Brings a control connection back whenever it is lost.
//!
//! Tries again with growing, random waits ([`venia_proto::backoff`]) for as long as that may be of use; whoever listens to
//! the [`Control`] hears each loss and each return. A relay that says no (revoked, replaced, another root) isn't asked again.
//!
//! Not here: what hung on the connection. A registration and a flow are taken up anew by whoever had them.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};
use venia_proto::address::{Host, HostPort};
use venia_proto::backoff::Backoff;

use super::control::{Control, Heard};
use super::link::Link;

/// How long a name may take to look up.
const LOOKUP: Duration = Duration::from_secs(5);

/// Keeps a connection until it is dropped.
#[derive(Debug)]
pub struct Keeper(AbortHandle);

impl Keeper {
    /// From now on. `at`: what the relay is called; its name is looked up again at each try, so that one whose address
    /// changed meanwhile is found.
    pub fn keep(control: &Arc<Control>, link: &Arc<Link>, at: HostPort) -> Self {
        Self(tokio::spawn(keep(Arc::downgrade(control), Arc::downgrade(link), at)).abort_handle())
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Holds neither connection nor socket while it waits: who drops them is done with them.
async fn keep(control: Weak<Control>, link: Weak<Link>, at: HostPort) {
    let mut backoff = Backoff::default();
    loop {
        let Some(connection) = control.upgrade().map(|control| control.connection()) else { return };
        connection.closed().await;
        drop(connection);
        let Some(mut failed) = control.upgrade().map(|control| control.why()) else { return };
        loop {
            if !failed.may_pass() {
                tracing::info!(error = &failed as &dyn std::error::Error, "the relay isn't asked again");
                if let Some(control) = control.upgrade() {
                    control.tell(Heard::Over(failed)).await;
                }
                return;
            }
            // Without random numbers all wait the longest: better late than all at once.
            sleep(Duration::from_millis(backoff.next(getrandom::u64().unwrap_or(u64::MAX)))).await;
            let (Some(control), Some(link)) = (control.upgrade(), link.upgrade()) else { return };
            look_up(&link, &at).await;
            match control.reopen(&link).await {
                Ok(()) => break,
                Err(error) => failed = error,
            }
            tracing::debug!(error = &failed as &dyn std::error::Error, "the relay isn't back yet");
        }
        backoff.worked();
        tracing::debug!("the relay is back");
    }
}

/// Follows the relay's name to where it points now. A name that can't be looked up stays where it was.
async fn look_up(link: &Link, at: &HostPort) {
    let Host::Name(name) = &at.host else { return };
    let Ok(Ok(found)) = timeout(LOOKUP, tokio::net::lookup_host((name.as_str(), at.port.get()))).await else { return };
    let before = link.relay();
    let found: Vec<SocketAddr> = found.filter(|found| found.is_ipv4() == before.is_ipv4()).collect();
    if found.contains(&before) {
        return;
    }
    if let Some(&now) = found.first() {
        // One that can't be a relay's is refused, and the old one stays.
        let _ = link.follow_relay(now);
    }
}
