-- Whatever a commit adds stands at the end of few tables, so that it changes few pages.
--
-- Events in log order, each with the one before it in its session; a session names its newest, and who wants a session's
-- events walks back from there. An index by session would change a page of its own for every session that writes.
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
-- Nodes of the tree in the order in which they became complete: each leaf is followed by the nodes it completed.
CREATE TABLE numbered (
    node INTEGER PRIMARY KEY,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
INSERT INTO numbered SELECT row_number() OVER (ORDER BY (place + 1) << level, level) - 1, hash FROM nodes ORDER BY 1;
DROP TABLE nodes;
ALTER TABLE numbered RENAME TO nodes;
