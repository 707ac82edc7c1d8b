/** How a verb asks the server: finds it, opens a client, and closes it again. */
import { type Client, openClient } from './client.ts';
import { findConnection } from './context.ts';
import { Failure } from './failure.ts';
import type { Io } from './io.ts';
import type { SharedOptions } from './options.ts';
import { plainJson } from './output/plain.ts';
import { type Screen, screenOf } from './output/screen.ts';
import { timeNames, withUtcTimes } from './wire.ts';

/** What an asking verb works with. */
export interface Asking {
  readonly client: Client;
  readonly screen: Screen;
  /** The region that is asked about. */
  readonly region: string;
  /** Prints lines. */
  print(...lines: readonly string[]): void;
  /** Prints a whole answer as JSON: the members that are times as UTC text. */
  printJson(value: unknown): void;
}

/** Runs `use` with a client for the server that the options and the surroundings name. */
export async function ask(
  io: Io,
  options: SharedOptions,
  use: (asking: Asking) => Promise<void>,
): Promise<void> {
  const connection = findConnection(io, options);
  const client = openClient(options.region ? { ...connection, region: options.region } : connection, io.now);
  try {
    await use({
      client,
      screen: screenOf(io),
      region: client.connection.region,
      print: (...lines) => io.stdout.write(`${lines.join('\n')}\n`),
      printJson: (value) => io.stdout.write(`${plainJson(withUtcTimes(value, timeNames))}\n`),
    });
  } finally {
    client.close();
  }
}

/** Reads a positive whole number that a person typed. */
export function readCount(text: string, option: string, most = 1_000_000): number {
  if (!/^\d{1,7}$/.test(text) || Number(text) < 1 || Number(text) > most)
    throw new Failure(`${option} is "${text}"; it must be a number from 1 to ${most}.`);
  return Number(text);
}
