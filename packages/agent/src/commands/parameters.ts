/** The values that a document is run with, from the ones that were sent. */
import {
  type CommandDocument,
  type Json,
  type JsonObject,
  type ParameterValues,
  type Read,
  readParameters,
} from '@rollcall/documents';

/** Checks values against a document's declarations, and puts the defaults in where there are none. */
export function valuesFor(document: CommandDocument, given: JsonObject): Read<ParameterValues> {
  const texts = Object.entries(given).map(([name, value]) => [name, textsOf(value)] as const);
  return readParameters(document, Object.fromEntries(texts));
}

/** A value as an operator would have typed it: a list of texts, what isn't text as JSON. */
function textsOf(value: Json): readonly string[] {
  const one = (part: Json) => (typeof part === 'string' ? part : JSON.stringify(part));
  return Array.isArray(value) ? value.map(one) : [one(value)];
}
