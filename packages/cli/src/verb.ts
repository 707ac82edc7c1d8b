/** What a verb is: a name and a summary that cost nothing, and a file that is loaded when it is called. */
import type { Command } from 'commander';
import type { Io } from './io.ts';

/**
 * Declares arguments, options and actions on a commander command that is called `rollcall NAME`. `args` are the
 * words behind the verb as they were typed: commander doesn't tell where `--` stood.
 */
export type Define = (command: Command, io: Io, args: readonly string[]) => void;

/** One line of the table of verbs. */
export interface Verb {
  readonly name: string;
  /** At most 58 columns: `rollcall --help` shows it beside the name. */
  readonly summary: string;
  /** The heading it stands under in `rollcall --help`. */
  readonly group: string;
  load(): Promise<Define>;
}
