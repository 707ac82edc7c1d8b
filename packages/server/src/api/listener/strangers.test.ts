/** Nobody locks others out by holding connections: those that are idle and nobody's make room. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { get } from 'node:https';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import * as tls from 'node:tls';
import { openTestDoor, type TestDoor } from './harness.ts';

const limits = { maxConnections: 10 };

/** A door that vouches for `/signed`, never answers `/slow`, and takes websockets on. */
async function openSmallDoor(t: TestContext) {
  const slow: ServerResponse[] = [];
  const door: TestDoor = await openTestDoor(t, {
    limits,
    answer(request, response) {
      if (request.url === '/signed') door.listener.vouchFor(request.socket);
      if (request.url === '/slow') slow.push(response);
      else response.end('hello');
    },
  });
  door.listener.server.on('upgrade', (_, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
  });
  return { door, slow };
}

/** Opens a connection that stays open, after a request when there is a path. */
async function hold(t: TestContext, door: TestDoor, path?: string, more = ''): Promise<Socket> {
  const socket = tls.connect({ port: door.port, host: '127.0.0.1', ca: door.ca, servername: 'localhost' });
  socket.on('error', () => {});
  t.after(() => socket.destroy());
  await once(socket, 'secureConnect');
  if (path !== undefined) {
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`);
    if (path !== '/slow') await once(socket, 'data');
  }
  return socket.resume();
}

function ask(door: TestDoor, path = '/'): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port: door.port,
      ca: door.ca,
      servername: 'localhost',
      agent: false,
    };
    get({ ...options, path }, (response) => resolve(response.resume().statusCode)).on('error', reject);
  });
}

async function pass(door: TestDoor, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    door.clock.advance(1_000);
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  }
}

async function settle(so: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1_000 && !so(); turn++) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.ok(so(), String(so));
}

test('one client that holds every place makes room for the next', async (t) => {
  const { door } = await openSmallDoor(t);
  const held: Socket[] = [];
  for (let one = 0; one < limits.maxConnections; one++) held.push(await hold(t, door, '/'));
  await assert.rejects(ask(door), 'all places are taken');
  await pass(door, 3);
  await settle(() => held[0]!.closed);
  assert.equal(await ask(door), 200);
  assert.deepEqual(
    held.map((socket) => socket.closed).indexOf(false),
    door.listener.counts().sentAway,
    'the oldest go first',
  );
  await pass(door, 10);
  await settle(() => door.listener.counts().open <= limits.maxConnections / 2);
  assert.equal(door.listener.crowded(), false);
  assert.deepEqual(door.knocks, [], 'it was our doing');
});

test('who has proved anything stays, and so do websockets and requests that are being answered', async (t) => {
  const { door, slow } = await openSmallDoor(t);
  const kept: Socket[] = [];
  for (const path of ['/signed', '/signed', '/signed']) kept.push(await hold(t, door, path));
  kept.push(await hold(t, door, '/channel', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'));
  kept.push(await hold(t, door, '/slow'));
  const idle: Socket[] = [];
  for (let one = kept.length; one < limits.maxConnections; one++) idle.push(await hold(t, door));
  await settle(() => slow.length === 1);
  await pass(door, 12);
  await settle(() => idle.every((socket) => socket.closed));
  assert.deepEqual(
    kept.map((socket) => socket.closed),
    kept.map(() => false),
  );
  slow[0]!.end('at last');
  await once(kept.at(-1)!, 'data');
});

test('when all have proved who they are, nobody goes; below half, nobody either', async (t) => {
  const { door } = await openSmallDoor(t);
  const strangers = [await hold(t, door), await hold(t, door, '/')];
  await pass(door, 60);
  assert.equal(door.listener.counts().sentAway, 0);
  for (const socket of strangers) socket.destroy();
  await settle(() => door.listener.counts().open === 0);
  for (let one = 0; one < limits.maxConnections; one++) await hold(t, door, '/signed');
  await pass(door, 60);
  await assert.rejects(ask(door));
  assert.equal(door.listener.counts().open, limits.maxConnections);
  assert.equal(door.listener.counts().turnedAway, 1);
});

test('connections that never say a word make room, too', async (t) => {
  const { door } = await openSmallDoor(t);
  for (let one = 0; one < limits.maxConnections; one++) {
    const socket = connect(door.port, '127.0.0.1');
    t.after(() => socket.destroy());
    await once(socket.resume(), 'connect');
  }
  await settle(() => door.listener.counts().open === limits.maxConnections);
  await pass(door, 3);
  await settle(() => door.listener.counts().open < limits.maxConnections);
  assert.equal(await ask(door), 200);
});
