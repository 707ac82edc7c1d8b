/**
 * Waiting: what was in the way is gone, and the official agent still sleeps, by one table or another. Judged from
 * its log, on a machine whose way to the server is free.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { collectNode } from '@rollcall/probes';
import { openPart } from '../case.ts';
import { judge, logged, official } from '../node/recorded-machine.ts';

const { cases, fault, decoy } = openPart('waiting');

const minute = 60_000;
const now = Date.now();

/** The log of an agent that met an error some minutes ago, and sleeps since. */
function slept(error: string, sleeps = '28m14s', ago = 6): readonly string[] {
  return [
    logged(now - 50 * minute, 'INFO', '[amazon-ssm-agent] amazon-ssm-agent - v3.3.987.0'),
    logged(now - ago * minute, 'ERROR', `[amazon-ssm-agent] [CredentialRefresher] ${error}`),
    logged(
      now - ago * minute,
      'INFO',
      `[amazon-ssm-agent] [CredentialRefresher] Sleeping for ${sleeps} before retrying retrieve credentials`,
    ),
  ];
}

fault(
  {
    id: 'backing-off-auth',
    how: 'recorded',
    cause: 'backing-off-auth',
    gate: 'freshness',
    both: 'likely',
    fix: 'systemctl restart',
  },
  async (stage) => {
    const world = await stage.world();
    const { agents } = await world.neighbours(1, '10.50.8.2');
    const [agent] = agents;
    world.age(agent!.nodeId);
    // Refused when it wanted new credentials; its old ones were good for some heartbeats more.
    const denied = 'Retrieve credentials produced error: AccessDeniedException: no role for this node';
    const machine = official(stage, { log: slept(denied) });
    const store = '/var/lib/amazon/ssm/Vault/Store/RegistrationKey';
    const known = JSON.parse(readFileSync(join(machine.folder, store), 'utf8'));
    machine.put(store, JSON.stringify({ ...known, instanceID: agent!.nodeId }));
    const section = { Endpoint: `https://127.0.0.1:${world.server.port}` };
    const settings = { Ssm: section, Mgs: section, Mds: section };
    machine.put('/etc/amazon/ssm/amazon-ssm-agent.json', JSON.stringify(settings));
    machine.put('/etc/ssl/certs/ca-certificates.crt', world.server.ca());
    agent!.beatAt = agent!.connectAt = Number.POSITIVE_INFINITY;
    agent!.socket?.terminate();
    const evidence = await collectNode({ ...machine.options, now: Date.now, metadata: false });
    await stage.judge({ nodeId: agent!.nodeId }, { evidence });
  },
);

decoy(
  {
    id: 'slept-and-woke',
    how: 'recorded',
    decoyOf: ['backing-off-onprem-net', 'agent-backing-off'],
    node: 'blind',
  },
  (stage) =>
    judge(
      stage,
      official(stage, {
        log: [
          ...slept(
            'Retrieve credentials produced error: RequestError: dial tcp 10.1.2.3:443: i/o timeout',
            '2m0s',
            30,
          ),
          logged(now - 27 * minute, 'INFO', '[amazon-ssm-agent] [CredentialRefresher] Credentials ready'),
        ],
      }),
    ),
);

export const waiting = cases;
