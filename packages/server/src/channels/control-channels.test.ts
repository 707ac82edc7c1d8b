/** The life of control channels over real sockets: who gets in, who replaces whom, what ends them, what presence is told. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { encodeFrame } from '@rollcall/wire';
import type { WebSocket } from 'ws';
import { manualClock } from '../clock.ts';
import { frameLimit, helloWait, silenceLimit } from './control-channels.ts';
import { controlFrame } from './jobs.ts';
import {
  callOf,
  closeCode,
  helloText,
  memoryPresence,
  nodeId,
  openTestDoor,
  type TestDoor,
  until,
} from './testing/door.ts';
import { tokenLifetime } from './tokens.ts';

const otherNode = 'mi-0ffffffffffffffff';

describe('opening a control channel', () => {
  let door: TestDoor;
  before(async () => {
    door = await openTestDoor();
  });
  after(() => door.close());

  it('answers as the official agent insists: 201, XML, a token', () => {
    const answer = door.channels.createControlChannel(
      callOf(nodeId),
      nodeId,
      '{"MessageSchemaVersion":"1.0","RequestId":"b1bb92cc-18eb-456e-8212-a0ea82cb9a7a"}',
    );
    assert.equal(answer.status, 201);
    assert.match(
      answer.body,
      /^<CreateControlChannelResponse><MessageSchemaVersion>1\.0<\/MessageSchemaVersion><TokenValue>[\w-]{43}<\/TokenValue><\/CreateControlChannelResponse>$/,
    );
  });

  it('gives no token to another node, nor for a body that makes no sense', () => {
    const body = '{"MessageSchemaVersion":"1.0","RequestId":"b1bb92cc-18eb-456e-8212-a0ea82cb9a7a"}';
    const create = (node: string, text: string) => () =>
      door.channels.createControlChannel(callOf(nodeId), node, text);
    assert.throws(create(otherNode, body), { code: 'InvalidInstanceId' });
    for (const text of [
      '',
      'null',
      '[]',
      '{',
      '{"MessageSchemaVersion":"2.0"}',
      '{"MessageSchemaVersion":"1.0"}',
    ])
      assert.throws(create(nodeId, text), { code: 'ValidationException' }, text);
  });

  it('opens with the token, once', async () => {
    const token = door.token();
    const socket = await door.dial();
    socket.send(helloText(token));
    await until(() => door.channels.isOpen(nodeId));
    const again = await door.dial();
    again.send(helloText(token));
    assert.equal(await closeCode(again), 4401);
    assert.ok(door.channels.isOpen(nodeId), 'the first one stays');
    socket.close();
    await until(() => !door.channels.isOpen(nodeId));
    assert.deepEqual(door.presence.closed.at(-1), { nodeId, epoch: 1, by: 'node' });
  });

  it("refuses an expired token, and another node's", async () => {
    const expired = door.token();
    door.clock.advance(tokenLifetime);
    const late = await door.dial();
    late.send(helloText(expired));
    assert.equal(await closeCode(late), 4401);

    const stolen = door.token();
    const thief = await door.dial(otherNode);
    thief.send(helloText(stolen));
    assert.equal(await closeCode(thief), 4401);
    assert.equal(door.channels.isOpen(otherNode), false);
  });

  it('turns away who says nothing, or the wrong thing first', async () => {
    const silent = await door.dial();
    await until(() => door.channels.counts().waiting === 1);
    door.clock.advance(helloWait - 1_000);
    assert.equal(door.channels.counts().waiting, 1);
    const code = closeCode(silent);
    door.clock.advance(2_000);
    assert.equal(await code, 1008);
    for (const first of ['', 'hello', '{}', '{"MessageSchemaVersion":"1.0"}', Buffer.alloc(200)]) {
      const socket = await door.dial();
      socket.send(first);
      assert.equal(await closeCode(socket), 1008);
    }
    await until(() => door.channels.counts().waiting === 0);
  });
});

describe('an open control channel', () => {
  let door: TestDoor;
  before(async () => {
    door = await openTestDoor();
  });
  after(() => door.close());

  it('is replaced by a newer one, whose presence the old one cannot end', async () => {
    const old = await door.connect();
    const epoch = door.presence.epochs.get(nodeId)!;
    const code = closeCode(old);
    const young = await door.connect();
    assert.equal(await code, 4409);
    assert.equal(door.presence.epochs.get(nodeId), epoch + 1);
    await until(() => door.channels.counts().replaced === 1);
    assert.ok(door.channels.isOpen(nodeId));
    assert.deepEqual(door.presence.closed, [], 'nothing was reported as closed');
    young.close();
    await until(() => door.presence.closed.length === 1);
    assert.deepEqual(door.presence.closed, [{ nodeId, epoch: epoch + 1, by: 'node' }]);
  });

  it('is cut for what is not a frame, and for what is too long; others notice nothing', async () => {
    const bystander = await door.connect(otherNode);
    for (const bytes of [
      Buffer.from('garbage'),
      Buffer.alloc(119),
      Buffer.alloc(120),
      Buffer.alloc(frameLimit, 1),
    ]) {
      const socket = await door.connect();
      socket.send(bytes);
      assert.equal(await closeCode(socket), 1007);
    }
    const oversized = await door.connect();
    oversized.send(Buffer.alloc(frameLimit + 1));
    assert.equal(await closeCode(oversized), 1009);
    const chatty = await door.connect();
    chatty.send('text');
    assert.equal(await closeCode(chatty), 1003);
    assert.ok(door.presence.closed.slice(-6).every(({ by }) => by === 'server'));
    assert.ok(door.channels.isOpen(otherNode));
    bystander.close();
    await until(() => !door.channels.isOpen(otherNode));
  });

  it('is kept alive by pings and closed as silent without', async () => {
    const socket = await door.connect();
    const waits = 54_000;
    for (let round = 0; round < 4; round++) {
      for (let second = 0; second < waits; second += 1_000) door.clock.advance(1_000);
      const pong = new Promise((resolve) => socket.once('pong', resolve));
      socket.ping('keepalive');
      await pong;
    }
    assert.ok(door.channels.isOpen(nodeId));
    const code = closeCode(socket);
    for (let second = 0; second < silenceLimit; second += 1_000) door.clock.advance(1_000);
    assert.equal(await code, 1006);
    await until(() => !door.channels.isOpen(nodeId));
    assert.equal(door.presence.closed.at(-1)?.by, 'silence');
  });

  it('outlives our own blindness', async () => {
    const clock = manualClock();
    let slept = 0;
    const suspended = await openTestDoor({ clock: { ...clock, monotonic: () => clock.monotonic() + slept } });
    await suspended.connect();
    slept = 3_600_000;
    clock.advance(1_000);
    assert.ok(suspended.channels.isOpen(nodeId), 'an hour in which we slept is not an hour of silence');
    await suspended.close();
  });

  it('is cut within two seconds when the node is deregistered, its token with it', async () => {
    const socket = await door.connect();
    const token = door.token();
    const code = closeCode(socket);
    door.channels.disconnect(nodeId, 'deregistered');
    assert.equal(door.channels.isOpen(nodeId), false);
    assert.equal(await code, 1008);
    assert.equal(door.presence.closed.at(-1)?.by, 'server');
    const next = await door.dial();
    next.send(helloText(token));
    assert.equal(await closeCode(next), 4401);
  });

  it('is destroyed when the node does not agree to the end', async () => {
    const socket = await door.connect();
    const ended = closeCode(socket);
    socket.pause();
    door.channels.disconnect(nodeId, 'deregistered');
    door.clock.advance(2_000);
    socket.resume();
    await ended;
    assert.equal(door.channels.isOpen(nodeId), false);
  });

  it('carries what it is told to, and loses it when nobody is there', async () => {
    const socket = await door.connect();
    const frame = controlFrame('channel_closed', { SessionId: 's' }, door.clock.now());
    const arrived = new Promise<Buffer>((resolve) => socket.once('message', resolve));
    door.channels.tell(nodeId, frame);
    door.channels.tell(otherNode, frame);
    assert.deepEqual(await arrived, encodeFrame(frame));
    socket.close();
    await until(() => !door.channels.isOpen(nodeId));
  });

  it('is given up when the node reads too slowly', async () => {
    const socket = await door.connect();
    socket.pause();
    const before = door.channels.counts().overflowed;
    const frame = controlFrame('agent_job', { Content: 'x'.repeat(100_000) }, door.clock.now());
    for (let sent = 0; sent < 400 && door.channels.isOpen(nodeId); sent++) door.channels.tell(nodeId, frame);
    assert.equal(door.channels.isOpen(nodeId), false);
    assert.equal(door.channels.counts().overflowed, before + 1);
    socket.terminate();
  });
});

describe('when the books cannot be written', () => {
  it('a channel is refused for now, and frames wait for its epoch', async () => {
    let fail = true;
    let release = (_epoch: number): void => undefined;
    const door = await openTestDoor({
      presence: {
        channelOpened: () =>
          fail ? Promise.reject(new Error('disk full')) : new Promise((resolve) => (release = resolve)),
        channelClosed: async () => undefined,
      },
    });
    const refused = await door.dial();
    refused.send(helloText(door.token()));
    assert.equal(await closeCode(refused), 1011);
    assert.equal(door.channels.counts().waiting, 0);
    fail = false;
    const socket = await door.dial();
    socket.send(helloText(door.token()));
    socket.send(encodeFrame(controlFrame('agent_telemetry', {}, 1)));
    await until(() => door.channels.counts().tokens === 0);
    assert.equal(door.channels.isOpen(nodeId), false);
    release(7);
    await until(() => door.channels.isOpen(nodeId));
    await door.close();
  });

  it('a channel of a node that is registered no more is cut', async () => {
    const door = await openTestDoor({
      presence: { channelOpened: async () => undefined, channelClosed: async () => assert.fail() },
    });
    const socket = await door.dial();
    socket.send(helloText(door.token()));
    assert.equal(await closeCode(socket), 1008);
    assert.equal(door.channels.counts().waiting, 0);
    await door.close();
  });

  it('a channel that went away meanwhile is written down as closed', async () => {
    let release = (_epoch: number): void => undefined;
    const closed: number[] = [];
    const door = await openTestDoor({
      presence: {
        channelOpened: () => new Promise((resolve) => (release = resolve)),
        channelClosed: async (_region, _node, epoch) => void closed.push(epoch),
      },
    });
    const socket = await door.dial();
    socket.send(helloText(door.token()));
    await until(() => door.channels.counts().tokens === 0);
    door.channels.disconnect(nodeId, 'deregistered');
    await closeCode(socket);
    release(3);
    await until(() => closed.length === 1);
    assert.deepEqual(closed, [3]);
    assert.equal(door.channels.isOpen(nodeId), false);
    await door.close();
  });
});

describe('many control channels', () => {
  it('500 open, are counted, and are sent away by a stop that joins', async () => {
    const door = await openTestDoor();
    const nodes = Array.from({ length: 500 }, (_, n) => `mi-${n.toString(16).padStart(17, '0')}`);
    const sockets: WebSocket[] = [];
    for (let start = 0; start < nodes.length; start += 50)
      sockets.push(
        ...(await Promise.all(
          nodes.slice(start, start + 50).map(async (node) => {
            const socket = await door.dial(node);
            socket.send(helloText(door.token(node)));
            return socket;
          }),
        )),
      );
    await until(() => door.channels.counts().open === 500);
    const codes = Promise.all(sockets.map(closeCode));
    await door.close();
    assert.deepEqual(new Set(await codes), new Set([1012]));
    const { open, waiting, tokens } = door.channels.counts();
    assert.deepEqual({ open, waiting, tokens }, { open: 0, waiting: 0, tokens: 0 });
    assert.throws(() => door.token(), { code: 'ServiceUnavailableException' });
  });
});

describe('a store that is away for a while', () => {
  it('the end of a channel is written down when it is back', async () => {
    const presence = memoryPresence();
    let away = false;
    let attempts = 0;
    const flaky = {
      ...presence,
      async channelClosed(...said: Parameters<typeof presence.channelClosed>) {
        attempts++;
        if (away) throw new Error('the store is away');
        return presence.channelClosed(...said);
      },
    };
    const door = await openTestDoor({ presence: flaky });
    const socket = await door.connect();
    away = true;
    socket.close();
    await until(() => attempts === 1);
    door.clock.advance(1_000);
    await until(() => attempts === 2);
    away = false;
    await new Promise(setImmediate);
    door.clock.advance(1_000);
    await until(() => presence.closed.length === 1);
    assert.deepEqual(presence.closed, [{ nodeId, epoch: 1, by: 'node' }]);
    door.clock.advance(5_000);
    assert.equal(attempts, 3);
    await door.close();
  });
});
