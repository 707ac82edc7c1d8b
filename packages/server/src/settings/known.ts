/** The settings that there are: each with its default, what it may be, and what it does. */

/** A setting that is on or off. */
interface Switch {
  readonly kind: 'switch';
  readonly default: boolean;
  readonly description: string;
}

/** A setting that is a whole number. */
interface Count {
  readonly kind: 'count';
  readonly default: number;
  readonly least: number;
  readonly most: number;
  readonly description: string;
}

const days = (standard: number, description: string): Count => ({
  kind: 'count',
  default: standard,
  least: 1,
  most: 3650,
  description,
});

export const knownSettings = {
  'early-loss': {
    kind: 'switch',
    default: true,
    description:
      'Show a node as lost 30 seconds after it closed its channel, instead of waiting for heartbeats to stay away. Off is what AWS does.',
  },
  'retention-audit-days': days(400, 'Days for which audit rows are kept.'),
  'retention-events-days': days(90, 'Days for which events are kept.'),
  'retention-verdicts-days': days(90, 'Days for which changes of verdicts are kept.'),
  'time-to-visible-seconds': {
    kind: 'count',
    default: 60,
    least: 0,
    most: 3600,
    description:
      'Seconds for which a node must be lost, or there again, before an event tells of it: what flaps is never told.',
  },
  'retention-presence-days': days(90, 'Days for which the presence history of nodes is kept.'),
  'retention-knocks-known-days': days(90, 'Days for which knocks of nodes and keys in our books are kept.'),
  'retention-knocks-strangers-days': days(7, 'Days for which knocks of strangers are kept.'),
  'retention-commands-days': days(30, 'Days for which commands, their results and outputs are kept.'),
  'output-limit-mebibytes': {
    kind: 'count',
    default: 10,
    least: 1,
    most: 1024,
    description: 'Mebibytes of one output stream of a command on a node that are kept.',
  },
  'outputs-limit-mebibytes': {
    kind: 'count',
    default: 2048,
    least: 1,
    most: 1_048_576,
    description: 'Mebibytes that all kept outputs may take, compressed; the oldest go first.',
  },
  'node-credential-minutes': {
    kind: 'count',
    default: 60,
    least: 15,
    most: 720,
    description: 'Minutes for which the credentials that a node is issued are valid.',
  },
  'key-grace-hours': {
    kind: 'count',
    default: 168,
    least: 0,
    most: 720,
    description:
      'Hours for which the previous key of a node is accepted after it changed its key; 0 ends it at once for all nodes.',
  },
  'activation-guess-limit': {
    kind: 'count',
    default: 20,
    least: 1,
    most: 1000,
    description: 'Wrong codes a minute after which further tries at an activation are turned away.',
  },
} as const satisfies Readonly<Record<string, Switch | Count>>;

/** The name of a setting. */
export type SettingName = keyof typeof knownSettings;

/** The type of a setting's value. */
export type SettingValue<N extends SettingName> = (typeof knownSettings)[N]['kind'] extends 'switch'
  ? boolean
  : number;

/** True when there is a setting of that name. */
export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(knownSettings, name);
}

/** What a setting may be, in words. */
export function allowedValues(name: SettingName): string {
  const setting: Switch | Count = knownSettings[name];
  return setting.kind === 'switch' ? 'on, off' : `a whole number from ${setting.least} to ${setting.most}`;
}

/** Reads a value as people write it; undefined when the setting can't be that. */
export function parseSetting(name: SettingName, text: string): boolean | number | undefined {
  const setting: Switch | Count = knownSettings[name];
  if (setting.kind === 'switch') return text === 'on' ? true : text === 'off' ? false : undefined;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return value >= setting.least && value <= setting.most ? value : undefined;
}

/** Writes a value as people read it. */
export function printSetting(value: boolean | number): string {
  return typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value);
}
