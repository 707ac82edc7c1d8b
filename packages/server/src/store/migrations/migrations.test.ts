/** Migrations: databases of every version come up to date, interrupted ones go on, and the types fit the SQL. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, it } from 'node:test';
import { DatabaseUnusable, databaseFile, newestMigration, openStore, type Tables } from '../index.ts';
import { migrationTarget } from '../sqlite/open.ts';
import { type Migration, migrate, migrations } from './index.ts';

const root = mkdtempSync(join(tmpdir(), 'rollcall-migrations-'));
after(() => rmSync(root, { recursive: true, force: true }));
const golden = join(import.meta.dirname, '..', 'golden');

describe('Migrations', () => {
  it('are numbered without gaps, and each has a golden database', () => {
    assert.deepEqual(
      migrations.map(({ number }) => number),
      migrations.map((_, index) => index + 1),
    );
    assert.deepEqual(
      readdirSync(golden).sort(),
      migrations.map(({ number }) => `${String(number).padStart(4, '0')}.sql`),
    );
  });

  for (const file of readdirSync(golden).sort()) {
    it(`bring ${file} up to date with every row`, async () => {
      const directory = join(root, file);
      mkdirSync(directory);
      const dump = readFileSync(join(golden, file), 'utf8');
      const db = new DatabaseSync(join(directory, databaseFile));
      db.exec(dump);
      db.close();
      const store = await openStore({ kind: 'sqlite', directory });
      await store.read(async (tx) => {
        const nodes = await tx.in('us-east-1').selectFrom('nodes').selectAll().orderBy('node_id').execute();
        assert.equal(nodes.length, 2);
        assert.equal(nodes[0]?.node_id, 'mi-0123456789abcdef0');
        assert.equal(nodes[0]?.registered_at, 1_767_225_600_000);
        assert.equal(nodes[1]?.deregistered_by, 'arn:aws:iam::123456789012:user/admin');
        for (const table of tableNames) {
          const rows = await tx.everywhere
            .selectFrom(table as 'nodes')
            .selectAll()
            .execute();
          const had = dump.includes(`INSERT INTO ${table} `);
          assert.equal(rows.length > 0, had, `${table} lost its rows`);
          if (had) assert.deepEqual(Object.keys(rows[0]!).sort(), Object.keys(columns[table]).sort());
        }
      });
      await store.close();
    });
  }

  it('fit the types by which the program knows them', async () => {
    const db = new DatabaseSync(':memory:');
    await migrate(migrationTarget(db), 0);
    const tables = db
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
      .all()
      .map((row) => String(row.name))
      .filter((name) => name !== 'migrations');
    assert.deepEqual(tables.sort(), [...tableNames].sort());
    for (const table of tableNames) {
      const found = db.prepare(`SELECT name FROM pragma_table_info('${table}')`).all();
      assert.deepEqual(
        found.map((row) => String(row.name)).sort(),
        Object.keys(columns[table]).sort(),
        table,
      );
    }
  });

  it('that were interrupted go on where they stopped, and change nothing when they fail', async () => {
    const db = new DatabaseSync(':memory:');
    const steps: Migration[] = [
      { number: 1, name: 'one', sql: 'CREATE TABLE one (a TEXT);' },
      { number: 2, name: 'two', sql: 'CREATE TABLE two (a TEXT); INSERT INTO nowhere VALUES (1);' },
    ];
    await assert.rejects(migrate(migrationTarget(db), 1, steps), (error: Error) => {
      assert.ok(error instanceof DatabaseUnusable);
      assert.match(error.message, /schema 2 .*it is as it was/);
      return true;
    });
    const names = () =>
      db
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .all()
        .map(({ name }) => name);
    assert.deepEqual(names(), ['migrations', 'one']);
    const mended = [steps[0]!, { ...steps[1]!, sql: 'CREATE TABLE two (a TEXT);' }];
    await migrate(migrationTarget(db), 2, mended);
    await migrate(migrationTarget(db), 3, mended);
    assert.deepEqual(names(), ['migrations', 'one', 'two']);
    const applied = db.prepare('SELECT number, applied_at FROM migrations ORDER BY number').all();
    assert.deepEqual(
      applied.map((row) => ({ ...row })),
      [
        { number: 1, applied_at: 1 },
        { number: 2, applied_at: 2 },
      ],
    );
  });

  it('end at the newest schema that the program knows', () => {
    assert.equal(newestMigration, migrations.length);
  });
});

/** Every column of every table: the compiler holds this against the types, the test against the SQL. */
const columns: { readonly [T in keyof Tables]: { readonly [C in keyof Required<Tables[T]>]: true } } = {
  settings: { region: true, name: true, value: true, changed_at: true, changed_by: true },
  servers: { server_id: true, started_at: true, lease_until: true, stopped_at: true },
  audit: {
    audit_id: true,
    at: true,
    region: true,
    principal: true,
    operation: true,
    resource: true,
    decision: true,
    code: true,
    source: true,
    detail: true,
    count: true,
    last_at: true,
  },
  knocks: {
    room: true,
    source: true,
    claim: true,
    reason: true,
    first_at: true,
    last_at: true,
    count: true,
    address: true,
    layer: true,
    client: true,
    server_name: true,
    region: true,
    detail: true,
  },
  events: { event_id: true, at: true, region: true, kind: true, subject: true, detail: true },
  users: { user_name: true, user_id: true, created_at: true, policy: true, epoch: true },
  access_keys: { access_key_id: true, user_name: true, secret: true, status: true, created_at: true },
  activations: {
    region: true,
    activation_id: true,
    code_hash: true,
    description: true,
    default_instance_name: true,
    iam_role: true,
    registration_limit: true,
    registrations_count: true,
    created_at: true,
    created_by: true,
    expires_at: true,
    tags: true,
  },
  nodes: {
    region: true,
    node_id: true,
    registered_at: true,
    activation_id: true,
    iam_role: true,
    name: true,
    public_key: true,
    public_key_type: true,
    previous_public_key: true,
    previous_key_until: true,
    fingerprint: true,
    epoch: true,
    agent_name: true,
    agent_version: true,
    platform_type: true,
    platform_name: true,
    platform_version: true,
    ip_address: true,
    computer_name: true,
    availability_zone: true,
    trusts: true,
    sightings: true,
    clone_seen_at: true,
    deregistered_at: true,
    deregistered_by: true,
    peer: true,
  },
  presence: {
    region: true,
    node_id: true,
    last_ping: true,
    gap: true,
    period: true,
    epoch: true,
    channel_server: true,
    opened_at: true,
    closed_at: true,
    closed_by: true,
    skew_ms: true,
  },
  presence_history: { region: true, node_id: true, at: true, change: true },
  tags: { region: true, resource_type: true, resource_id: true, key: true, value: true },
  associations: {
    region: true,
    association_id: true,
    name: true,
    document_version: true,
    association_version: true,
    association_name: true,
    created_at: true,
  },
  association_statuses: {
    region: true,
    node_id: true,
    association_id: true,
    status: true,
    detailed_status: true,
    execution_date: true,
    execution_summary: true,
    error_code: true,
  },
  documents: {
    region: true,
    name: true,
    created_at: true,
    created_by: true,
    default_version: true,
    next_version: true,
  },
  document_versions: {
    region: true,
    name: true,
    version: true,
    version_name: true,
    created_at: true,
    created_by: true,
    format: true,
    schema_version: true,
    hash: true,
    display_name: true,
    target_type: true,
    platform_types: true,
    content: true,
    text: true,
  },
  document_shares: { region: true, name: true, account_id: true, shared_version: true },
  commands: {
    region: true,
    command_id: true,
    created_at: true,
    requested_by: true,
    document_name: true,
    document_version: true,
    status: true,
    status_details: true,
    expires_at: true,
    timeout_seconds: true,
    execution_seconds: true,
    concurrency: true,
    error_limit: true,
    cancelled_at: true,
    target_count: true,
    queued_count: true,
    started_count: true,
    finished_count: true,
    success_count: true,
    error_count: true,
    delivery_timed_out_count: true,
    excluded_count: true,
    asked: true,
    steps: true,
    content: true,
  },
  invocations: {
    region: true,
    command_id: true,
    node_id: true,
    position: true,
    created_at: true,
    state: true,
    deadline: true,
    attempt: true,
    epoch: true,
    lease_until: true,
    first_offered_at: true,
    not_before: true,
    accepted_at: true,
    cancel_acked_at: true,
    ended_at: true,
    number: true,
    response_code: true,
    reason: true,
    steps: true,
  },
  command_outputs: {
    region: true,
    command_id: true,
    node_id: true,
    step: true,
    stream: true,
    start: true,
    size: true,
    created_at: true,
    data: true,
  },
  roster_sources: {
    region: true,
    source: true,
    format: true,
    url: true,
    secret: true,
    period: true,
    created_at: true,
    created_by: true,
    tried_at: true,
    read_at: true,
    error: true,
    failing_since: true,
  },
  machines: {
    region: true,
    source: true,
    machine_key: true,
    name: true,
    node_id: true,
    system_uuid: true,
    expected: true,
    power: true,
    maintenance_until: true,
    first_seen_at: true,
    last_seen_at: true,
    retired_at: true,
    names: true,
    macs: true,
  },
  machine_marks: { region: true, mark: true, source: true, machine_key: true },
  machine_addresses: {
    region: true,
    source: true,
    machine_key: true,
    address: true,
    since: true,
    until: true,
  },
  node_evidence: { region: true, node_id: true, received_at: true, evidence: true },
  node_marks: { region: true, mark: true, node_id: true },
  standings: {
    region: true,
    subject: true,
    kind: true,
    noticed_at: true,
    shown_at: true,
    well_since: true,
    cause: true,
  },
  verdict_history: { region: true, subject: true, at: true, change: true, cause: true, confidence: true },
};
const tableNames = Object.keys(columns) as (keyof Tables)[];
