/** Random and broken frames, handed to an open channel: nothing crashes, nothing is acknowledged. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { decodeFrame, encodeFrame } from '@rollcall/wire';
import type { WebSocket } from 'ws';
import { manualClock } from '../clock.ts';
import { openChannels } from './index.ts';
import { callOf, helloText, memoryPresence, nodeId } from './testing/door.ts';

/** A small generator with a seed, so that a failure can be seen again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The side of a socket that the channels see; bytes are handed over as `ws` would. */
class Line extends EventEmitter {
  bufferedAmount = 0;
  sent: Buffer[] = [];
  closed: number | undefined;
  send(data: Buffer): void {
    this.sent.push(data);
  }
  close(code: number): void {
    this.closed = code;
    this.emit('close');
  }
  terminate(): void {
    this.close(1006);
  }
  pause(): void {}
  resume(): void {}
}

it('10,000 random frames end at worst the channel that sent them', async () => {
  const next = random(20_261_123);
  const below = (limit: number) => Math.floor(next() * limit);
  const fixture = JSON.parse(readFileSync(new URL('./fixtures/agent-frames.json', import.meta.url), 'utf8'));
  const seeds: Buffer[] = fixture.frames.map((frame: { header: string; payload: string }) =>
    Buffer.concat([Buffer.from(frame.header, 'hex'), Buffer.from(frame.payload)]),
  );
  const presence = memoryPresence();
  const channels = openChannels({ clock: manualClock(), presence });
  const open = async (): Promise<Line> => {
    const line = new Line();
    const body = '{"MessageSchemaVersion":"1.0","RequestId":"b1bb92cc-18eb-456e-8212-a0ea82cb9a7a"}';
    const answer = channels.createControlChannel(callOf(nodeId), nodeId, body);
    channels.accept(callOf(nodeId), nodeId, line as unknown as WebSocket);
    const token = /<TokenValue>(.*)<\/TokenValue>/.exec(answer.body)![1]!;
    line.emit('message', Buffer.from(helloText(token)), false);
    await new Promise(setImmediate);
    return line;
  };
  const mutations: ((seed: Buffer) => Buffer)[] = [
    (seed) => {
      const bytes = Buffer.from(seed);
      for (let flips = 1 + below(8); flips > 0; flips--) bytes[below(bytes.length)] = below(256);
      return bytes;
    },
    (seed) => seed.subarray(0, below(seed.length)),
    () => Buffer.from(Array.from({ length: below(300) }, () => below(256))),
    // A frame in good order around a payload that isn't.
    (seed) => {
      const payload = Buffer.from(decodeFrame(seed).payload);
      payload[below(payload.length)] = below(256);
      return encodeFrame({ ...decodeFrame(seed), payload });
    },
    (seed) => encodeFrame({ ...decodeFrame(seed), payload: Buffer.from(['null', '[]', '7', ''][below(4)]!) }),
    (seed) => encodeFrame({ ...decodeFrame(seed), type: `x${below(1_000)}` }),
  ];
  let line = await open();
  for (let n = 0; n < 10_000; n++) {
    if (line.closed !== undefined) {
      assert.ok(!channels.isOpen(nodeId));
      line = await open();
    }
    assert.ok(channels.isOpen(nodeId));
    line.emit('message', mutations[below(mutations.length)]!(seeds[below(seeds.length)]!), true);
    assert.deepEqual(line.sent, [], 'nothing is acknowledged that nobody kept');
  }
  assert.ok(channels.counts().badFrames > 1_000);
  await channels.close();
});
