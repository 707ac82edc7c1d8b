/** One data folder through many deaths of its server, and what was promised meanwhile. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiClient } from '../harness/api-client.ts';
import type { KeyPool } from '../harness/key-pool.ts';
import { freePort } from '../harness/server.ts';
import { type Books, readBooks } from './books.ts';
import type { Promised } from './drive.ts';
import { type KillableServer, startKillable } from './killable.ts';
import { type NodeCalls, openNodeCalls } from './nodes.ts';

/** Where a kill happens, and what has to be found afterwards. */
export interface World {
  readonly folder: string;
  readonly server: KillableServer;
  readonly admin: ApiClient;
  readonly nodes: NodeCalls;
  /** A number below `limit`, by the seed. */
  random(limit: number): number;
  /** A key that no node has had. */
  nextKey(): number;
  /** Something was answered. */
  promise(promised: Promised): void;
  /** Starts the server again and compares what it says with the books. Answers what is wrong. */
  revive(): Promise<string[]>;
  /** The books of the server, which is dead. */
  books(): Books;
  readonly promised: readonly Promised[];
  end(): Promise<void>;
}

/** Starts the first server of a new folder. */
export async function openWorld(keys: KeyPool, random: (limit: number) => number): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-kill-'));
  const data = join(folder, 'data');
  const port = await freePort();
  const promised: Promised[] = [];
  let server = await startKillable(data, port);
  let nodes = openNodeCalls(server, keys);
  let usedKeys = random(keys.size - 1);
  const books = () => readBooks(data, join(folder, 'copy'));
  return {
    folder,
    get server() {
      return server;
    },
    get admin() {
      return server.admin;
    },
    get nodes() {
      return nodes;
    },
    random,
    nextKey() {
      usedKeys = (usedKeys + 1) % keys.size;
      return usedKeys;
    },
    promise: (one) => void promised.push(one),
    promised,
    books,
    async revive() {
      nodes.close();
      const before = books();
      const began = Date.now();
      server = await startKillable(data, port);
      nodes = openNodeCalls(server, keys);
      const problems = await differences(server, before);
      const took = Date.now() - began;
      return took <= 10_000 ? problems : [...problems, `the list was right after ${took} ms only`];
    },
    async end() {
      nodes.close();
      await server.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What a server says, held against its books. */
async function differences(server: KillableServer, books: Books): Promise<string[]> {
  const listed: { InstanceId: string; PingStatus: string }[] = [];
  let NextToken: string | undefined;
  do {
    const page = await server.admin.ask('ssm:DescribeInstanceInformation', {
      MaxResults: 50,
      ...(NextToken === undefined ? {} : { NextToken }),
    });
    listed.push(...page.InstanceInformationList);
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  const problems: string[] = [];
  const ids = listed.map((node) => node.InstanceId).sort();
  if (ids.join() !== books.registered.join())
    problems.push(`the list has ${ids}, the books ${books.registered}`);
  for (const { InstanceId, PingStatus } of listed) {
    const row = books.presence(InstanceId);
    // Who closed its channel and stays silent is lost half a minute later: that depends on when we look.
    if (row?.closed_by === 'node') continue;
    const wanted = row?.last_ping === null ? 'ConnectionLost' : 'Online';
    if (PingStatus !== wanted) problems.push(`${InstanceId} is ${PingStatus}, not ${wanted}`);
  }
  const { Users } = await server.admin.ask('rollcall:ListUsers');
  const users = (Users as { UserName: string }[]).map((user) => user.UserName).sort();
  if (users.join() !== books.users.join()) problems.push(`users ${users}, in the books ${books.users}`);
  return problems;
}
