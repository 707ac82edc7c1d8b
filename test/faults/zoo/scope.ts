/** Where is looked, for whom, and by whom. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { openPart } from '../case.ts';
import { edit } from '../node/agent.ts';
import { restartInto } from './common.ts';

const { cases, fault, decoy } = openPart('scope');

fault(
  {
    id: 'wrong-region',
    cause: 'wrong-region',
    gate: 'scope',
    solution: 5,
    operator: 'proven',
    both: 'proven',
    fix: 'rollcall nodes --region eu-central-1',
  },
  async (stage) => {
    const node = await stage.node({}, { region: 'eu-central-1' });
    await stage.judge(node, { stays: true, region: 'us-east-1' });
  },
);

fault(
  {
    id: 'agent-in-other-region',
    cause: 'agent-in-other-region',
    decoyOf: ['wrong-region', 'region-not-served', 'deregistered'],
    gate: 'scope',
    solution: 5,
    node: 'proven',
    operator: 'sure',
    both: 'proven',
    fix: 'explained',
  },
  async (stage) => {
    const node = await stage.node();
    const moved = (region: string) => () => {
      rmSync(join(node.root, 'credentials.json'), { force: true });
      edit(node.root, 'identity.json', (identity) => {
        identity.region = region;
      });
    };
    await restartInto(node, moved('eu-central-1'));
    await stage.judge(node);
    await node.stop();
    moved('us-east-1')();
    await node.start();
    await stage.mended(node);
  },
);

fault(
  {
    id: 'caller-not-authorised',
    cause: 'caller-not-authorised',
    gate: 'scope',
    solution: 2,
    operator: 'proven',
  },
  async (stage) => {
    const world = await stage.world();
    const node = await stage.node();
    const caller = await world.user('apprentice', ['rollcall:Why']);
    await stage.judge(node, { stays: true, as: caller });
  },
);

fault(
  {
    id: 'document-not-allowed',
    cause: 'document-not-allowed',
    gate: 'scope',
    solution: 2,
    operator: 'proven',
  },
  async (stage) => {
    const world = await stage.world();
    const node = await stage.node();
    const caller = await world.user('reader', ['rollcall:Why', 'ssm:DescribeInstanceInformation']);
    await stage.judge(node, { stays: true, as: caller, document: 'AWS-RunShellScript' });
  },
);

fault(
  {
    id: 'list-filtered-by-platform',
    cause: 'list-filtered-by-platform',
    gate: 'scope',
    solution: 4,
    operator: 'proven',
    both: 'proven',
  },
  async (stage) => {
    const node = await stage.node();
    await stage.judge(node, { stays: true, document: 'AWS-InstallPowerShellModule' });
  },
);

fault(
  {
    id: 'name-ambiguous',
    cause: 'name-ambiguous',
    gate: 'scope',
    solution: 5,
    operator: 'proven',
  },
  async (stage) => {
    const first = await stage.node();
    await stage.node();
    const { host } = await first.look();
    await stage.judge(first, { stays: true, subject: host.name });
  },
);

decoy(
  {
    id: 'name-ambiguous-but-seen',
    decoyOf: ['name-ambiguous'],
    both: 'well',
  },
  async (stage) => {
    const first = await stage.node();
    await stage.node();
    const evidence = await first.look();
    await stage.judge(first, { stays: true, subject: evidence.host.name, evidence });
  },
);

fault(
  {
    id: 'machine-replaced',
    cause: 'machine-replaced',
    gate: 'scope',
    operator: 'proven',
  },
  async (stage) => {
    const old = await stage.node();
    await old.stop();
    await stage.lose(old);
    // A new one of the same name comes up in its place.
    const world = await stage.world();
    const fresh = await world.node();
    await fresh.register();
    await fresh.start();
    await stage.judge(old, { stays: true });
  },
);

fault(
  {
    id: 'address-reused',
    cause: 'address-reused',
    gate: 'scope',
    operator: 'likely',
    needs: ['root'],
  },
  async (stage) => {
    const world = await stage.world();
    const machine = await stage.machine({ upFor: 86_400 });
    await world.roster([
      { key: 'asset-1', name: 'old-printer-server', address: machine.address },
      { key: 'asset-2', name: machine.name },
    ]);
    world.server.books((books) =>
      books.prepare('UPDATE machines SET first_seen_at = first_seen_at - 86400000').run(),
    );
    await stage.judge(undefined, { subject: 'old-printer-server', stays: true });
  },
);

for (const [id, machine] of [
  ['expected-off', { expected: 'spare', power: 'poweredOff' }],
  ['retired', { expected: 'retired' }],
  ['in-maintenance', { maintenanceUntil: new Date(Date.now() + 3_600_000).toISOString() }],
] as const)
  fault(
    {
      id,
      cause: 'expected-off',
      gate: 'machine',
      operator: 'proven',
    },
    async (stage) => {
      const world = await stage.world();
      const node = await stage.node();
      await node.stop();
      await stage.lose(node);
      await world.roster([{ key: 'web-9', name: 'web-9', instanceId: node.nodeId, ...machine }]);
      await stage.judge(node, { stays: true });
    },
  );

fault(
  {
    id: 'machine-stopped',
    cause: 'machine-stopped',
    gate: 'machine',
    operator: 'proven',
  },
  async (stage) => {
    const world = await stage.world();
    const node = await stage.node();
    await node.stop();
    await stage.lose(node);
    await world.roster([{ key: 'web-9', name: 'web-9', instanceId: node.nodeId, power: 'poweredOff' }]);
    await stage.judge(node, { stays: true });
  },
);

decoy(
  {
    id: 'power-on-and-lost',
    decoyOf: ['machine-stopped', 'expected-off'],
    operator: 'blind',
  },
  async (stage) => {
    const world = await stage.world();
    const node = await stage.node();
    await node.stop();
    await stage.lose(node);
    await world.roster([{ key: 'web-9', name: 'web-9', instanceId: node.nodeId, power: 'poweredOn' }]);
    await stage.judge(node, { stays: true });
  },
);

fault(
  {
    id: 'thirty-day-hidden',
    how: 'recorded',
    cause: 'thirty-day-hidden',
    gate: 'freshness',
    operator: 'sure',
  },
  async (stage) => {
    const world = await stage.world();
    const node = await stage.node();
    await node.stop();
    await stage.lose(node);
    // Thirty-one days in which the server listened, written into the books.
    await world.server.stop();
    world.server.books((books) => {
      const days = 31 * 86_400_000;
      books
        .prepare('UPDATE presence SET last_ping = last_ping - ?, closed_at = closed_at - ?')
        .run(days, days);
      books.prepare('UPDATE nodes SET registered_at = registered_at - ?').run(days);
      books.prepare('UPDATE servers SET started_at = started_at - ?').run(2 * days);
    });
    await world.server.start();
    await stage.judge(node, { stays: true });
  },
);

decoy(
  {
    id: 'associations-deleted-by-hand',
    decoyOf: ['agent-not-registered', 'agent-not-installed'],
    warnings: ['association-list-empty'],
    node: 'well',
    operator: 'well',
    both: 'well',
  },
  async (stage) => {
    const world = await stage.world();
    const node = await stage.node();
    world.server.books((books) => {
      books.prepare('DELETE FROM association_statuses').run();
      books.prepare('DELETE FROM associations').run();
    });
    await stage.judge(node, { stays: true });
  },
);

decoy(
  {
    id: 'agent-of-another-region-here',
    cause: 'region-not-served',
    decoyOf: ['wrong-region'],
    both: 'sure',
  },
  async (stage) => {
    const node = await stage.node();
    await restartInto(node, () =>
      edit(node.root, 'identity.json', (identity) => {
        identity.region = 'ap-south-1';
      }),
    );
    await stage.judge(node);
  },
);

export const scope = cases;
