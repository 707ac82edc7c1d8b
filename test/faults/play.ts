/** Hands cases to workers, and notes those that can't be played here, with the reason. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Case, Need } from './case.ts';
import { faketime } from './node/machine.ts';
import type { Outcome } from './worker.ts';

/** A case with what came of it. */
export interface Result extends Outcome {
  readonly case: Case;
  /** Why it wasn't played. */
  readonly skipped?: string;
}

/** How they are played. */
export interface PlayOptions {
  /** Workers; each plays one case at a time. */
  readonly atOnce: number;
  /** Told of each as it ends. */
  done(result: Result): void;
}

/** Longest that a case may take, in milliseconds. */
const patience = 60_000;

/** Plays them all. */
export async function play(cases: readonly Case[], options: PlayOptions): Promise<readonly Result[]> {
  const lacking = lacks();
  const results: Result[] = [];
  const end = (result: Result) => {
    results.push(result);
    options.done(result);
  };
  const left: Case[] = [];
  for (const one of cases) {
    const why = one.needs?.flatMap((need) => lacking.get(need) ?? [])[0];
    if (why === undefined) left.push(one);
    else end({ case: one, id: one.id, said: [], wrong: [], ms: 0, skipped: why });
  }
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-zoo-cache-'));
  const isolated = !lacking.has('root');
  const work = async () => {
    let worker: Worker | undefined;
    for (let one = left.shift(); one; one = left.shift()) {
      worker ??= await openWorker(join(folder, 'cache'), isolated);
      const outcome = await worker.play(one.id);
      if (outcome === undefined) {
        worker = undefined;
        end({ case: one, id: one.id, said: [], wrong: ['its process was ended, or hung'], ms: 0 });
      } else end({ ...outcome, case: one });
    }
    await worker?.close();
  };
  await Promise.all(Array.from({ length: options.atOnce }, work));
  rmSync(folder, { recursive: true, force: true });
  return results;
}

/** One line of what it all came to. */
export function summary(results: readonly Result[]): string {
  const played = results.filter(({ skipped }) => skipped === undefined);
  const faults = played.filter(({ case: one }) => one.kind === 'fault');
  const causes = new Set(faults.map(({ case: one }) => one.cause));
  const right = played.filter(({ wrong }) => wrong.length === 0);
  const count = (kind: Case['kind']) => played.filter(({ case: one }) => one.kind === kind).length;
  const injected = faults.filter(({ case: one }) => one.how === 'injected').length;
  return [
    `${right.length} of ${played.length} right`,
    `${faults.length} faults (${injected} injected) of ${causes.size} causes`,
    `${count('decoy')} decoys`,
    `${count('twin')} healthy twins`,
    `${results.length - played.length} not played`,
  ].join('; ');
}

/** What this machine lacks, and how to say so. */
function lacks(): ReadonlyMap<Need, string> {
  const found = new Map<Need, string>();
  const can = (program: string, ...args: string[]) => {
    try {
      execFileSync(program, args, { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  };
  if (process.getuid?.() !== 0 || !can('unshare', '--net', '--mount', '--pid', '--fork', 'ip', 'link'))
    found.set('root', 'needs root, with ip and unshare');
  if (!can('nft', '--version')) found.set('nft', 'needs nft');
  try {
    faketime();
  } catch {
    found.set('faketime', 'needs libfaketime');
  }
  const official = process.env.ROLLCALL_OFFICIAL_BIN;
  if (official === undefined || !existsSync(join(official, 'amazon-ssm-agent')))
    found.set('official', 'the official agent is not at hand (ROLLCALL_OFFICIAL_BIN)');
  return found;
}

interface Worker {
  /** Undefined when it died, or took too long and was ended. */
  play(id: string): Promise<Outcome | undefined>;
  close(): Promise<void>;
}

async function openWorker(cache: string, isolated: boolean): Promise<Worker> {
  const args = [join(import.meta.dirname, 'worker.ts'), cache];
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, NODE_COMPILE_CACHE: cache, ...official() };
  const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const;
  const child: ChildProcess = isolated
    ? spawn(
        'unshare',
        [
          ...['--net', '--mount', '--uts', '--ipc', '--pid', '--fork', '--kill-child', '--mount-proc'],
          ...[process.execPath, ...args, '--isolated'],
        ],
        { stdio: [...stdio], env },
      )
    : spawn(process.execPath, args, { stdio: [...stdio], env });
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  // One that is gone can't be told anything; that it is gone is noticed by its end.
  child.on('error', () => {});
  const said = () =>
    new Promise<unknown>((done) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), patience);
      const end = (value: unknown) => {
        clearTimeout(timer);
        child.off('message', end);
        done(value);
      };
      child.once('message', end);
      void ended.then(() => end(undefined));
    });
  await said();
  return {
    async play(id) {
      if (!child.connected) return undefined;
      const answer = said();
      child.send({ id }, () => {});
      return (await answer) as Outcome | undefined;
    },
    async close() {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}

function official(): Record<string, string> {
  const folder = process.env.ROLLCALL_OFFICIAL_BIN;
  return folder === undefined ? {} : { ROLLCALL_OFFICIAL_BIN: folder };
}
