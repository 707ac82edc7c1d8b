/** What is kept in memory of a node's row: what proves who it is, and what a heartbeat may change. */
import type { NodesRow } from '../store/index.ts';

/** A row in memory. */
export type KnownRow = Omit<
  NodesRow,
  'registered_at' | 'activation_id' | 'name' | 'deregistered_by' | 'peer'
>;

const mostShared = 1_000;
const shared = new Map<string, string>();

/**
 * Copies what is kept. Written out, because an object of so many members that a loop or a spread makes is a hash table of
 * 1 KiB, and there is one for each node.
 */
export function knownRow(row: NodesRow): KnownRow {
  return {
    node_id: row.node_id,
    region: share(row.region),
    iam_role: share(row.iam_role),
    public_key: row.public_key,
    public_key_type: share(row.public_key_type),
    previous_public_key: row.previous_public_key,
    previous_key_until: row.previous_key_until,
    fingerprint: row.fingerprint,
    epoch: row.epoch,
    agent_name: share(row.agent_name),
    agent_version: share(row.agent_version),
    platform_type: share(row.platform_type),
    platform_name: share(row.platform_name),
    platform_version: share(row.platform_version),
    ip_address: row.ip_address,
    computer_name: row.computer_name,
    availability_zone: share(row.availability_zone),
    trusts: share(row.trusts),
    sightings: row.sightings,
    clone_seen_at: row.clone_seen_at,
    deregistered_at: row.deregistered_at,
  };
}

/** The same text once for all nodes, as long as there aren't too many different ones. */
function share<T extends string | null>(text: T): T {
  if (text === null) return text;
  const known = shared.get(text);
  if (known !== undefined) return known as T;
  if (shared.size < mostShared) shared.set(text, text);
  return text;
}
