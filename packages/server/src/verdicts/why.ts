/** `Why`: everything that is known of one subject, judged. */
import type { NodeEvidence, Verdict } from '@rollcall/diagnosis';
import type { WhyCandidate, WhyInput, WhyOutput } from '@rollcall/wire';
import { writtenWithin } from '../knocks/index.ts';
import { comparedNames, printable, readUuid } from '../roster/index.ts';
import { type AnyOperation, operation, present, Refusal } from '../service/index.ts';
import type { VerdictsDeps } from './deps.ts';
import type { Fleet, FleetOf } from './fleet.ts';
import { type Gathered, gather, type Question, withRights } from './gather.ts';
import { loadJudge } from './judge.ts';
import { readNodeEvidence } from './node-evidence.ts';
import { withOwnWord } from './own-word.ts';
import { readAsked, type Subject } from './subject.ts';

const mostCandidates = 50;

/** Declares it. */
export function whyOperation(deps: VerdictsDeps, fleetOf: FleetOf): AnyOperation {
  return operation<WhyInput, WhyOutput>({
    service: 'rollcall',
    name: 'Why',
    access: { by: 'policy', action: 'rollcall:Why', resources: () => ['*'] },
    changes: false,
    async handle(call, input) {
      const given = input.Evidence === undefined ? undefined : readNodeEvidence(input.Evidence);
      const question: Question = {
        call,
        asked: readAsked(input.Subject),
        document: input.Document,
        node: given,
      };
      const view = deps.presence.view();
      const look = (fleet: Fleet) =>
        deps.store.read(async (tx) => {
          const found = await gather(deps, tx, view, fleet, question);
          return given ? found : withOwnWord(tx, call.region, found);
        });
      const fleet = await fleetOf(call.region);
      const found = await look(fleet);
      // What began after the fleet was looked at may have begun for all of it: no node is blamed before that is known.
      const newer = await fleetOf(call.region, knownSince(found, view.now));
      const gathered = newer === fleet ? found : await look(newer);
      if (given) refuseOfAnother(given, gathered, question.asked.text);
      const evidence = await withRights(deps, question, gathered);
      const subjects = evidence.request?.mayList === false ? [] : gathered.subjects;
      const verdict = await judged(evidence, given);
      return {
        Verdict: JSON.stringify(verdict),
        ...(input.WithEvidence && { Evidence: JSON.stringify(evidence) }),
        Candidates:
          subjects.length < 2
            ? []
            : subjects.slice(0, mostCandidates).map((one) => candidate(one, call.region)),
        CandidateCount: subjects.length,
      };
    },
  });
}

/** When the newest thing that the door has of it stood in the books, and so did what came to others with it. */
function knownSince({ evidence }: Gathered, now: number): number {
  const began = Math.max(0, ...(evidence.door?.knocks ?? []).map((knock) => knock.firstAt));
  return Math.min(began + writtenWithin, now);
}

/** Judges. What somebody sent in can't bring the judge down: it was read, but not by the one who wrote it. */
async function judged(evidence: Gathered['evidence'], given: NodeEvidence | undefined): Promise<Verdict> {
  const judge = await loadJudge();
  try {
    return judge(evidence);
  } catch (error) {
    if (!given) {
      const { node, ...rest } = evidence;
      if (!node) throw error;
      // What a node sent along can't keep its own verdict from its operator.
      return judge(rest);
    }
    throw new Refusal('ValidationException', 'Evidence contradicts itself: it can be read, but not judged.', {
      detail: String(error),
    });
  }
}

/** What was seen on one machine says nothing of another. One sign that they are the same is enough. */
function refuseOfAnother({ host, agents }: NodeEvidence, { subjects }: Gathered, asked: string): void {
  const [subject, ...others] = subjects;
  if (!subject || others.length > 0) return;
  const { node, machine } = subject;
  const names = [asked, node?.name, node?.computer_name, machine?.row.machine_key, machine?.row.name];
  const addresses = [node?.ip_address, node?.peer, ...(machine?.addresses ?? []).map((one) => one.address)];
  const known = new Set(names.flatMap((name) => (name ? comparedNames(name) : [])));
  const isSame =
    agents.some((agent) => node !== undefined && agent.identity?.nodeId === node.node_id) ||
    comparedNames(host.name).some((name) => known.has(name)) ||
    host.addresses.some((address) => addresses.includes(address)) ||
    readUuid(host.systemUuid ?? '') === (machine?.row.system_uuid ?? '');
  if (isSame) return;
  throw new Refusal(
    'ValidationException',
    `The evidence is of another machine: it was seen on ${printable(host.name, 60)}, and the question is about ${printable(asked, 60)}.`,
  );
}

function candidate({ node, machine }: Subject, region: string): WhyCandidate {
  return present<WhyCandidate>({
    InstanceId: node?.node_id,
    Machine: machine?.id,
    Name: machine?.row.name ?? node?.name ?? node?.computer_name,
    Region: region,
    PingStatus: node && node.deregistered_at === null ? node.presence.status : undefined,
    Address: node?.ip_address ?? machine?.addresses.find((one) => one.until === null)?.address,
  });
}
