/**
 * A child process with a server in it: Rollcall, or a bare one. The bare server reads a request and answers the
 * bytes that Rollcall answers to a heartbeat; its websockets are those of `ws` and nothing else, and may all be sent
 * one message whose answers are counted. Rollcall's TLS is its own; its plain door, which the product doesn't have, is made here to compare like with like.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import { Session } from 'node:inspector/promises';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type WebSocket, WebSocketServer } from 'ws';
import { answer } from './children.ts';

const [kind, data = '', ...ports] = process.argv.slice(2);
const postgres = process.env.BENCH_POSTGRES;
/** Where to listen: anywhere, or where an earlier child did. */
const [tlsPort, plainPort] = [Number(ports[0] ?? 0), Number(ports[1] ?? 0)];

function listen(server: http.Server | https.Server, port: number): Promise<number> {
  return new Promise((done) => {
    server.listen(port, '127.0.0.1', 4_096, () => done((server.address() as AddressInfo).port));
  });
}

/** The peer: all that a program on Node can't do without. */
function answerBare(request: IncomingMessage, response: ServerResponse): void {
  request.on('data', () => {});
  request.on('end', () => {
    response.writeHead(200, {
      'x-amzn-RequestId': randomUUID(),
      'Content-Length': 2,
      'Content-Type': 'application/x-amz-json-1.1',
    });
    response.end('{}');
  });
}

/** The websockets of the bare server, and what hears each message. */
const sockets = new Set<WebSocket>();
let heard = () => {};

/** Sends so many bytes to every websocket; answers how long it took until each has sent its answers. */
function broadcast(bytes: number, answers: number): Promise<{ took: number; sent: number }> {
  const begun = performance.now();
  const message = Buffer.alloc(bytes, 120);
  let left = sockets.size * answers;
  return new Promise((done) => {
    let sent = 0;
    heard = () => {
      if (--left === 0) done({ took: performance.now() - begun, sent });
    };
    for (const socket of sockets) socket.send(message);
    sent = performance.now() - begun;
  });
}

async function openBare(): Promise<object> {
  const tls = { cert: readFileSync(join(data, 'server.crt')), key: readFileSync(join(data, 'server.key')) };
  const secure = https.createServer({ ...tls, ALPNProtocols: ['http/1.1'], noDelay: true }, answerBare);
  const plain = http.createServer({ noDelay: true }, answerBare);
  for (const server of [secure, plain]) {
    server.keepAliveTimeout = 75_000;
    new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket) => {
      sockets.add(socket);
      socket.on('message', () => heard());
      socket.on('close', () => sockets.delete(socket));
    });
  }
  return { tls: await listen(secure, tlsPort), plain: await listen(plain, plainPort) };
}

async function openRollcall(): Promise<object> {
  // The product serves TLS only, so its HTTPS server is taken hold of as it is made.
  const made: https.Server[] = [];
  const module = createRequire(import.meta.url)('node:https') as typeof https;
  const { createServer } = module;
  module.createServer = ((...args: Parameters<typeof createServer>) => {
    const server = createServer(...args);
    made.push(server);
    return server;
  }) as typeof createServer;
  syncBuiltinESMExports();
  const { up } = await import('../../packages/server/src/main.ts');
  const running = await up({
    listen: { host: '127.0.0.1', port: tlsPort },
    publicUrls: [],
    data,
    regions: ['us-east-1'],
    account: '123456789012',
    store: postgres === undefined ? { kind: 'sqlite' } : { kind: 'postgres', url: postgres },
    metrics: 'off',
    proxyProtocol: [],
    logLevel: 'warn',
    successorCa: false,
  });
  const front = made[0]!;
  const plain = http.createServer({ noDelay: true, keepAliveTimeout: 75_000, maxHeaderSize: 32_768 });
  plain.on('request', (request, response) => front.emit('request', request, response));
  plain.on('upgrade', (request, socket, head) => front.emit('upgrade', request, socket, head));
  return { tls: Number(new URL(running.url).port), plain: await listen(plain, plainPort) };
}

const opened = kind === 'bare' ? await openBare() : await openRollcall();
const session = new Session();
session.connect();

answer(async ({ profile, tidy, bytes, answers }) => {
  if (bytes !== undefined) return broadcast(Number(bytes), Number(answers));
  // Garbage that happens to lie about is no part of what a connection costs.
  if (tidy) for (let times = 0; times < 3; times++) globalThis.gc?.();
  if (profile === 'start') {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: 500 });
    await session.post('Profiler.start');
  } else if (typeof profile === 'string') {
    const { profile: found } = await session.post('Profiler.stop');
    writeFileSync(profile, JSON.stringify(found));
  }
  return opened;
});
