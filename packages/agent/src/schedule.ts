/** When each of an agent's duties is due: routine, after a failure, after a cut, after a change around it. */
import { longestWait, openBackOff } from './back-off.ts';
import type { Clock } from './clock.ts';
import { NodeRefusedError } from './credentials.ts';
import { ServerRefusal } from './failures.ts';

/** What an agent does again and again. The channel is due only while there is none. */
export type Duty = 'heartbeat' | 'channel';

/** A channel that lived shorter than this (ms) was no success. */
export const shortLife = 30_000;
/** What was cut off comes back within this time, spread evenly. */
const comeBackWithin = 2500;
/** What a change around the machine makes worth trying is tried within this time. */
const tryWithin = 1000;

/** Opens a schedule on which everything is due now. `period` is that of heartbeats (ms). */
export function openSchedule(clock: Clock, random: () => number, period: number) {
  const visits = openBackOff(random);
  const cuts = openBackOff(random);
  const due: Record<Duty, number> = { heartbeat: clock.now(), channel: clock.now() };
  const failing = new Map<Duty, string>();
  /** The server asked to be left alone until then. */
  let notBefore = 0;

  return {
    /** What is due next, when, and why then. A clock that was set back must not put it off for hours. */
    next(channelOpen: boolean): { duty: Duty; at: number; reason: string } {
      const now = clock.now();
      const longest = notBefore > now ? 15 * longestWait : Math.max(period, longestWait);
      due.heartbeat = Math.min(due.heartbeat, now + longest);
      due.channel = Math.min(due.channel, now + longest);
      const duty = !channelOpen && due.channel <= due.heartbeat ? 'channel' : 'heartbeat';
      return { duty, at: due[duty], reason: failing.get(duty) ?? 'routine' };
    },

    /** The duties that are due now, in the order to do them in. */
    now(channelOpen: boolean): Duty[] {
      const now = clock.now();
      const duties: Duty[] = [];
      if (due.heartbeat <= now) duties.push('heartbeat');
      if (!channelOpen && due.channel <= now) duties.push('channel');
      return duties;
    },

    /** A duty was done; a heartbeat comes again, the first time after a part of a period so that nodes spread. */
    done(duty: Duty, first = false): void {
      failing.delete(duty);
      if (duty === 'heartbeat') due.heartbeat = clock.now() + (first ? random() * period : period);
      if (failing.size === 0) visits.reset();
    },

    /** Duties failed together: they are tried again together. */
    failed(failures: ReadonlyMap<Duty, Error>): void {
      const errors = [...failures.values()];
      const hopeless = errors.some((error) => error instanceof NodeRefusedError);
      const retryAfter = Math.max(0, ...errors.map(askedFor));
      const at = clock.now() + visits.failed({ retryAfter, hopeless });
      if (retryAfter > 0) notBefore = at;
      for (const [duty, error] of failures) {
        due[duty] = at;
        failing.set(duty, error.message);
      }
    },

    /** The channel ended after it lived `life` milliseconds. */
    cutOff(life: number, reason: string): void {
      if (life >= shortLife) cuts.reset();
      due.channel = clock.now() + (life >= shortLife ? random() * comeBackWithin : cuts.failed());
      failing.set('channel', reason);
    },

    /** Waiting made sense with the old network or the old time; with the new one it may work at once. */
    surroundingsChanged(): void {
      const now = clock.now();
      if (now < notBefore) return;
      visits.reset();
      cuts.reset();
      const soon = now + random() * tryWithin;
      for (const duty of failing.keys()) due[duty] = Math.min(due[duty], soon);
    },
  };
}

/** {@link openSchedule}. */
export type Schedule = ReturnType<typeof openSchedule>;

/** The milliseconds a server asked to be left alone for. */
function askedFor(error: Error): number {
  const refusal = error instanceof NodeRefusedError ? error.refusal : error;
  return refusal instanceof ServerRefusal ? (refusal.retryAfter ?? 0) : 0;
}
