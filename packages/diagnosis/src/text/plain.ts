/**
 * The one exit to a terminal for text that came from outside: what would move the cursor, reverse the
 * reading direction or hide is shown as an escape instead.
 */

/** C0 and C1 controls, direction marks, zero-width and invisible characters, separators, lone surrogates. */
const hidden =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\u{e0000}-\u{e0fff}\p{Cs}]|\u034f|\u17b4|\u17b5|\u180b|\u180c|\u180d|\u180e|\u180f|\p{Variation_Selector}/gu;

/** More combining marks on one letter than any script needs: they would paint over other lines. */
const piled = /(?<=\p{M}{4})\p{M}/gu;

/** Options of {@link plain}. */
export interface PlainOptions {
  /** Longest result in characters; what is cut off is shown by an ellipsis. Default 200. */
  readonly limit?: number;
  /** Show everything outside ASCII as escapes too, for a terminal that isn't UTF-8. */
  readonly ascii?: boolean;
}

/** Makes one line of untrusted text harmless. */
export function plain(text: string, options: PlainOptions = {}): string {
  const { limit = 200, ascii = false } = options;
  // Cut before escaping, so that a huge value costs nothing; and again after, because escapes are longer.
  const shown = escapeHidden(text.slice(0, limit * 2), ascii);
  const points = [...shown];
  const cut = points.length > limit || text.length > limit * 2;
  const ellipsis = ascii ? '...' : '…';
  return cut ? points.slice(0, Math.max(0, limit - ellipsis.length)).join('') + ellipsis : shown;
}

/** The same for text of our own that has line breaks and holds untrusted parts. */
export function plainLines(text: string): string {
  return text
    .split('\n')
    .map((line) => plain(line, { limit: 2000 }))
    .join('\n');
}

/**
 * Makes what a program wrote harmless and leaves it otherwise whole: lines and tabs stay, nothing is cut. A
 * carriage return before a line feed, as Windows writes, goes.
 */
export function plainOutput(text: string, options: Pick<PlainOptions, 'ascii'> = {}): string {
  return text
    .replaceAll('\r\n', '\n')
    .split(/([\n\t])/)
    .map((part, index) => (index % 2 ? part : escapeHidden(part, options.ascii ?? false)))
    .join('');
}

/**
 * JSON whose strings can't disturb a terminal: the same value, the hidden characters written as `\uXXXX`. With
 * `spaces` 0 it is one line.
 */
export function plainJson(value: unknown, spaces = 2): string {
  return JSON.stringify(value, null, spaces).replace(hidden, (character) =>
    character === '\n'
      ? character
      : Array.from({ length: character.length }, (_, index) => unit(character.charCodeAt(index))).join(''),
  );
}

function unit(code: number): string {
  return `\\u${code.toString(16).padStart(4, '0')}`;
}

function escapeHidden(text: string, ascii: boolean): string {
  const escaped = text.replace(hidden, escapePoint).replace(piled, escapePoint);
  return ascii ? escaped.replace(/[^\x20-\x7e]/gu, escapePoint) : escaped;
}

function escapePoint(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code === 9) return '\\t';
  if (code === 10) return '\\n';
  if (code === 13) return '\\r';
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}
