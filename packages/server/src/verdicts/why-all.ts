/** `WhyAll`: the server's own health first, then everybody who should be there, grouped by cause. */
import type { Verdict } from '@rollcall/diagnosis';
import type { CauseGroup, WhyAllInput, WhyAllOutput } from '@rollcall/wire';
import { allSources, countMachines, type Landscape } from '../roster/index.ts';
import { type AnyOperation, dateOf, operation, present } from '../service/index.ts';
import { type JudgedSubject, judgeMany } from './batch.ts';
import type { VerdictsDeps } from './deps.ts';
import { type FleetOf, lostAt } from './fleet.ts';
import { problemsOf } from './own-health.ts';
import { otherNameOf } from './records.ts';
import type { Subject } from './subject.ts';

type State = CauseGroup['Members'][number]['State'];
type Counts = WhyAllOutput['Counts'];

const usualMembers = 20;

/** Declares it. */
export function whyAllOperation(deps: VerdictsDeps, fleetOf: FleetOf): AnyOperation {
  return operation<WhyAllInput, WhyAllOutput>({
    service: 'rollcall',
    name: 'WhyAll',
    access: { by: 'policy', action: 'rollcall:WhyAll', resources: () => ['*'] },
    changes: false,
    async handle(call, input) {
      const { region, account } = call;
      const now = deps.presence.view().now;
      const fleet = await fleetOf(region, now);
      const landscape = await deps.roster.landscape(region);
      const { suspects, counts } = sortOut(deps, landscape, now);
      const judged = await judgeMany(deps, { region, account, now, landscape, fleet }, suspects);
      const { sources, machines } = await deps.store.read(async (tx) => ({
        sources: await allSources(tx, region),
        machines: await countMachines(tx, region),
      }));
      const toldAt = new Map(sources.map((row) => [row.source, row.created_at]));
      const groups = grouped(judged, counts, input.MaxMembers ?? usualMembers, toldAt);
      return {
        At: new Date(now),
        Server: (await problemsOf(deps, fleet, now)).map(({ cause, detail }) => ({
          Cause: cause,
          Detail: detail,
        })),
        Sources: sources.map((row) =>
          present<WhyAllOutput['Sources'][number]>({
            Source: row.source,
            Machines: machines.get(row.source)?.listed ?? 0,
            ReadAt: dateOf(row.read_at),
            Error: row.error,
            FailingSince: dateOf(row.failing_since),
          }),
        ),
        Counts: {
          ...counts,
          Expected:
            counts.There + counts.Missing + counts.Lost + counts.Hidden + counts.Unclear + counts.Pending,
        },
        Groups: groups,
      };
    },
  });
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Counts those of whom nothing needs to be asked, and answers the others. */
function sortOut(
  deps: VerdictsDeps,
  landscape: Landscape,
  now: number,
): { suspects: readonly Subject[]; counts: Mutable<Counts> } {
  const counts: Mutable<Counts> = {
    Expected: 0,
    There: 0,
    Missing: 0,
    Lost: 0,
    Hidden: 0,
    Unclear: 0,
    Off: 0,
    Retired: 0,
    InMaintenance: 0,
    Pending: 0,
  };
  const suspects: Subject[] = [];
  for (const machine of landscape.machines.values()) {
    if (landscape.join.sameAs.has(machine.id)) continue;
    const { row } = machine;
    const node = landscape.nodes.get(landscape.join.nodeOf.get(machine.id)?.nodeId ?? '');
    if (row.retired_at !== null || row.expected === 'retired') {
      counts.Retired += 1;
      continue;
    }
    const isOther = otherNameOf(landscape, machine) !== undefined;
    if (node && !isOther && isWell(deps, node, now)) counts.There += 1;
    else if ((row.maintenance_until ?? 0) > now) counts.InMaintenance += 1;
    else suspects.push({ machine, ...(node && { node }) });
  }
  for (const node of landscape.nodes.values()) {
    if (node.deregistered_at !== null || landscape.join.machineOf.has(node.node_id)) continue;
    if (isWell(deps, node, now)) counts.There += 1;
    else suspects.push({ node });
  }
  return { suspects, counts };
}

const worthSaying = 60_000;

/** Nothing shows that would be worth a question. */
function isWell(deps: VerdictsDeps, node: NonNullable<Subject['node']>, now: number): boolean {
  if (node.deregistered_at !== null || node.presence.status !== 'Online') return false;
  if (node.clone_seen_at !== null || Math.abs(node.skew_ms ?? 0) > worthSaying) return false;
  if (node.presence.connected || deps.isPolling(node.node_id)) return true;
  // A channel that has just gone comes back by itself in most cases.
  return node.opened_at === null || now - (node.closed_at ?? now) < 2 * worthSaying;
}

function stateOf({ subject: { node }, evidence }: Pick<JudgedSubject, 'subject' | 'evidence'>): State {
  // Who has only its address isn't it.
  if (evidence.records?.machine?.otherName !== undefined) return 'missing';
  if (!node || node.deregistered_at !== null) return 'missing';
  if (node.presence.status === 'Online') return 'there';
  return node.presence.hidden ? 'hidden' : 'lost';
}

function grouped(
  judged: readonly JudgedSubject[],
  counts: Mutable<Counts>,
  mostMembers: number,
  toldAt: ReadonlyMap<string, number>,
): CauseGroup[] {
  const groups = new Map<string, JudgedSubject[]>();
  for (const one of judged) {
    const { cause, state } = one.verdict;
    const is = stateOf(one);
    if (state === 'pending') counts.Pending += 1;
    else if (cause === 'expected-off' || cause === 'machine-stopped') counts.Off += 1;
    else if (state === 'well') counts.There += 1;
    else {
      if (is === 'there') counts.There += 1;
      else if (cause === undefined) counts.Unclear += 1;
      else if (is === 'missing') counts.Missing += 1;
      else if (is === 'lost') counts.Lost += 1;
      else counts.Hidden += 1;
      const key = groupKey(one);
      const group = groups.get(key);
      if (group) group.push(one);
      else groups.set(key, [one]);
    }
  }
  return [...groups.values()]
    .map((members) => groupOf(members, mostMembers, toldAt))
    .sort((a, b) => Number(a.Cause === undefined) - Number(b.Cause === undefined) || b.Count - a.Count);
}

/** What is mended at once is one group: an activation, a way out. */
function groupKey({ verdict, evidence }: JudgedSubject): string {
  const { cause = '' } = verdict;
  if (cause.startsWith('activation-')) return `${cause} ${evidence.records?.activation?.activationId ?? ''}`;
  if (cause === 'corporate-firewall') return `${cause} ${verdict.parameters.address ?? ''}`;
  return cause;
}

const lessSure: readonly Verdict['confidence'][] = ['unknown', 'likely', 'proven'];

function groupOf(
  members: readonly JudgedSubject[],
  most: number,
  toldAt: ReadonlyMap<string, number>,
): CauseGroup {
  const [first] = members;
  const since = members.map((one) => sinceOf(one, toldAt)).filter((at) => at > 0);
  const confidence = lessSure.find((one) => members.some(({ verdict }) => verdict.confidence === one));
  return present<CauseGroup>({
    Cause: first!.verdict.cause,
    Confidence: first!.verdict.cause === undefined ? 'unknown' : (confidence ?? 'unknown'),
    Count: members.length,
    Since: since.length > 0 ? new Date(Math.min(...since.slice(0, 10_000))) : undefined,
    Members: members.slice(0, most).map((one) => {
      const { node, machine } = one.subject;
      return present<CauseGroup['Members'][number]>({
        InstanceId: node?.node_id,
        Machine: machine?.id,
        Name: machine?.row.name ?? node?.name ?? node?.computer_name ?? node?.node_id ?? '',
        State: stateOf(one),
      });
    }),
    Verdict: JSON.stringify(first!.verdict),
  });
}

/**
 * Since when it is so, as far as anybody knows. A source's first list counts as true for a day before; that a
 * machine of it isn't there is known only since the list came.
 */
function sinceOf(
  { subject: { node, machine }, evidence }: JudgedSubject,
  toldAt: ReadonlyMap<string, number>,
): number {
  if (node && node.deregistered_at !== null) return node.deregistered_at;
  if (node) return lostAt(node) || node.registered_at;
  const knocks = evidence.door?.knocks ?? [];
  const first = knocks.reduce((earliest, one) => Math.min(earliest, one.firstAt), Number.POSITIVE_INFINITY);
  if (Number.isFinite(first)) return first;
  return machine ? Math.max(machine.row.first_seen_at, toldAt.get(machine.row.source) ?? 0) : 0;
}
