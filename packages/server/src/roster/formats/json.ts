/** JSON: a list of machines, or an object that holds one, with members called as CSV's columns are. */
import { printable, type RosterRead, RosterReader } from '../machine.ts';
import { fieldOf, rawFrom } from './fields.ts';

/** Reads it. */
export function readJson(text: string): RosterRead {
  const reader = new RosterReader();
  const parsed = parseJson(text, reader);
  if (parsed === undefined) return reader.done();
  const found = listIn(parsed.value);
  if (!found) {
    reader.problem(
      0,
      'It must be a list of machines, or an object with one under machines, hosts, data, results or items.',
    );
    return reader.done();
  }
  for (const [index, item] of found.entries()) {
    if (reader.full) break;
    const number = index + 1;
    if (typeof item === 'string') reader.add({ line: number, names: [item] });
    else if (typeof item !== 'object' || item === null || Array.isArray(item)) {
      reader.problem(number, 'It must be an object, or a name.');
    } else {
      const members = Object.entries(item).map(([name, value]) => {
        const field = fieldOf(name);
        if (!field) reader.ignore(name);
        return [field, field ? textOf(value) : ''] as const;
      });
      reader.add(rawFrom(number, members));
    }
  }
  return reader.done();
}

/** Parses JSON; a text that isn't leaves its problem, with the line. */
export function parseJson(text: string, reader: RosterReader): { readonly value: unknown } | undefined {
  // The one of Node 26.10 ends the process on text that is nested some 10,000 levels deep.
  if (/(?:[[{]\s*(?:"[^"\\]*"\s*:\s*)?){200}/.test(text)) {
    reader.problem(0, 'It is nested too deep.');
    return undefined;
  }
  try {
    return { value: JSON.parse(text.replace(/^\ufeff/, '')) };
  } catch (error) {
    const line = /\(line (\d+) column \d+\)/.exec((error as Error).message)?.[1];
    reader.problem(Number(line ?? 0), 'It must be well-formed JSON; it ends too early, or is none.');
    return undefined;
  }
}

const holders = ['machines', 'hosts', 'data', 'results', 'items', 'servers', 'vms'];

function listIn(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (typeof value !== 'object' || value === null) return undefined;
  const members = value as Readonly<Record<string, unknown>>;
  for (const name of holders) if (Array.isArray(members[name])) return members[name];
  return undefined;
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(',');
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  if (value === null || value === undefined) return '';
  return printable(JSON.stringify(value), 200);
}
