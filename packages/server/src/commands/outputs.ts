/**
 * Output beyond what replies carry, as our agent hands it in: pieces, compressed by the node, each kept once, up
 * to a limit for each stream.
 */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type {
  GetCommandOutputInput,
  GetCommandOutputOutput,
  PutCommandOutputInput,
  PutCommandOutputOutput,
} from '@rollcall/wire';
import { sql } from 'kysely';
import { type AnyOperation, operation, Refusal } from '../service/index.ts';
import { deleteInSteps, type ReadTx, type Store } from '../store/index.ts';
import { readStepNames } from './command-facts.ts';
import type { CommandsCore } from './core.ts';

/** A piece, unpacked, at most; in bytes. */
const longestPiece = 262_144;
const mebibyte = 1_048_576;
/** What a stream may have in all, and all streams together as they are stored, unless told. */
const standardLimit = 10 * mebibyte;
const standardTotal = 2_048 * mebibyte;

const unpack = promisify(gunzip);

/** Bytes kept of each stream, by `node/step/stream`. */
export type OutputSizes = ReadonlyMap<string, number>;

/** The bytes that are kept of the streams of these nodes. */
export async function keptSizes(
  tx: ReadTx,
  region: string,
  commandId: string,
  nodeIds: readonly string[],
): Promise<OutputSizes> {
  if (nodeIds.length === 0) return new Map();
  const rows = await tx
    .in(region)
    .selectFrom('command_outputs')
    .select(['node_id', 'step', 'stream', (row) => row.fn.sum<number>('size').as('bytes')])
    .where('command_id', '=', commandId)
    .where('node_id', 'in', nodeIds)
    .groupBy(['node_id', 'step', 'stream'])
    .execute();
  return new Map(rows.map((row) => [`${row.node_id}/${row.step}/${row.stream}`, Number(row.bytes)]));
}

/** Declares the operations. */
export function outputOperations(core: CommandsCore): readonly AnyOperation[] {
  const { store, clock } = core;
  return [
    operation<PutCommandOutputInput, PutCommandOutputOutput>({
      service: 'rollcall',
      name: 'PutCommandOutput',
      access: { by: 'own-node', action: 'rollcall:PutCommandOutput', node: (input) => input.InstanceId },
      // A node's report, as its replies are: the command's own history has it.
      changes: false,
      async handle(call, input) {
        const piece = await readPiece(input.Data);
        const limit = core.outputLimit?.() ?? standardLimit;
        return store.write(async (tx) => {
          const { CommandId: commandId, InstanceId: nodeId, Step: step, Stream: stream } = input;
          const invocation = await findInvocation(tx, call.region, commandId, nodeId);
          if (!invocation || !readStepNames(invocation.names).some(([name]) => name === step)) {
            throw new Refusal('InvocationDoesNotExist', 'No such step was sent to this node.');
          }
          const { kept, pieces } = await keptOf(tx, call.region, input);
          // Agents send pieces that are as long as they may be: crumbs would cost more than they hold.
          const full = kept >= limit || pieces >= mostPieces(limit);
          // Neither twice nor with a hole: the node goes on where we say that we are.
          if (input.Offset !== kept || full || piece.length === 0) return { Kept: kept, Full: full };
          await tx
            .in(call.region)
            .insertInto('command_outputs')
            .values({
              command_id: commandId,
              node_id: nodeId,
              step,
              stream,
              start: kept,
              size: piece.length,
              created_at: clock.now(),
              data: input.Data,
            })
            .execute();
          return { Kept: kept + piece.length, Full: kept + piece.length >= limit };
        });
      },
    }),
    operation<GetCommandOutputInput, GetCommandOutputOutput>({
      service: 'rollcall',
      name: 'GetCommandOutput',
      access: { by: 'policy', action: 'rollcall:GetCommandOutput', resources: () => ['*'] },
      changes: false,
      async handle(call, input) {
        const { Stream: stream, Offset: offset = 0 } = input;
        const seen = await store.read((tx) => findPiece(tx, call.region, input));
        if (seen.size === undefined) return fromReply(seen.reports, seen.step, stream, offset);
        const { step, size, row } = seen;
        const whole = row && offset < row.start + row.size ? await readPiece(row.data) : Buffer.alloc(0);
        const data = row ? whole.subarray(offset - row.start) : whole;
        const next = offset + data.length;
        return {
          Step: step,
          Data: data,
          Size: size,
          Truncated: size >= (core.outputLimit?.() ?? standardLimit),
          ...(data.length > 0 && next < size ? { NextOffset: next } : {}),
        };
      },
    }),
  ];
}

/** Twice what a stream of this length needs, and some. */
function mostPieces(limit: number): number {
  return 2 * Math.ceil(limit / longestPiece) + 8;
}

/** How much of one stream is kept. */
async function keptOf(
  tx: ReadTx,
  region: string,
  { CommandId, InstanceId, Step, Stream }: PutCommandOutputInput,
): Promise<{ kept: number; pieces: number }> {
  const row = await tx
    .in(region)
    .selectFrom('command_outputs')
    .select((of) => [of.fn.sum<number | null>('size').as('bytes'), of.fn.countAll<number>().as('pieces')])
    .where('command_id', '=', CommandId)
    .where('node_id', '=', InstanceId)
    .where('step', '=', Step)
    .where('stream', '=', Stream)
    .executeTakeFirst();
  return { kept: Number(row?.bytes ?? 0), pieces: Number(row?.pieces ?? 0) };
}

/** The piece that holds an offset of a stream, if the stream is kept; else what the reply has of it. */
async function findPiece(tx: ReadTx, region: string, input: GetCommandOutputInput) {
  const { CommandId: commandId, InstanceId: nodeId, Stream: stream, Offset: offset = 0 } = input;
  const found = await findInvocation(tx, region, commandId, nodeId);
  if (!found) throw new Refusal('InvocationDoesNotExist', `No command ${commandId} was sent to ${nodeId}.`);
  const names = readStepNames(found.names).map(([name]) => name);
  const step = input.Step ?? names[0] ?? '';
  if (!names.includes(step)) {
    throw new Refusal('InvalidPluginName', `There is no such step; there are: ${names.join(', ')}`);
  }
  const sizes = await keptSizes(tx, region, commandId, [nodeId]);
  const size = sizes.get(`${nodeId}/${step}/${stream}`);
  const row =
    size === undefined
      ? undefined
      : await tx
          .in(region)
          .selectFrom('command_outputs')
          .selectAll()
          .where('command_id', '=', commandId)
          .where('node_id', '=', nodeId)
          .where('step', '=', step)
          .where('stream', '=', stream)
          .where('start', '<=', offset)
          .orderBy('start', 'desc')
          .limit(1)
          .executeTakeFirst();
  return { step, size, row, reports: found.reports };
}

function findInvocation(tx: ReadTx, region: string, commandId: string, nodeId: string) {
  return tx
    .in(region)
    .selectFrom('invocations')
    .innerJoin('commands', (join) =>
      join
        .onRef('commands.region', '=', 'invocations.region')
        .onRef('commands.command_id', '=', 'invocations.command_id'),
    )
    .select(['commands.steps as names', 'invocations.steps as reports'])
    .where('invocations.command_id', '=', commandId)
    .where('invocations.node_id', '=', nodeId)
    .executeTakeFirst();
}

/** What wasn't handed in whole is in the reply, as far as that goes. */
function fromReply(
  reports: string | null,
  step: string,
  stream: 'stdout' | 'stderr',
  offset: number,
): GetCommandOutputOutput {
  const steps: readonly { name: string; stdout: string; stderr: string }[] = JSON.parse(reports ?? '[]');
  const text = steps.find((one) => one.name === step)?.[stream] ?? '';
  const bytes = Buffer.from(text);
  return {
    Step: step,
    Data: bytes.subarray(offset),
    Size: bytes.length,
    // Agents say so themselves at the end of what they cut.
    Truncated: text.endsWith('--output truncated--'),
  };
}

async function readPiece(data: Uint8Array): Promise<Buffer> {
  try {
    return await unpack(data, { maxOutputLength: longestPiece });
  } catch {
    throw new Refusal(
      'ValidationException',
      `Data must be gzip of at most ${longestPiece} bytes: send longer output in pieces.`,
    );
  }
}

/** Deletes outputs older than their commands, and the oldest while all together are more than there may be. */
export async function sweepOutputs(store: Store, before: number, total = standardTotal): Promise<number> {
  const gone = await deleteInSteps(store, 'command_outputs', (row) => row('created_at', '<', before));
  const { rows } = await store.read((tx) =>
    sql<{ until: number | null }>`
      SELECT max(created_at) AS until FROM (
        SELECT created_at, sum(length(data)) OVER (ORDER BY created_at DESC) AS bytes FROM command_outputs
      ) AS running WHERE bytes > CAST(${total} AS BIGINT)`.execute(tx.everywhere),
  );
  const until = rows[0]?.until ?? null;
  if (until === null) return gone;
  return (
    gone + (await deleteInSteps(store, 'command_outputs', (row) => row('created_at', '<=', Number(until))))
  );
}
