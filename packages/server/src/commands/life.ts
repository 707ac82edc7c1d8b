/**
 * The life of an invocation: which states there are, and what each thing that can happen makes of them. Pure;
 * rows, not memory, decide, and who comes second changes nothing.
 *
 *     queued -> released -> offered -> accepted -> running -> Success, Failed, ExecutionTimedOut
 *       |          |           |           \---------+-> cancelling -> Cancelled (or how it ended before)
 *       +----------+-----------+-> Cancelled, DeliveryTimedOut, Terminated, Undeliverable
 */
import type { InvocationsRow } from '../store/index.ts';
import type { Report, StepReport } from './reply.ts';

/** Where an invocation stands. Capital letters are ends. */
export type InvocationState =
  | 'queued'
  | 'released'
  | 'offered'
  | 'accepted'
  | 'running'
  | 'cancelling'
  | 'Success'
  | 'Failed'
  | 'ExecutionTimedOut'
  | 'Cancelled'
  | 'DeliveryTimedOut'
  | 'Terminated'
  | 'Undeliverable'
  | 'InvalidPlatform'
  | 'AccessDenied';

/** What may happen to an invocation once it exists; offers are made elsewhere. */
export type LifeEvent =
  /** The agent's answer to an offer. */
  | { readonly kind: 'answered'; readonly verdict: 'accepted' | 'later' | 'refused'; readonly reason: string }
  /** The agent's answer to the order to cancel. */
  | { readonly kind: 'cancel-answered' }
  | { readonly kind: 'replied'; readonly report: Report }
  | { readonly kind: 'cancel' }
  /** Its deadline has passed. */
  | { readonly kind: 'expired' }
  /** Its node was deregistered. */
  | { readonly kind: 'node-gone' };

/** What of a row its life depends on. */
export type Life = Pick<
  InvocationsRow,
  | 'deadline'
  | 'epoch'
  | 'lease_until'
  | 'first_offered_at'
  | 'not_before'
  | 'accepted_at'
  | 'cancel_acked_at'
  | 'ended_at'
  | 'response_code'
  | 'reason'
  | 'steps'
> & { readonly state: InvocationState };

/** What the command says that an invocation needs to know. */
export interface LifeRules {
  readonly now: number;
  /** Seconds that the document may take. */
  readonly executionSeconds: number;
  /** The names of the document's steps, in order: of others nothing is kept. */
  readonly steps: readonly string[];
}

/** How long an agent may take to answer an offer, in milliseconds. */
export const leaseTime = 15_000;
/** How long an agent that was busy is left alone, in milliseconds. */
export const busyWait = 10_000;
/** Agents send a reply that was lost again after up to five minutes: so long it may be late. */
export const replyGrace = 330_000;
/** An agent that agreed to cancel what it never said it had: this long we wait for a sign that it had it. */
export const cancelGrace = 60_000;

/** Whether nothing changes any more. */
export function isOver(state: InvocationState): boolean {
  return state.charCodeAt(0) < 97;
}

/** What an event makes of an invocation; the very same object when it changes nothing. */
export function live(life: Life, event: LifeEvent, rules: LifeRules): Life {
  if (event.kind === 'replied') return reported(life, event.report, rules);
  if (isOver(life.state)) return life;
  switch (event.kind) {
    case 'answered':
      return answered(life, event.verdict, event.reason, rules);
    case 'cancel-answered':
      return agreed(life, rules);
    case 'cancel':
      return cancelled(life, rules);
    case 'expired':
      return life.deadline <= rules.now ? expired(life, rules) : life;
    case 'node-gone':
      return end(life, 'Undeliverable', rules, 'The node was deregistered before it reported a result.');
  }
}

function answered(
  life: Life,
  verdict: 'accepted' | 'later' | 'refused',
  reason: string,
  rules: LifeRules,
): Life {
  if (verdict === 'refused') {
    if (life.accepted_at !== null) return life;
    return end(life, 'Failed', rules, `The agent refused the command: ${reason}.`);
  }
  if (life.state !== 'offered' && life.state !== 'released') return accept(life, rules, verdict);
  if (verdict === 'accepted') return { ...accept(life, rules, verdict), state: 'accepted' };
  // What it didn't take it won't remember: its memory of ids begins with the next offer. Unless an earlier offer had
  // no answer: it may have taken that one.
  const only = life.lease_until !== null && life.lease_until - leaseTime === life.first_offered_at;
  return {
    ...life,
    state: 'released',
    lease_until: null,
    first_offered_at: only ? null : life.first_offered_at,
    not_before: rules.now + busyWait,
  };
}

/** Notes that the agent has it: from then on its deadline is the end of its work. */
function accept(life: Life, rules: LifeRules, verdict: 'accepted' | 'later'): Life {
  if (life.accepted_at !== null || verdict === 'later') return life;
  return { ...life, accepted_at: rules.now, deadline: workUntil(life, rules) };
}

function workUntil(life: Life, { now, executionSeconds }: LifeRules): number {
  if (life.cancel_acked_at !== null) return now + 2 * replyGrace;
  return Math.max(life.deadline, now + executionSeconds * 1000 + replyGrace);
}

function agreed(life: Life, rules: LifeRules): Life {
  if (life.state !== 'cancelling' || life.cancel_acked_at !== null) return life;
  const wait = life.accepted_at === null ? cancelGrace : 2 * replyGrace;
  return {
    ...life,
    cancel_acked_at: rules.now,
    lease_until: null,
    deadline: Math.min(life.deadline, rules.now + wait),
  };
}

function cancelled(life: Life, rules: LifeRules): Life {
  if (life.state === 'cancelling') return life;
  if (life.state === 'queued' || life.state === 'released') return end(life, 'Cancelled', rules);
  return { ...life, state: 'cancelling', lease_until: null, epoch: null };
}

function expired(life: Life, rules: LifeRules): Life {
  switch (life.state) {
    case 'running':
      return end(life, 'ExecutionTimedOut', rules, 'It was still running when its time was over.');
    case 'cancelling':
      return end(life, 'Cancelled', rules, 'The node never reported how it ended.');
    case 'accepted':
      return end(life, 'DeliveryTimedOut', rules, 'The node took the command, but never reported on it.');
    case 'offered':
      return end(
        life,
        'DeliveryTimedOut',
        rules,
        'It was sent to the node, which never said that it has it.',
      );
    case 'queued':
      return end(
        life,
        'DeliveryTimedOut',
        rules,
        'Its turn had not come when the time of the command was over: it went to so many nodes at a time only (MaxConcurrency).',
      );
    default:
      return end(life, 'DeliveryTimedOut', rules, 'The node could not be reached in time.');
  }
}

/** Steps are merged whatever has happened; the whole ends once. */
function reported(life: Life, report: Report, rules: LifeRules): Life {
  const { now } = rules;
  const steps = mergeSteps(life.steps, report.steps, rules.steps);
  const outcome = outcomeOf(report.status);
  if (isOver(life.state)) {
    const late = outcome !== undefined && outcome !== life.state ? lateNote(life, report.status, now) : life;
    return steps === life.steps ? late : { ...late, steps, response_code: codeOf(steps, life.state) };
  }
  const merged: Life = steps === life.steps ? life : { ...life, steps };
  const taken = accept(merged, rules, 'accepted');
  if (outcome !== undefined) {
    const whole = end(taken, outcome, rules, report.trace === '' ? null : report.trace);
    return { ...whole, response_code: codeOf(steps, outcome) };
  }
  if (taken.state === 'running' || taken.state === 'cancelling') return taken;
  return { ...taken, state: 'running', lease_until: null };
}

/** An end that came after another had been written down is told beside it; the first stays. */
function lateNote(life: Life, status: string, now: number): Life {
  const note = `The node reported ${status} at ${new Date(now).toISOString()}, after this had ended.`;
  if (life.reason?.includes('after this had ended.')) return life;
  return { ...life, reason: life.reason === null ? note : `${life.reason} ${note}` };
}

/** `SuccessAndReboot` is no end: the node comes back, and goes on. */
function outcomeOf(status: string): InvocationState | undefined {
  switch (status) {
    case 'Success':
    case 'Failed':
    case 'Cancelled':
      return status;
    case 'TimedOut':
      return 'ExecutionTimedOut';
    default:
      return undefined;
  }
}

function end(life: Life, state: InvocationState, { now }: LifeRules, reason: string | null = null): Life {
  return { ...life, state, ended_at: now, lease_until: null, not_before: null, reason };
}

/** Order and repeats don't matter: of two reports of a step the one that is further on stays. */
function mergeSteps(
  known: string | null,
  news: readonly StepReport[],
  names: readonly string[],
): string | null {
  const mine = news.filter((step) => names.includes(step.name));
  if (mine.length === 0) return known;
  const steps = new Map(readSteps(known).map((step) => [step.name, step]));
  let changed = false;
  for (const step of mine) {
    const before = steps.get(step.name);
    if (before && rank(before.status) >= rank(step.status)) continue;
    steps.set(step.name, step);
    changed = true;
  }
  if (!changed) return known;
  return JSON.stringify(names.flatMap((name) => steps.get(name) ?? []));
}

function rank(status: string): number {
  switch (status) {
    case '':
    case 'NotStarted':
      return 0;
    case 'InProgress':
      return 1;
    case 'SuccessAndReboot':
      return 2;
    default:
      return 3;
  }
}

/** The steps in a row. */
export function readSteps(text: string | null): readonly StepReport[] {
  return text === null ? [] : JSON.parse(text);
}

/** The exit code that stands for the whole: of the first step that ended as the whole did, else of the last. */
function codeOf(text: string | null, outcome: InvocationState): number | null {
  const steps = readSteps(text);
  const status = outcome === 'ExecutionTimedOut' ? 'TimedOut' : outcome;
  return (steps.find((step) => step.status === status) ?? steps.at(-1))?.code ?? null;
}
