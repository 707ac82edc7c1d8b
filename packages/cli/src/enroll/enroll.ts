/**
 * Enrolling a machine, step by step: can the agent run here, is the way to the server open, then, and only
 * then, the registration, and last the agent's start. Done twice it changes nothing.
 */
import { exitCodes, Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import type { Machine } from '../machine.ts';
import { type Screen, screenOf } from '../output/screen.ts';
import { wrap } from '../output/table.ts';
import { defaultRoot, type EnrollOptions } from './options.ts';
import { explainRefusal } from './refusals.ts';
import { runInForeground, startService } from './start.ts';
import { findSupport } from './supported.ts';
import { tryWay } from './way.ts';

/** Nothing has been done yet that would have to be undone. */
const untouched = 'Nothing was registered, and no activation was used.';

/** What the steps share. */
export interface Enrolment {
  readonly options: EnrollOptions;
  readonly io: Io;
  readonly machine: Machine;
  readonly screen: Screen;
  readonly agent: typeof import('@rollcall/agent');
  say(...lines: readonly string[]): void;
}

/** Enrols this machine. Throws `Failure` when that can't be. */
export async function enrol(options: EnrollOptions, io: Io, machine: Machine): Promise<void> {
  const agent = await import('@rollcall/agent');
  const screen = screenOf(io);
  const say = (...lines: readonly string[]) => io.stdout.write(`${lines.join('\n')}\n`);
  const enrolment: Enrolment = { options, io, machine, screen, agent, say };

  const support = await findSupport(machine);
  if (!support.ok) throw new Failure(wrap(`${support.reason} ${untouched}`).join('\n'), exitCodes.no);
  if (!machine.isRoot() && options.start === 'service' && support.systemd)
    throw new Failure(
      `A service is installed by root only: put sudo before it. Without root: --no-service --root DIR. ${untouched}`,
    );
  say(`${screen.mark('yes')} ${screen.text(support.description)}: supported`);

  const node = await knownOrNew(enrolment);
  if (options.start === 'foreground') return runInForeground(enrolment);
  await startService(enrolment, support.systemd, node);
}

/** Who this machine is now. */
export interface Enrolled {
  readonly nodeId: string;
  /** An agent that runs already has to read its settings anew. */
  readonly changed: boolean;
}

async function knownOrNew(enrolment: Enrolment): Promise<Enrolled> {
  const { options, agent } = enrolment;
  try {
    const known = agent.readStanding(options.root);
    return known ? await confirm(enrolment, known) : await registerNow(enrolment);
  } catch (error) {
    throw failureOf(error, enrolment);
  }
}

type Standing = import('@rollcall/agent').Standing;

/** The same machine with its key: it is told who it is, and whether the server still thinks so. */
async function confirm(enrolment: Enrolment, known: Standing): Promise<Enrolled> {
  const { options, agent, screen, say } = enrolment;
  const elsewhere =
    (options.server !== undefined && options.server !== known.serverUrl) ||
    (options.region !== undefined && options.region !== known.region);
  if (elsewhere) throw new agent.RegisteredElsewhereError(known);
  const since = known.registeredAt ? `, since ${known.registeredAt.slice(0, 10)}` : '';
  say(`${screen.mark('yes')} already ${known.nodeId}${since}; nothing was registered`);
  const node = { nodeId: known.nodeId, changed: saveProxy(enrolment) };
  let refusal: Error | undefined;
  try {
    refusal = await agent.askStanding(options.root);
  } catch (error) {
    say(
      ...wrap(
        `${screen.mark('warning')} the server wasn't asked: ${screen.text((error as Error).message, 300)}`,
      ),
    );
    return node;
  }
  if (refusal)
    throw new Failure(
      [
        ...wrap(`The server refuses this node: ${screen.text(refusal.message, 400)}`),
        'If it was deregistered, this brings it back, on the server:',
        `  rollcall node restore ${known.nodeId}`,
        'Or, to enrol this machine as a new node:',
        `  ${launcher(enrolment)} leave${rootFlag(options.root)}`,
      ].join('\n'),
      exitCodes.no,
    );
  return node;
}

async function registerNow(enrolment: Enrolment): Promise<Enrolled> {
  const { options, agent, io, screen, say } = enrolment;
  const { server, activationId, code } = options;
  if (server === undefined) throw new Failure('Which server? --server https://HOST:PORT');
  if (!activationId || !code)
    throw new Failure(
      'This machine has no key yet: --activation-id ID and --code-file FILE are needed. On the server: rollcall activation create',
    );
  if (options.codeIsVisible)
    io.stderr.write(
      `${wrap(`${screen.mark('warning')} --activation-code can be read by everybody on this machine (ps) while this runs, and stays in the shell's history. Safer: --code-file FILE, or - for standard input.`).join('\n')}\n`,
    );
  const activationCode = await code();
  const way = await tryWay(server, options, io, screen);
  say(...way.lines);
  if (!way.open) throw new Failure([...way.advice, untouched].join('\n'), exitCodes.no);
  const { nodeId } = await agent.register({
    serverUrl: server,
    activationId,
    activationCode,
    region: options.region ?? 'us-east-1',
    root: options.root,
    ca: way.ca,
    proxy: options.proxy,
    noProxy: options.noProxy,
  });
  say(`${`${screen.mark('yes')} code accepted`.padEnd(42)} ${nodeId}`);
  return { nodeId, changed: true };
}

/** Writes the proxy into the agent's settings; whether that changed them. */
function saveProxy({ options, agent }: Enrolment): boolean {
  const { root, proxy, noProxy } = options;
  const before = agent.loadConfig(root);
  const changes = {
    ...(proxy === undefined || proxy === before.proxy ? {} : { proxy }),
    ...(noProxy === undefined || String(noProxy) === String(before.noProxy ?? '') ? {} : { noProxy }),
  };
  if (Object.keys(changes).length === 0) return false;
  agent.saveConfig(root, changes);
  return true;
}

function failureOf(error: unknown, enrolment: Enrolment): unknown {
  const { agent, options, screen } = enrolment;
  if (error instanceof agent.ServerRefusal)
    return new Failure(`${explainRefusal(error, screen)}\n${untouched}`, exitCodes.no, { cause: error });
  if (error instanceof agent.RegisteredElsewhereError)
    return new Failure(
      `This machine is already ${error.nodeId} at ${error.serverUrl}, region ${error.region}.\nTo leave there first: ${launcher(enrolment)} leave${rootFlag(options.root)}\nOr a second agent beside it: --root DIR`,
      exitCodes.no,
    );
  if (error instanceof agent.ConnectionError)
    return new Failure(
      `${error.message} It may or may not have been registered; the same command again goes on with the same key, and uses no second slot.`,
      exitCodes.no,
    );
  if (error instanceof agent.RootInUseError) return new Failure(`${error.message} Stop it first.`);
  if (error instanceof agent.DamagedFileError)
    return new Failure(
      `${error.message}\nPut it back from a backup, or start anew: ${launcher(enrolment)} leave${rootFlag(options.root)}`,
    );
  if (error instanceof agent.ConfigError)
    return new Failure(`${error.message} Correct the file, or remove it and name --proxy again.`);
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EACCES' || code === 'EPERM')
    return new Failure(`You may not write to ${options.root}. Use sudo, or another folder: --root DIR`);
  return error;
}

/** How this program is called on this machine. */
export function launcher({ io, machine }: Pick<Enrolment, 'io' | 'machine'>): string {
  const name = machine.find('rollcall') === '/usr/local/bin/rollcall' ? 'rollcall' : io.launcher;
  return process.getuid?.() === 0 && !io.env.SUDO_USER ? name : `sudo ${name}`;
}

/** The flag that names a folder, when it isn't the usual one. */
export function rootFlag(root: string): string {
  return root === defaultRoot ? '' : ` --root ${root}`;
}
