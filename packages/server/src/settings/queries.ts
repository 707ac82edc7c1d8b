/** The SQL of settings. Other folders keep rows of their own names in the same table; they are left alone. */
import type { ReadTx, WriteTx } from '../store/index.ts';
import { isSettingName, parseSetting, printSetting, type SettingName } from './known.ts';

/** Settings of the whole account are filed under no region. */
const account = '';

/** What was changed from its default. A value that this program would refuse is as good as none. */
export async function readSettings(tx: ReadTx): Promise<Map<SettingName, boolean | number>> {
  const rows = await tx.in(account).selectFrom('settings').select(['name', 'value']).execute();
  const changed = new Map<SettingName, boolean | number>();
  for (const { name, value } of rows) {
    const parsed = isSettingName(name) ? parseSetting(name, value) : undefined;
    if (parsed !== undefined) changed.set(name as SettingName, parsed);
  }
  return changed;
}

/** Stores a value; undefined takes it away, so that the default counts again. */
export async function writeSetting(
  tx: WriteTx,
  name: SettingName,
  value: boolean | number | undefined,
  by: string,
  at: number,
): Promise<void> {
  if (value === undefined) {
    await tx.in(account).deleteFrom('settings').where('name', '=', name).execute();
    return;
  }
  const row = { value: printSetting(value), changed_at: at, changed_by: by };
  await tx
    .in(account)
    .insertInto('settings')
    .values({ name, ...row })
    .onConflict((conflict) => conflict.columns(['region', 'name']).doUpdateSet(row))
    .execute();
}
