/** What documents download, from whom, to where; and what can't be downloaded says so. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import type { JsonObject } from '@rollcall/documents';
import { act } from '../testing/step-run.ts';
import { downloadContent } from './download-content.ts';
import { digestAuthorization } from './http-source.ts';
import type { StepRun } from './plugin.ts';

let server: Server;
let origin: string;
let seen: IncomingMessage[] = [];
let serve: (request: IncomingMessage, response: ServerResponse) => void;
const done: (() => Promise<unknown>)[] = [];

before(async () => {
  server = createServer((request, response) => {
    seen.push(request);
    serve(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => server.close());
afterEach(async () => {
  seen = [];
  for (const one of done.splice(0)) await one();
});

async function fetched(
  sourceType: string,
  sourceInfo: JsonObject | string,
  more: JsonObject = {},
  run?: Partial<StepRun>,
) {
  const ended = await act(downloadContent, { sourceType, sourceInfo, ...more }, run);
  done.push(ended.remove);
  return ended;
}

test('a file over HTTP, if plain HTTP is allowed; it may be run by its owner and read by nobody else', async () => {
  serve = (_, response) => response.end('#!/bin/sh\necho hi\n');
  const refused = await fetched('HTTP', { url: `${origin}/a/install.sh` });
  assert.equal(refused.status, 'Failed');
  assert.match(refused.stderr, /not HTTPS; allowInsecureDownload/);
  assert.equal(seen.length, 0);
  const info = { url: `${origin}/a/install.sh?x=1`, allowInsecureDownload: true };
  const { status, stdout, downloads } = await fetched('HTTP', JSON.stringify(info));
  assert.equal(status, 'Success');
  assert.equal(seen[0]?.url, '/a/install.sh?x=1');
  const path = join(downloads, 'install.sh');
  assert.equal(readFileSync(path, 'utf8'), '#!/bin/sh\necho hi\n');
  assert.equal(statSync(path).mode & 0o777, 0o700);
  assert.equal(stdout, `Content downloaded to ${downloads}/`);
  const named = await fetched('HTTP', info, { destinationPath: 'sub/name.sh' });
  assert.equal(existsSync(join(named.downloads, 'sub/name.sh')), true);
});

test('an absolute path is taken as it is: a file, or a folder that is there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-download-'));
  done.push(async () => rmSync(folder, { recursive: true }));
  serve = (_, response) => response.end('content');
  const info = { url: `${origin}/%2e%2e/..%2fevil`, allowInsecureDownload: true };
  await fetched('HTTP', info, { destinationPath: folder });
  assert.deepEqual(readdirSync(folder), ['evil']);
  await fetched('HTTP', info, { destinationPath: join(folder, 'evil') });
  assert.deepEqual(readdirSync(folder), ['evil']);
});

test('with a name and password: Basic, and not for those whom it is led on to', async () => {
  serve = (request, response) => {
    if (request.url === '/first')
      response.writeHead(302, { location: origin.replace('127.0.0.1', 'localhost') }).end();
    else response.end('x');
  };
  const info = {
    url: `${origin}/first`,
    authMethod: 'Basic',
    username: 'ann',
    password: 'secret',
    allowInsecureDownload: true,
  };
  assert.equal((await fetched('HTTP', info)).status, 'Success');
  assert.equal(seen[0]?.headers.authorization, `Basic ${Buffer.from('ann:secret').toString('base64')}`);
  assert.equal(seen[1]?.headers.authorization, undefined);
});

test('with a name and password: Digest, computed as RFC 7616 has it', async () => {
  // The example of section 3.9.1, with MD5 and with SHA-256.
  const who = { username: 'Mufasa', password: 'Circle of Life' };
  const url = new URL('http://www.example.org/dir/index.html');
  const nonce = '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v';
  const ours = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ';
  const opaque = 'FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS';
  const challenge = (algorithm: string) =>
    `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="${nonce}", opaque="${opaque}"`;
  const answer = (algorithm: string) => digestAuthorization(challenge(algorithm), url, who, ours);
  assert.match(answer('MD5'), /response="8ca523f5e9506fed4657c9700eebdbec"/);
  assert.match(
    answer('SHA-256'),
    /response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"/,
  );
  assert.match(answer('MD5'), new RegExp(`opaque="${opaque}"`));
  assert.throws(() => digestAuthorization(challenge('SHA-512-256'), url, who), /MD5 and SHA-256/);

  serve = (request, response) => {
    const said = /response="(\w+)"/.exec(request.headers.authorization ?? '')?.[1];
    const cnonce = /cnonce="(\w+)"/.exec(request.headers.authorization ?? '')?.[1];
    const md5 = (text: string) => createHash('md5').update(text).digest('hex');
    const right = md5(`${md5('ann:r:secret')}:n:00000001:${cnonce}:auth:${md5('GET:/f')}`);
    if (said === right) response.end('x');
    else response.writeHead(401, { 'www-authenticate': 'Digest realm="r", nonce="n", qop="auth"' }).end();
  };
  const info = { url: `${origin}/f`, authMethod: 'Digest', username: 'ann', allowInsecureDownload: true };
  assert.equal((await fetched('HTTP', { ...info, password: 'secret' })).status, 'Success');
  const wrong = await fetched('HTTP', { ...info, password: 'wrong' });
  assert.match(wrong.stderr, /HTTP 401/);
});

test('what can’t be had is told: no such file, a server that is cut off, endless redirections', async () => {
  const info = { url: `${origin}/f`, allowInsecureDownload: true };
  serve = (_, response) => response.writeHead(404).end();
  assert.match((await fetched('HTTP', info)).stderr, /HTTP 404/);
  serve = (_, response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('half');
    setTimeout(() => response.destroy(), 20);
  };
  const half = await fetched('HTTP', info);
  assert.equal(half.status, 'Failed');
  assert.deepEqual(readdirSync(half.downloads), []);
  serve = (_, response) => response.writeHead(302, { location: '/f' }).end();
  assert.match((await fetched('HTTP', info)).stderr, /leads on too often/);
});

test('an answer without end that is no file is not read on', async () => {
  let closed = false;
  serve = (_, response) => {
    response.writeHead(404);
    const more = setInterval(() => response.write('a'.repeat(1024)), 5);
    response.once('close', () => {
      clearInterval(more);
      closed = true;
    });
  };
  const ended = await fetched('HTTP', { url: `${origin}/f`, allowInsecureDownload: true });
  assert.match(ended.stderr, /HTTP 404/);
  for (let waited = 0; !closed && waited < 2000; waited += 20)
    await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(closed);
});

test('a cancelled download ends at once', async () => {
  serve = (_, response) => response.write('a');
  const abort = new AbortController();
  setTimeout(() => abort.abort('cancelled'), 50);
  const info = { url: `${origin}/f`, allowInsecureDownload: true };
  const { status } = await fetched('HTTP', info, {}, { signal: abort.signal });
  assert.equal(status, 'Cancelled');
});

test('a repository: its default branch, another one, one commit; nothing of ours is left', async () => {
  const repository = mkdtempSync(join(tmpdir(), 'rollcall-git-'));
  done.push(async () => rmSync(repository, { recursive: true }));
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=n', '-c', 'user.email=e@x', ...args], {
      cwd: repository,
      encoding: 'utf8',
    }).trim();
  git('init', '--quiet', '--initial-branch=main');
  writeFileSync(join(repository, 'run.sh'), 'first\n', { mode: 0o755 });
  mkdirSync(join(repository, 'lib'));
  writeFileSync(join(repository, 'lib', 'a'), 'a\n');
  git('add', '.');
  git('commit', '--quiet', '-m', 'one');
  const commit = git('rev-parse', 'HEAD');
  git('checkout', '--quiet', '-b', 'other');
  writeFileSync(join(repository, 'run.sh'), 'second\n');
  git('commit', '--quiet', '-am', 'two');
  writeFileSync(join(repository, 'run.sh'), 'third\n');
  git('commit', '--quiet', '-am', 'three');
  git('checkout', '--quiet', 'main');

  const content = async (getOptions: string) => {
    const { status, stderr, downloads, root } = await fetched('Git', { repository, getOptions });
    assert.equal(status, 'Success', stderr);
    assert.deepEqual(readdirSync(join(root, 'step')), []);
    assert.equal(readFileSync(join(downloads, 'lib/a'), 'utf8'), 'a\n');
    return readFileSync(join(downloads, 'run.sh'), 'utf8');
  };
  assert.equal(await content(''), 'first\n');
  assert.equal(await content('branch:other'), 'third\n');
  assert.equal(await content(`commitID:${commit}`), 'first\n');

  const wrong = async (info: JsonObject) => (await fetched('Git', info)).stderr;
  assert.match(await wrong({ repository, getOptions: 'branch:nowhere' }), /nowhere/);
  assert.match(await wrong({ repository, getOptions: 'branch:--upload-pack=x' }), /getOptions must be/);
  assert.match(await wrong({ repository, getOptions: 'commitID:$(id)' }), /not the id of a commit/);
  assert.match(await wrong({ repository: '--upload-pack=x' }), /repository must be a URL/);
  assert.match(await wrong({ repository: 'ext::sh -c "touch /tmp/x"' }), /transport 'ext' not allowed/);
  assert.match(await wrong({ repository, username: 'x', password: 'y' }), /over HTTPS/);
});

test('git gets the password where nobody else can see it', async () => {
  serve = (_, response) => response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
  const { status } = await fetched('Git', {
    repository: `${origin}/x.git`,
    username: 'ann',
    password: 'secret',
  });
  assert.equal(status, 'Failed');
  assert.equal(seen[0]?.headers.authorization, `Basic ${Buffer.from('ann:secret').toString('base64')}`);
});

test('a document of the server', async () => {
  const asked: unknown[] = [];
  const getDocument: StepRun['getDocument'] = async (name, version) => {
    asked.push([name, version]);
    return { content: '{"schemaVersion":"2.2"}', format: 'JSON' };
  };
  const { status, downloads } = await fetched('SSMDocument', { name: 'Mine:3' }, {}, { getDocument });
  assert.equal(status, 'Success');
  assert.deepEqual(asked, [['Mine', '3']]);
  assert.equal(readFileSync(join(downloads, 'Mine.json'), 'utf8'), '{"schemaVersion":"2.2"}');
  const missing = await fetched('SSMDocument', { name: 'Nope' });
  assert.match(missing.stderr, /there is no Nope/);
});

test('sources that this agent hasn’t are refused with those that it has', async () => {
  assert.match(
    (await fetched('S3', { path: 'x' })).stderr,
    /does not download from S3; .*HTTP, Git and SSMDocument/,
  );
  assert.match((await fetched('GitHub', {})).stderr, /can be had as Git/);
  assert.match((await fetched('Ftp', {})).stderr, /must be one of/);
  assert.match((await fetched('HTTP', 'no json')).stderr, /sourceInfo must be a JSON object/);
  assert.match((await fetched('HTTP', { url: 'file:///etc/passwd' })).stderr, /url must begin with/);
  const reference = { url: 'https://x.test/', password: '{{ssm-secure:pw}}' };
  assert.match((await fetched('HTTP', reference)).stderr, /Parameter Store/);
});
