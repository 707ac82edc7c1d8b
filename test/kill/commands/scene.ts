/**
 * A world for the kills of commands: one data folder through many deaths of its server, nodes that live on
 * meanwhile, operators that send and watch, and one clock for all of them that can be turned on.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from '../../harness/api-client.ts';
import type { KeyPool } from '../../harness/key-pool.ts';
import { freePort } from '../../harness/server.ts';
import { type Books, openBooks, readBooks } from '../books.ts';
import type { Row } from '../command-books.ts';
import { documentOf } from '../document-drives.ts';
import { type Promised, uniqueName } from '../drive.ts';
import { type KillableServer, startKillable } from '../killable.ts';
import { Ledger, type Sent } from './ledger.ts';
import { type Nodes, type OfficialNode, openNodes, type Way } from './nodes.ts';
import { type OurNode, startOurNode } from './our-node.ts';

/** Where something is sent, and what may become of it on each node. */
export interface Order {
  /** `AWS-RunShellScript`, or one of two steps. */
  readonly document?: string;
  /** A shell script; `name` is what the command is known by. */
  readonly script?: (name: string) => readonly string[];
  readonly more?: object;
  /** How it may end on the nodes; `Success` unless given. */
  readonly ends?: readonly string[];
}

/** A world. */
export interface Scene {
  readonly server: KillableServer;
  readonly admin: ApiClient;
  readonly nodes: Nodes;
  readonly ledger: Ledger;
  readonly sent: readonly Sent[];
  /** The name of a document with the steps `one` and `two`. */
  readonly twoSteps: string;
  random(limit: number): number;
  /** Turns every clock on by `ms`, in steps small enough that nothing falls asleep. Rejects when the server dies. */
  turn(ms: number): Promise<void>;
  promise(promised: Promised): void;
  node(way?: Way | 'away'): Promise<OfficialNode>;
  /** A node is deregistered, if it hasn't been. */
  deregister(node: OfficialNode): Promise<void>;
  /** The node that runs our agent; started when it is first asked for. */
  ours(): Promise<OurNode>;
  /** The same, if it was asked for. */
  startedOurs(): OurNode | undefined;
  /** Kills our agent, and starts it again. */
  restartOurs(): Promise<void>;
  /** Kills the server, and starts it again `ms` later. */
  blackout(ms: number): Promise<void>;
  /** Sends a command; resolves when that was answered. */
  send(nodes: readonly { readonly id: string }[], order?: Order): Promise<Sent>;
  /** Cancels a command, on some nodes only if they are named. */
  cancel(sent: Sent, nodes?: readonly { readonly id: string }[]): Promise<void>;
  /** The row of an invocation, now. */
  row(sent: Sent, node: { readonly id: string }): Row | undefined;
  /** Resolves when an invocation is in one of the states. */
  reaches(sent: Sent, node: { readonly id: string }, ...states: string[]): Promise<Row>;
  /** Resolves when the condition holds, in real time. */
  until(what: string, holds: () => unknown): Promise<void>;
  /** Watches a command until it is over or the server is gone, as `rollcall run` does. */
  watch(sent: Sent): Promise<void>;
  /** The books of the server, which is dead or alive. */
  books(state: 'dead' | 'alive'): Books;
  /** What is wrong in the books. */
  problems(books: Books): string[];
  revive(): Promise<void>;
  /**
   * Lets everything come to rest, while channels are cut now and then: no invocation lives, no report waits.
   * Answers what doesn't.
   */
  settle(): Promise<string[]>;
  end(): Promise<void>;
}

/** By this much every clock is turned at a time: less than the time after which a server thinks that it slept. */
const longestTurn = 5_000;
/** Virtual and real time after which a world that doesn't come to rest is given up. */
const mostTurned = 3 * 3_600_000;
const longestWait = 20_000;

/** Starts the first server of a new folder. */
export async function openScene(
  keys: KeyPool,
  random: (limit: number) => number,
  firstNumber: number,
): Promise<Scene> {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-kill-commands-'));
  const data = join(folder, 'data');
  const port = await freePort();
  let turned = 0;
  let turning = Promise.resolve();
  const now = () => Date.now() + turned;
  const start = () => startKillable(data, port, { turned: () => turned });
  let server = await start();
  const promised: Promised[] = [];
  const sent: (Sent & { answered: boolean })[] = [];
  const ledger = new Ledger();
  const promise = (one: Promised) => void promised.push(one);
  const look = <R>(ask: (db: DatabaseSync) => R): R => {
    const db = openBooks(join(data, 'rollcall.db'));
    try {
      return ask(db);
    } finally {
      db.close();
    }
  };
  const live = () =>
    look((db) => db.prepare('SELECT * FROM invocations WHERE ended_at IS NULL').all()) as unknown as Row[];

  const made = await server.admin.ask('ssm:CreateActivation', {
    IamRole: 'service-role/Nodes',
    RegistrationLimit: 1000,
    Tags: [{ Key: 'from', Value: 'activation' }],
  });
  promise({ operation: 'ssm:CreateActivation', resource: made.ActivationId });
  const activation = { id: made.ActivationId, code: made.ActivationCode };
  const twoSteps = uniqueName('two-steps');
  await server.admin.ask('ssm:CreateDocument', {
    Name: twoSteps,
    Content: documentOf('steps', ['one', 'two']),
    DocumentType: 'Command',
    Tags: [{ Key: 'from', Value: 'the beginning' }],
  });
  promise({ operation: 'ssm:CreateDocument', resource: twoSteps });
  const registered = (nodeId: string) =>
    promise({ operation: 'ssm:RegisterManagedInstance', resource: nodeId });
  const nodes = openNodes({
    url: server.url,
    ca: server.ca,
    region: server.region,
    keys,
    activation,
    firstNumber,
    now,
    random,
    registered,
    acknowledged: (what) => ledger.acknowledged(what),
  });
  let mine: Promise<OurNode> | undefined;
  let our: OurNode | undefined;

  const scene: Scene = {
    get server() {
      return server;
    },
    get admin() {
      return server.admin;
    },
    nodes,
    ledger,
    sent,
    twoSteps,
    random,
    promise,
    async turn(ms) {
      for (let left = ms; left > 0; left -= longestTurn) {
        const step = Math.min(left, longestTurn);
        // One after another, however many are in a hurry: time goes no faster than the server keeps up.
        turning = turning.then(async () => {
          if (server.gone) return;
          await Promise.all([server.turn(step), our?.turn(step)]);
          turned += step;
          nodes.tick();
        });
        await turning;
        if (server.gone) throw new Error('no time goes by for a dead server');
      }
    },
    async node(way = 'channel') {
      const node = await nodes.join(way);
      if (way === 'channel' || way === 'both') {
        await scene.until(`${node.id} is connected`, async () => {
          const { Status } = await server.admin.ask('ssm:GetConnectionStatus', { Target: node.id });
          return Status === 'connected';
        });
      }
      return node;
    },
    async ours() {
      mine ??= startOurNode({
        url: server.url,
        ca: server.ca,
        folder: join(folder, 'our-node'),
        activation,
        turned,
      }).then((started) => {
        registered(started.id);
        our = started;
        return started;
      });
      return mine;
    },
    startedOurs: () => our,
    restartOurs: async () => our?.restart(turned),
    async deregister(node) {
      const answer = await server.admin.call('ssm:DeregisterManagedInstance', { InstanceId: node.id });
      if (answer.status === 200) {
        promise({ operation: 'ssm:DeregisterManagedInstance', resource: node.id });
      } else if (answer.json?.__type !== 'InvalidInstanceId') {
        throw new Error(`DeregisterManagedInstance: ${answer.status} ${answer.text}`);
      }
      nodes.dismiss([node]);
    },
    async blackout(ms) {
      await server.kill();
      turned += ms;
      await our?.turn(ms);
      server = await start();
    },
    async send(to, order = {}) {
      const { document = 'AWS-RunShellScript', script = () => ['true'], more, ends = ['Success'] } = order;
      const one: Sent & { answered: boolean } = {
        comment: uniqueName('comment'),
        ends: new Map(to.map((node) => [node.id, ends])),
        id: undefined,
        answered: false,
      };
      sent.push(one);
      const { Command } = await server.admin.ask('ssm:SendCommand', {
        DocumentName: document,
        InstanceIds: to.map((node) => node.id),
        Comment: one.comment,
        ...(document === 'AWS-RunShellScript' ? { Parameters: { commands: script(one.comment) } } : {}),
        ...more,
      });
      one.id = Command.CommandId;
      one.answered = true;
      promise({ operation: 'ssm:SendCommand', resource: `document/${document}`, detail: Command.CommandId });
      return one;
    },
    async cancel({ id }, only) {
      await server.admin.ask('ssm:CancelCommand', {
        CommandId: id,
        ...(only ? { InstanceIds: only.map((node) => node.id) } : {}),
      });
      promise({ operation: 'ssm:CancelCommand', resource: `command/${id}` });
    },
    row: ({ id }, node) =>
      look((db) =>
        db.prepare('SELECT * FROM invocations WHERE command_id = ? AND node_id = ?').get(id ?? '', node.id),
      ) as Row | undefined,
    async reaches(command, node, ...states) {
      let found: Row | undefined;
      await scene.until(`${node.id} is ${states}`, () => {
        found = scene.row(command, node);
        return states.includes(String(found?.state));
      });
      return found!;
    },
    async until(what, holds) {
      const end = Date.now() + 5_000;
      while (!(await holds())) {
        if (Date.now() > end) throw new Error(`not after five seconds: ${what}`);
        await sleep(5);
      }
    },
    async watch({ id }) {
      for (let after = 0; ; ) {
        const { Command, Finished } = await server.admin.ask('rollcall:WatchCommand', {
          CommandId: id,
          After: after,
          WaitSeconds: 5,
        });
        for (const end of Finished) {
          ledger.seen({
            commandId: id!,
            number: end.Number,
            nodeId: end.InstanceId,
            details: end.StatusDetails,
          });
          after = end.Number;
        }
        if (Command.FinishedCount === Command.TargetCount && after >= Command.FinishedCount) return;
      }
    },
    books: (state) => (state === 'dead' ? readBooks(data, join(folder, 'copy')) : readBooks(data, undefined)),
    problems(books) {
      const runs = (commandId: string, nodeId: string) =>
        nodeId === our?.id
          ? our.begun(sent.find((one) => one.id === commandId)?.comment ?? '')
          : nodes.jobs.runs(`aws.ssm.${commandId}.${nodeId}`);
      return [
        ...books.problems(promised),
        ...ledger.problems(books, runs),
        ...sent.filter((one) => one.id === undefined).flatMap((one) => find(one, books)),
      ];
    },
    async revive() {
      server = await start();
    },
    async settle() {
      const until = Date.now() + longestWait;
      for (let time = 0; time < mostTurned && Date.now() < until; time += longestTurn) {
        if (live().length === 0 && nodes.jobs.unacknowledged === 0) return [];
        const { agents } = nodes.fleet;
        if (random(10) === 0) agents[random(agents.length)]?.socket?.terminate();
        await scene.turn(longestTurn);
      }
      return [
        ...live().map((row) => `${row.command_id} on ${row.node_id} never ended: it is ${row.state}`),
        ...(nodes.jobs.unacknowledged > 0 ? ['reports are never acknowledged'] : []),
      ];
    },
    async end() {
      await nodes.close();
      await our?.close();
      await server.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return scene;
}

/** A command whose sending wasn't answered is there as a whole, or not at all. */
function find(one: Sent, books: Books): string[] {
  const found = books.commands.filter((row) => String(row.asked).includes(one.comment));
  if (found.length > 1) return [`${one.comment} was sent ${found.length} times`];
  const [row] = found;
  if (!row) return [];
  one.id = String(row.command_id);
  const targets = books.invocations.filter((invocation) => invocation.command_id === row.command_id);
  return targets.length === one.ends.size
    ? []
    : [`${one.id} is on ${targets.length} of ${one.ends.size} nodes`];
}
