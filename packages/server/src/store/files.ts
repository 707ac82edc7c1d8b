/** Writes small files so that after a crash either the old one or the new one is there, whole. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Writes `content` beside `file`, makes it durable, and puts it in the place of `file`. */
export function writeFileDurably(file: string, content: Uint8Array, mode: number): void {
  const part = `${file}.part`;
  rmSync(part, { force: true });
  const handle = openSync(part, 'wx', mode);
  try {
    for (let written = 0; written < content.length; ) {
      written += writeSync(handle, content, written);
    }
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(part, file);
  syncFolder(dirname(file));
}

/** Makes the names in a folder durable, where the system can (Windows can't, and needn't). */
export function syncFolder(directory: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(directory, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
