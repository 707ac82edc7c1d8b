/** `Rollcall.ListEvents`: what happened by itself, newest first; or what comes after something, as it comes. */
import type { ListEventsInput, ListEventsOutput } from '@rollcall/wire';
import type { Clock } from '../clock.ts';
import {
  type AnyOperation,
  type Call,
  operation,
  present,
  Refusal,
  readToken,
  writeToken,
} from '../service/index.ts';
import type { EventsRow, ReadTx, Store } from '../store/index.ts';
import { causesOf, type EventCause, type EventFilter, eventPage } from './queries.ts';

/**
 * Servers that share a database commit side by side: an event may come to light after one with a later id. So long,
 * in milliseconds, those who follow are told of nothing that is newer.
 */
const settling = 1_000;
/** How often it is looked for the events of other servers. */
const lookAgain = 1_000;

/** The operations, and their end: nobody waits any more when the server stops. */
export interface Following {
  readonly operations: readonly AnyOperation[];
  /** An event of this server was committed. */
  happened(): void;
  drain(): void;
}

/** Declares the operations of the events. */
export function openFollowing({ store, clock }: { store: Store; clock: Clock }): Following {
  const waiting = new Set<() => void>();
  const alone = store.dialect === 'sqlite';
  let draining = false;

  async function following(call: Call, input: ListEventsInput, after: string): Promise<Event[]> {
    const until = clock.monotonic() + (input.WaitSeconds ?? 0) * 1000;
    for (;;) {
      // Listens before it looks, so that nothing can happen in between.
      const left = until - clock.monotonic();
      const { promise: news, resolve } = Promise.withResolvers<void>();
      waiting.add(resolve);
      const timer = clock.after(Math.max(0, alone ? left : Math.min(left, lookAgain)), resolve);
      call.gone?.addEventListener('abort', () => resolve(), { once: true });
      try {
        const found = await store.read((tx) =>
          described(tx, call.region, {
            subject: input.Subject,
            after,
            until: alone ? undefined : clock.now() - settling,
            limit: input.MaxResults ?? 50,
          }),
        );
        if (found.length > 0 || left <= 0 || draining || call.gone?.aborted) return found;
        await news;
      } finally {
        waiting.delete(resolve);
        timer.cancel();
      }
    }
  }
  function wake(): void {
    for (const resolve of waiting) resolve();
  }

  const operations = [
    operation<ListEventsInput, ListEventsOutput>({
      service: 'rollcall',
      name: 'ListEvents',
      access: { by: 'policy', action: 'rollcall:ListEvents', resources: () => ['*'] },
      changes: false,
      waits: true,
      async handle(call, input) {
        const { MaxResults: limit = 50, NextToken, After, WaitSeconds, ...question } = input;
        if (After !== undefined) {
          if (NextToken !== undefined) {
            throw new Refusal(
              'ValidationException',
              'After and NextToken go in opposite directions: give one.',
            );
          }
          return { Events: await following(call, input, After) };
        }
        if (WaitSeconds !== undefined) {
          throw new Refusal(
            'ValidationException',
            'WaitSeconds goes with After: the id of the last event known.',
          );
        }
        const before = readToken(['ListEvents', call.region, question], NextToken, [''])?.[0];
        const found = await store.read((tx) =>
          described(tx, call.region, { subject: input.Subject, before, limit: limit + 1 }),
        );
        const page = found.slice(0, limit);
        const last = page.at(-1);
        return {
          Events: page,
          ...(found.length > limit &&
            last && { NextToken: writeToken(['ListEvents', call.region, question], [last.Id]) }),
        };
      },
    }),
  ];
  return {
    operations,
    happened: wake,
    drain() {
      draining = true;
      wake();
    },
  };
}

type Event = ListEventsOutput['Events'][number];

/** A page of events, each with its cause where it has one. */
async function described(tx: ReadTx, region: string, filter: EventFilter): Promise<Event[]> {
  const rows = await eventPage(tx, region, filter);
  const causes = await causesOf(tx, region, rows);
  return rows.map((row) => inWire(row, causes.get(row.event_id)));
}

function inWire(row: EventsRow, why: EventCause | undefined): Event {
  return present<Event>({
    Id: row.event_id,
    At: new Date(row.at),
    Region: row.region,
    Kind: row.kind,
    Subject: row.subject,
    Detail: row.detail,
    Cause: why?.cause,
    Confidence: why?.confidence,
  });
}
