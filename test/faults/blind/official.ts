/**
 * The official agent itself on a machine of its own, unmodified, as a package would have put it there. Its programs
 * are in the folder that ROLLCALL_OFFICIAL_BIN names.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Started } from '../node/agent.ts';
import { type Machine, serverName } from '../node/machine.ts';
import { isOnline } from '../node/online.ts';
import type { World } from '../world.ts';
import { append, put, tries, until } from './help.ts';

/** The folder with the official agent's programs; undefined: there is none. */
export const officialPrograms = process.env.ROLLCALL_OFFICIAL_BIN;

/** The official agent of a machine. */
export interface Official {
  nodeId: string;
  /** Registers it with an activation of the server. */
  register(): Promise<void>;
  start(options?: {
    readonly online?: boolean;
    readonly env?: Readonly<Record<string, string>>;
  }): Promise<void>;
  /** Ends its processes. */
  stop(): void;
  /** Process ids inside the machine. */
  pids(name: string): number[];
  log(): string;
}

/** How it is set up. */
export interface OfficialOptions {
  /** Whether the server's CA is added to the system's store; so unless told. */
  readonly trusted?: boolean;
  /** The address of the server in its settings. */
  readonly url?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Where its programs are put. */
  readonly programs?: string;
}

const store = 'etc/ssl/certs/ca-certificates.crt';

/** Installs it; it neither runs nor is registered yet. */
export function installOfficial(world: World, machine: Machine, options: OfficialOptions = {}): Official {
  const { trusted = true, url = `https://${serverName}`, programs = '/usr/bin' } = options;
  copyPrograms(machine, programs);
  for (const folder of ['etc/amazon/ssm', 'var/lib/amazon/ssm', 'var/log/amazon/ssm'])
    mkdirSync(join(machine.files, folder), { recursive: true });
  const settings = options.settings ?? {
    Identity: { ConsumptionOrder: ['OnPrem'] },
    Ssm: { Endpoint: url },
    Mds: { Endpoint: url },
    Mgs: { Endpoint: url, Region: world.server.region },
  };
  put(machine, 'etc/amazon/ssm/amazon-ssm-agent.json', `${JSON.stringify(settings, null, 4)}\n`);
  if (trusted) append(machine, store, `\n${world.server.ca()}\n`);
  let agent: Started | undefined;

  const official: Official = {
    nodeId: '',
    async register() {
      const { ActivationId: id, ActivationCode: code } = await world.server
        .admin()
        .ask('ssm:CreateActivation', { IamRole: 'Nodes', RegistrationLimit: 5 });
      const args = ['-register', '-y', '-id', id, '-code', code, '-region', world.server.region];
      const { code: end, all } = await tries(machine, `${programs}/amazon-ssm-agent`, ...args);
      if (end !== 0) throw new Error(`it doesn't register: ${all}`);
      const text = readFileSync(join(machine.files, 'var/lib/amazon/ssm/registration'), 'utf8');
      official.nodeId = JSON.parse(text).ManagedInstanceID;
    },
    async start({ online = true, env = {} } = {}) {
      const began = world.server.clock.now();
      agent = machine.spawn(`${programs}/amazon-ssm-agent`, [], { env: { HOME: '/root', ...env } });
      if (online)
        await until(
          `${official.nodeId} is Online`,
          () => isOnline(world.server, official.nodeId, began),
          30_000,
        );
      else await until('the agent runs', () => official.pids('amazon-ssm-agent').length > 0);
    },
    stop() {
      for (const name of ['amazon-ssm-agent', 'ssm-agent-worker'])
        for (const pid of official.pids(name)) machine.run('kill', '-9', String(pid));
    },
    pids(name) {
      try {
        return machine.run('pidof', name).trim().split(' ').map(Number);
      } catch {
        return [];
      }
    },
    log() {
      const path = join(machine.files, 'var/log/amazon/ssm/amazon-ssm-agent.log');
      return `${existsSync(path) ? readFileSync(path, 'utf8') : ''}${agent?.said() ?? ''}`;
    },
  };
  return official;
}

/** Puts the programs where another package would. */
export function copyPrograms(machine: Machine, folder: string): void {
  const into = join(machine.files, folder);
  mkdirSync(into, { recursive: true });
  for (const name of ['amazon-ssm-agent', 'ssm-agent-worker', 'ssm-document-worker'])
    copyFileSync(join(officialPrograms!, name), join(into, name));
}

/** Removes the server's CA from the system's store again, as hardening does. */
export function distrust(world: World, machine: Machine): void {
  const text = readFileSync(join(machine.files, store), 'utf8');
  put(machine, store, text.replaceAll(world.server.ca(), ''));
}

/** Registered and Online. */
export async function livelyOfficial(
  world: World,
  options: OfficialOptions = {},
): Promise<[Machine, Official]> {
  const machine = await world.machine();
  const official = installOfficial(world, machine, options);
  await official.register();
  await official.start();
  world.age(official.nodeId);
  return [machine, official];
}

/** A folder of a machine that is there. */
export function folderOf(machine: Machine, path: string): string {
  const folder = join(machine.files, path);
  mkdirSync(dirname(folder), { recursive: true });
  return folder;
}
