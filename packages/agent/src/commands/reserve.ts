/**
 * A file that is as long from the beginning as it will ever be, so that it can be written when the disk is full:
 * it holds which commands were taken and how far they came, and so keeps "at most once" true when nothing else
 * can be written. What a command was to do, and what it printed, doesn't fit.
 */
import { closeSync, constants, fsyncSync, mkdirSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';

/** How far a command came, as the reserve tells it. */
export interface ReserveEntry {
  readonly jobId: string;
  /** `accepted`: nothing of it ran · `started` · `ended`, with the status of the whole. */
  readonly state: 'accepted' | 'started' | 'ended';
  readonly status?: string;
  /** The step of the document that was started last. */
  readonly path?: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** One command's place in the reserve. */
export interface ReservePlace {
  /** Resolves when it is on disk. */
  write(entry: ReserveEntry): Promise<void>;
  free(): Promise<void>;
}

/** The reserve. */
export interface Reserve {
  /** What was in it when it was opened. */
  readonly entries: readonly { readonly entry: ReserveEntry; readonly place: ReservePlace }[];
  /** A free place; undefined when there is none. */
  take(): ReservePlace | undefined;
  close(): Promise<void>;
}

/** An entry lies within one sector of the disk, so that it is there or not. */
const entryLength = 512;
const entries = 512;

/** Its name in the folder of commands. */
export const reserveName = 'reserve';

/**
 * Sets the reserve aside while there is room on the disk: before the first command, when it may be too late.
 * @throws when it can't be made.
 */
export function setReserveAside(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  fill(join(folder, reserveName));
}

/**
 * Opens the reserve and makes it if need be.
 * @throws when it isn't there and can't be made, or is there and can't be read.
 */
export async function openReserve(path: string): Promise<Reserve> {
  fill(path);
  const file = await open(path, constants.O_RDWR);
  const { buffer } = await file.read(Buffer.alloc(entryLength * entries), 0, entryLength * entries, 0);
  const used: { entry: ReserveEntry; place: ReservePlace }[] = [];
  const free: number[] = [];
  for (let number = entries - 1; number >= 0; number -= 1) {
    const entry = parse(buffer.toString('utf8', number * entryLength, (number + 1) * entryLength));
    if (entry === undefined) free.push(number);
    else used.push({ entry, place: placeAt(file, number, free) });
  }
  return {
    entries: used,
    take() {
      const number = free.pop();
      return number === undefined ? undefined : placeAt(file, number, free);
    },
    close: () => file.close(),
  };
}

function placeAt(file: FileHandle, number: number, free: number[]): ReservePlace {
  const write = async (text: string) => {
    const bytes = Buffer.alloc(entryLength, ' ');
    if (bytes.write(text) < Buffer.byteLength(text)) throw new Error('The entry is too long.');
    bytes[entryLength - 1] = 10;
    await file.write(bytes, 0, entryLength, number * entryLength);
    await file.datasync();
  };
  return {
    write: (entry) => write(JSON.stringify(entry)),
    async free() {
      await write('');
      free.push(number);
    },
  };
}

/** Makes the file as long as it must be, with real content: holes would be filled only when it is too late. */
function fill(path: string): void {
  const length = entryLength * entries;
  const have = sizeOf(path);
  if (have >= length) return;
  const file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    // Not truncated: a part of it may have been written before a crash.
    const bytes = Buffer.alloc(length, ' ');
    readSync(file, bytes, 0, have, 0);
    for (let done = 0; done < length; ) done += writeSync(file, bytes, done, length - done, done);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}

function parse(text: string): ReserveEntry | undefined {
  try {
    const entry = JSON.parse(text) as ReserveEntry;
    return typeof entry.jobId === 'string' && typeof entry.state === 'string' ? entry : undefined;
  } catch {
    return undefined;
  }
}
