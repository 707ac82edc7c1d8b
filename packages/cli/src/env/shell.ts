/** Lines that a shell evaluates: quoting that holds against any value, for sh, bash, zsh and for fish. */

/** The dialects we can write. */
export type Shell = 'sh' | 'fish';

/** A change to one variable; `undefined` unsets it. */
export interface Change {
  readonly name: string;
  readonly value: string | undefined;
}

/** Names that a shell can set. What isn't one can't be unset either, and no program looks it up. */
export function isVariableName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}

/** Quotes `value` so that the shell reads exactly it. */
export function quote(value: string, shell: Shell): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(value)) return value;
  if (shell === 'fish') return `'${value.replace(/[\\']/g, '\\$&')}'`;
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

/** One line for one change. Each ends with a semicolon, so that an unquoted `eval $(…)` works as well. */
export function line(change: Change, shell: Shell): string {
  if (change.value === undefined)
    return shell === 'fish' ? `set -e ${change.name};` : `unset ${change.name};`;
  const value = quote(change.value, shell);
  return shell === 'fish' ? `set -gx ${change.name} ${value};` : `export ${change.name}=${value};`;
}
