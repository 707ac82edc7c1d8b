/** Services, as whatever manages them here has them: systemd (snap's among them), OpenRC, Upstart. */
import type { HostEvidence, ServiceEvidence } from '@rollcall/diagnosis';
import { shownEnvironment } from '@rollcall/diagnosis/collected';
import type { Sight } from './sight.ts';

/** What was found, with the whole environment, which stays inside. */
export interface Service {
  readonly evidence: ServiceEvidence;
  readonly environment: Readonly<Record<string, string>>;
  /** The program's first word, where the manager told it. */
  readonly command?: string;
}

/** Looks a service up; undefined when nothing of that name is installed. */
export async function readService(
  sight: Sight,
  init: HostEvidence['init'],
  name: string,
  by: 'systemd' | 'snap' = 'systemd',
): Promise<Service | undefined> {
  if (init === 'systemd') return readSystemd(sight, name, by);
  if (by === 'snap') return undefined;
  if (init === 'openrc') return readOpenRc(sight, name);
  if (init === 'upstart') return readUpstart(sight, name);
  return undefined;
}

const wanted = [
  'LoadState',
  'ActiveState',
  'SubState',
  'UnitFileState',
  'NRestarts',
  'ExecMainCode',
  'ExecMainStatus',
  'ExecMainExitTimestamp',
  'User',
  'FragmentPath',
  'DropInPaths',
  'Result',
];

async function readSystemd(
  sight: Sight,
  name: string,
  manager: 'systemd' | 'snap',
): Promise<Service | undefined> {
  const ran = await sight.run('systemctl', ['show', `${name}.service`, `--property=${wanted.join(',')}`]);
  if (ran === undefined || ran.code !== 0) {
    if (ran !== undefined)
      sight.unseen(`service ${name}`, ran.err.trim().slice(0, 200) || 'systemctl failed');
    return undefined;
  }
  const shown = Object.fromEntries(
    ran.out.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  if (shown.LoadState === 'not-found' || shown.LoadState === undefined) return undefined;
  const files = [shown.FragmentPath, ...(shown.DropInPaths ?? '').split(' ')].filter(
    (path): path is string => path?.startsWith('/') === true,
  );
  const { environment, command } = await readUnitFiles(sight, files);
  const state = shown.UnitFileState ?? '';
  const code = Number(shown.ExecMainCode);
  const at = Date.parse((shown.ExecMainExitTimestamp ?? '').replace(/^\w{3} /, ''));
  const status = Number(shown.ExecMainStatus);
  return {
    environment,
    ...(command === undefined ? {} : { command }),
    evidence: {
      manager,
      name,
      active: shown.ActiveState === 'active',
      // `activating (auto-restart)` is what a crash loop looks like between two crashes.
      state:
        shown.ActiveState === 'active' || shown.SubState === undefined || shown.SubState === shown.ActiveState
          ? (shown.ActiveState ?? 'unknown')
          : `${shown.ActiveState} (${shown.SubState})`,
      ...(state === '' ? {} : { enabled: /^(enabled|static|generated|alias|indirect)/.test(state) }),
      masked: shown.LoadState === 'masked' || state.startsWith('masked'),
      ...(/^\d+$/.test(shown.NRestarts ?? '') ? { restarts: Number(shown.NRestarts) } : {}),
      ...(code > 0
        ? {
            lastExit: {
              ...(code === 1 ? { code: status } : { signal: signalName(status) }),
              ...(Number.isNaN(at) ? {} : { at }),
            },
          }
        : {}),
      ...(shown.User ? { user: shown.User } : {}),
      environment: shownEnvironment(environment, 'names'),
    },
  };
}

const signals: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  6: 'SIGABRT',
  7: 'SIGBUS',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  15: 'SIGTERM',
};

function signalName(number: number): string {
  return signals[number] ?? `signal ${number}`;
}

/** The environment that a unit and its drop-ins give, later ones over earlier ones, files that they name included. */
export async function readUnitFiles(
  sight: Sight,
  files: readonly string[],
): Promise<{ environment: Record<string, string>; command?: string }> {
  let environment: Record<string, string> = {};
  const fromFiles: string[] = [];
  let command: string | undefined;
  for (const file of files) {
    const text = await sight.text(file, 262_144);
    if (text === undefined) continue;
    for (const line of text.replace(/\\\r?\n\s*/g, ' ').split(/\r?\n/)) {
      const match = /^\s*(Environment|EnvironmentFile|ExecStart)\s*=\s*(.*)$/.exec(line);
      if (!match) continue;
      const [, key, value = ''] = match;
      if (key === 'ExecStart') command = value === '' ? undefined : words(value.replace(/^[-@:+!]+/, ''))[0];
      else if (value === '') {
        if (key === 'Environment') environment = {};
        else fromFiles.length = 0;
      } else if (key === 'EnvironmentFile') fromFiles.push(value.trim().replace(/^-/, ''));
      else for (const word of words(value)) assign(environment, word);
    }
  }
  // What a file says stands over what the unit itself says.
  for (const path of fromFiles) {
    const text = path.startsWith('/') ? await sight.text(path, 262_144) : undefined;
    for (const line of text?.split(/\r?\n/) ?? [])
      if (!/^\s*[#;]/.test(line)) assign(environment, words(line.trim()).join(' '));
  }
  return { environment, ...(command === undefined ? {} : { command }) };
}

function assign(environment: Record<string, string>, word: string): void {
  const at = word.indexOf('=');
  if (at > 0) environment[word.slice(0, at)] = word.slice(at + 1);
}

/** Words as systemd splits them: quotes keep spaces, a backslash keeps what follows. */
function words(text: string): string[] {
  const found: string[] = [];
  for (const match of text.matchAll(/(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\\.|[^\s"'\\])+/g)) {
    found.push(
      match[0]
        .replace(/"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'/g, (_, double, single) => double ?? single ?? '')
        .replace(/\\(.)/g, '$1')
        .replaceAll('%%', '%'),
    );
  }
  return found;
}

async function readOpenRc(sight: Sight, name: string): Promise<Service | undefined> {
  if ((await sight.facts(`/etc/init.d/${name}`)) === undefined) return undefined;
  const ran = await sight.run('rc-service', [name, 'status']);
  const state = /status:\s*(\w+)/.exec(`${ran?.out ?? ''}${ran?.err ?? ''}`)?.[1] ?? 'unknown';
  let enabled = false;
  for (const level of (await sight.list('/etc/runlevels')) ?? [])
    enabled ||= (await sight.linkFacts(`/etc/runlevels/${level}/${name}`)) !== undefined;
  const environment: Record<string, string> = {};
  const settings = await sight.text(`/etc/conf.d/${name}`, 65_536);
  for (const line of settings?.split('\n') ?? []) {
    const match = /^\s*(?:export\s+|rc_env_allow=.*)?([A-Za-z_]\w*)=(["']?)(.*)\2\s*$/.exec(line);
    if (match && /^\s*export\s/.test(line)) environment[match[1]!] = match[3] ?? '';
  }
  return {
    environment,
    evidence: {
      manager: 'openrc',
      name,
      active: state === 'started',
      state,
      enabled,
      environment: shownEnvironment(environment, 'names'),
    },
  };
}

async function readUpstart(sight: Sight, name: string): Promise<Service | undefined> {
  const job = await sight.text(`/etc/init/${name}.conf`, 65_536);
  if (job === undefined) return undefined;
  const override = (await sight.text(`/etc/init/${name}.override`, 65_536)) ?? '';
  const ran = await sight.run('initctl', ['status', name]);
  const state =
    /\b(start|stop)\/(\S+?),?(\s|$)/.exec(ran?.out ?? '')?.[0]?.replace(/,?\s*$/, '') ?? 'unknown';
  const environment: Record<string, string> = {};
  for (const line of `${job}\n${override}`.split('\n')) {
    const match = /^\s*env\s+([A-Za-z_]\w*)=(["']?)(.*)\2\s*$/.exec(line);
    if (match) environment[match[1]!] = match[3] ?? '';
  }
  return {
    environment,
    evidence: {
      manager: 'upstart',
      name,
      active: state === 'start/running',
      state,
      enabled: /^\s*start on/m.test(job) && !/^\s*manual\s*$/m.test(override),
      environment: shownEnvironment(environment, 'names'),
    },
  };
}
