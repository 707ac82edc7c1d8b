/** Rosters in the forms in which people have them, and what is said of lines that can't be read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ListedMachine, RosterRead } from '../machine.ts';
import { type RosterFormat, readRoster } from './index.ts';

async function machines(format: RosterFormat, text: string): Promise<readonly ListedMachine[]> {
  const read = await readRoster(format, text);
  assert.ok(read.ok, JSON.stringify(read));
  return read.machines;
}

async function problems(format: RosterFormat, text: string) {
  const read: RosterRead = await readRoster(format, text);
  assert.ok(!read.ok);
  return read.problems.map(({ line, text }) => `${line}: ${text}`);
}

test('CSV: the columns by their usual names, in any order, quoted or not, with commas or semicolons', async () => {
  const read = await readRoster(
    'csv',
    '\ufeffHostname;IP Address;MAC;Rack;Expected;UUID\r\n' +
      '"web-01.example.org";"10.0.0.5, fe80::1";52-54-00-12-34-56;A7;Office Hours;4C4C4544-0042-3510-8058-B4C04F4E4D31\r\n' +
      '# the old one\r\n\r\nweb-02;;5254.0012.3457;;;\r\n',
  );
  assert.ok(read.ok);
  assert.deepEqual(read.ignored, ['Rack']);
  assert.deepEqual(read.machines, [
    {
      key: 'web-01.example.org',
      name: 'web-01.example.org',
      names: ['web-01.example.org'],
      macs: ['52:54:00:12:34:56'],
      addresses: ['10.0.0.5', 'fe80::1'],
      uuid: '4c4c4544-0042-3510-8058-b4c04f4e4d31',
      expected: 'office-hours',
    },
    { key: 'web-02', name: 'web-02', names: ['web-02'], macs: ['52:54:00:12:34:57'], addresses: [] },
  ]);
});

test('CSV: a field may have line ends and doubled quotes; the lines after it keep their numbers', async () => {
  const text = 'name,note,node_id\n"web ""one""","two\nlines",\nweb-2,,mi-nonsense\n';
  assert.deepEqual(await problems('csv', text), ['4: "mi-nonsense" isn\'t a node id (mi-… or i-…).']);
  assert.equal((await machines('csv', text.replace('mi-nonsense', '')))[0]?.name, 'web "one"');
});

test('every line that is wrong is named, and nothing is guessed', async () => {
  const text =
    'name,ip,expected,mac\nweb-1,10.0.0.300,,\nweb-2,,sometimes,\n,,,\nweb-3,,,zz\nweb-3,,,\nweb-3,,,\n';
  assert.deepEqual(await problems('csv', text), [
    '2: "10.0.0.300" isn\'t an IP address.',
    '3: "sometimes" isn\'t one of always, office-hours, spare, retired.',
    '5: "zz" isn\'t a MAC address.',
    '7: "web-3" is listed twice; each machine needs a key of its own.',
  ]);
  assert.match(
    (await problems('csv', 'rack,owner\nA,b\n'))[0]!,
    /^1: None of its columns names the machines/,
  );
  assert.match((await problems('csv', 'name,ip\n"web\n'))[0]!, /^2: A quoted field has no end/);
  assert.match((await problems('csv', ''))[0]!, /^0: It is empty/);
  assert.match((await problems('csv', 'name\nweb,x\n'))[0]!, /^2: It has 2 fields/);
  const many = `name,ip\n${'web,nowhere\n'.repeat(500)}`;
  assert.equal((await problems('csv', many)).length, 20);
});

test('names that would paint a terminal are refused', async () => {
  const [problem] = await problems('csv', 'name\nweb\u001b[31m\n');
  assert.match(problem!, /^2: "web�\[31m" can't be a name/);
});

test('an Ansible inventory, INI: groups, ranges, variables of groups', async () => {
  const found = await machines(
    'ansible',
    `# ours
mail.example.com ansible_host=192.0.2.10

[web]
web[01:03].example.com   ; three of them
[db]
db-[a:b] ansible_host=10.0.1.5 mac_address=52:54:00:00:00:0a id=7
[db:vars]
expected=office-hours
state=present
[all:children]
db
[local]
localhost ansible_connection=local
`,
  );
  const by = new Map(found.map((one) => [one.key, one]));
  assert.deepEqual(
    [...by.keys()],
    ['mail.example.com', 'web01.example.com', 'web02.example.com', 'web03.example.com', 'db-a', 'db-b'],
  );
  assert.deepEqual(by.get('mail.example.com')?.addresses, ['192.0.2.10']);
  assert.equal(by.get('db-a')?.expected, 'office-hours');
  assert.equal(by.get('db-a')?.power, undefined, 'state is a variable of half the roles of the world');
  assert.deepEqual(by.get('db-b')?.macs, ['52:54:00:00:00:0a']);
  assert.deepEqual(await problems('ansible', '[web\nweb1\n[db:nodes]\n[x:vars]\nnovalue\n[y]\na b\n'), [
    '1: The name of a group has no end.',
    '3: "nodes" isn\'t hosts, vars or children.',
    '5: A variable is written name=value.',
    '7: "b" isn\'t a variable: it has no "=".',
  ]);
});

test('an Ansible inventory, YAML', async () => {
  const found = await machines(
    'ansible',
    `all:
  vars: { rollcall_expected: spare }
  hosts:
    mail.example.com:
  children:
    web:
      hosts:
        web-1: { ansible_host: 10.0.0.1, rollcall_power: "off" }
        web-2:
          ansible_host: "{{ lookup('dig', 'x') }}"
    db:
      vars:
        rollcall_expected: always
      hosts:
        db[1:2]:
`,
  );
  assert.deepEqual(
    found.map((one) => [one.key, one.expected, one.power, ...one.addresses]),
    [
      ['mail.example.com', 'spare', undefined],
      ['web-1', 'spare', 'off', '10.0.0.1'],
      ['web-2', 'spare', undefined],
      ['db1', 'always', undefined],
      ['db2', 'always', undefined],
    ],
  );
  assert.deepEqual(await problems('ansible', 'all:\n  hosts:\n    a:\n  childs: {}\n'), [
    '4: "childs" isn\'t hosts, vars or children.',
  ]);
  assert.match(
    (await problems('ansible', 'all:\n  hosts: {a: b: c}\n'))[0]!,
    /^2: It must be well-formed YAML/,
  );
  // Ten levels of ten: a thousand million hosts in a few hundred bytes.
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\n${Array.from('bcdefghij', (name, at) => `${name}: &${name} [${`*${'abcdefghi'[at]},`.repeat(10)}]`).join('\n')}\n`;
  assert.ok((await problems('ansible', bomb)).length > 0);
});

test('describe-instances: names, addresses and MACs; what is terminated isn’t there', async () => {
  const text = JSON.stringify({
    Reservations: [
      {
        Instances: [
          {
            InstanceId: 'i-0a1b2c3d4e5f60718',
            State: { Name: 'stopped' },
            PrivateDnsName: 'ip-10-0-0-5.ec2.internal',
            PrivateIpAddress: '10.0.0.5',
            Tags: [{ Key: 'Name', Value: 'app-21' }],
            NetworkInterfaces: [
              {
                MacAddress: '02:00:00:00:00:01',
                PrivateIpAddress: '10.0.0.5',
                Ipv6Addresses: [{ Ipv6Address: '2001:db8::1' }],
              },
            ],
          },
          { InstanceId: 'i-0fffffffffffffff0', State: { Name: 'terminated' } },
        ],
      },
    ],
  });
  assert.deepEqual(await machines('ec2', text), [
    {
      key: 'i-0a1b2c3d4e5f60718',
      name: 'app-21',
      names: ['app-21', 'ip-10-0-0-5.ec2.internal', 'i-0a1b2c3d4e5f60718'],
      nodeId: 'i-0a1b2c3d4e5f60718',
      macs: ['02:00:00:00:00:01'],
      addresses: ['10.0.0.5', '2001:db8::1'],
      power: 'off',
    },
  ]);
  assert.deepEqual(await machines('ec2', '{"Reservations": []}'), []);
  assert.match((await problems('ec2', '{"Instances": 4}'))[0]!, /has no Reservations/);
  assert.match((await problems('ec2', '{"Reservations": [{"x": }]}'))[0]!, /It must be well-formed JSON/);
});

test('the form of /etc/hosts', async () => {
  const text = `127.0.0.1 localhost\n::1 localhost ip6-localhost\nff02::1 ip6-allnodes
10.0.0.5\tweb-1.example.org web-1   # rack 7\n2001:db8::5 web-1.example.org\n10.0.0.6 db-1\n`;
  assert.deepEqual(
    (await machines('hosts', text)).map((one) => [one.key, one.names.length, ...one.addresses]),
    [
      ['web-1.example.org', 2, '10.0.0.5', '2001:db8::5'],
      ['db-1', 1, '10.0.0.6'],
    ],
  );
  assert.deepEqual(await problems('hosts', '10.0.0.5 a\nweb-1 10.0.0.5\n10.0.0.7\n'), [
    '2: "web-1" isn\'t an IP address.',
    '3: No name follows the address.',
  ]);
});

test('JSON: a list, or an object with one', async () => {
  const proxmox = {
    data: [{ vmid: 101, name: 'web-01', node: 'pve1', status: 'running', maxmem: 1 }, 'db-01'],
  };
  const found = await machines('json', JSON.stringify(proxmox));
  assert.deepEqual(found, [
    { key: '101', name: 'web-01', names: ['web-01'], macs: [], addresses: [], power: 'on' },
    { key: 'db-01', name: 'db-01', names: ['db-01'], macs: [], addresses: [] },
  ]);
  assert.match((await problems('json', '{"error": "login"}'))[0]!, /must be a list of machines/);
  assert.match((await problems('json', '<html>'))[0]!, /must be well-formed JSON/);
  assert.match((await problems('json', '['.repeat(50_000)))[0]!, /nested too deep/);
});
