/**
 * Which nodes a command goes to: by id, by tag, by name, or all. AWS's keys, and one of our own
 * (`rollcall:name`) for what people call their machines.
 */
import type { Target } from '@aws-sdk/client-ssm';
import { type RawBuilder, sql } from 'kysely';
import { isNodeId } from '../nodes/index.ts';
import { Refusal } from '../service/index.ts';
import type { ReadTx } from '../store/index.ts';

/** A node that was picked, with what decides whether it can run a document. */
export interface PickedNode {
  readonly node_id: string;
  readonly name: string | null;
  /** Null while it has never reported. */
  readonly platform_type: string | null;
  /** Null for an id that no node in this region has. */
  readonly registered_at: number | null;
  readonly deregistered_at: number | null;
}

/** What a sender may give: ids, or targets of which each must fit. */
export interface Picking {
  readonly instanceIds: readonly string[];
  readonly targets: readonly { readonly key: string; readonly values: readonly string[] }[];
}

/** Reads and checks what a sender gave. */
export function readPicking(
  instanceIds: readonly string[] | undefined,
  targets: readonly Target[] | undefined,
): Picking {
  const ids = instanceIds ?? [];
  const given = (targets ?? []).map(({ Key = '', Values = [] }) => ({ key: Key, values: Values }));
  if (ids.length > 0 && given.length > 0) {
    throw new Refusal(
      'ValidationException',
      'InstanceIds and Targets are two ways to pick nodes: use one of them.',
    );
  }
  if (ids.length === 0 && given.length === 0) {
    throw new Refusal(
      'ValidationException',
      'Nothing says to which nodes the command goes: name InstanceIds or Targets.',
    );
  }
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) {
    throw new Refusal('DuplicateInstanceId', `An instance ID can be named once only: ${twice}`);
  }
  for (const { key, values } of given) checkTarget(key, values);
  return { instanceIds: ids, targets: given };
}

function checkTarget(key: string, values: readonly string[]): void {
  if (key === 'InstanceIds') {
    const wrong = values.find((value) => value !== '*' && !isNodeId(value));
    if (wrong !== undefined) {
      throw new Refusal('ValidationException', `Not a managed node ID: ${JSON.stringify(wrong)}`);
    }
  } else if (key.startsWith('resource-groups:')) {
    throw new Refusal(
      'ValidationException',
      'This server has no resource groups: pick nodes by tag or by id.',
    );
  } else if (key !== 'rollcall:name' && key !== 'tag-key' && !(key.startsWith('tag:') && key.length > 4)) {
    throw new Refusal(
      'ValidationException',
      `The target key isn't valid: ${key}. Keys are InstanceIds, tag:NAME, tag-key and rollcall:name.`,
    );
  }
  if (values.length === 0) {
    throw new Refusal('ValidationException', `The target ${key} has no values.`);
  }
}

/**
 * Finds the nodes, in the order of the list. Ids that were named and that no node has come last, without a time
 * of registration; deregistered ones with the time at which they were.
 */
export async function pickNodes(
  tx: ReadTx,
  region: string,
  { instanceIds, targets }: Picking,
): Promise<readonly PickedNode[]> {
  const named = instanceIds.length > 0 ? instanceIds : namedOnly(targets);
  const registered = sql`nodes.deregistered_at IS NULL`;
  const where = named
    ? sql`nodes.node_id IN (${sql.join([...named])})`
    : sql.join([registered, ...targets.map(({ key, values }) => targetSql(region, key, values))], sql` AND `);
  const { rows } = await sql<PickedNode>`
    SELECT nodes.node_id, COALESCE(nodes.name, nodes.computer_name) AS name, nodes.platform_type,
      nodes.registered_at, nodes.deregistered_at
    FROM nodes WHERE nodes.region = ${region} AND ${where}
    ORDER BY nodes.registered_at, nodes.node_id`.execute(tx.everywhere);
  if (!named) return rows;
  const found = new Set(rows.map((row) => row.node_id));
  const unknown = [...new Set(named)].filter((id) => !found.has(id));
  const nobody = { name: null, platform_type: null, registered_at: null, deregistered_at: null };
  return [...rows, ...unknown.map((node_id) => ({ node_id, ...nobody }))];
}

/** Targets that name ids and nothing else: such ids are told of even when no node has them. */
function namedOnly(targets: Picking['targets']): readonly string[] | undefined {
  const [target, ...others] = targets;
  if (!target || others.length > 0 || target.key !== 'InstanceIds') return undefined;
  return target.values.includes('*') ? undefined : target.values;
}

function targetSql(region: string, key: string, values: readonly string[]): RawBuilder<unknown> {
  if (key === 'InstanceIds') {
    return values.includes('*') ? sql`1 = 1` : sql`nodes.node_id IN (${sql.join([...values])})`;
  }
  if (key === 'rollcall:name') return nameSql(values);
  const tag = key === 'tag-key' ? undefined : key.slice('tag:'.length);
  const fits =
    tag === undefined
      ? sql`tags.key IN (${sql.join([...values])})`
      : sql`tags.key = ${tag} AND ${values.includes('*') ? sql`1 = 1` : sql`tags.value IN (${sql.join([...values])})`}`;
  return sql`nodes.node_id IN (SELECT tags.resource_id FROM tags WHERE tags.region = ${region}
    AND tags.resource_type = 'ManagedInstance' AND ${fits})`;
}

/** Ids, given names and computer names, whole, without regard to case; `*` stands for anything. */
function nameSql(values: readonly string[]): RawBuilder<unknown> {
  const columns = ['nodes.node_id', 'nodes.name', 'nodes.computer_name'];
  const fits = values.flatMap((value) => {
    const pattern = value
      .toLowerCase()
      .replaceAll(/[\\%_]/g, '\\$&')
      .replaceAll('*', '%');
    return columns.map((column) => sql`lower(${sql.ref(column)}) LIKE ${pattern} ESCAPE '\\'`);
  });
  return sql`(${sql.join(fits, sql` OR `)})`;
}
