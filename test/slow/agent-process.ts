/**
 * Our agent as a process that registers first, unless it has: `node agent-process.ts URL CA-FILE ID CODE --root DIR`.
 */
import { readFileSync } from 'node:fs';
import { register } from '../../packages/agent/src/register.ts';

// What is left of the arguments is the agent's own.
const [serverUrl = '', caFile = '', activationId = '', activationCode = ''] = process.argv.splice(2, 4);
const root = process.argv[3]!;
await register({
  serverUrl,
  activationId,
  activationCode,
  region: 'us-east-1',
  root,
  ca: readFileSync(caFile, 'utf8'),
});
await import('../../packages/agent/src/run.ts');
