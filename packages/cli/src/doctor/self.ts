/**
 * `rollcall doctor --self`: the health of the server itself, on its own machine. What can be seen here (clock,
 * disk, files, certificate, addresses) and, when it answers, what it says of itself.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { ListAuditRecordsOutput, WhyAllOutput } from '@rollcall/wire';
import { type Client, withClient } from '../client.ts';
import { type Connection, findConnection } from '../context.ts';
import { exitCodes, Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { languageOf, screenFor } from '../language.ts';
import { plainJson } from '../output/plain.ts';
import { utcTime } from '../output/time.ts';
import type { DoctorOptions } from '../verbs/doctor.ts';
import type { Wire } from '../wire.ts';
import { rowsOf, type SelfFacts, selfLines } from './self-rows.ts';

/** Checks it. The exit code is no when something is wrong, and yes when there are warnings only. */
export async function checkSelf(options: DoctorOptions, io: Io): Promise<void> {
  const connection = findConnection(io, options);
  if (connection.data === undefined)
    throw new Failure(
      "--self looks at the server's own machine, and needs its data folder: --data DIR, or ROLLCALL_DATA",
    );
  const began = performance.now();
  const { selfCheck } = await import('@rollcall/probes');
  const server = await askServer(connection);
  const seen = await selfCheck({
    dataFolder: connection.data,
    publicUrls: server.publicUrls ?? [connection.url],
    ca: connection.caFile === undefined ? undefined : [readFileSync(connection.caFile, 'utf8')],
    clockUrls: options.clock ?? [],
    pid: pidIn(connection.data),
  });
  const facts: SelfFacts = { url: connection.url, now: io.now(), seen, ...server };
  const lang = languageOf(options.lang, io.env);
  const rows = rowsOf(facts, lang);
  if (rows.some(({ state }) => state === 'no')) io.exit(exitCodes.no);
  if (options.json) {
    const problems = rows.map(({ id, state, text }) => ({ id, state, text }));
    io.stdout.write(
      `${plainJson({ version: 1, at: utcTime(facts.now), url: facts.url, rows: problems, seen })}\n`,
    );
    return;
  }
  const tookMs = performance.now() - began;
  io.stdout.write(`${selfLines(facts, rows, lang, tookMs, screenFor(lang, io)).join('\n')}\n`);
}

/** Seconds that the server may take to answer. */
const patience = 5000;

/** What the server says: whether it answers, by which addresses it is reached, its own health, the last backup. */
async function askServer(
  connection: Connection,
): Promise<Pick<SelfFacts, 'answer' | 'publicUrls' | 'problems' | 'backupAt'>> {
  const began = performance.now();
  try {
    return await withClient(connection, async (client) => {
      const info = await client.call<{ PublicUrls: string[] }>(
        'rollcall',
        'GetServerInfo',
        {},
        { timeout: patience },
      );
      const answer = { ms: performance.now() - began };
      const [all, backupAt] = await Promise.all([
        client.call<Wire<WhyAllOutput>>('rollcall', 'WhyAll', { MaxMembers: 1 }, { timeout: patience * 3 }),
        lastBackup(client),
      ]);
      return { answer, publicUrls: info.PublicUrls, problems: all.Server, backupAt };
    });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { answer: { error: error.message } };
  }
}

/** When a backup was last made, by the server's own records; null: never, as far as they go back. */
async function lastBackup(client: Client): Promise<number | null> {
  const page = await client.call<Wire<ListAuditRecordsOutput>>('rollcall', 'ListAuditRecords', {
    Operation: 'rollcall:CreateBackup',
    Decision: 'allow',
    MaxResults: 1,
  });
  const last = page.Records[0];
  return last === undefined ? null : last.LastAt * 1000;
}

/** The process that has the folder; nothing where the store is elsewhere. */
function pidIn(data: string): number | undefined {
  try {
    const pid = Number(readFileSync(path.join(data, 'lock.pid'), 'utf8').trim());
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}
