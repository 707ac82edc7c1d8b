/** The reader of hellos: the same answer however the bytes are cut, and never an exception whatever they are. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { readClientHello } from './client-hello.ts';
import { familyOf, versionNames } from './families.ts';
import { judgeOpening } from './peek.ts';

const recorded = (
  JSON.parse(readFileSync(new URL('fixtures/hellos.json', import.meta.url), 'utf8')) as {
    name: string;
    hello: string;
  }[]
).map(({ name, hello }) => ({ name, bytes: Buffer.from(hello, 'hex') }));
const hello = recorded.find(({ name }) => name === 'node-26')!.bytes;

test('the official agent asks for a name, TLS 1.2 and 1.3, and two protocols', () => {
  const reading = readClientHello(recorded.find(({ name }) => name === 'amazon-ssm-agent')!.bytes);
  assert.ok(reading.state === 'read');
  assert.equal(reading.hello.serverName, 'localhost');
  assert.equal(versionNames(reading.hello.versions), '1.2 1.3');
  assert.deepEqual(reading.hello.alpn, ['h2', 'http/1.1']);
});

test('every beginning of a hello asks for more, and the whole is read', () => {
  for (const { name, bytes } of recorded) {
    for (let length = 1; length < bytes.length; length++) {
      assert.equal(readClientHello(bytes.subarray(0, length)).state, 'more', `${name} ${length}`);
    }
    assert.equal(readClientHello(bytes).state, 'read', name);
  }
});

test('a hello cut into several records is the same hello', () => {
  const body = hello.subarray(5);
  const record = (part: Buffer) =>
    Buffer.concat([Buffer.from([0x16, 3, 1, part.length >> 8, part.length & 0xff]), part]);
  for (const cut of [1, 3, 4, 5, 600]) {
    const bytes = Buffer.concat([record(body.subarray(0, cut)), record(body.subarray(cut))]);
    assert.deepEqual(readClientHello(bytes), readClientHello(hello));
  }
});

test('damaged hellos and random bytes are never an exception, and no name has control characters', () => {
  fc.assert(
    fc.property(
      fc.nat(hello.length - 1),
      fc.uint8Array({ maxLength: 8 }),
      fc.boolean(),
      (at, bytes, trusted) => {
        const damaged = Buffer.from(hello);
        damaged.set(bytes.subarray(0, hello.length - at), at);
        const opening = judgeOpening(damaged, trusted);
        if (opening.kind === 'hello') assert.match(opening.hello.serverName ?? '', /^[!-~]*$/);
      },
    ),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, trusted) => {
      judgeOpening(Buffer.from(bytes), trusted);
      judgeOpening(Buffer.concat([Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'), bytes]), trusted);
      judgeOpening(Buffer.concat([Buffer.from('PROXY '), bytes]), trusted);
    }),
  );
});

test('lengths beyond all reason are junk at once, not a wait', () => {
  for (const [bytes, why] of [
    ['16030100000100', /record of 0/],
    ['160301ffff01', /record of 65535/],
    ['160301400001ffffff', /hello of 16777219/],
    [`${'16030100010100000000'.slice(0, 12)}${'160301000100'.repeat(40)}`, /malformed|too many|hello/],
  ] as const) {
    const reading = readClientHello(Buffer.from(bytes, 'hex'));
    assert.ok(reading.state === 'junk', bytes);
    assert.match(reading.why, why);
  }
});

test('Schannel and browsers are told by the order that is published of them', () => {
  const base = {
    serverName: 'x',
    versions: [0x0303],
    alpn: [],
    groups: [29, 23, 24],
    pointFormats: [0],
    grease: false,
  };
  const schannel = [
    0xc02c, 0xc02b, 0xc030, 0xc02f, 0x9f, 0x9e, 0xc024, 0xc023, 0xc028, 0xc027, 0x9d, 0x9c, 0x3d,
  ];
  assert.equal(
    familyOf({ ...base, ciphers: schannel, extensions: [0, 5, 10, 11, 13, 35, 23, 0xff01] }),
    'schannel',
  );
  assert.equal(
    familyOf({ ...base, ciphers: [0x1301, 0xc02b], extensions: [0, 23], grease: true }),
    'browser',
  );
  assert.equal(familyOf({ ...base, ciphers: [0x0035], extensions: [] }), 'unknown');
});
