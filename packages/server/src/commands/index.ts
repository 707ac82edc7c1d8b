/**
 * Run Command: what operators send, its life on each node, and what came of it. Knows no sockets: it is the
 * mailbox from which channels carry.
 */
import type { AnyOperation } from '../service/index.ts';
import type { WriteTx } from '../store/index.ts';
import { cancelOperation } from './cancel.ts';
import { FactsBook } from './command-facts.ts';
import type { CommandsCore, CommandsDeps } from './core.ts';
import { listOperations } from './lists.ts';
import { openMailbox } from './mailbox.ts';
import { outputOperations, sweepOutputs } from './outputs.ts';
import { sendOperation } from './send.ts';
import { type SettleNews, settle } from './settle.ts';
import { sweepCommands, sweepDeadlines } from './sweep.ts';
import { commandSubject, openWatching } from './watch.ts';

export type { CommandsDeps } from './core.ts';
export { cancelJobId, jobId } from './ids.ts';

/** Run Command on one server. */
export interface Commands {
  readonly operations: readonly AnyOperation[];
  /** What channels carry. */
  readonly mailbox: ReturnType<typeof openMailbox>;
  /** A node is registered no more: nothing waits for it, in the transaction in which it goes. */
  gone(tx: WriteTx, node: { readonly region: string; readonly nodeId: string }): Promise<void>;
  /** Gives up what is overdue. Done by itself, too. */
  expire(): Promise<number>;
  /** Deletes what is older than commands are kept, in small steps. */
  sweep(): Promise<number>;
  /** Lets nobody wait for results any more: the server stops. */
  drain(): void;
  close(): Promise<void>;
}

/** How often deadlines are looked at, in milliseconds. */
const expiryPeriod = 5_000;
const day = 86_400_000;

/** Opens Run Command. */
export function openCommands(deps: CommandsDeps): Commands {
  const { store, clock } = deps;
  const news: SettleNews = {
    released: (nodeId) => deps.hooks?.wake?.(nodeId),
    moved: (region, commandId) => deps.bus?.publish(commandSubject(region, commandId), ''),
  };
  const core: CommandsCore = { ...deps, book: new FactsBook(), news };
  const mailbox = openMailbox(core);
  const watching = openWatching(core);
  const expire = () => sweepDeadlines(core, mailbox.happen);

  let running: Promise<unknown> | undefined;
  const timer = clock.every(expiryPeriod, () => {
    running ??= expire()
      .catch((error) => deps.onError?.(error))
      .finally(() => {
        running = undefined;
      });
  });

  return {
    operations: [
      sendOperation(core),
      ...listOperations(core),
      cancelOperation(core),
      ...watching.operations,
      ...outputOperations(core),
    ],
    mailbox,
    async gone(tx, { region, nodeId }) {
      const live = await tx
        .in(region)
        .selectFrom('invocations')
        .select('command_id')
        .where('node_id', '=', nodeId)
        .where('ended_at', 'is', null)
        .execute();
      await settle(
        tx,
        core.book,
        news,
        clock.now(),
        live.map((row) => ({ region, commandId: row.command_id, nodeId, event: { kind: 'node-gone' } })),
      );
    },
    expire,
    async sweep() {
      const before = clock.now() - (deps.retentionDays?.() ?? 30) * day;
      const outputs = await sweepOutputs(store, before, deps.outputsLimit?.());
      return outputs + (await sweepCommands(store, before));
    },
    drain: watching.drain,
    async close() {
      timer.cancel();
      watching.drain();
      await running;
    },
  };
}
