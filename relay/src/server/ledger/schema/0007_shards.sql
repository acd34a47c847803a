-- Logs that were followed by another. Each lies in `archive/N.db` with its entries, its tree and whose sessions they are. What
-- can be erased, and who took part in what, stays here too.
CREATE TABLE shards (
    shard     INTEGER PRIMARY KEY CHECK (shard >= 1),
    log       TEXT NOT NULL,
    size      INTEGER NOT NULL,
    statement BLOB NOT NULL,
    begun     INTEGER NOT NULL,
    closed    INTEGER NOT NULL,
    kept_from INTEGER NOT NULL DEFAULT 0
) STRICT;
-- The log a session stands in; NULL: the one that grows.
ALTER TABLE sessions ADD COLUMN shard INTEGER;
