/**
 * Killing a process with everything that came of it: its group and session, its descendants, and what left all
 * of these but still carries the step's mark in its environment.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { startOf } from '../lock.ts';

/** The variable by which a step's processes are found again. */
export const markName = 'ROLLCALL_STEP';

/** The mark of a step: with the node's id, for a machine may be several nodes, each with the same command. */
export function markOf(nodeId: string, commandId: string, path: string): string {
  return `${nodeId}/${commandId}/${path}`;
}

/** A process that was started for a step, as leader of its own session. */
export interface StepProcess {
  readonly pid: number;
  /** {@link startOf} the process; another one under the same id has another. */
  readonly started: string;
  /** The value of {@link markName} in its environment. */
  readonly mark: string;
}

/** A tree may grow while it is cut: each round finds what was born since the one before. */
const rounds = 20;

/** Kills a step's processes. Resolves with how many were found, when none is left or the rounds are used up. */
export async function killTree(root: StepProcess): Promise<number> {
  // Ids are given again: the group is only ours while its leader is, or was when this began.
  const isOurs = root.pid > 1 && startOf(root.pid) === root.started;
  const killed = new Set<number>();
  // Stopped first, and killed when all are found: children of the dead can't be told from anybody's.
  if (isOurs) signal(-root.pid, 'SIGSTOP');
  for (let round = 0; round < rounds; round += 1) {
    const found = findTree(root, isOurs, await look());
    for (const pid of found) {
      killed.add(pid);
      signal(pid);
    }
    if (found.length === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 5 * round));
  }
  return killed.size;
}

/** Asks the group to end, which a shell hands on to nobody: for those who want to tidy up first. */
export function terminateGroup(root: StepProcess): void {
  if (root.pid > 1 && startOf(root.pid) === root.started) signal(-root.pid, 'SIGTERM');
}

function signal(pid: number, name: 'SIGKILL' | 'SIGSTOP' | 'SIGTERM' = 'SIGKILL'): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended by itself.
  }
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** The marks in its environment. */
  readonly marks: readonly string[];
}

let nextLook: Promise<readonly Process[]> | undefined;

/** Everything that runs, as it is in a moment. A look takes a while, so trees that are killed at once share it. */
function look(): Promise<readonly Process[]> {
  nextLook ??= new Promise((resolve) => {
    setImmediate(() => {
      nextLook = undefined;
      resolve(processes());
    });
  });
  return nextLook;
}

function findTree(root: StepProcess, groupIsOurs: boolean, running: readonly Process[]): number[] {
  const found = new Set<number>();
  for (const one of running) {
    const belongs = groupIsOurs && (one.group === root.pid || one.session === root.pid);
    if (belongs || one.marks.some((mark) => isOf(mark, root.mark))) found.add(one.pid);
  }
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const one of running) if (found.has(one.parent)) found.add(one.pid);
  }
  found.delete(process.pid);
  return [...found];
}

/** Everything that runs; a zombie only waits for its parent. Nothing where there is no /proc. */
function processes(): Process[] {
  const found: Process[] = [];
  for (const name of namesIn('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid <= 1) continue;
    const stat = read(`/proc/${name}/stat`);
    const [state, parent, group, session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (session === undefined || state === 'Z' || state === 'X') continue;
    found.push({
      pid,
      parent: Number(parent),
      group: Number(group),
      session: Number(session),
      marks: marksOf(pid),
    });
  }
  return found;
}

/** The mark of a step is also the beginning of the marks of its parts. */
function isOf(mark: string, step: string): boolean {
  return mark === step || mark.startsWith(`${step}/`) || mark.startsWith(`${step}#`);
}

function marksOf(pid: number): string[] {
  const name = `${markName}=`;
  return read(`/proc/${pid}/environ`)
    .split('\0')
    .flatMap((variable) => (variable.startsWith(name) ? [variable.slice(name.length)] : []));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** A process that ends while it is looked at has nothing to read; another user's is none of ours. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
