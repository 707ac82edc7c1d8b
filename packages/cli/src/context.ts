/**
 * Which server a verb speaks to, and with whose keys: a data folder on this machine, or the variables of a
 * shell that was pointed at a server.
 */
import { readFileSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Failure } from './failure.ts';
import type { Environment, Io } from './io.ts';
import { isOurUrl } from './url.ts';

/** The file that a running server leaves in its data folder, readable by its owner only. */
export const connectionFileName = 'connection.json';

/** What `connection.json` holds. */
export interface ConnectionFile {
  readonly url: string;
  readonly region: string;
  readonly account: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** The CA's certificate, absolute. */
  readonly caFile: string;
  /** SHA-256 of the CA's certificate. */
  readonly caFingerprint: string;
}

/** A server and the right to speak to it. */
export interface Connection {
  readonly url: string;
  readonly region: string;
  readonly account?: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** A PEM file with the authorities to trust, besides those that Node brings. */
  readonly caFile?: string;
  /** The data folder, absolute, when that is where this was found. */
  readonly data?: string;
}

/** Set by `rollcall env` to the data folder: the shell that has it belongs to that server. */
export const shellMarker = 'ROLLCALL_ENV';

/** Finds the server, or says in one sentence how to name one. */
export function findConnection(io: Io, options: { data?: string | undefined } = {}): Connection {
  const explicit = options.data ?? (io.env.ROLLCALL_DATA || undefined);
  if (explicit !== undefined) return connectionIn(resolveFolder(explicit, io), 'named');
  const marked = io.env[shellMarker];
  if (marked && io.env.AWS_ENDPOINT_URL) return connectionFromShell(io.env) ?? connectionIn(marked, 'named');
  for (const folder of new Set([path.join(io.cwd, 'rollcall-data'), defaultData(io)]))
    if (exists(path.join(folder, connectionFileName))) return connectionIn(folder, 'found');
  const shell = connectionFromShell(io.env);
  if (shell) return shell;
  throw new Failure(
    'No server found: there is no ./rollcall-data here or beside the launcher. Start one (npm start), or name its data folder: --data DIR, or ROLLCALL_DATA.',
  );
}

/** The data folder when nobody names one: in the repository, wherever the command is called from. */
export function defaultData(io: Io): string {
  return path.join(io.root, 'rollcall-data');
}

/** An absolute path for a folder that a person typed. */
export function resolveFolder(typed: string, io: Io): string {
  const home = /^~(?=\/|$)/.test(typed) ? typed.replace(/^~/, os.homedir()) : typed;
  return path.resolve(io.cwd, home);
}

/** Reads a data folder's connection file; a verb that needs the folder itself calls this. */
export function connectionIn(folder: string, how: 'named' | 'found'): Connection & { data: string } {
  const file = path.join(folder, connectionFileName);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EACCES')
      throw new Failure(`You may not read ${file}: only who runs the server may. Be that user, or use sudo.`);
    if (code === 'ENOENT' && how === 'named')
      throw new Failure(
        `${folder} holds no connection.json: no server has started there yet. Start it: rollcall up --data ${folder}`,
      );
    throw new Failure(`${file} can't be read: ${(error as Error).message}`);
  }
  const read = readConnection(text);
  if (!read)
    throw new Failure(`${file} isn't what a server writes. Start the server again, it writes it anew.`);
  return { ...read, data: folder };
}

function readConnection(text: string): Connection | undefined {
  let value: Partial<ConnectionFile> | null;
  try {
    value = JSON.parse(text) as Partial<ConnectionFile> | null;
  } catch {
    return undefined;
  }
  const { url, region, account, accessKeyId, secretAccessKey, caFile } = value ?? {};
  const strings = [url, region, accessKeyId, secretAccessKey].every(
    (entry) => typeof entry === 'string' && entry !== '',
  );
  if (!strings || !isOurUrl(url as string)) return undefined;
  return {
    url: url as string,
    region: region as string,
    accessKeyId: accessKeyId as string,
    secretAccessKey: secretAccessKey as string,
    ...(typeof account === 'string' && { account }),
    ...(typeof caFile === 'string' && { caFile }),
  };
}

function connectionFromShell(env: Environment): Connection | undefined {
  const url = env.AWS_ENDPOINT_URL;
  const accessKeyId = env.AWS_ACCESS_KEY_ID;
  const secretAccessKey = env.AWS_SECRET_ACCESS_KEY;
  if (!url || !accessKeyId || !secretAccessKey) return undefined;
  if (!isOurUrl(url))
    throw new Failure(
      `AWS_ENDPOINT_URL is "${url}": rollcall needs https://HOST:PORT. Or name a data folder: --data DIR`,
    );
  return {
    url,
    accessKeyId,
    secretAccessKey,
    region: env.AWS_REGION || env.AWS_DEFAULT_REGION || 'us-east-1',
    ...(env.AWS_SESSION_TOKEN && { sessionToken: env.AWS_SESSION_TOKEN }),
    ...(env.AWS_CA_BUNDLE && { caFile: env.AWS_CA_BUNDLE }),
  };
}

function exists(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined;
}
