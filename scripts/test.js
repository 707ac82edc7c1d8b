/*
 * `npm test`: types, style and every test that needs no root and nothing from outside npm, a real PostgreSQL
 * among them. Slower suites are scripts of their own; `.ci/run` calls them all. Arguments are file patterns.
 */

const { spawnSync } = require('node:child_process');
const { globSync } = require('node:fs');
const path = require('node:path');

const root = path.dirname(__dirname);
// Tests set their own trust and credentials; what the shell has must not reach them.
const inherited =
  /^(AWS_|SSL_CERT_|CURL_CA_BUNDLE$|REQUESTS_CA_BUNDLE$|NODE_EXTRA_CA_CERTS$|ROLLCALL_(?!OFFICIAL_AGENT$)|(https?|no|all)_proxy$)/i;
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !inherited.test(name)));

/** Runs one program to its end; a failure ends everything. */
function run(title, program, args) {
  const started = Date.now();
  const result = spawnSync(program, args, { cwd: root, stdio: 'inherit', env });
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  if (result.status !== 0) {
    console.error(`${title}: failed after ${seconds} s`);
    process.exit(result.status ?? 1);
  }
  console.log(`${title}: ${seconds} s`);
}

const patterns = process.argv.slice(2);
const bin = (name) => path.join(root, 'node_modules', '.bin', name);
if (patterns.length === 0) {
  run('types', bin('tsc'), ['--noEmit']);
  run('style', bin('biome'), ['check', '--error-on-warnings']);
}
const files = globSync(patterns.length ? patterns : ['packages/*/src/**/*.test.ts', 'test/*/*.test.ts'], {
  cwd: root,
})
  .filter((file) => patterns.length || !/^test\/(kill|faults|slow|official)\//.test(file))
  .sort();
const pure = files.filter((file) => /^packages\/(wire|documents|diagnosis)\//.test(file));
const others = files.filter((file) => !pure.includes(file));
// A test that hangs must fail by itself; none of the quick ones takes a tenth of this.
const isSlow = files.some((file) => file.startsWith('test/slow/'));
const reporter = ['--test-reporter=dot', `--test-timeout=${isSlow ? 600_000 : 120_000}`];
// What a failed test left open (agents that call again and again) must not keep its process for ever.
const leave = '--test-force-exit';
if (pure.length)
  run('pure tests', process.execPath, ['--test', '--test-isolation=none', ...reporter, ...pure]);
// The slow ones fill disks, ports and processors: they would spoil each other's time.
const atOnce = isSlow ? 1 : 2;
if (others.length)
  run('tests', process.execPath, ['--test', `--test-concurrency=${atOnce}`, leave, ...reporter, ...others]);
