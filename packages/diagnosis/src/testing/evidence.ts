/**
 * Evidence for tests: a healthy node from every side, and small changes to it. What a test changes is what it is
 * about; everything else is as on a machine that works.
 */
import type {
  AgentEvidence,
  DoorEvidence,
  EndpointEvidence,
  Evidence,
  FleetEvidence,
  KnockRecord,
  MachineRecord,
  NodeEvidence,
  NodeRecord,
  RecordsEvidence,
} from '../evidence/index.ts';

/** The moment of every test: 2026-10-02T05:12:00Z. */
export const now = Date.UTC(2026, 9, 2, 5, 12);
export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;

export const nodeId = 'mi-07c1d2e3f4a5b6978';
export const serverUrl = 'https://rollcall.lan:8443';
export const ca = '7f3a91c2d07b5e6648aa0c9e1f4d2b7733e58a61f09c4ed2ab5617c08d94e3b1';
export const leaf = 'aa11'.repeat(16);

type Deep<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: Deep<T[K]> | undefined }
    : T;

/** `base` with some members, however deep, replaced; `undefined` removes one. Lists are replaced whole. */
export function change<T>(base: T, changes: Deep<T>): T {
  if (typeof base !== 'object' || base === null || Array.isArray(base)) return changes as T;
  const result: Record<string, unknown> = { ...(base as Record<string, unknown>) };
  for (const [name, value] of Object.entries(changes as Record<string, unknown>)) {
    if (value === undefined) delete result[name];
    else if (typeof value === 'object' && value !== null && !Array.isArray(value) && name in result)
      result[name] = change(result[name], value as never);
    else result[name] = value;
  }
  return result as T;
}

/** The official agent, as it is on a machine where it works. */
export function officialAgent(changes: Deep<AgentEvidence> = {}): AgentEvidence {
  return change<AgentEvidence>(
    {
      kind: 'official',
      packaging: 'deb',
      binary: '/usr/bin/amazon-ssm-agent',
      version: '3.3.987.0',
      service: {
        manager: 'systemd',
        name: 'amazon-ssm-agent',
        active: true,
        state: 'active',
        enabled: true,
        masked: false,
        restarts: 0,
        user: 'root',
      },
      processes: [
        {
          pid: 811,
          name: 'amazon-ssm-agent',
          exe: '/usr/bin/amazon-ssm-agent',
          state: 'S',
          user: 'root',
          startedAt: now - 6 * hour,
          container: false,
          environment: {},
        },
        {
          pid: 902,
          name: 'ssm-agent-worker',
          exe: '/usr/bin/ssm-agent-worker',
          state: 'S',
          user: 'root',
          startedAt: now - 6 * hour,
          container: false,
        },
      ],
      identity: {
        kind: 'activation',
        nodeId,
        region: 'dc-tokyo',
        server: serverUrl,
        registeredAt: now - 40 * day,
        damage: [],
        fingerprint: { matches: true, changed: [] },
      },
      configuration: {
        files: [{ path: '/etc/amazon/ssm/amazon-ssm-agent.json' }],
        region: 'dc-tokyo',
        onlyTemplateEdited: false,
      },
      log: { path: '/var/log/amazon/ssm/amazon-ssm-agent.log', lastAt: now - 2 * minute, lines: [] },
    },
    changes,
  );
}

/** Our own agent, as it is on a machine where it works. */
export function ownAgent(changes: Deep<AgentEvidence> = {}): AgentEvidence {
  return change<AgentEvidence>(
    {
      kind: 'rollcall',
      packaging: 'rollcall',
      binary: '/opt/rollcall/bin/node',
      version: '1.0.2',
      service: {
        manager: 'systemd',
        name: 'rollcall-agent',
        active: true,
        state: 'active',
        enabled: true,
        masked: false,
        restarts: 0,
      },
      processes: [
        {
          pid: 700,
          name: 'node',
          exe: '/opt/rollcall/bin/node',
          state: 'S',
          user: 'root',
          startedAt: now - 6 * hour,
          container: false,
          environment: {},
        },
      ],
      identity: {
        kind: 'activation',
        nodeId,
        region: 'dc-tokyo',
        server: serverUrl,
        registeredAt: now - 40 * day,
        damage: [],
        witness: { machineId: 'm1', same: true },
      },
      log: { path: '/var/log/rollcall-agent.log', lastAt: now - 2 * minute, lines: [] },
    },
    changes,
  );
}

/** An endpoint that answers as it should. */
export function endpoint(changes: Deep<EndpointEvidence> = {}): EndpointEvidence {
  return change<EndpointEvidence>(
    {
      url: serverUrl,
      service: 'ssm',
      also: ['ssmmessages', 'ec2messages'],
      needed: true,
      name: { ok: true, ms: 1, addresses: ['10.0.0.5'], direct: ['10.0.0.5'], resolver: '10.0.0.2' },
      route: { ok: true, device: 'eth0' },
      tcp: { ok: true, ms: 2, address: '10.0.0.5', port: 8443 },
      tls: {
        ok: true,
        ms: 5,
        version: 'TLSv1.3',
        issuer: 'Rollcall CA 7F3A 91C2',
        fingerprint: leaf,
        root: ca,
        names: ['rollcall.lan'],
        notBefore: now - 30 * day,
        notAfter: now + 300 * day,
      },
      http: { ok: true, status: 404, isService: true, date: now },
      websocket: { ok: true, status: 101 },
    },
    changes,
  );
}

/** The same endpoint, stopped at a layer: what lies behind it is absent. */
export function stoppedAt(
  layer: 'name' | 'route' | 'tcp' | 'proxy' | 'tls' | 'http' | 'websocket',
  error: string,
  facts: Record<string, unknown> = {},
  changes: Deep<EndpointEvidence> = {},
): EndpointEvidence {
  const order = ['name', 'route', 'tcp', 'proxy', 'tls', 'http', 'websocket'] as const;
  const whole = endpoint(changes) as unknown as Record<string, unknown>;
  const kept = Object.entries(whole).filter(
    ([name]) => !order.slice(order.indexOf(layer)).includes(name as 'name'),
  );
  return {
    ...Object.fromEntries(kept),
    [layer]: { ok: false, error, ...facts },
  } as unknown as EndpointEvidence;
}

/** A machine that works. */
export function node(changes: Deep<NodeEvidence> = {}): NodeEvidence {
  return change<NodeEvidence>(
    {
      format: 1,
      at: now,
      by: 'doctor',
      privileged: true,
      unseen: [],
      host: {
        name: 'web-07',
        os: { id: 'debian', name: 'Debian', version: '12' },
        platform: 'Linux',
        kernel: '6.1.0',
        arch: 'x86_64',
        libc: { kind: 'glibc', version: '2.36' },
        bootAt: now - 41 * day,
        bootId: 'b1',
        machineId: 'm1',
        systemVendor: 'QEMU',
        addresses: ['10.0.4.7'],
        macs: ['52:54:00:00:00:07'],
        init: 'systemd',
        container: false,
        timeZone: 'Asia/Tokyo',
        listens: [22],
      },
      agents: [officialAgent()],
      resources: {
        disks: [
          {
            path: '/var/lib/amazon/ssm',
            mount: '/',
            freeBytes: 20e9,
            totalBytes: 33e9,
            freeInodes: 1e6,
            totalInodes: 2e6,
            readOnly: false,
            noexec: false,
            write: 'ok',
          },
        ],
        memory: { totalBytes: 4e9, availableBytes: 2e9, kills: [] },
        pressure: { cpu: 0, memory: 0, io: 0 },
        inotify: { instances: 4, maxInstances: 128, watches: 40, maxWatches: 8192 },
        files: { open: 1200, max: 400_000 },
        processes: { count: 140, max: 32_768 },
        orchestrationEntries: 40,
        security: { selinux: 'disabled', denials: [] },
      },
      clock: {
        aheadMs: -100,
        source: 'Date of https://rollcall.lan:8443',
        synchronized: true,
        service: 'chrony',
      },
      network: {
        defaultRoute4: { via: '10.0.4.1', device: 'eth0' },
        resolvers: ['10.0.0.2'],
        nameSources: ['files', 'dns'],
        hostsEntries: [],
        firewall: { kind: 'nftables', outputPolicy: 'accept', rules: [] },
        interfaces: [
          { name: 'lo', up: true, addresses: ['127.0.0.1'], mtu: 65_536 },
          { name: 'eth0', up: true, addresses: ['10.0.4.7'], mtu: 1500 },
        ],
      },
      proxy: {},
      endpoints: [endpoint()],
      metadata: { answers: false },
    },
    changes,
  );
}

/** A node in the books that is Online. */
export function row(changes: Deep<NodeRecord> = {}): NodeRecord {
  return change<NodeRecord>(
    {
      nodeId,
      name: 'web-07',
      region: 'dc-tokyo',
      registeredAt: now - 40 * day,
      status: 'Online',
      hidden: false,
      lastPing: now - 2 * minute,
      periodSeconds: 300,
      connected: true,
      channelOpenedAt: now - 6 * hour,
      agentName: 'amazon-ssm-agent',
      agentVersion: '3.3.987.0',
      platform: 'Linux',
      platformName: 'Debian',
      address: '10.0.4.7',
      sources: [{ address: '10.0.4.7', from: now - 40 * day, to: now - 2 * minute }],
      skewMs: -100,
      role: 'rollcall-node',
      trusts: ca,
    },
    changes,
  );
}

/** The same node, lost for an hour. */
export function lostRow(changes: Deep<NodeRecord> = {}): NodeRecord {
  return row(
    change<Deep<NodeRecord>>(
      {
        status: 'ConnectionLost',
        lastPing: now - hour,
        connected: false,
        channelOpenedAt: undefined,
        channelClosedAt: now - hour,
        channelClosedBy: 'node',
        sources: [{ address: '10.0.4.7', from: now - 40 * day, to: now - hour }],
      },
      changes as never,
    ),
  );
}

/** A line of the roster. */
export function machine(changes: Deep<MachineRecord> = {}): MachineRecord {
  return change<MachineRecord>(
    {
      key: 'proxmox/107',
      source: 'proxmox-dc1',
      sourceReadAt: now - 2 * minute,
      name: 'web-07',
      expected: 'always',
      power: 'on',
      firstSeenAt: now - 60 * day,
      addresses: [{ address: '10.0.4.7', from: now - 60 * day }],
      joinedBy: 'uuid',
    },
    changes,
  );
}

/** What the books say of it. */
export function records(changes: Deep<RecordsEvidence> = {}): RecordsEvidence {
  return change<RecordsEvidence>(
    { node: row(), machine: machine(), elsewhere: [], addressUsers: [], associations: 2 },
    changes,
  );
}

/** A refused attempt; by default one that nothing proves to be anybody's. */
export function knock(changes: Deep<KnockRecord> = {}): KnockRecord {
  return change<KnockRecord>(
    {
      reason: 'unsigned',
      layer: 'signature',
      address: '10.0.4.7',
      client: 'go',
      serverName: 'rollcall.lan',
      firstAt: now - 40 * minute,
      lastAt: now - 5 * minute,
      count: 14,
      tie: 'address',
    },
    changes,
  );
}

/** A door at which these knocked. */
export function door(...knocks: readonly KnockRecord[]): DoorEvidence {
  return { knocks };
}

/** A fleet that is well. */
export function fleet(changes: Deep<FleetEvidence> = {}): FleetEvidence {
  return change<FleetEvidence>(
    {
      nodes: 300,
      online: 295,
      serverStartedAt: now - 10 * day,
      serverBlind: [],
      shared: [],
      medianSkewMs: 0,
      skewSamples: 290,
      certificate: {
        notBefore: now - 30 * day,
        notAfter: now + 300 * day,
        names: ['rollcall.lan', '*.dc-tokyo.rollcall.lan', '10.0.0.5'],
        fingerprint: leaf,
        caFingerprint: ca,
      },
      publicUrls: [serverUrl],
      minimumVersions: { 'amazon-ssm-agent': '3.1.821.0' },
    },
    changes,
  );
}

/** Evidence of a healthy node from all sides. */
export function healthy(changes: Deep<Evidence> = {}): Evidence {
  return change<Evidence>(
    {
      now,
      request: {
        asked: nodeId,
        region: 'dc-tokyo',
        servedRegions: ['dc-tokyo', 'dc-osaka'],
        account: '000000000000',
        mayList: true,
      },
      records: records(),
      door: door(),
      node: node(),
      fleet: fleet(),
    },
    changes,
  );
}

/** Evidence of a node that is lost, and nothing else is known to be wrong. */
export function lost(changes: Deep<Evidence> = {}): Evidence {
  return change<Evidence>({ ...healthy(), records: records({ node: lostRow() }) }, changes);
}

/** The same, with exactly this seen on the machine: nothing of the healthy one is merged into it. */
export function seenOn(machine: NodeEvidence, changes: Deep<Evidence> = {}): Evidence {
  return { ...lost(changes), node: machine };
}
