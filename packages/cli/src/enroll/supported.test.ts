/** Machines on which the agent can run, and others. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { test } from 'node:test';
import { testMachine } from '../testing/machine.ts';
import { findSupport } from './supported.ts';

const systemctl = () => ({ code: 0, output: 'systemd 252 (252.39-1~deb12u1)\n+PAM' });

test('a machine that fits is described by what counts', async () => {
  const machine = testMachine({ systemctl });
  machine.put('/etc/os-release', 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n');
  mkdirSync(machine.path('/run/systemd/system'), { recursive: true });
  const found = await findSupport(machine, { arch: 'x64', glibc: '2.36' });
  assert.deepEqual([found.ok, found.systemd], [true, true]);
  assert.equal(found.description, 'Debian GNU/Linux 12 (bookworm) x64, glibc 2.36, systemd 252');
});

test('systemd that is installed but runs nothing is no systemd', async () => {
  const found = await findSupport(testMachine({ systemctl }), { arch: 'arm64', glibc: '2.28' });
  assert.deepEqual([found.ok, found.systemd], [true, false]);
  assert.match(found.description, /no systemd$/);
});

test('a machine that the agent cannot run on is told why, and what can', async () => {
  const linux = testMachine();
  const cases: [Promise<Awaited<ReturnType<typeof findSupport>>>, RegExp][] = [
    [findSupport(linux, { arch: 'x64', glibc: '2.17' }), /glibc is 2\.17; the agent needs 2\.28/],
    [findSupport(linux, { arch: 'x64', glibc: undefined }), /no glibc/],
    [findSupport(linux, { arch: 'riscv64', glibc: '2.39' }), /x64 and arm64; this is riscv64/],
    [findSupport(testMachine({}, { platform: 'darwin' }), { arch: 'arm64', glibc: undefined }), /on Linux/],
  ];
  for (const [looked, reason] of cases) {
    const found = await looked;
    assert.equal(found.ok, false);
    assert.match(found.reason, reason);
    assert.match(found.reason, /official amazon-ssm-agent/);
  }
});
