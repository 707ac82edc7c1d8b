/**
 * The roster (machines that should be there, from sources that somebody keeps), what nodes say of their own
 * machine, and how things stood when they were last looked at. `peer` and `skew_ms` are what each node's
 * requests show: where they come from, and how far its clock is ahead.
 */
const tables = `
ALTER TABLE presence ADD COLUMN skew_ms BIGINT;
ALTER TABLE nodes ADD COLUMN peer TEXT;
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
`;

export const roster = {
  sqlite: `${tables}
UPDATE nodes SET peer = sightings ->> '$[0].peer';`,
  postgres: `${tables}
UPDATE nodes SET peer = sightings::jsonb -> 0 ->> 'peer';`,
} as const;
