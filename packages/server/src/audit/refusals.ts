/**
 * Refusals of authenticated callers, folded by the minute in memory, so that a client that loops on
 * AccessDenied costs one row a minute and not one write a request.
 */
import { createHash } from 'node:crypto';
import type { Call } from '../service/index.ts';
import type { AuditRow } from '../store/index.ts';
import { principalName } from './record.ts';
import { timePrefix } from './sortable-id.ts';

/** How many rows may wait for one flush; beyond it a principal's resources are folded into one, too. */
const most = 5000;
/** How many rows one principal may leave in a minute; what it is refused beyond that is counted in one more. */
const mostOfPrincipal = 100;
const minute = 60_000;

/** Folds refusals until they are taken to be written. */
export class Refusals {
  #waiting = new Map<string, AuditRow>();
  /** The rows of each principal in the current minute, whether they still wait or not. */
  #rowsOf = new Map<string, Set<string>>();
  #minute = 0;

  /** Counts one refusal. Synchronous, no I/O. */
  add(call: Call, resource: string, code: string): void {
    const row = refusalRow(call, resource, code);
    const room = this.#waiting.size < most || this.#waiting.has(row.audit_id);
    if (room && this.#maySpread(row)) this.#merge(row);
    else this.#merge(refusalRow({ ...call, operation: '(various)' }, '(various)', code));
  }

  /** Rows are kept for a year and more: nobody fills the disk by being refused a new thing every time. */
  #maySpread({ audit_id: id, principal, at }: AuditRow): boolean {
    const now = at - (at % minute);
    if (now !== this.#minute) {
      this.#minute = now;
      this.#rowsOf.clear();
    }
    let rows = this.#rowsOf.get(principal);
    if (!rows) {
      rows = new Set();
      this.#rowsOf.set(principal, rows);
    }
    if (rows.has(id)) return true;
    if (rows.size >= mostOfPrincipal) return false;
    rows.add(id);
    return true;
  }

  /** Takes what waits, leaving nothing. */
  take(): AuditRow[] {
    const rows = [...this.#waiting.values()];
    this.#waiting = new Map();
    return rows;
  }

  /** Gives back rows that couldn't be written. */
  giveBack(rows: readonly AuditRow[]): void {
    for (const row of rows) this.#merge(row);
  }

  #merge(row: AuditRow): void {
    const known = this.#waiting.get(row.audit_id);
    if (!known) {
      this.#waiting.set(row.audit_id, row);
      return;
    }
    known.count += row.count;
    known.at = Math.min(known.at, row.at);
    if (row.last_at >= known.last_at) {
      known.last_at = row.last_at;
      known.source = row.source;
    }
  }
}

/** The id says all that is folded, so that flushes of the same minute meet in one row. */
function refusalRow(call: Call, resource: string, code: string): AuditRow {
  const principal = principalName(call.principal);
  const start = call.at - (call.at % minute);
  const folded = [call.region, principal, call.operation, resource, code].join('\n');
  return {
    audit_id: timePrefix(start) + createHash('sha256').update(folded).digest('hex').slice(0, 16),
    at: call.at,
    region: call.region,
    principal,
    operation: call.operation,
    resource,
    decision: 'deny',
    code,
    source: call.source.address,
    detail: null,
    count: 1,
    last_at: call.at,
  };
}
