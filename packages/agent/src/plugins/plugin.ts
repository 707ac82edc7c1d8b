/** What a plugin is: it does one action of a document with one set of inputs, and says how that ended. */
import type { CommandDocument, JsonObject, ParameterValues } from '@rollcall/documents';
import type { Clock } from '../clock.ts';
import type { Capture } from '../commands/capture.ts';
import type { StepOutcome, StepStatus } from '../commands/replies.ts';
import type { Facts } from '../facts.ts';
import type { Way } from '../web-request.ts';
import type { StepProcess } from './process-tree.ts';

/** What is the same for every step of a command. */
export interface CommandSurroundings {
  readonly commandId: string;
  readonly nodeId: string;
  readonly region: string;
  readonly facts: Facts;
  readonly clock: Clock;
  /** The proxy, and what it isn't used for. */
  readonly way: Way;
  /** Where downloads go, and scripts look for them; not there until something is. */
  readonly downloads: string;
  /** Aborted with `cancelled` or `stopping` as its reason. */
  readonly signal: AbortSignal;
  /**
   * The text of a document from the server.
   * @throws ServerRefusal, ConnectionError
   */
  readonly getDocument: (
    name: string,
    version: string | undefined,
  ) => Promise<{ content: string; format: 'JSON' | 'YAML' }>;
}

/** One action to do. */
export interface StepRun extends CommandSurroundings {
  readonly inputs: JsonObject;
  readonly stdout: Capture;
  readonly stderr: Capture;
  /** A folder of the step's own; {@link makeFolder} makes it. */
  readonly folder: string;
  readonly makeFolder: () => Promise<void>;
  /** What marks the step's processes. */
  readonly mark: string;
  /** To be told of each process. */
  readonly started: (process: StepProcess) => void;
  /** How deep in documents within documents it is; 1 in the command's own. */
  readonly depth: number;
  /** Runs the steps of another document as a part of this step. */
  readonly runDocument: (
    document: CommandDocument,
    values: ParameterValues,
  ) => Promise<readonly StepOutcome[] | 'interrupted'>;
}

/** How an action ended. `interrupted`: the agent stops, and the step with it. */
export type ActionEnd =
  | { readonly status: Exclude<StepStatus, 'Skipped'>; readonly code: number }
  | 'interrupted';

/** Does an action. What it can't do is told on `stderr` and by the status; what it throws is a bug. */
export type Plugin = (run: StepRun) => Promise<ActionEnd>;

/** Says on the errors' stream why an action failed. */
export async function fail(run: Pick<StepRun, 'stderr'>, why: string, code = 1): Promise<ActionEnd> {
  await run.stderr.note(why);
  return { status: 'Failed', code };
}

/** How an action ended that was cut short from outside. */
export function cutShort(signal: AbortSignal): ActionEnd {
  return signal.reason === 'stopping' ? 'interrupted' : { status: 'Cancelled', code: killedCode };
}

/** The code of whatever was killed for its time or for a cancellation. */
export const killedCode = 137;

/** A text among the inputs; undefined when there is none. Numbers and truth values are written out. */
export function textInput(inputs: JsonObject, name: string): string | undefined {
  const value = inputs[name];
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined;
}

const timeoutDefault = 3600;
const timeoutLeast = 5;
const timeoutMost = 172_800;

/** Milliseconds that an action may take: what `timeoutSeconds` says, if it makes sense, else an hour. */
export function timeoutInput(inputs: JsonObject): number {
  const seconds = Math.trunc(Number(textInput(inputs, 'timeoutSeconds')?.trim() || Number.NaN));
  return 1000 * (seconds >= timeoutLeast && seconds <= timeoutMost ? seconds : timeoutDefault);
}
