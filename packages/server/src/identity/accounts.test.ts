/** What another server changes is seen here within two seconds, whatever happens to the clock meanwhile. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { administrator, callBy, openBench, run, signedCall, userPrincipal } from './testing.ts';

test('a key that another server revoked is refused, also after the clock was set back', async (t) => {
  const bench = await openBench();
  t.after(() => bench.close());
  const credentials = await administrator(bench.identity);
  const ask = () => bench.identity.authenticate(signedCall(credentials, bench.clock.now()));
  await ask();
  const call = callBy(userPrincipal('admin'), bench.clock.now());
  const other = bench.another();
  const { AccessKey } = await run<{ AccessKey: { AccessKeyId: string } }>(
    other,
    'CreateAccessKey',
    { UserName: 'admin' },
    call,
  );
  assert.ok(AccessKey.AccessKeyId);
  await run(other, 'DeleteAccessKey', { UserName: 'admin', AccessKeyId: credentials.accessKeyId }, call);
  bench.clock.step(-86_400_000);
  bench.clock.advance(2_000);
  await assert.rejects(ask(), { code: 'UnrecognizedClientException' });
});
