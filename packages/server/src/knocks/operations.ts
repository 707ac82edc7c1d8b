/** `Rollcall.ListKnocks`: who was turned away at the door, newest first. */
import type { KnockRecord, ListKnocksInput, ListKnocksOutput } from '@rollcall/wire';
import { type AnyOperation, operation, readToken, writeToken } from '../service/index.ts';
import type { KnocksRow, Store } from '../store/index.ts';
import { type KnockPlace, knockPage } from './queries.ts';

/** Declares the operations of the knocks. */
export function knockOperations({ store }: { store: Store }): readonly AnyOperation[] {
  return [
    operation<ListKnocksInput, ListKnocksOutput>({
      service: 'rollcall',
      name: 'ListKnocks',
      access: { by: 'policy', action: 'rollcall:ListKnocks', resources: () => ['*'] },
      changes: false,
      async handle(_call, input) {
        const limit = input.MaxResults ?? 50;
        const filter = { room: input.Room, claim: input.Claim, since: input.Since?.getTime() };
        const example: KnockPlace = [0, '', '', '', ''];
        const after = readToken(['ListKnocks', filter], input.NextToken, example);
        const { rows, total } = await store.read((tx) => knockPage(tx, filter, after, limit + 1));
        const page = rows.slice(0, limit);
        const last = page.at(-1);
        return {
          Knocks: page.map(knockRecord),
          Total: total,
          ...(rows.length > limit &&
            last && {
              NextToken: writeToken(
                ['ListKnocks', filter],
                [last.last_at, last.room, last.source, last.claim, last.reason],
              ),
            }),
        };
      },
    }),
  ];
}

function knockRecord(row: KnocksRow): KnockRecord {
  return {
    Room: row.room,
    Source: row.source,
    Address: row.address,
    ...(row.claim !== '' && { Claim: row.claim }),
    Reason: row.reason,
    Layer: row.layer,
    Client: row.client,
    FirstAt: new Date(row.first_at),
    LastAt: new Date(row.last_at),
    Count: row.count,
    ...(row.server_name !== null && { ServerName: row.server_name }),
    ...(row.region !== null && { Region: row.region }),
    ...(row.detail !== null && { Detail: row.detail }),
  };
}
