/** How words of strangers are repeated in our sentences: short, in quotes, with nothing that moves a cursor. */

// Control characters, zero-width and bidirectional marks, line and paragraph separators.
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\u2028\u2029]/gu;

/** Text in double quotes, at most 60 characters of it, unprintable ones escaped. */
export function quoted(text: string): string {
  return `"${printable(text, 60)}"`;
}

/** Text without quotes, at most `limit` characters of it, unprintable ones escaped. */
export function printable(text: string, limit: number): string {
  const short = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return short.replace(unprintable, (one) => `\\u{${one.codePointAt(0)!.toString(16)}}`);
}
