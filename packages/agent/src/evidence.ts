/**
 * The agent's own eyes: now and then it looks at its machine and sends along what it sees, so that the operator's
 * side can judge a node by more than its heartbeats. A look is a process of its own that ends; it is never urgent.
 */
import { execFile } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Clock, Timer } from './clock.ts';
import type { Log } from './log.ts';

/** Looks, with the way to the server or without, and answers the evidence as JSON. */
export type Look = (withWay: boolean) => Promise<string>;

/** Between two looks (ms), give or take a quarter, so that nodes spread. What is older counts no more. */
const period = 15 * 60_000;
/** What happens meanwhile is looked at no more often than this (ms). */
const least = 5 * 60_000;
/** How soon (ms) it looks after something happened, spread evenly: many come back at the same time. */
const soon = 60_000;
/** Longest that a look may take (ms); the probes give themselves three seconds. */
const longestLook = 15_000;
const longestEvidence = 256 * 1024;

/** What {@link openEvidence} needs. */
export interface EvidenceOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly look: Look;
  readonly send: (evidence: string) => Promise<void>;
  /** Whether commands can't reach this node at the moment: then the way is looked at, too. */
  readonly isCutOff: () => boolean;
}

/** The eyes, opened; nothing is looked at before something happens. */
export interface EvidenceSender {
  /** The node got through for the first time, or again, or its channel is gone: worth a look, soon. */
  happened(): void;
  /** No look begins after this; one that is on its way is not waited for. */
  close(): void;
}

/** Opens them. */
export function openEvidence(options: EvidenceOptions): EvidenceSender {
  const { clock, random, log } = options;
  let planned: Timer | undefined;
  let plannedAt = Number.POSITIVE_INFINITY;
  let lastAt = Number.NEGATIVE_INFINITY;
  let isClosed = false;

  function plan(at: number): void {
    if (isClosed || plannedAt <= at) return;
    planned?.cancel();
    plannedAt = at;
    planned = clock.after(Math.max(0, at - clock.now()), () => void work());
  }

  async function work(): Promise<void> {
    plannedAt = Number.POSITIVE_INFINITY;
    lastAt = clock.now();
    try {
      const evidence = await options.look(options.isCutOff());
      if (!isClosed) await options.send(evidence);
    } catch (error) {
      // An older server, a full machine, a way that broke meanwhile: the heartbeats tell of what matters.
      log('debug', 'What was seen here could not be sent.', { error: (error as Error).message });
    }
    plan(clock.now() + period * (0.75 + random() / 2));
  }

  return {
    happened: () => plan(Math.max(clock.now() + random() * soon, lastAt + least)),
    close() {
      isClosed = true;
      planned?.cancel();
    },
  };
}

/** Looks in a child process that gives way to everybody else. */
export function lookInChild(root: string): Look {
  const program = fileURLToPath(new URL('./look.ts', import.meta.url));
  return (withWay) =>
    new Promise((resolve, reject) => {
      const args = ['--max-semi-space-size=1', program, '--root', root, ...(withWay ? ['--way'] : [])];
      const limits = { timeout: longestLook, killSignal: 'SIGKILL', maxBuffer: longestEvidence } as const;
      const child = execFile(process.execPath, args, limits, (error, out) =>
        error ? reject(error) : resolve(out.trim()),
      );
      try {
        if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
      } catch {
        // It may have ended already, or not be ours to slow down.
      }
    });
}
