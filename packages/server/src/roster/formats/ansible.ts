/**
 * Ansible inventories, INI and YAML. Read without Ansible: ranges (`web[01:20]`) are expanded, variables of hosts
 * and of their groups count, templates (`{{ … }}`) say nothing.
 */
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { printable, type RawMachine, type RosterRead, RosterReader, readAddress } from '../machine.ts';
import { fieldOf } from './fields.ts';

type Variables = Map<string, string>;

interface Group {
  readonly hosts: Map<string, { line: number; variables: Variables }>;
  readonly variables: Variables;
  readonly children: Set<string>;
}

/** Reads either form: YAML begins with a name and a colon, or with a mark of its own. */
export function readAnsible(text: string): RosterRead {
  const first = text.split(/\r?\n/).find((line) => line.trim() !== '' && !/^\s*[#;]/.test(line)) ?? '';
  return /^(---|%YAML|[\w"'.-]+:\s*($|#|\{))/.test(first.replace(/^\ufeff/, ''))
    ? readYaml(text)
    : readIni(text);
}

function readIni(text: string): RosterRead {
  const reader = new RosterReader();
  const groups = new Map<string, Group>();
  let group = groupOf(groups, 'ungrouped');
  let part: 'hosts' | 'vars' | 'children' = 'hosts';
  for (const [index, whole] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    if (reader.full) break;
    const line = whole.replace(/(^|\s)[#;].*$/, '').trim();
    if (line === '') continue;
    const section = /^\[([^\]:]+)(?::(\w+))?\]$/.exec(line);
    if (section) {
      group = groupOf(groups, section[1]!.trim());
      const kind = section[2] ?? 'hosts';
      if (kind === 'hosts' || kind === 'vars' || kind === 'children') part = kind;
      else reader.problem(index + 1, `"${printable(kind, 40)}" isn't hosts, vars or children.`);
    } else if (line.startsWith('[')) {
      reader.problem(index + 1, 'The name of a group has no end.');
    } else if (part === 'children') {
      group.children.add(line);
    } else if (part === 'vars') {
      const [, name, value] = /^([^\s=]+)\s*=\s*(.*)$/.exec(line) ?? [];
      if (name === undefined) reader.problem(index + 1, 'A variable is written name=value.');
      else group.variables.set(name, unquoted(value ?? ''));
    } else {
      const [pattern = '', ...words] = wordsOf(line);
      const variables: Variables = new Map();
      for (const word of words) {
        const at = word.indexOf('=');
        if (at <= 0) reader.problem(index + 1, `"${printable(word, 60)}" isn't a variable: it has no "=".`);
        else variables.set(word.slice(0, at), unquoted(word.slice(at + 1)));
      }
      addHosts(reader, group, pattern, index + 1, variables);
    }
  }
  return machinesOf(reader, groups);
}

function readYaml(text: string): RosterRead {
  const reader = new RosterReader();
  const lines = new LineCounter();
  const document = parseDocument(text.replace(/^\ufeff/, ''), {
    lineCounter: lines,
    merge: true,
    prettyErrors: false,
  });
  for (const error of document.errors) {
    reader.problem(
      lines.linePos(error.pos[0]).line,
      `It must be well-formed YAML: ${printable(error.message, 120)}`,
    );
  }
  if (reader.full || document.errors.length > 0) return reader.done();
  const root = document.contents;
  if (!isMap(root)) {
    reader.problem(1, 'It must be an object of groups, each with hosts, vars or children.');
    return reader.done();
  }
  const groups = new Map<string, Group>();
  const lineOf = (node: unknown) => {
    const range = (node as { range?: [number, number, number] | null } | null)?.range;
    return range ? lines.linePos(range[0]).line : 0;
  };
  /** Says what a member isn't, and where. */
  const each = (node: unknown, what: string, visit: (name: string, value: unknown, line: number) => void) => {
    if (node === null || node === undefined || (isScalar(node) && node.value === null)) return;
    if (!isMap(node)) {
      reader.problem(lineOf(node), `${what} must be an object.`);
      return;
    }
    for (const { key, value } of node.items) {
      if (isScalar(key)) visit(String(key.value), value, lineOf(key));
      else reader.problem(lineOf(key), 'A name must be a plain word.');
    }
  };
  const variablesIn = (node: unknown, what: string): Variables => {
    const found: Variables = new Map();
    each(node, what, (name, value) => {
      if (isScalar(value) && value.value !== null) found.set(name, String(value.value));
    });
    return found;
  };
  const readGroup = (name: string, node: unknown, depth: number) => {
    const group = groupOf(groups, name);
    if (depth > 50) {
      reader.problem(lineOf(node), 'Groups are nested too deep.');
      return;
    }
    each(node, `Group ${printable(name, 60)}`, (part, value, line) => {
      if (part === 'hosts') {
        each(value, 'hosts', (host, variables, at) => {
          addHosts(reader, group, host, at, variablesIn(variables, `Host ${printable(host, 60)}`));
        });
      } else if (part === 'children') {
        each(value, 'children', (child, inside) => {
          group.children.add(child);
          readGroup(child, inside, depth + 1);
        });
      } else if (part === 'vars') {
        for (const [key, one] of variablesIn(value, 'vars')) group.variables.set(key, one);
      } else {
        reader.problem(line, `"${printable(part, 60)}" isn't hosts, vars or children.`);
      }
    });
  };
  each(root, 'The inventory', (name, value) => readGroup(name, value, 0));
  return machinesOf(reader, groups);
}

function groupOf(groups: Map<string, Group>, name: string): Group {
  const known = groups.get(name) ?? { hosts: new Map(), variables: new Map(), children: new Set<string>() };
  groups.set(name, known);
  return known;
}

function addHosts(
  reader: RosterReader,
  group: Group,
  pattern: string,
  line: number,
  variables: Variables,
): void {
  const names = expand(pattern);
  if (!names) {
    reader.problem(line, `"${printable(pattern, 60)}" isn't a range of at most ${mostOfRange} hosts.`);
    return;
  }
  for (const name of names) {
    const known = group.hosts.get(name);
    for (const [key, value] of known?.variables ?? []) if (!variables.has(key)) variables.set(key, value);
    group.hosts.set(name, { line, variables: new Map(variables) });
  }
}

const mostOfRange = 10_000;

/** `web[01:20:2]` and `db-[a:f]`, also more than one; undefined when it can't be read. */
export function expand(pattern: string): readonly string[] | undefined {
  const range = /^(.*?)\[([0-9]+|[a-zA-Z]):([0-9]+|[a-zA-Z])(?::([0-9]+))?\](.*)$/.exec(pattern);
  if (!range) return /[[\]]/.test(pattern) && !isAddressInBrackets(pattern) ? undefined : [pattern];
  const [, before = '', from = '', to = '', step = '1', after = ''] = range;
  const rests = expand(after);
  const numeric = /^\d+$/.test(from);
  if (!rests || numeric !== /^\d+$/.test(to)) return undefined;
  const [first, last] = numeric ? [Number(from), Number(to)] : [from.charCodeAt(0), to.charCodeAt(0)];
  const by = Number(step);
  if (by < 1 || last < first || ((last - first) / by + 1) * rests.length > mostOfRange) return undefined;
  const width = from.startsWith('0') && from.length > 1 ? from.length : 0;
  const names: string[] = [];
  for (let at = first; at <= last; at += by) {
    const middle = numeric ? String(at).padStart(width, '0') : String.fromCharCode(at);
    for (const rest of rests) names.push(`${before}${middle}${rest}`);
  }
  return names;
}

function isAddressInBrackets(text: string): boolean {
  return /^\[[0-9a-fA-F:.]+\](:\d+)?$/.test(text);
}

/** Words, of which those in quotes may have spaces. */
function wordsOf(line: string): string[] {
  return line.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
}

function unquoted(text: string): string {
  return /^(["']).*\1$/.test(text) ? text.slice(1, -1) : text;
}

/** Brings hosts and the variables of their groups together; what is nearer to the host counts. */
function machinesOf(reader: RosterReader, groups: ReadonlyMap<string, Group>): RosterRead {
  const parents = new Map<string, string[]>();
  for (const [name, group] of groups) {
    for (const child of group.children) parents.set(child, [...(parents.get(child) ?? []), name]);
  }
  /** The groups above one, nearest first; `all` is above everything. */
  const above = (name: string, seen = new Set<string>()): string[] => {
    if (seen.has(name)) return [];
    seen.add(name);
    return [name, ...(parents.get(name) ?? []).flatMap((parent) => above(parent, seen))];
  };
  const hosts = new Map<string, { line: number; variables: Variables }>();
  for (const [name, group] of groups) {
    for (const [host, { line, variables }] of group.hosts) {
      const known = hosts.get(host) ?? { line, variables: new Map() };
      hosts.set(host, known);
      const all = [...above(name), 'all'].map((one) => groups.get(one)?.variables ?? new Map());
      for (const one of [variables, ...all]) {
        for (const [key, value] of one) if (!known.variables.has(key)) known.variables.set(key, value);
      }
    }
  }
  for (const [host, { line, variables }] of hosts) {
    if (reader.full) break;
    if (variables.get('ansible_connection') === 'local' || host === 'localhost') continue;
    reader.add(rawHost(host, line, variables));
  }
  return reader.done();
}

/** Variables that are read are those that are called as CSV's columns are, with or without `rollcall_`. */
function rawHost(host: string, line: number, variables: Variables): RawMachine {
  const own: Partial<Record<string, string>> = {};
  for (const [name, value] of variables) {
    const field = fieldOf(name.replace(/^rollcall_/, ''));
    // `name`, `state` and `id` are what roles of all kinds call their variables: only ours are meant with them.
    const ambiguous = field === 'name' || field === 'power' || field === 'key';
    if (field && (!ambiguous || name.startsWith('rollcall_')) && !value.includes('{{')) own[field] ??= value;
  }
  const names = own.name ? [host, ...own.name.split(/[,;|]+/)] : [host];
  const listed = own.addresses?.split(/[\s,;|]+/) ?? [];
  const addresses = listed.filter((one) => readAddress(one) !== undefined);
  // `ansible_host` may be a name as well.
  const otherNames = listed.filter((one) => one !== '' && readAddress(one) === undefined);
  const itself = readAddress(host);
  return {
    line,
    key: own.key ?? host,
    names: [...names, ...otherNames],
    nodeId: own.nodeId,
    uuid: own.uuid,
    macs: own.macs?.split(/[\s,;|]+/) ?? [],
    addresses: itself === undefined ? addresses : [itself, ...addresses],
    expected: own.expected,
    power: own.power,
    maintenanceUntil: own.maintenanceUntil,
  };
}
