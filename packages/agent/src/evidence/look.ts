/**
 * Looking at the machine, in a process of its own that ends with it: what the probes need is never loaded into the
 * agent, and on a busy machine everything else comes first.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../clock.ts';

/** What a look saw. */
export interface Look {
  /** Redacted evidence, as JSON: an object. */
  readonly json: string;
  /** Two looks with the same sign say the same. */
  readonly sign: string;
  /** Whether something seems wrong: then it is worth looking again before what was told counts no more. */
  readonly isTrouble: boolean;
}

/** What the agent knows already when it looks. */
export interface Known {
  /** Whether the server is reached: then the way there isn't tried. */
  readonly isReached: boolean;
  /** How far our clock is ahead of the server's (ms), while it is reached. */
  readonly skew: number;
}

/** Looks once; undefined when nothing was seen. `abort` ends it. */
export type Looking = (known: Known, abort: AbortSignal) => Promise<Look | undefined>;

/** A look takes three seconds, and on a machine that hardly answers a while longer. */
const patience = 30_000;
/** With less memory at hand (bytes) nothing is looked at: a look would be the last straw. */
const leastMemory = 160 * 1024 * 1024;
/** The longest record that the server takes is a little longer. */
const longest = 130_000;

/** Looks at the machine on which the agent of `root` runs. */
export function childLook(root: string, clock: Clock): Looking {
  return ({ isReached, skew }, abort) => {
    if (process.availableMemory() < leastMemory || abort.aborted) return Promise.resolve(undefined);
    const file = fileURLToPath(new URL('./child.ts', import.meta.url));
    const args = ['--max-semi-space-size=1', '--max-old-space-size=64', file, `--at=${root}`];
    if (isReached) args.push(`--ahead=${Math.round(skew)}`);
    // A folder that was unmounted, or is gone, is no reason not to look.
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'], cwd: '/' });
    return new Promise((resolve) => {
      const kill = () => child.kill('SIGKILL');
      const timer = clock.after(patience, kill);
      abort.addEventListener('abort', kill, { once: true });
      const parts: Buffer[] = [];
      let length = 0;
      child.stdout.on('data', (part: Buffer) => {
        length += part.length;
        if (length > longest) kill();
        else parts.push(part);
      });
      const end = (look: Look | undefined) => {
        timer.cancel();
        abort.removeEventListener('abort', kill);
        resolve(look);
      };
      child.once('error', () => end(undefined));
      child.once('close', (code) =>
        end(code === 0 ? read(Buffer.concat(parts).toString('utf8')) : undefined),
      );
    });
  };
}

/** The sign and a word on the first line, the evidence on the second. */
function read(said: string): Look | undefined {
  const [head = '', json = ''] = said.split('\n');
  const found = /^([0-9a-f]{16}) (trouble|well)$/.exec(head);
  return found && json.startsWith('{"')
    ? { sign: found[1]!, isTrouble: found[2] === 'trouble', json }
    : undefined;
}
