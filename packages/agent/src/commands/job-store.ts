/**
 * The commands of this node on disk: a folder for each one that isn't done with, and of each one that is, for a
 * week, its last reply. So none is ever run twice, and whoever asks again hears how it ended.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { fileNames, writeAtomic } from '../files.ts';
import type { Log } from '../log.ts';
import { type History, historyOf } from './history.ts';
import { commandIdOf, isCommandId } from './job-id.ts';
import { isNotThere, type Journal, openJournal, syncFolder } from './journal.ts';
import { openReserve, type Reserve, type ReserveEntry, type ReservePlace, reserveName } from './reserve.ts';

/** Folders within a command's. */
export const downloadsName = 'downloads';
export const stepsName = 'steps';

/** One command's place on disk. */
export interface StoredJob {
  readonly id: string;
  readonly folder: string;
  readonly journal: Journal;
  /**
   * To be called when the journal has been told: where it couldn't be written, notes how far the command came in
   * the reserve. Whether either of them has it.
   */
  secure(progress: Omit<ReserveEntry, 'jobId' | 'at'>): Promise<boolean>;
}

/** A command that was found on disk. */
export interface FoundJob {
  readonly job: StoredJob;
  readonly history: History;
  /** What the reserve knows beyond the journal. */
  readonly reserve: ReserveEntry | undefined;
}

/** How a command that is done with ended. */
export interface EndedJob {
  readonly jobId: string;
  readonly at: number;
  readonly status: string;
  /** The last reply; not of those that were too many to keep. */
  readonly reply?: { readonly id: string; readonly content: string };
}

/** The store. */
export interface JobStore {
  /** Commands that weren't done with when the store was opened. */
  readonly found: readonly FoundJob[];
  /** How a command ended that is done with. Throws when that is written down and can't be read. */
  ended(id: string): EndedJob | undefined;
  /** Makes a place for a command. Nothing is written before its journal is. */
  open(id: string, jobId: string): StoredJob;
  /** Keeps how a command ended and drops the rest. False when that can't be written now: to be tried again. */
  settle(job: StoredJob, ended: EndedJob): Promise<boolean>;
  /** Drops what is older than it need be. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

function isWantOfRoom(error: NodeJS.ErrnoException): boolean {
  return ['ENOSPC', 'EROFS', 'EDQUOT'].includes(error.code ?? '');
}

const endedName = 'ended';
const idsName = 'ids';
/** How long (ms) it is remembered that a command ran. */
export const remembered = 7 * 86_400_000;
/** What a command downloaded may be in use by something that it started: it stays for a day. */
const downloadsKept = 86_400_000;
/** A file that isn't whole after so long never will be. */
const halfWritten = 3_600_000;
/** Commands whose last reply is kept; of more, only the id and the status, and of so many at most. */
const repliesKept = 2000;
const idsKept = 50_000;

/**
 * Opens the store of an agent's folder and reads what is in it.
 * @throws when something in it is there and can't be read: without it, commands could run twice.
 */
export async function openJobStore(root: string, clock: Clock, log: Log): Promise<JobStore> {
  const folder = join(root, fileNames.jobs);
  const endedFolder = join(folder, endedName);
  let warned = false;
  const failed = (error: Error) => {
    if (warned) return;
    warned = true;
    log('error', 'Commands cannot be written to disk; they run on, but a kill would lose what they report.', {
      error: error.message,
    });
  };
  const made = await mkdir(endedFolder, { recursive: true, mode: 0o700 }).catch(failed);
  // What is made sure in the folder is only as sure as the folder.
  if (made !== undefined) for (const path of [folder, root]) await syncFolder(path).catch(failed);
  const reserve: Reserve | undefined = await openReserve(join(folder, reserveName)).catch((error: Error) => {
    // One that is there and can't be read knows of commands that ran: only for want of room is it none.
    if (!isWantOfRoom(error)) throw error;
    failed(error);
    return undefined;
  });
  const held = new Map<string, { entry: ReserveEntry; place: ReservePlace }>();
  for (const one of reserve?.entries ?? []) {
    const id = commandIdOf(one.entry.jobId);
    if (id === undefined) await one.place.free();
    else held.set(id, one);
  }
  const old = readIds(join(folder, idsName));

  const endedPath = (id: string) => join(endedFolder, `${id}.json`);

  function readEnded(id: string): EndedJob | undefined {
    try {
      return JSON.parse(readFileSync(endedPath(id), 'utf8')) as EndedJob;
    } catch (error) {
      if (isNotThere(error as Error)) return old.get(id);
      // It ran, whatever is wrong with the file: whoever takes it for new would run it again.
      throw error;
    }
  }

  function place(id: string, jobId: string): StoredJob {
    const path = join(folder, id);
    const journal = openJournal(path, failed);
    return {
      id,
      folder: path,
      journal,
      async secure(progress) {
        const mine = held.get(id);
        if (journal.onDisk()) {
          warned = false;
          if (mine === undefined) return true;
          held.delete(id);
          await mine.place.free().catch(failed);
          return true;
        }
        const reserved = mine?.place ?? reserve?.take();
        if (reserved === undefined) return false;
        const entry = { jobId, at: clock.now(), ...progress };
        held.set(id, { entry, place: reserved });
        return reserved.write(entry).then(
          () => true,
          (error: Error) => {
            failed(error);
            return false;
          },
        );
      },
    };
  }

  async function find(): Promise<FoundJob[]> {
    const found: FoundJob[] = [];
    const names = await readdir(folder).catch((error: Error) => {
      if (isNotThere(error)) return [];
      throw error;
    });
    for (const id of names) {
      if (!isCommandId(id)) continue;
      if (existsSync(endedPath(id))) {
        await dropWork(join(folder, id));
        continue;
      }
      const journal = openJournal(join(folder, id), failed);
      const history = historyOf(await journal.records());
      const entry = held.get(id)?.entry;
      if (history.accepted === undefined && entry === undefined) {
        // It was being taken when the agent died: nobody was told yes.
        await rm(join(folder, id), { recursive: true, force: true });
        continue;
      }
      const jobId = history.accepted?.jobId ?? entry!.jobId;
      found.push({ job: place(id, jobId), history, reserve: entry });
    }
    for (const [id, { entry, place: reserved }] of held) {
      if (existsSync(endedPath(id))) {
        // The agent died between the two.
        held.delete(id);
        await reserved.free().catch(failed);
        continue;
      }
      if (existsSync(join(folder, id))) continue;
      found.push({ job: place(id, entry.jobId), history: historyOf([]), reserve: entry });
    }
    return found.sort((a, b) => (a.history.accepted?.at ?? 0) - (b.history.accepted?.at ?? 0));
  }

  /** What is old and too much goes, the oldest first. */
  async function sweep(): Promise<void> {
    const now = clock.now();
    for (const id of await readdir(folder).catch(() => [])) {
      if (!isCommandId(id) || !(existsSync(endedPath(id)) || old.has(id))) continue;
      const downloads = await stat(join(folder, id, downloadsName)).catch(() => undefined);
      if (downloads === undefined || now - downloads.mtimeMs > downloadsKept)
        await rm(join(folder, id), { recursive: true, force: true });
    }
    const kept: { id: string; at: number }[] = [];
    for (const name of await readdir(endedFolder).catch(() => [])) {
      const path = join(endedFolder, name);
      const at = (await stat(path).catch(() => undefined))?.mtimeMs;
      if (at === undefined) continue;
      // A clock that was set back makes nothing older.
      const isWhole = name.endsWith('.json');
      // One that isn't may be just being written.
      if (now - at > (isWhole ? remembered : halfWritten)) await unlink(path).catch(() => {});
      else if (isWhole) kept.push({ id: name.slice(0, -5), at });
    }
    kept.sort((a, b) => a.at - b.at);
    const many: string[] = [];
    for (const { id } of kept.slice(0, Math.max(0, kept.length - repliesKept))) {
      try {
        const { jobId, at, status } = readEnded(id)!;
        old.set(id, { jobId, at, status });
        many.push(id);
      } catch {
        // It can't be read, and stays: that it is there still tells that the command ran.
      }
    }
    let changed = many.length > 0;
    for (const [id, { at }] of old) {
      if (now - at <= remembered && old.size <= idsKept) continue;
      old.delete(id);
      changed = true;
    }
    if (!changed) return;
    writeAtomic(join(folder, idsName), [...old.values()].map((one) => `${JSON.stringify(one)}\n`).join(''));
    for (const id of many) await unlink(endedPath(id)).catch(() => {});
  }

  const store: JobStore = {
    found: await find().catch(async (error: Error) => {
      await reserve?.close();
      throw error;
    }),
    ended: readEnded,
    open: place,
    async settle(job, ended) {
      try {
        await writeSurely(endedFolder, `${job.id}.json`, JSON.stringify(ended));
      } catch (error) {
        failed(error as Error);
        return false;
      }
      const mine = held.get(job.id);
      held.delete(job.id);
      await mine?.place.free().catch(failed);
      await job.journal.close();
      await dropWork(job.folder);
      return true;
    },
    sweep: () => sweep().catch(failed),
    async close() {
      await reserve?.close();
    },
  };
  return store;
}

/** Drops a command's folder but for what it downloaded. */
async function dropWork(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (name !== downloadsName)
      await rm(join(folder, name), { recursive: true, force: true }).catch(() => {});
  }
  if (!existsSync(join(folder, downloadsName)))
    await rm(folder, { recursive: true, force: true }).catch(() => {});
}

/** Makes a file that is there whole or not at all. */
async function writeSurely(folder: string, name: string, text: string): Promise<void> {
  const fresh = join(folder, `${name}.new`);
  try {
    await writeFile(fresh, text, { mode: 0o600, flush: true });
    await rename(fresh, join(folder, name));
  } catch (error) {
    await unlink(fresh).catch(() => {});
    throw error;
  }
  await syncFolder(folder);
}

function readIds(path: string): Map<string, EndedJob> {
  const ids = new Map<string, EndedJob>();
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (isNotThere(error as Error)) return ids;
    throw error;
  }
  for (const line of text.split('\n')) {
    try {
      const ended = JSON.parse(line) as EndedJob;
      const id = commandIdOf(ended.jobId);
      if (id !== undefined) ids.set(id, ended);
    } catch {
      // An empty line, at the end.
    }
  }
  return ids;
}
