/** What is captured of a stream is its beginning in memory and all of it, up to the limit, on disk. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { type Capture, openCapture } from './capture.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-capture-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const path = () => join(folder, 'step', 'stdout');
const makeFolder = async () => void mkdirSync(join(folder, 'step'), { recursive: true });

async function all(capture: Capture, length: number): Promise<string> {
  const parts: Buffer[] = [];
  for await (const piece of capture.pieces(length)) {
    assert.ok(piece.length <= length && piece.length > 0);
    parts.push(piece);
  }
  return Buffer.concat(parts).toString('utf8');
}

test('a little output needs no file', async () => {
  const capture = openCapture(path(), 1e6, makeFolder);
  await capture.write(Buffer.from('hel'));
  await capture.write(Buffer.from('lo\n'));
  assert.equal(capture.text(), 'hello\n');
  assert.equal(await all(capture, 4), 'hello\n');
  assert.equal(existsSync(join(folder, 'step')), false);
});

test('much output is in a file, readable by nobody else, and its beginning in memory', async () => {
  const capture = openCapture(path(), 10e6, makeFolder);
  const text = Array.from({ length: 60_000 }, (_, number) => `line ${number}`).join('\n');
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 50_000) await capture.write(bytes.subarray(at, at + 50_000));
  assert.equal(capture.size, bytes.length);
  assert.equal(capture.cut, false);
  assert.equal(statSync(path()).mode & 0o777, 0o600);
  assert.ok(capture.text().length > 24_000 && text.startsWith(capture.text()));
  assert.equal(await all(capture, 65_536), text);
  await capture.close();
});

test('beyond the limit nothing is kept, and that is known', async () => {
  const capture = openCapture(path(), 200_000, makeFolder);
  const before = process.memoryUsage().arrayBuffers;
  for (let piece = 0; piece < 2000; piece += 1) await capture.write(Buffer.alloc(65_536, 'y'));
  assert.equal(capture.size, 200_000);
  assert.equal(capture.cut, true);
  assert.equal(statSync(path()).size, 200_000);
  assert.ok(process.memoryUsage().arrayBuffers - before < 150e6);
  assert.equal((await all(capture, 1e6)).length, 200_000);
  await capture.close();
});

test('the beginning ends with a whole character, however many bytes each has', async () => {
  const capture = openCapture(path(), 10e6, makeFolder);
  await capture.write(Buffer.from(`x${'漢'.repeat(100_000)}`));
  assert.match(capture.text(), /^x漢+$/);
  assert.ok(capture.text().length > 24_000);
  await capture.close();
});

test('where no file can be made, memory keeps the first mebibyte or so', async () => {
  const capture = openCapture(path(), 10e6, async () => {
    throw new Error('no space left on device');
  });
  for (let piece = 0; piece < 40; piece += 1) await capture.write(Buffer.alloc(65_536, 48 + (piece % 10)));
  assert.equal(capture.cut, true);
  const kept = await all(capture, 100_000);
  assert.equal(kept.length, capture.size);
  assert.ok(kept.length > 1024 * 1024 && kept.length < 1.2 * 1024 * 1024);
  assert.match(kept, /^0{65536}1{65536}2{65536}3{65536}/);
});

test('a note of ours has a line of its own', async () => {
  const capture = openCapture(path(), 100, makeFolder);
  await capture.note('first');
  await capture.note('second');
  await capture.write(Buffer.from('\n'));
  await capture.note('third');
  assert.equal(capture.text(), 'first\nsecond\nthird');
});
