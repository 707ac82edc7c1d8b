/**
 * A TLS handshake as the agent would make it: what is shown, and whether what the agent trusts vouches for it.
 * The handshake is finished even when it isn't trusted, to see who answers; nothing secret is sent over it.
 */
import type { X509Certificate } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect, type TLSSocket } from 'node:tls';
import type { EndpointEvidence, TlsFacts, TrustStore } from '@rollcall/diagnosis';
import { plainAddress, redactText } from '@rollcall/diagnosis/collected';
import { wordFor } from './connect.ts';
import { findAwsRoots, type Trust, vouches } from './trust.ts';

type TlsLayer = NonNullable<EndpointEvidence['tls']>;

/** What of the agent matters. */
export interface TlsOptions {
  readonly host: string;
  readonly trust: Trust;
  /** What `AWS_CA_BUNDLE` names, where it is set. */
  readonly bundle?: Trust | undefined;
  /** Whether AWS is the endpoint: then its three roots are looked for. */
  readonly aws: boolean;
  readonly now: number;
  readonly patience: number;
}

/** Makes the handshake over a connection. The socket is there whenever a handshake was finished. */
export function handshake(
  socket: Socket,
  options: TlsOptions,
): Promise<{ layer: TlsLayer; socket?: TLSSocket }> {
  const { host, trust, patience } = options;
  const began = performance.now();
  // It may have been reset while nobody looked.
  if (socket.destroyed) return Promise.resolve({ layer: { ok: false, ms: 0, error: 'reset' } });
  return new Promise((resolve) => {
    const secure = connect({
      socket,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ca: [...trust.certificates],
      allowPartialTrustChain: trust.partial,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
    });
    const ms = () => Math.round(performance.now() - began);
    const timer = setTimeout(
      () => secure.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })),
      patience,
    );
    const broke = (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      socket.destroy();
      const word = handshakeWord(error);
      resolve({
        layer: { ok: false, ms: ms(), error: word, detail: redactText(error.code ?? error.message, 200) },
      });
    };
    secure.once('error', broke);
    const ended = () => broke(Object.assign(new Error('closed'), { code: 'ECONNRESET' }));
    secure.once('end', ended);
    secure.once('secureConnect', () => {
      clearTimeout(timer);
      // From now on its end is the business of whoever talks over it: Node's HTTP gives its parser back twice when
      // the connection below is destroyed before it hears of the end itself.
      secure
        .off('end', ended)
        .off('error', broke)
        .on('error', () => {});
      const chain = chainOf(secure);
      const facts = describe(secure, chain, options);
      const judged = judge(secure, host, trust);
      resolve({
        socket: secure,
        layer:
          judged === undefined
            ? { ok: true, ms: ms(), ...facts }
            : { ok: false, ms: ms(), ...judged, ...facts },
      });
    });
  });
}

function handshakeWord(error: NodeJS.ErrnoException): string {
  const code = `${error.code ?? ''} ${error.message}`;
  if (/WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH|RECORD_LAYER|UNEXPECTED_MESSAGE/.test(code))
    return 'not-tls';
  if (/UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|VERSION_TOO_LOW|INAPPROPRIATE_FALLBACK/.test(code))
    return 'protocol-version';
  if (/ALERT|HANDSHAKE|CIPHER|SSL/.test(code)) return 'handshake-failure';
  return wordFor(error);
}

/** The chain that was shown, the host's own certificate first. */
function chainOf(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next = socket.getPeerX509Certificate();
  while (next !== undefined && chain.length < 10 && !chain.some(({ raw }) => raw.equals(next!.raw))) {
    chain.push(next);
    next = next.issuerCertificate;
  }
  return chain;
}

/** Why the agent wouldn't go on; undefined when it would. */
function judge(socket: TLSSocket, host: string, trust: Trust): { error: string; detail: string } | undefined {
  if (!socket.authorized) {
    const code = String(
      (socket.authorizationError as NodeJS.ErrnoException | undefined)?.code ??
        socket.authorizationError ??
        '',
    );
    const words: Readonly<Record<string, string>> = {
      CERT_HAS_EXPIRED: 'expired',
      CERT_NOT_YET_VALID: 'not-yet-valid',
      ERR_TLS_CERT_ALTNAME_INVALID: 'wrong-name',
    };
    const word = words[code] ?? (trust.store.readable ? 'untrusted' : 'no-store');
    return { error: word, detail: redactText(code, 120) };
  }
  const mismatch = checkServerIdentity(host, socket.getPeerCertificate());
  return mismatch === undefined
    ? undefined
    : { error: 'wrong-name', detail: redactText(mismatch.message, 200) };
}

function describe(
  socket: TLSSocket,
  chain: readonly X509Certificate[],
  { trust, bundle, aws }: TlsOptions,
): TlsFacts {
  const leaf = chain[0];
  const last = chain.at(-1);
  const store = (of: Trust): TrustStore => ({
    ...of.store,
    hasRoot: vouches(of, chain),
    ...(aws ? { awsRoots: findAwsRoots(of) } : {}),
  });
  return {
    ...(socket.getProtocol() === null ? {} : { version: socket.getProtocol()! }),
    ...(leaf === undefined
      ? {}
      : {
          subject: nameOf(leaf.subject),
          issuer: nameOf(leaf.issuer),
          fingerprint: hex(leaf.fingerprint256),
          names: namesOf(leaf.subjectAltName),
          notBefore: leaf.validFromDate.getTime(),
          notAfter: leaf.validToDate.getTime(),
        }),
    ...(last === undefined
      ? {}
      : {
          root: hex(last.fingerprint256),
          rootSubject: nameOf(last.subject),
          rootSelfSigned: last.subject === last.issuer && last.checkIssued(last),
        }),
    store: store(trust),
    ...(bundle === undefined ? {} : { bundle: store(bundle) }),
  };
}

function hex(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').toLowerCase();
}

/** `CN=x, O=y` of the lines that Node gives. */
function nameOf(name: string): string {
  return redactText(name.split('\n').reverse().join(', '), 200);
}

function namesOf(names: string | undefined): string[] {
  return (names ?? '')
    .split(', ')
    .filter(Boolean)
    .slice(0, 40)
    .map((name) => plainAddress(redactText(name.replace(/^(DNS|IP Address):/, ''), 253)));
}
