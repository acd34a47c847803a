//! A relay whose database comes back from an older copy.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::path::Path;

use venia_relay::server::ledger::StoreError;
use venia_relay::server::ledger::committer::StartError;
use venia_relay::server::ledger::limits::Limits;
use venia_relay::server::serve::{DATABASE, Options, Running, ServeError};

async fn start(folder: &Path) -> Result<Running, ServeError> {
    let listen = "127.0.0.1:0".parse().unwrap();
    Running::start(folder, Options { listen, public: None, name: None, keep_days: None, limits: Limits::default() })
        .await
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
