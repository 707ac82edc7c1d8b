/** A page of at most so many columns: rows with a title to the left, commands that stay whole. */
import { breakLines, padTo, widthOf } from '../text/index.ts';

/** Lines of `text` behind a title that stands on the first only. */
export function titled(
  title: string,
  text: string,
  indent: number,
  width: number,
  ellipsis: string,
): string[] {
  const lines = breakLines(text, width - indent, ellipsis);
  return lines.map((line, index) => `${padTo(index === 0 ? title : '', indent)}${line}`.trimEnd());
}

/** `right` at the end of the last line where it fits, else on a line of its own, both at the right edge. */
export function withRight(lines: readonly string[], right: string, width: number): string[] {
  const last = lines.at(-1) ?? '';
  const gap = width - widthOf(last) - widthOf(right);
  if (gap >= 2) return [...lines.slice(0, -1), last + ' '.repeat(gap) + right];
  return [...lines, ' '.repeat(Math.max(0, width - widthOf(right))) + right];
}

/** A command as it can be pasted: quoted, broken only between arguments. */
export function commandLines(argv: readonly string[], indent: number, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of argv.map(quoted)) {
    // Two columns are kept for the mark that the line goes on.
    if (line !== '' && indent + widthOf(line) + 1 + widthOf(word) > width - 2) {
      lines.push(`${line} \\`);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((text) => ' '.repeat(indent) + text);
}

/** A word as a shell takes it. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
