/** The server's folder, as the SQLite store needs it: made for this user only, the database under its one name. */
import { mkdirSync, statSync } from 'node:fs';
import { FolderUnusable } from '../errors.ts';

/** The database's file name within the server's folder. */
export const databaseFile = 'rollcall.db';

/** Makes the folder, for this user only, when it isn't there. */
export function makeFolder(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (!statSync(directory).isDirectory()) throw new Error('it is a file');
  } catch (error) {
    throw new FolderUnusable(directory, error);
  }
}
