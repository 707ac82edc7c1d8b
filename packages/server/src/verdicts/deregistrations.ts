/** Deregistrations as events. One hand that takes out many within minutes is one event: a script, or a mistake. */
import type { Events } from '../events/index.ts';
import type { WriteTx } from '../store/index.ts';

const tenMinutes = 600_000;
/** Up to so many, each is told by itself. */
const fewest = 10;
const kind = 'deregistered-in-bulk';

/** Tells of a node that was deregistered, in the transaction in which it was. */
export async function tellDeregistration(
  tx: WriteTx,
  events: Pick<Events, 'record'>,
  { region, nodeId }: { readonly region: string; readonly nodeId: string },
  now: number,
): Promise<void> {
  const books = tx.in(region);
  const row = await books
    .selectFrom('nodes')
    .select('deregistered_by')
    .where('node_id', '=', nodeId)
    .executeTakeFirst();
  const by = row?.deregistered_by ?? 'somebody';
  const counted = await books
    .selectFrom('nodes')
    .select((select) => select.fn.countAll<number | string>().as('count'))
    .where('deregistered_at', '>', now - tenMinutes)
    .where('deregistered_by', '=', by)
    .executeTakeFirst();
  const count = Number(counted?.count ?? 0);
  if (count <= fewest) {
    await events.record(tx, {
      region,
      kind: 'node-deregistered',
      subject: nodeId,
      detail: 'It was deregistered: the audit trail says by whom.',
    });
    return;
  }
  const detail = `${by} deregistered ${count} nodes within ten minutes. To bring one back: rollcall node restore ID`;
  const told = await books
    .updateTable('events')
    .set({ detail: detail.slice(0, 1000) })
    .where('subject', '=', by)
    .where('kind', '=', kind)
    .where('at', '>', now - tenMinutes)
    .executeTakeFirst();
  if (told.numUpdatedRows === 0n) await events.record(tx, { region, kind, subject: by, detail });
}
