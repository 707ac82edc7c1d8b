/** What happens, as it happens: the newest events, and from then on each one as the server tells it. */
import type { EventRecord, ListEventsOutput } from '@rollcall/wire';
import type { Client } from './client.ts';
import { type InsistOptions, insist, pause } from './insist.ts';
import type { Wire } from './wire.ts';

/** An event as it stands in JSON. */
export type Event = Wire<EventRecord>;

/** What to follow. */
export interface FollowEventsOptions extends InsistOptions {
  readonly subject?: string | undefined;
  /** So many of those that have been, the oldest of them first. */
  readonly before?: number;
  /** Seconds after which nothing is said once, so that the reader can do something else. */
  readonly patience?: number;
}

const atOnce = 200;

/** Hands over events, a few at once; an empty list when nothing has happened for a while. */
export async function* followEvents(
  client: Client,
  options: FollowEventsOptions = {},
): AsyncGenerator<readonly Event[], void, undefined> {
  const about = options.subject === undefined ? {} : { Subject: options.subject };
  const call = (input: object) =>
    insist(
      () =>
        client.call<Wire<ListEventsOutput>>(
          'rollcall',
          'ListEvents',
          { ...about, ...input },
          options.signal ? { signal: options.signal } : {},
        ),
      options,
    );
  const latest = await call({ MaxResults: Math.max(1, options.before ?? 0) });
  if (!latest) return;
  let After = latest.Events[0]?.Id ?? '0';
  yield latest.Events.slice(0, options.before ?? 0).reverse();
  while (!options.signal?.aborted) {
    const asked = performance.now();
    const news = await call({ After, MaxResults: atOnce, WaitSeconds: options.patience ?? 15 });
    if (!news) return;
    After = news.Events.at(-1)?.Id ?? After;
    yield news.Events;
    // A server that is about to stop answers at once.
    if (news.Events.length === 0 && performance.now() - asked < 500) await pause(500, options.signal);
  }
}
