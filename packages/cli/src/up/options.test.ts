/** What a server is started with, from flags, variables and nothing. */
import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Failure } from '../failure.ts';
import { testIo } from '../testing/io.ts';
import { readUpOptions, type UpFlags } from './options.ts';

const read = (flags: UpFlags, env: Record<string, string> = {}, cwd = '/somewhere') =>
  readUpOptions(flags, testIo({ env, cwd }).io);

const refused = (flags: UpFlags, env: Record<string, string> = {}) => {
  try {
    read(flags, env);
  } catch (error) {
    assert.ok(error instanceof Failure);
    assert.equal(error.exitCode, 2);
    assert.doesNotMatch(error.message, /\n/);
    return error.message;
  }
  return assert.fail(`accepted ${JSON.stringify(flags)}`);
};

test('with nothing said, it is a server for this machine', () => {
  const { io } = testIo();
  assert.deepEqual(readUpOptions({}, io), {
    listen: { host: 'localhost', port: 8443 },
    publicUrls: [],
    data: path.join(io.root, 'rollcall-data'),
    regions: ['us-east-1'],
    account: '000000000000',
    store: { kind: 'sqlite' },
    metrics: { host: '127.0.0.1', port: 9464 },
    proxyProtocol: [],
    logLevel: 'info',
    localNode: false,
    successorCa: false,
  });
});

test('each flag is a variable too, and wins over it', () => {
  const env = {
    ROLLCALL_LISTEN: '[::]:9000',
    ROLLCALL_PUBLIC_URL: 'https://a.lan:9000/, https://b.lan',
    ROLLCALL_DATA: 'd',
    ROLLCALL_REGION: 'dc-tokyo,us-east-1,dc-tokyo',
    ROLLCALL_STORE: 'postgres://u:p@h/db',
    ROLLCALL_METRICS: 'off',
    ROLLCALL_PROXY_PROTOCOL: '10.0.0.0/8,::1',
    ROLLCALL_LOCAL_NODE: 'true',
    ROLLCALL_CUT_OFF_NODES: '3',
  };
  const options = read({ region: ['eu-x'] }, env);
  assert.deepEqual(options.listen, { host: '::', port: 9000 });
  assert.deepEqual(options.publicUrls, ['https://a.lan:9000', 'https://b.lan']);
  assert.equal(options.data, '/somewhere/d');
  assert.deepEqual(options.regions, ['eu-x']);
  assert.deepEqual(read({}, env).regions, ['dc-tokyo', 'us-east-1']);
  assert.deepEqual(options.store, { kind: 'postgres', url: 'postgres://u:p@h/db' });
  assert.equal(options.metrics, 'off');
  assert.deepEqual(options.proxyProtocol, ['10.0.0.0/8', '::1/128']);
  assert.equal(options.localNode, true);
  assert.equal(read({ localNode: false }, env).localNode, false);
  assert.equal(options.cutOffNodes, 3);
});

test('who names a public URL is reachable there without more words', () => {
  const { listen } = read({ publicUrl: ['https://kenji-x1.lan:9443'] });
  assert.ok(['::', '0.0.0.0'].includes(listen.host));
  assert.equal(listen.port, 9443);
  assert.deepEqual(read({ publicUrl: ['https://localhost:9443'] }).listen, { host: 'localhost', port: 9443 });
});

test('who listens to all has a URL that others can use', () => {
  const [url = ''] = read({ listen: '0.0.0.0:8443' }).publicUrls;
  assert.match(url, /^https:\/\/[^/]+:8443$/);
  assert.deepEqual(read({ listen: '10.0.0.5:8443' }).publicUrls, ['https://10.0.0.5:8443']);
  assert.deepEqual(read({ listen: '127.0.0.1:8443' }).publicUrls, []);
});

test('a wrong value is one line that names where it came from and the right form', () => {
  const wrong: [UpFlags, RegExp][] = [
    [{ listen: '8443' }, /^--listen is "8443"; it must be HOST:PORT/],
    [{ listen: 'localhost:0' }, /--listen/],
    [{ listen: '::1:8443' }, /\[::\]:8443/],
    [{ listen: '300.1.1.1:80' }, /--listen/],
    [{ publicUrl: ['http://a.lan'] }, /--public-url.*https:/],
    [{ publicUrl: ['https://a.lan/path'] }, /--public-url/],
    [{ publicUrl: ['https://u:p@a.lan'] }, /--public-url/],
    [{ region: ['US East'] }, /--region/],
    [{ account: '123' }, /--account.*twelve digits/],
    [{ domain: 'a b' }, /--domain/],
    [{ store: 'mysql://secret@h/db' }, /--store must be "sqlite" or postgres/],
    [{ metrics: 'on' }, /--metrics.*or off/],
    [{ proxyProtocol: ['10.0.0.0/33'] }, /--proxy-protocol/],
    [{ logLevel: 'loud' }, /--log-level.*trace, debug/],
    [{ cutOffNodes: '-1' }, /--cut-off-nodes/],
  ];
  for (const [flags, sentence] of wrong) assert.match(refused(flags), sentence);
  assert.match(refused({}, { ROLLCALL_ACCOUNT: 'x' }), /^ROLLCALL_ACCOUNT is "x"/);
  assert.doesNotMatch(refused({ store: 'mysql://secret@h/db' }), /secret/);
});

test('a certificate comes with its key, and both can be read', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'rollcall-cli-'));
  const file = path.join(folder, 'a.pem');
  writeFileSync(file, '');
  assert.match(refused({ tlsCert: file }), /give both/);
  assert.match(refused({ tlsCert: file, tlsKey: `${file}.none` }), /--tls-key .*isn't there/);
  assert.equal(read({ tlsCert: file, tlsKey: file }).tlsCert, file);
});
