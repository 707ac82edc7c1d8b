/** Simulated agents against a small server whose channels are the real ones: what they send is what it checks. */
import assert from 'node:assert/strict';
import { createPublicKey, type KeyObject, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';
import {
  canonicalRequest,
  createControlChannelResponse,
  hmacSignature,
  parseAuthorization,
  sha256Hex,
  signingKey,
  stringToSign,
  verifyRsaSignature,
} from '@rollcall/wire';
import { WebSocketServer } from 'ws';
import { makeKeyPool } from './key-pool.ts';
import { openFleet } from './simulated-agent.ts';

const region = 'us-east-1';
const secret = 'a-secret-for-all-of-them';

/** Answers agents, and throws at the first signature that isn't right. */
async function openMinimalServer() {
  const keys = new Map<string, KeyObject>();
  const tokens = new Map<string, string>();
  const seen = new Map<string, number>();
  const problems: string[] = [];
  const upgrades = new WebSocketServer({ noServer: true });
  const check = (request: IncomingMessage, body: string) => {
    const found = parseAuthorization(request.headers.authorization!);
    const [path, query = ''] = request.url!.split('?');
    const parts = { method: request.method!, path: path!, query, headers: request.headers };
    const canonical = canonicalRequest(parts, found.signedHeaders, sha256Hex(body), found.service);
    const text = stringToSign(String(request.headers['x-amz-date']), found, canonical);
    const right = found.accessKeyId.startsWith('mi-')
      ? verifyRsaSignature(keys.get(found.accessKeyId)!, text, found.signature)
      : hmacSignature(signingKey(secret, found.date, found.region, found.service), text) === found.signature;
    if (!right) problems.push(`${request.url} ${request.headers['x-amz-target']}`);
  };
  const answer = (target: string, input: Record<string, string>): object => {
    if (target.endsWith('RegisterManagedInstance')) {
      const nodeId = `mi-${keys.size.toString(16).padStart(17, '0')}`;
      const key = Buffer.from(input.PublicKey!, 'base64');
      keys.set(nodeId, createPublicKey({ key, format: 'der', type: 'spki' }));
      return { InstanceId: nodeId };
    }
    if (target.endsWith('RoleToken'))
      return {
        AccessKeyId: 'ASIASIMULATED',
        SecretAccessKey: secret,
        SessionToken: 'token',
        TokenExpirationDate: Date.now() / 1000 + 3600,
        UpdateKeyPair: false,
      };
    return target.endsWith('GetMessages') ? { Destination: input.Destination, Messages: [] } : {};
  };
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const target = String(request.headers['x-amz-target'] ?? request.url!.slice(0, 19));
      seen.set(target, (seen.get(target) ?? 0) + 1);
      if (!target.endsWith('RegisterManagedInstance')) check(request, body);
      if (target.endsWith('RoleToken') && request.headers['transfer-encoding'] !== 'chunked')
        problems.push('the token request was not chunked');
      if (request.url === '/') {
        response.end(JSON.stringify(answer(target, JSON.parse(body))));
        return;
      }
      const token = randomUUID();
      tokens.set(request.url!, token);
      response.writeHead(201).end(createControlChannelResponse(token));
    });
  });
  server.on('upgrade', (request, socket, head) => {
    check(request, '');
    upgrades.handleUpgrade(request, socket, head, (ws) => {
      ws.once('message', (data, isBinary) => {
        const { TokenValue } = JSON.parse(String(data));
        if (isBinary || TokenValue !== tokens.get(request.url!.split('?')[0]!)) problems.push('wrong hello');
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    problems,
    sockets: upgrades.clients,
    close() {
      for (const socket of upgrades.clients) socket.terminate();
      server.closeAllConnections();
      server.close();
    },
  };
}

it('a fleet registers, signs, beats, connects, pings and comes back', async (t) => {
  const server = await openMinimalServer();
  const keys = await makeKeyPool(10);
  const fleet = openFleet({
    url: server.url,
    region,
    keys,
    activation: { id: randomUUID(), code: 'x'.repeat(20) },
    messages: 'both',
    pingEvery: 50,
    backOff: { first: 20, cap: 100 },
  });
  t.after(async () => {
    await fleet.close();
    server.close();
  });
  await fleet.join(10);
  await fleet.connected(10);
  assert.equal(new Set(fleet.agents.map((agent) => agent.nodeId)).size, 10);
  for (const socket of server.sockets) socket.terminate();
  while (fleet.counts.closed < 10) await new Promise(setImmediate);
  await fleet.connected(10);
  while (fleet.counts.pongs < 10) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(server.problems, []);
  assert.equal(server.seen.get('AmazonSSM.RequestManagedInstanceRoleToken'), 10);
  assert.equal(fleet.counts.opened, 20);
  assert.ok(fleet.counts.polls >= 10);
  assert.deepEqual([...fleet.counts.failures], []);
});

it('a key pool gives every agent another key that works', async () => {
  const pool = await makeKeyPool(10);
  assert.ok(pool.size >= 10);
  assert.equal(new Set(Array.from({ length: pool.size }, (_, n) => pool.publicKey(n))).size, pool.size);
});
