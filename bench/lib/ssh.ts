/**
 * An `sshd` of its own on loopback, with keys of its own, for as long as a benchmark runs; what the machine itself
 * has of ssh is neither read nor changed. It lets in the user who runs this, by a key, and asks PAM nothing.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../test/harness/server.ts';

const programs = ['/usr/sbin/sshd', '/usr/bin/ssh', '/usr/bin/ssh-keygen'];
/** Where sshd locks connections in that aren't authenticated yet. */
const separation = '/run/sshd';

/** Keeps the server until its standard input ends, which happens however this process ends. */
const keeper = '"$@" & read -r _; kill $!';

/** What is missing for it; empty when it can be started. */
export function missingForSsh(): readonly string[] {
  return programs.filter((program) => !existsSync(program));
}

/** One that is running. */
export interface Sshd {
  /** For `ssh -F`: every host name is this machine. */
  readonly config: string;
  stop(): void;
}

/** Starts it; resolves when it listens. */
export async function startSshd(folder: string): Promise<Sshd> {
  const place = join(folder, 'ssh');
  mkdirSync(place, { mode: 0o700 });
  const key = (name: string) => {
    const path = join(place, name);
    const made = spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'benchmark', '-f', path]);
    if (made.status !== 0) throw new Error(`ssh-keygen: ${made.stderr}`);
    return path;
  };
  const [host, user] = [key('host'), key('user')];
  const port = await freePort();
  const authorized = join(place, 'authorized_keys');
  writeFileSync(authorized, readFileSync(`${user}.pub`), { mode: 0o600 });
  const { username } = userInfo();
  const serverConfig = join(place, 'sshd_config');
  writeFileSync(
    serverConfig,
    `ListenAddress 127.0.0.1:${port}
HostKey ${host}
AuthorizedKeysFile ${authorized}
AllowUsers ${username}
AuthenticationMethods publickey
PermitRootLogin prohibit-password
UsePAM no
UseDNS no
PrintLastLog no
StrictModes no
PidFile none
MaxStartups 500
MaxSessions 500
`,
  );
  const config = join(place, 'ssh_config');
  writeFileSync(
    config,
    `Host *
  HostName 127.0.0.1
  Port ${port}
  User ${username}
  IdentityFile ${user}
  IdentitiesOnly yes
  PreferredAuthentications publickey
  UserKnownHostsFile ${join(place, 'known_hosts')}
  GlobalKnownHostsFile none
  StrictHostKeyChecking no
  LogLevel ERROR
`,
  );
  const madeSeparation = process.getuid?.() === 0 && !existsSync(separation);
  if (madeSeparation) mkdirSync(separation, { mode: 0o755 });
  const command = [programs[0]!, '-D', '-e', '-f', serverConfig];
  const child = spawn('sh', ['-c', keeper, 'sh', ...command], { stdio: ['pipe', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk).slice(-2_000);
  });
  const stop = () => {
    child.stdin.end();
    if (madeSeparation) rmdirSync(separation);
  };
  if (await listens(child, port)) return { config, stop };
  stop();
  throw new Error(`sshd did not start: ${said}`);
}

async function listens(child: ChildProcess, port: number): Promise<boolean> {
  for (let tries = 0; tries < 200 && child.exitCode === null; tries++) {
    const open = await new Promise<boolean>((done) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        done(true);
      });
      socket.once('error', () => done(false));
    });
    if (open) return true;
    await sleep(20);
  }
  return false;
}
