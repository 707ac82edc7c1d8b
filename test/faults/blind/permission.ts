/** Solution 2: the agent's role, the instance profile, and the rights of whoever asks. */
import { join } from 'node:path';
import { openReverse, type ReverseOptions } from '../middle/reverse.ts';
import { serverName } from '../node/machine.ts';
import type { World } from '../world.ts';
import type { Fault, Question } from './fault.ts';
import { lively, sleep, sure, until, user } from './help.ts';
import { installOfficial } from './official.ts';

const role = 'arn:aws:sts::000000000000:assumed-role/Nodes/mi-0123456789abcdef0';
const action = 'ssm:UpdateInstanceInformation';

/** What AWS says when it refuses, with the reason as its last words. */
function denial(why: string): string {
  const Message = `User: ${role} is not authorized to perform: ${action} on resource: arn:aws:ssm:us-east-1:000000000000:* ${why}`;
  return JSON.stringify({ __type: 'AccessDeniedException', Message });
}

/** An official agent whose reports are refused with these words, on the way that all its calls take. */
async function denied(world: World, why: string): Promise<Question> {
  const machine = await world.machine();
  const official = installOfficial(world, machine);
  await official.register();
  const shown = await (await world.authority()).issue({ names: [serverName] });
  const answers: ReverseOptions['answers'] = (request) =>
    String(request.headers['x-amz-target']).endsWith('.UpdateInstanceInformation')
      ? { status: 400, type: 'application/x-amz-json-1.1', body: denial(why) }
      : undefined;
  const gate = world.closes(
    await openReverse({
      shown,
      target: world.server.port,
      ca: world.server.ca(),
      source: machine.address,
      answers,
    }),
  );
  await machine.way.change({ kind: 'astray', port: gate.port });
  await official.start({ online: false });
  await until('it was refused', () => official.log().includes('AccessDenied'), 40_000);
  return { machine };
}

/** A machine of the EC2 kind: its hardware says so, and the metadata answer at their address. */
async function elastic(world: World, metadata: object): Promise<Question> {
  const machine = await world.machine();
  const script = [
    'mkdir -p /run/sys',
    'mount -t tmpfs sys /run/sys',
    'mkdir /run/sys/upper /run/sys/work',
    'mount -t overlay -o lowerdir=/sys,upperdir=/run/sys/upper,workdir=/run/sys/work sys /sys',
    'mkdir -p /sys/class/dmi/id',
    'echo "Amazon EC2" > /sys/class/dmi/id/sys_vendor',
    'echo "Amazon EC2" > /sys/class/dmi/id/bios_vendor',
    'echo t3.micro > /sys/class/dmi/id/product_name',
    'echo ec2a1b2c-3d4e-5f60-7182-93a4b5c6d7e8 > /sys/class/dmi/id/product_uuid',
    'ip addr add 169.254.169.254/32 dev lo',
  ].join('; ');
  machine.run('/bin/sh', '-ec', script);
  const program = join(import.meta.dirname, 'metadata-service.ts');
  const service = machine.spawn(process.execPath, [program, JSON.stringify(metadata)]);
  await until('the metadata answer', () => service.said().includes('listening'));
  const url = `https://${serverName}`;
  const official = installOfficial(world, machine, {
    settings: { Ssm: { Endpoint: url }, Mds: { Endpoint: url }, Mgs: { Endpoint: url, Region: 'us-east-1' } },
  });
  await official.start({ online: false });
  await sleep(12_000);
  sure('the agent is no node', !official.log().includes('mi-'), official.log().slice(-500));
  return { machine };
}

export const permission: readonly Fault[] = [
  {
    id: 's2-role-denied',
    story: "The node's role has a custom policy that forgot ssm:UpdateInstanceInformation.",
    asked: 'node',
    expected: ['role-denied'],
    official: true,
    inject: (world) => denied(world, 'because no identity-based policy allows the action'),
  },
  {
    id: 's2-organisation-denies',
    story: 'A service control policy of the organisation denies what the role allows.',
    asked: 'node',
    expected: ['scp-deny'],
    official: true,
    inject: (world) => denied(world, 'with an explicit deny in a service control policy'),
  },
  {
    id: 's2-endpoint-policy',
    story: 'The policy of the VPC endpoint lets only other actions through.',
    asked: 'node',
    expected: ['vpce-policy-denies'],
    official: true,
    inject: (world) => denied(world, `because no VPC endpoint policy allows the ${action} action`),
  },
  {
    id: 's2-boundary',
    story: "The role's permissions boundary doesn't contain the action.",
    asked: 'node',
    expected: ['permissions-boundary', 'scp-deny'],
    official: true,
    inject: (world) => denied(world, `because no permissions boundary allows the ${action} action`),
  },
  {
    id: 's2-ec2-no-profile',
    story: 'An EC2 machine was started without an instance profile.',
    asked: 'node',
    expected: ['no-instance-profile'],
    official: true,
    inject: (world) => elastic(world, { role: 'none' }),
  },
  {
    id: 's2-ec2-trust',
    story: "The profile's role doesn't trust ec2.amazonaws.com.",
    asked: 'node',
    expected: [/^(trust-policy-wrong|profile-without-role|role-deleted)$/],
    official: true,
    inject: (world) => elastic(world, { role: 'untrusted' }),
  },
  {
    id: 's2-ec2-metadata-off',
    story: 'The instance metadata were switched off (HttpEndpoint disabled).',
    asked: 'node',
    expected: ['imds-disabled', /^imds-/],
    official: true,
    inject: (world) => elastic(world, { role: 'none', disabled: true }),
  },
  {
    id: 's2-caller-cannot-list',
    story: 'A colleague with a narrow policy sees an empty list; the node itself is well.',
    asked: 'operator',
    expected: ['caller-not-authorised'],
    async inject(world) {
      const machine = await lively(world);
      const as = await user(world, 'yuki', [{ Effect: 'Allow', Action: 'rollcall:Why', Resource: '*' }]);
      const { status } = await world.server.as(as).call('ssm:DescribeInstanceInformation', {});
      sure('the list is refused', status === 400, status);
      return { subject: machine.nodeId, as };
    },
  },
  {
    id: 's2-caller-cannot-send',
    story: "A colleague may list nodes, but a policy denies ssm:SendCommand; so the node can't be picked.",
    asked: 'operator',
    expected: ['caller-not-authorised'],
    async inject(world) {
      const machine = await lively(world);
      const as = await user(world, 'kenji', [
        { Effect: 'Allow', Action: ['rollcall:*', 'ssm:*'], Resource: '*' },
        { Effect: 'Deny', Action: 'ssm:SendCommand', Resource: '*' },
      ]);
      const { status } = await world.server.as(as).call('ssm:SendCommand', {
        DocumentName: 'AWS-RunShellScript',
        InstanceIds: [machine.nodeId],
        Parameters: { commands: ['true'] },
      });
      sure('sending is refused', status === 400, status);
      return { subject: machine.nodeId, document: 'AWS-RunShellScript', as };
    },
  },
  {
    id: 's2-channel-denied',
    story:
      'The policy has the ssm actions, not those of ssmmessages: reports arrive, the channel is refused.',
    asked: 'node',
    expected: ['session-channel-missing', 'role-denied'],
    async inject(world) {
      const machine = await lively(world);
      const shown = await (await world.authority()).issue({ names: [serverName] });
      const gate = world.closes(
        await openReverse({
          shown,
          target: world.server.port,
          ca: world.server.ca(),
          source: machine.address,
          answers: (request) =>
            request.url?.startsWith('/v1/control-channel')
              ? {
                  status: 403,
                  type: 'application/xml',
                  body: `<AccessDeniedException><Message>User: ${role} is not authorized to perform: ssmmessages:CreateControlChannel</Message></AccessDeniedException>`,
                }
              : undefined,
        }),
      );
      await machine.way.change({ kind: 'astray', port: gate.port });
      await sleep(6_000);
      const { Status } = await world.server
        .admin()
        .ask('ssm:GetConnectionStatus', { Target: machine.nodeId });
      sure('there is no channel', Status === 'notconnected', Status);
      return { machine };
    },
  },
];
