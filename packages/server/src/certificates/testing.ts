/** What the tests of our own CA share: a folder with a machine's names, and a client that connects. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { connect, createServer } from 'node:tls';
import { type ManualClock, manualClock } from '../clock.ts';
import {
  CertificateError,
  type CertificateOptions,
  type CertificateProblem,
  openCertificates,
} from './index.ts';

export const day = 86_400_000;

/** A folder and a machine's names, to be changed by the test. */
export interface Scene {
  readonly directory: string;
  readonly clock: ManualClock;
  addresses: string[];
  publicUrls: string[];
  open(more?: Partial<CertificateOptions>): ReturnType<typeof openCertificates>;
}

/** Sets it; removed when the test ends. */
export function scene(t: TestContext, more: { publicUrls?: string[]; domain?: string } = {}): Scene {
  const directory = mkdtempSync(join(tmpdir(), 'rollcall-certificates-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const made: Scene = {
    directory,
    clock: manualClock(Date.now()), // node:tls judges validity by the real clock
    addresses: ['192.168.7.9', 'fd00::9', '203.0.113.5'],
    publicUrls: more.publicUrls ?? [],
    open: (options = {}) =>
      openCertificates({
        directory,
        clock: made.clock,
        names: {
          publicUrls: made.publicUrls,
          regions: ['us-east-1'],
          hostNames: () => ['kenji-x1'],
          addresses: () => made.addresses,
          ...(more.domain === undefined ? {} : { domain: more.domain }),
        },
        ...options,
      }),
  };
  return made;
}

/** Connects as a Node client that trusts `ca` and asks for `name`; the error code, or `ok`. */
export async function meet(
  context: { cert: string; key: string },
  ca: string,
  name: string,
): Promise<string> {
  const server = createServer(context, (socket) => socket.end()).on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    return await new Promise((resolve) => {
      const servername = /^[\d.]+$|:/.test(name) ? '' : name;
      const socket = connect({
        port,
        host: '127.0.0.1',
        ca,
        servername,
        checkServerIdentity: (_, peer) => {
          const certificate = new X509Certificate(peer.raw);
          const fits = servername === '' ? certificate.checkIP(name) : certificate.checkHost(name);
          return fits === undefined ? Object.assign(new Error(), { code: 'WRONG_NAME' }) : undefined;
        },
      });
      socket.on('secureConnect', () => resolve('ok'));
      socket.on('error', (error: NodeJS.ErrnoException) =>
        resolve(error.code === 'UNSPECIFIED' ? error.message : (error.code ?? error.message)),
      );
      socket.on('close', () => socket.destroy());
    });
  } finally {
    server.close();
  }
}

/** For `assert.rejects`: a {@link CertificateError} of that kind, in such words. */
export function refused(problem: CertificateProblem, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof CertificateError);
    assert.equal(error.problem, problem);
    assert.match(error.message, message);
    return true;
  };
}
