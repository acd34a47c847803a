//! What peers are answered where checkpoints may carry cosignatures: against a cosigned tree where there is one.
//!
//! Only who lets the relay choose waits for witnesses, and never for one that doesn't answer. Not here: asking them
//! ([`super::rounds`]), and whether their word is enough, which every peer judges by the statement.

use venia_proto::key::PublicKey;
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::rendezvous::{Answer, Refusal};

use crate::server::audit::Looked;
use crate::server::ledger::continuity::Continuity;
use crate::server::ledger::prove::Question;
use crate::server::peer::Relay;

impl Relay {
    /// Proofs, against a checkpoint that witnesses cosigned where there is one: whoever lets the relay choose waits for
    /// those who can be asked. With a quorum nothing but a witnessed checkpoint makes a whole bundle, so an older one of
    /// those is better than the newest of all.
    pub(in crate::server) async fn prove(&self, mut question: Question) -> Result<Answer, Refusal> {
        if question.size == 0 {
            question.size = self.witnessed_since(question.first).await?;
        }
        self.ledger.prove(question).await?.await.unwrap_or(Err(Refusal::Disk)).map(|answer| self.dressed(answer))
    }

    /// Proof that the log continues a tree, up to a cosigned one where the peer names a tree and lets the relay choose.
    /// From nothing on it is the newest of all that is wanted, at once.
    pub(in crate::server) async fn consistency(
        &self,
        origin: String,
        first: u64,
        mut second: u64,
    ) -> Result<Answer, Refusal> {
        if second == 0 && first > 0 {
            second = self.witnessed_since(first).await?;
        }
        let pending = self.ledger.continuity(Continuity::Between { origin, first, second }).await?;
        pending.await.unwrap_or(Err(Refusal::Disk)).map(|answer| self.dressed(answer))
    }

    /// Size of the tree that an answer is about: the newest cosigned one from `first` on, once everybody who can be asked
    /// about the newest of all was asked; zero for that one.
    async fn witnessed_since(&self, first: u64) -> Result<u64, Refusal> {
        if self.organisation.settings().witnesses.is_empty() {
            return Ok(0);
        }
        let head = self.head().await?;
        self.cosigned.settle(head).await;
        let statement = &self.organisation.served().statement;
        let least = if statement.quorum > 0 { first } else { head };
        Ok(self.cosigned.best(statement).filter(|best| *best >= least).unwrap_or(0))
    }

    /// The heads of the logs, cosigned by those who can be asked.
    pub(in crate::server) async fn heads(&self, by: PublicKey, looked: &Looked) -> Result<Answer, Refusal> {
        if !self.organisation.settings().witnesses.is_empty() {
            self.cosigned.settle(self.head().await?).await;
        }
        let statement = self.organisation.served().note.clone();
        Ok(self.dressed(self.desk.logs(by, looked, statement).await?))
    }

    /// The log's size.
    async fn head(&self) -> Result<u64, Refusal> {
        let origin = self.organisation.log().name.as_str().to_owned();
        let question = Continuity::Between { origin, first: 0, second: 0 };
        let Answer::Consistency { checkpoint, .. } =
            self.ledger.continuity(question).await?.await.unwrap_or(Err(Refusal::Disk))?
        else {
            return Err(Refusal::Disk);
        };
        Checkpoint::open(&checkpoint, self.organisation.log()).map(|head| head.size).map_err(|_| Refusal::Disk)
    }

    /// An answer whose checkpoints carry the cosignatures there are.
    pub(in crate::server) fn dressed(&self, mut answer: Answer) -> Answer {
        match &mut answer {
            Answer::Receipts { checkpoint, .. }
            | Answer::Proofs { checkpoint, .. }
            | Answer::Consistency { checkpoint, .. } => {
                *checkpoint = self.cosigned.dress(std::mem::take(checkpoint));
            }
            Answer::Logs { logs } => {
                for log in logs {
                    log.checkpoint = self.cosigned.dress(std::mem::take(&mut log.checkpoint));
                }
            }
            Answer::Successors { logs } => {
                for log in logs {
                    log.checkpoint = self.cosigned.dress(std::mem::take(&mut log.checkpoint));
                }
            }
            Answer::Registered { .. }
            | Answer::Noted
            | Answer::Member { .. }
            | Answer::Joined { .. }
            | Answer::Notes { .. }
            | Answer::Erasures { .. }
            | Answer::Entries { .. } => {}
        }
        answer
    }
}
