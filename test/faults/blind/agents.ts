/** Solution 1: the agent isn't installed, isn't running, or isn't alone. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { agentProcess } from '../../../packages/agent/src/process.ts';
import { lose } from '../world.ts';
import type { Fault } from './fault.ts';
import { inRoster, lively, older, put, runOn, sleep, sure, tries, until } from './help.ts';
import { copyPrograms, installOfficial, livelyOfficial } from './official.ts';

export const agents: readonly Fault[] = [
  {
    id: 's1-never-installed',
    story: 'A new machine came from an image without any agent.',
    asked: 'node',
    expected: ['agent-not-installed'],
    async inject(world) {
      const machine = await world.machine();
      for (const path of ['var/lib/rollcall-agent', 'usr/bin/amazon-ssm-agent', 'snap/amazon-ssm-agent'])
        sure('there is no agent', !existsSync(join(machine.files, path)), path);
      return { machine };
    },
  },
  {
    id: 's1-alpine',
    story: 'A minimal Alpine machine; nobody could install the agent on it.',
    asked: 'node',
    expected: ['unsupported-os-or-arch', 'agent-not-installed'],
    async inject(world) {
      const machine = await world.machine();
      const release = 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.20.3\nPRETTY_NAME="Alpine Linux v3.20"\n';
      machine.run('rm', '-f', '/etc/os-release', '/usr/lib/os-release', '/etc/debian_version');
      put(machine, 'etc/os-release', release);
      put(machine, 'etc/alpine-release', '3.20.3\n');
      return { machine };
    },
  },
  {
    id: 's1-stopped',
    story: 'Somebody stopped the agent for maintenance and forgot about it.',
    asked: 'node',
    expected: ['agent-stopped'],
    async inject(world) {
      const machine = await lively(world);
      await machine.stop();
      sure('the agent has ended', !machine.running());
      return { machine };
    },
  },
  {
    id: 's1-killed',
    story: 'The agent was killed by signal 9, so that its status file still says connected.',
    asked: 'node',
    expected: ['agent-stopped'],
    async inject(world) {
      const machine = await lively(world);
      machine.signal('SIGKILL');
      await until('the agent has ended', () => !machine.running());
      return { machine };
    },
  },
  {
    id: 's1-killed-operator',
    story: 'The same, asked at the server: it has only seen the channel end.',
    asked: 'operator',
    expected: ['agent-stopped', 'unknown'],
    async inject(world) {
      const machine = await lively(world);
      machine.signal('SIGKILL');
      await lose(world, machine);
      return { subject: machine.nodeId };
    },
  },
  {
    id: 's1-killed-both',
    story: 'The same, asked at the server with what the machine saw.',
    asked: 'both',
    expected: ['agent-stopped'],
    async inject(world) {
      const machine = await lively(world);
      machine.signal('SIGKILL');
      await lose(world, machine);
      return { subject: machine.nodeId, evidence: await machine.look() };
    },
  },
  {
    id: 's1-halted',
    story: 'The agent was halted (SIGSTOP) by somebody who looked into it, and left so.',
    asked: 'node',
    expected: ['agent-frozen', 'worker-dead-core-alive'],
    async inject(world) {
      const machine = await lively(world);
      machine.signal('SIGSTOP');
      const state = () => machine.run('cat', `/proc/${machine.pid()}/stat`).split(') ')[1]?.[0];
      await until('it is halted', () => state() === 'T');
      return { machine };
    },
  },
  {
    id: 's1-not-at-boot',
    story: 'The service was never enabled, and the machine was rebooted two minutes ago.',
    asked: 'node',
    expected: ['agent-not-enabled-at-boot', 'agent-stopped'],
    async inject(world) {
      const machine = await world.machine({ upFor: 120 });
      await machine.register();
      const { file, args } = agentProcess({ root: '/var/lib/rollcall-agent' });
      const unit = `[Unit]\nDescription=Rollcall agent\n[Service]\nExecStart=${[file, ...args].join(' ')}\nRestart=always\n[Install]\nWantedBy=multi-user.target\n`;
      put(machine, 'etc/systemd/system/rollcall-agent.service', unit);
      await machine.start();
      older(world, machine);
      await machine.stop();
      // As it was before the reboot.
      machine.run('touch', '-d', '1 hour ago', '/var/lib/rollcall-agent/status.json');
      const wants = '/etc/systemd/system/multi-user.target.wants/rollcall-agent.service';
      sure('it is not enabled', (await tries(machine, 'test', '-e', wants)).code !== 0);
      return { machine };
    },
  },
  {
    id: 's1-crash-loop',
    story:
      'The agent gets 60 MB of address space by a careless limit: it crashes at each start and is started again.',
    asked: 'node',
    expected: ['agent-crash-loop', 'agent-stopped', 'oom-killed'],
    async inject(world) {
      const machine = await lively(world);
      await machine.stop();
      const { file, args } = agentProcess({ root: '/var/lib/rollcall-agent' });
      const line = `ulimit -v 60000; while :; do "${file}" ${args.join(' ')}; sleep 1; done`;
      world.closes({ close: () => loop.child.kill('SIGKILL') });
      const loop = machine.spawn('/bin/sh', ['-c', line]);
      await sleep(4_000);
      sure(
        'it crashes',
        /fail|memory|abort|trap|core|allocat|killed|error|fault/i.test(loop.said()),
        loop.said(),
      );
      return { machine };
    },
  },
  {
    id: 's1-official-stopped',
    story: 'The official agent is installed and registered; its service is down.',
    asked: 'node',
    expected: ['agent-stopped'],
    official: true,
    async inject(world) {
      const [machine, official] = await livelyOfficial(world);
      official.stop();
      await until('it has ended', () => official.pids('amazon-ssm-agent').length === 0);
      return { machine };
    },
  },
  {
    id: 's1-official-twice',
    story: 'The image had the snap; a playbook installed the deb as well: two copies run.',
    asked: 'node',
    expected: ['double-agent'],
    official: true,
    async inject(world) {
      const [machine, official] = await livelyOfficial(world);
      const snap = '/snap/amazon-ssm-agent/7993';
      copyPrograms(machine, snap);
      mkdirSync(join(machine.files, 'var/snap/amazon-ssm-agent/7993'), { recursive: true });
      machine.run('ln', '-s', '7993', '/snap/amazon-ssm-agent/current');
      machine.spawn(`${snap}/amazon-ssm-agent`, [], { env: { HOME: '/root' } });
      await until('two run', () => official.pids('amazon-ssm-agent').length >= 2);
      return { machine };
    },
  },
  {
    id: 's1-official-worker-dead',
    story: "The official agent's core runs; its worker died and can't be started again.",
    asked: 'node',
    expected: ['worker-dead-core-alive'],
    official: true,
    async inject(world) {
      const [machine, official] = await livelyOfficial(world);
      machine.run('rm', '/usr/bin/ssm-agent-worker');
      for (const pid of official.pids('ssm-agent-worker')) machine.run('kill', '-9', String(pid));
      // The core looks after its worker once a minute.
      await sleep(130_000);
      sure('the core lives', official.pids('amazon-ssm-agent').length > 0);
      sure('the worker is dead', official.pids('ssm-agent-worker').length === 0);
      return { machine };
    },
  },
  {
    id: 's1-official-noexec',
    story: 'Hardening mounted /var/lib/amazon noexec: Online, and every command fails.',
    asked: 'node',
    expected: ['noexec-mount'],
    official: true,
    async inject(world) {
      const machine = await world.machine();
      const official = installOfficial(world, machine);
      machine.run('mount', '-t', 'tmpfs', '-o', 'noexec', 'hardened', '/var/lib/amazon');
      machine.run('mkdir', '-p', '/var/lib/amazon/ssm');
      // What the agent writes there is seen from inside only.
      const args = await activationOf(world);
      const { code, all } = await tries(machine, '/usr/bin/amazon-ssm-agent', '-register', '-y', ...args);
      if (code !== 0) throw new Error(`it doesn't register: ${all}`);
      official.nodeId = JSON.parse(machine.run('cat', '/var/lib/amazon/ssm/registration')).ManagedInstanceID;
      await official.start();
      const outcome = await runOn(world, official.nodeId, 'echo hello');
      sure('commands fail', outcome.startsWith('Failed'), outcome);
      return { machine };
    },
  },
  {
    id: 's1-official-stopped-operator',
    story: 'The official agent was stopped; the roster knows the machine; asked at the server by its name.',
    asked: 'operator',
    expected: ['agent-stopped', 'unknown'],
    official: true,
    async inject(world) {
      const [machine, official] = await livelyOfficial(world);
      await inRoster(world, `name,address\n${machine.name},${machine.address}\n`);
      official.stop();
      await lose(world, { nodeId: official.nodeId } as typeof machine);
      return { subject: machine.name };
    },
  },
];

async function activationOf(world: Parameters<Fault['inject']>[0]): Promise<string[]> {
  const { ActivationId, ActivationCode } = await world.server
    .admin()
    .ask('ssm:CreateActivation', { IamRole: 'Nodes', RegistrationLimit: 5 });
  return ['-id', ActivationId, '-code', ActivationCode, '-region', world.server.region];
}
