/** The state of reading one message: where in it we are, and what was found wrong so far. */
import { deepestJson } from '../parse-json.ts';

/** Violations beyond these are counted, not told. */
const mostTold = 50;

/** A value of the wrong JSON type: nothing else in the message can be trusted, so reading stops. */
export class SerializationFailure extends Error {}

/** One message being read. */
export class Reading {
  /** Member names in lower camel case, list positions and map keys, from the root. */
  readonly path: string[] = [];
  /** Whether strings must be looked at for characters that can't be stored. */
  readonly suspicious: boolean;
  #told: string[] = [];
  #count = 0;

  constructor(suspicious: boolean) {
    this.suspicious = suspicious;
  }

  /** Goes one level down; `step` is what the path shows of it. */
  enter(step: string): void {
    if (this.path.length >= deepestJson) throw new SerializationFailure('The message is nested too deeply.');
    this.path.push(step);
  }

  leave(): void {
    this.path.pop();
  }

  /** Notes a broken constraint; `shown` is the value as AWS writes it, undefined for what may not be shown. */
  violate(shown: string | undefined, constraint: string): void {
    this.#count += 1;
    if (this.#told.length === mostTold) return;
    const value = shown === undefined ? 'Value' : `Value ${shown}`;
    this.#told.push(`${value} at '${this.#where()}' failed to satisfy constraint: ${constraint}`);
  }

  /** Refuses a value of the wrong JSON type. */
  wrongType(value: unknown, wanted: string): SerializationFailure {
    return new SerializationFailure(`${wrongType(value, wanted)} (at '${this.#where()}')`);
  }

  /** All violations in one sentence; undefined when there are none. */
  verdict(): string | undefined {
    if (this.#count === 0) return undefined;
    const more = this.#count > mostTold ? [`and ${this.#count - mostTold} more`] : [];
    const errors = this.#count === 1 ? 'error' : 'errors';
    return `${this.#count} validation ${errors} detected: ${[...this.#told, ...more].join('; ')}`;
  }

  #where(): string {
    return this.path.map((step) => clip(step, 64)).join('.');
  }
}

/** A string as messages show it. */
export function quote(value: string): string {
  return `'${clip(value, 256)}'`;
}

/** A list of single values as messages show it. */
export function quoteList(values: readonly unknown[]): string {
  return quote(`[${values.slice(0, 20).join(', ')}${values.length > 20 ? ', …' : ''}]`);
}

function clip(text: string, most: number): string {
  const short = text.length > most ? `${text.slice(0, most)}…` : text;
  return short
    .toWellFormed()
    .replace(/[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, '\ufffd');
}

function wrongType(value: unknown, wanted: string): string {
  if (Array.isArray(value)) return 'Start of list found where not expected';
  switch (typeof value) {
    case 'object':
      return 'Start of structure or map found where not expected';
    case 'string':
      return `STRING_VALUE cannot be converted to ${wanted}`;
    case 'number':
      return `NUMBER_VALUE cannot be converted to ${wanted}`;
    default:
      return `${value === true ? 'TRUE' : 'FALSE'}_VALUE cannot be converted to ${wanted}`;
  }
}
