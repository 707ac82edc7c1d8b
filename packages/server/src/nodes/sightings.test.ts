/** Clones interleave; a renamed machine does not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openNodesWorld } from './testing.ts';

const minute = 60_000;

interface Seen {
  readonly title: string;
  /** Who shows itself, and how many minutes after the one before. */
  readonly beats: readonly (readonly [who: string, after: number])[];
  readonly clone: boolean;
}

const machines: Record<string, { ComputerName: string; IPAddress: string; peer: string }> = {
  a: { ComputerName: 'web-01', IPAddress: '10.0.0.1', peer: '192.0.2.1' },
  b: { ComputerName: 'web-02', IPAddress: '10.0.0.2', peer: '192.0.2.2' },
  'a with a new lease': { ComputerName: 'web-01', IPAddress: '10.0.0.9', peer: '192.0.2.1' },
  'a by another way out': { ComputerName: 'web-01', IPAddress: '10.0.0.1', peer: '192.0.2.7' },
};

const table: readonly Seen[] = [
  {
    title: 'one machine',
    beats: [
      ['a', 0],
      ['a', 5],
      ['a', 5],
    ],
    clone: false,
  },
  {
    title: 'renamed',
    beats: [
      ['a', 0],
      ['b', 5],
      ['b', 5],
      ['b', 5],
    ],
    clone: false,
  },
  {
    title: 'renamed, and long after renamed back',
    beats: [
      ['a', 0],
      ['b', 5],
      ['b', 5],
      ['a', 60],
    ],
    clone: false,
  },
  {
    title: 'a new lease',
    beats: [
      ['a', 0],
      ['a', 5],
      ['a with a new lease', 5],
    ],
    clone: false,
  },
  {
    title: 'two ways out to the network',
    beats: [
      ['a', 0],
      ['a by another way out', 5],
      ['a', 5],
    ],
    clone: false,
  },
  {
    title: 'two machines in turns',
    beats: [
      ['a', 0],
      ['b', 2],
      ['a', 3],
    ],
    clone: true,
  },
  {
    title: 'two machines, one a little late',
    beats: [
      ['a', 0],
      ['b', 4],
      ['a', 6],
    ],
    clone: true,
  },
];

for (const { title, beats, clone } of table) {
  test(`${title}: ${clone ? 'a clone' : 'no clone'}`, async (context) => {
    const world = await openNodesWorld(context);
    const nodeId = await world.join();
    for (const [who, after] of beats) {
      world.clock.jump(after * minute);
      const { peer, ...facts } = machines[who]!;
      await world.beat(nodeId, facts, peer);
    }
    const { Nodes } = await world.call('ListNodes');
    assert.equal('CloneSeenAt' in Nodes[0], clone);
    const { Events } = await world.call('ListEvents');
    assert.equal(Events.length, clone ? 1 : 0);
  });
}

test('a clone that went away is forgotten after a day', async (context) => {
  const world = await openNodesWorld(context);
  const nodeId = await world.join();
  for (const who of ['a', 'b', 'a', 'b', 'a']) {
    const { peer, ...facts } = machines[who]!;
    await world.beat(nodeId, facts, peer);
    world.clock.jump(2 * minute);
  }
  assert('CloneSeenAt' in (await world.call('ListNodes')).Nodes[0]);
  assert.equal((await world.call('ListEvents')).Events.length, 1, 'said once');
  world.clock.jump(86_400_000);
  const { peer, ...facts } = machines.a!;
  await world.beat(nodeId, facts, peer);
  assert(!('CloneSeenAt' in (await world.call('ListNodes')).Nodes[0]));
});
