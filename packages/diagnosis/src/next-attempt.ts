/** When the agent tries again by itself: by its own word where it has one, else by the tables of its back-offs. */
import { type Facts, isOurs } from './facts/index.ts';
import type { Verdict } from './verdict.ts';

const minute = 60_000;

/** How long an official agent may be silent after it was refused or cut off: at least, at most. */
const tables: readonly { readonly reasons: RegExp; readonly from: number; readonly to: number }[] = [
  // AccessDenied and fingerprint: 25 minutes and up to 5 more, every time.
  { reasons: /^(fingerprint-changed|access-denied)$/, from: 25, to: 30 },
  // The worker's first call failed: it hibernates, 5 minutes at first, an hour at last.
  { reasons: /^(unknown-node|node-deregistered|revoked-token|expired-token)$/, from: 5, to: 60 },
  // Everything about the connection: doubled each time, 30 minutes at most.
  {
    reasons: /^(client-rejected|reset-after|handshake|hello|no-shared|signature-|throttled|silent|closed)/,
    from: 0,
    to: 30,
  },
];

/** Ours waits a minute at most. */
const oursAtMost = minute;

/** The channel of an official agent: 40 minutes, and half as much again. */
const channelAtMost = 60 * minute;

/** The next attempt; undefined when nobody tries, or nobody can know. */
export function nextAttemptOf(facts: Facts): Verdict['nextAttempt'] {
  const { agent, node, now, row, running, through, channelOpen } = facts;
  if (node && running.length === 0) return undefined;
  const skew = node?.clock?.aheadMs ?? 0;
  if (agent?.waiting && agent.waiting.until > (node?.at ?? now)) return { from: agent.waiting.until - skew };
  if (through && channelOpen !== false) return undefined;
  if (isOurs(facts)) {
    // Of one that nobody saw running it can be said only while its last sign is younger than its longest wait.
    const lastSign = Math.max(
      row?.lastPing ?? 0,
      row?.channelClosedAt ?? 0,
      facts.fleet?.serverStartedAt ?? 0,
    );
    const mayRun = running.length > 0 || lastSign > now - 3 * oursAtMost;
    return mayRun ? { from: now, to: now + oursAtMost } : undefined;
  }
  const last = facts.attempts[0];
  const table = last && tables.find(({ reasons }) => reasons.test(last.reason));
  if (last && table) {
    const to = last.lastAt + table.to * minute;
    return to > now ? { from: Math.max(now, last.lastAt + table.from * minute), to } : undefined;
  }
  if (through && channelOpen === false) {
    const lost = Math.max(row?.channelClosedAt ?? 0, facts.fleet?.serverStartedAt ?? 0);
    return lost + channelAtMost > now ? { from: now, to: lost + channelAtMost } : undefined;
  }
  return undefined;
}
