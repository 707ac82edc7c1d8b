/**
 * Writes down what happened to invocations, many at a time, and what follows for their commands: counters, the
 * order in which they ended, room for those that wait, and the end of a command that failed too often. Each
 * group of events reads and writes each row once.
 */
import { sql } from 'kysely';
import { type InvocationsRow, type ReadTx, rowsOf, type WriteTx } from '../store/index.ts';
import type { CommandFacts, FactsBook } from './command-facts.ts';
import { type InvocationState, isOver, type Life, type LifeEvent, live } from './life.ts';
import { type CommandState, commandColumns } from './queries.ts';
import { commandWords } from './words.ts';

/** Something that happened to one invocation. */
export interface Happening {
  readonly region: string;
  readonly commandId: string;
  readonly nodeId: string;
  readonly event: LifeEvent;
}

/** Told, once it is on disk, what others wait for. */
export interface SettleNews {
  /** Invocations of this node may be offered now. */
  released(nodeId: string): void;
  /** Invocations of this command have ended. */
  moved(region: string, commandId: string): void;
}

type Row = Life & Pick<InvocationsRow, 'region' | 'command_id' | 'node_id' | 'number'>;

/** How many characters of steps one statement carries. */
const mostCharacters = 1_000_000;

/** Writes them down; answers for each whether its invocation exists. */
export async function settle(
  tx: WriteTx,
  book: FactsBook,
  news: SettleNews,
  now: number,
  happenings: readonly Happening[],
): Promise<readonly boolean[]> {
  const rows = await readRows(tx, happenings);
  const facts = await readFacts(tx, book, happenings);
  const changed = new Map<string, { before: Row; after: Row }>();
  const known: boolean[] = [];
  for (const happening of happenings) {
    const key = keyOf(happening.region, happening.commandId, happening.nodeId);
    const row = rows.get(key);
    const command = facts.get(happening.region)?.get(happening.commandId);
    known.push(row !== undefined && command !== undefined);
    if (!row || !command) continue;
    const current = changed.get(key)?.after ?? row;
    const after = live(current, happening.event, {
      now,
      executionSeconds: command.executionSeconds,
      steps: command.steps,
    });
    if (after !== current) changed.set(key, { before: row, after: { ...row, ...after } });
  }
  if (changed.size > 0) await writeChanges(tx, news, now, [...changed.values()]);
  return known;
}

async function writeChanges(
  tx: WriteTx,
  news: SettleNews,
  now: number,
  changes: readonly { before: Row; after: Row }[],
): Promise<void> {
  const byCommand = Map.groupBy(
    changes.filter(({ before, after }) => movesCounters(before, after)),
    ({ after }) => `${after.region}/${after.command_id}`,
  );
  const commands: { command: CommandState; moved: readonly { before: Row; after: Row }[] }[] = [];
  // In the same order everywhere, or two servers would wait for each other.
  for (const key of [...byCommand.keys()].sort()) {
    const moved = byCommand.get(key)!;
    const command = await lockCommand(tx, moved[0]!.after.region, moved[0]!.after.command_id);
    if (command) commands.push({ command, moved });
  }
  for (const { command, moved } of commands) {
    for (const { before, after } of moved) {
      count(command, before.state, -1);
      count(command, after.state, 1);
      if (before.accepted_at === null && after.accepted_at !== null) command.started_count += 1;
      if (isOver(after.state)) (after as { number: number | null }).number = command.finished_count;
    }
  }
  await writeRows(
    tx,
    changes.map(({ after }) => after),
  );
  for (const { command } of commands) await settleCommand(tx, news, now, command);
}

function movesCounters(before: Row, after: Row): boolean {
  return before.state !== after.state || (before.accepted_at === null) !== (after.accepted_at === null);
}

/**
 * Brings a command to where its counters say that it is: ends it when it failed too often, lets go who there is
 * room for, and writes it. Its row is locked by the caller, and its counters include what has just happened.
 */
export async function settleCommand(
  tx: WriteTx,
  news: SettleNews,
  now: number,
  command: CommandState,
): Promise<void> {
  const { region, command_id: commandId } = command;
  if (command.queued_count > 0) {
    if (command.error_count > command.error_limit) await endQueued(tx, now, command, 'Terminated');
    else await release(tx, news, command);
  }
  const words = commandWords(command);
  await tx
    .in(region)
    .updateTable('commands')
    .set({
      status: words.status,
      status_details: words.details,
      cancelled_at: command.cancelled_at,
      queued_count: command.queued_count,
      started_count: command.started_count,
      finished_count: command.finished_count,
      success_count: command.success_count,
      error_count: command.error_count,
      delivery_timed_out_count: command.delivery_timed_out_count,
      excluded_count: command.excluded_count,
    })
    .where('command_id', '=', commandId)
    .execute();
  tx.afterCommit(() => news.moved(region, commandId));
}

/** Ends every invocation that still waits for room; they are numbered in their order. */
export async function endQueued(
  tx: WriteTx,
  now: number,
  command: CommandState,
  state: 'Terminated' | 'Cancelled',
): Promise<void> {
  const ended = await sql<{ node_id: string }>`
    UPDATE invocations SET state = ${state}, ended_at = CAST(${now} AS BIGINT), number = waiting.number
    FROM (SELECT node_id, CAST(${command.finished_count} AS BIGINT) + row_number() OVER (ORDER BY position) AS number
      FROM invocations WHERE region = ${command.region} AND command_id = ${command.command_id} AND state = 'queued'
    ) AS waiting
    WHERE invocations.region = ${command.region} AND invocations.command_id = ${command.command_id}
      AND invocations.node_id = waiting.node_id
    RETURNING invocations.node_id AS node_id`.execute(tx.everywhere);
  const count = ended.rows.length;
  command.finished_count += count;
  command.queued_count -= count;
}

async function release(tx: WriteTx, news: SettleNews, command: CommandState): Promise<void> {
  const underWay = command.target_count - command.queued_count - command.finished_count;
  const room = Math.min(command.concurrency - underWay, command.queued_count);
  if (room <= 0) return;
  const released = await sql<{ node_id: string }>`
    UPDATE invocations SET state = 'released'
    WHERE region = ${command.region} AND command_id = ${command.command_id} AND node_id IN (
      SELECT node_id FROM invocations
      WHERE region = ${command.region} AND command_id = ${command.command_id} AND state = 'queued'
      ORDER BY position LIMIT ${sql.lit(room)})
    RETURNING node_id`.execute(tx.everywhere);
  command.queued_count -= released.rows.length;
  tx.afterCommit(() => {
    for (const { node_id } of released.rows) news.released(node_id);
  });
}

/** Adds an invocation's state to the counters of its command, or takes it out. */
export function count(command: CommandState, state: InvocationState, by: 1 | -1): void {
  if (state === 'queued') command.queued_count += by;
  if (!isOver(state)) return;
  command.finished_count += by;
  if (state === 'Success') command.success_count += by;
  else if (state === 'Failed' || state === 'ExecutionTimedOut') command.error_count += by;
  else if (state === 'DeliveryTimedOut') command.delivery_timed_out_count += by;
  else if (state === 'Undeliverable' || state === 'InvalidPlatform' || state === 'AccessDenied')
    command.excluded_count += by;
}

/** A command's row, which nobody else changes until this work has ended. */
export async function lockCommand(
  tx: WriteTx,
  region: string,
  commandId: string,
): Promise<CommandState | undefined> {
  const row = tx.in(region).selectFrom('commands').select(commandColumns).where('command_id', '=', commandId);
  return (tx.dialect === 'postgres' ? row.forUpdate() : row).executeTakeFirst();
}

async function readFacts(
  tx: ReadTx,
  book: FactsBook,
  happenings: readonly Happening[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, CommandFacts>>> {
  const found = new Map<string, ReadonlyMap<string, CommandFacts>>();
  for (const [region, mine] of Map.groupBy(happenings, (one) => one.region)) {
    found.set(region, await book.find(tx, region, new Set(mine.map((one) => one.commandId))));
  }
  return found;
}

async function readRows(tx: WriteTx, happenings: readonly Happening[]): Promise<Map<string, Row>> {
  const keys = new Map<string, { region: string; command_id: string; node_id: string }>();
  for (const { region, commandId, nodeId } of happenings) {
    keys.set(keyOf(region, commandId, nodeId), { region, command_id: commandId, node_id: nodeId });
  }
  const items = [...keys.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
  const { rows } = await sql<Row>`
    SELECT i.region, i.command_id, i.node_id, i.state, i.deadline, i.epoch, i.lease_until, i.first_offered_at,
      i.not_before, i.accepted_at, i.cancel_acked_at, i.ended_at, i.number, i.response_code, i.reason, i.steps
    FROM ${rowsOf(tx, 'item', items, { region: 'text', command_id: 'text', node_id: 'text' })}
    JOIN invocations i ON i.region = item.region AND i.command_id = item.command_id AND i.node_id = item.node_id
    ${tx.dialect === 'postgres' ? sql`ORDER BY i.region, i.command_id, i.node_id FOR UPDATE OF i` : sql``}
  `.execute(tx.everywhere);
  return new Map(rows.map((row) => [keyOf(row.region, row.command_id, row.node_id), row]));
}

async function writeRows(tx: WriteTx, rows: readonly Row[]): Promise<void> {
  let chunk: Row[] = [];
  let characters = 0;
  const write = async () => {
    if (chunk.length === 0) return;
    await sql`
      UPDATE invocations SET state = item.state, deadline = item.deadline, epoch = item.epoch,
        lease_until = item.lease_until, first_offered_at = item.first_offered_at, not_before = item.not_before,
        accepted_at = item.accepted_at, cancel_acked_at = item.cancel_acked_at, ended_at = item.ended_at,
        number = item.number, response_code = item.response_code, reason = item.reason, steps = item.steps
      FROM ${rowsOf(tx, 'item', chunk, {
        region: 'text',
        command_id: 'text',
        node_id: 'text',
        state: 'text',
        deadline: 'bigint',
        epoch: 'bigint',
        lease_until: 'bigint',
        first_offered_at: 'bigint',
        not_before: 'bigint',
        accepted_at: 'bigint',
        cancel_acked_at: 'bigint',
        ended_at: 'bigint',
        number: 'bigint',
        response_code: 'bigint',
        reason: 'text',
        steps: 'text',
      })}
      WHERE invocations.region = item.region AND invocations.command_id = item.command_id
        AND invocations.node_id = item.node_id`.execute(tx.everywhere);
    chunk = [];
    characters = 0;
  };
  for (const row of rows) {
    chunk.push(row);
    characters += row.steps?.length ?? 0;
    if (characters > mostCharacters) await write();
  }
  await write();
}

function keyOf(region: string, commandId: string, nodeId: string): string {
  return `${region}/${commandId}/${nodeId}`;
}
