/** Presence as a server lives it: heartbeats, channels, stops, crashes, sleeping machines, mass losses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPresence } from './index.ts';
import { presenceRow } from './queries.ts';
import type { PresenceFacts } from './status.ts';
import { type Ground, openGround, openTestPresence, pass, passListening, region } from './testing.ts';

const second = 1000;
const minute = 60 * second;
const day = 86_400 * second;

async function facts(ground: Ground, nodeId: string): Promise<PresenceFacts> {
  const row = await ground.store.read((tx) => presenceRow(tx, region, nodeId));
  assert(row);
  return { ...row, registered_at: 0 };
}

async function history(ground: Ground, nodeId: string): Promise<string[]> {
  const rows = await ground.store.read((tx) =>
    tx
      .in(region)
      .selectFrom('presence_history')
      .select('change')
      .where('node_id', '=', nodeId)
      .orderBy('at')
      .execute(),
  );
  return rows.map((row) => row.change);
}

async function join(ground: Ground, presence: Awaited<ReturnType<typeof openPresence>>, ...ids: string[]) {
  await ground.store.write(async (tx) => {
    for (const id of ids) await presence.registered(tx, region, id);
  });
}

test('a node is online for two periods after its heartbeat', async (context) => {
  const ground = await openGround(context);
  const presence = await openTestPresence(ground);
  await join(ground, presence, 'mi-1');
  assert.equal(presence.statusOf(await facts(ground, 'mi-1')).status, 'ConnectionLost');
  await pass(ground.clock, second);
  await presence.ping(region, 'mi-1', ground.clock.now());
  await pass(ground.clock, 10 * minute - 1);
  assert.equal(presence.statusOf(await facts(ground, 'mi-1')).status, 'Online');
  ground.clock.advance(1);
  assert.equal(presence.statusOf(await facts(ground, 'mi-1')).status, 'ConnectionLost');
});

test('when the clock of the server was ahead and is set right, nodes are lost again when they are', async (context) => {
  const ground = await openGround(context);
  const presence = await openTestPresence(ground);
  await join(ground, presence, 'mi-1');
  const right = ground.clock.now() + second;
  await presence.ping(region, 'mi-1', right + 400 * day);
  await presence.ping(region, 'mi-1', right);
  await presence.ping(region, 'mi-1', right - 100);
  assert.equal((await facts(ground, 'mi-1')).last_ping, right, 'out of order is another matter');
  await pass(ground.clock, 11 * minute);
  assert.equal(presence.statusOf(await facts(ground, 'mi-1')).status, 'ConnectionLost');
});

test('a server listens, also while its start lies ahead since the clock was set back', async (context) => {
  const ground = await openGround(context);
  await (await openPresence({ ...ground, serverId: 'before' })).close();
  ground.clock.jump(2 * day);
  const presence = await openTestPresence(ground);
  await join(ground, presence, 'mi-1');
  ground.clock.step(-day);
  await pass(ground.clock, 10 * second);
  await presence.ping(region, 'mi-1', ground.clock.now());
  assert.equal(presence.statusOf(await facts(ground, 'mi-1')).status, 'Online');
  await pass(ground.clock, 16 * minute);
  assert.equal(presence.statusOf(await facts(ground, 'mi-1')).status, 'ConnectionLost');
});

test('many losses at once are noticed also after the clock was set back', async (context) => {
  const ground = await openGround(context);
  const losses: number[] = [];
  const presence = await openTestPresence(ground, {
    hooks: { onMassLoss: ({ nodes }) => void losses.push(nodes) },
  });
  const ids = Array.from({ length: 10 }, (_, index) => `mi-${index}`);
  await join(ground, presence, ...ids);
  const loseAll = async () => {
    for (const id of ids) {
      const epoch = await presence.channelOpened(region, id);
      await presence.channelClosed(region, id, epoch!, 'node');
    }
  };
  await loseAll();
  const before = losses.length;
  assert.ok(before > 0);
  ground.clock.step(-day);
  await loseAll();
  assert.ok(losses.length > before);
});

test('the period is learned from two equal gaps, and unlearned', async (context) => {
  const ground = await openGround(context);
  const presence = await openTestPresence(ground);
  await join(ground, presence, 'mi-1');
  let at = ground.clock.now();
  const ping = async (gap: number) => {
    at += gap * second;
    return presence.ping(region, 'mi-1', at);
  };
  assert.equal(await ping(0), 300);
  assert.equal(await ping(0.03), 300, 'an agent begins with two heartbeats at once');
  assert.equal(await ping(137), 300, 'then waits a random part of its period');
  assert.equal(await ping(1800), 300);
  assert.equal(await ping(1811), 1800, 'the second equal gap, to the minute');
  assert.equal(await ping(0), 1800);
  assert.equal(await ping(0), 1800, 'a restart teaches nothing');
  assert.equal(await ping(120), 1800);
  assert.equal(await ping(120), 300, 'never below 300');
  assert.equal(await ping(90_000), 300);
  assert.equal(await ping(90_000), 3600, 'nor above what an agent can be told');
  assert.equal(await presence.ping(region, 'mi-unknown', at), undefined);
});

test('many heartbeats at once, of some nodes twice', async (context) => {
  const ground = await openGround(context);
  const presence = await openTestPresence(ground);
  const ids = Array.from({ length: 50 }, (_, index) => `mi-${index}`);
  await join(ground, presence, ...ids);
  const at = ground.clock.now();
  await Promise.all(ids.flatMap((id) => [presence.ping(region, id, at + 5), presence.ping(region, id, at)]));
  for (const id of ids) assert.equal((await facts(ground, id)).last_ping, at + 5);
});

test('only the newest channel can be closed', async (context) => {
  const ground = await openGround(context);
  const presence = await openTestPresence(ground);
  await join(ground, presence, 'mi-1');
  const first = await presence.channelOpened(region, 'mi-1');
  const [second_, third] = await Promise.all([
    presence.channelOpened(region, 'mi-1'),
    presence.channelOpened(region, 'mi-1'),
  ]);
  assert.deepEqual([first, second_, third], [1, 2, 3]);
  assert.equal(await presence.channelClosed(region, 'mi-1', 2, 'node'), false);
  assert.equal(presence.statusOf(await facts(ground, 'mi-1')).connected, true);
  assert.equal(await presence.channelClosed(region, 'mi-1', 3, 'node'), true);
  assert.equal(await presence.channelClosed(region, 'mi-1', 3, 'silence'), false);
  assert.equal(presence.statusOf(await facts(ground, 'mi-1')).connected, false);
  assert.equal(await presence.channelOpened(region, 'mi-unknown'), undefined);
});

test('a node that closes its channel is lost after half a minute, until it is heard again', async (context) => {
  const ground = await openGround(context);
  const presence = await openTestPresence(ground);
  await join(ground, presence, 'mi-1');
  await presence.ping(region, 'mi-1', ground.clock.now());
  const epoch = await presence.channelOpened(region, 'mi-1');
  await pass(ground.clock, minute);
  await presence.channelClosed(region, 'mi-1', epoch ?? 0, 'node');
  await pass(ground.clock, 29 * second);
  assert.equal(presence.statusOf(await facts(ground, 'mi-1')).status, 'Online');
  await pass(ground.clock, second);
  assert.equal(presence.statusOf(await facts(ground, 'mi-1')).status, 'ConnectionLost');
  await presence.ping(region, 'mi-1', ground.clock.now());
  assert.equal(presence.statusOf(await facts(ground, 'mi-1')).status, 'Online');
});

test('a stopped server writes nothing for each node: its channels end with its row', async (context) => {
  const ground = await openGround(context);
  const first = await openPresence({ ...ground, serverId: 'first' });
  await join(ground, first, 'mi-1');
  await first.ping(region, 'mi-1', ground.clock.now());
  await first.channelOpened(region, 'mi-1');
  await first.close();
  const before = await facts(ground, 'mi-1');
  ground.clock.jump(20 * minute);
  const second_ = await openTestPresence(ground, { serverId: 'second' });
  assert.deepEqual(await facts(ground, 'mi-1'), before);
  assert.deepEqual(second_.statusOf(before), { status: 'Online', connected: false, hidden: false });
  // It was heard as the server stopped: three periods of listened time from there.
  await pass(ground.clock, 15 * minute - second);
  assert.equal(second_.statusOf(before).status, 'Online');
  await pass(ground.clock, second);
  assert.equal(second_.statusOf(before).status, 'ConnectionLost');
});

test('a server that was killed counts as listening until its lease ends', async (context) => {
  const ground = await openGround(context);
  const killed = await openPresence({
    ...ground,
    clock: { ...ground.clock, every: () => ({ cancel() {} }) },
    serverId: 'killed',
  });
  const started = ground.clock.now();
  ground.clock.jump(60 * second);
  const next = await openTestPresence(ground, { serverId: 'next' });
  assert.deepEqual(next.view().blind, [{ from: started + 15 * second, to: started + 60 * second }]);
  assert.deepEqual(next.view().liveServers, ['next']);
  assert(killed);
});

test('alone on its store, a server knows that the one before it is dead, and its channels with it', async (context) => {
  const ground = await openGround(context);
  const killed = await openPresence({
    ...ground,
    clock: { ...ground.clock, every: () => ({ cancel() {} }) },
    serverId: 'killed',
  });
  await join(ground, killed, 'mi-1');
  const started = ground.clock.now();
  await killed.channelOpened(region, 'mi-1');
  ground.clock.jump(second);
  const next = await openTestPresence(ground, { serverId: 'next', alone: true });
  assert.equal(next.statusOf(await facts(ground, 'mi-1')).connected, false);
  assert.deepEqual(next.view().liveServers, ['next']);
  assert.deepEqual(next.view().blind, [{ from: started, to: started + second }], 'as of its last renewal');
});

test('a machine that slept was blind meanwhile', async (context) => {
  const ground = await openGround(context);
  const presence = await openTestPresence(ground);
  await join(ground, presence, 'mi-1');
  await pass(ground.clock, minute);
  await presence.ping(region, 'mi-1', ground.clock.now());
  ground.clock.jump(8 * 60 * minute);
  assert.equal(
    presence.statusOf(await facts(ground, 'mi-1')).status,
    'Online',
    'before the lease is renewed',
  );
  await pass(ground.clock, minute);
  assert.equal(presence.statusOf(await facts(ground, 'mi-1')).status, 'Online', 'and after');
  const blind = presence.view().blind;
  assert.equal(blind.length, 1);
  await pass(ground.clock, 20 * minute);
  assert.equal(presence.statusOf(await facts(ground, 'mi-1')).status, 'ConnectionLost');
});

test('thirty days', async (context) => {
  const ground = await openGround(context);
  const presence = await openTestPresence(ground);
  await join(ground, presence, 'mi-1');
  await presence.ping(region, 'mi-1', ground.clock.now());
  await passListening(ground, 30 * day);
  assert.deepEqual(presence.statusOf(await facts(ground, 'mi-1')), {
    status: 'ConnectionLost',
    connected: false,
    hidden: false,
  });
  await passListening(ground, 10 * minute);
  assert.equal(presence.statusOf(await facts(ground, 'mi-1')).hidden, true);
  await presence.ping(region, 'mi-1', ground.clock.now());
  assert.deepEqual(presence.statusOf(await facts(ground, 'mi-1')), {
    status: 'Online',
    connected: false,
    hidden: false,
  });
});

test('many nodes that go at once are not lost early, and one event says so', async (context) => {
  const ground = await openGround(context);
  const told: object[] = [];
  const presence = await openTestPresence(ground, { hooks: { onMassLoss: (loss) => told.push(loss) } });
  const ids = Array.from({ length: 30 }, (_, index) => `mi-${index}`);
  await join(ground, presence, ...ids);
  const epochs = await Promise.all(ids.map((id) => presence.channelOpened(region, id)));
  await Promise.all(ids.map((id) => presence.ping(region, id, ground.clock.now())));
  await pass(ground.clock, second);
  const close = (index: number) => presence.channelClosed(region, ids[index]!, epochs[index] ?? 0, 'node');
  for (let index = 0; index < 6; index++) await close(index);
  assert.equal(told.length, 0, 'one in five is not many');
  for (let index = 6; index < 20; index++) await close(index);
  await pass(ground.clock, 20 * second);
  await close(20);
  assert.equal(told.length, 1);
  await pass(ground.clock, minute);
  for (const index of [0, 19, 20]) {
    assert.equal(presence.statusOf(await facts(ground, ids[index]!)).status, 'Online', ids[index]!);
  }
  // Another server says the same.
  const other = await openTestPresence(ground, { serverId: 'server-2' });
  assert.equal(other.statusOf(await facts(ground, ids[0]!)).status, 'Online');
  await pass(ground.clock, 4 * minute);
  assert.equal(presence.statusOf(await facts(ground, ids[0]!)).status, 'ConnectionLost', 'after one period');
});

test('what happened to a node is kept for 90 days', async (context) => {
  const ground = await openGround(context);
  const presence = await openTestPresence(ground);
  await join(ground, presence, 'mi-1');
  await presence.ping(region, 'mi-1', ground.clock.now());
  ground.clock.jump(second);
  const epoch = await presence.channelOpened(region, 'mi-1');
  ground.clock.jump(second);
  await presence.channelClosed(region, 'mi-1', epoch ?? 0, 'silence');
  ground.clock.jump(3600 * second);
  await presence.ping(region, 'mi-1', ground.clock.now());
  await presence.ping(region, 'mi-1', ground.clock.now() + 1);
  assert.deepEqual(await history(ground, 'mi-1'), [
    'heard',
    'opened',
    'closed by silence',
    'heard after 3600 s',
  ]);
  ground.clock.jump(90 * day);
  await presence.sweep();
  assert.deepEqual(await history(ground, 'mi-1'), ['heard after 3600 s']);
});

test('rows of servers are kept while they matter, and merged', async (context) => {
  const ground = await openGround(context);
  const row = (id: string, from: number, to: number) => ({
    server_id: id,
    started_at: ground.clock.now() - from * day,
    lease_until: ground.clock.now() - to * day,
    stopped_at: null,
  });
  await ground.store.write((tx) =>
    tx.everywhere
      .insertInto('servers')
      .values([row('a', 200, 150), row('b', 120, 100), row('c', 100.5, 90), row('d', 20, 1)])
      .execute(),
  );
  const presence = await openTestPresence(ground);
  const blind = presence.view().blind;
  await presence.sweep();
  const again = await openTestPresence(ground, { serverId: 'server-2' });
  const left = await ground.store.read((tx) =>
    tx.everywhere
      .selectFrom('servers')
      .select('server_id')
      .orderBy('started_at')
      .orderBy('server_id')
      .execute(),
  );
  // 19 days were listened to since d began, so b and c still matter; they touch, and are one now.
  assert.deepEqual(
    left.map((one) => one.server_id),
    ['b', 'd', 'server-1', 'server-2'],
  );
  assert.deepEqual(again.view().blind, blind.slice(1));
});
