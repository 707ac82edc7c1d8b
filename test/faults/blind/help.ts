/** What faults of the blind set share: a machine in good health, ways to see that something is really broken. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { edit } from '../node/agent.ts';
import { type Machine, type MachineOptions, serverName } from '../node/machine.ts';
import type { Node } from '../node/node.ts';
import { until } from '../until.ts';
import type { World } from '../world.ts';

/** A machine whose agent has registered, is Online and has its channel. */
export async function lively(
  world: World,
  given: Pick<MachineOptions, 'ahead' | 'upFor' | 'listens'> = {},
): Promise<Machine> {
  const machine = await world.machine(given);
  await machine.register();
  await machine.start();
  older(world, machine);
  return machine;
}

/** It has been there for some time, by the server's books and by its own. */
export function older(world: World, machine: Machine): void {
  world.age(machine.nodeId);
  edit(machine.root, 'identity.json', (identity) => {
    identity.registeredAt = new Date(Date.now() - 86_400_000).toISOString();
  });
}

/** Runs the real `rollcall enroll` on a machine, with this activation; answers its exit code and what it said. */
export async function enrols(
  world: World,
  machine: Machine,
  activation: { readonly ActivationId: string; readonly ActivationCode: string },
  region = world.server.region,
): Promise<{ readonly code: number; readonly all: string }> {
  writeFileSync(join(machine.files, 'tmp/ca.pem'), world.server.ca());
  const repository = resolve(import.meta.dirname, '../../..');
  const program = [process.execPath, join(repository, 'packages/cli/src/main.js'), 'enroll', '--no-service'];
  const { ActivationId, ActivationCode } = activation;
  return tries(
    machine,
    ...(['/usr/bin/env', '-C', '/', ...program] as [string, ...string[]]),
    ...['--server', machine.serverUrl, '--ca-file', '/tmp/ca.pem', '--region', region],
    ...['--activation-id', ActivationId, '--activation-code', ActivationCode],
  );
}

/**
 * Runs a program inside to its end, whatever comes of it. Unlike `machine.run` it doesn't hold this process up, in
 * which the server and all that lies between live.
 */
export async function tries(
  machine: Machine,
  program: string,
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly out: string; readonly all: string }> {
  const started = machine.spawn(program, args, { env: { HOME: '/root' } });
  const parts: Buffer[] = [];
  started.child.stdout?.on('data', (part: Buffer) => parts.push(part));
  await new Promise((done) => started.child.once('close', done).once('error', done));
  return {
    code: started.child.exitCode ?? -1,
    out: Buffer.concat(parts).toString('utf8'),
    all: started.said(),
  };
}

/** Throws unless it is so: a fault that isn't there measures nothing. */
export function sure(what: string, isSo: boolean, seen: unknown = ''): void {
  if (!isSo) throw new Error(`the fault isn't there: ${what}; ${String(seen)}`);
}

/** curl's exit code for the way to the server, with the server's own CA trusted. */
export async function curl(world: World, machine: Machine, ...args: readonly string[]): Promise<number> {
  writeFileSync(join(machine.files, 'tmp/ca.pem'), world.server.ca());
  const url = args.find((arg) => arg.startsWith('https://')) ?? `https://${serverName}/`;
  const rest = args.filter((arg) => arg !== url);
  const all = ['-sS', '-o', '/dev/null', '-m', '4', '--cacert', '/tmp/ca.pem', ...rest, url];
  return (await tries(machine, 'curl', ...all)).code;
}

/** Throws unless curl fails in one of these ways. */
export async function sureCurl(
  world: World,
  machine: Machine,
  codes: readonly number[],
  ...args: readonly string[]
): Promise<void> {
  const code = await curl(world, machine, ...args);
  sure(`curl ends with ${codes.join(' or ')}`, codes.includes(code), code);
}

/** Ends all connections of a machine, so that its agent meets what has changed. */
export async function cut(machine: Node): Promise<void> {
  await machine.way.change({ kind: 'pass' });
}

/** Waits until an agent of ours has noticed that something is wrong. */
export async function troubled(machine: Node, ms = 25_000): Promise<void> {
  await until(
    `${machine.name} is in trouble`,
    () => ['waiting', 'refused', 'polling'].includes(statusOf(machine).state),
    ms,
  );
}

/** What an agent of ours says of itself. */
export function statusOf(machine: Node): { readonly state: string; readonly lastErrors: unknown[] } {
  try {
    return JSON.parse(readFileSync(join(machine.root, 'status.json'), 'utf8'));
  } catch {
    return { state: 'absent', lastErrors: [] };
  }
}

/** Changes the settings of an agent of ours and starts it again, as an operator does. */
export async function reconfigure(
  machine: Machine,
  settings: Readonly<Record<string, unknown>>,
  online = false,
): Promise<void> {
  edit(machine.root, 'config.json', (config) => Object.assign(config, settings));
  await machine.stop();
  await machine.start({ online });
}

/** Writes a file of a machine. */
export function put(machine: Machine, path: string, text: string): void {
  writeFileSync(join(machine.files, path), text);
}

/** Appends to a file of a machine. */
export function append(machine: Machine, path: string, text: string): void {
  appendFileSync(join(machine.files, path), text);
}

/** Packet filters of the middle: what lies between machines and the server. */
export function middleRule(chain: 'input' | 'output', rule: string): void {
  const nft = (line: string) => execFileSync('nft', [line], { stdio: ['ignore', 'ignore', 'pipe'] });
  nft('add table inet middle');
  nft(`add chain inet middle ${chain} { type filter hook ${chain} priority 0; policy accept; }`);
  nft(`add rule inet middle ${chain} ${rule}`);
}

/** A packet filter of the machine itself. */
export function machineRule(machine: Machine, ...lines: readonly string[]): void {
  for (const line of lines) machine.run('nft', line);
}

/** The roster says that a machine should be there. */
export async function inRoster(world: World, lines: string): Promise<void> {
  await world.server.admin().ask('rollcall:ImportRoster', { Source: 'lab', Format: 'csv', Text: lines });
}

/** A user of the server, with their keys. */
export async function user(
  world: World,
  name: string,
  statements: readonly object[],
): Promise<{ readonly accessKeyId: string; readonly secretAccessKey: string }> {
  const { AccessKey } = await world.server.admin().ask('rollcall:CreateUser', {
    UserName: name,
    PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: statements }),
  });
  return { accessKeyId: AccessKey.AccessKeyId, secretAccessKey: AccessKey.SecretAccessKey };
}

/** Runs a shell line on a node as operators do; answers how it ended and what it said. */
export async function runOn(world: World, nodeId: string, line: string): Promise<string> {
  const admin = world.server.admin();
  const { Command } = await admin.ask('ssm:SendCommand', {
    DocumentName: 'AWS-RunShellScript',
    InstanceIds: [nodeId],
    Parameters: { commands: [line] },
  });
  return until(
    'the command ends',
    async () => {
      const { status, json } = await admin.call('ssm:GetCommandInvocation', {
        CommandId: Command.CommandId,
        InstanceId: nodeId,
      });
      if (status !== 200 || /^(Pending|InProgress|Delayed)$/.test(json.Status)) return undefined;
      return `${json.Status} ${json.StandardOutputContent}${json.StandardErrorContent}`;
    },
    30_000,
  );
}

/** Knocks that the server has noted. */
export async function knocksOf(
  world: World,
): Promise<readonly { Claim?: string; Address: string; Reason: string; Region?: string }[]> {
  return (await world.server.admin().ask('rollcall:ListKnocks', {})).Knocks;
}

export { sleep, until };
