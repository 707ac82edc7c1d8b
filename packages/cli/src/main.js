/**
 * `rollcall`, the one command: finds the verb, loads it and nothing else. The verbs that are a role (up,
 * enroll …) load server or agent; all others only speak to a server through its public, signed API.
 *
 * The only file that isn't TypeScript: what is loaded before the cache is there has to be stripped of its types
 * at every start, and the stripper costs 15 MiB that are never given back.
 */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

enableCompileCache(join(import.meta.dirname, '../../../node_modules/.cache/rollcall'));

const [{ systemIo }, { run }, { verbs }] = await Promise.all([
  import('./io.ts'),
  import('./run.ts'),
  import('./verbs.ts'),
]);
await run(verbs, process.argv.slice(2), systemIo());
