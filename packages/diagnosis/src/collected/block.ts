/**
 * The block that the script prints, found again in whatever it was pasted through: quoted mail, wrapped lines,
 * other line ends, colours of a terminal. Its checksum tells whether something is missing.
 */
import { cksum } from './cksum.ts';

/** One fact, as the script said it. Untrusted text. */
export interface Fact {
  readonly section: string;
  readonly key: string;
  readonly value: string;
}

/**
 * Why a text couldn't be used. `none`: there is no block in it · `cut`: it begins and doesn't end, or lines are
 * missing · `changed`: the lines are there and aren't what they were · `format`: a block of another version.
 */
export interface BlockProblem {
  readonly problem: 'none' | 'cut' | 'changed' | 'format';
  readonly detail: string;
}

const longestText = 4 * 1024 * 1024;
const mostLines = 4000;
const longestLine = 20_000;

const sections =
  'meta|host|disk|room|kernel|net|clock|service|unit|package|proc|official|log|hibernate|rollcall|endpoint|metadata|shell|unseen|end';
/** A line of the block begins like this; what doesn't goes on with the line before. */
const beginning = new RegExp(`^:(?:${sections})(?:$|\\s)`);
const whole = new RegExp(`^:(${sections}) ([\\x21-\\x3c\\x3e-\\x7e]{1,200})=([\\x21-\\x7e]*)$`);

/** The facts of the first block in a text that is whole. */
export function readBlock(text: string): readonly Fact[] | BlockProblem {
  if (text.length > longestText)
    return { problem: 'format', detail: 'the text is too long to be such a block' };
  const lines = text.split(/\r\n|\n|\r/, 200_000).map(plainLine);
  let first: BlockProblem | undefined;
  for (let at = 0; at < lines.length; at += 1) {
    if (!/-{2,}\s*BEGIN ROLLCALL EVIDENCE\s*-{2,}/.test(lines[at]!)) continue;
    const read = readFrom(lines, at + 1);
    if (!('problem' in read)) return read;
    first ??= read;
  }
  return first ?? { problem: 'none', detail: 'no line says BEGIN ROLLCALL EVIDENCE' };
}

/** A line without what mail, chats and terminals add to it. */
function plainLine(line: string): string {
  return line
    .slice(0, longestLine)
    .replace(/\u001b\[[0-9;?]*[A-Za-z]|\u001b[()][A-Za-z0-9]|\u001b\][^\u0007]*\u0007/g, '')
    .replace(/[\u200b-\u200f\u2060\ufeff]/g, '')
    .replace(/[\u00a0\u2000-\u200a\u3000]/g, ' ')
    .replace(/^(?:\s*[>|])+ ?/, '')
    .trim();
}

function readFrom(lines: readonly string[], from: number): readonly Fact[] | BlockProblem {
  const joined: string[] = [];
  let ended = false;
  for (let at = from; at < lines.length && joined.length <= mostLines; at += 1) {
    const line = lines[at]!;
    if (/-{2,}\s*END ROLLCALL EVIDENCE\s*-{2,}/.test(line)) {
      ended = true;
      break;
    }
    if (/-{2,}\s*BEGIN ROLLCALL EVIDENCE\s*-{2,}/.test(line)) break;
    if (line === '') continue;
    if (beginning.test(line)) joined.push(line);
    // A line has one space, between its section and the rest: a wrap there took it away.
    else if (joined.length > 0) {
      const before = joined[joined.length - 1]!;
      const glue = /\s/.test(before) ? '' : ' ';
      joined[joined.length - 1] = (before + glue + line).slice(0, longestLine);
    }
  }
  const facts: Fact[] = [];
  const body: string[] = [];
  const end: Record<string, string> = {};
  for (const line of joined) {
    const match = whole.exec(line);
    if (!match) {
      if (!line.startsWith(':end')) body.push(line);
      continue;
    }
    const [, section, key, value] = match as unknown as [string, string, string, string];
    if (section === 'end') {
      end[key] = value;
      continue;
    }
    body.push(line);
    facts.push({ section, key: decode(key), value: decode(value) });
  }
  if (!ended) return { problem: 'cut', detail: 'the line END ROLLCALL EVIDENCE is missing' };
  const said = Number(end.lines);
  if (!(said >= 0)) return { problem: 'cut', detail: 'the last lines are missing' };
  if (body.length !== said)
    return { problem: 'cut', detail: `${said} lines were collected, and ${body.length} of them are here` };
  if (end.sum !== undefined && end.sum !== 'none') {
    const { sum, length } = cksum(new TextEncoder().encode(`${body.join('\n')}\n`));
    if (end.sum !== `${sum}-${length}`) return { problem: 'changed', detail: 'the checksum is another one' };
  }
  if (facts.length !== body.length) return { problem: 'changed', detail: 'a line cannot be read' };
  if (facts.find(({ section, key }) => section === 'meta' && key === 'format')?.value !== '1')
    return { problem: 'format', detail: 'the block is of a version that is not known here' };
  return facts;
}

/** `_` is a space, `\_` an underscore, `\\` a backslash. */
function decode(text: string): string {
  return text.replace(/\\(.)|_/g, (found, escaped: string | undefined) => (found === '_' ? ' ' : escaped!));
}
