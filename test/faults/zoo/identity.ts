/** Who the node is: registered, where, once only, with state that is whole. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openPart } from '../case.ts';
import { edit } from '../node/agent.ts';
import { until } from '../until.ts';
import { openWorld } from '../world.ts';
import { restartInto } from './common.ts';

const { cases, fault, decoy } = openPart('identity');

fault(
  {
    id: 'deregistered',
    cause: 'deregistered',
    gate: 'scope',
    operator: 'proven',
    both: 'proven',
    fix: 'rollcall node restore',
  },
  async (stage) => {
    const { server } = await stage.world();
    const node = await stage.node();
    await server.admin().ask('ssm:DeregisterManagedInstance', { InstanceId: node.nodeId });
    await until('its agent notices', () => /An attempt failed/.test(node.log()));
    await stage.judge(node, { stays: true });
    await server.admin().ask('rollcall:RestoreNode', { InstanceId: node.nodeId });
    await node.stop();
    await node.start();
    await stage.mended(node);
  },
);

fault(
  {
    id: 'deregistered-in-bulk',
    cause: 'deregistered-in-bulk',
    gate: 'scope',
    operator: 'proven',
  },
  async (stage) => {
    const world = await stage.world();
    const { agents } = await world.neighbours(8, '10.50.8.1');
    for (const { nodeId } of agents)
      await world.server.admin().ask('ssm:DeregisterManagedInstance', { InstanceId: nodeId });
    await stage.judge({ nodeId: agents[3]!.nodeId }, { stays: true });
  },
);

fault(
  {
    id: 'stale-hybrid-registration',
    cause: 'stale-hybrid-registration',
    gate: 'identity',
    operator: 'likely',
    both: 'proven',
  },
  async (stage) => {
    const { server } = await stage.world();
    const world = await stage.world();
    const node = await stage.node();
    await node.stop();
    // The books come out of a backup from before it registered.
    await server.stop();
    server.books((books) => {
      for (const table of ['nodes', 'presence'])
        books.prepare(`DELETE FROM ${table} WHERE node_id = ?`).run(node.nodeId);
    });
    await server.start();
    await node.start({ online: false });
    await world.refused(node, 'unknown-node');
    await stage.judge(node, { stays: true });
  },
);

fault(
  {
    id: 'fingerprint-changed',
    cause: 'fingerprint-changed',
    gate: 'identity',
    node: 'proven',
    operator: 'proven',
    both: 'proven',
  },
  async (stage) => {
    const world = await stage.world();
    const node = await stage.node();
    const before = readFileSync(join(node.root, 'identity.json'), 'utf8');
    await restartInto(node, () => {
      edit(node.root, 'identity.json', (identity) => {
        identity.fingerprint = 'another-machine-altogether';
      });
      writeFileSync(join(node.root, 'credentials.json'), '{}');
    });
    await world.refused(node, 'fingerprint-changed');
    await stage.judge(node);
    await node.stop();
    writeFileSync(join(node.root, 'identity.json'), before);
    await node.start();
    await stage.mended(node);
  },
);

fault(
  {
    id: 'cloned-machine',
    cause: 'cloned-machine',
    gate: 'identity',
    operator: 'proven',
    both: 'proven',
    fix: 'explained',
    needs: ['root'],
  },
  async (stage) => {
    const world = await stage.world();
    const original = await stage.machine({ upFor: 86_400 });
    const copy = await world.machine({ upFor: 86_400 });
    cpSync(original.root, copy.root, { recursive: true });
    const began = world.server.clock.now();
    // They take turns, as two that live at once do: A, B, A.
    for (const [stopped, started] of [
      [original, copy],
      [copy, original],
    ] as const) {
      await stopped.stop();
      await started.start({ online: false });
      await world.heard(original, began);
      await until('its channel opens', () => /control channel is open/.test(started.log()));
    }
    await stage.judge(original, { stays: true });
  },
);

decoy(
  {
    id: 'renamed-after-a-new-lease',
    decoyOf: ['cloned-machine'],
    node: 'well',
    operator: 'well',
    both: 'well',
    needs: ['root'],
  },
  async (stage) => {
    const machine = await stage.machine({ upFor: 86_400 });
    await machine.stop();
    machine.run('hostname', 'web-1-renamed');
    machine.run('ip', 'addr', 'del', `${machine.address}/24`, 'dev', 'eth0');
    machine.run('ip', 'addr', 'add', '10.77.0.99/24', 'dev', 'eth0');
    machine.run('ip', 'route', 'add', 'default', 'via', '10.77.0.1');
    await machine.start();
    await stage.judge(machine, { stays: true });
  },
);

decoy(
  {
    id: 'restored-from-a-snapshot',
    decoyOf: ['cloned-machine'],
    node: 'well',
    operator: 'well',
    both: 'well',
  },
  async (stage) => {
    const node = await stage.node();
    await node.stop();
    const kept = join(node.root, '..', 'snapshot');
    cpSync(node.root, kept, { recursive: true });
    await node.start();
    await node.stop();
    cpSync(kept, node.root, { recursive: true });
    await node.start();
    await stage.judge(node, { stays: true });
  },
);

decoy(
  {
    id: 'forged-id-in-unsigned-requests',
    decoyOf: ['cloned-machine', 'deregistered'],
    node: 'well',
    operator: 'well',
    both: 'well',
  },
  async (stage) => {
    const world = await stage.world();
    const node = await stage.node();
    await world.forge(node.nodeId, '10.50.66.6');
    await stage.judge(node, { stays: true });
  },
);

decoy(
  {
    id: 'forged-id-of-a-node-that-is-away',
    cause: 'agent-stopped',
    decoyOf: ['cloned-machine', 'snapshot-rollback', 'stale-hybrid-registration'],
    node: 'proven',
    operator: 'blind',
    both: 'proven',
  },
  async (stage) => {
    const world = await stage.world();
    const node = await stage.node();
    await node.stop();
    await world.forge(node.nodeId, '10.50.66.6');
    await stage.judge(node);
  },
);

fault(
  {
    id: 'vault-corrupt',
    cause: 'vault-corrupt',
    gate: 'identity',
    node: 'sure',
    operator: 'blind',
    both: 'sure',
    fix: 'explained',
  },
  async (stage) => {
    const node = await stage.node();
    await node.stop();
    const kept = readFileSync(join(node.root, 'identity.json'));
    // A power cut while it was written, and the generation before it is gone as well.
    for (const name of ['identity.json', 'identity.previous.json'])
      writeFileSync(join(node.root, name), kept.subarray(0, 900));
    await node.start({ online: false });
    await until('it gives up', () => !node.running());
    await stage.judge(node);
    writeFileSync(join(node.root, 'identity.json'), kept);
    await node.start();
    await stage.mended(node);
  },
);

decoy(
  {
    id: 'one-generation-is-damaged',
    decoyOf: ['vault-corrupt'],
    node: 'well',
    operator: 'well',
    both: 'well',
  },
  async (stage) => {
    const node = await stage.node();
    await node.stop();
    const kept = readFileSync(join(node.root, 'identity.json'));
    writeFileSync(join(node.root, 'identity.previous.json'), kept);
    writeFileSync(join(node.root, 'identity.json'), kept.subarray(0, 200));
    await node.start();
    await stage.judge(node, { stays: true });
  },
);

fault(
  {
    id: 'registered-elsewhere',
    cause: 'registered-elsewhere',
    gate: 'identity',
    solution: 5,
    both: 'proven',
    fix: 'explained',
    needs: ['root'],
  },
  async (stage) => {
    const here = await stage.world();
    // It is well, and in somebody else's list.
    const other = here.closes(
      await openWorld(join(here.folder, 'cache'), { serverName: 'ssm.stranger.internal' }),
    );
    const node = await other.machine({ upFor: 86_400 });
    await node.register();
    await node.start();
    const evidence = await node.look();
    await stage.judge(node, { stays: true, subject: evidence.host.name, evidence });
  },
);

fault(
  {
    id: 'snapshot-rollback',
    cause: 'snapshot-rollback',
    gate: 'identity',
    operator: 'likely',
    both: 'likely',
    decoyOf: ['cloned-machine'],
  },
  async (stage) => {
    const world = await stage.world();
    const { server } = world;
    const node = await stage.node();
    await node.stop();
    const kept = readFileSync(join(node.root, 'identity.json'));
    // The key is changed, as the server asks for at times, and the grace of the old one ends.
    await world.changeKey(node);
    await server.admin().ask('rollcall:PutSetting', { Name: 'key-grace-hours', Value: '0' });
    await restartInto(node, () => {
      writeFileSync(join(node.root, 'identity.json'), kept);
      writeFileSync(join(node.root, 'credentials.json'), '{}');
    });
    await world.refused(node, 'node-signature-mismatch');
    await stage.judge(node);
  },
);

export const identity = cases;
