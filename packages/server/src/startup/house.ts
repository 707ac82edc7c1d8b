/**
 * What has been opened and is to be closed: last first, at the end, or when a start fails half-way.
 */
import type { Logger } from 'pino';

/** A list of ends. */
export interface House {
  /** Adds an end. */
  closes(close: () => unknown): void;
  /** Makes a function that logs an error that harms nobody, with what it means. */
  onError(what: string): (error: unknown) => void;
  /** Closes everything, last first; an error in one end doesn't keep the others from theirs. */
  close(): Promise<void>;
}

/** Opens an empty house. */
export function openHouse(log: Logger): House {
  const ends: (() => unknown)[] = [];
  return {
    closes: (close) => void ends.push(close),
    onError: (what) => (error) => log.error({ err: error }, what),
    async close() {
      for (let close = ends.pop(); close; close = ends.pop()) {
        try {
          await close();
        } catch (error) {
          log.error({ err: error }, 'could not be closed');
        }
      }
    },
  };
}
