/** The names by which documents refer to other documents. */

/** Splits `NAME`, `NAME:VERSION` or the ARN of a document, with or without a version. */
export function documentNameOf(text: string): { name: string; version: string | undefined } {
  const [, name, version] = /^((?:arn:[^/]*\/)?[^:]*)(?::(.+))?$/.exec(text) ?? [];
  return name === undefined ? { name: text, version: undefined } : { name, version };
}
