/** For tests of activations and of what builds on them. */
import type { TestContext } from 'node:test';
import { anyPublicKey, type NodesWorld, openNodesWorld, type WorldOptions } from '../nodes/testing.ts';
import type { Call } from '../service/index.ts';
import { type ActivationsDeps, openActivations } from './index.ts';

/** A world with activations. */
export interface ActivationsWorld extends NodesWorld {
  activate(input?: object): Promise<{ ActivationId: string; ActivationCode: string }>;
  /** Registers a machine, as an agent does; answers the node's id. */
  register(
    activation: { ActivationId: string; ActivationCode: string },
    more?: { PublicKey?: string; Fingerprint?: string },
    call?: Partial<Call>,
  ): Promise<string>;
}

/** Opens activations with all that is to their left. */
export async function openActivationsWorld(
  context: TestContext,
  options: WorldOptions & NonNullable<ActivationsDeps['hooks']> = {},
): Promise<ActivationsWorld> {
  const world = await openNodesWorld(context, options);
  const { store, clock, nodes } = world;
  const activations = openActivations({
    store,
    clock,
    nodes,
    account: '000000000000',
    regions: ['us-east-1', 'eu-west-1'],
    ...(options.refusals && { hooks: { refusals: options.refusals } }),
  });
  world.serve(activations.operations);
  return {
    ...world,
    activate: (input = {}) => world.call('CreateActivation', { IamRole: 'service-role', ...input }),
    async register(activation, more = {}, call = {}) {
      const answer = await world.call(
        'RegisterManagedInstance',
        {
          ActivationId: activation.ActivationId,
          ActivationCode: activation.ActivationCode,
          Fingerprint: '26564a6d-cb1f-439f-a40f-eff26d43f3c3',
          PublicKey: anyPublicKey(),
          PublicKeyType: 'Rsa',
          ...more,
        },
        { principal: { kind: 'anonymous' }, ...call },
      );
      return answer.InstanceId;
    },
  };
}
