/** For tests of nodes and of what builds on them: everything a node needs, and calls as the door makes them. */
import assert from 'node:assert/strict';
import { createPublicKey, randomBytes, randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import { type Events, openEvents } from '../events/index.ts';
import type { Presence } from '../presence/index.ts';
import { type Ground, openGround, openTestPresence, region } from '../presence/testing.ts';
import { type AnyOperation, type Call, type Principal, Refusal } from '../service/index.ts';
import { openTags, type Tags } from '../tags/index.ts';
import { type NodeHooks, type Nodes, type NodesDeps, openNodes } from './index.ts';
import { nodeArn } from './node.ts';

export { region };
export const account = '000000000000';

/** What a test holds. */
export interface NodesWorld extends Ground {
  readonly presence: Presence;
  readonly tags: Tags;
  readonly nodes: Nodes;
  readonly events: Events;
  /** Calls an operation as the administrator, or as somebody else. */
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it gets.
  call(name: string, input?: object, more?: Partial<Call>): Promise<any>;
  /** More operations to call. */
  serve(operations: readonly AnyOperation[]): void;
  /** Registers a node without an activation; answers its id. */
  join(more?: { name?: string; tags?: { Key: string; Value: string }[] }): Promise<string>;
  /** Sends a full heartbeat. */
  beat(nodeId: string, facts?: object, address?: string): Promise<void>;
}

/** The principal that a node is. */
export function nodePrincipal(nodeId: string, by: 'node-key' | 'credentials' = 'credentials'): Principal {
  return { kind: 'node', arn: `arn:aws:sts::${account}:assumed-role/role/${nodeId}`, nodeId, region, by };
}

const administrator: Principal = {
  kind: 'user',
  arn: `arn:aws:iam::${account}:user/admin`,
  name: 'admin',
  accessKeyId: 'AKIATEST',
};

/** A public key as agents send it. Nobody has the private one: making pairs is slow, and no test signs. */
export function newPublicKey(): string {
  const modulus = randomBytes(256);
  modulus[0] = 0xff;
  modulus[255] = 0xff;
  const key = { kty: 'RSA', n: modulus.toString('base64url'), e: 'AQAB' };
  return createPublicKey({ key, format: 'jwk' }).export({ format: 'der', type: 'spki' }).toString('base64');
}

const sharedKey = newPublicKey();

/** One that all who don't care share. */
export function anyPublicKey(): string {
  return sharedKey;
}

/** What tests may pass in themselves. */
export type WorldOptions = Partial<Pick<NodesDeps, 'trustOf' | 'keyGrace'>> & {
  hooks?: NodeHooks;
  ground?: Ground;
};

/** Opens nodes with all that is to their left. */
export async function openNodesWorld(context: TestContext, options: WorldOptions = {}): Promise<NodesWorld> {
  const ground = options.ground ?? (await openGround(context));
  const { store, clock } = ground;
  const presence = await openTestPresence(ground);
  const tags = openTags({ store, clock });
  const events = openEvents({ store, clock });
  const nodes = openNodes({
    store,
    clock,
    account,
    presence,
    tags,
    events,
    mintNodeCredentials: (grant) => ({
      accessKeyId: 'ASIATEST',
      secretAccessKey: 'secret',
      sessionToken: JSON.stringify(grant),
      expiresAt: clock.now() + 3_600_000,
    }),
    ...(options.keyGrace && { keyGrace: options.keyGrace }),
    ...(options.trustOf && { trustOf: options.trustOf }),
    ...(options.hooks && { hooks: options.hooks }),
  });
  const table = new Map<string, AnyOperation>();
  const serve = (operations: readonly AnyOperation[]) => {
    for (const one of operations) table.set(one.name, one);
  };
  serve([...presence.operations, ...tags.operations, ...nodes.operations, ...events.operations]);

  async function call(name: string, input: object = {}, more: Partial<Call> = {}) {
    const operation = table.get(name);
    assert(operation, `nobody serves ${name}`);
    return operation.handle(
      {
        id: randomUUID(),
        at: clock.now(),
        region,
        account,
        principal: administrator,
        source: { address: '192.0.2.1', port: 1, userAgent: 'test' },
        operation: `${operation.service}:${name}`,
        headers: {},
        ...more,
      },
      input,
    );
  }
  return {
    ...ground,
    presence,
    tags,
    nodes,
    events,
    call,
    serve,
    join: (more = {}) =>
      store.write((tx) =>
        nodes.register(tx, {
          region,
          activationId: '11111111-2222-3333-4444-555555555555',
          iamRole: 'service-role',
          name: more.name ?? null,
          publicKey: anyPublicKey(),
          publicKeyType: 'Rsa',
          fingerprint: 'fingerprint',
          tags: more.tags ?? [],
          at: clock.now(),
        }),
      ),
    async beat(nodeId, facts = {}, address = '192.0.2.10') {
      await call(
        'UpdateInstanceInformation',
        {
          InstanceId: nodeId,
          AgentName: 'amazon-ssm-agent',
          AgentStatus: 'Active',
          AgentVersion: '3.3.0.0',
          AvailabilityZone: '',
          AvailabilityZoneId: '',
          ComputerName: 'vm',
          IPAddress: '192.0.2.2',
          PlatformName: 'Debian GNU/Linux',
          PlatformType: 'Linux',
          PlatformVersion: '12',
          SSMConnectionChannel: '',
          ...facts,
        },
        { principal: nodePrincipal(nodeId), source: { address, port: 1, userAgent: 'agent' } },
      );
    },
  };
}

/** The code of the refusal that a call ends with. */
export async function refusalOf(call: Promise<unknown>): Promise<Refusal> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new assert.AssertionError({ message: 'the call was not refused' });
}

/** The ARN of a node, as the audit trail has it. */
export function arnOf(nodeId: string): string {
  return nodeArn(region, account, nodeId);
}
