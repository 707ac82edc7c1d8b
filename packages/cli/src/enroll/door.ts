/**
 * A look at a server's door, with or without trusting what is behind it. What an untrusted look brings is
 * only ever shown, compared with a fingerprint, or handed to a person to compare.
 */
import { X509Certificate } from 'node:crypto';
import { Agent, request } from 'node:https';

/** How to get there. */
export interface Way {
  readonly url: string;
  /** PEM; undefined: what the system trusts. */
  readonly trust?: string | undefined;
  /** Look, although nothing vouches for who answers. */
  readonly untrusted?: boolean;
  readonly proxy?: string | undefined;
  readonly noProxy?: readonly string[] | undefined;
}

/** What was found. */
export interface Door {
  readonly status: number;
  readonly body: string;
  /** Milliseconds since the epoch, by the server's clock; undefined when it doesn't say. */
  readonly date: number | undefined;
}

const longest = 1_000_000;

/** Asks for one page. Rejects as sockets do when there is no answer within 10 s. */
export function lookAt(way: Way, path: string): Promise<Door> {
  const url = new URL(path, way.url);
  const proxyEnv = way.proxy && { HTTPS_PROXY: way.proxy, NO_PROXY: (way.noProxy ?? []).join(',') };
  const agent = new Agent(proxyEnv ? { proxyEnv } : {});
  const tls = {
    rejectUnauthorized: way.untrusted !== true,
    autoSelectFamilyAttemptTimeout: 3000,
    ...(way.trust === undefined ? {} : { ca: way.trust }),
  };
  return new Promise<Door>((resolve, reject) => {
    const signal = AbortSignal.timeout(10_000);
    const call = request(url, { ...tls, agent, signal }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > longest) call.destroy(new Error('the answer is too long'));
      });
      response.on('error', reject);
      response.on('end', () => {
        const date = Date.parse(response.headers.date ?? '');
        resolve({
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks).toString('utf8'),
          date: Number.isNaN(date) ? undefined : date,
        });
      });
    });
    call.on('error', (error) => reject(signal.aborted ? new Error('no answer within 10 s') : error));
    call.end();
  }).finally(() => agent.destroy());
}

/** Whether an answer to `GET /` is that of a server of ours, or of AWS, rather than of anything else. */
export function looksRight(door: Door): boolean {
  return door.body.includes('UnknownOperationException');
}

/** The certificates in a PEM text that can be read, in order. */
export function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((block) => {
    try {
      return [new X509Certificate(block)];
    } catch {
      return [];
    }
  });
}

/** A certificate's fingerprint as we write it: `sha256:` and 64 hexadecimal digits. */
export function fingerprintOf(certificate: X509Certificate): string {
  return `sha256:${certificate.fingerprint256.replaceAll(':', '').toLowerCase()}`;
}

/** A typed fingerprint in that form; undefined when it is none. */
export function readFingerprint(typed: string): string | undefined {
  const digits = typed
    .trim()
    .toLowerCase()
    .replace(/^sha-?256[:=]\s*/, '')
    .replaceAll(/[:\s]/g, '');
  return /^[0-9a-f]{64}$/.test(digits) ? `sha256:${digits}` : undefined;
}
