/**
 * Runs benchmarks one after another, each in a process of its own: `npm run bench [-- --small] [-- NAME…]`. Their
 * numbers are what they print; only a benchmark that could not be run is an error.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const all = [
  'heartbeat',
  'lists',
  'verdicts',
  'start',
  'agent',
  'storm',
  'idle',
  'store',
  'send-command',
  'fan-out',
  'one-node',
  'ansible',
];

const args = process.argv.slice(2);
const names = args.filter((arg) => !arg.startsWith('-'));
const flags = args.filter((arg) => arg.startsWith('-'));
const unknown = names.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`There is no benchmark ${unknown.join(', ')}. There are: ${all.join(', ')}.\n`);
  process.exit(2);
}
const failed: string[] = [];
for (const name of names.length > 0 ? names : all) {
  const file = join(import.meta.dirname, `${name}.ts`);
  const { status } = spawnSync(process.execPath, [file, ...flags], { stdio: 'inherit' });
  if (status !== 0) failed.push(name);
}
if (failed.length > 0) {
  process.stderr.write(`\nCould not be run: ${failed.join(', ')}.\n`);
  process.exit(1);
}
