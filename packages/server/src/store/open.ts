/** Opens the store of either kind. */
import { type Clock, systemClock } from '../clock.ts';
import type { Store } from './contract.ts';
import type { GroupLimits, GroupReport } from './group.ts';
import { openSqlite } from './sqlite/open.ts';

/** Where the store is. */
export type StorePlace =
  | { readonly kind: 'sqlite'; readonly directory: string }
  /** Several servers may share a database; who holds what among them is a matter of leases, not of the store. */
  | { readonly kind: 'postgres'; readonly url: string };

/** What may be passed in. */
export interface StoreOptions {
  readonly clock?: Clock;
  readonly limits?: GroupLimits;
  /** Told of bugs that harm nobody, e.g. an `afterCommit` callback that throws. A process warning unless given. */
  readonly report?: (error: unknown) => void;
  /** Told before and after each commit: for metrics, and for tests that stop the server there. */
  readonly observe?: (report: GroupReport) => void;
}

/** Opens the store, bringing its schema up to date. Throws a `StoreError` whose message says what to do. */
export async function openStore(place: StorePlace, options: StoreOptions = {}): Promise<Store> {
  const common = {
    clock: options.clock ?? systemClock(),
    report: options.report ?? warn,
    ...(options.limits && { limits: options.limits }),
    ...(options.observe && { observe: options.observe }),
  };
  if (place.kind === 'sqlite') return openSqlite({ directory: place.directory, ...common });
  // Its driver is for those who have a PostgreSQL.
  const { openPostgres } = await import('./postgres/open.ts');
  return openPostgres({ url: place.url, ...common });
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}
