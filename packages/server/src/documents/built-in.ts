/** The documents that every installation has, as if they were stored: one version each, owned by Amazon. */
import { builtInDocuments, documentHash } from '@rollcall/documents';
import type { VersionHead } from './queries.ts';

/** When their contents were written. */
const createdAt = Date.UTC(2026, 10, 25);

/** One of them. What costs something is made when somebody asks for it first. */
export class BuiltIn {
  readonly name: string;
  readonly #content: object;
  #text: string | undefined;
  #hash: string | undefined;

  constructor(name: string, content: object) {
    this.name = name;
    this.#content = content;
  }

  get text(): string {
    this.#text ??= JSON.stringify(this.#content, null, 2);
    return this.#text;
  }

  get hash(): string {
    this.#hash ??= documentHash(this.text);
    return this.#hash;
  }

  /** Its version, as a row. */
  head(platformTypes: readonly string[], schemaVersion: string): VersionHead {
    return {
      name: this.name,
      version: 1,
      version_name: null,
      created_at: createdAt,
      created_by: 'Amazon',
      format: 'JSON',
      schema_version: schemaVersion,
      hash: this.hash,
      display_name: null,
      target_type: null,
      platform_types: JSON.stringify(platformTypes),
      default_version: 1,
      latest_version: 1,
    };
  }
}

/** All of them, by name in order. */
export const builtIns: ReadonlyMap<string, BuiltIn> = new Map(
  builtInDocuments.map(({ name, content }) => [name, new BuiltIn(name, content)]),
);

/** Whether every installation has a document of this name. */
export function isBuiltIn(name: string): boolean {
  return builtIns.has(name);
}
