/** What documents do wherever the SQL may differ: tried on both engines. */
import assert from 'node:assert/strict';
import { documentHash } from '@rollcall/documents';
import { refusalOf, region } from '../nodes/testing.ts';
import { type DocumentsWorld, shellDocument } from './testing.ts';

/** A document's whole life: versions, names for them, the default one, and its end. */
export async function checkLife({ call, create, store, documents }: DocumentsWorld): Promise<void> {
  const made = await create('Life', { VersionName: 'first', Tags: [{ Key: 'team', Value: 'web' }] });
  assert.equal(made.DocumentDescription.Hash, documentHash(shellDocument()));
  const update = (line: string, more: object = {}) =>
    call('UpdateDocument', { Name: 'Life', Content: shellDocument(line), ...more });
  const second = await update('second', { VersionName: 'second', DocumentVersion: '1' });
  assert.equal(second.DocumentDescription.DocumentVersion, '2');
  assert.equal(second.DocumentDescription.LatestVersion, '2');
  assert.equal(second.DocumentDescription.DefaultVersion, '1');
  assert.equal((await refusalOf(update('second'))).code, 'DuplicateDocumentContent');
  assert.equal((await refusalOf(update('x', { VersionName: 'first' }))).code, 'DuplicateDocumentVersionName');
  assert.equal((await refusalOf(update('x', { DocumentVersion: '1' }))).code, 'InvalidDocumentVersion');
  assert.equal(
    (await refusalOf(update('x', { DocumentVersion: '$DEFAULT' }))).code,
    'InvalidDocumentVersion',
  );
  await update('third', { DocumentVersion: '$LATEST' });

  const version = async (more: object) =>
    (await call('DescribeDocument', { Name: 'Life', ...more })).Document.DocumentVersion;
  assert.equal(await version({}), '1');
  assert.equal(await version({ DocumentVersion: '$LATEST' }), '3');
  assert.equal(await version({ VersionName: 'second' }), '2');
  assert.equal(await version({ DocumentVersion: '2', VersionName: 'second' }), '2');
  const mixed = version({ DocumentVersion: '1', VersionName: 'second' });
  assert.equal((await refusalOf(mixed)).code, 'InvalidDocumentVersion');

  const moved = await call('UpdateDocumentDefaultVersion', { Name: 'Life', DocumentVersion: '2' });
  assert.deepEqual(moved.Description, { Name: 'Life', DefaultVersion: '2', DefaultVersionName: 'second' });
  const lines = async () => {
    const { DocumentVersions } = await call('ListDocumentVersions', { Name: 'Life' });
    return DocumentVersions.map((one: { DocumentVersion: string; IsDefaultVersion: boolean }) =>
      one.IsDefaultVersion ? `${one.DocumentVersion} default` : one.DocumentVersion,
    );
  };
  assert.deepEqual(await lines(), ['1', '2 default', '3']);

  const remove = (more: object) => call('DeleteDocument', { Name: 'Life', ...more });
  const kept = await refusalOf(remove({ DocumentVersion: '2' }));
  assert.equal(kept.code, 'InvalidDocumentOperation');
  assert.match(kept.message, /Version 2 is the default version of Life/);
  await remove({ DocumentVersion: '3' });
  assert.equal((await refusalOf(remove({ DocumentVersion: '3' }))).code, 'InvalidDocumentVersion');
  // The number of a version that is gone isn't given to another: who asked for it would get something else.
  assert.equal((await update('third')).DocumentDescription.DocumentVersion, '4');
  assert.deepEqual(await lines(), ['1', '2 default', '4']);
  const found = await store.read((tx) => documents.find(tx, region, 'Life', '$LATEST'));
  assert.deepEqual(found.document.steps[0]?.inputs, [{ runCommand: ['third'] }]);

  await remove({});
  assert.equal((await refusalOf(version({}))).code, 'InvalidDocument');
  await create('Life');
  const tags = await call('ListTagsForResource', { ResourceType: 'Document', ResourceId: 'Life' });
  assert.deepEqual(tags.TagList, [], 'tags of the one before');
}

/** Lists, by every filter, a page at a time. */
export async function checkLists({ call, create }: DocumentsWorld): Promise<void> {
  const psModule = { action: 'aws:psModule', name: 'one', inputs: {} };
  await create('List-b', { DisplayName: 'Deploy 100% of it' });
  await create('List-a', { TargetType: '/AWS::EC2::Instance', Tags: [{ Key: 'stage', Value: 'prod' }] });
  await create('List_c', { Content: shellDocument('', { mainSteps: [psModule] }) });
  await call('ModifyDocumentPermission', {
    Name: 'List-b',
    PermissionType: 'Share',
    AccountIdsToAdd: ['all'],
  });
  const names = async (input: object) => {
    const found: string[] = [];
    let NextToken: string | undefined;
    do {
      const page = await call('ListDocuments', { ...input, MaxResults: 2, ...(NextToken && { NextToken }) });
      assert.ok(page.DocumentIdentifiers.length <= 2);
      found.push(...page.DocumentIdentifiers.map((one: { Name: string }) => one.Name));
      NextToken = page.NextToken;
    } while (NextToken);
    return found;
  };
  const ours = ['List-a', 'List-b', 'List_c'];
  const amazons = [
    'AWS-ConfigureCloudWatch',
    'AWS-InstallPowerShellModule',
    'AWS-RunPowerShellScript',
    'AWS-RunRemoteScript',
    'AWS-RunShellScript',
  ];
  const filter = (Key: string, ...Values: string[]) => ({ Filters: [{ Key, Values }] });
  for (const [input, wanted] of [
    [{}, [...amazons, ...ours]],
    [filter('Owner', 'Self'), ours],
    [filter('Owner', 'Private'), ours],
    [filter('Owner', 'Amazon'), amazons],
    [filter('Owner', 'Public'), [...amazons, 'List-b']],
    [filter('Owner', 'ThirdParty'), []],
    [filter('Owner', 'All'), [...amazons, ...ours]],
    [filter('Name', 'List-', 'AWS-RunShell'), ['AWS-RunShellScript', 'List-a', 'List-b']],
    [filter('Name', 'list-'), []],
    [filter('PlatformTypes', 'MacOS'), ['AWS-RunPowerShellScript', 'AWS-RunShellScript', 'List-a', 'List-b']],
    [filter('PlatformTypes', '%'), []],
    [filter('DocumentType', 'Command', 'Session'), [...amazons, ...ours]],
    [filter('DocumentType', 'Automation'), []],
    [filter('TargetType', '/AWS::EC2::Instance'), ['List-a']],
    [filter('tag:stage', 'prod', 'test'), ['List-a']],
    [filter('tag:stage', 'test'), []],
    [filter('SearchKeyword', 'runshell'), ['AWS-RunShellScript']],
    [filter('SearchKeyword', '100%'), ['List-b']],
    [filter('SearchKeyword', 't_C'), ['List_c']],
    [
      {
        DocumentFilterList: [
          { key: 'Owner', value: 'Self' },
          { key: 'Name', value: 'List-' },
        ],
      },
      ['List-a', 'List-b'],
    ],
  ] as const) {
    assert.deepEqual(await names(input), wanted, JSON.stringify(input));
  }
  for (const [input, code] of [
    [filter('Colour', 'red'), 'InvalidFilterKey'],
    [filter('tag:', 'x'), 'InvalidFilterKey'],
    [{ DocumentFilterList: [{ key: 'tag:stage', value: 'prod' }] }, 'InvalidFilterKey'],
    [filter('Owner', 'Nobody'), 'ValidationException'],
    [
      { ...filter('Owner', 'Self'), DocumentFilterList: [{ key: 'Owner', value: 'Self' }] },
      'ValidationException',
    ],
  ] as const) {
    assert.equal((await refusalOf(call('ListDocuments', input))).code, code, JSON.stringify(input));
  }
}

/** Many change one document at once: every version has its own number, and nothing is lost. */
export async function checkChangesAtOnce({ call, create }: DocumentsWorld): Promise<void> {
  const created = await Promise.allSettled(Array.from({ length: 5 }, () => create('Busy')));
  const losers = created.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
  assert.deepEqual(losers, Array(4).fill('DocumentAlreadyExists'));
  const updates = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      call('UpdateDocument', { Name: 'Busy', Content: shellDocument(`echo ${index}`) }),
    ),
  );
  const numbers = updates.map((one) => Number(one.DocumentDescription.DocumentVersion));
  assert.deepEqual(
    numbers.toSorted((one, other) => one - other),
    Array.from({ length: 20 }, (_, index) => index + 2),
  );
  const [moved, removed] = await Promise.allSettled([
    call('UpdateDocumentDefaultVersion', { Name: 'Busy', DocumentVersion: '21' }),
    call('DeleteDocument', { Name: 'Busy', DocumentVersion: '21' }),
  ]);
  // Whoever was first, the default version is one that is there.
  assert.notEqual(moved.status, removed.status);
  await call('DescribeDocument', { Name: 'Busy' });
}
