//! From a relay's name to a control connection that has proved itself.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::timeout;
use venia_proto::address::{Host, HostPort};
use venia_proto::fingerprint::Fingerprint;
use venia_proto::key::SigningKey;
use venia_proto::rendezvous::{Answer, Call};
use venia_proto::statement::Statement;
use venia_relay::client::control::{Control, ControlError, Hearing};
use venia_relay::client::link::{Link, LinkError, Role};

/// How long a name may take to look up.
const LOOKUP: Duration = Duration::from_secs(5);
/// Addresses of one name that are tried.
const ADDRESSES: usize = 3;
/// How long the relay may take to answer a call. A wrong number is answered slowly on purpose (SECURITY B3).
const ANSWER: Duration = Duration::from_secs(20);

/// A relay that proved itself.
pub(crate) struct Reached {
    pub(crate) link: Arc<Link>,
    pub(crate) control: Arc<Control>,
    pub(crate) hearing: Hearing,
}

/// Connects to the relay at this address and checks it against the pinned root.
pub(crate) async fn reach(
    at: &HostPort,
    root: &Fingerprint,
    known: Option<&Statement>,
    key: &SigningKey,
) -> Result<Reached, ControlError> {
    let mut last = ControlError::Unreachable(Some(LinkError::NoAnswer));
    for address in addresses(at).await {
        let connected = match Link::bind(None, key, address, Role::Console) {
            Ok(link) => Control::connect(&link, root, known).await.map(|pair| (link, pair)),
            Err(error) => Err(ControlError::Unreachable(Some(error))),
        };
        match connected {
            Ok((link, (control, hearing))) => {
                return Ok(Reached { link: Arc::new(link), control: Arc::new(control), hearing });
            }
            // Only silence is a reason to knock at the next door.
            Err(error @ ControlError::Unreachable(_)) => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

/// Calls, with the patience of somebody at a keyboard.
pub(crate) async fn call(control: &Control, call: Call) -> Result<Answer, ControlError> {
    timeout(ANSWER, control.call(call)).await.map_err(|_| ControlError::Unreachable(None))?
}

async fn addresses(at: &HostPort) -> Vec<SocketAddr> {
    let port = at.port.get();
    match &at.host {
        Host::V4(address) => vec![(*address, port).into()],
        Host::V6(address) => vec![(*address, port).into()],
        Host::Name(name) => match timeout(LOOKUP, lookup_host((name.as_str(), port))).await {
            Ok(Ok(found)) => found.take(ADDRESSES).collect(),
            Ok(Err(_)) | Err(_) => Vec::new(),
        },
    }
}
