/** The syntax of patterns: that of agents (Go's RE2 syntax), read into a tree. */
import type { Read } from './document.ts';
import type { PatternNode } from './pattern-program.ts';
import {
  anyOf,
  type CharacterSet,
  escapedSets,
  inAnyCase,
  not,
  ofRanges,
  ofUnicode,
  posixSets,
  type Range,
} from './pattern-set.ts';
import { wrong } from './problems.ts';
import { quoted } from './text.ts';

/** Go takes no larger one. */
const mostRepeats = 1000;

class NotAPattern extends Error {}

/** Parses a pattern. */
export function parsePattern(source: string): Read<PatternNode> {
  try {
    return { ok: true, value: new PatternParser([...source]).whole() };
  } catch (error) {
    if (error instanceof NotAPattern) return wrong('', error.message);
    throw error;
  }
}

interface Flags {
  readonly ignoreCase: boolean;
  readonly multiLine: boolean;
  readonly dotAll: boolean;
}

const anything = ofRanges([[0, 0x10ffff]]);
const lineEnd = ofRanges([[10, 10]]);
const escapedCharacters: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };

class PatternParser {
  private at = 0;
  private flags: Flags = { ignoreCase: false, multiLine: false, dotAll: false };
  private readonly text: readonly string[];

  constructor(text: readonly string[]) {
    this.text = text;
  }

  whole(): PatternNode {
    const node = this.choice();
    if (this.at < this.text.length) this.fail('has a closing parenthesis too many');
    return node;
  }

  private fail(why: string): never {
    throw new NotAPattern(`It must be a regular expression that agents know; it ${why}.`);
  }

  private starts(text: string): boolean {
    return this.text.slice(this.at, this.at + text.length).join('') === text;
  }

  private take(text: string): boolean {
    if (!this.starts(text)) return false;
    this.at += text.length;
    return true;
  }

  private choice(): PatternNode {
    // Flags that are set inside a group end with it.
    const outer = this.flags;
    const choices = [this.sequence()];
    while (this.take('|')) choices.push(this.sequence());
    this.flags = outer;
    return choices.length === 1 ? choices[0]! : { kind: 'choice', of: choices };
  }

  private sequence(): PatternNode {
    const of: PatternNode[] = [];
    while (this.at < this.text.length && !this.starts('|') && !this.starts(')')) {
      const literal = this.quotedLiteral();
      if (literal) of.push(...literal);
      else {
        const atom = this.atom();
        if (atom) of.push(this.repeated(atom));
      }
    }
    return { kind: 'sequence', of };
  }

  /** `\Q…\E`: everything in it is itself. */
  private quotedLiteral(): PatternNode[] | undefined {
    if (!this.take('\\Q')) return undefined;
    const literals: PatternNode[] = [];
    while (this.at < this.text.length && !this.take('\\E'))
      literals.push(this.literal(this.text[this.at++]!));
    const last = literals.pop();
    return last ? [...literals, this.repeated(last)] : [];
  }

  private repeated(of: PatternNode): PatternNode {
    const range = this.quantifier();
    if (!range) return of;
    // Whether it takes much or little makes no difference to whether it matches.
    this.take('?');
    const before = this.at;
    if (this.quantifier()) {
      this.at = before;
      this.fail('repeats a repetition');
    }
    return { kind: 'repeat', of, from: range[0], to: range[1] };
  }

  private quantifier(): readonly [number, number] | undefined {
    if (this.take('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.take('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.take('?')) return [0, 1];
    if (!this.starts('{')) return undefined;
    const counts = /^\{(\d{1,10})(?:(,)(\d{0,10}))?\}/.exec(this.text.slice(this.at, this.at + 24).join(''));
    if (!counts) return undefined;
    this.at += counts[0].length;
    const from = Number(counts[1]);
    const to = !counts[2] ? from : counts[3] ? Number(counts[3]) : Number.POSITIVE_INFINITY;
    if (from > mostRepeats || (to > mostRepeats && to !== Number.POSITIVE_INFINITY)) {
      this.fail(`repeats something more than ${mostRepeats} times`);
    }
    if (to < from) this.fail('has a repetition that ends before it begins');
    return [from, to];
  }

  /** One thing that can be repeated; nothing for flags like `(?i)`. */
  private atom(): PatternNode | undefined {
    if (this.quantifier()) this.fail('repeats nothing');
    if (this.take('(')) return this.group();
    if (this.take('[')) return this.character(this.set());
    if (this.take('.')) return { kind: 'character', set: this.flags.dotAll ? anything : not(lineEnd) };
    if (this.take('^'))
      return { kind: 'assertion', what: this.flags.multiLine ? 'line-start' : 'text-start' };
    if (this.take('$')) return { kind: 'assertion', what: this.flags.multiLine ? 'line-end' : 'text-end' };
    if (this.take('\\')) return this.escape();
    return this.literal(this.text[this.at++]!);
  }

  private group(): PatternNode | undefined {
    const outer = this.flags;
    if (this.take('?')) {
      const rest = this.text.slice(this.at, this.at + 140).join('');
      const name = /^P?<[A-Za-z_]\w{0,127}>/.exec(rest);
      const flags = /^([ims]*)(?:-([ims]+))?([:)])/.exec(rest);
      if (name) this.at += name[0].length;
      else if (flags) {
        this.at += flags[0].length;
        this.flags = withFlags(this.flags, flags[1]!, flags[2] ?? '');
        if (flags[3] === ')') return undefined;
      } else this.fail('looks ahead or behind, or has another group that agents do not know');
    }
    const node = this.choice();
    if (!this.take(')')) this.fail('has a parenthesis that is not closed');
    this.flags = outer;
    return node;
  }

  private literal(character: string): PatternNode {
    const code = character.codePointAt(0)!;
    return this.character(ofRanges([[code, code]]));
  }

  private character(set: CharacterSet): PatternNode {
    return { kind: 'character', set: this.flags.ignoreCase ? inAnyCase(set) : set };
  }

  private escape(): PatternNode {
    if (this.take('A')) return { kind: 'assertion', what: 'text-start' };
    if (this.take('z')) return { kind: 'assertion', what: 'text-end' };
    if (this.take('b')) return { kind: 'assertion', what: 'word-edge' };
    if (this.take('B')) return { kind: 'assertion', what: 'not-word-edge' };
    const set = this.escapedSet();
    if (set) return this.character(set);
    return this.literal(String.fromCodePoint(this.escapedCharacter()));
  }

  /** `\d`, `\p{Greek}` and their like. */
  private escapedSet(): CharacterSet | undefined {
    const name = this.text[this.at]?.toLowerCase();
    if (name === 'd' || name === 's' || name === 'w') {
      const set = escapedSets[name];
      return this.text[this.at++] === name ? set : not(set);
    }
    const property = /^([pP])(?:\{(\^?)(\w{1,40})\}|(\w))/.exec(
      this.text.slice(this.at, this.at + 46).join(''),
    );
    if (!property) return undefined;
    this.at += property[0].length;
    const set = ofUnicode(property[3] ?? property[4]!);
    if (!set) this.fail(`has an unknown Unicode class ${quoted(property[0])}`);
    return (property[1] === 'P') !== (property[2] === '^') ? not(set) : set;
  }

  private escapedCharacter(): number {
    const rest = this.text.slice(this.at, this.at + 12).join('');
    const hex = /^x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})/.exec(rest);
    const octal = /^(0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(rest);
    const name = this.text[this.at];
    if (hex && Number.parseInt(hex[1] ?? hex[2]!, 16) <= 0x10ffff) {
      this.at += hex[0].length;
      return Number.parseInt(hex[1] ?? hex[2]!, 16);
    }
    if (octal) {
      this.at += octal[0].length;
      return Number.parseInt(octal[0], 8);
    }
    if (name !== undefined && Object.hasOwn(escapedCharacters, name)) {
      this.at++;
      return escapedCharacters[name]!;
    }
    if (name !== undefined && posixSets.punct?.has(name.codePointAt(0)!)) {
      this.at++;
      return name.codePointAt(0)!;
    }
    return this.fail(
      name === undefined ? 'ends with a backslash' : `has an unknown escape ${quoted(`\\${name}`)}`,
    );
  }

  /** What is between brackets, the first of which was taken. */
  private set(): CharacterSet {
    const isNegated = this.take('^');
    const ranges: Range[] = [];
    const sets: CharacterSet[] = [];
    let isFirst = true;
    while (isFirst || !this.starts(']')) {
      isFirst = false;
      if (this.at >= this.text.length) this.fail('has a bracket that is not closed');
      const named = this.namedSet() ?? this.setEscape();
      if (named) sets.push(named);
      else ranges.push(this.range());
    }
    this.at++;
    if (ranges.length > 0) sets.push(ofRanges(ranges));
    return isNegated ? not(anyOf(sets)) : anyOf(sets);
  }

  private range(): Range {
    const first = this.setCharacter();
    const isRange = this.starts('-') && this.text[this.at + 1] !== ']' && this.at + 1 < this.text.length;
    if (!isRange) return [first, first];
    this.at++;
    const last = this.setCharacter();
    if (last < first) this.fail('has a range that ends before it begins');
    return [first, last];
  }

  private setEscape(): CharacterSet | undefined {
    if (!this.starts('\\')) return undefined;
    this.at++;
    const set = this.escapedSet();
    if (!set) this.at--;
    return set;
  }

  private setCharacter(): number {
    if (this.take('\\')) return this.escapedCharacter();
    return this.text[this.at++]!.codePointAt(0)!;
  }

  /** `[:alpha:]` and its like. */
  private namedSet(): CharacterSet | undefined {
    const name = /^\[:(\^?)(\w{1,10}):\]/.exec(this.text.slice(this.at, this.at + 16).join(''));
    if (!name) return undefined;
    const set = Object.hasOwn(posixSets, name[2]!) ? posixSets[name[2]!] : undefined;
    if (!set) this.fail(`has an unknown class ${quoted(name[0])}`);
    this.at += name[0].length;
    return name[1] === '^' ? not(set) : set;
  }
}

function withFlags(flags: Flags, on: string, off: string): Flags {
  const flag = (name: string, now: boolean) => (now || on.includes(name)) && !off.includes(name);
  return {
    ignoreCase: flag('i', flags.ignoreCase),
    multiLine: flag('m', flags.multiLine),
    dotAll: flag('s', flags.dotAll),
  };
}
