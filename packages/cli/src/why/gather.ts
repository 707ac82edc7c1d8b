/** What was seen on a machine, for a question about it: from a file, or fetched by SSH now. */
import type { NodeEvidence } from '@rollcall/diagnosis';
import { canAsk } from '../commands/question.ts';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { screenOf } from '../output/screen.ts';
import { wrap } from '../output/table.ts';
import { parseEvidence, readEvidence } from './evidence.ts';
import { collectBySsh, readTarget } from './via.ts';

/** Where from. */
export interface GatherOptions {
  readonly via?: string;
  readonly sudo?: boolean;
  readonly evidence?: string;
  /** The address of the server that a machine without an agent is to try. */
  readonly server?: string | undefined;
}

/** Evidence of the node's side. */
export interface Gathered {
  /** JSON; absent when the machine couldn't be asked. */
  readonly json?: string;
  /** Who it says that it is: its node id, else its name. */
  readonly subject: string | undefined;
}

/** Gathers it. A machine that SSH doesn't reach is a warning: the server may know enough without. */
export async function gatherEvidence(options: GatherOptions, io: Io): Promise<Gathered | undefined> {
  if (options.evidence !== undefined) return gathered(await readEvidence(options.evidence, io));
  if (options.via === undefined) return undefined;
  const target = readTarget(options.via);
  const { collectScript } = await import('@rollcall/probes');
  const interactive = canAsk(io);
  if (io.stderr.isTTY) io.stderr.write(`Looking at ${target.host} over ssh, up to 20 s …\n`);
  try {
    const block = await collectBySsh(collectScript(), target, {
      sudo: options.sudo ?? false,
      ...(options.server !== undefined && { server: options.server }),
      interactive,
      env: io.env,
    });
    return gathered(parseEvidence(block, target.host));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const screen = screenOf({ env: io.env, stdout: io.stderr });
    const said = `${screen.mark('warning')} ${screen.text(error.message.replace(/\.$/, ''), 500)}. What follows is without it.`;
    io.stderr.write(`${wrap(said).join('\n')}\n\n`);
    return { subject: target.host };
  }
}

function gathered(node: NodeEvidence): Gathered {
  const ids = node.agents.flatMap((agent) => agent.identity?.nodeId ?? []);
  return { json: JSON.stringify(node), subject: ids.length === 1 ? ids[0] : node.host.name || undefined };
}
