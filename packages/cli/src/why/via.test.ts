/** A machine seen by SSH: what can't be an option in disguise, and a real `ssh` to a real `sshd`. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../../../test/harness/server.ts';
import { collectBySsh, readTarget, sshArguments } from './via.ts';

test('a target is a host, perhaps with a user and a port, and never an option', () => {
  assert.deepEqual(readTarget('ssh://web-07'), { host: 'web-07' });
  assert.deepEqual(readTarget('ssh://root@10.0.4.7:2222'), { host: '10.0.4.7', user: 'root', port: 2222 });
  assert.deepEqual(readTarget('ssh://[fd00::7]:22'), { host: 'fd00::7', port: 22 });
  for (const wrong of [
    'web-07',
    'ssh://',
    'ssh://-oProxyCommand=evil',
    'ssh://-oProxyCommand=x@web',
    'ssh://web:0',
    'ssh://web:70000',
    'ssh://web 07',
    'ssh://web/../x',
    'ssh://user:secret@web',
    'ssh://$(id)',
    'ssh://web\n',
  ])
    assert.throws(() => readTarget(wrong), /must be ssh:\/\/USER@HOST/, wrong);
});

test('the host stands behind the options, and is asked nothing where nobody can answer', () => {
  const args = sshArguments({ host: 'web-07', user: 'kenji', port: 2222 }, { interactive: false });
  assert.deepEqual(args.slice(-3), ['--', 'web-07', 'sh -s']);
  assert.ok(args.includes('BatchMode=yes'));
  const asRoot = sshArguments({ host: 'web-07' }, { interactive: true, sudo: true });
  assert.deepEqual(asRoot.slice(-2), ['web-07', 'sudo -n sh -s']);
  assert.ok(!asRoot.includes('BatchMode=yes'));
  const server = (url: string) => sshArguments({ host: 'a' }, { interactive: false, server: url }).at(-1);
  assert.equal(server('https://rollcall.lan:8443'), 'sh -s -- --server https://rollcall.lan:8443');
  assert.equal(server('https://a;reboot'), 'sh -s');
});

const sshd = ['/usr/sbin/sshd', '/usr/bin/sshd', '/usr/lib/ssh/sshd'].find((file) => existsSync(file));

// As root it wants a folder that only a service manager makes.
const isReady = sshd !== undefined && (process.getuid?.() !== 0 || existsSync('/run/sshd'));

describe('over a real connection', { skip: !isReady && 'no sshd that can be started' }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'rollcall-ssh-'));
  const at = (name: string) => path.join(folder, name);
  let daemon: ChildProcess;
  let port = 0;
  // What a person has in ~/.ssh, for this test only: the client that is found first reads it from here.
  const env = { PATH: `${folder}:${process.env.PATH}`, HOME: folder };
  const user = userInfo().username;

  before(async () => {
    port = await freePort();
    for (const name of ['host', 'id'])
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)]);
    writeFileSync(at('authorized'), readFileSync(at('id.pub')));
    writeFileSync(
      at('sshd_config'),
      [
        `Port ${port}`,
        'ListenAddress 127.0.0.1',
        `HostKey ${at('host')}`,
        `AuthorizedKeysFile ${at('authorized')}`,
        'PidFile none',
        'StrictModes no',
        'UsePAM no',
        'PasswordAuthentication no',
        'PermitRootLogin prohibit-password',
        '',
      ].join('\n'),
    );
    writeFileSync(at('known'), `[127.0.0.1]:${port} ${readFileSync(at('host.pub'), 'utf8')}`);
    const config = [
      `IdentityFile ${at('id')}`,
      `UserKnownHostsFile ${at('known')}`,
      'IdentitiesOnly yes',
      '',
    ];
    writeFileSync(at('config'), config.join('\n'));
    const real = execFileSync('sh', ['-c', 'command -v ssh'], { encoding: 'utf8' }).trim();
    writeFileSync(at('ssh'), `#!/bin/sh\nexec ${real} -F ${at('config')} "$@"\n`, { mode: 0o755 });
    daemon = spawn(sshd as string, ['-D', '-e', '-f', at('sshd_config')], { stdio: 'ignore' });
    for (let tries = 0; tries < 100 && !(await answers(port)); tries++) await sleep(50);
  });
  after(() => {
    daemon?.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  test('the script runs there, whole, and what it says comes back', async () => {
    const target = { host: '127.0.0.1', user, port };
    const script = `printf '%s\\n' "begin"\nid -un\n${'# as long as the real one\n'.repeat(2000)}echo end\n`;
    const said = await collectBySsh(script, target, { interactive: false, env });
    assert.equal(said, `begin\n${user}\nend\n`);
  });

  test('a machine that lets nobody in, or that is silent, is said to be so', async () => {
    const stranger = { host: '127.0.0.1', user: 'nobody-of-this-name', port };
    await assert.rejects(
      collectBySsh('echo no', stranger, { interactive: false, env }),
      /127\.0\.0\.1 can't be reached over ssh: .*Permission denied/,
    );
    const target = { host: '127.0.0.1', user, port };
    await assert.rejects(
      collectBySsh('exit 3', target, { interactive: false, env }),
      /said nothing \(exit code 3\)/,
    );
    await assert.rejects(
      collectBySsh('sleep 20', target, { interactive: false, env, timeout: 500 }),
      /didn't answer in time/,
    );
  });
});

test('no ssh on this machine is said to be so', async () => {
  await assert.rejects(
    collectBySsh('true', { host: 'localhost' }, { interactive: false, env: { PATH: '/nowhere' } }),
    /ssh can't be run here/,
  );
});

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
