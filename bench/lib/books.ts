/** Fills a store with nodes as if they had registered, without the time that registering takes. */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { openStore, type Store, type StorePlace } from '../../packages/server/src/store/index.ts';

export const region = 'us-east-1';
const day = 86_400_000;

/** The id of the node with this number. */
export function nodeId(index: number): string {
  return `mi-0${index.toString(16).padStart(16, '0')}`;
}

/** What the node says of itself in each heartbeat. */
export function facts(index: number, platform = index % 100) {
  const kind = platforms[platform]!;
  return {
    AgentName: 'amazon-ssm-agent',
    AgentStatus: 'Active',
    AgentVersion: '3.3.0.0',
    ComputerName: `machine-${index}`,
    InstanceId: nodeId(index),
    IPAddress: `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`,
    PlatformType: kind[0],
    PlatformName: kind[1],
    PlatformVersion: kind[2],
  };
}

/** The place of a Linux among them. */
const linux = 99;
/** One in a hundred is a Mac, nine run Windows. */
const platforms = Array.from({ length: 100 }, (_, index) =>
  index === 0
    ? (['MacOS', 'macOS', '15.1'] as const)
    : index < 10
      ? (['Windows', 'Microsoft Windows Server 2022', '10.0.20348'] as const)
      : (['Linux', 'Debian GNU/Linux', '12'] as const),
);

/** What the nodes are like: unless told, every tenth was lost a day ago, and every tenth doesn't run Linux. */
export interface Kinds {
  readonly lost?: boolean;
  readonly linuxOnly?: boolean;
}

/** Adds `count` nodes with two tags each. All have a fresh heartbeat but those that are lost. */
export async function fillStore(store: Store, count: number, kinds: Kinds = {}): Promise<void> {
  const { lost = true, linuxOnly = false } = kinds;
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
  const publicKey = key.export({ type: 'spki', format: 'der' }).toString('base64');
  const now = Date.now();
  for (let from = 0; from < count; from += 400) {
    const numbers = Array.from({ length: Math.min(400, count - from) }, (_, index) => from + index);
    await store.write(async (tx) => {
      const books = tx.in(region);
      await books
        .insertInto('nodes')
        .values(numbers.map((index) => nodeRow(index, linuxOnly ? linux : index % 100, publicKey, now)))
        .execute();
      await books
        .insertInto('presence')
        .values(
          numbers.map((index) => ({
            node_id: nodeId(index),
            last_ping: lost && index % 10 === 9 ? now - day : now,
            gap: 300,
            period: 300,
            epoch: 0,
            channel_server: null,
            opened_at: null,
            closed_at: null,
            closed_by: null,
          })),
        )
        .execute();
      await books
        .insertInto('tags')
        .values(
          numbers.flatMap((index) =>
            (
              [
                ['Ring', index % 10 === 0 ? 'early' : 'late'],
                ['Rack', `rack-${Math.floor(index / 40)}`],
              ] as const
            ).map(([tag, value]) => ({
              resource_type: 'ManagedInstance',
              resource_id: nodeId(index),
              key: tag,
              value,
            })),
          ),
        )
        .execute();
    });
  }
}

function nodeRow(index: number, platform: number, publicKey: string, now: number) {
  const said = facts(index, platform);
  return {
    node_id: said.InstanceId,
    registered_at: now - 30 * day + index,
    activation_id: null,
    iam_role: 'RollcallManagedNode',
    name: null,
    public_key: publicKey,
    public_key_type: 'Rsa',
    previous_public_key: null,
    previous_key_until: null,
    fingerprint: randomUUID(),
    epoch: 0,
    agent_name: said.AgentName,
    agent_version: said.AgentVersion,
    platform_type: said.PlatformType,
    platform_name: said.PlatformName,
    platform_version: said.PlatformVersion,
    ip_address: said.IPAddress,
    computer_name: said.ComputerName,
    availability_zone: null,
    trusts: null,
    sightings: '[]',
    clone_seen_at: null,
    deregistered_at: null,
    deregistered_by: null,
  };
}

/** Opens the store, fills it and closes it. */
export async function fill(place: StorePlace, count: number, kinds: Kinds = {}): Promise<void> {
  const store = await openStore(place);
  await fillStore(store, count, kinds);
  // PostgreSQL counts what it has within a minute by itself; nobody here waits so long.
  if (store.dialect === 'postgres') await store.write((tx) => sql`ANALYZE`.execute(tx.everywhere));
  await store.close();
}
