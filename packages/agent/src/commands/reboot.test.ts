/** A step that ends with 194 runs again after a reboot, and only then; where there can be none, that is said. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { saveConfig } from '../config.ts';
import { type Enrolled, enrol, type FakeServer, shellDocument, stepsDocument } from '../testing/enrolled.ts';
import { manualClock } from '../testing/manual-clock.ts';

let it: Enrolled;
let server: FakeServer;
let boot: string;
let reboots: number;
const reboot = async () => {
  reboots += 1;
};
const bootId = () => boot;

beforeEach(async () => {
  it = await enrol();
  server = it.server;
  boot = 'first';
  reboots = 0;
});
afterEach(() => it.remove());

const told = (id: string) =>
  server
    .repliesTo(id)
    .filter(({ content }) => content.documentStatus === 'InProgress')
    .flatMap(({ content }) => Object.entries(content.runtimeStatus ?? {}))
    .map(([name, { status, code }]) => [name, status, code]);

test('before the reboot it is told, after it the same step runs again and then the rest', async () => {
  const mark = join(it.root, 'mark');
  const document = stepsDocument({
    one: { runCommand: [`echo one >> ${mark}`] },
    two: { runCommand: [`echo two >> ${mark}`, `[ $(grep -c two ${mark}) = 2 ] || exit 194`, 'echo again'] },
    three: { runCommand: [`echo three >> ${mark}`] },
  });
  await it.start({ reboot, bootId });
  const id = server.offer(document);
  const awaited = () =>
    server.repliesTo(id).some(({ content }) => content.documentStatus === 'SuccessAndReboot');
  await server.until('it awaits the reboot', awaited);
  assert.equal(reboots, 1);
  assert.deepEqual(told(id), [
    ['one', 'Success', 0],
    ['two', 'SuccessAndReboot', 194],
  ]);
  const late = server.offer(shellDocument([`echo late >> ${mark}`]));
  await server.until('nothing is taken any more', () => server.answersTo(late).length === 1);
  assert.equal(server.answersTo(late)[0]?.statusCode, '51401');
  await it.stop();

  // Only the agent was started again: it goes on waiting.
  await it.start({ reboot, bootId });
  await sleep(100);
  assert.equal(server.endOf(id), undefined);
  await it.stop();

  boot = 'second';
  await it.start({ reboot, bootId });
  await server.until('it has ended', () => server.endOf(id) !== undefined);
  assert.equal(server.endOf(id)?.documentStatus, 'Success');
  assert.deepEqual(told(id).slice(-2), [
    ['two', 'Success', 0],
    ['three', 'Success', 0],
  ]);
  assert.equal(readFileSync(mark, 'utf8'), 'one\ntwo\ntwo\nthree\n');
  assert.equal(reboots, 1);
});

test('within another document, what ran before the reboot does not run again', async () => {
  const mark = join(it.root, 'mark');
  server.state.documents.Inner = JSON.stringify(
    stepsDocument({
      a: { runCommand: [`echo a | tee -a ${mark}`] },
      b: { runCommand: [`echo b | tee -a ${mark}`, `[ $(grep -c b ${mark}) = 2 ] || exit 194`] },
      c: { runCommand: [`echo c | tee -a ${mark}`] },
    }),
  );
  await it.start({ reboot, bootId });
  const id = server.offer(
    stepsDocument({ rd: { action: 'aws:runDocument', documentType: 'SSMDocument', documentPath: 'Inner' } }),
  );
  await server.until('it awaits the reboot', () => reboots === 1);
  await it.stop();
  boot = 'second';
  await it.start({ reboot, bootId });
  await server.until('it has ended', () => server.endOf(id) !== undefined);
  const end = server.endOf(id)!;
  assert.equal(end.documentStatus, 'Success');
  assert.equal(end.runtimeStatus?.rd?.standardOutput, 'a\nb\nc\n');
  assert.equal(readFileSync(mark, 'utf8'), 'a\nb\nb\nc\n');
});

test('an agent that cannot start its machine again says so, and nothing waits', async () => {
  await it.start();
  const id = server.offer(
    stepsDocument({ one: { runCommand: ['exit 194'] }, two: { runCommand: ['true'] } }),
  );
  await server.until('it has ended', () => server.endOf(id) !== undefined);
  assert.equal(server.endOf(id)?.documentStatus, 'Failed');
  assert.deepEqual(told(id), [
    ['one', 'Failed', 194],
    ['two', 'Success', 0],
  ]);
  const said = server.repliesTo(id)[1]?.content.runtimeStatus?.one?.standardError ?? '';
  assert.match(said, /asks for a reboot \(exit code 194\).*only an agent that runs as root/);
});

test('one that may not says so as well; one whose reboot fails, too', async () => {
  saveConfig(it.root, { allowReboot: false });
  await it.start({ reboot, bootId });
  const id = server.offer(shellDocument(['exit 194']));
  await server.until('it has ended', () => server.endOf(id) !== undefined);
  assert.match(server.endOf(id)?.runtimeStatus?.step?.standardError ?? '', /settings .* don't allow/);
  assert.equal(reboots, 0);
  await it.stop();
  saveConfig(it.root, { allowReboot: true });
  const failing = () => Promise.reject(new Error('there is no shutdown here'));
  await it.start({ reboot: failing, bootId });
  const other = server.offer(shellDocument(['exit 194']));
  await server.until('it has ended', () => server.endOf(other) !== undefined);
  assert.equal(server.endOf(other)?.documentStatus, 'Failed');
  assert.match(server.endOf(other)?.runtimeStatus?.step?.standardError ?? '', /there is no shutdown here/);
});

test('a reboot that does not come is given up after ten minutes; then the rest runs, and others are taken', async () => {
  const clock = manualClock();
  const mark = join(it.root, 'mark');
  await it.start({ reboot, bootId, clock });
  const id = server.offer(
    stepsDocument({ one: { runCommand: ['exit 194'] }, two: { runCommand: [`echo two >> ${mark}`] } }),
  );
  await server.until('it awaits the reboot', () => server.repliesTo(id).length === 3);
  clock.advance(599_000);
  await sleep(50);
  assert.equal(existsSync(mark), false);
  clock.advance(2000);
  await server.until('it has ended', () => {
    clock.advance(1000);
    return server.endOf(id) !== undefined;
  });
  assert.equal(server.endOf(id)?.documentStatus, 'Failed');
  assert.deepEqual(told(id).slice(-2), [
    ['one', 'Failed', 194],
    ['two', 'Success', 0],
  ]);
  const next = server.offer(shellDocument(['true']));
  await server.until('it has ended', () => {
    clock.advance(1000);
    return server.endOf(next) !== undefined;
  });
});

test('a command that waits for a reboot can be cancelled: after it, its step does not run again', async () => {
  const mark = join(it.root, 'mark');
  await it.start({ reboot, bootId });
  const id = server.offer(shellDocument([`echo ran >> ${mark}`, 'exit 194']));
  await server.until('it awaits the reboot', () => reboots === 1);
  server.cancel(id);
  await server.until(
    'that is agreed to',
    () => server.frames.filter((f) => f.type === 'agent_job_ack').length === 2,
  );
  await it.stop();
  boot = 'second';
  await it.start({ reboot, bootId });
  await server.until('it has ended', () => server.endOf(id) !== undefined);
  assert.equal(server.endOf(id)?.documentStatus, 'Cancelled');
  assert.equal(readFileSync(mark, 'utf8'), 'ran\n');
});

test('a script that asks for one reboot after the other is stopped', { timeout: 20_000 }, async () => {
  await it.start({ reboot, bootId });
  const id = server.offer(shellDocument(['exit 194']));
  for (let number = 1; number <= 15; number += 1) {
    await server.until('it awaits the reboot', () => reboots === number);
    await it.stop();
    boot = `boot ${number}`;
    await it.start({ reboot, bootId });
  }
  await server.until('it has ended', () => server.endOf(id) !== undefined);
  assert.match(server.endOf(id)?.runtimeStatus?.step?.standardError ?? '', /15 times/);
  assert.equal(reboots, 15);
});
