/** Which steps of a document run: what the steps before one mean for it, and what its own conditions say. */
import {
  actions,
  type CommandDocument,
  checkPrecondition,
  type DocumentStep,
  type JsonObject,
  type ParameterValues,
  type PlatformType,
} from '@rollcall/documents';
import { exitCodes } from '../plugins/run-script.ts';
import { agentName, agentVersion } from '../version.ts';
import type { StepOutcome, StepStatus } from './replies.ts';

/** What is to be done with a step: run it, or leave it and say why. */
export type StepVerdict =
  | { readonly run: true }
  | { readonly run: false; readonly status: 'Skipped' | 'Failed'; readonly message: string };

/** Judges a step, in the order and, where it says so on the wire, in the words of agent 3.3.0.0. */
export function judgeStep(
  step: DocumentStep,
  document: CommandDocument,
  platformType: PlatformType,
  values: ParameterValues,
  isOurs: (action: string) => boolean,
): StepVerdict {
  const { name, action } = step;
  const isForHere = actions[action]?.includes(platformType) ?? false;
  if (!isForHere && !isOurs(action)) {
    return document.schemaVersion === '2.2'
      ? skipped(`Step execution skipped due to unsupported plugin: ${action}. Step name: ${name}`)
      : failed(`Plugin with name ${action} is not supported in current platform. Step name: ${name}`);
  }
  const condition = checkPrecondition(step, document.schemaVersion, platformType, values);
  if (!condition.run) return 'skipped' in condition ? skipped(condition.skipped) : failed(condition.failed);
  if (isOurs(action)) return { run: true };
  // The official agent can do it here: leaving it out without failing would look like success.
  return failed(`${agentName} ${agentVersion} has no plugin ${action}; nothing was done. Step name: ${name}`);
}

/** Whether the steps before this one ended the document. The last one can be there for any end. */
export function isSkippedByEarlier(
  steps: readonly DocumentStep[],
  index: number,
  outcomes: readonly StepOutcome[],
): boolean {
  const isLast = index === steps.length - 1;
  if (isLast && control(steps[index]!, 'finallyStep') === 'true') return false;
  return outcomes.slice(0, index).some((outcome, earlier) => {
    const step = steps[earlier]!;
    return (
      outcome.code === exitCodes.skipRest ||
      outcome.code === exitCodes.failAndSkipRest ||
      (outcome.status === 'Failed' && control(step, 'onFailure') === 'exit') ||
      (outcome.status === 'Success' && control(step, 'onSuccess') === 'exit')
    );
  });
}

/** What the end of a step means for the step itself, and what is said of it. */
export function afterStep(
  step: DocumentStep,
  end: { readonly status: StepStatus; readonly code: number },
): { readonly status: StepStatus; readonly code: number; readonly remark?: string } {
  const rest = 'The steps behind it are skipped.';
  if (end.code === exitCodes.skipRest)
    return { status: 'Success', code: end.code, remark: `The step ended with exit code 168. ${rest}` };
  if (end.code === exitCodes.failAndSkipRest)
    return { ...end, remark: `The step ended with exit code 169. ${rest}` };
  const onFailure = control(step, 'onFailure');
  if (end.status !== 'Failed' || (onFailure !== 'exit' && onFailure !== 'successAndExit')) return end;
  const remark = `The step failed, and its onFailure says ${onFailure}. ${rest}`;
  return onFailure === 'exit' ? { ...end, remark } : { status: 'Success', code: exitCodes.skipRest, remark };
}

/** What is said of a step that an earlier one put out. */
export function skippedByEarlier(step: DocumentStep): string {
  return `Step execution skipped because an earlier step ended the document. Step name: ${step.name}`;
}

/** What counts are the words among the inputs; those beside them are read by nobody (agent 3.3.0.0). */
function control(step: DocumentStep, name: 'onFailure' | 'onSuccess' | 'finallyStep'): string | undefined {
  const value = (step.inputs[0] as JsonObject | undefined)?.[name];
  return typeof value === 'string' || typeof value === 'boolean' ? String(value) : undefined;
}

function skipped(message: string): StepVerdict {
  return { run: false, status: 'Skipped', message };
}

function failed(message: string): StepVerdict {
  return { run: false, status: 'Failed', message };
}
