/** Healthy twins: machines that look as if something were wrong with them, and nothing is. No alarm may sound. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openPart } from '../case.ts';
import { openProxy } from '../middle/proxy.ts';
import { openReverse } from '../middle/reverse.ts';
import { edit } from '../node/agent.ts';
import { gateway, type Machine, serverName } from '../node/machine.ts';
import type { Node } from '../node/node.ts';
import type { JudgeOptions, Stage } from '../stage.ts';
import { until } from '../until.ts';
import { back } from '../world.ts';
import { statusOf } from './common.ts';

const { cases, twin: anyTwin } = openPart('twins');
const repository = resolve(import.meta.dirname, '../../..');

/** A twin here: made well, changed, and judged by all ends. */
function twin(id: string, change: (node: Node, stage: Stage) => Promise<unknown>): void {
  anyTwin({ id, node: 'well', operator: 'well', both: 'well' }, async (stage) => {
    const node = await stage.node();
    const options = (await change(node, stage)) as JudgeOptions | undefined;
    await stage.judge(node, { stays: true, ...options });
  });
}

/** A twin that is a machine of its own. */
function machineTwin(id: string, change: (machine: Machine, stage: Stage) => unknown, upFor = 86_400): void {
  anyTwin({ id, node: 'well', operator: 'well', both: 'well', needs: ['root'] }, async (stage) => {
    const machine = await stage.machine({ upFor });
    await change(machine, stage);
    await stage.judge(machine, { stays: true });
  });
}

/** Changes something while the agent is away. */
async function meanwhile(node: Node, change: () => Promise<unknown> | unknown): Promise<void> {
  await node.stop();
  await change();
  await node.start();
}

twin('plain', async () => {});

twin('restarted', (node) => meanwhile(node, () => {}));

twin('killed-and-restarted', async (node) => {
  node.signal('SIGKILL');
  await until('it has ended', () => !node.running());
  await node.start();
});

twin('server-was-restarted', async (node, stage) => {
  const world = await stage.world();
  await world.server.stop();
  await world.server.start();
  await back(world, node);
  await until('its agent knows', () => statusOf(node)?.state === 'connected');
});

twin('way-was-cut-for-a-moment', async (node, stage) => {
  await node.way.change({ kind: 'refuse' });
  await node.way.change({ kind: 'pass' });
  await back(await stage.world(), node);
  await until('its agent knows', () => statusOf(node)?.state === 'connected');
});

for (const password of ['', 'user:pass%20word@'])
  twin(password === '' ? 'through-a-proxy' : 'through-a-proxy-with-password', async (node, stage) => {
    const world = await stage.world();
    const proxy = world.closes(await openProxy({ target: world.server.port, source: node.address }));
    if (password !== '') proxy.change({ password: 'user:pass word' });
    await meanwhile(node, async () => {
      edit(node.root, 'config.json', (config) => {
        config.proxy = `http://${password}127.0.0.1:${proxy.port}`;
        config.noProxy = ['elsewhere.internal'];
      });
      await node.way.change({ kind: 'refuse' });
    });
    stage.check(proxy.used > 0, 'the proxy was not used');
  });

for (const ms of [40, 150])
  twin(`slow-link-${ms * 2}-ms`, async (node) => {
    await meanwhile(node, () => node.way.change({ kind: 'slow', ms }));
  });

twin('behind-a-reverse-proxy', async (node, stage) => {
  const world = await stage.world();
  const shown = await (await world.authority()).issue({ names: ['localhost'] });
  const { port } = world.closes(
    await openReverse({ shown, target: world.server.port, ca: world.server.ca(), source: node.address }),
  );
  await meanwhile(node, () => node.way.change({ kind: 'astray', port }));
});

anyTwin({ id: 'inspection-that-it-trusts', node: 'well', operator: 'well', both: 'well' }, async (stage) => {
  const world = await stage.world();
  const company = await world.company();
  const node = await stage.node({}, { ca: `${world.server.ca()}\n${company.cert}` });
  const shown = await company.issue({ names: ['localhost'] });
  const { port } = world.closes(
    await openReverse({ shown, target: world.server.port, ca: world.server.ca(), source: node.address }),
  );
  await meanwhile(node, () => node.way.change({ kind: 'astray', port }));
  await stage.judge(node, { stays: true });
});

anyTwin({ id: 'another-region', node: 'well', operator: 'well', both: 'well' }, async (stage) => {
  const node = await stage.node({}, { region: 'eu-central-1' });
  await stage.judge(node, { stays: true, region: 'eu-central-1' });
});

twin('heartbeats-every-30-seconds', (node) =>
  meanwhile(node, () =>
    edit(node.root, 'config.json', (config) => {
      config.periodSeconds = 30;
    }),
  ),
);

twin('environment-of-a-proxy-that-it-ignores', async (node) => {
  await node.stop();
  await node.start({ env: { https_proxy: 'http://127.0.0.1:9', HTTPS_PROXY: 'http://127.0.0.1:9' } });
});

twin('shell-has-a-proxy', async () => ({
  look: { environment: { PATH: process.env.PATH, https_proxy: 'http://10.0.0.9:3128' } },
}));

twin('while-a-command-runs', async (node, stage) => {
  const { server } = await stage.world();
  await server.admin().ask('ssm:SendCommand', {
    DocumentName: 'AWS-RunShellScript',
    InstanceIds: [node.nodeId],
    Parameters: { commands: ['sleep 20'] },
  });
  await until('it runs', () => statusOf(node)?.commands !== undefined);
});

twin('after-a-command-that-failed', async (node, stage) => {
  const { server } = await stage.world();
  const { Command } = await server.admin().ask('ssm:SendCommand', {
    DocumentName: 'AWS-RunShellScript',
    InstanceIds: [node.nodeId],
    Parameters: { commands: ['exit 3'] },
  });
  await until('it has failed', async () => {
    const { CommandInvocations } = await server
      .admin()
      .ask('ssm:ListCommandInvocations', { CommandId: Command.CommandId });
    return CommandInvocations[0]?.Status === 'Failed';
  });
});

twin('other-nodes-are-lost', async (_node, stage) => {
  const world = await stage.world();
  const others = await world.neighbours(12, '10.50.8.1', { backOff: { first: 600_000, cap: 600_000 } });
  await others.way.change({ kind: 'refuse' });
  await world.server.pass(45_000);
});

twin('strangers-knock', async (node, stage) => {
  const world = await stage.world();
  await world.strangerRejects('203.0.113.77');
  await world.forge(node.nodeId, '203.0.113.78');
});

twin('scanner-at-its-own-address', async (node, stage) => {
  await (await stage.world()).strangerRejects(node.address);
});

twin('key-was-changed', async (node, stage) => {
  const world = await stage.world();
  await meanwhile(node, () => world.changeKey(node));
});

twin('tags-and-a-name', async (node, stage) => {
  const { server } = await stage.world();
  await server.admin().ask('ssm:AddTagsToResource', {
    ResourceType: 'ManagedInstance',
    ResourceId: node.nodeId,
    Tags: [{ Key: 'Name', Value: 'Tōkyō / web-1' }],
  });
});

for (const [id, machine] of [
  ['roster-says-the-same', {}],
  ['roster-says-off-and-it-is-there', { power: 'poweredOff' }],
  ['roster-says-spare-and-it-is-there', { expected: 'spare' }],
  ['roster-says-retired-and-it-is-there', { expected: 'retired' }],
] as const)
  twin(id, async (node, stage) => {
    const world = await stage.world();
    await world.roster([{ key: 'web-3', name: 'web-3', instanceId: node.nodeId, ...machine }]);
  });

twin('deregistered-and-restored', async (node, stage) => {
  const { server } = await stage.world();
  await meanwhile(node, async () => {
    await server.admin().ask('ssm:DeregisterManagedInstance', { InstanceId: node.nodeId });
    await server.admin().ask('rollcall:RestoreNode', { InstanceId: node.nodeId });
  });
});

twin('registered-anew-under-another-id', async (_node, stage) => {
  const world = await stage.world();
  const older = await stage.node();
  await older.stop();
  await world.server.admin().ask('ssm:DeregisterManagedInstance', { InstanceId: older.nodeId });
});

twin('several-on-one-machine', async (_node, stage) => {
  await stage.node();
  await stage.node();
});

twin('old-logs-and-old-jobs', async (node) => {
  mkdirSync(join(node.root, 'jobs', 'old'), { recursive: true });
  for (let number = 0; number < 300; number += 1)
    writeFileSync(join(node.root, 'jobs', 'old', `${number}.txt`), 'left over');
});

machineTwin('as-another-user', async (machine) => {
  await machine.stop();
  // Wherever this repository lies, on that machine everybody may get to it.
  for (let folder = dirname(repository); folder !== '/'; folder = dirname(folder))
    chmodSync(join(machine.files, folder), 0o755);
  const names = ['', ...(readdirSync(machine.root, { recursive: true }) as string[])];
  for (const name of names) chownSync(join(machine.root, name), 65534, 65534);
  await machine.start({ user: 65534 });
});

machineTwin('machine', () => {});

machineTwin('up-for-six-minutes', () => {}, 360);

machineTwin('other-networks-beside', (machine) => {
  for (const [name, address] of [
    ['docker0', '172.17.0.1/16'],
    ['virbr0', '192.168.122.1/24'],
  ] as const) {
    machine.run('ip', 'link', 'add', name, 'type', 'bridge');
    machine.run('ip', 'addr', 'add', address, 'dev', name);
    machine.run('ip', 'link', 'set', name, 'up');
  }
});

machineTwin('no-default-route-and-none-needed', (machine) =>
  meanwhile(machine, () => {
    machine.run('ip', 'route', 'del', 'default');
    machine.run('ip', '-6', 'route', 'del', 'default');
  }),
);

machineTwin('server-in-the-hosts-file', (machine) => {
  writeFileSync(
    join(machine.files, 'etc/hosts'),
    `127.0.0.1 localhost\n${gateway.four} ${serverName} rollcall\n127.0.1.1 ${machine.name}\n`,
  );
});

machineTwin('first-resolver-is-dead', (machine) =>
  meanwhile(machine, () =>
    writeFileSync(
      join(machine.files, 'etc/resolv.conf'),
      `options timeout:1 attempts:1\nnameserver 10.77.0.250\nnameserver ${gateway.four}\nsearch corp.internal\n`,
    ),
  ),
);

machineTwin('over-ipv6', async (machine, stage) => {
  const world = await stage.world();
  await world.waySix();
  const { zone } = await world.dns();
  await meanwhile(machine, () => zone.set(serverName, { addresses: [gateway.six] }));
});

machineTwin('ipv6-is-announced-and-dead', async (machine, stage) => {
  const { zone } = await (await stage.world()).dns();
  await meanwhile(machine, () => zone.set(serverName, { addresses: ['fd77::dead', gateway.four] }));
});

machineTwin('narrow-network', async (machine) => {
  execFileSync('ip', ['link', 'set', machine.cable, 'mtu', '1280']);
  machine.run('ip', 'link', 'set', 'eth0', 'mtu', '1280');
  await meanwhile(machine, () => {});
});

machineTwin('firewall-with-many-rules', (machine) => {
  machine.run(
    'nft',
    [
      'add table inet f',
      'add chain inet f in { type filter hook input priority 0 ; policy drop ; }',
      'add rule inet f in ct state established,related accept',
      'add rule inet f in iif lo accept',
      'add chain inet f out { type filter hook output priority 0 ; }',
      'add rule inet f out tcp dport { 25, 6667 } reject',
      'add rule inet f out ip daddr 169.254.169.254 drop',
    ].join('; '),
  );
});

machineTwin('another-disk-is-full', (machine) => {
  machine.run(
    '/bin/sh',
    '-c',
    'mount -t tmpfs -o size=1m full /mnt; cat /dev/zero > /mnt/big 2>/dev/null; true',
  );
});

machineTwin('read-only-media', (machine) => {
  machine.run('mount', '-t', 'tmpfs', '-o', 'ro,noexec', 'cdrom', '/media');
});

machineTwin('leftovers-of-the-official-agent', (machine) => {
  const folder = join(machine.files, 'var/lib/amazon/ssm');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'registration'),
    '{"ManagedInstanceID":"mi-0123456789abcdef0","Region":"us-east-1"}',
  );
});

machineTwin('name-in-capitals-and-odd', async (machine) => {
  await meanwhile(machine, () => machine.run('hostname', 'WEB-01.Corp.Example'));
});

machineTwin('busy-with-programs', async (machine) => {
  for (let number = 0; number < 60; number += 1) machine.spawn('sleep', ['100']);
  await sleep(200);
});

export const twins = cases;
