/** Who may come in, and what is said to everybody else. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import {
  amzDate,
  type Credentials,
  canonicalRequest,
  hmacSignature,
  presignUrl,
  rsaSignature,
  sha256Hex,
  signingKey,
  signWithKeyPair,
  stringToSign,
} from '@rollcall/wire';
import { Refusal } from '../service/index.ts';
import type { AuthenticationRequest, SigningName } from './index.ts';
import {
  account,
  administrator,
  type Bench,
  callBy,
  keys,
  nodeId,
  openBench,
  otherNodeId,
  previousKeys,
  raw,
  run,
  signedCall,
  userPrincipal,
} from './testing.ts';

let bench: Bench;
let admin: Credentials;
before(async () => {
  bench = await openBench();
  admin = await administrator(bench.identity);
});
after(() => bench.close());

const now = () => bench.clock.now();
function mint(id = nodeId) {
  return bench.identity.mintNodeCredentials({ nodeId: id, region: 'us-east-1', epoch: 1, roleName: 'Core' });
}
async function refused(
  request: AuthenticationRequest,
  code: string | RegExp,
  message?: RegExp,
): Promise<Refusal> {
  const error = await bench.identity.authenticate(request).then(
    (proved) => assert.fail(`let in: ${JSON.stringify(proved)}`),
    (error: unknown) => error,
  );
  assert.ok(error instanceof Refusal, String(error));
  assert.match(error.code, typeof code === 'string' ? new RegExp(`^${code}$`) : code, error.message);
  if (message) assert.match(error.message, message);
  assert.equal(error.status, 400);
  assert.ok(error.knock?.reason, 'a refusal leaves a knock');
  return error;
}

/** A recorded request of the official programs, as it is in the fixtures. */
interface Recorded {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}
const recorded: { hmac: Recorded[]; rsa: Recorded[] } = JSON.parse(
  readFileSync(new URL('../../../wire/src/fixtures/signed-requests.json', import.meta.url), 'utf8'),
);
const servicesServed = ['ssm', 'ssmmessages', 'ec2messages'];
const serviceOf = ({ headers }: Recorded) => headers.authorization!.split('/')[3]!;

/** The recorded request, byte for byte, but dated now and signed by somebody we know. */
function signedAgain(
  record: Recorded,
  id: string,
  token: string | undefined,
  sign: (text: string, service: string) => string,
): AuthenticationRequest {
  const headers: Record<string, string> = { ...record.headers, 'x-amz-date': amzDate(now()) };
  delete headers['x-amz-security-token'];
  if (token !== undefined) headers['x-amz-security-token'] = token;
  const signedHeaders = /SignedHeaders=([^,]+)/.exec(record.headers.authorization!)![1]!.split(';');
  const service = serviceOf(record);
  const scope = { date: headers['x-amz-date']!.slice(0, 8), region: 'us-east-1', service };
  const canonical = canonicalRequest(
    { ...record, headers },
    signedHeaders,
    sha256Hex(record.body ?? ''),
    service,
  );
  const signature = sign(stringToSign(headers['x-amz-date']!, scope, canonical), service);
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${id}/${scope.date}/us-east-1/${service}/aws4_request, SignedHeaders=${signedHeaders.join(';')}, Signature=${signature}`;
  const url = record.query === '' ? record.path : `${record.path}?${record.query}`;
  const request = { method: record.method, url, rawHeaders: raw(headers) };
  return { request, body: record.body ?? '', service: service as SigningName, nodeKeyAllowed: false };
}

test('every request the official agent makes gets in, signed as it signs', async () => {
  let count = 0;
  for (const record of recorded.hmac.filter((one) => servicesServed.includes(serviceOf(one)))) {
    const credentials = record.headers['x-amz-security-token'] ? mint() : undefined;
    if (!credentials) continue;
    const request = signedAgain(record, credentials.accessKeyId, credentials.sessionToken, (text, service) =>
      hmacSignature(
        signingKey(credentials.secretAccessKey, amzDate(now()).slice(0, 8), 'us-east-1', service),
        text,
      ),
    );
    const { principal } = await bench.identity.authenticate(request);
    assert.deepEqual(principal, {
      kind: 'node',
      arn: `arn:aws:sts::${account}:assumed-role/Core/${nodeId}`,
      nodeId,
      region: 'us-east-1',
      by: 'credentials',
    });
    count += 1;
  }
  assert.ok(count >= 4);
  for (const record of recorded.rsa) {
    const request = signedAgain(record, nodeId, undefined, (text) => rsaSignature(keys.privateKey, text));
    const { principal } = await bench.identity.authenticate({ ...request, nodeKeyAllowed: true });
    assert.equal(principal.kind === 'node' && principal.by, 'node-key');
  }
});

test('a user gets in by header and by presigned URL', async () => {
  const expected = {
    kind: 'user',
    arn: `arn:aws:iam::${account}:user/admin`,
    name: 'admin',
    accessKeyId: admin.accessKeyId,
  };
  assert.deepEqual((await bench.identity.authenticate(signedCall(admin, now()))).principal, expected);
  const url = new URL(
    presignUrl({
      method: 'GET',
      url: 'https://localhost/x?a=b',
      credentials: admin,
      region: 'eu-west-1',
      service: 'ssm',
      at: now(),
      expiresIn: 900,
    }),
  );
  const request = { method: 'GET', url: url.pathname + url.search, rawHeaders: ['Host', 'localhost'] };
  const asked = { request, body: '', service: 'ssm' as const, nodeKeyAllowed: false };
  assert.deepEqual(await bench.identity.authenticate(asked), {
    principal: expected,
    region: 'eu-west-1',
    service: 'ssm',
  });
  assert.deepEqual(
    (await bench.identity.authenticate({ ...asked, at: now() + 899_000 })).principal,
    expected,
  );
  await refused({ ...asked, at: now() + 901_000 }, 'InvalidSignatureException', /^Signature expired: /);
  await refused(
    { ...asked, at: now() - 301_000 },
    'InvalidSignatureException',
    /^Signature not yet current: /,
  );
  await refused({ ...asked, body: 'x' }, 'InvalidSignatureException');
});

test('the clock window is five minutes, told as AWS tells it, and the skew is in the knock', async () => {
  for (const offset of [-299, -300, 0, 299, 300]) {
    await bench.identity.authenticate(signedCall(admin, now() + offset * 1000));
  }
  const late = await refused(
    signedCall(admin, now() - 301_000),
    'InvalidSignatureException',
    /^Signature expired: 20261123T115459Z is now earlier than 20261123T115500Z \(20261123T120000Z - 5 min\.\)$/,
  );
  assert.deepEqual(late.knock, {
    reason: 'signature-expired',
    claim: admin.accessKeyId,
    detail: 'skew=-301s',
  });
  const early = await refused(
    signedCall(admin, now() + 301_000),
    'InvalidSignatureException',
    /^Signature not yet current: 20261123T120501Z is still later than 20261123T120500Z \(20261123T120000Z \+ 5 min\.\)$/,
  );
  assert.deepEqual(early.knock, {
    reason: 'signature-not-yet-current',
    claim: admin.accessKeyId,
    detail: 'skew=+301s',
  });
  const credentials = mint();
  const node = await refused(
    signedCall(credentials, now() - 412_000),
    'InvalidSignatureException',
    /^Signature expired/,
  );
  assert.deepEqual(node.knock, { reason: 'signature-expired', claim: nodeId, detail: 'skew=-412s' });
});

test('a region or service that is not served is named with those that are', async () => {
  await refused(
    signedCall(admin, now(), { region: 'ap-south-1' }),
    'InvalidSignatureException',
    /Credential should be scoped to a valid region, not 'ap-south-1'\. Regions served here: us-east-1, eu-west-1\./,
  );
  await refused(
    signedCall(admin, now(), { service: 's3' }),
    'InvalidSignatureException',
    /correct service: 'ssm'/,
  );
  await refused(
    signedCall(admin, now(), { service: 'rollcall' }),
    'InvalidSignatureException',
    /correct service: 'ssm'/,
  );
});

test('changing any byte of a signed request shuts it out', async () => {
  const good = signedCall(admin, now(), { headers: { 'x-amz-meta': 'some value' } });
  const { rawHeaders } = good.request;
  const signed = /SignedHeaders=([^,]+)/.exec(rawHeaders.join('\n'))![1]!.split(';');
  let count = 0;
  const tampered = async (request: AuthenticationRequest) => {
    await refused(request, /Exception$/);
    count += 1;
  };
  const flip = (text: string, index: number) =>
    text.slice(0, index) + String.fromCharCode(text.charCodeAt(index) ^ 1) + text.slice(index + 1);
  for (let index = 0; index < good.body.length; index++)
    await tampered({ ...good, body: flip(String(good.body), index) });
  await tampered({ ...good, body: `${good.body} ` });
  await tampered({ ...good, body: '' });
  for (let place = 1; place < rawHeaders.length; place += 2) {
    const name = rawHeaders[place - 1]!;
    if (name !== 'authorization' && !signed.includes(name)) continue;
    for (let index = 0; index < rawHeaders[place]!.length; index++) {
      const value = flip(rawHeaders[place]!, index);
      // Space at an end isn't part of a header's value.
      if (value.trim() !== value || value.includes('  ')) continue;
      // Inside `Authorization`, spaces and commas only separate.
      if (name === 'authorization' && /[ ,]/.test(rawHeaders[place]![index]! + value[index])) continue;
      await tampered({ ...good, request: { ...good.request, rawHeaders: rawHeaders.with(place, value) } });
    }
    await tampered({ ...good, request: { ...good.request, rawHeaders: rawHeaders.toSpliced(place - 1, 2) } });
    const doubled = [...rawHeaders, name.toUpperCase(), rawHeaders[place]!];
    await tampered({ ...good, request: { ...good.request, rawHeaders: doubled } });
  }
  for (const url of ['/x', '//x', '/?a=b', '/?', '/%2e%2e/x', '/?X-Amz-Security-Token=x'].filter(
    (one) => one !== '/?',
  )) {
    await tampered({ ...good, request: { ...good.request, url } });
  }
  for (const method of ['GET', 'PUT', 'post'])
    await tampered({ ...good, request: { ...good.request, method } });
  await bench.identity.authenticate(good);
  assert.ok(count > 300, `${count} changes tried`);
});

test('what must be under the signature is asked for by name', async () => {
  const good = signedCall(admin, now());
  for (const name of ['content-type', 'x-amz-target', 'host', 'x-amz-date']) {
    const rawHeaders = good.request.rawHeaders.map((value) =>
      value.startsWith('AWS4') ? value.replace(new RegExp(`${name};|;${name}(?=,)`), '') : value,
    );
    await refused(
      { ...good, request: { ...good.request, rawHeaders } },
      'InvalidSignatureException',
      /must be a 'SignedHeader'/,
    );
  }
  const credentials = mint();
  const withToken = signedCall({ ...credentials, sessionToken: undefined }, now());
  const rawHeaders = [...withToken.request.rawHeaders, 'X-Amz-Security-Token', credentials.sessionToken];
  await refused(
    { ...withToken, request: { ...withToken.request, rawHeaders } },
    'InvalidSignatureException',
    /x-amz-security-token/,
  );
});

test('a body hash that is signed must be true; one that is not is ignored', async () => {
  const body = '{}';
  const good = (hash: string) => signedWithHash(hash, body);
  await bench.identity.authenticate(good(sha256Hex(body)));
  const wrong = await refused(good(sha256Hex('{"a":1}')), 'InvalidSignatureException');
  assert.equal(wrong.knock?.reason, 'payload-mismatch');
  await refused(good('UNSIGNED-PAYLOAD'), 'InvalidSignatureException');
  await refused(good('STREAMING-AWS4-HMAC-SHA256-PAYLOAD'), 'InvalidSignatureException');
  const unsigned = signedCall(admin, now());
  unsigned.request.rawHeaders satisfies readonly string[];
  const rawHeaders = [...unsigned.request.rawHeaders, 'X-Amz-Content-Sha256', 'whatever'];
  await bench.identity.authenticate({ ...unsigned, request: { ...unsigned.request, rawHeaders } });
});
function signedWithHash(hash: string, body: string): AuthenticationRequest {
  const headers: Record<string, string> = {
    host: 'localhost',
    'x-amz-content-sha256': hash,
    'x-amz-date': amzDate(now()),
  };
  const names = Object.keys(headers).sort();
  const scope = { date: amzDate(now()).slice(0, 8), region: 'us-east-1', service: 'ssm' };
  const parts = { method: 'POST', path: '/', query: '', headers };
  const text = stringToSign(headers['x-amz-date']!, scope, canonicalRequest(parts, names, hash, 'ssm'));
  const signature = hmacSignature(signingKey(admin.secretAccessKey, scope.date, scope.region, 'ssm'), text);
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${admin.accessKeyId}/${scope.date}/us-east-1/ssm/aws4_request, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return {
    request: { method: 'POST', url: '/', rawHeaders: raw(headers) },
    body,
    service: 'ssm',
    nodeKeyAllowed: false,
  };
}

test("an unsigned or half-signed request gets AWS's words", async () => {
  const unsigned = {
    request: { method: 'POST', url: '/', rawHeaders: ['Host', 'localhost'] },
    body: '',
    service: 'ssm' as const,
    nodeKeyAllowed: false,
  };
  await refused(unsigned, 'MissingAuthenticationTokenException', /Missing Authentication Token/);
  const half = [
    'Host',
    'localhost',
    'Authorization',
    'AWS4-HMAC-SHA256 Credential=AKIAABCDEFGHIJKLMNOP/20261123/us-east-1/ssm/aws4_request',
  ];
  const error = await refused(
    { ...unsigned, request: { ...unsigned.request, rawHeaders: half } },
    'IncompleteSignatureException',
  );
  assert.equal(error.knock?.claim, 'AKIAABCDEFGHIJKLMNOP');
  for (const text of [
    '',
    'Bearer x',
    'AWS4-HMAC-SHA256',
    `AWS4-HMAC-SHA256 ${'A=,'.repeat(5000)}`,
    'AWS4-HMAC-SHA256 Credential=////, SignedHeaders=;, Signature=0',
  ]) {
    await refused(
      { ...unsigned, request: { ...unsigned.request, rawHeaders: ['Host', 'x', 'Authorization', text] } },
      /Exception$/,
    );
  }
});

test("a real account's key or token left in the shell is called by its name", async () => {
  const foreign = {
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  };
  const hint =
    /^The security token included in the request is invalid\. .*real AWS account's \(AWS_SESSION_TOKEN.*eval "\$\(rollcall env\)"$/;
  const key = await refused(signedCall(foreign, now()), 'UnrecognizedClientException', hint);
  assert.deepEqual(key.knock, { reason: 'foreign-access-key', claim: 'AKIAIOSFODNN7EXAMPLE' });
  const session = {
    ...foreign,
    accessKeyId: 'ASIAIOSFODNN7EXAMPLE',
    sessionToken: 'IQoJb3JpZ2luX2VjEXAMPLE//',
  };
  await refused(signedCall(session, now()), 'UnrecognizedClientException', hint);
  const mixed = await refused(
    signedCall({ ...admin, sessionToken: 'IQoJb3JpZ2luX2VjEXAMPLE//' }, now()),
    'UnrecognizedClientException',
    /access key is one of Rollcall's, but the session token isn't.*AWS_SESSION_TOKEN/,
  );
  assert.equal(mixed.knock?.reason, 'foreign-session-token');
  await refused(
    signedCall({ ...admin, sessionToken: mint().sessionToken }, now()),
    'UnrecognizedClientException',
    /is invalid\.$/,
  );
});

test('a wrong secret is a mismatch; a disabled key says so only to who has its secret; a deleted user is gone at once', async () => {
  const mismatch = /^The request signature we calculated does not match the signature you provided\./;
  await refused(signedCall({ ...admin, secretAccessKey: 'x' }, now()), 'InvalidSignatureException', mismatch);
  const call = callBy(userPrincipal('admin'), now());
  const made = await run<{ AccessKey: { AccessKeyId: string; SecretAccessKey: string } }>(
    bench.identity,
    'CreateUser',
    { UserName: 'bob' },
    call,
  );
  const bob = { accessKeyId: made.AccessKey.AccessKeyId, secretAccessKey: made.AccessKey.SecretAccessKey };
  assert.match(bob.accessKeyId, /^AKIA[A-Z2-7]{16}$/);
  assert.equal(bob.secretAccessKey.length, 40);
  await bench.identity.authenticate(signedCall(bob, now()));
  await run(bench.identity, 'UpdateAccessKey', { AccessKeyId: bob.accessKeyId, Status: 'Inactive' }, call);
  await refused(signedCall(bob, now()), 'UnrecognizedClientException', /inactive/);
  await refused(signedCall({ ...bob, secretAccessKey: 'x' }, now()), 'InvalidSignatureException', mismatch);
  await run(bench.identity, 'UpdateAccessKey', { AccessKeyId: bob.accessKeyId, Status: 'Active' }, call);
  await bench.identity.authenticate(signedCall(bob, now()));
  await run(bench.identity, 'DeleteUser', { UserName: 'bob' }, call);
  await refused(signedCall(bob, now()), 'UnrecognizedClientException');
});

test('another server sees a change within two seconds, and opens the same tokens', async () => {
  const other = bench.another();
  await other.authenticate(signedCall(admin, now()));
  const call = callBy(userPrincipal('admin'), now());
  const made = await run<{ AccessKey: { AccessKeyId: string; SecretAccessKey: string } }>(
    bench.identity,
    'CreateUser',
    { UserName: 'eve' },
    call,
  );
  const eve = { accessKeyId: made.AccessKey.AccessKeyId, secretAccessKey: made.AccessKey.SecretAccessKey };
  bench.clock.advance(2000);
  await other.authenticate(signedCall(eve, now()));
  await run(bench.identity, 'DeleteUser', { UserName: 'eve' }, call);
  bench.clock.advance(2000);
  await assert.rejects(other.authenticate(signedCall(eve, now())), { code: 'UnrecognizedClientException' });
  await other.authenticate(signedCall(mint(), now()));
  const stranger = bench.another({ secretsKey: Buffer.alloc(32, 8) });
  await assert.rejects(stranger.authenticate(signedCall(mint(), now())), {
    code: 'UnrecognizedClientException',
  });
  await assert.rejects(stranger.authenticate(signedCall(admin, now())), {
    code: 'UnrecognizedClientException',
  });
});

test("node credentials end with their time, with the node's epoch, and with the node", async () => {
  const credentials = mint();
  assert.match(credentials.accessKeyId, /^ASIA[A-Z2-7]{16}$/);
  assert.equal(credentials.expiresAt, now() + 3_600_000);
  const request = () => signedCall(credentials, now());
  await bench.identity.authenticate(request());
  const node = bench.nodes.get(nodeId)!;
  bench.nodes.set(nodeId, { ...node, epoch: 2 });
  assert.deepEqual((await refused(request(), 'ExpiredTokenException')).knock, {
    reason: 'revoked-token',
    claim: nodeId,
  });
  bench.nodes.set(nodeId, { ...node, registered: false });
  assert.equal((await refused(request(), 'UnrecognizedClientException')).knock?.reason, 'node-deregistered');
  bench.nodes.delete(nodeId);
  await refused(request(), 'UnrecognizedClientException');
  bench.nodes.set(nodeId, node);
  await refused(
    signedCall(credentials, now(), { region: 'eu-west-1' }),
    'InvalidSignatureException',
    /valid region/,
  );
  bench.clock.advance(3_599_000);
  await bench.identity.authenticate(request());
  bench.clock.advance(1000);
  await refused(
    request(),
    'ExpiredTokenException',
    /^The security token included in the request is expired$/,
  );
  bench.clock.advance(3 * 86_400_000);
  await refused(request(), 'UnrecognizedClientException');
  // A token that is opened on the day after it was issued.
  bench.clock.advance(86_400_000 - (now() % 86_400_000) - 60_000);
  const late = mint();
  bench.clock.advance(120_000);
  await bench.identity.authenticate(signedCall(late, now()));
});

test("one node's token with another's key, and any changed token, is refused", async () => {
  const mine = mint();
  const theirs = mint(otherNodeId);
  await refused(
    signedCall({ ...mine, sessionToken: theirs.sessionToken }, now()),
    'UnrecognizedClientException',
  );
  await refused(
    signedCall({ ...mine, accessKeyId: theirs.accessKeyId }, now()),
    'UnrecognizedClientException',
  );
  await refused(
    signedCall({ ...theirs, secretAccessKey: mine.secretAccessKey }, now()),
    'InvalidSignatureException',
  );
  await refused(signedCall({ ...mine, sessionToken: undefined }, now()), 'UnrecognizedClientException');
  for (let index = 0; index < mine.sessionToken.length; index += 3) {
    const other = mine.sessionToken[index] === 'A' ? 'B' : 'A';
    const sessionToken = mine.sessionToken.slice(0, index) + other + mine.sessionToken.slice(index + 1);
    await refused(signedCall({ ...mine, sessionToken }, now()), 'UnrecognizedClientException');
  }
  for (const sessionToken of [
    `${mine.sessionToken}A`,
    `${mine.sessionToken}=`,
    mine.sessionToken.slice(0, -1),
    'RC1',
  ]) {
    await refused(signedCall({ ...mine, sessionToken }, now()), 'UnrecognizedClientException');
  }
});

function byKeyPair(
  id = nodeId,
  privateKey = keys.privateKey,
  changes: { region?: string; at?: number } = {},
): AuthenticationRequest {
  const body = '{"Fingerprint":"26564a6d-cb1f-439f-a40f-eff26d43f3c3"}';
  const headers = signWithKeyPair({
    method: 'POST',
    url: 'https://localhost:8443/',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'AmazonSSM.RequestManagedInstanceRoleToken',
    },
    body,
    nodeId: id,
    privateKey,
    region: changes.region ?? 'us-east-1',
    service: 'ssm',
    at: changes.at ?? now(),
  });
  return {
    request: { method: 'POST', url: '/', rawHeaders: raw(headers) },
    body,
    service: 'ssm',
    nodeKeyAllowed: true,
  };
}

test("a node's key pair, current or previous, opens only what is signed with it", async () => {
  for (const pair of [keys, previousKeys]) {
    const { principal } = await bench.identity.authenticate(byKeyPair(nodeId, pair.privateKey));
    assert.ok(principal.kind === 'node' && principal.by === 'node-key');
    assert.ok(principal.key?.equals(pair.publicKey), 'and which of the two it was is known');
  }
  await refused({ ...byKeyPair(), nodeKeyAllowed: false }, 'UnrecognizedClientException');
  await refused(
    byKeyPair(nodeId, keys.privateKey, { region: 'eu-west-1' }),
    'InvalidSignatureException',
    /valid region/,
  );
  const late = await refused(
    byKeyPair(nodeId, keys.privateKey, { at: now() - 412_000 }),
    'InvalidSignatureException',
    /^Signature expired/,
  );
  assert.equal(late.knock?.detail, 'skew=-412s');
});

test("whether a node exists is not told to who doesn't hold its key", async () => {
  const { generateKeyPairSync } = await import('node:crypto');
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const unknown = 'mi-fffffffffffffffff';
  const wrongKey = await refused(byKeyPair(nodeId, stranger), 'InvalidInstanceId');
  const noNode = await refused(byKeyPair(unknown, stranger), 'InvalidInstanceId');
  assert.equal(wrongKey.message.replace(nodeId, 'X'), noNode.message.replace(unknown, 'X'));
  assert.equal(wrongKey.knock?.reason, 'node-signature-mismatch');
  assert.equal(noNode.knock?.reason, 'unknown-node');
  const node = bench.nodes.get(nodeId)!;
  bench.nodes.set(nodeId, { ...node, registered: false });
  const gone = await refused(byKeyPair(), 'InvalidInstanceId');
  assert.equal(gone.message, wrongKey.message);
  assert.equal(gone.knock?.reason, 'node-deregistered');
  bench.nodes.set(nodeId, node);
});

test("the two kinds of signature can't stand in for each other", async () => {
  // HMAC under the public key, a token office's token, or nothing at all, in the node's name.
  const spki = keys.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  for (const secretAccessKey of [
    spki,
    spki.trim(),
    '',
    keys.publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
  ]) {
    const hmac = signedCall({ accessKeyId: nodeId, secretAccessKey }, now());
    await refused({ ...hmac, nodeKeyAllowed: true }, 'InvalidInstanceId');
  }
  const credentials = mint();
  await refused(
    { ...signedCall({ ...credentials, accessKeyId: nodeId }, now()), nodeKeyAllowed: true },
    'InvalidInstanceId',
  );
  // RSA in the name of a user's or a node's access key.
  await refused(byKeyPair(admin.accessKeyId), 'InvalidSignatureException');
  const asia = byKeyPair(credentials.accessKeyId);
  const rawHeaders = [...asia.request.rawHeaders, 'x-amz-security-token', credentials.sessionToken];
  await refused({ ...asia, request: { ...asia.request, rawHeaders } }, 'InvalidSignatureException');
  // Presigned with a node's id.
  const url = new URL(
    presignUrl({
      method: 'GET',
      url: 'https://localhost/',
      credentials: { accessKeyId: nodeId, secretAccessKey: '' },
      region: 'us-east-1',
      service: 'ssm',
      at: now(),
      expiresIn: 60,
    }),
  );
  await refused(
    {
      request: { method: 'GET', url: url.pathname + url.search, rawHeaders: ['host', 'localhost'] },
      body: '',
      service: 'ssm',
      nodeKeyAllowed: true,
    },
    'InvalidInstanceId',
  );
});

test('a thousand authentications a node take well under a millisecond each', async () => {
  const credentials = mint();
  const request = signedCall(credentials, now());
  for (let index = 0; index < 200; index++) await bench.identity.authenticate(request);
  const start = performance.now();
  for (let index = 0; index < 1000; index++) await bench.identity.authenticate(request);
  const each = (performance.now() - start) / 1000;
  assert.ok(each < 1, `${each} ms`);
  if (process.env.ROLLCALL_SHOW_TIMES) console.log(`${(each * 1000).toFixed(1)} µs an authentication`);
});

test('whatever bytes come, the answer is a refusal and never a crash', async () => {
  const good = signedCall(mint(), now());
  const pieces = [
    '',
    '\u0000',
    '\u00ff',
    '/',
    ';',
    ',',
    '=',
    '%',
    '%zz',
    '..',
    'Credential=',
    '__proto__',
    'RC1',
    '9'.repeat(3000),
    'mi-',
    'ASIA',
  ];
  let seed = 7;
  const below = (limit: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * limit);
  };
  const spoil = (text: string) => {
    const from = below(text.length + 1);
    return text.slice(0, from) + pieces[below(pieces.length)]! + text.slice(from + below(12));
  };
  for (let round = 0; round < 3000; round++) {
    let rawHeaders = [...good.request.rawHeaders];
    let url = '/';
    for (let change = 0; change <= below(3); change++) {
      const place = below(rawHeaders.length);
      if (below(6) === 0)
        url = spoil(
          `/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${nodeId}%2F20261123%2Fus-east-1%2Fssm%2Faws4_request&X-Amz-Signature=00`,
        );
      else rawHeaders = rawHeaders.with(place, spoil(rawHeaders[place]!));
    }
    await bench.identity
      .authenticate({ ...good, nodeKeyAllowed: below(2) === 0, request: { method: 'POST', url, rawHeaders } })
      .catch((error: unknown) => {
        assert.ok(error instanceof Refusal, String((error as Error).stack));
        assert.ok(error.knock);
        assert.ok(error.message.length < 1000, error.message);
      });
  }
});
