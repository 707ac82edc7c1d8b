/**
 * The agent as a service of systemd: written, started and taken away again. One service a machine; an agent in
 * a second folder is run by whoever keeps it there.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Failure } from '../failure.ts';
import type { Machine } from '../machine.ts';

/** The service's name. */
export const serviceName = 'rollcall-agent';

/** Where its unit is. */
export const unitFile = `/etc/systemd/system/${serviceName}.service`;

/** The folder of compiled code that systemd makes for it. */
export const cacheFolder = `/var/cache/${serviceName}`;

const rootComment = "# The agent's folder: ";

/** What the service runs. */
export interface ServiceProcess {
  readonly file: string;
  readonly args: readonly string[];
}

/** Writes the unit. */
export function unitText(process: ServiceProcess, root: string): string {
  return `# Written by "rollcall enroll"; "rollcall leave" removes it.
${rootComment}${root}

[Unit]
Description=Rollcall agent
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart=${[process.file, ...process.args].map(quoted).join(' ')}
Environment=NODE_COMPILE_CACHE=${cacheFolder}
CacheDirectory=${serviceName}
# What the agent has started outlives it: an update of the agent ends no command.
KillMode=process
Restart=always
RestartSec=5
TimeoutStopSec=15

[Install]
WantedBy=multi-user.target
`;
}

/** One word of a unit's command line: quoted, with nothing left that systemd would expand. */
function quoted(word: string): string {
  const plain = word.replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w@%+=:,./$-]+$/.test(plain)
    ? plain
    : `"${plain.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** The folder of the agent that the installed service runs; undefined when there is no service. */
export function installedRoot(machine: Machine): string | undefined {
  const unit = read(machine);
  if (unit === undefined) return undefined;
  const line = unit.split('\n').find((text) => text.startsWith(rootComment));
  return line?.slice(rootComment.length) ?? 'an unknown folder';
}

/**
 * Installs, enables and starts the service, or restarts it when what it runs has changed.
 * @throws Failure when systemd refuses, or when the service runs an agent in another folder.
 */
export async function installService(
  machine: Machine,
  process: ServiceProcess,
  root: string,
  options: { restart: boolean },
): Promise<'installed' | 'restarted' | 'running'> {
  const other = installedRoot(machine);
  if (other !== undefined && other !== root)
    throw new Failure(
      `The service ${serviceName} runs an agent in ${other} already. Leave there first (rollcall leave --root ${other}), or add --no-service and run this one yourself.`,
    );
  const text = unitText(process, root);
  const changed = read(machine) !== text;
  if (changed) {
    writeFileSync(machine.path(unitFile), text, { mode: 0o644 });
    await systemctl(machine, 'daemon-reload');
  }
  await systemctl(machine, 'enable', '--quiet', serviceName);
  const running = (await machine.run('systemctl', ['is-active', '--quiet', serviceName])).code === 0;
  if (running && !changed && !options.restart) return 'running';
  await systemctl(machine, running ? 'restart' : 'start', serviceName);
  return other === undefined ? 'installed' : 'restarted';
}

/** Stops, disables and removes the service when it is that folder's. Answers what is gone. */
export async function removeService(machine: Machine, root: string): Promise<string[]> {
  if (installedRoot(machine) !== root) return [];
  await systemctl(machine, 'disable', '--now', '--quiet', serviceName);
  rmSync(machine.path(unitFile), { force: true });
  await systemctl(machine, 'daemon-reload');
  // A failure of the past would otherwise keep the name in systemd's list.
  await machine.run('systemctl', ['reset-failed', serviceName]);
  rmSync(machine.path(cacheFolder), { recursive: true, force: true });
  return [unitFile];
}

async function systemctl(machine: Machine, ...args: string[]): Promise<void> {
  const { code, output } = await machine.run('systemctl', args);
  if (code !== 0)
    throw new Failure(`systemctl ${args.join(' ')} failed: ${output.trim() || `exit code ${code}`}`);
}

function read(machine: Machine): string | undefined {
  try {
    return readFileSync(machine.path(unitFile), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
