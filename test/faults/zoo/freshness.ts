/** Nothing is broken any more, or not yet seen: who waits, and for what. */
import { setTimeout as sleep } from 'node:timers/promises';
import { openPart } from '../case.ts';
import { until } from '../until.ts';
import { restartInto, statusOf } from './common.ts';

const { cases, fault, decoy } = openPart('freshness');

fault(
  {
    id: 'agent-backing-off',
    cause: 'agent-backing-off',
    gate: 'freshness',
    node: 'sure',
    operator: 'blind',
  },
  async (stage) => {
    const node = await stage.node();
    await restartInto(node, () => node.way.change({ kind: 'refuse' }));
    // By the fourth failure it waits for longer than it takes to look.
    await until(
      'it waits for some seconds',
      () => Date.parse(statusOf(node)?.nextAttempt?.at ?? '') > Date.now() + 3500,
      40_000,
    );
    await node.way.change({ kind: 'pass' });
    await stage.judge(node);
    await stage.mended(node);
  },
);

fault(
  {
    id: 'server-was-away',
    cause: 'server-was-away',
    gate: 'freshness',
    operator: 'likely',
  },
  async (stage) => {
    const world = await stage.world();
    const fleet = await world.neighbours(8, '10.50.8.1', { backOff: { first: 3_000_000, cap: 3_000_000 } });
    for (const { nodeId } of fleet.agents) world.age(nodeId);
    await world.server.pass(120_000);
    await world.server.stop();
    // Their first attempts fail, and they wait for their next.
    await sleep(3500);
    for (const agent of fleet.agents) agent.beatAt = Number.POSITIVE_INFINITY;
    world.server.clock.turn(20 * 60_000);
    await world.server.start();
    await world.server.pass(16 * 60_000);
    await stage.judge({ nodeId: fleet.agents[0]!.nodeId });
  },
);

fault(
  {
    id: 'channel-backoff',
    cause: 'channel-backoff',
    gate: 'freshness',
    operator: 'sure',
  },
  async (stage) => {
    const world = await stage.world();
    const fleet = await world.neighbours(6, '10.50.8.1', { backOff: { first: 3_000_000, cap: 3_000_000 } });
    for (const { nodeId } of fleet.agents) world.age(nodeId);
    await world.server.pass(120_000);
    await world.server.stop();
    await sleep(3500);
    await world.server.start();
    // Heartbeats are on time, and the channel isn't tried for half an hour.
    for (const agent of fleet.agents) await fleet.heartbeat(agent);
    await world.server.pass(150_000);
    await stage.judge({ nodeId: fleet.agents[0]!.nodeId }, { stays: true });
  },
);

fault(
  {
    id: 'session-channel-missing',
    cause: 'session-channel-missing',
    gate: 'freshness',
    solution: 3,
    operator: 'sure',
  },
  async (stage) => {
    const world = await stage.world();
    await world.neighbours(6, '10.50.8.1');
    const fleet = await world.neighbours(1, '10.50.8.2', { messages: 'none' });
    const [agent] = fleet.agents;
    world.age(agent!.nodeId);
    await world.server.pass(150_000);
    await fleet.heartbeat(agent!);
    await stage.judge({ nodeId: agent!.nodeId }, { stays: true });
  },
);

fault(
  {
    id: 'channel-refused',
    cause: 'channel-refused',
    gate: 'freshness',
    operator: 'sure',
  },
  async (stage) => {
    const world = await stage.world();
    await world.neighbours(6, '10.50.8.1');
    const fleet = await world.neighbours(1, '10.50.8.2', { messages: 'none' });
    const [agent] = fleet.agents;
    world.age(agent!.nodeId);
    await world.server.pass(150_000);
    await fleet.heartbeat(agent!);
    // Something on the way repeats old requests: the token of its hello is not the one that it was given.
    await fleet.calls.createControlChannel(agent!);
    const socket = fleet.calls.dialControlChannel(agent!);
    socket.once('open', () => socket.send(fleet.calls.hello('not-the-token-that-it-was-given')));
    socket.on('error', () => {});
    await world.refused({ nodeId: agent!.nodeId, address: '10.50.8.2' }, 'channel-token-refused');
    await stage.judge({ nodeId: agent!.nodeId }, { stays: true });
  },
);

decoy(
  {
    id: 'polls-instead-of-a-channel',
    decoyOf: ['session-channel-missing', 'channel-backoff'],
    operator: 'well',
  },
  async (stage) => {
    const world = await stage.world();
    const fleet = await world.neighbours(2, '10.50.8.1', { messages: 'poll' });
    const [agent] = fleet.agents;
    world.age(agent!.nodeId);
    await sleep(500);
    await stage.judge({ nodeId: agent!.nodeId }, { stays: true });
  },
);

fault(
  {
    id: 'nat-idle-or-swap',
    cause: 'nat-idle-or-swap',
    gate: 'freshness',
    both: 'proven',
  },
  async (stage) => {
    const world = await stage.world();
    const node = await stage.node();
    // The way forgets the connection: neither end is told, and new ones pass.
    await node.way.change({ kind: 'forgets' });
    await world.server.pass(200_000);
    await until('the server gives it up', async () => {
      const { Status } = await world.server.admin().ask('ssm:GetConnectionStatus', { Target: node.nodeId });
      return Status === 'notconnected';
    });
    // The server's time was turned on, the machine's wasn't: it has been so for some minutes.
    world.server.books((books) =>
      books
        .prepare('UPDATE presence SET closed_at = ? WHERE node_id = ?')
        .run(Date.now() - 240_000, node.nodeId),
    );
    await stage.judge(node, { stays: true });
  },
);

export const freshness = cases;
