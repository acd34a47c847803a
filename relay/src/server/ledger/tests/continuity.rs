//! What anybody may ask about the log itself, and how it learns that it was set back.

use super::super::continuity::Continuity;
use super::*;

impl World {
    async fn ask(&self, question: Continuity) -> Result<Answer, Refusal> {
        self.ledger.continuity(question).await?.await.unwrap()
    }

    async fn between(&self, first: u64, second: u64) -> Result<(Checkpoint, Vec<Hash>), Refusal> {
        let origin = self.log.verifier().name.to_string();
        let answer = self.ask(Continuity::Between { origin, first, second }).await?;
        let Answer::Consistency { checkpoint, path } = answer else { panic!("{answer:?}") };
        Ok((Checkpoint::open(&checkpoint, self.log.verifier()).unwrap(), path))
    }
}

#[tokio::test]
async fn f4_anybody_gets_proof_that_the_log_only_grew() {
    let world = world(Limits::default());
    for seed in 1..=5 {
        let mut agent = Agent::new(seed);
        let open = agent.open();
        world.submit(agent.submission(vec![open])).await.unwrap();
    }
    let (newest, _) = world.between(0, 0).await.unwrap();
    for second in 1..=newest.size {
        let (larger, _) = world.between(0, second).await.unwrap();
        for first in 1..=second {
            let (checkpoint, path) = world.between(first, second).await.unwrap();
            let (smaller, _) = world.between(0, first).await.unwrap();
            assert_eq!(checkpoint, larger);
            assert_eq!(verify_consistency(first, second, &smaller.root, &larger.root, &path), Ok(()));
        }
    }
    assert_eq!(world.between(newest.size + 1, 0).await, Err(Refusal::NotAllowed));
    assert_eq!(world.between(0, newest.size + 1).await, Err(Refusal::NotAllowed));
    assert_eq!(world.between(2, 1).await, Err(Refusal::NotAllowed));
    let elsewhere = Continuity::Between { origin: "elsewhere".to_owned(), first: 0, second: 0 };
    assert_eq!(world.ask(elsewhere).await, Err(Refusal::NotAllowed));
}

#[tokio::test]
async fn f5_what_peers_saw_of_this_log_is_welcome_and_strangers_say_nothing() {
    let world = world(Limits::default());
    let (newest, _) = world.between(0, 0).await.unwrap();
    assert_eq!(world.ask(Continuity::Seen(newest.sign(&world.log))).await, Ok(Answer::Noted));
    let stranger = SigningKey::new("log", [9; 32]).named(world.log.verifier().name.clone());
    let theirs = Checkpoint::of(stranger.verifier(), newest.size + 1, [9; 32]).sign(&stranger);
    for said in [theirs, b"nothing".to_vec()] {
        assert_eq!(world.ask(Continuity::Seen(said)).await, Err(Refusal::NotAllowed));
    }
    let mut agent = Agent::new(1);
    let open = agent.open();
    assert!(world.submit(agent.submission(vec![open])).await.is_ok(), "it still records");
}

#[tokio::test]
async fn f5_a_log_that_was_set_back_signs_nothing_more() {
    for beyond in [0, 1] {
        let world = world(Limits::default());
        let (newest, _) = world.between(0, 0).await.unwrap();
        let lost = Checkpoint::of(world.log.verifier(), newest.size + beyond, [9; 32]).sign(&world.log);
        assert_eq!(world.ask(Continuity::Seen(lost)).await, Err(Refusal::SetBack));
        let mut agent = Agent::new(1);
        let open = agent.open();
        assert_eq!(world.submit(agent.submission(vec![open])).await, Err(Refusal::SetBack));
        let gap = venia_proto::ledger::notice::Notice::Abandoned { session: SessionId([1; 16]) };
        assert_eq!(world.ledger.note(gap).await, Err(Refusal::SetBack));
        world.boot.fetch_add(STALE_MS + 1, Ordering::SeqCst);
        world.ledger.time().await;
        world.ledger.beat(true).await;
        assert_eq!(world.between(0, 0).await.unwrap().0, newest, "nothing was signed");
    }
}
