/**
 * What an operator may change while the server runs. Values are read from memory; a change counts here
 * once it is committed, and on other servers of the same database two seconds later at most.
 */
import type { Clock } from '../clock.ts';
import { Refusal } from '../service/index.ts';
import type { Store, WriteTx } from '../store/index.ts';
import {
  allowedValues,
  isSettingName,
  knownSettings,
  parseSetting,
  printSetting,
  type SettingName,
  type SettingValue,
} from './known.ts';
import { readSettings, writeSetting } from './queries.ts';

export type { SettingName, SettingValue } from './known.ts';

/** A setting, as people see it. */
export interface Setting {
  readonly name: SettingName;
  /** As it is written: `on`, `off`, or a number. */
  readonly value: string;
  readonly default: string;
  /** The values that it may have, in words. */
  readonly allowed: string;
  readonly description: string;
}

/** The settings of the whole account. */
export interface Settings {
  /** The value that counts now. Reads memory only. */
  get<N extends SettingName>(name: N): SettingValue<N>;
  /**
   * Changes a setting as part of a work; `value` as people write it, `default` to go back. `by` is who did
   * it, an ARN. Refuses with `ValidationException`, naming the settings or the values that there are.
   */
  put(tx: WriteTx, name: string, value: string, by: string): Promise<void>;
  /** All settings, by name. */
  list(): readonly Setting[];
  /** Reads what is stored now. */
  refresh(): Promise<void>;
  close(): void;
}

/** What the settings need. */
export interface SettingsDeps {
  readonly store: Store;
  readonly clock: Clock;
}

/** How often the changes of other servers are looked for. */
const refreshPeriod = 2000;

/** Reads the settings and keeps them. */
export async function openSettings({ store, clock }: SettingsDeps): Promise<Settings> {
  let changed = new Map<SettingName, boolean | number>();
  /** Counts the changes committed here, so that a slower read doesn't undo one. */
  let changes = 0;

  async function refresh(): Promise<void> {
    const before = changes;
    const stored = await store.read(readSettings);
    if (changes === before) changed = stored;
  }
  await refresh();
  // A database that can't be reached is told by those who need it; meanwhile the last values count.
  const timer =
    store.dialect === 'postgres'
      ? clock.every(refreshPeriod, () => void refresh().catch(() => undefined))
      : undefined;

  const current = (name: SettingName) => changed.get(name) ?? knownSettings[name].default;
  return {
    get: <N extends SettingName>(name: N) => current(name) as SettingValue<N>,
    async put(tx, name, text, by) {
      const [known, value] = check(name, text);
      await writeSetting(tx, known, value, by, clock.now());
      tx.afterCommit(() => {
        changes += 1;
        if (value === undefined) changed.delete(known);
        else changed.set(known, value);
      });
    },
    list: () =>
      (Object.keys(knownSettings) as SettingName[]).sort().map((name) => ({
        name,
        value: printSetting(current(name)),
        default: printSetting(knownSettings[name].default),
        allowed: allowedValues(name),
        description: knownSettings[name].description,
      })),
    refresh,
    close: () => timer?.cancel(),
  };
}

/** The setting and its new value; undefined for the default. */
function check(name: string, text: string): [SettingName, boolean | number | undefined] {
  if (!isSettingName(name)) {
    const names = Object.keys(knownSettings).sort().join(', ');
    throw new Refusal('ValidationException', `There is no setting of that name. There are: ${names}.`);
  }
  if (text === 'default') return [name, undefined];
  const value = parseSetting(name, text);
  if (value === undefined) {
    throw new Refusal(
      'ValidationException',
      `The setting ${name} can be ${allowedValues(name)}; or default, which is ${printSetting(knownSettings[name].default)}.`,
    );
  }
  return [name, value];
}
