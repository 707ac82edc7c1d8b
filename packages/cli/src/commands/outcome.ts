/** How a command ended on one node, in words, and what to do when it didn't end well. */

import type { CommandProgress, FinishedInvocation } from '@rollcall/wire';
import { atData } from '../at-data.ts';
import type { Wire } from '../wire.ts';

/** A command and how far it has come. */
export type Progress = Wire<CommandProgress>;
/** A command's end on one node. */
export type Finished = Wire<FinishedInvocation>;
/** What one step of it wrote. */
export type Step = Finished['Steps'][number];

/** What a person calls the node. */
export function nameOf(node: Pick<Finished, 'InstanceId' | 'Name'>): string {
  return node.Name || node.InstanceId;
}

/** Whether all went well there. */
export function isSuccess(finished: Pick<Finished, 'Status'>): boolean {
  return finished.Status === 'Success';
}

/** AWS's word for the end, with the exit code where a program ended badly: `Failed, exit code 3`. */
export function verdict(finished: Finished): string {
  const word = finished.StatusDetails || finished.Status;
  const code = finished.ResponseCode;
  return !isSuccess(finished) && code !== undefined && code > 0 ? `${word}, exit code ${code}` : word;
}

/** Why it ended badly, in a sentence; empty where the output says it. Untrusted: it may be the node's own. */
export function reasonFor(finished: Finished): string {
  if (isSuccess(finished)) return '';
  return finished.Reason || meaningOf(finished)?.reason || '';
}

/** What to do about it, in a line that can be typed or a sentence; empty when there is nothing. */
export function nextFor(finished: Finished): string {
  return isSuccess(finished) ? '' : (meaningOf(finished)?.next(finished) ?? '');
}

interface Meaning {
  readonly reason: string;
  next(finished: Finished): string;
}

const waitForIt = ({ InstanceId }: Finished) => `rollcall wait${atData()} ${InstanceId}`;

const meanings: Readonly<Record<string, Meaning>> = {
  DeliveryTimedOut: {
    reason: 'It was away until the time for delivery had passed (--timeout).',
    next: waitForIt,
  },
  Undeliverable: { reason: 'It could not be reached.', next: waitForIt },
  ExecutionTimedOut: {
    reason: 'It ran longer than it may, and was stopped.',
    next: () => 'give it longer: --time-limit SECONDS',
  },
  InvalidPlatform: {
    reason: "The document doesn't run on its platform.",
    next: () => `which it runs on: rollcall documents list${atData()}`,
  },
  AccessDenied: {
    reason: 'You may not send it there.',
    next: () => 'your policy must allow ssm:SendCommand on that node',
  },
  Terminated: {
    reason: 'It was not sent there: the command had reached its limit of errors.',
    next: () => 'let it go on after failures: --max-errors 100%',
  },
  Cancelled: { reason: '', next: () => '' },
};

/** What shells and the kernel mean by some exit codes. */
const exitCodeMeanings: Readonly<Record<number, string>> = {
  126: 'The shell may not execute that (exit code 126).',
  127: 'The shell found no such program there (exit code 127).',
  137: 'It was killed (exit code 137): by hand, or because memory ran out.',
};

function meaningOf(finished: Finished): Meaning | undefined {
  const word = (finished.StatusDetails || finished.Status).replaceAll(' ', '');
  const known = meanings[word === 'TimedOut' ? 'ExecutionTimedOut' : word];
  if (known) return known;
  const reason =
    exitCodeMeanings[finished.ResponseCode ?? 0] ??
    (wroteNothing(finished) ? 'It wrote nothing; only its exit code says that it failed.' : '');
  // What it wrote stands beside it, and says more than we can.
  return { reason, next: () => '' };
}

function wroteNothing(finished: Finished): boolean {
  return finished.Steps.every((step) => !step.StandardOutput && !step.StandardError);
}

/** Whether the server keeps more of a stream than its step shows, or the agent has cut it. */
export function isCut(step: Step, stream: 'stdout' | 'stderr'): 'kept' | 'lost' | undefined {
  const shown = (stream === 'stdout' ? step.StandardOutput : step.StandardError) ?? '';
  const bytes = stream === 'stdout' ? step.StandardOutputBytes : step.StandardErrorBytes;
  const endsCut = shown.endsWith('--output truncated--');
  if (bytes !== undefined && (endsCut || bytes > Buffer.byteLength(shown))) return 'kept';
  return endsCut ? 'lost' : undefined;
}

const livingStates: ReadonlySet<string> = new Set(['Pending', 'InProgress', 'Cancelling', 'Delayed']);

/** Whether something with this status, a command or its life on a node, goes on. */
export function isLiving(status: string): boolean {
  return livingStates.has(status);
}

/** Whether nothing more will happen: the command itself has ended. */
export function isOver(command: Progress): boolean {
  return !isLiving(command.Status) || command.FinishedCount >= command.TargetCount;
}
