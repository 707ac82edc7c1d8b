/** Hybrid machines: activations, registrations, copies, and what an identity may have become. */
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openForwarder } from '../middle/forwarder.ts';
import { edit, registerNode } from '../node/agent.ts';
import type { Machine } from '../node/machine.ts';
import { isOnline } from '../node/online.ts';
import { openServer } from '../server.ts';
import { lose, type World } from '../world.ts';
import type { Fault, Question } from './fault.ts';
import {
  cut,
  enrols,
  inRoster,
  knocksOf,
  lively,
  put,
  sleep,
  statusOf,
  sure,
  troubled,
  until,
} from './help.ts';
import { livelyOfficial } from './official.ts';

/** A machine of the roster tries to register, and is turned away; asked by its name. */
async function turnedAway(
  world: World,
  machine: Machine,
  activation: { readonly ActivationId: string; readonly ActivationCode: string },
): Promise<Question> {
  await inRoster(world, `name,address\n${machine.name},${machine.address}\n`);
  const { code, all } = await enrols(world, machine, activation);
  sure('it is turned away', code !== 0, all);
  await until('the door notes it', async () =>
    (await knocksOf(world)).some(({ Address }) => Address === machine.address),
  );
  return { subject: machine.name };
}

export const identity: readonly Fault[] = [
  {
    id: 'id-expired',
    story: 'The activation on the new machine ran out an hour before it was used.',
    asked: 'operator',
    expected: ['activation-expired'],
    async inject(world) {
      const machine = await world.machine();
      const activation = await world.server.admin().ask('ssm:CreateActivation', {
        IamRole: 'Nodes',
        RegistrationLimit: 10,
        ExpirationDate: Math.floor(world.server.clock.now() / 1000) + 120,
      });
      await world.server.pass(240_000);
      return turnedAway(world, machine, activation);
    },
  },
  {
    id: 'id-used-up',
    story: 'The activation was made for one machine (the default); this is the second.',
    asked: 'operator',
    expected: ['activation-limit-reached'],
    async inject(world) {
      const first = await world.machine();
      const machine = await world.machine();
      const activation = await world.server.admin().ask('ssm:CreateActivation', { IamRole: 'Nodes' });
      await first.register({ activation });
      return turnedAway(world, machine, activation);
    },
  },
  {
    id: 'id-code-mistyped',
    story: 'The last character of the code got lost when it was copied.',
    asked: 'operator',
    expected: ['activation-invalid'],
    async inject(world) {
      const machine = await world.machine();
      const { ActivationId, ActivationCode } = await world.server
        .admin()
        .ask('ssm:CreateActivation', { IamRole: 'Nodes' });
      const last = ActivationCode.endsWith('A') ? 'B' : 'A';
      return turnedAway(world, machine, {
        ActivationId,
        ActivationCode: `${ActivationCode.slice(0, -1)}${last}`,
      });
    },
  },
  {
    id: 'id-deleted',
    story: 'A colleague deleted the activation that the image uses.',
    asked: 'operator',
    expected: ['activation-invalid'],
    async inject(world) {
      const machine = await world.machine();
      const activation = await world.server.admin().ask('ssm:CreateActivation', { IamRole: 'Nodes' });
      await world.server.admin().ask('ssm:DeleteActivation', { ActivationId: activation.ActivationId });
      return turnedAway(world, machine, activation);
    },
  },
  {
    id: 'id-other-region',
    story: 'The activation was made in eu-central-1; the machine was told us-east-1.',
    asked: 'operator',
    expected: ['activation-invalid', 'wrong-region'],
    async inject(world) {
      const machine = await world.machine();
      const activation = await world.server
        .admin('eu-central-1')
        .ask('ssm:CreateActivation', { IamRole: 'Nodes' });
      await inRoster(world, `name,address\n${machine.name},${machine.address}\n`);
      const { code, all } = await enrols(world, machine, activation, 'us-east-1');
      sure('it is turned away', code !== 0, all);
      await until('the door notes it', async () =>
        (await knocksOf(world)).some(({ Address }) => Address === machine.address),
      );
      return { subject: machine.name };
    },
  },
  {
    id: 'id-fingerprint',
    story: "The fingerprint in our agent's folder was changed by a restore from another machine's backup.",
    asked: 'node',
    expected: ['fingerprint-changed'],
    async inject(world) {
      const machine = await lively(world);
      await machine.stop();
      rmSync(join(machine.root, 'credentials.json'), { force: true });
      edit(machine.root, 'identity.json', (own) => {
        own.fingerprint = 'f0f0f0f0-1111-4222-8333-444444444444';
      });
      await machine.start({ online: false });
      await troubled(machine);
      sure('the server refuses it', /Fingerprint/.test(JSON.stringify(statusOf(machine))), '');
      return { machine };
    },
  },
  {
    id: 'id-fingerprint-operator',
    story: 'The same, asked at the server.',
    asked: 'operator',
    expected: ['fingerprint-changed'],
    async inject(world) {
      const machine = await lively(world);
      await machine.stop();
      rmSync(join(machine.root, 'credentials.json'), { force: true });
      edit(machine.root, 'identity.json', (own) => {
        own.fingerprint = 'f0f0f0f0-1111-4222-8333-444444444444';
      });
      await machine.start({ online: false });
      await world.refused(machine, ...(await reasonsOf(world, machine)));
      await world.server.pass(31_000);
      return { subject: machine.nodeId };
    },
  },
  {
    id: 'id-official-machine-id',
    story: 'The machine-id of an official node was made anew when its image was sealed.',
    asked: 'node',
    expected: ['fingerprint-changed'],
    official: true,
    async inject(world) {
      const [machine, official] = await livelyOfficial(world);
      official.stop();
      put(machine, 'etc/machine-id', '0123456789abcdef0123456789abcdef\n');
      put(machine, 'etc/hostname', 'sealed\n');
      machine.run('hostname', 'sealed');
      machine.run('rm', '-rf', '/root/.aws');
      await official.start({ online: false });
      await until('it says so', () => /[Ff]ingerprint|hardware/i.test(official.log()), 40_000);
      await sleep(4_000);
      return { machine };
    },
  },
  {
    id: 'id-clone',
    story: 'A virtual machine was copied with its registration; both run.',
    asked: 'operator',
    expected: ['cloned-machine'],
    async inject(world) {
      const one = await lively(world);
      const two = await world.machine();
      cpSync(one.root, two.root, { recursive: true });
      for (const name of ['agent.lock', 'status.json']) rmSync(join(two.root, name), { force: true });
      await two.start({ online: false });
      await sleep(3_000);
      // Both go on: each is restarted once more, as machines are.
      await one.stop();
      await one.start({ online: false });
      await sleep(3_000);
      await two.stop();
      await two.start({ online: false });
      await sleep(3_000);
      sure('both run', one.running() && two.running(), two.log());
      return { subject: one.nodeId };
    },
  },
  {
    id: 'id-reinstalled',
    story: 'The machine was installed anew and registered again; the operator asks for its old id.',
    asked: 'operator',
    expected: ['machine-replaced'],
    async inject(world) {
      const machine = await lively(world);
      const old = machine.nodeId;
      await machine.stop();
      await lose(world, machine);
      for (const name of readdirSync(machine.root)) rmSync(join(machine.root, name), { recursive: true });
      await machine.register();
      sure('it is another node', machine.nodeId !== old);
      await machine.start();
      return { subject: old };
    },
  },
  {
    id: 'id-deregistered',
    story: 'A clean-up script deregistered the node; its agent goes on knocking.',
    asked: 'operator',
    expected: ['deregistered', 'stale-hybrid-registration'],
    async inject(world) {
      const machine = await lively(world);
      await world.server.admin().ask('ssm:DeregisterManagedInstance', { InstanceId: machine.nodeId });
      await cut(machine);
      await troubled(machine);
      return { subject: machine.nodeId };
    },
  },
  {
    id: 'id-deregistered-node',
    story: 'The same, asked on the machine.',
    asked: 'node',
    expected: ['stale-hybrid-registration', 'deregistered'],
    async inject(world) {
      const machine = await lively(world);
      await world.server.admin().ask('ssm:DeregisterManagedInstance', { InstanceId: machine.nodeId });
      await cut(machine);
      await until('it is refused', () => statusOf(machine).state === 'refused', 60_000);
      return { machine };
    },
  },
  {
    id: 'id-deregistered-by-name',
    story: 'The same, asked at the server by the name of the machine in the roster.',
    asked: 'operator',
    expected: ['deregistered', 'stale-hybrid-registration'],
    async inject(world) {
      const machine = await lively(world);
      await inRoster(world, `name,address\n${machine.name},${machine.address}\n`);
      await world.server.admin().ask('ssm:DeregisterManagedInstance', { InstanceId: machine.nodeId });
      await cut(machine);
      await troubled(machine);
      return { subject: machine.name };
    },
  },
  {
    id: 'id-official-deregistered',
    story: 'An official node was deregistered and its agent restarted: it hibernates.',
    asked: 'node',
    expected: ['stale-hybrid-registration', 'deregistered'],
    official: true,
    async inject(world) {
      const [machine, official] = await livelyOfficial(world);
      await world.server.admin().ask('ssm:DeregisterManagedInstance', { InstanceId: official.nodeId });
      official.stop();
      machine.run('rm', '-rf', '/root/.aws');
      await official.start({ online: false });
      await until('it is refused', () => /InvalidInstanceId|hibernat/i.test(official.log()), 40_000);
      return { machine };
    },
  },
  {
    id: 'id-deregistered-many',
    story: 'Somebody deregistered six of eight nodes within a minute.',
    asked: 'operator',
    expected: ['deregistered-in-bulk', 'deregistered', 'stale-hybrid-registration'],
    async inject(world) {
      const fleet = await world.neighbours(8, '10.60.0.1');
      const six = fleet.agents.slice(0, 6);
      for (const { nodeId } of six)
        await world.server.admin().ask('ssm:DeregisterManagedInstance', { InstanceId: nodeId });
      return { subject: six[0]!.nodeId };
    },
  },
  {
    id: 'id-damaged',
    story: 'After a power cut the registration of our agent is half a file, and so is the copy.',
    asked: 'node',
    expected: [/^vault-/],
    async inject(world) {
      const machine = await lively(world);
      await machine.stop();
      for (const name of ['identity.json', 'identity.previous.json'])
        writeFileSync(join(machine.root, name), '{ "version": 1, "serverUrl": "https://roll');
      await machine.start({ online: false });
      await until('the agent gives up', () => !machine.running());
      return { machine };
    },
  },
  {
    id: 'id-official-vault-damaged',
    story: "The official agent's vault was cut off by a full disk.",
    asked: 'node',
    expected: [/^vault-/],
    official: true,
    async inject(world) {
      const [machine, official] = await livelyOfficial(world);
      official.stop();
      put(machine, 'var/lib/amazon/ssm/Vault/Manifest', '{"RegistrationKey":"/var/lib/am');
      await official.start({ online: false });
      await sleep(5_000);
      return { machine };
    },
  },
  {
    id: 'id-elsewhere',
    story: 'The machine was enrolled at the test server by mistake; it is well there, and missing here.',
    asked: 'both',
    expected: ['registered-elsewhere'],
    async inject(world) {
      const machine = await world.machine();
      mkdirSync(join(world.folder, 'second'));
      const second = world.closes(
        await openServer({
          data: join(world.folder, 'second/data'),
          publicUrls: ['https://localhost:8444', 'https://test.zoo.internal'],
          regions: ['us-east-1'],
          ahead: 0,
        }),
      );
      world.closes(
        await openForwarder({ target: second.port, host: '10.77.0.4', port: 443, source: machine.address }),
      );
      (await world.dns()).zone.set('test.zoo.internal', { addresses: ['10.77.0.4'] });
      const nodeId = await registerNode(second, machine.root, 'https://test.zoo.internal', {});
      const began = second.clock.now();
      await machine.start({ online: false });
      await until('it is Online there', () => isOnline(second, nodeId, began));
      await inRoster(world, `name,address\n${machine.name},${machine.address}\n`);
      return { subject: machine.name, evidence: await machine.look() };
    },
  },
];

/** The reasons that the door has noted for a machine, once there are any. */
async function reasonsOf(world: World, machine: Machine): Promise<string[]> {
  return until('the door notes it', async () => {
    const reasons = (await knocksOf(world))
      .filter(({ Claim, Address }) => Claim === machine.nodeId || Address === machine.address)
      .map(({ Reason }) => Reason);
    return reasons.length > 0 ? reasons : undefined;
  });
}
