/**
 * Kills the server at each arrow of an invocation's life, before its commit, during it and after it, while other
 * commands are under way and nodes lose their channels. Then it is started again, everything comes to rest, and
 * has to be right: in the books, in what operators are shown, and on the nodes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { KeyPool } from '../../harness/key-pool.ts';
import { CallError } from '../../harness/transport.ts';
import type { Books } from '../books.ts';
import type { Moment } from '../killable.ts';
import { seeded } from '../seeded.ts';
import { arrows, keepsCompany } from './arrows.ts';
import { openScene, type Scene } from './scene.ts';
import { type Arrow, Stage } from './stage.ts';

/** One kill. */
export interface CommandPoint {
  readonly name: string;
  readonly arrow: string;
  readonly moment: Moment;
}

/** The longest that a moment may take from the commit on, in microseconds. */
const longest: Readonly<Record<string, number>> = {
  'in-commit': 1_500,
  'in-checkpoint': 4_000,
  soon: 20_000,
};
const others: readonly Moment[] = ['in-commit', 'in-checkpoint', 'soon'];
/** No kill takes this long. */
const hangs = 60_000;
/** Keys that one world uses at most. */
const keysEach = 1_000;

/** All kills of a seed: at each arrow before and after its commit, and at some at another moment as well. */
export function commandPoints(seed: number): CommandPoint[] {
  return Object.keys(arrows).flatMap((arrow, index) => {
    const turn = seed + index;
    const more = turn % 3 === 0 ? [others[(turn / 3) % others.length]!] : [];
    const moments: readonly Moment[] = ['before-commit', 'after-commit', ...more];
    return moments.map((moment) => ({ name: `command: ${arrow}, ${moment}`, arrow, moment }));
  });
}

/** Goes through the points, `lanes` at a time; answers each with what is wrong. */
export async function* killCommands(
  keys: KeyPool,
  seed: number,
  points: readonly CommandPoint[],
  lanes: number,
): AsyncGenerator<{ name: string; problems: string[] }> {
  const left = [...points];
  const done: { name: string; problems: string[] }[] = [];
  let wake = Promise.withResolvers<void>();
  const lane = async (number: number) => {
    let worlds = 0;
    const open = () =>
      openScene(keys, seeded(seed * 1_000 + number * 100 + worlds++), (number * keysEach) % keys.size);
    let scene = await open();
    for (let point = left.shift(); point; point = left.shift()) {
      let problems: string[];
      try {
        problems = await Promise.race([kill(scene, point), sleep(hangs, ['it hangs'], { ref: false })]);
      } catch (error) {
        problems = [String((error as Error).stack)];
      }
      done.push({ name: point.name, problems });
      wake.resolve();
      if (problems.length > 0) {
        // What is wrong in this folder must not be counted again.
        await scene.end();
        scene = await open();
      }
    }
    await scene.end();
  };
  const all = Array.from({ length: Math.min(lanes, points.length) }, (_, number) => lane(number));
  let running = true;
  void Promise.all(all).finally(() => {
    running = false;
    wake.resolve();
  });
  while (running || done.length > 0) {
    yield* done.splice(0);
    if (!running) continue;
    await wake.promise;
    wake = Promise.withResolvers();
  }
  await Promise.all(all);
}

/** Kills the server once and looks. Answers what is wrong. */
async function kill(scene: Scene, { arrow: name, moment }: CommandPoint): Promise<string[]> {
  const { random } = scene;
  const company = Object.keys(arrows).filter((other) => other !== name && keepsCompany(other));
  const beside = Array.from({ length: random(3) }, () => company[random(company.length)]!);
  const stages: Stage[] = [];
  const setUp = async (one: string): Promise<{ stage: Stage; arrow: Arrow }> => {
    const stage = new Stage(scene);
    stages.push(stage);
    return { stage, arrow: await arrows[one]!(stage) };
  };
  // Where it takes its time, whatever stands beside it must not grow old meanwhile.
  let main = keepsCompany(name) ? undefined : await setUp(name);
  const rest: Arrow[] = [];
  for (const one of beside) {
    const { stage, arrow } = await setUp(one);
    for (const node of stage.nodes) node.unlucky = random(2) === 0;
    rest.push(arrow);
  }
  main ??= await setUp(name);

  const { server } = scene;
  const problems: string[] = [];
  const [watched] = main.stage.sent;
  const watching = watched ? scene.watch(watched).catch(() => {}) : undefined;
  await server.order({ moment, write: main.arrow.change, delay: random(longest[moment] ?? 1) });
  const go = async (arrow: Arrow) => {
    try {
      await arrow.go();
    } catch (error) {
      if (refused(error)) problems.push(`refused: ${(error as Error).message}`);
    }
  };
  const going = [main.arrow, ...rest].map((arrow) => go(arrow));
  const end = await Promise.race([server.ended, sleep(10_000, 'alive', { ref: false })]);
  if (end !== 'SIGKILL') problems.push(`the point wasn't reached (${end})\n${server.log()}`);
  if (end === 'alive') await server.kill();
  await Promise.all([...going, watching]);

  problems.push(...scene.problems(scene.books('dead')));
  await scene.revive();
  for (const arrow of [main.arrow, ...rest]) {
    try {
      await arrow.afterwards?.();
    } catch (error) {
      problems.push(`afterwards: ${(error as Error).message}`);
    }
  }
  for (const stage of stages) stage.letGo();
  const restless = await scene.settle();
  problems.push(...restless);
  const books = scene.books('alive');
  problems.push(...scene.problems(books));
  for (const sent of stages.flatMap((stage) => stage.sent)) {
    problems.push(...wrongEnds(books, sent));
    if (restless.length === 0) problems.push(...(await wrongWords(scene, books, sent)));
  }
  for (const arrow of [main.arrow, ...rest]) problems.push(...((await arrow.check?.()) ?? []));
  scene.nodes.dismiss(stages.flatMap((stage) => stage.nodes));
  if (problems.length > 0) problems.push(`beside it: ${beside.join('; ') || 'nothing'}`);
  return [...new Set(problems)];
}

/** A refusal is an answer; a broken connection is what a kill looks like from outside. */
function refused(error: unknown): boolean {
  if (error instanceof CallError) return error.status !== 0;
  return /: [45]\d\d /.test((error as Error).message);
}

function wrongEnds(books: Books, sent: Stage['sent'][number]): string[] {
  if (sent.id === undefined) return [];
  return books.invocations
    .filter((row) => row.command_id === sent.id)
    .filter((row) => !sent.ends.get(String(row.node_id))?.includes(String(row.state)))
    .map(
      (row) =>
        `${row.node_id} ended as ${row.state} (${row.reason}), not as ${sent.ends.get(String(row.node_id))}`,
    );
}

/** What operators are shown, held against the books. */
async function wrongWords(scene: Scene, books: Books, sent: Stage['sent'][number]): Promise<string[]> {
  if (sent.id === undefined) return [];
  const problems: string[] = [];
  const CommandId = sent.id;
  const rows = books.invocations.filter((row) => row.command_id === CommandId);
  const { CommandInvocations } = await scene.admin.ask('ssm:ListCommandInvocations', {
    CommandId,
    Details: true,
  });
  const listed = new Map(
    (CommandInvocations as { InstanceId: string; StatusDetails: string }[]).map((one) => [
      one.InstanceId,
      one.StatusDetails,
    ]),
  );
  for (const row of rows) {
    const words = listed.get(String(row.node_id));
    if (words !== row.state)
      problems.push(`${CommandId} on ${row.node_id} is listed as ${words}, not ${row.state}`);
  }
  if (listed.size !== rows.length)
    problems.push(`${CommandId} is listed on ${listed.size} nodes, not ${rows.length}`);
  const InstanceId = String(rows[0]?.node_id);
  const single = await scene.admin.ask('ssm:GetCommandInvocation', { CommandId, InstanceId });
  if (single.StatusDetails !== rows[0]?.state) {
    problems.push(`${CommandId} on ${InstanceId} is shown as ${single.StatusDetails}, not ${rows[0]?.state}`);
  }
  const { Commands } = await scene.admin.ask('ssm:ListCommands', { CommandId });
  const command = books.command(CommandId);
  if (Commands[0]?.Status !== command?.status) {
    problems.push(`${CommandId} is listed as ${Commands[0]?.Status}, not ${command?.status}`);
  }
  await scene.watch(sent);
  return problems;
}
