/** What PostgreSQL's errors mean for the store, and the sentences that people read. */
import pg from 'pg';
import {
  AccessToDatabaseRefused,
  DatabaseAddressWrong,
  reasonOf,
  StoreBusy,
  StoreError,
  StoreUnavailable,
} from '../errors.ts';

/** The server's own error code (SQLSTATE), when the error is the server's. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

/** True when another transaction was in the way and the same work may well succeed if run again. */
export function isConflict(error: unknown): boolean {
  const code = codeOf(error);
  return code === '40001' || code === '40P01';
}

/** True when an error of a connection means that it is gone, or about to be. */
export function isLoss(error: unknown): boolean {
  const code = codeOf(error);
  // 08: connection trouble. 57P: the server stops or ended this session. 25P03: the session idled too long.
  if (code !== undefined) return code.startsWith('08') || code.startsWith('57P') || code === '25P03';
  const { code: system, message } = (error ?? {}) as { code?: string; message?: string };
  return (
    ['ECONNRESET', 'EPIPE', 'ECONNREFUSED', 'ETIMEDOUT', 'ENOENT'].includes(system ?? '') ||
    /^(Connection terminated|Client (has encountered|was closed)|Query read timeout)/.test(message ?? '')
  );
}

/** What callers see when a group broke with its connection, or other servers kept getting in its way. */
export function explainGroup(error: unknown, during: 'work' | 'commit', address: string): Error {
  if (error instanceof StoreError) return error;
  if (isConflict(error)) {
    return new StoreBusy('Other changes kept getting in the way of this one. Try again in a moment.', {
      cause: error,
    });
  }
  if (!isLoss(error)) return error as Error;
  if (during === 'work') return lost(error, address);
  return new StoreUnavailable(
    `The connection to the database at ${address} broke while changes were being committed (${reasonOf(error)}). They may or may not have been made.`,
    { cause: error, outcome: 'unknown' },
  );
}

/** What readers see when the connection broke. */
export function lost(error: unknown, address: string): StoreUnavailable {
  return new StoreUnavailable(
    `The connection to the database at ${address} broke (${reasonOf(error)}); nothing was changed.`,
    { cause: error },
  );
}

/** Why no connection could be made, as a typed error with one sentence that says what to do. */
export function explainConnect(error: unknown, address: string): StoreError {
  if (error instanceof StoreError) return error;
  const options = { cause: error };
  switch (codeOf(error)) {
    case '28P01':
    case '28000':
      return new AccessToDatabaseRefused(
        `The database at ${address} refused the user name or the password. Check both in the address of the store.`,
        options,
      );
    case '42501':
      return new AccessToDatabaseRefused(
        `The user may not make tables in the database at ${address}. Grant CREATE on its schema, or make the user its owner.`,
        options,
      );
    case '3D000':
      return new DatabaseAddressWrong(
        `There is no such database at ${address}. Make it with "createdb", or correct its name in the address of the store.`,
        options,
      );
  }
  const { message } = error as Error;
  if (/password must be a string|no password/i.test(message)) {
    return new AccessToDatabaseRefused(
      `The database at ${address} asks for a password. Put one into the address: postgres://USER:PASSWORD@HOST/DATABASE.`,
      options,
    );
  }
  const reason = /timeout/i.test(message) ? 'no answer in time' : reasonOf(firstOf(error));
  return new StoreUnavailable(
    `The database at ${address} can't be reached (${reason}). Check that it runs and that the address is right.`,
    options,
  );
}

/** Node gathers the errors of all addresses of a name; the first tells enough. */
function firstOf(error: unknown): unknown {
  return error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
}
