//! Commands that ask the running relay over its local socket, or work on the folder when none runs.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use tokio::runtime::Runtime;
use venia_proto::foreign::Foreign;
use venia_ui::failure::{Exit, Failure};
use venia_ui::terminal::Screen;
use venia_ui::words::Words;

use super::failures::{failed, refused, said, system};
use super::{contradictions, erasing, succession, witness};
use crate::client::home::Home;
use crate::clock;
use crate::server::admin::{self, AdminError, ListedMember, Reply, Request, Why};
use crate::server::erasing as server_erasing;
use crate::server::identity::{Keys, Published};
use crate::server::ledger::shards;
use crate::server::ledger::sqlite::Sqlite;
use crate::server::organisation::Organisation;
use crate::server::recovery;
use crate::server::serve::{DATABASE, ServeError};

/// Asks the running relay, else does it here.
pub(super) fn ask(folder: &Path, words: &Words, request: Request) -> Result<Reply, Failure> {
    let system = |error: &dyn std::error::Error| system(error, words);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| system(&error))?;
    let name = match &request {
        Request::Invite { name, .. } | Request::Revoke { name } => Foreign::new(name.as_str()),
        Request::AuditorAdd { recipient } | Request::AuditorRemove { recipient } => Foreign::new(recipient.as_str()),
        Request::Erase { session, .. } | Request::EvidenceFile { session, .. } => Foreign::new(session.as_str()),
        Request::WitnessAdd { at, .. } => Foreign::new(at.as_str()),
        Request::WitnessRemove { key } => Foreign::new(key.as_str()),
        Request::PackAdd { pack } | Request::PackRemove { pack } => Foreign::new(pack.to_string()),
        Request::Address
        | Request::Members
        | Request::Auditors
        | Request::Packs
        | Request::Witnesses
        | Request::Quorum { .. }
        | Request::Erasures
        | Request::Evidence
        | Request::Retention { .. }
        | Request::Prune { .. } => Foreign::new(""),
    };
    let reply = match runtime.block_on(admin::ask(folder, &request)) {
        Ok(Some(reply)) => reply,
        Ok(None) => alone(folder, words, request, &runtime)?,
        Err(AdminError::NoAnswer | AdminError::Malformed) => {
            return Err(said(
                Exit::Refused,
                "silent",
                words,
                words.say("relay-silent", &[]),
                words.say("relay-silent-hint", &[]),
            ));
        }
        Err(error @ AdminError::Socket(_)) => return Err(system(&error)),
    };
    match reply {
        Reply::Refused { why } => Err(refused(why, &name, words)),
        Reply::Address { .. }
        | Reply::Invite { .. }
        | Reply::Members { .. }
        | Reply::Revoked { .. }
        | Reply::Auditors { .. }
        | Reply::Packs { .. }
        | Reply::Witnesses { .. }
        | Reply::Erased { .. }
        | Reply::Erasures { .. }
        | Reply::Retention { .. }
        | Reply::Pruned { .. }
        | Reply::Evidence { .. }
        | Reply::EvidenceFile { .. } => Ok(reply),
    }
}

/// Nobody runs here: takes the lock, so that nobody starts meanwhile, and works on the folder.
fn alone(folder: &Path, words: &Words, request: Request, runtime: &Runtime) -> Result<Reply, Failure> {
    let not_served = || succession::not_served(folder, words);
    if !folder.join(DATABASE).is_file() {
        return Err(not_served());
    }
    let failed = |error: ServeError| failed(&error, folder, words);
    let home = Arc::new(Home::open(folder, true).map_err(|error| failed(error.into()))?);
    // What is changed in a copy would be told to nobody, or contradict what the lost one told.
    recovery::may_sign(&home).map_err(failed)?;
    let published = Published::read(&home).map_err(|error| failed(error.into()))?;
    let address = published.and_then(|published| published.address()).ok_or_else(not_served)?;
    if let Request::Erase { session, parts } = request {
        let Some((id, parts)) = server_erasing::read(&session, &parts) else {
            return Ok(Reply::Refused { why: Why::Malformed });
        };
        let done = runtime.block_on(server_erasing::erase_alone(&home, id, parts)).map_err(failed)?;
        return Ok(admin::erased(session, done));
    }
    let keys = Keys::open(&home).map_err(|error| failed(error.into()))?;
    let now = clock::now().wall;
    let organisation = Organisation::open(home.clone(), keys, address.at, |_| Ok(()), now);
    let organisation = organisation.map_err(|error| failed(error.into()))?;
    let path = home.path(DATABASE).map_err(|error| failed(error.into()))?;
    let mut store = Sqlite::open(&path).map_err(|error| failed(error.into()))?;
    let (reply, _) = admin::carry_out(&mut store, &organisation, request, now);
    if matches!(reply, Reply::Pruned { .. }) {
        let stripped = store.shards().and_then(|closed| shards::strip(&path, &closed));
        stripped.map_err(|error| failed(error.into()))?;
    }
    Ok(reply)
}

/// Prints an answer.
pub(super) fn tell(screen: &Screen, reply: &Reply) -> Result<(), Failure> {
    let words = screen.words();
    match reply {
        Reply::Address { address } if screen.json() => screen.object(&json!({ "address": address })),
        Reply::Address { address } => screen.line(&format!("address: {address}")),
        Reply::Invite { invite, name, role, level, expires } if screen.json() => screen.object(&json!({
            "invite": invite, "name": name, "role": role, "level": level, "expires": expires,
        })),
        Reply::Invite { invite, name, expires, .. } => {
            screen.line(&format!("invite: {}", invite.0))?;
            screen.note(&words.say("relay-invite-note", &[("name", name), ("expires", &expires.to_string())]));
            Ok(())
        }
        Reply::Members { members } if screen.json() => screen.object(&json!({ "members": members })),
        Reply::Members { members } if members.is_empty() => {
            screen.note(&words.say("relay-no-members", &[]));
            Ok(())
        }
        Reply::Members { members } => members.iter().try_for_each(|member| screen.line(&line(member, words))),
        Reply::Revoked { name } if screen.json() => screen.object(&json!({ "revoked": name })),
        Reply::Revoked { name } => screen.line(&words.say("relay-revoked", &[("name", name)])),
        Reply::Auditors { serial, auditors } if screen.json() => {
            screen.object(&json!({ "serial": serial, "auditors": auditors }))
        }
        Reply::Auditors { auditors, .. } if auditors.is_empty() => {
            screen.note(&words.say("relay-no-auditors", &[]));
            Ok(())
        }
        Reply::Auditors { auditors, .. } => auditors.iter().try_for_each(|auditor| screen.line(auditor.as_str())),
        Reply::Packs { serial, packs } if screen.json() => screen.object(&json!({ "serial": serial, "packs": packs })),
        Reply::Packs { packs, .. } if packs.is_empty() => {
            screen.note(&words.say("relay-no-packs", &[]));
            Ok(())
        }
        Reply::Packs { packs, .. } => packs.iter().try_for_each(|pack| screen.line(&pack.to_string())),
        Reply::Witnesses { serial, log, quorum, witnesses } => {
            witness::list(screen, (*serial, log, *quorum), witnesses)
        }
        Reply::Erased { session } => erasing::erased(screen, session),
        Reply::Erasures { erasures } => erasing::list(screen, erasures),
        Reply::Retention { days } => erasing::retention(screen, *days),
        Reply::Pruned { logs } => succession::pruned(screen, logs),
        Reply::Evidence { evidence } => contradictions::list(screen, evidence),
        // Written to a file by whoever asked for one.
        Reply::EvidenceFile { text, .. } => screen.line(text.trim_end()),
        Reply::Refused { why } => Err(refused(*why, &Foreign::new(""), words)),
    }
}

fn line(member: &ListedMember, words: &Words) -> String {
    let ListedMember { name, role, level, since, revoked } = member;
    let role = role.to_string();
    match revoked {
        None => {
            let since = since.to_string();
            words.say("relay-member", &[("name", name), ("role", &role), ("level", level), ("since", &since)])
        }
        Some(revoked) => {
            let revoked = revoked.to_string();
            words.say(
                "relay-member-revoked",
                &[("name", name), ("role", &role), ("level", level), ("revoked", &revoked)],
            )
        }
    }
}
