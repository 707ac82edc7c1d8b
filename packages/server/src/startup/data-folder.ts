/**
 * The data folder: made when it is missing, private to its owner, holding the one key that seals every other
 * secret, and the file by which commands on this machine find their server.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileDurably } from '../store/index.ts';
import { StartupError } from './options.ts';

/** Length of `secrets.key`, in bytes. */
const KEY_BYTES = 32;

/**
 * Makes sure that the folder exists and can be written. Answers whether it was there before.
 * Throws `StartupError`, having made nothing, when it can't.
 */
export async function prepareFolder(folder: string): Promise<{ existed: boolean }> {
  const found = await stat(folder).catch(() => undefined);
  if (found && !found.isDirectory())
    throw new StartupError(`${folder} is not a folder. Name another with --data.`);
  try {
    if (found) await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    else await makeFolder(folder);
  } catch (error) {
    const where = found ? folder : dirname(folder);
    throw new StartupError(
      `${where} can't be written (${(error as NodeJS.ErrnoException).code}). Give it to this user, or name another folder with --data.`,
      { cause: error },
    );
  }
  return { existed: found !== undefined };
}

/**
 * Makes a folder and those above it, one by one. Not with `recursive`: where the parent exists and the system
 * still answers "no such file" (as in /proc), Node 26 then tries for ever.
 */
async function makeFolder(folder: string): Promise<void> {
  const parent = dirname(folder);
  if (parent !== folder && !(await stat(parent).catch(() => undefined))) await makeFolder(parent);
  await mkdir(folder, { mode: 0o700 });
}

/** Reads `secrets.key`, or makes it. A key of the wrong length is an error: it is never replaced. */
export async function readSecretsKey(folder: string): Promise<Buffer> {
  const file = join(folder, 'secrets.key');
  try {
    const key = Buffer.from((await readFile(file, 'utf8')).trim(), 'base64');
    if (key.length !== KEY_BYTES) {
      throw new StartupError(
        `${file} is damaged. Put it back from a backup: the stored secrets can't be read without it.`,
      );
    }
    return key;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const key = randomBytes(KEY_BYTES);
  writeFileDurably(file, Buffer.from(`${key.toString('base64')}\n`), 0o600);
  return key;
}

/** How commands on this machine reach the server, and as whom. */
export interface Connection {
  readonly url: string;
  readonly region: string;
  readonly account: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** An absolute path; absent when the certificate needs no root of ours. */
  readonly caFile?: string;
  readonly caFingerprint?: string;
}

/** Reads what an earlier start left; undefined when there is none. */
export async function readConnection(folder: string): Promise<Connection | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, 'connection.json'), 'utf8')) as Connection;
  } catch {
    return undefined;
  }
}

/** Writes it, readable by the owner only. */
export async function writeConnection(folder: string, connection: Connection): Promise<void> {
  const text = `${JSON.stringify(connection, null, 2)}\n`;
  writeFileDurably(join(folder, 'connection.json'), Buffer.from(text), 0o600);
}
