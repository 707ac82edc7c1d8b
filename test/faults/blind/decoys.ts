/** Machines that look odd and are well, claims that are nobody's, and what is a fault of the server's. */
import { cpSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { openForwarder } from '../middle/forwarder.ts';
import { openReverse } from '../middle/reverse.ts';
import { gateway, serverName } from '../node/machine.ts';
import { lose } from '../world.ts';
import { shifted, untimely } from './condition.ts';
import type { Fault } from './fault.ts';
import {
  append,
  enrols,
  inRoster,
  knocksOf,
  lively,
  machineRule,
  put,
  runOn,
  sleep,
  sure,
  sureCurl,
  troubled,
  until,
} from './help.ts';
import { livelyOfficial } from './official.ts';

export const decoys: readonly Fault[] = [
  {
    id: 'well-ours',
    story: 'Nothing is wrong.',
    asked: 'node',
    expected: ['none'],
    inject: async (world) => ({ machine: await lively(world) }),
  },
  {
    id: 'well-operator',
    story: 'Nothing is wrong, asked at the server by the name of the machine.',
    asked: 'operator',
    expected: ['none'],
    inject: async (world) => ({ subject: (await lively(world)).name }),
  },
  {
    id: 'well-official',
    story: 'Nothing is wrong with an official agent, whose log is full of lines that sound like it.',
    asked: 'node',
    expected: ['none'],
    official: true,
    async inject(world) {
      const [machine] = await livelyOfficial(world);
      append(
        machine,
        'var/log/amazon/ssm/errors.log',
        '2026-11-25 04:12:07 ERROR Failed to load instance info from vault. RegistrationKey does not exist.\n',
      );
      return { machine };
    },
  },
  {
    id: 'well-time-zone',
    story: 'Nothing is wrong: the machine lives by the time of Tokyo, its UTC is right.',
    asked: 'node',
    expected: ['none'],
    async inject(world) {
      const machine = await world.machine();
      machine.run('ln', '-sf', '/usr/share/zoneinfo/Asia/Tokyo', '/etc/localtime');
      put(machine, 'etc/timezone', 'Asia/Tokyo\n');
      await machine.register();
      await machine.start({ env: { TZ: 'Asia/Tokyo' } });
      return { machine, env: { TZ: 'Asia/Tokyo' } };
    },
  },
  {
    id: 'well-minute-off',
    story: 'Nothing is wrong: the clock is 61 seconds ahead, which is within what is tolerated.',
    asked: 'node',
    expected: ['none'],
    async inject(world) {
      return { machine: await untimely(world, 61_000, true), env: shifted(61_000) };
    },
  },
  {
    id: 'well-shell-proxy',
    story: 'Nothing is wrong with the agent: shells have a dead proxy, and it goes directly.',
    asked: 'node',
    expected: ['none'],
    async inject(world) {
      const machine = await lively(world);
      put(
        machine,
        'etc/environment',
        'https_proxy=http://10.77.0.99:3128\nhttp_proxy=http://10.77.0.99:3128\n',
      );
      return { machine };
    },
  },
  {
    id: 'well-firewalled',
    story: 'Nothing is wrong: the firewall rejects mail and one other host, and drops what comes in unasked.',
    asked: 'node',
    expected: ['none'],
    async inject(world) {
      const machine = await lively(world);
      machineRule(
        machine,
        'add table inet filter',
        'add chain inet filter input { type filter hook input priority 0; policy drop; }',
        'add rule inet filter input iif lo accept',
        'add rule inet filter input ct state established,related accept',
        'add chain inet filter output { type filter hook output priority 0; policy accept; }',
        'add rule inet filter output tcp dport 25 reject',
        'add rule inet filter output ip daddr 10.77.0.3 tcp dport 443 drop',
      );
      await sureCurl(world, machine, [0]);
      return { machine };
    },
  },
  {
    id: 'well-dead-six',
    story:
      'Nothing is wrong: the name has an IPv6 address, too, where nobody is, and the agent takes the other.',
    asked: 'node',
    expected: ['none', 'slow-path'],
    async inject(world) {
      (await world.dns()).zone.set(serverName, { addresses: ['fd77::dead', gateway.four] });
      return { machine: await lively(world) };
    },
  },
  {
    id: 'well-slow',
    story: 'Nothing is wrong: a satellite link, 150 ms there and 150 ms back.',
    asked: 'node',
    expected: ['none', 'slow-path'],
    async inject(world) {
      const machine = await lively(world);
      await machine.stop();
      await machine.way.change({ kind: 'slow', ms: 150 });
      await machine.start();
      return { machine };
    },
  },
  {
    id: 'well-tmp-noexec',
    story: 'Nothing is wrong: /tmp is mounted noexec, as the benchmark wants, and commands work.',
    asked: 'node',
    expected: ['none'],
    async inject(world) {
      const machine = await world.machine();
      machine.run('mount', '-t', 'tmpfs', '-o', 'noexec,nosuid,nodev', 'tmp', '/tmp');
      await machine.register();
      await machine.start();
      const outcome = await runOn(world, machine.nodeId, 'echo well');
      sure('commands work', outcome.startsWith('Success'), outcome);
      return { machine };
    },
  },
  {
    id: 'well-own-noexec',
    story: "Nothing is wrong: our agent's folder is mounted noexec, and commands work all the same.",
    asked: 'node',
    expected: ['none'],
    async inject(world) {
      const machine = await lively(world);
      const root = '/var/lib/rollcall-agent';
      machine.run('sh', '-ec', `mount --bind ${root} ${root}; mount -o remount,bind,noexec ${root}`);
      await machine.stop();
      await machine.start();
      const outcome = await runOn(world, machine.nodeId, 'echo well');
      sure('commands work', outcome.startsWith('Success'), outcome);
      return { machine };
    },
  },
  {
    id: 'well-official-removed',
    story:
      'Nothing is wrong: the official agent was here once; dpkg remembers its settings, and its folders stay.',
    asked: 'node',
    expected: ['none'],
    async inject(world) {
      const machine = await lively(world);
      machine.run('mkdir', '-p', '/etc/amazon/ssm', '/var/lib/amazon/ssm', '/var/log/amazon/ssm');
      put(machine, 'etc/amazon/ssm/amazon-ssm-agent.json.template', '{}\n');
      append(
        machine,
        'var/lib/dpkg/status',
        '\nPackage: amazon-ssm-agent\nStatus: deinstall ok config-files\nPriority: optional\nSection: contrib/net\nMaintainer: Amazon.com, Inc. <ec2-ssm-feedback@amazon.com>\nArchitecture: amd64\nVersion: 3.3.987.0-1\nDescription: Description: Amazon SSM Agent for managing EC2 Instances using SSM APIs\n\n',
      );
      return { machine };
    },
  },
  {
    id: 'well-renamed',
    story: 'Nothing is wrong: the machine got another name and another address, and its agent was restarted.',
    asked: 'operator',
    expected: ['none'],
    async inject(world) {
      const machine = await lively(world);
      await machine.stop();
      machine.run('hostname', 'renamed-41');
      machine.run('ip', 'addr', 'del', `${machine.address}/24`, 'dev', 'eth0');
      machine.run('ip', 'addr', 'add', '10.77.0.141/24', 'dev', 'eth0');
      machine.run('sh', '-c', `ip route replace default via ${gateway.four}`);
      await machine.start();
      return { subject: machine.nodeId };
    },
  },
  {
    id: 'well-restored',
    story: 'Nothing is wrong: the machine was set back to its snapshot of an hour ago.',
    asked: 'operator',
    expected: ['none', 'snapshot-rollback'],
    async inject(world) {
      const machine = await lively(world);
      const kept = join(world.folder, 'snapshot');
      cpSync(machine.root, kept, { recursive: true });
      await sleep(3_000);
      machine.signal('SIGKILL');
      await until('it has ended', () => !machine.running());
      rmSync(machine.root, { recursive: true });
      cpSync(kept, machine.root, { recursive: true });
      await machine.start();
      return { subject: machine.nodeId };
    },
  },
  {
    id: 'well-forged',
    story: 'Nothing is wrong: somebody without a key calls in the name of the node from elsewhere.',
    asked: 'operator',
    expected: ['none'],
    async inject(world) {
      const machine = await lively(world);
      const way = world.closes(await openForwarder({ target: world.server.port, source: '198.51.100.7' }));
      for (const target of ['RequestManagedInstanceRoleToken', 'UpdateInstanceInformation'])
        await forge(way.port, target, machine.nodeId, world.server.ca());
      await until('the door notes it', async () =>
        (await knocksOf(world)).some(({ Address }) => Address === '198.51.100.7'),
      );
      return { subject: machine.nodeId };
    },
  },
  {
    id: 'well-activation-gone',
    story: 'Nothing is wrong: the activation that the node once used has expired and was deleted.',
    asked: 'operator',
    expected: ['none'],
    async inject(world) {
      const machine = await world.machine();
      const activation = await world.server.admin().ask('ssm:CreateActivation', {
        IamRole: 'Nodes',
        ExpirationDate: Math.floor(world.server.clock.now() / 1000) + 60,
      });
      await machine.register({ activation });
      await machine.start();
      await world.server.pass(90_000);
      await world.server.admin().ask('ssm:DeleteActivation', { ActivationId: activation.ActivationId });
      return { subject: machine.nodeId };
    },
  },
  {
    id: 'well-old-agent',
    story: 'Nothing is wrong: an official agent of 2021, Online, with its channel.',
    asked: 'operator',
    expected: ['none'],
    async inject(world) {
      const fleet = await world.neighbours(3, '10.60.0.1', { agentVersion: '3.1.338.0' });
      return { subject: fleet.agents[0]!.nodeId };
    },
  },
  {
    id: 'decoy-off-with-old-refusal',
    story: 'The machine was turned away with an expired activation in spring; now it is switched off.',
    asked: 'operator',
    expected: ['machine-stopped', 'expected-off'],
    async inject(world) {
      const machine = await world.machine();
      const activation = await world.server.admin().ask('ssm:CreateActivation', {
        IamRole: 'Nodes',
        ExpirationDate: Math.floor(world.server.clock.now() / 1000) + 60,
      });
      await world.server.pass(120_000);
      const { code, all } = await enrols(world, machine, activation);
      sure('it is turned away', code !== 0, all);
      await until('the door notes it', async () =>
        (await knocksOf(world)).some(({ Address }) => Address === machine.address),
      );
      await world.server.pass(3_600_000);
      await inRoster(world, `name,address,power\n${machine.name},${machine.address},off\n`);
      return { subject: machine.name };
    },
  },
  {
    id: 'decoy-scanner',
    story: "The node's agent was stopped; later a scanner, which trusts nobody, came from the same address.",
    asked: 'operator',
    expected: ['unknown', 'agent-stopped'],
    async inject(world) {
      const machine = await lively(world);
      await machine.stop();
      await lose(world, machine);
      await world.server.pass(600_000);
      await world.strangerRejects(machine.address);
      return { subject: machine.nodeId };
    },
  },
  {
    id: 'server-clock',
    story: "The server's own clock jumped 402 seconds ahead; all 30 official nodes are refused.",
    asked: 'operator',
    expected: ['server-clock-wrong'],
    async inject(world) {
      const fleet = await world.neighbours(30, '10.60.0.1', { now: Date.now });
      world.server.clock.turn(402_000);
      for (const agent of fleet.agents) {
        const outcome = await fleet.heartbeat(agent).then(
          () => 'heard',
          (error) => String(error.code),
        );
        sure('it is refused', outcome !== 'heard', outcome);
      }
      await sleep(2_500);
      return { subject: fleet.agents[0]!.nodeId };
    },
  },
  {
    id: 'server-refuses-connections',
    story: 'The server is down: its port refuses connections. Asked on the machine, which has no such rule.',
    asked: 'node',
    expected: [/server/, 'unknown', 'tcp-refused'],
    firstExpected: {
      expected: [/server/, 'unknown'],
      why: 'the decision order names tcp-* among the codes of the path; from here a server that is down is no more than this',
    },
    async inject(world) {
      const machine = await lively(world);
      await machine.way.change({ kind: 'refuse' });
      await troubled(machine);
      await sureCurl(world, machine, [7]);
      return { machine };
    },
  },
  {
    id: 'server-behind-503',
    story: 'The load balancer in front of the server answers 503: nothing is behind it.',
    asked: 'node',
    expected: [/server|upstream|gateway/, 'wrong-host-answers'],
    async inject(world) {
      const machine = await lively(world);
      const shown = await (await world.authority()).issue({ names: [serverName] });
      const gate = world.closes(
        await openReverse({
          shown,
          target: world.server.port,
          ca: world.server.ca(),
          source: machine.address,
          status: 503,
        }),
      );
      await machine.way.change({ kind: 'astray', port: gate.port });
      await troubled(machine);
      return { machine };
    },
  },
  {
    id: 'server-hangs',
    story: 'The server accepts connections and never says a word: it is overloaded.',
    asked: 'node',
    expected: ['unknown', /server/, 'mtu-blackhole'],
    async inject(world) {
      const machine = await lively(world);
      await machine.way.change({ kind: 'swallow' });
      await troubled(machine, 40_000);
      await sureCurl(world, machine, [28]);
      return { machine };
    },
  },
];

/** One request with a claim and no key. */
function forge(port: number, operation: string, nodeId: string, ca: string): Promise<void> {
  const body = JSON.stringify({ InstanceId: nodeId, Fingerprint: 'forged' });
  const at = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const credential = `Credential=${nodeId}/${at.slice(0, 8)}/us-east-1/ssm/aws4_request`;
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': `AmazonSSM.${operation}`,
    'x-amz-date': at,
    authorization: `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=host;x-amz-date, Signature=${'0'.repeat(64)}`,
  };
  return new Promise((done, failed) => {
    const sent = request({ host: 'localhost', port, method: 'POST', path: '/', ca, headers }, (answer) => {
      answer.resume().on('end', () => {
        sure('it is refused', (answer.statusCode ?? 200) >= 400, answer.statusCode);
        done();
      });
    });
    sent.on('error', failed);
    sent.end(body);
  });
}
