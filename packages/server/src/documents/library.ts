/** Finding a document by name and version, as those who use documents need it: read, and only once. */
import {
  type CommandDocument,
  documentFrom,
  type PlatformType,
  platformTypesOf,
  problemsText,
} from '@rollcall/documents';
import { Refusal } from '../service/index.ts';
import type { ReadTx } from '../store/index.ts';
import { builtIns } from './built-in.ts';
import { nameHere } from './names.ts';
import { contentOf, documentExists, findVersion, type VersionHead, type Wanted } from './queries.ts';

/** A version of a document, ready to be used. */
export interface FoundDocument {
  readonly name: string;
  /** Its number, as text. */
  readonly version: string;
  /** SHA-256 of its text, hexadecimal. */
  readonly hash: string;
  readonly platformTypes: readonly PlatformType[];
  readonly document: CommandDocument;
}

/** So many documents are kept read; those that were used longest ago go first. */
const mostRead = 300;

/** The documents of an installation. */
export class Library {
  readonly #account: string;
  readonly #read = new Map<string, CommandDocument>();

  constructor(account: string) {
    this.#account = account;
  }

  /** The name that a name or an ARN stands for. Refuses ARNs of other regions and accounts. */
  nameOf(region: string, nameOrArn: string): string {
    const name = nameHere(region, this.#account, nameOrArn);
    if (name === undefined) throw noDocument(nameOrArn);
    return name;
  }

  /** What is known of a version. Refuses what isn't there. */
  async head(tx: ReadTx, region: string, name: string, wanted: Wanted): Promise<VersionHead> {
    const builtIn = builtIns.get(name);
    if (builtIn) {
      const isFirst =
        typeof wanted === 'string' || ('version' in wanted && wanted.version === 1 && !wanted.versionName);
      if (!isFirst) throw noVersion(name, wanted);
      const document = this.#keep(builtIn.hash, () => builtIn.text);
      return builtIn.head(platformTypesOf(document), document.schemaVersion);
    }
    const head = await findVersion(tx, region, name, wanted);
    if (head) return head;
    throw (await documentExists(tx, region, name)) ? noVersion(name, wanted) : noDocument(name);
  }

  /** The document of a version, from memory when it can be. */
  async document(tx: ReadTx, region: string, head: VersionHead): Promise<CommandDocument> {
    const builtIn = builtIns.get(head.name);
    if (builtIn) return this.#keep(builtIn.hash, () => builtIn.text);
    const key = `${head.format} ${head.hash}`;
    const known = this.#read.get(key);
    if (known) return this.#keep(key, () => '');
    const row = await contentOf(tx, region, head.name, head.version);
    if (!row) throw noDocument(head.name);
    return this.#keep(key, () => row.content);
  }

  /** Finds a version of a document by name or ARN: its default version unless one is asked for. */
  async find(tx: ReadTx, region: string, nameOrArn: string, version?: string): Promise<FoundDocument> {
    const name = this.nameOf(region, nameOrArn);
    const head = await this.head(tx, region, name, wantedVersion(name, version));
    return {
      name,
      version: String(head.version),
      hash: head.hash,
      platformTypes: JSON.parse(head.platform_types),
      document: await this.document(tx, region, head),
    };
  }

  #keep(key: string, content: () => string): CommandDocument {
    const known = this.#read.get(key);
    const document = known ?? readStored(content());
    // Moved to the end: the first ones are those that were used longest ago.
    this.#read.delete(key);
    this.#read.set(key, document);
    if (this.#read.size > mostRead) this.#read.delete(this.#read.keys().next().value!);
    return document;
  }
}

/** What is stored was read before; a later release could only be stricter by mistake. */
function readStored(content: string): CommandDocument {
  const read = documentFrom(JSON.parse(content));
  if (read.ok) return read.value;
  throw new Refusal('InvalidDocument', `The stored document can't be used: ${problemsText(read.problems)}`);
}

/** Which version the caller means. Checks that the two ways of naming one aren't something else altogether. */
export function wantedVersion(name: string, version: string | undefined, versionName?: string): Wanted {
  if (version === undefined && versionName !== undefined) return { versionName };
  if (version === undefined || version === '' || version === '$DEFAULT') {
    if (version !== undefined && versionName !== undefined) throw noVersion(name, { versionName });
    return 'default';
  }
  if (version === '$LATEST') {
    if (versionName !== undefined) throw noVersion(name, { versionName });
    return 'latest';
  }
  const number = Number(version);
  if (!/^[1-9]\d{0,8}$/.test(version)) throw noVersion(name, version);
  return { version: number, ...(versionName !== undefined && { versionName }) };
}

/** There is no such document. */
export function noDocument(name: string): Refusal {
  return new Refusal('InvalidDocument', `Document with name ${name} does not exist.`);
}

/** There is no such version. */
export function noVersion(name: string, wanted: Wanted | string): Refusal {
  const version =
    typeof wanted === 'string'
      ? wanted
      : [
          'version' in wanted ? wanted.version : [],
          wanted.versionName === undefined ? [] : `named ${wanted.versionName}`,
        ]
          .flat()
          .join(' ');
  return new Refusal('InvalidDocumentVersion', `Document ${name} has no version ${version}.`);
}
