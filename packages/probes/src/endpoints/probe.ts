/** One endpoint, layer by layer, in the order in which an agent gets there; the first that fails ends it. */
import type { Socket } from 'node:net';
import type { ClockEvidence, EndpointEvidence } from '@rollcall/diagnosis';
import { redactUrl } from '@rollcall/diagnosis/collected';
import type { Sight } from '../machine/sight.ts';
import { connectAny, connectThrough } from './connect.ts';
import { askPage, askWebsocket } from './http.ts';
import { resolveName } from './name.ts';
import type { ProxyChoice } from './proxies.ts';
import { findRoute } from './route.ts';
import { handshake } from './tls.ts';
import type { Trust } from './trust.ts';

/** An endpoint and the way that an agent goes to it. */
export interface EndpointPlan {
  readonly url: URL;
  readonly service: string;
  readonly also: readonly string[];
  readonly needed: boolean;
  readonly agent?: 'rollcall' | 'official' | undefined;
  readonly proxy: ProxyChoice;
  readonly trust: Trust;
  readonly bundle?: Trust | undefined;
  readonly aws: boolean;
  /** Whether an agent opens websockets there. */
  readonly channels: boolean;
}

/** What came of it, and what the answer told of the clock. */
export interface Probed {
  readonly evidence: EndpointEvidence;
  readonly clock?: Pick<ClockEvidence, 'aheadMs' | 'source'>;
}

/** Milliseconds that a layer may take at most; all together they have no more than what remains. */
const limits = { name: 900, tcp: 1300, proxy: 1200, tls: 1200, http: 1000, websocket: 900 } as const;

/** Tries one endpoint. Never throws. */
export async function probeEndpoint(
  sight: Sight,
  plan: EndpointPlan,
  resolvers: readonly string[],
): Promise<Probed> {
  const { url } = plan;
  const layers: { -readonly [Name in keyof EndpointEvidence]?: EndpointEvidence[Name] } = {};
  const limit = (layer: keyof typeof limits) => Math.min(limits[layer], Math.max(0, sight.remaining() - 60));
  let clock: Probed['clock'];
  const finish = (): Probed => ({
    evidence: {
      url: redactUrl(url.origin),
      service: plan.service,
      needed: plan.needed,
      ...(plan.agent === undefined ? {} : { agent: plan.agent }),
      ...(plan.also.length === 0 ? {} : { also: plan.also }),
      ...layers,
    },
    ...(clock === undefined ? {} : { clock }),
  });

  const { proxy } = plan;
  if (proxy !== undefined && 'problem' in proxy) {
    layers.proxy = { ok: false, error: 'malformed', detail: proxy.problem };
    return finish();
  }
  const hop = proxy?.url ?? url;
  const host = bareHost(hop);
  const port = Number(hop.port || (hop.protocol === 'https:' ? 443 : hop.protocol === 'socks5:' ? 1080 : 80));
  const beside = proxy === undefined ? undefined : tryDirectly(sight, url, resolvers, limit);

  const name = await resolveName(host, resolvers, limit('name'), sight.run);
  layers.name = name;
  if (!name.ok) {
    if (beside !== undefined) layers.direct = await beside;
    return finish();
  }
  const [first] = name.addresses;
  const [route, tcp] = await Promise.all([
    first === undefined ? undefined : findRoute(sight, first),
    connectAny(name.addresses, port, limit('tcp')),
  ]);
  // One address without a route is no fault while another one answers.
  if (route !== undefined && (route.ok || !tcp.layer.ok)) layers.route = route;
  if (!(route?.ok === false && !tcp.layer.ok)) layers.tcp = tcp.layer;
  if (beside !== undefined) layers.direct = await beside;
  if (tcp.socket === undefined) return finish();

  let { socket } = tcp;
  if (proxy !== undefined) {
    const through = await connectThrough(socket, proxy.url, url, limit('proxy'));
    layers.proxy = through.layer;
    if (through.socket === undefined) return finish();
    socket = through.socket;
  }
  const options = {
    host: bareHost(url),
    trust: plan.trust,
    bundle: plan.bundle,
    aws: plan.aws,
    now: sight.now(),
  };
  const secure = await handshake(socket, { ...options, patience: limit('tls') });
  layers.tls = secure.layer;
  if (secure.socket === undefined) {
    socket.destroy();
    return finish();
  }
  if (!secure.layer.ok) {
    // Whoever leaves without a question looks, at the door, like somebody who turned away from the certificate.
    const page = await askPage(secure.socket, url, limit('http'));
    // A certificate out of its time is a certificate's fault or the clock's: the answer's date tells which.
    if (/^(expired|not-yet-valid)$/.test(secure.layer.error))
      clock = clockOf(sight, page, `${url.origin}, certificate not trusted`);
    secure.socket.destroy();
    return finish();
  }
  const asked = sight.now();
  const page = await askPage(secure.socket, url, limit('http'));
  secure.socket.destroy();
  layers.http = page;
  clock = clockOf(sight, page, url.origin, asked);
  if (!page.ok || !plan.channels) return finish();
  layers.websocket = await tryWebsocket(plan, name.addresses, port, options, limit);
  return finish();
}

/** A second connection: what a page came over may have been closed with it. */
async function tryWebsocket(
  plan: EndpointPlan,
  addresses: readonly string[],
  port: number,
  options: { host: string; trust: Trust; aws: boolean; now: number },
  limit: (layer: keyof typeof limits) => number,
): Promise<NonNullable<EndpointEvidence['websocket']>> {
  const { proxy, url } = plan;
  const failed = (layer: { ok: boolean; error?: string; detail?: string }) => ({
    ok: false as const,
    error: layer.error ?? 'failed',
    ...(layer.detail === undefined ? {} : { detail: layer.detail }),
  });
  const tcp = await connectAny(addresses, port, limit('tcp'));
  if (tcp.socket === undefined) return failed(tcp.layer);
  let socket: Socket = tcp.socket;
  if (proxy !== undefined && 'url' in proxy) {
    const through = await connectThrough(socket, proxy.url, url, limit('proxy'));
    if (through.socket === undefined) return failed(through.layer);
    socket = through.socket;
  }
  const secure = await handshake(socket, { ...options, patience: limit('tls') });
  if (secure.socket === undefined) return failed(secure.layer);
  const layer = await askWebsocket(secure.socket, url, limit('websocket'));
  secure.socket.destroy();
  return layer;
}

/** Whether the endpoint could be reached without its proxy. */
async function tryDirectly(
  sight: Sight,
  url: URL,
  resolvers: readonly string[],
  limit: (layer: keyof typeof limits) => number,
): Promise<NonNullable<EndpointEvidence['direct']>> {
  const name = await resolveName(bareHost(url), resolvers, limit('name'), sight.run);
  if (!name.ok)
    return { ok: false, error: name.error, ...(name.detail === undefined ? {} : { detail: name.detail }) };
  const { layer, socket } = await connectAny(name.addresses, Number(url.port || 443), limit('tcp'));
  socket?.destroy();
  return layer;
}

/** A `Date` is whole seconds, cut off: in the mean it is half a second old when it is written. */
function clockOf(
  sight: Sight,
  page: NonNullable<EndpointEvidence['http']>,
  source: string,
  asked = sight.now(),
): Probed['clock'] {
  if (page.date === undefined) return undefined;
  const middle = (asked + sight.now()) / 2;
  return { aheadMs: Math.round(middle - page.date - 500), source };
}

/** A host's name as sockets want it: without the brackets of an IPv6 address. */
export function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}
