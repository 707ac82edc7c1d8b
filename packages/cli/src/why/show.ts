/** A verdict on a screen: the words are the catalogue's, the colours and the reader's clock are the terminal's. */
import { renderVerdict, type Verdict } from '@rollcall/diagnosis';
import { dataWords } from '../at-data.ts';
import type { Io } from '../io.ts';
import { type Language, screenFor } from '../language.ts';
import type { Mark, Screen } from '../output/screen.ts';

/** How to show it. */
export interface ShowOptions {
  readonly lang: Language;
  readonly verbose?: boolean | undefined;
  /** How long it took. */
  readonly tookMs?: number | undefined;
  /** The reader's time, when it isn't now: of what was seen long ago. */
  readonly now?: number | undefined;
}

/** Its lines. */
export function verdictLines(verdict: Verdict, options: ShowOptions, io: Io): string[] {
  const { lang, verbose, tookMs, now } = options;
  const screen = screenFor(lang, io);
  const lines = renderVerdict(verdict, {
    lang,
    utf8: screen.utf8,
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    now: now ?? io.now(),
    at: dataWords(),
    ...(verbose && { verbose }),
    ...(tookMs !== undefined && { tookMs }),
  });
  return painted(lines, screen);
}

const marks: Readonly<Record<string, Mark>> = {
  '[✓]': 'yes',
  '[ok]': 'yes',
  '[✗]': 'no',
  '[X]': 'no',
  '[!]': 'warning',
  '[–]': 'skipped',
  '[-]': 'skipped',
  '[?]': 'unknown',
};

/** The marks at the beginnings of lines in their colours, where there are colours. */
export function painted(lines: readonly string[], screen: Screen): string[] {
  return lines.map((line) => {
    const [found = ''] = /^\[[^\]\s]{1,2}\]/.exec(line) ?? [];
    const mark = marks[found];
    return mark === undefined ? line : screen.paint(mark, found) + line.slice(found.length);
  });
}
