/** What an agent's log says, as far as it is about now: lines of the present run, not followed by a success. */
import type { AgentEvidence } from '../evidence/index.ts';
import type { LogLine } from './facts.ts';

const success =
  /successfully connected|control channel.*(established|opened)|connected to the service|health ?check.*success/i;

/** Words of the agent on every machine that isn't EC2, or on every one that is: they say nothing. */
const noise = /RegistrationKey does not exist/i;

/** How old a line may be when nothing else tells that it still matters: the longest back-off, and a little. */
const longest = 2 * 60 * 60_000;

/** The lines that may be held against the agent, newest last. */
export function currentLines(agent: AgentEvidence | undefined, at: number): readonly LogLine[] {
  const lines = (agent?.log?.lines ?? []).filter(({ text }) => !noise.test(text));
  const started = Math.max(0, ...(agent?.processes ?? []).map((one) => one.startedAt ?? 0));
  const last = lines.findLastIndex(({ text }) => success.test(text));
  return lines.slice(last + 1).flatMap(({ at: when, text }) => {
    const time = when ?? agent?.log?.lastAt;
    if (time === undefined || time < at - longest || time < started - 60_000) return [];
    return [{ at: time, text }];
  });
}
