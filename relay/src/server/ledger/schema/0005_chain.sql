-- Events in log order, each with the one before it in its session; a session names its newest. Whatever a commit adds stands
-- at the end of one table: an index by session would change a page of its own for every session that writes. Who wants a
-- session's events walks back from its newest.
ALTER TABLE sessions ADD COLUMN newest INTEGER;
UPDATE sessions SET newest = (SELECT max(entry) FROM events WHERE events.session = sessions.session);
CREATE TABLE chained (
    entry   INTEGER PRIMARY KEY,
    session BLOB NOT NULL CHECK (length(session) = 16),
    author  TEXT NOT NULL,
    seq     INTEGER NOT NULL,
    batch   INTEGER NOT NULL,
    before  INTEGER
) STRICT;
INSERT INTO chained
    SELECT entry, session, author, seq, batch, lag(entry) OVER (PARTITION BY session ORDER BY entry)
    FROM events ORDER BY entry;
DROP TABLE events;
ALTER TABLE chained RENAME TO events;
-- Which sessions are open doesn't change with every event, so neither does this.
DROP INDEX sessions_open;
CREATE INDEX sessions_open ON sessions (session) WHERE ended IS NULL;
