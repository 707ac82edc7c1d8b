/** `aws:runDocument`: runs another document, from the server or from this machine, as one step. */
import { readFile, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import {
  type CommandDocument,
  type Json,
  type JsonObject,
  problemsText,
  type Read,
  readDocument,
} from '@rollcall/documents';
import { parseJson } from '@rollcall/wire';
import { valuesFor } from '../commands/parameters.ts';
import { documentStatus, type StepOutcome } from '../commands/replies.ts';
import { documentNameOf } from './document-name.ts';
import { type ActionEnd, cutShort, fail, type Plugin, type StepRun, textInput } from './plugin.ts';

/** Documents within documents: the command's own is the first. */
const mostDepth = 3;
const largestFile = 1024 * 1024;

/** Runs the document that `documentType` and `documentPath` name with `documentParameters`. */
export const runDocument: Plugin = async (run) => {
  if (run.depth > mostDepth)
    return fail(run, `Documents within documents are run ${mostDepth} deep and no deeper.`);
  let document: Read<CommandDocument>;
  try {
    document = await load(run);
  } catch (error) {
    if (run.signal.aborted) return cutShort(run.signal);
    return fail(run, (error as Error).message);
  }
  if (!document.ok) return fail(run, `The document is not valid. ${problemsText(document.problems)}`);
  const given = readGiven(run.inputs.documentParameters);
  if (given === undefined) return fail(run, 'documentParameters must be an object, or one as JSON text.');
  const values = valuesFor(document.value, given);
  if (!values.ok)
    return fail(run, `documentParameters don't fit the document. ${problemsText(values.problems)}`);
  const outcomes = await run.runDocument(document.value, values.value);
  return outcomes === 'interrupted' ? 'interrupted' : endOf(outcomes);
};

async function load(run: StepRun): Promise<Read<CommandDocument>> {
  const type = textInput(run.inputs, 'documentType');
  const path = textInput(run.inputs, 'documentPath')?.trim() ?? '';
  if (path === '') throw new Error('documentPath must be the name of a document, or a path.');
  if (type === 'SSMDocument') {
    const { name, version } = documentNameOf(path);
    const { content, format } = await run.getDocument(name, version).catch((error: Error) => {
      throw new Error(`The document ${name} could not be had. ${error.message}`);
    });
    return readDocument(content, format);
  }
  if (type !== 'LocalPath') throw new Error('documentType must be SSMDocument or LocalPath.');
  const file = isAbsolute(path) ? path : join(run.downloads, path);
  const size = (await stat(file).catch(() => undefined))?.size;
  if (size === undefined) throw new Error(`There is no document ${file}.`);
  if (size > largestFile) throw new Error(`${file} is too large for a document.`);
  const text = await readFile(file, 'utf8');
  return readDocument(text, text.trimStart().startsWith('{') ? 'JSON' : 'YAML');
}

/** The parameters that were given; those that are null count as not given. */
function readGiven(given: Json | undefined): JsonObject | undefined {
  let value: Json = given ?? {};
  if (typeof value === 'string') {
    try {
      value = value.trim() === '' ? {} : (parseJson(value) as Json);
    } catch {
      return undefined;
    }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null));
}

/** What the steps came to together: the worst status, and the first code that says something. */
export function endOf(outcomes: readonly StepOutcome[]): ActionEnd {
  const status = documentStatus(outcomes.map((outcome) => outcome.status)) as 'Success' | 'Failed';
  const code = outcomes.find((outcome) => outcome.status === status && outcome.code !== 0)?.code ?? 0;
  return { status, code: status === 'Success' ? 0 : code || 1 };
}
