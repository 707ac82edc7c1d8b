/**
 * Finds out, before anything is registered, whether a server can be reached from here: name, connection, TLS,
 * HTTP, clock, in this order, up to the first that is broken. Changes nothing, neither here nor there.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { type Agent, Agent as HttpsAgent, request } from 'node:https';
import { isIP, type Socket, connect as tcpConnect } from 'node:net';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import { ConnectionError, explainFailure } from './failures.ts';
import { certificateFingerprint, normalizeFingerprint, splitCertificates } from './identity.ts';
import { bareHost, proxyAgentOptions, type Route, tlsFor } from './visit.ts';

/** What is tried. */
export type PreflightStep = 'name' | 'connection' | 'tls' | 'http' | 'clock';

/** The outcome of one step. */
export interface PreflightResult {
  readonly step: PreflightStep;
  readonly ok: boolean;
  readonly milliseconds: number;
  readonly sentence: string;
  /** What broke it, for machines: a system's, OpenSSL's or Node's code, or one of ours. */
  readonly code?: string;
}

/** The outcome of all of them. */
export interface Preflight {
  readonly ok: boolean;
  /** The steps that were tried; the last one is the broken one, if any is. */
  readonly steps: readonly PreflightResult[];
  /** The certificates to trust the server by, PEM: those given, or those that the pin led to. */
  readonly ca?: string;
  /** How far the clock here is ahead of the server's (s), when that became known. */
  readonly clockAheadSeconds?: number;
}

/** What is to be tried. */
export interface PreflightOptions {
  readonly serverUrl: string;
  /** The certificates to trust, PEM; undefined: the pin, or else what the system trusts. */
  readonly ca?: string | undefined;
  /**
   * What the server must prove to be: the SHA-256 of its authority's certificate (`sha256:` and hexadecimal,
   * colons allowed), or of its public key as curl writes it (`sha256//` and base64).
   */
  readonly pin?: string | undefined;
  readonly proxy?: string | undefined;
  readonly noProxy?: readonly string[] | undefined;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** The skew beyond which signed requests are refused. */
const mostSkewSeconds = 300;
const stepTimeout = 10_000;

/** Tries the way to a server. Never throws for what is wrong with it. */
export async function preflight(options: PreflightOptions): Promise<Preflight> {
  const url = new URL(options.serverUrl);
  const now = options.now ?? Date.now;
  const steps: PreflightResult[] = [];
  const began = { at: performance.now() };
  const passed = (step: PreflightStep, sentence: string) => {
    const at = performance.now();
    steps.push({ step, ok: true, milliseconds: Math.round(at - began.at), sentence });
    began.at = at;
  };
  let ca = options.ca;
  let step: PreflightStep = 'name';
  let proxy: URL | undefined;
  try {
    proxy = proxyFor(options, url);
    const hop = proxy ?? url;
    const port = Number(hop.port || (hop.protocol === 'https:' ? 443 : 80));
    const by = proxy ? `proxy ${proxy.host}` : hop.host;
    const addresses = await addressesOf(hop);
    passed(
      'name',
      isIP(bareHost(hop)) ? `${by} is an address already.` : `${by} is ${addresses.join(', ')}.`,
    );
    step = 'connection';
    const address = await connectOnce(bareHost(hop), port);
    passed(
      'connection',
      proxy ? `${by} (${address}) accepts connections.` : `${address} port ${port} accepts connections.`,
    );

    step = 'tls';
    const route: Route = {
      serverUrl: url.origin,
      trust: undefined,
      proxy: options.proxy,
      noProxy: options.noProxy,
    };
    if (ca === undefined && options.pin !== undefined) ca = await authorityBehindPin(route, options.pin);
    const trusting = { ...route, trust: ca === undefined ? undefined : splitCertificates(ca) };
    const door = await knock(trusting, '/', () => {
      passed('tls', `The certificate is trusted and for ${url.hostname}.`);
      step = 'http';
    });
    passed('http', `The server answers (HTTP ${door.status}).`);
    step = 'clock';
    const theirs = Date.parse(door.date ?? '');
    if (Number.isNaN(theirs)) {
      passed('clock', 'The server does not tell its time, so the clocks could not be compared.');
      return { ok: true, steps, ...(ca === undefined ? {} : { ca }) };
    }
    const clockAheadSeconds = Math.round((now() - theirs - 500) / 1000);
    const difference = describeSkew(clockAheadSeconds);
    if (Math.abs(clockAheadSeconds) >= mostSkewSeconds) {
      const sentence = `The clock here is ${difference}; at ${mostSkewSeconds} s, signed requests are refused.`;
      steps.push({ step, ok: false, milliseconds: 0, sentence, code: 'ClockSkew' });
      return { ok: false, steps, clockAheadSeconds };
    }
    passed('clock', `The clock here is ${difference}.`);
    return { ok: true, steps, clockAheadSeconds, ...(ca === undefined ? {} : { ca }) };
  } catch (error) {
    // Up to the connection, it is the proxy that wasn't reached, and not the server behind it.
    const reached = step !== 'name' && step !== 'connection';
    const where = proxy && !reached ? `proxy ${proxy.host}` : url.host;
    const explained = explainFailure(error, where) as Error;
    const code =
      explained instanceof ConnectionError ? explained.code : (explained as NodeJS.ErrnoException).code;
    if (explained instanceof ConnectionError && explained.layer === 'proxy') {
      // The proxy took the connection, and then led nowhere.
      steps.pop();
      step = 'connection';
    }
    const milliseconds = Math.round(performance.now() - began.at);
    steps.push({ step, ok: false, milliseconds, sentence: explained.message, code: code ?? 'Error' });
    return { ok: false, steps };
  }
}

/** The proxy that will be used for the address, if one will be. Node decides; this asks it. */
function proxyFor(options: PreflightOptions, url: URL): URL | undefined {
  if (options.proxy === undefined) return undefined;
  const host = url.hostname.toLowerCase();
  const spared = (options.noProxy ?? []).some((entry) => {
    const name = entry.toLowerCase().replace(/^\*?\./, '');
    return name === '*' || host === name || (entry !== name && host.endsWith(`.${name}`));
  });
  return spared ? undefined : new URL(options.proxy);
}

async function addressesOf(url: URL): Promise<string[]> {
  const found = await lookup(bareHost(url), { all: true });
  return found.map(({ address }) => address);
}

function connectOnce(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: Socket = tcpConnect({
      host,
      port,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: 3000,
    });
    socket.setTimeout(stepTimeout, () => socket.destroy(timedOut()));
    socket.once('error', reject);
    socket.once('connect', () => {
      resolve(socket.remoteAddress ?? host);
      socket.destroy();
    });
  });
}

interface Door {
  readonly status: number;
  readonly date: string | undefined;
  readonly body: string;
  readonly peer: DetailedPeerCertificate;
}

/** Asks for a page. `secure` is called when the TLS handshake is done. */
function knock(route: Route, path: string, secure: () => void, insecure = false): Promise<Door> {
  const url = new URL(route.serverUrl);
  const agent: Agent = new HttpsAgent(proxyAgentOptions(route));
  return new Promise<Door>((resolve, reject) => {
    let peer: DetailedPeerCertificate | undefined;
    const call = request(
      {
        ...tlsFor(route),
        ...(insecure ? { rejectUnauthorized: false } : {}),
        agent,
        host: bareHost(url),
        port: url.port || 443,
        path,
        timeout: stepTimeout,
      },
      (response) => {
        const parts: Buffer[] = [];
        let length = 0;
        response.on('data', (part: Buffer) => {
          parts.push(part);
          length += part.length;
          if (length > 1_000_000) call.destroy(new Error('The answer is too long.'));
        });
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            date: response.headers.date,
            body: Buffer.concat(parts).toString('utf8'),
            peer: peer!,
          }),
        );
      },
    );
    call.on('socket', (socket) => {
      const note = () => {
        peer = (socket as TLSSocket).getPeerCertificate(true);
        secure();
      };
      // Through a proxy the socket arrives with its handshake done.
      if ((socket as TLSSocket).getProtocol?.() && (socket as TLSSocket).getFinished?.()) note();
      else socket.once('secureConnect', note);
    });
    call.on('timeout', () => call.destroy(timedOut()));
    call.on('error', reject);
    call.end();
  }).finally(() => agent.destroy());
}

/**
 * Finds the authority that a pin stands for. The connection that brings it isn't trusted: what it brings is,
 * because it has the fingerprint, or because the connection ended at the pinned key.
 */
async function authorityBehindPin(route: Route, pin: string): Promise<string> {
  const door = await knock(route, '/ca.pem', () => {}, true);
  const refuse = (what: string): never => {
    throw new ConnectionError(
      'tls',
      'PinMismatch',
      `${new URL(route.serverUrl).host}: ${what}. Either it is another server, or the pin is wrong.`,
    );
  };
  const certificates = splitCertificates(door.body);
  const key = /^sha256\/\/(.+)$/.exec(pin.trim())?.[1];
  if (key !== undefined) {
    if (publicKeyHash(door.peer) !== key) refuse("the server's key is not the pinned one");
    if (certificates.length === 0)
      refuse('the server has the pinned key, but does not say which authority to trust');
    return certificates.join('');
  }
  const wanted = normalizeFingerprint(pin);
  const match = certificates.find((pem) => certificateFingerprint(pem) === wanted);
  return match ?? refuse('the server does not have the authority with the given fingerprint');
}

function publicKeyHash(peer: DetailedPeerCertificate): string {
  const { publicKey } = new X509Certificate(peer.raw);
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');
}

function describeSkew(seconds: number): string {
  if (Math.abs(seconds) <= 1) return 'right to the second';
  return `${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} the server's`;
}

function timedOut(): Error {
  return Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' });
}
