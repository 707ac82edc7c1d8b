/** Solution 3: the way to the server, from the name to the websocket. */

import { openPlain, openSecure, portal, wiki } from '../middle/impostors.ts';
import { openReverse } from '../middle/reverse.ts';
import { gateway, serverName } from '../node/machine.ts';
import type { Node } from '../node/node.ts';
import { lose } from '../world.ts';
import type { Fault } from './fault.ts';
import {
  cut,
  lively,
  machineRule,
  middleRule,
  put,
  runOn,
  sleep,
  sure,
  sureCurl,
  tries,
  troubled,
  until,
} from './help.ts';

const other = '10.77.0.3';

export const path: readonly Fault[] = [
  {
    id: 's3-name-gone',
    story: "The server's record was deleted from DNS.",
    asked: 'node',
    expected: ['dns-fails'],
    async inject(world) {
      const machine = await lively(world);
      (await world.dns()).zone.delete(serverName);
      await cut(machine);
      await troubled(machine);
      await sureCurl(world, machine, [6]);
      return { machine };
    },
  },
  {
    id: 's3-resolver-dead',
    story: 'DHCP handed out the address of a resolver that was switched off last year.',
    asked: 'node',
    expected: ['dns-fails'],
    async inject(world) {
      const machine = await lively(world);
      put(machine, 'etc/resolv.conf', 'nameserver 10.77.0.99\n');
      await cut(machine);
      await troubled(machine);
      await sureCurl(world, machine, [6, 28]);
      return { machine };
    },
  },
  {
    id: 's3-resolver-refuses',
    story: 'The resolver no longer answers clients of this network: REFUSED.',
    asked: 'node',
    expected: ['dns-fails'],
    async inject(world) {
      const machine = await lively(world);
      (await world.dns()).zone.set(serverName, 'refused');
      await cut(machine);
      await troubled(machine);
      await sureCurl(world, machine, [6]);
      return { machine };
    },
  },
  {
    id: 's3-resolver-missing',
    story: 'A cleaned-up image has an empty resolv.conf.',
    asked: 'node',
    expected: ['dns-fails'],
    async inject(world) {
      const machine = await lively(world);
      put(machine, 'etc/resolv.conf', '# managed by nobody\n');
      await cut(machine);
      await troubled(machine);
      await sureCurl(world, machine, [6, 28]);
      return { machine };
    },
  },
  {
    id: 's3-hosts-stale',
    story: 'A line in /etc/hosts from the last migration still has the old address; nobody lives there.',
    asked: 'node',
    expected: ['dns-wrong-answer'],
    async inject(world) {
      const machine = await lively(world);
      put(machine, 'etc/hosts', `127.0.0.1 localhost\n10.77.0.200 ${serverName} # old, moved 2024-03\n`);
      await cut(machine);
      await troubled(machine);
      await sureCurl(world, machine, [7, 28]);
      return { machine };
    },
  },
  {
    id: 's3-no-route',
    story: 'After a change of the network the machine has an address and no route to anywhere else.',
    asked: 'node',
    expected: ['no-default-route'],
    async inject(world) {
      const machine = await lively(world);
      put(machine, 'etc/hosts', `127.0.0.1 localhost\n${gateway.four} ${serverName}\n`);
      machine.run('ip', 'route', 'flush', 'dev', 'eth0');
      machine.run('ip', '-6', 'addr', 'flush', 'dev', 'eth0');
      machine.run('ip', '-6', 'route', 'flush', 'dev', 'eth0');
      await cut(machine);
      await troubled(machine);
      await sureCurl(world, machine, [7]);
      return { machine };
    },
  },
  {
    id: 's3-link-down',
    story: 'The network interface is down; so no resolver answers, either.',
    asked: 'node',
    expected: ['no-default-route', 'dns-fails', /^(link|interface|network)-/],
    async inject(world) {
      const machine = await lively(world);
      machine.run('ip', 'link', 'set', 'eth0', 'down');
      await cut(machine);
      await troubled(machine);
      await sureCurl(world, machine, [6, 7, 28]);
      return { machine };
    },
  },
  {
    id: 's3-shadowed',
    story: "Docker's bridge got a range that covers the server's address.",
    asked: 'node',
    expected: ['route-shadowed-locally'],
    async inject(world) {
      (await world.dns()).zone.set(serverName, { addresses: [other] });
      const machine = await lively(world, { listens: other });
      machine.run('ip', 'link', 'add', 'docker0', 'type', 'bridge');
      machine.run('ip', 'addr', 'add', '10.77.0.2/31', 'dev', 'docker0');
      machine.run('ip', 'link', 'set', 'docker0', 'up');
      await cut(machine);
      await troubled(machine);
      await sureCurl(world, machine, [7, 28]);
      return { machine };
    },
  },
  {
    id: 's3-firewall-rejects',
    story: 'A hardening script closed all outgoing ports but 53.',
    asked: 'node',
    expected: ['host-firewall'],
    async inject(world) {
      const machine = await lively(world);
      machineRule(
        machine,
        'add table inet hardening',
        'add chain inet hardening out { type filter hook output priority 0; policy accept; }',
        'add rule inet hardening out oif lo accept',
        'add rule inet hardening out udp dport 53 accept',
        'add rule inet hardening out meta l4proto tcp reject with tcp reset',
      );
      await cut(machine);
      await troubled(machine);
      await sureCurl(world, machine, [7]);
      return { machine };
    },
  },
  {
    id: 's3-firewall-drops-answers',
    story: 'The input chain drops by default, and nobody let established connections in.',
    asked: 'node',
    expected: ['host-firewall'],
    async inject(world) {
      const machine = await lively(world);
      machineRule(
        machine,
        'add table inet filter',
        'add chain inet filter input { type filter hook input priority 0; policy drop; }',
        'add rule inet filter input iif lo accept',
        'add rule inet filter input udp sport 53 accept',
        'add rule inet filter input tcp dport 22 accept',
      );
      await cut(machine);
      // Its attempts hang until each is given up.
      await troubled(machine, 90_000);
      await sureCurl(world, machine, [28]);
      return { machine };
    },
  },
  {
    id: 's3-firewall-drops-range',
    story: "A rule drops everything to 10.0.0.0/8 ('no lateral movement'); the server lives there.",
    asked: 'node',
    expected: ['host-firewall'],
    async inject(world) {
      const machine = await lively(world);
      machineRule(
        machine,
        'add table ip lateral',
        'add chain ip lateral output { type filter hook output priority 10; policy accept; }',
        'add rule ip lateral output ip daddr 10.0.0.0/8 udp dport 53 accept',
        'add rule ip lateral output ip daddr 10.0.0.0/8 counter drop',
      );
      await cut(machine);
      await troubled(machine);
      await sureCurl(world, machine, [28]);
      return { machine };
    },
  },
  {
    id: 's3-firewall-upstream',
    story: 'A firewall on the way swallows packets to port 443; the machine itself has no rules.',
    asked: 'node',
    expected: ['corporate-firewall', 'unknown', 'appliance-drop', 'tcp-timeout'],
    firstExpected: {
      expected: ['corporate-firewall', 'unknown', 'appliance-drop'],
      why: 'the decision order names tcp-* among the codes of the path; where the packets are lost cannot be seen from here',
    },
    async inject(world) {
      const machine = await lively(world);
      middleRule('input', `ip saddr ${machine.address} tcp dport 443 drop`);
      await cut(machine);
      await troubled(machine);
      await sureCurl(world, machine, [28]);
      return { machine };
    },
  },
  {
    id: 's3-firewall-fleet',
    story: 'Six nodes of one office, behind one address, vanish in the same second; forty others stay.',
    asked: 'operator',
    expected: ['corporate-firewall'],
    async inject(world) {
      await world.neighbours(40, '10.60.0.1');
      const office = await world.neighbours(6, '203.0.113.9');
      await office.way.change({ kind: 'swallow' });
      const [first] = office.agents;
      for (const { nodeId } of office.agents.slice(1)) await gone(world, nodeId);
      await lose(world, { nodeId: first!.nodeId } as Node);
      return { subject: first!.nodeId };
    },
  },
  {
    id: 's3-large-packets-lost',
    story: 'A tunnel on the way takes 700 bytes at most, and nobody says so: ICMP is filtered.',
    asked: 'node',
    expected: ['mtu-blackhole'],
    async inject(world) {
      const machine = await lively(world);
      for (const [chain, rule] of [
        ['output', 'tcp sport 443 meta length > 700 drop'],
        ['output', 'meta l4proto icmp meta length > 700 drop'],
        ['input', 'tcp dport 443 meta length > 700 drop'],
        ['input', 'meta l4proto icmp meta length > 700 drop'],
      ] as const)
        middleRule(chain, rule);
      await cut(machine);
      await troubled(machine);
      await sureCurl(world, machine, [28, 35]);
      const opens = `curl -sm2 telnet://${gateway.four}:443 </dev/null; test $? -ne 7`;
      sure('small packets pass', (await tries(machine, 'sh', '-c', opens)).code === 0);
      return { machine };
    },
  },
  {
    id: 's3-websocket-stripped',
    story: 'A load balancer in front of the server passes requests and takes the upgrade out.',
    asked: 'node',
    expected: ['websocket-blocked'],
    async inject(world) {
      const machine = await lively(world);
      const shown = await (await world.authority()).issue({ names: [serverName] });
      const gate = world.closes(
        await openReverse({
          shown,
          target: world.server.port,
          ca: world.server.ca(),
          source: machine.address,
          websockets: 'strip',
        }),
      );
      await machine.way.change({ kind: 'astray', port: gate.port });
      await troubled(machine);
      const { Status } = await world.server
        .admin()
        .ask('ssm:GetConnectionStatus', { Target: machine.nodeId });
      sure('there is no channel', Status === 'notconnected', Status);
      await sureCurl(world, machine, [0]);
      return { machine };
    },
  },
  {
    id: 's3-websocket-denied-operator',
    story:
      'A gateway answers websockets with 403; asked at the server, which hears reports and sees no channel.',
    asked: 'operator',
    expected: ['websocket-blocked', 'session-channel-missing', 'unknown'],
    async inject(world) {
      const machine = await lively(world);
      const shown = await (await world.authority()).issue({ names: [serverName] });
      const gate = world.closes(
        await openReverse({
          shown,
          target: world.server.port,
          ca: world.server.ca(),
          source: machine.address,
          websockets: 'deny',
        }),
      );
      await machine.way.change({ kind: 'astray', port: gate.port });
      await troubled(machine);
      const began = world.server.clock.now();
      await machine.stop();
      await machine.start({ online: false });
      await world.heard(machine, began);
      await world.server.pass(180_000);
      return { subject: machine.nodeId };
    },
  },
  {
    id: 's3-websocket-denied-both',
    story: 'The same gateway, asked at the server with what the machine saw.',
    asked: 'both',
    expected: ['websocket-blocked'],
    async inject(world) {
      const machine = await lively(world);
      const shown = await (await world.authority()).issue({ names: [serverName] });
      const gate = world.closes(
        await openReverse({
          shown,
          target: world.server.port,
          ca: world.server.ca(),
          source: machine.address,
          websockets: 'deny',
        }),
      );
      await machine.way.change({ kind: 'astray', port: gate.port });
      await troubled(machine);
      return { subject: machine.nodeId, evidence: await machine.look() };
    },
  },
  {
    id: 's3-six-only',
    story: 'The subnet has only IPv6; the name of the server has only an IPv4 address.',
    asked: 'node',
    expected: ['ipv6-only-subnet'],
    async inject(world) {
      const machine = await lively(world);
      const resolver = await world.dnsAt(gateway.six);
      resolver.zone.set(serverName, { addresses: [gateway.four] });
      put(machine, 'etc/resolv.conf', `nameserver ${gateway.six}\n`);
      machine.run('ip', '-4', 'addr', 'flush', 'dev', 'eth0');
      await cut(machine);
      await troubled(machine);
      await sureCurl(world, machine, [7]);
      return { machine };
    },
  },
  {
    id: 's3-portal-plain',
    story: 'A captive portal takes port 443 and answers in plain HTTP.',
    asked: 'node',
    expected: ['wrong-host-answers'],
    async inject(world) {
      const machine = await lively(world);
      const gate = world.closes(await openPlain(portal));
      await machine.way.change({ kind: 'astray', port: gate.port });
      await troubled(machine);
      await sureCurl(world, machine, [35]);
      return { machine };
    },
  },
  {
    id: 's3-wiki',
    story: "The name was pointed at the house's wiki, which has a certificate of the same CA.",
    asked: 'node',
    expected: ['wrong-host-answers', 'dns-wrong-answer'],
    async inject(world) {
      const machine = await lively(world);
      const shown = await (await world.authority()).issue({ names: [serverName] });
      const gate = world.closes(await openSecure({ shown }, wiki));
      await machine.way.change({ kind: 'astray', port: gate.port });
      await troubled(machine);
      await sureCurl(world, machine, [0]);
      return { machine };
    },
  },
  {
    id: 'well-mail-blocked',
    story: 'The machine has no rules and everything works: a rule upstream stops only its mail.',
    asked: 'node',
    expected: ['none'],
    async inject(world) {
      const machine = await lively(world);
      middleRule('input', `ip saddr ${machine.address} tcp dport { 25, 465, 587 } drop`);
      await sureCurl(world, machine, [0]);
      const outcome = await runOn(world, machine.nodeId, 'echo well');
      sure('commands work', outcome.startsWith('Success'), outcome);
      await sleep(500);
      return { machine };
    },
  },
];

/** Waits until the server has seen the end of a node's channel. */
async function gone(world: Parameters<Fault['inject']>[0], nodeId: string): Promise<void> {
  await until(`the channel of ${nodeId} has ended`, async () => {
    const { Status } = await world.server.admin().ask('ssm:GetConnectionStatus', { Target: nodeId });
    return Status === 'notconnected';
  });
}
