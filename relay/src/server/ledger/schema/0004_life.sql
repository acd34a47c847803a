-- What was erased (commitments one after the other; NULL: all), with the note that says so; the note stays here when its
-- log is archived.
CREATE TABLE erasures (
    erasure  INTEGER PRIMARY KEY,
    session  BLOB NOT NULL CHECK (length(session) = 16),
    parts    BLOB,
    note     BLOB NOT NULL,
    observed INTEGER NOT NULL
) STRICT;
CREATE INDEX erasures_by_session ON erasures (session);

-- Participants who deleted what they held, up to which erasure.
CREATE TABLE obeyed (
    session BLOB NOT NULL CHECK (length(session) = 16),
    key     BLOB NOT NULL CHECK (length(key) = 32),
    erasure INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (session, key)
) STRICT, WITHOUT ROWID;

-- For how many days sealed parts are kept; no row: for ever.
CREATE TABLE retention (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    days INTEGER NOT NULL CHECK (days >= 0)
) STRICT;
