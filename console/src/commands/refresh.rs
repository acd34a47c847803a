//! `venia refresh`: what people added to the records this technician keeps.

use serde::Serialize;
use venia_proto::id::SessionId;
use venia_proto::ledger::kind::Addition;
use venia_relay::client::control::ControlError;
use venia_relay::client::home::Home;
use venia_ui::cli::{Common, Program};
use venia_ui::failure::{Exit, Failure};
use venia_ui::terminal::Screen;
use venia_ui::words::Words;

use crate::driver::refresh::{REFRESH_MAX, RefreshError, Refreshed, records, refresh};
use crate::keeping;
use crate::membership::Membership;
use crate::obeying;
use crate::reach::reach;
use crate::seen;
use crate::trouble;

/// One line of `--json`.
#[derive(Serialize)]
struct Row<'a> {
    session: String,
    bundle: String,
    added: &'a [Addition],
}

pub(super) fn run(common: &Common, screen: &Screen) -> Result<Exit, Failure> {
    let words = screen.words();
    let folder = common.folder(Program::Console)?;
    let member = if folder.is_dir() {
        let home = Home::open(&folder, false).map_err(|error| trouble::folder(&error, words))?;
        keeping::sweep(&home);
        Membership::load(home).map_err(|error| trouble::folder(&error, words))?
    } else {
        None
    };
    let member = member.ok_or_else(|| trouble::not_enrolled(words))?;
    let (found, failed) = super::block_on(all(&member, words), words)??;
    tell(&found, screen)?;
    for (session, error) in &failed {
        tracing::info!(%session, %error, "a record stays as it is");
        screen.note(&words.say("console-refresh-failed", &[("session", &session.to_string())]));
    }
    Ok(if failed.is_empty() { Exit::Done } else { Exit::Refused })
}

type Found = (Vec<Refreshed>, Vec<(SessionId, RefreshError)>);

async fn all(member: &Membership, words: &Words) -> Result<Found, Failure> {
    let failed = |error: ControlError| trouble::control(&error, words);
    let reached = reach(&member.at, &member.root, member.statement.as_ref(), &member.key).await.map_err(failed)?;
    // A log that doesn't continue what this computer saw of it adds nothing to any record. (SECURITY F4, F5)
    seen::trusted(&member.home, &reached.control, words).await?;
    seen::continues(&member.home, &reached.control, Vec::new(), words).await?;
    let sessions = records(&member.home, REFRESH_MAX).map_err(|error| trouble::folder(&error, words))?;
    let log = &reached.control.welcome().relay.log;
    let obeyed = obeying::ask_and_obey(&member.home, &reached.control, log).await;
    obeyed.map_err(|error| trouble::folder(&error, words))?;
    let mut found = (Vec::new(), Vec::new());
    for session in sessions {
        match refresh(&member.home, member.root, &reached.control, session).await {
            Ok(refreshed) => found.0.extend(refreshed),
            Err(RefreshError::Control(error @ (ControlError::Unreachable(_) | ControlError::Revoked))) => {
                return Err(failed(error));
            }
            Err(error) => found.1.push((session, error)),
        }
    }
    let shown = found.0.iter().map(|refreshed| refreshed.checkpoint.clone()).collect();
    seen::continues(&member.home, &reached.control, shown, words).await?;
    reached.control.close();
    reached.link.close(0, b"").await;
    Ok(found)
}

fn tell(found: &[Refreshed], screen: &Screen) -> Result<(), Failure> {
    let words = screen.words();
    if screen.json() {
        let rows: Vec<_> = found
            .iter()
            .map(|refreshed| Row {
                session: refreshed.session.to_string(),
                bundle: refreshed.bundle.display().to_string(),
                added: &refreshed.added,
            })
            .collect();
        return screen.object(&serde_json::json!({ "sessions": rows }));
    }
    if found.is_empty() {
        screen.note(&words.say("console-refresh-nothing", &[]));
    }
    for refreshed in found {
        let session = refreshed.session.to_string();
        screen.line(&words.say("console-refreshed", &[("session", &session)]))?;
        for what in &refreshed.added {
            screen.line(&match what {
                Addition::Signoff => words.say("console-added-signoff", &[]),
                Addition::Rating => words.say("console-added-rating", &[]),
                Addition::Correction => words.say("console-added-correction", &[]),
                Addition::Reopening => words.say("console-added-reopening", &[]),
            })?;
        }
    }
    Ok(())
}
