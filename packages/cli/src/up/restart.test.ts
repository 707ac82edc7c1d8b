/** A line that starts a server again has all that made it what it is, and no secret. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dataFolder, flat, rollcall, testIo } from '../testing/io.ts';
import { rememberStart, startFlags, startWords, startWordsFor } from './restart.ts';

test('flags and variables come back as flags, without the password of the database', () => {
  const { io } = testIo({
    cwd: '/srv',
    env: { ROLLCALL_STORE: 'postgres://me:hunter2@db/rollcall', ROLLCALL_LOCAL_NODE: 'true' },
  });
  const flags = startFlags({ listen: 'localhost:9471', region: ['a', 'b'], tlsCert: 'my cert.pem' }, io);
  assert.equal(
    startWords(flags),
    " --listen localhost:9471 --region a --region b --store postgres://me:PASSWORD@db/rollcall --tls-cert '/srv/my cert.pem' --local-node",
  );
});

test('for others a server listens to all, and stays as it is otherwise', () => {
  const words = (listen: string) =>
    startWordsFor('https://vm:9471', { listen: [listen], region: ['a'], localNode: [] });
  assert.equal(words('localhost:9471'), ' --public-url https://vm:9471 --region a');
  assert.equal(words('0.0.0.0:9471'), ' --listen 0.0.0.0:9471 --public-url https://vm:9471 --region a');
});

test('where no server answers, the line that starts it is the one that started it', async () => {
  const data = dataFolder();
  rememberStart(data, { listen: ['localhost:9471'], localNode: [] });
  const { code, err } = await rollcall(['nodes', '--data', data]);
  assert.equal(code, 2);
  const line = `Start it: rollcall up --data '${data}' --listen localhost:9471 --local-node`;
  assert.ok(flat(err).includes(line), err);
});
