/** Mail both ways, over channels and polls, with the frames that amazon-ssm-agent 3.3.0.0 was recorded sending. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { decodeFrame, encodeFrame, type Frame, FrameType, messageFrame } from '@rollcall/wire';
import type { WebSocket } from 'ws';
import { openBus, textBus } from '../bus/index.ts';
import { Refusal } from '../service/index.ts';
import type { Answer, Mail, Mailbox, Recipient, Reply } from './mailbox.ts';
import { pollWait } from './polls.ts';
import { callOf, closeCode, nodeId, openTestDoor, region, type TestDoor, until } from './testing/door.ts';

interface RecordedFrame {
  readonly type: string;
  readonly id: string;
  readonly header: string;
  readonly payload: string;
}
const recorded: { frames: RecordedFrame[] } = JSON.parse(
  readFileSync(new URL('./fixtures/agent-frames.json', import.meta.url), 'utf8'),
);
const bytesOf = (frame: RecordedFrame) =>
  Buffer.concat([Buffer.from(frame.header, 'hex'), Buffer.from(frame.payload)]);

/** A mailbox in memory, as small as the rules allow. */
function memoryMailbox() {
  const due: Mail[] = [];
  const known = new Set<string>();
  const said: (Answer | Reply)[] = [];
  const asked: Recipient[] = [];
  const state = { due, known, said, asked, broken: false };
  const take = async (jobId: string, what: Answer | Reply) => {
    if (state.broken) throw new Error('disk full');
    if (!known.has(jobId)) return 'unknown' as const;
    said.push(what);
    return 'taken' as const;
  };
  const mailbox: Mailbox = {
    async due(to, limit) {
      asked.push(...to);
      return due.filter((mail) => to.some((recipient) => recipient.nodeId === mail.nodeId)).slice(0, limit);
    },
    async offered(_to, mail) {
      for (const job of mail) {
        known.add(job.jobId);
        due.splice(due.indexOf(job), 1);
      }
      return mail;
    },
    waiting: async () => due.map((mail) => mail.nodeId),
    answered: (_from, answer) => take(answer.jobId, answer),
    replied: (_from, reply) => take(reply.jobId, reply),
  };
  return { ...state, mailbox, state };
}

function mailOf(n: number, content = '{"Parameters":{}}'): Mail {
  const command = `47714175-73a3-4bee-8a01-${String(n).padStart(12, '0')}`;
  return {
    nodeId,
    jobId: `aws.ssm.${command}.${nodeId}`,
    topic: `aws.ssm.sendCommand.${region}.${nodeId}`,
    content,
    createdAt: Date.UTC(2026, 10, 23, 12, 32, 37, 342),
    attempt: 0,
  };
}

function frames(socket: WebSocket): Frame[] {
  const arrived: Frame[] = [];
  socket.on('message', (data: Buffer) => arrived.push(decodeFrame(data)));
  return arrived;
}

const getMessages = (door: TestDoor, gone?: AbortSignal) =>
  operationOf(door, 'GetMessages').handle(callOf(nodeId, gone ? { gone } : {}), {
    Destination: nodeId,
    MessagesRequestId: 'fe7c23a8-cabe-4f7b-8a15-81f93bb11c08',
    VisibilityTimeoutInSeconds: 10,
  });
const operationOf = (door: TestDoor, name: string) =>
  door.channels.operations.find((operation) => operation.name === name)!;
const nothing = {
  Destination: nodeId,
  MessagesRequestId: 'fe7c23a8-cabe-4f7b-8a15-81f93bb11c08',
  Messages: [],
};

describe('mail over a control channel', () => {
  const box = memoryMailbox();
  let door: TestDoor;
  before(async () => {
    door = await openTestDoor({ mailbox: box.mailbox });
  });
  after(() => door.close());

  it('is offered when the channel opens, and at a wake-up', async () => {
    box.due.push(mailOf(1));
    const socket = await door.connect();
    const arrived = frames(socket);
    await until(() => arrived.length === 1);
    assert.equal(arrived[0]!.type, 'agent_job');
    assert.deepEqual(JSON.parse(Buffer.from(arrived[0]!.payload).toString()), {
      SchemaVersion: 1,
      JobId: mailOf(1).jobId,
      Topic: mailOf(1).topic,
      Content: mailOf(1).content,
    });
    for (let n = 2; n < 30; n++) box.due.push(mailOf(n));
    door.channels.wake(nodeId);
    await until(() => arrived.length === 29);
    assert.equal(new Set(arrived.map((frame) => frame.id)).size, 29);
    socket.close();
    await until(() => !door.channels.isOpen(nodeId));
  });

  it('however much it is, reaches a node that reads slowly, and costs it no channel', async () => {
    const before = door.channels.counts();
    const socket = await door.connect();
    const arrived = frames(socket);
    socket.pause();
    const count = 150;
    for (let n = 0; n < count; n++) box.due.push(mailOf(100 + n, '"'.repeat(99_000)));
    door.channels.wake(nodeId);
    for (let second = 0; second < 10; second++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      door.clock.advance(1_000);
    }
    assert.ok(box.due.length > 0, 'what it does not take stays where it is safe');
    assert.ok(door.channels.isOpen(nodeId));
    socket.resume();
    await until(() => arrived.length === count);
    assert.equal(door.channels.counts().overflowed, before.overflowed);
    socket.close();
    await until(() => !door.channels.isOpen(nodeId));
  });

  it('is found by the sweep when the wake-up was lost', async () => {
    const socket = await door.connect();
    const arrived = frames(socket);
    await until(() => box.due.length === 0);
    box.due.push(mailOf(40));
    door.clock.advance(5_000);
    await until(() => arrived.length === 1);
    socket.close();
    await until(() => !door.channels.isOpen(nodeId));
  });

  it('takes the frames that the official agent sent, and acknowledges replies it keeps', async () => {
    const socket = await door.connect();
    const arrived = frames(socket);
    for (const frame of recorded.frames) box.known.add(JSON.parse(frame.payload).jobId);
    box.said.length = 0;
    for (const frame of recorded.frames) socket.send(bytesOf(frame));
    const replies = recorded.frames.filter((frame) => frame.type === 'agent_job_reply');
    await until(() => arrived.length === replies.length);
    assert.deepEqual(
      arrived.map((frame) => [frame.type, JSON.parse(Buffer.from(frame.payload).toString())]),
      replies.map((reply) => [
        'agent_job_reply_ack',
        { jobId: JSON.parse(reply.payload).jobId, acknowledgedMessageId: reply.id },
      ]),
    );
    const verdicts = box.said.flatMap((what) =>
      'verdict' in what ? [`${what.reason}: ${what.verdict}`] : [],
    );
    assert.deepEqual(verdicts.sort(), [
      '200 Successful: accepted',
      '51402 ProcessorBufferFull: later',
      '51405 DuplicateCommand: accepted',
      '51408 AgentJobMessageParseError: refused',
    ]);
    assert.ok(door.channels.isOpen(nodeId), 'frames of sessions and unknown kinds do no harm');
    socket.close();
    await until(() => !door.channels.isOpen(nodeId));
  });

  it('takes the longest reply that the official agent sends, whatever is escaped in it', async () => {
    const socket = await door.connect();
    const arrived = frames(socket);
    const { jobId } = mailOf(1);
    box.known.add(jobId);
    box.said.length = 0;
    const begins = '{"documentStatus":"Success","documentTraceOutput":"';
    const content = `${begins}${'\\"'.repeat((120_000 - begins.length - 2) / 2)}"}`;
    const payload = { schemaVersion: 1, jobId, content, topic: 'aws.ssm.sendCommand' };
    socket.send(encodeFrame(messageFrame(FrameType.agentJobReply, payload, { createdAt: 1 })));
    await until(() => arrived.length === 1);
    assert.equal((box.said[0] as Reply).content, content);
    socket.close();
    await until(() => !door.channels.isOpen(nodeId));
  });

  it('never acknowledges a reply that nobody kept', async () => {
    box.known.clear();
    const socket = await door.connect();
    const arrived = frames(socket);
    const reply = recorded.frames.find((frame) => frame.type === 'agent_job_reply')!;
    socket.send(bytesOf(reply));
    box.known.add(JSON.parse(reply.payload).jobId);
    box.said.length = 0;
    box.state.broken = true;
    socket.send(bytesOf(reply));
    assert.equal(await closeCode(socket), 1011, 'so that the agent says it again');
    box.state.broken = false;
    assert.deepEqual(arrived, []);
  });
});

describe('mail by polling', () => {
  const box = memoryMailbox();
  let door: TestDoor;
  before(async () => {
    door = await openTestDoor({ mailbox: box.mailbox });
  });
  after(() => door.close());

  it('waits a quarter of a minute, then says that there is nothing', async () => {
    let answered = false;
    const poll = getMessages(door).then((answer) => {
      answered = true;
      return answer;
    });
    for (let second = 1; second * 1_000 < pollWait; second++) door.clock.advance(1_000);
    await new Promise(setImmediate);
    assert.equal(answered, false);
    door.clock.advance(1_000);
    assert.deepEqual(await poll, nothing);
  });

  it('is answered as soon as there is mail', async () => {
    const poll = getMessages(door);
    box.due.push(mailOf(1));
    door.channels.wake(nodeId);
    assert.deepEqual((await poll).Messages, [
      {
        MessageId: mailOf(1).jobId,
        Destination: nodeId,
        Topic: mailOf(1).topic,
        CreatedDate: '2026-11-23T12:32:37.342Z',
        Payload: mailOf(1).content,
      },
    ]);
    assert.equal(box.asked.at(-1)?.epoch, undefined);
  });

  it('ends when a newer poll comes, when the client goes, and when the node is cut off', async () => {
    const older = getMessages(door);
    const gone = new AbortController();
    const newer = getMessages(door, gone.signal);
    assert.deepEqual(await older, nothing);
    gone.abort();
    assert.deepEqual(await newer, nothing);
    const cut = getMessages(door);
    door.channels.disconnect(nodeId, 'deregistered');
    assert.deepEqual(await cut, nothing);
    assert.equal(door.channels.counts().polling, 0);
  });

  it('gets nothing while a control channel is open', async () => {
    const socket = await door.connect();
    const arrived = frames(socket);
    const poll = getMessages(door);
    box.due.push(mailOf(2));
    door.channels.wake(nodeId);
    await until(() => arrived.length === 1);
    assert.equal(door.channels.counts().polling, 1);
    door.channels.disconnect(nodeId, 'done');
    assert.deepEqual(await poll, nothing);
  });

  it('hands on what the agent says, and refuses what is about no message of ours', async () => {
    const { jobId } = mailOf(1);
    const say = (name: string, more: object = {}) =>
      operationOf(door, name).handle(callOf(nodeId), { MessageId: jobId, ...more });
    box.said.length = 0;
    assert.deepEqual(await say('AcknowledgeMessage'), {});
    assert.deepEqual(await say('SendReply', { Payload: '{}', ReplyId: 'r' }), {});
    assert.deepEqual(await say('FailMessage', { FailureType: 'InternalHandlerException' }), {});
    assert.deepEqual(await say('DeleteMessage'), {});
    assert.deepEqual(box.said, [
      { jobId, verdict: 'accepted', reason: 'acknowledged' },
      { jobId, replyId: 'r', content: '{}' },
      { jobId, verdict: 'refused', reason: 'InternalHandlerException' },
      { jobId, verdict: 'accepted', reason: 'deleted' },
    ]);
    box.known.clear();
    await assert.rejects(say('AcknowledgeMessage'), { code: 'InvalidMessageIdException' });
    await assert.rejects(say('SendReply', { Payload: '{}', ReplyId: 'r' }), Refusal);
  });

  it('is for the node of the message only', () => {
    const { access } = operationOf(door, 'SendReply');
    assert.ok(access.by === 'own-node');
    assert.equal(access.node({ MessageId: mailOf(1).jobId }), nodeId);
  });

  it('names the endpoint by which the caller came', async () => {
    assert.deepEqual(await operationOf(door, 'GetEndpoint').handle(callOf(nodeId), { Destination: nodeId }), {
      Endpoint: 'localhost:8443',
    });
  });

  it('ends at once when the server stops, and then no longer waits', async () => {
    const poll = getMessages(door);
    await door.channels.close();
    assert.deepEqual(await poll, nothing);
    assert.deepEqual(await getMessages(door), nothing);
  });
});

describe('servers beside each other', () => {
  it('wake, tell and cut the nodes that another one holds', async () => {
    const bus = textBus(openBus());
    const box = memoryMailbox();
    const holder = await openTestDoor({ bus, mailbox: box.mailbox });
    const other = await openTestDoor({ bus });
    const socket = await holder.connect();
    const arrived = frames(socket);
    box.due.push(mailOf(1));
    other.channels.wake(nodeId);
    await until(() => arrived.length === 1);
    const frame = decodeFrame(bytesOf(recorded.frames[0]!));
    other.channels.tell(nodeId, frame);
    await until(() => arrived.length === 2);
    assert.deepEqual(encodeFrame(arrived[1]!), encodeFrame(frame));
    const code = closeCode(socket);
    other.channels.disconnect(nodeId, 'deregistered');
    assert.equal(await code, 1008);
    await Promise.all([holder.close(), other.close()]);
  });
});
