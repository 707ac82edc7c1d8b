/**
 * What can be wrong with a store, each as a type of its own with one sentence that says what to do. A
 * command prints the message as it is and exits 2; nothing here ever holds a password.
 */

/** Any trouble with the store that isn't a bug. */
export class StoreError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The database was written by a newer program; nothing was changed. */
export class DatabaseNewer extends StoreError {
  /** The newest migration that the database has. */
  readonly found: number;
  /** The newest migration that this program knows. */
  readonly known: number;

  constructor(found: number, known: number) {
    super(
      `The database is newer than this program: it has migration ${found}, this program knows ${known}. Start the newer Rollcall, or restore a backup that was made before the upgrade.`,
    );
    this.found = found;
    this.known = known;
  }
}

/** Another server works on the same folder. */
export class StoreInUse extends StoreError {
  readonly directory: string;
  /** The other server's process id, when it could be read. */
  readonly pid: number | undefined;

  constructor(directory: string, pid: number | undefined) {
    const holder = pid === undefined ? 'another program' : `the server with process id ${pid}`;
    super(
      `The folder ${directory} is in use by ${holder}. Stop that one, or give this one a folder of its own.`,
    );
    this.directory = directory;
    this.pid = pid;
  }
}

/** The folder can't be made, read or written. */
export class FolderUnusable extends StoreError {
  readonly directory: string;

  constructor(directory: string, cause: unknown) {
    super(
      `The folder ${directory} can't be used (${reasonOf(cause)}). Choose another folder, or make it writable for this user.`,
      { cause },
    );
    this.directory = directory;
  }
}

/** The file is there but isn't a database of this program, or is damaged. */
export class DatabaseUnusable extends StoreError {}

/** The store can't be reached at the moment, or has just been lost. Try again later. */
export class StoreUnavailable extends StoreError {
  /** `unchanged`: the work left no trace. `unknown`: the connection broke while the commit was under way. */
  readonly outcome: 'unchanged' | 'unknown';

  constructor(message: string, options: ErrorOptions & { outcome?: 'unchanged' | 'unknown' } = {}) {
    super(message, options);
    this.outcome = options.outcome ?? 'unchanged';
  }
}

/** More work waits than the store takes; the caller should slow down and try again. */
export class StoreBusy extends StoreUnavailable {}

/** The store was closed. */
export class StoreClosed extends StoreUnavailable {
  constructor() {
    super('The store is closed, because the server is stopping. Try again when it is back.');
  }
}

/** The database server refused the name or the password. */
export class AccessToDatabaseRefused extends StoreError {}

/** The address of the database can't be read, or names something that isn't there. */
export class DatabaseAddressWrong extends StoreError {}

/** A unit of work broke the rules of the store: a bug in the caller. */
export class StoreMisused extends Error {
  override readonly name = 'StoreMisused';
}

/** A backup can't be made, read or restored as asked. */
export class BackupRefused extends StoreError {}

/** True when a work failed because a row with the same key was there already. */
export function isDuplicate(error: unknown): boolean {
  const { errcode, code } = (error ?? {}) as { errcode?: number; code?: string };
  return errcode === 1555 || errcode === 2067 || code === '23505';
}

/** The shortest honest reason that an error of the system or of a driver gives. */
export function reasonOf(error: unknown): string {
  const { code, errstr, message } = (error ?? {}) as { code?: string; errstr?: string; message?: string };
  const known: Record<string, string> = {
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    EROFS: 'the file system is read-only',
    ENOSPC: 'the disk is full',
    ENOTDIR: 'a part of the path is a file',
    EEXIST: 'there is a file of that name',
    ENOENT: 'a part of the path does not exist',
    ECONNREFUSED: 'nothing listens there',
    ENOTFOUND: 'the name does not resolve',
    EAI_AGAIN: 'the name does not resolve at the moment',
    ETIMEDOUT: 'no answer in time',
    EHOSTUNREACH: 'no route to it',
    ENETUNREACH: 'no route to it',
  };
  return (code && known[code]) || errstr || message || String(error);
}
