/**
 * One node with our own agent: from `SendCommand` until its result is shown, against a fresh `ssh host true` to
 * an sshd on the same machine; and the whole `rollcall run -- true`, from the command line until it ends. Interleaved:
 * one of each in turn.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer } from '../test/harness/server.ts';
import { startRealAgents } from './lib/real-agents.ts';
import { begin, compare, note, number, quantile, small } from './lib/report.ts';
import { timeProcess } from './lib/run-process.ts';
import { root } from './lib/sizes.ts';
import { missingForSsh, type Sshd, startSshd } from './lib/ssh.ts';

const times = small ? 10 : 100;
const warmUp = 3;

begin('one-node', `one command to one node, ${times} times, one after the other`);

const folder = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'rollcall-bench-'));
const server = await startServer();
const agents = await startRealAgents(server, folder, 1);
const missing = missingForSsh();
let sshd: Sshd | undefined;

/** Sends `true`, and waits until its result is there. */
async function command(): Promise<number> {
  const begun = performance.now();
  const { Command } = await server.admin.ask('ssm:SendCommand', {
    DocumentName: 'AWS-RunShellScript',
    InstanceIds: agents.nodeIds,
    Parameters: { commands: ['true'] },
  });
  const watch = { CommandId: Command.CommandId, After: 0, WaitSeconds: 20 };
  const { Finished } = await server.admin.ask('rollcall:WatchCommand', watch);
  const took = performance.now() - begun;
  if (Finished[0]?.Status !== 'Success') throw new Error(`the command is ${JSON.stringify(Finished)}`);
  return took;
}

function cli(): Promise<number> {
  const main = join(root, 'packages/cli/src/main.js');
  const args = [main, 'run', agents.nodeIds[0]!, '--data', server.data, '--', 'true'];
  return timeProcess(process.execPath, args);
}

try {
  if (missing.length === 0) sshd = await startSshd(folder);
  const ours: number[] = [];
  const theirs: number[] = [];
  const whole: number[] = [];
  const shells: number[] = [];
  const nodes: number[] = [];
  for (let index = 0; index < times + warmUp; index++) {
    const one = await command();
    const ssh = sshd && (await timeProcess('ssh', ['-F', sshd.config, 'some-host', 'true']));
    // Processes of Node take long; a third of them will do.
    const isTurn = index % 3 === 0;
    const run = isTurn ? await cli() : undefined;
    const shell = await timeProcess('sh', ['-c', 'true']);
    const node = isTurn ? await timeProcess(process.execPath, ['-e', '0']) : undefined;
    if (index < warmUp) continue;
    ours.push(one);
    shells.push(shell);
    if (ssh !== undefined) theirs.push(ssh);
    if (run !== undefined) whole.push(run);
    if (node !== undefined) nodes.push(node);
  }
  const at = (values: readonly number[], share: number) =>
    quantile(
      [...values].sort((a, b) => a - b),
      share,
    );
  for (const share of [0.5, 0.99]) {
    const what = `p${share * 100}, SendCommand until the result is shown`;
    if (sshd)
      compare({
        what,
        ours: at(ours, share),
        peer: at(theirs, share),
        unit: 'ms',
        against: 'a fresh ssh host true',
        ...(share === 0.5 && { atMost: 1 }),
      });
    else note(`${what}: ${number(at(ours, share))} ms`);
  }
  if (!sshd) note(`${missing.join(', ')} not at hand (openssh-server): nothing to compare with`);
  const processes = `p50 ${number(at(whole, 0.5))} ms, longest ${number(Math.max(...whole))} ms, ${whole.length} times`;
  note(`the whole process rollcall run -- true: ${processes}`);
  note(
    `starting a program at all: sh -c true ${number(at(shells, 0.5))} ms, node -e 0 ${number(at(nodes, 0.5))} ms (p50)`,
  );
} finally {
  sshd?.stop();
  await agents.stop();
  await server.stop();
  server.remove();
  rmSync(folder, { recursive: true, force: true });
}
