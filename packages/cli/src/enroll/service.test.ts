/** The unit that is written, and when systemd is told what. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type TestMachine, testMachine } from '../testing/machine.ts';
import { installedRoot, installService, removeService, unitFile, unitText } from './service.ts';

const agent = {
  file: '/opt/roll call/node',
  args: ['--max-semi-space-size=1', '/opt/run.ts', '--root', '/r'],
};

function systemd(): TestMachine {
  let active = false;
  const machine = testMachine({
    systemctl: (args) => {
      if (args[0] === 'start' || args[0] === 'restart') active = true;
      if (args[0] === 'disable') active = false;
      return args[0] === 'is-active' ? { code: active ? 0 : 3, output: '' } : undefined;
    },
  });
  machine.put('/etc/systemd/system/other.service', '');
  return machine;
}

test('the unit waits for the network, comes back by itself and leaves its children alone', () => {
  const text = unitText(agent, '/var/lib/rollcall-agent');
  for (const line of [
    'Wants=network-online.target',
    'After=network-online.target',
    'KillMode=process',
    'Restart=always',
    'WantedBy=multi-user.target',
    'ExecStart="/opt/roll call/node" --max-semi-space-size=1 /opt/run.ts --root /r',
  ])
    assert.ok(text.split('\n').includes(line), line);
  assert.match(text, /^RestartSec=\d+$/m);
});

test('nothing in a path is expanded by systemd', () => {
  const text = unitText({ file: '/n', args: ['/a%b', '/c$d', '/e"f\\g'] }, '/r');
  assert.match(text, /^ExecStart=\/n \/a%%b \/c\$\$d "\/e\\"f\\\\g"$/m);
});

test('systemd itself finds nothing wrong with the unit', { skip: !hasAnalyze() }, () => {
  const machine = systemd();
  const file = '/etc/systemd/system/rollcall-agent.service';
  machine.put(file, unitText({ file: process.execPath, args: ['--version'] }, '/r'));
  execFileSync('systemd-analyze', ['verify', machine.path(file)], { stdio: 'pipe' });
});

test('it is installed once, and started again only when what it runs has changed', async () => {
  const machine = systemd();
  const install = (restart: boolean, args = agent.args) =>
    installService(machine, { file: agent.file, args }, '/r', { restart });
  assert.equal(await install(false), 'installed');
  assert.deepEqual(machine.ran, [
    'systemctl daemon-reload',
    'systemctl enable --quiet rollcall-agent',
    'systemctl is-active --quiet rollcall-agent',
    'systemctl start rollcall-agent',
  ]);
  assert.equal(installedRoot(machine), '/r');
  assert.equal(await install(false), 'running');
  assert.equal(await install(true), 'restarted');
  assert.equal(await install(false, ['/new/run.ts']), 'restarted');
  assert.equal(machine.ran.at(-1), 'systemctl restart rollcall-agent');
});

test("another agent's service is neither replaced nor removed", async () => {
  const machine = systemd();
  await installService(machine, agent, '/first', { restart: false });
  const before = readFileSync(machine.path(unitFile), 'utf8');
  await assert.rejects(installService(machine, agent, '/second', { restart: false }), /\/first already/);
  assert.deepEqual(await removeService(machine, '/second'), []);
  assert.equal(readFileSync(machine.path(unitFile), 'utf8'), before);
});

test('what systemd refuses is said in its own words', async () => {
  const machine = testMachine({ systemctl: () => ({ code: 1, output: 'Unit is masked.\n' }) });
  machine.put('/etc/systemd/system/other.service', '');
  await assert.rejects(installService(machine, agent, '/r', { restart: false }), /Unit is masked\./);
});

test('removing stops it first and leaves no unit', async () => {
  const machine = systemd();
  await installService(machine, agent, '/r', { restart: false });
  machine.ran.length = 0;
  assert.deepEqual(await removeService(machine, '/r'), [unitFile]);
  assert.equal(machine.ran[0], 'systemctl disable --now --quiet rollcall-agent');
  assert.equal(existsSync(machine.path(unitFile)), false);
  assert.equal(installedRoot(machine), undefined);
});

function hasAnalyze(): boolean {
  try {
    execFileSync('systemd-analyze', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
