/** `rollcall audit`: who changed what, and who was refused what. */
import type { AuditRecord, ListAuditRecordsOutput } from '@rollcall/wire';
import { type Command, Option } from 'commander';
import { ask, readCount } from '../ask.ts';
import type { Io } from '../io.ts';
import { dataOption, jsonOption, regionOption, type SharedOptions } from '../options.ts';
import { counted } from '../output/count.ts';
import type { Screen } from '../output/screen.ts';
import { localTime } from '../output/time.ts';
import { readSince } from '../since.ts';
import { listAll, type Wire } from '../wire.ts';

interface Options extends SharedOptions {
  readonly principal?: string;
  readonly operation?: string;
  readonly decision?: string;
  readonly since?: string;
  readonly limit: string;
}
type Record = Wire<AuditRecord>;

/** Declares `audit`. */
export function audit(command: Command, io: Io): void {
  command
    .description('Lists changes, and refusals of those who proved who they are; latest\nfirst.')
    .option('--principal <arn>', 'only what this user or node did')
    .option('--operation <name>', 'only this operation, for example ssm:CreateActivation')
    .addOption(new Option('--decision <decision>', 'only these').choices(['allow', 'deny']))
    .option('--since <time>', 'only what came after 2026-10-02T14:00Z, or within 30m, 24h, 7d')
    .option('--limit <n>', 'at most so many', '50');
  dataOption(regionOption(jsonOption(command))).action((options: Options) => run(options, io));
}

function run(options: Options, io: Io): Promise<void> {
  return ask(io, options, async ({ client, screen, print, printJson }) => {
    const input = {
      ...(options.principal && { Principal: options.principal }),
      ...(options.operation && { Operation: options.operation }),
      ...(options.decision && { Decision: options.decision }),
      ...(options.since && { Since: readSince(options.since, io.now()) }),
    };
    const { items, page } = await listAll<Record, Wire<ListAuditRecordsOutput>>(
      client,
      'ListAuditRecords',
      input,
      (each) => each.Records,
      { limit: readCount(options.limit, '--limit') },
    );
    if (options.json) {
      printJson({ Records: items, Total: page.Total });
      return;
    }
    for (const record of items) print(...lines(record, screen));
    print(...(items.length ? [''] : []), `${items.length} of ${counted(page.Total, 'record')}.`);
  });
}

function lines(record: Record, screen: Screen): string[] {
  const allowed = record.Decision === 'allow';
  const times = record.Count > 1 ? `, ${record.Count} times` : '';
  const code = record.Code ? `, ${screen.text(record.Code, 40)}` : '';
  const rows = [
    `${localTime(record.At * 1000)} ${screen.mark(allowed ? 'yes' : 'no')} ${screen.text(record.Operation, 60)}${code}${times}`,
    `    by   ${screen.text(record.Principal)}`,
  ];
  if (record.Resource && record.Resource !== '*') rows.push(`    on   ${screen.text(record.Resource, 300)}`);
  rows.push(`    from ${screen.text(record.Source, 60)}`);
  if (record.Detail) rows.push(`    ${screen.text(record.Detail, 76)}`);
  return rows;
}
