/** Text that a stranger chose, made short and harmless before anything remembers it. */

// Control, format (zero-width, bidirectional), private and unassigned characters, lone surrogates, separators.
const harmful = /\p{C}|\p{Zl}|\p{Zp}|[\ufe00-\ufe0f]/gu;
const plain = /^[\x20-\x7e]*$/;

/** Cuts `text` to `longest` characters and writes what could deceive a reader as `\u{…}`. */
export function harmlessText(text: string, longest: number): string {
  const short = text.length > longest ? text.slice(0, longest) : text;
  if (plain.test(short)) return short;
  const escaped = short.replace(harmful, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
  return escaped.length > longest ? escaped.slice(0, longest) : escaped;
}
