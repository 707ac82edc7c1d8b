/** The operations that change the roster, what nodes say of their machine, and for how long activations are good. */
import { newAgent } from '../harness/simulated-agent.ts';
import { type Drive, type Promised, uniqueName } from './drive.ts';
import type { World } from './world.ts';

const list = (count: number) =>
  `name,ip\n${Array.from({ length: count }, (_, index) => `machine-${index},10.9.0.${index}`).join('\n')}\n`;

async function make(world: World): Promise<string> {
  const Source = uniqueName('roster');
  await world.admin.ask('rollcall:ImportRoster', { Source, Format: 'csv', Text: list(5) });
  world.promise({ operation: 'rollcall:ImportRoster', resource: `roster/${Source}` });
  return Source;
}

/** A call about a source, whose answer promises an audit row. */
function call(world: World, operation: string, Source: string, input: object, detail?: string): Drive {
  return {
    token: Source,
    async act(): Promise<Promised> {
      await world.admin.ask(operation, { Source, ...input });
      return { operation, resource: `roster/${Source}`, ...(detail === undefined ? {} : { detail }) };
    },
  };
}

/** What the server calls them, by name. */
export const rosterDrives: Readonly<Record<string, (world: World) => Promise<Drive>>> = {
  'rollcall:ImportRoster': async (world) =>
    call(world, 'rollcall:ImportRoster', uniqueName('roster'), { Format: 'csv', Text: list(20) }),
  'rollcall:ImportRoster again': async (world) =>
    call(world, 'rollcall:ImportRoster', await make(world), { Format: 'csv', Text: list(4) }, '"retired":1'),
  'rollcall:PutRosterSource': async (world) =>
    call(world, 'rollcall:PutRosterSource', uniqueName('roster'), { Url: 'https://localhost:1/' }),
  'rollcall:DeleteRosterSource': async (world) =>
    call(world, 'rollcall:DeleteRosterSource', await make(world), {}),
  'rollcall:RenewActivation': async (world) => {
    const { ActivationId } = await world.admin.ask('ssm:CreateActivation', { IamRole: 'service-role/Nodes' });
    world.promise({ operation: 'ssm:CreateActivation', resource: ActivationId });
    return {
      token: 'rollcall:RenewActivation',
      async act() {
        await world.admin.ask('rollcall:RenewActivation', { ActivationId, RegistrationLimit: 7 });
        return { operation: 'rollcall:RenewActivation', resource: ActivationId, detail: '"limit":7' };
      },
    };
  },
  'rollcall:PutNodeEvidence': async (world) => {
    const agent = newAgent(world.nextKey());
    const made = await world.admin.ask('ssm:CreateActivation', {
      IamRole: 'service-role/Nodes',
      Tags: [{ Key: 'from', Value: 'activation' }],
    });
    world.promise({ operation: 'ssm:CreateActivation', resource: made.ActivationId });
    await world.nodes.register(agent, { id: made.ActivationId, code: made.ActivationCode });
    world.promise({ operation: 'ssm:RegisterManagedInstance', resource: agent.nodeId });
    const name = uniqueName('host');
    return {
      token: name,
      async act() {
        await world.nodes.calls.call(agent, 'Rollcall.PutNodeEvidence', {
          InstanceId: agent.nodeId,
          Evidence: JSON.stringify({
            format: 1,
            at: Date.now(),
            by: 'agent',
            privileged: true,
            unseen: [],
            host: {
              name,
              os: { id: 'debian', name: 'Debian', version: '12' },
              platform: 'Linux',
              kernel: '6.1',
              arch: 'x64',
              addresses: [],
              macs: ['52:54:00:12:34:56'],
            },
            agents: [],
            endpoints: [],
          }),
        });
        return {
          what: `what ${agent.nodeId} sees of its machine`,
          holds: (books) => books.evidenceOf(agent.nodeId)?.includes(name) ?? false,
        };
      },
    };
  },
};
