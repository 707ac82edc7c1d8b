/** Numbers with their nouns. */

/** `1 node`, `2 nodes`, `15,000 nodes`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}
