/** The same surface from another cause: each of these must not yield the cause that it looks like. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AgentEvidence, Evidence, NodeEvidence } from './evidence/index.ts';
import { judge } from './judge.ts';
import { renderVerdict } from './render/index.ts';
import {
  change,
  day,
  endpoint,
  healthy,
  hour,
  knock,
  lost,
  lostRow,
  machine,
  minute,
  node,
  nodeId,
  now,
  officialAgent,
  ownAgent,
  row,
  seenOn,
  stoppedAt,
} from './testing/evidence.ts';

interface Decoy {
  readonly name: string;
  readonly evidence: Evidence;
  /** What it looks like. */
  readonly never: readonly string[];
  /** What it is, where that can be known. */
  readonly is?: string;
}

test('a healthy official agent is seen by its log, and a failure after its report is no health', () => {
  const logged = (
    lines: readonly { at: number; level: string; text: string }[],
    more: object = {},
  ): Evidence => ({
    now,
    node: node({
      agents: [
        officialAgent({
          processes: [
            { pid: 700, name: 'amazon-ssm-agent', state: 'S', startedAt: now - day },
            { pid: 710, name: 'ssm-agent-worker', state: 'S', startedAt: now - day },
          ] as never,
          log: { lines: lines as never },
          ...more,
        }),
      ],
    }),
  });
  const report = (ago: number) => ({
    at: now - ago,
    level: 'info',
    text: '[ssm-agent-worker] [HealthCheck] HealthCheck reporting agent health.',
  });
  const well = judge(logged([report(2 * minute)]));
  assert.equal(well.state, 'well', JSON.stringify(well));
  const failed = {
    at: now - 2 * minute + 900,
    level: 'error',
    text: 'error when calling AWS APIs. error details - no',
  };
  for (const evidence of [
    logged([report(2 * minute), failed]),
    logged([report(20 * minute)]),
    logged([report(2000)]),
    logged([]),
  ])
    assert.notEqual(judge(evidence).state, 'well');
});

test('what an agent sent along before it was lost says nothing of what stopped it', () => {
  const before = node({
    by: 'agent',
    at: now - 12 * minute,
    resources: { disks: [{ path: '/', mount: '/', freeBytes: 0, totalBytes: 1, write: 'ENOSPC' }] },
  } as never);
  const gone = judge(
    lost({ node: before, records: { node: lostRow({ channelClosedAt: now - 11 * minute }) } }),
  );
  assert.notEqual(gone.cause, 'disk-full');
  assert.ok(!gone.ruledOut.includes('agent-stopped'), 'it may have stopped since');
  const silent = judge(
    lost({
      node: before,
      records: {
        node: row({ connected: false, channelClosedAt: now - 11 * minute, lastPing: now - 13 * minute }),
      },
    }),
  );
  assert.equal(silent.state, 'unclear');
});

const tlsKnock = {
  reason: 'client-rejected-certificate',
  layer: 'tls',
  client: 'go',
  detail: 'alert=42',
} as const;
const never = (knocks: readonly ReturnType<typeof knock>[], records: object = {}) =>
  lost({ node: undefined, records: { node: undefined, ...records }, door: { knocks } });
const onEc2 = (metadata: object, agent: Parameters<typeof officialAgent>[0] = {}) =>
  node({
    host: { systemVendor: 'Amazon EC2' },
    metadata: { answers: true, isImds: true, instanceId: 'i-0123456789abcdef0', role: 'app', ...metadata },
    agents: [
      change<AgentEvidence>(
        officialAgent({
          identity: { kind: 'ec2', nodeId: 'i-0123456789abcdef0', server: 'https://rollcall.lan:8443' },
        }),
        agent,
      ),
    ],
  });

/** Server and agent were stopped together, and only the server was started again, so long ago. */
const endedWithServer = (ago: number) =>
  healthy({
    node: undefined,
    records: {
      node: row({
        agentName: 'rollcall-agent',
        lastPing: now - ago - minute,
        connected: false,
        channelClosedAt: now - ago - minute,
        channelClosedBy: 'server',
      }),
    },
    fleet: { serverStartedAt: now - ago, serverBlind: [{ from: now - ago - minute, to: now - ago }] },
  });

const decoys: readonly Decoy[] = [
  {
    name: 'server clock +402 s',
    evidence: lost({
      node: { clock: { aheadMs: -402_000 } },
      fleet: { medianSkewMs: -402_000, skewSamples: 250 },
    }),
    never: ['clock-skew'],
    is: 'server-clock-wrong',
  },
  {
    name: 'middlebox that distrusts our authority',
    evidence: lost({
      node: undefined,
      door: { knocks: [knock({ ...tlsKnock, client: 'openssl', address: '203.0.113.9', sharedBy: 12 })] },
      fleet: { shared: [{ sign: 'lost:203.0.113.9', nodes: 12, of: 12, since: now - hour, examples: [] }] },
    }),
    never: ['ca-missing'],
    is: 'middlebox-distrusts-us',
  },
  {
    name: 'scanner on a former lease',
    evidence: lost({
      node: undefined,
      records: {
        node: lostRow({ sources: [] }),
        machine: machine({ addresses: [{ address: '10.0.4.7', from: now - 60 * day, to: now - 3 * hour }] }),
      },
      door: { knocks: [knock(tlsKnock)] },
    }),
    never: ['ca-missing'],
  },
  {
    name: 'scanner on an address that another node uses by now',
    evidence: lost({
      node: undefined,
      records: {
        node: lostRow(),
        addressUsers: [{ address: '10.0.4.7', nodeId: 'mi-0bbbbbbbbbbbbbbbb', at: now - 10 * minute }],
      },
      door: { knocks: [knock(tlsKnock)] },
    }),
    never: ['ca-missing'],
  },
  {
    name: 'an address that forty machines share',
    evidence: lost({ node: undefined, door: { knocks: [knock({ ...tlsKnock, sharedBy: 40 })] } }),
    never: ['ca-missing'],
  },
  {
    name: 'forged id in an unsigned request: not a clone, not deregistered',
    evidence: lost({
      node: undefined,
      door: {
        knocks: [
          knock({ reason: 'node-signature-mismatch', tie: 'claim', claim: nodeId, address: '198.51.100.66' }),
        ],
      },
    }),
    never: ['cloned-machine', 'deregistered', 'snapshot-rollback', 'stale-hybrid-registration'],
  },
  {
    name: 'forged id against a node that is well',
    evidence: healthy({
      door: { knocks: [knock({ reason: 'unknown-node', tie: 'claim', claim: nodeId, lastAt: now })] },
    }),
    never: ['cloned-machine', 'deregistered', 'stale-hybrid-registration'],
  },
  {
    name: 'renamed host after a change by DHCP',
    evidence: healthy({ records: { node: row({ name: 'web-07-new', address: '10.0.4.99' }) } }),
    never: ['cloned-machine', 'address-reused'],
  },
  {
    name: 'virtual machine restored from a snapshot',
    evidence: lost({
      node: undefined,
      door: { knocks: [knock({ reason: 'node-signature-mismatch', tie: 'claim', claim: nodeId })] },
    }),
    never: ['cloned-machine'],
    is: 'snapshot-rollback',
  },
  {
    name: 'all policies allow, and the organization denies',
    evidence: seenOn(
      node({
        agents: [
          officialAgent({
            log: {
              lines: [
                {
                  at: now - minute,
                  text: 'AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/app/i-0 is not authorized to perform: ssm:UpdateInstanceInformation with an explicit deny in a service control policy',
                },
              ],
            },
          }),
        ],
      }),
    ),
    never: ['agent-stopped', 'agent-crash-loop', 'worker-dead-core-alive', 'role-denied'],
    is: 'scp-deny',
  },
  {
    name: 'a scaling group replaced it',
    evidence: lost({
      node: undefined,
      records: {
        machine: machine({ power: 'off' }),
        successor: { nodeId: 'mi-0aaaaaaaaaaaaaaaa', status: 'Online', registeredAt: now - hour },
      },
    }),
    never: ['machine-stopped', 'deregistered'],
    is: 'machine-replaced',
  },
  {
    name: 'both associations were deleted by hand',
    evidence: healthy({ records: { associations: 0 } }),
    never: ['agent-not-registered', 'association-list-empty'],
  },
  {
    name: 'many old folders, on a machine whose agent was stopped',
    never: ['orchestration-dir-explosion'],
    is: 'agent-stopped',
    evidence: lost({
      node: node({
        resources: { orchestrationEntries: 480_000 },
        agents: [officialAgent({ processes: [], service: { active: false, state: 'inactive' } })],
      }),
    }),
  },
  {
    name: 'many old folders, and nothing gets out',
    never: ['orchestration-dir-explosion'],
    is: 'tcp-timeout',
    evidence: lost({
      node: node({
        resources: { orchestrationEntries: 480_000 },
        endpoints: [stoppedAt('tcp', 'timeout')],
      }),
    }),
  },
  {
    name: 'no ec2messages endpoint, and an agent that needs none',
    evidence: healthy({
      node: {
        endpoints: [
          endpoint({ also: [] }),
          endpoint({ url: 'https://ssmmessages.dc-tokyo.rollcall.lan', service: 'ssmmessages', also: [] }),
          stoppedAt(
            'name',
            'not-found',
            {},
            { url: 'https://ec2messages.dc-tokyo.rollcall.lan', service: 'ec2messages', also: [] },
          ),
        ],
      },
    }),
    never: ['vpce-missing-one-of-three', 'dns-fails'],
  },
  {
    name: 'endpoints for STS, S3 and KMS that nothing needs are absent',
    evidence: healthy({
      node: {
        endpoints: [
          endpoint(),
          ...['sts', 's3', 'kms'].map((service) =>
            stoppedAt(
              'tcp',
              'timeout',
              {},
              { url: `https://${service}.dc-tokyo.rollcall.lan`, service, also: [], needed: false },
            ),
          ),
        ],
      },
    }),
    never: ['vpce-missing-one-of-three', 'tcp-timeout'],
  },
  {
    name: "'RegistrationKey does not exist' in the log of an EC2 agent",
    evidence: seenOn(
      onEc2(
        {},
        {
          log: {
            lines: [
              {
                at: now - minute,
                text: 'Failed to load instance info from vault. RegistrationKey does not exist.',
              },
            ],
          },
        },
      ),
    ),
    never: ['vault-corrupt', 'vault-unreadable'],
  },
  {
    name: 'lines about default host management on a node with a good profile',
    evidence: seenOn(
      onEc2(
        {},
        {
          log: {
            lines: [
              {
                at: now - minute,
                text: "AccessDeniedException: Systems Manager's instance management role is not configured for account: 111122223333",
              },
            ],
          },
        },
      ),
    ),
    never: ['dhmc-not-enabled', 'role-denied', 'no-instance-profile'],
  },
  {
    name: 'another time zone, the same UTC',
    evidence: healthy({
      node: { host: { timeZone: 'Pacific/Auckland' }, clock: { timeZone: 'Pacific/Auckland', aheadMs: 200 } },
    }),
    never: ['clock-skew'],
  },
  {
    name: 'a hypervisor that offers metadata on purpose',
    evidence: healthy({
      node: { metadata: { answers: true, isImds: true, instanceId: 'i-0123456789abcdef0' } },
    }),
    never: ['link-local-hijack', 'no-instance-profile'],
  },
  {
    name: 'stopped machine with an old refused attempt',
    evidence: never(
      [knock({ reason: 'activation-expired', tie: 'code', firstAt: now - 3 * day, lastAt: now - 2 * day })],
      { machine: machine({ power: 'off' }) },
    ),
    never: ['activation-expired'],
    is: 'machine-stopped',
  },
  {
    name: 'a refused attempt of long ago, and nothing since',
    evidence: never([
      knock({
        reason: 'unknown-node',
        tie: 'claim',
        claim: nodeId,
        firstAt: now - 9 * day,
        lastAt: now - 8 * day,
      }),
    ]),
    never: ['stale-hybrid-registration'],
  },
  {
    name: 'a wrong clock makes a good certificate look expired',
    evidence: seenOn(
      node({ at: now + 400 * day, clock: { aheadMs: 400 * day }, endpoints: [stoppedAt('tls', 'expired')] }),
    ),
    never: ['certificate-expired-or-not-yet-valid', 'ca-missing'],
    is: 'clock-skew',
  },
  {
    name: 'a certificate for another name is not an unknown authority',
    evidence: seenOn(node({ endpoints: [stoppedAt('tls', 'wrong-name', { names: ['other.lan'] })] })),
    never: ['ca-missing'],
    is: 'certificate-wrong-name',
  },
  {
    name: 'no route: names fail as well',
    evidence: seenOn(
      node({ network: { defaultRoute4: undefined }, endpoints: [stoppedAt('name', 'temporary')] }),
    ),
    never: ['dns-fails'],
    is: 'no-default-route',
  },
  {
    name: 'the firewall of the machine is open and silence comes from elsewhere',
    evidence: seenOn(node({ endpoints: [stoppedAt('tcp', 'timeout')] })),
    never: ['host-firewall', 'corporate-firewall'],
  },
  {
    name: 'nodes are lost together because the server itself was away',
    evidence: lost({
      node: undefined,
      records: {
        node: lostRow({
          lastPing: now - 20 * minute,
          channelClosedAt: now - 20 * minute,
          channelClosedBy: 'server',
        }),
      },
      fleet: {
        serverBlind: [{ from: now - 20 * minute, to: now - 4 * minute }],
        shared: [{ sign: 'lost:203.0.113.9', nodes: 40, of: 40, since: now - 20 * minute, examples: [] }],
      },
    }),
    never: ['corporate-firewall', 'agent-stopped'],
    is: 'server-was-away',
  },
  {
    name: 'the state can not be read by who is not root',
    evidence: healthy({
      node: {
        privileged: false,
        agents: [officialAgent({ identity: { damage: ['Vault: EACCES: permission denied'] } })],
      },
    }),
    never: ['vault-unreadable', 'vault-corrupt'],
  },
  {
    name: 'agents could not be looked for',
    evidence: lost({
      records: { node: undefined },
      node: { agents: [], unseen: [{ what: 'processes', why: 'permission denied' }] },
    }),
    never: ['agent-not-installed'],
  },
  {
    name: 'an agent that restarted three times last week and is up since',
    evidence: healthy({ node: { agents: [officialAgent({ service: { restarts: 4 } })] } }),
    never: ['agent-crash-loop'],
  },
  {
    name: '/tmp is mounted noexec, as hardened machines have it',
    evidence: healthy({
      node: {
        resources: {
          disks: [{ path: '/tmp', mount: '/tmp', freeBytes: 1e9, totalBytes: 2e9, noexec: true }],
        },
      },
    }),
    never: ['noexec-mount'],
  },
  {
    name: 'our agent and the official one for AWS side by side',
    evidence: healthy({
      node: {
        agents: [officialAgent(), ownAgent({ identity: { server: 'https://other.example:8443' } })],
      },
    }),
    never: ['double-agent'],
  },
  {
    name: 'one of two generations of the key is damaged, and the other is used',
    evidence: lost({
      node: {
        agents: [
          ownAgent({ identity: { damage: ['identity.json is not JSON; the one before it is whole'] } }),
        ],
      },
    }),
    never: ['vault-corrupt'],
  },
  {
    name: 'a denial in the log that is older than the last accepted heartbeat',
    evidence: lost({
      node: {
        agents: [
          officialAgent({
            log: {
              lines: [
                { at: now - 90 * minute, text: 'AccessDeniedException: is not authorized to perform: ssm:X' },
              ],
            },
          }),
        ],
      },
    }),
    never: ['role-denied'],
  },
  {
    name: 'our agent ended with the server and did not come back with it',
    evidence: endedWithServer(12 * minute),
    never: ['channel-backoff', 'session-channel-missing', 'server-was-away'],
  },
];

for (const { name, evidence, never: wrong, is } of decoys)
  test(name, () => {
    const verdict = judge(evidence);
    assert.ok(!wrong.includes(verdict.cause ?? ''), `it was taken for ${verdict.cause}`);
    if (is !== undefined) assert.equal(verdict.cause, is);
  });

test('Online in the time of grace after a restart is not "heartbeats arrive", and can be picked none the less', () => {
  const verdict = judge(endedWithServer(12 * minute));
  assert.equal(verdict.state, 'unclear');
  assert.ok(!verdict.gates.some(({ text }) => text === 'by-heartbeat'));
  assert.deepEqual(verdict.answers, { listed: 'yes', pickable: 'yes', working: 'no' });
  assert.equal(verdict.fix, undefined);
  assert.equal(verdict.nextAttempt, undefined, 'nobody knows that it runs');
  const soon = judge(endedWithServer(2 * minute));
  assert.equal(soon.confidence, 'likely');
});

test('an agent that was seen not to run is stopped for certain, though its last heartbeat was in time', () => {
  const { cause, confidence, doubt, answers } = judge(
    healthy({
      records: {
        node: row({ agentName: 'rollcall-agent', connected: false, channelClosedAt: now - 20_000 }),
      },
      node: { agents: [ownAgent({ processes: [], service: undefined })] },
    }),
  );
  assert.deepEqual(
    { cause, confidence, doubt },
    { cause: 'agent-stopped', confidence: 'proven', doubt: undefined },
  );
  assert.equal(answers.working, 'no');
});

test('a block without a registration is not said to be on its way to one, nor to be the node for certain', () => {
  const verdict = judge(
    healthy({ node: { agents: [officialAgent({ identity: { kind: 'none', nodeId: undefined } })] } }),
  );
  assert.equal(verdict.state, 'well');
  assert.equal(verdict.gates.find(({ gate }) => gate === 'identity')?.text, 'no-registration');
  assert.deepEqual(
    verdict.warnings.map(({ cause }) => cause),
    ['agent-not-registered'],
  );
});

test('a machine without an agent is said to have none, however little of its processes was seen', () => {
  const seen = (unseen: NodeEvidence['unseen'], privileged = true) =>
    judge({ now, node: node({ agents: [], endpoints: [], unseen, privileged }) });
  const some = seen([{ what: 'some processes', why: 'permission denied' }]);
  assert.equal(some.cause, 'agent-not-installed');
  assert.equal(some.confidence, 'likely');
  const stranger = seen([{ what: 'some processes', why: 'permission denied' }], false);
  assert.equal(stranger.cause, undefined, 'without root it may be hidden');
  assert.deepEqual(
    stranger.gates.filter(({ gate }) => gate === 'agent' || gate === 'identity').map(({ text }) => text),
    ['no-agent', 'no-agent'],
  );
});

test('of two agents each is named with its process and its whole path', () => {
  const path = `/opt/${'a-long-folder-name/'.repeat(5)}amazon-ssm-agent`;
  const twins = [officialAgent(), officialAgent({ packaging: 'snap', binary: path })];
  const lines = renderVerdict(judge(seenOn(node({ agents: twins }))), { lang: 'en', utf8: true });
  const text = lines.join('\n');
  assert.match(text, /more than one agent runs/);
  assert.match(text, /process 811/);
  assert.doesNotMatch(text, /…/);
  assert.ok(
    lines
      .map((line) => line.trim())
      .join('')
      .includes(path),
  );
});

test('a node whose agent was killed: what ended, when, and neither "not there" nor "on its way"', () => {
  const killed = {
    agentName: 'rollcall-agent',
    lastPing: now - minute,
    channelClosedAt: now - 30_000,
    channelClosedBy: 'node' as const,
    connected: false,
  };
  const pageOf = (evidence: Evidence) =>
    renderVerdict(judge(evidence), { lang: 'en', utf8: true }).join(' ').replaceAll(/\s+/g, ' ');
  const atOnce = pageOf(healthy({ node: undefined, records: { node: row(killed) } }));
  assert.match(atOnce, /still listed as Online, but its command channel is closed/);
  assert.doesNotMatch(atOnce, /isn't there/);
  const restored = judge(
    lost({ node: undefined, records: { node: lostRow({ ...killed, registeredAt: now - 2 * minute }) } }),
  );
  assert.equal(restored.state, 'unclear', 'it dropped: it is not on its way');
  const later = pageOf(
    lost({ node: undefined, records: { node: lostRow({ ...killed, channelClosedAt: now - hour }) } }),
  );
  assert.match(later, /channel closed from the node's side \(server 04:12\)/);
  assert.match(later, /Its agent or machine may have stopped/);
});

test('where many share a fault no command is offered for the node', () => {
  const one = judge(lost({ node: { at: now + hour, clock: { aheadMs: hour } } }));
  assert.equal(one.fix?.commands.length, 1);
  const many = judge(
    lost({
      node: { at: now + hour, clock: { aheadMs: hour } },
      fleet: { shared: [{ sign: 'skew', nodes: 90, of: 300, examples: [] }] },
    }),
  );
  assert.notEqual(many.cause, 'clock-skew');
  assert.deepEqual(many.fix?.commands, []);
  const trust = stoppedAt('tls', 'untrusted', {
    issuer: 'Rollcall CA 7F3A',
    root: healthy().fleet?.certificate?.caFingerprint,
    fingerprint: healthy().fleet?.certificate?.fingerprint,
  });
  const tls = judge(
    seenOn(node({ endpoints: [trust] }), {
      fleet: { shared: [{ sign: 'tls', nodes: 90, of: 300, examples: [] }] },
    }),
  );
  assert.equal(tls.cause, 'ca-missing');
  assert.equal(tls.doubt, 'shared-by-many');
  assert.deepEqual(tls.fix?.commands, []);
});
