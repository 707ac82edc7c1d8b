/**
 * Hints are to be pasted: where a person named the data folder, each command that is hinted at names it, too.
 */
import { quote } from './env/shell.ts';

let named: string | undefined;

/** Reads which data folder the words of a command name, as they were typed. Called once for each command. */
export function rememberData(words: readonly string[]): void {
  const end = words.indexOf('--');
  const own = end < 0 ? words : words.slice(0, end);
  const at = own.lastIndexOf('--data');
  const joined = own.findLast((word) => word.startsWith('--data='));
  named = at >= 0 ? own[at + 1] : joined?.slice('--data='.length);
}

/** What follows the verb of a command that is hinted at: ` --data DIR`, or nothing. */
export function atData(): string {
  return named === undefined ? '' : ` --data ${quote(named, 'sh')}`;
}

/** The same, as words. */
export function dataWords(): readonly string[] {
  return named === undefined ? [] : ['--data', named];
}
