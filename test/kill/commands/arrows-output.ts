/** Output beyond what replies carry, as our agent hands it in, piece by piece. */
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { SetUp } from './stage.ts';

/** By name. */
export const outputArrows: Readonly<Record<string, SetUp>> = {
  'running, a piece of output came': async (stage) => {
    const node = await stage.node();
    node.hold('report-end');
    const sent = await stage.send([node]);
    await stage.scene.reaches(sent, node, 'running');
    const { calls } = stage.scene.nodes.fleet;
    const pieces = Array.from({ length: 3 }, () => randomBytes(50_000).toString('hex'));
    const where = { InstanceId: node.id, CommandId: sent.id, Step: 'aws:runShellScript', Stream: 'stdout' };
    // As our agent does: it goes on where the server says that it is.
    const handIn = async () => {
      const whole = Buffer.from(pieces.join(''));
      for (let offset = 0; offset < whole.length; ) {
        const piece = whole.subarray(offset, offset + 100_000);
        const { Kept } = await calls.call(node.agent, 'Rollcall.PutCommandOutput', {
          ...where,
          Offset: offset,
          Data: gzipSync(piece).toString('base64'),
        });
        offset = Number(Kept);
      }
    };
    return {
      change: { table: 'command_outputs', node: node.id },
      go: handIn,
      afterwards: handIn,
      async check() {
        const whole = pieces.join('');
        const text = await stage.output(sent, node);
        return text === whole ? [] : [`the output has ${text.length} of ${whole.length} characters`];
      },
    };
  },
};
