/**
 * The official agents on a machine: what package managers know, what runs, and what lies about. More than one is
 * a finding of its own.
 */
import type { AgentEvidence, HostEvidence } from '@rollcall/diagnosis';
import {
  chooseLines,
  findWaiting,
  type OfficialEndpoint,
  parseLog,
  versionIn,
} from '@rollcall/diagnosis/collected';
import type { ProcessTable, Seen } from '../machine/processes.ts';
import { readService, readUnitFiles, type Service } from '../machine/services.ts';
import type { Sight } from '../machine/sight.ts';
import { shownProcess } from '../shown-process.ts';
import { readConfiguration } from './configuration.ts';
import { readVault } from './vault.ts';

/** An official agent, and what only the other probes need. */
export interface OfficialAgent {
  readonly evidence: AgentEvidence;
  /** The environment that it runs in, or would. */
  readonly environment?: { readonly values: Readonly<Record<string, string>>; readonly source: string };
  readonly endpoints: readonly OfficialEndpoint[];
  readonly region?: string;
  readonly orchestration: readonly string[];
}

const name = 'amazon-ssm-agent';
const dataRoot = '/var/lib/amazon/ssm';
const logFolder = '/var/log/amazon/ssm';

interface Installation {
  readonly packaging: AgentEvidence['packaging'];
  readonly binary: string;
  readonly version?: string;
  readonly snapChannel?: string;
}

/** Looks for them. `region` is what else is known of the machine's region. */
export async function readOfficialAgents(
  sight: Sight,
  host: HostEvidence,
  processes: ProcessTable | undefined,
  region: () => Promise<string | undefined>,
): Promise<OfficialAgent[]> {
  const found = (await Promise.all([findDeb(sight), findRpm(sight), findSnap(sight)])).filter(
    (installation) => installation !== undefined,
  );
  const running = processes?.agents.filter(isOfficial) ?? [];
  const owned = (exe: string) =>
    found.some(({ binary, packaging }) =>
      packaging === 'snap' ? exe.startsWith('/snap/') : folderOf(binary) === folderOf(exe),
    );
  // Binaries that no package manager knows: in the usual place, or wherever one runs from.
  const places = new Set(running.filter(({ name: own }) => own === name).map((process) => pathOf(process)));
  if ((await sight.facts(`/usr/bin/${name}`)) !== undefined) places.add(`/usr/bin/${name}`);
  const loose: Installation[] = [...places]
    .filter((path): path is string => path !== undefined && !owned(path))
    .map((binary) => ({ packaging: 'files', binary }));
  const installations = [...found, ...loose];
  const stateLeft = (await sight.facts(dataRoot)) !== undefined;
  if (installations.length === 0) {
    // What an agent left behind tells who the machine was, even when the agent is gone.
    const vault = stateLeft ? await readVault(sight, dataRoot) : undefined;
    if (vault === undefined || (vault.identity.kind === 'none' && vault.identity.damage === undefined))
      return [];
    return [
      {
        evidence: {
          kind: 'official',
          packaging: 'none',
          identity: vault.identity,
          processes: running.map(shownProcess),
        },
        endpoints: [],
        orchestration: [],
      },
    ];
  }
  const state = await readState(sight, running, region, loose.at(0)?.binary);
  return Promise.all(
    installations.map(async (installation) => {
      const own = running.filter((process) => {
        const path = pathOf(process);
        if (installations.length === 1 || path === undefined) return true;
        return installation.packaging === 'snap'
          ? path.startsWith('/snap/')
          : folderOf(path) === folderOf(installation.binary);
      });
      return describe(sight, host, installation, own, processes !== undefined, state);
    }),
  );
}

/** What all official agents of a machine share: their folders are fixed. */
interface State {
  readonly vault: Awaited<ReturnType<typeof readVault>>;
  readonly configuration: Awaited<ReturnType<typeof readConfiguration>>;
  readonly log: ReturnType<typeof parseLog>;
  readonly logPath?: string;
  readonly waiting?: AgentEvidence['waiting'];
  readonly region?: string;
}

async function readState(
  sight: Sight,
  running: readonly Seen[],
  region: () => Promise<string | undefined>,
  loose: string | undefined,
): Promise<State> {
  const folder = loose === undefined ? undefined : folderOf(loose);
  const configuration = await readConfiguration(sight, folder === '/usr/bin' ? undefined : folder);
  const [vault, logText, hibernateText] = await Promise.all([
    readVault(sight, dataRoot),
    sight.tail(`${logFolder}/amazon-ssm-agent.log`, 393_216),
    sight.tail(`${logFolder}/hibernate.log`, 32_768),
  ]);
  const log = parseLog(logText ?? '');
  const core = running.find((process) => process.name === name && process.state !== 'Z');
  const waiting =
    core === undefined
      ? undefined
      : findWaiting(log, parseLog(hibernateText ?? ''), sight.now(), core.startedAt);
  const known = vault.identity.region ?? (await region()) ?? configuration.evidence.region;
  return {
    vault,
    configuration,
    log,
    ...(logText === undefined ? {} : { logPath: `${logFolder}/amazon-ssm-agent.log` }),
    ...(waiting === undefined ? {} : { waiting }),
    ...(known === undefined ? {} : { region: known }),
  };
}

async function describe(
  sight: Sight,
  host: HostEvidence,
  installation: Installation,
  running: readonly Seen[],
  processesSeen: boolean,
  state: State,
): Promise<OfficialAgent> {
  const snap = installation.packaging === 'snap';
  const service = await readService(
    sight,
    host.init,
    snap ? 'snap.amazon-ssm-agent.amazon-ssm-agent' : name,
    snap ? 'snap' : 'systemd',
  );
  const version = installation.version ?? versionIn(state.log);
  const core = running.find((process) => process.name === name && process.state !== 'Z');
  const environment = await environmentOf(sight, core, service, installation);
  const { vault, configuration } = state;
  const region = vault.identity.region ?? state.region;
  const endpoints = configuration.endpoints(region, version);
  const server = endpoints.find(({ service: kind }) => kind === 'ssm')?.url;
  return {
    ...(environment === undefined ? {} : { environment }),
    endpoints,
    ...(region === undefined ? {} : { region }),
    orchestration: vault.nodeFolder === undefined ? [] : [`${vault.nodeFolder}/document/orchestration`],
    evidence: {
      kind: 'official',
      packaging: installation.packaging,
      binary: installation.binary,
      ...(version === undefined ? {} : { version }),
      ...(installation.snapChannel === undefined ? {} : { snapChannel: installation.snapChannel }),
      ...(service === undefined ? {} : { service: service.evidence }),
      ...(processesSeen ? { processes: running.map(shownProcess) } : {}),
      identity: {
        ...vault.identity,
        ...(region === undefined ? {} : { region }),
        ...(server === undefined ? {} : { server }),
      },
      configuration: configuration.evidence,
      ...(state.logPath === undefined ? {} : { log: chooseLines(state.logPath, state.log) }),
      ...(state.waiting === undefined ? {} : { waiting: state.waiting }),
    },
  };
}

/** The running agent's own environment counts; only when it doesn't run, or can't be looked into, its unit's does. */
async function environmentOf(
  sight: Sight,
  core: Seen | undefined,
  service: Service | undefined,
  installation: Installation,
): Promise<OfficialAgent['environment']> {
  if (core?.environment !== undefined)
    return { values: core.environment, source: `/proc/${core.pid}/environ` };
  if (service !== undefined)
    return { values: service.environment, source: `${service.evidence.manager}: ${service.evidence.name}` };
  const unit = installation.packaging === 'snap' ? 'snap.amazon-ssm-agent.amazon-ssm-agent' : name;
  const files: string[] = [];
  for (const folder of ['/lib/systemd/system', '/usr/lib/systemd/system', '/etc/systemd/system']) {
    if ((await sight.facts(`${folder}/${unit}.service`)) !== undefined)
      files.push(`${folder}/${unit}.service`);
    for (const dropIn of (await sight.list(`${folder}/${unit}.service.d`)) ?? [])
      if (dropIn.endsWith('.conf')) files.push(`${folder}/${unit}.service.d/${dropIn}`);
  }
  if (files.length === 0) return undefined;
  return { values: (await readUnitFiles(sight, files)).environment, source: files.join(', ') };
}

async function findDeb(sight: Sight): Promise<Installation | undefined> {
  const status = await sight.text('/var/lib/dpkg/status', 32 * 1024 * 1024);
  const entry = status?.split(/\n\n/).find((stanza) => /^Package: amazon-ssm-agent$/m.test(stanza));
  if (entry === undefined || !/^Status: \S+ \S+ (installed|half-configured|unpacked)/m.test(entry))
    return undefined;
  return withVersion({ packaging: 'deb', binary: `/usr/bin/${name}` }, /^Version: (\S+)/m.exec(entry)?.[1]);
}

async function findRpm(sight: Sight): Promise<Installation | undefined> {
  const databases = ['/var/lib/rpm', '/usr/lib/sysimage/rpm'];
  const there = await Promise.all(databases.map((path) => sight.facts(path)));
  if (there.every((facts) => facts === undefined)) return undefined;
  const ran = await sight.run('rpm', ['-q', '--qf', '%{VERSION}-%{RELEASE}\\n', name], 1500);
  if (ran === undefined || ran.code !== 0) return undefined;
  return withVersion({ packaging: 'rpm', binary: `/usr/bin/${name}` }, /^[\w.~+-]+/.exec(ran.out)?.[0]);
}

async function findSnap(sight: Sight): Promise<Installation | undefined> {
  if ((await sight.linkFacts('/snap/amazon-ssm-agent/current')) === undefined) return undefined;
  const about = await sight.text('/snap/amazon-ssm-agent/current/meta/snap.yaml', 65_536);
  const version = /^version:\s*['"]?([\w.+-]+)/m.exec(about ?? '')?.[1];
  const ran = await sight.run('snap', ['list', name], 1000);
  const line = ran?.out.split('\n').find((text) => text.startsWith(name));
  const channel = line?.trim().split(/\s+/)[3];
  return withVersion(
    {
      packaging: 'snap',
      binary: `/snap/amazon-ssm-agent/current/${name}`,
      ...(channel === undefined ? {} : { snapChannel: channel.slice(0, 60) }),
    },
    version,
  );
}

/** A package's version without what the distribution hangs on to it. */
function withVersion(installation: Installation, version: string | undefined): Installation {
  const plain =
    version === undefined ? undefined : /^(?:\d+:)?([\d.]+)/.exec(version)?.[1]?.replace(/\.$/, '');
  return plain === undefined || plain === '' ? installation : { ...installation, version: plain };
}

function isOfficial(process: Seen): boolean {
  return /^(amazon-ssm-agent|ssm-agent-worker|ssm-document-worker|ssm-session-worker|ssm-session-logger|amazon-ssm-agen|ssm-agent-worke|ssm-document-wo|ssm-session-wor|ssm-session-log)$/.test(
    process.name,
  );
}

function pathOf(process: Seen): string | undefined {
  const path = process.exe?.replace(/ \(deleted\)$/, '') ?? process.argv[0];
  return path?.startsWith('/') ? path : undefined;
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}
