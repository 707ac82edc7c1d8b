/** Sources that the server reads by itself: when it is time, one after another, each by one server only. */
import type { Timer } from '../clock.ts';
import { Refusal } from '../service/index.ts';
import type { RosterSourcesRow } from '../store/index.ts';
import type { RosterDeps } from './deps.ts';
import { fetchRoster, Unreadable } from './fetch.ts';
import { readRoster } from './formats/index.ts';
import type { RosterProblem } from './machine.ts';
import { allSources } from './queries.ts';
import { takeOver } from './take-over.ts';

/** How often it is looked whether a source is due (milliseconds). */
const lookPeriod = 15_000;

/** The sources at work. */
export interface Sources {
  /** Reads what is due; resolves when it has been read. */
  look(): Promise<void>;
  close(): Promise<void>;
}

/** What a secret is sealed for. */
export function secretOwner(region: string, source: string): string {
  return `roster ${region} ${source}`;
}

/** What can't be read of a text, in one sentence. */
export function problemsText(problems: readonly RosterProblem[]): string {
  return problems.map(({ line, text }) => (line === 0 ? text : `line ${line}: ${text}`)).join(' ');
}

/** Starts looking after the sources. */
export function openSources(deps: RosterDeps, changed: (region: string) => void): Sources {
  let running: Promise<void> | undefined;
  let closed = false;

  async function readSource(source: RosterSourcesRow): Promise<void> {
    const { region, source: name, url, format } = source;
    let error: string | undefined;
    try {
      const secret =
        source.secret === null ? undefined : deps.unseal(secretOwner(region, name), source.secret);
      if (source.secret !== null && secret === undefined) {
        throw new Unreadable(
          "Its Authorization can't be opened with this server's key: put the source again.",
        );
      }
      const read = await readRoster(format, await fetchRoster(url ?? '', secret));
      if (!read.ok) throw new Unreadable(problemsText(read.problems));
      if (read.machines.length === 0) throw new Unreadable('It lists no machines.');
      await deps.store.write(async (tx) => {
        await takeOver(tx, {
          region,
          source: name,
          machines: read.machines,
          expected: 'always',
          at: deps.clock.now(),
        });
        await tx
          .in(region)
          .updateTable('roster_sources')
          .set({ read_at: deps.clock.now(), error: null, failing_since: null })
          .where('source', '=', name)
          .execute();
        if (source.failing_since !== null) {
          await deps.events?.record(tx, {
            region,
            kind: 'roster-source-readable',
            subject: name,
            detail: `The roster source ${name} can be read again.`,
          });
        }
        tx.afterCommit(() => changed(region));
      });
    } catch (problem) {
      if (!(problem instanceof Unreadable) && !(problem instanceof Refusal)) throw problem;
      error = problem.message;
    }
    if (error === undefined) return;
    const why = error.slice(0, 500);
    await deps.store.write(async (tx) => {
      await tx
        .in(region)
        .updateTable('roster_sources')
        .set((row) => ({
          error: why,
          failing_since: row.fn.coalesce('failing_since', row.val(deps.clock.now())),
        }))
        .where('source', '=', name)
        .execute();
      if (source.failing_since !== null) return;
      await deps.events?.record(tx, {
        region,
        kind: 'roster-source-unreadable',
        subject: name,
        detail: `The roster source ${name} can't be read; its machines stay as they were. ${why}`,
      });
    });
  }

  /** Takes a source that is due, so that no other server reads it as well. */
  async function take(source: RosterSourcesRow): Promise<boolean> {
    return deps.store.write(async (tx) => {
      const taken = await tx
        .in(source.region)
        .updateTable('roster_sources')
        .set({ tried_at: deps.clock.now() })
        .where('source', '=', source.source)
        .where((row) =>
          source.tried_at === null ? row('tried_at', 'is', null) : row('tried_at', '=', source.tried_at),
        )
        .executeTakeFirst();
      return taken.numUpdatedRows > 0n;
    });
  }

  async function lookOnce(): Promise<void> {
    for (const region of deps.regions) {
      for (const source of await deps.store.read((tx) => allSources(tx, region))) {
        if (closed) return;
        if (source.url === null) continue;
        const due = (source.tried_at ?? Number.NEGATIVE_INFINITY) + (source.period ?? 0) * 1000;
        // A time of trying that lies ahead was written before the clock was set back.
        if (deps.clock.now() < due && (source.tried_at ?? 0) <= deps.clock.now()) continue;
        if (await take(source)) await readSource(source);
      }
    }
  }

  function look(): Promise<void> {
    running ??= lookOnce().finally(() => {
      running = undefined;
    });
    return running;
  }
  const timer: Timer = deps.clock.every(
    lookPeriod,
    () => void look().catch((error) => deps.onError?.(error)),
  );
  return {
    look,
    async close() {
      closed = true;
      timer.cancel();
      await running?.catch(() => undefined);
    },
  };
}
