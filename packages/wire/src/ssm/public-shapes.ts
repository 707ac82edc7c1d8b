/**
 * The public API's shapes: from the schemas that the SDK's client carries at run time, with the constraints
 * that they leave out put back from our tables.
 */
import * as client from '@aws-sdk/client-ssm';
import { NormalizedSchema } from '@smithy/core/schema';
import type {
  ListShape,
  MapShape,
  Member,
  OperationShapes,
  Shape,
  StringShape,
  StructureShape,
} from '../schema/shape.ts';
import { memberTypes } from './members.ts';
import { type TypeFacts, typeFacts } from './types.ts';

/** A schema as the SDK writes it: a kind, namespace and name, then what the kind needs. */
type StaticSchema = readonly [kind: number, namespace: string, name: string, ...rest: unknown[]];

const kinds = { structure: 3, union: 4, error: -3, operation: 9 } as const;

const exported = new Map<string, unknown>(Object.entries(client));
const schemas = [...exported.values()].filter(
  (value): value is never => Array.isArray(value) && typeof value[0] === 'number',
) as readonly StaticSchema[];
const operations = new Map(byKind(kinds.operation).map((schema) => [schema[2], schema]));
const shapes = new Map<string, OperationShapes>();
const structures = new Map<string, StructureShape>();

/** For each error of the model, how it spells its message's name. */
export const publicErrors: ReadonlyMap<string, 'Message' | 'message'> = new Map(
  byKind(kinds.error).map((schema) => [
    schema[2],
    (schema[4] as string[]).includes('Message') ? 'Message' : 'message',
  ]),
);

/** The names of all operations of the SDK's model. */
export function publicOperationNames(): string[] {
  return [...operations.keys()];
}

/** The shapes of one operation of the public API. */
export function publicShapes(operation: string): OperationShapes | undefined {
  const known = shapes.get(operation);
  if (known !== undefined) return known;
  const schema = operations.get(operation);
  if (schema === undefined) return undefined;
  const [input, output] = [schema[4], schema[5]].map((reference) => structureOf(normalize(reference)));
  const found = { input: input!, output: output! };
  shapes.set(operation, found);
  return found;
}

/** The values of an enumeration of the model. */
export function enumValues(name: string): readonly string[] | undefined {
  const found = exported.get(name);
  if (typeof found !== 'object' || found === null || Array.isArray(found)) return undefined;
  const values: unknown[] = Object.values(found);
  return values.every((value) => typeof value === 'string') ? (values as string[]) : undefined;
}

/** The type names of a structure's constrained members. */
export function memberTypesOf(structure: string): ReadonlyMap<string, string> {
  const line = Object.hasOwn(memberTypes, structure) ? memberTypes[structure]! : '';
  return new Map(
    line.split(' ').map((entry) => {
      const [member = '', type = member] = entry.split(':');
      return [member, type];
    }),
  );
}

function byKind(kind: number): StaticSchema[] {
  return schemas.filter((schema) => schema[0] === kind);
}

/** The SDK types references more loosely than it writes them. */
function normalize(reference: unknown): NormalizedSchema {
  return NormalizedSchema.of(reference as Parameters<typeof NormalizedSchema.of>[0]);
}

/** Structures may contain themselves, so each is put down before its members are looked at. */
function structureOf(schema: NormalizedSchema): StructureShape {
  const name = schema.getName() ?? '';
  const known = structures.get(name);
  if (known !== undefined) return known;
  const members: Record<string, Member> = {};
  const shape: StructureShape = {
    kind: 'structure',
    members,
    ...(schema.isUnionSchema() ? { union: true } : {}),
  };
  structures.set(name, shape);
  // The members that must be there come first; the last entry of the schema says how many they are.
  const required = ((schema.getSchema() as readonly unknown[])[6] as number | undefined) ?? 0;
  const types = memberTypesOf(name);
  let position = 0;
  for (const [memberName, member] of schema.structIterator()) {
    const converted = shapeOf(member, types.get(memberName));
    members[memberName] = position < required ? { ...converted, required: true } : converted;
    position += 1;
  }
  return shape;
}

function shapeOf(schema: NormalizedSchema, type: string | undefined): Shape {
  if (schema.isStructSchema()) return structureOf(schema);
  const facts: TypeFacts = type !== undefined && Object.hasOwn(typeFacts, type) ? typeFacts[type]! : {};
  const { of, key, ...limits } = facts;
  if (schema.isListSchema()) {
    return { kind: 'list', of: shapeOf(schema.getValueSchema(), of), ...limits } satisfies ListShape;
  }
  if (schema.isMapSchema()) {
    const keyShape = shapeOf(schema.getKeySchema(), key) as StringShape;
    return {
      kind: 'map',
      key: keyShape,
      of: shapeOf(schema.getValueSchema(), of),
      ...limits,
    } satisfies MapShape;
  }
  const sensitive = schema.getMergedTraits().sensitive ? { sensitive: true } : {};
  if (schema.isStringSchema()) {
    const values = type === undefined || type in typeFacts ? undefined : enumValues(type);
    return { kind: 'string', ...limits, ...sensitive, ...(values === undefined ? {} : { enum: values }) };
  }
  if (schema.isNumericSchema()) return { kind: 'integer', ...limits };
  if (schema.isBooleanSchema()) return { kind: 'boolean' };
  if (schema.isTimestampSchema()) return { kind: 'timestamp' };
  if (schema.isBlobSchema()) return { kind: 'blob', ...limits, ...sensitive };
  throw new Error(`the model has a kind of value that is not known here: ${schema.getName(true)}`);
}
