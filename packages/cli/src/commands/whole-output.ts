/** Outputs that are longer than what a node's reply carries: read piece by piece, shown whole or saved. */
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import type { GetCommandOutputOutput } from '@rollcall/wire';
import type { Client } from '../client.ts';
import { Failure } from '../failure.ts';
import type { Wire } from '../wire.ts';
import { type Finished, isCut, type Step } from './outcome.ts';

type Stream = 'stdout' | 'stderr';
const streams: readonly Stream[] = ['stdout', 'stderr'];

/** What of a stream there is to read. */
interface Place {
  readonly CommandId: string;
  readonly InstanceId: string;
  readonly Step: string;
  readonly Stream: Stream;
}

/** The pieces of a stream that the server keeps, in order. */
async function* pieces(client: Client, place: Place): AsyncGenerator<Buffer, void, undefined> {
  for (let Offset: number | undefined = 0; Offset !== undefined; ) {
    // On the wire a blob is base64.
    const answer: Omit<Wire<GetCommandOutputOutput>, 'Data'> & { Data: string } = await client.call(
      'rollcall',
      'GetCommandOutput',
      { ...place, Offset },
    );
    yield Buffer.from(answer.Data, 'base64');
    Offset = answer.NextOffset;
  }
}

/** The same end, with all that is kept of its outputs instead of their beginnings. */
export async function withWholeOutput(
  client: Client,
  CommandId: string,
  finished: Finished,
): Promise<Finished> {
  const Steps: Step[] = [];
  for (const step of finished.Steps) {
    const { StandardOutputBytes, StandardErrorBytes, ...whole } = step;
    for (const Stream of streams) {
      if (isCut(step, Stream) !== 'kept') continue;
      const place = { CommandId, InstanceId: finished.InstanceId, Step: step.Name, Stream };
      const text = Buffer.concat(await Array.fromAsync(pieces(client, place))).toString('utf8');
      if (Stream === 'stdout') whole.StandardOutput = text;
      else whole.StandardError = text;
    }
    Steps.push(whole);
  }
  return { ...finished, Steps };
}

/** Writes a file for each stream of one node into `folder`, byte by byte what is kept; answers how many. */
export async function saveOutput(
  client: Client,
  CommandId: string,
  finished: Finished,
  folder: string,
): Promise<number> {
  let saved = 0;
  for (const step of finished.Steps)
    for (const Stream of streams) {
      const shown = (Stream === 'stdout' ? step.StandardOutput : step.StandardError) ?? '';
      if (shown === '' && Stream === 'stderr') continue;
      const place = { CommandId, InstanceId: finished.InstanceId, Step: step.Name, Stream };
      const content = isCut(step, Stream) === 'kept' ? pieces(client, place) : [Buffer.from(shown)];
      await writeFile(path.join(folder, fileName(CommandId, finished, step, Stream)), content);
      saved += 1;
    }
  return saved;
}

/** Makes the folder that outputs go to. */
export async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((error: Error) => {
    throw new Failure(`The folder for the outputs can't be made: ${error.message}`);
  });
}

async function writeFile(file: string, content: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<void> {
  try {
    // What nodes say may be secret.
    await using handle = await open(file, 'w', 0o600);
    // Not `write`: of a piece for which there is too little room it takes a part, and says nothing.
    for await (const piece of content) await handle.writeFile(piece);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`${file} can't be written: ${(error as Error).message}`);
  }
}

/** `COMMAND.NODE.stdout`, so that no command takes another's place; with the step's name when there are several. */
function fileName(commandId: string, finished: Finished, step: Step, stream: Stream): string {
  const safe = (text: string) => text.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, 100);
  const middle = finished.Steps.length > 1 ? `.${safe(step.Name)}` : '';
  return `${safe(commandId)}.${safe(finished.InstanceId)}${middle}.${stream}`;
}
