/** The agents of a machine, from what the script said of them. */
import type {
  AgentEvidence,
  AgentIdentityEvidence,
  ProcessEvidence,
  ServiceEvidence,
} from '../evidence/index.ts';
import type { Facts } from './facts.ts';
import { shown } from './machine-facts.ts';
import { chooseLines, findWaiting, parseLog, versionIn } from './official-log.ts';
import { type OfficialSettings, readOfficialSettings, settingsFile } from './official-settings.ts';
import { redactText, redactUrl } from './redact-text.ts';

const dataRoot = '/var/lib/amazon/ssm';
const logPath = '/var/log/amazon/ssm/amazon-ssm-agent.log';

/** The agents, and what the endpoints need of them. */
export interface CollectedAgents {
  readonly agents: readonly AgentEvidence[];
  readonly settings?: OfficialSettings;
  /** Fingerprints of the certificates that our agent trusts its server by. */
  readonly trusts?: readonly string[];
}

/** Reads both kinds. */
export function agentsFrom(facts: Facts, now: number): CollectedAgents {
  const processes = processesFrom(facts);
  const own = ownFrom(facts, processes);
  const official = officialFrom(facts, processes, now);
  return {
    agents: [...(own === undefined ? [] : [own.agent]), ...official.agents],
    ...(official.settings === undefined ? {} : { settings: official.settings }),
    ...(own?.trusts === undefined ? {} : { trusts: own.trusts }),
  };
}

function processesFrom(facts: Facts): readonly ProcessEvidence[] {
  const bootAt = (facts.count('host', 'boot') ?? Number.NaN) * 1000;
  return facts.groups('proc').flatMap((pid) => {
    const stat = /^(.*) ([A-Za-z]) (\d+) (\d+)$/.exec(facts.one('proc', `${pid}.stat`) ?? '');
    if (!/^\d{1,10}$/.test(pid) || stat === null) return [];
    const [, short, state, , ticks] = stat as unknown as [string, string, string, string, string];
    const exe = shown(facts.one('proc', `${pid}.exe`), 300);
    const uid = facts.one('proc', `${pid}.uid`);
    const startedAt = bootAt + Number(ticks) * 10;
    const limit = facts.count('proc', `${pid}.limit`);
    const files = facts.count('proc', `${pid}.files`);
    const program = exe?.replace(/ \(deleted\)$/, '');
    const environment: Record<string, string> = {};
    for (const entry of facts.all('proc', `${pid}.env`)) {
      const at = entry.indexOf('=');
      if (at > 0) environment[redactText(entry.slice(0, at), 40)] = redactUrl(entry.slice(at + 1));
    }
    return [
      {
        pid: Number(pid),
        name: redactText(program?.slice(program.lastIndexOf('/') + 1) || wholeName(short), 64),
        state,
        ...(exe === undefined ? {} : { exe }),
        ...(uid === undefined ? {} : { user: uid === '0' ? 'root' : redactText(uid, 20) }),
        ...(Number.isNaN(startedAt) ? {} : { startedAt }),
        ...(limit === undefined || files === undefined ? {} : { openFiles: { count: files, limit } }),
        ...(facts.one('proc', `${pid}.environ`) === undefined ? {} : { environment }),
        ...(facts.one('proc', `${pid}.container`) === undefined ? {} : { container: true }),
      },
    ];
  });
}

/** The kernel keeps 15 characters of a name. */
function wholeName(short: string): string {
  const names = [
    'amazon-ssm-agent',
    'ssm-agent-worker',
    'ssm-document-worker',
    'ssm-session-worker',
    'ssm-session-logger',
  ];
  return names.find((name) => name.slice(0, 15) === short) ?? short;
}

function serviceFrom(facts: Facts, name: string): ServiceEvidence | undefined {
  const one = (key: string) => facts.one('service', `${name}.${key}`);
  const environment: Record<string, string> = {};
  for (const line of facts.all('unit', name))
    for (const [, key, value] of line.matchAll(/["'\s=]([A-Za-z_]\w*)=([^\s"']*)/g))
      environment[key!] = redactUrl(value!);
  const shell = Object.keys(environment).length === 0 ? {} : { environment };
  const load = one('LoadState');
  const snap = name.startsWith('snap.');
  if (load !== undefined && load !== 'not-found') {
    const active = one('ActiveState') ?? 'unknown';
    const sub = one('SubState');
    const file = one('UnitFileState') ?? '';
    const restarts = facts.count('service', `${name}.NRestarts`);
    const code = facts.count('service', `${name}.ExecMainCode`) ?? 0;
    const status = facts.count('service', `${name}.ExecMainStatus`) ?? 0;
    const user = shown(one('User'), 40);
    return {
      manager: snap ? 'snap' : 'systemd',
      name,
      active: active === 'active',
      state: redactText(
        active === 'active' || sub === undefined || sub === active ? active : `${active} (${sub})`,
        60,
      ),
      masked: load === 'masked' || file.startsWith('masked'),
      ...(file === '' ? {} : { enabled: /^(enabled|static|generated|alias|indirect)/.test(file) }),
      ...(restarts === undefined ? {} : { restarts }),
      ...(code === 0 ? {} : { lastExit: code === 1 ? { code: status } : { signal: `signal ${status}` } }),
      ...(user === undefined ? {} : { user }),
      ...shell,
    };
  }
  const rc = one('openrc');
  const upstart = one('upstart');
  const windows = one('windows');
  const enabled = one('boot') !== undefined;
  if (rc !== undefined) {
    const state = redactText(/status: *(\w+)/.exec(rc)?.[1] ?? 'unknown', 40);
    return { manager: 'openrc', name, active: state === 'started', state, enabled, ...shell };
  }
  if (upstart !== undefined) {
    const state = redactText(/\b(?:start|stop)\/[a-z]+/.exec(upstart)?.[0] ?? 'unknown', 40);
    return { manager: 'upstart', name, active: state === 'start/running', state, enabled, ...shell };
  }
  if (windows !== undefined) {
    const start = one('start') ?? '';
    const user = shown(one('User'), 40);
    return {
      manager: 'windows',
      name,
      active: windows === 'Running',
      state: redactText(windows, 40),
      enabled: /^auto/i.test(start),
      ...(user === undefined ? {} : { user }),
      ...shell,
    };
  }
  return undefined;
}

function officialFrom(
  facts: Facts,
  processes: readonly ProcessEvidence[],
  now: number,
): { agents: AgentEvidence[]; settings?: OfficialSettings } {
  const running = processes.filter(({ name }) => /^(amazon-ssm-agen|ssm-)/.test(name));
  const core = running.find(({ name, state }) => name === 'amazon-ssm-agent' && state !== 'Z');
  const deb = facts.all('package', 'deb');
  const isDeb = deb.some((line) => /^Status: \S+ \S+ (installed|half-configured|unpacked)/.test(line));
  const rpm = facts.one('package', 'rpm');
  const snap = facts.one('package', 'snap');
  const windows = facts.one('package', 'windows');
  const binary = facts.one('package', 'binary');
  const plain = (text: string | undefined) => /(\d+(?:\.\d+)+)/.exec(text ?? '')?.[1];
  const found: { packaging: AgentEvidence['packaging']; version?: string | undefined; binary?: string }[] =
    [];
  if (isDeb)
    found.push({
      packaging: 'deb',
      version: plain(deb.find((line) => line.startsWith('Version:'))),
      binary: '/usr/bin/amazon-ssm-agent',
    });
  if (rpm !== undefined)
    found.push({ packaging: 'rpm', version: plain(rpm), binary: '/usr/bin/amazon-ssm-agent' });
  if (snap !== undefined)
    found.push({
      packaging: 'snap',
      version: plain(snap),
      binary: '/snap/amazon-ssm-agent/current/amazon-ssm-agent',
    });
  if (found.every(({ packaging }) => packaging === 'snap')) {
    // What no package manager knows: a binary in the usual place, or one that runs from elsewhere.
    const exe = core?.exe;
    const loose = exe !== undefined && !exe.startsWith('/snap/') ? exe : binary;
    if (loose !== undefined || windows !== undefined)
      found.push({
        packaging: 'files',
        version: plain(windows),
        ...(loose === undefined ? {} : { binary: redactText(loose, 300) }),
      });
  }
  const settingsText = facts.one('official', 'settings');
  const changed = facts.count('official', 'settings.changed');
  const settings = readOfficialSettings({
    path: settingsFile,
    text: settingsText,
    changedAt: changed === undefined ? undefined : changed * 1000,
    template: facts.one('official', 'template'),
  });
  const identity = officialIdentity(facts);
  if (found.length === 0) {
    if (identity.kind === 'none' && identity.damage === undefined) return { agents: [] };
    return { agents: [{ kind: 'official', packaging: 'none', processes: running, identity }] };
  }
  const local = localTime(facts.one('host', 'zone'));
  const log = parseLog(facts.all('log', 'line').join('\n'), local);
  const hibernate = parseLog(facts.all('hibernate', 'line').join('\n'), local);
  const waiting = core === undefined ? undefined : findWaiting(log, hibernate, now, core.startedAt);
  const channel = /^\S+ +\S+ +\S+ +(\S+)/.exec(facts.one('package', 'snaplist') ?? '')?.[1];
  const agents = found.map(({ packaging, version, binary: path }): AgentEvidence => {
    const own =
      found.length === 1
        ? running
        : running.filter(
            ({ exe }) => exe === undefined || exe.startsWith('/snap/') === (packaging === 'snap'),
          );
    const service = serviceFrom(
      facts,
      packaging === 'snap'
        ? 'snap.amazon-ssm-agent.amazon-ssm-agent'
        : windows !== undefined
          ? 'AmazonSSMAgent'
          : 'amazon-ssm-agent',
    );
    const known = version ?? versionIn(log);
    const server = settings
      .endpoints(identity.region, known)
      .find(({ service: kind }) => kind === 'ssm')?.url;
    return {
      kind: 'official',
      packaging,
      identity: { ...identity, ...(server === undefined ? {} : { server: redactUrl(server) }) },
      configuration: settings.evidence,
      processes: own,
      ...(path === undefined ? {} : { binary: path }),
      ...(known === undefined ? {} : { version: redactText(known, 40) }),
      ...(packaging === 'snap' && channel !== undefined ? { snapChannel: redactText(channel, 60) } : {}),
      ...(service === undefined ? {} : { service }),
      ...(log.length === 0 ? {} : { log: chooseLines(logPath, log) }),
      ...(waiting === undefined ? {} : { waiting }),
    };
  });
  return { agents, settings };
}

/** Logs are written in the machine's own time, of which the block has the distance to UTC. */
function localTime(zone: string | undefined): (parts: readonly number[]) => number {
  const match = /^([+-])(\d\d)(\d\d)$/.exec(zone ?? '+0000');
  const minutes =
    match === null ? 0 : (Number(match[2]) * 60 + Number(match[3])) * (match[1] === '-' ? -1 : 1);
  return ([year, month, day, hour, minute, second]) =>
    Date.UTC(year!, month! - 1, day, hour, minute, second) - minutes * 60_000;
}

function json(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function word(from: Readonly<Record<string, unknown>> | undefined, name: string): string | undefined {
  const value = from?.[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function time(text: string | undefined): number | undefined {
  const at = Date.parse(
    (text ?? '')
      .replace(/ [A-Z]+( m=\S+)?$/, '')
      .replace(/^(\S+) (\S+) ([+-]\d\d):?(\d\d)$/, '$1T$2$3:$4')
      .replace(/(\.\d{3})\d+/, '$1'),
  );
  return Number.isNaN(at) || at < 0 ? undefined : at;
}

function officialIdentity(facts: Facts): AgentIdentityEvidence {
  const one = (key: string) => facts.one('official', key);
  const damage: string[] = [];
  const registration = json(one('registration'));
  const running = json(one('running'));
  const manifest = one('vault');
  const seen = manifest !== undefined || one('key.there') !== undefined;
  const keyId = one('key.id');
  const plainId = word(registration, 'ManagedInstanceID');
  const complete = keyId !== undefined && one('key.region') !== undefined && one('key.whole') !== undefined;
  if (one('registration') !== undefined && registration === undefined)
    damage.push(`${dataRoot}/registration is not JSON`);
  if (one('running') !== undefined && running === undefined)
    damage.push(`${dataRoot}/runtimeconfig/identity_config.json is not JSON`);
  if (manifest !== undefined && json(manifest) === undefined)
    damage.push(`${dataRoot}/Vault/Manifest is not JSON`);
  const named = word(json(manifest), 'RegistrationKey') !== undefined;
  if (named && one('key.there') === undefined)
    damage.push(
      `${dataRoot}/Vault/Store/RegistrationKey is missing, although ${dataRoot}/Vault/Manifest names it`,
    );
  if (one('key.there') !== undefined && keyId !== undefined && !complete)
    damage.push(
      `${dataRoot}/Vault: the registration lacks its ${one('key.region') === undefined ? 'region' : 'key'}`,
    );
  const ec2Id = one('ec2.id');
  const runningId = word(running, 'InstanceId');
  const runningKind = word(running, 'IdentityType');
  const nodeId = complete
    ? keyId
    : seen
      ? undefined
      : (plainId ?? (runningKind === 'OnPrem' ? runningId : undefined));
  const ec2 = ec2Id ?? (runningKind === 'EC2' ? runningId : undefined);
  const kind = nodeId !== undefined ? 'activation' : ec2 !== undefined ? 'ec2' : 'none';
  const region = one('key.region') ?? word(registration, 'Region') ?? one('ec2.region');
  const registeredAt = time(one('key.created'));
  const expiresAt = time(word(running, 'CredentialsExpiresAt'));
  const source = word(running, 'CredentialSource');
  const fingerprint = fingerprintFrom(facts);
  const shownId = shown(kind === 'ec2' ? ec2 : nodeId, 128);
  return {
    kind,
    ...(shownId === undefined ? {} : { nodeId: shownId }),
    ...(region === undefined ? {} : { region: redactText(region, 100) }),
    ...(registeredAt === undefined ? {} : { registeredAt }),
    ...(damage.length === 0 ? {} : { damage }),
    ...(ec2 === undefined ? {} : { ec2Id: redactText(ec2, 64) }),
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...(runningId === undefined
      ? {}
      : { running: { nodeId: redactText(runningId, 128), kind: redactText(runningKind ?? '', 40) } }),
    ...(expiresAt === undefined && source === undefined
      ? {}
      : {
          credentials: {
            ...(source === undefined ? {} : { source: redactText(source, 40) }),
            ...(expiresAt === undefined ? {} : { expiresAt }),
          },
        }),
  };
}

/** The script sees three of the nine values: enough where the machine's id differs, or nothing but it counts. */
function fingerprintFrom(facts: Facts): AgentIdentityEvidence['fingerprint'] {
  const was = facts.one('official', 'print.machine')?.replace(/\\n/g, '').trim();
  const is = facts.one('host', 'machineid');
  const threshold = Number(facts.one('official', 'print.threshold') ?? '40');
  if (was === undefined || is === undefined) return undefined;
  const changed: { field: string; was: string; is: string }[] = [];
  if (was !== is) changed.push({ field: 'machine-id', was: redactText(was, 60), is: redactText(is, 60) });
  const address = facts.one('official', 'print.address');
  const sameAddress = address !== undefined && facts.all('host', 'address').includes(address);
  if (threshold === -1) return { matches: true, changed, threshold };
  if (was !== is) return { matches: false, changed, threshold };
  return sameAddress ? { matches: true, changed, threshold } : undefined;
}

function ownFrom(
  facts: Facts,
  processes: readonly ProcessEvidence[],
): { agent: AgentEvidence; trusts?: string[] } | undefined {
  const root = facts.one('rollcall', 'root');
  const service = serviceFrom(facts, 'rollcall-agent');
  const running = processes.filter(({ name }) => !/^(amazon-ssm-agen|ssm-)/.test(name));
  if (root === undefined && service === undefined && running.length === 0) return undefined;
  const status = json(facts.one('rollcall', 'status'));
  const one = (key: string) => facts.one('rollcall', key);
  const nodeId = one('identity.nodeId') ?? word(status, 'nodeId');
  const region = one('identity.region') ?? word(status, 'region');
  const server = one('identity.serverUrl') ?? word(status, 'serverUrl');
  const registeredAt = time(one('identity.registeredAt'));
  const damage =
    one('identity.there') !== undefined && one('identity.whole') === undefined
      ? [`${redactText(root ?? '', 300)}/identity.json cannot be read as an identity`]
      : [];
  const changed = facts.count('rollcall', 'config.changed');
  const period = Number(one('period'));
  const state = word(status, 'state');
  const at = time(word(status, 'at'));
  const heartbeat = objectOf(status?.lastHeartbeat);
  const next = objectOf(status?.nextAttempt);
  const errors = Array.isArray(status?.lastErrors) ? status.lastErrors.slice(-10).map(objectOf) : [];
  const lines = errors.flatMap((error) => {
    const message = word(error, 'message');
    const when = time(word(error, 'at'));
    const what = word(error, 'what');
    if (message === undefined) return [];
    const text = redactText(what === undefined ? message : `${what}: ${message}`);
    return [{ level: 'error', text, ...(when === undefined ? {} : { at: when }) }];
  });
  const lastHeartbeatAt = time(word(heartbeat, 'at'));
  const channelOpenSince = time(word(status, 'channelOpenSince'));
  const lastError = word(heartbeat, 'error') ?? word(errors.at(-1), 'message');
  const until = time(word(next, 'at'));
  const waits =
    (state === 'waiting' || state === 'refused') && running.some((process) => process.state !== 'Z');
  const trusts = Array.isArray(status?.trusts)
    ? status.trusts.filter(
        (print): print is string => typeof print === 'string' && /^[0-9a-f]{64}$/.test(print),
      )
    : undefined;
  const version = shown(word(status, 'agentVersion'), 40);
  return {
    ...(trusts === undefined ? {} : { trusts }),
    agent: {
      kind: 'rollcall',
      packaging: 'rollcall',
      processes: running,
      ...(root === undefined ? {} : { binary: redactText(root, 300) }),
      ...(version === undefined ? {} : { version }),
      ...(service === undefined ? {} : { service }),
      identity: {
        kind: nodeId === undefined ? 'none' : 'activation',
        ...(nodeId === undefined ? {} : { nodeId: redactText(nodeId, 64) }),
        ...(region === undefined ? {} : { region: redactText(region, 100) }),
        ...(server === undefined ? {} : { server: redactUrl(server) }),
        ...(registeredAt === undefined ? {} : { registeredAt }),
        ...(damage.length === 0 ? {} : { damage }),
      },
      configuration: {
        files:
          one('config') === undefined
            ? []
            : [
                {
                  path: `${redactText(root ?? '', 300)}/config.json`,
                  ...(changed === undefined ? {} : { changedAt: changed * 1000 }),
                },
              ],
        ...(region === undefined ? {} : { region: redactText(region, 100) }),
        ...(period >= 30 ? { healthMinutes: period / 60 } : {}),
      },
      ...(lines.length === 0 ? {} : { log: { path: `${redactText(root ?? '', 300)}/status.json`, lines } }),
      ...(state === undefined || at === undefined
        ? {}
        : {
            status: {
              state: redactText(state, 40),
              at,
              ...(lastHeartbeatAt === undefined ? {} : { lastHeartbeatAt }),
              ...(typeof heartbeat?.ok === 'boolean' ? { lastHeartbeatOk: heartbeat.ok } : {}),
              ...(lastError === undefined ? {} : { lastError: redactText(lastError) }),
              ...(channelOpenSince === undefined ? {} : { channelOpenSince }),
            },
          }),
      ...(until === undefined || !waits
        ? {}
        : {
            waiting: {
              until,
              reason: redactText(word(next, 'reason') ?? lastError ?? state ?? '', 300),
              source: 'status.json',
            },
          }),
    },
  };
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}
