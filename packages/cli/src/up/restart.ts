/**
 * The line that starts a server again as it was started: remembered in its data folder, because whoever is told
 * that no server answers has long forgotten the flags, and a line without them makes a different server.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { resolveFolder } from '../context.ts';
import { quote } from '../env/shell.ts';
import type { Io } from '../io.ts';
import { type UpFlags, variableOf } from './options.ts';

/** The file in the data folder. */
const fileName = 'start.json';

/** The flags that make the server what it is, in the order in which they are shown. What is meant for one start is not here. */
const flagNames = {
  listen: '--listen',
  publicUrl: '--public-url',
  region: '--region',
  account: '--account',
  domain: '--domain',
  store: '--store',
  tlsCert: '--tls-cert',
  tlsKey: '--tls-key',
  metrics: '--metrics',
  proxyProtocol: '--proxy-protocol',
  logLevel: '--log-level',
  localNode: '--local-node',
} as const satisfies Partial<Record<keyof UpFlags, string>>;

/** Flags and the values that were given; of yes and no, only yes is there, as an empty list. */
export type StartFlags = { readonly [name in keyof typeof flagNames]?: readonly string[] };

/** What was given for this start, on the command line or by a variable. */
export function startFlags(flags: UpFlags, io: Io): StartFlags {
  const given: { -readonly [name in keyof StartFlags]: StartFlags[name] } = {};
  for (const [name, flag] of Object.entries(flagNames) as [keyof StartFlags, string][]) {
    const value = flags[name] ?? (io.env[variableOf(flag)] || undefined);
    if (name === 'localNode') {
      if (value === true || /^(1|true|yes|on)$/i.test(String(value))) given[name] = [];
    } else if (typeof value === 'string') given[name] = [asAnywhere(name, value, io)];
    else if (Array.isArray(value)) given[name] = value as string[];
  }
  return given;
}

/** A file by its whole path; and no password in what is printed. */
function asAnywhere(name: keyof StartFlags, value: string, io: Io): string {
  if (name === 'tlsCert' || name === 'tlsKey') return resolveFolder(value, io);
  if (name === 'store') return value.replace(/(:\/\/[^:/@]*:)[^@]*@/, '$1PASSWORD@');
  return value;
}

/** `--listen localhost:9471 --local-node`: the flags as they are typed, a space before each. */
export function startWords(flags: StartFlags): string {
  return (Object.entries(flagNames) as [keyof StartFlags, string][])
    .flatMap(([name, flag]) => {
      const values = flags[name];
      return values?.length === 0
        ? [` ${flag}`]
        : (values ?? []).map((value) => ` ${flag} ${quote(value, 'sh')}`);
    })
    .join('');
}

/**
 * The same server, reached by others at `url`: it listens to all of them unless it already does. `npm start` makes
 * this machine a node by itself.
 */
export function startWordsFor(url: string, { listen, localNode, ...others }: StartFlags): string {
  const isForAll = listen?.some((address) => /^(0\.0\.0\.0|\[::\]):/.test(address));
  return startWords({ ...others, ...(isForAll && listen && { listen }), publicUrl: [url] });
}

/** Keeps them for the next time. Readable by the owner only, as all of the folder. */
export function rememberStart(data: string, flags: StartFlags): void {
  writeFileSync(path.join(data, fileName), `${JSON.stringify(flags, null, 2)}\n`, { mode: 0o600 });
}

/** What the last start of the server in `data` was given; nothing when that can't be read. */
export function rememberedStart(data: string): StartFlags {
  try {
    const read = JSON.parse(readFileSync(path.join(data, fileName), 'utf8')) as Record<
      string,
      unknown
    > | null;
    return Object.fromEntries(
      Object.keys(flagNames).flatMap((name) => {
        const values = read?.[name];
        return Array.isArray(values) ? [[name, values.map(String)]] : [];
      }),
    );
  } catch {
    return {};
  }
}
