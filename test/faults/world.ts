/** The world of one fault: a server of its own, machines, simulated neighbours, and all that stands between. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { judge, type NodeEvidence, type Verdict } from '@rollcall/diagnosis';
import { openCalls } from '../../packages/agent/src/calls.ts';
import { systemClock } from '../../packages/agent/src/clock.ts';
import {
  loadIdentity,
  makePrivateKey,
  publicKeyOf,
  type RegisteredIdentity,
} from '../../packages/agent/src/identity.ts';
import { openVisit } from '../../packages/agent/src/visit.ts';
import { type KeyPool, makeKeyPool } from '../harness/key-pool.ts';
import { type Fleet, type FleetOptions, openFleet } from '../harness/simulated-agent.ts';
import { type Authority, makeAuthority, takeAuthority } from './middle/authority.ts';
import { type DnsServer, openDns } from './middle/dns.ts';
import { type Forwarder, openForwarder } from './middle/forwarder.ts';
import { edit } from './node/agent.ts';
import { type HereOptions, openHere } from './node/here.ts';
import { gateway, type Machine, type MachineOptions, openMachine, serverName } from './node/machine.ts';
import type { Node } from './node/node.ts';
import { isOnline } from './node/online.ts';
import { openServer, type ZooServer } from './server.ts';
import { until } from './until.ts';

/** What may be different about a world. */
export interface WorldOptions {
  readonly regions?: readonly string[];
  /** Milliseconds by which the server's clock is ahead. */
  readonly serverAhead?: number;
  /** The name by which machines know the server; `serverName` unless given. */
  readonly serverName?: string;
}

/** See the head of this file. */
export interface World {
  readonly server: ZooServer;
  /** For what has to be kept somewhere. */
  readonly folder: string;
  /** The server's own CA, for those who have certificates from the same. */
  authority(): Promise<Authority>;
  /** A company's CA, that no node trusts unless it is told. */
  company(): Promise<Authority>;
  /** A machine that is this one. */
  node(options?: Pick<HereOptions, 'address'>): Promise<Node>;
  /** A machine of its own; needs root. It reaches the server at `listens`; at the bridge's own address unless given. */
  machine(options?: Pick<MachineOptions, 'ahead' | 'upFor' | 'listens'>): Promise<Machine>;
  /** A way by IPv6 as well, at the bridge's own address. */
  waySix(): Promise<void>;
  /** The DNS server that machines are set to. */
  dns(): Promise<DnsServer>;
  /** Another one, at another address. */
  dnsAt(address: string): Promise<DnsServer>;
  /** Simulated nodes that come from one address. They do as the official agent does. */
  neighbours(count: number, address: string, options?: Partial<FleetOptions>): Promise<Neighbours>;
  /** Puts machines into the roster; what isn't in it any more is retired. */
  roster(machines: readonly object[]): Promise<void>;
  /** A user who may do these things, on everything; answers their keys. */
  user(
    name: string,
    actions: readonly string[],
  ): Promise<{ readonly accessKeyId: string; readonly secretAccessKey: string }>;
  /** Makes a node a day older than it is: what is young is not judged. */
  age(nodeId: string): void;
  /** Waits until a heartbeat of the node came after `began`, with or without a channel. */
  heard(node: Node, began: number): Promise<void>;
  /** Waits until the door has noted a refusal of the node's address, or in its name. */
  refused(node: Pick<Node, 'nodeId' | 'address'>, ...reasons: readonly string[]): Promise<void>;
  /** Changes the node's key pair, at the server and in its folder, as its agent does when it is asked to. */
  changeKey(node: Node): Promise<void>;
  /** A stranger at an address says that it is this node, and signs with a key of its own. */
  forge(nodeId: string, address: string): Promise<void>;
  /** Somebody who is no agent comes from an address, and doesn't trust the server's certificate. */
  strangerRejects(address: string): Promise<void>;
  /** Closed with the world, the last one first. */
  closes<T extends { close(): Promise<unknown> | unknown }>(thing: T): T;
  close(): Promise<void>;
}

/** Simulated nodes with their way. */
export interface Neighbours extends Fleet {
  readonly way: Awaited<ReturnType<typeof openForwarder>>;
}

let keys: Promise<KeyPool> | undefined;
const mostNeighbours = 120;

/** Opens a world in which all is well and nobody lives. */
export async function openWorld(cache: string, options: WorldOptions = {}): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-zoo-'));
  mkdirSync(join(folder, 'server'));
  mkdirSync(cache, { recursive: true });
  const name = options.serverName ?? serverName;
  const closing: { close(): Promise<unknown> | unknown }[] = [];
  const closes: World['closes'] = (thing) => {
    closing.push(thing);
    return thing;
  };
  const server = closes(
    await openServer({
      data: join(folder, 'server/data'),
      publicUrls: [`https://${name}`],
      regions: options.regions ?? ['us-east-1', 'eu-central-1'],
      ahead: options.serverAhead ?? 0,
    }),
  );
  const ways = new Map<string, Forwarder>();
  let number = 0;
  let joined = 0;
  let dns: Promise<DnsServer> | undefined;
  let company: Promise<Authority> | undefined;

  const world: World = {
    server,
    folder,
    closes,
    authority: () =>
      takeAuthority(
        readFileSync(join(server.data, 'ca.crt'), 'utf8'),
        readFileSync(join(server.data, 'ca.key'), 'utf8'),
      ),
    company: () => {
      company ??= makeAuthority('Example Corp Web Gateway');
      return company;
    },
    async node(given = {}) {
      number += 1;
      return closes(await openHere({ server, folder, cache, number, ...given }));
    },
    async machine({ listens = gateway.four, ...given } = {}) {
      number += 1;
      await world.dns();
      let way = ways.get(listens);
      if (!way) {
        way = closes(await openForwarder({ target: server.port, host: listens, port: 443 }));
        ways.set(listens, way);
      }
      return closes(await openMachine({ server, folder, cache, number, way, serverName: name, ...given }));
    },
    async waySix() {
      closes(await openForwarder({ target: server.port, host: gateway.six, port: 443 }));
    },
    dns: () => {
      dns ??= openDns(gateway.four, 53).then((opened) => {
        opened.zone.set(name, { addresses: [gateway.four] });
        return closes(opened);
      });
      return dns;
    },
    dnsAt: async (address) => closes(await openDns(address, 53)),
    async neighbours(count, address, more = {}) {
      keys ??= makeKeyPool(mostNeighbours);
      const pool = await keys;
      const way = closes(await openForwarder({ target: server.port, source: address }));
      const { ActivationId: id, ActivationCode: code } = await server
        .admin()
        .ask('ssm:CreateActivation', { IamRole: 'Nodes', RegistrationLimit: 1000 });
      const fleet = openFleet({
        url: `https://localhost:${way.port}`,
        ca: server.ca(),
        region: server.region,
        activation: { id, code },
        keys: pool,
        firstNumber: joined,
        now: () => server.clock.now(),
        ...more,
      });
      joined += count;
      closes(fleet);
      await fleet.join(count);
      if ((more.messages ?? 'channel') === 'channel') await fleet.connected(count);
      return Object.assign(fleet, { way });
    },
    age: (nodeId) =>
      server.books((books) =>
        books
          .prepare('UPDATE nodes SET registered_at = registered_at - 86400000 WHERE node_id = ?')
          .run(nodeId),
      ),
    async heard({ nodeId }, began) {
      await until(`${nodeId} is heard`, async () => {
        const { InstanceInformationList: list } = await server
          .admin()
          .ask('ssm:DescribeInstanceInformation', { Filters: [{ Key: 'InstanceIds', Values: [nodeId] }] });
        return (list[0]?.LastPingDateTime ?? 0) * 1000 >= began - 1000;
      });
    },
    async refused({ nodeId, address }, ...reasons) {
      await knocked(server, (knock) => {
        const isIts = knock.Claim === nodeId || knock.Address === address;
        return isIts && reasons.includes(knock.Reason);
      });
    },
    async roster(machines) {
      await server.admin().ask('rollcall:ImportRoster', {
        Source: 'cmdb',
        Format: 'json',
        Text: JSON.stringify(machines),
        RetireMost: true,
      });
    },
    async user(name, actions) {
      const policy = {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }],
      };
      const { AccessKey: key } = await server
        .admin()
        .ask('rollcall:CreateUser', { UserName: name, PolicyDocument: JSON.stringify(policy) });
      return { accessKeyId: key.AccessKeyId, secretAccessKey: key.SecretAccessKey };
    },
    async changeKey(node) {
      const identity = loadIdentity(node.root)?.identity as RegisteredIdentity;
      const next = await makePrivateKey();
      const { serverUrl, trust } = identity;
      const visit = openVisit({ serverUrl, trust }, systemClock());
      await openCalls(identity, systemClock()).updatePublicKey(visit, identity.privateKey, publicKeyOf(next));
      visit.close();
      edit(node.root, 'identity.json', (written) => {
        written.privateKey = next;
      });
    },
    async forge(nodeId, address) {
      const way = closes(await openForwarder({ target: server.port, source: address }));
      const identity = {
        nodeId,
        serverUrl: `https://localhost:${way.port}`,
        region: server.region,
        privateKey: await makePrivateKey(),
        fingerprint: 'forged',
        trust: [server.ca()],
      };
      const visit = openVisit(identity, systemClock());
      const calls = openCalls(identity, systemClock());
      for (let times = 0; times < 3; times += 1)
        await calls.requestToken(visit, identity.privateKey, 'forged').catch(() => {});
      visit.close();
      await knocked(server, (knock) => knock.Address === address);
    },
    async strangerRejects(address) {
      const way = closes(await openForwarder({ target: server.port, source: address }));
      const args = ['--silent', '--max-time', '5', `https://localhost:${way.port}/`];
      await new Promise((done) => execFile('curl', args, () => done(undefined)));
      await knocked(server, (knock) => knock.Address === address);
    },
    async close() {
      for (const thing of closing.reverse()) await thing.close();
      removeUnmounted(folder);
    },
  };
  return world;
}

/** Removes a folder; never what is mounted in it, which is somebody else's. */
function removeUnmounted(folder: string): void {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => line.split(' ')[4] ?? [])
    .filter((at) => at.startsWith(`${folder}/`));
  for (const at of mounts.reverse()) execFileSync('umount', ['--lazy', at]);
  rmSync(folder, { recursive: true, force: true });
}

interface Knock {
  readonly Claim?: string;
  readonly Address: string;
  readonly Reason: string;
}

/** Waits until such a knock is in the books. */
async function knocked(server: ZooServer, isIt: (knock: Knock) => boolean): Promise<void> {
  await until('the door notes it', async () => {
    const { Knocks } = await server.admin().ask('rollcall:ListKnocks', {});
    return (Knocks as Knock[]).some(isIt);
  });
}

/** What the node's own evidence tells, with nobody else asked. */
export function ownVerdict(evidence: NodeEvidence): Verdict {
  return judge({ now: evidence.at, node: evidence });
}

/** What an operator is told who asks the server; with the node's evidence where there is some. */
export async function askWhy(
  server: ZooServer,
  subject: string,
  options: {
    readonly evidence?: NodeEvidence;
    readonly region?: string;
    readonly document?: string;
    readonly as?: Parameters<ZooServer['as']>[0];
  } = {},
): Promise<{ readonly verdict: Verdict; readonly evidence: unknown }> {
  const asker = options.as ? server.as(options.as) : server.admin(options.region);
  const answer = await asker.ask('rollcall:Why', {
    Subject: subject,
    WithEvidence: true,
    ...(options.evidence && { Evidence: JSON.stringify(options.evidence) }),
    ...(options.document !== undefined && { Document: options.document }),
  });
  return { verdict: JSON.parse(answer.Verdict), evidence: JSON.parse(answer.Evidence) };
}

/** Waits until the server counts a node as lost; its time is turned on for that. */
export async function lose({ server }: World, { nodeId }: Pick<Node, 'nodeId'>): Promise<void> {
  const status = async () => {
    const { InstanceInformationList: list } = await server.admin().ask('ssm:DescribeInstanceInformation', {
      Filters: [{ Key: 'InstanceIds', Values: [nodeId] }],
    });
    return list[0]?.PingStatus;
  };
  await until(`the channel of ${nodeId} is closed`, async () => {
    const { Status } = await server.admin().ask('ssm:GetConnectionStatus', { Target: nodeId });
    return Status === 'notconnected';
  });
  await server.pass(31_000);
  // Where the server was away as well, its heartbeats have to stay away for some periods.
  if ((await status()) === 'Online') await server.pass(16 * 60_000);
  await until(`${nodeId} is lost`, async () => (await status()) === 'ConnectionLost');
}

/** Waits until a node is Online and connected. */
export async function back({ server }: World, { nodeId }: Node, ms = 15_000): Promise<void> {
  await until(`${nodeId} is back`, () => isOnline(server, nodeId, 0), ms);
}
