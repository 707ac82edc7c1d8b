/** CSV with a header: quoted fields, commas, semicolons or tabs, as spreadsheets write it. */
import { printable, type RosterRead, RosterReader } from '../machine.ts';
import { fieldOf, rawFrom } from './fields.ts';

interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}

/** Reads it. */
export function readCsv(text: string): RosterRead {
  const reader = new RosterReader();
  const rows = rowsOf(text.replace(/^\ufeff/, ''), reader);
  const [header, ...lines] = rows;
  if (!header) {
    reader.problem(0, 'It is empty: the first line names the columns.');
    return reader.done();
  }
  const fields = header.cells.map((cell) => fieldOf(cell));
  for (const [index, cell] of header.cells.entries()) if (!fields[index]) reader.ignore(cell);
  if (!fields.some((field) => field === 'name' || field === 'key' || field === 'addresses')) {
    reader.problem(
      header.line,
      `None of its columns names the machines (${printable(header.cells.join(', '), 100)}): one must be name, hostname, key or address.`,
    );
    return reader.done();
  }
  for (const { line, cells } of lines) {
    if (reader.full) break;
    if (cells.length > fields.length) {
      reader.problem(line, `It has ${cells.length} fields, and there are ${fields.length} columns.`);
      continue;
    }
    reader.add(
      rawFrom(
        line,
        cells.map((cell, index) => [fields[index], cell] as const),
      ),
    );
  }
  return reader.done();
}

/** Splits text into rows. Empty lines, and those that begin with `#`, are none. */
function rowsOf(text: string, reader: RosterReader): Row[] {
  const separator = separatorOf(text);
  const rows: Row[] = [];
  let line = 1;
  let at = 0;
  while (at < text.length && !reader.full) {
    const begun = line;
    const cells: string[] = [];
    let ended = false;
    while (!ended) {
      const quoted = /^[ \t]*"/.exec(text.slice(at, at + 64));
      let cell: string;
      if (quoted && !(separator === '\t' && quoted[0].startsWith('\t'))) {
        const from = at + quoted[0].length;
        const close = closingQuote(text, from);
        if (close === undefined) {
          reader.problem(begun, 'A quoted field has no end.');
          return rows;
        }
        cell = text.slice(from, close).replaceAll('""', '"');
        line += cell.split('\n').length - 1;
        at = close + 1;
        const rest = restOfCell(text, at, separator);
        if (text.slice(at, rest).trim() !== '') reader.problem(line, 'Something follows a quoted field.');
        at = rest;
      } else {
        const end = restOfCell(text, at, separator);
        cell = text.slice(at, end).trim();
        at = end;
      }
      cells.push(cell);
      ended = text[at] !== separator;
      if (!ended) at += 1;
    }
    if (text[at] === '\r') at += 1;
    if (text[at] === '\n') at += 1;
    line += 1;
    const empty = cells.every((cell) => cell === '');
    if (!empty && !cells[0]!.startsWith('#')) rows.push({ line: begun, cells });
  }
  return rows;
}

/** Whichever stands most often in the first line that says something. */
function separatorOf(text: string): string {
  const first = text.split('\n').find((line) => line.trim() !== '' && !line.startsWith('#')) ?? '';
  const count = (separator: string) => first.split(separator).length;
  return [',', ';', '\t'].reduce((best, one) => (count(one) > count(best) ? one : best));
}

function closingQuote(text: string, from: number): number | undefined {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 2)) {
    if (text[at + 1] !== '"') return at;
  }
  return undefined;
}

function restOfCell(text: string, from: number, separator: string): number {
  for (let at = from; at < text.length; at++) {
    const mark = text[at];
    if (mark === separator || mark === '\n' || (mark === '\r' && text[at + 1] === '\n')) return at;
  }
  return text.length;
}
