/** Undoing an enrolment on the machine itself. */
import { existsSync, lstatSync, readlinkSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exitCodes, Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import type { Machine } from '../machine.ts';
import { screenOf } from '../output/screen.ts';
import { launcher } from './enroll.ts';
import { installedRoot, removeService } from './service.ts';

/** What is left, and how thoroughly. */
export interface LeaveOptions {
  /** Absolute. */
  readonly root: string;
  readonly program?: boolean;
}

/** The file by which the enrolment script marks a program that it installed. */
export const installedMark = 'installed-by-enroll';

const link = '/usr/local/bin/rollcall';

/** Stops the agent, removes what it left, and says what is gone. */
export async function leaveServer(options: LeaveOptions, io: Io, machine: Machine): Promise<void> {
  const agent = await import('@rollcall/agent');
  const screen = screenOf(io);
  const { root } = options;
  const known = quietly(() => agent.readStanding(root));
  if (installedRoot(machine) === root && !machine.isRoot())
    throw new Failure('The service is removed by root only: put sudo before it. Nothing was changed.');
  if (options.program && !isInstalled(io))
    throw new Failure(
      `${io.root} wasn't installed by the enrolment script; remove it the way it came. Nothing was changed.`,
    );
  const removed = [...(await removeService(machine, root)), ...(await removeFiles(root, agent))];
  if (options.program) removed.push(...removeProgram(io, machine));
  if (removed.length === 0) throw new Failure(`Nothing of an agent is in ${root}.`, exitCodes.no);
  io.stdout.write(['Removed', ...removed.map((file) => `  ${screen.text(file)}`), ''].join('\n'));
  if (known)
    io.stdout.write(
      `${known.nodeId} stays in the list of ${known.serverUrl} until it is\nderegistered there:\n  rollcall node deregister ${known.nodeId}${known.region === 'us-east-1' ? '' : ` --region ${known.region}`}\n`,
    );
  if (!options.program && isInstalled(io))
    io.stdout.write(`The program stays. To remove it too:\n  ${launcher({ io, machine })} leave --program\n`);
}

/** An agent that was just told to stop may need a moment. */
async function removeFiles(root: string, agent: typeof import('@rollcall/agent')): Promise<string[]> {
  for (let attempt = 0; ; attempt++) {
    try {
      return existsSync(root) ? agent.leave(root) : [];
    } catch (error) {
      if (!(error instanceof agent.RootInUseError)) throw plainFailure(error, root);
      if (attempt === 20)
        throw new Failure(
          `An agent runs in ${root} (process ${error.pid}), and no service of ours keeps it. Stop it first:\n  kill ${error.pid}`,
          exitCodes.no,
        );
      await sleep(attempt < 2 ? 50 : 100);
    }
  }
}

function plainFailure(error: unknown, root: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'EACCES' && code !== 'EPERM') return error;
  return new Failure(`You may not change ${root}: put sudo before it. Nothing was changed.`);
}

function isInstalled(io: Io): boolean {
  return existsSync(path.join(io.root, installedMark));
}

function removeProgram(io: Io, machine: Machine): string[] {
  const removed = [io.root];
  if (pointsTo(machine.path(link), io.launcher)) {
    rmSync(machine.path(link));
    removed.push(link);
  }
  rmSync(io.root, { recursive: true, force: true });
  return removed;
}

function pointsTo(file: string, target: string): boolean {
  try {
    return lstatSync(file).isSymbolicLink() && readlinkSync(file) === target;
  } catch {
    return false;
  }
}

function quietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    // Damaged or unreadable: leaving must still work.
    return undefined;
  }
}
