//! The evidence the ledger keeps against authors, as an operator lists it. (SECURITY E6)

use venia_proto::id::{SessionId, Strand};
use venia_proto::now::Wall;

use super::StoreError;
use super::sqlite::Sqlite;

/// Two different events of one author for one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// In which session.
    pub session: SessionId,
    /// Whose strand.
    pub author: Strand,
    /// Which place.
    pub seq: u64,
    /// When the second one was offered, by this relay's clock.
    pub at: Wall,
    /// The second one's note; the first stands in the log.
    pub offered: Vec<u8>,
}

impl Sqlite {
    /// Everything kept, or what is kept of one session: by session, author and number.
    pub fn contradictions(&self, session: Option<SessionId>) -> Result<Vec<Contradiction>, StoreError> {
        let sql = "SELECT session, author, seq, observed, offered FROM evidence \
                   WHERE $1 IS NULL OR session = $1 ORDER BY session, author, seq";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([session.map(|session| session.0)], |row| {
            let (author, seq, at) = (row.get::<_, String>(1)?, row.get::<_, i64>(2)?, row.get(3)?);
            Ok((SessionId(row.get(0)?), author, seq.cast_unsigned(), Wall::from_ms(at), row.get(4)?))
        })?;
        rows.map(|row| {
            let (session, author, seq, at, offered) = row?;
            let author = author.parse().map_err(|_| StoreError::Damaged("a strand"))?;
            Ok(Contradiction { session, author, seq, at, offered })
        })
        .collect()
    }
}
