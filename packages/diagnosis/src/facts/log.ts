/** What an agent's log says, as far as it is about now: lines of the present run, not followed by a success. */
import type { AgentEvidence } from '../evidence/index.ts';
import type { LogLine } from './facts.ts';

/** What the official agent says once it has credentials, or is about to report with them. */
const success = /successfully connected|Credentials ready|\[HealthCheck\] HealthCheck reporting/i;

/** Words of the agent on every machine that isn't EC2, or on every one that is: they say nothing. */
const noise = /RegistrationKey does not exist/i;

/** How old a line may be when nothing else tells that it still matters: the longest back-off, and a little. */
const longest = 2 * 60 * 60_000;

/**
 * The lines that may be held against the agent, newest last.
 * @param acceptedAt when the service last accepted a call of it, by the machine's clock: what it said before is past.
 */
export function currentLines(
  agent: AgentEvidence | undefined,
  at: number,
  acceptedAt: number | undefined,
): readonly LogLine[] {
  const lines = (agent?.log?.lines ?? []).filter(({ text }) => !noise.test(text));
  const started = Math.max(0, ...(agent?.processes ?? []).map((one) => one.startedAt ?? 0));
  const heartbeat = agent?.status?.lastHeartbeatOk === true ? agent.status.lastHeartbeatAt : undefined;
  const accepted = Math.max(acceptedAt ?? 0, heartbeat ?? 0);
  const last = lines.findLastIndex(({ text }) => success.test(text));
  return lines.slice(last + 1).flatMap(({ at: when, text }) => {
    const time = when ?? agent?.log?.lastAt;
    if (time === undefined || time < at - longest || time < started - 60_000 || time < accepted) return [];
    return [{ at: time, text }];
  });
}
