/** Simulated agents' dealings with jobs, over real websockets, against what amazon-ssm-agent 3.3.0.0 was recorded saying. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, it } from 'node:test';
import { decodeFrame, encodeFrame, type Frame, frameMessage, messageFrame } from '@rollcall/wire';
import { WebSocket, WebSocketServer } from 'ws';
import type { AgentCalls } from './agent-calls.ts';
import { type OfficialJobsOptions, openOfficialJobs, type PlannedStep } from './official-jobs.ts';
import { newAgent } from './simulated-agent.ts';

const nodeId = 'mi-0123456789abcdef0';
const recorded: { frames: { type: string; payload: string }[] } = JSON.parse(
  readFileSync(
    join(import.meta.dirname, '../../packages/server/src/channels/fixtures/agent-frames.json'),
    'utf8',
  ),
);
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const shell = {
  schemaVersion: '1.2',
  runtimeConfig: { 'aws:runShellScript': { properties: [{ runCommand: ['true'] }] } },
};
const twoSteps = {
  schemaVersion: '2.2',
  mainSteps: ['s1', 's2'].map((name) => ({ name, action: 'aws:runShellScript', inputs: {} })),
};
const contentOf = (document: object) => JSON.stringify({ DocumentContent: document, Parameters: {} });
const step = (name: string, more: Partial<PlannedStep> = {}): PlannedStep => ({
  name,
  plugin: 'aws:runShellScript',
  status: 'Success',
  code: 0,
  stdout: '',
  stderr: '',
  ...more,
});

/** An agent with a channel to a server that only listens. */
async function openScene(options: OfficialJobsOptions = {}) {
  let now = Date.UTC(2026, 10, 23);
  const heard: Frame[] = [];
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const agent = newAgent(0);
  agent.nodeId = nodeId;
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await once(socket, 'open');
  agent.socket = socket;
  const [theirs] = (await accepted) as [WebSocket];
  theirs.on('message', (data: Buffer) => heard.push(decodeFrame(data)));
  const jobs = openOfficialJobs({ now: () => now, disorder: 0, ...options });
  socket.on('message', (data: Buffer) => jobs.answer(agent, decodeFrame(data)));
  closing.push(async () => {
    jobs.close();
    socket.terminate();
    for (const client of server.clients) client.terminate();
    await new Promise((done) => server.close(done));
  });
  const tell = (type: string, message: object) => {
    const frame = messageFrame(type, message, { createdAt: now });
    theirs.send(encodeFrame(frame));
    return frame;
  };
  return {
    jobs,
    agent,
    heard,
    /** Offers a job; answers its id. */
    offer(content: string, id = `aws.ssm.${randomUUID()}.${nodeId}`, kind = 'sendCommand'): string {
      tell('agent_job', {
        SchemaVersion: 1,
        JobId: id,
        Topic: `aws.ssm.${kind}.us-east-1.${nodeId}`,
        Content: content,
      });
      return id;
    },
    acknowledge(frame: Frame) {
      tell('agent_job_reply_ack', { jobId: frameMessage(frame).jobId, acknowledgedMessageId: frame.id });
    },
    turn(ms: number) {
      now += ms;
      jobs.tick();
    },
    /** What was said, once that many frames have come and no more are under way. */
    async said(count: number) {
      const until = Date.now() + 3_000;
      while (heard.length < count && Date.now() < until) await new Promise(setImmediate);
      // What comes over the same socket comes in order: after the answer to a ping nothing is left.
      theirs.ping();
      await once(theirs, 'pong');
      return heard.splice(0).map((frame) => {
        const message = frameMessage(frame);
        const report = message.content === undefined ? undefined : JSON.parse(String(message.content));
        return { frame, message, report, code: message.statusCode };
      });
    },
  };
}

const steps = (report: { runtimeStatus: Record<string, { status: string; code: number }> }) =>
  Object.entries(report.runtimeStatus ?? {}).map(([name, { status, code }]) => `${name} ${status} ${code}`);

it('says word for word what the official agent said', async () => {
  const plan = { steps: [step('aws:runShellScript', { stdout: 'hello\n', stderr: 'oops\n' })] };
  const scene = await openScene({ plan: () => plan });
  scene.offer(contentOf(shell), `aws.ssm.cb0bd50b-8589-4885-bdcd-53cdc016ea38.${nodeId}`);
  const said = await scene.said(4);
  const plain = (payload: string) =>
    payload
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
      .replace(/"acknowledgedMessageId":"[^"]*"/, '"acknowledgedMessageId":"ID"');
  const theirs = recorded.frames.slice(0, 4).map(({ type, payload }) => `${type} ${plain(payload)}`);
  const ours = said.map(({ frame }) => `${frame.type} ${plain(Buffer.from(frame.payload).toString())}`);
  // The final report of the recording had overtaken the step's.
  assert.deepEqual(ours, [theirs[0], theirs[1], theirs[3], theirs[2]]);
});

it('runs a command once, however often it is offered within half an hour', async () => {
  const scene = await openScene();
  const id = scene.offer(contentOf(shell));
  assert.deepEqual(
    (await scene.said(4)).map(({ code, report }) => code ?? report.documentStatus),
    ['200', 'InProgress', 'InProgress', 'Success'],
  );
  scene.offer(contentOf(shell), id);
  assert.deepEqual(
    (await scene.said(1)).map(({ code }) => code),
    ['51405'],
  );
  assert.equal(scene.jobs.runs(id), 1);
  scene.turn(30 * 60_000 + 1);
  await scene.said(2);
  scene.offer(contentOf(shell), id);
  assert.equal((await scene.said(4))[0]?.code, '200');
  assert.equal(scene.jobs.runs(id), 2, 'its memory has an end');
});

it('takes ten documents, runs five of them, and is full', async () => {
  const scene = await openScene({ plan: () => ({ steps: [step('aws:runShellScript', { takes: 1_000 })] }) });
  const ids = Array.from({ length: 11 }, () => scene.offer(contentOf(shell)));
  const codes = (await scene.said(21)).flatMap(({ code }) => code ?? []);
  assert.deepEqual(codes, [...Array(10).fill('200'), '51402']);
  assert.deepEqual(
    ids.map((id) => scene.jobs.runs(id)),
    [...Array(5).fill(1), ...Array(6).fill(0)],
  );
  scene.turn(1_000);
  await scene.said(10);
  scene.offer(contentOf(shell), ids[10]);
  assert.equal((await scene.said(2))[0]?.code, '200', 'what it did not take it does not know');
  scene.turn(1_000);
  scene.turn(1_000);
  await scene.said(12);
  assert.ok(ids.every((id) => scene.jobs.runs(id) === 1));
});

it('refuses what it cannot read, and says Failed without a reason', async () => {
  const scene = await openScene();
  const bad = ['no json', contentOf({ ...shell, schemaVersion: '7.7' })];
  for (const content of bad) {
    const id = scene.offer(content);
    const [ack, reply] = await scene.said(2);
    assert.equal(ack?.code, '51408');
    assert.deepEqual([reply?.report.documentStatus, reply?.report.documentTraceOutput], ['Failed', '']);
    assert.equal(scene.jobs.runs(id), 0);
  }
});

it('says a report again, under the same id, until it is acknowledged', async () => {
  const acknowledged: string[] = [];
  const scene = await openScene({ acknowledged: ({ report }) => acknowledged.push(report.status) });
  scene.offer(contentOf(shell));
  const [, , first, last] = await scene.said(4);
  scene.acknowledge(last!.frame);
  await scene.said(0);
  scene.turn(299_999);
  assert.deepEqual(await scene.said(0), []);
  scene.turn(1);
  assert.deepEqual(
    (await scene.said(1)).map(({ frame }) => frame.id),
    [first?.frame.id],
  );
  scene.acknowledge(first!.frame);
  await scene.said(0);
  assert.deepEqual(acknowledged, ['Success', 'InProgress']);
  assert.equal(scene.jobs.unacknowledged, 0);
  scene.turn(600_000);
  assert.deepEqual(await scene.said(0), []);
});

it('lets a report overtake the one before it', async () => {
  const scene = await openScene({ disorder: 1 });
  scene.offer(contentOf(twoSteps));
  const said = await scene.said(5);
  assert.deepEqual(
    said.slice(1).map(({ report }) => [report.documentStatus, ...steps(report)].join(' ')),
    ['InProgress', 'InProgress s2 Success 0', 'InProgress s1 Success 0', 'Success'],
  );
});

it('cancels as the official agent did: 137 what runs, 1 what has not begun', async () => {
  const plan = { steps: [step('s1', { takes: 9_000 }), step('s2')] };
  const scene = await openScene({ plan: () => plan });
  const id = scene.offer(contentOf(twoSteps));
  await scene.said(2);
  scene.offer(JSON.stringify({ CancelMessageId: id }), undefined, 'cancelCommand');
  const said = await scene.said(5);
  assert.deepEqual(
    said.map(({ code, message, report }) =>
      code ? String(code) : `${message.topic} ${[report.documentStatus, ...steps(report)].join(' ')}`,
    ),
    [
      '200',
      'aws.ssm.cancelCommand InProgress',
      'aws.ssm.sendCommand InProgress s1 Cancelled 137',
      'aws.ssm.sendCommand InProgress s2 Cancelled 1',
      'aws.ssm.sendCommand Cancelled',
    ],
  );
  scene.turn(9_000);
  assert.deepEqual(await scene.said(0), [], 'what was cancelled does not end again');
});

it('reports a reboot, goes away, and ends once it is back', async () => {
  const scene = await openScene({ plan: () => ({ steps: [step('aws:runShellScript', { reboots: true })] }) });
  const id = scene.offer(contentOf(shell));
  assert.deepEqual(
    (await scene.said(4)).flatMap(({ report }) => report?.documentStatus ?? []),
    ['InProgress', 'InProgress', 'SuccessAndReboot'],
  );
  scene.turn(1);
  assert.ok(scene.agent.socket!.readyState >= WebSocket.CLOSING);
  assert.equal(scene.jobs.runs(id), 1);
});

it('answers polled messages in the order that was recorded, and tries again what was not taken', async () => {
  const called: string[] = [];
  let taken = true;
  const calls = {
    async call(_agent: unknown, target: string, input: Record<string, string>) {
      const what = target.split('.')[1]!;
      const report = input.Payload === undefined ? undefined : JSON.parse(input.Payload);
      called.push([what, ...(report ? [report.documentStatus, ...steps(report)] : [])].join(' '));
      if (!taken) throw new Error('gone');
      return {};
    },
  } as unknown as AgentCalls;
  const scene = await openScene({ calls: () => calls });
  const message = (content: string, id = `aws.ssm.${randomUUID()}.${nodeId}`, topic = 'sendCommand') => ({
    MessageId: id,
    Topic: `aws.ssm.${topic}.us-east-1.${nodeId}`,
    CreatedDate: '2026-11-23T12:32:37.342Z',
    Payload: content,
  });
  const first = message(contentOf(shell));
  await scene.jobs.polled(scene.agent, [first]);
  const step1 = 'aws:runShellScript Success 0';
  const expected = ['SendReply InProgress', 'AcknowledgeMessage'];
  assert.deepEqual(called.splice(0), [
    ...expected,
    `SendReply InProgress ${step1}`,
    `SendReply Success ${step1}`,
  ]);
  await scene.jobs.polled(scene.agent, [first]);
  assert.deepEqual(called.splice(0), expected, 'the same again');
  assert.equal(scene.jobs.runs(first.MessageId), 1);
  await scene.jobs.polled(scene.agent, [message('{}')]);
  assert.deepEqual(called.splice(0), ['SendReply Failed'], 'what it cannot read is not acknowledged');
  await scene.jobs.polled(scene.agent, [message('{}', undefined, 'makeCoffee')]);
  assert.deepEqual(called.splice(0), ['FailMessage']);
  taken = false;
  await scene.jobs.polled(scene.agent, [message(contentOf(shell))]);
  called.splice(0);
  taken = true;
  scene.turn(300_000);
  assert.deepEqual(called.splice(0), [`SendReply InProgress ${step1}`, `SendReply Success ${step1}`]);
});
