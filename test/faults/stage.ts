/** Where a case is played: it makes the world, lets each end judge, and keeps what they said and what was wrong. */
import type { NodeEvidence, Verdict } from '@rollcall/diagnosis';
import type { Case, Says } from './case.ts';
import type { Machine } from './node/machine.ts';
import type { Node } from './node/node.ts';
import { askWhy, back, lose, openWorld, ownVerdict, type World, type WorldOptions } from './world.ts';

/** Somebody that is in the books, and has no machine that could be looked at. */
export type Subject = Pick<Node, 'nodeId'>;

/** One of the two ends, or both together. */
export type End = 'node' | 'operator' | 'both';

/** What an end said. */
export interface Said {
  readonly end: End;
  readonly verdict: Verdict;
  /** What it was judged by. */
  readonly evidence: unknown;
  readonly ms: number;
}

/** How the ends are asked. */
export interface JudgeOptions {
  /** Whom the operator asks about; the node's id unless given. */
  readonly subject?: string;
  readonly region?: string;
  readonly document?: string;
  /** Who asks; the administrator unless given. */
  readonly as?: Parameters<World['server']['as']>[0];
  /** The node isn't lost by this: nobody waits for it. */
  readonly stays?: boolean;
  /** Evidence that is there already. */
  readonly evidence?: NodeEvidence;
  /** How it is looked at. */
  readonly look?: Parameters<Node['look']>[0];
}

/** See the head of this file. */
export interface Stage {
  readonly said: readonly Said[];
  readonly wrong: readonly string[];
  /** Made once, closed by itself. */
  world(options?: WorldOptions): Promise<World>;
  /** A node whose agent is registered, runs, and is Online; as old as nodes usually are. */
  node(options?: Parameters<World['node']>[0], register?: Parameters<Node['register']>[0]): Promise<Node>;
  machine(
    options?: Parameters<World['machine']>[0],
    register?: Parameters<Node['register']>[0],
  ): Promise<Machine>;
  /** Lets the ends that the case names judge, and compares. */
  judge(node: Node | Subject | undefined, options?: JudgeOptions): Promise<void>;
  /** Compares a verdict from evidence that was made by other means. */
  compare(end: End, verdict: Verdict, evidence: unknown): void;
  /** Waits until the server counts it as lost. */
  lose(node: Subject): Promise<void>;
  /** After the fix: Online again, and no end has anything to say. */
  mended(node: Node, ms?: number): Promise<void>;
  /** From now on these may be mentioned as warnings, and stand in the way of nothing. */
  allow(...causes: readonly string[]): void;
  /** Done at the end. */
  closes(close: () => void): void;
  /** Notes what isn't as it should be. */
  check(isRight: boolean, otherwise: string): void;
}

/** Opens one for a case. */
export function openStage(one: Case, cache: string): Stage & { close(): Promise<void> } {
  const said: Said[] = [];
  const wrong: string[] = [];
  const allowed: string[] = [...(one.warnings ?? [])];
  const closing: (() => void)[] = [];
  let opened: World | undefined;

  const record = (end: End, verdict: Verdict, evidence: unknown, ms: number, says: Says, label: string) => {
    said.push({ end, verdict, evidence, ms });
    wrong.push(...differences({ ...one, warnings: allowed }, verdict, says).map((text) => `${label}${text}`));
  };

  /** A case that turns the server's clock leaves the machine's behind: that this is noticed is right. */
  const allowTurned = () => {
    const { clock } = opened?.server ?? {};
    if (clock && Math.abs(clock.now() - Date.now()) > 60_000) allowed.push('clock-skew');
  };

  const stage: Stage & { close(): Promise<void> } = {
    said,
    wrong,
    async world(options = {}) {
      opened ??= await openWorld(cache, options);
      return opened;
    },
    async node(options = {}, register = {}) {
      const world = await stage.world();
      return settle(world, await world.node(options), register);
    },
    async machine(options = {}, register = {}) {
      const world = await stage.world();
      return settle(world, await world.machine(options), register);
    },
    async judge(node, options = {}) {
      const { server } = await stage.world();
      allowTurned();
      let evidence = options.evidence;
      if (node && 'look' in node && !evidence && (one.node || one.both)) {
        const began = performance.now();
        evidence = await node.look(options.look);
        if (one.node) {
          const took = performance.now() - began;
          record('node', ownVerdict(evidence), evidence, took, one.node, 'node: ');
        }
      }
      if (!one.operator && !one.both) return;
      if (node && !options.stays) await lose(await stage.world(), node);
      const subject = options.subject ?? node?.nodeId ?? '';
      const asked = {
        ...(options.region !== undefined && { region: options.region }),
        ...(options.document !== undefined && { document: options.document }),
        ...(options.as && { as: options.as }),
      };
      for (const end of ['operator', 'both'] as const) {
        const says = one[end];
        if (!says || (end === 'both' && !evidence)) continue;
        const began = performance.now();
        const answer = await askWhy(server, subject, {
          ...asked,
          ...(end === 'both' && evidence && { evidence }),
        });
        record(end, answer.verdict, answer.evidence, performance.now() - began, says, `${end}: `);
      }
    },
    async lose(node) {
      await lose(await stage.world(), node);
    },
    compare(end, verdict, evidence) {
      record(end, verdict, evidence, 0, one[end] ?? 'blind', `${end}: `);
    },
    async mended(node, ms) {
      const world = await stage.world();
      allowTurned();
      await back(world, node, ms);
      const evidence = await node.look();
      const verdicts: [End, Verdict][] = [
        ['node', ownVerdict(evidence)],
        ['operator', (await askWhy(world.server, node.nodeId)).verdict],
        ['both', (await askWhy(world.server, node.nodeId, { evidence })).verdict],
      ];
      for (const [end, verdict] of verdicts) {
        const says = end === 'node' && node.silent ? 'blind' : 'well';
        const left = differences({ ...one, cause: undefined, warnings: allowed }, verdict, says);
        wrong.push(...left.map((text) => `after the fix, ${end}: ${text}`));
        if (left.length > 0) said.push({ end, verdict, evidence, ms: 0 });
      }
    },
    allow(...causes) {
      allowed.push(...causes);
    },
    closes: (close) => void closing.push(close),
    check(isRight, otherwise) {
      if (!isRight) wrong.push(otherwise);
    },
    async close() {
      for (const close of closing.reverse()) close();
      await opened?.close();
    },
  };
  return stage;
}

async function settle<N extends Node>(
  world: World,
  node: N,
  register: Parameters<Node['register']>[0],
): Promise<N> {
  await node.register(register);
  await node.start();
  world.age(node.nodeId);
  return node;
}

/** What is otherwise than it should be, in words. */
function differences(
  one: Pick<Case, 'gate' | 'solution' | 'fix' | 'warnings'> & { readonly cause?: string | undefined },
  verdict: Verdict,
  says: Says,
): string[] {
  const found: string[] = [];
  const named = `${verdict.state} ${verdict.cause ?? '-'} (${verdict.confidence})`;
  const expect = (isRight: boolean, wanted: string) => {
    if (!isRight) found.push(`${named}, wanted ${wanted}`);
  };
  if (says === 'well') {
    expect(verdict.state === 'well' && verdict.confidence === 'proven', 'well');
    expect(verdict.answers.listed === 'yes' && verdict.answers.pickable === 'yes', 'listed and pickable');
  } else if (says === 'pending') {
    expect(verdict.state === 'pending' && verdict.cause === undefined, 'pending');
  } else if (says === 'blind') {
    expect(verdict.cause === undefined && verdict.state !== 'well', 'no cause');
  } else {
    const cause = typeof says === 'string' ? one.cause : says.cause;
    const as = typeof says === 'string' ? says : says.as;
    const isSure = as === 'sure' ? verdict.confidence !== 'unknown' : verdict.confidence === as;
    expect(verdict.cause === cause && isSure, `${cause} (${as})`);
    if (verdict.cause === cause && typeof says === 'string') {
      const failed = verdict.gates.find(({ state }) => state === 'failed' || state === 'warned')?.gate;
      if (one.gate && failed !== one.gate) found.push(`gate ${failed}, wanted ${one.gate}`);
      if (one.solution && verdict.solution !== one.solution)
        found.push(`solution ${verdict.solution}, wanted ${one.solution}`);
      found.push(...wrongFix(one.fix, verdict));
    }
  }
  const odd = verdict.warnings.map(({ cause }) => cause).filter((cause) => !one.warnings?.includes(cause));
  if (odd.length > 0) found.push(`${named}, warns of ${odd.join(', ')}`);
  return found;
}

function wrongFix(wanted: string | undefined, { fix, confidence }: Verdict): string[] {
  if (wanted === undefined) return [];
  const lines = (fix?.commands ?? []).map(({ argv }) => argv.join(' '));
  if (!fix) return [`no fix, wanted ${wanted}`];
  if (wanted === 'explained') return lines.length === 0 ? [] : [`the fix ${lines.join('; ')}, wanted none`];
  if (lines.some((line) => line.includes(wanted))) return [];
  // What is only likely may be explained only.
  return [`${confidence}: the fix ${lines.join('; ') || 'explained'}, wanted ${wanted}`];
}
