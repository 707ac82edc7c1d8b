/** Many names in few columns: `web-01 … web-12, web-20, db-1`, and how many are left out. */
import { isNodeId } from '../nodes.ts';
import type { Screen } from '../output/screen.ts';
import { widthOf } from '../output/width.ts';

const columns = 80;

/** Names that tell the nodes apart: where several have one name, their ids. */
export function tellingNames(nodes: readonly { InstanceId: string; Name?: string | undefined }[]): string[] {
  const times = new Map<string, number>();
  for (const { Name = '' } of nodes) times.set(Name, (times.get(Name) ?? 0) + 1);
  return nodes.map(({ InstanceId, Name }) => (Name && times.get(Name) === 1 ? Name : InstanceId));
}

/** The names in at most `rows` lines; what doesn't fit is counted, and so are `more` that aren't among them. */
export function nameLines(
  names: readonly string[],
  screen: Screen,
  options: { readonly indent?: string; readonly rows?: number; readonly more?: number } = {},
): string[] {
  const { indent = '  ', rows = 2, more = 0 } = options;
  const parts = runs(names);
  const lines: string[] = [];
  let line = '';
  let left = names.length + more;
  for (const { first, last, count } of parts) {
    const text = screen.text(first, 40) + (count > 1 ? ` ${screen.ellipsis} ${screen.text(last, 40)}` : '');
    const isLastRow = lines.length === rows - 1;
    // The last row keeps room for the count of those that are left out, unless nobody is.
    const rest = left > count ? widthOf(`, and ${left.toLocaleString('en-US')} more`) : 0;
    const taken = widthOf(indent) + (line ? widthOf(line) + 2 : 0) + widthOf(text) + (isLastRow ? rest : 1);
    if (line && taken > columns) {
      if (isLastRow) break;
      lines.push(`${indent}${line},`);
      line = text;
    } else line = line ? `${line}, ${text}` : text;
    left -= count;
  }
  const rest = left > 0 ? `and ${left.toLocaleString('en-US')} more` : '';
  if (rest && widthOf(`${indent}${line}, ${rest}`) > columns) lines.push(`${indent}${line},`, indent + rest);
  else if (line) lines.push(indent + [line, rest].filter(Boolean).join(', '));
  return lines;
}

interface Run {
  readonly first: string;
  last: string;
  count: number;
}

const order = new Intl.Collator('en', { numeric: true }).compare;

/** Sorts the names, and folds three or more that are numbered without a gap. */
function runs(names: readonly string[]): Run[] {
  const folded: Run[] = [];
  for (const name of [...names].sort(order)) {
    const before = folded.at(-1);
    if (before && follows(before.last, name)) {
      before.last = name;
      before.count += 1;
    } else folded.push({ first: name, last: name, count: 1 });
  }
  return folded.flatMap((run) =>
    run.count === 2
      ? [
          { first: run.first, last: run.first, count: 1 },
          { first: run.last, last: run.last, count: 1 },
        ]
      : [run],
  );
}

const numbered = /^(.*?)(\d{1,9})$/s;

/** Whether `b` is `a` with the next number, written with as many digits or with none to spare. */
function follows(a: string, b: string): boolean {
  if (isNodeId(a)) return false;
  const [, stemA, digitsA = ''] = numbered.exec(a) ?? [];
  const [, stemB, digitsB = ''] = numbered.exec(b) ?? [];
  if (stemA === undefined || stemA !== stemB || Number(digitsB) !== Number(digitsA) + 1) return false;
  return digitsA.length === digitsB.length || !(digitsA.startsWith('0') || digitsB.startsWith('0'));
}
