/**
 * What is in our books, for the door's memory: knocks that name one of these are kept longer than strangers'.
 */
import type { Store } from '../store/index.ts';

/** Every node id, activation id and access key id that was ever given out and not deleted. */
export function claimsInOurBooks(store: Store): Promise<string[]> {
  return store.read(async ({ everywhere }) => {
    const nodes = await everywhere.selectFrom('nodes').select('node_id as id').execute();
    const activations = await everywhere.selectFrom('activations').select('activation_id as id').execute();
    const keys = await everywhere.selectFrom('access_keys').select('access_key_id as id').execute();
    return [...nodes, ...activations, ...keys].map(({ id }) => id);
  });
}

/** Whether a claim is one of them; for those that another server has added meanwhile. */
export function isInOurBooks(store: Store, claim: string): Promise<boolean> {
  return store.read(async ({ everywhere }) => {
    if (claim.startsWith('A')) {
      return !!(await everywhere
        .selectFrom('access_keys')
        .select('access_key_id')
        .where('access_key_id', '=', claim)
        .executeTakeFirst());
    }
    if (/^m?i-/.test(claim)) {
      return !!(await everywhere
        .selectFrom('nodes')
        .select('node_id')
        .where('node_id', '=', claim)
        .executeTakeFirst());
    }
    return !!(await everywhere
      .selectFrom('activations')
      .select('activation_id')
      .where('activation_id', '=', claim)
      .executeTakeFirst());
  });
}

/** Refusals that named a claim, folded by reason, from what the door remembers. */
export function refusalsOf(
  store: Store,
  claim: string,
): Promise<{ reason: string; count: number; lastAt: number }[]> {
  return store.read(async ({ everywhere }) => {
    const rows = await everywhere
      .selectFrom('knocks')
      .select(({ fn }) => ['reason', fn.sum<number>('count').as('count'), fn.max('last_at').as('lastAt')])
      .where('claim', '=', claim)
      .groupBy('reason')
      .execute();
    return rows.map(({ reason, count, lastAt }) => ({
      reason,
      count: Number(count),
      lastAt: Number(lastAt),
    }));
  });
}
