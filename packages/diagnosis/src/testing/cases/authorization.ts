/** Authorization: what the service answered. */

import { day, hour, knock, lost, machine, minute, node, now, officialAgent } from '../evidence.ts';
import type { Case } from './case.ts';

const activationId = '6f1e0a52-1111-4222-8333-0123456789ab';
const activation = { activationId, region: 'dc-tokyo', expiresAt: now - hour, limit: 30, used: 22 };
const never = (knocks: readonly ReturnType<typeof knock>[], more: object = {}) =>
  lost({
    node: undefined,
    records: { node: undefined, machine: machine(), activation, ...more },
    door: { knocks },
  });
const tried = (reason: string, changes: object = {}) =>
  knock({ reason, layer: 'policy', tie: 'code', claim: activationId, ...changes });
const saying = (text: string, more: Parameters<typeof node>[0] = {}) =>
  lost({
    node: node({ agents: [officialAgent({ log: { lines: [{ at: now - minute, text }] } })], ...more }),
  });
const denial = (suffix: string) =>
  `AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/app-role/i-0123456789abcdef0 is not authorized to perform: ssm:UpdateInstanceInformation on resource: * ${suffix}`;

export const authorizationCases: readonly Case[] = [
  {
    cause: 'activation-expired',
    evidence: never([tried('activation-expired')]),
    fix: [`rollcall activation renew ${activationId}`],
    says: { count: '14' },
    ruledOut: ['activation-limit-reached'],
  },
  {
    cause: 'activation-expired',
    when: 'tied by its address only',
    evidence: never([tried('activation-expired', { tie: 'address' })]),
    confidence: 'likely',
  },
  {
    cause: 'activation-expired',
    when: 'also by the log',
    evidence: lost({
      records: { node: undefined },
      node: node({
        agents: [
          officialAgent({
            identity: { kind: 'none', nodeId: undefined, server: undefined },
            log: {
              lines: [
                {
                  at: now - minute,
                  text: 'Registration failed due to error registering the instance with AWS SSM. ActivationExpired',
                },
              ],
            },
          }),
        ],
      }),
    }),
  },
  {
    cause: 'activation-expired',
    when: 'a deregistered node that tries to come back',
    evidence: lost({
      node: undefined,
      records: { node: { deregisteredAt: now - day, deregisteredBy: 'x' }, activation },
      door: { knocks: [tried('activation-expired')] },
    }),
  },
  {
    cause: 'activation-limit-reached',
    evidence: never([tried('activation-limit-reached')], {
      activation: { ...activation, expiresAt: now + day, used: 30 },
    }),
    says: { used: '30', limit: '30' },
  },
  {
    cause: 'activation-invalid',
    evidence: never([tried('activation-invalid', { tie: 'claim', detail: 'wrong code' })], {
      activation: { ...activation, expiresAt: now + day },
    }),
    confidence: 'likely',
    says: { detail: 'wrong code' },
  },
  { cause: 'registration-key-conflict', evidence: never([tried('registration-key-conflict')]) },
  {
    cause: 'role-denied',
    evidence: saying(
      denial('because no identity-based policy allows the ssm:UpdateInstanceInformation action'),
    ),
    says: { action: 'ssm:UpdateInstanceInformation', role: 'app-role' },
    ruledOut: ['scp-deny', 'permissions-boundary'],
  },
  {
    cause: 'role-denied',
    when: 'at the door, signed',
    evidence: lost({
      node: undefined,
      door: {
        knocks: [
          knock({
            reason: 'access-denied',
            layer: 'policy',
            tie: 'signature',
            detail: 'ssm:UpdateInstanceInformation',
          }),
        ],
      },
    }),
  },
  { cause: 'scp-deny', evidence: saying(denial('with an explicit deny in a service control policy')) },
  {
    cause: 'permissions-boundary',
    evidence: saying(denial('because no permissions boundary allows the action')),
  },
  {
    cause: 'vpce-policy-denies',
    evidence: saying(denial('because no VPC endpoint policy allows the action')),
  },
  { cause: 'session-policy', evidence: saying(denial('because no session policy allows the action')) },
  {
    cause: 'dhmc-not-enabled',
    evidence: lost({
      records: { node: undefined },
      node: node({
        metadata: { answers: true, isImds: true, instanceId: 'i-0123456789abcdef0' },
        host: { systemVendor: 'Xen' },
        agents: [
          officialAgent({
            log: {
              lines: [
                {
                  at: now - minute,
                  text: "AccessDeniedException: Systems Manager's instance management role is not configured for account: 111122223333",
                },
              ],
            },
          }),
        ],
      }),
    }),
  },
  {
    cause: 'ec2-creds-stale-after-resume',
    evidence: saying('ExpiredTokenException: The security token included in the request is expired'),
    fix: ['systemctl restart amazon-ssm-agent'],
  },
  {
    cause: 'credentials-revoked',
    evidence: lost({
      node: undefined,
      door: { knocks: [knock({ reason: 'revoked-token', tie: 'signature' })] },
    }),
  },
  {
    cause: 'foreign-credentials',
    evidence: lost({
      node: undefined,
      door: {
        knocks: [knock({ reason: 'foreign-access-key', claim: 'ASIAEXAMPLEEXAMPLE00', tie: 'address' })],
      },
    }),
    confidence: 'likely',
  },
  {
    cause: 'shared-credentials-file-clash',
    evidence: saying('ERROR Failed to write credentials to disk even with force'),
  },
  { cause: 'rate-throttled', evidence: saying('ThrottlingException: Rate exceeded') },
  {
    cause: 'kms-denied',
    evidence: saying(
      'Error fetching data key: Unable to retrieve data key, Error when decrypting data key AccessDenied',
    ),
  },
];
