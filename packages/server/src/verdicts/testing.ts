/** For tests of verdicts: everything to their left, with knocks as the door notes them. */
import type { TestContext } from 'node:test';
import type { Evidence, Verdict } from '@rollcall/diagnosis';
import { openActivations } from '../activations/index.ts';
import { openDocuments } from '../documents/index.ts';
import { type Knock, openKnocks } from '../knocks/index.ts';
import { account, nodePrincipal, region, type WorldOptions } from '../nodes/testing.ts';
import { openRosterWorld, type RosterWorld } from '../roster/testing.ts';
import { isInOurBooks } from '../startup/books.ts';
import { openVerdicts, type Verdicts, type VerdictsDeps } from './index.ts';

export { nodePrincipal, region };

/** What a test holds. */
export interface VerdictsWorld extends RosterWorld {
  readonly verdicts: Verdicts;
  /** Notes a refused attempt, and writes it. */
  knock(knock: Partial<Knock> & { reason: string }): Promise<void>;
  /** Asks why, and reads the answer. */
  why(
    subject: string,
    more?: object,
  ): Promise<{ verdict: Verdict; evidence: Evidence; candidates: readonly string[] }>;
}

/** Opens verdicts with all that is to their left. */
export async function openVerdictsWorld(
  context: TestContext,
  options: WorldOptions & { deps?: Partial<VerdictsDeps> } = {},
): Promise<VerdictsWorld> {
  const world = await openRosterWorld(context, options);
  const { store, clock, presence, tags, events, roster, nodes } = world;
  const documents = openDocuments({ store, account, tags });
  const activations = openActivations({ store, clock, account, regions: [region], nodes });
  const knocks = openKnocks({ store, clock, isKnown: (claim) => isInOurBooks(store, claim) });
  world.atEnd(() => knocks.close());
  const verdicts = openVerdicts({
    store,
    clock,
    account,
    regions: [region, 'eu-west-1'],
    presence,
    roster,
    documents,
    events,
    serverId: 'server-1',
    decide: async () => ({ allowed: true, reason: '' }),
    own: () => ({ publicUrls: ['https://rollcall.lan:8443'] }),
    isPolling: () => false,
    ...options.deps,
  });
  world.atEnd(() => verdicts.close());
  world.serve([...documents.operations, ...activations.operations, ...verdicts.operations]);
  return {
    ...world,
    verdicts,
    async knock(knock) {
      knocks.note({ address: '203.0.113.9', layer: 'signature', client: 'amazon-ssm-agent/3.3', ...knock });
      await knocks.flush();
    },
    async why(Subject, more = {}) {
      const answer = await world.call('Why', { Subject, WithEvidence: true, ...more });
      return {
        verdict: JSON.parse(answer.Verdict),
        evidence: JSON.parse(answer.Evidence),
        candidates: answer.Candidates.map(
          (one: { InstanceId?: string; Machine?: string }) => one.InstanceId ?? one.Machine,
        ),
      };
    },
  };
}
