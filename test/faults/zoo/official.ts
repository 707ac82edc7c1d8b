/** The official agent itself, on a machine of its own: its real files, its real log, its real processes. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openPart } from '../case.ts';
import { openProxy } from '../middle/proxy.ts';
import { serverName } from '../node/machine.ts';
import { installOfficial, type OfficialMachine, places } from '../node/official.ts';
import type { Stage } from '../stage.ts';
import { until } from '../until.ts';

const { cases, fault, decoy, twin } = openPart('official');
const needs = ['root', 'official'] as const;

/** Registered, running, Online. */
async function lively(stage: Stage): Promise<OfficialMachine> {
  const world = await stage.world();
  const official = installOfficial(world, await world.machine({ upFor: 86_400 }));
  await official.register();
  await official.start();
  return official;
}

/** Started again after the fix: Online, and no end has anything to say. */
async function restarted(stage: Stage, official: OfficialMachine): Promise<void> {
  await official.stop();
  rmSync(join(official.machine.files, places.log), { force: true });
  await official.start();
  await stage.mended(official);
}

/** Stops it, changes something, and starts it into that; waits for a word in its log. */
async function into(
  official: OfficialMachine,
  change: () => unknown,
  word: RegExp,
  start: Parameters<OfficialMachine['start']>[0] = {},
): Promise<void> {
  await official.stop();
  rmSync(join(official.machine.files, places.log), { force: true });
  await change();
  await official.start({ online: false, ...start });
  await until(`it says ${word}`, () => word.test(official.log()), 25_000);
}

twin({ id: 'official-agent', node: 'blind', operator: 'well', both: 'well', needs }, async (stage) => {
  const official = await lively(stage);
  await stage.judge(official, { stays: true });
});

twin(
  { id: 'official-agent-that-has-reported', node: 'well', operator: 'well', both: 'well', needs },
  async (stage) => {
    const official = await lively(stage);
    const reported = () => /HealthCheck reporting agent health/.test(official.log());
    await until('it has reported', reported, 25_000);
    // Whether that failed stands in its log a little later.
    await sleep(21_000);
    await stage.judge(official, { stays: true });
  },
);

twin(
  { id: 'official-agent-restarted', node: 'blind', operator: 'well', both: 'well', needs },
  async (stage) => {
    const official = await lively(stage);
    await official.stop();
    await official.start();
    await stage.judge(official, { stays: true });
  },
);

fault(
  {
    id: 'official-stopped',
    cause: 'agent-stopped',
    gate: 'agent',
    solution: 1,
    node: 'proven',
    operator: 'blind',
    both: 'proven',
    needs,
  },
  async (stage) => {
    const official = await lively(stage);
    await official.stop();
    await stage.judge(official);
    await official.start();
    await stage.mended(official);
  },
);

fault(
  {
    id: 'noexec-mount',
    cause: 'noexec-mount',
    gate: 'machine',
    node: 'sure',
    both: 'sure',
    fix: 'explained',
    needs,
  },
  async (stage) => {
    const official = await lively(stage);
    const folder = '/var/lib/amazon/ssm';
    const remount = (how: string) =>
      official.machine.run('/bin/sh', '-ec', `mount -o remount,bind,${how} ${folder}`);
    official.machine.run('mount', '--bind', folder, folder);
    remount('noexec');
    await stage.judge(official, { stays: true });
    remount('exec');
    await stage.mended(official);
  },
);

fault(
  {
    id: 'official-frozen',
    cause: 'agent-frozen',
    gate: 'agent',
    solution: 1,
    node: 'proven',
    operator: 'blind',
    both: 'proven',
    fix: 'kill -CONT',
    needs,
  },
  async (stage) => {
    const official = await lively(stage);
    official.signal('SIGSTOP');
    await (await stage.world()).server.pass(180_000);
    await stage.judge(official);
    official.signal('SIGCONT');
    await restarted(stage, official);
  },
);

fault(
  {
    id: 'official-vault-corrupt',
    cause: 'vault-corrupt',
    gate: 'identity',
    node: 'sure',
    operator: 'blind',
    both: 'sure',
    fix: 'explained',
    needs,
  },
  async (stage) => {
    const official = await lively(stage);
    const manifest = join(official.machine.files, places.state, 'Vault/Manifest');
    await official.stop();
    const whole = readFileSync(manifest, 'utf8');
    writeFileSync(manifest, whole.slice(0, 40));
    await official.start({ online: false });
    await stage.judge(official);
    writeFileSync(manifest, whole);
    await restarted(stage, official);
  },
);

fault(
  {
    id: 'official-fingerprint-changed',
    cause: 'fingerprint-changed',
    gate: 'identity',
    node: 'sure',
    fix: 'explained',
    needs,
  },
  async (stage) => {
    const official = await lively(stage);
    const { files } = official.machine;
    const machineId = readFileSync(join(files, 'etc/machine-id'), 'utf8');
    await into(
      official,
      () => {
        writeFileSync(join(files, 'etc/machine-id'), 'ffffffffffffffffffffffffffffffff\n');
      },
      /fingerprint|hardware|machine configuration|Starting|started/i,
    );
    await stage.judge(official);
    writeFileSync(join(files, 'etc/machine-id'), machineId);
    await restarted(stage, official);
  },
);

fault(
  {
    id: 'official-deregistered',
    cause: 'deregistered',
    gate: 'scope',
    operator: 'proven',
    both: 'proven',
    fix: 'rollcall node restore',
    needs,
  },
  async (stage) => {
    const official = await lively(stage);
    const { server } = await stage.world();
    await server.admin().ask('ssm:DeregisterManagedInstance', { InstanceId: official.nodeId });
    await stage.judge(official, { stays: true });
    await server.admin().ask('rollcall:RestoreNode', { InstanceId: official.nodeId });
    await restarted(stage, official);
  },
);

fault(
  {
    id: 'official-ca-missing',
    cause: 'ca-missing',
    gate: 'path',
    solution: 7,
    node: 'sure',
    operator: 'likely',
    both: 'proven',
    needs,
  },
  async (stage) => {
    const world = await stage.world();
    const official = await lively(stage);
    const roots = join(official.machine.files, places.roots);
    const text = readFileSync(roots, 'utf8');
    await into(
      official,
      () => writeFileSync(roots, text.replace(world.server.ca(), '')),
      /certificate signed by unknown authority/,
    );
    await stage.judge(official);
    writeFileSync(roots, text);
    await official.stop();
    await official.start();
    await stage.mended(official);
  },
);

fault(
  {
    id: 'official-ca-bundle-env',
    cause: 'ca-bundle-env',
    gate: 'path',
    solution: 7,
    node: 'sure',
    both: 'sure',
    fix: 'explained',
    needs,
  },
  async (stage) => {
    const world = await stage.world();
    const official = await lively(stage);
    const bundle = '/etc/ssl/company.pem';
    writeFileSync(join(official.machine.files, bundle), (await world.company()).cert);
    await into(official, () => {}, /certificate signed by unknown authority/, {
      env: { SSL_CERT_FILE: bundle, SSL_CERT_DIR: '/nowhere' },
    });
    await stage.judge(official);
    await restarted(stage, official);
  },
);

fault(
  {
    id: 'official-no-roots-at-all',
    cause: 'ca-store-unreadable',
    gate: 'path',
    solution: 7,
    node: 'sure',
    both: 'sure',
    fix: 'explained',
    needs,
  },
  async (stage) => {
    const official = await lively(stage);
    const { files } = official.machine;
    await into(
      official,
      () => {
        for (const name of readdirSync(join(files, 'etc/ssl/certs')))
          rmSync(join(files, 'etc/ssl/certs', name), { force: true, recursive: true });
        rmSync(join(files, 'etc/ssl/certs'), { force: true, recursive: true });
      },
      /certificate signed by unknown authority/,
    );
    await stage.judge(official);
  },
);

fault(
  {
    id: 'official-config-unreadable',
    cause: 'config-unreadable',
    gate: 'agent',
    solution: 1,
    node: 'proven',
    operator: 'blind',
    both: 'proven',
    fix: 'explained',
    needs,
  },
  async (stage) => {
    const official = await lively(stage);
    await official.stop();
    const settings = join(official.machine.files, places.settings);
    const whole = readFileSync(settings, 'utf8');
    writeFileSync(settings, '{ "Ssm": { "Endpoint": "https://');
    await official.start({ online: false });
    await stage.judge(official);
    writeFileSync(settings, whole);
    await restarted(stage, official);
  },
);

fault(
  {
    id: 'official-dns-fails',
    cause: 'dns-fails',
    gate: 'path',
    solution: 3,
    node: 'proven',
    operator: 'blind',
    both: 'proven',
    needs,
  },
  async (stage) => {
    const official = await lively(stage);
    const { zone } = await (await stage.world()).dns();
    await into(official, () => zone.set(serverName, 'no-such-name'), /no such host/);
    await stage.judge(official);
  },
);

fault(
  {
    id: 'official-proxy-blocks-host',
    cause: 'proxy-blocks-host',
    gate: 'path',
    solution: 6,
    node: 'proven',
    both: 'proven',
    needs,
  },
  async (stage) => {
    const world = await stage.world();
    const official = await lively(stage);
    const proxy = world.closes(
      await openProxy({ target: world.server.port, source: official.address, host: '10.77.0.1' }),
    );
    proxy.change({ refuse: () => 403 });
    await into(official, () => {}, /Forbidden|403/, {
      env: { https_proxy: `http://10.77.0.1:${proxy.port}`, no_proxy: '169.254.169.254' },
    });
    await stage.judge(official);
    await restarted(stage, official);
  },
);

decoy(
  {
    id: 'official-agent-through-a-proxy',
    decoyOf: ['proxy-blocks-host'],
    node: 'blind',
    operator: 'well',
    both: 'well',
    needs,
  },
  async (stage) => {
    const world = await stage.world();
    const official = await lively(stage);
    const proxy = world.closes(
      await openProxy({ target: world.server.port, source: official.address, host: '10.77.0.1' }),
    );
    await official.stop();
    await official.start({
      env: { https_proxy: `http://10.77.0.1:${proxy.port}`, no_proxy: '169.254.169.254' },
    });
    stage.check(proxy.used > 0, 'the proxy was not used');
    await stage.judge(official, { stays: true });
  },
);

fault(
  {
    id: 'official-wrong-user',
    cause: 'agent-wrong-user',
    gate: 'agent',
    solution: 1,
    node: 'proven',
    both: 'proven',
    fix: 'explained',
    needs,
  },
  async (stage) => {
    const official = await lively(stage);
    await official.stop();
    await official.start({ online: false, user: 65534 });
    await until('it runs', () => official.running());
    await stage.judge(official);
    await restarted(stage, official);
  },
);

export const official = cases;
