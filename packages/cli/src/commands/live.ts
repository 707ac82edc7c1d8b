/** What a terminal shows while a command runs: one line that changes, and above it what is worth a line. */
import type { Io } from '../io.ts';
import { type Screen, screenOf } from '../output/screen.ts';
import { cutTo } from '../output/width.ts';
import { type Finished, isSuccess, nameOf, type Progress, reasonFor, verdict } from './outcome.ts';

/** The lower end of a terminal; without a terminal nothing of it is shown. */
export interface Live {
  readonly screen: Screen;
  /** Replaces the line that changes. */
  show(line: string): void;
  /** Writes a line that stays. */
  say(line: string): void;
  /** Takes the line that changes away, before something else is written. */
  clear(): void;
}

/** Standard error, as far as it is a terminal. */
export function openLive(io: Pick<Io, 'env' | 'stderr'>): Live {
  const screen = screenOf({ env: io.env, stdout: io.stderr });
  const write = (text: string) => {
    if (io.stderr.isTTY) io.stderr.write(text);
  };
  let shown = '';
  const draw = () => write(`\r${cutTo(shown, 79, screen.ellipsis)}\u001b[K`);
  return {
    screen,
    show(line) {
      if (line === shown) return;
      shown = line;
      draw();
    },
    say(line) {
      write(`${shown ? '\r\u001b[K' : ''}${line}\n`);
      if (shown) draw();
    },
    clear() {
      if (shown) write('\r\u001b[K');
      shown = '';
    },
  };
}

/** `312 of 1,024, 3 failed, 12 were away`. */
export function progressLine(command: Progress, away: number): string {
  const number = (count: number) => count.toLocaleString('en-US');
  const failed = command.FinishedCount - command.SuccessCount;
  const far = [
    `${number(command.FinishedCount)} of ${number(command.TargetCount)}`,
    ...(failed ? [`${number(failed)} failed`] : []),
    ...(command.QueuedCount ? [`${number(command.QueuedCount)} held back`] : []),
  ].join(', ');
  return withAway(far, away);
}

/** Adds how many were away when the command was sent. */
export function withAway(line: string, away: number): string {
  return away ? `${line}, ${away.toLocaleString('en-US')} ${away === 1 ? 'was' : 'were'} away` : line;
}

/** One node's end in one line: its mark, its name, and the first thing that it said. */
export function resultLine(finished: Finished, screen: Screen): string {
  const first = finished.Steps.flatMap((step) => [step.StandardOutput, step.StandardError])
    .flatMap((text) => (text ?? '').split('\n'))
    .find((line) => line.trim() !== '');
  const good = isSuccess(finished);
  const words = good
    ? screen.text(first, 80)
    : [screen.text(verdict(finished), 60), screen.text(reasonFor(finished) || first, 80)]
        .filter(Boolean)
        .join(': ');
  const text = `${screen.text(nameOf(finished), 30)}  ${words}`.trimEnd();
  return `${screen.mark(good ? 'yes' : 'no')} ${cutTo(text, 75, screen.ellipsis)}`;
}
