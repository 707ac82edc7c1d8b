/** Scope: the right place, and what the books say. */

import {
  day,
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
} from '../evidence.ts';
import type { Case } from './case.ts';

const request = healthy().request;
const gone = {
  node: lostRow({ deregisteredAt: now - hour, deregisteredBy: 'arn:aws:iam::000000000000:user/kenji' }),
};

const told = (end: string) =>
  node({
    agents: [
      ownAgent({
        status: { state: 'refused' },
        log: {
          lines: [
            {
              at: now - minute,
              text: `heartbeat: The server refuses this node (InvalidSignatureException: Credential should be scoped to a valid region, ${end}).`,
            },
          ],
        },
      }),
    ],
  });

export const scopeCases: readonly Case[] = [
  {
    cause: 'name-ambiguous',
    evidence: healthy({
      request: {
        asked: 'web',
        candidates: [
          { id: nodeId, region: 'dc-tokyo' },
          { id: 'mi-0', region: 'dc-osaka' },
        ],
      },
    }),
    says: { count: '2', asked: 'web' },
  },
  {
    cause: 'wrong-region',
    when: 'the same id is registered in another region',
    evidence: {
      now,
      ...(request && { request: { ...request, region: 'dc-osaka' } }),
      records: { elsewhere: [{ nodeId, region: 'dc-tokyo', status: 'Online' }] },
    },
    fix: ['rollcall nodes --region dc-tokyo'],
    says: { found: 'dc-tokyo', region: 'dc-osaka' },
  },
  {
    cause: 'wrong-region',
    when: 'its address is used in another region',
    evidence: {
      now,
      ...(request && { request: { ...request, asked: '10.0.0.7', region: 'dc-osaka' } }),
      records: { elsewhere: [{ nodeId, region: 'dc-tokyo', status: 'Online', by: 'address' }] },
    },
    confidence: 'likely',
    says: { found: 'dc-tokyo' },
  },
  {
    cause: 'wrong-region',
    when: "the agent's own region is another that is served",
    evidence: lost({
      records: { node: undefined },
      node: node({ agents: [officialAgent({ identity: { region: 'dc-osaka' } })] }),
    }),
  },
  {
    cause: 'region-not-served',
    evidence: lost({
      records: { node: undefined },
      node: node({
        agents: [
          officialAgent({ identity: { region: 'us-east-1' }, configuration: { region: 'us-east-1' } }),
        ],
      }),
    }),
    says: { region: 'us-east-1', served: 'dc-tokyo dc-osaka' },
  },
  {
    cause: 'region-not-served',
    when: 'by a claim at the door only',
    evidence: lost({
      node: undefined,
      records: { node: undefined },
      door: { knocks: [knock({ reason: 'wrong-region', detail: 'region=eu-west-1', tie: 'claim' })] },
    }),
    confidence: 'likely',
    says: { region: 'eu-west-1' },
  },
  {
    cause: 'agent-in-other-region',
    when: 'by a claim at the door only',
    evidence: lost({
      node: undefined,
      door: {
        knocks: [knock({ reason: 'wrong-region', detail: 'region=dc-osaka home=dc-tokyo', tie: 'claim' })],
      },
    }),
    confidence: 'likely',
    says: { region: 'dc-osaka', home: 'dc-tokyo' },
    ruledOut: ['wrong-region'],
  },
  {
    cause: 'agent-in-other-region',
    when: 'as its own agent was told',
    evidence: lost({ node: told("not 'dc-osaka': this node is registered in dc-tokyo.") }),
    says: { region: 'dc-osaka', home: 'dc-tokyo' },
  },
  {
    cause: 'agent-in-other-region',
    when: "as its own agent was told so soon after its last heartbeat that clocks by the second can't tell which was first",
    evidence: lost({
      node: told("not 'dc-osaka': this node is registered in dc-tokyo."),
      records: { node: { lastPing: now - minute + 900 } },
    }),
    says: { region: 'dc-osaka', home: 'dc-tokyo' },
  },
  {
    cause: 'region-not-served',
    when: 'as its own agent was told',
    evidence: lost({ node: told("not 'eu-west-1'. Regions served here: dc-tokyo, dc-osaka.") }),
    says: { region: 'eu-west-1', served: 'dc-tokyo dc-osaka' },
  },
  { cause: 'caller-not-authorised', evidence: healthy({ request: { mayList: false } }) },
  {
    cause: 'document-not-allowed',
    evidence: healthy({
      request: { document: { name: 'AWS-RunShellScript', platforms: ['Linux'], mayUse: false } },
    }),
  },
  {
    cause: 'list-filtered-by-platform',
    evidence: healthy({
      request: { document: { name: 'AWS-InstallPowerShellModule', platforms: ['Windows'], mayUse: true } },
    }),
    says: { platform: 'Linux', platforms: 'Windows' },
    ruledOut: ['document-not-allowed'],
  },
  {
    cause: 'machine-replaced',
    evidence: lost({
      node: undefined,
      records: { successor: { nodeId: 'mi-0aaaaaaaaaaaaaaaa', status: 'Online', registeredAt: now - day } },
    }),
    says: { newer: 'mi-0aaaaaaaaaaaaaaaa' },
  },
  {
    cause: 'deregistered',
    evidence: lost({ node: undefined, records: gone }),
    fix: [`rollcall node restore ${nodeId}`],
    says: { by: 'arn:aws:iam::000000000000:user/kenji' },
  },
  { cause: 'deregistered', when: 'seen from the machine as well', evidence: lost({ records: gone }) },
  {
    cause: 'deregistered-in-bulk',
    evidence: lost({
      node: undefined,
      records: {
        ...gone,
        bulkDeregistration: { count: 40, by: 'arn:x', from: now - hour, to: now - hour + minute },
      },
    }),
    says: { count: '40' },
    ruledOut: [],
  },
  {
    cause: 'address-reused',
    evidence: lost({
      node: undefined,
      records: {
        node: undefined,
        machine: machine({ joinedBy: 'address' }),
        addressUsers: [{ address: '10.0.4.7', nodeId: 'mi-0bbbbbbbbbbbbbbbb', at: now - minute }],
      },
    }),
    confidence: 'likely',
    says: { other: 'mi-0bbbbbbbbbbbbbbbb' },
  },
  {
    cause: 'platform-misreported',
    evidence: healthy({
      request: { document: { name: 'AWS-RunShellScript', platforms: ['Linux', 'MacOS'], mayUse: true } },
      records: { node: { platform: 'Windows' } },
    }),
    says: { shown: 'Windows', is: 'Linux' },
  },
];
