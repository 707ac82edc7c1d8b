/**
 * A flood of bad requests over real connections, from many addresses and of many kinds: the tables stay small, no
 * honest row is lost, memory stays bounded, and the nodes' heartbeats are answered meanwhile.
 *
 *     FLOOD=1000000 node --test test/slow/flood.test.ts
 */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect as connectPlain, type Socket } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, createSecureContext, type SecureContext } from 'node:tls';
import { makeKeyPool } from '../harness/key-pool.ts';
import { startServer, type TestServer } from '../harness/server.ts';
import { openFleet } from '../harness/simulated-agent.ts';
import { seeded } from '../kill/seeded.ts';

const total = Number(process.env.FLOOD ?? 200_000);
/** Of a thousand: broken connections, each of which is one of its own. The rest are requests over TLS. */
const broken = 50;
/** Requests written at once on a connection, and how many of such rounds it makes before it is closed. */
const burst = 50;
const rounds = 4;
const atOnce = 24;
/** Beyond what it had before, megabytes. */
const memoryLimit = 300;

test(`${total} bad requests leave bounded tables, and honest rows as they were`, {
  timeout: 900_000,
}, async () => {
  const server = await startServer();
  try {
    await flooded(server);
  } finally {
    await server.kill();
    server.remove();
  }
});

async function flooded(server: TestServer): Promise<void> {
  const { admin } = server;
  const made = await admin.ask('ssm:CreateActivation', { IamRole: 'Nodes', RegistrationLimit: 10 });
  const expired = await admin.ask('ssm:CreateActivation', {
    IamRole: 'Nodes',
    ExpirationDate: Date.now() / 1000 + 1.5,
  });
  const base = { url: server.url, ca: server.ca, region: 'us-east-1', keys: await makeKeyPool(6) };
  const fleet = openFleet({
    ...base,
    activation: { id: made.ActivationId, code: made.ActivationCode },
    messages: 'none',
  });
  const latecomer = openFleet({
    ...base,
    activation: { id: expired.ActivationId, code: expired.ActivationCode },
    messages: 'none',
  });
  await fleet.join(1);
  await sleep(1_600);
  const knock = () => assert.rejects(latecomer.register(), /ActivationExpired/);
  await knock();

  const before = memory(server);
  let most = before;
  const beats: number[] = [];
  let over = false;
  const watch = (async () => {
    while (!over) {
      const began = performance.now();
      await fleet.heartbeat(fleet.agents[0]!);
      beats.push(performance.now() - began);
      most = Math.max(most, memory(server));
      await sleep(200);
    }
  })();
  const began = performance.now();
  const counts = await flood(server, async (done) => {
    if (done) await knock();
  });
  const seconds = (performance.now() - began) / 1000;
  over = true;
  await watch;

  // What was noted last is written within two seconds.
  await sleep(2_500);
  const known = await admin.ask('rollcall:ListKnocks', { Claim: expired.ActivationId });
  const honest = known.Knocks.find((row: { Reason: string }) => row.Reason === 'activation-expired');
  assert.equal(honest?.Count, 2, 'the knocks of an honest machine, before and during the flood, are there');
  const rows = tables(server);
  assert.ok(rows.strangers! <= 10_000, `${rows.strangers} rows of strangers`);
  assert.ok(rows.known! <= 100, `${rows.known} rows of known claims`);
  assert.ok(rows.audit! <= 100, `${rows.audit} audit rows`);
  assert.equal(rows.nodes, 1);
  const after = memory(server);
  beats.sort((a, b) => a - b);
  const share = (of: number) => `${(beats[Math.floor(beats.length * of)] ?? 0).toFixed(0)} ms`;
  console.log(
    `${total} bad requests in ${seconds.toFixed(0)} s (${Math.round(total / seconds)}/s): ${JSON.stringify(counts)}\n` +
      `memory ${before} MB before, ${most} MB at most, ${after} MB after; rows ${JSON.stringify(rows)}\n` +
      `${beats.length} heartbeats meanwhile: half within ${share(0.5)}, 99 of 100 within ${share(0.99)}`,
  );
  assert.ok(most - before <= memoryLimit, `memory grew from ${before} to ${most} MB`);
  assert.ok(beats.length >= 5 && beats.at(-1)! < 5_000, `a heartbeat took ${beats.at(-1)} ms`);
  await fleet.close();
  await latecomer.close();
}

/** Sends everything; `halfway` is called with true once, in the middle of it. Answers what was heard, by code. */
async function flood(
  server: TestServer,
  halfway: (done: boolean) => Promise<void>,
): Promise<Record<string, number>> {
  const random = seeded(1);
  const context = createSecureContext({ ca: server.ca });
  const counts: Record<string, number> = {};
  const count = (what: string, times = 1) => {
    counts[what] = (counts[what] ?? 0) + times;
  };
  // A connection that is broken takes one turn, as one with many requests does.
  const turn = burst * rounds;
  const chance = (1_000 * broken * turn) / (1_000 - broken + broken * turn);
  let left = total;
  let knocked = false;
  const work = async () => {
    while (left > 0) {
      if (!knocked && left < total / 2) {
        knocked = true;
        await halfway(true);
      }
      if (random(1_000) < chance) {
        left -= 1;
        count(await breakIn(server, random));
        continue;
      }
      const size = Math.min(left, burst * rounds);
      left -= size;
      await requests(server, context, size, random, count);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return counts;
}

/** Some address of this machine: all of 127.0.0.0/8 is. */
function somewhere(random: (limit: number) => number): string {
  return `127.${random(200)}.${random(250)}.${1 + random(250)}`;
}

/** A connection that speaks no TLS, or stops in the middle of it. */
function breakIn(server: TestServer, random: (limit: number) => number): Promise<string> {
  const kinds: [string, Buffer][] = [
    ['plain HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
    ['garbage', randomBytes(64)],
    ['broken ClientHello', Buffer.concat([Buffer.from('16030100400100003c0303', 'hex'), randomBytes(57)])],
    ['nothing at all', Buffer.alloc(0)],
  ];
  const [name, bytes] = kinds[random(kinds.length)]!;
  return new Promise((done) => {
    const socket = connectPlain({ host: '127.0.0.1', port: server.port, localAddress: somewhere(random) });
    socket.once('connect', () => socket.end(bytes));
    socket.resume();
    socket.on('error', () => {});
    socket.once('close', () => done(name));
  });
}

/** Many bad requests over one connection. */
async function requests(
  server: TestServer,
  context: SecureContext,
  size: number,
  random: (limit: number) => number,
  count: (what: string, times?: number) => void,
): Promise<void> {
  const plain = connectPlain({ host: '127.0.0.1', port: server.port, localAddress: somewhere(random) });
  plain.on('error', () => {});
  const socket = connect({ socket: plain, secureContext: context, servername: 'localhost' });
  await new Promise<void>((done) => {
    socket.once('secureConnect', done);
    socket.once('close', () => done());
    socket.on('error', () => {});
  });
  const closed = new Promise<void>((done) => socket.once('close', () => done()));
  if (socket.destroyed) return count('turned away', size);
  let heard = 0;
  let expected = 0;
  let text = '';
  let onward = () => {};
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    for (let mark = text.indexOf('"__type":"'); mark >= 0; mark = text.indexOf('"__type":"')) {
      const end = text.indexOf('"', mark + 10);
      if (end < 0) break;
      count(text.slice(mark + 10, end));
      text = text.slice(end);
      heard += 1;
    }
    if (text.length > 20_000) text = text.slice(-2_000);
    if (heard >= expected) onward();
  });
  for (let sent = 0; sent < size && !socket.destroyed; ) {
    const now = Math.min(burst, size - sent);
    const parts = Array.from({ length: now }, () => badRequest(server, random));
    sent += now;
    expected += now;
    const answered = new Promise<void>((done) => {
      onward = done;
    });
    (socket as Socket).write(parts.join(''));
    await Promise.race([answered, closed]);
  }
  socket.destroy();
  await closed;
}

function badRequest(server: TestServer, random: (limit: number) => number): string {
  const kind = random(100);
  const date = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const signature = randomBytes(32).toString('hex');
  const key =
    kind < 35 ? `AKIA${randomBytes(8).toString('hex').toUpperCase()}` : server.credentials.accessKeyId;
  const signed = (id: string) =>
    `Authorization: AWS4-HMAC-SHA256 Credential=${id}/${date.slice(0, 8)}/us-east-1/ssm/aws4_request, ` +
    `SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=${signature}\r\n`;
  if (kind < 50) return post('DescribeInstanceInformation', date, signed(key), '{}');
  if (kind < 65) {
    const id = `mi-0${randomBytes(8).toString('hex')}`;
    return post('RequestManagedInstanceRoleToken', date, signed(id), '{"Fingerprint":"x"}');
  }
  if (kind < 90) {
    const body = {
      ActivationId: randomUUID(),
      ActivationCode: 'x'.repeat(20),
      PublicKey: 'x'.repeat(300),
      PublicKeyType: 'Rsa',
      Fingerprint: randomUUID(),
    };
    return post('RegisterManagedInstance', date, '', JSON.stringify(body));
  }
  if (kind < 95) return post('DescribeInstanceInformation', date, '', '{}');
  return post('NoSuchOperation', date, `Authorization: ${'?'.repeat(40)}\r\n`, '{');
}

function post(operation: string, date: string, authorization: string, body: string): string {
  return (
    `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Date: ${date}\r\n` +
    `X-Amz-Target: AmazonSSM.${operation}\r\n${authorization}Content-Length: ${body.length}\r\n\r\n${body}`
  );
}

/** The server's resident memory, megabytes. */
function memory(server: TestServer): number {
  const status = readFileSync(`/proc/${server.process.pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
}

function tables(server: TestServer): Record<string, number> {
  const db = new DatabaseSync(join(server.data, 'rollcall.db'), { readOnly: true });
  const number = (sql: string) => Number(Object.values(db.prepare(sql).get() ?? {})[0]);
  const rows = {
    strangers: number(`SELECT count(*) FROM knocks WHERE room = 'stranger'`),
    known: number(`SELECT count(*) FROM knocks WHERE room = 'known'`),
    audit: number('SELECT count(*) FROM audit'),
    events: number('SELECT count(*) FROM events'),
    nodes: number('SELECT count(*) FROM nodes'),
  };
  db.close();
  return rows;
}
