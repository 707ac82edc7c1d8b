/** Output goes into the bucket that the sender names, and where it can't, the command is none the worse for it. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { saveConfig } from '../config.ts';
import { type Enrolled, enrol, shellDocument, stepsDocument } from '../testing/enrolled.ts';
import { type S3Store, startS3Store } from '../testing/s3-store.ts';

let it: Enrolled;
let store: S3Store;
let nodeId: string;

beforeEach(async () => {
  store = await startS3Store();
  it = await enrol({ s3: store.config });
  [nodeId] = it.server.keys.keys() as unknown as [string];
});
afterEach(async () => {
  await it.remove();
  await store.close();
});

const bucket = (prefix = 'pre/fix') => ({
  content: { OutputS3BucketName: 'bkt', OutputS3KeyPrefix: prefix },
});

async function run(document: object, more: object) {
  const id = it.server.offer(document, more);
  await it.server.until('it has ended', () => it.server.endOf(id) !== undefined);
  const end = it.server.endOf(id)!;
  return { id, end, step: Object.values(end.runtimeStatus ?? {})[0]! };
}

test('both streams, whole, under the keys of the official agent; the reply says where', async () => {
  await it.start();
  const { id, step, end } = await run(shellDocument(['seq 1 20000; echo s3err >&2']), bucket());
  const folder = `pre/fix/${id}/${nodeId}/awsrunShellScript`;
  assert.equal(store.text(`/bkt/${folder}/step/stdout`)?.split('\n').length, 20_001);
  assert.equal(store.text(`/bkt/${folder}/step/stderr`), 's3err\n');
  assert.deepEqual([step.outputS3BucketName, step.outputS3KeyPrefix, step.stepName], ['bkt', folder, 'step']);
  assert.equal(end.documentTraceOutput, '');
  const sent = store.objects.get(`127.0.0.1 /bkt/${folder}/step/stderr`)?.headers;
  assert.equal(sent?.['x-amz-acl'], 'bucket-owner-full-control');
  assert.equal(sent?.['content-type'], 'text/plain');
  assert.match(String(sent?.authorization), /\/eu-central-1\/s3\/aws4_request/);
});

test('in schema 1.2 the folder is the property’s id; what is empty is not put there; odd keys are signed right', async () => {
  await it.start();
  const properties = [{ id: '0.aws:runShellScript', runCommand: ['echo v12'] }];
  const document = { schemaVersion: '1.2', runtimeConfig: { 'aws:runShellScript': { properties } } };
  const { id, step } = await run(document, bucket("a b/ü+(*)'"));
  const folder = `a b/ü+(*)'/${id}/${nodeId}/awsrunShellScript`;
  assert.equal(store.text(`/bkt/${folder}/0.awsrunShellScript/stdout`), 'v12\n');
  assert.equal(store.objects.size, 1);
  assert.equal(step.stepName, '0.awsrunShellScript');
});

test('with the bucket in the name of the host, a session’s token, and through the agent’s proxy', async () => {
  const s3 = { ...store.config, endpoint: 'http://s3.test', virtualHosted: true, sessionToken: 'token' };
  saveConfig(it.root, { s3, proxy: store.config.endpoint, noProxy: ['localhost'] });
  await it.start();
  const { id, step } = await run(shellDocument(['echo x']), bucket(''));
  assert.equal(store.text(`/${id}/${nodeId}/awsrunShellScript/step/stdout`, 'bkt.s3.test'), 'x\n');
  assert.equal(step.outputS3KeyPrefix, `${id}/${nodeId}/awsrunShellScript`);
});

test('a store that refuses, or none at all: the command is what it was, and its end says what is missing', async () => {
  store.state.refuses = { status: 403, code: 'AccessDenied' };
  await it.start();
  const refused = await run(
    stepsDocument({ a: { runCommand: ['echo a'] }, b: { runCommand: ['echo b'] } }),
    bucket(),
  );
  assert.equal(refused.end.documentStatus, 'Success');
  assert.match(
    refused.end.documentTraceOutput,
    /^The output is not in the bucket bkt: .*HTTP 403 AccessDenied\.$/,
  );
  const told = it.server.repliesTo(refused.id).flatMap(({ content }) => content.runtimeStatus?.a ?? []);
  assert.deepEqual([told[0]?.outputS3BucketName, told[0]?.outputS3KeyPrefix], ['', '']);
  await store.close();
  const away = await run(shellDocument(['echo a']), bucket());
  assert.equal(away.step.standardOutput, 'a\n');
  assert.match(away.end.documentTraceOutput, /ECONNREFUSED/);
  await it.stop();
  saveConfig(it.root, { s3: undefined as never });
  await it.start();
  const none = await run(shellDocument(['echo a']), bucket());
  assert.equal(none.end.documentStatus, 'Success');
  assert.match(none.end.documentTraceOutput, /this agent has no s3 in its settings/);
});

test('a prefix leads out of no bucket', async () => {
  await it.start();
  const { end } = await run(shellDocument(['echo a']), bucket('../other/x'));
  assert.equal(store.objects.size, 0);
  assert.match(end.documentTraceOutput, /a part in it that is "\." or "\.\."/);
});
