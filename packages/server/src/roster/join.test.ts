/** Who is who: each rule, and what may not be concluded. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type JoinMachine, type JoinNode, join } from './join.ts';

let count = 0;

function node(more: Partial<JoinNode> = {}): JoinNode {
  return {
    nodeId: `mi-${String(++count).padStart(17, '0')}`,
    registeredAt: 1000,
    deregistered: false,
    online: true,
    lastPing: 5000,
    name: null,
    computerName: null,
    address: null,
    ...more,
  };
}

function machine(key: string, more: Partial<JoinMachine> = {}): JoinMachine {
  return {
    source: 'dc1',
    key,
    retired: false,
    nodeId: null,
    uuid: null,
    macs: [],
    names: [],
    addresses: [],
    ...more,
  };
}

const shown = (machines: JoinMachine[], nodes: JoinNode[]) =>
  Object.fromEntries([...join(machines, nodes).nodeOf].map(([id, { nodeId, by }]) => [id, [nodeId, by]]));

test('each way in its turn: what is stronger decides', () => {
  const uuid = '4c4c4544-0042-3510-8058-b4c04f4e4d31';
  const byId = node();
  const byUuid = node({ marks: [`uuid:${uuid}`] });
  const byMac = node({ marks: ['mac:52:54:00:12:34:56'] });
  const byName = node({ computerName: 'Web-04' });
  const byAddress = node({ address: '10.0.0.5', computerName: 'elsewhere' });
  const machines = [
    machine('web-01', { nodeId: byId.nodeId, uuid }),
    machine('web-02', { uuid, macs: ['52:54:00:12:34:56'] }),
    machine('web-03', { macs: ['52:54:00:12:34:56'], addresses: ['10.0.0.5'] }),
    machine('web-04', { addresses: ['10.0.0.5'] }),
    machine('web-05', { addresses: ['10.0.0.5'] }),
  ];
  assert.deepEqual(shown(machines, [byAddress, byName, byMac, byUuid, byId]), {
    'dc1/web-01': [byId.nodeId, 'id'],
    'dc1/web-02': [byUuid.nodeId, 'uuid'],
    'dc1/web-03': [byMac.nodeId, 'mac'],
    'dc1/web-04': [byName.nodeId, 'name'],
    'dc1/web-05': [byAddress.nodeId, 'address'],
  });
});

test('a full name and a short one are the same machine; two full names are two', () => {
  const short = node({ computerName: 'web-01' });
  const full = node({ computerName: 'db-01.example.org' });
  assert.deepEqual(shown([machine('web-01.example.org'), machine('db-01')], [short, full]), {
    'dc1/web-01.example.org': [short.nodeId, 'name'],
    'dc1/db-01': [full.nodeId, 'name'],
  });
  assert.deepEqual(shown([machine('db-01.example.net')], [full]), {});
  assert.deepEqual(shown([machine('web-01.a.example'), machine('web-01.b.example')], [short]), {});
});

test('a name that many share decides nothing', () => {
  const many = [1, 2, 3].map(() => node({ name: 'web' }));
  assert.deepEqual(shown([machine('web')], many), {});
  const pis = [node({ computerName: 'raspberrypi' }), node({ computerName: 'raspberrypi' })];
  assert.deepEqual(shown([machine('raspberrypi')], pis), {});
  const lost = pis.map((one) => ({ ...one, online: false }));
  assert.deepEqual(shown([machine('raspberrypi')], lost), {}, 'they lived at the same time');
});

test('a machine that registered anew is one machine, with a former node', () => {
  const before = node({ computerName: 'web-01', online: false, lastPing: 2000 });
  const now = node({ computerName: 'web-01', registeredAt: 3000 });
  const found = join([machine('web-01')], [before, now]);
  assert.equal(found.nodeOf.get('dc1/web-01')?.nodeId, now.nodeId);
  assert.deepEqual([...found.former], [before.nodeId]);
  assert.equal(found.machineOf.get(before.nodeId), 'dc1/web-01');
  const beside = node({ computerName: 'web-01', online: false, lastPing: 4000 });
  assert.equal(join([machine('web-01')], [beside, now]).former.size, 0, 'it was there when the other came');
});

test('a node is one machine at most; the same machine in two sources is one', () => {
  const one = node({ computerName: 'web-01' });
  const found = join([machine('web-01'), machine('VM 7', { source: 'esx', names: ['WEB-01'] })], [one]);
  assert.deepEqual([...found.nodeOf.keys()], ['dc1/web-01']);
  assert.deepEqual([...found.sameAs], [['esx/VM 7', 'dc1/web-01']]);
  assert.equal(join([machine('web-01'), machine('2', { names: ['web-01'] })], [one]).nodeOf.size, 0);
});

test('two sources that list a machine without a node list one, where nothing speaks against it', () => {
  const same = (...machines: JoinMachine[]) => [...join(machines, []).sameAs];
  const listed = (source: string, more: Partial<JoinMachine> = {}) =>
    machine('1', { source, names: ['db01'], ...more });
  assert.deepEqual(same(listed('a'), listed('b')), [['b/1', 'a/1']]);
  assert.deepEqual(same(listed('a', { addresses: ['10.0.0.1'] }), listed('b')), [['b/1', 'a/1']]);
  assert.deepEqual(
    same(listed('a', { addresses: ['10.0.0.1'] }), listed('b', { addresses: ['10.9.0.1'] })),
    [],
  );
  const macs = ['52:54:00:00:00:01'];
  assert.deepEqual(
    same(listed('a', { macs }), listed('b', { macs, names: ['other'] }), listed('c', { names: ['other'] })),
    [['b/1', 'a/1']],
    'c has the name of what is already found to be a',
  );
  assert.deepEqual(same(listed('a'), machine('2', { source: 'a', names: ['DB01'] }), listed('b')), []);
  assert.deepEqual(
    same(listed('a', { names: ['x'] }), listed('b', { names: ['y'] })),
    [],
    'keys are each their own',
  );
  assert.deepEqual(same(listed('a'), listed('b', { retired: true })), []);
});

test('tombstones are what is left: they count where no node does', () => {
  const gone = node({ computerName: 'web-01', deregistered: true, online: false });
  assert.deepEqual(shown([machine('web-01')], [gone]), { 'dc1/web-01': [gone.nodeId, 'name'] });
  const now = node({ address: '10.0.0.5' });
  assert.deepEqual(shown([machine('web-01', { addresses: ['10.0.0.5'] })], [gone, now]), {
    'dc1/web-01': [now.nodeId, 'address'],
  });
});

test('what is listed now comes before what was listed once', () => {
  const one = node({ address: '10.0.0.5' });
  const machines = [
    machine('old', { retired: true, addresses: ['10.0.0.5'] }),
    machine('new', { addresses: ['10.0.0.5'] }),
  ];
  assert.deepEqual(shown(machines, [one]), { 'dc1/new': [one.nodeId, 'address'] });
});
