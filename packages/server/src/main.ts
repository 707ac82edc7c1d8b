/**
 * The only place that joins the rooms: opens them from left to right, wires the hooks that go the other way,
 * and closes them from right to left.
 */
import { randomUUID, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { rootCertificates } from 'node:tls';
import type { Logger } from 'pino';
import packageJson from '../package.json' with { type: 'json' };
import { openActivations } from './activations/index.ts';
import {
  type ListenerKnock,
  openApi,
  openListener,
  openMetrics,
  openThrottle,
  ownOperations,
  serveMetrics,
  visitorOf,
} from './api/index.ts';
import { openAssociations } from './associations/index.ts';
import { openAudit } from './audit/index.ts';
import { openBus, textBus } from './bus/index.ts';
import {
  type Certificates,
  checkGuard,
  machineAddresses,
  machineNames,
  openCertificates,
} from './certificates/index.ts';
import { openChannels } from './channels/index.ts';
import { type Clock, systemClock } from './clock.ts';
import { openEnrolment } from './enrolment/index.ts';
import { openEvents } from './events/index.ts';
import { openIdentity } from './identity/index.ts';
import { openKnocks } from './knocks/index.ts';
import { type Nodes, openNodes } from './nodes/index.ts';
import { openPresence } from './presence/index.ts';
import type { AnyOperation } from './service/index.ts';
import { openSettings } from './settings/index.ts';
import { claimsInOurBooks, isInOurBooks, refusalsOf } from './startup/books.ts';
import { prepareFolder, readConnection, readSecretsKey, writeConnection } from './startup/data-folder.ts';
import { openLog } from './startup/log.ts';
import { StartupError, type UpOptions } from './startup/options.ts';
import { checkPort } from './startup/port.ts';
import { startSweeps } from './startup/retention.ts';
import { type GroupReport, openStore } from './store/index.ts';
import { openTags } from './tags/index.ts';

export { StartupError, type UpOptions } from './startup/options.ts';
export { restoreBackup, verifyBackup } from './store/index.ts';

/** What tests may put in place of the real thing. */
export interface UpParts {
  readonly clock?: Clock;
  /** Told before and after each commit. */
  readonly observe?: (report: GroupReport) => void;
}

/** A server that listens and answers. */
export interface RunningServer {
  /** How this machine reaches it. */
  readonly url: string;
  /** What it serves, as `service:Operation`. */
  readonly served: readonly string[];
  /** The same with the rule of each, so that a test can go through all of them. */
  readonly rules: ReadonlyMap<string, Pick<AnyOperation, 'access' | 'changes'>>;
  /** Drains, closes and resolves when everything is on disk. May be called again. */
  stop(): Promise<void>;
  /** Resolves when it has stopped. */
  readonly stopped: Promise<void>;
}

const root = resolve(import.meta.dirname, '../../..');
/** How long requests that are being answered may take to finish when the server stops, in milliseconds. */
const drainGrace = 3_000;

/**
 * Starts a server; resolves when it answers calls.
 * Rejects with one clear sentence, having left nothing half-made, when it can't start.
 */
export async function up(options: UpOptions, parts: UpParts = {}): Promise<RunningServer> {
  const clock = parts.clock ?? systemClock();
  const { account, regions, data } = options;
  await checkPort(options.listen.host, options.listen.port, '--listen');
  if (options.metrics !== 'off') await checkPort(options.metrics.host, options.metrics.port, '--metrics');
  await prepareFolder(data);
  const log = openLog(options.logLevel);
  const onError = (what: string) => (error: unknown) => log.error({ err: error }, what);

  // Whatever has been opened is closed again, last first: at the end, and when the start fails half-way.
  const closers: (() => unknown)[] = [];
  const closeAll = async () => {
    for (let close = closers.pop(); close; close = closers.pop()) {
      try {
        await close();
      } catch (error) {
        log.error({ err: error }, 'could not be closed');
      }
    }
  };
  try {
    const store = await openStore(
      options.store.kind === 'sqlite' ? { kind: 'sqlite', directory: data } : options.store,
      { clock, report: onError('in the store'), ...(parts.observe && { observe: parts.observe }) },
    );
    closers.push(() => store.close());
    const secretsKey = await readSecretsKey(data);
    const settings = await openSettings({ store, clock });
    closers.push(() => settings.close());
    const bus = openBus({ report: onError('on the bus') });
    closers.push(() => bus.close());

    const publicUrls = options.publicUrls.length
      ? options.publicUrls
      : [`https://localhost:${options.listen.port}`];
    const certificates = openCertificates({
      directory: data,
      clock,
      names: {
        publicUrls,
        regions,
        hostNames: machineNames,
        addresses: machineAddresses,
        ...(options.domain === undefined ? {} : { domain: options.domain }),
      },
      ...(options.tlsCert && options.tlsKey
        ? { own: { certFile: options.tlsCert, keyFile: options.tlsKey } }
        : {}),
      makeSuccessor: options.successorCa,
      onProblem: onError('the certificate could not be renewed; the one in use stays'),
    });
    closers.push(() => certificates.close());

    const knocks = openKnocks({
      store,
      clock,
      isKnown: (claim) => isInOurBooks(store, claim),
      knownClaims: () => claimsInOurBooks(store),
      onError: onError('knocks could not be written; they are kept'),
    });
    closers.push(() => knocks.close());
    const audit = openAudit({
      store,
      clock,
      retentionDays: () => settings.get('retention-audit-days'),
      onError: onError('refusals could not be written; they are kept'),
    });
    closers.push(() => audit.close());
    const events = openEvents({ store, clock, retentionDays: () => settings.get('retention-events-days') });

    let nodes: Nodes | undefined;
    const tags = openTags({ store, clock });
    const identity = openIdentity({
      store,
      clock,
      account,
      regions,
      secretsKey,
      credentialLifetime: () => settings.get('node-credential-minutes') * 60_000,
      hooks: {
        findNode: async (nodeId) => nodes?.findNode(nodeId),
        findTags: (region, arn) => tagsOfArn(region, arn),
      },
    });
    const tagsOfArn = async (region: string, arn: string): Promise<Record<string, string>> => {
      const [type, id] = arn.slice(arn.lastIndexOf(':') + 1).split('/') as [string, string | undefined];
      const kind = type === 'activation' ? 'Activation' : 'ManagedInstance';
      const found = id === undefined ? [] : await store.read((tx) => tags.of(tx, region, kind, id));
      return Object.fromEntries(found.map(({ Key, Value }) => [Key ?? '', Value ?? '']));
    };

    const serverId = randomUUID();
    const presence = await openPresence({
      store,
      clock,
      serverId,
      earlyLoss: () => settings.get('early-loss'),
      onError: onError('the lease could not be renewed'),
      hooks: {
        onMassLoss({ nodes: lost }) {
          const detail = `${lost} nodes lost their channels at once: the fault is likely near this server. They are not shown as lost before their heartbeats stay away.`;
          void store
            .write((tx) =>
              events.record(tx, { region: regions[0]!, kind: 'mass-loss', subject: serverId, detail }),
            )
            .catch(onError('an event could not be written'));
        },
      },
    });
    closers.push(() => presence.close());

    const associations = openAssociations({ store, account, clock });
    const theNodes = openNodes({
      store,
      clock,
      account,
      presence,
      tags,
      events,
      mintNodeCredentials: identity.mintNodeCredentials,
      trustOf(call) {
        const successor = certificates.successorFingerprint;
        const told = call.headers['x-rollcall-trusts']?.split(',') ?? [];
        return successor !== undefined && told.includes(successor) ? successor : certificates.caFingerprint;
      },
      hooks: {
        async registered(tx, node) {
          await associations.registered(tx, node);
          tx.afterCommit(() => knocks.learn(node.nodeId));
        },
        async gone(tx, node) {
          tx.afterCommit(() => channels.disconnect(node.nodeId, 'deregistered'));
        },
      },
    });
    nodes = theNodes;
    const activations = openActivations({
      store,
      clock,
      account,
      regions,
      nodes: theNodes,
      hooks: { refusals: (activationId) => refusalsOf(store, activationId) },
    });

    guardTrust(certificates, await theNodes.trustCounts(), options, log);

    const channels = openChannels({
      clock,
      presence,
      bus: textBus(bus),
      log,
      hooks: {
        turnedAway({ source, region }, nodeId, reason) {
          const { address, userAgent: client, serverName } = source;
          knocks.note({ address, client, serverName, region, reason, claim: nodeId, layer: 'http' });
        },
      },
    });
    closers.push(() => channels.close());

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
    closers.push(() => listener.close(drainGrace));
    certificates.onChange(() => listener.updateCertificate());

    const serverUrl = publicUrls[0]!;
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
      crowded: () => listener.crowded(),
      sourceOf: visitorOf,
      ready: () =>
        store
          .read((tx) => tx.everywhere.selectFrom('settings').select('name').limit(1).execute())
          .then(
            () => undefined,
            (error: Error) => `The store doesn't answer: ${error.message}`,
          ),
      nodeHeaders(call) {
        const successor = certificates.successorFingerprint;
        if (call.operation !== 'ssm:UpdateInstanceInformation' || successor === undefined) return undefined;
        return { 'x-rollcall-trust': `${certificates.caFingerprint},${successor}` };
      },
      pages: openEnrolment({
        root,
        cache: join(data, 'enrolment'),
        version: packageJson.version,
        serverUrl,
        trustBundle: () => certificates.trustBundle(),
        publiclyTrusted: isPubliclyTrusted(certificates.caCertificate),
      }),
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
        ...tags.operations,
        ...theNodes.operations,
        ...activations.operations,
        ...associations.operations,
        ...channels.operations,
      ],
    });
    listener.server.on('request', api.request);
    listener.server.on('upgrade', api.upgrade);

    gauges(metrics, { channels, listener, knocks });
    if (options.metrics !== 'off') {
      const server = await serveMetrics(metrics, options.metrics.host, options.metrics.port);
      closers.push(() => new Promise((done) => server.close(done)));
    }
    const sweeps = startSweeps(
      clock,
      [
        { name: 'knocks', sweep: () => knocks.sweep() },
        { name: 'audit', sweep: () => audit.sweep() },
        { name: 'events', sweep: () => events.sweep() },
        { name: 'presence', sweep: () => presence.sweep() },
      ],
      log,
    );
    closers.push(() => sweeps.close());

    const made = await identity.ensureAdministrator();
    const before = await readConnection(data);
    const key = made
      ? { accessKeyId: made.AccessKeyId, secretAccessKey: made.SecretAccessKey }
      : before && { accessKeyId: before.accessKeyId, secretAccessKey: before.secretAccessKey };
    const url = options.publicUrls.length ? serverUrl : `https://localhost:${listener.address.port}`;
    if (key) {
      await writeConnection(data, {
        url,
        region: regions[0]!,
        account,
        ...key,
        caFile: join(data, 'ca.crt'),
        caFingerprint: certificates.caFingerprint,
      });
    }
    log.debug({ url, address: listener.address }, 'listening');

    let stopping: Promise<void> | undefined;
    let ended = () => {};
    const stopped = new Promise<void>((done) => {
      ended = done;
    });
    return {
      url,
      served: api.served,
      rules: api.rules,
      stopped,
      stop: () => {
        stopping ??= closeAll().then(ended);
        return stopping;
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/**
 * Refuses a start that would cut nodes off; and, when a successor CA is wanted, lets it serve as soon as every
 * node has learnt it.
 */
function guardTrust(
  certificates: Certificates,
  counts: readonly { trusts: string | null; nodes: number }[],
  options: UpOptions,
  log: Logger,
): void {
  const trustCounts = new Map(
    counts.flatMap(({ trusts, nodes }) => (trusts === null ? [] : [[trusts, nodes]])),
  );
  const agreed = options.cutOffNodes === undefined ? {} : { cutOffNodes: options.cutOffNodes };
  const successor = certificates.successorFingerprint;
  if (options.successorCa && successor !== undefined) {
    const answer = checkGuard({ caFingerprintNow: successor, trustCounts, ...agreed });
    if (answer.ok) certificates.switchToSuccessor();
    else
      log.warn(
        { nodes: answer.cutOff },
        'the CA that was still serves: not all nodes have learnt its successor yet',
      );
  }
  const answer = checkGuard({
    caFingerprintNow: certificates.caFingerprint,
    trustCounts,
    alsoTrusted: certificates.successorFingerprint === undefined ? [] : [certificates.successorFingerprint],
    ...agreed,
  });
  if (!answer.ok) throw new StartupError(answer.text);
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
function gauges(
  metrics: ReturnType<typeof openMetrics>,
  rooms: {
    channels: ReturnType<typeof openChannels>;
    listener: Awaited<ReturnType<typeof openListener>>;
    knocks: ReturnType<typeof openKnocks>;
  },
): void {
  const { channels, listener, knocks } = rooms;
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
  metrics.gauge('rollcall_knocks_waiting', 'Refused attempts not yet written.', () => knocks.waiting);
}
