/**
 * The tables, as TypeScript sees them. Times are milliseconds since the epoch; JSON is kept as text;
 * an absent value is `null`. The SQL is in `migrations/`; a test holds the two together.
 */

export interface Tables {
  settings: SettingsRow;
  servers: ServersRow;
  audit: AuditRow;
  knocks: KnocksRow;
  events: EventsRow;
  users: UsersRow;
  access_keys: AccessKeysRow;
  activations: ActivationsRow;
  nodes: NodesRow;
  presence: PresenceRow;
  presence_history: PresenceHistoryRow;
  tags: TagsRow;
  associations: AssociationsRow;
  association_statuses: AssociationStatusesRow;
  documents: DocumentsRow;
  document_versions: DocumentVersionsRow;
  document_shares: DocumentSharesRow;
  commands: CommandsRow;
  invocations: InvocationsRow;
  command_outputs: CommandOutputsRow;
  roster_sources: RosterSourcesRow;
  machines: MachinesRow;
  machine_marks: MachineMarksRow;
  machine_addresses: MachineAddressesRow;
  node_evidence: NodeEvidenceRow;
  node_marks: NodeMarksRow;
  standings: StandingsRow;
  verdict_history: VerdictHistoryRow;
}

/** A setting of a region, or of the whole account (`region` = `''`). */
export interface SettingsRow {
  region: string;
  name: string;
  value: string;
  changed_at: number;
  changed_by: string;
}

/** A server process: it listens from `started_at` until `stopped_at`, or, unless renewed, `lease_until`. */
export interface ServersRow {
  server_id: string;
  started_at: number;
  lease_until: number;
  stopped_at: number | null;
}

export interface AuditRow {
  /** Sorts by time: 12 hex digits of milliseconds, then random. */
  audit_id: string;
  at: number;
  region: string;
  principal: string;
  operation: string;
  resource: string;
  decision: 'allow' | 'deny';
  /** The error code of a refusal; null for what was allowed. */
  code: string | null;
  source: string;
  detail: string | null;
  /** Refusals are folded by the minute. */
  count: number;
  last_at: number;
}

/** Refused or broken connection attempts, folded by source, claim and reason. */
export interface KnocksRow {
  /** `known`: the claim is in our books; `stranger`: it isn't, or there was none. */
  room: 'known' | 'stranger';
  /** /32 or /64. */
  source: string;
  claim: string;
  reason: string;
  first_at: number;
  last_at: number;
  count: number;
  /** The last full address. */
  address: string;
  /** How far it came: `tcp`, `tls`, `http`, `signature`, `policy`, `activation`. */
  layer: string;
  client: string;
  server_name: string | null;
  region: string | null;
  detail: string | null;
}

export interface EventsRow {
  event_id: string;
  at: number;
  region: string;
  kind: string;
  subject: string;
  detail: string;
}

export interface UsersRow {
  user_name: string;
  user_id: string;
  created_at: number;
  /** A policy document (JSON). */
  policy: string;
  /** Raised to revoke. */
  epoch: number;
}

export interface AccessKeysRow {
  access_key_id: string;
  user_name: string;
  /** Sealed under `secrets.key`. */
  secret: string;
  status: 'Active' | 'Inactive';
  created_at: number;
}

export interface ActivationsRow {
  region: string;
  activation_id: string;
  /** scrypt or SHA-256 of a 100-bit code; see `activations`. */
  code_hash: string;
  description: string | null;
  default_instance_name: string | null;
  iam_role: string;
  registration_limit: number;
  registrations_count: number;
  created_at: number;
  created_by: string;
  expires_at: number;
  /** JSON: [{Key, Value}]. */
  tags: string;
}

export interface NodesRow {
  region: string;
  node_id: string;
  registered_at: number;
  activation_id: string | null;
  iam_role: string | null;
  /** The name given by the activation (`DefaultInstanceName`), or by the operator. */
  name: string | null;
  public_key: string;
  public_key_type: string;
  previous_public_key: string | null;
  /** Until when the previous key is accepted as well. */
  previous_key_until: number | null;
  fingerprint: string;
  /** Raised to revoke every credential that was issued to the node. */
  epoch: number;
  agent_name: string | null;
  agent_version: string | null;
  platform_type: string | null;
  platform_name: string | null;
  platform_version: string | null;
  ip_address: string | null;
  computer_name: string | null;
  availability_zone: string | null;
  /** Fingerprint (SHA-256, hex) of the CA under which the node last got through. */
  trusts: string | null;
  /** JSON: the last few distinct (computer name, address, peer) with times, to see clones. */
  sightings: string;
  /** Since when two machines answer under this id; null when they don't. */
  clone_seen_at: number | null;
  /** A tombstone: when and by whom it was deregistered; null while registered. */
  deregistered_at: number | null;
  deregistered_by: string | null;
  /** Where its requests came from last. */
  peer: string | null;
}

export interface PresenceRow {
  region: string;
  node_id: string;
  /** Null until the first heartbeat. */
  last_ping: number | null;
  /** Seconds between the last two heartbeats, to the minute; two equal ones in a row teach the period. */
  gap: number | null;
  /** Seconds between heartbeats: 300 unless the node's own are further apart. */
  period: number;
  /** Raised by each opening of a control channel; the newest holder is the only one that counts. */
  epoch: number;
  channel_server: string | null;
  opened_at: number | null;
  closed_at: number | null;
  closed_by: 'node' | 'server' | 'silence' | null;
  /** How far the node's clock was ahead of ours at its last heartbeat, milliseconds. */
  skew_ms: number | null;
}

export interface PresenceHistoryRow {
  region: string;
  node_id: string;
  at: number;
  change: string;
}

export interface TagsRow {
  region: string;
  resource_type: string;
  resource_id: string;
  key: string;
  value: string;
}

export interface AssociationsRow {
  region: string;
  association_id: string;
  name: string;
  document_version: string;
  association_version: string;
  association_name: string | null;
  created_at: number;
}

export interface AssociationStatusesRow {
  region: string;
  node_id: string;
  association_id: string;
  status: string;
  detailed_status: string | null;
  execution_date: number | null;
  execution_summary: string | null;
  error_code: string | null;
}

export interface DocumentsRow {
  region: string;
  name: string;
  created_at: number;
  /** The ARN of who created it. */
  created_by: string;
  default_version: number;
  /** The number that the next version gets. */
  next_version: number;
}

export interface DocumentVersionsRow {
  region: string;
  name: string;
  version: number;
  version_name: string | null;
  created_at: number;
  created_by: string;
  /** How `text` is written. */
  format: 'JSON' | 'YAML';
  schema_version: string;
  /** SHA-256 of `text`, hexadecimal. */
  hash: string;
  display_name: string | null;
  target_type: string | null;
  /** JSON: the platforms that it serves. */
  platform_types: string;
  /** JSON: what `text` says, checked. */
  content: string;
  /** As it was sent. */
  text: string;
}

export interface DocumentSharesRow {
  region: string;
  name: string;
  /** Twelve digits, or `all`. */
  account_id: string;
  /** `$ALL`, `$DEFAULT`, `$LATEST` or a number. */
  shared_version: string;
}

export interface CommandsRow {
  region: string;
  command_id: string;
  created_at: number;
  /** The ARN of who sent it. */
  requested_by: string;
  document_name: string;
  document_version: string;
  /** AWS's two words for all invocations together. */
  status: string;
  status_details: string;
  /** When an invocation that wasn't delivered is given up. Moved on by the time in which no server listened. */
  expires_at: number;
  timeout_seconds: number;
  execution_seconds: number;
  /** How many nodes may have it at a time, and after how many errors it goes to no further node. */
  concurrency: number;
  error_limit: number;
  cancelled_at: number | null;
  target_count: number;
  queued_count: number;
  /** Invocations that an agent has taken. */
  started_count: number;
  finished_count: number;
  success_count: number;
  error_count: number;
  delivery_timed_out_count: number;
  /** Ended without having been tried: wrong platform, not allowed, not there. */
  excluded_count: number;
  /** JSON: what the sender asked for, as lists show it. */
  asked: string;
  /** JSON: the document's steps, [name, plugin] each. */
  steps: string;
  /** JSON: the job as agents read it, document included. */
  content: string;
}

export interface InvocationsRow {
  region: string;
  command_id: string;
  node_id: string;
  /** Its place in the order in which invocations are let go. */
  position: number;
  created_at: number;
  state: string;
  /** When it is given up, as far as it has come. */
  deadline: number;
  /** Offers made. */
  attempt: number;
  /** The channel it was last offered on; 0 by polling. */
  epoch: number | null;
  lease_until: number | null;
  first_offered_at: number | null;
  /** The agent was busy: it isn't offered before. */
  not_before: number | null;
  accepted_at: number | null;
  cancel_acked_at: number | null;
  ended_at: number | null;
  /** Its place in the order in which they ended, from 1. */
  number: number | null;
  response_code: number | null;
  /** Why it ended so, where the output doesn't say it; or what came too late. */
  reason: string | null;
  /** JSON: what is known of each step. */
  steps: string | null;
}

export interface CommandOutputsRow {
  region: string;
  command_id: string;
  node_id: string;
  step: string;
  stream: string;
  /** The piece's first byte in the stream, and how many it holds once unpacked. */
  start: number;
  size: number;
  created_at: number;
  /** Gzip. */
  data: Uint8Array;
}

/** Something that knows which machines there should be. */
export interface RosterSourcesRow {
  region: string;
  source: string;
  format: 'csv' | 'ansible' | 'ec2' | 'hosts' | 'json';
  /** Where it is read by itself; null for what people import. */
  url: string | null;
  /** Sealed: the `Authorization` header of that request. */
  secret: string | null;
  /** Seconds between two readings. */
  period: number | null;
  created_at: number;
  created_by: string;
  tried_at: number | null;
  /** When it was last read with success. */
  read_at: number | null;
  /** Why the last attempt failed; null when it didn't. */
  error: string | null;
  failing_since: number | null;
}

/** A machine that should be there. */
export interface MachinesRow {
  region: string;
  source: string;
  /** What stays the same in its source when everything else changes. */
  machine_key: string;
  name: string;
  /** The node id, where the source knows it. */
  node_id: string | null;
  /** SMBIOS, lower case. */
  system_uuid: string | null;
  expected: 'always' | 'office-hours' | 'spare' | 'retired';
  power: 'on' | 'off' | 'unknown' | null;
  maintenance_until: number | null;
  first_seen_at: number;
  last_seen_at: number;
  /** Since when its source doesn't list it any more. */
  retired_at: number | null;
  /** JSON: all names, as written. */
  names: string;
  /** JSON: lower case, with colons. */
  macs: string;
}

/** By what a machine is found: `name:web-01` (lower case, whole and up to the first dot), `mac:…`, `uuid:…`, `id:…`. */
export interface MachineMarksRow {
  region: string;
  mark: string;
  source: string;
  machine_key: string;
}

/** An address is a lease: it says something about a machine only within its time. */
export interface MachineAddressesRow {
  region: string;
  source: string;
  machine_key: string;
  address: string;
  since: number;
  until: number | null;
}

/** What a node last said of its own machine. */
export interface NodeEvidenceRow {
  region: string;
  node_id: string;
  received_at: number;
  evidence: string;
}

/** By what of it the node's machine is found: `mac:…`, `uuid:…`. */
export interface NodeMarksRow {
  region: string;
  mark: string;
  node_id: string;
}

/** What isn't well with a node, or who is refused, as long as it lasts. */
export interface StandingsRow {
  region: string;
  /** A node id, or what was claimed at the door. */
  subject: string;
  kind: 'lost' | 'hidden' | 'refused';
  noticed_at: number;
  /** When it had lasted long enough to be told; null before. */
  shown_at: number | null;
  /** Since when it is well again; when that lasts, the row goes. */
  well_since: number | null;
  cause: string | null;
}

/** Verdicts, by change. */
export interface VerdictHistoryRow {
  region: string;
  subject: string;
  at: number;
  change: 'dropped' | 'back' | 'hidden' | 'refused' | 'recovered';
  cause: string | null;
  confidence: string | null;
}
