/**
 * How fast the store writes so that it lasts: works that share commits, gathered items, and the same rows
 * upserted one by one on bare `node:sqlite`, in the same run on the same disk. `--postgres` adds PostgreSQL.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sql } from 'kysely';
import { type Gathered, openStore, rowsOf, type Store } from '../packages/server/src/store/index.ts';

const seconds = 3;
const nodes = 10_000;
const folder = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'rollcall-bench-'));

interface Ping {
  readonly node_id: string;
  readonly at: number;
}

const nodeId = (index: number) => `mi-${String(index % nodes).padStart(17, '0')}`;

/** A heartbeat as a work of its own. */
function ping(store: Store, node_id: string, at: number): Promise<unknown> {
  return store.write(async (tx) => {
    await tx
      .in('us-east-1')
      .insertInto('presence')
      .values({
        node_id,
        last_ping: at,
        period: 300,
        epoch: 0,
        channel_server: null,
        opened_at: null,
        closed_at: null,
        closed_by: null,
      })
      .onConflict((conflict) => conflict.columns(['region', 'node_id']).doUpdateSet({ last_ping: at }))
      .execute();
  });
}

/** Heartbeats that came together, as one statement. */
const pings: Gathered<Ping, undefined> = {
  name: 'pings',
  async write(tx, items) {
    // One statement may not meet a row twice: the last of each node counts.
    const last = [...new Map(items.map((item) => [item.node_id, item])).values()];
    const rows = rowsOf(tx, 'item', last, { node_id: 'text', at: 'bigint' });
    await sql`insert into presence (region, node_id, last_ping, period, epoch)
      select 'us-east-1', item.node_id, item.at, 300, 0 from ${rows} where true
      on conflict (region, node_id) do update set last_ping = excluded.last_ping`.execute(tx.everywhere);
    return items.map(() => undefined);
  },
};

/** Keeps `inFlight` calls under way; answers how many finished a second. */
async function rate(inFlight: number, call: (index: number) => Promise<unknown>): Promise<number> {
  let index = 0;
  let done = 0;
  const begin = performance.now();
  const end = begin + seconds * 1000;
  const caller = async () => {
    while (performance.now() < end) {
      await call(index++);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  return done / ((performance.now() - begin) / 1000);
}

/** The peer: what a program without the store would do, one commit for each row. */
function bareSqlite(): number {
  const db = new DatabaseSync(join(folder, 'bare.db'));
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  db.exec(
    'CREATE TABLE presence (region TEXT, node_id TEXT, last_ping BIGINT, period BIGINT, PRIMARY KEY (region, node_id))',
  );
  const upsert = db.prepare(
    'INSERT INTO presence VALUES (?, ?, ?, 300) ON CONFLICT (region, node_id) DO UPDATE SET last_ping = excluded.last_ping',
  );
  let done = 0;
  const begin = performance.now();
  while (performance.now() < begin + seconds * 1000) {
    upsert.run('us-east-1', nodeId(done), done);
    done += 1;
  }
  const result = done / ((performance.now() - begin) / 1000);
  db.close();
  return result;
}

async function measure(name: string, store: Store, bare: number): Promise<void> {
  const at = 1_767_225_600_000;
  for (const [what, inFlight, call] of [
    ['single writes', 1, (index: number) => ping(store, nodeId(index), at + index)],
    ['single writes', 64, (index: number) => ping(store, nodeId(index), at + index)],
    ['gathered', 64, (index: number) => store.gather(pings, { node_id: nodeId(index), at: at + index })],
    ['gathered', 1000, (index: number) => store.gather(pings, { node_id: nodeId(index), at: at + index })],
  ] as const) {
    print(`${name}, ${what}, ${inFlight} in flight`, await rate(inFlight, call), bare);
  }
  const read = (index: number) =>
    store.read((tx) =>
      tx
        .in('us-east-1')
        .selectFrom('presence')
        .selectAll()
        .where('node_id', '=', nodeId(index))
        .executeTakeFirst(),
    );
  print(`${name}, reads of one row, 64 in flight`, await rate(64, read), undefined);
  await store.close();
}

function print(what: string, perSecond: number, bare: number | undefined): void {
  const ratio = bare === undefined ? '' : `  ${(perSecond / bare).toFixed(2)} × bare`;
  process.stdout.write(`${what.padEnd(48)} ${Math.round(perSecond).toString().padStart(8)}/s${ratio}\n`);
}

try {
  const bare = bareSqlite();
  print('bare node:sqlite upserts, FULL, one by one', bare, undefined);
  const sqlite = await openStore({ kind: 'sqlite', directory: join(folder, 'store') });
  await measure('SQLite', sqlite, bare);
  if (process.argv.includes('--postgres')) {
    const { startPostgres } = await import('../test/support/postgres.ts');
    const server = await startPostgres();
    await measure('PostgreSQL', await openStore({ kind: 'postgres', url: server.url }), bare);
    await server.stop();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
