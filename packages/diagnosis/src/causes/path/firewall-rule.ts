/**
 * Whether a rule of a firewall could have stopped a connection. Read from the rule's own text, iptables' or the
 * JSON of nft; what can't be read could be anything.
 */

/** False only where the rule is certainly about something else: another protocol, port or address. */
export function couldStop(rule: string, port: string, addresses: readonly string[]): boolean {
  if (/ -p (udp|icmp\w*|sctp)\b|"protocol": ?"(udp|icmp\w*|sctp)"/.test(rule)) return false;
  const ports = portsOf(rule);
  if (ports !== undefined && !ports.some(([from, to]) => from <= Number(port) && Number(port) <= to))
    return false;
  const target = targetOf(rule);
  return target === undefined || addresses.length === 0 || addresses.some((one) => covers(target, one));
}

type Range = readonly [from: number, to: number];

/** The ports that it is about; undefined: all, or it can't be read. */
function portsOf(rule: string): readonly Range[] | undefined {
  const plain = / (!)? ?--dports? ([\d:,]+)/.exec(rule);
  if (plain) return plain[1] ? undefined : plain[2]!.split(',').map((one) => rangeOf(one.split(':')));
  const match =
    /"op": ?"==", ?"left": ?\{"payload": ?\{[^}]*"field": ?"dport"[^}]*\}\}, ?"right": ?(\d+|\{.*?\]\}?\]?\})/.exec(
      rule,
    )?.[1];
  if (match === undefined) return undefined;
  if (/^\d+$/.test(match)) return [rangeOf([match])];
  const ranges = [...match.matchAll(/"range": ?\[(\d+), ?(\d+)\]/g)].map((one) =>
    rangeOf([one[1]!, one[2]!]),
  );
  const single = match.replace(/"range": ?\[\d+, ?\d+\]/g, '').matchAll(/\d+/g);
  return [...ranges, ...[...single].map((one) => rangeOf([one[0]]))];
}

function rangeOf([from = '0', to = from]: readonly string[]): Range {
  return [Number(from), Number(to)];
}

interface Target {
  readonly address: string;
  readonly bits: number | undefined;
}

/** The address that it is about; undefined: all, several, or it can't be read. */
function targetOf(rule: string): Target | undefined {
  const plain = /(! )?-d ([0-9a-f.:]+)(?:\/(\d+))?(?= )/.exec(rule);
  if (plain)
    return plain[1] ? undefined : { address: plain[2]!, bits: plain[3] ? Number(plain[3]) : undefined };
  const json =
    /"op": ?"==", ?"left": ?\{"payload": ?\{[^}]*"field": ?"daddr"[^}]*\}\}, ?"right": ?(?:"([0-9a-f.:]+)"|\{"prefix": ?\{"addr": ?"([0-9a-f.:]+)", ?"len": ?(\d+)\}\})/.exec(
      rule,
    );
  if (!json) return undefined;
  return { address: json[1] ?? json[2]!, bits: json[3] ? Number(json[3]) : undefined };
}

/** Whether the address lies in it; an IPv6 network is compared only as a whole address. */
function covers({ address, bits }: Target, one: string): boolean {
  if (bits === undefined || address.includes(':') || one.includes(':'))
    return bits === undefined || bits === 128 || bits === 32
      ? address === one
      : address.includes(':') === one.includes(':');
  const number = (text: string) => text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - bits);
  return Math.floor(number(address) / size) === Math.floor(number(one) / size);
}
