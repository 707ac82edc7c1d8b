/** What Run Command promises, on either engine. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { refusalOf } from '../nodes/testing.ts';
import { type Ground, pass, passListening } from '../presence/testing.ts';
import { cancelJobId, jobId } from './ids.ts';
import { leaseTime } from './life.ts';
import { officialMemory } from './mailbox.ts';
import { type CommandsWorld, nodePrincipal, openCommandsWorld, region } from './testing.ts';

type Case = (context: TestContext, ground?: Ground) => Promise<void>;

const open = (context: TestContext, ground: Ground | undefined, deps = {}) =>
  openCommandsWorld(context, { ...(ground && { ground }), deps });

/** The whole way of a command to its end. */
async function run(world: CommandsWorld, nodeId: string, commandId: string, status = 'Success') {
  for (const mail of await world.offers(nodeId)) {
    if (mail.jobId !== jobId(commandId, nodeId)) continue;
    await world.answer(nodeId, mail.jobId);
    await world.reply(nodeId, mail.jobId, status, { code: status === 'Success' ? 0 : 3 });
  }
}

/** All cases, by what they show. */
export const cases: Readonly<Record<string, Case>> = {
  async 'a command goes to a node, runs, and its result is there'(context, ground) {
    const world = await open(context, ground);
    const nodeId = await world.member({ name: 'web-01' });
    const sent = await world.send({ InstanceIds: [nodeId], Comment: 'hello', TimeoutSeconds: 600 });
    assert.equal(sent.Status, 'Pending');
    assert.equal(sent.TargetCount, 1);
    assert.deepEqual(sent.Parameters, { commands: ['true'] });
    assert.equal(sent.ExpiresAfter.getTime(), world.clock.now() + (600 + 3600) * 1000);
    assert.deepEqual(world.woken, [nodeId]);
    const before = await world.invocation(sent.CommandId, nodeId);
    assert.equal(before.Status, 'Pending');
    assert.equal(before.ResponseCode, -1);
    assert.equal(before.PluginName, 'aws:runShellScript');

    const [mail, ...more] = await world.offers(nodeId);
    assert.equal(more.length, 0);
    assert.equal(mail?.jobId, `aws.ssm.${sent.CommandId}.${nodeId}`);
    assert.equal(mail?.topic, `aws.ssm.sendCommand.${region}.${nodeId}`);
    const content = JSON.parse(mail?.content ?? '');
    assert.equal(content.CommandId, sent.CommandId);
    assert.equal(content.DocumentName, 'AWS-RunShellScript');
    assert.equal(content.CloudWatchOutputEnabled, 'false');
    assert.deepEqual(content.Parameters.commands, ['true']);
    assert.equal(content.DocumentContent.schemaVersion, '1.2');
    assert.deepEqual(await world.offers(nodeId), [], 'offered once');

    assert.equal(await world.answer(nodeId, mail!.jobId), 'taken');
    assert.equal((await world.invocation(sent.CommandId, nodeId)).Status, 'InProgress');
    await world.reply(nodeId, mail!.jobId, 'Success', { standardOutput: 'hi\n', output: 'hi\n' });
    const after = await world.invocation(sent.CommandId, nodeId);
    assert.equal(after.Status, 'Success');
    assert.equal(after.StatusDetails, 'Success');
    assert.equal(after.ResponseCode, 0);
    assert.equal(after.StandardOutputContent, 'hi\n');
    assert.equal(after.ExecutionElapsedTime, 'PT0.044S');
    const { Commands } = await world.call('ListCommands', { CommandId: sent.CommandId });
    assert.equal(Commands[0].Status, 'Success');
    assert.equal(Commands[0].CompletedCount, 1);
    assert.equal(Commands[0].Comment, 'hello');
    const { CommandInvocations } = await world.call('ListCommandInvocations', {
      CommandId: sent.CommandId,
      Details: true,
    });
    assert.equal(CommandInvocations[0].InstanceName, 'web-01');
    assert.equal(CommandInvocations[0].CommandPlugins[0].Output, 'hi\n');
    assert.equal(CommandInvocations[0].CommandPlugins[0].Name, 'aws:runShellScript');
    assert.equal(await world.reply(nodeId, mail!.jobId, 'Success', {}), 'taken', 'again: taken, and no harm');
  },

  async 'ids that can’t have it are refused with AWS’s words and our reason'(context, ground) {
    const world = await open(context, ground);
    const linux = await world.member();
    const windows = await world.member({ facts: { PlatformType: 'Windows' } });
    const unknown = 'mi-0123456789abcdef0';
    const no = await refusalOf(world.send({ InstanceIds: [unknown] }));
    assert.equal(no.code, 'InvalidInstanceId');
    assert.match(
      no.message,
      /^Instances \[\[mi-0123456789abcdef0\]\] not in a valid state for account 0{12}\. No node/,
    );
    const other = await refusalOf(world.send({ InstanceIds: [linux, windows] }));
    assert.equal(other.code, 'UnsupportedPlatformType');
    assert.match(other.message, /instance id mi-\w+ of platform type Windows/);
    const twice = await refusalOf(world.send({ InstanceIds: [linux, linux] }));
    assert.equal(twice.code, 'DuplicateInstanceId');
    assert.equal((await refusalOf(world.send({}))).code, 'ValidationException');
    const both = world.send({ InstanceIds: [linux], Targets: [{ Key: 'tag:a', Values: ['b'] }] });
    assert.equal((await refusalOf(both)).code, 'ValidationException');
    await world.call('DeregisterManagedInstance', { InstanceId: linux });
    assert.match((await refusalOf(world.send({ InstanceIds: [linux] }))).message, /was deregistered at/);
    const document = world.send({ InstanceIds: [windows], DocumentName: 'NoSuchThing' });
    assert.equal((await refusalOf(document)).code, 'InvalidDocument');
    const another = await world.member();
    const parameters = world.send({ InstanceIds: [another], Parameters: { comands: ['x'] } });
    assert.equal((await refusalOf(parameters)).code, 'InvalidParameters');
    const topic = world.send({
      InstanceIds: [another],
      NotificationConfig: { NotificationArn: 'arn:aws:sns:us-east-1:1:x', NotificationEvents: ['All'] },
    });
    assert.equal((await refusalOf(topic)).code, 'InvalidNotificationConfig');
    assert.deepEqual((await world.call('ListCommands')).Commands, []);
  },

  async 'targets find nodes; who can’t have it ends at once, and counts for nothing'(context, ground) {
    const denied: string[] = [];
    const world = await open(context, ground, {
      decide: async (_call: unknown, _action: string, [resource]: string[]) => ({
        allowed: !denied.some((id) => resource!.endsWith(id)),
      }),
    });
    const tags = [{ Key: 'env', Value: 'prod' }];
    const linux = await world.member({ name: 'web-01', tags });
    const windows = await world.member({ name: 'win-01', tags, facts: { PlatformType: 'Windows' } });
    const secret = await world.member({ name: 'db-01', tags });
    await world.member({ name: 'other' });
    denied.push(secret);
    const sent = await world.send({ Targets: [{ Key: 'tag:env', Values: ['prod'] }] });
    assert.equal(sent.TargetCount, 3);
    const details = async (id: string) => (await world.invocation(sent.CommandId, id)).StatusDetails;
    assert.equal(await details(windows), 'InvalidPlatform');
    assert.equal(await details(secret), 'AccessDenied');
    await run(world, linux, sent.CommandId);
    const { Commands } = await world.call('ListCommands', { CommandId: sent.CommandId });
    assert.equal(Commands[0].StatusDetails, 'Success');
    assert.equal(Commands[0].CompletedCount, 3);

    const unknown = 'mi-0123456789abcdef0';
    const named = await world.send({ Targets: [{ Key: 'InstanceIds', Values: [unknown] }] });
    assert.equal((await world.invocation(named.CommandId, unknown)).StatusDetails, 'Undeliverable');
    assert.equal(named.Status, 'Failed');
    const nobody = await world.send({ Targets: [{ Key: 'tag:env', Values: ['test'] }] });
    assert.equal(`${nobody.Status} ${nobody.StatusDetails}`, 'Success NoInstancesInTag');
    for (const [values, count] of [
      [['WEB-*'], 1],
      [['*-01'], 3],
      [['web_01'], 0],
      [['vm'], 4],
    ] as const) {
      const found = await world.call('PreviewTargets', {
        Targets: [{ Key: 'rollcall:name', Values: values }],
      });
      assert.equal(found.Total, count, String(values));
    }
    const all = await world.call('PreviewTargets', {
      DocumentName: 'AWS-RunShellScript',
      Targets: [{ Key: 'InstanceIds', Values: ['*'] }],
    });
    assert.equal(all.Total, 4);
    assert.deepEqual(all.Unsuitable, [{ StatusDetails: 'InvalidPlatform', Count: 1 }]);
  },

  async 'an answer that doesn’t come brings the offer again; a new channel at once'(context, ground) {
    const world = await open(context, ground);
    const nodeId = await world.member();
    const { CommandId } = await world.send({ InstanceIds: [nodeId] });
    const [first] = await world.offers(nodeId);
    assert.deepEqual(await world.commands.mailbox.waiting(10), []);
    world.clock.advance(leaseTime);
    assert.deepEqual(await world.commands.mailbox.waiting(10), [nodeId]);
    const [second] = await world.offers(nodeId);
    assert.equal(second?.jobId, first?.jobId, 'the same job, by which the agent knows it');
    assert.equal(second?.attempt, 1);
    const epoch = await world.presence.channelOpened(region, nodeId);
    const to = { region, nodeId, epoch };
    const due = await world.commands.mailbox.due([to], 10);
    assert.equal(due.length, 1, 'at once on a new channel');
    assert.deepEqual(await world.offers(nodeId), [], 'never on an old one');
    assert.equal((await world.commands.mailbox.offered([to], due)).length, 1);
    assert.deepEqual(await world.commands.mailbox.offered([to], due), [], 'one offer for each attempt');
    assert.equal(await world.answer(nodeId, first!.jobId, 'later'), 'taken');
    assert.equal((await world.invocation(CommandId, nodeId)).Status, 'Pending');
    assert.deepEqual(await world.commands.mailbox.due([to], 10), [], 'it is busy');
    world.clock.advance(10_000);
    assert.equal((await world.commands.mailbox.due([to], 10)).length, 1);
  },

  async 'the official agent is offered a command only while it would remember it'(context, ground) {
    const world = await open(context, ground);
    const official = await world.member();
    const ours = await world.member({ facts: { AgentName: 'rollcall-agent' } });
    await world.send({ InstanceIds: [official, ours], TimeoutSeconds: 86_400 });
    for (const id of [official, ours]) assert.equal((await world.offers(id)).length, 1);
    world.clock.advance(officialMemory + leaseTime);
    assert.equal((await world.offers(official)).length, 0);
    assert.equal((await world.offers(ours)).length, 1);
  },

  async 'a node speaks of its own commands only, and of none that it wasn’t sent'(context, ground) {
    const world = await open(context, ground);
    const [mine, other] = [await world.member(), await world.member()];
    const { CommandId } = await world.send({ InstanceIds: [other] });
    assert.equal(await world.reply(mine, jobId(CommandId, other), 'Success', {}), 'unknown');
    assert.equal(await world.reply(mine, jobId(CommandId, mine), 'Success', {}), 'unknown');
    assert.equal(await world.answer(mine, 'aws.ssm.nonsense'), 'unknown');
    assert.equal((await world.invocation(CommandId, other)).Status, 'Pending');
  },

  async 'what an agent says against a command is kept, however strange it is'(context, ground) {
    const world = await open(context, ground);
    const nodeId = await world.member();
    const { CommandId } = await world.send({ InstanceIds: [nodeId] });
    await world.offers(nodeId);
    const reason = `51408 \0\ud800${'x'.repeat(100_000)}`;
    const from = { region, nodeId, epoch: 1 };
    const answer = { jobId: jobId(CommandId, nodeId), verdict: 'refused', reason } as const;
    assert.equal(await world.commands.mailbox.answered(from, answer), 'taken');
    const { StatusDetails, StandardErrorContent } = await world.invocation(CommandId, nodeId);
    assert.equal(StatusDetails, 'Failed');
    assert.match(StandardErrorContent, /^The agent refused the command: 51408 \ufffd\ufffdx{2000,2500}\.$/);
  },

  async 'who waits for a turn until the time is over is told so'(context, ground) {
    const world = await open(context, ground);
    const ids = [await world.member(), await world.member()];
    const { CommandId } = await world.send({ InstanceIds: ids, MaxConcurrency: '1', TimeoutSeconds: 30 });
    await passListening(world, 3_640_000);
    for (const id of ids) assert.deepEqual(await world.offers(id), [], 'too late to begin');
    await world.commands.expire();
    const reasons = await Promise.all(
      ids.map(async (id) => (await world.invocation(CommandId, id)).StandardErrorContent),
    );
    assert.deepEqual(reasons.map((reason) => /turn had not come/.test(reason)).sort(), [false, true]);
  },

  async 'so many at a time, and no further after so many errors'(context, ground) {
    const world = await open(context, ground);
    const ids: string[] = [];
    for (let n = 0; n < 6; n++) ids.push(await world.member());
    const all = [{ Key: 'InstanceIds', Values: ['*'] }];
    const sent = await world.send({ Targets: all, MaxConcurrency: '2', MaxErrors: '1' });
    const states = async () =>
      Promise.all(ids.map(async (id) => (await world.invocation(sent.CommandId, id)).StatusDetails));
    assert.deepEqual(world.woken.length, 2);
    const first = world.woken.splice(0);
    await run(world, first[0]!, sent.CommandId);
    assert.equal(world.woken.length, 1, 'one done makes room for one');
    await run(world, first[1]!, sent.CommandId, 'Failed');
    assert.equal(world.woken.length, 2);
    await run(world, world.woken[0]!, sent.CommandId, 'Failed');
    assert.equal(world.woken.length, 2, 'the second error is one too many');
    assert.deepEqual((await states()).sort(), [
      'Failed',
      'Failed',
      'Pending',
      'Success',
      'Terminated',
      'Terminated',
    ]);
    await run(world, world.woken[1]!, sent.CommandId);
    const { Commands } = await world.call('ListCommands', { CommandId: sent.CommandId });
    assert.equal(Commands[0].Status, 'Failed');
    assert.equal(Commands[0].ErrorCount, 2);
    assert.equal(Commands[0].CompletedCount, 6);
    const watched = await world.call('WatchCommand', { CommandId: sent.CommandId, MaxResults: 100 });
    assert.deepEqual(
      watched.Finished.map((one: { Number: number }) => one.Number),
      [1, 2, 3, 4, 5, 6],
    );
    assert.equal(watched.Command.QueuedCount, 0);
  },

  async 'cancelling ends what nobody has, and tells who has it'(context, ground) {
    const world = await open(context, ground);
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) ids.push(await world.member());
    const all = [{ Key: 'InstanceIds', Values: ['*'] }];
    const sent = await world.send({ Targets: all, MaxConcurrency: '2' });
    const [running, waiting] = world.woken.splice(0);
    const [mail] = await world.offers(running!);
    await world.answer(running!, mail!.jobId);
    await world.reply(running!, mail!.jobId, 'InProgress');
    await world.call('CancelCommand', { CommandId: sent.CommandId });
    const status = async (id: string) => (await world.invocation(sent.CommandId, id)).Status;
    assert.equal(await status(running!), 'Cancelling');
    assert.equal(await status(waiting!), 'Cancelled');
    const { Commands } = await world.call('ListCommands', { CommandId: sent.CommandId });
    assert.equal(Commands[0].Status, 'Cancelling');
    assert.ok(world.woken.includes(running!));
    const [order] = await world.offers(running!);
    assert.equal(order?.jobId, cancelJobId(sent.CommandId, running!));
    assert.match(order?.topic ?? '', /^aws\.ssm\.cancelCommand\./);
    assert.deepEqual(JSON.parse(order?.content ?? ''), { CancelMessageId: mail!.jobId });
    await world.answer(running!, order!.jobId);
    assert.deepEqual(await world.offers(running!), [], 'told once');
    await world.reply(running!, mail!.jobId, 'Cancelled', { code: 137 });
    assert.equal(await status(running!), 'Cancelled');
    const after = await world.call('ListCommands', { CommandId: sent.CommandId });
    assert.equal(after.Commands[0].Status, 'Cancelled');
    assert.equal(after.Commands[0].CompletedCount, 3);
    await world.call('CancelCommand', { CommandId: sent.CommandId });
    const unknown = world.call('CancelCommand', { CommandId: '11111111-2222-4333-8444-555555555555' });
    assert.equal((await refusalOf(unknown)).code, 'InvalidCommandId');
  },

  async 'what nobody delivers ends by its deadline; time without a server doesn’t count'(context, ground) {
    const world = await open(context, ground);
    const nodeId = await world.member();
    const sent = await world.send({ InstanceIds: [nodeId], TimeoutSeconds: 30 });
    const before = sent.ExpiresAfter.getTime();
    const day = 86_400_000;
    world.clock.jump(day);
    await pass(world.clock, 15_000);
    assert.equal(await world.commands.expire(), 0);
    const { Commands: moved } = await world.call('ListCommands');
    const forgiven = moved[0].ExpiresAfter.getTime() - before;
    assert.ok(forgiven > day - 20_000 && forgiven <= day + 20_000, `${forgiven}`);
    const left = moved[0].ExpiresAfter.getTime() - world.clock.now();
    await passListening(world, left - 1000);
    assert.equal(await world.commands.expire(), 0);
    const look = () => world.invocation(sent.CommandId, nodeId);
    // Leases are renewed beside the test: time may count as blind that a real server wouldn't miss.
    for (let n = 0; n < 20 && (await look()).Status !== 'TimedOut'; n++) {
      world.clock.advance(5000);
      await sleep(30);
      await world.commands.expire();
    }
    const ended = await look();
    assert.equal(`${ended.Status} ${ended.StatusDetails}`, 'TimedOut DeliveryTimedOut');
    assert.match(ended.StandardErrorContent, /could not be reached/);
    const { Commands } = await world.call('ListCommands', { CommandId: sent.CommandId });
    assert.equal(Commands[0].StatusDetails, 'DeliveryTimedOut');
    assert.equal(Commands[0].DeliveryTimedOutCount, 1);
  },

  async 'all time without a server since it was sent is made good, and none before; though one died first'(
    context,
    ground,
  ) {
    const world = await open(context, ground);
    const day = 86_400_000;
    const lived = (from: number) => {
      const row = { server_id: `server of ${from}`, started_at: from, lease_until: from + 15_000 };
      return world.store.write((tx) =>
        tx.everywhere
          .insertInto('servers')
          .values({ ...row, stopped_at: row.lease_until })
          .execute(),
      );
    };
    const nodeId = await world.member();
    await lived(world.clock.now() - day);
    const sent = await world.send({ InstanceIds: [nodeId], TimeoutSeconds: 30 });
    await lived(world.clock.now() + day / 2);
    world.clock.jump(day);
    await pass(world.clock, 15_000);
    let forgiven = 0;
    // What a server does at its own pace, PostgreSQL may take a while for.
    for (let n = 0; n < 100 && forgiven === 0; n++) {
      await sleep(20);
      await world.commands.expire();
      const { Commands } = await world.call('ListCommands');
      forgiven = Commands[0].ExpiresAfter.getTime() - sent.ExpiresAfter.getTime();
    }
    assert.ok(forgiven > day - 50_000 && forgiven <= day, `${forgiven}`);
  },

  async 'a node that is deregistered leaves nothing waiting'(context, ground) {
    const world = await open(context, ground);
    const nodeId = await world.member();
    const sent = await world.send({ InstanceIds: [nodeId] });
    await world.call('DeregisterManagedInstance', { InstanceId: nodeId });
    assert.equal((await world.invocation(sent.CommandId, nodeId)).StatusDetails, 'Undeliverable');
    const { Commands } = await world.call('ListCommands');
    assert.equal(Commands[0].Status, 'Failed');
  },

  async 'lists: newest first, a page at a time, by every filter'(context, ground) {
    const world = await open(context, ground);
    const nodeId = await world.member();
    const sent: string[] = [];
    for (let n = 0; n < 5; n++) {
      sent.unshift((await world.send({ InstanceIds: [nodeId] })).CommandId);
      world.clock.advance(1000);
    }
    await run(world, nodeId, sent[0]!, 'Failed');
    const pages = async (name: string, input: object) => {
      const all: { CommandId: string; InstanceId: string }[] = [];
      let NextToken: string | undefined;
      do {
        const page = await world.call(name, { ...input, MaxResults: 2, ...(NextToken && { NextToken }) });
        all.push(...(page.Commands ?? page.CommandInvocations));
        NextToken = page.NextToken;
      } while (NextToken);
      return all;
    };
    const listed = async (input: object) => (await pages('ListCommands', input)).map((one) => one.CommandId);
    assert.deepEqual(await listed({}), sent);
    assert.deepEqual(await listed({ InstanceId: nodeId }), sent);
    const executing = { Filters: [{ key: 'ExecutionStage', value: 'Executing' }] };
    assert.deepEqual(await listed(executing), sent.slice(1));
    assert.deepEqual(await listed({ ...executing, InstanceId: nodeId }), sent.slice(1));
    const count = async (name: string, input: object) => {
      const page = await world.call(name, input);
      return (page.Commands ?? page.CommandInvocations).length;
    };
    const at = new Date(world.clock.now() - 2_500).toISOString();
    for (const [key, value, commands, invocations] of [
      ['Status', 'Failed', 1, 1],
      ['Status', 'Pending', 4, 0],
      ['Status', 'DeliveryTimedOut', 0, 0],
      ['DocumentName', 'AWS-RunShellScript', 5, 5],
      ['DocumentName', 'Other', 0, 0],
      ['InvokedAfter', at, 2, 2],
      ['InvokedBefore', at, 3, 3],
    ] as const) {
      const Filters = [{ key, value }];
      assert.equal(await count('ListCommands', { Filters }), commands, `${key}=${value}`);
      if (value === 'Pending') continue;
      assert.equal(await count('ListCommandInvocations', { Filters }), invocations, `${key}=${value}`);
    }
    assert.equal(await count('ListCommands', { InstanceId: nodeId }), 5);
    assert.equal(await count('ListCommands', { InstanceId: 'mi-0123456789abcdef0' }), 0);
    const stage = { Filters: [{ key: 'ExecutionStage', value: 'Complete' }] };
    assert.equal(await count('ListCommands', stage), 1);
    const others = await Promise.all([world.member(), world.member(), world.member()]);
    const wide = await world.send({ InstanceIds: others });
    const invocations = async (input: object) =>
      (await pages('ListCommandInvocations', input)).map((one) => `${one.CommandId} ${one.InstanceId}`);
    const ofWide = await invocations({ CommandId: wide.CommandId });
    assert.deepEqual(ofWide.toSorted(), others.map((id) => `${wide.CommandId} ${id}`).sort());
    const ofNode = sent.map((id) => `${id} ${nodeId}`);
    assert.deepEqual(await invocations({}), [...ofWide, ...ofNode]);
    assert.deepEqual(await invocations({ InstanceId: nodeId }), ofNode);
    const wrong = await refusalOf(world.call('ListCommands', { NextToken: 'nonsense' }));
    assert.equal(wrong.code, 'InvalidNextToken');
    const missing = world.invocation(sent[0]!, 'mi-0123456789abcdef0');
    assert.equal((await refusalOf(missing)).code, 'InvocationDoesNotExist');
  },

  async 'output beyond the reply is kept once, whole, up to its limit'(context, ground) {
    const world = await open(context, ground, { outputLimit: () => 500_000 });
    const nodeId = await world.member();
    const { CommandId } = await world.send({ InstanceIds: [nodeId] });
    const whole = Buffer.from(Array.from({ length: 60_000 }, (_, n) => `line ${n}\n`).join(''));
    const own = { principal: nodePrincipal(nodeId) };
    const piece = { InstanceId: nodeId, CommandId, Step: 'aws:runShellScript', Stream: 'stdout' };
    let Offset = 0;
    for (;;) {
      const Data = gzipSync(whole.subarray(Offset, Offset + 200_000));
      const put = await world.call('PutCommandOutput', { ...piece, Offset, Data }, own);
      const again = await world.call('PutCommandOutput', { ...piece, Offset, Data }, own);
      assert.deepEqual(again, put, 'a piece that is there changes nothing');
      Offset = put.Kept;
      if (put.Full || Offset >= whole.length) break;
    }
    const read: Buffer[] = [];
    let next: number | undefined = 0;
    while (next !== undefined) {
      const got: { Data: Uint8Array; NextOffset?: number; Size: number; Truncated: boolean } =
        await world.call('GetCommandOutput', {
          CommandId,
          InstanceId: nodeId,
          Stream: 'stdout',
          Offset: next,
        });
      read.push(Buffer.from(got.Data));
      assert.equal(got.Truncated, true);
      next = got.NextOffset;
    }
    const kept = Buffer.concat(read);
    assert.ok(kept.length >= 500_000 && kept.equals(whole.subarray(0, kept.length)));
    const bomb = gzipSync(Buffer.alloc(5_000_000));
    const no = world.call('PutCommandOutput', { ...piece, Stream: 'stderr', Offset: 0, Data: bomb }, own);
    assert.equal((await refusalOf(no)).code, 'ValidationException');
    for (let n = 0; ; n++) {
      const crumb = { ...piece, Stream: 'stderr', Offset: n, Data: gzipSync('x') };
      if ((await world.call('PutCommandOutput', crumb, own)).Full) break;
      assert.ok(n < 20, 'not byte by byte');
    }
    const strange = world.call(
      'PutCommandOutput',
      { ...piece, Step: '../x', Offset: 0, Data: gzipSync('x') },
      own,
    );
    assert.equal((await refusalOf(strange)).code, 'InvocationDoesNotExist');
  },

  async 'of too many outputs the oldest go, and no others'(context, ground) {
    const world = await open(context, ground, { outputsLimit: () => 25_000 });
    const nodeId = await world.member();
    const kept: string[] = [];
    for (let n = 0; n < 4; n++) {
      const { CommandId } = await world.send({ InstanceIds: [nodeId] });
      kept.push(CommandId);
      const Data = gzipSync(randomBytes(10_000));
      const piece = {
        InstanceId: nodeId,
        CommandId,
        Step: 'aws:runShellScript',
        Stream: 'stdout',
        Offset: 0,
      };
      await world.call('PutCommandOutput', { ...piece, Data }, { principal: nodePrincipal(nodeId) });
      world.clock.advance(1000);
    }
    assert.equal(await world.commands.sweep(), 2);
    assert.equal(await world.commands.sweep(), 0);
    const sizes = kept.map(async (CommandId) => {
      const place = { CommandId, InstanceId: nodeId, Stream: 'stdout' };
      return (await world.call('GetCommandOutput', place)).Size;
    });
    assert.deepEqual(await Promise.all(sizes), [0, 0, 10_000, 10_000]);
  },

  async 'old commands go, with all that is theirs; what is alive stays'(context, ground) {
    const world = await open(context, ground, { retentionDays: () => 1 });
    const nodeId = await world.member();
    const done = await world.send({ InstanceIds: [nodeId] });
    await run(world, nodeId, done.CommandId);
    const alive = await world.send({ InstanceIds: [nodeId], TimeoutSeconds: 2_000_000 });
    world.clock.advance(2 * 86_400_000);
    assert.equal(await world.commands.sweep(), 2);
    const { Commands } = await world.call('ListCommands');
    assert.deepEqual(
      Commands.map((one: { CommandId: string }) => one.CommandId),
      [alive.CommandId],
    );
  },

  async 'who waits for results hears of them as they come'(context, ground) {
    const world = await open(context, ground);
    const nodeId = await world.member();
    const { CommandId } = await world.send({ InstanceIds: [nodeId] });
    const nothing = await world.call('WatchCommand', { CommandId });
    assert.deepEqual(nothing.Finished, []);
    const waiting = world.call('WatchCommand', { CommandId, WaitSeconds: 20 });
    await run(world, nodeId, CommandId, 'Failed');
    const { Finished, Command } = await waiting;
    assert.equal(Finished[0].InstanceId, nodeId);
    assert.equal(Finished[0].ResponseCode, 3);
    assert.equal(Finished[0].Steps[0].Plugin, 'aws:runShellScript');
    assert.equal(Command.Status, 'Failed');
    const over = await world.call('WatchCommand', { CommandId, After: 1, WaitSeconds: 20 });
    assert.deepEqual(over.Finished, [], 'nothing more can come: answered at once');
  },
};
