/** A listener with certificates of its own on a free loopback port, for the tests of this folder. */
import { mkdtempSync, rmSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Certificates, openCertificates } from '../../certificates/index.ts';
import { type Clock, type ManualClock, manualClock } from '../../clock.ts';
import type { ListenerKnock } from './door.ts';
import { type Listener, type ListenerOptions, openListener } from './listener.ts';

/** A door under test. */
export interface TestDoor {
  readonly listener: Listener;
  readonly port: number;
  readonly certificates: Certificates;
  readonly ca: string;
  /** File that holds `ca`. */
  readonly caFile: string;
  readonly knocks: ListenerKnock[];
  readonly clock: ManualClock;
  /** The next knock, or the first that is already there. */
  knock(): Promise<ListenerKnock>;
}

/** Opens a door that answers `hello` to every request, unless told otherwise; closed when the test ends. */
export async function openTestDoor(
  t: TestContext,
  options: Partial<ListenerOptions> & { certificateClock?: Clock; answer?: RequestListener } = {},
): Promise<TestDoor> {
  const directory = mkdtempSync(join(tmpdir(), 'rollcall-listener-'));
  const clock = manualClock(Date.now());
  const certificates = await openCertificates({
    directory,
    clock: options.certificateClock ?? clock,
    names: { publicUrls: [], regions: [], hostNames: () => [], addresses: () => [] },
  });
  const knocks: ListenerKnock[] = [];
  const waiting: ((knock: ListenerKnock) => void)[] = [];
  const listener = await openListener({
    host: '127.0.0.1',
    port: 0,
    clock,
    tls: () => certificates.context(),
    onKnock(knock) {
      knocks.push(knock);
      waiting.shift()?.(knock);
    },
    ...options,
  });
  listener.server.on('request', options.answer ?? ((_, response) => response.end('hello')));
  t.after(async () => {
    await listener.close();
    await certificates.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return {
    listener,
    port: listener.address.port,
    certificates,
    ca: certificates.caCertificate,
    caFile: join(directory, 'ca.crt'),
    knocks,
    clock,
    knock: () =>
      knocks[0] ? Promise.resolve(knocks[0]) : new Promise((resolve) => void waiting.push(resolve)),
  };
}
