//! `venia enroll`: from a one-time invite to a key, a pinned root and a member note.
//!
//! The invite names the relay and its root, so a relay that answers in another's place is refused before it sees the
//! secret (SECURITY A1). The note that comes back must be this key's, by the authority the statement names (A3).

use serde::Serialize;
use venia_proto::foreign::Foreign;
use venia_proto::greeting::GreetingError;
use venia_proto::invite::{Invite, InviteError};
use venia_proto::rendezvous::{Answer, Call};
use venia_proto::statement::Member;
use venia_relay::client::control::ControlError;
use venia_relay::client::home::Home;
use venia_ui::cli::{Common, Program};
use venia_ui::failure::{Exit, Failure, Trouble};
use venia_ui::reasons;
use venia_ui::terminal::Screen;
use venia_ui::words::Words;

use crate::{Parts, input, membership, reach, trouble};

/// What `--json` prints.
#[derive(Serialize)]
struct Enrolled<'a> {
    name: &'a str,
    role: &'static str,
    level: u8,
    organisation: &'a str,
    root: String,
    relay: String,
    expires: String,
}

pub(super) fn run(given: &str, common: &Common, screen: &Screen, mut parts: Parts) -> Result<Exit, Failure> {
    let words = screen.words();
    let invite = parse(given, &mut parts, words)?;
    let home = Home::open(&common.folder(Program::Console)?, false).map_err(|error| trouble::folder(&error, words))?;
    let roots = membership::roots(&home).map_err(|error| trouble::folder(&error, words))?;
    if roots.iter().any(|root| *root != invite.relay.root) {
        let hint = words.say("console-other-service-hint", &[]);
        return Err(trouble::said(Trouble::Fingerprint, words.say("console-other-service", &[]), hint, words));
    }
    super::block_on(enroll(&invite, &home, screen), words)?
}

async fn enroll(invite: &Invite, home: &Home, screen: &Screen) -> Result<Exit, Failure> {
    let words = screen.words();
    let relay = &invite.relay;
    let key = membership::key(home).map_err(|error| trouble::folder(&error, words))?;
    let failed = |error: ControlError| trouble::control(&error, words);
    let reached = reach::reach(&relay.at, &relay.root, None, &key).await.map_err(failed)?;
    let secret = invite.secret.as_bytes().to_vec();
    let call = Call::Enroll { secret, key: key.verifier().to_string() };
    let answer = reach::call(&reached.control, call).await;
    let welcome = reached.control.welcome().clone();
    reached.control.close();
    reached.link.close(0, b"").await;
    let Answer::Member { note } = answer.map_err(failed)? else {
        return Err(failed(ControlError::Malformed(None)));
    };
    let member = membership::own(&note, &welcome.statement, key.verifier());
    let member = member.ok_or_else(|| failed(GreetingError::WrongRoot.into()))?;
    membership::store(home, &relay.at, &relay.root, &welcome.statement_note, &note)
        .map_err(|error| trouble::folder(&error, words))?;
    say(&member, &welcome.statement.organisation, invite, screen)?;
    Ok(Exit::Done)
}

fn say(member: &Member, organisation: &Foreign, invite: &Invite, screen: &Screen) -> Result<(), Failure> {
    let role = member.role.name();
    if screen.json() {
        return screen.object(&Enrolled {
            name: member.name.raw(),
            role,
            level: member.level,
            organisation: organisation.raw(),
            root: invite.relay.root.to_string(),
            relay: invite.relay.to_string(),
            expires: member.not_after.to_string(),
        });
    }
    screen.line(&screen.words().say(
        "console-enrolled",
        &[("name", &member.name), ("role", &role), ("level", &member.level), ("organisation", organisation)],
    ))
}

fn parse(given: &str, parts: &mut Parts, words: &Words) -> Result<Invite, Failure> {
    let read = if given == "-" {
        let word = input::word(parts.input.as_mut());
        word.ok_or_else(|| {
            trouble::wrong_use(words.say("console-input", &[]), words.say("console-input-hint", &[]), words)
        })?
        .parse()
    } else {
        given.parse()
    };
    read.map_err(|error: InviteError| match error {
        InviteError::Version => Failure::of(Trouble::Version, words),
        InviteError::Prefix | InviteError::Damaged => {
            let message = words.say("console-invite-malformed", &[("why", &reasons::invite(error, words))]);
            trouble::wrong_use(message, words.say("console-invite-malformed-hint", &[]), words)
        }
    })
}
