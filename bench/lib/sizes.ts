/** What lies on the disk. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The folder that this program lives in. */
export const root = resolve(import.meta.dirname, '../..');

/** Bytes that a file takes up, or all files in a folder; `wanted` may leave some out by name. */
export function sizeOf(path: string, wanted: (name: string) => boolean = () => true): number {
  if (!existsSync(path)) return 0;
  const found = statSync(path);
  if (!found.isDirectory()) return found.blocks * 512;
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => wanted(entry.name) && !entry.isSymbolicLink())
    .reduce((sum, entry) => sum + sizeOf(join(path, entry.name), wanted), 0);
}

/** What users don't need of our own folders. */
export function isShipped(name: string): boolean {
  return !/\.test\.ts$|\.case\.ts$/.test(name) && name !== 'fixtures' && name !== 'testing';
}

/** Bytes of what `npm start` installs: the packages that aren't for development only, Node apart. */
export function installSize(): { packages: number; ours: number; node: number; count: number } {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; devOptional?: boolean; link?: boolean }>;
  };
  const installed = Object.entries(lock.packages)
    .filter(([path, entry]) => path.startsWith('node_modules/') && !entry.link)
    .filter(([, entry]) => !entry.dev && !entry.devOptional)
    .map(([path]) => path)
    .filter((path) => existsSync(join(root, path)));
  const isNode = (path: string) => /\/node-(linux|bin)-/.test(path);
  const nested = (name: string) => name !== 'node_modules';
  const total = (paths: string[]) => paths.reduce((sum, path) => sum + sizeOf(join(root, path), nested), 0);
  const others = installed.filter((path) => !isNode(path));
  return {
    packages: total(others),
    ours: sizeOf(join(root, 'packages'), isShipped),
    node: total(installed.filter(isNode)),
    count: others.length,
  };
}
