/**
 * A machine as a source lists it, brought into one form: names in lower case for comparing, MACs with colons,
 * addresses as the server sees them. What can't be one of these is a problem of its line, never a guess.
 */
import { isIP } from 'node:net';

export type Expected = 'always' | 'office-hours' | 'spare' | 'retired';
export type Power = 'on' | 'off' | 'unknown';

/** A machine, read from a source. */
export interface ListedMachine {
  /** What stays the same when everything else changes. */
  readonly key: string;
  readonly name: string;
  /** All names, as written; the first is `name`. */
  readonly names: readonly string[];
  readonly nodeId?: string;
  /** SMBIOS UUID, lower case. */
  readonly uuid?: string;
  readonly macs: readonly string[];
  readonly addresses: readonly string[];
  readonly expected?: Expected;
  readonly power?: Power;
  readonly maintenanceUntil?: number;
}

/** Something that can't be read, and where. Lines are counted from 1; 0 is the text as a whole. */
export interface RosterProblem {
  readonly line: number;
  readonly text: string;
}

/** What reading a text gives. */
export type RosterRead =
  | {
      readonly ok: true;
      readonly machines: readonly ListedMachine[];
      /** Columns and members that say nothing to us. */
      readonly ignored: readonly string[];
    }
  | { readonly ok: false; readonly problems: readonly RosterProblem[] };

const mostNames = 16;
const mostAddresses = 64;

/** What a source says of a machine, in its own words. */
export interface RawMachine {
  readonly line: number;
  readonly key?: string | undefined;
  readonly names: readonly string[];
  readonly nodeId?: string | undefined;
  readonly uuid?: string | undefined;
  readonly macs?: readonly string[];
  readonly addresses?: readonly string[];
  readonly expected?: string | undefined;
  readonly power?: string | undefined;
  readonly maintenanceUntil?: string | undefined;
}

/** Collects machines and the problems of their lines. */
export class RosterReader {
  readonly #machines = new Map<string, ListedMachine>();
  readonly #ignored = new Set<string>();
  readonly #problems: RosterProblem[] = [];
  readonly #most: number;

  constructor(most = 20) {
    this.#most = most;
  }

  /** There are so many problems that more of them help nobody. */
  get full(): boolean {
    return this.#problems.length >= this.#most;
  }

  problem(line: number, text: string): void {
    if (!this.full) this.#problems.push({ line, text });
  }

  ignore(name: string): void {
    if (this.#ignored.size < 50) this.#ignored.add(printable(name, 60));
  }

  /** Adds a machine, or notes what is wrong with it. */
  add(raw: RawMachine): void {
    const machine = this.#read(raw);
    if (!machine) return;
    if (this.#machines.has(machine.key)) {
      this.problem(
        raw.line,
        `"${printable(machine.key, 60)}" is listed twice; each machine needs a key of its own.`,
      );
      return;
    }
    this.#machines.set(machine.key, machine);
  }

  done(): RosterRead {
    if (this.#problems.length > 0) return { ok: false, problems: this.#problems };
    return { ok: true, machines: [...this.#machines.values()], ignored: [...this.#ignored] };
  }

  #read(raw: RawMachine): ListedMachine | undefined {
    const { line } = raw;
    const before = this.#problems.length;
    const names = [...new Set(raw.names.map((name) => name.trim()).filter((name) => name !== ''))];
    const addresses = [
      ...new Set((raw.addresses ?? []).map((one) => one.trim()).filter((one) => one !== '')),
    ];
    const key = raw.key?.trim() || names[0] || addresses[0];
    if (!key) {
      this.problem(line, 'It names no machine: it needs a name, a key or an address.');
      return undefined;
    }
    for (const text of [key, ...names]) {
      if (text.length > 256 || unprintable.test(text)) {
        this.problem(
          line,
          `"${printable(text, 60)}" can't be a name: it is longer than 256 characters, or has control characters.`,
        );
      }
    }
    if (names.length > mostNames) this.problem(line, `It has more than ${mostNames} names.`);
    if (addresses.length > mostAddresses) this.problem(line, `It has more than ${mostAddresses} addresses.`);
    const machine = {
      key,
      name: names[0] ?? key,
      names: names.length > 0 ? names : [key],
      macs: this.#each(line, raw.macs ?? [], readMac, 'a MAC address'),
      addresses: this.#each(line, addresses, readAddress, 'an IP address'),
      nodeId: this.#one(line, raw.nodeId, readNodeId, 'a node id (mi-… or i-…)'),
      uuid: this.#one(line, raw.uuid, readUuid, 'an SMBIOS UUID'),
      expected: this.#one(line, raw.expected, readExpected, 'one of always, office-hours, spare, retired'),
      power: readPower(raw.power),
      maintenanceUntil: this.#one(
        line,
        raw.maintenanceUntil,
        readTime,
        'a time such as 2026-01-31T18:00:00Z',
      ),
    };
    if (this.#problems.length > before) return undefined;
    return Object.fromEntries(
      Object.entries(machine).filter(([, value]) => value !== undefined),
    ) as unknown as ListedMachine;
  }

  #one<T>(
    line: number,
    text: string | undefined,
    read: (text: string) => T | undefined,
    what: string,
  ): T | undefined {
    const trimmed = text?.trim();
    if (!trimmed) return undefined;
    const value = read(trimmed);
    if (value === undefined) this.problem(line, `"${printable(trimmed, 60)}" isn't ${what}.`);
    return value;
  }

  #each<T>(
    line: number,
    texts: readonly string[],
    read: (text: string) => T | undefined,
    what: string,
  ): readonly T[] {
    const values = texts.map((text) => this.#one(line, text, read, what)).filter((one) => one !== undefined);
    return [...new Set(values)];
  }
}

// Line ends, escape sequences, and marks that turn text around.
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** A text for a message: one line, and not long. */
export function printable(text: string, most: number): string {
  const clean = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '�');
  return clean.length > most ? `${clean.slice(0, most)}…` : clean;
}

/** Twelve hex digits, however they are set apart. */
export function readMac(text: string): string | undefined {
  const digits = text.toLowerCase().replaceAll(/[:.-]/g, '');
  if (!/^[0-9a-f]{12}$/.test(digits) || digits === '000000000000') return undefined;
  return digits.match(/../g)!.join(':');
}

/** An address without zone and prefix length, as the server writes its peers. */
export function readAddress(text: string): string | undefined {
  const bare = text
    .replace(/\/\d{1,3}$/, '')
    .split('%')[0]!
    .toLowerCase();
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(bare)?.[1] ?? bare;
  return isIP(mapped) === 0 ? undefined : mapped;
}

/** An SMBIOS UUID; boards that have none say all zeros or all ones. */
export function readUuid(text: string): string | undefined {
  const digits = text.toLowerCase().replaceAll(/[{}-]/g, '');
  if (!/^[0-9a-f]{32}$/.test(digits) || /^(0{32}|f{32})$/.test(digits)) return undefined;
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function readNodeId(text: string): string | undefined {
  const id = text.toLowerCase();
  return /^(mi-[0-9a-f]{17}|i-([0-9a-f]{8}|[0-9a-f]{17}))$/.test(id) ? id : undefined;
}

function readExpected(text: string): Expected | undefined {
  const word = text.toLowerCase().replaceAll(/[ _]/g, '-');
  return word === 'always' || word === 'office-hours' || word === 'spare' || word === 'retired'
    ? word
    : undefined;
}

/** The words of EC2, libvirt, VMware and Proxmox; any other says nothing of power. */
const powerWords: Readonly<Record<string, Power>> = {
  on: 'on',
  running: 'on',
  poweredon: 'on',
  active: 'on',
  up: 'on',
  off: 'off',
  stopped: 'off',
  stopping: 'off',
  shutoff: 'off',
  shutdown: 'off',
  poweredoff: 'off',
  suspended: 'off',
  paused: 'off',
  hibernated: 'off',
  down: 'off',
};

function readPower(text: string | undefined): Power | undefined {
  const word = text?.toLowerCase().replaceAll(/[^a-z]/g, '') ?? '';
  return word === '' ? undefined : (powerWords[word] ?? 'unknown');
}

function readTime(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d/.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}
