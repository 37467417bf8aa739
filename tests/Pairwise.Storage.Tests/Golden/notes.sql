CREATE TABLE migrations (component TEXT NOT NULL, name TEXT NOT NULL, applied_at INTEGER NOT NULL, PRIMARY KEY (component, name)) STRICT, WITHOUT ROWID;

CREATE TABLE notes (note_id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, body BLOB, pinned INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE INDEX notes_pinned ON notes (pinned);
