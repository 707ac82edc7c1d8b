/** What the roster promises, on either engine. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { ListMachinesOutput, MachineSummary } from '@rollcall/wire';
import { refusalOf } from '../nodes/testing.ts';
import type { Ground } from '../presence/testing.ts';
import { openRosterWorld, type RosterWorld, region } from './testing.ts';

type Case = (context: TestContext, ground?: Ground) => Promise<void>;

const open = (context: TestContext, ground: Ground | undefined) =>
  openRosterWorld(context, ground ? { ground } : {});
const hour = 3_600_000;

async function machines(world: RosterWorld, input: object = {}): Promise<Map<string, MachineSummary>> {
  const { Machines }: ListMachinesOutput = await world.call('ListMachines', input);
  return new Map(Machines.map((one) => [one.Key, one]));
}

/** A server that answers what it is told to. */
async function openInventory(context: TestContext) {
  const inventory = { status: 200, body: '[]', asked: [] as (string | undefined)[] };
  const server = createServer((request, response) => {
    inventory.asked.push(request.headers.authorization);
    response.writeHead(inventory.status, { location: 'http://127.0.0.1:1/' }).end(inventory.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => server.close());
  return Object.assign(inventory, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/x` });
}

/** All cases, by what they show. */
export const cases: Readonly<Record<string, Case>> = {
  async 'what is imported is expected; what isn’t listed any more is retired, not missing'(context, ground) {
    const world = await open(context, ground);
    const first = await world.list(
      'dc1',
      'name,ip,note\nweb-1,10.0.0.1,x\nweb-2,10.0.0.2,\nweb-3,,\nweb-4,,\n',
    );
    assert.deepEqual(first, {
      Source: 'dc1',
      Machines: 4,
      Added: 4,
      Changed: 0,
      Retired: 0,
      Returned: 0,
      Ignored: ['note'],
    });
    world.clock.advance(hour);
    const changed = 'name,ip\nweb-1,10.0.0.9\nweb-2,10.0.0.2\nweb-3,\n';
    const dry = await world.list('dc1', changed, { DryRun: true });
    assert.deepEqual([dry.Added, dry.Changed, dry.Retired], [0, 1, 1]);
    assert.equal((await machines(world)).size, 4, 'only said, not done');
    await world.list('dc1', changed);
    const now = await machines(world, { Filter: 'missing' });
    assert.deepEqual([...now.keys()], ['web-1', 'web-2', 'web-3']);
    const [gone] = (await machines(world, { Filter: 'retired' })).values();
    assert.equal(gone?.Key, 'web-4');
    assert.equal(gone?.RetiredAt?.getTime(), world.clock.now());
    const start = world.clock.now() - hour;
    assert.deepEqual(
      now
        .get('web-1')
        ?.Addresses.map((one) => [
          one.Address,
          one.From.getTime() - start,
          one.To && one.To.getTime() - start,
        ]),
      [
        ['10.0.0.1', -24 * hour, hour],
        ['10.0.0.9', hour, undefined],
      ],
      'an address is a lease; the first list was true for a day before',
    );
    assert.equal(now.get('web-2')?.LastSeenAt.getTime(), world.clock.now());
    assert.equal(now.get('web-2')?.FirstSeenAt.getTime(), start - 24 * hour);
    const back = await world.list('dc1', `${changed}web-4,\n`);
    assert.deepEqual([back.Returned, back.Added, back.Changed], [1, 0, 0]);
  },

  async 'what can’t be read changes nothing, and says where'(context, ground) {
    const world = await open(context, ground);
    await world.list('dc1', 'name\nweb-1\n');
    const refusal = await refusalOf(world.list('dc1', 'name,ip\nweb-1,\nweb-2,nowhere\n'));
    assert.equal(
      refusal.message,
      'The roster can\'t be read, and nothing was changed. line 3: "nowhere" isn\'t an IP address.',
    );
    for (const csv of ['name\n', '', 'x\ny\n']) await refusalOf(world.list('dc1', csv));
    assert.deepEqual([...(await machines(world, { Filter: 'all' })).keys()], ['web-1']);
    const packed = { Text: undefined, Data: gzipSync('name\nweb-1\nweb-2\n') };
    assert.equal((await world.list('dc1', '', packed)).Added, 1);
    await refusalOf(world.list('dc1', '', { Text: undefined, Data: gzipSync('\xff', {}).subarray(3) }));
    await refusalOf(world.list('dc1', '', { Text: undefined, Data: gzipSync(Buffer.alloc(40_000_000)) }));
  },

  async 'half a file isn’t taken for a fleet that is gone'(context, ground) {
    const world = await open(context, ground);
    await world.list('dc1', 'name\na\nb\nc\nd\ne\n');
    assert.match(
      (await refusalOf(world.list('dc1', 'name\na\nb\n'))).message,
      /lacks 3 of the 5 machines that dc1 had.*\(--retire-most\)/,
    );
    assert.equal((await machines(world)).size, 5);
    assert.equal((await world.list('dc1', 'name\na\nb\n', { RetireMost: true })).Retired, 3);
  },

  async 'machines are found to be nodes, whole regions and single ones alike'(context, ground) {
    const world = await open(context, ground);
    const web = await world.node('web-1.example.org', '10.0.0.1');
    const db = await world.node('elsewhere', '10.0.0.7');
    const byMac = await world.node('unnamed');
    await world.store.write((tx) =>
      tx
        .in(region)
        .insertInto('node_marks')
        .values({ node_id: byMac, mark: 'mac:52:54:00:00:00:01' })
        .execute(),
    );
    await world.list(
      'dc1',
      'name,ip,mac,node_id\nWEB-1,,,\ndb-1,10.0.0.7,,\ncam,,52:54:00:00:00:01,\nmissing,10.0.0.3,,\n',
    );
    await world.list('esx', 'key,name\nvm-7,web-1\n');
    const found = await machines(world);
    const shown = [...found.values()].map((one) => [one.Key, one.InstanceId, one.JoinedBy, one.SameAs]);
    assert.deepEqual(shown, [
      ['WEB-1', web, 'name', undefined],
      ['cam', byMac, 'mac', undefined],
      ['db-1', db, 'address', undefined],
      ['missing', undefined, undefined, undefined],
      ['vm-7', undefined, undefined, 'dc1/WEB-1'],
    ]);
    assert.equal(found.get('WEB-1')?.PingStatus, 'Online');
    assert.deepEqual([...(await machines(world, { Filter: 'missing' })).keys()], ['missing']);
    assert.deepEqual([...(await machines(world, { Name: '10.0.0.7' })).keys()], ['db-1']);
    // The surroundings of each say what the whole says.
    const view = world.presence.view();
    const seeds = [
      { nodeIds: [web] },
      { names: ['web-1'] },
      { addresses: ['10.0.0.7'] },
      { names: ['cam'] },
      { machines: [{ source: 'esx', key: 'vm-7' }] },
    ];
    const whole = await world.roster.landscape(region);
    for (const seed of seeds) {
      const near = await world.store.read((tx) => world.roster.around(tx, region, view, seed));
      assert.ok(near.machines.size > 0, JSON.stringify(seed));
      for (const id of near.machines.keys()) {
        assert.deepEqual(
          near.join.nodeOf.get(id),
          whole.join.nodeOf.get(id),
          `${id} by ${JSON.stringify(seed)}`,
        );
        assert.deepEqual(near.join.sameAs.get(id), whole.join.sameAs.get(id), id);
      }
    }
  },

  async 'what may be away isn’t missing, and what two sources list is missing once'(context, ground) {
    const world = await open(context, ground);
    await world.list(
      'dc1',
      'name,expected,power,maintenance_until\nweb-1,,,\nweb-2,spare,,\nweb-3,spare,on,\nweb-4,office-hours,,\nweb-5,,,2099-01-01\ndb-1,,,\n',
    );
    await world.list('dc2', 'name\ndb-1\n');
    const missing = await machines(world, { Filter: 'missing' });
    assert.deepEqual([...missing.values()].map((one) => `${one.Source}/${one.Key}`).sort(), [
      'dc1/db-1',
      'dc1/web-1',
      'dc1/web-3',
    ]);
  },

  async 'lists go a page at a time'(context, ground) {
    const world = await open(context, ground);
    await world.list('dc1', `name\n${Array.from({ length: 25 }, (_, at) => `m${at}`).join('\n')}\n`);
    const seen = new Set<string>();
    let token: string | undefined;
    do {
      const page: ListMachinesOutput = await world.call('ListMachines', { MaxResults: 10, NextToken: token });
      assert.equal(page.Total, 25);
      for (const one of page.Machines) seen.add(one.Key);
      token = page.NextToken;
    } while (token !== undefined);
    assert.equal(seen.size, 25);
    await refusalOf(world.call('ListMachines', { NextToken: 'x' }));
  },

  async 'a source is read by itself, when it is time; one that can’t be read is one line'(context, ground) {
    const world = await open(context, ground);
    const inventory = await openInventory(context);
    inventory.body = JSON.stringify([{ name: 'web-1' }, { name: 'web-2' }]);
    const source = { Source: 'netbox', Url: inventory.url, IntervalMinutes: 10, Authorization: 'Token abc' };
    await world.call('PutRosterSource', source);
    const sources = async () => (await world.call('ListRosterSources')).Sources[0];
    await world.roster.readSources();
    assert.deepEqual(inventory.asked, ['Token abc']);
    const read = await sources();
    assert.deepEqual([read.Machines, read.Error, read.IntervalMinutes], [2, undefined, 10]);
    assert.ok(!JSON.stringify(read).includes('abc'), 'never told');
    await world.roster.readSources();
    assert.equal(inventory.asked.length, 1, 'not before it is time');

    for (const [status, body, why] of [
      [503, '', /^It answered 503 instead of 200/],
      [302, '', /^It answered 302/],
      [200, '<html>login</html>', /^It must be well-formed JSON/],
      [200, '[]', /^It lists no machines/],
    ] as const) {
      Object.assign(inventory, { status, body });
      world.clock.jump(10 * 60_000);
      await world.roster.readSources();
      assert.match((await sources()).Error, why);
    }
    const failing = await sources();
    assert.equal(failing.Machines, 2, 'its machines stay as they were');
    assert.equal(failing.FailingSince.getTime(), world.clock.now() - 30 * 60_000);
    const { Events } = await world.call('ListEvents', { Subject: 'netbox' });
    assert.deepEqual(
      Events.map((event: { Kind: string }) => event.Kind),
      ['roster-source-unreadable'],
      'said once',
    );
    Object.assign(inventory, { status: 200, body: '["web-1","web-2"]' });
    world.clock.jump(10 * 60_000);
    await world.roster.readSources();
    assert.equal((await sources()).Error, undefined);

    const byHand = await refusalOf(world.list('netbox', 'name\nx\n'));
    assert.match(byHand.message, /is read from http/);
    // With another address the secret must be given again.
    await world.call('PutRosterSource', { Source: 'netbox', Url: `${inventory.url}/y` });
    await world.roster.readSources();
    assert.equal(inventory.asked.at(-1), undefined);
    assert.deepEqual(await world.call('DeleteRosterSource', { Source: 'netbox' }), { Machines: 2 });
    assert.equal((await machines(world, { Filter: 'all' })).size, 0);
    await refusalOf(world.call('DeleteRosterSource', { Source: 'netbox' }));
    for (const Url of ['ftp://x/', 'http://169.254.169.254/latest', 'https://a:b@example.org/', 'nonsense']) {
      await refusalOf(world.call('PutRosterSource', { Source: 'x', Url }));
    }
  },

  async 'what changes the roster is in the audit trail'(context, ground) {
    const world = await open(context, ground);
    await world.list('dc1', 'name\nweb-1\n');
    await world.call('PutRosterSource', {
      Source: 'x',
      Url: 'https://localhost:1/',
      Authorization: 'Token abc',
    });
    await world.call('DeleteRosterSource', { Source: 'dc1' });
    const rows = await world.store.read((tx) =>
      tx.everywhere
        .selectFrom('audit')
        .select(['operation', 'resource', 'detail'])
        .orderBy('audit_id')
        .execute(),
    );
    assert.deepEqual(
      rows.map((row) => [row.operation, row.resource]),
      [
        ['rollcall:ImportRoster', 'arn:aws:rollcall:us-east-1:000000000000:roster/dc1'],
        ['rollcall:PutRosterSource', 'arn:aws:rollcall:us-east-1:000000000000:roster/x'],
        ['rollcall:DeleteRosterSource', 'arn:aws:rollcall:us-east-1:000000000000:roster/dc1'],
      ],
    );
    assert.ok(!JSON.stringify(rows).includes('abc'));
  },
};
