/** Whether the agent can run on this machine at all, found out before anything else is tried. */
import { readFileSync } from 'node:fs';
import type { Machine } from '../machine.ts';

/** What is known about a machine before it is enrolled. */
export interface Support {
  readonly ok: boolean;
  /** `Debian GNU/Linux 12 (bookworm) x64, glibc 2.36, systemd 252`. */
  readonly description: string;
  /** Why not, when it can't. */
  readonly reason: string;
  /** Whether systemd starts and watches services here. */
  readonly systemd: boolean;
}

const official = 'The official amazon-ssm-agent can join instead: see docs/official-agent.md.';

/** What the machine is made of; `undefined`: what this process sees. */
export interface Build {
  readonly arch: string;
  /** Undefined on another C library. */
  readonly glibc: string | undefined;
}

/** Looks at the machine. */
export async function findSupport(machine: Machine, build: Build = thisBuild()): Promise<Support> {
  const no = (description: string, reason: string): Support => ({
    ok: false,
    description,
    reason: `${reason} ${official}`,
    systemd: false,
  });
  if (machine.platform !== 'linux')
    return no(machine.platform, `The agent runs on Linux; this is ${machine.platform}.`);
  const system = `${systemName(machine)} ${build.arch}`;
  if (!['x64', 'arm64'].includes(build.arch))
    return no(system, `The agent runs on x64 and arm64; this is ${build.arch}.`);
  const { glibc } = build;
  if (glibc === undefined)
    return no(system, 'There is no glibc here (musl, as on Alpine?); the agent needs glibc 2.28.');
  const [major = 0, minor = 0] = glibc.split('.').map(Number);
  if (major < 2 || (major === 2 && minor < 28))
    return no(`${system}, glibc ${glibc}`, `glibc is ${glibc}; the agent needs 2.28.`);
  const systemd = await systemdVersion(machine);
  return {
    ok: true,
    description: `${system}, glibc ${glibc}, ${systemd === undefined ? 'no systemd' : `systemd ${systemd}`}`,
    reason: '',
    systemd: systemd !== undefined,
  };
}

function thisBuild(): Build {
  // Without the network's part the report asks no name server.
  (process.report as { excludeNetwork?: boolean }).excludeNetwork = true;
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return { arch: process.arch, glibc: header.glibcVersionRuntime };
}

function systemName(machine: Machine): string {
  try {
    const text = readFileSync(machine.path('/etc/os-release'), 'utf8');
    return /^PRETTY_NAME=(["']?)(.*)\1$/m.exec(text)?.[2]?.slice(0, 60) || 'Linux';
  } catch {
    return 'Linux';
  }
}

/** Undefined when systemd isn't what runs this machine, even if its commands are installed. */
async function systemdVersion(machine: Machine): Promise<string | undefined> {
  try {
    readFileSync(machine.path('/run/systemd/system'));
  } catch (error) {
    // It is a folder: reading it fails one way when it is there and another when it isn't.
    if ((error as NodeJS.ErrnoException).code !== 'EISDIR') return undefined;
  }
  const { code, output } = await machine.run('systemctl', ['--version']);
  return code === 0 ? (/^systemd (\d+)/.exec(output)?.[1] ?? 'of some version') : undefined;
}
