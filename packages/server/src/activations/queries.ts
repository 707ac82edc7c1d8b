/** The SQL of activations. */
import { type SqlBool, sql } from 'kysely';
import type { ActivationsRow, ReadTx, WriteTx } from '../store/index.ts';

/** An activation of a region. */
export function findActivation(
  tx: ReadTx,
  region: string,
  activationId: string,
): Promise<ActivationsRow | undefined> {
  return tx
    .in(region)
    .selectFrom('activations')
    .selectAll()
    .where('activation_id', '=', activationId)
    .executeTakeFirst();
}

/** The region that an activation is in, of those asked for. */
export async function regionOfActivation(
  tx: ReadTx,
  regions: readonly string[],
  activationId: string,
): Promise<string | undefined> {
  for (const region of regions) {
    if (await findActivation(tx, region, activationId)) return region;
  }
  return undefined;
}

/** Takes one registration of what is left. Answers false, changing nothing, when there is none or it is too late. */
export async function takeRegistration(
  tx: WriteTx,
  region: string,
  activationId: string,
  now: number,
): Promise<boolean> {
  const result = await tx
    .in(region)
    .updateTable('activations')
    .set((row) => ({ registrations_count: row('registrations_count', '+', 1) }))
    .where('activation_id', '=', activationId)
    .where('expires_at', '>', now)
    .where((row) => row('registrations_count', '<', row.ref('registration_limit')))
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

/** Gives a registration back that turned out not to be needed. */
export async function returnRegistration(tx: WriteTx, region: string, activationId: string): Promise<void> {
  await tx
    .in(region)
    .updateTable('activations')
    .set((row) => ({ registrations_count: row('registrations_count', '-', 1) }))
    .where('activation_id', '=', activationId)
    .execute();
}

/** The registered node that this activation gave a key, if it did. */
export async function nodeWithKey(
  tx: ReadTx,
  region: string,
  activationId: string,
  publicKey: string,
): Promise<{ node_id: string; fingerprint: string } | undefined> {
  return tx
    .in(region)
    .selectFrom('nodes')
    .select(['node_id', 'fingerprint'])
    .where('activation_id', '=', activationId)
    .where('public_key', '=', publicKey)
    .where('deregistered_at', 'is', null)
    .executeTakeFirst();
}

/** What a list of activations can be narrowed by. */
export interface ActivationCondition {
  readonly column: 'activation_id' | 'default_instance_name' | 'iam_role';
  readonly values: readonly string[];
}

/** Where a page ended. */
export type ActivationKey = readonly [createdAt: number, activationId: string];

/** A page of activations, in the order of their making. */
export function listActivations(
  tx: ReadTx,
  region: string,
  conditions: readonly ActivationCondition[],
  after: ActivationKey | undefined,
  limit: number,
): Promise<ActivationsRow[]> {
  let query = tx.in(region).selectFrom('activations').selectAll();
  for (const { column, values } of conditions) query = query.where(column, 'in', values);
  if (after) {
    query = query.where(
      sql<SqlBool>`(created_at, activation_id) > (CAST(${after[0]} AS BIGINT), ${after[1]})`,
    );
  }
  return query.orderBy('created_at').orderBy('activation_id').limit(limit).execute();
}
