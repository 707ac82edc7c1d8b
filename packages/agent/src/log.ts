/** One line of JSON for each thing worth telling. A logging library costs more memory than it is worth here. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Tells something: a sentence, and what it is about. Never given keys, tokens or codes. */
export type Log = (level: LogLevel, message: string, about?: Readonly<Record<string, unknown>>) => void;

const weight: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Opens a log that hands each line of at least this level to `write`. */
export function openLog(level: LogLevel, write: (line: string) => void, now: () => number = Date.now): Log {
  return (of, message, about) => {
    if (weight[of] < weight[level]) return;
    write(`${JSON.stringify({ time: new Date(now()).toISOString(), level: of, message, ...about })}\n`);
  };
}

/** Tells nobody. */
export const silentLog: Log = () => {};
