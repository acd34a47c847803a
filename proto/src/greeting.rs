//! What a relay's greeting proves, and what the next one may change.
//!
//! A relay greets with the organisation's statement and the newest batch note of its log. [`Welcome::judge`] believes it only
//! as far as both are signed: by the pinned root, and by the log of the relay whose TLS key the connection proved (SECURITY
//! A1, A4). A connection that is lost is opened again, and the relay greets again: [`Greetings`] holds that neither the
//! serial nor the log's time goes back, and that whoever reads along isn't exchanged under somebody who was shown others.
//!
//! Not here: connections, files, and what a member may do ([`crate::statement::Member`]).

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::fingerprint::Fingerprint;
use crate::key::PublicKey;
use crate::ledger::batch::{Batch, BatchError};
use crate::now::{Now, Wall};
use crate::statement::{self, Relay, Statement, StatementError};

/// What a relay says of itself when it greets; nothing of it is believed yet.
#[derive(Clone, Debug)]
pub struct Greeting {
    /// The organisation's statement, signed bytes.
    pub statement: Vec<u8>,
    /// The newest batch note of the relay's log, signed bytes.
    pub batch: Vec<u8>,
}

/// What the relay proved when it greeted.
#[derive(Clone, Debug)]
pub struct Welcome {
    /// The organisation's statement, by the pinned root.
    pub statement: Statement,
    /// Its signed bytes.
    pub statement_note: Vec<u8>,
    /// Which of the statement's relays this is.
    pub relay: Relay,
    /// The newest batch note of its log, signed bytes.
    pub batch: Vec<u8>,
    /// What time it was then, by the ledger; what it is now says [`Greetings::ledger_time`]. (SECURITY A4)
    pub ledger_time: Wall,
}

/// A greeting that isn't believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GreetingError {
    /// Of another root, or by a relay this root's statement doesn't name. (SECURITY A1)
    #[error("the relay doesn't belong to the organisation that was expected")]
    WrongRoot,
    /// The statement is by the right root, and still can't be accepted: gone back, contradictory, badly signed.
    #[error("the organisation's statement can't be accepted")]
    Statement(#[source] StatementError),
    /// The statement no longer holds at the ledger's time.
    #[error("the organisation's statement has expired")]
    Expired,
    /// The relay's log didn't sign the time it tells.
    #[error("the relay's time isn't signed by its log")]
    Batch(#[source] BatchError),
    /// Another relay of the organisation answers, or the same one with another log: what was under way can't go on there.
    #[error("the relay isn't the one of before")]
    Moved,
    /// The same log, at a time before the one it told already: it was set back, or somebody plays an old greeting. (SECURITY A4, F5)
    #[error("the relay's log is of an earlier time than before")]
    SetBack,
}

impl Welcome {
    /// Judges a greeting of whoever proved the key `tls`: the statement must be by `root` and never older than the `known`
    /// one, the relay one it names, the time signed by that relay's log and within the statement's.
    pub fn judge(
        greeting: Greeting,
        tls: &PublicKey,
        root: &Fingerprint,
        known: Option<&Statement>,
    ) -> Result<Self, GreetingError> {
        let Greeting { statement: statement_note, batch } = greeting;
        let statement = Statement::open(&statement_note, root).map_err(judged)?;
        statement::accept(known, &statement).map_err(judged)?;
        let relay = statement.relays.iter().find(|relay| relay.tls == *tls).cloned();
        let relay = relay.ok_or(GreetingError::WrongRoot)?;
        let ledger_time = Batch::open(&batch, &relay.log).map_err(GreetingError::Batch)?.observed;
        if !statement.valid_at(ledger_time) {
            return Err(GreetingError::Expired);
        }
        Ok(Self { statement, statement_note, relay, batch, ledger_time })
    }
}

/// Another root is the one fault a person must hear of by name.
fn judged(error: StatementError) -> GreetingError {
    if error == StatementError::WrongRoot { GreetingError::WrongRoot } else { GreetingError::Statement(error) }
}

/// The greetings of one relay, from the first on.
#[derive(Debug)]
pub struct Greetings {
    first: Arc<Welcome>,
    newest: Arc<Welcome>,
    /// When the newest was heard, by the boot clock. One computer with all of it on it (a first session, a virtual machine) wakes
    /// with its connections: a clock that stops in sleep would leave expired notes alive. (SECURITY D1)
    heard_ms: u64,
    outdated: bool,
}

impl Greetings {
    /// A relay was welcomed.
    pub fn begin(first: Arc<Welcome>, now: Now) -> Self {
        Self { newest: Arc::clone(&first), first, heard_ms: now.boot_ms, outdated: false }
    }

    /// It greets again, on a new connection. It must be the relay of before with the log of before: a statement that is newer
    /// is fine, one that is older is refused (SECURITY A1), and so is an earlier time by the log (SECURITY A4, F5). Nothing
    /// changes if it isn't believed.
    pub fn again(&mut self, greeting: Greeting, tls: &PublicKey, now: Now) -> Result<(), GreetingError> {
        let root = self.first.statement.fingerprint();
        let welcome = Welcome::judge(greeting, tls, &root, Some(&self.newest.statement))?;
        if (&welcome.relay.tls, &welcome.relay.log) != (&self.first.relay.tls, &self.first.relay.log) {
            return Err(GreetingError::Moved);
        }
        // As it was told, not as it is by now: the log's clock may be slower than ours.
        if welcome.ledger_time < self.newest.ledger_time {
            return Err(GreetingError::SetBack);
        }
        let (then, now_said) = (&self.first.statement, &welcome.statement);
        self.outdated |= (&then.auditors, &then.authority) != (&now_said.auditors, &now_said.authority);
        self.heard_ms = now.boot_ms;
        self.newest = Arc::new(welcome);
        Ok(())
    }

    /// What time it is, by the ledger: what the log signed last, and the time since. Whoever waits for hours would judge today's
    /// notes by this morning otherwise. Never before what was signed. (SECURITY A4)
    pub fn ledger_time(&self, now: Now) -> Wall {
        let since = now.boot_ms.saturating_sub(self.heard_ms);
        self.newest.ledger_time.plus_ms(i64::try_from(since).unwrap_or(i64::MAX))
    }

    /// Whether the first statement still holds: a record that began now would begin under it. (SECURITY A4)
    pub fn holds(&self, now: Now) -> bool {
        self.first.statement.valid_at(self.ledger_time(now))
    }

    /// Whether other auditors, or another authority over memberships, came into force since the first greeting: a session under
    /// way goes on as it began, and nobody begins one before the person saw who reads along. (SECURITY A1, E4)
    pub fn is_outdated(&self) -> bool {
        self.outdated
    }

    /// The newest, whose statement is to be kept for next time: the serial never goes back, also not to what an earlier greeting
    /// said. None once [`Self::is_outdated`]: a statement that was kept counts as shown, and the person wouldn't be told of an
    /// auditor who was added while they waited. (SECURITY A1)
    pub fn to_keep(&self) -> Option<&Arc<Welcome>> {
        (!self.outdated).then_some(&self.newest)
    }
}
