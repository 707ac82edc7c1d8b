/** What is found on machines of all kinds, from their files and commands; and on one with an agent of ours, for real. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { collectNode } from './collect.ts';
import { redact } from './redact.ts';
import { makeAuthority } from './testing/certificates.ts';
import { makeMachine, now, putProcess, type TestMachine } from './testing/machine.ts';

const iso = (at: number) => new Date(at).toISOString();
const local = (at: number) => {
  const date = new Date(at);
  const two = (number: number) => String(number).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
};

const secret = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj';

/** The official agent's registration, as it writes it. */
function putVault(
  machine: TestMachine,
  changes: { key?: object; hardware?: object; threshold?: number } = {},
) {
  const store = '/var/lib/amazon/ssm/Vault/Store';
  machine.put(
    '/var/lib/amazon/ssm/Vault/Manifest',
    JSON.stringify({
      RegistrationKey: `${store}/RegistrationKey`,
      InstanceFingerprint: `${store}/InstanceFingerprint`,
    }),
  );
  machine.put(
    `${store}/RegistrationKey`,
    JSON.stringify({
      instanceID: 'mi-0123456789abcdef0',
      region: 'eu-west-1',
      instanceType: '',
      availabilityZone: '',
      privateKey: secret,
      privateKeyType: 'Rsa',
      privateKeyCreatedDate: '2026-10-02 10:00:00.123456789 +0000 UTC',
      ...changes.key,
    }),
  );
  machine.put(
    `${store}/InstanceFingerprint`,
    JSON.stringify({
      fingerprint: '0d2e6f0e-0000-4000-8000-000000000001',
      hardwareHash: {
        'machine-id': '0123456789abcdef0123456789abcdef\n',
        'hostname-info': 'web-07',
        'ipaddress-info': '10.1.2.3',
        'macaddr-info': '02:00:00:00:00:01',
        'processor-hash': '',
        'memory-hash': '',
        'bios-hash': '',
        'system-hash': '',
        'disk-info': 'x',
        ...changes.hardware,
      },
      similarityThreshold: changes.threshold ?? 40,
    }),
  );
  machine.put(
    '/var/lib/amazon/ssm/registration',
    '{"ManagedInstanceID":"mi-0123456789abcdef0","Region":"eu-west-1"}',
  );
  machine.put('/sys/class/net/eth0/address', '02:00:00:00:00:01\n');
  machine.put('/sys/class/net/eth0/ifindex', '2\n');
}

const units: Readonly<Record<string, string>> = {
  LoadState: 'loaded',
  ActiveState: 'active',
  SubState: 'running',
  UnitFileState: 'enabled',
  NRestarts: '0',
  ExecMainCode: '0',
  ExecMainStatus: '0',
};

const shows = (changes: Readonly<Record<string, string>> = {}) =>
  Object.entries({ ...units, ...changes })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');

const absent = 'LoadState=not-found\nActiveState=inactive\n';

function deb(t: TestContext, service = shows()): TestMachine {
  const machine = makeMachine(t, {
    'systemctl show': absent,
    'systemctl show amazon-ssm-agent.service': service,
  });
  machine.put('/run/systemd/system/.keep', '');
  machine.put(
    '/var/lib/dpkg/status',
    'Package: adduser\nStatus: install ok installed\nVersion: 3.1\n\nPackage: amazon-ssm-agent\nStatus: install ok installed\nVersion: 3.3.987.0-1\n\nPackage: zlib\nStatus: install ok installed\nVersion: 1\n',
  );
  machine.put('/usr/bin/amazon-ssm-agent', '');
  putVault(machine);
  return machine;
}

/** Endpoints that lead nowhere further than this machine. */
function lead(machine: TestMachine, endpoint = 'https://127.0.0.1:1'): void {
  const section = { Endpoint: endpoint };
  machine.put(
    '/etc/amazon/ssm/amazon-ssm-agent.json',
    JSON.stringify({ Ssm: section, Mgs: section, Mds: section }),
  );
}

test('an agent of a Debian package, registered and running, is seen as it is, and its key by nobody', async (t) => {
  const machine = deb(t);
  lead(machine);
  putProcess(machine, {
    pid: 700,
    exe: '/usr/bin/amazon-ssm-agent',
    environment: {
      https_proxy: 'http://u:hunter2@10.0.0.1:3128',
      no_proxy: '127.0.0.1',
      SECRET_KEY: 'topsecret',
    },
  });
  putProcess(machine, { pid: 710, exe: '/usr/bin/ssm-agent-worker' });
  const evidence = await collectNode(machine.options);
  assert.equal(evidence.agents.length, 1);
  const [agent] = evidence.agents;
  assert.equal(agent?.packaging, 'deb');
  assert.equal(agent?.version, '3.3.987.0');
  assert.deepEqual(
    agent?.processes?.map(({ name, state, user }) => ({ name, state, user })),
    [
      { name: 'amazon-ssm-agent', state: 'S', user: 'root' },
      { name: 'ssm-agent-worker', state: 'S', user: 'root' },
    ],
  );
  assert.equal(agent?.service?.active, true);
  assert.equal(agent?.service?.enabled, true);
  assert.equal(agent?.identity?.kind, 'activation');
  assert.equal(agent?.identity?.nodeId, 'mi-0123456789abcdef0');
  assert.equal(agent?.identity?.registeredAt, Date.parse('2026-10-02T10:00:00.123Z'));
  assert.equal(agent?.identity?.server, 'https://127.0.0.1:1', 'what its settings lead to');
  assert.equal(agent?.identity?.fingerprint?.matches, true);
  assert.deepEqual(agent?.identity?.damage, undefined);
  assert.equal(evidence.host.name, 'web-07');
  assert.equal(evidence.proxy?.agent?.https, 'http://[hidden]@10.0.0.1:3128');
  const said = JSON.stringify(evidence);
  assert.doesNotMatch(said, /hunter2|topsecret|MIIEvQ/);
  // Three services at one address are one endpoint, and the environment's own exception spares the proxy.
  assert.equal(evidence.endpoints.length, 1);
  assert.deepEqual(evidence.endpoints[0]?.also, ['ssmmessages', 'ec2messages']);
  assert.equal(evidence.endpoints[0]?.proxy, undefined);
  assert.equal(evidence.endpoints[0]?.tcp?.ok, false);
});

test('what a service manager says of a service that is down is passed on', async (t) => {
  const machine = deb(
    t,
    shows({
      ActiveState: 'activating',
      SubState: 'auto-restart',
      UnitFileState: 'disabled',
      NRestarts: '7',
      ExecMainCode: '2',
      ExecMainStatus: '9',
    }),
  );
  lead(machine);
  machine.put(
    '/lib/systemd/system/amazon-ssm-agent.service',
    '[Service]\nExecStart=/usr/bin/amazon-ssm-agent\n',
  );
  const { agents } = await collectNode(machine.options);
  const service = agents[0]?.service;
  assert.equal(service?.active, false);
  assert.equal(service?.state, 'activating (auto-restart)');
  assert.equal(service?.enabled, false);
  assert.equal(service?.restarts, 7);
  assert.deepEqual(service?.lastExit, { signal: 'SIGKILL' });
  assert.deepEqual(agents[0]?.processes, []);
});

test('environment comes from the unit, its drop-ins and their files, in this order; only proxies are shown', async (t) => {
  const machine = deb(
    t,
    shows({
      ActiveState: 'inactive',
      FragmentPath: '/lib/systemd/system/amazon-ssm-agent.service',
      DropInPaths: '/etc/systemd/system/amazon-ssm-agent.service.d/proxy.conf',
    }),
  );
  lead(machine, 'https://rollcall.test:8443');
  machine.put(
    '/lib/systemd/system/amazon-ssm-agent.service',
    '[Service]\nEnvironment=https_proxy=http://old:1\n',
  );
  machine.put(
    '/etc/systemd/system/amazon-ssm-agent.service.d/proxy.conf',
    '[Service]\nEnvironment="https_proxy=http://127.0.0.1:1" "API_TOKEN=abc"\nEnvironmentFile=-/etc/default/ssm\n',
  );
  machine.put('/etc/default/ssm', '# comment\nno_proxy="10.0.0.0/8"\n');
  const { agents, proxy, endpoints } = await collectNode(machine.options);
  assert.deepEqual(agents[0]?.service?.environment, {
    https_proxy: 'http://127.0.0.1:1',
    API_TOKEN: '[hidden]',
    no_proxy: '10.0.0.0/8',
  });
  assert.equal(proxy?.agent?.https, 'http://127.0.0.1:1');
  assert.equal(endpoints[0]?.tcp?.ok, false, 'the way leads through the proxy that the unit sets');
  assert.equal(endpoints[0]?.tcp?.ok === false && endpoints[0].tcp.port, 1);
});

test('an agent of an RPM, one of a snap beside it, and a binary that nobody knows are told apart', async (t) => {
  const machine = makeMachine(t, {
    'systemctl show': absent,
    'systemctl show amazon-ssm-agent.service': shows(),
    'systemctl show snap.amazon-ssm-agent.amazon-ssm-agent.service': shows({ ActiveState: 'active' }),
    'rpm -q': '3.2.2303.0-1.amzn2\n',
    'snap list':
      'Name Version Rev Tracking Publisher Notes\namazon-ssm-agent 3.3.40.0 9 latest/stable aws classic\n',
  });
  machine.put('/run/systemd/system/.keep', '');
  machine.put('/var/lib/rpm/rpmdb.sqlite', '');
  machine.put('/usr/bin/amazon-ssm-agent', '');
  machine.put('/snap/amazon-ssm-agent/9/meta/snap.yaml', "name: amazon-ssm-agent\nversion: '3.3.40.0'\n");
  machine.link('/snap/amazon-ssm-agent/current', '9');
  lead(machine);
  putProcess(machine, { pid: 700, exe: '/usr/bin/amazon-ssm-agent' });
  putProcess(machine, { pid: 800, exe: '/snap/amazon-ssm-agent/9/amazon-ssm-agent' });
  putProcess(machine, { pid: 900, exe: '/opt/ssm/amazon-ssm-agent', state: 'T' });
  const { agents } = await collectNode(machine.options);
  assert.deepEqual(
    agents.map(({ packaging, version, processes, service }) => ({
      packaging,
      version,
      pids: processes?.map(({ pid }) => pid),
      manager: service?.manager,
    })),
    [
      { packaging: 'rpm', version: '3.2.2303.0', pids: [700], manager: 'systemd' },
      { packaging: 'snap', version: '3.3.40.0', pids: [800], manager: 'snap' },
      { packaging: 'files', version: undefined, pids: [900], manager: 'systemd' },
    ],
  );
  assert.equal(agents[1]?.snapChannel, 'latest/stable');
  assert.equal(agents[2]?.processes?.[0]?.state, 'T', 'a frozen one is told by its state');
});

test('OpenRC and Upstart are asked in their own words', async (t) => {
  const alpine = makeMachine(t, {
    'rc-service amazon-ssm-agent status': { code: 3, out: ' * status: crashed\n' },
  });
  alpine.put('/sbin/openrc-run', '');
  alpine.put('/etc/init.d/amazon-ssm-agent', '#!/sbin/openrc-run\n');
  alpine.put('/usr/bin/amazon-ssm-agent', '');
  alpine.put('/lib/ld-musl-x86_64.so.1', '');
  const one = await collectNode(alpine.options);
  assert.equal(one.host.init, 'openrc');
  assert.equal(one.host.libc?.kind, 'musl');
  assert.deepEqual(
    { ...one.agents[0]?.service, environment: undefined },
    {
      manager: 'openrc',
      name: 'amazon-ssm-agent',
      active: false,
      state: 'crashed',
      enabled: false,
      environment: undefined,
    },
  );
  const old = makeMachine(t, { 'initctl status': 'amazon-ssm-agent start/running, process 1234\n' });
  old.put('/sbin/upstart', '');
  old.put('/usr/bin/amazon-ssm-agent', '');
  old.put('/etc/init/amazon-ssm-agent.conf', 'start on runlevel [2345]\nenv https_proxy=http://p:1\n');
  old.put('/etc/init/amazon-ssm-agent.override', 'manual\n');
  const two = await collectNode(old.options);
  assert.equal(two.agents[0]?.service?.state, 'start/running');
  assert.equal(two.agents[0]?.service?.enabled, false, 'an override can keep it from starting at boot');
});

test('a vault that is damaged is told in the words of its files, without what is in them', async (t) => {
  const cut = deb(t);
  cut.put('/var/lib/amazon/ssm/Vault/Store/RegistrationKey', '');
  const one = await collectNode(cut.options);
  assert.deepEqual(one.agents[0]?.identity?.damage, [
    '/var/lib/amazon/ssm/Vault/Store/RegistrationKey is empty',
  ]);
  const gone = deb(t);
  rmSync(join(gone.folder, '/var/lib/amazon/ssm/Vault/Store/RegistrationKey'));
  const two = await collectNode(gone.options);
  assert.match(
    two.agents[0]?.identity?.damage?.[0] ?? '',
    /RegistrationKey is missing, although .*Manifest names it/,
  );
  const led = deb(t);
  led.put('/var/lib/amazon/ssm/Vault/Manifest', '{"RegistrationKey":"/etc/shadow"}');
  const three = await collectNode(led.options);
  assert.match(three.agents[0]?.identity?.damage?.[0] ?? '', /leads elsewhere/);
  const part = deb(t);
  putVault(part, { key: { privateKey: '' } });
  const four = await collectNode(part.options);
  assert.match(four.agents[0]?.identity?.damage?.[0] ?? '', /lacks its key/);
});

test('the hardware is compared as the agent would: machine id first, then the address, then a share', async (t) => {
  const other = deb(t);
  putVault(other, { hardware: { 'machine-id': 'ffffffffffffffffffffffffffffffff\n' } });
  const cloned = (await collectNode(other.options)).agents[0]?.identity?.fingerprint;
  assert.equal(cloned?.matches, false);
  assert.deepEqual(cloned?.changed, [
    {
      field: 'machine-id',
      was: 'ffffffffffffffffffffffffffffffff',
      is: '0123456789abcdef0123456789abcdef',
    },
  ]);
  const renamed = deb(t);
  putVault(renamed, { hardware: { 'hostname-info': 'web-06', 'processor-hash': 'abcdefgh' } });
  assert.equal((await collectNode(renamed.options)).agents[0]?.identity?.fingerprint?.matches, true);
  const much = {
    'ipaddress-info': '10.9.9.9',
    'hostname-info': 'x',
    'macaddr-info': 'x',
    'processor-hash': 'a',
  };
  const moved = deb(t);
  putVault(moved, { hardware: { ...much, 'memory-hash': 'b', 'bios-hash': 'c', 'system-hash': 'd' } });
  const print = (await collectNode(moved.options)).agents[0]?.identity?.fingerprint;
  assert.equal(print?.matches, false);
  assert.ok(print?.changed.some(({ field, is }) => field === 'ipaddress-info' && is === '10.1.2.3'));
  const off = deb(t);
  putVault(off, { hardware: { ...much, 'machine-id': 'x' }, threshold: -1 });
  assert.equal((await collectNode(off.options)).agents[0]?.identity?.fingerprint?.matches, true);
});

test('an agent that sleeps after a refusal is said to wait, until when, and why; one that was restarted is not', async (t) => {
  const machine = deb(t);
  lead(machine);
  putProcess(machine, { pid: 700, exe: '/usr/bin/amazon-ssm-agent', after: 60 });
  const at = now - 10 * 60_000;
  const line = (offset: number, text: string) => `${local(at + offset)}.1230 ${text}\n`;
  machine.put(
    '/var/log/amazon/ssm/amazon-ssm-agent.log',
    line(-600_000, 'INFO [amazon-ssm-agent] amazon-ssm-agent - v3.3.987.0') +
      line(-100, 'INFO [ssm-document-worker] [DataBackend] {"runCommand":["mysql -psecret"]}') +
      line(
        0,
        'ERROR [amazon-ssm-agent] [CredentialRefresher] Retrieve credentials produced error: AccessDeniedException: Systems Manager is not configured',
      ) +
      line(
        10,
        'INFO [amazon-ssm-agent] [CredentialRefresher] Sleeping for 28m14s before retrying retrieve credentials',
      ),
  );
  const [agent] = (await collectNode(machine.options)).agents;
  assert.equal(agent?.waiting?.until, at + 123 + (28 * 60 + 14) * 1000);
  assert.match(agent?.waiting?.reason ?? '', /AccessDeniedException/);
  assert.equal(agent?.log?.lines.at(-1)?.level, 'info');
  assert.ok(agent?.log?.lines.some(({ level, text }) => level === 'error' && text.includes('AccessDenied')));
  assert.doesNotMatch(JSON.stringify(agent), /mysql/, 'what commands were given is never told');

  machine.put(
    '/var/log/amazon/ssm/amazon-ssm-agent.log',
    line(0, 'ERROR [amazon-ssm-agent] [Registrar] failed to register identity: RequestError: no answer') +
      line(0, 'INFO [amazon-ssm-agent] [Registrar] sleeping for 37.5 minutes before retrying registration'),
  );
  const [registrar] = (await collectNode(machine.options)).agents;
  assert.equal(registrar?.waiting?.until, at + 123 + 37.5 * 60_000, 'the registrar writes minutes');
  assert.match(registrar?.waiting?.reason ?? '', /failed to register identity/);

  rmSync(join(machine.folder, 'proc/700'), { recursive: true });
  putProcess(machine, { pid: 701, exe: '/usr/bin/amazon-ssm-agent', after: 3600 - 30 });
  const [again] = (await collectNode(machine.options)).agents;
  assert.equal(again?.waiting, undefined);
});

test('an agent that hibernates is said to wait for its next ping', async (t) => {
  const machine = deb(t);
  putProcess(machine, { pid: 700, exe: '/usr/bin/amazon-ssm-agent', after: 0 });
  machine.put(
    '/var/log/amazon/ssm/amazon-ssm-agent.log',
    `${local(now - 50 * 60_000)}.0000 ERROR [ssm-agent-worker] Entering SSM Agent hibernate - error occurred in RequestManagedInstanceRoleToken: InvalidInstanceId: Not existing InstanceId mi-0123456789abcdef0\n`,
  );
  machine.put(
    '/var/log/amazon/ssm/hibernate.log',
    `${local(now - 50 * 60_000)} INFO Agent is in hibernate mode. Reducing logging. Logging will be reduced to one log per backoff period\n` +
      `${local(now - 25 * 60_000)} INFO Backing off health check to every 1200 seconds for 3600 seconds.\n`,
  );
  const [agent] = (await collectNode(machine.options)).agents;
  assert.equal(agent?.waiting?.source, 'hibernate.log');
  assert.equal(agent?.waiting?.until, now + 15 * 60_000);
  assert.match(
    agent?.waiting?.reason ?? '',
    /RequestManagedInstanceRoleToken: InvalidInstanceId: Not existing/,
  );
});

test('settings that the agent cannot use are said, and a template that was edited instead of them', async (t) => {
  const broken = deb(t);
  broken.put('/etc/amazon/ssm/amazon-ssm-agent.json', '{ "Agent": { "Region": "eu-west-1", } }');
  const one = await collectNode(broken.options);
  assert.match(one.agents[0]?.configuration?.files[0]?.problem ?? '', /^not JSON/);
  const portless = deb(t);
  portless.put('/etc/amazon/ssm/amazon-ssm-agent.json', '{"Mgs":{"Endpoint":"rollcall.lan:8443"}}');
  const two = await collectNode({ ...portless.options, budget: 400 });
  assert.match(two.agents[0]?.configuration?.files[0]?.problem ?? '', /Mgs.Endpoint leads nowhere/);
  const template = deb(t);
  template.put(
    '/etc/amazon/ssm/amazon-ssm-agent.json.template',
    '{"Agent":{"ServiceDomain":"lan"},"Ssm":{"Endpoint":""}}',
  );
  const three = await collectNode({ ...template.options, budget: 400 });
  assert.equal(three.agents[0]?.configuration?.onlyTemplateEdited, true);
});

test('a service domain makes one name a service and region', async (t) => {
  const machine = deb(t);
  machine.put('/etc/amazon/ssm/amazon-ssm-agent.json', '{"Agent":{"ServiceDomain":"invalid"}}');
  const { endpoints } = await collectNode({ ...machine.options, budget: 1500 });
  assert.deepEqual(
    endpoints.map(({ url, service, needed }) => ({ url, service, needed })),
    [
      { url: 'https://ssm.eu-west-1.invalid', service: 'ssm', needed: true },
      { url: 'https://ssmmessages.eu-west-1.invalid', service: 'ssmmessages', needed: true },
      { url: 'https://ec2messages.eu-west-1.invalid', service: 'ec2messages', needed: false },
    ],
  );
  for (const { name } of endpoints) assert.equal(name?.ok, false);
});

test('room, the kernel’s kills and denials, and what is mounted how', async (t) => {
  const machine = makeMachine(t, {
    dmesg:
      '[  100.500000] Out of memory: Killed process 700 (amazon-ssm-agen) total-vm:1kB\n' +
      '[  101.000000] Out of memory: Killed process 4242 (java) total-vm:1kB\n' +
      '[  102.000000] oom-kill:constraint=CONSTRAINT_MEMCG,task_memcg=/system.slice/rollcall-agent.service,task=node,pid=9\n' +
      '[  102.000001] Memory cgroup out of memory: Killed process 9 (node) total-vm:1kB\n' +
      '[  103.000000] audit: type=1400 apparmor="DENIED" operation="exec" comm="amazon-ssm-agen"\n',
  });
  machine.put('/proc/meminfo', 'MemTotal:  1000 kB\nMemFree: 10 kB\nMemAvailable: 100 kB\n');
  machine.put(
    '/proc/pressure/io',
    'some avg10=0.00 avg60=9.00 avg300=0 total=1\nfull avg10=0.00 avg60=4.50 avg300=0 total=1\n',
  );
  machine.put(
    '/proc/self/mountinfo',
    '27 1 8:1 / / rw,relatime - ext4 /dev/sda1 ro,errors=remount-ro\n30 27 0:30 / /tmp rw,noexec - tmpfs tmpfs rw\n',
  );
  mkdirSync(join(machine.folder, 'tmp'));
  const { resources } = await collectNode(machine.options);
  assert.deepEqual(
    resources?.memory?.kills?.map(({ process }) => process),
    ['amazon-ssm-agen', 'node'],
  );
  assert.equal(resources?.memory?.kills?.[0]?.at, (Math.floor(now / 1000) - 3600) * 1000 + 100_500);
  assert.equal(resources?.security?.denials?.length, 1);
  assert.equal(resources?.pressure?.io, 4.5);
  const disk = (path: string) => resources?.disks.find((one) => one.path === path);
  assert.equal(disk('/')?.readOnly, true, 'turned read-only after an error');
  assert.equal(disk('/tmp')?.noexec, true);
});

test('routes, resolvers, names set by hand, and the firewall’s rules that could stop the agent', async (t) => {
  const machine = deb(t);
  lead(machine, 'https://rollcall.lan:8443');
  const rules = machine.options.run!;
  const options = {
    ...machine.options,
    budget: 1500,
    run: async (command: string, args: readonly string[], ms: number) =>
      command === 'iptables-save'
        ? {
            code: 0,
            err: '',
            out: '*filter\n:INPUT DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n:ufw-out - [0:0]\n-A INPUT -j DROP\n-A OUTPUT -j ufw-out\n-A ufw-out -p tcp --dport 8443 -j REJECT\nCOMMIT\n',
          }
        : rules(command, args, ms),
  };
  machine.put('/etc/resolv.conf', 'search lan\nnameserver 10.0.0.2\n');
  machine.put('/etc/nsswitch.conf', 'passwd: files\nhosts: files mdns4_minimal [NOTFOUND=return] dns\n');
  machine.put('/etc/hosts', '127.0.0.1 localhost\n10.9.9.9 rollcall.lan rollcall # by hand\n');
  machine.put(
    '/proc/net/route',
    'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\neth0\t00000000\t0102000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n',
  );
  const { network } = await collectNode(options);
  assert.deepEqual(network?.defaultRoute4, { device: 'eth0', via: '10.0.2.1' });
  assert.deepEqual(network?.resolvers, ['10.0.0.2']);
  assert.deepEqual(network?.nameSources, ['files', 'mdns4_minimal', '[NOTFOUND=return]', 'dns']);
  assert.deepEqual(network?.hostsEntries, ['10.9.9.9 rollcall.lan rollcall']);
  assert.deepEqual(network?.firewall, {
    kind: 'iptables',
    outputPolicy: 'accept',
    answersDropped: 'drop',
    rules: ['-A ufw-out -p tcp --dport 8443 -j REJECT'],
  });
});

test('a machine without anything is told to have nothing, and what was left behind is', async (t) => {
  const empty = makeMachine(t);
  const one = await collectNode(empty.options);
  assert.deepEqual(one.agents, []);
  assert.deepEqual(one.endpoints, []);
  putVault(empty);
  const two = await collectNode(empty.options);
  assert.equal(two.agents[0]?.packaging, 'none');
  assert.equal(two.agents[0]?.identity?.nodeId, 'mi-0123456789abcdef0');
});

test('a command that hangs holds nothing up, and is said not to have been seen', async (t) => {
  const machine = deb(t);
  const run = () => new Promise<never>(() => {});
  const began = performance.now();
  const evidence = await collectNode({ ...machine.options, run, budget: 900 });
  assert.ok(performance.now() - began < 1500);
  assert.ok(evidence.unseen.length > 0);
});

test('our agent is seen whole, its server is reached with its own trust, and nothing is changed', async (t) => {
  const authority = await makeAuthority('Rollcall CA 0001');
  const tls = await authority.issue(['localhost']);
  const server = createServer(tls, (_, response) =>
    response.writeHead(404, { 'x-amzn-RequestId': '1' }).end('<UnknownOperationException/>\n'),
  );
  server.on('upgrade', (_, socket) =>
    socket.end('HTTP/1.1 404 Refused\r\nx-amzn-RequestId: 2\r\nContent-Length: 3\r\n\r\n<x>'),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const url = `https://localhost:${(server.address() as AddressInfo).port}`;
  const root = mkdtempSync(join(tmpdir(), 'rollcall-agent-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(
    join(root, 'identity.json'),
    JSON.stringify({
      version: 1,
      serverUrl: url,
      region: 'dc-tokyo',
      nodeId: 'mi-0123456789abcdef0',
      privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      fingerprint: '0d2e6f0e-0000-4000-8000-000000000001',
      trust: [authority.pem],
      registeredAt: iso(now),
    }),
  );
  writeFileSync(
    join(root, 'status.json'),
    JSON.stringify({
      state: 'waiting',
      nodeId: 'mi-0123456789abcdef0',
      serverUrl: url,
      region: 'dc-tokyo',
      agentVersion: '1.0.2',
      at: iso(now),
      lastHeartbeat: { at: iso(now), ok: false, error: 'rollcall.lan: no answer (ETIMEDOUT).' },
      nextAttempt: { at: iso(now + 30_000), what: 'heartbeat', reason: 'the last one failed' },
      lastErrors: [{ at: iso(now), what: 'heartbeat', message: 'rollcall.lan: no answer (ETIMEDOUT).' }],
    }),
  );
  writeFileSync(join(root, 'config.json'), '{"periodSeconds": 60, "s3": {"secretAccessKey": "verysecret"}}');
  const before = readdirSync(root).map((name) => [name, statSync(join(root, name)).mtimeMs]);
  const began = performance.now();
  const evidence = await collectNode({ root, metadata: false });
  assert.ok(performance.now() - began < 3000);
  const agent = evidence.agents.find(({ kind }) => kind === 'rollcall');
  assert.equal(agent?.version, '1.0.2');
  assert.equal(agent?.identity?.server, url);
  assert.equal(agent?.status?.state, 'waiting');
  assert.equal(agent?.status?.lastHeartbeatOk, false);
  assert.deepEqual(agent?.processes, []);
  assert.equal(agent?.waiting, undefined, 'nobody waits when nothing runs');
  assert.match(agent?.log?.lines[0]?.text ?? '', /^heartbeat: rollcall.lan/);
  const endpoint = evidence.endpoints.find((one) => one.agent === 'rollcall');
  for (const layer of ['name', 'tcp', 'tls', 'http', 'websocket'] as const)
    assert.equal(endpoint?.[layer]?.ok, true, `${layer}: ${JSON.stringify(endpoint?.[layer])}`);
  assert.equal(endpoint?.tls?.store?.path, join(root, 'identity.json'));
  assert.deepEqual(
    readdirSync(root).map((name) => [name, statSync(join(root, name)).mtimeMs]),
    before,
  );
  assert.doesNotMatch(JSON.stringify(evidence), /verysecret|BEGIN PRIVATE|0d2e6f0e/);

  const named = url.replace('localhost', '127.0.0.1');
  const asked = await collectNode({ root, metadata: false, server: named });
  const other = asked.endpoints.find((one) => one.url.startsWith(named));
  assert.equal(other?.tls?.ok, false, 'the certificate is for another name');
  assert.equal(other?.tls?.error, 'wrong-name', 'and not untrusted: the agent pins its authority');
  assert.equal(other?.tls?.store?.by, 'identity.json');
  assert.equal(other?.needed, false, 'whether it works hangs on its own way alone');

  writeFileSync(join(root, 'identity.json'), '{"version": 1, "serverUrl": "https://x"}');
  const damaged = await collectNode({ root, metadata: false, budget: 1500 });
  assert.match(
    damaged.agents.find(({ kind }) => kind === 'rollcall')?.identity?.damage?.[0] ?? '',
    /identity\.json lacks region/,
  );
});

test('a folder that an agent has left is no agent', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'rollcall-left-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const look = async () => {
    const { agents } = await collectNode({ root, metadata: false, budget: 1500 });
    return agents.filter(({ kind, binary }) => kind === 'rollcall' && binary === root).length;
  };
  writeFileSync(join(root, 'notes.txt'), 'somebody keeps something here');
  assert.equal(await look(), 0);
  writeFileSync(join(root, 'config.json'), '{}');
  assert.equal(await look(), 1);
});

test('a bundle has no machine id in it, wherever it was, and is otherwise the same evidence', async (t) => {
  const machine = deb(t);
  putVault(machine, { hardware: { 'machine-id': 'ffffffffffffffffffffffffffffffff\n' } });
  const evidence = await collectNode({ ...machine.options, budget: 600 });
  const clean = redact(evidence);
  assert.doesNotMatch(JSON.stringify(clean), /0123456789abcdef0123456789abcdef/);
  assert.match(clean.host.machineId ?? '', /^sha256-/);
  assert.equal(clean.agents[0]?.identity?.nodeId, evidence.agents[0]?.identity?.nodeId);
  assert.deepEqual(clean.endpoints, evidence.endpoints);
});
