/** Polling for messages: the second-best way to be reached, for as long as no control channel can be opened. */

import type { BackOff } from './back-off.ts';
import type { Calls, PolledMessage } from './calls.ts';
import type { Clock, Timer } from './clock.ts';
import type { PolledAnswer } from './commands/commands.ts';
import type { Credentials } from './credentials.ts';
import { isPassing, ServerRefusal } from './failures.ts';
import type { Log } from './log.ts';
import type { Visit } from './visit.ts';

/** Polling that goes on until it is closed. */
export interface Polling {
  /** Whether the last poll was answered. */
  works(): boolean;
  close(): Promise<void>;
}

/** What {@link openPolling} needs. */
export interface PollingDeps {
  readonly calls: Calls;
  readonly credentials: Credentials;
  readonly openVisit: () => Visit;
  readonly clock: Clock;
  readonly log: Log;
  readonly backOff: BackOff;
  readonly random: () => number;
  /** What is answered to a message; nothing when it is to come again. */
  readonly answer: (message: PolledMessage) => Promise<readonly PolledAnswer[]>;
  /** Called when {@link Polling.works} has another answer than before. */
  readonly changed: () => void;
}

/** A server that answers sooner than this has no long polls; it is asked less often. */
const quick = 1000;

/** Begins to poll. */
export function openPolling(deps: PollingDeps): Polling {
  const { calls, credentials, clock, log, backOff, random } = deps;
  let closing = false;
  let works = false;
  let visit: Visit | undefined;
  let timer: Timer | undefined;
  let wake: (() => void) | undefined;

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      wake = resolve;
      timer = clock.after(ms, resolve);
    });
  const note = (now: boolean) => {
    if (now === works) return;
    works = now;
    deps.changed();
  };

  /** What goes wrong here with one message is no failure of the poll, and holds up no other message. */
  async function answersTo(message: PolledMessage): Promise<readonly PolledAnswer[]> {
    try {
      return await deps.answer(message);
    } catch (error) {
      const about = { messageId: message.MessageId.slice(0, 200), error: (error as Error).message };
      log('warn', 'A polled message could not be answered.', about);
      return [];
    }
  }

  async function poll(): Promise<void> {
    visit ??= deps.openVisit();
    const held = await credentials.current(visit);
    const began = clock.now();
    try {
      const messages = await calls.getMessages(visit, held);
      note(true);
      backOff.reset();
      for (const message of messages) {
        for (const { operation, input } of await answersTo(message))
          await calls.answerMessage(visit, held, operation, input);
      }
    } catch (error) {
      if (!isPassing(error)) credentials.drop(held);
      throw error;
    }
    if (clock.now() - began < quick && !closing) await pause(2000 + 500 * random());
  }

  async function run(): Promise<void> {
    while (!closing) {
      try {
        await poll();
      } catch (error) {
        visit?.close();
        visit = undefined;
        if (closing) break;
        note(false);
        log('debug', 'A poll for messages failed.', { error: (error as Error).message });
        await pause(
          backOff.failed({ retryAfter: error instanceof ServerRefusal ? error.retryAfter : undefined }),
        );
      }
    }
  }
  const ended = run();

  return {
    works: () => works,
    async close() {
      closing = true;
      timer?.cancel();
      wake?.();
      visit?.close();
      await ended;
      visit?.close();
    },
  };
}
