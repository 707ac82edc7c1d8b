/** Our own certificates while time goes by: they renew themselves, once for each reason, and load no more than they need. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { manualClock } from '../clock.ts';
import { covers } from './index.ts';
import { day, scene } from './testing.ts';

/** Waits for what a timer started; a second at most. */
async function eventually(done: () => boolean): Promise<void> {
  for (let turn = 0; turn < 200 && !done(); turn++) await pause(5);
}

test('when two thirds of its life have passed it is re-issued, with the same key', async (t) => {
  const { clock, open } = scene(t);
  const certificates = await open();
  t.after(() => certificates.close());
  const [pin, end, served] = [certificates.keyPin, certificates.notAfter, certificates.context().cert];
  const leaf = new X509Certificate(served);
  assert.ok(leaf.validToDate.getTime() - leaf.validFromDate.getTime() <= 398 * day);
  assert.ok(leaf.validFromDate.getTime() <= clock.now() - 6.9 * day, 'clients with a late clock accept it');
  await certificates.close();
  const again = await open({ clock: manualClock(clock.now() + 61 * day) });
  t.after(() => again.close());
  assert.equal(again.keyPin, pin);
  assert.ok(again.notAfter > end);
  assert.notEqual(again.context().cert, served);
});

test('it renews itself while running', async (t) => {
  const { clock, open } = scene(t);
  await (await open()).close();
  const late = manualClock(clock.now() + 60 * day - 3_600_000);
  const certificates = await open({ clock: late });
  t.after(() => certificates.close());
  let changes = 0;
  certificates.onChange(() => changes++);
  const until = certificates.notAfter;
  late.advance(3_000_000);
  await pause(20);
  assert.equal(changes, 0);
  late.advance(3_000_000);
  await eventually(() => changes > 0);
  await certificates.refresh();
  assert.equal(changes, 1);
  assert.ok(certificates.notAfter > until);
});

test('while running, a new address is covered within a minute, and gone ones go', async (t) => {
  const stage = scene(t);
  const certificates = await stage.open();
  t.after(() => certificates.close());
  const pin = certificates.keyPin;
  let changes = 0;
  certificates.onChange(() => changes++);
  stage.clock.advance(10 * 60_000);
  await pause(20);
  assert.equal(changes, 0, 'nothing changed');
  stage.addresses = ['10.1.2.3'];
  stage.clock.advance(60_000);
  await eventually(() => changes > 0);
  assert.equal(changes, 1);
  assert.ok(covers(certificates.names, '10.1.2.3'));
  assert.ok(!covers(certificates.names, '192.168.7.9'));
  assert.equal(certificates.keyPin, pin);
});

test('many reasons at once issue one certificate, and the file holds what is served', async (t) => {
  const stage = scene(t);
  const certificates = await stage.open();
  let changes = 0;
  certificates.onChange(() => changes++);
  stage.addresses = ['10.1.2.3'];
  stage.clock.advance(10 * 60_000);
  await Promise.all([certificates.refresh(), certificates.refresh()]);
  assert.equal(changes, 1);
  const file = () => readFileSync(join(stage.directory, 'server.crt'), 'utf8');
  assert.ok(certificates.context().cert.startsWith(file()));

  const before = file();
  stage.addresses = ['10.1.2.4'];
  const going = certificates.refresh();
  await certificates.close();
  assert.equal(file(), before, 'nothing is written after it was closed');
  assert.equal(changes, 1);
  await going;
});

test('an ordinary start loads nothing that issues; the first one does', (t) => {
  const { directory } = scene(t);
  const program = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ resolve(name, context, next) { loaded.push(name); return next(name, context); } });
    const { openCertificates } = await import(${JSON.stringify(new URL('./index.ts', import.meta.url).href)});
    const { systemClock } = await import(${JSON.stringify(new URL('../clock.ts', import.meta.url).href)});
    const names = { publicUrls: [], regions: [], hostNames: () => [], addresses: () => ['203.0.113.5'] };
    const directory = ${JSON.stringify(directory)};
    const certificates = await openCertificates({ directory, clock: systemClock(), names });
    await certificates.close();
    console.log(loaded.some((name) => name.startsWith('@peculiar/')));`;
  const start = () =>
    spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  const [first, second] = [start(), start()];
  assert.equal(first.stdout.trim(), 'true', first.stderr);
  assert.equal(second.stdout.trim(), 'false', second.stderr);
});
