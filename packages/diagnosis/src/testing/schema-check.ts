/** Checks a value against the part of JSON Schema that our schemas use; anything else in one is an error. */

const known = new Set([
  '$schema',
  'title',
  'description',
  'type',
  'enum',
  'const',
  'required',
  'properties',
  'additionalProperties',
  'items',
  'minItems',
  'maxItems',
  'uniqueItems',
]);

type Schema = Readonly<Record<string, unknown>>;

/** What is wrong with the value, each with its place; empty when it is valid. */
export function violations(value: unknown, schema: Schema, place = '$'): readonly string[] {
  for (const word of Object.keys(schema)) if (!known.has(word)) throw new Error(`"${word}" isn't checked`);
  const found: string[] = [];
  if ('const' in schema && value !== schema.const) found.push(`${place}: not ${String(schema.const)}`);
  if (Array.isArray(schema.enum) && !schema.enum.includes(value)) found.push(`${place}: ${String(value)}`);
  if (schema.type !== undefined && typeOf(value) !== schema.type)
    return [...found, `${place}: no ${schema.type}`];
  if (Array.isArray(value)) return [...found, ...ofArray(value, schema, place)];
  if (typeof value === 'object' && value !== null)
    return [...found, ...ofObject(value as Record<string, unknown>, schema, place)];
  return found;
}

function ofArray(value: readonly unknown[], schema: Schema, place: string): readonly string[] {
  const {
    minItems = 0,
    maxItems = Infinity,
    uniqueItems,
    items,
  } = schema as {
    minItems?: number;
    maxItems?: number;
    uniqueItems?: boolean;
    items?: Schema;
  };
  const size = value.length < minItems || value.length > maxItems ? [`${place}: ${value.length} items`] : [];
  const twice = uniqueItems && new Set(value).size < value.length ? [`${place}: something twice`] : [];
  return [
    ...size,
    ...twice,
    ...value.flatMap((one, index) => (items ? violations(one, items, `${place}[${index}]`) : [])),
  ];
}

function ofObject(value: Record<string, unknown>, schema: Schema, place: string): readonly string[] {
  const {
    required = [],
    properties = {},
    additionalProperties,
  } = schema as {
    required?: readonly string[];
    properties?: Readonly<Record<string, Schema>>;
    additionalProperties?: false | Schema;
  };
  const absent = required
    .filter((name) => value[name] === undefined)
    .map((name) => `${place}.${name}: absent`);
  const inner = Object.entries(value).flatMap(([name, one]) => {
    const own = properties[name];
    if (own) return violations(one, own, `${place}.${name}`);
    if (additionalProperties === false) return [`${place}.${name}: not in the schema`];
    return additionalProperties ? violations(one, additionalProperties, `${place}.${name}`) : [];
  });
  return [...absent, ...inner];
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
