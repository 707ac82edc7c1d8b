/** Documents on PostgreSQL, where the SQL differs and changes really happen at once. */
import { after, before, test } from 'node:test';
import { startPostgres, type TestPostgres } from '../../../../test/support/postgres.ts';
import { openGround } from '../presence/testing.ts';
import { checkChangesAtOnce, checkLife, checkLists } from './documents.case.ts';
import { openDocumentsWorld } from './testing.ts';

let server: TestPostgres;
before(async () => {
  server = await startPostgres();
});
after(() => server?.stop());

for (const [what, check] of [
  ['the life of a document', checkLife],
  ['lists and filters', checkLists],
  ['changes at once', checkChangesAtOnce],
] as const) {
  test(what, async (context) => {
    const ground = await openGround(context, await server.createDatabase({ collation: 'linguistic' }));
    await check(await openDocumentsWorld(context, { ground }));
  });
}
