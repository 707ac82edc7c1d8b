/**
 * Two servers with one database: whatever the one writes while the other does, each node has a command once, each
 * invocation ends once, and the counters say what the rows say.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startPostgres, type TestPostgres } from '../../../../test/support/postgres.ts';
import { openDocuments } from '../documents/index.ts';
import { account } from '../nodes/testing.ts';
import { openPresence } from '../presence/index.ts';
import { openGround } from '../presence/testing.ts';
import { openStore } from '../store/index.ts';
import { type Commands, openCommands } from './index.ts';
import { openCommandsWorld, region } from './testing.ts';

let server: TestPostgres;
before(async () => {
  server = await startPostgres();
});
after(() => server?.stop());

const all = [{ Key: 'InstanceIds', Values: ['*'] }];

test('two servers settle, let go and cancel the same commands', async (context) => {
  const url = await server.createDatabase();
  const ground = await openGround(context, url);
  const world = await openCommandsWorld(context, { ground });
  const { clock, tags } = world;
  const store = await openStore({ kind: 'postgres', url });
  const presence = await openPresence({ store, clock, serverId: 'server-2' });
  const other = openCommands({
    store,
    clock,
    account,
    presence,
    documents: openDocuments({ store, account, tags }),
    serverId: 'server-2',
    decide: async () => ({ allowed: true }),
  });
  context.after(async () => {
    await other.close();
    await presence.close();
    await store.close();
  });

  const nodes: { nodeId: string; epoch: number; at: Commands; beside: Commands }[] = [];
  for (let n = 0; n < 40; n++) {
    const nodeId = await world.member();
    const epoch = (await (n % 2 ? presence : world.presence).channelOpened(region, nodeId))!;
    nodes.push({ nodeId, epoch, at: n % 2 ? other : world.commands, beside: n % 2 ? world.commands : other });
  }
  const narrow = await world.send({ Targets: all, MaxConcurrency: '7', MaxErrors: '100%' });
  const doomed = await world.send({ Targets: all, MaxConcurrency: '5', MaxErrors: '3' });
  const cancelled = await world.send({ Targets: all, MaxConcurrency: '9', MaxErrors: '100%' });
  const sent = [narrow, doomed, cancelled].map((one) => one.CommandId as string);
  const rows = () => world.store.read((tx) => tx.everywhere.selectFrom('invocations').selectAll().execute());
  const command = async (CommandId: string) => (await world.call('ListCommands', { CommandId })).Commands[0];

  let over = false;
  const begun = new Map<string, number>();
  const agent = async ({ nodeId, epoch, at, beside }: (typeof nodes)[number], index: number) => {
    const me = { region, nodeId, epoch };
    while (!over) {
      const mail = await at.mailbox.offered([me], await at.mailbox.due([me], 10));
      for (const { jobId, topic } of mail) {
        const say = (status: string) =>
          JSON.stringify({ documentStatus: status, documentTraceOutput: '', runtimeStatus: null });
        if (topic.startsWith('aws.ssm.cancelCommand')) {
          await at.mailbox.answered(me, { jobId, verdict: 'accepted', reason: '' });
          continue;
        }
        begun.set(jobId, (begun.get(jobId) ?? 0) + 1);
        const end = say(index % 4 === 0 ? 'Failed' : 'Success');
        // What was said over a channel that is lost comes again over the next, at another server.
        await Promise.all([
          at.mailbox.answered(me, { jobId, verdict: 'accepted', reason: '' }),
          at.mailbox.replied(me, { jobId, content: say('InProgress') }),
          beside.mailbox.replied(me, { jobId, content: end }),
          at.mailbox.replied(me, { jobId, content: end }),
        ]);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const agents = nodes.map(agent);
  while ((await command(sent[2]!)).CompletedCount < 5) await new Promise((resolve) => setTimeout(resolve, 2));
  const cancel = other.operations.find((one) => one.name === 'CancelCommand')!;
  await Promise.all([
    world.call('CancelCommand', { CommandId: sent[2] }),
    cancel.handle(
      {
        id: 'a',
        at: clock.now(),
        region,
        account,
        principal: { kind: 'user', arn: `arn:aws:iam::${account}:user/b`, name: 'b', accessKeyId: 'AKIA' },
        source: { address: '192.0.2.1', port: 1, userAgent: 'test' },
        operation: 'ssm:CancelCommand',
        headers: {},
      },
      { CommandId: sent[2] },
    ),
  ]);
  for (let turn = 0; (await rows()).some((row) => row.ended_at === null); turn++) {
    assert.ok(turn < 1000, 'all of them end');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  over = true;
  await Promise.all(agents);

  const ended = await rows();
  for (const id of sent) {
    const mine = ended.filter((row) => row.command_id === id);
    const { CompletedCount, ErrorCount, Status } = await command(id);
    assert.equal(CompletedCount, nodes.length);
    assert.equal(ErrorCount, mine.filter((row) => row.state === 'Failed').length);
    assert.deepEqual(
      mine.map((row) => row.number).sort((a, b) => a! - b!),
      nodes.map((_, index) => index + 1),
    );
    assert.equal(Status, id === sent[0] ? 'Failed' : id === sent[1] ? 'Failed' : 'Cancelled');
  }
  assert.ok(ended.some((row) => row.command_id === sent[1] && row.state === 'Terminated'));
  assert.ok(ended.some((row) => row.command_id === sent[2] && row.state === 'Cancelled'));
  assert.ok(
    [...begun.values()].every((times) => times === 1),
    'no node had a command twice',
  );
  const reached = ended.filter((row) => row.attempt > 0).length;
  assert.equal(begun.size, reached);
});
