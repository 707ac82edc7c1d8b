/** What clients notice of the port, and what it remembers of those who fail. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, type RequestOptions, request } from 'node:https';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import * as tls from 'node:tls';
import { addressOf, visitorOf } from './door.ts';
import { openTestDoor, type TestDoor } from './harness.ts';
import { openListener } from './listener.ts';
import { ListenError } from './listening-error.ts';
import { findHolder } from './port-holder.ts';

function get(
  door: TestDoor,
  more: RequestOptions = {},
  body?: Buffer,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port: door.port,
        ca: door.ca,
        servername: 'localhost',
        agent: false,
        method: body ? 'POST' : 'GET',
        ...more,
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode!, text }));
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });
}

function dial(t: TestContext, door: TestDoor): Socket {
  const socket = connect(door.port, '127.0.0.1');
  socket.on('error', () => {});
  t.after(() => socket.destroy());
  return socket;
}

/** Passes a TLS client's bytes on through `forward`, which may cut or prefix them. */
async function relay(
  t: TestContext,
  door: TestDoor,
  forward: (bytes: Buffer, out: Socket) => Promise<void>,
): Promise<number> {
  const server = createServer((inner) => {
    const outer = dial(t, door).setNoDelay(true);
    outer.pipe(inner);
    let turn = Promise.resolve();
    inner.on('data', (bytes: Buffer) => {
      turn = turn.then(() => forward(bytes, outer));
    });
    inner.on('error', () => {});
    inner.on('close', () => outer.destroy());
  }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

test('a request gets through, and the visitor is known by address, family and name', async (t) => {
  const door = await openTestDoor(t);
  const seen: unknown[] = [];
  door.listener.server.prependListener('request', (asked) => {
    const { client, serverName } = visitorOf(asked.socket);
    seen.push(addressOf(asked.socket), client, serverName);
  });
  assert.deepEqual(await get(door), { status: 200, text: 'hello' });
  assert.deepEqual(seen, ['127.0.0.1', 'node', 'localhost']);
  assert.deepEqual(door.knocks, []);
});

test('large bodies arrive whole, many at once', async (t) => {
  const door = await openTestDoor(t);
  door.listener.server.removeAllListeners('request');
  door.listener.server.on('request', (asked, response) => {
    let length = 0;
    asked.on('data', (chunk: Buffer) => {
      length += chunk.length;
    });
    asked.on('end', () => response.end(String(length)));
  });
  const body = Buffer.alloc(1_000_000, 1);
  const answers = await Promise.all(Array.from({ length: 20 }, () => get(door, {}, body)));
  assert.deepEqual(new Set(answers.map((answer) => answer.text)), new Set(['1000000']));
  assert.equal(door.listener.counts().secured, 20);
});

test('a hello that arrives byte by byte works as well', async (t) => {
  const door = await openTestDoor(t);
  let first = true;
  const port = await relay(t, door, async (bytes, out) => {
    if (!first) return void out.write(bytes);
    first = false;
    for (const byte of bytes) {
      await new Promise((resolve) => out.write(Buffer.from([byte]), resolve));
      await new Promise(setImmediate);
    }
  });
  assert.equal((await get(door, { port })).text, 'hello');
});

test('sessions are resumed, also after the certificate was renewed', async (t) => {
  const door = await openTestDoor(t);
  const agent = new Agent({ keepAlive: false, maxCachedSessions: 10 });
  await get(door, { agent });
  await get(door, { agent });
  assert.deepEqual([door.listener.counts().secured, door.listener.counts().resumed], [2, 1]);
  door.listener.updateCertificate();
  await get(door, { agent });
  assert.equal(door.listener.counts().resumed, 2);
});

test('updateCertificate serves the new certificate to the next connection, and leaves open ones alone', async (t) => {
  const other = await openTestDoor(t);
  let served = other.certificates.context();
  const door = await openTestDoor(t, { tls: () => served });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  await get(door, { agent, ca: other.ca });
  served = door.certificates.context();
  door.listener.updateCertificate();
  await get(door, { agent, ca: other.ca });
  await get(door);
  assert.equal(door.listener.counts().secured, 2);
});

test('plain HTTP is told that this port speaks HTTPS', async (t) => {
  const door = await openTestDoor(t);
  const socket = dial(t, door);
  socket.write('GET /ping HTTP/1.1\r\nHost: x\r\n\r\n');
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  await once(socket, 'close');
  assert.match(text, /^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*This port speaks HTTPS\.\n$/);
  const knock = await door.knock();
  assert.deepEqual(
    [knock.layer, knock.reason, knock.address, knock.port],
    ['tcp', 'plain-http', '127.0.0.1', socket.localPort ?? knock.port],
  );
});

test('what is neither TLS nor HTTP is closed and noted', async (t) => {
  for (const junk of [
    'SSH-2.0-OpenSSH_9.2\r\n',
    '\x80\x2e\x01\x00\x02',
    '\x16\x03\x01\xff\xff',
    '\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00',
    'x'.repeat(70_000),
  ]) {
    const door = await openTestDoor(t);
    dial(t, door).end(Buffer.from(junk, 'latin1'));
    assert.equal((await door.knock()).reason, 'not-tls', JSON.stringify(junk.slice(0, 20)));
  }
});

test('who says nothing is closed after ten seconds; who begins and stops, too', async (t) => {
  for (const [start, reason] of [
    ['', 'silent'],
    ['\x16\x03\x01\x02\x00\x01', 'hello-unfinished'],
  ] as const) {
    const door = await openTestDoor(t);
    const socket = dial(t, door);
    await once(socket, 'connect');
    if (start) socket.write(Buffer.from(start, 'latin1'));
    await new Promise((resolve) => setTimeout(resolve, 30));
    door.clock.advance(9_900);
    assert.deepEqual(door.knocks, []);
    door.clock.advance(200);
    assert.equal((await door.knock()).reason, reason);
    socket.resume();
    await once(socket, 'close');
    await new Promise(setImmediate);
    assert.equal(door.listener.counts().open, 0);
    assert.equal(door.knocks.length, 1);
  }
});

test('who hangs up without a word is noted, unless it is a load balancer looking in', async (t) => {
  const door = await openTestDoor(t);
  dial(t, door).end();
  assert.equal((await door.knock()).reason, 'closed-before-hello');
  const behind = await openTestDoor(t, { proxyProtocol: ['127.0.0.0/8'] });
  const balancer = dial(t, behind);
  balancer.end().resume();
  await once(balancer, 'close');
  assert.deepEqual(behind.knocks, []);
});

test('a handshake that stalls is closed after fifteen seconds', async (t) => {
  const door = await openTestDoor(t);
  const hello = await recordHello();
  const socket = dial(t, door);
  socket.write(hello);
  socket.once('data', () => door.clock.advance(16_000));
  const knock = await door.knock();
  assert.deepEqual([knock.layer, knock.reason, knock.client], ['tls', 'handshake-unfinished', 'node']);
});

test('a client that knows only old versions is noted with what it offered', async (t) => {
  const door = await openTestDoor(t);
  const old = tls.connect({
    port: door.port,
    host: '127.0.0.1',
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  });
  old.on('error', () => {});
  const knock = await door.knock();
  assert.equal(knock.reason, 'no-shared-version');
  assert.match(knock.detail ?? '', /offered=1\.0 1\.1|offered=1\.1/);
});

test('TLS without a request afterwards is noted when it closes', async (t) => {
  const door = await openTestDoor(t);
  const socket = tls.connect({ port: door.port, host: '127.0.0.1', ca: door.ca, servername: 'localhost' });
  await once(socket, 'secureConnect');
  socket.end();
  const knock = await door.knock();
  assert.deepEqual(
    [knock.layer, knock.reason, knock.serverName],
    ['tls', 'handshake-then-nothing', 'localhost'],
  );
});

test('a trusted load balancer names the client, in both versions of the header', async (t) => {
  const version2 = Buffer.concat([
    Buffer.from('\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0f', 'latin1'),
    Buffer.from([192, 0, 2, 7, 127, 0, 0, 1, 0x30, 0x39, 1, 187]),
    Buffer.from([0x04, 0x00, 0x00]), // an empty extension
  ]);
  for (const header of [Buffer.from('PROXY TCP4 192.0.2.7 127.0.0.1 12345 443\r\n'), version2]) {
    const door = await openTestDoor(t, { proxyProtocol: ['127.0.0.1'] });
    let seen = '';
    door.listener.server.prependListener('request', (asked) => {
      seen = `${addressOf(asked.socket)}:${visitorOf(asked.socket).port}`;
    });
    let first = true;
    const port = await relay(t, door, async (bytes, out) => {
      if (first)
        for (const byte of header) await new Promise((resolve) => out.write(Buffer.from([byte]), resolve));
      first = false;
      out.write(bytes);
    });
    assert.equal((await get(door, { port })).text, 'hello');
    assert.equal(seen, '192.0.2.7:12345');
  }
});

test('a header from anyone else is refused, and a knock behind a balancer has the client’s address', async (t) => {
  const open = await openTestDoor(t);
  dial(t, open).write('PROXY TCP4 192.0.2.7 127.0.0.1 12345 443\r\n');
  const liar = await open.knock();
  assert.deepEqual([liar.reason, liar.address], ['proxy-header-untrusted', '127.0.0.1']);
  const behind = await openTestDoor(t, { proxyProtocol: ['127.0.0.0/8'] });
  dial(t, behind).write('PROXY TCP6 2001:db8::7 ::1 12345 443\r\nSSH-2.0-x\r\n');
  const knock = await behind.knock();
  assert.deepEqual([knock.reason, knock.address, knock.port], ['not-tls', '2001:db8::7', 12345]);
});

test('a request that stalls is ended, and so is one whose head is too large', async (t) => {
  const door = await openTestDoor(t, {
    limits: { headersTimeout: 100, requestTimeout: 150, checkEvery: 20 },
  });
  const slow = tls.connect({ port: door.port, host: '127.0.0.1', ca: door.ca, servername: 'localhost' });
  slow.write('GET / HTTP/1.1\r\nHost:');
  const [answer] = (await once(slow, 'data')) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 408 /);
  slow.destroy();
  const fat = await get(await openTestDoor(t), {
    headers: { 'x-fat': 'x'.repeat(40_000) },
    maxHeaderSize: 100_000,
  });
  assert.equal(fat.status, 431);
});

test('past the limit of connections the next are turned away, and counted', async (t) => {
  const door = await openTestDoor(t, { limits: { maxConnections: 2 } });
  const sockets = [dial(t, door), dial(t, door)];
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  const third = dial(t, door);
  await once(third.resume(), 'close');
  assert.equal(door.listener.counts().turnedAway, 1);
  assert.equal(door.listener.crowded(), true);
});

test('a port that is taken is refused with the name of who holds it', async (t) => {
  const door = await openTestDoor(t);
  await assert.rejects(
    openListener({ host: '127.0.0.1', port: door.port, clock: door.clock, tls: () => ({}), onKnock() {} }),
    (error) => {
      assert.ok(error instanceof ListenError);
      assert.equal(error.problem, 'port-taken');
      if (findHolder(door.port))
        assert.match(
          error.message,
          new RegExp(`^Port ${door.port} is taken by .*node.* \\(process ${process.pid}\\)\\.$`),
        );
      return true;
    },
  );
  await assert.rejects(
    openListener({ host: '192.0.2.1', port: 0, clock: door.clock, tls: () => ({}), onKnock() {} }),
    /192\.0\.2\.1 isn't an address of this machine/,
  );
});

test('closing ends what is open and frees the port', async (t) => {
  const door = await openTestDoor(t);
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  await get(door, { agent });
  const waiting = dial(t, door);
  await once(waiting, 'connect');
  const secured = tls.connect({ port: door.port, host: '127.0.0.1', ca: door.ca, servername: 'localhost' });
  secured.on('error', () => {});
  await once(secured, 'secureConnect');
  await door.listener.close();
  await new Promise(setImmediate);
  assert.equal(door.listener.server.listening, false);
  assert.deepEqual(door.knocks, [], 'our own stop is nobody’s knock');
});

/** The hello of a Node client, as it would be sent. */
async function recordHello(): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = tls.connect({ port: (server.address() as { port: number }).port, host: '127.0.0.1' });
  client.on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return bytes;
}

test('answers tell the time by the clock that the server has', async (t) => {
  const door = await openTestDoor(t);
  door.clock.step(400_000);
  const { port } = door.listener.address;
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  socket.write('GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  let text = '';
  for await (const chunk of socket) text += chunk;
  const date = /^date: (.*)\r$/im.exec(text)?.[1];
  assert.equal(date, new Date(door.clock.now()).toUTCString());
});
