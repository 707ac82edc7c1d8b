/**
 * Sees every change of an invocation's row, and every piece of output, inside of the transaction that makes it:
 * by triggers that only the server's own connection has, so that it doesn't matter which statement it was.
 */
import type { DatabaseSync } from 'node:sqlite';

/** A change of a row that is meant. */
export interface RowChange {
  readonly table: 'invocations' | 'command_outputs';
  readonly node: string;
  /** The states before; none: the row is new. Any, when left out. */
  readonly from?: readonly string[];
  /** The states after. */
  readonly to?: readonly string[];
  /** Columns of which at least one changes as well. */
  readonly changing?: readonly string[];
}

type Row = Readonly<Record<string, string | number | null>>;

const columns = [
  'node_id',
  'state',
  'deadline',
  'attempt',
  'epoch',
  'accepted_at',
  'cancel_acked_at',
  'ended_at',
  'reason',
  'steps',
];

/** Calls `seen` when the change that is meant at that moment is made. */
export function watchRows(db: DatabaseSync, meant: () => RowChange | undefined, seen: () => void): void {
  db.function('row_changed', (table, before, after) => {
    const change = meant();
    if (change?.table !== table) return null;
    const [old, made] = [before, after].map((row) => (row === null ? undefined : JSON.parse(String(row))));
    if (fits(change, old as Row | undefined, made as Row)) seen();
    return null;
  });
  const row = (name: string, of: readonly string[]) =>
    `json_object(${of.map((column) => `'${column}', ${name}.${column}`).join(', ')})`;
  db.exec(`
    CREATE TEMP TRIGGER invocation_made AFTER INSERT ON invocations BEGIN
      SELECT row_changed('invocations', NULL, ${row('NEW', columns)}); END;
    CREATE TEMP TRIGGER invocation_changed AFTER UPDATE ON invocations BEGIN
      SELECT row_changed('invocations', ${row('OLD', columns)}, ${row('NEW', columns)}); END;
    CREATE TEMP TRIGGER output_made AFTER INSERT ON command_outputs BEGIN
      SELECT row_changed('command_outputs', NULL, ${row('NEW', ['node_id'])}); END;`);
}

function fits({ node, from, to, changing }: RowChange, old: Row | undefined, made: Row): boolean {
  if (made.node_id !== node) return false;
  if (from && (old ? !from.includes(String(old.state)) : from.length > 0)) return false;
  if (to && !to.includes(String(made.state))) return false;
  return !changing || changing.some((column) => old?.[column] !== made[column]);
}
