/**
 * Enrolling as a person does it: the line that `activation create` prints, run as it is printed, on this
 * machine, into folders of the test's own; with curl or wget, with each shell that is here. Needs root.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, startServer, type TestServer } from '../harness/server.ts';

const launcher = resolve(import.meta.dirname, '../../rollcall');
const has = (program: string) => spawnSync('which', [program]).status === 0;
const address = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
const missing =
  process.getuid?.() !== 0
    ? 'needs root'
    : process.platform !== 'linux' || !has('curl') || !has('tar')
      ? 'needs Linux, curl and tar'
      : address === undefined
        ? 'needs an address that is not loopback'
        : undefined;
const options = missing === undefined ? {} : { skip: missing };

const folder = mkdtempSync(join(tmpdir(), 'rollcall-enrolment-'));
const inside = (name: string) => join(folder, name);
let server: TestServer;

before(async () => {
  if (missing) return;
  const port = await freePort();
  server = await startServer({
    port,
    flags: ['--listen', `0.0.0.0:${port}`, '--public-url', `https://${address}:${port}`],
  });
  // Stands in for sudo, which a root shell may not have.
  mkdirSync(inside('bin'));
  writeFileSync(inside('bin/sudo'), '#!/bin/sh\nexec "$@"\n');
  chmodSync(inside('bin/sudo'), 0o755);
});
after(async () => {
  await server?.stop();
  server?.remove();
  rmSync(folder, { recursive: true, force: true });
});

interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** What a download says that was cut off, or not taken, on the way: a person would try again, and so does this. */
const cutOff =
  /curl: \((7|28|35|52|56)\)|wget: .*(reset|timed out|closed)|Unable to establish SSL connection/i;

/**
 * Runs a script that stands in a file, so that nothing of it is anybody's argument. A pipe whose download was cut off
 * ends well, with nothing done: that is said, and it is run once more.
 */
async function run(script: string, shell = 'sh', path = process.env.PATH, watch?: string): Promise<Ran> {
  const ran = await runOnce(script, shell, path, watch);
  if (!cutOff.test(ran.err)) return ran;
  console.error(`A download was cut off, and is tried again: ${ran.err}`);
  return runOnce(script, shell, path, watch);
}

async function runOnce(
  script: string,
  shell: string,
  path: string | undefined,
  watch?: string,
): Promise<Ran> {
  const work = mkdtempSync(join(folder, 'work-'));
  const file = join(work, 'script');
  writeFileSync(file, script);
  const env = { PATH: `${inside('bin')}:${path}`, HOME: work, LANG: 'C.UTF-8' };
  const child = spawn(shell, [file], { cwd: work, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk) => (said.out += chunk));
  child.stderr.on('data', (chunk) => (said.err += chunk));
  const seen = watch === undefined ? undefined : watchArguments(watch);
  const status = await new Promise<number | null>((done) => child.once('close', done));
  if (seen) {
    const { times, found } = await seen.stop();
    assert.ok(times > 20, `looked only ${times} times`);
    assert.deepEqual(found, [], 'the code was seen in the arguments of a process');
  }
  return { status, ...said };
}

/** Reads the arguments of all processes, over and over. */
function watchArguments(secret: string) {
  const found: string[] = [];
  let times = 0;
  let stopping = false;
  const done = (async () => {
    while (!stopping) {
      for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
        try {
          const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
          if (line.includes(secret)) found.push(line.replaceAll('\0', ' '));
        } catch {
          // It has ended meanwhile.
        }
      }
      times += 1;
      await sleep(5);
    }
  })();
  return {
    async stop() {
      stopping = true;
      await done;
      return { times, found };
    },
  };
}

/** What `rollcall activation create` prints for a shell, without the two spaces before each line. */
function printedLines(limit: number): string {
  const args = ['activation', 'create', '--data', server.data, '--limit', String(limit)];
  const said = execFileSync(launcher, args, { encoding: 'utf8' });
  const [, lines] = /^On a machine.*\n+((?: {2}.*\n)+)/m.exec(said) ?? [];
  assert.ok(lines, said);
  return lines.replaceAll(/^ {2}/gm, '');
}

const codeIn = (lines: string) => /printf '%s' '?([\w-]+)'? > code/.exec(lines)?.[1] ?? '';
const into = (lines: string, prefix: string, root: string, more = '') =>
  lines.replace(
    '--code-file code',
    `--code-file code --prefix ${prefix} --root ${root} --no-service ${more}`,
  );

async function untilOnline(nodeId: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const { InstanceInformationList } = await server.admin.ask('ssm:DescribeInstanceInformation', {
      Filters: [{ Key: 'InstanceIds', Values: [nodeId] }],
    });
    const channel = await server.admin.ask('ssm:GetConnectionStatus', { Target: nodeId });
    if (InstanceInformationList[0]?.PingStatus === 'Online' && channel.Status === 'connected') return;
    await sleep(100);
  }
  assert.fail(`${nodeId} is not Online`);
}

const registrations = async () => {
  const { ActivationList } = await server.admin.ask('ssm:DescribeActivations');
  return ActivationList.reduce(
    (sum: number, { RegistrationsCount = 0 }: { RegistrationsCount?: number }) => sum + RegistrationsCount,
    0,
  );
};

test('the printed line enrols this machine, and its code is in nobody’s arguments', options, async () => {
  const lines = printedLines(1);
  const prefix = inside('opt/rollcall');
  const root = inside('agent');
  const code = codeIn(lines);
  assert.notEqual(code, '');
  const ran = await run(into(lines, prefix, root), 'sh', undefined, code);
  assert.equal(ran.status, 0, ran.err);
  assert.match(ran.out, /^\[✓\] .*: supported$/m);
  assert.match(ran.out, /^\[✓\] https:.* reached in \d+ ms/m);
  const nodeId = /^\[✓\] code accepted +(mi-[0-9a-f]{17})$/m.exec(ran.out)?.[1] ?? '';
  assert.equal(ran.err, '');
  assert.match(
    readFileSync(join(prefix, 'installed-by-enroll'), 'utf8'),
    /^\d+\.\d+\.\d+-[0-9a-f]{12} linux-/,
  );
  assert.equal(statSync(join(prefix, 'rollcall')).uid, 0);

  // The command that it printed, with the program that it installed.
  const command = /^ {2}(\/.*enroll --foreground.*)$/m.exec(ran.out)?.[1] ?? '';
  assert.ok(command.startsWith(prefix), ran.out);
  const agent: ChildProcess = spawn('sh', ['-c', `exec ${command}`], { stdio: 'ignore' });
  try {
    await untilOnline(nodeId);
    // Asked to leave while it runs, it says what to stop.
    const early = spawnSync(join(prefix, 'rollcall'), ['leave', '--root', root], { encoding: 'utf8' });
    assert.equal(early.status, 1);
    assert.match(early.stderr, new RegExp(`kill ${agent.pid}\\b`));
  } finally {
    const ended = new Promise((done) => agent.once('exit', done));
    agent.kill();
    await ended;
  }

  // Once more: no second registration, no second download.
  const before = statSync(prefix).ino;
  const again = await run(into(lines, prefix, root));
  assert.equal(again.status, 0, again.err);
  assert.match(again.out, new RegExp(`already ${nodeId}`));
  assert.equal(statSync(prefix).ino, before);

  const args = ['leave', '--root', root, '--program'];
  const left = spawnSync(join(prefix, 'rollcall'), args, { encoding: 'utf8' });
  assert.equal(left.status, 0, left.stderr);
  assert.ok(left.stdout.includes(`  ${root}/identity.json\n`));
  assert.deepEqual([existsSync(prefix), existsSync(root)], [false, false]);
});

test('a wrong pin is refused by curl, and nothing runs', options, async () => {
  const lines = printedLines(1);
  const before = await registrations();
  const wrong = lines.replace(/sha256\/\/[^']+/, `sha256//${Buffer.alloc(32, 7).toString('base64')}`);
  assert.notEqual(wrong, lines);
  const ran = await run(into(wrong, inside('opt/wrong'), inside('wrong')));
  assert.equal(ran.out, '');
  assert.match(ran.err, /curl: \(90\)/);
  assert.equal(existsSync(inside('opt/wrong')), false);
  assert.equal(existsSync(inside('wrong')), false);
  assert.equal(await registrations(), before);
});

test(
  'a used-up activation is said with its reason, and nothing stays behind but the program',
  options,
  async () => {
    const lines = printedLines(1);
    const prefix = inside('opt/once');
    const first = await run(into(lines, prefix, inside('first')));
    assert.deepEqual(
      [first.status, existsSync(join(inside('first'), 'identity.json'))],
      [0, true],
      first.err,
    );
    const second = await run(`set -e\n${into(lines, prefix, inside('second'))}`.replace('\nrm code', ''));
    assert.equal(second.status, 1, second.err + second.out);
    assert.match(second.err, /The server refused \(RegistrationLimitExceeded\)/);
    assert.match(second.err, /rollcall activation renew/);
  },
);

test("a folder that isn't the script's is never replaced", options, async () => {
  const prefix = inside('somebody-elses');
  mkdirSync(prefix);
  writeFileSync(join(prefix, 'precious'), '');
  const before = await registrations();
  const ran = await run(into(printedLines(1), prefix, inside('none')).replace('\nrm code', ''));
  assert.equal(ran.status, 1);
  assert.match(ran.err, /is there already and not from this script/);
  assert.deepEqual(readdirSync(prefix), ['precious']);
  assert.equal(await registrations(), before);
});

test('wget does where curl is missing', { ...options, skip: missing ?? !has('wget') }, async () => {
  const bin = inside('no-curl');
  mkdirSync(bin);
  const tools =
    'sh id uname getconf sed tar gzip mktemp df awk dirname mkdir rmdir rm mv ln cat chmod wget env readlink ldd';
  for (const name of tools.split(' ')) {
    const { stdout } = spawnSync('which', [name], { encoding: 'utf8' });
    if (stdout) symlinkSync(stdout.trim(), join(bin, name));
  }
  const lines = printedLines(1);
  const script = execFileSync('curl', ['-fsSk', `${server.url}/enroll`], { encoding: 'utf8' });
  writeFileSync(inside('enroll.sh'), script);
  writeFileSync(inside('code'), codeIn(lines));
  const id = /--activation-id (\S+)/.exec(lines)?.[1];
  const root = inside('by-wget');
  const args = `--activation-id ${id} --code-file ${inside('code')} --prefix ${inside('opt/wget')} --root ${root} --no-service`;
  const shells = ['dash', 'bash', ...(has('busybox') ? ['busybox sh'] : [])].filter((shell) =>
    has(shell.split(' ')[0]!),
  );
  for (const shell of shells) {
    const [program = 'sh', ...more] = shell.split(' ');
    const ran = spawnSync(
      spawnSync('which', [program], { encoding: 'utf8' }).stdout.trim(),
      [...more, inside('enroll.sh'), ...args.split(' ')],
      {
        encoding: 'utf8',
        env: { PATH: bin },
      },
    );
    assert.equal(ran.status, 0, `${shell}: ${ran.stderr}`);
    assert.match(ran.stdout, shell === shells[0] ? /code accepted/ : /already mi-/);
    rmSync(inside('opt/wget'), { recursive: true });
  }
});

test(
  'a server that only this machine can reach prints no line, and its script still works here',
  options,
  async () => {
    const local = await startServer();
    try {
      const said = execFileSync(launcher, ['activation', 'create', '--data', local.data], {
        encoding: 'utf8',
      });
      assert.match(said, /can't reach "localhost"/);
      assert.doesNotMatch(said, /curl/);
      const id = /^Activation +(\S+)$/m.exec(said)?.[1];
      writeFileSync(inside('local-code'), /^Code +(\S+)/m.exec(said)?.[1] ?? '');
      const pin = (await local.admin.ask('rollcall:GetServerInfo')).KeyPin;
      const ran = await run(
        `curl -fsSk --pinnedpubkey 'sha256//${pin}' ${local.url}/enroll | sh -s -- --activation-id ${id} \\
       --code-file ${inside('local-code')} --prefix ${inside('opt/local')} --root ${inside('local')} --no-service`,
      );
      assert.equal(ran.status, 0, ran.err);
      assert.match(ran.out, /code accepted/);
    } finally {
      await local.stop();
      local.remove();
    }
  },
);
