/** The SQL of users and access keys. */
import { sql } from 'kysely';
import type { AccessKeysRow, ReadTx, UsersRow, WriteTx } from '../store/index.ts';

/** Everybody and every key. Users are people and programs, not machines: few. */
export async function everyUser(tx: ReadTx): Promise<{ users: UsersRow[]; keys: AccessKeysRow[] }> {
  const users = await tx.everywhere.selectFrom('users').selectAll().orderBy('user_name').execute();
  const keys = await tx.everywhere
    .selectFrom('access_keys')
    .selectAll()
    .orderBy('created_at')
    .orderBy('access_key_id')
    .execute();
  return { users, keys };
}

export function findUser(tx: ReadTx, name: string): Promise<UsersRow | undefined> {
  return tx.everywhere.selectFrom('users').selectAll().where('user_name', '=', name).executeTakeFirst();
}

export function keysOf(tx: ReadTx, name: string): Promise<AccessKeysRow[]> {
  return tx.everywhere.selectFrom('access_keys').selectAll().where('user_name', '=', name).execute();
}

export function findKey(tx: ReadTx, id: string): Promise<AccessKeysRow | undefined> {
  return tx.everywhere
    .selectFrom('access_keys')
    .selectAll()
    .where('access_key_id', '=', id)
    .executeTakeFirst();
}

export async function insertUser(tx: WriteTx, row: UsersRow): Promise<boolean> {
  const result = await tx.everywhere
    .insertInto('users')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return Number(result.numInsertedOrUpdatedRows ?? 0) > 0;
}

export async function insertKey(tx: WriteTx, row: AccessKeysRow): Promise<void> {
  await tx.everywhere.insertInto('access_keys').values(row).execute();
}

export async function setPolicy(tx: WriteTx, name: string, policy: string): Promise<void> {
  await tx.everywhere.updateTable('users').set({ policy }).where('user_name', '=', name).execute();
}

export async function setKeyStatus(tx: WriteTx, id: string, status: AccessKeysRow['status']): Promise<void> {
  await tx.everywhere.updateTable('access_keys').set({ status }).where('access_key_id', '=', id).execute();
}

export async function removeKey(tx: WriteTx, id: string): Promise<void> {
  await tx.everywhere.deleteFrom('access_keys').where('access_key_id', '=', id).execute();
}

export async function removeUser(tx: WriteTx, name: string): Promise<void> {
  await tx.everywhere.deleteFrom('access_keys').where('user_name', '=', name).execute();
  await tx.everywhere.deleteFrom('users').where('user_name', '=', name).execute();
}

/**
 * Makes changes of users and keys wait for each other until commit: who may be the last administrator is a
 * question about all of them.
 */
export async function oneAtATime(tx: WriteTx): Promise<void> {
  // SQLite has one writer anyway.
  if (tx.dialect === 'postgres')
    await sql`LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE`.execute(tx.everywhere);
}
