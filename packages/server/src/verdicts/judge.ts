/**
 * The judge, loaded when it is first needed: with all its causes in two languages it takes a tenth of a second, which
 * no start should wait for.
 */
import type { Evidence, Verdict } from '@rollcall/diagnosis';

let loading: Promise<(evidence: Evidence) => Verdict> | undefined;

/** The function that judges. */
export function loadJudge(): Promise<(evidence: Evidence) => Verdict> {
  loading ??= import('@rollcall/diagnosis').then((module) => module.judge);
  return loading;
}
