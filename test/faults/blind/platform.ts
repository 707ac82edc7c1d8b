/** Solutions 4 and 5: the document is for another platform, the node is in another region. */
import { edit } from '../node/agent.ts';
import type { Fault } from './fault.ts';
import { knocksOf, lively, sure, troubled, until } from './help.ts';

const windowsOnly = {
  schemaVersion: '2.2',
  description: 'Restarts a service of Windows',
  parameters: { name: { type: 'String', description: 'The service' } },
  mainSteps: [
    {
      action: 'aws:runPowerShellScript',
      name: 'restart',
      precondition: { StringEquals: ['platformType', 'Windows'] },
      inputs: { runCommand: ['Restart-Service {{ name }}'] },
    },
  ],
};

export const platform: readonly Fault[] = [
  {
    id: 's4-windows-document',
    story: 'An operator wants to pick a Linux node for AWS-InstallPowerShellModule.',
    asked: 'operator',
    expected: ['list-filtered-by-platform'],
    async inject(world) {
      const machine = await lively(world);
      return { subject: machine.nodeId, document: 'AWS-InstallPowerShellModule' };
    },
  },
  {
    id: 's4-cloudwatch-by-name',
    story: 'The same with AWS-ConfigureCloudWatch, the node by its computer name, with what the machine saw.',
    asked: 'both',
    expected: ['list-filtered-by-platform'],
    async inject(world) {
      const machine = await lively(world);
      return { subject: machine.name, document: 'AWS-ConfigureCloudWatch', evidence: await machine.look() };
    },
  },
  {
    id: 's4-own-document',
    story: 'A document of their own, whose only step is PowerShell on Windows.',
    asked: 'operator',
    expected: ['list-filtered-by-platform'],
    async inject(world) {
      const machine = await lively(world);
      const { DocumentDescription } = await world.server.admin().ask('ssm:CreateDocument', {
        Name: 'Restart-Windows-Service',
        DocumentType: 'Command',
        Content: JSON.stringify(windowsOnly),
      });
      const types = DocumentDescription.PlatformTypes as string[];
      sure('it is for Windows only', types.join() === 'Windows', types);
      return { subject: machine.nodeId, document: 'Restart-Windows-Service' };
    },
  },
  {
    id: 's4-misreported',
    story: 'The books have the Linux machine as Windows; so it is no candidate for AWS-RunShellScript.',
    asked: 'both',
    expected: ['platform-misreported'],
    async inject(world) {
      const machine = await lively(world);
      world.server.books((books) =>
        books
          .prepare("UPDATE nodes SET platform_type = 'Windows', platform_name = 'Windows' WHERE node_id = ?")
          .run(machine.nodeId),
      );
      const { InstanceInformationList: list } = await world.server
        .admin()
        .ask('ssm:DescribeInstanceInformation', {});
      sure('it is listed as Windows', list[0].PlatformType === 'Windows', list[0].PlatformType);
      return { subject: machine.nodeId, document: 'AWS-RunShellScript', evidence: await machine.look() };
    },
  },
  {
    id: 's4-fits',
    story: 'Nothing is wrong: a Linux node, asked for with AWS-RunShellScript.',
    asked: 'operator',
    expected: ['none'],
    async inject(world) {
      const machine = await lively(world);
      return { subject: machine.nodeId, document: 'AWS-RunShellScript' };
    },
  },
  {
    id: 's5-other-region',
    story: 'The node registered in eu-central-1; the operator looks in us-east-1, by its id.',
    asked: 'operator',
    expected: ['wrong-region'],
    async inject(world) {
      const machine = await world.machine();
      await machine.register({ region: 'eu-central-1' });
      await machine.start();
      return { subject: machine.nodeId, region: 'us-east-1' };
    },
  },
  {
    id: 's5-other-region-by-name',
    story: 'The same, by its name.',
    asked: 'operator',
    expected: ['wrong-region'],
    async inject(world) {
      const machine = await world.machine();
      await machine.register({ region: 'eu-central-1' });
      await machine.start();
      return { subject: machine.name, region: 'us-east-1' };
    },
  },
  {
    id: 's5-other-region-by-address',
    story: 'The same, by its address, with a document to pick it for.',
    asked: 'operator',
    expected: ['wrong-region'],
    async inject(world) {
      const machine = await world.machine();
      await machine.register({ region: 'eu-central-1' });
      await machine.start();
      return { subject: machine.address, region: 'us-east-1', document: 'AWS-RunShellScript' };
    },
  },
  {
    id: 's5-unserved-region',
    story: "Somebody edited the agent's region to one that the server doesn't serve.",
    asked: 'node',
    expected: ['wrong-region', 'region-not-enabled', 'partition-or-region-domain'],
    async inject(world) {
      const machine = await lively(world);
      await machine.stop();
      machine.run('rm', '-f', '/var/lib/rollcall-agent/credentials.json');
      edit(machine.root, 'identity.json', (identity) => {
        identity.region = 'ap-south-1';
      });
      await machine.start({ online: false });
      await troubled(machine);
      return { machine };
    },
  },
  {
    id: 's5-agent-in-other-region',
    story: "The agent's region was edited to another one of this server: it is refused there, and lost here.",
    asked: 'operator',
    expected: ['wrong-region', 'registered-elsewhere'],
    async inject(world) {
      const machine = await lively(world);
      await machine.stop();
      machine.run('rm', '-f', '/var/lib/rollcall-agent/credentials.json');
      edit(machine.root, 'identity.json', (identity) => {
        identity.region = 'eu-central-1';
      });
      await machine.start({ online: false });
      await troubled(machine);
      await until('the door has noted it', async () =>
        (await knocksOf(world)).some(({ Claim }) => Claim === machine.nodeId),
      );
      await world.server.pass(31_000);
      return { subject: machine.nodeId };
    },
  },
  {
    id: 's5-ambiguous',
    story: 'Two machines were given the same host name; the operator asks by it.',
    asked: 'operator',
    expected: ['name-ambiguous'],
    async inject(world) {
      const one = await world.machine();
      const two = await world.machine();
      for (const machine of [one, two]) {
        machine.run('hostname', 'web-07');
        await machine.register();
        await machine.start();
      }
      return { subject: 'web-07' };
    },
  },
];
