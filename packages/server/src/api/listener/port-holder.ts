/** Finds out who holds a port, so that "address in use" comes with a name. Linux only, as far as rights allow. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

/** A process that listens. */
export interface Holder {
  readonly pid: number;
  readonly command: string;
}

/** Whoever listens on a TCP port, when that can be found out. */
export function findHolder(port: number): Holder | undefined {
  const sockets = new Set(listeningInodes(port).map((inode) => `socket:[${inode}]`));
  if (sockets.size === 0) return undefined;
  for (const pid of entries('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const descriptor of entries(`/proc/${pid}/fd`)) {
      if (sockets.has(link(`/proc/${pid}/fd/${descriptor}`)))
        return { pid: Number(pid), command: commandOf(pid) };
    }
  }
  return undefined;
}

const listening = '0A';

function listeningInodes(port: number): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
    text(file)
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local, , state]) => state === listening && local?.endsWith(`:${wanted}`))
      .map((fields) => fields[9]!),
  );
}

function commandOf(pid: string): string {
  const words = text(`/proc/${pid}/cmdline`).split('\0').filter(Boolean);
  // A command line may hold anything, secrets too: the program's name, and a script's, are enough.
  const [program = '', script = '-'] = words;
  const shown = [basename(program), ...(script.startsWith('-') ? [] : [script])];
  return (
    shown
      .join(' ')
      .replace(/[^ -~]/g, '?')
      .slice(0, 120) || text(`/proc/${pid}/comm`).trim()
  );
}

function text(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
