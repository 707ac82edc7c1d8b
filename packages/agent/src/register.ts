/**
 * Becoming a node. The key is on disk before the server hears of it: when its answer is lost, the same key is
 * sent again and the server answers with the same id, without using the activation up.
 */
import { randomUUID } from 'node:crypto';
import { openCalls } from './calls.ts';
import { type Clock, sleep, systemClock } from './clock.ts';
import { loadConfig, saveConfig } from './config.ts';
import { isPassing, ServerRefusal } from './failures.ts';
import { makeRoot } from './files.ts';
import {
  type Identity,
  isRegistered,
  loadIdentity,
  makePrivateKey,
  normalizeServerUrl,
  publicKeyOf,
  saveIdentity,
  splitCertificates,
} from './identity.ts';
import { lockRoot } from './lock.ts';
import { openVisit, type Visit } from './visit.ts';

/** What it takes to register. */
export interface RegisterOptions {
  readonly serverUrl: string;
  readonly activationId: string;
  readonly activationCode: string;
  readonly region: string;
  readonly root: string;
  /** The certificates to trust the server by, PEM; undefined: those that the system trusts. */
  readonly ca?: string | undefined;
  readonly proxy?: string | undefined;
  readonly noProxy?: readonly string[] | undefined;
  /** What tells copies of a machine apart; a random one unless given. */
  readonly fingerprint?: string | undefined;
  readonly clock?: Clock;
}

/** The end of a registration. */
export interface Registration {
  /** `already`: this machine was registered with this server before, and nothing was sent. */
  readonly result: 'registered' | 'already';
  readonly nodeId: string;
  readonly serverUrl: string;
  readonly region: string;
}

/** The folder's identity belongs to another server or region. */
export class RegisteredElsewhereError extends Error {
  readonly nodeId: string;
  readonly serverUrl: string;
  readonly region: string;
  constructor(identity: { nodeId: string; serverUrl: string; region: string }) {
    super(
      `This machine is already ${identity.nodeId} at ${identity.serverUrl}, region ${identity.region}. Leave there first.`,
    );
    this.name = 'RegisteredElsewhereError';
    this.nodeId = identity.nodeId;
    this.serverUrl = identity.serverUrl;
    this.region = identity.region;
  }
}

const attempts = 4;

/**
 * Registers this machine, unless it is registered already.
 * @throws RegisteredElsewhereError, RootInUseError; ServerRefusal when the server says no; ConnectionError
 * when it couldn't be reached: then the next call goes on with the same key.
 */
export async function register(options: RegisterOptions): Promise<Registration> {
  const { root, region, clock = systemClock() } = options;
  const serverUrl = normalizeServerUrl(options.serverUrl);
  const known = alreadyRegistered(root, serverUrl, region);
  if (known) return known;
  makeRoot(root);
  const lock = lockRoot(root);
  try {
    // Somebody may have registered it while we waited for the lock.
    const meanwhile = alreadyRegistered(root, serverUrl, region);
    if (meanwhile) return meanwhile;
    if (options.proxy !== undefined || options.noProxy !== undefined) {
      saveConfig(root, {
        ...(options.proxy === undefined ? {} : { proxy: options.proxy }),
        ...(options.noProxy === undefined ? {} : { noProxy: options.noProxy }),
      });
    }
    const identity = await begin(root, serverUrl, region, options);
    saveIdentity(root, identity);
    const nodeId = await send(identity, options, clock);
    saveIdentity(root, { ...identity, nodeId, registeredAt: new Date(clock.now()).toISOString() });
    return { result: 'registered', nodeId, serverUrl, region };
  } finally {
    lock.release();
  }
}

function alreadyRegistered(root: string, serverUrl: string, region: string): Registration | undefined {
  const identity = loadIdentity(root)?.identity;
  if (!isRegistered(identity)) return undefined;
  if (identity.serverUrl !== serverUrl || identity.region !== region)
    throw new RegisteredElsewhereError(identity);
  return { result: 'already', nodeId: identity.nodeId, serverUrl, region };
}

/** The identity to register: with the key of an attempt that was begun with this server, or a new one. */
async function begin(
  root: string,
  serverUrl: string,
  region: string,
  options: RegisterOptions,
): Promise<Identity> {
  const begun = loadIdentity(root)?.identity;
  const again = begun?.serverUrl === serverUrl && begun.region === region ? begun : undefined;
  const trust = options.ca === undefined ? undefined : splitCertificates(options.ca);
  if (trust?.length === 0) throw new TypeError('There is no certificate in the text given as the authority.');
  return {
    serverUrl,
    region,
    privateKey: again?.privateKey ?? (await makePrivateKey()),
    fingerprint: options.fingerprint ?? again?.fingerprint ?? randomUUID(),
    ...(trust ? { trust } : {}),
  };
}

async function send(identity: Identity, options: RegisterOptions, clock: Clock): Promise<string> {
  const calls = openCalls(identity, clock);
  const { proxy, noProxy } = loadConfig(options.root);
  const input = {
    ActivationCode: options.activationCode,
    ActivationId: options.activationId,
    Fingerprint: identity.fingerprint,
    PublicKey: publicKeyOf(identity.privateKey),
    PublicKeyType: 'Rsa',
  };
  for (let attempt = 1; ; attempt += 1) {
    const visit: Visit = openVisit(
      { serverUrl: identity.serverUrl, trust: identity.trust, proxy, noProxy },
      clock,
    );
    try {
      return await calls.register(visit, input);
    } catch (error) {
      if (attempt === attempts || !isPassing(error)) throw error;
      const asked = error instanceof ServerRefusal ? (error.retryAfter ?? 0) : 0;
      await sleep(clock, Math.min(30_000, Math.max(asked, 250 * 2 ** attempt)));
    } finally {
      visit.close();
    }
  }
}
