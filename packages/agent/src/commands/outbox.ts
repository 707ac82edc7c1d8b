/**
 * Replies on their way to the server: each is sent, and sent again under the same id, until the server says
 * that it has it. They are on disk before they are here.
 */
import type { Clock, Timer } from '../clock.ts';
import type { Log } from '../log.ts';

/** A reply to send. */
export interface Letter {
  /** The same each time it is sent. */
  readonly id: string;
  readonly jobId: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The reply itself, read when it is sent: it may be large, and wait for long. */
  readonly content: () => Promise<string | undefined>;
  /** Called once, when it need not be sent any more. */
  readonly done: () => void;
}

/** A reply with its text. */
export interface WrittenLetter {
  readonly letter: Letter;
  readonly content: string;
}

/** The ways to the server. */
export interface Ways {
  /** The one that is open; over the channel, replies are acknowledged by frames of their own. */
  readonly open: () => 'channel' | 'polling' | undefined;
  readonly send: (letter: Letter, content: string) => void;
  /** Posts replies one after the other; tells of each whether the server took it or will have none of it. */
  readonly post: (
    letters: readonly WrittenLetter[],
    taken: (letter: Letter) => void,
    refused: (letter: Letter) => void,
  ) => Promise<void>;
}

/** The replies that the server doesn't have yet. */
export interface Outbox {
  readonly size: number;
  add(letter: Letter): void;
  /** The server has a reply. */
  acknowledged(id: string): void;
  /** There is a way again: everything is tried at once. */
  connected(): void;
  close(): void;
}

/** How long (ms) an acknowledgement may take before a reply is sent again; doubled after several in vain. */
const patience = 30_000;
const longestPatience = 15 * 60_000;
const quickTries = 10;
/** A reply that nobody wanted in this time is given up. */
const givenUp = 7 * 86_400_000;
/** Replies that are on their way at once. */
const window = 32;
/** Of more than these, the oldest are given up: a server that takes none must not fill the disk. */
const most = 10_000;

interface Waiting {
  readonly letter: Letter;
  tries: number;
  /** Not to be sent before this. */
  notBefore: number;
  /** When it was sent on the way that is open; undefined when it wasn't, or was refused. */
  sentAt: number | undefined;
}

/** Whether a reply that was sent then may still be heard; a clock that was set back says nothing. */
function isRecent(sentAt: number, now: number): boolean {
  return sentAt <= now && now - sentAt < patience;
}

/** Opens an outbox. */
export function openOutbox(clock: Clock, log: Log, ways: Ways): Outbox {
  const waiting = new Map<string, Waiting>();
  let timer: Timer | undefined;
  let working = false;
  let again = false;
  let closed = false;

  function drop(one: Waiting): void {
    if (waiting.delete(one.letter.id)) one.letter.done();
  }

  function giveUp(one: Waiting, why: string): void {
    log('warn', 'A reply is given up.', { jobId: one.letter.jobId, why });
    drop(one);
  }

  /** Sends what is due, and comes back when the next is. */
  async function work(): Promise<void> {
    if (working || closed) {
      again = true;
      return;
    }
    working = true;
    do {
      again = false;
      await round().catch((error: Error) =>
        log('debug', 'Replies could not be sent; they are sent again.', { error: error.message }),
      );
    } while (again && !closed);
    working = false;
    sleep();
  }

  async function round(): Promise<void> {
    const now = clock.now();
    for (const one of waiting.values()) {
      if (now - one.letter.at > givenUp) giveUp(one, 'the server did not take it for a week');
    }
    const way = ways.open();
    if (way === undefined) return;
    const all = [...waiting.values()];
    const underway = all.filter((one) => one.sentAt !== undefined && isRecent(one.sentAt, now)).length;
    const due = all
      .filter((one) => one.notBefore <= now)
      // Those that nobody wanted yet mustn't keep the others waiting.
      .sort((a, b) => a.tries - b.tries)
      .slice(0, Math.max(0, window - underway));
    const posts: WrittenLetter[] = [];
    for (const one of due) {
      const content = await one.letter.content().catch((error: Error) => error);
      if (content instanceof Error) {
        log('warn', 'A reply could not be read.', { jobId: one.letter.jobId, error: content.message });
        one.notBefore = clock.now() + patience;
        continue;
      }
      if (content === undefined) {
        drop(one);
        continue;
      }
      note(one);
      if (way === 'channel') ways.send(one.letter, content);
      else posts.push({ letter: one.letter, content });
    }
    if (posts.length > 0) await ways.post(posts, (letter) => acknowledged(letter.id), refused);
  }

  function note(one: Waiting): void {
    one.tries += 1;
    one.sentAt = clock.now();
    const factor = 2 ** Math.max(0, one.tries - quickTries);
    one.notBefore = one.sentAt + Math.min(longestPatience, patience * factor);
    log('debug', 'A reply is sent.', { jobId: one.letter.jobId, replyId: one.letter.id });
  }

  function sleep(): void {
    timer?.cancel();
    timer = undefined;
    // Without a way there is nothing to wait for: `connected` wakes us.
    if (waiting.size === 0 || closed || ways.open() === undefined) return;
    const next = Math.min(...[...waiting.values()].map((one) => one.notBefore));
    // Not for longer than a while, since the clock may be set meanwhile.
    const wait = Math.min(patience, Math.max(1000, next - clock.now()));
    timer = clock.after(wait, () => void work());
  }

  function refused({ id }: Letter): void {
    const one = waiting.get(id);
    if (one) one.sentAt = undefined;
    again = true;
  }

  function acknowledged(id: string): void {
    const one = waiting.get(id);
    if (one === undefined) return;
    drop(one);
    // There is room for another.
    if (waiting.size >= window) void work();
  }

  return {
    get size() {
      return waiting.size;
    },
    add(letter) {
      if (waiting.has(letter.id)) return;
      waiting.set(letter.id, { letter, tries: 0, notBefore: 0, sentAt: undefined });
      const [oldest] = waiting.values();
      if (waiting.size > most && oldest) giveUp(oldest, 'there are too many');
      void work();
    },
    acknowledged,
    connected() {
      for (const one of waiting.values()) {
        one.notBefore = 0;
        one.sentAt = undefined;
      }
      void work();
    },
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}
