-- When something was last recorded in a session (milliseconds since 1970), and the entry that ended it: its close, or
-- the relay's own note that nobody closed it.
ALTER TABLE sessions ADD COLUMN last INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN ended INTEGER;
UPDATE sessions SET last = opened, ended = (
    SELECT max(entry) FROM events JOIN entries USING (entry)
    WHERE events.session = sessions.session AND author = 'agent' AND instr(CAST(note AS TEXT), '"kind":"close"') > 0
);
CREATE INDEX sessions_open ON sessions (last) WHERE ended IS NULL;
