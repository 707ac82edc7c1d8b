/** TLS works: who answers, and may a connection stay open? */
import { observe } from '../../facts/index.ts';
import { type Cause, excluded, likely, proven, unknown } from '../cause.ts';
import { byFault, place } from './fault.ts';
import { isAnotherHost } from './server-side.ts';

const gateway: Cause = {
  id: 'gateway-error',
  gate: 'path',
  solution: 3,
  breaks: 'listed',
  whileThrough: 'likely',
  shared: true,
  near: ['wrong-host-answers', 'tcp-refused'],
  decide: (facts) =>
    byFault(
      facts,
      ({ layer, endpoint }) => layer === 'http' && [502, 503, 504].includes(endpoint.http?.status ?? 0),
      (fault, seen) =>
        proven(
          [
            ...seen,
            observe('node', fault.endpoint.url, 'server', fault.endpoint.http?.server ?? '?', facts.node?.at),
          ],
          {
            ...place(fault),
            status: String(fault.endpoint.http?.status ?? '?'),
          },
        ),
    ),
  en: {
    name: 'gateway in front is without its server',
    because: 'what answers at {host} is a gateway that does not reach the server behind it (status {status})',
    explain:
      'Look at the server and at the load balancer or reverse proxy in front of it. Nothing is to be done on the node.',
    about: "The address answers with 502, 503 or 504 instead of the service's own answer.",
  },
  ja: {
    name: '前段のゲートウェイのエラー',
    because: '{host} で応答するゲートウェイから、その先のサーバーに届いていない（ステータス {status}）',
    explain:
      'サーバーと、その前段のロードバランサーやリバースプロキシを確認してください。ノード側の対応は不要です。',
    about: 'サービス自身の応答ではなく 502、503、504 が返っています。',
  },
};

const wrongHost: Cause = {
  id: 'wrong-host-answers',
  gate: 'path',
  solution: 7,
  breaks: 'listed',
  whileThrough: 'likely',
  near: ['dns-wrong-answer', 'tls-inspection', 'certificate-wrong-name', 'gateway-error'],
  decide: (facts) =>
    byFault(
      facts,
      ({ layer, error }) =>
        (layer === 'http' && ['wrong-host', 'captive-portal', 'malformed'].includes(error)) ||
        (layer === 'tls' && (error === 'not-tls' || error === 'untrusted')),
      (fault, seen) => {
        const http = fault.endpoint.http;
        if (fault.error === 'untrusted') {
          if (!isAnotherHost(facts)) return excluded;
          const { names = [], issuer } = fault.endpoint.tls ?? {};
          const shown = observe(
            'node',
            fault.endpoint.url,
            'names',
            names.slice(0, 4).join(' '),
            facts.node?.at,
          );
          return likely('by-elimination', [...seen, shown], {
            ...place(fault),
            who: names[0] ?? issuer ?? '?',
          });
        }
        return proven(
          [
            ...seen,
            ...(http?.status === undefined
              ? []
              : [observe('node', fault.endpoint.url, 'status', http.status, facts.node?.at)]),
            ...(http?.server === undefined
              ? []
              : [observe('node', fault.endpoint.url, 'server', http.server, facts.node?.at)]),
            ...(http?.location === undefined
              ? []
              : [observe('node', fault.endpoint.url, 'location', http.location, facts.node?.at)]),
          ],
          { ...place(fault), who: http?.location ?? http?.server ?? fault.detail ?? '?' },
        );
      },
    ),
  en: {
    name: 'something else answers',
    because: 'something that is not the service answers at {host}:{port} ({who})',
    explain: 'Log in to the portal if it is one; otherwise correct the name or the proxy that leads there.',
    about:
      'The service answers a stranger with UnknownOperationException. What answered is a portal, the page of a proxy, or another program.',
  },
  ja: {
    name: '別のものが応答',
    because: '{host}:{port} でサービスではないもの（{who}）が応答している',
    explain: 'ポータルならログインし、そうでなければ、そこへ導いている名前解決やプロキシを直してください。',
    about:
      'サービスなら UnknownOperationException を返します。応答したのはポータル、プロキシのページ、または別のプログラムです。',
  },
};

const hangs: Cause = {
  id: 'service-does-not-answer',
  gate: 'path',
  solution: 3,
  breaks: 'listed',
  whileThrough: 'excluded',
  near: ['mtu-blackhole', 'gateway-error', 'wrong-host-answers'],
  decide: (facts) =>
    byFault(
      facts,
      ({ layer, error }) => layer === 'http' && ['timeout', 'reset', 'failed'].includes(error),
      (fault, seen) => likely('server-or-way', seen, { ...place(fault), error: fault.error }),
    ),
  en: {
    name: 'request is not answered',
    because: 'the connection to {host}:{port} comes about, and the request is not answered ({error})',
    explain:
      'Look whether the server is well (rollcall status), and for a device that lets connections through and swallows what follows.',
    about: 'Name, TCP and TLS work, and no answer to the request arrives.',
  },
  ja: {
    name: '要求への応答なし',
    because: '{host}:{port} に接続できるが、要求に応答がない（{error}）',
    explain:
      'サーバーが正常か（rollcall status）、接続だけ通してその後を捨てる装置がないかを確認してください。',
    about: '名前解決、TCP、TLS は正常ですが、要求への応答が届きません。',
  },
};

const websocket: Cause = {
  id: 'websocket-blocked',
  gate: 'path',
  solution: 3,
  breaks: 'working',
  near: ['session-channel-missing', 'channel-backoff', 'proxy-blocks-host'],
  decide(facts) {
    const { path, channelOpen, node } = facts;
    if (!path) return unknown;
    const blocked = path.faults.find(({ layer }) => layer === 'websocket');
    if (!blocked) return path.needed.some((one) => one.websocket?.ok === true) ? excluded : unknown;
    // The channel is open: then whatever the probe met doesn't stop the agent.
    if (channelOpen === true) return excluded;
    return proven(
      [
        observe('node', blocked.endpoint.url, 'http', 'ok', node?.at),
        observe(
          'node',
          blocked.endpoint.url,
          'websocket',
          `${blocked.error} ${blocked.endpoint.websocket?.status ?? ''}`.trim(),
          node?.at,
        ),
      ],
      place(blocked),
    );
  },
  en: {
    name: 'websocket is blocked',
    because: 'requests to {host}:{port} pass, and the websocket for commands and sessions is not let through',
    explain:
      'Have "Upgrade: websocket" and connections that last allowed for {host}:{port} on the proxy or firewall.',
    about:
      "Heartbeats arrive over plain HTTPS; the upgrade to a websocket is refused or stripped by something in between. Commands may come by polling, sessions can't.",
  },
  ja: {
    name: 'WebSocket の遮断',
    because: '{host}:{port} への要求は通るが、コマンドとセッション用の WebSocket が通らない',
    explain:
      'プロキシやファイアウォールで、{host}:{port} への「Upgrade: websocket」と長時間の接続を許可してもらってください。',
    about:
      '通常の HTTPS によるハートビートは届きますが、途中の装置が WebSocket への切り替えを拒否するか取り除いています。コマンドはポーリングで届くことがありますが、セッションは使えません。',
  },
};

export const answer: readonly Cause[] = [gateway, wrongHost, hangs, websocket];
