//! What the console deletes because the log says that it was erased. (SECURITY E11)
//!
//! A record here holds openings: words in the clear. An erase note names some of them, or all of a session's; they go, and
//! the relay is told. What is signed stays, so the record still verifies and says "withheld". Only a note that the log
//! itself signed makes us delete anything: a relay's word alone doesn't.
//!
//! Not here: what is old ([`crate::keeping`]). A copy somebody made elsewhere is out of anybody's reach.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use tokio::time::timeout;
use venia_proto::catalog::Catalog;
use venia_proto::id::SessionId;
use venia_proto::key::VerifierKey;
use venia_proto::ledger::bundle::{Bundle, ZIP_MAX};
use venia_proto::ledger::event::Event;
use venia_proto::ledger::notice::Notice;
use venia_proto::rendezvous::{Answer, Call, ERASURES_MAX};
use venia_relay::client::control::Control;
use venia_relay::client::followed::former;
use venia_relay::client::home::{Home, HomeError};
use venia_ui::receipt::of_bundle;

use crate::keeping::{SESSIONS, bundle_name};

/// Calls about erasures on one connection, each for [`ERASURES_MAX`] sessions, newest first.
const CALLS_MAX: usize = 16;
/// How long a relay may take to answer one of them: nobody waits for it at a keyboard.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks what was erased of the sessions held here: notes for [`obey`]. Without an answer the next connection asks again.
pub(crate) async fn ask(home: &Home, control: &Control) -> Result<Vec<Vec<u8>>, HomeError> {
    let sessions: Vec<SessionId> = records(home)?.into_iter().map(|(session, _)| session).collect();
    let mut found = Vec::new();
    for some in sessions.chunks(ERASURES_MAX).take(CALLS_MAX) {
        match timeout(PATIENCE, control.call(Call::Erasures { sessions: some.to_vec() })).await {
            Ok(Ok(Answer::Erasures { notes })) => found.extend(notes),
            Ok(_) | Err(_) => break,
        }
    }
    Ok(found)
}

/// The same, and obeys them.
pub(crate) async fn ask_and_obey(home: &Home, control: &Control, log: &VerifierKey) -> Result<(), HomeError> {
    let notes = ask(home, control).await?;
    obey(home, control, log, &notes).await
}

/// Obeys these notes of the log, whoever handed them over, and says so.
pub(crate) async fn obey(
    home: &Home,
    control: &Control,
    log: &VerifierKey,
    notes: &[Vec<u8>],
) -> Result<(), HomeError> {
    let mut obeyed = BTreeSet::new();
    // What was erased before the log was followed by another is said by the old one.
    let mut logs = vec![log.clone()];
    logs.extend(former(home, log)?);
    for note in notes {
        // Only the log itself can make us delete anything.
        let said = logs.iter().find_map(|log| Notice::open(note, log).ok());
        let Some(Notice::Erase { session, parts }) = said else { continue };
        withhold(home, session, parts.as_deref())?;
        obeyed.insert(session);
    }
    for session in obeyed {
        // Not heard: the next connection obeys and says it again.
        let _ = timeout(PATIENCE, control.call(Call::Erased { session })).await;
    }
    Ok(())
}

/// Rewrites a session's record without these openings, all of them without `parts`; its page is told again from the rest.
fn withhold(home: &Home, session: SessionId, parts: Option<&[[u8; 32]]>) -> Result<(), HomeError> {
    let sessions = Home::open(&home.dir().join(SESSIONS), false)?;
    let name = bundle_name(session);
    let Some(zip) = sessions.read(&name, ZIP_MAX)? else { return Ok(()) };
    let Ok(mut bundle) = Bundle::from_zip(&zip) else {
        // Nobody can tell whose words are in it.
        return if parts.is_none() { sessions.remove(&name) } else { Ok(()) };
    };
    let named = |commit: &[u8; 32]| parts.is_none_or(|parts| parts.contains(commit));
    let sealed: BTreeSet<[u8; 32]> = bundle
        .entries
        .iter()
        .filter_map(|entry| Event::parse(&entry.event).ok())
        .flat_map(|event| event.header().parts.clone())
        .filter(|part| named(&part.commit))
        .filter_map(|part| part.sealed)
        .collect();
    let before = bundle.openings.len() + bundle.sealed.len();
    bundle.openings.retain(|commit, _| !named(commit));
    bundle.sealed.retain(|hash, _| !sealed.contains(hash));
    if bundle.openings.len() + bundle.sealed.len() == before {
        return Ok(());
    }
    bundle.receipt = of_bundle(&bundle, &Catalog::built_in());
    match bundle.to_zip() {
        Ok(zip) => sessions.write(&name, &zip),
        Err(error) => {
            tracing::warn!(%error, "a record can't be rewritten");
            sessions.remove(&name)
        }
    }
}

/// Sessions whose records are held, newest first, and when each was last written.
fn records(home: &Home) -> Result<Vec<(SessionId, SystemTime)>, HomeError> {
    let path = home.dir().join(SESSIONS);
    let files = match std::fs::read_dir(&path) {
        Ok(files) => files,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(HomeError::Disk { path, source }),
    };
    let mut records: Vec<_> = files
        .filter_map(Result::ok)
        .filter_map(|file| {
            let name = file.file_name().into_string().ok()?;
            let session = name.strip_prefix("session-")?.strip_suffix(".zip")?.parse().ok()?;
            Some((session, file.metadata().ok()?.modified().ok()?))
        })
        .collect();
    records.sort_by_key(|&(_, written)| std::cmp::Reverse(written));
    Ok(records)
}

#[cfg(test)]
mod tests {
    use venia_proto::ledger::bundle::Entry;

    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(&folder.path().join("venia"), false).unwrap();
        (folder, home)
    }

    fn keep(home: &Home, session: SessionId) {
        let bundle = Bundle {
            entries: vec![Entry::default()],
            openings: [([1; 32], b"one".to_vec()), ([2; 32], b"two".to_vec())].into(),
            receipt: Some(b"MARKER".to_vec()),
            ..Bundle::default()
        };
        let sessions = Home::open(&home.dir().join(SESSIONS), false).unwrap();
        sessions.write(&bundle_name(session), &bundle.to_zip().unwrap()).unwrap();
    }

    fn held(home: &Home, session: SessionId) -> Bundle {
        Bundle::from_zip(&std::fs::read(home.dir().join(SESSIONS).join(bundle_name(session))).unwrap()).unwrap()
    }

    #[test]
    fn e11_only_the_parts_named_go() {
        let (_folder, home) = home();
        let (session, other) = (SessionId([7; 16]), SessionId([8; 16]));
        keep(&home, session);
        keep(&home, other);
        withhold(&home, session, Some(&[[1; 32]])).unwrap();
        let bundle = held(&home, session);
        assert_eq!(bundle.openings.keys().collect::<Vec<_>>(), [&[2; 32]]);
        assert_ne!(bundle.receipt.as_deref(), Some(b"MARKER".as_slice()), "told again");
        assert_eq!(bundle.entries.len(), 1, "what is signed stays");
        assert_eq!(held(&home, other).openings.len(), 2);
        withhold(&home, SessionId([9; 16]), None).unwrap();
    }
}
