/** Documents as the AWS SDK for JavaScript sees them, and as policies guard them, through a real server's door. */
import assert from 'node:assert/strict';
import { Agent } from 'node:https';
import { after, before, test } from 'node:test';
import {
  CreateDocumentCommand,
  DeleteDocumentCommand,
  DescribeDocumentCommand,
  DuplicateDocumentContent,
  GetDocumentCommand,
  InvalidDocument,
  InvalidDocumentContent,
  InvalidDocumentOperation,
  InvalidDocumentVersion,
  MaxDocumentSizeExceeded,
  paginateListDocuments,
  paginateListDocumentVersions,
  SSMClient,
  UpdateDocumentCommand,
  UpdateDocumentDefaultVersionCommand,
} from '@aws-sdk/client-ssm';
import { openApiClient } from '../harness/api-client.ts';
import { startServer, type TestServer } from '../harness/server.ts';

let server: TestServer;
let ssm: SSMClient;

before(async () => {
  server = await startServer();
  ssm = new SSMClient({
    endpoint: server.url,
    region: 'us-east-1',
    credentials: server.credentials,
    requestHandler: { httpsAgent: new Agent({ ca: server.ca, keepAlive: true }) },
  });
});
after(async () => {
  ssm.destroy();
  await server.stop();
  server.remove();
});

const yaml = (line: string) => `schemaVersion: "2.2"
mainSteps:
  - action: aws:runShellScript
    name: say
    inputs:
      runCommand:
        - ${line}
`;

test('a document in YAML, from its making to its end', async () => {
  const Name = 'Say';
  const made = await ssm.send(
    new CreateDocumentCommand({
      Name,
      Content: yaml('echo one'),
      DocumentFormat: 'YAML',
      DocumentType: 'Command',
    }),
  );
  assert.deepEqual(made.DocumentDescription?.PlatformTypes, ['Linux', 'MacOS']);
  assert.ok(made.DocumentDescription?.CreatedDate instanceof Date);
  const update = (line: string) =>
    ssm.send(
      new UpdateDocumentCommand({
        Name,
        Content: yaml(line),
        DocumentFormat: 'YAML',
        DocumentVersion: '$LATEST',
      }),
    );
  await update('echo two');
  await assert.rejects(update('echo two'), DuplicateDocumentContent);
  await ssm.send(new UpdateDocumentDefaultVersionCommand({ Name, DocumentVersion: '2' }));
  const { Document } = await ssm.send(new DescribeDocumentCommand({ Name }));
  assert.deepEqual([Document?.DocumentVersion, Document?.DefaultVersion], ['2', '2']);
  const { Content } = await ssm.send(new GetDocumentCommand({ Name, DocumentFormat: 'YAML' }));
  assert.equal(Content, yaml('echo two'));
  const versions = [];
  for await (const page of paginateListDocumentVersions({ client: ssm, pageSize: 1 }, { Name })) {
    versions.push(...page.DocumentVersions!.map((one) => one.DocumentVersion));
  }
  assert.deepEqual(versions, ['1', '2']);
  await assert.rejects(
    ssm.send(new DeleteDocumentCommand({ Name, DocumentVersion: '2' })),
    InvalidDocumentOperation,
  );
  await ssm.send(new DeleteDocumentCommand({ Name }));
  await assert.rejects(ssm.send(new GetDocumentCommand({ Name })), InvalidDocument);
});

test('what is refused arrives as the SDK’s own errors, and says what to mend', async () => {
  const create = (Content: string) => ssm.send(new CreateDocumentCommand({ Name: 'Wrong', Content }));
  await assert.rejects(
    create('{"schemaVersion": "2.2", "mainSteps": [{"name": "../x"}]}'),
    (error: Error) => {
      assert.ok(error instanceof InvalidDocumentContent);
      assert.match(error.message, /mainSteps\[0\]\.name: It must be 1 to 128 letters/);
      assert.match(error.message, /mainSteps\[0\]\.action: It must be the name of an action/);
      return true;
    },
  );
  await assert.rejects(create('x'.repeat(70_000)), MaxDocumentSizeExceeded);
  await assert.rejects(
    ssm.send(new GetDocumentCommand({ Name: 'AWS-RunShellScript', DocumentVersion: '9' })),
    InvalidDocumentVersion,
  );
});

test('the built-in ones are listed, page by page', async () => {
  const names = [];
  for await (const page of paginateListDocuments(
    { client: ssm, pageSize: 2 },
    { Filters: [{ Key: 'Owner', Values: ['Amazon'] }] },
  )) {
    names.push(...page.DocumentIdentifiers!.map((one) => one.Name));
  }
  assert.deepEqual(names, [
    'AWS-ConfigureCloudWatch',
    'AWS-InstallPowerShellModule',
    'AWS-RunPowerShellScript',
    'AWS-RunRemoteScript',
    'AWS-RunShellScript',
  ]);
});

test('policies tell documents apart by name and by tag', async () => {
  const content = JSON.stringify({
    schemaVersion: '2.2',
    mainSteps: [{ action: 'aws:runShellScript', name: 'one', inputs: { runCommand: ['true'] } }],
  });
  for (const [Name, team] of [
    ['For-Web', 'web'],
    ['For-Db', 'db'],
  ]) {
    await server.admin.ask('ssm:CreateDocument', {
      Name,
      Content: content,
      Tags: [{ Key: 'team', Value: team }],
    });
  }
  const { AccessKey } = await server.admin.ask('rollcall:CreateUser', {
    UserName: 'reader',
    PolicyDocument: JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Action: 'ssm:GetDocument', Resource: 'arn:aws:ssm:*::document/AWS-Run*' },
        {
          Effect: 'Allow',
          Action: 'ssm:GetDocument',
          Resource: '*',
          Condition: { StringEquals: { 'ssm:resourceTag/team': 'web' } },
        },
      ],
    }),
  });
  const reader = openApiClient({
    url: server.url,
    ca: server.ca,
    region: 'us-east-1',
    credentials: { accessKeyId: AccessKey.AccessKeyId, secretAccessKey: AccessKey.SecretAccessKey },
  });
  try {
    const get = async (Name: string) => (await reader.call('ssm:GetDocument', { Name })).status;
    assert.equal(await get('AWS-RunShellScript'), 200);
    assert.equal(await get('For-Web'), 200);
    assert.equal(await get('arn:aws:ssm:us-east-1:000000000000:document/For-Web'), 200);
    for (const name of ['For-Db', 'AWS-ConfigureCloudWatch', 'AWS-RunUnknown', 'Unknown']) {
      assert.equal(await get(name), 400, name);
      const { json } = await reader.call('ssm:GetDocument', { Name: name });
      assert.equal(json?.__type, 'AccessDeniedException', name);
    }
  } finally {
    reader.close();
  }
});
