/**
 * A machine with the official agent as a recording: a folder stands for its root, and its commands say what theirs
 * said. What is looked at, and how it is judged, is the real thing.
 */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type CollectOptions, collectNode } from '@rollcall/probes';
import { makeMachine, putProcess, type TestMachine } from '../../../packages/probes/src/testing/machine.ts';
import type { Stage } from '../stage.ts';
import { ownVerdict } from '../world.ts';

type Commands = Parameters<typeof makeMachine>[1];

const now = Date.now();

/** What `systemctl show` says of a unit. */
export function unit(changes: Readonly<Record<string, string>> = {}): string {
  const all = {
    LoadState: 'loaded',
    ActiveState: 'active',
    SubState: 'running',
    UnitFileState: 'enabled',
    NRestarts: '0',
    ExecMainCode: '0',
    ExecMainStatus: '0',
    ...changes,
  };
  return Object.entries(all)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** As systemd writes a time. */
export function systemdTime(at: number): string {
  return `${new Date(at).toUTCString().slice(0, 3)} ${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** A line of the official agent's log. */
export function logged(at: number, level: string, text: string): string {
  const two = (number: number) => String(number).padStart(2, '0');
  const date = new Date(at);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${day} ${time}.1234 ${level} ${text}\n`;
}

/** Where the official agent keeps its state. */
export const folder = '/var/lib/amazon/ssm';

/** What is otherwise than on a machine that is well. */
export interface Recorded {
  /** More commands, or others. */
  readonly commands?: Commands;
  /** The unit of the agent. */
  readonly service?: Readonly<Record<string, string>>;
  readonly runs?: boolean;
  /** What it has logged. */
  readonly log?: readonly string[];
  readonly registered?: boolean;
  readonly version?: string;
  change?(machine: TestMachine): void;
}

/** A Debian machine with the official agent, well but for what is changed. */
export function official(stage: Stage, recorded: Recorded = {}): TestMachine {
  const { commands = {}, service = {}, runs = true, registered = true, version = '3.3.987.0' } = recorded;
  // The only thing of a test's context that is wanted here is its end.
  const context = { after: (close: () => void) => void stage.closes(close) } as unknown as TestContext;
  const machine = makeMachine(context, {
    'systemctl show': 'LoadState=not-found\nActiveState=inactive\n',
    'systemctl show amazon-ssm-agent.service': unit(service),
    dmesg: '',
    'ip route get': '127.0.0.1 dev lo src 127.0.0.1\n',
    ...commands,
  });
  machine.put('/proc/stat', `cpu 1 2 3\nbtime ${Math.floor(now / 1000) - 3600}\n`);
  machine.put('/run/systemd/system/.keep', '');
  machine.put('/sys/class/dmi/id/sys_vendor', 'QEMU\n');
  machine.put(
    '/var/lib/dpkg/status',
    `Package: amazon-ssm-agent\nStatus: install ok installed\nVersion: ${version}-1\n`,
  );
  machine.put('/usr/bin/amazon-ssm-agent', '');
  machine.put(
    '/proc/net/route',
    'Iface\tDestination\tGateway\neth0\t00000000\t0102010A\t0003\t0\t0\t0\t00000000\n',
  );
  if (registered) {
    const store = `${folder}/Vault/Store`;
    machine.put(`${folder}/Vault/Manifest`, JSON.stringify({ RegistrationKey: `${store}/RegistrationKey` }));
    machine.put(
      `${store}/RegistrationKey`,
      JSON.stringify({
        instanceID: 'mi-0123456789abcdef0',
        region: 'us-east-1',
        privateKey: 'secret',
        privateKeyType: 'Rsa',
        privateKeyCreatedDate: '2026-10-02 10:00:00.123456789 +0000 UTC',
      }),
    );
    machine.put(
      `${folder}/registration`,
      '{"ManagedInstanceID":"mi-0123456789abcdef0","Region":"us-east-1"}',
    );
  }
  if (runs) {
    putProcess(machine, { pid: 700, exe: '/usr/bin/amazon-ssm-agent' });
    putProcess(machine, { pid: 710, exe: '/usr/bin/ssm-agent-worker' });
  }
  if (recorded.log) machine.put('/var/log/amazon/ssm/amazon-ssm-agent.log', recorded.log.join(''));
  recorded.change?.(machine);
  return machine;
}

/** An EC2 machine, with what its metadata say. */
export function ec2(stage: Stage, recorded: Recorded = {}): TestMachine {
  return official(stage, {
    registered: false,
    ...recorded,
    change(machine) {
      machine.put('/sys/class/dmi/id/sys_vendor', 'Amazon EC2\n');
      recorded.change?.(machine);
    },
  });
}

/** Looks at it, with a real server where its settings lead, and judges. */
export async function judge(
  stage: Stage,
  machine: TestMachine,
  metadata: string | false = false,
  more: CollectOptions = {},
): Promise<void> {
  const { server } = await stage.world();
  const settings = '/etc/amazon/ssm/amazon-ssm-agent.json';
  if (
    !existsSync(join(machine.folder, settings)) &&
    !existsSync(join(machine.folder, `${settings}.template`))
  ) {
    const section = { Endpoint: `https://127.0.0.1:${server.port}` };
    machine.put(settings, JSON.stringify({ Ssm: section, Mgs: section, Mds: section }));
  }
  machine.put('/etc/ssl/certs/ca-certificates.crt', server.ca());
  const evidence = await collectNode({ ...machine.options, now: Date.now, metadata, ...more });
  stage.compare('node', ownVerdict(evidence), evidence);
}

/** What the metadata of a machine on EC2 say, but for a role. */
export const imds = {
  token: 'AQAEAMetadataToken==',
  '/latest/meta-data/instance-id': 'i-0123456789abcdef0',
  '/latest/meta-data/placement/region': 'us-east-1',
  '/latest/dynamic/instance-identity/document': '{"instanceId":"i-0123456789abcdef0","region":"us-east-1"}',
} as const;

/** What answers at the metadata address. */
export async function metadata(
  stage: Stage,
  answers: Readonly<Record<string, string>>,
  status = 404,
): Promise<string> {
  const server = createServer((request, response) => {
    if (request.method === 'PUT' && 'token' in answers) return response.end(answers.token);
    const found = answers[request.url ?? ''];
    response.writeHead(found === undefined ? status : 200).end(found ?? 'Not Found');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stage.closes(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
