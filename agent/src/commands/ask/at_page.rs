//! Asking for help on a page: before a session the person says when to begin, and after it the page stays until they leave.
//!
//! Not here: the page itself ([`crate::person::page`]), and the session, which is the same as in a terminal.

use std::time::Duration;

use venia_proto::address::RelayAddress;
use venia_relay::client::home::Home;
use venia_ui::cli::Common;
use venia_ui::failure::{Exit, Failure, Trouble};
use venia_ui::words::Words;

use super::{LAST_LINES, Whom, met, served};
use crate::cli::Ask;
use crate::commands::home_failure;
use crate::driver::Intake;
use crate::person::{Event, Line, Person, Wish};
use crate::{Parts, known};

/// A page that nobody looks at before or after a session is kept for this long.
const UNSEEN: Duration = Duration::from_secs(600);

/// The person says on their page when to begin, and again if it came to nothing; the page stays until they leave it.
pub(super) async fn on_a_page(
    ask: &Ask,
    common: &Common,
    parts: &Parts,
    person: Box<dyn Person>,
    words: &Words,
) -> Result<Exit, Failure> {
    let mut line = met(person, words)?;
    let mut ended = Ok(Exit::Refused);
    if ask.relay.is_none() && !knows_a_service(common, words)? {
        line.tell.unaddressed();
    }
    while let Some(wish) = begins(&mut line).await {
        let words = Words::new(wish.language);
        let named = wish.address.as_ref().map(|text| text.parse::<RelayAddress>());
        ended = match named.transpose() {
            Ok(named) => {
                let asking = Ask { relay: named.or_else(|| ask.relay.clone()), ..ask.clone() };
                served(&asking, common, parts, Whom::Here(&mut line), Intake::wished(*wish), words).await
            }
            Err(error) => {
                tracing::debug!(%error, "an address");
                let failure = Failure::of(Trouble::Usage, &words).with_hint(words.say("agent-address-hint", &[]));
                Err(Failure { message: words.say("agent-address", &[]), ..failure })
            }
        };
        if let Err(failure) = &ended {
            line.tell.failed(failure.clone());
        }
    }
    let _ = tokio::time::timeout(LAST_LINES, line.tell.shown()).await;
    ended
}

/// Whether this PC has asked a help service before.
fn knows_a_service(common: &Common, words: &Words) -> Result<bool, Failure> {
    let home = Home::open(&common.folder(venia_ui::cli::Program::Agent)?, true);
    let known = home.and_then(|home| known::relay(&home)).map_err(|error| home_failure(&error, words))?;
    Ok(known.is_some())
}

/// What they want, once they say so; nothing if they are done or gone.
async fn begins(line: &mut Line) -> Option<Box<Wish>> {
    loop {
        let unseen = !*line.seen.borrow();
        let event = tokio::select! {
            event = line.events.recv() => event,
            () = tokio::time::sleep(UNSEEN), if unseen => return None,
        };
        match event {
            Some(Event::Begin(wish)) => return Some(wish),
            Some(Event::Leave | Event::Stop | Event::Gone) | None => return None,
            Some(Event::Answered { .. } | Event::EyesLost | Event::EyesBack | Event::Says(_) | Event::Language(_)) => {}
        }
    }
}
