/** Mass losses are kept in the settings, so that every server says the same of a node. */
import type { ReadTx, WriteTx } from '../store/index.ts';
import { longestPeriod, type MassLoss } from './status.ts';

const name = 'presence.mass-losses';

/** Those that can still matter. */
export async function readMassLosses(tx: ReadTx, now: number): Promise<MassLoss[]> {
  const row = await tx.everywhere
    .selectFrom('settings')
    .select('value')
    .where('region', '=', '')
    .where('name', '=', name)
    .executeTakeFirst();
  const losses: MassLoss[] = row ? JSON.parse(row.value) : [];
  return losses.filter((loss) => loss.to > now - longestPeriod * 1000);
}

/** Adds a mass loss, or prolongs the one with the same beginning. */
export async function writeMassLoss(
  tx: WriteTx,
  loss: MassLoss,
  serverId: string,
  now: number,
): Promise<void> {
  const others = (await readMassLosses(tx, now)).filter(({ from }) => from !== loss.from);
  const row = {
    region: '',
    name,
    value: JSON.stringify([...others, { from: loss.from, to: loss.to }]),
    changed_at: now,
    changed_by: serverId,
  };
  await tx.everywhere
    .insertInto('settings')
    .values(row)
    .onConflict((conflict) => conflict.columns(['region', 'name']).doUpdateSet(row))
    .execute();
}
