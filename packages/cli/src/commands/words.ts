/**
 * The grammar of `rollcall run`: which of the words are nodes, which is the document, and what is a shell line.
 * What can be read in two ways is refused, with the way to say it clearly.
 */
import { atData } from '../at-data.ts';
import { quote } from '../env/shell.ts';
import { Failure } from '../failure.ts';
import { isNodeId } from '../nodes.ts';

/** What stood on the command line. */
export interface Spoken {
  /** The words before `--`. */
  readonly words: readonly string[];
  /** The words after `--`; undefined when there was none. */
  readonly shellWords: readonly string[] | undefined;
  /** `--document`. */
  readonly document: string | undefined;
  /** `--all`. */
  readonly all: boolean;
}

/** A target as SendCommand takes it. */
export interface Target {
  readonly Key: string;
  readonly Values: readonly string[];
}

/** Which nodes, in the ways that they were named. */
export interface NodeWords {
  /** `--all`. */
  readonly all: boolean;
  readonly ids: readonly string[];
  /** Names that stand for one node each. */
  readonly names: readonly string[];
  /** Names with `*` in them, which stand for any number. */
  readonly patterns: readonly string[];
  /** A node has to have each of these tags. */
  readonly tags: readonly Target[];
  /** As it was typed, for sentences. */
  readonly said: string;
}

/** What `rollcall run` was asked to do. */
export interface Sentence {
  /** The document to run. */
  readonly document: string;
  /** The line of shell that it is to run, when that was how it was said. */
  readonly shellLine: string | undefined;
  /** Undefined when no node was named. */
  readonly nodes: NodeWords | undefined;
  /** The line to type if the document was meant as a shell line; undefined when it can't have been. */
  readonly asShell: string | undefined;
}

/** The document that runs a shell line. */
export const shellDocument = 'AWS-RunShellScript';

/** The most nodes that SendCommand takes by id, and the most values of one target. */
const most = 50;
/** One less than the targets of a command: names are one, too. */
const mostTags = 4;

/**
 * Tells the words before `--` from those after it. Commander hands over all of them in one list, so what stood
 * behind is found by its end: `--` may also be an option's value.
 */
export function splitAtDashes(
  raw: readonly string[],
  operands: readonly string[],
): { words: readonly string[]; shellWords: readonly string[] | undefined } {
  for (let at = raw.indexOf('--'); at >= 0; at = raw.indexOf('--', at + 1)) {
    const shellWords = raw.slice(at + 1);
    const first = operands.length - shellWords.length;
    if (first >= 0 && shellWords.every((word, index) => operands[first + index] === word))
      return { words: operands.slice(0, first), shellWords };
  }
  return { words: operands, shellWords: undefined };
}

/** Reads what was said, or says what is unclear about it. */
export function readSentence(spoken: Spoken): Sentence {
  const { shellWords, words } = spoken;
  if (shellWords) {
    refuseDocumentBesideShell(spoken);
    const nodes = readNodes(words, spoken.all);
    return { document: shellDocument, shellLine: shellLine(shellWords), nodes, asShell: undefined };
  }
  if (spoken.document !== undefined) {
    const nodes = readNodes(words, spoken.all);
    return { document: spoken.document, shellLine: undefined, nodes, asShell: undefined };
  }
  const document = documentAmong(words);
  const rest = without(words, document);
  const nodes = readNodes(rest, spoken.all);
  return { document, shellLine: undefined, nodes, asShell: asShell(words, rest, document, spoken.all) };
}

/** With a program where the document stands, and perhaps a node in front of it. */
function asShell(
  words: readonly string[],
  rest: readonly string[],
  document: string,
  all: boolean,
): string | undefined {
  if (isSurelyDocument(document)) return undefined;
  if (words[0] === document && rest.length) return `rollcall run${atData()} ${document} -- ${rest.join(' ')}`;
  return [`rollcall run${atData()}`, all ? '--all' : '', ...rest, '--', document].filter(Boolean).join(' ');
}

/**
 * The line that a shell is to read. One word is a script already; several are what a program is called with,
 * so each reaches it as it is.
 */
export function shellLine(words: readonly string[]): string {
  const [only = '', ...others] = words;
  if (others.length) return words.map((word) => quote(word, 'sh')).join(' ');
  if (only.trim() === '')
    throw new Failure(`Nothing stands after --. For example: rollcall run${atData()} -- uname -a`);
  return only;
}

/** Which nodes `words` mean; undefined when there are none. Names and patterns widen, tags narrow. */
export function readNodes(words: readonly string[], all = false): NodeWords | undefined {
  if (all && words.length)
    throw new Failure(`--all is every node already: leave out either it or "${words.join(' ')}".`);
  if (all) return { all, ids: [], names: [], patterns: [], tags: [], said: '--all' };
  if (!words.length) return undefined;
  const distinct = [...new Set(words)];
  const ids = distinct.filter(isNodeId);
  const rest = distinct.filter((word) => !isNodeId(word));
  const tags = tagTargets(rest.filter((word) => word.includes('=')));
  const called = rest.filter((word) => !word.includes('='));
  const names = called.filter((word) => !isPattern(word));
  atMost([...ids, ...called], 'nodes and names');
  if (tags.length > mostTags)
    throw new Failure(`${tags.length} tags are too many for one command, which takes ${mostTags}.`);
  return { all, ids, names, patterns: called.filter(isPattern), tags, said: words.join(' ') };
}

function isPattern(word: string): boolean {
  return word.includes('*');
}

/** `env=prod`: one target for each key. The same key twice, or `env=prod,test`, is either of the values. */
function tagTargets(words: readonly string[]): Target[] {
  const values = new Map<string, Set<string>>();
  for (const word of words) {
    const at = word.indexOf('=');
    const key = word.slice(0, at);
    if (key === '') throw new Failure(`"${word}" is no tag: write key=value.`);
    const known = values.get(key) ?? new Set();
    for (const value of word.slice(at + 1).split(',')) known.add(value);
    values.set(key, known);
  }
  return [...values].map(([key, known]) => tagTarget(key, [...known]));
}

function tagTarget(key: string, values: readonly string[]): Target {
  if (values.length === 1 && values[0] === '*') return { Key: 'tag-key', Values: [key] };
  const pattern = values.find((value) => value.includes('*'));
  if (pattern !== undefined)
    throw new Failure(
      `"${key}=${pattern}": patterns are for names. Write the tag's whole value, or ${key}=* for any.`,
    );
  return { Key: `tag:${key}`, Values: atMost(values, `values of ${key}`) };
}

function atMost(values: readonly string[], what: string): readonly string[] {
  if (values.length <= most) return values;
  throw new Failure(
    `${values.length} ${what} are too many for one command, which takes ${most}. Use a pattern, a tag or --all.`,
  );
}

function refuseDocumentBesideShell({ document, words }: Spoken): void {
  const named = document ?? words.find(isSurelyDocument);
  if (named === undefined) return;
  throw new Failure(
    `What stands after -- is run by ${shellDocument}, so "${named}" can't be the document as well. With a document: rollcall run${atData()} ${named} --param NAME=VALUE`,
  );
}

/** Names that AWS keeps for its own documents, and ARNs. */
function isSurelyDocument(word: string): boolean {
  return /^(AWS[A-Za-z0-9]*|Amazon[A-Za-z0-9]*)-[A-Za-z]|^arn:/.test(word) && !isPattern(word);
}

function documentAmong(words: readonly string[]): string {
  const candidates = words.filter((word) => !isNodeId(word) && !word.includes('=') && !isPattern(word));
  const sure = candidates.filter(isSurelyDocument);
  const [first] = sure.length ? sure : candidates;
  if (first === undefined)
    throw new Failure(
      `What is to run? A shell line after --, or a document: rollcall run${atData()} web-03 -- uptime`,
    );
  if (sure.length > 1) throw new Failure(`One command runs one document: "${sure.join('" or "')}"?`);
  // As in `rollcall run DOCUMENT NODES`; anywhere else only when nothing else can be meant.
  if (sure.length || candidates.length === 1 || words[0] === first) return first;
  throw new Failure(
    `Which of "${candidates.join('", "')}" is the document? Put it first, or name it: --document NAME`,
  );
}

function without(words: readonly string[], word: string): readonly string[] {
  const at = words.indexOf(word);
  return words.filter((_, index) => index !== at);
}
