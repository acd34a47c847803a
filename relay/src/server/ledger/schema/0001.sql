-- The log: every entry, every node of the tree, and one head that is only ever replaced by comparison.
CREATE TABLE entries (
    entry INTEGER PRIMARY KEY,
    note  BLOB NOT NULL
) STRICT;

CREATE TABLE nodes (
    level INTEGER NOT NULL,
    place INTEGER NOT NULL,
    hash  BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE head (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    size       INTEGER NOT NULL,
    checkpoint BLOB NOT NULL,
    batch      BLOB NOT NULL
) STRICT;

-- Sessions: whose they are, who may take part, and where their events stand.
CREATE TABLE sessions (
    session BLOB PRIMARY KEY CHECK (length(session) = 16),
    agent   TEXT NOT NULL,
    device  BLOB NOT NULL CHECK (length(device) = 32),
    source  TEXT NOT NULL,
    opened  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_device ON sessions (device, opened);
CREATE INDEX sessions_by_source ON sessions (source, opened);

CREATE TABLE parties (
    session BLOB NOT NULL REFERENCES sessions (session),
    key     BLOB NOT NULL CHECK (length(key) = 32),
    PRIMARY KEY (session, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    session BLOB NOT NULL REFERENCES sessions (session),
    author  TEXT NOT NULL,
    seq     INTEGER NOT NULL,
    entry   INTEGER NOT NULL REFERENCES entries (entry),
    batch   INTEGER NOT NULL REFERENCES entries (entry),
    PRIMARY KEY (session, author, seq)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX events_in_log_order ON events (session, entry);

-- Two different events for one place by the strand's own key: the one in the log, and this one.
CREATE TABLE evidence (
    session  BLOB NOT NULL,
    author   TEXT NOT NULL,
    seq      INTEGER NOT NULL,
    held     BLOB NOT NULL CHECK (length(held) = 32),
    offered  BLOB NOT NULL,
    observed INTEGER NOT NULL,
    PRIMARY KEY (session, author, seq)
) STRICT, WITHOUT ROWID;

-- Members. A name is free again once its member is revoked; a key never is.
CREATE TABLE members (
    key     BLOB PRIMARY KEY CHECK (length(key) = 32),
    vkey    TEXT NOT NULL,
    folded  TEXT NOT NULL,
    name    TEXT NOT NULL,
    role    TEXT NOT NULL,
    level   INTEGER NOT NULL CHECK (level BETWEEN 1 AND 5),
    since   INTEGER NOT NULL,
    revoked INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX members_by_name ON members (folded) WHERE revoked IS NULL;

CREATE TABLE invites (
    hash    BLOB PRIMARY KEY CHECK (length(hash) = 32),
    folded  TEXT NOT NULL,
    name    TEXT NOT NULL,
    role    TEXT NOT NULL,
    level   INTEGER NOT NULL CHECK (level BETWEEN 1 AND 5),
    expires INTEGER NOT NULL,
    used    INTEGER
) STRICT, WITHOUT ROWID;
