/** YAML text into values, and back. In a file of its own, because the parser takes 25 ms to load and few need it. */
import {
  Composer,
  type CST,
  type Document,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  Parser,
  stringify,
  type YAMLMap,
} from 'yaml';
import type { JsonObject, Read } from './document.ts';
import { mostDepth } from './limits.ts';
import { member, Problems, wrong } from './problems.ts';
import { printable } from './text.ts';

// The specification forbids them, and the parser uses some of them as marks of its own.
const unprintable = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;

/** Words and marks, white space included; 64 KiB of a real document have about 10,000. Each costs some microseconds. */
const mostTokens = 15_000;

/**
 * Parses YAML text into JSON values. Of YAML this is what a document needs: one document with the types of
 * JSON (the core schema of YAML 1.2). Directives, tags, anchors, aliases and merge keys are refused: what a
 * document says is what it looks like, and it is as large as it looks.
 */
export function parseYaml(text: string): Read<unknown> {
  const control = text.search(unprintable);
  if (control >= 0) return wrong('', `It must have no control characters (${place(text, control)}).`);
  const composed = withoutStacks(() => compose(text));
  if (!composed.ok) return composed;
  const problems = new Problems();
  for (const error of composed.value.errors) {
    if (problems.full) break;
    const why = printable(error.message, 200);
    problems.add('', `It must be well-formed YAML: ${why} (${place(text, error.pos[0])}).`);
  }
  if (problems.found.length > 0) return { ok: false, problems: problems.found };
  const value = jsonOf(composed.value.contents, '', problems);
  return problems.or(() => value);
}

/** The parser makes its errors by the thousand if need be; most of what one costs is its stack, which nobody reads. */
function withoutStacks<T>(work: () => T): T {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = before;
  }
}

/** The syntax tree, built token by token: the parser and what comes after it call themselves for each level. */
function compose(text: string): Read<Document.Parsed> {
  const lexer = new Lexer();
  const parser = new Parser();
  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    merge: false,
    // Its own check compares each name with each other one; ours is below.
    uniqueKeys: false,
    prettyErrors: false,
  });
  const documents: Document.Parsed[] = [];
  let tokens = 0;
  for (const lexeme of lexer.lex(text)) {
    if (++tokens > mostTokens) {
      return wrong('', `It must be simpler: it has more than ${mostTokens} words and marks.`);
    }
    // What is open: for each level its collection and the value that is being read.
    if (parser.stack.length > 2 * mostDepth + 4) {
      return wrong(
        '',
        `It must not be nested deeper than ${mostDepth} levels (${place(text, parser.offset)}).`,
      );
    }
    for (const token of parser.next(lexeme)) {
      const refusal = refusalOf(token, text);
      if (refusal) return refusal;
      documents.push(...composer.next(token));
      // To go on would find as many of them as there are.
      if (documents.length > 0) return secondDocument(text, token.offset);
    }
  }
  for (const token of parser.end()) documents.push(...composer.next(token));
  documents.push(...composer.end(true, text.length));
  const [document, second] = documents;
  return second ? secondDocument(text, second.range[0]) : { ok: true, value: document! };
}

function secondDocument(text: string, offset: number) {
  return wrong('', `It must be one YAML document (${place(text, offset)}).`);
}

/** What isn't worth going on after. */
function refusalOf(token: CST.Token, text: string) {
  if (token.type !== 'directive' && token.type !== 'error') return undefined;
  const what =
    token.type === 'error' ? `be well-formed YAML: ${printable(token.message, 200)}` : 'have no directives';
  return wrong('', `It must ${what} (${place(text, token.offset)}).`);
}

function jsonOf(node: unknown, at: string, problems: Problems): unknown {
  if (problems.full || node === null) return null;
  if (!isScalar(node) && !isMap(node) && !isSeq(node)) {
    problems.add(at, 'It must be written out: aliases are not accepted.');
    return null;
  }
  if (node.anchor !== undefined) problems.add(at, 'It must have no anchor: aliases are not accepted.');
  if (node.tag !== undefined) problems.add(at, `It must have no tag such as ${printable(node.tag, 40)}.`);
  if (isScalar(node)) return node.value;
  if (isSeq(node)) return node.items.map((item, index) => jsonOf(item, `${at}[${index}]`, problems));
  return objectOf(node, at, problems);
}

function objectOf(map: YAMLMap, at: string, problems: Problems): unknown {
  const members = new Map<string, unknown>();
  for (const { key, value } of map.items) {
    if (!isScalar(key) || key.value === null || typeof key.value === 'object') {
      problems.add(at, 'Its names must be plain words.');
      continue;
    }
    const name = String(key.value);
    const where = member(at, name);
    if (name === '<<') problems.add(where, 'It must be written out: merge keys are not accepted.');
    if (key.anchor !== undefined || key.tag !== undefined) {
      problems.add(where, 'Its name must have no anchor and no tag.');
    }
    if (members.has(name)) problems.add(where, 'It must occur only once.');
    members.set(name, jsonOf(value, where, problems));
  }
  return Object.fromEntries(members);
}

function place(text: string, offset: number): string {
  let line = 1;
  let start = 0;
  for (let end = text.indexOf('\n'); end >= 0 && end < offset; end = text.indexOf('\n', start)) {
    line++;
    start = end + 1;
  }
  return `line ${line}, column ${offset - start + 1}`;
}

/** Writes a document as YAML, as {@link parseYaml} reads it. */
export function stringifyYaml(content: JsonObject): string {
  // Long lines are scripts: folding them would make them hard to read. Repeated values would become aliases.
  return stringify(content, { lineWidth: 0, aliasDuplicateObjects: false });
}
