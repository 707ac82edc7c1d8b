/**
 * Measures the doctor on faults whose makers haven't read it: `node test/faults/blind/run.ts [PATTERN]`. Needs root,
 * as the zoo does. It prints each verdict beside what was expected before the first run, and the score; a wrong
 * verdict is a result, not an error. `--inject-only` breaks everything and asks nobody, `--write FILE` keeps all
 * verdicts as JSON, `--at-once N` runs so many side by side.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { warmAgentCache } from '../../../packages/agent/src/process.ts';
import { prepareNetwork } from '../node/machine.ts';
import { openWorld, type World } from '../world.ts';
import { agents } from './agents.ts';
import { compounds } from './compounds.ts';
import { condition } from './condition.ts';
import { decoys } from './decoys.ts';
import type { Expected, Fault, Question } from './fault.ts';
import { tries } from './help.ts';
import { identity } from './identity.ts';
import { officialPrograms } from './official.ts';
import { path } from './path.ts';
import { permission } from './permission.ts';
import { platform } from './platform.ts';
import { proxies } from './proxies.ts';
import { tls } from './tls.ts';

const faults: readonly Fault[] = [
  ...agents,
  ...permission,
  ...path,
  ...platform,
  ...proxies,
  ...tls,
  ...identity,
  ...condition,
  ...decoys,
  ...compounds,
];

/** What came of one fault. */
interface Outcome {
  readonly id: string;
  /** The cause, `none`, or `unknown`. */
  readonly cause: string;
  readonly confidence: string;
  readonly ms: number;
  readonly score: 'right' | 'unknown' | 'wrong' | 'failed' | 'skipped' | 'injected';
  /** The verdict record, or what failed. */
  readonly verdict: unknown;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    one: { type: 'string' },
    out: { type: 'string' },
    cache: { type: 'string' },
    write: { type: 'string' },
    'at-once': { type: 'string', default: '2' },
    'inject-only': { type: 'boolean', default: false },
  },
});
const repository = resolve(import.meta.dirname, '../../..');
const longest = 300_000;

if (values.one === undefined) await all();
else await one(values.one);

async function all(): Promise<void> {
  const pattern = new RegExp(positionals[0] ?? '');
  const chosen = faults.filter(({ id }) => pattern.test(id));
  const doubled = faults.map(({ id }) => id).filter((id, at, ids) => ids.indexOf(id) !== at);
  if (doubled.length > 0) throw new Error(`the same id twice: ${doubled.join(', ')}`);
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-blind-'));
  const cache = join(folder, 'cache');
  await warmAgentCache(cache);
  const outcomes: Outcome[] = [];
  let next = 0;
  const work = async () => {
    for (let fault = chosen[next++]; fault; fault = chosen[next++]) {
      const outcome = await inOwnProcess(fault, folder, cache);
      outcomes.push(outcome);
      process.stdout.write(`${line(fault, outcome)}\n`);
      keep(outcomes);
    }
  };
  await Promise.all(Array.from({ length: Number(values['at-once']) }, work));
  rmSync(folder, { recursive: true, force: true });
  const of = (score: Outcome['score']) => outcomes.filter((outcome) => outcome.score === score).length;
  process.stdout.write(
    `\n${outcomes.length} faults: ${of('right')} right, ${of('unknown')} unknown, ${of('wrong')} wrong; ` +
      `${of('failed')} could not be measured, ${of('skipped')} skipped\n`,
  );
}

/** Written after each, so that nothing is lost when the run is ended early. */
function keep(outcomes: Outcome[]): void {
  if (values.write === undefined) return;
  const order = new Map(faults.map(({ id }, at) => [id, at]));
  outcomes.sort((a, b) => order.get(a.id)! - order.get(b.id)!);
  writeFileSync(values.write, `${JSON.stringify(outcomes, null, 1)}\n`);
}

/** A fault in a process with a network and mounts of its own; what it leaves behind ends with it. */
function inOwnProcess(fault: Fault, folder: string, cache: string): Promise<Outcome> {
  const failed = (why: string): Outcome => ({
    id: fault.id,
    cause: '',
    confidence: '',
    ms: 0,
    score: 'failed',
    verdict: why,
  });
  if (fault.official && officialPrograms === undefined)
    return Promise.resolve({ ...failed('ROLLCALL_OFFICIAL_BIN is not set'), score: 'skipped' });
  const out = join(folder, `${fault.id}.json`);
  const child = spawn(
    'unshare',
    [
      ...['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'],
      ...[process.execPath, import.meta.filename, '--one', fault.id, '--out', out, '--cache', cache],
      ...(values['inject-only'] ? ['--inject-only'] : []),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (part) => {
      said = (said + part).slice(-4_000);
    });
  const timer = setTimeout(() => child.kill('SIGKILL'), longest);
  return new Promise((done) => {
    child.once('exit', () => {
      clearTimeout(timer);
      try {
        done(JSON.parse(readFileSync(out, 'utf8')));
      } catch {
        done(failed(said));
      }
    });
  });
}

async function one(id: string): Promise<void> {
  const fault = faults.find((other) => other.id === id)!;
  const put = (outcome: Omit<Outcome, 'id'>) =>
    writeFileSync(values.out!, JSON.stringify({ id, ...outcome }));
  let world: World | undefined;
  try {
    prepareNetwork();
    world = await openWorld(values.cache!, fault.world);
    const question = await fault.inject(world);
    if (values['inject-only'])
      put({ cause: '', confidence: '', ms: 0, score: 'injected', verdict: undefined });
    else {
      const began = performance.now();
      const verdict = await ask(world, question);
      const ms = Math.round(performance.now() - began);
      const { cause, confidence } = read(verdict);
      put({ cause, confidence, ms, score: scoreOf(fault.expected, cause, confidence), verdict });
    }
  } catch (error) {
    put({
      cause: '',
      confidence: '',
      ms: 0,
      score: 'failed',
      verdict: String((error as Error).stack ?? error).slice(0, 3_000),
    });
  }
  // All that lives here ends with this process, which is the first of its namespaces.
  await Promise.race([world?.close().catch(() => {}), new Promise((done) => setTimeout(done, 10_000))]);
  process.exit(0);
}

/** The verdict record, as each end gets it. */
async function ask(world: World, question: Question): Promise<unknown> {
  if ('machine' in question) {
    const { machine, args = [], env = {} } = question;
    const environment = {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/root',
      NODE_COMPILE_CACHE: '/var/cache/zoo',
      ...env,
    };
    const settings = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    const program = [process.execPath, join(repository, 'packages/cli/src/main.js'), 'doctor', '--json'];
    const { out: text, all: said } = await tries(
      machine,
      '/usr/bin/env',
      '-i',
      '-C',
      '/',
      ...settings,
      ...program,
      ...args,
    );
    if (!text.trim()) throw new Error(`the doctor said nothing: ${said}`);
    return JSON.parse(text);
  }
  const { subject, evidence, document, region, as } = question;
  const asker = as ? world.server.as(as) : world.server.admin(region);
  const answer = await asker.ask('rollcall:Why', {
    Subject: subject,
    ...(evidence && { Evidence: JSON.stringify(evidence) }),
    ...(document !== undefined && { Document: document }),
  });
  return answer.Verdict === undefined ? answer : JSON.parse(answer.Verdict);
}

/** The cause that a verdict names. */
function read(answer: unknown): { readonly cause: string; readonly confidence: string } {
  const outer = answer as { verdict?: unknown; Candidates?: unknown[] };
  const record = (outer.verdict ?? outer) as {
    cause?: string | { id?: string } | null;
    confidence?: string;
    /** `well`, `ill`, `pending` or `unknown`. */
    state?: string;
  };
  if (outer.Candidates !== undefined && record.cause === undefined)
    return { cause: outer.Candidates.length > 1 ? 'name-ambiguous' : 'unknown', confidence: '' };
  const { cause, state, confidence = '' } = record;
  const id = typeof cause === 'string' ? cause : cause?.id;
  if (id !== undefined) return { cause: id, confidence };
  // Too young to be judged is what this cause means.
  if (state === 'pending') return { cause: 'not-yet-registered', confidence };
  return { cause: state === 'well' ? 'none' : 'unknown', confidence };
}

function scoreOf(expected: readonly Expected[], cause: string, confidence: string): Outcome['score'] {
  const isIt = expected.some((one) => (typeof one === 'string' ? one === cause : one.test(cause)));
  if (isIt && (confidence !== 'unknown' || cause === 'unknown')) return 'right';
  return cause === 'unknown' || confidence === 'unknown' ? 'unknown' : 'wrong';
}

function line(fault: Fault, outcome: Outcome): string {
  const mark = { right: ' ', unknown: '?', wrong: 'X', failed: '!', skipped: '-', injected: ' ' }[
    outcome.score
  ];
  const expected = fault.expected.map(String).join(' | ');
  const what =
    outcome.score === 'failed' || outcome.score === 'skipped'
      ? String(outcome.verdict).replace(/\s+/g, ' ').slice(0, 300)
      : `${outcome.cause} ${outcome.confidence}`;
  return `${mark} ${fault.id.padEnd(34)} ${fault.asked.padEnd(9)} ${expected.padEnd(44)} ${what} ${outcome.ms} ms`;
}
