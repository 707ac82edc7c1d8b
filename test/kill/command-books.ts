/**
 * Commands in the database of a server, held against each other: at every commit, wherever the server died, the
 * counters of a command are what its invocations add up to, no more nodes have it than may, and what has ended is
 * numbered without a gap.
 */
import { gunzipSync } from 'node:zlib';

export type Row = Readonly<Record<string, string | number | Uint8Array | null>>;

/** What of the database concerns commands. */
export interface CommandTables {
  readonly audit: readonly Row[];
  readonly commands: readonly Row[];
  readonly invocations: readonly Row[];
  readonly outputs: readonly Row[];
}

/** How an invocation may end. */
const ends = [
  'Success',
  'Failed',
  'ExecutionTimedOut',
  'Cancelled',
  'DeliveryTimedOut',
  'Terminated',
  'Undeliverable',
  'InvalidPlatform',
  'AccessDenied',
];
/** The counter that each end adds to; the others only count as finished. */
const counters: Readonly<Record<string, string>> = {
  Success: 'success_count',
  Failed: 'error_count',
  ExecutionTimedOut: 'error_count',
  DeliveryTimedOut: 'delivery_timed_out_count',
  Undeliverable: 'excluded_count',
  InvalidPlatform: 'excluded_count',
  AccessDenied: 'excluded_count',
};

/** What is wrong, one sentence each. */
export function commandProblems(tables: CommandTables): string[] {
  const mine = Map.groupBy(tables.invocations, (row) => row.command_id);
  const known = new Set(tables.commands.map((row) => row.command_id));
  const audited = Map.groupBy(
    tables.audit.filter((row) => row.operation === 'ssm:SendCommand' && row.decision === 'allow'),
    (row) => JSON.parse(String(row.detail)).command,
  );
  return [
    ...tables.commands.flatMap((row) => ofCommand(row, mine.get(row.command_id!) ?? [])),
    ...tables.commands
      .filter((row) => audited.get(row.command_id)?.length !== 1)
      .map((row) => `command ${row.command_id} isn't in the audit trail once`),
    ...[...audited.keys()]
      .filter((id) => !known.has(id))
      .map((id) => `command ${id} is in the audit trail only`),
    ...[...mine.keys()].filter((id) => !known.has(id)).map((id) => `invocations of ${id}, which isn't there`),
    ...outputProblems(tables),
  ];
}

function ofCommand(command: Row, invocations: readonly Row[]): string[] {
  const id = `command ${command.command_id}`;
  const problems: string[] = [];
  const over = invocations.filter((row) => ends.includes(String(row.state)));
  const counts: Record<string, number> = {
    target_count: invocations.length,
    queued_count: invocations.filter((row) => row.state === 'queued').length,
    started_count: invocations.filter((row) => row.accepted_at !== null).length,
    finished_count: over.length,
    success_count: 0,
    error_count: 0,
    delivery_timed_out_count: 0,
    excluded_count: 0,
  };
  for (const { state } of over) {
    const counter = counters[String(state)];
    if (counter) counts[counter]! += 1;
  }
  for (const [name, count] of Object.entries(counts)) {
    if (command[name] !== count) problems.push(`${id} says ${name} ${command[name]}, there are ${count}`);
  }
  const waiting = counts.queued_count!;
  const underWay = invocations.length - waiting - over.length;
  const room = Number(command.concurrency);
  if (underWay > room) problems.push(`${id} is on ${underWay} nodes at a time, not on ${room}`);
  if (waiting > 0 && underWay < room) problems.push(`${id} keeps nodes waiting although there is room`);
  if (waiting > 0 && counts.error_count! > Number(command.error_limit)) {
    problems.push(`${id} goes on after ${counts.error_count} errors`);
  }
  if (waiting > 0 && command.cancelled_at !== null) problems.push(`${id} was cancelled and goes on`);
  const numbers = over.map((row) => Number(row.number)).sort((a, b) => a - b);
  if (numbers.some((number, index) => number !== index + 1)) problems.push(`${id} has the ends ${numbers}`);
  const positions = invocations.map((row) => Number(row.position)).sort((a, b) => a - b);
  if (positions.some((position, index) => position !== index))
    problems.push(`${id} has positions ${positions}`);
  const word = statusOf(command, counts);
  if (!word.includes(String(command.status))) problems.push(`${id} is ${command.status}, not ${word}`);
  const steps = (JSON.parse(String(command.steps)) as [string, string][]).map(([name]) => name);
  return [...problems, ...invocations.flatMap((row) => ofInvocation(row, steps))];
}

/** The statuses that fit the counters. */
function statusOf(command: Row, counts: Record<string, number>): string[] {
  const { target_count: targets, finished_count: finished, success_count: successes } = counts;
  if (finished! < targets!) return command.cancelled_at === null ? ['Pending', 'InProgress'] : ['Cancelling'];
  if (successes === targets) return command.cancelled_at === null ? ['Success'] : ['Cancelled'];
  if (counts.error_count! > 0) return command.cancelled_at === null ? ['Failed', 'TimedOut'] : ['Cancelled'];
  return ['Success', 'Failed', 'TimedOut', 'Cancelled'];
}

function ofInvocation(row: Row, names: readonly string[]): string[] {
  const id = `${row.command_id} on ${row.node_id}`;
  const state = String(row.state);
  const problems: string[] = [];
  const need = (condition: boolean, what: string) => {
    if (!condition) problems.push(`${id} is ${state}, ${what}`);
  };
  const over = ends.includes(state);
  need((row.ended_at !== null) === over, `ended at ${row.ended_at}`);
  need((row.number !== null) === over, `and has the number ${row.number}`);
  if (over) need(row.lease_until === null, `and is on offer until ${row.lease_until}`);
  if (state === 'queued' || state === 'Terminated' || state === 'InvalidPlatform')
    need(row.attempt === 0, `and was offered ${row.attempt} times`);
  if (state === 'offered' || state === 'cancelling') need(Number(row.attempt) > 0, 'and was never offered');
  if (state === 'offered')
    need(row.first_offered_at !== null && row.lease_until !== null, 'without an offer that lasts');
  if (state === 'accepted' || state === 'running' || state === 'Success' || state === 'ExecutionTimedOut')
    need(row.accepted_at !== null, 'and nobody took it');
  const steps = (row.steps === null ? [] : JSON.parse(String(row.steps))) as { name: string }[];
  const told = steps.map((step) => step.name);
  need(told.join() === names.filter((name) => told.includes(name)).join(), `with the steps ${told}`);
  return problems;
}

/** Pieces of output follow each other from the beginning, and hold what they say. */
function outputProblems({ outputs }: CommandTables): string[] {
  const problems: string[] = [];
  const streams = Map.groupBy(
    outputs,
    (row) => `${row.stream} of ${row.step} of ${row.command_id} on ${row.node_id}`,
  );
  for (const [stream, pieces] of streams) {
    let next = 0;
    for (const piece of pieces.toSorted((a, b) => Number(a.start) - Number(b.start))) {
      if (piece.start !== next) problems.push(`${stream} has a hole at ${next}`);
      const bytes = gunzipSync(piece.data as Uint8Array).length;
      if (bytes !== piece.size) problems.push(`${stream} has ${bytes} bytes at ${next}, not ${piece.size}`);
      next = Number(piece.start) + bytes;
    }
  }
  return problems;
}
