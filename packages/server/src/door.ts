/**
 * The front of the house: the port, what is answered on it, the metrics beside it, and the hourly sweeps.
 */
import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { rootCertificates } from 'node:tls';
import type { Logger } from 'pino';
import packageJson from '../package.json' with { type: 'json' };
import {
  type Listener,
  type ListenerKnock,
  type Metrics,
  openApi,
  openListener,
  openMetrics,
  openThrottle,
  ownOperations,
  respond,
  serveMetrics,
  visitorOf,
} from './api/index.ts';
import type { Clock } from './clock.ts';
import { openEnrolment } from './enrolment/index.ts';
import type { Rooms } from './rooms.ts';
import type { House } from './startup/house.ts';
import type { UpOptions } from './startup/options.ts';
import { startSweeps } from './startup/retention.ts';
import { echoPage } from './verdicts/index.ts';

/** The folder that this program lives in. */
const root = resolve(import.meta.dirname, '../../..');
/** How long requests that are being answered may take to finish when the server stops, in milliseconds. */
const drainGrace = 3_000;

/** What the door is opened with. */
export interface DoorDeps {
  readonly options: UpOptions;
  readonly publicUrls: readonly string[];
  readonly rooms: Rooms;
  readonly clock: Clock;
  readonly log: Logger;
  readonly house: House;
}

/** Opens the port and everything that is answered on it. Rejects when the port can't be had. */
export async function openDoor({ options, publicUrls, rooms, clock, log, house }: DoorDeps) {
  const { account, regions, data } = options;
  const { store, settings, certificates, knocks, audit, events, identity, presence, commands, channels } =
    rooms;

  const metrics = openMetrics();
  const note = ({ address, port, client, serverName, layer, reason, detail }: ListenerKnock) =>
    knocks.note({ address, port, client, serverName, layer, reason, detail });
  const listener = await openListener({
    host: options.listen.host,
    port: options.listen.port,
    clock,
    tls: () => certificates.context(),
    onKnock: note,
    proxyProtocol: options.proxyProtocol,
  });
  house.closes(async () => {
    // Nobody new comes in; who holds a channel is told to come again; then the rest gets a moment to finish.
    const closing = listener.close(drainGrace);
    commands.drain();
    events.drain();
    await channels.close();
    await closing;
  });
  certificates.onChange(() => listener.updateCertificate());

  let silent = false;
  const api = openApi({
    account,
    regions,
    clock,
    identity,
    audit,
    knocks,
    channels,
    metrics,
    log,
    version: packageJson.version,
    principals: openThrottle(clock, { burst: 2_000, perSecond: 1_000 }),
    sources: openThrottle(clock, { burst: 5_000, perSecond: 500 }),
    forgeries: openThrottle(clock, { burst: 1_000, perSecond: 100 }),
    crowded: () => listener.crowded(),
    vouchFor: (socket) => listener.vouchFor(socket),
    sourceOf: visitorOf,
    ready: () =>
      store
        .read((tx) => tx.everywhere.selectFrom('settings').select('name').limit(1).execute())
        .then(
          () => {
            silent = false;
            return undefined;
          },
          (error: Error) => {
            // Anybody may ask, as often as they like: the reason is for the log, once.
            if (!silent) log.warn({ reason: error.message }, 'not ready: the store does not answer');
            silent = true;
            return "The store doesn't answer; the server's log says why.";
          },
        ),
    nodeHeaders(call) {
      const successor = certificates.successorFingerprint;
      if (call.operation !== 'ssm:UpdateInstanceInformation' || successor === undefined) return undefined;
      return { 'x-rollcall-trust': `${certificates.caFingerprint},${successor}` };
    },
    pages: new Map([
      ...openEnrolment({
        root,
        cache: join(data, 'enrolment'),
        version: packageJson.version,
        serverUrl: forOthers(publicUrls),
        region: regions[0]!,
        trustBundle: () => certificates.trustBundle(),
        // Nobody trusts a CA that was made here; and to compare it with all that are known takes a while.
        publiclyTrusted: options.tlsCert !== undefined && isPubliclyTrusted(certificates.caCertificate),
      }),
      ['/echo', echoPage({ now: () => clock.now(), visitorOf, respond })],
    ]),
    operations: [
      ...ownOperations({
        clock,
        store,
        settings,
        info: () => ({
          Version: packageJson.version,
          Account: account,
          Regions: [...regions],
          PublicUrls: [...publicUrls],
          CaFingerprint: certificates.caFingerprint,
          CaCertificate: certificates.caCertificate,
          KeyPin: certificates.keyPin,
          ...(options.domain === undefined ? {} : { Domain: options.domain }),
        }),
        backup: (file, withSecrets) =>
          store.backup(
            file,
            withSecrets ? { files: secretFiles.filter((name) => existsSync(join(data, name))) } : {},
          ),
      }),
      ...audit.operations,
      ...knocks.operations,
      ...events.operations,
      ...identity.operations,
      ...presence.operations,
      ...rooms.tags.operations,
      ...rooms.nodes.operations,
      ...rooms.documents.operations,
      ...rooms.activations.operations,
      ...rooms.associations.operations,
      ...commands.operations,
      ...rooms.roster.operations,
      ...rooms.verdicts.operations,
      ...channels.operations,
    ],
  });
  listener.server.on('request', api.request);
  listener.server.on('upgrade', api.upgrade);

  gauges(metrics, rooms, listener);
  if (options.metrics !== 'off') {
    const server = await serveMetrics(metrics, options.metrics.host, options.metrics.port);
    house.closes(() => new Promise((done) => server.close(done)));
  }
  const sweeps = startSweeps(
    clock,
    [
      { name: 'knocks', sweep: () => knocks.sweep() },
      { name: 'audit', sweep: () => audit.sweep() },
      { name: 'events', sweep: () => events.sweep() },
      { name: 'presence', sweep: () => presence.sweep() },
      { name: 'commands', sweep: () => commands.sweep() },
      { name: 'verdicts', sweep: () => rooms.verdicts.sweep() },
    ],
    log,
  );
  house.closes(() => sweeps.close());

  return { port: listener.address.port, served: api.served, rules: api.rules };
}

/** What a backup holds in addition when secrets are asked for. */
const secretFiles = [
  'secrets.key',
  'ca.key',
  'ca.crt',
  'ca-next.key',
  'ca-next.crt',
  'server.key',
  'server.crt',
  'connection.json',
];

function isPubliclyTrusted(caCertificate: string): boolean {
  const { fingerprint256 } = new X509Certificate(caCertificate);
  return rootCertificates.some((pem) => new X509Certificate(pem).fingerprint256 === fingerprint256);
}

/** The figures that are read when somebody looks. */
function gauges(metrics: Metrics, { channels, knocks }: Rooms, listener: Listener): void {
  metrics.gauge(
    'rollcall_channels_open',
    'Control channels open on this server.',
    () => channels.counts().open,
  );
  metrics.gauge('rollcall_polls_waiting', 'Message polls being answered.', () => channels.counts().polling);
  metrics.gauge('rollcall_connections_open', 'Connections on the public port.', () => listener.counts().open);
  metrics.gauge(
    'rollcall_connections_turned_away',
    'Connections closed for want of room.',
    () => listener.counts().turnedAway,
  );
  metrics.gauge(
    'rollcall_connections_sent_away',
    'Idle connections closed to make room, on which nobody had proved who they are.',
    () => listener.counts().sentAway,
  );
  metrics.gauge('rollcall_knocks_waiting', 'Refused attempts not yet written.', () => knocks.waiting);
}

/** The URL that other machines are given: the first that isn't only this machine's, if there is one. */
function forOthers(publicUrls: readonly string[]): string {
  const loopback = /^https:\/\/(localhost|127\.[\d.]+|\[::1\])(:|$)/;
  return publicUrls.find((url) => !loopback.test(url)) ?? publicUrls[0]!;
}
