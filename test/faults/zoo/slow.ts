/** Everything is there and works, only too slowly: a folder with too much in it, a way that is too long. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EndpointEvidence, NodeEvidence } from '@rollcall/diagnosis';
import { collectNode } from '@rollcall/probes';
import { openPart } from '../case.ts';
import { judge, official } from '../node/recorded-machine.ts';
import type { Stage } from '../stage.ts';
import { ownVerdict } from '../world.ts';

const { cases, fault, decoy } = openPart('slow');

const orchestration = '/var/lib/amazon/ssm/mi-0123456789abcdef0/document/orchestration';

/** Judged with as many folders as years of commands leave behind. */
async function crowded(stage: Stage): Promise<void> {
  const machine = official(stage);
  // A disk takes many seconds for as many.
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'rollcall-zoo-'));
  stage.closes(() => rmSync(folder, { recursive: true, force: true }));
  machine.link(orchestration, folder);
  execFileSync('/bin/sh', ['-ec', 'seq 100001 | xargs touch'], { cwd: folder });
  await judge(stage, machine);
  execFileSync('find', [folder, '-type', 'f', '-delete']);
  const { cause } = ownVerdict(await collectNode({ ...machine.options, now: Date.now }));
  stage.check(cause === undefined, `after the fix: ${cause}`);
}

fault(
  {
    id: 'orchestration-dir-explosion',
    how: 'recorded',
    cause: 'orchestration-dir-explosion',
    gate: 'machine',
    node: 'likely',
  },
  (stage) => crowded(stage),
);

/** As it looks where each first packet takes longer than Node gives an address. */
function farAway(evidence: NodeEvidence, ms: number, addresses: readonly string[]): NodeEvidence {
  const far = (one: EndpointEvidence): EndpointEvidence => ({
    ...one,
    ...(one.name?.ok && { name: { ...one.name, addresses } }),
    ...(one.tcp?.ok && { tcp: { ...one.tcp, ms } }),
  });
  const lastError = 'rollcall.zoo.internal: no answer within the time allowed (ETIMEDOUT).';
  return {
    ...evidence,
    endpoints: evidence.endpoints.map(far),
    agents: evidence.agents.map(({ waiting: _, ...agent }) => ({
      ...agent,
      ...(agent.status && {
        status: { ...agent.status, state: 'connecting', lastHeartbeatOk: false, lastError },
      }),
    })),
  };
}

const both = ['10.77.0.1', 'fd77::1'];
fault(
  {
    id: 'slow-path',
    how: 'recorded',
    cause: 'slow-path',
    gate: 'path',
    solution: 3,
    node: 'likely',
    fix: 'explained',
  },
  async (stage) => {
    const evidence = farAway(await (await stage.node()).look(), 420, both);
    stage.compare('node', ownVerdict(evidence), evidence);
  },
);

for (const [id, ms, addresses] of [
  ['slow-with-one-address', 420, ['10.77.0.1']],
  ['fast-with-two-addresses', 12, both],
] as const)
  decoy({ id, how: 'recorded', decoyOf: ['slow-path'], node: 'blind' }, async (stage) => {
    const evidence = farAway(await (await stage.node()).look(), ms, addresses);
    stage.compare('node', ownVerdict(evidence), evidence);
  });

export const slow = cases;
