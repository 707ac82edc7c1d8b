/**
 * The kill suite: for every operation that changes what is stored, the server is killed before, during and after
 * its commit, in the middle of a checkpoint and after its answer, while other operations are under way. Then it is
 * started again, and everything that was answered has to be there, and nothing by half.
 *
 *     node test/kill/run.ts [--seeds N] [--seed FIRST] [--point PART-OF-A-NAME]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { makeKeyPool } from '../harness/key-pool.ts';
import { CallError } from '../harness/transport.ts';
import { commandPoints, killCommands } from './commands/points.ts';
import { drives, unlisted } from './drives.ts';
import { firstStartPoints } from './first-start.ts';
import type { Moment } from './killable.ts';
import { seeded } from './seeded.ts';
import { openWorld, type World } from './world.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    point: { type: 'string', default: '' },
  },
});
const moments: readonly Moment[] = [
  'before-commit',
  'in-commit',
  'after-commit',
  'in-checkpoint',
  'answered',
];
/** Servers at a time. */
const lanes = 2;

/** One kill. */
interface Point {
  readonly drive: string;
  readonly moment: Moment;
}

/** Kills the server once and looks. Answers what is wrong. */
async function kill(world: World, { drive: name, moment }: Point): Promise<string[]> {
  const { server } = world;
  const others = Object.keys(drives).filter((other) => other !== name);
  const company = Array.from({ length: 1 + world.random(3) }, () => others[world.random(others.length)]!);
  const main = await drives[name]!(world);
  const rest = await Promise.all(company.map((other) => drives[other]!(world)));
  const before = world.promised.length;

  if (moment !== 'answered') {
    const longest = moment === 'in-commit' ? 1_500 : 4_000;
    await server.order({ moment, write: main.token, delay: world.random(longest) });
  }
  const problems: string[] = [];
  const answered = new Set<object>();
  const make = async (drive: typeof main) => {
    try {
      const promised = await drive.act();
      world.promise(promised);
      answered.add(drive);
    } catch (error) {
      if (refused(error)) problems.push(`refused: ${(error as Error).message}`);
    }
  };
  const all = [main, ...rest].map((drive) => make(drive));
  if (moment === 'answered') {
    await all[0];
    await server.kill();
  }
  const end = await Promise.race([server.ended, sleep(10_000, 'alive', { ref: false })]);
  if (end !== 'SIGKILL') problems.push(`the point wasn't reached (${end})\n${server.log()}`);
  if (end === 'alive') await server.kill();
  await Promise.all(all);
  if (moment === 'answered' && !answered.has(main)) problems.push('there was no answer');
  if ((moment === 'before-commit' || moment === 'after-commit') && answered.has(main)) {
    problems.push('it was answered before it was on disk, or after the process was dead');
  }

  problems.push(...world.books().problems(world.promised));
  problems.push(...(await world.revive()));
  for (const drive of [main, ...rest]) {
    try {
      await drive.afterwards?.(answered.has(drive));
    } catch (error) {
      problems.push(`afterwards: ${(error as Error).message}`);
    }
  }
  if (problems.length > 0) {
    const answers = world.promised.slice(before).map((one) => ('what' in one ? one.what : one.operation));
    problems.push(`beside it: ${company.join(', ')}; answered: ${answers.join(', ') || 'nothing'}`);
  }
  return problems;
}

/** A refusal is an answer; a broken connection is what a kill looks like from outside. */
function refused(error: unknown): boolean {
  if (error instanceof CallError) return error.status !== 0;
  return /: [45]\d\d /.test((error as Error).message);
}

async function run(): Promise<void> {
  const keys = await makeKeyPool(2_000);
  const wanted = (name: string) => name.includes(values.point);
  const first = Number(values.seed);
  let survived = 0;
  let tried = 0;
  const failed: string[] = [];
  const tell = (seed: number, name: string, problems: readonly string[]) => {
    tried += 1;
    if (problems.length === 0) {
      survived += 1;
      return;
    }
    failed.push(`--seed ${seed} --point '${name}'`);
    console.log(`FAILED  ${name}  (seed ${seed})\n  ${problems.join('\n  ')}`);
  };

  for (let seed = first; seed < first + Number(values.seeds); seed += 1) {
    const random = seeded(seed);
    const points = Object.keys(drives)
      .flatMap((drive) => moments.map((moment) => ({ drive, moment, order: random(1_000_000) })))
      .filter(({ drive, moment }) => wanted(`${drive} ${moment}`))
      .sort((a, b) => a.order - b.order);
    await Promise.all(
      Array.from({ length: Math.min(lanes, points.length) }, async (_, lane) => {
        let world = await openWorld(keys, seeded(seed * 1_000 + lane));
        const gaps = lane === 0 ? unlisted(world.server.rules) : [];
        for (const gap of gaps) tell(seed, 'operations', [gap]);
        for (let point = points.pop(); point; point = points.pop()) {
          let problems: string[];
          try {
            problems = await kill(world, point);
          } catch (error) {
            problems = [String((error as Error).stack)];
          }
          tell(seed, `${point.drive} ${point.moment}`, problems);
          if (problems.length > 0) {
            // What is wrong in this folder must not be counted again.
            await world.end();
            world = await openWorld(keys, seeded(seed * 1_000 + lane + tried));
          }
        }
        await world.end();
      }),
    );
    const ofCommands = commandPoints(seed)
      .map((point) => ({ point, order: random(1_000_000) }))
      .sort((a, b) => a.order - b.order)
      .flatMap(({ point }) => (wanted(point.name) ? [point] : []));
    for await (const { name, problems } of killCommands(keys, seed, ofCommands, lanes)) {
      tell(seed, name, problems);
    }
    if (wanted('first start') || values.point.startsWith('first start')) {
      const step = /step (\d+)/.exec(values.point)?.[1];
      const points = firstStartPoints(lanes, step === undefined ? undefined : Number(step));
      for await (const { name, problems } of points) tell(seed, name, problems);
    }
  }
  console.log(`survived ${survived} of ${tried}`);
  for (const line of failed) console.log(`  again: npm run test:kill -- ${line}`);
  if (survived !== tried || tried === 0) process.exitCode = 1;
}

const began = Date.now();
await run();
console.log(`${((Date.now() - began) / 1000).toFixed(0)} s`);
