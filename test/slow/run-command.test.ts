/**
 * Run Command as people script it: the AWS CLI's `send-command`, its waiter and `get-command-invocation`, and the
 * same through boto3, where they are at hand, against a real server and a real agent of ours.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startServer, type TestServer } from '../harness/server.ts';

const has = (program: string, args: readonly string[]) =>
  spawnSync(program, args, { stdio: 'ignore' }).status === 0;
const noCli = has('aws', ['--version']) ? false : 'not at hand: aws';
const noBoto = has('python3', ['-c', 'import boto3']) ? false : 'not at hand: boto3';

let server: TestServer;
let folder: string;
let agent: ChildProcess;
let nodeId: string;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-run-command-'));
  server = await startServer();
  writeFileSync(join(folder, 'ca.pem'), server.ca);
  const made = await server.admin.ask('ssm:CreateActivation', {
    IamRole: 'SSMServiceRole',
    DefaultInstanceName: 'web-01',
  });
  agent = spawn(
    process.execPath,
    [
      join(import.meta.dirname, 'agent-process.ts'),
      server.url,
      join(folder, 'ca.pem'),
      made.ActivationId,
      made.ActivationCode,
      '--root',
      join(folder, 'agent'),
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  nodeId = await connectedNode();
});
after(async () => {
  agent.kill('SIGTERM');
  await server.stop();
  server.remove();
  rmSync(folder, { recursive: true, force: true });
});

async function connectedNode(): Promise<string> {
  for (let tries = 0; tries < 200; tries++) {
    const { Nodes } = await server.admin.ask('rollcall:ListNodes');
    if (Nodes[0]?.ChannelOpen) return Nodes[0].InstanceId;
    await sleep(100);
  }
  throw new Error('the agent never came');
}

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly error: string;
}

/** Runs a program that finds nothing but this server. */
function run(program: string, args: readonly string[], input = ''): Promise<Ran> {
  return new Promise((done, failed) => {
    const child = spawn(program, args, {
      env: {
        PATH: process.env.PATH,
        HOME: folder,
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
        AWS_REGION: 'us-east-1',
        AWS_DEFAULT_REGION: 'us-east-1',
        AWS_CA_BUNDLE: join(folder, 'ca.pem'),
        AWS_ENDPOINT_URL: server.url,
      },
    });
    let out = '';
    let error = '';
    child.stdout.on('data', (chunk) => (out += chunk));
    child.stderr.on('data', (chunk) => (error += chunk));
    child.on('error', failed);
    child.on('close', (code) => done({ code, out, error }));
    child.stdin.end(input);
  });
}

const aws = (...args: string[]) =>
  run('aws', ['--endpoint-url', server.url, '--output', 'json', 'ssm', ...args]);

async function awsWell(...args: string[]) {
  const ran = await aws(...args);
  assert.equal(ran.code, 0, ran.error);
  return ran.out === '' ? undefined : JSON.parse(ran.out);
}

async function sent(...more: string[]): Promise<string> {
  const { Command } = await awsWell('send-command', '--instance-ids', nodeId, ...more);
  assert.equal(Command.TargetCount, 1);
  return Command.CommandId;
}

test('the AWS CLI: send, wait, read; a failure and a cancel as programs see them', {
  skip: noCli,
}, async () => {
  const shell = ['--document-name', 'AWS-RunShellScript', '--parameters'];
  const commandId = await sent(...shell, 'commands=["echo hello","echo oops >&2"]');
  const one = ['--command-id', commandId, '--instance-id', nodeId];
  const waited = await aws('wait', 'command-executed', ...one);
  assert.equal(waited.code, 0, waited.error);
  const done = await awsWell('get-command-invocation', ...one);
  assert.deepEqual(
    [done.Status, done.ResponseCode, done.StandardOutputContent, done.StandardErrorContent],
    ['Success', 0, 'hello\n', 'oops\n'],
  );

  const failing = await sent(...shell, 'commands=["exit 3"]');
  const lost = await aws('wait', 'command-executed', '--command-id', failing, '--instance-id', nodeId);
  assert.equal(lost.code, 255, 'the waiter says so by its exit code');
  const failed = await awsWell('get-command-invocation', '--command-id', failing, '--instance-id', nodeId);
  assert.deepEqual([failed.Status, failed.StatusDetails, failed.ResponseCode], ['Failed', 'Failed', 3]);

  const long = await sent(...shell, 'commands=["sleep 300"]');
  await awsWell('cancel-command', '--command-id', long);
  const gone = await aws('wait', 'command-executed', '--command-id', long, '--instance-id', nodeId);
  assert.equal(gone.code, 255);
  const listed = await awsWell('list-commands', '--command-id', long);
  assert.equal(listed.Commands[0].Status, 'Cancelled');

  const windows = await aws(
    'send-command',
    '--instance-ids',
    nodeId,
    '--document-name',
    'AWS-InstallPowerShellModule',
    '--parameters',
    'workingDirectory=x,source=https://example.com/x.zip',
  );
  assert.match(windows.error, /UnsupportedPlatformType/);
});

test('the AWS CLI: a document of one’s own, its versions, and a command by tag', {
  skip: noCli,
}, async () => {
  const file = (name: string, step: string) => {
    const path = join(folder, name);
    writeFileSync(
      path,
      JSON.stringify({
        schemaVersion: '2.2',
        parameters: { word: { type: 'String', allowedPattern: '^[a-z]+$' } },
        mainSteps: [
          { action: 'aws:runShellScript', name: 'speak', inputs: { runCommand: [`${step} {{ word }}`] } },
          { action: 'aws:runShellScript', name: 'fail', inputs: { runCommand: ['exit 7'] } },
        ],
      }),
    );
    return `file://${path}`;
  };
  await awsWell(
    'create-document',
    '--name',
    'Say',
    '--document-type',
    'Command',
    '--content',
    file('1', 'echo one'),
  );
  await awsWell(
    'update-document',
    '--name',
    'Say',
    '--document-version',
    '$LATEST',
    '--content',
    file('2', 'echo two'),
  );
  await awsWell('update-document-default-version', '--name', 'Say', '--document-version', '2');
  const resource = ['--resource-type', 'ManagedInstance', '--resource-id', nodeId];
  await awsWell('add-tags-to-resource', ...resource, '--tags', 'Key=env,Value=prod');
  const { Command } = await awsWell(
    'send-command',
    '--targets',
    'Key=tag:env,Values=prod',
    '--document-name',
    'Say',
    '--parameters',
    'word=hello',
  );
  const one = ['--command-id', Command.CommandId, '--instance-id', nodeId];
  assert.equal((await aws('wait', 'command-executed', ...one)).code, 255);
  const said = await awsWell('get-command-invocation', ...one, '--plugin-name', 'speak');
  assert.deepEqual([said.Status, said.StandardOutputContent], ['Success', 'two hello\n']);
  const failed = await awsWell('get-command-invocation', ...one, '--plugin-name', 'fail');
  assert.deepEqual([failed.Status, failed.ResponseCode], ['Failed', 7]);
  const wrong = await aws(
    'send-command',
    '--instance-ids',
    nodeId,
    '--document-name',
    'Say',
    '--parameters',
    'word=NO',
  );
  assert.match(wrong.error, /InvalidParameters/);
});

test('boto3: its waiter, its paginators, its exceptions', { skip: noBoto }, async () => {
  const ran = await run(
    'python3',
    ['-'],
    `
import boto3, json, os
ssm = boto3.client("ssm", endpoint_url=os.environ["AWS_ENDPOINT_URL"], verify=os.environ["AWS_CA_BUNDLE"])
node = "${nodeId}"
sent = ssm.send_command(InstanceIds=[node], DocumentName="AWS-RunShellScript",
    Parameters={"commands": ["echo from boto"]}, Comment="boto", TimeoutSeconds=60)["Command"]
ssm.get_waiter("command_executed").wait(CommandId=sent["CommandId"], InstanceId=node,
    WaiterConfig={"Delay": 1, "MaxAttempts": 20})
got = ssm.get_command_invocation(CommandId=sent["CommandId"], InstanceId=node)
pages = list(ssm.get_paginator("list_command_invocations").paginate(CommandId=sent["CommandId"], Details=True))
commands = [c["CommandId"] for page in ssm.get_paginator("list_commands").paginate(PaginationConfig={"PageSize": 1})
    for c in page["Commands"]]
refused = {}
for name, call in {
    "InvalidInstanceId": lambda: ssm.send_command(InstanceIds=["mi-0123456789abcdef0"], DocumentName="AWS-RunShellScript",
        Parameters={"commands": ["true"]}),
    "InvalidDocument": lambda: ssm.send_command(InstanceIds=[node], DocumentName="No-Such-Document"),
    "InvocationDoesNotExist": lambda: ssm.get_command_invocation(CommandId=sent["CommandId"],
        InstanceId="mi-0123456789abcdef0"),
    "InvalidCommandId": lambda: ssm.cancel_command(CommandId="11111111-2222-4333-8444-555555555555"),
}.items():
    try:
        call()
    except getattr(ssm.exceptions, name) as error:
        refused[name] = error.response["Error"]["Message"]
print(json.dumps({"status": got["Status"], "out": got["StandardOutputContent"], "when": str(sent["RequestedDateTime"]),
    "plugins": [p["Name"] for p in pages[0]["CommandInvocations"][0]["CommandPlugins"]],
    "listed": sent["CommandId"] == commands[0], "refused": refused}))
`,
  );
  assert.equal(ran.code, 0, ran.error);
  const said = JSON.parse(ran.out);
  assert.equal(said.status, 'Success');
  assert.equal(said.out, 'from boto\n');
  assert.match(said.when, /^20\d\d-/);
  assert.deepEqual(said.plugins, ['aws:runShellScript']);
  assert.equal(said.listed, true);
  assert.deepEqual(Object.keys(said.refused).sort(), [
    'InvalidCommandId',
    'InvalidDocument',
    'InvalidInstanceId',
    'InvocationDoesNotExist',
  ]);
});
