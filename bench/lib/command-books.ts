/**
 * Fills a store with commands that ended long ago, as if they had been sent and had run: many to one node each, and
 * a last one to all nodes.
 */
import { sql } from 'kysely';
import { openStore, type StorePlace, type WriteTx } from '../../packages/server/src/store/index.ts';
import { nodeId, region } from './books.ts';

/** How of a hundred commands each ended: 90 well, the rest badly, and the first of all hasn't ended. */
const endings = Array.from({ length: 100 }, (_, index) => {
  if (index < 5) return ['Failed', 'Failed', 'Failed'] as const;
  if (index < 8) return ['Cancelled', 'Cancelled', 'Cancelled'] as const;
  if (index < 10) return ['TimedOut', 'DeliveryTimedOut', 'DeliveryTimedOut'] as const;
  return ['Success', 'Success', 'Success'] as const;
});
const unended = 20;
/** Of all commands so many are of another document, the oldest. */
const rare = 40;
const month = 25 * 86_400_000;

/** The command with this number, the oldest is 0; the one to all nodes has the number that says how many there are. */
export function commandId(index: number): string {
  return `${index.toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`;
}

const document = {
  schemaVersion: '1.2',
  description: 'Runs shell script on a node.',
  runtimeConfig: {
    'aws:runShellScript': { properties: [{ id: '0.aws:runShellScript', runCommand: '{{ commands }}' }] },
  },
  // As long as the built-in document with its parameters' descriptions is.
  parameters: { commands: { type: 'StringList', description: ' '.repeat(800) } },
};

function commandRow(index: number, count: number, now: number) {
  const [status, details] = index < unended ? (['InProgress', 'InProgress'] as const) : endingOf(index);
  const over = index < unended ? 0 : 1;
  const createdAt = now - month + Math.floor((index / count) * month);
  const asked = { Comment: '', Parameters: { commands: ['true'] }, InstanceIds: [nodeId(index % count)] };
  return {
    command_id: commandId(index),
    created_at: createdAt,
    requested_by: 'arn:aws:iam::123456789012:user/administrator',
    document_name: index < rare ? 'AWS-RunRemoteScript' : 'AWS-RunShellScript',
    document_version: '$DEFAULT',
    status,
    status_details: details,
    expires_at: createdAt + 7_200_000,
    timeout_seconds: 3_600,
    execution_seconds: 3_600,
    concurrency: 50,
    error_limit: 0,
    cancelled_at: null,
    target_count: 1,
    queued_count: 0,
    started_count: 1,
    finished_count: over,
    success_count: status === 'Success' ? 1 : 0,
    error_count: status === 'Failed' ? 1 : 0,
    delivery_timed_out_count: status === 'TimedOut' ? 1 : 0,
    excluded_count: 0,
    asked: JSON.stringify(asked),
    steps: '[["aws:runShellScript","aws:runShellScript"]]',
    content: JSON.stringify({ CommandId: commandId(index), DocumentContent: document }),
  };
}

function endingOf(index: number) {
  return endings[index % endings.length]!;
}

function invocationRow(index: number, count: number, now: number) {
  return rowOf(commandRow(index, count, now), index, index % count, now);
}

/** The command to all nodes has ended well everywhere. */
function commandToAll(count: number, now: number) {
  const row = commandRow(count, count, now);
  const ended = { status: 'Success', status_details: 'Success', target_count: count, success_count: count };
  return { ...row, ...ended, started_count: count, finished_count: count, error_count: 0 };
}

function rowOf(
  { command_id, created_at }: Pick<ReturnType<typeof commandRow>, 'command_id' | 'created_at'>,
  index: number,
  node: number,
  now: number,
) {
  const over = index >= unended;
  const step = {
    name: 'aws:runShellScript',
    status: 'Success',
    code: 0,
    start: new Date(created_at).toISOString(),
    end: new Date(created_at + 100).toISOString(),
    output: 'done\n',
    stdout: 'done\n',
    stderr: '',
    bucket: '',
    prefix: '',
  };
  return {
    command_id,
    node_id: nodeId(node),
    position: 0,
    created_at,
    state: over ? endingOf(index)[2] : 'running',
    // A year from now: what hasn't ended is not to end while it is looked at.
    deadline: over ? created_at + 7_200_000 : now + 365 * 86_400_000,
    attempt: 1,
    epoch: 1,
    lease_until: null,
    first_offered_at: created_at,
    not_before: null,
    accepted_at: created_at,
    cancel_acked_at: null,
    ended_at: over ? created_at + 200 : null,
    number: over ? 1 : null,
    response_code: over ? 0 : null,
    reason: null,
    steps: JSON.stringify([step]),
  };
}

async function addCommands(tx: WriteTx, numbers: readonly number[], count: number, now: number) {
  const books = tx.in(region);
  const commands = numbers.map((index) => commandRow(index, count, now));
  const invocations = numbers.map((index) => invocationRow(index, count, now));
  await books.insertInto('commands').values(commands).execute();
  await books.insertInto('invocations').values(invocations).execute();
}

async function addToAll(tx: WriteTx, numbers: readonly number[], count: number, now: number) {
  const command = commandToAll(count, now);
  const invocations = numbers.map((node) => ({
    ...rowOf(command, unended, node, now),
    state: 'Success',
    position: node,
    number: node + 1,
  }));
  const books = tx.in(region);
  if (numbers[0] === 0) await books.insertInto('commands').values(command).execute();
  await books.insertInto('invocations').values(invocations).execute();
}

/**
 * Opens the store and adds `count` commands, sent over the last 25 days to as many nodes in turn, and one to all
 * of these nodes at last.
 */
export async function fillCommands(place: StorePlace, count: number): Promise<void> {
  const store = await openStore(place);
  const now = Date.now();
  for (let from = 0; from < count; from += 400) {
    const numbers = Array.from({ length: Math.min(400, count - from) }, (_, index) => from + index);
    await store.write((tx) => addCommands(tx, numbers, count, now));
    await store.write((tx) => addToAll(tx, numbers, count, now));
  }
  if (store.dialect === 'postgres') await store.write((tx) => sql`ANALYZE`.execute(tx.everywhere));
  await store.close();
}
