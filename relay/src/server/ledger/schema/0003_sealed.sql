-- Sealed parts: `age` files that only the organisation's auditors open. Erasable: the log itself never refers to a row here,
-- an event names the hash of the file and stays whole without it.
CREATE TABLE sealed (
    session BLOB NOT NULL,
    sha256  BLOB NOT NULL CHECK (length(sha256) = 32),
    bytes   BLOB NOT NULL,
    PRIMARY KEY (session, sha256)
) STRICT;
