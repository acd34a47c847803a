//! How long a technician keeps what people said and what was found: the statement's days, then the words go and the
//! proofs stay. (SECURITY E11)
//!
//! Beside each bundle that holds openings stands a small file that says when they are due. When that time has come, the
//! bundle is written again without them: it verifies as before and says how many parts are withheld.
//!
//! Not here: what an `erase` note asks. And this is the technician's own program keeping a promise; a technician who copies
//! the folder can't be held to it by anything.

use std::fs;

use venia_proto::catalog::Catalog;
use venia_proto::id::SessionId;
use venia_proto::ledger::bundle::{Bundle, ZIP_MAX};
use venia_proto::ledger::keeping;
use venia_proto::now::Wall;
use venia_relay::client::home::{Home, HomeError};
use venia_ui::receipt::of_bundle;

use crate::clock;

/// Folder of the records.
pub(crate) const SESSIONS: &str = "sessions";
/// Records looked at in one run; the rest waits for the next.
pub(crate) const AT_ONCE: usize = 500;

const DUE: &str = "due-";
/// A time, and a line feed.
const DUE_MAX: usize = 64;

/// The name of a session's bundle in the folder of sessions.
pub(crate) fn bundle_name(session: SessionId) -> String {
    format!("session-{session}.zip")
}

/// Promises that a session's openings go after this many days. Written before the bundle: a crash in between leaves a
/// promise without a bundle, never a bundle without a promise.
pub(crate) fn promise(sessions: &Home, session: SessionId, days: u32, now: Wall) -> Result<(), HomeError> {
    let due = keeping::due(now, days);
    sessions.write(&format!("{DUE}{session}"), format!("{due}\n").as_bytes())
}

/// Keeps what was promised about the records in a data folder, at the start of every command that opens it.
pub(crate) fn sweep(home: &Home) {
    let sessions = home.dir().join(SESSIONS);
    if !sessions.is_dir() {
        return;
    }
    match Home::open(&sessions, false) {
        Ok(sessions) => {
            let kept = keep_promises(&sessions, clock::now().wall);
            if kept > 0 {
                tracing::info!(kept, "old records lost their words, as promised");
            }
        }
        Err(error) => tracing::warn!(%error, "old records can't be looked at"),
    }
}

/// Keeps every promise that is due; how many bundles lost their words. What can't be read or written now is tried again
/// next time.
fn keep_promises(sessions: &Home, now: Wall) -> usize {
    let Ok(entries) = fs::read_dir(sessions.dir()) else { return 0 };
    let promised = entries.filter_map(|entry| {
        let name = entry.ok()?.file_name();
        name.to_str()?.strip_prefix(DUE)?.parse::<SessionId>().ok()
    });
    let kept = promised.take(AT_ONCE).filter(|session| match is_due(sessions, *session, now) {
        Ok(true) => forget(sessions, *session).inspect_err(|error| tracing::warn!(%error, "openings stay")).is_ok(),
        Ok(false) => false,
        Err(error) => {
            tracing::warn!(%error, "a record can't be looked at");
            false
        }
    });
    kept.count()
}

fn is_due(sessions: &Home, session: SessionId, now: Wall) -> Result<bool, HomeError> {
    let Some(bytes) = sessions.read(&format!("{DUE}{session}"), DUE_MAX)? else { return Ok(false) };
    let due = str::from_utf8(&bytes).ok().and_then(|text| text.trim_end().parse::<Wall>().ok());
    Ok(keeping::is_due(due, now))
}

/// Writes a bundle again without its openings; then the promise is kept.
fn forget(sessions: &Home, session: SessionId) -> Result<(), HomeError> {
    let name = bundle_name(session);
    if let Some(zip) = sessions.read(&name, ZIP_MAX)? {
        let damaged = |_| HomeError::Damaged(sessions.dir().join(&name));
        let mut bundle = Bundle::from_zip(&zip).map_err(damaged)?;
        bundle.openings.clear();
        // It tells what the openings said; told again, it says that they are withheld.
        bundle.receipt = of_bundle(&bundle, &Catalog::built_in());
        sessions.write(&name, &bundle.to_zip().map_err(damaged)?)?;
    }
    sessions.remove(&format!("{DUE}{session}"))
}

#[cfg(test)]
mod tests {
    use venia_proto::ledger::bundle::Entry;
    use venia_proto::ledger::keeping::DAY_MS;

    use super::*;

    fn sessions() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(&folder.path().join("sessions"), false).unwrap();
        (folder, home)
    }

    fn session() -> SessionId {
        SessionId([7; 16])
    }

    fn at(ms: i64) -> Wall {
        Wall::from_ms(1_795_514_402_000 + ms)
    }

    #[test]
    fn e11_openings_go_when_their_days_are_over() {
        let (_folder, sessions) = sessions();
        let bundle = Bundle {
            openings: [([1; 32], b"MARKER".to_vec())].into(),
            receipt: Some(b"MARKER".to_vec()),
            statement: b"kept".to_vec(),
            participants: b"agent".to_vec(),
            policy: b"none".to_vec(),
            entries: vec![Entry { event: b"event".to_vec(), proof: None }],
            first_checkpoint: b"first".to_vec(),
            ..Bundle::default()
        };
        let name = bundle_name(session());
        promise(&sessions, session(), 30, at(0)).unwrap();
        sessions.write(&name, &bundle.to_zip().unwrap()).unwrap();
        let held = || sessions.read(&name, ZIP_MAX).unwrap().unwrap();
        let marked = |zip: &[u8]| zip.windows(6).any(|window| window == b"MARKER");
        assert_eq!(keep_promises(&sessions, at(30 * DAY_MS - 1)), 0);
        assert!(marked(&held()));
        assert_eq!(keep_promises(&sessions, at(30 * DAY_MS)), 1);
        assert!(!marked(&held()));
        let left = Bundle::from_zip(&held()).unwrap();
        assert_eq!((left.statement.as_slice(), left.openings.len()), (b"kept".as_slice(), 0));
        assert_eq!(keep_promises(&sessions, at(90 * DAY_MS)), 0, "once");
    }

    #[test]
    fn e11_a_promise_nobody_can_read_is_due_and_one_without_a_bundle_is_kept() {
        let (_folder, sessions) = sessions();
        sessions.write(&format!("{DUE}{}", session()), b"tomorrow\n").unwrap();
        assert_eq!(keep_promises(&sessions, at(0)), 1);
        assert_eq!(keep_promises(&sessions, at(0)), 0);
    }

    #[test]
    fn e11_a_damaged_bundle_keeps_its_promise_open() {
        let (_folder, sessions) = sessions();
        promise(&sessions, session(), 0, at(0)).unwrap();
        sessions.write(&bundle_name(session()), b"no zip").unwrap();
        assert_eq!(keep_promises(&sessions, at(1)), 0);
        sessions.remove(&bundle_name(session())).unwrap();
        assert_eq!(keep_promises(&sessions, at(1)), 1);
    }
}
