/**
 * The binary frames of control and data channels, as agent 3.3.0.0 and session-manager-plugin 1.2.0.0 write
 * them: a 116-byte header in big-endian order, the payload's length, the payload.
 */
import { hash, randomUUID } from 'node:crypto';
import { parseJson } from './parse-json.ts';

/** The length of the header, which is also what its first field says. */
const headerLength = 116;
/** Where the payload begins: behind the header and the four bytes of the payload's length. */
const payloadStart = headerLength + 4;
const typeLength = 32;

/** The message types that frames carry; others decode too, and are the receiver's to refuse. */
export const FrameType = {
  agentJob: 'agent_job',
  agentJobAck: 'agent_job_ack',
  agentJobReply: 'agent_job_reply',
  agentJobReplyAck: 'agent_job_reply_ack',
  agentTaskComplete: 'agent_task_complete',
  agentTaskAcknowledge: 'agent_task_acknowledge',
  agentTelemetry: 'agent_telemetry',
  agentUpdateResult: 'agent_update_result',
  agentSessionState: 'agent_session_state',
  interactiveShell: 'interactive_shell',
  channelClosed: 'channel_closed',
  inputStreamData: 'input_stream_data',
  outputStreamData: 'output_stream_data',
  acknowledge: 'acknowledge',
  startPublication: 'start_publication',
  pausePublication: 'pause_publication',
} as const;

/** Bits of {@link Frame.flags}. */
export const FrameFlag = { syn: 1, fin: 2 } as const;

/** What the payload of a stream frame is ({@link Frame.payloadType}); control messages carry 0. */
export const PayloadType = {
  none: 0,
  output: 1,
  error: 2,
  size: 3,
  parameter: 4,
  handshakeRequest: 5,
  handshakeResponse: 6,
  handshakeComplete: 7,
  encryptionChallengeRequest: 8,
  encryptionChallengeResponse: 9,
  flag: 10,
  standardError: 11,
  exitCode: 12,
} as const;

/** One frame. Its digest is not a member: encoding computes it, decoding checks it. */
export interface Frame {
  /** The message type, at most 32 bytes of UTF-8, without padding. */
  readonly type: string;
  readonly schemaVersion: number;
  /** Milliseconds since the epoch; never 0, for agents drop such a frame without a word. */
  readonly createdAt: number;
  readonly sequence: number;
  readonly flags: number;
  /** The canonical, lower-case UUID; its halves are swapped only inside the bytes. */
  readonly id: string;
  readonly payloadType: number;
  readonly payload: Uint8Array;
}

/** Bytes that are no frame, or values that no frame can carry. */
export class FrameError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'FrameError';
  }
}

/**
 * Writes a frame with its digest. An empty payload is allowed, since agents accept it (they never send one).
 * @throws FrameError when a member doesn't fit its field.
 */
export function encodeFrame(frame: Frame): Buffer {
  const type = Buffer.from(frame.type, 'utf8');
  if (trimType(frame.type) !== frame.type || type.length === 0 || type.length > typeLength) {
    throw new FrameError('the type must be 1 to 32 bytes, without padding');
  }
  const payload = frame.payload;
  const bytes = Buffer.alloc(payloadStart + payload.length);
  bytes.writeUInt32BE(headerLength, 0);
  bytes.fill(0x20, 4, 36);
  type.copy(bytes, 4);
  bytes.writeUInt32BE(natural(frame.schemaVersion, 'schema version', 0xffff_ffff), 36);
  if (frame.createdAt === 0) throw new FrameError('the creation date must not be zero');
  bytes.writeBigUInt64BE(BigInt(natural(frame.createdAt, 'creation date')), 40);
  if (!Number.isSafeInteger(frame.sequence)) throw new FrameError('the sequence number is no integer');
  bytes.writeBigInt64BE(BigInt(frame.sequence), 48);
  bytes.writeBigUInt64BE(BigInt(natural(frame.flags, 'flags')), 56);
  writeId(bytes, frame.id);
  digestOf(payload).copy(bytes, 80);
  bytes.writeUInt32BE(natural(frame.payloadType, 'payload type', 0xffff_ffff), 112);
  bytes.writeUInt32BE(payload.length, headerLength);
  bytes.set(payload, payloadStart);
  return bytes;
}

/**
 * Reads one frame. The payload is a view of the bytes given, so that nothing is copied and no length field
 * makes us allocate; copy it to keep it longer than them.
 * @throws FrameError, and nothing else, when the bytes are no valid frame or the digest doesn't fit.
 */
export function decodeFrame(bytes: Uint8Array): Frame {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < payloadStart) throw new FrameError(`${buffer.length} bytes are too short for a frame`);
  if (buffer.readUInt32BE(0) !== headerLength) throw new FrameError('the header length is not 116');
  const payload = buffer.subarray(payloadStart);
  if (buffer.readUInt32BE(headerLength) !== payload.length) {
    throw new FrameError('the payload length does not fit the frame');
  }
  const type = trimType(buffer.toString('utf8', 4, 36));
  if (type === '') throw new FrameError('the message type is empty');
  const createdAt = safe(buffer.readBigUInt64BE(40), 'creation date');
  if (createdAt === 0) throw new FrameError('the creation date is zero');
  if (buffer.compare(digestOf(payload), 0, 32, 80, 112) !== 0) {
    throw new FrameError('the payload does not have the digest that the header says');
  }
  return {
    type,
    schemaVersion: buffer.readUInt32BE(36),
    createdAt,
    sequence: safe(buffer.readBigInt64BE(48), 'sequence number'),
    flags: safe(buffer.readBigUInt64BE(56), 'flags'),
    id: readId(buffer),
    payloadType: buffer.readUInt32BE(112),
    payload,
  };
}

/** Makes the frame of a control message: schema version 1, no sequence, no flags, the message as JSON. */
export function messageFrame(
  type: string,
  message: unknown,
  made: { createdAt: number; id?: string },
): Frame {
  return {
    type,
    schemaVersion: 1,
    createdAt: made.createdAt,
    sequence: 0,
    flags: 0,
    id: made.id ?? randomUUID(),
    payloadType: PayloadType.none,
    payload: Buffer.from(JSON.stringify(message), 'utf8'),
  };
}

/**
 * Reads the JSON object in a frame's payload. Its members are still the sender's word: check them.
 * @throws FrameError when the payload is not UTF-8, not JSON, or not an object.
 */
export function frameMessage(frame: Frame): Record<string, unknown> {
  let message: unknown;
  try {
    message = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(frame.payload));
  } catch {
    throw new FrameError('the payload is not JSON');
  }
  if (typeof message !== 'object' || message === null || Array.isArray(message)) {
    throw new FrameError('the payload is not a JSON object');
  }
  return message as Record<string, unknown>;
}

function digestOf(payload: Uint8Array): Buffer {
  return hash('sha256', payload, 'buffer');
}

/** Writers pad with spaces; readers of other versions trim NUL and any white space, so we do as well. */
function trimType(padded: string): string {
  return padded.replace(/^[\0\s]+|[\0\s]+$/g, '');
}

/** The less significant half comes first: bytes 8–15 of the UUID, then 0–7. */
function writeId(bytes: Buffer, id: string): void {
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(id)) {
    throw new FrameError('the id is not a lower-case UUID');
  }
  const digits = id.replaceAll('-', '');
  bytes.write(digits.slice(16), 64, 'hex');
  bytes.write(digits.slice(0, 16), 72, 'hex');
}

function readId(bytes: Buffer): string {
  const high = bytes.toString('hex', 72, 80);
  const low = bytes.toString('hex', 64, 72);
  return `${high.slice(0, 8)}-${high.slice(8, 12)}-${high.slice(12)}-${low.slice(0, 4)}-${low.slice(4)}`;
}

function natural(value: number, what: string, most = Number.MAX_SAFE_INTEGER): number {
  if (!Number.isSafeInteger(value) || value < 0 || value > most)
    throw new FrameError(`the ${what} is out of range`);
  return value;
}

function safe(value: bigint, what: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new FrameError(`the ${what} is out of range`);
  return number;
}
