-- Parts of events, encrypted to the statement's auditors; the only words a relay holds, and it can't read them.
CREATE TABLE sealed (
    session BLOB NOT NULL CHECK (length(session) = 16),
    sha256  BLOB NOT NULL CHECK (length(sha256) = 32),
    bytes   BLOB NOT NULL,
    PRIMARY KEY (session, sha256)
) STRICT;
