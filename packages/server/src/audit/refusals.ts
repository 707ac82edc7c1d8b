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
const minute = 60_000;

/** Folds refusals until they are taken to be written. */
export class Refusals {
  #waiting = new Map<string, AuditRow>();

  /** Counts one refusal. Synchronous, no I/O. */
  add(call: Call, resource: string, code: string): void {
    const row = refusalRow(call, resource, code);
    if (this.#waiting.size < most || this.#waiting.has(row.audit_id)) this.#merge(row);
    else this.#merge(refusalRow({ ...call, operation: '(various)' }, '(various)', code));
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
