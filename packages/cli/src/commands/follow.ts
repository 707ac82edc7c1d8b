/**
 * Follows a command until it has ended on every node: hands over each end as it becomes known. A server that
 * doesn't answer for a while is asked again, since the command goes on without us.
 */
import type { WatchCommandOutput } from '@rollcall/wire';
import type { Client } from '../client.ts';
import { insist, pause } from '../insist.ts';
import type { Wire } from '../wire.ts';
import { isOver } from './outcome.ts';

/** What has become known at once. */
export type News = Wire<WatchCommandOutput>;

/** How to follow. */
export interface FollowOptions {
  /** Ends it: nothing more is handed over, and the call that waits is given up. */
  readonly signal?: AbortSignal;
  /** What there is now, without waiting for more. */
  readonly once?: boolean;
  /** Called when the server doesn't answer, with the reason, and with undefined when it does again. */
  onTrouble?(reason: string | undefined): void;
}

/** Seconds that the server holds a call in which nothing happens. */
const patience = 15;
/** Ends in one answer at most: with the largest outputs, a few megabytes. */
const atOnce = 200;

/** Everything that has become known, piece by piece; the last piece has a command that is over. */
export async function* follow(
  client: Client,
  CommandId: string,
  options: FollowOptions = {},
): AsyncGenerator<News, void, undefined> {
  let After = 0;
  let seen = 0;
  while (!options.signal?.aborted) {
    const asked = performance.now();
    const input = { CommandId, After, MaxResults: atOnce, WaitSeconds: options.once ? 0 : patience };
    const news = await insist(() => call(client, input, options), options);
    if (!news) return;
    After = news.Finished.at(-1)?.Number ?? After;
    seen += news.Finished.length;
    yield news;
    const isAll = news.Finished.length === 0 || seen >= news.Command.FinishedCount;
    if (isAll && (options.once || isOver(news.Command))) return;
    // A server that is about to stop answers at once.
    if (!news.Finished.length && performance.now() - asked < 500) await pause(500, options.signal);
  }
}

async function call(client: Client, input: object, { signal }: FollowOptions): Promise<News | undefined> {
  try {
    return await client.call<News>('rollcall', 'WatchCommand', input, signal ? { signal } : {});
  } catch (error) {
    if (signal?.aborted) return undefined;
    throw error;
  }
}
