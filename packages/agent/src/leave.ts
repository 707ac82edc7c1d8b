/** Undoing what registering and running left in the folder. The server isn't told: a node may not do that. */
import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileNames, removeFile } from './files.ts';
import { lockHolder, RootInUseError } from './lock.ts';

/**
 * Removes the agent's files, and the folder if nothing else is in it.
 * @returns the paths that were removed.
 * @throws RootInUseError while an agent runs there.
 */
export function leave(root: string): string[] {
  const pid = lockHolder(root);
  if (pid !== undefined) throw new RootInUseError(root, pid);
  const removed: string[] = [];
  const jobs = join(root, fileNames.jobs);
  // First: without an identity they would be taken for those of whichever node this machine becomes next.
  if (existsSync(jobs)) {
    rmSync(jobs, { recursive: true });
    removed.push(jobs);
  }
  for (const name of Object.values(fileNames)) {
    const path = join(root, name);
    if (name !== fileNames.jobs && removeFile(path)) removed.push(path);
  }
  for (const name of namesIn(root)) {
    // Left by an agent that was killed while it took the lock.
    if (name.startsWith(`${fileNames.lock}.`)) rmSync(join(root, name), { force: true });
  }
  try {
    rmdirSync(root);
    removed.push(root);
  } catch {
    // Somebody else keeps something there, or there is no such folder.
  }
  return removed;
}

function namesIn(root: string): string[] {
  try {
    return readdirSync(root);
  } catch {
    return [];
  }
}
