/** The certificate is trusted, or never comes: dates, names, versions, and packets that are too large. */
import { attemptFor, observe, observeAttempt } from '../../facts/index.ts';
import { type Cause, excluded, likely, proven, unknown } from '../cause.ts';
import { byFault, place } from './fault.ts';

const dates: Cause = {
  id: 'certificate-expired-or-not-yet-valid',
  gate: 'path',
  solution: 7,
  breaks: 'listed',
  whileThrough: 'likely',
  near: ['clock-skew', 'ca-missing', 'server-certificate-expired'],
  decide: (facts) =>
    byFault(
      facts,
      ({ layer, error }) => layer === 'tls' && (error === 'expired' || error === 'not-yet-valid'),
      (fault, seen) => {
        const tls = fault.endpoint.tls;
        const time = fault.error === 'expired' ? tls?.notAfter : tls?.notBefore;
        const all = [
          ...seen,
          ...(time === undefined
            ? []
            : [
                observe(
                  'node',
                  fault.endpoint.url,
                  fault.error === 'expired' ? 'valid-until' : 'valid-from',
                  new Date(time).toISOString(),
                  facts.node?.at,
                ),
              ]),
          observe(
            'node',
            'clock',
            'clock',
            new Date(facts.node?.at ?? facts.now).toISOString(),
            facts.node?.at,
          ),
        ];
        const parameters = { ...place(fault), time: String(time ?? facts.now), error: fault.error };
        // A wrong clock shows the same face: without a comparison it can't be told apart.
        const ahead = facts.node?.clock?.aheadMs;
        return ahead === undefined ? likely('clock-unknown', all, parameters) : proven(all, parameters);
      },
    ),
  en: {
    name: 'certificate outside its dates',
    because: 'the certificate that {host} shows is not valid at this time ({error}, limit {time:time})',
    explain: 'Renew the certificate of whoever shows it: the server, or the proxy in front of it.',
    about:
      "Compared with a clock that is right, the certificate has expired or isn't valid yet. A wrong clock of the machine shows the same face, and is judged first.",
  },
  ja: {
    name: '証明書の有効期間外',
    because: '{host} の示す証明書が有効期間外である（{error}、期限 {time:time}）',
    explain: '証明書を示しているサーバー、またはその前段のプロキシの証明書を更新してください。',
    about:
      '正しい時計と比べて、証明書が期限切れか、まだ有効ではありません。マシンの時計がずれている場合も同じ症状になるため、先に時計を判定します。',
  },
};

const wrongName: Cause = {
  id: 'certificate-wrong-name',
  gate: 'path',
  solution: 7,
  breaks: 'listed',
  whileThrough: 'likely',
  near: ['ca-missing', 'dns-wrong-answer', 'wrong-host-answers'],
  decide: (facts) =>
    byFault(
      facts,
      ({ layer, error }) => layer === 'tls' && error === 'wrong-name',
      (fault, seen) =>
        proven(
          [
            ...seen,
            observe(
              'node',
              fault.endpoint.url,
              'names',
              fault.endpoint.tls?.names?.slice(0, 4).join(' ') ?? '?',
              facts.node?.at,
            ),
          ],
          {
            ...place(fault),
            names: fault.endpoint.tls?.names?.slice(0, 3).join(', ') ?? '?',
          },
        ),
    ),
  en: {
    name: 'certificate for another name',
    because: 'the certificate at {host} is for other names ({names})',
    explain:
      "Add {host} to the server's names (rollcall up --public-url or --domain), or let the agent use one of the names that the certificate has.",
    about:
      "The certificate is trusted and in its dates, and doesn't have the name by which the agent calls the server.",
  },
  ja: {
    name: '証明書の名前の不一致',
    because: '{host} の証明書が別の名前（{names}）のものである',
    explain:
      'サーバーの名前に {host} を加える（rollcall up の --public-url または --domain）か、エージェントに証明書にある名前を使わせてください。',
    about: '証明書は信頼でき期限内ですが、エージェントがサーバーを呼ぶ名前が含まれていません。',
  },
};

const version: Cause = {
  id: 'tls-version-or-cipher',
  gate: 'path',
  solution: 7,
  breaks: 'listed',
  whileThrough: 'likely',
  near: ['ca-missing', 'tls-inspection', 'mtu-blackhole'],
  decide(facts) {
    if (facts.path)
      return byFault(
        facts,
        ({ layer, error }) =>
          layer === 'tls' && (error === 'protocol-version' || error === 'handshake-failure'),
        (fault, seen) => proven(seen, { ...place(fault), error: fault.error }),
      );
    if (!facts.door) return unknown;
    const refused = attemptFor(facts, 'no-shared-version', 'no-shared-cipher', 'no-shared-protocol');
    if (!refused) return excluded;
    return likely(
      'only-address',
      [observeAttempt(refused), observe('door', 'knocks', 'detail', refused.detail ?? '-', refused.lastAt)],
      {
        host: refused.serverName ?? '?',
        error: refused.reason,
      },
    );
  },
  en: {
    name: 'no common TLS version or cipher',
    because: 'it and {host} share no version or cipher of TLS ({error})',
    explain: "Update the agent and the system's TLS library, or the device in between: TLS 1.2 is the least.",
    about:
      'The handshake ends before any certificate is judged: one side is too old, or a device in between is.',
  },
  ja: {
    name: 'TLS のバージョン・暗号の不一致',
    because: 'このマシンと {host} に共通の TLS のバージョンまたは暗号がない（{error}）',
    explain:
      'エージェントと OS の TLS ライブラリ、または途中の装置を更新してください。TLS 1.2 以降が必要です。',
    about: '証明書を判定する前にハンドシェイクが終わります。どちらか、または途中の装置が古すぎます。',
  },
};

const mtu: Cause = {
  id: 'mtu-blackhole',
  gate: 'path',
  solution: 3,
  breaks: 'listed',
  whileThrough: 'excluded',
  near: ['tcp-timeout', 'slow-path', 'tls-version-or-cipher'],
  decide(facts) {
    if (facts.path)
      return byFault(
        facts,
        ({ layer, error }) => layer === 'tls' && error === 'timeout',
        (fault, seen) => {
          const unfinished = attemptFor(facts, 'hello-unfinished', 'handshake-unfinished');
          const mtus = facts.node?.network?.interfaces.filter(
            (one) => one.up && one.mtu !== undefined && one.name !== 'lo',
          );
          return likely(
            'by-elimination',
            [
              ...seen,
              ...(mtus ?? [])
                .slice(0, 2)
                .map((one) => observe('node', one.name, 'mtu', one.mtu ?? 0, facts.node?.at)),
              ...(unfinished ? [observeAttempt(unfinished)] : []),
            ],
            place(fault),
          );
        },
      );
    if (!facts.door) return unknown;
    const unfinished = attemptFor(facts, 'hello-unfinished');
    if (!unfinished || unfinished.count < 2) return excluded;
    return likely('only-address', [observeAttempt(unfinished)], {
      host: unfinished.serverName ?? '?',
      port: '443',
    });
  },
  en: {
    name: 'large packets are lost',
    because: 'small packets pass and large ones are lost on the way to {host}',
    explain:
      'Lower the MTU of the interface (1400 to try), or have MSS clamped at the tunnel; ICMP "fragmentation needed" must pass.',
    about:
      'The connection comes about, and the TLS handshake hangs after the first message, which is the first large packet.',
  },
  ja: {
    name: '大きなパケットの消失',
    because: '{host} への途中で、小さなパケットは通るが大きなパケットが失われている',
    explain:
      'インターフェースの MTU を下げる（まず 1400）か、トンネルで MSS を調整してください。ICMP の「fragmentation needed」を通す必要があります。',
    about: '接続はできますが、最初の大きなパケットである TLS の最初のメッセージで止まります。',
  },
};

const cut: Cause = {
  id: 'tls-cut-on-the-way',
  gate: 'path',
  solution: 3,
  breaks: 'listed',
  whileThrough: 'likely',
  near: ['corporate-firewall', 'tls-version-or-cipher', 'ca-missing'],
  decide: (facts) =>
    byFault(
      facts,
      // Whoever resets at once may do so before the connection counts as made.
      ({ layer, error }) =>
        (layer === 'tls' && (error === 'reset' || error === 'failed')) ||
        (layer === 'tcp' && error === 'reset'),
      (fault, seen) => likely('by-elimination', seen, place(fault)),
    ),
  en: {
    name: 'handshake is cut off',
    because: 'the connection to {host}:{port} is cut off as soon as the TLS handshake begins',
    explain:
      'Ask whoever keeps the network whether something filters by host name: the name {host} is visible in the first message.',
    about:
      'TCP works, and the connection is reset during the handshake: a filter on the way that reads the host name, or a server that hangs up.',
  },
  ja: {
    name: 'ハンドシェイクの切断',
    because: '{host}:{port} への接続が TLS ハンドシェイクの開始直後に切られる',
    explain:
      'ホスト名による制限がないか、ネットワークの管理者に確認してください。最初のメッセージには名前 {host} が見える形で含まれます。',
    about:
      'TCP は正常ですが、ハンドシェイク中に切断されます。途中の装置がホスト名で制限しているか、サーバーが切っています。',
  },
};

export const handshake: readonly Cause[] = [dates, wrongName, version, mtu, cut];
