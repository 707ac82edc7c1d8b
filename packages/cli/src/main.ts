/**
 * `rollcall`, the one command: finds the verb, loads it and nothing else. The verbs that are a role (up,
 * enroll …) load server or agent; all others only speak to a server through its public, signed API.
 */
import module from 'node:module';
import path from 'node:path';
import { systemIo } from './io.ts';

const io = systemIo();
module.enableCompileCache(path.join(io.root, 'node_modules/.cache/rollcall'));

const { run } = await import('./run.ts');
const { verbs } = await import('./verbs.ts');
await run(verbs, process.argv.slice(2), io);
