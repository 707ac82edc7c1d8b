/** The operations that change documents, ready to be done once. */
import { type Drive, type Promised, uniqueName } from './drive.ts';
import type { World } from './world.ts';

/** A document whose only step says `text`. */
export function documentOf(text: string, steps: readonly string[] = ['only']): string {
  return JSON.stringify({
    schemaVersion: '2.2',
    description: text,
    mainSteps: steps.map((name) => ({
      action: 'aws:runShellScript',
      name,
      inputs: { runCommand: [`echo ${text}`] },
    })),
  });
}

async function make(world: World, more: object = {}): Promise<string> {
  const Name = uniqueName('document');
  await world.admin.ask('ssm:CreateDocument', {
    Name,
    Content: documentOf('first'),
    DocumentType: 'Command',
    Tags: [{ Key: 'from', Value: 'the beginning' }],
    ...more,
  });
  world.promise({ operation: 'ssm:CreateDocument', resource: Name });
  return Name;
}

/** One with two versions, of which the first is the default. */
async function makeTwo(world: World): Promise<string> {
  const Name = await make(world);
  await world.admin.ask('ssm:UpdateDocument', { Name, Content: documentOf('second'), DocumentVersion: '1' });
  world.promise({ operation: 'ssm:UpdateDocument', resource: Name });
  return Name;
}

/** A call about a document, whose answer promises an audit row. */
function call(world: World, operation: string, Name: string, input: object, detail?: string): Drive {
  return {
    token: Name,
    async act(): Promise<Promised> {
      await world.admin.ask(operation, { Name, ...input });
      return { operation, resource: Name, ...(detail === undefined ? {} : { detail }) };
    },
  };
}

/** What the server calls them, by name. */
export const documentDrives: Readonly<Record<string, (world: World) => Promise<Drive>>> = {
  'ssm:CreateDocument': async (world) =>
    call(world, 'ssm:CreateDocument', uniqueName('document'), {
      Content: documentOf('first'),
      DocumentType: 'Command',
      Tags: [{ Key: 'from', Value: 'the beginning' }],
    }),
  'ssm:UpdateDocument': async (world) =>
    call(
      world,
      'ssm:UpdateDocument',
      await make(world),
      { Content: documentOf('second'), DocumentVersion: '$LATEST', VersionName: 'second' },
      '"version":2',
    ),
  'ssm:UpdateDocumentDefaultVersion': async (world) =>
    call(
      world,
      'ssm:UpdateDocumentDefaultVersion',
      await makeTwo(world),
      { DocumentVersion: '2' },
      '"version":2',
    ),
  'ssm:DeleteDocument': async (world) => call(world, 'ssm:DeleteDocument', await makeTwo(world), {}),
  'ssm:DeleteDocument one version': async (world) =>
    call(world, 'ssm:DeleteDocument', await makeTwo(world), { DocumentVersion: '2' }, '"version":"2"'),
  'ssm:ModifyDocumentPermission': async (world) =>
    call(
      world,
      'ssm:ModifyDocumentPermission',
      await make(world),
      { PermissionType: 'Share', AccountIdsToAdd: ['111111111111', '222222222222'] },
      '222222222222',
    ),
  'ssm:AddTagsToResource of a document': async (world) => {
    const ResourceId = await make(world);
    const Tags = [
      { Key: 'one', Value: uniqueName('v') },
      { Key: 'two', Value: uniqueName('v') },
    ];
    return {
      token: Tags[1]!.Value,
      async act() {
        await world.admin.ask('ssm:AddTagsToResource', { ResourceType: 'Document', ResourceId, Tags });
        return { operation: 'ssm:AddTagsToResource', resource: ResourceId, detail: Tags[1]!.Value };
      },
    };
  },
};
