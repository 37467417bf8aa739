CREATE TABLE chat_connections (
  connection_id TEXT PRIMARY KEY,
  contact_id INTEGER UNIQUE REFERENCES chat_contacts ON DELETE CASCADE,
  link TEXT NOT NULL,
  is_ours INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE chat_contacts (
  contact_id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  profile TEXT NOT NULL,
  state INTEGER NOT NULL,
  post_quantum INTEGER NOT NULL,
  min_version INTEGER NOT NULL,
  max_version INTEGER NOT NULL,
  created_at INTEGER NOT NULL
, preferences TEXT) STRICT;

CREATE TABLE chat_file_connections (
  connection_id TEXT PRIMARY KEY,
  file_id INTEGER NOT NULL UNIQUE REFERENCES chat_files ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE chat_file_pieces (
  file_id INTEGER NOT NULL REFERENCES chat_files ON DELETE CASCADE,
  number INTEGER NOT NULL,
  content BLOB NOT NULL,
  PRIMARY KEY (file_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE chat_file_servers (
  position INTEGER PRIMARY KEY,
  address TEXT NOT NULL
) STRICT;

CREATE TABLE chat_files (
  file_id INTEGER PRIMARY KEY AUTOINCREMENT,
  item_id INTEGER NOT NULL UNIQUE REFERENCES chat_items ON DELETE CASCADE,
  name TEXT NOT NULL,
  size INTEGER NOT NULL,
  state INTEGER NOT NULL,
  inline_mode INTEGER NOT NULL,
  path TEXT,
  encryption BLOB,
  agent_file TEXT UNIQUE,
  approved INTEGER NOT NULL DEFAULT 0,
  description TEXT NOT NULL DEFAULT '',
  description_parts INTEGER NOT NULL DEFAULT 0,
  description_complete INTEGER NOT NULL DEFAULT 0,
  sender_description TEXT,
  pieces INTEGER NOT NULL DEFAULT 0,
  last_message_id INTEGER,
  error TEXT
, link TEXT, offered_name TEXT, receive_later INTEGER) STRICT;

CREATE INDEX chat_files_active ON chat_files (file_id) WHERE state IN (0, 1, 2, 11, 12);

CREATE TABLE chat_items (
  item_id INTEGER PRIMARY KEY AUTOINCREMENT,
  contact_id INTEGER NOT NULL REFERENCES chat_contacts ON DELETE CASCADE,
  direction INTEGER NOT NULL,
  shared_id BLOB,
  agent_message_id INTEGER,
  part INTEGER NOT NULL,
  text TEXT NOT NULL,
  time INTEGER NOT NULL,
  status INTEGER NOT NULL,
  notice TEXT,
  edited INTEGER NOT NULL DEFAULT 0,
  deleted INTEGER NOT NULL DEFAULT 0
, content TEXT) STRICT;

CREATE UNIQUE INDEX chat_items_agent ON chat_items (contact_id, direction, agent_message_id, part);

CREATE INDEX chat_items_pending ON chat_items (item_id) WHERE status = 1;

CREATE UNIQUE INDEX chat_items_shared ON chat_items (contact_id, direction, shared_id);

CREATE TABLE chat_own_profile (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  user_id INTEGER NOT NULL,
  profile TEXT NOT NULL
) STRICT;

CREATE TABLE chat_servers (
  position INTEGER PRIMARY KEY,
  address TEXT NOT NULL
) STRICT;

CREATE TABLE chat_standalone_files (
  file_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  size INTEGER NOT NULL,
  state INTEGER NOT NULL,
  path TEXT NOT NULL,
  agent_file TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL,
  sender_description TEXT,
  redirect_file TEXT UNIQUE,
  redirect_sender_description TEXT,
  link TEXT,
  error TEXT
, encryption BLOB) STRICT;

CREATE TABLE migrations (component TEXT NOT NULL, name TEXT NOT NULL, applied_at INTEGER NOT NULL, PRIMARY KEY (component, name)) STRICT, WITHOUT ROWID;
