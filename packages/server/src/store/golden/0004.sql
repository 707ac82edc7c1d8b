-- A database of schema 4, as SQLite wrote it.
BEGIN;
CREATE TABLE migrations (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL);
CREATE TABLE settings (
  region TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, changed_at BIGINT NOT NULL, changed_by TEXT NOT NULL,
  PRIMARY KEY (region, name));
CREATE TABLE servers (
  server_id TEXT NOT NULL PRIMARY KEY, started_at BIGINT NOT NULL, lease_until BIGINT NOT NULL, stopped_at BIGINT);
CREATE TABLE audit (
  audit_id TEXT NOT NULL PRIMARY KEY, at BIGINT NOT NULL, region TEXT NOT NULL, principal TEXT NOT NULL,
  operation TEXT NOT NULL, resource TEXT NOT NULL, decision TEXT NOT NULL, code TEXT, source TEXT NOT NULL,
  detail TEXT, count BIGINT NOT NULL, last_at BIGINT NOT NULL);
CREATE INDEX audit_by_region ON audit (region, audit_id);
CREATE TABLE knocks (
  room TEXT NOT NULL, source TEXT NOT NULL, claim TEXT NOT NULL, reason TEXT NOT NULL,
  first_at BIGINT NOT NULL, last_at BIGINT NOT NULL, count BIGINT NOT NULL, address TEXT NOT NULL,
  layer TEXT NOT NULL, client TEXT NOT NULL, server_name TEXT, region TEXT, detail TEXT,
  PRIMARY KEY (room, source, claim, reason));
CREATE INDEX knocks_by_age ON knocks (room, last_at);
CREATE INDEX knocks_by_claim ON knocks (claim, last_at);
CREATE TABLE events (
  event_id TEXT NOT NULL PRIMARY KEY, at BIGINT NOT NULL, region TEXT NOT NULL, kind TEXT NOT NULL,
  subject TEXT NOT NULL, detail TEXT NOT NULL);
CREATE INDEX events_by_subject ON events (subject, event_id);
CREATE TABLE users (
  user_name TEXT NOT NULL PRIMARY KEY, user_id TEXT NOT NULL, created_at BIGINT NOT NULL, policy TEXT NOT NULL,
  epoch BIGINT NOT NULL);
CREATE TABLE access_keys (
  access_key_id TEXT NOT NULL PRIMARY KEY, user_name TEXT NOT NULL REFERENCES users (user_name) ON DELETE CASCADE,
  secret TEXT NOT NULL, status TEXT NOT NULL, created_at BIGINT NOT NULL);
CREATE INDEX access_keys_by_user ON access_keys (user_name);
CREATE TABLE activations (
  region TEXT NOT NULL, activation_id TEXT NOT NULL, code_hash TEXT NOT NULL, description TEXT,
  default_instance_name TEXT, iam_role TEXT NOT NULL, registration_limit BIGINT NOT NULL,
  registrations_count BIGINT NOT NULL, created_at BIGINT NOT NULL, created_by TEXT NOT NULL,
  expires_at BIGINT NOT NULL, tags TEXT NOT NULL,
  PRIMARY KEY (region, activation_id));
CREATE TABLE nodes (
  region TEXT NOT NULL, node_id TEXT NOT NULL, registered_at BIGINT NOT NULL, activation_id TEXT, iam_role TEXT,
  name TEXT, public_key TEXT NOT NULL, public_key_type TEXT NOT NULL, previous_public_key TEXT,
  previous_key_until BIGINT, fingerprint TEXT NOT NULL, epoch BIGINT NOT NULL, agent_name TEXT, agent_version TEXT,
  platform_type TEXT, platform_name TEXT, platform_version TEXT, ip_address TEXT, computer_name TEXT,
  availability_zone TEXT, trusts TEXT, sightings TEXT NOT NULL, clone_seen_at BIGINT, deregistered_at BIGINT,
  deregistered_by TEXT, peer TEXT,
  PRIMARY KEY (region, node_id));
CREATE UNIQUE INDEX nodes_by_id ON nodes (node_id);
CREATE INDEX nodes_in_order ON nodes (region, registered_at, node_id) WHERE deregistered_at IS NULL;
CREATE INDEX nodes_by_activation ON nodes (region, activation_id);
CREATE TABLE presence (
  region TEXT NOT NULL, node_id TEXT NOT NULL, last_ping BIGINT, gap BIGINT, period BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  channel_server TEXT, opened_at BIGINT, closed_at BIGINT, closed_by TEXT, skew_ms BIGINT,
  PRIMARY KEY (region, node_id));
CREATE TABLE presence_history (
  region TEXT NOT NULL, node_id TEXT NOT NULL, at BIGINT NOT NULL, change TEXT NOT NULL,
  PRIMARY KEY (region, node_id, at, change));
CREATE INDEX presence_history_by_age ON presence_history (at);
CREATE TABLE tags (
  region TEXT NOT NULL, resource_type TEXT NOT NULL, resource_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (region, resource_type, resource_id, key));
CREATE INDEX tags_by_value ON tags (region, resource_type, key, value, resource_id);
CREATE TABLE associations (
  region TEXT NOT NULL, association_id TEXT NOT NULL, name TEXT NOT NULL, document_version TEXT NOT NULL,
  association_version TEXT NOT NULL, association_name TEXT, created_at BIGINT NOT NULL,
  PRIMARY KEY (region, association_id));
CREATE TABLE association_statuses (
  region TEXT NOT NULL, node_id TEXT NOT NULL, association_id TEXT NOT NULL, status TEXT NOT NULL,
  detailed_status TEXT, execution_date BIGINT, execution_summary TEXT, error_code TEXT,
  PRIMARY KEY (region, node_id, association_id));
CREATE TABLE documents (
  region TEXT NOT NULL, name TEXT NOT NULL, created_at BIGINT NOT NULL, created_by TEXT NOT NULL,
  default_version BIGINT NOT NULL, next_version BIGINT NOT NULL,
  PRIMARY KEY (region, name));
CREATE TABLE document_versions (
  region TEXT NOT NULL, name TEXT NOT NULL, version BIGINT NOT NULL, version_name TEXT, created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL, format TEXT NOT NULL, schema_version TEXT NOT NULL, hash TEXT NOT NULL,
  display_name TEXT, target_type TEXT, platform_types TEXT NOT NULL, content TEXT NOT NULL, text TEXT NOT NULL,
  PRIMARY KEY (region, name, version));
CREATE UNIQUE INDEX document_versions_by_name ON document_versions (region, name, version_name)
  WHERE version_name IS NOT NULL;
CREATE TABLE document_shares (
  region TEXT NOT NULL, name TEXT NOT NULL, account_id TEXT NOT NULL, shared_version TEXT NOT NULL,
  PRIMARY KEY (region, name, account_id));
CREATE TABLE commands (
  region TEXT NOT NULL, command_id TEXT NOT NULL, created_at BIGINT NOT NULL, requested_by TEXT NOT NULL,
  document_name TEXT NOT NULL, document_version TEXT NOT NULL, status TEXT NOT NULL, status_details TEXT NOT NULL,
  expires_at BIGINT NOT NULL, timeout_seconds BIGINT NOT NULL, execution_seconds BIGINT NOT NULL,
  concurrency BIGINT NOT NULL, error_limit BIGINT NOT NULL, cancelled_at BIGINT,
  target_count BIGINT NOT NULL, queued_count BIGINT NOT NULL, started_count BIGINT NOT NULL,
  finished_count BIGINT NOT NULL, success_count BIGINT NOT NULL, error_count BIGINT NOT NULL,
  delivery_timed_out_count BIGINT NOT NULL, excluded_count BIGINT NOT NULL,
  asked TEXT NOT NULL, steps TEXT NOT NULL, content TEXT NOT NULL,
  PRIMARY KEY (region, command_id));
CREATE INDEX commands_in_order ON commands (region, created_at, command_id);
CREATE INDEX commands_by_status ON commands (region, status, created_at, command_id);
CREATE TABLE invocations (
  region TEXT NOT NULL, command_id TEXT NOT NULL, node_id TEXT NOT NULL, position BIGINT NOT NULL,
  created_at BIGINT NOT NULL, state TEXT NOT NULL, deadline BIGINT NOT NULL,
  attempt BIGINT NOT NULL, epoch BIGINT, lease_until BIGINT, first_offered_at BIGINT, not_before BIGINT,
  accepted_at BIGINT, cancel_acked_at BIGINT, ended_at BIGINT, number BIGINT, response_code BIGINT, reason TEXT,
  steps TEXT,
  PRIMARY KEY (region, command_id, node_id));
CREATE INDEX invocations_by_node ON invocations (region, node_id, created_at, command_id);
CREATE INDEX invocations_live ON invocations (region, node_id) WHERE ended_at IS NULL;
CREATE INDEX invocations_queued ON invocations (region, command_id, position) WHERE state = 'queued';
CREATE INDEX invocations_by_deadline ON invocations (deadline) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX invocations_by_number ON invocations (region, command_id, number) WHERE number IS NOT NULL;
CREATE INDEX invocations_in_order ON invocations (region, created_at DESC, command_id DESC, position);
CREATE TABLE command_outputs (
  region TEXT NOT NULL, command_id TEXT NOT NULL, node_id TEXT NOT NULL, step TEXT NOT NULL, stream TEXT NOT NULL,
  start BIGINT NOT NULL, size BIGINT NOT NULL, created_at BIGINT NOT NULL, data BLOB NOT NULL,
  PRIMARY KEY (region, command_id, node_id, step, stream, start));
CREATE INDEX command_outputs_by_age ON command_outputs (created_at);
CREATE INDEX nodes_by_name ON nodes (region, lower(name)) WHERE name IS NOT NULL;
CREATE INDEX nodes_by_computer_name ON nodes (region, lower(computer_name)) WHERE computer_name IS NOT NULL;
CREATE INDEX nodes_by_address ON nodes (region, ip_address) WHERE ip_address IS NOT NULL;
CREATE INDEX nodes_by_peer ON nodes (region, peer) WHERE peer IS NOT NULL;
CREATE INDEX nodes_gone ON nodes (region, deregistered_at) WHERE deregistered_at IS NOT NULL;
CREATE INDEX knocks_by_source ON knocks (source, last_at);
CREATE TABLE roster_sources (
  region TEXT NOT NULL, source TEXT NOT NULL, format TEXT NOT NULL, url TEXT, secret TEXT, period BIGINT,
  created_at BIGINT NOT NULL, created_by TEXT NOT NULL, tried_at BIGINT, read_at BIGINT, error TEXT,
  failing_since BIGINT,
  PRIMARY KEY (region, source));
CREATE TABLE machines (
  region TEXT NOT NULL, source TEXT NOT NULL, machine_key TEXT NOT NULL, name TEXT NOT NULL, node_id TEXT,
  system_uuid TEXT, expected TEXT NOT NULL, power TEXT, maintenance_until BIGINT, first_seen_at BIGINT NOT NULL,
  last_seen_at BIGINT NOT NULL, retired_at BIGINT, names TEXT NOT NULL, macs TEXT NOT NULL,
  PRIMARY KEY (region, source, machine_key));
CREATE TABLE machine_marks (
  region TEXT NOT NULL, mark TEXT NOT NULL, source TEXT NOT NULL, machine_key TEXT NOT NULL,
  PRIMARY KEY (region, mark, source, machine_key));
CREATE INDEX machine_marks_by_machine ON machine_marks (region, source, machine_key);
CREATE TABLE machine_addresses (
  region TEXT NOT NULL, source TEXT NOT NULL, machine_key TEXT NOT NULL, address TEXT NOT NULL,
  since BIGINT NOT NULL, until BIGINT,
  PRIMARY KEY (region, source, machine_key, address, since));
CREATE INDEX machine_addresses_by_address ON machine_addresses (region, address);
CREATE TABLE node_evidence (
  region TEXT NOT NULL, node_id TEXT NOT NULL, received_at BIGINT NOT NULL, evidence TEXT NOT NULL,
  PRIMARY KEY (region, node_id));
CREATE TABLE node_marks (
  region TEXT NOT NULL, mark TEXT NOT NULL, node_id TEXT NOT NULL,
  PRIMARY KEY (region, mark, node_id));
CREATE INDEX node_marks_by_node ON node_marks (region, node_id);
CREATE TABLE standings (
  region TEXT NOT NULL, subject TEXT NOT NULL, kind TEXT NOT NULL, noticed_at BIGINT NOT NULL, shown_at BIGINT,
  well_since BIGINT, cause TEXT,
  PRIMARY KEY (region, subject, kind));
CREATE TABLE verdict_history (
  region TEXT NOT NULL, subject TEXT NOT NULL, at BIGINT NOT NULL, change TEXT NOT NULL, cause TEXT,
  confidence TEXT,
  PRIMARY KEY (region, subject, at, change));
CREATE INDEX verdict_history_by_age ON verdict_history (at);
INSERT INTO migrations VALUES (1, 'foundation', 1767225600000);
INSERT INTO migrations VALUES (2, 'documents', 1767225600000);
INSERT INTO migrations VALUES (3, 'commands', 1767225600000);
INSERT INTO migrations VALUES (4, 'roster', 1767225600000);
INSERT INTO settings VALUES ('us-east-1', 'early-loss', 'off', 1767225600000, 'arn:aws:iam::123456789012:user/admin');
INSERT INTO servers VALUES ('server-1', 1767225600000, 1767225610000, NULL);
INSERT INTO audit VALUES ('019b76da0000aa55', 1767225600000, 'us-east-1', 'arn:aws:iam::123456789012:user/admin', 'ssm:CreateActivation', '*', 'allow', NULL, '127.0.0.1', NULL, 1, 1767225600000);
INSERT INTO knocks VALUES ('stranger', '192.0.2.7', 'mi-0ffffffffffffffff', 'unknown-node', 1767225600000, 1767225600005, 3, '192.0.2.7', 'signature', 'amazon-ssm-agent/3.3', 'ssm.us-east-1.example.org', 'us-east-1', NULL);
INSERT INTO events VALUES ('019b76da0000bb66', 1767225600000, 'us-east-1', 'node-registered', 'mi-0123456789abcdef0', '{}');
INSERT INTO users VALUES ('admin', 'AIDAEXAMPLE000000001', 1767225600000, '{"Version":"2012-10-17","Statement":[]}', 1);
INSERT INTO access_keys VALUES ('RKIAEXAMPLE000000001', 'admin', 'sealed', 'Active', 1767225600000);
INSERT INTO activations VALUES ('us-east-1', '11111111-2222-3333-4444-555555555555', '0000000000000000000000000000000000000000000000000000000000000000', 'Grüße', NULL, 'service-role/RollcallNode', 5, 2, 1767225600000, 'arn:aws:iam::123456789012:user/admin', 1767312000000, '[{"Key":"team","Value":"web"}]');
INSERT INTO nodes VALUES ('us-east-1', 'mi-0123456789abcdef0', 1767225600000, '11111111-2222-3333-4444-555555555555', 'RollcallNode', 'web-1', 'AAAA', 'Rsa', NULL, NULL, 'f1', 1, 'amazon-ssm-agent', '3.3.0.0', 'Linux', 'Debian GNU/Linux', '12', '192.0.2.8', 'web-1', NULL, NULL, '[]', NULL, NULL, NULL, '203.0.113.9');
INSERT INTO nodes VALUES ('us-east-1', 'mi-0123456789abcdef1', 1767225600000, '11111111-2222-3333-4444-555555555555', 'RollcallNode', 'web-1', 'AAAA', 'Rsa', NULL, NULL, 'f1', 1, 'amazon-ssm-agent', '3.3.0.0', 'Linux', 'Debian GNU/Linux', '12', '192.0.2.8', 'web-1', NULL, NULL, '[]', NULL, 1767225601000, 'arn:aws:iam::123456789012:user/admin', '203.0.113.9');
INSERT INTO presence VALUES ('us-east-1', 'mi-0123456789abcdef0', 1767225900000, NULL, 300, 4, 'server-1', 1767225600000, NULL, NULL, -420);
INSERT INTO presence_history VALUES ('us-east-1', 'mi-0123456789abcdef0', 1767225600000, 'Online');
INSERT INTO tags VALUES ('us-east-1', 'ManagedInstance', 'mi-0123456789abcdef0', 'team', 'web');
INSERT INTO associations VALUES ('us-east-1', '22222222-2222-3333-4444-555555555555', 'AWS-GatherSoftwareInventory', '1', '1', NULL, 1767225600000);
INSERT INTO association_statuses VALUES ('us-east-1', 'mi-0123456789abcdef0', '22222222-2222-3333-4444-555555555555', 'Pending', 'Associated', NULL, NULL, NULL);
INSERT INTO documents VALUES ('us-east-1', 'Hello', 1767225600000, 'arn:aws:iam::123456789012:user/admin', 1, 2);
INSERT INTO document_versions VALUES ('us-east-1', 'Hello', 1, 'first', 1767225600000, 'arn:aws:iam::123456789012:user/admin', 'JSON', '2.2', '5b8cd0ea46fd6950909fe3a4ada068c7f09e244c6e557d3f684d135836d243e6', 'Grüße', NULL, '["Linux","MacOS"]', '{"schemaVersion":"2.2","mainSteps":[{"action":"aws:runShellScript","name":"one","inputs":{"runCommand":["true"]}}]}', '{"schemaVersion":"2.2","mainSteps":[{"action":"aws:runShellScript","name":"one","inputs":{"runCommand":["true"]}}]}');
INSERT INTO document_shares VALUES ('us-east-1', 'Hello', '123456789012', '$DEFAULT');
INSERT INTO commands VALUES ('us-east-1', '33333333-2222-4333-8444-555555555555', 1767225600000, 'arn:aws:iam::123456789012:user/admin', 'AWS-RunShellScript', '$DEFAULT', 'Success', 'Success', 1767232800000, 3600, 3600, 50, 0, NULL, 1, 0, 1, 1, 1, 0, 0, 0, '{"Comment":"Grüße"}', '[["aws:runShellScript","aws:runShellScript"]]', '{}');
INSERT INTO invocations VALUES ('us-east-1', '33333333-2222-4333-8444-555555555555', 'mi-0123456789abcdef0', 0, 1767225600000, 'Success', 1767232800000, 1, 4, NULL, 1767225600010, NULL, 1767225600020, NULL, 1767225600200, 1, 0, NULL, '[]');
INSERT INTO command_outputs VALUES ('us-east-1', '33333333-2222-4333-8444-555555555555', 'mi-0123456789abcdef0', 'aws:runShellScript', 'stdout', 0, 3, 1767225600100, X'1f8b0800000000000003cbc8e40200b5b96ae503000000');
INSERT INTO roster_sources VALUES ('us-east-1', 'dc1', 'csv', NULL, NULL, NULL, 1767225600000, 'arn:aws:iam::123456789012:user/admin', 1767225600000, 1767225600000, NULL, NULL);
INSERT INTO machines VALUES ('us-east-1', 'dc1', 'web-1', 'web-1.example.org', NULL, '4c4c4544-0042-3510-8058-b4c04f4e4d31', 'always', 'on', NULL, 1767225600000, 1767225600000, NULL, '["web-1.example.org","Grüße"]', '["52:54:00:12:34:56"]');
INSERT INTO machine_marks VALUES ('us-east-1', 'name:web-1', 'dc1', 'web-1');
INSERT INTO machine_addresses VALUES ('us-east-1', 'dc1', 'web-1', '192.0.2.8', 1767225600000, NULL);
INSERT INTO node_evidence VALUES ('us-east-1', 'mi-0123456789abcdef0', 1767225600000, '{"format":1}');
INSERT INTO node_marks VALUES ('us-east-1', 'mac:52:54:00:12:34:56', 'mi-0123456789abcdef0');
INSERT INTO standings VALUES ('us-east-1', 'mi-0123456789abcdef0', 'lost', 1767225600000, NULL, NULL, NULL);
INSERT INTO verdict_history VALUES ('us-east-1', 'mi-0123456789abcdef0', 1767225600000, 'dropped', 'disk-full', 'proven');
COMMIT;
