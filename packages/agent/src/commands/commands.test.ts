/** Commands as the server sees them: what is offered runs, once, and what came of it is told until it is heard. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CommandReply, FrameType, messageFrame } from '@rollcall/wire';
import { saveConfig } from '../config.ts';
import { readStatus } from '../status.ts';
import { type Enrolled, enrol, type FakeServer, shellDocument, stepsDocument } from '../testing/enrolled.ts';
import { manualClock } from '../testing/manual-clock.ts';

let it: Enrolled;
let server: FakeServer;

beforeEach(async () => {
  it = await enrol();
  server = it.server;
});
afterEach(() => it.remove());

async function endOf(id: string): Promise<CommandReply> {
  await server.until(`${id} has ended`, () => server.endOf(id) !== undefined);
  return server.endOf(id)!;
}

/** Runs a document and answers its steps as they were told of, in order, and the end. */
async function run(document: object, parameters: object = {}) {
  const id = server.offer(document, { parameters });
  const end = await endOf(id);
  const steps = server
    .repliesTo(id)
    .filter(({ content }) => content.documentStatus === 'InProgress')
    .flatMap(({ content }) => Object.entries(content.runtimeStatus ?? {}))
    .map(([name, step]) => ({ step: name, ...step }));
  return { id, end, steps, only: Object.values(end.runtimeStatus ?? {})[0]! };
}

/** Whether the process whose id is in a file runs; nobody may be there to bury it. */
function isAlive(file: string): boolean {
  const pid = Number(readFileSync(file, 'utf8'));
  assert.ok(pid > 1);
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

const settled = (id: string) =>
  server.until('it is done with', () => {
    const jobs = join(it.root, 'jobs');
    return existsSync(join(jobs, 'ended', `${id}.json`)) && !existsSync(join(jobs, id));
  });

test('a command runs: it is answered, begins, ends, in the form of the official agent', async () => {
  await it.start();
  const { id, end, steps, only } = await run(shellDocument(['echo hello', 'echo oops >&2']));
  assert.deepEqual(
    server.answersTo(id).map(({ statusCode, errorMessage }) => [statusCode, errorMessage]),
    [['200', 'Successful']],
  );
  assert.deepEqual(
    server
      .repliesTo(id)
      .map(({ content }) => [
        content.documentStatus,
        content.runtimeStatus && Object.keys(content.runtimeStatus),
      ]),
    [
      ['InProgress', null],
      ['InProgress', ['step']],
      ['Success', ['step']],
    ],
  );
  assert.deepEqual(end.additionalInfo.runtimeStatusCounts, { Success: 1 });
  assert.equal(only.name, 'aws:runShellScript');
  assert.equal(only.output, 'hello\n\n----------ERROR-------\noops\n');
  assert.deepEqual([only.standardOutput, only.standardError, only.code], ['hello\n', 'oops\n', 0]);
  assert.equal(steps[0]?.standardOutput, 'hello\n');
  await settled(id);
  assert.deepEqual(readdirSync(join(it.root, 'jobs')).sort(), ['ended', 'reserve']);
});

test('a command knows where it is and what it was given', async () => {
  await it.start();
  const document = {
    schemaVersion: '1.2',
    description: 'as AWS-RunShellScript has it',
    parameters: {
      commands: { type: 'StringList' },
      workingDirectory: { type: 'String', default: '' },
      executionTimeout: { type: 'String', default: '3600' },
    },
    runtimeConfig: {
      'aws:runShellScript': {
        properties: [
          {
            id: '0.aws:runShellScript',
            runCommand: '{{ commands }}',
            workingDirectory: '{{ workingDirectory }}',
            timeoutSeconds: '{{ executionTimeout }}',
            environment: { GREETING: 'servus', SSM_COMMAND_ID: 'not mine' },
          },
        ],
      },
    },
  };
  const commands = [
    'echo $AWS_SSM_INSTANCE_ID $AWS_SSM_REGION_NAME $SSM_COMMAND_ID $GREETING',
    'test -n "$AWS_SSM_PLATFORM_NAME" && pwd && env | grep -c ^NODE_',
  ];
  const { id, only } = await run(document, { commands, workingDirectory: '/usr' });
  const [nodeId] = server.keys.keys();
  assert.equal(only.standardOutput, `${nodeId} us-east-1 ${id} servus\n/usr\n0\n`);
});

test('steps run in order; what they mean for each other is as the official agent has it', async () => {
  await it.start();
  const { end, steps } = await run(
    stepsDocument({
      one: { runCommand: ['echo one'] },
      win: {
        action: 'aws:runPowerShellScript',
        precondition: { StringEquals: ['platformType', 'Windows'] },
        runCommand: ['dir'],
      },
      fail: { runCommand: ['echo bad; exit 3'] },
      module: { action: 'aws:psModule', runCommand: ['x'] },
      docker: { action: 'aws:configureDocker', action_: '' },
      last: { runCommand: ['echo last'] },
    }),
  );
  const told = steps.map(({ step, status, code }) => [step, status, code]);
  assert.deepEqual(told, [
    ['one', 'Success', 0],
    ['win', 'Skipped', 0],
    ['fail', 'Failed', 3],
    ['module', 'Skipped', 0],
    ['docker', 'Failed', 1],
    ['last', 'Success', 0],
  ]);
  assert.equal(
    steps[1]?.output,
    `Step execution skipped due to unsatisfied preconditions: '"StringEquals": [platformType, Windows]'. Step name: win`,
  );
  assert.equal(steps[2]?.output, 'bad\n\n----------ERROR-------\nfailed to run commands: exit status 3');
  assert.equal(steps[2]?.standardError, 'failed to run commands: exit status 3');
  assert.match(steps[4]?.output ?? '', /has no plugin aws:configureDocker; nothing was done/);
  assert.equal(end.documentStatus, 'Failed');
  assert.deepEqual(end.runtimeStatus, {});
  assert.deepEqual(end.additionalInfo.runtimeStatusCounts, { Success: 2, Skipped: 2, Failed: 2 });
});

test('onFailure, onSuccess, finallyStep, and the exit codes 168 and 169 end a document', async () => {
  await it.start();
  const echo = { runCommand: ['echo ran'] };
  const last = { ...echo, finallyStep: true };
  const cases: [object, string[], string][] = [
    [{ onFailure: 'exit', runCommand: ['exit 1'] }, ['Failed', 'Skipped', 'Success'], 'Failed'],
    [{ onFailure: 'successAndExit', runCommand: ['exit 1'] }, ['Success', 'Skipped', 'Success'], 'Success'],
    [{ onSuccess: 'exit', ...echo }, ['Success', 'Skipped', 'Success'], 'Success'],
    [{ onFailure: 'exit', ...echo }, ['Success', 'Success', 'Success'], 'Success'],
    [{ runCommand: ['exit 168'] }, ['Success', 'Skipped', 'Success'], 'Success'],
    [{ runCommand: ['exit 169'] }, ['Failed', 'Skipped', 'Success'], 'Failed'],
  ];
  await Promise.all(
    cases.map(async ([first, statuses, whole]) => {
      const { end, steps } = await run(stepsDocument({ first, second: echo, last }));
      assert.deepEqual(
        steps.map((step) => step.status),
        statuses,
        JSON.stringify(first),
      );
      assert.equal(end.documentStatus, whole);
    }),
  );
});

test('a plugin of schema 1.2 does each of its properties, and ends as the worst of them', async () => {
  await it.start();
  const properties = [
    { id: '0.aws:runShellScript', runCommand: ['echo first'] },
    { id: '1.aws:runShellScript', runCommand: ['echo second', 'exit 7'] },
    { id: '2.aws:runShellScript', runCommand: ['echo third'] },
  ];
  const document = { schemaVersion: '1.2', runtimeConfig: { 'aws:runShellScript': { properties } } };
  const { only, end } = await run(document);
  assert.equal(only.standardOutput, 'first\nsecond\nthird\n');
  assert.deepEqual([end.documentStatus, only.code], ['Failed', 7]);
});

test('a script that names its interpreter is for that one', async () => {
  await it.start();
  const { only } = await run(shellDocument(['#!/usr/bin/env -S sed -n 2p', 'not a command at all']));
  assert.equal(only.standardOutput, 'not a command at all\n');
});

test('an end by a signal, a folder that is not there, PowerShell without PowerShell: each says what it was', async () => {
  await it.start();
  const killed = await run(shellDocument(['kill -9 $$']));
  assert.deepEqual([killed.only.status, killed.only.code], ['Failed', 137]);
  assert.match(killed.only.standardError, /signal: SIGKILL/);
  const nowhere = await run(shellDocument(['true'], { workingDirectory: '/no/such/place' }));
  assert.match(nowhere.only.standardError, /working directory \/no\/such\/place is not there/);
  const file = await run(shellDocument(['true'], { workingDirectory: '/etc/passwd' }));
  assert.match(file.only.standardError, /sh could not be started: .*ENOTDIR/);
  const { PATH } = process.env;
  process.env.PATH = '/nowhere';
  try {
    const power = await run(
      stepsDocument({ ps: { action: 'aws:runPowerShellScript', runCommand: ['Get-Date'] } }),
    );
    assert.match(power.only.standardError, /PowerShell \(pwsh\) is not installed/);
  } finally {
    process.env.PATH = PATH;
  }
});

test('PowerShell is started as it wants to be (its stand-in here is a shell script that shows how)', async () => {
  const folder = join(it.root, 'stand-in');
  mkdirSync(folder);
  // Stands for pwsh, which this machine can't have: prints its arguments and the script it was given.
  writeFileSync(join(folder, 'pwsh'), '#!/bin/sh\necho "$1 $2 $3 $4"; cat "$5"; exit 4\n', { mode: 0o755 });
  const { PATH } = process.env;
  process.env.PATH = `${folder}:${PATH}`;
  try {
    await it.start();
    const { only } = await run(
      stepsDocument({ ps: { action: 'aws:runPowerShellScript', runCommand: ['Get-Date', 'exit 4'] } }),
    );
    assert.equal(only.standardOutput, '-NoLogo -NoProfile -NonInteractive -File\nGet-Date\nexit 4\n');
    assert.deepEqual([only.status, only.code], ['Failed', 4]);
  } finally {
    process.env.PATH = PATH;
  }
});

test('a document or parameters that make no sense are refused with the reason, and nothing runs', async () => {
  await it.start();
  const cases: [object, object, RegExp][] = [
    [{ schemaVersion: '7.7', mainSteps: [] }, {}, /schemaVersion/],
    [{ schemaVersion: '2.2', mainSteps: [] }, {}, /mainSteps/],
    [
      { ...shellDocument(['true']), parameters: { n: { type: 'String', allowedPattern: '^[a-z]+$' } } },
      { n: '$(id)' },
      /\bn\b.*must match/,
    ],
    [shellDocument(['echo {{ssm:secret}}']), {}, /Parameter Store/],
  ];
  for (const [document, parameters, reason] of cases) {
    const id = server.offer(document, { parameters });
    const end = await endOf(id);
    const [answer] = server.answersTo(id);
    assert.equal(answer?.statusCode, '51408');
    assert.match(answer?.errorMessage ?? '', reason);
    assert.equal(end.documentStatus, 'Failed');
    assert.match(end.documentTraceOutput, reason);
    assert.equal(server.repliesTo(id).length, 1);
  }
  assert.deepEqual(readdirSync(join(it.root, 'jobs')).sort(), ['ended', 'reserve']);
});

test('jobs of deep, broken JSON are refused, and the agent lives on', async () => {
  await it.start();
  const [nodeId] = server.keys.keys();
  const deep = `${'[1,'.repeat(20_000)}[1]`;
  for (let round = 0; round < 5; round += 1) {
    const id = randomUUID();
    const JobId = `aws.ssm.${id}.${nodeId}`;
    const job = { SchemaVersion: 1, JobId, Topic: `aws.ssm.sendCommand.us-east-1.${nodeId}`, Content: deep };
    server.send(messageFrame(FrameType.agentJob, job, { createdAt: Date.now() }));
    await endOf(id);
    assert.equal(server.answersTo(id)[0]?.statusCode, '51408');
  }
  server.state.documents.Inner = JSON.stringify(shellDocument(['true']));
  const short = `${'[1,'.repeat(10_000)}[1]`;
  for (const step of [
    {
      action: 'aws:runDocument',
      documentType: 'SSMDocument',
      documentPath: 'Inner',
      documentParameters: short,
    },
    { action: 'aws:downloadContent', sourceType: 'HTTP', sourceInfo: short },
  ]) {
    const { end, only } = await run(stepsDocument({ step }));
    assert.equal(end.documentStatus, 'Failed');
    assert.match(only.standardError, /must be an? (JSON )?object/);
  }
});

test('ids that would lead out of the folder, and other nodes’ jobs, are refused', async () => {
  await it.start();
  const [nodeId] = server.keys.keys();
  const ids = ['../../etc', 'c1', '..%2f', `${randomUUID()}/x`, ''];
  for (const id of ids) server.offer(shellDocument(['echo ran > ran']), { id });
  await server.until(
    'all are answered',
    () => server.frames.filter((f) => f.type === 'agent_job_ack').length === 5,
  );
  server.keys.clear();
  server.keys.set('mi-another', '');
  const other = server.offer(shellDocument(['true']));
  await server.until('it is answered', () => server.answersTo(other).length === 1);
  assert.match(server.answersTo(other)[0]!.errorMessage, /another node's/);
  assert.equal(server.answersTo(other)[0]!.statusCode, '51408');
  assert.ok(nodeId);
  assert.deepEqual(readdirSync(join(it.root, 'jobs')).sort(), ['ended', 'reserve']);
});

test('a command that is offered again is not run again; when it has ended, its end is told again', async () => {
  await it.start();
  const mark = join(it.root, 'mark');
  const document = shellDocument([`echo ran >> ${mark}`]);
  const id = server.offer(document);
  server.offer(document, { id });
  server.offer(document, { id });
  const end = await endOf(id);
  await settled(id);
  server.offer(document, { id });
  await server.until(
    'its end is told again',
    () => server.repliesTo(id).filter(({ content }) => content.documentStatus === 'Success').length === 2,
  );
  const ends = server.repliesTo(id).filter(({ content }) => content.documentStatus === 'Success');
  assert.equal(ends[0]?.id, ends[1]?.id);
  assert.deepEqual(ends[1]?.content, end);
  await server.until('all are answered', () => server.answersTo(id).length === 4);
  assert.deepEqual(
    server
      .answersTo(id)
      .map((answer) => answer.statusCode)
      .sort(),
    ['200', '51405', '51405', '51405'],
  );
  assert.equal(readFileSync(mark, 'utf8'), 'ran\n');
  await it.stop();
  await it.start();
  server.offer(document, { id });
  await server.until('its end is told again', () => server.answersTo(id).length === 5);
  assert.equal(server.answersTo(id)[4]?.statusCode, '51405');
  assert.equal(readFileSync(mark, 'utf8'), 'ran\n');
});

test('a hundred commands at once: all are taken, ten run at a time, each once', async () => {
  await it.start();
  const mark = join(it.root, 'mark');
  mkdirSync(join(it.root, 'now'));
  const lines = [
    `mkdir ${it.root}/now/$SSM_COMMAND_ID`,
    `ls ${it.root}/now | wc -l`,
    'sleep 0.02',
    `echo $SSM_COMMAND_ID >> ${mark}`,
    `rmdir ${it.root}/now/$SSM_COMMAND_ID`,
  ];
  const ids = Array.from({ length: 100 }, () => server.offer(shellDocument(lines)));
  await server.until('the status tells of them', () => (readStatus(it.root)?.commands?.queued ?? 0) > 10);
  const ends = await Promise.all(ids.map(endOf));
  assert.ok(ends.every((end) => end.documentStatus === 'Success'));
  assert.ok(ids.every((id) => server.answersTo(id)[0]?.statusCode === '200'));
  assert.deepEqual(readFileSync(mark, 'utf8').trim().split('\n').sort(), [...ids].sort());
  const most = Math.max(...ends.map((end) => Number(end.runtimeStatus?.step?.standardOutput)));
  assert.ok(most > 1 && most <= 10, `${most} at a time`);
  await server.until('the status tells of none', () => readStatus(it.root)?.commands === undefined);
});

test('when all places are taken, a command is turned away for now; it is taken when it comes again', async () => {
  saveConfig(it.root, { commandWorkers: 1 });
  await it.start();
  const gate = join(it.root, 'gate');
  const lines = [`until [ -e ${gate} ]; do sleep 0.01; done`];
  const ids = Array.from({ length: 103 }, () => server.offer(shellDocument(lines)));
  await server.until('all are answered', () => ids.every((id) => server.answersTo(id).length === 1));
  const full = ids.filter((id) => server.answersTo(id)[0]?.statusCode === '51402');
  assert.equal(full.length, 2);
  assert.equal(server.answersTo(full[0]!)[0]?.errorMessage, 'ProcessorBufferFull');
  for (const id of ids) if (!full.includes(id)) server.cancel(id);
  await Promise.all(ids.filter((id) => !full.includes(id)).map(endOf));
  writeFileSync(gate, '');
  server.offer(shellDocument(lines), { id: full[0]! });
  assert.equal((await endOf(full[0]!)).documentStatus, 'Success');
});

test('cancelling kills what runs, with all its children, and what is behind it never runs', async () => {
  saveConfig(it.root, { commandWorkers: 1 });
  await it.start();
  const mark = join(it.root, 'mark');
  const left = join(it.root, 'left');
  const document = stepsDocument({
    // One child in a session of its own, and one whose parent is gone.
    one: {
      runCommand: [`setsid sleep 300 & (sh -c 'echo $$ > ${left}; exec sleep 300' &) ; echo on; sleep 300`],
    },
    two: { runCommand: [`echo two >> ${mark}`] },
  });
  const id = server.offer(document);
  const waiting = server.offer(shellDocument([`echo waiting >> ${mark}`]));
  await server.until('it runs', () => existsSync(left));
  server.cancel(waiting);
  const first = await endOf(waiting);
  assert.deepEqual([first.documentStatus, first.runtimeStatus?.step?.code], ['Cancelled', 1]);
  assert.equal(server.endOf(id), undefined);
  server.cancel(id);
  const end = await endOf(id);
  assert.equal(end.documentStatus, 'Cancelled');
  const told = Object.fromEntries(
    server.repliesTo(id).flatMap(({ content }) => Object.entries(content.runtimeStatus ?? {})),
  );
  assert.deepEqual([told.one?.status, told.one?.code, told.one?.standardOutput], ['Cancelled', 137, 'on\n']);
  assert.deepEqual([told.two?.status, told.two?.code], ['Cancelled', 1]);
  assert.equal(existsSync(mark), false);
  assert.equal(isAlive(left), false);
  const about = server.frames.filter((frame) => frame.payload.toString().includes('aws.ssm.cancelCommand'));
  assert.equal(about.length, 2);
  server.cancel(randomUUID());
  server.cancel(id);
  const answers = () => server.frames.filter((frame) => frame.type === 'agent_job_ack').length;
  await server.until('cancelling what is over is agreed to', () => answers() === 6);
});

test('when its time is over, a step is killed with all that it started', async () => {
  const clock = manualClock();
  await it.start({ clock });
  const left = join(it.root, 'left');
  const id = server.offer(
    stepsDocument({
      slow: {
        timeoutSeconds: '5',
        runCommand: [`echo start; setsid sh -c 'echo $$ > ${left}; sleep 300' & sleep 300`],
      },
      next: { runCommand: ['echo next'] },
    }),
  );
  await server.until('it runs', () => existsSync(left) && statSync(left).size > 0);
  clock.advance(4900);
  await sleep(50);
  assert.equal(server.repliesTo(id).length, 1);
  clock.advance(200);
  const end = await endOf(id);
  assert.equal(end.documentStatus, 'TimedOut');
  const told = Object.fromEntries(
    server.repliesTo(id).flatMap(({ content }) => Object.entries(content.runtimeStatus ?? {})),
  );
  assert.deepEqual([told.slow?.status, told.slow?.code, told.slow?.output], ['TimedOut', 137, 'start\n']);
  assert.equal(told.next?.status, 'Success');
  assert.equal(isAlive(left), false);
});

test('what a step leaves running in the background holds up nobody, and lives on', async () => {
  await it.start();
  const left = join(it.root, 'left');
  const began = Date.now();
  const { only } = await run(
    shellDocument([`(sleep 0.6; echo late; echo alive > ${left}; sleep 300) & echo $!`]),
  );
  assert.ok(Date.now() - began < 2000);
  assert.equal(only.status, 'Success');
  assert.match(only.standardOutput, /^\d+\n$/);
  await server.until('it goes on', () => existsSync(left));
  process.kill(Number(only.standardOutput), 'SIGKILL');
});

test('much output: its beginning is in the reply, all of it up to the limit goes to the server first', async () => {
  saveConfig(it.root, { outputLimitBytes: 1_000_000 });
  await it.start();
  const long = 'seq 1 100000; head -c 30000 /dev/zero | tr "\\0" e >&2';
  const { id, only, steps } = await run(shellDocument([long]));
  assert.equal(only.standardOutput.length, 24_000);
  assert.ok(only.standardOutput.endsWith('--output truncated--'));
  assert.deepEqual(steps[0]?.standardOutput, only.standardOutput);
  const whole = Array.from({ length: 100_000 }, (_, number) => `${number + 1}\n`).join('');
  assert.equal(server.outputs.get(`${id} step stdout`)?.toString(), whole);
  assert.equal(server.outputs.get(`${id} step stderr`)?.toString(), 'e'.repeat(30_000));
  const handedOver = server.calls.findLastIndex((call) => call.name === 'PutCommandOutput');
  assert.equal(server.calls[handedOver]?.headers.authorization?.includes('/us-east-1/rollcall/'), true);
  server.outputs.clear();
  server.state.outputLimit = 300_000;
  const endless = await run(shellDocument(['head -c 300000000 /dev/zero | tr "\\0" x']));
  assert.equal(endless.only.status, 'Success');
  assert.equal(server.outputs.get(`${endless.id} step stdout`)?.length, 300_000);
});

test('output that was to go to CloudWatch Logs does not, and the command says so', async () => {
  await it.start();
  const id = server.offer(shellDocument(['echo hi']), { content: { CloudWatchOutputEnabled: 'true' } });
  const end = await endOf(id);
  assert.equal(end.documentStatus, 'Success');
  assert.match(end.documentTraceOutput, /^The output is not in CloudWatch Logs: \S+ \S+ does not send it/);
  const without = server.offer(shellDocument(['true']), { content: { CloudWatchOutputEnabled: 'false' } });
  assert.equal((await endOf(without)).documentTraceOutput, '');
});

test('a server that takes no output delays nothing for long and fails nothing', async () => {
  server.mischief.set('PutCommandOutput', { status: 404, code: 'UnknownOperationException' });
  await it.start();
  const { only } = await run(shellDocument(['seq 1 100000']));
  assert.equal(only.status, 'Success');
  assert.equal(only.standardOutput.length, 24_000);
});

test('replies that nobody heard are sent again under the same id: after 30 s, and at once on a new channel', async () => {
  const clock = manualClock();
  server.state.acknowledgesReplies = false;
  await it.start({ clock });
  const { id } = await run(shellDocument(['true']));
  assert.equal(server.repliesTo(id).length, 3);
  clock.advance(29_000);
  await sleep(50);
  assert.equal(server.repliesTo(id).length, 3);
  clock.advance(2000);
  await server.until('they are sent again', () => server.repliesTo(id).length === 6);
  const ids = server.repliesTo(id).map((reply) => reply.id);
  assert.deepEqual(ids.slice(3), ids.slice(0, 3));
  for (const socket of server.sockets) socket.terminate();
  await server.until('the agent notices', () => server.sockets.size === 0);
  server.state.acknowledgesReplies = true;
  await server.until('they are sent again', () => {
    clock.advance(1000);
    return server.repliesTo(id).length === 9;
  });
  await settled(id);
  clock.advance(100_000);
  await sleep(50);
  assert.equal(server.repliesTo(id).length, 9);
});

test('replies outlive the agent: what the server has not heard is told by the next one', async () => {
  server.state.acknowledgesReplies = false;
  await it.start();
  const { id } = await run(shellDocument(['echo once']));
  await it.stop();
  server.state.acknowledgesReplies = true;
  await it.start();
  await server.until('they are told again', () => server.repliesTo(id).length === 6);
  const ids = server.repliesTo(id).map((reply) => reply.id);
  assert.deepEqual(ids.slice(3), ids.slice(0, 3));
  await settled(id);
});

test('an agent that stops kills what runs and takes nothing; the next one tells, and does the rest', async () => {
  await it.start();
  const mark = join(it.root, 'mark');
  const running = stepsDocument({
    long: { runCommand: [`echo long >> ${mark}; trap 'sleep 0.1; exit 0' TERM; sleep 300 & wait`] },
    next: { runCommand: [`echo next >> ${mark}`] },
  });
  const id = server.offer(running);
  await server.until('it runs', () => existsSync(mark));
  const stopping = it.stop();
  const late = server.offer(shellDocument([`echo late >> ${mark}`]));
  await stopping;
  assert.deepEqual(
    server.answersTo(late).map((answer) => answer.statusCode),
    ['51401'],
  );
  assert.equal(server.endOf(id), undefined);
  await it.start();
  const end = await endOf(id);
  assert.equal(end.documentStatus, 'Failed');
  const told = Object.fromEntries(
    server.repliesTo(id).flatMap(({ content }) => Object.entries(content.runtimeStatus ?? {})),
  );
  assert.match(told.long?.standardError ?? '', /agent was stopped or killed while this step ran/);
  assert.equal(told.next?.status, 'Success');
  assert.equal(readFileSync(mark, 'utf8'), 'long\nnext\n');
});

test('what the reserve says of a step is old when the journal knows how it ended', async () => {
  await it.start();
  await run(shellDocument(['true']));
  await it.stop();
  const [nodeId] = server.keys.keys();
  const id = randomUUID();
  const jobId = `aws.ssm.${id}.${nodeId}`;
  const document = stepsDocument({ one: { runCommand: ['exit 9'] }, two: { runCommand: ['echo two'] } });
  const content = JSON.stringify({ DocumentContent: document, Parameters: {}, CommandId: id });
  const times = { startedAt: 2, endedAt: 3 };
  const one = { name: 'one', action: 'aws:runShellScript', status: 'Success', code: 0, ...times };
  const records = [
    { is: 'accepted', at: 1, jobId, content },
    { is: 'started', path: 'one', at: 2 },
    { is: 'ended', path: 'one', outcome: { ...one, stdout: 'it ran', stderr: '' } },
  ];
  // As an agent leaves it that was killed just after its disk had room again.
  mkdirSync(join(it.root, 'jobs', id));
  writeFileSync(
    join(it.root, 'jobs', id, 'journal'),
    records.map((record) => `\n${JSON.stringify(record)}\n`).join(''),
  );
  const reserve = readFileSync(join(it.root, 'jobs', 'reserve'));
  reserve.write(JSON.stringify({ jobId, at: 2, state: 'started', path: 'one' }));
  writeFileSync(join(it.root, 'jobs', 'reserve'), reserve);
  await it.start();
  assert.equal((await endOf(id)).documentStatus, 'Success');
  const told = server.repliesTo(id).flatMap(({ content: said }) => Object.entries(said.runtimeStatus ?? {}));
  assert.deepEqual(
    told.map(([name, step]) => [name, step.status, step.standardOutput]),
    [
      ['one', 'Success', 'it ran'],
      ['two', 'Success', 'two\n'],
    ],
  );
});

test('when too many ends can’t be written down, no further command is taken; when they can, one is', async () => {
  await it.start();
  await run(shellDocument(['true']));
  const ended = join(it.root, 'jobs', 'ended');
  rmSync(ended, { recursive: true });
  // A file where the folder should be: whoever runs this, root or not, can't write into it.
  writeFileSync(ended, '');
  const nothing = {
    ...shellDocument(['true']),
    mainSteps: [
      {
        action: 'aws:runShellScript',
        name: 'step',
        precondition: { StringEquals: ['platformType', 'Windows'] },
        inputs: { runCommand: ['true'] },
      },
    ],
  };
  for (let taken = 0; taken < 256; taken += 64) {
    const ids = Array.from({ length: 64 }, () => server.offer(nothing));
    await Promise.all(ids.map(endOf));
  }
  await sleep(100);
  const late = server.offer(nothing);
  await server.until('it is answered', () => server.answersTo(late).length === 1);
  assert.equal(server.answersTo(late)[0]?.statusCode, '51402');
  await it.stop();
  rmSync(ended);
  await it.start();
  await server.until('all are written down', () => {
    const left = readdirSync(join(it.root, 'jobs')).filter((name) => name.length === 36);
    return left.length === 0;
  });
  server.offer(nothing, { id: late });
  assert.equal((await endOf(late)).documentStatus, 'Success');
});

test('by polling: a command is taken, runs once, and its replies are posted', async () => {
  const [nodeId] = server.keys.keys();
  server.mischief.set(`POST /v1/control-channel/${nodeId}`, {
    status: 400,
    code: 'AccessDeniedException',
    xml: true,
  });
  const clock = manualClock();
  const { openAgent } = await import('../agent.ts');
  const { silentLog } = await import('../log.ts');
  const agent = openAgent({ root: it.root, log: silentLog, clock, random: () => 0 });
  const until = (what: string, holds: () => boolean) =>
    server.until(what, () => {
      clock.advance(500);
      return holds();
    });
  try {
    await until('it polls', () => agent.status().state === 'polling');
    const mark = join(it.root, 'mark');
    const document = shellDocument([`echo ran >> ${mark}`]);
    const id = server.offer(document, { polled: true });
    await until('it ended', () => server.endOf(id) !== undefined);
    await until('it is acknowledged', () => server.named('AcknowledgeMessage').length === 1);
    const replies = server.repliesTo(id);
    assert.deepEqual(
      replies.map(({ content, by }) => [content.documentStatus, by]),
      [
        ['InProgress', 'polling'],
        ['InProgress', 'polling'],
        ['Success', 'polling'],
      ],
    );
    assert.ok(replies.every(({ content }) => content.additionalInfo.ableToOpenMGSConnection === false));
    server.offer(document, { polled: true, id });
    await until('it is acknowledged again', () => server.named('AcknowledgeMessage').length === 2);
    const wrong = server.offer({ schemaVersion: '7.7' }, { polled: true });
    await until('it failed', () => server.endOf(wrong) !== undefined);
    assert.match(server.endOf(wrong)!.documentTraceOutput, /schemaVersion/);
    server.state.messages.push({ MessageId: 'aws.ssm.x.y', Topic: 'weird', Payload: '{}' });
    await until('it is refused', () => server.named('FailMessage').length === 1);
    assert.equal(server.named('AcknowledgeMessage').length, 2);
    assert.equal(readFileSync(mark, 'utf8'), 'ran\n');
  } finally {
    await agent.close();
  }
});

test('while what is left of commands can’t be read none is taken; polling goes on, and so do they later', async () => {
  const [nodeId] = server.keys.keys();
  server.mischief.set(`POST /v1/control-channel/${nodeId}`, {
    status: 400,
    code: 'AccessDeniedException',
    xml: true,
  });
  // A folder where a file should be can't be read, whoever runs this.
  const journal = join(it.root, 'jobs', randomUUID(), 'journal');
  mkdirSync(journal, { recursive: true });
  const clock = manualClock();
  const { openAgent } = await import('../agent.ts');
  const { silentLog } = await import('../log.ts');
  const agent = openAgent({ root: it.root, log: silentLog, clock, random: () => 0 });
  const until = (what: string, holds: () => boolean) =>
    server.until(what, () => {
      clock.advance(500);
      return holds();
    });
  try {
    await until('it polls', () => agent.status().state === 'polling');
    const document = shellDocument(['true']);
    const id = server.offer(document, { polled: true });
    const polls = server.named('GetMessages').length;
    await until('it polls on', () => server.named('GetMessages').length > polls + 3);
    assert.equal(agent.status().state, 'polling');
    assert.deepEqual(server.named('AcknowledgeMessage'), []);
    rmSync(journal, { recursive: true });
    server.offer(document, { polled: true, id });
    await until('it ended', () => server.endOf(id)?.documentStatus === 'Success');
  } finally {
    await agent.close();
  }
});
