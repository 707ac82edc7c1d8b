/**
 * The front of the server byte by byte, as clients of every age and kind meet it: the greeting that guides tell
 * people to look for, old HTTP, `Expect`, presigned requests, and the form of errors.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { presignUrl, signRequest } from '@rollcall/wire';
import { startServer, type TestServer } from '../harness/server.ts';
import { openConnection, type RawAnswer } from './raw-http.ts';

let server: TestServer;
let host: string;

before(async () => {
  server = await startServer();
  host = `localhost:${server.port}`;
});
after(async () => {
  await server.stop();
  server.remove();
});

/** Sends bytes on a connection of their own; answers what came back, and whether the connection stayed. */
async function say(
  bytes: string,
  { bodiless = false, answers = 1 } = {},
): Promise<RawAnswer & { readonly before: readonly number[] }> {
  const connection = await openConnection(server.port, server.ca);
  try {
    connection.write(bytes);
    const before: number[] = [];
    for (let left = answers; left > 1; left--) before.push((await connection.answer()).status);
    return { ...(await connection.answer({ bodiless })), before };
  } finally {
    connection.close();
  }
}

const type = 'application/x-amz-json-1.1';
const list = 'AmazonSSM.DescribeInstanceInformation';

function signed(body: string, target = list, extra: Readonly<Record<string, string>> = {}): string {
  const headers = signRequest({
    method: 'POST',
    url: `${server.url}/`,
    headers: { 'content-type': type, 'x-amz-target': target, ...extra },
    body,
    region: 'us-east-1',
    service: 'ssm',
    at: Date.now(),
    credentials: server.credentials,
  });
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${lines.join('')}Content-Length: ${Buffer.byteLength(body)}\r\n`;
}

test('an unsigned GET: 404 and the 29 bytes that guides tell people to look for, without a content type', async () => {
  const answer = await say(
    `GET / HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n`,
  );
  assert.deepEqual([answer.status, answer.body], [404, '<UnknownOperationException/>\n']);
  assert.equal(answer.header('content-type'), undefined);
  assert.equal(answer.header('server'), 'Server');
  assert.equal(answer.header('location'), undefined, 'curl -L changes nothing');
  assert.match(answer.header('x-amzn-requestid')!, /^[0-9a-f-]{36}$/);
  assert.ok(Math.abs(Date.parse(answer.header('date')!) - Date.now()) < 2_000);
  assert.ok(
    answer.headers.some(([name]) => name === 'x-amzn-RequestId'),
    'in the case that AWS writes',
  );
  const head = await say(`HEAD / HTTP/1.1\r\nHost: ${host}\r\n\r\n`, { bodiless: true });
  assert.deepEqual([head.status, head.header('content-length')], [404, '29']);
  for (const method of ['PUT', 'DELETE', 'OPTIONS'])
    assert.equal((await say(`${method} / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).status, 404, method);
});

test('HTTP/1.0, which has no Host and closes', async () => {
  const greeting = await say('GET / HTTP/1.0\r\n\r\n');
  assert.deepEqual([greeting.status, greeting.header('connection')], [404, 'close']);
  const call = await say(`POST / HTTP/1.0\r\n${signed('{}')}\r\n{}`);
  assert.deepEqual([call.status, call.header('transfer-encoding')], [200, undefined], call.body);
});

test('Expect: 100-continue is answered before the body is wanted', async () => {
  const connection = await openConnection(server.port, server.ca);
  connection.write(`POST / HTTP/1.1\r\n${signed('{}')}Expect: 100-continue\r\n\r\n`);
  assert.equal((await connection.answer()).status, 100);
  connection.write('{}');
  assert.equal((await connection.answer()).status, 200);
  connection.close();
});

test('an upgrade to what nobody here speaks is not taken up: the request is answered as it is', async () => {
  const wish = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n';
  const greeting = await say(`GET / HTTP/1.1\r\nHost: ${host}\r\n${wish}\r\n`);
  assert.deepEqual([greeting.status, greeting.body], [404, '<UnknownOperationException/>\n']);
  const call = await say(`POST / HTTP/1.1\r\n${signed('{}')}${wish}\r\n{}`);
  assert.deepEqual([call.status, call.body], [200, '{"InstanceInformationList":[]}']);
});

test('a presigned POST is a call; so is one with an empty body', async () => {
  const url = new URL(
    presignUrl({
      method: 'POST',
      url: `${server.url}/`,
      headers: { 'content-type': type, 'x-amz-target': list },
      body: '{}',
      region: 'us-east-1',
      service: 'ssm',
      at: Date.now(),
      expiresIn: 60,
      credentials: server.credentials,
    }),
  );
  const headers = `Host: ${host}\r\nContent-Type: ${type}\r\nX-Amz-Target: ${list}\r\n`;
  const presigned = await say(
    `POST ${url.pathname}${url.search} HTTP/1.1\r\n${headers}Content-Length: 2\r\n\r\n{}`,
  );
  assert.equal(presigned.status, 200, presigned.body);
  assert.equal((await say(`POST / HTTP/1.1\r\n${signed('')}\r\n`)).status, 200);
});

test('errors: status, type and code are AWS’s; the message is under the name that the model gives it', async () => {
  const call = async (body: string, target?: string) => {
    const answer = await say(`POST / HTTP/1.1\r\n${signed(body, target)}\r\n${body}`);
    assert.equal(answer.header('content-type'), type, answer.body);
    assert.equal(answer.header('x-amzn-requestid')?.length, 36);
    return { status: answer.status, ...JSON.parse(answer.body) };
  };
  const nobody = JSON.stringify({ InstanceId: 'mi-0123456789abcdef0' });
  const gone = await call(nobody, 'AmazonSSM.DeregisterManagedInstance');
  assert.deepEqual([gone.status, gone.__type], [400, 'InvalidInstanceId']);
  assert.deepEqual(Object.keys(gone).sort(), ['Message', '__type', 'status'], 'Message has a capital here');
  const value = await call('{"InstanceInformationFilterList":[{"key":"PingStatus","valueSet":["Asleep"]}]}');
  assert.deepEqual(
    [Object.keys(value).sort(), value.__type],
    [['__type', 'message', 'status'], 'InvalidInstanceInformationFilterValue'],
    'and none here',
  );
  assert.equal((await call('{"a')).__type, 'SerializationException');
  assert.equal((await call('[]')).__type, 'SerializationException');
  assert.equal((await call('{"MaxResults":"5"}')).__type, 'SerializationException');
  assert.equal((await call('{"MaxResults":51}')).__type, 'ValidationException');
  assert.equal((await call('{"NextToken":null,"FromTheFuture":1}')).status, 200);
  const unsigned = await say(
    `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Type: ${type}\r\nX-Amz-Target: ${list}\r\nContent-Length: 2\r\n\r\n{}`,
  );
  assert.deepEqual(JSON.parse(unsigned.body), {
    __type: 'MissingAuthenticationTokenException',
    message: 'Missing Authentication Token',
  });
  const large = await say(
    `POST / HTTP/1.1\r\nHost: ${host}\r\nX-Amz-Target: ${list}\r\nContent-Length: 9000000\r\n\r\n`,
  );
  assert.deepEqual([large.status, large.header('connection')], [413, 'close']);
});

test('two calls on one connection, the second sent before the first is answered', async () => {
  const one = `POST / HTTP/1.1\r\n${signed('{}')}\r\n{}`;
  const answer = await say(one + one, { answers: 2 });
  assert.deepEqual([answer.before, answer.status], [[200], 200]);
});
