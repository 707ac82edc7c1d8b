/**
 * Events: what happened by itself and an operator wants to know later (early loss suspended, a clone seen,
 * a certificate renewed). What people do is in the audit trail.
 */
import { sortableId, timePrefix } from '../audit/index.ts';
import type { Clock } from '../clock.ts';
import type { AnyOperation } from '../service/index.ts';
import { deleteInSteps, type Store, type WriteTx } from '../store/index.ts';
import { openFollowing } from './operations.ts';

/** Something that happened. */
export interface NewEvent {
  readonly region: string;
  /** Kebab-case, e.g. `clone-seen`. */
  readonly kind: string;
  /** Whom it is about: a node id, a server id, a file. */
  readonly subject: string;
  /** One sentence for a person. Never a secret. */
  readonly detail: string;
}

/** The events of one server. */
export interface Events {
  readonly operations: readonly AnyOperation[];
  /** Appends an event in the caller's transaction. */
  record(tx: WriteTx, event: NewEvent): Promise<void>;
  /** Deletes what is older than the retention, in small steps; answers how many went. */
  sweep(): Promise<number>;
  /** Lets nobody wait for events any more: the server stops. */
  drain(): void;
}

/** What the events need. */
export interface EventsDeps {
  readonly store: Store;
  readonly clock: Clock;
  /** How many days events are kept; asked at each sweep. 90 when left out. */
  readonly retentionDays?: () => number;
}

const day = 86_400_000;

/** Opens the events. */
export function openEvents({ store, clock, retentionDays }: EventsDeps): Events {
  const following = openFollowing({ store, clock });
  return {
    operations: following.operations,
    drain: following.drain,
    async record(tx, { region, kind, subject, detail }) {
      const at = clock.now();
      await tx
        .in(region)
        .insertInto('events')
        .values({ event_id: sortableId(at), at, kind, subject, detail: detail.slice(0, 1000) })
        .execute();
      tx.afterCommit(following.happened);
    },
    sweep() {
      const before = timePrefix(clock.now() - (retentionDays?.() ?? 90) * day);
      return deleteInSteps(store, 'events', (row) => row('event_id', '<', before));
    },
  };
}
