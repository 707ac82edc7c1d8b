/** Freshness: it waits, or its channel does. */

import {
  day,
  endpoint,
  fleet,
  healthy,
  knock,
  lost,
  lostRow,
  minute,
  node,
  now,
  officialAgent,
  ownAgent,
  row,
} from '../evidence.ts';
import type { Case } from './case.ts';

const noChannel = {
  connected: false,
  channelOpenedAt: undefined,
  channelClosedAt: now - 55 * minute,
  channelClosedBy: 'server' as const,
};
const waits = (reason: string, changes: Parameters<typeof officialAgent>[0] = {}) =>
  lost({
    node: node({
      agents: [
        officialAgent({ waiting: { until: now + 20 * minute, reason, source: 'agent log' }, ...changes }),
      ],
    }),
  });
const restart = ['systemctl restart amazon-ssm-agent'];

export const freshnessCases: readonly Case[] = [
  {
    cause: 'session-channel-missing',
    when: 'it may not open one, and waits before it asks again',
    evidence: {
      now,
      node: node({
        agents: [
          ownAgent({
            status: {
              state: 'waiting',
              lastHeartbeatOk: true,
              lastHeartbeatAt: now - minute,
              channelOpenSince: undefined,
            },
            waiting: { until: now + minute, reason: 'the last attempt failed', source: 'status.json' },
            log: {
              lines: [
                {
                  at: now - minute / 2,
                  text: 'channel: AccessDeniedException: User: arn:aws:sts::000000000000:assumed-role/Service/mi-0 is not authorized to perform: ssmmessages:OpenControlChannel',
                },
              ],
            },
          }),
        ],
      }),
    },
    ruledOut: ['channel-backoff'],
  },
  { cause: 'hibernating', evidence: waits('hibernating'), fix: restart, confidence: 'likely' },
  { cause: 'backing-off-auth', evidence: waits('AccessDeniedException'), fix: restart, confidence: 'likely' },
  {
    cause: 'backing-off-onprem-net',
    evidence: waits('dial tcp: i/o timeout'),
    fix: restart,
    confidence: 'likely',
  },
  {
    cause: 'backing-off-onprem-aws',
    evidence: waits('InternalServerError: 500'),
    fix: restart,
    confidence: 'likely',
  },
  {
    cause: 'backing-off-ec2',
    evidence: waits('?', { identity: { kind: 'ec2' } }),
    fix: restart,
    confidence: 'likely',
  },
  {
    when: 'before it has registered',
    cause: 'backing-off-ec2',
    evidence: lost({
      records: { node: undefined },
      node: node({
        host: { systemVendor: 'Amazon EC2' },
        metadata: { answers: true, isImds: true, instanceId: 'i-0123456789abcdef0', role: 'Web' },
        agents: [
          officialAgent({
            identity: { kind: 'none', nodeId: undefined, server: undefined },
            waiting: { until: now + 20 * minute, reason: 'unexpected EOF', source: 'agent log' },
          }),
        ],
      }),
    }),
    fix: restart,
    confidence: 'likely',
  },
  {
    cause: 'registrar-backoff',
    evidence: waits('registration failed', { identity: { kind: 'ec2' } }),
    fix: restart,
    confidence: 'likely',
  },
  {
    cause: 'agent-backing-off',
    evidence: lost({
      node: node({
        agents: [
          ownAgent({ waiting: { until: now + 40_000, reason: 'The server closed it.', source: 'status' } }),
        ],
      }),
    }),
    fix: ['systemctl restart rollcall-agent'],
    confidence: 'likely',
  },
  {
    cause: 'channel-backoff',
    evidence: healthy({
      node: undefined,
      records: { node: row(noChannel) },
      fleet: {
        serverStartedAt: now - 9 * minute,
        serverBlind: [{ from: now - 55 * minute, to: now - 9 * minute }],
      },
    }),
    confidence: 'likely',
  },
  {
    cause: 'channel-backoff',
    when: 'the channel ended with its server, and heartbeats came since',
    evidence: healthy({
      node: undefined,
      records: {
        node: row({
          connected: false,
          channelOpenedAt: now - 60 * minute,
          channelClosedAt: undefined,
          lastPing: now - minute,
        }),
      },
      fleet: {
        serverStartedAt: now - 9 * minute,
        serverBlind: [{ from: now - 10 * minute, to: now - 9 * minute }],
      },
    }),
    confidence: 'likely',
  },
  {
    cause: 'websocket-blocked',
    when: 'as its own agent saw it after the channel was gone',
    evidence: healthy({
      records: { node: row({ ...noChannel, lastPing: now - minute }) },
      node: {
        by: 'agent',
        endpoints: [endpoint({ websocket: { ok: false, error: 'denied', status: 403 } })],
      },
    }),
  },
  {
    cause: 'channel-backoff',
    when: 'by its own word',
    evidence: healthy({
      records: { node: row(noChannel) },
      node: {
        agents: [
          officialAgent({ waiting: { until: now + 8 * minute, reason: 'channel', source: 'agent log' } }),
        ],
      },
    }),
    fix: restart,
  },
  {
    cause: 'channel-backoff',
    when: 'ours, in the first minutes after the server came back',
    evidence: healthy({
      node: undefined,
      records: { node: row({ ...noChannel, agentName: 'rollcall-agent' }) },
      fleet: {
        serverStartedAt: now - minute,
        serverBlind: [{ from: now - 55 * minute, to: now - minute }],
      },
    }),
    confidence: 'likely',
    says: { until: String(now + 2 * minute) },
  },
  {
    cause: 'channel-refused',
    evidence: healthy({
      node: undefined,
      records: { node: row(noChannel) },
      door: {
        knocks: [
          knock({ reason: 'channel-token-refused', layer: 'http', tie: 'signature', lastAt: now - minute }),
        ],
      },
    }),
  },
  {
    cause: 'session-channel-missing',
    evidence: healthy({ node: undefined, records: { node: row(noChannel) } }),
    confidence: 'likely',
  },
  {
    cause: 'session-channel-missing',
    when: 'an agent without channels',
    evidence: healthy({ node: undefined, records: { node: row({ ...noChannel, agentVersion: '2.2.0.0' }) } }),
  },
  {
    cause: 'nat-idle-or-swap',
    evidence: healthy({
      records: { node: row({ ...noChannel, agentName: 'rollcall-agent' }) },
      node: {
        agents: [
          ownAgent({
            status: {
              state: 'connected',
              at: now,
              channelOpenSince: now - day,
              lastHeartbeatAt: now - minute,
              lastHeartbeatOk: true,
            },
          }),
        ],
      },
    }),
    fix: ['systemctl restart rollcall-agent'],
  },
  {
    cause: 'server-was-away',
    evidence: lost({
      node: undefined,
      records: {
        node: lostRow({
          lastPing: now - 50 * minute,
          channelClosedAt: now - 48 * minute,
          channelClosedBy: 'server',
        }),
      },
      fleet: fleet({ online: 250, serverBlind: [{ from: now - 48 * minute, to: now - 5 * minute }] }),
    }),
    confidence: 'likely',
    fix: [],
  },
  {
    cause: 'thirty-day-hidden',
    evidence: lost({
      node: undefined,
      records: { node: lostRow({ hidden: true, lastPing: now - 40 * day, channelClosedAt: now - 40 * day }) },
    }),
    confidence: 'likely',
  },
];
