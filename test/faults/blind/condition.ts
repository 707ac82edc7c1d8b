/** The machine itself: its clock, its disk, who may read what; and agents that only wait. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { faketime, type Machine } from '../node/machine.ts';
import type { Node } from '../node/node.ts';
import { back, lose } from '../world.ts';
import type { Fault } from './fault.ts';
import { cut, inRoster, knocksOf, lively, sleep, statusOf, sure, tries, troubled, until } from './help.ts';
import { livelyOfficial } from './official.ts';

const minute = 60_000;
const day = 86_400_000;
const root = '/var/lib/rollcall-agent';

/** What makes a program on the machine believe the machine's own time, when that is off. */
export function shifted(ms: number): Record<string, string> {
  return {
    LD_PRELOAD: faketime(),
    FAKETIME: `${ms < 0 ? '' : '+'}${ms / 1000}`,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
}

/** A machine whose clock is off, with its agent at work. */
export async function untimely(
  world: Parameters<Fault['inject']>[0],
  ahead: number,
  online = false,
): Promise<Machine> {
  const machine = await world.machine({ ahead });
  await machine.register();
  await machine.start({ online });
  const seen = Number(machine.run('/usr/bin/env', ...pairs(shifted(ahead)), 'date', '+%s')) * 1000;
  sure('its time is another', Math.abs(seen - Date.now() - ahead) < 5_000, seen - Date.now());
  return machine;
}

function pairs(environment: Readonly<Record<string, string>>): string[] {
  return Object.entries(environment).map(([name, value]) => `${name}=${value}`);
}

export const condition: readonly Fault[] = [
  {
    id: 'time-ahead',
    story: "The machine's clock is ten minutes ahead; our agent makes up for it by the server's answers.",
    asked: 'node',
    expected: ['clock-skew', 'none'],
    async inject(world) {
      const machine = await untimely(world, 10 * minute);
      await sleep(4_000);
      return { machine, env: shifted(10 * minute) };
    },
  },
  {
    id: 'time-last-month',
    story: 'A board without a battery woke up a month ago, by its clock.',
    asked: 'node',
    expected: ['clock-skew', 'certificate-expired-or-not-yet-valid'],
    async inject(world) {
      const machine = await untimely(world, -30 * day);
      await troubled(machine);
      return { machine, env: shifted(-30 * day) };
    },
  },
  {
    id: 'time-next-year',
    story: 'Somebody typed the wrong year: by the clock, every certificate has expired.',
    asked: 'node',
    expected: ['clock-skew', 'certificate-expired-or-not-yet-valid'],
    async inject(world) {
      const machine = await untimely(world, 900 * day);
      await troubled(machine);
      return { machine, env: shifted(900 * day) };
    },
  },
  {
    id: 'time-skewed-operator',
    story: 'Ten official nodes; the clock of one is 20 minutes behind, and its calls are refused.',
    asked: 'operator',
    expected: ['clock-skew'],
    async inject(world) {
      await world.neighbours(10, '10.60.0.1');
      const late = await world.neighbours(0, '10.60.0.2', {
        now: () => world.server.clock.now() - 20 * minute,
      });
      const agent = await late.register();
      const outcome = await late.start(agent).then(
        () => 'started',
        (error) => String(error.code),
      );
      sure('it is refused', outcome !== 'started', outcome);
      await until('the door notes it', async () =>
        (await knocksOf(world)).some(
          ({ Claim, Address }) => Claim === agent.nodeId || Address === '10.60.0.2',
        ),
      );
      return { subject: agent.nodeId };
    },
  },
  {
    id: 'disk-full',
    story: 'A log filled the disk; the agent still runs.',
    asked: 'node',
    expected: ['disk-full'],
    async inject(world) {
      const machine = await lively(world);
      await tries(machine, 'dd', 'if=/dev/zero', 'of=/var/log/huge.log', 'bs=1M');
      const { all } = await tries(machine, 'cp', '/bin/sh', '/var/lib/written');
      sure('nothing can be written', /No space/.test(all), all);
      return { machine };
    },
  },
  {
    id: 'disk-inodes',
    story: 'Room enough, and no inode left, where the agent lives.',
    asked: 'node',
    expected: ['inodes-full'],
    async inject(world) {
      const machine = await world.machine();
      // What is mounted from outside is seen from inside only when it was there first: so from inside, and filled by it.
      machine.run('mkdir', '-p', root);
      await machine.register();
      machine.run('cp', '-a', root, '/var/lib/kept');
      machine.run('mount', '-t', 'tmpfs', '-o', 'nr_inodes=60,size=64m,mode=711', 'small', root);
      machine.run('sh', '-c', `cp -a /var/lib/kept/. ${root}/`);
      await machine.start({ online: false });
      await until('it is Online', async () => {
        const { InstanceInformationList: list } = await world.server
          .admin()
          .ask('ssm:DescribeInstanceInformation', {});
        return list[0]?.PingStatus === 'Online';
      });
      machine.run(
        'sh',
        '-c',
        `mkdir ${root}/spool; i=0; while touch ${root}/spool/$i 2>/dev/null; do i=$((i+1)); done`,
      );
      const { all } = await tries(machine, 'touch', `${root}/one-more`);
      sure('no inode is left', /No space/.test(all), all);
      return { machine };
    },
  },
  {
    id: 'rights-root-folder',
    story: 'The agent was changed to run as another user, who may not read its folder.',
    asked: 'node',
    expected: ['agent-wrong-user', 'vault-unreadable', 'agent-stopped'],
    async inject(world) {
      const machine = await lively(world);
      await machine.stop();
      await machine.start({ online: false, user: 65_534 });
      await until('it gives up', () => !machine.running());
      return { machine };
    },
  },
  {
    id: 'wait-ours',
    story: 'The network was away for a while and is back; our agent waits for its next attempt.',
    asked: 'node',
    expected: [/back(ing)?-?off|backing-off|waiting/, 'not-yet-registered'],
    async inject(world) {
      const machine = await lively(world);
      await machine.way.change({ kind: 'refuse' });
      // Long enough for a wait that outlives the question.
      await until(
        'it waits for long',
        () => {
          const { nextAttempt, state } = JSON.parse(readFileSync(join(machine.root, 'status.json'), 'utf8'));
          return state === 'waiting' && Date.parse(nextAttempt?.at ?? 0) - Date.now() > 15_000;
        },
        120_000,
      );
      await machine.way.change({ kind: 'pass' });
      return { machine };
    },
  },
  {
    id: 'wait-official-channel',
    story:
      'The server was restarted; reports are back, and the channel of an official node waits out its back-off.',
    asked: 'operator',
    expected: ['channel-backoff'],
    async inject(world) {
      const fleet = await world.neighbours(8, '10.60.0.1', { backOff: { first: 2_400_000, cap: 2_400_000 } });
      await world.server.stop();
      await sleep(4_000);
      await world.server.start();
      for (const agent of fleet.agents) await fleet.heartbeat(agent);
      sure('no channel is open', fleet.open === 0, fleet.open);
      await world.server.pass(240_000);
      return { subject: fleet.agents[0]!.nodeId };
    },
  },
  {
    id: 'wait-official-hibernates',
    story: 'A node was deregistered by mistake and restored; its official agent still hibernates.',
    asked: 'both',
    expected: [/hibernat|back(ing)?-?off|backing-off|sleeping|waiting/],
    official: true,
    async inject(world) {
      const [machine, official] = await livelyOfficial(world);
      await world.server.admin().ask('ssm:DeregisterManagedInstance', { InstanceId: official.nodeId });
      official.stop();
      machine.run('rm', '-rf', '/root/.aws');
      await official.start({ online: false });
      await until('it is refused', () => /InvalidInstanceId|hibernat/i.test(official.log()), 40_000);
      await sleep(3_000);
      await world.server.admin().ask('rollcall:RestoreNode', { InstanceId: official.nodeId });
      return { subject: official.nodeId, evidence: await machine.look() };
    },
  },
  {
    id: 'wait-new-machine',
    story: 'The machine came into the roster a minute ago, and boots.',
    asked: 'operator',
    expected: ['not-yet-registered', 'unknown'],
    async inject(world) {
      await world.neighbours(3, '10.60.0.1');
      await inRoster(world, 'name,address\nweb-31,10.77.0.131\n');
      await world.server.pass(60_000);
      return { subject: 'web-31' };
    },
  },
  {
    id: 'wait-never-came',
    story: 'The machine has been in the roster for two hours, and nobody ever heard of it.',
    asked: 'operator',
    expected: ['agent-not-installed', 'unknown'],
    async inject(world) {
      await world.neighbours(3, '10.60.0.1');
      await inRoster(world, 'name,address\nweb-31,10.77.0.131\n');
      await world.server.pass(7_200_000);
      return { subject: 'web-31' };
    },
  },
  {
    id: 'off-power',
    story: 'The machine is switched off; the inventory says so.',
    asked: 'operator',
    expected: ['machine-stopped', 'expected-off'],
    async inject(world) {
      const machine = await lively(world);
      machine.signal('SIGKILL');
      await lose(world, machine);
      await inRoster(world, `name,address,power\n${machine.name},${machine.address},off\n`);
      return { subject: machine.name };
    },
  },
  {
    id: 'off-maintenance',
    story: 'The machine is in a maintenance window until tonight.',
    asked: 'operator',
    expected: ['expected-off'],
    async inject(world) {
      const machine = await lively(world);
      machine.signal('SIGKILL');
      await lose(world, machine);
      const until = new Date(world.server.clock.now() + 4 * 3_600_000).toISOString();
      await inRoster(world, `name,address,maintenance_until\n${machine.name},${machine.address},${until}\n`);
      return { subject: machine.nodeId };
    },
  },
  {
    id: 'hidden-thirty-days',
    story: 'A node was lost 31 days ago and left the default list.',
    asked: 'operator',
    expected: ['thirty-day-hidden', 'agent-stopped'],
    async inject(world) {
      const machine = await lively(world);
      machine.signal('SIGKILL');
      await lose(world, machine);
      await world.server.stop();
      const then = world.server.clock.now() - 31 * day;
      world.server.books((books) =>
        books
          .prepare('UPDATE presence SET last_ping = ?, opened_at = ?, closed_at = ? WHERE node_id = ?')
          .run(then, then - 1000, then, machine.nodeId),
      );
      await world.server.start();
      const { Nodes } = await world.server.admin().ask('rollcall:ListNodes', { Hidden: true });
      sure('it is hidden', Nodes.length === 1, JSON.stringify(Nodes));
      return { subject: machine.nodeId };
    },
  },
  {
    id: 'wait-was-away',
    story: 'The server itself was away for 20 minutes and is up since a minute; our node is not back yet.',
    asked: 'operator',
    expected: [/^server-|back(ing)?-?off|waiting/, 'unknown', 'none'],
    async inject(world) {
      const machine = await lively(world);
      await world.neighbours(5, '10.60.0.1');
      await machine.way.change({ kind: 'refuse' });
      await world.server.stop();
      world.server.clock.turn(20 * minute);
      await world.server.start();
      await world.server.pass(30_000);
      return { subject: machine.nodeId };
    },
  },
  {
    id: 'well-back',
    story: 'Nothing is wrong any more: the network was away for ten seconds, and the node is back.',
    asked: 'operator',
    expected: ['none'],
    async inject(world) {
      const machine = await lively(world);
      await machine.way.change({ kind: 'refuse' });
      await sleep(5_000);
      await cut(machine);
      await back(world, machine as Node, 60_000);
      sure('it is connected', statusOf(machine).state === 'connected', statusOf(machine).state);
      return { subject: machine.nodeId };
    },
  },
];
