/**
 * The audit trail: who changed what, from where, in the transaction of the change; and who was refused
 * what, folded by the minute. What isn't authenticated is a knock, not an audit row.
 */
import type { Clock } from '../clock.ts';
import type { AnyOperation, Call } from '../service/index.ts';
import { deleteInSteps, type Store } from '../store/index.ts';
import { auditOperations } from './operations.ts';
import { writeRefusals } from './queries.ts';
import { Refusals } from './refusals.ts';
import { timePrefix } from './sortable-id.ts';

export type { AuditDetail } from './detail.ts';
export { type AuditEntry, principalName, recordAudit } from './record.ts';
export { sortableId, timePrefix } from './sortable-id.ts';

/** The audit trail of one server. */
export interface Audit {
  readonly operations: readonly AnyOperation[];
  /** Notes that an authenticated caller was refused. Synchronous; written within two seconds. */
  refused(call: Call, resource: string, code: string): void;
  /** Writes what waits; resolves when it is on disk. */
  flush(): Promise<void>;
  /** Deletes what is older than the retention, in small steps; answers how many rows went. */
  sweep(): Promise<number>;
  /** Writes what waits and stops. */
  close(): Promise<void>;
}

/** What the audit trail needs. */
export interface AuditDeps {
  readonly store: Store;
  readonly clock: Clock;
  /** How many days rows are kept; asked at each sweep. 400 when left out. */
  readonly retentionDays?: () => number;
  /** Told when refusals couldn't be written; they are kept and tried again. */
  readonly onError?: (error: unknown) => void;
}

const flushPeriod = 2000;
const day = 86_400_000;

/** Opens the audit trail. */
export function openAudit(deps: AuditDeps): Audit {
  const { store, clock } = deps;
  const refusals = new Refusals();
  let flushing: Promise<void> = Promise.resolve();

  async function writeWaiting(): Promise<void> {
    const rows = refusals.take();
    if (rows.length === 0) return;
    try {
      await store.write((tx) => writeRefusals(tx, rows));
    } catch (error) {
      refusals.giveBack(rows);
      deps.onError?.(error);
    }
  }
  function flush(): Promise<void> {
    flushing = flushing.then(writeWaiting);
    return flushing;
  }
  const timer = clock.every(flushPeriod, () => void flush());

  return {
    operations: auditOperations({ store }),
    refused: (call, resource, code) => refusals.add(call, resource, code),
    flush,
    sweep() {
      const before = timePrefix(clock.now() - (deps.retentionDays?.() ?? 400) * day);
      return deleteInSteps(store, 'audit', (row) => row('audit_id', '<', before));
    },
    async close() {
      timer.cancel();
      await flush();
    },
  };
}
