/**
 * What a host's name leads to: as the system's own resolver answers, from all its sources, and as the resolvers
 * answer when they are asked directly, which is what a static Go program sees of them.
 */
import { lookup, Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { EndpointEvidence } from '@rollcall/diagnosis';
import { type Runner, runHere } from '../machine/sight.ts';
import { withLimit } from './limit.ts';

type NameLayer = NonNullable<EndpointEvidence['name']>;

/** Looks a name up. `servers` are the resolvers, `address[:port]`. */
export async function resolveName(
  host: string,
  servers: readonly string[],
  patience: number,
  run: Runner = runHere,
): Promise<NameLayer> {
  if (isIP(host) !== 0) return { ok: true, ms: 0, addresses: [host] };
  const began = performance.now();
  const [system, direct] = await Promise.all([
    askSystem(host, patience, run),
    askDirectly(host, servers, patience),
  ]);
  const facts = {
    ms: Math.round(system.ms ?? performance.now() - began),
    ...(direct === undefined ? {} : { direct: direct.addresses, resolver: direct.resolver }),
  };
  if ('addresses' in system) return { ok: true, ...facts, addresses: system.addresses };
  const detail =
    direct?.error === undefined ? system.detail : `${system.detail}; ${direct.resolver}: ${direct.error}`;
  // The system calls a resolver's "there is no such name" and its silence alike: the resolver itself tells.
  const silent = /^(timeout|temporary|refused)$/.test(direct?.error ?? '');
  const error =
    system.error === 'temporary' && direct?.error === 'not-found'
      ? 'not-found'
      : system.error === 'not-found' && silent
        ? 'temporary'
        : system.error;
  return { ok: false, ...facts, error, detail };
}

type System = { ms?: number } & ({ addresses: string[] } | { error: string; detail: string });

/**
 * Asks the system's own resolver with all its sources. In a process of its own where that can be had: a name that
 * isn't answered would else hold one of the few threads that everything here waits for, long after it was given up.
 */
async function askSystem(host: string, patience: number, run: Runner): Promise<System> {
  const began = performance.now();
  const late = { error: 'timeout', detail: `no answer within ${Math.round(patience)} ms` };
  const ran = await run('getent', ['ahosts', host], patience);
  if (ran !== undefined) {
    const ms = performance.now() - began;
    const found = ran.out.split('\n').flatMap((line) => /^([0-9a-fA-F.:]+(?:%\S+)?)\s/.exec(line)?.[1] ?? []);
    if (ran.code === 0 && found.length > 0) return { ms, addresses: plain(found) };
    return ran.code === -1 ? late : { ms, error: 'not-found', detail: `getent ended with ${ran.code}` };
  }
  const found = await withLimit(lookup(host, { all: true, verbatim: true }), patience);
  if (found.late) return late;
  const ms = performance.now() - began;
  if ('value' in found) return { ms, addresses: plain(found.value.map(({ address }) => address)) };
  const { code = 'failed' } = found.error as NodeJS.ErrnoException;
  const errors: Readonly<Record<string, string>> = {
    ENOTFOUND: 'not-found',
    EAI_NONAME: 'not-found',
    EAI_NODATA: 'no-address',
    ENODATA: 'no-address',
    EAI_AGAIN: 'temporary',
    EAI_FAIL: 'temporary',
  };
  return { ms, error: errors[code] ?? 'failed', detail: code };
}

/** Each address once. A machine without IPv4 is given IPv4 addresses in the clothes of IPv6. */
function plain(addresses: readonly string[]): string[] {
  return [...new Set(addresses.map((one) => one.replace(/^::ffff:(?=\d+\.)/i, '')))];
}

/** Asks each resolver; the first that gives an answer counts, and else the first error. */
async function askDirectly(
  host: string,
  servers: readonly string[],
  patience: number,
): Promise<{ addresses: string[]; resolver: string; error?: string } | undefined> {
  const answers = await Promise.all(servers.map((server) => askOne(host, server, patience)));
  return answers.find(({ error }) => error === undefined) ?? answers[0];
}

async function askOne(
  host: string,
  server: string,
  patience: number,
): Promise<{ addresses: string[]; resolver: string; error?: string }> {
  const resolver = new Resolver({ timeout: Math.max(200, Math.floor(patience / 2)), tries: 1 });
  try {
    resolver.setServers([server]);
  } catch {
    return { addresses: [], resolver: server, error: 'malformed' };
  }
  const [four, six] = await Promise.all([
    withLimit(resolver.resolve4(host), patience),
    withLimit(resolver.resolve6(host), patience),
  ]);
  resolver.cancel();
  const addresses = [four, six].flatMap((answer) => ('value' in answer ? answer.value : []));
  if (addresses.length > 0) return { addresses, resolver: server };
  const code = 'error' in four ? ((four.error as NodeJS.ErrnoException).code ?? 'failed') : 'ETIMEOUT';
  const errors: Readonly<Record<string, string>> = {
    ENOTFOUND: 'not-found',
    ENODATA: 'no-address',
    ESERVFAIL: 'temporary',
    EREFUSED: 'refused',
    ECONNREFUSED: 'refused',
    ETIMEOUT: 'timeout',
    ECANCELLED: 'timeout',
  };
  return { addresses: [], resolver: server, error: errors[code] ?? 'failed' };
}
