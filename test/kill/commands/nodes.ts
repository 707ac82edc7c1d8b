/**
 * The nodes of the kill suite that run the official agent: each with a will of its own, so that a test says when it
 * goes on, what it refuses, and what gets lost. They live on through the deaths of the server, by its clock.
 */
import { randomUUID } from 'node:crypto';
import type { KeyPool } from '../../harness/key-pool.ts';
import {
  type Acknowledged,
  type Doing,
  type Lost,
  type OfficialJobs,
  openOfficialJobs,
  type PlannedStep,
} from '../../harness/official-jobs.ts';
import { type Fleet, openFleet, type SimulatedAgent } from '../../harness/simulated-agent.ts';

/** The way on which messages come to a node. */
export type Way = 'channel' | 'poll' | 'both';

/** A simulated node. */
export class OfficialNode {
  readonly agent: SimulatedAgent;
  readonly way: Way;
  /** What every command comes to on it; the document's steps, all successful, unless given. */
  steps: readonly PlannedStep[] | undefined;
  /** What it answers to the next offers, instead of what it would. `silence` is no answer. */
  readonly verdicts: string[] = [];
  /** What gets lost next, in this order; its channel is cut with it. */
  readonly losses: Lost[] = [];
  outrunsCancel = false;
  reportsFirst = false;
  /** Things get lost by chance. */
  unlucky = false;
  readonly #held = new Set<Doing>();
  #waiting: { readonly doing: Doing; readonly on: () => void }[] = [];

  constructor(agent: SimulatedAgent, way: Way) {
    this.agent = agent;
    this.way = way;
  }

  get id(): string {
    return this.agent.nodeId;
  }

  /** Lets it wait before it does this. */
  hold(...doing: Doing[]): void {
    for (const one of doing) this.#held.add(one);
  }

  get holds(): boolean {
    return this.#held.size > 0;
  }

  /** Lets it go on with this, or with everything. */
  go(...doing: Doing[]): void {
    const meant = (one: Doing) => doing.length === 0 || doing.includes(one);
    for (const one of [...this.#held].filter(meant)) this.#held.delete(one);
    const freed = this.#waiting.filter((one) => meant(one.doing));
    this.#waiting = this.#waiting.filter((one) => !meant(one.doing));
    for (const { on } of freed) on();
  }

  /** Cuts its channel, as a network does. */
  cut(): void {
    this.agent.socket?.terminate();
  }

  /** What it waits for before it does this, if it does. */
  before(doing: Doing): Promise<void> | undefined {
    return this.#held.has(doing) ? new Promise((on) => this.#waiting.push({ doing, on })) : undefined;
  }
}

/** All simulated nodes of a world. */
export interface Nodes {
  readonly jobs: OfficialJobs;
  readonly fleet: Fleet;
  /** Registers a node; it has reported what it is, and is connected unless it is to be away. */
  join(way: Way | 'away'): Promise<OfficialNode>;
  /** One that was away comes. */
  come(node: OfficialNode): Promise<void>;
  /** They go for good. */
  dismiss(nodes: readonly OfficialNode[]): void;
  /** Does what is due. */
  tick(): void;
  close(): Promise<void>;
}

/** What nodes need. */
export interface NodesOptions {
  readonly url: string;
  readonly ca: string;
  readonly region: string;
  readonly keys: KeyPool;
  readonly activation: { readonly id: string; readonly code: string };
  readonly firstNumber: number;
  readonly now: () => number;
  readonly random: (limit: number) => number;
  readonly registered: (nodeId: string) => void;
  readonly acknowledged: (what: Acknowledged) => void;
}

/** A report that was lost is told again this soon, in milliseconds: the official agent takes up to five minutes. */
const resendEvery = 30_000;

/** Opens a world's nodes. */
export function openNodes(options: NodesOptions): Nodes {
  const byId = new Map<string, OfficialNode>();
  const nodeOf = (agent: SimulatedAgent) => byId.get(agent.nodeId);
  const jobs = openOfficialJobs({
    now: options.now,
    random: () => options.random(1_000_000) / 1_000_000,
    resendEvery,
    calls: () => fleet.calls,
    acknowledged: options.acknowledged,
    verdict: (agent, job) => (job.cancels ? undefined : nodeOf(agent)?.verdicts.shift()),
    loses(agent, what) {
      const node = nodeOf(agent);
      if (!node) return false;
      if (node.losses[0] === what) {
        node.losses.shift();
        return true;
      }
      return node.unlucky && options.random(12) === 0;
    },
    plan(agent, job) {
      const node = nodeOf(agent);
      if (!node) return undefined;
      return {
        steps: node.steps ?? stepsOf(job.content),
        outrunsCancel: node.outrunsCancel,
        reportsFirst: node.reportsFirst,
        // Who waits for nothing also says things out of order.
        ...(node.holds ? { before: (doing) => node.before(doing) } : {}),
      };
    },
  });
  const fleet = openFleet({
    ...options,
    messages: 'none',
    pollsOn: Number.POSITIVE_INFINITY,
    answer: jobs.answer,
    polled: jobs.polled,
  });
  const come = async (node: OfficialNode) => {
    await fleet.start(node.agent, node.way);
  };
  return {
    jobs,
    fleet,
    async join(way) {
      const agent = await fleet.register();
      options.registered(agent.nodeId);
      const node = new OfficialNode(agent, way === 'away' ? 'channel' : way);
      byId.set(node.id, node);
      if (way === 'away') await fleet.heartbeat(agent);
      else await come(node);
      return node;
    },
    come,
    dismiss(nodes) {
      for (const node of nodes) {
        fleet.dismiss(node.agent);
        jobs.forget(node.id);
        byId.delete(node.id);
      }
    },
    tick() {
      fleet.tick();
      jobs.tick();
    },
    async close() {
      jobs.close();
      await fleet.close();
    },
  };
}

/** A step that simulated nodes take. */
export function step(name: string, more: Partial<PlannedStep> = {}): PlannedStep {
  return {
    name,
    plugin: 'aws:runShellScript',
    status: 'Success',
    code: 0,
    stdout: `${name} ${randomUUID()}\n`,
    stderr: '',
    ...more,
  };
}

function stepsOf(content: string): readonly PlannedStep[] {
  const { DocumentContent: document } = JSON.parse(content);
  const names: string[] = document.mainSteps
    ? document.mainSteps.map((one: { name: string }) => one.name)
    : Object.keys(document.runtimeConfig);
  return names.map((name) => step(name));
}
