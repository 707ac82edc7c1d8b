/**
 * Our agent as a process of its own, on a clock that the test turns. Registers first, unless it has:
 *
 *     node our-agent-entry.ts URL CA-FILE ACTIVATION-ID ACTIVATION-CODE ROOT TURNED
 */
import { readFileSync } from 'node:fs';
import { openAgent } from '../../../packages/agent/src/agent.ts';
import { register } from '../../../packages/agent/src/register.ts';
import { openTurnedClock } from '../turned-clock.ts';

const [serverUrl = '', caFile = '', activationId = '', activationCode = '', root = '', turned = ''] =
  process.argv.slice(2);
await register({
  serverUrl,
  activationId,
  activationCode,
  region: 'us-east-1',
  root,
  ca: readFileSync(caFile, 'utf8'),
});
const clock = openTurnedClock(Number(turned));
const agent = openAgent({ root, clock });

process.on('message', ({ id, turn }: { id: number; turn: number }) => {
  clock.turn(turn);
  // What that set off has a moment.
  setTimeout(() => process.send?.({ id }), 5);
});
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.send?.({ nodeId: agent.nodeId });
