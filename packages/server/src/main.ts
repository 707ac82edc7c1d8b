/**
 * `up`: the server in this process. Looks whether it can start, opens the rooms and the door, and closes them
 * again. The rest of the program is reached from here.
 */
import { join } from 'node:path';
import type { Logger } from 'pino';
import { type Certificates, checkGuard } from './certificates/index.ts';
import { type Clock, systemClock } from './clock.ts';
import { openDoor } from './door.ts';
import { openRooms, type Rooms } from './rooms.ts';
import type { AnyOperation } from './service/index.ts';
import { type Connection, prepareFolder, readConnection, writeConnection } from './startup/data-folder.ts';
import { openHouse } from './startup/house.ts';
import { openLog } from './startup/log.ts';
import { StartupError, type UpOptions } from './startup/options.ts';
import { checkPort } from './startup/port.ts';
import type { GroupReport } from './store/index.ts';

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

/**
 * Starts a server; resolves when it answers calls.
 * Rejects with one clear sentence, having left nothing half-made, when it can't start.
 */
export async function up(options: UpOptions, parts: UpParts = {}): Promise<RunningServer> {
  const clock = parts.clock ?? systemClock();
  await checkPort(options.listen.host, options.listen.port, '--listen', options.data);
  if (options.metrics !== 'off')
    await checkPort(options.metrics.host, options.metrics.port, '--metrics', options.data);
  await prepareFolder(options.data);
  const log = openLog(options.logLevel);
  const house = openHouse(log);
  try {
    const localUrl = (port: number) => `https://localhost:${port}`;
    const publicUrls = options.publicUrls.length ? options.publicUrls : [localUrl(options.listen.port)];
    const rooms = await openRooms({ ...parts, options, publicUrls, clock, log, house });
    await guardTrust(rooms.certificates, await rooms.nodes.trustCounts(), options, log);
    const { port, served, rules } = await openDoor({ options, publicUrls, rooms, clock, log, house });
    const url = options.publicUrls[0] ?? localUrl(port);
    await leaveConnection(options, rooms, url);
    log.debug({ url, port }, 'listening');

    const stopped = Promise.withResolvers<void>();
    let stopping: Promise<void> | undefined;
    return {
      url,
      served,
      rules,
      stopped: stopped.promise,
      stop: () => {
        stopping ??= house.close().then(stopped.resolve);
        return stopping;
      },
    };
  } catch (error) {
    await house.close();
    throw error;
  }
}

/**
 * Leaves word of how commands on this machine reach the server, as the administrator: made at the first start,
 * and found again where the books came out of a backup. A key is written down before it counts: it is told to
 * nobody else.
 */
async function leaveConnection(
  options: UpOptions,
  { identity, certificates }: Rooms,
  url: string,
): Promise<void> {
  const leave = (key: Pick<Connection, 'accessKeyId' | 'secretAccessKey'>) =>
    writeConnection(options.data, {
      url,
      region: options.regions[0]!,
      account: options.account,
      accessKeyId: key.accessKeyId,
      secretAccessKey: key.secretAccessKey,
      caFile: join(options.data, 'ca.crt'),
      caFingerprint: certificates.caFingerprint,
    });
  const before = await readConnection(options.data);
  const held = before && { AccessKeyId: before.accessKeyId, SecretAccessKey: before.secretAccessKey };
  const other = await identity.ensureAdministrator(
    (key) => leave({ accessKeyId: key.AccessKeyId, secretAccessKey: key.SecretAccessKey }),
    held,
  );
  if (before && !other) await leave(before);
}

/**
 * Refuses a start that would cut nodes off; and, when a successor CA is wanted, lets it serve as soon as every
 * node has learnt it.
 */
async function guardTrust(
  certificates: Certificates,
  counts: readonly { trusts: string | null; nodes: number }[],
  options: UpOptions,
  log: Logger,
): Promise<void> {
  const trustCounts = new Map(
    counts.flatMap(({ trusts, nodes }) => (trusts === null ? [] : [[trusts, nodes]])),
  );
  const agreed = options.cutOffNodes === undefined ? {} : { cutOffNodes: options.cutOffNodes };
  const successor = certificates.successorFingerprint;
  if (options.successorCa && successor !== undefined) {
    const answer = checkGuard({ caFingerprintNow: successor, trustCounts, ...agreed });
    if (answer.ok) await certificates.switchToSuccessor();
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
