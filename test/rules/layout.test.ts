/**
 * The rules of the house that a machine can check: who may import whom, how files open, and that no path or
 * host of anybody's machine is committed.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';

const root = resolve(import.meta.dirname, '../..');
const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
});
const files = listed.split('\n').filter((file) => file !== '' && existsSync(join(root, file)));
const sources = files.filter((file) => /^packages\/[^/]+\/src\/.*\.ts$/.test(file));
const text = (file: string) => readFileSync(join(root, file), 'utf8');

/** Everything that a source file imports, statically or not: [specifier, dynamic?]. */
function importsOf(file: string): [string, boolean][] {
  const source = text(file);
  const found: [string, boolean][] = [];
  for (const match of source.matchAll(/^(?:import|export)\b(?!\s*type\b)[^;]*?from\s+'([^']+)'/gm))
    found.push([match[1]!, false]);
  for (const match of source.matchAll(/^import\s+'([^']+)'/gm)) found.push([match[1]!, false]);
  for (const match of source.matchAll(/\bimport\(\s*'([^']+)'/g)) found.push([match[1]!, true]);
  return found;
}

const packageOf = (file: string) => file.split('/')[1]!;
const isTest = (file: string) =>
  /\.(test|case)\.ts$|\/testing\.ts$/.test(file) || /\/(fixtures|testing|golden)\//.test(file);

test('a package imports only the packages of ours that it may', () => {
  const allowed: Record<string, readonly string[]> = {
    wire: [],
    documents: ['wire'],
    diagnosis: ['wire'],
    probes: ['wire', 'diagnosis'],
    agent: ['wire', 'documents', 'probes'],
    server: ['wire', 'documents', 'diagnosis'],
    cli: ['wire', 'diagnosis'],
    console: ['wire', 'diagnosis'],
  };
  // The verbs that are a role load it when they are called; nothing else does.
  const roles: Record<string, readonly string[]> = { cli: ['server', 'agent', 'probes'] };
  for (const file of sources.filter((f) => !isTest(f))) {
    const mine = packageOf(file);
    for (const [specifier, dynamic] of importsOf(file)) {
      const other = /^@rollcall\/([^/]+)/.exec(specifier)?.[1];
      if (other === undefined || other === mine) continue;
      const may = [...(allowed[mine] ?? []), ...(dynamic ? (roles[mine] ?? []) : [])];
      assert.ok(may.includes(other), `${file} imports ${specifier}${dynamic ? '' : ' statically'}`);
    }
  }
});

test('the pure packages do no input or output', () => {
  const forbidden =
    /^node:(fs|net|tls|http|https|http2|dgram|dns|child_process|worker_threads|sqlite|os)(\/|$)/;
  for (const file of sources.filter((f) => /^packages\/(wire|documents|diagnosis)\//.test(f) && !isTest(f))) {
    for (const [specifier] of importsOf(file))
      assert.ok(!forbidden.test(specifier), `${file} imports ${specifier}`);
  }
});

test('the agent needs no SDK client', () => {
  const seen = new Set<string>();
  const follow = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const [specifier] of importsOf(file)) {
      assert.ok(!specifier.startsWith('@aws-sdk/'), `${file}, which the agent loads, imports ${specifier}`);
      if (specifier === '@rollcall/wire') follow('packages/wire/src/index.ts');
      else if (specifier.startsWith('.')) follow(relative(root, resolve(root, dirname(file), specifier)));
    }
  };
  for (const file of sources.filter((f) => f.startsWith('packages/agent/') && !isTest(f))) follow(file);
  assert.ok(seen.size > 5);
});

const ORDER = [
  'clock service store bus settings certificates',
  'audit knocks identity events',
  'presence tags nodes roster',
  'documents activations',
  'commands associations',
  'verdicts',
  'channels',
  'enrolment',
  'api',
  'startup',
  'rooms',
  'door',
  'main',
].map((tier) => tier.split(' '));

test('inside the server a folder imports only to its left, through its index', () => {
  const place = (folder: string) => ORDER.flat().indexOf(folder);
  const base = 'packages/server/src/';
  for (const file of sources.filter((f) => f.startsWith(base) && !isTest(f))) {
    const mine = file.slice(base.length).split('/')[0]!.replace(/\.ts$/, '');
    assert.notEqual(place(mine), -1, `${file}: '${mine}' has no place in the order`);
    for (const [specifier] of importsOf(file)) {
      if (!specifier.startsWith('.') || specifier.endsWith('/package.json')) continue;
      const target = relative(base, join(dirname(file), specifier));
      const other = target.split('/')[0]!.replace(/\.ts$/, '');
      if (other === mine) continue;
      assert.ok(place(other) < place(mine), `${file} imports ${specifier}, which lies to its right`);
      // The helpers of the start have no index: only the three files that join everything use them.
      if (other === 'startup') continue;
      assert.ok(
        /^[^/]+(\/index)?\.ts$/.test(target),
        `${file} imports ${specifier}, past the folder's index`,
      );
    }
  }
});

test('only the store holds a connection, and only who must looks across regions', () => {
  for (const file of sources.filter((f) => f.startsWith('packages/server/') && !isTest(f))) {
    if (file.includes('/store/')) continue;
    for (const [specifier] of importsOf(file)) {
      assert.ok(!/^(pg|node:sqlite)$/.test(specifier), `${file} imports ${specifier}`);
    }
  }
});

test('every source file opens with why it exists', () => {
  for (const file of sources) {
    assert.match(text(file), /^(#!.*\n)?\/\*[*\s]/, `${file} has no opening comment`);
  }
});

test('no default exports', () => {
  for (const file of sources) assert.doesNotMatch(text(file), /^export default /m, file);
});

test('nothing of one machine is committed', () => {
  for (const file of files.filter(
    (f) => !/\.(pem|crt|key|bin|gz|png|ico)$/.test(f) && f !== 'test/rules/layout.test.ts',
  )) {
    const content = text(file);
    assert.doesNotMatch(
      content,
      /\.\.\/shared\/|\/work\/(main|shared|\.)/,
      `${file} names a path of one machine`,
    );
    assert.doesNotMatch(content, /"resolved": "https?:/, `${file} names a registry's host`);
  }
});

test('the repository brings one pinned Node for every platform', () => {
  const versions = Object.values(
    JSON.parse(text('package.json')).optionalDependencies as Record<string, string>,
  );
  assert.equal(new Set(versions).size, 1);
  assert.match(versions[0]!, /^\d+\.\d+\.\d+$/);
});
