//! A relay whose database comes back from an older copy.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use venia_proto::greeting::GreetingError;
use venia_proto::key::SigningKey;
use venia_proto::rendezvous::{Answer, Call, Refusal};
use venia_proto::statement::StatementError;
use venia_relay::client::control::{Control, ControlError};
use venia_relay::client::link::{Link, Role};
use venia_relay::server::ledger::StoreError;
use venia_relay::server::ledger::committer::StartError;
use venia_relay::server::ledger::limits::Limits;
use venia_relay::server::serve::{DATABASE, Options, Running, ServeError};

async fn start(folder: &Path) -> Result<Running, ServeError> {
    start_as(folder, None).await
}

async fn start_as(folder: &Path, name: Option<&str>) -> Result<Running, ServeError> {
    let listen = "127.0.0.1:0".parse().unwrap();
    // One address for every start: another would be another statement, and another note of it in the log.
    let public = Some("relay.example:4433".parse().unwrap());
    let name = name.map(str::to_owned);
    Running::start(folder, Options { listen, public, name, keep_days: None, limits: Limits::default() }).await
}

/// Starts and stops: the log grows by a batch and a gap each time, at first by two batches and the statement.
async fn live(folder: &Path) {
    start(folder).await.unwrap().stop().await;
}

#[tokio::test]
async fn f5_an_older_copy_is_refused_and_the_newest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("relay");
    let (database, older, newest) = (folder.join(DATABASE), folder.join("older"), folder.join("newest"));
    live(&folder).await;
    std::fs::copy(&database, &older).unwrap();
    live(&folder).await;
    live(&folder).await;
    std::fs::copy(&database, &newest).unwrap();
    std::fs::copy(&older, &database).unwrap();
    for _ in 0..2 {
        let refused = start(&folder).await.err();
        let Some(ServeError::Ledger(StartError::Store(StoreError::SetBack { had, found }))) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!((had, found), (7, 3), "and refusing leaves everything as it was");
    }
    std::fs::copy(&newest, &database).unwrap();
    live(&folder).await;
}

#[tokio::test]
async fn f5_a_copy_of_the_head_that_stayed_behind_hurts_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("relay");
    live(&folder).await;
    let behind = std::fs::read(folder.join("head")).unwrap();
    live(&folder).await;
    std::fs::write(folder.join("head"), behind).unwrap();
    live(&folder).await;
}

async fn peer(relay: &Running) -> (Link, Control) {
    let link = Link::bind(None, &SigningKey::new("device", [7; 32]), relay.listening(), Role::Agent).unwrap();
    let (control, _) = Control::connect(&link, &relay.address().root, None).await.unwrap();
    (link, control)
}

#[tokio::test]
async fn f5_what_a_peer_saw_stops_a_relay_whose_whole_folder_was_set_back() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("relay");
    live(&folder).await;
    let older: Vec<_> = [DATABASE, "head"].map(|name| (name, std::fs::read(folder.join(name)).unwrap())).into();
    let relay = start(&folder).await.unwrap();
    let (link, control) = peer(&relay).await;
    let origin = control.welcome().relay.log.name.to_string();
    let newest = control.call(Call::Consistency { origin, first: 0, second: 0 }).await.unwrap();
    let Answer::Consistency { checkpoint, .. } = newest else { panic!("{newest:?}") };
    let seen = Call::Seen { checkpoint };
    assert_eq!(control.call(seen.clone()).await.unwrap(), Answer::Noted);
    drop((link, control));
    relay.stop().await;

    older.iter().for_each(|(name, bytes)| std::fs::write(folder.join(name), bytes).unwrap());
    // Nothing in the folder tells: it starts, and the log grows by a batch of its own.
    let relay = start(&folder).await.unwrap();
    let (link, control) = peer(&relay).await;
    for _ in 0..2 {
        let answer = control.call(seen.clone()).await;
        assert!(matches!(answer, Err(ControlError::Refused(Refusal::SetBack))), "{answer:?}");
    }
    drop((link, control));
    relay.stop().await;
    let refused = start(&folder).await.err();
    let Some(ServeError::Ledger(StartError::Store(StoreError::SetBack { .. } | StoreError::Damaged(_)))) = refused
    else {
        panic!("{refused:?}")
    };
}

#[tokio::test]
async fn a1_who_carried_on_with_a_newer_statement_takes_no_older_one_again() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, older) = (folder.path().join("relay"), folder.path().join("older"));
    let relay = start(&folder).await.unwrap();
    let (link, control) = peer(&relay).await;
    let (first, greeted) = (control.welcome().statement.serial, control.welcome().ledger_time);
    relay.stop().await;
    drop(link);
    copy(&folder, &older);

    let relay = start_as(&folder, Some("Taller Vega")).await.unwrap();
    let link = Link::bind(None, &SigningKey::new("device", [7; 32]), relay.listening(), Role::Agent).unwrap();
    control.reopen(&link).await.unwrap();
    assert!(control.ledger_time() > greeted, "its log wrote since");
    relay.stop().await;
    drop(link);

    let relay = start(&older).await.unwrap();
    let link = Link::bind(None, &SigningKey::new("device", [7; 32]), relay.listening(), Role::Agent).unwrap();
    let refused = control.reopen(&link).await.err();
    let Some(ControlError::Greeting(GreetingError::Statement(error))) = refused else { panic!("{refused:?}") };
    let StatementError::WentBack { known, got } = error else { panic!("{error:?}") };
    assert_eq!((known, got), (first + 1, first));
    relay.stop().await;
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o700)).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file()) {
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
