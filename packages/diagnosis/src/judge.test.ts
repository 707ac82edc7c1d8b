/** Rules that hold for every verdict: what is healthy stays so, less evidence never gives more certainty. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Evidence, NodeEvidence } from './evidence/index.ts';
import { check, judge } from './judge.ts';
import { cases } from './testing/cases/index.ts';
import {
  ca,
  day,
  door,
  endpoint,
  fleet,
  healthy,
  hour,
  knock,
  lost,
  machine,
  minute,
  node,
  now,
  officialAgent,
  ownAgent,
  records,
  row,
  seenOn,
  stoppedAt,
} from './testing/evidence.ts';
import { gates } from './verdict.ts';

/** A machine that works, in any of the ways in which machines do. */
const healthyNode: fc.Arbitrary<NodeEvidence> = fc
  .record({
    own: fc.boolean(),
    packaging: fc.constantFrom('deb', 'rpm', 'snap', 'files'),
    manager: fc.constantFrom('systemd', 'snap', 'openrc', 'upstart'),
    privileged: fc.boolean(),
    skew: fc.integer({ min: -59_000, max: 59_000 }),
    bootDays: fc.integer({ min: 0, max: 900 }),
    running: fc.integer({ min: 11, max: 60 * 24 * 90 }),
    restarts: fc.integer({ min: 0, max: 30 }),
    free: fc.integer({ min: 200, max: 500_000 }),
    mtu: fc.constantFrom(1280, 1400, 1450, 1500, 9000),
    proxied: fc.boolean(),
    container: fc.option(fc.boolean(), { nil: undefined }),
    selinux: fc.constantFrom('enforcing', 'permissive', 'disabled'),
    arch: fc.constantFrom('x86_64', 'aarch64'),
    names: fc.constantFrom(['files', 'dns'], ['files', 'mdns4_minimal', 'dns'], ['files', 'resolve', 'dns']),
    rules: fc.constantFrom([], ['tcp dport 25 drop']),
    noise: fc.constantFrom(
      [],
      ['Failed to load instance info from vault. RegistrationKey does not exist.'],
      ['Successfully connected with instance profile role credentials'],
    ),
    zone: fc.constantFrom('UTC', 'Asia/Tokyo', 'Pacific/Auckland', 'America/St_Johns'),
    pressure: fc.integer({ min: 0, max: 30 }),
    listens: fc.option(fc.subarray([22, 80, 2379, 5432]), { nil: undefined }),
  })
  .map((one) => {
    const started = now - one.running * minute;
    const service = { manager: one.manager, restarts: one.restarts } as const;
    const log = { lines: one.noise.map((text) => ({ at: now - minute, text })) };
    const agent = one.own
      ? ownAgent({
          service,
          log,
          processes: [{ pid: 7, name: 'node', state: 'S', user: 'root', startedAt: started }],
        })
      : officialAgent({
          packaging: one.packaging as 'deb',
          service,
          log,
          processes: [
            {
              pid: 7,
              name: 'amazon-ssm-agent',
              state: 'S',
              user: 'root',
              startedAt: started,
              container: one.container === true,
            },
            { pid: 8, name: 'ssm-agent-worker', state: 'S', user: 'root', startedAt: started },
          ],
        });
    const proxy = one.proxied
      ? { agent: { source: 'unit', https: 'http://10.1.1.1:3128', no: '169.254.169.254' } }
      : {};
    return node({
      privileged: one.privileged,
      host: {
        bootAt: started - one.bootDays * day - minute,
        arch: one.arch,
        container: one.container,
        timeZone: one.zone,
        listens: one.listens,
      },
      agents: [agent],
      clock: { aheadMs: one.skew },
      proxy,
      endpoints: [
        endpoint(
          one.proxied
            ? { proxy: { ok: true, proxy: 'http://10.1.1.1:3128' }, direct: { ok: false, error: 'timeout' } }
            : {},
        ),
      ],
      network: {
        nameSources: one.names,
        firewall: { rules: one.rules },
        interfaces: [{ name: 'eth0', up: true, addresses: ['10.0.4.7'], mtu: one.mtu }],
      },
      resources: {
        disks: [
          {
            path: '/var/lib/amazon/ssm',
            mount: '/',
            freeBytes: one.free * 1024 ** 2,
            totalBytes: 500_000 * 1024 ** 2,
            write: 'ok',
          },
        ],
        pressure: { cpu: one.pressure, io: one.pressure },
        security: { selinux: one.selinux as 'enforcing', denials: [] },
      },
    });
  });

const healthyEvidence: fc.Arbitrary<Evidence> = fc
  .record({
    node: fc.option(healthyNode, { nil: undefined }),
    ping: fc.integer({ min: 0, max: 9 }),
    clock: fc.integer({ min: -59_000, max: 59_000 }),
    polling: fc.boolean(),
    power: fc.constantFrom('on', 'unknown'),
    expected: fc.constantFrom('always', 'office-hours'),
    strangers: fc.integer({ min: 0, max: 4 }),
    nodes: fc.integer({ min: 1, max: 15_000 }),
    blind: fc.boolean(),
    roster: fc.boolean(),
    associations: fc.integer({ min: 1, max: 9 }),
  })
  .map((one) => ({
    now,
    request: healthy().request!,
    records: {
      ...records({
        node: row({
          lastPing: now - one.ping * minute,
          skewMs: one.clock,
          ...(one.polling ? { connected: false, polling: true, channelOpenedAt: undefined } : {}),
        }),
        machine: machine({
          power: one.power as 'on',
          expected: one.power === 'on' ? (one.expected as 'always') : 'always',
        }),
        associations: one.associations,
      }),
      ...(one.roster ? {} : { machine: undefined }),
    } as never,
    door: door(
      ...Array.from({ length: one.strangers }, (_, index) =>
        knock({
          reason:
            ['client-rejected-certificate', 'unknown-node', 'activation-expired', 'unsigned'][index] ??
            'silent',
          address: `198.51.100.${index}`,
          tie: 'address',
          lastAt: now,
        }),
      ),
    ),
    fleet: fleet({
      nodes: one.nodes,
      online: one.nodes,
      skewSamples: Math.min(one.nodes, 50),
      serverBlind: one.blind ? [{ from: now - 30 * minute, to: now - 20 * minute }] : [],
    }),
    ...(one.node && { node: one.node }),
  }));

test('1,500 healthy nodes: all well, and not one note', () => {
  fc.assert(
    fc.property(healthyEvidence, (evidence) => {
      const verdict = judge(evidence);
      assert.equal(verdict.state, 'well', `it was taken for ${verdict.cause}`);
      assert.equal(verdict.cause, undefined);
      assert.deepEqual(verdict.warnings, []);
      assert.equal(verdict.answers.listed, 'yes');
      assert.equal(verdict.answers.working, 'yes');
    }),
    { numRuns: 1500 },
  );
});

/** Every optional member of the evidence that could be taken away, as a path. */
function membersOf(value: unknown, path: readonly string[] = [], depth = 0): (readonly string[])[] {
  if (typeof value !== 'object' || value === null || depth > 4) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const here = [...path, name];
    return [...(Array.isArray(value) ? [] : [here]), ...membersOf(inner, here, depth + 1)];
  });
}

/** Members that the types demand, by the name of the last step or of the two last. */
const demanded =
  /^(now|format|at|by|privileged|unseen|host|agents|endpoints|name|os|id|version|platform|kernel|arch|addresses|macs|kind|packaging|manager|active|state|pid|path|lines|text|mount|freeBytes|totalBytes|resolvers|interfaces|device|up|rules|url|service|needed|ok|error|answers|asked|region|servedRegions|account|nodeId|registeredAt|status|hidden|periodSeconds|connected|key|source|sourceReadAt|expected|firstSeenAt|from|to|address|knocks|reason|layer|client|firstAt|lastAt|count|tie|nodes|online|sign|of|examples|notBefore|notAfter|names|fingerprint|caFingerprint|activationId|expiresAt|limit|used|sightings|matches|changed|field|was|is|files|until|same|readable|platforms|instances|process|cpu|max|open|kills|disks)$/;

function without(evidence: Evidence, path: readonly string[]): Evidence {
  const [first, ...rest] = path;
  const copy = (Array.isArray(evidence) ? [...evidence] : { ...evidence }) as Record<string, unknown>;
  if (rest.length === 0) delete copy[first!];
  else copy[first!] = without(copy[first!] as Evidence, rest);
  return copy as unknown as Evidence;
}

const unclear: readonly Evidence[] = [
  healthy(),
  healthy({ node: undefined }),
  lost(),
  lost({ node: undefined }),
  { now, node: node() },
  {
    now,
    node: node({
      agents: [
        ownAgent({
          status: {
            state: 'connected',
            at: now,
            lastHeartbeatAt: now - minute,
            lastHeartbeatOk: true,
            channelOpenSince: now - hour,
          },
        }),
      ],
    }),
  },
  seenOn(node({ metadata: { answers: true, isImds: true, instanceId: 'i-0123456789abcdef0' } })),
  // Young, and nothing refused.
  seenOn(node({ host: { bootAt: now - minute }, agents: [] }), { records: { node: undefined } }),
  {
    now,
    node: node({
      host: { bootAt: now - minute },
      agents: [officialAgent({ processes: [], service: { active: false, state: 'inactive' } })],
    }),
  },
];

test('taking evidence away never turns "not known" into a proven cause', () => {
  for (const whole of unclear) {
    const before = judge(whole);
    assert.equal(before.cause, undefined);
    const paths = membersOf(whole).filter((path) => !demanded.test(path.at(-1) ?? ''));
    assert.ok(paths.length > 5);
    const check = (evidence: Evidence, what: string) => {
      const verdict = judge(evidence);
      assert.ok(
        verdict.cause === undefined || verdict.confidence !== 'proven',
        `${verdict.cause} is proven without ${what}`,
      );
    };
    for (const path of paths) check(without(whole, path), path.join('.'));
    fc.assert(
      fc.property(fc.subarray([...paths]), (taken) => {
        // From the innermost outward, so that each still has something to be taken from.
        const order = taken.toSorted((one, other) => other.length - one.length);
        check(
          order.reduce((left, path) => without(left, path), whole),
          order.map((path) => path.join('.')).join(', '),
        );
      }),
      { numRuns: 150 },
    );
  }
});

test('a proven cause does not become another proven one when evidence of another side is taken away', () => {
  // The same fact, seen without knowing that the certificate is the server's own.
  const same: Readonly<Record<string, string>> = {
    'server-certificate-expired': 'certificate-expired-or-not-yet-valid',
    // Deregistered it is; that it tries to come back is known at the door only.
    'activation-expired': 'deregistered',
  };
  for (const { cause, evidence } of cases) {
    if (judge(evidence).confidence !== 'proven') continue;
    for (const side of ['door', 'fleet'] as const) {
      const verdict = judge(without(evidence, [side]));
      assert.ok(
        verdict.cause === cause ||
          verdict.cause === same[cause] ||
          verdict.confidence !== 'proven' ||
          verdict.cause === undefined,
        `${cause} became ${verdict.cause} without ${side}`,
      );
    }
  }
});

test('strangers at the door never change a proven verdict', () => {
  const reasons = [
    'client-rejected-certificate',
    'unknown-node',
    'activation-expired',
    'fingerprint-changed',
    'wrong-region',
    'throttled',
    'revoked-token',
    'node-signature-mismatch',
    'signature-expired',
    'hello-unfinished',
  ];
  const stranger = fc.record({
    reason: fc.constantFrom(...reasons),
    address: fc.constantFrom('198.51.100.66', '203.0.113.5'),
    ago: fc.integer({ min: 0, max: 120 }),
    shared: fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
    client: fc.constantFrom('go', 'node', 'curl', 'unknown'),
  });
  const proven = cases.filter(({ evidence }) => judge(evidence).confidence === 'proven');
  fc.assert(
    fc.property(
      fc.constantFrom(...proven),
      fc.array(stranger, { minLength: 1, maxLength: 5 }),
      ({ cause, evidence }, strangers) => {
        const knocks = strangers.map(({ reason, address, ago, shared, client }) =>
          knock({
            reason,
            address,
            client,
            detail: 'skew=+900s',
            firstAt: now - 121 * minute,
            lastAt: now - ago * minute,
            tie: 'address',
            ...(shared !== undefined && { sharedBy: shared }),
          }),
        );
        const verdict = judge({
          ...evidence,
          door: { ...evidence.door, knocks: [...knocks, ...(evidence.door?.knocks ?? [])] },
        });
        assert.equal(verdict.cause, cause);
        assert.equal(verdict.confidence, 'proven');
      },
    ),
    { numRuns: 500 },
  );
});

test('a gate that was not seen before the one that failed makes it likely at most', () => {
  for (const { evidence } of cases) {
    const { gates: rows, confidence } = judge(evidence);
    const failed = rows.findIndex(({ state }) => state === 'failed' || state === 'warned');
    const unseen = rows.slice(0, failed).some(({ state }) => state === 'unknown');
    if (unseen) assert.notEqual(confidence, 'proven');
  }
});

test('claims and addresses never prove anything', () => {
  for (const { cause, evidence } of cases) {
    const tied = (evidence.door?.knocks ?? []).filter(({ tie }) => tie === 'signature' || tie === 'code');
    if (evidence.node || tied.length > 0 || !evidence.door?.knocks.length) continue;
    assert.notEqual(judge(evidence).confidence, 'proven', cause);
  }
});

test('the first that is confirmed is the cause, and nothing behind it is tried', () => {
  for (const { evidence } of cases) {
    const results = check(evidence);
    const first = results.findIndex(({ state }) => state === 'confirmed');
    assert.equal(results[first]?.cause, judge(evidence).cause);
    assert.ok(results.slice(first + 1).every(({ state }) => state === 'not-tried'));
    const places = results.map(({ gate }) => gates.indexOf(gate));
    assert.deepEqual(
      places,
      places.toSorted((one, other) => one - other),
    );
  }
});

test('several faults at once: the first gate is the cause', () => {
  const evidence = lost({
    node: {
      resources: { disks: [{ path: '/var', mount: '/var', freeBytes: 0, totalBytes: 1e9 }] },
      agents: [officialAgent({ processes: [], service: { active: false, state: 'inactive' } })],
      endpoints: [stoppedAt('name', 'not-found')],
    },
  });
  assert.equal(judge(evidence).cause, 'disk-full');
});

test('young and not refused is pending; once refused it is not', () => {
  const young = { node: undefined, machine: machine({ firstSeenAt: now - minute }) };
  const fresh = lost({ node: undefined, records: young });
  const waiting = judge(fresh);
  assert.equal(waiting.state, 'pending');
  assert.equal(waiting.cause, undefined);
  assert.ok((waiting.nextAttempt?.to ?? 0) > now);
  const refused = judge({ ...fresh, door: door(knock({ reason: 'activation-expired', tie: 'code' })) });
  assert.equal(refused.state, 'ill');
  assert.equal(refused.cause, 'activation-expired');
  const old = judge(
    lost({
      node: undefined,
      records: { node: undefined, machine: machine({ firstSeenAt: now - 6 * minute }) },
    }),
  );
  assert.equal(old.state, 'unclear');
});

test('nothing known: it is not clear, and says where to look', () => {
  const verdict = judge(lost({ node: undefined }));
  assert.equal(verdict.state, 'unclear');
  assert.equal(verdict.confidence, 'unknown');
  assert.deepEqual(verdict.next, ['doctor-on-node']);
});

test('evidence of the machine that is older than half an hour says nothing about now', () => {
  const old = node({ at: now - hour, agents: [] });
  assert.equal(judge(seenOn(old)).cause, undefined);
  assert.equal(judge({ now, node: old }).cause, 'agent-not-installed');
});

test('at most three notes, and a small skew is only one of them', () => {
  const verdict = judge(
    healthy({
      node: {
        clock: { aheadMs: 61_000 },
        agents: [
          officialAgent({ version: '3.0.1.0', service: { enabled: false } }),
          officialAgent({ packaging: 'snap', processes: [], binary: '/snap/x' }),
        ],
      },
      records: { associations: 0 },
    }),
  );
  assert.equal(verdict.state, 'well');
  assert.equal(verdict.warnings.length, 3);
  assert.equal(verdict.warnings[0]?.cause, 'clock-skew');
});

test('a command is never made of what an attacker chose', () => {
  for (const name of ['x; reboot', '$(id)', '--root=/', 'a b', '../x', 'ünit'])
    assert.deepEqual(
      judge(
        lost({
          node: {
            agents: [officialAgent({ processes: [], service: { active: false, state: 'inactive', name } })],
          },
        }),
      ).fix?.commands,
      [],
      name,
    );
  const strange = stoppedAt(
    'tls',
    'untrusted',
    { root: ca, fingerprint: 'aa11'.repeat(16) },
    { url: 'https://evil`id`:8443' },
  );
  assert.deepEqual(judge(seenOn(node({ endpoints: [strange] }))).fix?.commands, []);
});
