/** The same through the commands that people type: on the machine, on the server, and with a block that was pasted. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Verdict } from '@rollcall/diagnosis';
import { openPart } from '../case.ts';
import { type Machine, serverName } from '../node/machine.ts';
import type { Stage } from '../stage.ts';
import type { World } from '../world.ts';
import { restartInto } from './common.ts';

const { cases, fault, twin } = openPart('commands');
const repository = resolve(import.meta.dirname, '../../..');
const program = join(repository, 'packages/cli/src/main.js');

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs `rollcall` on the server's own machine, as its administrator. */
function rollcall(world: World, args: readonly string[], input = ''): Promise<Ended> {
  const env = { PATH: process.env.PATH, HOME: world.folder, LANG: 'C.UTF-8' };
  const child = spawn(process.execPath, [program, ...args, '--data', world.server.data], { env });
  return ended(child, input);
}

/** Runs it on a machine. */
function onMachine(machine: Machine, args: readonly string[]): Promise<Ended> {
  const { child } = machine.spawn(process.execPath, [program, ...args], {
    env: { HOME: '/root', NODE_COMPILE_CACHE: '/var/cache/zoo' },
  });
  return ended(child);
}

function ended(child: ReturnType<typeof spawn>, input?: string): Promise<Ended> {
  let out = '';
  let err = '';
  child.stdout?.on('data', (part) => {
    out += part;
  });
  child.stderr?.on('data', (part) => {
    err += part;
  });
  if (input !== undefined) child.stdin?.end(input);
  return new Promise((done) => child.once('close', (code) => done({ code, out, err })));
}

function verdictOf({ code, out, err }: Ended): Verdict {
  try {
    return JSON.parse(out);
  } catch {
    throw new Error(`it ended with ${code}: ${out}${err}`);
  }
}

async function broken(stage: Stage): Promise<Machine> {
  const machine = await stage.machine({ upFor: 86_400 });
  const { zone } = await (await stage.world()).dns();
  await restartInto(machine, () => zone.set(serverName, 'no-such-name'));
  return machine;
}

twin({ id: 'doctor-of-a-healthy-machine', node: 'well', needs: ['root'] }, async (stage) => {
  const machine = await stage.machine({ upFor: 86_400 });
  const ran = await onMachine(machine, ['doctor', '--json']);
  stage.compare('node', verdictOf(ran), ran);
  stage.check(ran.code === 0, `it ended with ${ran.code}`);
});

fault(
  {
    id: 'doctor-names-the-cause',
    cause: 'dns-fails',
    gate: 'path',
    solution: 3,
    node: 'proven',
    needs: ['root'],
  },
  async (stage) => {
    const machine = await broken(stage);
    const ran = await onMachine(machine, ['doctor', '--json']);
    stage.compare('node', verdictOf(ran), ran);
    stage.check(ran.code === 1, `it ended with ${ran.code}`);
    for (const [language, words] of [
      ['en', /is not resolved/],
      ['ja', /名前解決|解決できない/],
    ] as const) {
      const { out } = await onMachine(machine, ['doctor', '--lang', language]);
      stage.check(words.test(out), `in ${language} it says: ${out}`);
    }
  },
);

fault(
  {
    id: 'why-with-a-bundle',
    cause: 'dns-fails',
    gate: 'path',
    operator: 'blind',
    both: 'proven',
    needs: ['root'],
  },
  async (stage) => {
    const world = await stage.world();
    const machine = await broken(stage);
    await onMachine(machine, ['doctor', '--bundle', '/tmp/seen.json']);
    const seen = machine.run('cat', '/tmp/seen.json');
    await stage.lose(machine);
    const alone = await rollcall(world, ['why', machine.nodeId, '--json']);
    stage.compare('operator', verdictOf(alone), alone);
    const joined = await rollcall(world, ['why', machine.nodeId, '--json', '--evidence', '-'], seen);
    stage.compare('both', verdictOf(joined), joined);
    stage.check(joined.code === 1, `it ended with ${joined.code}`);
  },
);

fault(
  {
    id: 'why-with-a-collected-block',
    cause: 'dns-fails',
    gate: 'path',
    node: 'sure',
    both: 'sure',
    needs: ['root'],
  },
  async (stage) => {
    const world = await stage.world();
    const machine = await broken(stage);
    const script = join(repository, 'packages/probes/scripts/collect.sh');
    const { out: block } = await ended(machine.spawn('/bin/sh', [script]).child);
    await stage.lose(machine);
    const read = await rollcall(world, ['doctor', '--read', '-', '--json'], block);
    stage.compare('node', verdictOf(read), read);
    const joined = await rollcall(world, ['why', machine.nodeId, '--json', '--evidence', '-'], block);
    stage.compare('both', verdictOf(joined), joined);
    stage.check(readFileSync(script).length <= 40 * 1024, 'the script is longer than 40 KiB');
  },
);

fault(
  {
    id: 'why-all-groups-by-cause',
    cause: 'activation-expired',
    operator: 'sure',
  },
  async (stage) => {
    const world = await stage.world();
    const { server } = world;
    const made = await server.admin().ask('ssm:CreateActivation', { IamRole: 'Nodes' });
    server.books((books) => books.prepare('UPDATE activations SET expires_at = ?').run(Date.now() - 60_000));
    const machines = [];
    for (let number = 1; number <= 3; number += 1) {
      const node = await world.node();
      machines.push({ key: `web-${number}`, name: `web-${number}`, address: node.address });
      await world.roster(machines);
      await node.register({ activation: made }).catch(() => {});
      await world.refused({ nodeId: '', address: node.address }, 'activation-expired');
    }
    server.books((books) =>
      books.prepare('UPDATE machines SET first_seen_at = first_seen_at - 86400000').run(),
    );
    const ran = await rollcall(world, ['why', '--all', '--json']);
    const { Groups } = JSON.parse(ran.out);
    const group = Groups.find(({ Cause }: { Cause?: string }) => Cause === 'activation-expired');
    stage.check(
      group?.Count === 3,
      `its groups are ${JSON.stringify(Groups.map((one: { Cause: string; Members: unknown }) => [one.Cause, one.Members]))}`,
    );
    stage.compare('operator', group.Verdict, Groups);
  },
);

export const commands = cases;
