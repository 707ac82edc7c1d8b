/** Reads CPU profiles, as V8 writes them. */
import { readFileSync } from 'node:fs';
import { number } from './report.ts';
import { root } from './sizes.ts';

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

/** The functions in which most time was spent, not counting what they called: milliseconds, share, name. */
export function hottest(file: string, count: number): readonly string[] {
  const profile = JSON.parse(readFileSync(file, 'utf8')) as Profile;
  const names = new Map(
    profile.nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => {
      const where = url === '' ? '' : ` ${url.replace(`file://${root}/`, '')}:${lineNumber + 1}`;
      return [id, `${functionName || '(no name)'}${where}`];
    }),
  );
  const spent = new Map<string, number>();
  let total = 0;
  for (const [index, id] of profile.samples.entries()) {
    const name = names.get(id) ?? '';
    const took = profile.timeDeltas[index] ?? 0;
    // Rest is none, nor is the work of the profiler itself.
    if (name === '(idle)' || name.startsWith('post node:inspector')) continue;
    spent.set(name, (spent.get(name) ?? 0) + took);
    total += took;
  }
  return [...spent]
    .sort(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(
      ([name, took]) =>
        `${number(took / 1000).padStart(7)} ms ${((took / total) * 100).toFixed(1).padStart(5)} %  ${name}`,
    );
}
