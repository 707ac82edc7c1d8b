import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { CollectOptions } from '@rollcall/probes';
import { putProcess } from '../../../packages/probes/src/testing/machine.ts';
import { openPart } from '../case.ts';
import { openDns } from '../middle/dns.ts';
import {
  ec2,
  folder,
  imds,
  judge,
  logged,
  metadata,
  official,
  type Recorded,
  systemdTime,
  unit,
} from '../node/recorded-machine.ts';

const part = openPart('recorded');
const { cases } = part;

const minute = 60_000;
const now = Date.now();

/** A fault that is told by a changed machine alone. */
function fault(
  head: Omit<Parameters<typeof part.fault>[0], 'how' | 'node'> & {
    readonly node: NonNullable<Parameters<typeof part.fault>[0]['node']>;
  },
  recorded: Recorded,
): void {
  part.fault({ ...head, how: 'recorded' }, (stage) => judge(stage, official(stage, recorded)));
}

function decoy(head: Omit<Parameters<typeof part.decoy>[0], 'how'>, recorded: Recorded): void {
  part.decoy({ ...head, how: 'recorded' }, (stage) => judge(stage, official(stage, recorded)));
}

const down = { ActiveState: 'inactive', SubState: 'dead' } as const;

fault(
  {
    id: 'unit-stopped',
    cause: 'agent-stopped',
    gate: 'agent',
    solution: 1,
    node: 'proven',
    fix: 'systemctl start amazon-ssm-agent',
  },
  {
    runs: false,
    service: {
      ...down,
      ExecMainCode: '1',
      ExecMainExitTimestamp: systemdTime(now - 20 * minute),
    },
  },
);

fault(
  {
    id: 'agent-not-enabled-at-boot',
    cause: 'agent-not-enabled-at-boot',
    gate: 'agent',
    solution: 1,
    node: 'sure',
    fix: 'systemctl enable',
  },
  { runs: false, service: { ...down, UnitFileState: 'disabled' } },
);

decoy(
  {
    id: 'disabled-but-stopped-by-hand',
    cause: 'agent-stopped',
    decoyOf: ['agent-not-enabled-at-boot'],
    node: 'proven',
  },
  {
    runs: false,
    service: {
      ...down,
      UnitFileState: 'disabled',
      ExecMainCode: '1',
      ExecMainExitTimestamp: systemdTime(now - 10 * minute),
    },
  },
);

fault(
  {
    id: 'agent-masked',
    cause: 'agent-masked',
    gate: 'agent',
    solution: 1,
    node: 'proven',
    fix: 'systemctl unmask',
  },
  { runs: false, service: { ...down, LoadState: 'masked', UnitFileState: 'masked' } },
);

fault(
  {
    id: 'agent-crash-loop',
    cause: 'agent-crash-loop',
    gate: 'agent',
    solution: 1,
    node: 'proven',
    fix: 'explained',
  },
  {
    runs: false,
    service: {
      ActiveState: 'activating',
      SubState: 'auto-restart',
      NRestarts: '14',
      ExecMainCode: '2',
      ExecMainStatus: '11',
      ExecMainExitTimestamp: systemdTime(now - minute),
    },
    log: [logged(now - minute, 'ERROR', 'Agent core startup panic: invalid memory address')],
  },
);

decoy(
  {
    id: 'restarted-often-long-ago',
    decoyOf: ['agent-crash-loop'],
    node: 'blind',
  },
  { service: { NRestarts: '14' } },
);

fault(
  {
    id: 'agent-binary-broken',
    cause: 'agent-binary-broken',
    gate: 'agent',
    solution: 1,
    node: 'proven',
  },
  {
    runs: false,
    service: {
      ActiveState: 'failed',
      SubState: 'failed',
      ExecMainCode: '1',
      ExecMainStatus: '203',
      ExecMainExitTimestamp: systemdTime(now - 5 * minute),
    },
  },
);

fault(
  {
    id: 'security-software-blocks-agent',
    cause: 'security-software-blocks-agent',
    gate: 'agent',
    node: 'sure',
    fix: 'explained',
  },
  {
    runs: false,
    service: {
      ActiveState: 'failed',
      SubState: 'failed',
      ExecMainCode: '1',
      ExecMainStatus: '203',
      ExecMainExitTimestamp: systemdTime(now - 5 * minute),
    },
    commands: {
      dmesg:
        '[  103.000000] audit: type=1400 apparmor="DENIED" operation="exec" name="/usr/bin/amazon-ssm-agent" comm="systemd"\n',
    },
  },
);

fault(
  {
    id: 'oom-killed',
    cause: 'oom-killed',
    gate: 'machine',
    node: 'sure',
    fix: 'explained',
  },
  {
    runs: false,
    service: {
      ActiveState: 'failed',
      SubState: 'failed',
      ExecMainCode: '2',
      ExecMainStatus: '9',
      ExecMainExitTimestamp: systemdTime(now - 5 * minute),
    },
    commands: {
      dmesg: [
        '[ 3290.000000] oom-kill:constraint=CONSTRAINT_NONE,task=amazon-ssm-agen,pid=700,uid=0',
        '[ 3290.100000] Out of memory: Killed process 700 (amazon-ssm-agen) total-vm:1234kB, anon-rss:999kB',
      ].join('\n'),
    },
    change: (machine) => machine.put('/proc/meminfo', 'MemTotal:  500000 kB\nMemAvailable:  20000 kB\n'),
  },
);

decoy(
  {
    id: 'another-program-was-oom-killed',
    cause: 'agent-stopped',
    decoyOf: ['oom-killed'],
    node: 'proven',
  },
  {
    runs: false,
    service: { ...down, ExecMainCode: '1', ExecMainExitTimestamp: systemdTime(now - 20 * minute) },
    commands: {
      dmesg: '[ 3290.100000] Out of memory: Killed process 4242 (java) total-vm:1234kB, anon-rss:999kB\n',
    },
    change: (machine) => machine.put('/proc/meminfo', 'MemTotal:  500000 kB\nMemAvailable:  20000 kB\n'),
  },
);

fault(
  {
    id: 'inotify-exhausted',
    cause: 'inotify-exhausted',
    gate: 'machine',
    node: 'sure',
  },
  {
    log: [
      logged(now - 30 * minute, 'INFO', 'Starting agent'),
      logged(
        now - 2 * minute,
        'ERROR',
        'filewatcher listener encountered error when add watch: no space left on device',
      ),
    ],
    change: (machine) => {
      machine.put('/proc/sys/fs/inotify/max_user_instances', '3\n');
      for (const file of [11, 12, 13]) machine.link(`/proc/700/fd/${file}`, 'anon_inode:inotify');
      machine.put('/proc/sys/fs/inotify/max_user_watches', '8192\n');
    },
  },
);

fault(
  {
    id: 'unsupported-os-or-arch',
    cause: 'unsupported-os-or-arch',
    gate: 'agent',
    solution: 4,
    node: 'sure',
    fix: 'explained',
  },
  {
    runs: false,
    registered: false,
    change: (machine) => {
      machine.put('/var/lib/dpkg/status', '');
      rmSync(join(machine.folder, 'usr/bin/amazon-ssm-agent'));
      machine.put('/etc/os-release', 'ID=alpine\nNAME="Alpine Linux"\nVERSION_ID=3.20.3\n');
      machine.put('/lib/ld-musl-x86_64.so.1', '');
    },
    commands: { 'systemctl show amazon-ssm-agent.service': 'LoadState=not-found\nActiveState=inactive\n' },
  },
);

fault(
  {
    id: 'double-agent-snap-and-deb',
    cause: 'double-agent',
    gate: 'agent',
    solution: 1,
    node: 'proven',
    fix: 'systemctl stop amazon-ssm-agent',
  },
  {
    commands: {
      'systemctl show snap.amazon-ssm-agent.amazon-ssm-agent.service': unit(),
      'snap list amazon-ssm-agent':
        'Name              Version  Rev   Tracking       Publisher  Notes\namazon-ssm-agent  3.3.40.0  9881  latest/stable  aws        classic\n',
    },
    change: (machine) => {
      machine.put(
        '/snap/amazon-ssm-agent/9881/meta/snap.yaml',
        "name: amazon-ssm-agent\nversion: '3.3.40.0'\n",
      );
      machine.link('/snap/amazon-ssm-agent/current', '9881');
      putProcess(machine, { pid: 900, exe: '/snap/amazon-ssm-agent/9881/amazon-ssm-agent' });
    },
  },
);

fault(
  {
    id: 'template-edited-only',
    cause: 'template-edited-only',
    gate: 'agent',
    solution: 3,
    node: 'proven',
    fix: 'explained',
  },
  {
    change: (machine) =>
      machine.put(
        '/etc/amazon/ssm/amazon-ssm-agent.json.template',
        JSON.stringify({ Ssm: { Endpoint: 'https://rollcall.example' } }),
      ),
  },
);

fault(
  {
    id: 'config-unreadable-official',
    cause: 'config-unreadable',
    gate: 'agent',
    solution: 1,
    node: 'proven',
  },
  { change: (machine) => machine.put('/etc/amazon/ssm/amazon-ssm-agent.json', '{ "Ssm": { "Endpoint": ') },
);

fault(
  {
    id: 'vault-corrupt-official',
    cause: 'vault-corrupt',
    gate: 'identity',
    node: 'sure',
    fix: 'explained',
  },
  {
    change: (machine) => machine.put(`${folder}/Vault/Manifest`, '{"RegistrationKey": "/var/lib/ama'),
    log: [logged(now - minute, 'ERROR', 'failed to unmarshal vault manifest: unexpected end of JSON input')],
  },
);

fault(
  {
    id: 'runtimeconfig-stale',
    cause: 'runtimeconfig-stale',
    gate: 'identity',
    node: 'sure',
    fix: 'explained',
  },
  { change: (machine) => machine.put(`${folder}/runtimeconfig/identity_config.json`, '{"InstanceId": "i-0') },
);

fault(
  {
    id: 'identity-order-wrong',
    cause: 'identity-order-wrong',
    gate: 'identity',
    node: 'proven',
  },
  {
    change: (machine) =>
      machine.put(
        '/etc/amazon/ssm/amazon-ssm-agent.json',
        JSON.stringify({ Identity: { ConsumptionOrder: ['EC2'] } }),
      ),
  },
);

fault(
  {
    id: 'key-rotation-broken',
    cause: 'key-rotation-broken',
    gate: 'identity',
    node: 'proven',
    fix: 'explained',
  },
  {
    log: [
      logged(now - 30 * minute, 'INFO', 'Starting agent'),
      logged(
        now - minute,
        'ERROR',
        'Failed to roll-back remove public key change, instance most likely needs to be re-registered',
      ),
    ],
  },
);

for (const [id, text, cause] of [
  [
    'stale-registration-by-log',
    'Entering SSM Agent hibernate - error occurred in RequestManagedInstanceRoleToken: InvalidInstanceId: Not existing InstanceId mi-0123456789abcdef0',
    'stale-hybrid-registration',
  ],
  [
    'fingerprint-changed-by-log',
    'Cannot connect to AWS Systems Manager.  The hardware ID (a) has changed from the registered value (b).',
    'fingerprint-changed',
  ],
] as const)
  fault(
    { id, cause, gate: 'identity', node: 'sure', fix: 'explained' },
    {
      log: [logged(now - 30 * minute, 'INFO', 'Starting agent'), logged(now - minute, 'ERROR', text)],
    },
  );

for (const [id, suffix, cause] of [
  ['role-denied', '', 'role-denied'],
  ['scp-deny', ' with an explicit deny in a service control policy', 'scp-deny'],
  [
    'permissions-boundary',
    ' because no permissions boundary allows the ssm:UpdateInstanceInformation action',
    'permissions-boundary',
  ],
  [
    'vpce-policy-denies',
    ' because no VPC endpoint policy allows the ssm:UpdateInstanceInformation action',
    'vpce-policy-denies',
  ],
  [
    'session-policy',
    ' because no session policy allows the ssm:UpdateInstanceInformation action',
    'session-policy',
  ],
] as const)
  fault(
    { id, cause, gate: 'authorization', node: 'sure', fix: 'explained' },
    {
      log: [
        logged(now - 30 * minute, 'INFO', 'Starting agent'),
        logged(
          now - minute,
          'ERROR',
          `AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/Web/i-0123456789abcdef0 is not authorized to perform: ssm:UpdateInstanceInformation on resource: arn:aws:ec2:us-east-1:123456789012:instance/i-0123456789abcdef0${suffix}`,
        ),
      ],
    },
  );

decoy(
  {
    id: 'registration-key-does-not-exist-on-ec2',
    decoyOf: ['vault-corrupt'],
    node: 'blind',
  },
  {
    registered: false,
    log: [
      logged(now - 30 * minute, 'INFO', 'Starting agent'),
      logged(
        now - 29 * minute,
        'INFO',
        'Failed to load instance info from vault. RegistrationKey does not exist.',
      ),
    ],
    change: (machine) => machine.put('/sys/class/dmi/id/sys_vendor', 'Amazon EC2\n'),
  },
);

part.fault(
  {
    id: 'no-instance-profile',
    how: 'recorded',
    cause: 'no-instance-profile',
    gate: 'identity',
    solution: 2,
    node: 'sure',
    fix: 'explained',
  },
  async (stage) => {
    const machine = official(stage, {
      registered: false,
      log: [
        logged(now - 30 * minute, 'INFO', 'Starting agent'),
        logged(
          now - minute,
          'ERROR',
          'EC2RoleProvider Failed to connect to Systems Manager with instance profile role credentials. Err: EC2RoleRequestError: no EC2 instance role found',
        ),
      ],
      change: (one) => one.put('/sys/class/dmi/id/sys_vendor', 'Amazon EC2\n'),
    });
    await judge(stage, machine, await metadata(stage, imds));
  },
);

part.fault(
  {
    id: 'link-local-hijack',
    how: 'recorded',
    cause: 'link-local-hijack',
    gate: 'identity',
    node: 'sure',
    fix: 'explained',
  },
  async (stage) => {
    const machine = official(stage, { registered: false });
    await judge(
      stage,
      machine,
      await metadata(
        stage,
        { '/': '<html>UTM login</html>', '/latest/meta-data/instance-id': '<html>UTM login</html>' },
        200,
      ),
    );
  },
);

part.decoy(
  {
    id: 'metadata-on-purpose-elsewhere',
    how: 'recorded',
    decoyOf: ['link-local-hijack'],
    node: 'blind',
  },
  async (stage) => {
    const machine = official(stage, {
      registered: false,
      change: (one) => one.put('/sys/class/dmi/id/sys_vendor', 'OpenStack Foundation\n'),
    });
    const role = { ...imds, '/latest/meta-data/iam/security-credentials/': 'nodes' };
    await judge(stage, machine, await metadata(stage, role));
  },
);

part.decoy(
  {
    id: 'default-host-management-lines-with-a-good-profile',
    how: 'recorded',
    decoyOf: ['dhmc-not-enabled', 'role-denied'],
    node: 'blind',
  },
  async (stage) => {
    const machine = official(stage, {
      registered: false,
      log: [
        logged(now - 30 * minute, 'INFO', 'Starting agent'),
        logged(
          now - 29 * minute,
          'ERROR',
          "EC2RoleProvider Failed to connect to Systems Manager with SSM role credentials. error calling RequestManagedInstanceRoleToken: AccessDeniedException: Systems Manager's instance management role is not configured for account: 123456789012",
        ),
        logged(now - 28 * minute, 'INFO', 'Successfully connected with instance profile role credentials'),
      ],
      change: (one) => one.put('/sys/class/dmi/id/sys_vendor', 'Amazon EC2\n'),
    });
    const role = { ...imds, '/latest/meta-data/iam/security-credentials/': 'Web' };
    await judge(stage, machine, await metadata(stage, role));
  },
);

/** Waits: what was refused is the cause, and what was only in the way is over. */
for (const [id, cause, lines] of [
  [
    'waits-after-a-refusal',
    'role-denied',
    [
      [10, 'ERROR', '[CredentialRefresher] Retrieve credentials produced error: AccessDeniedException: no'],
      [10, 'INFO', '[CredentialRefresher] Sleeping for 28m14s before retrying retrieve credentials'],
    ],
  ],
  [
    'waits-after-the-network',
    'backing-off-onprem-net',
    [
      [
        2,
        'ERROR',
        '[CredentialRefresher] Retrieve credentials produced error: RequestError: send request failed caused by: dial tcp 10.1.2.3:443: i/o timeout',
      ],
      [2, 'INFO', '[CredentialRefresher] Sleeping for 9m2s before retrying retrieve credentials'],
    ],
  ],
] as const)
  part.fault({ id, how: 'recorded', cause, node: 'sure' }, (stage) =>
    judge(
      stage,
      official(stage, {
        log: [
          logged(now - 30 * minute, 'INFO', '[amazon-ssm-agent] amazon-ssm-agent - v3.3.987.0'),
          ...lines.map(([ago, level, text]) =>
            logged(now - ago * minute, level, `[amazon-ssm-agent] ${text}`),
          ),
        ],
      }),
    ),
  );

part.fault(
  {
    id: 'hibernating',
    how: 'recorded',
    cause: 'hibernating',
    gate: 'freshness',
    node: 'sure',
    fix: 'systemctl restart',
  },
  (stage) =>
    judge(
      stage,
      official(stage, {
        log: [
          logged(
            now - 50 * minute,
            'ERROR',
            '[ssm-agent-worker] Entering SSM Agent hibernate - error occurred in RequestManagedInstanceRoleToken: RequestError: send request failed',
          ),
        ],
        change: (machine) =>
          machine.put(
            '/var/log/amazon/ssm/hibernate.log',
            logged(now - 50 * minute, 'INFO', 'Agent is in hibernate mode. Reducing logging.') +
              logged(
                now - 25 * minute,
                'INFO',
                'Backing off health check to every 1800 seconds for 5400 seconds.',
              ),
          ),
      }),
    ),
);

fault(
  {
    id: 'shared-credentials-file-clash',
    cause: 'shared-credentials-file-clash',
    gate: 'authorization',
    node: 'sure',
    fix: 'explained',
  },
  {
    log: [
      logged(now - 30 * minute, 'INFO', 'Starting agent'),
      logged(now - minute, 'ERROR', 'Failed to write credentials to disk even with force: permission denied'),
    ],
  },
);

fault(
  { id: 'rate-throttled-by-log', cause: 'rate-throttled', gate: 'authorization', node: 'sure' },
  {
    log: [
      logged(now - 30 * minute, 'INFO', 'Starting agent'),
      logged(now - minute, 'ERROR', 'ThrottlingException: Rate exceeded status code: 400'),
    ],
  },
);

fault(
  {
    id: 'credentials-stale-after-resume',
    cause: 'ec2-creds-stale-after-resume',
    gate: 'authorization',
    node: 'sure',
    fix: 'systemctl restart',
  },
  {
    log: [
      logged(now - 30 * minute, 'INFO', 'Starting agent'),
      logged(
        now - minute,
        'ERROR',
        'ExpiredTokenException: The security token included in the request is expired status code: 400',
      ),
    ],
  },
);

fault(
  { id: 'vault-unreadable', cause: 'vault-unreadable', gate: 'identity', node: 'sure', fix: 'explained' },
  {
    log: [
      logged(now - 30 * minute, 'INFO', 'Starting agent'),
      logged(
        now - minute,
        'ERROR',
        'Failed to set permission for vault folder or its content. chown /var/lib/amazon/ssm/Vault: operation not permitted',
      ),
    ],
  },
);

fault(
  {
    id: 'partition-or-region-domain',
    cause: 'partition-or-region-domain',
    gate: 'agent',
    solution: 5,
    node: 'proven',
    fix: 'explained',
  },
  {
    log: [
      logged(now - 30 * minute, 'INFO', 'Starting agent'),
      logged(
        now - minute,
        'ERROR',
        'Unable to determine endpoint because region us-east-1; has invalid characters',
      ),
    ],
  },
);

fault(
  {
    id: 'worker-dead-core-alive',
    cause: 'worker-dead-core-alive',
    gate: 'agent',
    solution: 1,
    node: 'likely',
    fix: 'systemctl restart',
  },
  { change: (machine) => rmSync(join(machine.folder, 'proc/710'), { recursive: true }) },
);

fault(
  {
    id: 'agent-stuck-on-io',
    cause: 'agent-stuck-on-io',
    gate: 'agent',
    solution: 1,
    node: 'likely',
    fix: 'explained',
  },
  {
    runs: false,
    change: (machine) => putProcess(machine, { pid: 700, exe: '/usr/bin/amazon-ssm-agent', state: 'D' }),
  },
);

fault(
  {
    id: 'processes-exhausted',
    cause: 'processes-exhausted',
    gate: 'machine',
    node: 'proven',
    fix: 'explained',
  },
  { change: (machine) => machine.put('/proc/sys/kernel/pid_max', '3\n') },
);

fault(
  {
    id: 'cpu-or-io-starved',
    cause: 'cpu-or-io-starved',
    gate: 'machine',
    node: 'likely',
    fix: 'explained',
  },
  {
    change: (machine) =>
      machine.put(
        '/proc/pressure/io',
        'some avg10=99.0 avg60=99.0 avg300=80 total=1\nfull avg10=97.0 avg60=96.0 avg300=70 total=1\n',
      ),
  },
);

decoy(
  { id: 'busy-but-not-starved', decoyOf: ['cpu-or-io-starved'], node: 'blind' },
  {
    change: (machine) => machine.put('/proc/pressure/cpu', 'some avg10=80.0 avg60=76.0 avg300=70 total=1\n'),
  },
);

part.fault(
  {
    id: 'one-endpoint-of-three-is-missing',
    how: 'recorded',
    cause: 'vpce-missing-one-of-three',
    gate: 'path',
    solution: 3,
    node: 'sure',
    fix: 'explained',
  },
  async (stage) => {
    const { server } = await stage.world();
    const well = { Endpoint: `https://127.0.0.1:${server.port}` };
    const machine = official(stage, {
      change: (one) =>
        one.put(
          '/etc/amazon/ssm/amazon-ssm-agent.json',
          JSON.stringify({ Ssm: well, Mds: well, Mgs: { Endpoint: 'https://127.0.0.1:1' } }),
        ),
    });
    await judge(stage, machine);
  },
);

for (const [id, version, decoyOf] of [
  ['ec2messages-missing-and-needed', '3.1.1080.0', []],
  ['ec2messages-missing-and-not-needed', '3.3.987.0', ['vpce-missing-one-of-three']],
] as const)
  (decoyOf.length === 0 ? part.fault : part.decoy)(
    {
      id,
      how: 'recorded',
      ...(decoyOf.length === 0 && { cause: 'vpce-missing-one-of-three' }),
      decoyOf,
      node: decoyOf.length === 0 ? 'sure' : 'blind',
    },
    async (stage) => {
      const { server } = await stage.world();
      const well = { Endpoint: `https://127.0.0.1:${server.port}` };
      const machine = official(stage, {
        version,
        change: (one) =>
          one.put(
            '/etc/amazon/ssm/amazon-ssm-agent.json',
            JSON.stringify({ Ssm: well, Mgs: well, Mds: { Endpoint: 'https://127.0.0.1:1' } }),
          ),
      });
      await judge(stage, machine);
    },
  );

part.fault(
  {
    id: 'boot-race-network-online',
    how: 'recorded',
    cause: 'boot-race-network-online',
    gate: 'agent',
    solution: 1,
    node: 'sure',
    fix: 'systemctl restart',
  },
  (stage) =>
    judge(
      stage,
      official(stage, {
        log: [
          logged(
            now - 59 * minute,
            'ERROR',
            '[amazon-ssm-agent] [CredentialRefresher] Retrieve credentials produced error: RequestError: dial tcp 10.1.2.3:443: connect: network is unreachable',
          ),
          logged(
            now - 59 * minute,
            'INFO',
            '[amazon-ssm-agent] [CredentialRefresher] Sleeping for 1h20m0s before retrying retrieve credentials',
          ),
        ],
      }),
    ),
);

part.fault(
  {
    id: 'go-resolver-differs',
    how: 'recorded',
    cause: 'go-resolver-differs',
    gate: 'path',
    solution: 3,
    node: 'sure',
    fix: 'explained',
  },
  async (stage) => {
    const world = await stage.world();
    const dns = world.closes(await openDns('127.0.0.1'));
    const machine = official(stage, {
      change: (one) => {
        const section = { Endpoint: `https://localhost:${world.server.port}` };
        one.put(
          '/etc/amazon/ssm/amazon-ssm-agent.json',
          JSON.stringify({ Ssm: section, Mgs: section, Mds: section }),
        );
        one.put('/etc/nsswitch.conf', 'hosts: files mdns4_minimal dns\n');
      },
    });
    // The machine's own resolver has another source; a query to DNS itself has none.
    const run: CollectOptions['run'] = async (command, args, ms) =>
      command === 'getent'
        ? { code: 0, out: '127.0.0.1       STREAM localhost\n', err: '' }
        : machine.options.run?.(command, args, ms);
    await judge(stage, machine, false, { run, resolvers: [`127.0.0.1:${dns.port}`] });
  },
);

part.fault(
  {
    id: 'imds-disabled',
    how: 'recorded',
    cause: 'imds-disabled',
    gate: 'identity',
    solution: 2,
    node: 'sure',
    fix: 'explained',
  },
  async (stage) => judge(stage, ec2(stage), await metadata(stage, {}, 403)),
);

part.fault(
  {
    id: 'imds-v2-hop-limit',
    how: 'recorded',
    cause: 'imds-v2-hop-limit',
    gate: 'identity',
    solution: 2,
    node: 'likely',
    fix: 'explained',
  },
  (stage) => judge(stage, ec2(stage, { change: (one) => one.put('/.dockerenv', '') }), 'http://127.0.0.1:1'),
);

part.fault(
  {
    id: 'imds-blocked-locally',
    how: 'recorded',
    cause: 'imds-blocked-locally',
    gate: 'identity',
    solution: 2,
    node: 'sure',
    fix: 'explained',
  },
  (stage) => judge(stage, ec2(stage), 'http://127.0.0.1:1'),
);

part.fault(
  {
    id: 'imds-v1-only-agent',
    how: 'recorded',
    cause: 'imds-v1-only-agent',
    gate: 'identity',
    solution: 2,
    node: 'sure',
    fix: 'explained',
  },
  async (stage) => {
    const machine = ec2(stage, {
      version: '2.2.619.0',
      log: [
        logged(now - 30 * minute, 'INFO', 'Starting agent'),
        logged(
          now - minute,
          'ERROR',
          'EC2MetadataError: failed to make EC2Metadata request status code: 401',
        ),
      ],
    });
    await judge(stage, machine, await metadata(stage, imds));
  },
);

part.fault(
  {
    id: 'proxy-captures-imds',
    how: 'recorded',
    cause: 'proxy-captures-imds',
    gate: 'identity',
    solution: 6,
    node: 'sure',
    fix: 'explained',
  },
  async (stage) => {
    const machine = ec2(stage, {
      runs: false,
      change: (one) => {
        putProcess(one, {
          pid: 700,
          exe: '/usr/bin/amazon-ssm-agent',
          environment: { http_proxy: 'http://10.9.9.9:3128', https_proxy: 'http://10.9.9.9:3128' },
        });
        putProcess(one, { pid: 710, exe: '/usr/bin/ssm-agent-worker' });
      },
    });
    await judge(stage, machine, await metadata(stage, imds));
  },
);

part.fault(
  {
    id: 'golden-image-with-vault',
    how: 'recorded',
    cause: 'golden-image-with-vault',
    gate: 'identity',
    node: 'sure',
    fix: 'explained',
  },
  async (stage) => {
    const machine = ec2(stage, {
      change: (one) => {
        const store = `${folder}/Vault/Store/EC2RegistrationKey`;
        one.put(`${folder}/Vault/EC2Manifest`, JSON.stringify({ EC2RegistrationKey: store }));
        one.put(
          store,
          JSON.stringify({ instanceID: 'i-0fffffffffffffff0', region: 'us-east-1', privateKey: 'secret' }),
        );
      },
    });
    const role = { ...imds, '/latest/meta-data/iam/security-credentials/': 'Web' };
    await judge(stage, machine, await metadata(stage, role));
  },
);

part.fault(
  {
    id: 'dhmc-not-enabled',
    how: 'recorded',
    cause: 'no-instance-profile',
    gate: 'identity',
    solution: 2,
    node: 'sure',
    fix: 'explained',
  },
  async (stage) => {
    const machine = ec2(stage, {
      log: [
        logged(now - 30 * minute, 'INFO', 'Starting agent'),
        logged(
          now - minute,
          'ERROR',
          "EC2RoleProvider Failed to connect to Systems Manager with SSM role credentials. error calling RequestManagedInstanceRoleToken: AccessDeniedException: Systems Manager's instance management role is not configured for account: 123456789012",
        ),
      ],
    });
    await judge(stage, machine, await metadata(stage, imds));
  },
);

fault(
  { id: 'kms-denied', cause: 'kms-denied', gate: 'authorization', node: 'proven', fix: 'explained' },
  {
    log: [
      logged(now - 30 * minute, 'INFO', 'Starting agent'),
      logged(
        now - minute,
        'ERROR',
        '[ssm-session-worker] [kenji-0a1b2c3d] [DataChannel] Error fetching data key: AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/Web/i-0123456789abcdef0 is not authorized to perform: kms:Decrypt',
      ),
    ],
  },
);

fault(
  { id: 'backing-off-onprem-aws', cause: 'backing-off-onprem-aws', gate: 'freshness', node: 'sure' },
  {
    log: [
      logged(now - 30 * minute, 'INFO', '[amazon-ssm-agent] amazon-ssm-agent - v3.3.987.0'),
      logged(
        now - 2 * minute,
        'ERROR',
        '[amazon-ssm-agent] [CredentialRefresher] Retrieve credentials produced error: InternalServerError: status code: 500',
      ),
      logged(
        now - 2 * minute,
        'INFO',
        '[amazon-ssm-agent] [CredentialRefresher] Sleeping for 9m2s before retrying retrieve credentials',
      ),
    ],
  },
);

/** An EC2 machine with a role, which waits. */
for (const [id, trouble, wait] of [
  [
    'backing-off-ec2',
    '[CredentialRefresher] Retrieve credentials produced error: InternalServerError: status code: 500',
    '[CredentialRefresher] Sleeping for 9m2s before retrying retrieve credentials',
  ],
  [
    'registrar-backoff',
    '[Registrar] failed to register identity: InternalServerError: status code: 500',
    '[Registrar] sleeping for 34.133333 minutes before retrying registration',
  ],
] as const)
  part.fault({ id, how: 'recorded', cause: id, gate: 'freshness', node: 'sure' }, async (stage) => {
    const machine = ec2(stage, {
      log: [
        logged(now - 40 * minute, 'INFO', '[amazon-ssm-agent] amazon-ssm-agent - v3.3.987.0'),
        logged(now - 4 * minute, 'ERROR', `[amazon-ssm-agent] ${trouble}`),
        logged(now - 4 * minute, 'INFO', `[amazon-ssm-agent] ${wait}`),
      ],
    });
    const role = { ...imds, '/latest/meta-data/iam/security-credentials/': 'Web' };
    await judge(stage, machine, await metadata(stage, role));
  });

export const recorded = cases;
