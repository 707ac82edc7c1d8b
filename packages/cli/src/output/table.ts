/** Tables of at most 80 columns. An id is never cut; of the rest, the columns that may give way do. */
import type { Screen } from './screen.ts';
import { cutTo, padTo, widthOf } from './width.ts';

/** One column. */
export interface Column {
  readonly title: string;
  /** Numbers stand to the right. */
  readonly align?: 'left' | 'right';
  /** The narrowest it may become when the table is too wide; without it the column is never cut. */
  readonly atLeast?: number;
}

const columnsOfPage = 80;
const gap = 2;

/**
 * Lays out rows of untrusted cells under their titles, one string a line, without trailing spaces. Where
 * even the narrowest form is wider than 80 columns, what stands last goes to a line of its own.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  screen: Screen,
  width: number = columnsOfPage,
): string[] {
  const cells = rows.map((row) => columns.map((_, index) => screen.text(row[index], 300)));
  const widths = columns.map((column, index) =>
    Math.max(widthOf(column.title), ...cells.map((row) => widthOf(row[index] ?? ''))),
  );
  narrow(columns, widths, width);
  const line = (row: readonly string[]) =>
    row
      .map((cell, index) => {
        const width = widths[index] ?? 0;
        const fitted = columns[index]?.atLeast === undefined ? cell : cutTo(cell, width, screen.ellipsis);
        return padTo(fitted, width, columns[index]?.align ?? 'left');
      })
      .join(' '.repeat(gap))
      .trimEnd();
  return [line(columns.map((column) => column.title)), ...cells.map(line)];
}

/** Takes from the widest column that can give, until the page is wide enough. */
function narrow(columns: readonly Column[], widths: number[], page: number): void {
  const total = () => widths.reduce((sum, width) => sum + width, gap * (widths.length - 1));
  while (total() > page) {
    let widest = -1;
    for (const [index, column] of columns.entries()) {
      const width = widths[index] ?? 0;
      if (column.atLeast === undefined || width <= Math.max(column.atLeast, widthOf(column.title))) continue;
      if (widest < 0 || width > (widths[widest] ?? 0)) widest = index;
    }
    if (widest < 0) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
}

/** Breaks a sentence of our own into lines of at most 80 columns, at spaces only. */
export function wrap(text: string, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line && widthOf(indent) + widthOf(line) + 1 + widthOf(word) > columnsOfPage) {
      lines.push(indent + line);
      line = word;
    } else line = line ? `${line} ${word}` : word;
  }
  return line ? [...lines, indent + line] : lines;
}
