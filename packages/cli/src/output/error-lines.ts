/** How a message that ends a command is laid out: 80 columns, and what is to be pasted whole on a line of its own. */
import { commandLines } from './command.ts';
import { plainLines } from './plain.ts';
import { wrap } from './table.ts';
import { widthOf } from './width.ts';

const page = 80;
/** A hint behind a colon, up to the next sentence: `… All of them: rollcall nodes`. */
const hint = /: ((?:sudo )?(?:\S*\/)?rollcall [a-z][^\n]*?)(?=\. [A-Z]|$)/;

/** A command that stands on its own line already: it is pasted as it is. */
const command = /^ {2}(?:sudo )?(?:\S*\/)?rollcall /;

/** The lines of a message; what came from outside in it is made harmless. */
export function errorLines(message: string): string[] {
  return plainLines(message).split('\n').flatMap(fitted);
}

function fitted(line: string): string[] {
  if (widthOf(line) <= page || command.test(line)) return [line];
  const found = hint.exec(line);
  if (!found) return wrap(line, /^ */.exec(line)?.[0] ?? '').map((each) => each.trimEnd());
  const rest = line.slice(found.index + found[0].length).replace(/^\. /, '');
  return [
    ...wrap(`${line.slice(0, found.index)}:`),
    ...commandLines(found[1]!, '  '),
    ...(rest === '' ? [] : fitted(rest)),
  ];
}
