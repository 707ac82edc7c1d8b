/** Routes and TCP: whether anything answers at the address. */
import { type Facts, observe } from '../../facts/index.ts';
import { type Cause, excluded, likely, proven, unknown } from '../cause.ts';
import { addressesOf, byFault, place } from './fault.ts';
import { couldStop } from './firewall-rule.ts';

const innerDevice =
  /^(docker|br-|virbr|cni|flannel|cali|podman|lxc|lxdbr|veth|tun|tap|wg|tailscale|zt|vmnet)/;

const ipv6Only: Cause = {
  id: 'ipv6-only-subnet',
  gate: 'path',
  solution: 3,
  breaks: 'listed',
  whileThrough: 'excluded',
  near: ['no-default-route', 'dns-fails'],
  decide: (facts) =>
    byFault(
      facts,
      ({ layer }) => layer === 'route' || layer === 'tcp',
      (fault, seen) => {
        const network = facts.node?.network;
        const addresses = addressesOf(fault);
        if (!network || addresses.length === 0) return unknown;
        if (network.defaultRoute4 || !network.defaultRoute6 || addresses.some((one) => one.includes(':')))
          return excluded;
        return proven(
          [...seen, observe('node', 'getaddrinfo', 'answer', addresses.join(' '), facts.node?.at)],
          place(fault),
        );
      },
    ),
  en: {
    name: 'IPv6 only',
    because: 'it has IPv6 only, and {host} has IPv4 addresses only',
    explain: 'Give the name an IPv6 address (AAAA), or the network NAT64 with DNS64.',
    about:
      'The machine has a way out by IPv6 alone, and the name of the service stands for IPv4 addresses alone.',
  },
  ja: {
    name: 'IPv6 のみのネットワーク',
    because: 'マシンは IPv6 のみで、{host} は IPv4 アドレスしか持たない',
    explain: '名前に IPv6 アドレス（AAAA）を付けるか、NAT64 と DNS64 を用意してください。',
    about: 'マシンは IPv6 でしか外に出られませんが、サービスの名前は IPv4 アドレスしか持っていません。',
  },
};

const noRoute: Cause = {
  id: 'no-default-route',
  gate: 'path',
  solution: 3,
  breaks: 'listed',
  whileThrough: 'excluded',
  near: ['dns-fails', 'host-firewall', 'tcp-timeout'],
  decide: (facts) =>
    byFault(
      facts,
      ({ layer, error }) =>
        layer === 'route' || layer === 'name' || (layer === 'tcp' && error === 'unreachable'),
      (fault, seen) => {
        const network = facts.node?.network;
        const hasRoute = network?.defaultRoute4 !== undefined || network?.defaultRoute6 !== undefined;
        if (fault.layer === 'name') {
          if (!network) return unknown;
          const local = network.resolvers.some((one) => /^127\./.test(one));
          if (hasRoute || local) return excluded;
        }
        const up = network?.interfaces.filter((one) => one.up && one.name !== 'lo').map((one) => one.name);
        return proven(
          [
            ...seen,
            ...(network
              ? [observe('node', 'routes', 'default-route', hasRoute ? 'yes' : 'none', facts.node?.at)]
              : []),
            ...(up ? [observe('node', 'interfaces', 'up', up.join(' ') || 'none', facts.node?.at)] : []),
          ],
          place(fault),
        );
      },
    ),
  en: {
    name: 'no route',
    because: 'it has no route to {host}',
    explain:
      'Give it a default route (or one to that network), and look whether its interface is up. In a cloud: route table, NAT, gateway.',
    about:
      'The kernel knows no way to the address: no default route, no interface that is up, or a route that says "unreachable".',
  },
  ja: {
    name: '経路なし',
    because: '{host} への経路がない',
    explain:
      'デフォルトルート（またはその宛先への経路）を設定し、インターフェースが有効か確認してください。クラウドではルートテーブル、NAT、ゲートウェイを確認します。',
    about:
      'カーネルが宛先への経路を知りません。デフォルトルートがないか、有効なインターフェースがないか、到達不能とする経路があります。',
  },
};

const shadowed: Cause = {
  id: 'route-shadowed-locally',
  gate: 'path',
  solution: 3,
  breaks: 'listed',
  whileThrough: 'excluded',
  near: ['no-default-route', 'tcp-timeout', 'host-firewall'],
  decide: (facts) =>
    byFault(
      facts,
      ({ layer }) => layer === 'tcp',
      (fault, seen) => {
        const { route } = fault.endpoint;
        const network = facts.node?.network;
        if (!route || !network) return unknown;
        const usual = [network.defaultRoute4?.device, network.defaultRoute6?.device];
        const device = route.device;
        if (device === undefined) return unknown;
        if (usual.includes(device) || !innerDevice.test(device)) return excluded;
        return proven([...seen, observe('node', 'routes', 'leaves-by', device, facts.node?.at)], {
          ...place(fault),
          device,
          address: addressesOf(fault)[0] ?? '?',
        });
      },
    ),
  en: {
    name: 'address lies in a network of its own',
    because:
      "packets for {address} leave by {device}, a network of the machine's own that covers that address",
    explain:
      "Give that container, virtual or VPN network another range, or the server's address a route of its own.",
    about:
      "A bridge of containers or virtual machines, or a VPN, has the range in which the service's address lies: packets never leave the machine.",
  },
  ja: {
    name: '内部ネットワークとの範囲の重複',
    because: '{address} 宛ての通信が、その範囲を含むマシン内部のネットワーク {device} へ出ている',
    explain:
      'コンテナ、仮想マシン、VPN のネットワークの範囲を変えるか、サーバーのアドレスへの経路を個別に設定してください。',
    about:
      'コンテナや仮想マシンのブリッジ、または VPN の範囲にサービスのアドレスが含まれ、通信がマシンの外に出ません。',
  },
};

const corporateFirewall: Cause = {
  id: 'corporate-firewall',
  gate: 'path',
  solution: 3,
  breaks: 'listed',
  whileThrough: 'excluded',
  shared: true,
  near: ['host-firewall', 'tcp-timeout', 'machine-stopped', 'agent-stopped'],
  decide(facts) {
    const { fleet, path, row } = facts;
    if (!fleet) return unknown;
    const group = fleet.shared?.find((one) => one.sign.startsWith('lost:'));
    if (!group || group.nodes < 3 || group.nodes < group.of * 0.2) return excluded;
    // Our own absence is never their fault: whoever was due in it can't have been heard.
    if (wasBlind(facts, group.since)) return excluded;
    const fault = path?.fault;
    if (path?.works) return excluded;
    if (
      fault &&
      !(fault.layer === 'tcp' || (fault.layer === 'tls' && ['reset', 'timeout'].includes(fault.error)))
    )
      return excluded;
    if (!fault && row?.status === 'Online') return excluded;
    return likely(
      'by-correlation',
      [
        observe(
          'records',
          'presence',
          'lost-together',
          `${group.nodes}/${group.of} ${group.examples.slice(0, 3).join(' ')}`,
          group.since,
        ),
        observe('records', 'presence', 'way-out', group.sign.slice('lost:'.length), group.since),
      ],
      {
        count: String(group.nodes),
        address: group.sign.slice('lost:'.length),
        since: String(group.since ?? facts.now),
        port: fault ? place(fault).port : '443',
      },
    );
  },
  en: {
    name: 'firewall on the way',
    because:
      '{count} nodes behind {address} were lost within a minute: something on their common way stopped them',
    explain:
      "Ask whoever keeps the network what changed at {since:time} for {address}, and give them the server's host names and port.",
    about:
      'Three or more nodes with the same way out were lost together and nothing of them knocks since. Seen from one machine it looks like a dead server.',
  },
  ja: {
    name: '経路上のファイアウォール',
    because: '{address} を通る {count} 台のノードが 1 分以内に途切れていて、共通の経路上の何かが遮っている',
    explain:
      'ネットワークの管理者に、{since:time} に {address} について何を変更したかを確認し、サーバーのホスト名とポートを伝えてください。',
    about:
      '同じ出口を使う 3 台以上のノードが同時に途切れ、その後は接続の試みもありません。1 台から見るとサーバーの停止に見えます。',
  },
};

const hostFirewall: Cause = {
  id: 'host-firewall',
  gate: 'path',
  solution: 3,
  breaks: 'listed',
  whileThrough: 'likely',
  near: ['corporate-firewall', 'tcp-refused', 'tcp-timeout', 'no-default-route'],
  decide: (facts) =>
    byFault(
      facts,
      ({ layer, error }) => layer === 'tcp' || (layer === 'route' && error === 'prohibited'),
      (fault, seen) => {
        const firewall = facts.node?.network?.firewall;
        const { port } = place(fault);
        const addresses = [fault.endpoint.tcp?.address, ...addressesOf(fault)].filter(
          (one) => one !== undefined,
        );
        const rules = (firewall?.rules ?? []).filter((rule) => couldStop(rule, port, addresses));
        const drops = /drop|reject|deny/i.test(firewall?.outputPolicy ?? '');
        const answers = fault.error === 'timeout' ? firewall?.answersDropped : undefined;
        const all = [
          ...seen,
          ...(answers !== undefined
            ? [observe('node', firewall?.kind ?? 'firewall', 'input-policy', answers, facts.node?.at)]
            : []),
          ...(drops
            ? [
                observe(
                  'node',
                  firewall?.kind ?? 'firewall',
                  'output-policy',
                  firewall?.outputPolicy ?? '?',
                  facts.node?.at,
                ),
              ]
            : []),
          ...rules
            .slice(0, 2)
            .map((rule) => observe('node', firewall?.kind ?? 'firewall', 'rule', rule, facts.node?.at)),
        ];
        if (fault.error === 'denied' || fault.error === 'prohibited') return proven(all, place(fault));
        if (rules.length > 0 || drops || answers !== undefined)
          return likely('rule-and-failure', all, place(fault));
        return firewall ? excluded : unknown;
      },
    ),
  en: {
    name: "machine's own firewall",
    because: "the machine's own firewall stops what its agent sends to {host}:{port}",
    explain:
      'Allow outgoing TCP to {host}:{port}, and the answers (established connections) to come in, in the firewall of the machine. Switching the firewall off is no fix.',
    about:
      'The connection is refused by the machine itself (EPERM), or a rule for outgoing traffic fits and the connection fails.',
  },
  ja: {
    name: 'マシン自身のファイアウォール',
    because: 'マシン自身のファイアウォールが {host}:{port} への通信を止めている',
    explain:
      'マシンのファイアウォールで {host}:{port} への TCP の送信を許可してください。無効にするのは解決ではありません。',
    about: 'マシン自身が接続を拒否している（EPERM）か、送信を止める規則があって接続に失敗しています。',
  },
};

const slowPath: Cause = {
  id: 'slow-path',
  gate: 'path',
  solution: 3,
  breaks: 'listed',
  whileThrough: 'excluded',
  near: ['tcp-timeout', 'mtu-blackhole'],
  decide(facts) {
    const { path, agent, node } = facts;
    if (!path || !agent) return unknown;
    const slow = path.needed.find((one) => one.tcp?.ok === true && (one.tcp.ms ?? 0) > 250);
    const addresses = slow?.name?.addresses ?? [];
    const both = addresses.some((one) => one.includes(':')) && addresses.some((one) => !one.includes(':'));
    if (!slow || !both || agent.kind !== 'rollcall') return path.works ? excluded : unknown;
    if (!/ETIMEDOUT|timed? ?out|no answer within/i.test(agent.status?.lastError ?? '')) return unknown;
    return likely(
      'by-elimination',
      [
        observe('node', slow.url, 'tcp', `${Math.round(slow.tcp?.ms ?? 0)} ms`, node?.at),
        observe('node', 'agent', 'last-error', agent.status?.lastError ?? '?', agent.status?.at),
      ],
      { ms: String(Math.round(slow.tcp?.ms ?? 0)) },
    );
  },
  en: {
    name: 'way is very slow',
    because:
      'the way to the server takes {ms} ms, longer than its agent waits for one address before it tries the next',
    explain:
      "Give the server's name only addresses of the family that works, or use the server's address in --server.",
    about:
      'With IPv4 and IPv6 addresses Node gives up each one early. On a way of more than 250 ms none is ever answered in time.',
  },
  ja: {
    name: '遅延の大きい経路',
    because: 'サーバーまで {ms} ミリ秒かかり、エージェントが 1 つのアドレスを待つ時間より長い',
    explain:
      'サーバーの名前には使える種類のアドレスだけを登録するか、--server にアドレスを指定してください。',
    about:
      'IPv4 と IPv6 の両方のアドレスがあると、Node はそれぞれを早めにあきらめます。250 ミリ秒を超える経路では、どれも間に合いません。',
  },
};

const refused: Cause = {
  id: 'tcp-refused',
  gate: 'path',
  solution: 3,
  breaks: 'listed',
  whileThrough: 'likely',
  near: ['host-firewall', 'dns-wrong-answer', 'tcp-timeout', 'corporate-firewall'],
  decide: (facts) =>
    byFault(
      facts,
      ({ layer, error }) => layer === 'tcp' && error === 'refused',
      (fault, seen) =>
        proven(seen, {
          ...place(fault),
          address: fault.endpoint.tcp?.address ?? addressesOf(fault)[0] ?? '?',
        }),
    ),
  en: {
    name: 'connection refused',
    because:
      'the connection to {host}:{port} ({address}) is refused: nothing listens there, or a firewall says no',
    explain: 'Look whether the server runs, listens on that port, and whether that is its address.',
    about: 'The address answers at once that nothing is to be had at that port.',
  },
  ja: {
    name: '接続の拒否',
    because:
      '{host}:{port}（{address}）への接続が拒否される（待ち受けていないか、ファイアウォールが拒否している）',
    explain: 'サーバーが動いているか、そのポートで待ち受けているか、アドレスが正しいかを確認してください。',
    about: '宛先のアドレスが、そのポートでは何も提供していないと即座に応答します。',
  },
};

const timeout: Cause = {
  id: 'tcp-timeout',
  gate: 'path',
  solution: 3,
  breaks: 'listed',
  whileThrough: 'likely',
  near: ['host-firewall', 'corporate-firewall', 'tcp-refused', 'dns-wrong-answer', 'no-default-route'],
  decide: (facts) =>
    byFault(
      facts,
      ({ layer, error }) => layer === 'tcp' && error !== 'reset',
      (fault, seen) =>
        proven(seen, {
          ...place(fault),
          address: fault.endpoint.tcp?.address ?? addressesOf(fault)[0] ?? '?',
          error: fault.error,
        }),
    ),
  en: {
    name: 'no answer from the address',
    because: 'nothing answers at {host}:{port} ({address}): {error}',
    explain:
      'Name and route are there. Have a look at what lies between: security groups and network ACLs, a firewall, the server itself.',
    about:
      "The name is resolved and a route exists, but no connection comes about. What drops it can't be seen from the machine.",
  },
  ja: {
    name: '宛先からの応答なし',
    because: '{host}:{port}（{address}）から応答がない（{error}）',
    explain:
      '名前解決と経路は正常です。途中のもの（セキュリティグループ、ネットワーク ACL、ファイアウォール）とサーバー自体を確認してください。',
    about: '名前は解決でき経路もありますが、接続が成立しません。何が遮っているかはマシンからは見えません。',
  },
};

/** Whether no server listened when a node that was last heard `at` was next due. */
function wasBlind({ fleet, row }: Facts, at: number | undefined): boolean {
  const due = (row?.periodSeconds ?? 300) * 1000 + 60_000;
  return (
    at !== undefined &&
    (fleet?.serverBlind ?? []).some(({ from, to }) => from - due <= at && at <= to + 60_000)
  );
}

export const routes: readonly Cause[] = [ipv6Only, noRoute, shadowed];
export const connection: readonly Cause[] = [corporateFirewall, hostFirewall, refused, slowPath, timeout];
