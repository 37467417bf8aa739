CREATE TABLE agent_commands (
  command_id INTEGER PRIMARY KEY,
  connection_id TEXT NOT NULL REFERENCES agent_connections ON DELETE CASCADE,
  kind INTEGER NOT NULL,
  argument BLOB
) STRICT;

CREATE INDEX agent_commands_connection ON agent_commands (connection_id);

CREATE TABLE agent_confirmations (
  confirmation_id TEXT PRIMARY KEY,
  connection_id TEXT NOT NULL REFERENCES agent_connections ON DELETE CASCADE,
  sender_key BLOB,
  reply_queue BLOB NOT NULL,
  accepted INTEGER NOT NULL DEFAULT 0,
  own_info BLOB
) STRICT, WITHOUT ROWID;

CREATE INDEX agent_confirmations_connection ON agent_confirmations (connection_id);

CREATE TABLE agent_connections (
  connection_id TEXT PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES agent_users ON DELETE CASCADE,
  mode INTEGER NOT NULL,
  agent_version INTEGER NOT NULL,
  post_quantum INTEGER NOT NULL,
  ratchet_sync INTEGER NOT NULL DEFAULT 0,
  last_message_id INTEGER NOT NULL DEFAULT 0,
  last_send_id INTEGER NOT NULL DEFAULT 0,
  last_send_hash BLOB NOT NULL DEFAULT x'',
  last_peer_id INTEGER NOT NULL DEFAULT 0,
  last_peer_hash BLOB NOT NULL DEFAULT x'',
  deleted_at INTEGER,
  delete_waits_for_delivery INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE INDEX agent_connections_deleted ON agent_connections (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE INDEX agent_connections_user ON agent_connections (user_id);

CREATE TABLE agent_deleted_chunks (
  deleted_chunk_id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id INTEGER NOT NULL,
  server TEXT NOT NULL,
  chunk_id BLOB NOT NULL,
  sender_key BLOB NOT NULL,
  digest BLOB NOT NULL,
  retries INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX agent_deleted_chunks_server ON agent_deleted_chunks (user_id, server, retries, deleted_chunk_id);

CREATE INDEX agent_deleted_chunks_time ON agent_deleted_chunks (created_at);

CREATE TABLE agent_deliveries (
  send_queue_id INTEGER NOT NULL REFERENCES agent_send_queues ON DELETE CASCADE,
  message_id INTEGER NOT NULL,
  connection_id TEXT NOT NULL,
  PRIMARY KEY (send_queue_id, message_id),
  FOREIGN KEY (connection_id, message_id) REFERENCES agent_sent_messages ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX agent_deliveries_message ON agent_deliveries (connection_id, message_id);

CREATE TABLE agent_events (
  event_id INTEGER PRIMARY KEY AUTOINCREMENT,
  connection_id TEXT REFERENCES agent_connections ON DELETE CASCADE,
  message_id INTEGER,
  body TEXT NOT NULL
, file_id TEXT) STRICT;

CREATE INDEX agent_events_connection ON agent_events (connection_id) WHERE connection_id IS NOT NULL;

CREATE INDEX agent_events_file ON agent_events (file_id) WHERE file_id IS NOT NULL;

CREATE TABLE agent_file_server_counters (
  user_id INTEGER NOT NULL REFERENCES agent_users ON DELETE CASCADE,
  server TEXT NOT NULL,
  uploads INTEGER NOT NULL,
  uploads_size INTEGER NOT NULL,
  upload_attempts INTEGER NOT NULL,
  upload_errors INTEGER NOT NULL,
  downloads INTEGER NOT NULL,
  downloads_size INTEGER NOT NULL,
  download_attempts INTEGER NOT NULL,
  download_auth_errors INTEGER NOT NULL,
  download_errors INTEGER NOT NULL,
  deletions INTEGER NOT NULL,
  delete_attempts INTEGER NOT NULL,
  delete_errors INTEGER NOT NULL,
  PRIMARY KEY (user_id, server)
) STRICT, WITHOUT ROWID;

CREATE TABLE agent_invitations (
  invitation_id TEXT PRIMARY KEY,
  connection_id TEXT NOT NULL REFERENCES agent_connections ON DELETE CASCADE,
  request TEXT NOT NULL,
  accepted INTEGER NOT NULL DEFAULT 0,
  received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX agent_invitations_connection ON agent_invitations (connection_id);

CREATE TABLE agent_ratchets (
  connection_id TEXT PRIMARY KEY REFERENCES agent_connections ON DELETE CASCADE,
  state BLOB,
  x3dh_keys BLOB,
  sent_parameters BLOB
) STRICT, WITHOUT ROWID;

CREATE TABLE agent_receive_queues (
  receive_queue_id INTEGER PRIMARY KEY,
  connection_id TEXT NOT NULL REFERENCES agent_connections ON DELETE CASCADE,
  server TEXT NOT NULL,
  recipient_id BLOB NOT NULL,
  recipient_key BLOB NOT NULL,
  dh_private BLOB NOT NULL,
  server_dh_public BLOB NOT NULL,
  e2e_private BLOB NOT NULL,
  peer_e2e_public BLOB,
  sender_id BLOB NOT NULL,
  mode INTEGER,
  status INTEGER NOT NULL,
  is_primary INTEGER NOT NULL,
  replaces_queue_id INTEGER,
  switch_status INTEGER,
  client_version INTEGER NOT NULL,
  delete_errors INTEGER NOT NULL DEFAULT 0,
  UNIQUE (server, recipient_id)
) STRICT;

CREATE INDEX agent_receive_queues_connection ON agent_receive_queues (connection_id);

CREATE TABLE agent_received_chunks (
  received_chunk_id INTEGER PRIMARY KEY AUTOINCREMENT,
  received_file_id INTEGER NOT NULL REFERENCES agent_received_files ON DELETE CASCADE,
  user_id INTEGER NOT NULL,
  number INTEGER NOT NULL,
  size INTEGER NOT NULL,
  digest BLOB NOT NULL,
  server TEXT NOT NULL,
  replica INTEGER NOT NULL DEFAULT 0,
  is_received INTEGER NOT NULL DEFAULT 0,
  faults INTEGER NOT NULL DEFAULT 0,
  retries INTEGER NOT NULL DEFAULT 0,
  UNIQUE (received_file_id, number)
) STRICT;

CREATE INDEX agent_received_chunks_incomplete ON agent_received_chunks (received_file_id) WHERE is_received = 0;

CREATE INDEX agent_received_chunks_pending ON agent_received_chunks (user_id, server, retries, received_chunk_id) WHERE is_received = 0;

CREATE TABLE agent_received_files (
  received_file_id INTEGER PRIMARY KEY AUTOINCREMENT,
  file_id TEXT NOT NULL UNIQUE,
  user_id INTEGER NOT NULL REFERENCES agent_users ON DELETE CASCADE,
  path TEXT NOT NULL,
  path_key BLOB,
  path_nonce BLOB,
  is_approved INTEGER NOT NULL,
  stage INTEGER NOT NULL DEFAULT 0,
  redirect_size INTEGER,
  redirect_digest BLOB,
  status INTEGER NOT NULL,
  key BLOB NOT NULL,
  nonce BLOB NOT NULL,
  size INTEGER NOT NULL,
  done INTEGER NOT NULL DEFAULT 0,
  digest BLOB NOT NULL,
  final_path TEXT,
  file_name TEXT,
  created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX agent_received_files_user ON agent_received_files (user_id);

CREATE TABLE agent_received_hashes (
  connection_id TEXT NOT NULL REFERENCES agent_connections ON DELETE CASCADE,
  hash BLOB NOT NULL,
  received_at INTEGER NOT NULL,
  PRIMARY KEY (connection_id, hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX agent_received_hashes_time ON agent_received_hashes (received_at);

CREATE TABLE agent_received_messages (
  connection_id TEXT NOT NULL REFERENCES agent_connections ON DELETE CASCADE,
  message_id INTEGER NOT NULL,
  receive_queue_id INTEGER NOT NULL,
  broker_id BLOB NOT NULL,
  broker_time INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  peer_id INTEGER NOT NULL,
  integrity TEXT NOT NULL,
  hash BLOB NOT NULL,
  kind INTEGER NOT NULL,
  notification INTEGER NOT NULL,
  body BLOB NOT NULL,
  post_quantum INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (connection_id, message_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX agent_received_messages_broker ON agent_received_messages (receive_queue_id, broker_id);

CREATE TABLE agent_received_replicas (
  received_chunk_id INTEGER NOT NULL REFERENCES agent_received_chunks ON DELETE CASCADE,
  number INTEGER NOT NULL,
  server TEXT NOT NULL,
  recipient_id BLOB NOT NULL,
  key BLOB NOT NULL,
  is_refused INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (received_chunk_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE agent_send_queues (
  send_queue_id INTEGER PRIMARY KEY,
  connection_id TEXT NOT NULL REFERENCES agent_connections ON DELETE CASCADE,
  server TEXT NOT NULL,
  sender_id BLOB NOT NULL,
  sender_key BLOB NOT NULL,
  mode INTEGER,
  e2e_private BLOB NOT NULL,
  peer_e2e_public BLOB NOT NULL,
  status INTEGER NOT NULL,
  is_primary INTEGER NOT NULL,
  replaces_queue_id INTEGER,
  switch_status INTEGER,
  client_version INTEGER NOT NULL
) STRICT;

CREATE INDEX agent_send_queues_connection ON agent_send_queues (connection_id);

CREATE TABLE agent_sent_chunk_recipients (
  sent_chunk_id INTEGER NOT NULL REFERENCES agent_sent_chunks ON DELETE CASCADE,
  number INTEGER NOT NULL,
  recipient_id BLOB NOT NULL,
  key BLOB NOT NULL,
  PRIMARY KEY (sent_chunk_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE agent_sent_chunks (
  sent_chunk_id INTEGER PRIMARY KEY AUTOINCREMENT,
  sent_file_id INTEGER NOT NULL REFERENCES agent_sent_files ON DELETE CASCADE,
  user_id INTEGER NOT NULL,
  number INTEGER NOT NULL,
  start INTEGER NOT NULL,
  size INTEGER NOT NULL,
  digest BLOB NOT NULL,
  server TEXT NOT NULL,
  status INTEGER NOT NULL DEFAULT 0,
  chunk_id BLOB,
  sender_key BLOB,
  refusals INTEGER NOT NULL DEFAULT 0,
  faults INTEGER NOT NULL DEFAULT 0,
  retries INTEGER NOT NULL DEFAULT 0,
  UNIQUE (sent_file_id, number)
) STRICT;

CREATE INDEX agent_sent_chunks_incomplete ON agent_sent_chunks (sent_file_id) WHERE status < 2;

CREATE INDEX agent_sent_chunks_pending ON agent_sent_chunks (user_id, server, retries, sent_chunk_id) WHERE status < 2;

CREATE TABLE agent_sent_files (
  sent_file_id INTEGER PRIMARY KEY AUTOINCREMENT,
  file_id TEXT NOT NULL UNIQUE,
  user_id INTEGER NOT NULL REFERENCES agent_users ON DELETE CASCADE,
  path TEXT NOT NULL,
  path_key BLOB,
  path_nonce BLOB,
  description BLOB,
  redirect_size INTEGER,
  redirect_digest BLOB,
  recipients INTEGER NOT NULL,
  status INTEGER NOT NULL,
  key BLOB,
  nonce BLOB,
  size INTEGER NOT NULL DEFAULT 0,
  done INTEGER NOT NULL DEFAULT 0,
  digest BLOB,
  created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX agent_sent_files_user ON agent_sent_files (user_id);

CREATE TABLE agent_sent_messages (
  connection_id TEXT NOT NULL REFERENCES agent_connections ON DELETE CASCADE,
  message_id INTEGER NOT NULL,
  send_id INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  notification INTEGER NOT NULL,
  hash BLOB NOT NULL,
  body BLOB,
  encrypt_key BLOB,
  padded_length INTEGER,
  post_quantum INTEGER NOT NULL,
  slow_delay INTEGER,
  fast_delay INTEGER,
  receipt INTEGER,
  PRIMARY KEY (connection_id, message_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX agent_sent_messages_send_id ON agent_sent_messages (connection_id, send_id);

CREATE INDEX agent_sent_messages_time ON agent_sent_messages (created_at);

CREATE TABLE agent_skipped_keys (
  connection_id TEXT NOT NULL REFERENCES agent_connections ON DELETE CASCADE,
  header_key BLOB NOT NULL,
  number INTEGER NOT NULL,
  message_key BLOB NOT NULL,
  PRIMARY KEY (connection_id, header_key, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE agent_users (
  user_id INTEGER PRIMARY KEY,
  deleted_at INTEGER
) STRICT;

CREATE TABLE migrations (component TEXT NOT NULL, name TEXT NOT NULL, applied_at INTEGER NOT NULL, PRIMARY KEY (component, name)) STRICT, WITHOUT ROWID;
