/** Our own agent: what it says of itself, what lies in its folder, whether it runs, where it leads. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { AgentEvidence, HostEvidence } from '@rollcall/diagnosis';
import { redactText } from '@rollcall/diagnosis/collected';
import type { ProcessTable, Seen } from '../machine/processes.ts';
import { readService } from '../machine/services.ts';
import type { Sight } from '../machine/sight.ts';
import { shownProcess } from '../shown-process.ts';

/** Where it keeps its files unless told. */
export const defaultRoot = '/var/lib/rollcall-agent';

/** Our agent, and what only the other probes need. */
export interface OwnAgent {
  readonly evidence: AgentEvidence;
  readonly serverUrl?: string;
  /** The certificates that it trusts its server by; absent: the system's. */
  readonly trust?: readonly string[];
  readonly identityFile: string;
  readonly proxy?: string;
  readonly noProxy?: readonly string[];
}

/** Files that only an agent makes. */
const traces = new Set(['identity.json', 'identity.previous.json', 'status.json', 'config.json', 'jobs']);

interface Identity {
  readonly serverUrl?: string;
  readonly region?: string;
  readonly nodeId?: string;
  readonly registeredAt?: string;
  readonly trust?: readonly string[];
}

/** Looks for it; undefined when there is no trace of it. */
export async function readOwnAgent(
  sight: Sight,
  host: HostEvidence,
  processes: ProcessTable | undefined,
  root: string,
): Promise<OwnAgent | undefined> {
  const identityFile = `${root}/identity.json`;
  const [folder, service, status, configText, current, previous] = await Promise.all([
    sight.facts(root),
    readService(sight, host.init, 'rollcall-agent'),
    readObject(sight, `${root}/status.json`),
    sight.text(`${root}/config.json`, 262_144),
    sight.text(identityFile, 1_000_000),
    sight.text(`${root}/identity.previous.json`, 1_000_000),
  ]);
  const running = (processes?.agents ?? []).filter((process) => isOurs(process, root));
  if (folder === undefined && service === undefined && running.length === 0) return undefined;
  // A folder that an agent has left, or that was never one's, isn't an agent; one that can't be looked into may be.
  const names = await sight.list(root, 200);
  const left = [status, configText, current, previous].some((one) => one !== undefined);
  const isEmpty = names !== undefined && !names.some((name) => traces.has(name));
  if (service === undefined && running.length === 0 && isEmpty && !left) return undefined;
  const { identity, damage } = readIdentity(identityFile, current, previous);
  const { settings, problem } = readSettings(configText);
  const configFacts = configText === undefined ? undefined : await sight.facts(`${root}/config.json`);
  const said = describeStatus(status);
  // Without root only the status can be read; it says the same of who the node is.
  const nodeId = identity?.nodeId ?? text(status, 'nodeId');
  const region = identity?.region ?? text(status, 'region');
  const serverUrl = originOf(identity?.serverUrl ?? text(status, 'serverUrl'));
  const registeredAt = Date.parse(identity?.registeredAt ?? '');
  const proxy = settings.proxy ?? text(status, 'proxy');
  const isRunning = running.some(({ state }) => state !== 'Z');
  return {
    identityFile,
    ...(serverUrl === undefined ? {} : { serverUrl }),
    ...(identity?.trust === undefined ? {} : { trust: identity.trust }),
    ...(proxy === undefined ? {} : { proxy }),
    ...(settings.noProxy === undefined ? {} : { noProxy: settings.noProxy }),
    evidence: {
      kind: 'rollcall',
      packaging: 'rollcall',
      binary: root,
      ...(text(status, 'agentVersion') === undefined
        ? {}
        : { version: redactText(text(status, 'agentVersion')!, 40) }),
      ...(service === undefined ? {} : { service: service.evidence }),
      ...(processes === undefined ? {} : { processes: running.map(shownProcess) }),
      identity: {
        kind: nodeId === undefined ? 'none' : 'activation',
        ...(nodeId === undefined ? {} : { nodeId: redactText(nodeId, 64) }),
        ...(region === undefined ? {} : { region: redactText(region, 100) }),
        ...(serverUrl === undefined ? {} : { server: redactText(serverUrl, 300) }),
        ...(Number.isNaN(registeredAt) ? {} : { registeredAt }),
        ...(damage.length === 0 ? {} : { damage }),
      },
      configuration: {
        files:
          configText === undefined
            ? []
            : [
                {
                  path: `${root}/config.json`,
                  ...(configFacts === undefined ? {} : { changedAt: configFacts.changedAt }),
                  ...(problem === undefined ? {} : { problem }),
                },
              ],
        ...(region === undefined ? {} : { region: redactText(region, 100) }),
        ...(settings.periodSeconds === undefined ? {} : { healthMinutes: settings.periodSeconds / 60 }),
      },
      ...(said?.log === undefined ? {} : { log: { path: `${root}/status.json`, ...said.log } }),
      ...(said === undefined ? {} : { status: said.status }),
      ...(said?.waiting === undefined || !isRunning ? {} : { waiting: said.waiting }),
    },
  };
}

/** Its processes are Node's, told by the folder that they work in. */
function isOurs(process: Seen, root: string): boolean {
  const at = process.argv.indexOf('--root');
  return (
    at >= 0 && process.argv[at + 1] === root && !process.argv.some((word) => /^(up|doctor|why)$/.test(word))
  );
}

function readIdentity(
  path: string,
  current: string | undefined,
  previous: string | undefined,
): { identity?: Identity; damage: string[] } {
  if (current === undefined && previous === undefined) return { damage: [] };
  const one = current === undefined ? { problem: 'is missing' } : checkIdentity(current);
  if ('identity' in one) return { identity: one.identity, damage: [] };
  const other = previous === undefined ? undefined : checkIdentity(previous);
  if (other !== undefined && 'identity' in other)
    return { identity: other.identity, damage: [`${path} ${one.problem}; the one before it is whole`] };
  return {
    damage: [`${path} ${one.problem}${previous === undefined ? '' : ', and so does the one before it'}`],
  };
}

function checkIdentity(content: string): { identity: Identity } | { problem: string } {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(content);
  } catch {
    return { problem: content.trim() === '' ? 'is empty' : 'is not JSON' };
  }
  if (typeof value !== 'object' || value === null) return { problem: 'is not a JSON object' };
  for (const name of ['serverUrl', 'region', 'privateKey', 'fingerprint'])
    if (typeof value[name] !== 'string' || value[name] === '') return { problem: `lacks ${name}` };
  try {
    createPrivateKey(value.privateKey as string);
  } catch {
    return { problem: 'has a key that cannot be read' };
  }
  const { trust } = value;
  if (trust !== undefined) {
    if (!Array.isArray(trust) || !trust.every((pem) => typeof pem === 'string'))
      return { problem: 'has a list of certificates that cannot be read' };
    try {
      for (const pem of trust) new X509Certificate(pem);
    } catch {
      return { problem: 'has a certificate that cannot be read' };
    }
  }
  const optional = (name: string) => (typeof value[name] === 'string' ? { [name]: value[name] } : {});
  return {
    identity: {
      serverUrl: value.serverUrl as string,
      region: value.region as string,
      ...optional('nodeId'),
      ...optional('registeredAt'),
      ...(trust === undefined ? {} : { trust: trust as string[] }),
    },
  };
}

function readSettings(content: string | undefined): {
  settings: { proxy?: string; noProxy?: readonly string[]; periodSeconds?: number };
  problem?: string;
} {
  if (content === undefined) return { settings: {} };
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(content);
  } catch {
    return { settings: {}, problem: content.trim() === '' ? 'empty' : 'not JSON' };
  }
  if (typeof value !== 'object' || value === null) return { settings: {}, problem: 'not a JSON object' };
  const { proxy, noProxy, periodSeconds } = value;
  const hosts = Array.isArray(noProxy) && noProxy.every((host) => typeof host === 'string');
  const isPeriod = typeof periodSeconds === 'number' && periodSeconds >= 30 && periodSeconds <= 3600;
  const problem =
    proxy !== undefined && !(typeof proxy === 'string' && /^https?:\/\//.test(proxy) && URL.canParse(proxy))
      ? 'proxy must be http://[user:password@]host:port'
      : noProxy !== undefined && !hosts
        ? 'noProxy must be a list of host names'
        : periodSeconds !== undefined && !isPeriod
          ? 'periodSeconds must be a number from 30 to 3600'
          : undefined;
  return {
    settings: {
      ...(typeof proxy === 'string' ? { proxy } : {}),
      ...(hosts ? { noProxy } : {}),
      ...(isPeriod ? { periodSeconds } : {}),
    },
    ...(problem === undefined ? {} : { problem }),
  };
}

type Said = Readonly<Record<string, unknown>>;

function describeStatus(status: Said | undefined):
  | {
      status: NonNullable<AgentEvidence['status']>;
      log?: { lastAt?: number; lines: { at?: number; level: string; text: string }[] };
      waiting?: NonNullable<AgentEvidence['waiting']>;
    }
  | undefined {
  const state = text(status, 'state');
  const at = time(status, 'at');
  if (status === undefined || state === undefined || at === undefined) return undefined;
  const heartbeat = object(status.lastHeartbeat);
  const next = object(status.nextAttempt);
  const errors = Array.isArray(status.lastErrors) ? status.lastErrors.slice(-10).map(object) : [];
  const lines = errors.flatMap((error) => {
    const message = text(error, 'message');
    const when = time(error, 'at');
    if (message === undefined) return [];
    const what = text(error, 'what');
    return [
      {
        level: 'error',
        text: redactText(what === undefined ? message : `${what}: ${message}`),
        ...(when === undefined ? {} : { at: when }),
      },
    ];
  });
  const until = time(next, 'at');
  const lastHeartbeatAt = time(heartbeat, 'at');
  const channelOpenSince = time(status, 'channelOpenSince');
  const lastError = text(heartbeat, 'error') ?? text(errors.at(-1), 'message');
  const waits = state === 'waiting' || state === 'refused';
  return {
    status: {
      state: redactText(state, 40),
      at,
      ...(lastHeartbeatAt === undefined ? {} : { lastHeartbeatAt }),
      ...(typeof heartbeat?.ok === 'boolean' ? { lastHeartbeatOk: heartbeat.ok } : {}),
      ...(lastError === undefined ? {} : { lastError: redactText(lastError) }),
      ...(channelOpenSince === undefined ? {} : { channelOpenSince }),
    },
    ...(lines.length === 0
      ? {}
      : { log: { lines, ...(lines.at(-1)!.at === undefined ? {} : { lastAt: lines.at(-1)!.at! }) } }),
    ...(until === undefined || !waits
      ? {}
      : {
          waiting: {
            until,
            reason: redactText(text(next, 'reason') ?? lastError ?? state, 300),
            source: 'status.json',
          },
        }),
  };
}

async function readObject(sight: Sight, path: string): Promise<Said | undefined> {
  const content = await sight.text(path, 262_144);
  if (content === undefined) return undefined;
  try {
    return object(JSON.parse(content));
  } catch {
    sight.unseen(path, 'it is not JSON');
    return undefined;
  }
}

function object(value: unknown): Said | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Said) : undefined;
}

function text(from: Said | undefined, name: string): string | undefined {
  const value = from?.[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function time(from: Said | undefined, name: string): number | undefined {
  const at = Date.parse(text(from, name) ?? '');
  return Number.isNaN(at) ? undefined : at;
}

function originOf(url: string | undefined): string | undefined {
  return url !== undefined && URL.canParse(url) ? new URL(url).origin : undefined;
}
