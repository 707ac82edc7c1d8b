/** Every cause of the catalogue is played in the fault zoo, or stands here with the reason why it isn't. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { causes } from '@rollcall/diagnosis';
import type { Case, Says } from '../faults/case.ts';
import { cases } from '../faults/zoo/index.ts';

/** Told only by evidence that the unit tests of the catalogue make up. */
const notPlayed: Readonly<Record<string, string>> = {
  'agent-too-old': 'needs one of the session documents, which this server does not have yet',
  'snap-channel-downgrade': 'as agent-too-old; and snapd cannot run here',
  'platform-misreported': 'no agent here reports another platform than its own',
  'orchestration-dir-explosion': 'a hundred thousand folders, and an agent that they slow down',
  'slow-path': 'our agent waits longer than any way here is slow; it is of older agents',
  'dhmc-not-enabled': 'with no role at all it is said as no-instance-profile, which names both ways out',
  'backing-off-auth': 'its refusal stands in the log before it, and is the cause',
  'credentials-revoked': 'nothing revokes the credentials of a node that stays registered, by now',
  'association-list-empty': 'it breaks nothing: a warning, not a cause',
};

test('every cause has a case', () => {
  const said = (one: Case) => [
    one.cause,
    ...[one.node, one.operator, one.both].map((says: Says | undefined) =>
      typeof says === 'object' ? says.cause : undefined,
    ),
  ];
  const played = new Set(cases.flatMap(said));
  const missing = causes.map(({ id }) => id).filter((id) => !played.has(id));
  assert.deepEqual(missing.sort(), Object.keys(notPlayed).sort());
  const injected = new Set(cases.filter(({ how }) => how === 'injected').flatMap(said));
  assert.ok(injected.size >= 60, `${injected.size} are really injected`);
  assert.equal(new Set(cases.map(({ id }) => id)).size, cases.length, 'ids are unique');
});
