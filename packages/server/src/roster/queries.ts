/** The SQL of the roster: what each source listed, and since when. */
import { sql } from 'kysely';
import {
  type MachineAddressesRow,
  type MachinesRow,
  type ReadTx,
  type RosterSourcesRow,
  rowsOf,
  type WriteTx,
} from '../store/index.ts';

/** The sources of a region, by name. */
export function allSources(tx: ReadTx, region: string): Promise<RosterSourcesRow[]> {
  return tx.in(region).selectFrom('roster_sources').selectAll().orderBy('source').execute();
}

/** One of them. */
export function findSource(
  tx: ReadTx,
  region: string,
  source: string,
): Promise<RosterSourcesRow | undefined> {
  return tx
    .in(region)
    .selectFrom('roster_sources')
    .selectAll()
    .where('source', '=', source)
    .executeTakeFirst();
}

/** How many machines each source has. */
export async function countMachines(
  tx: ReadTx,
  region: string,
): Promise<ReadonlyMap<string, { listed: number; retired: number }>> {
  const rows = await tx
    .in(region)
    .selectFrom('machines')
    .select((row) => [
      'source',
      row.fn.countAll<number | string>().as('all'),
      row.fn.count<number | string>('retired_at').as('retired'),
    ])
    .groupBy('source')
    .execute();
  return new Map(
    rows.map((row) => [
      row.source,
      { listed: Number(row.all) - Number(row.retired), retired: Number(row.retired) },
    ]),
  );
}

/** The machines of a source, or of all, retired ones too. */
export function allMachines(tx: ReadTx, region: string, source?: string): Promise<MachinesRow[]> {
  let query = tx.in(region).selectFrom('machines').selectAll();
  if (source !== undefined) query = query.where('source', '=', source);
  return query.orderBy('source').orderBy('machine_key').execute();
}

/** Every address of the machines of a source, or of all, that is or was theirs; oldest first. */
export function allAddresses(tx: ReadTx, region: string, source?: string): Promise<MachineAddressesRow[]> {
  let query = tx.in(region).selectFrom('machine_addresses').selectAll();
  if (source !== undefined) query = query.where('source', '=', source);
  return query.orderBy('source').orderBy('machine_key').orderBy('since').orderBy('address').execute();
}

/** One machine. */
export function findMachine(
  tx: ReadTx,
  region: string,
  source: string,
  key: string,
): Promise<MachinesRow | undefined> {
  return tx
    .in(region)
    .selectFrom('machines')
    .selectAll()
    .where('source', '=', source)
    .where('machine_key', '=', key)
    .executeTakeFirst();
}

/** The addresses of one machine, oldest first. */
export function addressesOf(
  tx: ReadTx,
  region: string,
  source: string,
  key: string,
): Promise<MachineAddressesRow[]> {
  return tx
    .in(region)
    .selectFrom('machine_addresses')
    .selectAll()
    .where('source', '=', source)
    .where('machine_key', '=', key)
    .orderBy('since')
    .orderBy('address')
    .execute();
}

/** Writes machines, new ones and changed ones. */
export async function writeMachines(
  tx: WriteTx,
  region: string,
  rows: readonly Omit<MachinesRow, 'region'>[],
): Promise<void> {
  for (const chunk of chunks(rows)) {
    await tx
      .in(region)
      .insertInto('machines')
      .values(chunk)
      .onConflict((conflict) =>
        conflict.columns(['region', 'source', 'machine_key']).doUpdateSet((set) => ({
          name: set.ref('excluded.name'),
          node_id: set.ref('excluded.node_id'),
          system_uuid: set.ref('excluded.system_uuid'),
          expected: set.ref('excluded.expected'),
          power: set.ref('excluded.power'),
          maintenance_until: set.ref('excluded.maintenance_until'),
          last_seen_at: set.ref('excluded.last_seen_at'),
          retired_at: set.ref('excluded.retired_at'),
          names: set.ref('excluded.names'),
          macs: set.ref('excluded.macs'),
        })),
      )
      .execute();
  }
}

/** Says when a source listed its machines last; one statement, however many. */
export async function seenAgain(tx: WriteTx, region: string, source: string, at: number): Promise<void> {
  await tx
    .in(region)
    .updateTable('machines')
    .set({ last_seen_at: at })
    .where('source', '=', source)
    .where('retired_at', 'is', null)
    .execute();
}

/** Puts new marks in the place of those by which machines were found. */
export async function replaceMarks(
  tx: WriteTx,
  region: string,
  source: string,
  machines: readonly { readonly key: string; readonly marks: readonly string[] }[],
): Promise<void> {
  const keys = machines.map(({ key }) => ({ machine_key: key }));
  if (keys.length === 0) return;
  await sql`DELETE FROM machine_marks WHERE region = ${region} AND source = ${source} AND machine_key IN
    (SELECT gone.machine_key FROM ${rowsOf(tx, 'gone', keys, { machine_key: 'text' })})`.execute(
    tx.everywhere,
  );
  const rows = machines.flatMap(({ key, marks }) =>
    marks.map((mark) => ({ mark, source, machine_key: key })),
  );
  for (const chunk of chunks(rows)) await tx.in(region).insertInto('machine_marks').values(chunk).execute();
}

/** Ends leases of addresses. */
export async function endAddresses(
  tx: WriteTx,
  region: string,
  source: string,
  ended: readonly { readonly machine_key: string; readonly address: string }[],
  at: number,
): Promise<void> {
  if (ended.length === 0) return;
  await sql`UPDATE machine_addresses SET until = ${at} WHERE region = ${region} AND source = ${source}
    AND until IS NULL AND (machine_key, address) IN (SELECT ended.machine_key, ended.address
      FROM ${rowsOf(tx, 'ended', ended, { machine_key: 'text', address: 'text' })})`.execute(tx.everywhere);
}

/** Begins leases of addresses. */
export async function beginAddresses(
  tx: WriteTx,
  region: string,
  rows: readonly Omit<MachineAddressesRow, 'region'>[],
): Promise<void> {
  for (const chunk of chunks(rows)) {
    await tx
      .in(region)
      .insertInto('machine_addresses')
      .values(chunk)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

/** Forgets a source and everything it listed; answers how many machines that were. */
export async function forgetSource(tx: WriteTx, region: string, source: string): Promise<number> {
  for (const table of ['machine_marks', 'machine_addresses', 'roster_sources'] as const) {
    await tx.in(region).deleteFrom(table).where('source', '=', source).execute();
  }
  const gone = await tx.in(region).deleteFrom('machines').where('source', '=', source).executeTakeFirst();
  return Number(gone.numDeletedRows);
}

const perStatement = 400;

function* chunks<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < items.length; from += perStatement) yield items.slice(from, from + perStatement);
}
