/** What a command did on one node, as if it had run here: its output to our output, its errors to our errors. */
import { atData } from '../at-data.ts';
import type { Io, Sink } from '../io.ts';
import { commandLines } from '../output/command.ts';
import { plainOutput } from '../output/plain.ts';
import { isUtf8, type Screen, screenOf } from '../output/screen.ts';
import { wrap } from '../output/table.ts';
import {
  type Finished,
  isCut,
  isSuccess,
  nameOf,
  nextFor,
  reasonFor,
  type Step,
  verdict,
} from './outcome.ts';

/** Prints it. What isn't the node's own goes to standard error. */
export function printSingle(finished: Finished, commandId: string, io: Io): void {
  const screen = screenOf({ env: io.env, stdout: io.stderr });
  let isAtLineStart = true;
  const say = (...lines: readonly string[]) => {
    if (lines.length === 0) return;
    io.stderr.write(`${isAtLineStart ? '' : '\n'}${lines.join('\n')}\n`);
    isAtLineStart = true;
  };
  const several = finished.Steps.length > 1;
  for (const step of finished.Steps) {
    if (several) say(`step ${screen.text(step.Name, 60)}: ${screen.text(step.Status, 30)}`);
    // What follows on standard error mustn't be glued to an output that ends within a line: where both go to one
    // place, a person reads them as one. Only a cut one is known not to be what a program wrote to its last byte.
    if (!pass(step.StandardOutput, io.stdout, io) && isCut(step, 'stdout')) isAtLineStart = false;
    isAtLineStart = pass(step.StandardError, io.stderr, io) && isAtLineStart;
    say(...cutLines(step, finished, commandId));
  }
  if (!isSuccess(finished)) say(...failureLines(finished, screen));
}

/** Answers whether what comes next begins a line. */
function pass(text: string | undefined, to: Sink, io: Io): boolean {
  if (!text) return true;
  // A file or a program can read what a terminal of another locale can't show.
  const shown = plainOutput(text, { ascii: to.isTTY && !isUtf8(io.env) });
  const isWhole = shown.endsWith('\n');
  to.write(to.isTTY && !isWhole ? `${shown}\n` : shown);
  return to.isTTY || isWhole;
}

function cutLines(step: Step, finished: Finished, commandId: string): string[] {
  const states = [isCut(step, 'stdout'), isCut(step, 'stderr')];
  if (states.includes('kept'))
    return [
      'This is its beginning; more of it is kept:',
      ...commandLines(
        `rollcall commands${atData()} ${commandId} --node ${finished.InstanceId} --output`,
        '  ',
      ),
    ];
  if (states.includes('lost'))
    return ['This is its beginning; the agent sent no more. --s3-bucket keeps all of it.'];
  return [];
}

function failureLines(finished: Finished, screen: Screen): string[] {
  const reason = reasonFor(finished);
  const next = nextFor(finished);
  return [
    `${screen.mark('no')} ${screen.text(nameOf(finished), 40)}: ${screen.text(verdict(finished), 60)}`,
    ...(reason ? wrap(screen.text(reason, 1000), '    ') : []),
    ...(next ? [`    next: ${next}`] : []),
  ];
}
