/** What the service answers: activations, rights, throttling. */
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openApiClient } from '../../harness/api-client.ts';
import { openPart } from '../case.ts';
import { edit } from '../node/agent.ts';
import type { Node } from '../node/node.ts';
import type { Stage } from '../stage.ts';
import { restartInto } from './common.ts';

const { cases, fault, decoy } = openPart('authorization');

/** A machine of the roster that tries to register; nobody is at its address but itself. */
async function trying(stage: Stage): Promise<Node> {
  const world = await stage.world();
  const node = await world.node();
  await world.roster([{ key: 'web-7', name: 'web-7', address: node.address }]);
  // It has been in the roster for a while: what is new is on its way.
  world.server.books((books) =>
    books.prepare('UPDATE machines SET first_seen_at = first_seen_at - 86400000').run(),
  );
  return node;
}

async function activation(
  stage: Stage,
  input: object = {},
): Promise<{ ActivationId: string; ActivationCode: string }> {
  const { server } = await stage.world();
  return server.admin().ask('ssm:CreateActivation', { IamRole: 'Nodes', ...input });
}

/** It tries, and is refused. */
async function fails(node: Node, options: Parameters<Node['register']>[0]): Promise<void> {
  await node.register(options).then(
    () => {
      throw new Error('it registered');
    },
    () => {},
  );
}

fault(
  {
    id: 'activation-expired',
    cause: 'activation-expired',
    gate: 'authorization',
    operator: 'sure',
    fix: 'rollcall activation',
  },
  async (stage) => {
    const { server } = await stage.world();
    const node = await trying(stage);
    const made = await activation(stage);
    server.books((books) => books.prepare('UPDATE activations SET expires_at = ?').run(Date.now() - 60_000));
    await fails(node, { activation: made });
    await (await stage.world()).refused(
      { nodeId: made.ActivationId, address: node.address },
      'activation-expired',
    );
    await stage.judge(undefined, { subject: 'web-7', stays: true });
    await server.admin().ask('rollcall:RenewActivation', { ActivationId: made.ActivationId });
    await node.register({ activation: made });
    await node.start();
    await stage.mended(node);
  },
);

fault(
  {
    id: 'activation-limit-reached',
    cause: 'activation-limit-reached',
    gate: 'authorization',
    operator: 'sure',
    fix: 'rollcall activation',
  },
  async (stage) => {
    const world = await stage.world();
    const node = await trying(stage);
    const made = await activation(stage, { RegistrationLimit: 1 });
    const first = await world.node();
    await first.register({ activation: made });
    await fails(node, { activation: made });
    await world.refused({ nodeId: made.ActivationId, address: node.address }, 'activation-limit-reached');
    await stage.judge(undefined, { subject: 'web-7', stays: true });
  },
);

for (const [id, change] of [
  ['activation-code-mistyped', { ActivationCode: 'ABCDEFGHJKLMNPQRSTUVWXYZ' }],
  ['activation-unknown', { ActivationId: '00000000-1111-2222-3333-444444444444' }],
] as const)
  fault(
    {
      id,
      cause: 'activation-invalid',
      gate: 'authorization',
      operator: 'likely',
    },
    async (stage) => {
      const world = await stage.world();
      const node = await trying(stage);
      const made = await activation(stage);
      await fails(node, { activation: { ...made, ...change } });
      await world.refused(
        { nodeId: made.ActivationId, address: node.address },
        'activation-invalid',
        'activation-unknown',
      );
      await stage.judge(undefined, { subject: 'web-7', stays: true });
    },
  );

fault(
  {
    id: 'activation-of-another-region',
    cause: 'activation-invalid',
    gate: 'authorization',
    operator: 'sure',
  },
  async (stage) => {
    const world = await stage.world();
    const node = await trying(stage);
    const made = await world.server
      .admin('eu-central-1')
      .ask('ssm:CreateActivation', { IamRole: 'Nodes', RegistrationLimit: 10 });
    await fails(node, { activation: made, region: 'us-east-1' });
    await world.refused({ nodeId: made.ActivationId, address: node.address }, 'activation-invalid');
    await stage.judge(undefined, { subject: 'web-7', stays: true });
  },
);

fault(
  {
    id: 'registration-key-conflict',
    cause: 'registration-key-conflict',
    gate: 'authorization',
    operator: 'sure',
  },
  async (stage) => {
    const world = await stage.world();
    const node = await trying(stage);
    const made = await activation(stage, { RegistrationLimit: 10 });
    const first = await world.node();
    await first.register({ activation: made });
    // The key was copied, and the fingerprint isn't the one that it was registered with.
    // A first attempt that gets nowhere leaves the folder behind.
    await fails(node, { activation: made, ca: (await world.company()).cert });
    copyFileSync(join(first.root, 'identity.json'), join(node.root, 'identity.json'));
    edit(node.root, 'identity.json', (identity) => {
      identity.serverUrl = node.serverUrl;
      identity.fingerprint = 'a-copy';
      delete identity.nodeId;
      delete identity.registeredAt;
    });
    await fails(node, { activation: made });
    await world.refused({ nodeId: made.ActivationId, address: node.address }, 'registration-key-conflict');
    await stage.judge(undefined, { subject: 'web-7', stays: true });
  },
);

decoy(
  {
    id: 'stopped-machine-with-an-old-refusal',
    cause: 'machine-stopped',
    decoyOf: ['activation-expired'],
    operator: 'proven',
  },
  async (stage) => {
    const world = await stage.world();
    const node = await trying(stage);
    const made = await activation(stage);
    world.server.books((books) =>
      books.prepare('UPDATE activations SET expires_at = ?').run(Date.now() - 60_000),
    );
    await fails(node, { activation: made });
    await world.refused({ nodeId: made.ActivationId, address: node.address }, 'activation-expired');
    await world.roster([{ key: 'web-7', name: 'web-7', address: node.address, power: 'poweredOff' }]);
    await stage.judge(undefined, { subject: 'web-7', stays: true });
  },
);

decoy(
  {
    id: 'activation-expired-after-registration',
    decoyOf: ['activation-expired'],
    node: 'well',
    operator: 'well',
    both: 'well',
  },
  async (stage) => {
    const { server } = await stage.world();
    const made = await activation(stage);
    const node = await stage.node({}, { activation: made });
    server.books((books) => books.prepare('UPDATE activations SET expires_at = ?').run(Date.now() - 60_000));
    await node.stop();
    await node.start();
    await stage.judge(node, { stays: true });
  },
);

decoy(
  {
    id: 'refused-first-registered-later',
    decoyOf: ['activation-invalid'],
    node: 'well',
    operator: 'well',
    both: 'well',
  },
  async (stage) => {
    const world = await stage.world();
    const node = await trying(stage);
    const made = await activation(stage);
    await fails(node, { activation: { ...made, ActivationCode: 'ABCDEFGHJKLMNPQRSTUVWXYZ' } });
    await world.refused({ nodeId: made.ActivationId, address: node.address }, 'activation-invalid');
    await node.register({ activation: made });
    await node.start();
    world.age(node.nodeId);
    await stage.judge(node, { stays: true });
  },
);

decoy(
  {
    id: 'refusals-of-somebody-behind-the-same-address',
    decoyOf: ['activation-expired', 'activation-invalid'],
    cause: 'agent-stopped',
    node: 'proven',
    operator: 'blind',
    both: 'proven',
  },
  async (stage) => {
    const world = await stage.world();
    const site = '10.50.5.1';
    const node = await stage.node({ address: site });
    await world.neighbours(3, site);
    const stranger = await world.node({ address: site });
    const made = await activation(stage);
    await node.stop();
    await fails(stranger, { activation: { ...made, ActivationCode: 'ABCDEFGHJKLMNPQRSTUVWXYZ' } });
    await world.refused({ nodeId: made.ActivationId, address: site }, 'activation-invalid');
    await stage.judge(node);
  },
);

fault(
  {
    id: 'region-not-served',
    cause: 'region-not-served',
    gate: 'scope',
    solution: 5,
    operator: 'sure',
    both: 'sure',
  },
  async (stage) => {
    const world = await stage.world();
    const node = await stage.node();
    await restartInto(node, () => {
      edit(node.root, 'identity.json', (identity) => {
        identity.region = 'ap-northeast-1';
      });
      writeFileSync(join(node.root, 'credentials.json'), '{}');
    });
    await world.refused(node, 'wrong-region');
    await stage.judge(node);
  },
);

fault(
  {
    id: 'foreign-credentials',
    cause: 'foreign-credentials',
    gate: 'authorization',
    solution: 2,
    operator: 'likely',
    fix: 'explained',
  },
  async (stage) => {
    const world = await stage.world();
    const node = await trying(stage);
    // On EC2 the official agent signs with the instance profile of the real account.
    const call = openApiClient({
      url: node.serverUrl,
      ca: world.server.ca(),
      region: world.server.region,
      credentials: {
        accessKeyId: 'ASIAQWERTYUIOPASDFGH',
        secretAccessKey: 'x'.repeat(40),
        sessionToken: 'FwoGZXIvYXdzE',
      },
    });
    await call.call('ssm:UpdateInstanceInformation', { InstanceId: 'i-0123456789abcdef0' });
    call.close();
    await world.refused(
      { nodeId: 'ASIAQWERTYUIOPASDFGH', address: node.address },
      'foreign-access-key',
      'foreign-session-token',
      'unknown-access-key',
    );
    await stage.judge(undefined, { subject: 'web-7', stays: true });
  },
);

export const authorization = cases;
