//! Has our words sealed by the agent before we sign them. (SECURITY E1)
//!
//! The agent alone knows the auditors this session is sealed to. It learns the words a moment before the event that
//! commits to them; what it says of the sealed file is its own word, which an auditor checks by opening it.

use std::time::Duration;

use quinn::Connection;
use tokio::time::timeout;
use venia_proto::message::{BareOpening, SealAnswer, SealAsk};
use venia_relay::client::frames;

/// How long the agent may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// SHA-256 of the sealed file of this opening; `None` if the agent doesn't answer.
pub(super) async fn seal(connection: &Connection, bare: &BareOpening) -> Option<[u8; 32]> {
    let asked = async {
        let (mut send, mut receive) = frames::open::<SealAsk, SealAnswer>(connection).await.ok()?;
        send.send(&SealAsk { openings: vec![bare.clone()] }).await.ok()?;
        let SealAnswer { sealed } = receive.expect().await.ok()?;
        let [sealed] = sealed.try_into().ok()?;
        Some(sealed)
    };
    timeout(PATIENCE, asked).await.ok()?
}
