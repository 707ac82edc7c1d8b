/**
 * Evidence in, verdict out. Every cause of the catalogue is weighed; the first that is confirmed, in gate order,
 * is the cause, and what lies behind it wasn't tried. What isn't certain is never said as if it were.
 */

import type { Confirmed, Finding } from './causes/cause.ts';
import { type Cause, causes } from './causes/index.ts';
import type { Evidence } from './evidence/index.ts';
import { type Facts, factsOf, observe, ownEvidence } from './facts/index.ts';
import { agentName, gateView, layersOf } from './gates.ts';
import { nextAttemptOf } from './next-attempt.ts';
import { answersOf, standingOf } from './standing.ts';
import {
  type CauseId,
  type Confidence,
  type Fix,
  type Gate,
  gates,
  type Observation,
  type Verdict,
} from './verdict.ts';

/** What one check found: every cause of the catalogue has one. */
export interface CheckResult {
  readonly cause: CauseId;
  readonly gate: Gate;
  readonly state: Finding['state'] | 'not-tried';
  readonly finding?: Confirmed;
}

/** A machine that is younger than this, and wasn't refused, is still on its way. */
const young = 5 * 60_000;

/** Judges one subject. Pure: the same evidence gives the same verdict. */
export function judge(given: Evidence): Verdict {
  const evidence = ownEvidence(given);
  const facts = factsOf(evidence);
  const findings = causes.map((cause) => ({ cause, finding: weigh(cause, facts) }));
  const now = findings.find(({ finding }) => finding.state === 'confirmed');
  if (isPending(facts, now?.cause)) return pending(facts);
  const then = now ? undefined : asItWasBefore(evidence, facts);
  const first = now ?? then?.first;
  const found = now
    ? doubted(now.cause, now.finding as Confirmed, facts)
    : then?.first && { ...then.first.finding, confidence: 'likely' as const, doubt: 'seen-before' };
  const confidence = found?.confidence ?? (isWell(facts) ? 'proven' : 'unknown');
  const standing = standingOf(facts);
  const unsure = first ? undefined : sameAddressOnly(facts);
  const fix = first && found && fixOf(first.cause, found, facts);
  const next = nextSteps(facts, confidence);
  const nextAttempt = nextAttemptOf(facts);
  return {
    ...headOf(facts),
    state: first ? 'ill' : isWell(facts) ? 'well' : 'unclear',
    answers: answersOf(facts, standing, first?.cause, confidence),
    gates: gateRows(facts, first?.cause),
    ...(standing && { standing }),
    ...(first && { cause: first.cause.id }),
    solution: first?.cause.solution ?? null,
    confidence,
    ...(found?.doubt !== undefined && { doubt: found.doubt }),
    ...(unsure && { doubt: 'names-differ' }),
    parameters: found?.parameters ?? unsure?.parameters ?? {},
    evidence: (found?.evidence ?? unsure?.evidence ?? (isWell(facts) ? [] : lastSigns(facts))).slice(0, 8),
    ruledOut: !first && isWell(facts) ? [] : ruledOut(findings, first?.cause),
    ...(next.length > 0 && { next }),
    ...(fix && { fix }),
    ...(nextAttempt && { nextAttempt }),
    warnings: [...(then?.warnings ?? []), ...warningsOf(facts, first?.cause)].slice(0, 3),
    ...insideOf(evidence, facts),
    docs: first ? `docs/causes.en.md#${first.cause.id}` : 'docs/causes.en.md',
  };
}

/** What it said of itself while that counted, weighed anew where now nothing shows. */
interface Before {
  /** The first cause that it spoke for, in gate order; only where the node isn't well. */
  readonly first?: { readonly cause: Cause; readonly finding: Confirmed };
  readonly warnings: Verdict['warnings'];
}

/**
 * Old evidence is no proof of now: it names what is likely where nothing else does, as long as nothing that is known
 * now speaks against it; of a node that is well it is worth a warning.
 */
function asItWasBefore(evidence: Evidence, facts: Facts): Before | undefined {
  const { before } = facts;
  if (!before) return undefined;
  const old = factsOf(evidence, { asIfNow: true });
  const confirmed = causes.flatMap((cause) => {
    if (cause.gate === 'scope' || cause.gate === 'freshness') return [];
    const finding = weigh(cause, old);
    return finding.state === 'confirmed' && cause.decide(facts).state !== 'excluded'
      ? [{ cause, finding }]
      : [];
  });
  const [first] = confirmed;
  const warnings = warningsOf(old, first?.cause);
  if (!isWell(facts)) return { ...(first && { first }), warnings };
  return {
    warnings: [
      ...(first ? [{ cause: first.cause.id, parameters: first.finding.parameters }] : []),
      ...warnings,
    ],
  };
}

function insideOf({ node, nodeSeenAt }: Evidence, facts: Facts): Pick<Verdict, 'inside'> {
  if (!node || nodeSeenAt === undefined) return {};
  return { inside: { at: nodeSeenAt, ofNow: facts.node !== undefined } };
}

/** Whoever has the machine's address now, under another name: it may be this machine, and it may be another. */
function sameAddressOnly({ records, row }: Facts): Pick<Verdict, 'parameters' | 'evidence'> | undefined {
  const other = records?.machine?.otherName;
  const user = records?.addressUsers?.[0];
  if (other === undefined || row || !user) return undefined;
  const { address, nodeId, at } = user;
  return {
    parameters: { address, other: nodeId, host: other },
    evidence: [observe('records', 'nodes', 'address-user', `${address} ${nodeId} ${other}`, at)],
  };
}

/** What was last seen of it, for where no cause was: it ended there, whatever ended it. */
function lastSigns({ row }: Facts): readonly Observation[] {
  if (!row) return [];
  const { channelClosedAt: closed, channelClosedBy: by = 'unknown', lastPing } = row;
  return [
    ...(row.connected || closed === undefined
      ? []
      : [observe('records', 'presence', 'channel', `closed-by-${by}`, closed)]),
    ...(lastPing === undefined
      ? []
      : [observe('records', 'presence', 'last-heartbeat', new Date(lastPing).toISOString(), lastPing)]),
  ];
}

/** All checks in order, as the first that is confirmed leaves them: for `-v`, and for tests. */
export function check(evidence: Evidence): readonly CheckResult[] {
  const facts = factsOf(ownEvidence(evidence));
  let isFound = false;
  return causes.map((cause) => {
    if (isFound) return { cause: cause.id, gate: cause.gate, state: 'not-tried' };
    const finding = weigh(cause, facts);
    if (finding.state !== 'confirmed') return { cause: cause.id, gate: cause.gate, state: finding.state };
    isFound = true;
    return { cause: cause.id, gate: cause.gate, state: 'confirmed', finding: doubted(cause, finding, facts) };
  });
}

/** What works isn't broken: while heartbeats arrive, most causes are out of the question. */
function weigh(cause: Cause, facts: Facts): Finding {
  const finding = cause.decide(facts);
  if (finding.state !== 'confirmed' || facts.through !== true) return finding;
  // Seen not to run, with its channel closed: that the last heartbeat was in time makes it no less certain.
  const isGone = facts.node !== undefined && facts.running.length === 0 && facts.channelOpen === false;
  if (isGone && cause.gate === 'agent' && cause.whileThrough === 'likely') return finding;
  const usual = cause.whileThrough ?? (cause.breaks === 'listed' ? 'excluded' : 'stands');
  const then = usual === 'excluded' && cause.gate === 'path' && isFading(facts) ? 'likely' : usual;
  if (then === 'excluded') return { state: 'excluded' };
  if (then === 'stands' || finding.confidence === 'likely') return finding;
  return { ...finding, confidence: 'likely', doubt: 'still-through' };
}

/** The last heartbeat was in time, but the channel is gone and the way is tried in vain: soon it will be lost. */
function isFading({ channelOpen, row, path }: Facts): boolean {
  return (
    channelOpen === false &&
    row?.polling !== true &&
    path?.fault !== undefined &&
    path.fault.layer !== 'websocket'
  );
}

/** Lowers what is only likely: an unknown gate before it, many that share it, a machine of unknown age. */
function doubted(cause: Cause, finding: Confirmed, facts: Facts): Confirmed {
  if (finding.confidence === 'likely') return finding;
  const before = gates.slice(0, gates.indexOf(cause.gate));
  if (before.some((gate) => gateView(gate, facts).state === 'unknown'))
    return { ...finding, confidence: 'likely', doubt: 'unknown-before' };
  if (isSharedByMany(cause, facts) && (cause.gate === 'machine' || cause.gate === 'path'))
    return { ...finding, confidence: 'likely', doubt: 'shared-by-many' };
  // An agent that isn't there yet looks like one that isn't there.
  if (cause.gate === 'agent' && facts.bornAt === undefined && facts.running.length === 0)
    return { ...finding, confidence: 'likely', doubt: 'age-unknown' };
  return finding;
}

/** Ask the server first: what a fifth of the nodes have is not this node's own. */
function isSharedByMany(cause: Cause, { fleet }: Facts): boolean {
  const group = cause.sign && fleet?.shared?.find(({ sign }) => sign === cause.sign);
  return group !== undefined && group !== '' && group.nodes >= 3 && group.nodes >= group.of * 0.2;
}

function fixOf(cause: Cause, finding: Confirmed, facts: Facts): Fix | undefined {
  if (cause.intended) return undefined;
  const explained: Fix = { risk: 'manual', commands: [], parameters: finding.parameters, check: cause.gate };
  const plan = cause.fix?.(facts, finding);
  if (!plan) return explained;
  const touchesNode = plan.commands.some(({ where }) => where === 'node');
  if (touchesNode && (cause.shared || isSharedByMany(cause, facts))) return explained;
  return { ...plan, parameters: { ...finding.parameters, ...plan.parameters }, check: cause.gate };
}

function isWell(facts: Facts): boolean {
  return facts.through === true && (facts.channelOpen !== false || facts.row?.polling === true);
}

/** Of an agent: what no time mends. */
const staysSo: readonly CauseId[] = [
  'unsupported-os-or-arch',
  'agent-masked',
  'agent-not-enabled-at-boot',
  'config-unreadable',
  'template-edited-only',
  'partition-or-region-domain',
];

function isPending(facts: Facts, cause: Cause | undefined): boolean {
  const { bornAt, node, now, through, attempts, lines } = facts;
  if (bornAt === undefined || through === true || facts.records?.node?.deregisteredAt !== undefined)
    return false;
  // Whoever was there before isn't on its way: it dropped. Only a machine that was seen to have just booted is.
  if (!node && (facts.row?.lastPing !== undefined || facts.row?.channelClosedAt !== undefined)) return false;
  const clock = node?.host.bootAt === undefined ? now : node.at;
  if (clock - bornAt >= young || clock < bornAt - young) return false;
  if (attempts.length > 0 || lines.some(({ text }) => /denied|exception|expired|invalid/i.test(text)))
    return false;
  return (
    cause === undefined ||
    (cause.gate === 'agent' && !staysSo.includes(cause.id)) ||
    cause.id === 'agent-not-registered' ||
    cause.passing === true
  );
}

function pending(facts: Facts): Verdict {
  const standing = standingOf(facts);
  const from = nextAttemptOf(facts)?.from ?? facts.now;
  return {
    ...headOf(facts),
    state: 'pending',
    answers: {
      listed: standing ? (standing.is === 'lost' ? 'yes' : 'no') : 'unknown',
      pickable: 'no',
      working: 'no',
    },
    gates: gateRows(facts, undefined),
    ...(standing && { standing }),
    solution: null,
    confidence: 'unknown',
    parameters: {},
    evidence: [],
    ruledOut: [],
    next: ['wait'],
    nextAttempt: {
      from,
      to: Math.max(
        from,
        facts.now + young - Math.max(0, (facts.node?.at ?? facts.now) - (facts.bornAt ?? 0)),
      ),
    },
    warnings: [],
    docs: 'docs/causes.en.md',
  };
}

function headOf(facts: Facts): Pick<Verdict, 'version' | 'at' | 'subject' | 'asked'> {
  const { now, request, records, node, agent, row } = facts;
  const nodeId = records?.node?.nodeId ?? agent?.identity?.nodeId;
  const name = records?.node?.name ?? records?.machine?.name ?? node?.host.name;
  const shown = agent
    ? agentName(agent.kind, agent.version)
    : row?.agentName && `${row.agentName} ${row.agentVersion ?? ''}`.trim();
  return {
    version: 1,
    at: now,
    subject: {
      asked: request?.asked ?? nodeId ?? name ?? '?',
      ...(nodeId !== undefined && { nodeId }),
      ...(name !== undefined && { name }),
      ...(shown && { agent: shown }),
    },
    asked: {
      region: request?.region ?? agent?.identity?.region ?? agent?.configuration?.region ?? '?',
      ...(request?.document && { document: request.document.name }),
    },
  };
}

function gateRows(facts: Facts, cause: Cause | undefined): Verdict['gates'] {
  const failed = cause ? gates.indexOf(cause.gate) : gates.length;
  return gates.map((gate, index) => {
    if (index > failed) return { gate, state: 'not-tried' };
    const view = gateView(gate, facts);
    if (index < failed || !cause) return { gate, ...view };
    const parameters = gate === 'path' ? layersOf(facts) : {};
    return {
      gate,
      state: cause.passing ? 'warned' : 'failed',
      text: 'cause',
      parameters: { ...parameters, cause: cause.id },
    };
  });
}

/** What a person would have thought of, and isn't: near the cause first, then what is common. */
const common: readonly CauseId[] = [
  'agent-stopped',
  'agent-not-installed',
  'deregistered',
  'wrong-region',
  'clock-skew',
  'disk-full',
  'dns-fails',
  'ca-missing',
];

function ruledOut(
  findings: readonly { cause: Cause; finding: Finding }[],
  cause: Cause | undefined,
): readonly CauseId[] {
  const out = new Set(
    findings.filter(({ finding }) => finding.state === 'excluded').map((one) => one.cause.id),
  );
  const wanted = cause ? cause.near : common;
  return [...new Set(wanted)].filter((id) => out.has(id)).slice(0, 6);
}

function warningsOf(facts: Facts, cause: Cause | undefined): Verdict['warnings'] {
  return causes
    .flatMap((one) => {
      const parameters = one === cause ? undefined : one.warns?.(facts);
      return parameters ? [{ cause: one.id, parameters }] : [];
    })
    .slice(0, 3);
}

/** What to look at next where it isn't certain: ids of the texts. */
function nextSteps(facts: Facts, confidence: Confidence): readonly string[] {
  if (confidence === 'proven') return [];
  const { node, records, agent } = facts;
  if (!node) return ['doctor-on-node'];
  return [
    ...(node.privileged ? [] : ['as-root']),
    ...(records ? [] : ['ask-server']),
    ...(agent && !agent.log && node.privileged ? ['agent-log'] : []),
  ];
}
