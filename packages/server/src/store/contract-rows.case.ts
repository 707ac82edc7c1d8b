/** The rows with which the contract is tried. */
import { randomBytes } from 'node:crypto';
import type { OmitRegion, Store, WriteTx } from './index.ts';

/** A name that no other case uses. */
export function fresh(): string {
  return `r-${randomBytes(6).toString('hex')}`;
}

export function tag(key: string, value = ''): OmitRegion<'tags'> {
  return { resource_type: 't', resource_id: 'r', key, value };
}

export async function addTag(tx: WriteTx, region: string, key: string, value = ''): Promise<void> {
  await tx.in(region).insertInto('tags').values(tag(key, value)).execute();
}

export async function keptUse(tx: WriteTx): Promise<void> {
  await tx.everywhere.selectFrom('tags').selectAll().execute();
}

export function keysIn(store: Store, region: string): Promise<string[]> {
  return store.read(async (tx) =>
    (await tx.in(region).selectFrom('tags').select('key').orderBy('key').execute()).map(({ key }) => key),
  );
}
