/**
 * What follows from the evidence at once, before any cause is weighed: which agent is judged, whether the node
 * gets through, whose the knocks are. Every check reads this instead of the raw evidence.
 */
import type {
  AgentEvidence,
  DoorEvidence,
  Evidence,
  FleetEvidence,
  NodeEvidence,
  NodeRecord,
  ProcessEvidence,
  RecordsEvidence,
  RequestEvidence,
} from '../evidence/index.ts';
import type { Observation, Side } from '../verdict.ts';
import { type Attempt, attemptsOf, isCurrent } from './knocks.ts';
import { currentLines } from './log.ts';
import { type Path, pathOf } from './path.ts';

/** A line of a log that still counts. */
export interface LogLine {
  readonly at: number;
  readonly text: string;
}

/** See the head of this file. */
export interface Facts {
  readonly now: number;
  readonly request?: RequestEvidence;
  readonly records?: RecordsEvidence;
  readonly door?: DoorEvidence;
  readonly fleet?: FleetEvidence;
  readonly node?: NodeEvidence;
  /** What was last seen on the machine, where that says nothing of now; and when, by the judge's clock. */
  readonly before?: { readonly node: NodeEvidence; readonly at: number };
  /** The node in our books, unless it was deregistered. */
  readonly row?: NodeRecord;
  /** The agent that is judged: one that runs before one that is only installed. */
  readonly agent?: AgentEvidence;
  /** Its main process. */
  readonly process?: ProcessEvidence;
  /** Agents that run. */
  readonly running: readonly AgentEvidence[];
  /** Heartbeats arrive. Undefined: nobody knows. */
  readonly through?: boolean;
  /** The command channel is open. Undefined: nobody knows. */
  readonly channelOpen?: boolean;
  readonly path?: Path;
  /** Refused attempts that are the subject's, newest first. */
  readonly attempts: readonly Attempt[];
  readonly lines: readonly LogLine[];
  /** When the machine began, as far as anybody knows. */
  readonly bornAt?: number;
}

/** Works out the facts. `asIfNow`: what was seen on the machine counts, however long ago that was. */
export function factsOf(evidence: Evidence, { asIfNow = false } = {}): Facts {
  const { now, request, records, door, fleet } = evidence;
  const node = asIfNow || isOfNow(evidence) ? evidence.node : undefined;
  const { nodeSeenAt } = evidence;
  const before =
    evidence.node && !node && nodeSeenAt !== undefined ? { node: evidence.node, at: nodeSeenAt } : undefined;
  const row = records?.node?.deregisteredAt === undefined ? records?.node : undefined;
  const agent = judgedAgent(node);
  const process = agent && mainProcess(agent);
  // The books are of this server: whoever doesn't stand in them may be well, but in somebody else's list.
  const isUnsure = records?.machine?.otherName !== undefined && !row;
  const path = pathOf(node, agent);
  const through = isUnsure
    ? undefined
    : records && !row
      ? false
      : (getsThrough(row, agent, node, now) ?? (records ? undefined : officialReports(agent, node, path)));
  const channelOpen = row?.connected ?? channelBySelf(agent);
  const acceptedAt =
    row?.lastPing === undefined ? undefined : row.lastPing + (node?.clock?.aheadMs ?? 0) - dateUnsureMs;
  // A machine that was seen tells when it was started; that the books know it longer is another matter.
  const bornAt = node ? node.host.bootAt : (row?.registeredAt ?? records?.machine?.firstSeenAt);
  return {
    now,
    ...(request && { request }),
    ...(records && { records }),
    ...(door && { door }),
    ...(fleet && { fleet }),
    ...(node && { node }),
    ...(before && { before }),
    ...(row && { row }),
    ...(agent && { agent }),
    ...(process && { process }),
    running: (node?.agents ?? []).filter((one) => (one.processes ?? []).some(isAlive)),
    ...(through !== undefined && { through }),
    ...(channelOpen !== undefined && { channelOpen }),
    ...(path && { path }),
    attempts: attemptsOf(evidence),
    lines: currentLines(agent, node?.at ?? now, acceptedAt),
    ...(bornAt !== undefined && { bornAt }),
  };
}

/** How wrong a machine's clock against the server's may be measured: `Date` comes in whole seconds (milliseconds). */
const dateUnsureMs = 1000;

/** For so long what a machine said of itself, and that was kept, counts as said now (milliseconds). */
const wordCounts = 15 * 60_000;

/**
 * What was seen on the machine half an hour ago says nothing about now, where others know better. What it said
 * before it was lost, or before its channel ended, says nothing of why.
 */
function isOfNow({ now, node, nodeSeenAt, records }: Evidence): boolean {
  if (!node || !records) return node !== undefined;
  const kept = nodeSeenAt !== undefined;
  const at = nodeSeenAt ?? node.at - (node.clock?.aheadMs ?? 0);
  if (at <= now - (kept ? wordCounts : 30 * 60_000)) return false;
  if (!kept && node.by !== 'agent') return true;
  const row = records.node?.deregisteredAt === undefined ? records.node : undefined;
  // What an agent sends along it saw while it got through: nothing of what stopped it since is in there.
  if (node.by === 'agent' && (row?.status !== 'Online' || isSilent(row, now))) return false;
  const { status, connected, lastPing = 0, channelClosedAt = 0 } = row ?? {};
  return at >= Math.max(status === 'Online' ? 0 : lastPing, connected ? 0 : channelClosedAt);
}

/** Whether a process does anything at all: a zombie doesn't. */
export function isAlive(process: ProcessEvidence): boolean {
  return process.state !== 'Z' && process.state !== 'X';
}

/** The newest refused attempt for one of these reasons that is recent enough to be about now. */
export function attemptFor(facts: Facts, ...reasons: readonly string[]): Attempt | undefined {
  const found = facts.attempts.filter((one) => reasons.includes(one.reason) && isCurrent(one, facts.now));
  return found.find((one) => one.proof === 'proven') ?? found[0];
}

/** The newest line of the agent's log that says this, of the present run. */
export function lineSaying(facts: Facts, pattern: RegExp): LogLine | undefined {
  return facts.lines.findLast(({ text }) => pattern.test(text));
}

/** Whether the machine stands on EC2, by its maker. Undefined when nobody looked. */
export function isOnEc2(facts: Facts): boolean | undefined {
  const vendor = facts.node?.host.systemVendor;
  return vendor === undefined ? undefined : /amazon ec2/i.test(vendor);
}

/** One observed fact. */
export function observe(
  side: Side,
  source: string,
  field: string,
  value: string | number,
  at?: number,
): Observation {
  return { side, source, field, value: String(value), ...(at !== undefined && { at }) };
}

/** An attempt as an observation of the door. */
export function observeAttempt(attempt: Attempt): Observation {
  const value = `${attempt.count} x ${attempt.reason}, ${attempt.address}`;
  return observe('door', 'knocks', 'refused', value, attempt.lastAt);
}

/** A line of the agent's log as an observation. */
export function observeLine(line: LogLine): Observation {
  return observe('node', 'agent log', 'log', line.text, line.at);
}

function judgedAgent(node: NodeEvidence | undefined): AgentEvidence | undefined {
  const runs = (one: AgentEvidence) => (one.processes ?? []).some(isAlive);
  const isRegistered = (one: AgentEvidence) => one.identity !== undefined && one.identity.kind !== 'none';
  const isThere = (one: AgentEvidence) => one.packaging !== 'none' || one.service !== undefined;
  const agents = node?.agents ?? [];
  return (
    agents.find((one) => runs(one) && isRegistered(one)) ??
    // Systems bring agents that nobody registered: the one that was is the one that is missed.
    agents.find((one) => isThere(one) && isRegistered(one)) ??
    agents.find(runs) ??
    agents.find(isThere)
  );
}

function mainProcess(agent: AgentEvidence): ProcessEvidence | undefined {
  const alive = (agent.processes ?? []).filter(isAlive);
  return alive.find(({ name }) => !/worker/.test(name)) ?? alive[0];
}

/** Longest between two heartbeats that are in time, where the period isn't known. */
const twoPeriods = 10 * 60_000;

/** The records decide; without them what our own agent says of itself, if it said so just now. */
function getsThrough(
  row: NodeRecord | undefined,
  agent: AgentEvidence | undefined,
  node: NodeEvidence | undefined,
  now: number,
): boolean | undefined {
  // After a time without a server nodes are given longer to come back: meanwhile Online isn't "heartbeats arrive".
  if (row) return row.status !== 'Online' ? false : isSilent(row, now) ? undefined : true;
  const status = agent?.status;
  // Since it was refused its keys open nothing; the next heartbeat isn't due yet, and will be refused as well.
  if (status?.state === 'refused') return false;
  if (!status || !node || status.lastHeartbeatAt === undefined || status.lastHeartbeatOk === undefined)
    return undefined;
  const alive = (agent.processes ?? []).some(isAlive);
  return alive && status.lastHeartbeatOk && status.lastHeartbeatAt > node.at - twoPeriods;
}

/**
 * Whether the official agent gets through, by its own log: it says when it begins to report, and an error after it
 * when that fails; but not when nothing answered, so that the way has to be free besides. Undefined: nobody knows.
 */
function officialReports(
  agent: AgentEvidence | undefined,
  node: NodeEvidence | undefined,
  path: Path | undefined,
): true | undefined {
  if (!node || agent?.kind !== 'official' || agent.waiting || path?.works !== true) return undefined;
  const alive = (agent.processes ?? []).filter((one) => isAlive(one) && one.state !== 'T');
  const both = [/^amazon-ssm-ag/, /^ssm-agent-wor/].every((form) =>
    alive.some(({ name }) => form.test(name)),
  );
  const lines = agent.log?.lines ?? [];
  const began = lines.findLast(({ text }) => /HealthCheck reporting agent health/i.test(text))?.at;
  const started = Math.max(0, ...alive.map((one) => one.startedAt ?? 0));
  if (!both || began === undefined || began < started - 1000) return undefined;
  const period = (agent.configuration?.healthMinutes ?? 5) * 60_000;
  const isFresh = began > node.at - 2 * period && began < node.at - 20_000;
  const failed = lines.some(
    ({ at, level }) => at !== undefined && at >= began && /^(error|critical)$/.test(level ?? ''),
  );
  return isFresh && !failed ? true : undefined;
}

/** Without a channel, and with two heartbeats overdue: nobody knows whether it is there. */
function isSilent({ connected, polling, lastPing, periodSeconds }: NodeRecord, now: number): boolean {
  if (connected || polling || lastPing === undefined) return false;
  return lastPing < now - 2 * periodSeconds * 1000 - 60_000;
}

/** Whether the agent is ours, by what was seen of it or by the books. */
export function isOurs({ agent, row }: Pick<Facts, 'agent' | 'row'>): boolean {
  return agent ? agent.kind === 'rollcall' : /rollcall/i.test(row?.agentName ?? '');
}

function channelBySelf(agent: AgentEvidence | undefined): boolean | undefined {
  const status = agent?.status;
  if (!status) return undefined;
  return status.channelOpenSince !== undefined && status.state === 'connected';
}
