/**
 * What happened to one command, one line of JSON for each thing, on disk before anybody is told of it. Where
 * nothing can be written, memory keeps the lines, and they are written as soon as it works again.
 */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { StepOutcome } from './replies.ts';

/** One thing that happened. Times are milliseconds since the epoch. */
export type JournalRecord =
  | {
      readonly is: 'accepted';
      readonly at: number;
      readonly jobId: string;
      /** The job's content, as it came. */
      readonly content: string;
    }
  /** A step of the document is about to run: from here on it never will again. */
  | { readonly is: 'started'; readonly path: string; readonly at: number }
  /** It has a process. */
  | { readonly is: 'process'; readonly path: string; readonly pid: number; readonly started: string }
  /** It ended; of a step inside of a step, too. */
  | { readonly is: 'ended'; readonly path: string; readonly outcome: StepOutcome }
  | {
      readonly is: 'reply';
      readonly id: string;
      readonly at: number;
      /** What it is about: `begin`, `end`, or a step and its status; each of these is told once. */
      readonly about: string;
      readonly content: string;
    }
  /** The server has a reply, or it isn't worth sending any more. */
  | { readonly is: 'acknowledged'; readonly id: string }
  /** The machine is to start again, and the step to run once more after that. */
  | { readonly is: 'rebooting'; readonly path: string; readonly at: number; readonly boot: string }
  | { readonly is: 'cancelled' }
  /** Something to be said in the last reply. */
  | { readonly is: 'remark'; readonly text: string };

/** The journal of one command. */
export interface Journal {
  /**
   * Adds records. Resolves when they are kept: on disk, surely if `sure`, or else in memory. Never rejects.
   */
  add(records: readonly JournalRecord[], sure?: boolean): Promise<void>;
  /** Everything that was added, the oldest first. Rejects when it is there and can't be read. */
  records(): Promise<JournalRecord[]>;
  /** Whether what was to be on disk is: false from a write that failed to one that makes up for it. */
  onDisk(): boolean;
  close(): Promise<void>;
}

const fileName = 'journal';

/** Opens the journal in a command's folder, which is made with the first record. `failed` hears why memory is used. */
export function openJournal(folder: string, failed: (error: Error) => void): Journal {
  const path = join(folder, fileName);
  let file: FileHandle | undefined;
  /** Bytes of whole lines on disk. */
  let length = 0;
  /** Lines that aren't on disk. */
  let waiting: string[] = [];
  let broken = false;
  /** Whether lines were written that a power cut could still take. */
  let unsure = false;
  let closed = false;
  let last: Promise<void> = Promise.resolve();

  async function openFile(): Promise<FileHandle> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const opened = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    try {
      const { size } = await opened.stat();
      length = size;
      if (size === 0) await Promise.all([syncFolder(folder), syncFolder(dirname(folder))]);
      return opened;
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  async function flush(sure: boolean): Promise<void> {
    if (waiting.length > 0) await writeWaiting();
    if (!sure || !unsure) return;
    await file?.datasync();
    unsure = false;
  }

  async function writeWaiting(): Promise<void> {
    // More may come while these are written.
    const lines = [...waiting];
    // A line break in front: a line that a crash tore doesn't take the next one with it.
    const bytes = Buffer.from(lines.map((line) => `\n${line}\n`).join(''));
    file ??= await openFile();
    try {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await file.write(bytes, done, bytes.length - done, length + done);
        done += bytesWritten;
      }
    } catch (error) {
      await file.truncate(length).catch(() => {});
      throw error;
    }
    length += bytes.length;
    unsure = true;
    waiting = waiting.slice(lines.length);
    broken = false;
  }

  return {
    add(records, sure = true) {
      if (closed) return last;
      waiting.push(...records.map((record) => JSON.stringify(record)));
      // In a moment: what is added meanwhile is written, and made sure, together with it.
      last = last
        .then(() => new Promise((resolve) => setImmediate(resolve)))
        .then(() => flush(sure))
        .catch((error: Error) => {
          broken = true;
          failed(error);
        });
      return last;
    },
    async records() {
      await last;
      const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (isNotThere(error)) return '';
        throw error;
      });
      return [...text.split('\n'), ...waiting].flatMap(parseRecord);
    },
    onDisk: () => !broken,
    async close() {
      closed = true;
      await last;
      await file?.close().catch(() => {});
      file = undefined;
    },
  };
}

/** Whether a file, or the folder that it would be in, isn't there: anything else may be over in a moment. */
export function isNotThere({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** A line that isn't whole was never told anybody. */
function parseRecord(line: string): JournalRecord[] {
  if (line === '') return [];
  try {
    const record = JSON.parse(line) as JournalRecord;
    return typeof record?.is === 'string' ? [record] : [];
  } catch {
    return [];
  }
}

/** Makes sure that what was made in a folder is on disk. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
