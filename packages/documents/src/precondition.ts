/** Whether a step's precondition lets it run on a platform. */
import type { CommandDocument, DocumentStep, Json, ParameterValues, PlatformType } from './document.ts';
import { singlePlatform } from './platforms.ts';
import { parameterStoreReferences } from './references.ts';
import { asText, substitute } from './substitute.ts';

/** What a precondition says about a step: run it, or leave it out and report why. */
export type PreconditionAnswer =
  | { readonly run: true }
  | { readonly run: false; readonly skipped: string }
  | { readonly run: false; readonly failed: string };

/**
 * Judges a step's precondition as the official agent (3.3) does, in its words, since they are part of the
 * step's output. `StringEquals` compares `platformType` with a platform, in either order and any case, or two
 * texts of which one refers to a parameter. Every operator must hold. One that isn't met skips the step; one
 * that makes no sense fails it.
 */
export function checkPrecondition(
  step: DocumentStep,
  schemaVersion: CommandDocument['schemaVersion'],
  platformType: PlatformType,
  values: ParameterValues,
): PreconditionAnswer {
  const operators = Object.entries(step.precondition ?? {});
  if (operators.length === 0) return { run: true };
  if (schemaVersion !== '2.2') {
    const failed = `Precondition is not supported for document schema version prior to 2.2. Step name: ${step.name}`;
    return { run: false, failed };
  }
  let isMet = true;
  const remarks: string[] = [];
  for (const [operator, operands] of operators) {
    const verdict = judge(operator, operands, platformType, values);
    if (verdict === 'met') continue;
    if (verdict.unmet) isMet = false;
    remarks.push(verdict.remark);
  }
  const list = remarks.join(', ');
  if (!isMet) {
    const skipped = `Step execution skipped due to unsatisfied preconditions: '${list}'. Step name: ${step.name}`;
    return { run: false, skipped };
  }
  if (remarks.length === 0) return { run: true };
  const failed = `Unrecognized precondition(s): '${list}', please update agent to latest version. Step name: ${step.name}`;
  return { run: false, failed };
}

type Verdict = 'met' | { readonly unmet: boolean; readonly remark: string };

function judge(
  operator: string,
  operands: Json,
  platformType: PlatformType,
  values: ParameterValues,
): Verdict {
  const senseless = (why: string) => ({ unmet: false, remark: why });
  if (operator !== 'StringEquals') return senseless(`unrecognized operator: "${operator}"`);
  const [left, right, ...more] = Array.isArray(operands) ? (operands as readonly Json[]) : [];
  if (typeof left !== 'string' || typeof right !== 'string' || more.length > 0) {
    return senseless('"StringEquals": operator accepts exactly 2 arguments');
  }
  if (left === right) {
    if (left === 'platformType') return senseless(`"StringEquals": [${left} ${right}]`);
    return senseless(`"StringEquals": operator's arguments can't be identical`);
  }
  if (parameterStoreReferences([left, right]).length > 0) {
    return senseless(`"StringEquals": operator's arguments can't contain SSM parameters`);
  }
  const unmet = { unmet: true, remark: `"StringEquals": [${left}, ${right}]` };
  const leftValue = asText(substitute(left, values));
  const rightValue = asText(substitute(right, values));
  if (left === 'platformType' || right === 'platformType') {
    const [platform, value] = left === 'platformType' ? [right, rightValue] : [left, leftValue];
    if (platform.toLowerCase() !== value.toLowerCase()) {
      return senseless(
        `"StringEquals": the second argument for the platformType variable can't contain document parameters`,
      );
    }
    return singlePlatform(platform) === platformType ? 'met' : unmet;
  }
  if (left === leftValue && right === rightValue) {
    return senseless(
      `"StringEquals": at least one of operator's arguments must contain a valid document parameter`,
    );
  }
  return leftValue === rightValue ? 'met' : unmet;
}
