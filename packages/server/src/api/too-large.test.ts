/** Who sends more than is taken hears so: most clients read the answer only when they have sent everything. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { openTestApi } from './testing.ts';

const mebi = 1024 * 1024;

async function openDoor(t: TestContext) {
  return openTestApi(t, {
    authenticate: async () => {
      throw new Error('nobody gets that far');
    },
    operations: [],
  });
}

async function begin(t: TestContext, port: number, path: string, length: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').pause();
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: AWS4-HMAC-SHA256 x\r\nX-Amz-Target: AmazonSSM.SendCommand\r\n${length}\r\n\r\n`,
  );
  return socket;
}

async function readAll(socket: Socket): Promise<string> {
  let text = '';
  for await (const part of socket.setEncoding('utf8')) text += part;
  return text;
}

const channel = '/v1/control-channel/mi-0123456789abcdef0';

for (const path of ['/', channel]) {
  test(`a body that is too large is answered after it was sent: ${path}`, async (t) => {
    const { port } = await openDoor(t);
    const declared = await begin(t, port, path, `Content-Length: ${5 * mebi}`);
    await new Promise<void>((resolve, reject) => {
      declared.write(Buffer.alloc(5 * mebi), (error) => (error ? reject(error) : resolve()));
    });
    assert.match(await readAll(declared), /^HTTP\/1\.1 413 [\s\S]*Connection: close[\s\S]*1048576 bytes/);

    const chunked = await begin(t, port, path, 'Transfer-Encoding: chunked');
    const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(mebi), Buffer.from('\r\n')]);
    const whole = Buffer.concat([...Array.from({ length: 5 }, () => chunk), Buffer.from('0\r\n\r\n')]);
    await new Promise<void>((resolve, reject) => {
      chunked.write(whole, (error) => (error ? reject(error) : resolve()));
    });
    assert.match(await readAll(chunked), /^HTTP\/1\.1 413 /);
  });
}

test('who then sends nothing, or no end of it, is let go', async (t) => {
  const { port, clock } = await openDoor(t);
  const silent = await begin(t, port, '/', `Content-Length: ${5 * mebi}`);
  const [answer] = (await once(silent.resume(), 'data')) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 413 /);
  clock.advance(2_000);
  await once(silent, 'close');

  const endless = await begin(t, port, '/', `Content-Length: ${1024 * mebi}`);
  endless.on('error', () => {}).resume();
  let sent = 0;
  while (!endless.destroyed && sent < 200) {
    sent++;
    await new Promise((resolve) => endless.write(Buffer.alloc(mebi), resolve));
  }
  assert.ok(sent < 100, `${sent} MiB were taken`);
});
