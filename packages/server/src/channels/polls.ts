/**
 * Agents that wait for messages by long poll: one for each node, answered with mail, with nothing after
 * a quarter of a minute, or at once when nobody listens any more.
 */
import type { Clock } from '../clock.ts';
import type { Mail } from './mailbox.ts';

/** How long a poll waits, in milliseconds. The official agent hangs up after 20 s (MDS client timeout). */
export const pollWait = 15_000;

/** More than this many never wait at once; beyond it polls are answered with nothing, immediately. */
export const mostPolls = 20_000;

interface Waiting {
  readonly region: string;
  readonly nodeId: string;
  readonly until: number;
  readonly answer: (mail: readonly Mail[]) => void;
}

/** The polls that wait at this server. */
export interface Polls {
  /** Waits for mail; an older poll of the same node is answered with nothing. */
  wait(region: string, nodeId: string, gone: AbortSignal | undefined): Promise<readonly Mail[]>;
  /** The region in which this node polls here, if it does. */
  regionOf(nodeId: string): string | undefined;
  /** Hands mail to the node's poll; false when it doesn't wait any more. */
  answer(nodeId: string, mail: readonly Mail[]): boolean;
  /** Answers those that have waited long enough. */
  sweep(): void;
  /** Answers all, and lets nobody wait from now on. */
  drain(): void;
  readonly size: number;
}

const nothing: readonly Mail[] = [];

/** Opens an empty waiting room. */
export function openPolls(clock: Clock, changed: (nodeId: string, waits: boolean) => void): Polls {
  // In the order of arrival, which is the order in which they end.
  const waiting = new Map<string, Waiting>();
  let draining = false;

  const answer = (nodeId: string, mail: readonly Mail[]): boolean => {
    const poll = waiting.get(nodeId);
    if (!poll) return false;
    waiting.delete(nodeId);
    changed(nodeId, false);
    poll.answer(mail);
    return true;
  };

  return {
    wait(region, nodeId, gone) {
      answer(nodeId, nothing);
      if (draining || waiting.size >= mostPolls || gone?.aborted) return Promise.resolve(nothing);
      return new Promise((resolve) => {
        const poll: Waiting = { region, nodeId, until: clock.monotonic() + pollWait, answer: resolve };
        waiting.set(nodeId, poll);
        changed(nodeId, true);
        gone?.addEventListener(
          'abort',
          () => {
            if (waiting.get(nodeId) === poll) answer(nodeId, nothing);
          },
          { once: true },
        );
      });
    },
    regionOf: (nodeId) => waiting.get(nodeId)?.region,
    answer,
    sweep() {
      const now = clock.monotonic();
      for (const poll of waiting.values()) {
        if (poll.until > now) break;
        answer(poll.nodeId, nothing);
      }
    },
    drain() {
      draining = true;
      for (const nodeId of [...waiting.keys()]) answer(nodeId, nothing);
    },
    get size() {
      return waiting.size;
    },
  };
}
