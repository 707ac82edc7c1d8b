/** Proxies: set wrongly, set in the wrong place, or saying no. */
import { observe } from '../../facts/index.ts';
import { type Cause, excluded, likely, proven, unknown } from '../cause.ts';
import { addressesOf, byFault, place } from './fault.ts';

const malformed: Cause = {
  id: 'proxy-url-malformed',
  gate: 'path',
  solution: 6,
  breaks: 'listed',
  whileThrough: 'excluded',
  near: ['proxy-not-configured-for-service', 'proxy-unreachable'],
  decide(facts) {
    const proxy = facts.node?.proxy;
    if (facts.path?.fault?.layer === 'proxy' && facts.path.fault.error === 'malformed')
      return proven(
        [
          observe(
            'node',
            proxy?.agent?.source ?? 'proxy',
            'proxy',
            proxy?.malformed ?? facts.path.fault.detail ?? '?',
            facts.node?.at,
          ),
        ],
        {
          what: proxy?.malformed ?? facts.path.fault.detail ?? '?',
        },
      );
    if (!proxy) return unknown;
    if (proxy.malformed === undefined) return excluded;
    return proven(
      [observe('node', proxy.agent?.source ?? 'proxy', 'proxy', proxy.malformed, facts.node?.at)],
      { what: proxy.malformed },
    );
  },
  en: {
    name: 'proxy setting is malformed',
    because: "its agent's proxy is written wrongly ({what})",
    explain: "Write it as http://HOST:PORT where the agent's proxy is set, and restart the agent.",
    about:
      "The proxy in the agent's environment is no valid URL: no scheme, no port, or a password with characters that have to be escaped.",
  },
  ja: {
    name: 'プロキシ設定の書式の誤り',
    because: 'エージェントのプロキシ設定の書き方が誤っている（{what}）',
    explain: 'エージェントのプロキシ設定を http://HOST:PORT の形に直し、エージェントを再起動してください。',
    about:
      'エージェントの環境変数にあるプロキシが正しい URL ではありません（スキームやポートがない、パスワードの文字がエスケープされていない、など）。',
  },
};

const authRequired: Cause = {
  id: 'proxy-auth-required',
  gate: 'path',
  solution: 6,
  breaks: 'listed',
  near: ['proxy-blocks-host', 'proxy-unreachable'],
  whileThrough: 'likely',
  decide: (facts) =>
    byFault(
      facts,
      ({ layer, error, endpoint }) =>
        layer === 'proxy' && (error === 'auth-required' || endpoint.proxy?.status === 407),
      (fault, seen) => proven(seen, { ...place(fault), proxy: fault.endpoint.proxy?.proxy ?? '?' }),
    ),
  en: {
    name: 'proxy wants a password',
    because: 'the proxy {proxy} wants a user and a password (407)',
    explain:
      "Let the proxy pass the server's host without a password, or put user and password into the agent's proxy setting. NTLM doesn't work.",
    about: "The proxy answers the agent's CONNECT with 407 Proxy Authentication Required.",
  },
  ja: {
    name: 'プロキシの認証',
    because: 'プロキシ {proxy} がユーザー名とパスワードを求めている（407）',
    explain:
      'サーバーのホストを認証なしで通すか、エージェントのプロキシ設定にユーザー名とパスワードを加えてください。NTLM は使えません。',
    about: 'エージェントの CONNECT に対し、プロキシが 407 Proxy Authentication Required を返しています。',
  },
};

const blocksHost: Cause = {
  id: 'proxy-blocks-host',
  gate: 'path',
  solution: 6,
  breaks: 'listed',
  whileThrough: 'likely',
  near: ['proxy-auth-required', 'proxy-unreachable', 'corporate-firewall'],
  decide: (facts) =>
    byFault(
      facts,
      ({ layer, error }) => layer === 'proxy' && ['denied', 'bad-gateway', 'refused-connect'].includes(error),
      (fault, seen) =>
        proven(seen, {
          ...place(fault),
          proxy: fault.endpoint.proxy?.proxy ?? '?',
          status: String(fault.endpoint.proxy?.status ?? '?'),
        }),
    ),
  en: {
    name: 'proxy does not let the host through',
    because: 'the proxy {proxy} does not let {host}:{port} through (status {status})',
    explain:
      'Have {host}:{port} allowed on the proxy, for CONNECT and for connections that last; or add it to no_proxy if it is reached directly.',
    about: "The proxy refuses the CONNECT for this host (403), or can't reach it itself (502, 503).",
  },
  ja: {
    name: 'プロキシによる遮断',
    because: 'プロキシ {proxy} が {host}:{port} への通信を通さない（ステータス {status}）',
    explain:
      'プロキシで {host}:{port} への CONNECT と長時間の接続を許可してもらうか、直接届くなら no_proxy に加えてください。',
    about:
      'プロキシがこのホストへの CONNECT を拒否している（403）か、プロキシ自身がホストに届きません（502、503）。',
  },
};

const unreachable: Cause = {
  id: 'proxy-unreachable',
  gate: 'path',
  solution: 6,
  breaks: 'listed',
  whileThrough: 'likely',
  near: ['proxy-url-malformed', 'proxy-blocks-host', 'tcp-timeout', 'dns-fails'],
  decide(facts) {
    const { path, node } = facts;
    if (!path) return unknown;
    const { fault } = path;
    if (!fault) return path.works ? excluded : unknown;
    // Behind a proxy, name, route and tcp are about the proxy itself.
    const viaProxy = fault.endpoint.direct !== undefined || fault.layer === 'proxy';
    const set = node?.proxy?.agent;
    const proxy = fault.endpoint.proxy?.proxy ?? set?.https ?? set?.http;
    if (!viaProxy || proxy === undefined) return excluded;
    if (!['name', 'route', 'tcp', 'proxy'].includes(fault.layer)) return excluded;
    if (
      fault.layer === 'proxy' &&
      !['timeout', 'reset', 'refused', 'unreachable', 'not-found', 'not-a-proxy', 'failed'].includes(
        fault.error,
      )
    )
      return excluded;
    return proven(
      [
        observe('node', set?.source ?? 'proxy', 'proxy', proxy, node?.at),
        observe('node', fault.endpoint.url, fault.layer, fault.error, node?.at),
        ...(fault.endpoint.direct
          ? [
              observe(
                'node',
                fault.endpoint.url,
                'direct',
                fault.endpoint.direct.ok ? 'ok' : fault.endpoint.direct.error,
                node?.at,
              ),
            ]
          : []),
      ],
      { proxy, error: fault.error },
    );
  },
  en: {
    name: 'proxy is not reached',
    because: 'the proxy {proxy} that its agent is set to is not reached ({error})',
    explain:
      'Correct the proxy where the agent has it, or take it out if the server is reached directly; then restart the agent.',
    about: "The agent goes through a proxy, and that one isn't found, doesn't answer, or is no proxy.",
  },
  ja: {
    name: 'プロキシに届かない',
    because: 'エージェントに設定されたプロキシ {proxy} に届かない（{error}）',
    explain:
      'エージェントのプロキシ設定を直すか、サーバーに直接届くなら外し、エージェントを再起動してください。',
    about:
      'エージェントはプロキシを通りますが、そのプロキシが見つからないか、応答しないか、プロキシではありません。',
  },
};

const windowsLayers: Cause = {
  id: 'windows-proxy-layers',
  gate: 'path',
  solution: 6,
  breaks: 'listed',
  whileThrough: 'excluded',
  near: ['proxy-not-configured-for-service', 'tcp-timeout'],
  decide: (facts) =>
    byFault(
      facts,
      ({ layer }) => ['name', 'route', 'tcp'].includes(layer),
      (_fault, seen) => {
        const { node } = facts;
        if (node?.host.platform !== 'Windows') return excluded;
        const shell = node.proxy?.shell?.https ?? node.proxy?.shell?.http;
        const own = node.proxy?.agent?.https ?? node.proxy?.agent?.http;
        if (shell === undefined || own !== undefined) return excluded;
        return likely(
          'proxy-untried',
          [
            ...seen,
            observe('node', node.proxy?.shell?.source ?? 'user', 'proxy-of-shell', shell, node.at),
            observe('node', 'registry', 'proxy-of-agent', 'none', node.at),
          ],
          { proxy: shell },
        );
      },
    ),
  en: {
    name: "proxy isn't set for the Windows service",
    because: 'the proxy {proxy} is set for users or WinHTTP, and not for the service of its agent',
    explain:
      'Set http_proxy, https_proxy and no_proxy (with 169.254.169.254) as Environment of the service: HKLM\\SYSTEM\\CurrentControlSet\\Services\\AmazonSSMAgent, and restart it.',
    about:
      'Windows has several places for a proxy. The agent runs as LocalSystem and reads the Environment value of its service only.',
  },
  ja: {
    name: 'Windows サービスのプロキシ未設定',
    because: 'プロキシ {proxy} がユーザーまたは WinHTTP にだけ設定され、エージェントのサービスにはない',
    explain:
      'サービスの Environment 値（HKLM\\SYSTEM\\CurrentControlSet\\Services\\AmazonSSMAgent）に http_proxy、https_proxy、no_proxy（169.254.169.254 を含む）を設定し、再起動してください。',
    about:
      'Windows にはプロキシの設定場所がいくつもあります。エージェントは LocalSystem で動き、サービスの Environment 値だけを読みます。',
  },
};

const notForService: Cause = {
  id: 'proxy-not-configured-for-service',
  gate: 'path',
  solution: 6,
  breaks: 'listed',
  whileThrough: 'excluded',
  near: ['tcp-timeout', 'dns-fails', 'corporate-firewall', 'proxy-unreachable'],
  decide: (facts) =>
    byFault(
      facts,
      ({ layer }) => ['name', 'route', 'tcp'].includes(layer),
      (fault, seen) => {
        const proxy = facts.node?.proxy;
        if (!proxy) return unknown;
        const has = (one: { readonly https?: string; readonly http?: string } | undefined) =>
          one?.https ?? one?.http;
        const shell = has(proxy.shell);
        if (has(proxy.agent) !== undefined || shell === undefined) return excluded;
        return likely(
          'proxy-untried',
          [
            ...seen,
            observe('node', proxy.shell?.source ?? 'shell', 'proxy-of-shell', shell, facts.node?.at),
            observe('node', proxy.agent?.source ?? 'agent', 'proxy-of-agent', 'none', facts.node?.at),
          ],
          { ...place(fault), proxy: shell },
        );
      },
    ),
  en: {
    name: 'proxy is set in the shell only',
    because:
      'the proxy {proxy} is set for the shell, but not for its agent, and directly {host} is not reached',
    explain:
      "Set https_proxy and no_proxy (with 169.254.169.254) in a drop-in of the agent's unit, and restart it. Our agent: rollcall enroll --proxy.",
    about:
      "A person who tries with curl gets through, the service doesn't: its environment has no proxy. Units don't read /etc/profile.",
  },
  ja: {
    name: 'サービスのプロキシ未設定',
    because: 'プロキシ {proxy} がシェルにだけ設定され、エージェントにはなく、{host} に直接は届かない',
    explain:
      'エージェントのユニットのドロップインに https_proxy と no_proxy（169.254.169.254 を含む）を設定し、再起動してください。Rollcall のエージェントでは rollcall enroll --proxy を使います。',
    about:
      'curl で試すと届くのに、サービスの環境にはプロキシがないため届きません。ユニットは /etc/profile を読みません。',
  },
};

const bypassed: Cause = {
  id: 'proxy-bypassed',
  gate: 'path',
  solution: 6,
  breaks: 'listed',
  whileThrough: 'excluded',
  near: ['proxy-not-configured-for-service', 'tcp-timeout', 'dns-fails', 'corporate-firewall'],
  decide: (facts) =>
    byFault(
      facts,
      ({ layer, endpoint }) => ['name', 'route', 'tcp'].includes(layer) && endpoint.direct === undefined,
      (fault, seen) => {
        const own = facts.node?.proxy?.agent;
        const proxy = own?.https ?? own?.http;
        // Behind the proxy, these layers are about the proxy itself, and `direct` says so.
        if (!own || proxy === undefined || !own.no || fault.endpoint.proxy) return excluded;
        const { host } = place(fault);
        const entry = own.no.split(/[\s,]+/).find((one) => isAbout(one, host, addressesOf(fault)));
        if (entry === undefined) return excluded;
        return likely(
          'proxy-untried',
          [
            ...seen,
            observe('node', own.source, 'proxy-of-agent', proxy, facts.node?.at),
            observe('node', own.source, 'no-proxy', entry, facts.node?.at),
          ],
          { ...place(fault), proxy, entry },
        );
      },
    ),
  en: {
    name: 'proxy is passed by',
    because:
      'its agent has the proxy {proxy}, passes it by for {host} ("{entry}"), and gets no answer directly',
    explain:
      'Take "{entry}" out of no_proxy where the agent\'s proxy is set (our agent: noProxy in config.json), and restart it; or let {host}:{port} be reached directly.',
    about:
      "The exceptions of the agent's proxy cover the server, so that it is tried directly; and the direct way leads nowhere.",
  },
  ja: {
    name: 'プロキシの除外設定',
    because:
      'エージェントのプロキシは {proxy} だが、{host} は除外設定（「{entry}」）で直接接続になり、応答がない',
    explain:
      'エージェントのプロキシ設定の no_proxy（Rollcall のエージェントでは config.json の noProxy）から「{entry}」を外して再起動するか、{host}:{port} に直接届くようにしてください。',
    about: 'エージェントのプロキシの除外設定にサーバーが含まれるため直接接続になり、その経路では届きません。',
  },
};

/** Whether an entry of `no_proxy` covers the host. */
function isAbout(entry: string, host: string, addresses: readonly string[]): boolean {
  const name = entry
    .toLowerCase()
    .replace(/^\*(?=\.)/, '')
    .replace(/:\d+$/, '');
  if (name === '' || name === '*') return name === '*';
  if (/^[\d.]+\/\d+$/.test(name)) return [host, ...addresses].some((one) => isInRange(one, name));
  return host === name.replace(/^\./, '') || host.endsWith(name.startsWith('.') ? name : `.${name}`);
}

function isInRange(address: string, range: string): boolean {
  const [network = '', bits = '32'] = range.split('/');
  if (!/^\d+(\.\d+){3}$/.test(address)) return false;
  const number = (text: string) => text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(bits));
  return Math.floor(number(address) / size) === Math.floor(number(network) / size);
}

export const proxy: readonly Cause[] = [
  malformed,
  windowsLayers,
  notForService,
  bypassed,
  authRequired,
  blocksHost,
  unreachable,
];
