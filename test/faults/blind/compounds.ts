/** Two things are wrong at once: which is the first? */
import { edit } from '../node/agent.ts';
import { gateway, serverName } from '../node/machine.ts';
import { lose } from '../world.ts';
import { shifted, untimely } from './condition.ts';
import type { Fault } from './fault.ts';
import { cut, lively, machineRule, put, sureCurl, troubled } from './help.ts';
import { livelyOfficial } from './official.ts';

export const compounds: readonly Fault[] = [
  {
    id: 'two-stopped-and-dns',
    story: 'The agent is stopped, and the name of the server is gone from DNS.',
    asked: 'node',
    expected: ['agent-stopped'],
    async inject(world) {
      const machine = await lively(world);
      await machine.stop();
      (await world.dns()).zone.delete(serverName);
      await sureCurl(world, machine, [6]);
      return { machine };
    },
  },
  {
    id: 'two-firewall-and-trust',
    story: 'A local firewall rejects, and the trusted certificate is another.',
    asked: 'node',
    expected: ['host-firewall'],
    async inject(world) {
      const machine = await lively(world);
      const company = await world.company();
      await machine.stop();
      edit(machine.root, 'identity.json', (own) => {
        own.trust = [`${company.cert.trim()}\n`];
      });
      machineRule(
        machine,
        'add table inet f',
        'add chain inet f o { type filter hook output priority 0; policy accept; }',
        'add rule inet f o tcp dport 443 reject',
      );
      await machine.start({ online: false });
      await troubled(machine);
      await sureCurl(world, machine, [7]);
      return { machine };
    },
  },
  {
    id: 'two-clock-and-trust',
    story: 'The clock is ten minutes ahead, and the trusted certificate is another.',
    asked: 'node',
    expected: ['clock-skew', 'ca-missing'],
    async inject(world) {
      const machine = await untimely(world, 600_000);
      const company = await world.company();
      await machine.stop();
      edit(machine.root, 'identity.json', (own) => {
        own.trust = [`${company.cert.trim()}\n`];
      });
      await machine.start({ online: false });
      await troubled(machine);
      return { machine, env: shifted(600_000) };
    },
  },
  {
    id: 'two-disk-and-dns',
    story: 'The disk is full, and the resolver is dead.',
    asked: 'node',
    expected: ['disk-full'],
    async inject(world) {
      const machine = await lively(world);
      put(machine, 'etc/resolv.conf', 'nameserver 10.77.0.99\n');
      await cut(machine);
      await troubled(machine);
      try {
        machine.run('dd', 'if=/dev/zero', 'of=/var/log/huge.log', 'bs=1M');
      } catch {
        // Full, as it is to be.
      }
      return { machine };
    },
  },
  {
    id: 'two-hosts-and-trust',
    story: '/etc/hosts has an old address where nobody lives, and the trusted certificate is another.',
    asked: 'node',
    expected: ['dns-wrong-answer'],
    async inject(world) {
      const machine = await lively(world);
      const company = await world.company();
      await machine.stop();
      edit(machine.root, 'identity.json', (own) => {
        own.trust = [`${company.cert.trim()}\n`];
      });
      put(machine, 'etc/hosts', `127.0.0.1 localhost\n10.77.0.201 ${serverName}\n`);
      await machine.start({ online: false });
      await troubled(machine);
      return { machine };
    },
  },
  {
    id: 'two-deregistered-and-stopped',
    story: 'The agent was stopped, and then the node was deregistered, as it seemed dead.',
    asked: 'both',
    expected: ['deregistered', 'stale-hybrid-registration'],
    async inject(world) {
      const machine = await lively(world);
      await machine.stop();
      await lose(world, machine);
      await world.server.admin().ask('ssm:DeregisterManagedInstance', { InstanceId: machine.nodeId });
      return { subject: machine.nodeId, evidence: await machine.look() };
    },
  },
  {
    id: 'two-region-and-platform',
    story: 'A Linux node of eu-central-1, looked for in us-east-1 with a document for Windows.',
    asked: 'operator',
    expected: ['wrong-region'],
    async inject(world) {
      const machine = await world.machine();
      await machine.register({ region: 'eu-central-1' });
      await machine.start();
      return { subject: machine.nodeId, region: 'us-east-1', document: 'AWS-InstallPowerShellModule' };
    },
  },
  {
    id: 'two-platform-and-stopped',
    story:
      'A Linux node whose agent is stopped, to be picked for a document for Windows: the first is the document.',
    asked: 'both',
    expected: ['list-filtered-by-platform', 'agent-stopped'],
    async inject(world) {
      const machine = await lively(world);
      await machine.stop();
      await lose(world, machine);
      return {
        subject: machine.nodeId,
        document: 'AWS-InstallPowerShellModule',
        evidence: await machine.look(),
      };
    },
  },
  {
    id: 'two-official-stopped-and-trust',
    story: 'The official agent is stopped, and the root is missing from the store: why it was stopped.',
    asked: 'node',
    expected: ['agent-stopped'],
    official: true,
    async inject(world) {
      const [machine, official] = await livelyOfficial(world);
      official.stop();
      machine.run('rm', '-f', '/etc/ssl/certs/ca-certificates.crt');
      return { machine };
    },
  },
  {
    id: 'two-firewall-and-server-back',
    story:
      'A local rule drops the way; at the same time another rule, for another host, is older and harmless.',
    asked: 'node',
    expected: ['host-firewall'],
    async inject(world) {
      const machine = await lively(world);
      machineRule(
        machine,
        'add table ip a',
        'add chain ip a o { type filter hook output priority -10; policy accept; }',
        'add rule ip a o ip daddr 192.0.2.0/24 tcp dport 443 reject',
        'add table ip b',
        'add chain ip b o { type filter hook output priority 0; policy accept; }',
        `add rule ip b o ip daddr ${gateway.four} tcp dport { 80, 443 } drop`,
      );
      await cut(machine);
      await troubled(machine);
      await sureCurl(world, machine, [28]);
      return { machine };
    },
  },
];
