/** What a node tells about itself in a heartbeat. */
import { readFileSync } from 'node:fs';
import { hostname, networkInterfaces, platform, release } from 'node:os';

/** The facts of one machine. */
export interface Facts {
  readonly computerName: string;
  readonly platformType: 'Linux' | 'MacOS' | 'Windows';
  readonly platformName: string;
  readonly platformVersion: string;
}

/** Gathers the facts. */
export function gatherFacts(osRelease: string | undefined = readOsRelease()): Facts {
  const system = platform();
  const named = osRelease === undefined ? {} : parseOsRelease(osRelease);
  return {
    computerName: hostname().slice(0, 255),
    platformType: system === 'darwin' ? 'MacOS' : system === 'win32' ? 'Windows' : 'Linux',
    platformName: named.NAME ?? (system === 'darwin' ? 'macOS' : system),
    platformVersion: named.VERSION_ID ?? release(),
  };
}

/**
 * The address to show for this machine: the one it uses towards its server, unless that is loopback, which
 * would say nothing.
 */
export function shownAddress(used: string | undefined): string | undefined {
  const plain = used?.replace(/^::ffff:/, '');
  if (plain !== undefined && plain !== '::1' && !plain.startsWith('127.')) return plain;
  const others = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return others.find((address) => address.family === 'IPv4' && !address.internal)?.address ?? plain;
}

function readOsRelease(): string | undefined {
  for (const path of ['/etc/os-release', '/usr/lib/os-release']) {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      // The next place may have it.
    }
  }
  return undefined;
}

/** The names and values of an os-release file, which is a list of shell assignments. */
function parseOsRelease(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const match = /^([A-Z_]+)=(?:"(.*)"|'(.*)'|(.*))$/.exec(line.trim());
    if (!match) continue;
    const value = (match[2] ?? match[3] ?? match[4] ?? '').replace(/\\(.)/g, '$1');
    if (value !== '') values[match[1]!] = value;
  }
  return values;
}
