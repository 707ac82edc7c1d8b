/**
 * What was promised to whom about commands, and what has been seen of them: held against the books of every death,
 * and of every world that has come to rest.
 */
import type { Acknowledged } from '../../harness/official-jobs.ts';
import type { Books } from '../books.ts';
import type { Row } from '../command-books.ts';

/** A command that somebody tried to send. */
export interface Sent {
  /** Stands in it, and in no other. */
  readonly comment: string;
  /** How its invocation may end on each node. */
  readonly ends: Map<string, readonly string[]>;
  /** Once it was answered, or found in the books. */
  id: string | undefined;
  readonly answered: boolean;
}

/** The end of an invocation, as an operator saw it. */
export interface SeenEnd {
  readonly commandId: string;
  readonly number: number;
  readonly nodeId: string;
  readonly details: string;
}

/** How a report's word for the document becomes an end. */
const outcomes: Readonly<Record<string, string>> = {
  Success: 'Success',
  Failed: 'Failed',
  Cancelled: 'Cancelled',
  TimedOut: 'ExecutionTimedOut',
};
const late = 'after this had ended.';
const ranks: Readonly<Record<string, number>> = { NotStarted: 0, InProgress: 1, SuccessAndReboot: 2 };
const rank = (status: string) => ranks[status] ?? 3;

/** Remembers. */
export class Ledger {
  readonly #acknowledged: Acknowledged[] = [];
  readonly #seen: SeenEnd[] = [];
  readonly #ends = new Map<string, string>();

  /** A node's report was acknowledged. */
  acknowledged(what: Acknowledged): void {
    this.#acknowledged.push(what);
  }

  /** An operator was shown this. */
  seen(end: SeenEnd): void {
    this.#seen.push(end);
  }

  /** What is wrong, one sentence each. `runs` says how often a command has begun on a node. */
  problems(books: Books, runs: (commandId: string, nodeId: string) => number | undefined): string[] {
    const rows = new Map(books.invocations.map((row) => [keyOf(row), row]));
    return [
      ...books.invocations.flatMap((row) => this.#ofEnd(row)),
      ...books.invocations.flatMap((row) => ofRuns(row, runs(String(row.command_id), String(row.node_id)))),
      ...[...this.#ends.keys()].filter((key) => !rows.has(key)).map((key) => `${key} isn't there any more`),
      ...this.#acknowledged.flatMap((what) => ofReport(what, rows)),
      ...this.#seen.flatMap((end) => ofSeen(end, rows)),
    ];
  }

  /** Whoever has ended stays as it ended. */
  #ofEnd(row: Row): string[] {
    const key = keyOf(row);
    const before = this.#ends.get(key);
    const now = row.ended_at === null ? undefined : `${row.state} as number ${row.number} at ${row.ended_at}`;
    if (before !== undefined && before !== now) return [`${key} was ${before}, and is ${now ?? row.state}`];
    if (now !== undefined) this.#ends.set(key, now);
    return [];
  }
}

/** Nothing runs twice, and what never was offered doesn't run; what succeeded did. */
function ofRuns(row: Row, runs: number | undefined): string[] {
  if (runs === undefined) return [];
  const problems: string[] = [];
  if (runs > 1) problems.push(`${keyOf(row)} ran ${runs} times`);
  if (runs > 0 && row.attempt === 0) problems.push(`${keyOf(row)} ran, and was never offered`);
  if (runs === 0 && row.state === 'Success') problems.push(`${keyOf(row)} is Success, and never ran`);
  return problems;
}

/** What was acknowledged to a node is in the books. */
function ofReport({ jobId, report }: Acknowledged, rows: ReadonlyMap<string, Row>): string[] {
  const [commandId, nodeId] = jobId.slice('aws.ssm.'.length).split('.');
  const key = `${commandId}/${nodeId}`;
  const row = rows.get(key);
  if (!row) return [`${key} isn't there, and a report of it was acknowledged`];
  const problems: string[] = [];
  const outcome = outcomes[report.status];
  if (outcome !== undefined && row.ended_at === null) {
    problems.push(`${key} was acknowledged as ${report.status}, and is ${row.state}`);
  }
  if (outcome !== undefined && row.state !== outcome && !String(row.reason).includes(late)) {
    problems.push(`${key} is ${row.state}, and nothing says that the node reported ${report.status}`);
  }
  const kept = JSON.parse(String(row.steps ?? '[]')) as { name: string; status: string; stdout: string }[];
  for (const step of report.steps) {
    const found = kept.find((one) => one.name === step.name);
    if (!found || rank(found.status) < rank(step.status)) {
      problems.push(
        `step ${step.name} of ${key} was acknowledged as ${step.status}, and is ${found?.status}`,
      );
    } else if (rank(step.status) === 3 && (found.status !== step.status || found.stdout !== step.stdout)) {
      problems.push(`step ${step.name} of ${key} is ${found.status} with ${found.stdout}, not as reported`);
    }
  }
  return problems;
}

function ofSeen(end: SeenEnd, rows: ReadonlyMap<string, Row>): string[] {
  const row = rows.get(`${end.commandId}/${end.nodeId}`);
  if (row?.number === end.number && row.state === end.details) return [];
  return [
    `${end.nodeId} was seen to end as number ${end.number}, ${end.details}; it is ${row?.number}, ${row?.state}`,
  ];
}

function keyOf(row: Row): string {
  return `${row.command_id}/${row.node_id}`;
}
