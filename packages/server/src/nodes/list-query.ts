/**
 * Lists of nodes: in the order of registration, a page at a time from where the last one ended, so that a
 * page costs the same however many nodes there are before it.
 */
import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { hiddenAfter, hiddenSql, onlineSql, type PresenceView, statusSql } from '../presence/index.ts';
import type { NodesRow, PresenceRow, ReadTx } from '../store/index.ts';
import type { Condition, Field } from './filters.ts';
import { compareVersions } from './versions.ts';

/** A node and its presence. */
export type ListedNode = NodesRow & Omit<PresenceRow, 'region' | 'node_id' | 'epoch' | 'gap' | 'skew_ms'>;

/** Where a page ended. */
export type PageKey = readonly [registeredAt: number, nodeId: string];

/** What a list is asked for. */
export interface ListQuery {
  readonly conditions: readonly Condition[];
  /** Registered nodes, or the tombstones of those that were. */
  readonly deregistered?: boolean;
  /** Only those lost for long, or all but those; both when left out. */
  readonly hidden?: boolean;
  readonly after?: PageKey | undefined;
  readonly limit: number;
}

/** One page. */
export async function listNodes(
  tx: ReadTx,
  region: string,
  view: PresenceView,
  query: ListQuery,
): Promise<ListedNode[]> {
  const where = await whereOf(tx, region, view, query);
  const rows = await tx
    .in(region)
    .selectFrom('nodes')
    .innerJoin('presence', (join) =>
      join.onRef('presence.region', '=', 'nodes.region').onRef('presence.node_id', '=', 'nodes.node_id'),
    )
    .selectAll('nodes')
    .select([
      'presence.last_ping',
      'presence.period',
      'presence.channel_server',
      'presence.opened_at',
      'presence.closed_at',
      'presence.closed_by',
    ])
    .where(where)
    .orderBy('nodes.registered_at')
    .orderBy('nodes.node_id')
    .limit(query.limit)
    .execute();
  return rows;
}

/** How many nodes there are, and how many of them are hidden. Conditions on presence don't belong here. */
export async function countNodes(
  tx: ReadTx,
  region: string,
  view: PresenceView,
  { conditions, deregistered = false }: Pick<ListQuery, 'conditions' | 'deregistered'>,
): Promise<{ all: number; hidden: number }> {
  const where = await whereOf(tx, region, view, { conditions, deregistered, limit: 0 });
  // The bound on the time makes SQLite count in the index of the list's order, where nothing else is.
  const all = await sql<{ count: number | string }>`SELECT count(*) AS count FROM nodes
    WHERE nodes.region = ${region} AND nodes.registered_at >= 0 AND ${where}`.execute(tx.everywhere);
  if (deregistered) return { all: Number(all.rows[0]?.count), hidden: 0 };
  // From the side of presence, whose rows are narrow: few of them are old enough to be hidden at all.
  const hidden = await sql<{ count: number | string }>`SELECT count(*) AS count FROM presence
    JOIN nodes ON nodes.region = presence.region AND nodes.node_id = presence.node_id
    WHERE presence.region = ${region} AND COALESCE(presence.last_ping, 0) <= ${view.now - hiddenAfter}
      AND ${hiddenSql(view)} AND ${where}`.execute(tx.everywhere);
  return { all: Number(all.rows[0]?.count), hidden: Number(hidden.rows[0]?.count) };
}

async function whereOf(
  tx: ReadTx,
  region: string,
  view: PresenceView,
  query: ListQuery,
): Promise<RawBuilder<SqlBool>> {
  const all: RawBuilder<unknown>[] = [
    query.deregistered ? sql`nodes.deregistered_at IS NOT NULL` : sql`nodes.deregistered_at IS NULL`,
  ];
  if (query.hidden !== undefined) all.push(query.hidden ? hiddenSql(view) : sql`NOT ${hiddenSql(view)}`);
  if (query.after) {
    const [registeredAt, nodeId] = query.after;
    all.push(sql`(nodes.registered_at, nodes.node_id) > (CAST(${registeredAt} AS BIGINT), ${nodeId})`);
  }
  for (const condition of query.conditions) all.push(await conditionSql(tx, region, view, condition));
  return sql<SqlBool>`(${sql.join(all, sql` AND `)})`;
}

async function conditionSql(
  tx: ReadTx,
  region: string,
  view: PresenceView,
  condition: Condition,
): Promise<RawBuilder<unknown>> {
  const { field, operator, values } = condition;
  if (field === 'tagKey') return taggedSql(region, operator, (tag) => matches(tag('key'), operator, values));
  if (field.startsWith('tag:')) {
    const key = field.slice('tag:'.length);
    return taggedSql(
      region,
      operator,
      (tag) => sql`${tag('key')} = ${key} AND ${matches(tag('value'), operator, values)}`,
    );
  }
  if (field === 'called') {
    const names = ['nodeId', 'name', 'computerName'] as const;
    return sql`(${sql.join(
      names.map((name) => matches(fieldSql(name, view), operator, values)),
      sql` OR `,
    )})`;
  }
  const rare = rareSql(region, view, condition);
  if (rare) return rare;
  const value = fieldSql(field, view);
  if (operator === 'LessThan' || operator === 'GreaterThan') {
    const versions = await versionsIn(tx, region, value);
    const sign = operator === 'LessThan' ? -1 : 1;
    const chosen = versions.filter((one) => values.some((other) => compareVersions(one, other) * sign > 0));
    return matches(value, 'Equal', chosen);
  }
  if (operator === 'NotEqual') return sql`(${value} IS NULL OR NOT ${matches(value, 'Equal', values)})`;
  return matches(value, operator, values);
}

/**
 * Walking the list until a page is full is quick when most nodes match. For states that few are in, the
 * nodes that are in them are collected first: a walk over narrow rows, instead of one look per node.
 */
function rareSql(
  region: string,
  view: PresenceView,
  { field, operator, values: [value, ...others] }: Condition,
): RawBuilder<unknown> | undefined {
  if (operator !== 'Equal' || others.length > 0) return undefined;
  if (field === 'pingStatus' && value === 'ConnectionLost') {
    return sql`nodes.node_id IN (SELECT presence.node_id FROM presence
      WHERE presence.region = ${region} AND NOT ${onlineSql(view)})`;
  }
  const failed = sql`SELECT s.node_id FROM association_statuses s
    WHERE s.region = ${region} AND s.status IN ('Failed', 'TimedOut')`;
  if (field === 'associationStatus' && value === 'Failed') return sql`nodes.node_id IN (${failed})`;
  if (field === 'associationStatus' && value === 'Success') {
    return sql`nodes.node_id IN (SELECT s.node_id FROM association_statuses s WHERE s.region = ${region}
      GROUP BY s.node_id HAVING min(CASE WHEN s.status = 'Success' THEN 1 ELSE 0 END) = 1)`;
  }
  return undefined;
}

/** True when the value is, or begins with, one of `values`. */
function matches(
  value: RawBuilder<unknown>,
  operator: string,
  values: readonly string[],
): RawBuilder<unknown> {
  if (values.length === 0) return sql`(1 = 0)`;
  if (operator !== 'BeginWith') return sql`${value} IN (${sql.join([...values])})`;
  const begins = values.map((one) => sql`substr(${value}, 1, ${sql.lit([...one].length)}) = ${one}`);
  return sql`(${sql.join(begins, sql` OR `)})`;
}

/** Nodes with a tag; `NotEqual` are the nodes that have no tag that equals. */
function taggedSql(
  region: string,
  operator: string,
  tagSql: (tag: (column: 'key' | 'value') => RawBuilder<unknown>) => RawBuilder<unknown>,
): RawBuilder<unknown> {
  const among = operator === 'NotEqual' ? sql`NOT IN` : sql`IN`;
  return sql`nodes.node_id ${among} (SELECT tags.resource_id FROM tags WHERE tags.region = ${region}
    AND tags.resource_type = 'ManagedInstance' AND ${tagSql((column) => sql.ref(`tags.${column}`))})`;
}

const kindSql = sql`CASE WHEN substr(nodes.node_id, 1, 2) = 'i-' THEN 'EC2Instance' ELSE 'ManagedInstance' END`;

const sourceSql = sql`CASE WHEN substr(nodes.node_id, 1, 2) = 'i-' THEN 'AWS::EC2::Instance'
  ELSE 'AWS::SSM::ManagedInstance' END`;

const statusesSql = sql`SELECT 1 FROM association_statuses s WHERE s.region = nodes.region AND s.node_id = nodes.node_id`;

/** One word for all associations of a node: the worst, in the words of `AssociationStatus`. */
const associationSql = sql`CASE WHEN EXISTS (${statusesSql} AND s.status IN ('Failed', 'TimedOut')) THEN 'Failed'
  WHEN EXISTS (${statusesSql} AND s.status <> 'Success') THEN 'Pending'
  WHEN EXISTS (${statusesSql}) THEN 'Success' END`;

function fieldSql(field: Field, view: PresenceView): RawBuilder<unknown> {
  switch (field) {
    case 'nodeId':
      return sql`nodes.node_id`;
    case 'agentVersion':
      return sql`nodes.agent_version`;
    case 'platformType':
      return sql`nodes.platform_type`;
    case 'platformName':
      return sql`nodes.platform_name`;
    case 'platformVersion':
      return sql`nodes.platform_version`;
    case 'activationId':
      return sql`nodes.activation_id`;
    case 'iamRole':
      return sql`nodes.iam_role`;
    case 'computerName':
      return sql`nodes.computer_name`;
    case 'ipAddress':
      return sql`nodes.ip_address`;
    case 'name':
      return sql`nodes.name`;
    case 'pingStatus':
      return statusSql(view);
    case 'resourceType':
      return sql`(${kindSql})`;
    case 'sourceType':
      return sql`(${sourceSql})`;
    default:
      return sql`(${associationSql})`;
  }
}

/** The versions that occur: few, so that they can be compared here as versions. */
async function versionsIn(tx: ReadTx, region: string, value: RawBuilder<unknown>): Promise<string[]> {
  const found = await sql<{ version: string | null }>`SELECT DISTINCT ${value} AS version FROM nodes
    WHERE nodes.region = ${region} AND nodes.deregistered_at IS NULL`.execute(tx.everywhere);
  return found.rows.flatMap((row) => (row.version === null ? [] : [row.version]));
}
