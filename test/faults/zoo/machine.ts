/** The machine under the agent: room, rights of its disks, its clock. */
import { openPart } from '../case.ts';
import type { Machine } from '../node/machine.ts';
import type { Stage } from '../stage.ts';
import { until } from '../until.ts';

const { cases, fault, decoy } = openPart('machine');

/** A machine whose agent lives on a disk of its own. */
async function withDisk(stage: Stage, options: string): Promise<Machine> {
  const machine = await stage.machine({ upFor: 86_400 });
  await machine.stop();
  const folder = '/var/lib/rollcall-agent';
  machine.run(
    '/bin/sh',
    '-ec',
    `cp -a ${folder} /tmp/kept; mount -t tmpfs -o ${options} disk ${folder}; cp -a /tmp/kept/. ${folder}/`,
  );
  return machine;
}

fault(
  {
    id: 'disk-full',
    cause: 'disk-full',
    gate: 'machine',
    node: 'proven',
    operator: 'well',
    both: 'proven',
    needs: ['root'],
  },
  async (stage) => {
    const machine = await withDisk(stage, 'size=8m');
    await machine.start();
    machine.run('/bin/sh', '-c', 'cat /dev/zero > /var/lib/rollcall-agent/old-core-dump 2>/dev/null; true');
    await stage.judge(machine, { stays: true });
    machine.run('rm', '/var/lib/rollcall-agent/old-core-dump');
    // The little disk of this test is never far from full.
    stage.allow('disk-full');
    await stage.mended(machine);
  },
);

fault(
  {
    id: 'disk-full-at-start',
    cause: 'disk-full',
    gate: 'machine',
    node: 'proven',
    both: 'proven',
    needs: ['root'],
  },
  async (stage) => {
    const machine = await withDisk(stage, 'size=8m');
    machine.run('/bin/sh', '-c', 'cat /dev/zero > /var/lib/rollcall-agent/old-core-dump 2>/dev/null; true');
    await machine.start({ online: false });
    await until('it is tried', () => machine.log().length > 0);
    await stage.judge(machine, { stays: true });
    await machine.stop();
    machine.run('rm', '/var/lib/rollcall-agent/old-core-dump');
    await machine.start();
    // The little disk of this test is never far from full.
    stage.allow('disk-full');
    await stage.mended(machine);
  },
);

fault(
  {
    id: 'inodes-full',
    cause: 'inodes-full',
    gate: 'machine',
    node: 'proven',
    operator: 'well',
    both: 'proven',
    needs: ['root'],
  },
  async (stage) => {
    const machine = await withDisk(stage, 'size=64m,nr_inodes=120');
    await machine.start();
    machine.run(
      '/bin/sh',
      '-c',
      'i=0; while [ $i -lt 200 ]; do touch /var/lib/rollcall-agent/left-$i || break; i=$((i+1)); done 2>/dev/null; true',
    );
    await stage.judge(machine, { stays: true });
    machine.run('/bin/sh', '-c', 'rm /var/lib/rollcall-agent/left-*');
    stage.allow('disk-full', 'inodes-full');
    await stage.mended(machine);
  },
);

fault(
  {
    id: 'read-only-filesystem',
    cause: 'read-only-filesystem',
    gate: 'machine',
    node: 'proven',
    operator: 'blind',
    both: 'proven',
    fix: 'explained',
    needs: ['root'],
  },
  async (stage) => {
    const machine = await withDisk(stage, 'size=200m');
    machine.run('mount', '-o', 'remount,ro', '/var/lib/rollcall-agent');
    await machine.start({ online: false });
    await until('it is tried', () => machine.log().length > 0);
    await stage.judge(machine);
    machine.run('mount', '-o', 'remount,rw', '/var/lib/rollcall-agent');
    await machine.stop();
    await machine.start();
    await stage.mended(machine);
  },
);

decoy(
  {
    id: 'noexec-under-our-agent',
    decoyOf: ['noexec-mount'],
    node: 'well',
    operator: 'well',
    both: 'well',
    needs: ['root'],
  },
  // Ours hands each script to the shell to read, so that it works there.
  async (stage) => {
    const machine = await withDisk(stage, 'size=200m,noexec');
    await machine.start();
    await stage.judge(machine, { stays: true });
  },
);

for (const [id, ahead] of [
  ['clock-skew-ahead', 420_000],
  ['clock-skew-behind', -3_600_000],
] as const)
  fault(
    {
      id,
      cause: 'clock-skew',
      gate: 'machine',
      operator: 'sure',
    },
    async (stage) => {
      const world = await stage.world();
      await world.neighbours(12, '10.50.8.1');
      let off = 0;
      const official = await world.neighbours(1, '10.50.3.1', {
        now: () => world.server.clock.now() + off,
        backOff: { first: 600_000, cap: 600_000 },
      });
      const [node] = official.agents;
      world.age(node!.nodeId);
      off = ahead;
      node!.socket?.terminate();
      await official.heartbeat(node!).catch(() => {});
      await world.refused(
        { nodeId: node!.nodeId, address: '10.50.3.1' },
        'signature-expired',
        'signature-not-yet-current',
      );
      await stage.judge({ nodeId: node!.nodeId });
    },
  );

for (const [id, ahead] of [
  ['clock-ahead-and-ours-copes', 420_000],
  ['clock-behind-and-ours-copes', -3_600_000],
] as const)
  decoy(
    {
      id,
      decoyOf: ['clock-skew'],
      warnings: ['clock-skew'],
      node: 'well',
      operator: 'well',
      both: 'well',
      needs: ['root', 'faketime'],
    },
    async (stage) => {
      const machine = await stage.machine({ upFor: 86_400 });
      await machine.stop();
      machine.setClock(ahead);
      await machine.start();
      await stage.judge(machine, { stays: true });
    },
  );

decoy(
  {
    id: 'clock-a-little-off',
    decoyOf: ['clock-skew'],
    warnings: ['clock-skew'],
    node: 'well',
    operator: 'well',
    both: 'well',
    needs: ['root', 'faketime'],
  },
  async (stage) => {
    const machine = await stage.machine({ upFor: 86_400 });
    await machine.stop();
    machine.setClock(100_000);
    await machine.start();
    await stage.judge(machine, { stays: true });
  },
);

decoy(
  {
    id: 'time-zone-differs',
    decoyOf: ['clock-skew'],
    node: 'well',
    operator: 'well',
    both: 'well',
    needs: ['root'],
  },
  async (stage) => {
    const machine = await stage.machine({ upFor: 86_400 });
    await machine.stop();
    machine.run('ln', '-sf', '/usr/share/zoneinfo/Asia/Tokyo', '/etc/localtime');
    await machine.start({ env: { TZ: 'Asia/Tokyo' } });
    await stage.judge(machine, { stays: true });
  },
);

fault(
  {
    id: 'time-source-wrong',
    cause: 'time-source-wrong',
    decoyOf: ['clock-skew', 'server-clock-wrong'],
    gate: 'machine',
    operator: 'likely',
    fix: 'explained',
  },
  async (stage) => {
    const world = await stage.world();
    await world.neighbours(12, '10.50.8.1');
    let off = 0;
    const site = await world.neighbours(5, '10.50.3.1', {
      now: () => world.server.clock.now() + off,
      backOff: { first: 600_000, cap: 600_000 },
    });
    off = 900_000;
    for (const one of site.agents) {
      world.age(one.nodeId);
      one.socket?.terminate();
      await site.heartbeat(one).catch(() => {});
    }
    await world.refused(
      { nodeId: site.agents.at(-1)!.nodeId, address: '' },
      'signature-not-yet-current',
      'signature-expired',
    );
    await stage.judge({ nodeId: site.agents[2]!.nodeId });
  },
);

fault(
  {
    id: 'server-clock-wrong',
    cause: 'server-clock-wrong',
    decoyOf: ['clock-skew'],
    gate: 'machine',
    operator: 'sure',
    fix: 'explained',
  },
  async (stage) => {
    const world = await stage.world();
    const others = await world.neighbours(12, '10.50.8.1', {
      now: Date.now,
      backOff: { first: 600_000, cap: 600_000 },
    });
    for (const one of others.agents) world.age(one.nodeId);
    world.server.clock.turn(402_000);
    for (const one of others.agents) {
      one.socket?.terminate();
      await others.heartbeat(one).catch(() => {});
    }
    const [node] = others.agents;
    // What was refused last is written last.
    await world.refused(
      { nodeId: others.agents.at(-1)!.nodeId, address: '' },
      'signature-expired',
      'signature-not-yet-current',
    );
    await stage.judge({ nodeId: node!.nodeId });
  },
);

export const machine = cases;
