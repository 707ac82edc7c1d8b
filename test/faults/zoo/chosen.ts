/**
 * A node that is in the list and not among those to choose from: what it is, and what its agent can. And what the
 * service knows of a node that its agent doesn't: credentials that were revoked, associations that are gone.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Evidence, judge, type NodeEvidence } from '@rollcall/diagnosis';
import { collectNode } from '@rollcall/probes';
import { putProcess } from '../../../packages/probes/src/testing/machine.ts';
import type { SimulatedAgent } from '../../harness/simulated-agent.ts';
import { openPart } from '../case.ts';
import { official } from '../node/recorded-machine.ts';
import type { Stage } from '../stage.ts';
import { until } from '../until.ts';
import { askWhy, type Neighbours, type World } from '../world.ts';

const { cases, fault, decoy } = openPart('chosen');

interface Alone {
  readonly world: World;
  readonly fleet: Neighbours;
  readonly agent: SimulatedAgent;
}

/** One simulated node of an agent of some version. */
async function alone(stage: Stage, agentVersion?: string): Promise<Alone> {
  const world = await stage.world();
  const fleet = await world.neighbours(1, '10.50.8.2', agentVersion === undefined ? {} : { agentVersion });
  const [agent] = fleet.agents;
  world.age(agent!.nodeId);
  return { world, fleet, agent: agent! };
}

/** AWS's own document, which needs 3.1.1374.0; this server has none of its kind, so that the request is recorded. */
const document = {
  name: 'AWS-StartPortForwardingSessionToRemoteHost',
  platforms: ['Windows', 'Linux', 'MacOS'],
  mayUse: true,
} as const;
const old = '3.1.804.0';

/** What the server knows of the node, judged for that document, or for another one. */
async function chosenFor(
  stage: Stage,
  end: 'operator' | 'both',
  { world, agent }: Alone,
  { evidence: node, ...request }: { readonly evidence?: NodeEvidence; readonly name?: string } = {},
): Promise<void> {
  const answer = await askWhy(world.server, agent.nodeId, node && { evidence: node });
  const known = answer.evidence as Evidence;
  if (!known.request) throw new Error('nothing is said of the request');
  const asked = { ...known.request, document: { ...document, ...request } };
  const evidence: Evidence = { ...known, request: asked };
  stage.compare(end, judge(evidence), evidence);
}

fault(
  {
    id: 'agent-too-old',
    how: 'recorded',
    cause: 'agent-too-old',
    gate: 'agent',
    solution: 1,
    operator: 'proven',
    fix: 'explained',
  },
  async (stage) => chosenFor(stage, 'operator', await alone(stage, old)),
);

for (const [id, version, name] of [
  ['old-agent-for-what-it-can', old, 'AWS-RunShellScript'],
  ['agent-updated', '3.3.987.0', document.name],
] as const)
  decoy({ id, how: 'recorded', decoyOf: ['agent-too-old'], operator: 'well' }, async (stage) =>
    chosenFor(stage, 'operator', await alone(stage, version), { name }),
  );

/** A machine whose agent snap put there, registered as this node. */
async function snapped(stage: Stage, { world, agent }: Alone, version: string) {
  const machine = official(stage, {
    registered: false,
    runs: false,
    commands: {
      'systemctl show amazon-ssm-agent.service': 'LoadState=not-found\nActiveState=inactive\n',
      'systemctl show snap.amazon-ssm-agent.amazon-ssm-agent.service':
        'LoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\nNRestarts=0\n',
      'snap list amazon-ssm-agent': `Name              Version  Rev   Tracking       Publisher  Notes\namazon-ssm-agent  ${version}  4046  latest/stable  aws        classic\n`,
    },
    change(one) {
      one.put('/var/lib/dpkg/status', '');
      one.put(
        '/snap/amazon-ssm-agent/4046/meta/snap.yaml',
        `name: amazon-ssm-agent\nversion: '${version}'\n`,
      );
      one.link('/snap/amazon-ssm-agent/current', '4046');
    },
  });
  rmSync(join(machine.folder, 'usr/bin/amazon-ssm-agent'));
  putProcess(machine, { pid: 900, exe: '/snap/amazon-ssm-agent/4046/amazon-ssm-agent' });
  putProcess(machine, { pid: 910, exe: '/snap/amazon-ssm-agent/4046/ssm-agent-worker' });
  const store = '/var/lib/amazon/ssm/Vault/Store/RegistrationKey';
  const known = {
    instanceID: agent.nodeId,
    region: 'us-east-1',
    privateKey: 'secret',
    privateKeyType: 'Rsa',
  };
  machine.put('/var/lib/amazon/ssm/Vault/Manifest', JSON.stringify({ RegistrationKey: store }));
  machine.put(store, JSON.stringify(known));
  const section = { Endpoint: `https://127.0.0.1:${world.server.port}` };
  machine.put(
    '/etc/amazon/ssm/amazon-ssm-agent.json',
    JSON.stringify({ Ssm: section, Mgs: section, Mds: section }),
  );
  machine.put('/etc/ssl/certs/ca-certificates.crt', world.server.ca());
  return collectNode({ ...machine.options, now: Date.now, metadata: false });
}

fault(
  {
    id: 'snap-channel-downgrade',
    how: 'recorded',
    cause: 'snap-channel-downgrade',
    gate: 'agent',
    solution: 1,
    both: 'likely',
    fix: 'explained',
  },
  async (stage) => {
    const there = await alone(stage, '3.3.987.0');
    const evidence = await snapped(stage, there, old);
    await chosenFor(stage, 'both', there, { evidence });
  },
);

decoy(
  {
    id: 'snap-on-the-newest',
    how: 'recorded',
    decoyOf: ['snap-channel-downgrade', 'agent-too-old'],
    both: 'well',
  },
  async (stage) => {
    const there = await alone(stage, '3.3.987.0');
    const evidence = await snapped(stage, there, '3.3.987.0');
    await chosenFor(stage, 'both', there, { evidence });
  },
);

fault(
  {
    id: 'platform-misreported',
    how: 'recorded',
    cause: 'platform-misreported',
    gate: 'scope',
    solution: 6,
    both: 'proven',
    fix: 'explained',
  },
  async (stage) => {
    const world = await stage.world();
    const node = await stage.node();
    // As a proxy's answer made it: it has no other way to get there.
    const platform = (name: string) =>
      world.server.books((books) => books.prepare('UPDATE nodes SET platform_type = ?').run(name));
    platform('Windows');
    await stage.judge(node, { document: 'AWS-RunShellScript', stays: true });
    platform('Linux');
    await stage.mended(node);
  },
);

fault(
  {
    id: 'credentials-revoked',
    cause: 'credentials-revoked',
    gate: 'authorization',
    operator: 'proven',
    fix: 'systemctl restart',
  },
  async (stage) => {
    const { world, fleet, agent } = await alone(stage);
    await world.neighbours(6, '10.50.8.1');
    await world.server.pass(120_000);
    await world.server.stop();
    world.server.books((books) =>
      books.prepare('UPDATE nodes SET epoch = epoch + 1 WHERE node_id = ?').run(agent.nodeId),
    );
    agent.connectAt = agent.beatAt = Number.POSITIVE_INFINITY;
    await world.server.start();
    // It is loyal to the credentials that it has: it asks for others when half of their life is over.
    await fleet.calls.heartbeat(agent, 'full').catch(() => {});
    await world.refused({ nodeId: agent.nodeId, address: '10.50.8.2' }, 'revoked-token');
    await stage.judge(agent);
    // Restarted, it asks for others with its key.
    await fleet.calls.heartbeat(agent, 'full');
    agent.connectAt = 0;
    await until('it is connected', () => agent.socket !== undefined);
    const { verdict } = await askWhy(world.server, agent.nodeId);
    stage.check(verdict.state === 'well', `after the fix: ${verdict.state} ${verdict.cause}`);
  },
);

export const chosen = cases;
