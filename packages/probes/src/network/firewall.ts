/**
 * This machine's own firewall: the rules that what an agent sends has to pass, and that could stop it. Only root
 * may see them.
 */
import type { NetworkEvidence } from '@rollcall/diagnosis';
import type { Sight } from '../machine/sight.ts';

type Firewall = NonNullable<NetworkEvidence['firewall']>;

const most = 30;

/** Reads the rules; undefined when there are none, or they can't be seen. */
export async function readFirewall(sight: Sight): Promise<Firewall | undefined> {
  if (sight.platform !== 'linux') return undefined;
  if (!sight.privileged) {
    sight.unseen('firewall', 'permission denied');
    return undefined;
  }
  const [tables, nft] = await Promise.all([
    sight.run('iptables-save', ['-t', 'filter'], 700),
    sight.run('nft', ['-j', 'list', 'ruleset'], 700),
  ]);
  if (tables === undefined && nft === undefined) sight.unseen('firewall', 'neither iptables nor nft is here');
  const fromTables = tables?.code === 0 ? parseIptables(tables.out) : undefined;
  const fromNft = nft?.code === 0 ? parseNft(nft.out) : undefined;
  // `iptables` on `nft` shows the same rules twice: the one that says more is taken.
  const candidates = [fromTables, fromNft].filter((firewall) => firewall !== undefined);
  return candidates.find(stops) ?? candidates[0];
}

function stops(firewall: Firewall): boolean {
  return (
    firewall.rules.length > 0 ||
    firewall.answersDropped !== undefined ||
    /drop|reject/i.test(firewall.outputPolicy ?? '')
  );
}

/** What `iptables-save` tells of OUTPUT and of the chains that it leads to. */
export function parseIptables(text: string): Firewall | undefined {
  const policy = /^:OUTPUT (\w+)/m.exec(text)?.[1];
  if (policy === undefined) return undefined;
  const rules = text.split('\n').filter((line) => line.startsWith('-A '));
  const chainOf = (rule: string) => rule.split(' ', 2)[1]!;
  const targetOf = (rule: string) => / (?:-j|-g) (\S+)/.exec(rule)?.[1] ?? '';
  const reached = new Set(['OUTPUT']);
  for (const chain of reached)
    for (const rule of rules)
      if (chainOf(rule) === chain && !isEnd(targetOf(rule))) reached.add(targetOf(rule));
  const stopping = rules.filter(
    (rule) => reached.has(chainOf(rule)) && /^(DROP|REJECT)$/.test(targetOf(rule)),
  );
  const accepts = rules.filter((rule) => / (?:-j|-g) (?!DROP|REJECT|LOG|RETURN)\S+/.test(rule));
  const mayAnswer = accepts.some(
    (rule) =>
      chainOf(rule) !== 'OUTPUT' &&
      chainOf(rule) !== 'FORWARD' &&
      (/ESTABLISHED/.test(rule) || !/ -i lo\b| --dports? | -p (udp|icmp\w*|ipv6-icmp)\b/.test(rule)),
  );
  const input = /^:INPUT (\w+)/m.exec(text)?.[1];
  return {
    kind: 'iptables',
    outputPolicy: policy.toLowerCase(),
    ...(input === 'DROP' && !mayAnswer ? { answersDropped: 'drop' } : {}),
    rules: stopping.slice(0, most).map((rule) => rule.slice(0, 300)),
  };
}

function isEnd(target: string): boolean {
  return /^(ACCEPT|DROP|REJECT|RETURN|LOG|NFLOG|MARK|CONNMARK|)$/.test(target);
}

interface NftChain {
  readonly key: string;
  readonly hook?: string;
  readonly policy?: string;
}

interface NftRule {
  readonly key: string;
  readonly text: string;
  readonly stops: boolean;
  readonly targets: readonly string[];
}

/** What `nft -j list ruleset` tells of chains on the way out, and of those they lead to. */
export function parseNft(json: string): Firewall | undefined {
  let items: unknown;
  try {
    items = JSON.parse(json).nftables;
  } catch {
    return undefined;
  }
  if (!Array.isArray(items)) return undefined;
  const chains: NftChain[] = [];
  const rules: NftRule[] = [];
  for (const item of items) {
    const chain = member(item, 'chain');
    const rule = member(item, 'rule');
    if (chain) {
      chains.push({
        key: [chain.family, chain.table, chain.name].join(' '),
        ...(typeof chain.hook === 'string' ? { hook: chain.hook } : {}),
        ...(typeof chain.policy === 'string' ? { policy: chain.policy } : {}),
      });
    }
    if (rule && Array.isArray(rule.expr)) {
      const place = `${rule.family} ${rule.table}`;
      const verdicts = rule.expr.map((part) => part as Record<string, unknown> | null);
      rules.push({
        key: `${place} ${rule.chain}`,
        text: `${place} ${rule.chain} ${JSON.stringify(rule.expr)}`,
        stops: verdicts.some((part) => part !== null && ('drop' in part || 'reject' in part)),
        targets: verdicts.flatMap((part) => {
          const target = member(part, 'jump')?.target ?? member(part, 'goto')?.target;
          return typeof target === 'string' ? [`${place} ${target}`] : [];
        }),
      });
    }
  }
  const out = chains.filter(({ hook }) => hook === 'output');
  const dropped = chains.some((chain) => isClosed(chain, rules));
  if (out.length === 0 && !dropped) return undefined;
  const reached = new Set(out.map(({ key }) => key));
  for (const key of reached)
    for (const rule of rules) if (rule.key === key) for (const target of rule.targets) reached.add(target);
  const drops = out.some(({ policy }) => policy === 'drop');
  return {
    kind: 'nftables',
    outputPolicy: drops ? 'drop' : 'accept',
    ...(dropped ? { answersDropped: 'drop' } : {}),
    rules: rules
      .filter((rule) => rule.stops && reached.has(rule.key))
      .slice(0, most)
      .map(({ text }) => text.slice(0, 300)),
  };
}

/** Whether a chain lets nothing in by default, and none of its rules could let in the answer to a connection. */
function isClosed(chain: NftChain, rules: readonly NftRule[]): boolean {
  if (chain.hook !== 'input' || chain.policy !== 'drop') return false;
  return rules
    .filter(({ key }) => key === chain.key)
    .every(
      ({ text, targets }) =>
        targets.length === 0 &&
        !/"established"|"vmap"/.test(text) &&
        (!/"accept"/.test(text) ||
          /"iif(name)?"\}\}, ?"right": ?"lo"|"dport"|"protocol": ?"(udp|icmp\w*)"|"l4proto"/.test(text)),
    );
}

function member(value: unknown, name: string): Record<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const found = (value as Record<string, unknown>)[name];
  return typeof found === 'object' && found !== null ? (found as Record<string, unknown>) : undefined;
}
