/**
 * Run Command. A command is one row whose counters are kept by whoever changes an invocation; an invocation is
 * one row for each node. The long columns stand last: lists don't read that far.
 */
export const commands = `
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
`;
