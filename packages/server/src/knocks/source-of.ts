/** Which line of the books an address folds into: an IPv4 address itself, the /64 of an IPv6 address. */

/** Folds an address; what isn't one (a socket that is gone) is `unknown`. */
export function sourceOf(address: string): string {
  if (address.length === 0 || address.length > 60) return 'unknown';
  if (!address.includes(':')) return /^[0-9.]+$/.test(address) ? `${address}/32` : 'unknown';
  const zone = address.indexOf('%');
  const bare = (zone < 0 ? address : address.slice(0, zone)).toLowerCase();
  if (!/^[0-9a-f:.]+$/.test(bare)) return 'unknown';
  const mapped = /^::ffff:([0-9.]+)$/.exec(bare);
  if (mapped) return `${mapped[1]}/32`;
  const [head = '', tail] = bare.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  // Dotted quads at the end stand for two groups.
  const length = left.length + right.length + (bare.includes('.') ? 1 : 0);
  const groups =
    tail === undefined ? left : [...left, ...Array<string>(Math.max(0, 8 - length)).fill('0'), ...right];
  const prefix = [0, 1, 2, 3].map((index) => (groups[index] ?? '0').replace(/^0+(?=.)/, ''));
  return `${prefix.join(':')}::/64`;
}
