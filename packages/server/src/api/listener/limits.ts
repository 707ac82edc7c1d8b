/** All limits of the one port, in one place. */
import { readFileSync } from 'node:fs';

/** Limits of connections and requests; times in milliseconds. */
export interface Limits {
  /** From connecting to a complete ClientHello. */
  readonly helloTimeout: number;
  /** From the ClientHello to the end of the handshake. */
  readonly handshakeTimeout: number;
  /** For a request's head to arrive. */
  readonly headersTimeout: number;
  /** For a whole request to arrive. */
  readonly requestTimeout: number;
  /** How long an idle connection is kept: longer than agents' minute between calls. */
  readonly keepAliveTimeout: number;
  /** Bytes of a request's head. */
  readonly maxHeaderSize: number;
  readonly maxHeadersCount: number;
  /** Connections at once; more are closed as they come, and idle ones of strangers before it comes to that. */
  readonly maxConnections: number;
  /** How often stalled requests are looked for. */
  readonly checkEvery: number;
}

/** Files and database connections need descriptors as well. */
const reserved = 256;

/** The limits that hold unless a test says otherwise. */
export function defaultLimits(openFiles = openFileLimit()): Limits {
  return {
    helloTimeout: 10_000,
    handshakeTimeout: 15_000,
    headersTimeout: 15_000,
    requestTimeout: 60_000,
    keepAliveTimeout: 75_000,
    maxHeaderSize: 32_768,
    maxHeadersCount: 200,
    maxConnections: Math.max(64, openFiles - reserved),
    checkEvery: 5_000,
  };
}

/** How many files this process may hold open; Node raises it to the hard limit at start. */
export function openFileLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    if (soft !== undefined) return soft === 'unlimited' ? 1_000_000 : Number(soft);
  } catch {
    // No /proc: not Linux.
  }
  return 10_240;
}
