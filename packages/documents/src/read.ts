/** Reading a command document: from text, or from a value that was parsed already. */
import { actions, isAction } from './actions.ts';
import { readDeclarations } from './declarations.ts';
import type { CommandDocument, DocumentFormat, DocumentStep, Json, JsonObject, Read } from './document.ts';
import { parseJson } from './json.ts';
import { mostBytes, mostSteps } from './limits.ts';
import { isStepId, isStepName } from './names.ts';
import { member, Problems, wrong } from './problems.ts';
import { singleReference } from './references.ts';
import { quoted } from './text.ts';
import { checkTree, isObject } from './tree.ts';

/**
 * Reads the text of a document. Answers everything that is wrong with it, at most 20 problems, each with the
 * place. Takes at most some 10 ms, whatever the text is. The YAML parser is loaded when the first YAML comes.
 */
export async function readDocument(text: string, format: DocumentFormat): Promise<Read<CommandDocument>> {
  const parsed = await parseText(text, format);
  return parsed.ok ? documentFrom(parsed.value) : parsed;
}

/** A document as YAML text, which reads as the same document again. */
export async function writeYaml(content: JsonObject): Promise<string> {
  const { stringifyYaml } = await import('./yaml.ts');
  return stringifyYaml(content);
}

/** Parses text into a value that still has to be checked. */
async function parseText(text: string, format: DocumentFormat): Promise<Read<unknown>> {
  if (Buffer.byteLength(text) > mostBytes) {
    return wrong('', `It must not be larger than ${mostBytes / 1024} KiB.`);
  }
  // Half characters can't be stored as they came: the hash would be another one.
  if (!text.isWellFormed()) return wrong('', 'It must be valid Unicode text.');
  if (format === 'JSON') return parseJson(text);
  const { parseYaml } = await import('./yaml.ts');
  return parseYaml(text);
}

/** Reads a document that was parsed already: from a frame, or from the store. */
export function documentFrom(value: unknown): Read<CommandDocument> {
  const tree = checkTree(value);
  if (!tree.ok) return tree;
  const content = tree.value;
  if (!isObject(content)) return wrong('', 'It must be an object with schemaVersion, parameters and steps.');
  const { schemaVersion } = content;
  if (schemaVersion !== '1.2' && schemaVersion !== '2.0' && schemaVersion !== '2.2') {
    return wrong('schemaVersion', 'It must be "1.2", "2.0" or "2.2" (as text, in quotes).');
  }
  const problems = new Problems();
  const stepsAt = schemaVersion === '1.2' ? 'runtimeConfig' : 'mainSteps';
  onlyMembers(content, '', ['schemaVersion', 'description', 'parameters', stepsAt], problems);
  const { description } = content;
  if (description !== undefined && typeof description !== 'string') {
    problems.add('description', 'It must be text.');
  }
  const parameters = readDeclarations(content.parameters, problems);
  const steps =
    schemaVersion === '1.2'
      ? readPlugins(content.runtimeConfig, problems)
      : readSteps(content.mainSteps, schemaVersion, problems);
  return problems.or(() => ({
    schemaVersion,
    description: description as string | undefined,
    parameters,
    steps,
    content,
  }));
}

/** The plugins of schema 1.2. */
function readPlugins(config: Json | undefined, problems: Problems): DocumentStep[] {
  const at = 'runtimeConfig';
  if (!isObject(config) || Object.keys(config).length === 0) {
    problems.add(at, 'It must be an object with a member for each plugin, such as "aws:runShellScript".');
    return [];
  }
  if (Object.keys(config).length > mostSteps) problems.add(at, `It must have at most ${mostSteps} plugins.`);
  return Object.entries(config).map(([action, plugin]) => {
    const place = member(at, action);
    checkAction(action, place, problems);
    if (!isObject(plugin)) {
      problems.add(place, 'It must be an object with properties.');
      return { name: action, action, inputs: [] };
    }
    onlyMembers(plugin, place, ['properties', 'settings', 'description'], problems);
    return { name: action, action, inputs: readProperties(action, plugin.properties, place, problems) };
  });
}

function readProperties(
  action: string,
  properties: Json | undefined,
  at: string,
  problems: Problems,
): JsonObject[] {
  const place = `${at}.properties`;
  // A parameter can bring all of them: then there is nothing to look at before it has a value.
  if (typeof properties === 'string' && singleReference(properties) !== undefined) return [];
  const list = Array.isArray(properties) ? (properties as readonly Json[]) : [properties];
  if (list.length === 0 || list.length > mostSteps) {
    problems.add(place, `It must be an object, or a list of 1 to ${mostSteps} of them.`);
  }
  const read: JsonObject[] = [];
  for (const [index, one] of list.entries()) {
    const where = Array.isArray(properties) ? `${place}[${index}]` : place;
    if (isObject(one)) {
      checkInputs(action, one, where, problems);
      read.push(one);
    } else {
      problems.add(where, 'It must be an object.');
    }
  }
  return read;
}

const stepMembers = [
  'action',
  'name',
  'inputs',
  'precondition',
  'settings',
  'description',
  // Agents read these and don't act on them: what counts are the ones among the inputs.
  'maxAttempts',
  'timeoutSeconds',
  'onFailure',
  'onSuccess',
  'finallyStep',
  'isCritical',
  'isEnd',
  'nextStep',
];

/** The steps of schema 2.x. */
function readSteps(steps: Json | undefined, version: '2.0' | '2.2', problems: Problems): DocumentStep[] {
  if (!Array.isArray(steps) || steps.length === 0 || steps.length > mostSteps) {
    problems.add('mainSteps', `It must be a list of 1 to ${mostSteps} steps.`);
    return [];
  }
  const names = new Set<string>();
  return (steps as readonly Json[]).map((step, index) => {
    const at = `mainSteps[${index}]`;
    if (!isObject(step)) {
      problems.add(at, 'It must be an object with action, name and inputs.');
      return { name: '', action: '', inputs: [] };
    }
    onlyMembers(step, at, stepMembers, problems);
    const { name, action, inputs, precondition } = step;
    if (typeof name !== 'string' || !isStepName(name)) {
      problems.add(`${at}.name`, 'It must be 1 to 128 letters, digits, hyphens and underscores.');
    } else if (names.has(name)) {
      problems.add(`${at}.name`, `It must be another one: ${quoted(name)} is an earlier step's.`);
    } else {
      names.add(name);
    }
    if (typeof action === 'string') checkAction(action, `${at}.action`, problems);
    else problems.add(`${at}.action`, 'It must be the name of an action, such as "aws:runShellScript".');
    if (!isObject(inputs)) problems.add(`${at}.inputs`, 'It must be an object.');
    else checkInputs(action as string, inputs, `${at}.inputs`, problems);
    if (precondition !== undefined) checkCondition(precondition, `${at}.precondition`, version, problems);
    return {
      name: name as string,
      action: action as string,
      inputs: [inputs as JsonObject],
      ...(precondition !== undefined && { precondition: precondition as JsonObject }),
    };
  });
}

function checkAction(action: string, at: string, problems: Problems): void {
  if (isAction(action)) return;
  problems.add(
    at,
    `It must be an action that agents know, not ${quoted(action)}: ${Object.keys(actions).join(', ')}.`,
  );
}

/** What an action works on. Only what would fail on every node, or lead out of a node's folders, is refused. */
function checkInputs(action: string, inputs: JsonObject, at: string, problems: Problems): void {
  const { id } = inputs;
  if (id !== undefined && (typeof id !== 'string' || !isStepId(id))) {
    problems.add(
      `${at}.id`,
      'It must be 1 to 128 letters, digits, underscores, hyphens, colons and single dots: it becomes a folder on nodes.',
    );
  }
  if (action !== 'aws:runShellScript' && action !== 'aws:runPowerShellScript') return;
  const { runCommand } = inputs;
  const isList = Array.isArray(runCommand) && runCommand.every((line) => typeof line === 'string');
  if (!isList && !(typeof runCommand === 'string' && singleReference(runCommand) !== undefined)) {
    problems.add(
      `${at}.runCommand`,
      'It must be a list of lines, or one reference to a parameter of type StringList, such as "{{ commands }}".',
    );
  }
}

/** A precondition names operators and their two operands. What they say is judged when the step is to run. */
function checkCondition(condition: Json, at: string, version: string, problems: Problems): void {
  if (version !== '2.2') {
    problems.add(at, 'It must be left out: preconditions came with schema version 2.2.');
  } else if (!isObject(condition)) {
    problems.add(at, 'It must be an object, such as {"StringEquals": ["platformType", "Linux"]}.');
  } else {
    for (const [operator, operands] of Object.entries(condition)) {
      const place = member(at, operator);
      if (operator !== 'StringEquals') {
        problems.add(place, 'It must be StringEquals: agents know no other operator.');
      } else if (
        !Array.isArray(operands) ||
        operands.length !== 2 ||
        operands.some((operand) => typeof operand !== 'string')
      ) {
        problems.add(place, 'It must be a list of two texts, such as ["platformType", "Linux"].');
      }
    }
  }
}

function onlyMembers(value: JsonObject, at: string, names: readonly string[], problems: Problems): void {
  for (const name of Object.keys(value)) {
    if (!names.includes(name)) {
      problems.add(member(at, name), `It must be left out: what can be here is ${names.join(', ')}.`);
    }
  }
}
