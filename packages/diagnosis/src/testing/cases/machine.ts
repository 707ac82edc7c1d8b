/** Machine: power, clocks, room. */

import { hour, knock, lost, machine, minute, node, now, officialAgent } from '../evidence.ts';
import type { Case } from './case.ts';

const disk = node().resources?.disks[0];
const withDisk = (changes: object) =>
  lost({ node: { resources: { disks: [{ ...disk, ...changes }] as never } } });

export const machineCases: readonly Case[] = [
  {
    cause: 'expected-off',
    evidence: lost({ node: undefined, records: { machine: machine({ expected: 'retired', power: 'off' }) } }),
  },
  {
    cause: 'expected-off',
    when: 'out of office hours',
    evidence: lost({
      node: undefined,
      records: { machine: machine({ expected: 'office-hours', power: 'off' }) },
    }),
  },
  {
    cause: 'machine-stopped',
    evidence: lost({ node: undefined, records: { machine: machine({ power: 'off' }) } }),
    ruledOut: ['expected-off'],
  },
  {
    cause: 'server-clock-wrong',
    evidence: lost({
      node: { clock: { aheadMs: -402_000 } },
      fleet: { medianSkewMs: -401_000, skewSamples: 280 },
    }),
    fix: [],
    says: { samples: '280', nodes: '300', skew: '401000' },
  },
  {
    cause: 'time-source-wrong',
    evidence: lost({
      node: { clock: { aheadMs: 900_000 } },
      fleet: { shared: [{ sign: 'skew', nodes: 90, of: 300, examples: [] }] },
    }),
    confidence: 'likely',
    fix: [],
  },
  {
    cause: 'clock-skew',
    evidence: lost({ node: { at: now + hour, clock: { aheadMs: hour } } }),
    fix: ['chronyc makestep'],
    ruledOut: ['server-clock-wrong'],
  },
  {
    cause: 'clock-skew',
    when: 'on a machine with a database: only explained',
    evidence: lost({ node: { clock: { aheadMs: -3_600_000 }, host: { listens: [22, 5432] } } }),
    fix: [],
  },
  {
    cause: 'clock-skew',
    when: 'where nobody looked for a database: only explained',
    evidence: lost({ node: { clock: { aheadMs: -3_600_000 }, host: { listens: undefined } } }),
    fix: [],
  },
  {
    cause: 'clock-skew',
    when: 'at the door, by a signature',
    evidence: lost({
      node: undefined,
      records: { node: { skewMs: undefined } },
      door: { knocks: [knock({ reason: 'signature-expired', detail: 'skew=-1800s', tie: 'signature' })] },
    }),
    says: { skew: '-1800000' },
  },
  {
    cause: 'clock-skew',
    when: 'at the door, by a claim',
    evidence: lost({
      node: undefined,
      records: { node: { skewMs: undefined } },
      door: { knocks: [knock({ reason: 'signature-not-yet-current', detail: 'skew=+1800s', tie: 'claim' })] },
    }),
    confidence: 'likely',
  },
  { cause: 'read-only-filesystem', evidence: withDisk({ readOnly: true, write: 'EROFS' }) },
  { cause: 'inodes-full', evidence: withDisk({ freeInodes: 0, write: 'ENOSPC' }), says: { mount: '/' } },
  {
    cause: 'disk-full',
    evidence: withDisk({ freeBytes: 4096, write: 'ENOSPC' }),
    ruledOut: ['inodes-full', 'read-only-filesystem'],
  },
  { cause: 'noexec-mount', evidence: withDisk({ noexec: true, mount: '/var' }) },
  {
    cause: 'oom-killed',
    evidence: lost({
      node: {
        agents: [officialAgent({ processes: [], service: { active: false, state: 'failed' } })],
        resources: { memory: { kills: [{ at: now - 5 * minute, process: 'amazon-ssm-agen' }] } },
      },
    }),
    says: { process: 'amazon-ssm-agen' },
    ruledOut: ['cpu-or-io-starved'],
  },
  {
    cause: 'inotify-exhausted',
    evidence: lost({
      node: {
        agents: [
          officialAgent({
            log: {
              lines: [
                {
                  at: now - minute,
                  text: 'filewatcher listener encountered error when add watch: no space left on device',
                },
              ],
            },
          }),
        ],
        resources: { inotify: { instances: 128, maxInstances: 128 } },
      },
    }),
  },
  {
    cause: 'file-descriptors-exhausted',
    evidence: lost({
      node: {
        agents: [
          officialAgent({
            processes: [{ pid: 1, name: 'amazon-ssm-agent', openFiles: { count: 1024, limit: 1024 } }],
          }),
        ],
      },
    }),
  },
  {
    cause: 'processes-exhausted',
    evidence: lost({ node: { resources: { processes: { count: 32_767, max: 32_768 } } } }),
  },
  {
    cause: 'cpu-or-io-starved',
    evidence: lost({ node: { resources: { pressure: { io: 88 } } } }),
    confidence: 'likely',
    says: { what: 'io' },
  },
  {
    cause: 'orchestration-dir-explosion',
    evidence: lost({ node: { resources: { orchestrationEntries: 480_000 } } }),
    confidence: 'likely',
  },
];
