/** The two levels of the server's log that channels write to. */
export interface ChannelLog {
  debug(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}

/** A log that nobody reads. */
export const silentLog: ChannelLog = { debug: () => undefined, warn: () => undefined };
