/** The zoo's table, in columns that line up. */
import type { Verdict } from '@rollcall/diagnosis';
import type { Result } from './play.ts';
import type { End } from './stage.ts';

const widths = [2, 40, 10, 8, 42, 42, 42, 13, 9, 7] as const;

/** The first line. */
export function head(): string {
  return line(['', 'case', 'part', 'kind', "node's end", "operator's end", 'both', 'gate', 'how', 'time']);
}

/** One case. */
export function row({ case: one, said, wrong, ms, skipped }: Result): string {
  if (skipped !== undefined)
    return line(['-', one.id, one.part, one.kind, `not played: ${skipped}`, '', '', '', one.how, '']);
  const first = said.find(({ verdict }) => verdict.cause !== undefined)?.verdict;
  const gate = first?.gates.find(({ state }) => state === 'failed' || state === 'warned')?.gate ?? '';
  const end = (name: End) => shown(said.find((each) => each.end === name)?.verdict);
  return line([
    wrong.length === 0 ? 'ok' : '!!',
    one.id,
    one.part,
    one.kind,
    end('node'),
    end('operator'),
    end('both'),
    gate,
    one.how,
    `${(ms / 1000).toFixed(1)} s`,
  ]);
}

function shown(verdict: Verdict | undefined): string {
  if (!verdict) return '';
  return verdict.cause === undefined ? verdict.state : `${verdict.cause} (${verdict.confidence})`;
}

function line(cells: readonly string[]): string {
  return cells
    .map((cell, at) => cell.slice(0, widths[at]).padEnd(widths[at]!))
    .join(' ')
    .trimEnd();
}
