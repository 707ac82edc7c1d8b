/** The roster's operations: importing, sources that are read by themselves, and the list of machines. */
import { gunzipSync } from 'node:zlib';
import type {
  DeleteRosterSourceInput,
  DeleteRosterSourceOutput,
  ImportRosterInput,
  ImportRosterOutput,
  ListRosterSourcesOutput,
  PutRosterSourceInput,
  RosterSource,
} from '@rollcall/wire';
import { principalName, recordAudit } from '../audit/index.ts';
import { type AnyOperation, dateOf, operation, present, Refusal } from '../service/index.ts';
import { type RosterDeps, sourceArn } from './deps.ts';
import { problemOfUrl } from './fetch.ts';
import { readRoster } from './formats/index.ts';
import { allSources, countMachines, findSource, forgetSource } from './queries.ts';
import { problemsText, secretOwner } from './sources.ts';
import { takeOver } from './take-over.ts';

const unpackedLimit = 32 * 1024 * 1024;
const usualPeriod = 300;

/** Declares them; `changed` is told of a region whose machines aren't as they were, `look` to read what is due. */
export function rosterOperations(
  deps: RosterDeps,
  changed: (region: string) => void,
  look: () => void,
): readonly AnyOperation[] {
  const { store } = deps;
  return [
    operation<ImportRosterInput, ImportRosterOutput>({
      service: 'rollcall',
      name: 'ImportRoster',
      access: {
        by: 'policy',
        action: 'rollcall:ImportRoster',
        resources: (input, call) => [sourceArn(call.region, call.account, input.Source)],
      },
      changes: true,
      async handle(call, input) {
        const read = await readRoster(input.Format, textOf(input));
        if (!read.ok) {
          throw new Refusal(
            'ValidationException',
            `The roster can't be read, and nothing was changed. ${problemsText(read.problems)}`,
          );
        }
        if (read.machines.length === 0) {
          throw new Refusal('ValidationException', 'The roster lists no machines, and nothing was changed.');
        }
        const { Source: source } = input;
        const asked = {
          region: call.region,
          source,
          machines: read.machines,
          expected: input.Expected ?? 'always',
          at: call.at,
          dryRun: input.DryRun ?? false,
          retireMost: input.RetireMost ?? false,
        } as const;
        const done = await store.write(async (tx) => {
          const known = await findSource(tx, call.region, source);
          if (known && known.url !== null) {
            throw new Refusal(
              'ValidationException',
              `${source} is read from ${known.url} by itself: give this roster another name, or delete that source first.`,
            );
          }
          const taken = await takeOver(tx, asked);
          if (asked.dryRun) return taken;
          const row = {
            source,
            format: input.Format,
            url: null,
            secret: null,
            period: null,
            created_at: known?.created_at ?? call.at,
            created_by: known?.created_by ?? principalName(call.principal),
            tried_at: call.at,
            read_at: call.at,
            error: null,
            failing_since: null,
          };
          await tx
            .in(call.region)
            .insertInto('roster_sources')
            .values(row)
            .onConflict((conflict) => conflict.columns(['region', 'source']).doUpdateSet(row))
            .execute();
          const { machines, added, retired } = taken;
          await recordAudit(tx, call, {
            resource: sourceArn(call.region, call.account, source),
            detail: { format: input.Format, machines, added, retired },
          });
          tx.afterCommit(() => changed(call.region));
          return taken;
        });
        return {
          Source: source,
          Machines: done.machines,
          Added: done.added,
          Changed: done.changed,
          Retired: done.retired,
          Returned: done.returned,
          Ignored: [...read.ignored],
        };
      },
    }),
    operation<PutRosterSourceInput, object>({
      service: 'rollcall',
      name: 'PutRosterSource',
      access: {
        by: 'policy',
        action: 'rollcall:PutRosterSource',
        resources: (input, call) => [sourceArn(call.region, call.account, input.Source)],
      },
      changes: true,
      async handle(call, input) {
        const problem = problemOfUrl(input.Url);
        if (problem !== undefined) throw new Refusal('ValidationException', problem);
        if (input.Authorization !== undefined && /[^\x20-\x7e]/.test(input.Authorization)) {
          throw new Refusal('ValidationException', 'Authorization must be one line of plain characters.');
        }
        const { Source: source, Url: url } = input;
        await store.write(async (tx) => {
          const known = await findSource(tx, call.region, source);
          // A secret is for the host that it was given for: with another address it must be given again.
          const kept = known?.url === url ? known.secret : null;
          const row = {
            source,
            format: input.Format ?? 'json',
            url,
            secret:
              input.Authorization === undefined
                ? kept
                : deps.seal(secretOwner(call.region, source), input.Authorization),
            period: (input.IntervalMinutes ?? usualPeriod / 60) * 60,
            created_at: known?.created_at ?? call.at,
            created_by: known?.created_by ?? principalName(call.principal),
            tried_at: null,
            read_at: known?.read_at ?? null,
            error: null,
            failing_since: null,
          };
          await tx
            .in(call.region)
            .insertInto('roster_sources')
            .values(row)
            .onConflict((conflict) => conflict.columns(['region', 'source']).doUpdateSet(row))
            .execute();
          await recordAudit(tx, call, {
            resource: sourceArn(call.region, call.account, source),
            detail: { url, minutes: row.period / 60 },
          });
          tx.afterCommit(look);
        });
        return {};
      },
    }),
    operation<DeleteRosterSourceInput, DeleteRosterSourceOutput>({
      service: 'rollcall',
      name: 'DeleteRosterSource',
      access: {
        by: 'policy',
        action: 'rollcall:DeleteRosterSource',
        resources: (input, call) => [sourceArn(call.region, call.account, input.Source)],
      },
      changes: true,
      async handle(call, input) {
        const machines = await store.write(async (tx) => {
          if (!(await findSource(tx, call.region, input.Source))) throw noSource(input.Source, call.region);
          const gone = await forgetSource(tx, call.region, input.Source);
          await recordAudit(tx, call, {
            resource: sourceArn(call.region, call.account, input.Source),
            detail: { machines: gone },
          });
          tx.afterCommit(() => changed(call.region));
          return gone;
        });
        return { Machines: machines };
      },
    }),
    operation<object, ListRosterSourcesOutput>({
      service: 'rollcall',
      name: 'ListRosterSources',
      access: { by: 'policy', action: 'rollcall:ListRosterSources', resources: () => ['*'] },
      changes: false,
      handle: (call) =>
        store.read(async (tx) => {
          const counts = await countMachines(tx, call.region);
          const sources = await allSources(tx, call.region);
          return {
            Sources: sources.map((row) =>
              present<RosterSource>({
                Source: row.source,
                Format: row.format,
                Url: row.url,
                IntervalMinutes: row.period === null ? undefined : row.period / 60,
                Machines: counts.get(row.source)?.listed ?? 0,
                Retired: counts.get(row.source)?.retired ?? 0,
                CreatedAt: new Date(row.created_at),
                CreatedBy: row.created_by,
                ReadAt: dateOf(row.read_at),
                Error: row.error,
                FailingSince: dateOf(row.failing_since),
              }),
            ),
          };
        }),
    }),
  ];
}

function textOf(input: ImportRosterInput): string {
  if ((input.Text === undefined) === (input.Data === undefined)) {
    throw new Refusal(
      'ValidationException',
      'A roster comes as Text or, packed with gzip, as Data: one of the two.',
    );
  }
  if (input.Text !== undefined) return input.Text;
  try {
    const bytes = gunzipSync(input.Data ?? new Uint8Array(), { maxOutputLength: unpackedLimit });
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Refusal(
      'ValidationException',
      `Data must be gzip of UTF-8 text, at most ${unpackedLimit / 1_048_576} MiB once unpacked.`,
    );
  }
}

function noSource(source: string, region: string): Refusal {
  return new Refusal('ValidationException', `There is no roster source ${source} in ${region}.`);
}
