/**
 * A machine with the official agent itself, unmodified, where its package would put it. It isn't to be had from a
 * registry: ROLLCALL_OFFICIAL_BIN names the folder with its programs.
 */
import { appendFileSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../until.ts';
import type { World } from '../world.ts';
import type { Started } from './agent.ts';
import { type Machine, serverName } from './machine.ts';
import type { Node } from './node.ts';
import { becomesOnline } from './online.ts';

/** Where its files are, on the machine. */
export const places = {
  settings: 'etc/amazon/ssm/amazon-ssm-agent.json',
  state: 'var/lib/amazon/ssm',
  log: 'var/log/amazon/ssm/amazon-ssm-agent.log',
  roots: 'etc/ssl/certs/ca-certificates.crt',
} as const;

const program = '/usr/bin/amazon-ssm-agent';

/** The machine; its agent is the official one. */
export interface OfficialMachine extends Node {
  readonly machine: Machine;
}

/** Installs it on a machine. The server's CA is in the machine's store, and its settings lead to the server. */
export function installOfficial(world: World, machine: Machine): OfficialMachine {
  const { files } = machine;
  for (const name of ['amazon-ssm-agent', 'ssm-agent-worker', 'ssm-document-worker'])
    copyFileSync(join(process.env.ROLLCALL_OFFICIAL_BIN!, name), join(files, 'usr/bin', name));
  for (const folder of ['etc/amazon/ssm', 'var/lib/amazon/ssm', 'var/log/amazon/ssm'])
    mkdirSync(join(files, folder), { recursive: true });
  const url = `https://${serverName}`;
  const settings = {
    Identity: { ConsumptionOrder: ['OnPrem'] },
    Ssm: { Endpoint: url },
    Mds: { Endpoint: url },
    Mgs: { Endpoint: url, Region: world.server.region },
  };
  writeFileSync(join(files, places.settings), JSON.stringify(settings, null, 2));
  appendFileSync(join(files, places.roots), `\n${world.server.ca()}\n`);
  appendFileSync(
    join(files, 'var/lib/dpkg/status'),
    '\nPackage: amazon-ssm-agent\nStatus: install ok installed\nVersion: 3.3.2299.0-1\n',
  );
  let nodeId = '';
  let agent: Started | undefined;
  const pids = (name: string) =>
    machine
      .run('/bin/sh', '-c', `pidof ${name} || true`)
      .trim()
      .split(' ')
      .filter((one) => one !== '');
  const kill = (signal: string) => {
    for (const name of ['ssm-agent-worker', 'amazon-ssm-agent'])
      for (const pid of pids(name)) machine.run('/bin/sh', '-c', `kill -${signal} ${pid} || true`);
  };
  return {
    ...machine,
    machine,
    silent: true,
    get nodeId() {
      return nodeId;
    },
    async register() {
      const { ActivationId: id, ActivationCode: code } = await world.server
        .admin()
        .ask('ssm:CreateActivation', { IamRole: 'Nodes', RegistrationLimit: 5 });
      // It reaches the server through this process, which therefore must not stand still meanwhile.
      const registering = machine.spawn(
        program,
        ['-register', '-y', '-id', id, '-code', code, '-region', world.server.region],
        { env: { HOME: '/root' } },
      );
      await registering.ended;
      const file = join(files, places.state, 'registration');
      if (!existsSync(file)) throw new Error(`it doesn't register: ${registering.said()}`);
      nodeId = JSON.parse(readFileSync(file, 'utf8')).ManagedInstanceID;
      world.age(nodeId);
    },
    async start({ online = true, env = {}, user } = {}) {
      const began = world.server.clock.now();
      agent = machine.spawn(program, [], {
        env: { HOME: '/root', ...env },
        ...(user !== undefined && { uid: user }),
      });
      if (online) await becomesOnline(world.server, nodeId, began, agent, 30_000);
    },
    async stop() {
      kill('TERM');
      await until('the official agent ends', () => pids('amazon-ssm-agent').length === 0, 2_000).catch(() =>
        kill('KILL'),
      );
    },
    signal: (signal) => kill(signal.replace(/^SIG/, '')),
    running: () => pids('amazon-ssm-agent').length > 0,
    log() {
      const path = join(files, places.log);
      return `${existsSync(path) ? readFileSync(path, 'utf8') : ''}${agent?.said() ?? ''}`;
    },
    // The machine itself is closed by its world.
    async close() {},
  };
}
