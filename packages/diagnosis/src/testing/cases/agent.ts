/** Agent: one, running, whole. */
import type { AgentEvidence } from '../../evidence/index.ts';
import { healthy, hour, lost, minute, now, officialAgent, ownAgent } from '../evidence.ts';
import type { Case } from './case.ts';

const withAgent = (...agents: readonly AgentEvidence[]) => lost({ node: { agents } });
const down = { processes: [], service: { active: false, state: 'inactive' } };
const line = (text: string, at = now - minute) => ({ log: { lines: [{ at, text }] } });

export const agentCases: readonly Case[] = [
  {
    cause: 'unsupported-os-or-arch',
    evidence: lost({ node: { agents: [], host: { libc: { kind: 'musl', version: '1.2.4' } } } }),
    says: { why: 'musl 1.2.4' },
  },
  {
    cause: 'unsupported-os-or-arch',
    when: 'an old C library',
    evidence: lost({ node: { agents: [], host: { libc: { kind: 'glibc', version: '2.17' } } } }),
  },
  { cause: 'agent-not-installed', evidence: withAgent(), fix: ['rollcall activation line'] },
  {
    cause: 'agent-binary-broken',
    evidence: withAgent(
      officialAgent({
        processes: [],
        service: { active: false, state: 'failed', lastExit: { code: 203, at: now - minute } },
      }),
    ),
  },
  {
    cause: 'security-software-blocks-agent',
    evidence: lost({
      node: {
        agents: [
          officialAgent({
            processes: [],
            service: { active: false, state: 'failed', lastExit: { code: 203, at: now - minute } },
          }),
        ],
        resources: {
          security: {
            selinux: 'enforcing',
            denials: ['avc: denied { execute } for comm="(ssm-agent)" name="amazon-ssm-agent"'],
          },
        },
      },
    }),
  },
  {
    cause: 'agent-frozen',
    evidence: withAgent(officialAgent({ processes: [{ pid: 811, name: 'amazon-ssm-agent', state: 'T' }] })),
    fix: ['kill -CONT 811'],
  },
  {
    cause: 'agent-frozen',
    when: 'while the books still have it Online',
    evidence: healthy({
      node: { agents: [officialAgent({ processes: [{ pid: 811, name: 'amazon-ssm-agent', state: 'T' }] })] },
    }),
    confidence: 'likely',
  },
  {
    cause: 'agent-masked',
    evidence: withAgent(
      officialAgent({
        processes: [],
        service: { active: false, state: 'inactive', masked: true, enabled: false },
      }),
    ),
    fix: ['systemctl unmask amazon-ssm-agent', 'systemctl enable --now amazon-ssm-agent'],
  },
  {
    cause: 'agent-crash-loop',
    evidence: withAgent(
      officialAgent({
        processes: [],
        service: {
          active: false,
          state: 'activating',
          restarts: 12,
          lastExit: { code: 2, at: now - minute },
        },
      }),
    ),
    says: { count: '12', exit: '2' },
  },
  {
    cause: 'agent-not-enabled-at-boot',
    evidence: lost({
      node: {
        host: { bootAt: now - 30 * minute },
        agents: [officialAgent({ ...down, service: { ...down.service, enabled: false } })],
      },
    }),
    fix: ['systemctl enable --now amazon-ssm-agent'],
  },
  {
    cause: 'agent-stopped',
    evidence: withAgent(officialAgent(down)),
    fix: ['systemctl start amazon-ssm-agent'],
    ruledOut: ['agent-not-installed'],
  },
  {
    cause: 'agent-stopped',
    when: 'disabled, but it was stopped after the boot',
    evidence: withAgent(officialAgent({ ...down, service: { ...down.service, enabled: false } })),
  },
  {
    cause: 'agent-stopped',
    when: 'under snap',
    evidence: withAgent(
      officialAgent({
        ...down,
        packaging: 'snap',
        service: { ...down.service, manager: 'snap', name: 'amazon-ssm-agent' },
      }),
    ),
    fix: ['snap start amazon-ssm-agent'],
  },
  {
    cause: 'agent-stopped',
    when: 'under OpenRC',
    evidence: withAgent(officialAgent({ ...down, service: { ...down.service, manager: 'openrc' } })),
    fix: ['rc-service amazon-ssm-agent start'],
  },
  {
    cause: 'agent-stopped',
    when: 'our own',
    evidence: withAgent(ownAgent(down)),
    fix: ['systemctl start rollcall-agent'],
  },
  {
    cause: 'agent-stopped',
    when: 'a zombie is left',
    evidence: withAgent(
      officialAgent({ ...down, processes: [{ pid: 3, name: 'amazon-ssm-agent', state: 'Z' }] }),
    ),
  },
  {
    cause: 'agent-stopped',
    when: "a unit's name that is no name gives no command",
    evidence: withAgent(officialAgent({ ...down, service: { ...down.service, name: 'a; rm -rf /' } })),
    fix: [],
  },
  {
    cause: 'worker-dead-core-alive',
    evidence: withAgent(
      officialAgent({
        processes: [{ pid: 811, name: 'amazon-ssm-agent', state: 'S', user: 'root', startedAt: now - hour }],
      }),
    ),
    confidence: 'likely',
    fix: ['systemctl restart amazon-ssm-agent'],
  },
  {
    cause: 'agent-stuck-on-io',
    evidence: withAgent(
      ownAgent({ processes: [{ pid: 700, name: 'node', state: 'D', startedAt: now - hour }] }),
    ),
    confidence: 'likely',
  },
  {
    cause: 'double-agent',
    evidence: withAgent(
      officialAgent(),
      officialAgent({
        packaging: 'snap',
        binary: '/snap/amazon-ssm-agent/current/amazon-ssm-agent',
        service: { manager: 'snap' },
      }),
    ),
    fix: ['systemctl stop amazon-ssm-agent', 'systemctl disable amazon-ssm-agent'],
  },
  {
    cause: 'agent-in-container',
    evidence: withAgent(
      officialAgent({
        processes: [
          { pid: 811, name: 'amazon-ssm-agent', state: 'S', container: true },
          { pid: 812, name: 'ssm-agent-worker', state: 'S' },
        ],
      }),
    ),
  },
  {
    cause: 'agent-wrong-user',
    evidence: withAgent(
      officialAgent({
        processes: [
          { pid: 811, name: 'amazon-ssm-agent', state: 'S', user: 'ssm' },
          { pid: 812, name: 'ssm-agent-worker', state: 'S' },
        ],
      }),
    ),
    says: { user: 'ssm' },
  },
  {
    cause: 'config-unreadable',
    evidence: withAgent(
      officialAgent({
        configuration: {
          files: [{ path: '/etc/amazon/ssm/amazon-ssm-agent.json', problem: 'Unexpected token' }],
        },
      }),
    ),
  },
  {
    cause: 'template-edited-only',
    evidence: withAgent(officialAgent({ configuration: { onlyTemplateEdited: true } })),
  },
  {
    cause: 'boot-race-network-online',
    evidence: lost({
      node: {
        host: { bootAt: now - 20 * minute },
        agents: [
          officialAgent({
            processes: [
              {
                pid: 811,
                name: 'amazon-ssm-agent',
                state: 'S',
                user: 'root',
                startedAt: now - 20 * minute + 5000,
                container: false,
              },
            ],
            waiting: { until: now + 9 * minute, reason: 'network', source: 'agent log' },
            ...line('dial tcp 10.0.0.5:8443: connect: network is unreachable', now - 20 * minute + 8000),
          }),
        ],
      },
    }),
    fix: ['systemctl restart amazon-ssm-agent'],
  },
  {
    cause: 'agent-too-old',
    evidence: healthy({
      request: { document: { name: 'AWS-StartPortForwardingSession', platforms: ['Linux'] } },
      records: { node: { agentVersion: '2.2.0.0' } },
      fleet: { minimumVersions: { 'AWS-StartPortForwardingSession': '2.3.672.0' } },
    }),
    says: { least: '2.3.672.0' },
  },
  {
    cause: 'snap-channel-downgrade',
    evidence: healthy({
      request: { document: { name: 'AWS-X', platforms: ['Linux'] } },
      node: {
        agents: [officialAgent({ packaging: 'snap', version: '3.0.0.0', snapChannel: 'latest/stable' })],
      },
      fleet: { minimumVersions: { 'AWS-X': '3.1.0.0' } },
    }),
    confidence: 'likely',
  },
  {
    // Recorded on Windows: no such machine can be had for tests.
    cause: 'windows-sysprep-state',
    evidence: lost({
      node: {
        host: { platform: 'Windows', libc: undefined, imageState: 'IMAGE_STATE_UNDEPLOYABLE' },
        agents: [officialAgent({ service: { manager: 'windows', name: 'AmazonSSMAgent' } })],
      },
    }),
    says: { state: 'IMAGE_STATE_UNDEPLOYABLE' },
  },
  {
    cause: 'windows-service-hang',
    evidence: lost({
      node: {
        host: { platform: 'Windows', libc: undefined, imageState: 'IMAGE_STATE_COMPLETE' },
        agents: [
          officialAgent({
            processes: [],
            service: { manager: 'windows', name: 'AmazonSSMAgent', active: false, state: 'StartPending' },
          }),
        ],
      },
    }),
    confidence: 'likely',
  },
  {
    cause: 'partition-or-region-domain',
    evidence: withAgent(
      officialAgent({ configuration: { region: 'dc tokyo' }, identity: { region: 'dc-tokyo' } }),
    ),
    says: { region: 'dc tokyo' },
  },
];
