/** Identity: whose registration, and is it this machine's. */

import {
  change,
  knock,
  lost,
  lostRow,
  minute,
  node,
  nodeId,
  now,
  officialAgent,
  ownAgent,
} from '../evidence.ts';
import type { Case } from './case.ts';

const withAgent = (changes: Parameters<typeof officialAgent>[0], more: Parameters<typeof node>[0] = {}) =>
  lost({ node: node({ agents: [officialAgent(changes)], ...more }) });
const saying = (text: string) => ({ log: { lines: [{ at: now - minute, text }] } });
const onEc2 = (metadata: object, agent: Parameters<typeof officialAgent>[0] = {}, more: object = {}) =>
  lost({
    records: { node: undefined },
    node: node({
      host: { systemVendor: 'Amazon EC2' },
      metadata: { answers: true, isImds: true, instanceId: 'i-0123456789abcdef0', role: 'app', ...metadata },
      agents: [change(officialAgent({ identity: { kind: 'ec2', nodeId: 'i-0123456789abcdef0' } }), agent)],
      ...more,
    } as never),
  });

export const identityCases: readonly Case[] = [
  {
    cause: 'imds-disabled',
    when: 'its agent ended for want of an identity',
    evidence: onEc2(
      { answers: true, role: undefined, detail: 'the token request was answered with 403' },
      { processes: [], identity: { kind: 'none', nodeId: undefined } },
    ),
    confidence: 'likely',
  },
  {
    cause: 'stale-hybrid-registration',
    when: 'our agent is refused since its last heartbeat, which was accepted',
    evidence: {
      now,
      node: node({
        agents: [
          ownAgent({
            status: {
              state: 'refused',
              lastHeartbeatOk: true,
              lastHeartbeatAt: now - 2 * minute,
              channelOpenSince: undefined,
            },
            waiting: { until: now + minute, reason: 'the last attempt failed', source: 'status.json' },
            log: {
              lines: [
                {
                  at: now - minute,
                  text: 'channel: The server refuses this node (InvalidInstanceId: Not existing InstanceId mi-0).',
                },
              ],
            },
          }),
        ],
      }),
    },
  },
  {
    cause: 'runtimeconfig-stale',
    evidence: withAgent({
      identity: { damage: ['runtimeconfig/identity_config.json: Unexpected end of JSON input'] },
    }),
  },
  {
    cause: 'vault-unreadable',
    evidence: withAgent({ identity: { damage: ['Vault/Manifest: EACCES: permission denied'] } }),
  },
  {
    cause: 'vault-corrupt',
    evidence: withAgent({ identity: { damage: ['Vault/Manifest: Unexpected end of JSON input'] } }),
    ruledOut: ['vault-unreadable', 'disk-full'],
  },
  {
    cause: 'vault-corrupt',
    when: 'by the log',
    evidence: withAgent(saying('ERROR failed to unmarshal vault manifest')),
  },
  {
    cause: 'cloned-machine',
    evidence: lost({
      records: {
        node: lostRow({
          clone: { at: now - minute, sightings: ['web-07 10.0.4.7', 'web-08 10.0.4.8', 'web-07 10.0.4.7'] },
        }),
      },
    }),
    says: { nodeId },
  },
  {
    cause: 'cloned-machine',
    when: "by our agent's witness alone",
    evidence: lost({
      node: node({ agents: [ownAgent({ identity: { witness: { machineId: 'other', same: false } } })] }),
      records: { node: undefined },
    }),
    confidence: 'likely',
  },
  {
    cause: 'fingerprint-changed',
    evidence: withAgent({
      identity: { fingerprint: { matches: false, changed: [{ field: 'machine-id', was: 'a', is: 'b' }] } },
    }),
    says: { fields: 'machine-id' },
  },
  {
    cause: 'fingerprint-changed',
    when: 'at the door, signed',
    evidence: lost({
      node: undefined,
      door: { knocks: [knock({ reason: 'fingerprint-changed', layer: 'policy', tie: 'signature' })] },
    }),
  },
  {
    cause: 'key-rotation-broken',
    evidence: withAgent(saying('Unable to verify neither new nor old key, rolling back private key change')),
  },
  {
    cause: 'snapshot-rollback',
    evidence: lost({
      node: undefined,
      door: { knocks: [knock({ reason: 'node-signature-mismatch', tie: 'claim', claim: nodeId })] },
    }),
    confidence: 'likely',
  },
  {
    cause: 'link-local-hijack',
    evidence: lost({
      records: { node: undefined },
      node: node({
        metadata: { answers: true, isImds: false, detail: '<html>' },
        agents: [officialAgent({ identity: { kind: 'none', nodeId: undefined, server: undefined } })],
      }),
    }),
  },
  {
    cause: 'proxy-captures-imds',
    evidence: onEc2(
      { answers: false, isImds: undefined, role: undefined },
      {},
      { proxy: { agent: { source: 'drop-in', https: 'http://10.1.1.1:3128', no: 'localhost' } } },
    ),
  },
  { cause: 'imds-disabled', evidence: onEc2({ answers: true, role: undefined, detail: 'HTTP 403' }) },
  {
    cause: 'imds-v1-only-agent',
    evidence: onEc2(
      { role: 'app' },
      saying('EC2MetadataError: failed to make EC2Metadata request status code: 401'),
    ),
  },
  {
    cause: 'imds-v2-hop-limit',
    evidence: onEc2(
      { answers: false, role: undefined },
      {},
      { host: { systemVendor: 'Amazon EC2', container: true } },
    ),
    confidence: 'likely',
  },
  { cause: 'imds-blocked-locally', evidence: onEc2({ answers: false, role: undefined }) },
  {
    cause: 'golden-image-with-vault',
    evidence: onEc2({ instanceId: 'i-0bbbbbbbbbbbbbbbb' }, { identity: { ec2Id: 'i-0aaaaaaaaaaaaaaaa' } }),
  },
  {
    cause: 'no-instance-profile',
    evidence: onEc2({ role: undefined }, saying('EC2RoleRequestError: no EC2 instance role found')),
  },
  {
    cause: 'no-instance-profile',
    when: 'default host management is possible',
    evidence: onEc2({ role: undefined }),
    confidence: 'likely',
  },
  { cause: 'identity-order-wrong', evidence: withAgent({ configuration: { identityOrder: ['EC2'] } }) },
  {
    cause: 'identity-order-wrong',
    when: 'container mode',
    evidence: withAgent({ configuration: { containerMode: true } }),
  },
  {
    cause: 'registered-elsewhere',
    evidence: withAgent({ identity: { server: 'https://ssm.us-east-1.amazonaws.com', region: 'dc-tokyo' } }),
    says: { server: 'https://ssm.us-east-1.amazonaws.com' },
  },
  {
    cause: 'stale-hybrid-registration',
    evidence: lost({
      records: { node: undefined },
      node: node({
        agents: [
          officialAgent(
            saying('RequestManagedInstanceRoleToken: InvalidInstanceId: Not existing InstanceId'),
          ),
        ],
      }),
    }),
    says: { nodeId },
  },
  {
    cause: 'stale-hybrid-registration',
    when: 'at the door, by a claim',
    evidence: lost({
      node: undefined,
      records: { node: undefined },
      door: { knocks: [knock({ reason: 'unknown-node', tie: 'claim', claim: 'mi-0aaaaaaaaaaaaaaaa' })] },
    }),
    confidence: 'likely',
  },
  {
    cause: 'agent-not-registered',
    evidence: lost({
      records: { node: undefined },
      node: node({
        agents: [
          ownAgent({ identity: { kind: 'none', nodeId: undefined, server: undefined, witness: undefined } }),
        ],
      }),
    }),
    fix: ['rollcall activation create'],
  },
];
