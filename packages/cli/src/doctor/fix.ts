/**
 * Mending what a verdict names, where that is safe: each fix is shown and asked about, what it is for is checked
 * again just before, and afterwards the gate that it was to open. Whatever isn't safe is only ever printed.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Fix, NodeEvidence, Verdict } from '@rollcall/diagnosis';
import { canAsk, confirm } from '../commands/question.ts';
import { quote } from '../env/shell.ts';
import type { Io } from '../io.ts';
import type { Machine } from '../machine.ts';
import { type Screen, screenOf } from '../output/screen.ts';
import { wrap } from '../output/table.ts';

/** What was seen, and what it means. */
export interface Looked {
  readonly node: NodeEvidence;
  readonly verdict: Verdict;
}

/** What the mending needs. */
export interface Mending {
  readonly io: Io;
  readonly machine: Machine;
  /** Looks again, and judges anew. */
  look(): Promise<Looked>;
}

/** Why nothing was done about a verdict. */
export type Unmended = 'nothing' | 'not-safe' | 'not-here' | 'not-root' | 'nobody' | 'declined' | 'failed';

/** What came of it. */
export interface Mended {
  /** What is so now. */
  readonly looked: Looked;
  /** How many fixes ran. */
  readonly ran: number;
  /** Why it ended with something still wrong; absent: nothing is wrong any more. */
  readonly because?: Unmended;
}

/** One fix may uncover the next; more than these aren't one trouble. */
const mostFixes = 4;
/** Milliseconds between two looks at whether it has helped. */
const period = 2000;
/** The longest that a fix is waited for; what takes longer comes by itself. */
const patience = 120_000;

/** Mends what can safely be mended, one cause after the other. */
export async function mend(first: Looked, mending: Mending): Promise<Mended> {
  const { io } = mending;
  const screen = screenOf({ env: io.env, stdout: io.stderr });
  let looked = first;
  for (let ran = 0; ; ran++) {
    const { verdict } = looked;
    if (verdict.cause === undefined) return { looked, ran };
    const because = ran === mostFixes ? 'nothing' : whyNot(verdict.fix, mending);
    if (because !== undefined || verdict.fix === undefined)
      return { looked, ran, because: because ?? 'nothing' };
    const say = (...lines: readonly string[]) => io.stderr.write(`${lines.join('\n')}\n`);
    say('', `Against ${screen.text(verdict.cause, 60)}, as safe:`, ...commandsOf(verdict.fix, screen));
    if (!(await confirm(verdict.fix.commands.length > 1 ? 'Run these?' : 'Run it?', io)))
      return { looked, ran, because: 'declined' };
    const again = await mending.look();
    if (!isSame(again.verdict, verdict)) {
      say(`${screen.mark('skipped')} Meanwhile it isn't so any more. Nothing was run.`);
      looked = again;
      continue;
    }
    if (!(await runAll(verdict.fix, mending, screen))) return { looked: again, ran, because: 'failed' };
    looked = await waitForGate(verdict, mending);
    const gate = looked.verdict.gates.find((each) => each.gate === verdict.fix?.check);
    const good = looked.verdict.cause !== verdict.cause && gate?.state !== 'failed';
    say(`${screen.mark(good ? 'yes' : 'no')} ${good ? 'That has helped.' : 'It is still so.'}`);
    if (!good) return { looked, ran: ran + 1, because: 'failed' };
  }
}

/** Whether what was agreed to would still be the same: the cause, and every word of the commands. */
function isSame(now: Verdict, before: Verdict): boolean {
  return (
    now.cause === before.cause && JSON.stringify(now.fix?.commands) === JSON.stringify(before.fix?.commands)
  );
}

function whyNot(fix: Fix | undefined, { io, machine }: Mending): Unmended | undefined {
  if (fix === undefined) return 'nothing';
  if (fix.risk !== 'safe' || fix.commands.length === 0) return 'not-safe';
  if (fix.commands.some((command) => command.where !== 'node')) return 'not-here';
  if (!machine.isRoot()) return 'not-root';
  return canAsk(io) ? undefined : 'nobody';
}

function commandsOf(fix: Fix, screen: Screen): string[] {
  return fix.commands.map(
    ({ argv }) => `  ${screen.text(argv.map((word) => quote(word, 'sh')).join(' '), 400)}`,
  );
}

/** Runs them in order, without a shell; the first that fails is the last. */
async function runAll(fix: Fix, { io, machine }: Mending, screen: Screen): Promise<boolean> {
  for (const { argv } of fix.commands) {
    const [name = '', ...args] = argv;
    const { code, output } = await machine.run(name === 'rollcall' ? io.launcher : name, args);
    if (code === 0) continue;
    const last = output.trim().split('\n').slice(-3);
    io.stderr.write(
      `${[
        `${screen.mark('no')} ${screen.text(name, 60)} ended with ${code}:`,
        ...last.flatMap((line) => wrap(screen.text(line, 300), '    ')),
      ].join('\n')}\n`,
    );
    return false;
  }
  return true;
}

/** Looks until the cause is gone and its gate isn't closed any more, or until it should have been. */
async function waitForGate({ cause, fix }: Verdict, { io, look }: Mending): Promise<Looked> {
  const until = io.now() + Math.min(patience, (fix?.withinSeconds ?? 30) * 1000);
  for (;;) {
    const looked = await look();
    const gate = looked.verdict.gates.find((each) => each.gate === fix?.check);
    if (looked.verdict.cause !== cause && gate?.state !== 'failed') return looked;
    if (io.now() >= until) return looked;
    await sleep(Math.min(period, Math.max(0, until - io.now())));
  }
}

/** Why it was left, in a sentence; empty where the verdict itself says all. */
export function unmendedWords(because: Unmended): string {
  switch (because) {
    case 'not-safe':
      return 'The fix above changes more than --fix may: it is yours to run, or not.';
    case 'not-here':
      return "The fix above is for the operator's machine, not for this one.";
    case 'not-root':
      return 'Only root can run the fix: sudo rollcall doctor --fix';
    case 'nobody':
      return 'Each fix is asked about, and nobody is here to ask: nothing was run.';
    case 'declined':
      return 'Nothing was run.';
    case 'nothing':
    case 'failed':
      return '';
  }
}
