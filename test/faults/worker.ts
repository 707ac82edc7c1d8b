/**
 * Plays cases, one after the other, as it is told: a process for itself, with a network, mounts and processes of
 * its own where it is root.
 */
import { mkdirSync } from 'node:fs';
import { prepareNetwork } from './node/machine.ts';
import { openStage, type Said } from './stage.ts';
import { cases } from './zoo/index.ts';

/** What a case came to. */
export interface Outcome {
  readonly id: string;
  readonly said: readonly Said[];
  readonly wrong: readonly string[];
  readonly ms: number;
}

const cache = process.argv[2]!;
mkdirSync(cache, { recursive: true });
if (process.argv.includes('--isolated')) prepareNetwork();

process.on('message', async ({ id }: { readonly id: string }) => {
  process.send!(await play(id));
});
process.on('disconnect', () => process.exit(0));
process.send!({ ready: true });

async function play(id: string): Promise<Outcome> {
  const one = cases.find((candidate) => candidate.id === id)!;
  const stage = openStage(one, cache);
  const began = performance.now();
  const wrong: string[] = [];
  try {
    await one.run(stage);
  } catch (error) {
    wrong.push(`it could not be played: ${(error as Error).stack}`);
  }
  try {
    await stage.close();
  } catch (error) {
    wrong.push(`it could not be cleared away: ${(error as Error).stack}`);
  }
  return { id, said: stage.said, wrong: [...stage.wrong, ...wrong], ms: performance.now() - began };
}
