/** How the agent is started as a process of its own, with the least memory and nobody's environment. */
import { fileURLToPath } from 'node:url';

/** What to hand to `spawn`. */
export interface AgentProcess {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * The process for a folder. `cache` is where Node keeps compiled code; without it, TypeScript is stripped anew
 * at each start, which costs 15 MB for as long as the process lives.
 * `child`: it stops when its standard input ends.
 */
export function agentProcess(options: { root: string; cache?: string; child?: boolean }): AgentProcess {
  const run = fileURLToPath(new URL('./run.ts', import.meta.url));
  const kept = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  return {
    file: process.execPath,
    args: ['--max-semi-space-size=1', run, '--root', options.root, ...(options.child ? ['--child'] : [])],
    env: {
      ...Object.fromEntries(kept),
      ...(options.cache === undefined ? {} : { NODE_COMPILE_CACHE: options.cache }),
    },
  };
}
