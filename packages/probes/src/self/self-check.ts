/**
 * The server's own machine, for `doctor --self`: its clock against several others, its certificate, room and speed
 * of its disk, its open files, its public addresses, the age of its backup. Writes one small file into the data
 * folder, to see how long a write takes until it is safe, and removes it; changes nothing else.
 */
import { open, readdir, rm, stat } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import type { ClockEvidence, EndpointEvidence, TlsFacts } from '@rollcall/diagnosis';
import { redactUrl } from '@rollcall/diagnosis/collected';
import { withLimit } from '../endpoints/limit.ts';
import { probeEndpoint } from '../endpoints/probe.ts';
import { systemTrust, type Trust } from '../endpoints/trust.ts';
import { readProcesses } from '../machine/processes.ts';
import { openSight, type SightOptions, whyOf } from '../machine/sight.ts';
import { readTimeService } from '../machine/time-service.ts';
import { readResolvers } from '../network/network.ts';

/** What to look at. */
export interface SelfOptions extends Omit<SightOptions, 'budget'> {
  /** The folder that the server keeps its store in. */
  readonly dataFolder: string;
  /** The addresses that nodes reach it by. */
  readonly publicUrls: readonly string[];
  /** The certificates that nodes trust it by, PEM; absent: the system's. */
  readonly ca?: readonly string[] | undefined;
  /** Whose `Date` the clock is compared with; `http` and `https`. */
  readonly clockUrls?: readonly string[] | undefined;
  /** The server's process. */
  readonly pid?: number | undefined;
  /** Where backups are kept. */
  readonly backupFolder?: string | undefined;
  readonly budget?: number | undefined;
}

/** What was seen. Times are milliseconds. */
export interface SelfEvidence {
  readonly at: number;
  readonly clock: {
    readonly synchronized?: boolean;
    readonly service?: NonNullable<ClockEvidence['service']>;
    /** Each clock that it was compared with: how far ours is ahead, or why it couldn't be asked. */
    readonly sources: readonly ({ readonly url: string } & (
      | { readonly aheadMs: number }
      | { readonly error: string }
    ))[];
    /** The median of what the sources say; absent without any. */
    readonly aheadMs?: number;
  };
  readonly endpoints: readonly EndpointEvidence[];
  /** The certificate that the first public address shows. */
  readonly certificate?: TlsFacts & { readonly daysLeft?: number };
  readonly disk?: {
    readonly freeBytes: number;
    readonly totalBytes: number;
    readonly freeInodes: number;
    readonly totalInodes: number;
  };
  /** Bytes of the store's own files. */
  readonly storeBytes?: number;
  /** How long small writes took until they were on disk: the middle and the worst of some, or what failed. */
  readonly fsync?: { readonly medianMs: number; readonly worstMs: number } | { readonly error: string };
  readonly openFiles?: { readonly count: number; readonly limit: number };
  readonly backup?: { readonly newestAt?: number; readonly error?: string };
  readonly unseen: readonly { readonly what: string; readonly why: string }[];
}

const day = 86_400_000;

/** Looks at the server's machine. Never throws. */
export async function selfCheck(options: SelfOptions): Promise<SelfEvidence> {
  const unseen: { what: string; why: string }[] = [];
  const sight = openSight({ ...options, budget: options.budget ?? 5000 }, (what, why) =>
    unseen.push({ what, why }),
  );
  const at = sight.now();
  const trust: Trust =
    options.ca === undefined
      ? systemTrust()
      : {
          certificates: options.ca,
          partial: false,
          store: { path: 'ca', readable: true, count: options.ca.length },
        };
  const { servers } = await readResolvers(sight);
  const plans = options.publicUrls.filter((url) => URL.canParse(url)).map((url) => new URL(url));
  const [processes, synchronized, sources, probed, room, storeBytes, fsync, backup, openFiles] =
    await Promise.all([
      readProcesses(sight),
      readTimeService(sight, (await sight.facts('/run/systemd/system')) ? 'systemd' : 'other'),
      Promise.all((options.clockUrls ?? []).map((url) => askClock(url, sight.now, 2500))),
      Promise.all(
        plans.map((url) =>
          probeEndpoint(
            sight,
            {
              url,
              service: 'ssm',
              also: ['ssmmessages', 'ec2messages'],
              needed: true,
              proxy: undefined,
              trust,
              aws: false,
              channels: true,
            },
            servers,
          ),
        ),
      ),
      sight.room(options.dataFolder),
      sizeOf(options.dataFolder),
      timeWrites(options.dataFolder),
      options.backupFolder === undefined ? undefined : newestIn(options.backupFolder),
      options.pid === undefined ? undefined : countFiles(sight, options.pid),
    ]);
  const ahead = sources.flatMap((source) => ('aheadMs' in source ? [source.aheadMs] : []));
  const tls = probed[0]?.evidence.tls;
  const service = processes?.timeKeeper;
  return {
    at,
    unseen,
    endpoints: probed.map(({ evidence }) => evidence),
    clock: {
      sources,
      ...(synchronized === undefined ? {} : { synchronized }),
      ...(service === undefined ? {} : { service }),
      ...(ahead.length === 0 ? {} : { aheadMs: median(ahead) }),
    },
    ...(tls === undefined ? {} : { certificate: withDays(tls, at) }),
    ...(room === undefined ? {} : { disk: room }),
    ...(storeBytes === undefined ? {} : { storeBytes }),
    fsync,
    ...(backup === undefined ? {} : { backup }),
    ...(openFiles === undefined ? {} : { openFiles }),
  };
}

function withDays(tls: Partial<TlsFacts>, now: number): NonNullable<SelfEvidence['certificate']> {
  const { notAfter } = tls;
  return { ...tls, ...(notAfter === undefined ? {} : { daysLeft: Math.floor((notAfter - now) / day) }) };
}

/** Asks a server for its time. Whether its certificate is good doesn't matter: several are asked. */
async function askClock(
  text: string,
  now: () => number,
  patience: number,
): Promise<SelfEvidence['clock']['sources'][number]> {
  const url = redactUrl(text);
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return { url, error: 'malformed' };
  const asked = now();
  const request = text.startsWith('https:') ? httpsRequest : httpRequest;
  const answer = await withLimit(
    new Promise<string | undefined>((resolve, reject) => {
      const call = request(text, { method: 'HEAD', agent: false, rejectUnauthorized: false }, (response) => {
        response.resume();
        resolve(response.headers.date);
      });
      call.setTimeout(patience, () => call.destroy(new Error('no answer')));
      call.on('error', reject);
      call.end();
    }),
    patience,
  );
  if (answer.late) return { url, error: 'timeout' };
  if ('error' in answer) return { url, error: whyOf(answer.error) };
  const date = Date.parse(answer.value ?? '');
  if (Number.isNaN(date)) return { url, error: 'it does not tell its time' };
  return { url, aheadMs: Math.round((asked + now()) / 2 - date - 500) };
}

async function sizeOf(folder: string): Promise<number | undefined> {
  try {
    let sum = 0;
    for (const name of await readdir(folder)) {
      const facts = await stat(join(folder, name));
      if (facts.isFile()) sum += facts.size;
    }
    return sum;
  } catch {
    return undefined;
  }
}

/** Writes, and waits until it is on disk, as the store does for every commit. */
async function timeWrites(folder: string): Promise<NonNullable<SelfEvidence['fsync']>> {
  const path = join(folder, `.doctor-${process.pid}-${Date.now()}`);
  const took: number[] = [];
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      const until = performance.now() + 1500;
      while (took.length < 8 && (took.length === 0 || performance.now() < until)) {
        const began = performance.now();
        await file.write(Buffer.alloc(4096, took.length), 0, 4096, 0);
        await file.datasync();
        took.push(performance.now() - began);
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    return { error: whyOf(error) };
  } finally {
    await rm(path, { force: true }).catch(() => {});
  }
  return {
    medianMs: Math.round(median(took) * 100) / 100,
    worstMs: Math.round(Math.max(...took) * 100) / 100,
  };
}

async function newestIn(folder: string): Promise<NonNullable<SelfEvidence['backup']>> {
  try {
    let newest: number | undefined;
    for (const name of await readdir(folder)) {
      const { mtimeMs } = await stat(join(folder, name));
      newest = Math.max(newest ?? 0, Math.round(mtimeMs));
    }
    return newest === undefined ? {} : { newestAt: newest };
  } catch (error) {
    return { error: whyOf(error) };
  }
}

async function countFiles(
  sight: ReturnType<typeof openSight>,
  pid: number,
): Promise<SelfEvidence['openFiles']> {
  const limit = /^Max open files\s+(\d+)/m.exec((await sight.text(`/proc/${pid}/limits`, 8192)) ?? '')?.[1];
  const open = await sight.list(`/proc/${pid}/fd`, 1_000_000);
  return limit === undefined || open === undefined ? undefined : { count: open.length, limit: Number(limit) };
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)]!;
}
