/** `Rollcall.ListEvents`: what happened by itself, newest first. */
import type { ListEventsInput, ListEventsOutput } from '@rollcall/wire';
import { readPageToken, writePageToken } from '../audit/index.ts';
import { type AnyOperation, operation } from '../service/index.ts';
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
        const limit = input.MaxResults ?? 50;
        const before = input.NextToken ? String(readPageToken(input.NextToken, ['string'])[0]) : undefined;
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
          ...(rows.length > limit && last && { NextToken: writePageToken([last.event_id]) }),
        };
      },
    }),
  ];
}
