-- Nodes of the tree in the order in which they become complete, from 1: each leaf is followed by the nodes it completed. What a
-- commit adds then stands at the end, instead of at the end of every level.
CREATE TABLE numbered (
    node  INTEGER PRIMARY KEY,
    level INTEGER NOT NULL,
    place INTEGER NOT NULL,
    hash  BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
INSERT INTO numbered SELECT row_number() OVER (ORDER BY (place + 1) << level, level), level, place, hash
    FROM nodes ORDER BY 1;
DROP TABLE nodes;
ALTER TABLE numbered RENAME TO nodes;
