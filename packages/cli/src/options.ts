/** The options that many verbs share, so that they read the same everywhere. */
import type { Command } from 'commander';

/** What {@link dataOption} and {@link regionOption} yield. */
export interface SharedOptions {
  readonly data?: string;
  readonly region?: string;
  readonly json?: boolean;
}

/** `--data DIR`. */
export function dataOption(command: Command): Command {
  return command.option('--data <dir>', "the server's data folder (or ROLLCALL_DATA)");
}

/** `--region NAME`. */
export function regionOption(command: Command): Command {
  return command.option('--region <name>', "one of the server's regions (default: its first)");
}

/** `--json`. */
export function jsonOption(command: Command): Command {
  return command.option('--json', 'the whole answer as JSON, times in UTC');
}
