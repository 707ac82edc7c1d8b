/** `Rollcall.ListEvents`: what happened by itself, newest first. */
import type { ListEventsInput, ListEventsOutput } from '@rollcall/wire';
import { type AnyOperation, operation, readToken, writeToken } from '../service/index.ts';
import type { Store } from '../store/index.ts';
import { eventPage } from './queries.ts';

/** Declares the operations of the events. */
export function eventOperations({ store }: { store: Store }): readonly AnyOperation[] {
  return [
    operation<ListEventsInput, ListEventsOutput>({
      service: 'rollcall',
      name: 'ListEvents',
      access: { by: 'policy', action: 'rollcall:ListEvents', resources: () => ['*'] },
      changes: false,
      async handle(call, input) {
        const { MaxResults: limit = 50, NextToken, ...question } = input;
        const before = readToken(['ListEvents', call.region, question], NextToken, [''])?.[0];
        const rows = await store.read((tx) =>
          eventPage(tx, call.region, { subject: input.Subject, before, limit: limit + 1 }),
        );
        const page = rows.slice(0, limit);
        const last = page.at(-1);
        return {
          Events: page.map((row) => ({
            Id: row.event_id,
            At: new Date(row.at),
            Region: row.region,
            Kind: row.kind,
            Subject: row.subject,
            Detail: row.detail,
          })),
          ...(rows.length > limit &&
            last && { NextToken: writeToken(['ListEvents', call.region, question], [last.event_id]) }),
        };
      },
    }),
  ];
}
