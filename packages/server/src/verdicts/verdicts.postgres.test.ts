/** Verdicts on PostgreSQL, sorted as a language sorts. */
import { after, before, test } from 'node:test';
import { startPostgres, type TestPostgres } from '../../../../test/support/postgres.ts';
import { openGround } from '../presence/testing.ts';
import { cases } from './verdicts.case.ts';

let server: TestPostgres;
before(async () => {
  server = await startPostgres();
});
after(() => server?.stop());

for (const [name, run] of Object.entries(cases)) {
  test(name, async (context) =>
    run(context, await openGround(context, await server.createDatabase({ collation: 'linguistic' }))),
  );
}
