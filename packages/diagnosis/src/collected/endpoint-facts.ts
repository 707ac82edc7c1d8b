/**
 * The way to each endpoint, layer by layer, from what curl, wget, openssl and the like said on a machine that has
 * nothing of ours. What they can't tell apart stays unsaid.
 */
import type { ClockEvidence, EndpointEvidence, Layer, TlsFacts } from '../evidence/index.ts';
import type { CollectedAgents } from './agent-facts.ts';
import type { Facts } from './facts.ts';
import { shown } from './machine-facts.ts';
import { isBefore } from './official-settings.ts';
import { plainAddress } from './plain-address.ts';
import { redactText, redactUrl } from './redact-text.ts';
import { parseRoute } from './route-text.ts';

/** The endpoints, the clock that their answers tell, and what could not be told. */
export interface CollectedEndpoints {
  readonly endpoints: readonly EndpointEvidence[];
  readonly clock?: Pick<ClockEvidence, 'aheadMs' | 'source'>;
  readonly unseen: readonly { readonly what: string; readonly why: string }[];
}

/** Reads them. */
export function endpointsFrom(facts: Facts, agents: CollectedAgents): CollectedEndpoints {
  const endpoints: EndpointEvidence[] = [];
  const unseen: { what: string; why: string }[] = [];
  let clock: CollectedEndpoints['clock'];
  for (const group of facts.groups('endpoint').slice(0, 12)) {
    const read = readOne(facts, group, agents);
    if (read === undefined) continue;
    endpoints.push(read.evidence);
    unseen.push(...read.unseen);
    if (read.clock !== undefined && (clock === undefined || clock.source?.includes('not trusted')))
      clock = read.clock;
  }
  return { endpoints, unseen, ...(clock === undefined ? {} : { clock }) };
}

type Mutable<T> = { -readonly [Name in keyof T]?: T[Name] };

interface Times {
  readonly status: number;
  readonly connectStatus: number;
  readonly name: number;
  readonly tcp: number;
  readonly tls: number;
  readonly total: number;
  readonly address?: string;
}

function readOne(
  facts: Facts,
  group: string,
  agents: CollectedAgents,
):
  | {
      evidence: EndpointEvidence;
      clock?: CollectedEndpoints['clock'];
      unseen: { what: string; why: string }[];
    }
  | undefined {
  const one = (key: string) => facts.one('endpoint', `${group}.${key}`);
  const all = (key: string) => facts.all('endpoint', `${group}.${key}`);
  const address = one('url');
  if (address === undefined || !URL.canParse(address)) return undefined;
  const url = new URL(address);
  const who = one('agent');
  const service = redactText(one('service') ?? 'ssm', 40);
  const also = facts
    .all('endpoint', 'also')
    .map((line) => line.split(' '))
    .filter(([, other]) => other === address)
    .map(([name]) => redactText(name ?? '', 40));
  const official = agents.agents.find(({ kind }) => kind === 'official');
  const isOwn = who === 'rollcall' || who === 'none';
  // An address that was only given to the script isn't what an agent of ours hangs on that has its own.
  const isExtra =
    who === 'none' &&
    agents.agents.some(({ kind, identity }) => kind === 'rollcall' && identity?.server !== undefined);
  const unseen: { what: string; why: string }[] = [];
  const layers: Mutable<EndpointEvidence> = {};
  const finish = (clock?: CollectedEndpoints['clock']) => ({
    unseen,
    ...(clock === undefined ? {} : { clock }),
    evidence: {
      url: redactUrl(url.origin),
      service,
      needed:
        !isExtra &&
        (service !== 'ec2messages' ||
          (official?.version !== undefined && isBefore(official.version, '3.3.40'))),
      ...(who === 'rollcall' || who === 'official' ? { agent: who } : {}),
      ...(isOwn ? { also: ['ssmmessages', 'ec2messages'] } : also.length === 0 ? {} : { also }),
      ...layers,
    } satisfies EndpointEvidence,
  });
  const proxy = one('proxy');
  const trouble = all('trouble').join('\n');
  const code = facts.count('endpoint', `${group}.curl`);
  const times = timesOf(one('times'));
  const wget = facts.count('endpoint', `${group}.wget`);

  const addresses = addressesOf(one('getent'), one('nslookup'), times?.address);
  const nameFailed =
    code === 6 ||
    code === 5 ||
    /could not resolve|bad address|unable to resolve|name or service/i.test(trouble);
  if (nameFailed || (addresses.length === 0 && one('getent') === 'none')) {
    const nslookup = one('nslookup') ?? '';
    const error = /NXDOMAIN|can't find/i.test(nslookup)
      ? 'not-found'
      : /timed out|no servers could be reached|SERVFAIL/i.test(nslookup)
        ? 'temporary'
        : code === 6 || code === 5
          ? 'not-found'
          : 'temporary';
    layers.name = { ok: false, error, detail: redactText(trouble || nslookup, 200) };
    return finish();
  }
  if (code === 28 && times !== undefined && times.name === 0 && addresses.length === 0) {
    layers.name = { ok: false, error: 'timeout' };
    return finish();
  }
  if (addresses.length > 0)
    layers.name = {
      ok: true,
      addresses,
      ...(times === undefined ? {} : { ms: Math.round(times.name * 1000) }),
    };

  const way = routeOf(one('route'));
  const tcp = tcpOf(code, wget, facts.count('endpoint', `${group}.nc`), times, trouble);
  if (way !== undefined && (way.ok || tcp?.ok !== true)) layers.route = way;
  if (tcp === undefined) {
    unseen.push({ what: `connection to ${url.host}`, why: 'no curl, wget or nc gave an answer' });
    return finish();
  }
  if (way?.ok === false && !tcp.ok) return finish();
  layers.tcp = tcp;
  if (!tcp.ok) return finish();

  if (proxy !== undefined) {
    layers.proxy = proxyOf(proxy, code, times, trouble);
    if (!layers.proxy.ok) return finish();
  }
  const certificate = certificateOf(facts, group, who, agents);
  const insecure = one('insecure') !== undefined;
  const now = (facts.count('meta', 'at') ?? 0) * 1000;
  const tls = tlsOf({ url, code, insecure, times, trouble, verify: one('verify'), certificate, now });
  if (tls === undefined) {
    unseen.push({
      what: `certificate of ${url.host}`,
      why: 'neither curl nor openssl told whether it is trusted',
    });
    return finish();
  }
  layers.tls = tls;
  const page = pageOf(all('head'), one('body'));
  if (!tls.ok) {
    const timely = /^(expired|not-yet-valid)$/.test(tls.error);
    return finish(timely ? clockOf(facts, group, page, `${url.origin}, certificate not trusted`) : undefined);
  }
  if (page === undefined) {
    const timedOut = code === 28 || /timed out/i.test(trouble);
    layers.http = {
      ok: false,
      error: timedOut ? 'timeout' : code === 52 || code === 56 ? 'reset' : 'failed',
    };
    return finish();
  }
  layers.http = page;
  const upgrade = one('upgrade');
  if (page.ok && upgrade !== undefined) layers.websocket = upgradeOf(upgrade);
  return finish(clockOf(facts, group, page, url.origin));
}

function timesOf(text: string | undefined): Times | undefined {
  const fields = text?.split(' ');
  if (fields === undefined || fields.length < 6) return undefined;
  const [status, connectStatus, name, tcp, tls, total] = fields.slice(0, 6).map(Number);
  if (![status, connectStatus, name, tcp, tls, total].every((value) => value! >= 0)) return undefined;
  const address = fields.length >= 8 && fields[6] !== '' ? fields[6] : undefined;
  return {
    status: status!,
    connectStatus: connectStatus!,
    name: name!,
    tcp: tcp!,
    tls: tls!,
    total: total!,
    ...(address === undefined ? {} : { address: redactText(address, 60) }),
  };
}

function addressesOf(getent?: string, nslookup?: string, used?: string): string[] {
  const ofGetent = getent === undefined || getent === 'none' ? [] : getent.split(' ');
  // Behind `Name:` come the answers; before it the resolver's own address.
  const answer = nslookup === undefined ? '' : nslookup.slice(Math.max(0, nslookup.indexOf('Name:')));
  const ofNslookup = nslookup?.includes('Name:')
    ? [...answer.matchAll(/Address(?: \d+)?: ([0-9a-fA-F.:]+)/g)].map((match) => match[1]!)
    : [];
  const found = [...ofGetent, ...ofNslookup, ...(used === undefined ? [] : [used])];
  return [...new Set(found.filter((text) => /^[0-9a-fA-F.:]{2,45}$/.test(text)))].slice(0, 16);
}

function routeOf(text: string | undefined): EndpointEvidence['route'] {
  if (text === undefined) return undefined;
  if (/RTNETLINK|unreachable|No route/i.test(text) && !/^\S+ (via|dev) /.test(text))
    return {
      ok: false,
      error: /permission|prohibit/i.test(text) ? 'prohibited' : 'unreachable',
      detail: redactText(text, 200),
    };
  return /\bdev \S+/.test(text) || /^(unreachable|prohibit|blackhole)/.test(text)
    ? parseRoute(text)
    : undefined;
}

/** The word for what a tool said broke a connection. */
function wordIn(text: string): string {
  if (/refused/i.test(text)) return 'refused';
  if (/not permitted|permission denied/i.test(text)) return 'denied';
  if (/no route to host|unreachable/i.test(text)) return 'unreachable';
  if (/timed out|timeout/i.test(text)) return 'timeout';
  if (/reset/i.test(text)) return 'reset';
  return 'failed';
}

function tcpOf(
  code: number | undefined,
  wget: number | undefined,
  nc: number | undefined,
  times: Times | undefined,
  trouble: string,
): Layer<{ address?: string }> | undefined {
  if (code !== undefined) {
    if (code === 7) return { ok: false, error: wordIn(trouble), detail: redactText(trouble, 300) };
    // Of a connection that broke later curl forgets the times, and not the address.
    const stood = times !== undefined && (times.tcp > 0 || times.tls > 0 || times.address !== undefined);
    if (code === 28 && !stood) return { ok: false, error: 'timeout' };
    if (code === 124 || code === 137) return { ok: false, error: 'timeout', detail: 'curl was ended' };
    if (code !== 0 && !stood) return undefined;
    return {
      ok: true,
      ...(times === undefined || times.tcp === 0
        ? {}
        : { ms: Math.max(0, Math.round((times.tcp - times.name) * 1000)) }),
      ...(times?.address === undefined ? {} : { address: times.address }),
    };
  }
  if (wget !== undefined) {
    const word = wordIn(trouble);
    if (wget !== 0 && /refused|unreachable|no route|timed out|not permitted/i.test(trouble))
      return { ok: false, error: word, detail: redactText(trouble, 300) };
    return { ok: true };
  }
  if (nc === undefined) return undefined;
  return nc === 0 ? { ok: true } : { ok: false, error: nc === 137 || nc === 124 ? 'timeout' : 'failed' };
}

function proxyOf(
  proxy: string,
  code: number | undefined,
  times: Times | undefined,
  trouble: string,
): NonNullable<EndpointEvidence['proxy']> {
  const shownProxy = redactUrl(proxy);
  const status = times?.connectStatus ?? 0;
  if (status >= 200 && status < 300) return { ok: true, proxy: shownProxy, status };
  const facts = { proxy: shownProxy, ...(status > 0 ? { status } : {}) };
  if (status === 407) return { ok: false, error: 'auth-required', ...facts };
  if (status === 403) return { ok: false, error: 'denied', ...facts };
  if (status >= 500) return { ok: false, error: 'bad-gateway', ...facts };
  if (status > 0) return { ok: false, error: 'refused-connect', ...facts };
  // Without a status it was passed by, if what came after it worked.
  if (code === 0 || (times !== undefined && times.tls > 0)) return { ok: true, ...facts };
  return { ok: false, error: wordIn(trouble), detail: redactText(trouble, 200), ...facts };
}

interface Certificate {
  readonly facts: TlsFacts;
  /** What our agent's own list of trusted certificates says; undefined where it doesn't decide. */
  readonly trusted?: boolean;
}

function certificateOf(
  facts: Facts,
  group: string,
  who: string | undefined,
  agents: CollectedAgents,
): Certificate | undefined {
  const leaf = facts.all('endpoint', `${group}.leaf`);
  const last = facts.all('endpoint', `${group}.last`);
  if (leaf.length === 0) return undefined;
  const value = (lines: readonly string[], name: RegExp) => {
    const line = lines.find((text) => name.test(text));
    return line?.slice(line.indexOf('=') + 1).trim();
  };
  const print = (lines: readonly string[]) => {
    const text = value(lines, /fingerprint/i)
      ?.replaceAll(':', '')
      .toLowerCase();
    return text !== undefined && /^[0-9a-f]{64}$/.test(text) ? text : undefined;
  };
  const at = (name: RegExp) => {
    const time = Date.parse(value(leaf, name) ?? '');
    return Number.isNaN(time) ? undefined : time;
  };
  const names = (facts.one('endpoint', `${group}.names`) ?? '')
    .split(/,\s*/)
    .filter(Boolean)
    .slice(0, 40)
    .map((name) => plainAddress(redactText(name.trim().replace(/^(DNS|IP Address):/, ''), 253)));
  const root = print(last);
  const rootSubject = shown(value(last, /^subject/));
  const rootIssuer = shown(value(last, /^issuer/));
  const storePath = facts.one('endpoint', `${group}.store`);
  const changed = facts.count('endpoint', `${group}.store.changed`);
  const verify = facts.one('endpoint', `${group}.verify`);
  const trusts = who === 'rollcall' || who === 'none' ? agents.trusts : undefined;
  const trusted = trusts === undefined || root === undefined ? undefined : trusts.includes(root);
  const subject = shown(value(leaf, /^subject/));
  const issuer = shown(value(leaf, /^issuer/));
  const notBefore = at(/^notBefore/);
  const notAfter = at(/^notAfter/);
  const fingerprint = print(leaf);
  const version = shown(facts.one('endpoint', `${group}.protocol`), 20);
  const ofAgent = agents.agents.find(({ kind }) => kind === 'rollcall')?.binary;
  const store: TlsFacts['store'] =
    trusts !== undefined
      ? {
          path: `${ofAgent ?? ''}/identity.json`,
          by: 'identity.json',
          readable: true,
          count: trusts.length,
          ...(trusted === undefined ? {} : { hasRoot: trusted }),
        }
      : storePath === undefined
        ? undefined
        : {
            path: redactText(storePath, 300),
            readable: true,
            ...(changed === undefined ? {} : { changedAt: changed * 1000 }),
            // 0 found its root; 18 to 21 are the ways not to find one. Others say nothing about it.
            ...(verify === undefined
              ? {}
              : /^0 /.test(verify)
                ? { hasRoot: true }
                : /^(18|19|20|21) /.test(verify)
                  ? { hasRoot: false }
                  : {}),
          };
  return {
    ...(trusted === undefined ? {} : { trusted }),
    facts: {
      ...(version === undefined ? {} : { version }),
      ...(subject === undefined ? {} : { subject }),
      ...(issuer === undefined ? {} : { issuer }),
      ...(fingerprint === undefined ? {} : { fingerprint }),
      ...(names.length === 0 ? {} : { names }),
      ...(notBefore === undefined ? {} : { notBefore }),
      ...(notAfter === undefined ? {} : { notAfter }),
      ...(root === undefined ? {} : { root }),
      ...(rootSubject === undefined ? {} : { rootSubject, rootSelfSigned: rootSubject === rootIssuer }),
      ...(store === undefined ? {} : { store }),
    },
  };
}

/** What was said of a handshake. */
interface Handshake {
  readonly url: URL;
  readonly code: number | undefined;
  /** Whether curl was told not to look at the certificate. */
  readonly insecure: boolean;
  readonly times: Times | undefined;
  readonly trouble: string;
  readonly verify: string | undefined;
  readonly certificate: Certificate | undefined;
  readonly now: number;
}

function tlsOf(said: Handshake): EndpointEvidence['tls'] {
  const { url, code, insecure, times, trouble, verify, certificate, now } = said;
  const facts = certificate?.facts ?? {};
  const ms = times !== undefined && times.tls > 0 ? { ms: Math.round((times.tls - times.tcp) * 1000) } : {};
  const good = { ok: true as const, ...ms, ...facts };
  const failed = (error: string, detail = trouble) => ({
    ok: false as const,
    ...facts,
    ...ms,
    error,
    ...(detail === '' ? {} : { detail: redactText(detail, 200) }),
  });
  if (code === 28 && times !== undefined && times.tls === 0) return failed('timeout');
  if (code === 77) return failed('no-store');
  if ((code === 35 || code === 56 || code === 52) && !(times !== undefined && times.tls > 0)) {
    if (/wrong version number|packet length|http request/i.test(trouble)) return failed('not-tls');
    if (/protocol version|unsupported protocol/i.test(trouble)) return failed('protocol-version');
    if (/reset|SSL_ERROR_SYSCALL|unexpected eof/i.test(trouble)) return failed('reset');
    return failed('handshake-failure');
  }
  if (code === 0 && !insecure) return good;
  if (code === 60 || code === 51) {
    if (/expired/i.test(trouble)) return failed('expired');
    if (/not yet valid/i.test(trouble)) return failed('not-yet-valid');
    if (/no alternative certificate|does not match|subject name matches/i.test(trouble))
      return failed('wrong-name');
  }
  const { notBefore, notAfter, names, store } = certificate?.facts ?? {};
  const wrongName = names !== undefined && !coversHost(names, url.hostname);
  // No tool here knows what our agent trusts: its status does.
  if (certificate?.trusted === true) {
    if (notAfter !== undefined && now > notAfter) return failed('expired', '');
    if (notBefore !== undefined && now < notBefore) return failed('not-yet-valid', '');
    return wrongName ? failed('wrong-name', '') : good;
  }
  if (certificate?.trusted === false) return failed('untrusted', verify);
  if (code === 60 || code === 51) return store === undefined ? undefined : failed('untrusted');
  if (verify === undefined) return undefined;
  if (/^0 /.test(verify)) return wrongName ? failed('wrong-name', '') : good;
  if (/^10 /.test(verify)) return failed('expired', verify);
  if (/^9 /.test(verify)) return failed('not-yet-valid', verify);
  if (/^62 /.test(verify)) return failed('wrong-name', verify);
  return store?.hasRoot === false ? failed('untrusted', verify) : undefined;
}

function coversHost(names: readonly string[], hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  return names.some((raw) => {
    const name = plainAddress(raw.toLowerCase());
    if (name.startsWith('*.')) return host.slice(host.indexOf('.')) === name.slice(1);
    return name === host;
  });
}

function pageOf(head: readonly string[], body: string | undefined): EndpointEvidence['http'] {
  // Behind a proxy its own answer to CONNECT stands before the endpoint's.
  const line = head.findLast((text) => /^HTTP\//.test(text));
  const status = Number(/^HTTP\/[\d.]+ (\d{3})/.exec(line ?? '')?.[1]);
  if (line === undefined || !(status > 0)) return undefined;
  const own = head.slice(head.lastIndexOf(line));
  const field = (name: string) =>
    own
      .find((text) => text.toLowerCase().startsWith(`${name}:`))
      ?.slice(name.length + 1)
      .trim();
  const text = body ?? '';
  // BusyBox's wget shows no body of a 404; the request's id is the service's.
  const isService =
    /UnknownOperationException/.test(text) ||
    (body === undefined && status === 404 && field('x-amzn-requestid') !== undefined);
  const date = Date.parse(field('date') ?? '');
  const location = field('location');
  const server = shown(field('server'), 80);
  const facts = {
    status,
    isService,
    body: redactText(text.trim(), 200),
    ...(server === undefined ? {} : { server }),
    ...(Number.isNaN(date) ? {} : { date }),
    ...(location === undefined ? {} : { location: redactUrl(location) }),
  };
  if (isService) return { ok: true, ...facts };
  const portal =
    status === 511 ||
    (status >= 300 && status < 400 && location !== undefined) ||
    (status === 200 && /http-equiv=["']?refresh|<form/i.test(text));
  return { ok: false, error: portal ? 'captive-portal' : 'wrong-host', ...facts };
}

function upgradeOf(text: string): NonNullable<EndpointEvidence['websocket']> {
  const status = Number(/^.*HTTP\/[\d.]+ (\d{3})/.exec(text)?.[1]);
  if (!(status > 0)) return { ok: false, error: 'reset' };
  if (status === 101) return { ok: true, status };
  if (/<UnknownOperationException\s*\/>/.test(text)) return { ok: false, status, error: 'stripped' };
  const isService = /x-amzn-requestid:/i.test(text) || /Exception\b/.test(text);
  if (isService && status >= 400 && status < 500) return { ok: true, status };
  return { ok: false, status, error: 'denied', detail: redactText(text.slice(0, 120)) };
}

function clockOf(
  facts: Facts,
  group: string,
  page: EndpointEvidence['http'],
  source: string,
): CollectedEndpoints['clock'] {
  const asked = facts.count('endpoint', `${group}.asked`);
  if (page?.date === undefined || asked === undefined) return undefined;
  // Both are whole seconds: what is left of the difference is good to about two.
  return { aheadMs: asked * 1000 - page.date, source: redactText(source, 200) };
}
