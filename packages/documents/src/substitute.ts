/** Putting the values of parameters where a document refers to them, as agents do. */
import type {
  CommandDocument,
  DocumentStep,
  Json,
  JsonObject,
  ParameterDeclaration,
  ParameterValues,
} from './document.ts';
import { parseJson } from './json.ts';
import { anyReference, singleReference } from './references.ts';
import { isObject } from './tree.ts';

/**
 * A value with its references replaced. Text that is one `{{ name }}` and nothing else becomes the value as it
 * is: a list stays a list, also inside of another list. Inside longer text a value that isn't text is written
 * as JSON, and `$$` in it becomes `$` (the official agent once needed it doubled, and kept taking it). A
 * parameter without a value has its default; a name that isn't declared stays as it is written. What was put
 * in isn't looked at again.
 */
export function substitute(
  value: Json,
  values: ParameterValues,
  declared: Readonly<Record<string, ParameterDeclaration>> = {},
): Json {
  const found = (name: string): Json | undefined =>
    Object.hasOwn(values, name)
      ? values[name]
      : Object.hasOwn(declared, name)
        ? declared[name]?.default
        : undefined;
  const replace = (one: Json): Json => {
    if (typeof one === 'string') {
      const name = singleReference(one);
      const whole = name === undefined ? undefined : found(name);
      if (whole !== undefined) return whole;
      return one.replace(anyReference, (reference, inside: string) => {
        const part = found(inside);
        return part === undefined ? reference : asText(part).replaceAll('$$', () => '$');
      });
    }
    if (Array.isArray(one)) return one.map(replace);
    if (!isObject(one)) return one;
    return Object.fromEntries(Object.entries(one).map(([name, member]) => [name, replace(member)]));
  };
  return replace(value);
}

/** Plugins whose lines are a program: what is put into these could be one, too. */
const scripts = ['aws:runShellScript', 'aws:runPowerShellScript'];

/**
 * The steps of a document with their references replaced, for those who are going to run them. A parameter that is
 * declared with `interpolationType: ENV_VAR` reaches scripts as the variable `SSM_NAME` and by no other way, so
 * that no value of it can become a command. Where schema 1.2 takes all properties from one parameter, its value may be an object, a list of them, or either as JSON
 * text; anything else leaves the step without inputs.
 */
export function stepsWith(document: CommandDocument, values: ParameterValues): readonly DocumentStep[] {
  const put = (value: Json) => substitute(value, values, document.parameters);
  const guarded = Object.keys(document.parameters).filter(
    (name) => document.parameters[name]?.interpolationType === 'ENV_VAR',
  );
  const without = (names: readonly string[], all: object) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => !names.includes(name)));
  const putScript = (value: Json) =>
    substitute(
      value,
      without(guarded, values) as ParameterValues,
      without(guarded, document.parameters) as CommandDocument['parameters'],
    );
  const variables = (): Record<string, string> =>
    Object.fromEntries(guarded.map((name) => [`SSM_${name}`, asText(put(`{{ ${name} }}`))]));
  return document.steps.map((step) => {
    const isScript = guarded.length > 0 && scripts.includes(step.action);
    const inputs = step.inputs.map((one) => {
      if (!isScript) return put(one) as JsonObject;
      const { runCommand = null, ...others } = one;
      const rest = put(others) as JsonObject;
      const environment = { ...(isObject(rest.environment) ? rest.environment : {}), ...variables() };
      return { ...rest, runCommand: putScript(runCommand), environment };
    });
    if (document.schemaVersion !== '1.2' || inputs.length > 0) return { ...step, inputs };
    const plugins = document.content.runtimeConfig as Readonly<Record<string, { properties: Json }>>;
    return { ...step, inputs: objectsOf(put(plugins[step.action]!.properties)) };
  });
}

function objectsOf(value: Json): JsonObject[] {
  const read = typeof value === 'string' ? parseJson(value) : { ok: true, value };
  if (!read.ok) return [];
  return (Array.isArray(read.value) ? read.value : [read.value]).filter(isObject);
}

/** A value inside of a text: itself, or JSON as Go writes it (names in order, marks of HTML escaped). */
export function asText(value: Json): string {
  if (typeof value === 'string') return value;
  return JSON.stringify(inOrder(value)).replace(
    /[<>&\u2028\u2029]/g,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function inOrder(value: Json): Json {
  if (Array.isArray(value)) return value.map(inOrder);
  if (!isObject(value)) return value;
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, inOrder(value[name]!)]));
}
