/** What verdicts promise, on either engine. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ListPickableOutput, WhyAllOutput } from '@rollcall/wire';
import { refusalOf } from '../nodes/testing.ts';
import { type Ground, pass, passListening } from '../presence/testing.ts';
import { tellDeregistration, type VerdictsDeps } from './index.ts';
import { nodePrincipal, openVerdictsWorld, region, type VerdictsWorld } from './testing.ts';

type Case = (context: TestContext, ground?: Ground) => Promise<void>;

const open = (context: TestContext, ground: Ground | undefined, deps: Partial<VerdictsDeps> = {}) =>
  openVerdictsWorld(context, { ...(ground && { ground }), deps });
const minute = 60_000;
const hour = 60 * minute;
/** After a start of a server, and each jump of these clocks is one, three periods are waited for. */
const lostFor = 16 * minute;

/** Lets time go by in which some server listened, and waits until this one knows of it. */
async function later(world: VerdictsWorld, time: number): Promise<void> {
  const witness = `witness ${world.clock.now()}`;
  await passListening(world, time);
  for (let tries = 0; tries < 200; tries++) {
    if (world.presence.view().liveServers.includes(witness)) return;
    await sleep(10);
  }
  assert.fail('the servers were not read again');
}

/** What a doctor on the machine would send. */
function seen(name: string, more: object = {}) {
  return JSON.stringify({
    format: 1,
    at: Date.UTC(2026, 0, 1),
    by: 'doctor',
    privileged: true,
    unseen: [],
    host: {
      name,
      os: { id: 'debian', name: 'Debian GNU/Linux', version: '12' },
      platform: 'Linux',
      kernel: '6.1',
      arch: 'x64',
      addresses: ['10.0.0.1'],
      macs: ['52:54:00:12:34:56'],
      systemUuid: '4C4C4544-0042-3510-8058-B4C04F4E4D31',
    },
    agents: [],
    endpoints: [],
    ...more,
  });
}

/** All cases, by what they show. */
export const cases: Readonly<Record<string, Case>> = {
  async 'a node that is well is well, by its id, its name and its address'(context, ground) {
    const world = await open(context, ground);
    const nodeId = await world.node('web-1.example.org', '10.0.0.1', '203.0.113.7');
    await world.presence.channelOpened(region, nodeId);
    for (const asked of [nodeId, 'web-1', 'WEB-1.example.org', '10.0.0.1', '203.0.113.7']) {
      const { verdict, evidence } = await world.why(asked);
      assert.equal(verdict.subject.nodeId, nodeId, asked);
      assert.equal(verdict.state, 'well', asked);
      assert.deepEqual(verdict.answers, { listed: 'yes', pickable: 'yes', working: 'yes' });
      assert.equal(evidence.records?.node?.status, 'Online');
    }
    const { evidence } = await world.why(nodeId, { Document: 'AWS-RunShellScript' });
    assert.deepEqual(evidence.request?.servedRegions, [region, 'eu-west-1']);
    assert.deepEqual(evidence.request?.document?.platforms, ['Linux', 'MacOS']);
    assert.equal(evidence.request?.document?.mayUse, true);
    assert.equal((await refusalOf(world.why(nodeId, { Document: 'NoSuch' }))).code, 'InvalidDocument');
  },

  async 'several are several: none of them is judged'(context, ground) {
    const world = await open(context, ground);
    const ids = [await world.node('web-1.a.example'), await world.node('web-1.b.example')];
    const { verdict, candidates, evidence } = await world.why('web-1');
    assert.deepEqual([...candidates].sort(), ids.sort());
    assert.equal(verdict.cause, 'name-ambiguous');
    assert.equal(evidence.records?.node, undefined);
    assert.equal((await world.why('web-1.b.example')).candidates.length, 0, 'in full it is one');
    assert.equal((await world.why('192.0.2.10')).candidates.length, 2, 'both come from there');
  },

  async 'a machine that registered anew: the name is the node that is there, the old id knows its successor'(
    context,
    ground,
  ) {
    const world = await open(context, ground);
    const old = await world.node('web-1', '10.0.0.1', '203.0.113.1');
    await later(world, 20 * minute);
    const now = await world.node('web-1', '10.0.0.2', '203.0.113.2');
    assert.equal((await world.why('web-1')).verdict.subject.nodeId, now);
    const { verdict, evidence } = await world.why(old);
    assert.equal(evidence.records?.successor?.nodeId, now);
    assert.equal(verdict.cause, 'machine-replaced');
  },

  async 'an address that a node of another name has: not well, not lost; and another machine where its hardware says so'(
    context,
    ground,
  ) {
    const world = await open(context, ground);
    await world.list(
      'dc1',
      'name,ip,mac\nweb-7,10.0.0.7,\ndb-1,10.0.0.8,52:54:00:00:00:01\nsame,10.0.0.9,\n',
    );
    const other = await world.node('cache-3', '10.0.0.7');
    const moved = await world.node('cache-4', '10.0.0.8');
    await world.node('SAME.lan', '10.0.0.9');
    const { verdict } = await world.why('web-7');
    assert.deepEqual(
      [verdict.state, verdict.cause, verdict.doubt, verdict.answers.listed],
      ['unclear', undefined, 'names-differ', 'unknown'],
    );
    assert.equal(verdict.subject.nodeId, undefined);
    assert.equal(verdict.parameters.other, other);
    assert.equal((await world.why('cache-3')).verdict.standing?.is, 'online', 'the node itself is');
    assert.equal((await world.why(other)).verdict.standing?.is, 'online');
    assert.equal((await world.why('10.0.0.7')).verdict.subject.nodeId, other);
    assert.equal((await world.why('same')).verdict.standing?.is, 'online');
    assert.equal((await world.why('db-1')).verdict.state, 'unclear');
    const host = { ...JSON.parse(seen('cache-4')).host, addresses: [], macs: ['52:54:00:00:00:99'] };
    await world.call(
      'PutNodeEvidence',
      { InstanceId: moved, Evidence: seen('cache-4', { at: world.clock.now(), by: 'agent', host }) },
      { principal: nodePrincipal(moved) },
    );
    const reused = (await world.why('db-1')).verdict;
    assert.deepEqual([reused.cause, reused.confidence], ['address-reused', 'proven']);
    const all: WhyAllOutput = await world.call('WhyAll');
    const { There, Missing, Unclear } = all.Counts;
    assert.deepEqual({ There, Missing, Unclear }, { There: 1, Missing: 1, Unclear: 1 });
  },

  async 'a machine of the roster that was refused: the activation that it tried, proved by its code'(
    context,
    ground,
  ) {
    const world = await open(context, ground);
    await world.list(
      'dc1',
      'name,ip\nweb-21,10.0.0.21\nweb-22,10.0.0.22\nnat-1,10.0.0.99\nnat-2,10.0.0.99\n',
    );
    const { ActivationId } = await world.call('CreateActivation', { IamRole: 'r', RegistrationLimit: 5 });
    await later(world, 25 * hour);
    const refused = { reason: 'activation-expired', layer: 'policy', claim: ActivationId };
    await world.knock({ ...refused, address: '10.0.0.21' });
    await world.knock({ ...refused, address: '10.0.0.99' });
    const { verdict, evidence } = await world.why('web-21');
    assert.equal(verdict.cause, 'activation-expired');
    assert.equal(evidence.door?.knocks[0]?.tie, 'code');
    assert.equal(evidence.records?.activation?.activationId, ActivationId);
    assert.equal(evidence.records?.machine?.joinedBy, undefined);
    // Nobody knocked from there; and where two are behind one address, it may be either.
    assert.notEqual((await world.why('web-22')).verdict.cause, 'activation-expired');
    const shared = await world.why('nat-1');
    assert.equal(shared.evidence.door?.knocks[0]?.tie, 'address');
    assert.equal(shared.evidence.door?.knocks[0]?.sharedBy, 1);
    assert.notEqual(shared.verdict.confidence, 'proven');
  },

  async 'knocks: a signature proves, a claim is a claim, others’ claims and keys aren’t its own'(
    context,
    ground,
  ) {
    const world = await open(context, ground);
    const [mine, other] = [
      await world.node('a', '10.0.0.1', '203.0.113.9'),
      await world.node('b', '10.0.0.2', '203.0.113.9'),
    ];
    await later(world, 2 * hour);
    await world.knock({ reason: 'signature-expired', claim: mine, detail: 'skew=-1812s' });
    await world.knock({ reason: 'unknown-node', claim: mine, address: '198.51.100.5' });
    await world.knock({ reason: 'signature-expired', claim: other, detail: 'skew=-60s' });
    await world.knock({ reason: 'client-rejected-certificate', layer: 'tls', detail: 'alert=48' });
    await world.knock({ reason: 'signature-mismatch', claim: 'AKIAEXAMPLE000000001' });
    const { knocks } = (await world.why(mine)).evidence.door!;
    const shown = knocks.map((one) => [one.reason, one.tie, one.sharedBy]).sort();
    assert.deepEqual(shown, [
      ['client-rejected-certificate', 'address', 1],
      ['signature-expired', 'signature', 1],
      ['unknown-node', 'claim', 0],
    ]);
  },

  async 'an address is a lease: what came from it before or after isn’t the machine’s'(context, ground) {
    const world = await open(context, ground);
    await world.list('dc1', 'name,ip\nweb-1,10.0.0.1\n');
    await later(world, hour);
    await world.list('dc1', 'name,ip\nweb-1,10.0.0.2\n');
    await later(world, hour);
    await world.knock({ reason: 'client-rejected-certificate', layer: 'tls', address: '10.0.0.1' });
    assert.deepEqual((await world.why('web-1')).evidence.door?.knocks, []);
    await world.knock({ reason: 'client-rejected-certificate', layer: 'tls', address: '10.0.0.2' });
    assert.equal((await world.why('web-1')).evidence.door?.knocks.length, 1);
  },

  async 'who was lost together, and from where; how the clocks stand'(context, ground) {
    const world = await open(context, ground);
    const ids: string[] = [];
    for (let at = 0; at < 8; at++) {
      const id = await world.node(`kvm-${at}`, `10.0.0.${at}`, at < 4 ? '203.0.113.9' : '203.0.113.10');
      ids.push(id);
    }
    await later(world, 9 * minute);
    for (const id of ids.slice(4)) await world.beat(id, { ComputerName: id }, '203.0.113.10');
    await later(world, 7 * minute);
    const { fleet } = (await world.why(ids[0]!)).evidence;
    assert.equal(fleet?.nodes, 8);
    assert.equal(fleet?.online, 4);
    const lost = fleet?.shared?.find((one) => one.sign === 'lost:203.0.113.9');
    assert.deepEqual([lost?.nodes, lost?.of, lost?.examples.length], [4, 4, 3]);
    assert.deepEqual(fleet?.shared?.find((one) => one.sign === 'lost')?.of, 8);
    assert.equal((await world.why(ids[5]!)).evidence.fleet?.shared, undefined);
  },

  async 'our own clock: refused nodes say it as well as those that get through'(context, ground) {
    const world = await open(context, ground);
    const ids: string[] = [];
    for (let at = 0; at < 5; at++) ids.push(await world.node(`n-${at}`));
    await later(world, 12 * minute);
    // How the fleet is was looked at just before: what began since counts all the same.
    assert.equal((await world.why(ids[0]!)).evidence.fleet?.skewSamples, undefined);
    await later(world, 1000);
    for (const claim of ids)
      await world.knock({
        reason: 'signature-not-yet-current',
        claim,
        detail: 'skew=+402s',
        address: '192.0.2.10',
      });
    const { verdict, evidence } = await world.why(ids[0]!);
    assert.equal(evidence.fleet?.medianSkewMs, 402_000);
    assert.equal(evidence.fleet?.skewSamples, 5);
    assert.equal(verdict.cause, 'server-clock-wrong');
    const all: WhyAllOutput = await world.call('WhyAll');
    assert.equal(all.Server[0]?.Cause, 'server-clock-wrong');
    assert.match(all.Server[0]?.Detail ?? '', /402 s behind, by those of 5 nodes/);
  },

  async 'deregistered: by whom, and with how many others'(context, ground) {
    const world = await open(context, ground);
    const ids: string[] = [];
    for (let at = 0; at < 6; at++) ids.push(await world.node(`n-${at}`));
    await world.call('DeregisterManagedInstance', { InstanceId: ids[0] });
    const single = await world.why(ids[0]!);
    assert.equal(single.verdict.cause, 'deregistered');
    assert.equal(single.evidence.records?.bulkDeregistration, undefined);
    for (const InstanceId of ids.slice(1)) await world.call('DeregisterManagedInstance', { InstanceId });
    const { verdict, evidence } = await world.why('n-3');
    assert.equal(evidence.records?.bulkDeregistration?.count, 6);
    assert.equal(verdict.cause, 'deregistered-in-bulk');
  },

  async 'a node’s own evidence is judged with the rest, given by the asker or sent along by its agent'(
    context,
    ground,
  ) {
    const world = await open(context, ground);
    const nodeId = await world.node('web-1', '10.0.0.1');
    await world.list('dc1', 'key,name,uuid\n7,unlike,4c4c4544-0042-3510-8058-b4c04f4e4d31\n');
    await later(world, hour);
    const agent = {
      kind: 'official',
      packaging: 'deb',
      processes: [],
      identity: { kind: 'activation', nodeId },
    };
    const stopped = {
      service: { manager: 'systemd', name: 'amazon-ssm-agent', active: false, state: 'inactive' },
    };
    const Evidence = seen('web-1', { at: world.clock.now(), agents: [{ ...agent, ...stopped }] });
    const given = await world.why('web-1', { Evidence });
    assert.equal(given.verdict.cause, 'agent-stopped');
    for (const wrong of [
      '{',
      '{"format":2}',
      '{"format":1}',
      Evidence.replace('"active":false', '"active":"no"'),
    ]) {
      assert.equal((await refusalOf(world.why('web-1', { Evidence: wrong }))).code, 'ValidationException');
    }
    const another = seen('db-7', { host: { ...JSON.parse(Evidence).host, name: 'db-7', addresses: [] } });
    const refusal = await refusalOf(world.why(nodeId, { Evidence: another }));
    assert.match(refusal.message, /another machine: it was seen on db-7/);
    assert.notEqual((await world.why('web-1')).verdict.cause, 'agent-stopped', 'nothing was kept');
    const from = { principal: nodePrincipal(nodeId) };
    await world.call('PutNodeEvidence', { InstanceId: nodeId, Evidence }, from);
    assert.equal((await world.why('web-1')).verdict.cause, 'agent-stopped');
    // And by its UUID the machine is found.
    assert.equal((await world.why('unlike')).evidence.records?.machine?.joinedBy, 'uuid');
    world.clock.jump(hour);
    const after = await world.why('web-1');
    assert.equal(after.evidence.nodeSeenAt, after.evidence.now - hour);
    assert.deepEqual(after.verdict.inside, { at: after.evidence.now - hour, ofNow: false });
    assert.notEqual(after.verdict.confidence, 'proven', 'what was seen an hour ago is no proof of now');
  },

  async 'the same id in another region is elsewhere'(context, ground) {
    const world = await open(context, ground);
    const nodeId = await world.node('web-1');
    const answer = await world.call('Why', { Subject: nodeId, WithEvidence: true }, { region: 'eu-west-1' });
    const { records } = JSON.parse(answer.Evidence);
    assert.deepEqual(records.elsewhere, [{ nodeId, region, status: 'Online' }]);
    assert.equal(JSON.parse(answer.Verdict).cause, 'wrong-region');
  },

  async 'all at once: counted, grouped by cause, the server’s own health first'(context, ground) {
    const world = await open(context, ground, {
      ownProblems: async () => [{ cause: 'disk-full', detail: 'The disk with the data has 3 MiB left.' }],
    });
    const there = await world.node('web-1', '10.0.0.1');
    const lost = await world.node('web-2', '10.0.0.2');
    const gone = await world.node('web-3', '10.0.0.3');
    await world.call('DeregisterManagedInstance', { InstanceId: gone });
    const { ActivationId } = await world.call('CreateActivation', { IamRole: 'r' });
    await world.list(
      'dc1',
      `name,ip,expected,power,maintenance_until
web-1,,,,
web-2,,,,
web-3,,,,
new-1,10.0.1.1,,,
new-2,10.0.1.2,,,
quiet,10.0.1.3,,,
off,,,off,
spare,,spare,,
old,,retired,,
mended,,,,2026-01-09
`,
    );
    await world.list('esx', 'key,name\nvm-1,web-1\n');
    await later(world, 25 * hour);
    await world.beat(there, { ComputerName: 'web-1', IPAddress: '10.0.0.1' });
    for (const address of ['10.0.1.1', '10.0.1.2']) {
      await world.knock({ reason: 'activation-expired', layer: 'policy', claim: ActivationId, address });
    }
    const all: WhyAllOutput = await world.call('WhyAll');
    assert.deepEqual(
      all.Server.map((one) => one.Cause),
      ['disk-full'],
    );
    const { Expected, There, Missing, Lost, Unclear, Off, Retired, InMaintenance } = all.Counts;
    assert.equal(There, 1, 'listed twice is one machine');
    assert.equal(Expected, There + Missing + Lost + Unclear);
    assert.deepEqual({ Off, Retired, InMaintenance }, { Off: 2, Retired: 1, InMaintenance: 1 });
    assert.equal(Expected, 6);
    const expired = all.Groups.find((one) => one.Cause === 'activation-expired');
    assert.deepEqual(
      expired?.Members.map((one) => [one.Name, one.State]),
      [
        ['new-1', 'missing'],
        ['new-2', 'missing'],
      ],
    );
    assert.equal(JSON.parse(expired?.Verdict ?? '{}').cause, 'activation-expired');
    const counted = all.Groups.reduce((sum, one) => sum + one.Count, 0);
    assert.equal(counted, 5, 'everybody who isn’t there, once');
    assert.ok(all.Groups.some((one) => one.Members.some((member) => member.InstanceId === lost)));
    assert.ok(all.Groups.some((one) => one.Cause === 'deregistered'));
    assert.deepEqual(
      all.Sources.map((one) => [one.Source, one.Machines]),
      [
        ['dc1', 10],
        ['esx', 1],
      ],
    );
    // What is said of one at a time is what is said of all.
    for (const { Cause, Members } of all.Groups) {
      for (const member of Members) {
        const { verdict } = await world.why(member.InstanceId ?? member.Machine!);
        assert.equal(verdict.cause, Cause, member.Name);
      }
    }
  },

  async 'nobody is said to be missing for longer than the roster is known'(context, ground) {
    const world = await open(context, ground);
    const told = world.clock.now();
    await world.list('dc1', 'name,ip\nweb-1,10.0.0.1\n');
    await later(world, hour);
    const all: WhyAllOutput = await world.call('WhyAll');
    assert.deepEqual(
      all.Groups.map((one) => one.Since?.getTime()),
      [told],
    );
  },

  async 'who can be picked for a document, and why others can’t'(context, ground) {
    const forbidden: string[] = [];
    const polling: string[] = [];
    const world = await open(context, ground, {
      decide: async (_call, _action, [resource]) => ({
        allowed: !forbidden.some((id) => resource!.endsWith(id)),
        reason: '',
      }),
      isPolling: (nodeId) => polling.includes(nodeId),
    });
    const lost = await world.node('lost');
    await later(world, 20 * minute);
    await pass(world.clock, 5_000);
    const member = async (name: string, facts: object = {}) => {
      world.clock.advance(1);
      const nodeId = await world.node(name);
      await world.beat(nodeId, { ComputerName: name, ...facts });
      await world.presence.channelOpened(region, nodeId);
      return nodeId;
    };
    const linux = await member('linux');
    await member('windows', { PlatformType: 'Windows' });
    const secret = await member('secret');
    forbidden.push(secret);
    world.clock.advance(1);
    const silent = await world.node('silent');
    world.clock.advance(1);
    const poller = await world.node('poller');
    polling.push(poller);
    const list = (more: object = {}): Promise<ListPickableOutput> =>
      world.call('ListPickable', { DocumentName: 'AWS-RunShellScript', ...more });
    const can = await list();
    assert.deepEqual(
      can.Nodes.map((one) => one.InstanceId),
      [linux, poller],
    );
    assert.deepEqual([can.Total, can.CanCount, can.MaySend], [6, 2, true]);
    assert.deepEqual(
      can.Reasons.map((one) => [one.Reason, one.Detail, one.Count]),
      [
        ['platform', 'Windows', 1],
        ['rights', undefined, 1],
        ['ping', undefined, 1],
        ['channel', undefined, 1],
      ],
    );
    const cannot = await list({ Which: 'cannot', MaxResults: 2 });
    assert.equal(cannot.Nodes[0]?.InstanceId, lost);
    const rest = await list({ Which: 'cannot', MaxResults: 2, NextToken: cannot.NextToken });
    assert.deepEqual(
      rest.Nodes.map((one) => [one.InstanceId, one.Reason]),
      [
        [secret, 'rights'],
        [silent, 'channel'],
      ],
    );
    assert.equal(rest.NextToken, undefined);
    const old = await member('old', { AgentVersion: '2.3.50.0' });
    world.clock.advance(6_000);
    const content = JSON.stringify({
      schemaVersion: '2.2',
      mainSteps: [{ action: 'aws:runShellScript', name: 'x', inputs: { runCommand: ['true'] } }],
    });
    await world.call('CreateDocument', { Name: 'Mine', Content: content, DocumentType: 'Command' });
    assert.ok(
      (await world.call('ListPickable', { DocumentName: 'Mine' })).Nodes.some(
        (one: { InstanceId: string }) => one.InstanceId === old,
      ),
    );
    assert.equal((await refusalOf(list({ DocumentName: 'NoSuch' }))).code, 'InvalidDocument');
  },

  async 'who drops out and is back is told, with the cause; what flaps isn’t'(context, ground) {
    const world = await open(context, ground, { timeToVisible: () => 60 });
    const [steady, flapping] = [await world.node('steady'), await world.node('flapping')];
    const kinds = async (Subject: string) =>
      (await world.call('ListEvents', { Subject })).Events.map(
        (event: { Kind: string }) => event.Kind,
      ).reverse();
    await world.verdicts.look();
    await later(world, lostFor);
    await world.verdicts.look();
    assert.deepEqual(await kinds(steady), [], 'not before it has lasted');
    await world.beat(flapping, { ComputerName: 'flapping' });
    await later(world, 61_000);
    await world.verdicts.look();
    assert.deepEqual(await kinds(steady), ['node-dropped']);
    assert.deepEqual(await kinds(flapping), []);
    await world.verdicts.look();
    assert.deepEqual(await kinds(steady), ['node-dropped'], 'told once');
    await world.beat(steady, { ComputerName: 'steady' });
    await world.verdicts.look();
    assert.deepEqual(await kinds(steady), ['node-dropped'], 'not before it has lasted');
    await later(world, 61_000);
    await world.beat(steady, { ComputerName: 'steady' });
    await world.verdicts.look();
    assert.deepEqual(await kinds(steady), ['node-dropped', 'node-back']);
    const { Changes } = await world.call('ListVerdictHistory', { Subject: steady });
    assert.deepEqual(
      Changes.map((one: { Change: string }) => one.Change),
      ['back', 'dropped'],
    );
    world.clock.jump(91 * 24 * hour);
    assert.equal(await world.verdicts.sweep(), 2);
  },

  async 'a fleet of mixed faults: asked alone, each machine hears what it hears among all'(context, ground) {
    const world = await open(context, ground);
    const { ActivationId } = await world.call('CreateActivation', { IamRole: 'r', RegistrationLimit: 5 });
    // The same fleet each time: a fault for each, an address of its own or one that others have, too.
    let seed = 7;
    const draw = (below: number) => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      return (seed >>> 8) % below;
    };
    const nodes: string[] = [];
    for (let index = 0; index < 40; index++) {
      const peer = draw(2) === 0 ? '203.0.113.9' : `198.51.100.${index}`;
      nodes.push(await world.node(`node-${index}`, `10.0.0.${index}`, peer));
      // Lost one after another, and a few together: else all have one fault, and it is near us.
      if (index % 3 === 0) await later(world, 7 * minute);
    }
    const never = Array.from({ length: 30 }, (_, index) => `never-${index},10.1.0.${draw(25)}`);
    const there = nodes.slice(0, 25).map((_, index) => `node-${index},10.0.0.${index}`);
    await world.list('dc1', ['name,ip', ...never, ...there].join('\n'));
    for (const InstanceId of nodes.slice(0, 4)) await world.call('DeregisterManagedInstance', { InstanceId });
    await later(world, 25 * hour);
    const well = nodes.slice(34);
    for (const [index, nodeId] of well.entries()) {
      await world.beat(nodeId, { ComputerName: `node-${34 + index}` }, `198.51.100.${200 + index}`);
      await world.presence.channelOpened(region, nodeId);
    }
    const refusals = [
      { reason: 'signature-expired' },
      { reason: 'fingerprint-changed' },
      { reason: 'revoked-token' },
      { reason: 'node-signature-mismatch' },
    ];
    for (const [index, claim] of nodes.slice(0, 34).entries()) {
      const refusal = refusals[draw(6)];
      // Each clock is wrong in its own way: were it the same way, it would be ours.
      if (refusal) await world.knock({ ...refusal, claim, detail: `skew=-${600 + 100 * index}s` });
    }
    for (let index = 0; index < 25; index++) {
      const address = `10.1.0.${index}`;
      const kind = draw(4);
      if (kind === 0) await world.knock({ reason: 'activation-expired', claim: ActivationId, address });
      if (kind === 1) await world.knock({ reason: 'client-rejected-certificate', layer: 'tls', address });
    }
    const all: WhyAllOutput = await world.call('WhyAll', { MaxMembers: 1000 });
    const among = all.Groups.flatMap(({ Cause, Members }) =>
      Members.map((one) => [one.InstanceId ?? one.Machine ?? '', Cause] as const),
    );
    assert.ok(among.length > 40, `${among.length} of them are ill`);
    const causes = new Set(among.map(([, cause]) => cause));
    assert.ok(causes.size > 3, `the faults are mixed: ${[...causes].join(' ')}`);
    const alone: (readonly [string, string | undefined])[] = [];
    for (const [subject] of among) alone.push([subject, (await world.why(subject)).verdict.cause]);
    assert.deepEqual(alone, among);
    // Among all, a channel that has just gone isn't told yet: these clocks jump, and so the lease of a server may have ended.
    for (const nodeId of well) {
      assert.ok(!among.some(([id]) => id === nodeId));
      assert.equal((await world.why(nodeId)).verdict.standing?.is, 'online');
    }
  },

  async 'who is refused is told once, and when it gets in again'(context, ground) {
    const world = await open(context, ground, { timeToVisible: () => 60 });
    const nodeId = await world.node('web-1');
    const kinds = async () =>
      (await world.call('ListEvents', { Subject: nodeId })).Events.map(
        (event: { Kind: string }) => event.Kind,
      ).reverse();
    await world.knock({ reason: 'signature-expired', claim: nodeId, detail: 'skew=-400s' });
    await world.verdicts.look();
    await later(world, 2 * minute);
    await world.verdicts.look();
    assert.deepEqual(await kinds(), [], 'it is there: whoever was refused is somebody else');
    await later(world, lostFor);
    await world.knock({ reason: 'signature-expired', claim: nodeId, detail: 'skew=-400s' });
    await world.verdicts.look();
    await later(world, 2 * minute);
    await world.verdicts.look();
    assert.deepEqual((await kinds()).sort(), ['node-dropped', 'node-refused']);
    await world.beat(nodeId);
    await world.verdicts.look();
    await later(world, 2 * minute);
    await world.beat(nodeId);
    await world.verdicts.look();
    assert.deepEqual((await kinds()).slice(2).sort(), ['node-back', 'node-recovered']);
    const { Events } = await world.call('ListEvents', { Subject: nodeId });
    const causes = Events.map((one: { Kind: string; Cause?: string }) => `${one.Kind} ${one.Cause}`).sort();
    assert.deepEqual(causes, [
      'node-back clock-skew',
      'node-dropped clock-skew',
      'node-recovered clock-skew',
      'node-refused clock-skew',
    ]);
    for (const { Detail } of Events) assert.match(Detail, /clock-skew/);
  },

  async 'who is back and tells what it saw meanwhile: that is why it was lost'(context, ground) {
    const world = await open(context, ground, { timeToVisible: () => 60 });
    const nodeId = await world.node('web-1');
    await later(world, lostFor);
    await world.verdicts.look();
    await later(world, 2 * minute);
    await world.verdicts.look();
    await later(world, 20 * minute);
    await world.beat(nodeId, { ComputerName: 'web-1' });
    await world.verdicts.look();
    const disks = [{ path: '/var', mount: '/var', freeBytes: 0, totalBytes: 1e9 }];
    const resources = { disks };
    const Evidence = seen('web-1', {
      at: world.clock.now() - 10 * minute,
      heldMs: 10 * minute,
      by: 'agent',
      resources,
    });
    await world.call(
      'PutNodeEvidence',
      { InstanceId: nodeId, Evidence },
      { principal: nodePrincipal(nodeId) },
    );
    await later(world, 61_000);
    await world.beat(nodeId, { ComputerName: 'web-1' });
    await world.verdicts.look();
    const [back] = (await world.call('ListEvents', { Subject: nodeId })).Events;
    assert.deepEqual([back.Kind, back.Cause], ['node-back', 'disk-full']);
    assert.match(back.Detail, /It was lost for: disk-full\./);
  },

  async 'more than ten deregistrations by one hand within ten minutes are one event, counted on'(
    context,
    ground,
  ) {
    const world = await open(context, ground);
    for (let at = 0; at < 14; at++) {
      const nodeId = await world.node(`n-${at}`);
      await world.call('DeregisterManagedInstance', { InstanceId: nodeId });
      const now = world.clock.now();
      await world.store.write((tx) => tellDeregistration(tx, world.events, { region, nodeId }, now));
    }
    const { Events } = await world.call('ListEvents', {});
    const kinds = Events.map((event: { Kind: string }) => event.Kind);
    assert.equal(kinds.filter((kind: string) => kind === 'node-deregistered').length, 10);
    const bulk = Events.filter((event: { Kind: string }) => event.Kind === 'deregistered-in-bulk');
    assert.equal(bulk.length, 1);
    assert.match(bulk[0].Detail, /deregistered 14 nodes within ten minutes/);
  },

  async 'a month of being lost hides a node, and that is told'(context, ground) {
    const world = await open(context, ground, { timeToVisible: () => 60 });
    const nodeId = await world.node('web-1');
    await later(world, lostFor);
    await world.verdicts.look();
    await later(world, 2 * minute);
    await world.verdicts.look();
    await later(world, 31 * 24 * hour);
    await world.verdicts.look();
    await later(world, 2 * minute);
    await world.verdicts.look();
    const { Events } = await world.call('ListEvents', { Subject: nodeId });
    assert.deepEqual(
      Events.map((event: { Kind: string }) => event.Kind),
      ['node-hidden', 'node-dropped'],
    );
    const all: WhyAllOutput = await world.call('WhyAll');
    assert.equal(all.Counts.Hidden, 1);
  },

  async 'many at once are one event'(context, ground) {
    const world = await open(context, ground, { timeToVisible: () => 60 });
    for (let at = 0; at < 60; at++) await world.node(`n-${at}`);
    await world.verdicts.look();
    await later(world, lostFor);
    await world.verdicts.look();
    await later(world, 2 * minute);
    await world.verdicts.look();
    const { Events } = await world.call('ListEvents', {});
    assert.deepEqual(
      Events.map((event: { Kind: string }) => event.Kind),
      ['many-dropped'],
    );
    assert.match(Events[0].Detail, /^60 nodes at once/);
    const { Changes } = await world.call('ListVerdictHistory', { MaxResults: 100 });
    assert.equal(Changes.length, 60);
    await pass(world.clock, 5000);
  },
};
