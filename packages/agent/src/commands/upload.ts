/** Hands the output that is too long for a reply over to the server, which keeps it for whoever asks. */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { PutCommandOutputInput } from '@rollcall/wire';
import type { Clock } from '../clock.ts';
import type { Capture } from './capture.ts';
import { streamLimit } from './limits.ts';
import type { StepOutput } from './run-steps.ts';
import { callServer, type ServerLink } from './server-link.ts';

/** A piece's length before it is packed. */
const pieceLength = 256 * 1024;
/** The reply waits for so long (ms), and goes then without. */
const patience = 20_000;

const pack = promisify(gzip);

/** Whether a stream is longer than a reply can carry. */
export function isLong(capture: Capture): boolean {
  return capture.text().length > streamLimit;
}

/**
 * Hands over what is long of a step's output.
 * @throws when it can't, or not in time; what was handed over stays.
 */
export async function uploadOutput(
  link: ServerLink,
  clock: Clock,
  of: { readonly nodeId: string; readonly commandId: string; readonly step: string },
  output: StepOutput,
): Promise<void> {
  const until = clock.now() + patience;
  const streams = (['stdout', 'stderr'] as const).filter((name) => isLong(output[name]));
  await callServer(link, async (ask) => {
    for (const stream of streams) {
      let offset = 0;
      for await (const piece of output[stream].pieces(pieceLength)) {
        const packed = await pack(piece);
        const input: Omit<PutCommandOutputInput, 'Data'> & { Data: string } = {
          InstanceId: of.nodeId,
          CommandId: of.commandId,
          Step: of.step,
          Stream: stream,
          Offset: offset,
          Data: packed.toString('base64'),
        };
        const left = until - clock.now();
        if (left <= 0) throw new Error('It took too long.');
        const { kept, full } = await ask((visit, credentials) =>
          link.calls.putCommandOutput(visit, credentials, input, left),
        );
        offset += piece.length;
        // Less than was sent: the server keeps no more. More: it was sent before, and the pieces are the same.
        if (full || !(kept >= offset)) break;
      }
    }
  });
}
