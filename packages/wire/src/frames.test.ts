/** Frames against recorded ones, against generated ones, and against garbage. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeFrame, encodeFrame, type Frame, FrameError, frameMessage, messageFrame } from './frames.ts';

interface Recorded extends Omit<Frame, 'payload'> {
  readonly name: string;
  readonly hex: string;
  readonly payloadLength: number;
}

const recorded: Recorded[] = JSON.parse(
  readFileSync(new URL('./fixtures/frames.json', import.meta.url), 'utf8'),
);

const anyFrame: fc.Arbitrary<Frame> = fc.record(
  {
    type: fc.stringMatching(/^[a-z_]{1,32}$/),
    schemaVersion: fc.nat(0xffff_ffff),
    createdAt: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    sequence: fc.maxSafeInteger(),
    flags: fc.maxSafeNat(),
    id: fc.uuid(),
    payloadType: fc.nat(0xffff_ffff),
    payload: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  },
  { noNullPrototype: true },
);

/** What decoding gives, or the one kind of error that it may throw. */
function decodeOrRefuse(bytes: Uint8Array): Frame | undefined {
  try {
    return decodeFrame(bytes);
  } catch (error) {
    assert.ok(error instanceof FrameError, String(error));
    return undefined;
  }
}

describe('frames of the official agent and plugin', () => {
  for (const { name, hex, payloadLength, ...header } of recorded) {
    it(`reads and writes ${name}`, () => {
      const bytes = Buffer.from(hex, 'hex');
      const { payload, ...decoded } = decodeFrame(bytes);
      assert.deepEqual(decoded, header);
      assert.equal(payload.length, payloadLength);
      assert.equal(encodeFrame({ ...decoded, payload }).toString('hex'), hex);
    });
  }
});

describe('frames', () => {
  it('come back as they were', () => {
    fc.assert(fc.property(anyFrame, (frame) => assert.deepEqual(decodeFrame(encodeFrame(frame)), frame)));
  });

  it('with any byte changed are refused, or are another frame', () => {
    fc.assert(
      fc.property(anyFrame, fc.nat(), fc.integer({ min: 1, max: 255 }), (frame, at, change) => {
        const bytes = encodeFrame(frame);
        const index = at % bytes.length;
        // Padding may be any white space.
        fc.pre(index < 4 + frame.type.length || index >= 36);
        bytes[index]! ^= change;
        assert.notDeepEqual(decodeOrRefuse(bytes), frame);
      }),
    );
  });

  it('cut short or made longer are refused', () => {
    const bytes = encodeFrame(messageFrame('agent_job', { a: 1 }, { createdAt: 1 }));
    for (let length = 0; length < bytes.length; length += 1) {
      assert.throws(() => decodeFrame(bytes.subarray(0, length)), FrameError);
    }
    assert.throws(() => decodeFrame(Buffer.concat([bytes, Buffer.of(0)])), FrameError);
  });

  it('never fail with another error, whatever the bytes are', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => void decodeOrRefuse(bytes)));
  });

  it('that claim a gigantic payload are refused without allocating it', () => {
    const bytes = encodeFrame(messageFrame('agent_job', {}, { createdAt: 1 }));
    bytes.writeUInt32BE(0xffff_ffff, 116);
    assert.throws(() => decodeFrame(bytes), /payload length/);
  });

  it('accept a type padded with NUL, as older writers do', () => {
    const bytes = encodeFrame(messageFrame('agent_job', {}, { createdAt: 1 }));
    bytes.fill(0, 4 + 'agent_job'.length, 36);
    assert.equal(decodeFrame(bytes).type, 'agent_job');
  });

  it('refuse values that no frame can carry', () => {
    const good = messageFrame('agent_job', {}, { createdAt: 1 });
    const bad: Partial<Frame>[] = [
      { type: '' },
      { type: 'x'.repeat(33) },
      { type: ' padded' },
      { id: 'not-a-uuid' },
      { createdAt: 0 },
      { createdAt: 1.5 },
      { flags: -1 },
      { payloadType: 2 ** 32 },
      { sequence: Number.NaN },
    ];
    for (const change of bad) assert.throws(() => encodeFrame({ ...good, ...change }), FrameError);
  });
});

describe('messages in frames', () => {
  it('are JSON objects', () => {
    const frame = messageFrame('agent_job_ack', { jobId: 'ü' }, { createdAt: 1 });
    assert.deepEqual(frameMessage(decodeFrame(encodeFrame(frame))), { jobId: 'ü' });
    for (const payload of ['', '[]', 'null', '"text"', '{', '\xff']) {
      assert.throws(() => frameMessage({ ...frame, payload: Buffer.from(payload, 'latin1') }), FrameError);
    }
  });
});
