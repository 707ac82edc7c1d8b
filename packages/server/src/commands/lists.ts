/** What has been sent and what became of it: `ListCommands`, `ListCommandInvocations`, `GetCommandInvocation`. */
import type {
  CommandFilter,
  GetCommandInvocationRequest,
  GetCommandInvocationResult,
  ListCommandInvocationsRequest,
  ListCommandInvocationsResult,
  ListCommandsRequest,
  ListCommandsResult,
} from '@aws-sdk/client-ssm';
import { type RawBuilder, sql } from 'kysely';
import type { PresenceView } from '../presence/index.ts';
import { type AnyOperation, operation, Refusal, readToken, writeToken } from '../service/index.ts';
import type { PresenceRow, ReadTx } from '../store/index.ts';
import { readStepNames } from './command-facts.ts';
import type { CommandsCore } from './core.ts';
import { describeCommand, describeInvocation, describeStep, type ListedInvocation } from './describe.ts';
import { type CommandState, commandColumns } from './queries.ts';
import { statesOf, statusOfDetails } from './words.ts';

type PageKey = readonly [createdAt: number, commandId: string, position: number];
/** An invocation with its node's channel, by which `Delayed` is told from `Pending`. */
type WithChannel = ListedInvocation & Pick<PresenceRow, 'channel_server' | 'opened_at' | 'closed_at'>;

const pageSize = 50;

/** Declares them. */
export function listOperations(core: CommandsCore): readonly AnyOperation[] {
  const { store, presence } = core;

  const isReachable = (row: WithChannel, view: PresenceView) =>
    presence.statusOf({ ...row, last_ping: null, period: 300, closed_by: null, registered_at: 0 }, view)
      .connected;

  return [
    operation<ListCommandsRequest, ListCommandsResult>({
      service: 'ssm',
      name: 'ListCommands',
      access: { by: 'policy', action: 'ssm:ListCommands', resources: () => ['*'] },
      changes: false,
      async handle(call, input) {
        const size = input.MaxResults ?? pageSize;
        const conditions = commandConditions(input);
        const question = [
          call.operation,
          call.region,
          input.CommandId,
          input.InstanceId,
          input.Filters ?? [],
        ];
        const after = readToken<PageKey>(question, input.NextToken, [0, '', 0]);
        const rows = await store.read((tx) =>
          listCommands(tx, call.region, conditions, after, size + 1, {
            nodeId: input.InstanceId,
            fewFit: input.Filters?.some(
              ({ key, value }) => key === 'ExecutionStage' && value === 'Executing',
            ),
          }),
        );
        const last = rows[size - 1];
        return {
          Commands: rows.slice(0, size).map((row) => describeCommand(row, row.asked)),
          ...(rows.length > size &&
            last && { NextToken: writeToken(question, [last.created_at, last.command_id, 0]) }),
        };
      },
    }),
    operation<ListCommandInvocationsRequest, ListCommandInvocationsResult>({
      service: 'ssm',
      name: 'ListCommandInvocations',
      access: { by: 'policy', action: 'ssm:ListCommandInvocations', resources: () => ['*'] },
      changes: false,
      async handle(call, input) {
        const size = input.MaxResults ?? pageSize;
        const conditions = invocationConditions(call.region, input);
        const question = [
          call.operation,
          call.region,
          input.CommandId,
          input.InstanceId,
          input.Filters ?? [],
        ];
        const after = readToken<PageKey>(question, input.NextToken, [0, '', 0]);
        if (after) conditions.push(input.CommandId === undefined ? behind(after) : behindWithin(after));
        const view = presence.view();
        // A node has one invocation of a command: it needs no place, and the index of its own has none.
        const order = input.InstanceId === undefined ? byPlace : byCommand;
        const rows = await store.read((tx) => listInvocations(tx, call.region, conditions, size + 1, order));
        const last = rows[size - 1];
        return {
          CommandInvocations: rows
            .slice(0, size)
            .map((row) => describeInvocation(row, isReachable(row, view), input.Details ?? false)),
          ...(rows.length > size &&
            last && { NextToken: writeToken(question, [last.created_at, last.command_id, last.position]) }),
        };
      },
    }),
    operation<GetCommandInvocationRequest, GetCommandInvocationResult>({
      service: 'ssm',
      name: 'GetCommandInvocation',
      access: { by: 'policy', action: 'ssm:GetCommandInvocation', resources: () => ['*'] },
      changes: false,
      async handle(call, input) {
        const commandId = input.CommandId ?? '';
        const one = [sql`i.command_id = ${commandId}`, sql`i.node_id = ${input.InstanceId ?? ''}`];
        const view = presence.view();
        const [row] = await store.read((tx) => listInvocations(tx, call.region, one, 1));
        if (!row) {
          throw new Refusal(
            'InvocationDoesNotExist',
            `No command ${commandId} was sent to ${input.InstanceId} in ${call.region}.`,
          );
        }
        const names = readStepNames(row.command_steps).map(([name]) => name);
        const named = input.PluginName;
        if (named !== undefined && !names.includes(named)) {
          throw new Refusal(
            'InvalidPluginName',
            `${row.document_name} has no step of this name; it has: ${names.join(', ')}`,
          );
        }
        const plugin = named ?? (names.length === 1 ? names[0] : undefined);
        return describeStep(row, isReachable(row, view), plugin, named !== undefined);
      },
    }),
  ];
}

function commandConditions(input: ListCommandsRequest): RawBuilder<unknown>[] {
  const conditions = (input.Filters ?? []).map((filter) => commandFilter(filter));
  if (input.CommandId !== undefined) conditions.push(sql`commands.command_id = ${input.CommandId}`);
  return conditions;
}

function commandFilter({ key, value = '' }: CommandFilter): RawBuilder<unknown> {
  switch (key) {
    case 'InvokedAfter':
      return sql`commands.created_at >= CAST(${timeOf(value)} AS BIGINT)`;
    case 'InvokedBefore':
      return sql`commands.created_at < CAST(${timeOf(value)} AS BIGINT)`;
    case 'DocumentName':
      return sql`commands.document_name = ${value}`;
    case 'Status': {
      const status = statusOfDetails(value);
      if (status === undefined) return sql`commands.status = ${value}`;
      // By the status as well, since it is by that that commands are found.
      return sql`commands.status = ${status} AND commands.status_details = ${value}`;
    }
    case 'ExecutionStage': {
      const executing = sql`commands.status IN ('Pending', 'InProgress', 'Cancelling')`;
      if (value === 'Executing') return executing;
      if (value === 'Complete') return sql`NOT ${executing}`;
      throw new Refusal('InvalidFilterKey', 'ExecutionStage can be Executing or Complete.');
    }
    default:
      throw new Refusal('InvalidFilterKey', `The specified key is not valid: ${key}`);
  }
}

function invocationConditions(region: string, input: ListCommandInvocationsRequest): RawBuilder<unknown>[] {
  const conditions = (input.Filters ?? []).map((filter) => invocationFilter(filter));
  if (input.CommandId !== undefined) {
    // They are as old as their command: so the index that has them in order has them in one piece.
    conditions.push(sql`i.command_id = ${input.CommandId} AND i.created_at = (SELECT commands.created_at
      FROM commands WHERE commands.region = ${region} AND commands.command_id = ${input.CommandId})`);
  }
  if (input.InstanceId !== undefined) conditions.push(sql`i.node_id = ${input.InstanceId}`);
  return conditions;
}

function invocationFilter({ key, value = '' }: CommandFilter): RawBuilder<unknown> {
  switch (key) {
    case 'InvokedAfter':
      return sql`i.created_at >= CAST(${timeOf(value)} AS BIGINT)`;
    case 'InvokedBefore':
      return sql`i.created_at < CAST(${timeOf(value)} AS BIGINT)`;
    case 'DocumentName':
      return sql`c.document_name = ${value}`;
    case 'Status': {
      const states = statesOf(value);
      if (!states) throw new Refusal('InvalidFilterKey', `There is no status ${JSON.stringify(value)}.`);
      return sql`i.state IN (${sql.join([...states])})`;
    }
    default:
      throw new Refusal('InvalidFilterKey', `The specified key is not valid here: ${key}`);
  }
}

function timeOf(text: string): number {
  const at = Date.parse(text);
  if (!Number.isNaN(at)) return at;
  throw new Refusal('InvalidFilterKey', `Not a time such as 2026-07-07T00:00:00Z: ${JSON.stringify(text)}`);
}

interface Narrowing {
  /** Only commands that were sent to this node. */
  readonly nodeId: string | undefined;
  /** Hardly any command fits: those are to be found, and not walked to. */
  readonly fewFit: boolean | undefined;
}

/** Newest first. */
async function listCommands(
  tx: ReadTx,
  region: string,
  conditions: readonly RawBuilder<unknown>[],
  after: PageKey | undefined,
  limit: number,
  { nodeId, fewFit = false }: Narrowing,
): Promise<(CommandState & { asked: string })[]> {
  const where = [sql`commands.region = ${region}`, ...conditions];
  // A node's commands are walked to by its invocations, which are as old as they.
  const from = nodeId === undefined ? sql`commands` : sql`invocations CROSS JOIN commands`;
  const walked = nodeId === undefined ? 'commands' : 'invocations';
  const [at, id] = [sql.ref(`${walked}.created_at`), sql.ref(`${walked}.command_id`)];
  if (nodeId !== undefined) {
    where.push(sql`invocations.region = ${region} AND invocations.node_id = ${nodeId}
      AND commands.command_id = invocations.command_id`);
  }
  if (after) where.push(sql`(${at}, ${id}) < (CAST(${after[0]} AS BIGINT), ${after[1]})`);
  // No index has the sum: so none is walked for the sake of the order alone.
  const order = fewFit ? sql`${at} + 0` : at;
  const { rows } = await sql<CommandState & { asked: string }>`
    SELECT ${sql.join(commandColumns.map((column) => sql.ref(column)))}, commands.asked
    FROM ${from} WHERE ${sql.join(where, sql` AND `)}
    ORDER BY ${order} DESC, ${id} DESC LIMIT ${sql.lit(limit)}`.execute(tx.everywhere);
  return rows;
}

/** Invocations that stand behind one in the list. */
function behind([at, id, position]: PageKey): RawBuilder<unknown> {
  return sql`i.created_at <= CAST(${at} AS BIGINT) AND (i.created_at < CAST(${at} AS BIGINT)
    OR i.command_id < ${id} OR (i.command_id = ${id} AND i.position > CAST(${position} AS BIGINT)))`;
}

/** The same among those of one command. */
function behindWithin([, , position]: PageKey): RawBuilder<unknown> {
  return sql`i.position > CAST(${position} AS BIGINT)`;
}

const byCommand = sql`i.created_at DESC, i.command_id DESC`;
const byPlace = sql`${byCommand}, i.position`;

/** Newest command first; within one, in the order in which its nodes were let go, unless another is given. */
export async function listInvocations(
  tx: ReadTx,
  region: string,
  conditions: readonly RawBuilder<unknown>[],
  limit: number,
  order = byPlace,
): Promise<WithChannel[]> {
  const where = [sql`i.region = ${region}`, ...conditions];
  const { rows } = await sql<WithChannel>`
    SELECT i.*, COALESCE(n.name, n.computer_name) AS node_name, c.document_name, c.document_version,
      c.asked AS command_asked, c.steps AS command_steps, p.channel_server, p.opened_at, p.closed_at
    FROM invocations i
    JOIN commands c ON c.region = i.region AND c.command_id = i.command_id
    LEFT JOIN nodes n ON n.region = i.region AND n.node_id = i.node_id
    LEFT JOIN presence p ON p.region = i.region AND p.node_id = i.node_id
    WHERE ${sql.join(where, sql` AND `)}
    ORDER BY ${order} LIMIT ${sql.lit(limit)}`.execute(tx.everywhere);
  return rows;
}
