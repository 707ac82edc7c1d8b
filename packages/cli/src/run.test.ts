/** The command as a whole: help, wrong use, no server. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Command } from 'commander';
import { widthOf } from './output/width.ts';
import { dataFolder, flat, rollcall, testIo } from './testing/io.ts';
import { verbs } from './verbs.ts';

test('every verb explains itself within 80 columns', async () => {
  const { out } = await rollcall(['--help']);
  for (const verb of verbs) {
    assert.match(out, new RegExp(`^  ${verb.name} +\\S`, 'm'));
    const command = new Command(verb.name);
    (await verb.load())(command, testIo().io, []);
    const paths = [[verb.name], ...subcommands(command, [verb.name])];
    for (const names of paths) {
      const help = await rollcall([...names, '--help']);
      assert.equal(help.code, 0);
      assert.match(help.out, new RegExp(`^Usage: rollcall ${names.join(' ')}`));
      for (const line of help.out.split('\n')) assert.ok(widthOf(line) <= 80, `${names.join(' ')}: ${line}`);
    }
  }
  for (const line of out.split('\n')) assert.ok(widthOf(line) <= 80, line);
});

function subcommands(command: Command, names: readonly string[]): string[][] {
  return command.commands.flatMap((child) => [
    [...names, child.name()],
    ...subcommands(child, [...names, child.name()]),
  ]);
}

test('wrong use is one line and exit 2', async () => {
  const cases: [string[], RegExp][] = [
    [['nods'], /Did you mean "nodes"/],
    [['\u001b[2J'], /\\x1b/],
    [['nodes', '--zzzz'], /^rollcall nodes: unknown option '--zzzz'\. See rollcall nodes --help$/],
    [['wait'], /missing required argument 'node'/],
    [['user', 'key', 'creat'], /unknown command 'creat'/],
    [['env', '--shell', 'csh'], /--shell csh/],
    [['knocks', '--since', 'yesterday', '--data', dataFolder()], /--since is "yesterday"/],
    [['activation', 'create', '--limit', '0', '--data', dataFolder()], /--limit is "0"/],
    [['activation', 'create', '--tags', 'x', '--data', dataFolder()], /key=value/],
    [['activation', 'delete', 'x'], /is no activation id/],
    [['node', 'restore', 'web-03'], /is no node id/],
    [['wait', 'x', '--timeout', 'soon', '--data', dataFolder()], /--timeout is "soon"/],
  ];
  for (const [args, sentence] of cases) {
    const { code, err, out } = await rollcall(args);
    assert.equal(code, 2, args.join(' '));
    assert.match(flat(err), sentence);
    assert.ok(
      err.split('\n').every((line) => line.length <= 80),
      err,
    );
    assert.equal(out, '');
  }
  assert.equal((await rollcall([])).code, 2);
});

test('no server, a stopped one, or a folder that is no server: a sentence that says what to do', async () => {
  const nothing = await rollcall(['nodes']);
  assert.equal(nothing.code, 2);
  assert.match(flat(nothing.err), /No server found.*npm start.*--data DIR/);
  const empty = mkdtempSync(path.join(tmpdir(), 'rollcall-cli-'));
  assert.match(
    flat((await rollcall(['nodes', '--data', empty])).err),
    /no connection\.json.*rollcall up --data/,
  );
  writeFileSync(path.join(empty, 'connection.json'), '{"url":"file:///etc/passwd"}');
  assert.match((await rollcall(['nodes', '--data', empty])).err, /isn't what a server writes/);
  const stopped = await rollcall(['nodes'], { env: { ROLLCALL_DATA: dataFolder() } });
  assert.equal(stopped.code, 2);
  assert.match(
    flat(stopped.err),
    /^No server answers at https:\/\/localhost:1\. Start it: rollcall up --data/,
  );
  assert.doesNotMatch(stopped.err, /\n\s+at /);
  const debug = await rollcall(['nodes'], { env: { ROLLCALL_DATA: dataFolder(), ROLLCALL_DEBUG: '1' } });
  assert.match(debug.err, /\n\s+at /);
  const elsewhere = { AWS_ENDPOINT_URL: 'http://x', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
  assert.match((await rollcall(['nodes'], { env: elsewhere })).err, /AWS_ENDPOINT_URL is "http:\/\/x"/);
});

test('the launcher works from anywhere, through a link, with any Node', () => {
  const root = path.resolve(import.meta.dirname, '../../..');
  const folder = mkdtempSync(path.join(tmpdir(), 'rollcall-cli-'));
  const link = path.join(folder, 'rollcall');
  symlinkSync(path.join(root, 'rollcall'), link);
  const env = { PATH: '/usr/bin:/bin' };
  assert.match(execFileSync(link, ['--version'], { cwd: folder, env, encoding: 'utf8' }), /^Rollcall \d/);
  const byNode = spawnSync(process.execPath, [link, 'nodes', '--data', folder], {
    cwd: folder,
    env,
    encoding: 'utf8',
  });
  assert.equal(byNode.status, 2);
  assert.match(byNode.stderr, /no connection\.json/);
});

test('output that a full disk refuses is one line and exit 2, not a stack', {
  skip: !existsSync('/dev/full'),
}, () => {
  const full = openSync('/dev/full', 'w');
  const main = path.join(import.meta.dirname, 'main.js');
  const { status, stderr } = spawnSync(process.execPath, [main, '--help'], {
    encoding: 'utf8',
    stdio: ['ignore', full, 'pipe'],
  });
  closeSync(full);
  assert.equal(status, 2);
  assert.match(stderr, /^The output can't be written: ENOSPC[^\n]*\n$/);
});
