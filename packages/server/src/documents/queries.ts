/** The SQL of documents. */
import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { DocumentSharesRow, DocumentVersionsRow, ReadTx, WriteTx } from '../store/index.ts';
import type { Condition } from './filters.ts';

/** What is known of a version, without its content, and of its document. */
export interface VersionHead extends Omit<DocumentVersionsRow, 'region' | 'content' | 'text'> {
  readonly default_version: number;
  readonly latest_version: number;
}

/** Which version is meant. */
export type Wanted =
  | 'default'
  | 'latest'
  | { readonly version: number; readonly versionName?: string }
  | { readonly versionName: string };

const latestVersion = sql<number>`(SELECT max(v.version) FROM document_versions v
  WHERE v.region = document_versions.region AND v.name = document_versions.name)`;

function heads(tx: ReadTx, region: string) {
  return tx
    .in(region)
    .selectFrom('document_versions')
    .innerJoin('documents', (join) =>
      join
        .onRef('documents.region', '=', 'document_versions.region')
        .onRef('documents.name', '=', 'document_versions.name'),
    )
    .select([
      'document_versions.name',
      'document_versions.version',
      'document_versions.version_name',
      'document_versions.created_at',
      'document_versions.created_by',
      'document_versions.format',
      'document_versions.schema_version',
      'document_versions.hash',
      'document_versions.display_name',
      'document_versions.target_type',
      'document_versions.platform_types',
      'documents.default_version',
      latestVersion.as('latest_version'),
    ]);
}

/** A version of a document, if it is there. */
export async function findVersion(
  tx: ReadTx,
  region: string,
  name: string,
  wanted: Wanted,
): Promise<VersionHead | undefined> {
  let query = heads(tx, region).where('document_versions.name', '=', name);
  if (wanted === 'default') {
    query = query.whereRef('document_versions.version', '=', 'documents.default_version');
  } else if (wanted === 'latest') {
    query = query.where('document_versions.version', '=', latestVersion);
  } else {
    if ('version' in wanted) query = query.where('document_versions.version', '=', wanted.version);
    if (wanted.versionName !== undefined) {
      query = query.where('document_versions.version_name', '=', wanted.versionName);
    }
  }
  return query.executeTakeFirst();
}

/** What a version says: as it was sent, and as JSON. */
export function contentOf(
  tx: ReadTx,
  region: string,
  name: string,
  version: number,
): Promise<{ content: string; text: string } | undefined> {
  return tx
    .in(region)
    .selectFrom('document_versions')
    .select(['content', 'text'])
    .where('name', '=', name)
    .where('version', '=', version)
    .executeTakeFirst();
}

/** Whether there is a document of this name. */
export async function documentExists(tx: ReadTx, region: string, name: string): Promise<boolean> {
  const row = await tx
    .in(region)
    .selectFrom('documents')
    .select('name')
    .where('name', '=', name)
    .executeTakeFirst();
  return row !== undefined;
}

/** The default versions of all documents that fit, by name. */
export function listDocuments(
  tx: ReadTx,
  region: string,
  conditions: readonly Condition[],
  after: string | undefined,
  limit: number,
): Promise<VersionHead[]> {
  let query = heads(tx, region).whereRef('document_versions.version', '=', 'documents.default_version');
  for (const condition of conditions) query = query.where(conditionSql(region, condition));
  if (after !== undefined) query = query.where('document_versions.name', '>', after);
  return query.orderBy('document_versions.name').limit(limit).execute();
}

function conditionSql(region: string, { field, values }: Condition): RawBuilder<SqlBool> {
  const any = (tests: readonly RawBuilder<unknown>[]) =>
    sql<SqlBool>`(${tests.length === 0 ? sql`1 = 0` : sql.join([...tests], sql` OR `)})`;
  const name = sql.ref('document_versions.name');
  switch (field) {
    case 'name':
      return any(values.map((one) => sql`substr(${name}, 1, ${sql.lit([...one].length)}) = ${one}`));
    case 'platform':
      return any(values.map((one) => contains(sql`document_versions.platform_types`, JSON.stringify(one))));
    case 'targetType':
      return any(values.map((one) => sql`document_versions.target_type = ${one}`));
    case 'type':
      return any(values.includes('Command') ? [sql`1 = 1`] : []);
    case 'owner':
      return any(values.map(ownerSql));
    case 'keyword':
      return any(
        values.flatMap((one) => [
          contains(sql`lower(${name})`, one.toLowerCase()),
          contains(sql`lower(document_versions.display_name)`, one.toLowerCase()),
        ]),
      );
    default: {
      const key = field.slice('tag:'.length);
      return sql<SqlBool>`${name} IN (SELECT tags.resource_id FROM tags WHERE tags.region = ${region}
        AND tags.resource_type = 'Document' AND tags.key = ${key}
        AND ${any(values.map((one) => sql`tags.value = ${one}`))})`;
    }
  }
}

function contains(value: RawBuilder<unknown>, part: string): RawBuilder<unknown> {
  return sql`${value} LIKE ${`%${part.replace(/[\\%_]/g, (mark) => `\\${mark}`)}%`} ESCAPE '\\'`;
}

function ownerSql(owner: string): RawBuilder<unknown> {
  switch (owner) {
    case 'Self':
    case 'Private':
    case 'All':
      return sql`1 = 1`;
    case 'Public':
      return sql`EXISTS (SELECT 1 FROM document_shares s WHERE s.region = document_versions.region
        AND s.name = document_versions.name AND s.account_id = 'all')`;
    default:
      return sql`1 = 0`;
  }
}

/** The versions of a document after one, in order. */
export function listVersions(
  tx: ReadTx,
  region: string,
  name: string,
  after: number,
  limit: number,
): Promise<VersionHead[]> {
  return heads(tx, region)
    .where('document_versions.name', '=', name)
    .where('document_versions.version', '>', after)
    .orderBy('document_versions.version')
    .limit(limit)
    .execute();
}

/**
 * Takes a document for a change, so that others who change it wait; answers the number that its next version
 * gets, which is then taken when `takesVersion`. `undefined` when there is no such document.
 */
export async function lockDocument(
  tx: WriteTx,
  region: string,
  name: string,
  takesVersion = false,
): Promise<{ default_version: number; version: number } | undefined> {
  const row = await tx
    .in(region)
    .updateTable('documents')
    .set((eb) => ({ next_version: eb('next_version', '+', takesVersion ? 1 : 0) }))
    .where('name', '=', name)
    .returning(['default_version', 'next_version'])
    .executeTakeFirst();
  return row && { default_version: row.default_version, version: row.next_version - 1 };
}

/** How many documents the region has. */
export async function countDocuments(tx: ReadTx, region: string): Promise<number> {
  const row = await tx
    .in(region)
    .selectFrom('documents')
    .select((eb) => eb.fn.countAll<number | string>().as('count'))
    .executeTakeFirst();
  return Number(row?.count);
}

/** How many versions a document has. */
export async function countVersions(tx: ReadTx, region: string, name: string): Promise<number> {
  const row = await tx
    .in(region)
    .selectFrom('document_versions')
    .select((eb) => eb.fn.countAll<number | string>().as('count'))
    .where('name', '=', name)
    .executeTakeFirst();
  return Number(row?.count);
}

/** Makes a document whose first version is its default one; false when the name is taken. */
export async function insertDocument(
  tx: WriteTx,
  region: string,
  row: { name: string; created_at: number; created_by: string },
): Promise<boolean> {
  const result = await tx
    .in(region)
    .insertInto('documents')
    .values({ ...row, default_version: 1, next_version: 2 })
    .onConflict((conflict) => conflict.columns(['region', 'name']).doNothing())
    .executeTakeFirst();
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n;
}

/** Adds a version. */
export async function insertVersion(
  tx: WriteTx,
  region: string,
  row: Omit<DocumentVersionsRow, 'region'>,
): Promise<void> {
  await tx.in(region).insertInto('document_versions').values(row).execute();
}

/** Removes one version. */
export async function deleteVersion(
  tx: WriteTx,
  region: string,
  name: string,
  version: number,
): Promise<void> {
  await tx
    .in(region)
    .deleteFrom('document_versions')
    .where('name', '=', name)
    .where('version', '=', version)
    .execute();
}

/** Removes a document with all its versions. */
export async function deleteDocument(tx: WriteTx, region: string, name: string): Promise<void> {
  for (const table of ['document_versions', 'documents'] as const) {
    await tx.in(region).deleteFrom(table).where('name', '=', name).execute();
  }
}

/** Says which version is meant when none is named. */
export async function setDefaultVersion(
  tx: WriteTx,
  region: string,
  name: string,
  version: number,
): Promise<void> {
  await tx
    .in(region)
    .updateTable('documents')
    .set({ default_version: version })
    .where('name', '=', name)
    .execute();
}

/** With which accounts a document is shared, by account. */
export function listShares(
  tx: ReadTx,
  region: string,
  name: string,
  after = '',
  limit = 10_000,
): Promise<DocumentSharesRow[]> {
  return tx
    .in(region)
    .selectFrom('document_shares')
    .selectAll()
    .where('name', '=', name)
    .where('account_id', '>', after)
    .orderBy('account_id')
    .limit(limit)
    .execute();
}

/** Shares a document with accounts, or changes which version they get. */
export async function putShares(
  tx: WriteTx,
  region: string,
  name: string,
  accountIds: readonly string[],
  sharedVersion: string,
): Promise<void> {
  if (accountIds.length === 0) return;
  await tx
    .in(region)
    .insertInto('document_shares')
    .values(accountIds.map((account_id) => ({ name, account_id, shared_version: sharedVersion })))
    .onConflict((conflict) =>
      conflict
        .columns(['region', 'name', 'account_id'])
        .doUpdateSet((row) => ({ shared_version: row.ref('excluded.shared_version') })),
    )
    .execute();
}

/** Ends sharing with accounts. */
export async function removeShares(
  tx: WriteTx,
  region: string,
  name: string,
  accountIds: readonly string[],
): Promise<void> {
  if (accountIds.length === 0) return;
  await tx
    .in(region)
    .deleteFrom('document_shares')
    .where('name', '=', name)
    .where('account_id', 'in', accountIds)
    .execute();
}
