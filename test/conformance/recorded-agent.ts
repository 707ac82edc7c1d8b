/**
 * The official agent, as it was recorded: its exchanges with their header names, order, values, signed headers
 * and ways of sending bodies, for any node, signed anew with the keys at hand.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  amzDate,
  canonicalRequest,
  encodeFrame,
  type Frame,
  hmacSignature,
  rsaSignature,
  scopeText,
  sha256Hex,
  signingKey,
  stringToSign,
} from '@rollcall/wire';

interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: object;
}

interface Recording {
  readonly client: string;
  readonly exchanges: Readonly<Record<string, Exchange>>;
  /** The first frame on the control channel. */
  readonly hello: object;
  /** What it sent on the control channel; the digest's first four bytes are as it computed them. */
  readonly frames: readonly (Omit<Frame, 'payload'> & {
    readonly payload: string;
    readonly digest: string;
  })[];
}

/** What was recorded. */
export const recording: Recording = JSON.parse(
  readFileSync(join(import.meta.dirname, 'fixtures/official-agent.json'), 'utf8'),
);

/** What stands for `{placeholders}` in the recording, and what signs. */
export interface RecordedAgent {
  host: string;
  activationId: string;
  activationCode: string;
  fingerprint: string;
  nodeId: string;
  privateKey: KeyObject;
  publicKey: string;
  newPublicKey: string;
  credentials: { AccessKeyId: string; SecretAccessKey: string; SessionToken: string };
  channelToken: string;
  associationId: string;
  /** Milliseconds by which its clock is ahead. */
  skew: number;
}

/** A key pair as the agent makes it: RSA-2048, the public half as base64 of its SubjectPublicKeyInfo. */
export function newKeyPair(): { privateKey: KeyObject; publicKey: string } {
  const pair = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return { privateKey: createPrivateKey(pair.privateKey), publicKey: pair.publicKey.toString('base64') };
}

/** An agent that has an activation and nothing else. */
export function newAgent(host: string, activation: { id: string; code: string }): RecordedAgent {
  return {
    ...newKeyPair(),
    host,
    activationId: activation.id,
    activationCode: activation.code,
    fingerprint: randomUUID(),
    nodeId: '',
    newPublicKey: '',
    credentials: { AccessKeyId: '', SecretAccessKey: '', SessionToken: '' },
    channelToken: '',
    associationId: '',
    skew: 0,
  };
}

/** The bytes of one recorded exchange, as this agent would send them now. */
export function requestBytes(agent: RecordedAgent, name: string): string {
  const exchange = recording.exchanges[name];
  if (!exchange) throw new Error(`${name} was not recorded`);
  const body = exchange.body === undefined ? '' : fill(agent, JSON.stringify(exchange.body));
  const path = fill(agent, exchange.path);
  const date = amzDate(Date.now() + agent.skew);
  const chunked = exchange.headers['Transfer-Encoding'] === 'chunked';
  const headers = Object.entries(exchange.headers).map(([header, recorded]): [string, string] => [
    header,
    fill(agent, recorded)
      .replace('{length}', String(Buffer.byteLength(body)))
      .replace('{date}', date)
      .replace('{day}', date.slice(0, 8))
      .replace('{hash}', sha256Hex(body))
      .replace('{websocketKey}', randomBytes(16).toString('base64')),
  ]);
  const authorization = headers.find(([header]) => header === 'Authorization');
  if (authorization) authorization[1] = signed(agent, authorization[1], exchange.method, path, headers, body);
  const lines = headers.map(([header, value]) => `${header}: ${value}\r\n`).join('');
  const sent = chunked ? `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n\r\n` : body;
  return `${exchange.method} ${path} HTTP/1.1\r\n${lines}\r\n${sent}`;
}

/** The first text frame of a control channel, as the bytes of a websocket frame. */
export function helloBytes(agent: RecordedAgent): Buffer {
  return clientFrame(0x1, Buffer.from(fill(agent, JSON.stringify(recording.hello))));
}

/** The recorded binary frames, by their type, as the agent wrote them. */
export function frameBytes(type: string): Buffer {
  const frame = recording.frames.find((one) => one.type === type);
  if (!frame) throw new Error(`no ${type} was recorded`);
  const bytes = encodeFrame({ ...frame, payload: Buffer.from(frame.payload) });
  if (bytes.toString('hex', 80, 84) !== frame.digest) throw new Error(`${type} was not recorded whole`);
  return bytes;
}

/** A whole websocket frame as clients send it: masked. */
export function clientFrame(opcode: number, payload: Buffer): Buffer {
  const mask = randomBytes(4);
  const length =
    payload.length < 126
      ? Buffer.from([0x80 | payload.length])
      : Buffer.from([0x80 | 126, payload.length >> 8, payload.length & 0xff]);
  const masked = payload.map((byte, index) => byte ^ mask[index % 4]!);
  return Buffer.concat([Buffer.from([0x80 | opcode]), length, mask, masked]);
}

/** Puts the signature in: over the headers that were signed when it was recorded, in the form of the time. */
function signed(
  agent: RecordedAgent,
  authorization: string,
  method: string,
  target: string,
  headers: readonly [string, string][],
  body: string,
): string {
  const [, keyId, day, region, service, names] =
    /Credential=([^/]+)\/(\d+)\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+),/.exec(authorization)!;
  const mark = target.indexOf('?');
  const parts = {
    method,
    path: mark < 0 ? target : target.slice(0, mark),
    query: mark < 0 ? '' : target.slice(mark + 1),
    headers: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])),
  };
  const scope = { date: day!, region: region!, service: service! };
  const canonical = canonicalRequest(parts, names!.split(';'), sha256Hex(body), service!);
  const text = stringToSign(parts.headers['x-amz-date']!, scope, canonical);
  // Whoever names a node signs with its key pair; the others with what the node was given.
  const signature = keyId!.startsWith('mi-')
    ? rsaSignature(agent.privateKey, text)
    : hmacSignature(signingKey(agent.credentials.SecretAccessKey, day!, region!, service!), text);
  if (!text.includes(scopeText(scope))) throw new Error('the scope is not what is signed');
  return authorization.replace('{signature}', signature);
}

/** Fills in what belongs to the agent. Its key id is the node's where the key pair signs. */
function fill(agent: RecordedAgent, text: string): string {
  const values: Readonly<Record<string, string>> = {
    host: agent.host,
    activationId: agent.activationId,
    activationCode: agent.activationCode,
    fingerprint: agent.fingerprint,
    nodeId: agent.nodeId,
    publicKey: agent.publicKey,
    newPublicKey: agent.newPublicKey,
    sessionToken: agent.credentials.SessionToken,
    accessKeyId: agent.credentials.AccessKeyId,
    channelToken: agent.channelToken,
    associationId: agent.associationId,
  };
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}
