/** The way to the server: names, routes, connections. */

import { execFileSync } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openPart } from '../case.ts';
import { makeAuthority } from '../middle/authority.ts';
import { openSecure, wiki } from '../middle/impostors.ts';
import { gateway, type Machine, serverName } from '../node/machine.ts';
import type { Stage } from '../stage.ts';
import { restartInto } from './common.ts';

const { cases, fault, decoy } = openPart('path');

const ours = { addresses: [gateway.four] };
/** An address beyond the cable, so that a route is needed to it. */
const far = '203.0.113.10';

/** A machine that reaches the server at an address beyond its own network. */
async function farMachine(stage: Stage): Promise<Machine> {
  const world = await stage.world();
  (await world.dns()).zone.set(serverName, { addresses: [far] });
  execFileSync('ip', ['addr', 'add', `${far}/32`, 'dev', 'zoo0']);
  world.closes({ close: () => void execFileSync('ip', ['addr', 'del', `${far}/32`, 'dev', 'zoo0']) });
  return stage.machine({ listens: far });
}

/** Rules in this process's own network: what lies between the machine and the server. */
function between(stage: Stage, ...rules: readonly string[]): Promise<() => void> {
  const nft = (text: string) => execFileSync('nft', ['-f', '-'], { input: text });
  nft(`table inet zoo { chain in { type filter hook input priority 0; \n${rules.join('\n')}\n}\n}\n`);
  let isThere = true;
  const lift = () => {
    if (isThere) nft('delete table inet zoo');
    isThere = false;
  };
  return stage.world().then((world) => {
    world.closes({ close: lift });
    return lift;
  });
}

fault(
  {
    id: 'tcp-refused',
    cause: 'tcp-refused',
    gate: 'path',
    solution: 3,
    node: 'proven',
    operator: 'blind',
    both: 'proven',
    fix: 'explained',
  },
  async (stage) => {
    const node = await stage.node();
    await restartInto(node, () => node.way.change({ kind: 'refuse' }));
    await stage.judge(node);
    await node.way.change({ kind: 'pass' });
    await stage.mended(node);
  },
);

fault(
  {
    id: 'tcp-refused-a-moment-ago',
    cause: 'tcp-refused',
    gate: 'path',
    node: 'likely',
    both: 'sure',
  },
  async (stage) => {
    const node = await stage.node();
    await node.way.change({ kind: 'refuse' });
    await stage.judge(node);
    await node.way.change({ kind: 'pass' });
    await stage.mended(node);
  },
);

fault(
  {
    id: 'tcp-timeout',
    cause: 'tcp-timeout',
    gate: 'path',
    solution: 3,
    node: 'proven',
    operator: 'blind',
    both: 'proven',
    needs: ['root', 'nft'],
  },
  async (stage) => {
    const machine = await stage.machine();
    let lift = () => {};
    await restartInto(
      machine,
      async () => {
        lift = await between(stage, 'tcp dport 443 drop');
      },
      { fails: false },
    );
    await stage.judge(machine);
    lift();
    await machine.stop();
    await machine.start();
    await stage.mended(machine);
  },
);

fault(
  {
    id: 'tcp-reset-in-handshake',
    cause: 'tls-cut-on-the-way',
    gate: 'path',
    solution: 3,
    node: 'likely',
    operator: 'blind',
    both: 'likely',
  },
  async (stage) => {
    const node = await stage.node();
    await restartInto(node, () => node.way.change({ kind: 'reset' }));
    await stage.judge(node);
    await node.way.change({ kind: 'pass' });
    await stage.mended(node);
  },
);

fault(
  {
    id: 'no-default-route',
    cause: 'no-default-route',
    gate: 'path',
    solution: 3,
    node: 'proven',
    operator: 'blind',
    both: 'proven',
    needs: ['root'],
  },
  async (stage) => {
    const machine = await farMachine(stage);
    await restartInto(machine, () => {
      machine.run('ip', 'route', 'del', 'default');
      machine.run('ip', '-6', 'route', 'del', 'default');
    });
    await stage.judge(machine);
    machine.run('ip', 'route', 'add', 'default', 'via', gateway.four);
    await stage.mended(machine);
  },
);

fault(
  {
    id: 'route-says-unreachable',
    cause: 'no-default-route',
    gate: 'path',
    node: 'proven',
    both: 'proven',
    needs: ['root'],
  },
  async (stage) => {
    const machine = await farMachine(stage);
    await restartInto(machine, () => machine.run('ip', 'route', 'add', 'unreachable', far));
    await stage.judge(machine);
    machine.run('ip', 'route', 'del', 'unreachable', far);
    await stage.mended(machine);
  },
);

fault(
  {
    id: 'interface-is-down',
    cause: 'no-default-route',
    gate: 'path',
    node: 'proven',
    both: 'proven',
    needs: ['root'],
  },
  async (stage) => {
    const machine = await farMachine(stage);
    await restartInto(machine, () => machine.run('ip', 'link', 'set', 'eth0', 'down'));
    await stage.judge(machine);
    machine.run('ip', 'link', 'set', 'eth0', 'up');
    machine.run('ip', 'route', 'add', 'default', 'via', gateway.four);
    await stage.mended(machine);
  },
);

fault(
  {
    id: 'route-shadowed-locally',
    cause: 'route-shadowed-locally',
    gate: 'path',
    solution: 3,
    node: 'proven',
    operator: 'blind',
    both: 'proven',
    needs: ['root'],
  },
  async (stage) => {
    const machine = await farMachine(stage);
    const shadow = () => {
      machine.run('ip', 'link', 'add', 'docker0', 'type', 'bridge');
      machine.run('ip', 'addr', 'add', '203.0.113.1/24', 'dev', 'docker0');
      machine.run('ip', 'link', 'set', 'docker0', 'up');
    };
    await restartInto(machine, shadow, { fails: false });
    await stage.judge(machine);
    machine.run('ip', 'link', 'del', 'docker0');
    await machine.stop();
    await machine.start();
    await stage.mended(machine);
  },
);

fault(
  {
    id: 'host-firewall-rejects',
    cause: 'host-firewall',
    gate: 'path',
    solution: 3,
    node: 'sure',
    operator: 'blind',
    both: 'sure',
    fix: 'explained',
    needs: ['root', 'nft'],
  },
  async (stage) => {
    const machine = await stage.machine();
    await restartInto(machine, () =>
      machine.run(
        'nft',
        'add table inet f; add chain inet f out { type filter hook output priority 0 ; }; add rule inet f out tcp dport 443 reject',
      ),
    );
    await stage.judge(machine);
    machine.run('nft', 'delete table inet f');
    await stage.mended(machine);
  },
);

fault(
  {
    id: 'host-firewall-drops',
    cause: 'host-firewall',
    gate: 'path',
    node: 'sure',
    both: 'sure',
    needs: ['root', 'nft'],
  },
  async (stage) => {
    const machine = await stage.machine();
    const close = () =>
      machine.run(
        'nft',
        'add table inet f; add chain inet f out { type filter hook output priority 0 ; policy drop ; }; add rule inet f out oif lo accept; add rule inet f out udp dport 53 accept; add rule inet f out ct state established accept',
      );
    await restartInto(machine, close, { fails: false });
    await stage.judge(machine);
    machine.run('nft', 'delete table inet f');
    await machine.stop();
    await machine.start();
    await stage.mended(machine);
  },
);

decoy(
  {
    id: 'firewall-rule-about-something-else',
    cause: 'tcp-refused',
    decoyOf: ['host-firewall'],
    node: 'proven',
    both: 'proven',
    needs: ['root', 'nft'],
  },
  async (stage) => {
    const machine = await stage.machine();
    await restartInto(machine, async () => {
      machine.run(
        'nft',
        'add table inet f; add chain inet f out { type filter hook output priority 0 ; }; add rule inet f out tcp dport 25 drop; add rule inet f out ip daddr 169.254.169.254 reject',
      );
      await machine.way.change({ kind: 'refuse' });
    });
    await stage.judge(machine);
    await machine.way.change({ kind: 'pass' });
    await stage.mended(machine);
  },
);

for (const [id, answer] of [
  ['dns-no-such-name', 'no-such-name'],
  ['dns-server-failure', 'server-failure'],
  ['dns-silent', 'silence'],
] as const)
  fault(
    {
      id,
      cause: 'dns-fails',
      gate: 'path',
      solution: 3,
      node: 'proven',
      operator: 'blind',
      both: 'proven',
      needs: ['root'],
    },
    async (stage) => {
      const machine = await stage.machine();
      const { zone } = await (await stage.world()).dns();
      await restartInto(machine, () => zone.set(serverName, answer), { fails: answer !== 'silence' });
      await stage.judge(machine);
      zone.set(serverName, ours);
      await stage.mended(machine);
    },
  );

fault(
  {
    id: 'dns-no-resolver-there',
    cause: 'dns-fails',
    gate: 'path',
    node: 'proven',
    both: 'proven',
    needs: ['root'],
  },
  async (stage) => {
    const machine = await stage.machine();
    const resolv = join(machine.files, 'etc/resolv.conf');
    await restartInto(machine, () => writeFileSync(resolv, 'nameserver 127.0.0.53\n'));
    await stage.judge(machine);
    writeFileSync(resolv, `nameserver ${gateway.four}\n`);
    await stage.mended(machine);
  },
);

fault(
  {
    id: 'dns-wrong-answer-hosts-line',
    cause: 'dns-wrong-answer',
    gate: 'path',
    solution: 3,
    node: 'proven',
    operator: 'blind',
    both: 'proven',
    needs: ['root'],
  },
  async (stage) => {
    const machine = await stage.machine();
    const hosts = join(machine.files, 'etc/hosts');
    await restartInto(
      machine,
      () => appendFileSync(hosts, `${gateway.four.replace(/1$/, '9')} ${serverName}\n`),
      {
        fails: false,
      },
    );
    await stage.judge(machine);
    writeFileSync(hosts, `127.0.0.1 localhost\n127.0.1.1 ${machine.name}\n`);
    await machine.stop();
    await machine.start();
    await stage.mended(machine);
  },
);

fault(
  {
    id: 'dns-leads-to-another-machine',
    cause: 'wrong-host-answers',
    gate: 'path',
    decoyOf: ['tls-inspection', 'ca-missing'],
    node: 'likely',
    both: 'likely',
    needs: ['root'],
  },
  async (stage) => {
    const world = await stage.world();
    const machine = await stage.machine();
    const printer = await (await makeAuthority('Office printers')).issue({ names: ['printer.lan'] });
    const other = world.closes(
      await openSecure({ shown: printer }, wiki, undefined, [`${gateway.four.replace(/1$/, '3')}`, 443]),
    );
    const { zone } = await world.dns();
    await restartInto(machine, () => zone.set(serverName, { addresses: [other.address] }));
    await stage.judge(machine);
    zone.set(serverName, ours);
    await stage.mended(machine);
  },
);

fault(
  {
    id: 'ipv6-only-subnet',
    cause: 'ipv6-only-subnet',
    gate: 'path',
    solution: 3,
    node: 'proven',
    both: 'proven',
    needs: ['root'],
  },
  async (stage) => {
    const machine = await farMachine(stage);
    const resolv = join(machine.files, 'etc/resolv.conf');
    const world = await stage.world();
    const six = await world.dnsAt(gateway.six);
    six.zone.set(serverName, { addresses: [far] });
    await restartInto(machine, () => {
      machine.run('ip', '-4', 'addr', 'flush', 'dev', 'eth0');
      writeFileSync(resolv, `nameserver ${gateway.six}\n`);
    });
    await stage.judge(machine);
  },
);

fault(
  {
    id: 'mtu-blackhole',
    cause: 'mtu-blackhole',
    gate: 'path',
    solution: 3,
    node: 'likely',
    operator: 'blind',
    both: 'likely',
    needs: ['root'],
  },
  async (stage) => {
    const machine = await stage.machine();
    // Our side of the cable takes no large packets and tells nobody, and the other side believes that it does.
    const narrow = () => {
      machine.run('ip', 'link', 'set', 'eth0', 'gso_max_segs', '1');
      execFileSync('ip', ['link', 'set', machine.cable, 'mtu', '1280']);
      execFileSync('ip', ['route', 'replace', '10.77.0.0/24', 'dev', 'zoo0', 'advmss', '1460']);
    };
    await restartInto(machine, narrow, { fails: false });
    await stage.judge(machine);
    execFileSync('ip', ['link', 'set', machine.cable, 'mtu', '1500']);
    await machine.stop();
    await machine.start();
    await stage.mended(machine);
  },
);

fault(
  {
    id: 'corporate-firewall',
    cause: 'corporate-firewall',
    gate: 'path',
    solution: 3,
    // From one machine it looks like packets that get lost after the connection.
    node: { cause: 'mtu-blackhole', as: 'likely' },
    operator: 'likely',
    both: 'likely',
  },
  async (stage) => {
    const world = await stage.world();
    const site = '10.50.9.1';
    const node = await stage.node({ address: site });
    const same = await world.neighbours(6, site, { backOff: { first: 600_000, cap: 600_000 } });
    await world.neighbours(60, '10.50.8.1');
    await same.way.change({ kind: 'swallow' });
    await node.way.change({ kind: 'swallow' });
    await stage.judge(node);
  },
);

export const path = cases;
