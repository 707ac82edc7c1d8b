/** The platforms on which a document does something, and how long it may take there. */
import { actions } from './actions.ts';
import type { CommandDocument, DocumentStep, Json, ParameterValues, PlatformType } from './document.ts';
import { stepsWith } from './substitute.ts';

/** All platforms, in the order in which they are shown. */
export const platformTypes: readonly PlatformType[] = ['Linux', 'MacOS', 'Windows'];

/** The platform that a precondition names, in any case. */
export function singlePlatform(name: string): PlatformType | undefined {
  const lower = name.toLowerCase();
  return platformTypes.find((platform) => platform.toLowerCase() === lower);
}

/**
 * The platforms on which a document does something (`PlatformTypes`): those of any of its steps. A step has
 * the platforms on which agents have its action, less those that its precondition on `platformType` excludes.
 * Preconditions on parameters exclude none, since their values aren't known yet.
 */
export function platformTypesOf(document: CommandDocument): PlatformType[] {
  return platformTypes.filter((platform) => document.steps.some((step) => runsOn(step, platform)));
}

function runsOn(step: DocumentStep, platform: PlatformType): boolean {
  if (!actions[step.action]?.includes(platform)) return false;
  return Object.values(step.precondition ?? {}).every((operands) => {
    if (!Array.isArray(operands) || !operands.includes('platformType')) return true;
    const other = (operands as readonly Json[]).find((one) => one !== 'platformType');
    return typeof other === 'string' && singlePlatform(other) === platform;
  });
}

const leastSeconds = 5;
const mostSeconds = 172_800;
const defaultSeconds = 3600;

/**
 * How many seconds a command of this document may run: the time limits of its steps (`timeoutSeconds` among
 * the inputs) one after another, on the platform on which they take longest. A limit that is missing or not
 * within 5 to 172800 counts as 3600, as with agents. In schema 1.2 the first property of a plugin stands for all.
 */
export function executionSecondsOf(document: CommandDocument, values: ParameterValues): number {
  const steps = stepsWith(document, values);
  const sum = (some: readonly DocumentStep[]) =>
    some.reduce((seconds, step) => seconds + secondsOf(step.inputs[0]?.timeoutSeconds), 0);
  const most = Math.max(
    ...platformTypes.map((platform) => sum(steps.filter((step) => runsOn(step, platform)))),
  );
  return most === 0 ? sum(steps) : most;
}

function secondsOf(limit: Json | undefined): number {
  const number = typeof limit === 'string' && /^[\d.eE+-]+$/.test(limit) ? Number(limit) : limit;
  if (typeof number !== 'number') return defaultSeconds;
  // Agents cut off what comes after the point, and then look at the range.
  const seconds = Math.trunc(number);
  return seconds >= leastSeconds && seconds <= mostSeconds ? seconds : defaultSeconds;
}
