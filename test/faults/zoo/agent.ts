/** The agent itself: there, running, whole, and set up so that it can work. */
import { chmodSync, copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openPart } from '../case.ts';
import { edit } from '../node/agent.ts';
import { until } from '../until.ts';
import { statusOf } from './common.ts';

const { cases, fault, decoy } = openPart('agent');

for (const [id, signal] of [
  ['agent-stopped', 'SIGTERM'],
  ['agent-killed', 'SIGKILL'],
] as const)
  fault(
    {
      id,
      cause: 'agent-stopped',
      gate: 'agent',
      solution: 1,
      node: 'proven',
      operator: 'blind',
      both: 'proven',
    },
    async (stage) => {
      const node = await stage.node();
      node.signal(signal);
      await until('it has ended', () => !node.running());
      await stage.judge(node);
      await node.start();
      await stage.mended(node);
    },
  );

fault(
  {
    id: 'agent-frozen',
    cause: 'agent-frozen',
    gate: 'agent',
    solution: 1,
    node: 'sure',
    operator: 'blind',
    both: 'sure',
    fix: 'kill -CONT',
  },
  async (stage) => {
    const node = await stage.node();
    node.signal('SIGSTOP');
    await until('it is stopped', async () => {
      const { agents } = await node.look();
      return agents[0]?.processes?.some(({ state }) => state === 'T');
    });
    // A frozen process answers no ping: the server gives its channel up after a while.
    await (await stage.world()).server.pass(180_000);
    await stage.judge(node);
    node.signal('SIGCONT');
    await stage.mended(node);
  },
);

fault(
  {
    id: 'agent-not-installed',
    cause: 'agent-not-installed',
    gate: 'agent',
    solution: 1,
    node: 'proven',
    fix: 'rollcall activation line',
    needs: ['root'],
  },
  async (stage) => {
    const world = await stage.world();
    const machine = await world.machine({ upFor: 86_400 });
    await stage.judge(machine, { look: { server: machine.serverUrl } });
    await machine.register();
    await machine.start();
    await stage.mended(machine);
  },
);

fault(
  {
    id: 'agent-not-registered',
    cause: 'agent-not-registered',
    gate: 'identity',
    solution: 1,
    node: 'sure',
    fix: 'rollcall activation create',
  },
  async (stage) => {
    const node = await stage.node();
    await node.stop();
    for (const name of ['identity.json', 'identity.previous.json', 'status.json', 'credentials.json'])
      rmSync(join(node.root, name), { force: true });
    await stage.judge(node);
  },
);

fault(
  {
    id: 'config-unreadable',
    cause: 'config-unreadable',
    gate: 'agent',
    solution: 1,
    node: 'proven',
    operator: 'blind',
    both: 'proven',
    fix: 'explained',
  },
  async (stage) => {
    const node = await stage.node();
    await node.stop();
    writeFileSync(join(node.root, 'config.json'), '{ "periodSeconds": 300,');
    await node.start({ online: false });
    await until('it gives up', () => !node.running());
    await stage.judge(node);
    rmSync(join(node.root, 'config.json'));
    await node.start();
    await stage.mended(node);
  },
);

fault(
  {
    id: 'config-asks-for-the-impossible',
    cause: 'config-unreadable',
    gate: 'agent',
    node: 'proven',
    both: 'proven',
  },
  async (stage) => {
    const node = await stage.node();
    await node.stop();
    edit(node.root, 'config.json', (config) => {
      config.periodSeconds = 5;
    });
    await node.start({ online: false });
    await until('it gives up', () => !node.running());
    await stage.judge(node);
    edit(node.root, 'config.json', (config) => {
      delete config.periodSeconds;
    });
    await node.start();
    await stage.mended(node);
  },
);

fault(
  {
    id: 'double-agent-ours-twice',
    cause: 'agent-stopped',
    gate: 'agent',
    node: 'proven',
    both: 'proven',
    decoyOf: ['double-agent'],
  },
  async (stage) => {
    // The folder of one is another's: each machine is judged by its own.
    const node = await stage.node();
    await stage.node();
    await node.stop();
    await stage.judge(node);
    await node.start();
    await stage.mended(node);
  },
);

fault(
  {
    id: 'file-descriptors-exhausted',
    cause: 'file-descriptors-exhausted',
    gate: 'machine',
    node: 'sure',
    both: 'sure',
    needs: ['root'],
  },
  async (stage) => {
    const machine = await stage.machine();
    const pid = String(machine.pid());
    const { agents } = await machine.look();
    const open = agents[0]?.processes?.[0]?.openFiles?.count ?? 0;
    machine.run('prlimit', '--pid', pid, `--nofile=${open - 2}:`);
    // The channel is lost, and a new one can't be opened.
    await machine.way.change({ kind: 'pass' });
    await until('an attempt fails', () => /EMFILE|An attempt failed/.test(machine.log()));
    await stage.judge(machine);
    machine.run('prlimit', '--pid', pid, '--nofile=1024:');
    await stage.mended(machine, 70_000);
  },
);

/** A program that does nothing, under an agent's name: what the process table shows is what counts. */
function standIn(files: string, path: string): void {
  mkdirSync(join(files, path, '..'), { recursive: true });
  copyFileSync('/bin/sleep', join(files, path));
  chmodSync(join(files, path), 0o755);
}

fault(
  {
    id: 'agent-wrong-user',
    cause: 'agent-wrong-user',
    gate: 'agent',
    solution: 1,
    node: 'proven',
    fix: 'explained',
    needs: ['root'],
  },
  async (stage) => {
    const world = await stage.world();
    const machine = await world.machine({ upFor: 86_400 });
    standIn(machine.files, '/usr/bin/amazon-ssm-agent');
    machine.spawn('/usr/bin/amazon-ssm-agent', ['1000'], { uid: 65534 });
    await until('it runs', async () => (await machine.look()).agents[0]?.processes?.length);
    await stage.judge(machine);
  },
);

fault(
  {
    id: 'double-agent',
    cause: 'double-agent',
    gate: 'agent',
    solution: 1,
    node: 'proven',
    needs: ['root'],
  },
  async (stage) => {
    const world = await stage.world();
    const machine = await world.machine({ upFor: 86_400 });
    for (const path of ['/usr/bin/amazon-ssm-agent', '/opt/aws/amazon-ssm-agent']) {
      standIn(machine.files, path);
      machine.spawn(path, ['1000']);
    }
    await until('both run', async () => {
      const running = (await machine.look()).agents.filter(({ processes }) => processes?.length);
      return running.length === 2;
    });
    await stage.judge(machine);
  },
);

decoy(
  {
    id: 'double-agent-two-kinds-for-two-servers',
    decoyOf: ['double-agent'],
    node: 'well',
    needs: ['root'],
  },
  async (stage) => {
    const machine = await stage.machine({ upFor: 86_400 });
    standIn(machine.files, '/usr/bin/amazon-ssm-agent');
    machine.spawn('/usr/bin/amazon-ssm-agent', ['1000']);
    await until('it runs', async () => (await machine.look()).agents.length === 2);
    await stage.judge(machine);
  },
);

decoy(
  {
    id: 'stopped-beside-one-that-nobody-registered',
    cause: 'agent-stopped',
    decoyOf: ['agent-not-registered'],
    node: 'proven',
    both: 'proven',
    needs: ['root'],
  },
  async (stage) => {
    // Some systems bring the official agent along, and start it.
    const machine = await stage.machine({ upFor: 86_400 });
    standIn(machine.files, '/usr/bin/amazon-ssm-agent');
    machine.spawn('/usr/bin/amazon-ssm-agent', ['1000']);
    await until('it runs', async () => (await machine.look()).agents.length === 2);
    await machine.stop();
    await stage.judge(machine);
    await machine.start();
    await stage.mended(machine);
  },
);

fault(
  {
    id: 'agent-in-container',
    cause: 'agent-in-container',
    gate: 'agent',
    solution: 1,
    node: 'proven',
    // The file lies on the machine itself as well.
    warnings: ['double-agent'],
    needs: ['root'],
  },
  async (stage) => {
    const world = await stage.world();
    const machine = await world.machine({ upFor: 86_400 });
    standIn(machine.files, '/usr/bin/amazon-ssm-agent');
    machine.spawn('unshare', ['--mount', '--pid', '--fork', '/usr/bin/amazon-ssm-agent', '1000']);
    await until('it runs', async () => (await machine.look()).agents[0]?.processes?.length);
    await stage.judge(machine);
  },
);

fault(
  {
    id: 'not-yet-registered',
    node: 'pending',
    needs: ['root'],
  },
  async (stage) => {
    const world = await stage.world();
    // Three quarters of a minute after its start, with nothing on it yet.
    const machine = await world.machine({ upFor: 45 });
    await stage.judge(machine, { look: { server: machine.serverUrl } });
  },
);

fault(
  {
    id: 'just-registered-and-silent',
    operator: 'pending',
  },
  async (stage) => {
    const world = await stage.world();
    const node = await world.node();
    await node.register();
    await stage.judge(node, { stays: true });
    stage.check(statusOf(node) === undefined, 'its agent was never started');
  },
);

export const agent = cases;
