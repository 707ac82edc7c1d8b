/** How the agent is started as a process of its own, with the least memory and nobody's environment. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What to hand to `spawn`. */
export interface AgentProcess {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** How to start it. */
export interface AgentProcessOptions {
  readonly root: string;
  /** Where Node keeps compiled code; see {@link warmAgentCache}. */
  readonly cache?: string;
  /** It stops when its standard input ends. */
  readonly child?: boolean;
}

/** The process for a folder. */
export function agentProcess(options: AgentProcessOptions): AgentProcess {
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

/**
 * Fills the cache, in a process that does nothing else. An agent that finds it empty strips its TypeScript
 * itself, and keeps the 35 MB that this takes for as long as it lives.
 */
export function warmAgentCache(cache: string): Promise<void> {
  const { file, args, env } = agentProcess({ root: '/', cache });
  return new Promise((resolve) => {
    const process = spawn(file, [...args, '--warm'], { env, stdio: 'ignore' });
    // A cache is only a saving: what keeps it from being filled will keep the agent itself from starting.
    process.once('error', () => resolve());
    process.once('exit', () => resolve());
  });
}
