/** What a cause is: how it is decided, how it is said in two languages, and what mends it. */
import type { Facts } from '../facts/index.ts';
import type { CauseId, Fix, Gate, Observation } from '../verdict.ts';

/** What a check found. `not-tried` is added by the judge, for what lies behind the first that is confirmed. */
export type Finding = Confirmed | Excluded | Unknown;

/** It is so. */
export interface Confirmed {
  readonly state: 'confirmed';
  readonly confidence: 'proven' | 'likely';
  /** Why it is only likely. */
  readonly doubt?: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly evidence: readonly Observation[];
}

/** It certainly isn't so: something was seen that contradicts it. */
export interface Excluded {
  readonly state: 'excluded';
}

/** It wasn't looked at, or what was seen doesn't decide it. */
export interface Unknown {
  readonly state: 'unknown';
}

export const excluded: Excluded = { state: 'excluded' };
export const unknown: Unknown = { state: 'unknown' };

/** Confirms, by what the machine itself, a signature, a right code or our books show. */
export function proven(
  evidence: readonly Observation[],
  parameters: Readonly<Record<string, string>> = {},
): Confirmed {
  return { state: 'confirmed', confidence: 'proven', parameters, evidence };
}

/** Confirms, by what could be otherwise; `doubt` says why. */
export function likely(
  doubt: string,
  evidence: readonly Observation[],
  parameters: Readonly<Record<string, string>> = {},
): Confirmed {
  return { state: 'confirmed', confidence: 'likely', doubt, parameters, evidence };
}

/** The words for a cause in one language. Slots are `{name}`, or `{name:format}`. */
export interface CauseTexts {
  /** What it is called in a row: a noun phrase. */
  readonly name: string;
  /** The clause after "because": without subject `NODE`, without full stop. In Japanese what stands before ため. */
  readonly because: string;
  /** The whole sentence, where "NODE isn't in the list because …" wouldn't be true. */
  readonly sentence?: string;
  /** What the fix changes, and whom it touches. */
  readonly fix?: string;
  /** What to do where no command is offered. */
  readonly explain: string;
  /** For the reference: how it shows, and what decides it. */
  readonly about: string;
  /** The sentence when it is only a warning. */
  readonly warning?: string;
}

/** The part of a fix that is known here; the judge adds the gate that must pass. */
export type FixPlan = Omit<Fix, 'check' | 'parameters'> & {
  readonly parameters?: Readonly<Record<string, string>>;
};

/** An entry of the catalogue. */
export interface Cause {
  readonly id: CauseId;
  readonly gate: Gate;
  /** Which of the seven solutions of AWS's page it belongs to. */
  readonly solution: 1 | 2 | 3 | 4 | 5 | 6 | 7 | null;
  /** What it takes away: the node from the list, its working once it is there, or only this choice. */
  readonly breaks: 'listed' | 'working' | 'picked';
  /**
   * What becomes of it while heartbeats arrive. `excluded` (the default where it breaks `listed`): what works isn't
   * broken. `likely`: the node will be lost soon. `stands` (the default elsewhere): heartbeats say nothing about it.
   */
  readonly whileThrough?: 'excluded' | 'likely' | 'stands';
  /** The subject is something that many share; nothing is to be mended on the node. */
  readonly shared?: true;
  /** Nothing is broken any more: it only waits. */
  readonly passing?: true;
  /** It isn't there on purpose: nobody misses it. */
  readonly intended?: true;
  /** The sign by which the records know that others have the same. */
  readonly sign?: string;
  /** What a person would think of instead: named when it was ruled out. */
  readonly near: readonly CauseId[];
  decide(facts: Facts): Finding;
  /** The commands that mend it; absent or undefined: it is only explained. */
  fix?(facts: Facts, finding: Confirmed): FixPlan | undefined;
  /** Slots of the warning, when something of this kind is worth saying that breaks nothing yet. */
  warns?(facts: Facts): Readonly<Record<string, string>> | undefined;
  readonly en: CauseTexts;
  readonly ja: CauseTexts;
}
