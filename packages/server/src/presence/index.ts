/**
 * Presence: the last heartbeat and the control channel of each node, and what follows from them. Knows
 * nothing of what a node is beyond its id; keeps the leases of servers, because time in which nobody
 * listened is never a node's fault.
 */
import type { Clock } from '../clock.ts';
import type { AnyOperation } from '../service/index.ts';
import { deleteInSteps, type ReadTx, type ServersRow, type Store, type WriteTx } from '../store/index.ts';
import { blindTimes, type Interval, leaseRenewal } from './blindness.ts';
import { MassLossWatch } from './mass-loss.ts';
import { presenceOperations } from './operations.ts';
import { closings, insertPresence, openings, pings } from './queries.ts';
import { allServers, endLease, endOtherLeases, renewLease, startLease, tidyServers } from './servers.ts';
import {
  longestPeriod,
  type MassLoss,
  type NodePresence,
  type PresenceFacts,
  type PresenceView,
  statusOf,
} from './status.ts';
import { readMassLosses, writeMassLoss } from './stored-losses.ts';

export { type Interval, overlap } from './blindness.ts';
export {
  hiddenAfter,
  type NodePresence,
  type PingStatus,
  type PresenceFacts,
  type PresenceView,
} from './status.ts';
export { hiddenSql, onlineSql, statusSql } from './status-sql.ts';

/** Presence on one server. */
export interface Presence {
  readonly operations: readonly AnyOperation[];
  /**
   * A heartbeat arrived; resolves when it is on disk, with the node's period in seconds (`undefined` when
   * there is no such node). `skew` is how far the node's clock was ahead, in milliseconds, where it is known.
   */
  ping(region: string, nodeId: string, at: number, skew?: number): Promise<number | undefined>;
  /** A control channel opened on this server. Answers its epoch; `undefined` when there is no such node. */
  channelOpened(region: string, nodeId: string): Promise<number | undefined>;
  /**
   * A control channel ended: `node` closed it, went silent (`silence`), or we did (`server`). Answers
   * whether it was the newest. Not needed for the channels of a server that stops: its lease says it.
   */
  channelClosed(
    region: string,
    nodeId: string,
    epoch: number,
    by: 'node' | 'server' | 'silence',
  ): Promise<boolean>;
  /** Makes the row of a node that registers, in the transaction of the registration. */
  registered(tx: WriteTx, region: string, nodeId: string): Promise<void>;
  /** What a row amounts to now, or at the moment of a view. */
  statusOf(row: PresenceFacts, view?: PresenceView): NodePresence;
  /** What the servers know of themselves now; for {@link statusSql} and kin. */
  view(): PresenceView;
  /** Deletes history past its retention and rows of servers long gone, in small steps. */
  sweep(): Promise<number>;
  /** Says that this server listens no more. */
  close(): Promise<void>;
}

/** What presence needs. */
export interface PresenceDeps {
  readonly store: Store;
  readonly clock: Clock;
  /** Unique for each start of a server. */
  readonly serverId: string;
  /**
   * No other server can be on this store: whose lease still runs has died, and its channels with it. False
   * when left out.
   */
  readonly alone?: boolean;
  /** False: only heartbeats count, as strictly as AWS does. True when left out. */
  readonly earlyLoss?: () => boolean;
  /** How many days the history is kept; asked at each sweep. 90 when left out. */
  readonly retentionDays?: () => number;
  readonly hooks?: {
    /** Many nodes lost their channels at once; called once for each such time, outside of any transaction. */
    readonly onMassLoss?: (loss: { from: number; nodes: number; serverId: string }) => void;
  };
  /** Told when the lease couldn't be renewed; the time until it can counts as blind. */
  readonly onError?: (error: unknown) => void;
}

const day = 86_400_000;

/** When no server listened, by what is in the store at this moment; oldest first. */
export async function readBlindTimes(tx: ReadTx, now: number): Promise<readonly Interval[]> {
  return blindTimes(await allServers(tx), now);
}

/** Opens presence: from here on, this server counts as listening. */
export async function openPresence(deps: PresenceDeps): Promise<Presence> {
  const { store, clock, serverId } = deps;
  const earlyLoss = deps.earlyLoss ?? (() => true);
  const watch = new MassLossWatch();
  let servers: readonly ServersRow[] = [];
  let massLosses: readonly MassLoss[] = [];

  async function refresh(): Promise<void> {
    [servers, massLosses] = await store.read(async (tx) => [
      await allServers(tx),
      await readMassLosses(tx, clock.now()),
    ]);
  }
  await store.write(async (tx) => {
    if (deps.alone) await endOtherLeases(tx, clock.now());
    await startLease(tx, serverId, clock.now());
  });
  await refresh();

  let renewing: Promise<void> | undefined;
  const renewal = clock.every(leaseRenewal, () => {
    // One at a time: behind a slow disk they would queue, and each says the same.
    renewing ??= store
      .write((tx) => renewLease(tx, serverId, clock.now()))
      .then(refresh)
      .catch((error) => deps.onError?.(error))
      .finally(() => {
        renewing = undefined;
      });
  });

  function view(): PresenceView {
    const now = clock.now();
    return {
      now,
      blind: blindTimes(servers, now),
      lastStart: servers.at(-1)?.started_at ?? 0,
      liveServers: servers
        .filter((row) => row.stopped_at === null && row.lease_until > now)
        .map((row) => row.server_id),
      earlyLoss: earlyLoss(),
      massLosses: massLosses.filter((loss) => loss.to > now - longestPeriod * 1000),
    };
  }

  async function noteLoss(nodeId: string, epoch: number, at: number): Promise<void> {
    const loss = watch.lost(nodeId, epoch, at);
    if (!loss) return;
    massLosses = [...massLosses.filter(({ from }) => from !== loss.from), { from: loss.from, to: loss.to }];
    if (loss.fresh) deps.hooks?.onMassLoss?.({ from: loss.from, nodes: loss.nodes, serverId });
    await store.write((tx) => writeMassLoss(tx, loss, serverId, clock.now()));
  }

  return {
    operations: presenceOperations({ store, view }),
    view,
    ping: (region, nodeId, at, skew) => store.gather(pings, { region, nodeId, at, skew }),
    async channelOpened(region, nodeId) {
      const epoch = await store.gather(openings, { region, nodeId, at: clock.now(), server: serverId });
      if (epoch !== undefined) watch.opened(nodeId, epoch);
      return epoch;
    },
    async channelClosed(region, nodeId, epoch, by) {
      const at = clock.now();
      const ours = await store.gather(closings, { region, nodeId, at, epoch, by });
      if (ours && by !== 'server') await noteLoss(nodeId, epoch, at);
      else watch.released(nodeId, epoch);
      return ours;
    },
    registered: insertPresence,
    statusOf: (row, at) => statusOf(row, at ?? view()),
    async sweep() {
      const now = clock.now();
      const tidy = tidyServers(servers, blindTimes(servers, now), now);
      await store.write(async (tx) => {
        for (const row of tidy.longer) {
          await tx.everywhere
            .updateTable('servers')
            .set(row)
            .where('server_id', '=', row.server_id)
            .execute();
        }
        if (tidy.gone.length > 0) {
          await tx.everywhere.deleteFrom('servers').where('server_id', 'in', tidy.gone).execute();
        }
      });
      const old = await deleteInSteps(store, 'presence_history', (row) =>
        row('presence_history.at', '<', now - (deps.retentionDays?.() ?? 90) * day),
      );
      return tidy.gone.length + old;
    },
    async close() {
      renewal.cancel();
      await renewing;
      await store.write((tx) => endLease(tx, serverId, clock.now()));
    },
  };
}
