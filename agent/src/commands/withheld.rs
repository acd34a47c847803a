//! What a relay was given and no receipt came for, noted in a file. (SECURITY E10)
//!
//! Nobody else must believe it: that something *didn't* come can't be signed. It is the person's own note, with the exact
//! events, so that nothing of it is lost while the journal offers them again at every next contact. It freezes no log.

use std::path::PathBuf;

use venia_proto::id::{SessionId, Strand};
use venia_proto::key::VerifierKey;
use venia_proto::ledger::evidence::{Claim, EVENTS_MAX, File};
use venia_proto::now::Wall;
use venia_relay::client::control::Control;
use venia_relay::client::home::{Home, HomeError};

use crate::archive::{Archive, ArchiveError};
use crate::journal::{JournalError, Journals};
use crate::known;

/// A note that can't be written.
#[derive(Debug, thiserror::Error)]
pub enum WithheldError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// What the journal holds.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The data folder.
    #[error(transparent)]
    Home(#[from] HomeError),
}

/// Notes what of this session has no receipt, and says where; `None` if all of it has.
pub fn keep(
    home: &Home,
    journals: &Journals,
    session: SessionId,
    control: &Control,
    now: Wall,
) -> Result<Option<PathBuf>, WithheldError> {
    let archive = Archive::read(&journals.read(session)?)?;
    let key = home.key(crate::KEY_FILE, crate::KEY_KIND)?;
    let log = &control.welcome().relay.log;
    let Some(file) = note(&archive, key.verifier(), log, now) else { return Ok(None) };
    Ok(Some(known::keep_withheld(home, session, &file)?))
}

/// The file, from what the journal holds: this PC's own events, the oldest first.
fn note(archive: &Archive, key: &VerifierKey, log: &VerifierKey, now: Wall) -> Option<File> {
    let own = archive.unreceipted().map(|(event, _)| event).filter(|event| event.header().author == Strand::Agent);
    let events: Vec<_> = own.take(EVENTS_MAX).collect();
    let from = events.first()?.header().time;
    let events = events.into_iter().map(|event| event.bytes().to_vec()).collect();
    let claim = Claim::Withheld { origin: log.name.clone(), key: key.clone(), from, to: now.max(from), events };
    Some(File { statement: archive.statement.clone(), claim })
}

#[cfg(test)]
mod tests {
    use venia_proto::foreign::Foreign;
    use venia_proto::key::SigningKey;
    use venia_proto::ledger::body::Body;
    use venia_proto::ledger::evidence::Accusation;
    use venia_proto::ledger::kind::{Cause, Kind};
    use venia_proto::ledger::verify::Roots;
    use venia_proto::session::agent::Entry;
    use venia_proto::statement::{Relay, Statement};

    use super::*;
    use crate::driver::scribe::{Recorded, Scribe};
    use crate::journal::{Mark, Need, Record};
    use crate::seal::Recipients;

    const SESSION: SessionId = SessionId([4; 16]);

    fn statement() -> (Vec<u8>, VerifierKey, Statement) {
        let root = SigningKey::new("root", [1; 32]);
        let log = SigningKey::new("log", [3; 32]).verifier().clone();
        let statement = Statement {
            root: root.verifier().clone(),
            organisation: Foreign::new("Shop"),
            serial: 1,
            not_after: Wall::from_ms(1_900_000_000_000),
            relays: vec![Relay {
                name: Foreign::new("relay"),
                address: "relay.example:4433".parse().unwrap(),
                tls: SigningKey::new("relay", [2; 32]).verifier().key,
                log: log.clone(),
            }],
            authority: SigningKey::new("authority", [4; 32]).verifier().clone(),
            auditors: Vec::new(),
            witnesses: Vec::new(),
            quorum: 0,
            packs: Vec::new(),
            keep_days: 30,
        };
        (statement.sign(&root), log, statement)
    }

    /// A closed session of so many events, the first `receipted` of which have a receipt.
    fn journal(journals: &Journals, key: SigningKey, events: usize, receipted: usize) -> Vec<Recorded> {
        let mut scribe = Scribe::new(SESSION, key, Recipients::parse(&[]).unwrap());
        let open = Entry::Own { kind: Kind::Open { versions: vec![1] }, body: Body::Open(open()) };
        let pause = || Entry::Own { kind: Kind::Pause { by: Cause::Lock, cause: Cause::Lock }, body: Body::None };
        let entries = std::iter::once(open).chain(std::iter::repeat_with(pause)).take(events).collect();
        let written = scribe.write(entries, Wall::from_ms(1_795_514_402_000)).unwrap();
        let mut log = journals.create(SESSION).unwrap();
        log.append(&[Record::Statement(statement().0.into())]).unwrap();
        log.append(&written.iter().flat_map(Recorded::records).collect::<Vec<_>>()).unwrap();
        log.append(&[Record::Mark(Mark::Closed)]).unwrap();
        let receipt = |recorded: &Recorded| Record::Receipt { leaf: recorded.event.leaf(), proof: "proof".into() };
        log.append(&written.iter().take(receipted).map(receipt).collect::<Vec<_>>()).unwrap();
        written
    }

    fn open() -> venia_proto::ledger::body::Open {
        let language = venia_proto::ledger::body::Language::Es;
        venia_proto::ledger::body::Open { about: None, since: None, language, called: None, skew_ms: None }
    }

    fn home() -> (tempfile::TempDir, Home, Journals) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(&folder.path().join("data"), true).unwrap();
        let journals = Journals::open(home.dir()).unwrap();
        (folder, home, journals)
    }

    #[test]
    fn e10_what_was_withheld_is_a_file_that_verifies_offline_and_proves_nothing_to_others() {
        let (_folder, home, journals) = home();
        let key = home.key(crate::KEY_FILE, crate::KEY_KIND).unwrap();
        let vkey = key.verifier().clone();
        let written = journal(&journals, key, EVENTS_MAX + 3, 2);
        let (_, log, statement) = statement();
        let archive = Archive::read(&journals.read(SESSION).unwrap()).unwrap();
        let now = Wall::from_ms(1_795_514_499_000);
        let file = note(&archive, &vkey, &log, now).unwrap();
        let path = known::keep_withheld(&home, SESSION, &file).unwrap();
        let read = File::parse(&std::fs::read(path).unwrap()).unwrap();
        let judged = read.judge(Roots { named: Some(statement.fingerprint()), known: &[] }).unwrap();
        assert_eq!((judged.fault, judged.rooted, judged.proves), (Accusation::Withheld, true, false));
        let Claim::Withheld { events, .. } = read.claim else { panic!("another claim") };
        assert_eq!(events.len(), EVENTS_MAX);
        assert_eq!(events[0], written[2].event.bytes(), "the oldest without a receipt");
        assert_eq!(known::evidence_against(&home, &log).unwrap(), None, "it freezes no log");
    }

    #[test]
    fn e10_nothing_is_noted_when_every_event_has_its_receipt() {
        let (_folder, home, journals) = home();
        let key = home.key(crate::KEY_FILE, crate::KEY_KIND).unwrap();
        let vkey = key.verifier().clone();
        journal(&journals, key, 3, 3);
        let archive = Archive::read(&journals.read(SESSION).unwrap()).unwrap();
        assert_eq!(note(&archive, &vkey, &statement().1, Wall::from_ms(0)), None);
    }

    #[test]
    fn e10_an_unreceipted_event_is_offered_at_every_start_until_it_has_its_receipt() {
        let (_folder, home, journals) = home();
        let key = home.key(crate::KEY_FILE, crate::KEY_KIND).unwrap();
        let written = journal(&journals, key, 4, 3);
        for _ in 0..3 {
            let needs = journals.unfinished().unwrap();
            assert!(matches!(&needs[..], [(SESSION, Need::Resubmit)]), "{needs:?}");
            let archive = Archive::read(&journals.read(SESSION).unwrap()).unwrap();
            let waiting: Vec<_> = archive.unreceipted().map(|(event, _)| event.leaf()).collect();
            assert_eq!(waiting, [written[3].event.leaf()]);
        }
        let (mut log, _) = journals.reopen(SESSION).unwrap();
        log.append(&[Record::Receipt { leaf: written[3].event.leaf(), proof: "proof".into() }]).unwrap();
        log.append_last_words(&[Record::Mark(Mark::Receipted)]).unwrap();
        drop(log);
        assert!(journals.unfinished().unwrap().is_empty());
    }
}
