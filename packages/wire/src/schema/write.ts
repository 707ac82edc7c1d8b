/**
 * Writers compiled from shapes: a value in, JSON text out. Only known members leave the house, absent ones
 * are left out, and a value of the wrong type is a bug of ours that throws.
 */
import type { Shape, StructureShape } from './shape.ts';

type Write = (value: unknown) => unknown;

/** Compiles the writer of a structure. @throws TypeError (the writer) when a value doesn't fit the shape. */
export function compileWriter<T>(shape: StructureShape): (value: T) => string {
  let write: Write | undefined;
  return (value) => {
    write ??= compile(shape, '', new Map());
    return JSON.stringify(write(value));
  };
}

function compile(shape: Shape, path: string, compiled: Map<object, Write>): Write {
  switch (shape.kind) {
    case 'string':
      return (value) => (typeof value === 'string' ? value : wrong(path, 'a string'));
    case 'integer':
      return (value) => (Number.isSafeInteger(value) ? value : wrong(path, 'a whole number'));
    case 'boolean':
      return (value) => (typeof value === 'boolean' ? value : wrong(path, 'a boolean'));
    case 'timestamp':
      return (value) => {
        if (!(value instanceof Date) || Number.isNaN(value.getTime())) return wrong(path, 'a date');
        return value.getTime() / 1000;
      };
    case 'blob':
      return (value) =>
        value instanceof Uint8Array ? Buffer.from(value).toString('base64') : wrong(path, 'bytes');
    case 'list': {
      const writeOne = compile(shape.of, `${path}[]`, compiled);
      return (value) => (Array.isArray(value) ? value.map(writeOne) : wrong(path, 'an array'));
    }
    case 'map': {
      const writeOne = compile(shape.of, `${path}{}`, compiled);
      return (value) => {
        if (typeof value !== 'object' || value === null) return wrong(path, 'an object');
        const present = Object.entries(value).filter(([, item]) => item !== undefined && item !== null);
        return Object.fromEntries(present.map(([key, item]) => [key, writeOne(item)]));
      };
    }
    case 'structure':
      return structureWriter(shape, path, compiled);
  }
}

function structureWriter(shape: StructureShape, path: string, compiled: Map<object, Write>): Write {
  const known = compiled.get(shape.members);
  if (known !== undefined) return known;
  let members: { name: string; write: Write }[] = [];
  const write: Write = (value) => {
    if (typeof value !== 'object' || value === null) return wrong(path, 'an object');
    const written: Record<string, unknown> = {};
    for (const { name, write } of members) {
      const member = (value as Record<string, unknown>)[name];
      if (member !== undefined && member !== null) written[name] = write(member);
    }
    return written;
  };
  compiled.set(shape.members, write);
  members = Object.entries(shape.members).map(([name, member]) => ({
    name,
    write: compile(member, path === '' ? name : `${path}.${name}`, compiled),
  }));
  return write;
}

function wrong(path: string, wanted: string): never {
  throw new TypeError(`${path === '' ? 'the message' : path} must be ${wanted}`);
}
