/** What the terminal at the other end can show: marks by its locale, colour only when it is wanted. */
import type { Environment, Io } from '../io.ts';
import { plain } from './plain.ts';

/** The five marks. */
export type Mark = 'yes' | 'no' | 'warning' | 'skipped' | 'unknown';

/** How to write to one reader. */
export interface Screen {
  /** False when anything outside ASCII has to be escaped. */
  readonly utf8: boolean;
  readonly ellipsis: string;
  mark(mark: Mark): string;
  /** Text in the colour of a mark. */
  paint(mark: Mark, text: string): string;
  /** Untrusted text, made harmless for this screen. */
  text(value: string | undefined | null, limit?: number): string;
  /** Emphasis where colour is allowed; never the only sign of anything. */
  strong(text: string): string;
  faint(text: string): string;
}

const marks: Readonly<Record<Mark, readonly [string, string, number]>> = {
  yes: ['[✓]', '[ok]', 32],
  no: ['[✗]', '[X]', 31],
  warning: ['[!]', '[!]', 33],
  skipped: ['[–]', '[-]', 2],
  unknown: ['[?]', '[?]', 33],
};

/** The screen behind standard output. */
export function screenOf(io: Pick<Io, 'env' | 'stdout'>): Screen {
  const utf8 = isUtf8(io.env);
  const colour = io.stdout.isTTY && !io.env.NO_COLOR && io.env.TERM !== 'dumb';
  const paint = (code: number, text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  return {
    utf8,
    ellipsis: utf8 ? '…' : '...',
    mark: (mark) => paint(marks[mark][2], marks[mark][utf8 ? 0 : 1]),
    paint: (mark, text) => paint(marks[mark][2], text),
    text: (value, limit = 200) => plain(value ?? '', { limit, ascii: !utf8 }),
    strong: (text) => paint(1, text),
    faint: (text) => paint(2, text),
  };
}

/** Whether the locale says UTF-8, by the first variable of the three that is set. */
export function isUtf8(env: Environment): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return /utf-?8/i.test(locale);
}
