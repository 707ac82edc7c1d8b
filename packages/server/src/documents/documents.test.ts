/** Documents as their callers see them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { account, nodePrincipal, refusalOf, region } from '../nodes/testing.ts';
import { checkChangesAtOnce, checkLife, checkLists } from './documents.case.ts';
import { documentArn } from './index.ts';
import { openDocumentsWorld, shellDocument } from './testing.ts';

test('the life of a document', async (context) => checkLife(await openDocumentsWorld(context)));
test('lists and filters', async (context) => checkLists(await openDocumentsWorld(context)));
test('changes at once', async (context) => checkChangesAtOnce(await openDocumentsWorld(context)));

test('a document is described with all that is known of it', async (context) => {
  const { call, clock } = await openDocumentsWorld(context);
  const { DocumentDescription } = await call('CreateDocument', {
    Name: 'Say-Hello',
    DisplayName: 'Says hello',
    VersionName: 'v1',
    TargetType: '/AWS::EC2::Instance',
    Tags: [{ Key: 'team', Value: 'web' }],
    DocumentType: 'Command',
    Content: shellDocument('echo {{ text }}', {
      description: 'Says hello.',
      parameters: {
        text: { type: 'String', description: 'What to say.', default: 'hello' },
        list: { type: 'StringList', default: ['a'] },
        map: { type: 'StringMap' },
      },
    }),
  });
  assert.match(DocumentDescription.Hash, /^[0-9a-f]{64}$/);
  assert.deepEqual(DocumentDescription, {
    Name: 'Say-Hello',
    DisplayName: 'Says hello',
    VersionName: 'v1',
    DocumentVersion: '1',
    CreatedDate: new Date(clock.now()),
    DocumentFormat: 'JSON',
    Hash: DocumentDescription.Hash,
    HashType: 'Sha256',
    Owner: account,
    Author: `arn:aws:iam::${account}:user/admin`,
    Status: 'Active',
    Description: 'Says hello.',
    Parameters: [
      { Name: 'text', Type: 'String', Description: 'What to say.', DefaultValue: 'hello' },
      { Name: 'list', Type: 'StringList', DefaultValue: '["a"]' },
      { Name: 'map', Type: 'StringMap' },
    ],
    PlatformTypes: ['Linux', 'MacOS'],
    DocumentType: 'Command',
    SchemaVersion: '2.2',
    LatestVersion: '1',
    DefaultVersion: '1',
    TargetType: '/AWS::EC2::Instance',
    Tags: [{ Key: 'team', Value: 'web' }],
  });
  const arn = `arn:aws:ssm:${region}:${account}:document/Say-Hello`;
  assert.deepEqual((await call('DescribeDocument', { Name: arn })).Document, DocumentDescription);
});

test('the built-in documents are there, Amazon’s, and nobody changes them', async (context) => {
  const { call } = await openDocumentsWorld(context);
  const Name = 'AWS-RunShellScript';
  const { Document } = await call('DescribeDocument', { Name });
  assert.equal(Document.Owner, 'Amazon');
  assert.equal(Document.SchemaVersion, '1.2');
  assert.deepEqual(
    Document.Parameters.map((one: { Name: string; DefaultValue?: string }) => [one.Name, one.DefaultValue]),
    [
      ['commands', undefined],
      ['workingDirectory', ''],
      ['executionTimeout', '3600'],
    ],
  );
  const byArn = await call('GetDocument', { Name: `arn:aws:ssm:${region}::document/${Name}` });
  assert.equal(JSON.parse(byArn.Content).schemaVersion, '1.2');
  const { DocumentVersions } = await call('ListDocumentVersions', { Name });
  assert.equal(DocumentVersions.length, 1);
  for (const [operation, input] of [
    ['UpdateDocument', { Name, Content: shellDocument() }],
    ['UpdateDocumentDefaultVersion', { Name, DocumentVersion: '1' }],
    ['DeleteDocument', { Name }],
    ['ModifyDocumentPermission', { Name, PermissionType: 'Share', AccountIdsToAdd: ['all'] }],
  ] as const) {
    const refusal = await refusalOf(call(operation, input));
    assert.equal(refusal.code, 'InvalidDocumentOperation', operation);
    assert.match(refusal.message, /AWS-RunShellScript belongs to every installation/);
  }
  const tagging = call('AddTagsToResource', {
    ResourceType: 'Document',
    ResourceId: Name,
    Tags: [{ Key: 'a', Value: 'b' }],
  });
  assert.equal((await refusalOf(tagging)).code, 'InvalidResourceId');
  for (const DocumentVersion of ['2', '1000000000']) {
    const later = call('GetDocument', { Name, DocumentVersion });
    assert.equal((await refusalOf(later)).code, 'InvalidDocumentVersion');
  }
});

for (const [what, more, code, message] of [
  ['a reserved name', { Name: 'AWS-Mine' }, 'ValidationException', /names that begin with AWS are reserved/],
  ['a reserved name, in small letters', { Name: 'amzn-mine' }, 'ValidationException', /begin with amzn/],
  [
    'content that is not JSON',
    { Content: '{' },
    'InvalidDocumentContent',
    /well-formed JSON: see line 1, column 2/,
  ],
  [
    'an unknown action',
    { Content: shellDocument().replace('aws:runShellScript', 'aws:rm') },
    'InvalidDocumentContent',
    /^mainSteps\[0\]\.action: It must be an action/,
  ],
  [
    'another schema',
    { Content: shellDocument('', { schemaVersion: '0.3' }) },
    'InvalidDocumentSchemaVersion',
    /"1\.2", "2\.0" or "2\.2"/,
  ],
  [
    'more than 64 KB',
    { Content: shellDocument('x'.repeat(65_536)) },
    'MaxDocumentSizeExceeded',
    /this one has 656\d\d/,
  ],
  [
    'another type',
    { DocumentType: 'Automation' },
    'InvalidDocumentType',
    /of the type Command; not Automation/,
  ],
  ['TEXT', { DocumentFormat: 'TEXT' }, 'InvalidDocumentContent', /JSON or YAML/],
  [
    'attachments',
    { Attachments: [{ Key: 'SourceUrl', Values: ['s3://x'] }] },
    'InvalidDocumentContent',
    /Attachments/,
  ],
  ['a name that is taken', { Name: 'Taken' }, 'DocumentAlreadyExists', /Taken already exists/],
] as const) {
  test(`${what}: refused with ${code}, and nothing is made`, async (context) => {
    const { call, create } = await openDocumentsWorld(context);
    await create('Taken');
    const refusal = await refusalOf(
      call('CreateDocument', { Name: 'Mine', Content: shellDocument(), ...more }),
    );
    assert.equal(refusal.code, code);
    assert.match(refusal.message, message);
    const { DocumentIdentifiers } = await call('ListDocuments', {
      Filters: [{ Key: 'Owner', Values: ['Self'] }],
    });
    assert.deepEqual(
      DocumentIdentifiers.map((one: { Name: string }) => one.Name),
      ['Taken'],
    );
  });
}

test('content comes back as it was sent, or in the other format', async (context) => {
  const { call, create } = await openDocumentsWorld(context);
  const yaml = `# Kept as it is.
schemaVersion: '2.2'
mainSteps:
- {action: aws:runShellScript, name: one, inputs: {runCommand: ["true"]}}
`;
  await create('In-Yaml', { Content: yaml, DocumentFormat: 'YAML' });
  await create('In-Json', { Content: shellDocument() });
  const get = (Name: string, DocumentFormat?: string) =>
    call('GetDocument', { Name, ...(DocumentFormat && { DocumentFormat }) });
  assert.equal((await get('In-Yaml', 'YAML')).Content, yaml);
  assert.equal((await get('In-Yaml', 'TEXT')).Content, yaml);
  assert.equal((await get('In-Json')).Content, shellDocument());
  // As at AWS: JSON unless another one is asked for.
  const converted = await get('In-Yaml');
  assert.equal(converted.DocumentFormat, 'JSON');
  assert.deepEqual(JSON.parse(converted.Content), JSON.parse(shellDocument()));
  const inYaml = await get('In-Json', 'YAML');
  assert.match(inYaml.Content, /^schemaVersion: "2.2"\nmainSteps:\n/);
  await create('Again', { Content: inYaml.Content, DocumentFormat: 'YAML' });
  assert.deepEqual(JSON.parse((await get('Again')).Content), JSON.parse(shellDocument()));
});

test('finding is by name or ARN of this region and account, and says what isn’t there', async (context) => {
  const { store, documents, create, call } = await openDocumentsWorld(context);
  await create('Mine');
  await call('UpdateDocument', { Name: 'Mine', Content: shellDocument('two') });
  const find = (name: string, version?: string) =>
    store.read((tx) => documents.find(tx, region, name, version));
  const found = await find(`arn:aws:ssm:${region}:${account}:document/Mine`, '$LATEST');
  assert.deepEqual([found.name, found.version, found.platformTypes], ['Mine', '2', ['Linux', 'MacOS']]);
  assert.equal((await find('Mine')).version, '1');
  assert.equal((await find('Mine', '$DEFAULT')).version, '1');
  const again = await find('Mine', '2');
  assert.equal(again.document, found.document, 'read once');
  assert.equal((await find('AWS-RunShellScript')).document, (await find('AWS-RunShellScript', '1')).document);
  for (const name of [
    'Yours',
    `arn:aws:ssm:eu-west-1:${account}:document/Mine`,
    `arn:aws:ssm:${region}:999999999999:document/Mine`,
    `arn:aws:ssm:${region}:${account}:document/AWS-RunShellScript`,
    'document/Mine',
  ]) {
    const refusal = await refusalOf(find(name));
    assert.equal(refusal.code, 'InvalidDocument');
    assert.equal(refusal.message, `Document with name ${name} does not exist.`);
  }
  for (const version of ['3', '0', '01', 'latest', '99999999999']) {
    assert.equal((await refusalOf(find('Mine', version))).code, 'InvalidDocumentVersion', version);
  }
  await store.read(async (tx) => {
    await assert.rejects(documents.find(tx, 'eu-west-1', 'Mine'), { code: 'InvalidDocument' });
  });
});

test('policies decide on what was really asked for', () => {
  const arnOf = (name: string) => documentArn(region, account, name);
  assert.equal(arnOf('Mine'), `arn:aws:ssm:${region}:${account}:document/Mine`);
  assert.equal(arnOf(arnOf('Mine')), arnOf('Mine'));
  assert.equal(arnOf('AWS-RunShellScript'), `arn:aws:ssm:${region}::document/AWS-RunShellScript`);
  assert.equal(arnOf(arnOf('AWS-RunShellScript')), arnOf('AWS-RunShellScript'));
  assert.equal(arnOf('AWS-Unknown'), `arn:aws:ssm:${region}:${account}:document/AWS-Unknown`);
  const foreign = `arn:aws:ssm:eu-west-1:${account}:document/Mine`;
  assert.equal(arnOf(foreign), foreign);
});

test('only nodes on which a document can run, by DescribeInstanceProperties', async (context) => {
  const world = await openDocumentsWorld(context);
  const { call, join, beat, create } = world;
  const linux = await join();
  // The list is in the order of registration.
  world.clock.advance(1);
  const windows = await join();
  await beat(linux);
  await beat(windows, { PlatformType: 'Windows', PlatformName: 'Windows Server' });
  await join();
  await create('Mine');
  const ids = async (input: object) =>
    (await call('DescribeInstanceProperties', input)).InstanceProperties.map(
      (one: { InstanceId: string }) => one.InstanceId,
    );
  const named = (...Values: string[]) => ({ FiltersWithOperator: [{ Key: 'DocumentName', Values }] });
  assert.deepEqual(await ids(named('Mine')), [linux]);
  assert.deepEqual(await ids(named('AWS-ConfigureCloudWatch')), [windows]);
  assert.deepEqual(await ids(named('Mine', 'AWS-ConfigureCloudWatch')), [linux, windows]);
  const legacy = { InstancePropertyFilterList: [{ key: 'DocumentName', valueSet: ['AWS-RunShellScript'] }] };
  assert.deepEqual(await ids(legacy), [linux]);
  const both = {
    FiltersWithOperator: [
      { Key: 'DocumentName', Values: ['AWS-RunPowerShellScript'] },
      { Key: 'PlatformTypes', Values: ['Windows'] },
    ],
  };
  assert.deepEqual(await ids(both), [windows]);
  const nowhere = {
    mainSteps: [
      {
        action: 'aws:psModule',
        name: 'a',
        inputs: {},
        precondition: { StringEquals: ['platformType', 'Linux'] },
      },
    ],
  };
  await create('Nowhere', { Content: shellDocument('', nowhere) });
  assert.deepEqual(await ids(named('Nowhere')), []);
  const unknown = await refusalOf(ids(named('Yours')));
  assert.deepEqual(
    [unknown.code, unknown.message],
    ['InvalidDocument', 'Document with name Yours does not exist.'],
  );
  const not = { FiltersWithOperator: [{ Key: 'DocumentName', Values: ['Mine'], Operator: 'NotEqual' }] };
  assert.equal((await refusalOf(ids(not))).code, 'InvalidInstancePropertyFilterValue');
});

test('sharing is kept, and stands in the way of deletion', async (context) => {
  const { call, create } = await openDocumentsWorld(context);
  await create('Mine');
  const share = (more: object) =>
    call('ModifyDocumentPermission', { Name: 'Mine', PermissionType: 'Share', ...more });
  await share({ AccountIdsToAdd: ['222222222222', '111111111111'], SharedDocumentVersion: '$ALL' });
  await share({ AccountIdsToAdd: ['All'], AccountIdsToRemove: ['222222222222'] });
  const shown = (more: object = {}) =>
    call('DescribeDocumentPermission', { Name: 'Mine', PermissionType: 'Share', ...more });
  assert.deepEqual(await shown(), {
    AccountIds: ['111111111111', 'all'],
    AccountSharingInfoList: [
      { AccountId: '111111111111', SharedDocumentVersion: '$ALL' },
      { AccountId: 'all', SharedDocumentVersion: '$DEFAULT' },
    ],
  });
  const { NextToken } = await shown({ MaxResults: 1 });
  assert.deepEqual((await shown({ MaxResults: 1, NextToken })).AccountIds, ['all']);
  const removal = await refusalOf(call('DeleteDocument', { Name: 'Mine' }));
  assert.equal(removal.code, 'InvalidDocumentOperation');
  assert.match(removal.message, /Stop sharing it/);
  await share({ AccountIdsToRemove: ['111111111111', 'all'] });
  await call('DeleteDocument', { Name: 'Mine' });
  const many = Array.from({ length: 21 }, (_, index) => String(100_000_000_000 + index));
  await create('Mine');
  assert.equal((await refusalOf(share({ AccountIdsToAdd: many }))).code, 'DocumentPermissionLimit');
  assert.equal((await refusalOf(shown({ Name: 'Yours' }))).code, 'InvalidDocument');
});

test('no document has a review, and none can be given one', async (context) => {
  const { call, create } = await openDocumentsWorld(context);
  await create('Mine');
  const history = await call('ListDocumentMetadataHistory', { Name: 'Mine', Metadata: 'DocumentReviews' });
  assert.deepEqual(history, {
    Name: 'Mine',
    DocumentVersion: '1',
    Author: `arn:aws:iam::${account}:user/admin`,
    Metadata: { ReviewerResponse: [] },
  });
  const review = { Name: 'Mine', DocumentReviews: { Action: 'Approve' } };
  const refusal = await refusalOf(call('UpdateDocumentMetadata', review));
  assert.equal(refusal.code, 'InvalidDocumentOperation');
  assert.match(refusal.message, /Only change templates are reviewed/);
});

test('a region has 500 documents, a document 1,000 versions', async (context) => {
  const { call, create, store } = await openDocumentsWorld(context);
  await create('First');
  const [head] = await store.read((tx) =>
    tx.in(region).selectFrom('document_versions').selectAll().execute(),
  );
  await store.write(async (tx) => {
    const { region: _, ...row } = head!;
    const versions = Array.from({ length: 999 }, (_none, index) => ({
      ...row,
      version: index + 2,
      hash: `${index}`,
    }));
    for (let at = 0; at < versions.length; at += 100) {
      await tx
        .in(region)
        .insertInto('document_versions')
        .values(versions.slice(at, at + 100))
        .execute();
    }
    await tx.in(region).updateTable('documents').set({ next_version: 1001 }).execute();
    const others = Array.from({ length: 499 }, (_none, index) => ({
      name: `Other-${index}`,
      created_at: 0,
      created_by: '',
      default_version: 1,
      next_version: 2,
    }));
    await tx.in(region).insertInto('documents').values(others).execute();
  });
  const next = { Name: 'First', Content: shellDocument('next') };
  assert.equal((await refusalOf(call('UpdateDocument', next))).code, 'DocumentVersionLimitExceeded');
  await call('DeleteDocument', { Name: 'First', DocumentVersion: '7' });
  assert.equal((await call('UpdateDocument', next)).DocumentDescription.DocumentVersion, '1001');
  assert.equal((await refusalOf(create('Last'))).code, 'DocumentLimitExceeded');
  const pages = [];
  let NextToken: string | undefined;
  do {
    const page = await call('ListDocumentVersions', { Name: 'First', ...(NextToken && { NextToken }) });
    pages.push(page.DocumentVersions.length);
    NextToken = page.NextToken;
  } while (NextToken);
  assert.deepEqual(pages, Array(20).fill(50));
});

test('every change leaves an audit row with the document’s ARN; a refused one leaves none', async (context) => {
  const { call, create, store } = await openDocumentsWorld(context);
  await create('Mine');
  await call('UpdateDocument', { Name: 'Mine', Content: shellDocument('two') });
  await refusalOf(call('UpdateDocument', { Name: 'Mine', Content: shellDocument('two') }));
  await call('UpdateDocumentDefaultVersion', { Name: 'Mine', DocumentVersion: '2' });
  await call('ModifyDocumentPermission', { Name: 'Mine', PermissionType: 'Share', AccountIdsToAdd: ['all'] });
  await call('ModifyDocumentPermission', {
    Name: 'Mine',
    PermissionType: 'Share',
    AccountIdsToRemove: ['all'],
  });
  await call('DeleteDocument', { Name: 'Mine', DocumentVersion: '1' });
  await call('DeleteDocument', { Name: 'Mine' });
  const rows = await store.read((tx) =>
    tx
      .in(region)
      .selectFrom('audit')
      .select(['operation', 'resource', 'detail'])
      .orderBy('audit_id')
      .execute(),
  );
  assert.deepEqual(new Set(rows.map((row) => row.resource)), new Set([documentArn(region, account, 'Mine')]));
  assert.deepEqual(rows.map((row) => row.operation).sort(), [
    'ssm:CreateDocument',
    'ssm:DeleteDocument',
    'ssm:DeleteDocument',
    'ssm:ModifyDocumentPermission',
    'ssm:ModifyDocumentPermission',
    'ssm:UpdateDocument',
    'ssm:UpdateDocumentDefaultVersion',
  ]);
  assert.ok(rows.some((row) => row.detail?.includes('"version":2')));
});

test('a node may read documents', async (context) => {
  const { call, create, join } = await openDocumentsWorld(context);
  await create('Mine');
  const principal = nodePrincipal(await join());
  const { Content } = await call('GetDocument', { Name: 'Mine', DocumentVersion: '1' }, { principal });
  assert.equal(Content, shellDocument());
});

test('a token that nobody was given is refused, however it is made', async (context) => {
  const { call } = await openDocumentsWorld(context);
  // Node's own JSON parser does not survive the second one of these.
  for (const text of ['[', `${'[1,'.repeat(20_000)}[1]`, `${'[1,'.repeat(20_000)}[1]`, '{}', 'null', '[1]']) {
    const NextToken = Buffer.from(text).toString('base64url');
    assert.equal((await refusalOf(call('ListDocuments', { NextToken }))).code, 'InvalidNextToken');
  }
});
