/**
 * The official agent's logs: its last troubles, and whether it waits, and until when. Lines are chosen, not
 * copied: what commands printed or were given is in there too.
 */
import type { AgentEvidence, AgentLogEvidence } from '../evidence/index.ts';
import { redactText } from './redact-text.ts';

/** A line of seelog's: `2026-11-25 22:40:39.9440 INFO [amazon-ssm-agent] text`. */
export interface LogLine {
  readonly at: number;
  readonly level: string;
  readonly text: string;
}

const lineForm =
  /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d+))? (TRACE|DEBUG|INFO|WARN|ERROR|CRITICAL) (.*)$/;

/** The lines of a log. Its times are the machine's own local ones; `offset` turns one into the epoch's. */
export function parseLog(text: string, local: (parts: readonly number[]) => number = localTime): LogLine[] {
  const lines: LogLine[] = [];
  for (const line of text.split(/\r?\n/)) {
    const match = lineForm.exec(line);
    if (!match) continue;
    const parts = match.slice(1, 7).map(Number);
    const fraction = Number(`0.${match[7] ?? '0'}`);
    lines.push({
      at: local(parts) + Math.round(fraction * 1000),
      level: match[8]!,
      // A line may be as long as a command; nothing that matters is.
      text: match[9]!.slice(0, 2000),
    });
  }
  return lines;
}

function localTime([year, month, day, hour, minute, second]: readonly number[]): number {
  return new Date(year!, month! - 1, day, hour, minute, second).getTime();
}

/** Troubles that are no trouble, and lines that carry what commands say. */
const noise =
  /could not find any reply threads|\[DataBackend\]|InstanceFingerprint does not exist|could not read InstanceFingerprint/i;
/** What is told without being a trouble. */
const telling =
  /Sleeping for .* before retrying|hibernat|Agent will take identity from|Successfully connected with|Credentials ready|Next credential rotation|amazon-ssm-agent - v[\d.]+|Successfully registered|Setting up websocket|HealthCheck reporting|Opening websocket connection|Proxy environment variables|connection.*channel/i;
const trouble = /^(WARN|ERROR|CRITICAL)$/;

/** What a log says last: its troubles, and the few other lines that tell how things stand. */
export function chooseLines(path: string, lines: readonly LogLine[]): AgentLogEvidence {
  const chosen: LogLine[] = [];
  const seen = new Set<string>();
  let troubles = 0;
  let others = 0;
  for (const line of lines.toReversed()) {
    if (noise.test(line.text)) continue;
    const isTrouble = trouble.test(line.level);
    if (!isTrouble && !telling.test(line.text)) continue;
    // The same trouble again says nothing new, whatever its numbers.
    const form = line.text.replace(/\d+/g, '0').slice(0, 160);
    if (seen.has(form)) continue;
    if (isTrouble ? troubles >= 10 : others >= 6) continue;
    seen.add(form);
    if (isTrouble) troubles += 1;
    else others += 1;
    chosen.push(line);
  }
  const last = lines.at(-1)?.at;
  return {
    path,
    ...(last === undefined ? {} : { lastAt: last }),
    lines: chosen
      .toReversed()
      .map(({ at, level, text }) => ({ at, level: level.toLowerCase(), text: redactText(text, 400) })),
  };
}

/** How long it waits: for credentials in Go's form, to register itself (on EC2) in minutes. */
const sleeping = /Sleeping for (?:(\S+)|([\d.]+) minutes) before retrying/i;

/** What shows that a wait is over: it was started again, or it got through. */
const progress =
  /Starting Core Agent|Credentials ready|\[MessageService\]|\[HealthCheck\] HealthCheck reporting/;

/**
 * Whether the agent waits before it tries again. Undefined when nothing says so, or when what said so is over.
 * @param startedAt when the running agent started: what was said before that doesn't count.
 */
export function findWaiting(
  log: readonly LogLine[],
  hibernate: readonly LogLine[],
  now: number,
  startedAt: number | undefined,
): AgentEvidence['waiting'] {
  const began = startedAt === undefined ? 0 : startedAt - 2000;
  const lastProgress = log.findLast(({ text }) => progress.test(text))?.at ?? 0;
  const sleepAt = log.findLastIndex(({ text }) => sleeping.test(text));
  const sleep = log[sleepAt];
  if (sleep !== undefined && sleep.at >= began && sleep.at >= lastProgress) {
    const [, said, minutes] = sleeping.exec(sleep.text)!;
    const duration = minutes === undefined ? goDuration(said!) : Number(minutes) * 60_000;
    const reason = log
      .slice(Math.max(0, sleepAt - 12), sleepAt)
      .findLast(({ text }) =>
        /Retrieve credentials produced error|Status code \d+ returned|failed to register/i.test(text),
      );
    if (duration !== undefined && sleep.at + duration > now - 60_000)
      return {
        until: sleep.at + duration,
        reason: redactText(reason?.text ?? sleep.text, 300),
        source: 'amazon-ssm-agent.log',
      };
  }
  return findHibernation(log, hibernate, now, Math.max(began, lastProgress));
}

function findHibernation(
  log: readonly LogLine[],
  hibernate: readonly LogLine[],
  now: number,
  after: number,
): AgentEvidence['waiting'] {
  const steps = hibernate.filter(({ at }) => at >= after - 1000);
  const last = steps.findLast(({ text }) => /Agent is in hibernate mode|Backing off health check/.test(text));
  if (last === undefined) return undefined;
  const every = /every (\d+) seconds for (\d+) seconds/.exec(last.text);
  // The first wait is five minutes; from then on each step says how often it asks.
  const interval = every === null ? 300_000 : Number(every[1]) * 1000;
  if (!(interval > 0)) return undefined;
  const rounds = Math.max(1, Math.ceil((now - last.at) / interval));
  const why =
    log.findLast(({ text }) => /hibernat.*error|error occurred in/i.test(text)) ??
    steps.findLast(({ text }) => /ping failed/i.test(text));
  return {
    until: last.at + rounds * interval,
    reason: redactText(why?.text ?? last.text, 300),
    source: 'hibernate.log',
  };
}

/** Milliseconds of a duration as Go writes it: `28m14s`, `1h0m0s`, `800ms`. */
export function goDuration(text: string): number | undefined {
  const units: Readonly<Record<string, number>> = {
    h: 3_600_000,
    m: 60_000,
    s: 1000,
    ms: 1,
    µs: 0.001,
    ns: 1e-6,
  };
  if (!/^(\d+(\.\d+)?(h|m|s|ms|µs|ns))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|µs|ns|h|m|s)/g))
    sum += Number(number) * units[unit!]!;
  return Math.round(sum);
}

/** The agent's version, where a log tells it. */
export function versionIn(log: readonly LogLine[]): string | undefined {
  const line = log.findLast(({ text }) => /\bamazon-ssm-agent - v\d/.test(text));
  return line === undefined ? undefined : /- v(\d[\d.]*\d)/.exec(line.text)?.[1];
}
