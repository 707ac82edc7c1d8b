/**
 * Readers compiled from shapes: JSON text in, a checked value out. A wrong JSON type ends the reading; broken
 * constraints are all collected. Unknown members are ignored, and `null` counts as absent.
 */
import { nestedTooDeeply } from '../parse-json.ts';
import {
  type Constraint,
  describeConstraints,
  rangeConstraints,
  sizeConstraints,
  stringConstraints,
} from './constraints.ts';
import { quote, quoteList, Reading, SerializationFailure } from './reading.ts';
import type {
  BlobShape,
  IntegerShape,
  ListShape,
  MapShape,
  Shape,
  StringShape,
  StructureShape,
} from './shape.ts';

/** What reading gives. */
export type ReadResult<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      readonly code: 'SerializationException' | 'ValidationException';
      readonly message: string;
    };

type Read = (value: unknown, reading: Reading) => unknown;

/**
 * Compiles the reader of a structure. With `lenient`, only JSON types are checked: for reading answers, where
 * a server newer than the reader may say more.
 */
export function compileReader<T>(
  shape: StructureShape,
  { lenient = false } = {},
): (text: string) => ReadResult<T> {
  let read: Read | undefined;
  return (text) => {
    read ??= compile(shape, { lenient, compiled: new Map() });
    try {
      // A raw NUL can't be in JSON, nor half a pair in decoded UTF-8: only an escape brings them.
      const reading = new Reading(/\\u(?:0000|[dD][89a-fA-F])/.test(text));
      const value = read(parse(text), reading) as T;
      const message = reading.verdict();
      return message === undefined
        ? { ok: true, value }
        : { ok: false, code: 'ValidationException', message };
    } catch (error) {
      if (!(error instanceof SerializationFailure)) throw error;
      return { ok: false, code: 'SerializationException', message: error.message };
    }
  };
}

/** An empty body is an empty message. */
function parse(text: string): unknown {
  if (text === '') return {};
  if (nestedTooDeeply(text)) throw new SerializationFailure('The message is nested too deeply.');
  try {
    return JSON.parse(text);
  } catch {
    throw new SerializationFailure('The message is not JSON.');
  }
}

interface Compilation {
  readonly lenient: boolean;
  /** By the members of a structure, for shapes that contain themselves. */
  readonly compiled: Map<object, Read>;
}

function compile(shape: Shape, how: Compilation): Read {
  switch (shape.kind) {
    case 'string':
      return stringReader(shape, how);
    case 'integer':
      return integerReader(shape, how);
    case 'boolean':
      return (value, reading) => {
        if (typeof value !== 'boolean') throw reading.wrongType(value, 'Boolean');
        return value;
      };
    case 'timestamp':
      return readTimestamp;
    case 'blob':
      return blobReader(shape, how);
    case 'list':
      return listReader(shape, how);
    case 'map':
      return mapReader(shape, how);
    case 'structure':
      return structureReader(shape, how);
  }
}

function stringReader(shape: StringShape, { lenient }: Compilation): Read {
  const constraints = lenient ? [] : stringConstraints(shape);
  return (value, reading) => {
    if (typeof value !== 'string') throw reading.wrongType(value, 'String');
    const shown = shape.sensitive ? undefined : value;
    if (reading.suspicious && !lenient && (value.includes('\0') || !value.isWellFormed())) {
      reading.violate(undefined, 'Member must not contain null characters or broken Unicode');
    } else check(constraints, value, reading, shown);
    return value;
  };
}

function integerReader(shape: IntegerShape, { lenient }: Compilation): Read {
  const constraints = lenient ? [] : rangeConstraints(shape);
  return (value, reading) => {
    if (!Number.isSafeInteger(value)) throw reading.wrongType(value, 'Integer');
    check(constraints, value as number, reading, String(value));
    return value;
  };
}

function readTimestamp(value: unknown, reading: Reading): Date {
  const date = typeof value === 'number' ? new Date(Math.round(value * 1000)) : undefined;
  if (date === undefined || Number.isNaN(date.getTime())) throw reading.wrongType(value, 'Timestamp');
  return date;
}

function blobReader(shape: BlobShape, { lenient }: Compilation): Read {
  const constraints = lenient ? [] : sizeConstraints(shape);
  return (value, reading) => {
    if (typeof value !== 'string') throw reading.wrongType(value, 'Blob');
    const bytes = Buffer.from(value, 'base64');
    if (bytes.toString('base64').replace(/=+$/, '') !== value.replace(/=+$/, ''))
      throw reading.wrongType(value, 'Blob');
    check(constraints, bytes.length, reading, undefined);
    return bytes;
  };
}

function listReader(shape: ListShape, how: Compilation): Read {
  const constraints = how.lenient ? [] : sizeConstraints(shape);
  const single = shape.of.kind === 'string' || shape.of.kind === 'integer';
  const hidden = shape.of.kind === 'string' && shape.of.sensitive === true;
  const readOne = compile(single ? bare(shape.of) : shape.of, how);
  const broken = single && !how.lenient ? brokenBy(shape.of) : undefined;
  return (value, reading) => {
    if (!Array.isArray(value)) throw mismatch(value, reading);
    const read: unknown[] = [];
    let bad = false;
    for (let i = 0; i < value.length; i += 1) {
      const item = value[i];
      reading.enter(`${i + 1}.member`);
      if (item === null) reading.violate('null', 'Member must not be null');
      else {
        read.push(readOne(item, reading));
        bad ||= broken?.(item) ?? false;
      }
      reading.leave();
    }
    const shown = single && !hidden ? quoteList(value) : undefined;
    if (bad) reading.violate(shown, `Member must satisfy constraint: [${describeConstraints(shape.of)}]`);
    check(constraints, value.length, reading, shown, false);
    return read;
  };
}

function mapReader(shape: MapShape, how: Compilation): Read {
  const constraints = how.lenient ? [] : sizeConstraints(shape);
  const single = shape.of.kind === 'string' || shape.of.kind === 'integer';
  const readOne = compile(single ? bare(shape.of) : shape.of, how);
  const readKey = compile(bare(shape.key), how);
  const brokenKey = how.lenient ? undefined : brokenBy(shape.key);
  const broken = single && !how.lenient ? brokenBy(shape.of) : undefined;
  return (value, reading) => {
    if (!isObject(value)) throw mismatch(value, reading);
    const read: [string, unknown][] = [];
    let badKey = false;
    let bad = false;
    for (const [key, item] of Object.entries(value)) {
      if (item === null) continue;
      reading.enter(`${key}.member`);
      readKey(key, reading);
      read.push([key, readOne(item, reading)]);
      badKey ||= brokenKey?.(key) ?? false;
      bad ||= broken?.(item) ?? false;
      reading.leave();
    }
    if (badKey)
      reading.violate(undefined, `Map keys must satisfy constraint: [${describeConstraints(shape.key)}]`);
    if (bad)
      reading.violate(undefined, `Map value must satisfy constraint: [${describeConstraints(shape.of)}]`);
    check(constraints, read.length, reading, undefined);
    // Makes own properties of all keys, `__proto__` too.
    return Object.fromEntries(read);
  };
}

function structureReader(shape: StructureShape, how: Compilation): Read {
  const known = how.compiled.get(shape.members);
  if (known !== undefined) return known;
  let members: { name: string; step: string; required: boolean; read: Read }[] = [];
  const read: Read = (value, reading) => {
    if (!isObject(value)) throw mismatch(value, reading);
    const found: Record<string, unknown> = {};
    let count = 0;
    for (const { name, step, required, read } of members) {
      const member = value[name];
      if (member !== undefined && member !== null) {
        reading.enter(step);
        found[name] = read(member, reading);
        reading.leave();
        count += 1;
      } else if (required) {
        reading.enter(step);
        reading.violate('null', 'Member must not be null');
        reading.leave();
      }
    }
    if (shape.union && count > 1) throw new SerializationFailure('Unions must have exactly one member set');
    return found;
  };
  how.compiled.set(shape.members, read);
  members = Object.entries(shape.members).map(([name, member]) => ({
    name,
    step: name.charAt(0).toLowerCase() + name.slice(1),
    required: member.required === true && !how.lenient,
    read: compile(member, how),
  }));
  return read;
}

/** Notes each constraint that a value breaks. */
function check<T>(
  constraints: readonly Constraint<T>[],
  value: T,
  reading: Reading,
  shown: string | undefined,
  quoted = true,
): void {
  for (const constraint of constraints) {
    if (!constraint.broken(value)) continue;
    reading.violate(shown === undefined || !quoted ? shown : quote(shown), constraint.text);
  }
}

/** Single values in lists and maps are told of together, by the list or map. */
function bare(shape: Shape): Shape {
  return shape.kind === 'string' ? { kind: 'string' } : { kind: 'integer' };
}

function brokenBy(shape: Shape): (value: unknown) => boolean {
  const constraints = (
    shape.kind === 'string'
      ? stringConstraints(shape)
      : shape.kind === 'integer'
        ? rangeConstraints(shape)
        : []
  ) as Constraint<unknown>[];
  return (value) => constraints.some((constraint) => constraint.broken(value));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function mismatch(value: unknown, reading: Reading): SerializationFailure {
  if (typeof value === 'object' && value !== null) return reading.wrongType(value, '');
  return new SerializationFailure(
    reading.path.length === 0
      ? 'The message is not a JSON object.'
      : `Unexpected value type in payload (at '${reading.path.join('.').slice(0, 256)}')`,
  );
}
