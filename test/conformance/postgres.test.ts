/**
 * A whole server on PostgreSQL: a machine registers, reports in, is listed with its two associations, runs
 * commands, and is there after a restart.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makeKeyPool } from '../harness/key-pool.ts';
import { openOfficialJobs } from '../harness/official-jobs.ts';
import { startServer, type TestServer } from '../harness/server.ts';
import { type Fleet, openFleet } from '../harness/simulated-agent.ts';
import { startPostgres } from '../support/postgres.ts';

let postgres: Awaited<ReturnType<typeof startPostgres>>;
let server: TestServer;
let fleet: Fleet | undefined;

before(async () => {
  postgres = await startPostgres();
  server = await startServer({ flags: ['--store', postgres.url] });
});
after(async () => {
  await fleet?.close();
  await server?.stop();
  server?.remove();
  await postgres?.stop();
});

test('a machine answers the roll call, and is remembered', async (t) => {
  const activation = await server.admin.ask('ssm:CreateActivation', {
    IamRole: 'Service',
    RegistrationLimit: 2,
  });
  fleet = openFleet({
    url: server.url,
    region: 'us-east-1',
    ca: server.ca,
    activation: { id: activation.ActivationId, code: activation.ActivationCode },
    keys: await makeKeyPool(2),
    answer: openOfficialJobs().answer,
  });
  await fleet.join(2);
  await fleet.connected(2);
  const { InstanceInformationList: list } = await server.admin.ask('ssm:DescribeInstanceInformation');
  assert.deepEqual(
    list.map((node: { PingStatus: string }) => node.PingStatus),
    ['Online', 'Online'],
  );
  const id = list[0].InstanceId;
  // The machine knows of its channel a commit earlier than anybody who asks the server.
  const connected = async () => {
    const { Status } = await server.admin.ask('ssm:GetConnectionStatus', { Target: id });
    assert.equal(Status, 'connected');
  };
  await t.waitFor(connected, { timeout: 10_000 });
  const statuses = await server.admin.ask('ssm:DescribeInstanceAssociationsStatus', { InstanceId: id });
  assert.equal(statuses.InstanceAssociationStatusInfos.length, 2);
  const sends = Array.from({ length: 20 }, () =>
    server.admin.ask('ssm:SendCommand', {
      DocumentName: 'AWS-RunShellScript',
      Targets: [{ Key: 'InstanceIds', Values: ['*'] }],
      Parameters: { commands: ['true'] },
    }),
  );
  for (const { Command } of await Promise.all(sends)) {
    const { CommandId } = Command;
    let After = 0;
    let status = '';
    while (After < 2) {
      const watched = await server.admin.ask('rollcall:WatchCommand', { CommandId, After, WaitSeconds: 20 });
      After += watched.Finished.length;
      status = watched.Command.Status;
    }
    assert.equal(status, 'Success');
  }
  await fleet.close();

  await server.stop();
  server = await startServer({ data: server.data, port: server.port, flags: ['--store', postgres.url] });
  const again = await server.admin.ask('ssm:DescribeInstanceInformation');
  assert.equal(again.InstanceInformationList.length, 2);
  const { Commands } = await server.admin.ask('ssm:ListCommands', {});
  assert.deepEqual(
    Commands.map((one: { Status: string; CompletedCount: number }) => [one.Status, one.CompletedCount]),
    Array.from({ length: 20 }, () => ['Success', 2]),
  );
});
