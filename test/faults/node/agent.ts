/** Our agent as a process, and the files by which it lives: shared by machines of every kind. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { register } from '../../../packages/agent/src/register.ts';
import type { ZooServer } from '../server.ts';
import type { RegisterOptions } from './node.ts';

/** A process that was started, with what it said. */
export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
  /** It has ended, and all that it said was heard. */
  readonly heard: Promise<void>;
  said(): string;
}

/** Starts a process and listens to it. */
export function startProcess(
  file: string,
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly uid?: number } = {},
): Started {
  const { env = { PATH: process.env.PATH }, uid } = options;
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
    ...(uid !== undefined && { uid, gid: uid }),
  });
  let said = '';
  const hear = (part: Buffer) => {
    said = (said + part).slice(-20_000);
  };
  child.stdout?.on('data', hear);
  child.stderr?.on('data', hear);
  const ended = new Promise<void>((done) => {
    child.once('exit', () => done());
    child.once('error', (error) => {
      said += String(error);
      done();
    });
  });
  const heard = new Promise<void>((done) => child.once('close', () => done()));
  return { child, ended, heard, said: () => said };
}

/** Registers whoever lives in `root`; answers the node's id. */
export async function registerNode(
  server: ZooServer,
  root: string,
  serverUrl: string,
  options: RegisterOptions,
): Promise<string> {
  const region = options.region ?? server.region;
  const activation =
    options.activation ??
    (await server.admin(region).ask('ssm:CreateActivation', { IamRole: 'Nodes', RegistrationLimit: 100 }));
  const { nodeId } = await register({
    serverUrl,
    activationId: activation.ActivationId,
    activationCode: activation.ActivationCode,
    region,
    root,
    ca: options.ca ?? server.ca(),
    ...(options.fingerprint !== undefined && { fingerprint: options.fingerprint }),
  });
  return nodeId;
}

/** Changes a JSON file of an agent's folder as an editor would; what isn't there is made. */
// biome-ignore lint/suspicious/noExplicitAny: a fault may write anything into a file.
export function edit(root: string, name: string, change: (value: any) => void): void {
  const path = join(root, name);
  let value: Record<string, unknown> = {};
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    // It wasn't there.
  }
  change(value);
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}
