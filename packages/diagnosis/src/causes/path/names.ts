/** Names: the first step of the way. */
import { observe, serves } from '../../facts/index.ts';
import { type Cause, excluded, likely, proven, unknown } from '../cause.ts';
import { addressesOf, byFault, place } from './fault.ts';

const oneMissing: Cause = {
  id: 'vpce-missing-one-of-three',
  gate: 'path',
  solution: 3,
  breaks: 'listed',
  whileThrough: 'likely',
  near: ['dns-fails', 'tcp-timeout', 'proxy-blocks-host'],
  decide(facts) {
    const { path } = facts;
    if (!path) return unknown;
    if (!path.partly || !path.fault) return path.works || path.fault ? excluded : unknown;
    if (!['name', 'route', 'tcp'].includes(path.fault.layer)) return excluded;
    const well = path.needed.filter((one) => !path.faults.some(({ endpoint }) => endpoint === one));
    const { host } = place(path.fault);
    return proven(
      [
        observe('node', path.fault.endpoint.url, path.fault.layer, path.fault.error, facts.node?.at),
        ...well.slice(0, 2).map((one) => observe('node', one.url, 'http', 'ok', facts.node?.at)),
      ],
      { host, service: path.fault.endpoint.service, well: well.map((one) => one.service).join(', ') },
    );
  },
  en: {
    name: 'one of the endpoints is missing',
    because:
      'one of the endpoints that its agent needs is not reached: {host} ({service}); others are ({well})',
    explain:
      'Give {host} the same name, address and permission as the others: a DNS entry, a VPC endpoint, a line of the firewall.',
    about:
      "The agent needs several endpoints. Some are reached from the machine and at least one isn't. From agent 3.3.40 on, ec2messages is not needed where ssmmessages works.",
  },
  ja: {
    name: 'エンドポイントの 1 つに届かない',
    because: 'エージェントに必要なエンドポイントのうち {host}（{service}）に届かない（{well} には届く）',
    explain:
      '{host} にもほかと同じ DNS、アドレス、通信許可（VPC エンドポイントやファイアウォールの設定）を用意してください。',
    about:
      'エージェントには複数のエンドポイントが必要で、マシンから一部には届き、少なくとも 1 つには届きません。エージェント 3.3.40 以降では、ssmmessages が使えれば ec2messages は不要です。',
  },
};

const wrongAnswer: Cause = {
  id: 'dns-wrong-answer',
  gate: 'path',
  solution: 3,
  breaks: 'listed',
  whileThrough: 'likely',
  near: ['dns-fails', 'wrong-host-answers', 'tcp-timeout'],
  decide(facts) {
    const { path, node, fleet } = facts;
    if (!path) return unknown;
    const { fault } = path;
    if (!fault) return path.works ? excluded : unknown;
    if (fault.layer === 'name' || fault.layer === 'proxy' || fault.layer === 'websocket') return excluded;
    const { host } = place(fault);
    const used = addressesOf(fault);
    const direct = fault.endpoint.name?.direct;
    const line = (node?.network?.hostsEntries ?? []).find((one) =>
      one.toLowerCase().split(/\s+/).includes(host),
    );
    const differs = direct !== undefined && direct.length > 0 && !direct.some((one) => used.includes(one));
    const known = (fleet?.certificate?.names ?? []).filter((name) => /^[\d.]+$|:/.test(name));
    const isOurs = known.length > 0 && used.length > 0 && used.some((one) => known.includes(one));
    if (isOurs) return excluded;
    const seen = [
      observe('node', 'getaddrinfo', 'answer', used.join(' ') || '?', node?.at),
      ...(direct ? [observe('node', 'resolver', 'direct-answer', direct.join(' ') || '-', node?.at)] : []),
      ...(line ? [observe('node', '/etc/hosts', 'line', line, node?.at)] : []),
      observe('node', fault.endpoint.url, fault.layer, fault.error, node?.at),
    ];
    const parameters = { host, address: used[0] ?? '?' };
    if (line && differs) return proven(seen, parameters);
    // The line alone may be right, and the server away: only whoever knows its addresses can say otherwise.
    if (line) return known.length > 0 ? likely('by-elimination', seen, parameters) : unknown;
    return differs ? likely('two-answers', seen, parameters) : unknown;
  },
  en: {
    name: 'name leads to a wrong address',
    because: 'the name {host} leads to {address} on it, where the service is not',
    explain: 'Remove the stale line in /etc/hosts, or correct the zone that answers with that address.',
    about:
      "The name is resolved, but differently from what the resolver itself says, or by a line in /etc/hosts, and the service isn't reached at that address.",
  },
  ja: {
    name: '名前解決の誤り',
    because: '名前 {host} がサービスのないアドレス {address} に解決される',
    explain: '/etc/hosts の古い行を消すか、このアドレスを返すゾーンを直してください。',
    about:
      '名前は解決できますが、リゾルバーの答えと異なるか /etc/hosts の行によるもので、そのアドレスではサービスに届きません。',
  },
};

const resolverDiffers: Cause = {
  id: 'go-resolver-differs',
  gate: 'path',
  solution: 3,
  breaks: 'listed',
  whileThrough: 'excluded',
  near: ['dns-fails', 'dns-wrong-answer'],
  decide(facts) {
    const { agent, node, path } = facts;
    if (!node || !path) return unknown;
    // Node asks the system; the official agent is a static Go program with a resolver of its own.
    if (agent?.kind !== 'official') return excluded;
    const control = path.needed.find((one) => serves(one, 'ssm')) ?? path.needed[0];
    const name = control?.name;
    if (!name) return unknown;
    if (!name.ok || name.direct === undefined) return name.ok ? unknown : excluded;
    if (name.direct.length > 0) return excluded;
    const host = control.url;
    const inHosts = (node.network?.hostsEntries ?? []).length > 0;
    if (inHosts) return excluded;
    return proven(
      [
        observe('node', 'getaddrinfo', 'answer', name.addresses.join(' '), node.at),
        observe('node', name.resolver ?? 'resolver', 'direct-answer', '-', node.at),
        ...(node.network?.nameSources
          ? [observe('node', '/etc/nsswitch.conf', 'hosts', node.network.nameSources.join(' '), node.at)]
          : []),
      ],
      { host },
    );
  },
  en: {
    name: 'agent resolves names differently',
    because:
      'the name is known on it only to sources that the agent does not ask (mDNS, systemd-resolved, myhostname)',
    explain: 'Give the name an entry in real DNS or in /etc/hosts: the official agent reads only these.',
    about:
      "The system's resolver answers, a direct query doesn't. The official agent, a static Go program, asks only /etc/hosts and DNS: names in .local are such.",
  },
  ja: {
    name: 'エージェントと OS の名前解決の違い',
    because: '名前が、エージェントの参照しない情報源（mDNS、systemd-resolved、myhostname）でしか解決できない',
    explain:
      '正式な DNS か /etc/hosts にこの名前を登録してください。公式エージェントはこの 2 つしか見ません。',
    about:
      'OS の名前解決では答えが出ますが、DNS に直接尋ねると出ません。公式エージェントは静的な Go プログラムで、/etc/hosts と DNS しか参照しません（.local の名前など）。',
  },
};

const dnsFails: Cause = {
  id: 'dns-fails',
  gate: 'path',
  solution: 3,
  breaks: 'listed',
  whileThrough: 'likely',
  near: ['no-default-route', 'dns-wrong-answer', 'proxy-not-configured-for-service', 'tcp-timeout'],
  decide: (facts) =>
    byFault(
      facts,
      ({ layer }) => layer === 'name',
      (fault, seen) => {
        const resolvers = facts.node?.network?.resolvers;
        // One resolver is dead and another answers: that takes longer than whoever looked had time, and no more.
        const isSlow = fault.error === 'timeout' && (fault.endpoint.name?.direct ?? []).length > 0;
        if (isSlow && facts.through) return excluded;
        if (isSlow)
          return likely('by-elimination', seen, {
            host: place(fault).host,
            error: fault.error,
            resolver: resolvers?.join(', ') ?? '?',
          });
        const routeless =
          facts.node?.network && !facts.node.network.defaultRoute4 && !facts.node.network.defaultRoute6;
        // Without a way out no resolver answers: then the name isn't what is broken.
        if (routeless && !(resolvers ?? []).some((one) => /^127\./.test(one))) return unknown;
        return proven(
          [
            ...seen,
            observe('node', '/etc/resolv.conf', 'resolvers', resolvers?.join(' ') || 'none', facts.node?.at),
          ],
          {
            host: place(fault).host,
            error: fault.error,
            resolver: fault.endpoint.name?.resolver ?? resolvers?.join(', ') ?? '?',
          },
        );
      },
    ),
  en: {
    name: 'name is not resolved',
    because: 'the name {host} is not resolved on it ({error}, resolver {resolver})',
    explain:
      'Repair the resolver (/etc/resolv.conf, the DNS server, the settings of the network), or give the name an entry there.',
    about: 'The resolver gives no address for the name of the service: unknown there, or no answer at all.',
  },
  ja: {
    name: '名前解決の失敗',
    because: '名前 {host} を解決できない（{error}、リゾルバー {resolver}）',
    explain:
      'リゾルバー（/etc/resolv.conf、DNS サーバー、ネットワーク設定）を直すか、この名前を登録してください。',
    about:
      'リゾルバーからサービスの名前のアドレスが得られません。名前が登録されていないか、応答がありません。',
  },
};

export const names: readonly Cause[] = [wrongAnswer, resolverDiffers, dnsFails];
export const endpoints: readonly Cause[] = [oneMissing];
