/**
 * The very first start of `rollcall up`, killed at moments that nobody chose. The next one works, or says in one
 * line why it doesn't; there is one CA and one secrets key, and what was sealed can be opened.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openApiClient } from '../harness/api-client.ts';
import { freePort, startServer, type TestServer } from '../harness/server.ts';
import { seeded } from '../kill/seeded.ts';

const trials = 24;
const main = join(import.meta.dirname, '../../packages/cli/src/main.js');
/** Once one of them is there, it must stay as it is. */
const lasting = ['ca.crt', 'ca.key', 'secrets.key'];

test('a first start that is killed at any moment leaves nothing that the next one stumbles over', async () => {
  const random = seeded(Date.now());
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-first-start-'));
  try {
    // How long a start takes here, so that the moments lie within one.
    const began = Date.now();
    const whole = await startServer({ data: join(folder, 'whole') });
    const took = Date.now() - began;
    await whole.stop();

    const survived: string[] = [];
    const work = Array.from({ length: trials }, (_, number) => number);
    const lane = async () => {
      for (let number = work.pop(); number !== undefined; number = work.pop()) {
        // The first third is the program being loaded: nothing is on disk yet.
        const after = Math.round(took * 0.3 + random(1000) * took * 0.0008);
        survived.push(await trial(join(folder, String(number)), after));
      }
    };
    // Both to their ends, so that no server outlives a failure.
    const ends = await Promise.allSettled([lane(), lane()]);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    console.log(`a start takes ${took} ms here; killed at ${trials} moments: ${survived.sort().join(', ')}`);
    assert.equal(survived.length, trials);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Answers what was on disk at the moment of the kill. */
async function trial(data: string, after: number): Promise<string> {
  const port = await freePort();
  const flags = ['up', '--data', data, '--listen', `localhost:${port}`, '--metrics', 'off'];
  const child = spawn(process.execPath, [main, ...flags], {
    stdio: 'ignore',
    env: { PATH: process.env.PATH, HOME: process.env.HOME },
  });
  const ended = new Promise((done) => child.once('exit', done));
  await sleep(after);
  child.kill('SIGKILL');
  await ended;
  const seen = prints(data);
  const stage = existsSync(join(data, 'connection.json'))
    ? 'connection.json'
    : ([...seen.keys()].pop() ?? 'nothing');

  const next = await startServer({ data, port }).catch((error: Error) => error);
  if (next instanceof Error) {
    const said = next.message.split('\n').slice(1).join('\n').trim();
    assert.match(next.message, /ended with 2/, `killed after ${after} ms: ${next.message}`);
    assert.doesNotMatch(next.message, /unforeseen/, `killed after ${after} ms: ${next.message}`);
    assert.equal(said.split('\n').length, 1, `killed after ${after} ms, not one line: ${said}`);
    return `${stage} (says: ${said})`;
  }
  const credentials = await looked(next, async () => {
    const { AccessKey } = await next.admin.ask('rollcall:CreateUser', { UserName: 'somebody' });
    for (const [name, print] of prints(data)) {
      const before = seen.get(name) ?? print;
      assert.equal(print, before, `${name} was made a second time, after ${after} ms`);
    }
    return { accessKeyId: AccessKey.AccessKeyId, secretAccessKey: AccessKey.SecretAccessKey };
  });
  // Whatever was sealed opens after one more start, and the CA is still that one.
  const again = await startServer({ data, port });
  await looked(again, async () => {
    assert.equal(again.ca, next.ca);
    const { url, ca } = again;
    const somebody = openApiClient({ url, ca, region: 'us-east-1', credentials });
    const answer = await somebody.call('ssm:DescribeInstanceInformation');
    somebody.close();
    assert.equal(answer.json.__type, 'AccessDeniedException', `${answer.text} after ${after} ms`);
  });
  rmSync(data, { recursive: true, force: true });
  return stage;
}

/** Looks at a server and kills it, whatever was seen. */
async function looked<R>(server: TestServer, look: () => Promise<R>): Promise<R> {
  try {
    return await look();
  } finally {
    await server.kill();
  }
}

function prints(data: string): Map<string, string> {
  const found = lasting.filter((name) => existsSync(join(data, name)));
  const print = (name: string) =>
    createHash('sha256')
      .update(readFileSync(join(data, name)))
      .digest('hex');
  return new Map(found.map((name) => [name, print(name)]));
}
