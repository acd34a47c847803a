//! Which help service is asked, and whether it may be: what the owner of this PC decided, what this PC saw of the service's
//! log, and what it remembers and tells of both before anybody is called.
//!
//! Not here: a log that follows another ([`crate::succession`]), and the small files themselves ([`crate::known`]).

use std::time::Duration;

use venia_proto::address::RelayAddress;
use venia_proto::key::VerifierKey;
use venia_proto::policy::Policies;
use venia_proto::rendezvous::{Call, Refusal};
use venia_proto::statement::Statement;
use venia_relay::client::control::{Control, ControlError};
use venia_relay::client::followed;
use venia_relay::client::home::{Home, HomeError};
use venia_ui::failure::{Exit, Failure, Trouble};
use venia_ui::words::Words;

use super::LAST_LINES;
use crate::cli::Ask;
use crate::commands::{home_failure, relay_failure};
use crate::driver::clock;
use crate::person::Line;
use crate::person::feed::News;
use crate::{Parts, known, owner, succession};

/// How long a relay may take to look up a checkpoint of its own.
const SEEN: Duration = Duration::from_secs(2);

/// The service named, or the one used last.
pub(super) fn address(ask: &Ask, home: &Home, words: &Words) -> Result<RelayAddress, Failure> {
    let remembered = || known::relay(home).map_err(|error| home_failure(&error, words));
    match &ask.relay {
        Some(address) => Ok(address.clone()),
        None => remembered()?.ok_or_else(|| Failure {
            message: words.say("agent-no-relay", &[]),
            ..Failure::of(Trouble::Usage, words).with_hint(words.say("agent-no-relay-hint", &[]))
        }),
    }
}

/// Where it is on the network.
pub(super) async fn resolve(address: &RelayAddress) -> Option<std::net::SocketAddr> {
    let at = tokio::net::lookup_host(address.at.to_string());
    tokio::time::timeout(Duration::from_secs(10), at).await.ok()?.ok()?.next()
}

/// What the owner of this PC never allows; an error if that is this service, or anybody at this hour. Nobody is called then.
pub(super) fn allowed(parts: &Parts, home: &Home, address: &RelayAddress, words: &Words) -> Result<Policies, Failure> {
    let now = clock::now().wall;
    let policies = owner::policies(&parts.policy, home.dir(), now).map_err(|error| {
        let message = words.say("agent-policy", &[("why", &error.to_string())]);
        Failure { message, ..Failure::of(Trouble::Usage, words).with_hint(words.say("agent-policy-hint", &[])) }
    })?;
    let refused = |id: &str| {
        let failure = Failure::of(Trouble::Usage, words).with_hint(words.say("agent-owner-hint", &[]));
        Failure { message: words.say(id, &[]), exit: Exit::Refused, ..failure }
    };
    if policies.keep_out(address.root) {
        Err(refused("agent-owner-service"))
    } else if policies.is_closed(now) {
        Err(refused("agent-owner-hours"))
    } else {
        Ok(policies)
    }
}

/// What the owner of this PC decided about witnesses, now or before. Without any it couldn't be kept, and nobody is called.
pub(super) fn strict(ask: &Ask, home: &Home, statement: &Statement, words: &Words) -> Result<bool, Failure> {
    let disk = |error: &HomeError| home_failure(error, words);
    if ask.strict || ask.not_strict {
        known::remember_strict(home, ask.strict).map_err(|error| disk(&error))?;
    }
    let strict = known::strict(home).map_err(|error| disk(&error))?;
    if strict && statement.witnesses.is_empty() {
        let (message, hint) = (words.say("agent-no-witnesses", &[]), words.say("agent-no-witnesses-hint", &[]));
        return Err(Failure { message, hint, ..Failure::of(Trouble::Fingerprint, words) });
    }
    Ok(strict)
}

/// The one to use next time, and its statement, which never goes back. (SECURITY A1)
pub(super) fn remember(home: &Home, address: &RelayAddress, control: &Control) -> Result<(), HomeError> {
    known::remember_relay(home, address)?;
    known::remember_newest(home, &address.root, control)
}

/// No session through a log that was caught lying: only the root's statement of a new one lifts that. (SECURITY F4)
pub(super) fn trusted(home: &Home, control: &Control, words: &Words) -> Result<(), Failure> {
    let against = known::evidence_against(home, &control.welcome().relay.log);
    let Some(file) = against.map_err(|error| home_failure(&error, words))? else { return Ok(()) };
    let file = file.display().to_string();
    let (message, hint) = (words.say("agent-log-lied", &[("file", &file)]), words.say("agent-log-lied-hint", &[]));
    Err(Failure { message, hint, ..Failure::of(Trouble::Fingerprint, words) })
}

/// Shows the relay the newest checkpoint this PC holds of its log: one that was set back to an older copy learns it here,
/// and records nothing more. A relay that doesn't answer is no worse than before. (SECURITY F5)
pub(super) async fn still_there(home: &Home, control: &Control, words: &Words) -> Result<(), Failure> {
    let pin = known::pin(home, &control.welcome().relay.log).map_err(|error| home_failure(&error, words))?;
    let Some(pin) = pin else { return Ok(()) };
    let seen = control.call(Call::Seen { checkpoint: pin.note() });
    match tokio::time::timeout(SEEN, seen).await {
        Ok(Err(error @ ControlError::Refused(Refusal::SetBack))) => Err(relay_failure(&error, words)),
        Ok(Ok(_) | Err(_)) | Err(_) => Ok(()),
    }
}

/// What this PC found when it took another log, now or at a start that ended before it could say so: at every start until the
/// person was shown it. (SECURITY F5)
pub(super) async fn tell_untold(home: &Home, log: &VerifierKey, person: &Line, words: &Words) -> Result<(), HomeError> {
    let untold = succession::untold(home, log, words)?;
    if untold.is_empty() {
        return Ok(());
    }
    untold.into_iter().for_each(|line| person.tell.feed(News::Said(line)));
    match tokio::time::timeout(LAST_LINES, person.tell.shown()).await {
        Ok(true) => followed::told(home, log),
        Ok(false) | Err(_) => Ok(()),
    }
}
