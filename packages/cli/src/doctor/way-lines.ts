/**
 * The way to the endpoints that somebody named, layer by layer, on a machine that may have no agent yet: whether
 * one would get through, before it is installed. What an agent itself meets is in the verdict.
 */
import type { EndpointEvidence, Layer, TrustStore } from '@rollcall/diagnosis';
import type { Language } from '../language.ts';
import type { Screen } from '../output/screen.ts';
import { wrap } from '../output/table.ts';
import { padTo } from '../output/width.ts';

const order = ['name', 'route', 'proxy', 'tcp', 'tls', 'http', 'websocket'] as const;
type LayerName = (typeof order)[number];

const names: Record<LayerName, string> = {
  name: 'DNS',
  route: 'route',
  proxy: 'proxy',
  tcp: 'TCP',
  tls: 'TLS',
  http: 'HTTP',
  websocket: 'websocket',
};

/** Each endpoint with its layers up to the one that stops. */
export function wayLines(endpoints: readonly EndpointEvidence[], lang: Language, screen: Screen): string[] {
  return endpoints.flatMap((endpoint) => {
    const services = [endpoint.service, ...(endpoint.also ?? [])].map((each) => screen.text(each, 20));
    const url = screen.text(endpoint.url.replace(/\/$/, ''), 300);
    return [
      '',
      ...wrap(
        lang === 'ja'
          ? `ここから ${url} まで（${services.join('、')}）`
          : `From here to ${url} (${services.join(', ')})`,
      ),
      ...order.flatMap((name) => layerLines(name, endpoint, screen)),
      ...rootLines(endpoint.tls?.store, lang, screen),
    ];
  });
}

function layerLines(name: LayerName, endpoint: EndpointEvidence, screen: Screen): string[] {
  const layer: Layer | undefined = endpoint[name];
  if (layer === undefined) return [];
  const words = layer.ok
    ? seenAt(name, endpoint)
    : [layer.error, ...(layer.detail === undefined ? [] : [layer.detail])].join(': ');
  const time = layer.ms === undefined ? '' : `${Math.round(layer.ms)} ms`;
  const text = [words, time].filter(Boolean).join(', ');
  const [first = '', ...rest] = wrap(screen.text(text, 300), ' '.repeat(15));
  return [
    `${screen.mark(layer.ok ? 'yes' : 'no')} ${padTo(names[name], 9)}  ${first.trimStart()}`.trimEnd(),
    ...rest,
  ];
}

/** What is worth a word at a layer that is open. */
function seenAt(
  name: LayerName,
  { name: dns, route, tcp, proxy, tls, http, websocket }: EndpointEvidence,
): string {
  switch (name) {
    case 'name':
      return [
        ...(dns?.addresses ?? []).slice(0, 4),
        ...(dns?.resolver ? [`resolver ${dns.resolver}`] : []),
      ].join(', ');
    case 'route':
      return [route?.device && `dev ${route.device}`, route?.via && `via ${route.via}`]
        .filter(Boolean)
        .join(' ');
    case 'tcp':
      return tcp?.port === undefined ? '' : `port ${tcp.port}`;
    case 'proxy':
      return proxy?.proxy ?? '';
    case 'tls':
      return [tls?.version, tls?.issuer].filter(Boolean).join(', ');
    case 'http':
      return [
        http?.status === undefined ? '' : `HTTP ${http.status}`,
        http?.isService ? 'UnknownOperationException' : '',
      ]
        .filter(Boolean)
        .join(' ');
    case 'websocket':
      return websocket?.status === undefined ? '' : `HTTP ${websocket.status}`;
  }
}

/** The roots that AWS names, each looked for by its fingerprint in the store that an agent here reads. */
function rootLines(store: TrustStore | undefined, lang: Language, screen: Screen): string[] {
  if (!store?.awsRoots?.length) return [];
  const where = screen.text(store.path, 200);
  return [
    ...wrap(lang === 'ja' ? `ルート証明書（${where}）` : `Roots, in ${where}`, '    '),
    ...store.awsRoots.map(
      ({ name, present }) => `    ${screen.mark(present ? 'yes' : 'no')} ${screen.text(name, 70)}`,
    ),
  ];
}
