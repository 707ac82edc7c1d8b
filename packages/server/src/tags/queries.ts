/** The SQL of tags. */
import type { Tag } from '@aws-sdk/client-ssm';
import type { ReadTx, WriteTx } from '../store/index.ts';

/** Sets tags; those that are there get the new value. */
export async function putTags(
  tx: WriteTx,
  region: string,
  type: string,
  id: string,
  tags: readonly Tag[],
): Promise<void> {
  if (tags.length === 0) return;
  await tx
    .in(region)
    .insertInto('tags')
    .values(
      tags.map((tag) => ({
        resource_type: type,
        resource_id: id,
        key: tag.Key ?? '',
        value: tag.Value ?? '',
      })),
    )
    .onConflict((conflict) =>
      conflict
        .columns(['region', 'resource_type', 'resource_id', 'key'])
        .doUpdateSet((row) => ({ value: row.ref('excluded.value') })),
    )
    .execute();
}

/** Removes tags; those that aren't there are no error. */
export async function removeTags(
  tx: WriteTx,
  region: string,
  type: string,
  id: string,
  keys: readonly string[],
): Promise<void> {
  if (keys.length === 0) return;
  await tx
    .in(region)
    .deleteFrom('tags')
    .where('resource_type', '=', type)
    .where('resource_id', '=', id)
    .where('key', 'in', keys)
    .execute();
}

/** Removes all tags of a resource. */
export async function dropTags(tx: WriteTx, region: string, type: string, id: string): Promise<void> {
  await tx
    .in(region)
    .deleteFrom('tags')
    .where('resource_type', '=', type)
    .where('resource_id', '=', id)
    .execute();
}

/** The tags of a resource, by key. */
export async function tagsOf(tx: ReadTx, region: string, type: string, id: string): Promise<Tag[]> {
  const rows = await tx
    .in(region)
    .selectFrom('tags')
    .select(['key', 'value'])
    .where('resource_type', '=', type)
    .where('resource_id', '=', id)
    .orderBy('key')
    .execute();
  return rows.map((row) => ({ Key: row.key, Value: row.value }));
}

/** The tags of many resources of one type. */
export async function tagsOfMany(
  tx: ReadTx,
  region: string,
  type: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Tag[]>> {
  const tags = new Map<string, Tag[]>();
  if (ids.length === 0) return tags;
  const rows = await tx
    .in(region)
    .selectFrom('tags')
    .select(['resource_id', 'key', 'value'])
    .where('resource_type', '=', type)
    .where('resource_id', 'in', ids)
    .orderBy('resource_id')
    .orderBy('key')
    .execute();
  for (const row of rows) {
    const known = tags.get(row.resource_id);
    const tag = { Key: row.key, Value: row.value };
    if (known) known.push(tag);
    else tags.set(row.resource_id, [tag]);
  }
  return tags;
}
