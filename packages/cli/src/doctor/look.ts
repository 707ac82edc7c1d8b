/** Looking at this machine, and judging what was seen: alone, or with the server's half where that may be asked. */
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { type Evidence, judge, type NodeEvidence, type Verdict } from '@rollcall/diagnosis';
import type { WhyOutput } from '@rollcall/wire';
import { withClient } from '../client.ts';
import { type Connection, findConnection, resolveFolder } from '../context.ts';
import { defaultRoot } from '../enroll/options.ts';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import type { Wire } from '../wire.ts';
import type { Looked } from './fix.ts';

/** How to look. */
export interface LookOptions {
  /** The folder of our agent. */
  readonly root?: string;
  readonly server?: string | undefined;
  readonly endpoint?: 'aws';
  readonly region?: string;
  readonly data?: string;
}

/** The server's half is a bonus: it isn't waited for longer than this, in milliseconds. */
const patience = 3000;

/** Looks once. */
export async function look(options: LookOptions, io: Io): Promise<Looked & { readonly asked: boolean }> {
  const { collectNode } = await import('@rollcall/probes');
  const connection = connectionHere(options, io);
  const root = rootOf(options, connection, io);
  const node = await collectNode({
    root,
    server: options.server,
    endpoint: options.endpoint,
    region: options.region,
  });
  const joined = connection && (await askServer(node, root, connection));
  return joined
    ? { node, verdict: joined, asked: true }
    : { node, verdict: judgeNode(node, io.now()), asked: false };
}

/** Judges what was seen on a machine, by nothing else. */
export function judgeNode(node: NodeEvidence, now: number): Verdict {
  const evidence: Evidence = { now, node };
  return judge(evidence);
}

/** The folder of the agent to look at: as told, the usual one, or that of a server's own machine. */
function rootOf(options: LookOptions, connection: Connection | undefined, io: Io): string {
  if (options.root !== undefined) return resolveFolder(options.root, io);
  const beside = connection?.data === undefined ? undefined : path.join(connection.data, 'agent');
  if (beside !== undefined && !existsSync(defaultRoot) && existsSync(beside)) return beside;
  return defaultRoot;
}

/** A server whose keys whoever asks has; there is usually none on a node. */
function connectionHere(options: LookOptions, io: Io): Connection | undefined {
  try {
    return findConnection(io, options);
  } catch (error) {
    // Named and not there is a mistake; not found is the rule.
    if (options.data !== undefined || !(error instanceof Failure)) throw error;
    return undefined;
  }
}

/**
 * The verdict that the server reaches with this evidence. Asked with the keys of an operator, as `rollcall why`
 * does, and only when they are for the server that this machine's agent belongs to: a node's own credentials
 * may not ask this.
 */
async function askServer(
  node: NodeEvidence,
  root: string,
  connection: Connection,
): Promise<Verdict | undefined> {
  const identity = node.agents.find((agent) => agent.kind === 'rollcall')?.identity;
  const isItsOwn = connection.data !== undefined && isInside(root, connection.data);
  if (identity?.nodeId === undefined || !(isItsOwn || identity.server === connection.url)) return undefined;
  const region = identity.region ?? connection.region;
  try {
    return await withClient({ ...connection, region }, async (client) => {
      const answer = await client.call<Wire<WhyOutput>>(
        'rollcall',
        'Why',
        { Subject: identity.nodeId, Evidence: JSON.stringify(node) },
        { timeout: patience },
      );
      return answer.Verdict === undefined ? undefined : (JSON.parse(answer.Verdict) as Verdict);
    });
  } catch (error) {
    // A server that doesn't answer is what this may be about; what the node shows is judged by itself then.
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

function isInside(folder: string, outer: string): boolean {
  const real = (each: string) => (existsSync(each) ? realpathSync(each) : each);
  return real(folder).startsWith(`${real(outer)}${path.sep}`);
}
