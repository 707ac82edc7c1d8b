/** Strangers at the door, and clients that don't let go: what they hold is given back. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { startServer, type TestServer } from '../harness/server.ts';
import { openConnection } from './raw-http.ts';

let server: TestServer;

before(async () => {
  server = await startServer();
});
after(async () => {
  await server.stop();
  server.remove();
});

const channel = '/v1/control-channel/mi-0123456789abcdef0';
const upgradeRequest = (host: string) =>
  `GET ${channel} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n`;

test('a refused upgrade: the connection is closed, also when the client keeps its end open', async () => {
  const options = { host: 'localhost', port: server.port, ca: server.ca, allowHalfOpen: true };
  const socket = connect(options as ConnectionOptions);
  await once(socket, 'secureConnect');
  socket.on('error', () => {});
  socket.write(upgradeRequest('localhost'));
  const [said] = (await once(socket, 'data')) as [Buffer];
  assert.match(said.toString(), /^HTTP\/1\.1 400 .*MissingAuthenticationToken/s);
  // It goes on talking, and never says that it is done.
  const talk = setInterval(() => socket.write('more'), 100);
  const closed = new Promise((resolve) => socket.once('close', () => resolve('closed')));
  const late = new Promise((resolve) => setTimeout(resolve, 6_000, 'still open').unref());
  const outcome = await Promise.race([closed, late]);
  clearInterval(talk);
  socket.destroy();
  assert.equal(outcome, 'closed');
});

test('a body over the limit for a channel: refused, and no further request is waited for on that connection', async () => {
  const connection = await openConnection(server.port, server.ca);
  connection.write(
    `POST ${channel} HTTP/1.1\r\nHost: localhost\r\nAuthorization: AWS4-HMAC-SHA256 x\r\nTransfer-Encoding: chunked\r\n\r\n`,
  );
  for (let sent = 0; sent <= 16; sent++) connection.write(`10000\r\n${'a'.repeat(65_536)}\r\n`);
  const answer = await connection.answer();
  assert.equal(answer.status, 413);
  assert.equal(answer.header('connection'), 'close');
  await connection.ended();
});
