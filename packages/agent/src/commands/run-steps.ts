/** Runs the steps of a document one after the other: of a command's own, and of documents within it. */

import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type CommandDocument,
  type DocumentStep,
  type JsonObject,
  type ParameterValues,
  stepsWith,
} from '@rollcall/documents';
import { plugins } from '../plugins/index.ts';
import { type ActionEnd, type CommandSurroundings, fail } from '../plugins/plugin.ts';
import { markOf, type StepProcess } from '../plugins/process-tree.ts';
import { type Capture, openCapture } from './capture.ts';
import { afterStep, isSkippedByEarlier, judgeStep, skippedByEarlier } from './control-flow.ts';
import { beginning, streamLimit } from './limits.ts';
import { documentStatus, type StepOutcome, type StepStatus } from './replies.ts';

/** What the steps of a command, at any depth, have in common. */
export interface StepsOf extends CommandSurroundings {
  readonly outputLimit: number;
  /** Why a step that wants a reboot (exit code 194) can't have one; undefined when it can. */
  readonly noReboot: string | undefined;
  /** How steps ended before: of these only the ones that wanted a reboot run again. */
  readonly outcomes: ReadonlyMap<string, StepOutcome>;
  /** Told of each process. */
  readonly process: (path: string, process: StepProcess) => void;
  /** Told of each part of a step that ended. */
  readonly partEnded: (path: string, outcome: StepOutcome) => void;
}

/** A document whose steps are to run. */
export interface StepsRun {
  readonly document: CommandDocument;
  readonly values: ParameterValues;
  /** What the names of steps are put behind to tell them from those of other documents; empty or with a slash. */
  readonly prefix: string;
  /** Where the steps have their folders. */
  readonly folder: string;
  readonly depth: number;
  /** Called, and waited for, before a step runs. */
  readonly begin?: (path: string) => Promise<void>;
  /** Called, and waited for, when a step has ended; its output can be read until then. Answers the outcome to keep. */
  readonly ended: (
    path: string,
    outcome: StepOutcome,
    output: StepOutput | undefined,
  ) => Promise<StepOutcome>;
}

/** What a step printed. */
export interface StepOutput {
  readonly stdout: Capture;
  readonly stderr: Capture;
}

/** How the steps ended: all have, one wants a reboot first, or the agent stops. */
export type StepsEnd =
  | { readonly how: 'ended' | 'rebooting'; readonly outcomes: readonly StepOutcome[] }
  | { readonly how: 'interrupted' };

/** Runs the steps. */
export async function runSteps(of: StepsOf, run: StepsRun): Promise<StepsEnd> {
  const steps = stepsWith(run.document, run.values);
  const outcomes: StepOutcome[] = [];
  for (const [index, step] of steps.entries()) {
    const path = `${run.prefix}${step.name}`;
    const before = of.outcomes.get(path);
    if (before !== undefined && before.status !== 'SuccessAndReboot') {
      outcomes.push(before);
      continue;
    }
    if (of.signal.reason === 'stopping') return { how: 'interrupted' };
    const startedAt = of.clock.now();
    const left = leaveOut(of, run, steps, index, outcomes);
    let outcome: StepOutcome;
    if (left !== undefined) {
      const nothing = {
        name: step.name,
        action: step.action,
        startedAt,
        endedAt: startedAt,
        stdout: '',
        stderr: '',
      };
      outcome = await run.ended(path, { ...nothing, ...left }, undefined);
    } else {
      await run.begin?.(path);
      const ended = await runStep(of, run, step, path, join(run.folder, String(index)));
      if (ended === 'interrupted') return { how: 'interrupted' };
      outcome = ended;
    }
    outcomes.push(outcome);
    if (outcome.status === 'SuccessAndReboot') return { how: 'rebooting', outcomes };
  }
  return { how: 'ended', outcomes };
}

type LeftOut = Pick<StepOutcome, 'status' | 'code' | 'message'>;

function leaveOut(
  of: StepsOf,
  run: StepsRun,
  steps: readonly DocumentStep[],
  index: number,
  outcomes: readonly StepOutcome[],
): LeftOut | undefined {
  const step = steps[index]!;
  if (isSkippedByEarlier(steps, index, outcomes))
    return { status: 'Skipped', code: 0, message: skippedByEarlier(step) };
  const { platformType } = of.facts;
  const isOurs = (action: string) => Object.hasOwn(plugins, action);
  const verdict = judgeStep(step, run.document, platformType, run.values, isOurs);
  if (!verdict.run)
    return { status: verdict.status, code: verdict.status === 'Failed' ? 1 : 0, message: verdict.message };
  return of.signal.aborted ? { status: 'Cancelled', code: 1 } : undefined;
}

async function runStep(
  of: StepsOf,
  run: StepsRun,
  step: DocumentStep,
  path: string,
  folder: string,
): Promise<StepOutcome | 'interrupted'> {
  const startedAt = of.clock.now();
  const output = openOutput(of, folder);
  try {
    const [only, ...others] = step.inputs;
    let end: ActionEnd;
    if (only === undefined) end = await fail(output, 'The step has no inputs.');
    else if (others.length === 0) end = await act(of, run, step.action, only, path, folder, output);
    else end = await actOnEach(of, run, step, path, folder, output);
    if (end === 'interrupted') return end;
    if (end.status === 'SuccessAndReboot' && of.noReboot !== undefined)
      end = await fail(output, `The step asks for a reboot (exit code 194). ${of.noReboot}`, end.code);
    if (end === 'interrupted') return end;
    const { status, code, remark } = afterStep(step, end);
    if (remark !== undefined) await (status === 'Failed' ? output.stderr : output.stdout).note(remark);
    const outcome = outcomeOf(step.name, step.action, status, code, startedAt, of.clock.now(), output);
    return await run.ended(path, outcome, output);
  } finally {
    await closeOutput(output, folder);
  }
}

async function act(
  of: StepsOf,
  run: StepsRun,
  action: string,
  inputs: JsonObject,
  path: string,
  folder: string,
  output: StepOutput,
): Promise<ActionEnd> {
  try {
    return await plugins[action]!({
      ...of,
      ...output,
      inputs,
      folder,
      makeFolder: () => makeFolder(folder),
      mark: markOf(of.nodeId, of.commandId, path),
      started: (process) => of.process(path, process),
      depth: run.depth,
      runDocument: (document, values) => runWithin(of, run, document, values, path, folder, output),
    });
  } catch (error) {
    return fail(output, `This is a fault of the agent: ${(error as Error).message}.`);
  }
}

/** Runs a document as a part of a step: what its steps print, the step prints. */
async function runWithin(
  of: StepsOf,
  run: StepsRun,
  document: CommandDocument,
  values: ParameterValues,
  path: string,
  folder: string,
  output: StepOutput,
): Promise<readonly StepOutcome[] | 'interrupted'> {
  const prefix = `${path}/`;
  for (const step of document.steps) await repeat(of.outcomes.get(`${prefix}${step.name}`), output);
  const end = await runSteps(of, {
    document,
    values,
    prefix,
    folder,
    depth: run.depth + 1,
    async ended(part, outcome, printed) {
      of.partEnded(part, outcome);
      if (printed !== undefined) await append(output, printed);
      else if (outcome.status === 'Failed') await output.stderr.note(outcome.message ?? '');
      return outcome;
    },
  });
  return end.how === 'interrupted' ? 'interrupted' : end.outcomes;
}

/** Schema 1.2: a plugin does each of its properties in turn, and ends as the worst of them. */
async function actOnEach(
  of: StepsOf,
  run: StepsRun,
  step: DocumentStep,
  path: string,
  folder: string,
  output: StepOutput,
): Promise<ActionEnd> {
  const ends: { status: StepStatus; code: number }[] = [];
  for (const [index, inputs] of step.inputs.entries()) {
    const part = `${path}#${index}`;
    const before = of.outcomes.get(part);
    if (before !== undefined && before.status !== 'SuccessAndReboot') {
      await repeat(before, output);
      ends.push(before);
      continue;
    }
    if (of.signal.aborted) {
      ends.push({ status: 'Cancelled', code: 1 });
      continue;
    }
    const startedAt = of.clock.now();
    const own = join(folder, String(index));
    const printed = openOutput(of, own);
    try {
      const end = await act(of, run, step.action, inputs, part, own, printed);
      if (end === 'interrupted') return end;
      ends.push(end);
      await append(output, printed);
      of.partEnded(
        part,
        outcomeOf(step.name, step.action, end.status, end.code, startedAt, of.clock.now(), printed),
      );
      if (end.status === 'SuccessAndReboot') break;
    } finally {
      await closeOutput(printed, own);
    }
  }
  const status = documentStatus(ends.map((end) => end.status)) as 'Success';
  return { status, code: ends.find((end) => end.code !== 0)?.code ?? 0 };
}

function outcomeOf(
  name: string,
  action: string,
  status: StepStatus,
  code: number,
  startedAt: number,
  endedAt: number,
  output: StepOutput,
): StepOutcome {
  // One character more than a reply takes: that there is more is told by it.
  const [stdout, stderr] = [output.stdout, output.stderr].map((one) =>
    beginning(one.text(), streamLimit + 1),
  );
  return { name, action, status, code, startedAt, endedAt, stdout: stdout!, stderr: stderr! };
}

function openOutput(of: StepsOf, folder: string): StepOutput {
  const open = (name: string) => openCapture(join(folder, name), of.outputLimit, () => makeFolder(folder));
  return { stdout: open('stdout'), stderr: open('stderr') };
}

/** What a step left in its folder is of no use to anybody when it has ended. */
async function closeOutput(output: StepOutput, folder: string): Promise<void> {
  await Promise.all([output.stdout.close(), output.stderr.close()]);
  await rm(folder, { recursive: true, force: true }).catch(() => {});
}

async function append(to: StepOutput, from: StepOutput): Promise<void> {
  for (const name of ['stdout', 'stderr'] as const) {
    if (from[name].size === 0) continue;
    await to[name].note('');
    for await (const piece of from[name].pieces(64 * 1024)) await to[name].write(piece);
  }
}

/** What a part printed that ended before a reboot: only its beginning was kept. */
async function repeat(outcome: StepOutcome | undefined, output: StepOutput): Promise<void> {
  if (outcome === undefined || outcome.status === 'SuccessAndReboot') return;
  if (outcome.stdout !== '') await output.stdout.note(outcome.stdout);
  if (outcome.stderr !== '') await output.stderr.note(outcome.stderr);
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
}
